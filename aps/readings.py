""" Whether a signed message can be taken at its word.

What APS signs is the text `n1=v1n2=v2...`, names ascending, without anything between the fields.
Whoever posts that text may cut it elsewhere, and the signature still fits: `fort_id=1` and
`language=en` are signed like the one field `fort_id=1language=en`. And who sends a request to APS
chooses what is in many of its fields, which APS gives back and signs even when it refuses them.

So the cut is not judged at all. The places in the text where APS can have said a thing are
counted: there must be one, and the message must read it there. Why that is enough:

- Each text of APS holds `status=` with two digits and `response_code=` with five, followed by the
  end, or by a name, which begins with no digit. These are places. The message reads a place of the
  same form. If there is only one, then it is that of APS. This holds whatever else is in the text:
  a refusal can't be made a success.
- A status other than `00` says that APS has accepted the request, so that its values had their
  documented form. Then the same holds for the number, amount, currency and command: one place, and
  a value that ends by itself.
- A reference doesn't end by itself. If neither it nor what the message makes of it holds `=`, both
  end before the same next one, and what is between is a value and a name, divided somewhere. The
  next name of the message is a documented one; so is that of APS; and of the names that may follow,
  only `processor_response_code` ends in another one, which has a place of its own.
- Of a `00`, nothing but its status and code is certain: anybody may have sent the request that was
  refused, with any reference and amount.
"""

import itertools
import re

from . import const

# The fields that a message is decided by and whose values end by themselves, with what they are
# followed by wherever APS may have said them. An amount with a point, which is not one of APS, is
# left to the comparison with that of the payment.
CLOSED_FIELDS = {
    name: re.compile(f'{name}={pattern}') for name, pattern in (
        ('amount', r'([0-9.]+)'),
        ('command', r'([A-Z_]+)'),
        ('currency', r'([A-Z]{3})'),
        ('fort_id', r'([0-9]+)'),
        ('response_code', r'([0-9]{5})(?![0-9])'),
        ('status', r'([0-9]{2})(?![0-9])'),
    )
}
# Those that hold text.
OPEN_FIELDS = ('maintenance_reference', 'merchant_identifier', 'merchant_reference', 'token_name')

# The fields of the messages that APS sends to the routes: results of payments, which give back the
# fields of the request, and of captures, voids and refunds.
# See https://paymentservices-reference.payfort.com/docs/api/build/index.html.
DOCUMENTED_FIELDS = frozenset((
    '3ds_eci', '3ds_enrolled', '3ds_status', '3ds_url', '3ds_xid', 'access_code',
    'acquirer_response_code', 'acquirer_response_message', 'agreement_id', 'amount',
    'authorization_code', 'card_bin', 'card_holder_name', 'card_number', 'check_3ds', 'command',
    'currency', 'customer_email', 'customer_ip', 'customer_name', 'digital_wallet', 'eci',
    'expiry_date', 'fort_id', 'fraud_comment', 'installments', 'issuer_code', 'issuer_country',
    'issuer_name', 'knet_ref_number', 'language', 'maintenance_reference', 'merchant_extra',
    'merchant_extra1', 'merchant_extra2', 'merchant_extra3', 'merchant_extra4', 'merchant_extra5',
    'merchant_identifier', 'merchant_reference', 'number_of_installments', 'order_description',
    'payment_option', 'phone_number', 'plan_code', 'processor_response_code',
    'reconciliation_reference', 'recurring_days_between_payments', 'recurring_expiry_date',
    'recurring_mode', 'recurring_transactions_count', 'remember_me', 'response_code',
    'response_message', 'return_url', 'sadad_olp', 'settlement_reference', 'statement_descriptor',
    'status', 'third_party_transaction_number', 'token_name', 'transaction_date',
))

# What only answers of the API hold, which come over a connection of our own.
API_FIELDS = ('query_command', 'service_command')


def find_doubt(fields):
    """ Return why an authentic message that came by a route can't be believed as it stands.

    :param dict fields: The fields as the texts that were signed, without the signature.
    :return: The reason; `None` if the message says what APS said.
    :rtype: str | None
    """
    status, response_code = fields.get('status'), fields.get('response_code')
    if any(fields.get(name) for name in API_FIELDS):
        return "it answers a request to the API"
    if not status or not response_code:
        return "the status is missing"
    if not has_one_reading(fields):
        return "it can be read in two ways"
    if not response_code.startswith(status):
        return "the status contradicts the response code"
    is_plain = response_code.endswith(const.SUCCESS_MESSAGE_CODE)  # Behind the two of the status.
    if status in const.SUCCESS_STATUSES and not (is_plain and fields.get('fort_id')):
        return "a success without its number or its plain code"
    return None


def has_one_reading(fields):
    """ Return whether a message says of all that decides about a payment what APS said.

    Fields without value may have been signed or not, so both texts are looked at.

    :param dict fields: The fields as the texts that were signed, without the signature.
    :return: Whether it does.
    :rtype: bool
    """
    told = {name: value for name, value in fields.items() if value}
    texts = [fields, told] if '' in fields.values() else [fields]
    return all(_has_one_place_for_all(signed) for signed in texts)


def _has_one_place_for_all(signed):
    """ Return whether each field that decides has one place, and the message reads it there.

    :param dict signed: The fields that were signed.
    :rtype: bool
    """
    names = sorted(signed)
    text = ''.join(f'{name}={signed[name]}' for name in names)
    next_names = dict(itertools.pairwise(names))
    return all(
        _reads_only_place(pattern, text, signed.get(name))
        for name, pattern in CLOSED_FIELDS.items()
    ) and all(
        _reads_only_text(name, text, signed.get(name), next_names.get(name))
        for name in OPEN_FIELDS
    )


def _reads_only_place(pattern, text, value):
    """ Return whether a value is what stands at the only place of its field, or there is neither.

    :param re.Pattern pattern: What the place looks like.
    :param str text: The text that was signed.
    :param str|None value: The value that the message reads.
    :rtype: bool
    """
    places = pattern.finditer(text)
    place = next(places, None)
    if not place or not value:
        return not place and not value
    return place[1] == value and not next(places, None)


def _reads_only_text(name, text, value, next_name):
    """ Return whether a text begins at the only place of its field and ends where it must.

    :param str name: The name of the field.
    :param str text: The text that was signed.
    :param str|None value: The value that the message reads.
    :param str|None next_name: The name behind it; `None` if it is the last one.
    :rtype: bool
    """
    mark = f'{name}='
    if value is None:
        return mark not in text
    _before, _mark, behind = text.partition(mark)
    is_documented = next_name is None or next_name in DOCUMENTED_FIELDS
    return mark not in behind and '=' not in value and is_documented
