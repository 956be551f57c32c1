""" The requests of a shopper's browser, without a browser. """

import html
import json
import re
import time
import urllib.parse
import urllib.request

from .system import Failure

POLLS = 30
INPUT = re.compile(r'name="(\w+)" value="([^"]*)"')


class ShopError(Failure):
    """ The shop answered with an error. """


class ShopVisitor:
    """ A shopper who is logged in and pays orders with a card. """

    def __init__(self, stack, login):
        """
        :param Stack stack: The running shop.
        :param dict login: The login and password.
        """
        self.stack = stack
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        session = self._call('/web/session/authenticate', db=stack.database, **login)
        self.partner_id = session['partner_id']

    def pay_order(self, order, **outcome):
        """ Pay an order on the payment page, and have the shop take notice.

        :param dict order: The order: `id`, `amount_total` and `access_token`.
        :param dict outcome: What becomes of it there, see `finish`.
        :return: The reference of the payment.
        :rtype: str
        """
        reference = self.begin(order)
        self.finish(reference, **outcome)
        return reference

    def begin(self, order):
        """ Go to the payment page with an order.

        :param dict order: The order: `id`, `amount_total` and `access_token`.
        :return: The reference of the payment.
        :rtype: str
        """
        values = self._call(
            f"/my/orders/{order['id']}/transaction", access_token=order['access_token'],
            amount=order['amount_total'], flow='redirect', token_id=None,
            provider_id=self.stack.rpc.ref('payment.payment_provider_aps'),
            payment_method_id=self.stack.rpc.ref('payment.payment_method_card'),
            tokenization_requested=False, landing_route=f"/my/orders/{order['id']}",
        )
        self._open_payment_page(values['redirect_form_html'])
        return values['reference']

    def finish(self, reference, **outcome):
        """ Pay on the payment page, and have the shop take notice.

        :param str reference: The reference of the payment.
        :param dict outcome: What the control interface of the sandbox takes: `status`, `card`, ...
        :return: None
        """
        sandbox = self.stack.sandbox
        sandbox.request('POST', 'pay', {'merchant_reference': reference, **outcome})
        sandbox.request('POST', 'notifications/wait', {'timeout': 30})
        self._poll()

    def _poll(self):
        """ Have the order confirmed, as the status page does.

        The shop answers `retry` if something else, such as a scheduled action, was in the way.

        :raise ShopError: If it answers with another error, or with that one all the time.
        """
        for polls_left in reversed(range(POLLS)):
            try:
                self._call('/payment/status/poll')
                return
            except ShopError as error:
                if not polls_left or not str(error).endswith('retry'):
                    raise
                time.sleep(1)

    def _open_payment_page(self, form):
        """ Post the form that the shop has made to the payment page.

        :raise Failure: If the sandbox refuses it.
        """
        fields = {name: html.unescape(value) for name, value in INPUT.findall(form)}
        url = f'{self.stack.sandbox.url}/FortAPI/paymentPage'
        body = urllib.parse.urlencode(fields).encode()
        with self.opener.open(url, body, timeout=60) as response:
            if '/FortAPI/page/' not in response.url:
                raise Failure("The sandbox refused the form of the shop.")

    def _call(self, route, **params):
        """ Call a JSON route of the shop and return the result.

        :raise ShopError: If the shop answers with an error.
        """
        body = json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': params}).encode()
        request = urllib.request.Request(
            self.stack.url + route, body, {'Content-Type': 'application/json'}
        )
        with self.opener.open(request, timeout=120) as response:
            answer = json.load(response)
        if 'error' in answer:
            raise ShopError(f"The shop refused {route}: {answer['error']['data']['message']}")
        return answer['result']
