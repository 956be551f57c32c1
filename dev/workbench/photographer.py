""" Who takes the pictures of the store page; run by `photographs` with the tools' Python. """

import json
import re
import sys
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect

from .browser import BAD_CARD, Shopper, open_browser
from .rpc import Client
from .shop import PRODUCT
from .showcase import ARABIC_NAMES, get_login

DESKTOP = {'width': 1280, 'height': 1500}
PHONE = {'width': 390, 'height': 1800}  # High enough not to be scrolled.
MARGIN = 16  # The pixels above what a picture begins with, and below what it ends with.
MAX_ROWS = 12
PUBLIC_URL = 'https://shop.example.com'  # What APS could reach; the demo is on this machine only.
# The neighbour whose currency has most methods.
COUNTRY = 'SA'
# An image that is out of sight may never be loaded.
IMAGES_LOADED = """
    [...document.images].every(image => image.complete || image.loading === 'lazy')
"""
CAPTURED, NEXT_CAPTURE = '60', '50'
# The fonts are Odoo's, as those of machines differ. What is hidden says nothing of the addon: the
# header of Odoo with its messages, header and footer of the shop, and the signs of test mode.
FONTS = '/web/static/fonts/google'
STYLE = f"""
    @font-face {{ font-family: Picture; src: url({FONTS}/Roboto/Roboto-Regular.ttf);
                  unicode-range: U+0-5FF; }}
    @font-face {{ font-family: Picture; src: url({FONTS}/Roboto/Roboto-Medium.ttf);
                  font-weight: 500 900; unicode-range: U+0-5FF; }}
    @font-face {{ font-family: Picture; src: url({FONTS}/Tajawal/Tajawal-Regular.ttf);
                  unicode-range: U+600-6FF; }}
    @font-face {{ font-family: Picture; src: url({FONTS}/Tajawal/Tajawal-Bold.ttf);
                  font-weight: 500 900; unicode-range: U+600-6FF; }}
    body, button:not(.fa, .oi), input, select, textarea, h1, h2, h3, h4, h5, h6 {{
        font-family: Picture, sans-serif !important;
    }}
    .o_main_navbar, .o_notification_manager, header#top, footer#bottom,
    #o_payment_form .fa-exclamation-triangle {{ display: none !important; }}
"""
ADD_STYLE = f"""
    document.addEventListener('DOMContentLoaded', () => {{
        const style = document.createElement('style');
        style.textContent = {json.dumps(STYLE)};
        document.head.append(style);
    }});
"""


class Photographer:
    """ Somebody with a camera in the shop. """

    def __init__(self, browser, place):
        """
        :param Browser browser: The browser.
        :param dict place: The `url` and `database` of the shop, the addresses of its `pages`, and
            the `folder` for the pictures.
        """
        self.browser, self.url, self.pages = browser, place['url'], place['pages']
        self.folder = Path(place['folder'])
        self.rpc = Client(self.url, place['database'])
        self.names = []

    def take_all(self):
        """ Take all pictures.

        :return: The names of the files.
        :rtype: list[str]
        """
        self.take_checkout()  # The shop first: the form of the provider tells of a return.
        self.take_arabic_checkout()
        self.take_declined()
        with self.open(DESKTOP, login='admin') as backend:
            self.take_provider(backend)
            self.take_report(backend)
            self.take_list(backend, 'problem', 'problems')
            self.take_capture(backend)
            self.take_list(backend, 'message', 'messages')
        return self.names

    @contextmanager
    def open(self, viewport, login=None, path='', **options):
        """ Open a window.

        :param dict viewport: Its size.
        :param str login: Who logs in, if anybody; the password is the same.
        :param str path: The path of the language.
        :param dict options: More options of the browser's context.
        """
        shopper = Shopper(self.browser, self.url + path, viewport=viewport, **options)
        shopper.context.add_init_script(ADD_STYLE)
        if login:
            shopper.log_in(login, login)
        yield shopper
        shopper.close()

    def open_page(self, backend, name):
        """ Open a page of the backend anew: another fragment alone would not load it. """
        backend.page.goto('about:blank')
        backend.page.goto(self.pages[name])
        backend.page.locator('.o_view_controller').wait_for()
        return backend.page

    def take(self, page, name, last=None, first=None):
        """ Take a picture of the width of the window.

        :param Page page: The page.
        :param str name: The name of the picture.
        :param Locator last: What it ends with; the lower edge of the window by default.
        :param Locator first: What it begins with; the upper edge of the window by default.
        """
        page.mouse.move(0, 0)
        page.evaluate('document.activeElement.blur()')
        page.evaluate('document.fonts.ready.then(() => true)')
        page.wait_for_function(IMAGES_LOADED)
        size = page.viewport_size
        top = max(first.bounding_box()['y'] - MARGIN, 0) if first else 0
        bottom = size['height']
        if last:
            box = last.bounding_box()
            bottom = box['y'] + box['height'] + MARGIN
        page.screenshot(
            path=str(self.folder / f'{name}.png'), full_page=bottom > size['height'],
            clip={'x': 0, 'y': top, 'width': size['width'], 'height': bottom - top},
        )
        self.names.append(f'{name}.png')

    # === The backend === #

    def take_provider(self, backend):
        """ Take the form of the provider after a check. """
        with self.pretend_public_address():
            page = self.open_page(backend, 'provider')
            page.locator('button[name=action_aps_check_setup]').click()
            expect(page.locator('[name=aps_check_passed]')).to_be_visible()
            self.take(page, 'set_up', page.locator('.o_form_sheet'))

    @contextmanager
    def pretend_public_address(self):
        """ Have the shop at an address that APS could reach, as far as the form knows. """
        self.rpc.call('ir.config_parameter', 'set_param', 'web.base.url', PUBLIC_URL)
        yield
        self.rpc.call('ir.config_parameter', 'set_param', 'web.base.url', self.url)

    def take_capture(self, backend):
        """ Take the window that captures a part, after another part was captured. """
        page = self.open_page(backend, 'authorized')
        window = self.open_capture(page, CAPTURED)
        window.locator('button[name=action_capture]').click()
        expect(window).to_have_count(0)
        page.set_viewport_size({**DESKTOP, 'height': 760})
        self.open_page(backend, 'authorized')
        self.open_capture(page, NEXT_CAPTURE)
        self.take(page, 'capture')
        page.set_viewport_size(DESKTOP)

    def open_capture(self, page, amount):
        """ Open the window that captures, and fill in the amount. """
        page.locator('button[name=action_capture]').click()
        window = page.locator('.modal')
        field = window.locator('[name=amount_to_capture] input')
        field.fill(amount)
        field.press('Tab')
        expect(field).to_have_value(f'{amount}.00')
        expect(window.locator('[name=void_remaining_amount] input')).to_be_enabled()
        return window

    def take_report(self, backend):
        """ Take the chart of the payments. """
        backend.page.set_viewport_size({**DESKTOP, 'height': 620})
        page = self.open_page(backend, 'report')
        page.locator('.o_graph_renderer canvas').wait_for()
        page.wait_for_timeout(1500)  # The bars grow.
        self.take(page, 'analysis')
        page.set_viewport_size(DESKTOP)

    def take_list(self, backend, page_name, name):
        """ Take a list, as far as there are rows. """
        page = self.open_page(backend, page_name)
        rows = page.locator('.o_data_row')
        rows.first.wait_for()
        self.take(page, name, rows.nth(min(rows.count(), MAX_ROWS) - 1))

    # === The shop === #

    def take_checkout(self):
        """ Take the payment step with all the methods of a country. """
        with self.open(DESKTOP, login=get_login(COUNTRY)) as shopper:
            shopper.fill_cart(PRODUCT)
            self.take_payment_step(shopper, 'checkout')

    def take_arabic_checkout(self):
        """ Take the payment step in Arabic, on a phone. """
        with self.open(PHONE, get_login(COUNTRY), '/ar', device_scale_factor=2) as shopper:
            shopper.fill_cart(ARABIC_NAMES[PRODUCT])
            self.take_payment_step(shopper, 'checkout_ar', first='#payment_method')

    def take_payment_step(self, shopper, name, first=None):
        """ Go to the payment step, and take it. """
        shopper.check_out()
        shopper.open_payment_step()
        page = shopper.page
        page.locator('input[data-payment-method-code=card]').check(force=True)
        button = page.locator('button[name=o_payment_submit_button]:visible').first
        expect(button).to_be_enabled()
        self.take(page, name, page.locator('#o_payment_form'), first and page.locator(first))

    def take_declined(self):
        """ Take the page of a payment that the bank declined, on a phone. """
        with self.open(PHONE, device_scale_factor=2) as shopper:
            shopper.fill_cart(PRODUCT)
            shopper.check_out()
            shopper.open_payment_step()
            shopper.pay()
            shopper.enter_card(BAD_CARD)
            page = shopper.page
            page.wait_for_url(re.compile('/payment/status'))
            button = page.locator('[name=aps_try_again]')
            expect(button).to_be_visible()
            self.take(page, 'declined', button)


def main(place):
    """ Take the pictures, and print their names.

    :param str place: See `Photographer`, as JSON.
    """
    with open_browser() as browser:
        print(*Photographer(browser, json.loads(place)).take_all())


if __name__ == '__main__':
    main(*sys.argv[1:])
