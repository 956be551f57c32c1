""" Shoppers of the region: in Arabic, with dinars of three decimals, with local methods. """

import re

from playwright.sync_api import expect

from tests.support.till import (
    assert_not_paid,
    assert_paid,
    go_to_payment,
    go_to_payment_step,
    read_request,
)
from workbench.browser import BAD_CARD

NOT_CHARGED_IN_ARABIC = "رفض مصرفك عملية الدفع. لم يُخصم منك أي مبلغ"


def test_arabic_shopper_reads_the_payment_page_and_the_failure_in_arabic(shop, make_shopper):
    """ Test that language and direction go with the shopper, there and back. """
    shopper = make_shopper('/ar', locale='ar-AE')
    reference = go_to_payment(shopper, country=read_country_name(shop, 'base.ae', 'ar_001'))
    expect(shopper.page.locator('html[lang=ar][dir=rtl]')).to_have_count(1)

    with shopper.stay_on_status_page():
        shopper.enter_card(BAD_CARD)
        shopper.wait_for_status(NOT_CHARGED_IN_ARABIC)
        shopper.take_screenshot('status-declined')
        assert_is_arabic(shopper)

    assert read_request(shop, reference)['language'] == 'ar'
    assert_not_paid(shop, reference, 'error')


def test_arabic_shopper_pays_and_reads_the_confirmation_in_arabic(shop, make_shopper):
    """ Test that the confirmation page is in the language of the shopper. """
    shopper = make_shopper('/ar', locale='ar-AE')
    reference = go_to_payment(shopper, country=read_country_name(shop, 'base.ae', 'ar_001'))

    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert_is_arabic(shopper)
    assert_paid(shop, reference)


def test_order_in_dinars_is_paid_with_three_decimals(shop, shopper, kuwait):
    """ Test that 12.340 KWD are 12340 minor units at APS and 12.340 KWD in the books. """
    reference = go_to_payment(shopper, kuwait, country='Kuwait')
    expect(shopper.page.locator('#amount')).to_contain_text("12.340 KWD")

    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert_paid(shop, reference, amount_minor=12340, currency='KWD')
    assert shop.read_transaction(reference).amount == 12.34


def test_shopper_of_kuwait_pays_by_knet(shop, shopper, kuwait, knet):
    """ Test that the method chosen in the checkout is the only one of the payment page. """
    go_to_payment_step(shopper, kuwait, country='Kuwait')
    reference = shopper.pay('knet')
    expect(shopper.page.locator('#card_form')).to_have_count(0)

    shopper.answer_local_method('KNET')
    receipt = shopper.read_receipt()
    shopper.wait_for_confirmation()

    numbers = shop.rpc.call(
        'payment.transaction', 'search_read', [('reference', '=', reference)], ['aps_bank_numbers']
    )[0]['aps_bank_numbers']
    assert numbers['knet_ref_number'] in receipt
    assert read_request(shop, reference)['payment_option'] == 'KNET'
    assert_paid(shop, reference, amount_minor=12340, currency='KWD', method='knet')


def test_knet_is_not_offered_to_a_shopper_of_dubai(shopper, knet):
    """ Test that a local method stays with its country and currency. """
    go_to_payment_step(shopper)

    expect(shopper.page.locator('[data-payment-method-code=card]')).to_have_count(1)
    expect(shopper.page.locator('[data-payment-method-code=knet]')).to_have_count(0)


def read_country_name(shop, xmlid, lang):
    """ Return the name of a country in a language. """
    country_id = shop.rpc.ref(xmlid)
    return shop.rpc.call(
        'res.country', 'read', [country_id], ['name'], context={'lang': lang}
    )[0]['name']


def assert_is_arabic(shopper):
    """ Assert that the page of the shop is in Arabic, from right to left. """
    expect(shopper.page.locator('html')).to_have_attribute('lang', re.compile('^ar'))
    expect(shopper.page.locator('#wrapwrap')).to_have_class(re.compile(r'\bo_rtl\b'))
