""" Quotations and invoices that are paid in the portal, or by a payment link. """

import urllib.parse

from workbench.shop import PRODUCT, get_currency

from .till import POSTED_STATES
from .visitor import ADMIN, Visitor


class Document:
    """ A quotation or an invoice. """

    def __init__(self, merchant, model, document_id):
        """
        :param Merchant merchant: The merchant.
        :param str model: `sale.order` or `account.move`.
        :param int document_id: The id of the document.
        """
        self.merchant = merchant
        self.rpc = merchant.rpc
        self.model = model
        self.id = document_id
        self.path = f'/my/{"orders" if model == "sale.order" else "invoices"}/{document_id}'

    def read(self, *fields):
        """ Return the values of some fields. """
        [values] = self.rpc.call(self.model, 'read', [self.id], list(fields))
        return [values[field] for field in fields]

    def get_query(self):
        """ Return the query of the address that the customer was sent. """
        url = self.rpc.call(self.model, 'get_portal_url', [self.id])
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        return {name: value for name, value in query.items() if name == 'access_token'}

    def open_form(self, visitor, **query):
        """ Open the document by the address that the customer was sent. """
        return visitor.open_form(self.path, **self.get_query(), **query)

    def make_link(self, amount=None):
        """ Make a payment link.

        :param float amount: The amount, in major units; what is left to pay by default.
        :return: The path and query of the link.
        :rtype: str
        """
        context = {'active_model': self.model, 'active_id': self.id, 'active_ids': [self.id]}
        backend = Visitor(self.merchant.shop, ADMIN)  # The address is that of the request.
        wizard_id = backend.call_model('payment.link.wizard', 'create', {
            **({} if amount is None else {'amount': amount}),
        }, context=context)
        [wizard] = backend.call_model('payment.link.wizard', 'read', [wizard_id], ['link'])
        parts = urllib.parse.urlsplit(wizard['link'])
        return f'/{parts.path.lstrip("/")}?{parts.query}'


class Quotation(Document):
    """ A quotation. """

    def __init__(self, merchant, partner_id, amount, prepayment=1, **values):
        """
        :param Merchant merchant: The merchant.
        :param int partner_id: The customer.
        :param float amount: The total, in major units.
        :param float prepayment: The part that is to be paid in advance.
        :param dict values: More values of the order.
        """
        [product_id] = merchant.rpc.call('product.product', 'search', [('name', '=', PRODUCT)])
        super().__init__(merchant, 'sale.order', merchant.rpc.call('sale.order', 'create', {
            'partner_id': partner_id, 'require_signature': False,
            'require_payment': bool(prepayment), 'prepayment_percent': prepayment or 1,
            'order_line': [(0, 0, {'product_id': product_id, 'price_unit': amount})], **values,
        }))
        self.rpc.call('sale.order', 'action_quotation_sent', [self.id])

    @property
    def state(self):
        """ The state of the order. """
        return self.read('state')[0]


class Invoice(Document):
    """ A posted invoice. """

    def __init__(self, merchant, partner_id, amount, currency='AED', **values):
        """
        :param Merchant merchant: The merchant.
        :param int partner_id: The customer.
        :param float amount: The total, in major units.
        :param str currency: The code of the currency.
        :param dict values: More values of the invoice.
        """
        currency_id = get_currency(merchant.rpc, currency)
        merchant.rpc.call('res.currency', 'write', [currency_id], {'active': True})
        super().__init__(merchant, 'account.move', merchant.rpc.call('account.move', 'create', {
            'move_type': 'out_invoice', 'partner_id': partner_id,
            'currency_id': currency_id, 'invoice_line_ids': [(0, 0, {
                'name': "Service", 'price_unit': amount, 'tax_ids': [(6, 0, [])],
            })], **values,
        }))
        self.rpc.call('account.move', 'action_post', [self.id])

    def is_paid(self):
        """ Return whether nothing is left to pay. """
        state, residual = self.read('payment_state', 'amount_residual')
        return state in ('in_payment', 'paid') and not residual

    def read_payments(self):
        """ Return the posted accounting payments of the customer. """
        [partner] = self.read('partner_id')
        return self.rpc.search_read('account.payment', [
            ('partner_id', '=', partner[0]), ('state', 'in', POSTED_STATES),
        ], ['amount'])
