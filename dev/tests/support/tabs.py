""" Shoppers who pay the same in several tabs, without a browser. """

import html
import re
import secrets

from workbench.rpc import Session, read_inputs

from .payments import Payment

# The routes by which the payment of a document begins, also by its payment link.
ROUTES = {
    'sale.order': '/my/orders/{}/transaction', 'account.move': '/invoice/transaction/{}',
    'pos.order': '/pos/pay/transaction/{}',
}
NOTICE = '/payment/aps/anew'
CHANNELS = ('return', 'webhook', 'check')


class Document:
    """ What is paid: an order, an invoice, or an order of the till. """

    def __init__(self, merchant, model, document_id):
        """
        :param Merchant merchant: The merchant.
        :param str model: One of `ROUTES`.
        :param int document_id: Its id.
        """
        self.merchant, self.model, self.id = merchant, model, document_id
        self.token = secrets.token_hex(16)
        merchant.rpc.call(model, 'write', [document_id], {'access_token': self.token})

    def read_messages(self):
        """ Return what stands in its chatter. """
        return [row['body'] for row in self.merchant.rpc.search_read('mail.message', [
            ('model', '=', self.model), ('res_id', '=', self.id),
        ], ['body'])]


class Tab(Session):
    """ A tab of a browser of its own, in which a shopper pays a document. """

    def __init__(self, document, amount=100, card=None):
        """
        :param Document document: What is paid.
        :param float amount: How much of it, in major units.
        :param SavedCard card: What is paid with, if it is a saved card.
        """
        self.document, self.amount, self.card = document, amount, card
        self.merchant = document.merchant
        self.shop = self.merchant.shop
        super().__init__(self.shop.url)
        self.payment = self.returned = None
        self.is_told = False  # Whether the notice was shown.

    def open(self):
        """ Have the shop make the payment, and go to the payment page, also past the notice. """
        result = self.call(
            ROUTES[self.document.model].format(self.document.id),
            access_token=self.document.token,
            provider_id=self.merchant.provider_id,
            payment_method_id=self.merchant.rpc.ref('payment.payment_method_card'),
            token_id=self.card and self.card.id, amount=self.amount,
            flow='token' if self.card else 'redirect', tokenization_requested=False,
            landing_route='/my', is_validation=False,
        )
        [row] = self.merchant.rpc.search_read(
            'payment.transaction', [('reference', '=', result['reference'])], ['id']
        )
        self.payment = Payment(self.merchant, row['id'], result['reference'])
        # What comes by one way only is held back, so that it comes when the test says so.
        self.merchant.order_fault(
            'NOTIFICATION', 'hold', times=5, merchant_reference=self.payment.reference
        )
        page = self.read('/payment/status') if self.card else result['redirect_form_html']
        action, fields = read_form(page)
        if action == NOTICE:
            page = self.read(NOTICE)
            action, fields = read_form(page)
        self.is_told = "being confirmed" in page or "has been received" in page
        self.read(action, fields)

    def pay(self, result='success'):
        """ Pay on the payment page; nobody hears of it yet. """
        self.returned = self.shop.sandbox('POST', 'pay', {
            'merchant_reference': self.payment.reference, 'result': result,
        })

    def learn(self, channel='webhook'):
        """ Have the shop learn what became of the payment, and look at the status page.

        :param str channel: The way by which it does, one of `CHANNELS`.
        """
        if channel == 'return':
            self.read('/payment/aps/return', self.returned['fields'])
        elif channel == 'webhook':
            self.merchant.wait_for_notifications()
            self.shop.sandbox('POST', 'notifications/deliver', {
                'merchant_reference': self.payment.reference,
            })
        else:
            self.payment.check()

    def poll(self):
        """ Return what the status page tells the browser: the state, and where to go on. """
        return self.call('/payment/status/poll')


def read_form(page):
    """ Return the form that leads to the payment page, or to the notice.

    :param str page: The HTML.
    :return: Where it leads, and its fields.
    :rtype: tuple[str, dict]
    """
    form = re.search(
        rf'<form[^>]*action="([^"]*(?:/FortAPI/paymentPage|{NOTICE}))"[^>]*?(?:/>|>(.*?)</form>)',
        page, re.DOTALL,
    )
    return html.unescape(form[1]), read_inputs(form[2] or '')
