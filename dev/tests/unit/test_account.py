""" The one object that holds a merchant account's secrets: what it does with them, and hides. """

import copy
import dataclasses
import hashlib
import logging

import pytest

from aps.errors import APSNotConfigured, APSUnreachable
from aps.signature import Account

SECRETS = ('Merchant1', 'Access1', 'asked & sealed', 'told & sealed')


def make_account(**values):
    """ Return an account, with changes. """
    return Account(**{
        'name': "Shop", 'environment': 'test', 'merchant_identifier': 'Merchant1',
        'access_code': 'Access1', 'request_phrase': 'asked & sealed',
        'response_phrase': 'told & sealed', **values,
    })


def test_request_is_signed_with_the_request_phrase_and_nothing_else_is_added():
    fields = {'b': '2', 'a': '1'}
    text = 'asked & sealeda=1b=2asked & sealed'
    assert make_account().sign(fields) == {
        'b': '2', 'a': '1', 'signature': hashlib.sha256(text.encode()).hexdigest(),
    }
    assert fields == {'b': '2', 'a': '1'}, "The request itself should be left alone."


def test_sha_type_is_the_one_that_was_chosen():
    text = 'asked & sealeda=1asked & sealed'
    signature = make_account(sha_type='sha512').sign({'a': '1'})['signature']
    assert signature == hashlib.sha512(text.encode()).hexdigest()


def test_message_is_recognized_by_the_response_phrase_only():
    message = {'a': '1', 'signature': hashlib.sha256(
        b'told & sealeda=1told & sealed'
    ).hexdigest()}
    assert make_account().recognizes(message)
    for values in (
        {'response_phrase': 'another'}, {'sha_type': 'sha512'}, {'sha_type': 'hmac256'},
    ):
        assert not make_account(**values).recognizes(message)
    assert not make_account().recognizes({**message, 'a': '2'})
    assert not make_account().recognizes(make_account().sign({'a': '1'})), (
        "A request must not be taken for an answer."
    )


@pytest.mark.parametrize('phrase', ('', None, False))
def test_nothing_is_signed_or_recognized_without_phrase(phrase):
    account = make_account(request_phrase=phrase, response_phrase=phrase)
    with pytest.raises(APSNotConfigured, match="phrase is missing"):
        account.sign({'a': '1'})
    assert issubclass(APSNotConfigured, APSUnreachable), "It should be known that nothing was sent."
    assert not account.recognizes({'a': '1', 'signature': hashlib.sha256(b'a=1').hexdigest()})


def test_request_tells_who_sends_it():
    assert make_account().identity == {'access_code': 'Access1', 'merchant_identifier': 'Merchant1'}


def test_digest_is_that_of_identifier_and_environment():
    # As it is stored with the payments of version 1.2.1.
    assert make_account().digest == hashlib.sha256(b'test Merchant1').hexdigest()[:16]
    digests = {make_account(**values).digest for values in (
        {}, {'environment': 'enabled'}, {'environment': 'disabled'}, {'merchant_identifier': 'M2'},
    )}
    assert len(digests) == 4
    assert make_account(
        name="Other", access_code='2', request_phrase='2', response_phrase='2', sha_type='sha512'
    ).digest == make_account().digest


@pytest.mark.parametrize('show', (
    repr, str, '{}'.format, '{!r}'.format,
    lambda account: str([account]), lambda account: str({'account': account}),
    lambda account: repr(dataclasses.replace(account, sha_type='sha512')),
    lambda account: repr(copy.deepcopy(account)),
))
def test_secrets_are_never_printed(show):
    text = show(make_account())
    assert 'Shop' in text
    assert not any(secret in text for secret in SECRETS)


def test_secrets_are_never_logged(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger('test').info("Account: %s", make_account())
        try:
            make_account(request_phrase='').sign({'a': '1'})
        except APSNotConfigured:
            logging.getLogger('test').exception("Not signed")
    assert "Not signed" in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS)


def test_account_is_not_a_sequence_and_can_not_be_changed():
    account = make_account()
    with pytest.raises(TypeError):
        list(account)  # So `'%s' % account`, or `*account`, doesn't tell its secrets.
    with pytest.raises(dataclasses.FrozenInstanceError):
        account.name = "Other"
