""" What the tests over HTTP share. """

import pytest
from workbench.payments import Merchant


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
