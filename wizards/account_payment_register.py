from odoo import api, fields, models


class AccountPaymentRegister(models.TransientModel):
    _name = 'account.payment.register'
    _inherit = ('account.payment.register', 'payment.aps.single.use')

    aps_recent_operations = fields.Text(compute='_compute_aps_recent_operations')

    #=== COMPUTE METHODS ===#

    @api.depends('payment_token_id', 'line_ids')
    def _compute_aps_recent_operations(self):
        """ Tell of charges of the same card, and of those for the same invoices. """
        for wizard in self:
            token_sudo = wizard._aps_get_token_sudo()
            charges_sudo = token_sudo.transaction_ids
            if token_sudo:
                charges_sudo |= wizard.line_ids.move_id.sudo().transaction_ids
            wizard.aps_recent_operations = wizard._aps_describe_recent_operations(
                charges_sudo.filtered(
                    lambda tx: tx.operation == 'offline' and tx.provider_code == 'aps'
                )
            )

    #=== BUSINESS METHODS ===#

    def _create_payments(self):
        """ Override of `account` to charge a saved card once, however often it is confirmed.

        :return: The payments.
        :rtype: recordset of `account.payment`
        :raise UserError: If the wizard was confirmed before, e.g., by a double click.
        """
        if self._aps_get_token_sudo():
            self._aps_confirm()
        return super()._create_payments()

    def _aps_get_token_sudo(self):
        """ Return the saved card that is charged, sudoed, if it is one of APS. """
        return self.payment_token_id.sudo().filtered(lambda token: token.provider_code == 'aps')
