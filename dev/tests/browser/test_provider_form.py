""" An administrator sets the provider up in its form. """

import re

import pytest
from playwright.sync_api import expect

from tests.support.backend import open_form
from tests.support.live_account import LIVE, live_account, take_test_payments_again
from tests.support.payments import Merchant
from tests.support.till import assert_paid
from workbench.sandbox_process import CREDENTIALS

PAYMENT_PAGE_HOST = 'https://checkout.payfort.com'


@pytest.fixture
def merchant(shop):
    """ A merchant whose credentials are put right afterwards. """
    merchant = Merchant(shop)
    yield merchant
    merchant.rpc.call('payment.provider', 'write', [merchant.provider_id], CREDENTIALS)


@pytest.fixture
def form(shop, backend, merchant):
    """ The form of the provider, in the browser of an administrator. """
    return Form(shop, backend, merchant.provider_id)


class Form:
    """ The form of the provider. """

    def __init__(self, shop, admin, provider_id):
        self.shop, self.admin = shop, admin
        self.page = open_form(shop, admin, 'payment.provider', provider_id)

    def find(self, name):
        """ Return the visible element of a name. """
        return self.page.locator(f'[name={name}]:visible')

    def enter(self, name, value):
        """ Type a credential. """
        self.find(name).locator('input').fill(value)

    def save(self):
        """ Save the form. """
        self.page.locator('.o_form_button_save').click()
        expect(self.page.locator('.o_form_button_save')).to_be_hidden()

    def check(self):
        """ Have the credentials checked. """
        self.find('action_aps_check_setup').click()


def test_checklist_says_what_odoo_can_see(form, merchant):
    """ Test that all five steps are there, with what is to be entered in the dashboard. """
    merchant.receive_payment(100, command='PURCHASE')
    form.check()
    expect(form.find('aps_check_passed')).to_contain_text("All is well")

    steps = form.page.locator('.o_aps_steps li')
    expect(steps).to_have_count(5)
    expect(steps.nth(0)).to_contain_text("Checked successfully")
    expect(steps.filter(has_text="Feedback and notifications").get_by_title("Done")).to_be_visible()
    expect(steps.filter(has_text="Template of the payment page")).to_contain_text("Templates")
    expect(form.find('aps_test_warning')).to_contain_text("can't reach 127.0.0.1")
    form.admin.take_screenshot('form')


def test_addresses_are_copied_with_one_click(form, shop):
    """ Test the buttons beside the addresses. """
    for name, path in (
        ('aps_origin_url', ''), ('aps_return_url', '/payment/aps/return'),
        ('aps_webhook_url', '/payment/aps/webhook'),
    ):
        form.find(name).locator('.o_clipboard_button').click()
        assert form.page.evaluate('navigator.clipboard.readText()') == f'{shop.url}{path}'


def test_wrong_credential_is_named_beside_it_and_put_right(form):
    """ Test the way of an administrator who pasted the wrong phrase. """
    form.enter('aps_sha_request', "something else")
    form.save()
    form.check()
    expect(form.find('aps_check_failed')).to_contain_text("The SHA request phrase is wrong")
    expect(form.find('aps_check_failed')).not_to_contain_text("something else")
    expect(form.find('aps_checklist').get_by_title("Wrong")).to_be_visible()
    form.admin.take_screenshot('failed')

    form.enter('aps_sha_request', CREDENTIALS['aps_sha_request'])
    form.save()
    expect(form.find('aps_check_failed')).to_have_count(0)
    form.check()
    expect(form.find('aps_check_passed')).to_contain_text("All is well")


def test_swapped_phrases_and_sha_type_are_put_right_with_one_click_each(shop, backend, merchant):
    """ Test that nothing has to be typed to put right what the check knows the remedy of. """
    # Each series has a widget of its own for it.
    merchant.rpc.call(
        'payment.provider', 'write', [merchant.provider_id], {'aps_sha_type': 'sha512'}
    )
    form = Form(shop, backend, merchant.provider_id)
    form.enter('aps_sha_request', CREDENTIALS['aps_sha_response'])
    form.enter('aps_sha_response', CREDENTIALS['aps_sha_request'])
    form.save()
    form.check()
    expect(form.find('aps_check_failed')).to_contain_text("with SHA type SHA-256")
    form.admin.take_screenshot('swapped')

    form.find('action_aps_swap_phrases').click()
    expect(form.find('aps_check_failed')).to_contain_text("APS accepts SHA-256")
    expect(form.find('action_aps_swap_phrases')).to_have_count(0)
    form.admin.take_screenshot('sha-type')

    form.find('action_aps_use_sha_type').click()
    expect(form.find('aps_check_passed')).to_contain_text("All is well")


def test_network_trouble_is_no_mistake(form, shop, merchant):
    """ Test the box of a check that APS didn't answer. """
    merchant.point_to('http://127.0.0.1:9')
    try:
        form.check()
        expect(form.find('aps_check_unanswered')).to_contain_text("can't be reached")
        expect(form.find('aps_check_failed')).to_have_count(0)
        form.admin.take_screenshot('unreachable')
    finally:
        merchant.point_to(shop.sandbox_url)


def test_test_payment_turns_the_checklist_green(form, shop):
    """ Test the way from the form to the payment page and back. """
    shop.query('DELETE FROM payment_aps_message')
    form.check()
    expect(form.find('aps_check_passed')).to_be_visible()
    steps = form.page.locator('.o_aps_steps')
    expect(steps.get_by_title("To do")).to_have_count(2)
    form.admin.take_screenshot('before')

    with form.page.context.expect_page() as pages:
        form.find('action_aps_make_test_payment').click()
    payer = form.admin
    payer.page = pages.value
    payer.page.locator('[name=o_payment_submit_button]:visible').wait_for()
    payer.take_screenshot('test-payment')
    reference = payer.pay()
    payer.enter_card()
    payer.page.wait_for_url(re.compile('/payment/confirmation'))
    assert_paid(shop, reference, amount_minor=100)

    payer.page = form.page
    form.find('action_aps_look_again').click()
    expect(steps.get_by_title("To do")).to_have_count(0)
    form.admin.take_screenshot('after')


def test_live_payments_are_asked_about(form):
    """ Test that what is left to do is said as soon as the state is chosen, before it is saved. """
    form.check()
    expect(form.find('aps_check_passed')).to_be_visible()
    form.page.get_by_label('Enabled', exact=True).click()
    dialog = form.page.locator('.modal')
    expect(dialog).to_contain_text("Shoppers pay real money as soon as you save")
    form.admin.take_screenshot('live-question')
    dialog.get_by_role('button').last.click()
    expect(form.find('aps_check_passed')).to_have_count(0)
    expect(form.page.locator('.o_aps_steps').get_by_title("Done")).to_have_count(0)
    form.admin.take_screenshot('live-unsaved')
    form.page.locator('.o_form_button_cancel').click()
    expect(form.find('aps_check_passed')).to_be_visible()


@pytest.fixture
def live(shop, form, merchant):
    """ A live account, whose hosts are those of APS in the eyes of Odoo and of the browser.

    :return: The addresses of APS that the browser asked for.
    """
    key, addresses = 'web.base.url', []
    # Another site than the shop, as the payment page of the sandbox is in all tests.
    page_host = shop.sandbox_url.replace('127.0.0.1', 'localhost')

    def lead_to_sandbox(route):
        addresses.append(route.request.url)
        location = route.request.url.replace(PAYMENT_PAGE_HOST, page_host)
        route.fulfill(status=307, headers={'Location': location})

    form.page.context.route(f'{PAYMENT_PAGE_HOST}/**', lead_to_sandbox)
    merchant.rpc.call('ir.config_parameter', 'set_param', key, 'https://shop.example.com')
    with live_account(shop), shop.open_live_host():
        yield addresses
        take_test_payments_again(shop, merchant.provider_id)
    merchant.rpc.call('ir.config_parameter', 'set_param', key, shop.url)


class LiveKeys(Form):
    """ The window that leads to live payments. """

    def __init__(self, form):
        self.page, self.admin = form.page, form.admin
        form.find('action_aps_prepare_live_payments').click()
        expect(self.find('action_check')).to_be_visible()

    def find(self, name):
        """ Return the visible element of a name. """
        return self.page.locator(f'.modal [name={name}]:visible')

    def confirm(self):
        """ Answer a question with yes. """
        question = self.page.locator('.modal', has_text="real money from here on")
        question.locator('.btn-primary').click()


def test_from_test_mode_to_the_first_real_payment(form, shop, live):
    """ Test the whole walk: live keys, what is wrong with them, the switch, and a payment. """
    form.check()
    expect(form.find('aps_check_passed')).to_contain_text("the sandbox account")
    window = LiveKeys(form)
    form.admin.take_screenshot('window')
    swapped = {'aps_sha_request': 'aps_sha_response', 'aps_sha_response': 'aps_sha_request'}
    for name in LIVE:
        if name != 'aps_sha_type':
            window.enter(name, LIVE[swapped.get(name, name)])
            masked = 'text' if name == 'aps_merchant_identifier' else 'password'
            expect(window.find(name).locator('input')).to_have_attribute('type', masked)
    expect(window.find('action_go_live')).to_have_count(0)
    window.find('action_check').click()
    expect(window.find('aps_check_failed')).to_contain_text("The two phrases are swapped")
    form.admin.take_screenshot('window-swapped')
    window.find('action_put_right').click()
    expect(window.find('aps_check_passed')).to_contain_text("the live account")
    expect(window.find('action_check')).to_have_count(0)
    form.admin.take_screenshot('window-checked')

    window.find('action_go_live').click()
    form.admin.take_screenshot('window-question')
    window.confirm()
    expect(form.page.locator('.modal')).to_have_count(0)
    expect(form.page.get_by_label('Enabled', exact=True)).to_be_checked()
    expect(form.find('aps_check_passed')).to_contain_text("the live account")
    expect(form.find('aps_live_warning')).to_contain_text("click on Make a Real Payment")
    expect(form.find('action_aps_prepare_live_payments')).to_have_count(0)
    steps = form.page.locator('.o_aps_steps')
    expect(steps.get_by_title("To do")).to_have_count(2)
    form.admin.take_screenshot('enabled')

    pay_for_real(form, shop)
    assert live == [f'{PAYMENT_PAGE_HOST}/FortAPI/paymentPage']
    form.find('action_aps_look_again').click()
    expect(steps.get_by_title("To do")).to_have_count(0)
    expect(form.find('aps_live_warning')).to_have_count(0)
    form.admin.take_screenshot('enabled-and-paid')


def pay_for_real(form, shop):
    """ Make the payment that is left to do, on the live payment page. """
    form.find('action_aps_make_test_payment').click()
    with form.page.context.expect_page() as pages:
        form.page.locator('.modal .btn-primary').click()
    payer = form.admin
    payer.page = pages.value
    payer.page.locator('[name=o_payment_submit_button]:visible').wait_for()
    reference = payer.pay()
    payer.enter_card()
    payer.page.wait_for_url(re.compile('/payment/confirmation'))
    assert_paid(shop, reference, amount_minor=100)
    payer.page = form.page


def test_secrets_are_masked(form):
    """ Test that nobody reads a secret over the shoulder of an administrator. """
    for name in ('aps_access_code', 'aps_sha_request', 'aps_sha_response'):
        expect(form.find(name).locator('input')).to_have_attribute('type', 'password')


@pytest.fixture
def arabic(shop):
    """ Have the administrator read Arabic. """
    shop.rpc.call('res.users', 'write', [shop.rpc.uid], {'lang': 'ar_001'})
    yield
    shop.rpc.call('res.users', 'write', [shop.rpc.uid], {'lang': 'en_US'})


def test_form_is_in_arabic(arabic, form, merchant):
    """ Test that form, findings and trail are read from right to left, with nothing in English. """
    form.enter('aps_sha_request', "something else")
    form.save()
    form.check()
    expect(form.find('aps_check_failed')).to_contain_text("عبارة")
    expect(form.page.locator('body.o_rtl')).to_be_visible()
    for english in ("Check Credentials", "Access Code", "In the APS Dashboard", "Last return"):
        expect(form.page.locator('.o_form_view')).not_to_contain_text(english)
    form.admin.take_screenshot('arabic')

    payment = merchant.receive_payment(100, command='PURCHASE')
    page = open_form(form.shop, form.admin, 'payment.transaction', payment.id)
    page.locator('button[name=action_aps_view_messages]').click()
    expect(page.locator('.o_list_view .o_data_row').first).to_be_visible()
    form.admin.take_screenshot('arabic-trail')
