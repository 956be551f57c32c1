from odoo import _, models
from odoo.exceptions import UserError

PARAMETER = 'shop_is_broken.is_on'


class SaleOrder(models.Model):
    """ Orders that can't be confirmed, while a system parameter is set. """

    _inherit = 'sale.order'

    def action_confirm(self):
        """ Override of `sale` to fail. """
        if self and self.env['ir.config_parameter'].sudo().get_param(PARAMETER):
            raise UserError(_("The warehouse is closed."))
        return super().action_confirm()
