""" Maintenance operations on the API: capture, void, refund, status query, tokens (section 6, 7.5).

The caller holds the sandbox's lock. Every function takes the authenticated account and the checked
fields, and returns the unsigned fields of the answer.
"""

from . import messages, validation
from .cards import CARDS
from .codes import Outcome, Refusal, failure_of, success_of

CHECKS = {
    'CAPTURE': 'check_capture',
    'VOID_AUTHORIZATION': 'check_void',
    'REFUND': 'check_refund',
}


def operate(sandbox, account, values, ordered=None):
    """ Capture, void or refund.

    :param Sandbox sandbox: The sandbox.
    :param Account account: The merchant's account.
    :param dict values: The checked fields; `amount` in minor units.
    :param Outcome ordered: The outcome that a test ordered instead of a success.
    :return: The unsigned fields of the answer.
    :rtype: dict
    :raise Refusal: If the order is unknown or the operation is not possible.
    """
    payment = find_payment(sandbox, account, values)
    try:
        if 'amount' in values:
            validation.check_amount(values)
        getattr(sandbox.ledger, CHECKS[values['command']])(account, payment, values)
    except Refusal as refusal:
        sandbox.ledger.book(payment, values, refusal.outcome)
        raise
    outcome = ordered or success_of(values['command'])
    operation = sandbox.ledger.book(payment, values, outcome)
    operation.message = {**_answer(values, outcome), 'fort_id': payment.fort_id}
    operation.message['merchant_reference'] = payment.reference
    if outcome.status != '00':
        sandbox.send_notification(account, operation.message)
    return operation.message


def settle(sandbox, payment, operation, is_success):
    """ Decide an operation that was left open, and notify the decision.

    :param Sandbox sandbox: The sandbox.
    :param Payment payment: The payment.
    :param Operation operation: The operation.
    :param bool is_success: Whether it succeeds.
    :return: The unsigned fields of the notification.
    :rtype: dict
    """
    outcome = sandbox.ledger.settle(payment, operation, is_success)
    operation.message.update(messages.result_fields(outcome, operation.message.get('language')))
    sandbox.send_notification(sandbox.account_of(payment), operation.message)
    return operation.message


def find_payment(sandbox, account, values):
    """ Return the payment that a request is about.

    :raise Refusal: If there is none (036).
    """
    payment = sandbox.ledger.find(
        account.merchant_identifier, values.get('merchant_reference'), values.get('fort_id'),
    )
    if not payment:
        raise Refusal('036', 'unknown merchant_reference or fort_id')
    return payment


def _answer(values, outcome):
    """ Return the request's fields with the result. """
    echoed = {name: value for name, value in values.items() if name != 'signature'}
    return {**echoed, **messages.result_fields(outcome, values.get('language'))}


def check_status(sandbox, account, values):
    """ Answer a status query.

    An order that was never processed is not found: the shopper is still on the page, or left it.

    :param Sandbox sandbox: The sandbox.
    :param Account account: The merchant's account.
    :param dict values: The checked fields.
    :return: The unsigned fields of the answer; amounts in minor units.
    :rtype: dict
    """
    payment = sandbox.ledger.find(
        account.merchant_identifier, values.get('merchant_reference'), values.get('fort_id'),
    )
    latest = _latest_outcome(sandbox, payment, values.get('maintenance_reference'))
    if not latest:
        code = account.not_found_code
        return _answer(values, Outcome(code[:2], code[2:]))
    answer = {**_answer(values, success_of('CHECK_STATUS')), 'fort_id': payment.fort_id}
    given_back = payment.refunded if account.captured_shrinks else 0
    answer.update({
        'merchant_reference': payment.reference,
        'transaction_status': latest.status,
        'transaction_code': latest.code,
        'transaction_message': latest.text(values['language']),
        'authorized_amount': str(payment.authorized),
        'captured_amount': str(payment.captured - given_back),
        'refunded_amount': str(payment.refunded),
    })
    if payment.authorization_code:
        answer['authorization_code'] = payment.authorization_code
    if values.get('return_third_party_response_codes') == 'YES':
        answer['acquirer_response_code'] = '00' if latest.is_success else '05'
    return answer


def _latest_outcome(sandbox, payment, maintenance_reference):
    """ Return the latest outcome on an order, or of one of its refunds; `None` if none. """
    if not payment or not maintenance_reference:
        return payment.latest if payment else None
    found, refund = sandbox.ledger.find_refund(payment.merchant_identifier, maintenance_reference)
    return refund.outcome if found is payment else None


def update_token(sandbox, account, values):
    """ Change or switch off a token.

    :param Sandbox sandbox: The sandbox.
    :param Account account: The merchant's account.
    :param dict values: The checked fields.
    :return: The unsigned fields of the answer.
    :rtype: dict
    :raise Refusal: If tokens are not active (038) or the merchant reference was used before (007).
    """
    if not account.tokenization:
        raise Refusal('038', 'tokenization is not active')
    sandbox.ledger.claim_reference(account.merchant_identifier, values['merchant_reference'])
    token = sandbox.ledger.tokens.get(values['token_name'])
    if not token or token.merchant_identifier != account.merchant_identifier:
        return _answer(values, failure_of('UPDATE_TOKEN', '044'))
    new_name = values.get('new_token_name')
    if new_name in sandbox.ledger.tokens:
        return _answer(values, failure_of('UPDATE_TOKEN', '114'))
    _change_token(sandbox, token, values)
    return {
        **_answer(values, success_of('UPDATE_TOKEN')),
        'card_number': token.card_number,
        'expiry_date': token.expiry_date,
        'card_brand': token.option,
        'card_bin': token.card_number[:6],
        'creation_date': token.created,
    }


def _change_token(sandbox, token, values):
    """ Write the changes of an UPDATE_TOKEN request. """
    if values.get('token_status'):
        token.is_active = values['token_status'] == 'ACTIVE'
    token.expiry_date = values.get('expiry_date') or token.expiry_date
    token.card_holder_name = values.get('card_holder_name') or token.card_holder_name
    if values.get('new_token_name'):
        del sandbox.ledger.tokens[token.name]
        token.name = values['new_token_name']
        sandbox.ledger.tokens[token.name] = token


def describe_cards():
    """ Return the test cards for people and tests; their numbers belong to nobody. """
    return [
        {**vars(card), 'scheme': card.name, 'masked': card.masked} for card in CARDS.values()
    ]
