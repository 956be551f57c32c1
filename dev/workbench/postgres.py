""" PostgreSQL: the one of the PG* variables, else a private one for this run. """

import os
import pwd
import shutil
import time
from pathlib import Path

from .system import (
    Failure,
    end,
    find_free_port,
    install_packages,
    run,
    say,
    start,
)

SETTINGS = (
    'fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200',
    'shared_buffers=256MB', 'listen_addresses=127.0.0.1',
)


def install_postgres(is_private=False):
    """ Install the tools of PostgreSQL, and a server if none is at hand.

    :param bool is_private: Whether that of the PG* variables is not to be used.
    :return: None
    """
    install_packages('postgresql-client-common', 'postgresql-client')
    is_given = os.environ.get('PGHOST') and not is_private
    if not is_given and not list(Path('/usr/lib/postgresql').glob('*/bin/initdb')):
        install_packages('postgresql')


class Postgres:
    """ A PostgreSQL server and the tools to make databases on it. """

    def __init__(self, run_folder, is_private=False, settings=SETTINGS):
        """
        :param Path run_folder: The folder for the data of a private server.
        :param bool is_private: Whether to start a private server in any case.
        :param tuple settings: The settings of a private server.
        """
        self.settings = settings
        install_postgres(is_private)
        if os.environ.get('PGHOST') and not is_private:
            self.host = os.environ['PGHOST']
            self.port = os.environ.get('PGPORT', '5432')
            self.user = os.environ.get('PGUSER', 'odoo')
        else:
            self.host, self.port, self.user = '127.0.0.1', str(find_free_port()), 'odoo'
            self._start_private(run_folder)

    def _start_private(self, run_folder):
        """ Make a cluster and start its server. """
        binaries = max(Path('/usr/lib/postgresql').glob('*/bin'))
        say(f"Starting PostgreSQL on port {self.port}...")
        folder = run_folder / 'postgresql'
        folder.mkdir()
        self.log = log = run_folder / 'postgresql.log'
        prefix = []
        if os.geteuid() == 0:  # PostgreSQL refuses to be run by root.
            account = pwd.getpwnam('postgres')
            os.chown(folder, account.pw_uid, account.pw_gid)
            prefix = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups']
        what = "Starting PostgreSQL"
        run(
            [*prefix, binaries / 'initdb', '-D', folder / 'data', '-U', self.user, '-A', 'trust',
             '-E', 'UTF8', '--no-locale'], log=log, what=what, cwd=folder,
        )
        options = [part for setting in self.settings for part in ('-c', setting)]
        self.command = [
            *prefix, binaries / 'postgres', '-D', folder / 'data', '-p', self.port, '-k', folder,
            *options,
        ]
        self._start_process()

    def restart(self, sign, pause):
        """ Stop a private server, cutting all its connections, and start it again.

        :param signal.Signals sign: `SIGINT` to stop it in order, `SIGQUIT` to have it crash.
        :param float pause: The seconds for which it is away.
        :return: None
        :raise Failure: If it doesn't come back within a minute.
        """
        end(self.process, sign)
        time.sleep(pause)
        self._start_process()

    def _start_process(self):
        """ Start a private server, and wait until it takes connections.

        :raise Failure: If it doesn't within a minute.
        """
        self.process = start(self.command, log=self.log, cwd=self.log.parent)
        for _try in range(600):
            if not run(['pg_isready', '-q'], env=self.environment).returncode:
                return
            time.sleep(0.1)
        raise Failure(f"PostgreSQL did not start. Log: {self.log}")

    @property
    def environment(self):
        """ The variables by which PostgreSQL's tools find the server. """
        return {
            **os.environ, 'PGHOST': self.host, 'PGPORT': self.port, 'PGUSER': self.user,
        }

    def create(self, name, template=None):
        """ Create a database.

        :param str name: The name of the database, which is dropped first if it exists.
        :param str template: The database to copy, if any.
        :return: None
        """
        self.drop(name)
        options = ['-T', template] if template else ['-T', 'template0', '-E', 'UTF8']
        run(
            ['createdb', *options, name], env=self.environment, what=f"Creating database {name}"
        )

    def drop(self, name):
        """ Drop a database if it exists. """
        run(['dropdb', '--if-exists', '--force', name], env=self.environment)

    def dump(self, name, file):
        """ Write a database to a file of the cache. """
        temporary = file.with_suffix('.part')
        run(
            ['pg_dump', '-Fc', '-Z1', '-f', temporary, name], env=self.environment,
            what=f"Saving database {name}",
        )
        shutil.move(temporary, file)

    def restore(self, name, file):
        """ Create a database from a file of the cache. """
        self.create(name)
        run(
            ['pg_restore', '-j2', '--no-owner', '-d', name, file], env=self.environment,
            what=f"Restoring database {name}",
        )

    def query(self, name, sql):
        """ Return what a query prints, unaligned, one row a line. """
        result = run(
            ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', name, '-c', sql],
            env=self.environment, what=f"Querying database {name}",
        )
        return result.stdout.strip()
