""" What a stranger may send to the routes, and how it is sent fast. """

import http.client
import itertools
import json
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from hypothesis import strategies as st

# Odoo leads those with a slash at the end to the same place.
ROUTES = (
    '/payment/aps/webhook', '/payment/aps/return', '/payment/aps/webhook/', '/payment/aps/return/',
)
FIELDS = (
    'merchant_reference', 'merchant_identifier', 'access_code', 'command', 'query_command',
    'amount', 'currency', 'status', 'response_code', 'signature', 'fort_id', 'payment_option',
    'token_name', 'language', 'maintenance_reference', 'captured_amount', 'transaction_status',
    'self', 'cr', 'db', 'csrf_token', 'debug', '__class__', '',
)
FORM, JSON = 'application/x-www-form-urlencoded', 'application/json'
CONTENT_TYPES = (
    FORM, JSON, 'text/plain', 'text/xml', 'multipart/form-data', 'multipart/form-data; boundary=x',
    'multipart/form-data; boundary=', f'{FORM}; charset=utf-7', f'{JSON}; charset=utf-16',
    f'{FORM}; charset=unknown', 'application/octet-stream', 'x', '',
)
PIECES = (
    b'&', b'=', b'%', b'%00', b'+', b';', b'"', b'\\', b'\\u0000', b'{', b'[' * 200, b']', b',',
    b':', b'null', b'1e999', b'-0', b'NaN', b'\0', b'\xff\xfe', b'\xf0\x9f', b'\r\n',
    b'\r\n--x\r\n', b'--', b'merchant_reference=', b'"signature":', b'status=14',
)


def make_bodies(references):
    """ Return the strategy of bodies that APS has not signed.

    :param list[str] references: The references of payments of the shop.
    :return: The strategy of pairs of a content type and a body.
    :rtype: SearchStrategy
    """
    value = st.one_of(
        st.sampled_from((
            *references, '14', '14000', '02000', 'PURCHASE', 'CHECK_STATUS', 'REFUND', '1000',
            'AED', '-1', '1e3', '00', '\0', "' OR 1=1 --", '%00', '{{7*7}}', '%(ref)s', '\ud800',
            'g' * 64, 'g' * 3000, '١٤', '\u202e',
        )),
        st.text(max_size=12),
    )
    name = st.one_of(st.sampled_from(FIELDS), st.text(max_size=6))
    fields = st.dictionaries(name, value, max_size=8)
    pairs = st.lists(st.tuples(name, value), max_size=8)
    scalar = st.none() | st.booleans() | st.integers() | st.floats() | value
    nested = st.recursive(
        scalar,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(name, inner, max_size=3),
        max_leaves=5,
    )
    return st.one_of(
        st.tuples(st.just(FORM), st.one_of(fields.map(dict.items), pairs).map(encode_form)),
        st.tuples(st.just(JSON), st.dictionaries(name, nested, max_size=6).map(encode_json)),
        st.tuples(st.just(JSON), nested.map(encode_json)),
        st.tuples(st.sampled_from(CONTENT_TYPES), fields.map(encode_multipart)),
        st.tuples(st.sampled_from(CONTENT_TYPES), st.binary(max_size=60)),
        st.tuples(st.sampled_from(CONTENT_TYPES), fields.map(dict.items).map(encode_form)),
    )


def vary(content_type, body, random):
    """ Return a body with a few of its bytes changed, and sometimes another content type.

    That is much faster than to make up another body.

    :param str content_type: The content type.
    :param bytes body: The body.
    :param random.Random random: What decides about the changes.
    :return: The content type and the body.
    :rtype: tuple[str, bytes]
    """
    body = bytearray(body)
    for _turn in range(random.randint(1, 4)):
        place, length = random.randrange(len(body) + 1), random.randint(1, 12)
        body[place:place + random.choice((0, 1, length))] = random.choice((
            b'', random.randbytes(1), random.choice(PIECES), bytes(body[place:place + length]) * 2,
        ))
    if random.random() < 0.1:
        content_type = random.choice(CONTENT_TYPES)
    return content_type, bytes(body)


def encode_form(pairs):
    """ Return the body of a form. """
    return urllib.parse.urlencode(list(pairs), errors='surrogatepass').encode()


def encode_json(value):
    """ Return a JSON body; it may hold what no standard allows, such as `NaN`. """
    return json.dumps(value).encode()


def encode_multipart(fields):
    """ Return a body in parts, of which one is a file. """
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append('--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n1\r\n--x--')
    return ''.join(parts).encode('utf-8', 'surrogatepass')


def mutate(message):
    """ Return the strategy of messages that differ from what APS signed, in a way that matters.

    The case of a signature and fields without value don't: such a message is authentic.

    :param dict message: The signed message.
    :return: The strategy.
    :rtype: SearchStrategy
    """
    signed_names = sorted(set(message) - {'signature'})
    name = st.sampled_from(sorted(message))
    # The access code stays in its place: elsewhere, the log would rightly show it.
    other_names = [name for name in signed_names if name != 'access_code']
    known_values = sorted({message[name] for name in other_names})
    values = st.text(min_size=1, max_size=20) | st.sampled_from(known_values)
    changes = (
        st.tuples(name, values).map(lambda change: {**message, change[0]: change[1]}),
        st.tuples(st.text(min_size=1, max_size=12), values).map(
            lambda field: {**message, field[0]: field[1]}
        ),
        name.map(lambda gone: {key: value for key, value in message.items() if key != gone}),
        st.permutations(other_names).map(lambda names: {
            **message, **dict(zip(other_names, map(message.get, names), strict=True)),
        }),
        # The text that is signed has no separators: two fields can be made to look like one, or
        # the end of a value like the beginning of the next name.
        st.sampled_from(signed_names[:-1]).map(lambda first: merge_fields(message, first)),
        st.tuples(st.sampled_from(signed_names[:-1]), st.integers(0, 40)).map(
            lambda cut: move_border(message, *cut)
        ),
    )

    def is_different(mutant):
        relevant = {key: value for key, value in mutant.items() if value}
        return {**relevant, 'signature': relevant.get('signature', '').lower()} != message

    return st.one_of(changes).filter(is_different)


def merge_fields(message, first):
    """ Return the message with a field made part of the one before it, which is signed alike. """
    names = sorted(set(message) - {'signature'})
    second = names[names.index(first) + 1]
    merged = {**message, first: f'{message[first]}{second}={message[second]}'}
    del merged[second]
    return merged


def move_border(message, first, place):
    """ Return the message with the end of a value put before the next name; it is signed alike. """
    names = sorted(set(message) - {'signature'})
    second = names[names.index(first) + 1]
    place %= len(message[first]) or 1
    moved = {**message, first: message[first][:place]}
    moved[message[first][place:] + second] = moved.pop(second)
    return moved


# What a stranger asks of APS, to cut its signed refusal into a success afterwards: the texts of the
# request, and the fields that the same text is cut into, with those of the answer to fill in.
REFUSAL_TRICKS = {
    # The real code and status end up in fields whose names end like theirs.
    'names': (
        {
            'order_description': 'x processor_',
            'return_url': 'https://e.example/?response_code=14000status=14transaction_',
        },
        {
            'order_description': 'x ', 'transaction_status': '{status}',
            'processor_response_code':
                '{response_code}response_message={response_message}return_url=https://e.example/?',
        },
    ),
    # They end up in halves of names, without any `=` in a value.
    'halves': (
        {
            'order_description': 'x',
            'settlement_reference': 'response_code=14000status=14token_name=',
        },
        {
            'order_description': 'xres', 'ponse_code': '{response_code}res',
            'ponse_message': '{response_message}settlement_', 'reference': '',
            'token_name': 'sta', 'tus': '{status}',
        },
    ),
}
# What gives the success a number.
NUMBER_TRICK = ({'customer_email': 'fort_id=1'}, {'customer_email': '', 'fort_id': '1'})


def cut_refusal(answer, echoes, cut):
    """ Return a success that has the same text as a signed refusal.

    :param dict answer: The refusal.
    :param dict echoes: The texts that the request was made with.
    :param dict cut: The fields to cut them into.
    :return: The fields, with the signature of the refusal.
    :rtype: dict
    """
    gone = {*echoes, 'status', 'response_code', 'response_message'}
    return {
        **{name: value for name, value in answer.items() if name not in gone},
        **{name: value.format_map(answer) for name, value in cut.items()},
        'status': '14', 'response_code': '14000',
    }


class Sender:
    """ A crowd of clients, each of which keeps its connection. """

    def __init__(self, urls, clients=8):
        """
        :param list[str] urls: The addresses of the servers.
        :param int clients: The number of clients.
        """
        self.hosts = [urllib.parse.urlsplit(url).netloc for url in urls]
        self.clients = clients
        self._local = threading.local()
        self._numbers = itertools.count()

    def send_all(self, requests):
        """ Send requests, many at a time.

        :param list[tuple] requests: The path, content type and body of each.
        :return: The statuses, in the same order; `None` where the server hung up.
        :rtype: list[int | None]
        """
        with ThreadPoolExecutor(self.clients) as pool:
            return list(pool.map(lambda request: self.send(*request), requests, chunksize=1))

    def send(self, path, content_type, body):
        """ Send a request on the connection of the thread.

        :param str path: The path.
        :param str content_type: The content type; none is sent if it is empty.
        :param bytes body: The body.
        :return: The status; `None` if the server hung up before it had read the body.
        :rtype: int | None
        """
        headers = {'Content-Type': content_type} if content_type else {}
        for _attempt in range(2):
            try:
                connection = self._get_connection()
                connection.request('POST', path, body, headers)
                response = connection.getresponse()
                response.read()
                return response.status
            except (http.client.HTTPException, OSError):  # Closed by the server meanwhile.
                self._local.connection = None
        return None

    def _get_connection(self):
        """ Return the connection of the thread. """
        connection = getattr(self._local, 'connection', None)
        if not connection:
            if not hasattr(self._local, 'host'):
                self._local.host = self.hosts[next(self._numbers) % len(self.hosts)]
            connection = http.client.HTTPConnection(self._local.host, timeout=60)
            self._local.connection = connection
        return connection
