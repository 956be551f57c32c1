""" Messages that the tests of APS's own .NET SDK take as signed by APS, and what is read in them.

They are those of `NotificationValidatorTests.cs` that verify. A seventh one, of a refund, is signed
without the maintenance reference that it shows, and proves nothing.
"""

import json
from pathlib import Path

import pytest

from aps.message import Answer
from aps.readings import find_doubt
from aps.signature import compute_signature, verify_signature
from sandbox import signature as sandbox_signature

VECTORS = json.loads(Path(__file__).with_name('contract_vectors.json').read_text('utf-8'))
BY_ID = {vector['id']: vector for vector in VECTORS}


def test_no_vector_was_lost():
    assert list(BY_ID) == ['S1', 'S2', 'S3', 'S4', 'S5', 'S6']


@pytest.mark.parametrize('vector', VECTORS, ids=list(BY_ID))
def test_addon_and_sandbox_sign_as_aps(vector):
    """ Test that both, which share no code, come to the published signature. """
    values = vector['params'], vector['phrase'], vector['alg']
    assert compute_signature(*values) == vector['digest']
    assert sandbox_signature.compute(*values) == vector['digest']


@pytest.mark.parametrize('vector', VECTORS, ids=list(BY_ID))
def test_addon_recognizes_what_aps_has_signed(vector):
    message = {**vector['params'], 'signature': vector['digest']}
    assert verify_signature(message, vector['phrase'], vector['alg'])
    for name in vector['params']:
        assert not verify_signature({**message, name: 'x'}, vector['phrase'], vector['alg'])


@pytest.mark.parametrize(('vector', 'doubt', 'state'), [
    ('S1', None, 'pending'), ('S2', None, 'pending'), ('S6', None, 'authorized'),
    ('S5', "it answers a request to the API", None),
])
def test_what_the_addon_makes_of_them(vector, doubt, state):
    """ Test that a technical problem is no result, and that entities and asterisks do no harm. """
    fields = BY_ID[vector]['params']
    assert find_doubt(fields) == doubt
    assert Answer(fields).find_fault() is None
    assert Answer(fields).state == state
