""" The requests of a shopper's browser, without a browser. """

import re
import urllib.parse
import urllib.request

from workbench.rpc import Session, read_inputs
from workbench.shop import PORTAL, activate_currency, get_currency


def post_form(shop, fields):
    """ Have the browser post the form to the payment page of the sandbox. """
    body = urllib.parse.urlencode(fields).encode()
    url = f'{shop.sandbox_url}/FortAPI/paymentPage'
    with urllib.request.urlopen(url, body, timeout=30) as response:
        assert '/FortAPI/page/' in response.url, "The sandbox refused the form."


class PortalShopper(Session):
    """ The requests of a shopper's browser who pays on a payment link. """

    def __init__(self, shop, login=PORTAL):
        """
        :param Shop shop: The running shop.
        :param dict login: Who it is, with the password.
        """
        super().__init__(shop.url, shop.database, login)
        self.shop = shop
        self.partner_id = self.user['partner_id']

    def move_to(self, country_code):
        """ Change the country of the shopper's address. """
        [country] = self.shop.rpc.search_read('res.country', [('code', '=', country_code)], ['id'])
        self.shop.rpc.call('res.partner', 'write', [self.partner_id], {
            'country_id': country['id'], 'state_id': False,
        })

    def read_offers(self, amount, currency):
        """ Return the codes of the methods that the payment form offers. """
        return re.findall(r'data-payment-method-code="(\w+)"', self.open_form(amount, currency))

    def read_providers(self, amount, currency):
        """ Return the ids of the providers of APS that the payment form offers. """
        page = self.open_form(amount, currency)
        return [
            int(provider_id) for provider_id, code in
            re.findall(r'data-provider-id="(\d+)"\s+data-provider-code="(\w+)"', page)
            if code == 'aps'
        ]

    def read_cards(self, amount, currency):
        """ Return the ids of the saved cards that the payment form offers. """
        page = self.open_form(amount, currency)
        return [int(token_id) for token_id in re.findall(r'id="o_payment_token_(\d+)"', page)]

    def go_to_payment_page(self, method_id, amount, currency, **params):
        """ Choose a method and return the fields of the form that leads to the payment page. """
        result = self._create_transaction(
            amount, currency, payment_method_id=method_id, **params
        )
        return read_inputs(result['redirect_form_html'])

    def pay_with_card(self, token_id, provider_id, amount, currency):
        """ Choose a saved card and return the reference of the payment. """
        result = self._create_transaction(
            amount, currency, flow='token', token_id=token_id, provider_id=provider_id
        )
        return result['reference']

    def read_form(self, path):
        """ Return the fields of the form to the payment page on a page of the shop. """
        _before, _separator, form = self.read(path).partition('id="aps_payment_page_form"')
        return read_inputs(form)

    def _create_transaction(self, amount, currency, page=None, **params):
        """ Have the shop create a transaction, and return what it tells the browser.

        :param float amount: The amount.
        :param str currency: The code of the currency.
        :param str page: The page with the payment form, if it was opened before.
        :param dict params: Parameters of the request that differ from the usual ones.
        """
        page = page or self.open_form(amount, currency)
        return self.call('/payment/transaction', **{
            'provider_id': self.shop.rpc.ref('payment.payment_provider_aps'),
            'payment_method_id': None, 'token_id': None, 'amount': amount,
            'currency_id': get_currency(self.shop.rpc, currency), 'partner_id': self.partner_id,
            'flow': 'redirect', 'tokenization_requested': False, 'landing_route': '/my',
            'access_token': re.search(r'data-access-token="([^"]+)"', page)[1],
            'reference_prefix': 'OPT',
            **params,
        })

    def open_form(self, amount, currency):
        """ Return the page with the payment form. """
        query = urllib.parse.urlencode({
            'amount': amount, 'currency_id': activate_currency(self.shop.rpc, currency),
        })
        return self.read(f'/payment/pay?{query}')
