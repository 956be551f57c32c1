from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.payment_aps.tests.status_common import NOT_FOUND, StatusCommon


@tagged('post_install', '-at_install')
class TestClosing(StatusCommon):
    """ How pending payments come to an end. """

    #=== By themselves ===#

    def test_query_does_not_make_an_unfinished_draft_pending(self):
        """ Test that the cart isn't taken from a shopper who is entering the card number. """
        for number, code in enumerate(('01000', '10000', '20064', '24000', '44000', '46000')):
            tx = self._create_transaction('redirect', reference=f'END-{number}')
            with self.subTest(code=code):
                tx._aps_handle(self._build_answer(tx, code[:2], transaction_code=code))
                self.assertEqual(tx.state, 'draft')

    def test_payment_that_is_never_finished_ends(self):
        """ Test that an invoice can be paid again although somebody left the bank's page. """
        for number, (code, words) in enumerate((
            ('01000', "was not completed"), ('10000', "was not completed"),
            ('20064', "was not completed"), ('46000', "was not completed"),
            ('15777', "could not find out"), ('19000', "could not find out"),
            ('13006', "could not find out"), ('00047', "could not find out"),
        )):
            for former_state in ('draft', 'pending'):
                tx = self._create_transaction(
                    'redirect', reference=f'END-{number}-{former_state}', state=former_state
                )
                answer = self._build_answer(tx, code[:2], transaction_code=code)
                with self.subTest(code=code, former_state=former_state):
                    self._make_older(tx, days=3)
                    tx._aps_handle(answer)
                    self.assertIn(tx.state, ('draft', 'pending'))
                    self._make_older(tx, days=5)
                    tx._aps_handle(answer)
                    self.assertEqual(tx.state, 'cancel')
                    self.assertIn(words, tx.state_message)
                    self.assertNotIn("not been charged", tx.state_message)
                    tx._aps_handle(answer)
                    self.assertEqual(tx.state, 'cancel', "It must not come back.")
                    tx._aps_handle(self._build_message(tx))
                    self.assertEqual(tx.state, 'done', "A late success still wins.")

    def test_charge_that_is_never_decided_ends(self):
        """ Test that the same card can be charged again some day. """
        tx = self._create_transaction('direct', operation='offline', state='pending')
        self._make_older(tx, days=5)
        tx._aps_handle(self._build_answer(tx, '15', transaction_code='15777'))
        self.assertEqual(tx.state, 'error')
        self.assertNotIn("not been charged", tx.state_message)

    def test_payment_that_was_uncertain_and_is_not_found_ends_without_a_claim(self):
        """ Test that "you have not been charged" isn't said if APS itself didn't know once. """
        for number, (code, is_certain) in enumerate((('15777', False), ('20064', True))):
            tx = self._create_transaction('redirect', reference=f'END-{number}')
            tx._aps_handle(self._build_message(tx, status=code[:2], response_code=code))
            self._make_older(tx, days=5)
            tx._aps_handle(self._build_answer(tx, '', **NOT_FOUND))
            with self.subTest(code=code):
                self.assertEqual(tx.state, 'cancel')
                self.assertEqual("not been charged" in tx.state_message, is_certain)

    def test_review_does_not_end_by_itself(self):
        """ Test that a payment that APS still reviews isn't given up. """
        tx = self._create_transaction('redirect', state='pending')
        self._make_older(tx, days=5)
        tx._aps_handle(self._build_answer(tx, '40', transaction_code='40090'))
        self.assertEqual(tx.state, 'pending')

    def test_pending_payment_is_asked_about_from_when_it_became_so(self):
        """ Test that an uncertain attempt after an old failure is asked about at all. """
        tx = self._create_transaction('redirect', state='error')
        self._make_older(tx, days=20)
        tx._aps_handle(self._build_message(tx, status='15', response_code='15777'))
        self.assertEqual(tx.state, 'pending')
        tx._aps_schedule_check()
        self.assertTrue(tx.aps_next_check)
        tx._aps_handle(self._build_answer(tx, '', **NOT_FOUND))
        self.assertEqual(tx.state, 'pending')

    #=== By hand ===#

    def _make_older(self, tx, **interval):
        """ Have the transaction created, and become what it is, earlier. """
        self._age(tx, **interval)
        tx.last_state_change = fields.Datetime.now() - timedelta(**interval)

    def _create_user(self, group):
        """ Return an internal user of a group. """
        return self.env['res.users'].create({
            'name': group, 'login': group, 'email': f'{group}@example.com',
            'groups_id' if 'groups_id' in self.env['res.users']._fields else 'group_ids': [
                (6, 0, [self.env.ref('base.group_user').id, self.env.ref(group).id])
            ],
            'company_id': self.company.id, 'company_ids': [(6, 0, [self.company.id])],
        })

    def _close(self, tx, user, reason="Compared with the dashboard"):
        """ Have a user close a payment. """
        action = tx.with_user(user).action_aps_open_closing()
        wizard = self.env[action['res_model']].with_user(user).with_context(
            **action['context']
        ).create({'reason': reason})
        wizard.action_close()

    def test_accountant_closes_what_nobody_asks_about_any_more(self):
        """ Test that the invoice can be paid again, and that the reason is on it. """
        self.env['ir.config_parameter'].set_param('account_payment.enable_portal_payment', 'True')
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.partner.id,
            'currency_id': self.currency.id,
            'invoice_line_ids': [(0, 0, {'name': "Service", 'price_unit': 100, 'tax_ids': []})],
        })
        invoice.action_post()
        tx = self._create_transaction(
            'redirect', state='pending', invoice_ids=[(6, 0, invoice.ids)]
        )
        self.assertFalse(invoice._has_to_be_paid())
        accountant = self._create_user('account.group_account_invoice')
        tx.aps_next_check = fields.Datetime.now() + timedelta(hours=1)
        with self.assertRaisesRegex(UserError, "still asked"):
            self._close(tx, accountant)
        tx.aps_next_check = False

        self._close(tx, accountant)

        self.assertEqual(tx.state, 'cancel')
        self.assertIn("Compared with the dashboard", tx.aps_staff_message)
        self.assertNotIn("not been charged", tx.state_message)
        self.assertTrue(invoice._has_to_be_paid())
        messages = ' '.join(invoice.message_ids.mapped('body'))
        self.assertIn("Compared with the dashboard", messages)
        tx._aps_handle(self._build_message(tx))
        self.assertEqual(tx.state, 'done', "A late success still wins.")

    def test_closing_is_checked_on_the_server(self):
        """ Test who may close, what, and that a reason is given. """
        tx = self._create_transaction('redirect', state='pending')
        tx.aps_next_check = False
        administrator = self._create_user('base.group_system')
        employee = self._create_user('base.group_user')
        with self.assertRaises(AccessError):
            self._close(tx, employee)
        with self.assertRaises(AccessError):
            tx.with_user(employee)._aps_close("Any reason")
        with self.assertRaises(ValidationError):
            self._close(tx, administrator, reason="  ")
        for state in ('draft', 'authorized', 'done', 'error', 'cancel'):
            other_tx = self._create_transaction('redirect', reference=f'END-{state}', state=state)
            other_tx.aps_next_check = False
            with self.subTest(state=state), self.assertRaises(UserError):
                self._close(other_tx, administrator)
            self.assertEqual(other_tx.state, state)
        self._close(tx, administrator)
        self.assertEqual(tx.state, 'cancel')

    def test_payment_of_another_company_is_not_closed(self):
        """ Test that the rules of companies hold. """
        tx = self._create_transaction('redirect', state='pending')
        tx.aps_next_check = False
        company = self.env['res.company'].create({'name': "Another"})
        user = self._create_user('account.group_account_invoice')
        user.write({'company_ids': [(6, 0, company.ids)], 'company_id': company.id})
        with self.assertRaises(AccessError):
            self._close(tx, user)

    def test_operation_that_nobody_asks_about_is_closed(self):
        """ Test that other operations are possible once an accountant has compared. """
        tx = self._create_transaction('redirect', state='authorized')
        sent = fields.Datetime.now() - timedelta(days=20)
        capture_tx = self._send_operation(tx, 'CAPTURE', 40, sent)
        tx.aps_next_check = False
        self._close(tx, self._create_user('account.group_account_invoice'))
        self.assertEqual(capture_tx.state, 'error')
        self.assertIn("Compared with the dashboard", capture_tx.aps_staff_message)
        self.assertEqual(tx.state, 'authorized')

    def test_closed_charge_is_an_error(self):
        """ Test that the charge of a saved card ends as the engine expects it. """
        tx = self._create_transaction('direct', operation='offline', state='pending')
        tx.aps_next_check = False
        with patch.object(type(tx), '_log_message_on_linked_documents'):
            self._close(tx, self._create_user('account.group_account_invoice'))
        self.assertEqual(tx.state, 'error')
