""" Exchanges with APS: how they are signed, what the addon makes of them, how they are stored.

They are signed and read by the addon's own rules, so that it is these that meet APS. The sandbox,
which is asked in the same words, has rules of its own.
"""

import dataclasses
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aps import const
from aps.message import Answer
from aps.readings import find_doubt
from aps.signature import Account, compute_signature, get_signed_fields, verify_signature

RECORDINGS = Path(__file__).parents[2] / 'tests' / 'unit'
SANDBOX_SOURCE, APS_SOURCE = 'dev/sandbox', 'APS'
FILES = {
    SANDBOX_SOURCE: RECORDINGS / 'contract_sandbox.json',
    APS_SOURCE: RECORDINGS / 'contract_aps.json',
}
# What stands in recordings for the account that was asked.
TEST_MERCHANT, TEST_ACCESS_CODE = 'ContractMID', 'ContractAccess1'
TEST_REQUEST_PHRASE, TEST_RESPONSE_PHRASE = 'contract-request-phrase', 'contract-response-phrase'
WRONG_PHRASE = 'neither-of-the-two-phrases'


def get_test_account(sha_type):
    """ Return the account that recordings are signed for.

    :param str sha_type: One of `const.SHA_TYPES`.
    :rtype: Account
    """
    return Account(
        'Contract', 'test', TEST_MERCHANT, TEST_ACCESS_CODE, TEST_REQUEST_PHRASE,
        TEST_RESPONSE_PHRASE, sha_type,
    )


#=== REQUESTS ===#

def _sign_in_capitals(account, fields):
    """ Return the signature in upper case. """
    return account.sign(fields)['signature'].upper()


def _sign_without_empties(account, fields):
    """ Return the signature of the fields that have a value. """
    return account.sign({name: value for name, value in fields.items() if value})['signature']


def _sign_by(**changes):
    """ Return what signs for an account of which something is changed.

    :param changes: What gives the value of a field of the account, by its name.
    :rtype: function
    """
    def sign(account, fields):
        changed = {name: change(account) for name, change in changes.items()}
        return dataclasses.replace(account, **changed).sign(fields)['signature']

    return sign


# How requests are signed: rightly, or wrongly on purpose.
SIGNERS = {
    'request': lambda account, fields: account.sign(fields)['signature'],
    'request, in capitals': _sign_in_capitals,
    'request, without empty fields': _sign_without_empties,
    'response': _sign_by(request_phrase=lambda account: account.response_phrase),
    'another phrase': _sign_by(request_phrase=lambda _account: WRONG_PHRASE),
    'another SHA type': _sign_by(
        sha_type=lambda account: 'sha512' if account.sha_type == 'sha256' else 'sha256'
    ),
}


def sign_request(account, fields, signer='request'):
    """ Return a request with its signature.

    :param Account account: The account.
    :param dict fields: The fields, with or without a signature, which is made anew.
    :param str signer: One of `SIGNERS`.
    :return: The signed fields.
    :rtype: dict
    """
    unsigned = {name: value for name, value in fields.items() if name != 'signature'}
    return {**unsigned, 'signature': SIGNERS[signer](account, unsigned)}


#=== ANSWERS ===#

def find_answer_signer(account, answer):
    """ Return what an answer is signed with.

    :param Account account: The account that was asked.
    :param dict answer: The answer as received.
    :return: `none`, `response`, `response, without empty fields`, `request`, or `something else`.
    :rtype: str
    """
    if not answer.get('signature'):
        return 'none'
    if account.recognizes(answer):
        is_plain = answer['signature'].lower() == compute_signature(
            answer, account.response_phrase, account.sha_type
        )
        return 'response' if is_plain else 'response, without empty fields'
    is_by_request = verify_signature(answer, account.request_phrase, account.sha_type)
    return 'request' if is_by_request else 'something else'


def sign_answer(account, fields, signer):
    """ Return an answer, signed as the original was.

    :param Account account: The account that the answer is for.
    :param dict fields: The fields, with the signature that is replaced.
    :param str signer: What `find_answer_signer` says of the original.
    :return: The fields with their signature, if the original has one.
    :rtype: dict
    """
    unsigned = {name: value for name, value in fields.items() if name != 'signature'}
    if signer == 'none':
        return unsigned
    signed = unsigned
    if signer == 'response, without empty fields':
        signed = {name: value for name, value in unsigned.items() if value != ''}
    phrase = {
        'request': account.request_phrase, 'something else': WRONG_PHRASE,
    }.get(signer, account.response_phrase)
    signature = compute_signature(signed, phrase, account.sha_type)
    if fields['signature'] != fields['signature'].lower():
        signature = signature.upper()
    return {**unsigned, 'signature': signature}


@dataclass
class Exchange:
    """ A request and its answer.

    :param str name: The name of the step.
    :param dict request: The request as sent, with its signature.
    :param str signer: How it was signed, one of `SIGNERS`.
    :param dict visit: What the shopper did on the payment page; `None` of a request to the API.
    :param str way: How the answer came.
    :param dict answer: The fields of the answer as received; `None` if it has none.
    :param str answer_signer: See `find_answer_signer`.
    :param str state: What the addon makes of it, see `judge`.
    """

    name: str
    request: dict
    signer: str = 'request'
    visit: dict | None = None
    way: str = ''
    answer: dict | None = None
    answer_signer: str = 'none'
    state: str = ''

    @property
    def is_signed(self):
        """ Return whether APS signed the answer as it should. """
        return self.answer_signer.startswith('response')


@dataclass
class Recording:
    """ What was asked and answered in one run.

    :param str source: Who answered, one of `FILES`.
    :param str sha_type: The SHA type of the account.
    :param list[Exchange] exchanges: The exchanges in their order.
    :param dict missing: Why steps were not played, by their name.
    :param dict seen: What was found, by the key of the question.
    :param str recorded: The day.
    :param dict settings: How the account of a sandbox has to be set to answer like this, if not as
                          usual; written by hand, and kept when it is recorded anew.
    """

    source: str
    sha_type: str
    exchanges: list = field(default_factory=list)
    missing: dict = field(default_factory=dict)
    seen: dict = field(default_factory=dict)
    recorded: str = ''
    settings: dict = field(default_factory=dict)

    def dump(self):
        """ Return the text of the file that holds the recording. """
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + '\n'

    @classmethod
    def load(cls, file):
        """ Return the recording that a file holds.

        :param Path file: The file.
        :rtype: Recording
        """
        values = json.loads(file.read_text('utf-8'))
        exchanges = [Exchange(**exchange) for exchange in values.pop('exchanges')]
        return cls(exchanges=exchanges, **values)

    def find_payment(self, exchange):
        """ Return the exchange that started the payment that another one is about.

        :param Exchange exchange: The other one, which may have started it itself.
        :return: The exchange; `None` if no payment was started.
        :rtype: Exchange | None
        """
        name = 'merchant_reference'
        reference = exchange.request.get(name) or (exchange.answer or {}).get(name)
        return next((
            one for one in self.exchanges
            if one.request.get('command') in const.PAYMENT_COMMANDS
            and one.request[name] == reference
        ), None)


#=== WHAT THE ADDON MAKES OF THEM ===#

def judge(exchange, recording):
    """ Return what the addon makes of an answer.

    :param Exchange exchange: The exchange.
    :param Recording recording: The exchanges until then, and this one.
    :return: The state of the payment or operation, or why the answer decides nothing.
    :rtype: str
    """
    start = recording.find_payment(exchange)
    payment = start and start.request
    if exchange.answer is None:
        return "no answer"
    if not exchange.is_signed:
        return "not believed"
    answer = Answer(exchange.answer)
    fault = answer.find_fault()
    if not fault and exchange.visit is not None:
        fault = find_doubt(get_signed_fields(exchange.answer))
    if not fault and payment and 'service_command' not in exchange.request:
        fault = answer.find_mismatch(int(payment['amount']), payment['currency'])
    return f"doubted, as {fault}" if fault else _read_state(exchange, answer, payment)


def _read_state(exchange, answer, payment):
    """ Return the state that an answer without fault tells, see `judge`. """
    command = exchange.request.get('command')
    if command in const.PAYMENT_COMMANDS:
        return answer.state or "undecided"
    if command:
        return answer.outcome(command)
    if 'service_command' in exchange.request:
        return 'done' if answer.status == const.TOKEN_STATUSES[0] else 'error'
    if answer.is_payment_unknown(exchange.request):
        return "unknown payment"
    if not answer.is_answered:
        return "not answered"
    if exchange.request.get('maintenance_reference'):
        return answer.told.outcome('REFUND') if answer.told.status else "unknown refund"
    if answer.sums.is_voided:
        return "voided"
    if not payment:
        return "undecided"
    is_purchase = payment['command'] == 'PURCHASE'
    return answer.get_payment_state(int(payment['amount']), is_purchase) or "undecided"
