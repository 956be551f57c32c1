""" What is wrong with payments or their accounts: noted once, told once, and ended by itself. """

from datetime import timedelta

from lxml.builder import E

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.sql import create_index

from odoo.addons.payment_aps.aps.masking import shorten
from odoo.addons.payment_aps.aps.values import read_setting
from odoo.addons.payment_aps.models.payment_aps_message import (
    RETENTION_DAYS,
    RETENTION_DAYS_PARAMETER,
)
from odoo.addons.payment_aps.models.payment_transaction import DOCUMENT_FIELDS
from odoo.addons.payment_aps.models.problem_kinds import KINDS

# Who may read problems, and who may act on them.
READING_GROUPS = (
    'account.group_account_invoice', 'account.group_account_readonly', 'base.group_system',
)
ACTING_GROUPS = ('account.group_account_invoice', 'base.group_system')
# What is to be written after the commit, among the data of the cursor's post-commit hooks.
PENDING_KEY = 'payment_aps.problems'

# What the watch looks for among all payments. Each condition has a partial index, see `init`, that
# holds hardly anything in a healthy shop.
NOT_BOOKED = "state = 'done' AND is_post_processed IS NOT TRUE"
UNSETTLED = "(state = 'pending' OR aps_request_state IS NOT NULL)"
AUTHORIZED = "state = 'authorized'"

# A problem that is there already is refreshed; see `init`.
NOTE = """
    INSERT INTO payment_aps_problem AS problem
                (create_uid, create_date, write_uid, write_date, kind, provider_id, company_id,
                 transaction_id, key, detail, state, count, first_date, last_date, last_message)
         VALUES (%(uid)s, %(now)s, %(uid)s, %(now)s, %(kind)s, %(provider_id)s,
                 (SELECT company_id FROM payment_provider WHERE id = %(provider_id)s),
                 %(transaction_id)s, %(key)s, %(detail)s, 'open', 1, %(now)s, %(now)s,
                 (SELECT max(id) FROM payment_aps_message))
    ON CONFLICT (kind, COALESCE(provider_id, 0), COALESCE(transaction_id, 0), COALESCE(key, ''))
          WHERE end_date IS NULL
      DO UPDATE
            SET count = LEAST(problem.count::bigint + 1, 2147483647),
                last_date = EXCLUDED.last_date,
                last_message = EXCLUDED.last_message,
                detail = COALESCE(EXCLUDED.detail, problem.detail)
"""
SOLVE = """
    UPDATE payment_aps_problem
       SET end_date = %(now)s,
           state = CASE WHEN state = 'open' THEN 'solved' ELSE state END
     WHERE end_date IS NULL AND kind = %(kind)s
       AND (%(provider_id)s IS NULL OR provider_id = %(provider_id)s)
       AND (%(transaction_ids)s IS NULL OR transaction_id = ANY(%(transaction_ids)s::int[]))
"""


class PaymentAPSProblem(models.Model):
    """ Something that costs money, or may, unless somebody looks at it.

    There is one row for each problem, however often it is seen. It ends by itself when its cause is
    gone. It can be dismissed with a reason: one whose cause lasts stays dismissed for as long as
    that is there, and what comes back after that is a new problem.

    Rows are written after the commit of what they are about, with a cursor of their own: two
    processes that note the same problem wait for each other or conflict, and neither may happen to
    a payment. What is rolled back was no problem. Should the server stop between the two commits, a
    note is lost; what it is about stands on the payment all the same.
    """

    _name = 'payment.aps.problem'
    # A thread only because activities are done by a message on it.
    _inherit = ['payment.aps.record', 'mail.thread', 'mail.activity.mixin']
    _description = "APS Problem"
    _order = 'last_date desc, id desc'
    _rec_name = 'kind'

    _aps_list_fields = {
        'kind': {'decoration-bf': "state == 'open'"},
        'first_date': {},
        'transaction_id': {},
        'document': {'optional': 'show', 'width': '120px'},
        'provider_id': {'optional': 'hide'},
        'meaning': {},
        'advice': {},
        'detail': {'optional': 'hide'},
        'count': {'optional': 'hide'},
        'state': {
            'widget': 'badge',
            'optional': 'hide',
            'decoration-danger': "state == 'open'",
            'decoration-success': "state == 'solved'",
        },
        'company_id': {'optional': 'hide', 'groups': 'base.group_multi_company'},
    }
    _aps_list_buttons = (
        {'name': 'action_solve', 'class': 'btn-link'},
        {'name': 'action_open_dismissal', 'class': 'btn-link'},
    )

    kind = fields.Selection(
        string="Problem", selection='_aps_list_kinds', required=True, readonly=True
    )
    provider_id = fields.Many2one(
        comodel_name='payment.provider', ondelete='cascade', readonly=True
    )
    company_id = fields.Many2one(comodel_name='res.company', ondelete='cascade', readonly=True)
    transaction_id = fields.Many2one(
        string="Payment Transaction",
        comodel_name='payment.transaction',
        ondelete='cascade',
        index='btree_not_null',
        readonly=True,
    )
    document = fields.Char(
        help="The orders and invoices that are paid.",
        compute='_compute_document',
        compute_sudo=True,
    )
    # Tells problems of one kind, provider and transaction apart, if there can be several at a time.
    key = fields.Char(readonly=True)
    detail = fields.Text(help="The error, or the sums.", readonly=True)
    meaning = fields.Text(string="What It Means", compute='_compute_meaning')
    advice = fields.Text(string="What to Do", compute='_compute_meaning')
    state = fields.Selection(
        string="Status",
        selection=[('open', "Open"), ('solved', "Solved"), ('dismissed', "Dismissed")],
        default='open',
        required=True,
        readonly=True,
    )
    reason = fields.Char(string="Reason of Dismissal", readonly=True)
    user_id = fields.Many2one(
        string="Ended by", comodel_name='res.users', ondelete='set null', readonly=True
    )
    count = fields.Integer(string="Times Seen", default=1, readonly=True)
    first_date = fields.Datetime(string="Since", readonly=True)
    last_date = fields.Datetime(string="Last Seen", readonly=True)
    # The id of the last message that was there when the problem was seen, since several come in a
    # second.
    last_message = fields.Integer(readonly=True)
    end_date = fields.Datetime(
        string="Ended on",
        help="Empty while the cause may still be there.",
        readonly=True,
    )
    told_date = fields.Datetime(string="Told on", readonly=True)
    tried_date = fields.Datetime(
        string="Tried on", help="When it was last tried to book the payment.", readonly=True
    )
    activity_id = fields.Many2one(
        comodel_name='mail.activity', ondelete='set null', readonly=True, index='btree_not_null'
    )

    def init(self):
        """ Create the index that keeps one row for each problem that has not ended, and those of
        the watch.
        """
        self.env.cr.execute("""
            CREATE UNIQUE INDEX IF NOT EXISTS payment_aps_problem_unique
                ON payment_aps_problem
                   (kind, COALESCE(provider_id, 0), COALESCE(transaction_id, 0), COALESCE(key, ''))
             WHERE end_date IS NULL
        """)
        for name, columns, condition in (
            ('not_booked', ['provider_id', 'last_state_change'], NOT_BOOKED),
            ('unsettled', ['provider_id'], UNSETTLED),
            ('authorized', ['provider_id', 'last_state_change'], AUTHORIZED),
        ):
            create_index(
                self.env.cr, f'payment_transaction_aps_{name}', 'payment_transaction', columns,
                where=condition,
            )

    #=== COMPUTE METHODS ===#

    @api.model
    def _aps_list_kinds(self):
        """ Return the kinds with their labels. """
        kinds = []
        for name, kind in KINDS.items():  # The label is translated by what `self` is.
            kinds.append((name, str(kind.label)))
        return kinds

    @api.depends('kind', 'transaction_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        labels = dict(self._aps_list_kinds())
        for problem in self:
            reference = problem.sudo().transaction_id.reference
            label = labels.get(problem.kind)
            problem.display_name = f'{label}: {reference}' if reference else label

    @api.depends('kind')
    @api.depends_context('lang')
    def _compute_meaning(self):
        for problem in self:
            kind = KINDS.get(problem.kind)
            problem.meaning = kind and str(kind.meaning)
            problem.advice = kind and str(kind.advice)

    @api.depends('transaction_id')
    def _compute_document(self):
        for problem in self:
            payment = problem.transaction_id._aps_get_payment()
            names = [
                document.display_name for name in DOCUMENT_FIELDS if name in payment._fields
                for document in payment[name]
            ]
            problem.document = ', '.join(names)

    #=== VIEWS ===#

    @api.model
    def _get_view(self, view_id=None, view_type='form', **options):
        """ Override of `base` to give the button of each kind its label, in list and form. """
        arch, view = super()._get_view(view_id, view_type, **options)
        for node in arch.xpath("//button[@name='action_solve']"):
            for name, kind in KINDS.items():
                attributes = {
                    'string': str(kind.button),
                    'invisible': f"state != 'open' or kind != '{name}'",
                    **({'confirm': str(kind.confirm)} if kind.confirm else {}),
                }
                node.addprevious(E.button(**{**node.attrib, **attributes}))
            node.getparent().remove(node)
        for node in arch.xpath("//button[@name='action_open_dismissal']"):
            node.attrib.update({'string': _("Dismiss"), 'invisible': "state != 'open'"})
        return arch, view

    #=== ACTION METHODS ===#

    def action_solve(self):
        """ Do what the one button of the problem does.

        If its cause is gone, nothing is done but to say so.

        :return: An action, which may be a notice to the user.
        :rtype: dict | None
        :raise AccessError: If the user may not act on problems, or not on those of its company.
        """
        self.ensure_one()
        self._aps_check_acting()
        if self.state != 'open' or self._aps_is_over():
            self._aps_end('solved')
            return self._aps_notify(_("The cause of this problem is gone. Nothing was changed."))
        return getattr(self, f'_aps_act_on_{self.kind}')()

    def action_dismiss(self, reason):
        """ Put problems away that are none, or that are dealt with elsewhere.

        :param str reason: Why, for whoever looks at the problem later.
        :return: None
        :raise AccessError: If the user may not act on problems, or not on those of its company.
        :raise UserError: If one has ended already.
        :raise ValidationError: If there is no reason.
        """
        self._aps_check_acting()
        if not (reason or '').strip():
            raise ValidationError(_("Say why this problem is dismissed."))
        if any(problem.state != 'open' for problem in self):
            raise UserError(_("This problem has ended already."))
        self.sudo().write({'reason': shorten(reason.strip(), 500)})
        self._aps_end('dismissed')

    def action_open_dismissal(self):
        """ Ask for the reason to dismiss problems.

        :return: The action that opens the dialog.
        :rtype: dict
        :raise AccessError: If the user may not act on problems, or not on those of its company.
        """
        self._aps_check_acting()
        return {
            'type': 'ir.actions.act_window',
            'name': _("Dismiss the Problem"),
            'res_model': 'payment.aps.dismissal',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_problem_ids': [(6, 0, self.ids)]},
        }

    def _aps_check_acting(self):
        """ Check that the user may act on the problems.

        :return: None
        :raise AccessError: If not, or not on those of their company.
        """
        if not any(self.env.user.has_group(group) for group in ACTING_GROUPS):
            raise AccessError(_("Only accountants may act on problems of payments."))
        if self.search([('id', 'in', self.ids)]) != self:
            raise AccessError(_("This problem concerns another company."))

    #=== BUSINESS METHODS - NOTING ===#

    @api.model
    def _aps_note(self, kind, provider, tx=None, detail=None, key=None):
        """ Note a problem once the current database transaction is committed.

        It never stops or blocks the caller, and isn't noted if what it is about is rolled back.

        :param str kind: One of `KINDS`.
        :param recordset provider: The provider.
        :param recordset|None tx: The transaction that it is about, if any.
        :param str|None detail: The error or the sums, for people; without secrets.
        :param str|None key: Tells it from others of the same kind, provider and transaction.
        :return: None
        """
        values = self._aps_prepare_values(kind, provider, tx, detail, key)
        self._aps_write_after_commit(NOTE, values)

    @api.model
    def _aps_note_apart(self, kind, provider, tx=None, detail=None, key=None):
        """ Note a problem at once, whatever becomes of the current database transaction.

        Provider and transaction must be committed. See `_aps_note`.
        """
        values = self._aps_prepare_values(kind, provider, tx, detail, key)
        self._aps_write_apart(lambda problems: problems.env.cr.execute(
            NOTE, values, log_exceptions=False
        ))

    @api.model
    def _aps_solve(self, kind, provider=None, txs=None):
        """ End the problems of a kind once the current database transaction is committed.

        :param str kind: One of `KINDS`.
        :param recordset|None provider: Their provider, if not any.
        :param recordset|None txs: Their transactions, if not any.
        :return: None
        """
        domain = [('kind', '=', kind), ('end_date', '=', False)]
        if provider:
            domain.append(('provider_id', 'in', provider.ids))
        if txs is not None:
            domain.append(('transaction_id', 'in', txs.ids))
        pending = self.env.cr.postcommit.data.get(PENDING_KEY)
        if not pending and not self.sudo().search_count(domain, limit=1):
            return
        self._aps_write_after_commit(SOLVE, {
            'kind': kind,
            'provider_id': provider.id if provider else None,
            'transaction_ids': None if txs is None else txs.ids,
            'now': fields.Datetime.now(),
        })

    def _aps_prepare_values(self, kind, provider, tx, detail, key):
        """ Return the values of a row. """
        return {
            'uid': self.env.uid,
            'now': fields.Datetime.now(),
            'kind': kind,
            'provider_id': provider.id or None,
            'transaction_id': tx.id if tx else None,
            'key': key,
            'detail': detail and str(detail),
        }

    def _aps_write_after_commit(self, query, values):
        """ Run a query after the commit, with a cursor of its own, in the order of the calls.

        :param str query: `NOTE` or `SOLVE`.
        :param dict values: Its values.
        :return: None
        """
        postcommit = self.env.cr.postcommit
        queries = postcommit.data.setdefault(PENDING_KEY, [])
        queries.append((query, values))
        if len(queries) > 1:
            return

        @postcommit.add
        def write():
            self._aps_write_apart(lambda problems: [
                problems.env.cr.execute(*one, log_exceptions=False) for one in queries
            ])

    #=== BUSINESS METHODS - ENDING ===#

    def _aps_end(self, state):
        """ End problems by hand, and the activities that told of nothing else.

        :param str state: `solved` or `dismissed`.
        :return: None
        """
        for problem_sudo in self.sudo().filtered(lambda problem: problem.state == 'open'):
            is_over = state == 'solved' or not KINDS[problem_sudo.kind].is_lasting
            problem_sudo.write({
                'state': state,
                'user_id': self.env.uid,
                'end_date': is_over and fields.Datetime.now(),
            })
        self.sudo()._aps_close_activities()

    def _aps_is_over(self):
        """ Return whether the cause of the problem is gone, as far as can be told. """
        check = getattr(self.sudo(), f'_aps_is_over_{self.kind}', None)
        return check() if check else False  # Of some events, only people can tell.

    @api.model
    def _aps_notify(self, message, kind='success'):
        """ Return the action that tells the user something.

        :param str message: The message.
        :param str kind: The type of the notification.
        :return: The action.
        :rtype: dict
        """
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'message': message, 'type': kind,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    #=== BUSINESS METHODS - PURGE ===#

    @api.autovacuum
    def _gc_problems(self):
        """ Delete the problems that ended longer ago than messages are kept. """
        days = self.env['ir.config_parameter'].sudo().get_param(RETENTION_DAYS_PARAMETER)
        limit = fields.Datetime.now() - timedelta(days=read_setting(days, RETENTION_DAYS))
        self.search([('end_date', '<', limit)]).unlink()
