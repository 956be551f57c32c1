""" A live account, which APS's live host knows, and the sandbox keeps beside its own. """

from contextlib import contextmanager

from workbench.sandbox_process import CREDENTIALS, MERCHANT

LIVE = {
    'aps_merchant_identifier': 'LiveMID',
    'aps_access_code': 'SandboxAccessCode1',
    'aps_sha_type': 'sha256',
    'aps_sha_request': 'live-request-phrase$3',
    'aps_sha_response': 'live-response-phrase&4',
}


@contextmanager
def live_account(shop):
    """ Have the sandbox know a live account, which notifies the shop.

    :param Shop shop: The running shop; its merchant can be changed, and is put back.
    :return: None
    """
    webhook = f'{shop.url}/payment/aps/webhook'
    shop.sandbox('POST', 'accounts', {
        'merchant_identifier': LIVE['aps_merchant_identifier'],
        'access_code': LIVE['aps_access_code'],
        'sha_type': LIVE['aps_sha_type'],
        'sha_request_phrase': LIVE['aps_sha_request'],
        'sha_response_phrase': LIVE['aps_sha_response'],
        'feedback_url': webhook, 'notification_url': webhook,
        'return_url': f'{shop.url}/payment/aps/return',
    })
    try:
        yield
    finally:
        shop.merchant = MERCHANT


def take_test_payments_again(shop, provider_id):
    """ Put the provider back into test mode, with the account of the sandbox. """
    shop.rpc.call('payment.provider', 'write', [provider_id], {
        **CREDENTIALS, 'state': 'test', 'is_published': True,
    })
