""" How much of the addon the tests run, by lines and branches. """

import json
from pathlib import Path

from .system import DEV, REPOSITORY, Failure, run, say

# The least that must be run, in percent, after the names of the sums of Coverage.py.
FLOORS = {
    'lines': ('covered_lines', 'num_statements', 97),
    'branches': ('covered_branches', 'num_branches', 94),
}
# Each series has adapters of its own, and doesn't load those of the other.
FOREIGN_ADAPTERS = {'17.0': 'models/*_19.py', '19.0': 'models/*_17.py'}


class Coverage:
    """ The coverage of the addon in all runs of one Odoo series. """

    def __init__(self, odoo, folder):
        """
        :param Odoo odoo: The Odoo that is measured.
        :param Path folder: The folder for what is measured, by however many processes.
        """
        self.series = odoo.series
        self.python = odoo.python
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.file = self.folder / 'coverage'

    def wrap(self, command):
        """ Return the command of an Odoo that is measured.

        :param list command: The command, which begins with the interpreter.
        :return: The command.
        :rtype: list
        """
        interpreter, *arguments = command
        return [
            interpreter, '-m', 'coverage', 'run', f'--rcfile={DEV / "coveragerc"}',
            f'--data-file={self.file}', f'--source={REPOSITORY}', *arguments,
        ]

    def check(self):
        """ Print what was not run.

        :return: Where the coverage is too low, one sentence a line.
        :rtype: list[str]
        """
        self._run('combine', '--keep', '--quiet')
        report = self.folder / 'addon-coverage.json'
        self._run('json', '--quiet', '-o', report, *self._omit())
        say(self._run('report', *self._omit()).stdout)
        totals = json.loads(report.read_text())['totals']
        findings = []
        for name, (covered, number, floor) in FLOORS.items():
            percent = 100 * totals[covered] / totals[number]
            say(f"{percent:.1f} % of {totals[number]} {name} were run")
            if percent < floor:
                findings.append(f"Only {percent:.2f} % of the {name} were run, not {floor} %")
        return findings

    def _omit(self):
        """ Return the arguments that leave out what can't run in this series. """
        return ['--omit', f'*/{FOREIGN_ADAPTERS[self.series]},*/dev/*,*/tests/*,*/migrations/*']

    def _run(self, subcommand, *arguments):
        """ Run a command of Coverage.py.

        :raise Failure: If it fails.
        """
        result = run([
            self.python, '-m', 'coverage', subcommand, f'--rcfile={DEV / "coveragerc"}',
            f'--data-file={self.file}', *arguments,
        ], cwd=self.folder)
        if result.returncode:
            raise Failure(f"coverage {subcommand} failed: {result.stdout}{result.stderr}")
        return result
