""" Pure functions of the APS protocol. None of them needs a database. """

import calendar
import datetime
import decimal
import hashlib
import hmac
import ipaddress
import json
import re
import unicodedata

from . import const

# The fields of a message that may be shown in a log, in this order. All others are left out: a list
# of what to hide would miss the fields that APS adds over time.
LOGGED_FIELDS = (
    'merchant_reference', 'maintenance_reference', 'command', 'query_command', 'service_command',
    'amount', 'currency', 'payment_option', 'fort_id', 'status', 'response_code',
    'transaction_status', 'transaction_code',
)
# What must not be logged even there: a stranger may send the number of a card in any field.
CARD_NUMBER = re.compile(r'(?<!\d)(?:3[47]\d{13}|[2-6]\d{15}|\d{6}\*{6}\d{4})(?!\d)')

# How deeply the fields of a message may be nested; those of APS are two levels deep.
MAX_DEPTH = 20


# === Signatures === #

def build_signing_string(data, phrase):
    """ Return the text that APS hashes to sign the data.

    The fields are sorted by name, in ordinal order, and joined without separator between two
    occurrences of the phrase.
    See https://paymentservices-reference.payfort.com/docs/api/build/index.html#signature.

    :param dict data: The fields of the message. `signature` and fields without value (`None`) are
                      left out.
    :param str phrase: The SHA request or response phrase.
    :return: The text to hash.
    :rtype: str
    """
    pieces = ''.join(f'{name}={value}' for name, value in sorted(get_signed_fields(data).items()))
    return f'{phrase}{pieces}{phrase}'


def get_signed_fields(data):
    """ Return the fields that enter the signature, as texts.

    :param dict data: The fields of the message.
    :return: The texts by name; without `signature` and fields without value (`None`).
    :rtype: dict
    """
    return {
        name: format_value(value) for name, value in data.items()
        if name != 'signature' and value is not None
    }


def compute_signature(data, phrase, sha_type='sha256'):
    """ Return the signature of the data.

    :param dict data: The fields of the message.
    :param str phrase: The SHA request or response phrase. It must not be empty: a signature made
                       without secret proves nothing.
    :param str sha_type: One of `const.SHA_TYPES`.
    :return: The signature, in lower case hexadecimal digits.
    :rtype: str
    :raise ValueError: If the phrase is empty.
    """
    if not phrase:
        raise ValueError("The SHA phrase is empty.")
    return hash_signing_string(build_signing_string(data, phrase), phrase, sha_type)


def hash_signing_string(text, phrase, sha_type):
    """ Return the hash of the text that is signed.

    :param str text: The text, which holds the phrase.
    :param str phrase: The SHA request or response phrase.
    :param str sha_type: One of `const.SHA_TYPES`.
    :return: The hash, in lower case hexadecimal digits.
    :rtype: str
    """
    # Lone surrogates can be smuggled in by JSON escapes; they must not make the encoding fail.
    text = text.encode('utf-8', 'surrogatepass')
    algorithm = hashlib.sha512 if sha_type.endswith('512') else hashlib.sha256
    if sha_type.startswith('hmac'):
        return hmac.new(phrase.encode(), text, algorithm).hexdigest()
    return algorithm(text).hexdigest()


def verify_signature(data, phrase, sha_type='sha256'):
    """ Return whether the message was signed with the phrase.

    Sources disagree whether APS signs fields that have no value, so both forms are accepted.
    Neither can be produced without the phrase.

    :param dict data: The fields of the message, exactly as they were received.
    :param str phrase: The SHA response phrase.
    :param str sha_type: One of `const.SHA_TYPES`.
    :return: Whether the signature is right. It never is if there is no phrase.
    :rtype: bool
    """
    received = data.get('signature')
    if not phrase or not isinstance(received, str) or not received.isascii():
        return False
    received = received.lower().encode()
    without_empties = {name: value for name, value in data.items() if value != ''}
    variants = [data] if len(without_empties) == len(data) else [data, without_empties]
    matches = [  # All variants are computed, so that the time tells nothing.
        hmac.compare_digest(received, compute_signature(variant, phrase, sha_type).encode())
        for variant in variants
    ]
    return any(matches)


def format_value(value):
    """ Return the text form of a value, as it enters the signature.

    :param value: The value, as decoded from the message.
    :return: The text form: `{k=v, k=v}` for objects, `[a, b]` for lists.
    :rtype: str
    """
    if isinstance(value, dict):
        items = ', '.join(
            f'{key}={"" if item is None else format_value(item)}' for key, item in value.items()
        )
        return f'{{{items}}}'
    if isinstance(value, (list, tuple)):
        return f'[{", ".join(format_value(item) for item in value)}]'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return str(value)


# === Messages === #

def parse_json_message(body):
    """ Return the fields of a JSON message.

    Numbers are kept in the very text they were sent in, as this is what was signed.

    :param bytes body: The body of the request or response.
    :return: The fields of the message.
    :rtype: dict
    :raise ValueError: If the body is not one JSON object, holds a field twice, or is nested deeply.
    """
    try:
        message = json.loads(
            body,
            parse_int=str,
            parse_float=str,
            parse_constant=str,
            object_pairs_hook=_refuse_repeated_fields,
        )
    except RecursionError as error:
        raise ValueError("The message is nested too deeply.") from error
    if not isinstance(message, dict):
        raise ValueError("The message is not a JSON object.")
    if _get_depth(message) > MAX_DEPTH:
        raise ValueError("The message is nested too deeply.")
    return message


def _get_depth(value):
    """ Return how deeply objects and lists are nested, without recursion. """
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            item for parent in level if isinstance(parent, (dict, list))
            for item in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth


def _refuse_repeated_fields(pairs):
    """ Return the pairs as a dict.

    :param list[tuple] pairs: The names and values of an object.
    :return: The object.
    :rtype: dict
    :raise ValueError: If a name is repeated.
    """
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("The message holds a field twice.")
    return fields


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
    text = str(value)[:length + 1]
    if not text.isprintable():
        text = ''.join(char if char.isprintable() else '?' for char in text)
    return text if len(text) <= length else f'{text[:length - 3]}...'


def is_reference(value):
    """ Return whether the value can be the reference of a transaction at all.

    It keeps what PostgreSQL cannot take, such as NUL, away from the database. References made by
    other modules may hold characters that APS doesn't accept, so these are not refused.

    :param value: The value, from whomever it came.
    :return: Whether the value can be searched for.
    :rtype: bool
    """
    return isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable()


def get_target_state(status, response_code):
    """ Return the state of a payment that is the subject of an APS answer.

    :param str status: The status, two digits.
    :param str response_code: The response code: the status and a message code of three digits.
    :return: The state of the transaction; `None` if the answer says nothing about a payment.
    :rtype: str | None
    """
    message_code = response_code[2:]
    if response_code[:2] != status:
        return None
    state = next(
        (state for state, statuses in const.PAYMENT_STATUS_MAPPING.items() if status in statuses),
        None,
    )
    if state in ('pending', 'error') and message_code in const.CANCELED_MESSAGE_CODES:
        return 'cancel'
    if state and message_code in const.UNCLEAR_MESSAGE_CODES:
        return 'pending'
    if status == '10' and message_code in const.FINAL_MESSAGE_CODES:
        return 'error'
    return state


def is_unfinished(status, response_code):
    """ Return whether an answer about a payment says that the shopper has not finished it.

    :param str status: The status, two digits.
    :param str response_code: The response code: the status and a message code of three digits.
    :return: Whether it does. If not, it is APS, or a bank, that has to decide.
    :rtype: bool
    """
    return (
        status in const.UNFINISHED_STATUSES
        and response_code[:2] == status
        and response_code[2:] not in const.UNCLEAR_MESSAGE_CODES
    )


def is_refusal(command, answer):
    """ Return whether an answer of the payment API says that an operation was not executed.

    :param str|None command: The command of the request; `None` for a query.
    :param dict answer: The authentic answer.
    :return: Whether it is certain that nothing was executed.
    :rtype: bool
    """
    status, response_code = answer.get('status') or '', answer.get('response_code') or ''
    failure_statuses = ('00', *const.OPERATION_STATUSES.get(command, ())[1:])
    return (
        bool(command)
        and status in failure_statuses
        and response_code[:2] == status
        and response_code[2:] not in const.UNCLEAR_MESSAGE_CODES
    )


def is_query_answered(answer):
    """ Return whether an answer tells about the payment, or that APS doesn't know it.

    :param dict answer: The authentic answer to a CHECK_STATUS query.
    :return: Whether it does; if not, the query itself failed.
    :rtype: bool
    """
    is_unknown = (answer.get('response_code') or '')[2:] == const.NOT_FOUND_MESSAGE_CODE
    return answer.get('status') == '12' or is_unknown


def is_payment_unknown(query, answer):
    """ Return whether the answer to a query about a payment says that APS doesn't know it.

    :param dict query: The query; one about an operation of the payment has a
                       `maintenance_reference`.
    :param dict answer: The authentic answer.
    :return: Whether it does.
    :rtype: bool
    """
    message_code = (answer.get('response_code') or '')[2:]
    return message_code == const.NOT_FOUND_MESSAGE_CODE and not query.get('maintenance_reference')


def get_operation_outcome(command, status, response_code):
    """ Return the outcome of an operation that maintains a payment.

    :param str command: One of `const.OPERATION_STATUSES`.
    :param str status: The status, two digits.
    :param str response_code: The response code: the status and a message code of three digits.
    :return: `done`, `error`, or `pending` if the answer doesn't tell.
    :rtype: str
    """
    success_status, _failure_status = const.OPERATION_STATUSES[command]
    is_clear = response_code[2:] not in const.UNCLEAR_MESSAGE_CODES
    if status == success_status and response_code[:2] == status and is_clear:
        return 'done'
    if is_refusal(command, {'status': status, 'response_code': response_code}):
        return 'error'
    return 'pending'


def get_next_check(start, now, schedule=const.CHECK_SCHEDULE):
    """ Return when an unsettled payment or operation is to be asked about next.

    :param datetime start: When the payment or operation was started.
    :param datetime now: The time of the latest check.
    :param tuple[int] schedule: When it is asked about, in minutes after the start.
    :return: The time of the next check; `None` if it was asked about for long enough.
    :rtype: datetime | None
    """
    for minutes in schedule:
        check = start + datetime.timedelta(minutes=minutes)
        if check > now:
            return check
    return None


def get_next_visit(start, last_time):
    """ Return from when on the status page has APS asked at once again.

    The wait doubles with the age of the payment, so that one who keeps the page open, or opens it
    again and again, causes few queries.

    :param datetime start: When the payment was started.
    :param datetime last_time: When APS was last to be asked at once, or told something.
    :return: The time.
    :rtype: datetime
    """
    return last_time + max(last_time - start, datetime.timedelta(minutes=1))


# === Values === #

def read_setting(text, default):
    """ Return the number of a setting.

    :param str|bool text: The setting, as it is stored.
    :param int default: The number if the setting is missing, or is none above 0.
    :return: The number.
    :rtype: int
    """
    text = text or ''
    return int(text) if text.isdecimal() and int(text) else default


def get_payment_option(payment_method_code):
    """ Return the payment option that preselects a payment method on the payment page.

    For cards there is none: the shopper's card decides about the brand. A method that APS doesn't
    know is named all the same, so that APS refuses it rather than lets the shopper pay by another
    method than the chosen one.

    :param str payment_method_code: Odoo's code of the method that was chosen.
    :return: The payment option; empty for cards, wallets and instalments.
    :rtype: str
    """
    if payment_method_code == 'card':
        return ''
    option = const.OPTIONS_BY_METHOD.get(payment_method_code)
    if not option:
        return payment_method_code.upper()
    return option.request.get('payment_option', '')


def get_option_fields(payment_method_code):
    """ Return the fields that choose a payment method on the payment page.

    :param str payment_method_code: Odoo's code of the method that was chosen.
    :return: `payment_option`, `digital_wallet` or `installments`; none for cards.
    :rtype: dict
    """
    option = const.OPTIONS_BY_METHOD.get(payment_method_code)
    if option:
        return dict(option.request)
    return {'payment_option': get_payment_option(payment_method_code)}


def get_payment_method_code(payment_option):
    """ Return the code of the payment method that a payment option stands for.

    :param str payment_option: The payment option of an APS answer.
    :return: The code of the payment method; `None` if the option is not known.
    :rtype: str | None
    """
    option_name = str(payment_option).upper()
    return next(
        (option.method for option in const.PAYMENT_OPTIONS if option.option == option_name), None
    )


def get_language(lang_code):
    """ Return the language of the payment page for a language of Odoo.

    :param str|None lang_code: The code of the language in Odoo, such as `ar_001`, if any.
    :return: One of `const.SUPPORTED_LANGUAGES`.
    :rtype: str
    """
    language = (lang_code or '')[:2].lower()
    return language if language in const.SUPPORTED_LANGUAGES else const.DEFAULT_LANGUAGE


def get_currency_decimals(currency_code):
    """ Return the number of decimals that amounts have in a currency at APS.

    :param str currency_code: The ISO 4217 code of the currency.
    :return: The number of decimals.
    :rtype: int
    """
    return const.CURRENCY_DECIMALS.get(currency_code, const.DEFAULT_CURRENCY_DECIMALS)


def to_minor_units(amount, currency_code):
    """ Return an amount in minor units, rounded half up.

    :param float amount: The amount, in major units.
    :param str currency_code: The ISO 4217 code of the currency.
    :return: The amount, in minor units.
    :rtype: int
    """
    scale = decimal.Decimal(10) ** get_currency_decimals(currency_code)
    # The shortest text of a float is the amount that was meant; its binary value is not.
    minor = decimal.Decimal(repr(float(amount))) * scale
    return int(minor.quantize(decimal.Decimal(1), rounding=decimal.ROUND_HALF_UP))


def to_major_units(amount_minor, currency_code):
    """ Return an amount in major units.

    :param int amount_minor: The amount, in minor units.
    :param str currency_code: The ISO 4217 code of the currency.
    :return: The amount, in major units.
    :rtype: float
    """
    return float(decimal.Decimal(amount_minor).scaleb(-get_currency_decimals(currency_code)))


def parse_minor_units(text):
    """ Return the amount of a message.

    :param text: The amount as received, in minor units.
    :return: The amount, in minor units; `None` if it is not written as APS writes amounts. APS
             documents ten digits at most, but what was paid has to be read whatever it was.
    :rtype: int | None
    """
    if isinstance(text, str) and re.fullmatch(r'[0-9]{1,15}', text):
        return int(text)
    return None


def parse_expiry_date(text):
    """ Return the last day on which a card is valid.

    :param str|None text: The expiry date of an answer, `YYMM`.
    :return: The last day of the month; `None` if there is no date.
    :rtype: datetime.date | None
    """
    if not re.fullmatch(r'\d\d(0[1-9]|1[0-2])', text or '', re.ASCII):
        return None
    year, month = 2000 + int(text[:2]), int(text[2:])
    return datetime.date(year, month, calendar.monthrange(year, month)[1])


def is_payable(amount, currency_code):
    """ Return whether an amount can be paid at all.

    :param float amount: The amount, in major units.
    :param str currency_code: The ISO 4217 code of the currency.
    :return: Whether it is neither nothing nor more than APS has digits for.
    :rtype: bool
    """
    return 0 < to_minor_units(amount, currency_code) <= const.MAX_AMOUNT_MINOR


def to_latin(text):
    """ Return a text with what it has in common with ASCII written in ASCII.

    These are the digits of all scripts, dashes, spaces, and letters without their accents. Marks
    that can't be seen, such as those that set the direction of writing, go; the rest stays.

    :param str text: The text.
    :return: The text, in ASCII as far as possible.
    :rtype: str
    """
    return ''.join(map(_to_latin_char, unicodedata.normalize('NFKD', text)))


def _to_latin_char(char):
    """ Return a character in ASCII, if there is something that means the same. """
    category = unicodedata.category(char)
    if category == 'Nd':
        return str(unicodedata.decimal(char))
    if category == 'Pd' or char == '\N{MINUS SIGN}':
        return '-'
    if char == '\N{FRACTION SLASH}':
        return '/'
    return '' if category in ('Cf', 'Mn') else char


def clean_value(name, value):
    """ Fit a text to what APS accepts for a parameter.

    :param str name: The name of the parameter, one of `const.PARAMETER_LIMITS`.
    :param str|None value: The text.
    :return: The text in ASCII, without the characters that APS refuses, and without the words at
             its end that are beyond the parameter's length.
    :rtype: str
    """
    max_length, allowed = const.PARAMETER_LIMITS[name]
    text = re.sub(rf'[^{allowed}]+', '', to_latin(value or ''))
    text = re.sub(r'\s+', ' ', text).strip()
    if len(text) <= max_length:
        return text
    # Half a number of a document is the number of another one.
    return text[:max_length + 1].rpartition(' ')[0] or text[:max_length]


def clean_phone(text):
    """ Return the phone number that a text begins with or holds, fit for APS.

    What comes behind it, such as an extension or another number, is left out as a whole, and so is
    a number that is too long: what is left of it would be the number of somebody else.

    :param str|None text: The text.
    :return: The number; empty if there is none.
    :rtype: str
    """
    max_length, _allowed = const.PARAMETER_LIMITS['phone_number']
    for number in re.findall(r'(?:[+(] ?)*[0-9][0-9()./ -]*', to_latin(text or '')):
        first, _slash, _second = number.partition('/')  # Or the slash is a part of the number.
        number = first if _count_digits(first) >= 7 else number
        number = re.sub(r' +', ' ', re.sub(r'[./]', '', number)).rstrip('+-( ')
        if _count_digits(number) < 5:
            continue
        if len(number) > max_length:
            number = re.sub(r'[^0-9+]', '', number.replace('(0)', ''))
        return number if len(number) <= max_length else ''
    return ''


def _count_digits(text):
    """ Return how many digits a text holds. """
    return len(re.findall(r'[0-9]', text))


def clean_ip(text):
    """ Return an IP address without what proxies put beside it: a port, brackets, or a zone.

    :param str|None text: The address.
    :return: The address; empty if it is none.
    :rtype: str
    """
    text = (text or '').strip()
    match = re.fullmatch(r'([0-9.]+):[0-9]+|\[([^]]+)](?::[0-9]+)?', text)
    if match:
        text = match[1] or match[2]
    try:
        return str(ipaddress.ip_address(text.partition('%')[0]))
    except ValueError:
        return ''


def fits_limits(name, value):
    """ Return whether APS accepts a text for a parameter as it is.

    :param str name: The name of the parameter, one of `const.PARAMETER_LIMITS`.
    :param str|None value: The text.
    :return: Whether the text is neither empty nor in need of cleaning.
    :rtype: bool
    """
    return bool(value) and clean_value(name, value) == value


class MaskedValues(dict):
    """ Values that can be used as any dict but don't reveal themselves when they are printed.

    Odoo 17.0 logs the values of redirect forms, with the access code and the signature in them.
    """

    def __repr__(self):
        return describe_message(self)
