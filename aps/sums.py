""" What the sums and notices of APS prove about a payment.

APS tells how much was captured and refunded in all. Whether the captured sum shrinks with a refund
is not documented, a sum may be missing or `0` instead, and nothing tells who made an operation. So
what APS says may have several explanations. A rule of this module states only what is true in each
of them, with one exception: an operation of unknown outcome counts as executed if the total has
room for it in all of them, as the total that Odoo records is right then, whoever made what.

All amounts are integers in minor units. None of the functions needs a database.
"""

from typing import NamedTuple

from . import const


class Told(NamedTuple):
    """ What an answer to a query tells. By default nothing, as if only notices had come. """

    status: str = ''  # That of the latest operation.
    is_clear: bool = False  # Whether its response code agrees, and says what became of it.
    captured: int | None = None  # `None` if it is not told.
    refunded: int | None = None
    authorized: int | None = None

    @property
    def is_paid(self):
        """ Return whether something was captured, maybe not for good, as far as can be told. """
        is_paid = self.status in const.PAID_STATUSES and self.is_clear
        return bool(self.captured or self.refunded) or is_paid

    @property
    def is_captured(self):
        """ Return whether the sums, or else the status, tell of a capture. """
        return bool(self.captured) or self.status in const.CAPTURED_STATUSES

    @property
    def is_authorized(self):
        """ Return whether the amount is reserved, if nothing was captured. """
        is_new = self.status == const.AUTHORIZED_STATUS and self.is_clear
        return is_new or self.status in const.STILL_AUTHORIZED_STATUSES

    @property
    def is_voided(self):
        """ Return whether the latest operation was a void. """
        return self.status == const.VOIDED_STATUS

    @property
    def is_undecided(self):
        """ Return whether APS is still deciding about the latest operation. """
        return self.status in const.UNDECIDED_STATUSES


class Known(NamedTuple):
    """ What Odoo knows for certain. """

    amount: int  # Of the payment.
    captured: int = 0  # What is recorded, without the operation.
    refunded: int = 0
    capture_notices: tuple = ()  # The amounts that signed notices of captures tell.
    refund_notices: tuple = ()  # The pairs of reference, if any, and amount of those of refunds.
    operation: int | None = None  # The amount of the capture, or refund, of unknown outcome.
    shrinks: bool | None = None  # Whether refunds shrink the captured sum, if that is known.


class Explanation(NamedTuple):
    """ What all explanations of the sums have in common. """

    is_executed: bool | None  # Whether the operation was; `None` if that can't be told.
    back_office: int  # What was captured, or refunded, elsewhere, and is not recorded yet.
    is_final: bool = False  # Whether the operation can't be executed any more, however late.
    is_certain: bool = True  # Whether there is nothing else to record.


def sort_notices(notices, refunds):
    """ Return what the notices of successful operations tell of captures and refunds.

    A notice without amount proves nothing, and neither does that of a refund of Odoo, whose amount
    is known, if it tells another one.

    :param set[tuple] notices: The command, reference and amount, as far as told, of each.
    :param dict refunds: The amounts of the refunds of Odoo by reference.
    :return: The amounts of captures, and the pairs of reference and amount of refunds; see `Known`.
    :rtype: tuple[tuple, tuple]
    """
    told = [notice for notice in notices if notice[2]]
    return (
        tuple(amount for command, _reference, amount in told if command == 'CAPTURE'),
        tuple(
            (reference, amount) for command, reference, amount in told
            if command == 'REFUND' and refunds.get(reference, amount) == amount
        ),
    )


def get_payment_state(told, amount, is_purchase, shrinks=None):
    """ Return the state of a payment that was paid, or captured or refunded in part.

    :param Told told: What APS tells.
    :param int amount: The amount of the payment.
    :param bool is_purchase: Whether the amount was to be taken at once, rather than reserved.
    :param bool|None shrinks: Whether refunds shrink the captured sum, if that is known.
    :return: `done` if all was captured for certain; `authorized` if something was; `None` if this
             is no paid payment, or the sums are not those of this payment.
    :rtype: str | None
    """
    captured, refunded = told.captured or 0, told.refunded or 0
    if not told.is_paid:
        return None
    if max(captured, refunded) > amount:
        return None
    if is_purchase or told.status == const.PURCHASED_STATUS:  # It is taken in full or not at all.
        if captured in (0, amount, amount - refunded):
            return 'done'
        if told.status != const.CAPTURED_STATUS:  # Which shows that it was reserved after all.
            return None
    if amount in (captured, refunded) or (shrinks and captured + refunded == amount):
        return 'done'
    return 'authorized'


def explain_captures(known, told=None):
    """ Explain the captured sum of an authorization.

    :param Known known: What Odoo knows; `operation` is a capture.
    :param Told|None told: What APS tells, besides the notices.
    :return: The explanation.
    :rtype: Explanation
    """
    told = told or Told()
    least, most = get_captured_bounds(known, told)
    is_certain = least == most or _is_explained(known, told, least)
    if known.operation is None:
        return Explanation(None, least - known.captured, is_certain=is_certain)
    with_operation = known.captured + known.operation
    needed = max(with_operation, _add_captures(known, known.operation))
    if least >= needed:
        return Explanation(True, least - with_operation, is_certain=is_certain)
    if most >= needed:  # It may be one of those that others would have made else.
        return Explanation(None, needed - with_operation, is_certain=False)
    is_final = least + known.operation > known.amount
    is_excluded = is_final or (told.status in const.DECIDED_STATUSES and told.is_clear)
    return Explanation(
        False if is_excluded else None, least - known.captured, is_final, is_certain
    )


def explain_void(known, told=None):
    """ Explain whether an authorization was voided, which is possible before any capture only.

    :param Known known: What Odoo knows; the operation is the void.
    :param Told|None told: What APS tells, besides the notices.
    :return: The explanation, without what the back office did.
    :rtype: Explanation
    """
    told = told or Told()
    if told.captured or known.capture_notices:
        return Explanation(False, 0, is_final=True)
    if told.is_voided:
        return Explanation(True, 0)
    is_untouched = told.status == const.AUTHORIZED_STATUS and told.is_clear
    return Explanation(False if is_untouched else None, 0)


def _is_explained(known, told, least):
    """ Return whether nothing suggests that more was captured than for certain.

    :param Known known: What Odoo knows.
    :param Told told: What APS tells.
    :param int least: What was captured for certain.
    :return: Whether the notices add up to it, or no sum is told, and none is missing.
    :rtype: bool
    """
    if least and least == _add_captures(known):
        return True
    is_silent = not told.captured and not told.refunded
    return is_silent and (told.status not in const.CAPTURED_STATUSES or bool(least))


def get_captured_bounds(known, told):
    """ Return how much can have been captured in all.

    :param Known known: What Odoo knows.
    :param Told told: What APS tells.
    :return: The least and the greatest sum.
    :rtype: tuple[int, int]
    """
    least = max(known.captured, _add_captures(known))
    refunded = _read_refunded(known, told)
    told_sums = [total for total in (told.captured, refunded) if total]
    if any(total > known.amount for total in told_sums):  # They are not those of this payment.
        return least, known.amount
    least = max([least, *told_sums])  # Whatever a refund does to the captured sum.
    if refunded is None and known.shrinks is not False:
        return least, known.amount
    totals = [
        total for total in _list_totals(known, told, refunded) if least <= total <= known.amount
    ]
    return (min(totals), max(totals)) if totals else (least, known.amount)


def _read_refunded(known, told):
    """ Return the refunded sum that the captured one goes with.

    :param Known known: What Odoo knows.
    :param Told told: What APS tells.
    :return: The sum; `None` if it is not told, or is older than what is known.
    :rtype: int | None
    """
    if told.refunded is None:
        return None if known.refunded or told.status in const.OPERATION_STATUSES['REFUND'] else 0
    return told.refunded if told.refunded >= known.refunded else None


def _list_totals(known, told, refunded):
    """ Return what the captured sum can stand for.

    :param Known known: What Odoo knows.
    :param Told told: What APS tells.
    :param int|None refunded: The refunded sum; it is only needed if the captured one may shrink.
    :return: The sums of all captures, before refunds; none if the captured sum is not told.
    :rtype: set[int]
    """
    if not told.captured:
        # A sum of 0 beside a capture or a refund is none at all.
        is_told = told.captured == 0 == refunded and told.status not in const.CAPTURED_STATUSES
        return {0} if is_told else set()
    totals = {False: {0}, True: {refunded}, None: {0, refunded}}[known.shrinks]
    return {told.captured + total for total in totals}


def _add_captures(known, operation=None):
    """ Return how much was captured at least, by the notices and an operation.

    Two captures of the same amount may be told in the same words, so equal amounts count once.

    :param Known known: What Odoo knows.
    :param int|None operation: The amount of a capture that is supposed to be executed.
    :return: The sum; 0 if the notices can't be those of this payment.
    :rtype: int
    """
    notices = set(known.capture_notices)
    if sum(notices) > known.amount:
        notices = set()
    return sum(notices | ({operation} if operation else set()))


def explain_refunds(known, told=None):
    """ Explain the refunded sum.

    Whether a refund of Odoo was executed is asked by its own reference, and not told here.

    :param Known known: What Odoo knows; `operation` is a refund.
    :param Told|None told: What APS tells, besides the notices.
    :return: The explanation; `is_executed` is always `None`.
    :rtype: Explanation
    """
    least = max(known.refunded, _add_refunds(known))
    if told and told.refunded:
        least = max(least, min(told.refunded, known.amount))
    missing = least - known.refunded
    if known.operation and missing >= known.operation:
        missing -= known.operation
    return Explanation(None, missing)


def _add_refunds(known):
    """ Return how much was refunded at least, by the notices.

    A refund without reference may be one that is told with its reference as well.

    :param Known known: What Odoo knows.
    :return: The sum; 0 if the notices can't be those of this payment.
    :rtype: int
    """
    named = {(reference, amount) for reference, amount in known.refund_notices if reference}
    amounts = {amount for _reference, amount in named}
    unnamed = {
        amount for reference, amount in known.refund_notices
        if not reference and amount not in amounts
    }
    total = sum(amount for _reference, amount in named) + sum(unnamed)
    return total if total <= known.amount else 0


def learn_shrinking(known, told):
    """ Return whether refunds shrink the captured sum, if an answer shows that for certain.

    It does for a payment that was captured in full, and all of whose refunds Odoo knows.

    :param Known known: What Odoo knows.
    :param Told told: What APS tells.
    :return: Whether they do; `None` if the answer doesn't show it.
    :rtype: bool | None
    """
    is_known = known.captured == known.amount and known.operation is None
    if not (is_known and told.captured and known.refunded) or known.refunded != told.refunded:
        return None
    return {
        known.amount: False, known.amount - known.refunded: True,
    }.get(told.captured)
