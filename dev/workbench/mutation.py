""" The command `dev/mutate`: break the code on purpose, and see whether the tests notice. """

import argparse
import json
import sys

from .odoo_source import find_sources, link_addon
from .system import DEV, REPOSITORY, Failure, exit_on_signals, make_run_folder, run, say, stop_all
from .venvs import get_python

# The functions of `utils.py` that decide about signatures, amounts and states.
FUNCTIONS = (
    'build_signing_string', 'compute_signature', 'hash_signing_string', 'verify_signature',
    'format_value', 'parse_json_message', '_get_depth', '_refuse_repeated_fields', 'is_reference',
    'get_currency_decimals', 'to_minor_units', 'to_major_units', 'parse_minor_units',
    'get_target_state', 'is_refusal', 'is_query_answered', 'get_operation_outcome',
    'get_next_check', 'is_ambiguous', '_resembles_decisive_field', 'read_setting',
)
# The tests that need no database.
TESTS = ('test_answer_rules', 'test_signature', 'test_utils')
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
    [source] = find_sources(series)
    mutants = folder / 'mutants.json'
    run(
        [get_python('mutation'), DEV / 'workbench' / 'make_mutants.py', REPOSITORY / 'utils.py',
         mutants, *FUNCTIONS], what="Making mutants",
    )
    number = len(json.loads(mutants.read_text()))
    say(f"Running {', '.join(TESTS)} on {number} mutants...")
    addons = link_addon(folder / 'addons')
    result = run(
        [get_python(series), DEV / 'workbench' / 'run_mutants.py', source.path, addons, mutants,
         *TESTS], env=source.get_environment(addons),
    )
    if result.returncode:
        raise Failure(f"Running the mutants failed: {result.stderr[-2000:]}")
    survivors = json.loads(result.stdout.splitlines()[-1])
    for survivor in survivors:
        say(f"SURVIVED {survivor['function']}: {survivor['operator']}\n{survivor['diff']}")
    score = 100 * (number - len(survivors)) / number
    say(f"{number - len(survivors)} of {number} mutants were noticed: {score:.1f} %")
    return int(score < SCORE)
