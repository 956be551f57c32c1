""" What `dev/contract` does before and besides asking: its account, its failures, its silence. """

import argparse
import dataclasses

import pytest

from aps import const
from aps.signature import Account
from tests.support.sandbox_in_process import SandboxInProcess
from workbench.contract import command, credentials, play
from workbench.contract.exchanges import FILES, SANDBOX_SOURCE, Recording, get_test_account
from workbench.contract.masking import RUN
from workbench.contract.page import Unmeasured
from workbench.contract.steps import STEPS
from workbench.system import Failure

WHOLE = {
    'APS_MERCHANT_IDENTIFIER': 'kJ3mQ9xZ', 'APS_ACCESS_CODE': 'zx0IPmPy5jp1vAz8Kpg7',
    'APS_SHA_REQUEST': 'rEq$phrase&77!', 'APS_SHA_RESPONSE': 'ReS%phrase 88?',
}
SETTINGS = {'url': None, 'origin': 'https://localhost', 'currency': 'AED'}


def make_player(peer, account=None, source=SANDBOX_SOURCE):
    """ Return a player who asks a peer. """
    return play.Player(account or play.read_account(WHOLE), peer, SETTINGS, source)


class Silent:
    """ A peer who can't be reached. """

    def ask(self, fields):
        """ Fail to answer. """
        raise Unmeasured("the API didn't answer (ConnectionError)")

    visit = None


class Parrot(SandboxInProcess):
    """ A peer who repeats the secrets wherever it can. """

    def ask(self, fields):
        """ Answer with the secrets in the code and as the name of a field. """
        way, answer = super().ask(fields)
        if fields['merchant_reference'].endswith('check') and len(self.asked) == 0:
            self.asked.append(fields)
            return way, answer
        secrets = ' '.join(WHOLE.values())
        return f'{way} {secrets}', {**answer, 'response_code': secrets, secrets: '1'}

    def visit(self, fields, visit):
        """ Fail with the secrets in the reason. """
        raise Unmeasured(f"the page says {' '.join(WHOLE.values())}")

    def __init__(self, account):
        super().__init__(account)
        self.asked = []


def test_whole_account_is_taken():
    assert credentials.has_account(WHOLE)
    credentials.check_account(WHOLE)
    account = play.read_account({**WHOLE, 'APS_SHA_TYPE': 'hmac512'})
    assert account == Account('Contract', 'test', *WHOLE.values(), 'hmac512')
    assert play.read_account(WHOLE).sha_type == 'sha256'
    assert play.read_account({**WHOLE, 'APS_SHA_TYPE': ''}).sha_type == 'sha256'


def test_sha_types_are_those_of_the_addon():
    """ Test the list that is kept apart, as the command needs nothing of the addon to start. """
    assert [name for name, _label in const.SHA_TYPES] == list(credentials.SHA_TYPES)


def test_nothing_named_is_no_account():
    assert not credentials.has_account({})
    assert not credentials.has_account({'APS_SHA_REQUEST': '', 'PATH': '/bin'})


@pytest.mark.parametrize('name', WHOLE)
def test_part_of_an_account_is_a_mistake(name):
    """ Test that the sandbox isn't asked by somebody who meant APS. """
    for part in ({**WHOLE, name: ''}, {name: WHOLE[name]}):
        assert credentials.has_account(part)
        with pytest.raises(Failure) as caught:
            credentials.check_account(part)
        missing = [variable for variable in WHOLE if not part.get(variable)]
        assert ', '.join(missing) in str(caught.value)
        assert not any(value in str(caught.value) for value in WHOLE.values())


@pytest.mark.parametrize(('name', 'value'), [
    ('APS_SHA_TYPE', 'SHA-256'), ('APS_SHA_TYPE', 'secret'), ('APS_MERCHANT_IDENTIFIER', 'a b'),
    ('APS_ACCESS_CODE', 'x' * 21), ('APS_ACCESS_CODE', 'é'),
])
def test_mistyped_account_is_a_mistake(name, value):
    with pytest.raises(Failure, match=name) as caught:
        credentials.check_account({**WHOLE, name: value})
    assert value not in str(caught.value)


def test_currency_is_one():
    assert credentials.read_currency({}) == 'AED'
    assert credentials.read_currency({'APS_CURRENCY': 'KWD'}) == 'KWD'
    with pytest.raises(Failure, match='APS_CURRENCY'):
        credentials.read_currency({'APS_CURRENCY': 'aed'})


def test_only_sandbox_hosts_of_aps_are_addressed():
    """ Test that no live payment can be made. """
    peer = play.Peer(None, SETTINGS)
    assert peer.api_url == 'https://sbpaymentservices.payfort.com/FortAPI/paymentApi'
    assert peer.page_url == 'https://sbcheckout.payfort.com/FortAPI/paymentPage'


@pytest.mark.parametrize('text', [
    'shop.example.com', 'https://a.b/c', 'https://a.b?c', 'ftp://a.b', 'https://',
])
def test_address_of_the_shop_is_one(text):
    with pytest.raises(argparse.ArgumentTypeError):
        command.read_origin(text)


def test_address_of_the_shop_has_no_slash():
    assert command.read_origin('https://a.b:8069/') == 'https://a.b:8069'
    assert command.parse_arguments([]).origin == 'https://localhost'


def test_steps_are_played_up_to_that_which_is_wanted():
    """ Test that the first one, which checks the account, always is. """
    assert command.parse_arguments([]).number == len(STEPS)
    assert command.parse_arguments(['--until', 'check']).number == 1
    assert STEPS[command.read_step('purchase') - 1].name == 'purchase'
    with pytest.raises(argparse.ArgumentTypeError, match='check, wrong-phrase'):
        command.read_step('nothing-such')


def test_run_has_references_of_its_own():
    """ Test that references are as long as they are in recordings, and APS accepts them. """
    assert len(play.make_run_name()) == len(RUN)
    assert play.make_run_name().isalnum()


def test_what_is_stored_is_what_the_sandbox_does(capsys):
    """ Test that playing it anew gives the very recording that is stored. """
    player = make_player(SandboxInProcess(play.read_account(WHOLE)))
    player.play(STEPS)
    masked = player.masker.mask(player.recording)
    stored = Recording.load(FILES[SANDBOX_SOURCE])
    assert dataclasses.replace(masked, recorded=stored.recorded) == stored
    assert play.report(player, STEPS) == 0
    printed = capsys.readouterr().out
    assert "0 of them not as expected; 0 of" in printed
    assert "\n  ! " not in printed
    assert not any(value in printed + masked.dump() for value in WHOLE.values())


def test_account_that_is_not_taken_ends_it(capsys):
    """ Test that nothing is measured by wrong credentials. """
    account = play.read_account(WHOLE)
    peer = SandboxInProcess(account)
    for change in ({'request_phrase': 'wrong'}, {'response_phrase': 'wrong'}):
        player = make_player(peer, dataclasses.replace(account, **change))
        with pytest.raises(Failure, match="isn't taken"):
            player.play(STEPS)
        assert capsys.readouterr().out == ''


def test_aps_that_is_not_reached_ends_it(capsys):
    """ Test that no figure is printed that wasn't measured. """
    with pytest.raises(Failure, match="Nothing was asked: the API didn't answer"):
        make_player(Silent()).play(STEPS)
    assert capsys.readouterr().out == ''


def test_what_needs_what_was_not_told_is_not_measured(capsys):
    """ Test an account that saves no cards: what follows is said to be missing, and fails. """
    account = play.read_account(WHOLE)
    player = make_player(SandboxInProcess(account, tokenization=False), account)
    player.play(STEPS)
    assert play.report(player, STEPS) == 1
    missing = player.recording.missing
    assert missing['charge'] == "no token_name was told by the step \"save-card\""
    printed = capsys.readouterr().out
    assert f"not measured: {missing['charge']}" in printed
    assert player.recording.seen['save-card'].startswith('00038')
    assert 'charge' not in player.recording.seen


class Lost(SandboxInProcess):
    """ A peer whose payment page the shopper finds no way on. """

    def visit(self, fields, visit):
        """ Find no way. """
        raise Unmeasured("the page doesn't show the part \"number\"")


def test_what_is_about_a_step_that_was_not_played_is_not_measured(capsys):
    """ Test that nothing is told of payments that were never made. """
    account = play.read_account(WHOLE)
    player = make_player(Lost(account), account)
    player.play(STEPS)
    assert play.report(player, STEPS) == 1
    missing = player.recording.missing
    assert missing['cancel'] == "the page doesn't show the part \"number\""
    assert missing['duplicate'] == "the step \"purchase\" could not be played"
    assert missing['cancel-status'] == "the step \"cancel\" could not be played"
    assert list(player.recording.seen) == [
        'check', 'check: case', 'wrong-phrase', 'swapped-phrases', 'wrong-sha-type',
        'wrong-access-code', 'wrong-merchant', 'capitals', 'empties', 'empties-unsigned',
        'extra-field',
    ]
    assert len(missing) == len(STEPS) - 10
    assert f"{len(missing)} of {len(STEPS)} steps not measured" in capsys.readouterr().out


def test_account_is_taken_whatever_is_said_of_an_unknown_payment(capsys):
    """ Test that only a code about the account ends it, as nobody knows that of APS. """
    account = play.read_account(WHOLE)
    player = make_player(SandboxInProcess(account, not_found_code='11036'), account)
    player.play(STEPS[:2])
    assert play.report(player, STEPS[:2]) == 1
    assert "12036, signed by response: unknown payment -> 11036" in capsys.readouterr().out


def test_answer_that_differs_is_told(capsys):
    """ Test that another habit than the sandbox's is printed beside it, and fails. """
    account = play.read_account(WHOLE)
    player = make_player(SandboxInProcess(account, captured_shrinks=True), account)
    player.play(STEPS)
    assert play.report(player, STEPS) == 1
    assert (
        "! Which sums does it tell?\n      06000: authorized 10000, captured 10000, refunded 2000"
        " -> 06000: authorized 10000, captured 8000, refunded 2000"
    ) in capsys.readouterr().out


def test_no_secret_is_printed_or_stored(capsys, monkeypatch, tmp_path):
    """ Test a peer who repeats the secrets. """
    player = make_player(Parrot(play.read_account(WHOLE)))
    player.play(STEPS[:15])
    play.report(player, STEPS[:15])
    file = tmp_path / 'stored.json'
    monkeypatch.setitem(FILES, SANDBOX_SOURCE, file)
    try:
        play.store(player)
        stored = file.read_text('utf-8')
    except Failure as failure:
        stored = str(failure)
    printed = capsys.readouterr().out
    assert player.recording.missing
    assert not any(value in printed + stored for value in WHOLE.values())


def test_what_was_written_by_hand_is_kept(monkeypatch, tmp_path):
    """ Test that recording anew doesn't forget how the sandbox has to be set. """
    file = tmp_path / 'stored.json'
    monkeypatch.setitem(FILES, SANDBOX_SOURCE, file)
    account = play.read_account(WHOLE)
    for settings in ({}, {'cancel_code': '13072'}):
        player = make_player(SandboxInProcess(account), account)
        player.play(STEPS[:1])
        play.store(player)
        stored = Recording.load(file)
        assert not stored.settings
        stored.settings = settings
        file.write_text(stored.dump(), 'utf-8')
    player = make_player(SandboxInProcess(account), account)
    player.play(STEPS[:2])
    play.store(player)
    stored = Recording.load(file)
    assert stored.settings == {'cancel_code': '13072'}
    assert len(stored.exchanges) == 2


def test_test_account_is_no_real_one():
    """ Test that the phrases of recordings are those that are published here. """
    assert get_test_account('sha256').request_phrase == 'contract-request-phrase'
