from odoo import _, api, models

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.values import is_payable


class PaymentProvider(models.Model):
    """ What is offered to shoppers: for which amounts, currencies and methods. """

    _inherit = 'payment.provider'

    #=== BUSINESS METHODS - OFFER ===#

    @api.model
    def _get_compatible_providers(
        self, company_id, partner_id, amount, *args, currency_id=None, **kwargs
    ):
        """ Override of `payment` to not offer what can't be paid.

        :return: The compatible providers.
        :rtype: recordset of `payment.provider`
        """
        providers = super()._get_compatible_providers(
            company_id, partner_id, amount, *args, currency_id=currency_id, **kwargs
        )
        aps_providers = providers.filtered(lambda p: p.code == 'aps')
        for withheld_providers, reason in (
            aps_providers._aps_leave_out_validation(**kwargs),
            aps_providers._aps_leave_out_amount(amount, currency_id),
            aps_providers._aps_leave_out_websites(**kwargs),
        ):
            providers -= withheld_providers
            if withheld_providers and kwargs.get('report') is not None:  # Only 19.0 reports.
                payment_utils.add_to_report(
                    kwargs['report'], withheld_providers, available=False, reason=reason
                )
        return providers

    def _aps_leave_out_validation(self, is_validation=False, **_kwargs):
        """ Return the providers that can't save a card without a payment, which none of APS can.

        :param bool is_validation: Whether a card is to be saved without a payment.
        :return: The providers, and why they are not offered.
        :rtype: tuple[recordset of `payment.provider`, str]
        """
        reason = _("cards can only be saved along with a payment")
        return (self if is_validation else self.browse()), reason

    def _aps_leave_out_amount(self, amount, currency_id):
        """ Return the providers that don't take an amount.

        :param float amount: The amount, in major units; 0 if it is not known yet.
        :param int|None currency_id: The currency, as a `res.currency` id.
        :return: The providers, and why they are not offered.
        :rtype: tuple[recordset of `payment.provider`, str]
        """
        reason = _("Amazon Payment Services doesn't take this amount")
        currency = self.env['res.currency'].browse(currency_id)
        is_taken = not (self and amount and currency) or is_payable(
            amount, currency.name
        )
        return (self.browse() if is_taken else self), reason

    def _aps_leave_out_websites(self, sale_order_id=None, **_kwargs):
        """ Return the providers that are for another website than that of an order.

        Odoo makes the page of a payment link without website, and takes the first provider for
        cards. What is in test mode could not be paid to then. A live one is better than none.

        :param int|None sale_order_id: The order, as a `sale.order` id.
        :return: The providers, and why they are not offered.
        :rtype: tuple[recordset of `payment.provider`, str]
        """
        reason = _("the order was made on another website")
        has_shop = 'sale.order' in self.env and 'website_id' in self.env['sale.order']._fields
        if not (self and sale_order_id and has_shop):
            return self.browse(), reason
        website = self.env['sale.order'].sudo().browse(sale_order_id).exists().website_id
        other_providers = self.filtered(
            lambda p: website and p.website_id and p.website_id != website
        )
        if (self - other_providers).filtered(lambda p: p.state == 'enabled'):
            return other_providers, reason
        return other_providers.filtered(lambda p: p.state != 'enabled'), reason

    #=== BUSINESS METHODS - SETTINGS OF THE ENGINE ===#

    def _get_supported_currencies(self):
        """ Override of `payment` to return the currencies that APS merchants commonly have. """
        supported_currencies = super()._get_supported_currencies()
        if self.code == 'aps':
            supported_currencies = supported_currencies.filtered(
                lambda currency: currency.name in const.SUPPORTED_CURRENCIES
            )
        return supported_currencies

    def _get_default_payment_method_codes(self):
        """ Override of `payment` to offer cards. """
        codes = super()._get_default_payment_method_codes()
        if self.code != 'aps':
            return codes
        return const.DEFAULT_PAYMENT_METHOD_CODES

    def _aps_get_payment_command(self, method_code, operation, is_at_till=False):
        """ Return whether a payment is to be taken at once or to be reserved only.

        :param str method_code: The code of the payment method.
        :param str operation: The operation of the transaction; a charge without the shopper is
                              always taken at once.
        :param bool is_at_till: Whether an order of a point of sale is paid. Odoo calls it paid, and
                                books it, as soon as the amount is reserved, so it is taken at once.
        :return: `PURCHASE` or `AUTHORIZATION`.
        :rtype: str
        """
        option = const.OPTIONS_BY_METHOD.get(method_code, const.ANY_CARD)
        is_manual = self.sudo().capture_manually  # Accountants may not read providers.
        if is_manual and option.authorization and operation != 'offline' and not is_at_till:
            return 'AUTHORIZATION'
        return 'PURCHASE'
