""" Databases and servers of one Odoo series. """

import hashlib
import re
import shutil

from .odoo_source import link_addon
from .system import CACHE, Failure, find_free_port, locked, run, say, start, wait_for_http
from .venvs import get_python

# What the tests and the demo need around the addon.
BASE_MODULES = 'website_sale,account_payment'
# Every app of Odoo's community edition that takes payments online.
APP_MODULES = ','.join((
    BASE_MODULES, 'website_event_sale', 'website_event_booth_sale', 'website_sale_slides',
    'website_sale_loyalty', 'pos_online_payment_self_order',
))
MAX_NAME_LENGTH = 63  # Of a database.


class Odoo:
    """ One Odoo series with our addon on its path. """

    def __init__(self, source, postgres, run_folder, addon=None):
        """
        :param Source source: The Odoo to run.
        :param Postgres postgres: The database server.
        :param Path run_folder: The folder for logs and files.
        :param Path addon: The folder of the addon; ours by default.
        """
        self.source = source
        self.series = source.series
        self.postgres = postgres
        self.folder = run_folder / f'odoo-{source.series}'
        self.folder.mkdir(exist_ok=True)
        self.data_folder = self.folder / 'data'
        self.python = get_python(source.series)
        self.addons = link_addon(self.folder / 'addons', *([addon] if addon else []))
        self.coverage = None  # A `Coverage`, while it is to be measured.
        self.environment = {}  # More variables of the servers.

    def get_command(self, database, *arguments, addons=None, subcommand=()):
        """ Return the command that runs Odoo on a database. """
        command = self.source.get_command(self.python, addons or self.addons, [
            *subcommand, '-d', database, '--db_host', self.postgres.host,
            '--db_port', self.postgres.port, '-r', self.postgres.user,
            '--data-dir', self.data_folder, *arguments,
        ])
        return self.coverage.wrap(command) if self.coverage else command

    def execute(self, database, *arguments, log, what=None, addons=None):
        """ Run Odoo to its end.

        :param str database: The database.
        :param str arguments: Arguments of Odoo.
        :param Path log: The file that takes its log.
        :param str what: What is done, for the message if it fails.
        :param Path addons: Another addons folder than ours.
        :return: The completed process.
        """
        return run(
            self.get_command(
                database, *arguments, '--stop-after-init', '--max-cron-threads=0', addons=addons
            ),
            log=log, what=what, env=self.source.get_environment(addons or self.addons),
        )

    def copy_database(self, template, name):
        """ Copy a database with its files.

        :param str template: The database to copy.
        :param str name: The new database.
        :return: The new database.
        :rtype: str
        """
        self.postgres.create(name, template=template)
        filestore = self.data_folder / 'filestore'
        shutil.rmtree(filestore / name, ignore_errors=True)
        if (filestore / template).exists():
            shutil.copytree(filestore / template, filestore / name)
        return name

    def get_base(self, modules=BASE_MODULES):
        """ Return a database with the given modules, from the cache if it was made before.

        The addon is not installed in it.

        :param str modules: The modules, separated by commas.
        :return: The name of the database.
        :rtype: str
        """
        name = self._name_base(modules)
        if self.postgres.query('postgres', f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            return name
        dump = CACHE / f'{name}.dump'
        files = CACHE / f'{name}.files'
        filestore = self.data_folder / 'filestore' / name
        with locked(name):  # Other jobs need it as well, and begin at the same time.
            if not (dump.exists() and files.exists()):
                self._make_base(name, modules, dump, files, filestore)
                return name
        self.postgres.restore(name, dump)
        shutil.copytree(files, filestore, dirs_exist_ok=True)
        return name

    def _make_base(self, name, modules, dump, files, filestore):
        """ Make a database with the given modules, and keep it in the cache: its files first.

        :param str name: The name of the database.
        :param str modules: The modules, separated by commas.
        :param Path dump: The file for the database.
        :param Path files: The folder for its files.
        :param Path filestore: Where Odoo has its files.
        :return: None
        """
        say(f"Making a database of Odoo {self.series} with {modules} (a minute)...")
        self.postgres.create(name)
        self.execute(
            name, '-i', modules, '--no-http', *self.without_demo,
            log=self.folder / f'{name}.log', what=f"Making a database of Odoo {self.series}",
        )
        filestore.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(files, ignore_errors=True)
        shutil.copytree(filestore, files)
        self.postgres.dump(name, dump)

    def _name_base(self, modules):
        """ Return the name of the database with the given modules. """
        name = re.sub(r'\W', '_', f'base_{self.series}_{modules}').lower()
        if len(name) > MAX_NAME_LENGTH:
            digest = hashlib.sha256(name.encode()).hexdigest()
            name = re.sub(r'\W', '_', f'base_{self.series}_{digest[:16]}')
        return name

    @property
    def without_demo(self):
        """ The arguments that keep demo data away. """
        return () if self.source.is_package else ('--without-demo=all',)

    def serve(self, database, *arguments, name='server', port=None):
        """ Start a server on a database.

        :param str database: The database.
        :param str arguments: Arguments of Odoo.
        :param str name: The name of the log.
        :param int port: The port to listen on; any free one by default.
        :return: The address of the server and its process.
        :rtype: tuple[str, subprocess.Popen]
        """
        port = port or find_free_port()
        log = self.folder / f'{name}.log'
        process = start(
            self.get_command(
                database, '-p', port, '--http-interface', '127.0.0.1',
                f'--db-filter=^{database}$', '--gevent-port', find_free_port(), *arguments,
            ),
            log=log, cwd=self.folder,
            env={**self.source.get_environment(self.addons), **self.environment},
        )
        url = f'http://127.0.0.1:{port}'
        wait_for_http(f'{url}/web/login', process, log)
        return url, process

    def read_log(self, log):
        """ Return the text of a log, if there is one. """
        try:
            return log.read_text('utf-8', 'replace')
        except FileNotFoundError as error:
            raise Failure(f"Odoo left no log {log.name}") from error
