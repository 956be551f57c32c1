import logging

from odoo import _, api, fields, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)


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
            provider_sudo._aps_take_charge()
            provider_sudo._aps_resume_operations()
            self.env['payment.aps.problem']._aps_solve('copy', provider_sudo)
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
