""" Why a payment or an operation failed or waits: a code that each reader reads in their language.

The code is that of an answer of APS, see `response_codes`, or one of `REASONS`. The texts are
translated where they are shown, as those of `response_codes` are.
"""

from collections import namedtuple

from odoo import _lt

from odoo.addons.payment_aps.models import response_codes

# What is stored: `code` is the key, `values` are those of the text, as JSON.
Reason = namedtuple('Reason', 'code values')
# `title` is short, for lists and graphs; `text` says what happened and what to do.
ReasonText = namedtuple('ReasonText', 'title text')

# A text that has no code of its own, e.g., one that an earlier version stored; and such a text
# about something open.
TEXT, OPEN_TEXT = 'text', 'open_text'
# What is about something that APS has not told for certain yet, and ends when it does.
OPEN_REASONS = ('waiting', 'undecided', 'untold', 'two_readings', 'rounding', OPEN_TEXT)

REASONS = {
    'disabled': ReasonText(
        _lt("Provider disabled"),
        _lt("The payment provider is disabled. Nothing was sent; enable it and try again."),
    ),
    'other_account': ReasonText(
        _lt("Another merchant account"),
        _lt(
            "This payment was made with another merchant account or environment than the "
            "payment provider has now. Nothing was sent. Use the APS dashboard, or set the "
            "former account again."
        ),
    ),
    'unreachable': ReasonText(
        _lt("APS not reached"),
        _lt("Amazon Payment Services can't be reached. Nothing was sent; try again later."),
    ),
    'no_answer': ReasonText(
        _lt("No usable answer"),
        _lt(
            "Amazon Payment Services gave no usable answer (%(error)s). Nothing was changed; "
            "try again later."
        ),
    ),
    'waiting': ReasonText(
        _lt("Operation without outcome yet"),
        _lt(
            "Amazon Payment Services has not told yet what became of this operation. Do not repeat "
            "it: Odoo keeps asking until %(time)s (UTC)."
        ),
    ),
    'undecided': ReasonText(
        _lt("Operation not decided by APS"),
        _lt(
            "Amazon Payment Services has not decided about this operation yet. Do not repeat it. "
            "Compare the payment with the APS dashboard; if the operation was not executed, close "
            "it."
        ),
    ),
    'unknown_outcome': ReasonText(
        _lt("Operation of unknown outcome"),
        _lt(
            "It can't be told whether this operation was executed. Compare the payment with the "
            "APS dashboard."
        ),
    ),
    'not_received': ReasonText(
        _lt("Operation not received by APS"),
        _lt("Amazon Payment Services has not received this operation. You can try it again."),
    ),
    'untold': ReasonText(
        _lt("Unknown capture or refund"),
        _lt(
            "Amazon Payment Services has told of a capture or refund that was not made in "
            "Odoo, but doesn't answer questions about it. Compare the payment with the APS "
            "dashboard."
        ),
    ),
    'two_readings': ReasonText(
        _lt("Captured amount not certain"),
        _lt(
            "The sums that Amazon Payment Services tells leave open how much was captured. What is "
            "certain was recorded. Compare the payment with the APS dashboard."
        ),
    ),
    'rounding': ReasonText(
        _lt("Amount that Odoo can't record"),
        _lt(
            "%(amount)s of what was captured or refunded can't be recorded, as Odoo rounds the "
            "currency to %(rounding)s. Compare the payment with the APS dashboard."
        ),
    ),
    'closed': ReasonText(_lt("Closed by hand"), _lt("Closed by %(user)s: %(reason)s")),
    TEXT: ReasonText(_lt("Other reason"), None),
    OPEN_TEXT: ReasonText(_lt("Not told for certain yet"), None),
}


def make_code_reason(response_code):
    """ Return the reason that a response code of APS stands for.

    :param str response_code: The response code.
    :return: The reason.
    :rtype: Reason
    """
    return Reason(response_codes.find_number(response_code), {'code': response_code})


def make_reason(code, **values):
    """ Return a reason of our own.

    :param str code: A key of `REASONS`.
    :param dict values: The values of its text; all of them are texts.
    :return: The reason.
    :rtype: Reason
    """
    return Reason(code, values)
