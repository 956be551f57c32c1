""" Saved cards, from the shopper's consent to the charge without the shopper. """

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest

from tests.support.payments import Merchant
from tests.support.saved_cards import (
    CARD_DECLINED_LATER,
    CARD_UNCERTAIN_LATER,
    MADA_CARD,
    save_card,
)
from workbench.rpc import RPCError

PAID = {'posted', 'in_process', 'paid'}
CANCELED = {'cancel', 'canceled'}
EXECUTED = ('timeout_after', 'error_500_after', 'close', 'wrong_signature', 'garbage')
NOT_EXECUTED = ('timeout_before', 'error_500', 'close_before')
numbers = itertools.count(1)


@pytest.fixture
def merchant(shop):
    """ A merchant who lets shoppers save their cards, mada among them. """
    merchant = Merchant(shop)
    merchant.switch_methods(['mada'], True)
    shop.rpc.call('payment.provider', 'write', [merchant.provider_id], {
        'allow_tokenization': True,
    })
    merchant.set_read_timeout(2)
    yield merchant
    shop.sandbox('DELETE', 'faults')
    merchant.switch_methods(['mada'], False)


@pytest.fixture
def memo():
    """ The name of a document that nobody else pays. """
    return f'INV{time.time_ns() % 10**8}N{next(numbers)}'


def assert_charged_once(charge, amount_minor):
    """ Assert that Odoo, its accounting and APS agree on one charge. """
    charge.merchant.wait_for_notifications()
    assert [row['state'] for row in charge.read_transactions()] == ['done']
    assert len([state for state in charge.read_payments() if state in PAID]) == 1
    assert charge.read_captured() == amount_minor
    assert len(charge.read_requests()) == 1


def test_saved_card_is_kept_without_what_could_be_stolen(shop, merchant):
    token = save_card(merchant).read()
    assert token.payment_details == '1111'
    assert token.payment_method_code == 'visa'
    [saved] = [
        row for row in shop.sandbox('GET', 'tokens')['tokens'] if row['name'] == token.provider_ref
    ]
    assert saved['is_active']


def test_charge_is_made_and_accounted_at_once(merchant, memo):
    charge = save_card(merchant).charge(75.5, memo)
    assert_charged_once(charge, 7550)
    [request] = charge.read_requests()
    assert 'return_url' not in request['fields']


def test_declined_charge_says_so_and_takes_nothing(merchant, memo):
    charge = save_card(merchant, CARD_DECLINED_LATER).charge(75.5, memo)
    [row] = charge.read_transactions()
    assert row['state'] == 'error'
    assert '13666' in row['aps_staff_message']
    assert set(charge.read_payments()) <= CANCELED
    assert charge.read_captured() == 0


@pytest.mark.parametrize(('fault', 'reason'), [
    (None, "can't be reached"), ({'fault': 'answer', 'response_code': '00042'}, "00042"),
])
def test_charge_that_was_not_made_says_why_and_can_be_repeated(merchant, memo, fault, reason):
    card = save_card(merchant)
    if fault:
        merchant.order_fault('PURCHASE', **fault)
    else:
        merchant.point_to('http://127.0.0.1:9')
    try:
        charge = card.charge(75.5, memo)
    finally:
        merchant.point_to(merchant.shop.sandbox_url)
    [row] = charge.read_transactions()
    assert row['state'] == 'error'
    assert reason in row['state_message']
    assert set(charge.read_payments()) <= CANCELED
    assert charge.read_captured() == 0
    assert not merchant.shop.query(
        f"SELECT id FROM payment_aps_charge WHERE reference = '{row['reference']}'"
    ), "It would be in the way of the next attempt."

    again = card.charge(75.5, memo)
    assert [row['state'] for row in again.read_transactions()] == ['error', 'done']
    assert again.read_captured() == 7550


@pytest.mark.parametrize('fault', EXECUTED)
def test_charge_without_answer_is_settled_while_the_user_waits(merchant, memo, fault):
    card = save_card(merchant)
    merchant.order_fault('PURCHASE', fault, seconds=3)
    charge = card.charge(75.5, memo)
    assert_charged_once(charge, 7550)


@pytest.mark.parametrize('fault', NOT_EXECUTED)
def test_charge_that_never_arrived_is_pending_then_failed(merchant, memo, fault):
    card = save_card(merchant)
    merchant.order_fault('PURCHASE', fault, seconds=3)
    charge = card.charge(75.5, memo)
    [row] = charge.read_transactions()
    assert row['state'] == 'pending', "It may still be on its way."
    with_same_memo = card.charge(75.5, memo)
    assert [row['state'] for row in with_same_memo.read_transactions()] == ['pending', 'error']

    merchant.shop.query(
        "UPDATE payment_transaction SET aps_request_date = aps_request_date - interval '1 hour' "
        f"WHERE reference = '{row['reference']}'"
    )
    merchant.rpc.call('payment.transaction', 'action_aps_check_status', [row['id']])

    assert charge.read_transactions()[0]['state'] == 'error'
    assert charge.read_captured() == 0
    assert_charged_once(card.charge(75.5, f'{memo}again'), 7550)


def test_charge_that_is_settled_later_is_accounted_all_the_same(merchant, memo):
    card = save_card(merchant)
    merchant.hold_notifications()
    merchant.order_fault('PURCHASE', 'error_500_after')
    merchant.order_fault('CHECK_STATUS', 'error_500', times=3)
    charge = card.charge(75.5, memo)
    [row] = charge.read_transactions()
    assert row['state'] == 'pending'
    assert set(charge.read_payments()) <= CANCELED

    merchant.shop.sandbox('DELETE', 'faults')
    merchant.rpc.call('payment.transaction', 'action_aps_check_status', [row['id']])
    merchant.post_process()

    assert_charged_once(charge, 7550)


@pytest.fixture
def uncertain_invoice(merchant):
    """ An invoice of which nobody knows whether it is paid, as APS doesn't answer. """
    invoice = save_card(merchant).invoice(75.5)
    merchant.hold_notifications()
    merchant.order_fault('PURCHASE', 'error_500_after')
    merchant.order_fault('CHECK_STATUS', 'error_500', times=3)
    invoice.register_payment()
    [row] = invoice.read_transactions()
    assert row['state'] == 'pending'
    assert invoice.read_payment_state() == 'not_paid'
    merchant.shop.sandbox('DELETE', 'faults')
    return invoice


def test_charge_of_an_invoice_that_is_settled_later_pays_the_invoice(merchant, uncertain_invoice):
    assert not uncertain_invoice.is_told_that_it_is_paid()

    [row] = uncertain_invoice.read_transactions()
    merchant.rpc.call('payment.transaction', 'action_aps_check_status', [row['id']])
    merchant.post_process()

    assert [row['state'] for row in uncertain_invoice.read_transactions()] == ['done']
    assert uncertain_invoice.read_payment_state() in ('in_payment', 'paid')


def test_charge_that_is_settled_after_its_invoice_was_canceled_is_accounted(
    merchant, uncertain_invoice
):
    uncertain_invoice.cancel()
    [row] = uncertain_invoice.read_transactions()
    merchant.rpc.call('payment.transaction', 'action_aps_check_status', [row['id']])
    merchant.post_process()

    [row] = uncertain_invoice.read_transactions()
    assert (row['state'], row['is_post_processed']) == ('done', True)
    [payment] = merchant.rpc.call(
        'account.payment', 'read', [row['payment_id'][0]], ['state', 'amount']
    )
    assert payment['amount'] == 75.5
    assert payment['state'] in ('posted', 'paid', 'in_process')


@pytest.mark.parametrize('action', ['unlink', 'action_draft'])
def test_charge_that_is_settled_after_its_payment_was_taken_away_pays_the_invoice(
    merchant, uncertain_invoice, action
):
    [row] = uncertain_invoice.read_transactions()
    payment_id = row['payment_id'][0]
    merchant.rpc.call('account.payment', action, [payment_id])

    merchant.rpc.call('payment.transaction', 'action_aps_check_status', [row['id']])
    merchant.post_process()

    [row] = uncertain_invoice.read_transactions()
    assert (row['state'], row['is_post_processed']) == ('done', True)
    assert uncertain_invoice.read_payment_state() in ('in_payment', 'paid')
    assert len([state for state in uncertain_invoice.read_payments() if state in PAID]) == 1
    left = merchant.rpc.search_read('account.payment', [('id', '=', payment_id)], ['state'])
    assert {row['state'] for row in left} <= CANCELED, "It could be posted once more."


def test_deleted_card_does_not_stop_operations(merchant):
    card = save_card(merchant)
    payment = merchant.open_page(100, command='AUTHORIZATION', token_id=card.id)
    payment.pay()
    card.archive()

    payment.capture(40)
    merchant.use_back_office(payment, 'CAPTURE', 6000)
    [first, second] = payment.read_family(operation='online_redirect', is_child=True)
    merchant.refund(first['id'], 10)
    merchant.use_back_office(payment, 'REFUND', 2000)

    assert second['state'] == 'done'
    payment.assert_in_step(captured=10000, refunded=3000)


def test_uncertain_charge_is_pending_and_confirmed_by_the_notification(merchant, memo):
    charge = save_card(merchant, CARD_UNCERTAIN_LATER).charge(75.5, memo)
    [row] = charge.read_transactions()
    assert row['state'] == 'pending'

    merchant.shop.sandbox('POST', 'settle', {
        'merchant_reference': row['reference'], 'result': 'success',
    })
    merchant.wait_for_notifications()
    merchant.post_process()

    assert_charged_once(charge, 7550)


def test_conflict_in_the_database_charges_once(merchant, memo):
    card = save_card(merchant)
    with merchant.provoke_conflicts('charged', times=2) as count_conflicts:
        charge = card.charge(75.5, memo)
        assert count_conflicts() > 2, "The conflicts did not hit the charge."
    assert_charged_once(charge, 7550)


@pytest.mark.parametrize('name', [False, 'دفعة'])
def test_conflict_charges_once_without_a_name_that_aps_accepts(merchant, name):
    """ The reference starts with the time then, which is another one at each run. """
    card = save_card(merchant)
    with merchant.provoke_conflicts('charged', times=3) as count_conflicts:
        card.charge(75.5, name)
        assert count_conflicts() > 3, "The conflicts did not hit the charge."
    token_name = card.read().provider_ref  # Once: the sandbox knows thousands of requests.
    requests = [
        request['fields'] for request in merchant.shop.sandbox('GET', 'requests')['requests']
        if request['fields'].get('token_name') == token_name
        and request['fields'].get('eci') == 'RECURRING'
    ]
    assert len(requests) == 1


def test_charge_whose_request_failed_for_good_is_found_and_recorded(merchant, memo):
    card = save_card(merchant)
    merchant.hold_notifications()
    charge = card.prepare_charge(75.5, memo)
    with merchant.provoke_conflicts('charged', times=1000), suppress(RPCError):
        charge.post()
    if not charge.read_transactions():  # Else Odoo itself has tried once more.
        charge.post()
    [row] = charge.read_transactions()
    assert "is not known yet" in row['state_message']
    assert charge.read_captured() == 7550, "The card was charged, though Odoo forgot it."

    merchant.shop.query(
        "UPDATE payment_aps_charge SET create_date = create_date - interval '1 hour'"
    )
    merchant.run_check_cron()
    merchant.post_process()

    assert sorted(row['state'] for row in charge.read_transactions()) == ['done', 'error']
    assert len([state for state in charge.read_payments() if state in PAID]) == 1
    assert charge.read_captured() == 7550


def test_double_click_charges_once(merchant, memo):
    card = save_card(merchant)
    charge = card.prepare_charge(75.5, memo)
    merchant.order_fault('PURCHASE', 'slow', seconds=1)
    barrier = Barrier(4)

    def click(_index):
        barrier.wait()
        with suppress(RPCError):
            charge.post()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(click, range(4)))

    assert charge.read_captured() == 7550
    assert len(charge.read_requests()) == 1


def test_two_charges_of_different_documents_are_two(merchant, memo):
    card = save_card(merchant)
    for number in range(2):
        assert_charged_once(card.charge(75.5, f'{memo}D{number}'), 7550)


def test_mada_is_not_charged_without_the_shopper(merchant, memo):
    card = save_card(merchant, MADA_CARD, currency='SAR')
    merchant.shop.query(  # The only test card of mada has expired.
        f"UPDATE payment_token SET aps_expiry_date = '2099-12-31' WHERE id = {card.id}"
    )
    charge = card.charge(75.5, memo)
    [row] = charge.read_transactions()
    assert row['state'] == 'error'
    assert "while the customer is present" in row['state_message']
    assert charge.read_requests() == []


def test_deleted_card_is_forgotten_by_aps(shop, merchant):
    card = save_card(merchant)
    name = card.read().provider_ref
    card.archive()
    assert not card.read().active
    assert not read_sandbox_token(shop, name)['is_active']


def test_card_is_deleted_though_aps_is_down_and_aps_told_later(shop, merchant):
    card = save_card(merchant)
    name = card.read().provider_ref
    merchant.order_fault('UPDATE_TOKEN', 'error_500')
    card.archive()
    assert not card.read().active
    assert read_sandbox_token(shop, name)['is_active']
    assert card.read().aps_is_deactivation_due

    merchant._run_cron('base.autovacuum_job')

    assert not read_sandbox_token(shop, name)['is_active']
    assert not card.read().aps_is_deactivation_due


def read_sandbox_token(shop, name):
    """ Return what the sandbox knows of a token. """
    [token] = [row for row in shop.sandbox('GET', 'tokens')['tokens'] if row['name'] == name]
    return token
