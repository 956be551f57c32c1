""" An attacker who cuts a signed text into other fields.

Nothing here is taken from the addon: what is signed, and when it verifies, is written anew.
"""

import hashlib
import hmac
import itertools

PHRASE = 'phrase&1'
# What a message is decided by, in the order in which the fields are signed.
DECISIVE = (
    'amount', 'command', 'currency', 'fort_id', 'maintenance_reference', 'merchant_identifier',
    'merchant_reference', 'response_code', 'status', 'token_name',
)
# What an attacker likes a value to be followed by.
LENGTHS = {'status': 2, 'response_code': 5, 'currency': 3}
HASHES = {
    'sha256': lambda text: hashlib.sha256(text).hexdigest(),
    'sha512': lambda text: hashlib.sha512(text).hexdigest(),
    'hmac256': lambda text: hmac.new(PHRASE.encode(), text, hashlib.sha256).hexdigest(),
    'hmac512': lambda text: hmac.new(PHRASE.encode(), text, hashlib.sha512).hexdigest(),
}


def write_text(fields):
    """ Return the text of fields that is signed between two phrases. """
    return ''.join(name + '=' + fields[name] for name in sorted(fields))


def sign(fields, sha_type):
    """ Return the signature of fields. """
    return HASHES[sha_type]((PHRASE + write_text(fields) + PHRASE).encode())


def verifies(fields, signature, sha_type):
    """ Return whether a receiver who takes empty fields as signed or not accepts a signature. """
    told = {name: value for name, value in fields.items() if value}
    return signature in (sign(fields, sha_type), sign(told, sha_type))


def find_all(text, piece):
    """ Return all places of a piece in a text. """
    places, place = [], text.find(piece)
    while place >= 0:
        places.append(place)
        place = text.find(piece, place + 1)
    return places


def make_cuts(text, random, number):
    """ Return random other fields that have the same text, of which many look decisive.

    :param str text: What was signed, without the phrases.
    :param random.Random random: What decides.
    :param int number: How often to try.
    :return: The fields of each try that could be put in order; often fewer than were tried.
    :rtype: Iterator[dict]
    """
    places = {name: find_all(text, name + '=') for name in DECISIVE}
    for _try in range(number):
        fields = assemble(text, choose_anchors(places, random), random)
        if fields:
            yield fields


def choose_anchors(places, random):
    """ Return where which decisive fields are to begin, in ascending order. """
    anchors, end = [], 0
    for name in DECISIVE:
        possible = [place for place in places[name] if place >= end]
        wanted = 0.97 if name in ('status', 'response_code') else 0.85
        if possible and random.random() < wanted:
            place = random.choice(possible)
            anchors.append((place, name))
            end = place + len(name) + 1
    return anchors


def assemble(text, anchors, random):
    """ Return fields of a text of which some begin at given places; `None` if it can't be cut so.

    :param str text: The text.
    :param list[tuple] anchors: The places and names of fields.
    :param random.Random random: What decides about the rest.
    :rtype: dict | None
    """
    ends = [*(place for place, _name in anchors[1:]), len(text)]
    pairs = cut_filler(text[:anchors[0][0]], random) if anchors else None
    if pairs is None:
        return None
    for (place, name), end in zip(anchors, ends, strict=True):
        begin = place + len(name) + 1
        border = choose_border(text, name, begin, end, random)
        pairs.append((name, text[begin:border]))
        filler = cut_filler(text[border:end], random)
        if filler is None:
            return None
        pairs += filler
    names = [name for name, _value in pairs]
    return dict(pairs) if names == sorted(set(names)) else None


def choose_border(text, name, begin, end, random):
    """ Return where a value ends: as it should, where the next field begins, or anywhere. """
    choice = random.random()
    if choice < 0.5:
        border = begin + LENGTHS.get(name, 0)
        if name not in LENGTHS:
            kind = str.isdigit if name in ('amount', 'fort_id') else str.isupper
            while border < end and (kind(text[border]) or text[border] == '_'):
                border += 1
        if border <= end and (border == end or '=' in text[border:end]):
            return border
    if choice < 0.75:
        return end
    last = text.rfind('=', begin, end)
    return random.randint(begin, last) if last > begin else end


def cut_filler(text, random):
    """ Return the fields of a text between two others: one, or as many as possible, or some.

    Names may hold anything, `=` too. Whether they are in order is not looked at.

    :param str text: The text; there is no field if it is empty.
    :param random.Random random: What decides.
    :return: The names and values; `None` if there is no `=`.
    :rtype: list[tuple] | None
    """
    if not text:
        return []
    signs = find_all(text, '=')
    if not signs:
        return None
    share = random.choice((0, 0, 0.3, 0.7, 1))
    separators = [sign for sign in signs if random.random() < share] or [random.choice(signs[:3])]
    starts = [0]
    for former, following in itertools.pairwise(separators):
        starts.append(choose_start(text, former + 1, following, random))
    ends = [*starts[1:], len(text)]
    return [
        (text[start:sign], text[sign + 1:end])
        for start, sign, end in zip(starts, separators, ends, strict=True)
    ]


def choose_start(text, begin, end, random):
    """ Return where a name begins: where a plain one does, or anywhere. """
    start = end
    while start > begin and (text[start - 1].islower() or text[start - 1] == '_'):
        start -= 1
    return start if random.random() < 0.5 else random.randint(begin, end)


def list_all_cuts(text, name=None, begin=0):
    """ Return all fields whatsoever that have the same text.

    :param str text: What was signed.
    :param str|None name: The name before, which the next one must follow, if any.
    :param int begin: Where the next name begins.
    :return: The names and values.
    :rtype: Iterator[list[tuple]]
    """
    for sign in find_all(text[begin:], '='):
        next_name = text[begin:begin + sign]
        if name is not None and next_name <= name:
            continue
        value_begin = begin + sign + 1
        yield [(next_name, text[value_begin:])]
        # The next name needs an `=` of its own.
        for end in range(value_begin, text.rfind('=') + 1):
            value = text[value_begin:end]
            for rest in list_all_cuts(text, next_name, end):
                yield [(next_name, value), *rest]
