import logging
import threading
import time
from datetime import timedelta

import requests

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.payment_aps.aps.errors import (
    APSError,
    APSMessageRefused,
    APSOtherAccount,
    APSRefused,
    APSUnreachable,
)
from odoo.addons.payment_aps.aps.schedule import CHECK_SCHEDULE, LONGEST_CHECK_DAYS
from odoo.addons.payment_aps.conflicts import CONFLICTS, OVERTAKEN, retry
from odoo.addons.payment_aps.models.payment_transaction import QUEUES

_logger = logging.getLogger(__name__)

# How many payments of an account the cron asks about in one run, and after how many requests in a
# row without usable answer it leaves the account alone until the next run.
CHECK_BATCH_SIZE = 100
MAX_FAILURES = 3
# How long a run of the cron may take, in seconds, below the limit that Odoo sets; and how often it
# looks if an account has become due meanwhile. Each account is asked by a worker of its own.
CHECK_TIME = 60
CHECK_TICK = 0.2
MAX_WORKERS = 8
# What an account has left when its worker ends: payments for which there was no time, or all of
# them, since APS gives no answer.
REST, LEFT = 'rest', 'left'
# How soon a check is repeated that APS gave no answer to, and one that it refused or that failed.
UNANSWERED_DELAY = timedelta(hours=1)
FAILED_DELAY = timedelta(days=1)


class Worker(threading.Thread):
    """ Runs a function with a cursor of its own, so that nobody waits for what it waits for. """

    def __init__(self, env, name, function):
        """
        :param Environment env: The environment of the job, of which user and context are taken.
        :param str name: The name, for the log.
        :param callable function: Takes the environment of the worker. It commits what it writes.
        """
        super().__init__(name=f'aps.{name}', daemon=True)
        self.dbname = env.cr.dbname  # For Odoo's log.
        self.result = None
        self.has_failed = False
        self._env, self._function = env, function

    def run(self):
        """ Run the function, and keep its result. """
        try:
            with self._env.registry.cursor() as cr:
                self.result = self._function(self._env(cr=cr))
        except Exception:  # The other workers are not to suffer.
            self.has_failed = True
            _logger.exception("The worker %s ended with an error.", self.name)


class PaymentTransaction(models.Model):
    """ The scheduled action that asks APS about what is due, each account by a worker. """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - RUN ===#

    @api.model
    def _cron_aps_check_status(self):
        """ Ask APS about the payments that are due, the most urgent ones first.

        Each account is asked by a worker of its own, so that one that hangs delays no other. An
        account that becomes due during the run need not wait for the next one.

        :return: None
        """
        end = time.monotonic() + CHECK_TIME
        charges = Worker(
            self.env, 'charges', lambda env: env['payment.aps.charge']._settle_declarations()
        )
        charges.start()
        workers = {None: charges}  # The latest one of each account.
        while True:
            if time.monotonic() < end:
                self._aps_start_checks(workers, end)
            alive = [worker for worker in workers.values() if worker.is_alive()]
            if not alive:
                break
            alive[0].join(CHECK_TICK)
        self._aps_plan_next_run({key: worker.result for key, worker in workers.items()})

    @api.model
    def _aps_start_checks(self, workers, end):
        """ Start a worker for each account that has something due, unless it is at work already.

        :param dict workers: The workers by the id of their provider, which is updated.
        :param float end: When the run is to end, by the monotonic clock.
        :return: None
        """
        # To see what is due by now.
        self.env.cr.commit()  # pylint: disable=invalid-commit
        for provider_id in self._aps_get_accounts():
            busy = sum(worker.is_alive() for worker in workers.values())
            if (
                busy <= MAX_WORKERS
                and self._aps_may_start(workers.get(provider_id), is_run_busy=bool(busy))
                and self._aps_find_check(provider_id, '<=', fields.Datetime.now())
            ):
                workers[provider_id] = Worker(
                    self.env, f'account-{provider_id}',
                    lambda env, provider_id=provider_id: (
                        env[self._name]._aps_check_account(provider_id, end)
                    ),
                )
                workers[provider_id].start()

    @api.model
    def _aps_may_start(self, former_worker, is_run_busy):
        """ Return whether a worker may be started for an account.

        :param Worker|None former_worker: The one before it in the same run.
        :param bool is_run_busy: Whether the run goes on anyway, because of other workers.
        :rtype: bool
        """
        if former_worker is None:
            return True
        if former_worker.is_alive() or former_worker.has_failed or former_worker.result == LEFT:
            return False
        return is_run_busy  # Else what is left, or locked by others, is for the next run.

    @api.model
    def _aps_get_accounts(self):
        """ Return the ids of the providers whose payments are asked about, live ones first. """
        return self.env['payment.provider'].search(
            [('code', '=', 'aps'), ('state', '!=', 'disabled')], order='state, id'
        ).ids

    @api.model
    def _aps_plan_next_run(self, results):
        """ Have the cron run again as soon as there is something to do.

        :param dict results: What accounts have left, by the id of their provider. One for which APS
                             doesn't answer waits for the interval of the cron.
        :return: None
        """
        # To see what the workers wrote.
        self.env.cr.commit()  # pylint: disable=invalid-commit
        now = fields.Datetime.now()
        checks = [
            self._aps_find_check(provider_id, '>', now)
            for provider_id in self._aps_get_accounts() if results.get(provider_id) != LEFT
        ]
        next_run = now if REST in results.values() else min(filter(None, checks), default=None)
        if next_run:
            self._aps_plan_run(next_run)

    @api.model
    def _aps_find_check(self, provider_id, operator, time_):
        """ Return when the first payment of an account is due, after or before a time.

        :param int provider_id: The id of the provider.
        :param str operator: `>` or `<=`.
        :param datetime time_: The time.
        :return: When it is due; `False` if there is none.
        :rtype: datetime | bool
        """
        return self.search(
            [('provider_id', '=', provider_id), ('aps_next_check', operator, time_)],
            order='aps_next_check, id', limit=1,
        ).aps_next_check

    @api.model
    def _aps_plan_run(self, next_run):
        """ Have the cron run, unless it is to run before anyway.

        :param datetime next_run: When.
        :return: None
        """
        cron = self.env.ref('payment_aps.ir_cron_aps_check_status').sudo()
        is_planned = self.env['ir.cron.trigger'].sudo().search_count([
            ('cron_id', '=', cron.id),
            ('call_at', '>', fields.Datetime.now()),
            ('call_at', '<=', next_run),
        ], limit=1)
        if not is_planned:
            cron._trigger(next_run)

    #=== BUSINESS METHODS - ACCOUNT ===#

    @api.model
    def _aps_check_account(self, provider_id, end):
        """ Ask APS about the payments of an account that are due, one by one.

        Each is committed on its own, so one that fails doesn't stop the rest. If APS doesn't
        answer, the account is left alone until the next run.

        :param int provider_id: The id of the provider.
        :param float end: When the run is to end, by the monotonic clock.
        :return: What is left, `REST` or `LEFT`; `None` if nothing is due any more.
        :rtype: str | None
        """
        taken_ids, failures = [], 0
        for number in range(CHECK_BATCH_SIZE):
            if time.monotonic() >= end:
                return REST
            # One that can't even be put off is not to be taken for ever.
            stuck_ids = [tx_id for tx_id in taken_ids if taken_ids.count(tx_id) > 1]
            tx = self._aps_take_due(provider_id, stuck_ids, is_shopper_first=number % 2 == 0)
            if not tx:
                return None
            taken_ids.append(tx.id)
            error = tx._aps_check_in_batch()
            self.env.invalidate_all()  # Keep the memory flat.
            failures = failures + 1 if isinstance(error, APSError) else 0
            if failures == MAX_FAILURES or self._aps_is_hanging(error):
                return LEFT
        return REST

    @api.model
    def _aps_take_due(self, provider_id, stuck_ids, is_shopper_first):
        """ Return the payment of an account that is to be asked about next, and lock it.

        A payment that is locked by others, such as another run of the cron, is passed over.

        :param int provider_id: The id of the provider.
        :param list[int] stuck_ids: The payments to pass over.
        :param bool is_shopper_first: Whether those whose shopper waits come before those that are
                                      under way. They come in turn, so that neither delays the
                                      other.
        :return: The payment, if any.
        :rtype: recordset of `payment.transaction`
        """
        under_way, awaited, others = QUEUES
        urgent = (awaited, under_way) if is_shopper_first else (under_way, awaited)

        def take():
            for queue in (*urgent, others):
                tx = self._aps_lock_first(SQL(
                    f"provider_id = %s AND aps_next_check <= %s AND {queue} AND id != ALL(%s)",
                    provider_id, fields.Datetime.now(), stuck_ids,
                ))
                if tx:
                    break
            return tx

        return retry(self.env.cr, take, OVERTAKEN)

    @staticmethod
    def _aps_is_hanging(error):
        """ Return whether an error tells that a request would wait in vain, whatever it is about.

        :param Exception|None error: What became of the last request.
        :rtype: bool
        """
        is_timeout = isinstance(getattr(error, '__cause__', None), requests.exceptions.Timeout)
        return isinstance(error, APSUnreachable) or is_timeout

    #=== BUSINESS METHODS - PAYMENT ===#

    def _aps_check_in_batch(self):
        """ Ask APS about one payment of the cron's batch, and commit.

        :return: What went wrong, if APS was asked in vain.
        :rtype: APSError | None
        """
        try:
            # Whatever happens below, this payment is not the first one of the next run again.
            self._aps_schedule_check()
            self.env.cr.commit()  # pylint: disable=invalid-commit
            for operation_tx in self._aps_get_family().filtered(
                lambda tx: tx.aps_request_state == 'queued' and tx.aps_operation != 'LAPSE'
            ):
                operation_tx._aps_send_operation()  # Interrupted before it was sent.
            self._aps_check_and_commit()
        except Exception as error:  # The others of the batch are not to suffer.
            self.env.cr.rollback()
            if self.exists():  # Else it was deleted meanwhile.
                self._aps_put_off(error)
            is_in_vain = isinstance(error, APSError) and not isinstance(error, APSOtherAccount)
            return error if is_in_vain else None
        return None

    def _aps_put_off(self, error):
        """ Log why a payment could not be asked about, and have it asked about again.

        :param Exception error: What happened. It is being handled, and its changes are undone.
        :return: None
        """
        if isinstance(error, (APSError, APSMessageRefused)):
            _logger.warning("APS doesn't tell about %s: %s", self.reference, error)
            self._aps_note_mismatch(error)
            if not isinstance(error, APSOtherAccount):  # Goes on when the account is set again.
                delay = UNANSWERED_DELAY if self._aps_is_hanging(error) else FAILED_DELAY
                self._aps_postpone_check(delay, is_refused=isinstance(error, APSRefused))
        elif isinstance(error, CONFLICTS):
            _logger.info("%s is being updated; it will be checked next time.", self.reference)
            self._aps_postpone_check(timedelta(minutes=CHECK_SCHEDULE[0]))
        else:
            _logger.error("The check of %s failed.", self.reference, exc_info=error)
            self._aps_postpone_check(FAILED_DELAY)

    def _aps_check_and_commit(self):
        """ Ask APS about the payment and commit, again if another process was faster.

        Such as the engine's post-processing of a capture, which updates the customer as well. To
        ask changes nothing at APS, so it may be repeated.

        :return: None
        :raise APSError: If APS gives no usable answer.
        :raise psycopg2.OperationalError: If the conflict lasts.
        """
        def check_and_commit():
            self._aps_check_status()
            self.env.cr.commit()  # pylint: disable=invalid-commit

        retry(self.env.cr, check_and_commit, OVERTAKEN)

    def _aps_postpone_check(self, delay, is_refused=False):
        """ Have a payment asked about again although the check failed.

        :param timedelta delay: How much later, if the schedule wants it later still or not at all.
        :param bool is_refused: Whether APS answered, but doesn't tell.
        :return: None
        """
        try:
            self._aps_lock()
            self._aps_note_unchecked(is_refused)
            if is_refused:
                self._aps_get_under_way()._aps_fail_if_overdue()
            now = fields.Datetime.now()
            is_recent = now - self.create_date < timedelta(days=LONGEST_CHECK_DAYS)
            if is_recent and not (self.aps_next_check and self.aps_next_check <= now + delay):
                self.aps_next_check = now + delay
            self.env.cr.commit()  # pylint: disable=invalid-commit
        except Exception:  # The others of the batch are not to suffer.
            self.env.cr.rollback()
            _logger.exception("The next check of payment %s can't be set.", self.id)
