import re
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestReference(APSCommon):

    def _compute(self, prefix=None, **kwargs):
        """ Return a new reference, as the payment routes ask for it. """
        return self.env['payment.transaction']._compute_reference('aps', prefix=prefix, **kwargs)

    def test_reference_is_valid_for_aps_and_keeps_the_name_readable(self):
        """ Test the characters and the length of references, for all sorts of names. """
        for prefix, readable in (
            ('S00042', 'S00042-'), ('INV/2026/00017', 'INV-2026-00017-'), ('a b', 'a-b-'),
            ('Ünïcode é', 'Unicode-e-'), ('x' * 200, 'x' * 21 + '-'), ('../..//etc', 'etc-'),
            ('طلب', 'tx-'), ('', 'tx-'), (None, 'tx-'), ('&&&', 'tx-'),
            ('INV/٢٠٢٦/٠٠٠٢', 'INV-2026-0002-'),
        ):
            with self.subTest(prefix=prefix):
                reference = self._compute(prefix)
                self.assertRegex(reference, r'^[A-Za-z0-9_.-]{1,30}$')
                self.assertTrue(reference.startswith(readable), reference)

    def test_two_shoppers_in_the_same_second_get_different_references(self):
        """ Test that no reference is ever used twice, even if the clock stands still. """
        with patch(
            'odoo.addons.payment.utils.singularize_reference_prefix',
            return_value='tx-20260101000000',
        ):
            references = {self._compute() for _i in range(500)}
        self.assertEqual(len(references), 500)
        self.assertEqual(len({self._compute('S00042') for _i in range(500)}), 500)

    def test_reference_of_a_restored_database_is_not_reused(self):
        """ Test that a reference doesn't depend on what the database knows of former ones. """
        reference = self._compute('S00042')
        # No transaction was stored with it: to the database, it was never given out.
        self.assertNotEqual(self._compute('S00042'), reference)

    def test_children_keep_their_marks_and_fit_the_limit(self):
        """ Test that refunds and captures are named after their source, within 40 characters. """
        tx = self._create_transaction('redirect', reference=self._compute('x' * 200))
        refund_tx = tx._create_child_transaction(1, is_refund=True)
        second_refund_tx = tx._create_child_transaction(1, is_refund=True)
        capture_tx = tx._create_child_transaction(1)

        self.assertEqual(refund_tx.reference, f'R-{tx.reference}')
        self.assertEqual(second_refund_tx.reference, f'R-{tx.reference}-1')
        self.assertEqual(capture_tx.reference, f'P-{tx.reference}')
        refund_of_capture_tx = capture_tx._create_child_transaction(1, is_refund=True)
        self.assertEqual(refund_of_capture_tx.reference, f'R-P-{tx.reference}')
        for child_tx in refund_tx + second_refund_tx + capture_tx + refund_of_capture_tx:
            self.assertLessEqual(len(child_tx.reference), 40)

    def test_document_that_looks_like_a_child_is_no_child(self):
        """ Test that a document named like a refund gets a unique reference as well. """
        self.assertTrue(re.fullmatch(r'R-2026-1-\w{8}', self._compute('R-2026-1')))

    def test_other_providers_keep_their_references(self):
        """ Test that the references of other providers are not touched. """
        reference = self.env['payment.transaction']._compute_reference('none', prefix='S00042/x')
        self.assertEqual(reference, 'S00042/x')
