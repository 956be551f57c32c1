import pprint
import random
import re

from odoo.tests import BaseCase, tagged

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.masking import MaskedValues, describe_message
from odoo.addons.payment_aps.aps.message import get_target_state, parse_json_message
from odoo.addons.payment_aps.aps.values import (
    clean_ip,
    clean_phone,
    clean_value,
    get_language,
    get_option_fields,
    get_payment_method_code,
    get_payment_option,
    is_payable,
    parse_minor_units,
    read_setting,
    to_latin,
    to_major_units,
    to_minor_units,
)


@tagged('post_install', '-at_install')
class TestUtils(BaseCase):

    def test_amounts_have_the_decimals_of_aps(self):
        """ Test the conversion to minor units, where floats are treacherous. """
        for amount, currency, minor in (
            (19.99, 'AED', 1999), (1111.11, 'USD', 111111), (0.285, 'SAR', 29), (1.005, 'EGP', 101),
            (12.345, 'KWD', 12345), (0.001, 'BHD', 1), (12.3456, 'OMR', 12346), (1, 'JOD', 1000),
            (99999.999, 'TND', 99999999), (5, 'LYD', 5000), (1500.25, 'IQD', 1500250),
            (1500, 'JPY', 1500), (0, 'AED', 0), (1234567.89, 'LBP', 123456789),
        ):
            with self.subTest(amount=amount, currency=currency):
                self.assertEqual(to_minor_units(amount, currency), minor)

    def test_amounts_survive_the_way_back(self):
        """ Test that an amount of APS is converted to the amount it stands for. """
        self.assertEqual(to_major_units(12345, 'KWD'), 12.345)
        self.assertEqual(to_major_units(1999, 'AED'), 19.99)
        self.assertEqual(to_major_units(1500, 'JPY'), 1500)
        for minor in range(0, 100000, 37):
            for currency in ('AED', 'KWD', 'JPY'):
                major = to_major_units(minor, currency)
                self.assertEqual(to_minor_units(major, currency), minor)

    def test_only_plain_digits_are_an_amount(self):
        """ Test that nothing is taken for an amount that APS would not write. """
        self.assertEqual(parse_minor_units('12345'), 12345)
        # More than APS documents: nothing that was paid may be lost.
        self.assertEqual(parse_minor_units('10000000000'), 10 ** 10)
        for text in (
            '', '12.5', '-1', '+1', '1e3', ' 1', '1 ', '1_000', '٣', '1' * 16, None, 12, [],
        ):
            with self.subTest(text=text):
                self.assertIsNone(parse_minor_units(text))

    def test_language_is_english_or_arabic(self):
        """ Test that the payment page is never asked for another language. """
        for lang_code, language in (
            ('ar_001', 'ar'), ('ar_SY', 'ar'), ('ar', 'ar'), ('en_US', 'en'), ('fr_FR', 'en'),
            ('zh_CN', 'en'), ('', 'en'), (None, 'en'), (False, 'en'),
        ):
            with self.subTest(lang_code=lang_code):
                self.assertEqual(get_language(lang_code), language)

    def test_values_are_cleaned_to_the_limits_of_their_parameter(self):
        """ Test that only what APS accepts is left of a text. """
        self.assertEqual(
            clean_value('order_description', 'Café & crème <S00042>  طلب'),
            'Cafe creme S00042',
        )
        self.assertEqual(len(clean_value('order_description', 'x' * 500)), 150)
        self.assertEqual(clean_value('order_description', None), '')

    def test_what_is_cut_leaves_no_remnant(self):
        """ Test that a text that is too long ends with a whole word, as long as it has several. """
        names = ' '.join(f'INV/2026/{number:05}' for number in range(20))
        text = clean_value('order_description', names)
        self.assertEqual(text, ' '.join(f'INV/2026/{number:05}' for number in range(10)))
        exact = 'x' * 149 + 'y'
        self.assertEqual(clean_value('order_description', f'{exact} z'), exact)

    def test_other_scripts_are_written_in_ascii_where_they_can_be(self):
        """ Test digits, dashes and fractions of other scripts; marks that can't be seen go. """
        for text, expected in (
            ('INV/٢٠٢٦/٠٠٠١', 'INV/2026/0001'), ('۱۲۳', '123'), ('१२३', '123'), ('１２３', '123'),
            ('𝟏𝟐', '12'), ('INV–2026—1', 'INV-2026-1'), ('a\u200e1\u202c', 'a1'), ('½', '1/2'),
            ('é', 'e'),
        ):
            with self.subTest(text=text):
                self.assertEqual(clean_value('order_description', text), expected)

    def test_phone_number_is_one_number_and_nothing_else(self):
        """ Test what customers and staff write into the field. """
        for text, expected in (
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
        ):
            with self.subTest(text=text):
                phone = clean_phone(text)
                self.assertEqual(phone, expected)
                self.assertEqual(clean_phone(phone), phone)

    def test_phone_number_has_the_digits_of_the_text_in_their_order(self):
        """ Test that no digits are put together that did not stand together. """
        generator = random.Random(1)
        for _number in range(3000):
            text = ''.join(generator.choices('0123456789٥۷ +-().,/x\u200f', k=40))
            phone = clean_phone(text)
            digits = re.sub('[^0-9]', '', phone)
            rest = re.sub(r'\(0\)', '', to_latin(text))
            with self.subTest(text=text):
                self.assertRegex(phone, r'^[0-9+() -]{0,19}$')
                self.assertTrue(
                    digits in re.sub('[^0-9x,+]', '', to_latin(text))
                    or digits in re.sub('[^0-9x,+]', '', rest)
                )

    def test_address_of_the_shopper_is_an_ip_address_or_nothing(self):
        """ Test what proxies make of it. """
        for text, expected in (
            ('192.0.2.1', '192.0.2.1'), ('2001:db8::1', '2001:db8::1'),
            ('192.0.2.1:4711', '192.0.2.1'), ('[2001:db8::1]:4711', '2001:db8::1'),
            ('fe80::1%eth0', 'fe80::1'), (' 192.0.2.1 ', '192.0.2.1'),
            ('unknown', ''), ('192.0.2.300', ''), ('', ''), (None, ''),
        ):
            with self.subTest(text=text):
                self.assertEqual(clean_ip(text), expected)

    def test_amounts_of_ten_digits_can_be_paid(self):
        """ Test the limits of amounts, in minor units. """
        for amount, currency, expected in (
            (0.01, 'AED', True), (99999999.99, 'AED', True), (100000000, 'AED', False),
            (0.004, 'AED', False), (0.005, 'AED', True), (0, 'AED', False), (-1, 'AED', False),
            (9999999.999, 'KWD', True), (9999999999, 'JPY', True), (10000000000, 'JPY', False),
        ):
            with self.subTest(amount=amount, currency=currency):
                self.assertEqual(is_payable(amount, currency), expected)

    def test_every_documented_status_has_a_state_on_purpose(self):
        """ Test the state of every status, by the table of the protocol reference (9.1). """
        states = {
            'pending': ('01', '10', '15', '19', '20', '24', '40', '44', '46'),
            'authorized': ('02',),
            'done': ('14',),
            'error': ('00', '03', '13', '23', '45', '47'),
        }
        for status in (f'{number:02}' for number in range(100)):
            expected = next((s for s, statuses in states.items() if status in statuses), None)
            with self.subTest(status=status):
                self.assertEqual(get_target_state(status, f'{status}000'), expected)

    def test_message_codes_refine_the_state(self):
        """ Test the reference's cancellations, unclear failures and final reasons (9.3, 9.4). """
        for response_code, state in (
            ('00072', 'cancel'), ('01072', 'cancel'), ('13072', 'cancel'), ('03072', 'cancel'),
            ('10072', 'cancel'), ('20072', 'cancel'),
            ('13006', 'pending'), ('00006', 'pending'), ('00051', 'pending'), ('00784', 'pending'),
            ('13777', 'pending'), ('00007', 'pending'), ('00047', 'pending'), ('00066', 'pending'),
            ('15777', 'pending'), ('15781', 'pending'), ('20064', 'pending'),
            ('10030', 'error'), ('10666', 'error'), ('10778', 'error'), ('10065', 'pending'),
            ('01666', 'pending'), ('15030', 'pending'), ('20778', 'pending'),
            ('13666', 'error'), ('13029', 'error'), ('00008', 'error'), ('03012', 'error'),
            ('14000', 'done'), ('02000', 'authorized'),
        ):
            with self.subTest(response_code=response_code):
                self.assertEqual(
                    get_target_state(response_code[:2], response_code), state
                )

    def test_status_that_contradicts_the_response_code_says_nothing(self):
        """ Test that a success is not read out of half an answer. """
        self.assertIsNone(get_target_state('14', '13666'))
        self.assertIsNone(get_target_state('13', '14000'))
        self.assertIsNone(get_target_state('14', ''))

    def test_payment_options_go_there_and_back(self):
        """ Test the mapping of payment methods, both ways. """
        self.assertEqual(get_payment_option('card'), '')
        for row in const.PAYMENT_OPTIONS:
            self.assertEqual(get_option_fields(row.method), row.request)
            self.assertEqual(get_payment_method_code(row.option.lower()), row.method)
            self.assertEqual(
                get_payment_option(row.method), row.request.get('payment_option', '')
            )
        self.assertIsNone(get_payment_method_code('SOMETHING'))
        self.assertIsNone(get_payment_method_code(None))

    def test_log_line_of_a_message_is_short_and_harmless(self):
        """ Test that a stranger can neither flood nor forge the log. """
        line = describe_message({
            'merchant_reference': 'x' * 100000,
            'status': '14\n2026-01-01 INFO forged line',
            'signature': 'secret', 'customer_email': 'secret', 'card_number': 'secret',
        })
        self.assertLess(len(line), 300)
        self.assertNotIn('\n', line)
        self.assertNotIn('secret', line)
        for number in (
            '4005550000000001', '378282246310005', '5105105105105100', '400555******0001',
        ):
            line = describe_message({'currency': f'{number}.0', 'amount': f'x{number}'})
            with self.subTest(number=number):
                self.assertEqual(line, 'amount=x... currency=....0')
        line = describe_message({'fort_id': '169996200024611493'})
        self.assertEqual(line, 'fort_id=169996200024611493')

    def test_masked_values_do_not_reveal_themselves(self):
        """ Test that the values of the form can be used, but not read in a log. """
        values = MaskedValues(access_code='secret', merchant_reference='R1')
        self.assertEqual(values['access_code'], 'secret')
        for text in (repr(values), str(values), pprint.pformat(values)):
            self.assertNotIn('secret', text)
            self.assertIn('R1', text)

    def test_setting_that_is_no_number_is_the_default(self):
        """ Test that a slip in a system parameter neither cancels payments nor stops requests. """
        self.assertEqual(read_setting('48', 96), 48)
        for text in (False, None, '', '0', '-1', '1.5', ' 5', 'x'):
            with self.subTest(text=text):
                self.assertEqual(read_setting(text, 96), 96)

    def test_unusable_json_is_refused(self):
        """ Test that only one flat reading of a JSON body exists. """
        self.assertEqual(
            parse_json_message(b'{"amount": 1000, "rate": 1.50, "x": null}'),
            {'amount': '1000', 'rate': '1.50', 'x': None},
        )
        for body in (
            b'', b'[]', b'"text"', b'{"a": 1, "a": 2}', b'{', b'\xff\xfe', b'[' * 100000, b'12',
            b'<response/>', b'{"a": {"b": 1, "b": 1}}',
        ):
            with self.subTest(body=body[:20]), self.assertRaises(ValueError):
                parse_json_message(body)
