""" The plan of the simulated years. """

from collections import Counter
from datetime import date, datetime
from itertools import pairwise

from tests.support.years.plan import (
    HAZARDS,
    STORIES,
    WEEK_START,
    YEAR_START,
    ZONE,
    make_plan,
)


def test_same_seed_makes_the_same_plan_and_another_one_another():
    assert make_plan(7, YEAR_START, 30) == make_plan(7, YEAR_START, 30)
    assert make_plan(7, YEAR_START, 30) != make_plan(8, YEAR_START, 30)


def test_week_has_each_hazard_and_a_day_of_25_hours_and_the_end_of_a_month():
    plan = make_plan(1, WEEK_START, 7)

    kinds = Counter(event.kind for day in plan for event in day.events)

    assert not set(HAZARDS) - {'rush'} - set(kinds)
    assert {round((day.end - day.begin) / 3600) for day in plan} == {24, 25}
    assert {day.date.month for day in plan} == {10, 11}


def test_year_has_a_day_of_23_hours_and_every_story_and_hazard_in_time():
    plan = make_plan(1, YEAR_START, 365)

    assert Counter(round((day.end - day.begin) / 3600) for day in plan) == {24: 363, 23: 1, 25: 1}
    stories = {
        event.values['story'] for day in plan for event in day.events if event.kind == 'shop'
    }
    assert stories == set(STORIES)
    for kind, period in HAZARDS.items():
        days = [
            number for number, day in enumerate(plan)
            if any(event.kind == kind for event in day.events)
        ]
        gaps = [after - before for before, after in pairwise(days)]
        assert kind == 'rush' or max([days[0], *gaps]) < 2 * period


def test_events_stand_within_their_day_in_their_order():
    for day in make_plan(3, YEAR_START, 60):
        moments = [event.at for event in day.events]
        assert moments == sorted(moments)
        assert not [moment for moment in moments if not day.begin <= moment <= day.end + 1]


def test_backup_of_the_night_comes_before_it_is_restored():
    for day in make_plan(3, YEAR_START, 365):
        kinds = [event.kind for event in day.events if event.kind in ('back_up', 'restore')]
        assert kinds in ([], ['back_up', 'restore'])


def test_people_pay_at_other_hours_in_ramadan():
    plan = make_plan(5, YEAR_START, 90)

    def count_nights(begin, end):
        hours = [
            datetime.fromtimestamp(event.at, ZONE).hour for day in plan for event in day.events
            if begin <= day.date <= end and event.kind == 'shop'
        ]
        return sum(hour < 4 for hour in hours) / len(hours)

    usual = count_nights(date(2027, 1, 1), date(2027, 2, 7))
    ramadan = count_nights(date(2027, 2, 8), date(2027, 3, 9))
    assert 2 * usual < ramadan
