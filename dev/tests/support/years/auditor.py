""" The auditor: plain rules that compare what APS and Odoo have of the same money.

Each rule takes the books and the payments in them, and returns what it finds wrong. What is behind
for now, but asked about, is `waiting`; what hours that a restored backup has forgotten have left
behind, and the one case that the documentation names as not found, is listed apart.
"""

from collections import defaultdict
from typing import NamedTuple

from sandbox.currencies import format_amount

from .cases import DAY, list_taken, make_cases, parse, sum_moves, sum_rows
from .clock import describe
from .people import read_text
from .sentences import find_claims, is_true

# How long booking, confirming, noticing and telling may take: an hour until something is a problem,
# and the longest interval of the watch in the simulation.
GRACE = 3600 + 6 * 3600 + 900
# How late a check may be that is planned: while APS gives no answer, a run asks about one payment
# only. And for how long Odoo may believe less than there is.
LATE = 4 * 3600
LONGEST_WAIT = 5.5 * DAY
# What shoppers read who tried a second card on the same page of APS, while only the failure of the
# first one was known: the page has APS asked, and looks again by itself. That is listed apart.
CORRECTED, CORRECTION_TIME = 'corrected soon', 15 * 60
FORGOTTEN = 'forgotten by a backup'
APART = (CORRECTED, FORGOTTEN)
# The problems that tell of a difference of sums.
TELLING = ('operation_failed', 'outcome_open', 'mismatch')
# Of messages that tell of money that an account has received.
MONEY_STATUSES = ('02', '04', '06', '14')
LAPSING = (5 * DAY, 7 * DAY)
# The trail is kept for 180 days, and is purged once a week, see `World`.
WEEK = 8 * DAY
RETENTION = 180 * DAY + WEEK


class Finding(NamedTuple):
    """ Something that is wrong, or listed apart. """

    rule: str
    subject: str
    text: str


class Report(NamedTuple):
    """ The outcome of an audit. """

    findings: list
    waiting: list  # References of payments of which Odoo doesn't know all, but asks.
    apart: list  # What backups have forgotten, is documented as not found, or was put right soon.


def audit(books):
    """ Return what is wrong.

    :param Books books: The books.
    :rtype: Report
    """
    cases = make_cases(books)
    found = [finding for rule in RULES for finding in rule(books, cases)]
    findings = [finding for finding in found if finding.rule not in APART]
    waiting, apart = [], [finding for finding in found if finding.rule in APART]
    for case in cases.values():
        kind, text = compare(books, case)
        if kind == 'waiting':
            waiting.append(case.reference)
        elif kind == 'apart':
            apart.append(Finding('apart', case.reference, text))
        elif kind:
            findings.append(Finding(kind, case.reference, text))
    return Report(findings, waiting, apart)


# === Sums === #

def compare(books, case):
    """ Compare the sums of a payment.

    :param Books books: The books.
    :param Case case: The payment.
    :return: What the difference is: `waiting`, `apart`, the rule that is broken, or `None` if there
             is none; and its text.
    :rtype: tuple[str | None, str]
    """
    told = sum_moves(case.entry, books.now)
    if not case.rows:
        return _compare_unknown(books, case, told)
    recorded = sum_rows(case.rows)
    next_check = case.root['next_check']
    asked = describe(next_check) if next_check else "never"
    text = f"APS has {told}, Odoo has {recorded}, {case.root['state']}, asked next: {asked}"
    if is_more(case, recorded, told):
        return 'more than there is', text
    if not is_less(case, recorded, told):
        return None, text
    if case.is_told(TELLING):
        return None, text
    if next_check and next_check >= books.now - LATE:
        return 'waiting', text
    if not is_less(case, recorded, sum_moves(case.entry, books.now, books.lost_hours)):
        return 'apart', f"Moved in hours that a backup has forgotten: {text}"
    if case.reference in books.silent:
        return 'apart', f"Refunded in the dashboard, and the notice got lost: {text}"
    return 'not in step', text


def _compare_unknown(books, case, told):
    """ Compare a payment that Odoo doesn't know; see `compare`. """
    if not any((told.captured, told.is_reserved)):
        return None, ""
    text = f"APS has {told}, Odoo has nothing"
    if is_lost(books, parse(case.entry['created'])):
        return 'apart', f"Made in hours that a backup has forgotten: {text}"
    return 'unknown payment', text


def is_more(case, recorded, told):
    """ Return whether Odoo believes something that APS has not done. """
    if not case.entry and case.root['state'] in ('done', 'authorized'):
        return True
    return (
        recorded.captured > told.captured or recorded.refunded > told.refunded
        or (recorded.is_voided and not told.is_voided)
        or (recorded.is_reserved and not case.entry['authorized'])
    )


def is_less(case, recorded, told):
    """ Return whether APS has done something that Odoo doesn't know. """
    is_closed = any(row['aps_operation'] == 'LAPSE' for row in case.rows)
    return (
        recorded.captured < told.captured or recorded.refunded < told.refunded
        or (told.is_voided and recorded.is_reserved)
        or (told.is_reserved and not recorded.is_reserved and not is_closed)
    )


def find_long_waits(books, cases):
    """ What is open for longer than APS is asked about it: nobody would ever know. """
    findings = []
    for case in cases.values():
        is_behind = case.rows and case.entry and case.entry['moves'] and (
            compare(books, case)[0] == 'waiting'
        )
        if not is_behind:
            continue
        last = max(move['at'] for move in case.entry['moves'])
        if books.now - last > LONGEST_WAIT:
            findings.append(Finding(
                'behind for too long', case.reference, f"since {describe(last)}"
            ))
    return findings


# === Journal entries === #

def find_wrong_entries(books, cases):
    """ Each sum that was moved has one accounting payment, of this amount; nothing else has. """
    by_transaction = defaultdict(list)
    findings = []
    for entry in books.entries:
        by_transaction[entry['transaction_id']].append(entry)
        findings += _check_entry(entry)
    for entry in by_transaction.pop(None, ()):
        findings.append(Finding('payment of nothing', f"entry {entry['id']}", str(entry)))
    for case in cases.values():
        bookable = list_taken(case.rows) + [
            row for row in case.rows if row['operation'] == 'refund' and row['state'] == 'done'
        ]
        for row in case.rows:
            entries = [
                entry for entry in by_transaction[row['id']]
                if entry['state'] not in ('cancel', 'canceled', 'draft')
            ]
            findings += _check_booking(books, case, row, entries, row in bookable)
    return findings


def _check_entry(entry):
    """ Return what is wrong with an accounting payment by itself. """
    is_unbalanced = entry['has_move'] and (
        entry['debit'] != entry['credit'] or entry['moved'] != entry['amount']
    )
    is_misdated = abs(entry['date'] - entry['created']) > 1.5 * DAY
    wrong = [name for name, is_wrong in (
        ('entry of other sums', is_unbalanced), ('entry of another day', is_misdated)
    ) if is_wrong]
    return [Finding(name, f"entry {entry['id']}", str(entry)) for name in wrong]


def _check_booking(books, case, row, entries, is_bookable):
    """ Return what is wrong with how a transaction is booked. """
    if not is_bookable:
        return [Finding('booked though not paid', row['reference'], str(entries))] * bool(entries)
    if not entries:
        is_late = books.now - row['changed'] > GRACE and not case.is_told(('not_booked',))
        return [Finding('not booked', row['reference'], str(row))] * is_late
    direction = 'outbound' if row['operation'] == 'refund' else 'inbound'
    [entry, *others] = entries
    is_right = not others and (entry['amount'], entry['currency'], entry['payment_type']) == (
        abs(row['amount']), row['currency'], direction
    )
    return [] if is_right else [Finding('booked otherwise', row['reference'], str(entries))]


# === Orders and invoices === #

def find_wrong_documents(books, cases):
    """ What was paid is confirmed and settled, nothing else is; what was paid twice is told. """
    by_id = {row['id']: case for case in cases.values() for row in case.rows}
    findings = []
    for document in books.documents:
        own = {
            by_id[one].reference: by_id[one] for one in document['transaction_ids'] if one in by_id
        }
        findings += _check_document(books, document, list(own.values()))
        findings += _check_twice(books, document, list(own.values()))
    return findings


def _check_document(books, document, cases):
    """ Return what is wrong with the state of an order or invoice. """
    ever = max((_sum_ever(case) for case in cases), default=0)
    text = f"{document}, of which {ever} was ever reserved or taken"
    is_order = document['model'] == 'sale.order'
    is_settled = (
        document['state'] == 'sale' if is_order
        else document['payment_state'] in ('paid', 'in_payment')
    )
    if is_settled and ever < document['total']:
        return [Finding('settled though not paid', document['name'], text)]
    paid = [
        case for case in cases
        if (case.root['state'] in ('authorized', 'done') if is_order else list_taken(case.rows))
    ]
    amounts = sum(
        case.root['amount'] if is_order else sum_rows(case.rows).captured for case in paid
    )
    since = max((row['changed'] or 0 for case in paid for row in case.rows), default=books.now)
    is_told = any(case.is_told(('not_booked',)) for case in paid) or document['state'] == 'cancel'
    if not is_settled and amounts >= document['total'] and not is_told and (
        books.now - since > GRACE
    ):
        return [Finding('paid but not settled', document['name'], text)]
    if not is_order and is_settled and document['residual']:
        return [Finding('settled with a rest', document['name'], text)]
    return []


def _sum_ever(case):
    """ Return what was reserved or taken of a payment at any time, in minor units. """
    return max((
        move['amount'] for move in (case.entry or {'moves': ()})['moves']
        if move['command'] in ('PURCHASE', 'AUTHORIZATION')
    ), default=0)


def _check_twice(books, document, cases):
    """ Return whether nobody was told that more was paid than is due. """
    paid, since = 0, 0
    for case in cases:
        sums = sum_rows(case.rows)
        # Odoo goes on to say that it is reserved after the bank has released it.
        is_reserved = sums.is_reserved and sum_moves(case.entry, books.now).is_reserved
        paid += sums.captured - sums.refunded or (case.root['amount'] if is_reserved else 0)
        since = max([since, *(row['changed'] or 0 for row in case.rows)])
    is_told = any(
        problem['kind'] == 'paid_twice' for case in cases for problem in case.problems
    )
    if paid <= document['total'] or is_told or books.now - since <= GRACE:
        return []
    if document['state'] == 'cancel':  # It is said on the document instead.
        return []
    return [Finding('paid twice and not told', document['name'], f"{paid} of {document['total']}")]


# === Problems === #

def find_untold_problems(books, _cases):
    """ A problem is told to somebody within an hour or so. """
    return [
        Finding('problem not told', problem['kind'], str(problem)) for problem in books.problems
        if problem['state'] == 'open' and not problem['told']
        and books.now - problem['first'] > GRACE
    ]


def find_unfounded_problems(books, cases):
    """ A problem that is open has a cause, or had one until the watch last looked. """
    by_id = {row['id']: (case, row) for case in cases.values() for row in case.rows}
    findings = []
    for problem in books.problems:
        case, row = by_id.get(problem['transaction_id'], (None, None))
        since = max([problem['first'], *(one['written'] for one in (case.rows if case else ()))])
        if problem['state'] != 'open' or books.now - since < GRACE:
            continue
        is_unfounded = {
            'not_booked': lambda row=row: row['is_processed'],
            'lapsing': lambda case=case: case.root['state'] != 'authorized',
            'outcome_open': lambda case=case: not any(
                one['state'] == 'pending' or one['request_state'] for one in case.rows
            ),
        }.get(problem['kind'], bool)()
        if is_unfounded:
            findings.append(Finding('problem without cause', problem['kind'], str(problem)))
    return findings


def find_silent_lapses(books, cases):
    """ An amount that is about to be released is told of. """
    findings = []
    for case in cases.values():
        if not case.rows or not case.entry or case.root['state'] != 'authorized':
            continue
        age = books.now - (case.root['changed'] or books.now)
        is_due = LAPSING[0] + GRACE < age < LAPSING[1] - GRACE
        is_whole = sum_moves(case.entry, books.now).is_reserved and not any(
            row['request_state'] or row['aps_operation'] == 'LAPSE' for row in case.rows
        )
        if is_due and is_whole and not case.is_told(('lapsing',)):
            findings.append(Finding('lapses silently', case.reference, str(case.rows)))
    return findings


def find_untold_foreign_money(books, _cases):
    """ Money that came of no payment here is told, with the sum of its day. """
    sums = defaultdict(int)
    for message in books.foreign:
        if message['status'] in MONEY_STATUSES:
            day = describe(message['at'])[:10]
            names = ('currency', 'reference', 'command')
            sums[(day, *(message[name] for name in names))] += message['amount']
    days = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for (day, currency, reference, _command), amount in sums.items():
        amounts = days[day][currency]
        amounts[reference] = max(amounts[reference], amount)
    told = {
        problem['key']: problem['detail'] for problem in books.problems
        if problem['kind'] == 'no_payment'
    }
    findings = []
    for day, currencies in days.items():
        detail = ', '.join(
            f"{format_amount(sum(amounts.values()), currency).replace(',', '')} {currency}"
            for currency, amounts in sorted(currencies.items())
        )
        if (told.get(day) or '').replace(',', '') != detail.replace(',', ''):
            findings.append(Finding('money of nobody', day, f"{detail}, told {told.get(day)}"))
    return findings


def find_forgotten_messages(books, _cases):
    """ What APS has said, or has said again, of what Odoo doesn't know is kept.

    What it said in hours that a restored backup has forgotten is listed apart.
    """
    kept = {message['reference'] for message in books.foreign}
    return [
        Finding(
            FORGOTTEN if is_lost(books, at) else 'foreign message not kept', reference,
            f"told at {describe(at)}",
        )
        for reference, at in sorted(books.links.items())
        if reference not in kept and books.now - at < RETENTION - WEEK
    ]


def is_lost(books, moment):
    """ Return whether a moment is in hours that a restored backup has forgotten. """
    return any(begin <= moment <= end for begin, end in books.lost_hours)


# === Words === #

def find_untrue_pages(books, cases):
    """ What shoppers have read was true. """
    findings = []
    for shown in books.shown:
        case = cases.get(shown.reference)
        if not case:
            continue
        untrue = _judge(case, shown.text, shown.at, None, f"page of {shown.reference}")
        is_soon = _is_made_within(case, shown.at, CORRECTION_TIME)
        findings += [
            one._replace(rule=CORRECTED) if is_soon and one.rule == 'untrue: not_charged' else one
            for one in untrue
        ]
    return findings


def _is_made_within(case, begin, seconds):
    """ Return whether Odoo learned within some seconds that a payment was made. """
    return bool(case.rows) and case.root['state'] in ('authorized', 'done') and (
        0 < case.root['changed'] - begin < seconds
    )


def find_untrue_messages(books, cases):
    """ What stands on orders, invoices, payments and problems was true when it was written. """
    references = {row['reference']: (case, row) for case in cases.values() for row in case.rows}
    findings = []
    for message in books.messages:
        text = read_text(message['body'])
        named = [one for one in references if one in text]
        if not named:
            continue
        case, row = references[max(named, key=len)]
        where = f"{message['model']} {message['res_id']}"
        findings += _judge(case, text, message['at'], row, where)
    return findings


def find_untrue_states(books, cases):
    """ What is said of a payment with its state was true when it got it. """
    return [
        finding for case in cases.values() for row in case.rows
        if row['state_message'] and row['changed'] and row['state'] != 'draft'
        for finding in _judge(
            case, read_text(row['state_message']), row['changed'], row, row['reference']
        )
    ]


def _judge(case, text, at, row, where):
    """ Return what of a text was not true. """
    claims = find_claims(text)
    if claims is None:
        return [Finding('sentence that nobody can judge', where, text[:300])]
    return [
        Finding(f'untrue: {claim}', where, f"{describe(at)}: {text[:300]}")
        for claim in sorted(claims) if not is_true(claim, case, at, row)
    ]


# === The trail === #

def find_unpurged_trail(books, _cases):
    """ The trail is purged. """
    [trail] = books.trail
    if trail['oldest'] and books.now - trail['oldest'] > RETENTION:
        return [Finding('trail not purged', 'messages', describe(trail['oldest']))]
    return []


RULES = (
    find_long_waits, find_wrong_entries, find_wrong_documents, find_untold_problems,
    find_unfounded_problems, find_silent_lapses, find_untold_foreign_money,
    find_forgotten_messages, find_untrue_pages, find_untrue_messages, find_untrue_states,
    find_unpurged_trail,
)
