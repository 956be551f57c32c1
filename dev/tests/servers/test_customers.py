""" Shoppers of whom the shop knows little. """

import re

import pytest

from tests.support.payments import Merchant
from tests.support.portal_shopper import PortalShopper, post_form
from workbench.rpc import RPCError, Session, read_inputs


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
    fields = donate(merchant)
    assert fields['language'] == 'en'
    pay(shop, merchant, fields)


def test_stranger_donates_from_elsewhere_and_more_than_proposed(shop):
    merchant = Merchant(shop)
    merchant.rpc.call('payment.provider', 'write', [merchant.provider_id], {
        'available_country_ids': [(6, 0, [shop.rpc.ref('base.sa')])], 'maximum_amount': 30,
    })
    try:
        pay(shop, merchant, donate(merchant, country='base.kw'))
        pay(shop, merchant, donate(merchant, country='base.kw', amount=50))
    finally:
        merchant.rpc.call('payment.provider', 'write', [merchant.provider_id], {
            'available_country_ids': [(5,)], 'maximum_amount': 0,
        })


def test_donation_of_more_than_ten_digits_is_refused_with_a_sentence(shop):
    with pytest.raises(RPCError, match=r"150,000,000.00.* is too much for one payment"):
        donate(Merchant(shop), amount=150000000)


def test_stranger_donates_in_arabic(shop):
    assert donate(Merchant(shop), path='/ar/donation/pay')['language'] == 'ar'


def test_customer_whose_contact_is_english_shops_in_arabic(shop):
    merchant = Merchant(shop)
    shopper = PortalShopper(shop)
    card_id = merchant.switch_methods(['card'], True)['card']
    shop.rpc.call('res.partner', 'write', [shopper.partner_id], {'lang': 'en_US'})
    assert shopper.go_to_payment_page(card_id, 12.3, 'AED')['language'] == 'en'

    shopper.read('/ar/')
    fields = shopper.go_to_payment_page(card_id, 12.3, 'AED')

    assert fields['language'] == 'ar'
    post_form(shop, fields)
    shop.sandbox('POST', 'pay', {
        'merchant_reference': fields['merchant_reference'], 'result': 'declined',
    })
    merchant.wait_for_notifications()
    [tx] = shop.rpc.search_read(
        'payment.transaction', [('reference', '=', fields['merchant_reference'])],
        ['state', 'state_message'],
    )
    assert tx['state'] == 'error'
    assert re.search('[\u0600-\u06ff]', tx['state_message'])


def donate(merchant, country='base.ae', amount=25, path='/donation/pay'):
    """ Return the fields of the form to the payment page of a stranger's donation.

    :param Merchant merchant: The merchant.
    :param str country: The external identifier of the donor's country.
    :param float amount: What is donated; the page proposes 25.
    :param str path: The page.
    :return: The fields.
    :rtype: dict
    """
    shop = merchant.shop
    session = Session(shop.url)
    card_id = merchant.switch_methods(['card'], True)['card']
    page = session.read(f'{path}?amount=25')
    context = {
        name: int(re.search(rf'data-{name.replace("_", "-")}="(\d+)"', page)[1])
        for name in ('currency_id', 'partner_id')
    }
    answer = session.call(
        re.search(r'data-transaction-route="([^"]+)"', page)[1], **context, amount=amount,
        token_id=None, flow='redirect', provider_id=merchant.provider_id,
        payment_method_id=card_id, landing_route='/donation/pay', tokenization_requested=False,
        donation_comment="", donation_recipient_email='shop@example.com',
        access_token=re.search(r'data-access-token="([^"]+)"', page)[1],
        partner_details={
            'name': "Somebody", 'email': 'donor@example.com', 'country_id': shop.rpc.ref(country),
        },
    )
    return read_inputs(answer['redirect_form_html'])


def pay(shop, merchant, fields):
    """ Have the shopper pay on the payment page, and check that Odoo knows. """
    post_form(shop, fields)
    shop.sandbox('POST', 'pay', {
        'merchant_reference': fields['merchant_reference'], 'result': 'success',
    })
    merchant.wait_for_notifications()
    assert shop.read_transaction(fields['merchant_reference']).state == 'done'
