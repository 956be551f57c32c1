""" A browser for the tests, and what they change of shop and sandbox, to be put back. """

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.till import read_sandbox_account
from workbench.browser import Shopper, open_browser
from workbench.shop import activate_currency

# A folder for screenshots, if they are wanted.
SCREENSHOTS = os.environ.get('APS_SCREENSHOTS')


@pytest.fixture(scope='session')
def browser():
    """ The browser that all shoppers share. """
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope='session', autouse=True)
def foreign_payment_page(shop):
    """ Have the payment page on another site than the shop, as in real life.

    Browsers take `localhost` and `127.0.0.1` for different sites, but not two ports of one host, so
    that the shop's cookies stay away from the return only in this way.
    """
    sandbox_url = shop.sandbox_url.replace('127.0.0.1', 'localhost')
    key = 'payment_aps.sandbox_url'
    shop.rpc.call('ir.config_parameter', 'set_param', key, sandbox_url)
    yield
    shop.rpc.call('ir.config_parameter', 'set_param', key, shop.sandbox_url)


@pytest.fixture(autouse=True)
def well_behaved_sandbox(shop):
    """ Put the faults and the account of the sandbox back after each test. """
    account = read_sandbox_account(shop)
    yield
    shop.sandbox('DELETE', 'faults')
    shop.sandbox('PATCH', f'accounts/{shop.merchant}', account)


@pytest.fixture
def screenshots(shop, request):
    """ The folder for the screenshots of the test; `None` if they are not wanted. """
    if not SCREENSHOTS:
        return None
    folder = Path(SCREENSHOTS) / shop.series / request.node.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def backend(shop, browser, screenshots):
    """ The window of an administrator who is logged in.

    Errors of its console are not heeded: Debian's package of 19.0 lacks scripts of Odoo.
    """
    user = Shopper(browser, shop.url, screenshots=screenshots, permissions=[
        'clipboard-read', 'clipboard-write',
    ])
    user.log_in('admin', 'admin')
    yield user
    user.close()


@pytest.fixture
def make_shopper(shop, browser, screenshots):
    """ A function that makes shoppers; the test fails if their pages show errors. """
    shoppers = []

    def make(path='', **context):
        shopper = Shopper(browser, shop.url + path, screenshots=screenshots, **context)
        shoppers.append(shopper)
        return shopper

    yield make
    errors = [error for shopper in shoppers for error in shopper.errors]
    for shopper in shoppers:
        shopper.take_screenshot('end')
        shopper.close()
    assert not errors


@pytest.fixture
def shopper(make_shopper):
    """ A guest with an empty cart. """
    return make_shopper()


@pytest.fixture
def kuwait(shop):
    """ Have the shop sell in dinars of Kuwait, which have three decimals.

    :return: The name of a product of 12.340 dinars.
    """
    with sell_in(shop, 'KWD') as product:
        yield product


@pytest.fixture
def saudi_arabia(shop):
    """ Have the shop sell in riyals.

    :return: The name of a product of 12.34 riyals.
    """
    with sell_in(shop, 'SAR') as product:
        yield product


@contextmanager
def sell_in(shop, currency):
    """ Have the shop sell in a currency.

    :param str currency: The code of the currency.
    :return: The name of a product that costs 12.34.
    """
    name = "Majlis Coffee"
    switch_on_pricelists(shop)
    currency_id = activate_currency(shop.rpc, currency)
    pricelist_id = shop.rpc.call('product.pricelist', 'create', {
        'name': f"In {currency}", 'currency_id': currency_id, 'sequence': 1,
        'website_id': shop.rpc.call('website', 'search', [], limit=1)[0],
    })
    product_id = shop.rpc.call('product.template', 'create', {
        'name': name, 'list_price': 12.34, 'type': 'service', 'taxes_id': [(6, 0, [])],
        'website_published': True,
    })
    yield name
    shop.rpc.call('product.template', 'write', [product_id], {'active': False})
    shop.rpc.call('product.pricelist', 'write', [pricelist_id], {'active': False})


def switch_on_pricelists(shop):
    """ Switch the pricelists on, in 19.0 an optional feature; they do no harm to other tests. """
    settings_id = shop.rpc.call('res.config.settings', 'create', {'group_product_pricelist': True})
    shop.rpc.call('res.config.settings', 'execute', [settings_id])


@pytest.fixture
def knet(shop):
    """ Have the shop take payments by KNET. """
    provider_id = shop.rpc.ref('payment.payment_provider_aps')
    method_id = shop.rpc.ref('payment.payment_method_knet')
    shop.rpc.call('payment.provider', 'write', [provider_id], {
        'payment_method_ids': [(4, method_id)],
    })
    shop.rpc.call('payment.method', 'write', [method_id], {'active': True})
    yield
    shop.rpc.call('payment.method', 'write', [method_id], {'active': False})
    shop.rpc.call('payment.provider', 'write', [provider_id], {
        'payment_method_ids': [(3, method_id)],
    })
