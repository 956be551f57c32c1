""" APS's live host, as Odoo finds it in tests: a tunnel that ends at the sandbox.

An enabled provider asks no other host than that of APS, whatever the settings say. So Odoo is given
the usual variables of a machine behind a proxy, and nothing but a certificate to trust. As long as
no test opens the host, it can't be reached, and neither can any other host by https.
"""

import http.client
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from .system import find_free_port, run

HOST = 'paymentservices.payfort.com'
# Of several spellings, this one of the former wins.
PROXY, CERTIFICATE = 'https_proxy', 'REQUESTS_CA_BUNDLE'


def make_live_host(folder):
    """ Make what Odoo needs to find the host.

    :param Path folder: The folder for the certificate.
    :return: The variables of its environment.
    :rtype: dict
    """
    certificate = folder / 'live-host.pem'
    run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
         '-subj', f'/CN={HOST}', '-addext', f'subjectAltName=DNS:{HOST}',
         '-keyout', certificate, '-out', certificate],
        what="Making a certificate",
    )
    return {
        PROXY: f'http://127.0.0.1:{find_free_port()}',
        CERTIFICATE: str(certificate),
        'no_proxy': '127.0.0.1,localhost',  # Hosts that tests make themselves are met directly.
    }


@contextmanager
def open_live_host(proxy, certificate, sandbox_url):
    """ Have the host answer as the sandbox does.

    :param str proxy: The address of the proxy, of `make_live_host`.
    :param str certificate: The file with key and certificate.
    :param str sandbox_url: The address of the sandbox.
    :return: None
    """
    address = ('127.0.0.1', urlsplit(proxy).port)
    with ThreadingHTTPServer(address, Tunnel) as server:
        server.daemon_threads = True
        server.sandbox = urlsplit(sandbox_url).netloc
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(certificate)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class Tunnel(BaseHTTPRequestHandler):
    """ A connection by way of the proxy: first to it, then through it. """

    protocol_version = 'HTTP/1.1'

    def do_CONNECT(self):
        """ Let a client through to the host, which then proves who it is. """
        if self.path != f'{HOST}:443':
            self.send_error(403)
            return
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile('rb')
        self.wfile = self.connection.makefile('wb', buffering=0)
        self.close_connection = False

    def do_POST(self):
        """ Hand a request on to the sandbox, and its answer back; once for each connection. """
        body = self.rfile.read(int(self.headers['Content-Length']))
        sandbox = http.client.HTTPConnection(self.server.sandbox, timeout=60)
        sandbox.request('POST', self.path, body, {'Content-Type': self.headers['Content-Type']})
        answer = sandbox.getresponse()
        text = answer.read()
        sandbox.close()
        self.send_response(answer.status)
        self.send_header('Content-Type', answer.headers['Content-Type'])
        self.send_header('Content-Length', str(len(text)))
        self.send_header('Connection', 'close')  # Else Odoo would keep the tunnel.
        self.end_headers()
        self.wfile.write(text)

    def finish(self):
        """ Close the encrypted connection as well. """
        super().finish()
        self.connection.close()

    def log_message(self, format, *args):
        """ Say nothing of each request. """
