import logging
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps.aps.errors import (
    APSError,
    APSMessageRefused,
    APSRefused,
)
from odoo.addons.payment_aps.aps.message import Answer
from odoo.addons.payment_aps.aps.schedule import (
    ASKED_TIME,
    CHECK_SCHEDULE,
    DRAFT_SCHEDULE,
    MERGE_TIME,
    NOTICE_TIME,
    get_follow_up,
    get_next_check,
    get_next_visit,
    get_open_check,
    get_window_check,
)

_logger = logging.getLogger(__name__)

# For how long the status page leaves a payment alone of which APS has just told.
TOLD_TIME = timedelta(minutes=1)


class PaymentTransaction(models.Model):
    """ When and how APS is asked: the schedule, the button, and the shopper who waits. """

    _inherit = 'payment.transaction'

    #=== ACTION METHODS ===#

    def action_aps_check_status(self):
        """ Ask APS about the payment now.

        :return: None
        :raise UserError: If APS can't be asked.
        """
        self.ensure_one()  # The lock on another one could roll back what was found out of this.
        payment_utils.check_rights_on_recordset(self)
        payment_sudo = self.sudo()._aps_get_payment()
        try:
            payment_sudo._aps_check_status()
        except APSError as error:
            raise UserError(self._aps_describe_error(error)) from error
        except APSMessageRefused as error:
            raise UserError(_(
                "The answer of Amazon Payment Services doesn't fit this payment (%(error)s). "
                "Nothing was changed; compare the payment with the APS dashboard.",
                error=error.aps_reason,
            )) from error
        payment_sudo._aps_send_notice(*payment_sudo._aps_get_check_notice())

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
        if not Answer(answers[-1]).is_answered:
            raise APSRefused(answers[-1])
        self._aps_lock()
        self._aps_link_invoices()
        for refund_tx, answer in zip(refunds, answers[:-1], strict=True):
            self._aps_check_message(answer)
            refund_tx._aps_settle_refund(Answer(answer))
        self._aps_handle(answers[-1])
        self.aps_last_check = fields.Datetime.now()
        if not self._aps_is_check_due():
            self._aps_schedule_check()
        self.env.flush_all()

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
        checks = [get_next_check(tx.aps_request_date or now, after) for tx in under_way]
        if is_open:
            checks.append(self._aps_get_open_check(now))
        elif self.state == 'authorized':
            checks.append(get_window_check(self.last_state_change or now, now))
        elif self.state in ('error', 'cancel'):  # A success still counts.
            checks.append(get_next_check(self.create_date, after))
        # The sums may take a while to include an operation, and APS to know how a payment ended.
        checks.append(get_follow_up(self.aps_last_notice, NOTICE_TIME, after))
        if self.state not in ('authorized', 'done'):
            checks.append(get_follow_up(self.aps_asked_date, ASKED_TIME, after))
        return checks

    def _aps_get_open_check(self, now):
        """ Return when APS is asked next about a payment that is neither made nor given up.

        :param datetime now: The time of the latest check.
        :return: The time; it is in the past if the payment was asked about for long enough.
        :rtype: datetime
        """
        is_draft = self.state == 'draft'
        begin = self._aps_get_begin()
        end = begin + timedelta(hours=self._aps_get_abandon_hours())
        schedule = self._aps_get_draft_schedule(self.operation) if is_draft else CHECK_SCHEDULE
        return get_open_check(begin, end, now, schedule)

    @api.model
    def _aps_get_draft_schedule(self, operation):
        """ Return when APS is asked about a payment of which nothing was heard yet.

        :param str operation: The operation of the transaction. That of a shopper may never be gone
                              through with; a charge is sent by Odoo itself.
        :return: The minutes.
        :rtype: tuple[int]
        """
        return CHECK_SCHEDULE if operation == 'offline' else DRAFT_SCHEDULE

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
                tx = self.with_env(self.env(cr=cr))._aps_lock_first(SQL("id = %s", self.id))
                if tx and tx._aps_is_awaited():
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
            get_next_visit(self.create_date, self.aps_asked_date) <= now
        )
