""" That nothing of an account, a shopper or a card is left in what `dev/contract` stores. """

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aps.signature import Account
from workbench.contract.exchanges import (
    SANDBOX_SOURCE,
    SIGNERS,
    Exchange,
    Recording,
    find_answer_signer,
    get_test_account,
    sign_request,
)
from workbench.contract.masking import (
    CONSTANTS,
    KEPT,
    NUMBERED,
    REFERENCES,
    Masker,
    hide,
)

RUN = 'mfrggzdf'
NAMES = ('purchase', 'amex', 'refund-long')
ACCOUNT = Account(
    'Shop', 'test', 'kJ3mQ9xZ', 'zx0IPmPy5jp1vAz8Kpg7', 'rEq$phrase&77!', 'ReS%phrase 88?',
)
ASCII = st.characters(min_codepoint=33, max_codepoint=126)
# What must not survive, as it looks.
CARDS = st.from_regex(r'[3-6][0-9]{5}(\*{6}|[0-9]{6})[0-9]{3,4}', fullmatch=True)
MAILS = st.from_regex(r'[a-z]{3,9}[.+_]?[a-z0-9]{2,9}@[a-z]{3,9}\.(com|ae|sa)', fullmatch=True)
PHONES = st.from_regex(r'\+?[1-9][0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{4,6}', fullmatch=True)
ADDRESSES = st.from_regex(
    r'[1-9][0-9]{1,2}\.[1-9][0-9]{1,2}\.[1-9][0-9]\.[1-9][0-9]{1,2}', fullmatch=True,
)
TOKENS = st.from_regex(r'[a-f0-9]{4}[0-9][a-z][A-F0-9]{12,26}', fullmatch=True)
PRIVATE = st.one_of(CARDS, MAILS, PHONES, ADDRESSES, TOKENS)
SECRETS = st.sampled_from((
    ACCOUNT.merchant_identifier, ACCOUNT.access_code, ACCOUNT.request_phrase,
    ACCOUNT.response_phrase,
))
DELICATE = st.one_of(PRIVATE, SECRETS)
# The fields that APS knows, and those that nobody does.
FIELD_NAMES = st.one_of(
    st.sampled_from(sorted({
        *KEPT, *CONSTANTS, *NUMBERED, *REFERENCES, 'merchant_identifier', 'access_code',
        'card_number', 'card_holder_name', 'expiry_date', 'response_message', 'phone_number',
        'customer_name', 'order_description', '3ds_url', 'authorization_code',
    })),
    st.from_regex(r'[a-z]{2,8}_[a-z]{2,8}[0-9]?', fullmatch=True),
)
AROUND = st.text(ASCII, max_size=8)


def make_masker():
    """ Return a masker of the account. """
    return Masker(ACCOUNT, RUN, NAMES)


def make_recording(request, answer, signer='request'):
    """ Return the recording of one exchange. """
    signed = sign_request(ACCOUNT, request, signer)
    exchange = Exchange(
        'purchase', signed, signer, None, 'HTTP 200', answer,
        'none' if answer is None else find_answer_signer(ACCOUNT, answer),
    )
    return Recording(SANDBOX_SOURCE, 'sha256', [exchange])


def read_values(recording):
    """ Return all names and values of the messages of a recording, without their signatures. """
    texts = []

    def collect(value):
        if isinstance(value, dict):
            for name, item in value.items():
                if name != 'signature':
                    texts.append(name)
                    collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)
        else:
            texts.append(str(value))

    for exchange in json.loads(recording.dump())['exchanges']:
        collect([exchange['request'], exchange['answer']])
    return texts


def survives(delicate, recording, name=''):
    """ Return whether a delicate text, or a long part of it, is left anywhere but in a plain name.

    Parts are looked for as well, such as the digits of a card without the asterisks. What is
    nothing but zeros is left of all, and what stands for numbers is told from them by its form.
    """
    text = '\n'.join(
        value for value in read_values(recording)
        if value != name and not re.fullmatch(r'90{12}[0-9]{5}', value)
    )
    parts = {delicate, *re.findall(r'[0-9]{5,}', delicate), *re.findall(r'[^\W_]{6,}', delicate)}
    return any(part in text for part in parts if part != hide(part))


@settings(max_examples=100, deadline=None)
@given(
    name=FIELD_NAMES, delicate=DELICATE, before=AROUND, after=AROUND,
    is_bare=st.booleans(), is_request=st.booleans(),
)
def test_nothing_delicate_survives_in_any_field(
    name, delicate, before, after, is_bare, is_request
):
    """ Test that whatever field something delicate is in, alone or amid a text, it goes. """
    value = delicate if is_bare else f'{before}{delicate}{after}'
    message = {'status': '14', 'response_code': '14000', name: value}
    if is_request:
        recording = make_recording(message, None)
    else:
        recording = make_recording({'command': 'PURCHASE'}, message)
    masked = make_masker().mask(recording)
    assert not survives(delicate, masked, name)


@settings(max_examples=40, deadline=None)
@given(delicate=DELICATE, name=FIELD_NAMES)
def test_nothing_delicate_survives_in_nested_values(delicate, name):
    """ Test objects and lists of JSON. """
    answer = {name: {'a': [delicate, {'b_c': delicate}]}, 'status': '14'}
    masked = make_masker().mask(make_recording({'command': 'PURCHASE'}, answer))
    assert not survives(delicate, masked, name)


@settings(max_examples=40, deadline=None)
@given(delicate=st.one_of(CARDS, MAILS, PHONES, ADDRESSES, SECRETS))
def test_nothing_delicate_survives_in_names(delicate):
    """ Test a peer that makes the name of a field of what it was sent. """
    masked = make_masker().mask(make_recording({}, {delicate: 'x', f'a_{delicate}': 'x'}))
    assert not survives(delicate, masked)


@settings(max_examples=40, deadline=None)
@given(
    fields=st.dictionaries(FIELD_NAMES, st.text(max_size=30), max_size=8),
    signer=st.sampled_from(sorted(SIGNERS)), answer_signer=st.sampled_from(('response', 'request')),
)
def test_masked_messages_are_signed_for_the_test_account(fields, signer, answer_signer):
    """ Test that what was signed by whom stays so, with the phrases for tests, and only so. """
    answer = sign_request(ACCOUNT, fields, answer_signer)
    masked = make_masker().mask(make_recording(fields, answer, signer))
    [exchange] = masked.exchanges
    test_account = get_test_account('sha256')
    assert exchange.request == sign_request(test_account, exchange.request, signer)
    assert find_answer_signer(test_account, exchange.answer) == answer_signer
    assert not ACCOUNT.recognizes(exchange.answer)


@pytest.mark.parametrize(('name', 'value', 'expected'), [
    ('status', '14', '14'), ('status', '1', '0'), ('status', '144', '000'),
    ('response_code', '00072', '00072'), ('amount', '10000', '10000'),
    ('amount', '971501234', '000000000'), ('command', 'PURCHASE', 'PURCHASE'),
    ('command', 'PURCHASED', 'XXXXXXXXX'), ('currency', 'AED', 'AED'), ('currency', 'aed', 'xxx'),
    ('merchant_identifier', ACCOUNT.merchant_identifier, 'ContractMID'),
    ('merchant_identifier', 'NoSuchMerchant', 'XxXxxxXxxxxxxx'),
    ('access_code', ACCOUNT.access_code, 'ContractAccess1'),
    ('merchant_reference', f'{RUN}-purchase', 'contract-purchase'),
    ('merchant_reference', f'{RUN}-amex', 'contract-amex'),
    ('maintenance_reference', f'{RUN}-refund-longxxx', 'contract-refund-longxxx'),
    ('merchant_reference', f'{RUN}-4005550000000001', 'xxxxxxxx-0000000000000000'),
    ('merchant_reference', 'S00042', 'X00000'),
    ('customer_email', 'a@b.co', 'shopper@example.com'), ('customer_ip', '10.0.0.1', '192.0.2.1'),
    ('return_url', 'https://a.b/c', 'https://shop.example.com/payment/aps/return'),
    ('card_number', '400555******0001', '000000******0000'), ('expiry_date', '3005', '0000'),
    ('card_holder_name', "Ali O'Hara", "Xxx X'Xxxx"), ('response_message', 'Success', 'Xxxxxxx'),
    ('order_description', 'Shopper&#39;s طلب', "Xxxxxxx&#39;x سسس"),
    ('order_description', '&#400;', '&#000;'), ('phone_number', '+971 50-1', '+000 00-0'),
    ('phone_number', '', ''), ('3ds_url', 'https://a.b/?c=D1', 'xxxxx://x.x/?x=X0'),
    ('x', '١٢٣½', '0000'),
])
def test_what_becomes_of_a_value(name, value, expected):
    assert make_masker().mask_value(name, value) == expected


def test_what_belongs_together_still_does():
    """ Test that equal numbers and saved cards stay equal, and others differ. """
    masker = make_masker()
    first, second = masker.mask_value('fort_id', '169'), masker.mask_value('fort_id', '170')
    assert re.fullmatch('9[0-9]{17}', first)
    assert first != second
    assert masker.mask_value('fort_id', '169') == first
    token = masker.mask_value('token_name', '169')
    assert token not in (first, second)
    assert masker.mask_value('new_token_name', '169') == token


@pytest.mark.parametrize(('name', 'expected'), [
    ('acquirer_response_code', 'acquirer_response_code'), ('3ds_eci', '3ds_eci'),
    ('merchant_extra5', 'merchant_extra5'), ('card_4005', 'xxxx_0000'), ('a b', 'x x'),
    (ACCOUNT.access_code, 'xx0XXxXx0xx0xXx0Xxx0'), ('a@b.co', 'x@x.xx'), ('', ''),
])
def test_what_becomes_of_a_name(name, expected):
    assert make_masker().mask_name(name) == expected


@pytest.mark.parametrize('place', ['way', 'state'])
def test_leak_by_another_way_keeps_all_from_being_stored(place):
    """ Test the last look: what masking forgot is found in the text of the file. """
    recording = make_recording({'merchant_identifier': ACCOUNT.merchant_identifier}, None)
    assert make_masker().mask(recording)
    setattr(recording.exchanges[0], place, f'HTTP 200 {ACCOUNT.merchant_identifier}')
    with pytest.raises(ValueError, match="left in purchase"):
        make_masker().mask(recording)


def test_values_of_the_original_are_not_told_by_another_way():
    """ Test that what only a masked value held is looked for as well. """
    recording = make_recording({}, {'card_holder_name': 'Ali Hassan', 'status': '14'})
    recording.seen['purchase'] = 'paid by Ali Hassan'
    with pytest.raises(ValueError, match="left in the rest"):
        make_masker().mask(recording)


def test_plain_words_keep_nothing_from_being_stored():
    """ Test that a run isn't lost because APS says a word that stands elsewhere as well. """
    recording = make_recording({'command': 'PURCHASE'}, {'response_message': 'PURCHASE'})
    [exchange] = make_masker().mask(recording).exchanges
    assert exchange.answer == {'response_message': 'XXXXXXXX'}


def test_types_of_json_stay():
    """ Test that what is no text stays what it is. """
    masker = make_masker()
    assert masker.mask_value('a', {'b': [True, None, 'x1']}) == {'b': [True, None, 'x0']}
