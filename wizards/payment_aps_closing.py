from odoo import fields, models


class PaymentAPSClosing(models.TransientModel):
    """ The reason to close a payment that APS doesn't tell about. """

    _name = 'payment.aps.closing'
    _description = "APS Closing"

    transaction_id = fields.Many2one(
        string="Payment Transaction",
        comodel_name='payment.transaction',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    reason = fields.Char(
        help="What the APS dashboard shows, for whoever looks at the payment later.",
        required=True,
    )

    def action_close(self):
        """ Close the payment; who may is checked there.

        :return: None
        """
        self.ensure_one()
        self.transaction_id._aps_close(self.reason)
