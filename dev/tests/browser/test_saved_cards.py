""" A shopper with an account saves a card, pays with it again, and deletes it. """

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.support.backend import open_form
from tests.support.till import (
    assert_not_paid,
    assert_paid,
    go_to_payment_step,
    read_ledger,
    read_request,
    wait_for_notifications,
)
from workbench.browser import GOOD_CARD, Shopper
from workbench.shop import PORTAL

from .test_card_payments import NOT_CHARGED
from .test_countries import assert_is_arabic, read_country_name
from .test_invoices import post_invoice, read_invoice

DIGITS = GOOD_CARD[-4:]
CARD_WITH_3DS = '4557012345678902'
SAVED_CARDS = '/my/payment_method'


@pytest.fixture
def customer(shop, shopper):
    """ A shopper who is logged in, in a shop that saves cards; no card and no cart is left. """
    provider_id = shop.rpc.ref('payment.payment_provider_aps')
    [former] = shop.rpc.call('payment.provider', 'read', [provider_id], ['allow_tokenization'])
    shop.rpc.call('payment.provider', 'write', [provider_id], {'allow_tokenization': True})
    shopper.log_in(**PORTAL)
    yield shopper
    shop.rpc.call('payment.token', 'write', [card.id for card in read_cards(shop)], {
        'active': False,
    })
    cart_ids = shop.rpc.call('sale.order', 'search', [
        ('partner_id.user_ids.login', '=', PORTAL['login']), ('state', 'in', ('draft', 'sent')),
    ])
    shop.rpc.call('sale.order', 'write', cart_ids, {'state': 'cancel'})
    shop.rpc.call('payment.provider', 'write', [provider_id], {
        'allow_tokenization': former['allow_tokenization'],
    })


def test_card_is_saved_and_pays_the_next_order_by_its_security_code(shop, customer):
    """ Test that the box that is ticked in the shop is ticked on the payment page as well. """
    go_to_payment_step(customer)
    first_reference = customer.pay(is_saving=True)
    expect(customer.page.locator('#remember_me')).to_be_checked()
    customer.enter_card()
    customer.wait_for_confirmation()
    assert_paid(shop, first_reference)
    [card] = read_cards(shop)
    assert (card.payment_details, card.payment_method_code) == (DIGITS, 'visa')

    go_to_payment_step(customer)
    with customer.page.expect_request(re.compile('/payment/status')):
        reference = customer.pay_with_saved_card(DIGITS)
    expect(customer.page.locator('.saved')).to_contain_text(DIGITS)
    expect(customer.page.locator('#card_number, #expiry_date, #remember_me')).to_have_count(0)
    customer.enter_security_code()
    customer.wait_for_confirmation()

    assert read_request(shop, reference)['token_name'] == card.provider_ref
    assert_paid(shop, reference)
    assert read_cards(shop) == [card], "The card must not be saved a second time."


def test_card_is_not_saved_unless_both_boxes_are_ticked(shop, customer):
    """ Test that the shopper's last word on the payment page counts. """
    go_to_payment_step(customer)
    customer.pay()
    expect(customer.page.locator('#remember_me')).not_to_be_checked()
    customer.page.locator('#remember_me').check()
    customer.enter_card()
    customer.wait_for_confirmation()

    go_to_payment_step(customer)
    reference = customer.pay(is_saving=True)
    customer.page.locator('#remember_me').uncheck()
    customer.enter_card()
    customer.wait_for_confirmation()

    assert_paid(shop, reference)
    assert read_cards(shop) == []


def test_wrong_security_code_is_declined_and_the_card_stays(shop, customer):
    """ Test that the shopper reads that nothing was charged, and can try again. """
    save_card(customer)
    go_to_payment_step(customer)
    declined_reference = customer.pay_with_saved_card(DIGITS)
    with customer.stay_on_status_page():
        customer.enter_security_code('999')
        customer.wait_for_status(NOT_CHARGED)
        customer.take_screenshot('status-declined')
    assert_not_paid(shop, declined_reference, 'error')
    assert len(read_cards(shop)) == 1
    customer.page.goto(f'{shop.url}/shop/cart')  # Finds the cart of a shopper with an account.
    customer.open_payment_step()

    reference = customer.pay_with_saved_card(DIGITS)
    customer.enter_security_code()
    customer.wait_for_confirmation()

    assert_paid(shop, reference)


def test_saved_card_passes_3d_secure(shop, customer):
    """ Test that the bank asks the shopper each time, with a saved card as well. """
    go_to_payment_step(customer)
    customer.pay(is_saving=True)
    customer.enter_card(CARD_WITH_3DS)
    customer.pass_3d_secure()
    customer.wait_for_confirmation()

    go_to_payment_step(customer)
    reference = customer.pay_with_saved_card(CARD_WITH_3DS[-4:])
    customer.enter_security_code()
    customer.pass_3d_secure()
    customer.wait_for_confirmation()

    assert_paid(shop, reference)


def test_way_to_the_payment_page_is_explained(customer):
    """ Test what the shopper sees while the payment page is loading. """
    save_card(customer)
    go_to_payment_step(customer)
    customer.page.route('**/payment/status', hold_form)

    customer.page.locator('button[name=o_payment_submit_button]:visible').first.click()

    expect(customer.page.locator('#wrap')).to_contain_text("You are being taken to the payment")
    expect(customer.page.locator('#wrap')).to_contain_text("only after you enter its security code")
    customer.take_screenshot('redirection')
    customer.page.get_by_role('button', name="Go to the Payment Page").click()
    expect(customer.page.locator('.saved')).to_contain_text(DIGITS)


def test_leaving_the_page_with_a_saved_card_charges_nothing(shop, customer):
    """ Test that a shopper who cancels reads so, and is not sent to the page again. """
    save_card(customer)
    go_to_payment_step(customer)
    reference = customer.pay_with_saved_card(DIGITS)
    with customer.stay_on_status_page():
        customer.cancel()
        customer.wait_for_status("You canceled the payment. You have not been charged")

    assert_not_paid(shop, reference, 'cancel')


def test_expired_card_is_listed_but_not_offered(shop, customer):
    """ Test that the shopper is not offered what would be refused. """
    save_card(customer)
    [card] = read_cards(shop)
    go_to_payment_step(customer)
    expect(customer.page.locator('#o_payment_form')).to_contain_text(DIGITS)

    shop.query(f"UPDATE payment_token SET aps_expiry_date = '2020-01-31' WHERE id = {card.id}")

    go_to_payment_step(customer)
    expect(customer.page.locator('#o_payment_form')).not_to_contain_text(DIGITS)
    open_saved_cards(customer)
    expect(find_saved_card(customer)).to_contain_text("(expired): delete it")
    customer.take_screenshot('expired')


def test_deleted_card_is_forgotten_by_shop_and_aps(shop, customer):
    """ Test the page of the saved cards: cards can be deleted there, and not be added. """
    save_card(customer)
    [card] = read_cards(shop)
    open_saved_cards(customer)
    expect(find_saved_card(customer)).to_have_count(1)
    expect(customer.page.locator('[data-payment-option-type=payment_method]')).to_have_count(0)
    expect(customer.page.locator('[name=o_payment_submit_button]:enabled')).to_have_count(0)

    find_saved_card(customer).locator('[name=o_payment_delete_token]').click()
    dialog = customer.page.locator('.modal', has_text="delete this payment method")
    expect(dialog).to_be_visible()
    customer.take_screenshot('delete-card')
    with customer.page.expect_navigation():
        dialog.locator('.btn-primary').click()

    expect(find_saved_card(customer)).to_have_count(0)
    assert read_cards(shop) == []
    [token] = [
        row for row in shop.sandbox('GET', 'tokens')['tokens'] if row['name'] == card.provider_ref
    ]
    assert not token['is_active']
    go_to_payment_step(customer)
    expect(customer.page.locator('#o_payment_form')).not_to_contain_text(DIGITS)


def test_staff_registers_the_payment_of_an_invoice_with_the_saved_card(shop, browser, customer):
    """ Test that the wizard proposes the card, charges it, and has the invoice paid. """
    save_card(customer)
    [card] = read_cards(shop)
    invoice_id = post_invoice(shop, 250.5, card.partner_id[0])
    staff = Shopper(browser, shop.url, screenshots=customer.screenshots)
    staff.log_in('admin', 'admin')

    register_payment(shop, staff, invoice_id)
    staff.close()

    assert read_invoice(shop, invoice_id)['payment_state'] in ('paid', 'in_payment')
    [transaction] = shop.rpc.search_read('payment.transaction', [
        ('token_id', '=', card.id), ('operation', '=', 'offline'),
    ], ['reference', 'state', 'amount'])
    assert (transaction['state'], transaction['amount']) == ('done', 250.5)
    assert read_ledger(shop, transaction['reference'])['captured'] == 25050
    request = read_request(shop, transaction['reference'])
    assert (request['eci'], request['token_name']) == ('RECURRING', card.provider_ref)


def test_arabic_shopper_pays_with_a_saved_card(shop, customer, make_shopper):
    """ Test that all pages on the way are in Arabic, and from right to left. """
    save_card(customer)
    [card] = read_cards(shop)
    shop.rpc.call('res.partner', 'write', [card.partner_id[0]], {'lang': 'ar_001'})
    try:
        shopper = make_shopper('/ar', locale='ar-AE')
        shopper.log_in(**PORTAL)
        go_to_payment_step(shopper, country=read_country_name(shop, 'base.ae', 'ar_001'))
        reference = shopper.pay_with_saved_card(DIGITS)
        expect(shopper.page.locator('html[lang=ar][dir=rtl]')).to_have_count(1)
        shopper.enter_security_code()
        shopper.wait_for_confirmation()
        assert_is_arabic(shopper)
        open_saved_cards(shopper)
        assert_is_arabic(shopper)
    finally:
        shop.rpc.call('res.partner', 'write', [card.partner_id[0]], {'lang': 'en_US'})

    assert_paid(shop, reference)


def save_card(customer, number=GOOD_CARD):
    """ Have a shopper buy something and save the card. """
    go_to_payment_step(customer)
    customer.pay(is_saving=True)
    customer.enter_card(number)
    customer.wait_for_confirmation()


def hold_form(route):
    """ Keep the page from submitting its form by itself, so that it can be read. """
    response = route.fetch()
    route.fulfill(response=response, body=response.text().replace('form\').submit()', 'form\')'))


def open_saved_cards(customer):
    """ Open the page of the saved cards. """
    customer.page.goto(customer.shop_url + SAVED_CARDS)
    customer.take_screenshot('saved-cards')


def find_saved_card(customer):
    """ Return the saved card on the page. """
    return customer.page.locator('[name=o_payment_option]', has_text=DIGITS)


def read_cards(shop):
    """ Return the cards that the shopper has saved. """
    wait_for_notifications(shop)
    rows = shop.rpc.call('payment.token', 'search_read', [
        ('partner_id.user_ids.login', '=', PORTAL['login']),
    ], ['payment_details', 'payment_method_code', 'provider_ref', 'partner_id'])
    return [SimpleNamespace(**row) for row in rows]


def register_payment(shop, staff, invoice_id):
    """ Register the payment of an invoice with the card that the wizard proposes for APS. """
    page = open_form(shop, staff, 'account.move', invoice_id)
    page.locator('button[name=action_register_payment]:visible').first.click()
    wizard = page.locator('.modal')
    line = wizard.locator('[name=payment_method_line_id] input')
    line.fill("Amazon")
    page.locator('.dropdown-item', has_text="Amazon Payment Services").first.click()
    expect(wizard.locator('[name=payment_token_id] input')).to_have_value(re.compile(DIGITS))
    staff.take_screenshot('register-payment')
    wizard.locator('button[name=action_create_payments]:visible').click()
    wizard.wait_for(state='hidden')
