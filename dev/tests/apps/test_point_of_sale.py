""" Orders of a till, of a table, of a phone at a table and of a kiosk, paid online. """

import pytest

from tests.support.point_of_sale import Till
from tests.support.visitor import JSONError, Visitor


@pytest.fixture
def till(seller):
    """ A till with an open session. """
    return Till(seller)


def test_customer_without_name_pays_an_order_of_the_till(till, stranger):
    order = till.ring_up(45.5)
    attempt = order.open_form(stranger).start()
    assert attempt.fields['customer_email'] == 'shop@example.com'

    assert attempt.pay() == 'done'

    assert order.read_state() == 'paid'
    assert order.read_paid() == attempt.read_booked() == [45.5]
    assert attempt.read_captured() == 4550
    assert till.close() == 'closed'
    assert order.read_state() == 'done'
