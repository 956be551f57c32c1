""" The check of the credentials, of which one after the other is wrong. """

import pytest
from workbench.payments import Merchant
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
    'aps_sha_response': "the SHA response phrase is wrong",
}
ORDER = list(FINDINGS)


@pytest.fixture
def provider(shop):
    """ The provider, whose credentials are put right afterwards. """
    provider = Provider(shop)
    yield provider
    provider.write(CREDENTIALS)
    # Else it is still accepted in the tests that follow.
    provider.rpc.call('payment.provider', 'action_aps_forget_former_phrase', [provider.provider_id])


class Provider(Merchant):
    """ The provider, in the eyes of an administrator. """

    def write(self, values):
        """ Change the credentials. """
        self.rpc.call('payment.provider', 'write', [self.provider_id], values)

    def check(self):
        """ Click on the button, and return whether the check passed, and what it says. """
        self.rpc.call('payment.provider', 'action_aps_check_setup', [self.provider_id])
        [row] = self.rpc.call('payment.provider', 'read', [self.provider_id], [
            'aps_is_check_passed', 'aps_check_result',
        ])
        return row['aps_is_check_passed'], row['aps_check_result']


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


@pytest.mark.parametrize(('first', 'second'), [
    (first, second) for index, first in enumerate(ORDER) for second in ORDER[index + 1:]
    if (first, second) != ('aps_sha_type', 'aps_sha_request')  # Both at once fit no other setting.
])
def test_two_wrong_credentials_are_named_one_after_the_other(provider, first, second):
    provider.write({first: WRONG[first], second: WRONG[second]})
    assert FINDINGS[first] in provider.check()[1]
    provider.write({first: CREDENTIALS[first]})
    assert FINDINGS[second] in provider.check()[1]


def test_exchanged_phrases_are_recognized(provider):
    provider.write({
        'aps_sha_request': CREDENTIALS['aps_sha_response'],
        'aps_sha_response': CREDENTIALS['aps_sha_request'],
    })
    assert "The two phrases are exchanged" in provider.check()[1]


def test_unreachable_host_is_named(shop, provider):
    provider.point_to('http://127.0.0.1:9')
    try:
        assert "can't be reached" in provider.check()[1]
    finally:
        provider.point_to(shop.sandbox_url)


def test_answer_that_is_not_json_is_named(shop, provider):
    provider.order_fault('CHECK_STATUS', 'xml')
    try:
        assert "select JSON" in provider.check()[1]
    finally:
        shop.sandbox('DELETE', 'faults')
