from markupsafe import escape

from odoo import models


class PaymentProvider(models.Model):
    """ Adapter of the payment engine of Odoo 19.0 for what it asks of the provider. """

    _inherit = 'payment.provider'

    def _get_status_message(self, status):
        """ Override of `payment` not to say of a pending payment that it was processed. """
        message = self._aps_get_waiting_message() if (
            self.code == 'aps' and status == 'pending'
        ) else None
        return escape(message) if message else super()._get_status_message(status)
