import os
from contextlib import closing
from math import factorial

from odoo.tests import tagged

from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, APSCommon

SUCCESSES = {'PURCHASE': '14', 'AUTHORIZATION': '02'}
FAILURES = {'PURCHASE': '13', 'AUTHORIZATION': '03'}
# By default, the success is not told in other words as well: that makes 120 orders of 720.
IS_THOROUGH = bool(os.environ.get('APS_THOROUGH'))


@tagged('post_install', '-at_install')
class TestOrders(APSCommon):
    """ The answers to a payment in each order in which they may come. """

    def _build_answers(self, tx, command):
        """ Return what APS may say about a payment.

        :param recordset tx: The transaction.
        :param str command: The command of the payment.
        :return: The messages by what they tell.
        :rtype: dict[str, dict]
        """
        success, failure = SUCCESSES[command], FAILURES[command]
        changes = {
            'pending': {'status': '19', 'response_code': '19000'},
            'failed': {'status': failure, 'response_code': f'{failure}666', 'fort_id': '1'},
            'success': {'status': success},
            'refund': {'command': 'REFUND', 'status': '06', 'fort_id': '2'},
            'void': {'command': 'VOID_AUTHORIZATION', 'status': '08', 'amount': None},
        }
        if IS_THOROUGH:  # The same in other words, so that it isn't recognized as a repetition.
            changes['duplicate'] = {'status': success, 'response_message': 'Once more'}
        return {
            name: self._build_message(tx, **{'command': command, **values})
            for name, values in changes.items()
        }

    def _receive(self, tx, message):
        """ Have the payment take a message over, as the routes do. """
        if tx._aps_admit(message, 'webhook'):
            tx._aps_handle(message)
        self.env.flush_all()

    def _walk(self, tx, answers, check, path=()):
        """ Take over the answers in all orders.

        What begins alike is done once: each branch is undone to a savepoint.

        :param recordset tx: The transaction.
        :param dict answers: The answers that are left, by name.
        :param callable check: What to check after each answer: `check(path)`.
        :param tuple path: The names of the answers so far.
        :return: The state of the payment in the end, by order.
        :rtype: dict
        """
        if not answers:
            return {path: self._read_end(tx)}
        ends = {}
        for name, message in answers.items():
            rest = {key: value for key, value in answers.items() if key != name}
            with closing(self.cr.savepoint(flush=False)):  # Is rolled back in any case.
                self._receive(tx, message)
                check((*path, name))
                ends.update(self._walk(tx, rest, check, (*path, name)))
            self.env.invalidate_all(flush=False)
        return ends

    def _read_end(self, tx):
        """ Return what Odoo believes of a payment's money. """
        return (
            tx.state, tx.amount, tx.provider_reference, bool(tx.aps_next_check),
            tx._aps_get_captured()._aps_sum_minor(), len(tx._aps_get_family()),
        )

    def test_purchase_ends_as_paid_in_each_order(self):
        """ Test that neither a success nor the refund of the whole amount is ever lost. """
        tx = self._create_transaction('redirect')

        def check(path):
            paid = {'success', 'duplicate'} & set(path)
            self.assertEqual(tx.state == 'done', bool(paid), path)
            self.assertEqual(
                tx._aps_get_captured()._aps_sum_minor(), 12345 if paid else 0, path
            )

        answers = self._build_answers(tx, 'PURCHASE')
        ends = self._walk(tx, answers, check)

        self.assertEqual(len(ends), factorial(len(answers)))
        for order, end in ends.items():
            self.assertEqual(end, ('done', 123.45, '169996200024611493', True, 12345, 2), order)

    def test_attempts_without_success_end_as_aps_tells_in_each_of_24_orders(self):
        """ Test that the answers to attempts that all failed, or may have not, are settled. """
        tx = self._create_transaction('redirect')
        answers = {
            name: self._build_message(tx, status=code[:2], response_code=code)
            for name, code in {
                'failed': '13666', 'left': '00072', 'uncertain': '15777', 'unfinished': '20064',
            }.items()
        }
        query_answer = {
            'query_command': 'CHECK_STATUS', 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': tx.reference, 'status': '12', 'response_code': '12000',
            'transaction_status': '13', 'transaction_code': '13666',
        }

        def check(path):
            is_message_careful = "not been charged" not in (tx.state_message or '')
            if path[-1] in ('uncertain', 'unfinished'):
                self.assertTrue(is_message_careful, path)
            if path[-1] == 'uncertain':
                self.assertEqual(tx.state, 'pending', path)
            self.assertTrue(is_message_careful or tx.state in ('cancel', 'error'), path)
            self.assertTrue(tx.aps_next_check, path)
            with closing(self.cr.savepoint(flush=False)):
                tx._aps_handle(query_answer)
                self.assertIn(tx.state, ('cancel', 'error'), path)
                self.assertIn("not been charged", tx.state_message, path)
                self.env.flush_all()
            self.env.invalidate_all(flush=False)

        self.assertEqual(len(self._walk(tx, answers, check)), 24)

    def test_authorization_ends_as_released_in_each_order(self):
        """ Test that nothing brings a voided payment back. """
        tx = self._create_transaction('redirect')

        def check(path):
            self.assertFalse(tx._aps_get_captured(), path)
            if 'void' in path:
                self.assertEqual(tx.state, 'cancel', path)
            elif {'success', 'duplicate'} & set(path):
                self.assertEqual(tx.state, 'authorized', path)

        answers = self._build_answers(tx, 'AUTHORIZATION')
        ends = self._walk(tx, answers, check)

        self.assertEqual(len(ends), factorial(len(answers)))
        self.assertEqual({end[0] for end in ends.values()}, {'cancel'})
        self.assertEqual({end[4:] for end in ends.values()}, {(0, 1)})
