""" Nobody pays twice unasked, and who did is told and gets it back, whatever the order. """

import itertools
import os
import random
import time

import pytest

from tests.support.extent import get_extent
from tests.support.saved_cards import save_card
from tests.support.tabs import CHANNELS, Document, Tab

TWICE = '/payment/aps/twice'
# What both tabs do: open the payment page, pay, and have the shop learn of it.
STEPS = ('open', 'pay', 'learn')
# What is paid in each tab.
PAIRS = (
    ('order', 'order'), ('invoice', 'invoice'), ('order', 'invoice'), ('invoice', 'order'),
    ('till', 'till'),
)
MEANS = (('card', 'card'), ('card', 'saved'), ('saved', 'card'), ('saved', 'saved'))


@pytest.fixture
def merchant(merchant):
    """ A merchant who takes the money at once, and lets shoppers save their cards. """
    merchant.set_manual_capture(False)
    provider = [merchant.provider_id]
    merchant.rpc.call('payment.provider', 'write', provider, {'allow_tokenization': True})
    merchant.leave_open_payments_alone()
    return merchant


@pytest.fixture
def saved_card(merchant):
    """ The saved card of a shopper. """
    return save_card(merchant)


def make_documents(merchant, pair):
    """ Return what is paid in the tabs; an order is that of the invoice.

    :param Merchant merchant: The merchant.
    :param tuple pair: The kinds of documents, one of `PAIRS`.
    :return: The documents.
    :rtype: list[Document]
    """
    if 'till' in pair:
        document = Document(merchant, 'pos.order', make_till_order(merchant))
        return [document, document]
    documents = {}
    if 'order' in pair:
        order_id = merchant.make_document('sale.order', 100)
        documents['order'] = Document(merchant, 'sale.order', order_id)
    if 'invoice' in pair:
        invoice_id = (
            invoice_order(merchant, order_id) if 'order' in pair
            else merchant.make_document('account.move', 100)
        )
        documents['invoice'] = Document(merchant, 'account.move', invoice_id)
    return [documents[kind] for kind in pair]


def invoice_order(merchant, order_id):
    """ Confirm an order, invoice it, and return the id of the invoice. """
    rpc = merchant.rpc
    rpc.call('sale.order', 'action_confirm', [order_id])
    context = {'active_model': 'sale.order', 'active_ids': [order_id]}
    [line] = rpc.search_read('sale.order.line', [('order_id', '=', order_id)], ['product_id'])
    rpc.call('product.product', 'write', [line['product_id'][0]], {'invoice_policy': 'order'})
    wizard_id = rpc.call('sale.advance.payment.inv', 'create', {
        'advance_payment_method': 'delivered', 'sale_order_ids': [(6, 0, [order_id])],
    }, context=context)
    rpc.call('sale.advance.payment.inv', 'create_invoices', [wizard_id], context=context)
    [order] = rpc.call('sale.order', 'read', [order_id], ['invoice_ids'])
    rpc.call('account.move', 'action_post', order['invoice_ids'])
    return order['invoice_ids'][0]


def find_problems(merchant, txs, state='open'):
    """ Return the problems of payments that were made twice. """
    return merchant.rpc.search_read('payment.aps.problem', [
        ('kind', '=', 'paid_twice'), ('transaction_id', 'in', [tx.id for tx in txs]),
        ('state', '=', state),
    ], ['transaction_id', 'detail'])


def end_problem(merchant, problem, payment, command='REFUND'):
    """ Click on the button of a problem twice, and wait until it has ended by itself. """
    for _click in range(2):
        merchant.rpc.call('payment.aps.problem', 'action_solve', [problem['id']])
    merchant.wait_for_notifications()
    for _attempt in range(50):
        merchant.post_process()
        if command == 'VOID_AUTHORIZATION':
            merchant.run_watch()  # A void is not post-processed.
        if find_problems(merchant, [payment], 'solved'):
            break
        time.sleep(0.2)
    assert find_problems(merchant, [payment], 'solved')
    ledger = payment.read_ledger()
    executed = [one['command'] for one in ledger.operations if one['executed']]
    assert executed.count(command) == 1


def walk(tabs, merchant, order, channels):
    """ Have two tabs do their steps in an order, and check what the shoppers read meanwhile.

    :param list[Tab] tabs: The tabs.
    :param Merchant merchant: The merchant.
    :param tuple order: The numbers of the tabs, one for each step.
    :param tuple channels: The way by which the shop learns of each payment.
    :return: What the status page of whoever was last told the browser.
    :rtype: dict
    """
    steps, learned, poll = [iter(STEPS), iter(STEPS)], set(), None
    for number in order:
        tab, step = tabs[number], next(steps[number])
        if step == 'learn':
            tab.learn(channels[number])
            learned.add(number)
            poll = tab.poll()
            assert poll['state'] == 'done'
            assert (poll['landing_route'] == TWICE) == (len(learned) == 2)
        else:
            getattr(tab, step)()
        if step == 'open':
            assert tab.is_told == bool(learned), "Told if, and only if, the other one is known."
    return poll


def check_noted(merchant, tabs):
    """ Check that what was paid twice is noted once and told to all.

    :param Merchant merchant: The merchant.
    :param list[Tab] tabs: The tabs.
    :return: The problem, and the payment that is to be given back.
    :rtype: tuple[dict, Payment]
    """
    payments = [tab.payment for tab in tabs]
    [problem] = find_problems(merchant, payments)
    later = max(payments, key=lambda payment: payment.id)
    assert problem['transaction_id'][0] == later.id
    assert all(payment.reference in problem['detail'] for payment in payments)
    document = tabs[payments.index(later)].document
    if document.model != 'pos.order':
        assert sum("was paid twice" in body for body in document.read_messages()) == 1
    for tab in tabs:
        assert "has been paid twice" in tab.read(TWICE)
    return problem, later


def check_given_back(merchant, tabs):
    """ Check besides that one click gives it back, and that it is over then. """
    problem, later = check_noted(merchant, tabs)

    end_problem(merchant, problem, later)

    for tab in tabs:
        ledger = tab.payment.read_ledger()
        assert ledger.captured == 10000
        assert ledger.refunded == (10000 if tab.payment is later else 0)
        assert "has been paid twice" not in tab.read(TWICE)


def list_orders():
    """ Return the orders in which two tabs can do their steps. """
    return sorted(set(itertools.permutations((0, 0, 0, 1, 1, 1))))


def list_cases(pairs):
    """ Return a case for each order of the steps and each way by which the shop may learn of them.

    What is paid, and with what, takes turns, so that each combination comes several times.

    :param list[tuple] pairs: What may be paid, of `PAIRS`.
    :return: The cases, in a random order.
    :rtype: list[tuple]
    """
    generator = random.Random(int(os.environ.get('APS_SEED') or 14))
    walks = list(itertools.product(list_orders(), itertools.product(CHANNELS, repeat=2)))
    combinations = list(itertools.product(pairs, MEANS))
    for cases in (walks, combinations):
        generator.shuffle(cases)
    return [(*next_one, *one) for next_one, one in zip(itertools.cycle(combinations), walks)]


def is_possible(case):
    """ Return whether Odoo lets it happen.

    The till takes no money for what it knows to be paid, and no saved cards of guests.
    """
    pair, means, order, _channels = case
    begins = [order.index(number) for number in (0, 1)]
    ends = [len(order) - 1 - order[::-1].index(number) for number in (0, 1)]
    return 'till' not in pair or (max(begins) < min(ends) and 'saved' not in means)


def run_case(merchant, saved_card, case, check):
    """ Have two tabs pay the same, and check what becomes of it.

    :param Merchant merchant: The merchant.
    :param SavedCard saved_card: The saved card of the shopper.
    :param tuple case: What is paid, with what, in which order, and how the shop learns of it.
    :param callable check: What to check at the end: `check(merchant, tabs)`.
    """
    pair, means, order, channels = case
    documents = make_documents(merchant, pair)
    tabs = [
        Tab(document, card=saved_card if kind == 'saved' else None)
        for document, kind in zip(documents, means, strict=True)
    ]
    walk(tabs, merchant, order, channels)
    check(merchant, tabs)


@pytest.mark.parametrize('case', (
    # Both are on the payment page before either pays; the one begun first is learned of last.
    (('invoice', 'invoice'), ('card', 'card'), (0, 1, 0, 1, 1, 0), ('webhook', 'return')),
    # One after the other, past the notice.
    (('order', 'order'), ('card', 'card'), (0, 0, 0, 1, 1, 1), ('return', 'webhook')),
    # The first one is only found out about when APS is asked.
    (('order', 'invoice'), ('card', 'saved'), (0, 0, 1, 1, 1, 0), ('check', 'webhook')),
    (('invoice', 'order'), ('saved', 'saved'), (0, 0, 0, 1, 1, 1), ('webhook', 'check')),
))
def test_two_tabs_pay_the_same(merchant, saved_card, case):
    run_case(merchant, saved_card, case, check_given_back)


def test_two_tabs_pay_the_same_in_any_order(shop, merchant, saved_card):
    """ Test cases at random, or all of them. """
    pairs = [pair for pair in PAIRS if 'till' not in pair or has_till(shop)]
    cases = list(filter(is_possible, list_cases(pairs)))
    for case in cases[:get_extent('APS_TABS', 4, len(cases))]:
        print(case)
        run_case(merchant, saved_card, case, check_noted)


@pytest.mark.parametrize('result, is_told', [
    ('uncertain', True), ('review', True), ('declined', False), ('cancel', False), (None, False),
])
def test_notice_depends_on_what_is_known_of_the_other_payment(merchant, result, is_told):
    [document, _same] = make_documents(merchant, ('invoice', 'invoice'))
    first, second = Tab(document), Tab(document)
    first.open()
    if result:
        first.pay({'uncertain': '15777', 'review': '40090'}.get(result, result))
        first.learn('webhook')
    second.open()
    assert second.is_told == is_told


def test_deposit_and_rest_are_paid_without_a_word(merchant):
    [document, _same] = make_documents(merchant, ('order', 'order'))
    tabs = [Tab(document, 30), Tab(document, 70)]
    for tab in tabs:
        tab.open()
        assert not tab.is_told
        tab.pay()
        tab.learn('webhook')
        assert tab.poll()['landing_route'] == '/my'
    assert not find_problems(merchant, [tab.payment for tab in tabs])


def test_what_was_reserved_twice_is_released(merchant):
    merchant.set_manual_capture(True)
    [document, _same] = make_documents(merchant, ('invoice', 'invoice'))
    tabs = [Tab(document), Tab(document)]
    for step in STEPS:
        for tab in tabs:
            getattr(tab, step)()
    for tab in tabs:
        tab.poll()
    payments = [tab.payment for tab in tabs]
    [problem] = find_problems(merchant, payments)
    assert problem['transaction_id'][0] == payments[1].id
    assert "only reserved" in tabs[0].read(TWICE)

    end_problem(merchant, problem, payments[1], 'VOID_AUTHORIZATION')

    assert [one.read_ledger().voided for one in payments] == [False, True]


def test_three_tabs_get_two_payments_back(merchant):
    [document, _same] = make_documents(merchant, ('invoice', 'invoice'))
    tabs = [Tab(document) for _number in range(3)]
    for step in STEPS:
        for tab in tabs:
            getattr(tab, step)()
    for tab in tabs:
        tab.poll()
    payments = [tab.payment for tab in tabs]
    for problem in find_problems(merchant, payments):
        [payment] = [one for one in payments if one.id == problem['transaction_id'][0]]
        end_problem(merchant, problem, payment)
    assert [one.read_ledger().refunded for one in payments] == [0, 10000, 10000]


def has_till(shop):
    """ Return whether the till takes online payments; its module is not part of every shop. """
    return bool(shop.rpc.search_read('ir.module.module', [
        ('name', '=', 'pos_online_payment'), ('state', '=', 'installed'),
    ], ['id']))


def make_till_order(merchant):
    """ Return the id of an order of the till that waits for its online payment. """
    rpc = merchant.rpc
    config_id = rpc.call('pos.config', 'search', [('name', '=', "Online Till")], limit=1)
    if not config_id:
        method_id = rpc.call('pos.payment.method', 'create', {
            'name': "Online", 'is_online_payment': True,
            'online_payment_provider_ids': [(6, 0, [merchant.provider_id])],
        })
        config_id = [rpc.call('pos.config', 'create', {
            'name': "Online Till", 'payment_method_ids': [(6, 0, [method_id])],
        })]
        rpc.call('pos.config', 'open_ui', config_id)
    [session_id] = rpc.call('pos.session', 'search', [('config_id', '=', config_id[0])], limit=1)
    rpc.call('pos.session', 'write', [session_id], {'state': 'opened'})
    [product_id] = rpc.call('product.product', 'search', [('name', '=', "Karak Tea Set")])
    return rpc.call('pos.order', 'create', {
        'session_id': session_id, 'partner_id': rpc.ref('base.partner_admin'),
        'amount_tax': 0, 'amount_total': 100, 'amount_paid': 0, 'amount_return': 0,
        'lines': [(0, 0, {
            'product_id': product_id, 'qty': 1, 'price_unit': 100, 'price_subtotal': 100,
            'price_subtotal_incl': 100, 'name': "Tea",
        })],
    })
