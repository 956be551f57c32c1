from odoo import _, fields, models
from odoo.exceptions import UserError


class PaymentCaptureWizard(models.TransientModel):
    _inherit = 'payment.capture.wizard'

    aps_is_confirmed = fields.Boolean()

    def action_capture(self):
        """ Override of `payment` to capture the amount that was entered once, or nothing.

        If a part was captured since the wizard was opened, e.g., by somebody else, the engine would
        capture what is left instead.

        :return: None
        :raise UserError: If the wizard was confirmed before, e.g., by a double click.
        :raise ValidationError: If less than the amount can still be captured.
        """
        for wizard in self:
            aps_txs_sudo = wizard.transaction_ids.sudo().filtered(
                lambda tx: tx.provider_code == 'aps'
            )
            for tx_sudo in aps_txs_sudo:
                tx_sudo._aps_touch()
            if aps_txs_sudo:
                if wizard.aps_is_confirmed:
                    raise UserError(_("This capture was already requested. Close this window."))
                wizard.aps_is_confirmed = True
                wizard._check_amount_to_capture_within_boundaries()
        return super().action_capture()
