""" What tests can do in place of a shopper or of the shop's staff.

The caller holds the sandbox's lock.
"""

from dataclasses import replace

from . import cards, checkout, validation
from .checkout import Means
from .codes import parse_code
from .options import OPTIONS


class ControlError(Exception):
    """ A control request that makes no sense; answered with HTTP 400 or 404.

    :param str text: What is wrong.
    :param int status: The HTTP status.
    """

    def __init__(self, text, status=400):
        super().__init__(text)
        self.status = status


def read_scenario(value):
    """ Return a scenario: its name, `success`, or five digits of a response code.

    :raise ControlError: If it is none of these.
    """
    if value == 'success' or value in cards.SCENARIOS:
        return value
    if str(value).isdigit():
        return parse_code(str(value)).code
    known = ', '.join(('success', 'cancel', *cards.SCENARIOS))
    raise ControlError(f'result must be a response code or one of {known}')


def finish(sandbox, payment, options, customer_ip):
    """ Make an attempt, or cancel, as a test asks.

    :param Sandbox sandbox: The sandbox.
    :param Payment payment: The payment, with its page open.
    :param dict options: `card`, `option`, `status`, `remember_me`, `card_holder_name`, `notify`,
        `stay`.
    :param str customer_ip: The shopper's address.
    """
    if options.get('status') == 'cancel':
        checkout.cancel(sandbox, payment)
        return
    means = payment.challenge or _means(sandbox, payment, options, customer_ip)
    if options.get('status'):
        means.scenario = read_scenario(options['status'])
    checkout.attempt(sandbox, payment, means, options.get('notify', True))
    if not options.get('stay'):
        checkout.leave(payment)


def _means(sandbox, payment, options, customer_ip):
    """ Return what is paid with, as a test asks.

    :param Sandbox sandbox: The sandbox.
    :param Payment payment: The payment.
    :param dict options: `card`, `option`, `remember_me`, `card_holder_name`.
    :param str customer_ip: The shopper's address.
    :return: The means of payment.
    :rtype: Means
    """
    token_name = payment.request.get('token_name')
    if token_name:
        token = sandbox.ledger.tokens[token_name]
        return replace(checkout.means_of_token(token), customer_ip=customer_ip)
    account, number = sandbox.account_of(payment), options.get('card')
    code = options.get('option') or _first_option(account, payment)
    if code not in OPTIONS:
        raise ControlError(f'unknown option: {code}')
    if not number and not OPTIONS[code].is_card:
        return Means(code, customer_ip=customer_ip)
    card = cards.CARDS.get(number or _card_number_of(code))
    if not card:
        raise ControlError('card must be one of the test cards')
    holder = options.get('card_holder_name', 'Sandbox Shopper')
    is_remembered = options.get('remember_me', payment.request.get('remember_me') == 'YES')
    means = checkout.means_of_card(
        sandbox, card.number, card.expiry, card.cvv, holder, is_remembered,
    )
    return replace(means, customer_ip=customer_ip)


def _first_option(account, payment):
    """ Return the first payment option that a shopper could choose. """
    options = validation.possible_options(account, payment.request)
    return options[0].code if options else 'VISA'


def _card_number_of(code):
    """ Return the number of the first test card of an option. """
    return next(card.number for card in cards.CARDS.values() if card.option == code)


def make_order(account, payment, body):
    """ Return the fields of an operation that is made in the dashboard. """
    values = {
        'command': body['command'], 'access_code': account.access_code, 'language': 'en',
        'merchant_identifier': account.merchant_identifier,
        'merchant_reference': payment.reference, 'fort_id': payment.fort_id,
    }
    if body['command'] != 'VOID_AUTHORIZATION':
        values.update(amount=str(int(body['amount'])), currency=payment.currency)
    return values


def find_open_operation(payment):
    """ Return the operation on a payment that is still to be decided, if any. """
    for operation in payment.operations:
        if operation.outcome.is_open:
            return operation
    return None
