""" One clock for PostgreSQL, Odoo and the sandbox, which a test moves.

Every process that is started while the clock governs reads the time of the machine plus what a file
says, see `clock.c`. Time goes on at its usual pace between two moves; what waits for some seconds,
such as a time-out, waits for them in earnest.
"""

import os
import shutil
import struct
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from workbench.system import install_packages, run

SOURCE = Path(__file__).with_name('clock.c')
NANOSECONDS = 10 ** 9


class SimulatedClock:
    """ The clock of a simulation. """

    def __init__(self, folder, begin):
        """
        :param Path folder: A folder that all processes of the simulation can read.
        :param float begin: What time it is at first, in seconds since the epoch.
        """
        self.file, self.library = folder / 'clock', folder / 'clock.so'
        if not shutil.which('cc'):
            install_packages('gcc', 'libc6-dev')
        run(
            ['cc', '-shared', '-fPIC', '-O2', '-Wall', '-o', self.library, SOURCE],
            what="Building the clock",
        )
        self.file.touch(0o644)
        self.offset = 0
        self.move_to(begin)

    def now(self):
        """ Return the simulated time, in seconds since the epoch. """
        return time.time() + self.offset

    def move_to(self, moment):
        """ Set the clock. Nobody moves it back once something was started.

        :param float moment: What time it is, in seconds since the epoch.
        """
        self.offset = moment - time.time()
        with self.file.open('r+b', buffering=0) as file:
            file.write(struct.pack('=q', round(self.offset * NANOSECONDS)))

    @contextmanager
    def govern(self):
        """ Have the processes that are started meanwhile follow the clock. """
        variables = {'LD_PRELOAD': str(self.library), 'SIMULATED_CLOCK': str(self.file)}
        former = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in former.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def describe(moment):
    """ Return a moment as text, in UTC.

    :param float moment: Seconds since the epoch.
    :rtype: str
    """
    return datetime.fromtimestamp(moment, timezone.utc).strftime('%Y-%m-%d %H:%M:%S')
