""" Orders of a till, of a table, of a phone at a table and of a kiosk, paid online. """

import time

import pytest

from tests.support.extent import get_extent
from tests.support.payments import Merchant, Payment
from tests.support.point_of_sale import Menu, Till
from tests.support.visitor import Visitor
from workbench.rpc import RPCError

# A telling part of the matrix by default, all of it in a thorough run.
IS_WHOLE = bool(get_extent('APS_APPS', 0, 1))
CURRENCIES = [('KWD', 12500), ('SAR', 1250)]
PHONE_RESULTS = ['pending', 'success', 'declined']
KIOSK_RESULTS = ['declined', 'success']
OUTCOMES = {'pending': 'pending', 'declined': 'error', 'cancel': 'cancel'}


@pytest.fixture(scope='module')
def till(shop):
    """ A till. """
    return Till(Merchant(shop))


@pytest.fixture(scope='module')
def restaurant(shop):
    """ A restaurant, whose guests order and pay at the table with their phones. """
    return Till(
        Merchant(shop), is_restaurant=True, self_ordering_mode='mobile',
        self_ordering_pay_after='each', self_ordering_service_mode='table',
    )


def order_by_phone(till, visitor):
    """ Order at the table, and return the order. """
    till.rpc.call('pos.config', 'write', [till.config_id], {
        'self_order_online_payment_method_id': till.online_id,
    })
    return Menu(till, 'mobile', visitor).order(quantity=2)


def test_customer_without_name_pays_an_order_of_the_till(till, stranger):
    order = till.ring_up(45.5)
    attempt = order.open_form(stranger).start()
    assert attempt.fields['customer_email'] == 'shop@example.com'

    assert attempt.pay() == 'done'

    assert order.read_state() == 'paid'
    assert order.read_paid() == attempt.read_booked() == [45.5]
    assert attempt.read_captured() == 4550
    assert till.close() == 'closed'
    assert order.read_state() == 'done'


@pytest.mark.parametrize('result', OUTCOMES)
def test_order_is_not_paid_before_the_payment_is(till, stranger, result):
    order = till.ring_up(45.5)
    attempt = order.open_form(stranger).start()

    assert attempt.pay(result) == OUTCOMES[result]

    assert (order.read_state(), order.read_paid(), attempt.read_booked()) == ('draft', [], [])
    if result == 'pending':
        attempt.settle()
    else:
        attempt = order.open_form(stranger).start()
        assert attempt.pay() == 'done'
    assert wait_for(lambda: order.read_state() == 'paid')
    assert order.read_paid() == attempt.read_booked() == [45.5]


def test_till_learns_at_once_of_a_customer_who_does_not_come_back(till, stranger):
    order = till.ring_up(45.5)
    attempt = order.open_form(stranger).start()
    attempt.go()
    attempt.leave()

    assert wait_for(lambda: order.read_state() == 'paid'), "The cashier would ask to pay again."
    assert order.read_paid() == attempt.read_booked() == [45.5]
    assert 'o_payment_form' not in order.open_form(Visitor(till.merchant.shop)).page


def test_order_is_paid_in_two_parts_by_two_people(till, stranger):
    order = till.ring_up(100, online=40)
    form = order.open_form(stranger)
    assert form.amount == 40
    assert form.start().pay() == 'done'
    assert (order.read_state(), order.read_paid()) == ('draft', [40])

    order.ask_for(60)
    form = order.open_form(Visitor(till.merchant.shop))
    assert form.amount == 60
    assert form.start().pay() == 'done'

    assert (order.read_state(), order.read_paid()) == ('paid', [40, 60])
    assert till.close() == 'closed'


def test_order_is_paid_in_part_online_and_the_rest_in_cash(till, stranger):
    order = till.ring_up(100, online=40)
    assert order.open_form(stranger).start().pay() == 'done'
    order.pay_cash(60)
    till.rpc.call('pos.order', 'action_pos_order_paid', [order.id])
    assert till.close() == 'closed'
    assert order.read_paid() == [40]


def test_amount_that_has_changed_meanwhile_is_not_paid(till, stranger):
    order = till.ring_up(100, online=40)
    form = order.open_form(stranger)
    order.ask_for(60)
    with pytest.raises(RPCError, match="amount to pay has changed"):
        form.start()


def test_order_of_somebody_else_can_not_be_opened(till, stranger):
    first, second = till.ring_up(10), till.ring_up(20)
    assert stranger.read_status(first.path, access_token=second.access_token) == 403


def test_customer_of_whom_nothing_is_known_but_the_name_pays(till, stranger):
    partner_id = till.rpc.call('res.partner', 'create', {'name': "Umm Salem"})
    till.rpc.call('res.partner', 'write', [partner_id], {'lang': False})
    order = till.ring_up(45.5, partner_id=partner_id)
    attempt = order.open_form(stranger).start()
    assert attempt.fields['customer_email'] == 'shop@example.com'
    assert attempt.pay() == 'done'
    assert order.read_state() == 'paid'
    assert till.close() == 'closed'


@pytest.mark.parametrize(('currency', 'amount_minor'), CURRENCIES if IS_WHOLE else CURRENCIES[:1])
def test_till_of_another_currency_is_paid_to_the_minor_unit(
    seller, stranger, currency, amount_minor
):
    till = Till(seller, currency=currency)
    order = till.ring_up(12.5)
    attempt = order.open_form(stranger).start()
    assert (attempt.fields['currency'], attempt.fields['amount']) == (currency, str(amount_minor))
    assert attempt.pay() == 'done'
    assert attempt.read_captured() == amount_minor
    assert order.read_state() == 'paid'
    assert till.close() == 'closed'


def test_limits_of_the_provider_are_those_of_the_till(till, stranger):
    abroad_id = till.rpc.call('res.partner', 'create', {
        'name': "Somebody from Abroad", 'country_id': till.rpc.ref('base.fr'),
    })
    till.merchant.rpc.call('payment.provider', 'write', [till.merchant.provider_id], {
        'available_country_ids': [(6, 0, [till.rpc.ref('base.ae')])], 'maximum_amount': 30,
    })
    try:
        assert till.ring_up(20).open_form(stranger).read_offers()
        assert not till.ring_up(40).open_form(stranger).read_offers()
        assert not till.ring_up(20, partner_id=abroad_id).open_form(stranger).read_offers()
    finally:
        till.merchant.rpc.call('payment.provider', 'write', [till.merchant.provider_id], {
            'available_country_ids': [(5,)], 'maximum_amount': 0,
        })


def test_till_takes_the_money_at_once_although_the_shop_reserves_it(till, stranger):
    till.merchant.set_manual_capture(True)
    try:
        order = till.ring_up(100)
        attempt = order.open_form(stranger).start()
    finally:
        till.merchant.set_manual_capture(False)
    assert attempt.fields['command'] == 'PURCHASE', "What Odoo calls paid must have been paid."
    assert attempt.pay() == 'done'
    assert order.read_state() == 'paid'
    assert attempt.read_captured() == 10000
    assert attempt.read_booked() == [100]
    assert till.close() == 'closed'


def test_order_that_is_paid_twice_at_the_same_time_is_booked_twice(shop, stranger):
    till = Till(Merchant(shop))  # Its session can only be closed by force.
    order = till.ring_up(20)
    attempts = [order.open_form(one).start() for one in (stranger, Visitor(till.merchant.shop))]
    assert [attempt.pay() for attempt in attempts] == ['done', 'done']
    assert order.read_paid() == [20, 20], "The till must show that one is to be given back."
    assert [attempt.read_booked() for attempt in attempts] == [[20], [20]]
    second = Payment(till.merchant, attempts[1].read().id, attempts[1].reference)
    second.refund(20)
    second.assert_in_step(captured=2000, refunded=2000, operations=['REFUND'])


def test_payment_of_an_order_that_the_cashier_gave_up_is_booked_and_told_of(
    till, seller, stranger
):
    order = till.ring_up(20)
    attempt = order.open_form(stranger).start()
    attempt.go()
    order.give_up()

    attempt.leave()
    till.merchant.post_process()

    assert wait_for(lambda: attempt.read_booked() == [20])
    tx_id = attempt.read().id
    problem = seller.read_problem(tx_id, 'not_booked')
    assert problem['state'] == 'open' and problem['told_date']
    assert "was deleted while the customer paid" in problem['detail']
    action = seller.rpc.call('payment.aps.problem', 'action_solve', [problem['id']])
    assert action['params']['message'] == problem['detail'], "There is nothing to try again."
    assert seller.read_problem(tx_id, 'not_booked')['state'] == 'open'

    Payment(till.merchant, tx_id, attempt.reference).refund(20)

    assert wait_for(lambda: seller.read_problem(tx_id, 'not_booked')['state'] == 'solved')
    assert attempt.read_booked() == [20]
    assert till.close() == 'closed'


def test_guest_at_a_table_pays_the_order_of_the_waiter(restaurant, stranger):
    order = restaurant.ring_up(64, table_id=restaurant.table_id)
    assert order.open_form(stranger).start().pay() == 'done'
    assert order.read_state() == 'paid'
    assert restaurant.close() == 'closed'


@pytest.mark.parametrize('result', PHONE_RESULTS if IS_WHOLE else PHONE_RESULTS[:1])
def test_guest_at_a_table_orders_and_pays_by_phone(restaurant, stranger, result):
    order = order_by_phone(restaurant, stranger)
    form = order.open_form(stranger)
    assert form.amount == 80
    attempt = form.start()
    state = attempt.pay(result)
    if result == 'success':
        assert state == 'done'
    else:
        assert (state, order.read_state()) == (OUTCOMES[result], 'draft')
        if result == 'pending':
            attempt.settle()
        else:
            assert order.open_form(stranger).start().pay() == 'done'
    assert wait_for(lambda: order.read_state() == 'paid')
    assert order.read_paid() == [80]
    assert restaurant.close() == 'closed'


@pytest.mark.parametrize('result', KIOSK_RESULTS if IS_WHOLE else KIOSK_RESULTS[:1])
def test_customer_pays_at_a_kiosk(seller, stranger, result):
    till = Till(seller, self_ordering_mode='kiosk')
    order = Menu(till, 'kiosk', stranger).order()
    form = order.open_form(stranger)
    assert form.amount == 40
    if result == 'declined':
        assert form.start().pay(result) == 'error'
        assert order.read_state() == 'draft'
        form = order.open_form(stranger)
    assert form.start().pay() == 'done'
    assert order.read_state() == 'paid'
    assert till.close() == 'closed'


def wait_for(condition):
    """ Wait until something is so, for as long as a cashier has patience.

    :param callable condition: Returns whether it is.
    :return: Whether it is.
    :rtype: bool
    """
    for _second in range(100):
        if condition():
            return True
        time.sleep(0.2)
    return False
