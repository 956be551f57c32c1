""" The ledger: the sandbox's truth about money, and its rules.

All amounts are integers in minor units of the payment's currency. Nothing here knows about HTTP;
the caller holds the sandbox's lock.
"""

import secrets
import time

from .codes import Refusal, failure_of, success_of
from .records import Operation, Payment, Token

PAYMENT_COMMANDS = ('PURCHASE', 'AUTHORIZATION')
SECONDS_A_DAY = 86400


class Ledger:
    """ All payments and tokens of the sandbox.

    :param Clock clock: The sandbox's time.
    """

    def __init__(self, clock):
        self.clock = clock
        self.payments = {}
        self.by_fort_id = {}
        self.by_page = {}
        self.refunds = {}
        self.tokens = {}
        self.used_references = set()
        self._last_number = 0

    # === PAYMENTS === #

    def open_payment(self, request, is_by_api=False):
        """ Open a payment for a checked request.

        :param dict request: The fields of the request, without the signature.
        :param bool is_by_api: Whether it came by API.
        :return: The payment.
        :rtype: Payment
        :raise Refusal: If the merchant reference was used before.
        """
        self.claim_reference(request['merchant_identifier'], request['merchant_reference'])
        payment = Payment(
            request=dict(request), fort_id=self._next_fort_id(), page_id=secrets.token_urlsafe(16),
            created=self.clock.stamp(), is_by_api=is_by_api,
        )
        self.payments[payment.merchant_identifier, payment.reference] = payment
        self.by_fort_id[payment.fort_id] = payment
        self.by_page[payment.page_id] = payment
        return payment

    def claim_reference(self, merchant_identifier, reference):
        """ Take a merchant reference, which is unique for ever.

        :raise Refusal: If it was used before.
        """
        if (merchant_identifier, reference) in self.used_references:
            raise Refusal('007', f'{reference} was used before')
        self.used_references.add((merchant_identifier, reference))

    def _next_fort_id(self):
        """ Return a new APS number: 18 digits, also unique over restarts. """
        self._last_number = max(self._last_number + 1, time.time_ns() // 10 ** 5 % 10 ** 14)
        return f'1699{self._last_number:014d}'

    def find(self, merchant_identifier, reference=None, fort_id=None):
        """ Find a payment by the merchant's reference, APS's number, or both.

        :return: The payment, or `None`; also when the two numbers contradict each other.
        :rtype: Payment
        """
        payment = self.payments.get((merchant_identifier, reference))
        if not reference:
            payment = self.by_fort_id.get(fort_id)
        if not payment or payment.merchant_identifier != merchant_identifier:
            return None
        return payment if fort_id in (None, '', payment.fort_id) else None

    def search(self, reference=None, merchant_identifier=None):
        """ Return the payments with a reference and an account, newest last.

        :return: The payments; all when nothing is asked for.
        :rtype: list
        """
        return [
            payment for payment in self.payments.values()
            if reference in (None, '', payment.reference)
            and merchant_identifier in (None, '', payment.merchant_identifier)
        ]

    # === OPERATIONS === #

    def check_capture(self, account, payment, values):
        """ Check that a capture is possible.

        :param Account account: The merchant's account.
        :param Payment payment: The payment.
        :param dict values: The fields of the request; `amount` in minor units.
        :raise Refusal: If it is not.
        """
        self._check_processed(payment)
        self._check_currency(payment, values)
        if payment.command != 'AUTHORIZATION' or payment.is_voided or not payment.authorized:
            raise Refusal('034', 'nothing is authorized')
        rest = payment.authorized - payment.captured
        if not rest or (payment.captured and not account.multiple_captures):
            raise Refusal('047', 'the authorization is captured already')
        if int(values['amount']) > rest:
            raise Refusal('042', f'{rest} is left to capture')
        self._check_window(account, payment)

    def check_void(self, account, payment, _values):
        """ Check that a void is possible.

        :param Account account: The merchant's account.
        :param Payment payment: The payment.
        :raise Refusal: If it is not.
        """
        self._check_processed(payment)
        if payment.is_voided:
            raise Refusal('047', 'the authorization is voided already')
        if payment.command != 'AUTHORIZATION' or payment.captured or not payment.authorized:
            raise Refusal('034', 'only an authorization that is not captured can be voided')
        self._check_window(account, payment)

    def check_refund(self, account, payment, values):
        """ Check that a refund is possible.

        :param Account account: The merchant's account.
        :param Payment payment: The payment.
        :param dict values: The fields of the request; `amount` in minor units.
        :raise Refusal: If it is not.
        """
        self._check_processed(payment)
        self._check_currency(payment, values)
        if not payment.captured:
            raise Refusal('034', 'nothing is captured')
        if payment.payment_option in account.no_refund_options:
            raise Refusal('049', f'{payment.payment_option} cannot be refunded')
        self._check_maintenance_reference(account, values.get('maintenance_reference'))
        rest = payment.captured - payment.refunded
        if int(values['amount']) > rest:
            raise Refusal('048', f'{rest} is left to refund')

    def find_refund(self, merchant_identifier, maintenance_reference):
        """ Return the latest processed refund with a maintenance reference.

        :return: The payment and the operation, or two times `None`.
        :rtype: tuple
        """
        return self.refunds.get((merchant_identifier, maintenance_reference), (None, None))

    def _check_maintenance_reference(self, account, maintenance_reference):
        """ Check that a refund number was not refunded before; a declined one may come again.

        :raise Refusal: If it was.
        """
        if not maintenance_reference:
            return
        _payment, earlier = self.find_refund(account.merchant_identifier, maintenance_reference)
        if earlier and earlier.outcome.is_success:
            raise Refusal('047', f'{maintenance_reference} is refunded already')
        if earlier and earlier.outcome.is_open:
            raise Refusal('784', f'{maintenance_reference} is being processed')

    @staticmethod
    def _check_processed(payment):
        """ Check that the bank has decided about the payment. """
        if payment.outcome is None:
            raise Refusal('036', 'the payment was never processed')
        is_waiting = any(operation.outcome.is_open for operation in payment.operations)
        if payment.outcome.is_open or is_waiting:
            raise Refusal('784', 'still processing')

    @staticmethod
    def _check_currency(payment, values):
        """ Check that an operation is in the payment's currency. """
        if values['currency'] != payment.currency:
            raise Refusal('013', f'the payment is in {payment.currency}')

    def _check_window(self, account, payment):
        """ Check that the authorization has not lapsed. """
        if self.clock.now() > payment.authorized_at + account.capture_days * SECONDS_A_DAY:
            raise Refusal('773', f'the authorization lapsed after {account.capture_days} days')

    def book(self, payment, values, outcome):
        """ Book an operation and, if it succeeded, the money.

        :param Payment payment: The payment.
        :param dict values: The fields of the request; `amount` in minor units, absent for a void.
        :param Outcome outcome: The result.
        :return: The operation.
        :rtype: Operation
        """
        operation = Operation(
            command=values['command'], amount=int(values.get('amount') or payment.authorized),
            outcome=outcome, maintenance_reference=values.get('maintenance_reference', ''),
            at=self.clock.stamp(),
        )
        payment.operations.append(operation)
        if outcome.status != '00':
            payment.latest = outcome
            key = (payment.merchant_identifier, operation.maintenance_reference)
            self.refunds[key] = (payment, operation)
        self._move_money(payment, operation)
        return operation

    def _move_money(self, payment, operation):
        """ Book the money of an operation that succeeded. """
        if not operation.outcome.is_success:
            return
        payment.note_move(operation.command, operation.amount, self.clock.now())
        if operation.command == 'CAPTURE':
            payment.captured += operation.amount
        elif operation.command == 'REFUND':
            payment.refunded += operation.amount
        else:
            payment.is_voided = True

    def settle(self, payment, operation, is_success):
        """ Decide a payment or an operation that was left open.

        :param Payment payment: The payment.
        :param Operation operation: The operation, or `None` for the payment itself.
        :param bool is_success: Whether it succeeds.
        :return: The result.
        :rtype: Outcome
        """
        command = operation.command if operation else payment.command
        outcome = success_of(command) if is_success else failure_of(command)
        if not operation:
            payment.apply(outcome, self.clock.now())
            return outcome
        operation.outcome = payment.latest = outcome
        self._move_money(payment, operation)
        return outcome

    # === TOKENS === #

    def add_token(self, **values):
        """ Save a card.

        :param dict values: The values of the token, without name and time.
        :return: The token.
        :rtype: Token
        """
        token = Token(name=secrets.token_hex(8).upper(), created=self.clock.stamp(), **values)
        self.tokens[token.name] = token
        return token

    def get_token(self, merchant_identifier, name):
        """ Return an active token of an account.

        :param str merchant_identifier: The account.
        :param str name: The `token_name`.
        :return: The token.
        :rtype: Token
        :raise Refusal: If there is none, or if it is another account's.
        """
        token = self.tokens.get(name)
        if not token or not token.is_active:
            raise Refusal('044', 'unknown token')
        if token.merchant_identifier != merchant_identifier:
            raise Refusal('088', 'the token is of another account')
        return token
