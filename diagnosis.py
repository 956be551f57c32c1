""" Why a message can't be authenticated, as far as can be told. None of it needs a database. """

import hashlib
import itertools
import re
from collections import namedtuple

from . import const
from . import utils as aps_utils

# What a message is authenticated with. `name` is that of the provider.
Account = namedtuple('Account', 'name merchant_identifier request_phrase response_phrase sha_type')

# A larger message is not examined: each attempt hashes all of it, and there is one for each field.
MAX_SIZE = 20_000
MAX_FIELDS = 100
# What advertisements and statistics add to the address that a browser returns to.
TRACKING_FIELDS = re.compile(r'utm_\w+|[a-z]*clid|gad_source|mc_[ce]id|_ga|_gl|website_id|lang')
SPACES = ('', ' ', '\t', '\n', '\r\n')


def find_flaw(message, account, other_accounts=()):
    """ Return what is wrong with the signature of a message.

    :param dict message: The message, which was refused.
    :param Account account: The account that should have signed the message.
    :param list[Account] other_accounts: The other accounts of the database.
    :return: The finding, a value of `finding` of `payment.aps.refusal`, and a detail, such as the
             name of a field or of a SHA type, never a secret.
    :rtype: tuple[str, str]
    """
    if not message.get('signature') or not isinstance(message['signature'], str):
        return 'no_signature', ''
    if not account.response_phrase:
        return 'no_phrase', ''
    size = sum(len(name) + len(str(value)) for name, value in message.items())
    if len(message) > MAX_FIELDS or size > MAX_SIZE:
        return 'signature', ''
    return (
        find_other_setting(message, account)
        or find_change(message, account)
        or find_other_account(message, account, other_accounts)
        or ('signature', '')
    )


def find_other_setting(message, account):
    """ Return with which other setting of the account a message would be authentic.

    :param dict message: The message.
    :param Account account: The account.
    :return: The finding and its detail, if any.
    :rtype: tuple[str, str] | None
    """
    sha_types = dict(const.SHA_TYPES)
    for phrase, finding in (
        (account.response_phrase, 'sha_type'), (account.request_phrase, 'request_phrase')
    ):
        for sha_type, label in sha_types.items():
            if aps_utils.verify_signature(message, phrase, sha_type):
                return finding, label
    for before, after in itertools.product(SPACES, repeat=2):
        phrase = f'{before}{account.response_phrase}{after}'
        if aps_utils.verify_signature(message, phrase, account.sha_type):
            return 'phrase_space', ''
    # What follows is no check, so it doesn't matter how long the comparisons take.
    signature = message['signature'].lower()
    text = aps_utils.build_signing_string(message, account.response_phrase)
    if signature == hashlib.sha1(text.encode('utf-8', 'surrogatepass')).hexdigest():
        return 'sha_128', ''
    text = aps_utils.build_signing_string(message, '')
    for sha_type, label in sha_types.items():
        if signature == aps_utils.hash_signing_string(text, '', sha_type):
            return 'without_phrase', label
    return None


def find_change(message, account):
    """ Return what was changed of an authentic message on its way.

    :param dict message: The message.
    :param Account account: The account.
    :return: The finding and its detail, if any.
    :rtype: tuple[str, str] | None
    """
    def is_authentic(variant):
        return aps_utils.verify_signature(variant, account.response_phrase, account.sha_type)

    stripped = {
        name: value.strip() if isinstance(value, str) else value for name, value in message.items()
    }
    if stripped != message and is_authentic(stripped):
        return 'value_space', ''
    tracking = [name for name in message if TRACKING_FIELDS.fullmatch(name)]
    for names in (tracking, *([name] for name in message)):
        rest = {name: value for name, value in message.items() if name not in names}
        if names and 'signature' in rest and is_authentic(rest):
            return 'extra_fields', ', '.join(aps_utils.shorten(name, 32) for name in names[:5])
    return None


def find_other_account(message, account, other_accounts):
    """ Return to which other account a message belongs.

    :param dict message: The message.
    :param Account account: The account that should have signed the message.
    :param list[Account] other_accounts: The other accounts of the database.
    :return: The finding and its detail, if any.
    :rtype: tuple[str, str] | None
    """
    for other in other_accounts:
        if aps_utils.verify_signature(message, other.response_phrase, other.sha_type):
            return 'other_provider', other.name
    if message.get('merchant_identifier') != account.merchant_identifier:
        return 'other_merchant', ''
    return None
