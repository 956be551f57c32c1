""" The control API under `/_sandbox/`: what tests look at and turn. For the same machine only. """

from functools import wraps

from flask import Blueprint, abort, current_app, jsonify, request

from . import checkout, operations
from .accounts import make_account
from .codes import Refusal, parse_code
from .shortcuts import ControlError, find_open_operation, finish, make_order, read_scenario

control = Blueprint('control', __name__, url_prefix='/_sandbox')
LOOPBACK = ('127.0.0.1', '::1', '::ffff:127.0.0.1')
BACKOFFICE_COMMANDS = ('CAPTURE', 'VOID_AUTHORIZATION', 'REFUND')


@control.errorhandler(ControlError)
def answer_error(error):
    """ Answer a control request that makes no sense. """
    return jsonify(error=str(error)), error.status


@control.before_request
def refuse_strangers():
    """ Keep the control API to the machine it runs on. """
    if request.remote_addr not in LOOPBACK:
        abort(403)


def sandbox():
    """ Return the state of the running sandbox. """
    return current_app.config['SANDBOX']


def with_body(route):
    """ Hand a route the JSON object of the request, and turn its mistakes into HTTP 400. """
    @wraps(route)
    def wrapped(**arguments):
        body = request.get_json(force=True, silent=True) if request.get_data() else {}
        if not isinstance(body, dict):
            raise ControlError('a JSON object is needed')
        try:
            return route(body=body, **arguments)
        except (KeyError, ValueError, TypeError) as error:
            raise ControlError(str(error)) from error
    return wrapped


def _reference():
    """ Return the merchant reference of the query. """
    return request.args.get('merchant_reference')


def _account(identifier=None):
    """ Return an account, by default the first one.

    :raise ControlError: If there is none of that name.
    """
    accounts = sandbox().accounts
    if not identifier:
        return next(iter(accounts.values()))
    if identifier not in accounts:
        raise ControlError(f'unknown account: {identifier}', 404)
    return accounts[identifier]


def _payment(body):
    """ Return the payment that a body names by reference, and by account if need be.

    :raise ControlError: If there is none.
    """
    found = sandbox().ledger.search(
        body.get('merchant_reference') or '-', body.get('merchant_identifier'),
    )
    if not found:
        raise ControlError('unknown merchant_reference', 404)
    return found[-1]


# === STATE === #

@control.get('/health')
def health():
    """ Tell that the sandbox runs. """
    return jsonify(status='ok', accounts=list(sandbox().accounts))


@control.post('/reset')
def reset():
    """ Forget everything but the accounts. """
    sandbox().reset()
    return jsonify(status='ok')


@control.post('/clock')
@with_body
def clock(body):
    """ Move the sandbox's time. """
    sandbox().clock.offset = float(body.get('offset_seconds', 0))
    return jsonify(offset_seconds=sandbox().clock.offset, now=sandbox().clock.stamp())


@control.get('/accounts')
def list_accounts():
    """ Return the accounts without their phrases. """
    return jsonify(accounts=[account.describe() for account in sandbox().accounts.values()])


@control.post('/accounts')
@with_body
def add_account(body):
    """ Add an account, or replace the one of that identifier. """
    account = make_account(body)
    with sandbox().lock:
        sandbox().accounts[account.merchant_identifier] = account
    return jsonify(account.describe()), 201


@control.get('/accounts/<identifier>')
def show_account(identifier):
    """ Return an account without its phrases. """
    return jsonify(_account(identifier).describe())


@control.patch('/accounts/<identifier>')
@with_body
def change_account(body, identifier):
    """ Change settings of an account. """
    account = _account(identifier)
    if body.get('merchant_identifier', identifier) != identifier:
        raise ControlError('an account keeps its identifier')
    with sandbox().lock:
        account.update(body)
    return jsonify(account.describe())


@control.get('/ledger')
def show_ledger():
    """ Return the payments; amounts are integers in minor units. """
    with sandbox().lock:
        found = sandbox().ledger.search(_reference(), request.args.get('merchant_identifier'))
        return jsonify(payments=[payment.describe() for payment in found])


@control.get('/requests')
def list_requests():
    """ Return every request received, with its verdict. """
    with sandbox().lock:
        return jsonify(requests=sandbox().journal.search(_reference(), request.args.get('verdict')))


@control.get('/refused')
def list_refused():
    """ Return the refused requests. """
    with sandbox().lock:
        return jsonify(requests=sandbox().journal.search(_reference(), 'refused'))


@control.get('/cards')
def list_cards():
    """ Return the test cards. """
    return jsonify(cards=operations.describe_cards())


@control.get('/tokens')
def list_tokens():
    """ Return the saved cards. """
    with sandbox().lock:
        return jsonify(tokens=[token.describe() for token in sandbox().ledger.tokens.values()])


@control.patch('/tokens/<name>')
@with_body
def change_token(body, name):
    """ Change what happens when a saved card is charged. """
    token = sandbox().ledger.tokens.get(name)
    if not token:
        raise ControlError('unknown token', 404)
    allowed = {'scenario': str, 'has_3ds': bool, 'is_active': bool, 'expiry_date': str}
    for key, value in body.items():
        if key not in allowed or not isinstance(value, allowed[key]):
            raise ControlError(f'cannot set {key} so')
        setattr(token, key, read_scenario(value) if key == 'scenario' else value)
    return jsonify(token.describe())


# === FAULTS === #

@control.get('/faults')
def list_faults():
    """ Return the ordered faults. """
    with sandbox().lock:
        return jsonify(faults=sandbox().faults.describe())


@control.post('/faults')
@with_body
def order_fault(body):
    """ Order a fault. """
    if body.get('fault') == 'answer':
        parse_code(body.get('response_code'))
    with sandbox().lock:
        sandbox().faults.add(**body)
        return jsonify(faults=sandbox().faults.describe()), 201


@control.delete('/faults')
def clear_faults():
    """ Forget the ordered faults. """
    with sandbox().lock:
        sandbox().faults.faults.clear()
    return jsonify(faults=[])


# === NOTIFICATIONS === #

@control.get('/notifications')
def list_notifications():
    """ Return the notifications. """
    found = sandbox().notifier.search(_reference(), request.args.get('state'))
    return jsonify(notifications=[one.describe() for one in found])


@control.post('/notifications/deliver')
@with_body
def deliver(body):
    """ Post notifications now, in the order of `ids`, or all that are held. """
    notifier = sandbox().notifier
    numbers = body.get('ids')
    if numbers is None:
        numbers = [one.id for one in notifier.search(body.get('merchant_reference'), 'held')]
    return _deliver(numbers)


@control.post('/notifications/<int:number>/redeliver')
def redeliver(number):
    """ Post a notification once more. """
    return _deliver([number])


def _deliver(numbers):
    """ Post notifications now and return them. """
    try:
        delivered = sandbox().notifier.deliver(numbers)
    except KeyError as error:
        raise ControlError('unknown notification', 404) from error
    return jsonify(notifications=[one.describe() for one in delivered])


@control.post('/notifications/wait')
@with_body
def wait(body):
    """ Wait until nothing is left to deliver. """
    return jsonify(idle=sandbox().notifier.wait(float(body.get('timeout', 30))))


# === ACTING === #

@control.post('/pay')
@with_body
def pay(body):
    """ Finish a payment page without a browser. """
    options = body.get('result') or {}
    options = {**body, **(options if isinstance(options, dict) else {'status': options})}
    with sandbox().lock:
        payment = _payment(body)
        if not payment.is_page_open:
            raise ControlError('the page is closed', 409)
        known = len(sandbox().notifier.search(payment.reference))
        finish(sandbox(), payment, options, request.remote_addr)
        account = sandbox().account_of(payment)
        return jsonify(
            return_url=checkout.return_url_of(account, payment.request),
            return_method=account.return_method,
            fields=checkout.signed_return(sandbox(), payment),
            notifications=[
                one.id for one in sandbox().notifier.search(payment.reference)[known:]
            ],
        )


@control.post('/sign')
@with_body
def sign(body):
    """ Sign any fields as APS would, or as the merchant would (`direction`). """
    account = _account(body.get('merchant_identifier'))
    fields = dict(body.get('fields') or {})
    fields.pop('signature', None)
    base = fields
    if body.get('drop_empty'):
        base = {name: value for name, value in fields.items() if value != ''}
    signature = account.sign(base, body.get('direction', 'response'))['signature']
    return jsonify(fields={**fields, 'signature': signature})


@control.post('/backoffice')
@with_body
def backoffice(body):
    """ Capture, void or refund as the merchant's staff would in the dashboard. """
    if body.get('command') not in BACKOFFICE_COMMANDS:
        raise ControlError(f"command must be one of {', '.join(BACKOFFICE_COMMANDS)}")
    with sandbox().lock:
        payment = _payment(body)
        account = sandbox().account_of(payment)
        try:
            answer = operations.operate(sandbox(), account, make_order(account, payment, body))
        except Refusal as refusal:
            raise ControlError(str(refusal), 409) from refusal
        return jsonify(fields=account.sign(answer))


@control.post('/settle')
@with_body
def settle(body):
    """ Decide a payment, or an operation on it, that was left open. """
    result = body.get('result', 'success')
    if result not in ('success', 'declined'):
        raise ControlError('result must be success or declined')
    with sandbox().lock:
        payment = _payment(body)
        operation = find_open_operation(payment)
        if operation:
            answer = operations.settle(sandbox(), payment, operation, result == 'success')
        elif payment.outcome and payment.outcome.is_open:
            payment.is_page_open = False
            answer = checkout.settle(sandbox(), payment, result == 'success')
        else:
            raise ControlError('nothing is open', 409)
        return jsonify(fields=sandbox().account_of(payment).sign(answer))
