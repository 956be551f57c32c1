""" What staff sees of the messages of APS: the trail of a payment, and the refused ones. """

import hashlib
import urllib.error
import urllib.parse
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.support.backend import open_form
from tests.support.payments import Merchant
from workbench.sandbox_process import CREDENTIALS

RESPONSE_PHRASE = CREDENTIALS['aps_sha_response']
REQUEST_PHRASE = CREDENTIALS['aps_sha_request']


@pytest.fixture
def merchant(shop):
    """ A merchant. """
    return Merchant(shop)


def sign(fields, phrase=RESPONSE_PHRASE, algorithm=hashlib.sha256):
    """ Return the fields with a signature. """
    text = ''.join(f'{name}={fields[name]}' for name in sorted(fields))
    return {**fields, 'signature': algorithm(f'{phrase}{text}{phrase}'.encode()).hexdigest()}


def send(shop, body, content_type='application/x-www-form-urlencoded'):
    """ Post a body to the webhook, which refuses it. """
    if isinstance(body, dict):
        body = urllib.parse.urlencode(body).encode()
    request = urllib.request.Request(
        f'{shop.url}/payment/aps/webhook', body, {'Content-Type': content_type}
    )
    with pytest.raises(urllib.error.HTTPError, match=r'40[03]'):
        urllib.request.urlopen(request, timeout=30)


def test_trail_is_reached_from_the_payment(shop, merchant, backend):
    payment = merchant.receive_payment(100, command='PURCHASE')
    payment.refund(30)
    page = open_form(shop, backend, 'payment.transaction', payment.id)
    backend.take_screenshot('transaction')

    page.locator('button[name=action_aps_view_messages]').click()
    rows = page.locator('.o_list_view .o_data_row')
    refund = rows.filter(has_text='REFUND')
    # One row for the request and its answer.
    expect(refund.filter(has_text="Request to the API")).to_contain_text("Successful")
    expect(refund.filter(has_text="Answer of the API")).to_have_count(0)
    notification = rows.filter(has_text="Notification").filter(has_text="PURCHASE")
    expect(notification).to_contain_text("Successful")
    expect(page.locator('.o_list_button_add')).to_have_count(0)
    backend.take_screenshot('trail')

    refund.filter(has_text="Request to the API").locator('[name=channel]').click()
    form = page.locator('.o_form_view')
    form.locator('[name=answer_id] a').click()
    expect(form.locator('[name=body]')).to_contain_text('response_code=06000')
    expect(form.locator('[name=meaning]')).to_contain_text("Success")
    expect(form.locator('[name=amount]')).to_contain_text('30.00 AED')
    expect(form.locator('input, textarea')).to_have_count(0)
    backend.take_screenshot('message')


def test_message_that_was_not_applied_says_why(shop, merchant, backend):
    payment = merchant.open_page(100, command='PURCHASE')
    message = shop.sandbox('POST', 'sign', {
        'merchant_identifier': shop.merchant, 'fields': {
            'command': 'PURCHASE', 'merchant_identifier': shop.merchant, 'amount': '999',
            'merchant_reference': payment.reference, 'currency': 'AED', 'status': '14',
            'response_code': '14000', 'fort_id': '123456',
        },
    })['fields']
    urllib.request.urlopen(
        f'{shop.url}/payment/aps/webhook', urllib.parse.urlencode(message).encode(), timeout=30
    ).close()
    page = open_form(shop, backend, 'payment.transaction', payment.id)

    page.locator('button[name=action_aps_view_messages]').click()
    row = page.locator('.o_list_view .o_data_row', has_text="Not applied")
    row.locator('[name=channel]').click()

    expect(page.locator('.alert-warning')).to_contain_text("the amount is not 10000")
    backend.take_screenshot('message')


def test_refused_messages_say_what_to_do(shop, merchant, backend):
    merchant.rpc.call('payment.provider', 'action_aps_view_refusals', [merchant.provider_id])
    shop.query('DELETE FROM payment_aps_refusal')
    payment = merchant.open_page(100, command='PURCHASE')
    fields = {
        'command': 'PURCHASE', 'merchant_identifier': shop.merchant, 'amount': '10000',
        'merchant_reference': payment.reference, 'currency': 'AED', 'status': '14',
        'response_code': '14000', 'fort_id': '123456', 'customer_email': 'omar@example.com',
    }
    findings = {
        "The signature is wrong": sign(fields, REQUEST_PHRASE),
        "Changed on the way": {**sign(fields), 'utm_source': 'mail'},
        "Another merchant account": sign({**fields, 'merchant_identifier': 'Other'}, 'other'),
        "The payment is not known": sign({**fields, 'merchant_reference': 'NOBODY'}, 'made up'),
    }
    for message in findings.values():
        send(shop, message)
        merchant.rpc.call('payment.provider', 'action_aps_view_refusals', [merchant.provider_id])
    send(shop, b'<response/>', 'application/xml')
    page = open_form(shop, backend, 'payment.provider', merchant.provider_id)
    backend.take_screenshot('provider')

    page.locator('button[name=action_aps_view_refusals]').click()

    rows = page.locator('.o_list_view .o_data_row')
    for finding in (*findings, "Can't be read"):
        expect(rows.filter(has_text=finding)).to_have_count(1)
    expect(rows).to_have_count(5)
    backend.take_screenshot('refused')

    rows.filter(has_text="Changed on the way").locator('[name=finding]').click()
    form = page.locator('.o_form_view')
    expect(form.locator('[name=detail]')).to_contain_text('utm_source')
    expect(form.locator('.alert-info')).to_contain_text("Technical Settings")
    expect(form.locator('[name=messages]')).to_contain_text(payment.reference)
    expect(form).not_to_contain_text('omar@example.com')
    expect(form.locator('input, textarea')).to_have_count(0)
    backend.take_screenshot('finding')
