""" The check of open payments on a large backlog. """


import pytest

from tests.support.extent import get_extent
from tests.support.payments import Merchant

BACKLOG = 10_000
BATCH = 100
# How many drafts strangers make in a minute, and for how long. 60 is a draft a second.
DRAFTS_A_MINUTE = get_extent('APS_DRAFTS_A_MINUTE', 6, 12)
ATTACK_MINUTES = get_extent('APS_ATTACK_MINUTES', 20, 60)
# How long APS needs for an answer, in seconds.
LATENCY = 0.37


@pytest.fixture
def backlog(shop):
    """ A backlog of open payments that are due, made by the database itself. """
    merchant = Merchant(shop)
    template = merchant.open_page(10, command='PURCHASE')
    template.multiply('BACKLOG', BACKLOG)
    merchant.set_read_timeout(2)
    shop.sandbox('POST', 'reset')
    yield merchant
    shop.sandbox('DELETE', 'faults')
    shop.query("DELETE FROM payment_transaction WHERE reference LIKE 'BACKLOG-%'")


def count_checked(shop):
    """ Return how many payments of the backlog were asked about. """
    return int(shop.query(
        "SELECT count(*) FROM payment_transaction "
        "WHERE reference LIKE 'BACKLOG-%' AND aps_last_check IS NOT NULL"
    ))


def count_requests(shop):
    """ Return how many queries about the backlog the sandbox has seen, by payment. """
    counts = {}
    for request in shop.sandbox('GET', 'requests')['requests']:
        reference = request['merchant_reference'] or ''
        if request['command'] == 'CHECK_STATUS' and reference.startswith('BACKLOG-'):
            counts[reference] = counts.get(reference, 0) + 1
    return counts


def test_cron_asks_once_about_each_payment_of_a_batch_and_goes_on_next_time(shop, backlog):
    backlog.run_check_cron()
    first = count_checked(shop)
    backlog.run_check_cron()
    second = count_checked(shop)

    # The scheduler may have begun with the next batch meanwhile.
    assert BATCH <= first < BACKLOG / 10 and second >= first + BATCH
    assert set(count_requests(shop).values()) == {1}
    assert shop.query(
        "SELECT DISTINCT state FROM payment_transaction WHERE reference LIKE 'BACKLOG-%'"
    ) == 'draft', "APS knows nothing of them, but they are not old enough to be given up."


def test_cron_backs_off_if_aps_is_down_and_cancels_nothing(shop, backlog):
    shop.query(
        "UPDATE payment_transaction SET create_date = now() - interval '30 days' "
        "WHERE reference LIKE 'BACKLOG-%'"
    )
    backlog.order_fault('CHECK_STATUS', 'error_500', times=1000)

    backlog.run_check_cron()

    [fault] = shop.sandbox('GET', 'faults')['faults']
    assert 0 < 1000 - fault['times'] <= 6, "APS is hammered although it is down."
    assert shop.query(
        "SELECT DISTINCT state FROM payment_transaction WHERE reference LIKE 'BACKLOG-%'"
    ) == 'draft'


def test_one_failing_payment_does_not_stop_the_rest(shop, backlog):
    victim = shop.query(
        "SELECT reference FROM payment_transaction WHERE reference LIKE 'BACKLOG-%' "
        "ORDER BY aps_next_check, id LIMIT 1"
    )
    backlog.order_fault('CHECK_STATUS', 'wrong_signature', merchant_reference=victim)

    backlog.run_check_cron()

    assert count_checked(shop) >= BATCH - 1
    assert shop.query(
        f"SELECT aps_last_check IS NULL FROM payment_transaction WHERE reference = '{victim}'"
    ) == 't'


def test_payment_that_is_being_updated_does_not_stop_the_rest(shop, backlog):
    with backlog.provoke_conflicts('scheduled', times=1) as count_conflicts:
        backlog.run_check_cron()
        assert count_conflicts() > 1

    assert count_checked(shop) >= BATCH - 1


def count_trail(shop):
    """ Return how many rows the trail of messages has. """
    return int(shop.query("SELECT count(*) FROM payment_aps_message"))


def read_asked(shop):
    """ Return the references that the sandbox was asked about, in order. """
    return [
        request['merchant_reference'] for request in shop.sandbox('GET', 'requests')['requests']
        if request['command'] == 'CHECK_STATUS'
    ]


def test_drafts_that_aps_does_not_know_leave_no_trail(shop, backlog):
    """ What strangers never pay fills no table. """
    trail = count_trail(shop)
    backlog.run_check_cron()
    assert count_checked(shop) >= BATCH
    assert count_trail(shop) == trail


def test_drafts_of_strangers_do_not_delay_a_pending_payment(shop, backlog):
    """ A pending payment that is due for a minute comes before drafts that are due for an hour. """
    payment = backlog.open_page(10, command='PURCHASE')
    payment.pay('pending')
    shop.sandbox('POST', 'reset')
    payment.make_due()

    backlog.run_check_cron()

    asked = read_asked(shop)
    assert payment.reference in asked[:5]
    assert len(set(asked)) >= BATCH, "The drafts have what is left of the batch."


class Attack:
    """ Strangers who start payments all the time and make none, while a clock is moved. """

    def __init__(self, shop):
        """ :param Shop shop: The running shop. """
        self.shop = shop
        self.merchant = Merchant(shop)
        self.template = self.merchant.open_page(10, command='PURCHASE')
        shop.sandbox('POST', 'reset')
        [self.first_check] = shop.query(
            "SELECT aps_next_check - create_date FROM payment_transaction "
            f"WHERE id = {self.template.id}"
        ).splitlines()
        # Nobody else is asked about.
        shop.query("UPDATE payment_transaction SET aps_next_check = NULL")
        self.minute = 0
        self.loads = []  # How many payments were asked about in each minute.
        self.ids = []  # Honest payments, whose clock is moved as well.
        self.checks = {}  # In which minutes each of them was asked about.

    def pass_minute(self):
        """ Have a minute pass, with its drafts, and the check run as often as there is need. """
        self.minute += 1
        minute = "interval '1 minute'"
        self.shop.query(
            f"UPDATE payment_transaction SET create_date = create_date - {minute}, "
            f"aps_next_check = aps_next_check - {minute}, "
            f"aps_last_check = aps_last_check - {minute}, "
            f"last_state_change = last_state_change - {minute} "
            f"WHERE reference LIKE 'ATTACK-%' OR id IN ({', '.join(map(str, [0, *self.ids]))})"
        )
        if self.minute <= ATTACK_MINUTES:
            self.template.multiply(
                f'ATTACK-{self.minute}', DRAFTS_A_MINUTE,
                create_date="now() AT TIME ZONE 'UTC'",
                aps_next_check=(  # In whole seconds, as Odoo writes it.
                    "date_trunc('second', now() AT TIME ZONE 'UTC' "
                    f"+ interval '{self.first_check}')"
                ),
            )
        begin = self.shop.query("SELECT date_trunc('second', now() AT TIME ZONE 'UTC')")
        for _run in range(20):
            self.merchant.run_check_cron()
            if not self.count_due():
                break
        assert not self.count_due(), "The queue grows."
        asked = self.shop.query(
            f"SELECT id FROM payment_transaction WHERE aps_last_check >= '{begin}'"
        ).splitlines()
        self.loads.append(len(asked))
        for transaction_id in self.ids:
            if str(transaction_id) in asked:
                self.checks.setdefault(transaction_id, []).append(self.minute)

    def count_due(self):
        """ Return how many payments are due. """
        return int(self.shop.query(
            "SELECT count(*) FROM payment_transaction "
            "WHERE aps_next_check <= now() AT TIME ZONE 'UTC'"
        ))


@pytest.fixture
def attack(shop):
    """ An attack that begins. """
    attack = Attack(shop)
    yield attack
    shop.sandbox('DELETE', 'faults')
    shop.query("DELETE FROM payment_transaction WHERE reference LIKE 'ATTACK-%'")


def test_strangers_drafts_delay_nobody_and_fill_nothing(shop, attack, tell):
    """ Drafts all the time, by a moved clock; APS's time for an answer is reckoned. """
    pending = attack.merchant.open_page(10, command='PURCHASE')
    pending.pay('pending')
    lost = attack.merchant.open_page(10, command='PURCHASE')
    attack.merchant.order_fault('NOTIFICATION', 'drop', times=5)
    lost.pay()
    attack.ids = [pending.id, lost.id]
    trail = count_trail(shop)
    settled_after = None

    for _minute in range(ATTACK_MINUTES + 65):  # Until the last one was asked about twice.
        attack.pass_minute()
        if settled_after is None and lost.read().state == 'done':
            settled_after = attack.minute

    drafts = int(shop.query(
        "SELECT count(*) FROM payment_transaction WHERE reference LIKE 'ATTACK-%'"
    ))
    rows = count_trail(shop) - trail
    # On average of ten minutes, as the minutes of the test itself pass as well.
    busiest = max(sum(attack.loads[i:i + 10]) / 10 for i in range(len(attack.loads) - 9))
    tell(f"{drafts} drafts in {ATTACK_MINUTES} minutes: {sum(attack.loads)} queries, "
         f"{busiest:.0f} in a busy minute ({busiest * LATENCY:.0f} s of APS's time), "
         f"{rows} rows of the trail, a lost payment settled after {settled_after} minutes")
    assert drafts == DRAFTS_A_MINUTE * ATTACK_MINUTES
    assert sum(attack.loads) <= 3 * drafts + 20
    assert busiest * LATENCY < 60, "More than can be asked in a minute: the queue would grow."
    assert settled_after <= 12
    assert rows < 100
    tell(f"the pending payment was asked about after {attack.checks[pending.id]} minutes")
    for minute, asked in zip((2, 10, 16, 60), attack.checks[pending.id], strict=False):
        assert asked <= minute, "A pending payment is asked about when it is due."
