""" The style of the code, as checked by Ruff and pylint-odoo. """

import os
import re

from .odoo_source import link_addon
from .system import DEV, REPOSITORY, Failure, run
from .venvs import get_python

# Only the rules about Odoo; the others are those of Ruff. `missing-return` does not fit: methods of
# the engine that return nothing are overridden by such.
PYLINT_RULES = ('--disable=all', '--enable=odoolint', '--disable=missing-return')
FINDING = re.compile(r'\S+:\d+:')  # A finding begins with its place.


def check_style(folder):
    """ Check the style of the whole repository, and of the addon by the rules of Odoo's community.

    :param Path folder: A folder for what the checks need.
    :return: The number of checks without findings, and the findings, one sentence a line.
    :rtype: tuple[int, list[str]]
    """
    checks = [run_ruff(), run_pylint(folder)]
    return checks.count([]), [finding for findings in checks for finding in findings]


def run_ruff():
    """ Return the findings of Ruff, as place, rule and sentence.

    :rtype: list[str]
    """
    return read_findings('Ruff', run(
        [get_python('tools').with_name('ruff'), 'check', '--no-cache', '--quiet',
         '--config', DEV / 'ruff.toml', '--output-format', 'concise', '.'],
        cwd=REPOSITORY,
    ))


def run_pylint(folder):
    """ Return the findings of pylint-odoo, as place, rule and sentence.

    :param Path folder: The folder to put the addon into under its technical name.
    :rtype: list[str]
    """
    return read_findings('pylint', run(
        [get_python('tools').with_name('pylint'), '--rcfile', DEV / 'pylintrc', *PYLINT_RULES,
         '--score=no', '--msg-template={path}:{line}: {msg_id} {msg} ({symbol})', 'payment_aps'],
        cwd=link_addon(folder / 'addons-lint'),
        env={**os.environ, 'PYLINTHOME': str(folder / 'pylint'), 'PYTHONDONTWRITEBYTECODE': '1'},
    ))


def read_findings(name, result):
    """ Return the findings that a check printed.

    :param str name: The name of the check.
    :param subprocess.CompletedProcess result: The outcome of its command.
    :return: The findings.
    :rtype: list[str]
    :raise Failure: If the check didn't work at all.
    """
    findings = [line for line in result.stdout.splitlines() if FINDING.match(line)]
    if result.returncode and not findings:
        raise Failure(f"{name} failed: {(result.stderr or result.stdout)[-1000:]}")
    return findings
