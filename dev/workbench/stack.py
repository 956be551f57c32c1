""" A shop that is up and running: PostgreSQL, Odoo and the sandbox. """

from .live_host import CERTIFICATE, PROXY
from .odoo import BASE_MODULES, Odoo
from .postgres import Postgres
from .rpc import Client
from .sandbox_process import Sandbox
from .shop import connect_shop, prepare_shop
from .system import say, stop


class Stack:
    """ A running shop of one Odoo series. """

    def __init__(
        self, source, run_folder, postgres=None, port=None, sandbox_port=None, coverage=None,
        modules=BASE_MODULES, others=(), database=None, live_host=None, retry_interval=1,
    ):
        """
        :param Source source: The Odoo to run.
        :param Path run_folder: The folder for logs and files.
        :param Postgres postgres: The database server; a new one by default.
        :param int port: The port of Odoo; any free one by default.
        :param int sandbox_port: The port of the sandbox; any free one by default.
        :param Coverage coverage: What measures the servers, if wanted.
        :param str modules: The modules of Odoo to install, separated by commas.
        :param list[Path] others: The folders of more addons to install beside ours.
        :param str database: The name of the database, if another shop of the series is running.
        :param dict live_host: The variables of `make_live_host`, if APS's live host is to be one
                               that tests open.
        :param float retry_interval: The seconds after which the sandbox repeats a notification.
        """
        self.postgres = postgres or Postgres(run_folder)
        self.second_url = self.second_process = None
        self.odoo = Odoo(source, self.postgres, run_folder)
        self.database = database or 'shop_' + source.series.replace('.', '')
        self.sandbox = Sandbox(run_folder, sandbox_port, retry_interval)
        self._install(modules, others)
        self.odoo.coverage = coverage
        self.odoo.environment = live_host or {}
        say(f"Starting Odoo {source.series}...")
        self.url, self.process = self.odoo.serve(self.database, name='shop', port=port)
        self.rpc = Client(self.url, self.database)
        say("Setting up the shop...")
        prepare_shop(self.rpc)
        connect_shop(self.rpc, self.url, self.sandbox.url)
        self.sandbox.connect(self.url)

    def _install(self, modules, others):
        """ Install the addon, and others, in a copy of the base database. """
        for other in others:
            (self.odoo.addons / other.name).symlink_to(other)
        base = self.odoo.get_base(modules)
        self.odoo.copy_database(base, self.database)
        say("Installing payment_aps...")
        self.odoo.execute(
            self.database, '-i', ','.join(['payment_aps', *(other.name for other in others)]),
            '--no-http', *self.odoo.without_demo, log=self.odoo.folder / 'install.log',
            what="Installing payment_aps",
        )

    def start_second_server(self):
        """ Start another server on the same database. """
        self.second_url, self.second_process = self.odoo.serve(self.database, name='second')

    def get_environment(self):
        """ Return the variables that tell tests about this shop. """
        return {
            'APS_SECOND_URL': self.second_url or '',
            **self.postgres.environment,
            'APS_LIVE_PROXY': self.odoo.environment.get(PROXY, ''),
            'APS_LIVE_CERTIFICATE': self.odoo.environment.get(CERTIFICATE, ''),
            'APS_SERIES': self.odoo.series,
            'APS_SHOP_URL': self.url,
            'APS_DATABASE': self.database,
            'APS_LOG_FOLDER': str(self.odoo.folder),
            'APS_SHOP_PID': str(self.process.pid),
            'APS_SANDBOX_URL': self.sandbox.url,
        }

    def stop(self):
        """ Stop the servers. """
        for process in (self.process, self.second_process, self.sandbox.process):
            if process:
                stop(process)

    def read_payment(self, reference):
        """ Return what Odoo knows of a payment.

        :param str reference: The reference of the transaction.
        :return: The states of the transaction, the orders and the accounting payment.
        :rtype: dict
        """
        return read_payment(self.rpc, reference)


def read_payment(rpc, reference):
    """ Return what Odoo knows of a payment; see `Stack.read_payment`. """
    transaction = rpc.search_read('payment.transaction', [('reference', '=', reference)], [
        'reference', 'state', 'state_message', 'amount', 'currency_id', 'provider_reference',
        'payment_method_code', 'is_post_processed', 'sale_order_ids', 'invoice_ids', 'payment_id',
    ])[0]
    orders = rpc.call(
        'sale.order', 'read', transaction['sale_order_ids'], ['name', 'state', 'amount_total']
    )
    payment_id = transaction['payment_id'] and transaction['payment_id'][0]
    payment = payment_id and rpc.call(
        'account.payment', 'read', [payment_id], ['name', 'state', 'amount', 'currency_id']
    )[0]
    return {'transaction': transaction, 'orders': orders, 'payment': payment}
