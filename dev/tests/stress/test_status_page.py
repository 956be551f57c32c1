""" The status page of shoppers who come back with nothing, on servers as shops run them. """

import itertools
import os
import statistics
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.support.extent import get_extent
from tests.support.payments import Merchant
from tests.support.portal_shopper import PortalShopper, post_form
from tests.support.running_shop import Shop
from workbench.odoo import Odoo
from workbench.odoo_source import find_sources
from workbench.postgres import Postgres
from workbench.rpc import BUSY, RPCError
from workbench.system import stop

PAGES = 8
# How many strangers flood the shop with status pages, and how often each of them opens it.
FLOODING = 6
VISITS = get_extent('APS_VISITS', 30, 300)
# How long APS hangs, how long a shopper may wait for the order to be paid, and how much longer
# another visitor may wait for a page than beside status pages of nobody, in seconds.
HANG = 8
LONGEST_WAIT = 5
LONGEST_VISIT = 1
# What APS needs for an answer while a batch is under way, and how large the batch is.
LATENCY = 0.3
BACKLOG = 150


@pytest.fixture(scope='module')
def prefork(shop):
    """ The same shop, served by two workers, as small shops have them. """
    [source] = find_sources(shop.series)
    folder = Path(os.environ['APS_LOG_FOLDER']).parent
    odoo = Odoo(source, Postgres(folder), folder)
    url, process = odoo.serve(
        shop.database, '--workers=2', '--limit-time-real=600', '--limit-time-cpu=600',
        name='status_prefork',
    )
    yield Shop({**os.environ, 'APS_SHOP_URL': url})
    stop(process)


@pytest.fixture
def aps(shop):
    """ A sandbox that answers as it should; whatever went wrong is over at the end. """
    merchant = Merchant(shop)
    merchant.set_manual_capture(False)
    merchant.set_read_timeout(20)
    yield merchant
    shop.sandbox('DELETE', 'faults')
    merchant.run_check_cron()  # Waits for one that still hangs.
    shop.query("DELETE FROM payment_transaction WHERE reference LIKE 'BUSY-%'")
    merchant.set_read_timeout(2)


def start_payment(merchant, shop, is_paid=True):
    """ Have a shopper leave for the payment page, of which the shop hears nothing any more.

    :param Merchant merchant: The merchant.
    :param Shop shop: The server of the shopper.
    :param bool is_paid: Whether they pay.
    :return: The shopper.
    :rtype: PortalShopper
    """
    shopper = PortalShopper(shop)
    shopper.move_to('AE')
    method_id = shop.rpc.ref('payment.payment_method_card')
    fields = shopper.go_to_payment_page(method_id, 12.3, 'AED')
    shopper.reference = fields['merchant_reference']
    if is_paid:
        post_form(shop, fields)
        merchant.order_fault(
            'NOTIFICATION', 'drop', times=5, merchant_reference=shopper.reference
        )
        shop.sandbox('POST', 'pay', {
            'merchant_reference': shopper.reference, 'result': 'success',
        })
        merchant.wait_for_notifications()
    return shopper


def open_status_page(shopper):
    """ Open the status page, and return how long that took, in seconds. """
    begin = time.monotonic()
    shopper.read('/payment/status')
    return time.monotonic() - begin


def wait_at_status_page(shopper):
    """ Do what the status page does until it shows a paid order.

    :return: How long that took, in seconds.
    :rtype: float
    """
    begin = time.monotonic()
    open_status_page(shopper)
    while time.monotonic() - begin < 60:
        if poll(shopper) == 'done':
            break
        time.sleep(0.2)
    return time.monotonic() - begin


def poll(shopper):
    """ Ask for the state as the status page does.

    :return: The state; `None` if the payment was just being processed, so that the page asks again.
    :rtype: str | None
    """
    try:
        return shopper.call('/payment/status/poll')['state']
    except RPCError as error:
        if str(error) != BUSY:
            raise
        return None


def end_run(shop, run):
    """ Have a run of the check end soon. """
    shop.query(
        "UPDATE payment_transaction SET aps_next_check = NULL WHERE reference LIKE 'BUSY-%'"
    )
    run.join()


def visit(shop, path='/web/login'):
    """ Open a page as another visitor, and return how long that took, in seconds. """
    begin = time.monotonic()
    urllib.request.urlopen(shop.url + path, timeout=90).read()
    return time.monotonic() - begin


def visit_beside(shop, openers):
    """ Have shoppers open the status page all at once, and another visitor another page.

    :param Shop shop: The server.
    :param list[callable] openers: Open the page, and return how long that took.
    :return: How long the pages took, and those of the visitor, in seconds.
    :rtype: tuple[list[float], list[float]]
    """
    with ThreadPoolExecutor(len(openers)) as pool:
        pages = [pool.submit(opener) for opener in openers]
        time.sleep(0.3)
        visits = [visit(shop) for _visit in range(5)]
        return [page.result() for page in pages], visits


def test_hanging_aps_holds_no_worker(aps, prefork, tell):
    """ Eight status pages while APS hangs delay neither themselves nor another visitor. """
    shoppers = [start_payment(aps, prefork, is_paid=False) for _shopper in range(PAGES)]
    nobody = partial(visit, prefork, '/payment/status')
    for _round in range(2):  # Once both workers have loaded what they need.
        _pages, usual_visits = visit_beside(prefork, [nobody] * PAGES)
    aps.order_fault('CHECK_STATUS', 'timeout_before', times=1000, seconds=HANG)

    pages, visits = visit_beside(
        prefork, [partial(open_status_page, shopper) for shopper in shoppers]
    )

    tell(f"{PAGES} status pages {min(pages):.2f} to {max(pages):.2f} s, "
         f"other visitors up to {max(visits):.2f} s, usually {max(usual_visits):.2f} s")
    assert max(visits) < max(usual_visits) + LONGEST_VISIT
    assert max(pages) < LONGEST_WAIT


def test_flood_of_status_pages_has_aps_asked_rarely(shop, aps, tell):
    """ Strangers who start payments, make none, and look at the status page all the time. """
    shoppers = [start_payment(aps, shop, is_paid=False) for _shopper in range(FLOODING)]
    begin = time.monotonic()
    with ThreadPoolExecutor(FLOODING) as pool:
        durations = [*itertools.chain(*pool.map(flood_status_page, shoppers))]
    seconds = time.monotonic() - begin

    aps.run_check_cron()  # Waits for the run that is asking.
    asked = [count_questions(shop, shopper.reference) for shopper in shoppers]
    tell(f"{len(durations)} status pages and as many polls of {FLOODING} strangers in "
         f"{seconds:.0f} s: median {statistics.median(durations):.2f} s, longest "
         f"{max(durations):.2f} s; APS was asked {sum(asked)} times, no more than "
         f"{max(asked)} about one payment")
    assert max(asked) <= 1 + 2 * (seconds // 60), "It is asked at once, and rarely again."
    assert max(durations) < LONGEST_WAIT


def flood_status_page(shopper):
    """ Open the status page again and again, with a poll each time.

    :return: How long each page took, in seconds.
    :rtype: list[float]
    """
    durations = []
    for _visit in range(VISITS):
        durations.append(open_status_page(shopper))
        shopper.call('/payment/status/poll')
    return durations


def count_questions(shop, reference):
    """ Return how often APS was asked about a payment. """
    requests = shop.sandbox('GET', f'requests?merchant_reference={reference}')['requests']
    return [request['command'] for request in requests].count('CHECK_STATUS')


@pytest.mark.parametrize('mode', ('threaded', 'prefork'))
def test_shopper_who_came_back_with_nothing_sees_the_paid_order_soon(
    shop, aps, request, mode, tell
):
    server = shop if mode == 'threaded' else request.getfixturevalue('prefork')
    waits = [wait_at_status_page(start_payment(aps, server)) for _shopper in range(5)]

    tell(f"{mode}: median {statistics.median(waits):.2f} s, longest {max(waits):.2f} s")
    assert max(waits) < LONGEST_WAIT


def test_shopper_comes_first_in_a_batch_that_is_under_way(shop, aps, tell):
    """ Strangers' drafts that are due don't delay a shopper, even if the check is at work. """
    shopper = start_payment(aps, shop)
    draft = aps.open_page(10, command='PURCHASE')
    draft.multiply('BUSY', BACKLOG)
    aps.order_fault('CHECK_STATUS', 'slow', times=1000, seconds=LATENCY)
    run = threading.Thread(target=aps.run_check_cron)
    run.start()
    time.sleep(2)

    wait = wait_at_status_page(shopper)

    tell(f"during a batch: {wait:.2f} s")
    end_run(shop, run)
    assert wait < LONGEST_WAIT


def test_account_that_hangs_delays_no_shopper_of_another(shop, aps, tell):
    """ A request that hangs holds its own account only. """
    shopper = start_payment(aps, shop)
    hanging = aps.open_page(10, command='PURCHASE')
    provider_id = aps.rpc.call('payment.provider', 'copy', [aps.provider_id])
    provider_id = provider_id[0] if isinstance(provider_id, list) else provider_id
    values = shop.query(
        "SELECT aps_merchant_identifier, aps_access_code, aps_sha_request, aps_sha_response "
        f"FROM payment_provider WHERE id = {aps.provider_id}"
    ).split('|')
    names = (
        'aps_merchant_identifier', 'aps_access_code', 'aps_sha_request', 'aps_sha_response',
    )
    aps.rpc.call('payment.provider', 'write', [provider_id], {
        **dict(zip(names, values, strict=True)), 'state': 'test',
    })
    hanging.multiply('BUSY', 3, provider_id=provider_id)
    for number in range(1, 4):
        aps.order_fault(
            'CHECK_STATUS', 'timeout_before', times=10, seconds=HANG,
            merchant_reference=f'BUSY-{number}',
        )
    run = threading.Thread(target=aps.run_check_cron)
    run.start()
    time.sleep(2)
    try:
        wait = wait_at_status_page(shopper)

        tell(f"beside an account that hangs: {wait:.2f} s")
        assert wait < LONGEST_WAIT
    finally:
        end_run(shop, run)
        aps.rpc.call('payment.provider', 'write', [provider_id], {'state': 'disabled'})
