""" The auditor of the simulated years notices what is planted, and nothing in books that are right.

If one of these differences went by unseen, a simulation without findings would mean nothing.
"""

import copy

import pytest

from tests.support.years.auditor import GRACE, audit
from tests.support.years.books import Books
from tests.support.years.cases import DAY
from tests.support.years.people import Shown
from tests.support.years.sentences import find_claims

NOW = 1_800_000_000.0
BEGIN = NOW - DAY
REFERENCE = 'S00042-AAAABBBB'


def make_entry(reference=REFERENCE, command='PURCHASE', amount=10000, **values):
    """ Return a payment of the ledger, which was paid a day ago. """
    return {
        'merchant_reference': reference, 'command': command, 'amount': amount,
        'authorized': amount, 'created': '2027-01-14T07:00:00.000+00:00', 'operations': [],
        'moves': [{'command': command, 'amount': amount, 'at': BEGIN}], **values,
    }


def make_row(row_id=1, reference=REFERENCE, **values):
    """ Return the transaction of a payment that was confirmed and booked. """
    return {
        'id': row_id, 'reference': reference, 'state': 'done', 'amount': 10000, 'currency': 'AED',
        'operation': 'online_redirect', 'source_id': None, 'aps_operation': None,
        'request_state': None, 'state_message': None, 'reason': None, 'is_processed': True,
        'next_check': None, 'created': BEGIN - 60, 'changed': BEGIN + 1, 'written': BEGIN + 1,
        **values,
    }


def make_payment(transaction_id=1, **values):
    """ Return the accounting payment of a transaction. """
    return {
        'id': 100, 'transaction_id': transaction_id, 'payment_type': 'inbound',
        'amount': 10000, 'currency': 'AED', 'state': 'posted', 'has_move': True, 'date': BEGIN,
        'created': BEGIN + 2, 'debit': 100.0, 'credit': 100.0, 'moved': 10000, **values,
    }


def make_order(*transaction_ids, **values):
    """ Return an order that was paid by transactions. """
    return {
        'model': 'sale.order', 'id': 42, 'name': 'S00042', 'state': 'sale', 'payment_state': None,
        'total': 10000, 'residual': None, 'currency': 'AED', 'created': BEGIN - 100,
        'transaction_ids': list(transaction_ids), **values,
    }


def make_invoice(*transaction_ids, **values):
    """ Return an invoice that was paid by transactions. """
    return make_order(*transaction_ids, **{
        'model': 'account.move', 'state': 'posted', 'payment_state': 'paid', 'residual': 0,
        **values,
    })


def make_problem(kind, **values):
    """ Return a problem that was noticed, and told. """
    return {
        'kind': kind, 'state': 'open', 'transaction_id': 1, 'key': None, 'detail': None,
        'first': NOW - 100, 'told': NOW - 50, 'ended': None, **values,
    }


def make_books(**values):
    """ Return books of one payment that is right in all of them. """
    return Books(**{
        'now': NOW, 'ledger': [make_entry()], 'transactions': [make_row()],
        'entries': [make_payment()], 'documents': [make_order(1)], 'problems': [], 'messages': [],
        'activities': [], 'foreign': [], 'trail': [{'count': 1, 'oldest': BEGIN}], 'shown': [],
        'lost_hours': [], 'links': {}, 'silent': frozenset(), **values,
    })


def find(books):
    """ Return the rules that are broken. """
    return {finding.rule for finding in audit(books).findings}


def test_books_that_are_right_have_no_findings():
    assert find(make_books()) == set()
    assert find(make_books(documents=[make_invoice(1)])) == set()


REFUND_ROW = make_row(
    2, f'R-{REFERENCE}', operation='refund', amount=-4000, source_id=1, aps_operation='REFUND'
)
REFUND_MOVE = {'command': 'REFUND', 'amount': 4000, 'at': BEGIN + 100}
REFUNDED = {
    'ledger': [make_entry(moves=[*make_entry()['moves'], REFUND_MOVE])],
    'transactions': [make_row(), REFUND_ROW],
    'entries': [make_payment(), make_payment(2, payment_type='outbound', amount=4000, moved=4000)],
}


def test_refund_that_is_right_has_no_findings():
    assert find(make_books(**REFUNDED)) == set()


@pytest.mark.parametrize('rule, values', [
    # A cent too much or too little.
    ('more than there is', {'transactions': [make_row(amount=10001)]}),
    ('not in step', {'transactions': [make_row(amount=9999)]}),
    ('booked otherwise', {'entries': [make_payment(amount=9999, moved=9999)]}),
    ('entry of other sums', {'entries': [make_payment(debit=99.99)]}),
    ('entry of other sums', {'entries': [make_payment(moved=9999)]}),
    ('settled with a rest', {'documents': [make_invoice(1, residual=1)]}),
    # Missing, twice, or of the wrong kind.
    ('not booked', {'entries': []}),
    ('booked otherwise', {'entries': [make_payment(), make_payment(id=7)]}),
    ('booked otherwise', {'entries': [make_payment(payment_type='outbound')]}),
    ('booked otherwise', {'entries': [make_payment(currency='KWD')]}),
    ('payment of nothing', {'entries': [make_payment(), make_payment(None)]}),
    ('entry of another day', {'entries': [make_payment(date=BEGIN - 30 * DAY)]}),
    # States that are not those of the money.
    ('more than there is', {'ledger': []}),
    ('more than there is', {'ledger': [make_entry(moves=[])]}),
    ('not in step', {'transactions': [make_row(state='error')], 'entries': [], 'documents': []}),
    ('booked though not paid', {
        'transactions': [make_row(state='draft', next_check=NOW + 60)], 'documents': [],
    }),
    ('unknown payment', {'transactions': [], 'entries': [], 'documents': []}),
    ('paid but not settled', {'documents': [make_order(1, state='sent')]}),
    ('paid but not settled', {'documents': [make_invoice(1, payment_state='not_paid')]}),
    ('settled though not paid', {'documents': [make_order(1, total=10001)]}),
    ('settled though not paid', {'documents': [make_order()]}),
    # What nobody was told of.
    ('problem not told', {'problems': [make_problem('mismatch', told=None, first=BEGIN)]}),
    ('problem without cause', {'problems': [make_problem('not_booked', first=BEGIN)]}),
    ('money of nobody', {'foreign': [
        {'reference': 'LINK', 'command': 'PURCHASE', 'status': '14', 'currency': 'AED',
         'amount': 5, 'at': BEGIN},
    ]}),
    ('foreign message not kept', {'links': {'LINK': BEGIN}}),
    ('trail not purged', {'trail': [{'count': 1, 'oldest': NOW - 190 * DAY}]}),
])
def test_planted_difference_is_noticed(rule, values):
    assert rule in find(make_books(**copy.deepcopy(values)))


def test_refund_of_a_cent_less_is_noticed():
    refund = {**REFUND_ROW, 'amount': -3999}
    assert 'not in step' in find(make_books(**{
        **REFUNDED, 'transactions': [make_row(), refund],
    }))


def test_refund_that_was_never_made_is_noticed():
    assert 'more than there is' in find(make_books(**{**REFUNDED, 'ledger': [make_entry()]}))


def test_difference_that_is_asked_about_or_told_is_none():
    behind = {'entries': [], 'documents': []}
    asked = make_row(state='draft', next_check=NOW + 60)
    report = audit(make_books(transactions=[asked], **behind))
    assert not report.findings and report.waiting == [REFERENCE]

    told = make_problem('outcome_open')
    asked_no_more = make_row(state='pending', next_check=None)
    assert not find(make_books(transactions=[asked_no_more], problems=[told], **behind))

    overdue = make_row(state='draft', next_check=NOW - DAY)
    assert find(make_books(transactions=[overdue], **behind)) == {'not in step'}


def test_difference_that_is_asked_about_for_ever_is_noticed():
    entry = make_entry(moves=[{'command': 'PURCHASE', 'amount': 10000, 'at': NOW - 6 * DAY}])
    books = make_books(
        ledger=[entry], entries=[], documents=[],
        transactions=[make_row(state='draft', next_check=NOW + 60)],
    )
    assert find(books) == {'behind for too long'}


def test_what_a_restored_backup_has_forgotten_is_listed_apart():
    lost = [(BEGIN - 10, BEGIN + 10)]
    created = make_entry(created='2027-01-14T08:00:00.000+00:00')
    values = {'ledger': [created], 'transactions': [], 'entries': [], 'documents': []}
    report = audit(make_books(lost_hours=lost, **values))
    assert not report.findings and [one.subject for one in report.apart] == [REFERENCE]

    told = audit(make_books(lost_hours=lost, links={'LINK': BEGIN}))
    assert not told.findings and [one.subject for one in told.apart] == ['LINK']

    elsewhere = [(BEGIN - 5000, BEGIN - 4000)]
    assert find(make_books(lost_hours=elsewhere, **values)) == {'unknown payment'}


def test_payment_twice_is_noticed_unless_it_is_told():
    second = 'S00042-CCCCDDDD'
    values = {
        'ledger': [make_entry(), make_entry(second)],
        'transactions': [make_row(), make_row(2, second)],
        'entries': [make_payment(), make_payment(2)],
        'documents': [make_order(1, 2)],
    }
    assert find(make_books(**values)) == {'paid twice and not told'}
    told = make_problem('paid_twice', transaction_id=2)
    assert not find(make_books(**values, problems=[told]))
    refund = make_row(3, f'R-{second}', operation='refund', amount=-10000, source_id=2)
    move = {'command': 'REFUND', 'amount': 10000, 'at': BEGIN + 9}
    refunded = make_entry(second, moves=[*make_entry()['moves'], move])
    assert not find(make_books(**{
        **values, 'ledger': [make_entry(), refunded],
        'transactions': [*values['transactions'], refund],
        'entries': [*values['entries'], make_payment(3, payment_type='outbound')],
    }))


@pytest.mark.parametrize('days, rules', [(1, {'paid twice and not told'}), (8, set())])
def test_amount_that_the_bank_has_released_is_not_paid_twice(days, rules):
    """ Odoo goes on to say that it is reserved. """
    second = 'S00042-CCCCDDDD'
    reserved = {'command': 'AUTHORIZATION', 'amount': 10000, 'at': NOW - days * DAY}
    books = make_books(
        ledger=[make_entry(), make_entry(second, 'AUTHORIZATION', moves=[reserved])],
        transactions=[make_row(), make_row(2, second, state='authorized')],
        documents=[make_order(1, 2)],
    )
    assert find(books) == rules


def test_authorization_that_lapses_silently_is_noticed():
    age = 6 * DAY
    entry = make_entry(
        command='AUTHORIZATION',
        moves=[{'command': 'AUTHORIZATION', 'amount': 10000, 'at': NOW - age}],
    )
    row = make_row(state='authorized', changed=NOW - age, next_check=NOW + 60)
    values = {'ledger': [entry], 'transactions': [row], 'entries': []}
    assert find(make_books(**values)) == {'lapses silently'}
    assert not find(make_books(**values, problems=[make_problem('lapsing')]))


CHARGED = f"The transaction with reference {REFERENCE} for 100.00 AED has been confirmed (APS)."
NOT_CHARGED = "Your bank declined the payment. You have not been charged."


def test_untrue_page_is_noticed_by_what_the_ledger_had_at_that_moment():
    after = Shown(BEGIN + 60, REFERENCE, f"Payment declined {NOT_CHARGED}")
    before = Shown(BEGIN - 60, REFERENCE, f"Payment declined {NOT_CHARGED}")
    assert find(make_books(shown=[after])) == {'untrue: not_charged'}
    assert not find(make_books(shown=[before]))

    thanks = "Your payment has been successfully processed."
    assert find(make_books(shown=[Shown(BEGIN - 60, REFERENCE, thanks)])) == {'untrue: taken'}
    assert not find(make_books(shown=[Shown(BEGIN + 1, REFERENCE, thanks)]))


def test_page_that_was_untrue_until_aps_was_asked_is_listed_apart():
    entry = make_entry(moves=[{'command': 'PURCHASE', 'amount': 10000, 'at': BEGIN}])
    shown = [Shown(BEGIN + 60, REFERENCE, NOT_CHARGED)]
    soon, late = make_row(changed=BEGIN + 300), make_row(changed=BEGIN + 3000)
    report = audit(make_books(ledger=[entry], transactions=[soon], shown=shown))
    assert not report.findings and [one.rule for one in report.apart] == ['corrected soon']
    assert find(make_books(ledger=[entry], transactions=[late], shown=shown)) == {
        'untrue: not_charged',
    }


def test_untrue_message_in_the_chatter_is_noticed():
    message = {'id': 1, 'model': 'sale.order', 'res_id': 42, 'body': f'<p>{CHARGED}</p>'}
    assert not find(make_books(messages=[{**message, 'at': BEGIN + 1}]))
    assert find(make_books(messages=[{**message, 'at': BEGIN - 60}])) == {'untrue: taken'}
    too_much = {**message, 'at': BEGIN + 1, 'body': CHARGED.replace(REFERENCE, f'R-{REFERENCE}')}
    assert find(make_books(**{
        **REFUNDED, 'messages': [too_much],
    })) == {'untrue: taken'}, "The refund came later."


def test_untrue_state_message_is_noticed():
    row = make_row(
        state='cancel', state_message=NOT_CHARGED, next_check=NOW + 60, changed=BEGIN + 60
    )
    books = make_books(transactions=[row], entries=[], documents=[])
    assert 'untrue: not_charged' in find(books)


def test_release_is_judged_by_what_it_has_changed():
    released = "The reserved amount was released. You have not been charged."
    moves = [{'command': 'AUTHORIZATION', 'amount': 10000, 'at': BEGIN}]
    void = {'command': 'VOID_AUTHORIZATION', 'amount': 10000, 'at': BEGIN + 60}
    row = make_row(
        state='cancel', aps_operation='VOID_AUTHORIZATION', state_message=released,
        changed=BEGIN + 60,
    )
    values = {'transactions': [row], 'entries': [], 'documents': []}
    entry = make_entry(command='AUTHORIZATION', moves=[*moves, void])
    assert not find(make_books(ledger=[entry], **values))
    entry = make_entry(command='AUTHORIZATION', moves=moves)
    assert find(make_books(ledger=[entry], **values)) == {
        'untrue: released', 'more than there is',
    }


def test_operation_that_aps_has_executed_was_received():
    refund = {**REFUND_ROW, 'state': 'error', 'changed': BEGIN + 200,
              'state_message': "Amazon Payment Services has not received this operation."}
    executed = {'executed': True, 'maintenance_reference': f'R-{REFERENCE}'}
    entry = make_entry(operations=[executed], moves=REFUNDED['ledger'][0]['moves'])
    books = make_books(ledger=[entry], transactions=[make_row(), refund])
    assert 'untrue: not_received' in find(books)


@pytest.mark.parametrize('text, claims', [
    # As 17.0 and 19.0 say it.
    ("The transaction with reference S1-A for 10.00 AED has been confirmed (APS).", {'taken'}),
    ("The transaction S1-A of 10.00 AED has been confirmed.", {'taken'}),
    ("The refund R-S1-A of -\ufeff10.00 AED has been confirmed.", {'taken'}),
    ("The refund R-S1-A of -\ufeff10.00 AED is pending.", set()),
    ("Your payment has been processed.", {'taken'}),
    ("Your payment has been authorized.", {'reserved'}),
    ("Your payment has been cancelled.", {'released'}),
    ("The reserved amount was released. You have not been charged.", {'released'}),
    ("The payment was not completed. You have not been charged. You can pay again at any time.",
     {'not_charged'}),
    ("We do not know yet whether your payment succeeded. Please do not pay again.", set()),
    # What the shop says of the order.
    ("Your order S1 amounting in 10.00 AED has been confirmed. Thank you!", set()),
])
def test_sentences_are_read_for_what_they_say(text, claims):
    assert find_claims(text) == claims


def test_new_sentence_about_money_has_to_be_judged():
    assert find_claims("We may have charged you some money, who knows.") is None
    assert find_claims("Nice weather.") == set()
    shown = Shown(NOW, REFERENCE, "We may have charged you some money, who knows.")
    assert find(make_books(shown=[shown])) == {'sentence that nobody can judge'}


def test_booking_may_take_an_hour():
    row = make_row(changed=NOW - GRACE + 60)
    assert not find(make_books(transactions=[row], entries=[]))


def test_problem_whose_cause_has_just_gone_stays_until_the_watch_looks():
    problem = make_problem('lapsing', first=BEGIN)
    captured = make_row(written=NOW - 5)
    assert not find(make_books(transactions=[captured], problems=[problem]))
    captured['written'] = NOW - GRACE
    assert find(make_books(transactions=[captured], problems=[problem])) == {
        'problem without cause'
    }
