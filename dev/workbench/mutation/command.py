""" The command `dev/mutate`: break the code on purpose, and see whether the tests notice. """

import argparse
import json
import os
import sys
from pathlib import Path

from ..odoo_source import find_sources, link_addon
from ..system import DEV, REPOSITORY, Failure, exit_on_signals, make_run_folder, run, say, stop_all
from ..venvs import get_python

# The functions of `utils.py` that decide about signatures, amounts and states.
FUNCTIONS = (
    'build_signing_string', 'compute_signature', 'hash_signing_string', 'verify_signature',
    'format_value', 'parse_json_message', '_get_depth', '_refuse_repeated_fields', 'is_reference',
    'get_currency_decimals', 'to_minor_units', 'to_major_units', 'parse_minor_units',
    'get_target_state', 'is_refusal', 'is_query_answered', 'get_operation_outcome',
    'get_next_check', 'get_next_visit', 'get_signed_fields', 'is_payment_unknown', 'read_setting',
)
# The tests that need no database.
TESTS = ('test_answer_rules', 'test_check_rules', 'test_signature', 'test_utils')
HERE = Path(__file__).parent
SCORE = 95  # The least share of mutants that must be noticed, in percent.


def main():
    """ Run the command.

    :return: The exit status: 0 if enough mutants were noticed.
    :rtype: int
    """
    parser = argparse.ArgumentParser(prog='dev/mutate', description=__doc__)
    parser.add_argument('--series', choices=('17.0', '19.0'), default='17.0')
    arguments = parser.parse_args()
    exit_on_signals()
    try:
        return mutate(arguments.series)
    except Failure as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    finally:
        stop_all()


def mutate(series):
    """ Make the mutants, run the tests on each, and print which survived.

    :param str series: The Odoo to run the tests with.
    :return: The exit status.
    :rtype: int
    """
    folder = make_run_folder()
    number, survivors = map(sum, zip(
        mutate_package(folder), mutate_functions(folder, series), strict=True
    ))
    score = 100 * (number - survivors) / number
    say(f"{number - survivors} of {number} mutants were noticed: {score:.1f} %")
    return int(score < SCORE)


def mutate_package(folder):
    """ Run the tests that need no Odoo on mutants of what they are about, whole modules.

    :param Path folder: A folder for the mutants.
    :return: The number of mutants, and of those that survived.
    :rtype: tuple[int, int]
    """
    mutants = make_mutants(folder / 'package.json', REPOSITORY / 'aps')
    tests = DEV / 'tests' / 'unit'
    return run_mutants(mutants, 'the unit tests', [
        get_python('tools'), HERE / 'run_unit_mutants.py', tests, mutants,
    ], {
        **os.environ, 'APS_RECUT_TEXTS': '60', 'APS_RECUT_SEED': '1',
        'PYTHONDONTWRITEBYTECODE': '1', 'PYTHONPATH': str(DEV),
        'HYPOTHESIS_STORAGE_DIRECTORY': str(folder / 'hypothesis'),
    })


def mutate_functions(folder, series):
    """ Run the tests that need no database on mutants of functions of the addon.

    :param Path folder: A folder for the mutants.
    :param str series: The Odoo to run the tests with.
    :return: The number of mutants, and of those that survived.
    :rtype: tuple[int, int]
    """
    [source] = find_sources(series)
    mutants = make_mutants(folder / 'functions.json', REPOSITORY / 'utils.py', *FUNCTIONS)
    addons = link_addon(folder / 'addons')
    return run_mutants(mutants, ', '.join(TESTS), [
        get_python(series), HERE / 'run_mutants.py', source.path, addons, mutants,
        *TESTS,
    ], source.get_environment(addons))


def make_mutants(file, *arguments):
    """ Write mutants to a file.

    :param Path file: The file.
    :param arguments: What to change.
    :return: The file.
    :rtype: Path
    """
    run([
        get_python('mutation'), HERE / 'make_mutants.py', arguments[0], file,
        *arguments[1:],
    ], what="Making mutants")
    return file


def run_mutants(mutants, tests, command, environment):
    """ Run tests on mutants, and print which survived.

    :param Path mutants: The file of the mutants.
    :param str tests: The names of the tests.
    :param list command: The command, whose last line of output tells the survivors.
    :param dict environment: Its environment.
    :return: The number of mutants, and of those that survived.
    :rtype: tuple[int, int]
    :raise Failure: If the tests can't be run.
    """
    number = len(json.loads(mutants.read_text()))
    say(f"Running {tests} on {number} mutants...")
    result = run(command, env=environment, cwd=DEV)
    if result.returncode:
        raise Failure(f"Running the mutants failed: {result.stderr[-2000:]}")
    survivors = json.loads(result.stdout.splitlines()[-1])
    for survivor in survivors:
        say(f"SURVIVED {survivor['name']}: {survivor['operator']}\n{survivor['diff']}")
    return number, len(survivors)
