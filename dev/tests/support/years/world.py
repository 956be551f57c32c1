""" A shop whose clock a test moves: its servers, its scheduled actions, and what befalls them. """

import heapq
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.parse
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

from tests.support.payments import Merchant
from tests.support.running_shop import Shop
from workbench.odoo_source import find_sources
from workbench.postgres import Postgres
from workbench.stack import Stack
from workbench.system import end, exit_on_signals, find_free_port, make_run_folder, stop

from .clock import SimulatedClock

BACKUP = 'last_night'
NOWHERE = 'http://127.0.0.1:9'
NEVER = float('inf')
CHECK, WATCH, POST_PROCESS, VACUUM = (
    'payment_aps.ir_cron_aps_check_status', 'payment_aps.ir_cron_aps_watch',
    'payment.cron_post_process_payment_tx', 'base.autovacuum_job',
)
# The scheduled actions that concern payments, with their intervals in seconds. The purge of all
# tables, which is daily, is weekly here: it takes longer than all else of a day.
CRONS = {CHECK: 300, POST_PROCESS: 600, WATCH: 3600, VACUUM: 7 * 86400}
# That of the watch while nothing changes: from when on, and when nobody comes at all.
STILL, STILL_INTERVAL, QUIET_INTERVAL = 3600, 6 * 3600, 24 * 3600
# That of the check while APS gives no answer; and how long the scheduler may be busy with others.
VAIN_INTERVAL, DELAY = 1800, 600
READ_TIMEOUT = 1  # For how long Odoo waits for APS, in seconds of the machine.
# For what is done next: when the scheduled actions are to run, and what there is for them to do.
FIND_DUE = """
    SELECT json_build_object(
        'crons', (
            SELECT json_object_agg(data.module || '.' || data.name, json_build_object(
                'id', cron.id, 'next', extract(epoch FROM cron.nextcall), 'trigger', (
                    SELECT extract(epoch FROM min(call_at)) FROM ir_cron_trigger
                     WHERE cron_id = cron.id
                )
            ))
              FROM ir_cron cron
              JOIN ir_model_data data ON data.model = 'ir.cron' AND data.res_id = cron.id
             WHERE data.module || '.' || data.name IN ({names})
        ),
        'check', (SELECT extract(epoch FROM min(aps_next_check)) FROM payment_transaction),
        'is_unprocessed', EXISTS (
            SELECT 1 FROM payment_transaction
             WHERE state = 'done' AND is_post_processed IS NOT TRUE
               AND last_state_change > now() AT TIME ZONE 'UTC' - interval '4 days'
                OR state = 'authorized' AND aps_is_compared IS NOT TRUE
               AND aps_next_check IS NOT NULL
        ),
        'changed', (SELECT extract(epoch FROM max(write_date)) FROM payment_transaction)
    )
"""


class Console:
    """ A connection to a database that stays open, as thousands of queries are asked. """

    END = 'end-of-answer'

    def __init__(self, database, environment):
        self.process = subprocess.Popen(
            ['psql', '-XAtq', '-d', database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=environment,
        )

    def ask(self, sql):
        """ Return what a query prints, one row a line.

        :raise RuntimeError: If PostgreSQL refuses it.
        """
        self.process.stdin.write(f'{sql};\n\\echo {self.END}\n')
        self.process.stdin.flush()
        lines = list(itertools.takewhile(
            lambda line: line != f'{self.END}\n', iter(self.process.stdout.readline, '')
        ))
        answer = ''.join(lines).strip()
        if any(line.startswith(('ERROR:', 'FATAL:', 'psql:')) for line in lines):
            raise RuntimeError(answer)
        return answer

    def close(self):
        """ Close the connection. """
        self.process.communicate(timeout=10)


class World:
    """ A shop of its own, with its clock. """

    def __init__(self, series, begin):
        """
        :param str series: The series of Odoo.
        :param float begin: What time it is at first, in seconds since the epoch.
        """
        exit_on_signals()  # So that an interrupted run stops all of this, too.
        self.folder = folder = make_run_folder()
        self.clock = SimulatedClock(folder, begin)
        [source] = find_sources(series)
        self.rules = ExitStack()
        self.rules.enter_context(self.clock.govern())
        self.stack = Stack(
            source, folder, postgres=Postgres(folder, is_private=True), port=find_free_port(),
            retry_interval=0.1,
        )
        self.port = urllib.parse.urlsplit(self.stack.url).port
        stop(self.stack.process)
        self.start_odoo()
        self.shop = Shop({**os.environ, **self.stack.get_environment()})
        self.merchant = Merchant(self.shop)
        self.rpc = self.shop.rpc
        self.connect()
        self.deaf = socket.create_server(('127.0.0.1', 0))  # Takes requests, and never answers.
        self.appointments, self.numbers = [], itertools.count()
        self.last_runs = dict.fromkeys(CRONS, 0)
        self.lost_hours = []  # From a backup to its restoration.
        self.backup_time = None
        self.is_quiet = False
        self.is_aps_up, self.aps_address = True, self.shop.sandbox_url
        self.counts = SimpleNamespace(kills=0, restorations=0, cron_runs=0)
        self.prepare()

    def prepare(self):
        """ Have nothing of the time of the machine in the simulation. """
        self.merchant.set_read_timeout(READ_TIMEOUT)
        self.shop.sandbox('PATCH', f'accounts/{self.shop.merchant}', {'attempts': 3})
        self.query("UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC'")
        self.query("DELETE FROM ir_cron_trigger")
        self.cron_ids = {name: self.rpc.ref(name) for name in CRONS}

    def close(self):
        """ Stop everything, and put the logs to those of the tests. """
        self.console.close()
        self.deaf.close()
        self.stack.stop()
        stop(self.stack.postgres.process)
        self.rules.close()
        for log in self.folder.glob('**/*.log'):
            shutil.copy(log, Path(os.environ['APS_LOG_FOLDER']) / f'years-{log.name}')

    # === The database === #

    def connect(self):
        """ Open the connection for our own queries. """
        self.console = Console(self.stack.database, self.stack.postgres.environment)

    def query(self, sql):
        """ Return what a query of the database prints, one row a line. """
        return self.console.ask(sql)

    def read(self, sql):
        """ Return the one value of a query, which is JSON. """
        return json.loads(self.query(sql) or 'null')

    # === Time === #

    def now(self):
        """ Return the simulated time, in seconds since the epoch. """
        return self.clock.now()

    def appoint(self, moment, function):
        """ Have something done at a moment to come.

        :param float moment: When, in seconds since the epoch.
        :param callable function: What.
        """
        heapq.heappush(self.appointments, (moment, next(self.numbers), function))

    def advance(self, moment):
        """ Have time go by; scheduled actions and appointments come when they are due.

        :param float moment: Until when, in seconds since the epoch.
        """
        while True:
            self.settle()
            wake = self.find_wake()
            if wake >= moment:
                break
            self.clock.move_to(max(wake, self.now() + 1))
            self.keep_appointments()
        if moment > self.now():
            self.clock.move_to(moment)
        self.keep_appointments()
        self.settle()

    def settle(self):
        """ Have APS deliver what it has to say, and run what is due. """
        if self.is_odoo_up:
            self.merchant.wait_for_notifications()
            self.run_due()

    def keep_appointments(self):
        """ Do what is to be done by now. """
        while self.appointments and self.appointments[0][0] <= self.now():
            _moment, _number, function = heapq.heappop(self.appointments)
            function()

    # === Scheduled actions === #

    def find_runs(self):
        """ Return when each scheduled action is to run next, in seconds since the epoch.

        It runs at the time that it was triggered for, and else at its intervals; but not if it
        would find nothing to do, as that would change nothing.
        """
        names = ', '.join(f"'{name}'" for name in CRONS)
        due = self.read(FIND_DUE.format(names=names))
        check = due['check'] or NEVER
        works = {
            CHECK: check if self.is_aps_up else max(check, self.last_runs[CHECK] + VAIN_INTERVAL),
            POST_PROCESS: 0 if due['is_unprocessed'] else NEVER,
            WATCH: self.last_runs[WATCH] + self._get_watch_interval(due['changed'] or 0),
            VACUUM: NEVER if self.is_quiet else 0,
        }
        return {
            name: min(cron['trigger'] or NEVER, max(cron['next'], works[name]))
            for name, cron in due['crons'].items()
        }

    def _get_watch_interval(self, changed):
        """ Return after how many seconds the watch is run again.

        :param float changed: When a payment has changed last.
        """
        if self.is_quiet:
            return QUIET_INTERVAL
        return CRONS[WATCH] if self.now() - changed < STILL else STILL_INTERVAL

    def find_wake(self):
        """ Return when something is to be done next, in seconds since the epoch. """
        appointment = self.appointments[0][0] if self.appointments else NEVER
        return min(appointment, min(self.find_runs().values()) + DELAY)

    def run_due(self):
        """ Run the scheduled actions that are due, as the scheduler does. """
        for _round in range(3):
            now = self.now()
            due = [name for name, moment in self.find_runs().items() if moment <= now]
            for name in due:
                self.run(name, now)
            if not due:
                break

    def run(self, name, now):
        """ Run a scheduled action, and plan its next run. """
        cron_id = self.cron_ids[name]
        self.query(f"DELETE FROM ir_cron_trigger WHERE cron_id = {cron_id} AND call_at <= "
                   f"to_timestamp({now}) AT TIME ZONE 'UTC'")
        self.rpc.call('ir.cron', 'method_direct_trigger', [cron_id])
        self.query(f"UPDATE ir_cron SET nextcall = to_timestamp({now + CRONS[name]}) "
                   f"AT TIME ZONE 'UTC' WHERE id = {cron_id}")
        self.last_runs[name] = now
        self.counts.cron_runs += 1

    # === What befalls the servers === #

    def start_odoo(self):
        """ Start Odoo, whose scheduler is the test. """
        _url, self.stack.process = self.stack.odoo.serve(
            self.stack.database, '--max-cron-threads=0', '--limit-time-real=0', name='shop',
            port=self.port,
        )
        self.is_odoo_up = True

    def kill_odoo(self):
        """ Kill Odoo, whatever it is doing. """
        end(self.stack.process, signal.SIGKILL)
        self.is_odoo_up = False
        self.counts.kills += 1

    def back_up(self):
        """ Make the backup of the night. """
        self.backup_time = self.now()
        self._copy_database(self.stack.database, BACKUP)

    def restore(self):
        """ Replace the database by the backup of last night; Odoo must be down. """
        self._copy_database(BACKUP, self.stack.database)
        self.lost_hours.append((self.backup_time, self.now()))
        self.counts.restorations += 1

    def _copy_database(self, source, name):
        """ Copy a database, which nobody may be connected to. """
        self.console.close()
        postgres = self.stack.postgres
        postgres.query('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                   f"WHERE datname = '{source}'")
        postgres.create(name, template=source)
        self.connect()

    def leave_aps(self, is_deaf):
        """ Have APS not answer any more.

        :param bool is_deaf: Whether it takes requests without ever answering; else it can't be
                             reached.
        """
        self.is_aps_up = False
        port = self.deaf.getsockname()[1]
        self.aps_address = f'http://127.0.0.1:{port}' if is_deaf else NOWHERE
        self.point_to_aps()

    def return_to_aps(self):
        """ Have APS answer again. """
        self.is_aps_up, self.aps_address = True, self.shop.sandbox_url
        self.point_to_aps()

    def point_to_aps(self):
        """ Have Odoo believe that APS is where it is to look for it. """
        self.merchant.point_to(self.aps_address)
