""" A shop of its own whose servers die, hang and lie about the time while people pay.

When all is back, the crons have run and APS has answered, Odoo and the ledger of the sandbox must
agree about every payment: nothing lost, nothing twice.
"""

import http.client
import os
import random
import shutil
import signal
import threading
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.extent import get_extent
from tests.support.payments import Merchant, sum_family
from tests.support.running_shop import Shop
from workbench.log_check import check_log
from workbench.odoo_source import find_sources
from workbench.postgres import SETTINGS, Postgres
from workbench.rpc import RPCError
from workbench.stack import Stack
from workbench.system import (
    end,
    exit_on_signals,
    find_free_port,
    list_family,
    make_run_folder,
    stop,
)

KILLS = get_extent('APS_KILLS', 4, 10)
RESTARTS = get_extent('APS_RESTARTS', 2, 3)
HANG = get_extent('APS_HANG', 5, 10)  # In seconds.
# How far the clock of APS is ahead, in days; after 8, it takes authorizations for lapsed.
CLOCKS = (-3, 8, 3)[:get_extent('APS_CLOCKS', 2, 3)]
SEED = int(os.environ.get('APS_SEED', '20261123'))
SHOPPERS = 4
AMOUNT = 100
PARTS = (10, 25.5, 40, 60, 100)
# What a shopper, a merchant or APS sees of a server that is not there.
EXPECTED = (OSError, RPCError, http.client.HTTPException)


class Hazard:
    """ A shop of its own, whose processes can be killed. """

    def __init__(self, series):
        exit_on_signals()  # So that an interrupted run stops all of this, too.
        self.folder = folder = make_run_folder()
        [source] = find_sources(series)
        # Without this, PostgreSQL may forget the latest commits when it crashes.
        settings = [one for one in SETTINGS if not one.startswith('synchronous_commit')]
        postgres = Postgres(folder, is_private=True, settings=settings)
        self.stack = Stack(source, folder, postgres=postgres, port=find_free_port())
        self.shop = Shop({**os.environ, **self.stack.get_environment()})
        self.merchant = Merchant(self.shop)
        self.merchant.set_manual_capture(True)
        self.merchant.set_read_timeout(2)
        self.random = random.Random(SEED)
        self.asked = defaultdict(lambda: defaultdict(int))
        self.port = urllib.parse.urlsplit(self.stack.url).port
        stop(self.stack.process)
        self.start_odoo()

    # === What people do === #

    def run_shoppers(self, disturb):
        """ Have people pay and the merchant work while something goes wrong.

        :param callable disturb: What goes wrong.
        :return: None
        """
        is_over = threading.Event()
        failures = []

        def work(seed):
            chance = random.Random(seed)
            while not is_over.is_set():
                try:
                    self.do_business(chance)
                except EXPECTED:
                    time.sleep(0.1)
                except Exception as error:
                    failures.append(error)
                    raise

        threads = [
            threading.Thread(target=work, args=(self.random.random(),)) for _i in range(SHOPPERS)
        ]
        for thread in threads:
            thread.start()
        try:
            disturb()
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        assert not failures

    def do_business(self, chance):
        """ Have a shopper pay, and the merchant capture, void or refund. """
        command = chance.choice(('PURCHASE', 'AUTHORIZATION'))
        payment = self.merchant.open_page(AMOUNT, command)
        answer = self.shop.sandbox('POST', 'pay', {
            'merchant_reference': payment.reference,
            'result': chance.choice(('success', 'success', 'success', 'declined')),
        })
        if chance.random() < 0.5:
            self.bring_back(answer['fields'])
        for _turn in range(chance.randrange(4)):
            self.operate(payment, chance)

    def bring_back(self, fields):
        """ Have the shopper's browser bring the result back. """
        body = urllib.parse.urlencode(fields).encode()
        urllib.request.urlopen(f'{self.shop.url}/payment/aps/return', body, timeout=60).close()

    def operate(self, payment, chance):
        """ Have the merchant do something with the payment that its state allows. """
        state = payment.read().state
        amount = chance.choice(PARTS)
        asked = self.asked[payment.reference]
        # Written down before it is asked for: the answer may be lost.
        if state == 'authorized' and chance.random() < 0.2:
            asked['VOID_AUTHORIZATION'] = 1
            payment.void()
        elif state == 'authorized':
            asked['CAPTURE'] += round(amount * 100)
            payment.capture(amount)
        elif state == 'done':
            captures = [
                row for row in payment.read_family(is_child=True)
                if row['operation'] != 'refund' and row['state'] == 'done'
            ]
            asked['REFUND'] += round(amount * 100)
            self.merchant.refund(captures[0]['id'] if captures else payment.id, amount)
        else:
            time.sleep(0.2)  # The notification is on its way.

    # === What goes wrong === #

    def kill_odoo(self, is_whole):
        """ Kill Odoo at a random moment, and have it come back.

        :param bool is_whole: Whether to kill the whole server, or all its workers only, which it
                              replaces at once. Requests and crons die in either case.
        :return: None
        """
        time.sleep(self.random.uniform(0.2, 3))
        if is_whole:
            end(self.stack.process, signal.SIGKILL)
            self.start_odoo()
            return
        for pid in list_family(self.stack.process.pid)[1:]:
            with suppress(ProcessLookupError):  # It may have just ended by itself.
                os.kill(pid, signal.SIGKILL)

    def start_odoo(self):
        """ Start Odoo at the same address as before, with workers. """
        _url, self.stack.process = self.stack.odoo.serve(
            self.stack.database, '--workers=2', name='shop', port=self.port
        )

    def restart_database(self, sign):
        """ Stop PostgreSQL or have it crash; it comes back, and Odoo with it.

        The main process of Odoo 19.0 ends if it replaces a worker while there is no database. As
        whatever manages services in production, this starts it again.

        :param signal.Signals sign: `SIGINT` to stop it in order, `SIGQUIT` to have it crash.
        :return: None
        """
        self.stack.postgres.restart(sign, self.random.uniform(0, 2))
        time.sleep(3)
        if self.stack.process.poll() is not None:
            stop(self.stack.process)  # What it left behind.
            self.start_odoo()

    def hang_sandbox(self, seconds):
        """ Have the sandbox take requests without answering, and answer them later. """
        os.kill(self.stack.sandbox.process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.stack.sandbox.process.pid, signal.SIGCONT)

    def hide_sandbox(self, seconds):
        """ Have no connection to the sandbox be made. """
        self.merchant.point_to('http://127.0.0.1:9')
        time.sleep(seconds)
        self.merchant.point_to(self.shop.sandbox_url)

    # === Afterwards === #

    def settle(self):
        """ Have APS answer again, and let the crons work as if days went by. """
        self.shop.sandbox('DELETE', 'faults')
        self.merchant.wait_for_notifications()
        for _day in range(3):
            self.shop.query(
                "UPDATE payment_transaction SET "
                "aps_request_date = aps_request_date - interval '1 day', "
                "aps_next_check = aps_next_check - interval '10 days'"
            )
            for _run in range(50):
                self.merchant.run_check_cron()
                if not self.count_due():
                    break
            else:
                raise AssertionError(f"{self.count_due()} payments are due all the time.")
            self.merchant.wait_for_notifications()
        for _run in range(20):  # What meets a conflict is left to the next run.
            self.merchant.post_process()
            if not self.count_unprocessed():
                break
        assert not self.count_unprocessed()

    def count_due(self):
        """ Return how many payments are due for a check. """
        return int(self.shop.query(
            "SELECT count(*) FROM payment_transaction "
            "WHERE aps_next_check <= now() AT TIME ZONE 'UTC'"
        ))

    def count_unprocessed(self):
        """ Return how many confirmed transactions wait for the engine's cron. """
        return int(self.shop.query(
            "SELECT count(*) FROM payment_transaction "
            "WHERE state = 'done' AND is_post_processed IS NOT TRUE"
        ))

    def assert_agreement(self):
        """ Check every payment against the ledger, and the accounting.

        :return: How many payments and operations there were.
        :rtype: tuple[int, int]
        """
        entries = self.shop.sandbox('GET', 'ledger')['payments']
        families = self.merchant.read_families()
        differences, operations = [], 0
        for entry in entries:
            reference = entry['merchant_reference']
            in_odoo = sum_family(families[reference])
            in_ledger = (entry['captured'], entry['refunded'], entry['voided'])
            operations += sum(one['executed'] for one in entry['operations'])
            # A payment that failed is as unpaid as one that was voided.
            is_failed = not entry['authorized'] and in_odoo[:2] == (0, 0)
            if in_odoo != in_ledger and not is_failed:
                differences.append((reference, in_odoo, in_ledger))
            if any(row['aps_request_state'] for row in families[reference]):
                differences.append((reference, "an operation is still under way"))
            differences += self.find_unasked(entry)
        assert not differences
        self.assert_accounted_once()
        return len(entries), operations

    def find_unasked(self, entry):
        """ Return what APS executed though nobody asked for so much. """
        asked = self.asked[entry['merchant_reference']]
        sums = {'REFUND': entry['refunded'], 'VOID_AUTHORIZATION': int(entry['voided'])}
        if entry['command'] == 'AUTHORIZATION':
            sums['CAPTURE'] = entry['captured']
        return [
            (entry['merchant_reference'], name, amount, asked[name])
            for name, amount in sums.items() if amount > asked[name]
        ]

    def assert_accounted_once(self):
        """ Check that money that was moved has one accounting payment, and other money none. """
        wrong = self.shop.query(
            """
            SELECT tx.reference, tx.state, count(payment.id)
              FROM payment_transaction tx
         LEFT JOIN account_payment payment ON payment.payment_transaction_id = tx.id
             WHERE NOT EXISTS (
                       SELECT 1 FROM payment_transaction child
                        WHERE child.source_transaction_id = tx.id AND child.operation != 'refund'
                   )
               AND tx.aps_operation IS DISTINCT FROM 'LAPSE'
          GROUP BY tx.id
            HAVING count(payment.id) != CASE WHEN tx.state = 'done' THEN 1 ELSE 0 END
            """
        )
        assert not wrong

    def assert_nothing_revealed(self):
        """ Check that no secret is in the log, whatever went wrong. """
        log = self.stack.odoo.read_log(self.stack.odoo.folder / 'shop.log')
        assert not [line for line in check_log(log) if 'reveals' in line]

    def close(self):
        """ Stop everything, and put the logs to those of the tests. """
        self.stack.stop()
        stop(self.stack.postgres.process)
        for log in self.folder.glob('**/*.log'):
            shutil.copy(log, Path(os.environ['APS_LOG_FOLDER']) / f'hazard-{log.name}')


@pytest.fixture(scope='module')
def hazard():
    """ The shop; tests are skipped if they are not run by dev/test. """
    if 'APS_SERIES' not in os.environ:
        pytest.skip("No shop is running; start the tests with dev/test.")
    hazard = Hazard(os.environ['APS_SERIES'])
    yield hazard
    hazard.close()


@pytest.fixture(autouse=True)
def check_afterwards(hazard, tell):
    """ Whatever the test did: afterwards, Odoo and the ledger must agree. """
    begin = time.monotonic()
    yield
    seconds = time.monotonic() - begin
    hazard.settle()
    payments, operations = hazard.assert_agreement()
    hazard.assert_nothing_revealed()
    tell(f"{seconds:.0f} s of faults, seed {SEED}; {payments} payments and {operations} "
         f"operations by now, all in step after {time.monotonic() - begin - seconds:.0f} s")


def test_odoo_killed_at_random_moments(hazard):
    """ SIGKILL during payments, captures, voids and refunds; the number can be set. """
    hazard.merchant.order_fault('*', 'slow', seconds=0.3, times=10 ** 6)

    def disturb():
        for kill in range(KILLS):
            hazard.kill_odoo(is_whole=kill % 4 == 0)

    hazard.run_shoppers(disturb)


@pytest.mark.parametrize('sign', (signal.SIGINT, signal.SIGQUIT))
def test_database_restarted(hazard, sign):
    """ PostgreSQL is stopped in order or crashes, again and again, and comes back. """

    def disturb():
        for _restart in range(RESTARTS):
            time.sleep(hazard.random.uniform(0.2, 3))
            hazard.restart_database(sign)

    hazard.run_shoppers(disturb)


def test_sandbox_down_for_a_while(hazard):
    """ APS hangs and executes what it was sent much later; then it can't be reached. """

    def disturb():
        hazard.hang_sandbox(HANG)
        time.sleep(1)
        hazard.hide_sandbox(5)
        time.sleep(1)

    hazard.run_shoppers(disturb)


@pytest.mark.parametrize('days', CLOCKS)
def test_clock_of_aps_differs(hazard, days):
    """ APS's clock is days behind or ahead. """
    hazard.shop.sandbox('POST', 'clock', {'offset_seconds': days * 24 * 3600})
    hazard.run_shoppers(lambda: time.sleep(5))
    hazard.shop.sandbox('POST', 'clock', {'offset_seconds': 0})
