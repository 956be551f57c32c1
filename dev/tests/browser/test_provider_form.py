""" An administrator sets the provider up in its form. """

import pytest
from playwright.sync_api import expect

from tests.support.backend import open_form
from tests.support.payments import Merchant
from workbench.sandbox_process import CREDENTIALS


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

    steps = form.find('aps_checklist').locator('li')
    expect(steps).to_have_count(5)
    expect(steps.nth(0)).to_contain_text("Checked successfully")
    expect(steps.filter(has_text="Feedback and notifications").get_by_title("Done")).to_be_visible()
    expect(steps.filter(has_text="Template of the payment page")).to_contain_text("Templates")
    expect(form.find('aps_test_warning')).to_contain_text("can't reach 127.0.0.1")
    form.admin.take_screenshot('form')


def test_addresses_are_copied_with_one_click(form, shop):
    """ Test the buttons beside the addresses. """
    for name, path in (('aps_return_url', 'return'), ('aps_webhook_url', 'webhook')):
        form.find(name).locator('.o_clipboard_button').click()
        assert form.page.evaluate('navigator.clipboard.readText()').endswith(f'/aps/{path}')


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
