""" Answers of APS to a real server: real transactions of the database, real conflicts. """

import os
import re
import statistics
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.posting import post

PAYMENTS = 12
# A line of the access log about a refused notification, with its number of queries.
ACCESS = re.compile(
    r'"POST /payment/aps/webhook HTTP/[\d.]+" 403 \S+ (\d+) [\d.]+ [\d.]+$', re.MULTILINE
)


def count_versions(shop, reference):
    """ Return how the row of a transaction was last written, to tell if it is written again. """
    return shop.query(
        f"SELECT ctid, xmin FROM payment_transaction WHERE reference = '{reference}'"
    )


def test_return_and_webhook_at_the_same_moment_confirm_once_and_fast(shop, make_payments, tell):
    """ Two requests about one payment neither lose it nor wait for Odoo's random retries. """
    messages = make_payments('PAIR', PAYMENTS)
    durations = []
    with ThreadPoolExecutor(2) as pool:
        for message in messages:
            outcomes = list(pool.map(
                lambda route, message=message: post(f'{shop.url}/payment/aps/{route}', message),
                ('return', 'webhook'),
            ))
            assert [status for status, _seconds in outcomes] == [303, 200]
            durations.append(max(seconds for _status, seconds in outcomes))

    for message in messages:
        assert shop.read_transaction(message['merchant_reference']).state == 'done'
    tell(f"slower of both: median {statistics.median(durations):.3f} s, "
         f"longest {max(durations):.3f} s")
    # A random retry of Odoo takes a second on average, for most of such pairs.
    assert statistics.median(durations) < 0.5


def test_storm_of_the_same_notification_writes_once(shop, make_payments):
    """ Ten simultaneous deliveries of one notification are all acknowledged. """
    [message] = make_payments('STORM', 1)
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(
            lambda _index: post(f'{shop.url}/payment/aps/webhook', message), range(10)
        ))
    assert [status for status, _seconds in outcomes] == [200] * 10
    reference = message['merchant_reference']
    assert shop.read_transaction(reference).state == 'done'

    version = count_versions(shop, reference)
    post(f'{shop.url}/payment/aps/webhook', message)
    assert count_versions(shop, reference) == version


def test_contradicting_answers_at_the_same_moment_end_as_paid(shop, make_payments):
    """ A failure and a success that race leave the payment confirmed, whoever wins. """
    for success in make_payments('RACE', 5):
        failure = shop.sandbox('POST', 'sign', {
            'merchant_identifier': shop.merchant,
            'fields': {**success, 'status': '13', 'response_code': '13666'},
        })['fields']
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(
                lambda message: post(f'{shop.url}/payment/aps/webhook', message),
                (success, failure, success, failure),
            ))
        assert [status for status, _seconds in outcomes] == [200] * 4
        assert shop.read_transaction(success['merchant_reference']).state == 'done'


def test_refusals_are_not_slowed_down_by_a_payment_in_progress(shop, make_payments):
    """ A stranger's message neither waits for the lock of the payment nor takes it. """
    [message] = make_payments('FORGED', 1)
    forged = {**message, 'amount': '1'}
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(
            lambda body: post(f'{shop.url}/payment/aps/webhook', body), [forged] * 16
        ))
    assert [status for status, _seconds in outcomes] == [403] * 16
    assert shop.read_transaction(message['merchant_reference']).state == 'draft'


def test_refusal_costs_two_queries(shop, make_payments, tell):
    """ As Odoo's access log counts them, beside those of any request. """
    [message] = make_payments('CHEAP', 1)
    forged = {**message, 'amount': '1'}
    for body in (forged, {'a': '1'}):  # Until none is examined any more.
        for _attempt in range(40):
            post(f'{shop.url}/payment/aps/webhook', body)

    nothing, unknown, wrong = (
        count_queries(shop, body)
        for body in ({'a': '1'}, {**message, 'merchant_reference': 'NOBODY'}, forged)
    )

    tell(f"queries: {nothing} without reference, {unknown} unknown, {wrong} wrong")
    assert unknown <= nothing + 2  # It names an account of this database, so that is looked at.
    assert wrong <= nothing + 2


def count_queries(shop, body):
    """ Return how many queries the refusal of a notification usually takes. """
    log = Path(os.environ['APS_LOG_FOLDER'], 'shop.log')
    offset = log.stat().st_size
    for _attempt in range(20):
        assert post(f'{shop.url}/payment/aps/webhook', body)[0] == 403
    counts = ACCESS.findall(log.read_text('utf-8', 'replace')[offset:])
    assert len(counts) == 20
    return statistics.median(map(int, counts))


def test_oversized_bodies_do_not_stop_the_shop(shop):
    """ Bodies of five megabytes are refused, and the shop still answers. """
    body = {'merchant_reference': 'x' * 5_000_000}
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(
            lambda _index: post(f'{shop.url}/payment/aps/webhook', body), range(12)
        ))
    assert {status for status, _seconds in outcomes} <= {413, None}
    with urllib.request.urlopen(f'{shop.url}/shop', timeout=30) as response:
        assert response.status == 200
