""" The field table: what each request may carry (protocol reference, sections 4, 6 and 7).

A request is refused with 00001 (missing), 00002 (format), 00027 (unexpected field), 00032 (length)
or 00033 (value).
"""

import re
from dataclasses import dataclass, field

from .codes import Refusal

LETTERS = 'A-Za-z'
DIGITS = '0-9'
ARABIC = '\u0600-\u06FF'
EXTRA_CHARACTERS = ".;/_-,'@"
DESCRIPTION_CHARACTERS = "'/._-#:$ "
PERSON_CHARACTERS = "_\\/-.' "


@dataclass(frozen=True)
class Field:
    """ The limits of one request field.

    :param str kind: `alpha`, `alnum` or `num`.
    :param int max_length: The longest value, in characters.
    :param str specials: The special characters that are allowed beside the kind's own.
    :param tuple values: The only values that are allowed; empty for any.
    :param bool is_text: Whether it is for people, so that Arabic letters may come (see `accounts`).
    """

    kind: str
    max_length: int
    specials: str = ''
    values: tuple = ()
    is_text: bool = False

    def pattern(self, arabic_letters=False):
        """ Return the regular expression that the whole value has to match. """
        allowed = {'alpha': LETTERS, 'alnum': LETTERS + DIGITS, 'num': DIGITS}[self.kind]
        if arabic_letters and self.is_text:
            allowed += ARABIC
        return f'[{allowed}{re.escape(self.specials)}]*'

    def check(self, name, value, arabic_letters=False):
        """ Check one value.

        :param str name: The name of the field.
        :param value: The value received.
        :param bool arabic_letters: Whether Arabic letters are accepted in texts.
        :raise Refusal: If the value breaks a limit.
        """
        if not isinstance(value, str):
            raise Refusal('002', f'{name} is not a plain text')
        if len(value) > self.max_length:
            raise Refusal('032', f'{name} is longer than {self.max_length} characters')
        if not re.fullmatch(self.pattern(arabic_letters), value):
            raise Refusal('002', f'{name} holds characters that are not allowed')
        if self.values and value not in self.values:
            raise Refusal('033', f"{name} must be one of {', '.join(self.values)}")


REFERENCE_CHARACTERS = '-_.'
FIELDS = {
    'access_code': Field('alnum', 20),
    'agreement_id': Field('alnum', 100, '-_.'),
    'amount': Field('num', 10),
    'card_holder_name': Field('alpha', 50, "'-. ", is_text=True),
    'card_security_code': Field('num', 4),
    'check_3ds': Field('alpha', 3, values=('NO',)),
    'command': Field('alpha', 20, '_'),
    'currency': Field('alpha', 3),
    'customer_email': Field('alnum', 254, '_-.@+'),
    'customer_ip': Field('alnum', 45, '.:'),
    'customer_name': Field('alpha', 40, PERSON_CHARACTERS, is_text=True),
    'digital_wallet': Field('alpha', 20, '_'),
    'eci': Field('alpha', 16, values=('ECOMMERCE', 'MOTO', 'RECURRING')),
    'expiry_date': Field('num', 4),
    'fort_id': Field('num', 20),
    'installments': Field('alpha', 20, values=('STANDALONE',)),
    'language': Field('alpha', 2, values=('en', 'ar')),
    'maintenance_reference': Field('alnum', 40, REFERENCE_CHARACTERS),
    'merchant_extra': Field('alnum', 999, EXTRA_CHARACTERS),
    **{f'merchant_extra{number}': Field('alnum', 250, EXTRA_CHARACTERS) for number in range(1, 6)},
    'merchant_identifier': Field('alnum', 20),
    'merchant_reference': Field('alnum', 40, REFERENCE_CHARACTERS),
    'new_token_name': Field('alnum', 100, '.@-_'),
    'order_description': Field('alnum', 150, DESCRIPTION_CHARACTERS, is_text=True),
    'payment_option': Field('alpha', 10),
    'phone_number': Field('alnum', 19, '+-() '),
    'query_command': Field('alpha', 50, '_'),
    'recurring_days_between_payments': Field('num', 5),
    'recurring_expiry_date': Field('num', 10, '-'),
    'recurring_mode': Field('alpha', 20, values=('FIXED', 'VARIABLE', 'UNSCHEDULED')),
    'recurring_transactions_count': Field('num', 5),
    'remember_me': Field('alpha', 3, values=('YES', 'NO')),
    'return_third_party_response_codes': Field('alpha', 3, values=('YES', 'NO')),
    'return_url': Field('alnum', 400, '$!=?#&-_/:.'),
    'sadad_olp': Field('alnum', 12, '@._'),
    'service_command': Field('alpha', 50, '_'),
    'settlement_reference': Field('alnum', 34, REFERENCE_CHARACTERS),
    'signature': Field('alnum', 200),
    'token_name': Field('alnum', 100, '.@-_'),
    'token_status': Field('alpha', 8, values=('ACTIVE', 'INACTIVE')),
}

CREDENTIALS = ('access_code', 'merchant_identifier', 'language', 'signature')
EXTRAS = ('merchant_extra', *(f'merchant_extra{number}' for number in range(1, 6)))
AGREEMENT = (
    'agreement_id', 'recurring_mode', 'recurring_transactions_count', 'recurring_expiry_date',
    'recurring_days_between_payments',
)
ORDER = ('merchant_reference', 'amount', 'currency', 'customer_email')
SHOPPER = (
    'order_description', 'customer_ip', 'customer_name', 'phone_number', 'settlement_reference',
)


@dataclass(frozen=True)
class Form:
    """ The fields of one kind of request.

    :param tuple mandatory: The names that have to be there.
    :param tuple optional: The names that may be there.
    :param tuple one_of: Names of which at least one has to be there.
    """

    mandatory: tuple
    optional: tuple = ()
    one_of: tuple = field(default=())

    @property
    def known(self):
        """ Return all the names of the form. """
        return frozenset((*self.mandatory, *self.optional, *self.one_of))

    def check(self, values, arabic_letters=False):
        """ Check a request against the table.

        :param dict values: The fields received.
        :param bool arabic_letters: Whether Arabic letters are accepted in texts.
        :raise Refusal: If a field is missing, unexpected or breaks its limits.
        """
        for name in self.mandatory:
            if values.get(name) in (None, ''):
                raise Refusal('001', f'{name} is missing')
        if self.one_of and not any(values.get(name) for name in self.one_of):
            raise Refusal('001', f"one of {', '.join(self.one_of)} is needed")
        unknown = sorted(set(values) - self.known)
        if unknown:
            raise Refusal('027', f"unexpected: {', '.join(unknown)[:200]}")
        for name, value in values.items():
            FIELDS[name].check(name, value, arabic_letters)


ORIGINAL = ('merchant_reference', 'fort_id')
PAGE_FORM = Form(
    ('command', *CREDENTIALS, *ORDER),
    ('return_url', 'token_name', 'payment_option', 'eci', 'remember_me', 'check_3ds',
     'installments', 'digital_wallet', 'sadad_olp', *SHOPPER, *EXTRAS, *AGREEMENT),
)
API_FORMS = {
    'CAPTURE': Form(
        ('command', *CREDENTIALS, 'amount', 'currency'), ('order_description',), ORIGINAL,
    ),
    'VOID_AUTHORIZATION': Form(('command', *CREDENTIALS), ('order_description',), ORIGINAL),
    'REFUND': Form(
        ('command', *CREDENTIALS, 'amount', 'currency'),
        ('maintenance_reference', 'order_description'), ORIGINAL,
    ),
    'CHECK_STATUS': Form(
        ('query_command', *CREDENTIALS),
        ('maintenance_reference', 'return_third_party_response_codes'), ORIGINAL,
    ),
    'UPDATE_TOKEN': Form(
        ('service_command', *CREDENTIALS, 'merchant_reference', 'token_name'),
        ('token_status', 'expiry_date', 'card_holder_name', 'currency', 'new_token_name'),
    ),
}
TOKEN_CHARGE_OPTIONAL = (
    'eci', 'payment_option', 'remember_me', 'check_3ds', *SHOPPER, *EXTRAS, *AGREEMENT,
)
TOKEN_CHARGE_FORM = Form(
    ('command', *CREDENTIALS, *ORDER, 'token_name', 'customer_ip'),
    ('return_url', 'card_security_code', *TOKEN_CHARGE_OPTIONAL),
)
RECURRING_FORM = Form(  # No return and no security code without a customer (section 7.4).
    ('command', *CREDENTIALS, *ORDER, 'token_name', 'eci'), TOKEN_CHARGE_OPTIONAL,
)
PHONE_ORDER_FORM = Form(
    ('command', *CREDENTIALS, *ORDER, 'token_name', 'eci'),
    ('return_url', 'card_security_code', *TOKEN_CHARGE_OPTIONAL),
)
