from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from odoo.addons.payment_aps.exceptions import APSNotConfirmed
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
        with self.assertRaisesRegex(APSNotConfirmed, "is a copy"):
            self.provider._aps_make_request({'query_command': 'CHECK_STATUS'})
        self.assertFalse(self.env['payment.aps.message'].search(
            [('provider_id', '=', self.provider.id)]
        ), "A request that was never sent must not be in the trail.")

        with self.assertRaises(AccessError):
            self.provider.with_user(self.internal_user).action_aps_confirm_database()
        self.provider.action_aps_confirm_database()

        self.assertTrue(self._is_offered())
        self.assertIn('api_url', tx._get_specific_rendering_values({}))

    def test_check_of_the_credentials_is_no_way_around(self):
        """ Test that not even a harmless request leaves a copy for the live host. """
        self._copy_database()
        self.provider.action_aps_check_setup()
        self.assertIn("is a copy", self.provider.aps_check_result)
        self.assertFalse(self.provider.aps_is_check_passed)
        with self.assertRaises(APSNotConfirmed):
            self.provider._aps_post({})

        self.provider.state = 'test'
        with self.assertRaises(APSNotConfirmed):
            self.provider._aps_post({}, environment='enabled')

    def test_writing_the_same_state_is_no_confirmation(self):
        """ Test that an import or a script doesn't confirm a copy without being asked to. """
        self._copy_database()
        self.provider.write({'state': 'enabled'})
        self.assertTrue(self.provider.aps_is_in_copy)

        self.provider.write({'state': 'test'})
        self.provider.write({'state': 'enabled'})
        self.assertFalse(self.provider.aps_is_in_copy)

    def test_database_that_is_not_known_is_not_trusted(self):
        """ Test a provider that was enabled behind Odoo's back. """
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE payment_provider SET aps_database = NULL WHERE id = %s', [self.provider.id]
        )
        self.env.invalidate_all()
        self.assertFalse(self._is_offered())
        self.assertTrue(self.provider.aps_is_in_copy)

    def test_copy_by_the_tools_of_postgresql_is_noticed(self):
        """ Test that it isn't taken for the original although Odoo's identifier is the same. """
        uuid, *number = self.provider.aps_database.split()
        self.assertEqual(uuid, self.env['ir.config_parameter'].get_param('database.uuid'))
        self.assertEqual(len(number), 2, "The database and the cluster are to be known.")
        for other_number in ([str(int(number[0]) + 1), number[1]], [number[0], '1']):
            self.provider.aps_database = ' '.join([uuid, *other_number])
            self.assertTrue(self.provider.aps_is_in_copy)
            self.assertFalse(self._is_offered())

    def test_right_to_read_the_cluster_may_be_granted(self):
        """ Test that it doesn't stop the shop; to lose it may mean to be elsewhere. """
        remembered = self.provider.aps_database
        self.provider.aps_database = remembered.rsplit(' ', 1)[0]
        self.assertTrue(self._is_offered())
        self.provider.aps_database = remembered[:-1]
        self.assertFalse(self._is_offered())
        self.provider.aps_database = remembered
        number = remembered.split()[1]
        with patch.object(
            type(self.provider), '_aps_get_database_number', lambda _self: number
        ):
            self.assertFalse(self._is_offered())

    def test_moved_shop_is_told_in_the_log(self):
        """ Test that nobody has to open the provider to learn that it takes nothing. """
        self._copy_database()
        with self.assertLogs('odoo.addons.payment_aps.models.payment_provider_copies') as logs:
            self.env['payment.provider']._aps_warn_of_copy()
        self.assertIn("is a copy", logs.output[0])

    def test_renamed_database_stays_confirmed(self):
        """ Test that nothing counts that may change otherwise. """
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://new.example.com')
        self.env['ir.config_parameter'].set_param('database.secret', 'new')
        self.assertTrue(self._is_offered())

    def test_administrator_of_another_company_cannot_confirm(self):
        """ Test that the confirmation is for those who may change the provider. """
        self._copy_database()
        other_company = self.env['res.company'].create({'name': "Other"})
        admin = self.admin_user.copy({
            'login': 'other-admin', 'company_ids': [(6, 0, other_company.ids)],
            'company_id': other_company.id,
        })
        self.assertTrue(admin.has_group('base.group_system'))
        with self.assertRaises(AccessError):
            self.provider.with_user(admin).with_context(
                allowed_company_ids=other_company.ids
            ).action_aps_confirm_database()
        self.env.invalidate_all()
        self.assertTrue(self.provider.aps_is_in_copy)

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
