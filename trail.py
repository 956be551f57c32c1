""" What the trail of messages keeps of a message. None of these functions needs a database. """

import hashlib
import re

from . import utils as aps_utils

# The fields of a message that are kept, in this order: none of them holds a secret, personal data
# or data of a card. All others are left out, whatever APS may add over time.
KEPT_FIELDS = (
    'command', 'query_command', 'service_command', 'merchant_reference', 'maintenance_reference',
    'fort_id', 'amount', 'currency', 'payment_option', 'eci', 'language', 'authorization_code',
    'status', 'response_code', 'response_message', 'transaction_status', 'transaction_code',
    'transaction_message', 'authorized_amount', 'captured_amount', 'refunded_amount',
    'processor_response_code', 'acquirer_response_code', 'acquirer_response_message',
    'reconciliation_reference', 'settlement_reference', 'installments', 'number_of_installments',
)
MAX_VALUE_LENGTH = 150
# What must not be kept even where APS says something in its own words: e-mail addresses, and
# numbers as long as those of cards and phones.
PERSONAL_DATA = re.compile(r'\S+@\S+|\d[\d *X-]{5,}\d')
SPOKEN_FIELDS = ('response_message', 'transaction_message', 'acquirer_response_message')


def compute_digest(message):
    """ Return a text by which a repetition of a message is recognized.

    The signature is a digest of all fields already, and the same for all forms of a message that
    are taken as authentic. It is hashed once more, so that it can't be taken from the trail.

    :param dict message: The message, whose signature was verified or made by us.
    :return: The digest, in lower case hexadecimal digits.
    :rtype: str
    """
    signature = str(message.get('signature') or '').lower()
    return hashlib.sha256(signature.encode('utf-8', 'surrogatepass')).hexdigest()


def mask_message(message):
    """ Return the fields of a message that may be kept, one a line.

    :param dict message: The message.
    :return: The lines.
    :rtype: str
    """
    return '\n'.join(
        f'{name}={mask_value(name, message[name])}' for name in KEPT_FIELDS if message.get(name)
    )


def mask_value(name, value):
    """ Return a value as it may be kept.

    :param str name: The name of the field.
    :param value: The value.
    :return: The value as short, printable text.
    :rtype: str
    """
    text = aps_utils.shorten(value, MAX_VALUE_LENGTH)
    return PERSONAL_DATA.sub('...', text) if name in SPOKEN_FIELDS else text


def read_columns(message):
    """ Return what the trail keeps of a message in columns of their own.

    :param dict message: The message.
    :return: The values by column; the amount is in minor units.
    :rtype: dict
    """
    def read(*names):
        value = next((message[name] for name in names if message.get(name)), None)
        return value and aps_utils.shorten(value)

    return {
        'command': read('query_command', 'command', 'service_command'),
        'status': read('status'),
        'response_code': read('response_code'),
        'amount_minor': aps_utils.parse_minor_units(message.get('amount')),
        'currency': read('currency'),
        'merchant_reference': read('merchant_reference'),
        'maintenance_reference': read('maintenance_reference'),
        'fort_id': read('fort_id'),
        'digest': compute_digest(message),
        'body': mask_message(message),
    }
