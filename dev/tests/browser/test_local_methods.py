""" Methods of the region that Odoo 17.0 lacks, from the image in the shop to the paid order. """

import pytest
from playwright.sync_api import expect

from tests.support.payments import Merchant
from tests.support.till import assert_paid, go_to_payment_step, read_request


@pytest.fixture
def new_methods(shop):
    """ Have the shop take payments by the methods that the addon has created. """
    codes = ('stcpay', 'tabby', 'tamara', 'installments', 'apple_pay')
    merchant = Merchant(shop)
    merchant.switch_methods(codes, True)
    yield
    merchant.switch_methods(codes, False)


def test_shopper_of_riyadh_pays_by_stc_pay(shop, shopper, saudi_arabia, new_methods):
    """ Test that the wallet that was chosen in the shop is the only choice of the page. """
    go_to_payment_step(shopper, saudi_arabia, country='Saudi Arabia')
    assert_has_image(shopper, 'stcpay')
    reference = shopper.pay('stcpay')
    expect(shopper.page.locator('#card_form')).to_have_count(0)
    expect(shopper.page.locator('form[id^=local_]')).to_have_count(1)

    shopper.answer_local_method('STCPAY')
    shopper.wait_for_confirmation()

    request = read_request(shop, reference)
    assert request['digital_wallet'] == 'STCPAY'
    assert 'payment_option' not in request
    assert_paid(shop, reference, amount_minor=1234, currency='SAR', method='stcpay')


def test_shopper_of_dubai_pays_by_tabby(shop, shopper, new_methods):
    """ Test that the phone number of the address is sent to those who ask for it. """
    go_to_payment_step(shopper)
    assert_has_image(shopper, 'tabby')
    reference = shopper.pay('tabby')
    expect(shopper.page.locator('#card_form')).to_have_count(0)

    shopper.answer_local_method('TABBY')
    shopper.wait_for_confirmation()

    request = read_request(shop, reference)
    assert (request['payment_option'], request['command']) == ('TABBY', 'PURCHASE')
    assert request['phone_number'].replace(' ', '') == '+97141111111'
    assert_paid(shop, reference, method='tabby')


def test_each_method_is_offered_with_an_image_and_only_where_it_works(shopper, new_methods):
    """ Test the payment form of a shopper of Dubai. """
    go_to_payment_step(shopper)
    for code in ('tabby', 'tamara', 'installments', 'apple_pay'):
        assert_has_image(shopper, code)
    expect(shopper.page.locator('[data-payment-method-code=stcpay]')).to_have_count(0)
    shopper.take_screenshot('methods')


def test_arabic_shopper_reads_the_names_of_the_methods(shop, make_shopper, new_methods):
    """ Test that a shopper who reads Arabic is sent on to a page in Arabic as well. """
    shopper = make_shopper('/ar', locale='ar-AE')
    country_id = shop.rpc.ref('base.ae')
    [country] = shop.rpc.call(
        'res.country', 'read', [country_id], ['name'], context={'lang': 'ar_001'}
    )
    go_to_payment_step(shopper, country=country['name'])
    shopper.take_screenshot('methods')
    assert_has_image(shopper, 'tamara')

    reference = shopper.pay('tamara')

    assert read_request(shop, reference)['language'] == 'ar'
    expect(shopper.page.locator('html[lang=ar][dir=rtl]')).to_have_count(1)


def assert_has_image(shopper, code):
    """ Assert that a method is offered with an image that can be seen. """
    option = shopper.page.locator(
        '[name=o_payment_option]', has=shopper.page.locator(f'[data-payment-method-code={code}]'),
    )
    image = option.locator('img')
    expect(image).to_have_count(1)
    image.scroll_into_view_if_needed()
    assert image.evaluate('image => image.decode().then(() => image.naturalWidth)') >= 30


def test_missing_phone_is_asked_for_with_a_link_to_the_address(shop, make_shopper, new_methods):
    """ Test that the shopper of a phone reads it before paying, and is led where it is missing. """
    shopper = make_shopper(viewport={'width': 390, 'height': 844})
    go_to_payment_step(shopper)
    hint = shopper.page.locator('[name=aps_phone_missing]')
    expect(hint).to_have_count(0)
    [partner] = shop.rpc.search_read(
        'res.partner', [('phone', '!=', False)], ['phone'], order='id desc', limit=1
    )
    shop.rpc.call('res.partner', 'write', [partner['id']], {'phone': False})
    shopper.page.reload()
    expect(hint).to_have_count(2)
    shopper.take_screenshot('phone')

    hint.first.get_by_role('link').click()
    expect(shopper.page.locator('[name=phone]')).to_be_visible()
