from datetime import timedelta
from unittest.mock import patch

from psycopg2 import errors

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment.models.payment_transaction import PaymentTransaction
from odoo.addons.payment_aps.aps.errors import APSMessageRefused, APSOutcomeUnknown
from odoo.addons.payment_aps.aps.message import Answer
from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER
from odoo.addons.payment_aps.tests.status_common import NOT_FOUND, StatusCommon


@tagged('post_install', '-at_install')
class TestStatusAnswers(StatusCommon):
    """ What the answers to queries, and the notices of operations, are believed to say. """

    #=== Sums ===#

    def test_sums_of_another_amount_do_not_pay(self):
        """ Test that neither an order is confirmed nor a payment done by the wrong sum. """
        for number, (status, sums) in enumerate((
            ('14', {'captured_amount': '100'}),
            ('14', {'captured_amount': '100', 'refunded_amount': '0'}),
            ('14', {'captured_amount': '10001'}),
            ('02', {'authorized_amount': '100', 'captured_amount': '0'}),
        )):
            with self.subTest(status=status, **sums):
                tx = self._create_transaction('redirect', reference=f'SUM-{number}')
                tx._aps_handle(self._build_answer(tx, status, **sums))
                self.assertEqual(tx.state, 'draft')

    def test_captured_in_part_and_refunded_is_not_captured_in_full(self):
        """ Test that sums that can be read in two ways are read in the careful one. """
        self.env.cr.execute(
            'UPDATE payment_provider SET capture_manually = true WHERE id = %s', [self.provider.id]
        )
        self.provider.invalidate_recordset()
        sums = {'authorized_amount': '10000', 'captured_amount': '7000', 'refunded_amount': '3000'}
        tx = self._create_transaction('redirect')
        charge = self._create_transaction('direct', operation='offline', reference='CHARGE')
        self.provider.capture_manually = False  # What the provider does now is of no interest.
        tx._aps_handle(self._build_answer(tx, '06', **sums))
        self.assertNotEqual(tx.state, 'done')
        charge._aps_handle(self._build_answer(charge, '06', **sums))
        self.assertEqual(charge.state, 'done', "It was taken at once, and a part given back.")

    def test_command_is_that_of_the_form(self):
        """ Test that a setting that is changed before the form is made counts for the payment. """
        tx = self._create_transaction('redirect')
        self.assertEqual(tx.aps_payment_command, 'PURCHASE')
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE payment_provider SET capture_manually = true WHERE id = %s', [self.provider.id]
        )
        self.provider.invalidate_recordset()
        self.assertEqual(tx._aps_prepare_form_values()['command'], 'AUTHORIZATION')
        self.assertEqual(tx.aps_payment_command, 'AUTHORIZATION')

    def test_missing_sum_is_not_zero(self):
        """ Test that an executed capture isn't declared failed, to be made a second time. """
        tx = self._create_transaction('redirect', state='authorized')
        sent = fields.Datetime.now() - timedelta(minutes=20)
        capture_tx = self._send_operation(tx, 'CAPTURE', 40, sent)

        tx._aps_handle(self._build_answer(tx, '04'))

        self.assertEqual(capture_tx.aps_request_state, 'sent')

    def test_sum_without_the_refund_does_not_confirm_it(self):
        """ Test that an answer about another refund isn't taken for this one. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 50)
        refund_tx._aps_settle_refund(Answer(
            self._build_answer(tx, '06', captured_amount='10000', refunded_amount='3000')
        ))
        self.assertEqual(refund_tx.aps_request_state, 'sent')

    def test_refund_that_is_never_told_about_comes_to_an_end(self):
        """ Test that other refunds are possible once it was asked about for long enough. """
        tx = self._create_transaction('redirect', state='done')
        for days, status, code, state in (
            (3, '14', '14000', 'sent'), (5, '14', '14000', False), (5, '07', '07006', False),
        ):
            with self.subTest(days=days, code=code):
                sent = fields.Datetime.now() - timedelta(days=days)
                refund_tx = self._send_operation(tx, 'REFUND', 10, sent)
                refund_tx._aps_settle_refund(Answer(
                    self._build_answer(tx, status, transaction_code=code)
                ))
                self.assertEqual(refund_tx.aps_request_state, state)
                self.assertEqual(refund_tx.state, 'pending' if state else 'error')
                self.assertIn("asking until" if state else "can't be", refund_tx.aps_staff_message)
        failed_query = {
            **self._build_answer(tx, '06'), 'status': '00', 'response_code': '00001',
        }
        for days, state in ((3, 'pending'), (5, 'error')):
            sent = fields.Datetime.now() - timedelta(days=days)
            refund_tx = self._send_operation(tx, 'REFUND', 10, sent)
            refund_tx._aps_settle_refund(Answer(failed_query))
            self.assertEqual(refund_tx.state, state)

    def test_capture_or_void_that_is_never_told_about_comes_to_an_end(self):
        """ Test that other operations are possible once it was asked about for long enough. """
        untold = {'response_code': '00001', 'transaction_status': None}
        for number, (command, status, changes) in enumerate((
            ('CAPTURE', '04', {}), ('CAPTURE', '', NOT_FOUND), ('CAPTURE', '04', untold),
            ('VOID_AUTHORIZATION', '09', {}), ('VOID_AUTHORIZATION', '', NOT_FOUND),
        )):
            for days, state in ((3, 'sent'), (5, False)):
                tx = self._create_transaction(
                    'redirect', reference=f'END-{number}-{days}', state='authorized'
                )
                sent = fields.Datetime.now() - timedelta(days=days)
                child_tx = self._send_operation(tx, command, 40, sent)
                with self.subTest(command=command, days=days, **changes):
                    tx._aps_handle(self._build_answer(tx, status, **changes))
                    self.assertEqual(child_tx.aps_request_state, state)
                    self.assertEqual(tx.state, 'authorized')

    def test_notice_of_another_amount_does_not_confirm_a_refund(self):
        """ Test that 30 refunded in the back office are not 50 refunded from Odoo. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 50)
        tx._aps_handle(self._build_notice(
            tx, 'REFUND', maintenance_reference=refund_tx.reference, amount='3000',
            status='06', response_code='06000',
        ))
        self.assertEqual(refund_tx.aps_request_state, 'sent')

    def test_refusal_by_a_route_does_not_fail_a_refund(self):
        """ Test that a refund isn't repeated because of what somebody else had APS refuse. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 50)
        notice = self._build_notice(
            tx, 'REFUND', maintenance_reference=refund_tx.reference, amount='5000',
            status='00', response_code='00030',
        )
        tx._aps_handle(notice)
        self.assertEqual(refund_tx.aps_request_state, 'sent')
        self.assertTrue(tx._aps_is_check_due())
        tx._aps_take_answer(notice, refund_tx)
        self.assertEqual(refund_tx.state, 'error', "The answer to our own request counts.")

    def test_notice_that_does_not_fit_the_payment_is_refused(self):
        """ Test that an operation is about the currency of the payment, and no more than it. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 100)
        for changes in (
            {'currency': 'XXX'}, {'amount': '10001'}, {'amount': '0'}, {'amount': '1e4'},
        ):
            with self.subTest(**changes), self.assertRaises(APSMessageRefused):
                tx._aps_handle(self._build_notice(tx, 'REFUND', **{
                    'maintenance_reference': refund_tx.reference, 'amount': '10000',
                    'status': '06', 'response_code': '06000', **changes,
                }))
            self.assertEqual(refund_tx.state, 'pending')

    def test_failed_refund_that_was_taken_over_is_not_confirmed_as_well(self):
        """ Test that the late notice of a refund doesn't record it a second time. """
        tx = self._create_transaction('redirect', state='done', is_post_processed=True)
        failed_tx = self._send_operation(tx, 'REFUND', 30)
        failed_tx.write({'state': 'error', 'aps_request_state': False})
        tx._aps_handle(
            self._build_answer(tx, '06', captured_amount='10000', refunded_amount='3000')
        )
        tx._aps_handle(self._build_notice(
            tx, 'REFUND', maintenance_reference=failed_tx.reference, amount='3000',
            status='06', response_code='06000',
        ))
        refunded = tx.child_transaction_ids.filtered(lambda child: child.state == 'done')
        self.assertEqual(sum(refunded.mapped('amount')), -30)

    #=== Voids and captures ===#

    def test_voided_payment_is_not_authorized_again(self):
        """ Test that an order isn't confirmed by what was true before the void. """
        # In 19.0, a child transaction carries the void.
        for number, is_child in enumerate({False, hasattr(PaymentTransaction, '_void')}):
            tx = self._create_transaction('redirect', reference=f'V-{number}', state='authorized')
            void_tx = self._send_operation(tx, 'VOID_AUTHORIZATION') if is_child else tx
            void_tx.write({'aps_operation': 'VOID_AUTHORIZATION', 'aps_request_state': 'sent'})
            void_tx._aps_apply_outcome('done', '08000')
            self.assertEqual(tx.state, 'cancel')
            with self.subTest(is_child=is_child):
                tx._aps_handle(self._build_answer(tx, '02', authorized_amount='10000'))
                tx._aps_handle(self._build_message(tx, command='AUTHORIZATION', status='02'))
                self.assertEqual(tx.state, 'cancel')

    def test_void_of_the_back_office_ends_a_capture_that_never_arrived(self):
        """ Test that the payment isn't left authorized with nobody asking any more. """
        tx = self._create_transaction('redirect', state='authorized')
        hour_ago = fields.Datetime.now() - timedelta(hours=1)
        tx.write({
            'aps_operation': 'CAPTURE', 'aps_request_state': 'sent', 'aps_request_date': hour_ago,
        })
        tx._aps_handle(
            self._build_answer(tx, '08', authorized_amount='10000', captured_amount='0')
        )
        self.assertEqual(tx.state, 'cancel')

    def test_void_beside_a_queued_capture_is_refused(self):
        """ Test that only the rest that the wizard closes along with a capture is a rest. """
        tx = self._create_transaction('redirect', state='authorized')
        getattr(tx, '_capture', tx._send_capture_request)(40)
        void = getattr(tx, '_void', None) or tx._send_void_request
        for amount in (None, 100):
            with self.assertRaises(UserError):  # Which rolls back, as the request would.
                void(amount)
        void(60)
        commands = tx.child_transaction_ids.mapped('aps_operation')
        self.assertEqual(sorted(commands), ['CAPTURE', 'LAPSE'])

    def test_lapsed_authorization_can_be_closed(self):
        """ Test that a payment that the bank has released doesn't stay authorized for ever. """
        tx = self._create_transaction('redirect', state='authorized')
        tx.last_state_change = fields.Datetime.now()
        with self.assertRaisesRegex(UserError, "Void it instead"):
            tx.action_aps_close_remaining()
        tx.last_state_change = fields.Datetime.now() - timedelta(days=8)
        tx.action_aps_close_remaining()
        self.assertEqual(tx.state, 'cancel')

        # APS knows nothing of what the bank does, and still tells of an authorization.
        tx._aps_handle(self._build_answer(tx, '02', authorized_amount='10000'))
        tx._aps_handle(self._build_message(tx, command='AUTHORIZATION', status='02'))
        self.assertEqual(tx.state, 'cancel')

        tx._aps_handle(self._build_answer(tx, '04', captured_amount='4000'))
        [capture_tx] = tx.child_transaction_ids
        self.assertEqual((capture_tx.amount, capture_tx.state), (40, 'done'))

    def test_payment_of_another_provider_is_not_closed(self):
        """ Test that the button, called by a program, leaves alone what isn't ours. """
        tx = self._create_transaction('redirect', state='authorized')
        tx.last_state_change = fields.Datetime.now() - timedelta(days=8)
        self.env.flush_all()
        self.env.cr.execute(  # The engine has no other provider that can authorize.
            'UPDATE payment_transaction SET provider_id = %s WHERE id = %s',
            [self.dummy_provider.id, tx.id],
        )
        tx.invalidate_recordset()
        with self.assertRaisesRegex(UserError, "no remaining amount"):
            tx.action_aps_close_remaining()

    def test_capture_of_the_back_office_after_the_rest_was_closed_is_taken_over(self):
        """ Test that money that was taken in spite of Odoo's bookkeeping is in Odoo. """
        tx = self._create_transaction('redirect', state='authorized')
        self._send_operation(tx, 'CAPTURE', 60)._aps_apply_outcome('done', '04000')
        tx.action_aps_close_remaining()
        self.assertEqual(tx.state, 'done')

        for _repetition in range(2):
            tx._aps_handle(self._build_answer(tx, '04', captured_amount='10000'))
            tx._aps_handle(self._build_answer(tx, '04', captured_amount='12000'))

        captured = tx._aps_get_captured()
        self.assertEqual(sorted(captured.mapped('amount')), [40, 60])
        self.assertEqual(tx.state, 'done')

    def test_card_that_was_deleted_does_not_stop_operations(self):
        """ Test that a payment can be captured and refunded, and what APS tells is taken over. """
        token = self.env['payment.token'].create({
            'provider_id': self.provider.id, 'payment_method_id': self.card.id,
            'partner_id': self.partner.id, 'payment_details': '0001', 'provider_ref': 'Tok',
        })
        tx = self._create_transaction('redirect', state='authorized', token_id=token.id)
        paid_tx = self._create_transaction(
            'redirect', reference='PAID', state='done', is_post_processed=True, token_id=token.id
        )
        token.active = False

        getattr(tx, '_capture', tx._send_capture_request)(40)
        self.assertEqual(tx.child_transaction_ids.aps_request_state, 'queued')
        paid_tx._aps_handle(
            self._build_answer(paid_tx, '06', captured_amount='10000', refunded_amount='3000')
        )
        self.assertEqual(paid_tx.child_transaction_ids.amount, -30)
        paid_tx.action_refund(amount_to_refund=10)
        self.assertEqual(sorted(paid_tx.child_transaction_ids.mapped('amount')), [-30, -10])

    def test_captured_parts_are_refunded_rather_than_the_whole(self):
        """ Test that the sum of what was captured is the limit. """
        tx = self._create_transaction('redirect', state='authorized')
        self._send_operation(tx, 'CAPTURE', 40)._aps_apply_outcome('done', '04000')
        with self.assertRaisesRegex(UserError, "captured parts"):
            tx._aps_check_refund(40)

    def test_refund_is_recorded_even_if_its_payment_cannot_be_accounted(self):
        """ Test that money that was given back doesn't depend on a lock date. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 30)
        error = UserError("The journal is locked.")
        with patch.object(type(tx), '_aps_post_process', side_effect=error), \
                mute_logger('odoo.addons.payment_aps.models.payment_transaction_operations'):
            tx._aps_handle(self._build_notice(
                tx, 'REFUND', maintenance_reference=refund_tx.reference, amount='3000',
                status='06', response_code='06000',
            ))
        self.assertEqual(refund_tx.state, 'done')

    #=== Sending ===#

    def _assert_not_sent(self, tx):
        """ Fail if an operation is sent. Its commits are left out, as they would end the test. """
        with patch.object(type(self.provider), '_aps_make_request') as make_request, \
                patch.object(self.env.cr, 'commit') as commit:
            tx._aps_send_operation()
        commit.assert_called_once()
        make_request.assert_not_called()

    def test_operation_that_somebody_else_sends_is_not_sent(self):
        """ Test that an operation is sent by the one who marks it so. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 30)
        self._assert_not_sent(refund_tx)
        self.assertEqual(refund_tx.aps_request_state, 'sent')

    def test_operation_that_was_sent_meanwhile_is_not_declared_unsent(self):
        """ Test that nobody is told to repeat what another process has just sent. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 30)
        self.provider.state = 'disabled'
        self._assert_not_sent(refund_tx)
        self.assertEqual(refund_tx.aps_request_state, 'sent')
        self.assertEqual(refund_tx.state, 'pending')

    def test_operation_of_a_disabled_provider_is_not_sent(self):
        """ Test that nothing is left waiting for an account that is no longer used. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 30)
        refund_tx.aps_request_state = 'queued'
        self.provider.state = 'disabled'
        self._assert_not_sent(refund_tx)
        self.assertEqual(refund_tx.state, 'error')
        self.assertFalse(refund_tx.aps_request_state)
        self.assertIn("Nothing was sent", refund_tx.aps_staff_message)

    #=== Schedule ===#

    def test_payment_is_asked_about_until_it_is_settled(self):
        """ Test that nothing that can still change is forgotten. """
        for number, (state, age, is_asked) in enumerate((
            ('draft', {'days': 1}, True),
            ('pending', {'days': 1}, True),
            ('error', {'days': 1}, True),
            ('error', {'days': 5}, False),
            ('cancel', {'days': 1}, True),
            ('done', {'hours': 1}, False),
        )):
            with self.subTest(state=state, **age):
                tx = self._create_transaction('redirect', reference=f'A-{number}', state=state)
                self._age(tx, **age)
                tx._aps_schedule_check()
                self.assertEqual(bool(tx.aps_next_check), is_asked)

    def test_authorized_payment_is_asked_about_every_day_of_its_window(self):
        """ Test that a void of the back office is found although its notice got lost. """
        tx = self._create_transaction('redirect', state='authorized')
        for days, is_asked in ((0, True), (7, True), (9, False)):
            with self.subTest(days=days):
                tx.last_state_change = fields.Datetime.now() - timedelta(days=days)
                tx._aps_schedule_check()
                self.assertEqual(bool(tx.aps_next_check), is_asked)

    def test_operation_that_the_sums_do_not_show_yet_is_asked_about_for_a_while(self):
        """ Test that a refund of the back office isn't lost if the sums come after the notice. """
        tx = self._create_transaction('redirect', state='done', is_post_processed=True)
        notice = self._build_notice(
            tx, 'REFUND', maintenance_reference='BO-1', amount='3000', status='06',
            response_code='06000',
        )
        tx._aps_handle(notice)
        self.assertTrue(tx._aps_is_check_due())
        for minutes, is_asked in ((0, True), (15, True), (70, False)):
            tx.aps_last_notice = fields.Datetime.now() - timedelta(minutes=minutes)
            tx._aps_schedule_check()
            self.assertEqual(bool(tx.aps_next_check), is_asked)

    def test_notice_of_what_is_recorded_is_not_followed_for_long(self):
        """ Test that the echo of each refund and capture of ours doesn't cause many queries. """
        tx = self._create_transaction('redirect', state='authorized')
        self._send_operation(tx, 'CAPTURE', 100)._aps_apply_outcome('done', '04000')
        capture_tx = tx.child_transaction_ids
        refund_tx = self._send_operation(capture_tx, 'REFUND', 30)
        refund_tx._aps_apply_outcome('done', '06000')
        tx._aps_handle(self._build_notice(
            tx, 'CAPTURE', amount='10000', status='04', response_code='04000'
        ))
        tx._aps_handle(self._build_notice(
            tx, 'REFUND', maintenance_reference=refund_tx.reference, amount='3000', status='06',
            response_code='06000',
        ))
        self.assertFalse(tx.aps_last_notice)

    def test_last_check_is_repeated_if_it_fails(self):
        """ Test that a refund of the back office isn't lost to a conflict or another module. """
        tx = self._create_transaction('redirect', state='done', is_post_processed=True)
        for error in (
            errors.SerializationFailure("conflict"), ValidationError("A constraint."),
            APSOutcomeUnknown("ReadTimeout"),
        ):
            with self.subTest(error=error):
                self._check_in_batch(tx, error)
                self.assertGreater(tx.aps_next_check, fields.Datetime.now())

    def test_queries_that_are_refused_come_to_an_end(self):
        """ Test an account that may not ask: neither operations nor queries go on for ever. """
        refusal = {'status': '11', 'response_code': '11043'}
        for days, state, is_kept in ((3, 'sent', True), (5, False, True), (31, False, False)):
            tx = self._create_transaction('redirect', reference=f'REF-{days}', state='done')
            sent = fields.Datetime.now() - timedelta(days=days)
            refund_tx = self._send_operation(tx, 'REFUND', 30, sent)
            self._age(tx, days=days)
            with self.subTest(days=days):
                self._check_in_batch(tx, lambda *_args: refusal)
                self.assertEqual(refund_tx.aps_request_state, state)
                self.assertEqual(bool(tx.aps_next_check), is_kept)

    def test_answer_about_another_account_is_no_error_of_ours(self):
        """ Test that an answer that doesn't fit changes nothing, and is no crash in the log. """
        tx = self._create_transaction('redirect')
        answer = self._build_answer(tx, '14', merchant_identifier='Another1')
        with patch(
            'odoo.addons.payment_aps.models.payment_transaction_cron._logger.exception'
        ) as log_error:
            self._check_in_batch(tx, lambda *_args: answer)
        log_error.assert_not_called()
        self.assertEqual(tx.state, 'draft')
        self.assertGreater(tx.aps_next_check, fields.Datetime.now())

    def test_charge_is_asked_about_from_when_it_was_sent(self):
        """ Test a charge at the end of a long job, whose transaction was created long before. """
        tx = self._create_transaction('redirect', operation='offline', state='pending')
        self._age(tx, hours=3)
        tx.aps_request_date = fields.Datetime.now()
        tx._aps_schedule_check()
        self.assertLess(tx.aps_next_check, fields.Datetime.now() + timedelta(minutes=3))

    def test_notice_during_a_check_is_asked_about_afterwards(self):
        """ Test that the answer to an older query doesn't cancel the next one. """
        tx = self._create_transaction('redirect', state='done', is_post_processed=True)

        def answer(*_args):
            tx.aps_next_check = fields.Datetime.now()
            return self._build_answer(tx, '14', captured_amount='10000')

        self._check_in_batch(tx, answer)
        self.assertTrue(tx._aps_is_check_due())

    #=== Another account ===#

    def _change_account(self):
        """ Have the provider be for another merchant account. """
        self.provider.aps_merchant_identifier = 'Another1'

    def test_another_account_is_not_asked_about_a_payment(self):
        """ Test that a payment isn't canceled because an account knows nothing of it. """
        tx = self._create_transaction('redirect')
        self._age(tx, days=5)
        for change in (self._change_account, lambda: self.provider.write({'state': 'enabled'})):
            change()
            with patch.object(type(self.provider), '_aps_make_request') as make_request, \
                    self.assertRaisesRegex(UserError, "another merchant account"):
                tx.action_aps_check_status()
            make_request.assert_not_called()
            self.provider.write({
                'state': 'test', 'aps_merchant_identifier': MERCHANT_IDENTIFIER,
            })
        with patch.object(
            type(self.provider), '_aps_make_request',
            return_value=self._build_answer(tx, '', **NOT_FOUND),
        ):
            tx.action_aps_check_status()
        self.assertEqual(tx.state, 'cancel')

    def test_checks_go_on_when_the_account_is_back(self):
        """ Test that a payment that couldn't be asked about to the end of its schedule is. """
        tx = self._create_transaction('redirect')
        self._age(tx, days=5)
        paid_tx = self._create_transaction('redirect', reference='PAID', state='done')
        self._send_operation(paid_tx, 'REFUND', 30)
        self._change_account()
        self._check_in_batch(tx, AssertionError)
        self._check_in_batch(paid_tx, AssertionError)
        self.assertEqual(tx.state, 'draft')
        authorized_tx = self._create_transaction(
            'redirect', reference='AUTHORIZED', state='authorized'
        )
        declined_tx = self._create_transaction('redirect', reference='DECLINED', state='error')
        forgotten_tx = self._create_transaction('redirect', reference='FORGOTTEN')
        self._age(forgotten_tx, days=400)
        txs = tx | paid_tx | authorized_tx | declined_tx
        (txs | forgotten_tx).write({'aps_account': tx.aps_account, 'aps_next_check': False})

        self.provider.aps_access_code = 'Another2'
        self.assertFalse(tx.aps_next_check)
        self.provider.aps_merchant_identifier = MERCHANT_IDENTIFIER
        for resumed_tx in txs:
            with self.subTest(reference=resumed_tx.reference):
                self.assertTrue(resumed_tx._aps_is_check_due())
        self.assertFalse(forgotten_tx.aps_next_check, "Those of today would wait for it.")

    def test_operation_is_not_sent_to_another_account(self):
        """ Test that it fails with what to do, rather than wait for an outcome for ever. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = self._send_operation(tx, 'REFUND', 30)
        refund_tx.aps_request_state = 'queued'
        self._change_account()
        self._assert_not_sent(refund_tx)
        self.assertEqual(refund_tx.state, 'error')
        self.assertIn("Nothing was sent", refund_tx.aps_staff_message)

    def test_form_is_of_the_account_that_it_is_made_with(self):
        """ Test that a payment is known by the account whose keys sign its form. """
        tx = self._create_transaction('redirect')
        former_account = tx.aps_account
        self._change_account()
        tx._aps_prepare_form_values()
        self.assertNotEqual(tx.aps_account, former_account)
        self.provider._aps_ensure_can_ask(tx.aps_account)

    def test_payment_is_asked_about_when_it_is_to_be_abandoned(self):
        """ Test that a longer time than the schedule's is heeded. """
        self.env['ir.config_parameter'].set_param('payment_aps.abandon_hours', '200')
        tx = self._create_transaction('redirect')
        self._age(tx, hours=97)
        tx._aps_handle(self._build_answer(tx, '', **NOT_FOUND))
        tx._aps_schedule_check()
        self.assertEqual(tx.state, 'draft')
        wait = tx.aps_next_check - tx.create_date
        self.assertAlmostEqual(wait.total_seconds(), 200 * 3600, delta=2)

    def test_payment_is_not_kept_longer_than_wanted(self):
        """ Test that a time between two checks of the schedule is heeded as well. """
        self.env['ir.config_parameter'].set_param('payment_aps.abandon_hours', '6')
        tx = self._create_transaction('redirect')
        self._age(tx, hours=2)
        tx._aps_schedule_check()
        wait = tx.aps_next_check - tx.create_date
        self.assertAlmostEqual(wait.total_seconds(), 6 * 3600, delta=2)

    #=== Faults of ours ===#

    def test_message_that_could_not_be_applied_is_not_acknowledged(self):
        """ Test that APS repeats it: a constraint of the shop is no reason to lose a payment. """
        tx = self._create_transaction('redirect')
        with patch.object(
            PaymentTransaction, '_set_done',
            side_effect=ValidationError("A constraint of the order."),
        ), mute_logger('odoo.addons.payment_aps.controllers.main'):
            response = self._notify(self._build_message(tx))
        self.assertEqual(response.status_code, 500)
        self.env.invalidate_all()
        self.assertEqual(tx.state, 'draft')

    def test_return_that_could_not_be_applied_is_not_kept_in_part(self):
        """ Test that nothing of it is recorded by which the next one seems to be a repetition. """
        for number, error in enumerate((ValidationError("A constraint."), KeyError("A mistake."))):
            tx = self._create_transaction('redirect', reference=f'RETURN-{number}')
            message = self._build_message(tx)
            with patch.object(PaymentTransaction, '_set_done', side_effect=error), \
                    mute_logger('odoo.addons.payment_aps.controllers.main'):
                response = self._return(message)
            self.assertEqual(response.status_code, 303)
            self.env.invalidate_all()
            with self.subTest(error=error):
                self.assertEqual(tx.state, 'draft')
                self.assertFalse(tx.provider_reference)
                self._return(message)
                self.assertEqual(tx.state, 'done')

    def test_shopper_s_language_may_be_gone(self):
        """ Test that a payment is recorded although its language was switched off. """
        lang = self.env['res.lang']._activate_lang('ar_001')
        self.partner.lang = 'ar_001'
        tx = self._create_transaction('redirect')
        self.env['res.partner'].search([('lang', '=', 'ar_001')]).lang = 'en_US'
        self.env['res.users'].search([('lang', '=', 'ar_001')]).lang = 'en_US'
        lang.active = False
        self.assertEqual(self._notify(self._build_message(tx)).status_code, 200)
        self.assertEqual(tx.state, 'done')

    def test_check_that_finds_nothing_is_no_event(self):
        """ Test that who waits for the payment hears of it when it is made. """
        if 'callback_method' not in self.env['payment.transaction']._fields:
            self.skipTest("The engine of this series has no callbacks.")
        model_id = self.env['ir.model']._get('res.partner').id
        tx = self._create_transaction(
            'redirect', callback_model_id=model_id, callback_res_id=self.partner.id,
            callback_method='_on_payment',
        )
        states = []
        with patch.object(
            type(self.env['res.partner']), '_on_payment',
            lambda _partner, transaction: states.append(transaction.state), create=True,
        ):
            tx._aps_handle(self._build_answer(tx, '', **NOT_FOUND))
            tx._aps_handle(self._build_message(tx))
        self.assertEqual(states, ['done'])
