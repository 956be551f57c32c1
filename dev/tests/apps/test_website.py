""" What is sold on the website, from the page to the paid and delivered order. """

import itertools

import pytest

from tests.support.extent import get_extent
from tests.support.purchases import Booth, Course, FreeTicket, Goods, Ticket
from tests.support.visitor import ADMIN, Visitor
from workbench.rpc import RPCError
from workbench.shop import PORTAL, get_currency

APPS = {'goods': Goods, 'ticket': Ticket, 'booth': Booth, 'course': Course}
SHOPPERS = {'guest': None, 'portal': PORTAL, 'internal': ADMIN}
# By default each app and each kind of shopper once, else each app with each kind of them.
TELLING = [('goods', 'portal'), ('ticket', 'guest'), ('booth', 'guest'), ('course', 'internal')]
IS_WHOLE = bool(get_extent('APS_APPS', 0, 1))
PAIRS = list(itertools.product(APPS, SHOPPERS)) if IS_WHOLE else TELLING
CURRENCIES = [('KWD', 123450), ('SAR', 12345)]


@pytest.fixture
def make_visitor(shop):
    """ Make a visitor of some kind; who has an account has an address, too. """
    logins = [login['login'] for login in SHOPPERS.values() if login]
    for user in shop.rpc.search_read('res.users', [('login', 'in', logins)], ['partner_id']):
        shop.rpc.call('res.partner', 'write', [user['partner_id'][0]], {
            'street': "Corniche 1", 'city': "Dubai", 'zip': '00000', 'phone': '+971 4 000 0000',
            'country_id': shop.rpc.ref('base.ae'), 'state_id': shop.rpc.call(
                'res.country.state', 'search', [('country_id', '=', shop.rpc.ref('base.ae'))],
                limit=1,
            )[0],
        })
    return lambda kind: Visitor(shop, SHOPPERS[kind])


@pytest.mark.parametrize(('app', 'kind'), PAIRS)
def test_what_is_paid_is_delivered(seller, make_visitor, app, kind):
    purchase = APPS[app](seller)
    visitor = make_visitor(kind)
    attempt = purchase.open_form(visitor).start()

    assert attempt.pay() == 'done'

    assert '/shop/confirmation' in visitor.url
    assert purchase.is_delivered(attempt)
    assert attempt.read_captured() == round(purchase.amount * 100)
    assert attempt.read_booked() == [purchase.amount]


@pytest.mark.parametrize('app', APPS)
def test_nothing_is_delivered_before_the_money_is_there(seller, stranger, app):
    purchase = APPS[app](seller)
    form = purchase.open_form(stranger)
    declined = form.start()
    assert declined.pay('declined') == 'error'
    assert not purchase.is_delivered(declined)
    attempt = purchase.check_out(stranger).start()
    assert attempt.pay('pending') == 'pending'
    assert not purchase.is_delivered(attempt)

    attempt.settle()
    seller.post_process_until(lambda: purchase.is_delivered(attempt))

    assert attempt.read_booked() == [purchase.amount]
    assert declined.read_booked() == []


@pytest.mark.parametrize(('currency', 'amount_minor'), CURRENCIES if IS_WHOLE else CURRENCIES[:1])
def test_shop_of_another_currency_is_paid_to_the_minor_unit(
    seller, stranger, currency, amount_minor
):
    currency_id = get_currency(seller.rpc, currency)
    seller.rpc.call('res.currency', 'write', [currency_id], {'active': True})
    pricelist_id = seller.rpc.call('product.pricelist', 'create', {
        'name': currency, 'currency_id': currency_id, 'selectable': True, 'sequence': 99,
    })
    purchase = Goods(seller)
    stranger.get('/shop')
    stranger.get(f'/shop/change_pricelist/{pricelist_id}')
    attempt = purchase.open_form(stranger).start()
    assert (attempt.fields['currency'], attempt.fields['amount']) == (currency, str(amount_minor))
    assert attempt.pay() == 'done'
    assert attempt.read_captured() == amount_minor
    assert purchase.is_delivered(attempt)


def test_free_ticket_needs_no_payment(seller, stranger):
    ticket = FreeTicket(seller)
    ticket.choose(stranger)
    assert ticket.read_registrations() == ['open']


def test_seat_that_was_taken_meanwhile_is_not_paid(shop, seller, stranger):
    ticket, rival = Ticket(seller), Visitor(shop)
    seller.rpc.call('event.event.ticket', 'write', [ticket.ticket_id], {'seats_max': 1})
    form = ticket.open_form(stranger)
    ticket.choose(rival)
    is_refused_at_once = 'insufficient_seats' in rival.url
    rival_form = None if is_refused_at_once else ticket.check_out(rival)

    assert form.start().pay() == 'done'

    assert ticket.read_registrations().count('open') == 1
    if rival_form:
        with pytest.raises(RPCError, match=r"(?i)seats|sold out"):
            rival_form.start()


def test_payment_of_a_booth_that_was_taken_meanwhile_is_booked(shop, seller, stranger):
    booth = Booth(seller)
    form = booth.open_form(stranger)
    rival = booth.open_form(Visitor(shop))
    first, second = form.start(), rival.start()
    assert first.pay() == 'done'
    assert booth.is_delivered(first)
    second.go()
    second.leave()

    seller.post_process()
    assert (second.read().state, second.read_captured()) == ('done', booth.amount * 100)
    second.age(hours=2)
    seller.post_process_until(lambda: second.read_booked() == [booth.amount])

    assert not booth.is_delivered(second)
