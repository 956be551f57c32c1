""" The requests of a shopper's browser, without a browser. """

import time

from .rpc import BUSY, RPCError, Session, read_inputs
from .system import Failure

POLLS = 30


class ShopVisitor(Session):
    """ A shopper who is logged in and pays orders with a card. """

    def __init__(self, stack, login):
        """
        :param Stack stack: The running shop.
        :param dict login: The login and password.
        """
        super().__init__(stack.url, stack.database, login)
        self.stack = stack
        self.partner_id = self.user['partner_id']

    def pay_order(self, order, **outcome):
        """ Pay an order on the payment page, and have the shop take notice.

        :param dict order: The order: `id`, `amount_total` and `access_token`.
        :param dict outcome: What becomes of it there, see `finish`.
        :return: The reference of the payment.
        :rtype: str
        """
        reference = self.begin(order)
        self.finish(reference, **outcome)
        return reference

    def begin(self, order):
        """ Go to the payment page with an order.

        :param dict order: The order: `id`, `amount_total` and `access_token`.
        :return: The reference of the payment.
        :rtype: str
        """
        values = self.call(
            f"/my/orders/{order['id']}/transaction", access_token=order['access_token'],
            amount=order['amount_total'], flow='redirect', token_id=None,
            provider_id=self.stack.rpc.ref('payment.payment_provider_aps'),
            payment_method_id=self.stack.rpc.ref('payment.payment_method_card'),
            tokenization_requested=False, landing_route=f"/my/orders/{order['id']}",
        )
        self._open_payment_page(values['redirect_form_html'])
        return values['reference']

    def finish(self, reference, **outcome):
        """ Pay on the payment page, and have the shop take notice.

        :param str reference: The reference of the payment.
        :param dict outcome: What the control interface of the sandbox takes: `status`, `card`, ...
        :return: None
        """
        sandbox = self.stack.sandbox
        sandbox.request('POST', 'pay', {'merchant_reference': reference, **outcome})
        sandbox.request('POST', 'notifications/wait', {'timeout': 30})
        self._poll()

    def _poll(self):
        """ Have the order confirmed, as the status page does.

        The shop answers `retry` if something else, such as a scheduled action, was in the way.

        :raise RPCError: If it answers with another error, or with that one all the time.
        """
        for polls_left in reversed(range(POLLS)):
            try:
                self.call('/payment/status/poll')
                return
            except RPCError as error:
                if not polls_left or str(error) != BUSY:
                    raise
                time.sleep(1)

    def _open_payment_page(self, form):
        """ Post the form that the shop has made to the payment page.

        :raise Failure: If the sandbox refuses it.
        """
        self.read(f'{self.stack.sandbox.url}/FortAPI/paymentPage', read_inputs(form))
        if '/FortAPI/page/' not in self.url:
            raise Failure("The sandbox refused the form of the shop.")
