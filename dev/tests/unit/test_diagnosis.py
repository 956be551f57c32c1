""" What a check of the credentials makes of APS's answers, and what refused messages tell. """

import hashlib
import itertools
from dataclasses import replace

import pytest

from aps.diagnosis import (
    apply_remedy,
    find_flaw,
    find_remedy,
    find_signer,
    find_weaknesses,
    find_wrong_settings,
    list_candidates,
)
from aps.signature import Account


def make_account(request_phrase, response_phrase, sha_type='sha256', **values):
    """ Return an account. """
    return Account(**{
        'name': "APS", 'environment': 'test', 'merchant_identifier': 'Merchant1',
        'access_code': 'Access1', 'request_phrase': request_phrase,
        'response_phrase': response_phrase, 'sha_type': sha_type, **values,
    })


ACCOUNT = make_account('R', 'S')


def sign(fields, phrase, algorithm=hashlib.sha256):
    """ Return the fields with a signature, made apart from that of the addon. """
    text = ''.join(f'{name}={value}' for name, value in sorted(fields.items()))
    digest = algorithm(f'{phrase}{text}{phrase}'.encode()).hexdigest()
    return {**fields, 'signature': digest}


def check(here, there):
    """ Return what a check finds wrong, by simulating an APS that knows another account.

    :param Account here: The account, as configured in Odoo.
    :param Account there: The account, as configured in the dashboard of APS.
    :return: What is wrong.
    :rtype: list[tuple[str, str]]
    """
    def is_taken(account):
        return account.request_phrase == there.request_phrase \
            and account.sha_type == there.sha_type

    candidates = [('request', here), *list_candidates(here)]
    accepted = next(
        ((kind, account.sha_type) for kind, account in candidates if is_taken(account)), None
    )
    fields = {'status': '12', 'response_code': '12036'}
    answer = replace(there, request_phrase=there.response_phrase).sign(fields)
    return find_wrong_settings(here, accepted, find_signer(answer, here))


@pytest.mark.parametrize('here, there, flaws', (
    (ACCOUNT, ACCOUNT, []),
    (ACCOUNT, make_account('R', 'S', 'hmac512'), [('sha_type', 'hmac512')]),
    (make_account('X', 'S'), ACCOUNT, [('request', '')]),
    (make_account('R', 'X'), ACCOUNT, [('response', '')]),
    (make_account('X', 'Y'), ACCOUNT, [('request', ''), ('response', '')]),
    (make_account('X', 'S', 'sha512'), ACCOUNT, [
        ('request', ''), ('response_sha_type', 'sha256'),
    ]),
    (make_account('X', 'S'), make_account('R', 'S', 'sha512'), [
        ('request', ''), ('response_sha_type', 'sha512'),
    ]),
    (make_account('S', 'R'), ACCOUNT, [('swapped', 'sha256')]),
    (make_account('S', 'R', 'sha512'), ACCOUNT, [('swapped', 'sha256')]),
    (make_account('X', 'R'), ACCOUNT, [('swapped', 'sha256'), ('response', '')]),
    (make_account('S', 'X'), ACCOUNT, [('request', ''), ('response_is_request', '')]),
    # One phrase stands in both places, here or in the dashboard.
    (make_account('R', 'R'), ACCOUNT, [('response_double', '')]),
    (make_account('S', 'S'), ACCOUNT, [('request_double', '')]),
    (make_account('X', 'X'), ACCOUNT, [('request', ''), ('response', '')]),
    (ACCOUNT, make_account('R', 'R'), [('double_at_aps', '')]),
    (ACCOUNT, make_account('S', 'S'), [('double_at_aps', '')]),
    (ACCOUNT, make_account('S', 'S', 'sha512'), [('sha_type', 'sha512'), ('double_at_aps', '')]),
    (make_account('R', 'R'), make_account('R', 'R'), []),
    # White space was copied into the dashboard together with a phrase.
    (ACCOUNT, make_account('R ', 'S'), [('request_space', '')]),
    (ACCOUNT, make_account(' R', 'S'), [('request_space', '')]),
    (ACCOUNT, make_account('R', 'S '), [('response_space', '')]),
    (ACCOUNT, make_account('R', '\tS\n'), [('response_space', '')]),
    (ACCOUNT, make_account('R ', 'S '), [('request_space', ''), ('response_space', '')]),
))
def test_wrong_settings_are_named(here, there, flaws):
    assert check(here, there) == flaws


def test_oldest_sha_type_is_not_taken_for_a_wrong_phrase():
    answer = sign({'status': '00', 'response_code': '00008'}, 'S', hashlib.sha1)
    signer = find_signer(answer, ACCOUNT)
    assert find_wrong_settings(ACCOUNT, None, signer) == [('sha_128', '')]


@pytest.mark.parametrize('accepted, flaws', (
    (None, [('request', '')]), (('request', 'sha256'), []),
))
def test_answer_without_signature_says_nothing_of_the_response_phrase(accepted, flaws):
    assert find_wrong_settings(ACCOUNT, accepted, None, is_signed=False) == flaws


@pytest.mark.parametrize('flaws, remedy', (
    ([], None),
    ([('request', '')], None),
    ([('swapped', 'sha256')], 'swapped'),
    ([('swapped', 'sha512'), ('response_sha_type', 'sha512')], 'swapped'),
    ([('sha_type', 'sha512')], 'sha512'),
    ([('request', ''), ('response_sha_type', 'hmac256')], 'hmac256'),
    ([('sha_type', 'sha512'), ('response_sha_type', 'sha256')], None),
))
def test_what_can_be_put_right_without_typing_is_told(flaws, remedy):
    assert find_remedy(flaws) == remedy


@pytest.mark.parametrize('remedy, account', (
    ('swapped', make_account('S', 'R')),
    ('sha512', make_account('R', 'S', 'sha512')),
    ('hmac256', make_account('R', 'S', 'hmac256')),
    ('mistake', ACCOUNT),
    ('unreachable', ACCOUNT),
    (False, ACCOUNT),
    (None, ACCOUNT),
))
def test_only_what_has_a_remedy_is_changed(remedy, account):
    assert apply_remedy(ACCOUNT, remedy) == account


@pytest.mark.parametrize('account, number', ((ACCOUNT, 9), (make_account('R', 'R'), 5)))
def test_no_setting_is_tried_twice(account, number):
    candidates = [candidate for _kind, candidate in list_candidates(account)]
    assert len(candidates) == len(set(candidates)) == number
    assert account not in candidates


@pytest.mark.parametrize('phrases, weaknesses', (
    (('x' * 16, 'y' * 16), []),
    (('y' * 17, 'x' * 17), []),
    (('x' * 16, 'x' * 16), ['equal']),
    (('x' * 15, 'y' * 16), ['short_request']),
    (('x' * 16, 'y' * 15), ['short_response']),
    (('', ''), ['equal', 'short_request', 'short_response']),
))
def test_weak_phrases_are_named(phrases, weaknesses):
    assert find_weaknesses(*phrases) == weaknesses


MESSAGE = sign({'merchant_identifier': 'Merchant1', 'amount': '100'}, 'S')
OTHER = make_account('R', 'T', name="Other", merchant_identifier='Merchant2')


@pytest.mark.parametrize('message, flaw', (
    ({**MESSAGE, 'amount': '1'}, ('signature', '')),
    ({'amount': '1'}, ('signature', '')),
    ({**MESSAGE, 'signature': None}, ('signature', '')),
    ({**MESSAGE, 'amount': '100 '}, ('changed', '')),
    ({**MESSAGE, 'signature': f' {MESSAGE["signature"]}'}, ('changed', '')),
    ({**MESSAGE, 'added': '1'}, ('changed', 'added')),
    ({**MESSAGE, 'utm_source': '1', 'gclid': '2'}, ('changed', 'utm_source, gclid')),
    ({**MESSAGE, 'added': '1', 'second': '2'}, ('signature', '')),
    (sign({'merchant_identifier': 'Merchant1'}, 'T'), ('account', "Other")),
    (sign({'merchant_identifier': 'Merchant3'}, 'U'), ('account', '')),
    ({'merchant_identifier': 'Merchant3', 'signature': 'x'}, ('account', '')),
    ({'merchant_identifier': 'Another', 'signature': 'x'}, ('account', '')),
    ({'signature': 'x'}, ('account', '')),
))
def test_what_is_wrong_with_a_message_is_found(message, flaw):
    assert find_flaw(message, ACCOUNT, [OTHER]) == flaw


def test_names_of_what_was_added_are_few_and_short():
    added = {f'utm_{"x" * 50}{number}': '1' for number in range(7)}
    finding, detail = find_flaw({**MESSAGE, **added}, ACCOUNT)
    assert finding == 'changed'
    assert detail == ', '.join([f'utm_{"x" * 25}...'] * 5)


@pytest.mark.parametrize('fields, size, finding', (
    ({f'f{number}': '' for number in range(97)}, None, 'account'),
    ({f'f{number}': '' for number in range(98)}, None, 'signature'),
    ({}, 20_000, 'account'),
    ({}, 20_001, 'signature'),
))
def test_large_message_is_not_examined(fields, size, finding):
    """ Test messages of 100 and 101 fields, and those of 20,000 and 20,001 characters. """
    message = {'merchant_identifier': 'Merchant3', 'amount': '100', 'signature': 'x', **fields}
    if size:
        message['f'] = 'x' * (size - len(''.join(itertools.chain(*message.items()))) - 1)
    assert find_flaw(message, ACCOUNT)[0] == finding
