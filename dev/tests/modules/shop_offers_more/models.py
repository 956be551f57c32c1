from odoo import api, models

PARAMETER = 'shop_offers_more.is_on'


class PaymentProvider(models.Model):
    """ Offers all that is published, whatever its limits, while a system parameter is set. """

    _inherit = 'payment.provider'

    @api.model
    def _get_compatible_providers(self, company_id, *args, **kwargs):
        """ Override of `payment` to offer more. """
        providers = super()._get_compatible_providers(company_id, *args, **kwargs)
        if not self.env['ir.config_parameter'].sudo().get_param(PARAMETER):
            return providers
        return providers | self.search([
            ('company_id', '=', company_id), ('is_published', '=', True),
            ('state', '!=', 'disabled'),
        ])


class PaymentMethod(models.Model):
    """ Offers the methods of all countries and currencies, while a system parameter is set. """

    _inherit = 'payment.method'

    def _get_compatible_payment_methods(self, provider_ids, *args, **kwargs):
        """ Override of `payment` to offer more. """
        methods = super()._get_compatible_payment_methods(provider_ids, *args, **kwargs)
        if not self.env['ir.config_parameter'].sudo().get_param(PARAMETER):
            return methods
        return methods | self.env['payment.method'].search([
            ('provider_ids', 'in', provider_ids), ('is_primary', '=', True),
        ])
