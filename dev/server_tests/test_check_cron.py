""" The check of open payments on a large backlog. """

import pytest
from workbench.payments import Merchant

BACKLOG = 10_000
BATCH = 100


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
