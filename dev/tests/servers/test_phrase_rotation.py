""" The change of the response phrase while payments are under way.

APS repeats a notice ten times, every ten seconds; the sandbox of the tests does so every second. A
notice that is refused until then is lost. So once Odoo has the new phrase, it asks about all that
is open, in its next status check at the latest.
"""

import time

import pytest

from workbench.sandbox_process import CREDENTIALS

PHRASE = CREDENTIALS['aps_sha_response']
NEW_PHRASE = 'the new response phrase'
# In minutes: between the changes in the dashboard and in Odoo, and between two status checks.
GAP = 10
INTERVAL = 5


@pytest.fixture
def rotation(merchant):
    """ A merchant whose phrase is put back afterwards, and who has no other open payments.

    While APS isn't understood, a check of three of them ends before it reaches the one of the test.
    """
    rotation = Rotation(merchant)
    merchant.leave_open_payments_alone()
    yield rotation
    rotation.change_in_dashboard(PHRASE)
    rotation.change_in_odoo(PHRASE)
    merchant.leave_open_payments_alone()


class Rotation:
    """ A merchant who changes the response phrase. """

    def __init__(self, merchant):
        self.merchant, self.shop = merchant, merchant.shop

    def change_in_dashboard(self, phrase=NEW_PHRASE):
        """ Have APS sign with another phrase from now on. """
        self.shop.sandbox('PATCH', f'accounts/{self.shop.merchant}', {
            'sha_response_phrase': phrase,
        })

    def change_in_odoo(self, phrase=NEW_PHRASE):
        """ Have Odoo expect another phrase from now on. """
        self.merchant.rpc.call('payment.provider', 'write', [self.merchant.provider_id], {
            'aps_sha_response': phrase,
        })

    def start_paying(self):
        """ Have a shopper pay, without waiting for the notice to arrive. """
        payment = self.merchant.open_page(100, command='PURCHASE')
        self.shop.sandbox('POST', 'pay', {
            'merchant_reference': payment.reference, 'result': 'success',
        })
        return payment

    def read_notice(self, payment):
        """ Return what the sandbox knows of the notice of a payment. """
        [notice] = self.shop.sandbox(
            'GET', f'notifications?merchant_reference={payment.reference}'
        )['notifications']
        return notice

    def count_questions(self, payment):
        """ Return how often Odoo asked about a payment. """
        requests = self.shop.sandbox(
            'GET', f'requests?merchant_reference={payment.reference}'
        )['requests']
        return sum(request['command'] == 'CHECK_STATUS' for request in requests)

    def let_pass(self, payment, minutes):
        """ Have time pass for a payment, with a status check at each interval.

        :param Payment payment: The payment.
        :param int minutes: How much time.
        :return: After how many minutes the payment was confirmed, if it was.
        :rtype: int | None
        """
        for minute in range(1, minutes + 1):
            self.shop.query(
                "UPDATE payment_transaction SET create_date = create_date - interval '1 minute', "
                f"aps_next_check = aps_next_check - interval '1 minute' WHERE id = {payment.id}"
            )
            if minute % INTERVAL == 0:
                self.merchant.run_check_cron()
            if payment.read().state == 'done':
                return minute
        return None


def test_change_within_the_repetitions_of_a_notice_loses_nothing(rotation):
    rotation.change_in_dashboard()
    payment = rotation.start_paying()
    while rotation.read_notice(payment)['attempts'] < 3:
        time.sleep(0.2)
    assert payment.read().state == 'draft'

    rotation.change_in_odoo()
    rotation.merchant.wait_for_notifications()

    assert payment.read().state == 'done'


def test_payment_of_a_gap_of_ten_minutes_is_settled_by_the_next_check(rotation, tell):
    rotation.change_in_dashboard()
    payment = rotation.start_paying()
    rotation.merchant.wait_for_notifications()
    notice = rotation.read_notice(payment)
    assert (notice['state'], notice['attempts'], notice['last_status']) == ('failed', 11, 403)
    assert rotation.let_pass(payment, GAP) is None, "What is signed otherwise isn't believed."

    rotation.change_in_odoo()

    delay = rotation.let_pass(payment, 24 * 60)
    tell(f"settled {delay} minutes after the phrase was changed in Odoo")
    assert delay <= INTERVAL
    payment.assert_in_step(captured=10000)


def test_payment_whose_check_fell_into_the_gap_does_not_wait_for_the_next_day(rotation):
    payment = rotation.merchant.open_page(100, command='PURCHASE')
    payment.age('create_date', hours=2)  # The shopper took their time; checks are rare by now.
    rotation.change_in_dashboard()
    payment.pay()
    payment.make_due()
    assert rotation.let_pass(payment, GAP) is None
    assert rotation.count_questions(payment) == 1

    rotation.change_in_odoo()

    assert rotation.let_pass(payment, GAP) <= INTERVAL
    payment.assert_in_step(captured=10000)
