""" What the ledger keeps: payments, the operations on them, and tokens.

All amounts are integers in minor units of the payment's currency.
"""

import secrets
from dataclasses import dataclass, field

from .codes import Outcome


@dataclass
class Operation:
    """ One capture, void or refund, executed or refused.

    :param str command: `CAPTURE`, `VOID_AUTHORIZATION` or `REFUND`.
    :param int amount: The amount, in minor units.
    :param Outcome outcome: The result.
    :param str maintenance_reference: The merchant's number of a refund, if any.
    :param str at: When, as text.
    :param dict message: The unsigned fields of its answer, repeated when it is settled later.
    """

    command: str
    amount: int
    outcome: Outcome
    maintenance_reference: str
    at: str
    message: dict = field(default_factory=dict, repr=False)

    def describe(self, fort_id):
        """ Return the operation for the control API. """
        return {
            'command': self.command,
            'amount': self.amount,
            'maintenance_reference': self.maintenance_reference,
            'status': self.outcome.status,
            'response_code': self.outcome.code,
            'fort_id': fort_id,
            'executed': self.outcome.is_success,
            'at': self.at,
        }


@dataclass
class Token:
    """ A saved card. The full card number is not kept.

    :param str name: `token_name`.
    :param str merchant_identifier: The account it belongs to.
    :param str option: The payment option of the card.
    :param str card_number: The masked number.
    :param str expiry_date: The expiry date, `YYMM`.
    :param str card_holder_name: The holder.
    :param str scenario: What happens when it is charged.
    :param bool has_3ds: Whether a customer-present charge asks for 3-D Secure.
    :param str cvv: The security code a shopper has to type.
    :param str agreement_id: The agreement of the first payment, if any.
    :param str created: When it was made, as text.
    """

    name: str
    merchant_identifier: str
    option: str
    card_number: str
    expiry_date: str
    card_holder_name: str
    scenario: str
    has_3ds: bool
    cvv: str = field(repr=False)
    agreement_id: str
    created: str
    is_active: bool = True

    def describe(self):
        """ Return the token for the control API. """
        hidden = ('cvv',)
        return {name: value for name, value in vars(self).items() if name not in hidden}


@dataclass
class Payment:
    """ One payment, by merchant reference.

    :param dict request: The fields of the request, as received, without the signature.
    :param str fort_id: APS's number, as text.
    :param str page_id: The address of its payment page.
    :param bool is_by_api: Whether it was asked for by API, so that its page is for 3-D Secure only.
    :param Outcome outcome: The result so far; `None` while the shopper is on the page.
    :param Outcome latest: The result of the latest operation on the order.
    :param Outcome abandoned: How it ended without being processed, such as 00072.
    :param bool is_page_open: Whether the shopper can still act.
    :param dict result: The unsigned fields of its latest result message.
    :param Means challenge: The card that waits for 3-D Secure, if any.
    :param list moves: Each movement of its money, oldest first; see `note_move`.
    """

    request: dict = field(repr=False)
    fort_id: str
    page_id: str
    created: str
    is_by_api: bool = False
    outcome: Outcome = None
    latest: Outcome = None
    abandoned: Outcome = None
    is_page_open: bool = True
    result: dict = field(default_factory=dict, repr=False)
    challenge: object = field(default=None, repr=False)
    attempts: int = 0
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    is_voided: bool = False
    authorized_at: float = 0.0
    payment_option: str = ''
    token_name: str = ''
    authorization_code: str = ''
    operations: list = field(default_factory=list)
    moves: list = field(default_factory=list)

    @property
    def merchant_identifier(self):
        """ Return the account's identifier. """
        return self.request['merchant_identifier']

    @property
    def reference(self):
        """ Return the merchant reference. """
        return self.request['merchant_reference']

    @property
    def command(self):
        """ Return `PURCHASE` or `AUTHORIZATION`. """
        return self.request['command']

    @property
    def amount(self):
        """ Return the amount, in minor units. """
        return int(self.request['amount'])

    @property
    def currency(self):
        """ Return the currency's letter code. """
        return self.request['currency']

    @property
    def language(self):
        """ Return the language of page and messages. """
        return self.request['language']

    @property
    def is_settled(self):
        """ Tell whether the bank has decided. """
        return self.outcome is not None and not self.outcome.is_open

    def note_move(self, command, amount, now):
        """ Keep when money was reserved, taken, given back or released.

        :param str command: The command that moved it.
        :param int amount: How much, in minor units.
        :param float now: The sandbox's time, in seconds since the epoch.
        """
        self.moves.append({'command': command, 'amount': amount, 'at': now})

    def apply(self, outcome, now):
        """ Book the result of a payment attempt.

        :param Outcome outcome: The result.
        :param float now: The sandbox's time, in seconds since the epoch.
        """
        self.outcome = self.latest = outcome
        if not outcome.is_success:
            return
        self.note_move(self.command, self.amount, now)
        self.authorized, self.authorized_at = self.amount, now
        self.authorization_code = self.authorization_code or f'{secrets.randbelow(10 ** 6):06d}'
        if outcome.status == '14':
            self.captured = self.amount

    def describe(self):
        """ Return the payment for the control API. """
        outcome = self.outcome or self.abandoned
        return {
            'merchant_identifier': self.merchant_identifier,
            'merchant_reference': self.reference,
            'fort_id': self.fort_id,
            'page_id': self.page_id,
            'command': self.command,
            'currency': self.currency,
            'amount': self.amount,
            'status': outcome.status if outcome else '',
            'response_code': outcome.code if outcome else '',
            'transaction_status': self.latest.status if self.latest else '',
            'transaction_code': self.latest.code if self.latest else '',
            'authorized': self.authorized,
            'captured': self.captured,
            'refunded': self.refunded,
            'voided': self.is_voided,
            'payment_option': self.payment_option,
            'token_name': self.token_name,
            'is_page_open': self.is_page_open,
            'attempts': self.attempts,
            'created': self.created,
            'operations': [operation.describe(self.fort_id) for operation in self.operations],
            'moves': self.moves,
        }
