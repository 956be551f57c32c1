from urllib.parse import parse_qs, urlencode, urlsplit

from odoo import _, models
from odoo.http import request

from odoo.addons.payment_aps.models import response_codes

# Where the engine sends a shopper who is done, and where the same can be paid again. Of all others,
# such as orders and invoices, the first page is the second one, too.
RETRY_PATHS = {
    '/shop/payment/validate': '/shop/payment',
    '/payment/confirmation': '/payment/pay',
}
# The families of response codes by which a bank, or APS, says no.
DECLINED_FAMILIES = (
    'funds', 'expired', 'card', 'authentication', 'limit', 'declined', 'fraud', 'wallet',
)
POS_LANDING_PATH, POS_RETRY_PATH = '/pos/pay/confirmation/', '/pos/pay/'


class PaymentTransaction(models.Model):
    """ What a shopper reads of the outcome, and how they go on if nothing was paid. """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - WAY BACK ===#

    def _aps_is_failed(self):
        """ Return whether the shopper is to be told that the payment was not made. """
        return self.provider_code == 'aps' and self.state in ('cancel', 'error')

    def _aps_get_retry_route(self):
        """ Return where the shopper can pay the same again: cart, document, link or till.

        It is derived from the landing route, which the shopper has anyway. The shop's landing route
        would empty the cart.

        :return: The path, with the query that the page needs.
        :rtype: str
        """
        landing = urlsplit(self._aps_get_landing_route())
        query = {name: values[0] for name, values in parse_qs(landing.query).items()}
        path = RETRY_PATHS.get(landing.path, landing.path)
        if path == '/payment/pay' and 'is_donation' in self._fields and self.is_donation:
            path = '/donation/pay'
            query = {'amount': self.amount, 'currency_id': self.currency_id.id}
        elif path == '/shop/payment' and self._aps_get_quotation():
            return self._aps_get_quotation().get_portal_url()
        elif path == '/payment/pay':
            query = self._aps_get_link_values(query.get('access_token'))
        elif path.startswith(POS_LANDING_PATH):
            path = POS_RETRY_PATH + path[len(POS_LANDING_PATH):]
            query.pop('tx_id', None)
        return f'{path}?{urlencode(query)}' if query else path

    def _aps_get_quotation(self):
        """ Return the order of the shop that is no cart any more, if that is what was to be paid.

        A payment that was pending first has made the cart a quotation, which is paid on its page;
        or the session has lost the cart, since it was being paid when a page was shown.
        """
        orders = self.sale_order_ids if 'sale_order_ids' in self._fields else []
        cart_id = request.session.get('sale_order_id') if request else None
        return next((
            order for order in orders
            if order.state != 'draft' or (request and order.id != cart_id)
        ), None)

    def _aps_get_landing_route(self):
        """ Return where the engine sends the shopper who has paid, if it is a page of ours.

        It comes from the browser.

        :return: The path, with its query.
        :rtype: str
        """
        route = self.landing_route or ''
        is_ours = route.startswith('/') and not route.startswith(('//', '/\\'))
        return route if is_ours and route.isprintable() else '/'

    def _aps_get_link_values(self, access_token):
        """ Return the query of the payment link that the transaction was made by.

        :param str|None access_token: The token of the landing route, which is that of the link.
        :return: The values of the query.
        :rtype: dict
        """
        return {
            'reference': self.reference,
            'amount': self.amount,
            'currency_id': self.currency_id.id,
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
            'access_token': access_token or '',
        }

    #=== BUSINESS METHODS - WORDS ===#

    def _aps_get_outcome_title(self):
        """ Return what happened to a payment that was not made, in a few words.

        :return: The title, in the language of the context.
        :rtype: str
        """
        if not self._aps_is_failure_certain():
            return _("Payment not confirmed")
        family = self._aps_get_reason_family()
        if family == 'canceled':
            return _("Payment canceled")
        if family in DECLINED_FAMILIES:
            return _("Payment declined")
        return _("Payment not completed") if self.state == 'cancel' else _("Payment failed")

    def _aps_is_failure_certain(self):
        """ Return whether it is certain that the shopper of a failed payment was not charged. """
        return self.aps_reason != 'closed' and (
            self._aps_get_reason_family() not in ('unclear', 'review')
        )

    def _aps_get_reason_family(self):
        """ Return the family of the response code that the payment failed with, if any. """
        code = response_codes.CODES.get(self.aps_reason)
        return code.family if code else None
