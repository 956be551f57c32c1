""" Shoppers with their tabs, and the people of the merchant, as a plan has them act. """

import html
import http.client
import re
import secrets
import urllib.parse
from contextlib import suppress
from typing import NamedTuple

from sandbox.currencies import decimals_of
from tests.support.payments import Payment
from tests.support.posting import post
from tests.support.tabs import NOTICE, ROUTES, read_form
from workbench.rpc import RPCError, Session
from workbench.shop import PRODUCT

# What people see of a server that is not there, or that refuses what they want.
EXPECTED = (OSError, RPCError, http.client.HTTPException)
# How the sandbox treats the notification of a payment, by what the plan says of it.
NEWS_FAULTS = {
    'twice': 'duplicate', 'late': 'hold', 'lost': 'drop', 'corrupt': 'corrupt',
    'reorder': 'reorder',
}
DECLINES = {'CAPTURE': '05666', 'REFUND': '07666', 'VOID_AUTHORIZATION': '09666'}
RECENT = 40  # How many of the latest payments the merchant's people look at.
# What can be done with: the payments themselves, what was captured, and all of it.
CANDIDATES = {
    'authorized': "state = 'authorized' AND source_transaction_id IS NULL",
    'taken': "state = 'done' AND operation != 'refund'",
    'any': "source_transaction_id IS NULL AND state != 'draft'",
}


class Shown(NamedTuple):
    """ A text that a shopper has read. """

    at: float
    reference: str  # Of the payment that they have made, or begun.
    text: str


class Document:
    """ An order or an invoice. """

    def __init__(self, world, values):
        """ :param dict values: What the plan says of the shopper. """
        self.world, self.model, self.currency = world, values['model'], values['currency']
        self.amount = values['amount_minor'] / 10 ** decimals_of(self.currency)
        self.token = secrets.token_hex(16)
        make = self._make_order if self.model == 'sale.order' else self._make_invoice
        self.id = make(world.partner_ids[values['partner']])

    def _make_order(self, partner_id):
        """ Make an order and return its id. """
        return self.world.rpc.call('sale.order', 'create', {
            'partner_id': partner_id, 'access_token': self.token, 'order_line': [
                (0, 0, {'product_id': self.world.product_id, 'price_unit': self.amount}),
            ],
        })

    def _make_invoice(self, partner_id):
        """ Make an invoice, post it, and return its id. """
        rpc = self.world.rpc
        invoice_id = rpc.call('account.move', 'create', {
            'move_type': 'out_invoice', 'partner_id': partner_id, 'access_token': self.token,
            'currency_id': self.world.currency_ids[self.currency], 'invoice_line_ids': [
                (0, 0, {'name': "Service", 'price_unit': self.amount, 'tax_ids': [(6, 0, [])]}),
            ],
        })
        rpc.call('account.move', 'action_post', [invoice_id])
        return invoice_id

    def cancel(self):
        """ Have the merchant cancel it. """
        if self.model == 'account.move':
            self.world.rpc.call(self.model, 'button_draft', [self.id])
            self.world.rpc.call(self.model, 'button_cancel', [self.id])
        else:
            self.world.rpc.call(
                self.model, 'action_cancel', [self.id], context={'disable_cancel_warning': True}
            )


class Attempt(Session):
    """ A tab of a browser of its own, in which a shopper pays a document. """

    def __init__(self, document):
        self.document, self.world = document, document.world
        self.shop = self.world.shop
        super().__init__(self.shop.url)
        self.reference = self.answer = None

    def open(self):
        """ Have the shop make the payment, and go to the payment page, also past the notice. """
        document = self.document
        result = self.call(
            ROUTES[document.model].format(document.id), access_token=document.token,
            provider_id=self.world.merchant.provider_id, token_id=None,
            payment_method_id=self.world.method_id, amount=document.amount, flow='redirect',
            tokenization_requested=False, landing_route='/my', is_validation=False,
        )
        self.reference = result['reference']
        action, fields = read_form(result['redirect_form_html'])
        if action == NOTICE:
            action, fields = read_form(self.look_at(NOTICE))
        self.submit(action, fields)

    def pay(self, result, news='now', **options):
        """ Do something on the payment page. """
        self.order_news(news if result != 'cancel' else 'now')
        self.answer = self.shop.sandbox('POST', 'pay', {
            'merchant_reference': self.reference, 'result': result, **options,
        })

    def order_news(self, news):
        """ Have the sandbox treat the next notification of the payment in some way. """
        order_news(self.world, self.reference, news)

    def come_back(self):
        """ Come back to the shop with the answer of APS, and look at the status page. """
        with suppress(*EXPECTED):
            page = self.submit(self.answer['return_url'], self.answer['fields'])
            self.note(page)
            self.wait()

    def wait(self):
        """ Wait on the status page as its script does, and go on where it leads. """
        answer = self.call('/payment/status/poll')
        self.note(answer.get('display_message') or '')
        if (answer.get('landing_route') or '').startswith('/payment/'):  # Says how it went on.
            self.look_at(answer['landing_route'])

    def look(self):
        """ Open the status page. """
        with suppress(*EXPECTED):
            self.look_at('/payment/status')
            self.wait()

    def look_at(self, path):
        """ Read a page of the shop, and return it. """
        page = self.read(path)
        self.note(page)
        return page

    def submit(self, action, fields):
        """ Submit a form, and return the page that it leads to. """
        # APS may take the request and never answer.
        return self.read(action, fields, timeout=60 if self.world.is_aps_up else 1)

    def note(self, page):
        """ Keep what the shopper reads. """
        self.world.shown.append(Shown(self.world.now(), self.reference, read_text(page)))


class Shopper:
    """ Somebody who pays, or does not. """

    def __init__(self, world, values):
        """ :param dict values: What the plan says. """
        self.world, self.values = world, values

    def act(self):
        """ Do what the plan says, whatever the servers do. """
        with suppress(*EXPECTED):
            self.document = Document(self.world, self.values)
            getattr(self, f'_{self.values["story"]}')()

    def _attempt(self, result, number=0):
        """ Make an attempt to pay, and come back or not.

        :param str result: What becomes of it.
        :param int number: Which attempt it is.
        :return: The attempt.
        :rtype: Attempt
        """
        attempt = Attempt(self.document)
        attempt.open()
        self._finish(attempt, result, number)
        return attempt

    def _finish(self, attempt, result, number=0):
        """ Pay on the payment page, and come back or not. """
        self._pay(attempt, result, number)
        if self.values['is_back'][number]:
            attempt.come_back()

    def _pay(self, attempt, result, number=0):
        """ Pay on the payment page. """
        attempt.pay(result, self.values['news'][number])
        if not self.values['is_return_first']:
            self.world.merchant.wait_for_notifications()
        if self.values['news'][number] == 'late':
            self._later(lambda: deliver(self.world, attempt.reference))

    def _later(self, function):
        """ Do something after the time that the plan says, once APS is there. """
        def act():
            if not self.world.is_aps_up:
                self.world.appoint(self.world.now() + 3600, act)
                return
            with suppress(*EXPECTED):
                function()

        self.world.appoint(self.world.now() + self.values['delay'] * 60, act)

    def _pays(self):
        self._attempt('success')

    def _declined(self):
        self._attempt(self.values['failure'])

    def _declined_then_pays(self):
        self._attempt(self.values['failure'])
        self._attempt('success', 1)

    def _same_page(self):
        """ A card is declined, and another one on the same page is not. """
        attempt = Attempt(self.document)
        attempt.open()
        attempt.pay('declined', stay=True)
        self.world.merchant.wait_for_notifications()
        self._finish(attempt, 'success', 1)
        if not self.values['is_back'][1]:
            attempt.look()

    def _cancels(self):
        self._attempt('cancel')

    def _leaves(self):
        Attempt(self.document).open()

    def _pays_late(self):
        """ The page stays open for a while. """
        attempt = Attempt(self.document)
        attempt.open()
        self._later(lambda: self._finish(attempt, 'success'))

    def _undecided(self):
        """ APS doesn't know at first, and decides later. """
        attempt = self._attempt(self.values['undecided'])
        self._decide_later(attempt, self.values['decision'])

    def _undecided_then_pays(self):
        """ Somebody pays again although the first payment isn't decided, and both succeed. """
        attempt = self._attempt(self.values['undecided'])
        self._attempt('success', 1)
        self._decide_later(attempt, 'success')

    def _decide_later(self, attempt, decision):
        """ Have APS decide. """
        if decision == 'never':
            return

        def decide():
            attempt.order_news(self.values['news'][1])
            self.world.shop.sandbox('POST', 'settle', {
                'merchant_reference': attempt.reference, 'result': decision,
            })
            attempt.look()

        self._later(decide)

    def _two_tabs(self):
        """ The same is paid in two tabs. """
        attempts = [Attempt(self.document) for _tab in range(2)]
        for attempt in attempts:
            attempt.open()
        for number, attempt in enumerate(attempts):
            self._pay(attempt, 'success', number)
        order = (1, 0) if self.values['is_return_first'] else (0, 1)
        for number in order:
            if self.values['is_back'][number]:
                attempts[number].come_back()

    def _canceled_document(self):
        """ What is paid is canceled while the shopper is on the payment page. """
        attempt = Attempt(self.document)
        attempt.open()
        self.document.cancel()
        self._finish(attempt, 'success')


class Staff:
    """ The people of the merchant. """

    def __init__(self, world, values):
        """ :param dict values: What the plan says. """
        self.world, self.values = world, values
        self.rpc, self.shop = world.rpc, world.shop

    def act(self):
        """ Do what the plan says, if there is anything to do it with. """
        with suppress(*EXPECTED):
            getattr(self, f'_{self.values["action"]}')()
        self.shop.sandbox('DELETE', 'faults')

    def _choose(self, candidates):
        """ Return one of the latest payments of a kind, with its amount; `None` if none is there.

        :param str candidates: One of `CANDIDATES`.
        :return: The payment, and the amount in major units.
        :rtype: tuple[Payment, float] | None
        """
        rows = self.world.read(
            "SELECT coalesce(json_agg(row ORDER BY row.id), '[]') FROM ("
            "SELECT id, reference, amount FROM payment_transaction WHERE "
            f"{CANDIDATES[candidates]} ORDER BY id DESC LIMIT {RECENT}) AS row"
        )
        if not rows:
            return None
        row = rows[int(self.values['pick'] * len(rows))]
        return Payment(self.world.merchant, row['id'], row['reference']), row['amount']

    def _share(self, amount):
        """ Return the part of an amount that the plan says, in major units. """
        return max(round(amount * self.values['share'], 2), 0.01)

    def _order_fault(self, command):
        """ Have something go wrong with the operation, and with its notice. """
        fault = self.values['fault']
        if self.values['news'] in NEWS_FAULTS:
            self.world.merchant.order_fault('NOTIFICATION', NEWS_FAULTS[self.values['news']])
        if fault == 'declined':
            self.world.merchant.order_fault(command, 'answer', response_code=DECLINES[command])
        elif fault:
            self.world.merchant.order_fault(command, fault)

    def _capture(self):
        chosen = self._choose('authorized')
        if chosen:
            self._order_fault('CAPTURE')
            chosen[0].capture(self._share(chosen[1]))

    def _void(self):
        chosen = self._choose('authorized')
        if chosen:
            self._order_fault('VOID_AUTHORIZATION')
            chosen[0].void()

    def _refund(self):
        chosen = self._choose('taken')
        if chosen:
            self._order_fault('REFUND')
            chosen[0].refund(self._share(chosen[1]))

    def _close_rest(self):
        chosen = self._choose('authorized')
        if chosen:
            chosen[0].call('action_aps_close_remaining')

    def _check(self):
        chosen = self._choose('any')
        if chosen:
            chosen[0].check()

    def _back_office(self):
        """ Do something in the dashboard of APS. """
        chosen = self._choose('any')
        if not chosen or not self.world.is_aps_up:
            return
        payment, command = chosen[0], self.values['command']
        entries = self.shop.sandbox(
            'GET', f'ledger?merchant_reference={urllib.parse.quote(payment.reference)}'
        )['payments']
        if not entries:  # Nobody ever came to its page.
            return
        order_news(self.world, payment.reference, self.values['news'])
        if command == 'REFUND' and self.values['news'] not in ('now', 'twice'):
            self.world.silent.add(payment.reference)
        amount = max(round(entries[0]['amount'] * self.values['share']), 1)
        self.shop.sandbox('POST', 'backoffice', {
            'merchant_reference': payment.reference, 'command': command,
            **({'amount': amount} if command != 'VOID_AUTHORIZATION' else {}),
        })
        if self.values['news'] == 'late':
            self.world.appoint(
                self.world.now() + 3600, lambda: deliver(self.world, payment.reference)
            )

    def _solve(self):
        """ Click on the button of a problem, or put away one that the dashboard explains. """
        problems = self.rpc.search_read(
            'payment.aps.problem', [('state', '=', 'open')], ['kind', 'transaction_id'], order='id'
        )
        for problem in problems:
            with suppress(*EXPECTED):
                self._solve_one(problem)

    def _solve_one(self, problem):
        """ Do what a problem asks for. """
        solve = {
            'no_payment': self._dismiss, 'mismatch': self._dismiss,
            'lapsing': self._capture_lapsing, 'outcome_open': self._close,
        }.get(problem['kind'], self._click)
        solve(problem)

    def _click(self, problem):
        self.rpc.call('payment.aps.problem', 'action_solve', [problem['id']])

    def _dismiss(self, problem):
        self.rpc.call(
            'payment.aps.problem', 'action_dismiss', [problem['id']], "Compared with the dashboard."
        )

    def _capture_lapsing(self, problem):
        payment = Payment(self.world.merchant, *problem['transaction_id'])
        [row] = self.rpc.call('payment.transaction', 'read', [payment.id], ['amount'])
        payment.capture(row['amount'])

    def _close(self, problem):
        """ Close what the dashboard shows as undecided. """
        wizard_id = self.rpc.call('payment.aps.closing', 'create', {
            'transaction_id': problem['transaction_id'][0], 'reason': "Looked at the dashboard.",
        })
        self.rpc.call('payment.aps.closing', 'action_close', [wizard_id])


def order_news(world, reference, news):
    """ Have the sandbox treat the next notification of a payment in some way. """
    if news in NEWS_FAULTS:
        world.merchant.order_fault(
            'NOTIFICATION', NEWS_FAULTS[news], merchant_reference=reference
        )


def deliver(world, reference):
    """ Have the sandbox deliver the notifications of a payment that it kept back. """
    if world.is_odoo_up:
        world.shop.sandbox('POST', 'notifications/deliver', {'merchant_reference': reference})


def pay_by_link(world, reference, amount_minor):
    """ Have somebody pay on a link of the dashboard, of which Odoo knows nothing. """
    message = world.shop.sandbox('POST', 'sign', {
        'merchant_identifier': world.shop.merchant, 'fields': {
            'command': 'PURCHASE', 'merchant_identifier': world.shop.merchant,
            'access_code': 'SandboxAccessCode1', 'merchant_reference': reference,
            'amount': str(amount_minor), 'currency': 'AED', 'language': 'en', 'fort_id': '4277',
            'payment_option': 'VISA', 'status': '14', 'response_code': '14000',
        },
    })['fields']
    for _delivery in range(3):
        post(f'{world.shop.url}/payment/aps/webhook', message)


def prepare_people(world):
    """ Make the customers, and look up what they need. """
    world.shown = []
    world.currency_ids = {
        row['name']: row['id'] for row in world.rpc.search_read(
            'res.currency', [('name', 'in', ('AED', 'KWD'))], ['name']
        )
    }
    [world.product_id] = world.rpc.call('product.product', 'search', [('name', '=', PRODUCT)])
    world.method_id = world.rpc.ref('payment.payment_method_card')
    world.partner_ids = [
        world.rpc.call('res.partner', 'create', {
            'name': f"Customer {number}", 'email': f'customer{number}@example.com',
            'country_id': world.rpc.ref('base.ae'),
        }) for number in range(5)
    ]


def read_text(page):
    """ Return what a person reads of a page or a message.

    :param str page: The HTML.
    :rtype: str
    """
    page = re.sub(r'<(script|style|head|nav|footer)\b.*?</\1>', ' ', page, flags=re.DOTALL)
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', ' ', page)).split())
