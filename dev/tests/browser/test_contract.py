""" The command `dev/contract`, and its shopper on pages that nobody here has seen. """

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from workbench.contract.page import Unmeasured, Visit
from workbench.system import DEV

ORIGIN = 'https://shop.example.com'
CARD_PAGE = """
    <form method="post" action="/bank">
      <label>Holder <input id="cardHolderInput"/></label> <input id="cardNoInput"/>
      <input name="expiryDate" placeholder="MM/YY"/> <input id="cardCvvInput" type="password"/>
      <input type="hidden" name="return_url" value="{url}"/>
      <button type="submit">Pay now</button>
    </form>"""
BANK_PAGE = """
    <form method="post" action="/done"><select><option>Authenticated</option></select>
      <input type="hidden" name="return_url" value="{url}"/>
      <input type="hidden" name="card" value="{card}"/>
      <input type="submit" value="Submit"/>
    </form>"""
WAY_BACK = """
    <form method="post" action="{url}" accept-charset="UTF-8">
      <input type="hidden" name="response_message" value="نجاح &amp; +"/>
      <input type="hidden" name="phone_number" value=""/>
      <input type="hidden" name="card_number" value="{card}"/>
    </form><script>document.forms[0].submit()</script>"""


class ForeignPage(BaseHTTPRequestHandler):
    """ A payment page with fields of other names, and a bank behind it. """

    def do_POST(self):
        """ Answer the steps of a payment. """
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        fields = {name: values[0] for name, values in parse_qs(body).items()}
        page = {
            '/FortAPI/paymentPage': CARD_PAGE, '/bank': BANK_PAGE, '/done': WAY_BACK,
            '/error': "Signature mismatch",
            '/strange': "<input id='pin'/><button name='go'>Go</button>",
        }[self.path]
        text = page.format(url=fields.get('return_url'), card=fields.get('card', '400555'))
        self.send_response(200)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args):
        """ Stay silent. """


@pytest.fixture
def foreign_page():
    """ The address of a server with such a page. """
    server = ThreadingHTTPServer(('127.0.0.1', 0), ForeignPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()


def visit(browser, url, path='/FortAPI/paymentPage', action='pay'):
    """ Send a shopper to a page. """
    one = Visit(browser, ORIGIN, url + path, patience=3)
    return one.run({'return_url': one.return_url}, {'action': action, 'card': 'Visa'})


def test_shopper_finds_the_way_on_another_page(browser, foreign_page):
    """ Test that a card is entered, the bank satisfied, and the return read as it is. """
    way, fields = visit(browser, foreign_page)

    assert way == 'POST application/x-www-form-urlencoded'
    assert fields == {
        'response_message': 'نجاح & +', 'phone_number': '', 'card_number': '400555',
    }


@pytest.mark.parametrize(('action', 'missing'), [
    ('pay', 'the part "number"'), ('look', 'what tells a payment page'),
])
def test_shopper_who_is_lost_says_what_is_seen(browser, foreign_page, action, missing):
    """ Test that the names of the fields are told, so that the script can be taught. """
    with pytest.raises(Unmeasured, match=rf"127.0.0.1 \(HTTP 200\).*{missing}.*it has pin, go"):
        visit(browser, foreign_page, '/strange', action)


@pytest.mark.parametrize(('path', 'way'), [
    ('/FortAPI/paymentPage', "the payment page opens"), ('/error', "a page of APS, HTTP 200"),
])
def test_shopper_tells_a_payment_page_from_an_error(browser, foreign_page, path, way):
    """ Test what is seen without paying. """
    assert visit(browser, foreign_page, path, 'look') == (way, None)


def test_command_asks_the_sandbox():
    """ Test the command itself, from its arguments to its last line. """
    result = subprocess.run(
        [sys.executable, DEV / 'contract', '--until', 'duplicate'], capture_output=True, text=True,
        timeout=300,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "It confirms nothing about APS." in result.stdout
    assert "0 of them not as expected; 0 of 15 steps not measured" in result.stdout
