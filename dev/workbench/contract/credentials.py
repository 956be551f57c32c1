""" The account that the environment names, if it names one. Nothing here prints or stores it. """

import re

from ..sandbox_process import CREDENTIALS
from ..system import Failure

# The variables by the field of the provider's form in Odoo that holds the same.
VARIABLES = {
    'aps_merchant_identifier': 'APS_MERCHANT_IDENTIFIER',
    'aps_access_code': 'APS_ACCESS_CODE',
    'aps_sha_request': 'APS_SHA_REQUEST',
    'aps_sha_response': 'APS_SHA_RESPONSE',
}
SHA_TYPE_VARIABLE = 'APS_SHA_TYPE'
SHA_TYPES = ('sha256', 'sha512', 'hmac256', 'hmac512')
CURRENCY_VARIABLE = 'APS_CURRENCY'
DEFAULT_CURRENCY = 'AED'


def has_account(environment):
    """ Return whether the environment names an account, at least in part.

    :param dict environment: The variables.
    :rtype: bool
    """
    return any(environment.get(name) for name in (*VARIABLES.values(), SHA_TYPE_VARIABLE))


def check_account(environment):
    """ Check that the environment names a whole account.

    :param dict environment: The variables.
    :return: None
    :raise Failure: If something is missing, or can't be right. No value is told.
    """
    missing = [name for name in VARIABLES.values() if not environment.get(name)]
    if missing:
        raise Failure(
            f"The environment names a part of an account only: {', '.join(missing)} is missing. "
            "Set all of them, or none to have dev/sandbox play APS."
        )
    if environment.get(SHA_TYPE_VARIABLE, SHA_TYPES[0]) not in SHA_TYPES:
        raise Failure(f"{SHA_TYPE_VARIABLE} must be one of {', '.join(SHA_TYPES)}.")
    for name in ('aps_merchant_identifier', 'aps_access_code'):
        if not re.fullmatch(r'[A-Za-z0-9]{1,20}', environment[VARIABLES[name]]):
            raise Failure(f"{VARIABLES[name]} must be made of 1 to 20 letters and digits.")


def read_currency(environment):
    """ Return the currency of the payments.

    :param dict environment: The variables.
    :return: Its ISO 4217 code.
    :rtype: str
    :raise Failure: If it can't be one.
    """
    currency = environment.get(CURRENCY_VARIABLE) or DEFAULT_CURRENCY
    if not re.fullmatch('[A-Z]{3}', currency):
        raise Failure(f"{CURRENCY_VARIABLE} must be the code of a currency, such as SAR.")
    return currency


def describe_sandbox():
    """ Return the variables that name the account of dev/sandbox.

    :rtype: dict
    """
    return {
        **{variable: CREDENTIALS[field] for field, variable in VARIABLES.items()},
        SHA_TYPE_VARIABLE: CREDENTIALS['aps_sha_type'],
    }
