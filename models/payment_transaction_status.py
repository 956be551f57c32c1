import logging
import time
from datetime import timedelta

import requests
from psycopg2 import OperationalError, errors

from odoo import _, api, fields, models
from odoo.exceptions import UserError
from odoo.tools.sql import create_index

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps import const
from odoo.addons.payment_aps import utils as aps_utils
from odoo.addons.payment_aps.aps import sums
from odoo.addons.payment_aps.exceptions import (
    APSError,
    APSMessageRefused,
    APSOtherAccount,
    APSRefused,
    APSUnreachable,
)
from odoo.addons.payment_aps.workers import Worker

_logger = logging.getLogger(__name__)

# How many payments of an account the cron asks about in one run, and after how many requests in a
# row without usable answer it leaves the account alone until the next run.
CHECK_BATCH_SIZE = 100
MAX_FAILURES = 3
# How often the cron applies what APS tells of a payment that others are updating, e.g., the
# engine's post-processing of a capture, which updates the customer as well.
CHECK_ATTEMPTS = 5
# How long a run of the cron may take, in seconds, below the limit that Odoo sets; and how often it
# looks if an account has become due meanwhile. Each account is asked by a worker of its own.
CHECK_TIME = 60
CHECK_TICK = 0.2
MAX_WORKERS = 8
# What an account has left when its worker ends: payments for which there was no time, or all of
# them, since APS gives no answer.
REST, LEFT = 'rest', 'left'
# The queues of an account, as conditions: what is under way or was begun; those whose shopper is
# back, or of which APS said what can't be believed; the rest, which anybody can make. Each has an
# index of its own, see `init`.
QUEUES = (
    "aps_next_check IS NOT NULL AND state NOT IN ('draft', 'cancel', 'error')",
    "aps_next_check <= aps_asked_date",
    "aps_next_check IS NOT NULL",
)
# How long the sums of a payment are asked for after the notice of an operation, and how long a
# payment is asked about more often after APS was to be asked at once.
NOTICE_TIME = timedelta(hours=1)
ASKED_TIME = timedelta(minutes=10)
# A check that would follow another one so closely is left out; that at the very end isn't.
MERGE_TIME = timedelta(seconds=5)
# For how long the status page leaves a payment alone of which APS has just told.
TOLD_TIME = timedelta(minutes=1)
# How soon a check is repeated that APS gave no answer to, and one that it refused or that failed.
UNANSWERED_DELAY = timedelta(hours=1)
FAILED_DELAY = timedelta(days=1)


class PaymentTransaction(models.Model):
    """ Keeping in step with APS: asking it what became of payments and operations.

    See https://paymentservices.amazon.com/docs/api/managing-payments/check-status.
    """

    _inherit = 'payment.transaction'

    # The engine of 17.0 has no index for the children of a payment.
    source_transaction_id = fields.Many2one(index='btree_not_null')
    aps_next_check = fields.Datetime(
        string="Next APS Check",
        help="When Amazon Payment Services is asked about this payment next.",
        readonly=True,
        copy=False,
    )
    # When APS was last to be asked at once, e.g., because the shopper was back without a result.
    aps_asked_date = fields.Datetime(string="APS Asked at Once", readonly=True, copy=False)
    aps_last_check = fields.Datetime(string="Last APS Check", readonly=True, copy=False)
    aps_last_notice = fields.Datetime(
        string="Last APS Notice",
        help="When Amazon Payment Services told of an operation that Odoo didn't know.",
        readonly=True,
        copy=False,
    )
    aps_is_used = fields.Boolean(
        string="Uses APS", compute='_compute_aps_is_used', search='_search_aps_is_used'
    )
    aps_account = fields.Char(
        string="APS Account",
        help="A digest of the merchant account and environment that the payment was made with.",
        readonly=True,
        copy=False,
    )
    aps_payment_command = fields.Char(
        string="APS Payment Command",
        help="Whether the amount was to be taken at once (PURCHASE) or reserved (AUTHORIZATION).",
        readonly=True,
        copy=False,
    )

    def init(self):
        """ Create an index for each queue of the check. """
        super().init()
        for number, condition in enumerate(QUEUES, start=1):
            create_index(
                self.env.cr, f'payment_transaction_aps_queue_{number}', self._table,
                ['provider_id', 'aps_next_check', 'id'], where=condition,
            )

    #=== COMPUTE METHODS ===#

    @api.depends('provider_code')
    def _compute_aps_is_used(self):
        for tx in self:
            tx.aps_is_used = tx.provider_code == 'aps'

    def _search_aps_is_used(self, operator, value):
        """ Search by the provider, which accountants may not search for. """
        providers_sudo = self.env['payment.provider'].sudo().search([('code', '=', 'aps')])
        values = value if operator in ('in', 'not in') else [value]
        is_wanted = (True in values) == (operator in ('=', 'in'))
        return [('provider_id', 'in' if is_wanted else 'not in', providers_sudo.ids)]

    #=== CRUD METHODS ===#

    @api.model
    def _get_specific_create_values(self, provider_code, values):
        """ Override of `payment` to have payments asked about until they are settled, and to talk
        to shoppers in the language of the page that they read.
        """
        res = super()._get_specific_create_values(provider_code, values)
        if provider_code != 'aps' or values.get('source_transaction_id'):
            return res
        now = fields.Datetime.now()
        provider = self.env['payment.provider'].browse(values['provider_id'])
        method_sudo = self.env['payment.method'].sudo().browse(values.get('payment_method_id'))
        method_sudo.fetch(['code'])  # Else all of it would be read.
        is_online = (values.get('operation') or '').startswith('online')
        lang = is_online and self._aps_get_page_lang()
        return {
            **res,
            **({'partner_lang': lang} if lang else {}),
            'aps_account': provider._aps_get_account_digest(),
            'aps_payment_command': provider._aps_get_payment_command(
                method_sudo.code, values.get('operation')
            ),
            'aps_next_check': aps_utils.get_next_check(
                now, now, self._aps_get_draft_schedule(values.get('operation'))
            ),
        }

    #=== ACTION METHODS ===#

    def action_aps_check_status(self):
        """ Ask APS about the payment now.

        :return: None
        :raise UserError: If APS can't be asked.
        """
        self.ensure_one()  # The lock on another one could roll back what was found out of this.
        payment_utils.check_rights_on_recordset(self)
        try:
            self.sudo()._aps_get_payment()._aps_check_status()
        except APSError as error:
            raise UserError(self._aps_describe_error(error)) from error
        except APSMessageRefused as error:
            raise UserError(_(
                "The answer of Amazon Payment Services doesn't fit this payment (%(error)s). "
                "Nothing was changed; compare the payment with the APS dashboard.",
                error=error.aps_reason,
            )) from error

    #=== BUSINESS METHODS - SCHEDULE ===#

    def _aps_schedule_check(self, at_once=False):
        """ Set when APS is asked about the payment next.

        :param bool at_once: Whether not to wait for the schedule.
        :return: None
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if at_once:
            self.write({'aps_next_check': now, 'aps_asked_date': now})
            cron = self.env.ref('payment_aps.ir_cron_aps_check_status', raise_if_not_found=False)
            if cron:
                cron.sudo()._trigger()
            return
        checks = (check for check in self._aps_list_checks(now) if check and check > now)
        next_check = min(checks, default=False)
        if next_check != self.aps_next_check:
            self.aps_next_check = next_check

    def _aps_list_checks(self, now):
        """ Return when APS is to be asked about the payment, for each reason to do so.

        :param datetime now: The time of the latest check.
        :return: The times, which may be missing.
        :rtype: list[datetime | None]
        """
        is_open = self.state in ('draft', 'pending')  # Such a payment has no operations yet.
        under_way = (self if is_open else self._aps_get_family()).filtered('aps_request_state')
        after = now + MERGE_TIME
        checks = [aps_utils.get_next_check(tx.aps_request_date or now, after) for tx in under_way]
        if is_open:
            checks.append(self._aps_get_open_check(now))
        elif self.state == 'authorized':
            # A void or a capture of the back office, and the end of the window, come unannounced.
            begin, days = self.last_state_change or now, const.CAPTURE_WINDOW_DAYS + 1
            checks.append(now + timedelta(days=1) if now - begin < timedelta(days=days) else None)
        elif self.state in ('error', 'cancel'):  # A success still counts.
            checks.append(aps_utils.get_next_check(self.create_date, after))
        # The sums may take a while to include an operation, and APS to know how a payment ended.
        checks.append(self._aps_get_follow_up(self.aps_last_notice, NOTICE_TIME, after))
        if self.state not in ('authorized', 'done'):
            checks.append(self._aps_get_follow_up(self.aps_asked_date, ASKED_TIME, after))
        return checks

    def _aps_get_open_check(self, now):
        """ Return when APS is asked next about a payment that is neither made nor given up.

        :param datetime now: The time of the latest check.
        :return: The time; it is in the past if the payment was asked about for long enough.
        :rtype: datetime
        """
        is_draft = self.state == 'draft'
        schedule = (
            self._aps_get_draft_schedule(self.operation) if is_draft else const.CHECK_SCHEDULE
        )
        begin = self._aps_get_begin()
        end = begin + timedelta(hours=self._aps_get_abandon_hours())
        check = aps_utils.get_next_check(begin, now + MERGE_TIME, schedule)
        # Until then, or once more when it is time to give up.
        return min(check, end) if check and end > now else check or end

    @api.model
    def _aps_get_draft_schedule(self, operation):
        """ Return when APS is asked about a payment of which nothing was heard yet.

        :param str operation: The operation of the transaction. That of a shopper may never be gone
                              through with; a charge is sent by Odoo itself.
        :return: The minutes.
        :rtype: tuple[int]
        """
        return const.CHECK_SCHEDULE if operation == 'offline' else const.DRAFT_SCHEDULE

    @staticmethod
    def _aps_get_follow_up(start, duration, after):
        """ Return when APS is asked next because of something that happened.

        :param datetime|bool start: When it happened, if it did.
        :param timedelta duration: For how long it matters.
        :param datetime after: The time that the check must follow.
        :return: The time, if there is one.
        :rtype: datetime | None
        """
        check = aps_utils.get_next_check(start, after) if start else None
        return check if check and check - start <= duration else None

    def _aps_is_check_due(self):
        """ Return whether APS is about to be asked about the payment.

        An operation of the back office may be told before the payment itself, so such a check must
        not be put off because of the latter.
        """
        return bool(self.aps_next_check) and self.aps_next_check <= fields.Datetime.now()

    #=== BUSINESS METHODS - STATUS PAGE ===#

    def _aps_check_for_shopper(self):
        """ Have APS asked at once because the shopper is back without a usable answer.

        The page doesn't ask itself: an APS that hangs would hold the workers of the whole shop. It
        looks at the payment every few seconds, and finds what the check has found out. The check is
        ordered in a database transaction of its own, which neither waits nor stops the page.

        :return: None
        """
        if not self or not self._aps_is_awaited():
            return
        try:
            with self.env.registry.cursor() as cr:
                tx = self.with_env(self.env(cr=cr))
                if tx._aps_lock_if_free() and tx._aps_is_awaited():
                    tx._aps_schedule_check(at_once=True)
        except Exception:  # The page is to be shown all the same; the schedule goes on.
            _logger.warning("The check of %s can't be ordered.", self.reference, exc_info=True)

    def _aps_is_awaited(self):
        """ Return whether APS is to be asked at once for a shopper who looks at the status page.

        :return: Whether it is; not if it has just told something, or was asked a moment ago.
        :rtype: bool
        """
        now = fields.Datetime.now()
        if self.state in ('authorized', 'done') or self.provider_id.state == 'disabled':
            return False
        if self.state != 'draft' and now - (self.last_state_change or now) < TOLD_TIME:
            return False
        return not self.aps_asked_date or (
            aps_utils.get_next_visit(self.create_date, self.aps_asked_date) <= now
        )

    def _aps_lock_if_free(self):
        """ Lock the payment, and return whether nobody else had locked it. """
        self.env.cr.execute(
            "SELECT 1 FROM payment_transaction WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED",
            [self.id],
        )
        return bool(self.env.cr.fetchone())

    #=== BUSINESS METHODS - CRON ===#

    @api.model
    def _cron_aps_check_status(self):
        """ Ask APS about the payments that are due, the most urgent ones first.

        Each account is asked by a worker of its own, so that one that hangs delays no other. An
        account that becomes due during the run need not wait for the next one.

        :return: None
        """
        self.env['payment.provider']._aps_warn_of_copy()
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
        for _attempt in range(CHECK_ATTEMPTS):
            try:
                for queue in (*urgent, others):
                    tx = self._aps_take_from_queue(queue, provider_id, stuck_ids)
                    if tx:
                        return tx
                break
            except errors.SerializationFailure:  # Updated since our first query.
                self.env.cr.rollback()
        return self.browse()

    @api.model
    def _aps_take_from_queue(self, queue, provider_id, stuck_ids):
        """ Return the first payment of a queue that is due, locked; see `_aps_take_due`.

        :param str queue: One of `QUEUES`.
        :rtype: recordset of `payment.transaction`
        """
        self.env.cr.execute(
            f"""
                SELECT id FROM payment_transaction
                 WHERE provider_id = %s AND aps_next_check <= %s AND {queue}
                   AND id != ALL(%s)
                 ORDER BY aps_next_check, id
                 LIMIT 1
                   FOR NO KEY UPDATE SKIP LOCKED
            """,
            [provider_id, fields.Datetime.now(), stuck_ids], log_exceptions=False,
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    @staticmethod
    def _aps_is_hanging(error):
        """ Return whether an error tells that a request would wait in vain, whatever it is about.

        :param Exception|None error: What became of the last request.
        :rtype: bool
        """
        is_timeout = isinstance(getattr(error, '__cause__', None), requests.exceptions.Timeout)
        return isinstance(error, APSUnreachable) or is_timeout

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
                lambda tx: tx.aps_request_state == 'queued' and tx.aps_command != 'LAPSE'
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
            if not isinstance(error, APSOtherAccount):  # Goes on when the account is set again.
                delay = UNANSWERED_DELAY if self._aps_is_hanging(error) else FAILED_DELAY
                self._aps_keep_check(delay, is_refused=isinstance(error, APSRefused))
        elif isinstance(error, OperationalError):
            _logger.info("%s is being updated; it will be checked next time.", self.reference)
            self._aps_keep_check(timedelta(minutes=const.CHECK_SCHEDULE[0]))
        else:
            _logger.error("The check of %s failed.", self.reference, exc_info=error)
            self._aps_keep_check(FAILED_DELAY)

    def _aps_check_and_commit(self):
        """ Ask APS about the payment and commit, again if another process was faster.

        To ask changes nothing at APS, so it may be repeated.

        :return: None
        :raise APSError: If APS gives no usable answer.
        :raise psycopg2.OperationalError: If the conflict lasts.
        """
        for attempt in range(1, CHECK_ATTEMPTS + 1):
            try:
                self._aps_check_status()
                self.env.cr.commit()  # pylint: disable=invalid-commit
                return
            except (errors.SerializationFailure, errors.DeadlockDetected):
                if attempt == CHECK_ATTEMPTS:
                    raise
                self.env.cr.rollback()

    def _aps_keep_check(self, delay, is_refused=False):
        """ Have a payment asked about again although the check failed.

        :param timedelta delay: How much later, if the schedule wants it later still or not at all.
        :param bool is_refused: Whether APS answered, but doesn't tell.
        :return: None
        """
        try:
            self._aps_lock()
            self._aps_note_unchecked(is_refused)
            if is_refused:
                self._aps_get_family().filtered(
                    lambda tx: tx.aps_request_state == 'sent'
                )._aps_fail_if_overdue()
            now = fields.Datetime.now()
            is_recent = now - self.create_date < timedelta(days=const.LONGEST_CHECK_DAYS)
            if is_recent and not (self.aps_next_check and self.aps_next_check <= now + delay):
                self.aps_next_check = now + delay
            self.env.cr.commit()  # pylint: disable=invalid-commit
        except Exception:  # The others of the batch are not to suffer.
            self.env.cr.rollback()
            _logger.exception("The next check of payment %s can't be set.", self.id)

    #=== BUSINESS METHODS - ASKING ===#

    def _aps_check_status(self):
        """ Ask APS about the payment and its operations under way, and apply the answers.

        :return: None
        :raise APSError: If APS gives no usable answer.
        """
        self.ensure_one()
        self.provider_id._aps_ensure_can_ask(self.aps_account)
        query = {'query_command': 'CHECK_STATUS', 'merchant_reference': self.reference}
        if self.provider_reference and self.state in ('authorized', 'done'):
            # Else it may be the number of an attempt that failed, and hide the one that is paid.
            query['fort_id'] = self.provider_reference
        refunds = self._aps_get_refunds().filtered(lambda tx: tx.aps_request_state == 'sent')
        answers = [
            self.provider_id._aps_make_request({**query, 'maintenance_reference': tx.reference})
            for tx in refunds
        ]
        answers.append(self.provider_id._aps_make_request(query))
        if not aps_utils.is_query_answered(answers[-1]):
            raise APSRefused(answers[-1])
        self._aps_lock()
        self._aps_link_invoices()
        for refund_tx, answer in zip(refunds, answers[:-1], strict=True):
            self._aps_check_message(answer)
            refund_tx._aps_settle_refund(answer)
        self._aps_handle(answers[-1])
        self.aps_last_check = fields.Datetime.now()
        if not self._aps_is_check_due():
            self._aps_schedule_check()
        self.env.flush_all()

    def _aps_note_request(self):
        """ Remember the merchant account and command that the payment is about to be made with.

        The settings of the provider may have changed since the transaction was created.

        :return: None
        """
        account, command = self.provider_id._aps_get_account_digest(), self._aps_get_command()
        if (self.aps_account, self.aps_payment_command) != (account, command):
            self.write({'aps_account': account, 'aps_payment_command': command})

    #=== BUSINESS METHODS - APPLYING ===#

    def _aps_apply_status(self, answer):
        """ Apply the answer to a query about the payment.

        It tells the status of the latest operation, and the sums that were authorized, captured and
        refunded in all.

        :param dict answer: The answer, authentic and checked.
        :return: None
        """
        is_not_found = answer['response_code'][2:] == const.NOT_FOUND_MESSAGE_CODE
        if is_not_found or answer['status'] != '12' or not answer.get('transaction_status'):
            if is_not_found:
                self._aps_apply_not_found()
            self._aps_get_captures_under_way()._aps_fail_if_overdue()
            return
        told = self._aps_read_told(answer)
        self._aps_settle_payment(answer, told)
        self._aps_settle_operations(told)
        if told.status == '08':
            self._aps_take_over_void()  # Once no capture is under way any more.
        self._aps_take_over_sums(told)

    @staticmethod
    def _aps_read_told(answer):
        """ Return what an answer tells of the sums.

        :param dict answer: The answer to a query about the payment.
        :return: What it tells.
        :rtype: sums.Told
        """
        status, code = answer['transaction_status'], answer.get('transaction_code') or ''
        is_clear = code[:2] in ('', status) and code[2:] not in const.UNCLEAR_MESSAGE_CODES
        return sums.Told(status, is_clear, *(
            aps_utils.parse_minor_units(answer.get(name))
            for name in ('captured_amount', 'refunded_amount')
        ))

    def _aps_apply_not_found(self):
        """ Cancel a payment that APS has known nothing of for long enough.

        APS doesn't find a payment that the shopper has not gone through with yet. The charge of a
        saved card needs no shopper, so that it is known at once.

        :return: None
        """
        if self.state not in ('draft', 'pending') or not self._aps_is_abandoned():
            return
        if self.operation == 'offline':
            self._set_error(_(
                "Amazon Payment Services has not received this charge. You can try it again."
            ))
            return
        tx = self._aps_with_shopper_lang()
        if self.state == 'pending' and self.state_message:  # APS itself didn't know once.
            message = tx._aps_get_given_up_message(is_unfinished=False)
        else:
            message = tx._aps_get_abandoned_message()
        tx._set_canceled(state_message=message)

    def _aps_is_abandoned(self):
        """ Return whether a payment that APS doesn't know of is too old to still arrive. """
        if self.operation == 'offline':
            age = fields.Datetime.now() - (self.aps_request_date or self.create_date)
            return age >= timedelta(minutes=const.SETTLING_TIME)
        return self._aps_is_overdue()

    def _aps_is_overdue(self):
        """ Return whether APS was asked about a payment for as long as is wanted. """
        age = fields.Datetime.now() - self._aps_get_begin()
        return age >= timedelta(hours=self._aps_get_abandon_hours())

    def _aps_get_begin(self):
        """ Return when the payment began, or became pending.

        A transaction may be created long before its charge is sent, e.g., by a job that charges
        many cards, and an attempt may become uncertain long after another one failed.

        :return: The time.
        :rtype: datetime
        """
        is_charge = self.operation == 'offline'
        begin = (is_charge and self.aps_request_date) or self.create_date
        return max(begin, self.last_state_change or begin) if self.state == 'pending' else begin

    @api.model
    def _aps_get_abandon_hours(self):
        """ Return after how many hours a payment that APS knows nothing of is canceled. """
        hours = self.env['ir.config_parameter'].sudo().get_param(const.ABANDON_HOURS_PARAMETER)
        return aps_utils.read_setting(hours, const.ABANDON_HOURS)

    def _aps_get_abandoned_message(self):
        """ Return the reason of a cancellation by the check, in the language of the context. """
        return _(
            "The payment was not completed. You have not been charged. You can pay again at any "
            "time."
        )

    def _aps_settle_payment(self, answer, told):
        """ Bring the payment itself to the state that APS tells.

        :param dict answer: The answer.
        :param sums.Told told: What it tells of the sums.
        :return: None
        """
        status, code = told.status, answer.get('transaction_code') or ''
        if status == '08':
            self._aps_take_over_void()
            return
        target = self._aps_read_target(answer, told)
        if target == 'pending':
            self._aps_settle_pending(status, code)
        elif target == 'done' and self.state == 'authorized':
            return  # Captures are taken over one by one, below.
        elif target and self._aps_can_become(
            target, is_captured=bool(told.captured) or status in sums.CAPTURED_STATUSES
        ):
            self._aps_update_references({'fort_id': answer.get('fort_id')}, target)
            self._aps_set_state(target, code)
        elif target in ('cancel', 'error'):
            self._aps_update_message(target, code)

    def _aps_read_target(self, answer, told):
        """ Return the state of the payment that an answer to a query tells.

        :param dict answer: The answer.
        :param sums.Told told: What it tells of the sums.
        :return: The state; `None` if it tells none, or the sums are not those of this payment.
        :rtype: str | None
        """
        amount_minor = self._aps_to_minor()
        if told.captured or told.refunded or (
            told.status in sums.PAID_STATUSES and told.is_clear
        ):
            command = self.aps_payment_command or self._aps_get_command()
            is_purchase = command == 'PURCHASE' and self.state != 'authorized'
            target = sums.get_payment_state(
                told, amount_minor, is_purchase, self.provider_id._aps_get_sum_rule()
            )
            if not target:
                _logger.warning(
                    "APS tells of another amount for %s: captured %s, refunded %s",
                    self.reference, told.captured, told.refunded,
                )
            return target
        if told.status in ('05', '09') or (told.status == '02' and told.is_clear):
            authorized = aps_utils.parse_minor_units(answer.get('authorized_amount'))
            return 'authorized' if authorized in (None, 0, amount_minor) else None
        return aps_utils.get_target_state(told.status, answer.get('transaction_code') or '')

    def _aps_settle_pending(self, status, code):
        """ Apply that APS doesn't know yet, or that the shopper has not finished.

        The latter is no news while the shopper is on the payment page. Neither lasts for ever: a
        payment that is pending can't be paid again, e.g., on the portal. A success still counts.

        :param str status: The status of the payment.
        :param str code: Its response code.
        :return: None
        """
        is_unfinished, is_overdue = aps_utils.is_unfinished(status, code), self._aps_is_overdue()
        if self.state in ('draft', 'pending') and is_overdue and status != const.REVIEW_STATUS:
            tx = self._aps_with_shopper_lang()
            self.aps_staff_message = self._aps_describe_code(code)
            tx._aps_give_up_payment(tx._aps_get_given_up_message(is_unfinished))
        elif self.state == 'pending':
            self._aps_update_message('pending', code)
        elif not is_unfinished and self._aps_can_become('pending') and (
            self.state == 'draft' or not is_overdue  # Else it was given up before.
        ):
            self._aps_set_state('pending', code)

    def _aps_give_up_payment(self, state_message):
        """ End a payment that nobody asks about any more.

        :param str state_message: What the shopper must know.
        :return: None
        """
        if self.operation == 'offline':
            self._set_error(state_message)
        else:
            self._set_canceled(state_message=state_message)
