""" Parts of a job that run beside one another. """

import logging
import threading

_logger = logging.getLogger(__name__)


class Worker(threading.Thread):
    """ Runs a function with a cursor of its own, so that nobody waits for what it waits for. """

    def __init__(self, env, name, function):
        """
        :param Environment env: The environment of the job, of which user and context are taken.
        :param str name: The name, for the log.
        :param callable function: Takes the environment of the worker. It commits what it writes.
        """
        super().__init__(name=f'aps.{name}', daemon=True)
        self.dbname = env.cr.dbname  # For Odoo's log.
        self.result = None
        self.has_failed = False
        self._env, self._function = env, function

    def run(self):
        """ Run the function, and keep its result. """
        try:
            with self._env.registry.cursor() as cr:
                self.result = self._function(self._env(cr=cr))
        except Exception:  # The other workers are not to suffer.
            self.has_failed = True
            _logger.exception("The worker %s ended with an error.", self.name)
