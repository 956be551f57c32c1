""" Quotations and invoices: in the portal, and by payment links. """

import urllib.error

import pytest

from tests.support.documents import Invoice, Quotation
from tests.support.visitor import Visitor
from workbench.rpc import RPCError
from workbench.shop import PORTAL


@pytest.fixture
def customer_id(shop):
    """ A customer of whom nothing is known but the name. """
    return shop.rpc.call('res.partner', 'create', {'name': "Bait Al Karak"})


@pytest.fixture
def portal(shop):
    """ A customer with an account. """
    return Visitor(shop, PORTAL)


@pytest.fixture
def portal_id(shop):
    """ The contact of the customer with an account. """
    [user] = shop.rpc.search_read('res.users', [('login', '=', 'shopper')], ['partner_id'])
    return user['partner_id'][0]


@pytest.mark.parametrize('who', ['stranger', 'portal'])
def test_quotation_is_confirmed_once_it_is_paid(seller, portal_id, request, who):
    visitor = request.getfixturevalue(who)
    quotation = Quotation(seller, portal_id, 200)
    declined = quotation.open_form(visitor).start()
    assert (declined.pay('declined'), quotation.state) == ('error', 'sent')

    form = quotation.open_form(visitor)
    assert form.amount == 200
    attempt = form.start()
    assert attempt.pay() == 'done'

    assert quotation.state == 'sale'
    assert attempt.read_booked() == [200]


def test_quotation_of_somebody_unknown_is_confirmed_by_the_prepayment(
    seller, stranger, customer_id
):
    quotation = Quotation(seller, customer_id, 200, prepayment=0.25)
    form = quotation.open_form(stranger)
    assert form.amount == 50
    attempt = form.start()
    assert attempt.fields['customer_email'] == 'shop@example.com'
    assert attempt.pay() == 'done'
    assert quotation.state == 'sale'
    assert quotation.read('amount_paid') == [50]

    rest = stranger.open_form(quotation.make_link())
    assert rest.amount == 150
    assert rest.start().pay() == 'done'
    assert quotation.read('amount_paid') == [200]


def test_prepayment_that_is_pending_confirms_nothing(seller, stranger, customer_id):
    quotation = Quotation(seller, customer_id, 200, prepayment=0.25)
    attempt = quotation.open_form(stranger).start()
    assert (attempt.pay('pending'), quotation.state) == ('pending', 'sent')
    attempt.settle()
    seller.post_process_until(lambda: quotation.state == 'sale')


def test_quotation_without_prepayment_is_paid_by_link(seller, stranger, customer_id):
    quotation = Quotation(seller, customer_id, 200, prepayment=0)
    assert 'o_payment_form' not in quotation.open_form(stranger).page
    attempt = stranger.open_form(quotation.make_link()).start()
    assert attempt.pay() == 'done'
    assert attempt.read_booked() == [200]


def test_link_of_less_than_the_prepayment_confirms_nothing(seller, stranger, customer_id):
    quotation = Quotation(seller, customer_id, 200)
    if seller.shop.series != '17.0':  # Where it leads nowhere.
        assert stranger.read_status(quotation.make_link(80)) == 404
        return
    attempt = stranger.open_form(quotation.make_link(80)).start()
    assert attempt.pay() == 'done'
    assert quotation.state == 'sent'
    assert attempt.read_booked() == [80]

    assert stranger.open_form(quotation.make_link(120)).start().pay() == 'done'
    assert quotation.state == 'sale'


@pytest.mark.parametrize(('currency', 'amount_minor'), [
    ('AED', 6400), ('KWD', 64000), ('SAR', 6400),
])
def test_invoice_is_paid_to_the_minor_unit(
    seller, stranger, customer_id, currency, amount_minor
):
    invoice = Invoice(seller, customer_id, 64, currency)
    form = invoice.open_form(stranger)
    assert form.amount == 64
    attempt = form.start()
    assert attempt.fields['amount'] == str(amount_minor)
    assert attempt.pay() == 'done'
    assert attempt.read_captured() == amount_minor
    assert invoice.is_paid()
    assert attempt.read_booked() == [64]


def test_invoice_is_open_until_the_money_is_there(seller, portal, portal_id):
    invoice = Invoice(seller, portal_id, 64)
    assert invoice.open_form(portal).start().pay('declined') == 'error'
    attempt = invoice.open_form(portal).start()
    assert attempt.pay('pending') == 'pending'
    assert not invoice.is_paid()
    attempt.settle()
    seller.post_process_until(invoice.is_paid)
    assert attempt.read_booked() == [64]


def test_links_of_parts_pay_an_invoice(seller, stranger, customer_id):
    invoice = Invoice(seller, customer_id, 64)
    assert stranger.open_form(invoice.make_link(24)).start().pay() == 'done'
    assert invoice.read('payment_state', 'amount_residual') == ['partial', 40]
    assert stranger.open_form(invoice.make_link()).start().pay() == 'done'
    assert invoice.is_paid()
    assert [row['amount'] for row in invoice.read_payments()] == [40, 24]


def test_link_of_more_than_is_due_keeps_the_rest_for_the_customer(seller, stranger, customer_id):
    invoice = Invoice(seller, customer_id, 64)
    link = invoice.make_link()
    late = Visitor(seller.shop).open_form(link).start()
    assert stranger.open_form(link).start().pay() == 'done'
    assert invoice.is_paid()
    late.go()
    late.leave()
    seller.post_process_until(lambda: late.read_booked() == [64])
    assert [row['amount'] for row in invoice.read_payments()] == [64, 64]


def test_link_is_for_its_amount_and_document_only(seller, stranger, customer_id):
    invoice, other = (Invoice(seller, customer_id, 64) for _number in range(2))
    link = invoice.make_link()
    for changed in (
        link.replace('amount=64', 'amount=1'),
        link.replace(f'invoice_id={invoice.id}', f'invoice_id={other.id}').replace(
            'amount=64', 'amount=63',
        ),
    ):
        assert changed != link
        try:
            form = stranger.open_form(changed)
        except urllib.error.HTTPError:
            continue
        assert not form.values, "It must not lead to a payment form."


def test_document_of_somebody_else_can_not_be_paid(seller, portal, customer_id):
    for document in (Invoice(seller, customer_id, 64), Quotation(seller, customer_id, 64)):
        form = document.open_form(Visitor(seller.shop))
        portal.get(document.path)
        assert '/my' in portal.url and document.path not in portal.url
        form.visitor = portal
        form.values['transaction_route'] = f'{document.path}/transaction' if (
            document.model == 'sale.order'
        ) else f'/invoice/transaction/{document.id}'
        with pytest.raises(RPCError, match="token is invalid"):
            form.start(access_token='0' * 20)


def test_early_payment_discount_settles_the_invoice(seller, stranger, customer_id):
    term_id = seller.rpc.call('account.payment.term', 'create', {
        'name': "2 % within 10 days", 'early_discount': True, 'discount_percentage': 2,
        'discount_days': 10, 'early_pay_discount_computation': 'included',
        'line_ids': [(0, 0, {'value': 'percent', 'value_amount': 100, 'nb_days': 30})],
    })
    invoice = Invoice(seller, customer_id, 100, invoice_payment_term_id=term_id)
    form = invoice.open_form(stranger)
    assert form.amount == 98
    attempt = form.start()
    assert attempt.pay() == 'done'
    assert attempt.read_captured() == 9800
    assert invoice.is_paid()


def test_overdue_invoices_are_paid_at_once_where_odoo_can(seller, portal, portal_id):
    if seller.shop.series == '17.0':
        pytest.skip("Odoo 17.0 pays one invoice at a time.")
    invoices = [
        Invoice(seller, portal_id, amount, invoice_date='2024-01-01',
                invoice_date_due='2024-01-02') for amount in (30, 34)
    ]
    form = portal.open_form('/my/invoices/overdue')
    assert form.amount >= 64
    attempt = form.start(payment_reference=form.values.get('payment_reference') or 'overdue')
    assert attempt.pay() == 'done'
    assert all(invoice.is_paid() for invoice in invoices)
