""" What an attacker can make of a text that APS signed: nothing that is believed and says more.

The number of texts is set by `APS_RECUT_TEXTS`, the seed by `APS_RECUT_SEED`.
"""

import itertools
import json
import os
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aps import readings
from tests.support.extent import get_extent
from tests.support.honest_messages import (
    ECHOES,
    KINDS,
    NEW_FIELDS,
    PIECES,
    make_aimed_refusal,
    make_core,
    make_refusal,
    make_result,
)
from tests.support.recutter import (
    DECISIVE,
    HASHES,
    list_all_cuts,
    make_cuts,
    sign,
    verifies,
    write_text,
)

TEXTS = get_extent('APS_RECUT_TEXTS', 600, 6000)
SEED = int(os.environ.get('APS_RECUT_SEED', time.time_ns() % 2 ** 32))
TRIES = 40  # Of each text.
SHORT_TEXTS = max(TEXTS // 1000, 3)
MAKERS = {
    **{kind: lambda random, kind=kind: make_result(random, kind) for kind in KINDS},
    'refusal': make_refusal,
    'aimed refusal': make_aimed_refusal,
}


def tell_difference(honest, fields):
    """ Return what decides about a payment that a message says, and APS did not say.

    Of a refused request, only status and code are told: whoever sent it chose the rest.

    :param dict honest: What APS signed.
    :param dict fields: The message.
    :return: The names of the fields.
    :rtype: list[str]
    """
    told = ('status', 'response_code') if honest['status'] == '00' else DECISIVE
    return [name for name in told if fields.get(name, '') != honest.get(name, '')]


def is_believed_by_names(fields):
    """ Return whether a rule would believe a message that looks at names and values only.

    It is here to show that the attacker finds what gets past such a rule.
    """
    return all(
        name.replace('_', '').isalpha() and not any(f'{field}=' in value for field in DECISIVE)
        for name, value in fields.items()
    ) and fields.get('response_code', '').startswith(fields.get('status', 'x'))


def attack(make, random, number, tries):
    """ Cut texts in other ways, and count.

    :param callable make: Makes an honest message.
    :param random.Random random: What decides.
    :param int number: How many texts.
    :param int tries: How often each is cut.
    :return: The counts, and the forged messages that were believed.
    :rtype: tuple[Counter, list]
    """
    counts, forged = Counter(), []
    for index in range(number):
        honest = make(random)
        signed, sha_type = sign_somehow(honest, random, index)
        for fields in make_cuts(write_text(signed), random, tries):
            examine(honest, add_empty(fields, random), sign(signed, sha_type), sha_type, counts,
                    forged)
        counts['tried'] += tries
        if not readings.find_doubt(honest):
            counts['honest and believed'] += 1
        elif honest['status'] != '00':
            assert is_new_field_next(honest), "APS should not be asked about this."
    counts['texts'] = number
    return counts, forged


def is_new_field_next(honest):
    """ Return whether a field that nobody knows yet comes right behind a reference or a token,
    with nothing but fields without value between them.
    """
    names = sorted(name for name in honest if honest[name] or name in NEW_FIELDS)
    return any(
        following in NEW_FIELDS and name.endswith(('_reference', '_name'))
        for name, following in itertools.pairwise(names)
    )


def sign_somehow(honest, random, index):
    """ Return the fields that APS signs, which may be all or those with a value, and the type. """
    told = {name: value for name, value in honest.items() if value}
    return random.choice((honest, told)), sorted(HASHES)[index % len(HASHES)]


def add_empty(fields, random):
    """ Return a message that now and then has more fields, without value. """
    if random.random() < 0.9:
        return fields
    name = random.choice((*DECISIVE, 'payment_option', 'phone_number', 'zz', 'option'))
    return {name: '', **fields}


def examine(honest, fields, signature, sha_type, counts, forged):
    """ Count a message, and keep it if it is believed though APS did not say it. """
    if not verifies(fields, signature, sha_type):
        return
    counts['verified'] += 1
    difference = tell_difference(honest, fields)
    if difference:
        counts['different'] += 1
    if readings.has_one_reading(fields):
        counts['believed'] += 1
        if difference:
            forged.append((difference, honest, fields))


def tell_counts(tell, counts, forged):
    """ Tell how many cuts were made, and how many of them deceive. """
    tell(f"{counts['texts']} texts, {counts['tried']} cuts, {counts['verified']} verify, "
         f"{counts['different']} of these say something else, {len(forged)} of those are "
         f"believed, seed {SEED}")


@pytest.mark.parametrize('kind', MAKERS)
def test_no_cut_says_what_aps_did_not_say(kind, tell):
    """ Test random cuts of messages of each kind, signed in each way. """
    counts, forged = attack(MAKERS[kind], Random(f'{SEED} {kind}'), TEXTS // len(MAKERS), TRIES)

    tell_counts(tell, counts, forged)
    assert not forged[:3]
    assert counts['different'] > counts['texts'], "The attacker should find something to try."


def test_attacker_finds_the_known_forgery():
    """ Test that the attacker would notice a rule that looks at names and values only. """
    vectors = json.loads(Path(__file__).with_name('reading_vectors.json').read_text('utf-8'))
    [vector] = [vector for vector in vectors if vector['id'] == 'F1']
    cuts = make_cuts(write_text(vector['honest']), Random(1), 20_000)
    assert any(
        is_believed_by_names(fields) and fields['status'] == '14' for fields in cuts
    )


@pytest.mark.parametrize('status', ['14', '13', '00'])
def test_no_cut_at_all_of_a_short_text(status, tell):
    """ Test each and every cut of texts that are short enough. """
    random, counts, forged = Random(f'{SEED} {status}'), Counter(), []
    for _text in range(SHORT_TEXTS):
        honest = {'response_code': f'{status}000', 'status': status, 'fort_id': '1'}
        if status == '00':
            honest['s'] = random.choice((
                'response_code=14000status=14', 'fort_id=2status=14', 'status=14a=',
            ))
            honest['o'] = random.choice(('', 'x_', 'res'))
        else:
            honest['merchant_reference'] = random.choice(('So', 'S1', 'status'))
            honest['payment_option'] = 'V'
        signature = sign(honest, 'sha256')
        for pairs in list_all_cuts(write_text(honest)):
            counts['tried'] += 1
            examine(honest, dict(pairs), signature, 'sha256', counts, forged)
    counts['texts'] = SHORT_TEXTS
    tell_counts(tell, counts, forged)
    assert not forged[:3]
    assert counts['tried'] == counts['verified'] > 1000 * SHORT_TEXTS


@settings(
    max_examples=max(TEXTS // 100, 50), deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.dictionaries(
        st.sampled_from(ECHOES) | st.text(max_size=8),
        st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=5).map(''.join),
        max_size=5,
    ),
    st.randoms(use_true_random=False),
)
def test_no_text_of_a_stranger_makes_a_refusal_a_success(echoes, random):
    """ Test what Hypothesis makes up, names included. """
    honest = {
        **make_core(random), **echoes, 'status': '00', 'response_code': '00008',
        'response_message': 'Signature mismatch',
    }
    for fields in make_cuts(write_text(honest), random, TRIES):
        assert sign(fields, 'sha256') == sign(honest, 'sha256')
        assert not (readings.has_one_reading(fields) and tell_difference(honest, fields))
