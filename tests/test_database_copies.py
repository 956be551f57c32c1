from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from odoo.addons.payment_aps.exceptions import APSUnreachable
from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestDatabaseCopies(APSCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider.state = 'enabled'

    def _copy_database(self):
        """ Give the database another identifier, as Odoo does with a copy. """
        self.env['ir.config_parameter'].init(force=True)

    def _is_offered(self):
        """ Return whether the provider is offered at checkout. """
        return self.provider in self.env['payment.provider']._get_compatible_providers(
            self.company.id, self.partner.id, self.amount, currency_id=self.currency.id
        )

    def test_copy_takes_no_live_payments_until_it_is_confirmed(self):
        """ Test that a copy for tests can't charge the cards of real customers. """
        tx = self._create_transaction('redirect')
        self.assertTrue(self._is_offered())

        self._copy_database()

        self.assertTrue(self.provider.aps_is_in_copy)
        self.assertFalse(self._is_offered())
        with self.assertRaisesRegex(ValidationError, "is a copy"):
            tx._get_specific_rendering_values({})
        with self.assertRaisesRegex(APSUnreachable, "is a copy"):
            self.provider._aps_make_request({'query_command': 'CHECK_STATUS'})

        with self.assertRaises(AccessError):
            self.provider.with_user(self.internal_user).action_aps_confirm_database()
        self.provider.action_aps_confirm_database()

        self.assertTrue(self._is_offered())
        self.assertIn('api_url', tx._get_specific_rendering_values({}))

    def test_copy_can_use_the_sandbox(self):
        """ Test that a copy is good for what it is made for. """
        self._copy_database()
        self.provider.state = 'test'
        self.assertTrue(self._is_offered())
        self.assertFalse(self.provider.aps_is_in_copy)

    def test_results_are_still_recorded(self):
        """ Test that a database that was moved, not copied, loses no payment. """
        tx = self._create_transaction('redirect')
        self._copy_database()
        self.assertEqual(self._notify(self._build_message(tx)).status_code, 200)
        self.assertEqual(tx.state, 'done')
