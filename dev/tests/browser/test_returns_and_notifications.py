""" The two ways by which a result reaches the shop: the browser's return and the notification. """

from datetime import datetime, timedelta

from tests.support.till import (
    assert_paid,
    change_sandbox_account,
    deliver_held_notifications,
    go_to_payment,
    hold_notification,
    wait_for_notifications,
)

RETURN = '**/payment/aps/return*'


def test_payment_is_confirmed_by_the_webhook_when_the_browser_never_returns(shop, shopper):
    """ Test that a closed browser costs nothing but time: the cron completes the order. """
    reference = go_to_payment(shopper)
    shopper.page.route(RETURN, lambda route: route.abort())

    with shopper.page.expect_event('requestfailed'):
        shopper.enter_card()
    shopper.errors.clear()  # The browser complains about the return that was cut off.
    wait_for_notifications(shop)

    assert shop.read_transaction(reference).state == 'done'
    complete_payments(shop, reference)
    assert_paid(shop, reference)


def test_return_alone_confirms_when_the_webhook_is_late(shop, shopper):
    """ Test that the shopper need not wait for a notification, which changes nothing later. """
    reference = go_to_payment(shopper)
    hold_notification(shop, reference)

    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert_paid(shop, reference)
    assert deliver_held_notifications(shop, reference) == [200]
    assert_paid(shop, reference)


def test_return_by_get_confirms_as_well(shop, shopper):
    """ Test that an account whose browsers return by GET works on its own, and cancels too. """
    change_sandbox_account(shop, return_method='GET')
    reference = go_to_payment(shopper)
    hold_notification(shop, reference)

    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert_paid(shop, reference)


def test_shopper_whose_return_brings_nothing_need_not_wait(shop, shopper):
    """ Test that the status page asks APS if neither return nor webhook has told anything yet. """
    reference = go_to_payment(shopper)
    hold_notification(shop, reference)
    shopper.page.route(RETURN, lambda route: route.continue_(post_data=''))

    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert_paid(shop, reference, method='card', queries=1)  # A query doesn't tell the brand.


def test_shopper_who_goes_back_in_the_browser_can_pay_the_same_order(shop, shopper):
    """ Test that leaving the payment page by the back button leaves nothing half paid. """
    left_reference = go_to_payment(shopper)
    shopper.open_payment_step()

    paid_reference = shopper.pay()
    shopper.enter_card()
    shopper.wait_for_confirmation()

    assert paid_reference != left_reference
    assert_paid(shop, paid_reference)
    assert shop.read_transaction(left_reference).state in ('draft', 'cancel')


def complete_payments(shop, reference):
    """ Run the engine's cron, which leaves payments to the shopper's browser for ten minutes. """
    transaction = shop.read_transaction(reference)
    earlier = datetime.utcnow() - timedelta(minutes=11)
    shop.rpc.call('payment.transaction', 'write', [transaction.id], {
        'last_state_change': earlier.strftime('%Y-%m-%d %H:%M:%S'),
    })
    cron_id = shop.rpc.ref('payment.cron_post_process_payment_tx')
    shop.rpc.call('ir.cron', 'method_direct_trigger', [cron_id])
