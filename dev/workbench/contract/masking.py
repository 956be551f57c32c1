""" What is stored of an exchange: nothing of it, but for what is on the list of what may stay.

Values of the list stay if they look as they must. References, numbers and names of saved cards are
replaced by others, the same by the same, so that what belongs together still does. Of anything else
only the shape stays: each digit becomes 0, and each letter x.
"""

import dataclasses
import re

from .exchanges import get_test_account, sign_answer, sign_request

EMAIL, IP = 'shopper@example.com', '192.0.2.1'
RETURN_URL = 'https://shop.example.com/payment/aps/return'
RUN = 'contract'  # What the references of all runs begin with in recordings.
# Amounts are those that the command has chosen, or their sums.
AMOUNT = '[0-9]{1,5}'
# What may stay, by the pattern of the whole value.
KEPT = {name: re.compile(pattern) for name, pattern in {
    **dict.fromkeys(('status', 'transaction_status'), '[0-9]{2}'),
    **dict.fromkeys(('response_code', 'transaction_code'), '[0-9]{5}'),
    **dict.fromkeys(
        ('amount', 'authorized_amount', 'captured_amount', 'refunded_amount'), AMOUNT,
    ),
    'command': 'PURCHASE|AUTHORIZATION|CAPTURE|VOID_AUTHORIZATION|REFUND',
    'query_command': 'CHECK_STATUS',
    'service_command': 'UPDATE_TOKEN',
    'currency': '[A-Z]{3}',
    'language': 'en|ar',
    'payment_option': 'VISA|MASTERCARD|AMEX|MADA|MEEZA',
    'eci': 'ECOMMERCE|RECURRING|MOTO',
    'remember_me': 'YES|NO',
    'recurring_mode': 'FIXED|VARIABLE|UNSCHEDULED',
    'return_third_party_response_codes': 'YES|NO',
    'token_status': 'ACTIVE|INACTIVE',
}.items()}
CONSTANTS = {'customer_email': EMAIL, 'customer_ip': IP, 'return_url': RETURN_URL}
REFERENCES = ('merchant_reference', 'maintenance_reference')
# Those of which each value has a name of its own, made of a number.
NUMBERED = {
    'fort_id': '9000000000000{:05d}', 'token_name': 'TOKEN{:05d}', 'new_token_name': 'TOKEN{:05d}',
    'agreement_id': 'AGREEMENT{:05d}',
}
# How APS writes what HTML doesn't allow in texts.
ENTITY = re.compile(r'(&(?:#39|#34|#38|#60|#62|amp|quot|apos|lt|gt);)')
FIELD_NAME = re.compile(r'[A-Za-z0-9_]{1,40}')
# What is looked for at the end, if it was replaced: names of people, and all that is no plain word.
PERSONAL = ('card_holder_name', 'customer_name')
TELLING = re.compile('[0-9@]')
SHORTEST = 6  # The characters of what can be told from other texts.


def hide(text):
    """ Return the shape of a text.

    :param str text: The text.
    :return: A text as long, with what isn't a letter or digit in its place.
    :rtype: str
    """
    return ''.join(
        piece if index % 2 else ''.join(map(_hide_character, piece))
        for index, piece in enumerate(ENTITY.split(text))
    )


def list_texts(value):
    """ Return all texts of a value, with the names in objects.

    :param value: A text, or an object or list of values.
    :rtype: list[str]
    """
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in list_texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in list_texts(item)]
    return [str(value)]


def _hide_character(character):
    """ Return what stands for a character. """
    if character.isdecimal() or character.isnumeric():
        return '0'
    if not character.isalpha():
        return character
    if not character.isascii():
        return 'س'
    return 'X' if character.isupper() else 'x'


class Masker:
    """ Masks the exchanges of one run. """

    def __init__(self, account, run, names):
        """
        :param Account account: The account that was asked.
        :param str run: What the references of the run begin with.
        :param Collection[str] names: The names of the steps, which references end in.
        """
        self.account = account
        self.test_account = get_test_account(account.sha_type)
        self.run, self.names = run, frozenset(names)
        self.numbered = {}
        self.originals = set()
        for secret in (
            account.merchant_identifier, account.access_code, account.request_phrase,
            account.response_phrase, run,
        ):
            self._remember(secret)

    def mask(self, recording):
        """ Return a recording as it may be stored.

        :param Recording recording: The recording of what was sent and received.
        :return: The masked recording, signed anew.
        :rtype: Recording
        :raise ValueError: If something of the original is left after all.
        """
        masked = dataclasses.replace(
            recording, exchanges=[self._mask_exchange(one) for one in recording.exchanges],
        )
        parts = {exchange.name: dataclasses.asdict(exchange) for exchange in masked.exchanges}
        parts["the rest"] = dataclasses.asdict(dataclasses.replace(masked, exchanges=[]))
        leaks = [
            name for name, part in parts.items() if any(map(self.finds_leak, list_texts(part)))
        ]
        if leaks:
            raise ValueError(f"Something of the original would be left in {', '.join(leaks)}.")
        return masked

    def _mask_exchange(self, exchange):
        """ Return an exchange as it may be stored. """
        answer = exchange.answer
        if exchange.signer != 'another phrase':  # That one is no secret.
            self._remember(exchange.request['signature'])
        self._remember(str((answer or {}).get('signature') or ''))
        return dataclasses.replace(
            exchange,
            request=sign_request(
                self.test_account, self._mask_fields(exchange.request), exchange.signer
            ),
            answer=None if answer is None else sign_answer(
                self.test_account,
                {**self._mask_fields(answer), 'signature': answer.get('signature', '')},
                exchange.answer_signer,
            ),
        )

    def _mask_fields(self, fields):
        """ Return the masked fields of a message, without its signature. """
        return {
            self.mask_name(name): self.mask_value(name, value) for name, value in fields.items()
            if name != 'signature'
        }

    def mask_name(self, name):
        """ Return the name of a field as it may be shown.

        :param str name: The name.
        :rtype: str
        """
        is_plain = FIELD_NAME.fullmatch(name) and not re.search('[0-9]{3}', name)
        return name if is_plain and not self.finds_leak(name) else hide(name)

    def mask_value(self, name, value):
        """ Return the value of a field as it may be stored.

        :param str name: The name of the field.
        :param value: The value, a text or what JSON holds.
        :return: The masked value, of the same type.
        """
        if isinstance(value, dict):
            return {
                self.mask_name(key): self.mask_value('', item) for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.mask_value('', item) for item in value]
        if not isinstance(value, str):
            return value
        masked = self._mask_text(name, value)
        if masked != value and (name in PERSONAL or TELLING.search(value)):
            self._remember(value)
        return masked

    def _mask_text(self, name, text):
        """ Return a text as it may be stored, see `mask_value`. """
        if not text:
            return text
        if name in KEPT and KEPT[name].fullmatch(text):
            return text
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in NUMBERED:
            number = self.numbered.setdefault((name.removeprefix('new_'), text), len(self.numbered))
            return NUMBERED[name].format(number)
        if name in REFERENCES:
            return self._mask_reference(text)
        own = {
            'merchant_identifier': self.account.merchant_identifier,
            'access_code': self.account.access_code,
        }.get(name)
        return getattr(self.test_account, name) if text == own else hide(text)

    def _mask_reference(self, text):
        """ Return a reference of ours without what tells the runs apart; else its shape. """
        run, _dash, name = text.partition('-')
        is_ours = run == self.run and {name, name.rstrip('x')} & self.names  # It may be filled up.
        return f'{RUN}-{name}' if is_ours else hide(text)

    def _remember(self, original):
        """ Have something looked for in what would be stored.

        What is short, or nothing but x and 0 by itself, can't be told from the rest.

        :param str original: What must not be left.
        :return: None
        """
        if len(original) >= SHORTEST and original != hide(original):
            self.originals.add(original)

    def finds_leak(self, text):
        """ Return whether a text holds something of the originals.

        :param str text: The text.
        :rtype: bool
        """
        return any(original in text for original in self.originals)
