from odoo import api, fields, models


class PaymentCaptureWizard(models.TransientModel):
    _name = 'payment.capture.wizard'
    _inherit = ('payment.capture.wizard', 'payment.aps.single.use')

    aps_recent_operations = fields.Text(compute='_compute_aps_recent_operations')
    aps_is_used = fields.Boolean(compute='_compute_aps_is_used')

    #=== COMPUTE METHODS ===#

    @api.depends('transaction_ids')
    def _compute_aps_recent_operations(self):
        for wizard in self:
            captures_sudo = wizard._aps_get_txs().sudo().child_transaction_ids.filtered(
                lambda tx: tx.aps_operation == 'CAPTURE'
            )
            wizard.aps_recent_operations = wizard._aps_describe_recent_operations(captures_sudo)

    @api.depends('transaction_ids')
    def _compute_aps_is_used(self):
        for wizard in self:
            wizard.aps_is_used = bool(wizard._aps_get_txs())

    #=== ACTION METHODS ===#

    def action_capture(self):
        """ Override of `payment` to capture the amount that was entered once, or nothing.

        If a part was captured since the wizard was opened, e.g., by somebody else, the engine would
        capture what is left instead.

        :return: None
        :raise UserError: If the wizard was confirmed before, e.g., by a double click.
        :raise ValidationError: If less than the amount can still be captured.
        """
        for wizard in self:
            aps_txs = wizard._aps_get_txs()
            if aps_txs:
                wizard._aps_confirm(aps_txs)
                for tx_sudo in aps_txs.sudo():
                    tx_sudo._aps_reserve_payment()
                wizard._check_amount_to_capture_within_boundaries()
        return super().action_capture()

    #=== BUSINESS METHODS ===#

    def _aps_get_txs(self):
        """ Return the transactions of APS that are captured.

        Not in sudo mode, as that would put into the cache what the user may have no right to read.
        """
        return self.transaction_ids.filtered(lambda tx: tx.provider_code == 'aps')
