import datetime

from odoo.tests import BaseCase, tagged

from odoo.addons.payment_aps.aps.message import (
    MAX_DEPTH,
    get_operation_outcome,
    is_query_answered,
    is_reference,
    is_refusal,
    parse_json_message,
)
from odoo.addons.payment_aps.aps.schedule import get_next_check


@tagged('post_install', '-at_install')
class TestAnswerRules(BaseCase):
    """ What is read out of an answer, at the borders of each rule. """

    def test_outcome_of_an_operation(self):
        """ Test that only APS's own success or failure of this very operation decides. """
        for command, status, response_code, outcome in (
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
        ):
            with self.subTest(command=command, status=status, response_code=response_code):
                self.assertEqual(
                    get_operation_outcome(command, status, response_code), outcome
                )

    def test_refusal_of_a_request(self):
        """ Test when it is certain that a request was not executed. """
        for command, answer, is_certain in (
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
        ):
            with self.subTest(command=command, answer=answer):
                self.assertIs(is_refusal(command, answer), is_certain)

    def test_answer_to_a_query(self):
        """ Test that a query that failed is not taken for a payment that APS doesn't know. """
        for answer, is_answered in (
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
        ):
            with self.subTest(answer=answer):
                self.assertIs(is_query_answered(answer), is_answered)

    def test_schedule_of_checks(self):
        """ Test that each check follows when its time has come, and that they come to an end. """
        start = datetime.datetime(2026, 2, 27, 23, 59)
        for minutes, expected in (
            (0, 2), (1, 2), (2, 10), (9, 10), (10, 16), (16, 60), (60, 1440), (1439, 1440),
            (1440, 2880), (2880, 4320), (4320, 5760), (5759, 5760), (5760, None), (100000, None),
        ):
            now = start + datetime.timedelta(minutes=minutes)
            check = expected and start + datetime.timedelta(minutes=expected)
            with self.subTest(minutes=minutes):
                self.assertEqual(get_next_check(start, now), check)

    def test_what_can_be_a_reference(self):
        """ Test that only text that PostgreSQL can search for is searched for. """
        for value in ('x', 'S00042-abc', 'INV/2026/0001', 'طلب', 'x' * 128):
            with self.subTest(value=value):
                self.assertTrue(is_reference(value))
        for value in (
            '', 'x' * 129, 'a\x00b', 'a\nb', '\ud800', None, False, 0, 12, b'x', ['x'], {'x': 'y'},
        ):
            with self.subTest(value=value):
                self.assertFalse(is_reference(value))

    def test_depth_of_json(self):
        """ Test that nesting is refused from the first level too many on. """
        def nest_objects(depth):
            return b'{"a":' * (depth - 1) + b'"1"' + b'}' * (depth - 1)

        def nest_lists(depth):
            return b'{"a":' + b'[' * (depth - 2) + b'"1"' + b']' * (depth - 2) + b'}'

        for nest in (nest_objects, nest_lists):
            with self.subTest(nest=nest):
                message = parse_json_message(nest(MAX_DEPTH))
                self.assertEqual(list(message), ['a'])
                for depth in (MAX_DEPTH + 1, MAX_DEPTH + 2, 100):
                    with self.assertRaises(ValueError):
                        parse_json_message(nest(depth))
