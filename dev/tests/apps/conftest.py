""" What the tests of Odoo's apps share. """

import pytest

from tests.support.payments import Merchant
from tests.support.visitor import Visitor


@pytest.fixture
def seller(shop):
    """ A merchant who sells by every app of Odoo. """
    return Merchant(shop)


@pytest.fixture
def stranger(shop):
    """ Somebody without an account. """
    return Visitor(shop)
