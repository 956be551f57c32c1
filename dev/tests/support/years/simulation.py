""" The simulation: a plan that is carried out, with an audit after each day. """

import random
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from workbench.system import REPOSITORY

from .auditor import audit
from .books import read_books
from .clock import describe
from .people import Shopper, Staff, pay_by_link, prepare_people
from .world import VACUUM

TOGETHER = 60  # Shoppers who come within so many seconds come at the same time,
AT_A_TIME = 3  # that many of them at once.
# What follows when the shop has closed: days without anybody, each time with an audit at the end.
# What is open, authorized, asked about, or kept ends in one of them.
QUIET_DAYS = (5, 30, 155)


class Simulation:
    """ A shop in simulated time. """

    def __init__(self, world, plan, seed):
        """
        :param World world: The shop.
        :param list[Day] plan: What happens.
        :param int seed: What the plan was made with.
        """
        self.world, self.plan = world, plan
        self.origin = f"seed {seed}, commit {get_commit()}"
        self.last_message = 0
        self.is_manual = None
        self.audits, self.most_waiting, self.apart, self.problems = 0, 0, {}, {}
        world.links, world.silent, world.shown = {}, set(), []
        prepare_people(world)

    def run(self):
        """ Carry out the plan, and what follows. """
        for day in self.plan:
            self.run_day(day)
        self.close_shop()

    def run_day(self, day):
        """ Have a day go by, and audit it.

        :param Day day: What happens.
        """
        self.set_manual(day.is_manual)
        events = list(day.events)
        while events:
            self.world.advance(events[0].at)
            together = [
                event for event in events
                if event.kind == 'shop' and event.at - events[0].at < TOGETHER
            ] or events[:1]
            events = [event for event in events if event not in together]
            self.act(together)
        self.world.advance(day.end)
        self.audit(day.date)

    def act(self, events):
        """ Have something happen, or some shoppers come at the same time. """
        if events[0].kind == 'shop':
            run_together([Shopper(self.world, event.values) for event in events])
        elif events[0].kind == 'staff':
            Staff(self.world, events[0].values).act()
        else:
            getattr(self, f'_{events[0].kind}')(events[0])

    def set_manual(self, is_manual):
        """ Have payments only reserved from now on, or taken. """
        if is_manual != self.is_manual:
            self.world.merchant.set_manual_capture(is_manual)
            self.is_manual = is_manual

    # === What befalls the shop === #

    def _back_up(self, _event):
        """ The backup of the night is made. """
        self.world.back_up()

    def _kill(self, event):
        """ Odoo is killed while people pay, and comes back after a while. """
        self._kill_odoo(event)
        self.world.start_odoo()

    def _kill_odoo(self, event):
        """ Kill Odoo while people pay. """
        with ThreadPoolExecutor() as pool:
            visits = [
                pool.submit(Shopper(self.world, values).act) for values in event.values['shoppers']
            ]
            time.sleep(event.values['pause'])
            self.world.kill_odoo()
        for visit in visits:
            visit.result()
        self.world.clock.move_to(self.world.now() + event.values['minutes'] * 60)

    def _restore(self, event):
        """ Odoo is killed, and the backup of last night takes the place of its database. """
        self._kill_odoo(event)
        begin = self.world.backup_time
        self.world.restore()
        self.world.start_odoo()
        self.is_manual = None
        self.world.point_to_aps()  # The backup may be of other times.
        self.world.settle()
        self._speak_again(begin, event.values['pick'])

    def _speak_again(self, begin, pick):
        """ Have APS speak again of some of the payments that the backup doesn't know. """
        known = set(self.world.query("SELECT reference FROM payment_transaction").splitlines())
        chance = random.Random(pick)
        for entry in self.world.shop.sandbox('GET', 'ledger')['payments']:
            moves = entry['moves']
            is_lost = entry['merchant_reference'] not in known and moves and moves[0]['at'] > begin
            if is_lost:
                how = chance.choice((self._repeat, self._use_back_office, None))
                if how and how(entry):
                    self.world.links[entry['merchant_reference']] = self.world.now()
        self.world.merchant.wait_for_notifications()

    def _repeat(self, entry):
        """ Have APS repeat that a payment was made, and return whether it ever said so. """
        told = [
            one['id'] for one in self.world.shop.sandbox(
                'GET', f"notifications?merchant_reference={entry['merchant_reference']}"
            )['notifications']
            if one['fields'].get('response_code') in ('14000', '02000')
        ]
        for _delivery in range(2 if told else 0):  # The first one is refused.
            self.world.shop.sandbox('POST', f'notifications/{told[-1]}/redeliver', {})
        return bool(told)

    def _use_back_office(self, entry):
        """ Have somebody capture or refund a part of a payment in the dashboard. """
        is_taken = entry['captured'] > entry['refunded']
        amount = entry['captured'] - entry['refunded'] if is_taken else entry['authorized']
        try:
            self.world.shop.sandbox('POST', 'backoffice', {
                'merchant_reference': entry['merchant_reference'], 'amount': amount,
                'command': 'REFUND' if is_taken else 'CAPTURE',
            })
        except OSError:  # It is voided, or a part of it is undecided.
            return False
        return True

    def _down(self, event):
        """ APS can't be reached for a day. """
        self._leave_aps(24 * 3600, is_deaf=False)

    def _hang(self, event):
        """ APS takes requests and doesn't answer, for a while. """
        self._leave_aps(event.values['minutes'] * 60, is_deaf=True)

    def _leave_aps(self, seconds, is_deaf):
        """ Have APS not answer for some time, unless it doesn't already. """
        if not self.world.is_aps_up:
            return
        self.world.leave_aps(is_deaf)
        self.world.appoint(self.world.now() + seconds, self.world.return_to_aps)

    def _link(self, event):
        """ Somebody pays on a link of the dashboard. """
        reference = f'LINK-{event.at:.0f}'
        pay_by_link(self.world, reference, event.values['amount_minor'])
        self.world.links[reference] = self.world.now()

    def _old_news(self, event):
        """ APS repeats a notification of any age. """
        numbers = [
            one['id'] for one in self.world.shop.sandbox(
                'GET', 'notifications?state=delivered'
            )['notifications']
        ]
        if numbers:
            number = numbers[int(event.values['pick'] * len(numbers))]
            self.world.shop.sandbox('POST', f'notifications/{number}/redeliver', {})

    # === Audits === #

    def close_shop(self):
        """ Have all be told and asked, and time go by without anybody. """
        self.world.is_quiet = True
        for days in QUIET_DAYS:
            self.world.advance(self.world.now() + days * 86400)
            self.world.run(VACUUM, self.world.now())
            self.audit(f"{days} days later")
        assert not self.waiting, f"{self.waiting} are still asked about. {self.origin}"

    def audit(self, when):
        """ Have the auditor compare everything.

        :param when: What day it is, for whoever reads of a finding.
        """
        books = read_books(self.world, self.last_message)
        report = audit(books)
        self.last_message = max(
            [self.last_message, *(message['id'] for message in books.messages)]
        )
        self.audits += 1
        self.waiting = report.waiting
        self.most_waiting = max(self.most_waiting, len(report.waiting))
        self.problems.update({(one['id'], one['first']): one['kind'] for one in books.problems})
        self.apart.update({finding.subject: finding.text for finding in report.apart})
        lines = '\n'.join(f"{one.rule}: {one.subject}: {one.text}" for one in report.findings)
        assert not report.findings, f"{when}, {self.origin}:\n{lines}"
        self.books = books

    def describe(self):
        """ Return what was simulated, in some lines. """
        books, counts = self.books, self.world.counts
        operations = sum(one['executed'] for entry in books.ledger for one in entry['operations'])
        kinds = Counter(self.problems.values())
        lines = [f"   {subject}: {text}" for subject, text in self.apart.items()]
        return '\n'.join((
            f" {len(self.plan)} days and {sum(QUIET_DAYS)} quiet ones to "
            f"{describe(self.world.now())}, {self.origin}: {len(books.ledger)} payments at APS, "
            f"{operations} operations, {len(books.transactions)} transactions, "
            f"{counts.kills} kills, {counts.restorations} restored backups, "
            f"{counts.cron_runs} runs of scheduled actions, {self.audits} audits. "
            f"Problems: {dict(kinds) or 'none'}. At most {self.most_waiting} payments were behind "
            f"and asked about. Listed apart: {len(lines)}",
            *lines,
        ))


def run_together(shoppers):
    """ Have shoppers act at the same time. """
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for visit in [pool.submit(shopper.act) for shopper in shoppers]:
            visit.result()


def get_commit():
    """ Return the commit that is simulated. """
    with suppress(OSError):
        return subprocess.run(
            ['git', 'rev-parse', '--short', 'HEAD'], cwd=REPOSITORY, capture_output=True, text=True,
        ).stdout.strip() or "unknown"
    return "unknown"
