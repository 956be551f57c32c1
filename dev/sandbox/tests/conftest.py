""" Fixtures: a sandbox, a shop that signs its requests by itself, and a shop's webhook. """

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from ..app import create_app
from ..state import Sandbox

RETURN_URL = 'http://shop.example.com/payment/aps/return'


class Shop:
    """ A merchant's side of the protocol, signed apart from the sandbox's own code.

    :param flask.testing.FlaskClient client: The sandbox.
    """

    def __init__(self, client):
        self.client = client
        self.credentials = {
            'access_code': 'SandboxAccessCode1', 'merchant_identifier': 'SandboxMID',
        }

    @staticmethod
    def sign(values, phrase='sandbox-request-phrase$1'):
        """ Return the values with their SHA-256 signature. """
        text = ''.join(f'{name}={values[name]}' for name in sorted(values))
        digest = hashlib.sha256(f'{phrase}{text}{phrase}'.encode()).hexdigest()
        return {**values, 'signature': digest}

    def is_from_aps(self, fields):
        """ Tell whether a message carries APS's signature. """
        unsigned = {name: value for name, value in fields.items() if name != 'signature'}
        return self.sign(unsigned, 'sandbox-response-phrase&2') == fields

    def form(self, reference='S1', **values):
        """ Return the unsigned form of a checkout; a value of `None` leaves the field out. """
        form = {
            **self.credentials, 'command': 'PURCHASE', 'merchant_reference': reference,
            'amount': '10000', 'currency': 'SAR', 'language': 'en',
            'customer_email': 'ali@example.com', 'return_url': RETURN_URL, **values,
        }
        return {name: value for name, value in form.items() if value is not None}

    def checkout(self, reference='S1', **values):
        """ Post the form of a checkout and return the response. """
        form = self.sign(self.form(reference, **values))
        return self.client.post('/FortAPI/paymentPage', data=form)

    def api(self, reference='S1', **values):
        """ Send an API request and return the answer. """
        body = {**self.credentials, 'language': 'en', 'merchant_reference': reference, **values}
        body = {name: value for name, value in body.items() if value is not None}
        return self.client.post('/FortAPI/paymentApi', json=self.sign(body)).json

    def pay(self, reference='S1', command='PURCHASE', **options):
        """ Check out and pay without a browser; return the fields of the browser's return. """
        form = options.pop('form', {})
        verdict = self.checkout(reference, command=command, **form).headers['X-Sandbox-Verdict']
        assert verdict == 'accepted', verdict
        return self.control('pay', merchant_reference=reference, **options)['fields']

    def control(self, path, **body):
        """ Post to the control API and return the answer. """
        response = self.client.post(f'/_sandbox/{path}', json=body)
        assert response.status_code < 300, response.json
        return response.json

    def setup(self, **settings):
        """ Change settings of the account. """
        response = self.client.patch('/_sandbox/accounts/SandboxMID', json=settings)
        assert response.status_code == 200, response.json

    def ledger(self, reference='S1'):
        """ Return a payment as the ledger has it. """
        answer = self.client.get(f'/_sandbox/ledger?merchant_reference={reference}')
        return answer.json['payments'][0]


class Webhook:
    """ A shop's webhook that keeps what it receives, and answers `statuses` in turn, then 200. """

    def __init__(self):
        self.statuses = []
        self.received = []
        self.content_types = []
        self.server = ThreadingHTTPServer(('127.0.0.1', 0), self._handler())
        self.url = f'http://127.0.0.1:{self.server.server_port}/webhook'
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(self):
        """ Return the request handler of the webhook. """
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            """ Keep the body and answer the next status. """

            def do_POST(self):
                """ Take a notification. """
                body = self.rfile.read(int(self.headers['Content-Length'])).decode()
                webhook.received.append(body)
                webhook.content_types.append(self.headers['Content-Type'])
                self.send_response(webhook.statuses.pop(0) if webhook.statuses else 200)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_arguments):
                """ Stay silent. """

        return Handler

    def fields(self, number=-1):
        """ Return the fields of a form that was received. """
        return dict(parse_qsl(self.received[number], keep_blank_values=True))


@pytest.fixture
def sandbox():
    """ Return a fresh sandbox with quick retries. """
    return Sandbox(retry_interval=0.05, retries=3)


@pytest.fixture
def client(sandbox):
    """ Return a client of the sandbox's web application. """
    return create_app(sandbox).test_client()


@pytest.fixture
def shop(client):
    """ Return the merchant's side. """
    return Shop(client)


@pytest.fixture
def webhook(shop):
    """ Return a webhook that the account notifies. """
    webhook = Webhook()
    shop.setup(feedback_url=webhook.url, notification_url=webhook.url)
    yield webhook
    webhook.server.shutdown()
    webhook.server.server_close()
