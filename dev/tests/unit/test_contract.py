""" Stored exchanges, replayed: the addon reads them, and the sandbox answers them, as recorded.

Those of the sandbox are always there. Once `dev/contract` has asked APS, those of APS are beside
them, and where the two differ, it is the sandbox that is wrong.
"""

import dataclasses

import pytest

from aps.message import Answer
from aps.readings import find_doubt
from aps.signature import get_signed_fields
from tests.support.sandbox_in_process import SandboxInProcess
from workbench.contract import masking, steps
from workbench.contract.exchanges import (
    FILES,
    SANDBOX_SOURCE,
    SIGNERS,
    Exchange,
    Recording,
    find_answer_signer,
    get_test_account,
    judge,
    sign_answer,
    sign_request,
)
from workbench.contract.questions import READERS

RECORDINGS = {
    source: Recording.load(file) for source, file in FILES.items() if file.exists()
}
CASES = [
    pytest.param(recording, exchange, id=f'{source} {exchange.name}')
    for source, recording in RECORDINGS.items() for exchange in recording.exchanges
]
STEPS = {step.name: step for step in steps.STEPS}
# What an answer decides by.
DECISIVE = (
    'status', 'response_code', 'transaction_status', 'transaction_code', 'authorized_amount',
    'captured_amount', 'refunded_amount',
)


def test_the_sandbox_was_asked_everything():
    """ Test that there is an expectation for each question. """
    recording = RECORDINGS[SANDBOX_SOURCE]
    assert [exchange.name for exchange in recording.exchanges] == list(STEPS)
    assert not recording.missing
    assert len(recording.seen) == sum(1 + len(step.asks) for step in steps.STEPS)


def test_names_of_steps_can_stand_in_references():
    """ Test that each step has a name of its own that APS accepts. """
    assert len(STEPS) == len(steps.STEPS)
    for name in STEPS:
        assert len(name) <= 40 - len(masking.RUN) - 1
        assert name.replace('-', '').isalnum()


def test_each_reference_is_that_of_a_step():
    """ Test that no reference is made up that masking wouldn't know. """
    values = [value for step in steps.STEPS for value in step.fields.values()]
    assert {value.name for value in values if isinstance(value, steps.Ours)} <= set(STEPS)
    told = {value.step for value in values if isinstance(value, steps.Told)}
    assert told <= set(STEPS)


#=== THE ADDON ===#

@pytest.mark.parametrize(('recording', 'exchange'), CASES)
def test_addon_recognizes_what_aps_signs(recording, exchange):
    """ Test that answers are recognized by the response phrase, and others are not. """
    account = get_test_account(recording.sha_type)
    if exchange.answer is None:
        assert exchange.answer_signer == 'none'
        return
    assert account.recognizes(exchange.answer) is exchange.is_signed
    assert find_answer_signer(account, exchange.answer) == exchange.answer_signer
    other = dataclasses.replace(account, response_phrase='of somebody else')
    assert not other.recognizes(exchange.answer)


@pytest.mark.parametrize(('recording', 'exchange'), CASES)
def test_addon_reads_what_it_read_then(recording, exchange):
    """ Test that the state of a payment or operation is that which was told. """
    assert judge(exchange, recording) == exchange.state
    expected = STEPS[exchange.name].state
    assert expected in (None, exchange.state)


@pytest.mark.parametrize(('recording', 'exchange'), CASES)
def test_addon_doubts_no_honest_return(recording, exchange):
    """ Test that what APS signs has one reading, and fits the payment that it is about. """
    if not exchange.is_signed:
        return
    answer = Answer(exchange.answer)
    assert answer.find_fault() is None
    payment = recording.find_payment(exchange)
    if exchange.visit is not None:
        assert find_doubt(get_signed_fields(exchange.answer)) is None
        assert answer.is_plausible
        assert answer.find_mismatch(
            int(payment.request['amount']) + 1, payment.request['currency']
        ) or answer.is_request_refused


@pytest.mark.parametrize('source', RECORDINGS)
def test_money_is_what_the_states_say(source):
    """ Test that what the addon takes as paid was paid, by what APS tells of the sums. """
    recording = RECORDINGS[source]
    paid = {
        exchange.request['merchant_reference'] for exchange in recording.exchanges
        if exchange.visit is not None and exchange.state == 'done'
    }
    queries = [
        exchange for exchange in recording.exchanges
        if 'query_command' in exchange.request and exchange.state == 'done'
        and not exchange.request.get('maintenance_reference')
    ]
    assert paid
    assert queries
    for query in queries:
        sums = Answer(query.answer).sums
        amount = int(recording.find_payment(query).request['amount'])
        assert amount in (sums.captured, (sums.captured or 0) + (sums.refunded or 0))


def test_what_was_seen_can_be_read_again():
    """ Test that masking leaves what the questions are about. """
    recording = RECORDINGS[SANDBOX_SOURCE]
    exchanges = {exchange.name: exchange for exchange in recording.exchanges}
    for key, seen in recording.seen.items():
        name, _colon, reader = key.partition(': ')
        assert READERS[reader or 'code'](exchanges[name], recording) == seen


#=== THE SANDBOX ===#

def send_again(recording, **settings):
    """ Send the stored requests to a new sandbox, and return its answers.

    Numbers and saved cards that it names differently are put in place of those that are stored.

    :param Recording recording: The recording.
    :param settings: What the sandbox's account has besides.
    :return: The stored exchange and the way, answer and signer of the new one, of each.
    :rtype: Iterator[tuple]
    """
    account = get_test_account(recording.sha_type)
    sandbox = SandboxInProcess(account, **{**recording.settings, **settings})
    renamed = {}
    for exchange in recording.exchanges:
        fields = {
            name: renamed.get((name, value), value) if isinstance(value, str) else value
            for name, value in exchange.request.items()
        }
        request = sign_request(account, fields, exchange.signer)
        if exchange.visit is None:
            way, answer = sandbox.ask(request)
        else:
            way, answer = sandbox.visit(request, exchange.visit)
        for name in masking.NUMBERED:
            stored = (exchange.answer or {}).get(name)
            if stored and (answer or {}).get(name):
                renamed.setdefault((name, stored), answer[name])
        yield exchange, way, answer, find_answer_signer(account, answer or {})


@pytest.mark.parametrize('source', RECORDINGS)
def test_sandbox_answers_what_was_answered(source):
    """ Test that the sandbox decides as APS, or itself, did when the exchanges were recorded. """
    for exchange, way, answer, signer in send_again(RECORDINGS[source]):
        stored = exchange.answer or {}
        decided = {name: stored.get(name) for name in DECISIVE}
        assert {name: (answer or {}).get(name) for name in DECISIVE} == decided, exchange.name
        assert (signer, answer is None) == (exchange.answer_signer, exchange.answer is None)
        if source == SANDBOX_SOURCE:
            assert (way, set(answer or {})) == (exchange.way, set(stored)), exchange.name


@pytest.mark.parametrize(('settings', 'name', 'answered'), [
    ({'captured_shrinks': True}, 'refund-status', ('captured_amount', '8000')),
    ({'multiple_captures': False}, 'capture-again', ('response_code', '00047')),
    ({'cancel_code': '13072'}, 'cancel', ('response_code', '13072')),
    ({'not_found_code': '11036'}, 'check', ('response_code', '11036')),
    ({'arabic_letters': True}, 'arabic', ('response_code', '00072')),
    ({'recurring': False}, 'charge', ('response_code', '00113')),
])
def test_sandbox_that_differs_is_noticed(settings, name, answered):
    """ Test that the replay isn't blind: a sandbox with other habits gives other answers. """
    recording = RECORDINGS[SANDBOX_SOURCE]
    answers = {
        exchange.name: (exchange.answer, answer)
        for exchange, _way, answer, _signer in send_again(recording, **settings)
    }
    stored, answer = answers[name]
    field, value = answered
    assert answer[field] == value != stored[field]


def test_sandbox_can_be_set_to_what_a_recording_needs():
    """ Test that an account of APS with other habits doesn't need another sandbox. """
    recording = RECORDINGS[SANDBOX_SOURCE]
    changed = dataclasses.replace(recording, settings={'not_found_code': '11036'})
    [code] = {
        answer['response_code'] for exchange, _way, answer, _signer in send_again(changed)
        if exchange.name == 'check'
    }
    assert code == '11036'


def test_sandbox_that_signs_nothing_doubtful_is_noticed():
    """ Test that the replay looks at signatures. """
    signers = {
        exchange.name: (exchange.answer_signer, signer) for exchange, _way, _answer, signer
        in send_again(RECORDINGS[SANDBOX_SOURCE], sign_unauthentic=False)
    }
    assert signers['wrong-phrase'] == ('response', 'none')


#=== SIGNATURES ===#

@pytest.mark.parametrize('sha_type', ['sha256', 'sha512', 'hmac256', 'hmac512'])
def test_wrong_signatures_are_wrong(sha_type):
    """ Test that each way to sign is another one, and only those that should be are right. """
    account = get_test_account(sha_type)
    asker = dataclasses.replace(account, response_phrase=account.request_phrase)
    fields = {'merchant_reference': 'R1', 'fort_id': ''}
    signed = {signer: sign_request(account, fields, signer) for signer in SIGNERS}
    assert len({request['signature'] for request in signed.values()}) == len(SIGNERS)
    right = {signer for signer, request in signed.items() if asker.recognizes(request)}
    assert right == {'request', 'request, in capitals', 'request, without empty fields'}


@pytest.mark.parametrize('signer', [
    'response', 'response, without empty fields', 'request', 'something else', 'none',
])
@pytest.mark.parametrize('case', [str.lower, str.upper])
def test_answers_are_signed_as_the_originals_were(signer, case):
    """ Test that a masked answer is as right or wrong, and as written, as the original. """
    account = get_test_account('sha256')
    answer = {'status': '14', 'phone_number': '', 'signature': case('abc')}
    signed = sign_answer(account, answer, signer)
    assert find_answer_signer(account, signed) == signer
    if signer != 'none':
        assert signed['signature'] == case(signed['signature'])


def test_what_decides_nothing_is_not_taken_for_a_result():
    """ Test that only what APS has signed is read. """
    recording = Recording(SANDBOX_SOURCE, 'sha256')
    paid = {'command': 'PURCHASE', 'merchant_reference': 'R1', 'amount': '1', 'currency': 'AED'}
    answer = {**paid, 'status': '14', 'response_code': '14000', 'fort_id': '1', 'signature': 'x'}
    exchange = Exchange('purchase', paid, visit={}, answer=answer)
    recording.exchanges.append(exchange)
    assert judge(exchange, recording) == "not believed"
    exchange.answer_signer = 'response'
    assert judge(exchange, recording) == 'done'
    exchange.answer = {**answer, 'amount': '2'}
    assert judge(exchange, recording).startswith("doubted, as the amount")
    exchange.answer = {**answer, 'order_description': 'status=13'}
    assert judge(exchange, recording) == "doubted, as it can be read in two ways"
    exchange.answer = None
    assert judge(exchange, recording) == "no answer"
