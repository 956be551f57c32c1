""" What the payment page and the API refuse (sections 4, 6 and 11). """

import pytest

REFUSED_FORMS = [
    ({'amount': None}, '00001'),
    ({'customer_email': None}, '00001'),
    ({'language': None}, '00001'),
    ({'merchant_reference': 'S/1'}, '00002'),
    ({'merchant_reference': 'S 1'}, '00002'),
    ({'merchant_reference': 'S' * 41}, '00032'),
    ({'amount': '100.00'}, '00002'),
    ({'amount': '-100'}, '00002'),
    ({'amount': '1' * 11}, '00032'),
    ({'amount': '0'}, '00005'),
    ({'currency': 'XYZ'}, '00013'),
    ({'currency': 'sar'}, '00013'),
    ({'language': 'fr'}, '00033'),
    ({'language': 'ar_001'}, '00032'),
    ({'customer_email': 'False'}, '00002'),
    ({'customer_email': 'a b@example.com'}, '00002'),
    ({'customer_email': f"{'a' * 250}@example.com"}, '00032'),
    ({'customer_name': 'Ali 2'}, '00002'),
    ({'customer_name': 'عليّ'}, '00002'),
    ({'customer_name': 'A' * 41}, '00032'),
    ({'order_description': 'Tea & cake'}, '00002'),
    ({'order_description': 'a' * 151}, '00032'),
    ({'customer_ip': 'unknown host'}, '00002'),
    ({'phone_number': '+966,501234567'}, '00002'),
    ({'merchant_extra': 'a b'}, '00002'),
    ({'merchant_extra1': 'a' * 251}, '00032'),
    ({'merchant_extra6': 'x'}, '00027'),
    ({'csrf_token': 'x'}, '00027'),
    ({'statement_descriptor': 'x'}, '00067'),
    ({'command': 'CAPTURE'}, '00004'),
    ({'access_code': 'Wrong'}, '00010'),
    ({'remember_me': 'ON'}, '00033'),
    ({'token_name': 'NoSuchToken'}, '00044'),
    ({'eci': 'RECURRING'}, '00113'),
    ({'eci': 'MOTO', 'payment_option': 'MADA'}, '00113'),
    ({'payment_option': 'DISCOVER'}, '00080'),
    ({'payment_option': 'STCPAY'}, '00080'),
    ({'payment_option': 'VALU', 'currency': 'EGP'}, '00014'),
    ({'payment_option': 'KNET'}, '00023'),
    ({'payment_option': 'MADA', 'currency': 'AED'}, '00023'),
    ({'payment_option': 'MADA', 'command': 'AUTHORIZATION'}, '00049'),
    ({'payment_option': 'TABBY'}, '00001'),
    ({'digital_wallet': 'STCPAY', 'command': 'AUTHORIZATION'}, '00049'),
    ({'installments': 'STANDALONE'}, '00783'),
    ({'settlement_reference': 'S' * 35}, '00032'),
    ({'settlement_reference': 'INV/2026/1'}, '00002'),
]


@pytest.mark.parametrize('values, code', REFUSED_FORMS, ids=lambda value: str(value)[:60])
def test_refused_form_returns_to_the_shop_with_a_signed_code(shop, client, values, code):
    response = shop.checkout(**values)

    assert response.headers['X-Sandbox-Verdict'] == code
    assert response.status_code == 200
    assert f'name="response_code" value="{code}"' in response.text
    assert client.get('/_sandbox/refused').json['requests'][0]['response_code'] == code
    assert not client.get('/_sandbox/ledger').json['payments']


@pytest.mark.parametrize('values', [
    {'language': 'ar'}, {'return_url': 'https://shop.example.com/a?b=c&d=e#f'},
    {'order_description': "Order 'S1' #1: 5.00$ a/b_c-d"}, {'customer_name': "O'Brien-Smith Jr."},
    {'phone_number': '+966 (5) 123-4567', 'customer_ip': '2001:db8::1'},
    {'merchant_extra': "a.b;c/d_e-f,g'h@i", 'merchant_extra5': 'x'},
    {'merchant_reference': 'S00042-1_x.y'}, {'settlement_reference': 'S00042-1_x.y'.ljust(34, '0')},
    {'customer_email': 'ali+odoo_x.y-z@example.com'},
    {'payment_option': 'MADA'}, {'digital_wallet': 'STCPAY'}, {'remember_me': 'YES'},
    {'currency': 'JPY'}, {'amount': '9999999999'}, {'eci': 'MOTO'},
    {'payment_option': 'TABBY', 'phone_number': '0501234567', 'order_description': 'Order'},
])
def test_documented_values_are_accepted(shop, values):
    assert shop.checkout(**values).headers['X-Sandbox-Verdict'] == 'accepted'


def test_wrong_signature_is_an_error_page(shop, client):
    form = {**shop.sign(shop.form()), 'amount': '1'}

    response = client.post('/FortAPI/paymentPage', data=form)

    assert (response.status_code, response.headers['X-Sandbox-Verdict']) == (400, '00008')
    assert not client.get('/_sandbox/refused').json['requests'][0]['authentic']


@pytest.mark.parametrize('values, code', [
    ({'merchant_identifier': 'Stranger'}, '00009'), ({'merchant_identifier': None}, '00009'),
])
def test_unknown_merchant_is_an_error_page(shop, values, code):
    response = shop.checkout(**values)

    assert (response.status_code, response.headers['X-Sandbox-Verdict']) == (400, code)


def test_missing_signature_is_an_error_page(shop, client):
    response = client.post('/FortAPI/paymentPage', data=shop.form())

    assert (response.status_code, response.headers['X-Sandbox-Verdict']) == (400, '00001')


def test_refusal_without_any_return_url_is_an_error_page(shop):
    response = shop.checkout(return_url=None)

    assert (response.status_code, response.headers['X-Sandbox-Verdict']) == (400, '00037')


def test_account_settings_decide_about_services(shop):
    shop.setup(
        tokenization=False, currencies=['SAR'], fraud_screening=True, transaction_limit=10000,
        moto=False,
    )

    def verdict(**values):
        return shop.checkout(**values).headers['X-Sandbox-Verdict']

    assert verdict() == '00001'
    assert verdict(customer_ip='192.0.2.1', remember_me='YES') == '00038'
    assert verdict(customer_ip='192.0.2.1', currency='AED') == '00013'
    assert verdict(customer_ip='192.0.2.1', amount='10001') == '00050'
    assert verdict(customer_ip='192.0.2.1', eci='MOTO') == '00113'
    assert verdict(customer_ip='192.0.2.1') == 'accepted'


def test_account_refuses_what_it_does_not_know(shop):
    shop.setup(refused_parameters=['settlement_reference'])

    response = shop.checkout(settlement_reference='S1')

    assert response.headers['X-Sandbox-Verdict'] == '00027'
    assert shop.checkout().headers['X-Sandbox-Verdict'] == 'accepted'


def test_no_fitting_option_is_refused(shop):
    shop.setup(payment_options=['KNET'])

    assert shop.checkout().headers['X-Sandbox-Verdict'] == '00039'


def test_arabic_letters_are_accepted_when_the_account_says_so(shop):
    shop.setup(arabic_letters=True)

    response = shop.checkout(customer_name='علي', order_description='طلب 1')

    assert response.headers['X-Sandbox-Verdict'] == 'accepted'


@pytest.mark.parametrize('values, code', [
    ({'command': 'CAPTURE', 'currency': 'SAR'}, '00001'),
    ({'command': 'CAPTURE', 'currency': 'SAR', 'amount': '1.0'}, '00002'),
    ({'command': 'CAPTURE', 'currency': 'SAR', 'amount': '1', 'maintenance_reference': 'x'},
     '00027'),
    ({'command': 'VOID_AUTHORIZATION', 'amount': '1', 'currency': 'SAR'}, '00027'),
    ({'command': 'REFUND', 'currency': 'SAR', 'amount': '1', 'maintenance_reference': 'x' * 41},
     '00032'),
    ({'command': 'CHECK_STATUS'}, '00001'),
    ({'query_command': 'CHECK_STATUS', 'merchant_reference': None}, '00001'),
    ({'query_command': 'CHECK_STATUS', 'language': 'fr'}, '00033'),
    ({'command': 'DANCE'}, '00004'),
    ({'service_command': 'UPDATE_TOKEN'}, '00001'),
    ({'command': 'REFUND', 'currency': 'SAR', 'amount': '1'}, '00036'),
])
def test_refused_api_requests_are_answered_with_signed_json(shop, values, code):
    answer = shop.api(**values)

    assert (answer['status'], answer['response_code']) == ('00', code)
    assert shop.is_from_aps(answer)


def test_api_numbers_must_be_texts_in_their_exact_form(shop, client):
    shop.pay()
    body = shop.sign({
        **shop.credentials, 'command': 'REFUND', 'language': 'en', 'merchant_reference': 'S1',
        'amount': '100', 'currency': 'SAR',
    })

    answer = client.post('/FortAPI/paymentApi', json={**body, 'amount': 100}).json

    assert answer['response_code'] == '06000'


@pytest.mark.parametrize('body', [b'', b'[]', b'{', b'"x"', b'\xff'])
def test_unreadable_api_body_is_answered_without_a_signature(client, body):
    response = client.post('/FortAPI/paymentApi', data=body, content_type='application/json')

    assert response.status_code == 200
    assert response.json['response_code'] == '00073'
    assert 'signature' not in response.json


def test_api_answer_to_a_wrong_signature_is_signed_unless_switched_off(shop, client):
    body = {**shop.sign({**shop.credentials, 'query_command': 'CHECK_STATUS'}), 'language': 'en'}

    signed = client.post('/FortAPI/paymentApi', json=body).json
    shop.setup(sign_unauthentic=False)
    unsigned = client.post('/FortAPI/paymentApi', json=body).json

    assert signed['response_code'] == unsigned['response_code'] == '00008'
    assert shop.is_from_aps(signed)
    assert 'signature' not in unsigned
