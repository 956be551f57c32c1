import logging
from datetime import timedelta

from odoo import _, api, fields, models

from odoo.addons.payment_aps.aps import sums
from odoo.addons.payment_aps.aps.schedule import ABANDON_HOURS, CHECK_SCHEDULE, SETTLING_TIME
from odoo.addons.payment_aps.aps.values import read_setting
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

        :param Answer answer: The answer, authentic and checked.
        :return: None
        """
        if answer.is_not_found or not answer.told.status:
            if answer.is_not_found:
                self._aps_apply_not_found()
            self._aps_get_captures_under_way()._aps_fail_if_overdue()
            return
        told = answer.sums
        self._aps_settle_payment(answer)
        self._aps_note_bank_numbers(answer)
        self._aps_settle_operations(told)
        if told.is_voided:
            self._aps_take_over_void()  # Once no capture is under way any more.
        self._aps_take_over_sums(told)

    def _aps_settle_payment(self, answer):
        """ Bring the payment itself to the state that APS tells.

        :param Answer answer: The answer.
        :return: None
        """
        told, code = answer.sums, answer.told.response_code
        if told.is_voided:
            self._aps_take_over_void()
            return
        target = self._aps_read_target(answer)
        if target == 'pending':
            self._aps_settle_pending(answer.told)
        elif target == 'done' and self.state == 'authorized':
            return  # Captures are taken over one by one, below.
        elif target and self._aps_can_become(target, is_captured=told.is_captured):
            self._aps_update_references(target, answer.fort_id)
            self._aps_set_state(target, code)
        elif target in ('cancel', 'error'):
            self._aps_update_message(target, code)

    def _aps_read_target(self, answer):
        """ Return the state of the payment that an answer to a query tells.

        :param Answer answer: The answer.
        :return: The state; `None` if it tells none, or the sums are not those of this payment.
        :rtype: str | None
        """
        command = self.aps_payment_command or self._aps_get_command()
        target = answer.get_payment_state(
            self._aps_sum_minor(),
            is_purchase=command == 'PURCHASE' and self.state != 'authorized',
            shrinks=self.provider_id._aps_get_sum_rule(),
        )
        told = answer.sums
        if told.is_paid and not target:
            _logger.warning(
                "APS tells of another amount for %s: captured %s, refunded %s",
                self.reference, told.captured, told.refunded,
            )
            self._aps_note_other_sums(told)
        return target

    def _aps_settle_pending(self, result):
        """ Apply that APS doesn't know yet, or that the shopper has not finished.

        The latter is no news while the shopper is on the payment page. Neither lasts for ever: a
        payment that is pending can't be paid again, e.g., on the portal. A success still counts.

        :param Result result: What APS tells of the payment.
        :return: None
        """
        is_open, is_overdue = result.is_unfinished, self._aps_is_overdue()
        code = result.response_code
        if self.state in ('draft', 'pending') and is_overdue and not result.is_in_review:
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

    def _aps_settle_operations(self, told=None, notice=None):
        """ Settle the capture or void under way by the sums. There is one at most.

        :param sums.Told told: What APS tells; `None` if only a notice came.
        :param Answer notice: The notice that is being applied, if any.
        :return: None
        """
        for tx in self._aps_get_captures_under_way():
            is_void = tx.aps_operation == 'VOID_AUTHORIZATION'
            explain = sums.explain_void if is_void else sums.explain_captures
            explanation = explain(self._aps_get_known(tx, notice), told)
            if explanation.is_executed:
                tx._aps_apply_outcome('done')
            elif explanation.is_executed is False:
                tx._aps_fail_if_not_received(explanation.is_final)
            elif told:  # E.g., because APS hasn't decided, or the back office was used meanwhile.
                tx._aps_fail_if_overdue(is_undecided=told.is_undecided)

    def _aps_settle_refund(self, answer):
        """ Settle a refund under way by the answer to a query about it.

        :param Answer answer: The answer, authentic and checked.
        :return: None
        """
        if answer.is_not_found:
            self._aps_fail_if_not_received()
            return
        others = (self._aps_get_refunds() - self).filtered(lambda tx: tx.state == 'done')
        outcome = answer.get_refund_outcome((others | self)._aps_sum_minor())
        self._aps_apply_outcome(outcome, answer.told.response_code)
        if self.aps_request_state == 'sent':
            self._aps_fail_if_overdue(is_undecided=answer.sums.is_undecided)

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
                tx._aps_note_operation_problem(tx._aps_with_company_lang().aps_staff_message)
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
