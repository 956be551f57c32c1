""" The routes of the payment page, for a shopper's browser (section 4). """

import re
from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for

from . import checkout, messages, validation
from .cards import CARDS
from .codes import Refusal
from .currencies import format_amount
from .fields import FIELDS, PAGE_FORM
from .options import OPTIONS
from .texts import translator

page = Blueprint('page', __name__, url_prefix='/FortAPI')
VERDICT_HEADER = 'X-Sandbox-Verdict'
LOCAL_SCENARIOS = {'approve': 'success', 'decline': 'declined', 'pending': 'pending'}
FORM_TYPE = 'application/x-www-form-urlencoded'


def sandbox():
    """ Return the state of the running sandbox. """
    return current_app.config['SANDBOX']


@page.after_request
def forbid_frames(response):
    """ Keep the page out of frames, as APS demands, and its answers out of caches. """
    response.headers['X-Frame-Options'] = 'DENY'
    response.headers['Cache-Control'] = 'no-store'
    return response


# === THE SHOP'S REQUEST === #

@page.post('/paymentPage')
def payment_page():
    """ Take the form that the shop's checkout posts, and open the payment page.

    :return: The way to the payment page, back to the shop, or an error page.
    :rtype: flask.Response
    """
    values = request.form.to_dict()
    with sandbox().lock:
        try:
            payment = _accept(values)
        except Refusal as refusal:
            sandbox().journal.record(
                'paymentPage', values, refusal.outcome, refusal.detail, refusal.is_authentic,
            )
            return _refuse(values, refusal)
        sandbox().journal.record('paymentPage', values)
    response = redirect(url_for('page.show', page_id=payment.page_id), 303)
    response.headers[VERDICT_HEADER] = 'accepted'
    return response


def _accept(values):
    """ Return the payment of a request for the page.

    :raise Refusal: If the request is not acceptable.
    """
    if request.mimetype != FORM_TYPE or any(len(many) > 1 for _name, many in request.form.lists()):
        raise Refusal('073', f'a form ({FORM_TYPE}) with single values is needed', False)
    account = validation.authenticate(sandbox().accounts, values)
    return checkout.open_page(sandbox(), account, values)


def _refuse(values, refusal):
    """ Send the shopper back with `status=00`, or show an error page if the sender is unknown.

    :param dict values: The fields received.
    :param Refusal refusal: What was wrong.
    :return: The response.
    :rtype: flask.Response
    """
    account = sandbox().accounts.get(values.get('merchant_identifier'))
    url = _safe_return_url(account, values) if refusal.is_authentic else ''
    if not url:
        return _error_page(refusal)
    fields = messages.refusal_fields(values, refusal.outcome, PAGE_FORM.known)
    response = _send_back(account, url, account.sign(fields), values.get('language'))
    response.headers[VERDICT_HEADER] = refusal.outcome.code
    return response


def _safe_return_url(account, values):
    """ Return the shop's address if the request's own is well-formed, else the account's. """
    url = values.get('return_url', '')
    try:
        FIELDS['return_url'].check('return_url', url)
    except Refusal:
        url = ''
    return url if re.match(r'https?://', url) else account.return_url


def _error_page(refusal):
    """ Show what was wrong with a request that has no way back. """
    response = current_app.make_response((render_template(
        'error.html', outcome=refusal.outcome, detail=refusal.detail, t=translator('en'), lang='en',
    ), 400))
    response.headers[VERDICT_HEADER] = refusal.outcome.code
    return response


# === THE SHOPPER'S PAGE === #

@page.get('/page/<page_id>')
def show(page_id):
    """ Show the payment page. """
    payment = _payment(page_id)
    if not payment.is_page_open:
        return _show_closed(payment)
    if payment.challenge or payment.is_by_api:
        return redirect(_address('page.show_challenge', payment), 303)
    return _show_page(payment)


@page.post('/page/<page_id>/card')
def pay_by_card(page_id):
    """ Take the card form: pay, ask for 3-D Secure, or point at a mistyped field. """
    payment = _payment(page_id)
    with sandbox().lock:
        if not payment.is_page_open:
            return _show_closed(payment)
        mistake, means = _read_card(payment)
        if mistake:
            return _show_page(payment, mistake), 422
        if means.has_3ds and not checkout.skips_3ds(payment):
            payment.challenge = means
            return redirect(_address('page.show_challenge', payment), 303)
        checkout.attempt(sandbox(), payment, means)
    return _after_attempt(payment)


@page.post('/page/<page_id>/local')
def pay_locally(page_id):
    """ Take the answer of a local payment method. """
    payment = _payment(page_id)
    option = OPTIONS.get(request.form.get('option'))
    scenario = LOCAL_SCENARIOS.get(request.form.get('result'))
    with sandbox().lock:
        if not payment.is_page_open or payment.is_by_api:
            return _show_closed(payment)
        if not scenario or option not in _possible_options(payment):
            abort(400)
        means = checkout.Means(option.code, scenario, customer_ip=request.remote_addr)
        checkout.attempt(sandbox(), payment, means)
    return _after_attempt(payment)


@page.get('/page/<page_id>/3ds')
def show_challenge(page_id):
    """ Show the simulated page of the bank. """
    payment = _payment(page_id)
    if not payment.is_page_open or not payment.challenge:
        return _show_closed(payment)
    return render_template('challenge.html', **_context(payment))


@page.post('/page/<page_id>/3ds')
def answer_challenge(page_id):
    """ Take the result of 3-D Secure. """
    payment = _payment(page_id)
    with sandbox().lock:
        if not payment.is_page_open or not payment.challenge:
            return _show_closed(payment)
        means = payment.challenge
        means.customer_ip = request.remote_addr
        if request.form.get('result') != 'approve':
            means.scenario = '3ds_failed'
        checkout.attempt(sandbox(), payment, means)
    return _after_attempt(payment)


@page.post('/page/<page_id>/cancel')
def cancel(page_id):
    """ Leave without paying; after a failed attempt, leave with that failure. """
    payment = _payment(page_id)
    with sandbox().lock:
        if not payment.is_page_open or payment.is_by_api:
            return _show_closed(payment)
        if payment.attempts:
            checkout.leave(payment)
        else:
            checkout.cancel(sandbox(), payment)
    return _after_attempt(payment)


@page.post('/page/<page_id>/return')
def return_again(page_id):
    """ Send the browser back once more from a closed page. """
    payment = _payment(page_id)
    if payment.is_page_open or not payment.result:
        abort(404)
    return _after_attempt(payment)


# === PIECES === #

def _payment(page_id):
    """ Return the payment of a page, or answer 404. """
    return sandbox().ledger.by_page.get(page_id) or abort(404)


def _language(payment):
    """ Return the language to show: the shopper's choice, else the request's. """
    chosen = request.args.get('lang')
    return chosen if chosen in ('en', 'ar') else payment.language


def _address(endpoint, payment):
    """ Return the address of a step, keeping the language that the shopper chose. """
    return url_for(endpoint, page_id=payment.page_id, lang=_language(payment))


def _possible_options(payment):
    """ Return the payment options to choose from. """
    return validation.possible_options(sandbox().account_of(payment), payment.request)


def _read_card(payment):
    """ Read the card form, or the security code of a saved card.

    :param Payment payment: The payment.
    :return: The key of the text about a mistake, and what is paid with; one of them is `None`.
    :rtype: tuple
    """
    form = request.form
    cvv = form.get('card_security_code', '').strip()
    if not re.fullmatch(r'[0-9]{3,4}', cvv):
        return 'bad_cvv', None
    token_name = payment.request.get('token_name')
    if token_name:
        means = checkout.means_of_token(sandbox().ledger.tokens[token_name], cvv)
        means.customer_ip = request.remote_addr
        return None, means
    number = re.sub(r'[\s-]', '', form.get('card_number', ''))
    expiry = re.fullmatch(r'(0[1-9]|1[0-2])\s*/?\s*([0-9]{2})', form.get('expiry_date', '').strip())
    holder = form.get('card_holder_name', '').strip()
    mistake = _find_mistake(number, expiry, holder)
    if mistake:
        return mistake, None
    means = checkout.means_of_card(
        sandbox(), number, expiry[2] + expiry[1], cvv, holder, _is_remembered(payment),
    )
    means.customer_ip = request.remote_addr
    return None, means


def _find_mistake(number, expiry, holder):
    """ Return the key of the text about a mistyped field, or `None`. """
    if not re.fullmatch(r'[0-9]{12,19}', number):
        return 'bad_number'
    if not expiry:
        return 'bad_expiry'
    is_name = re.fullmatch(r"[A-Za-z'. -]{0,50}", holder)
    return None if is_name else 'bad_holder'


def _is_remembered(payment):
    """ Return whether the shopper ticked the box; `None` when there is none. """
    if not sandbox().account_of(payment).tokenization:
        return None
    return bool(request.form.get('remember_me'))


def _context(payment, mistake=None):
    """ Return the values that all pages of a payment show. """
    account, language = sandbox().account_of(payment), _language(payment)
    t = translator(language)
    return {
        'payment': payment, 'account': account, 'lang': language, 't': t,
        'amount': format_amount(payment.amount, payment.currency),
        'error': t(mistake) if mistake else '',
        'failure': payment.outcome if payment.attempts else None,
    }


def _show_page(payment, mistake=None):
    """ Show the card form and the other methods. """
    options = _possible_options(payment)
    token = sandbox().ledger.tokens.get(payment.request.get('token_name'))
    schemes = [option.code for option in options if option.is_card]
    return render_template(
        'payment.html', schemes=schemes, token=token,
        others=[] if token else [option for option in options if not option.is_card],
        test_cards=[card for card in CARDS.values() if card.option in schemes],
        can_remember=sandbox().account_of(payment).tokenization and not token,
        form=request.form, **_context(payment, mistake),
    )


def _show_closed(payment):
    """ Show that a page is closed, with a way back to the shop. """
    return render_template('closed.html', **_context(payment))


def _after_attempt(payment):
    """ Go on after an attempt: back to the page for another one, or back to the shop. """
    if payment.is_page_open:
        return redirect(_address('page.show', payment), 303)
    account = sandbox().account_of(payment)
    url = checkout.return_url_of(account, payment.request)
    signed = checkout.signed_return(sandbox(), payment)
    return _send_back(account, url, signed, _language(payment))


def _send_back(account, url, signed, language):
    """ Send the browser to the shop with signed fields.

    :param Account account: The merchant's account.
    :param str url: The shop's address.
    :param dict signed: The signed fields.
    :param str language: The language of the page in between.
    :return: A form that submits itself, or a redirect, as the account is set.
    :rtype: flask.Response
    """
    if account.return_method == 'GET':
        separator = '&' if '?' in url else '?'
        return redirect(f'{url}{separator}{urlencode(signed)}', 303)
    return current_app.make_response(render_template(
        'return.html', url=url, fields=signed, t=translator(language),
        lang=language if language in ('en', 'ar') else 'en',
    ))
