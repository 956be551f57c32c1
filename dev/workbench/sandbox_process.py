""" The APS sandbox as a process, and its control interface. """

import json
import urllib.request

from .system import DEV, find_free_port, start, wait_for_http
from .venvs import get_python

MERCHANT = 'SandboxMID'
CREDENTIALS = {
    'aps_merchant_identifier': MERCHANT,
    'aps_access_code': 'SandboxAccessCode1',
    'aps_sha_request': 'sandbox-request-phrase$1',
    'aps_sha_response': 'sandbox-response-phrase&2',
    'aps_sha_type': 'sha256',
}


class Sandbox:
    """ A running sandbox. """

    def __init__(self, run_folder, port=None, retry_interval=1):
        """
        :param Path run_folder: The folder for the log.
        :param int port: The port to listen on; any free one by default.
        :param float retry_interval: The seconds between two attempts at a notification.
        """
        port = port or find_free_port()
        self.url = f'http://127.0.0.1:{port}'
        log = run_folder / f'sandbox-{port}.log'
        self.process = start(
            [get_python('tools'), '-m', 'sandbox', '--port', port, '--retry-interval',
             retry_interval],
            log=log, cwd=DEV,
        )
        wait_for_http(f'{self.url}/_sandbox/health', self.process, log, seconds=30)

    def request(self, method, path, data=None):
        """ Call the control interface.

        :param str method: The HTTP method.
        :param str path: The path below `/_sandbox/`.
        :param dict data: The JSON body, if any.
        :return: The answer.
        :rtype: dict
        """
        return request_sandbox(self.url, method, path, data)

    def connect(self, odoo_url):
        """ Have the notifications sent to a shop. """
        webhook = f'{odoo_url}/payment/aps/webhook'
        self.request('PATCH', f'accounts/{MERCHANT}', {
            'feedback_url': webhook, 'notification_url': webhook,
            'return_url': f'{odoo_url}/payment/aps/return',
        })


def request_sandbox(url, method, path, data=None):
    """ Call the control interface of the sandbox at an address; see `Sandbox.request`. """
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(
        f'{url}/_sandbox/{path}', body, {'Content-Type': 'application/json'}, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)
