""" The command `dev/bench`: this addon and Odoo's own module, side by side. """

import argparse
import datetime
import json
import platform
import shutil
import sys
from pathlib import Path

from ..odoo_source import find_sources
from ..postgres import Postgres
from ..system import Failure, exit_on_signals, make_run_folder, say, stop_all
from .cases import CASES
from .figures import make_row, print_rows
from .growth import measure_cron, measure_growth
from .nodes import measure_nodes
from .subjects import MODES, Subject, serve_all
from .wait import measure_wait

PARTS = ('compare', 'wait', 'growth', 'cron')
QUICK_ROUNDS = 8
NODES_PAYMENTS, QUICK_NODES_PAYMENTS = 10_000, 500
OURS, CORE = "this addon", "Odoo's own"


def parse_arguments():
    """ Return the arguments of the command line. """
    parser = argparse.ArgumentParser(
        prog='dev/bench',
        description="Measure this addon beside Odoo's own module: CPU time of the server and "
                    "queries per request, and how long one waits. Both run on this machine at the "
                    "same time and are asked in turn, so that the ratios hold although the machine "
                    "may be busy. Everything it needs is installed and started.",
    )
    parser.add_argument(
        '--cases', metavar='CASES', help=f"measure some cases only, of {','.join(CASES)}"
    )
    parser.add_argument('--mode', choices=MODES, help="run the servers in one way only")
    parser.add_argument(
        '--only', metavar='PARTS', help=f"run some parts only, of {','.join(PARTS)}"
    )
    parser.add_argument(
        '--quick', action='store_true',
        help="fewer rounds, of threaded servers and without growth: less than 3 minutes",
    )
    parser.add_argument(
        '--self', action='store_true', dest='is_self',
        help="compare Odoo's own module with itself; fails unless all ratios are 1 but for noise",
    )
    parser.add_argument(
        '--nodes', metavar='PAYMENTS', type=int, nargs='?', const=NODES_PAYMENTS,
        help="only have two servers behind nginx take notices of many payments, "
             f"{NODES_PAYMENTS:,} by default, or {QUICK_NODES_PAYMENTS} with --quick",
    )
    parser.add_argument('--json', metavar='FILE', type=Path, help="write the figures to a file")
    parser.add_argument('--keep-logs', metavar='FOLDER', help="copy the logs into a folder")
    arguments = parser.parse_args()
    arguments.cases = arguments.cases.split(',') if arguments.cases else list(CASES)
    is_short = arguments.quick or arguments.is_self
    arguments.parts = (arguments.only or ('compare' if is_short else ','.join(PARTS))).split(',')
    if arguments.nodes is not None:
        arguments.parts = []
        if arguments.quick:
            arguments.nodes = min(arguments.nodes, QUICK_NODES_PAYMENTS)
    arguments.modes = list(MODES)
    if arguments.mode or arguments.quick:
        arguments.modes = [arguments.mode or 'threaded']
    if set(arguments.cases) - set(CASES):
        parser.error(f"--cases takes some of {','.join(CASES)}")
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
    try:
        return Bench(arguments, folder).run()
    except Failure as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    finally:
        stop_all()
        if arguments.keep_logs:
            shutil.copytree(
                folder, arguments.keep_logs, dirs_exist_ok=True,
                ignore=shutil.ignore_patterns('postgresql', 'data', 'addons*'),
            )


class Bench:
    """ One run of the benchmark. """

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.source = find_core_source()
        self.postgres = Postgres(folder, is_private=True)
        self.report = {'command': sys.argv[1:], **describe_machine(self.postgres)}
        self.installed = {}

    def run(self):
        """ Run the parts that are wanted.

        :return: The exit status.
        :rtype: int
        """
        is_good = True
        if 'compare' in self.arguments.parts:
            is_good = self._compare()
        if 'wait' in self.arguments.parts:
            modules = [self._install('ours'), self._install('core')]
            self._report('wait', measure_wait(self, modules))
        if 'growth' in self.arguments.parts:
            modules = [self._install('ours'), self._install('core')]
            self._report('growth', measure_growth(self, modules))
        if 'cron' in self.arguments.parts:
            self._report('cron', measure_cron(self, self._install('ours')))
        if self.arguments.nodes is not None:
            figures = measure_nodes(self, self._install('ours'), self.arguments.nodes)
            self.report['nodes'] = figures
            is_good = not figures['lost'] and not figures['twice']
        if self.arguments.json:
            self.arguments.json.write_text(json.dumps(self.report, indent=1) + '\n')
        return 0 if is_good else 1

    def _report(self, part, rows):
        """ Keep the lines of the table for the file. """
        self.report[part] = [row.as_dict() for row in rows]

    def _install(self, label):
        """ Return a module in a database of its own, which is made once.

        :param str label: `ours`, `core`, or `again`, which is Odoo's own once more.
        :return: The subject, which isn't running: copies of it are measured.
        :rtype: Subject
        """
        if label not in self.installed:
            name = {'ours': OURS, 'core': CORE, 'again': f"{CORE} again"}[label]
            say(f"Installing {name}...")
            self.installed[label] = Subject.install(
                name, label, self.source, self.postgres, self.folder,
                None if label == 'ours' else self.source.core_addon,
            )
        return self.installed[label]

    def measure(self, case, subjects):
        """ Run rounds of a case on subjects in turn, after one that doesn't count.

        :param Case case: The case.
        :param list[Subject] subjects: The subjects.
        :return: The samples of each subject, in the order of the rounds.
        :rtype: dict[Subject, list[Sample]]
        """
        say(f"  {case.title}...")
        samples = {subject: [] for subject in subjects}
        for subject in subjects:
            case.run(subject)
        for index in range(QUICK_ROUNDS if self.arguments.quick else case.rounds):
            # Nobody is always the first one.
            for subject in (subjects if index % 2 else reversed(subjects)):
                samples[subject].append(case.run(subject))
        return samples

    def _compare(self):
        """ Compare two modules in all cases and modes.

        :return: Whether Odoo's own module equals itself; true if that isn't asked.
        :rtype: bool
        """
        is_self = self.arguments.is_self
        modules = [self._install('again' if is_self else 'ours'), self._install('core')]
        subjects = [module.copy(module.name, 'compared') for module in modules]
        rows = []
        for mode in self.arguments.modes:
            serve_all(subjects, mode)
            for name in self.arguments.cases:
                case = CASES[name]()
                row = self._measure_pair(mode, case, *subjects)
                if not is_self:
                    row.target, row.target_of = case.target, case.target_of
                rows.append(row)
            for subject in subjects:
                subject.stop()
        print_rows(rows)
        self._report('compare', rows)
        return not is_self or check_self(rows)

    def _measure_pair(self, mode, case, subject, baseline):
        """ Measure one case on two subjects. """
        samples = self.measure(case, [subject, baseline])
        return make_row(
            mode, case, subject.name, samples[subject], baseline.name, samples[baseline]
        )


def check_self(rows):
    """ Print whether all ratios of Odoo's own module to itself are 1 but for the noise.

    :param list[Row] rows: The lines of the table.
    :return: Whether they are.
    :rtype: bool
    """
    wrong = [
        f"{row.mode} {row.title}: CPU {row.cpu_ratio}" for row in rows
        if not row.cpu_ratio.low <= 1 <= row.cpu_ratio.high
    ]
    say("\nOdoo's own module compared with itself: "
        + (f"not 1 beyond the noise: {'; '.join(wrong)}" if wrong else "1 within the noise"))
    return not wrong


def find_core_source():
    """ Return the Odoo 17.0 whose own module is the measure.

    :return: The source.
    :rtype: Source
    :raise Failure: If there is none.
    """
    source = next((one for one in find_sources('17.0') if not one.is_package), None)
    if not source or not (source.core_addon / '__manifest__.py').exists():
        raise Failure(
            "The benchmark needs a checkout of Odoo 17.0 with its own payment_aps. Set ODOO_PATH "
            "to one."
        )
    return source


def describe_machine(postgres):
    """ Return what the figures depend on.

    :param Postgres postgres: The database server.
    :return: Date, processor, number of cores and versions.
    :rtype: dict
    """
    with open('/proc/cpuinfo') as file:
        models = [line.split(':')[1].strip() for line in file if line.startswith('model name')]
    return {
        'date': datetime.date.today().isoformat(),
        'processor': models[0] if models else platform.machine(),
        'cores': len(models),
        'system': platform.platform(),
        'python': platform.python_version(),
        'postgresql': postgres.query('postgres', 'SHOW server_version'),
    }
