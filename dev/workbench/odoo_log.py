""" The results of Odoo's tests, read from its log. """

import re
from datetime import datetime
from itertools import pairwise

STARTED = re.compile(r'odoo\.addons\.payment_aps\.tests\.\w+: Starting (\w+\.\w+) \.\.\.')
BEGUN = re.compile(
    r'^(\S+ \S+) .* odoo\.addons\.payment_aps\.tests\.\w+: Starting (\w+\.\w+)', re.MULTILINE
)
FAILED = re.compile(r'ERROR \S+ odoo\.\S+: (?:FAIL|ERROR): (?:Subtest )?(.+)')
SKIPPED = re.compile(r'odoo\.addons\.payment_aps\.tests\.\w+: skipped (\w+\.\w+)')
SUMMARY = re.compile(r'odoo\.tests\.result: (\d+) failed, (\d+) error\(s\) of (\d+) tests')


def read_results(text, findings):
    """ Return the outcome of a run of Odoo's tests.

    :param str text: The log.
    :param list[str] findings: What a look through the log found wrong besides.
    :return: The numbers of passed, failed and skipped tests, and the failures.
    :rtype: tuple
    """
    started = set(STARTED.findall(text))
    skipped = set(SKIPPED.findall(text))
    failures = sorted(set(FAILED.findall(text)))
    failed = {failure.split(' (')[0] for failure in failures}
    summary = SUMMARY.search(text)
    if not started or not summary:
        failures.append("no test was run: " + get_last_error(text))
        failed.add('')
    elif not failed and (summary[1], summary[2]) != ('0', '0'):
        failures.append(summary[0])
        failed.add('')
    failures += findings
    passed = len(started - skipped - failed)
    return passed, len(failed) + len(findings), len(skipped), tuple(failures)


def read_times(text):
    """ Return how long each test took.

    :param str text: The log.
    :return: The seconds by the name of the test, up to the beginning of the next one.
    :rtype: dict
    """
    begins = [
        (match[2], datetime.strptime(match[1], '%Y-%m-%d %H:%M:%S,%f'))
        for match in BEGUN.finditer(text)
    ]
    return {
        name: (end - begin).total_seconds() for (name, begin), (_name, end) in pairwise(begins)
    }


def get_last_error(text):
    """ Return the last line of the log that tells of an error. """
    lines = [line for line in text.splitlines() if 'Error' in line or 'CRITICAL' in line]
    return lines[-1][-300:] if lines else text[-300:]
