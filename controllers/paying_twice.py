from odoo import http
from odoo.exceptions import ValidationError
from odoo.http import request

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing

# The page that a shopper is led to before they pay for what others are paying, or have paid.
ANEW_URL = '/payment/aps/anew'
# The page that tells shoppers that they have paid twice.
TWICE_URL = '/payment/aps/twice'


class APSPayingTwice(http.Controller):
    """ What shoppers read who pay twice, before and after. They see only their own payment. """

    @http.route(
        ANEW_URL, type='http', auth='public', methods=['GET'], website=True, sitemap=False
    )
    def aps_pay_anew(self, **_kwargs):
        """ Say that another payment makes this one needless, and let the shopper pay all the same.

        Nothing is sent to APS before they click. If the other payment has failed meanwhile, they go
        on to pay at once.

        :return: The page; the status page if there is nothing to pay.
        :rtype: werkzeug.wrappers.Response
        """
        tx_sudo = get_aps_transaction()
        if tx_sudo.state != 'draft' or tx_sudo.operation == 'offline':
            return request.redirect('/payment/status')
        try:
            values = tx_sudo._aps_sign_form()
        except ValidationError as error:
            tx_sudo._set_error(str(error))
            return request.redirect('/payment/status')
        standing = tx_sudo._aps_get_prior_standing()
        if not standing:
            return request.render('payment_aps.payment_page_redirect', values)
        return request.render('payment_aps.pay_anew', {
            **values, 'tx': tx_sudo, 'standing': standing,
            'documents': tx_sudo._aps_name_documents(),
        })

    @http.route(
        TWICE_URL, type='http', auth='public', methods=['GET'], website=True, sitemap=False
    )
    def aps_paid_twice(self, **_kwargs):
        """ Say that the shopper has paid twice, and what is given back.

        :return: The page; what follows the payment if that isn't, or is no longer, so.
        :rtype: werkzeug.wrappers.Response
        """
        tx_sudo = get_aps_transaction()
        surpluses = tx_sudo._aps_list_told_surpluses() if tx_sudo else []
        if not surpluses:
            return request.redirect(tx_sudo.landing_route or '/')
        return request.render('payment_aps.paid_twice', {
            'tx': tx_sudo,
            'documents': tx_sudo._aps_name_documents(),
            'surpluses': [(tx, tx._aps_format(amount_minor)) for tx, amount_minor in surpluses],
        })


def get_aps_transaction():
    """ Return the payment of the session, if it is one of APS.

    :return: The sudoed transaction, as a `payment.transaction` record; empty if there is none.
    :rtype: recordset of `payment.transaction`
    """
    tx_sudo = request.env['payment.transaction'].sudo().browse(
        request.session.get(PaymentPostProcessing.MONITORED_TX_ID_KEY)
    ).exists()
    return tx_sudo.filtered(lambda tx: tx.provider_code == 'aps')
