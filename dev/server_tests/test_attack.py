""" Strangers who send whatever they like: no error, no write, no memory, nobody else waits. """

import itertools
import os
import re
import statistics
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from server_tests.test_answers import make_payments  # noqa: F401
from workbench.attacks import FORM, ROUTES, Sender, encode_form, make_bodies, mutate, vary

BODIES = int(os.environ.get('APS_FUZZ', '10000'))
SEED = int(os.environ.get('APS_FUZZ_SEED', time.time_ns() % 2 ** 32))
VARIANTS = 20  # Of each body that Hypothesis makes up.
MUTANTS = 200
MEGABYTE = 1024 ** 2
# What Odoo writes by itself, and where a bounded number of refused messages is counted.
OTHER_TABLES = ('bus_bus', 'payment_aps_refusal')
# Adds up where and by whom each row was last written.
DIGESTS = """
    SELECT format(
        'SELECT %L, count(*), sum(hashtext(ctid::text || xmin)) FROM %I', relname, relname
    ) FROM pg_stat_user_tables WHERE relname NOT IN {tables} ORDER BY relname
"""


def generate(strategy, number):
    """ Return random values of a strategy.

    :param SearchStrategy strategy: The strategy.
    :param int number: How many values to return.
    :return: The values.
    :rtype: list
    """
    values = []

    @seed(SEED)
    @settings(
        max_examples=number, phases=(Phase.generate,), database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value):
        values.append(value)

    collect()
    return values


@pytest.fixture
def quiet_shop(shop):
    """ The shop without scheduled actions, so that nobody but the test makes it write. """
    jobs = shop.query('UPDATE ir_cron SET active = false WHERE active RETURNING id').split()
    yield shop
    shop.query(f"UPDATE ir_cron SET active = true WHERE id IN ({', '.join(jobs)})")


def read_digests(shop):
    """ Return a digest of each table of the database. """
    queries = shop.query(DIGESTS.format(tables=OTHER_TABLES)).splitlines()
    return sorted(shop.query(' UNION ALL '.join(queries)).splitlines())


class Logs:
    """ What the servers log from now on. """

    def __init__(self):
        files = Path(os.environ['APS_LOG_FOLDER']).glob('s*.log')  # Of both servers.
        self.sizes = {file: file.stat().st_size for file in files}

    def read(self):
        """ Return the lines. """
        lines = []
        for file, size in self.sizes.items():
            with open(file, encoding='utf-8', errors='replace') as log:
                log.seek(size)
                lines += log.read().splitlines()
        return lines

    def check(self):
        """ Fail if anything went wrong, or a stranger can fill the log. """
        lines = self.read()
        assert not [line for line in lines if re.search(r'Traceback| (ERROR|CRITICAL) ', line)]
        assert max(map(len, lines)) < 1000


def read_memory():
    """ Return the memory of the server, in bytes. """
    status = Path(f"/proc/{os.environ['APS_SHOP_PID']}/status").read_text()
    return int(re.search(r'VmRSS:\s+(\d+) kB', status)[1]) * 1024


def test_no_body_makes_the_shop_fail_or_write(quiet_shop, make_payments):  # noqa: F811
    """ Random bodies, to both routes of both servers. """
    shop = quiet_shop
    references = [message['merchant_reference'] for message in make_payments('FUZZ', 3)]
    random = Random(SEED)
    bodies = generate(make_bodies(references), BODIES // VARIANTS)
    bodies += [
        vary(*body, random) for body in bodies for _variant in range(VARIANTS - 1)
    ]
    requests = [
        (ROUTES[index % len(ROUTES)], content_type, body)
        for index, (content_type, body) in enumerate(bodies)
    ]
    print(f"{len(requests)} bodies, seed {SEED}")
    before, logs = read_digests(shop), Logs()

    statuses = Sender([shop.url, shop.second_url]).send_all(requests)

    allowed = {route: {303} if 'return' in route else {400, 403} for route in ROUTES}
    wrong = [
        (request, status) for request, status in zip(requests, statuses, strict=True)
        if status not in allowed[request[0]]
    ]
    assert not wrong[:3]
    assert read_digests(shop) == before
    logs.check()
    refusals = shop.query('SELECT count(*), max(length(messages)) FROM payment_aps_refusal')
    number, length = map(int, refusals.split('|'))
    assert number <= 40
    assert length < 50_000


def test_no_change_of_an_authentic_message_passes(quiet_shop, make_payments):  # noqa: F811
    """ Whatever is changed of a signed success, the payment stays open. """
    shop = quiet_shop
    messages = make_payments('MUTANT', 4)
    requests = [
        (route, FORM, encode_form(mutant.items()))
        for message in messages
        for route, mutant in zip(
            ROUTES * MUTANTS, generate(mutate(message), MUTANTS), strict=False
        )
    ]
    print(f"{len(requests)} mutants, seed {SEED}")
    logs = Logs()

    statuses = Sender([shop.url, shop.second_url]).send_all(requests)

    assert set(statuses) <= {200, 303, 400, 403}
    logs.check()
    references = "', '".join(message['merchant_reference'] for message in messages)
    states = shop.query(
        f"SELECT state, provider_reference FROM payment_transaction "
        f"WHERE reference IN ('{references}')"
    )
    assert states.splitlines() == ['draft|'] * len(messages)
    # Two fields as one are signed alike, but then one of them is missing.
    assert not shop.query(
        f"SELECT body FROM payment_aps_message "
        f"WHERE merchant_reference IN ('{references}') AND state <> 'refused'"
    )


@pytest.mark.parametrize('kind', ['length', 'chunks', 'unknown'])
def test_flood_neither_fills_the_memory_nor_stops_the_shop(shop, kind):
    """ Bodies of five megabytes, with their length or in chunks, and unknown references. """
    sender = Sender([shop.url])
    megabyte = b'x' * MEGABYTE
    body = megabyte * 5
    requests = {
        'length': [(ROUTES[i % 4], FORM, body) for i in range(100)],
        'chunks': [(ROUTES[i % 4], FORM, iter([megabyte] * 5)) for i in range(100)],
        'unknown': [
            (ROUTES[0], FORM, encode_form({
                'merchant_reference': f'NOBODY-{i}', 'signature': 'a' * 64,
            }.items())) for i in range(600)
        ],
    }[kind]
    sender.send_all(requests[:20])  # Warms up.
    before = read_memory()
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(sender.send_all, requests[20:])
        durations, peak = watch(shop, flood)

    assert set(flood.result()) <= ({403} if kind == 'unknown' else {303, 400, 413, None})
    print(f"{kind}: other requests took {statistics.median(durations):.3f} s, at most "
          f"{max(durations):.3f} s; {(peak - before) / MEGABYTE:.1f} MB more memory")
    assert max(durations) < 5
    assert peak - before < 40 * MEGABYTE


def watch(shop, flood):
    """ Ask for pages again and again while a flood goes on.

    :param Shop shop: The shop.
    :param Future flood: The flood.
    :return: How long each answer took, in seconds, and the highest memory of the server, in bytes.
    :rtype: tuple[list[float], int]
    """
    durations, peak = [], 0
    pause = threading.Event()
    pages = itertools.cycle(('/web/health', '/shop', '/payment/status'))
    while not durations or not flood.done():
        begin = time.monotonic()
        urllib.request.urlopen(shop.url + next(pages), timeout=30).close()
        durations.append(time.monotonic() - begin)
        peak = max(peak, read_memory())
        pause.wait(0.05)
    return durations, peak
