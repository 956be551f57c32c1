""" A shopper pays by card, or tries to. """

import re

from playwright.sync_api import expect

from tests.support.till import (
    assert_not_paid,
    assert_paid,
    change_sandbox_account,
    deliver_held_notifications,
    go_to_payment,
    hold_notification,
    read_ledger,
    settle,
    wait_for_notifications,
)
from workbench.browser import BAD_CARD, PENDING_CARD
from workbench.shop import PORTAL

NOT_CHARGED = "declined the payment. You have not been charged"


def test_guest_pays_by_card_and_has_the_order_confirmed(shop, shopper):
    """ Test that a guest who pays reads so, and that order, payment and ledger agree. """
    reference = go_to_payment(shopper)

    with shopper.stay_on_status_page():
        shopper.enter_card()
        shopper.wait_for_status("processed")
        shopper.take_screenshot('status-paid')
    shopper.wait_for_confirmation()

    expect(shopper.page.locator('#wrap')).to_contain_text("Thank you for your order")
    expect(shopper.page.locator('#wrap')).to_contain_text(
        re.compile("payment has been (successfully )?processed")
    )
    assert_paid(shop, reference)
    assert len(shop.read_payment(reference)['orders']) == 1


def test_portal_user_pays_by_card_and_has_the_order_confirmed(shop, shopper):
    """ Test that a shopper with an account pays, and finds the order there. """
    shopper.log_in(**PORTAL)
    reference = go_to_payment(shopper)

    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert_paid(shop, reference)
    order_name = shop.read_payment(reference)['orders'][0]['name']
    shopper.page.goto(f'{shop.url}/my/orders')
    expect(shopper.page.locator('#wrap')).to_contain_text(order_name)


def test_shopper_whose_card_is_declined_pays_with_another_one(shop, shopper):
    """ Test that a refused card leaves the order open, and that only the second one pays. """
    declined_reference = go_to_payment(shopper)
    with shopper.stay_on_status_page():
        shopper.enter_card(BAD_CARD)
        shopper.wait_for_status(NOT_CHARGED)
        shopper.take_screenshot('status-declined')
    expect(shopper.page.get_by_role('heading', name="Payment declined")).to_be_visible()
    assert_not_paid(shop, declined_reference, 'error')
    shopper.try_again()
    expect(shopper.page.locator('#o_payment_form')).to_be_visible()

    paid_reference = shopper.pay()
    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert paid_reference != declined_reference
    assert_paid(shop, paid_reference)
    assert_not_paid_by(shop, declined_reference)


def test_shopper_who_cancels_reads_so_and_is_not_charged(shop, shopper):
    """ Test that a cancellation on the payment page is told to the shopper. """
    reference = go_to_payment(shopper)

    with shopper.stay_on_status_page():
        shopper.cancel()
        shopper.wait_for_status("You canceled the payment. You have not been charged")
        shopper.take_screenshot('status-canceled')
    expect(shopper.page.get_by_role('heading', name="Payment canceled")).to_be_visible()

    assert_not_paid(shop, reference, 'cancel')


def test_pending_payment_is_told_so_and_confirmed_once_it_is_settled(shop, shopper):
    """ Test that the status page waits for the decision, and goes on to the confirmation. """
    reference = go_to_payment(shopper)
    shopper.enter_card(PENDING_CARD)
    shopper.wait_for_status("do not pay again")
    shopper.take_screenshot('status-pending')
    wait_for_notifications(shop)
    assert_not_paid(shop, reference, 'pending')

    settle(shop, reference)
    shopper.wait_for_confirmation()

    assert_paid(shop, reference)


def test_failure_that_comes_while_the_shopper_waits_shows_the_way_back(shop, shopper):
    """ Test that the status page, which learns it by asking, turns into the other one. """
    reference = go_to_payment(shopper)
    shopper.enter_card(PENDING_CARD)
    shopper.wait_for_status("do not pay again")
    wait_for_notifications(shop)

    settle(shop, reference, 'declined')

    expect(shopper.page.get_by_role('heading', name="Payment declined")).to_be_visible()
    shopper.try_again()
    # The cart has become a quotation, which can be paid on its own page.
    shopper.page.wait_for_url(re.compile('/my/orders/'))
    expect(shopper.page.locator('#wrap')).to_contain_text(re.compile("Pay"))
    assert_not_paid(shop, reference, 'error')


def test_card_that_is_declined_on_the_page_is_followed_by_one_that_pays(shop, shopper):
    """ Test that a failure that is notified first does not stand in the way of the success. """
    change_sandbox_account(shop, attempts=3)
    reference = go_to_payment(shopper)
    shopper.enter_card(BAD_CARD)
    expect(shopper.page.locator('#failure')).to_be_visible()
    wait_for_notifications(shop)
    assert_not_paid(shop, reference, 'error')

    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert_paid(shop, reference, attempts=2)


def test_late_feedback_about_the_declined_card_does_not_undo_the_payment(shop, shopper):
    """ Test that the failure of a first attempt that comes after the success changes nothing. """
    change_sandbox_account(shop, attempts=3)
    reference = go_to_payment(shopper)
    hold_notification(shop, reference)
    shopper.enter_card(BAD_CARD)
    expect(shopper.page.locator('#failure')).to_be_visible()
    shopper.enter_card()
    shopper.wait_for_confirmation()

    statuses = deliver_held_notifications(shop, reference)

    assert statuses == [200]
    assert_paid(shop, reference, attempts=2)


def assert_not_paid_by(shop, reference):
    """ Assert that no money was taken under a reference, whatever became of its order. """
    assert read_ledger(shop, reference)['captured'] == 0
    outcome = shop.read_payment(reference)
    assert (outcome['transaction']['state'], outcome['payment']) == ('error', False)
