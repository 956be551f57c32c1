import json
import os
import random
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.models import payment_aps_problem_watch as watch
from odoo.addons.payment_aps.tests.problem_common import ProblemCommon

IS_THOROUGH = bool(os.environ.get('APS_THOROUGH'))
# The payments of the simulated month, and those of the table that the queries are measured on.
MONTH_PAYMENTS = int(os.environ.get('APS_MONTH_PAYMENTS') or (3000 if IS_THOROUGH else 150))
TABLE_PAYMENTS = int(os.environ.get('APS_WATCH_PAYMENTS') or (1_000_000 if IS_THOROUGH else 20_000))
MAX_QUERIES = 6
MAX_MILLISECONDS = 10
DATE = "now() AT TIME ZONE 'UTC' - n * interval '20 seconds'"
QUERIES = ('FIND_NOT_BOOKED', 'FIND_UNSETTLED', 'FIND_AUTHORIZED', 'FIND_SILENT')


@tagged('post_install', '-at_install')
class TestProblemWatch(ProblemCommon):
    """ That the watch costs next to nothing, and finds nothing in a healthy shop. """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider.state = 'enabled'
        cls.env.flush_all()

    #=== A healthy shop ===#

    def test_healthy_shop_has_no_problems_for_a_month(self):
        """ Test payments, declines, carts that are left, captures and refunds of a month. """
        begin = fields.Datetime.now()
        step = 1 if IS_THOROUGH else 4
        dice = random.Random(int(os.environ.get('APS_SEED') or 1))
        hours = 30 * 24
        events = {}
        for number in range(MONTH_PAYMENTS):
            hour = dice.randrange(hours)
            events.setdefault(hour, []).append((self._sell, number, dice.random()))
        for hour in range(hours):
            now = begin + timedelta(hours=hour)
            with patch.object(fields.Datetime, 'now', lambda now=now: now):
                for event, *arguments in events.pop(hour, []):
                    for delay, follow_up in event(now, *arguments):
                        events.setdefault(hour + delay, []).append((follow_up,))
                if hour % step == 0:
                    self._run_watch()
                    self.assertFalse(self.problems.search([]), f"In hour {hour}.")
        self.assertFalse(self._list_activities())

    def _sell(self, now, number, luck):
        """ Have a shopper pay, or not.

        :param datetime now: The time.
        :param int number: The number of the payment.
        :param float luck: What becomes of it.
        :return: What happens later on, and in how many hours.
        :rtype: list[tuple[int, callable]]
        """
        tx = self._create_transaction(
            'redirect', reference=f'M-{number}',
            aps_account=self.provider._aps_get_account_digest(),
        )
        tx._aps_schedule_check()
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE payment_transaction SET create_date = %s WHERE id = %s', [now, tx.id]
        )
        tx.invalidate_recordset()
        if luck < 0.1:  # The cart is left.
            return [(97, lambda _now: self._leave(tx))]
        if luck < 0.2:  # Declined.
            self._tell(tx, now, status='13', response_code='13666')
            return []
        if luck < 0.3:  # Not decided at once.
            self._tell(tx, now, status='19', response_code='19000')
            return [(5, lambda later: self._succeed(tx, later))]
        if luck < 0.5:
            self._tell(tx, now, command='AUTHORIZATION', status='02', response_code='02000')
            return [(int(luck * 200), lambda later: self._capture(tx, later))]
        return self._succeed(tx, now) + (
            [(24, lambda later: self._refund(tx, later))] if luck > 0.95 else []
        )

    def _tell(self, tx, now, channels=('webhook', 'return'), **changes):
        """ Have APS tell of a payment, by notification and return.

        :param recordset tx: The payment.
        :param datetime now: The time.
        :param tuple[str] channels: The ways.
        :param changes: The fields of the message that are not those of a success.
        :return: None
        """
        for channel in channels:
            message = self._build_message(tx, **changes)
            if tx._aps_admit(message, channel):
                tx._aps_take_over(message)
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE payment_aps_message SET create_date = %s WHERE merchant_reference = %s',
            [now, tx.reference],
        )

    def _succeed(self, tx, now):
        """ Have a payment succeed; the engine books it soon. """
        self._tell(tx, now)
        self.assertEqual(tx.state, 'done')
        return [(1, lambda _now: self._book(tx))]

    def _book(self, tx):
        """ Do what the engine's cron does. """
        tx.is_post_processed = True
        return []

    def _leave(self, tx):
        """ Have APS say that it knows nothing of a payment. """
        tx._aps_apply_not_found()
        tx.aps_next_check = False
        self.assertEqual(tx.state, 'cancel')
        return []

    def _capture(self, tx, now):
        """ Capture an authorization within the days of the bank. """
        capture_tx = self._send_operation(tx, 'CAPTURE', sent=now)
        capture_tx._aps_apply_outcome('done')
        return [(1, lambda _now: self._book(tx | capture_tx))]

    def _refund(self, tx, now):
        """ Refund a part. """
        refund_tx = self._send_operation(tx, 'REFUND', 10, sent=now)
        refund_tx._aps_apply_outcome('done')
        return [(1, lambda _now: self._book(refund_tx))]

    #=== Its cost ===#

    def test_run_is_six_queries(self):
        """ Test a run without problems, whatever the number of providers. """
        self._create_transaction('redirect', state='pending', aps_next_check=fields.Datetime.now())
        self._run_watch()
        self.env.flush_all()
        queries = []
        execute = type(self.env.cr).execute

        def count(cr, query, *arguments, **options):
            queries.append(str(query))
            return execute(cr, query, *arguments, **options)

        with patch.object(type(self.env.cr), 'execute', count), \
                patch.object(self.env.cr, 'commit'):
            self.problems._cron_aps_watch()
        self.assertLessEqual(len(queries), MAX_QUERIES, '\n'.join(queries))

    def test_queries_take_no_time_in_a_large_table(self):
        """ Test that each uses an index of its own, with most payments settled long ago. """
        self._fill_tables()
        now = fields.Datetime.now()
        values = {
            'provider_ids': self.provider.ids,
            'accounts': [self.provider._aps_get_account_digest()],
        }
        spans = {
            'FIND_NOT_BOOKED': (now - timedelta(days=9999), now - watch.BOOKING_DELAY),
            'FIND_UNSETTLED': (now - watch.OPEN_DELAY, None),
            'FIND_AUTHORIZED': (now - timedelta(days=7), now - timedelta(days=5)),
            'FIND_SILENT': (now - timedelta(days=1), now),
        }
        for name in QUERIES:
            begin, end = spans[name]
            plans = []
            for _number in range(5):  # The shortest time is the one that others did not disturb.
                self.env.cr.execute(
                    f"EXPLAIN (ANALYZE, FORMAT JSON) {getattr(watch, name)}",
                    {**values, 'begin': begin, 'end': end, 'due': now - watch.DUE_DELAY},
                )
                plans += self.env.cr.fetchone()[0]
            plan = min(plans, key=lambda one: one['Execution Time'])
            with self.subTest(query=name, milliseconds=plan['Execution Time']):
                self.assertFalse(self._list_seq_scans(plan['Plan']), json.dumps(plan))
                self.assertLess(plan['Execution Time'], MAX_MILLISECONDS, json.dumps(plan))

    @mute_logger('odoo.sql_db')
    def _fill_tables(self):
        """ Make a table of old payments, with their messages of the last days. """
        tx = self._create_transaction(
            'redirect', reference='TEMPLATE', state='done', is_post_processed=True,
            aps_account=self.provider._aps_get_account_digest(),
        )
        self._notify(self._build_message(tx))
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL session_replication_role = replica")
        for table, key, number, changes in (
            ('payment_transaction', 'reference', TABLE_PAYMENTS, {
                'last_state_change': DATE,
                # A few of each thousand are not settled.
                'state': "CASE WHEN n < 100 AND n % 10 = 1 THEN 'pending' WHEN n < 9000 "
                         "AND n % 10 = 2 THEN 'authorized' ELSE 'done' END",
                'is_post_processed': 'n > 100',
                'aps_next_check': "CASE WHEN n < 100 THEN now() AT TIME ZONE 'UTC' END",
            }),
            ('payment_aps_message', 'merchant_reference', min(TABLE_PAYMENTS, 100_000), {
                'channel': "CASE n % 3 WHEN 0 THEN 'return' ELSE 'answer' END",
                'digest': "'D-' || n",
            }),
        ):
            self._copy_rows(table, key, number, {'create_date': DATE, **changes})
        self.env.cr.execute("DELETE FROM payment_aps_message WHERE channel = 'webhook'")
        for table in ('payment_transaction', 'payment_aps_message'):
            self.env.cr.execute(f'ANALYZE {table}')

    def _copy_rows(self, table, key, number, changes):
        """ Insert copies of the template.

        :param str table: The table.
        :param str key: The column that holds the reference.
        :param int number: How many.
        :param dict changes: The columns that are not those of the template, as SQL.
        :return: None
        """
        self.env.cr.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_name = %s AND column_name NOT IN ('id', %s)", [table, key],
        )
        names = [row[0] for row in self.env.cr.fetchall()]
        columns = ', '.join(f'"{name}"' for name in names)
        values = ', '.join(changes.get(name) or f't."{name}"' for name in names)
        self.env.cr.execute(
            f"INSERT INTO {table} ({columns}, {key}) SELECT {values}, 'OLD-' || n "
            # The latest ones come last, as in life.
            f"FROM {table} t, generate_series({number}, 1, -1) n WHERE t.{key} = 'TEMPLATE'"
        )

    def _list_seq_scans(self, node):
        """ Return the tables that a plan reads as a whole. """
        tables = [table for child in node.get('Plans', ()) for table in self._list_seq_scans(child)]
        return tables + [node.get('Relation Name')] * (node['Node Type'] == 'Seq Scan')
