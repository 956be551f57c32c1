""" How the figures change when the tables grow. """

import json
import statistics
import time

from sandbox import signature

from ..rpc import Client
from ..sandbox_process import CREDENTIALS, MERCHANT, Sandbox
from ..system import Failure, say
from .cases import CASES, JSON, Case, Sample, send
from .figures import make_row, print_rows
from .subjects import serve_all

SIZES = (1_000, 100_000, 1_000_000)
GROWTH_CASES = ('fresh', 'repeated', 'refused', 'form')
GROWTH_TARGET = 1.05
BACKLOGS = (2_000, 10_000)
BATCH = 100
NOW = "now() AT TIME ZONE 'UTC'"
HOUR_AGO = f"{NOW} - interval '1 hour'"


class CheckCron(Case):
    """ A run of the cron that asks APS about unsettled payments; the figures are for each one. """

    name, title, rounds = 'cron', "check of a payment", 16

    def run(self, subject, number=None):
        unsettled = self.count_due(subject)
        client = Client(subject.url, subject.database)  # The check of its password is cached.
        cron_id = client.ref('payment_aps.ir_cron_aps_check_status')
        begin, begin_time = subject.read_cpu(), time.perf_counter()
        client.call('ir.cron', 'method_direct_trigger', [cron_id])
        seconds = time.perf_counter() - begin_time
        cpu = subject.read_cpu() - begin
        asked = unsettled - self.count_due(subject)
        if asked != BATCH:
            raise Failure(f"The cron asked about {asked} payments. Log: {subject.log}")
        # No log tells the queries of the workers that ask.
        return Sample(cpu / asked, [seconds / asked])

    def count_due(self, subject):
        """ Return how many payments are due. """
        return int(subject.query(
            f"SELECT count(*) FROM payment_transaction WHERE aps_next_check <= {NOW}"
        ))


def measure_growth(bench, modules):
    """ Measure the same requests with few and many transactions in the table.

    :param Bench bench: The run.
    :param list[Subject] modules: This addon and Odoo's own module.
    :return: The lines of the table: each size beside the smallest one, and this addon beside
             Odoo's own module with each size.
    :rtype: list[Row]
    """
    subjects = {module: [make_size(module, size) for size in SIZES] for module in modules}
    ours, core = (subjects[module] for module in modules)
    serve_all([*ours, *core], 'threaded')
    samples = {
        name: bench.measure(CASES[name](), [*ours, *core])
        for name in GROWTH_CASES if name in bench.arguments.cases
    }
    rows = []
    for subject, baseline, target in (
        *zip(ours, core, [None] * len(SIZES), strict=True),
        *((size, core[0], None) for size in core[1:]),
        *((size, ours[0], GROWTH_TARGET) for size in ours[1:]),
    ):
        for name, samples_of in samples.items():
            row = make_row(
                'threaded', CASES[name], subject.name, samples_of[subject], baseline.name,
                samples_of[baseline],
            )
            row.target = target
            rows.append(row)
    for subject in (*ours, *core):
        subject.stop()
    print_rows(rows)
    return rows


def make_size(module, size):
    """ Return a subject with a number of settled transactions.

    :param Subject module: The module.
    :param int size: The number of transactions.
    :return: The subject.
    :rtype: Subject
    """
    say(f"  {module.name} with {size:,} transactions...")
    subject = module.copy(f'{module.name}, {size:,}', str(size))
    subject.insert(
        'OLD', size, state="'done'", is_post_processed='true', aps_next_check='NULL',
        create_date=f"{NOW} - n * interval '20 seconds'",
    )
    subject.query('VACUUM ANALYZE')
    return subject


def time_query(sandbox):
    """ Return how long APS alone takes to tell about a payment.

    :param Sandbox sandbox: The sandbox.
    :return: The time, in seconds.
    :rtype: float
    """
    fields = {
        'query_command': 'CHECK_STATUS', 'merchant_identifier': MERCHANT,
        'access_code': CREDENTIALS['aps_access_code'], 'merchant_reference': 'OPEN-1',
        'language': 'en',
    }
    fields['signature'] = signature.compute(fields, CREDENTIALS['aps_sha_request'])
    answers = [
        send(sandbox.url, 'POST', '/FortAPI/paymentApi', json.dumps(fields).encode(), JSON)
        for _query in range(BATCH)
    ]
    if any(status != 200 for status, _answer, _seconds in answers):
        raise Failure("The sandbox did not answer a query.")
    return statistics.median(seconds for _status, _answer, seconds in answers)


def measure_cron(bench, module):
    """ Measure the check of open payments with a small and a large backlog.

    :param Bench bench: The run.
    :param Subject module: This addon.
    :return: The lines of the table.
    :rtype: list[Row]
    """
    sandbox = Sandbox(bench.folder)
    small, large = subjects = [
        module.copy(f'{size:,} unsettled', f'backlog_{size}') for size in BACKLOGS
    ]
    for subject, size in zip(subjects, BACKLOGS, strict=True):
        subject.query(
            "INSERT INTO ir_config_parameter (key, value) "
            f"VALUES ('payment_aps.sandbox_url', '{sandbox.url}')"
        )
        subject.insert('OPEN', size, create_date=HOUR_AGO, aps_next_check=HOUR_AGO)
        subject.query('VACUUM ANALYZE')
    serve_all(subjects, 'threaded')
    samples = bench.measure(CheckCron(), subjects)
    memory = [subject.read_memory() for subject in subjects]
    asking = time_query(sandbox)
    row = make_row(
        'threaded', CheckCron(), large.name, samples[large], small.name, samples[small]
    )
    row.target = GROWTH_TARGET
    print_rows([row])
    seconds = row.figures.p50_ms / 1000
    say(f"A run of the cron asks about {BATCH} payments in {seconds * BATCH:.1f} s; all of the "
        f"{BACKLOGS[-1]:,} take {seconds * BACKLOGS[-1]:.0f} s. The server has {memory[1]:.0f} MB, "
        f"the one with {BACKLOGS[0]:,} has {memory[0]:.0f} MB. APS alone takes "
        f"{1000 * asking:.1f} ms to tell about a payment, Odoo and APS {1000 * seconds:.1f} ms.")
    for subject in subjects:
        subject.stop()
    return [row]
