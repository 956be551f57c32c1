""" Plays the exchanges and says what was found; run by `dev/contract` with the tools' Python. """

import base64
import datetime
import json
import os
import sys
import time

import requests

from aps import const
from aps.message import Answer, parse_json_message
from aps.signature import Account

from ..system import Failure, say
from .credentials import SHA_TYPE_VARIABLE, SHA_TYPES, VARIABLES
from .exchanges import (
    APS_SOURCE,
    FILES,
    SANDBOX_SOURCE,
    Exchange,
    Recording,
    find_answer_signer,
    judge,
    sign_request,
)
from .masking import RUN, Masker, hide
from .page import RETURN_PATH, Unmeasured, Visit, open_browser
from .questions import READERS
from .steps import NOT_ASKED, STEPS, Ours, Setting, Told

TIMEOUT = (5, 60)  # To connect, and for the answer, in seconds.
LOCAL_PATIENCE = 10
# The codes of answers to somebody whom APS doesn't know.
REJECTIONS = (
    const.MISMATCH_MESSAGE_CODE, const.UNKNOWN_MERCHANT_MESSAGE_CODE,
    const.ACCESS_CODE_MESSAGE_CODE, const.INACTIVE_ACCOUNT_MESSAGE_CODE,
)


class Peer:
    """ APS, or the sandbox: where requests go. """

    def __init__(self, browser, settings):
        """
        :param Browser browser: The browser of the shopper.
        :param dict settings: The settings of the run.
        """
        self.browser, self.settings = browser, settings
        url = settings['url']
        self.api_url = (url or const.HOSTS['api']['test']) + const.PAYMENT_API_PATH
        self.page_url = (url or const.HOSTS['checkout']['test']) + const.PAYMENT_PAGE_PATH

    def ask(self, fields):
        """ Send a request to the API.

        :param dict fields: The signed fields.
        :return: How the answer came, and its fields.
        :rtype: tuple[str, dict]
        :raise Unmeasured: If there is no answer that can be read.
        """
        try:
            response = requests.post(
                self.api_url, json=fields, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise Unmeasured(f"the API didn't answer ({type(error).__name__})") from error
        kind = response.headers.get('Content-Type', '').split(';')[0]
        way = f"HTTP {response.status_code} {kind}".strip()
        if response.content.lstrip().startswith(b'<'):
            raise Unmeasured(f"the API answers {way} and no JSON; choose JSON in the dashboard")
        try:
            return way, parse_json_message(response.content)
        except ValueError as error:
            raise Unmeasured(f"the API answers {way} and no JSON object") from error

    def visit(self, fields, visit):
        """ Send a shopper to the payment page, see `Visit.run`. """
        patience = {'patience': LOCAL_PATIENCE} if self.settings['url'] else {}
        return Visit(
            self.browser, self.settings['origin'], self.page_url, self.settings['by_hand'],
            **patience,
        ).run(fields, visit)


class Player:
    """ Plays the steps, and keeps what was found. """

    def __init__(self, account, peer, settings, source):
        """
        :param Account account: The account that asks.
        :param Peer peer: Who is asked.
        :param dict settings: The settings of the run.
        :param str source: The name of who is asked.
        """
        self.account, self.peer = account, peer
        self.settings = {**settings, 'return_url': settings['origin'] + RETURN_PATH}
        self.run = make_run_name()
        self.masker = Masker(account, self.run, [step.name for step in STEPS])
        today = datetime.datetime.now(datetime.timezone.utc).date()
        self.recording = Recording(source, account.sha_type, recorded=today.isoformat())
        self.expected = read_expected()
        self.answers = {}

    def play(self, steps):
        """ Play steps in their order.

        :param Sequence[Step] steps: The steps; the first one tells whether the account is right.
        :return: None
        :raise Failure: If it isn't, so that there would be nothing to learn.
        """
        for step in steps:
            try:
                exchange = self._play(step)
            except Unmeasured as reason:
                self.recording.missing[step.name] = self._conceal(str(reason))
                exchange = None
            if step is steps[0]:
                self._check_account(exchange)
            self._print(step, exchange)

    def _play(self, step):
        """ Play one step.

        :raise Unmeasured: If it can't be played.
        """
        fields = {**self.account.identity, **self._resolve(step)}
        request = sign_request(self.account, fields, step.signer)
        if step.visit is None:
            way, answer = self.peer.ask(request)
        else:
            way, answer = self.peer.visit(request, step.visit)
        signer = 'none' if answer is None else find_answer_signer(self.account, answer)
        exchange = Exchange(step.name, request, step.signer, step.visit, way, answer, signer)
        self.recording.exchanges.append(exchange)
        exchange.state = judge(exchange, self.recording)
        self.answers[step.name] = answer or {}
        for name in ('code', *step.asks):
            seen = READERS[name](exchange, self.recording)
            self.recording.seen[get_key(step, name)] = self._conceal(seen)
        return exchange

    def _conceal(self, text):
        """ Return a text as it may be printed: a secret would not be read in it. """
        return hide(text) if self.masker.finds_leak(text) else text

    def _resolve(self, step):
        """ Return the fields of a step's request with the values of this run.

        :raise Unmeasured: If it is about an earlier step that wasn't played, or didn't tell enough.
        """
        others = {value.name for value in step.fields.values() if isinstance(value, Ours)}
        for name in others - {step.name, *self.answers}:
            raise Unmeasured(f"the step \"{name}\" could not be played")
        fields = {name: self._resolve_value(value) for name, value in step.fields.items()}
        return {name: value for name, value in fields.items() if value is not None}

    def _resolve_value(self, value):
        """ Return a value of this run, see `_resolve`. """
        if isinstance(value, Ours):
            return f'{self.run}-{value.name}'.ljust(value.length, 'x')
        if isinstance(value, Setting):
            return self.settings[value.name]
        if not isinstance(value, Told):
            return value
        told = self.answers.get(value.step, {}).get(value.name)
        if not told:
            raise Unmeasured(f"no {value.name} was told by the step \"{value.step}\"")
        return told

    def _check_account(self, exchange):
        """ Check that APS takes the account, and that its answers can be believed.

        :raise Failure: If not.
        """
        if not exchange:
            raise Failure(f"Nothing was asked: {self.recording.missing.popitem()[1]}.")
        if not exchange.is_signed or Answer(exchange.answer).message_code in REJECTIONS:
            seen = self.recording.seen[STEPS[0].name]
            raise Failure(
                f"Nothing else was asked, as the account isn't taken: a query is answered {seen}. "
                "Look at what the dashboard says in Integration Settings > Security Settings."
            )

    def _print(self, step, exchange):
        """ Print what a step has found, beside what was expected.

        :param Step step: The step.
        :param Exchange|None exchange: The exchange, if it was played.
        :return: None
        """
        say(f"\n{step.name}")
        if not exchange:
            say(f"  ? {step.question}\n      not measured: "
                f"{self.recording.missing[step.name]}")
            return
        for name, question in {'code': step.question, **step.asks}.items():
            seen = self.recording.seen[get_key(step, name)]
            expected = self.expected.get(get_key(step, name), "nothing recorded")
            sign = '=' if seen == expected else '!'
            say(f"  {sign} {question}\n      {expected} -> {seen}")
        if step.state and exchange.state != step.state:
            say(f"  ! The addon makes \"{exchange.state}\" of it, and not \"{step.state}\".")


def get_key(step, reader):
    """ Return the key of a question. """
    return step.name if reader == 'code' else f'{step.name}: {reader}'


def make_run_name():
    """ Return what the references of a run begin with, as long as `RUN`. """
    moment = int(time.time() * 100).to_bytes(len(RUN) * 5 // 8, 'big')
    return base64.b32encode(moment).decode().lower()


def read_account(environment):
    """ Return the account that the environment names.

    :param dict environment: The variables.
    :rtype: Account
    """
    values = [environment[name] for name in VARIABLES.values()]
    return Account(
        'Contract', 'test', *values, environment.get(SHA_TYPE_VARIABLE) or SHA_TYPES[0]
    )


def read_expected():
    """ Return what is recorded of the sandbox, by the key of the question. """
    file = FILES[SANDBOX_SOURCE]
    return Recording.load(file).seen if file.exists() else {}


def report(player, steps):
    """ Print how much was found.

    :param Player player: Who has played.
    :param Sequence[Step] steps: The steps.
    :return: The exit status: 0 if all was asked and is as expected.
    :rtype: int
    """
    recording = player.recording
    differences = [key for key, seen in recording.seen.items() if seen != player.expected.get(key)]
    broken = [
        exchange.name for exchange in recording.exchanges for step in steps
        if step.name == exchange.name and step.state not in (None, exchange.state)
    ]
    say("\nNot asked here:")
    for text in NOT_ASKED:
        say(f"  - {text}")
    say("\n(*): APS's documents are silent about it, or say two things.\n"
        f"Answers are those of {recording.source}; what is expected was recorded of dev/sandbox.")
    if broken:
        say(f"The addon doesn't understand: {', '.join(broken)}.")
    say(f"{len(recording.seen)} questions answered, {len(differences)} of them not as expected; "
        f"{len(recording.missing)} of {len(steps)} steps not measured")
    return int(bool(differences or broken or recording.missing))


def store(player):
    """ Store what was exchanged, masked.

    :param Player player: Who has played.
    :return: None
    :raise Failure: If it can't be masked for certain.
    """
    file = FILES[player.recording.source]
    try:
        masked = player.masker.mask(player.recording)
    except ValueError as error:
        raise Failure(f"Nothing is stored. {error}") from error
    if file.exists():
        masked.settings = Recording.load(file).settings
    file.write_text(masked.dump(), 'utf-8')
    say(f"Stored {len(masked.exchanges)} exchanges in {file.name}.")


def main(settings):
    """ Play all of it.

    :param dict settings: The settings of the run.
    :return: The exit status.
    :rtype: int
    """
    source = SANDBOX_SOURCE if settings['url'] else APS_SOURCE
    steps = STEPS[:settings['number']]
    try:
        account = read_account(os.environ)
        for name in VARIABLES.values():  # The browser needs none of it.
            del os.environ[name]
        with open_browser(bool(settings['url']), settings['by_hand']) as browser:
            player = Player(account, Peer(browser, settings), settings, source)
            player.play(steps)
        status = report(player, steps)
        if steps == STEPS and (settings['record'] or source == APS_SOURCE):
            store(player)
        return status
    except (Failure, Unmeasured) as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main(json.loads(sys.argv[1])))
