""" Payments by API with a saved card (sections 7.3 and 7.4).

The caller holds the sandbox's lock.
"""

from . import checkout, messages, validation
from .cards import is_documented_date, is_expired
from .codes import Outcome, Refusal, parse_code
from .fields import PHONE_ORDER_FORM, RECURRING_FORM, TOKEN_CHARGE_FORM
from .options import OPTIONS

CHALLENGE = Outcome('20', '064')
FORMS = {'RECURRING': RECURRING_FORM, 'MOTO': PHONE_ORDER_FORM}


def form_of(values):
    """ Return the field table of a token payment, which depends on its channel. """
    return FORMS.get(str(values.get('eci')), TOKEN_CHARGE_FORM)


def charge(sandbox, account, values, base_url, ordered=None):
    """ Charge a saved card.

    :param Sandbox sandbox: The sandbox.
    :param Account account: The merchant's account.
    :param dict values: The checked fields; `amount` in minor units.
    :param str base_url: The sandbox's own address, for the 3-D Secure page.
    :param Outcome ordered: The outcome that a test ordered.
    :return: The unsigned fields of the answer.
    :rtype: dict
    :raise Refusal: If a rule is broken.
    """
    token = _check(sandbox, account, values)
    means = checkout.means_of_token(token, values.get('card_security_code'))
    if _is_expired(sandbox, token) and means.scenario == 'success':
        means.scenario = 'expired'
    if ordered:
        means.scenario, means.has_3ds = ordered.code, False
    request = {
        name: value for name, value in values.items()
        if name not in ('signature', 'card_security_code')
    }
    payment = sandbox.ledger.open_payment(request, is_by_api=True)
    if means.has_3ds and not checkout.skips_3ds(payment):
        return _challenge(payment, means, base_url)
    payment.is_page_open = False
    return checkout.attempt(sandbox, payment, means)


def _check(sandbox, account, values):
    """ Check a token payment against the business rules.

    :return: The token.
    :rtype: Token
    :raise Refusal: If a rule is broken.
    """
    validation.check_money(account, values)
    if not account.tokenization:
        raise Refusal('038', 'tokenization is not active')
    token = sandbox.ledger.get_token(account.merchant_identifier, values['token_name'])
    validation.check_eci(account, values, token.option)
    validation.check_option(account, OPTIONS[token.option], values)
    agreement_id = values.get('agreement_id', '')
    if agreement_id and token.agreement_id and agreement_id != token.agreement_id:
        raise Refusal('088', 'the agreement is of another token')
    is_recurring = values.get('eci') == 'RECURRING'
    if is_recurring and account.agreement_required and not agreement_id:
        raise Refusal('001', 'agreement_id is missing')
    needs_return = token.has_3ds and values.get('eci', 'ECOMMERCE') == 'ECOMMERCE'
    if needs_return and not checkout.return_url_of(account, values):
        raise Refusal('037', 'return_url is missing')
    return token


def _is_expired(sandbox, token):
    """ Tell whether a saved card has expired; the documented test cards never do. """
    if is_documented_date(token.card_number, token.expiry_date):
        return False
    return is_expired(token.expiry_date, sandbox.clock.today())


def _challenge(payment, means, base_url):
    """ Ask for 3-D Secure: the shopper's browser has to visit `3ds_url`.

    :param Payment payment: The payment.
    :param Means means: What is paid with.
    :param str base_url: The sandbox's own address.
    :return: The unsigned fields of the answer.
    :rtype: dict
    """
    payment.challenge = means
    payment.payment_option = means.option
    payment.outcome = payment.latest = CHALLENGE
    payment.result = messages.payment_fields(payment, parse_code(CHALLENGE.code), means)
    return {**payment.result, '3ds_url': f'{base_url}FortAPI/page/{payment.page_id}/3ds'}
