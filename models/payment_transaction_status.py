import logging
from datetime import timedelta

from odoo import _, api, fields, models

from odoo.addons.payment_aps.aps import const, sums
from odoo.addons.payment_aps.aps.message import (
    get_operation_outcome,
    get_target_state,
    is_unfinished,
)
from odoo.addons.payment_aps.aps.schedule import ABANDON_HOURS, CHECK_SCHEDULE, SETTLING_TIME
from odoo.addons.payment_aps.aps.values import parse_minor_units, read_setting
from odoo.addons.payment_aps.models.reasons import make_code_reason, make_reason

_logger = logging.getLogger(__name__)

# The system parameter that holds the hours after which a payment that APS knows nothing of is
# canceled.
ABANDON_HOURS_PARAMETER = 'payment_aps.abandon_hours'


class PaymentTransaction(models.Model):
    """ What an answer to the question about its status changes of a payment and its operations.

    See https://paymentservices.amazon.com/docs/api/managing-payments/check-status.

    """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - PAYMENT ===#

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
        self._aps_note_bank_numbers(answer)
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
            parse_minor_units(answer.get(name))
            for name in ('captured_amount', 'refunded_amount')
        ))

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
        amount_minor = self._aps_sum_minor()
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
            authorized = parse_minor_units(answer.get('authorized_amount'))
            return 'authorized' if authorized in (None, 0, amount_minor) else None
        return get_target_state(told.status, answer.get('transaction_code') or '')

    def _aps_settle_pending(self, status, code):
        """ Apply that APS doesn't know yet, or that the shopper has not finished.

        The latter is no news while the shopper is on the payment page. Neither lasts for ever: a
        payment that is pending can't be paid again, e.g., on the portal. A success still counts.

        :param str status: The status of the payment.
        :param str code: Its response code.
        :return: None
        """
        is_open, is_overdue = is_unfinished(status, code), self._aps_is_overdue()
        if self.state in ('draft', 'pending') and is_overdue and status != const.REVIEW_STATUS:
            tx = self._aps_with_shopper_lang()
            self._aps_set_reason(make_code_reason(code))
            tx._aps_give_up_payment(tx._aps_get_given_up_message(is_open))
        elif self.state == 'pending':
            self._aps_update_message('pending', code)
        elif not is_open and self._aps_can_become('pending') and (
            self.state == 'draft' or not is_overdue  # Else it was given up before.
        ):
            self._aps_set_state('pending', code)

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
            return age >= timedelta(minutes=SETTLING_TIME)
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
        hours = self.env['ir.config_parameter'].sudo().get_param(ABANDON_HOURS_PARAMETER)
        return read_setting(hours, ABANDON_HOURS)

    def _aps_get_abandoned_message(self):
        """ Return the reason of a cancellation by the check, in the language of the context. """
        return _(
            "The payment was not completed. You have not been charged. You can pay again at any "
            "time."
        )

    def _aps_give_up_payment(self, state_message):
        """ End a payment that nobody asks about any more.

        :param str state_message: What the shopper must know.
        :return: None
        """
        if self.operation == 'offline':
            self._set_error(state_message)
        else:
            self._set_canceled(state_message=state_message)

    #=== BUSINESS METHODS - OPERATIONS UNDER WAY ===#

    def _aps_settle_operations(self, told=None, message=None):
        """ Settle the capture or void under way by the sums. There is one at most.

        :param sums.Told told: What APS tells; `None` if only a notice came.
        :param dict message: The notice that is being applied, if any.
        :return: None
        """
        for tx in self._aps_get_captures_under_way():
            is_void = tx.aps_operation == 'VOID_AUTHORIZATION'
            explain = sums.explain_void if is_void else sums.explain_captures
            explanation = explain(self._aps_get_known(tx, message), told)
            if explanation.is_executed:
                tx._aps_apply_outcome('done')
            elif explanation.is_executed is False:
                tx._aps_fail_if_not_received(explanation.is_final)
            elif told:  # E.g., because APS hasn't decided, or the back office was used meanwhile.
                tx._aps_fail_if_overdue(is_undecided=told.status in sums.UNDECIDED_STATUSES)

    def _aps_settle_refund(self, answer):
        """ Settle a refund under way by the answer to a query about it.

        :param dict answer: The answer, authentic and checked.
        :return: None
        """
        status, code = answer.get('transaction_status') or '', answer.get('transaction_code') or ''
        if answer['response_code'][2:] == const.NOT_FOUND_MESSAGE_CODE:
            self._aps_fail_if_not_received()
            return
        is_told = answer['status'] == '12' and status in const.OPERATION_STATUSES['REFUND']
        if is_told and not (status == '06' and self._aps_contradicts_refund(answer)):
            self._aps_apply_outcome(
                get_operation_outcome('REFUND', status, code), code
            )
        if self.aps_request_state == 'sent':
            self._aps_fail_if_overdue(
                is_undecided=answer['status'] == '12' and status in sums.UNDECIDED_STATUSES
            )

    def _aps_contradicts_refund(self, answer):
        """ Return whether the refunded sum is too small to include this refund. """
        refunded = parse_minor_units(answer.get('refunded_amount'))
        others = (self._aps_get_refunds() - self).filtered(lambda tx: tx.state == 'done')
        return refunded is not None and refunded < (others | self)._aps_sum_minor()

    def _aps_fail_if_overdue(self, is_undecided=False):
        """ Record operations as failed that were asked about for as long as the schedule wants.

        Else no other operation of the payment would ever be possible. If one was executed after
        all, the sums that APS tells show it, and it is taken over. One that APS still decides about
        is left alone: whoever compares it with the dashboard can close it.

        :param bool is_undecided: Whether APS says that it still decides.
        :return: None
        """
        for tx in self:
            end = tx._aps_get_sending_date() + timedelta(minutes=CHECK_SCHEDULE[-1])
            if end > fields.Datetime.now():
                tx._aps_note_waiting(end)
            elif is_undecided:
                tx._aps_note_open_reason(make_reason('undecided'))
            else:
                tx._aps_fail_operation(make_reason('unknown_outcome'))

    def _aps_fail_if_not_received(self, is_final=False):
        """ Record that APS has not executed an operation, once it can't be on its way any more.

        :param bool is_final: Whether APS can't execute it any more, however late it arrives.
        :return: None
        """
        end = self._aps_get_sending_date() + timedelta(minutes=SETTLING_TIME)
        if end > fields.Datetime.now() and not is_final:
            self._aps_note_waiting(end)
            return
        self._aps_fail_operation(make_reason('not_received'))

    def _aps_get_sending_date(self):
        """ Return when an operation was sent. """
        return self.aps_request_date or self.create_date
