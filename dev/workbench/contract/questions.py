""" What is read out of an exchange, in words that can be compared. """

import re

from aps.message import Answer
from aps.readings import DOCUMENTED_FIELDS

from .masking import ENTITY

# What answers to queries and about tokens hold besides the documented fields of notices.
API_FIELDS = frozenset((
    'authorized_amount', 'captured_amount', 'refunded_amount', 'query_command', 'service_command',
    'transaction_code', 'transaction_message', 'transaction_status', 'token_status', 'card_brand',
    'creation_date', 'return_third_party_response_codes',
))
PRESENT, ABSENT = "is told", "isn't told"


def read_code(exchange, _recording):
    """ Return the code of an answer, who signed it, and what the addon makes of it. """
    if exchange.answer is None:
        return exchange.way
    code = exchange.answer.get('response_code') or "no code"
    return f"{code}, signed by {exchange.answer_signer}: {exchange.state}"


def read_told(exchange, _recording):
    """ Return what a query tells of the payment. """
    fields = exchange.answer or {}
    sums = ', '.join(
        f"{name} {fields.get(f'{name}_amount') or '-'}"
        for name in ('authorized', 'captured', 'refunded')
    )
    return f"{fields.get('transaction_code') or '-'}: {sums}"


def read_way(exchange, _recording):
    """ Return how an answer came. """
    return exchange.way


def read_echo(exchange, _recording):
    """ Return which fields of the request the answer doesn't give back. """
    missing = sorted(set(exchange.request) - set(exchange.answer or {}))
    return f"all but {', '.join(missing)}" if missing else "all"


def read_news(exchange, _recording):
    """ Return which fields of the answer the addon has no list of. """
    known = DOCUMENTED_FIELDS | API_FIELDS | {'signature'}
    return ', '.join(sorted(set(exchange.answer or {}) - known)) or "none"


def read_entities(exchange, _recording):
    """ Return how APS writes an apostrophe. """
    text = (exchange.answer or {}).get('order_description')
    if not text:
        return "the description isn't given back"
    if ENTITY.search(text):
        return "as an entity of HTML"
    return "as it was sent" if "'" in text else "not at all"


def read_empties(exchange, _recording):
    """ Return whether an answer holds empty fields, and whether they are signed. """
    empties = [name for name, value in (exchange.answer or {}).items() if value in ('', None)]
    if not empties:
        return "there are none"
    return "they aren't signed" if 'without' in exchange.answer_signer else "they are signed"


def read_case(exchange, _recording):
    """ Return the case of a signature. """
    signature = (exchange.answer or {}).get('signature') or ''
    if not signature:
        return "there is no signature"
    return "lower" if signature == signature.lower() else "upper"


def read_card(exchange, _recording):
    """ Return how the number of a card is masked. """
    number = (exchange.answer or {}).get('card_number') or ''
    return re.sub(r'[0-9]', '0', number) or ABSENT


def read_token(exchange, _recording):
    """ Return whether a saved card is told, and an agreement about later charges. """
    fields = exchange.answer or {}
    return ', '.join(
        f"{name} {PRESENT if fields.get(name) else ABSENT}"
        for name in ('token_name', 'agreement_id')
    )


def read_bank_codes(exchange, _recording):
    """ Return which codes of the bank are told. """
    names = [name for name in (exchange.answer or {}) if re.match('acquirer|processor', name)]
    return ', '.join(sorted(names)) or "none"


def read_number(exchange, recording):
    """ Return whether an operation has a number of its own. """
    payment = recording.find_payment(exchange)
    first = payment and Answer(payment.answer or {}).fort_id
    number = Answer(exchange.answer or {}).fort_id
    if not number:
        return ABSENT
    return "that of the payment" if number == first else "another one"


READERS = {
    'code': read_code,
    'told': read_told,
    'way': read_way,
    'echo': read_echo,
    'news': read_news,
    'entities': read_entities,
    'empties': read_empties,
    'case': read_case,
    'card': read_card,
    'token': read_token,
    'bank codes': read_bank_codes,
    'number': read_number,
}
