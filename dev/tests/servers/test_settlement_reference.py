""" The reference that the acquirer's settlement file is to show, told with each payment. """

import time
import urllib.parse
import urllib.request

import pytest

from tests.support.documents import Invoice
from tests.support.payments import Merchant
from tests.support.saved_cards import save_card
from tests.support.visitor import Visitor, find_tags


@pytest.fixture
def merchant(shop):
    """ A merchant who names payments to the acquirer. """
    merchant = Merchant(shop)
    shop.rpc.call('payment.provider', 'write', [merchant.provider_id], {
        'aps_send_settlement_reference': True, 'allow_tokenization': True,
    })
    yield merchant
    shop.rpc.call('payment.provider', 'write', [merchant.provider_id], {
        'aps_send_settlement_reference': False,
    })
    shop.sandbox('PATCH', f'accounts/{shop.merchant}', {'refused_parameters': []})


@pytest.fixture
def start(shop, merchant):
    """ Have a customer choose to pay an invoice. """
    partner_id = shop.rpc.call('res.partner', 'create', {'name': "Bait Al Karak"})

    def start_attempt():
        return Invoice(merchant, partner_id, 64).open_form(Visitor(shop)).start()

    return start_attempt


def read_told(shop, reference):
    """ Return by what name APS was told of a payment. """
    requests = shop.sandbox('GET', f'requests?merchant_reference={reference}')['requests']
    assert [request['verdict'] for request in requests] == ['accepted']
    return requests[0]['fields'].get('settlement_reference')


def test_payment_and_charge_are_named_to_the_acquirer(shop, merchant, start):
    attempt = start()
    assert attempt.pay() == 'done'
    charge = save_card(merchant).charge(75.5, f'INV{time.time_ns() % 10**8}')

    [charged] = charge.read_transactions()
    for reference in (attempt.reference, charged['reference']):
        assert read_told(shop, reference) == reference
        assert merchant.rpc.call('payment.aps.message', 'search', [
            ('merchant_reference', '=', reference), ('channel', 'in', ('webhook', 'answer')),
            ('body', 'ilike', f'settlement_reference={reference}'),
        ]), "APS gives it back, and the trail keeps it."


def test_payment_is_booked_under_the_name_that_the_acquirer_knows(shop, merchant, start):
    attempt = start()
    assert attempt.pay() == 'done'
    merchant.post_process()
    memo = 'ref' if shop.series == '17.0' else 'memo'
    [payment] = merchant.rpc.search_read('account.payment', [
        (memo, 'ilike', read_told(shop, attempt.reference)),
    ], ['amount'])
    assert payment['amount'] == 64


def test_account_that_refuses_the_reference_is_explained(shop, start):
    shop.sandbox('PATCH', f'accounts/{shop.merchant}', {
        'refused_parameters': ['settlement_reference'],
    })
    attempt = start()

    body = urllib.parse.urlencode(attempt.fields).encode()
    with urllib.request.urlopen(f'{shop.sandbox_url}/FortAPI/paymentPage', body) as response:
        page = response.read().decode()
    fields = {tag['name']: tag['value'] for tag in find_tags(page, 'input') if 'name' in tag}
    assert fields['response_code'] == '00027'
    attempt.visitor.post(attempt.fields['return_url'], **{**fields, 'csrf_token': []})

    [tx] = shop.rpc.search_read('payment.transaction', [
        ('reference', '=', attempt.reference),
    ], ['state', 'aps_staff_message'])
    assert tx['state'] == 'error'
    assert "Name the Payment to the Acquirer" in tx['aps_staff_message']
