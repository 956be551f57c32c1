from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.models.payment_aps_problem import KINDS
from odoo.addons.payment_aps.tests.problem_common import ProblemCommon


@tagged('post_install', '-at_install')
class TestProblems(ProblemCommon):
    """ What a problem is: noted once, told once, acted on, dismissed, and purged. """

    #=== Noting ===#

    def test_problem_is_one_record_however_often_it_is_seen(self):
        """ Test that it is refreshed, and that others are others. """
        tx = self._create_transaction('redirect')
        other_tx = self._create_transaction('redirect', reference='OTHER')
        for detail in ("first", "second", None):
            self.problems._aps_note('mismatch', self.provider, tx, detail)
        self.problems._aps_note('mismatch', self.provider, other_tx)
        self.problems._aps_note('credentials', self.provider)
        self.assertFalse(self._find('mismatch'), "Nothing is written before the commit.")

        self._commit()

        problem = self._find('mismatch', transaction_id=tx.id)
        self.assertEqual(problem.count, 3)
        self.assertEqual(problem.detail, "second")
        self.assertEqual(problem.company_id, self.provider.company_id)
        self.assertEqual(len(self._find('mismatch')), 2)
        self.assertEqual(len(self._find('credentials')), 1)

    def test_what_is_rolled_back_was_no_problem(self):
        """ Test that a request which is run again doesn't leave a problem of the first time. """
        self.problems._aps_note('credentials', self.provider)
        self.env.cr.postcommit.clear()  # As a rollback does.
        self._commit()
        self.assertFalse(self._find('credentials'))

    def test_noting_never_stops_the_caller(self):
        """ Test a database that refuses the row. """
        with mute_logger('odoo.addons.payment_aps.models.payment_aps_record', 'odoo.sql_db'):
            self.problems._aps_note('credentials', self.env['payment.provider'].browse(2**30))
            self._commit()
        self.assertFalse(self._find('credentials'))

    def test_problem_that_is_solved_in_the_same_request_ends(self):
        """ Test that the order of notes and solutions is kept. """
        tx = self._create_transaction('redirect')
        self.problems._aps_note('operation_failed', self.provider, tx)
        self.problems._aps_solve('operation_failed', txs=tx)
        self._commit()
        self.assertFalse(self._find('operation_failed'))
        self.assertTrue(self._find('operation_failed', 'solved').end_date)

    def test_solving_ends_what_it_is_about_only(self):
        """ Test the criteria. """
        tx = self._create_transaction('redirect')
        other_tx = self._create_transaction('redirect', reference='OTHER')
        for one in (tx, other_tx):
            self.problems._aps_note('mismatch', self.provider, one)
        self.problems._aps_note('credentials', self.provider)
        self._commit()
        self.problems._aps_solve('mismatch', txs=tx)
        self.problems._aps_solve('mismatch', txs=self.env['payment.transaction'])
        self.problems._aps_solve('copy')
        self._commit()
        self.assertEqual(self._find('mismatch').transaction_id, other_tx)
        self.assertTrue(self._find('credentials'))
        self.problems._aps_solve('mismatch', self.provider)
        self._commit()
        self.assertFalse(self._find('mismatch'))

    #=== Acting ===#

    def test_every_kind_has_its_words_and_its_button(self):
        """ Test the table, and that list and form show one button for each kind. """
        for view_type in ('form', 'tree' if 'tree' in self._view_tags() else 'list'):
            arch = self.problems.get_view(None, view_type)['arch']
            for name, kind in KINDS.items():
                with self.subTest(view_type=view_type, kind=name):
                    self.assertIn(f"kind != '{name}'", arch)
                    self.assertIn(f'string="{kind.button}"', arch)
        for name in KINDS:
            problem = self.problems.new({'kind': name})
            self.assertTrue(problem.meaning and problem.advice and problem.display_name)

    def _view_tags(self):
        """ Return the tags of views that this series knows. """
        return dict(self.env['ir.ui.view']._fields['type'].selection)

    def _note_mismatch(self):
        """ Return a problem that is open, of a new payment. """
        tx = self._create_transaction('redirect')
        self.problems._aps_note('mismatch', self.provider, tx, "the amount is not 10000")
        self._commit()
        return self._find('mismatch')

    def test_who_may_read_and_who_may_act_is_checked_on_the_server(self):
        """ Test the groups, and that nobody writes by RPC. """
        problem = self._note_mismatch()
        reader = new_test_user(
            self.env, 'aps_problem_reader', groups='account.group_account_readonly',
        )
        employee = new_test_user(self.env, 'aps_problem_employee', groups='base.group_user')
        for user in (reader, employee):
            user.write({'company_ids': [(4, self.company.id)], 'company_id': self.company.id})
        self.assertTrue(problem.with_user(reader).meaning)
        with self.assertRaises(AccessError):
            self.problems.with_user(employee).search_read([], ['kind'])
        for user in (reader, employee):
            for call in (
                lambda one: one.action_solve(), lambda one: one.action_dismiss("why"),
                lambda one: one.action_open_dismissal(),
            ):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    call(problem.with_user(user))
        for user in (self.accountant, self.administrator):
            for values in ({'state': 'solved'}, {'told_date': False}):
                with self.assertRaises(AccessError):
                    problem.with_user(user).write(values)
            with self.assertRaises(AccessError):
                self.problems.with_user(user).create({'kind': 'copy'})
            with self.assertRaises(AccessError):
                problem.with_user(user).unlink()
        self.assertEqual(problem.state, 'open')

    def test_problems_of_another_company_are_not_acted_on(self):
        """ Test that the rules of companies hold. """
        problem = self._note_mismatch()
        company = self.env['res.company'].create({'name': "Another"})
        user = new_test_user(self.env, 'aps_elsewhere', groups='account.group_account_invoice')
        user.write({'company_ids': [(6, 0, company.ids)], 'company_id': company.id})
        self.assertFalse(self.problems.with_user(user).search([]))
        for call in (lambda one: one.action_solve(), lambda one: one.action_dismiss("why")):
            with self.assertRaises(AccessError):
                call(problem.with_user(user))

    def test_dismissal_wants_a_reason_and_happens_once(self):
        """ Test the window, and what it refuses. """
        problem = self._note_mismatch()
        action = problem.with_user(self.accountant).action_open_dismissal()
        wizard = self.env[action['res_model']].with_user(self.accountant).with_context(
            **action['context']
        ).create({'reason': "Refunded in the dashboard"})
        with self.assertRaises(ValidationError):
            problem.with_user(self.accountant).action_dismiss("  ")
        wizard.action_dismiss()
        self.assertEqual(problem.state, 'dismissed')
        self.assertEqual(problem.reason, "Refunded in the dashboard")
        self.assertEqual(problem.user_id, self.accountant)
        with self.assertRaises(UserError):
            problem.with_user(self.accountant).action_dismiss("again")

    def test_dismissed_problem_stays_so_until_its_cause_is_gone_and_comes_back_as_a_new_one(self):
        """ Test that the watch doesn't nag, but forgets nothing either. """
        tx = self._create_transaction('redirect', state='authorized')
        self._since(tx, days=6)
        self._run_watch()
        problem = self._find('lapsing')
        problem.with_user(self.accountant).action_dismiss("The customer has changed the order")
        self._run_watch()
        self.assertFalse(self._find('lapsing'))
        self.assertFalse(problem.end_date)

        tx.last_state_change = fields.Datetime.now()
        self._run_watch()
        self.assertTrue(problem.end_date)
        self.assertEqual(problem.state, 'dismissed')
        self._since(tx, days=6)
        self._run_watch()
        self.assertNotEqual(self._find('lapsing'), problem)
        self.assertEqual(len(self._find('lapsing')), 1)

    def test_event_after_a_dismissal_is_a_new_problem(self):
        """ Test that what happens again is told again. """
        problem = self._note_mismatch()
        problem.action_dismiss("Refunded in the dashboard")
        self.problems._aps_note('mismatch', self.provider, problem.transaction_id)
        self._commit()
        self.assertTrue(problem.end_date)
        self.assertEqual(problem.count, 1)
        self.assertEqual(len(self._find('mismatch')), 1)

    def test_button_whose_cause_is_gone_says_so_and_changes_nothing(self):
        """ Test each kind whose end can be seen: nothing is sent, opened or booked. """
        tx = self._create_transaction('redirect')
        kinds = [name for name in KINDS if hasattr(self.problems, f'_aps_is_over_{name}')]
        self.assertGreaterEqual(len(kinds), 8)
        for name in kinds:
            self.problems._aps_note(name, self.provider, tx)
        self._commit()
        for name in kinds:
            problem = self._find(name)
            with self.subTest(kind=name), patch.object(
                type(problem), f'_aps_is_over_{name}', return_value=True
            ), patch.object(type(problem), f'_aps_act_on_{name}') as act:
                action = self._act(problem)
                self.assertIn("is gone", action['params']['message'])
                self.assertFalse(act.called)
                self.assertEqual(problem.state, 'solved')
                self._act(problem)  # A list that was not reloaded.
                self.assertFalse(act.called)

    #=== Telling ===#

    def test_problems_of_an_hour_are_one_activity_that_ends_with_them(self):
        """ Test that each is told once, to who is in charge. """
        txs = [self._create_transaction('redirect', reference=f'P-{n}') for n in range(3)]
        for tx in txs[:2]:
            self.problems._aps_note('mismatch', self.provider, tx)
        self._run_watch()
        activity = self._list_activities()
        self.assertEqual(len(activity), 1)
        self.assertEqual(activity.user_id, self.administrator)
        self.assertIn('2', activity.summary)
        for tx in txs[:2]:
            self.assertIn(tx.reference, activity.note)
        self._run_watch()
        self.assertEqual(self._list_activities(), activity)

        self.problems._aps_note('mismatch', self.provider, txs[2])
        self._run_watch()
        new_activity = self._list_activities() - activity
        self.assertIn(txs[2].reference, new_activity.summary)

        self._find('mismatch', transaction_id=txs[0].id).action_dismiss("why")
        self.assertTrue(activity.exists())
        self.problems._aps_solve('mismatch', txs=txs[1])
        self._run_watch()
        self.assertFalse(activity.exists())
        self.assertEqual(self._list_activities(), new_activity)

    def test_activity_that_is_done_is_not_opened_again(self):
        """ Test that who was told is told once. """
        self._note_mismatch()
        self._run_watch()
        self._list_activities().with_user(self.administrator).action_feedback()
        self._run_watch()
        self.assertFalse(self._list_activities())
        self._find('mismatch').action_dismiss("why")
        self._run_watch()

    def test_who_enables_the_provider_is_in_charge_unless_somebody_is(self):
        """ Test the default, and that a job is nobody. """
        provider = self.provider.with_user(self.administrator)
        for former, expected in (
            (False, self.administrator), (self.accountant, self.accountant),
        ):
            self.provider.write({'state': 'test', 'aps_responsible_id': former})
            provider.write({'state': 'enabled'})
            self.assertEqual(self.provider.aps_responsible_id, expected)
        self.provider.write({'state': 'test', 'aps_responsible_id': False})
        self.provider.sudo().with_user(self.env.ref('base.user_root')).state = 'enabled'
        self.assertFalse(self.provider.aps_responsible_id)

    def test_who_is_in_charge_must_be_able_to_read_problems(self):
        """ Test groups and companies, and whom the others fall back to. """
        company = self.env['res.company'].create({'name': "Another"})
        employee = new_test_user(self.env, 'aps_employee', groups='base.group_user')
        employee.write({'company_ids': [(4, self.company.id)]})
        stranger = new_test_user(self.env, 'aps_stranger', groups='account.group_account_invoice')
        stranger.write({'company_ids': [(6, 0, company.ids)], 'company_id': company.id})
        for user in (employee, stranger, self.env.ref('base.public_user')):
            with self.subTest(user=user.login), self.assertRaises(ValidationError):
                self.provider.aps_responsible_id = user
        self.provider.aps_responsible_id = self.accountant
        self.assertEqual(self.provider._aps_get_responsible(), self.accountant)
        self.accountant.active = False
        user = self.provider._aps_get_responsible()
        self.assertTrue(user.has_group('base.group_system'))
        self.assertIn(self.company, user.company_ids)

    def test_nobody_to_tell_is_no_error(self):
        """ Test a database whose administrators are all archived: it is told later. """
        problem = self._note_mismatch()
        with patch.object(
            type(self.provider), '_aps_get_responsible', lambda provider: self.env['res.users']
        ):
            self._run_watch()
        self.assertFalse(self._list_activities())
        self.assertFalse(problem.told_date)
        self._run_watch()
        self.assertTrue(self._list_activities())

    #=== Provider ===#

    def test_provider_shows_the_number_of_open_problems(self):
        """ Test the figure of form and kanban, and its list. """
        self.assertEqual(self.provider.aps_problem_count, 0)
        problem = self._note_mismatch()
        self.assertEqual(self.provider.aps_problem_count, 1)
        action = self.provider.with_user(self.administrator).action_aps_view_problems()
        self.assertEqual(self.problems.search(action['domain']), problem)
        problem.action_dismiss("why")
        self.provider.invalidate_recordset()
        self.assertEqual(self.provider.aps_problem_count, 0)

    #=== Purge ===#

    def test_ended_problems_are_purged_with_the_messages(self):
        """ Test that open ones stay, however old. """
        for number, (state, days) in enumerate((('open', 400), ('solved', 200), ('solved', 100))):
            tx = self._create_transaction('redirect', reference=f'AGE-{number}')
            self.problems._aps_note('mismatch', self.provider, tx)
            self._commit()
            problem = self._find('mismatch', transaction_id=tx.id)
            date = fields.Datetime.now() - timedelta(days=days)
            problem.write({'state': state, 'end_date': state != 'open' and date})
        self.problems._gc_problems()
        self.assertEqual(
            self.problems.search([]).transaction_id.sorted('id').mapped('reference'),
            ['AGE-0', 'AGE-2'],
        )
