""" An administrator's first run, as the README has it: from Odoo's home to a paid order. """

import pytest
from playwright.sync_api import expect

from tests.support.payments import Merchant
from tests.support.till import assert_paid, go_to_payment
from workbench.sandbox_process import CREDENTIALS

TYPED_FIELDS = ('aps_merchant_identifier', 'aps_access_code', 'aps_sha_request', 'aps_sha_response')


@pytest.fixture
def merchant(shop):
    """ A merchant whose provider was never set up; it is set up in any case afterwards. """
    merchant = Merchant(shop)
    write = [merchant.provider_id]
    merchant.rpc.call('payment.provider', 'write', write, {'state': 'disabled'})
    merchant.rpc.call('payment.provider', 'write', write, {
        **dict.fromkeys(TYPED_FIELDS, False), 'is_published': False,
    })
    yield merchant
    merchant.rpc.call('payment.provider', 'write', write, {
        **CREDENTIALS, 'state': 'test', 'is_published': True,
    })


class Hand:
    """ The hand of an administrator, whose clicks and fields are counted. """

    clicks = fields = 0

    def click(self, locator):
        """ Click on something; what Odoo pops up over it for other reasons is closed before. """
        for button in locator.page.locator('.o_notification_close').all():
            button.click()
        locator.click()
        self.clicks += 1

    def fill(self, locator, text):
        """ Fill in a field. """
        locator.fill(text)
        self.fields += 1


def test_from_an_empty_provider_to_a_paid_order(shop, merchant, backend, shopper):
    """ Test each step of "Three steps in Odoo", and that they are not many. """
    page, hand = backend.page, Hand()
    hand.click(page.locator('.o_navbar_apps_menu button'))
    hand.click(page.get_by_role('menuitem', name='Invoicing', exact=True))
    # Other apps, such as the one that Odoo opens at first, have a menu "Configuration" as well.
    expect(page.locator('.o_menu_brand')).to_have_text('Invoicing')
    expect(page.locator('.o_breadcrumb')).to_contain_text('Invoices')
    hand.click(page.get_by_role('button', name='Configuration'))
    hand.click(page.get_by_role('menuitem', name='Payment Providers'))
    hand.click(page.locator('.o_kanban_record', has_text='Amazon Payment Services'))

    for name in TYPED_FIELDS:
        hand.fill(page.locator(f'[name={name}]:visible input'), CREDENTIALS[name])
    hand.click(page.get_by_label('Test Mode'))
    hand.click(page.locator('[name=action_aps_check_setup]'))
    expect(page.locator('[name=aps_check_passed]')).to_contain_text("All is well")
    hand.click(page.locator('[name=action_toggle_is_published]:visible'))
    expect(page.get_by_text('Published', exact=True)).to_be_visible()
    backend.take_screenshot('set-up')

    reference = go_to_payment(shopper)
    shopper.enter_card()
    shopper.wait_for_confirmation()
    assert_paid(shop, reference)
    assert (hand.clicks, hand.fields) == (8, 4)
