""" Bodies that come in chunks, so that their length is not announced. """

import json
import socket
import urllib.parse

import pytest

FORM, JSON = 'application/x-www-form-urlencoded', 'application/json'
MEGABYTE = 1024 ** 2


def send_chunks(url, path, content_type, chunks):
    """ Post raw chunks, and return the status of the response. """
    address = urllib.parse.urlsplit(url)
    head = (
        f'POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {content_type}\r\n'
        'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
    )
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.encode() + chunks)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile('rb') as response:
            return int(response.readline().split()[1])


def encode_chunks(body, size):
    """ Return a body in chunks of some size. """
    pieces = [body[index:index + size] for index in range(0, len(body), size)]
    return b''.join(b'%x\r\n%s\r\n' % (len(piece), piece) for piece in [*pieces, b''])


@pytest.mark.parametrize('content_type', [FORM, JSON])
def test_message_in_chunks_is_taken(shop, make_payments, content_type):
    for size in (7, 100_000):
        [message] = make_payments('CHUNKS', 1)
        body = urllib.parse.urlencode(message) if content_type == FORM else json.dumps(message)
        chunks = encode_chunks(body.encode(), size)
        assert send_chunks(shop.url, '/payment/aps/webhook', content_type, chunks) == 200
        assert shop.read_transaction(message['merchant_reference']).state == 'done'


@pytest.mark.parametrize('content_type', [FORM, JSON])
def test_malformed_chunks_are_no_error_of_the_server(shop, content_type):
    for chunks in (
        b'zz\r\nabc\r\n', b'5\r\nab', b'-1\r\n\r\n', b'\r\n', b'3\r\nabcdef\r\n0\r\n', b'',
    ):
        for path, statuses in (
            ('/payment/aps/webhook', (400, 403)), ('/payment/aps/return', (303,)),
        ):
            assert send_chunks(shop.url, path, content_type, chunks) in statuses, chunks


@pytest.mark.parametrize('content_type', [FORM, JSON])
def test_flood_in_chunks_is_refused(shop, content_type):
    """ In 17.0, werkzeug reads all of it, as on every page of Odoo; in 19.0, no more than fits. """
    chunks = encode_chunks(b'x' * 5 * MEGABYTE, 2 ** 16)
    assert send_chunks(shop.url, '/payment/aps/webhook', content_type, chunks) in (400, 403)
