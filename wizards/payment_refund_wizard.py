from odoo import api, fields, models


class PaymentRefundWizard(models.TransientModel):
    _name = 'payment.refund.wizard'
    _inherit = ('payment.refund.wizard', 'payment.aps.single.use')

    aps_recent_operations = fields.Text(compute='_compute_aps_recent_operations')

    #=== COMPUTE METHODS ===#

    @api.depends('payment_id')
    def _compute_aps_recent_operations(self):
        for wizard in self:
            tx_sudo = wizard._aps_get_tx().sudo()
            refunds_sudo = tx_sudo and tx_sudo._aps_get_payment()._aps_get_refunds()
            wizard.aps_recent_operations = wizard._aps_describe_recent_operations(refunds_sudo)

    #=== ACTION METHODS ===#

    def action_refund(self):
        """ Override of `account_payment` to refund once, however often it is confirmed.

        :return: See `account_payment`.
        :raise UserError: If the wizard was confirmed before, e.g., by a double click.
        """
        for wizard in self:
            aps_tx = wizard._aps_get_tx()
            if aps_tx:
                wizard._aps_confirm(aps_tx)
        return super().action_refund()

    #=== BUSINESS METHODS ===#

    def _aps_get_tx(self):
        """ Return the transaction that is refunded, if it is one of APS. """
        return self.transaction_id.filtered(lambda tx: tx.provider_code == 'aps')
