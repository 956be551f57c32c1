from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.tests.common import sign
from odoo.addons.payment_aps.tests.status_common import StatusCommon

REFUSED_QUERY = {'status': '11', 'response_code': '11043'}
STATUS_LOGGER = 'odoo.addons.payment_aps.models.payment_transaction_status'


@tagged('post_install', '-at_install')
class TestSums(StatusCommon):
    """ What sums, and the notices of operations, are taken to prove. """

    def _authorize(self, number=0, **values):
        """ Return an authorized payment. """
        tx = self._create_transaction(
            'redirect', reference=f'SUM-{number}', state='authorized', **values
        )
        tx.aps_payment_command = 'AUTHORIZATION'
        return tx

    def _ago(self, **interval):
        """ Return a time in the past. """
        return fields.Datetime.now() - timedelta(**interval)

    def _build_signed_notice(self, tx, command, amount, **changes):
        """ Return a signed notice of a successful operation.

        :param int amount: The amount, in minor units.
        """
        status = {'CAPTURE': '04', 'REFUND': '06'}[command]
        return sign(self._build_notice(
            tx, command, amount=str(amount), status=status, response_code=f'{status}000',
            fort_id='169', **changes,
        ))

    def _tell_sums(self, tx, status, captured, refunded=0, **changes):
        """ Have APS tell the sums, in minor units, as the answer to a query. """
        tx._aps_handle(self._build_answer(
            tx, status, authorized_amount='10000', captured_amount=str(captured),
            refunded_amount=str(refunded), **changes,
        ))

    #=== An operation of ours beside what the back office did ===#

    def test_capture_that_aps_decides_about_is_not_declared_failed(self):
        """ Test that the customer doesn't pay twice, as nobody repeats what APS may execute. """
        for number, (status, changes) in enumerate((
            ('15', {'transaction_code': '15777'}), ('15', {}), ('19', {}), ('20', {}), ('40', {}),
            ('05', {'transaction_code': '05006'}), ('04', {}),
        )):
            for days in (1, 5):
                tx = self._authorize(f'{number}-{days}')
                capture_tx = self._send_operation(tx, 'CAPTURE', 40, self._ago(days=days))
                is_undecided = status in ('15', '19', '20', '40')
                with self.subTest(status=status, days=days, **changes):
                    self._tell_sums(tx, status, 0, **changes)
                    if days == 1 or is_undecided:
                        self.assertEqual(capture_tx.aps_request_state, 'sent')
                        self.assertTrue(capture_tx.aps_staff_message, "It isn't said why it waits.")
                    else:
                        self.assertIn("can't be told", capture_tx.aps_staff_message)

    def test_capture_that_the_sums_exclude_is_declared_failed(self):
        """ Test that it can be repeated once it is certain that it was not executed. """
        for number, status in enumerate(('02', '05', '09')):
            tx = self._authorize(number)
            capture_tx = self._send_operation(tx, 'CAPTURE', 40, self._ago(minutes=20))
            with self.subTest(status=status):
                self._tell_sums(tx, status, 0)
                self.assertEqual(capture_tx.state, 'error')

    def test_total_is_taken_over_beside_an_operation_of_unknown_outcome(self):
        """ Test that Odoo isn't kept at nothing while APS tells how much was captured. """
        for number, (own, minutes, notices, total, state, own_state) in enumerate((
            (30, 1, (30, 20), 50, 'authorized', 'done'),
            (30, 1, (20,), 50, 'authorized', 'done'),
            (30, 1, (), 20, 'authorized', 'pending'),
            (30, 20, (), 20, 'authorized', 'error'),
            (30, 1, (100,), 100, 'done', 'error'),
            (30, 1, (), 100, 'done', 'done'),
            (100, 1, (60,), 60, 'authorized', 'error'),
            (100, 1, (), 60, 'authorized', 'error'),
        )):
            tx = self._authorize(number)
            capture_tx = self._send_operation(tx, 'CAPTURE', own, self._ago(minutes=minutes))
            with self.subTest(own=own, minutes=minutes, notices=notices, total=total):
                for amount in notices:
                    self._receive(tx, self._build_signed_notice(tx, 'CAPTURE', amount * 100))
                self._tell_sums(tx, '04', total * 100)
                self.assertEqual(self._read_sums(tx), (total * 100, 0))
                self.assertEqual((tx.state, capture_tx.state), (state, own_state))

    def test_sums_that_odoo_learns_together_are_taken_over(self):
        """ Test a payment that was captured and refunded in part before Odoo heard of either. """
        for number, notices in enumerate((
            (('CAPTURE', 6000), ('REFUND', 2000)), (('REFUND', 2000), ('CAPTURE', 6000)), (),
        )):
            tx = self._authorize(number, is_post_processed=True)
            with self.subTest(notices=notices):
                for command, amount in notices:
                    self._receive(tx, self._build_signed_notice(tx, command, amount))
                self._tell_sums(tx, '06', 6000, 2000)
                self.assertEqual(self._read_sums(tx), (6000, 2000))
                self.assertEqual(bool(tx.aps_staff_message), not notices)

    def test_capture_of_the_back_office_after_a_refund_is_taken_over(self):
        """ Test 60 captured and 20 refunded from Odoo, then 20 captured in the back office. """
        for number, (told, notices) in enumerate((
            (8000, (6000, 2000)), (6000, (6000, 2000)), (8000, ()),
        )):
            tx = self._authorize(number)
            self._send_operation(tx, 'CAPTURE', 60)._aps_apply_outcome('done', '04000')
            capture_tx = tx._aps_get_captured()
            capture_tx.is_post_processed = True
            self._send_operation(capture_tx, 'REFUND', 20)._aps_apply_outcome('done', '06000')
            with self.subTest(told=told, notices=notices):
                for amount in notices:
                    self._receive(tx, self._build_signed_notice(tx, 'CAPTURE', amount))
                self._tell_sums(tx, '04', told, 2000)
                self.assertEqual(self._read_sums(tx), (8000, 2000))

    def test_void_is_excluded_by_a_capture(self):
        """ Test that a lost void doesn't keep away what was captured in the back office. """
        tx = self._authorize()
        void_tx = self._send_operation(tx, 'VOID_AUTHORIZATION')
        self._tell_sums(tx, '04', 4000)
        self.assertFalse(void_tx.aps_request_state)
        self.assertEqual(self._read_sums(tx), (4000, 0))

    #=== What a refund does to the captured sum ===#

    def test_rule_of_the_captured_sum_is_learned_and_kept(self):
        """ Test that what is certain of one payment tells how to read the sums of others. """
        for number, (told, captured) in enumerate(((10000, 6000), (7000, 8000))):
            paid_tx = self._create_transaction(
                'redirect', reference=f'PAID-{number}', state='done', is_post_processed=True
            )
            self._send_operation(paid_tx, 'REFUND', 30)._aps_apply_outcome('done', '06000')
            tx = self._authorize(number, is_post_processed=True)
            with self.subTest(told=told):
                self._tell_sums(paid_tx, '06', told, 3000)
                self._tell_sums(tx, '06', 6000, 2000)
                self.assertEqual(self._read_sums(tx), (captured, 2000))
                self.assertFalse(tx.aps_staff_message)

    def test_rule_of_the_captured_sum_is_that_of_the_account(self):
        """ Test that another account is not believed to tell its sums in the same way. """
        self.provider._aps_learn_sum_rule(True)
        self.assertIs(self.provider._aps_get_sum_rule(), True)
        former = self.provider.aps_merchant_identifier
        self.provider.aps_merchant_identifier = 'Another1'
        self.assertIsNone(self.provider._aps_get_sum_rule())
        self.provider.aps_merchant_identifier = former
        self.provider._aps_learn_sum_rule(False)
        self.assertIs(self.provider._aps_get_sum_rule(), False)

    #=== Without CHECK_STATUS ===#

    def test_whole_capture_is_applied_as_it_stands(self):
        """ Test that an account that may not ask takes over what the dashboard captured. """
        tx = self._authorize()
        self._receive(tx, self._build_signed_notice(tx, 'CAPTURE', 10000))
        self.assertEqual(tx.state, 'done')
        self.assertTrue(tx._aps_is_check_due(), "It is still checked afterwards.")
        self._receive(tx, self._build_signed_notice(tx, 'CAPTURE', 10000))
        self.assertEqual(self._read_sums(tx), (10000, 0))

    def test_whole_refund_is_applied_as_it_stands(self):
        """ Test that an account that may not ask takes over what the dashboard refunded. """
        tx = self._create_transaction('redirect', state='done', is_post_processed=True)
        for _repetition in range(2):
            self._receive(tx, self._build_signed_notice(tx, 'REFUND', 10000))
            self.assertEqual(self._read_sums(tx), (10000, 10000))

    def test_own_capture_is_settled_by_its_notice(self):
        """ Test a capture of the whole amount, whose answer was lost. """
        tx = self._authorize()
        capture_tx = self._send_operation(tx, 'CAPTURE')
        self._receive(tx, self._build_signed_notice(tx, 'CAPTURE', 10000))
        self.assertEqual((capture_tx.state, tx.state), ('done', 'done'))
        self.assertEqual(self._read_sums(tx), (10000, 0))

    def test_capture_beside_one_of_ours_is_taken_over_as_one(self):
        """ Test that a capture isn't split because the notice of ours has not come yet. """
        tx = self._authorize()
        answer = self._build_signed_notice(tx, 'CAPTURE', 4000)
        self.env['payment.aps.message'].sudo()._aps_insert(
            self.provider, answer, channel='answer', state='accepted'
        )
        tx._aps_take_answer(answer, self._send_operation(tx, 'CAPTURE', 40))
        self._receive(tx, self._build_signed_notice(tx, 'CAPTURE', 6000))
        self.assertEqual(sorted(tx.child_transaction_ids.mapped('amount')), [40, 60])
        self.assertEqual(tx.state, 'done')

    def test_notice_that_does_not_exclude_an_operation_does_not_fail_it(self):
        """ Test that 20 of the back office say nothing about 30 of ours. """
        tx = self._authorize()
        capture_tx = self._send_operation(tx, 'CAPTURE', 30, self._ago(days=1))
        self._receive(tx, self._build_signed_notice(tx, 'CAPTURE', 2000))
        self.assertEqual(capture_tx.state, 'pending')
        self.assertEqual(self._read_sums(tx), (2000, 0))

    def test_what_cannot_be_told_is_said_once_on_payment_and_documents(self):
        """ Test that a notice that can't be checked isn't in the log only. """
        tx = self._create_transaction('redirect', state='done', is_post_processed=True)
        # Two refunds may be told in the same words, and so is a repetition.
        for _repetition in range(2):
            self._receive(tx, self._build_signed_notice(tx, 'REFUND', 2500))
        self.assertEqual(self._read_sums(tx), (10000, 2500))
        with patch.object(type(tx), '_log_message_on_linked_documents') as log:
            for _repetition in range(3):
                self._check_in_batch(tx, lambda *_args: REFUSED_QUERY)
        self.assertEqual(log.call_count, 1)
        self.assertIn("dashboard", tx.aps_staff_message)

        self._tell_sums(tx, '06', 10000, 5000)
        self.assertEqual(self._read_sums(tx), (10000, 5000))
        self.assertFalse(tx.aps_staff_message)

    #=== Sums that are not told ===#

    def test_payment_that_was_captured_or_refunded_is_paid_though_no_sum_is_told(self):
        """ Test that a draft whose messages were lost isn't left a draft. """
        for number, (command, status, sums, state) in enumerate((
            ('PURCHASE', '04', {}, 'done'), ('PURCHASE', '06', {}, 'done'),
            ('PURCHASE', '06', {'captured_amount': '0', 'refunded_amount': '0'}, 'done'),
            ('AUTHORIZATION', '04', {}, 'authorized'), ('AUTHORIZATION', '06', {}, 'authorized'),
            ('AUTHORIZATION', '04', {'captured_amount': '0'}, 'authorized'),
            ('PURCHASE', '04', {'transaction_code': '04006'}, 'draft'),
            ('PURCHASE', '14', {'transaction_code': '14777'}, 'draft'),
            ('PURCHASE', '14', {'transaction_code': '13666'}, 'draft'),
        )):
            tx = self._create_transaction('redirect', reference=f'SUM-{number}')
            tx.aps_payment_command = command
            with self.subTest(command=command, status=status, **sums), mute_logger(STATUS_LOGGER):
                tx._aps_handle(self._build_answer(tx, status, **sums))
                if state == 'draft':
                    self.assertNotIn(tx.state, ('authorized', 'done'))
                else:
                    self.assertEqual(tx.state, state)
                self.assertEqual(self._read_sums(tx)[0], 10000 if state == 'done' else 0)
                if state == 'authorized':
                    self.assertIn("dashboard", tx.aps_staff_message)

    #=== The number of an attempt ===#

    def test_failed_attempt_is_not_asked_about_by_its_number(self):
        """ Test that the answer about it doesn't hide the attempt that paid. """
        queries = []

        def answer(_provider, payload, *_args):
            queries.append(payload)
            return self._build_answer(tx, '14', captured_amount='10000')

        for number, (state, is_named) in enumerate((
            ('error', False), ('draft', False), ('pending', False), ('cancel', False),
            ('authorized', True), ('done', True),
        )):
            tx = self._create_transaction(
                'redirect', reference=f'SUM-{number}', state=state, provider_reference='77'
            )
            with self.subTest(state=state), mute_logger(STATUS_LOGGER), patch.object(
                type(self.provider), '_aps_make_request', autospec=True, side_effect=answer
            ):
                tx._aps_check_status()
                self.assertEqual('fort_id' in queries[-1], is_named)

    def test_number_of_a_failed_attempt_is_not_that_of_the_success(self):
        """ Test that captures and refunds don't name an attempt that failed. """
        tx = self._create_transaction('redirect', state='error', provider_reference='77')
        with mute_logger('odoo.addons.payment_aps.models.payment_transaction'):
            tx._aps_handle(self._build_message(tx, fort_id=None))
        self.assertEqual(tx.state, 'done')
        self.assertFalse(tx.provider_reference)

    #=== Currencies ===#

    def test_what_odoo_cannot_book_is_said_once_rather_than_booked_as_nothing(self):
        """ Test a currency that the merchant rounds more coarsely than APS does. """
        currency = self._enable('KWD')
        currency.rounding = 0.01
        tx = self._create_transaction(
            'redirect', state='done', is_post_processed=True, currency_id=currency.id,
            amount=100,
        )
        for _repetition in range(3):
            tx._aps_handle(self._build_answer(
                tx, '06', captured_amount='100000', refunded_amount='12346',
            ))
        [refund_tx] = tx.child_transaction_ids
        self.assertEqual(refund_tx.amount, -12.34, "Never more than was refunded.")
        self.assertIn("0.006", tx.aps_staff_message)
