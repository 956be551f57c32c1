""" What is read out of an answer of APS, at the borders of each rule. """

import dataclasses

import pytest

from aps import const
from aps.message import Answer, Result
from aps.sums import Told

UNCLEAR_CODES = ('006', '007', '047', '051', '054', '066', '777', '779', '780', '781', '784')
# The state of every status, by the table of the protocol reference (9.1).
STATES = {
    'pending': ('01', '10', '15', '19', '20', '24', '40', '44', '46'),
    'authorized': ('02',),
    'done': ('14',),
    'error': ('00', '03', '13', '23', '45', '47'),
}
COMMANDS = ('CAPTURE', 'VOID_AUTHORIZATION', 'REFUND')


@pytest.mark.parametrize('number', range(100))
def test_every_status_has_a_state_on_purpose(number):
    """ Test that a status that isn't documented for payments never makes one confirmed. """
    status = f'{number:02}'
    expected = next((state for state, statuses in STATES.items() if status in statuses), None)
    assert Result(status, f'{status}000').state == expected


@pytest.mark.parametrize('response_code, state', (
    # Cancellations (9.3).
    ('00072', 'cancel'), ('01072', 'cancel'), ('13072', 'cancel'), ('03072', 'cancel'),
    ('10072', 'cancel'), ('20072', 'cancel'),
    # A success that is said to be canceled is a success.
    ('14072', 'done'), ('02072', 'authorized'),
    # Failures that leave open what became of the money.
    ('13006', 'pending'), ('00006', 'pending'), ('00051', 'pending'), ('00784', 'pending'),
    ('13777', 'pending'), ('00007', 'pending'), ('00047', 'pending'), ('00066', 'pending'),
    ('15777', 'pending'), ('15781', 'pending'), ('20064', 'pending'),
    ('14777', 'pending'), ('02006', 'pending'),
    # Final reasons, of the status that is incomplete only (9.4).
    ('10030', 'error'), ('10666', 'error'), ('10778', 'error'), ('10787', 'error'),
    ('10065', 'pending'), ('01666', 'pending'), ('15030', 'pending'), ('20778', 'pending'),
    ('13666', 'error'), ('13029', 'error'), ('00008', 'error'), ('03012', 'error'),
    ('14000', 'done'), ('02000', 'authorized'), ('14123', 'done'),
    # What says nothing about a payment, whatever its reason.
    ('04072', None), ('06777', None), ('99666', None), ('12036', None),
))
def test_message_codes_refine_the_state(response_code, state):
    result = Result.of_code(response_code)
    assert (result.status, result.response_code) == (response_code[:2], response_code)
    assert result.message_code == response_code[2:]
    assert result.state == state
    assert result.is_settled is (state in ('done', 'error', 'cancel'))


@pytest.mark.parametrize('status, response_code', (
    ('14', '13666'), ('13', '14000'), ('14', ''), ('', '14000'), ('', ''), ('1', '14000'),
    ('14', '1400'[:1]), ('14', '00014'), ('02', '14000'), ('01', '02000'),
))
def test_status_that_contradicts_the_response_code_says_nothing(status, response_code):
    """ Test that a success is not read out of half an answer. """
    result = Result(status, response_code)
    assert result.state is None
    assert not result.is_clear
    assert not result.is_settled
    assert not result.is_unfinished


@pytest.mark.parametrize('message_code', UNCLEAR_CODES)
def test_unclear_codes_leave_open_what_became_of_the_money(message_code):
    """ Test that such a failure neither ends a payment nor an operation, and none succeeds. """
    assert UNCLEAR_CODES == const.UNCLEAR_MESSAGE_CODES
    for state, statuses in STATES.items():
        for status in statuses:
            result = Result.of_code(f'{status}{message_code}')
            assert result.state == 'pending', state
            assert not result.is_clear
            assert not result.is_unfinished
            assert not result.is_refusal('PURCHASE')
    for command, statuses in const.OPERATION_STATUSES.items():
        for status in (*statuses, '00'):
            assert Result.of_code(f'{status}{message_code}').outcome(command) == 'pending'


@pytest.mark.parametrize('response_code, is_unfinished', (
    ('01000', True), ('10000', True), ('20064', True), ('24000', True), ('44000', True),
    ('46000', True), ('10666', True), ('01072', True),
    # APS, or a bank, has to decide.
    ('15000', False), ('19000', False), ('40090', False), ('10777', False), ('01006', False),
    # It is decided.
    ('13666', False), ('14000', False), ('02000', False), ('00030', False), ('', False),
))
def test_unfinished_is_what_the_shopper_has_to_finish(response_code, is_unfinished):
    assert Result.of_code(response_code).is_unfinished is is_unfinished


@pytest.mark.parametrize('response_code, is_in_review, is_clear, is_not_found', (
    ('40090', True, True, False), ('40777', True, False, False), ('14000', False, True, False),
    ('04000', False, True, False), ('12036', False, True, True), ('00036', False, True, True),
    ('00035', False, True, False), ('03600', False, True, False), ('', False, False, False),
))
def test_what_else_a_response_code_says(response_code, is_in_review, is_clear, is_not_found):
    result = Result.of_code(response_code)
    assert result.is_in_review is is_in_review
    assert result.is_clear is is_clear
    assert result.is_not_found is is_not_found


@pytest.mark.parametrize('number', range(100))
def test_statuses_with_a_meaning_of_their_own(number):
    """ Test that no other status is taken for one of them. """
    status = f'{number:02}'
    answer = Answer({'status': status, 'response_code': f'{status}000', 'transaction_status': '14'})
    assert answer.is_in_review is (status == '40')
    assert answer.is_request_refused is (status == '00')
    assert answer.is_answered is (status == '12')
    assert answer.told.status == ('14' if status == '12' else '')
    assert Result(status, f'{status}666').state == {
        '10': 'error', '14': 'done', '02': 'authorized',
    }.get(status, answer.state)


@pytest.mark.parametrize('command, status, response_code, outcome', (
    ('CAPTURE', '04', '04000', 'done'),
    ('REFUND', '06', '06000', 'done'),
    ('VOID_AUTHORIZATION', '08', '08000', 'done'),
    ('CAPTURE', '05', '05062', 'error'),
    ('REFUND', '07', '07063', 'error'),
    ('VOID_AUTHORIZATION', '09', '09062', 'error'),
    ('CAPTURE', '00', '00030', 'error'),
    ('REFUND', '00', '00030', 'error'),
    # The success or failure of another operation.
    ('CAPTURE', '06', '06000', 'pending'),
    ('REFUND', '04', '04000', 'pending'),
    ('CAPTURE', '07', '07063', 'pending'),
    ('REFUND', '05', '05062', 'pending'),
    ('VOID_AUTHORIZATION', '05', '05062', 'pending'),
    # The status contradicts the response code.
    ('CAPTURE', '04', '05062', 'pending'),
    ('CAPTURE', '04', '00030', 'pending'),
    ('CAPTURE', '05', '04000', 'pending'),
    ('CAPTURE', '05', '00030', 'pending'),
    ('CAPTURE', '00', '05062', 'pending'),
    ('CAPTURE', '00', '04000', 'pending'),
    # A failure that doesn't tell whether the operation was executed.
    ('CAPTURE', '05', '05006', 'pending'),
    ('REFUND', '00', '00777', 'pending'),
    # A success with a code of failures that don't tell.
    ('CAPTURE', '04', '04006', 'pending'),
    ('REFUND', '06', '06006', 'pending'),
    ('VOID_AUTHORIZATION', '08', '08006', 'pending'),
    # Half an answer.
    ('CAPTURE', '04', '', 'pending'),
    ('CAPTURE', '05', '', 'pending'),
    ('CAPTURE', '', '04000', 'pending'),
    ('CAPTURE', '', '', 'pending'),
))
def test_outcome_of_an_operation(command, status, response_code, outcome):
    """ Test that only APS's own success or failure of this very operation decides. """
    assert Result(status, response_code).outcome(command) == outcome


@pytest.mark.parametrize('number', range(100))
def test_no_other_status_decides_about_an_operation(number):
    """ Test all statuses, with a plain code. """
    status = f'{number:02}'
    outcomes = {command: Result(status, f'{status}000').outcome(command) for command in COMMANDS}
    expected = dict.fromkeys(COMMANDS, 'error' if status == '00' else 'pending')
    for command, success, failure in zip(
        COMMANDS, ('04', '08', '06'), ('05', '09', '07'), strict=True
    ):
        expected[command] = {success: 'done', failure: 'error'}.get(status, expected[command])
    assert outcomes == expected


@pytest.mark.parametrize('command, answer, is_certain', (
    ('CAPTURE', {'status': '05', 'response_code': '05062'}, True),
    ('PURCHASE', {'status': '00', 'response_code': '00030'}, True),
    ('PURCHASE', {'status': '03', 'response_code': '03030'}, False),
    ('CAPTURE', {'status': '04', 'response_code': '04000'}, False),
    ('CAPTURE', {'status': '00', 'response_code': '00006'}, False),
    ('CAPTURE', {'status': '00'}, False),
    ('CAPTURE', {'response_code': '00030'}, False),
    ('CAPTURE', {'status': None, 'response_code': None}, False),
    ('CAPTURE', {}, False),
    # A query executes nothing that could be refused.
    (None, {'status': '00', 'response_code': '00030'}, False),
))
def test_refusal_of_a_request(command, answer, is_certain):
    """ Test when it is certain that a request was not executed. """
    assert Answer(answer).is_refusal(command) is is_certain


@pytest.mark.parametrize('answer, is_answered', (
    ({'status': '12', 'response_code': '12000'}, True),
    ({'status': '12'}, True),
    ({'status': '00', 'response_code': '00036'}, True),
    ({'response_code': '00036'}, True),
    ({'status': '00', 'response_code': '00035'}, False),
    ({'status': '00', 'response_code': '00037'}, False),
    ({'status': '00', 'response_code': '00008'}, False),
    ({'status': '00', 'response_code': '03600'}, False),
    ({'status': '11', 'response_code': '11000'}, False),
    ({'status': '13', 'response_code': '13666'}, False),
    ({'status': None, 'response_code': None}, False),
    ({}, False),
))
def test_answer_to_a_query(answer, is_answered):
    """ Test that a query that failed is not taken for a payment that APS doesn't know. """
    assert Answer(answer).is_answered is is_answered


@pytest.mark.parametrize('query, code, is_unknown', (
    ({}, '12036', True), ({}, '00036', True), ({}, '12000', False), ({}, '11043', False),
    ({}, None, False), ({'maintenance_reference': 'R-1'}, '12036', False),
))
def test_only_a_payment_that_is_not_known_leaves_no_trail(query, code, is_unknown):
    """ Test that what APS says of an operation is kept, and so is any other answer. """
    answer = Answer({'response_code': code} if code else {})
    assert answer.is_payment_unknown(query) is is_unknown


def test_answer_does_not_change():
    """ Test that what was verified stays as it is, whoever has the fields. """
    fields = {'status': '14', 'response_code': '14000'}
    answer = Answer(fields)
    fields['status'] = '13'
    assert (answer.status, answer.state, dict(answer.fields)['status']) == ('14', 'done', '14')
    with pytest.raises(TypeError):
        answer.fields['status'] = '13'
    for name in ('status', 'response_code', 'fields'):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(answer, name, '13')
    assert answer, "It is not empty for want of fields."
    assert Answer({})


@pytest.mark.parametrize('fields, values', (
    ({}, ('', '', '', '', '', '', None)),
    ({
        'status': '04', 'response_code': '04000', 'command': 'CAPTURE', 'fort_id': '169',
        'maintenance_reference': 'R-1', 'currency': 'AED', 'amount': '1000',
    }, ('04', '04000', 'CAPTURE', '169', 'R-1', 'AED', 1000)),
    # JSON has more than texts.
    ({
        'status': ['14'], 'response_code': {'a': '14000'}, 'command': ['CAPTURE'], 'fort_id': ['1'],
        'maintenance_reference': True, 'currency': ['AED'], 'amount': ['1'],
    }, ('', '', '', '', '', '', None)),
    ({'amount': '10.00'}, ('', '', '', '', '', '', None)),
))
def test_fields_are_texts_and_the_amount_is_a_number(fields, values):
    answer = Answer(fields)
    assert (
        answer.status, answer.response_code, answer.command, answer.fort_id,
        answer.maintenance_reference, answer.currency, answer.amount_minor,
    ) == values


@pytest.mark.parametrize('response_code, fort_id, is_plausible', (
    ('14000', '169', True), ('14000', '', True), ('14123', '169', True), ('14123', '', False),
    ('02123', '', False), ('02000', '', True), ('02123', '169', True), ('14', '', False),
    # What is no success needs neither.
    ('13666', '', True), ('15777', '', True), ('99123', '', True), ('14777', '', True),
))
def test_success_needs_a_number_or_a_plain_code(response_code, fort_id, is_plausible):
    answer = Answer({
        'status': response_code[:2], 'response_code': response_code, 'fort_id': fort_id,
    })
    assert answer.is_plausible is is_plausible


@pytest.mark.parametrize('status, is_refused', (('00', True), ('13', False), ('', False)))
def test_refused_is_the_request_itself(status, is_refused):
    assert Answer({'status': status}).is_request_refused is is_refused


GOOD = {'status': '14', 'response_code': '14000', 'fort_id': '169'}


@pytest.mark.parametrize('changes, fault', (
    ({}, None), ({'fort_id': ''}, None), ({'fort_id': None}, None), ({'fort_id': '1' * 20}, None),
    ({'status': ''}, "the status is missing"), ({'status': None}, "the status is missing"),
    ({'status': 14}, "the status is missing"), ({'status': ['14']}, "the status is missing"),
    ({'response_code': ''}, "the status is missing"),
    ({'response_code': None}, "the status is missing"),
    ({'response_code': {'a': '1'}}, "the status is missing"),
    ({'status': '1'}, "the field status is malformed"),
    ({'status': '140'}, "the field status is malformed"),
    ({'status': '1x'}, "the field status is malformed"),
    ({'status': '١٤'}, "the field status is malformed"),
    ({'status': '14\n'}, "the field status is malformed"),
    ({'response_code': '1400'}, "the field response_code is malformed"),
    ({'response_code': '140000'}, "the field response_code is malformed"),
    ({'response_code': '14-00'}, "the field response_code is malformed"),
    ({'fort_id': '1a'}, "the field fort_id is malformed"),
    ({'fort_id': '1' * 21}, "the field fort_id is malformed"),
    ({'fort_id': ['169']}, "the field fort_id is malformed"),
    ({'fort_id': '-1'}, "the field fort_id is malformed"),
))
def test_form_of_what_is_believed(changes, fault):
    assert Answer({**GOOD, **changes}).find_fault() == fault


@pytest.mark.parametrize('fields, mismatch', (
    # Results of the payment.
    ({'command': 'PURCHASE', 'amount': '1000', 'currency': 'AED'}, None),
    ({'command': 'AUTHORIZATION', 'amount': '1000', 'currency': 'AED'}, None),
    ({'command': 'PURCHASE', 'amount': '999', 'currency': 'AED'}, "the amount is not 1000"),
    ({'command': 'PURCHASE', 'amount': '1001', 'currency': 'AED'}, "the amount is not 1000"),
    ({'command': 'PURCHASE', 'amount': '10.00', 'currency': 'AED'}, "the amount is not 1000"),
    ({'command': 'PURCHASE', 'amount': '', 'currency': 'AED'}, "the amount is not 1000"),
    ({'command': 'PURCHASE', 'currency': 'AED'}, "the amount is not 1000"),
    ({'command': 'PURCHASE', 'amount': '1000', 'currency': 'SAR'}, "the currency is not AED"),
    ({'command': 'PURCHASE', 'amount': '1000', 'currency': 'aed'}, "the currency is not AED"),
    ({'command': 'PURCHASE', 'amount': '1000'}, "the currency is not AED"),
    ({'command': 'PURCHASE', 'amount': '1', 'currency': 'SAR'}, "the currency is not AED"),
    ({'command': 'PURCHASE'}, "the currency is not AED"),
    # An invalid request may be answered without them, but not with others.
    ({'command': 'PURCHASE', 'status': '00'}, None),
    ({'command': 'PURCHASE', 'status': '00', 'amount': '', 'currency': ''}, None),
    ({'command': 'PURCHASE', 'status': '00', 'amount': '1000'}, "the currency is not AED"),
    ({'command': 'PURCHASE', 'status': '00', 'currency': 'AED'}, "the amount is not 1000"),
    ({'command': 'PURCHASE', 'status': '00', 'currency': ['AED']}, "the currency is not AED"),
    ({'command': 'PURCHASE', 'status': '13'}, "the currency is not AED"),
    # Operations are about the payment or a part of it.
    ({'command': 'CAPTURE', 'amount': '1000', 'currency': 'AED'}, None),
    ({'command': 'REFUND', 'amount': '1', 'currency': 'AED'}, None),
    ({'command': 'VOID_AUTHORIZATION'}, None),
    ({'command': 'CAPTURE', 'amount': '', 'currency': ''}, None),
    ({'command': 'CAPTURE', 'amount': '1001', 'currency': 'AED'},
     "the amount exceeds that of the payment"),
    ({'command': 'REFUND', 'amount': '0', 'currency': 'AED'},
     "the amount exceeds that of the payment"),
    ({'command': 'REFUND', 'amount': '1e2'}, "the amount exceeds that of the payment"),
    ({'command': 'REFUND', 'amount': ['10']}, "the amount exceeds that of the payment"),
    ({'command': 'REFUND', 'amount': '1000', 'currency': 'SAR'}, "the currency is not AED"),
    ({'command': 'REFUND', 'currency': ['AED']}, "the currency is not AED"),
    # Anything else is not for us.
    ({'command': 'CREATE_TOKEN'}, "the command is unknown"),
    ({'command': ''}, "the command is unknown"), ({}, "the command is unknown"),
    ({'command': ['PURCHASE']}, "the command is unknown"),
    ({'query_command': 'GENERATE_REPORT'}, "the command is unknown"),
    # The sums of a query are compared when they are applied.
    ({'query_command': 'CHECK_STATUS'}, None),
    ({'query_command': 'CHECK_STATUS', 'amount': '1', 'currency': 'SAR'}, None),
))
def test_answer_fits_the_amount_and_the_currency(fields, mismatch):
    assert Answer(fields).find_mismatch(1000, 'AED') == mismatch


#=== Answers to queries ===#

def answer_query(told, code=None, **fields):
    """ Return an answer to a query, whose code is plain by default. """
    return Answer({
        'query_command': 'CHECK_STATUS', 'status': '12', 'response_code': '12000',
        'transaction_status': told,
        'transaction_code': f'{told}000' if code is None else code, **fields,
    })


@pytest.mark.parametrize('answer, told', (
    (answer_query('14'), ('14', '14000')),
    (answer_query('13', '13666'), ('13', '13666')),
    (answer_query('14', ''), ('14', '')),
    (answer_query('', ''), ('', '')),
    (answer_query(None, None), ('', 'None000')),
    (answer_query(['14'], ['14000']), ('', '')),
    # A query that failed tells nothing of the payment, whatever it echoes.
    (answer_query('14', status='11', response_code='11000'), ('', '')),
    (answer_query('14', status='00', response_code='00036'), ('', '')),
    (Answer({'status': '14', 'response_code': '14000'}), ('', '')),
))
def test_query_tells_of_the_payment_only_if_it_was_answered(answer, told):
    assert (answer.told.status, answer.told.response_code) == told
    assert answer.sums.status == told[0]


@pytest.mark.parametrize('answer, told', (
    (answer_query('14'), Told('14', True)),
    (answer_query('14', ''), Told('14', True)),
    (answer_query('14', '13000'), Told('14', False)),
    (answer_query('14', '14777'), Told('14', False)),
    (answer_query('14', ['14000']), Told('14', False)),
    (answer_query('04', captured_amount='70', refunded_amount='0', authorized_amount='100'),
     Told('04', True, 70, 0, 100)),
    (answer_query('06', captured_amount='', refunded_amount='3.0'), Told('06', True)),
    (answer_query('06', refunded_amount='30'), Told('06', True, None, 30)),
))
def test_sums_that_a_query_tells(answer, told):
    assert answer.sums == told


@pytest.mark.parametrize('fields, is_query', (
    ({'query_command': 'CHECK_STATUS'}, True), ({'query_command': 'OTHER'}, False),
    ({'command': 'PURCHASE'}, False), ({}, False),
))
def test_what_a_query_is(fields, is_query):
    assert Answer(fields).is_query is is_query


@pytest.mark.parametrize('answer, is_purchase, shrinks, state', (
    # Paid: by the sums, see `aps.sums`.
    (answer_query('14'), True, None, 'done'),
    (answer_query('14', captured_amount='100'), True, None, 'done'),
    (answer_query('14', captured_amount='1'), True, None, None),
    (answer_query('14', captured_amount='101'), True, None, None),
    (answer_query('14', '14777'), True, None, 'pending'),
    (answer_query('14', '13000'), True, None, None),
    (answer_query('04', captured_amount='70'), False, None, 'authorized'),
    (answer_query('06', captured_amount='70', refunded_amount='30'), True, None, 'done'),
    (answer_query('06', captured_amount='70', refunded_amount='30'), False, None, 'authorized'),
    (answer_query('06', captured_amount='70', refunded_amount='30'), False, True, 'done'),
    (answer_query('13', '13666', captured_amount='100'), True, None, 'done'),
    # A captured sum that shrank to 0, or is missing, isn't taken for the whole.
    (answer_query('06', captured_amount='0', refunded_amount='30'), False, None, 'authorized'),
    (answer_query('06', refunded_amount='30'), False, None, 'authorized'),
    (answer_query('06', captured_amount='0', refunded_amount='100'), False, None, 'done'),
    (answer_query('06', captured_amount='30', refunded_amount='30'), False, None, 'authorized'),
    # Reserved: in full, if the sum is told.
    (answer_query('02'), False, None, 'authorized'),
    (answer_query('02', authorized_amount='100', captured_amount='0'), False, None, 'authorized'),
    (answer_query('02', authorized_amount='0'), True, None, 'authorized'),
    (answer_query('02', authorized_amount='1', captured_amount='0'), False, None, None),
    (answer_query('02', authorized_amount='101'), False, None, None),
    (answer_query('02', '02777'), False, None, 'pending'),
    (answer_query('02', '13000'), False, None, None),
    (answer_query('05', '05666'), False, None, 'authorized'),
    (answer_query('05', '05006', authorized_amount='100'), False, None, 'authorized'),
    (answer_query('09', '09062'), False, None, 'authorized'),
    (answer_query('09', authorized_amount='99'), False, None, None),
    # Else by the result.
    (answer_query('13', '13666'), True, None, 'error'),
    (answer_query('13', '13666', authorized_amount='100'), True, None, 'error'),
    (answer_query('00', '00072'), True, None, 'cancel'),
    (answer_query('15', '15777'), True, None, 'pending'),
    (answer_query('13', '13777', captured_amount='0', refunded_amount='0'), True, None, 'pending'),
    (answer_query('07', '07666'), True, None, None),
    (answer_query('99'), True, None, None),
    (answer_query('14', status='11', response_code='11000'), True, None, None),
))
def test_state_that_a_query_tells(answer, is_purchase, shrinks, state):
    assert answer.get_payment_state(100, is_purchase, shrinks) == state


@pytest.mark.parametrize('answer, outcome', (
    (answer_query('06'), 'done'),
    (answer_query('06', refunded_amount='50'), 'done'),
    (answer_query('06', refunded_amount='51'), 'done'),
    # The sum is too small to include this refund.
    (answer_query('06', refunded_amount='49'), 'pending'),
    (answer_query('06', refunded_amount='0'), 'pending'),
    (answer_query('06', '06777'), 'pending'), (answer_query('06', ''), 'pending'),
    (answer_query('06', '07000'), 'pending'),
    (answer_query('07', '07063'), 'error'),
    (answer_query('07', '07063', refunded_amount='0'), 'error'),
    (answer_query('07', '07006'), 'pending'), (answer_query('07', '06000'), 'pending'),
    # It is about another operation, or about none.
    (answer_query('04'), 'pending'), (answer_query('14'), 'pending'),
    (answer_query('00', '00030'), 'pending'), (answer_query('15', '15777'), 'pending'),
    (answer_query('06', status='11', response_code='11000'), 'pending'),
    (answer_query('06', status='00', response_code='00001'), 'pending'),
))
def test_outcome_of_a_refund_that_was_asked_about(answer, outcome):
    assert answer.get_refund_outcome(50) == outcome
