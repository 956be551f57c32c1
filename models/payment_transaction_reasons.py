from odoo import api, models
from odoo.tools import ormcache

from odoo.addons.payment_aps.aps.masking import shorten
from odoo.addons.payment_aps.models import response_codes
from odoo.addons.payment_aps.models.reasons import (
    OPEN_TEXT,
    REASONS,
    TEXT,
    Reason,
    make_reason,
)


class PaymentTransaction(models.Model):
    """ Why a payment or its latest operation failed or waits, in the language of who reads it. """

    _inherit = 'payment.transaction'

    #=== COMPUTE METHODS ===#

    @api.model
    @ormcache('self.env.lang')
    def _get_aps_reasons(self):
        """ Return the reasons that may be stored, with their short texts.

        Odoo asks for all of them whenever a transaction is created, of whichever provider.

        :return: The codes and texts, in the language of the context.
        :rtype: list[tuple[str, str]]
        """
        # No comprehension: a text is translated by the `self` of the function that asks for it.
        selection = []
        for number, code in response_codes.CODES.items():
            selection.append((number, str(code.meaning)))
        for name, reason in REASONS.items():
            selection.append((name, str(reason.title)))
        return selection

    @api.depends('aps_reason', 'aps_reason_values')
    @api.depends_context('lang')
    def _compute_aps_staff_message(self):
        for tx in self:
            reason = tx._aps_get_reason()
            tx.aps_staff_message = reason and tx._aps_describe_reason(reason)

    def _inverse_aps_staff_message(self):
        for tx in self:
            text = tx.aps_staff_message
            tx._aps_set_reason(make_reason(TEXT, text=text) if text else None)

    #=== BUSINESS METHODS ===#

    def _aps_get_reason(self):
        """ Return why the payment or its latest operation failed or waits.

        :return: The reason; `None` if there is none.
        :rtype: Reason | None
        """
        return Reason(self.aps_reason, self.aps_reason_values or {}) if self.aps_reason else None

    def _aps_set_reason(self, reason):
        """ Keep why the payment or its latest operation failed or waits, for the staff.

        :param Reason|None reason: The reason; `None` if there is none any more.
        :return: None
        """
        self.write(self._aps_prepare_reason(reason))

    @api.model
    def _aps_prepare_reason(self, reason):
        """ Return the values that store a reason.

        :param Reason|None reason: The reason; `None` if there is none any more.
        :return: The values of the transaction.
        :rtype: dict
        """
        return {
            'aps_reason': reason and reason.code,
            'aps_reason_values': (reason and reason.values) or False,
        }

    def _aps_describe_reason(self, reason):
        """ Return what happened and what to do about it.

        :param Reason reason: The reason.
        :return: The text, in the language of the context.
        :rtype: str
        """
        if reason.code in (TEXT, OPEN_TEXT):
            return reason.values['text']
        if reason.code in REASONS:
            text = str(REASONS[reason.code].text)
            return text % reason.values if reason.values else text
        return self._aps_describe_message_code(
            response_codes.CODES[reason.code], reason.values['code']
        )

    def _aps_describe_message_code(self, code, response_code):
        """ Return what an answer of APS means and what to do about it.

        :param MessageCode code: What is known of the response code.
        :param str response_code: The response code, as APS gave it.
        :return: The meaning, the code and the advice, in the language of the context.
        :rtype: str
        """
        advice = str(response_codes.MESSAGE_FAMILIES[code.family].advice)
        return f'{code.meaning} ({shorten(response_code)}). {advice}'
