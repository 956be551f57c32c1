""" Years in minutes: a shop in simulated time, audited after each day.

The plan comes from a seed: shoppers with several attempts and tabs, the people of the merchant, an
APS that loses, repeats, reorders, hangs and is down for a day, an Odoo that is killed, and restored
from the backup of last night. See `support/years`.
"""

import os
import time

import pytest

from tests.support.extent import get_extent
from tests.support.years.auditor import audit
from tests.support.years.books import read_books
from tests.support.years.plan import WEEK_START, WEEKS, YEAR_START, make_plan
from tests.support.years.simulation import Simulation
from tests.support.years.world import World

SERIES = os.environ.get('APS_SERIES')  # Of `dev/test`, without which nothing is simulated.
# The product is for 17.0; of another series, a week is simulated at most.
DAYS = get_extent('APS_YEAR_DAYS', 7, 365 if SERIES == '17.0' else 7)
SEED = int(os.environ.get('APS_YEAR_SEED', '20261127'))


@pytest.fixture(scope='module')
def simulation():
    """ The shop and its plan; skipped if the tests are not run by dev/test. """
    if not SERIES:
        pytest.skip("No Odoo is at hand; start the tests with dev/test.")
    is_wanted = os.environ.get('APS_THOROUGH') or 'APS_YEAR_DAYS' in os.environ
    if SERIES != '17.0' and not is_wanted:
        pytest.skip("Simulated on 17.0 only, unless --thorough or APS_YEAR_DAYS wants it.")
    plan = make_plan(SEED, WEEK_START if DAYS <= WEEKS else YEAR_START, DAYS)
    world = World(SERIES, plan[0].begin)
    yield Simulation(world, plan, SEED)
    world.close()


def test_not_a_minor_unit_is_apart_and_no_sentence_was_untrue(simulation, capsys):
    """ The audit of each day finds nothing; what was simulated is printed. """
    begin = time.monotonic()
    simulation.run()
    with capsys.disabled():
        print(f"{simulation.describe()}\n {time.monotonic() - begin:.0f} s")
    assert len(simulation.books.ledger) > DAYS, "Hardly anybody paid, so nothing is shown."


# What is planted, and the rules that have to notice it: a cent, what is missing, an untrue word.
ENTRY = (
    "SELECT max(id) FROM account_payment "
    "WHERE payment_type = 'inbound' AND payment_transaction_id IS NOT NULL"
)
TAKEN = f"SELECT payment_transaction_id FROM account_payment WHERE id = ({ENTRY})"
FIRST_TAKEN = TAKEN.replace('max(id)', 'min(id)')  # Not one of the hours that a backup lost.
PLANTED = {
    'booked otherwise': f"UPDATE account_payment SET amount = amount + 0.01 WHERE id = ({ENTRY})",
    'not booked':
        f"UPDATE account_payment SET payment_transaction_id = NULL WHERE id = ({ENTRY})",
    'entry of other sums':
        "UPDATE account_move_line SET debit = debit + 0.01 WHERE debit > 0 AND move_id = "
        f"(SELECT move_id FROM account_payment WHERE id = ({ENTRY}))",
    'more than there is':
        f"UPDATE payment_transaction SET amount = amount + 0.01 WHERE id = ({TAKEN})",
    'settled though not paid':
        "UPDATE sale_order SET state = 'sale' WHERE id = "
        "(SELECT max(id) FROM sale_order WHERE state != 'sale')",
    'untrue: not_charged':  # And not in the very seconds in which it was charged.
        "UPDATE payment_transaction SET state_message = 'You have not been charged.', "
        f"last_state_change = last_state_change + interval '1 minute' WHERE id = ({TAKEN})",
    'unknown payment':
        f"UPDATE payment_transaction SET reference = 'X' || reference WHERE id = ({FIRST_TAKEN})",
}


@pytest.mark.parametrize('rule', PLANTED)
def test_auditor_notices_what_is_planted_in_the_database(simulation, rule):
    """ What differs in the database is found in it, and not only in made-up books. """
    world = simulation.world
    world.query('BEGIN')
    try:
        world.query(PLANTED[rule])
        report = audit(read_books(world, simulation.last_message))
    finally:
        world.query('ROLLBACK')
    assert rule in {finding.rule for finding in report.findings}
    assert not audit(read_books(world, simulation.last_message)).findings
