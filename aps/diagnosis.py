""" Why a message can't be authenticated, as far as can be told. """

import dataclasses
import hashlib
import itertools
import re

from . import const
from .masking import shorten
from .signature import build_signing_string, verify_signature

# A larger message is not examined: each attempt hashes all of it, and there is one for each field.
MAX_SIZE = 20_000
MAX_FIELDS = 100
# What advertisements and statistics add to the address that a browser returns to.
TRACKING_FIELDS = re.compile(r'utm_\w+|[a-z]*clid|gad_source|mc_[ce]id|_ga|_gl|website_id|lang')
SPACES = ('', ' ', '\t', '\n', '\r\n')
# Every shopper receives a text together with its hash, so a short phrase can be guessed at home.
MIN_PHRASE_LENGTH = 16
# Not one of `const.SHA_TYPES`, since it is not safe any more.
SHA_128 = 'sha128'


def find_flaw(message, account, other_accounts=()):
    """ Return what is wrong with a message that is not authentic.

    :param dict message: The message, which was refused.
    :param Account account: The account that should have signed the message.
    :param list[Account] other_accounts: The other accounts of the database.
    :return: The finding, a value of `finding` of `payment.aps.refusal`, and a detail, such as the
             name of a field or of a provider, never a secret.
    :rtype: tuple[str, str]
    """
    size = sum(len(name) + len(str(value)) for name, value in message.items())
    is_signed = isinstance(message.get('signature'), str)
    if not is_signed or len(message) > MAX_FIELDS or size > MAX_SIZE:
        return 'signature', ''
    return (
        find_change(message, account)
        or find_other_account(message, account, other_accounts)
        or ('signature', '')
    )


def find_change(message, account):
    """ Return what was changed of an authentic message on its way.

    :param dict message: The message, which the account doesn't recognize as it is.
    :param Account account: The account.
    :return: The finding, and the names of the fields that were added, if any.
    :rtype: tuple[str, str] | None
    """
    stripped = {
        name: value.strip() if isinstance(value, str) else value for name, value in message.items()
    }
    if account.recognizes(stripped):
        return 'changed', ''
    tracking = [name for name in message if TRACKING_FIELDS.fullmatch(name)]
    for names in (tracking, *([name] for name in message)):
        rest = {name: value for name, value in message.items() if name not in names}
        if account.recognizes(rest):
            return 'changed', ', '.join(shorten(name, 32) for name in names[:5])
    return None


def find_other_account(message, account, other_accounts):
    """ Return to which other account a message belongs.

    :param dict message: The message.
    :param Account account: The account that should have signed the message.
    :param list[Account] other_accounts: The other accounts of the database.
    :return: The finding, and the name of the other provider if there is one.
    :rtype: tuple[str, str] | None
    """
    for other in other_accounts:
        if other.recognizes(message):
            return 'account', other.name
    if message.get('merchant_identifier') != account.merchant_identifier:
        return 'account', ''
    return None


def find_signer(message, account):
    """ Return with which phrase of the account, and which SHA type, a message was signed.

    :param dict message: The message.
    :param Account account: The account, as configured.
    :return: `response` or `request`, or `response_space` if white space belongs to the phrase; and
             the SHA type. `None` if no setting explains the signature.
    :rtype: tuple[str, str] | None
    """
    for kind, phrase in (
        ('response', account.response_phrase), ('request', account.request_phrase)
    ):
        for sha_type, _label in const.SHA_TYPES:
            if verify_signature(message, phrase, sha_type):
                return kind, sha_type
        if is_signed_with_sha_128(message, phrase):
            return kind, SHA_128
    for before, after in itertools.product(SPACES, repeat=2):
        phrase = f'{before}{account.response_phrase}{after}'
        if verify_signature(message, phrase, account.sha_type):
            return 'response_space', account.sha_type
    return None


def is_signed_with_sha_128(message, phrase):
    """ Return whether a message was signed with the oldest SHA type, which proves nothing.

    :param dict message: The message.
    :param str phrase: The phrase.
    :return: Whether it was.
    :rtype: bool
    """
    text = build_signing_string(message, phrase).encode('utf-8', 'surrogatepass')
    return str(message.get('signature')).lower() == hashlib.sha1(text).hexdigest()


def list_candidates(account):
    """ Return the accounts that APS may take requests of, if it doesn't take those of `account`.

    :param Account account: The account, as configured.
    :return: What is the request phrase then, `request`, `response`, or `request_space` if white
             space belongs to it; and the account.
    :rtype: list[tuple[str, Account]]
    """
    phrase = account.request_phrase
    phrases = {phrase: 'request'}
    phrases.setdefault(account.response_phrase, 'response')  # Which may be the same one.
    candidates = [
        (kind, dataclasses.replace(account, request_phrase=candidate, sha_type=sha_type))
        for candidate, kind in phrases.items() for sha_type, _label in const.SHA_TYPES
    ]
    candidates += [
        ('request_space', dataclasses.replace(account, request_phrase=candidate))
        for candidate in (f'{phrase} ', f' {phrase}')
    ]
    return [(kind, candidate) for kind, candidate in candidates if candidate != account]


def find_wrong_settings(account, accepted, signer, is_signed=True):
    """ Return which of the phrases and the SHA type are wrong.

    :param Account account: The account, as configured.
    :param tuple|None accepted: What APS takes for the request phrase (see `list_candidates`), and
                                the SHA type; `None` if it takes nothing that was tried.
    :param tuple|None signer: What APS signs with; see `find_signer`.
    :param bool is_signed: Whether the answer of APS has a signature at all.
    :return: What is wrong, and the SHA type that it is about, if any.
    :rtype: list[tuple[str, str]]
    """
    if signer and signer[1] == SHA_128:
        return [('sha_128', '')]
    is_double = account.request_phrase == account.response_phrase
    accepted_kind, sha_type = accepted or (None, account.sha_type)
    signer_kind, signer_sha_type = signer or (None, None)
    is_swapped = accepted_kind == 'response' != signer_kind
    is_double_at_aps = not is_double and accepted_kind == signer_kind is not None
    flaws = {
        ('request_double', ''): not accepted and is_double and signer,
        ('request', ''): not accepted and not (is_double and signer),
        ('request_space', ''): accepted_kind == 'request_space',
        ('swapped', sha_type): is_swapped,
        ('sha_type', sha_type): not is_swapped and sha_type != account.sha_type,
        ('double_at_aps', ''): is_double_at_aps,
        ('response_double', ''): is_signed and not signer and accepted and is_double,
        ('response', ''): is_signed and not signer and not (accepted and is_double),
        ('response_space', ''): signer_kind == 'response_space',
        ('response_sha_type', signer_sha_type):
            signer_kind == 'response' and signer_sha_type != sha_type,
        ('response_is_request', ''):
            signer_kind == 'request' and not is_swapped and not is_double_at_aps,
    }
    return [flaw for flaw, is_found in flaws.items() if is_found]


def find_remedy(flaws):
    """ Return what can be put right here without typing anything.

    :param list[tuple] flaws: What is wrong; see `find_wrong_settings`.
    :return: `swapped` if the two phrases are, or the SHA type that APS takes; `None` if there is
             no such remedy.
    :rtype: str | None
    """
    if 'swapped' in dict(flaws):
        return 'swapped'
    sha_types = {sha_type for flaw, sha_type in flaws if flaw in ('sha_type', 'response_sha_type')}
    return sha_types.pop() if len(sha_types) == 1 else None


def apply_remedy(account, remedy):
    """ Return an account that is put right.

    :param Account account: The account, as configured.
    :param str|None remedy: What is to be put right; see `find_remedy`. Anything else is no remedy.
    :return: The account to configure.
    :rtype: Account
    """
    if remedy == 'swapped':
        return dataclasses.replace(
            account,
            request_phrase=account.response_phrase,
            response_phrase=account.request_phrase,
        )
    if remedy in dict(const.SHA_TYPES):
        return dataclasses.replace(account, sha_type=remedy)
    return account


def find_weaknesses(request_phrase, response_phrase):
    """ Return what is weak about two phrases, which APS takes all the same.

    :param str request_phrase: The SHA request phrase.
    :param str response_phrase: The SHA response phrase.
    :return: Of `equal`, `short_request` and `short_response` those that hold.
    :rtype: list[str]
    """
    weaknesses = {
        'equal': request_phrase == response_phrase,
        'short_request': len(request_phrase) < MIN_PHRASE_LENGTH,
        'short_response': len(response_phrase) < MIN_PHRASE_LENGTH,
    }
    return [name for name, is_weak in weaknesses.items() if is_weak]
