""" A running shop, as the tests see it. """

import os
import subprocess
from types import SimpleNamespace

from workbench.live_host import open_live_host
from workbench.rpc import Client
from workbench.sandbox_process import MERCHANT, request_sandbox
from workbench.stack import read_payment


class Shop:
    """ A running shop, seen from outside. """

    def __init__(self, environment=os.environ):
        """ :param dict environment: The variables of `Stack.get_environment`. """
        self.environment = environment
        self.url = environment['APS_SHOP_URL']
        self.series = environment['APS_SERIES']
        self.database = environment['APS_DATABASE']
        self.sandbox_url = environment['APS_SANDBOX_URL']
        self.merchant = MERCHANT
        self.rpc = Client(self.url, self.database)
        self.second_url = environment['APS_SECOND_URL']

    def sandbox(self, method, path, data=None):
        """ Call the control interface of the sandbox. """
        return request_sandbox(self.sandbox_url, method, path, data)

    def open_live_host(self):
        """ Have APS's live host answer as the sandbox does; a context. """
        return open_live_host(
            self.environment['APS_LIVE_PROXY'], self.environment['APS_LIVE_CERTIFICATE'],
            self.sandbox_url,
        )

    def read_payment(self, reference):
        """ Return what Odoo knows of a payment. """
        return read_payment(self.rpc, reference)

    def read_transaction(self, reference):
        """ Return the values of a transaction.

        :param str reference: Its reference.
        :return: The values, as attributes.
        :rtype: SimpleNamespace
        """
        return SimpleNamespace(**self.read_payment(reference)['transaction'])

    def query(self, sql):
        """ Return what a query of the database prints, one row a line. """
        return subprocess.run(
            ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', self.database, '-c', sql],
            capture_output=True, text=True, check=True, env=self.environment,
        ).stdout.strip()
