""" What the demo has beyond the shop of the tests: people, currencies, methods and orders. """

import base64
import itertools
import time
import uuid
from pathlib import Path

from .sandbox_process import MERCHANT
from .shop import PORTAL, PRODUCT, get_currency, get_groups_field, make_shopper
from .shop_visitor import ShopVisitor
from .system import Failure, say

ACCOUNTANT = {'login': 'accountant', 'password': 'accountant'}
# The price of one dirham; the demo's own figures, since nobody is charged.
RATES = {
    'AED': 1, 'SAR': 1.02, 'KWD': 0.0836, 'QAR': 0.991, 'BHD': 0.1026, 'OMR': 0.1048, 'EGP': 13.4,
    'USD': 0.2723,
}
# A shopper for each country with methods of its own: the currency, who it is, and where.
NEIGHBOURS = {
    'SA': ('SAR', "Noura Alqahtani", "Olaya Street 12", "Riyadh", '12211', '+966 11 000 0000'),
    'KW': ('KWD', "Fahad Almutairi", "Gulf Road 3", "Kuwait City", '15000', '+965 2200 0000'),
    'QA': ('QAR', "Maryam Althani", "Corniche 5", "Doha", '00000', '+974 4400 0000'),
    'BH': ('BHD', "Yusuf Alkhalifa", "Pearl Avenue 8", "Manama", '317', '+973 1700 0000'),
    'OM': ('OMR', "Aisha Albusaidi", "Sultan Road 2", "Muscat", '100', '+968 2400 0000'),
    'EG': ('EGP', "Mona Hassan", "Tahrir Street 9", "Cairo", '11511', '+20 2 0000 0000'),
}
MORE_PRODUCTS = {"Cardamom Coffee": 45.0, "Date Box": 80.0, "Saffron, 5 g": 150.0}
ARABIC_NAMES = {
    PRODUCT: "طقم شاي كرك", "Cardamom Coffee": "قهوة بالهيل", "Date Box": "علبة تمر",
    "Saffron, 5 g": "زعفران، 5 غرام",
}
PICTURES = {
    PRODUCT: 'tea', "Cardamom Coffee": 'coffee', "Date Box": 'dates', "Saffron, 5 g": 'saffron',
}
# The response code of a refund that the bank refuses.
REFUND_REFUSED = '07666'
PATIENCE = 60  # Seconds for what Odoo does after a request.


def prepare_showcase(stack):
    """ Set up what there is to look at in the demo.

    :param Stack stack: The running shop.
    :return: The orders, as pairs of name and what became of it.
    :rtype: list[tuple[str, str]]
    """
    rpc = stack.rpc
    say("Adding people, currencies and products...")
    prepare_accountant(rpc)
    prepare_currencies(rpc)
    prepare_neighbours(rpc)
    prepare_products(rpc)
    say("Having the shopper order and pay...")
    orders = Orders(stack).make_all()
    say("Switching on all payment methods...")
    prepare_methods(stack)
    return orders


def prepare_accountant(rpc):
    """ Create somebody who looks after payments, but not after settings. """
    rpc.call('res.users', 'create', {
        'name': "Huda Accountant",
        **ACCOUNTANT,
        'email': 'accountant@example.com',
        get_groups_field(rpc): [(6, 0, [
            rpc.ref('base.group_user'), rpc.ref('account.group_account_manager'),
            rpc.ref('sales_team.group_sale_salesman_all_leads'),
        ])],
    }, context={'no_reset_password': True})


def prepare_currencies(rpc):
    """ Price the catalogue in each currency, for shoppers to choose from. """
    currency_ids = {code: get_currency(rpc, code) for code in RATES}
    rpc.call('res.currency', 'write', list(currency_ids.values()), {'active': True})
    rpc.call('res.currency.rate', 'create', [
        {'currency_id': currency_ids[code], 'name': '2020-01-01', 'rate': rate}
        for code, rate in RATES.items()
    ])
    # The first one is that of guests.
    sequences = itertools.count(1)
    settings_id = rpc.call('res.config.settings', 'create', {'group_product_pricelist': True})
    rpc.call('res.config.settings', 'execute', [settings_id])
    rpc.call('product.pricelist', 'create', [
        {
            'name': code, 'currency_id': currency_id, 'selectable': True,
            'sequence': next(sequences),
        } for code, currency_id in currency_ids.items()
    ])


def prepare_neighbours(rpc):
    """ Create a shopper for each country with payment methods of its own. """
    for country, (currency, name, street, city, postcode, phone) in NEIGHBOURS.items():
        login = get_login(country)
        partner_id = make_shopper(rpc, login, login, name, country, {
            'street': street, 'city': city, 'zip': postcode, 'phone': phone,
        })
        [pricelist_id] = rpc.call('product.pricelist', 'search', [('name', '=', currency)])
        rpc.call('res.partner', 'write', [partner_id], {
            'property_product_pricelist': pricelist_id,
        })


def get_login(country):
    """ Return the login of the shopper of a country, which is the password, too. """
    return f"{PORTAL['login']}-{country.lower()}"


def prepare_products(rpc):
    """ Publish more products, and have all of them look like something. """
    rpc.call('product.template', 'create', [
        {
            'name': name, 'list_price': price, 'type': 'service', 'taxes_id': [(6, 0, [])],
            'website_published': True,
        } for name, price in MORE_PRODUCTS.items()
    ])
    for name, picture in PICTURES.items():
        product_ids = rpc.call('product.template', 'search', [('name', '=', name)])
        svg = (Path(__file__).parent / 'pictures' / f'{picture}.svg').read_bytes()
        rpc.call('product.template', 'write', product_ids, {
            'image_1920': base64.b64encode(svg).decode(),
        })
        rpc.call('product.template', 'write', product_ids, {
            'name': ARABIC_NAMES[name],
        }, context={'lang': 'ar_001'})


def prepare_methods(stack):
    """ Switch on all methods that the addon supports, in Odoo and at the sandbox.

    :param Stack stack: The running shop.
    """
    rpc, provider_id = stack.rpc, stack.rpc.ref('payment.payment_provider_aps')
    account = stack.sandbox.request('GET', f'accounts/{MERCHANT}')
    stack.sandbox.request('PATCH', f'accounts/{MERCHANT}', {
        'payment_options': [*account['payment_options'], 'APPLE_PAY'], 'installments': True,
    })
    rpc.call('payment.provider', 'write', [provider_id], {
        'allow_tokenization': True, 'aps_has_own_networks': True,
    })
    [provider] = rpc.call('payment.provider', 'read', [provider_id], ['payment_method_ids'])
    methods = rpc.search_read('payment.method', [
        ('provider_ids', 'in', [provider_id]), ('is_primary', '=', True),
    ], ['id'])
    method_ids = {row['id'] for row in methods} | set(provider['payment_method_ids'])
    rpc.call('payment.method', 'write', sorted(method_ids), {'active': True})


class Orders:
    """ Orders of the shopper in all states that a merchant works with. """

    def __init__(self, stack):
        """ :param Stack stack: The running shop. """
        self.stack, self.rpc = stack, stack.rpc
        self.provider_id = self.rpc.ref('payment.payment_provider_aps')
        self.visitor = ShopVisitor(stack, PORTAL)

    def make_all(self):
        """ Make the orders.

        :return: Pairs of the name of an order and what became of it.
        :rtype: list[tuple[str, str]]
        """
        return [
            (self.pay(PRODUCT)['name'], "paid"),
            (self.make_authorized()['name'], "authorized: capture or void it"),
            (self.make_refunded()['name'], "paid, and refunded"),
            (self.make_problem()['name'], "paid; its refund was refused, which is a problem to "
                                          "look at"),
            (self.make_paid_twice()['name'], "paid twice, which is a problem with a button that "
                                             "refunds one of them"),
        ]

    def pay(self, product, state='done'):
        """ Have the shopper order and pay a product.

        :param str product: Its name.
        :param str state: The state that the transaction must get into.
        :return: The order, with its `name`, and the transaction's `reference` and, as
            `transaction`, its id.
        :rtype: dict
        :raise Failure: If the payment doesn't get there.
        """
        order = self.order(product)
        reference = self.visitor.pay_order(order)
        self._wait('payment.transaction', ('reference', '=', reference), state)
        self._wait('sale.order', ('id', '=', order['id']), 'sale')
        [transaction] = self.rpc.search_read(
            'payment.transaction', [('reference', '=', reference)], ['id']
        )
        return {**order, 'reference': reference, 'transaction': transaction['id']}

    def make_authorized(self):
        """ Have an order authorized that nobody has captured. """
        self._set_manual_capture(True)
        order = self.pay("Saffron, 5 g", 'authorized')
        self._set_manual_capture(False)
        return order

    def make_refunded(self):
        """ Have an order paid and refunded. """
        return self._refund("Date Box", 'done')

    def make_problem(self):
        """ Have an order paid whose refund the bank refuses. """
        self.stack.sandbox.request('POST', 'faults', {
            'command': 'REFUND', 'fault': 'answer', 'response_code': REFUND_REFUSED,
        })
        return self._refund("Cardamom Coffee", 'error')

    def make_paid_twice(self):
        """ Have an order paid in two tabs. """
        order = self.order("Saffron, 5 g")
        references = [self.visitor.begin(order) for _tab in range(2)]
        for reference in references:
            self.visitor.finish(reference)
            self._wait('payment.transaction', ('reference', '=', reference), 'done')
        return order

    def _refund(self, product, state):
        """ Have an order paid, and its refund come to a state. """
        order = self.pay(product)
        self.rpc.call('payment.transaction', 'action_refund', [order['transaction']])
        self._wait(
            'payment.transaction', ('source_transaction_id', '=', order['transaction']), state
        )
        return order

    def order(self, product):
        """ Make an order of the shop that waits to be paid. """
        [product_row] = self.rpc.search_read('product.product', [('name', '=', product)], ['id'])
        order_id = self.rpc.call('sale.order', 'create', {
            'partner_id': self.visitor.partner_id,
            'website_id': self.rpc.call('website', 'search', [], limit=1)[0],
            'access_token': str(uuid.uuid4()),
            'order_line': [(0, 0, {'product_id': product_row['id']})],
        })
        fields = ['name', 'amount_total', 'access_token']
        return self.rpc.call('sale.order', 'read', [order_id], fields)[0]

    def _set_manual_capture(self, is_manual):
        """ Have amounts authorized only, or charged at once. """
        self.rpc.call('payment.provider', 'write', [self.provider_id], {
            'capture_manually': is_manual,
        })

    def _wait(self, model, condition, state):
        """ Wait until a record is in a state.

        :param str model: Its model.
        :param tuple condition: The condition that only this record meets.
        :param str state: The state.
        :return: None
        :raise Failure: If it isn't in time.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            [row] = self.rpc.search_read(model, [condition], ['display_name', 'state'])
            if row['state'] == state:
                return
            if time.monotonic() > deadline:
                raise Failure(
                    f"{row['display_name']} is in the state {row['state']} instead of {state}."
                )
            time.sleep(0.2)
