""" Saved cards and charges of them, for tests. """

from types import SimpleNamespace

from .payments import Window

CARD = '4111111111111111'
CARD_DECLINED_LATER = '4000000000000085'
CARD_UNCERTAIN_LATER = '4000000000000093'
MADA_CARD = '5297412542005689'


def save_card(merchant, card=CARD, currency='AED'):
    """ Have a shopper pay and save the card.

    :param Merchant merchant: The merchant.
    :param str card: The number of the card.
    :param str currency: The code of the currency.
    :return: The saved card.
    :rtype: SavedCard
    """
    payment = merchant.open_page(10, command='PURCHASE', currency=currency, tokenize=True)
    payment.pay(card=card, remember_me=True)
    [row] = merchant.rpc.call('payment.transaction', 'read', [payment.id], ['token_id'])
    return SavedCard(merchant, row['token_id'][0], currency)


class SavedCard:
    """ A saved card that the merchant can charge. """

    def __init__(self, merchant, token_id, currency):
        """
        :param Merchant merchant: The merchant.
        :param int token_id: The id of the token.
        :param str currency: The code of the currency to charge in.
        """
        self.currency = currency
        self.merchant = merchant
        self.rpc = merchant.rpc
        self.id = token_id

    def read(self):
        """ Return the values of the token, as attributes. """
        [values] = self.rpc.call('payment.token', 'read', [self.id], [
            'active', 'provider_ref', 'provider_id', 'partner_id', 'payment_details',
            'payment_method_code', 'display_name', 'aps_is_deactivation_due',
        ])
        return SimpleNamespace(**values)

    def prepare_charge(self, amount, memo):
        """ Create an accounting payment that charges the card once it is posted.

        :param float amount: The amount, in major units.
        :param str memo: What is paid.
        :return: The charge.
        :rtype: Charge
        """
        token = self.read()
        [line] = self.rpc.search_read('account.payment.method.line', [
            ('payment_provider_id', '=', token.provider_id[0]),
        ], ['journal_id'], limit=1)
        memo_field = 'memo' if self.merchant.shop.series == '19.0' else 'ref'
        [currency] = self.rpc.search_read('res.currency', [('name', '=', self.currency)], ['id'])
        payment_id = self.rpc.call('account.payment', 'create', {
            'payment_type': 'inbound', 'partner_type': 'customer', memo_field: memo,
            'partner_id': token.partner_id[0], 'amount': amount, 'currency_id': currency['id'],
            'journal_id': line['journal_id'][0], 'payment_method_line_id': line['id'],
            'payment_token_id': self.id,
        })
        return Charge(self.merchant, payment_id, memo)

    def charge(self, amount, memo):
        """ Charge the card; see `prepare_charge`. """
        charge = self.prepare_charge(amount, memo)
        charge.post()
        return charge

    def invoice(self, amount):
        """ Invoice the owner of the card.

        :param float amount: The amount, in major units.
        :return: The posted invoice.
        :rtype: Invoice
        """
        partner_id = self.read().partner_id[0]
        invoice_id = self.merchant.make_invoice(partner_id, amount, self.currency)
        return Invoice(self, invoice_id)

    def archive(self):
        """ Delete the card. """
        self.rpc.call('payment.token', 'write', [self.id], {'active': False})


class Invoice:
    """ An invoice whose customer has a saved card. """

    def __init__(self, card, invoice_id):
        self.card = card
        self.rpc = card.rpc
        self.id = invoice_id

    def register_payment(self):
        """ Charge the card by the button *Pay* of the invoice. """
        self.open_register_wizard().confirm()

    def open_register_wizard(self):
        """ Choose the card in the window behind the button *Pay* of the invoice.

        :return: The window.
        :rtype: Window
        """
        action = self.rpc.call('account.move', 'action_register_payment', [self.id])
        [line] = self.rpc.search_read('account.payment.method.line', [
            ('payment_provider_id', '=', self.card.read().provider_id[0]),
        ], ['journal_id'], limit=1)
        return Window(self.rpc, 'account.payment.register', 'action_create_payments', {
            'journal_id': line['journal_id'][0], 'payment_method_line_id': line['id'],
            'payment_token_id': self.card.id,
        }, action['context'])

    def read_payments(self):
        """ Return the states of the accounting payments of the charges of the card. """
        return [row['state'] for row in self.rpc.search_read('account.payment', [
            ('payment_transaction_id', 'in', [row['id'] for row in self.read_transactions()]),
        ], ['state'])]

    def read_charged(self):
        """ Return what the ledger says each charge has taken, in minor units. """
        references = {row['reference'] for row in self.read_transactions()}
        return [
            payment['captured']
            for payment in self.card.merchant.shop.sandbox('GET', 'ledger')['payments']
            if payment['merchant_reference'] in references
        ]

    def read_payment_state(self):
        """ Return whether the invoice is paid, in the terms of Odoo. """
        [row] = self.rpc.call('account.move', 'read', [self.id], ['payment_state'])
        return row['payment_state']

    def is_told_that_it_is_paid(self):
        """ Return whether a message on the invoice tells that its payment was posted. """
        messages = self.rpc.search_read('mail.message', [
            ('model', '=', 'account.move'), ('res_id', '=', self.id),
        ], ['body'])
        return any('has been posted' in message['body'] for message in messages)

    def cancel(self):
        """ Cancel the invoice. """
        self.rpc.call('account.move', 'button_draft', [self.id])
        self.rpc.call('account.move', 'button_cancel', [self.id])

    def read_transactions(self):
        """ Return the transactions that pay the invoice. """
        return self.rpc.search_read(
            'payment.transaction', [('token_id', '=', self.card.id), ('operation', '=', 'offline')],
            ['reference', 'state', 'is_post_processed', 'payment_id'],
        )


class Charge:
    """ A charge of a saved card, seen from accounting and from APS. """

    def __init__(self, merchant, payment_id, memo):
        self.merchant = merchant
        self.rpc = merchant.rpc
        self.payment_id = payment_id
        self.memo = memo

    def post(self, client=None):
        """ Post the accounting payment, and so charge the card. """
        (client or self.rpc).call('account.payment', 'action_post', [self.payment_id])

    def read_payments(self):
        """ Return the states of all accounting payments that were made for the charge. """
        transactions = self.read_transactions()
        return [row['state'] for row in self.rpc.search_read('account.payment', [
            '|', ('id', '=', self.payment_id),
            ('payment_transaction_id', 'in', [row['id'] for row in transactions]),
        ], ['state'], order='id')]

    def read_transactions(self):
        """ Return the transactions of the charge. """
        return self.rpc.search_read('payment.transaction', [
            ('reference', '=like', f'{self.memo}-%'),
        ], ['reference', 'state', 'state_message', 'aps_staff_message', 'payment_id'], order='id')

    def read_requests(self):
        """ Return the charges that the sandbox was asked for. """
        return [
            request for request in self.merchant.shop.sandbox('GET', 'requests')['requests']
            if request['command'] == 'PURCHASE'
            and (request['merchant_reference'] or '').startswith(f'{self.memo}-')
            and request['fields'].get('eci') == 'RECURRING'
        ]

    def read_captured(self):
        """ Return what the sandbox's ledger says was taken, in minor units. """
        return sum(
            payment['captured']
            for payment in self.merchant.shop.sandbox('GET', 'ledger')['payments']
            if payment['merchant_reference'].startswith(f'{self.memo}-')
        )
