from odoo import api, models

PARAMETER = 'shop_offers_less.is_on'


class PaymentProvider(models.Model):
    """ Offers no provider of APS, while a system parameter is set. """

    _inherit = 'payment.provider'

    @api.model
    def _get_compatible_providers(self, *args, **kwargs):
        """ Override of `payment` to offer less. """
        providers = super()._get_compatible_providers(*args, **kwargs)
        if not self.env['ir.config_parameter'].sudo().get_param(PARAMETER):
            return providers
        return providers.filtered(lambda provider: provider.code != 'aps')
