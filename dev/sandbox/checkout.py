""" A visit to the payment page: attempts, 3-D Secure, saved cards, cancellation. No HTTP here.

The caller holds the sandbox's lock.
"""

from dataclasses import dataclass, field

from . import cards, messages, validation
from .codes import Refusal, failure_of, parse_code, success_of
from .currencies import decimals_of
from .options import OPTIONS


@dataclass
class Means:
    """ What a shopper pays with. The full card number is not kept.

    :param str option: The payment option.
    :param str scenario: What happens: `success`, a key of `cards.SCENARIOS` or five digits.
    :param str card_number: The masked number, if it is a card.
    :param str expiry_date: The expiry date, `YYMM`.
    :param str card_holder_name: The holder.
    :param bool has_3ds: Whether the shopper has to pass 3-D Secure.
    :param bool is_remembered: Whether the shopper agreed to save the card; `None` if not asked.
    :param str cvv: The security code that a token of it asks for.
    :param str token_scenario: What happens when a token of it is charged.
    :param str customer_ip: The shopper's address.
    :param str token_name: The token it was read from, if any.
    """

    option: str
    scenario: str = 'success'
    card_number: str = ''
    expiry_date: str = ''
    card_holder_name: str = ''
    has_3ds: bool = False
    is_remembered: bool = None
    cvv: str = field(default='', repr=False)
    token_scenario: str = ''
    customer_ip: str = ''
    token_name: str = ''


def means_of_card(sandbox, number, expiry, cvv, holder='', is_remembered=None):
    """ Return what a shopper pays with who typed a card.

    :param Sandbox sandbox: The sandbox.
    :param str number: The card number, digits only.
    :param str expiry: The expiry date, `YYMM`.
    :param str cvv: The security code.
    :param str holder: The holder.
    :param bool is_remembered: Whether the card is to be saved; `None` if not asked.
    :return: The means of payment.
    :rtype: Means
    """
    scenario = cards.scenario_of(number, expiry, cvv, sandbox.clock.today())
    card = cards.CARDS.get(number)
    return Means(
        option=cards.scheme_of(number) or 'VISA', scenario=scenario, card_number=cards.mask(number),
        expiry_date=expiry, card_holder_name=holder, is_remembered=is_remembered, cvv=cvv,
        has_3ds=bool(card and card.has_3ds and scenario == 'success'),
        token_scenario=card.token_scenario or card.scenario if card else scenario,
    )


def means_of_token(token, cvv=None):
    """ Return what a shopper pays with who uses a saved card.

    :param Token token: The token.
    :param str cvv: The security code that was typed; `None` when none is asked for.
    :return: The means of payment.
    :rtype: Means
    """
    is_wrong = cvv is not None and cvv != token.cvv
    return Means(
        option=token.option, scenario='declined' if is_wrong else token.scenario,
        card_number=token.card_number, expiry_date=token.expiry_date,
        card_holder_name=token.card_holder_name, has_3ds=token.has_3ds and not is_wrong,
        token_name=token.name,
    )


def open_page(sandbox, account, values):
    """ Open the payment page for an authentic request, or find it again when it is reloaded.

    :param Sandbox sandbox: The sandbox.
    :param Account account: The merchant's account.
    :param dict values: The fields received.
    :return: The payment.
    :rtype: Payment
    :raise Refusal: If a rule is broken.
    """
    validation.check_page_request(account, values)
    if values.get('token_name'):
        token = sandbox.ledger.get_token(account.merchant_identifier, values['token_name'])
        validation.check_option(account, OPTIONS[token.option], values)
    request = {name: value for name, value in values.items() if name != 'signature'}
    earlier = sandbox.ledger.find(account.merchant_identifier, request['merchant_reference'])
    if earlier and earlier.is_page_open and earlier.request == request:
        return earlier
    return sandbox.ledger.open_payment(request)


def attempt(sandbox, payment, means, is_notified=True):
    """ Try to pay: book the result, notify it, and close the page unless another try is left.

    :param Sandbox sandbox: The sandbox.
    :param Payment payment: The payment.
    :param Means means: What the shopper pays with.
    :param bool is_notified: Whether Direct Transaction Feedback is sent.
    :return: The unsigned fields of the result.
    :rtype: dict
    """
    account = sandbox.account_of(payment)
    outcome = _decide(account, payment, means)
    payment.attempts += 1
    payment.challenge = None
    payment.payment_option = means.option
    payment.apply(outcome, sandbox.clock.now())
    payment.result = messages.payment_fields(payment, outcome, means)
    _remember(sandbox, account, payment, means, outcome)
    payment.is_page_open = _may_retry(account, payment, means, outcome)
    if is_notified:
        sandbox.send_feedback(account, payment.result)
    return payment.result


def _decide(account, payment, means):
    """ Return the outcome of an attempt.

    :param Account account: The merchant's account.
    :param Payment payment: The payment.
    :param Means means: What the shopper pays with.
    :return: The outcome.
    :rtype: Outcome
    """
    if means.scenario.isdigit():
        return parse_code(means.scenario)
    outcome = cards.outcome_of(means.scenario, payment.command)
    if means.scenario in ('invalid_card', '3ds_failed'):
        return outcome
    try:
        validation.check_option(account, OPTIONS[means.option], payment.request)
    except Refusal as refusal:
        return failure_of(payment.command, refusal.outcome.message)
    chosen = payment.request.get('payment_option')
    if chosen and chosen != means.option:
        return failure_of(payment.command, '016')
    if _breaks_visa_rule(payment, means):
        return failure_of(payment.command)
    return outcome


def _breaks_visa_rule(payment, means):
    """ Tell whether a Visa amount has a third decimal other than zero (section 4.3). """
    has_three_decimals = decimals_of(payment.currency) == 3
    return means.option == 'VISA' and has_three_decimals and payment.amount % 10 != 0


def _may_retry(account, payment, means, outcome):
    """ Tell whether the shopper may try again on the page. """
    is_open = outcome.is_success or outcome.is_open
    is_single = payment.is_by_api or not OPTIONS[means.option].is_card
    return not is_open and not is_single and payment.attempts < account.attempts


def _remember(sandbox, account, payment, means, outcome):
    """ Save the card if the shopper agreed and the payment succeeded; tell so in the result. """
    if means.token_name:
        payment.token_name = payment.result['token_name'] = means.token_name
        return
    if means.is_remembered is None or not can_remember(account, means.option):
        return
    payment.result.pop('remember_me', None)
    if not means.is_remembered:
        if payment.request.get('remember_me'):
            payment.result['remember_me'] = 'NO'
        return
    if outcome.is_success:
        token = _make_token(sandbox, payment, means)
        payment.token_name = token.name
        payment.result.update(token_name=token.name, remember_me='YES')


def _make_token(sandbox, payment, means):
    """ Return a new token of a card that was just used. """
    return sandbox.ledger.add_token(
        merchant_identifier=payment.merchant_identifier, option=means.option,
        card_number=means.card_number, expiry_date=means.expiry_date,
        card_holder_name=means.card_holder_name, scenario=means.token_scenario or 'success',
        has_3ds=means.has_3ds, cvv=means.cvv, agreement_id=payment.request.get('agreement_id', ''),
    )


def can_remember(account, option_code):
    """ Tell whether a card of an option can be saved. """
    return account.tokenization and OPTIONS[option_code].can_tokenize


def skips_3ds(payment):
    """ Tell whether the request asked for no 3-D Secure, or has no shopper to ask. """
    is_without_shopper = payment.request.get('eci') in ('MOTO', 'RECURRING')
    return is_without_shopper or bool(payment.request.get('check_3ds'))


def cancel(sandbox, payment):
    """ Leave the page without paying.

    :param Sandbox sandbox: The sandbox.
    :param Payment payment: The payment.
    :return: The unsigned fields of the result.
    :rtype: dict
    """
    account = sandbox.account_of(payment)
    payment.abandoned = parse_code(account.cancel_code)
    payment.is_page_open = False
    payment.challenge = None
    payment.result = messages.payment_fields(payment, payment.abandoned)
    payment.result.pop('fort_id')
    if account.cancel_feedback:
        sandbox.send_feedback(account, payment.result)
    return payment.result


def leave(payment):
    """ Go back to the shop with the latest failure.

    :param Payment payment: The payment, with at least one failed attempt.
    :return: The unsigned fields of the result.
    :rtype: dict
    """
    payment.is_page_open = False
    return payment.result


def settle(sandbox, payment, is_success):
    """ Decide an open payment later, and notify the decision.

    :param Sandbox sandbox: The sandbox.
    :param Payment payment: The payment, left uncertain, pending, on hold or in review.
    :param bool is_success: Whether it succeeds.
    :return: The unsigned fields of the notification.
    :rtype: dict
    """
    outcome = sandbox.ledger.settle(payment, None, is_success)
    payment.result.update(messages.result_fields(outcome, payment.language))
    if outcome == success_of(payment.command):
        payment.result['authorization_code'] = payment.authorization_code
    sandbox.send_notification(sandbox.account_of(payment), payment.result)
    return payment.result


def signed_return(sandbox, payment):
    """ Return the signed fields that the browser brings back to the shop.

    :param Sandbox sandbox: The sandbox.
    :param Payment payment: The payment, with a result.
    :return: The signed fields.
    :rtype: dict
    """
    account = sandbox.account_of(payment)
    fields = payment.result
    return account.sign(messages.hide_card(fields) if account.return_method == 'GET' else fields)


def return_url_of(account, request):
    """ Return the address of the shop that a request asked for, or the account's. """
    return request.get('return_url') or account.return_url
