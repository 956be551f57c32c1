import importlib.util
import json
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import requests
from psycopg2 import errors

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing
from odoo.addons.payment_aps.aps.errors import APSOutcomeUnknown, APSRefused, APSUnreachable
from odoo.addons.payment_aps.aps.schedule import CHECK_SCHEDULE
from odoo.addons.payment_aps.models import payment_transaction_cron as checks
from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, APSCommon

CHECKS_LOGGER = 'odoo.addons.payment_aps.models.payment_transaction_cron'


def make_timeout():
    """ Return the error of a request that APS took but didn't answer. """
    error = APSOutcomeUnknown("ReadTimeout")
    error.__cause__ = requests.exceptions.ReadTimeout()
    return error


class ChecksCommon(APSCommon):

    def _age(self, tx, **interval):
        """ Have the transaction created, and its state changed, earlier. """
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE payment_transaction SET create_date = %(time)s, last_state_change = %(time)s '
            'WHERE id = %(id)s',
            {'time': fields.Datetime.now() - timedelta(**interval), 'id': tx.id},
        )
        tx.invalidate_recordset()

    def _make_due(self, reference, minutes=1, **values):
        """ Return a payment of which APS is to be asked. """
        tx = self._create_transaction('redirect', reference=reference)
        tx.write({
            'aps_next_check': fields.Datetime.now() - timedelta(minutes=minutes), **values,
        })
        return tx

    def _count_triggers(self):
        """ Return how often the cron was told to run. """
        cron = self.env.ref('payment_aps.ir_cron_aps_check_status')
        return self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])

    def _run_account(self, effect):
        """ Have the payments of the account asked about, as the cron does it.

        :param callable|Exception|list effect: What comes of each request to APS.
        :return: What is left, and the references that were asked about, in order.
        :rtype: tuple[str | None, list[str]]
        """
        self.env.flush_all()
        with patch.object(type(self.provider), '_aps_make_request', side_effect=effect) as ask, \
                patch.object(self.env.cr, 'commit', self.env.flush_all), \
                patch.object(self.env.cr, 'rollback'), mute_logger(CHECKS_LOGGER):
            left = self.env['payment.transaction']._aps_check_account(
                self.provider.id, float('inf')
            )
        return left, [call.args[0]['merchant_reference'] for call in ask.call_args_list]

    def _answer_not_found(self, query, *_args):
        """ Return APS's answer to a query about a payment that it doesn't know. """
        return {
            'query_command': 'CHECK_STATUS', 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': query['merchant_reference'], 'status': '12',
            'response_code': '12036',
        }


@tagged('post_install', '-at_install')
class TestStatusPage(ChecksCommon):
    """ What the status page does for a shopper who is back without a result. """

    def _open_pages(self, tx, count=1, poll=False):
        """ Have the shopper look at the status page while APS can't be reached.

        :param recordset tx: The payment.
        :param int count: How often.
        :param bool poll: Whether only the page itself looks at the payment again.
        :return: The HTTP statuses.
        :rtype: list[int]
        """
        session = self.authenticate(None, None)
        session[PaymentPostProcessing.MONITORED_TX_ID_KEY] = tx.id
        http.root.session_store.save(session)
        with patch.object(type(tx.provider_id), '_aps_make_request') as ask:
            if poll:
                responses = [
                    self.url_open(
                        '/payment/status/poll', data=json.dumps({'params': {}}),
                        headers={'Content-Type': 'application/json'},
                    ) for _repetition in range(count)
                ]
            else:
                responses = [self.url_open('/payment/status') for _repetition in range(count)]
        ask.assert_not_called()
        self.env.invalidate_all()
        return [response.status_code for response in responses]

    def test_page_asks_nobody_but_has_the_check_made_at_once(self):
        """ Test that an APS that hangs holds no worker of the shop, however often it is opened. """
        for number, poll in enumerate((False, True)):
            with self.subTest(poll=poll):
                tx = self._create_transaction('redirect', reference=f'PAGE-{number}')
                self._age(tx, hours=1)
                triggers = self._count_triggers()
                self.assertEqual(self._open_pages(tx, 5, poll=poll), [200] * 5)
                self.assertTrue(tx._aps_is_check_due())
                self.assertEqual(self._count_triggers() - triggers, 1)

    def test_page_is_shown_whatever_stops_the_check(self):
        """ Test that the shopper always lands on a page they understand. """
        for number, error in enumerate((
            UserError("Anything"), errors.SerializationFailure("conflict"), KeyError("mistake"),
        )):
            tx = self._create_transaction('redirect', reference=f'ERROR-{number}')
            with self.subTest(error=error), patch.object(
                type(tx), '_aps_lock_first', side_effect=error
            ), mute_logger(CHECKS_LOGGER):
                self.assertEqual(self._open_pages(tx), [200])

    def test_page_leaves_a_payment_alone_that_is_locked(self):
        """ Test that a result that is just being applied is not waited for. """
        tx = self._create_transaction('redirect')
        next_check = tx.aps_next_check
        with patch.object(type(tx), '_aps_lock_first', return_value=tx.browse()):
            self.assertEqual(self._open_pages(tx), [200])
        self.assertEqual(tx.aps_next_check, next_check)

    def test_page_asks_about_what_can_still_change(self):
        """ Test who is asked about at once, and who was told about a moment ago. """
        tx = self._create_transaction('redirect')
        for state, age, is_awaited in (
            ('draft', 0, True), ('draft', 60, True),
            ('pending', 0, False), ('pending', 5, True),
            ('error', 0, False), ('error', 5, True),  # A second attempt may have been paid.
            ('cancel', 0, False), ('cancel', 5, True),
            ('authorized', 60, False), ('done', 60, False),
        ):
            with self.subTest(state=state, age=age):
                tx.state = state
                self._age(tx, minutes=age)
                self.assertEqual(tx._aps_is_awaited(), is_awaited)

    def test_page_waits_longer_each_time(self):
        """ Test that a stranger who opens it again and again causes few queries. """
        tx = self._create_transaction('redirect')
        self._age(tx, minutes=10)
        for minutes, is_awaited in ((0, False), (1, False), (4, False), (6, True)):
            with self.subTest(minutes=minutes):
                tx.aps_asked_date = fields.Datetime.now() - timedelta(minutes=minutes)
                self.assertEqual(tx._aps_is_awaited(), is_awaited)

    def test_page_asks_nothing_of_a_disabled_provider(self):
        """ Test that nothing is written that has no effect. """
        tx = self._create_transaction('redirect')
        self.provider.state = 'disabled'
        self.assertFalse(tx._aps_is_awaited())


@tagged('post_install', '-at_install')
class TestChecks(ChecksCommon):
    """ When and in which order APS is asked. """

    #=== Schedule ===#

    def _list_waits(self, tx):
        """ Return after how many minutes APS is asked if it never knows anything. """
        minutes, waits = 0, []
        while tx.aps_next_check:
            minutes = round((tx.aps_next_check - tx.create_date).total_seconds() / 60)
            waits.append(minutes)
            now = tx.aps_next_check
            with patch.object(fields.Datetime, 'now', lambda now=now: now):
                tx._aps_schedule_check()
        return waits

    def test_draft_of_which_nothing_was_heard_is_asked_about_rarely(self):
        """ Test that strangers, who can make any number of them, cause few queries. """
        tx = self._create_transaction('redirect')
        self.assertEqual(self._list_waits(tx), [10, 60, 4 * 24 * 60])

    def test_pending_payment_and_charge_are_asked_about_more_often(self):
        """ Test that what APS or Odoo began is found out about soon. """
        dense = list(CHECK_SCHEDULE)
        tx = self._create_transaction('redirect')
        tx._aps_handle(self._build_message(tx, status='20', response_code='20064'))
        self.assertEqual(tx.state, 'pending')
        self.assertEqual(self._list_waits(tx), dense)
        charge = self._create_transaction('direct', operation='offline', reference='CHARGE')
        self.assertEqual(self._list_waits(charge), dense)

    def test_check_that_comes_a_little_early_is_not_the_last_one(self):
        """ Test that the schedule goes on if the cron runs within seconds of the next check. """
        tx = self._create_transaction('redirect')
        for minutes, next_minutes in ((10, 60), (60, 4 * 24 * 60), (4 * 24 * 60, 4 * 24 * 60)):
            now = tx.create_date + timedelta(minutes=minutes, seconds=-3)
            with patch.object(fields.Datetime, 'now', lambda now=now: now):
                tx._aps_schedule_check()
            wait = tx.aps_next_check and tx.aps_next_check - tx.create_date
            with self.subTest(minutes=minutes):
                self.assertTrue(wait, "Nobody asks about the payment any more.")
                self.assertEqual(round(wait.total_seconds() / 60), next_minutes)

    def test_draft_whose_shopper_was_back_is_asked_about_again_soon(self):
        """ Test that it is found out although APS didn't know it yet when the shopper was back. """
        tx = self._create_transaction('redirect')
        # The database transaction began with the class, maybe long ago on a busy machine.
        with patch.object(fields.Datetime, 'now', lambda: tx.create_date):
            tx._aps_schedule_check(at_once=True)
        self.assertEqual(self._list_waits(tx), [0, 2, 10, 60, 4 * 24 * 60])

    def test_check_at_once_is_not_put_off(self):
        """ Test that it is made although another reason would have it made later. """
        tx = self._create_transaction('redirect')
        tx._aps_schedule_check(at_once=True)
        tx._aps_handle(self._build_message(tx, status='20', response_code='20064'))
        self.assertTrue(tx._aps_is_check_due())

    #=== Order ===#

    def test_queue_begins_with_what_is_under_way_and_with_waiting_shoppers(self):
        """ Test that drafts that are due for longer, which anybody can make, delay nobody. """
        now = fields.Datetime.now()
        for number in range(3):
            self._make_due(f'DRAFT-{number}', minutes=60 - number)
        self._make_due('DECLINED', minutes=50, state='error')
        for number in range(2):
            self._make_due(f'PENDING-{number}', minutes=9 - number, state='pending')
        self._make_due('OPERATION', minutes=5, state='done', aps_last_notice=now)
        for number in range(2):
            self._make_due(f'BACK-{number}', minutes=2 - number, aps_asked_date=now)

        _left, references = self._run_account(self._answer_not_found)

        self.assertEqual(references, [
            'BACK-0', 'PENDING-0', 'BACK-1', 'PENDING-1', 'OPERATION',
            'DRAFT-0', 'DRAFT-1', 'DRAFT-2', 'DECLINED',
        ])

    def test_shopper_who_comes_back_during_a_run_is_next(self):
        """ Test that a batch of strangers' drafts that has begun is not in their way. """
        for number in range(5):
            self._make_due(f'DRAFT-{number}')
        tx = self._create_transaction('redirect', reference='BACK')

        def answer(query, *_args):
            if query['merchant_reference'] == 'DRAFT-1':
                tx._aps_schedule_check(at_once=True)
            return self._answer_not_found(query)

        _left, references = self._run_account(answer)
        self.assertEqual(references[:3], ['DRAFT-0', 'DRAFT-1', 'BACK'])

    def test_payment_that_cannot_be_put_off_does_not_stop_the_others(self):
        """ Test that it isn't taken again and again. """
        stuck_tx = self._make_due('STUCK', minutes=9)
        self._make_due('OTHER')
        schedule = type(stuck_tx)._aps_schedule_check

        def fail(tx, **kwargs):
            if tx == stuck_tx:
                raise KeyError("a mistake of another module")
            schedule(tx, **kwargs)

        with patch.object(type(stuck_tx), '_aps_schedule_check', fail), \
                patch.object(type(stuck_tx), '_aps_postpone_check'):
            _left, references = self._run_account(self._answer_not_found)
        self.assertEqual(references, ['OTHER'])

    #=== An APS that doesn't answer ===#

    def test_account_is_left_alone_at_its_first_timeout(self):
        """ Test that what hangs is not waited for again and again, and is asked again soon. """
        for error in (make_timeout(), APSUnreachable("ConnectTimeout")):
            txs = [self._make_due(f'{type(error).__name__}-{n}', state='pending') for n in range(3)]
            with self.subTest(error=error):
                left, references = self._run_account(error)
                self.assertEqual((left, len(references)), (checks.LEFT, 1))
                self.env.invalidate_all()
                asked_tx = self.env['payment.transaction'].search(
                    [('reference', '=', references[0])]
                )
                wait = asked_tx.aps_next_check - fields.Datetime.now()
                self.assertLessEqual(wait, timedelta(hours=1))
            self.env['payment.transaction'].browse(tx.id for tx in txs).aps_next_check = False

    def test_account_is_left_alone_after_three_answers_of_no_use(self):
        """ Test that one payment of which APS tells nothing doesn't stop the others. """
        for number in range(6):
            self._make_due(f'TX-{number}')
        garbage, refusal = APSOutcomeUnknown("garbage"), APSRefused({'response_code': '11043'})
        answers = [garbage, refusal, self._answer_not_found, refusal, garbage, refusal]

        def answer(query, *_args):
            effect = answers.pop(0)
            if isinstance(effect, Exception):
                raise effect
            return effect(query)

        left, references = self._run_account(answer)
        self.assertEqual((left, len(references)), (checks.LEFT, 6))

    def test_worker_is_not_started_again_for_an_account_that_is_left_alone(self):
        """ Test which accounts are asked on while a run has to wait for another one. """
        class FormerWorker:
            def __init__(self, result, alive=False, has_failed=False):
                self.result, self.alive, self.has_failed = result, alive, has_failed

            def is_alive(self):
                return self.alive

        may_start = self.env['payment.transaction']._aps_may_start
        for worker, is_run_busy, is_expected in (
            (None, False, True),
            (FormerWorker(None, alive=True), True, False),
            (FormerWorker(None), True, True),
            (FormerWorker(None), False, False),  # What is still due is locked by others.
            (FormerWorker(None, has_failed=True), True, False),
            (FormerWorker(checks.LEFT), True, False),
            (FormerWorker(checks.REST), True, True),
            (FormerWorker(checks.REST), False, False),  # Other scheduled actions want to run.
        ):
            with self.subTest(worker=worker and vars(worker), is_run_busy=is_run_busy):
                self.assertEqual(may_start(worker, is_run_busy), is_expected)

    #=== Next run ===#

    def _plan(self, results):
        """ Return when the cron is to run next, after a run with the given results. """
        cron = self.env.ref('payment_aps.ir_cron_aps_check_status')
        self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]).unlink()
        self.env.flush_all()
        with patch.object(self.env.cr, 'commit'):
            self.env['payment.transaction']._aps_plan_next_run(results)
        return self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]).mapped('call_at')

    def test_cron_runs_when_the_next_payment_is_due(self):
        """ Test that it is not asked about minutes later than wanted. """
        now = fields.Datetime.now()
        self.env['payment.transaction'].search([]).aps_next_check = False
        tx = self._create_transaction('redirect')
        for minutes, results, runs in (
            (3, {}, [3]), (3, {self.provider.id: None}, [3]), (600, {}, [600]),
            (3, {self.provider.id: checks.LEFT}, []),  # It hangs; so it waits for the interval.
            (3, {self.provider.id: checks.REST}, [0]), (-3, {}, []),
        ):
            with self.subTest(minutes=minutes, results=results):
                tx.aps_next_check = now + timedelta(minutes=minutes)
                planned = self._plan(results)
                self.assertEqual([round((at - now).total_seconds() / 60) for at in planned], runs)

    def test_cron_is_not_planned_twice(self):
        """ Test that runs that follow one another leave no heap of plans. """
        now = fields.Datetime.now()
        tx = self._create_transaction('redirect')
        tx.aps_next_check = now + timedelta(minutes=3)
        self._plan({})
        count = self._count_triggers()
        for _run in range(3):
            self.env['payment.transaction']._aps_plan_run(now + timedelta(minutes=3))
        self.assertEqual(self._count_triggers(), count)

    #=== Lost charges ===#

    def _declare_charge(self, reference, provider):
        """ Return the declaration of a charge that was lost an hour ago. """
        charge = self.env['payment.aps.charge'].create({
            'reference': reference, 'fingerprint': reference, 'attempt': reference,
            'values': json.dumps({'provider_id': provider.id}),
        })
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE payment_aps_charge SET create_date = create_date - interval '1 hour'"
        )
        return charge

    def _settle_charges(self, error):
        """ Settle the declarations, and return the references that APS was asked about. """
        with patch.object(type(self.provider), '_aps_make_request', side_effect=error) as ask, \
                patch.object(self.env.cr, 'commit', self.env.flush_all), \
                patch.object(self.env.cr, 'rollback'), \
                mute_logger('odoo.addons.payment_aps.models.payment_aps_charge'):
            self.env['payment.aps.charge']._settle_declarations()
        return [call.args[0]['merchant_reference'] for call in ask.call_args_list]

    def test_lost_charges_of_an_account_that_hangs_are_left_alone(self):
        """ Test that they don't keep the run from all else, and those of others are looked for. """
        other = self.provider.copy()
        other.write({
            'state': 'test', 'aps_merchant_identifier': 'Other1', 'aps_access_code': 'Other2',
            'aps_sha_request': 'a', 'aps_sha_response': 'b',
        })
        for number in range(3):
            self._declare_charge(f'HANGS-{number}', self.provider)
        self._declare_charge('OTHER', other)
        self.assertEqual(self._settle_charges(make_timeout()), ['HANGS-0', 'OTHER'])

    def test_lost_charges_that_cannot_be_settled_do_not_block_younger_ones(self):
        """ Test that those that were tried longest ago come first. """
        charges = [self._declare_charge(f'LOST-{number}', self.provider) for number in range(3)]
        charges[0].last_try = fields.Datetime.now()
        charges[1].last_try = fields.Datetime.now() - timedelta(minutes=5)
        refusal = APSRefused({'response_code': '11043'})
        self.assertEqual(self._settle_charges(refusal), ['LOST-2', 'LOST-1', 'LOST-0'])
        self.assertTrue(charges[2].last_try)

    def test_lost_charges_are_looked_for_for_a_limited_time(self):
        """ Test that many of them don't have Odoo end the run by force. """
        self._declare_charge('LOST', self.provider)
        with patch('odoo.addons.payment_aps.models.payment_aps_charge.RUN_TIME', -1):
            self.assertEqual(self._settle_charges(make_timeout()), [])

    #=== Indexes ===#

    def test_each_queue_has_an_index(self):
        """ Test that a long table doesn't slow the check down. """
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        for queue in checks.QUEUES:
            with self.subTest(queue=queue):
                self.env.cr.execute(
                    f"EXPLAIN SELECT id FROM payment_transaction WHERE provider_id = 1 "
                    f"AND aps_next_check <= now() AT TIME ZONE 'UTC' AND {queue} "
                    f"ORDER BY aps_next_check, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"
                )
                plan = '\n'.join(row[0] for row in self.env.cr.fetchall())
                self.assertRegex(plan, 'Index Scan using payment_transaction_aps_queue_')
                self.assertNotIn('Sort', plan)

    #=== Payments of Odoo's own module ===#

    def _migrate(self):
        """ Run the migration of the checks. """
        path = Path(__file__).parents[1] / 'migrations' / '1.3.0' / 'post-checks.py'
        spec = importlib.util.spec_from_file_location('post_checks', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.migrate(self.env.cr, '1.0')
        self.env.invalidate_all()

    def _make_former(self, state, **age):
        """ Return a payment as Odoo's own module left it. """
        tx = self._create_transaction('redirect', reference=f'FORMER-{state}-{age}', state=state)
        tx.write({'aps_account': False, 'aps_next_check': False})
        self._age(tx, **age)
        return tx

    def test_recent_payments_of_odoo_s_own_module_are_asked_about(self):
        """ Test that those it took for failed are, too: a second attempt may have been paid. """
        for state, age, is_asked in (
            ('draft', {'days': 1}, True), ('pending', {'days': 1}, True),
            ('error', {'days': 1}, True), ('cancel', {'days': 3}, True),
            ('error', {'days': 5}, False), ('authorized', {'days': 1}, True),
            ('done', {'days': 1}, False),
        ):
            with self.subTest(state=state, **age):
                tx = self._make_former(state, **age)
                self._migrate()
                self.assertEqual(tx._aps_is_check_due(), is_asked)
                self.assertEqual(bool(tx.aps_account), state != 'done')

    def test_payments_of_a_disabled_provider_are_asked_about_once_it_is_enabled(self):
        """ Test that an upgrade while the provider is switched off loses none. """
        self.provider.state = 'disabled'
        txs = [self._make_former(state, days=1) for state in ('draft', 'error')]
        self._migrate()
        self.assertFalse(any(tx.aps_next_check for tx in txs))

        self.provider.state = 'enabled'

        self.assertTrue(all(tx._aps_is_check_due() for tx in txs))

    def test_payments_that_know_their_account_are_left_as_they_are(self):
        """ Test an upgrade from a version that had noted it. """
        tx = self._create_transaction('redirect', state='error')
        tx.write({'aps_account': 'another', 'aps_next_check': False})
        self._migrate()
        self.assertEqual((tx.aps_account, tx.aps_next_check), ('another', False))
