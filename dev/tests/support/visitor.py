""" A visitor of the shop, without a browser: pages, forms, and the way through a payment. """

import re
import time
import urllib.error
import urllib.parse
from html.parser import HTMLParser

from workbench.rpc import BUSY, RPCError, Session

from .portal_shopper import post_form

POLLS = 20
ADMIN = {'login': 'admin', 'password': 'admin'}


class Tags(HTMLParser):
    """ The tags of a page of one name. """

    def __init__(self, page, name):
        super().__init__()
        self.name = name
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """ Note a tag. """
        if tag == self.name:
            self.found.append(dict(attrs))


def find_tags(page, tag_name, /, **attributes):
    """ Return the attributes of the tags of a page that have some values.

    :param str page: The page.
    :param str tag_name: The name of the tags.
    :param str attributes: The values, with `_` for `-` in the names.
    :return: The attributes of each tag.
    :rtype: list[dict]
    """
    wanted = {key.replace('_', '-'): value for key, value in attributes.items()}
    return [
        tag for tag in Tags(page, tag_name).found
        if all(tag.get(key) == value for key, value in wanted.items())
    ]


class Visitor(Session):
    """ The requests of somebody's browser, with the token that forms of Odoo need. """

    def __init__(self, shop, login=None, url=None):
        """
        :param Shop shop: The running shop.
        :param dict login: Who it is, with the password; a stranger by default.
        :param str url: The address of the website, if it isn't the first one.
        """
        super().__init__(url or shop.url, shop.database, login)
        self.shop = shop

    def get(self, path, **query):
        """ Open a page and return its text. """
        return self._open(path + (f'?{urllib.parse.urlencode(query)}' if query else ''))

    def read_status(self, path, **query):
        """ Open a page and return the HTTP status. """
        try:
            self.get(path, **query)
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    def post(self, path, **fields):
        """ Post a form, with the token of the page that was read last, and return the page. """
        fields.setdefault('csrf_token', self.token)
        return self._open(path, fields)

    def _open(self, path, fields=None):
        """ Open a page, or submit a form, and note the token of the page that it leads to. """
        page = self.read(path, fields)
        token = re.search(r'csrf_token: "(\w+)"', page)
        self.token = token[1] if token else None
        return page

    def open_form(self, path, **query):
        """ Open a page with a payment form.

        :return: The form.
        :rtype: PaymentForm
        """
        return PaymentForm(self, self.get(path, **query))

    def wait_for_result(self):
        """ Wait on the status page, as its script does, and open the page that it leads to.

        :return: The state of the payment.
        :rtype: str
        """
        for _poll in range(POLLS):
            try:
                answer = self.call('/payment/status/poll')
            except RPCError as error:
                if str(error) != BUSY:
                    raise
                time.sleep(0.2)
                continue
            if answer['state'] in ('authorized', 'done'):
                self.get(answer['landing_route'])
            return answer['state']
        raise AssertionError("The status page was busy all the time.")


class PaymentForm:
    """ A payment form on a page of the shop. """

    def __init__(self, visitor, page):
        self.visitor = visitor
        self.page = page
        forms = find_tags(page, 'form', id='o_payment_form')
        self.values = {
            key.removeprefix('data-').replace('-', '_'): value
            for key, value in (forms[0] if forms else {}).items()
        }

    def read_offers(self):
        """ Return the methods that are offered.

        :return: Code of the provider, its id, and code of the method.
        :rtype: set[tuple[str, int, str]]
        """
        return {
            (radio.get('data-provider-code'), int(radio['data-provider-id']),
             radio.get('data-payment-method-code'))
            for radio in self._find_options()
        }

    def _find_options(self, **attributes):
        """ Return the attributes of the payment options with some values. """
        return find_tags(
            self.page, 'input', name='o_payment_radio', data_payment_option_type='payment_method',
            **attributes,
        )

    @property
    def amount(self):
        """ What the form asks for, in major units; a part of an invoice, if a link says so. """
        is_in_parts = 'o_btn_payment_tab' in self.page  # Where a part is proposed by 19.0.
        return float(self.values['invoice_next_amount_to_pay' if is_in_parts else 'amount'])

    def start(self, method='card', provider_id=None, **params):
        """ Choose a method of APS, and click on *Pay*.

        :param str method: The code of the method.
        :param int provider_id: The provider, if several may be offered.
        :param dict params: What else the page sends, or sends otherwise.
        :return: The attempt.
        :rtype: Attempt
        :raise RPCError: If the shop refuses.
        """
        wanted = {'data_provider_id': str(provider_id)} if provider_id else {}
        [radio] = self._find_options(
            data_provider_code='aps', data_payment_method_code=method, **wanted
        )
        return Attempt(self.visitor, self.create_transaction(
            provider_id=int(radio['data-provider-id']),
            payment_method_id=int(radio['data-payment-option-id']), **params,
        ))

    def create_transaction(self, **params):
        """ Send what the script of the page sends, and return what the shop answers. """
        values = self.values
        route = values['transaction_route']
        if route == '/payment/transaction' or route.startswith('/donation/'):
            params = {
                'currency_id': int(values['currency_id']), 'partner_id': int(values['partner_id']),
                'reference_prefix': values.get('reference_prefix'), **params,
            }
        if 'access_token' in values:
            params.setdefault('access_token', values['access_token'])
        return self.visitor.call(route, **{
            'token_id': None, 'amount': self.amount, 'flow': 'redirect',
            'tokenization_requested': False, 'landing_route': values['landing_route'],
            'is_validation': False, **params,
        })


class Attempt:
    """ An attempt to pay, from the form that leads to the payment page on. """

    def __init__(self, visitor, processing_values):
        """
        :param Visitor visitor: Who pays.
        :param dict processing_values: What the shop told the script of the page.
        """
        self.visitor = visitor
        self.shop = visitor.shop
        self.fields = {
            tag['name']: tag['value']
            for tag in find_tags(processing_values['redirect_form_html'], 'input')
        }
        self.reference = processing_values['reference']

    def pay(self, result='success', **options):
        """ Go to the payment page, pay, come back, and wait on the status page.

        :param str result: The outcome.
        :param dict options: What else the sandbox can be told, e.g., the `card`.
        :return: The state of the payment that the status page tells.
        :rtype: str
        """
        self.go()
        self.leave(result, **options)
        self.come_back()
        return self.visitor.wait_for_result()

    def go(self):
        """ Go to the payment page. """
        post_form(self.shop, self.fields)

    def leave(self, result='success', **options):
        """ Finish the payment page, and have Odoo notified. """
        self.answer = self.shop.sandbox('POST', 'pay', {
            'merchant_reference': self.reference, 'result': result, **options,
        })
        self.wait_for_notifications()

    def come_back(self):
        """ Come back to the shop with APS's answer, and see the status page. """
        self.visitor.post(self.answer['return_url'], **{
            **self.answer['fields'], 'csrf_token': [],
        })

    def settle(self, result='success'):
        """ Have APS decide a pending payment, and notify Odoo. """
        self.shop.sandbox('POST', 'settle', {
            'merchant_reference': self.reference, 'result': result,
        })
        self.wait_for_notifications()

    def wait_for_notifications(self):
        """ Wait until the sandbox has nothing left to deliver. """
        assert self.shop.sandbox('POST', 'notifications/wait', {'timeout': 30})['idle']

    def read(self):
        """ Return the values of the transaction, as attributes. """
        return self.shop.read_transaction(self.reference)

    def age(self, hours):
        """ Have the payment been made earlier. """
        self.shop.query(
            'UPDATE payment_transaction SET last_state_change = last_state_change'
            f" - interval '{hours} hours' WHERE reference = '{self.reference}'"
        )

    def read_captured(self):
        """ Return what the sandbox's ledger says was taken, in minor units. """
        path = f'ledger?merchant_reference={self.reference}'
        [entry] = self.shop.sandbox('GET', path)['payments']
        return entry['captured']

    def read_booked(self):
        """ Return the amounts of the posted accounting payments, in major units. """
        return [row['amount'] for row in self.shop.rpc.search_read('account.payment', [
            ('payment_transaction_id.reference', '=', self.reference),
            ('state', 'in', ('posted', 'in_process', 'paid')),
        ], ['amount'])]
