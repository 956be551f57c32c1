from unittest.mock import Mock, call, patch

from psycopg2 import InternalError, errors

from odoo.tests import tagged
from odoo.tests.common import BaseCase

from odoo.addons.payment_aps.conflicts import (
    ATTEMPTS,
    CONCURRENCY_ERROR,
    CONFLICTS,
    OVERTAKEN,
    retry,
    unwrapped,
)
from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestRetry(BaseCase):
    """ Starting over after a conflict. """

    def test_what_succeeds_is_done_once(self):
        """ Test that nothing is rolled back without need. """
        cr, attempt = Mock(), Mock(return_value='done')
        self.assertEqual(retry(cr, attempt), 'done')
        attempt.assert_called_once_with()
        self.assertFalse(cr.mock_calls)

    def test_each_conflict_is_rolled_back_before_the_next_attempt(self):
        """ Test that an attempt sees what the others have done. """
        for conflict in (
            errors.SerializationFailure(), errors.DeadlockDetected(), errors.LockNotAvailable(),
            CONCURRENCY_ERROR(),
        ):
            with self.subTest(conflict=conflict):
                log = Mock()
                log.attempt.side_effect = [conflict, conflict, 'done']
                self.assertEqual(retry(log, log.attempt), 'done')
                self.assertEqual(log.mock_calls, [
                    call.attempt(), call.rollback(), call.attempt(), call.rollback(),
                    call.attempt(),
                ])

    def test_conflict_that_lasts_is_raised(self):
        """ Test that nobody goes in circles. """
        cr, attempt = Mock(), Mock(side_effect=errors.SerializationFailure("lasts"))
        with self.assertRaisesRegex(errors.SerializationFailure, "lasts"):
            retry(cr, attempt, OVERTAKEN)
        self.assertEqual(attempt.call_count, ATTEMPTS)

    def test_anything_else_is_raised_at_once(self):
        """ Test mistakes, and locks where nobody is to wait for them again. """
        for conflicts, error in (
            (CONFLICTS, KeyError("mistake")), (CONFLICTS, InternalError("aborted")),
            (OVERTAKEN, errors.LockNotAvailable("busy")),
        ):
            with self.subTest(error=error):
                cr, attempt = Mock(), Mock(side_effect=error)
                with self.assertRaises(type(error)):
                    retry(cr, attempt, conflicts)
                attempt.assert_called_once_with()
                self.assertFalse(cr.mock_calls)


@tagged('post_install', '-at_install')
class TestUnwrapped(BaseCase):
    """ Conflicts that something has told as errors of its own. """

    def test_conflict_is_raised_whatever_it_was_made_of(self):
        """ Test a conflict as such, one that is named as the cause, and one that is not. """
        conflict = errors.SerializationFailure("busy")
        for depth, cause in ((0, None), (1, conflict), (2, None)):
            with (
                self.subTest(depth=depth, cause=cause),
                self.assertRaises(errors.SerializationFailure) as raised,
                unwrapped(),
            ):
                self._wrap(conflict, depth, cause)
            self.assertIs(raised.exception, conflict)

    def _wrap(self, conflict, depth, cause):
        """ Raise a conflict as it comes through some layers. """
        if not depth:
            raise conflict
        try:
            self._wrap(conflict, depth - 1, cause)
        except Exception:
            raise ValueError("The template is broken.") from cause

    def test_anything_else_is_raised_as_it_is(self):
        """ Test an error that has nothing to do with a conflict. """
        error = ValueError("The template is broken.")
        error.__cause__ = KeyError("name")
        error.__cause__.__cause__ = error  # And that goes round in circles.
        with self.assertRaises(ValueError) as raised, unwrapped():
            raise error
        self.assertIs(raised.exception, error)


@tagged('post_install', '-at_install')
class TestConflicts(APSCommon):
    """ What is done again after a conflict, and what is never done again. """

    def _fail_once(self, model, name):
        """ Have a method raise a conflict the first time, and do what it does the second. """
        method = getattr(type(model), name)
        failures = [errors.SerializationFailure("conflict")]

        def fail_once(*args, **kwargs):
            if failures:
                raise failures.pop()
            return method(*args, **kwargs)

        return patch.object(type(model), name, fail_once)

    def test_message_that_meets_a_conflict_is_taken_by_starting_over(self):
        """ Test that a conflict, wherever it shows up, loses neither row nor payment. """
        trail, transactions = self.env['payment.aps.message'], self.env['payment.transaction']
        for model, name in ((trail, '_aps_store_received'), (transactions, '_aps_apply')):
            tx = self._create_transaction('redirect', reference=f'conflict-{name}')
            message = self._build_message(tx)
            with self.subTest(name=name), self._fail_once(model, name), \
                    self.env.cr.savepoint() as savepoint, patch.object(
                        self.env.cr, 'rollback', side_effect=savepoint.rollback
                    ) as rollback:
                tx._aps_receive(message, 'webhook')
                rollback.assert_called_once()
                self.assertEqual(tx.state, 'done')
                self.assertEqual(
                    trail.search_count([('merchant_reference', '=', tx.reference)]), 1
                )
                self.assertFalse(tx._aps_admit(message, 'webhook'))

    def test_operation_that_is_overtaken_while_it_is_claimed_is_sent_once(self):
        """ Test that a conflict before anything was sent doesn't leave it to the cron. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = tx._create_child_transaction(
            10, is_refund=True, aps_operation='REFUND', aps_request_state='queued'
        )
        with self._fail_once(tx, '_aps_lock'), \
                patch.object(self.env.cr, 'rollback'), patch.object(self.env.cr, 'commit'), \
                patch.object(
                    type(self.provider), '_aps_make_request',
                    side_effect=AssertionError("sent"),
                ) as send, self.assertRaisesRegex(AssertionError, "sent"):
            refund_tx._aps_send_operation()
        send.assert_called_once()
        self.assertEqual(refund_tx.aps_request_state, 'sent')
        self.assertTrue(refund_tx.aps_request_date)

    def test_outcome_that_is_overtaken_is_applied_again_but_not_sent_again(self):
        """ Test that money is moved once, and that this is not forgotten. """
        tx = self._create_transaction('redirect', state='done')
        refund_tx = tx._create_child_transaction(
            10, is_refund=True, aps_operation='REFUND', aps_request_state='queued'
        )
        answer = self._build_message(
            tx, command='REFUND', status='06', amount='1000',
            maintenance_reference=refund_tx.reference,
        )
        with self._fail_once(tx, '_aps_take_answer'), \
                patch.object(self.env.cr, 'rollback'), patch.object(self.env.cr, 'commit'), \
                patch.object(
                    type(self.provider), '_aps_make_request', return_value=answer
                ) as send:
            refund_tx._aps_send_operation()
        send.assert_called_once()
        self.assertEqual(refund_tx.state, 'done')
