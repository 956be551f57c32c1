""" What the tests around Odoo share: a running shop, as `dev/test` starts it. """

import os

import pytest

pytest.register_assert_rewrite('workbench.payments')  # So that a failure shows the sums.

from workbench.running_shop import Shop


@pytest.fixture(scope='session')
def shop():
    """ The running shop; tests that need one are skipped without it. """
    if 'APS_SHOP_URL' not in os.environ:
        pytest.skip("No shop is running; start the tests with dev/test.")
    return Shop()
