import logging
import time
from datetime import timedelta

from psycopg2 import OperationalError, errors

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps import const
from odoo.addons.payment_aps import utils as aps_utils
from odoo.addons.payment_aps.exceptions import (
    APSError,
    APSMessageRefused,
    APSOtherAccount,
    APSOutcomeUnknown,
    APSRefused,
    APSUnreachable,
)

_logger = logging.getLogger(__name__)

# How many payments the cron asks about in one run, and after how many requests in a row without
# answer it leaves an account alone until the next run.
CHECK_BATCH_SIZE = 100
MAX_FAILURES = 3
# How often the cron applies what APS tells of a payment that others are updating, e.g., the
# engine's post-processing of a capture, which updates the customer as well.
CHECK_ATTEMPTS = 5
# How long a run of the cron may take, in seconds, below the limit that Odoo sets.
CHECK_TIME = 60
# How long the status page of a shopper waits for APS, in seconds.
SHOPPER_READ_TIMEOUT = 5
# How long the sums of a payment are asked for after the notice of an operation.
NOTICE_TIME = timedelta(hours=1)
# How long a shopper who looks at the status page must wait for the next request of their payment.
SHOPPER_CHECK_INTERVAL = timedelta(minutes=1)


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
        index='btree_not_null',
    )
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
            'aps_next_check': aps_utils.get_next_check(now, now),
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
            self.aps_next_check = now
            cron = self.env.ref('payment_aps.ir_cron_aps_check_status', raise_if_not_found=False)
            if cron:
                cron.sudo()._trigger()
            return
        under_way = self._aps_get_family().filtered('aps_request_state')
        checks = [aps_utils.get_next_check(tx.aps_request_date or now, now) for tx in under_way]
        if self.state == 'authorized':
            # A void or a capture of the back office, and the end of the window, come unannounced.
            begin, days = self.last_state_change or now, const.CAPTURE_WINDOW_DAYS + 1
            checks.append(now + timedelta(days=1) if now - begin < timedelta(days=days) else None)
        elif self.state in ('draft', 'pending'):
            begin = self._aps_get_begin()
            end = begin + timedelta(hours=self._aps_get_abandon_hours())
            check = aps_utils.get_next_check(begin, now)
            # Until then, or once more when it is time to give up.
            checks.append(min(check, end) if check and end > now else check or end)
        elif self.state in ('error', 'cancel'):  # A success still counts.
            checks.append(aps_utils.get_next_check(self.create_date, now))
        if self.aps_last_notice:  # The sums may take a while to include the operation.
            check = aps_utils.get_next_check(self.aps_last_notice, now)
            checks.append(check if check and check - now < NOTICE_TIME else None)
        next_check = min((check for check in checks if check and check > now), default=False)
        if next_check != self.aps_next_check:
            self.aps_next_check = next_check

    def _aps_is_check_due(self):
        """ Return whether APS is about to be asked about the payment.

        An operation of the back office may be told before the payment itself, so such a check must
        not be put off because of the latter.
        """
        return bool(self.aps_next_check) and self.aps_next_check <= fields.Datetime.now()

    @api.model
    def _cron_aps_check_status(self):
        """ Ask APS about the payments that are due, oldest first.

        Each payment is committed on its own, so one that fails doesn't stop the rest. If APS
        doesn't answer, it is left alone until the next run.

        :return: None
        """
        self.env['payment.aps.charge']._settle_declarations()
        self.env['payment.provider']._aps_warn_of_copy()
        end = time.monotonic() + CHECK_TIME
        batches = self._aps_get_due_batches()
        failures = dict.fromkeys(batches, 0)
        is_incomplete = any(len(batch) == CHECK_BATCH_SIZE for batch in batches.values())
        while batches and time.monotonic() < end:
            for provider_id, tx_ids in list(batches.items()):  # Each account in turn.
                is_answered = self.browse(tx_ids.pop(0))._aps_check_in_batch()
                self.env.invalidate_all()  # Keep the memory flat.
                failures[provider_id] = 0 if is_answered else failures[provider_id] + 1
                if not tx_ids or failures[provider_id] == MAX_FAILURES:
                    del batches[provider_id]
        is_reachable = any(count < MAX_FAILURES for count in failures.values())
        if batches or (is_incomplete and is_reachable):
            self.env.ref('payment_aps.ir_cron_aps_check_status').sudo()._trigger()

    @api.model
    def _aps_get_due_batches(self):
        """ Return the payments that are due, oldest first, as many of each account as fit in a run.

        :return: The ids of the payments by the id of their provider.
        :rtype: dict
        """
        providers = self.env['payment.provider'].search(
            [('code', '=', 'aps'), ('state', '!=', 'disabled')]
        )
        now = fields.Datetime.now()
        batches = {
            provider.id: self.search(
                [('provider_id', '=', provider.id), ('aps_next_check', '<=', now)],
                order='aps_next_check, id',
                limit=CHECK_BATCH_SIZE,
            ).ids
            for provider in providers
        }
        return {provider_id: tx_ids for provider_id, tx_ids in batches.items() if tx_ids}

    def _aps_check_in_batch(self):
        """ Ask APS about one payment of the cron's batch, and commit.

        :return: Whether APS answered.
        :rtype: bool
        """
        try:
            if not self._aps_is_still_due():
                return True
            # Whatever happens below, this payment is not the first one of the next run again.
            self._aps_schedule_check()
            self.env.cr.commit()  # pylint: disable=invalid-commit
            for operation_tx in self._aps_get_family().filtered(
                lambda tx: tx.aps_request_state == 'queued' and tx.aps_command != 'LAPSE'
            ):
                operation_tx._aps_send_operation()  # Interrupted before it was sent.
            self._aps_check_and_commit()
            return True
        except (APSError, APSMessageRefused) as error:
            self.env.cr.rollback()
            _logger.warning("APS doesn't tell about %s: %s", self.reference, error)
            if not isinstance(error, APSOtherAccount):  # Goes on when the account is set again.
                self._aps_keep_check(timedelta(days=1), is_refused=isinstance(error, APSRefused))
            return not isinstance(error, (APSUnreachable, APSOutcomeUnknown))
        except OperationalError:
            self.env.cr.rollback()
            _logger.info("%s is being updated; it will be checked next time.", self.reference)
            self._aps_keep_check(timedelta(minutes=const.CHECK_SCHEDULE[0]))
            return True
        except Exception:
            self.env.cr.rollback()
            _logger.exception("The check of %s failed.", self.reference)
            self._aps_keep_check(timedelta(days=1))
            return True

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

    def _aps_is_still_due(self):
        """ Lock the payment, and return whether no other run of the cron has asked about it.

        A run commits after each payment, so nothing keeps the next run from starting meanwhile.

        :return: Whether it is to be asked about.
        :rtype: bool
        """
        self.env.cr.execute(
            "SELECT 1 FROM payment_transaction WHERE id = %s AND aps_next_check <= %s "
            "FOR NO KEY UPDATE SKIP LOCKED",
            [self.id, fields.Datetime.now()],
        )
        return bool(self.env.cr.fetchone())

    #=== BUSINESS METHODS - ASKING ===#

    def _aps_check_status(self, read_timeout=None):
        """ Ask APS about the payment and its operations under way, and apply the answers.

        :param int|None read_timeout: See `_aps_make_request`.
        :return: None
        :raise APSError: If APS gives no usable answer.
        """
        self.ensure_one()
        self.provider_id._aps_ensure_can_ask(self.aps_account)
        query = {
            'query_command': 'CHECK_STATUS',
            'merchant_reference': self.reference,
            **({'fort_id': self.provider_reference} if self.provider_reference else {}),
        }
        refunds = self._aps_get_refunds().filtered(lambda tx: tx.aps_request_state == 'sent')
        answers = [
            self.provider_id._aps_make_request(
                {**query, 'maintenance_reference': tx.reference}, read_timeout
            )
            for tx in refunds
        ]
        answers.append(self.provider_id._aps_make_request(query, read_timeout))
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

    def _aps_check_for_shopper(self):
        """ Ask APS about the payment because the shopper came back without a usable answer.

        :return: None
        """
        now = fields.Datetime.now()
        # A pending payment has just been told about, as a rule; of a draft, nothing is known.
        last_time = self.aps_last_check or (self.state == 'pending' and self.last_state_change)
        is_recent = last_time and now - last_time < SHOPPER_CHECK_INTERVAL
        if self.state not in ('draft', 'pending') or is_recent:
            return
        # Recorded before asking, so that impatient shoppers don't pile up requests while APS hangs.
        self.aps_last_check = now
        self.env.cr.commit()  # pylint: disable=invalid-commit
        try:
            self._aps_check_status(read_timeout=SHOPPER_READ_TIMEOUT)
        except OperationalError:
            raise  # A conflict in the database; Odoo runs the request again.
        except (APSError, APSMessageRefused) as error:
            _logger.warning("APS doesn't tell about %s: %s", self.reference, error)
        except Exception:  # The status page has to be shown all the same.
            self.env.cr.rollback()
            _logger.exception("The check of %s failed.", self.reference)

    #=== BUSINESS METHODS - APPLYING ===#

    def _aps_apply_status(self, answer):
        """ Apply the answer to a query about the payment.

        It tells the status of the latest operation, and the sums that were authorized, captured and
        refunded in all. Whether the captured sum shrinks with a refund is not documented.

        :param dict answer: The answer, authentic and checked.
        :return: None
        """
        is_not_found = answer['response_code'][2:] == const.NOT_FOUND_MESSAGE_CODE
        if is_not_found or answer['status'] != '12' or not answer.get('transaction_status'):
            if is_not_found:
                self._aps_apply_not_found()
            self._aps_get_captures_under_way()._aps_fail_if_overdue()
            return
        captured, refunded = (
            aps_utils.parse_minor_units(answer.get(name)) or 0
            for name in ('captured_amount', 'refunded_amount')
        )
        self._aps_settle_payment(answer, captured, refunded)
        self._aps_settle_operations(
            answer['transaction_status'], captured, refunded,
            is_told=aps_utils.parse_minor_units(answer.get('captured_amount')) is not None,
        )
        if answer['transaction_status'] == '08':
            self._aps_take_over_void()  # Once no capture is under way any more.
        self._aps_take_over_captures(captured, refunded)
        self._aps_take_over_refunds(refunded)

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
        tx._set_canceled(state_message=tx._aps_get_abandoned_message())

    def _aps_is_abandoned(self):
        """ Return whether a payment that APS doesn't know of is too old to still arrive. """
        age = fields.Datetime.now() - self._aps_get_begin()
        if self.operation == 'offline':
            return age >= timedelta(minutes=const.SETTLING_TIME)
        return age >= timedelta(hours=self._aps_get_abandon_hours())

    def _aps_get_begin(self):
        """ Return when the payment began.

        A transaction may be created long before its charge is sent, e.g., by a job that charges
        many cards.

        :return: The time.
        :rtype: datetime
        """
        is_charge = self.operation == 'offline'
        return (is_charge and self.aps_request_date) or self.create_date

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

    def _aps_settle_payment(self, answer, captured, refunded):
        """ Bring the payment itself to the state that APS tells.

        :param dict answer: The answer.
        :param int captured: The captured sum, in minor units; 0 if not told.
        :param int refunded: The refunded sum, in minor units; 0 if not told.
        :return: None
        """
        status, code = answer['transaction_status'], answer.get('transaction_code') or ''
        values = {'fort_id': answer.get('fort_id'), 'response_code': code, 'status': status}
        if status == '08':
            self._aps_take_over_void()
            return
        if status == '14' or captured + refunded > 0:
            target = self._aps_read_sums(captured, refunded)
            if status == '14' and target != 'done':
                target = None  # A purchase is taken in full or not at all.
        elif status in ('02', '05', '09'):
            authorized = aps_utils.parse_minor_units(answer.get('authorized_amount'))
            target = 'authorized' if authorized in (None, 0, self._aps_to_minor()) else None
        else:
            target = aps_utils.get_target_state(status, code)
        if target == 'done' and self.state == 'authorized':
            return  # Captures are taken over one by one, below.
        if target and self._aps_can_become(target, is_captured=captured > 0):
            self._aps_update_references(values, target)
            self._aps_set_state(target, code)

    def _aps_read_sums(self, captured, refunded):
        """ Return the state of a payment of which an amount was captured.

        :param int captured: The captured sum, in minor units; 0 if not told.
        :param int refunded: The refunded sum, in minor units; 0 if not told.
        :return: `done` if all was captured, in either reading of the captured sum; `authorized` if
                 a part was; `None` if the sums are not those of this payment.
        :rtype: str | None
        """
        amount_minor = self._aps_to_minor()
        is_purchase = (self.aps_payment_command or self._aps_get_command()) == 'PURCHASE'
        if amount_minor == captured or captured == refunded == 0:
            return 'done'
        # Whether a refund shrinks the captured sum is not known. Captures in part are not possible
        # if the amount was to be taken at once.
        if amount_minor == captured + refunded and (is_purchase or not captured):
            return 'done'
        if not captured and is_purchase:  # The captured sum is not told.
            return 'done'
        if 0 < captured < amount_minor:
            return 'authorized'
        _logger.warning(
            "APS tells of another amount for %s: captured %s, refunded %s",
            self.reference, captured, refunded,
        )
        return None

    def _aps_settle_operations(self, status, captured, refunded, is_told):
        """ Settle the operation under way by the sums.

        There is one at most. If the sums include it, it was executed; if they agree with all others
        but not with it, it was not, unless it may still be on its way.

        :param str status: The status of the latest operation.
        :param int captured: The captured sum, in minor units; 0 if not told.
        :param int refunded: The refunded sum, in minor units; 0 if not told.
        :return: None
        """
        for tx in self._aps_get_captures_under_way():
            executed = missing = False
            if tx.aps_command == 'VOID_AUTHORIZATION':
                executed, missing = status == '08', status == '02'
            elif is_told:  # A sum that is missing is not zero.
                known = (self._aps_get_captured() - tx)._aps_to_minor()
                with_it, without_it = known + tx._aps_to_minor(), known
                executed = captured in (with_it, with_it - refunded)
                missing = captured in (without_it, without_it - refunded)
            if executed and not missing:
                tx._aps_apply_outcome('done')
            elif missing and not executed:
                tx._aps_give_up()
            else:  # E.g., because the back office was used meanwhile.
                tx._aps_fail_if_overdue()

    def _aps_get_captures_under_way(self):
        """ Return the captures and voids that wait for their outcome.

        Refunds are asked about by their own reference.
        """
        return self._aps_get_family().filtered(
            lambda tx: tx.aps_request_state == 'sent' and tx.aps_command != 'REFUND'
        )

    @api.model
    def _aps_get_unknown_outcome_message(self):
        """ Return what to do about an operation whose outcome APS doesn't tell. """
        return _(
            "It can't be told whether this operation was executed. Compare the payment with the "
            "APS dashboard."
        )

    def _aps_settle_refund(self, answer):
        """ Settle a refund under way by the answer to a query about it.

        :param dict answer: The answer, authentic and checked.
        :return: None
        """
        status, code = answer.get('transaction_status') or '', answer.get('transaction_code') or ''
        if answer['response_code'][2:] == const.NOT_FOUND_MESSAGE_CODE:
            self._aps_give_up()
            return
        is_told = answer['status'] == '12' and status in const.OPERATION_STATUSES['REFUND']
        if is_told and not (status == '06' and self._aps_contradicts_refund(answer)):
            self._aps_apply_outcome(
                aps_utils.get_operation_outcome('REFUND', status, code), code
            )
        if self.aps_request_state == 'sent':
            self._aps_fail_if_overdue()

    def _aps_contradicts_refund(self, answer):
        """ Return whether the refunded sum is too small to include this refund. """
        refunded = aps_utils.parse_minor_units(answer.get('refunded_amount'))
        others = (self._aps_get_refunds() - self).filtered(lambda tx: tx.state == 'done')
        return refunded is not None and refunded < (others | self)._aps_to_minor()

    def _aps_fail_if_overdue(self):
        """ Record operations as failed that were asked about for as long as the schedule wants.

        Else no other operation of the payment would ever be possible. If one was executed after
        all, the sums that APS tells show it, and it is taken over.

        :return: None
        """
        for tx in self:
            age = fields.Datetime.now() - (tx.aps_request_date or tx.create_date)
            if age >= timedelta(minutes=const.CHECK_SCHEDULE[-1]):
                tx._aps_fail_operation(tx._aps_get_unknown_outcome_message())

    def _aps_give_up(self):
        """ Record that APS has not executed an operation, once it can't be on its way any more.

        :return: None
        """
        sent = self.aps_request_date or self.create_date
        if fields.Datetime.now() - sent < timedelta(minutes=const.SETTLING_TIME):
            return
        self._aps_fail_operation(_(
            "Amazon Payment Services has not received this operation. You can try it again."
        ))

    #=== BUSINESS METHODS - OPERATIONS OF THE BACK OFFICE ===#

    def _aps_take_over_void(self):
        """ Take over that the authorization was voided.

        :return: None
        """
        if self.state in ('draft', 'pending', 'authorized', 'error') and not (
            self._aps_get_captured() or self.aps_request_state
        ):
            tx = self._aps_with_shopper_lang()
            tx.aps_command = 'VOID_AUTHORIZATION'
            if not tx._aps_is_check_due():
                tx.aps_next_check = False
            tx._set_canceled(
                state_message=tx._aps_get_void_message(), extra_allowed_states=('error',)
            )
            return
        for void_tx in self._aps_get_family().filtered(
            lambda tx: tx.aps_command == 'VOID_AUTHORIZATION' and tx.aps_request_state == 'sent'
        ):
            void_tx._aps_apply_outcome('done')

    def _aps_take_over_captures(self, captured, refunded):
        """ Take over what was captured in the back office.

        :param int captured: The captured sum, in minor units; 0 if not told.
        :param int refunded: The refunded sum, in minor units; 0 if not told.
        :return: None
        """
        if self._aps_get_family().filtered('aps_request_state'):
            return
        closed = self._aps_get_closed()
        if self.state != 'authorized' and not (self.state == 'done' and closed):
            return
        missing = captured - self._aps_get_captured()._aps_to_minor()
        capturable = self._aps_get_capturable_amount() + closed._aps_to_minor()
        if missing <= 0 or missing > capturable:
            return
        if refunded and captured + refunded <= self._aps_to_minor():
            _logger.warning(
                "APS reports captures and refunds of %s that can't be told apart: %s and %s",
                self.reference, captured, refunded,
            )
            self.aps_staff_message = self._aps_get_unknown_outcome_message()
            return
        if missing == self._aps_to_minor():
            self._set_done()
            self._aps_trigger_post_processing()
            return
        capture_tx = self._create_child_transaction(
            aps_utils.to_major_units(missing, self.currency_id.name), aps_command='CAPTURE'
        )
        capture_tx._aps_apply_outcome('done')

    def _aps_take_over_refunds(self, refunded):
        """ Take over what was refunded in the back office.

        :param int refunded: The refunded sum, in minor units; 0 if not told.
        :return: None
        """
        refunds = self._aps_get_refunds()
        if refunds.filtered('aps_request_state'):
            return
        missing = refunded - refunds.filtered(lambda tx: tx.state == 'done')._aps_to_minor()
        for captured_tx in self._aps_get_captured():
            amount_minor = min(missing, captured_tx._aps_get_refundable_amount())
            if amount_minor <= 0:
                continue
            refund_tx = captured_tx._create_child_transaction(
                aps_utils.to_major_units(amount_minor, self.currency_id.name),
                is_refund=True, aps_command='REFUND',
            )
            refund_tx._aps_apply_outcome('done')
            missing -= amount_minor
