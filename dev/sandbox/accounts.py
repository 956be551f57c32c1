""" Merchant accounts: what APS's dashboard and staff would set. """

from dataclasses import asdict, dataclass, field, fields

from . import signature
from .fields import FIELDS
from .options import DEFAULT_ACTIVE, OPTIONS

SECRETS = ('sha_request_phrase', 'sha_response_phrase')
CHOICES = {
    'sha_type': signature.SHA_TYPES,
    'digest_case': ('lower', 'upper'),
    'notification_format': ('form', 'json', 'xml'),
    'return_method': ('POST', 'GET'),
    'cancel_code': ('00072', '01072', '13072'),
    'not_found_code': ('12036', '11036'),
}


@dataclass
class Account:
    """ One merchant account.

    :param str name: The merchant's name on the payment page.
    :param str feedback_url: Where payments are notified at once (Direct Transaction Feedback).
    :param str notification_url: Where later changes are notified.
    :param str return_url: Where shoppers go when the request names no address.
    :param str notification_format: The body of notifications: `form`, `json` or `xml`.
    :param str return_method: How the browser comes back: `POST`, or `GET` with masked card details.
    :param list payment_options: The active payment options.
    :param list currencies: The accepted currencies; empty for all.
    :param bool tokenization: Whether cards can be saved.
    :param bool recurring: Whether tokens can be charged with `eci=RECURRING`.
    :param bool moto: Whether `eci=MOTO` is allowed.
    :param bool installments: Whether `installments=STANDALONE` is allowed.
    :param bool agreement_required: Whether recurring charges need an `agreement_id`.
    :param bool fraud_screening: Whether `customer_ip` is mandatory.
    :param bool arabic_letters: Whether Arabic letters are accepted in names and descriptions.
    :param int attempts: How often a shopper may try a card on one page.
    :param str cancel_code: The response code of a cancelled payment.
    :param bool cancel_feedback: Whether a cancelled payment is notified as well.
    :param str not_found_code: The response code of a status query that finds nothing.
    :param bool sign_unauthentic: Whether the API signs its answer to a request it cannot trust.
    :param int capture_days: The days until an authorization lapses.
    :param bool multiple_captures: Whether an authorization can be captured in parts.
    :param bool captured_shrinks: Whether `captured_amount` is told without what was refunded.
    :param list no_refund_options: The payment options that refuse `REFUND` (00049).
    :param list refused_parameters: The parameters that are none of the account's (00027), although
        they are documented.
    :param int transaction_limit: The largest amount, in minor units (00050); 0 for none.
    """

    merchant_identifier: str = 'SandboxMID'
    access_code: str = 'SandboxAccessCode1'
    sha_request_phrase: str = field(default='sandbox-request-phrase$1', repr=False)
    sha_response_phrase: str = field(default='sandbox-response-phrase&2', repr=False)
    sha_type: str = 'sha256'
    digest_case: str = 'lower'
    name: str = 'Sandbox Shop'
    feedback_url: str = None
    notification_url: str = None
    return_url: str = None
    notification_format: str = 'form'
    return_method: str = 'POST'
    payment_options: list = field(default_factory=lambda: list(DEFAULT_ACTIVE))
    currencies: list = field(default_factory=list)
    tokenization: bool = True
    recurring: bool = True
    moto: bool = True
    installments: bool = False
    agreement_required: bool = False
    fraud_screening: bool = False
    arabic_letters: bool = False
    attempts: int = 1
    cancel_code: str = '00072'
    cancel_feedback: bool = False
    not_found_code: str = '12036'
    sign_unauthentic: bool = True
    capture_days: int = 7
    multiple_captures: bool = True
    captured_shrinks: bool = False
    no_refund_options: list = field(default_factory=list)
    refused_parameters: list = field(default_factory=list)
    transaction_limit: int = 0

    def update(self, settings):
        """ Change settings.

        :param dict settings: The new values by name.
        :raise ValueError: If a name is unknown or a value does not fit; nothing is changed then.
        """
        for name, value in settings.items():
            self._check_setting(name, value)
        for name, value in settings.items():
            setattr(self, name, value)

    @staticmethod
    def _check_setting(name, value):
        """ Check one setting.

        :raise ValueError: If the name is unknown or the value does not fit.
        """
        if name not in DEFAULTS:
            raise ValueError(f'unknown setting: {name}')
        default = DEFAULTS[name]
        expected = (str, type(None)) if name.endswith('_url') else type(default)
        if not isinstance(value, expected) or isinstance(value, bool) != isinstance(default, bool):
            raise ValueError(f'wrong type of value for {name}')
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}")
        if name in ('payment_options', 'no_refund_options') and set(value) - set(OPTIONS):
            raise ValueError(f"{name} must be among {', '.join(OPTIONS)}")
        if name == 'refused_parameters' and set(value) - set(FIELDS):
            raise ValueError(f"{name} must be among {', '.join(FIELDS)}")

    def describe(self):
        """ Return the settings without the phrases.

        :return: The settings by name.
        :rtype: dict
        """
        return {name: value for name, value in asdict(self).items() if name not in SECRETS}

    def sign(self, values, direction='response'):
        """ Return a copy of a message with its signature.

        :param dict values: The fields of the message.
        :param str direction: `response` (APS to merchant) or `request` (merchant to APS).
        :return: The signed message.
        :rtype: dict
        """
        phrase = self.sha_response_phrase if direction == 'response' else self.sha_request_phrase
        digest = signature.compute(values, phrase, self.sha_type)
        digest = digest.upper() if self.digest_case == 'upper' else digest
        return {**values, 'signature': digest}

    def verifies(self, values):
        """ Tell whether a request carries this merchant's signature.

        :param dict values: The fields received, `signature` included.
        :return: Whether the request is authentic.
        :rtype: bool
        """
        return signature.is_valid(values, self.sha_request_phrase, self.sha_type)


DEFAULTS = {
    one.name: getattr(Account(), one.name) for one in fields(Account)
}


def make_account(settings):
    """ Return a new account.

    :param dict settings: The settings that differ from the default account's.
    :return: The account.
    :rtype: Account
    :raise ValueError: If a setting does not fit.
    """
    account = Account()
    account.update(settings)
    return account
