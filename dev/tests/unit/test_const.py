""" The tables of facts: what means the same is written once, and what decides is on purpose. """

import pytest

from aps import const


def test_statuses_of_success():
    assert set(const.SUCCESS_STATUSES) == {'02', '04', '06', '08', '14'}
    assert set(const.PAID_STATUSES) == {'04', '06', '14'}
    assert set(const.CAPTURED_STATUSES) == {'04', '06'}
    assert set(const.STILL_AUTHORIZED_STATUSES) == {'05', '09'}
    assert set(const.SUCCESSFUL_STATUSES) == {
        '02', '04', '06', '08', '12', '14', '22', '28', '30', '32', '42', '48', '50', '52', '54',
        '56', '58', '62', '66', '80', '88', '90', '92',
    }
    assert const.OPERATION_STATUSES == {
        'CAPTURE': ('04', '05'), 'VOID_AUTHORIZATION': ('08', '09'), 'REFUND': ('06', '07'),
    }
    assert (const.ANSWERED_STATUS, const.TOKEN_STATUSES) == ('12', ('58', '59'))


def test_statuses_of_failure_and_doubt():
    assert set(const.FAILED_STATUSES) == {
        '00', '03', '05', '07', '09', '13', '17', '21', '23', '27', '29', '31', '43', '45', '47',
        '49', '51', '53', '55', '57', '59', '63', '81', '89', '91', '93',
    }
    assert set(const.DECIDED_STATUSES) == {'02', '04', '05', '06', '07', '08', '09'}
    assert set(const.UNDECIDED_STATUSES) == {'15', '19', '20', '40'}
    assert set(const.UNFINISHED_STATUSES) == {'01', '10', '20', '24', '44', '46'}
    assert set(const.UNFINISHED_STATUSES) < set(const.PAYMENT_STATUS_MAPPING['pending'])
    assert not set(const.SUCCESSFUL_STATUSES) & set(const.FAILED_STATUSES)


def test_message_codes():
    assert const.NOT_FOUND_MESSAGE_CODE == '036'
    assert const.SUCCESS_MESSAGE_CODE == '000'
    assert const.MISMATCH_MESSAGE_CODE == '008'
    assert const.UNKNOWN_MERCHANT_MESSAGE_CODE == '009'
    assert const.ACCESS_CODE_MESSAGE_CODE == '010'
    assert const.INACTIVE_ACCOUNT_MESSAGE_CODE == '015'
    assert const.NO_JSON_MESSAGE_CODE == '073'
    assert const.CANCELED_MESSAGE_CODES == ('072',)
    assert const.FINAL_MESSAGE_CODES == ('030', '666', '778', '787')


@pytest.mark.parametrize('state, followers', (
    ('draft', {'pending', 'authorized', 'done', 'cancel', 'error'}),
    ('pending', {'authorized', 'done', 'cancel', 'error'}),
    # An authorized payment can only be taken, and a paid one stays paid.
    ('authorized', {'done'}),
    ('done', set()),
    # A success, or a new attempt of unknown outcome, wins over a failure.
    ('cancel', {'pending', 'authorized', 'done'}),
    ('error', {'pending', 'authorized', 'done'}),
))
def test_nothing_that_comes_late_makes_a_payment_less(state, followers):
    assert {name for name, sources in const.SOURCE_STATES.items() if state in sources} == followers


def test_facts_that_are_numbers():
    assert const.MAX_AMOUNT_MINOR == 9_999_999_999
    assert (const.CONNECT_TIMEOUT, const.READ_TIMEOUT) == (5, 25)
    assert const.CAPTURE_WINDOW_DAYS == 7
    assert const.DEFAULT_CURRENCY_DECIMALS == 2
    assert {code: limit for code, (limit, _allowed) in const.PARAMETER_LIMITS.items()} == {
        'merchant_reference': 40, 'customer_email': 254, 'order_description': 150,
        'phone_number': 19, 'settlement_reference': 34,
    }


def test_what_can_be_done_with_a_way_of_paying():
    """ Test the table, row by row: what is given for granted there is sent, or refused here. """
    options = const.OPTIONS_BY_METHOD

    def list_methods(name):
        return {method for method, option in options.items() if getattr(option, name)}

    cards = {'visa', 'mastercard', 'amex'}
    assert list_methods('authorization') == cards | {'apple_pay'}
    assert list_methods('tokenization') == cards | {'mada'}
    assert list_methods('recurring') == cards
    assert list_methods('phone') == {'tabby', 'tamara'}
    assert list_methods('brand') == cards | {'meeza', 'naps', 'omannet'}
    assert {method for method, option in options.items() if option.refund != 'partial'} == {'tabby'}
    any_card = const.ANY_CARD
    assert any_card.authorization
    assert any_card.tokenization
    assert any_card.recurring
    assert not any_card.phone
    assert not any_card.brand
    assert any_card.refund == 'partial'
