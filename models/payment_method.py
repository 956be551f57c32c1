import base64

from odoo import Command, _, api, models
from odoo.tools import file_open

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.values import clean_phone

# The methods that Odoo 17.0 lacks, with the image to give them. A later series has some of them.
OWN_METHODS = {
    'stcpay': 'payment_aps/static/img/stcpay.png',
    'tabby': 'payment_aps/static/img/tabby.png',
    'tamara': 'payment_aps/static/img/tamara.png',
    'apple_pay': 'payment/static/img/apple_pay.png',
    'installments': 'payment_aps/static/img/installments.png',
}
# The brands of cards that APS can offer as choices of their own.
LOCAL_NETWORKS = ('naps', 'omannet', 'meeza')
# What Odoo ships about methods but is wrong: the shipped values by field, which those of the table
# above replace. A value that differs from the shipped ones was set by hand, and is left alone.
METHOD_CORRECTIONS = {
    'mada': {'support_refund': (False, 'none'), 'support_tokenization': (False,)},
    'stcpay': {'support_refund': ('none',)},
    'tabby': {'support_refund': ('none',)},
    'tamara': {'support_refund': ('none',)},
}


class PaymentMethod(models.Model):
    _inherit = 'payment.method'

    #=== CRUD METHODS ===#

    def write(self, values):
        """ Override of `payment` to offer a local network by name as soon as it is switched on.

        Odoo ships it as a brand of cards, of which no switch changes anything that shoppers see.
        """
        if values.get('active') and 'primary_payment_method_id' not in values:
            self.filtered(lambda method: method._aps_is_hidden_network())._aps_set_primary(True)
        return super().write(values)

    def _aps_is_hidden_network(self):
        """ Return whether this is a local network that only APS takes, and that shows as a brand.

        Another provider may need it as the brand that it is.
        """
        is_hidden = (
            self.code in LOCAL_NETWORKS and not self.active and self.primary_payment_method_id
        )
        providers_sudo = self.sudo().provider_ids.filtered(lambda p: p.state != 'disabled')
        return bool(is_hidden) and set(providers_sudo.mapped('code')) == {'aps'}

    #=== BUSINESS METHODS - SETUP ===#

    @api.model
    def _aps_setup(self):
        """ Make the payment methods agree with what APS can do.

        The methods are shared between providers and can be changed by hand, so this is done once,
        at installation, rather than at each update.

        :return: None
        """
        methods = self.with_context(active_test=False)
        for code in OWN_METHODS:
            if not methods.search_count([('code', '=', code)]):
                self.create(self._aps_prepare_create_values(const.OPTIONS_BY_METHOD[code]))
        for method in methods.search([('code', 'in', list(METHOD_CORRECTIONS))]):
            method._aps_correct()
        providers = self.env['payment.provider'].search([('code', '=', 'aps')])
        providers.write({'payment_method_ids': [
            Command.link(method.id)
            for method in methods.search([('code', 'in', list(OWN_METHODS))])
        ]})

    @api.model
    def _aps_prepare_create_values(self, option):
        """ Return the values of a payment method that Odoo lacks, switched off.

        :param const.PaymentOption option: What can be done with it.
        :return: The values.
        :rtype: dict
        """
        values = {
            'name': option.name,
            'code': option.method,
            'sequence': 1000,
            'active': False,
            'image': self._aps_read_image(option.method),
            'support_tokenization': option.tokenization,
            'support_refund': option.refund,
            **self._aps_prepare_limits(option),
        }
        if 'support_manual_capture' in self._fields:  # Since 19.0.
            values['support_manual_capture'] = 'partial' if option.authorization else 'none'
        return values

    @api.model
    def _aps_read_image(self, code):
        """ Return the image of a payment method that Odoo lacks.

        :param str code: The code of the method.
        :return: The image, encoded.
        :rtype: bytes
        """
        with file_open(OWN_METHODS[code], 'rb') as file:
            return base64.b64encode(file.read())

    #=== BUSINESS METHODS - CHECKOUT ===#

    def _aps_get_label(self):
        """ Return the name of the method as shoppers read it.

        Names are not translated in Odoo 17.0. That is no harm to those of brands, and what the
        merchant calls a method stays; the other two are words of the language.

        :return: The name.
        :rtype: str
        """
        labels = {
            'card': (const.ANY_CARD.name, _("Card")),
            'installments': (const.OPTIONS_BY_METHOD['installments'].name, _("Installments")),
        }
        shipped_name, label = labels.get(self.code, (None, None))
        return label if self.name == shipped_name else self.name

    def _aps_lacks_phone(self, provider, partner):
        """ Return whether the method can't be used as long as the shopper has no phone number.

        :param recordset provider: The provider that offers the method.
        :param recordset partner: The shopper.
        :return: Whether it can't.
        :rtype: bool
        """
        option = const.OPTIONS_BY_METHOD.get(self.code)
        needs_phone = provider.code == 'aps' and option is not None and option.phone
        return needs_phone and not clean_phone(partner.phone)

    #=== BUSINESS METHODS - VALUES ===#

    @api.model
    def _aps_prepare_limits(self, option):
        """ Return the countries and currencies of an option, as values to write.

        :param const.PaymentOption option: The option.
        :return: The values.
        :rtype: dict
        """
        countries = self.env['res.country'].search([('code', 'in', option.countries)])
        currencies = self.env['res.currency'].with_context(active_test=False).search(
            [('name', 'in', option.currencies)]
        )
        return {
            'supported_country_ids': [Command.set(countries.ids)],
            'supported_currency_ids': [Command.set(currencies.ids)],
        }

    def _aps_correct(self):
        """ Correct what Odoo ships about the method, unless it was changed by hand.

        :return: None
        """
        option = const.OPTIONS_BY_METHOD[self.code]
        right_values = {
            'support_refund': option.refund, 'support_tokenization': option.tokenization,
        }
        corrections = {
            name: right_values[name]
            for name, shipped_values in METHOD_CORRECTIONS[self.code].items()
            if self[name] in shipped_values
        }
        if corrections:
            self.write(corrections)

    def _aps_set_primary(self, is_primary):
        """ Offer local networks as choices of their own, or as brands of cards as Odoo ships them.

        :param bool is_primary: Whether they are to be choices of their own.
        :return: None
        """
        card = self.env.ref('payment.payment_method_card')
        for method in self:
            option = const.OPTIONS_BY_METHOD[method.code]
            if not is_primary:
                method.write({
                    'primary_payment_method_id': card.id,
                    'supported_country_ids': [Command.clear()],
                    'supported_currency_ids': [Command.clear()],
                })
                continue
            method.write({
                'primary_payment_method_id': False,
                'support_refund': option.refund,
                **self._aps_prepare_limits(option),
            })
        self.invalidate_recordset(['is_primary'])  # The engine doesn't tell what it depends on.
