""" How messages are signed, and recognized. """

import dataclasses
import hashlib
import hmac

from . import const
from .errors import APSNotConfigured


def build_signing_string(data, phrase):
    """ Return the text that APS hashes to sign the data.

    The fields are sorted by name, in ordinal order, and joined without separator between two
    occurrences of the phrase.
    See https://paymentservices-reference.payfort.com/docs/api/build/index.html#signature.

    :param dict data: The fields of the message. `signature` and fields without value (`None`) are
                      left out.
    :param str phrase: The SHA request or response phrase.
    :return: The text to hash.
    :rtype: str
    """
    pieces = ''.join(f'{name}={value}' for name, value in sorted(get_signed_fields(data).items()))
    return f'{phrase}{pieces}{phrase}'


def get_signed_fields(data):
    """ Return the fields that enter the signature, as texts.

    :param dict data: The fields of the message.
    :return: The texts by name; without `signature` and fields without value (`None`).
    :rtype: dict
    """
    return {
        name: format_value(value) for name, value in data.items()
        if name != 'signature' and value is not None
    }


def compute_signature(data, phrase, sha_type):
    """ Return the signature of the data.

    :param dict data: The fields of the message.
    :param str phrase: The SHA request or response phrase. It must not be empty: a signature made
                       without secret proves nothing.
    :param str sha_type: One of `const.SHA_TYPES`.
    :return: The signature, in lower case hexadecimal digits.
    :rtype: str
    :raise ValueError: If the phrase is empty.
    """
    if not phrase:
        raise ValueError("The SHA phrase is empty.")
    return hash_signing_string(build_signing_string(data, phrase), phrase, sha_type)


def hash_signing_string(text, phrase, sha_type):
    """ Return the hash of the text that is signed.

    :param str text: The text, which holds the phrase.
    :param str phrase: The SHA request or response phrase.
    :param str sha_type: One of `const.SHA_TYPES`.
    :return: The hash, in lower case hexadecimal digits.
    :rtype: str
    """
    # Lone surrogates can be smuggled in by JSON escapes; they must not make the encoding fail.
    text = text.encode('utf-8', 'surrogatepass')
    algorithm = hashlib.sha512 if sha_type.endswith('512') else hashlib.sha256
    if sha_type.startswith('hmac'):
        return hmac.new(phrase.encode(), text, algorithm).hexdigest()
    return algorithm(text).hexdigest()


def verify_signature(data, phrase, sha_type):
    """ Return whether the message was signed with the phrase.

    Sources disagree whether APS signs fields that have no value, so both forms are accepted.
    Neither can be produced without the phrase.

    :param dict data: The fields of the message, exactly as they were received.
    :param str phrase: The SHA response phrase.
    :param str sha_type: One of `const.SHA_TYPES`.
    :return: Whether the signature is right. It never is if there is no phrase.
    :rtype: bool
    """
    received = data.get('signature')
    if not phrase or not isinstance(received, str) or not received.isascii():
        return False
    received = received.lower().encode()
    without_empties = {name: value for name, value in data.items() if value != ''}
    variants = [data, without_empties] if '' in data.values() else [data]
    matches = [  # All variants are computed, so that the time tells nothing.
        hmac.compare_digest(received, compute_signature(variant, phrase, sha_type).encode())
        for variant in variants
    ]
    return any(matches)


def format_value(value):
    """ Return the text form of a value, as it enters the signature.

    :param value: The value, as decoded from the message.
    :return: The text form: `{k=v, k=v}` for objects, `[a, b]` for lists.
    :rtype: str
    """
    if isinstance(value, dict):
        items = ', '.join(
            f'{key}={"" if item is None else format_value(item)}' for key, item in value.items()
        )
        return f'{{{items}}}'
    if isinstance(value, (list, tuple)):
        return f'[{", ".join(format_value(item) for item in value)}]'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return str(value)


@dataclasses.dataclass(frozen=True)
class Account:
    """ A merchant account: all that messages are signed and recognized with.

    When it is printed, e.g., in a log, nothing of it is told but what is no secret.
    """

    name: str  # That of the provider.
    environment: str  # Its state: `enabled` is the live one.
    merchant_identifier: str = dataclasses.field(repr=False)
    access_code: str = dataclasses.field(repr=False)
    request_phrase: str = dataclasses.field(repr=False)
    response_phrase: str = dataclasses.field(repr=False)
    sha_type: str = const.DEFAULT_SHA_TYPE

    @property
    def identity(self):
        """ The fields of a request that tell who sends it. """
        return {
            'access_code': self.access_code, 'merchant_identifier': self.merchant_identifier,
        }

    @property
    def digest(self):
        """ A text that is the same for the same account in the same environment only.

        It is kept with payments, whose readers may not know the identifier.
        """
        name = f'{self.environment} {self.merchant_identifier}'
        return hashlib.sha256(name.encode()).hexdigest()[:16]

    def sign(self, fields):
        """ Return a request with its signature, and nothing else added.

        :param dict fields: The fields of the request.
        :return: The signed fields.
        :rtype: dict
        :raise APSNotConfigured: If there is no request phrase.
        """
        if not self.request_phrase:
            raise APSNotConfigured("the SHA request phrase is missing")
        signature = compute_signature(fields, self.request_phrase, self.sha_type)
        return {**fields, 'signature': signature}

    def recognizes(self, message):
        """ Return whether a message was signed by APS for this account.

        :param dict message: The message, exactly as received.
        :return: Whether the signature is right. It never is if the response phrase is missing.
        :rtype: bool
        """
        return verify_signature(message, self.response_phrase, self.sha_type)
