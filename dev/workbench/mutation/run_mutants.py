""" Run tests that need no database on mutants; run by the interpreter of Odoo. """

import importlib
import io
import json
import logging
import os
import signal
import sys
import unittest
from pathlib import Path

SECONDS = 20  # A mutant that takes longer is one that was noticed.


def load(source, addons, names):
    """ Import the addon and its tests.

    :param str source: The folder of Odoo.
    :param str addons: The folder that holds the addon.
    :param list[str] names: The modules of the tests.
    :return: The module to mutate, and the tests.
    :rtype: tuple[module, unittest.TestSuite]
    """
    sys.path.insert(0, source)
    from odoo.modules.module import initialize_sys_path
    from odoo.tools import config

    paths = [path for path in (addons, Path(source) / 'addons') if Path(path).is_dir()]
    config.parse_config([f'--addons-path={",".join(map(str, paths))}'])
    initialize_sys_path()
    utils = importlib.import_module('odoo.addons.payment_aps.utils')
    suite = unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromModule(
            importlib.import_module(f'odoo.addons.payment_aps.tests.{name}')
        ) for name in names
    )
    return utils, suite


def run_tests(suite):
    """ Return whether all tests pass. """
    logging.disable(logging.CRITICAL)
    runner = unittest.TextTestRunner(stream=io.StringIO(), failfast=True)
    return runner.run(suite).wasSuccessful()


def survives(mutant, module, are_tests_passed, seconds=SECONDS):
    """ Return whether no test notices a mutant, which lives in a process of its own.

    :param dict mutant: The mutant.
    :param module module: The module that it is put into.
    :param callable are_tests_passed: Runs the tests, and returns whether all pass.
    :param int seconds: The time after which a mutant is one that was noticed.
    :rtype: bool
    """
    child = os.fork()
    if not child:
        signal.alarm(seconds)
        try:
            exec(compile(mutant['source'], 'mutant', 'exec'), vars(module))
            os._exit(0 if are_tests_passed() else 1)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def main(source, addons, file, *names):
    """ Print the mutants that survive, as JSON. """
    utils, suite = load(source, addons, names)
    if not survives({'source': ''}, utils, lambda: run_tests(suite)):
        sys.exit("The tests fail without any mutant.")
    mutants = json.loads(Path(file).read_text())
    print(json.dumps([
        mutant for mutant in mutants if survives(mutant, utils, lambda: run_tests(suite))
    ]))


if __name__ == '__main__':
    main(*sys.argv[1:])
