""" An administrator's first run, as the README has it: from Odoo's home to a paid order. """

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect
from till import assert_paid, go_to_payment
from workbench.browser import Shopper
from workbench.payments import Merchant
from workbench.sandbox_process import CREDENTIALS

# A folder for screenshots, if they are wanted.
SCREENSHOTS = os.environ.get('APS_SCREENSHOTS')
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


class Administrator(Shopper):
    """ An administrator whose clicks and fields are counted. """

    clicks = fields = 0

    def click(self, locator):
        """ Click on something. """
        locator.click()
        self.clicks += 1

    def fill(self, locator, text):
        """ Fill in a field. """
        locator.fill(text)
        self.fields += 1


@pytest.fixture
def admin(shop, browser, request):
    """ The administrator, at Odoo's home. """
    folder = Path(SCREENSHOTS) / shop.series / request.node.name if SCREENSHOTS else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    admin = Administrator(browser, shop.url, screenshots=folder)
    admin.log_in('admin', 'admin')
    yield admin
    admin.close()


def test_from_an_empty_provider_to_a_paid_order(shop, merchant, admin, make_shopper):
    """ Test each step of "Three steps in Odoo", and that they are not many. """
    page = admin.page
    admin.click(page.locator('.o_navbar_apps_menu button'))
    admin.click(page.get_by_role('menuitem', name='Invoicing', exact=True))
    admin.click(page.get_by_role('button', name='Configuration'))
    admin.click(page.get_by_role('menuitem', name='Payment Providers'))
    admin.click(page.locator('.o_kanban_record', has_text='Amazon Payment Services'))

    for name in TYPED_FIELDS:
        admin.fill(page.locator(f'[name={name}]:visible input'), CREDENTIALS[name])
    admin.click(page.get_by_label('Test Mode'))
    admin.click(page.locator('[name=action_aps_check_setup]'))
    expect(page.locator('[name=aps_check_passed]')).to_contain_text("All is well")
    admin.click(page.locator('[name=action_toggle_is_published]:visible'))
    expect(page.get_by_text('Published', exact=True)).to_be_visible()
    admin.take_screenshot('set-up')

    shopper = make_shopper()
    reference = go_to_payment(shopper)
    shopper.enter_card()
    shopper.wait_for_confirmation()
    assert_paid(shop, reference)
    assert (admin.clicks, admin.fields) == (8, 4)
