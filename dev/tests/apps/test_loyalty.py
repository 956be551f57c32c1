""" Gift cards and e-wallets that pay a part of an order, and a card that pays the rest. """

import pytest

from tests.support.purchases import Goods
from tests.support.visitor import Visitor
from workbench.shop import PORTAL

REST = 73.45  # Of an order of 123.45.


class Voucher:
    """ A gift card or an e-wallet of 50.00. """

    def __init__(self, seller, kind, partner_id=False):
        """
        :param Merchant seller: The merchant.
        :param str kind: `gift_card` or `ewallet`.
        :param int partner_id: Its owner, if it has one.
        """
        self.rpc = seller.rpc
        action = self.rpc.call('loyalty.program', 'create_from_template', kind)
        self.program_id = action['res_id']
        self.id = self.rpc.call('loyalty.card', 'create', {
            'program_id': self.program_id, 'partner_id': partner_id, 'points': 50,
        })
        [row] = self.rpc.call('loyalty.card', 'read', [self.id], ['code'])
        self.code = row['code']

    def use(self, visitor):
        """ Enter the code in the cart. """
        visitor.get('/shop/cart')
        visitor.post('/shop/pricelist', promo=self.code)

    def claim(self, visitor):
        """ Click on *Pay with eWallet*. """
        [reward] = self.rpc.search_read(
            'loyalty.reward', [('program_id', '=', self.program_id)], ['id']
        )
        visitor.get('/shop/claimreward', reward_id=reward['id'], code=self.code)

    def read_points(self):
        """ Return what is left on it. """
        return self.rpc.call('loyalty.card', 'read', [self.id], ['points'])[0]['points']

    def end(self):
        """ Offer it no more. """
        self.rpc.call('loyalty.program', 'write', [self.program_id], {'active': False})


@pytest.fixture
def make_voucher(seller):
    """ Make a voucher, which is not offered to later tests. """
    made = []

    def make(kind, **values):
        made.append(Voucher(seller, kind, **values))
        return made[-1]

    yield make
    for voucher in made:
        voucher.end()


def test_gift_card_pays_a_part_once_the_rest_is_paid(seller, stranger, make_voucher):
    voucher, goods = make_voucher('gift_card'), Goods(seller)
    goods.choose(stranger)
    voucher.use(stranger)
    declined = goods.check_out(stranger).start()
    assert declined.fields['amount'] == '7345'
    assert declined.pay('declined') == 'error'
    assert voucher.read_points() == 50

    attempt = goods.check_out(stranger).start()
    assert attempt.pay('pending') == 'pending'
    attempt.settle()
    seller.post_process_until(lambda: goods.is_delivered(attempt))

    assert voucher.read_points() == 0
    assert attempt.read_booked() == [REST]
    assert attempt.read_captured() == 7345


def test_wallet_pays_a_part_and_the_card_the_rest(seller, shop, make_voucher):
    shopper = Visitor(shop, PORTAL)
    [user] = seller.rpc.search_read('res.users', [('login', '=', 'shopper')], ['partner_id'])
    seller.rpc.call('res.partner', 'write', [user['partner_id'][0]], {'zip': '00000'})
    voucher = make_voucher('ewallet', partner_id=user['partner_id'][0])
    goods = Goods(seller)
    shopper.call('/shop/cart/clear')
    goods.choose(shopper)
    shopper.get('/shop/cart')
    voucher.claim(shopper)

    attempt = goods.check_out(shopper).start()
    assert attempt.pay() == 'done'

    assert attempt.read_captured() == 7345
    assert goods.is_delivered(attempt)
    assert voucher.read_points() == 0


def test_gift_card_that_two_orders_use_at_once_loses_no_payment(shop, seller, make_voucher):
    voucher, goods = make_voucher('gift_card'), Goods(seller)
    attempts = []
    for visitor in (Visitor(shop), Visitor(shop)):
        goods.choose(visitor)
        voucher.use(visitor)
        attempts.append(goods.check_out(visitor).start())
        assert attempts[-1].fields['amount'] == '7345'
    assert attempts[0].pay() == 'done'
    assert goods.is_delivered(attempts[0])

    attempts[1].go()
    attempts[1].leave()
    seller.post_process()

    assert attempts[1].read().state == 'done'
    attempts[1].age(hours=2)
    seller.post_process_until(lambda: attempts[1].read_booked() == [REST])
