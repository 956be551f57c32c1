""" What sentences say about money, and whether it was true when they were said.

A sentence is judged by the ledger as of the moment at which somebody read it. One about money that
nobody knows how to judge is a finding as well, so that no new one goes by unseen.
"""

import re
from typing import NamedTuple

from .cases import SLACK, sum_moves


class Claim(NamedTuple):
    """ What a sentence says. """

    name: str
    pattern: re.Pattern


def _claim(name, *patterns):
    """ Return a claim. """
    return Claim(name, re.compile('|'.join(patterns)))


CLAIMS = (
    _claim('not_charged', r"have not been charged", r"customer is not charged",
           r"The payment was not completed\. You can pay again"),
    _claim('released', r"reserved amount was released", r"released\. The customer",
           r"Your payment has been cancelled"),
    _claim('taken', r"has been successfully processed", r"Your payment was successful",
           r"with reference \S+ for .{1,40} has been confirmed", r"has been posted",
           r"The \w+ \S+ of .{1,40} has been confirmed", r"Your payment has been processed"),
    _claim('partly_taken', r"has been confirmed following the processing of its partial capture"),
    _claim('reserved', r"has been authorized"),
    _claim('not_received', r"has not received this (?:operation|charge)"),
)
# What says nothing about what became of money, or leaves it open.
HARMLESS = re.compile("|".join((
    r"has been initiated", r"is pending \(", r"We do not know yet whether your payment succeeded",
    r"is being reviewed", r"another one is not finished yet",
    r"could not find out whether this payment succeeded", r"has not told yet what became",
    r"can't be told whether this operation was executed", r"has not decided about this operation",
    r"A refund request of", r"was paid twice", r"has been paid twice", r"was booked but not",
    r"A payment for .* (?:is being confirmed|has been received)", r"^$", r"encountered an error",
    r"is canceled \(", r"of .{1,40} (?:is pending|has been canceled)\.",
    r"leave open how much was captured", r"Nothing was sent",
    r"Amazon Payment Services has told of a capture or refund", r"Closed by ",
    r"will not be captured", r"APS: ", r"has been created for", r"remaining amount was not closed",
    r"Authorization code", r"waiting for|Please wait|being processed", r"is not confirmed yet",
    r"is pending\. Your order will be confirmed once", r"assigned you the following activity",
)))
# What makes a text one about money at all.
ABOUT_MONEY = re.compile(
    r"charged|refund|captur|authoriz|paid\b|payment (?:was|has|is|could)|Amazon Payment|APS:",
    re.IGNORECASE,
)


def find_claims(text):
    """ Return what a text says about money.

    :param str text: The text, as a person reads it.
    :return: The names of the claims; `None` if nobody knows how to judge it.
    :rtype: set[str] | None
    """
    claims = {claim.name for claim in CLAIMS if claim.pattern.search(text)}
    if 'released' in claims:  # That nobody was charged is said of the moment after it.
        claims.discard('not_charged')
    if claims or HARMLESS.search(text) or not ABOUT_MONEY.search(text):
        return claims
    return None


def is_true(claim, case, at, row=None):
    """ Return whether a claim about a payment was true.

    :param str claim: The name of the claim.
    :param Case case: The payment.
    :param float at: When somebody read it.
    :param dict|None row: The transaction that it is about: the payment itself, or an operation.
    :rtype: bool
    """
    return CHECKS[claim](case, at, row or (case.rows[0] if case.rows else None))


def _is_not_charged(case, at, _row):
    """ Nothing was taken, and nothing is reserved. """
    sums = sum_moves(case.entry, at - SLACK)
    return not sums.is_reserved and not sums.captured


def _is_released(case, at, _row):
    """ The authorization was voided, or has lapsed; nothing of it was taken. """
    sums = sum_moves(case.entry, at + SLACK)
    return not sums.captured and not sums.is_reserved


def _is_taken(case, at, row):
    """ At least the amount of the transaction was taken, or given back. """
    sums = sum_moves(case.entry, at + SLACK)
    if not row:
        return sums.captured > 0
    return (sums.refunded if row['operation'] == 'refund' else sums.captured) >= abs(row['amount'])


def _is_partly_taken(case, at, _row):
    """ Something was taken. """
    return sum_moves(case.entry, at + SLACK).captured > 0


def _is_reserved(case, at, _row):
    """ The amount was reserved, whatever became of it afterwards. """
    return any(move['at'] <= at + SLACK for move in (case.entry or {'moves': ()})['moves'])


def _is_not_received(case, at, row):
    """ APS has not executed the operation. """
    operations = case.entry['operations'] if case.entry else ()
    if row and row['operation'] == 'refund':
        return not any(
            one['executed'] and one['maintenance_reference'] == row['reference']
            for one in operations
        )
    is_void = bool(row) and row['aps_operation'] == 'VOID_AUTHORIZATION'
    return not is_void or not sum_moves(case.entry, at).is_voided


CHECKS = {
    'not_charged': _is_not_charged, 'released': _is_released, 'taken': _is_taken,
    'partly_taken': _is_partly_taken, 'reserved': _is_reserved, 'not_received': _is_not_received,
}
