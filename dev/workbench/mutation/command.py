""" The command `dev/mutate`: break the code on purpose, and see whether the tests notice. """

import argparse
import json
import os
import sys
from pathlib import Path

from ..system import (
    DEV,
    REPOSITORY,
    Failure,
    exit_on_signals,
    make_run_folder,
    run,
    say,
    start,
    stop_all,
)
from ..venvs import get_python

HERE = Path(__file__).parent
PACKAGE = REPOSITORY / 'aps'  # What needs no Odoo, so that its tests take seconds.
TESTS = DEV / 'tests' / 'unit'
SCORE = 97  # The least share of mutants that must be noticed, in percent.


def parse_arguments():
    """ Return the arguments of the command line. """
    parser = argparse.ArgumentParser(
        prog='dev/mutate',
        description="Break each file of the package aps in each way that cosmic-ray knows, and "
                    "count how often the tests that need no Odoo notice. Prints what was not "
                    f"noticed, and fails below {SCORE} %.",
    )
    parser.add_argument(
        'modules', nargs='*', metavar='MODULE',
        help="break these modules only, such as signature; all that hold functions by default",
    )
    return parser.parse_args()


def main():
    """ Run the command.

    :return: The exit status: 0 if enough mutants were noticed.
    :rtype: int
    """
    exit_on_signals()
    arguments = parse_arguments()
    try:
        folder = make_run_folder()
        mutants = make_mutants(folder / 'mutants.json', arguments.modules)
        return report(run_mutants(mutants, folder / 'survivors.json'))
    except Failure as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    finally:
        stop_all()


def make_mutants(file, modules):
    """ Write the mutants of the package to a file.

    :param Path file: The file.
    :param list[str] modules: The only modules to break, if any.
    :return: The file.
    :rtype: Path
    :raise Failure: If there are none.
    """
    say("Making mutants...")
    run(
        [get_python('mutation'), HERE / 'make_mutants.py', PACKAGE, file, *modules],
        what="Making mutants",
    )
    if not json.loads(file.read_text()):
        raise Failure(f"There is nothing to break; {PACKAGE.name} has no such module.")
    return file


def run_mutants(mutants, survivors):
    """ Run the tests on each mutant, as many at a time as there are cores.

    :param Path mutants: The file of the mutants.
    :param Path survivors: The file that takes how many of each module were run, and survived.
    :return: The content of that file.
    :rtype: dict
    :raise Failure: If the tests can't be run.
    """
    process = start([
        get_python('tools'), HERE / 'run_mutants.py', PACKAGE, TESTS, mutants, survivors,
    ], cwd=DEV, env={
        **os.environ, 'APS_RECUT_TEXTS': '60', 'APS_RECUT_SEED': '1',
        'PYTHONDONTWRITEBYTECODE': '1', 'PYTHONPATH': str(DEV),
        'HYPOTHESIS_STORAGE_DIRECTORY': str(survivors.parent / 'hypothesis'),
    })
    if process.wait() or not survivors.exists():
        raise Failure("Running the mutants failed.")
    return json.loads(survivors.read_text())


def report(outcomes):
    """ Print how many mutants were noticed.

    :param dict outcomes: The number of mutants and of survivors, by module.
    :return: The exit status.
    :rtype: int
    """
    for module, (number, survivors) in outcomes.items():
        say(f"{module:<20}{number - survivors:>6} of {number}")
    number, survivors = map(sum, zip(*outcomes.values(), strict=True))
    score = 100 * (number - survivors) / number
    say(f"{number - survivors} of {number} mutants were noticed: {score:.1f} %")
    return int(score < SCORE)
