""" How long a shopper waits from the last click at APS to the confirmed order. """

import statistics
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from ..rpc import BUSY, Client, RPCError, Session, read_inputs
from ..shop import leave_out_reports
from ..system import Failure, say
from .cases import CASES, FORM, RETURN, WEBHOOK, send, sign_success
from .figures import Ratio, compare, get_percentile
from .subjects import serve_all

ORDERS, QUICK_ORDERS = 24, 8  # Of each way, mode and module, after one that doesn't count.
# Whether APS tells the shop at the moment at which it sends the shopper back, too.
WAYS = {True: "with the webhook", False: "without it"}
# When the page of Odoo 17.0 looks at the payment: at once, and then so many seconds later.
POLL_INTERVALS = (0, *[3] * 9, *[10] * 10)
PAID_STATES = ('authorized', 'done')


@dataclass
class Wait:
    """ How long one shopper waited, in seconds. """

    back: float  # For the answer to the return, which leads to the status page.
    page: float  # For the status page.
    shown: float  # Until it shows that the order is paid, by when Odoo has confirmed it.

    @property
    def total(self):
        """ The whole wait. """
        return self.back + self.page + self.shown


@dataclass
class WaitRow:
    """ One line of the table: the waits of two modules in one way. """

    mode: str
    way: str
    median: float
    p95: float
    steps: dict  # The median of each step.
    baseline_median: float
    baseline_p95: float
    baseline_steps: dict
    ratio: Ratio
    floor: float  # The cheapest request, which the addon's route can't be faster than.

    @property
    def own(self):
        """ What of the wait is the addon's, in seconds.

        Its route, without what the cheapest request takes as well, and what the pages of the engine
        take more, or less, than with Odoo's own module.
        """
        more = sum(self.steps[name] - self.baseline_steps[name] for name in ('page', 'shown'))
        return self.steps['back'] - self.floor + more

    def as_dict(self):
        """ Return the row as it is written to the file. """
        return {**asdict(self), 'own': self.own}


class Shopper(Session):
    """ The browser of somebody who pays an order. """

    def __init__(self, subject, order):
        """
        :param Subject subject: The shop.
        :param dict order: What the shop knows of the order.
        """
        super().__init__(subject.url)
        self.subject = subject
        self.order = order

    def leave(self):
        """ Choose the card, and leave for the payment page.

        :return: What APS will say if the shopper pays there, as the body of a form.
        :rtype: bytes
        """
        values = self.subject.values
        answer = self.call(
            f'/my/orders/{self.order["id"]}/transaction', access_token=self.order['token'],
            amount=self.order['amount'], provider_id=values.provider_id,
            payment_method_id=values.payment_method_id, token_id=None, flow='redirect',
            tokenization_requested=False, landing_route=self.order['url'], is_validation=False,
        )
        fields = read_inputs(answer['redirect_form_html'])
        if 'merchant_reference' not in fields:
            raise Failure(f"{self.subject.name} gave a shopper no form. Log: {self.subject.log}")
        message = sign_success(*map(fields.get, ('merchant_reference', 'amount', 'currency')))
        return urllib.parse.urlencode(message).encode()

    def come_back(self, body):
        """ Bring the answer of APS, and wait at the status page until it shows a paid order.

        :param bytes body: What APS says.
        :return: How long each step took.
        :rtype: Wait
        """
        # From the page of APS, browsers send no cookie along.
        status, _answer, back = send(self.subject.url, 'POST', RETURN, body, FORM)
        if status != 303:
            raise Failure(f"{self.subject.name} answered {status} to a return.")
        begin = time.perf_counter()
        self.read('/payment/status')
        opened = time.perf_counter()
        self._wait_until_paid()
        return Wait(back, opened - begin, time.perf_counter() - opened)

    def _wait_until_paid(self):
        """ Look at the payment as often as the script of the page does, until it is paid. """
        for interval in POLL_INTERVALS:
            time.sleep(interval)
            try:
                answer = self.call('/payment/status/poll')
            except RPCError as error:
                if str(error) != BUSY:
                    raise Failure(f"The status page failed. Log: {self.subject.log}") from error
                continue
            if answer['state'] in PAID_STATES:
                return
        raise Failure(f"The status page never showed a paid order. Log: {self.subject.log}")


def measure_wait(bench, modules):
    """ Measure how long shoppers wait until their order is confirmed.

    :param Bench bench: The run.
    :param list[Subject] modules: This addon and Odoo's own module.
    :return: The lines of the table.
    :rtype: list[WaitRow]
    """
    subjects = [module.copy(module.name, 'wait') for module in modules]
    number = QUICK_ORDERS if bench.arguments.quick else ORDERS
    rows = []
    for mode in bench.arguments.modes:
        serve_all(subjects, mode)
        products = {subject: prepare_shop(subject) for subject in subjects}
        floor = statistics.median(CASES['floor']().run(subjects[0]).seconds)
        for is_notified, way in WAYS.items():
            say(f"  {number} orders each, {way}...")
            waits = {subject: [] for subject in subjects}
            for index in range(number + 1):
                # Nobody is always the first one.
                for subject in (subjects if index % 2 else reversed(subjects)):
                    waits[subject].append(pay(subject, products[subject], is_notified))
            rows.append(make_wait_row(mode, way, *(waits[one][1:] for one in subjects), floor))
        for subject in subjects:
            subject.stop()
    print_wait_rows(rows)
    return rows


def prepare_shop(subject):
    """ Have the shop sell something, and send e-mails without PDF.

    :param Subject subject: The shop.
    :return: The id of the product.
    :rtype: int
    """
    rpc = Client(subject.url, subject.database)
    leave_out_reports(rpc)
    return rpc.call('product.product', 'create', {
        'name': "Karak Tea Set", 'list_price': 10.0, 'type': 'service',
        'taxes_id': [(6, 0, [])],
    })


def pay(subject, product_id, is_notified):
    """ Have a shopper pay an order.

    :param Subject subject: The shop.
    :param int product_id: What is bought.
    :param bool is_notified: Whether APS posts its notification while the shopper comes back.
    :return: How long the shopper waited.
    :rtype: Wait
    :raise Failure: If the order isn't confirmed in the end.
    """
    shopper = Shopper(subject, make_order(subject, product_id))
    body = shopper.leave()
    with ThreadPoolExecutor(1) as pool:
        notice = is_notified and pool.submit(send, subject.url, 'POST', WEBHOOK, body, FORM)
        wait = shopper.come_back(body)
        if notice and notice.result()[0] != 200:
            raise Failure(f"{subject.name} didn't take the notification. Log: {subject.log}")
    state = subject.query(f"SELECT state FROM sale_order WHERE id = {shopper.order['id']}")
    if state != 'sale':
        raise Failure(f"{subject.name} left an order in state {state}. Log: {subject.log}")
    return wait


def make_order(subject, product_id):
    """ Make an order that is to be paid.

    :param Subject subject: The shop.
    :param int product_id: What is bought.
    :return: The id, the address, its token, and the amount in major units.
    :rtype: dict
    """
    rpc = Client(subject.url, subject.database)
    order_id = rpc.call('sale.order', 'create', {
        'partner_id': subject.values.partner_id, 'require_payment': True,
        'order_line': [(0, 0, {'product_id': product_id})],
    })
    url = rpc.call('sale.order', 'get_portal_url', [order_id])
    [order] = rpc.call('sale.order', 'read', [order_id], ['amount_total'])
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)['access_token'][0]
    return {'id': order_id, 'url': url, 'token': token, 'amount': order['amount_total']}


def make_wait_row(mode, way, waits, baseline_waits, floor):
    """ Return the line of the table for the waits of two modules.

    :param str mode: How the servers run.
    :param str way: Whether APS told the shop, too.
    :param list[Wait] waits: The waits with this addon.
    :param list[Wait] baseline_waits: Those with Odoo's own module, in the same order.
    :param float floor: How long the cheapest request takes, in seconds.
    :return: The line.
    :rtype: WaitRow
    """
    (median, p95, steps), (baseline_median, baseline_p95, baseline_steps) = (
        summarize_waits(side) for side in (waits, baseline_waits)
    )
    ratio = compare([wait.total for wait in waits], [wait.total for wait in baseline_waits])
    return WaitRow(
        mode, way, median, p95, steps, baseline_median, baseline_p95, baseline_steps, ratio, floor
    )


def summarize_waits(waits):
    """ Return the median of waits, their 95th percentile, and the median of each step. """
    totals = [wait.total for wait in waits]
    steps = {
        name: statistics.median(getattr(wait, name) for wait in waits)
        for name in ('back', 'page', 'shown')
    }
    return statistics.median(totals), get_percentile(totals, 0.95), steps


def print_wait_rows(rows):
    """ Print the lines of the table. """
    say("\nFrom the last click to the confirmed order, ms: this addon / Odoo's own")
    say(f"{'':<28}{'median':>15}{'ratio':>19}{'p95':>15}{'return':>15}{'page':>15}"
        f"{'confirmed':>15}{'addon':>8}")
    for row in rows:
        pairs = [
            (row.median, row.baseline_median), (row.p95, row.baseline_p95),
            *((row.steps[name], row.baseline_steps[name]) for name in row.steps),
        ]
        median, *others = (f'{1000 * ours:.0f} / {1000 * theirs:.0f}' for ours, theirs in pairs)
        say(f"{f'{row.mode}, {row.way}':<28}{median:>15}{row.ratio!s:>19}"
            + ''.join(f'{text:>15}' for text in others) + f'{1000 * row.own:>8.0f}')
    say("addon: its route without the cheapest request of the server, and what the pages of the "
        "engine take more than with Odoo's own module.")
