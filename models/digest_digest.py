from odoo import _, fields, models
from odoo.exceptions import AccessError


class Digest(models.Model):
    _inherit = 'digest.digest'

    kpi_aps_payments = fields.Boolean(string="APS Payments")
    kpi_aps_payments_value = fields.Monetary(compute='_compute_kpi_aps_payments_value')

    def _compute_kpi_aps_payments_value(self):
        """ Add up what was paid by APS in the period, in the currency of the company.

        :raise AccessError: If the recipient may not know; the digest then leaves the figure out.
        """
        if not self.env.user.has_group('account.group_account_invoice'):
            raise AccessError(_("Only accountants may read what was paid."))
        self._calculate_company_based_kpi(
            'payment.aps.report',
            'kpi_aps_payments_value',
            date_field='date',
            additional_domain=[('kind', '=', 'payment'), ('state', '=', 'done')],
            sum_field='amount',
        )

    def _compute_kpis_actions(self, company, user):
        """ Override of `digest` to lead from the figure to the payments. """
        actions = super()._compute_kpis_actions(company, user)
        action = 'payment_aps.action_payment_aps_transaction'
        separator = '?' if any('?menu_id' in (one or '') for one in actions.values()) else '&'
        menu_id = self.env.ref('account.menu_finance').id
        return {**actions, 'kpi_aps_payments': f'{action}{separator}menu_id={menu_id}'}
