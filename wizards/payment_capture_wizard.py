from odoo import models


class PaymentCaptureWizard(models.TransientModel):
    _inherit = 'payment.capture.wizard'

    def action_capture(self):
        """ Override of `payment` to capture the amount that was entered, or nothing.

        If a part was captured since the wizard was opened, e.g., by somebody else or by a second
        click, the engine would capture what is left instead.

        :return: None
        :raise ValidationError: If less than the amount can still be captured.
        """
        for wizard in self:
            aps_txs_sudo = wizard.transaction_ids.sudo().filtered(
                lambda tx: tx.provider_code == 'aps'
            )
            for tx_sudo in aps_txs_sudo:
                tx_sudo._aps_touch()
            if aps_txs_sudo:
                wizard._check_amount_to_capture_within_boundaries()
        return super().action_capture()
