""" The kinds of problems: what each means for the money, and what to do about it. """

from collections import namedtuple

from odoo import _lt

# What a kind of problem is called, what it means for the money, what to do about it, and the label
# of its button. `is_lasting`: whether its cause is a condition that lasts. The dismissal of such a
# problem holds for as long as its cause; the cause of the others is an event, so that the next one
# is a new problem. `confirm`: what is asked before the button does anything.
Kind = namedtuple('Kind', 'label meaning advice button is_lasting confirm', defaults=[None])
KINDS = {
    'not_booked': Kind(
        _lt("Paid but not booked"),
        _lt(
            "The customer has paid, but Odoo could not record the payment or confirm what was "
            "paid."
        ),
        _lt(
            "Put right what the error names, then try again. If the order or invoice was paid in "
            "another way as well, refund this payment instead."
        ),
        _lt("Try Again"),
        is_lasting=True,
    ),
    'outcome_open': Kind(
        _lt("Outcome still open"),
        _lt(
            "It isn't known whether the customer was charged or the operation was executed, and "
            "Odoo doesn't ask any more."
        ),
        _lt("Look the payment up in the APS dashboard, then close it with what you have seen."),
        _lt("Close"),
        is_lasting=True,
    ),
    'webhook_silent': Kind(
        _lt("No notifications"),
        _lt(
            "Amazon Payment Services sends no notifications to this database, so payments are "
            "recorded late."
        ),
        _lt(
            "Copy the Feedback and Notification URL of the payment provider to the APS dashboard, "
            "and have a proxy or firewall let the notifications pass."
        ),
        _lt("Open the Provider"),
        is_lasting=True,
    ),
    'lapsing': Kind(
        _lt("Authorization about to lapse"),
        _lt("The bank releases the reserved amount soon. It can't be captured afterwards."),
        _lt("Capture the amount, or void the payment if nothing is to be delivered."),
        _lt("Capture"),
        is_lasting=True,
    ),
    'operation_failed': Kind(
        _lt("Operation failed or unclear"),
        _lt("A capture, void or refund was not executed, or its outcome can't be told."),
        _lt(
            "Check the payment with APS. If the operation was not executed and is still wanted, "
            "start it again on the payment."
        ),
        _lt("Check with APS"),
        is_lasting=False,
    ),
    'credentials': Kind(
        _lt("Credentials don't fit any more"),
        _lt(
            "Amazon Payment Services and Odoo don't understand each other, so payments may fail, "
            "or not be recorded."
        ),
        _lt(
            "Check the credentials in the payment provider: the check names the setting that is "
            "wrong."
        ),
        _lt("Check Credentials"),
        is_lasting=True,
    ),
    'copy': Kind(
        _lt("Is this the live database?"),
        _lt(
            "This database is a copy of the live one: nothing is charged, captured, voided or "
            "refunded here without the customer."
        ),
        _lt(
            "If this is the live database, confirm it. Otherwise, set the payment provider to "
            "test mode."
        ),
        _lt("This Is the Live Database"),
        is_lasting=True,
        confirm=_lt(
            "Saved cards are charged, and payments captured, voided and refunded, with real money "
            "from here on. Is this the live database?"
        ),
    ),
    'mismatch': Kind(
        _lt("Message that doesn't fit its payment"),
        _lt(
            "Amazon Payment Services told of another amount, currency or merchant than that of "
            "the payment. Nothing was recorded, but money may have been taken."
        ),
        _lt(
            "Compare the payment with the APS dashboard, and refund there what was taken by "
            "mistake."
        ),
        _lt("Check with APS"),
        is_lasting=False,
    ),
    'paid_twice': Kind(
        _lt("Paid twice"),
        _lt("The customer has paid more than what was due."),
        _lt("Refund one of the payments, unless both are wanted."),
        _lt("Refund This One"),
        is_lasting=False,
        confirm=_lt("The customer gets the money back. Do you want to go on?"),
    ),
    'no_payment': Kind(
        _lt("Money of no payment"),
        _lt(
            "Your account has received money that belongs to no payment of this database."
        ),
        _lt(
            "Look the references up in the APS dashboard, and record what concerns this company."
        ),
        _lt("Show the Messages"),
        is_lasting=False,
    ),
}
