""" What APS answers: the fields of responses, before they are signed (sections 5 and 6). """

import secrets
from datetime import datetime, timezone

CARD_FIELDS = ('card_number', 'expiry_date', 'card_holder_name')


def result_fields(outcome, language):
    """ Return the three fields that tell a result. """
    return {
        'status': outcome.status,
        'response_code': outcome.code,
        'response_message': outcome.text(language),
    }


def refusal_fields(request, outcome, known):
    """ Return the answer to a request that was not executed.

    :param dict request: The fields received.
    :param Outcome outcome: The result.
    :param frozenset known: The documented fields of the request; only these come back.
    :return: The unsigned fields.
    :rtype: dict
    """
    echoed = {
        name: value for name, value in request.items()
        if name in known and name not in ('signature', 'card_security_code')
    }
    return {**echoed, **result_fields(outcome, request.get('language'))}


def payment_fields(payment, outcome, means=None):
    """ Return the result of a payment attempt.

    :param Payment payment: The payment, with the attempt booked.
    :param Outcome outcome: The result.
    :param Means means: What the shopper paid with, if anything.
    :return: The unsigned fields.
    :rtype: dict
    """
    fields = {
        name: value for name, value in payment.request.items() if name != 'card_security_code'
    }
    fields.setdefault('eci', 'ECOMMERCE')
    fields['fort_id'] = payment.fort_id
    fields.update(result_fields(outcome, payment.language))
    if outcome.is_success:
        fields['authorization_code'] = payment.authorization_code
    if means:
        fields.update(means_fields(means, payment, outcome))
    return fields


def means_fields(means, payment, outcome):
    """ Return the fields that tell what was paid with. """
    fields = {'payment_option': means.option, 'customer_ip': means.customer_ip}
    fields.update({
        'card_number': means.card_number,
        'expiry_date': means.expiry_date,
        'card_holder_name': means.card_holder_name,
    })
    if means.option == 'STCPAY':
        fields['digital_wallet'] = 'STCPAY'
    if means.option in ('KNET', 'BENEFIT', 'OMANNET') and outcome.is_success:
        fields.update(local_fields(means.option))
    if outcome.is_success and payment.request.get('installments'):
        fields.update(number_of_installments='3', plan_code='Plan3', issuer_code='SandboxBank')
    given = payment.request.get('customer_ip')
    if given:
        fields['customer_ip'] = given
    return {name: value for name, value in fields.items() if value}


def local_fields(option):
    """ Return the numbers that local networks add to a success. """
    number = str(secrets.randbelow(10 ** 12)).zfill(12)
    fields = {'third_party_transaction_number': f'1{number}'}
    if option == 'KNET':
        now = datetime.now(timezone.utc)
        fields.update(knet_ref_number=number, transaction_date=now.strftime('%Y-%m-%d, %H:%M:%S'))
    return fields


def hide_card(fields):
    """ Return the fields as a return by GET shows them: card details all asterisks.

    :param dict fields: The unsigned fields.
    :return: The unsigned fields, masked.
    :rtype: dict
    """
    return {
        name: '*' * len(value) if name in CARD_FIELDS else value for name, value in fields.items()
    }
