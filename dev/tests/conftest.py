""" What the tests around Odoo share: a running shop, as `dev/test` starts it. """

import os
import time

import pytest

pytest.register_assert_rewrite('tests.support.payments')  # So that a failure shows the sums.

from tests.support.payments import Merchant
from tests.support.running_shop import Shop


@pytest.fixture(scope='session')
def shop():
    """ The running shop; tests that need one are skipped without it. """
    if 'APS_SHOP_URL' not in os.environ:
        pytest.skip("No shop is running; start the tests with dev/test.")
    return Shop()


@pytest.fixture
def quiet_shop(shop):
    """ The shop without scheduled actions, so that nobody but the test makes it write. """
    jobs = shop.query('UPDATE ir_cron SET active = false WHERE active RETURNING id').split()
    yield shop
    shop.query(f"UPDATE ir_cron SET active = true WHERE id IN ({', '.join(jobs)})")


@pytest.fixture
def tell(request):
    """ Tell a figure that was measured; the report of `dev/test` shows it. """
    def tell(figure):
        print(figure)
        request.node.user_properties.append(('figure', figure))

    return tell


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


@pytest.fixture
def make_payments(shop):
    """ Make payments that were started by a shopper, with APS's signed answers to them. """
    provider_id = shop.rpc.ref('payment.payment_provider_aps')
    method_id = shop.rpc.ref('payment.payment_method_card')
    partner_id = shop.rpc.ref('base.partner_admin')
    currency_id = shop.rpc.search_read('res.currency', [('name', '=', 'AED')], ['id'])[0]['id']

    def make(prefix, number, **answer):
        messages = []
        for index in range(number):
            reference = f'{prefix}-{time.time_ns()}-{index}'
            shop.rpc.call('payment.transaction', 'create', {
                'provider_id': provider_id, 'payment_method_id': method_id,
                'partner_id': partner_id, 'currency_id': currency_id, 'amount': 10,
                'reference': reference, 'operation': 'online_redirect',
            })
            fields = {
                'command': 'PURCHASE', 'merchant_identifier': shop.merchant,
                'access_code': 'SandboxAccessCode1', 'merchant_reference': reference,
                'amount': '1000', 'currency': 'AED', 'language': 'en', 'fort_id': f'{index}77',
                'payment_option': 'VISA', 'status': '14', 'response_code': '14000', **answer,
            }
            messages.append(shop.sandbox('POST', 'sign', {
                'merchant_identifier': shop.merchant, 'fields': fields,
            })['fields'])
        return messages

    return make
