""" What a message of APS says. """

import json

from . import const

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
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("The message holds a field twice.")
    return fields


def is_reference(value):
    """ Return whether the value can be the reference of a transaction at all.

    It keeps what PostgreSQL cannot take, such as NUL, away from the database. References made by
    other modules may hold characters that APS doesn't accept, so these are not refused.

    :param value: The value, from whomever it came.
    :return: Whether the value can be searched for.
    :rtype: bool
    """
    return isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable()


def get_target_state(status, response_code):
    """ Return the state of a payment that is the subject of an APS answer.

    :param str status: The status, two digits.
    :param str response_code: The response code: the status and a message code of three digits.
    :return: The state of the transaction; `None` if the answer says nothing about a payment.
    :rtype: str | None
    """
    message_code = response_code[2:]
    if response_code[:2] != status:
        return None
    state = next(
        (state for state, statuses in const.PAYMENT_STATUS_MAPPING.items() if status in statuses),
        None,
    )
    if state in ('pending', 'error') and message_code in const.CANCELED_MESSAGE_CODES:
        return 'cancel'
    if state and message_code in const.UNCLEAR_MESSAGE_CODES:
        return 'pending'
    if status == '10' and message_code in const.FINAL_MESSAGE_CODES:
        return 'error'
    return state


def is_unfinished(status, response_code):
    """ Return whether an answer about a payment says that the shopper has not finished it.

    :param str status: The status, two digits.
    :param str response_code: The response code: the status and a message code of three digits.
    :return: Whether it does. If not, it is APS, or a bank, that has to decide.
    :rtype: bool
    """
    return (
        status in const.UNFINISHED_STATUSES
        and response_code[:2] == status
        and response_code[2:] not in const.UNCLEAR_MESSAGE_CODES
    )


def is_refusal(command, answer):
    """ Return whether an answer of the payment API says that an operation was not executed.

    :param str|None command: The command of the request; `None` for a query.
    :param dict answer: The authentic answer.
    :return: Whether it is certain that nothing was executed.
    :rtype: bool
    """
    status, response_code = answer.get('status') or '', answer.get('response_code') or ''
    failure_statuses = ('00', *const.OPERATION_STATUSES.get(command, ())[1:])
    return (
        bool(command)
        and status in failure_statuses
        and response_code[:2] == status
        and response_code[2:] not in const.UNCLEAR_MESSAGE_CODES
    )


def is_query_answered(answer):
    """ Return whether an answer tells about the payment, or that APS doesn't know it.

    :param dict answer: The authentic answer to a CHECK_STATUS query.
    :return: Whether it does; if not, the query itself failed.
    :rtype: bool
    """
    is_unknown = (answer.get('response_code') or '')[2:] == const.NOT_FOUND_MESSAGE_CODE
    return answer.get('status') == '12' or is_unknown


def is_payment_unknown(query, answer):
    """ Return whether the answer to a query about a payment says that APS doesn't know it.

    :param dict query: The query; one about an operation of the payment has a
                       `maintenance_reference`.
    :param dict answer: The authentic answer.
    :return: Whether it does.
    :rtype: bool
    """
    message_code = (answer.get('response_code') or '')[2:]
    return message_code == const.NOT_FOUND_MESSAGE_CODE and not query.get('maintenance_reference')


def get_operation_outcome(command, status, response_code):
    """ Return the outcome of an operation that maintains a payment.

    :param str command: One of `const.OPERATION_STATUSES`.
    :param str status: The status, two digits.
    :param str response_code: The response code: the status and a message code of three digits.
    :return: `done`, `error`, or `pending` if the answer doesn't tell.
    :rtype: str
    """
    success_status, _failure_status = const.OPERATION_STATUSES[command]
    is_clear = response_code[2:] not in const.UNCLEAR_MESSAGE_CODES
    if status == success_status and response_code[:2] == status and is_clear:
        return 'done'
    if is_refusal(command, {'status': status, 'response_code': response_code}):
        return 'error'
    return 'pending'
