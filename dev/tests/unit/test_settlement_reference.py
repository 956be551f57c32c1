""" What the settlement file of the acquirer calls a payment. """

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aps.values import get_settlement_reference

# What APS accepts (protocol reference, section 16).
ACCEPTED = re.compile(r'[A-Za-z0-9_.-]{1,34}')


@pytest.mark.parametrize('reference, expected', (
    # What APS accepts is sent as it stands, so that it is found by it.
    ('S00042-7K3MQWXA', 'S00042-7K3MQWXA'), ('INV-2026-00001-7K3MQWXA', 'INV-2026-00001-7K3MQWXA'),
    ('a_b.c-1', 'a_b.c-1'), ('x' * 34, 'x' * 34),
    # Of others, a digest tells what their beginning doesn't.
    ('x' * 35, 'xxxxxxxxxxxxxxxxxxxxxxx-EFA79BD8BF'),
    ('x' * 36, 'xxxxxxxxxxxxxxxxxxxxxxx-0E63AE2820'),
    ('INV/2026/00001', 'INV-2026-00001-64D9B86125'),
    ('INV 2026 00001', 'INV-2026-00001-9C5DE82A76'),
    ('INV/٢٦/٣٢', 'INV-26-32-13952A9DE1'),
    ('شراء', '276EB815C3'), ('a' * 22 + '/b', 'a' * 22 + '-81619FCB10'),
))
def test_reference_is_sent_as_it_stands_or_with_a_digest(reference, expected):
    assert get_settlement_reference(reference) == expected


@given(references=st.lists(st.text(min_size=1, max_size=60), min_size=2, unique=True))
@example(references=['INV/2026/1', 'INV-2026-1', 'INV 2026 1', 'INV2026/1', 'INV//2026/1'])
@example(references=['x' * length for length in range(30, 60)])
@example(references=['é', 'e', 'e\u0301'])
def test_no_two_payments_have_the_same(references):
    values = [get_settlement_reference(reference) for reference in references]
    assert len(set(values)) == len(references)
    assert all(ACCEPTED.fullmatch(value) for value in values)
    assert values == [get_settlement_reference(reference) for reference in references]
