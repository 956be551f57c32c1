""" What the log and the trail of messages may show of a message. """

import hashlib
import re

from .values import parse_minor_units

# The fields of a message that may be shown in a log, in this order. All others are left out: a list
# of what to hide would miss the fields that APS adds over time.
LOGGED_FIELDS = (
    'merchant_reference', 'maintenance_reference', 'command', 'query_command', 'service_command',
    'amount', 'currency', 'payment_option', 'fort_id', 'status', 'response_code',
    'transaction_status', 'transaction_code',
)
# What must not be logged even there: a stranger may send the number of a card in any field.
CARD_NUMBER = re.compile(r'(?<!\d)(?:3[47]\d{13}|[2-6]\d{15}|\d{6}\*{6}\d{4})(?!\d)')

# The fields of a message that are kept, in this order: none of them holds a secret, personal data
# or data of a card. All others are left out, whatever APS may add over time.
KEPT_FIELDS = (
    'command', 'query_command', 'service_command', 'merchant_reference', 'maintenance_reference',
    'fort_id', 'amount', 'currency', 'payment_option', 'eci', 'language', 'authorization_code',
    'status', 'response_code', 'response_message', 'transaction_status', 'transaction_code',
    'transaction_message', 'authorized_amount', 'captured_amount', 'refunded_amount',
    'processor_response_code', 'acquirer_response_code', 'acquirer_response_message',
    'reconciliation_reference', 'settlement_reference', 'installments', 'number_of_installments',
    'knet_ref_number', 'third_party_transaction_number',
)
MAX_VALUE_LENGTH = 150
# The numbers by which the banks know a payment that was made. They stand on receipts.
NETWORK_NUMBERS = ('knet_ref_number', 'third_party_transaction_number')
BANK_NUMBERS = ('authorization_code', *NETWORK_NUMBERS)
BANK_NUMBER = re.compile(r'[A-Za-z0-9]{1,40}')
# What must not be kept even where APS says something in its own words: e-mail addresses, and
# numbers as long as those of cards and phones.
PERSONAL_DATA = re.compile(r'\S+@\S+|\d[\d *X-]{5,}\d')
SPOKEN_FIELDS = ('response_message', 'transaction_message', 'acquirer_response_message')


def describe_message(data):
    """ Return one short line about a message that is safe to log.

    :param dict data: The message, authentic or not.
    :return: The line, with a few fields that hold neither secrets nor personal data.
    :rtype: str
    """
    line = ' '.join(f'{name}={shorten(data[name])}' for name in LOGGED_FIELDS if data.get(name))
    return CARD_NUMBER.sub('...', line) or "(empty)"


def shorten(value, length=64):
    """ Return the value as short, printable text.

    :param value: The value, from whomever it came.
    :param int length: The maximum length of the text.
    :return: The text, without line breaks or other control characters.
    :rtype: str
    """
    text = str(value)
    if len(text) > length:
        text = f'{text[:length - 3]}...'
    if text.isprintable():
        return text
    return ''.join(char if char.isprintable() else '?' for char in text)


class MaskedValues(dict):
    """ Values that can be used as any dict but don't reveal themselves when they are printed.

    Odoo 17.0 logs the values of redirect forms, with the access code and the signature in them.
    """

    def __repr__(self):
        return describe_message(self)


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
    text = shorten(value, MAX_VALUE_LENGTH)
    return PERSONAL_DATA.sub('...', text) if name in SPOKEN_FIELDS else text


def read_columns(message):
    """ Return what the trail keeps of a message in columns of their own.

    :param dict message: The message.
    :return: The values by column; the amount is in minor units.
    :rtype: dict
    """
    def read(*names):
        value = next((message[name] for name in names if message.get(name)), None)
        return value and shorten(value)

    return {
        'command': read('query_command', 'command', 'service_command'),
        'status': read('status'),
        'response_code': read('response_code'),
        'amount_minor': parse_minor_units(message.get('amount')),
        'currency': read('currency'),
        'merchant_reference': read('merchant_reference'),
        'maintenance_reference': read('maintenance_reference'),
        'fort_id': read('fort_id'),
        'digest': compute_digest(message),
        'body': mask_message(message),
    }


def read_bank_numbers(message):
    """ Return the numbers by which the banks know a payment, as they may be kept and shown.

    :param dict message: The message, authentic and checked.
    :return: The numbers by the name of their field. What is no such number, or may be that of a
             card, is left out.
    :rtype: dict[str, str]
    """
    return {
        name: message[name] for name in BANK_NUMBERS
        if isinstance(message.get(name), str) and BANK_NUMBER.fullmatch(message[name])
        and not CARD_NUMBER.search(message[name])
    }
