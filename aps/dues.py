""" What is paid above what is due. """

from typing import NamedTuple


class Paid(NamedTuple):
    """ A payment for something that is due, as far as it was not given back. """

    order: int  # Rises with the time at which the shopper began to pay.
    amount_minor: int
    is_reserved: bool = False  # Authorized and not captured.
    is_returnable: bool = True  # Whether it can be given back here at all.


class Surplus(NamedTuple):
    """ What is to be given back of a payment. """

    paid: Paid
    amount_minor: int


def find_surplus(due_minor, payments):
    """ Return what is to be given back, if more was paid than is due, by several payments.

    A payment is given back as a whole if the others pay what is due. Only if there is none like
    that, a part of the latest one is. What is reserved can't be given back in part.

    :param int due_minor: What is due, in minor units.
    :param list[Paid] payments: What was paid.
    :return: What is to be given back, in the order in which it is.
    :rtype: list[Surplus]
    """
    left = [paid for paid in payments if paid.amount_minor > 0]
    found = []
    while left[1:]:  # The only one that is left is kept.
        excess_minor = sum(paid.amount_minor for paid in left) - due_minor
        paid = _choose(excess_minor, left)
        if not paid:
            break
        found.append(Surplus(paid, min(excess_minor, paid.amount_minor)))
        left.remove(paid)
    return found


def _choose(excess_minor, payments):
    """ Return the payment that is given back first.

    :param int excess_minor: What is paid above what is due, in minor units.
    :param list[Paid] payments: What was paid.
    :return: The payment, if any. One that is reserved only is released rather than one refunded
             that was taken; else the shopper gets back what they paid last.
    :rtype: Paid | None
    """
    if excess_minor <= 0:
        return None
    returnable = [paid for paid in payments if paid.is_returnable]
    whole = [paid for paid in returnable if paid.amount_minor <= excess_minor]
    parts = [paid for paid in returnable if not paid.is_reserved]
    return max(whole or parts, key=lambda paid: (paid.is_reserved, paid.order), default=None)
