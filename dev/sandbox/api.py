""" The route of the payment API (sections 6 and 7), with the faults that tests order. """

import json

from flask import Blueprint, Response, current_app, request

from . import charges, operations, validation
from .codes import Refusal, parse_code
from .faults import BEFORE
from .fields import API_FORMS
from .journal import command_of
from .ledger import PAYMENT_COMMANDS
from .messages import refusal_fields
from .notify import encode_body

api = Blueprint('api', __name__, url_prefix='/FortAPI')


def sandbox():
    """ Return the state of the running sandbox. """
    return current_app.config['SANDBOX']


@api.post('/paymentApi', strict_slashes=False)
def payment_api():
    """ Take one API request; business errors are HTTP 200 with signed JSON.

    :return: The answer, or what a fault makes of it.
    :rtype: flask.Response
    """
    values = _read_body()
    with sandbox().lock:
        fault = sandbox().faults.take(command_of(values), values.get('merchant_reference', ''))
        released = sandbox().released
    kind = fault.fault if fault else ''
    if kind in BEFORE:
        return _fail(fault, released)
    if kind == 'slow':
        released.wait(fault.seconds)
    with sandbox().lock:
        signed = _process(values, parse_code(fault.response_code) if kind == 'answer' else None)
    return _deliver(signed, fault, released)


def _read_body():
    """ Return the fields of a JSON body, numbers as the text they were; empty if it is none. """
    if request.mimetype != 'application/json':
        return {}
    try:
        values = json.loads(request.get_data(), parse_int=str, parse_float=str)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


# === PROCESSING === #

def _process(values, ordered):
    """ Execute a request, record it, and return the signed answer.

    :param dict values: The fields received.
    :param Outcome ordered: The outcome that a test ordered.
    :return: The signed fields, or unsigned ones if the merchant is unknown.
    :rtype: dict
    """
    try:
        answer = _execute(values, ordered)
    except Refusal as refusal:
        sandbox().journal.record(
            'paymentApi', values, refusal.outcome, refusal.detail, refusal.is_authentic,
        )
        return _refusal_answer(values, refusal)
    sandbox().journal.record('paymentApi', values, parse_code(answer['response_code']))
    return sandbox().accounts[values['merchant_identifier']].sign(answer)


def _execute(values, ordered):
    """ Check a request as strictly as documented, and execute it.

    :return: The unsigned answer.
    :rtype: dict
    :raise Refusal: If the request is not acceptable.
    """
    if not values:
        raise Refusal('073', 'the body is not a JSON object', is_authentic=False)
    account = validation.authenticate(sandbox().accounts, values)
    form = _form_of(values)
    if not form:
        raise Refusal('004', 'unknown command')
    validation.check_form(form, account, values)
    command = command_of(values)
    if command in PAYMENT_COMMANDS:
        return charges.charge(sandbox(), account, values, request.url_root, ordered)
    if ordered and command in ('CHECK_STATUS', 'UPDATE_TOKEN'):
        raise Refusal(ordered.message, 'ordered')  # They fail in no other way.
    if command == 'CHECK_STATUS':
        return operations.check_status(sandbox(), account, values)
    if command == 'UPDATE_TOKEN':
        return operations.update_token(sandbox(), account, values)
    return operations.operate(sandbox(), account, values, ordered)


def _form_of(values):
    """ Return the field table of a request, or `None` for an unknown command. """
    command = command_of(values)
    return charges.form_of(values) if command in PAYMENT_COMMANDS else API_FORMS.get(command)


def _refusal_answer(values, refusal):
    """ Return the answer to a refused request, signed if the merchant is known.

    :param dict values: The fields received.
    :param Refusal refusal: What was wrong.
    :return: The fields.
    :rtype: dict
    """
    form = _form_of(values)
    plain = {name: value for name, value in values.items() if isinstance(value, str)}
    fields = refusal_fields(plain, refusal.outcome, form.known if form else frozenset())
    account = sandbox().accounts.get(str(values.get('merchant_identifier')))
    if not account or not (refusal.is_authentic or account.sign_unauthentic):
        return fields
    return account.sign(fields)


# === ANSWERING === #

def _fail(fault, released):
    """ Answer nothing useful to a request that was not executed. """
    if fault.fault == 'close_before':
        return _hang_up()
    if fault.fault == 'timeout_before':
        released.wait(fault.seconds)
        return Response('Gateway Timeout', 504, mimetype='text/plain')
    return _server_error()


def _server_error():
    """ Answer what a web server says when the application broke. """
    body = '<html><body>Internal Server Error</body></html>'
    return Response(body, 500, mimetype='text/html')


def _deliver(signed, fault, released):
    """ Answer an executed request, as a fault lets it pass.

    :param dict signed: The signed fields.
    :param Fault fault: What goes wrong, if anything.
    :param threading.Event released: Set when nobody needs to wait any longer.
    :return: The response.
    :rtype: flask.Response
    """
    kind = fault.fault if fault else ''
    if kind == 'close':
        return _hang_up()
    if kind == 'error_500_after':
        return _server_error()
    if kind == 'garbage':
        return Response('{"status": "14", "response_c', 200, mimetype='application/json')
    if kind == 'xml':
        return Response(encode_body(signed, 'xml'), 200, mimetype='application/xml')
    if kind == 'timeout_after':
        released.wait(fault.seconds)
    if kind == 'wrong_signature':
        signed = {**signed, 'signature': signed.get('signature', 'none')[::-1]}
    body = json.dumps(signed, ensure_ascii=False).encode()
    return Response(body, 200, mimetype='application/json')


def _hang_up():
    """ Close the connection without an answer. """
    connection = request.environ.get('werkzeug.socket')
    if connection:
        connection.shutdown(2)
    return Response('', 502)
