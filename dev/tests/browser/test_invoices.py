""" Invoices that customers pay online. """

import re

from playwright.sync_api import expect

from tests.support.till import assert_paid

LANDING = re.compile('/payment/confirmation|/my/invoices|/payment/pay')


def test_guest_with_a_payment_link_pays_an_invoice(shop, browser, shopper):
    """ Test that the customer of an invoice pays by its link, and that it is paid in the books. """
    invoice_id = post_invoice(shop, amount=250.5)
    shopper.page.goto(make_payment_link(shop, browser, invoice_id))

    reference = shopper.pay()
    shopper.enter_card()
    shopper.page.wait_for_url(LANDING)
    expect(shopper.page.locator('#wrap')).to_contain_text(re.compile("Thank you|processed"))
    shopper.take_screenshot('invoice-paid')

    assert_paid(shop, reference, amount_minor=25050)
    assert read_invoice(shop, invoice_id)['payment_state'] in ('paid', 'in_payment')
    assert shop.read_transaction(reference).invoice_ids == [invoice_id]


def post_invoice(shop, amount, partner_id=None):
    """ Post an invoice, for a new customer by default, and return its id. """
    partner_id = partner_id or shop.rpc.call('res.partner', 'create', {
        'name': "Noor Trading", 'email': 'noor@example.com', 'country_id': shop.rpc.ref('base.ae'),
    })
    invoice_id = shop.rpc.call('account.move', 'create', {
        'move_type': 'out_invoice',
        'partner_id': partner_id,
        'invoice_line_ids': [(0, 0, {
            'name': "Tea for the office", 'price_unit': amount, 'tax_ids': [(6, 0, [])],
        })],
    })
    shop.rpc.call('account.move', 'action_post', [invoice_id])
    return invoice_id


def make_payment_link(shop, browser, invoice_id):
    """ Return the payment link of an invoice, as the staff makes it in the backend.

    The link depends on the web request, so that the external API doesn't tell it.
    """
    staff = browser.new_context()
    post(staff, f'{shop.url}/web/session/authenticate', {
        'db': shop.database, 'login': 'admin', 'password': 'admin',
    })
    wizard_id = shop.rpc.call('payment.link.wizard', 'create', {}, context={
        'active_model': 'account.move', 'active_id': invoice_id,
    })
    rows = post(staff, f'{shop.url}/web/dataset/call_kw/payment.link.wizard/read', {
        'model': 'payment.link.wizard', 'method': 'read', 'args': [[wizard_id], ['link']],
        'kwargs': {},
    })
    staff.close()
    return rows[0]['link']


def post(context, url, params):
    """ Call a JSON route with the session of a browser, and return the result. """
    answer = context.request.post(url, data={'jsonrpc': '2.0', 'params': params}).json()
    assert 'error' not in answer
    return answer['result']


def read_invoice(shop, invoice_id):
    """ Return the states of an invoice. """
    return shop.rpc.call(
        'account.move', 'read', [invoice_id], ['state', 'payment_state', 'amount_residual']
    )[0]
