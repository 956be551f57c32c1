""" How messages are signed and verified: published vectors, and what strangers may send. """

import json
from pathlib import Path

import pytest

from aps.const import SHA_TYPES
from aps.signature import (
    build_signing_string,
    compute_signature,
    format_value,
    verify_signature,
)

VECTORS = json.loads(Path(__file__).with_name('signature_vectors.json').read_text('utf-8'))
VECTORS_BY_ID = {vector['id']: vector for vector in VECTORS}
# The oldest SHA type is not offered, so only its texts can be compared.
OFFERED_VECTORS = [vector for vector in VECTORS if vector['alg'] != 'sha1']


def get_id(vector):
    """ Return the name of a vector, for the name of a test. """
    return vector['id']


def test_vectors_are_complete():
    assert len(VECTORS) == len(VECTORS_BY_ID) == 30
    assert {vector['alg'] for vector in OFFERED_VECTORS} == {sha_type for sha_type, _ in SHA_TYPES}


@pytest.mark.parametrize('vector', VECTORS, ids=get_id)
def test_text_that_is_hashed_is_that_of_the_vector(vector):
    assert build_signing_string(vector['params'], vector['phrase']) == vector['string']


@pytest.mark.parametrize('vector', OFFERED_VECTORS, ids=get_id)
def test_vector_is_reproduced_and_verified_in_either_case(vector):
    settings = vector['phrase'], vector['alg']
    assert compute_signature(vector['params'], *settings) == vector['digest']
    for digest in (vector['digest'], vector['digest'].upper()):
        assert verify_signature({**vector['params'], 'signature': digest}, *settings)


def test_message_signed_without_its_empty_fields_is_verified():
    # The vectors are the two readings of fields that are empty.
    message = {**VECTORS_BY_ID['C2a']['params'], 'signature': VECTORS_BY_ID['C2b']['digest']}
    assert message['phone_number'] == ''
    assert verify_signature(message, VECTORS_BY_ID['C2a']['phrase'], 'sha256')


@pytest.mark.parametrize('signed', (
    {'a': {'b': '1'}, 'c': None, 'd': '', 'e': ['2']}, {'a': {'b': '1'}, 'e': ['2']},
))
def test_values_that_are_no_text_are_verified(signed):
    message = {'a': {'b': '1'}, 'c': None, 'd': '', 'e': ['2']}
    signature = compute_signature(signed, 'PASS', 'sha256')
    assert verify_signature({**message, 'signature': signature}, 'PASS', 'sha256')


@pytest.mark.parametrize('sha_type', ('sha256', 'hmac256', 'hmac512'))
def test_sha_type_is_not_chosen_by_who_sends_the_message(sha_type):
    vector = VECTORS_BY_ID['C1b']
    message = {**vector['params'], 'signature': vector['digest']}
    assert verify_signature(message, 'PASS', 'sha512')
    assert not verify_signature(message, 'PASS', sha_type)


@pytest.mark.parametrize('phrase', ('', None, False))
def test_nothing_is_signed_or_verified_without_phrase(phrase):
    message = {'merchant_reference': 'R1'}
    # That of an empty phrase, with which anybody could sign.
    digest = 'ce4ec0cc4bdb4d23c95cf4c63ab7dc8a9bea7f2d0f1fa0be27f4df1b1bf7fdb1'
    assert not verify_signature({**message, 'signature': digest}, phrase, 'sha256')
    with pytest.raises(ValueError, match="phrase is empty"):
        compute_signature(message, phrase, 'sha256')


@pytest.mark.parametrize('signature', (
    None, '', False, 0, [], {}, 'é' * 64, '\ud800', 'g' * 64, 'a' * 10000,
), ids=ascii)
def test_malformed_signature_is_refused(signature):
    message = {'merchant_reference': 'R1', 'signature': signature}
    assert not verify_signature(message, 'PASS', 'sha256')


def test_nested_values_are_signed_in_their_text_form():
    assert format_value([{'a': '1', 'b': ''}, {'c': None}]) == '[{a=1, b=}, {c=}]'
    assert format_value({'a': True, 'b': ['x', 'y']}) == '{a=true, b=[x, y]}'
