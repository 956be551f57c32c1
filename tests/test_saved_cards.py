import json
from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields, http
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing
from odoo.addons.payment_aps.aps.errors import (
    APSError,
    APSOutcomeUnknown,
    APSRefused,
    APSUnreachable,
)
from odoo.addons.payment_aps.aps.values import parse_expiry_date
from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, TOKEN_NAME, APSCommon


@tagged('post_install', '-at_install')
class TestSavedCards(APSCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider.allow_tokenization = True

    def _save_card(self, **values):
        """ Return a saved card. """
        return self.env['payment.token'].create({
            'provider_id': self.provider.id,
            'payment_method_id': self.card.id,
            'partner_id': self.partner.id,
            'payment_details': '0001',
            'provider_ref': TOKEN_NAME,
            'aps_merchant_identifier': MERCHANT_IDENTIFIER,
            'aps_expiry_date': date(2099, 12, 31),
            **values,
        })

    def test_card_is_saved_if_the_shopper_agreed_twice(self):
        """ Test what is kept of the card: nothing that could be used to pay elsewhere. """
        tx = self._create_transaction('redirect', tokenize=True)

        self._notify(self._build_message(tx, agreement_id='Agreement-1'))

        self.assertEqual(tx.state, 'done')
        token = tx.token_id
        self.assertEqual(token.provider_ref, TOKEN_NAME)
        self.assertEqual(token.payment_details, '0001')
        self.assertEqual(token.aps_expiry_date, date(2030, 5, 31))
        self.assertEqual(token.aps_agreement_id, 'Agreement-1')
        self.assertEqual(token.aps_merchant_identifier, MERCHANT_IDENTIFIER)
        self.assertEqual(token.payment_method_code, 'visa')
        self.assertFalse(tx.tokenize)

    def test_card_is_not_saved_without_consent_or_success(self):
        """ Test that no card is saved behind the shopper's back. """
        cases = {
            'not asked for in the shop': ({'tokenize': False}, {}),
            'not ticked on the page': ({'tokenize': True}, {'token_name': None}),
            'declined': ({'tokenize': True}, {'status': '13', 'response_code': '13666'}),
            'pending': ({'tokenize': True}, {'status': '19', 'response_code': '19065'}),
            'card hidden': ({'tokenize': True}, {'card_number': '****************'}),
        }
        for number, (name, (values, changes)) in enumerate(cases.items()):
            with self.subTest(case=name):
                tx = self._create_transaction('redirect', reference=f'T-{number}', **values)
                self._notify(self._build_message(tx, **changes))
                self.assertFalse(tx.token_id)
        self.assertFalse(self.env['payment.token'].search([('provider_ref', '=', TOKEN_NAME)]))

    def test_card_that_the_browser_hides_is_saved_by_the_notification(self):
        """ Test that the order of the answers doesn't matter. """
        tx = self._create_transaction('redirect', tokenize=True)
        self._return(self._build_message(tx, card_number='****************'))
        self.assertEqual(tx.state, 'done')
        self.assertFalse(tx.token_id)

        self._notify(self._build_message(tx))

        self.assertEqual(tx.token_id.payment_details, '0001')

    def test_same_card_is_saved_once(self):
        """ Test that repeated answers and payments don't pile up tokens. """
        for number in range(2):
            tx = self._create_transaction('redirect', reference=f'T-{number}', tokenize=True)
            for _repetition in range(2):
                self._notify(self._build_message(tx))
        tokens = self.env['payment.token'].search([('provider_ref', '=', TOKEN_NAME)])
        self.assertEqual(len(tokens), 1)
        self.assertEqual(tx.token_id, tokens)

    def test_page_is_asked_to_propose_saving_only_if_the_shopper_wants(self):
        """ Test the tick box, and the switch for accounts that refuse it. """
        tx = self._create_transaction('redirect', tokenize=True)
        self.assertEqual(tx._aps_prepare_form_values()['remember_me'], 'YES')

        self.provider.aps_send_remember_me = False
        self.assertNotIn('remember_me', tx._aps_prepare_form_values())

        self.provider.aps_send_remember_me = True
        tx.tokenize = False
        self.assertNotIn('remember_me', tx._aps_prepare_form_values())

    def test_shopper_with_a_saved_card_goes_to_the_payment_page_once(self):
        """ Test that security code and 3-D Secure are asked for, and nobody goes in circles. """
        tx = self._create_transaction('token', token_id=self._save_card().id)
        getattr(tx, '_charge_with_token', tx._send_payment_request)()
        self.assertEqual(tx.state, 'draft')
        values = tx._get_specific_rendering_values({})
        self.assertEqual(values['token_name'], TOKEN_NAME)
        self.assertNotIn('payment_option', values)

        session = self.authenticate(None, None)
        session[PaymentPostProcessing.MONITORED_TX_ID_KEY] = tx.id
        http.root.session_store.save(session)
        first = self.url_open('/payment/status')
        tx.invalidate_recordset()
        self.assertFalse(tx.aps_asked_date, "The shopper has not been there yet.")
        second = self.url_open('/payment/status')
        tx.invalidate_recordset()

        self.assertIn('name="token_name"', first.text)
        self.assertNotIn('name="token_name"', second.text)
        self.assertTrue(tx.aps_asked_date)

    def test_shopper_whose_saved_card_was_deleted_meanwhile_reads_so(self):
        """ Test that the status page tells what the payment page will not be opened for. """
        token = self._save_card()
        tx = self._create_transaction('token', token_id=token.id)
        getattr(tx, '_charge_with_token', tx._send_payment_request)()
        token.active = False
        session = self.authenticate(None, None)
        session[PaymentPostProcessing.MONITORED_TX_ID_KEY] = tx.id
        http.root.session_store.save(session)

        response = self.url_open('/payment/status')

        self.assertEqual(response.status_code, 200)
        self.assertNotIn('name="token_name"', response.text)
        self.assertEqual(tx.state, 'error')
        self.assertIn("was deleted", tx.state_message)

    def test_card_that_cannot_be_charged_says_why(self):
        """ Test that an expired card, or one of another account, is refused before sending. """
        yesterday = fields.Date.today() - timedelta(days=1)
        for values, reason in (
            ({'aps_expiry_date': yesterday}, "has expired"),
            ({'aps_merchant_identifier': 'SomebodyElse'}, "another merchant account"),
        ):
            with self.subTest(reason=reason):
                token = self._save_card(**values)
                with self.assertRaisesRegex(ValidationError, reason):
                    token._aps_check_usable(self.provider)

    def test_card_is_not_sent_with_the_keys_of_another_provider(self):
        """ Test that no payment mixes the token of an account with the keys of another one. """
        token = self._save_card()
        other_provider = self.provider.copy({
            'state': 'test', 'aps_merchant_identifier': 'OtherMerchant', 'aps_access_code': 'Other',
            'aps_sha_request': 'other request', 'aps_sha_response': 'other response',
        })
        tx = self._create_transaction('token', token_id=token.id, provider_id=other_provider.id)
        with self.assertRaisesRegex(ValidationError, "another merchant account"):
            tx._aps_prepare_form_values()
        with self.assertRaisesRegex(ValidationError, "another merchant account"):
            tx._aps_pay_with_token()
        self.assertFalse(tx.aps_is_page_due)

    def test_card_of_a_former_account_is_not_offered_but_listed(self):
        """ Test that the shopper is not offered what would be refused. """
        token = self._save_card(aps_merchant_identifier='FormerMerchant')
        token_model = self.env['payment.token']
        self.assertNotIn(
            token, token_model._get_available_tokens(self.provider.ids, self.partner.id)
        )
        self.assertIn(
            token, token_model._get_available_tokens(None, self.partner.id, is_validation=True)
        )

    def test_expired_card_is_not_offered_but_listed(self):
        """ Test what the shopper sees at checkout, and in the account. """
        token = self._save_card(aps_expiry_date=fields.Date.today() - timedelta(days=1))
        token_model = self.env['payment.token']
        self.assertNotIn(
            token, token_model._get_available_tokens(self.provider.ids, self.partner.id)
        )
        self.assertIn(
            token, token_model._get_available_tokens(None, self.partner.id, is_validation=True)
        )
        self.assertIn("expired", token.display_name)

    def test_saving_a_card_without_paying_is_not_offered(self):
        """ Test that the portal doesn't promise what the payment page can't do. """
        def find(**kwargs):
            return self.env['payment.provider']._get_compatible_providers(
                self.company.id, self.partner.id, 10.0, **kwargs
            )
        self.assertIn(self.provider, find(force_tokenization=True))
        self.assertNotIn(self.provider, find(force_tokenization=True, is_validation=True))

    def test_charges_without_a_document_are_recognised_at_any_time(self):
        """ Test that a request that is run again makes the same charge, seconds later. """
        token = self._save_card()
        fingerprints = [
            self.env['payment.aps.charge']._get_fingerprint(self._create_transaction(
                'direct', operation='offline', reference=reference, token_id=token.id
            )) for reference in (
                'tx-20261123193000-AAAAAAAA', 'tx-20261123193003-BBBBBBBB',
                'tx-20261123193003-1-CCCCCCCC', 'INV-2026-0001-DDDDDDDD', 'INV-2026-0002-EEEEEEEE',
            )
        ]
        self.assertEqual(len(set(fingerprints[:3])), 1)
        self.assertEqual(len(set(fingerprints)), 3)

    @mute_logger('odoo.addons.payment_aps.models.payment_transaction_tokens')
    def test_charge_whose_answer_does_not_fit_is_not_taken_for_failed(self):
        """ Test that it is asked about, as the card may have been charged. """
        tx = self._create_transaction(
            'direct', operation='offline', token_id=self._save_card().id
        )
        for changes in ({'amount': '1'}, {'merchant_reference': None}):
            tx._aps_take_over_charge(self._build_message(tx, **changes))
            self.assertEqual(tx.state, 'pending')
            self.assertTrue(tx.aps_next_check)

    @mute_logger('odoo.addons.payment_aps.models.payment_transaction_tokens')
    def test_charge_whose_answer_cannot_be_applied_is_not_taken_for_failed(self):
        """ Test that a constraint of the shop doesn't have the card charged once more. """
        token = self._save_card()
        for number, error in enumerate((ValidationError("A constraint."), KeyError("A mistake."))):
            tx = self._create_transaction(
                'direct', operation='offline', token_id=token.id, reference=f'C-{number}'
            )
            with self.subTest(error=error):
                with patch.object(type(tx), '_set_done', side_effect=error):
                    tx._aps_take_over_charge(self._build_message(tx))
                self.assertEqual(tx.state, 'pending')
                self.assertTrue(tx.aps_next_check)

                tx._aps_handle(self._build_message(tx))
                self.assertEqual(tx.state, 'done')

    def test_canceled_charge_is_a_failure(self):
        """ Test that a charge, for which no shopper can come back, ends as failed. """
        tx = self._create_transaction(
            'token', operation='offline', token_id=self._save_card().id
        )
        tx._aps_handle(self._build_message(tx, status='01', response_code='01072'))
        self.assertEqual(tx.state, 'error')

    def _lose_charge(self, number='', **values):
        """ Return the declaration of a charge whose transaction was rolled back. """
        tx = self._create_transaction(
            'token', operation='offline', token_id=self._save_card().id,
            reference=f'INV-7{number}-LOST', **values,
        )
        charge_model = self.env['payment.aps.charge']
        charge = charge_model.create({
            'reference': tx.reference, 'attempt': 'lost',
            'fingerprint': charge_model._get_fingerprint(tx),
            'values': charge_model._serialize(tx),
        })
        tx.unlink()
        return charge

    def _settle(self, charge, **changes):
        """ Have the declaration settled by an answer about the charge. """
        answer = {
            'query_command': 'CHECK_STATUS', 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': charge.reference, 'fort_id': '169', 'status': '12',
            'response_code': '12000', **changes,
        }
        answer = {name: value for name, value in answer.items() if value}
        with patch.object(type(self.provider), '_aps_make_request', return_value=answer):
            charge._settle()
        return self._find_lost_tx()

    def _find_lost_tx(self):
        """ Return the transaction that was created anew last, if any. """
        return self.env['payment.transaction'].search(
            [('reference', '=like', 'INV-7%-LOST')], order='id desc', limit=1
        )

    @mute_logger('odoo.addons.payment_aps.models.payment_aps_charge')
    def test_lost_charge_is_recorded_with_what_it_pays(self):
        """ Test that the invoice is paid, not only the card charged. """
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.partner.id,
        })
        charge = self._lose_charge(invoice_ids=[(6, 0, invoice.ids)])
        token = self.env['payment.token'].search([('provider_ref', '=', TOKEN_NAME)])

        tx = self._settle(
            charge, transaction_status='14', transaction_code='14000', captured_amount='12345',
        )

        self.assertEqual(tx.state, 'done')
        self.assertEqual(tx.token_id, token)
        self.assertEqual(tx.amount, self.amount)
        self.assertEqual(tx.invoice_ids, invoice)
        self.assertFalse(charge.exists())

    @mute_logger('odoo.addons.payment_aps.models.payment_aps_charge')
    def test_lost_charge_of_a_deleted_card_is_recorded(self):
        """ Test that it doesn't matter what became of the card since it was charged. """
        charge = self._lose_charge()
        self.env['payment.token'].search([('provider_ref', '=', TOKEN_NAME)]).active = False
        tx = self._settle(
            charge, transaction_status='14', transaction_code='14000', captured_amount='12345',
        )
        self.assertEqual(tx.state, 'done')

    def test_lost_charge_is_kept_while_its_account_cannot_be_asked(self):
        """ Test that the only trace of a charge isn't erased by what another account says. """
        charge = self._lose_charge()
        for values in ({'aps_merchant_identifier': 'Another1'}, {'state': 'disabled'}):
            self.provider.write(values)
            with self.assertRaises(APSError):
                self._settle(charge, response_code='12036')
            self.assertTrue(charge.exists())

    def test_charge_of_a_long_job_may_still_be_on_its_way(self):
        """ Test that its age counts from when it was sent, not from when the job began. """
        tx = self._create_transaction(
            'token', operation='offline', token_id=self._save_card().id
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE payment_transaction SET create_date = create_date - interval '1 hour' "
            "WHERE id = %s", [tx.id],
        )
        answer = {
            'query_command': 'CHECK_STATUS', 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': tx.reference, 'status': '12', 'response_code': '12036',
        }
        tx.invalidate_recordset()
        with patch.object(type(tx.env['payment.aps.charge']), '_declare', return_value=True), \
                patch.object(
                    type(self.provider), '_aps_make_request',
                    side_effect=[APSOutcomeUnknown("ReadTimeout"), answer, answer, answer],
                ), \
                patch('odoo.addons.payment_aps.models.payment_transaction_tokens.time.sleep'), \
                mute_logger('odoo.addons.payment_aps.models.payment_transaction_tokens'):
            tx._aps_charge()
        self.assertEqual(tx.state, 'pending')

    def _age(self, charge, **age):
        """ Have a charge been declared earlier. """
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE payment_aps_charge SET create_date = create_date - %s WHERE id = %s",
            [timedelta(**age), charge.id],
        )
        charge.invalidate_recordset()

    def test_lost_charge_that_was_never_made_is_forgotten(self):
        """ Test that nothing is recorded that APS knows nothing of, once nothing can arrive. """
        charge = self._lose_charge()
        with self.assertRaises(APSError):
            self._settle(charge, response_code='12036')
        self.assertTrue(charge.exists(), "It may still be on its way.")

        self._age(charge, minutes=16)
        self.assertFalse(self._settle(charge, response_code='12036'))
        self.assertFalse(charge.exists())

    def test_lost_charge_is_kept_while_the_query_fails(self):
        """ Test that a query that failed doesn't count as a proof of anything. """
        charge = self._lose_charge()
        self._age(charge, hours=1)
        for status, code in (('11', '11006'), ('00', '00002'), ('00', '00013')):
            with self.subTest(code=code), self.assertRaises(APSError):
                self._settle(charge, status=status, response_code=code)
            self.assertTrue(charge.exists())
            self.assertFalse(self._find_lost_tx())

    @mute_logger('odoo.addons.payment_aps.models.payment_aps_charge')
    def test_lost_charge_that_nobody_can_settle_is_told_to_the_staff(self):
        """ Test that it ends as what it is: unknown, and in the way of another charge. """
        charge = self._lose_charge()
        self._age(charge, days=2)
        account = self.provider._aps_get_account_digest()
        self.provider.aps_merchant_identifier = 'Another1'

        tx = self._settle(charge, response_code='12036')

        self.assertEqual(tx.state, 'pending')
        self.assertIn("dashboard", tx.aps_staff_message)
        self.assertEqual(tx.aps_account, account)
        self.assertFalse(charge.exists())
        self.provider.aps_merchant_identifier = MERCHANT_IDENTIFIER
        again = self._create_transaction(
            'token', operation='offline', token_id=tx.token_id.id, reference='INV-7-AGAIN'
        )
        with self.assertRaisesRegex(ValidationError, "not known yet"):
            again._aps_check_charge()

    @mute_logger(
        'odoo.addons.payment_aps.models.payment_aps_charge',
        'odoo.addons.payment_aps.models.payment_transaction_cron',
        'odoo.addons.payment_aps.models.payment_transaction_tokens',
    )
    def test_lost_charge_of_which_aps_tells_nothing_clear_is_pending(self):
        """ Test that it is in the way of another charge until it is clear. """
        for number, changes in enumerate((
            {'transaction_status': '14', 'transaction_code': '14000', 'captured_amount': '1'},
            {'transaction_status': '40', 'transaction_code': '40090'},
            {'transaction_status': None},
            {'merchant_identifier': 'SomebodyElse', 'transaction_status': '14'},
        )):
            with self.subTest(changes=changes):
                charge = self._lose_charge(number)
                self._age(charge, hours=1)
                tx = self._settle(charge, **changes)
                self.assertEqual(tx.state, 'pending')
                self.assertTrue(tx.aps_next_check)
                self.assertFalse(charge.exists())

    @mute_logger('odoo.addons.payment_aps.models.payment_aps_charge')
    def test_lost_charge_is_recorded_though_its_documents_are_lost_as_well(self):
        """ Test that a rollback of whatever it referred to doesn't leave the money unrecorded. """
        charge = self._lose_charge()
        values = json.loads(charge.values)
        lost_id = 2 ** 31 - 1
        for name in ('partner_id', 'token_id'):
            values[name] = lost_id
        for name in ('invoice_ids', 'sale_order_ids', 'aps_noted_invoices'):
            values[name] = [lost_id]
        charge.values = json.dumps(values)

        tx = self._settle(
            charge, transaction_status='14', transaction_code='14000', captured_amount='12345',
        )

        self.assertEqual(tx.state, 'done')
        self.assertFalse(tx.invoice_ids)
        self.assertEqual(tx.partner_id, self.provider.company_id.partner_id)

    @mute_logger('odoo.addons.payment_aps.models.payment_aps_charge')
    def test_lost_charge_is_told_to_who_waits_for_it(self):
        """ Test that the callback of a charge, in the series that have some, survives. """
        if 'callback_method' not in self.env['payment.transaction']._fields:
            self.skipTest("There are no callbacks in this series.")
        charge = self._lose_charge(
            callback_model_id=self.env['ir.model']._get_id('res.partner'),
            callback_res_id=self.partner.id, callback_method='_aps_test_callback',
        )
        with patch.object(
            type(self.partner), '_aps_test_callback', create=True, return_value=True
        ) as callback:
            self._settle(
                charge, transaction_status='14', transaction_code='14000', captured_amount='12345',
            )
        self.assertEqual(callback.call_count, 1)

    def _declare_charge(self, **values):
        """ Return an offline transaction whose charge is declared, and the declaration. """
        tx = self._create_transaction('token', **{
            'operation': 'offline', 'token_id': self._save_card().id, 'reference': 'INV-8-DECLARED',
            **values,
        })
        charge_model = self.env['payment.aps.charge']
        return tx, charge_model.create({
            'reference': tx.reference, 'attempt': 'another',
            'fingerprint': charge_model._get_fingerprint(tx),
            'values': charge_model._serialize(tx),
        })

    def _charge(self, tx, *answers):
        """ Have a transaction charged.

        :param recordset tx: The transaction.
        :param list[dict|Exception] answers: What APS answers.
        :return: The commands that were sent.
        :rtype: list[str]
        """
        with patch.object(
            type(self.provider), '_aps_make_request', side_effect=answers
        ) as request, patch(
            'odoo.addons.payment_aps.models.payment_transaction_tokens.time.sleep'
        ), mute_logger('odoo.addons.payment_aps.models.payment_transaction_tokens'):
            tx._aps_charge()
        return [
            call.args[0].get('command') or call.args[0]['query_command']
            for call in request.call_args_list
        ]

    def test_declared_charge_of_a_draft_is_in_the_way_of_another_one(self):
        """ Test that a draft whose charge may have been sent isn't taken for a recorded one. """
        tx, _charge = self._declare_charge()
        again = self._create_transaction(
            'token', operation='offline', token_id=tx.token_id.id, reference='INV-8-AGAIN'
        )
        self.env.flush_all()
        with self.assertRaisesRegex(ValidationError, "not known yet"):
            self._charge(again)
        self.assertEqual(again.reference, 'INV-8-AGAIN')

    def test_declared_charge_is_asked_about_by_its_own_transaction(self):
        """ Test that a caller who tries the same transaction again doesn't charge again. """
        tx, _charge = self._declare_charge()
        self.env.flush_all()
        account = tx.aps_account
        answer = {
            'query_command': 'CHECK_STATUS', 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': tx.reference, 'fort_id': '169', 'status': '12',
            'response_code': '12000', 'transaction_status': '14', 'transaction_code': '14000',
            'captured_amount': '12345',
        }
        self.assertEqual(self._charge(tx, answer), ['CHECK_STATUS'])
        self.assertEqual((tx.state, tx.aps_account), ('done', account))

    def test_pending_charge_is_not_sent_again(self):
        """ Test that its own transaction only asks, even when the declaration is forgotten. """
        tx = self._create_transaction(
            'token', operation='offline', token_id=self._save_card().id
        )
        tx._set_pending()
        unknown = [APSOutcomeUnknown("ReadTimeout")] * 3
        self.assertEqual(self._charge(tx, *unknown), ['CHECK_STATUS'] * 3)
        self.assertEqual(tx.state, 'pending')

    def test_declared_draft_is_made_pending_and_asked_about(self):
        """ Test that a draft whose charge may have been sent isn't forgotten as one. """
        tx, charge = self._declare_charge()
        self._age(charge, hours=1)
        charge._settle()
        self.assertEqual(tx.state, 'pending')
        self.assertLessEqual(tx.aps_next_check, fields.Datetime.now())
        self.assertFalse(charge.exists())

    def test_charge_that_is_not_recorded_yet_is_known_as_declared(self):
        """ Test that a notice that comes before the request is committed is no stranger's. """
        charge = self._lose_charge()
        charge_model = self.env['payment.aps.charge']
        self.assertTrue(charge_model._is_declared(charge.reference))
        for reference in ('INV-7-OTHER', '', None, 'x' * 10 ** 4):
            self.assertFalse(charge_model._is_declared(reference))

    def test_late_success_is_booked_though_its_payment_was_deleted(self):
        """ Test that a charge that is confirmed late is post-processed once more. """
        tx = self._create_transaction(
            'token', operation='offline', token_id=self._save_card().id
        )
        tx._set_pending()
        tx.is_post_processed = True  # With an accounting payment, which somebody has deleted.
        tx._aps_handle(self._build_message(tx))
        self.assertEqual(tx.state, 'done')
        self.assertFalse(tx.is_post_processed)

    def test_imported_card_belongs_to_the_account_of_its_provider(self):
        """ Test that a card that a script creates can be used, but not by another account. """
        token = self._save_card(aps_merchant_identifier=False)
        token._aps_check_usable(self.provider)
        self.provider.aps_merchant_identifier = 'Another1'
        with self.assertRaisesRegex(ValidationError, "another merchant account"):
            token._aps_check_usable(self.provider)

    @mute_logger('odoo.addons.payment_aps.models.payment_token')
    def test_deleted_cards_of_others_are_told_though_one_is_not(self):
        """ Test that neither an account that can't be reached nor a card is in the way. """
        other_provider = self.provider.copy({
            'state': 'test', 'aps_merchant_identifier': 'OtherMerchant', 'aps_access_code': 'Other',
            'aps_sha_request': 'other request', 'aps_sha_response': 'other response',
        })
        tokens = self.env['payment.token'].create([{
            'provider_id': provider.id, 'payment_method_id': self.card.id,
            'partner_id': self.partner.id, 'provider_ref': name,
            'aps_merchant_identifier': provider.aps_merchant_identifier,
        } for provider, name in (
            (self.provider, 'unreachable'), (self.provider, 'not asked'),
            (other_provider, 'refused'), (other_provider, 'unclear'), (other_provider, 'told'),
        )])
        tokens.write({'active': False, 'aps_is_deactivation_due': True})

        def answer(provider, payload):
            if provider == self.provider:
                raise APSUnreachable("ConnectTimeout")
            if payload['token_name'] == 'refused':
                raise APSRefused({'response_code': '00013'})
            return {'status': '00' if payload['token_name'] == 'unclear' else '58'}

        with patch.object(type(self.provider), '_aps_make_request', answer):
            self.env['payment.token']._gc_aps_tokens()

        self.assertEqual(
            tokens.mapped('aps_is_deactivation_due'), [True, True, True, True, False]
        )

    def test_expiry_dates_of_answers(self):
        """ Test that a card is valid to the end of its month, and rubbish is no date. """
        self.assertEqual(parse_expiry_date('2802'), date(2028, 2, 29))
        self.assertEqual(parse_expiry_date('3012'), date(2030, 12, 31))
        for rubbish in (None, '', '****', '3013', '3000', '305', '30051', '٣٠٠٥'):
            self.assertIsNone(parse_expiry_date(rubbish))
