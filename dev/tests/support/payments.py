""" Payments at the sandbox and what a merchant does with them in Odoo, for tests. """

import itertools
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

from workbench.shop import PRODUCT

numbers = itertools.count(1)

FAMILY_FIELDS = [
    'reference', 'state', 'amount', 'operation', 'source_transaction_id', 'aps_operation',
    'aps_request_state', 'aps_staff_message', 'aps_next_check', 'payment_id',
]
# Makes PostgreSQL refuse updates as if another transaction were in the way. A sequence counts the
# refusals, as it is the only thing that a rollback doesn't undo.
CONFLICTS = """
CREATE SEQUENCE provoked_conflicts;
CREATE FUNCTION provoke_conflict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('provoked_conflicts') <= {times} THEN
        RAISE EXCEPTION 'provoked' USING ERRCODE = '40001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER provoke_conflict BEFORE UPDATE ON payment_transaction FOR EACH ROW
    WHEN ({condition}) EXECUTE FUNCTION provoke_conflict();
"""
# Makes PostgreSQL take its time for updates.
DELAY = """
CREATE FUNCTION delay_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep({seconds});
    RETURN NEW;
END $$;
CREATE TRIGGER delay_update BEFORE UPDATE ON payment_transaction FOR EACH ROW
    WHEN ({condition}) EXECUTE FUNCTION delay_update();
"""
CONFLICT_CONDITIONS = {
    'queued': "NEW.aps_request_state = 'queued' AND OLD.aps_request_state IS NULL",
    'scheduled': "NEW.aps_next_check IS DISTINCT FROM OLD.aps_next_check",
    'charged': "NEW.operation = 'offline' AND NEW.state = 'done' AND OLD.state <> 'done'",
    'applied': "NEW.aps_request_state IS NULL AND OLD.aps_request_state = 'sent'",
}


class Merchant:
    """ A merchant with a shop and an account at the sandbox. """

    def __init__(self, shop):
        """ :param Shop shop: The running shop of the test session. """
        self.shop = shop
        self.rpc = shop.rpc
        self.provider_id = self.rpc.ref('payment.payment_provider_aps')

    # === Settings === #

    def set_manual_capture(self, is_manual):
        """ Switch manual capture on or off. """
        self.rpc.call('payment.provider', 'write', [self.provider_id], {
            'capture_manually': is_manual,
        })

    def switch_methods(self, codes, is_on):
        """ Switch payment methods on or off, and have the provider support them.

        :param list[str] codes: Their codes.
        :param bool is_on: Whether to switch them on.
        :return: The ids of the methods by code.
        :rtype: dict
        """
        if is_on:
            self.set_manual_capture(False)  # In 19.0, some methods can't be on together with it.
        methods = self.rpc.search_read('payment.method', [('code', 'in', list(codes))], ['code'])
        self.rpc.call('payment.method', 'write', [row['id'] for row in methods], {
            'active': is_on, 'provider_ids': [(4, self.provider_id)],
        })
        return {row['code']: row['id'] for row in methods}

    def set_read_timeout(self, seconds):
        """ Set how long Odoo waits for an answer of APS. """
        self.rpc.call(
            'ir.config_parameter', 'set_param', 'payment_aps.read_timeout', str(seconds)
        )

    def forget_sum_rule(self):
        """ Have Odoo not know whether refunds shrink the captured sum that APS tells. """
        self.shop.query('UPDATE payment_provider SET aps_sum_rule = NULL')

    def point_to(self, url):
        """ Have Odoo believe that APS is at another address. """
        self.rpc.call('ir.config_parameter', 'set_param', 'payment_aps.sandbox_url', url)

    # === Payments === #

    def open_page(self, amount, command='AUTHORIZATION', currency='AED', **values):
        """ Start a payment as far as the shopper's arrival on the payment page.

        :param float amount: The amount, in major units.
        :param str command: The APS command.
        :param str currency: The code of the currency, of two decimals.
        :param dict values: More values of the transaction.
        :return: The payment.
        :rtype: Payment
        """
        reference = f'OP{time.time_ns()}-{next(numbers)}'
        [currency_row] = self.rpc.search_read('res.currency', [('name', '=', currency)], ['id'])
        transaction_id = self.rpc.call('payment.transaction', 'create', {
            'provider_id': self.provider_id,
            'payment_method_id': self.rpc.ref('payment.payment_method_card'),
            'partner_id': self.rpc.ref('base.partner_admin'),
            'currency_id': currency_row['id'], 'amount': amount, 'reference': reference,
            'operation': 'online_redirect', **values,
        })
        fields = self.shop.sandbox('POST', 'sign', {
            'merchant_identifier': self.shop.merchant, 'direction': 'request',
            'fields': {
                'command': command, 'merchant_identifier': self.shop.merchant,
                'access_code': 'SandboxAccessCode1', 'merchant_reference': reference,
                'amount': str(round(amount * 100)), 'currency': currency, 'language': 'en',
                'customer_email': 'shopper@example.com',
                'return_url': f'{self.shop.url}/payment/aps/return',
            },
        })['fields']
        body = urllib.parse.urlencode(fields).encode()
        url = f'{self.shop.sandbox_url}/FortAPI/paymentPage'
        urllib.request.urlopen(url, body, timeout=30).close()
        return Payment(self, transaction_id, reference)

    def receive_payment(self, amount, command='AUTHORIZATION'):
        """ Have a shopper pay.

        :param float amount: The amount, in major units.
        :param str command: The APS command.
        :return: The payment, of which Odoo was notified.
        :rtype: Payment
        """
        payment = self.open_page(amount, command)
        payment.pay()
        return payment

    def make_document(self, model, amount):
        """ Make something to be paid.

        :param str model: `sale.order` or `account.move`, for an invoice.
        :param float amount: The amount, in major units.
        :return: The id of the document.
        :rtype: int
        """
        partner_id = self.rpc.ref('base.partner_admin')
        if model == 'account.move':
            return self.make_invoice(partner_id, amount, 'AED')
        [product_id] = self.rpc.call('product.product', 'search', [('name', '=', PRODUCT)])
        return self.rpc.call('sale.order', 'create', {
            'partner_id': partner_id,
            'order_line': [(0, 0, {'product_id': product_id, 'price_unit': amount})],
        })

    def make_invoice(self, partner_id, amount, currency):
        """ Invoice a customer.

        :param int partner_id: The customer.
        :param float amount: The amount, in major units.
        :param str currency: The code of the currency.
        :return: The id of the posted invoice.
        :rtype: int
        """
        [currency_row] = self.rpc.search_read('res.currency', [('name', '=', currency)], ['id'])
        invoice_id = self.rpc.call('account.move', 'create', {
            'move_type': 'out_invoice', 'partner_id': partner_id,
            'currency_id': currency_row['id'], 'invoice_line_ids': [
                (0, 0, {'name': "Service", 'price_unit': amount, 'tax_ids': [(6, 0, [])]}),
            ],
        })
        self.rpc.call('account.move', 'action_post', [invoice_id])
        return invoice_id

    def read_families(self):
        """ Return the values of all payments, each with its captures and refunds, oldest first.

        :return: The values of each family, by the reference of its payment.
        :rtype: dict[str, list[dict]]
        """
        families, payments = {}, {}
        for row in self.rpc.search_read('payment.transaction', [], FAMILY_FIELDS, order='id'):
            source = row['source_transaction_id']
            payments[row['id']] = payments[source[0]] if source else row['reference']
            families.setdefault(payments[row['id']], []).append(row)
        return families

    def read_documents(self, model, ids):
        """ Return the states of orders, or the payment states of invoices. """
        field = 'payment_state' if model == 'account.move' else 'state'
        return [row[field] for row in self.rpc.call(model, 'read', ids, [field])]

    def refund(self, transaction_id, amount):
        """ Refund a part of a capture or of a payment. """
        self.rpc.call(
            'payment.transaction', 'action_refund', [transaction_id], amount_to_refund=amount
        )

    # === The sandbox === #

    def order_fault(self, command, fault, **options):
        """ Have the sandbox do something wrong next time. """
        self.shop.sandbox('POST', 'faults', {'command': command, 'fault': fault, **options})

    def hold_notifications(self):
        """ Have the sandbox keep its notifications back. """
        self.order_fault('NOTIFICATION', 'hold', times=10)

    def deliver_notifications(self):
        """ Have the sandbox deliver what it kept back. """
        self.shop.sandbox('DELETE', 'faults')
        self.shop.sandbox('POST', 'notifications/deliver', {})

    def wait_for_notifications(self):
        """ Wait until the sandbox has nothing left to deliver. """
        assert self.shop.sandbox('POST', 'notifications/wait', {'timeout': 30})['idle']

    def use_back_office(self, payment, command, amount=None):
        """ Do something in APS's back office, and let Odoo find out about it. """
        self.shop.sandbox('POST', 'backoffice', {
            'merchant_reference': payment.reference, 'command': command,
            **({'amount': round(amount)} if amount else {}),
        })
        self.wait_for_notifications()
        for _attempt in range(25):
            self.run_check_cron()
            if not payment.is_due():  # Else another process had locked it, and was not waited for.
                return
            time.sleep(0.2)

    # === Crons === #

    def run_check_cron(self):
        """ Run the check of open payments. """
        self._run_cron('payment_aps.ir_cron_aps_check_status')

    def leave_open_payments_alone(self):
        """ Have nothing asked about any more that other tests have left open.

        A change of the credentials has all of it asked about at once, which would take up the
        faults that a test has ordered.
        """
        self.shop.query("UPDATE payment_transaction SET aps_next_check = NULL")
        self.run_check_cron()  # Waits for the run that is asking.

    def run_watch(self):
        """ Run the watch for problems. """
        self._run_cron('payment_aps.ir_cron_aps_watch')

    def post_process(self):
        """ Run the engine's post-processing. """
        self._run_cron('payment.cron_post_process_payment_tx')

    def _run_cron(self, xmlid):
        """ Run a scheduled action, waiting for the scheduler if it runs it already. """
        for _attempt in range(50):
            try:
                self.rpc.call('ir.cron', 'method_direct_trigger', [self.rpc.ref(xmlid)])
                return
            except Exception as error:  # The scheduler has locked the job.
                if not any(word in str(error) for word in ('lock', 'modified', 'executing')):
                    raise
                time.sleep(0.2)

    # === Conflicts === #

    @contextmanager
    def provoke_conflicts(self, moment, times):
        """ Have PostgreSQL refuse a write, as if another request were in the way.

        :param str moment: The write to refuse, one of `CONFLICT_CONDITIONS`.
        :param int times: How often to refuse it.
        :return: A function that returns how often it was tried.
        :rtype: callable
        """
        self.shop.query(CONFLICTS.format(times=times, condition=CONFLICT_CONDITIONS[moment]))
        try:
            yield lambda: int(self.shop.query('SELECT last_value FROM provoked_conflicts'))
        finally:
            self.shop.query(
                'DROP TRIGGER provoke_conflict ON payment_transaction;'
                'DROP FUNCTION provoke_conflict; ALTER SEQUENCE provoked_conflicts RENAME TO '
                f'provoked_{time.time_ns()}'
            )

    @contextmanager
    def delay_updates(self, moment, seconds):
        """ Have PostgreSQL take its time for a write.

        :param str moment: The write, one of `CONFLICT_CONDITIONS`.
        :param float seconds: The time.
        :return: A function that waits until the write is under way.
        :rtype: callable
        """
        def wait():
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                if self.shop.query(
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                ):
                    return
                time.sleep(0.05)
            raise AssertionError("Nothing was written.")

        self.shop.query(DELAY.format(seconds=seconds, condition=CONFLICT_CONDITIONS[moment]))
        try:
            yield wait
        finally:
            self.shop.query('DROP FUNCTION delay_update CASCADE')


class Window:
    """ A wizard that is open in a browser, whose button can be clicked many times. """

    def __init__(self, rpc, model, action, values, context):
        """
        :param Client rpc: The user.
        :param str model: The model of the wizard.
        :param str action: The method behind the button.
        :param dict values: What the user enters.
        :param dict context: The context that the wizard is opened with.
        """
        self.rpc, self.model, self.action, self.context = rpc, model, action, context
        self.id = rpc.call(model, 'create', values, context=context)

    def confirm(self, client=None):
        """ Click on the button, by another server if one is given. """
        client = client or self.rpc
        return client.call(self.model, self.action, [self.id], context=self.context)

    def confirm_and_lose_answer(self):
        """ Click on the button while the connection breaks before the answer comes. """
        self.rpc.send_only(self.model, self.action, [self.id], context=self.context)

    def read_recent_operations(self):
        """ Return what the window tells of operations a moment ago. """
        [row] = self.rpc.call(
            self.model, 'read', [self.id], ['aps_recent_operations'], context=self.context
        )
        return row['aps_recent_operations'] or ''


class Payment:
    """ A payment in Odoo and at the sandbox. """

    def __init__(self, merchant, transaction_id, reference):
        self.merchant = merchant
        self.rpc = merchant.rpc
        self.id = transaction_id
        self.reference = reference

    def pay(self, result='success', **options):
        """ Have the shopper pay on the page, and Odoo notified.

        :param str result: The outcome.
        :param dict options: What else the sandbox can be told, e.g., the `card`.
        """
        self.merchant.shop.sandbox('POST', 'pay', {
            'merchant_reference': self.reference, 'result': result, **options,
        })
        self.merchant.wait_for_notifications()

    def read(self):
        """ Return the values of the transaction, as attributes. """
        [values] = self.rpc.call('payment.transaction', 'read', [self.id], [
            'state', 'state_message', 'is_post_processed', 'payment_id', 'provider_reference',
        ])
        return SimpleNamespace(**values)

    def read_family(self, operation=None, is_child=False):
        """ Return the values of the payment, its captures and refunds.

        :param str operation: The only operation that is wanted, if any.
        :param bool is_child: Whether to leave out the payment itself.
        :return: The values, oldest first.
        :rtype: list[dict]
        """
        rows = self.rpc.search_read('payment.transaction', [
            '|', '|', ('id', '=', self.id), ('source_transaction_id', '=', self.id),
            ('source_transaction_id.source_transaction_id', '=', self.id),
        ], FAMILY_FIELDS, order='id')
        return [
            row for row in rows
            if operation in (None, row['operation']) and not (is_child and row['id'] == self.id)
        ]

    def is_under_way(self):
        """ Return whether an operation waits for its outcome. """
        return any(row['aps_request_state'] for row in self.read_family())

    def call(self, method, *args, **kwargs):
        """ Call a method of the transaction. """
        return self.rpc.call('payment.transaction', method, [self.id], *args, **kwargs)

    def capture(self, amount, void_remaining=False):
        """ Capture an amount by the wizard. """
        self.open_capture_wizard(amount, void_remaining)()

    def open_capture_wizard(self, amount, void_remaining=False):
        """ Enter an amount in the wizard, and return a function that confirms it. """
        context = {'active_model': 'payment.transaction', 'active_ids': [self.id]}
        wizard_id = self.rpc.call('payment.capture.wizard', 'create', {
            'transaction_ids': [(6, 0, [self.id])], 'amount_to_capture': amount,
            'void_remaining_amount': void_remaining,
        }, context=context)
        return lambda: self.rpc.call(
            'payment.capture.wizard', 'action_capture', [wizard_id], context=context
        )

    def open_refund_wizard(self, amount):
        """ Enter an amount in the wizard of the accounting payment, which is made if need be.

        :param float amount: The amount to refund, in major units.
        :return: The window.
        :rtype: Window
        """
        for _attempt in range(25):
            if self.read().payment_id:
                break
            self.merchant.post_process()
        payment_id = self.read().payment_id[0]
        return Window(self.rpc, 'payment.refund.wizard', 'action_refund', {
            'amount_to_refund': amount,
        }, {'active_model': 'account.payment', 'active_id': payment_id, 'active_ids': [payment_id]})

    def void(self):
        """ Void the authorization. """
        self.call('action_void')

    def refund(self, amount):
        """ Refund an amount. """
        self.merchant.refund(self.id, amount)

    def try_refund(self, amount):
        """ Refund an amount, and return whether Odoo took the request. """
        try:
            self.refund(amount)
        except Exception:
            return False
        return True

    def check(self):
        """ Click on the button that asks APS. """
        self.call('action_aps_check_status')

    def age(self, field, **interval):
        """ Have something of the whole payment happened earlier.

        :param str field: The field of the time.
        :param int interval: By how much, e.g., `days=8`.
        """
        [(unit, number)] = interval.items()
        # One by one, as the scheduled action may be writing them in another order.
        for row in self.read_family():
            self.merchant.shop.query(
                f"UPDATE payment_transaction SET {field} = {field} - interval '{number} {unit}' "
                f"WHERE id = {row['id']}"
            )

    def multiply(self, prefix, count, **columns):
        """ Have the database itself make copies of the transaction that are due for a check.

        :param str prefix: What their references begin with.
        :param int count: How many.
        :param columns: SQL expressions of columns that differ.
        """
        query = self.merchant.shop.query
        columns = {
            'reference': f"'{prefix}-' || number",
            'aps_next_check': "now() AT TIME ZONE 'UTC' - interval '1 hour'",
            'aps_last_check': 'NULL',
            **columns,
        }
        kept = [
            f'"{name}"' for name in query(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_name = 'payment_transaction'"
            ).splitlines()
            if name not in ('id', *columns)
        ]
        query(
            f"INSERT INTO payment_transaction ({', '.join([*kept, *columns])}) "
            f"SELECT {', '.join([*kept, *map(str, columns.values())])} "
            f"FROM payment_transaction, generate_series(1, {count}) number "
            f"WHERE payment_transaction.id = {self.id}"
        )

    def is_due(self):
        """ Return whether the next check is due. """
        return self.merchant.shop.query(
            "SELECT aps_next_check <= now() AT TIME ZONE 'UTC' FROM payment_transaction "
            f"WHERE id = {self.id}"
        ) == 't'

    def make_due(self):
        """ Have the payment be due for the next check. """
        self.merchant.shop.query(
            "UPDATE payment_transaction SET aps_next_check = now() AT TIME ZONE 'UTC' - interval "
            f"'1 minute' WHERE id = {self.id}"
        )

    def read_ledger(self):
        """ Return what the sandbox's ledger says of the payment. """
        [entry] = self.merchant.shop.sandbox(
            'GET', f'ledger?merchant_reference={urllib.parse.quote(self.reference)}'
        )['payments']
        return SimpleNamespace(**entry)

    def assert_in_step(self, captured=0, refunded=0, voided=False, operations=None):
        """ Check that Odoo and the ledger agree to the minor unit.

        :param int captured: The captured sum that both must show, in minor units.
        :param int refunded: The refunded sum, in minor units.
        :param bool voided: Whether the authorization must be voided.
        :param list[str] operations: The operations that the sandbox must have executed, in order;
                                     `None` if that doesn't matter.
        """
        self.merchant.wait_for_notifications()
        ledger = self.read_ledger()
        assert (ledger.captured, ledger.refunded, ledger.voided) == (captured, refunded, voided)
        if operations is not None:
            executed = [op['command'] for op in ledger.operations if op['executed']]
            assert [
                command for command in executed if command not in ('PURCHASE', 'AUTHORIZATION')
            ] == operations
        assert self.sum_in_odoo() == (captured, refunded, voided)

    def sum_in_odoo(self):
        """ Return the captured and refunded sums and the void, as Odoo has them. """
        return sum_family(self.read_family())


def sum_family(rows):
    """ Return the captured and refunded sums of a payment, and whether it is voided.

    :param list[dict] rows: The values of the payment, its captures and refunds, oldest first.
    :return: The sums, in minor units, and the void.
    :rtype: tuple[int, int, bool]
    """
    [payment, *children] = rows
    refunds = [row for row in children if row['operation'] == 'refund']
    captures = [row for row in children if row['operation'] != 'refund']
    if not any(row['state'] == 'done' for row in captures):
        captures = [payment]
    return (
        sum(round(row['amount'] * 100) for row in captures if row['state'] == 'done'),
        sum(round(-row['amount'] * 100) for row in refunds if row['state'] == 'done'),
        payment['state'] == 'cancel',
    )
