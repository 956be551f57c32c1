""" The command `dev/test`: the whole suite, part by part. """

import argparse
import json
import os
import shutil
import sys
import time
import xml.etree.ElementTree
from dataclasses import asdict, dataclass
from pathlib import Path

from .coverage import FLOORS, Coverage
from .lint import check_style
from .log_check import check_log
from .odoo import Odoo
from .odoo_log import read_results
from .odoo_source import find_sources
from .postgres import Postgres, install_postgres
from .stack import Stack
from .system import (
    DEV,
    REPOSITORY,
    Failure,
    exit_on_signals,
    find_free_port,
    install_packages,
    make_run_folder,
    run,
    say,
    start,
    stop,
    stop_all,
)
from .upgrade import check_upgrade
from .venvs import get_python

ALL_TESTS = '/payment_aps'
PARTS = ('lint', 'unit', 'odoo', 'core', 'upgrade', 'servers', 'browser')


@dataclass
class Result:
    """ The outcome of a part. """

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0
    failures: tuple = ()


def parse_arguments():
    """ Return the arguments of the command line. """
    parser = argparse.ArgumentParser(
        prog='dev/test',
        description="Run the whole test suite on every Odoo at hand. Everything it needs is "
                    "installed and started. The last line says how many tests passed and failed.",
    )
    parser.add_argument('--series', choices=('17.0', '19.0'), help="run on one series only")
    parser.add_argument(
        '--only', metavar='PARTS', help=f"run some parts only, of {','.join(PARTS)}"
    )
    parser.add_argument('--tags', default=ALL_TESTS, help="Odoo's --test-tags")
    parser.add_argument('-k', metavar='PATTERN', help="pytest's -k")
    parser.add_argument('--keep-logs', metavar='FOLDER', help="copy the logs into a folder")
    parser.add_argument('--results', metavar='FILE', help=argparse.SUPPRESS)  # Of a child process.
    arguments = parser.parse_args()
    arguments.parts = arguments.only.split(',') if arguments.only else PARTS
    if set(arguments.parts) - set(PARTS):
        parser.error(f"--only takes some of {','.join(PARTS)}")
    return arguments


def main():
    """ Run the command.

    :return: The exit status.
    :rtype: int
    """
    exit_on_signals()
    arguments = parse_arguments()
    folder = make_run_folder()
    results = []
    try:
        results = Suite(arguments, folder).run()
    except Failure as failure:
        print(f"Error: {failure}", file=sys.stderr)
        results.append(Result('set-up', failed=1, failures=(str(failure),)))
    finally:
        stop_all()
        if arguments.keep_logs:
            shutil.copytree(
                folder, arguments.keep_logs, dirs_exist_ok=True,
                ignore=shutil.ignore_patterns('postgresql', 'data', 'addons*'),
            )
    if arguments.results:
        Path(arguments.results).write_text(json.dumps([asdict(result) for result in results]))
        return 0
    return report(results)


def report(results):
    """ Print the outcome of all parts.

    :param list[Result] results: The outcomes.
    :return: The exit status: 0 if tests were run and none failed.
    :rtype: int
    """
    say("")
    for result in results:
        say(f"{result.name:<28}{result.passed:>6} passed{result.failed:>6} failed"
            f"{result.skipped:>6} skipped{result.seconds:>8.0f} s")
        for failure in result.failures:
            say(f"  FAILED {failure}")
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    skipped = sum(result.skipped for result in results)
    say(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ''))
    return 0 if passed and not failed else 1


class Suite:
    """ One run of the suite. """

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.results = []
        self.postgres = None

    def run(self):
        """ Run the parts that are wanted; a part that fails doesn't stop the others.

        :return: The outcomes.
        :rtype: list[Result]
        """
        if 'lint' in self.arguments.parts:
            self._measure('lint', self._run_lint)
        if 'unit' in self.arguments.parts:
            self._measure('unit', self._run_pytest, [DEV / 'sandbox'])
        if not set(self.arguments.parts) - {'lint', 'unit'}:
            return self.results
        sources = find_sources(self.arguments.series)
        install_packages('chromium')
        if len(sources) == 1:
            self._run_series(sources[0])
        else:
            self._run_side_by_side(sources)
        return self.results

    def _run_side_by_side(self, sources):
        """ Run the parts of several series at the same time, each in a process of its own.

        :param list[Source] sources: The Odoo of each series.
        :return: None
        """
        install_postgres()
        get_python('tools')  # Shared, so it must not be made by both.
        parts = [part for part in self.arguments.parts if part not in ('lint', 'unit')]
        processes = {}
        for source in sources:
            arguments = ['--series', source.series, '--only', ','.join(parts),
                         '--tags', self.arguments.tags]
            if self.arguments.k:
                arguments += ['-k', self.arguments.k]
            if self.arguments.keep_logs:
                arguments += ['--keep-logs', Path(self.arguments.keep_logs) / source.series]
            results = self.folder / f'{source.series}.json'
            processes[results] = start(
                [sys.executable, DEV / 'test', *arguments, '--results', results]
            )
        for results, process in processes.items():
            process.wait()
            stop(process)
            self.results += (
                [Result(**values) for values in json.loads(results.read_text())]
                if results.exists() else
                [Result(results.stem, failed=1, failures=("The run ended unexpectedly.",))]
            )

    def _run_series(self, source):
        """ Run the parts of one series.

        :param Source source: The Odoo to run.
        :return: None
        """
        self.postgres = Postgres(self.folder)
        odoo = Odoo(source, self.postgres, self.folder)
        coverage = Coverage(odoo) if self._is_coverage_wanted() else None
        if 'odoo' in self.arguments.parts:
            odoo.coverage = coverage
            self._measure(f'odoo {source.series}', self._run_odoo_tests, odoo)
            odoo.coverage = None
        if 'core' in self.arguments.parts and source.series == '17.0':
            self._measure('core 17.0', self._run_core_tests, odoo)
        if 'upgrade' in self.arguments.parts:
            self._measure(f'upgrade {source.series}', self._run_upgrade, odoo)
        if {'servers', 'browser'} & set(self.arguments.parts):
            self._run_on_stack(source, coverage)
        if coverage:
            self._measure(f'coverage {source.series}', self._check_coverage, coverage)

    def _is_coverage_wanted(self):
        """ Return whether all tests are run that together cover the addon. """
        is_complete = self.arguments.tags == ALL_TESTS and not self.arguments.k
        return is_complete and {'odoo', 'servers'} <= set(self.arguments.parts)

    def _measure(self, name, function, *args):
        """ Run a part, and keep its outcome and duration. """
        say(f"Running {name}...")
        begin = time.monotonic()
        try:
            result = function(*args)
        except Failure as failure:
            result = Result(name, failed=1, failures=(str(failure),))
        result.name = name
        result.seconds = time.monotonic() - begin
        self.results.append(result)
        say(f"  {name}: {result.passed} passed, {result.failed} failed in "
            f"{result.seconds:.0f} s")
        for failure in result.failures:
            say(f"  FAILED {failure}")

    def _run_lint(self):
        """ Check the style of the code. """
        clean, findings = check_style(self.folder)
        return Result('', passed=clean, failed=len(findings), failures=tuple(findings))

    def _check_coverage(self, coverage):
        """ Check how much of the addon the tests ran. """
        findings = coverage.check()
        return Result(
            '', passed=len(FLOORS) - len(findings), failed=len(findings), failures=tuple(findings)
        )

    def _run_pytest(self, paths, environment=None):
        """ Run tests with the tools' pytest.

        :param list[Path] paths: The folders of the tests.
        :param dict environment: Variables that tell the tests about a running shop.
        :return: The outcome.
        :rtype: Result
        """
        report_file = self.folder / 'pytest.xml'
        report_file.unlink(missing_ok=True)
        log = self.folder / f'pytest-{"-".join(path.name for path in paths)}.log'
        pattern = ['-k', self.arguments.k] if self.arguments.k else []
        run(
            [get_python('tools'), '-m', 'pytest', '-q', '-p', 'no:cacheprovider',
             f'--junitxml={report_file}', *pattern, *paths],
            log=log, cwd=DEV,
            env={**os.environ, 'PYTHONPATH': str(DEV), 'PYTHONDONTWRITEBYTECODE': '1',
                 'HYPOTHESIS_STORAGE_DIRECTORY': str(self.folder / 'hypothesis'),
                 **(environment or {})},
        )
        if not report_file.exists():
            raise Failure(f"pytest made no report. Log: {log}\n{log.read_text()[-2000:]}")
        return read_junit(report_file, log)

    def _run_odoo_tests(self, odoo):
        """ Run the addon's own tests. """
        return self._install_and_test(odoo, odoo.get_base(), odoo.addons, self.arguments.tags)

    def _run_core_tests(self, odoo):
        """ Run the tests of Odoo's own module on our code. """
        addons = self.folder / 'core-tests'
        staged = addons / 'payment_aps'
        shutil.copytree(
            REPOSITORY, staged, ignore=shutil.ignore_patterns('.git', 'dev', 'tests', '.ci')
        )
        shutil.copytree(odoo.source.core_addon / 'tests', staged / 'tests')
        return self._install_and_test(odoo, odoo.get_base(), addons, '/payment_aps')

    def _install_and_test(self, odoo, base, addons, tags):
        """ Install the addon in a copy of a database and run its tests.

        :param Odoo odoo: The Odoo to run.
        :param str base: The database to copy.
        :param Path addons: The addons folder.
        :param str tags: Odoo's --test-tags.
        :return: The outcome.
        :rtype: Result
        """
        database = odoo.copy_database(base, f'test_{odoo.series.replace(".", "")}')
        log = odoo.folder / f'test-{base}-{addons.name}.log'
        odoo.execute(
            database, '-i', 'payment_aps', '--test-tags', tags, '-p', find_free_port(),
            *odoo.without_demo, log=log, addons=addons,
        )
        self.postgres.drop(database)
        text = odoo.read_log(log)
        return Result('', *read_results(text, check_log(text)))

    def _run_upgrade(self, odoo):
        """ Move a database from Odoo's own module to ours. """
        failures = check_upgrade(odoo, self.folder)
        failures += check_log(odoo.read_log(odoo.folder / 'upgrade.log'))
        return Result('', passed=int(not failures), failed=len(failures), failures=tuple(failures))

    def _run_on_stack(self, source, coverage):
        """ Run the tests that need a running shop.

        :param Source source: The Odoo to run.
        :param Coverage coverage: What measures the servers, if wanted.
        :return: None
        """
        name = f'shop {source.series}'
        try:
            stack = Stack(source, self.folder, postgres=self.postgres, coverage=coverage)
        except Failure as failure:
            self.results.append(Result(name, failed=1, failures=(str(failure),)))
            return
        if 'servers' in self.arguments.parts:
            stack.start_second_server()
        environment = stack.get_environment()
        for part in ('servers', 'browser'):
            if part in self.arguments.parts:
                folder = DEV / f'{part.removesuffix("s")}_tests'
                self._measure(f'{part} {source.series}', self._run_pytest, [folder], environment)
        findings = [
            finding for log in stack.odoo.folder.glob('s*.log')  # Of both servers.
            for finding in check_log(stack.odoo.read_log(log))
        ]
        self.results.append(Result(
            f'log of shop {source.series}', passed=int(not findings), failed=len(findings),
            failures=tuple(findings),
        ))
        stack.stop()


def read_junit(report_file, log):
    """ Return the outcome that pytest wrote to a file.

    :param Path report_file: The report, in JUnit's format.
    :param Path log: What pytest printed; shown if a test failed.
    :return: The outcome.
    :rtype: Result
    """
    suite = xml.etree.ElementTree.parse(report_file).getroot().find('testsuite')
    tests, skipped = int(suite.get('tests')), int(suite.get('skipped'))
    failed = int(suite.get('failures')) + int(suite.get('errors'))
    failures = [
        f'{case.get("classname")}.{case.get("name")}'
        for case in suite.iter('testcase')
        if case.find('failure') is not None or case.find('error') is not None
    ]
    if failed:
        say(log.read_text('utf-8', 'replace')[-12000:])
    if not tests:
        failed, failures = 1, ["no test was run"]
    return Result('', tests - skipped - failed if tests else 0, failed, skipped, 0, tuple(failures))
