""" Shoppers of whom the shop knows little. """

import json
import re
import urllib.request

from test_payment_options import PortalShopper, post_form, read_inputs
from workbench.payments import Merchant


def test_shopper_without_email_pays_with_that_of_the_company(shop):
    merchant = Merchant(shop)
    shopper = PortalShopper(shop)
    [partner] = shop.rpc.call('res.partner', 'read', [shopper.partner_id], ['email'])
    shop.rpc.call('res.partner', 'write', [shopper.partner_id], {'email': False})
    try:
        card_id = merchant.switch_methods(['card'], True)['card']
        fields = shopper.go_to_payment_page(card_id, 12.3, 'AED')
    finally:
        shop.rpc.call('res.partner', 'write', [shopper.partner_id], {'email': partner['email']})

    assert fields['customer_email'] == 'shop@example.com'
    pay(shop, merchant, fields)


def test_stranger_donates(shop):
    merchant = Merchant(shop)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f'{shop.url}/donation/pay?amount=25', timeout=60) as response:
        page = response.read().decode()
    route = re.search(r'data-transaction-route="([^"]+)"', page)[1]
    context = {
        name: int(re.search(rf'data-{name.replace("_", "-")}="(\d+)"', page)[1])
        for name in ('currency_id', 'partner_id')
    }
    body = json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': {
        **context, 'amount': 25, 'token_id': None, 'flow': 'redirect',
        'provider_id': merchant.provider_id, 'landing_route': '/donation/pay',
        'payment_method_id': merchant.switch_methods(['card'], True)['card'],
        'tokenization_requested': False, 'donation_comment': "",
        'donation_recipient_email': 'shop@example.com',
        'access_token': re.search(r'data-access-token="([^"]+)"', page)[1],
        'partner_details': {
            'name': "Somebody", 'email': 'donor@example.com',
            'country_id': shop.rpc.ref('base.ae'),
        },
    }}).encode()
    request = urllib.request.Request(
        shop.url + route, body, {'Content-Type': 'application/json'}
    )
    with opener.open(request, timeout=60) as response:
        answer = json.load(response)

    pay(shop, merchant, read_inputs(answer['result']['redirect_form_html']))


def pay(shop, merchant, fields):
    """ Have the shopper pay on the payment page, and check that Odoo knows. """
    post_form(shop, fields)
    shop.sandbox('POST', 'pay', {
        'merchant_reference': fields['merchant_reference'], 'result': 'success',
    })
    merchant.wait_for_notifications()
    assert shop.read_transaction(fields['merchant_reference']).state == 'done'
