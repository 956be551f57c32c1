from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import new_test_user

from odoo.addons.payment_aps.tests.status_common import StatusCommon

ACTIVITY_TYPE = 'payment_aps.mail_activity_type_problem'


class ProblemCommon(StatusCommon):
    """ What the tests of problems share. """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.problems = cls.env['payment.aps.problem']
        cls.accountant = new_test_user(
            cls.env, 'aps_problem_accountant', groups='account.group_account_invoice',
        )
        cls.administrator = new_test_user(cls.env, 'aps_problem_admin', groups='base.group_system')
        for user in (cls.accountant, cls.administrator):
            user.write({'company_ids': [(4, cls.company.id)], 'company_id': cls.company.id})
        cls.provider.aps_responsible_id = cls.administrator

    def _run_watch(self, **interval):
        """ Have the watch run, some time from now. """
        self._commit()
        now = fields.Datetime.now() + timedelta(**interval)
        with patch.object(fields.Datetime, 'now', lambda: now), \
                patch.object(self.env.cr, 'commit'), patch.object(self.env.cr, 'rollback'):
            self.problems._cron_aps_watch()
        self.env.flush_all()
        self.env.invalidate_all()

    def _commit(self):
        """ Do what is done after a commit. """
        self.env.flush_all()
        self.env.cr.postcommit.run()
        self.env.invalidate_all()

    def _find(self, kind, state='open', **criteria):
        """ Return the problems of a kind. """
        criteria = {'kind': kind, 'state': state, **criteria}
        return self.problems.search([(name, '=', value) for name, value in criteria.items()])

    def _list_activities(self):
        """ Return the activities that tell of problems. """
        return self.env['mail.activity'].search([
            ('activity_type_id', '=', self.env.ref(ACTIVITY_TYPE).id),
        ])

    def _act(self, problem, user=None):
        """ Have a user click on the button of a problem. """
        return problem.with_user(user or self.accountant).action_solve()

    def _since(self, tx, **interval):
        """ Have the transaction be what it is since some time. """
        self._age(tx, **interval)
        tx.last_state_change = fields.Datetime.now() - timedelta(**interval)
        self.env.flush_all()
