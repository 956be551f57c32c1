""" Two merchant accounts in one shop: each payment, message and saved card belongs to one. """

import re
import urllib.error
import urllib.parse
import urllib.request
from types import SimpleNamespace

import pytest

from tests.support.payments import Merchant
from tests.support.portal_shopper import PortalShopper, post_form
from tests.support.saved_cards import CARD, SavedCard
from workbench.rpc import RPCError, Session, read_inputs
from workbench.shop import get_currency

SECOND = 'SandboxMID2'
FORMER_ACCOUNT = "another merchant account"
SECOND_CREDENTIALS = {
    'aps_merchant_identifier': SECOND, 'aps_access_code': 'SandboxAccessCode2',
    'aps_sha_request': 'second-request-phrase', 'aps_sha_response': 'second-response-phrase',
    'aps_sha_type': 'sha512',
}


@pytest.fixture(scope='module')
def accounts(shop):
    """ Two providers, the first for dirhams and the second, a copy of it, for dollars. """
    make_second_account(shop)
    rpc, first_id = shop.rpc, Merchant(shop).provider_id
    former = rpc.call('payment.provider', 'read', [first_id], [
        'allow_tokenization', 'available_currency_ids',
    ])[0]
    rpc.call('payment.provider', 'write', [first_id], {
        'allow_tokenization': True,
        'available_currency_ids': [(6, 0, [get_currency(rpc, 'AED')])],
    })
    copied = rpc.call('payment.provider', 'copy', [first_id])
    second_id = copied[0] if isinstance(copied, list) else copied
    rpc.call('payment.provider', 'write', [second_id], {
        **SECOND_CREDENTIALS, 'name': f"Account {second_id}", 'state': 'test', 'is_published': True,
        'available_currency_ids': [(6, 0, [get_currency(rpc, 'USD')])],
    })
    rpc.call('payment.provider', 'read', [second_id], ['journal_id'])  # Sets up the journal.
    yield SimpleNamespace(first_id=first_id, second_id=second_id)
    rpc.call('payment.provider', 'write', [second_id], {'state': 'disabled'})
    rpc.call('payment.provider', 'write', [first_id], {
        'allow_tokenization': former['allow_tokenization'],
        'available_currency_ids': [(6, 0, former['available_currency_ids'])],
    })


@pytest.fixture(scope='module')
def session(shop):
    """ A shopper who is logged in, once. """
    return PortalShopper(shop)


@pytest.fixture
def shopper(shop, session):
    """ The shopper, in Dubai; no saved card is left at the end. """
    session.move_to('AE')
    yield session
    token_ids = shop.rpc.call('payment.token', 'search', [('partner_id', '=', session.partner_id)])
    shop.rpc.call('payment.token', 'write', token_ids, {'active': False})


@pytest.mark.parametrize('currency, merchant', [('AED', 'SandboxMID'), ('USD', SECOND)])
def test_payment_is_made_with_the_account_of_its_currency(
    shop, accounts, shopper, currency, merchant
):
    fields = pay(shop, accounts, shopper, currency)
    assert fields['merchant_identifier'] == merchant
    assert shop.read_transaction(fields['merchant_reference']).state == 'done'
    [entry] = read_entries(shop, fields['merchant_reference'])
    assert (entry['merchant_identifier'], entry['captured']) == (merchant, 1230)


def test_account_of_another_currency_is_not_offered(accounts, shopper):
    for currency, provider_id in (('AED', accounts.first_id), ('USD', accounts.second_id)):
        assert set(shopper.read_providers(12.3, currency)) == {provider_id}


@pytest.mark.parametrize('is_identified', (True, False), ids=('by its name', 'by the other name'))
def test_message_of_the_other_account_is_refused_though_signed(
    shop, accounts, shopper, is_identified
):
    fields = open_page(shop, accounts, shopper, 'AED')
    before = read_row(shop, fields['merchant_reference'])
    message = shop.sandbox('POST', 'sign', {'merchant_identifier': SECOND, 'fields': {
        'command': 'PURCHASE', 'amount': fields['amount'], 'currency': 'AED',
        'merchant_identifier': SECOND if is_identified else shop.merchant,
        'merchant_reference': fields['merchant_reference'], 'status': '14',
        'response_code': '14000', 'fort_id': '169996200024611493', 'payment_option': 'VISA',
    }})['fields']

    with pytest.raises(urllib.error.HTTPError, match='403'):
        post_message(shop, message)

    assert read_row(shop, fields['merchant_reference']) == before


def test_message_of_the_own_account_that_names_the_other_changes_nothing(shop, accounts, shopper):
    fields = open_page(shop, accounts, shopper, 'AED')
    message = shop.sandbox('POST', 'sign', {'merchant_identifier': shop.merchant, 'fields': {
        'command': 'PURCHASE', 'amount': fields['amount'], 'currency': 'AED',
        'merchant_identifier': SECOND, 'merchant_reference': fields['merchant_reference'],
        'status': '14', 'response_code': '14000', 'fort_id': '169996200024611493',
    }})['fields']

    post_message(shop, message)

    assert shop.read_transaction(fields['merchant_reference']).state == 'draft'


def test_saved_card_is_offered_and_charged_at_its_own_account_only(shop, accounts, shopper):
    cards = save_cards(shop, accounts, shopper)
    assert [card.read().provider_id[0] for card in cards] == [
        accounts.first_id, accounts.second_id
    ]
    for card, merchant in zip(cards, (shop.merchant, SECOND), strict=True):
        assert shopper.read_cards(12.3, card.currency) == [card.id]
        charge = card.charge(75.5, f'ACC{card.id}')
        [transaction] = charge.read_transactions()
        assert transaction['state'] == 'done'
        [entry] = read_entries(shop, transaction['reference'])
        assert (entry['merchant_identifier'], entry['captured']) == (merchant, 7550)


def test_saved_card_chosen_with_the_other_provider_is_not_mixed_up_with_it(
    shop, accounts, shopper
):
    card, _other_card = save_cards(shop, accounts, shopper)
    reference = shopper.pay_with_card(card.id, accounts.second_id, 12.3, 'AED')
    fields = shopper.read_form('/payment/status')
    if shop.series == '19.0':  # Its engine believes the browser about the provider.
        assert fields == {}
        assert_refused(shop, reference)
        return
    assert (fields['merchant_reference'], fields['merchant_identifier']) == (
        reference, shop.merchant
    )
    assert fields['token_name'] == card.read().provider_ref


def test_saved_card_is_not_sent_with_the_keys_of_another_provider(shop, accounts, shopper):
    card, _other_card = save_cards(shop, accounts, shopper)
    reference = shopper.pay_with_card(card.id, accounts.first_id, 12.3, 'AED')
    shop.query(
        f"UPDATE payment_transaction SET provider_id = {accounts.second_id} "
        f"WHERE reference = '{reference}'"
    )

    assert shopper.read_form('/payment/status') == {}

    assert_refused(shop, reference)


def test_saved_card_of_a_former_account_is_neither_offered_nor_charged(shop, accounts, shopper):
    card, other_card = save_cards(shop, accounts, shopper)
    write_identifier(shop, accounts.second_id, 'SandboxMID3')
    try:
        assert shopper.read_cards(12.3, 'USD') == []
        try_former_card(shop, accounts, shopper, other_card)
        [transaction] = other_card.charge(75.5, f'ACC{other_card.id}').read_transactions()
    finally:
        write_identifier(shop, accounts.second_id, SECOND)
    assert_refused(shop, transaction['reference'])
    assert shopper.read_cards(12.3, 'AED') == [card.id]


def try_former_card(shop, accounts, shopper, card):
    """ Have the shopper choose a card that isn't offered, in vain. """
    if shop.series == '17.0':
        with pytest.raises(RPCError, match=FORMER_ACCOUNT):
            shopper.pay_with_card(card.id, accounts.second_id, 12.3, 'USD')
    else:
        assert_refused(shop, shopper.pay_with_card(card.id, accounts.second_id, 12.3, 'USD'))


def assert_refused(shop, reference):
    """ Assert that a card of another account was refused before anything was sent. """
    transaction = shop.read_transaction(reference)
    assert transaction.state == 'error'
    assert FORMER_ACCOUNT in transaction.state_message
    assert read_requests(shop, reference) == []


def test_payment_link_leads_to_the_account_of_the_website_of_its_order(shop, accounts):
    rpc, merchant = shop.rpc, Merchant(shop)
    card_id = merchant.switch_methods(['card'], True)['card']
    [first_website_id] = rpc.call('website', 'search', [], limit=1)
    website_ids = {
        accounts.first_id: first_website_id,
        accounts.second_id: rpc.call('website', 'create', {'name': "Second shop"}),
    }
    providers = rpc.call('payment.provider', 'read', list(website_ids), ['available_currency_ids'])
    for provider_id, website_id in website_ids.items():
        rpc.call('payment.provider', 'write', [provider_id], {
            'website_id': website_id, 'available_currency_ids': [(5,)],
        })
    try:
        for provider_id, identifier in (
            (accounts.first_id, shop.merchant), (accounts.second_id, SECOND),
        ):
            order_id = merchant.make_document('sale.order', 20)
            rpc.call('sale.order', 'write', [order_id], {'website_id': website_ids[provider_id]})
            fields = open_payment_link(shop, order_id, provider_id, card_id)
            assert fields['merchant_identifier'] == identifier
            post_form(shop, fields)
            shop.sandbox('POST', 'pay', {
                'merchant_reference': fields['merchant_reference'], 'result': 'success',
            })
            merchant.wait_for_notifications()
            merchant.post_process()
            assert merchant.read_documents('sale.order', [order_id]) == ['sale']
    finally:
        for row in providers:
            rpc.call('payment.provider', 'write', [row['id']], {
                'website_id': False,
                'available_currency_ids': [(6, 0, row['available_currency_ids'])],
            })


def open_payment_link(shop, order_id, provider_id, method_id):
    """ Return the fields of the form to the payment page for an order's payment link.

    :param Shop shop: The running shop.
    :param int order_id: The order.
    :param int provider_id: The only provider that the page is to offer.
    :param int method_id: The method that is chosen.
    :return: The fields.
    :rtype: dict
    """
    [order] = shop.rpc.call('sale.order', 'read', [order_id], [
        'amount_total', 'currency_id', 'partner_id',
    ])
    wizard_id = shop.rpc.call('payment.link.wizard', 'create', {
        'res_model': 'sale.order', 'res_id': order_id, 'amount': order['amount_total'],
        'amount_max': order['amount_total'], 'currency_id': order['currency_id'][0],
        'partner_id': order['partner_id'][0],
    })
    staff = PortalShopper(shop, {'login': 'admin', 'password': 'admin'})
    [wizard] = staff.call(  # Odoo makes links in requests of browsers only.
        '/web/dataset/call_kw', model='payment.link.wizard', method='read',
        args=[[wizard_id], ['link']], kwargs={},
    )
    query = urllib.parse.urlsplit(wizard['link'])
    session = Session(shop.url)
    page = session.read(f'{query.path}?{query.query}')
    assert set(re.findall(r'data-provider-id="(\d+)"', page)) == {str(provider_id)}
    answer = session.call(
        re.search(r'data-transaction-route="([^"]+)"', page)[1], provider_id=provider_id,
        payment_method_id=method_id, token_id=None, amount=order['amount_total'], flow='redirect',
        tokenization_requested=False, landing_route='/my',
        access_token=re.search(r'data-access-token="([^"]+)"', page)[1],
    )
    return read_inputs(answer['redirect_form_html'])


def make_second_account(shop):
    """ Open another account at the sandbox. """
    [account] = [
        row for row in shop.sandbox('GET', 'accounts')['accounts']
        if row['merchant_identifier'] == shop.merchant
    ]
    names = ('feedback_url', 'notification_url', 'return_url')
    shop.sandbox('POST', 'accounts', {
        'merchant_identifier': SECOND, 'access_code': SECOND_CREDENTIALS['aps_access_code'],
        'sha_request_phrase': SECOND_CREDENTIALS['aps_sha_request'],
        'sha_response_phrase': SECOND_CREDENTIALS['aps_sha_response'],
        'sha_type': SECOND_CREDENTIALS['aps_sha_type'],
        **{name: account[name] for name in names},
    })


def write_identifier(shop, provider_id, identifier):
    """ Enter another merchant identifier in a provider. """
    shop.rpc.call('payment.provider', 'write', [provider_id], {
        'aps_merchant_identifier': identifier,
    })


def open_page(shop, accounts, shopper, currency, **params):
    """ Have the shopper go to the payment page with a card, and return the fields of the form. """
    provider_id = accounts.second_id if currency == 'USD' else accounts.first_id
    method_id = shop.rpc.ref('payment.payment_method_card')
    fields = shopper.go_to_payment_page(
        method_id, 12.3, currency, provider_id=provider_id, **params
    )
    post_form(shop, fields)
    return fields


def pay(shop, accounts, shopper, currency, **options):
    """ Have the shopper pay by card, and return the fields of the form. """
    is_saving = bool(options.get('remember_me'))
    fields = open_page(shop, accounts, shopper, currency, tokenization_requested=is_saving)
    shop.sandbox('POST', 'pay', {
        'merchant_reference': fields['merchant_reference'], 'result': 'success', 'card': CARD,
        **options,
    })
    Merchant(shop).wait_for_notifications()
    return fields


def save_cards(shop, accounts, shopper):
    """ Have the shopper save the same card in both accounts. """
    merchant = Merchant(shop)
    cards = []
    for currency in ('AED', 'USD'):
        reference = pay(shop, accounts, shopper, currency, remember_me=True)['merchant_reference']
        [row] = shop.rpc.search_read(
            'payment.transaction', [('reference', '=', reference)], ['token_id']
        )
        cards.append(SavedCard(merchant, row['token_id'][0], currency))
    return cards


def post_message(shop, message):
    """ Post a message to the webhook. """
    body = urllib.parse.urlencode(message).encode()
    urllib.request.urlopen(f'{shop.url}/payment/aps/webhook', body, timeout=30).close()


def read_row(shop, reference):
    """ Return a transaction as the database holds it, with the place of its version. """
    return shop.query(
        f"SELECT ctid, t.* FROM payment_transaction t WHERE reference = '{reference}'"
    )


def read_entries(shop, reference):
    """ Return the entries of the sandbox's ledger about a reference, in any account. """
    return shop.sandbox('GET', f'ledger?merchant_reference={reference}')['payments']


def read_requests(shop, reference):
    """ Return what the sandbox was asked about a reference. """
    return shop.sandbox('GET', f'requests?merchant_reference={reference}')['requests']
