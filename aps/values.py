""" Values as Odoo has them, and as APS wants them. """

import calendar
import datetime
import decimal
import hashlib
import ipaddress
import re
import unicodedata

from . import const

# How many digits tell two payments apart at the acquirer if their references as they stand don't.
SETTLEMENT_DIGEST_LENGTH = 10


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
    return int(minor.to_integral_value(rounding=decimal.ROUND_HALF_UP))


def to_major_units(amount_minor, currency_code):
    """ Return an amount in major units.

    :param int amount_minor: The amount, in minor units.
    :param str currency_code: The ISO 4217 code of the currency.
    :return: The amount, in major units.
    :rtype: float
    """
    return float(decimal.Decimal(amount_minor).scaleb(-get_currency_decimals(currency_code)))


def format_minor_units(amount_minor, currency_code):
    """ Return an amount as text, with all decimals that it has at APS and the code of its currency.

    :param int amount_minor: The amount, in minor units.
    :param str currency_code: The ISO 4217 code of the currency.
    :return: The text.
    :rtype: str
    """
    decimals = get_currency_decimals(currency_code)
    return f'{to_major_units(amount_minor, currency_code):.{decimals}f} {currency_code}'


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


def get_settlement_reference(reference):
    """ Return the text by which the settlement file of the acquirer is to name a payment.

    It is the reference itself, so that it can be looked up as it stands, wherever APS accepts that.
    Of any other one it is the beginning, and a digest of the whole: long references may begin
    alike, and others may differ only in characters that have to be left out.

    :param str reference: The reference of the payment.
    :return: The text; no other payment has the same.
    :rtype: str
    """
    if fits_limits('settlement_reference', reference):
        return reference
    max_length, allowed = const.PARAMETER_LIMITS['settlement_reference']
    digest = hashlib.sha256(reference.encode()).hexdigest()[:SETTLEMENT_DIGEST_LENGTH].upper()
    readable_part = re.sub(rf'[^{allowed}]+', '-', to_latin(reference))
    readable_part = readable_part[:max_length - SETTLEMENT_DIGEST_LENGTH - 1].strip('-')
    return f'{readable_part}-{digest}' if readable_part else digest
