import hashlib
import json
import logging
import re
from contextlib import contextmanager
from unittest.mock import patch

from odoo.addons.payment.tests.http_common import PaymentHttpCommon
from odoo.addons.payment_aps.controllers.main import APSController
from odoo.addons.payment_aps.models.payment_aps_refusal import RefusalMemory, memories

MERCHANT_IDENTIFIER = 'TestMerchant1'
ACCESS_CODE = 'TestAccessCode987'
REQUEST_PHRASE = 'test request & phrase$1'
RESPONSE_PHRASE = 'test response <phrase>&2'
EMAIL = 'shopper.secret@example.com'
CARD_NUMBER = '400555******0001'
TOKEN_NAME = 'TokenToKeepSecret1'

SECRETS = (
    MERCHANT_IDENTIFIER, ACCESS_CODE, REQUEST_PHRASE, RESPONSE_PHRASE, EMAIL, CARD_NUMBER,
    TOKEN_NAME,
)


class SecretFinder(logging.Handler):
    """ Collect the log lines that reveal a secret or personal data. """

    def __init__(self):
        super().__init__()
        self.findings = []

    def emit(self, record):
        text = self.format(record)
        if any(secret in text for secret in SECRETS) or re.search(r'[0-9a-fA-F]{64}', text):
            self.findings.append(text)


def sign(fields, phrase=RESPONSE_PHRASE, algorithm=hashlib.sha256):
    """ Return the fields with the signature of APS.

    This is written apart from the addon's implementation, to not test that one by itself.

    :param dict fields: The fields of a message.
    :param str phrase: The SHA phrase.
    :param algorithm: The hash function.
    :return: The signed fields.
    :rtype: dict
    """
    text = phrase
    for name, value in sorted(fields.items()):
        if name != 'signature':
            text += name + '=' + value
    return {**fields, 'signature': algorithm((text + phrase).encode()).hexdigest()}


class APSCommon(PaymentHttpCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.aps = cls._prepare_provider('aps', update_values={
            'aps_merchant_identifier': MERCHANT_IDENTIFIER,
            'aps_access_code': ACCESS_CODE,
            'aps_sha_request': REQUEST_PHRASE,
            'aps_sha_response': RESPONSE_PHRASE,
            'is_published': True,
        })
        cls.provider = cls.aps
        cls.card = cls.env.ref('payment.payment_method_card')
        cls.payment_method = cls.card
        cls.payment_method_id = cls.card.id
        cls.payment_method_code = cls.card.code
        cls.amount = 123.45
        cls.partner.email = EMAIL
        cls.partner.lang = 'en_US'
        cls.reference = 'S00042-TEST'

    def setUp(self):
        super().setUp()
        secret_finder = SecretFinder()
        logging.getLogger().addHandler(secret_finder)
        self.addCleanup(self._check_log, secret_finder)
        # What is written of refused messages during a request is undone with it, as all cursors of
        # a test share a connection. So it is kept in the memory until a test asks for it.
        self.memory = RefusalMemory(clock=lambda: 0, burst=0)
        self.startPatcher(patch.dict(memories, {self.env.cr.dbname: self.memory}))

    def _check_log(self, secret_finder):
        """ Fail if anything that was logged during the test must not be seen. """
        logging.getLogger().removeHandler(secret_finder)
        self.assertFalse(secret_finder.findings, "The log reveals secrets or personal data.")

    def _enable(self, currency_code):
        """ Activate a currency.

        :param str currency_code: The ISO 4217 code of the currency.
        :return: The currency.
        :rtype: recordset of `res.currency`
        """
        currency = self.env['res.currency'].with_context(active_test=False).search(
            [('name', '=', currency_code)]
        )
        currency.active = True
        return currency

    def _build_fields(self, tx, **changes):
        """ Return the unsigned fields of APS's answer to a payment.

        :param recordset tx: The transaction.
        :param dict changes: Fields to change; those set to `None` are left out.
        :return: The fields, of a successful purchase by default.
        :rtype: dict
        """
        status = changes.get('status', '14')
        fields = {
            'command': 'PURCHASE',
            'access_code': ACCESS_CODE,
            'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': tx.reference,
            'amount': str(round(tx.amount * 100)),
            'currency': tx.currency_id.name,
            'language': 'en',
            'customer_email': EMAIL,
            'fort_id': '169996200024611493',
            'payment_option': 'VISA',
            'eci': 'ECOMMERCE',
            'authorization_code': '123456',
            'card_holder_name': 'Ali Hassan',
            'card_number': CARD_NUMBER,
            'expiry_date': '3005',
            'customer_ip': '192.0.2.10',
            'token_name': TOKEN_NAME,
            'status': status,
            'response_code': f'{status}000',
            'response_message': 'Success',
            **changes,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _build_message(self, tx, **changes):
        """ Return the signed fields of APS's answer to a payment; see `_build_fields`. """
        return sign(self._build_fields(tx, **changes))

    def _post(self, route, body, content_type='application/x-www-form-urlencoded'):
        """ Post a body to one of the routes.

        :param str route: The path of the route.
        :param dict|str|bytes body: The body; a dict is encoded as a form.
        :param str content_type: The content type of the body.
        :return: The response, without following redirections.
        :rtype: requests.Response
        """
        headers = {} if isinstance(body, dict) else {'Content-Type': content_type}
        return self.opener.post(
            self.base_url() + route, data=body, headers=headers, allow_redirects=False, timeout=30
        )

    def _notify(self, message):
        """ Post a message to the webhook, as APS does. """
        return self._post(APSController._webhook_url, message)

    def _notify_json(self, message):
        """ Post a message to the webhook, as APS does if the dashboard says JSON. """
        return self._post(APSController._webhook_url, json.dumps(message), 'application/json')

    def _return(self, message):
        """ Post a message to the return route, as the shopper's browser does. """
        return self._post(APSController._return_url, message)

    @contextmanager
    def _assert_nothing_written(self, tx):
        """ Fail if any transaction is written or created in the context.

        PostgreSQL stores a new version of a row, at another place, each time it is written.
        """
        def get_versions():
            self.env.flush_all()
            self.env.cr.execute('SELECT id, ctid::text FROM payment_transaction ORDER BY id')
            return self.env.cr.fetchall()

        versions = get_versions()
        state = tx.state
        yield
        self.env.invalidate_all()
        self.assertEqual(get_versions(), versions)
        self.assertEqual(tx.state, state)
