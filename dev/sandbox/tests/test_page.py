""" The payment page as a shopper meets it. """

import html
import re

import pytest

from ..cards import CARDS

CARD = {
    'card_number': '4005 5500 0000 0001', 'expiry_date': '05/30', 'card_security_code': '123',
    'card_holder_name': 'Ali Hassan',
}


def open_page(shop, reference='S1', **values):
    """ Check out and return the address of the payment page. """
    return shop.checkout(reference, **values).headers['Location'].split('?')[0]


def returned_fields(response):
    """ Return the fields of the form that brings the browser back. """
    found = re.findall(r'name="([^"]+)" value="([^"]*)"', response.text)
    return {name: html.unescape(value) for name, value in found}


def card(number, **values):
    """ Return the card form filled with a test card. """
    one = CARDS[number]
    return {
        'card_number': number, 'expiry_date': one.expiry_text, 'card_security_code': one.cvv,
        'card_holder_name': 'Ali Hassan', **values,
    }


def test_page_shows_the_order_with_the_decimals_of_its_currency(shop, client):
    text = client.get(open_page(shop, amount='12345', currency='KWD', order_description='Tea')).text

    assert '<bdi>12.345</bdi> <bdi class="currency">KWD</bdi>' in text
    assert '<bdi>S1</bdi>' in text and '<bdi>Tea</bdi>' in text and 'dir="ltr"' in text


def test_page_is_arabic_and_right_to_left_on_request(shop, client):
    address = open_page(shop, language='ar')

    assert '<html lang="ar" dir="rtl">' in client.get(address).text
    assert '<html lang="en" dir="ltr">' in client.get(f'{address}?lang=en').text


def test_success_returns_every_field_of_the_request_and_the_result(shop, client):
    extra = {'merchant_extra': 'db.1', 'order_description': 'Order', 'customer_ip': '192.0.2.1'}
    address = open_page(shop, **extra)

    fields = returned_fields(client.post(f'{address}/card', data=CARD))

    assert shop.is_from_aps(fields)
    assert fields.items() >= shop.form(**extra).items()
    assert (fields['status'], fields['response_code']) == ('14', '14000')
    assert fields['card_number'] == '400555******0001'
    assert (fields['expiry_date'], fields['payment_option']) == ('3005', 'VISA')
    assert re.fullmatch(r'[0-9]{18}', fields['fort_id'])
    assert fields['authorization_code'] and fields['eci'] == 'ECOMMERCE'


def test_authorization_reserves_the_amount(shop, client):
    address = open_page(shop, command='AUTHORIZATION')

    fields = returned_fields(client.post(f'{address}/card', data=CARD))

    assert fields['response_code'] == '02000'
    assert (shop.ledger()['authorized'], shop.ledger()['captured']) == (10000, 0)


def test_message_is_in_the_language_of_the_request(shop, client):
    address = open_page(shop, language='ar')

    fields = returned_fields(client.post(f'{address}/card', data=CARD))

    assert fields['response_message'] == 'تمت العملية بنجاح'
    assert shop.is_from_aps(fields)


@pytest.mark.parametrize('number, code', [
    ('4000000000000002', '13666'), ('4000000000000010', '13029'), ('4000000000000028', '13012'),
    ('4000000000000036', '15777'), ('4000000000000044', '19065'), ('4000000000000051', '40090'),
    ('4000000000000069', '20079'), ('4000000000000077', '13006'), ('5297412542005689', '14000'),
    ('345678901234564', '14000'), ('4111111111111111', '14000'),
])
def test_test_cards_do_what_they_say(shop, client, number, code):
    address = open_page(shop)

    fields = returned_fields(client.post(f'{address}/card', data=card(number)))

    assert fields['response_code'] == code


@pytest.mark.parametrize('values, code', [
    ({'card_security_code': '999'}, '13666'), ({'expiry_date': '01/20'}, '13012'),
    ({'card_number': '4242424242424242'}, '13666'), ({'card_number': '4242424242424241'}, '13016'),
])
def test_wrong_card_details_are_declined(shop, client, values, code):
    address = open_page(shop)

    fields = returned_fields(client.post(f'{address}/card', data={**CARD, **values}))

    assert fields['response_code'] == code


@pytest.mark.parametrize('values', [
    {'card_number': '4005'}, {'expiry_date': '13/30'}, {'card_security_code': '12'},
    {'card_holder_name': 'علي'},
])
def test_mistyped_field_is_pointed_at_and_is_no_attempt(shop, client, values):
    address = open_page(shop)

    response = client.post(f'{address}/card', data={**CARD, **values})

    assert response.status_code == 422
    assert 'id="error"' in response.text
    assert shop.ledger()['attempts'] == 0


@pytest.mark.parametrize('result, code', [('approve', '14000'), ('fail', '10030')])
def test_3d_secure_decides(shop, client, result, code):
    address = open_page(shop)

    response = client.post(f'{address}/card', data=card('4557012345678902'))
    assert response.headers['Location'].split('?')[0].endswith('/3ds')
    assert 'challenge_approve' in client.get(response.headers['Location']).text
    fields = returned_fields(client.post(f'{address}/3ds', data={'result': result}))

    assert fields['response_code'] == code


def test_cancel_returns_00072_and_uses_up_the_reference(shop, client):
    address = open_page(shop)

    fields = returned_fields(client.post(f'{address}/cancel'))

    assert fields['response_code'] == '00072' and 'fort_id' not in fields
    assert shop.is_from_aps(fields)
    assert shop.checkout().headers['X-Sandbox-Verdict'] == '00007'


def test_reload_finds_the_open_page_and_a_changed_form_does_not(shop):
    first = open_page(shop)

    assert open_page(shop) == first
    assert shop.checkout(amount='1').headers['X-Sandbox-Verdict'] == '00007'


def test_paid_reference_cannot_be_used_again(shop):
    shop.pay()

    assert shop.checkout().headers['X-Sandbox-Verdict'] == '00007'


def test_shopper_may_retry_when_the_account_allows_it(shop, client, webhook):
    shop.setup(attempts=3)
    address = open_page(shop)

    failed = client.post(f'{address}/card', data=card('4000000000000002'), follow_redirects=True)
    fields = returned_fields(client.post(f'{address}/card', data=CARD))

    assert 'id="failure"' in failed.text and 'id="leave"' in failed.text
    assert fields['response_code'] == '14000'
    shop.control('notifications/wait')
    codes = {one['fields']['response_code'] for one in notifications(client)}
    assert codes == {'13666', '14000'}
    assert len({one['fields']['fort_id'] for one in notifications(client)}) == 1


def test_attempts_are_limited_and_leaving_returns_the_failure(shop, client):
    shop.setup(attempts=2)
    address = open_page(shop)
    client.post(f'{address}/card', data=card('4000000000000002'))

    left = returned_fields(client.post(f'{address}/cancel'))
    address = open_page(shop, 'S2')
    client.post(f'{address}/card', data=card('4000000000000002'))
    exhausted = returned_fields(client.post(f'{address}/card', data=card('4000000000000010')))

    assert (left['response_code'], exhausted['response_code']) == ('13666', '13029')


def test_closed_page_offers_the_way_back_only(shop, client):
    address = open_page(shop)
    client.post(f'{address}/card', data=CARD)

    assert 'id="return"' in client.get(address).text
    assert 'id="return"' in client.post(f'{address}/card', data=CARD).text
    assert returned_fields(client.post(f'{address}/return'))['response_code'] == '14000'
    assert shop.ledger()['attempts'] == 1


@pytest.mark.parametrize('result, code', [
    ('approve', '14000'), ('decline', '13666'), ('pending', '19065'),
])
def test_local_method_has_one_attempt(shop, client, result, code):
    shop.setup(attempts=3)
    address = open_page(shop, currency='KWD', payment_option='KNET')

    assert 'id="card_form"' not in client.get(address).text
    data = {'option': 'KNET', 'result': result}
    fields = returned_fields(client.post(f'{address}/local', data=data))

    assert (fields['response_code'], fields['payment_option']) == (code, 'KNET')
    assert ('knet_ref_number' in fields) == (result == 'approve')


def test_local_method_of_another_currency_is_not_offered(shop, client):
    address = open_page(shop)

    response = client.post(f'{address}/local', data={'option': 'KNET', 'result': 'approve'})

    assert response.status_code == 400


def test_authorization_refuses_a_mada_card(shop, client):
    address = open_page(shop, command='AUTHORIZATION')

    fields = returned_fields(client.post(f'{address}/card', data=card('5297412542005689')))

    assert fields['response_code'] == '03049'


def test_card_of_another_scheme_than_asked_is_refused(shop, client):
    address = open_page(shop, payment_option='MASTERCARD')

    assert returned_fields(client.post(f'{address}/card', data=CARD))['response_code'] == '13016'


def test_visa_with_a_third_decimal_is_declined(shop, client):
    address = open_page(shop, currency='KWD', amount='12345')

    assert returned_fields(client.post(f'{address}/card', data=CARD))['response_code'] == '13666'


def test_card_is_saved_only_when_the_shopper_agrees(shop, client):
    plain = returned_fields(client.post(f"{open_page(shop, 'S1')}/card", data=CARD))
    data = {**CARD, 'remember_me': 'YES'}
    saved = returned_fields(client.post(f"{open_page(shop, 'S2')}/card", data=data))
    address = open_page(shop, 'S3', remember_me='YES')
    declined = returned_fields(client.post(f'{address}/card', data=CARD))

    assert 'token_name' not in plain and 'remember_me' not in plain
    assert saved['token_name'] and saved['remember_me'] == 'YES'
    assert 'token_name' not in declined and declined['remember_me'] == 'NO'


def test_tick_box_is_shown_with_tokenization_only(shop, client):
    assert 'id="remember_me"' in client.get(open_page(shop)).text
    shop.setup(tokenization=False)
    assert 'id="remember_me"' not in client.get(open_page(shop, 'S2')).text


def test_saved_card_needs_its_security_code_only(shop, client):
    token_name = shop.pay('S1', remember_me=True)['token_name']
    right, wrong = (open_page(shop, ref, token_name=token_name) for ref in ('S2', 'S3'))

    assert 'id="card_number"' not in client.get(right).text
    paid = returned_fields(client.post(f'{right}/card', data={'card_security_code': '123'}))
    declined = returned_fields(client.post(f'{wrong}/card', data={'card_security_code': '321'}))

    assert (paid['response_code'], paid['token_name']) == ('14000', token_name)
    assert declined['response_code'] == '13666'


def test_return_by_get_hides_the_card(shop, client):
    shop.setup(return_method='GET')
    address = open_page(shop)

    response = client.post(f'{address}/card', data=CARD)

    assert response.status_code == 303
    assert 'expiry_date=%2A%2A%2A%2A' in response.headers['Location']
    assert '400555' not in response.headers['Location']


def test_installments_are_answered_with_their_plan(shop, client):
    shop.setup(installments=True)
    address = open_page(shop, installments='STANDALONE')

    fields = returned_fields(client.post(f'{address}/card', data=CARD))

    assert fields['number_of_installments'] == '3'


def test_overview_is_shown(shop, client):
    shop.pay(result='pending')

    text = client.get('/').text

    assert 'data-settle="S1"' in text
    assert 'phrase' not in text


def test_page_stays_out_of_frames(shop, client):
    assert client.get(open_page(shop)).headers['X-Frame-Options'] == 'DENY'


def test_unknown_page_is_not_found(client):
    assert client.get('/FortAPI/page/none').status_code == 404


def notifications(client):
    """ Return all the notifications. """
    return client.get('/_sandbox/notifications').json['notifications']
