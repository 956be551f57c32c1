""" What the log and the trail may show of a message. """

import hashlib
import pprint

import pytest

from aps.masking import (
    KEPT_FIELDS,
    LOGGED_FIELDS,
    MaskedValues,
    compute_digest,
    describe_message,
    mask_message,
    mask_value,
    read_columns,
    shorten,
)

SECRETS = {
    'signature': 'secret', 'customer_email': 'secret', 'card_number': 'secret',
    'access_code': 'secret', 'token_name': 'secret', 'customer_ip': 'secret', 'sadad_olp': 'secret',
    'card_holder_name': 'secret', 'phone_number': 'secret', 'expiry_date': 'secret',
    'merchant_identifier': 'secret', 'customer_name': 'secret', 'agreement_id': 'secret',
    'card_bin': 'secret', 'brand_new_field': 'secret', 'order_description': 'secret',
}


def test_log_line_of_a_message_is_short_and_harmless():
    """ Test that a stranger can neither flood nor forge the log. """
    line = describe_message({
        'merchant_reference': 'x' * 100000, 'status': '14\n2026-01-01 INFO forged line', **SECRETS,
    })
    assert len(line) < 300
    assert '\n' not in line
    assert 'secret' not in line
    assert describe_message({'fort_id': '169996200024611493'}) == 'fort_id=169996200024611493'
    assert describe_message({'status': '14', 'amount': '1', 'fort_id': ''}) == 'amount=1 status=14'
    assert describe_message({}) == describe_message(SECRETS) == "(empty)"


@pytest.mark.parametrize('number', (
    '4005550000000001', '378282246310005', '348282246310005', '5105105105105100',
    '2105105105105100', '6105105105105100', '400555******0001',
))
def test_number_of_a_card_is_cut_wherever_it_stands(number):
    line = describe_message({'currency': f'{number}.0', 'amount': f'x{number}'})
    assert line == 'amount=x... currency=....0'


@pytest.mark.parametrize('number', (
    '1005550000000001', '7005550000000001', '400555000000001', '40055500000000012',
    '14005550000000001', '358282246310005', '37828224631000', '37828224631000512',
    '400555*****0001',
))
def test_what_is_no_number_of_a_card_is_shown(number):
    assert describe_message({'fort_id': number}) == f'fort_id={number}'


@pytest.mark.parametrize('value, length, text', (
    ('x' * 64, 64, 'x' * 64), ('x' * 65, 64, 'x' * 61 + '...'), ('a\nb\x00c', 64, 'a?b?c'),
    (['x'], 64, "['x']"), (None, 64, 'None'), ('abcd', 4, 'abcd'), ('abcde', 4, 'a...'),
    ('abcdef', 5, 'ab...'),
    ('\n' * 5, 4, '?...'), ('طلب', 64, 'طلب'),
))
def test_what_is_shown_is_short_and_printable(value, length, text):
    assert shorten(value, length) == text
    if length == 64:
        assert shorten(value) == text


def test_masked_values_do_not_reveal_themselves():
    """ Test that the values of the form can be used, but not read in a log. """
    values = MaskedValues(access_code='secret', merchant_reference='R1')
    assert values['access_code'] == 'secret'
    for text in (repr(values), str(values), pprint.pformat(values)):
        assert 'secret' not in text
        assert 'R1' in text


def test_no_secret_is_in_the_lists_of_what_is_shown():
    assert not set(SECRETS) & {*LOGGED_FIELDS, *KEPT_FIELDS}
    assert set(LOGGED_FIELDS) < set(KEPT_FIELDS)


def test_what_is_kept_of_a_message():
    message = {
        **SECRETS, 'status': '13', 'response_code': '13666', 'command': 'PURCHASE', 'eci': '',
        'response_message': 'Sent to a.b@example.com, call +971 50-1234567 or 400555******0001',
        'merchant_reference': 'R1234567', 'fort_id': 'x' * 200,
    }
    kept = mask_message(message)
    assert kept.splitlines() == [
        'command=PURCHASE', 'merchant_reference=R1234567', f'fort_id={"x" * 147}...', 'status=13',
        'response_code=13666', 'response_message=Sent to ... call +... or ...',
    ]
    assert mask_message(SECRETS) == ''


@pytest.mark.parametrize('text, expected', (
    ('a@b', '...'), ('Hello a@b !', 'Hello ... !'), ('1234567', '...'), ('12345678', '...'),
    ('123456', '123456'), ('12 34 56', '...'), ('400555XXXXXX0001', '...'),
    ('400555 ****** 0001.', '....'), ('Do not honour', 'Do not honour'),
))
def test_personal_data_is_cut_from_what_aps_says_in_its_own_words(text, expected):
    for name in ('response_message', 'transaction_message', 'acquirer_response_message'):
        assert mask_value(name, text) == expected
    assert mask_value('merchant_reference', text) == text


@pytest.mark.parametrize('signature', ('ABCDEF', 'abcdef'))
def test_repetition_is_recognized_by_the_signature(signature):
    digest = compute_digest({'signature': signature, 'status': '14'})
    assert digest == hashlib.sha256(b'abcdef').hexdigest()
    assert signature not in digest


def test_digest_of_what_is_no_signature():
    """ Test that odd types and characters don't stop a message from being kept. """
    empty = hashlib.sha256(b'').hexdigest()
    assert compute_digest({}) == compute_digest({'signature': None}) == empty
    assert len(compute_digest({'signature': '\ud800'})) == 64
    assert compute_digest({'signature': ['x']}) == hashlib.sha256(b"['x']").hexdigest()


@pytest.mark.parametrize('message, columns', (
    ({}, {}),
    ({'command': 'CAPTURE', 'amount': '1000', 'currency': 'AED', 'status': '04',
      'response_code': '04000', 'merchant_reference': 'R1', 'maintenance_reference': 'R-R1',
      'fort_id': '169'},
     {'command': 'CAPTURE', 'amount_minor': 1000, 'currency': 'AED', 'status': '04',
      'response_code': '04000', 'merchant_reference': 'R1', 'maintenance_reference': 'R-R1',
      'fort_id': '169'}),
    ({'query_command': 'CHECK_STATUS', 'command': 'X'}, {'command': 'CHECK_STATUS'}),
    ({'query_command': '', 'service_command': 'UPDATE_TOKEN'}, {'command': 'UPDATE_TOKEN'}),
    ({'amount': '10.0', 'status': 'a\nb', 'fort_id': 'x' * 100},
     {'status': 'a?b', 'fort_id': 'x' * 61 + '...'}),
))
def test_columns_of_the_trail(message, columns):
    assert read_columns(message) == {
        **dict.fromkeys((
            'command', 'status', 'response_code', 'amount_minor', 'currency', 'merchant_reference',
            'maintenance_reference', 'fort_id',
        )),
        **columns, 'digest': compute_digest(message), 'body': mask_message(message),
    }
