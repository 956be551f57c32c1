""" The payment API and the ledger behind it (sections 6 and 7). """

import pytest

DAY = 86400


def capture(shop, amount, **values):
    """ Capture and return the answer's code. """
    values = {'amount': str(amount), 'currency': 'SAR', **values}
    return shop.api(command='CAPTURE', **values)['response_code']


def refund(shop, amount, **values):
    """ Refund and return the answer's code. """
    values = {'amount': str(amount), 'currency': 'SAR', **values}
    return shop.api(command='REFUND', **values)['response_code']


def void(shop, **values):
    """ Void and return the answer's code. """
    return shop.api(command='VOID_AUTHORIZATION', **values)['response_code']


def charge(shop, reference, token_name, **values):
    """ Charge a saved card and return the answer. """
    return shop.api(reference, **{
        'command': 'PURCHASE', 'amount': '500', 'currency': 'SAR', 'token_name': token_name,
        'customer_email': 'ali@example.com', 'eci': 'RECURRING', **values,
    })


# === OPERATIONS === #

def test_capture_answers_the_request_with_the_orders_number(shop):
    fort_id = shop.pay(command='AUTHORIZATION')['fort_id']

    answer = shop.api(command='CAPTURE', amount='10000', currency='SAR', fort_id=fort_id)

    assert shop.is_from_aps(answer)
    assert (answer['status'], answer['response_code']) == ('04', '04000')
    assert (answer['fort_id'], answer['amount']) == (fort_id, '10000')
    assert shop.ledger()['captured'] == 10000


def test_captures_add_up_to_the_authorized_amount(shop):
    shop.pay(command='AUTHORIZATION')

    assert [capture(shop, amount) for amount in (4000, 6001, 6000, 1)] == [
        '04000', '00042', '04000', '00047',
    ]
    assert [one['executed'] for one in shop.ledger()['operations']] == [True, False, True, False]


def test_account_may_allow_a_single_capture_only(shop):
    shop.setup(multiple_captures=False)
    shop.pay(command='AUTHORIZATION')

    assert [capture(shop, amount) for amount in (4000, 1000)] == ['04000', '00047']


def test_account_may_tell_the_captured_sum_without_refunds(shop):
    shop.pay(command='AUTHORIZATION')
    capture(shop, 6000)
    refund(shop, 2000)
    for shrinks, captured in ((False, '6000'), (True, '4000')):
        shop.setup(captured_shrinks=shrinks)
        answer = shop.api(query_command='CHECK_STATUS')
        assert (answer['captured_amount'], answer['refunded_amount']) == (captured, '2000')


def test_capture_is_for_authorizations_in_their_currency(shop):
    shop.pay()
    shop.pay('S2', command='AUTHORIZATION')

    assert capture(shop, 1) == '00034'
    answer = shop.api('S2', command='CAPTURE', amount='1', currency='AED')
    assert answer['response_code'] == '00013'
    assert capture(shop, 0, reference='S2') == '00005'


def test_authorization_lapses_after_seven_days(shop):
    shop.pay(command='AUTHORIZATION')

    shop.control('clock', offset_seconds=7 * DAY + 60)
    assert (capture(shop, 1), void(shop)) == ('00773', '00773')
    shop.control('clock', offset_seconds=7 * DAY - 60)
    assert capture(shop, 1) == '04000'


def test_void_is_for_the_whole_authorization_once(shop):
    shop.pay(command='AUTHORIZATION')

    assert [void(shop), void(shop), capture(shop, 1)] == ['08000', '00047', '00034']
    assert shop.ledger()['voided'] is True


def test_void_after_a_capture_or_of_a_purchase_is_refused(shop):
    shop.pay(command='AUTHORIZATION')
    shop.pay('S2')
    capture(shop, 1)

    assert void(shop) == '00034'
    assert void(shop, reference='S2') == '00034'


def test_refunds_add_up_to_the_captured_amount(shop):
    shop.pay()

    assert [refund(shop, amount) for amount in (4000, 6001, 6000, 1)] == [
        '06000', '00048', '06000', '00048',
    ]
    assert shop.ledger()['refunded'] == 10000


def test_refund_of_what_is_not_captured_is_refused(shop):
    shop.pay(command='AUTHORIZATION')
    shop.pay('S2', result='declined')

    assert refund(shop, 1) == '00034'
    assert refund(shop, 1, reference='S2') == '00034'


def test_refund_number_is_refunded_once(shop):
    shop.pay()

    assert refund(shop, 100, maintenance_reference='R-S1') == '06000'
    assert refund(shop, 100, maintenance_reference='R-S1') == '00047'
    assert refund(shop, 100, maintenance_reference='R-S2') == '06000'
    assert shop.ledger()['refunded'] == 200


def test_declined_refund_number_may_come_again(shop):
    shop.pay()
    shop.control('faults', command='REFUND', fault='answer', response_code='07666')

    assert refund(shop, 100, maintenance_reference='R-S1') == '07666'
    assert shop.ledger()['refunded'] == 0
    assert refund(shop, 100, maintenance_reference='R-S1') == '06000'


def test_option_may_refuse_refunds(shop):
    shop.setup(no_refund_options=['VISA'])
    shop.pay()

    assert refund(shop, 1) == '00049'


def test_contradicting_numbers_find_nothing(shop):
    other = shop.pay('S2')['fort_id']
    shop.pay()

    assert refund(shop, 1, fort_id=other) == '00036'
    assert refund(shop, 1, reference=None, fort_id=other) == '06000'


def test_order_on_the_page_has_nothing_to_operate_on(shop):
    shop.checkout()

    assert refund(shop, 1) == '00036'


def test_uncertain_operation_blocks_until_it_is_settled(shop):
    shop.pay()
    shop.control('faults', command='REFUND', fault='answer', response_code='15777')

    assert refund(shop, 100, maintenance_reference='R-S1') == '15777'
    assert refund(shop, 100, maintenance_reference='R-S2') == '00784'
    assert shop.ledger()['refunded'] == 0
    fields = shop.control('settle', merchant_reference='S1', result='success')['fields']

    assert (fields['response_code'], fields['maintenance_reference']) == ('06000', 'R-S1')
    assert shop.ledger()['refunded'] == 100


# === STATUS === #

def test_status_tells_the_latest_operation_and_the_amounts(shop):
    shop.pay(command='AUTHORIZATION')
    capture(shop, 8000)
    refund(shop, 1000, maintenance_reference='R-S1')

    answer = shop.api(query_command='CHECK_STATUS')

    assert shop.is_from_aps(answer)
    assert (answer['response_code'], answer['transaction_code']) == ('12000', '06000')
    amounts = [answer[f'{kind}_amount'] for kind in ('authorized', 'captured', 'refunded')]
    assert amounts == ['10000', '8000', '1000']


def test_status_of_a_refund_is_asked_by_its_number(shop):
    shop.pay()
    shop.control('faults', command='REFUND', fault='answer', response_code='07666')
    refund(shop, 1000, maintenance_reference='R-S1')
    refund(shop, 1000, maintenance_reference='R-S2')

    def code(number):
        answer = shop.api(query_command='CHECK_STATUS', maintenance_reference=number)
        return answer.get('transaction_code', answer['response_code'])

    assert [code(number) for number in ('R-S1', 'R-S2', 'R-S3')] == ['07666', '06000', '12036']


def test_status_finds_nothing_before_a_payment_is_processed(shop):
    shop.checkout('S1')
    shop.pay('S2', result='cancel')

    codes = [
        shop.api(reference, query_command='CHECK_STATUS')['response_code']
        for reference in ('S1', 'S2', 'S3')
    ]
    shop.setup(not_found_code='11036')
    answer = shop.api(query_command='CHECK_STATUS')

    assert codes == ['12036'] * 3
    assert (answer['status'], answer['response_code']) == ('11', '11036')


def test_refused_operation_is_not_the_latest_one(shop):
    shop.pay()
    refund(shop, 99999)

    assert shop.api(query_command='CHECK_STATUS')['transaction_code'] == '14000'


def test_bank_codes_come_on_request(shop):
    shop.pay()

    answer = shop.api(query_command='CHECK_STATUS', return_third_party_response_codes='YES')

    assert answer['acquirer_response_code'] == '00'


# === SAVED CARDS === #

@pytest.fixture
def token_name(shop):
    """ Return the token of a card that was saved. """
    return shop.pay('S0', remember_me=True)['token_name']


def test_saved_card_is_charged_without_a_shopper(shop, token_name):
    answer = charge(shop, 'S1', token_name)

    assert shop.is_from_aps(answer)
    assert (answer['response_code'], answer['token_name']) == ('14000', token_name)
    assert shop.ledger()['captured'] == 500
    assert charge(shop, 'S1', token_name)['response_code'] == '00007'


@pytest.mark.parametrize('values, code', [
    ({'token_name': 'NoSuchToken'}, '00044'), ({'command': 'AUTHORIZATION'}, '00112'),
    ({'return_url': 'https://shop.example.com/'}, '00027'),
    ({'card_security_code': '123'}, '00027'),
    ({'customer_email': None}, '00001'), ({'eci': 'ECOMMERCE'}, '00001'),
    ({'amount': '0'}, '00005'), ({'card_number': '4005550000000001'}, '00027'),
])
def test_refused_charges(shop, token_name, values, code):
    values = {'token_name': token_name, **values}

    assert charge(shop, 'S1', **values)['response_code'] == code


def test_settlement_reference_of_a_charge_is_given_back(shop, token_name):
    answer = charge(shop, 'S1', token_name, settlement_reference='S1-a_b.c')
    assert (answer['response_code'], answer['settlement_reference']) == ('14000', 'S1-a_b.c')

    shop.setup(refused_parameters=['settlement_reference'])
    answer = charge(shop, 'S2', token_name, settlement_reference='S2')
    assert answer['response_code'] == '00027'
    assert charge(shop, 'S3', token_name)['response_code'] == '14000'


def test_account_decides_about_recurring_charges(shop, token_name):
    shop.setup(agreement_required=True)
    assert charge(shop, 'S1', token_name)['response_code'] == '00001'
    shop.setup(recurring=False)
    assert charge(shop, 'S1', token_name)['response_code'] == '00113'
    assert charge(shop, 'S1', token_name, eci='MOTO')['response_code'] == '14000'


def test_mada_card_cannot_be_charged_without_a_shopper(shop):
    token = shop.pay('S0', card='5297412542005689', remember_me=True)['token_name']

    assert charge(shop, 'S1', token)['response_code'] == '00113'


def test_token_belongs_to_its_account(shop, token_name, client):
    client.post('/_sandbox/accounts', json={'merchant_identifier': 'OtherMID'})
    shop.credentials['merchant_identifier'] = 'OtherMID'

    assert charge(shop, 'S1', token_name)['response_code'] == '00088'


def test_card_may_be_declined_when_charged_again(shop):
    token = shop.pay('S0', card='4000000000000085', remember_me=True)['token_name']

    assert charge(shop, 'S1', token)['response_code'] == '13666'


@pytest.mark.parametrize('result, code', [('approve', '14000'), ('fail', '10030')])
def test_charge_with_a_shopper_may_ask_for_3d_secure(shop, client, result, code):
    token = shop.pay('S0', card='4557012345678902', remember_me=True)['token_name']
    present = {
        'eci': 'ECOMMERCE', 'customer_ip': '192.0.2.1',
        'return_url': 'https://shop.example.com/payment/aps/return',
    }

    answer = charge(shop, 'S1', token, **present)

    assert (answer['response_code'], shop.is_from_aps(answer)) == ('20064', True)
    assert shop.api(query_command='CHECK_STATUS')['transaction_code'] == '20064'
    address = answer['3ds_url'].split('/FortAPI')[1]
    response = client.post(f'/FortAPI{address}', data={'result': result})
    assert f'value="{code}"' in response.text
    assert shop.ledger()['response_code'] == code


def test_token_is_switched_off_by_update(shop, token_name):
    update = {'service_command': 'UPDATE_TOKEN', 'token_name': token_name}

    answer = shop.api('T1', **update, token_status='INACTIVE')

    assert (answer['response_code'], answer['card_number']) == ('58000', '400555******0001')
    assert charge(shop, 'S1', token_name)['response_code'] == '00044'
    assert shop.api('T1', **update)['response_code'] == '00007'
    assert shop.api('T2', **{**update, 'token_name': 'None'})['response_code'] == '59044'


# === FAULTS === #

@pytest.mark.parametrize('fault, is_executed', [
    ('error_500', False), ('error_500_after', True), ('garbage', True), ('xml', True),
    ('wrong_signature', True), ('timeout_before', False), ('timeout_after', True), ('slow', True),
    ('close', True), ('close_before', False),
])
def test_fault_happens_before_or_after_the_operation(shop, client, fault, is_executed):
    shop.pay()
    shop.control('faults', command='REFUND', fault=fault, seconds=0.01)
    body = shop.sign({
        **shop.credentials, 'command': 'REFUND', 'language': 'en', 'merchant_reference': 'S1',
        'amount': '100', 'currency': 'SAR',
    })

    response = client.post('/FortAPI/paymentApi', json=body)

    assert (shop.ledger()['refunded'] == 100) == is_executed
    if fault not in ('slow', 'timeout_after'):
        answer = response.get_json(silent=True)
        assert not answer or not shop.is_from_aps(answer)
    assert client.get('/_sandbox/faults').json['faults'] == []


def test_fault_waits_for_its_command_and_reference(shop):
    shop.pay()
    shop.control('faults', command='REFUND', fault='answer', response_code='07666',
                 merchant_reference='S2', times=2)
    shop.pay('S2')

    assert refund(shop, 1) == '06000'
    codes = [refund(shop, 1, reference='S2') for _attempt in range(3)]
    assert codes == ['07666', '07666', '06000']


@pytest.mark.parametrize('body', [
    {}, {'command': 'REFUND', 'fault': 'hold'}, {'command': 'NOTIFICATION', 'fault': 'slow'},
    {'command': 'REFUND', 'fault': 'answer'}, {'command': 'REFUND', 'fault': 'slow', 'x': 1},
])
def test_senseless_fault_is_refused(client, body):
    assert client.post('/_sandbox/faults', json=body).status_code == 400
