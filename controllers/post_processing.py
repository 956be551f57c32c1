from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing
from odoo.http import request


class APSPostProcessing(PaymentPostProcessing):

    # The routing of the engine's method applies.
    def display_status(self, **kwargs):
        """ Override of `payment` to ask APS if the shopper came back without a usable answer. """
        tx_sudo = request.env['payment.transaction'].sudo().browse(
            request.session.get(self.MONITORED_TX_ID_KEY)
        ).exists()
        if tx_sudo.provider_code == 'aps':
            tx_sudo._aps_check_for_shopper()
        return super().display_status(**kwargs)
