import importlib.util
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import file_path

from odoo.addons.payment_aps import uninstall_hook
from odoo.addons.payment_aps.aps.errors import APSNotConfirmed, APSUnreachable
from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, APSCommon

# What takes or moves money, or gives up the right to, without a shopper.
MONEY_COMMANDS = (
    {'command': 'PURCHASE'}, {'command': 'CAPTURE'}, {'command': 'VOID_AUTHORIZATION'},
    {'command': 'REFUND'}, {'service_command': 'UPDATE_TOKEN'}, {'command': 'SOMETHING_NEW'}, {},
)
ACTIVITY_TYPE = 'payment_aps.mail_activity_type_problem'


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

    def _save_card(self):
        """ Return a saved card of the customer. """
        return self.env['payment.token'].create({
            'provider_id': self.provider.id, 'payment_method_id': self.card.id,
            'partner_id': self.partner.id, 'provider_ref': 'Token1', 'payment_details': '0001',
            'aps_merchant_identifier': MERCHANT_IDENTIFIER,
        })

    def _list_activities(self):
        """ Return the activities that ask for the confirmation. """
        return self.env['mail.activity'].search([
            ('activity_type_id', '=', self.env.ref(ACTIVITY_TYPE).id),
        ])

    def _refuse_connections(self):
        """ Return a patch by which APS can't be reached; its mock tells whether it was tried. """
        return patch(
            'odoo.addons.payment_aps.models.payment_provider.api_session.post',
            side_effect=APSUnreachable("not in tests"),
        )

    #=== WHAT GOES ON ===#

    def test_moved_shop_goes_on_selling(self):
        """ Test that people who answered "copied" when they moved don't lose their customers. """
        tx = self._create_transaction('redirect')
        token_tx = self._create_transaction(
            'token', reference='Card', token_id=self._save_card().id
        )
        self._copy_database()
        self.assertTrue(self.provider.aps_is_in_copy)

        self.assertTrue(self._is_offered())
        values = tx._get_specific_rendering_values({})
        self.assertEqual(values['api_url'], 'https://checkout.payfort.com/FortAPI/paymentPage')
        token_tx._aps_pay_with_token()
        self.assertTrue(token_tx.aps_is_page_due)
        self.assertEqual(self._notify(self._build_message(tx)).status_code, 200)
        self.assertEqual(tx.state, 'done')

    def test_saved_card_is_used_on_the_page_by_the_engine_s_road(self):
        """ Test that a shopper who is present is not taken for a charge. """
        tx = self._create_transaction('token', token_id=self._save_card().id)
        self._copy_database()
        self._pay_with_token(tx)
        self.assertTrue(tx.aps_is_page_due)
        self.assertEqual(tx.state, 'draft')

    def test_aps_can_be_asked_from_a_copy(self):
        """ Test that the status check and the check of the credentials go on. """
        self._copy_database()
        with self._refuse_connections() as post, self.assertRaises(APSUnreachable):
            self.provider._aps_make_request({
                'query_command': 'CHECK_STATUS', 'merchant_reference': 'S1',
            })
        self.assertEqual(post.call_count, 1)
        with self._refuse_connections() as post:
            self.provider.action_aps_check_setup()
        self.assertTrue(post.call_count)
        self.assertNotIn("copy", self.provider.aps_check_result)

    #=== WHAT WAITS ===#

    def test_no_money_is_moved_by_request_whatever_the_command(self):
        """ Test that the one door to APS refuses all that isn't a question. """
        self._copy_database()
        for payload in MONEY_COMMANDS:
            with self.subTest(**payload), self._refuse_connections() as post:
                with self.assertRaisesRegex(APSNotConfirmed, "is a copy"):
                    self.provider._aps_make_request({**payload, 'merchant_reference': 'S1'})
                self.assertFalse(post.call_count)
        self.assertFalse(self.env['payment.aps.message'].search(
            [('provider_id', '=', self.provider.id)]
        ), "A request that was never sent must not be in the trail.")

    def test_charge_is_refused_before_it_is_a_failure_of_the_customer(self):
        """ Test that a subscription is not closed because its database was moved. """
        tx = self._create_transaction('direct', operation='offline', token_id=self._save_card().id)
        self._copy_database()
        with (
            self._assert_nothing_written(tx), self._refuse_connections() as post,
            self.assertRaisesRegex(UserError, "is a copy"),
        ):
            self._pay_with_token(tx)
        self.assertFalse(post.call_count)
        self.assertEqual(tx.state, 'draft')
        self.assertFalse(self.env['payment.aps.charge'].search([]))

    def _pay_with_token(self, tx):
        """ Have the engine pay with a saved card. """
        if hasattr(tx, '_charge_with_token'):  # Since 19.0.
            tx._charge_with_token()
        else:
            tx._send_payment_request()

    def test_registered_payment_is_refused_and_leaves_nothing(self):
        """ Test the button of an invoice with a saved card. """
        token = self._save_card()
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.partner.id,
            'invoice_line_ids': [Command.create({'name': "Tea", 'price_unit': 64, 'tax_ids': []})],
        })
        invoice.action_post()
        line = self.provider.journal_id.inbound_payment_method_line_ids.filtered(
            lambda line: line.payment_provider_id == self.provider
        )
        self._copy_database()
        wizard = self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({
            'journal_id': self.provider.journal_id.id, 'payment_method_line_id': line.id,
            'payment_token_id': token.id,
        })
        with self.assertRaisesRegex(UserError, "is a copy"), self.env.cr.savepoint():
            wizard.action_create_payments()
        self.assertEqual(invoice.payment_state, 'not_paid')
        self.assertFalse(self.env['payment.transaction'].search([('token_id', '=', token.id)]))

    def test_operations_are_refused_at_the_button(self):
        """ Test that captures, voids and refunds say why, and leave the payment as it is. """
        authorized = self._create_transaction('redirect', state='authorized', reference='A')
        paid = self._create_transaction('redirect', state='done', reference='B')
        (authorized | paid).is_post_processed = True
        self._copy_database()
        for tx, method, kwargs in (
            (authorized, 'action_capture', {}), (authorized, 'action_void', {}),
            (paid, 'action_refund', {'amount_to_refund': 5}), (paid, 'action_refund', {}),
        ):
            with (
                self.subTest(method=method), self.assertRaisesRegex(UserError, "is a copy"),
                self.env.cr.savepoint(),
            ):
                result = getattr(tx, method)(**kwargs)
                if isinstance(result, dict):  # The window to capture a part.
                    self.env[result['res_model']].with_context(
                        **result['context']
                    ).create({'amount_to_capture': 10}).action_capture()
            self.assertFalse(tx._aps_get_family().filtered('aps_request_state'))

    def test_operation_under_way_stays_queued(self):
        """ Test that the copy of an operation that was about to be sent is neither sent nor failed.

        The original sends it. In a database that was moved, it is sent once it is confirmed.
        """
        tx = self._create_transaction('redirect', state='authorized')
        tx.write({'aps_operation': 'CAPTURE', 'aps_request_state': 'queued'})
        self._copy_database()
        with self._refuse_connections() as post:
            tx._aps_send_operation()
        self.assertFalse(post.call_count)
        self.assertEqual((tx.aps_request_state, tx.state), ('queued', 'authorized'))
        self.assertFalse(tx.aps_staff_message)

    def test_card_is_not_forgotten_at_aps(self):
        """ Test that who deletes cards in a copy takes none from the live shop. """
        token = self._save_card()
        self._copy_database()
        token.active = False
        with self._refuse_connections() as post:
            token._aps_deactivate()
        self.assertFalse(post.call_count)
        self.assertTrue(token.aps_is_deactivation_due)

    def test_copy_can_use_the_sandbox(self):
        """ Test that a copy is good for what it is made for. """
        self._copy_database()
        self.provider.state = 'test'
        self.assertFalse(self.provider.aps_is_in_copy)
        with self._refuse_connections() as post, self.assertRaises(APSUnreachable):
            self.provider._aps_make_request({'command': 'REFUND', 'merchant_reference': 'S1'})
        self.assertEqual(post.call_count, 1)

    #=== WHAT IS A COPY ===#

    def test_only_the_identifier_of_odoo_counts(self):
        """ Test that dumps, upgrades of PostgreSQL, renaming and new secrets change nothing. """
        parameters = self.env['ir.config_parameter']
        self.assertEqual(self.provider.aps_database, parameters.get_param('database.uuid'))
        parameters.set_param('web.base.url', 'https://new.example.com')
        parameters.set_param('database.secret', 'new')
        self.assertFalse(self.provider.aps_is_in_copy)
        self._copy_database()
        self.provider.invalidate_recordset(['aps_is_in_copy'])
        self.assertTrue(self.provider.aps_is_in_copy)

    def test_database_that_is_not_known_is_not_trusted(self):
        """ Test a provider that was enabled behind Odoo's back. """
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE payment_provider SET aps_database = NULL WHERE id = %s', [self.provider.id]
        )
        self.env.invalidate_all()
        self.assertTrue(self.provider.aps_is_in_copy)
        with self.assertRaises(APSNotConfirmed):
            self.provider._aps_make_request({'command': 'REFUND', 'merchant_reference': 'S1'})

    def test_migration_keeps_the_identifier_of_odoo_and_confirms_nothing(self):
        """ Test what former versions stored: identifiers of database and cluster as well. """
        migration = self._load_migration('1.3.0/post-database.py')
        uuid = self.provider.aps_database
        for stored, expected in (
            (f'{uuid} 16384 7', uuid), (f'{uuid} 16384', uuid), ('other 16384 7', 'other'),
            (uuid, uuid), (None, None),
        ):
            with self.subTest(stored=stored):
                self.env.flush_all()
                query = 'UPDATE payment_provider SET aps_database = %s WHERE id = %s'
                self.env.cr.execute(query, [stored, self.provider.id])
                migration.migrate(self.env.cr, '17.0.1.2.1')
                self.env.invalidate_all()
                self.assertEqual(self.provider.aps_database or None, expected)
                self.assertEqual(self.provider.aps_is_in_copy, expected != uuid)

    def _load_migration(self, name):
        """ Return a migration script as a module. """
        path = file_path(f'payment_aps/migrations/{name}')
        spec = importlib.util.spec_from_file_location('migration', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_writing_the_same_state_is_no_confirmation(self):
        """ Test that an import or a script doesn't confirm a copy without being asked to. """
        self._copy_database()
        self.provider.write({'state': 'enabled'})
        self.assertTrue(self.provider.aps_is_in_copy)

        self.provider.write({'state': 'test'})
        self.provider.write({'state': 'enabled'})
        self.assertFalse(self.provider.aps_is_in_copy)

    #=== CONFIRMATION ===#

    def test_banner_is_on_top_of_the_form(self):
        """ Test that it isn't in a tab that nobody opens. """
        arch = self.env['payment.provider'].with_user(self.admin_user).get_view(
            self.env.ref('payment.payment_provider_form').id, 'form'
        )['arch']
        self.assertLess(arch.index('action_aps_confirm_database'), arch.index('<sheet'))

    def test_uninstallation_is_not_stopped_by_the_activity(self):
        """ Test that the type of activities of problems can be deleted. """
        self._copy_database()
        with patch.object(self.env.cr, 'commit'):
            self.env['payment.aps.problem']._cron_aps_watch()
        self.assertTrue(self._list_activities())
        uninstall_hook(self.env)
        self.env.flush_all()
        self.assertTrue(self.env.ref(ACTIVITY_TYPE).unlink())

    def test_confirmation_resumes_what_waited(self):
        """ Test that nothing is left for the schedule. """
        tx = self._create_transaction('redirect', state='authorized')
        tx.write({
            'aps_operation': 'CAPTURE', 'aps_request_state': 'queued', 'aps_next_check': False,
        })
        token = self._save_card()
        self._copy_database()
        token.active = False

        with self.assertRaises(AccessError):
            self.provider.with_user(self.internal_user).action_aps_confirm_database()
        with patch.object(
            type(token), '_aps_deactivate_after_commit', autospec=True
        ) as deactivate:
            self.provider.action_aps_confirm_database()

        self.assertFalse(self.provider.aps_is_in_copy)
        self.assertTrue(tx._aps_is_check_due())
        self.assertEqual(deactivate.call_args[0][0], token)
        with self._refuse_connections() as post, self.assertRaises(APSUnreachable):
            self.provider._aps_make_request({'command': 'REFUND', 'merchant_reference': 'S1'})
        self.assertEqual(post.call_count, 1)

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
