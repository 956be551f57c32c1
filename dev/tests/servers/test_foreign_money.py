""" Payments that the account received, but this database doesn't know. """

import time

from tests.support.posting import post

from .test_problems import find


def test_link_of_the_dashboard_is_refused_once_then_kept_and_told(shop, merchant):
    shop.query("DELETE FROM payment_aps_problem WHERE kind = 'no_payment'")
    reference = f'LINK-{time.time_ns()}'
    message = shop.sandbox('POST', 'sign', {
        'merchant_identifier': shop.merchant, 'fields': {
            'command': 'PURCHASE', 'merchant_identifier': shop.merchant,
            'access_code': 'SandboxAccessCode1', 'merchant_reference': reference,
            'amount': '4200', 'currency': 'AED', 'language': 'en', 'fort_id': '4277',
            'payment_option': 'VISA', 'status': '14', 'response_code': '14000',
        },
    })['fields']
    statuses = [post(f'{shop.url}/payment/aps/webhook', message)[0] for _number in range(3)]
    assert statuses == [403, 200, 200]
    [problem] = find(merchant, 'no_payment')
    assert '42.00 AED' in problem['detail'] and problem['count'] == 1
    rows = merchant.rpc.search_read(
        'payment.aps.message', [('merchant_reference', '=', reference)], ['state', 'channel'],
        order='id',
    )
    assert [(row['state'], row['channel']) for row in rows] == [
        ('refused', 'webhook'), ('foreign', 'webhook'),
    ]
    assert not merchant.rpc.search_read(
        'payment.transaction', [('reference', '=', reference)], ['id']
    )
