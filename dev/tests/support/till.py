""" What the tests do and look up again and again, around the shop and the sandbox. """

from workbench.shop import PRODUCT

# The account settings of the sandbox that tests change.
SETTINGS = ('attempts', 'cancel_feedback', 'return_method')
POSTED_STATES = ('posted', 'in_process', 'paid')


def go_to_payment(shopper, product=PRODUCT, **address):
    """ Fill the cart, check out, and go to the payment page.

    :return: The reference of the payment.
    :rtype: str
    """
    go_to_payment_step(shopper, product, **address)
    return shopper.pay()


def go_to_payment_step(shopper, product=PRODUCT, **address):
    """ Fill the cart and check out, up to the choice of the payment method. """
    shopper.fill_cart(product)
    shopper.check_out(**address)
    shopper.open_payment_step()


def read_sandbox_account(shop):
    """ Return the settings of the sandbox that tests change. """
    account = shop.sandbox('GET', f'accounts/{shop.merchant}')
    return {name: account[name] for name in SETTINGS}


def change_sandbox_account(shop, **settings):
    """ Change settings of the sandbox, of `SETTINGS`, for the rest of the test. """
    shop.sandbox('PATCH', f'accounts/{shop.merchant}', settings)


def hold_notification(shop, reference):
    """ Have the sandbox hold the next notification about a payment. """
    shop.sandbox('POST', 'faults', {
        'command': 'NOTIFICATION', 'fault': 'hold', 'merchant_reference': reference,
    })


def deliver_held_notifications(shop, reference):
    """ Have the sandbox deliver what it held, and return what became of it.

    :return: The HTTP statuses that the shop answered.
    :rtype: list[int]
    """
    shop.sandbox('POST', 'notifications/wait', {'timeout': 30})
    answer = shop.sandbox('POST', 'notifications/deliver', {'merchant_reference': reference})
    return [notification['last_status'] for notification in answer['notifications']]


def settle(shop, reference, result='success'):
    """ Have the sandbox decide a pending payment, and notify the shop. """
    shop.sandbox('POST', 'settle', {'merchant_reference': reference, 'result': result})
    wait_for_notifications(shop)


def wait_for_notifications(shop):
    """ Wait until the sandbox has nothing left to notify. """
    assert shop.sandbox('POST', 'notifications/wait', {'timeout': 30})['idle']


def read_request(shop, reference, queries=0):
    """ Return the fields of the request for the payment page, the only one of a payment.

    :param int queries: How often Odoo must have asked what became of the payment, besides.
    """
    requests = shop.sandbox('GET', f'requests?merchant_reference={reference}')['requests']
    assert [request['verdict'] for request in requests] == ['accepted'] * (1 + queries)
    [request] = [request for request in requests if request['command'] != 'CHECK_STATUS']
    return request['fields']


def read_ledger(shop, reference):
    """ Return the only entry of the sandbox's ledger about a payment. """
    payments = shop.sandbox('GET', f'ledger?merchant_reference={reference}')['payments']
    assert len(payments) == 1
    return payments[0]


def assert_paid(
    shop, reference, amount_minor=12345, currency='AED', method='visa', attempts=1, queries=0
):
    """ Assert that a payment was made once, and that sandbox and Odoo agree on it.

    :param int amount_minor: The amount, in minor units of the currency.
    :param str method: The code of the payment method that was used.
    :param int attempts: How often the shopper tried on the payment page.
    :param int queries: How often Odoo must have asked what became of the payment.
    """
    entry = read_ledger(shop, reference)
    assert (entry['captured'], entry['currency']) == (amount_minor, currency)
    assert (entry['attempts'], entry['operations']) == (attempts, [])
    assert int(read_request(shop, reference, queries)['amount']) == amount_minor

    outcome = shop.read_payment(reference)
    transaction, payment = outcome['transaction'], outcome['payment']
    assert transaction['state'] == 'done'
    assert transaction['is_post_processed']
    assert transaction['provider_reference'] == entry['fort_id']
    assert transaction['payment_method_code'] == method
    assert [order['state'] for order in outcome['orders'] if order['state'] != 'sale'] == []
    assert payment['state'] in POSTED_STATES
    assert payment['currency_id'][1] == transaction['currency_id'][1] == currency
    assert payment['amount'] == transaction['amount']
    assert count_accounting_payments(shop, transaction) == 1


def assert_not_paid(shop, reference, state):
    """ Assert that a payment was not made, neither in the sandbox nor in Odoo.

    :param str state: The state of the transaction.
    """
    outcome = shop.read_payment(reference)
    assert outcome['transaction']['state'] == state
    assert [order['state'] for order in outcome['orders'] if order['state'] == 'sale'] == []
    assert count_accounting_payments(shop, outcome['transaction']) == 0
    assert read_ledger(shop, reference)['captured'] == 0


def count_accounting_payments(shop, transaction):
    """ Return how many accounting payments a transaction has made. """
    return shop.rpc.call(
        'account.payment', 'search_count', [('payment_transaction_id', '=', transaction['id'])]
    )
