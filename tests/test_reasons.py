from odoo.tests import tagged
from odoo.tools.sql import column_exists

from odoo.addons.payment_aps.models.reasons import (
    OPEN_TEXT,
    REASONS,
    TEXT,
    make_code_reason,
    make_reason,
)
from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestReasons(APSCommon):

    def test_reason_is_stored_as_a_code_that_can_be_grouped_by(self):
        """ Test that two answers of one meaning are one reason, and each keeps its own code. """
        first_tx = self._create_transaction('redirect', reference='first')
        second_tx = self._create_transaction('redirect', reference='second')
        first_tx._aps_set_reason(make_code_reason('13666'))
        second_tx._aps_set_reason(make_code_reason('03666'))

        self.assertEqual(first_tx.aps_reason, second_tx.aps_reason)
        self.assertIn("(13666)", first_tx.aps_staff_message)
        self.assertIn("(03666)", second_tx.aps_staff_message)
        groups = self.env['payment.transaction'].read_group(
            [('id', 'in', (first_tx + second_tx).ids)], ['aps_reason'], ['aps_reason']
        )
        self.assertEqual([group['aps_reason_count'] for group in groups], [2])

    def test_code_that_nobody_knows_is_kept(self):
        """ Test that a code that APS adds over time, or a strange one, can be stored. """
        tx = self._create_transaction('redirect')
        for code in ('13998', '13<b>', '99'):
            with self.subTest(code=code):
                tx._aps_set_reason(make_code_reason(code))
                self.env.flush_all()
                self.assertIn(f"({code})", tx.aps_staff_message)

    def test_text_without_a_code_is_shown_as_it_is(self):
        """ Test what an earlier version stored, or other code writes. """
        tx = self._create_transaction('redirect')
        tx.aps_staff_message = "100 % as it was"
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(tx.aps_staff_message, "100 % as it was")
        self.assertEqual(tx.aps_reason, TEXT)

        tx.aps_staff_message = False
        self.assertFalse(tx.aps_reason)
        self.assertFalse(tx.aps_staff_message)
        self.assertFalse(column_exists(self.env.cr, tx._table, 'aps_staff_message'))

    def test_every_reason_has_a_title_and_a_text(self):
        """ Test that each reason can be shown with the values that it needs. """
        tx = self._create_transaction('redirect')
        values = {
            'no_answer': {'error': "timed out, 50 %"}, 'waiting': {'time': "2026-11-26 10:00"},
            'rounding': {'amount': "0.006 KWD", 'rounding': "0.01"},
            'closed': {'user': "Ada", 'reason': "100 % sure"}, TEXT: {'text': "As it was"},
            OPEN_TEXT: {'text': "As it was"},
        }
        for code in REASONS:
            with self.subTest(code=code):
                tx._aps_set_reason(make_reason(code, **values.get(code, {})))
                self.env.invalidate_all()
                text = tx.aps_staff_message
                self.assertTrue(text)
                self.assertNotIn('%(', text)
                for value in values.get(code, {}).values():
                    self.assertIn(value, text)
