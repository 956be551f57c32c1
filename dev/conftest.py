""" What the tests around Odoo share: a running shop, as `dev/test` starts it. """

import os

import pytest

pytest.register_assert_rewrite('workbench.payments')  # So that a failure shows the sums.

from workbench.payments import Merchant
from workbench.running_shop import Shop


@pytest.fixture(scope='session')
def shop():
    """ The running shop; tests that need one are skipped without it. """
    if 'APS_SHOP_URL' not in os.environ:
        pytest.skip("No shop is running; start the tests with dev/test.")
    return Shop()


@pytest.fixture
def merchant(shop):
    """ A merchant who captures manually, and doesn't wait for APS for long. """
    merchant = Merchant(shop)
    merchant.set_manual_capture(True)
    merchant.set_read_timeout(2)
    yield merchant
    shop.sandbox('DELETE', 'faults')
    shop.sandbox('POST', 'clock', {'offset_seconds': 0})
    shop.sandbox('PATCH', f'accounts/{shop.merchant}', {'attempts': 1})
    merchant.set_manual_capture(False)
