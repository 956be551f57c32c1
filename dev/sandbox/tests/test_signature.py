""" The signature vectors of the protocol reference. """

import json
from pathlib import Path

import pytest

from .. import signature

VECTORS = json.loads(
    (Path(__file__).parent / 'signature_vectors.json').read_text(encoding='utf-8')
)


@pytest.mark.parametrize('vector', VECTORS, ids=[vector['id'] for vector in VECTORS])
def test_documented_vector(vector):
    params, phrase = vector['params'], vector['phrase']

    assert signature.canonical_string(params, phrase) == vector['string']
    assert signature.compute(params, phrase, vector['alg']) == vector['digest']


@pytest.mark.parametrize('value, text', [
    ({'k1': 'v1', 'k2': ''}, '{k1=v1, k2=}'),
    (['a', 'b'], '[a, b]'),
    ([{'k': 'v'}, {'k': 'w'}], '[{k=v}, {k=w}]'),
    (True, 'true'),
])
def test_nested_values_have_a_text_form(value, text):
    assert signature.text_of(value) == text


def test_signature_is_compared_without_regard_to_case():
    fields = {'status': '14'}
    fields['signature'] = signature.compute(fields, 'p').upper()

    assert signature.is_valid(fields, 'p')


@pytest.mark.parametrize('received', [None, '', 'é', 14, 'abc'])
def test_missing_or_odd_signature_is_not_valid(received):
    assert not signature.is_valid({'status': '14', 'signature': received}, 'p')


def test_empty_phrase_verifies_nothing():
    fields = {'status': '14'}
    fields['signature'] = signature.compute(fields, '')

    assert not signature.is_valid(fields, '')
