from odoo import fields, models


class PaymentAPSDismissal(models.TransientModel):
    """ The reason to dismiss problems. """

    _name = 'payment.aps.dismissal'
    _description = "APS Dismissal"

    problem_ids = fields.Many2many(
        string="Problems", comodel_name='payment.aps.problem', required=True, readonly=True
    )
    reason = fields.Char(
        help="For whoever looks at the problem later.",
        required=True,
    )

    def action_dismiss(self):
        """ Dismiss the problems; who may is checked there.

        :return: None
        """
        self.ensure_one()
        self.problem_ids.action_dismiss(self.reason)
