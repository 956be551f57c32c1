""" What a merchant clicks in the backend. """

import pytest
from playwright.sync_api import expect

from tests.support.backend import open_form
from tests.support.payments import Merchant


@pytest.fixture
def merchant(shop):
    """ A merchant who captures manually. """
    merchant = Merchant(shop)
    merchant.set_manual_capture(True)
    yield merchant
    shop.sandbox('DELETE', 'faults')
    merchant.set_manual_capture(False)


def test_wizard_captures_a_part(shop, merchant, backend):
    payment = merchant.receive_payment(100)
    page = open_form(shop, backend, 'payment.transaction', payment.id)

    page.get_by_role('button', name='Capture Transaction').click()
    dialog = page.locator('.modal')
    dialog.locator('[name=amount_to_capture] input').fill('60')
    dialog.locator('[name=amount_to_capture] input').press('Tab')
    backend.take_screenshot('capture-wizard')
    dialog.get_by_role('button', name='Capture').click()
    dialog.wait_for(state='hidden')

    page.reload()
    expect(page.locator('[name=child_transaction_ids]').first).to_contain_text('60.00')
    expect(page.get_by_role('button', name='Close Remaining Amount')).to_be_visible()
    backend.take_screenshot('captured')
    payment.assert_in_step(captured=6000, operations=['CAPTURE'])


def test_outcome_that_is_not_known_yet_is_shown_and_settled_by_the_button(shop, merchant, backend):
    payment = merchant.receive_payment(100)
    merchant.hold_notifications()
    merchant.order_fault('CAPTURE', 'close')
    payment.capture(40)
    [child] = payment.read_family(is_child=True)
    page = open_form(shop, backend, 'payment.transaction', child['id'])
    expect(page.locator('[name=aps_request_state]')).to_contain_text("Waiting for the outcome")

    page.get_by_role('button', name='Check with APS').click()

    expect(page.locator('[name=aps_request_state]')).to_have_count(0)
    payment.assert_in_step(captured=4000, operations=['CAPTURE'])


def test_void_is_offered_only_where_it_can_be_done(shop, merchant, backend):
    payment = merchant.receive_payment(100)
    page = open_form(shop, backend, 'payment.transaction', payment.id)
    void = page.get_by_role('button', name='Void Transaction')
    expect(void).to_be_visible()

    payment.capture(40)
    page = open_form(shop, backend, 'payment.transaction', payment.id)

    expect(page.get_by_role('button', name='Close Remaining Amount')).to_be_visible()
    expect(void).to_be_hidden()
    payment.assert_in_step(captured=4000, operations=['CAPTURE'])


def test_wizard_refunds_a_part_of_an_accounting_payment(shop, merchant, backend):
    payment = merchant.receive_payment(100, command='PURCHASE')
    merchant.post_process()
    page = open_form(shop, backend, 'account.payment', payment.read().payment_id[0])

    page.get_by_role('button', name='Refund', exact=True).click()
    dialog = page.locator('.modal')
    dialog.locator('[name=amount_to_refund] input').fill('30')
    dialog.locator('[name=amount_to_refund] input').press('Tab')
    backend.take_screenshot('refund-wizard')
    dialog.get_by_role('button', name='Refund').click()
    dialog.wait_for(state='hidden')

    payment.assert_in_step(captured=10000, refunded=3000, operations=['REFUND'])


def test_payment_that_nobody_asks_about_is_closed_with_a_reason(shop, merchant, backend):
    payment = merchant.open_page(100, command='PURCHASE')
    payment.pay(result='40090')
    assert payment.read().state == 'pending'
    page = open_form(shop, backend, 'payment.transaction', payment.id)
    button = page.locator('button[name=action_aps_open_closing]')
    expect(button).to_have_count(0)  # It is asked about.
    shop.query(f'UPDATE payment_transaction SET aps_next_check = NULL WHERE id = {payment.id}')

    page.reload()
    button.click()
    dialog = page.locator('.modal')
    dialog.locator('[name=reason] input').fill("The dashboard shows nothing")
    backend.take_screenshot('closing')
    dialog.locator('button[name=action_close]').click()
    dialog.wait_for(state='hidden')

    assert payment.read().state == 'cancel'
    [row] = payment.read_family()
    assert "The dashboard shows nothing" in row['aps_staff_message']
