""" What the tests of Odoo's apps share. """

import time

import pytest

from tests.support.payments import Merchant
from tests.support.visitor import Visitor
from workbench.shop import get_currency


class Seller(Merchant):
    """ A merchant who sells by every app of Odoo. """

    def post_process_until(self, condition):
        """ Run the engine's post-processing until something is so.

        Another process may be in its way, which has done it then.

        :param callable condition: Returns whether it is.
        :return: None
        """
        for _attempt in range(25):
            self.post_process()
            if condition():
                return
            time.sleep(0.2)
        raise AssertionError("The post-processing has not done it.")

    def watch(self):
        """ Run the watch for problems. """
        self._run_cron('payment_aps.ir_cron_aps_watch')

    def read_problem(self, transaction_id, kind):
        """ Return the only problem of a kind that the watch tells of for a payment.

        :param int transaction_id: The payment.
        :param str kind: The kind.
        :return: The values of the problem.
        :rtype: dict
        """
        self.watch()
        [problem] = self.rpc.search_read('payment.aps.problem', [
            ('transaction_id', '=', transaction_id), ('kind', '=', kind),
        ], ['state', 'detail', 'told_date'])
        return problem


@pytest.fixture(scope='session', autouse=True)
def default_pricelist(shop):
    """ The list of prices of the website, whatever lists of other currencies tests add. """
    return shop.rpc.call('product.pricelist', 'create', {
        'name': "Website", 'currency_id': get_currency(shop.rpc, 'AED'), 'sequence': 1,
    })


@pytest.fixture
def seller(shop):
    """ A merchant who sells by every app of Odoo. """
    return Seller(shop)


@pytest.fixture
def stranger(shop):
    """ Somebody without an account. """
    return Visitor(shop)
