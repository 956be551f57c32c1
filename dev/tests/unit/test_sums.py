""" What the sums and notices of APS prove: tables, and an honest APS with random histories. """

import random

import pytest

from aps.sums import (
    Explanation,
    Known,
    Told,
    explain_captures,
    explain_refunds,
    explain_void,
    get_captured_bounds,
    get_payment_state,
    learn_shrinking,
    sort_notices,
)

HISTORIES = 40_000


@pytest.mark.parametrize('number', range(100))
def test_statuses_with_a_meaning_of_their_own(number):
    """ No other status is taken for one of them; those that need a clear code are. """
    status = f'{number:02}'
    clear, unclear = Told(status, True), Told(status, False)
    for told in (clear, unclear):
        assert told.is_voided is (status == '08')
        assert told.is_undecided is (status in ('15', '19', '20', '40'))
        assert told.is_captured is (status in ('04', '06'))
    assert clear.is_paid is (status in ('04', '06', '14'))
    assert clear.is_authorized is (status in ('02', '05', '09'))
    assert not unclear.is_paid
    assert unclear.is_authorized is (status in ('05', '09'))
    assert explain_void(Known(100), clear).is_executed == {'08': True, '02': False}.get(status)
    # Whether an operation that isn't in the sums can still be executed.
    found = explain_captures(Known(100, operation=40), Told(status, True, 0, 0))
    assert found.is_executed is (False if status in ('02', '05', '07', '08', '09') else None)


@pytest.mark.parametrize('captured, refunded, is_paid, is_captured', (
    (None, None, False, False), (0, 0, False, False), (1, None, True, True), (0, 1, True, False),
    (None, 1, True, False), (1, 1, True, True),
))
def test_sums_tell_of_a_payment_whatever_the_status(captured, refunded, is_paid, is_captured):
    told = Told('13', False, captured, refunded)
    assert (told.is_paid, told.is_captured) == (is_paid, is_captured)


@pytest.mark.parametrize('notices, captures, refunds', (
    ((), (), ()),
    ((('CAPTURE', '', 40), ('CAPTURE', '', 60)), (40, 60), ()),
    ((('CAPTURE', '', 40), ('REFUND', 'BO-1', 30), ('REFUND', '', 20)), (40,),
     (('', 20), ('BO-1', 30))),
    # One without amount proves nothing.
    ((('CAPTURE', '', None), ('CAPTURE', '', 0), ('REFUND', 'BO-1', None)), (), ()),
    # The amount of a refund of Odoo is known.
    ((('REFUND', 'R-1', 50), ('REFUND', 'R-1', 30)), (), (('R-1', 50),)),
    ((('REFUND', 'R-1', 51),), (), ()),
    ((('VOID_AUTHORIZATION', '', 10), ('AUTHORIZATION', '', 10)), (), ()),
))
def test_notices_of_captures_and_refunds(notices, captures, refunds):
    found = sort_notices(set(notices), {'R-1': 50})
    assert (tuple(sorted(found[0])), tuple(sorted(found[1]))) == (captures, refunds)


@pytest.mark.parametrize('status, is_clear, captured, refunded, is_purchase, shrinks, state', (
    # A purchase is taken in full or not at all, whatever its latest operation is.
    ('14', True, None, None, True, None, 'done'),
    ('14', True, 100, 0, True, None, 'done'),
    ('14', True, 99, 0, True, None, None),
    ('14', True, 101, 0, True, None, None),
    ('04', True, None, None, True, None, 'done'),
    ('06', True, 0, 0, True, None, 'done'),
    ('06', True, 0, 30, True, None, 'done'),
    ('06', True, 70, 30, True, None, 'done'),
    ('06', True, 100, 30, True, None, 'done'),
    ('06', True, 60, 30, True, None, None),
    ('04', True, 60, 0, True, None, 'authorized'),
    ('06', True, 100, 101, True, None, None),
    ('02', True, 60, 0, True, None, None),
    ('14', True, None, None, False, None, 'done'),
    ('14', True, 40, 0, False, None, None),
    # A status alone is believed only if its code says the same.
    ('14', False, None, None, True, None, None),
    ('04', False, 0, 0, False, None, None),
    ('13', True, None, None, True, None, None),
    ('02', True, 0, 0, False, None, None),
    ('15', False, 100, 0, True, None, 'done'),
    # An authorization may be captured in part.
    ('04', True, 100, 0, False, None, 'done'),
    ('04', True, 40, 0, False, None, 'authorized'),
    ('04', True, None, None, False, None, 'authorized'),
    ('06', True, None, None, False, None, 'authorized'),
    ('06', True, 70, 30, False, None, 'authorized'),
    ('06', True, 70, 30, False, False, 'authorized'),
    ('06', True, 70, 30, False, True, 'done'),
    ('06', True, 0, 30, False, None, 'authorized'),
    ('06', True, 0, 100, False, None, 'done'),
    ('06', True, 0, 100, False, False, 'done'),
    ('06', True, 40, 30, False, True, 'authorized'),
    ('06', True, 80, 30, False, True, 'authorized'),
    ('15', True, 40, 0, False, None, 'authorized'),
    ('04', True, 101, 0, False, None, None),
))
def test_state_of_a_payment(status, is_clear, captured, refunded, is_purchase, shrinks, state):
    told = Told(status, is_clear, captured, refunded)
    assert get_payment_state(told, 100, is_purchase, shrinks) == state


def test_status_without_a_code_is_not_clear():
    assert get_payment_state(Told('14'), 100, is_purchase=True) is None


@pytest.mark.parametrize('known, told, bounds', (
    ({}, (), (0, 100)),
    ({}, ('02', True, 0, 0), (0, 0)),
    ({}, ('02', True, 0), (0, 0)),
    ({}, ('04', True, 0, 0), (0, 100)),
    ({}, ('04', True, 40, 0), (40, 40)),
    ({}, ('04', True, 40), (40, 40)),
    ({}, ('04', True, 101, 0), (0, 100)),
    ({}, ('04', True, 40, 101), (0, 100)),
    ({}, ('06', True, 40), (40, 100)),
    ({}, ('06', True, 60, 20), (60, 80)),
    ({'shrinks': True}, ('06', True, 60, 20), (80, 80)),
    ({'shrinks': False}, ('06', True, 60, 20), (60, 60)),
    ({'shrinks': True}, ('06', True, 60), (60, 100)),
    ({'shrinks': False}, ('06', True, 60), (60, 60)),
    ({}, ('06', True, 80, 30), (80, 80)),
    ({}, ('06', True, 0, 30), (30, 100)),
    ({}, ('06', True, 20, 30), (50, 50)),
    # What is known excludes some readings, and older sums.
    ({'captured': 60}, ('06', True, 40, 20), (60, 60)),
    ({'captured': 60, 'refunded': 20}, ('06', True, 60, 20), (60, 80)),
    ({'captured': 60, 'refunded': 20}, ('04', True, 60, 0), (60, 100)),
    ({'captured': 60, 'refunded': 20}, ('04', True, 60), (60, 100)),
    ({'captured': 60}, ('04', True, 40, 0), (60, 100)),
    ({'capture_notices': (60, 20)}, ('06', True, 60, 20), (80, 80)),
    ({'capture_notices': (60, 60)}, (), (60, 100)),
    ({'capture_notices': (60, 50)}, (), (0, 100)),
    ({'capture_notices': (100,)}, (), (100, 100)),
))
def test_bounds_of_the_captured_sum(known, told, bounds):
    assert get_captured_bounds(Known(100, **known), Told(*told)) == bounds


@pytest.mark.parametrize('known, told, explanation', (
    # Nothing is under way: what the back office did.
    ({}, ('04', True, 40, 0), (None, 40, False, True)),
    ({'captured': 40}, ('04', True, 40, 0), (None, 0, False, True)),
    ({}, ('06', True, 60, 20), (None, 60, False, False)),
    ({'capture_notices': (60,)}, ('06', True, 60, 20), (None, 60, False, True)),
    ({'captured': 60, 'refunded': 20}, ('04', True, 80, 20), (None, 20, False, False)),
    ({'capture_notices': (100,)}, (), (None, 100, False, True)),
    # A status alone tells of a capture, unless that is known; one unit is one, too.
    ({}, ('04', True, 0, 0), (None, 0, False, False)),
    ({'captured': 1}, ('04', True), (None, 0, False, True)),
    ({'capture_notices': (1,)}, ('06', True, None, 1), (None, 1, False, True)),
    # Whether there may be more than what is certain.
    ({}, ('04', True, 0, 0), (None, 0, False, False)),
    ({}, ('06', True, 60), (None, 60, False, False)),
    ({'captured': 40}, ('04', True), (None, 0, False, True)),
    ({'captured': 1}, ('04', True), (None, 0, False, True)),
    ({'capture_notices': (1,)}, ('06', True, 0, 1), (None, 1, False, True)),
    # The total has room for ours.
    ({'operation': 40}, ('04', True, 40, 0), (True, 0, False, True)),
    ({'operation': 30}, ('04', True, 50, 0), (True, 20, False, True)),
    ({'operation': 30}, ('04', True, 100, 0), (True, 70, False, True)),
    ({'operation': 30, 'capture_notices': (20,)}, ('04', True, 50, 0), (True, 20, False, True)),
    ({'operation': 30, 'capture_notices': (30, 20)}, (), (True, 20, False, True)),
    ({'operation': 100, 'capture_notices': (100,)}, (), (True, 0, False, True)),
    # It has not.
    ({'operation': 40}, ('02', True, 0, 0), (False, 0, False, True)),
    ({'operation': 40, 'captured': 40}, ('04', True, 40, 0), (False, 0, False, True)),
    ({'operation': 30}, ('04', True, 20, 0), (False, 20, False, True)),
    ({'operation': 30, 'capture_notices': (50,)}, ('04', True, 50, 0), (False, 50, False, True)),
    # It has not, and never will.
    ({'operation': 30, 'capture_notices': (100,)}, ('15', False, 100, 0), (False, 100, True, True)),
    ({'operation': 100}, ('04', True, 60, 0), (False, 60, True, True)),
    ({'operation': 80}, ('04', True, 20, 0), (False, 20, False, True)),
    ({'operation': 100, 'capture_notices': (60,)}, (), (False, 60, True, True)),
    ({'operation': 60, 'captured': 60}, ('04', True, 60, 0), (False, 0, True, True)),
    # APS may still be deciding, or doesn't tell the sum.
    ({'operation': 40}, ('15', True, 0, 0), (None, 0, False, True)),
    ({'operation': 40}, ('19', True, 0, 0), (None, 0, False, True)),
    ({'operation': 40}, ('20', True, 0, 0), (None, 0, False, True)),
    ({'operation': 40}, ('40', True, 0, 0), (None, 0, False, True)),
    ({'operation': 40}, ('05', False, 0, 0), (None, 0, False, True)),
    ({'operation': 40}, ('04', True, 0, 0), (None, 0, False, False)),
    ({'operation': 40}, ('04', True), (None, 0, False, False)),
    ({'operation': 30, 'capture_notices': (20,)}, (), (None, 20, False, False)),
    ({'operation': 20}, ('06', True, 60, 20), (True, 40, False, False)),
    ({'operation': 70}, ('06', True, 60, 20), (None, 0, False, False)),
    # What was captured elsewhere in any case, whether or not ours is part of the total.
    ({'operation': 40, 'captured': 20, 'capture_notices': (20, 10)}, ('06', True, 35), (
        None, 10, False, False,
    )),
    ({'operation': 10, 'captured': 5, 'capture_notices': (20,)}, (), (None, 15, False, False)),
    ({'operation': 40, 'captured': 60, 'refunded': 40}, ('06', True, 60, 40), (
        None, 0, False, False,
    )),
))
def test_explanation_of_captures(known, told, explanation):
    found = explain_captures(Known(100, **known), Told(*told))
    assert found == Explanation(*explanation)


@pytest.mark.parametrize('notices, told, explanation', (
    ((), ('08', True, 0, 0), (True, 0)),
    ((), ('02', True, 0, 0), (False, 0)),
    ((), ('02', False, 0, 0), (None, 0)),
    ((), ('09', True, 0, 0), (None, 0)),
    ((), ('00', True, 0, 0), (None, 0)),
    ((), (), (None, 0)),
    ((), ('04', True, 40, 0), (False, 0, True)),
    ((40,), (), (False, 0, True)),
))
def test_explanation_of_a_void(notices, told, explanation):
    known = Known(100, capture_notices=notices, operation=100)
    assert explain_void(known, Told(*told)) == Explanation(*explanation)
    assert explain_void(known, Told(*told)).is_certain


@pytest.mark.parametrize('known, refunded, missing', (
    ({}, None, 0), ({}, 0, 0), ({}, 30, 30), ({'refunded': 30}, 30, 0), ({'refunded': 30}, 50, 20),
    ({'refunded': 30}, 0, 0), ({'refunded': 30}, None, 0), ({}, 300, 100),
    ({'operation': 30}, 20, 20), ({'operation': 30}, 30, 0), ({'operation': 30}, 50, 20),
    ({'refund_notices': (('', 25), ('', 25))}, 0, 25),
    ({'refund_notices': (('A', 25), ('B', 25))}, None, 50),
    ({'refund_notices': (('A', 25), ('', 25), ('', 10))}, None, 35),
    ({'refund_notices': (('A', 60), ('B', 40))}, None, 100),
    ({'refund_notices': (('A', 60), ('B', 60))}, None, 0),
))
def test_explanation_of_refunds(known, refunded, missing):
    told = Told(refunded=refunded)
    assert explain_refunds(Known(100, 100, **known), told).back_office == missing
    assert explain_refunds(Known(100, 100, **known), told).is_certain
    if refunded is None:
        assert explain_refunds(Known(100, 100, **known)).back_office == missing


@pytest.mark.parametrize('known, told, shrinks', (
    ((100, 100, 30), (100, 30), False), ((100, 100, 30), (70, 30), True),
    ((100, 100, 100), (100, 100), False),
    ((100, 100, 1), (99, 1), True),
    ((100, 100, 100), (100, 100), False), ((100, 100, 1), (99, 1), True),
    ((100, 100, 100), (0, 100), None),  # May be a sum that isn't told.
    ((100, 100, 30), (70, 40), None), ((100, 100, 30), (70, 0), None),
    ((100, 100, 30), (None, 30), None), ((100, 100, 30), (100, None), None),
    ((100, 60, 30), (60, 30), None), ((100, 60, 30), (30, 30), None),
    ((100, 60, 30), (70, 30), None), ((100, 110, 30), (100, 30), None),
    ((100, 100, 0), (100, 0), None), ((100, 100, 30), (80, 30), None),
    ((100, 100, 30, (), (), 10), (70, 30), None),
))
def test_what_a_refund_does_to_the_captured_sum(known, told, shrinks):
    assert learn_shrinking(Known(*known), Told('06', True, *told)) is shrinks


class HonestAPS:
    """ An APS that tells the truth about one authorization, late, not at all, or twice.

    :param random.Random chance: The source of chance.
    """

    def __init__(self, chance):
        self.chance = chance
        self.amount = chance.choice((3, 5, 10))
        self.shrinks = chance.random() < 0.5
        self.captured = self.refunded = 0
        self.status, self.is_clear = '02', True
        self.notices = []  # Not delivered yet.
        self.answers = []  # Those that are not up to date any more.
        self.is_deciding = False  # Nothing else is possible until then.

    def is_possible(self, command, amount):
        """ Return whether an operation can be executed. """
        rest = {
            'CAPTURE': self.amount - self.captured, 'REFUND': self.captured - self.refunded,
        }[command]
        return 0 < amount <= rest and not self.is_deciding

    def decide_later(self):
        """ Take an operation that is not decided at once. """
        self.is_deciding = True
        self.status, self.is_clear = self.chance.choice((('15', False), ('15', True), ('19', True)))

    def operate(self, command, amount, reference=''):
        """ Execute an operation, if it is possible.

        :return: Whether it was executed.
        :rtype: bool
        """
        if not self.is_possible(command, amount):
            return False
        self.answers.append(self.tell())
        if command == 'CAPTURE':
            self.captured += amount
        else:
            self.refunded += amount
        self.status, self.is_clear = {'CAPTURE': '04', 'REFUND': '06'}[command], True
        self.notices += [(command, reference, amount)] * self.chance.choice((0, 1, 1, 1, 2))
        return True

    def refuse(self, command):
        """ Decline an operation, or leave it open. """
        self.status, self.is_clear = self.chance.choice((
            ({'CAPTURE': '05', 'REFUND': '07'}[command], True),
            ({'CAPTURE': '05', 'REFUND': '07'}[command], False), ('15', True), ('19', True),
        ))

    def tell(self, is_complete=False):
        """ Answer a query. """
        captured = self.captured - (self.refunded if self.shrinks else 0)
        refunded = self.refunded
        if not is_complete and self.chance.random() < 0.2:
            captured = self.chance.choice((None, 0))
        if not is_complete and self.chance.random() < 0.2:
            refunded = None
        return Told(self.status, self.is_clear, captured, refunded)


class Odoo:
    """ What Odoo records by the rules.

    :param HonestAPS aps: The other side.
    :param bool|None shrinks: What is known of the captured sum.
    """

    def __init__(self, aps, shrinks):
        self.aps = aps
        self.shrinks = shrinks
        self.captured = self.refunded = 0
        self.captures, self.refunds = set(), set()  # Told by notices.
        self.operation = None  # The amount of a capture of unknown outcome.
        self.fate = None  # `executed` or `lost`; `late` or `undecided` if it may still be executed.
        self.count = 0

    def describe(self):
        """ Return what is known. """
        return Known(
            self.aps.amount, self.captured, self.refunded, tuple(self.captures),
            tuple(self.refunds), self.operation, self.shrinks,
        )

    def capture(self, amount, is_answered, fate):
        """ Capture an amount. """
        if self.operation or not 0 < amount <= self.aps.amount - self.captured:
            return
        if not self.aps.is_possible('CAPTURE', amount) and fate != 'late':
            fate = 'lost'
            if not self.aps.is_deciding:
                self.aps.refuse('CAPTURE')
        if fate == 'executed':
            self.aps.operate('CAPTURE', amount)
        elif fate == 'undecided':
            self.aps.decide_later()
        if not is_answered or fate in ('late', 'undecided'):
            self.operation, self.fate = amount, fate
        elif fate == 'executed':
            self.captured += amount

    def arrive(self):
        """ Have a capture that was late, or undecided, be executed, or declined. """
        if self.fate == 'undecided':
            self.aps.is_deciding = False
            self.aps.refuse('CAPTURE')
        if self.fate in ('late', 'undecided'):
            self.fate = 'executed' if self.aps.operate('CAPTURE', self.operation) else 'lost'

    def refund(self, amount):
        """ Refund an amount by a reference, and read the answer. """
        self.count += 1
        if self.captured - self.refunded >= amount and self.aps.operate(
            'REFUND', amount, f'R-{self.count}'
        ):
            self.refunded += amount

    def read(self, told, is_up_to_date=True):
        """ Take over what is certain. """
        found = explain_captures(self.describe(), told)
        if found.is_executed:
            self.arrive()  # Others made it; this one is one more, if it comes.
            self.captured += self.operation
            self.operation = self.fate = None
        elif found.is_executed is False and (
            found.is_final or (is_up_to_date and self.fate != 'late')  # Odoo waits for it.
        ):
            assert self.fate != 'executed', "An executed capture is declared failed."
            if self.fate != 'lost':
                rest = self.aps.amount - self.aps.captured
                assert self.operation > rest, "One that may be executed is declared failed."
            self.operation = self.fate = None
        self.captured += found.back_office
        refunds = explain_refunds(self.describe()._replace(operation=None), told)
        self.refunded += min(refunds.back_office, self.captured - self.refunded)
        assert self.captured <= self.aps.captured, "More is booked than was captured."
        assert self.refunded <= self.aps.refunded, "More is booked than was refunded."

    def hear(self, notice):
        """ Take over a notice. """
        command, reference, amount = notice
        if command == 'CAPTURE':
            self.captures.add(amount)
        else:
            self.refunds.add((reference, amount))
        self.read(None)


def take_a_step(chance, aps, odoo):
    """ Have something happen to a payment. """
    amount = chance.randrange(1, aps.amount + 1)
    step = chance.randrange(8)
    if step == 0:
        fate = chance.choice(('executed', 'executed', 'lost', 'late', 'undecided'))
        odoo.capture(amount, chance.random() < 0.3, fate)
    elif step == 1:
        odoo.refund(amount)
    elif step == 2:
        aps.operate(
            chance.choice(('CAPTURE', 'CAPTURE', 'REFUND')), amount,
            chance.choice(('', f'BO-{chance.randrange(3)}')),
        )
    elif step == 3 and aps.notices:
        odoo.hear(aps.notices.pop(chance.randrange(len(aps.notices))))
    elif step == 4:
        odoo.arrive()
    elif step == 5 and aps.answers:
        odoo.read(chance.choice(aps.answers), is_up_to_date=False)
    else:
        odoo.read(aps.tell())


@pytest.mark.parametrize('seed', range(4))
def test_random_histories(seed):
    """ Odoo never books more than APS has, and ends equal once everything is told. """
    chance = random.Random(seed)
    ends = {'equal': 0, 'open': 0}
    for _history in range(HISTORIES // 4):
        aps = HonestAPS(chance)
        odoo = Odoo(aps, chance.choice((None, None, aps.shrinks)))
        for _step in range(chance.randrange(1, 12)):
            take_a_step(chance, aps, odoo)
        odoo.arrive()
        while aps.notices:
            odoo.hear(aps.notices.pop())
        if not aps.is_clear or aps.status not in ('02', '04', '05', '06', '07'):
            aps.status, aps.is_clear = '05', True
        odoo.read(aps.tell(is_complete=True))
        is_equal = (odoo.captured, odoo.refunded) == (aps.captured, aps.refunded)
        ends['equal' if is_equal else 'open'] += 1
        least, most = get_captured_bounds(odoo.describe(), aps.tell(is_complete=True))
        if least == most:
            assert is_equal, (vars(aps), vars(odoo))
            assert not odoo.operation
    assert ends['open'] < ends['equal'] / 10, ends
