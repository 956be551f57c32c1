import json
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.aps.errors import APSMessageRefused, APSOutcomeUnknown
from odoo.addons.payment_aps.models.reasons import make_reason
from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, sign
from odoo.addons.payment_aps.tests.problem_common import ProblemCommon

POST = 'odoo.addons.payment_aps.models.payment_provider.api_session.post'
PROVIDER_LOG = 'odoo.addons.payment_aps.models.payment_provider'


@tagged('post_install', '-at_install')
class TestProblemKinds(ProblemCommon):
    """ Each kind of problem: how it appears, is told once, is acted on, and ends by itself. """

    def _assert_told_once(self, kind, **interval):
        """ Check that the watch tells of the only problem there is, and doesn't repeat it.

        :param str kind: The kind.
        :param interval: When the watch runs, from now.
        :return: The problem.
        :rtype: recordset of `payment.aps.problem`
        """
        self._run_watch(**interval)
        problem = self._find(kind)
        self.assertEqual(len(problem), 1)
        self.assertEqual(self.problems.search([('state', '=', 'open')]), problem)
        activity = self._list_activities()
        self.assertEqual(activity, problem.activity_id)
        self.assertEqual(activity.summary, problem.display_name)
        self._run_watch(**interval)
        self.assertEqual(self._list_activities(), activity)
        return problem

    def _assert_solved(self, problem, **interval):
        """ Check that a problem has ended, and its activity with it. """
        self._run_watch(**interval)
        self.assertEqual(problem.state, 'solved')
        self.assertTrue(problem.end_date)
        self.assertFalse(self.problems.search([('state', '=', 'open')]))
        self.assertFalse(self._list_activities())

    #=== Paid but not booked ===#

    def _pay_unbookable(self, **interval):
        """ Return a payment that can be neither post-processed nor booked alone. """
        tx = self._create_transaction('redirect', state='done')
        self._since(tx, **interval)
        for name in ('_aps_post_process', '_aps_book_alone'):
            self.startPatcher(patch.object(
                type(tx), name, side_effect=UserError("The journal is missing.")
            ))
        return tx

    def test_paid_but_not_booked(self):
        """ Test that the error is shown, and that the button tries it again. """
        tx = self._pay_unbookable(hours=2)
        problem = self._assert_told_once('not_booked')
        self.assertEqual(problem.transaction_id, tx)
        self.assertIn("journal is missing", problem.detail)

        action = self._act(problem)
        self.assertIn("journal is missing", action['params']['message'])
        self.assertEqual(action['params']['type'], 'danger')
        self.assertEqual(problem.state, 'open')

        with patch.object(
            type(tx), '_aps_post_process', lambda tx: tx.write({'is_post_processed': True})
        ):
            self._act(problem)
        self._assert_solved(problem)

    def test_what_is_booked_in_time_is_no_problem(self):
        """ Test what the engine still has time for, and what is booked meanwhile. """
        tx = self._create_transaction('redirect', state='done')
        self._since(tx, minutes=30)
        self._run_watch()
        self.assertFalse(self._find('not_booked'))
        self._run_watch(hours=1)
        problem = self._find('not_booked', 'solved') or self._find('not_booked')
        tx.is_post_processed = True
        self._assert_solved(problem)

    def test_booking_is_tried_daily_when_the_engine_has_given_up(self):
        """ Test that the watch goes on, but not more often than daily. """
        tx = self._pay_unbookable(hours=2)
        self._run_watch()
        self._run_watch(days=5)
        with patch.object(type(tx), '_aps_try_booking', return_value="why") as book:
            self._run_watch(days=5, hours=23)
            self.assertEqual(book.call_count, 0)
            self._run_watch(days=6, hours=1)
            self.assertEqual(book.call_count, 1)
            self._run_watch(days=6, hours=2)
            self.assertEqual(book.call_count, 1)
        problem = self._find('not_booked')
        with patch.object(
            type(tx), '_aps_post_process', lambda tx: tx.write({'is_post_processed': True})
        ):
            self._run_watch(days=8)
        self.assertEqual(problem.state, 'solved')

    def test_what_was_settled_otherwise_is_not_booked_by_itself(self):
        """ Test that accounting isn't changed behind the back of who has dealt with it. """
        invoice = self._make_invoice()
        tx = self._pay_unbookable(hours=2)
        tx.invoice_ids = invoice
        with patch.object(type(tx), '_aps_try_booking', return_value="why") as book:
            self._run_watch()
            self.assertEqual(book.call_count, 1)
            invoice.button_draft()
            invoice.button_cancel()
            self._run_watch(days=5)
            self.assertEqual(book.call_count, 1)
            problem = self._find('not_booked')
            self.assertTrue(problem, "The money is there all the same.")
            self._act(problem)
            self.assertEqual(book.call_count, 2)

    def _make_invoice(self):
        """ Return a posted invoice. """
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.partner.id,
            'currency_id': self.currency.id,
            'invoice_line_ids': [(0, 0, {'name': "Service", 'price_unit': 100, 'tax_ids': []})],
        })
        invoice.action_post()
        return invoice

    def test_what_was_given_up_before_anybody_watched_is_left_to_people(self):
        """ Test that an upgrade books nothing of years ago by itself. """
        tx = self._pay_unbookable(days=300)
        with patch.object(type(tx), '_aps_try_booking') as book:
            self._assert_told_once('not_booked')
        self.assertFalse(book.called)

    #=== Outcome still open ===#

    def test_outcome_that_nobody_asks_about(self):
        """ Test that the button leads to the window that closes the payment. """
        tx = self._create_transaction('redirect', state='pending')
        self._since(tx, days=5)
        tx.aps_next_check = False
        problem = self._assert_told_once('outcome_open')
        self.assertEqual(problem.transaction_id, tx)
        action = self._act(problem)
        self.assertEqual(action['res_model'], 'payment.aps.closing')
        wizard = self.env[action['res_model']].with_user(self.accountant).with_context(
            **action['context']
        ).create({'reason': "Not in the dashboard"})
        wizard.action_close()
        self._commit()
        self.assertEqual(problem.state, 'solved')
        self._assert_solved(problem)

    def test_operation_that_nobody_asks_about_is_a_problem_of_its_payment(self):
        """ Test a capture, and that closing it is no failure. """
        tx = self._create_transaction('redirect', state='authorized')
        capture_tx = self._send_operation(
            tx, 'CAPTURE', 40, fields.Datetime.now() - timedelta(days=20)
        )
        tx.aps_next_check = False
        problem = self._assert_told_once('outcome_open')
        self.assertEqual(problem.transaction_id, tx)
        tx.with_user(self.accountant)._aps_close("Not in the dashboard")
        self._commit()
        self.assertEqual(capture_tx.state, 'error')
        self.assertFalse(self._find('operation_failed'))
        self._assert_solved(problem)

    def test_outcome_that_is_asked_about_is_no_problem(self):
        """ Test what is scheduled, and what is told after the problem was noticed. """
        tx = self._create_transaction('redirect', state='pending')
        self._since(tx, days=2)
        tx.aps_next_check = fields.Datetime.now() + timedelta(days=1)
        self._run_watch()
        self.assertFalse(self._find('outcome_open'))
        tx.aps_next_check = False
        self._run_watch()
        problem = self._find('outcome_open')
        tx._aps_handle(self._build_message(tx))
        tx.is_post_processed = True
        self._assert_solved(problem)

    def test_check_that_is_never_made_is_noticed(self):
        """ Test a payment whose provider was disabled. """
        tx = self._create_transaction('redirect', state='pending')
        self._since(tx, days=6)
        tx.aps_next_check = fields.Datetime.now() - timedelta(days=2)
        self._assert_told_once('outcome_open')

    #=== No notifications ===#

    def _pay_by(self, channel, number, **values):
        """ Have payments told by one way.

        :param str channel: `return` or `webhook`.
        :param int number: How many.
        :return: The payments.
        :rtype: recordset of `payment.transaction`
        """
        txs = self.env['payment.transaction']
        for _number in range(number):
            count = self.env['payment.transaction'].search_count([])
            tx = self._create_transaction('redirect', reference=f'{channel}-{count}', **{
                'aps_account': self.provider._aps_get_account_digest(), **values,
            })
            self.env.flush_all()
            send = self._return if channel == 'return' else self._notify
            self.assertIn(send(self._build_message(tx)).status_code, (200, 302, 303))
            txs |= tx
        self.env.invalidate_all()
        self.assertEqual(set(txs.mapped('state')), {'done'})
        txs.is_post_processed = True
        self.env.flush_all()
        return txs

    def _enable_provider(self):
        """ Take live payments. """
        self.provider.state = 'enabled'
        self.env.flush_all()

    def test_silent_webhook(self):
        """ Test that it is noticed within a day, and is over with the first notification. """
        self._enable_provider()
        self._pay_by('return', 2)
        self._run_watch(hours=1)
        self.assertFalse(self._find('webhook_silent'))
        self._pay_by('return', 1)
        self._run_watch()
        self.assertFalse(self._find('webhook_silent'), "The notification may still come.")
        problem = self._assert_told_once('webhook_silent', hours=1)
        with self.assertRaises(AccessError):
            self._act(problem)
        action = self._act(problem, self.administrator)
        self.assertEqual(action['res_id'], self.provider.id)

        self._pay_by('webhook', 1)
        self.env.cr.execute(
            "UPDATE payment_aps_message SET create_date = create_date + interval '2 hours' "
            "WHERE channel = 'webhook'"
        )
        self._assert_solved(problem, hours=2)

    def test_webhook_is_not_silent_if_one_came_or_nobody_paid_for_real(self):
        """ Test what must not be mistaken for silence. """
        cases = {
            'one notification': lambda: self._pay_by('webhook', 1),
            'another account': lambda: self.env['payment.transaction'].search([]).write({
                'aps_account': 'sandbox',
            }),
            'test mode': lambda: self.provider.write({'state': 'test'}),
            'charges': lambda: self.env['payment.transaction'].search([]).write({
                'operation': 'offline',
            }),
        }
        self._enable_provider()
        self._pay_by('return', 3)
        for name, change in cases.items():
            with self.subTest(name), self.env.cr.savepoint():
                change()
                self.env.flush_all()
                self._run_watch(hours=1)
                self.assertFalse(self._find('webhook_silent'))
                self.env.cr.execute("DELETE FROM payment_aps_message WHERE channel = 'webhook'")
                self.provider.state = 'enabled'
                self.env['payment.transaction'].search([('state', '=', 'done')]).write({
                    'aps_account': self.provider._aps_get_account_digest(),
                    'operation': 'online_redirect',
                })
        self._run_watch(hours=1)
        self.assertTrue(self._find('webhook_silent'))

    def test_daily_check_of_an_old_authorization_is_no_new_payment(self):
        """ Test a quiet shop that asks about what came by notification days ago. """
        self._enable_provider()
        txs = self._pay_by('webhook', 3)
        for tx in txs:
            self._since(tx, days=3)
        self.env.cr.execute(
            "UPDATE payment_aps_message SET create_date = create_date - interval '3 days'"
        )
        for tx in txs:
            self._return(self._build_message(tx, fort_id='169996200024611494'))
        self._run_watch(hours=1)
        self.assertFalse(self._find('webhook_silent'))

    #=== Authorization about to lapse ===#

    def test_authorization_about_to_lapse(self):
        """ Test from when on it is told, and that the button captures. """
        tx = self._create_transaction('redirect', state='authorized')
        self._since(tx, days=4, hours=23)
        self._run_watch()
        self.assertFalse(self._find('lapsing'))
        problem = self._assert_told_once('lapsing', hours=2)
        self._since(tx, days=6)
        self.assertEqual(self._act(problem)['res_model'], 'payment.capture.wizard')
        tx.write({'state': 'done', 'is_post_processed': True})
        self._assert_solved(problem)

    def test_authorization_that_has_lapsed_is_not_about_to(self):
        """ Test the end of the window, and what was captured in parts. """
        tx = self._create_transaction('redirect', state='authorized')
        self._since(tx, days=6)
        self._run_watch()
        problem = self._find('lapsing')
        self._assert_solved(problem, days=2)
        tx.write({'state': 'done', 'is_post_processed': True})
        other_tx = self._create_transaction('redirect', reference='PARTS', state='authorized')
        self._since(other_tx, days=6)
        child_tx = other_tx._create_child_transaction(other_tx.amount, state='done')
        child_tx.is_post_processed = True
        self._run_watch()
        self.assertFalse(self._find('lapsing'))

    #=== Operation failed or unclear ===#

    def test_failed_operation(self):
        """ Test a capture that APS refuses, and another one that succeeds. """
        tx = self._create_transaction('redirect', state='authorized')
        capture_tx = self._send_operation(tx, 'CAPTURE', 40)
        capture_tx._aps_apply_outcome('error', '05666')
        problem = self._assert_told_once('operation_failed')
        self.assertEqual(problem.transaction_id, capture_tx)
        self.assertIn('05666', problem.detail)

        answer = self._build_answer(tx, '02', captured_amount='0', authorized_amount='10000')
        with patch.object(type(self.provider), '_aps_make_request', return_value=answer):
            action = self._act(problem)
        self.assertEqual((action['res_model'], action['res_id']), ('payment.transaction', tx.id))
        self.assertEqual(problem.state, 'open')

        other_tx = self._send_operation(tx, 'CAPTURE', 30)
        other_tx._aps_apply_outcome('done')
        other_tx.is_post_processed = True
        self._assert_solved(problem)

    def test_operation_that_turns_out_to_be_executed(self):
        """ Test that the button finds it out. """
        tx = self._create_transaction('redirect', state='authorized')
        capture_tx = self._send_operation(
            tx, 'CAPTURE', 40, fields.Datetime.now() - timedelta(days=5)
        )
        capture_tx._aps_fail_if_overdue(is_undecided=True)
        self._commit()
        problem = self._find('operation_failed')
        self.assertIn("not decided", problem.detail)
        answer = self._build_answer(tx, '04', captured_amount='4000', authorized_amount='10000')
        with patch.object(type(self.provider), '_aps_make_request', return_value=answer):
            action = self._act(problem)
        self.assertEqual(capture_tx.state, 'done')
        self.assertEqual(problem.state, 'solved')
        self.assertEqual(action['tag'], 'display_notification')

    def test_operation_that_failed_is_over_when_nothing_is_left_to_do(self):
        """ Test captures, voids and refunds, each ended in another way. """
        tx = self._create_transaction('redirect', state='authorized')
        tx.aps_operation = 'VOID_AUTHORIZATION'
        tx.aps_request_state = 'sent'
        tx._aps_fail_operation(make_reason('unknown_outcome'))
        self._commit()
        void_problem = self._find('operation_failed')
        self.assertFalse(void_problem._aps_is_over())
        tx.state = 'cancel'
        self.assertTrue(void_problem._aps_is_over())

        paid_tx = self._create_transaction('redirect', reference='PAID', state='done')
        refund_tx = self._send_operation(paid_tx, 'REFUND', 40)
        refund_tx._aps_fail_operation(make_reason('unknown_outcome'))
        self._commit()
        refund_problem = self._find('operation_failed', transaction_id=refund_tx.id)
        self.assertFalse(refund_problem._aps_is_over())
        paid_tx._create_child_transaction(60, is_refund=True, state='done')
        self.assertFalse(refund_problem._aps_is_over())
        paid_tx._create_child_transaction(40, is_refund=True, state='done')
        self.assertTrue(refund_problem._aps_is_over())

    #=== Credentials ===#

    def _request(self, **answer):
        """ Send a request to an API that answers so. """
        response = SimpleNamespace(status_code=200, content=json.dumps(answer).encode())
        with patch(POST, return_value=response):
            return self.provider._aps_make_request({'query_command': 'CHECK_STATUS'})

    def test_credentials_that_stopped_fitting(self):
        """ Test the answer of the API, and that the check of the credentials solves it. """
        self._request(**sign({'status': '00', 'response_code': '00008'}))
        problem = self._assert_told_once('credentials')
        self.assertIn('00008', problem.detail)
        with self.assertRaises(AccessError):
            self._act(problem)
        self.provider.aps_check_date = '2026-01-01'  # An earlier check was passed.
        for kind in ('mistake', 'unreachable'):
            with self.subTest(kind=kind), patch.object(
                type(self.provider), '_aps_examine_setup', return_value=(["Wrong."], kind)
            ):
                action = self._act(problem, self.administrator)
            self.assertIn("Wrong.", action['params']['message'])
            self.assertEqual(problem.state, 'open')
        with patch.object(type(self.provider), '_aps_examine_setup', return_value=([], False)):
            self._act(problem, self.administrator)
        self._assert_solved(problem)

    def test_credentials_that_fit_again(self):
        """ Test that any authentic message ends the problem. """
        with suppress(APSOutcomeUnknown):  # `assertRaises` would undo the note.
            self._request(**sign({'status': '12', 'response_code': '12000'}, 'wrong phrase'))
            self.fail("The answer is not authentic.")
        problem = self._assert_told_once('credentials')
        self._request(**sign({'status': '12', 'response_code': '12036'}))
        self._request(**sign({'status': '00', 'response_code': '00008'}))
        self.assertEqual(problem.state, 'open')
        self._request(**sign({'status': '12', 'response_code': '12000'}))
        self._assert_solved(problem)

    @mute_logger('odoo.addons.payment_aps.controllers.main')
    def test_wrong_signature_of_what_is_ours(self):
        """ Test that a stranger who doesn't know merchant and reference causes nothing. """
        tx = self._create_transaction('redirect')
        message = self._build_fields(tx)
        for changes in (
            {'merchant_identifier': 'Another'}, {'merchant_reference': 'UNKNOWN'},
            {'signature': ''},
        ):
            self._notify({**sign(message, 'wrong phrase'), **changes})
        self.env['payment.aps.refusal']._aps_flush()
        self._run_watch()
        self.assertFalse(self._find('credentials'))
        self._notify(sign(message, 'wrong phrase'))
        self.env['payment.aps.refusal']._aps_flush()
        self._assert_told_once('credentials')

    #=== Copy ===#

    def test_copy_that_nobody_confirmed(self):
        """ Test that the button confirms it, for settings administrators only. """
        self._enable_provider()
        self._run_watch()
        self.assertFalse(self._find('copy'))
        self.env['ir.config_parameter'].init(force=True)
        problem = self._assert_told_once('copy')
        with self.assertRaises(AccessError):
            self._act(problem)
        self._act(problem, self.administrator)
        self.assertFalse(self.provider.aps_is_in_copy)
        self._assert_solved(problem)

    def test_copy_of_a_copy_is_another_problem(self):
        """ Test that who dismissed it in a copy is told of it in the next one. """
        self._enable_provider()
        self.env['ir.config_parameter'].init(force=True)
        self._run_watch()
        problem = self._find('copy')
        problem.action_dismiss("For tests")
        self._run_watch()
        self.assertFalse(self._find('copy'))
        self.env['ir.config_parameter'].init(force=True)
        self._run_watch()
        self.assertTrue(problem.end_date)
        self.assertTrue(self._find('copy'))
        self.assertEqual(len(self._list_activities()), 1)

    #=== Message that doesn't fit ===#

    @mute_logger('odoo.addons.payment_aps.controllers.main')
    def test_message_that_does_not_fit_its_payment(self):
        """ Test amount, currency and merchant, and that a fitting message ends it. """
        for changes in ({'amount': '1'}, {'currency': 'SAR'}, {'merchant_identifier': 'Another'}):
            tx = self._create_transaction('redirect', reference=f'MIS-{"".join(changes)}')
            self._notify(self._build_message(tx, **changes))
            self.env.invalidate_all()
            with self.subTest(**changes):
                problem = self._assert_told_once('mismatch')
                self.assertEqual(problem.transaction_id, tx)
                answer = self._build_answer(tx, '', response_code='12036')
                with patch.object(type(self.provider), '_aps_make_request', return_value=answer):
                    self.assertEqual(self._act(problem)['res_id'], tx.id)
                self.assertEqual(problem.state, 'open')
                self.env.cr.execute(
                    "UPDATE payment_aps_problem SET last_date = last_date - interval '1h'"
                )
                self._notify(self._build_message(tx))
                self.env.invalidate_all()
                tx.is_post_processed = True
                self._assert_solved(problem)

    @mute_logger('odoo.addons.payment_aps.controllers.main')
    def test_message_that_anybody_can_cause_is_no_problem(self):
        """ Test a refused request, and a command that isn't known. """
        tx = self._create_transaction('redirect', state='done', is_post_processed=True)
        for changes in (
            {'status': '00', 'response_code': '00016', 'fort_id': None},
            {'command': 'SOMETHING_NEW'},
        ):
            self._notify(self._build_message(tx, **changes))
        self._run_watch()
        self.assertFalse(self.problems.search([]))

    def test_answer_that_tells_other_sums(self):
        """ Test an answer to a query, of the cron as well. """
        tx = self._create_transaction('redirect', aps_payment_command='PURCHASE')
        with mute_logger('odoo.addons.payment_aps.models.payment_transaction_status'):
            tx._aps_handle(self._build_answer(tx, '14', captured_amount='1'))
        self._commit()
        self.assertIn("0.01", self._find('mismatch').detail)
        self.assertNotEqual(tx.state, 'done')

        other_tx = self._create_transaction('redirect', reference='OTHER')
        self._check_in_batch(other_tx, APSMessageRefused("the merchant is another one", ''))
        self.assertTrue(self._find('mismatch', transaction_id=other_tx.id))
        self.assertEqual(self.provider.aps_merchant_identifier, MERCHANT_IDENTIFIER)
