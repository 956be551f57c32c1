""" The check of the credentials, of which one after the other is wrong. """

import itertools
import os
from pathlib import Path

import pytest

from tests.support.live_account import LIVE, live_account, take_test_payments_again
from tests.support.payments import Merchant
from workbench.rpc import RPCError
from workbench.sandbox_process import CREDENTIALS

WRONG = {
    'aps_merchant_identifier': 'SomebodyElse',
    'aps_access_code': 'AnotherAccessCode1',
    'aps_sha_request': 'wrong request phrase',
    'aps_sha_response': 'wrong response phrase',
    'aps_sha_type': 'sha512',
}
# The order in which APS looks at them, and what the check says.
FINDINGS = {
    'aps_merchant_identifier': "doesn't know the merchant identifier",
    'aps_sha_type': "The SHA type is another one: APS accepts SHA-256",
    'aps_sha_request': "The SHA request phrase is wrong",
    'aps_access_code': "The access code is wrong",
    'aps_sha_response': "The SHA response phrase is wrong",
}
ORDER = list(FINDINGS)


@pytest.fixture
def provider(shop):
    """ The provider, whose credentials are put right afterwards. """
    provider = Provider(shop)
    provider.leave_open_payments_alone()
    yield provider
    provider.write(CREDENTIALS)
    provider.leave_open_payments_alone()


class Provider(Merchant):
    """ The provider, in the eyes of an administrator. """

    def write(self, values):
        """ Change the credentials. """
        self.rpc.call('payment.provider', 'write', [self.provider_id], values)

    def check(self):
        """ Click on the button, and return whether the check passed, and what it says. """
        self.rpc.call('payment.provider', 'action_aps_check_setup', [self.provider_id])
        [row] = self.rpc.call('payment.provider', 'read', [self.provider_id], [
            'aps_check_date', 'aps_check_result',
        ])
        return bool(row['aps_check_date']), row['aps_check_result']


def test_right_credentials_pass(shop, provider):
    shop.sandbox('POST', 'reset')
    is_passed, result = provider.check()
    assert is_passed, result
    assert shop.sandbox('GET', 'ledger')['payments'] == [], "The check did more than ask."


@pytest.mark.parametrize('field', ORDER)
def test_wrong_credential_is_named(provider, field):
    provider.write({field: WRONG[field]})
    is_passed, result = provider.check()
    assert not is_passed
    assert FINDINGS[field] in result
    assert not any(value in result for value in (*WRONG.values(), *CREDENTIALS.values()))

    provider.write(CREDENTIALS)
    assert provider.check()[0]


@pytest.mark.parametrize(('first', 'second'), [*itertools.combinations(ORDER, 2)])
def test_two_wrong_credentials_are_named(provider, first, second):
    provider.write({first: WRONG[first], second: WRONG[second]})
    result = provider.check()[1]
    if {first, second} == {'aps_sha_type', 'aps_sha_request'}:
        # No request is accepted, so that only the answer tells about the SHA type.
        assert FINDINGS['aps_sha_request'] in result
        assert "APS signs its messages with SHA type SHA-256" in result
    else:
        assert FINDINGS[first] in result
        # APS looks at nothing else if it doesn't know the merchant, and at no access code as long
        # as the request isn't signed as it should be.
        is_second_seen = first != 'aps_merchant_identifier' and (
            (first, second) != ('aps_sha_request', 'aps_access_code')
        )
        assert (FINDINGS[second] in result) == is_second_seen
    assert not any(value in result for value in (*WRONG.values(), *CREDENTIALS.values()))

    provider.write({first: CREDENTIALS[first]})
    is_passed, result = provider.check()
    assert not is_passed
    assert FINDINGS[second] in result
    assert FINDINGS[first] not in result

    provider.write({second: CREDENTIALS[second]})
    assert provider.check()[0]


def test_all_wrong_is_put_right_one_by_one(provider):
    provider.write(WRONG)
    for field in ORDER:
        assert not provider.check()[0]
        provider.write({field: CREDENTIALS[field]})
    assert provider.check()[0]


def test_number_of_requests_is_bounded(shop, provider):
    shop.sandbox('POST', 'reset')
    provider.write({'aps_sha_request': "wrong", 'aps_sha_response': "also wrong"})
    provider.check()
    requests = [
        request for request in shop.sandbox('GET', 'requests')['requests']
        if request['merchant_reference'].startswith('check-')  # Payments are asked about as well.
    ]
    assert len(requests) == 10
    assert {request['command'] for request in requests} == {'CHECK_STATUS'}


@pytest.mark.parametrize('sha_type', ['sha512', 'hmac256', 'hmac512'])
def test_each_sha_type_is_recognized(shop, provider, sha_type):
    shop.sandbox('PATCH', f'accounts/{shop.merchant}', {'sha_type': sha_type})
    try:
        label = sha_type.replace('sha', 'sha-').replace('hmac', 'hmac-').upper()
        assert f"APS accepts {label}" in provider.check()[1]
        provider.write({'aps_sha_type': sha_type})
        assert provider.check()[0]
    finally:
        shop.sandbox('PATCH', f'accounts/{shop.merchant}', {'sha_type': 'sha256'})


def test_answers_that_are_not_signed_still_tell(shop, provider):
    shop.sandbox('PATCH', f'accounts/{shop.merchant}', {'sign_unauthentic': False})
    try:
        provider.write({'aps_sha_request': "wrong"})
        assert provider.check()[1] == (
            "The SHA request phrase is wrong. Copy it again from Integration Settings > Security "
            "Settings of the APS dashboard."
        )
    finally:
        shop.sandbox('PATCH', f'accounts/{shop.merchant}', {'sign_unauthentic': True})


def test_white_space_of_an_older_module_is_named(shop, provider):
    shop.query("UPDATE payment_provider SET aps_sha_request = aps_sha_request || ' '")
    assert "SHA Request Phrase begins or ends with white space" in provider.check()[1]


def test_character_that_cannot_be_seen_is_named(shop, provider):
    phrase = CREDENTIALS['aps_sha_response']
    hidden = f'{phrase[:4]}\u200b{phrase[4:]}'
    with pytest.raises(RPCError, match="SHA Response Phrase holds a character that can't be seen"):
        provider.write({'aps_sha_response': hidden})

    shop.query(f"UPDATE payment_provider SET aps_sha_response = '{hidden}'")
    result = provider.check()[1]
    assert "SHA Response Phrase holds a character that can't be seen" in result
    assert FINDINGS['aps_sha_response'] in result


@pytest.mark.parametrize('kind', ['request', 'response'])
def test_white_space_in_the_dashboard_is_named(shop, provider, kind):
    settings, phrase = f'accounts/{shop.merchant}', CREDENTIALS[f'aps_sha_{kind}']
    shop.sandbox('PATCH', settings, {f'sha_{kind}_phrase': f'{phrase} '})
    try:
        result = provider.check()[1]
        assert f"The SHA {kind} phrase begins or ends with white space in the APS" in result
        assert len(result.splitlines()) == 1
    finally:
        shop.sandbox('PATCH', settings, {f'sha_{kind}_phrase': phrase})


def test_account_that_is_not_active_is_named(shop, provider):
    provider.order_fault('CHECK_STATUS', 'answer', response_code='11015')
    try:
        result = provider.check()[1]
    finally:
        shop.sandbox('DELETE', 'faults')
    assert "The merchant account is not active" in result


@pytest.mark.parametrize(('field', 'finding'), [
    ('aps_sha_request', "The SHA request phrase is wrong: the SHA response phrase is filled in"),
    ('aps_sha_response', "The SHA response phrase is wrong: the SHA request phrase is filled in"),
])
def test_phrase_that_is_filled_in_twice_is_named(provider, field, finding):
    [other] = {'aps_sha_request', 'aps_sha_response'} - {field}
    provider.write({field: CREDENTIALS[other]})
    is_passed, result = provider.check()
    assert not is_passed
    assert result.startswith(finding)
    assert len(result.splitlines()) == 1


@pytest.mark.parametrize('setting', ['sha_request_phrase', 'sha_response_phrase'])
def test_phrase_that_the_dashboard_has_twice_is_named(shop, provider, setting):
    settings = f'accounts/{shop.merchant}'
    phrases = {
        'sha_request_phrase': CREDENTIALS['aps_sha_request'],
        'sha_response_phrase': CREDENTIALS['aps_sha_response'],
    }
    [other] = phrases.keys() - {setting}
    shop.sandbox('PATCH', settings, {setting: phrases[other]})
    try:
        is_passed, result = provider.check()
        assert not is_passed
        assert result.startswith("The APS dashboard has the same phrase for requests and responses")
        assert len(result.splitlines()) == 1

        # It works all the same if both are entered as they are there, with a warning.
        provider.write(dict.fromkeys(('aps_sha_request', 'aps_sha_response'), phrases[other]))
        is_passed, result = provider.check()
        assert is_passed
        assert "The two SHA phrases are the same" in result
    finally:
        shop.sandbox('PATCH', settings, phrases)


def test_short_phrase_is_warned_of_but_passes(shop, provider):
    settings = f'accounts/{shop.merchant}'
    shop.sandbox('PATCH', settings, {'sha_response_phrase': 'short'})
    try:
        provider.write({'aps_sha_response': 'short'})
        is_passed, result = provider.check()
        assert is_passed
        assert "SHA Response Phrase has less than 16 characters" in result
    finally:
        shop.sandbox('PATCH', settings, {'sha_response_phrase': CREDENTIALS['aps_sha_response']})


def test_oldest_sha_type_is_named(shop, provider):
    shop.sandbox('PATCH', f'accounts/{shop.merchant}', {'sha_type': 'sha1'})
    try:
        is_passed, result = provider.check()
        assert not is_passed
        assert result.startswith("SHA-128 is selected in the APS dashboard")
        assert len(result.splitlines()) == 1
    finally:
        shop.sandbox('PATCH', f'accounts/{shop.merchant}', {'sha_type': 'sha256'})


def test_result_is_forgotten_with_the_credentials_it_is_about(provider):
    provider.check()
    provider.write({'aps_sha_request': "another phrase"})
    [row] = provider.rpc.call('payment.provider', 'read', [provider.provider_id], [
        'aps_check_result', 'aps_check_date',
    ])
    assert not (row['aps_check_result'] or row['aps_check_date'])


def test_swapped_phrases_are_recognized(provider):
    provider.write({
        'aps_sha_request': CREDENTIALS['aps_sha_response'],
        'aps_sha_response': CREDENTIALS['aps_sha_request'],
    })
    assert "The two phrases are swapped" in provider.check()[1]


def test_unreachable_host_is_named(shop, provider):
    provider.point_to('http://127.0.0.1:9')
    try:
        assert "can't be reached" in provider.check()[1]
    finally:
        provider.point_to(shop.sandbox_url)


def test_answer_that_is_not_json_is_named(shop, provider):
    provider.order_fault('CHECK_STATUS', 'xml')
    try:
        assert "answers in XML. Select JSON" in provider.check()[1]
    finally:
        shop.sandbox('DELETE', 'faults')


@pytest.mark.parametrize(('fault', 'finding'), [
    ('garbage', "can't be read"), ('error_500', "HTTP status 500"), ('close', "gave no answer"),
])
def test_answer_that_is_not_usable_is_named(shop, provider, fault, finding):
    provider.order_fault('CHECK_STATUS', fault)
    try:
        assert finding in provider.check()[1]
    finally:
        shop.sandbox('DELETE', 'faults')


def test_host_that_is_gone_in_the_middle_of_the_check_is_named(shop, provider):
    provider.write({'aps_sha_request': "wrong"})
    provider.order_fault('CHECK_STATUS', 'slow', times=1, seconds=0)
    provider.order_fault('CHECK_STATUS', 'error_500', times=5)
    try:
        assert "HTTP status 500" in provider.check()[1]
    finally:
        shop.sandbox('DELETE', 'faults')


class GoLive:
    """ The window that leads to live payments, in the eyes of an administrator. """

    def __init__(self, provider):
        self.provider, self.rpc = provider, provider.rpc
        self.action = self.rpc.call(
            'payment.provider', 'action_aps_prepare_live_payments', [provider.provider_id]
        )

    def click(self, button, **values):
        """ Enter something, click on a button, and return what the window says then, if it stays.

        The client stores what was entered in one request, and clicks in another.
        """
        model, context = self.action['res_model'], self.action['context']
        window_id = self.rpc.call(model, 'create', values, context=context)
        self.action = self.rpc.call(model, button, [window_id], context=context)
        assert self.provider.shop.query('SELECT count(*) FROM payment_aps_go_live') == '0'
        return self.action.get('context', {}).get('default_aps_check_result')


@pytest.fixture
def live(shop, provider):
    """ The live account of a provider in test mode. """
    with live_account(shop):
        yield
        take_test_payments_again(shop, provider.provider_id)


def test_live_account_is_checked_and_taken_while_test_payments_go_on(shop, provider, live):
    window = GoLive(provider)
    with shop.open_live_host():
        wrong = window.click('action_check', **{**LIVE, 'aps_sha_request': "mistyped"})
        assert "The SHA request phrase is wrong" in wrong
        assert provider.receive_payment(100, command='PURCHASE').read().state == 'done'
        wrong = window.click('action_check', **{
            **LIVE, 'aps_sha_request': LIVE['aps_sha_response'],
            'aps_sha_response': LIVE['aps_sha_request'],
        })
        assert "The two phrases are swapped" in wrong
        assert "All is well: the live account" in window.click('action_put_right')
        assert provider.receive_payment(100, command='PURCHASE').read().state == 'done'
        assert provider.check()[0]
        assert window.click('action_go_live') is None
        assert "All is well: the live account" in provider.check()[1]

    [row] = provider.rpc.call('payment.provider', 'read', [provider.provider_id], [
        *LIVE, 'state', 'is_published', 'aps_setup_warning', 'aps_webhook_step',
    ])
    assert {**LIVE, 'state': 'enabled', 'is_published': True}.items() <= row.items()
    assert "click on Make a Real Payment" in row['aps_setup_warning']
    assert 'title="To do"' in row['aps_webhook_step']
    provider.shop.merchant = LIVE['aps_merchant_identifier']
    assert provider.receive_payment(1, command='PURCHASE').read().state == 'done'
    [row] = provider.rpc.call('payment.provider', 'read', [provider.provider_id], [
        'aps_setup_warning', 'aps_webhook_step',
    ])
    assert 'title="Done"' in row['aps_webhook_step']
    assert "Make a Real Payment" not in row['aps_setup_warning']
    for log in Path(os.environ['APS_LOG_FOLDER']).glob('s*.log'):
        assert not any(LIVE[name] in log.read_text() for name in LIVE if name != 'aps_sha_type')


def test_live_host_out_of_reach_is_said_and_asked_about(provider, live):
    window = GoLive(provider)
    for button in ('action_check', 'action_go_live'):
        assert "paymentservices.payfort.com gave no answer" in window.click(button, **LIVE)
    assert provider.check()[0], "The provider has the credentials of the sandbox."
    assert window.click('action_go_live_all_the_same') is None
    is_passed, result = provider.check()
    assert not is_passed
    assert "gave no answer" in result


def test_sandbox_stands_in_for_no_live_host(shop, provider, live):
    provider.write({**LIVE, 'state': 'enabled'})
    requests = shop.sandbox('GET', 'requests')['requests']
    assert not provider.check()[0]
    assert len(shop.sandbox('GET', 'requests')['requests']) == len(requests)
