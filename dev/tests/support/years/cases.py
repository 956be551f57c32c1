""" The payments of the books: what the ledger of APS, and what Odoo has of each. """

from datetime import datetime
from typing import NamedTuple

DAY = 86400
WINDOW = 7 * DAY  # For how long an authorization can be captured.
SLACK = 2  # Between a movement of money and what tells of it, in seconds.


class Sums(NamedTuple):
    """ What became of the money of a payment, in minor units. """

    captured: int
    refunded: int
    is_reserved: bool  # Whether there is something left to capture.
    is_voided: bool


class Case(NamedTuple):
    """ A payment. """

    reference: str
    entry: dict | None  # What the ledger has of it; nothing if its page was never opened.
    rows: list  # Its transactions in Odoo, the payment itself first; none if Odoo doesn't know it.
    problems: list  # Those of its transactions.

    @property
    def root(self):
        """ Return the transaction of the payment itself. """
        return self.rows[0]

    def is_told(self, kinds):
        """ Return whether a problem of a kind tells of it, also one that somebody put away. """
        return any(
            problem['kind'] in kinds and problem['state'] != 'solved' for problem in self.problems
        )


def make_cases(books):
    """ Return the payments by reference.

    :param Books books: The books.
    :rtype: dict[str, Case]
    """
    entries = {entry['merchant_reference']: entry for entry in books.ledger}
    families, roots = {}, {}
    for row in books.transactions:
        root = roots[row['id']] = roots.get(row['source_id'], row['id'])
        families.setdefault(root, []).append(row)
    by_transaction = {}
    for problem in books.problems:
        by_transaction.setdefault(problem['transaction_id'], []).append(problem)
    cases = {}
    for rows in families.values():
        reference = rows[0]['reference']
        problems = [one for row in rows for one in by_transaction.get(row['id'], ())]
        cases[reference] = Case(reference, entries.pop(reference, None), rows, problems)
    for reference, entry in entries.items():
        cases[reference] = Case(reference, entry, [], [])
    return cases


def parse(stamp):
    """ Return a moment that the sandbox tells as text, in seconds since the epoch. """
    return datetime.fromisoformat(stamp).timestamp()


def sum_moves(entry, now, lost_hours=()):
    """ Return what the ledger says of the money of a payment at a moment.

    :param dict|None entry: The payment in the ledger, if it is there.
    :param float now: The moment.
    :param list lost_hours: Hours whose movements are left out, from when to when.
    :rtype: Sums
    """
    totals, reserved_at = dict.fromkeys(('CAPTURE', 'REFUND', 'VOID_AUTHORIZATION'), 0), None
    totals.update(PURCHASE=0, AUTHORIZATION=0)
    for move in entry['moves'] if entry else ():
        is_lost = any(begin <= move['at'] <= end for begin, end in lost_hours)
        if move['at'] <= now and not is_lost:
            totals[move['command']] += move['amount']
            reserved_at = move['at'] if move['command'] == 'AUTHORIZATION' else reserved_at
    is_voided = bool(totals['VOID_AUTHORIZATION'])
    is_reserved = (
        totals['AUTHORIZATION'] > totals['CAPTURE'] and not is_voided
        and now - reserved_at <= WINDOW
    )
    return Sums(totals['PURCHASE'] + totals['CAPTURE'], totals['REFUND'], is_reserved, is_voided)


def sum_rows(rows):
    """ Return what Odoo has recorded of the money of a payment.

    :param list[dict] rows: The transactions, the payment itself first.
    :rtype: Sums
    """
    root = rows[0]
    taken = list_taken(rows)
    return Sums(
        sum(row['amount'] for row in taken),
        sum(-row['amount'] for row in rows if row['operation'] == 'refund'
            and row['state'] == 'done'),
        root['state'] == 'authorized',
        root['state'] == 'cancel' and root['aps_operation'] == 'VOID_AUTHORIZATION',
    )


def list_taken(rows):
    """ Return the transactions that stand for money that was taken: the captures, or the payment.

    :param list[dict] rows: The transactions, the payment itself first.
    :rtype: list[dict]
    """
    captures = [
        row for row in rows[1:] if row['operation'] != 'refund' and row['state'] == 'done'
    ]
    return captures or [row for row in rows[:1] if row['state'] == 'done']
