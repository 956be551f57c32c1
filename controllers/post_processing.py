import string
from urllib.parse import quote

from odoo import http
from odoo.exceptions import ValidationError
from odoo.http import request

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing
from odoo.addons.payment_aps.conflicts import find_conflict
from odoo.addons.payment_aps.controllers.paying_twice import TWICE_URL, get_aps_transaction

STATUS_ROUTE = '/payment/status'
RETRY = 'retry'  # By this message, the script of the engine's page knows that it is to look again.
# How often the page of a failed payment looks whether it has succeeded after all.
REFRESH_SECONDS = 30
# How long a receipt is shown before the shopper is taken to what was paid.
RECEIPT_SECONDS = 20


class APSPostProcessing(PaymentPostProcessing):

    @http.route()
    def display_status(self, **kwargs):
        """ Override of `payment` to have APS asked if the shopper came back without an answer, and
        to show the way back to those who have not paid.
        """
        tx_sudo = get_aps_transaction()
        page = self._send_to_payment_page(tx_sudo) if tx_sudo.aps_is_page_due else None
        if page is not None:
            return page
        tx_sudo._aps_check_for_shopper()
        if tx_sudo._aps_is_failed():
            return self._show_failure(tx_sudo)
        if tx_sudo._aps_has_receipt():
            return self._show_receipt(tx_sudo)
        page = super().display_status(**kwargs)
        page.qcontext['aps_tx'] = tx_sudo
        return page

    @http.route()
    def poll_status(self, **kwargs):
        """ Override of `payment` to have APS asked again if the shopper goes on waiting, to lead
        those who have paid twice to a page that says so, and to have the page look again if another
        process was faster: the engine may tell that as an error of its own.
        """
        tx_sudo = get_aps_transaction()
        tx_sudo._aps_check_for_shopper()
        try:
            values = super().poll_status(**kwargs)
        except Exception as error:  # The engine has rolled back.
            if tx_sudo and find_conflict(error):
                raise RuntimeError(RETRY) from error
            raise
        if tx_sudo._aps_was_paid_twice():
            values['landing_route'] = TWICE_URL
        elif tx_sudo._aps_is_failed() or tx_sudo._aps_has_receipt():
            values['landing_route'] = STATUS_ROUTE  # This page shows it.
        return values

    @staticmethod
    def _show_failure(tx_sudo):
        """ Tell a shopper that nothing was paid, and show the way back to where they can pay.

        The engine's page has no way back, and that of the shop empties the cart. A success may
        still come, so the page looks again from time to time, as that of the engine does.

        :param recordset tx_sudo: The sudoed transaction, as a `payment.transaction` record.
        :return: The page.
        :rtype: odoo.http.Response
        """
        page = request.render('payment_aps.payment_failed', {
            'tx': tx_sudo,
            'title': tx_sudo._aps_get_outcome_title(),
            'is_certain': tx_sudo._aps_is_failure_certain(),
            'retry_route': tx_sudo._aps_get_retry_route(),
        })
        page.headers['Refresh'] = str(REFRESH_SECONDS)
        return page

    @staticmethod
    def _show_receipt(tx_sudo):
        """ Show the bank's numbers to a shopper who has paid, and go on by itself in a while.

        :param recordset tx_sudo: The sudoed transaction, as a `payment.transaction` record.
        :return: The page.
        :rtype: odoo.http.Response
        """
        landing_route = tx_sudo._aps_get_landing_route()
        page = request.render('payment_aps.payment_receipt', {
            'tx': tx_sudo, 'landing_route': landing_route,
        })
        address = quote(landing_route, safe=string.punctuation)
        page.headers['Refresh'] = f'{RECEIPT_SECONDS}; url={address}'
        return page

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
        if 'anew_url' in rendering_values:
            return request.redirect(rendering_values['anew_url'])
        return request.render('payment_aps.payment_page_redirect', rendering_values)
