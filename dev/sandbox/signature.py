""" Signatures as APS documents them (protocol reference, section 3). Pure functions. """

import hashlib
import hmac

HASHES = {
    'sha1': hashlib.sha1,
    'sha256': hashlib.sha256,
    'sha512': hashlib.sha512,
}
HMAC_HASHES = {
    'hmac256': hashlib.sha256,
    'hmac512': hashlib.sha512,
}
SHA_TYPES = (*HASHES, *HMAC_HASHES)


def text_of(value):
    """ Return the text form of a value inside the string to hash (section 3.5).

    :param value: A text, number, boolean, list or object, as decoded from a form or from JSON.
    :return: The text that is hashed.
    :rtype: str
    """
    if isinstance(value, dict):
        pairs = ', '.join(f'{key}={text_of(inner)}' for key, inner in value.items())
        return '{' + pairs + '}'
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(text_of(inner) for inner in value) + ']'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return str(value)


def canonical_string(fields, phrase):
    """ Return the exact text that is hashed: the phrase, the sorted fields, the phrase.

    Fields are ordered by name alone, byte by byte; `signature` and absent values are left out,
    empty ones stay.

    :param dict fields: The fields of the message.
    :param str phrase: The phrase of the message's direction.
    :return: The text to hash.
    :rtype: str
    """
    names = sorted(name for name in fields if name != 'signature' and fields[name] is not None)
    pieces = ''.join(f'{name}={text_of(fields[name])}' for name in names)
    return f'{phrase}{pieces}{phrase}'


def compute(fields, phrase, sha_type='sha256'):
    """ Return the signature of a message.

    :param dict fields: The fields of the message; a `signature` among them is ignored.
    :param str phrase: The phrase of the message's direction.
    :param str sha_type: One of `SHA_TYPES`.
    :return: The signature, in lower-case hexadecimal digits.
    :rtype: str
    :raise ValueError: If the SHA type is unknown.
    """
    message = canonical_string(fields, phrase).encode()
    if sha_type in HASHES:
        return HASHES[sha_type](message).hexdigest()
    if sha_type in HMAC_HASHES:
        return hmac.new(phrase.encode(), message, HMAC_HASHES[sha_type]).hexdigest()
    raise ValueError(f'unknown SHA type: {sha_type}')


def is_valid(fields, phrase, sha_type='sha256'):
    """ Tell whether a message carries the signature of its own fields.

    :param dict fields: The fields of the message, `signature` included.
    :param str phrase: The phrase of the message's direction.
    :param str sha_type: One of `SHA_TYPES`.
    :return: Whether the signature is there and right; case does not matter.
    :rtype: bool
    """
    received = fields.get('signature')
    if not phrase or not received or not isinstance(received, str):
        return False
    expected = compute(fields, phrase, sha_type)
    return hmac.compare_digest(received.lower().encode(), expected.encode())
