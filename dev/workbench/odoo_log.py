""" The results of Odoo's tests, read from its log. """

import re

STARTED = re.compile(r'odoo\.addons\.payment_aps\.tests\.\w+: Starting (\w+\.\w+) \.\.\.')
FAILED = re.compile(r'ERROR \S+ odoo\.\S+: (?:FAIL|ERROR): (?:Subtest )?(.+)')
SKIPPED = re.compile(r'odoo\.addons\.payment_aps\.tests\.\w+: skipped (\w+\.\w+)')
SUMMARY = re.compile(r'odoo\.tests\.result: (\d+) failed, (\d+) error\(s\) of (\d+) tests')


def read_results(text, findings):
    """ Return the outcome of a run of Odoo's tests.

    :param str text: The log.
    :param list[str] findings: What a look through the log found wrong besides.
    :return: The numbers of passed, failed and skipped tests, 0 seconds, and the failures.
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
    return passed, len(failed) + len(findings), len(skipped), 0, tuple(failures)


def get_last_error(text):
    """ Return the last line of the log that tells of an error. """
    lines = [line for line in text.splitlines() if 'Error' in line or 'CRITICAL' in line]
    return lines[-1][-300:] if lines else text[-300:]
