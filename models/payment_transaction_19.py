from odoo import models


class PaymentTransaction(models.Model):
    """ Adapter of the payment engine of Odoo 19.0: its hooks, in terms of `_aps_*`. """

    _inherit = 'payment.transaction'

    def _aps_handle(self, message):
        """ Check an authentic message and apply it.

        Note: `self.ensure_one()`

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise ValidationError: If the message doesn't fit the transaction. Nothing was written.
        """
        self._process('aps', message)

    def _process(self, provider_code, payment_data):
        """ Override of `payment` to check that the message fits the transaction.

        The engine's own check would set the transaction in error: an attacker's success.
        """
        tx = self or self._search_by_reference(provider_code, payment_data)
        if provider_code == 'aps' and tx:
            tx._aps_check_message(payment_data)
        return super(PaymentTransaction, tx)._process(provider_code, payment_data)

    def _search_by_reference(self, provider_code, payment_data):
        """ Override of `payment` to find the transaction by the reference of the message. """
        if provider_code != 'aps':
            return super()._search_by_reference(provider_code, payment_data)
        return self._aps_search(payment_data)

    def _extract_amount_data(self, payment_data):
        """ Override of `payment` to skip the engine's check: the amount was checked before. """
        if self.provider_code != 'aps':
            return super()._extract_amount_data(payment_data)
        return None

    def _apply_updates(self, payment_data):
        """ Override of `payment` to apply an APS message. """
        if self.provider_code != 'aps':
            return super()._apply_updates(payment_data)
        return self._aps_apply(payment_data)
