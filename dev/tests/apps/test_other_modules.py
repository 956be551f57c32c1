""" Modules of others, as in `dev/tests/modules`: whatever they do, the money is right. """

import pytest

from tests.support.documents import Invoice, Quotation
from tests.support.purchases import Goods
from workbench.rpc import BUSY, RPCError


@pytest.fixture
def switch_on(shop):
    """ Switch a module on until the test ends, or until what it returns is called. """
    names = []

    def switch_off(name):
        shop.rpc.call('ir.config_parameter', 'set_param', f'{name}.is_on', False)

    def switch(name):
        names.append(name)
        shop.rpc.call('ir.config_parameter', 'set_param', f'{name}.is_on', 'True')
        return lambda: switch_off(name)

    yield switch
    for name in names:
        switch_off(name)


@pytest.fixture
def customer_id(shop):
    """ A customer. """
    return shop.rpc.call('res.partner', 'create', {'name': "Bait Al Karak"})


@pytest.fixture
def narrow_provider(shop, seller):
    """ Have the provider take small amounts in Saudi Arabia only. """
    seller.rpc.call('payment.provider', 'write', [seller.provider_id], {
        'available_country_ids': [(6, 0, [shop.rpc.ref('base.sa')])], 'maximum_amount': 30,
    })
    yield
    seller.rpc.call('payment.provider', 'write', [seller.provider_id], {
        'available_country_ids': [(5,)], 'maximum_amount': 0,
    })


@pytest.mark.usefixtures('narrow_provider')
def test_what_a_module_offers_beyond_the_limits_is_taken(seller, stranger, customer_id, switch_on):
    goods = Goods(seller)
    assert not [offer for offer in goods.open_form(stranger).read_offers() if offer[0] == 'aps']

    switch_on('shop_offers_more')

    attempt = goods.open_form(stranger).start()
    assert attempt.pay() == 'done'
    assert goods.is_delivered(attempt)
    invoice = Invoice(seller, customer_id, 64)
    assert invoice.open_form(stranger).start().pay() == 'done'
    assert invoice.is_paid()


def test_what_a_module_withholds_is_neither_offered_nor_taken_in_test_mode(
    seller, stranger, customer_id, switch_on
):
    goods, invoice = Goods(seller), Invoice(seller, customer_id, 64)
    shop_form, invoice_form = goods.open_form(stranger), invoice.open_form(stranger)

    switch_on('shop_offers_less')

    for form in (goods.check_out(stranger), invoice.open_form(stranger)):
        assert not [offer for offer in form.read_offers() if offer[0] == 'aps']
    for form in (shop_form, invoice_form):
        with pytest.raises(RPCError, match="Choose another payment method"):
            form.start()
    assert not invoice.is_paid()


def test_payment_of_an_order_that_a_module_keeps_from_being_confirmed_is_booked_once(
    seller, stranger, customer_id, switch_on
):
    quotation = Quotation(seller, customer_id, 200)
    attempt = quotation.open_form(stranger).start()
    repair = switch_on('shop_is_broken')

    attempt.go()
    attempt.leave()
    attempt.come_back()
    with pytest.raises(RPCError, match="warehouse is closed"):
        stranger.wait_for_result()

    assert attempt.read().state == 'done'
    assert (quotation.state, attempt.read_booked()) == ('sent', [])
    for _day in range(2):  # It fails again and again; the money is booked, once.
        attempt.age(hours=12)
        seller.post_process_until(lambda: attempt.read_booked() == [200])
    assert quotation.state == 'sent'

    repair()
    seller.post_process_until(lambda: quotation.state == 'sale')

    assert attempt.read_booked() == [200]
    assert attempt.read_captured() == 20000


def test_payment_of_an_order_that_lacks_what_a_module_requires_is_booked_once(
    seller, stranger, customer_id, switch_on
):
    quotation = Quotation(seller, customer_id, 200)
    attempt = quotation.open_form(stranger).start()
    switch_on('shop_asks_more')

    attempt.go()
    attempt.leave()
    attempt.come_back()
    with pytest.raises(RPCError, match=BUSY):  # Odoo has the page wait for the database.
        stranger.call('/payment/status/poll')

    assert attempt.read().state == 'done'
    assert (quotation.state, attempt.read_booked()) == ('sent', [])
    for _day in range(2):
        attempt.age(hours=12)
        seller.post_process_until(lambda: attempt.read_booked() == [200])
    assert quotation.state == 'sent'
    detail = seller.read_problem(attempt.read().id, 'not_booked')['detail']
    assert "shop_courier" in detail and "Failing row" not in detail

    seller.rpc.call('sale.order', 'write', [quotation.id], {'shop_courier': "Falcon Express"})
    seller.post_process_until(lambda: quotation.state == 'sale')

    assert attempt.read_booked() == [200]
    assert attempt.read_captured() == 20000
