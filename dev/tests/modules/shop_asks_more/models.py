from odoo import api, fields, models

PARAMETER = 'shop_asks_more.is_on'
NOBODY = "Nobody"


class SaleOrder(models.Model):
    """ Orders with a field that is required by the database.

    While a system parameter is set, a person has to choose who delivers before an order can be
    confirmed.
    """

    _inherit = 'sale.order'

    shop_courier = fields.Char(
        string="Courier", compute='_compute_shop_courier', store=True, readonly=False,
        precompute=True, required=True,
    )

    @api.depends('state')
    def _compute_shop_courier(self):
        is_on = self.env['ir.config_parameter'].sudo().get_param(PARAMETER)
        for order in self:
            is_open = order.shop_courier in (False, NOBODY)
            if is_open:
                order.shop_courier = False if is_on and order.state == 'sale' else NOBODY
