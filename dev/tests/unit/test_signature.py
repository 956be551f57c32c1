""" How messages are signed, and recognized, by all vectors that are known. """

import json
from pathlib import Path

import pytest

from aps.signature import (
    build_signing_string,
    compute_signature,
    format_value,
    get_signed_fields,
    verify_signature,
)

VECTORS = json.loads(Path(__file__).with_name('signature_vectors.json').read_text('utf-8'))
BY_ID = {vector['id']: vector for vector in VECTORS}
# SHA-128 is not offered; only the text can be compared.
OFFERED = [vector for vector in VECTORS if vector['alg'] != 'sha1']


def get_id(vector):
    """ Return the name of a vector. """
    return vector['id']


def test_no_vector_was_lost():
    assert len(VECTORS) == len(BY_ID) == 30


@pytest.mark.parametrize('vector', VECTORS, ids=get_id)
def test_every_published_text_is_reproduced(vector):
    assert build_signing_string(vector['params'], vector['phrase']) == vector['string']


@pytest.mark.parametrize('vector', OFFERED, ids=get_id)
def test_every_published_digest_is_reproduced(vector):
    signature = compute_signature(vector['params'], vector['phrase'], vector['alg'])
    assert signature == vector['digest']
    assert compute_signature(
        {**vector['params'], 'signature': 'x'}, vector['phrase'], vector['alg']
    ) == signature


@pytest.mark.parametrize('vector', OFFERED, ids=get_id)
def test_every_vector_is_verified_in_either_case(vector):
    """ Test that a signature is accepted in lower and in upper case. """
    for digest in (vector['digest'], vector['digest'].upper()):
        message = {**vector['params'], 'signature': digest}
        assert verify_signature(message, vector['phrase'], vector['alg']) is True
        assert verify_signature({**message, 'x': '1'}, vector['phrase'], vector['alg']) is False
        assert verify_signature(message, vector['phrase'] + 'x', vector['alg']) is False


def test_message_signed_without_its_empty_fields_is_verified():
    """ Test that both readings of empty fields are accepted (vectors C2a and C2b). """
    message = {**BY_ID['C2a']['params'], 'signature': BY_ID['C2b']['digest']}
    assert message['phone_number'] == ''
    assert verify_signature(message, BY_ID['C2a']['phrase'], 'sha256')


def test_values_that_are_no_text_are_verified():
    """ Test that objects and missing values of JSON don't make the verification fail. """
    message = {'a': {'b': '1'}, 'c': None, 'd': '', 'e': ['2']}
    for signed in (message, {'a': {'b': '1'}, 'e': ['2']}):
        signature = compute_signature(signed, 'PASS', 'sha256')
        assert verify_signature({**message, 'signature': signature}, 'PASS', 'sha256')


@pytest.mark.parametrize('sha_type', ('sha256', 'hmac256', 'hmac512'))
def test_signature_of_another_sha_type_is_refused(sha_type):
    """ Test that the SHA type is not chosen by who sends the message. """
    message = {**BY_ID['C1b']['params'], 'signature': BY_ID['C1b']['digest']}
    assert verify_signature(message, 'PASS', 'sha512')
    assert not verify_signature(message, 'PASS', sha_type)


@pytest.mark.parametrize('phrase', ('', None, False))
def test_nothing_is_verified_without_phrase(phrase):
    """ Test that an empty phrase, which anyone could sign with, verifies nothing. """
    message = {'merchant_reference': 'R1'}
    digest = 'ce4ec0cc4bdb4d23c95cf4c63ab7dc8a9bea7f2d0f1fa0be27f4df1b1bf7fdb1'
    assert not verify_signature({**message, 'signature': digest}, phrase, 'sha256')
    with pytest.raises(ValueError, match='empty'):
        compute_signature(message, phrase, 'sha256')


@pytest.mark.parametrize('signature', (
    None, '', False, 0, [], {}, 'é' * 64, '\ud800', 'g' * 64, 'a' * 10000,
), ids=lambda signature: ascii(signature)[:12])
def test_malformed_signatures_are_refused(signature):
    """ Test that no form of signature makes the comparison crash. """
    message = {'merchant_reference': 'R1', 'signature': signature}
    assert verify_signature(message, 'PASS', 'sha256') is False
    assert verify_signature({'merchant_reference': 'R1'}, 'PASS', 'sha256') is False


def test_what_can_not_be_encoded_is_hashed_all_the_same():
    """ Test a lone surrogate, which JSON can smuggle in. """
    message = {'a': '\ud800'}
    for sha_type in ('sha256', 'hmac256'):
        signature = compute_signature(message, 'PASS', sha_type)
        assert verify_signature({**message, 'signature': signature}, 'PASS', sha_type)


@pytest.mark.parametrize('value, text', (
    ([{'a': '1', 'b': ''}, {'c': None}], '[{a=1, b=}, {c=}]'),
    ({'a': True, 'b': ['x', 'y']}, '{a=true, b=[x, y]}'),
    (False, 'false'), (12, '12'), (('a', 'b'), '[a, b]'), ({}, '{}'), ([], '[]'), ('', ''),
))
def test_nested_values_are_signed_in_their_text_form(value, text):
    """ Test the text form of objects and lists (vectors N4 to N6 hold it already). """
    assert format_value(value) == text


def test_signed_fields_are_those_with_a_value():
    fields = {'signature': 'x', 'a': None, 'b': '', 'c': 0, 'd': ['1']}
    assert get_signed_fields(fields) == {'b': '', 'c': '0', 'd': '[1]'}
