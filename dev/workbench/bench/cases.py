""" What is measured: the requests that APS, shoppers and strangers make. """

import http.client
import json
import threading
import time
import urllib.parse
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sandbox import signature

from ..sandbox_process import CREDENTIALS, MERCHANT
from ..system import Failure

WEBHOOK = '/payment/aps/webhook'
RETURN = '/payment/aps/return'
FORM = {'Content-Type': 'application/x-www-form-urlencoded'}
JSON = {'Content-Type': 'application/json'}


@dataclass
class Sample:
    """ What one round of one case showed. """

    cpu: float  # Seconds of the server for each request.
    seconds: list  # How long each request took, for whoever waits.
    queries: float = None  # For each request.


def send(url, method, path, body=None, headers=None):
    """ Send a request on a connection of its own, as APS and browsers do.

    :param str url: The address of the server.
    :param str method: The HTTP method.
    :param str path: The path.
    :param bytes body: The body, if any.
    :param dict headers: The headers.
    :return: The status, the body of the answer and the seconds.
    :rtype: tuple[int, bytes, float]
    """
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=120)
    begin = time.perf_counter()
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    answer = response.read()
    seconds = time.perf_counter() - begin
    connection.close()
    return response.status, answer, seconds


def sign_success(reference, amount='1000', currency='AED'):
    """ Return what APS posts about a payment that succeeded.

    :param str reference: The reference of the transaction.
    :param str amount: The amount, in minor units.
    :param str currency: The code of the currency.
    :return: The fields, signed.
    :rtype: dict
    """
    fields = {
        'command': 'PURCHASE', 'merchant_identifier': MERCHANT,
        'access_code': CREDENTIALS['aps_access_code'], 'merchant_reference': reference,
        'amount': amount, 'currency': currency, 'language': 'en',
        'customer_email': 'layla@example.com', 'customer_ip': '192.0.2.7',
        'fort_id': f'1696929{zlib.crc32(reference.encode()):011}', 'payment_option': 'VISA',
        'eci': 'ECOMMERCE', 'order_description': 'Karak Tea Set', 'authorization_code': '742714',
        'card_number': '400555******0001', 'card_holder_name': 'Layla Haddad',
        'expiry_date': '2912', 'acquirer_response_code': '00', 'response_message': 'Success',
        'status': '14', 'response_code': '14000',
    }
    return {**fields, 'signature': signature.compute(fields, CREDENTIALS['aps_sha_response'])}


class Case:
    """ A kind of request. """

    name = title = path = None
    method, headers, status = 'POST', FORM, 200
    state = 'test'  # That of the provider.
    number, rounds = 20, 24  # Requests of a round, and rounds.
    target = None  # The ratio to Odoo's own module that is aimed at.
    target_of = 'cpu'

    def prepare(self, subject, number):
        """ Return the bodies of the requests of a round.

        :param Subject subject: Who is asked.
        :param int number: How many.
        :return: The bodies.
        :rtype: list
        """
        return [None] * number

    def request(self, subject, body):
        """ Make a request and return how long it took.

        :raise Failure: If the answer isn't that of this case.
        """
        status, answer, seconds = send(subject.url, self.method, self.path, body, self.headers)
        if status != self.status or not self.is_right(answer):
            raise Failure(f"{subject.name} answered {status} to {self.title}. Log: {subject.log}")
        return seconds

    def is_right(self, answer):
        """ Return whether a body is the answer of this case. """
        return True

    def check(self, subject, bodies):
        """ Check after a round that it did what it is meant to measure. """

    def run(self, subject, number=None):
        """ Run a round.

        :param Subject subject: Who is asked.
        :param int number: How many requests.
        :return: What it showed.
        :rtype: Sample
        """
        subject.set_state(self.state)
        bodies = self.prepare(subject, number or self.number)
        offset = subject.get_log_size()
        begin = subject.read_cpu()
        seconds = [self.request(subject, body) for body in bodies]
        cpu = (subject.read_cpu() - begin) / len(bodies)
        queries = subject.read_queries(offset, self.path)
        if len(queries) < len(bodies):
            raise Failure(f"{subject.log} does not tell the number of queries.")
        self.check(subject, bodies)
        return Sample(cpu, seconds, sum(queries) / len(bodies))


class Floor(Case):
    """ The cheapest answer of the server that has to do with a database. """

    name, title, path, method, headers = 'floor', "floor (/web/health)", '/web/health', 'GET', {}


class Fresh(Case):
    """ A notification of success that changes the state of a payment. """

    name, title, path, target = 'fresh', "fresh notification", WEBHOOK, 0.8

    def prepare(self, subject, number):
        self.references = subject.take_transactions(number)
        return [
            urllib.parse.urlencode(sign_success(reference)).encode()
            for reference in self.references
        ]

    def check(self, subject, bodies):
        references = ', '.join(f"'{reference}'" for reference in self.references)
        done = subject.query(
            "SELECT count(*) FROM payment_transaction "
            f"WHERE state = 'done' AND reference IN ({references})"
        )
        if int(done) != len(self.references):
            raise Failure(f"{subject.name} did not confirm the payments of {self.title}.")


class Repeated(Fresh):
    """ The same notification once more. """

    name, title, target = 'repeated', "repeated notification", 0.5

    def prepare(self, subject, number):
        bodies = super().prepare(subject, number)
        for body in bodies:
            self.request(subject, body)
        return bodies


class Refused(Case):
    """ A notification with a wrong signature. """

    name, title, path, status, target = 'refused', "refused notification", WEBHOOK, 403, 0.6

    def prepare(self, subject, number):
        return [
            urllib.parse.urlencode({**sign_success(reference), 'amount': '1'}).encode()
            for reference in subject.take_transactions(number)
        ]


class RedirectForm(Case):
    """ The creation of a payment and of the form that leads to APS, as checkouts ask for it. """

    name, title, path, headers = 'form', "form of a live provider", '/payment/transaction', JSON
    state = 'enabled'
    rounds = 60  # Both are nearly equal, so that the noise has to be small.
    target = 0.95

    def prepare(self, subject, number):
        values = subject.values
        body = json.dumps({'jsonrpc': '2.0', 'method': 'call', 'id': 1, 'params': {
            'provider_id': values.provider_id, 'payment_method_id': values.payment_method_id,
            'token_id': None, 'amount': 10.0, 'currency_id': values.currency_id,
            'partner_id': values.partner_id, 'flow': 'redirect', 'tokenization_requested': False,
            'landing_route': '/payment/confirmation', 'is_validation': False,
            'access_token': values.access_token,
        }}).encode()
        return [body] * number

    def is_right(self, answer):
        return b'redirect_form_html' in answer and b'/FortAPI/paymentPage' in answer


class TestForm(RedirectForm):
    """ The same of a provider in test mode, whose offer the addon has the engine confirm. """

    name, title, state, rounds, target = 'test_form', "form in test mode", 'test', 24, 1.4


class Both(Fresh):
    """ The shopper's return while the notification of the same payment is on its way. """

    name, title, target, target_of = 'both', "return with webhook", 0.05, 'p95'
    number, rounds = 5, 16

    def request(self, subject, body):
        barrier = threading.Barrier(2)

        def post(path):
            barrier.wait()
            return send(subject.url, 'POST', path, body, FORM)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(post, (RETURN, WEBHOOK)))
        if [status for status, _answer, _seconds in answers] != [303, 200]:
            raise Failure(
                f"{subject.name} answered {[answer[0] for answer in answers]} to {self.title}. "
                f"Log: {subject.log}"
            )
        return answers[0][2]  # The shopper doesn't wait for the webhook.

    def run(self, subject, number=None):
        sample = super().run(subject, number)
        return Sample(sample.cpu, sample.seconds)


CASES = {
    case.name: case
    for case in (Floor, Fresh, Repeated, Refused, RedirectForm, TestForm, Both)
}
