""" Shoppers who pay the same in two tabs. """

import copy
import re

import pytest
from playwright.sync_api import expect

from tests.support.till import go_to_payment_step, settle
from workbench.browser import PENDING_CARD

NOTICE = re.compile('/payment/aps/anew')
TWICE = re.compile('/payment/aps/twice')
PHONE = {'width': 375, 'height': 740}


def open_tab(shopper):
    """ Open the page of a shopper once more, in another tab. """
    other = copy.copy(shopper)
    other.page = shopper.context.new_page()
    other.page.set_viewport_size(shopper.page.viewport_size)
    other.page.goto(shopper.page.url)
    return other


def leave_payment_step(shopper):
    """ Click on the button of a payment step that was opened before. """
    button = shopper.page.locator('button[name=o_payment_submit_button]:visible').first
    expect(button).to_be_enabled()
    button.click()


@pytest.mark.parametrize('size', [None, PHONE])
def test_shopper_who_pays_in_a_second_tab_is_told_first_and_afterwards(shop, shopper, size):
    """ Test the notice, with the keyboard only, and the page of who has paid twice. """
    if size:
        shopper.page.set_viewport_size(size)
    go_to_payment_step(shopper)
    second = open_tab(shopper)
    reference = shopper.pay()
    shopper.enter_card(PENDING_CARD)
    shopper.page.wait_for_url(re.compile('/payment/status|/shop/confirmation'))

    leave_payment_step(second)
    second.page.wait_for_url(NOTICE)
    expect(second.page.locator('#wrap')).to_contain_text("is being confirmed")
    width = second.page.evaluate('document.documentElement.scrollWidth')
    assert width <= second.page.viewport_size['width'], "It fits the screen."
    second.take_screenshot('notice')

    second.page.locator('#wrap button[type=submit]').focus()
    second.page.keyboard.press('Enter')
    second.page.wait_for_url(re.compile('/FortAPI/'))
    second.enter_card()
    second.page.wait_for_url(re.compile('/shop/confirmation'))
    settle(shop, reference)
    second.page.goto(f'{shop.url}/payment/status')
    second.page.wait_for_url(TWICE)
    expect(second.page.locator('#wrap')).to_contain_text("has been paid twice")
    second.take_screenshot('paid-twice')
    second.page.get_by_role('link', name="Continue").click()
    second.page.wait_for_url(re.compile('/shop/confirmation'))


def test_notice_works_without_scripts(shop, shopper, make_shopper):
    """ Test a browser that runs no scripts once the notice is there. """
    go_to_payment_step(shopper)
    second = open_tab(shopper)
    shopper.pay()
    shopper.enter_card(PENDING_CARD)
    shopper.page.wait_for_url(re.compile('/payment/status|/shop/confirmation'))
    leave_payment_step(second)
    second.page.wait_for_url(NOTICE)

    plain = make_shopper(
        java_script_enabled=False, storage_state=second.context.storage_state()
    )
    plain.page.goto(f'{shop.url}/payment/aps/anew')
    plain.page.locator('#wrap button[type=submit]').click()
    plain.page.wait_for_url(re.compile('/FortAPI/'))
