""" Values as Odoo has them, and as APS wants them. """

import datetime
import random
import re

import pytest

from aps import const
from aps.values import (
    clean_ip,
    clean_phone,
    clean_value,
    fits_limits,
    get_currency_decimals,
    get_language,
    get_option_fields,
    get_payment_method_code,
    get_payment_option,
    is_payable,
    parse_expiry_date,
    parse_minor_units,
    read_setting,
    to_latin,
    to_major_units,
    to_minor_units,
)

#=== Amounts ===#

@pytest.mark.parametrize('amount, currency, minor', (
    (19.99, 'AED', 1999), (1111.11, 'USD', 111111), (0.285, 'SAR', 29), (1.005, 'EGP', 101),
    (12.345, 'KWD', 12345), (0.001, 'BHD', 1), (12.3456, 'OMR', 12346), (1, 'JOD', 1000),
    (99999.999, 'TND', 99999999), (5, 'LYD', 5000), (1500.25, 'IQD', 1500250),
    (1500, 'JPY', 1500), (0, 'AED', 0), (1234567.89, 'LBP', 123456789), (0.5, 'JPY', 1),
    (2.5, 'JPY', 3), (-19.99, 'AED', -1999),
))
def test_amounts_have_the_decimals_of_aps(amount, currency, minor):
    """ Test the conversion to minor units, where floats are treacherous. """
    assert to_minor_units(amount, currency) == minor


@pytest.mark.parametrize('currency, decimals', (
    ('AED', 2), ('USD', 2), ('XXX', 2), *((code, 3) for code in (
        'BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND',
    )), *((code, 0) for code in (
        'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV',
        'XAF', 'XOF', 'XPF',
    )),
))
def test_decimals_of_currencies(currency, decimals):
    assert get_currency_decimals(currency) == decimals


@pytest.mark.parametrize('currency', ('AED', 'KWD', 'JPY'))
def test_amounts_survive_the_way_back(currency):
    """ Test that an amount of APS is converted to the amount it stands for. """
    for minor in range(0, 100000, 37):
        major = to_major_units(minor, currency)
        assert isinstance(major, float)
        assert to_minor_units(major, currency) == minor


@pytest.mark.parametrize('minor, currency, major', (
    (12345, 'KWD', 12.345), (1999, 'AED', 19.99), (1500, 'JPY', 1500),
))
def test_major_units(minor, currency, major):
    assert to_major_units(minor, currency) == major


@pytest.mark.parametrize('text, minor', (
    ('12345', 12345), ('0', 0), ('007', 7), ('1' * 15, int('1' * 15)),
    ('10000000000', 10 ** 10),  # More than APS documents: nothing that was paid may be lost.
    *((text, None) for text in (
        '', '12.5', '-1', '+1', '1e3', ' 1', '1 ', '1\n', '1_000', '٣', '1' * 16, None, 12, [],
    )),
))
def test_only_plain_digits_are_an_amount(text, minor):
    """ Test that nothing is taken for an amount that APS would not write. """
    assert parse_minor_units(text) == minor


@pytest.mark.parametrize('amount, currency, expected', (
    (0.01, 'AED', True), (99999999.99, 'AED', True), (100000000, 'AED', False),
    (0.004, 'AED', False), (0.005, 'AED', True), (0, 'AED', False), (-1, 'AED', False),
    (9999999.999, 'KWD', True), (9999999999, 'JPY', True), (10000000000, 'JPY', False),
))
def test_amounts_of_ten_digits_can_be_paid(amount, currency, expected):
    """ Test the limits of amounts, in minor units. """
    assert is_payable(amount, currency) is expected


#=== Settings, languages, dates ===#

@pytest.mark.parametrize('text, number', (
    ('48', 48), ('1', 1), *((text, 96) for text in (False, None, '', '0', '-1', '1.5', ' 5', 'x')),
))
def test_setting_that_is_no_number_is_the_default(text, number):
    """ Test that a slip in a system parameter neither cancels payments nor stops requests. """
    assert read_setting(text, 96) == number


@pytest.mark.parametrize('lang_code, language', (
    ('ar_001', 'ar'), ('ar_SY', 'ar'), ('ar', 'ar'), ('AR', 'ar'), ('en_US', 'en'),
    ('fr_FR', 'en'), ('zh_CN', 'en'), ('', 'en'), (None, 'en'), (False, 'en'),
))
def test_language_is_english_or_arabic(lang_code, language):
    """ Test that the payment page is never asked for another language. """
    assert get_language(lang_code) == language


@pytest.mark.parametrize('text, date', (
    ('2602', datetime.date(2026, 2, 28)), ('2802', datetime.date(2028, 2, 29)),
    ('3012', datetime.date(2030, 12, 31)), ('0001', datetime.date(2000, 1, 31)),
    ('2610', datetime.date(2026, 10, 31)), ('2609', datetime.date(2026, 9, 30)),
    *((text, None) for text in ('2600', '2613', '****', '', None, '26021', '٢٦٠٢', '2602\n')),
))
def test_card_is_valid_to_the_end_of_its_month(text, date):
    assert parse_expiry_date(text) == date


#=== Ways of paying ===#

@pytest.mark.parametrize('row', const.PAYMENT_OPTIONS, ids=lambda row: row.method)
def test_payment_options_go_there_and_back(row):
    """ Test the mapping of payment methods, both ways. """
    assert get_option_fields(row.method) == row.request
    assert get_option_fields(row.method) is not row.request, "It may be changed by the caller."
    assert get_payment_method_code(row.option.lower()) == row.method
    assert get_payment_option(row.method) == row.request.get('payment_option', '')


def test_payment_options_that_are_not_in_the_table():
    assert get_payment_option('card') == ''
    assert get_option_fields('card') == {'payment_option': ''}
    assert get_payment_option('paypal') == 'PAYPAL'
    assert get_option_fields('paypal') == {'payment_option': 'PAYPAL'}
    assert get_payment_method_code('SOMETHING') is None
    assert get_payment_method_code(None) is None


#=== Texts ===#

@pytest.mark.parametrize('name, text, expected', (
    ('order_description', 'Café & crème <S00042>  طلب', 'Cafe creme S00042'),
    ('order_description', 'x' * 500, 'x' * 150),
    ('order_description', 'x' * 150, 'x' * 150),
    ('order_description', None, ''),
    ('order_description', ' a\t b ', 'a b'),
    ('merchant_reference', 'INV/2026/1 a_b-c.d', 'INV20261a_b-c.d'),
    ('customer_email', 'a+b@x-y.example ', 'a+b@x-y.example'),
    # A text that is too long ends with a whole word, as long as it has several.
    ('order_description', ' '.join(f'INV/2026/{number:05}' for number in range(20)),
     ' '.join(f'INV/2026/{number:05}' for number in range(10))),
    ('order_description', 'x' * 149 + 'y z', 'x' * 149 + 'y'),
    ('order_description', 'x' * 148 + ' yz', 'x' * 148),
    ('order_description', 'a ' + 'x' * 148, 'a ' + 'x' * 148),
    ('order_description', 'a ' + 'x' * 148 + ' y', 'a ' + 'x' * 148),
    ('phone_number', '1 ' + '2' * 17 + ' 3', '1 ' + '2' * 17),
    ('order_description', 'a ' + 'x' * 149 + ' y', 'a'),
))
def test_values_are_cleaned_to_the_limits_of_their_parameter(name, text, expected):
    """ Test that only what APS accepts is left of a text. """
    assert clean_value(name, text) == expected
    assert fits_limits(name, text) is (bool(text) and text == expected)


@pytest.mark.parametrize('text, expected', (
    ('INV/٢٠٢٦/٠٠٠١', 'INV/2026/0001'), ('۱۲۳', '123'), ('१२३', '123'), ('１２３', '123'),
    ('𝟏𝟐', '12'), ('INV–2026—1', 'INV-2026-1'), ('a\u200e1\u202c', 'a1'), ('½', '1/2'),
    ('é', 'e'), ('−1', '-1'), ('a\u00a0b', 'a b'),
))
def test_other_scripts_are_written_in_ascii_where_they_can_be(text, expected):
    """ Test digits, dashes and fractions of other scripts; marks that can't be seen go. """
    assert clean_value('order_description', text) == expected
    assert to_latin(text) == expected


def test_what_has_no_likeness_in_ascii_stays():
    assert to_latin('ع漢−') == 'ع漢-'


@pytest.mark.parametrize('name, text, fits', (
    ('customer_email', 'a@b.example', True), ('customer_email', 'a b@c', False),
    ('customer_email', '', False), ('customer_email', None, False),
    ('customer_email', 'x' * 254, True), ('customer_email', 'x' * 255, False),
))
def test_text_that_fits_as_it_is(name, text, fits):
    assert fits_limits(name, text) is fits


@pytest.mark.parametrize('text, expected', (
    ('+966 (50) 123-4567', '+966 (50) 123-4567'),
    ('٠٥٠١٢٣٤٥٦٧', '0501234567'), ('۰۵۰۱۲۳۴۵۶۷', '0501234567'),
    ('٠٠٩٦٦٥٠١٢٣٤٥٦٧', '00966501234567'),
    ('＋９７１ ５０ １２３ ４５６７', '+971 50 123 4567'),
    ('\u202a+966501234567\u202c', '+966501234567'),
    ('+\u2066966501234567', '+966501234567'),
    ('00966-50-1234567 ext. 12', '00966-50-1234567'),
    ('00966-50-1234567 x12', '00966-50-1234567'), ('0501234567#12', '0501234567'),
    ('0501234567 تحويلة 12', '0501234567'), ('050 123 4567 (ext. 12)', '050 123 4567'),
    ('0501234567;ext=12', '0501234567'), ('0501234567, 0507654321', '0501234567'),
    ('0501234567 / 0507654321', '0501234567'),
    ('+966501234567 +966507654321', '+966501234567'),
    ('0501234567 or 0507654321', '0501234567'), ('02/1234567', '021234567'),
    ('050.123.4567', '0501234567'), ('050‑123–4567', '050-123-4567'),
    ('Tel: 0501234567', '0501234567'), ('Tel. 2: 0501234567', '0501234567'),
    ('+966 (0) 50 123 - 45 - 67', '+966501234567'),
    ('050  123  4567 -', '050 123 4567'), ('+ 966 50 1234567', '+ 966 50 1234567'),
    ('', ''), (None, ''), (False, ''), ('none', ''), ('123', ''), ('ext. 12', ''),
    ('1' * 20, ''), ('12345 ' * 6, ''),
    # The borders: five digits are a number, seven before a slash are one of their own.
    ('12345', '12345'), ('1234', ''), ('1234567/89', '1234567'), ('123456/78', '12345678'),
    ('1' * 19, '1' * 19), ('+1 ' + '2' * 16, '+1 ' + '2' * 16),
    ('+1 ' + '2' * 17, '+1' + '2' * 17), ('+1 ' + '2' * 18, ''),
))
def test_phone_number_is_one_number_and_nothing_else(text, expected):
    """ Test what customers and staff write into the field. """
    phone = clean_phone(text)
    assert phone == expected
    assert clean_phone(phone) == phone


def test_phone_number_has_the_digits_of_the_text_in_their_order():
    """ Test that no digits are put together that did not stand together. """
    generator = random.Random(1)
    for _number in range(3000):
        text = ''.join(generator.choices('0123456789٥۷ +-().,/x\u200f', k=40))
        phone = clean_phone(text)
        digits = re.sub('[^0-9]', '', phone)
        rest = re.sub(r'\(0\)', '', to_latin(text))
        assert re.match(r'^[0-9+() -]{0,19}$', phone), text
        assert (
            digits in re.sub('[^0-9x,+]', '', to_latin(text))
            or digits in re.sub('[^0-9x,+]', '', rest)
        ), text


@pytest.mark.parametrize('text, expected', (
    ('192.0.2.1', '192.0.2.1'), ('2001:db8::1', '2001:db8::1'),
    ('192.0.2.1:4711', '192.0.2.1'), ('[2001:db8::1]:4711', '2001:db8::1'),
    ('[2001:db8::1]', '2001:db8::1'), ('fe80::1%eth0', 'fe80::1'), (' 192.0.2.1 ', '192.0.2.1'),
    ('unknown', ''), ('192.0.2.300', ''), ('192.0.2.1:', ''), ('', ''), (None, ''),
))
def test_address_of_the_shopper_is_an_ip_address_or_nothing(text, expected):
    """ Test what proxies make of it. """
    assert clean_ip(text) == expected
