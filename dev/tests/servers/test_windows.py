""" A window of Odoo that is confirmed again: its operation is executed once. """

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.support.payments import Merchant, Window
from tests.support.saved_cards import save_card
from workbench.rpc import Client, RPCError

CLICKS = 20
ALREADY = "already requested"


@pytest.fixture
def paid(merchant):
    """ A payment of 100.00 that is booked. """
    payment = merchant.receive_payment(100, command='PURCHASE')
    merchant.post_process()
    return payment


@pytest.fixture
def invoice(merchant):
    """ An open invoice of 64.00 whose customer has a saved card. """
    merchant.set_manual_capture(False)
    merchant.rpc.call('payment.provider', 'write', [merchant.provider_id], {
        'allow_tokenization': True,
    })
    return save_card(merchant).invoice(64)


@pytest.fixture
def click_on_both(shop):
    """ Click on a window many times at once, on both servers in turn. """
    clients = [Client(url, shop.database) for url in (shop.url, shop.second_url)]

    def click(window):
        def confirm(index):
            with suppress(RPCError):  # Refused, or too many conflicts.
                window.confirm(clients[index % 2])

        with ThreadPoolExecutor(CLICKS) as pool:
            list(pool.map(confirm, range(CLICKS)))

    return click


def wait_until(is_true):
    """ Wait for something that happens on a server that doesn't tell. """
    for _attempt in range(100):
        if is_true():
            return
        time.sleep(0.2)
    raise AssertionError("It has not happened.")


def test_refund_window_that_is_confirmed_again_refunds_once(paid):
    window = paid.open_refund_wizard(40)
    window.confirm()
    with pytest.raises(RPCError, match=ALREADY):
        window.confirm()
    paid.assert_in_step(captured=10000, refunded=4000, operations=['REFUND'])


def test_refund_window_whose_answer_was_lost_refunds_once(paid):
    window = paid.open_refund_wizard(40)
    window.confirm_and_lose_answer()
    wait_until(lambda: paid.read_ledger().refunded)
    with pytest.raises(RPCError, match=ALREADY):
        window.confirm()
    paid.assert_in_step(captured=10000, refunded=4000, operations=['REFUND'])


def test_many_clicks_on_two_servers_refund_once(paid, click_on_both):
    click_on_both(paid.open_refund_wizard(30))
    paid.assert_in_step(captured=10000, refunded=3000, operations=['REFUND'])


def test_refund_window_stays_usable_if_nothing_was_done(shop, paid):
    window = paid.open_refund_wizard(40)
    provider_id = Merchant(shop).provider_id
    shop.query(f"UPDATE payment_provider SET state = 'disabled' WHERE id = {provider_id}")
    try:
        with pytest.raises(RPCError, match="disabled"):
            window.confirm()
    finally:
        shop.query(f"UPDATE payment_provider SET state = 'test' WHERE id = {provider_id}")
    window.confirm()
    paid.assert_in_step(captured=10000, refunded=4000, operations=['REFUND'])


def test_new_refund_window_refunds_again_and_tells_of_the_former_refund(paid):
    paid.open_refund_wizard(30).confirm()
    window = paid.open_refund_wizard(30)
    told = window.read_recent_operations()
    assert "30.00" in told
    assert f"R-{paid.reference}" in told
    window.confirm()
    paid.assert_in_step(captured=10000, refunded=6000, operations=['REFUND', 'REFUND'])


def assert_charged_once(invoice):
    """ Assert that Odoo, its accounting and APS know of one charge. """
    invoice.card.merchant.wait_for_notifications()
    assert invoice.read_charged() == [6400]
    assert [row['state'] for row in invoice.read_transactions()] == ['done']
    assert len(invoice.read_payments()) == 1
    assert invoice.read_payment_state() in ('in_payment', 'paid')


def test_register_window_that_is_confirmed_again_charges_once(invoice):
    window = invoice.open_register_wizard()
    window.confirm()
    with pytest.raises(RPCError, match=ALREADY):
        window.confirm()
    assert_charged_once(invoice)


def test_register_window_whose_answer_was_lost_charges_once(invoice):
    window = invoice.open_register_wizard()
    window.confirm_and_lose_answer()
    wait_until(lambda: invoice.read_payment_state() != 'not_paid')
    with pytest.raises(RPCError, match=ALREADY):
        window.confirm()
    assert_charged_once(invoice)


def test_many_clicks_on_two_servers_charge_once(invoice, click_on_both):
    click_on_both(invoice.open_register_wizard())
    assert_charged_once(invoice)


def test_new_register_window_tells_of_the_former_charge(merchant, invoice):
    assert invoice.open_register_wizard().read_recent_operations() == ''
    invoice.register_payment()
    told = invoice.card.invoice(64).open_register_wizard().read_recent_operations()
    [row] = invoice.read_transactions()
    assert "64.00" in told
    assert row['reference'] in told


def test_new_capture_window_tells_of_the_former_capture(merchant):
    payment = merchant.receive_payment(100)
    payment.capture(40)
    context = {'active_model': 'payment.transaction', 'active_ids': [payment.id]}
    window = Window(merchant.rpc, 'payment.capture.wizard', 'action_capture', {
        'transaction_ids': [(6, 0, [payment.id])], 'amount_to_capture': 40,
    }, context)
    told = window.read_recent_operations()
    assert "40.00" in told
    assert f"P-{payment.reference}" in told
