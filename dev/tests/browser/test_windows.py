""" A window whose answer got lost on the way, as Odoo's client shows it. """

import re

import pytest
from playwright.sync_api import expect

from tests.support.backend import open_form
from tests.support.payments import Merchant
from tests.support.saved_cards import save_card

CALLS = re.compile('/web/dataset/call_button')


@pytest.fixture
def merchant(shop):
    """ A merchant who lets shoppers save their cards. """
    merchant = Merchant(shop)
    provider = [merchant.provider_id]
    [former] = shop.rpc.call('payment.provider', 'read', provider, ['allow_tokenization'])
    shop.rpc.call('payment.provider', 'write', provider, {'allow_tokenization': True})
    yield merchant
    shop.rpc.call('payment.provider', 'write', provider, {
        'allow_tokenization': former['allow_tokenization'],
    })


def lose_answer_and_confirm_again(page, window, button):
    """ Click on the button of a window, lose the answer, and click once more.

    :param playwright.sync_api.Page page: The page.
    :param playwright.sync_api.Locator window: The window.
    :param playwright.sync_api.Locator button: The button.
    """
    def lose_answer(route):
        route.fetch()
        route.abort()

    page.route(CALLS, lose_answer, times=1)
    with page.expect_event('requestfailed', lambda request: CALLS.search(request.url)):
        button.click()
    expect(button).to_be_enabled()
    expect(window).to_be_visible()
    button.click()
    expect(page.locator('.modal', has_text="already requested")).to_be_visible()


def test_refund_window_whose_answer_was_lost_refunds_once(shop, merchant, backend):
    payment = merchant.receive_payment(100, command='PURCHASE')
    payment.open_refund_wizard(10).confirm()
    page = open_form(shop, backend, 'account.payment', payment.read().payment_id[0])
    page.get_by_role('button', name='Refund', exact=True).click()
    window = page.locator('.modal', has=page.locator('[name=amount_to_refund]'))
    expect(window.locator('[name=aps_recent_operations].alert')).to_contain_text("A refund of")
    window.locator('[name=amount_to_refund] input').fill('30')
    window.locator('[name=amount_to_refund] input').press('Tab')
    backend.take_screenshot('refund-window')

    lose_answer_and_confirm_again(page, window, window.locator('button[name=action_refund]'))

    backend.take_screenshot('refund-window-again')
    payment.assert_in_step(captured=10000, refunded=4000, operations=['REFUND', 'REFUND'])


def test_register_window_whose_answer_was_lost_charges_once(shop, merchant, backend):
    invoice = save_card(merchant).invoice(64)
    before = count_charges(shop)
    page = open_form(shop, backend, 'account.move', invoice.id)
    page.locator('button[name=action_register_payment]:visible').first.click()
    window = page.locator('.modal', has=page.locator('[name=payment_method_line_id]'))
    window.locator('[name=payment_method_line_id] input').fill("Amazon")
    page.locator('.dropdown-item', has_text="Amazon Payment Services").first.click()
    expect(window.locator('[name=payment_token_id] input')).to_have_value(re.compile(r'\d{4}'))

    lose_answer_and_confirm_again(
        page, window, window.locator('button[name=action_create_payments]:visible')
    )

    backend.take_screenshot('register-window-again')
    assert invoice.read_payment_state() in ('paid', 'in_payment')
    assert count_charges(shop) == before + 1


def count_charges(shop):
    """ Return how many charges of a saved card the sandbox was asked for. """
    return sum(
        request['fields'].get('eci') == 'RECURRING'
        for request in shop.sandbox('GET', 'requests')['requests']
    )
