import logging

from markupsafe import Markup

from odoo import _, api, fields, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)

# The system parameter that holds the identifier of the copy that administrators were told of.
TOLD_PARAMETER = 'payment_aps.told_copy'
ACTIVITY_TYPE = 'payment_aps.mail_activity_type_copy'
ACTIVITY_NOTE = Markup(
    '<p>%s</p><p><a href="/mail/view?model=payment.provider&amp;res_id=%s">%s</a></p>'
)


class PaymentProvider(models.Model):
    """ Copies of a database, e.g., for tests, which must not move money for the live one.

    A copy is what Odoo calls one: a database with another identifier. Who moves a database is asked
    by Odoo whether it is a copy, and the answer is preselected, so a copy goes on selling. What
    takes or moves money without a shopper waits until an administrator confirms the database.
    """

    _inherit = 'payment.provider'

    aps_database = fields.Char(
        string="APS Database",
        help="Odoo's identifier of the database in which the provider was enabled.",
        readonly=True,
        copy=False,
        groups='base.group_system',
    )
    aps_is_in_copy = fields.Boolean(
        string="Is in a Copy", compute='_compute_aps_is_in_copy', groups='base.group_system'
    )

    #=== COMPUTE METHODS ===#

    @api.depends('state', 'aps_database')
    def _compute_aps_is_in_copy(self):
        for provider in self:
            # As it is stored: enabling the provider in the form is a confirmation itself.
            provider.aps_is_in_copy = provider._origin._aps_is_copied()

    #=== ACTION METHODS ===#

    def action_aps_confirm_database(self):
        """ Let the provider move live money in this database, and resume what waited for it.

        :return: None
        :raise AccessError: If the user is not a settings administrator.
        """
        self._aps_ensure_administrator()
        self._aps_remember_database()

    #=== BUSINESS METHODS - WHAT IS A COPY ===#

    @api.model
    def _aps_get_database(self):
        """ Return what Odoo tells this database from its copies by. """
        return self.env['ir.config_parameter'].sudo().get_param('database.uuid')

    def _aps_is_copied(self):
        """ Return whether the provider is live, but was not enabled in this very database.

        If it isn't known where it was enabled, it wasn't here.
        """
        provider_sudo = self.sudo()
        return (
            provider_sudo.code == 'aps'
            and provider_sudo.state == 'enabled'
            and (provider_sudo.aps_database or None) != self._aps_get_database()
        )

    def _aps_ensure_confirmed(self):
        """ Check that live money may be moved from this database.

        :return: None
        :raise UserError: If the database is a copy that was not confirmed.
        """
        if self._aps_is_copied():
            raise UserError(self._aps_get_copy_message())

    @api.model
    def _aps_get_copy_message(self):
        """ Return why a copy of a database waits. """
        return _(
            "This database is a copy of the one in which live payments were switched on, so cards "
            "are not charged here without the customer, and nothing is captured, voided or "
            "refunded. An administrator can confirm in the payment provider that this is the live "
            "database."
        )

    #=== BUSINESS METHODS - CONFIRMATION ===#

    def _aps_remember_database(self):
        """ Take this database for the one that the providers were enabled in. """
        for provider_sudo in self.sudo().filtered(lambda p: p.code == 'aps'):
            provider_sudo.aps_database = self._aps_get_database()
            provider_sudo._aps_resume_operations()
            provider_sudo._aps_close_activity()
            _logger.info(
                "User %s lets provider %s move live money in this database.",
                self.env.uid, provider_sudo.id,
            )

    def _aps_resume_operations(self):
        """ Have what waited for the confirmation sent as soon as it is committed. """
        queued_txs = self.env['payment.transaction'].search([
            ('provider_id', '=', self.id), ('aps_request_state', '=', 'queued'),
        ])
        for tx in queued_txs:
            tx._aps_get_payment()._aps_schedule_check(at_once=True)
        self.env['payment.token'].with_context(active_test=False).search([
            ('provider_id', '=', self.id), ('active', '=', False),
            ('aps_is_deactivation_due', '=', True),
        ])._aps_deactivate_after_commit()

    #=== BUSINESS METHODS - ADMINISTRATORS ===#

    @api.model
    def _aps_warn_of_copy(self):
        """ Tell an administrator of each company, once, that what moves live money waits here. """
        parameters_sudo = self.env['ir.config_parameter'].sudo()
        database = self._aps_get_database()
        if parameters_sudo.get_param(TOLD_PARAMETER) == database:
            return
        copied_providers = self.search([('code', '=', 'aps'), ('state', '=', 'enabled')]).filtered(
            lambda provider: provider._aps_is_copied()
        )
        if not copied_providers:
            return
        for providers in copied_providers.grouped('company_id').values():
            providers[0]._aps_open_activity()
        parameters_sudo.set_param(TOLD_PARAMETER, database)

    def _aps_open_activity(self):
        """ Ask an administrator to confirm the database, or to switch the provider to test mode.

        It stands with the contact of the company, as providers have no activities.
        """
        _logger.warning("Provider %s: %s", self.id, self._aps_get_copy_message())
        user = self._aps_find_administrator()
        if not user:
            return
        self = self.with_context(lang=user.lang)
        self.company_id.partner_id.activity_schedule(
            ACTIVITY_TYPE,
            summary=_("Is this the live database?"),
            note=ACTIVITY_NOTE % (self._aps_get_copy_message(), self.id, self.name),
            user_id=user.id,
        )

    def _aps_find_administrator(self):
        """ Return the first settings administrator of the company of the provider, if any. """
        users = self.env['res.users'].search([
            ('share', '=', False), ('company_ids', 'in', self.company_id.ids),
        ], order='id')
        administrators = (user for user in users if user.has_group('base.group_system'))
        return next(administrators, users.browse())

    def _aps_close_activity(self):
        """ Close the activity of the company, unless another account of it still waits. """
        company = self.company_id
        if not any(
            provider._aps_is_copied() for provider in
            self.search([('code', '=', 'aps'), ('company_id', '=', company.id)])
        ):
            company.partner_id.activity_unlink([ACTIVITY_TYPE])
