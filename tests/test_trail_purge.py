from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.payment_aps.models import payment_aps_message
from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestTrailPurge(APSCommon):
    """ What is deleted of the trail by its age. """

    def setUp(self):
        super().setUp()
        self.env.cr.execute('DELETE FROM payment_aps_message')

    def _make_messages(self, *ages):
        """ Make messages of some ages, in days. """
        for age in ages:
            tx = self._create_transaction('redirect', reference=f'AGE-{age}')
            self._notify(self._build_message(tx))
            self.env.cr.execute(
                "UPDATE payment_aps_message SET create_date = create_date - %s * interval '1 day' "
                "WHERE merchant_reference = %s", [age, tx.reference],
            )

    def _read_references(self):
        """ Return the references of the messages that are left, oldest first. """
        self.env.invalidate_all()
        messages = self.env['payment.aps.message'].search([], order='create_date')
        return messages.mapped('merchant_reference')

    def test_messages_are_kept_for_180_days(self):
        """ Test the default, also if the parameter makes no sense. """
        self._make_messages(200, 181, 179, 0)
        for value in ('0', '-1', 'soon', ''):
            self.env['ir.config_parameter'].set_param('payment_aps.message_retention_days', value)
            self.env['payment.aps.message']._gc_messages()
            self.assertEqual(self._read_references(), ['AGE-179', 'AGE-0'])

    def test_retention_can_be_set(self):
        """ Test the system parameter. """
        self._make_messages(40, 20)
        self.env['ir.config_parameter'].set_param('payment_aps.message_retention_days', '30')
        self.env['payment.aps.message']._gc_messages()
        self.assertEqual(self._read_references(), ['AGE-20'])

    def test_purge_is_bounded(self):
        """ Test that one run deletes so many batches at most, the oldest rows first. """
        self._make_messages(205, 204, 203, 202, 201)
        with patch.multiple(payment_aps_message, PURGE_BATCH_SIZE=2, PURGE_BATCHES=2):
            self.env['payment.aps.message']._gc_messages()
        self.assertEqual(self._read_references(), ['AGE-201'])
        self.env['payment.aps.message']._gc_messages()
        self.assertEqual(self._read_references(), [])

    def test_daily_vacuum_purges(self):
        """ Test that the purge is one of those that Odoo runs every day. """
        self.assertTrue(payment_aps_message.PaymentAPSMessage._gc_messages._autovacuum)
