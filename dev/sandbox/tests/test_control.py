""" The control API. """

import json
import time

import pytest

from ..__main__ import load_accounts, parse_arguments

SECRETS = ('sandbox-request-phrase$1', 'sandbox-response-phrase&2', '4005550000000001')


def test_phrases_and_card_numbers_are_never_shown(shop, client):
    shop.pay(remember_me=True)
    paths = ('accounts', 'accounts/SandboxMID', 'ledger', 'requests', 'refused', 'tokens',
             'notifications')

    shown = ''.join(client.get(f'/_sandbox/{path}').text for path in paths)

    assert not [secret for secret in SECRETS if secret in shown]


def test_ledger_tells_when_money_was_moved(shop):
    shop.control('clock', offset_seconds=86400)
    shop.pay(command='AUTHORIZATION')
    shop.api(command='CAPTURE', amount='4000', currency='SAR')
    shop.api(command='CAPTURE', amount='9999', currency='SAR')  # Too much.
    shop.control('clock', offset_seconds=2 * 86400)
    shop.api(command='REFUND', amount='1', currency='SAR')

    moves = shop.ledger()['moves']

    assert [(move['command'], move['amount']) for move in moves] == [
        ('AUTHORIZATION', 10000), ('CAPTURE', 4000), ('REFUND', 1),
    ]
    days = [round((move['at'] - time.time()) / 86400) for move in moves]
    assert days == [1, 1, 2]


def test_strangers_are_kept_out(client):
    response = client.get('/_sandbox/ledger', environ_base={'REMOTE_ADDR': '192.0.2.1'})

    assert response.status_code == 403


def test_reset_forgets_everything_but_the_accounts(shop, client):
    shop.setup(attempts=2)
    shop.pay()
    shop.control('faults', command='REFUND', fault='slow')
    shop.control('clock', offset_seconds=60)

    shop.control('reset')

    assert client.get('/_sandbox/ledger').json['payments'] == []
    assert client.get('/_sandbox/faults').json['faults'] == []
    assert client.get('/_sandbox/accounts/SandboxMID').json['attempts'] == 2
    assert client.get('/_sandbox/health').json['status'] == 'ok'


@pytest.mark.parametrize('settings', [
    {'x': 1}, {'sha_type': 'md5'}, {'attempts': 'two'}, {'tokenization': 1}, {'attempts': True},
    {'payment_options': ['CASH']}, {'merchant_identifier': 'Other'}, {'sha_request_phrase': None},
])
def test_senseless_setting_is_refused_and_changes_nothing(client, settings):
    before = client.get('/_sandbox/accounts/SandboxMID').json

    response = client.patch('/_sandbox/accounts/SandboxMID', json=settings)

    assert response.status_code == 400
    assert client.get('/_sandbox/accounts/SandboxMID').json == before


@pytest.mark.parametrize('sha_type, length', [
    ('sha1', 40), ('sha256', 64), ('sha512', 128), ('hmac256', 64), ('hmac512', 128),
])
def test_sha_type_and_case_of_the_digest_are_settings(shop, sha_type, length):
    shop.setup(sha_type=sha_type, digest_case='upper')

    digest = shop.control('sign', fields={'status': '14'})['fields']['signature']

    assert len(digest) == length and digest == digest.upper()


def test_any_message_can_be_signed(shop):
    fields = {'merchant_reference': 'S1', 'amount': '1', 'phone_number': '', 'signature': 'old'}

    kept = shop.control('sign', merchant_identifier='SandboxMID', fields=fields)['fields']
    dropped = shop.control('sign', fields=fields, drop_empty=True)['fields']
    request = shop.control('sign', fields={'a': '1'}, direction='request')['fields']

    assert shop.is_from_aps(kept)
    assert not shop.is_from_aps(dropped) and dropped['phone_number'] == ''
    assert request == shop.sign({'a': '1'})


@pytest.mark.parametrize('options, code, option', [
    ({}, '14000', 'VISA'), ({'result': 'declined'}, '13666', 'VISA'),
    ({'result': '13006'}, '13006', 'VISA'), ({'option': 'MADA'}, '14000', 'MADA'),
    ({'option': 'STCPAY'}, '14000', 'STCPAY'), ({'card': '4000000000000010'}, '13029', 'VISA'),
    ({'result': {'card': '5123456789012346', 'status': 'pending'}}, '19065', 'MASTERCARD'),
    ({'result': '3ds_failed'}, '10030', 'VISA'),
])
def test_page_is_finished_without_a_browser(shop, options, code, option):
    fields = shop.pay(**options)

    assert shop.is_from_aps(fields)
    assert (fields['response_code'], fields['payment_option']) == (code, option)


def test_preselected_option_and_tick_box_are_followed(shop):
    local = shop.pay('S1', form={'payment_option': 'KNET', 'currency': 'KWD'})
    saved = shop.pay('S2', form={'remember_me': 'YES'})
    unsaved = shop.pay('S3', form={'remember_me': 'YES'}, remember_me=False)

    assert local['payment_option'] == 'KNET'
    assert saved['token_name'] and saved['remember_me'] == 'YES'
    assert 'token_name' not in unsaved and unsaved['remember_me'] == 'NO'


def test_page_may_stay_open_after_a_failed_attempt(shop):
    shop.setup(attempts=2)

    shop.pay(result='declined', stay=True)

    assert shop.control('pay', merchant_reference='S1')['fields']['response_code'] == '14000'


@pytest.mark.parametrize('body, status', [
    ({'merchant_reference': 'None'}, 404), ({}, 404), ({'merchant_reference': 'S1'}, 409),
    ({'merchant_reference': 'S2', 'result': 'odd'}, 400),
    ({'merchant_reference': 'S2', 'card': '1'}, 400),
    ({'merchant_reference': 'S2', 'option': 'CASH'}, 400),
])
def test_senseless_payment_is_refused(shop, client, body, status):
    shop.pay()
    shop.checkout('S2')

    assert client.post('/_sandbox/pay', json=body).status_code == status


def test_what_a_token_does_can_be_changed(shop, client):
    name = shop.pay(remember_me=True)['token_name']

    assert client.patch(f'/_sandbox/tokens/{name}', json={'scenario': '15777'}).status_code == 200
    assert client.patch(f'/_sandbox/tokens/{name}', json={'scenario': 'odd'}).status_code == 400
    assert client.patch(f'/_sandbox/tokens/{name}', json={'cvv': '1'}).status_code == 400
    assert client.patch('/_sandbox/tokens/none', json={}).status_code == 404


def test_accounts_come_from_a_file_and_the_command_line(tmp_path):
    path = tmp_path / 'accounts.json'
    path.write_text(json.dumps([{'merchant_identifier': 'A'}, {'merchant_identifier': 'B'}]))
    arguments = ['--accounts', str(path), '--feedback-url', 'http://x/', '--currencies', 'SAR,AED']

    accounts = load_accounts(parse_arguments(arguments))

    assert [account.merchant_identifier for account in accounts] == ['A', 'B']
    assert {account.feedback_url for account in accounts} == {'http://x/'}
    assert accounts[0].currencies == ['SAR', 'AED']
