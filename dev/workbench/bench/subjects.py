""" What is measured: servers that differ in the module, or in the size of their tables. """

import json
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace

from ..odoo import Odoo
from ..rpc import Client
from ..sandbox_process import CREDENTIALS
from ..system import Failure, list_family, say, stop
from ..upgrade import run_script

# A line of Odoo's access log: path, status, number of queries.
ACCESS = re.compile(r'"[A-Z]+ (\S+) HTTP/[\d.]+" \d{3} \S+ (\d+) [\d.]+ [\d.]+$', re.MULTILINE)
MODES = {
    'threaded': (),
    'prefork': (
        '--workers=2', '--limit-request=1000000000', '--limit-time-cpu=100000',
        '--limit-time-real=100000',
    ),
}
# Transactions are copied from this one by the database itself, whichever module made it.
TEMPLATE = 'BENCH-TEMPLATE'
SET_UP = '''
import json
from odoo.tools import hmac
currency = env.ref('base.AED')
currency.active = True
partner = env['res.partner'].create({
    'name': 'Layla Haddad', 'email': 'layla@example.com', 'country_id': env.ref('base.ae').id,
    'lang': 'en_US',
})
provider = env.ref('payment.payment_provider_aps')
credentials = %(credentials)s
provider.write({name: value for name, value in credentials.items() if name in provider._fields})
provider.write({'state': 'test', 'is_published': True})
card = env.ref('payment.payment_method_card')
env['payment.transaction'].create({
    'provider_id': provider.id, 'payment_method_id': card.id, 'amount': 10.0,
    'currency_id': currency.id, 'partner_id': partner.id, 'reference': '%(template)s',
    'operation': 'online_redirect',
})
for key, value in (('web.base.url', 'http://127.0.0.1'), ('web.base.url.freeze', 'True')):
    env['ir.config_parameter'].set_param(key, value)
env.cr.commit()
print('VALUES ' + json.dumps({
    'provider_id': provider.id, 'payment_method_id': card.id, 'partner_id': partner.id,
    'currency_id': currency.id,
    'access_token': hmac(
        env(su=True), 'generate_access_token', f'{partner.id}|10.0|{currency.id}'
    ),
}))
'''


class Subject:
    """ A module in a database of its own, behind a server of its own. """

    def __init__(self, name, odoo, database, values):
        """
        :param str name: The name in the table.
        :param Odoo odoo: The Odoo with the module.
        :param str database: The database.
        :param dict values: The ids that requests need.
        """
        self.name, self.odoo, self.database = name, odoo, database
        self.values = SimpleNamespace(**values)
        self.url = self.process = self.log = None
        self.state = 'test'
        self.pool = []
        self.made = 0

    # === Making === #

    @classmethod
    def install(cls, name, label, source, postgres, folder, addon=None):
        """ Install a module in a new database.

        :param str name: The name in the table.
        :param str label: The name of its folder and database.
        :param Source source: The Odoo to run.
        :param Postgres postgres: The database server.
        :param Path folder: The folder of the run.
        :param Path addon: The folder of the module; ours by default.
        :return: The subject.
        :rtype: Subject
        """
        run_folder = folder / label
        run_folder.mkdir()
        odoo = Odoo(source, postgres, run_folder, addon)
        odoo.data_folder = folder / 'data'  # The files of the base are the same.
        database = odoo.copy_database(odoo.get_base(), f'bench_{label}')
        odoo.execute(
            database, '-i', 'payment_aps', '--no-http', *odoo.without_demo,
            log=odoo.folder / 'install.log', what=f"Installing {name}",
        )
        script = SET_UP % {'credentials': CREDENTIALS, 'template': TEMPLATE}
        output = run_script(odoo, database, script, odoo.addons)
        line = re.search(r'^VALUES (.*)$', output, re.MULTILINE)
        if not line:
            raise Failure(f"{name} could not be set up: {output[-500:]}")
        postgres.query(database, 'VACUUM ANALYZE')
        return cls(name, odoo, database, json.loads(line[1]))

    def copy(self, name, label):
        """ Return a subject with a copy of the database, behind another server.

        :param str name: The name in the table.
        :param str label: What to add to the name of the database.
        :return: The subject.
        :rtype: Subject
        """
        database = self.odoo.copy_database(self.database, f'{self.database}_{label}')
        return Subject(name, self.odoo, database, vars(self.values))

    def query(self, sql):
        """ Return what a query of the database prints. """
        return self.odoo.postgres.query(self.database, sql)

    def insert(self, prefix, number, **values):
        """ Insert copies of the template transaction.

        :param str prefix: What the references begin with; a number follows.
        :param int number: How many.
        :param str values: Other values than those of the template, as SQL.
        :return: None
        """
        rows = self.query(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_name = 'payment_transaction' AND column_name NOT IN ('id', 'reference')"
        ).splitlines()
        columns = ', '.join(f'"{name}"' for name in rows)
        selected = ', '.join(values.get(name) or f't."{name}"' for name in rows)
        self.query(
            # The foreign keys of copies are right; to check them would take minutes.
            "SET session_replication_role = replica; "
            f"INSERT INTO payment_transaction ({columns}, reference) "
            f"SELECT {selected}, '{prefix}-' || n FROM payment_transaction t, "
            f"generate_series({self.made + 1}, {self.made + number}) n "
            f"WHERE t.reference = '{TEMPLATE}'"
        )
        self.made += number

    def set_state(self, state):
        """ Have the provider be live, or in test mode.

        :param str state: `enabled` or `test`.
        :return: None
        """
        if state != self.state:
            Client(self.url, self.database).call(
                'payment.provider', 'write', [self.values.provider_id], {'state': state}
            )
            self.state = state

    def take_transactions(self, number):
        """ Return references of transactions that nobody has used yet.

        :param int number: How many.
        :return: The references.
        :rtype: list[str]
        """
        if len(self.pool) < number:
            first = self.made + 1
            self.insert('BENCH', 1000)
            self.pool += [f'BENCH-{index}' for index in range(first, self.made + 1)]
        taken, self.pool = self.pool[:number], self.pool[number:]
        return taken

    # === Serving === #

    def serve(self, mode, label=None):
        """ Start the server.

        :param str mode: One of `MODES`.
        :param str label: The name of its log; that of the mode by default.
        :return: None
        """
        name = f'{self.database}-{label or mode}'
        self.url, self.process = self.odoo.serve(
            # With a filter, Odoo connects to PostgreSQL anew for each request to list databases.
            self.database, '--db-filter=', '--max-cron-threads=0', *MODES[mode], name=name
        )
        self.log = self.odoo.folder / f'{name}.log'

    def stop(self):
        """ Stop the server. """
        stop(self.process)

    def read_cpu(self):
        """ Return the CPU time that the server and its workers have used.

        :return: The time, in seconds.
        :rtype: float
        """
        total = 0
        for pid in list_family(self.process.pid):
            # The CPU clock of a process: as /proc/<pid>/stat, but exact to the nanosecond.
            total += time.clock_gettime((~pid << 3) | 2)
        return total

    def read_memory(self):
        """ Return the memory that the server and its workers have in use, in MB. """
        pages = sum(
            int(Path(f'/proc/{pid}/statm').read_text().split()[1])
            for pid in list_family(self.process.pid)
        )
        return pages * os.sysconf('SC_PAGE_SIZE') / 1e6

    def get_log_size(self):
        """ Return how long the log of the server is by now. """
        return self.log.stat().st_size

    def read_queries(self, offset, path):
        """ Return the number of queries of each request of a path.

        :param int offset: Where to begin in the log.
        :param str path: The path.
        :return: The numbers.
        :rtype: list[int]
        """
        with open(self.log, 'rb') as file:
            file.seek(offset)
            text = file.read().decode('utf-8', 'replace')
        return [int(queries) for found, queries in ACCESS.findall(text) if found == path]


def serve_all(subjects, mode):
    """ Start the servers of subjects. """
    say(f"Starting {len(subjects)} servers, {mode}...")
    for subject in subjects:
        subject.serve(mode)
