""" A till, its orders, and the menus of its tables and kiosks, as their apps use them. """

import itertools
import random
import time
import uuid

from workbench.shop import get_currency

numbers = itertools.count(random.randrange(10 ** 4, 9 * 10 ** 4))  # For codes of five digits.
DISH = "Machboos"


class Till:
    """ A point of sale whose customers pay online. """

    def __init__(self, merchant, currency='AED', is_restaurant=False, **values):
        """
        :param Merchant merchant: The merchant.
        :param str currency: The code of the currency.
        :param bool is_restaurant: Whether it has a floor with a table.
        :param dict values: More values of the point of sale.
        """
        self.merchant = merchant
        self.rpc = merchant.rpc
        self.is_new_series = merchant.shop.series != '17.0'
        self.online_id = self._get_online_method()
        is_kiosk = values.get('self_ordering_mode') == 'kiosk'  # Where nobody takes cash.
        self.cash_id = None if is_kiosk else self._create_cash_method()
        self.config_id = self.rpc.call('pos.config', 'create', {
            'name': f"Till {next(numbers)}", 'module_pos_restaurant': is_restaurant,
            'payment_method_ids': [(6, 0, list(filter(None, [self.online_id, self.cash_id])))],
            **self._prepare_currency(currency),
            **values,
        })
        if is_restaurant:
            self._create_table()
        self.session_id = None
        self.dish_id = self.create_product(DISH, 40)

    def _get_online_method(self):
        """ Return the id of the payment method for online payments, one for all tills. """
        ids = self.rpc.call('pos.payment.method', 'search', [('is_online_payment', '=', True)])
        return ids[0] if ids else self.rpc.call('pos.payment.method', 'create', {
            'name': "Online", 'is_online_payment': True,
        })

    def _create_cash_method(self):
        """ Create a payment method for cash; each till needs its own. """
        number = next(numbers)
        journal_id = self.rpc.call('account.journal', 'create', {
            'name': f"Cash {number}", 'type': 'cash', 'code': str(number),
        })
        return self.rpc.call('pos.payment.method', 'create', {
            'name': f"Cash {number}", 'journal_id': journal_id,
        })

    def _prepare_currency(self, currency):
        """ Return the values of a till that takes another currency than the company's. """
        if currency == 'AED':
            return {}
        currency_id = get_currency(self.rpc, currency)
        self.rpc.call('res.currency', 'write', [currency_id], {'active': True})
        journal_id = self.rpc.call('account.journal', 'create', {
            'name': f"Sales {currency}", 'type': 'general',
            'code': str(next(numbers)), 'currency_id': currency_id,
        })
        pricelist_id = self.rpc.call('product.pricelist', 'create', {
            'name': currency, 'currency_id': currency_id, 'sequence': 99,  # Not for the website.
        })
        return {
            'journal_id': journal_id, 'invoice_journal_id': journal_id, 'use_pricelist': True,
            'available_pricelist_ids': [(6, 0, [pricelist_id])], 'pricelist_id': pricelist_id,
            'payment_method_ids': [(6, 0, [self.online_id])],
        }

    def _create_table(self):
        """ Create a floor with a table. """
        floor_id = self.rpc.call('restaurant.floor', 'create', {
            'name': "Terrace", 'pos_config_ids': [(6, 0, [self.config_id])],
        })
        name = 'table_number' if self.is_new_series else 'name'
        self.table_id = self.rpc.call('restaurant.table', 'create', {
            name: next(numbers), 'floor_id': floor_id, 'seats': 2,
        })

    def open(self):
        """ Open the session of the day, if it isn't open. """
        if self.session_id:
            return
        session_id = self.rpc.call('pos.session', 'create', {
            'config_id': self.config_id, 'user_id': self.rpc.uid,
        })
        opening = 'set_opening_control' if self.is_new_series else 'set_cashbox_pos'
        self.rpc.call('pos.session', opening, [session_id], 0, '')
        self.session_id = session_id

    def create_product(self, name, price):
        """ Create a product of the till, without taxes, and return its id. """
        template_id = self.rpc.call('product.template', 'create', {
            'name': name, 'list_price': price, 'taxes_id': [(6, 0, [])],
            'available_in_pos': True, 'type': 'consu',
        })
        return self.rpc.call(
            'product.product', 'search', [('product_tmpl_id', '=', template_id)]
        )[0]

    def ring_up(self, amount, online=None, **values):
        """ Enter an order, and ask for an online payment, as the cashier does.

        :param float amount: The total of the order, in major units.
        :param float online: What is to be paid online; all of it by default.
        :param dict values: More values of the order, such as its `partner_id`.
        :return: The order.
        :rtype: TillOrder
        """
        self.open()
        order = TillOrder(self, **self._send_order(amount, values))
        order.ask_for(amount if online is None else online)
        return order

    def _send_order(self, amount, values):
        """ Send a draft to the server, and return its id and token. """
        number = next(numbers)
        identifier = f'{self.session_id:05}-{number:03}-{number:04}'
        order = {
            'uuid': str(uuid.uuid4()), 'name': f'Order {identifier}', 'user_id': self.rpc.uid,
            'sequence_number': number, 'partner_id': False, 'access_token': str(uuid.uuid4()),
            'amount_paid': 0, 'amount_return': 0, 'amount_tax': 0, 'amount_total': amount,
            'date_order': time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime()),
            'fiscal_position_id': False, 'lines': [(0, 0, {
                'product_id': self.dish_id, 'qty': 1, 'discount': 0, 'tax_ids': [(6, 0, [])],
                'price_unit': amount, 'price_subtotal': amount, 'price_subtotal_incl': amount,
                'pack_lot_ids': [],
            })], **values,
        }
        if self.is_new_series:
            order.update(session_id=self.session_id, state='draft', payment_ids=[])
            answer = self.rpc.call('pos.order', 'sync_from_ui', [order])['pos.order']
        else:
            order.update(uid=identifier, pos_session_id=self.session_id, statement_ids=[])
            answer = self.rpc.call('pos.order', 'create_from_ui', [
                {'data': order, 'to_invoice': False}
            ], draft=True)
        return {'order_id': answer[0]['id'], 'access_token': order['access_token']}

    def close(self):
        """ Close the session at the end of the day; orders that nobody pays are deleted.

        :return: The state of the session.
        :rtype: str
        """
        drafts = self.rpc.call('pos.order', 'search', [
            ('session_id', '=', self.session_id), ('state', '=', 'draft'),
        ])
        self.rpc.call('pos.order', 'unlink', drafts)
        [config] = self.rpc.call('pos.config', 'read', [self.config_id], ['cash_control'])
        if config['cash_control']:
            [session] = self.rpc.call(
                'pos.session', 'read', [self.session_id], ['cash_register_balance_end']
            )
            self.rpc.call(
                'pos.session', 'post_closing_cash_details', [self.session_id],
                session['cash_register_balance_end'],
            )
        self.rpc.call('pos.session', 'close_session_from_ui', [self.session_id])
        [session] = self.rpc.call('pos.session', 'read', [self.session_id], ['state'])
        if session['state'] == 'closed':
            self.session_id = None
        return session['state']


class Menu:
    """ The menu of a till, on a phone at a table or on a kiosk. """

    def __init__(self, till, device, visitor):
        """
        :param Till till: The till.
        :param str device: `mobile` or `kiosk`.
        :param Visitor visitor: Who orders.
        """
        self.till = till
        self.device = device
        self.visitor = visitor
        till.open()
        [config] = till.rpc.call('pos.config', 'read', [till.config_id], ['access_token'])
        self.access_token = config['access_token']

    def order(self, quantity=1):
        """ Order the dish.

        :return: The order.
        :rtype: TillOrder
        """
        line = {'product_id': self.till.dish_id, 'qty': quantity, 'uuid': str(uuid.uuid4())}
        if self.till.is_new_series:
            return self._order_in_new_series(line)
        answer = self.visitor.call(
            f'/pos-self-order/process-new-order/{self.device}/',
            order={'uuid': str(uuid.uuid4()), 'lines': [line], 'take_away': False},
            access_token=self.access_token, table_identifier=self._read_table(),
        )
        return TillOrder(self.till, answer['id'], answer['access_token'])

    def _order_in_new_series(self, line):
        """ Order as the menu of 19.0 does it. """
        [product] = self.till.rpc.call(
            'product.product', 'read', [self.till.dish_id], ['lst_price']
        )
        price = product['lst_price']
        answer = self.visitor.call(
            f'/pos-self-order/process-order/{self.device}/',
            order={
                'uuid': str(uuid.uuid4()), 'access_token': str(uuid.uuid4()), 'state': 'draft',
                'session_id': self.till.session_id, 'amount_total': price * line['qty'],
                'amount_tax': 0, 'amount_paid': 0, 'amount_return': 0, 'lines': [(0, 0, {
                    **line, 'price_unit': price, 'price_subtotal': price * line['qty'],
                    'price_subtotal_incl': price * line['qty'], 'tax_ids': [(6, 0, [])],
                })],
            },
            access_token=self.access_token, table_identifier=self._read_table(),
        )
        [order] = answer['pos.order']
        return TillOrder(self.till, order['id'], order['access_token'])

    def _read_table(self):
        """ Return the code on the table; a kiosk has none. """
        if self.device == 'kiosk':
            return None
        [table] = self.till.rpc.call(
            'restaurant.table', 'read', [self.till.table_id], ['identifier']
        )
        return table['identifier']


class TillOrder:
    """ An order of a till, whose customer reads the code that leads to the payment form. """

    def __init__(self, till, order_id, access_token):
        self.till = till
        self.rpc = till.rpc
        self.id = order_id
        self.access_token = access_token
        self.path = f'/pos/pay/{order_id}'
        self.query = {'access_token': access_token}

    def ask_for(self, amount):
        """ Ask for an online payment, as the cashier does who shows the code. """
        self.rpc.call('pos.order', 'get_and_set_online_payments_data', [self.id], amount)

    def cancel_online_payment(self):
        """ Close the window with the code, as the cashier does who takes cash after all. """
        return self.rpc.call('pos.order', 'get_and_set_online_payments_data', [self.id], 0)

    def give_up(self):
        """ Close the window with the code; the order is deleted at once, or by the cashier. """
        answer = self.cancel_online_payment()
        if self.till.is_new_series:
            self.rpc.call('pos.order', 'unlink', [self.id])
        else:
            assert answer['deleted']

    def pay_cash(self, amount):
        """ Take cash. """
        self.rpc.call('pos.order', 'add_payment', [self.id], {
            'amount': amount, 'payment_method_id': self.till.cash_id, 'pos_order_id': self.id,
        })

    def open_form(self, visitor):
        """ Read the code, and open the payment form. """
        return visitor.open_form(self.path, **self.query)

    def read_state(self):
        """ Return the state of the order. """
        return self.rpc.call('pos.order', 'read', [self.id], ['state'])[0]['state']

    def read_paid(self):
        """ Return what the till has recorded as paid online, in major units. """
        return [row['amount'] for row in self.rpc.search_read('pos.payment', [
            ('pos_order_id', '=', self.id), ('online_account_payment_id', '!=', False),
        ], ['amount'], order='id')]
