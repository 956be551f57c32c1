""" What happens in the simulated time: a plan that a seed decides before anything has happened.

The shop is in Cairo, where the clocks change on the last Friday of April and the last Thursday of
October. What people do is drawn by the hour of their day, which is another one in Ramadan.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo('Africa/Cairo')
# The week crosses the end of summer time and of a month, the year whatever a year has.
WEEK_START, YEAR_START = date(2027, 10, 27), date(2027, 1, 1)
RAMADAN = (date(2027, 2, 8), date(2027, 3, 9))
# The chance that a shopper comes in an hour, by the hour of the day: people pay around noon and in
# the evening; in Ramadan after sunset, and until long after midnight.
HOURS = (2, 1, 1, 0, 0, 0, 1, 2, 3, 5, 7, 8, 8, 7, 5, 5, 5, 6, 8, 9, 10, 9, 7, 4)
RAMADAN_HOURS = (10, 10, 8, 4, 1, 0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 2, 1, 0, 1, 5, 10, 12, 12, 11)
# How many come on a day, if the plan is for some weeks; in longer ones, of which Fridays and
# Saturdays are quiet; and in an hour in which all come at once.
SHOPPERS_OF_WEEKS, SHOPPERS_OF_MONTHS, SHOPPERS_OF_RAMADAN, SHOPPERS_OF_A_RUSH = 4, 2, 3, 6
WEEKS, WEEKEND = 31, (4, 5)
# When the backup of the night is made, and from when on it may be restored, after midnight.
NIGHT, DISASTER = 3 * 3600, 9 * 3600

# What a shopper does, and how often.
STORIES = {
    'pays': 36, 'declined': 6, 'declined_then_pays': 9, 'same_page': 7, 'cancels': 5, 'leaves': 6,
    'pays_late': 6, 'undecided': 9, 'two_tabs': 9, 'undecided_then_pays': 4,
    'canceled_document': 3,
}
# How the notification of a payment comes. `late` ones come after `delay`, `early` after the return.
NEWS = {'now': 52, 'twice': 12, 'late': 14, 'lost': 14, 'corrupt': 3, 'reorder': 5}
FAILURES = ('declined', 'insufficient_funds', 'expired', '3ds_failed', 'technical')
UNDECIDED = ('uncertain', 'pending', 'on_hold', 'in_review')
# When it is decided what was undecided.
DECISIONS = {'success': 5, 'declined': 4, 'never': 1}
# What the merchant's people do, and how often.
ACTIONS = {
    'capture': 26, 'void': 8, 'refund': 20, 'close_rest': 4, 'check': 8, 'back_office': 12,
    'solve': 22,
}
# What goes wrong with an operation of theirs.
FAULTS = {
    None: 60, 'error_500': 5, 'error_500_after': 5, 'close': 5, 'close_before': 5,
    'wrong_signature': 5, 'garbage': 5, 'declined': 10,
}
COMMANDS = ('CAPTURE', 'REFUND', 'VOID_AUTHORIZATION')
# Once in so many days, at the latest: what goes wrong with all of it. In a shorter time once, too.
HAZARDS = {
    'kill': 10, 'restore': 30, 'down': 40, 'hang': 20, 'link': 20, 'old_news': 5, 'rush': 12,
}


@dataclass(frozen=True)
class Event:
    """ Something that happens, or begins.

    :param float at: When, in seconds since the epoch.
    :param str kind: `shop`, `staff`, or one of `HAZARDS`.
    :param dict values: What more there is to say, drawn in advance.
    """

    at: float
    kind: str
    values: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Day:
    """ A day of the shop.

    :param date date: Which one.
    :param float begin: Midnight, in seconds since the epoch.
    :param float end: The next midnight.
    :param bool is_manual: Whether payments are only reserved on this day.
    :param list[Event] events: What happens, in its order.
    """

    date: date
    begin: float
    end: float
    is_manual: bool
    events: list


def make_plan(seed, start, days):
    """ Return what happens on some days.

    :param int seed: What decides; the same seed makes the same plan.
    :param date start: The first day.
    :param int days: How many.
    :rtype: list[Day]
    """
    chance = random.Random(seed)
    hazards = _deal_hazards(chance, days)
    plan = []
    for number in range(days):
        day = start + timedelta(days=number)
        people = _draw_people(chance, day, is_long=days > WEEKS)
        plan.append(_plan_day(chance, day, people, hazards[number]))
    return plan


def get_midnight(day):
    """ Return when a day begins, in seconds since the epoch. """
    return datetime.combine(day, time(), ZONE).timestamp()


def _deal_hazards(chance, days):
    """ Return what goes wrong on each day.

    :return: The kinds, by the number of the day.
    :rtype: list[set[str]]
    """
    dealt = [set() for _day in range(days)]
    for kind, period in HAZARDS.items():
        for begin in range(0, days, period):
            dealt[begin + chance.randrange(min(period, days - begin))].add(kind)
    return dealt


def _draw_people(chance, day, is_long):
    """ Return how many shoppers come on a day, and how often the merchant's people do something.

    :rtype: tuple[int, int]
    """
    if not is_long:
        return chance.randint(1, 2 * SHOPPERS_OF_WEEKS - 1), chance.randint(2, 6)
    if is_ramadan(day):
        return chance.randint(1, 2 * SHOPPERS_OF_RAMADAN - 1), chance.randint(1, 3)
    if day.weekday() in WEEKEND:
        return 0, 0
    return chance.randint(1, 2 * SHOPPERS_OF_MONTHS - 1), chance.randint(1, 4)


def is_ramadan(day):
    """ Return whether a day is one of Ramadan. """
    return RAMADAN[0] <= day <= RAMADAN[1]


def _plan_day(chance, day, people, hazards):
    """ Return what happens on a day.

    :param tuple[int, int] people: How many shoppers come, and how often the staff does something.
    """
    begin, end = get_midnight(day), get_midnight(day + timedelta(days=1))
    hours = RAMADAN_HOURS if is_ramadan(day) else HOURS
    shoppers, actions = people
    events = [
        Event(_draw_moment(chance, begin, end, hours), 'shop', _draw_shopper(chance))
        for _shopper in range(shoppers)
    ]
    events += [
        Event(_draw_moment(chance, begin, end, HOURS), 'staff', _draw_action(chance))
        for _action in range(actions)
    ]
    for kind in sorted(hazards):
        moment = _draw_moment(chance, begin, end, hours)
        if kind == 'restore':
            moment = _draw_moment(chance, begin + DISASTER, end, hours)
            events.append(Event(begin + NIGHT, 'back_up'))
        events += _plan_hazard(chance, kind, moment)
    return Day(
        day, begin, end, chance.random() < 0.5, sorted(events, key=lambda event: event.at)
    )


def _plan_hazard(chance, kind, moment):
    """ Return what happens when something goes wrong. """
    if kind == 'rush':
        return [
            Event(moment + chance.random(), 'shop', _draw_shopper(chance))
            for _shopper in range(SHOPPERS_OF_A_RUSH)
        ]
    return [Event(moment, kind, {
        'shoppers': [_draw_shopper(chance) for _shopper in range(2)],
        'pause': chance.uniform(0.02, 0.4), 'minutes': chance.choice((3, 20, 90, 240)),
        'pick': chance.random(), 'amount_minor': chance.randint(1000, 99999),
    })]


def _draw_moment(chance, begin, end, hours):
    """ Return a moment of a day, which may have 23 or 25 hours.

    :param Random chance: What decides.
    :param float begin: Midnight.
    :param float end: The next midnight.
    :param tuple[int] hours: The weight of each hour of the clock on the wall.
    :rtype: float
    """
    starts = [begin + 3600 * hour for hour in range(round((end - begin) / 3600))]
    weights = [hours[datetime.fromtimestamp(start, ZONE).hour] for start in starts]
    [start] = chance.choices(starts, weights)
    return start + chance.random() * 3600


def _draw_shopper(chance):
    """ Return what a shopper is going to do. """
    is_invoice = chance.random() < 0.4
    currency = 'KWD' if is_invoice and chance.random() < 0.2 else 'AED'
    amount = chance.randint(100, 99999)
    return {
        'model': 'account.move' if is_invoice else 'sale.order',
        'currency': currency,
        'amount_minor': amount * 10 if currency == 'KWD' else amount,
        'story': _choose(chance, STORIES),
        'news': [_choose(chance, NEWS) for _tab in range(2)],
        'is_back': [chance.random() < 0.75 for _tab in range(2)],
        'is_return_first': chance.random() < 0.4,
        'failure': chance.choice(FAILURES),
        'undecided': chance.choice(UNDECIDED),
        'decision': _choose(chance, DECISIONS),
        'delay': chance.choice((1, 5, 12, 45, 180, 700, 2000)),
        'partner': chance.randrange(5),
    }


def _draw_action(chance):
    """ Return what one of the merchant's people is going to do. """
    return {
        'action': _choose(chance, ACTIONS),
        'command': chance.choice(COMMANDS),
        'pick': chance.random(),
        'share': chance.choice((1, 1, 1, chance.uniform(0.01, 0.99))),
        'fault': _choose(chance, FAULTS),
        'news': _choose(chance, NEWS),
    }


def _choose(chance, weights):
    """ Return one of the keys of some weights. """
    [chosen] = chance.choices(list(weights), weights.values())
    return chosen
