""" Branches, sister companies, and two websites with an account each. """

import time

import pytest

from tests.servers.test_accounts import SECOND, SECOND_CREDENTIALS, make_second_account
from tests.support.documents import Invoice
from tests.support.purchases import Goods
from tests.support.visitor import Visitor
from workbench.sandbox_process import CREDENTIALS


@pytest.fixture(scope='module')
def second_provider_id(shop):
    """ A provider with another merchant account, a copy of the first one; switched off after. """
    make_second_account(shop)
    second_id = copy_provider(shop, **SECOND_CREDENTIALS)
    yield second_id
    shop.rpc.call('payment.provider', 'write', [second_id], {'state': 'disabled'})


def create_company(shop, name, **values):
    """ Create a company that the administrator works for, too, and return its id. """
    company_id = shop.rpc.call('res.company', 'create', {
        'name': f"{name} {time.time_ns()}", 'country_id': shop.rpc.ref('base.ae'), **values,
    })
    shop.rpc.call('res.users', 'write', [shop.rpc.uid], {'company_ids': [(4, company_id)]})
    return company_id


def copy_provider(shop, **values):
    """ Copy the provider, and return the id of the copy, which can be used at once. """
    provider_id = shop.rpc.ref('payment.payment_provider_aps')
    # Providers of one journal must differ by their names.
    values['name'] = f"Account {time.time_ns()}"
    copied = shop.rpc.call('payment.provider', 'copy', [provider_id], values)
    copy_id = copied[0] if isinstance(copied, list) else copied
    shop.rpc.call('payment.provider', 'write', [copy_id], {'state': 'test', 'is_published': True})
    shop.rpc.call('payment.provider', 'read', [copy_id], ['journal_id'])  # Sets up the journal.
    return copy_id


@pytest.fixture
def customer_id(shop):
    """ A customer. """
    return shop.rpc.call('res.partner', 'create', {'name': "Coffee Drinker"})


def test_invoice_of_a_branch_is_paid_to_the_account_of_its_company(
    shop, seller, stranger, customer_id
):
    company_id = shop.rpc.ref('base.main_company')
    branch_id = create_company(shop, "Tea House of Ajman", parent_id=company_id)
    invoice = Invoice(seller, customer_id, 64, company_id=branch_id)
    provider_id = seller.provider_id
    if shop.series == '17.0':  # Where a branch needs a provider, and a journal, of its own.
        assert not invoice.open_form(stranger).read_offers()
        shop.rpc.call('account.journal', 'create', {
            'name': "Bank of Ajman", 'type': 'bank', 'code': 'BAJ', 'company_id': branch_id,
        })
        provider_id = copy_provider(shop, company_id=branch_id, **CREDENTIALS)
    form = invoice.open_form(stranger)
    assert form.read_offers() == {('aps', provider_id, 'card')}
    attempt = form.start()
    assert attempt.pay() == 'done'
    assert attempt.read_booked() == [64]
    assert invoice.is_paid()


def test_invoice_of_a_sister_company_is_not_paid_to_the_account_of_another(
    shop, seller, stranger, customer_id
):
    sister_id = create_company(shop, "Coffee House")
    shop.rpc.call('account.chart.template', 'try_loading', [], 'generic_coa', sister_id)
    invoice = Invoice(seller, customer_id, 64, company_id=sister_id)
    assert not invoice.open_form(stranger).read_offers()

    make_second_account(shop)
    provider_id = copy_provider(shop, company_id=sister_id, **SECOND_CREDENTIALS)

    attempt = invoice.open_form(stranger).start(provider_id=provider_id)
    assert attempt.fields['merchant_identifier'] == SECOND
    assert attempt.pay() == 'done'
    assert invoice.is_paid()


def test_each_website_is_paid_to_its_account(shop, seller, second_provider_id):
    rpc = shop.rpc
    address = shop.url.replace('127.0.0.1', 'localhost')
    [first_id] = rpc.call('website', 'search', [], limit=1)
    second_id = rpc.call('website', 'create', {'name': "Second Shop", 'domain': address})
    rpc.call('website', 'write', [second_id], {'account_on_checkout': 'optional'})
    for provider_id, website_id in (
        (seller.provider_id, first_id), (second_provider_id, second_id),
    ):
        rpc.call('payment.provider', 'write', [provider_id], {'website_id': website_id})
    try:
        for url, identifier in ((shop.url, shop.merchant), (address, SECOND)):
            goods = Goods(seller)
            attempt = goods.open_form(Visitor(shop, url=url)).start()
            assert attempt.fields['merchant_identifier'] == identifier
            assert attempt.fields['return_url'].startswith(url)
            assert attempt.pay() == 'done'
            assert goods.is_delivered(attempt)
            assert attempt.read_booked() == [goods.amount]
    finally:
        rpc.call('payment.provider', 'write', [seller.provider_id, second_provider_id], {
            'website_id': False,
        })
        rpc.call('website', 'write', [second_id], {'domain': False})
