""" Whether signed messages are taken at their word: those of APS are, and no others. """

import json
import time
from pathlib import Path

import pytest

from aps import readings
from tests.support.recutter import DECISIVE, write_text

VECTORS = json.loads(Path(__file__).with_name('reading_vectors.json').read_text('utf-8'))
SUCCESS = VECTORS[0]['fields']
KILOBYTE = 1024


@pytest.mark.parametrize('vector', VECTORS, ids=[vector['id'] for vector in VECTORS])
def test_vectors(vector):
    """ Test that honest messages are believed, and the same texts cut otherwise are not. """
    fields = vector['fields']
    if vector['kind'] == 'forged':
        told = {name: value for name, value in fields.items() if value}
        honest = write_text(vector['honest'])
        assert honest in (write_text(fields), write_text(told)), "They should be signed alike."
    assert readings.has_one_reading(fields) is vector['believe']
    assert (readings.find_doubt(fields) is None) is vector['believe']


@pytest.mark.parametrize('name', sorted(readings.DOCUMENTED_FIELDS - set(DECISIVE)))
def test_no_documented_field_is_a_hindrance(name):
    """ Test that APS isn't asked because of what it says every day. """
    # What is in the names of these looks like a status or a code of the payment if it has as many
    # digits, which was never seen.
    numbers = {'3ds_status': '1', 'acquirer_response_code': '1', 'processor_response_code': '100'}
    for value in ('Some text, @1/2:3 $#', numbers.get(name, '14000'), '', 'a=b'):
        assert readings.find_doubt({**SUCCESS, name: value}) is None


def test_all_documented_fields_at_once():
    """ Test a message that holds whatever APS documents. """
    fields = dict.fromkeys(readings.DOCUMENTED_FIELDS, 'Some text')
    assert readings.find_doubt({**fields, **SUCCESS}) is None


@pytest.mark.parametrize('name', DECISIVE)
def test_what_decides_is_said_in_one_place(name):
    """ Test that a second place of a field, wherever it is, makes it uncertain which counts. """
    values = {
        'amount': '1', 'command': 'A', 'currency': 'AED', 'fort_id': '1', 'response_code': '14001',
        'status': '13',
    }
    fields = {**SUCCESS, 'maintenance_reference': 'R1', 'token_name': 'T1'}
    assert readings.has_one_reading(fields)
    said = f'{name}={values.get(name, "x")}'
    for hidden in (
        {'order_description': said}, {'order_description': f'a{said}b'}, {f'x{said}': '1'},
        {f'zz_{name}': said[len(name) + 1:]}, {'customer_name': '{a=1, ' + said + '}'},
    ):
        assert not readings.has_one_reading({**fields, **hidden})
        without = {field: value for field, value in fields.items() if field != name}
        assert not readings.has_one_reading({**without, **hidden})


@pytest.mark.parametrize(('name', 'value'), [
    ('amount', '+1050'), ('amount', '-1050'), ('amount', '\uff11\uff10'), ('amount', '1050a'),
    ('command', 'purchase'), ('command', 'PURCHASE1'), ('currency', 'usd'), ('currency', 'US'),
    ('currency', 'USDX'), ('fort_id', '1a'), ('fort_id', '1 '), ('response_code', '1400'),
    ('response_code', '140000'), ('response_code', '14000\n'), ('status', '1'), ('status', '014'),
    ('status', '١٤'), ('merchant_reference', 'S1=2'), ('merchant_identifier', 'M='),
])
def test_what_decides_has_the_form_that_aps_gives_it(name, value):
    """ Test that nothing is read out of a value that APS would not write. """
    assert not readings.has_one_reading({**SUCCESS, name: value})


def test_what_is_missing_is_missing():
    """ Test that fields without value are no hindrance, be they signed or not. """
    for name in ('amount', 'currency', 'fort_id', 'maintenance_reference', 'token_name'):
        fields = {field: value for field, value in SUCCESS.items() if field != name}
        assert readings.has_one_reading(fields)
        assert readings.has_one_reading({**fields, name: ''})


def test_field_without_value_hides_no_unknown_one():
    """ Test what stands behind a token, if APS did not sign the field without value between. """
    fields = {**SUCCESS, 'token_name': 'T1', 'unknown': '1'}
    assert not readings.has_one_reading(fields)
    assert not readings.has_one_reading({**fields, 'transaction_date': ''})
    assert readings.has_one_reading({**fields, 'transaction_date': '2026'})


@pytest.mark.parametrize(('changes', 'reason'), [
    ({'query_command': 'CHECK_STATUS'}, 'API'), ({'service_command': 'UPDATE_TOKEN'}, 'API'),
    ({'status': ''}, 'missing'), ({'response_code': ''}, 'missing'),
    ({'status': '13'}, 'contradicts'), ({'response_code': '13000'}, 'contradicts'),
    ({'fort_id': ''}, 'success'), ({'response_code': '14123'}, 'success'),
    ({'response_code': '14006'}, 'success'),
    *(({'status': status, 'response_code': f'{status}000', 'fort_id': ''}, 'success')
      for status in ('02', '04', '06', '08', '14')),
    ({'order_description': 'status=14'}, 'two ways'),
])
def test_doubt_has_a_reason(changes, reason):
    """ Test what else a message of a route must have to be believed. """
    assert reason in readings.find_doubt({**SUCCESS, **changes})


@pytest.mark.parametrize(('status', 'code'), [
    ('13', '13666'), ('00', '00072'), ('20', '20064'), ('19', '19000'), ('05', '05666'),
    ('99', '99123'),
])
def test_what_is_no_success_needs_no_number(status, code):
    """ Test that declines and refusals, which may lack a number, are taken over. """
    fields = {**SUCCESS, 'status': status, 'response_code': code, 'fort_id': ''}
    assert readings.find_doubt(fields) is None


@pytest.mark.parametrize('piece', [
    'x', '=', '1', 'A', 'command=', 'amount=1', 'status=1', 'status=14', 'merchant_reference',
    'amount=', 'currency=USD', '\0', 'é',
])
def test_no_text_takes_long(piece):
    """ Test that the time grows with the text and not faster. """
    fields = {**SUCCESS, 'order_description': piece * (250 * KILOBYTE // len(piece))}
    begin = time.process_time()
    readings.find_doubt(fields)
    assert time.process_time() - begin < 0.2


def test_many_fields_do_not_take_long():
    """ Test a message of as many fields as fit into a body. """
    fields = {**SUCCESS, **{f'n{number}': '' for number in range(30_000)}}
    begin = time.process_time()
    readings.find_doubt(fields)
    assert time.process_time() - begin < 1
