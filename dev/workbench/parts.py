""" The parts of the suite, each of which is run and measured by itself. """

import os
import shutil
import time
import xml.etree.ElementTree
from dataclasses import dataclass, field

from .coverage import FLOORS, Coverage
from .lint import check_style
from .live_host import make_live_host
from .log_check import check_log
from .odoo import APP_MODULES, Odoo
from .odoo_log import read_results, read_times
from .odoo_source import find_sources
from .postgres import Postgres
from .stack import Stack
from .system import DEV, REPOSITORY, Failure, find_free_port, run, say
from .upgrade import check_upgrade
from .venvs import get_python

TESTS = DEV / 'tests'
ALL_TESTS = '/payment_aps'
PARTS_WITHOUT_ODOO = ('lint', 'unit')
# The parts that need a running shop, with the folders of their tests.
SHOP_FOLDERS = {
    'servers': TESTS / 'servers',
    'stress': TESTS / 'stress',
    'browser': TESTS / 'browser',
}
# The part whose shop has every app of Odoo that takes payments, and so a database of its own.
APPS = 'apps'
# The part whose tests start a shop of their own, as they move its clock.
YEARS = 'years'
PARTS_OF_A_SERIES = ('odoo', 'core', 'upgrade', *SHOP_FOLDERS, YEARS, APPS)
PARTS = (*PARTS_WITHOUT_ODOO, *PARTS_OF_A_SERIES)


@dataclass
class Result:
    """ The outcome of a part. """

    name: str = ''
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: tuple = ()
    times: dict = field(default_factory=dict)  # How long each test took, in seconds.
    seconds: float = 0
    figures: tuple = ()  # What tests have measured, with their names.


def list_addons():
    """ Return the folders of the addons that tests install beside ours. """
    return sorted(
        folder for folder in (TESTS / 'modules').iterdir() if (folder / '__manifest__.py').exists()
    )


def make_result(findings):
    """ Return the outcome of a check that finds what is wrong.

    :param list[str] findings: What is wrong, if anything.
    :return: The outcome.
    :rtype: Result
    """
    return Result(passed=int(not findings), failed=len(findings), failures=tuple(findings))


class Parts:
    """ Parts of the suite that are run one after another. """

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.results = []
        self.postgres = None

    def run(self):
        """ Run the parts of one series; a part that fails doesn't stop the others.

        :return: The outcomes.
        :rtype: list[Result]
        """
        [source] = find_sources(self.arguments.series)
        self.postgres = Postgres(self.folder)
        odoo = Odoo(source, self.postgres, self.folder)
        wanted = self.arguments.parts
        coverage = self.arguments.coverage and Coverage(odoo, self.arguments.coverage)
        if 'odoo' in wanted:
            odoo.coverage = coverage
            self._measure(f'odoo {source.series}', self._run_odoo, odoo)
            odoo.coverage = None
        if 'core' in wanted and source.series == '17.0':
            self._measure('core 17.0', self._run_core, odoo)
        if 'upgrade' in wanted:
            self._measure(f'upgrade {source.series}', self._run_upgrade, odoo)
        if set(SHOP_FOLDERS) & set(wanted):
            self._run_on_stack(source, coverage, SHOP_FOLDERS)
        if YEARS in wanted:
            environment = {'APS_SERIES': source.series, 'APS_LOG_FOLDER': str(odoo.folder)}
            self._measure(
                f'{YEARS} {source.series}', self._run_pytest, [TESTS / YEARS], environment
            )
        if APPS in wanted:
            self._run_on_stack(
                source, None, {APPS: TESTS / APPS}, modules=APP_MODULES, others=list_addons(),
            )
        return self.results

    def run_without_odoo(self):
        """ Run the parts that need no Odoo.

        :return: The outcomes.
        :rtype: list[Result]
        """
        if 'lint' in self.arguments.parts:
            self._measure('lint', self._run_lint)
        if 'unit' in self.arguments.parts:
            self._measure('unit', self._run_pytest, [DEV / 'sandbox', TESTS / 'unit'])
        return self.results

    def check_coverage(self, source, folder):
        """ Check how much of the addon the tests of one series ran.

        :param Source source: The Odoo.
        :param Path folder: The folder with what was measured.
        :return: The outcome.
        :rtype: Result
        """
        coverage = Coverage(Odoo(source, None, self.folder), folder)

        def check():
            findings = coverage.check()
            return Result(
                passed=len(FLOORS) - len(findings), failed=len(findings), failures=tuple(findings)
            )

        self._measure(f'coverage {source.series}', check)
        return self.results[-1]

    def _measure(self, name, function, *args):
        """ Run a part, and keep its outcome and duration. """
        say(f"Running {name}...")
        begin = time.monotonic()
        try:
            result = function(*args)
        except Failure as failure:
            result = Result(failed=1, failures=(str(failure),))
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
        return Result(passed=clean, failed=len(findings), failures=tuple(findings))

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

    def _run_odoo(self, odoo):
        """ Run the addon's own tests. """
        return self._install_and_test(odoo, odoo.addons, self.arguments.tags)

    def _run_core(self, odoo):
        """ Run the tests of Odoo's own module on our code. """
        addons = self.folder / 'core-tests'
        staged = addons / 'payment_aps'
        shutil.copytree(
            REPOSITORY, staged, ignore=shutil.ignore_patterns('.git', 'dev', 'tests', '.ci')
        )
        shutil.copytree(odoo.source.core_addon / 'tests', staged / 'tests')
        return self._install_and_test(odoo, addons, ALL_TESTS)

    def _install_and_test(self, odoo, addons, tags):
        """ Install the addon in a copy of the base database and run its tests.

        :param Odoo odoo: The Odoo to run.
        :param Path addons: The addons folder.
        :param str tags: Odoo's --test-tags.
        :return: The outcome.
        :rtype: Result
        """
        database = odoo.copy_database(odoo.get_base(), f'test_{odoo.series.replace(".", "")}')
        log = odoo.folder / f'test-{addons.name}.log'
        odoo.execute(
            database, '-i', 'payment_aps', '--test-tags', tags, '-p', find_free_port(),
            *odoo.without_demo, log=log, addons=addons,
        )
        self.postgres.drop(database)
        text = odoo.read_log(log)
        return Result('', *read_results(text, check_log(text)), times=read_times(text))

    def _run_upgrade(self, odoo):
        """ Move a database from Odoo's own module to ours. """
        failures = check_upgrade(odoo, self.folder)
        return make_result(failures + check_log(odoo.read_log(odoo.folder / 'upgrade.log')))

    def _run_on_stack(self, source, coverage, folders, **addons):
        """ Run the tests that need a running shop.

        :param Source source: The Odoo to run.
        :param Coverage coverage: What measures the servers, if wanted.
        :param dict folders: The parts that can be run on it, with the folders of their tests.
        :param addons: What is installed in the shop, see `Stack`; that of most tests by default.
        :return: None
        """
        try:
            stack = Stack(
                source, self.folder, postgres=self.postgres, coverage=coverage,
                live_host=make_live_host(self.folder), **addons
            )
        except Failure as failure:
            name = f'shop {source.series}'
            self.results.append(Result(name, failed=1, failures=(str(failure),)))
            return
        if {'servers', 'stress'} & set(folders) & set(self.arguments.parts):
            stack.start_second_server()
        environment = stack.get_environment()
        for part, folder in folders.items():
            if part in self.arguments.parts:
                self._measure(f'{part} {source.series}', self._run_pytest, [folder], environment)
        self._measure(f'log of shop {source.series}', self._check_logs, stack.odoo)
        stack.stop()

    @staticmethod
    def _check_logs(odoo):
        """ Look for what must not be in the logs of both servers. """
        logs = [odoo.read_log(log) for log in odoo.folder.glob('s*.log')]
        return make_result([finding for log in logs for finding in check_log(log)])


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
    cases = {
        f'{case.get("classname")}.{case.get("name")}': case for case in suite.iter('testcase')
    }
    failures = [
        name for name, case in cases.items()
        if case.find('failure') is not None or case.find('error') is not None
    ]
    if failed:
        say(log.read_text('utf-8', 'replace')[-12000:])
    if not tests:
        return Result(failed=1, failures=("no test was run",))
    return Result(
        passed=tests - skipped - failed, failed=failed, skipped=skipped, failures=tuple(failures),
        times={name: float(case.get('time')) for name, case in cases.items()},
        figures=tuple(
            f'{case.get("name")}: {told.get("value")}' for case in cases.values()
            for told in case.iter('property') if told.get('name') == 'figure'
        ),
    )
