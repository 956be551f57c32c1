import ast

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestTrailAccess(APSCommon):
    """ Who may read and change the trail and the refused messages. """

    def setUp(self):
        super().setUp()
        self.tx = self._create_transaction('redirect')
        self._notify(self._build_message(self.tx))
        self._notify({**self._build_message(self.tx), 'amount': '1'})
        self.env['payment.aps.refusal']._aps_flush()
        self.message = self.env['payment.aps.message'].search(
            [('merchant_reference', '=', self.tx.reference)]
        )
        self.refusal = self.env['payment.aps.refusal'].search([], limit=1)
        self.assertTrue(self.message)
        self.assertTrue(self.refusal)

    def _make_user(self, login, *groups):
        """ Return a new user of some groups. """
        return new_test_user(self.env, login, groups=','.join(groups))

    def _assert_no_access(self, record, user, *operations):
        """ Check that a user can't do something, by any method that RPC reaches. """
        calls = {
            'read': lambda model: model.search_read([], ['id']),
            'create': lambda model: model.create({}),
            'write': lambda _model: record.with_user(user).write({'count': 0}),
            'unlink': lambda _model: record.with_user(user).unlink(),
        }
        for operation in operations:
            with self.subTest(
                model=record._name, user=user.login, operation=operation
            ), self.assertRaises(AccessError):
                calls[operation](self.env[record._name].with_user(user))

    def test_others_read_nothing(self):
        """ Test shoppers, the public and employees. """
        for user in (
            self.env.ref('base.public_user'),
            self._make_user('aps_portal', 'base.group_portal'),
            self._make_user('aps_employee', 'base.group_user'),
        ):
            for record in (self.message, self.refusal):
                self._assert_no_access(record, user, 'read', 'create', 'write', 'unlink')
            with self.assertRaises(AccessError):
                self.aps.with_user(user).action_aps_view_refusals()

    def test_administrator_reads_but_does_not_change(self):
        """ Test that even administrators don't change what was said. """
        admin = self._make_user('aps_admin', 'base.group_system')
        self.assertEqual(self.message.with_user(admin).status, '14')
        self.assertEqual(self.tx.with_user(admin).aps_message_count, 1)
        self._assert_no_access(self.message, admin, 'create', 'write', 'unlink')

        self.assertTrue(self.refusal.with_user(admin).advice)
        self._assert_no_access(self.refusal, admin, 'create', 'write')
        self.refusal.with_user(admin).unlink()  # What was dealt with may be put away.

    def test_accountant_reads_messages_but_not_refusals(self):
        """ Test the groups of accountants. """
        for xmlid in ('account.group_account_invoice', 'account.group_account_readonly'):
            user = self._make_user(f'aps_{xmlid}', 'base.group_user', xmlid)
            message = self.message.with_user(user)
            self.assertEqual(message.status, '14')
            [values] = message.web_read({
                'body': {}, 'amount': {}, 'meaning': {}, 'document': {},
                'transaction_id': {'fields': {'display_name': {}}},
                'provider_id': {'fields': {'display_name': {}}},
            })
            self.assertEqual(values['transaction_id']['display_name'], self.tx.reference)
            self._assert_no_access(self.message, user, 'create', 'write', 'unlink')
            self._assert_no_access(self.refusal, user, 'read', 'create', 'write', 'unlink')

    def test_accountant_finds_payments_and_messages_in_the_menu(self):
        """ Test that nobody needs the developer mode. """
        parent = self.env.ref('account.menu_finance_receivables')
        menus = self.env.ref('payment_aps.menu_aps_payments') \
            | self.env.ref('payment_aps.menu_aps_messages')
        self.assertEqual(menus.parent_id, parent)
        accountant = self._make_user('aps_menu', 'base.group_user', 'account.group_account_invoice')
        employee = self._make_user('aps_employee', 'base.group_user')
        self.assertEqual(menus.with_user(accountant)._filter_visible_menus(), menus)
        domain = ast.literal_eval(self.env.ref('payment_aps.action_payment_aps_transaction').domain)
        transactions = self.env['payment.transaction'].with_user(accountant)
        self.assertIn(self.tx, transactions.search(domain))
        self.assertNotIn(self.tx, transactions.search([('aps_is_used', '!=', True)]))
        self.assertTrue(self.tx.with_user(accountant).aps_is_used)
        self.assertFalse(menus.with_user(employee)._filter_visible_menus())

    def test_search_by_the_payment_reveals_nothing_of_the_provider(self):
        """ Test that a domain can't feel its way to a phrase, by whatever path. """
        reader = self._make_user(
            'aps_reader', 'base.group_user', 'account.group_account_readonly'
        )
        messages = self.env['payment.aps.message'].with_user(reader)
        for name in ('provider_id.aps_sha_response', 'provider_id.aps_access_code', 'tokenize'):
            for domain in (
                [('transaction_id', 'any', [(name, '!=', False)])],
                [(f'transaction_id.{name}', '!=', False)],
                [('transaction_id', 'any', ['|', ('id', '=', 0), (name, '!=', False)])],
            ):
                with self.subTest(domain=domain), self.assertRaises(AccessError):
                    messages.search_count(domain)
        for domain in (
            [('transaction_id', '=', self.tx.id)], [('transaction_id', 'ilike', self.tx.reference)],
            [('transaction_id', 'in', self.tx.ids)],
        ):
            self.assertEqual(messages.search(domain), self.message)

    def test_search_by_the_display_name_finds_no_other_messages(self):
        """ Test a field of transactions that can't be searched in 17.0: Odoo would find all. """
        reader = self._make_user(
            'aps_reader', 'base.group_user', 'account.group_account_readonly'
        )
        messages = self.env['payment.aps.message'].with_user(reader)
        domain = [('transaction_id', 'any', [('display_name', 'ilike', 'NOBODY')])]
        if not self.tx._fields['display_name'].search:
            with self.assertRaises(AccessError):
                messages.search(domain)
            return
        self.assertFalse(messages.search(domain))

    def test_companies_are_kept_apart(self):
        """ Test that an administrator of another company sees nothing. """
        company = self.env['res.company'].create({'name': "Elsewhere"})
        admin = self._make_user('aps_elsewhere', 'base.group_system')
        admin.write({'company_ids': [(6, 0, company.ids)], 'company_id': company.id})

        self.assertFalse(self.env['payment.aps.message'].with_user(admin).search([]))
        self.assertFalse(self.env['payment.aps.refusal'].with_user(admin).search(
            [('provider_id', '!=', False)]
        ))
