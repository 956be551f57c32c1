""" What is to be given back if more is paid than is due. """

import random

import pytest

from aps.dues import Paid, Surplus, find_surplus


def give_back(due, *payments):
    """ Return the number of each payment that is given back, and how much of it. """
    found = find_surplus(due, list(payments))
    return [(surplus.paid.order, surplus.amount_minor) for surplus in found]


@pytest.mark.parametrize('due, payments, given_back', (
    # Nothing is left over.
    (100, [], []),
    (100, [Paid(1, 100)], []),
    (100, [Paid(1, 30), Paid(2, 70)], []),
    (100, [Paid(1, 30), Paid(2, 60)], []),
    (100, [Paid(1, 0), Paid(2, 100)], []),  # The first one was refunded.
    (50, [Paid(1, -50), Paid(2, 200)], []),  # More than all of it was given back.
    # One payment alone is not made twice, however little is due.
    (99, [Paid(1, 100)], []),
    (0, [Paid(1, 100)], []),
    (0, [Paid(1, 0), Paid(2, 100)], []),
    # The later one of two is given back, and all but the first one of several.
    (100, [Paid(1, 100), Paid(2, 100)], [(2, 100)]),
    (100, [Paid(2, 100), Paid(1, 100)], [(2, 100)]),
    (100, [Paid(1, 100), Paid(2, 100), Paid(3, 100)], [(3, 100), (2, 100)]),
    # What is reserved only is released rather.
    (100, [Paid(1, 100, is_reserved=True), Paid(2, 100)], [(1, 100)]),
    (100, [Paid(1, 100, is_reserved=True), Paid(2, 100, is_reserved=True)], [(2, 100)]),
    # A deposit is given back if the whole was paid as well, though that came later.
    (100, [Paid(1, 30), Paid(2, 100)], [(1, 30)]),
    (100, [Paid(1, 100), Paid(2, 30)], [(2, 30)]),
    # A part is given back if no payment is left over as a whole, but not of what is reserved.
    (100, [Paid(1, 60), Paid(2, 70)], [(2, 30)]),
    (100, [Paid(1, 60), Paid(2, 70, is_reserved=True)], [(1, 30)]),
    (100, [Paid(1, 60, is_reserved=True), Paid(2, 70, is_reserved=True)], []),
    (100, [Paid(1, 100), Paid(2, 20), Paid(3, 30)], [(3, 30), (2, 20)]),
    (100, [Paid(1, 90), Paid(2, 20), Paid(3, 30)], [(3, 30), (2, 10)]),
    # What was paid otherwise stays.
    (100, [Paid(1, 100), Paid(2, 100, is_returnable=False)], [(1, 100)]),
    (100, [Paid(1, 100, is_returnable=False), Paid(2, 100, is_returnable=False)], []),
    (100, [Paid(1, 60), Paid(2, 70, is_returnable=False)], [(1, 30)]),
))
def test_what_is_given_back(due, payments, given_back):
    assert give_back(due, *payments) == given_back


def test_what_is_left_pays_exactly_what_is_due_whatever_was_paid():
    """ Test that no shopper is given too much or, if everything can be given back, too little. """
    generator = random.Random(14)
    for _number in range(20_000):
        due = generator.randint(0, 100)
        payments = [
            Paid(order, generator.randint(0, 100), generator.random() < .2, generator.random() < .8)
            for order in range(generator.randint(0, 5))
        ]
        found = find_surplus(due, payments)
        rest = sum(paid.amount_minor for paid in payments) - sum(one.amount_minor for one in found)

        assert not found or rest >= due
        assert len({one.paid for one in found}) == len(found)
        for one in found:
            assert one.paid.is_returnable
            assert 0 < one.amount_minor <= one.paid.amount_minor
            assert one.amount_minor == one.paid.amount_minor or not one.paid.is_reserved
        is_simple = all(paid.is_returnable and not paid.is_reserved for paid in payments)
        number = sum(paid.amount_minor > 0 for paid in payments)
        if is_simple and number > 1:
            single = len(found) == number - 1  # The last one is kept, whatever is due.
            assert rest == due or rest < due or single


def test_order_in_which_payments_are_told_is_indifferent():
    payments = [Paid(1, 30), Paid(2, 100), Paid(3, 100, is_reserved=True)]
    assert find_surplus(100, payments) == find_surplus(100, payments[::-1]) == [
        Surplus(Paid(3, 100, is_reserved=True), 100), Surplus(Paid(1, 30), 30),
    ]
