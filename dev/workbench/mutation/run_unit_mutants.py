""" Run the tests of what needs no Odoo on mutants of it; run by the interpreter of the tools. """

import contextlib
import importlib
import json
import os
import sys
from pathlib import Path

import pytest
from run_mutants import survives

SECONDS = 300  # Some tests try out very many cases.


def run_tests(folder):
    """ Return whether all tests pass. """
    with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):
        return pytest.main(['-q', '-x', '-p', 'no:cacheprovider', folder]) == 0


def main(folder, file):
    """ Print the mutants that survive, as JSON.

    :param str folder: The folder of the tests, whose conftest imports the package `aps`.
    :param str file: The mutants.
    :return: None
    """
    sys.path.insert(0, folder)
    importlib.import_module('conftest')
    package = importlib.import_module('aps')
    if not survives({'source': ''}, package, lambda: run_tests(folder), SECONDS):
        sys.exit("The tests fail without any mutant.")
    survivors = [
        mutant for mutant in json.loads(Path(file).read_text())
        if survives(
            mutant, importlib.import_module(f'aps.{mutant["name"]}'), lambda: run_tests(folder),
            SECONDS,
        )
    ]
    print(json.dumps(survivors))


if __name__ == '__main__':
    main(*sys.argv[1:])
