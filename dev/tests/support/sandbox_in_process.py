""" The sandbox without a server, and a shopper without a browser, for tests that take seconds. """

import html
import re

from aps.message import parse_json_message
from sandbox.accounts import make_account
from sandbox.app import create_app
from sandbox.state import Sandbox
from workbench.contract.steps import CARDS

INPUT = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"/>')
RETURN_WAY = 'POST application/x-www-form-urlencoded'


class SandboxInProcess:
    """ Answers as `workbench.contract.play.Peer` does. """

    def __init__(self, account, **settings):
        """
        :param Account account: The merchant's account.
        :param settings: What the sandbox's account has besides.
        """
        self.client = create_app(Sandbox([make_account({
            'merchant_identifier': account.merchant_identifier, 'access_code': account.access_code,
            'sha_request_phrase': account.request_phrase,
            'sha_response_phrase': account.response_phrase, 'sha_type': account.sha_type,
            **settings,
        })])).test_client()

    def ask(self, fields):
        """ Send a request to the API; see `Peer.ask`. """
        response = self.client.post('/FortAPI/paymentApi', json=fields)
        return f"HTTP {response.status_code} {response.mimetype}", parse_json_message(response.data)

    def visit(self, fields, visit):
        """ Send a shopper to the payment page; see `Visit.run`. """
        response = self.client.post('/FortAPI/paymentPage', data=fields)
        if response.status_code == 303:
            if visit['action'] == 'look':
                return "the payment page opens", None
            response = self._act(response.location, visit)
        if response.status_code != 200:
            return f"a page of APS, HTTP {response.status_code}", None
        pairs = INPUT.findall(response.text)
        return RETURN_WAY, {html.unescape(name): html.unescape(value) for name, value in pairs}

    def _act(self, page, visit):
        """ Do on the payment page what a shopper does there. """
        if visit['action'] == 'cancel':
            return self.client.post(f'{page.partition("?")[0]}/cancel')
        number, expiry, code = CARDS[visit['card']]
        data = {'card_security_code': visit.get('code', code)}
        if not visit.get('saved'):
            data.update(
                card_number=number, expiry_date=expiry, card_holder_name='Contract Shopper'
            )
        if visit.get('save'):
            data['remember_me'] = 'YES'
        response = self.client.post(f'{page.partition("?")[0]}/card', data=data)
        if response.status_code == 303:  # To the bank.
            answer = visit.get('challenge', 'approve')
            response = self.client.post(response.location, data={'result': answer})
        return response
