""" What a shopper does on the payment page, of APS or of the sandbox, and where they return to.

The shop is played in the browser itself: it answers the two addresses of the shop before a request
leaves it. One holds the form that the shopper posts to APS; the other one takes what APS has the
browser bring back. So nothing has to reach this machine, and the addresses can be those of a shop.

Nobody here has seen the page of APS. The script looks for its fields by what such fields are called
everywhere, and says so if it doesn't find its way.
"""

import html
import time
from contextlib import contextmanager, suppress
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Error, sync_playwright

from ..browser import CHROMIUM, CHROMIUM_ARGUMENTS
from ..system import say
from .steps import CARDS

FORM_PATH, RETURN_PATH = '/contract', '/payment/aps/return'
HOLDER = 'Contract Shopper'
# How parts of the page are found: first as the sandbox names them, then as most pages do.
SELECTORS = {
    'number': (
        '#card_number', '[autocomplete=cc-number]', 'input[name*=card i][name*=number i]',
        'input[id*=cardno i]', 'input[id*=cardnum i]', 'input[placeholder*="card number" i]',
    ),
    'expiry': (
        '#expiry_date', '[autocomplete=cc-exp]', 'input[name*=expir i]', 'input[id*=expir i]',
        'input[placeholder*=MM]',
    ),
    'code': (
        '#card_security_code', '[autocomplete=cc-csc]', 'input[name*=security i]',
        'input[id*=security i]', 'input[name*=cvv i]', 'input[id*=cvv i]', 'input[id*=cvc i]',
    ),
    'holder': (
        '#card_holder_name', '[autocomplete=cc-name]', 'input[name*=holder i]',
        'input[id*=holder i]',
    ),
    'save': ('#remember_me', 'input[type=checkbox][name*=remember i]',
             'input[type=checkbox][id*=remember i]'),
    'pay': ('#pay', 'button[type=submit]', 'input[type=submit]', 'button:has-text("Pay")'),
    'cancel': ('#cancel', '#leave', 'button:has-text("Cancel")', 'a:has-text("Cancel")',
               '[id*=cancel i]', 'a:has-text("إلغاء")', 'button:has-text("إلغاء")'),
    'approve': ('#challenge_approve', 'button[type=submit]', 'input[type=submit]'),
    'fail': ('#challenge_fail', 'button:has-text("Fail")', 'button:has-text("Cancel")',
             'input[type=submit][value*=fail i]', 'input[type=submit][value*=cancel i]'),
}
CHALLENGE = ('#challenge_approve',)
PATIENCE, PATIENCE_OF_A_PERSON = 30, 600  # Seconds.
TICK = 100  # Milliseconds between two looks.
SETTLING = 1000  # Milliseconds in which a page that only passes by is gone.


class Unmeasured(Exception):
    """ A question can't be answered, with a sentence that says why. """


class Return(Exception):
    """ The browser has returned to the shop, so that nothing is left to do on the page. """


@contextmanager
def open_browser(is_local, by_hand):
    """ Start a browser and close it at the end.

    :param bool is_local: Whether it needs nothing of the outside.
    :param bool by_hand: Whether a person uses it.
    :return: The browser.
    :rtype: playwright.sync_api.Browser
    """
    arguments = [
        argument for argument in CHROMIUM_ARGUMENTS
        if is_local or not argument.startswith('--host-resolver-rules')
    ]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=arguments, headless=not by_hand
            )
        except Error as error:
            raise Unmeasured(
                "The browser doesn't start" + (", maybe for want of a screen" if by_hand else "")
            ) from error
        yield browser
        browser.close()


class Visit:
    """ One visit to the payment page. """

    def __init__(self, browser, origin, page_url, by_hand=False, patience=PATIENCE):
        """
        :param Browser browser: The browser.
        :param str origin: The address of the shop that is played.
        :param str page_url: The address of the payment page.
        :param bool by_hand: Whether a person does what is to be done there.
        :param float patience: How long to wait for something on the page, in seconds.
        """
        self.origin, self.page_url, self.by_hand = origin, page_url, by_hand
        self.patience = PATIENCE_OF_A_PERSON if by_hand else patience
        self.context = browser.new_context()
        self.page = self.context.new_page()
        self.status = None  # That of the latest page.
        self.way, self.fields = '', None
        self.page.on('response', self._note_response)
        self.context.route(f'{origin}{FORM_PATH}', self._answer_form)
        self.context.route(lambda url: url.split('?')[0] == self.return_url, self._answer_return)
        self.form = ''

    @property
    def return_url(self):
        """ Return the address that the browser is to return to. """
        return self.origin + RETURN_PATH

    def run(self, fields, visit):
        """ Go to the payment page with a form, do something there, and return to the shop.

        :param dict fields: The signed fields of the form.
        :param dict visit: What to do: as `action` `pay`, `cancel`, or `look`, which ends where a
                           shopper could act; for a payment the `card`, another `code` than its own,
                           whether it is `saved` already, whether to `save` it, and whether to
                           `fail` the `challenge`.
        :return: How the answer came, and its fields; `None` if the browser didn't return.
        :rtype: tuple[str, dict | None]
        :raise Unmeasured: If the script doesn't find its way.
        """
        try:
            self._post(fields)
            self._act(visit)
        except Return:
            pass
        except Error as error:
            raise Unmeasured(f"the browser gave up ({type(error).__name__})") from error
        finally:
            self.context.close()
        return self.way, self.fields

    #=== THE SHOP ===#

    def _post(self, fields):
        """ Post the form of the shop, as a shopper's browser does. """
        inputs = ''.join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}"/>'
            for name, value in fields.items()
        )
        self.form = (
            f'<meta charset="utf-8"/><form method="post" action="{html.escape(self.page_url)}" '
            f'accept-charset="UTF-8">{inputs}</form>'
        )
        self.page.goto(self.origin + FORM_PATH)
        with self.page.expect_navigation(timeout=PATIENCE * 1000):
            self.page.evaluate('document.forms[0].submit()')

    def _answer_form(self, route):
        """ Answer the browser with the form of the shop. """
        route.fulfill(content_type='text/html; charset=utf-8', body=self.form)

    def _answer_return(self, route):
        """ Take what the browser brings back, and answer it as the shop does. """
        request = route.request
        kind = request.headers.get('content-type', '').split(';')[0]
        body = (request.post_data_buffer or b'').decode('utf-8', 'surrogateescape')
        text = body if request.method == 'POST' else urlsplit(request.url).query
        pairs = parse_qsl(text, keep_blank_values=True)
        self.fields = dict(pairs)
        is_unique = len(self.fields) == len(pairs)
        self.way = f"{request.method} {kind}".strip() + ("" if is_unique else ", a field twice")
        route.fulfill(content_type='text/html', body="Back in the shop.")

    def _note_response(self, response):
        """ Note the status of a page. """
        if response.request.is_navigation_request() and response.frame == self.page.main_frame:
            self.status = response.status

    #=== THE SHOPPER ===#

    def _act(self, visit):
        """ Do what is to be done on the payment page.

        :param dict visit: See `run`.
        :return: None
        :raise Return: As soon as the browser has returned.
        """
        if visit['action'] == 'look':
            self._look()
        elif self.by_hand:
            self._ask_person(visit)
        elif visit['action'] == 'cancel':
            self._click(self._find('cancel'))
        else:
            self._enter_card(visit)
            self._pass_challenge(visit)
        self._wait_for(())
        self._fail_to_find("a way back to the shop")

    def _look(self):
        """ See what a shopper sees who comes with a form that APS may refuse. """
        is_open = self._wait_for(('number', 'code', 'cancel'), self.patience / 3)
        if not is_open and self._list_fields('input:not([type=hidden]), select'):
            self._fail_to_find("what tells a payment page from a page of errors")
        self.way = "the payment page opens" if is_open else f"a page of APS, HTTP {self.status}"
        raise Return

    def _ask_person(self, visit):
        """ Have a person do it, and wait until it is done. """
        if visit['action'] == 'cancel':
            say("  In the browser: cancel the payment.")
            return
        number, expiry, code = CARDS[visit['card']]
        extras = [
            text for text, is_wanted in (
                ("save the card", visit.get('save')),
                ("fail 3-D Secure", visit.get('challenge') == 'fail'),
            ) if is_wanted
        ]
        what = f"security code {visit.get('code', code)}"
        if not visit.get('saved'):
            what = f"card {number}, {expiry}, {what}"
        say(f"  In the browser: pay with {', '.join((what, *extras))}.")

    def _enter_card(self, visit):
        """ Enter a card, or the security code of a saved one, and pay. """
        number, expiry, code = CARDS[visit['card']]
        if not visit.get('saved'):
            self._find('number').fill(number)
            self._find('expiry').fill(expiry)
            holder = self._wait_for(('holder',), 0)
            if holder:
                holder.fill(HOLDER)
        self._find('code').fill(visit.get('code', code))
        if visit.get('save'):
            self._find('save').check(force=True)
        self._click(self._find('pay'))

    def _pass_challenge(self, visit):
        """ Answer the bank that wants to know who pays, if it does. """
        answer = 'fail' if visit.get('challenge') == 'fail' else 'approve'
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            self._wait_for((), 0)
            if self._is_at_bank():
                self._click(self._find(answer))
                return
            self.page.wait_for_timeout(TICK)
        leave = self._wait_for(('cancel',), 0)  # Another attempt is possible.
        if leave:
            self._click(leave)

    def _is_at_bank(self):
        """ Return whether the page is that of the bank: it asks for no card, but for an answer. """
        if self._see('approve', CHALLENGE):
            return True
        if not self._has_unknown_question():
            return False
        self.page.wait_for_timeout(SETTLING)
        return self._has_unknown_question()

    def _has_unknown_question(self):
        """ Return whether the page asks for something else than a card. """
        is_card = any(self._see(part) for part in ('number', 'code'))
        return self.fields is None and not is_card and bool(self._see('approve'))

    #=== THE PAGE ===#

    def _click(self, part):
        """ Click on a part of the page, unless the page goes on by itself meanwhile.

        :param playwright.sync_api.Locator part: The part.
        :return: None
        :raise Return: If the browser has returned to the shop.
        """
        try:
            part.click(timeout=self.patience * 1000)
        except Error:
            if self.fields is None:
                raise
            raise Return from None

    def _see(self, part, selectors=None):
        """ Return a part of the page.

        :param str part: Its name, one of `SELECTORS`.
        :param tuple selectors: How to find it, if not as usual.
        :return: The part; `None` if it can't be seen.
        :rtype: playwright.sync_api.Locator | None
        """
        for selector in selectors or SELECTORS[part]:
            for frame in self.page.frames:
                found = frame.locator(f'{selector} >> visible=true')
                with suppress(Error):  # The page goes away while it is looked at.
                    if found.count():
                        return found.first
        return None

    def _wait_for(self, parts, seconds=None):
        """ Wait until a part of the page can be seen.

        :param tuple parts: The names of parts of which one is enough; none to wait for the return.
        :param float seconds: How long; as long as the script has patience by default.
        :return: The part; `None` if it doesn't appear.
        :rtype: playwright.sync_api.Locator | None
        :raise Return: If the browser has returned to the shop.
        """
        deadline = time.monotonic() + (self.patience if seconds is None else seconds)
        while True:
            if self.fields is not None:
                raise Return
            found = next(filter(None, map(self._see, parts)), None)
            if found or time.monotonic() > deadline:
                return found
            self.page.wait_for_timeout(TICK)

    def _find(self, part):
        """ Return a part of the page, once it can be seen.

        :raise Unmeasured: If it doesn't appear.
        """
        found = self._wait_for((part,))
        if not found:
            self._fail_to_find(f"the part \"{part}\"")
        return found

    def _fail_to_find(self, what):
        """ Say that the script doesn't find its way.

        :raise Unmeasured: Always.
        """
        names = self._list_fields('input:not([type=hidden]), button, select')
        raise Unmeasured(
            f"the page at {urlsplit(self.page.url).hostname} (HTTP {self.status}) doesn't show "
            f"{what}; it has {', '.join(names[:20]) or 'no fields'}. Try --by-hand"
        )

    def _list_fields(self, selector):
        """ Return how the fields of the page are called.

        :param str selector: Which fields are meant.
        :return: Their names, never what is in them.
        :rtype: list[str]
        """
        script = (
            'selector => [...document.querySelectorAll(selector)]'
            '.map(field => field.id || field.name || field.type || field.localName)'
        )
        return [name for frame in self.page.frames for name in frame.evaluate(script, selector)]
