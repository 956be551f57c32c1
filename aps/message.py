""" What a message of APS says. """

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from . import const, sums
from .values import parse_minor_units

# How deeply the fields of a message may be nested; those of APS are two levels deep.
MAX_DEPTH = 20


def parse_json_message(body):
    """ Return the fields of a JSON message.

    Numbers are kept in the very text they were sent in, as this is what was signed.

    :param bytes body: The body of the request or response.
    :return: The fields of the message.
    :rtype: dict
    :raise ValueError: If the body is not one JSON object, holds a field twice, or is nested deeply.
    """
    try:
        message = json.loads(
            body,
            parse_int=str,
            parse_float=str,
            parse_constant=str,
            object_pairs_hook=_refuse_repeated_fields,
        )
    except RecursionError as error:
        raise ValueError("The message is nested too deeply.") from error
    if not isinstance(message, dict):
        raise ValueError("The message is not a JSON object.")
    if _get_depth(message) > MAX_DEPTH:
        raise ValueError("The message is nested too deeply.")
    return message


def _get_depth(value):
    """ Return how deeply objects and lists are nested, without recursion. """
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            item for parent in level if isinstance(parent, (dict, list))
            for item in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth


def _refuse_repeated_fields(pairs):
    """ Return the pairs as a dict.

    :param list[tuple] pairs: The names and values of an object.
    :return: The object.
    :rtype: dict
    :raise ValueError: If a name is repeated.
    """
    fields = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError("The message holds a field twice.")
        fields[name] = value
    return fields


def is_reference(value):
    """ Return whether the value can be the reference of a transaction at all.

    It keeps what PostgreSQL cannot take, such as NUL, away from the database. References made by
    other modules may hold characters that APS doesn't accept, so these are not refused.

    :param value: The value, from whomever it came.
    :return: Whether the value can be searched for.
    :rtype: bool
    """
    return isinstance(value, str) and bool(value) and len(value) <= 128 and value.isprintable()


@dataclass(frozen=True)
class Result:
    """ What became of a payment or an operation, in the two words of APS.

    The response code repeats the status, and its last three digits, the message code, say why. If
    the two contradict each other, nothing is read out of them.
    """

    status: str = ''  # Two digits; empty if it is missing.
    response_code: str = ''

    @classmethod
    def of_code(cls, response_code):
        """ Return the result that a response code stands for.

        :param str response_code: The response code.
        :return: The result, with the status that the code begins with.
        :rtype: Result
        """
        return cls(response_code[:2], response_code)

    @property
    def message_code(self):
        """ Return why APS says what it says: three digits; empty if that is missing. """
        return self.response_code[2:]

    @property
    def is_clear(self):
        """ Return whether the code agrees with the status, and says what became of the money. """
        return self._is_consistent and not self._is_unclear

    @property
    def _is_consistent(self):
        """ Return whether the code repeats the status. """
        return bool(self.status) and self.response_code[:2] == self.status

    @property
    def _is_unclear(self):
        """ Return whether the message code leaves open what became of the money. """
        return self.message_code in const.UNCLEAR_MESSAGE_CODES

    @property
    def is_not_found(self):
        """ Return whether APS knows nothing of what it was asked about. """
        return self.message_code == const.NOT_FOUND_MESSAGE_CODE

    @property
    def is_in_review(self):
        """ Return whether somebody decides about the payment. """
        return self.status == const.REVIEW_STATUS

    @property
    def is_unfinished(self):
        """ Return whether the shopper has not finished the payment.

        If not, it is APS, or a bank, that has to decide.
        """
        return self.status in const.UNFINISHED_STATUSES and self.is_clear

    @property
    def state(self):
        """ Return the state of a payment that has this result.

        :return: The state of the transaction; `None` if it says nothing about a payment.
        :rtype: str | None
        """
        state = self._is_consistent and next((
            state for state, statuses in const.PAYMENT_STATUS_MAPPING.items()
            if self.status in statuses
        ), None)
        if not state:
            return None
        if state in ('pending', 'error') and self.message_code in const.CANCELED_MESSAGE_CODES:
            return 'cancel'
        if self._is_unclear:
            return 'pending'
        if self.status == const.INCOMPLETE_STATUS and (
            self.message_code in const.FINAL_MESSAGE_CODES
        ):
            return 'error'
        return state

    @property
    def is_settled(self):
        """ Return whether a payment was made, or has failed; not if it is reserved or open. """
        return self.state in ('done', 'error', 'cancel')

    def is_refusal(self, command):
        """ Return whether it is certain that a request was not executed.

        :param str|None command: The command of the request; `None` for a query, which executes
                                 nothing that could be refused.
        :rtype: bool
        """
        failures = (const.REFUSED_STATUS, *const.OPERATION_STATUSES.get(command, ())[1:])
        return bool(command) and self.status in failures and self.is_clear

    def outcome(self, command):
        """ Return the outcome of an operation that maintains a payment.

        :param str command: One of `const.OPERATION_STATUSES`.
        :return: `done`, `error`, or `pending` if that is not told.
        :rtype: str
        """
        success_status, _failure_status = const.OPERATION_STATUSES[command]
        if self.status == success_status and self.is_clear:
            return 'done'
        return 'error' if self.is_refusal(command) else 'pending'


@dataclass(frozen=True, init=False)
class Answer(Result):
    """ What APS says in a message: an answer to a request, or the notice of a result.

    It is taken at its word. Whether it is authentic, has one reading and fits its payment is
    decided before; see `signature`, `readings`, `find_fault` and `find_mismatch`.
    """

    fields: Mapping  # The message as it was received.

    def __init__(self, fields):
        """ :param Mapping fields: The fields of the message. """
        super().__init__(_read_text(fields, 'status'), _read_text(fields, 'response_code'))
        object.__setattr__(self, 'fields', MappingProxyType(dict(fields)))

    #=== FIELDS ===#

    @property
    def command(self):
        """ Return the command that was executed, or refused; empty for a query. """
        return _read_text(self.fields, 'command')

    @property
    def fort_id(self):
        """ Return APS's number of the payment; empty if it is missing. """
        return _read_text(self.fields, 'fort_id')

    @property
    def maintenance_reference(self):
        """ Return our reference of the operation; empty if it is missing. """
        return _read_text(self.fields, 'maintenance_reference')

    @property
    def currency(self):
        """ Return the ISO 4217 code of the currency; empty if it is missing. """
        return _read_text(self.fields, 'currency')

    @property
    def amount_minor(self):
        """ Return the amount, in minor units; `None` if it is missing, or can't be read. """
        return parse_minor_units(self.fields.get('amount'))

    #=== RESULT OF THE REQUEST ===#

    @property
    def is_request_refused(self):
        """ Return whether APS has refused the request itself, whoever sent it. """
        return self.status == const.REFUSED_STATUS

    @property
    def is_plausible(self):
        """ Return whether the answer has all that a success must have, if it tells of one. """
        if self.state not in ('authorized', 'done'):
            return True
        return self.message_code == const.SUCCESS_MESSAGE_CODE or bool(self.fort_id)

    def find_fault(self):
        """ Return what is wrong with the form of the answer.

        :return: The reason to refuse it, for the log and the trail; `None` if there is none.
        :rtype: str | None
        """
        if not (self.status and self.response_code):
            return "the status is missing"
        for name, pattern in const.ANSWER_PATTERNS.items():
            value = self.fields.get(name)
            if value and not re.fullmatch(pattern, str(value)):
                return f"the field {name} is malformed"
        return None

    def find_mismatch(self, amount_minor, currency):
        """ Return why the answer can't be about a payment.

        :param int amount_minor: The amount of the payment, in minor units.
        :param str currency: The ISO 4217 code of its currency.
        :return: The reason to refuse the answer, for the log and the trail; `None` if there is
                 none. A query reports sums, which are compared when they are applied.
        :rtype: str | None
        """
        if self.is_query:
            return None
        if self.command in const.PAYMENT_COMMANDS:
            return self._find_payment_mismatch(amount_minor, currency)
        if self.command in const.OPERATION_STATUSES:
            return self._find_operation_mismatch(amount_minor, currency)
        return "the command is unknown"

    def _find_payment_mismatch(self, amount_minor, currency):
        """ Return why a result can't be that of a payment; see `find_mismatch`.

        A request that APS found to be invalid may be answered without amount and currency.
        """
        is_silent = not self.fields.get('amount') and not self.fields.get('currency')
        if self.is_request_refused and is_silent:
            return None
        if self.currency != currency:
            return f"the currency is not {currency}"
        if self.amount_minor != amount_minor:
            return f"the amount is not {amount_minor}"
        return None

    def _find_operation_mismatch(self, amount_minor, currency):
        """ Return why an operation can't be one of a payment; see `find_mismatch`. """
        if self.fields.get('currency') and self.currency != currency:
            return f"the currency is not {currency}"
        is_part = self.amount_minor and self.amount_minor <= amount_minor  # It has no sign.
        if self.fields.get('amount') and not is_part:
            return "the amount exceeds that of the payment"
        return None

    #=== ANSWER TO A QUERY ===#

    @property
    def is_query(self):
        """ Return whether it answers a query about the status of a payment. """
        return self.fields.get('query_command') == 'CHECK_STATUS'

    @property
    def is_answered(self):
        """ Return whether a query is answered: by what became of the payment, or by that APS
        doesn't know it. If not, the query itself failed.
        """
        return self.status == const.ANSWERED_STATUS or self.is_not_found

    def is_payment_unknown(self, query):
        """ Return whether the answer to a query says that APS doesn't know the payment.

        :param dict query: The query; one about an operation of the payment has a
                           `maintenance_reference`.
        :rtype: bool
        """
        return self.is_not_found and not query.get('maintenance_reference')

    @property
    def told(self):
        """ Return what a query tells of the latest operation of the payment, or of that which was
        asked about.

        :return: The result, which is empty if the query failed.
        :rtype: Result
        """
        if self.status != const.ANSWERED_STATUS:
            return Result()
        return Result(
            _read_text(self.fields, 'transaction_status'),
            _read_text(self.fields, 'transaction_code'),
        )

    @property
    def sums(self):
        """ Return what a query tells of the sums of the payment.

        :rtype: sums.Told
        """
        told = self.told
        # That the code is missing is no contradiction.
        is_clear = told.is_clear or not self.fields.get('transaction_code')
        return sums.Told(told.status, is_clear, *(
            parse_minor_units(self.fields.get(f'{name}_amount'))
            for name in ('captured', 'refunded', 'authorized')
        ))

    def get_payment_state(self, amount_minor, is_purchase, shrinks=None):
        """ Return the state of a payment that a query tells.

        :param int amount_minor: The amount of the payment, in minor units.
        :param bool is_purchase: Whether it was to be taken at once, rather than reserved.
        :param bool|None shrinks: Whether refunds shrink the captured sum, if that is known.
        :return: The state; `None` if it tells none, or the sums are not those of this payment.
        :rtype: str | None
        """
        told = self.sums
        if told.is_paid:
            return sums.get_payment_state(told, amount_minor, is_purchase, shrinks)
        if told.is_authorized:
            return 'authorized' if told.authorized in (None, 0, amount_minor) else None
        return self.told.state

    def get_refund_outcome(self, refunded_minor):
        """ Return the outcome of a refund that a query, which named the refund, tells.

        :param int refunded_minor: What is refunded in all if this refund was executed.
        :return: `done`, `error`, or `pending` if that is not told, or the refunded sum is too small
                 to include this refund.
        :rtype: str
        """
        if self.told.status not in const.OPERATION_STATUSES['REFUND']:
            return 'pending'  # It is about another operation.
        refunded = self.sums.refunded
        if refunded is not None and refunded < refunded_minor:
            return 'error' if self.told.is_refusal('REFUND') else 'pending'
        return self.told.outcome('REFUND')


def _read_text(fields, name):
    """ Return the text of a field; empty if it is missing, or no text. """
    value = fields.get(name)
    return value if isinstance(value, str) else ''
