from markupsafe import Markup

from odoo import fields, models

from odoo.addons.payment_aps.aps.errors import (
    APSNotConfigured,
    APSNotConfirmed,
    APSOtherAccount,
    APSRefused,
    APSUnreachable,
)
from odoo.addons.payment_aps.aps.message import Result
from odoo.addons.payment_aps.models import response_codes
from odoo.addons.payment_aps.models.reasons import (
    REASONS,
    TEXT,
    make_code_reason,
    make_reason,
)


class PaymentTransaction(models.Model):
    """ What shoppers and staff read about the answers of APS. """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - SHOPPER ===#

    def _aps_get_failure_message(self, response_code):
        """ Return what a failure means for the shopper's money, and what to do.

        :param str response_code: The response code of the answer.
        :return: The message, in the language of the context.
        :rtype: str
        """
        code = response_codes.find_message_code(response_code)
        return str(response_codes.MESSAGE_FAMILIES[code.family].failure)

    def _aps_get_pending_message(self, response_code):
        """ Return what the shopper of a pending payment must know about their money.

        :param str response_code: The response code of the answer.
        :return: The message, in the language of the context; `None` if it is up to the shopper to
                 go on.
        :rtype: str | None
        """
        result = Result.of_code(response_code)
        if result.is_in_review:
            return str(response_codes.PAYMENT_IN_REVIEW)
        if result.is_unfinished:
            return None
        return str(response_codes.UNCLEAR_PAYMENT)

    def _aps_update_message(self, target_state, response_code):
        """ Update what shopper and staff read, after an answer that doesn't change the state.

        The outcome of a pending payment may have become unclear, and that of a second attempt may
        have become known.

        :param str target_state: The state that the answer stands for.
        :param str response_code: The response code of the answer.
        :return: None
        """
        tx = self._aps_with_shopper_lang()
        message = None
        if self.state == target_state == 'pending':
            message = tx._aps_get_pending_message(response_code)
        elif {self.state, target_state} <= {'cancel', 'error'} and (
            self.state_message == tx._aps_get_next_attempt_message()
        ):
            message = tx._aps_get_failure_message(response_code)
        if message and message != self.state_message:
            tx.state_message = message
            self._aps_note_reason(target_state, response_code)

    def _aps_note_next_attempt(self):
        """ Note that the shopper goes on paying after an attempt that failed.

        That they were not charged is true of the former attempt only, so it isn't said any more.
        APS is asked as soon, and as often, as about an operation that it told of.

        :return: None
        """
        tx = self._aps_with_shopper_lang()
        message = tx._aps_get_next_attempt_message()
        if message != self.state_message:
            tx.state_message = message
        self.aps_last_notice = fields.Datetime.now()
        if not self._aps_is_check_due():
            self._aps_schedule_check()

    def _aps_get_next_attempt_message(self):
        """ Return what the shopper must know who goes on paying, in the context's language. """
        return str(response_codes.UNFINISHED_ATTEMPT)

    def _aps_get_given_up_message(self, is_unfinished):
        """ Return what the shopper must know of a payment that nobody asks about any more.

        :param bool is_unfinished: Whether APS says that the shopper has not finished it.
        :return: The message, in the language of the context.
        :rtype: str
        """
        if is_unfinished:
            return str(response_codes.UNFINISHED_PAYMENT)
        return str(response_codes.UNKNOWN_PAYMENT)

    #=== BUSINESS METHODS - STAFF ===#

    def _aps_describe_code(self, response_code):
        """ Return what an answer of APS means and what to do about it, for the staff.

        :param str response_code: The response code.
        :return: The meaning, the code and the advice, in the language of the company.
        :rtype: str
        """
        return "APS: " + self._aps_with_company_lang()._aps_describe_reason(
            make_code_reason(response_code)
        )

    def _aps_describe_error(self, error):
        """ Return why a request to APS had no result, and what to do, for the staff.

        :param APSError error: What went wrong.
        :return: The reason, in the language of the context.
        :rtype: str
        """
        text = self._aps_describe_reason(self._aps_get_error_reason(error))
        return f'APS: {text}' if isinstance(error, APSRefused) else text

    def _aps_get_error_reason(self, error):
        """ Return why a request to APS had no result.

        :param APSError error: What went wrong.
        :return: The reason.
        :rtype: Reason
        """
        if isinstance(error, APSRefused):
            return make_code_reason(error.code)
        if isinstance(error, APSNotConfirmed):
            return make_reason(TEXT, text=str(error))
        if isinstance(error, APSNotConfigured):
            return make_reason('disabled')
        if isinstance(error, APSOtherAccount):
            return make_reason('other_account')
        if isinstance(error, APSUnreachable):
            return make_reason('unreachable')
        return make_reason('no_answer', error=str(error))

    def _aps_with_company_lang(self):
        """ Return the transaction in the language of its company.

        What is stored for the staff must not be in the language of whoever happened to cause it.
        """
        installed = dict(self.env['res.lang'].get_installed())
        lang = self.company_id.partner_id.lang
        return self.with_context(lang=lang if lang in installed else 'en_US')

    def _aps_note_reason(self, target_state, response_code):
        """ Keep for the staff why a payment failed or waits, until it is settled.

        :param str target_state: The state that the transaction is about to have.
        :param str response_code: The response code of the answer.
        :return: None
        """
        is_waiting = target_state == 'pending' and self._aps_get_pending_message(response_code)
        if target_state in ('cancel', 'error') or is_waiting:
            self._aps_set_reason(make_code_reason(response_code))
        elif self.aps_reason:
            self._aps_set_reason(None)

    def _get_received_message(self):
        """ Override of `payment` to tell the staff the reason of APS and what to do. """
        message = super()._get_received_message()
        if not message or self.provider_code != 'aps' or not self.aps_reason:
            return message
        text = self._aps_with_company_lang().aps_staff_message
        if text == self.state_message:
            return message
        prefix = "" if self.aps_reason in REASONS else "APS: "
        return message + Markup("<br/>") + prefix + text
