""" What is sold on the website: how it gets to the payment form, and when it is delivered. """

import json
import time

from workbench.shop import PRODUCT

GUEST = {
    'name': "Omar Guest", 'email': 'omar@example.com', 'phone': '+971 50 123 4567',
    'street': "Corniche 2", 'city': "Dubai", 'zip': '00000',
}
TICKET_PRICE, BOOTH_PRICE, COURSE_PRICE = 80, 300, 150


class Purchase:
    """ Something that a merchant sells on the website. """

    amount = None  # What the payment form asks for, in major units.

    def __init__(self, merchant):
        self.merchant = merchant
        self.rpc = merchant.rpc
        self.is_new_series = merchant.shop.series != '17.0'
        self.prepare()

    def prepare(self):
        """ Offer it on the website. """

    def choose(self, visitor):
        """ Put it in the cart. """
        raise NotImplementedError

    def open_form(self, visitor):
        """ Choose it, check out, and open the payment form.

        :param Visitor visitor: The shopper, whose cart is emptied first.
        :return: The form.
        :rtype: PaymentForm
        """
        visitor.call('/shop/cart/clear')
        self.choose(visitor)
        return self.check_out(visitor)

    def check_out(self, visitor):
        """ Check out, with an address if none is known, and open the payment form. """
        visitor.get('/shop/checkout')
        if '/shop/address' in visitor.url:
            self._enter_address(visitor)
        return visitor.open_form('/shop/payment')

    def _enter_address(self, visitor):
        """ Enter the address of a guest. """
        address = {**GUEST, **self._get_country()}
        if self.is_new_series:
            answer = json.loads(visitor.post(
                '/shop/address/submit', address_type='billing', use_delivery_as_billing='true',
                required_fields='', **address,
            ))
            visitor.get(answer['redirectUrl'])
            return
        visitor.post(
            '/shop/address', submitted=1, use_same=1, field_required='', partner_id=-1, **address
        )

    def _get_country(self):
        """ Return the country of the guest, with a state of it. """
        country_id = self.rpc.ref('base.ae')
        [state_id] = self.rpc.call(
            'res.country.state', 'search', [('country_id', '=', country_id)], limit=1
        )
        return {'country_id': country_id, 'state_id': state_id}

    def create_product(self, kind, name, price):
        """ Publish a product of some kind, without taxes, and return its id. """
        field = 'service_tracking' if self.is_new_series else 'detailed_type'
        template_id = self.rpc.call('product.template', 'create', {
            'name': name, 'list_price': price, 'taxes_id': [(6, 0, [])], 'type': 'service',
            'is_published': True, field: kind,
        })
        return self.rpc.call(
            'product.product', 'search', [('product_tmpl_id', '=', template_id)]
        )[0]

    def put_in_cart(self, visitor, product_id):
        """ Put a product in the cart, as its page does. """
        if self.is_new_series:
            [product] = self.rpc.call('product.product', 'read', [product_id], ['product_tmpl_id'])
            visitor.call(
                '/shop/cart/add', product_template_id=product['product_tmpl_id'][0],
                product_id=product_id, quantity=1,
            )
            return
        visitor.get('/shop')
        visitor.post('/shop/cart/update', product_id=product_id, add_qty=1)

    def read_orders(self, attempt):
        """ Return the orders that an attempt pays. """
        return self.rpc.call(
            'sale.order', 'read', attempt.read().sale_order_ids, ['name', 'state', 'amount_total']
        )

    def is_delivered(self, attempt):
        """ Return whether the shopper got it: the order is confirmed.

        :param Attempt attempt: The attempt to pay for it.
        :return: Whether it is.
        :rtype: bool
        """
        return [order['state'] for order in self.read_orders(attempt)] == ['sale']


class Goods(Purchase):
    """ A product of the shop. """

    amount = 123.45

    def choose(self, visitor):
        """ Put it in the cart. """
        [product_id] = self.rpc.call('product.product', 'search', [('name', '=', PRODUCT)])
        self.put_in_cart(visitor, product_id)


class EventPurchase(Purchase):
    """ Something about an event. """

    def prepare(self):
        """ Publish an event. """
        self.event_id = self.rpc.call('event.event', 'create', {
            'name': f"Poetry Night {time.time_ns()}", 'is_published': True,
            'date_begin': '2040-01-01 18:00:00', 'date_end': '2040-01-01 22:00:00',
        })


class Ticket(EventPurchase):
    """ A ticket for an event. """

    amount = TICKET_PRICE

    def prepare(self):
        """ Offer tickets. """
        super().prepare()
        product_id = self.create_product('event', "Ticket", self.amount)
        self.ticket_id = self.rpc.call('event.event.ticket', 'create', {
            'name': "Seat", 'event_id': self.event_id, 'product_id': product_id,
            'price': self.amount,
        })

    def choose(self, visitor):
        """ Register for the event. """
        visitor.get(f'/event/{self.event_id}/register')
        [event] = self.rpc.call('event.event', 'read', [self.event_id], ['question_ids'])
        answers = {'name': GUEST['name'], 'email': GUEST['email'], 'phone': GUEST['phone']}
        self.page = visitor.post(f'/event/{self.event_id}/registration/confirm', **{
            '1-event_ticket_id': self.ticket_id, **{
                f'1-{question["question_type"]}-{question["id"]}':
                    answers[question['question_type']]
                for question in self.rpc.call(
                    'event.question', 'read', event['question_ids'], ['question_type']
                ) if question['question_type'] in answers
            },
        })

    def read_registrations(self):
        """ Return the states of the registrations. """
        return [row['state'] for row in self.rpc.search_read(
            'event.registration', [('event_id', '=', self.event_id)], ['state']
        )]

    def is_delivered(self, attempt):
        """ Return whether the registration is confirmed along with the order. """
        return super().is_delivered(attempt) and self.read_registrations() == ['open']


class FreeTicket(Ticket):
    """ A ticket that costs nothing. """

    amount = 0


class Booth(EventPurchase):
    """ A booth at an event. """

    amount = BOOTH_PRICE

    def prepare(self):
        """ Offer a booth. """
        super().prepare()
        product_id = self.create_product('event_booth', "Stall", self.amount)
        self.category_id = self.rpc.call('event.booth.category', 'create', {
            'name': f"Stall {time.time_ns()}", 'product_id': product_id, 'price': self.amount,
        })
        self.booth_id = self.rpc.call('event.booth', 'create', {
            'name': "Stall 1", 'event_id': self.event_id, 'booth_category_id': self.category_id,
        })

    def choose(self, visitor):
        """ Choose the booth. """
        path = f'/event/{self.event_id}/booth'
        visitor.get(f'{path}/register_form', booth_ids=self.booth_id,
                    booth_category_id=self.category_id)
        email = f'stall{time.time_ns()}@example.com'
        answer = visitor.post(
            f'{path}/confirm', booth_category_id=self.category_id,
            event_booth_ids=json.dumps([self.booth_id]), contact_name="Stall Keeper",
            contact_email=email, contact_phone=GUEST['phone'],
        )
        assert json.loads(answer) == {'redirect': '/shop/cart'}

    def is_delivered(self, attempt):
        """ Return whether the booth is taken along with the order. """
        [booth] = self.rpc.call('event.booth', 'read', [self.booth_id], ['state'])
        return super().is_delivered(attempt) and booth['state'] == 'unavailable'


class Course(Purchase):
    """ A course that costs something. """

    amount = COURSE_PRICE

    def prepare(self):
        """ Offer the course. """
        name = f"Calligraphy {time.time_ns()}"
        self.product_id = self.create_product('course', name, self.amount)
        self.course_id = self.rpc.call('slide.channel', 'create', {
            'name': name, 'enroll': 'payment', 'product_id': self.product_id, 'is_published': True,
            'visibility': 'public',
        })

    def choose(self, visitor):
        """ Put it in the cart. """
        visitor.get(f'/slides/{self.course_id}')
        self.put_in_cart(visitor, self.product_id)

    def is_delivered(self, attempt):
        """ Return whether the shopper is enrolled along with the order. """
        members = self.rpc.search_read(
            'slide.channel.partner', [('channel_id', '=', self.course_id)], ['partner_id']
        )
        [tx] = self.rpc.search_read(
            'payment.transaction', [('reference', '=', attempt.reference)], ['partner_id']
        )
        [partner] = self.rpc.call(
            'res.partner', 'read', [tx['partner_id'][0]], ['parent_id']
        )
        payers = {tx['partner_id'][0], partner['parent_id'] and partner['parent_id'][0]}
        is_member = bool(payers & {row['partner_id'][0] for row in members})
        return super().is_delivered(attempt) and is_member
