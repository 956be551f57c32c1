""" What is sold on the website, from the page to the paid and delivered order. """

import pytest

from tests.support.purchases import Booth, Course, Goods, Ticket
from tests.support.visitor import Visitor
from workbench.shop import PORTAL

APPS = {'goods': Goods, 'ticket': Ticket, 'booth': Booth, 'course': Course}


@pytest.fixture(params=APPS)
def purchase(request, seller):
    """ Something that is sold on the website. """
    return APPS[request.param](seller)


def test_guest_pays_and_gets_it(purchase, stranger):
    attempt = purchase.open_form(stranger).start()

    assert attempt.pay() == 'done'

    assert purchase.is_delivered(attempt)
    assert attempt.read_captured() == round(purchase.amount * 100)
    assert attempt.read_booked() == [purchase.amount]
