""" Checking requests, from trust to business rules (sections 3, 4, 7 and 11). """

from .codes import Refusal
from .currencies import CURRENCIES
from .fields import PAGE_FORM
from .ledger import PAYMENT_COMMANDS
from .options import INSTALLMENT_CURRENCIES, OPTIONS, WALLETS

MOTO_OPTIONS = ('VISA', 'MASTERCARD', 'AMEX')


def authenticate(accounts, values):
    """ Find the merchant of a request and check that it is really his.

    :param dict accounts: The accounts by merchant identifier.
    :param dict values: The fields received.
    :return: The account.
    :rtype: Account
    :raise Refusal: If the request cannot be trusted (009, 001, 008), or if the access code is wrong
        (010).
    """
    account = accounts.get(str(values.get('merchant_identifier')))
    if not account:
        raise Refusal('009', 'unknown merchant identifier', is_authentic=False)
    if not values.get('signature'):
        raise Refusal('001', 'signature is missing', is_authentic=False)
    if not account.verifies(values):
        raise Refusal('008', 'signature mismatch', is_authentic=False)
    if 'access_code' in values and values['access_code'] != account.access_code:
        raise Refusal('010', 'wrong access code')
    return account


def check_page_request(account, values):
    """ Check an authentic request for the payment page.

    :param Account account: The merchant's account.
    :param dict values: The fields received.
    :raise Refusal: If a rule is broken.
    """
    if values.get('statement_descriptor'):
        raise Refusal('067', 'dynamic descriptors are not set up')
    check_form(PAGE_FORM, account, values)
    if values['command'] not in PAYMENT_COMMANDS:
        raise Refusal('004', f"{values['command']} is not a command of the payment page")
    check_money(account, values)
    if not (values.get('return_url') or account.return_url):
        raise Refusal('037', 'neither the request nor the account has a return URL')
    if account.fraud_screening and not values.get('customer_ip'):
        raise Refusal('001', 'customer_ip is mandatory with fraud screening')
    _check_services(account, values)
    _check_installments(account, values)
    _check_options(account, values)


def check_form(form, account, values):
    """ Check the fields of a request against the table, and what the account knows of it.

    :param Form form: The field table of the request.
    :param Account account: The merchant's account.
    :param dict values: The fields received.
    :raise Refusal: If a field is missing, unexpected or breaks its limits.
    """
    form.check(values, account.arabic_letters)
    extra = sorted(set(values) & set(account.refused_parameters))
    if extra:
        raise Refusal('027', f"not of this account: {', '.join(extra)}")


def check_money(account, values):
    """ Check amount, currency and e-mail address of a payment.

    :param Account account: The merchant's account.
    :param dict values: The fields received; `amount` in minor units.
    :raise Refusal: If one is not acceptable.
    """
    check_amount(values)
    currency = values['currency']
    if currency not in CURRENCIES or (account.currencies and currency not in account.currencies):
        raise Refusal('013', f'{currency} is not accepted')
    if account.transaction_limit and int(values['amount']) > account.transaction_limit:
        raise Refusal('050', f'more than {account.transaction_limit} in minor units')
    name, _at, domain = values['customer_email'].partition('@')
    if not name or '.' not in domain or '@' in domain:
        raise Refusal('002', 'customer_email is not an e-mail address')


def check_amount(values):
    """ Check that an amount is more than nothing.

    :raise Refusal: If it is not.
    """
    if not int(values['amount']):
        raise Refusal('005', 'the amount is zero')


def check_eci(account, values, option=None):
    """ Check that the account may use the request's channel for an option.

    :raise Refusal: If it may not.
    """
    eci = values.get('eci', 'ECOMMERCE')
    if eci == 'MOTO' and not (account.moto and option in (None, '', *MOTO_OPTIONS)):
        raise Refusal('113', 'MOTO is not possible')
    if eci == 'RECURRING':
        if not account.recurring or (option and not OPTIONS[option].can_recur):
            raise Refusal('113', 'RECURRING is not possible')
        if values['command'] != 'PURCHASE':
            raise Refusal('112', 'RECURRING is for PURCHASE only')


def _check_services(account, values):
    """ Check token, channel and agreement of a page request. """
    if values.get('eci') == 'RECURRING':
        raise Refusal('113', 'RECURRING is for the API only')
    check_eci(account, values, values.get('payment_option'))
    if (values.get('token_name') or values.get('remember_me')) and not account.tokenization:
        raise Refusal('038', 'tokenization is not active')
    mode = values.get('recurring_mode')
    if mode in ('FIXED', 'VARIABLE') and not values.get('recurring_transactions_count'):
        raise Refusal('001', 'recurring_transactions_count is missing')
    if values.get('check_3ds') and values.get('payment_option') in ('MADA', 'MEEZA'):
        raise Refusal('110', '3-D Secure cannot be skipped for this option')


def _check_installments(account, values):
    """ Check the request for instalments. """
    if not values.get('installments'):
        return
    if not account.installments:
        raise Refusal('783', 'instalments are not active')
    if values['command'] != 'PURCHASE':
        raise Refusal('112', 'instalments are for PURCHASE only')
    if values['currency'] not in INSTALLMENT_CURRENCIES:
        raise Refusal('023', f"no instalments in {values['currency']}")


def _check_options(account, values):
    """ Check the preselected option, or that there is one to choose. """
    wallet = values.get('digital_wallet')
    if wallet and wallet not in WALLETS:
        raise Refusal('080', f'{wallet} is not a wallet')
    code = wallet or values.get('payment_option')
    if not code:
        if not possible_options(account, values):
            raise Refusal('039', 'no active payment option fits')
        return
    if code not in OPTIONS or (not wallet and code in WALLETS):
        raise Refusal('080', f'{code} is not a payment option')
    check_option(account, OPTIONS[code], values)
    missing = [name for name in OPTIONS[code].required if not values.get(name)]
    if missing:
        raise Refusal('001', f"{code} needs {', '.join(missing)}")


def check_option(account, option, values):
    """ Check that a payment option is active and fits currency and command.

    :param Account account: The merchant's account.
    :param Option option: The payment option.
    :param dict values: The fields of the payment request.
    :raise Refusal: If it is not, or does not.
    """
    if option.code not in account.payment_options:
        raise Refusal('014', f'{option.code} is not active')
    if not option.takes(values['currency']):
        raise Refusal('023', f"{option.code} does not take {values['currency']}")
    if not option.allows(values['command']):
        raise Refusal('049', f'{option.code} is for PURCHASE only')


def possible_options(account, values):
    """ Return the payment options that a shopper can choose on the page.

    :param Account account: The merchant's account.
    :param dict values: The fields of the payment request.
    :return: The options, in the order of the table.
    :rtype: list
    """
    chosen = values.get('digital_wallet') or values.get('payment_option')
    return [
        option for option in OPTIONS.values()
        if option.code in account.payment_options and option.takes(values['currency'])
        and option.allows(values['command']) and chosen in (None, '', option.code)
        and all(values.get(name) for name in option.required)
        and (not values.get('installments') or option.is_card)
    ]
