""" Random sequences of what merchants, shoppers, APS and the network do to one payment.

After each step, what Odoo believes must be compatible with the ledger of the sandbox; in the end,
when APS answers again and was asked, both must be equal.
"""

import contextlib
import os

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.extent import get_extent
from tests.support.payments import Merchant
from workbench.rpc import RPCError

SEQUENCES = get_extent('APS_SEQUENCES', 25, 200)
SEED = int(os.environ.get('APS_SEED', '20261123'))
AMOUNT = 100
PARTS = st.sampled_from((1, 10, 25.5, 40, 60, 74.5, 99.99, 100, 100.01))
FAULTS = st.sampled_from((
    *[None] * 6, 'error_500', 'error_500_after', 'close', 'close_before', 'wrong_signature',
    'garbage', 'timeout_before', 'timeout_after',
))


class PaymentMachine(RuleBasedStateMachine):
    """ One payment, from the payment page to its last refund. """

    merchant = None  # Set by the test.

    @initialize(command=st.sampled_from(('PURCHASE', 'AUTHORIZATION')))
    def open_page(self, command):
        """ A shopper arrives on the payment page. """
        self.merchant.shop.sandbox('DELETE', 'faults')
        self.payment = self.merchant.open_page(AMOUNT, command)
        self.is_page_open = True

    @precondition(lambda self: self.is_page_open)
    @rule(is_lost=st.booleans())
    def pay(self, is_lost):
        """ The shopper pays; the notification may be lost. """
        self.is_page_open = False
        if is_lost:
            self.merchant.order_fault('NOTIFICATION', 'drop')
        self.payment.pay()

    @rule(amount=PARTS, fault=FAULTS, is_held=st.booleans())
    def capture(self, amount, fault, is_held):
        """ The merchant captures a part. """
        self._operate('CAPTURE', fault, is_held, lambda: self.payment.capture(amount))

    @rule(fault=FAULTS, is_held=st.booleans())
    def void(self, fault, is_held):
        """ The merchant voids. """
        self._operate('VOID_AUTHORIZATION', fault, is_held, self.payment.void)

    @rule(amount=PARTS, index=st.integers(0, 3), fault=FAULTS, is_held=st.booleans())
    def refund(self, amount, index, fault, is_held):
        """ The merchant refunds a part of the payment or of one of its captures. """
        refundable = [
            row for row in self.payment.read_family()
            if row['operation'] != 'refund' and row['state'] == 'done'
        ]
        captures = [row for row in refundable if row['id'] != self.payment.id] or refundable
        if captures:
            row = captures[index % len(captures)]
            self._operate('REFUND', fault, is_held, lambda: self.merchant.refund(row['id'], amount))

    @rule()
    def deliver(self):
        """ Notices that were held back arrive, however late. """
        self.merchant.deliver_notifications()

    @rule(how=st.sampled_from(('duplicate', 'reorder')))
    def disturb_notifications(self, how):
        """ The next notices come twice, or out of order. """
        self.merchant.order_fault('NOTIFICATION', how, times=2)

    @rule()
    def check(self):
        """ The merchant asks APS: both sides agree, unless something is still under way. """
        self.merchant.wait_for_notifications()
        try:
            self.payment.check()
        except RPCError:
            return
        if not self.payment.is_under_way():
            self.assert_equal()

    @rule()
    def run_cron(self):
        """ The scheduled action asks APS. """
        self.payment.make_due()
        self.merchant.run_check_cron()
        if not self.payment.is_under_way():
            self.assert_equal()

    @rule(command=st.sampled_from(('CAPTURE', 'REFUND', 'VOID_AUTHORIZATION')), amount=PARTS)
    def use_back_office(self, command, amount):
        """ Somebody does something in APS's back office, if APS allows it. """
        with contextlib.suppress(OSError):  # Refused by the sandbox.
            self.merchant.use_back_office(
                self.payment, command, None if command == 'VOID_AUTHORIZATION' else amount * 100
            )

    def _operate(self, command, fault, is_held, operation):
        """ Do something in Odoo while APS or the network may be at fault. """
        if is_held:
            self.merchant.order_fault('NOTIFICATION', 'hold')
        if fault:
            self.merchant.order_fault(command, fault)
        with contextlib.suppress(RPCError):
            operation()
        self.merchant.shop.sandbox('DELETE', 'faults')

    @invariant()
    def odoo_never_believes_more_than_the_ledger_holds(self):
        """ No capture, refund or void that APS has not executed is taken for done. """
        captured, refunded, voided = self.payment.sum_in_odoo()
        ledger = self.payment.read_ledger()
        assert captured <= ledger.captured <= AMOUNT * 100
        assert refunded <= ledger.refunded <= ledger.captured
        assert not voided or ledger.voided or not ledger.authorized

    def teardown(self):
        """ APS answers again: everything is settled, and both sides agree. """
        self.merchant.shop.sandbox('DELETE', 'faults')
        self.merchant.deliver_notifications()
        self.merchant.wait_for_notifications()
        self.payment.age('aps_request_date', days=1)
        self.payment.check()
        ledger = self.payment.read_ledger()
        if ledger.refunded and ledger.captured < AMOUNT * 100:
            # As long as it isn't known whether refunds shrink the captured sum, it may need long.
            self.payment.age('aps_request_date', days=4)
            self.payment.check()
        assert not self.payment.is_under_way()
        self.assert_equal()

    def assert_equal(self):
        """ Odoo's sums are those of the ledger: no operation was executed twice, or forgotten. """
        ledger = self.payment.read_ledger()
        assert self.payment.sum_in_odoo() == (ledger.captured, ledger.refunded, ledger.voided)


def test_odoo_and_aps_agree_after_any_sequence(shop, tell):
    """ Run random sequences; the number and the seed are printed and can be set. """
    merchant = PaymentMachine.merchant = Merchant(shop)
    merchant.set_read_timeout(1)
    merchant.forget_sum_rule()
    print(f"seed {SEED}")
    machine = seed(SEED)(PaymentMachine)
    machine.TestCase.settings = settings(
        max_examples=SEQUENCES, stateful_step_count=12, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate,), print_blob=True,
        report_multiple_bugs=False,
    )
    machine.TestCase('runTest').runTest()
    tell(f"{SEQUENCES} sequences in step with APS's ledger, seed {SEED}")
