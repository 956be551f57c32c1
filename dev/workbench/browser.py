""" What a shopper does in the browser: in the shop, and on the payment page of the sandbox. """

import re
from contextlib import contextmanager

from playwright.sync_api import TimeoutError, expect, sync_playwright

CHROMIUM = '/usr/bin/chromium'
# Connections to the outside are of no use here, neither Chromium's own nor for fonts of the shop.
CHROMIUM_ARGUMENTS = (
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update',
)
GUEST = {
    'name': "Omar Guest", 'email': 'omar@example.com', 'phone': '+971 4 111 1111',
    'street': "Creek Road 7", 'city': "Dubai", 'zip': '00000',
}
GOOD_CARD = '4005550000000001'
BAD_CARD = '4000000000000002'
PENDING_CARD = '4000000000000044'
# The button that saves the address, in the series that have it in one form or another.
ADDRESS_BUTTON = (
    'a.a-submit:visible, #save_address:visible, a[name=website_sale_main_button]:visible'
)
LOCAL_URL = r'http://(127\.0\.0\.1|localhost)[:/]'
LANDING_ROUTE = re.compile('/shop/payment/validate')
PRODUCT_ROUTE = re.compile('/get_combination_info')
COUNTRY_ROUTE = re.compile('/country_infos?/')  # Answers the states of a country.
TIMEOUT = 60_000  # Milliseconds; the first page of a shop compiles its assets.
expect.set_options(timeout=TIMEOUT / 2)


@contextmanager
def open_browser():
    """ Start a browser and close it at the end.

    :return: The browser.
    :rtype: playwright.sync_api.Browser
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS)
        )
        yield browser
        browser.close()


class Shopper:
    """ A shopper with a browser of their own. """

    def __init__(self, browser, shop_url, say=None, screenshots=None, **context):
        """
        :param Browser browser: The browser.
        :param str shop_url: The address of the shop.
        :param callable say: Takes a line for each step.
        :param Path screenshots: The folder for screenshots, if any.
        :param context: Options of the browser's context, such as `locale`.
        """
        viewport = {'width': 1280, 'height': 900}
        self.context = browser.new_context(**{'viewport': viewport, **context})
        self.context.set_default_timeout(TIMEOUT)
        self.page = self.context.new_page()
        self.errors = []
        self.page.on('console', self._note_console)
        self.page.on('pageerror', lambda error: self.errors.append(f'{self.page.url}: {error}'))
        self.shop_url = shop_url
        self.say = say or (lambda _text: None)
        self.screenshots = screenshots
        self.reference = None

    def _note_console(self, message):
        """ Note an error of the page; the fonts of the outside cannot be had here. """
        is_local = re.match(LOCAL_URL, message.location['url'])
        if message.type == 'error' and (is_local or 'Failed to load resource' not in message.text):
            self.errors.append(f'{self.page.url}: {message.text} {message.location["url"]}')

    def close(self):
        """ Close the browser's window. """
        self.context.close()

    def take_screenshot(self, name):
        """ Take a screenshot of the whole page, if screenshots are wanted. """
        if self.screenshots:
            self.page.screenshot(path=str(self.screenshots / f'{name}.png'), full_page=True)

    # === The shop === #

    def log_in(self, login, password):
        """ Log in to the shop. """
        self.page.goto(f'{self.shop_url}/web/login')
        self.page.fill('input[name=login]', login)
        self.page.fill('input[name=password]', password)
        self.page.click('form.oe_login_form button[type=submit]')
        self.page.wait_for_url(lambda url: '/web/login' not in url)
        self.say(f"Logged in as {login}")

    def fill_cart(self, product):
        """ Put a product into the cart. """
        self.page.goto(f'{self.shop_url}/shop')
        with self.page.expect_response(PRODUCT_ROUTE):  # Its scripts are up.
            self.page.get_by_role('link', name=product).first.click()
        with self.page.expect_response(re.compile('/shop/cart/')):
            self.page.click('#add_to_cart')
        self.say(f"Put {product} into the cart")

    def check_out(self, country='United Arab Emirates'):
        """ Go to the payment step and fill in what is missing of the address on the way.

        :param str country: The country of the shopper, as its name reads on the page.
        """
        self.page.goto(f'{self.shop_url}/shop/checkout')
        if '/shop/address' in self.page.url:
            for name, value in GUEST.items():
                field = self.page.locator(f'input[name={name}]:visible')
                if field.count() and not field.first.input_value():
                    field.first.fill(value)
            self._choose_country(country)
            self.page.locator(ADDRESS_BUTTON).first.click()
            self.page.wait_for_url(re.compile('/shop/(?!address)'))
            self.say("Filled in the address")

    def _choose_country(self, country):
        """ Choose the country of an address, and a state if it has any.

        The page heeds the choice only once its scripts are up, so it is made until it is heeded.
        """
        for attempts_left in reversed(range(60)):
            try:
                with self.page.expect_response(COUNTRY_ROUTE, timeout=TIMEOUT / 60) as waiting:
                    self.page.select_option('select[name=country_id]', label=country)
                break
            except TimeoutError:
                if not attempts_left:
                    raise
        states = waiting.value.json()['result']['states']
        if states:
            self.page.select_option('select[name=state_id]', value=str(states[0][0]))

    def open_payment_step(self):
        """ Go to the payment step of the checkout. """
        self.page.goto(f'{self.shop_url}/shop/payment')
        expect(self.page.locator('#o_payment_form')).to_be_visible()

    def pay(self, method='card', is_saving=False):
        """ Choose a payment method and go to the payment page of APS.

        :param str method: The code of the payment method.
        :param bool is_saving: Whether to tick the box that saves the card.
        :return: The reference of the payment.
        :rtype: str
        """
        radio = self.page.locator(
            f'#o_payment_form input[data-provider-code=aps][data-payment-method-code={method}]'
        )
        if radio.is_visible() and not radio.is_checked():
            radio.check(force=True)  # Its label covers it.
        if is_saving:
            self.page.locator('[name=o_payment_tokenize_checkbox]:visible').check()
        return self._go_to_payment_page()

    def pay_with_saved_card(self, digits):
        """ Choose a saved card and go to the payment page of APS.

        :param str digits: The last digits of the card.
        :return: The reference of the payment.
        :rtype: str
        """
        option = self.page.locator('[name=o_payment_option]', has_text=digits)
        option.locator('input[data-payment-option-type=token]').check(force=True)
        return self._go_to_payment_page()

    def _go_to_payment_page(self):
        """ Pay with what is chosen, and return the reference of the payment. """
        button = self.page.locator('button[name=o_payment_submit_button]:visible').first
        expect(button).to_be_enabled()
        self.take_screenshot('payment-step')
        button.click()
        self.page.wait_for_url(re.compile('/FortAPI/'))
        self.reference = self.page.locator('#merchant_reference').inner_text().strip()
        self.say(f"Went to the payment page with reference {self.reference}")
        self.take_screenshot('payment-page')
        return self.reference

    # === The payment page === #

    def enter_card(self, number=GOOD_CARD):
        """ Enter a card and pay. """
        self.page.click(f'button[data-card="{number}"]')
        self.page.click('#pay')
        self.say(f"Paid with the card ending in {number[-4:]}")

    def enter_security_code(self, code='123'):
        """ Enter the security code of the saved card and pay. """
        self.page.fill('#card_security_code', code)
        self.page.click('#pay')
        self.say("Paid with the saved card")

    def pass_3d_secure(self):
        """ Prove to the bank who pays. """
        self.page.click('#challenge_approve')
        self.say("Passed 3-D Secure")

    def answer_local_method(self, option, result='approve'):
        """ Finish the payment with a local method.

        :param str option: The payment option, such as `KNET`.
        :param str result: `approve`, `decline` or `pending`.
        """
        self.page.click(f'form#local_{option} button[value={result}]')
        self.say(f"{option}: {result}")

    def cancel(self):
        """ Cancel on the payment page. """
        self.page.click('#cancel')
        self.say("Cancelled on the payment page")

    # === Back in the shop === #

    def wait_for_confirmation(self):
        """ Wait for the shop to confirm the order, by way of the status page. """
        self.page.wait_for_url(re.compile('/shop/confirmation'))
        self.take_screenshot('confirmation')
        self.say("The shop confirmed the order")

    def try_again(self):
        """ Go back from the page of a payment that was not made to where it can be made. """
        self.page.click('[name=aps_try_again]')
        self.page.wait_for_url(lambda url: '/payment/status' not in url)
        self.say("Tried again")

    def read_receipt(self):
        """ Return what the receipt says, and go on to the order. """
        receipt = self.page.locator('[name=aps_payment_receipt]')
        expect(receipt).to_be_visible()
        self.take_screenshot('receipt')
        text = receipt.inner_text()
        self.page.click('[name=aps_continue]')
        return text

    @contextmanager
    def stay_on_status_page(self):
        """ Keep the status page from sending the shopper on, so that it can be read.

        It is answered that there is no other page; while an answer is waited for, the driver may
        not read the page.
        """
        held = []

        def hold(route):
            held.append(route.request.url)
            route.fulfill(status=204)

        self.page.route(LANDING_ROUTE, hold)
        yield
        self.page.unroute(LANDING_ROUTE)
        if held and '/payment/status' in self.page.url:
            self.page.goto(held[-1])

    def wait_for_status(self, pattern):
        """ Wait for the status page to say something.

        :param str pattern: A regular expression.
        """
        self.page.wait_for_url(re.compile('/payment/status'))
        expect(self.page.locator('#wrapwrap')).to_contain_text(re.compile(pattern))
