""" The command `dev/test`: the whole suite, its jobs beside each other. """

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path

from .odoo_source import find_sources
from .parts import ALL_TESTS, PARTS, PARTS_OF_A_SERIES, Parts, Result
from .postgres import install_postgres
from .system import (
    DEV,
    DOING,
    Failure,
    exit_on_signals,
    give_signs_of_life,
    install_packages,
    make_run_folder,
    say,
    start,
    stop_all,
)
from .venvs import get_python

# What runs beside each other, each with servers of its own; those first that take longest when the
# suite is thorough.
JOBS = (
    ('years',), ('servers',), ('stress',), ('browser',), ('odoo', 'core', 'upgrade'), ('apps',),
)
# What of another series than the first one is run by default: what differs between them.
PARTS_OF_ANOTHER_SERIES = ('odoo', 'upgrade')
# How many jobs run at a time, on top of the number of cores: each waits half of its time, for time-
# outs, for pauses of Odoo between two tries, or for a browser.
MORE_JOBS_THAN_CORES = 1
SLOWEST = 10  # How many of the slowest tests are shown.


def parse_arguments():
    """ Return the arguments of the command line. """
    parser = argparse.ArgumentParser(
        prog='dev/test',
        description="Run the test suite. Everything it needs is installed and started. The first "
                    "Odoo at hand runs all parts, another one what differs between them. The last "
                    "line says how many tests passed and failed.",
    )
    parser.add_argument('--series', choices=('17.0', '19.0'), help="run on one series only")
    parser.add_argument(
        '--thorough', action='store_true',
        help="run all parts on every Odoo at hand, with more of what is random or repeated, and "
             "measure the coverage",
    )
    parser.add_argument(
        '--only', metavar='PARTS', help=f"run some parts only, of {','.join(PARTS)}"
    )
    parser.add_argument('--tags', default=ALL_TESTS, help="Odoo's --test-tags")
    parser.add_argument('-k', metavar='PATTERN', help="pytest's -k")
    parser.add_argument('--keep-logs', metavar='FOLDER', help="copy the logs into a folder")
    # Of a child process.
    parser.add_argument('--results', metavar='FILE', help=argparse.SUPPRESS)
    parser.add_argument('--coverage', metavar='FOLDER', help=argparse.SUPPRESS)
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
    os.environ['APS_THOROUGH'] = '1' if arguments.thorough else ''  # Of all tests, see `extent`.
    folder = make_run_folder()
    begin = time.monotonic()
    results = []
    try:
        if arguments.results:
            results = Parts(arguments, folder).run()
        else:
            give_signs_of_life()
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
    return report(results, time.monotonic() - begin)


def report(results, seconds):
    """ Print the outcome of all parts.

    :param list[Result] results: The outcomes.
    :param float seconds: How long it took in all.
    :return: The exit status: 0 if tests were run and none failed.
    :rtype: int
    """
    say(f"\n{'':<28}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}{'set-up':>8}")
    for result in results:
        say(f"{result.name:<28}{result.passed:>8}{result.failed:>8}{result.skipped:>8}"
            f"{result.seconds:>9.0f}{result.seconds - sum(result.times.values()):>8.0f}")
        for failure in result.failures:
            say(f"  FAILED {failure}")
    times = {f'{test} ({result.name})': time for result in results
             for test, time in result.times.items()}
    say(f"\nThe slowest {SLOWEST} tests, in seconds:")
    for test in sorted(times, key=times.get, reverse=True)[:SLOWEST]:
        say(f"{times[test]:>6.1f}  {test}")
    for result in results:
        if result.figures:
            say(f"\nMeasured by {result.name}:")
            say('\n'.join(f"  {figure}" for figure in result.figures))
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    skipped = sum(result.skipped for result in results)
    say(f"\nIn {seconds / 60:.1f} minutes:")
    say(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ''))
    return 0 if passed and not failed else 1


class Suite:
    """ One run of the suite. """

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder

    def run(self):
        """ Run the parts that are wanted; one that fails doesn't stop the others.

        :return: The outcomes.
        :rtype: list[Result]
        """
        results = Parts(self.arguments, self.folder).run_without_odoo()
        if set(self.arguments.parts) & set(PARTS_OF_A_SERIES):
            sources = find_sources(self.arguments.series)
            self._prepare(sources)
            results += self._run_jobs(self._list_jobs(sources))
            results += self._check_coverage(sources)
        return results

    @staticmethod
    def _prepare(sources):
        """ Install what jobs share, so that no two of them do it at the same time. """
        install_packages('chromium', 'openssl')
        install_postgres()
        for name in ('tools', *(source.series for source in sources)):
            get_python(name)

    def _list_jobs(self, sources):
        """ Return what is to be run beside each other.

        :param list[Source] sources: The Odoo of each series, the first one to be run in full.
        :return: The series and parts of each job.
        :rtype: list[tuple]
        """
        is_narrowed = self.arguments.only or self.arguments.k or self.arguments.tags != ALL_TESTS
        jobs = []
        for job in JOBS:
            for number, source in enumerate(sources):
                is_whole = number == 0 or self.arguments.thorough or is_narrowed
                wanted = PARTS_OF_A_SERIES if is_whole else PARTS_OF_ANOTHER_SERIES
                parts = [part for part in job if part in wanted and part in self.arguments.parts]
                if parts:
                    jobs.append((source.series, parts))
        return jobs

    def _run_jobs(self, jobs):
        """ Run jobs in processes of their own, one more at a time than there are cores.

        :param list[tuple] jobs: The series and parts of each job.
        :return: The outcomes.
        :rtype: list[Result]
        """
        waiting, running, results = list(jobs), {}, {}
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1) + MORE_JOBS_THAN_CORES:
                job = waiting.pop(0)
                file = self.folder / f'{job[0]}-{job[1][0]}.json'
                running[start(self._get_command(*job, file))] = (job, file)
                DOING.add(describe_job(job))
            for process in [process for process in running if process.poll() is not None]:
                job, file = running.pop(process)
                DOING.discard(describe_job(job))
                results[jobs.index(job)] = read_job_results(job, file)
            time.sleep(0.2)
        return [result for number in sorted(results) for result in results[number]]

    def _get_command(self, series, parts, file):
        """ Return the command that runs a job.

        :param str series: The series of Odoo.
        :param list[str] parts: The parts.
        :param Path file: The file that takes the outcomes.
        :return: The command.
        :rtype: list
        """
        command = [
            sys.executable, DEV / 'test', '--series', series, '--only', ','.join(parts),
            '--tags', self.arguments.tags, '--results', file,
        ]
        if self.arguments.thorough:
            command.append('--thorough')
        if self.arguments.k:
            command += ['-k', self.arguments.k]
        if self.arguments.keep_logs:
            command += ['--keep-logs', Path(self.arguments.keep_logs) / f'{series}-{parts[0]}']
        if self._is_coverage_wanted():
            command += ['--coverage', self.folder / f'coverage-{series}']
        return command

    def _is_coverage_wanted(self):
        """ Return whether all tests are run that together cover the addon.

        Measuring takes half as much time again as what is measured, so it isn't the default.
        """
        is_complete = self.arguments.tags == ALL_TESTS and not self.arguments.k
        is_measured = {'odoo', 'servers', 'stress'} <= set(self.arguments.parts)
        return self.arguments.thorough and is_complete and is_measured

    def _check_coverage(self, sources):
        """ Check how much of the addon the tests ran, on each series. """
        if not self._is_coverage_wanted():
            return []
        return [
            Parts(self.arguments, self.folder).check_coverage(
                source, self.folder / f'coverage-{source.series}'
            ) for source in sources
        ]


def describe_job(job):
    """ Return the name of a job: its parts and its series. """
    return f'{" and ".join(job[1])} {job[0]}'


def read_job_results(job, file):
    """ Return the outcomes of a job.

    :param tuple job: The series and parts.
    :param Path file: The file that took them.
    :return: The outcomes; a failure if there are none.
    :rtype: list[Result]
    """
    if file.exists():
        return [Result(**values) for values in json.loads(file.read_text())]
    return [Result(describe_job(job), failed=1, failures=("The run ended unexpectedly.",))]
