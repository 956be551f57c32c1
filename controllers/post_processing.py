from odoo import http
from odoo.exceptions import ValidationError
from odoo.http import request

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing


class APSPostProcessing(PaymentPostProcessing):

    @http.route()
    def display_status(self, **kwargs):
        """ Override of `payment` to have APS asked if the shopper came back without an answer. """
        tx_sudo = self._get_aps_transaction()
        page = self._send_to_payment_page(tx_sudo) if tx_sudo.aps_is_page_due else None
        if page is None:
            tx_sudo._aps_check_for_shopper()
        return page or super().display_status(**kwargs)

    @http.route()
    def poll_status(self, **kwargs):
        """ Override of `payment` to have APS asked again if the shopper goes on waiting. """
        self._get_aps_transaction()._aps_check_for_shopper()
        return super().poll_status(**kwargs)

    def _get_aps_transaction(self):
        """ Return the payment of the session, if it is one of APS.

        :return: The sudoed transaction, as a `payment.transaction` record; empty if there is none.
        :rtype: recordset of `payment.transaction`
        """
        tx_sudo = request.env['payment.transaction'].sudo().browse(
            request.session.get(self.MONITORED_TX_ID_KEY)
        ).exists()
        return tx_sudo.filtered(lambda tx: tx.provider_code == 'aps')

    @staticmethod
    def _send_to_payment_page(tx_sudo):
        """ Send a shopper who chose a saved card to the payment page.

        The engine sends those who pay with a saved card straight to the status page, as if nothing
        were left to do. APS wants the security code and 3-D Secure from them. They are sent once:
        if they come back without an answer, they see the status page.

        :param recordset tx_sudo: The sudoed transaction, as a `payment.transaction` record.
        :return: The page that leads to the payment page; `None` if the payment can't be made.
        :rtype: werkzeug.wrappers.Response | None
        """
        tx_sudo.aps_is_page_due = False
        try:
            rendering_values = tx_sudo._get_specific_rendering_values({})
        except ValidationError as error:
            tx_sudo._set_error(str(error))
            return None
        return request.render('payment_aps.payment_page_redirect', rendering_values)
