""" When APS is asked: functions of plain values. """

from datetime import datetime, timedelta

import pytest

from aps import schedule
from aps.schedule import (
    CHECK_SCHEDULE,
    DRAFT_SCHEDULE,
    get_follow_up,
    get_next_check,
    get_next_visit,
    get_open_check,
    get_window_check,
)

START = datetime(2026, 2, 27, 23, 59)
DAY = 24 * 60
SECOND = timedelta(seconds=1)


def after(minutes):
    """ Return the time so many minutes after the start; `None` if there is none. """
    return None if minutes is None else START + timedelta(minutes=minutes)


def test_times_are_those_that_the_documents_tell():
    assert CHECK_SCHEDULE == (2, 10, 16, 60, 1440, 2880, 4320, 5760)
    assert DRAFT_SCHEDULE == (10, 60, 5760)
    assert CHECK_SCHEDULE[-1] / 60 == schedule.ABANDON_HOURS
    assert schedule.SETTLING_TIME == 15 < CHECK_SCHEDULE[2], "A lost one can be repeated soon."
    assert schedule.LONGEST_CHECK_DAYS == 30
    assert timedelta(minutes=60) == schedule.NOTICE_TIME
    assert timedelta(minutes=10) == schedule.ASKED_TIME
    assert timedelta(seconds=5) == schedule.MERGE_TIME


@pytest.mark.parametrize('minutes, expected', (
    (0, 2), (1, 2), (2, 10), (9, 10), (10, 16), (16, 60), (60, 1440), (1439, 1440),
    (1440, 2880), (2880, 4320), (4320, 5760), (5759, 5760), (5760, None), (100000, None),
))
def test_schedule_of_checks(minutes, expected):
    """ Test that each check follows when its time has come, and that they come to an end. """
    assert get_next_check(START, after(minutes)) == after(expected)


@pytest.mark.parametrize('minutes, expected', ((0, 10), (10, 60), (60, 5760), (5760, None)))
def test_schedule_of_payments_of_which_nothing_was_heard(minutes, expected):
    assert get_next_check(START, after(minutes), DRAFT_SCHEDULE) == after(expected)


@pytest.mark.parametrize('minutes, hours, expected', (
    (0, 96, 2), (60, 96, DAY), (4320, 96, 5760),
    # Once more when it is time to give up, be that before or after the end of the schedule.
    (0, 1, 2), (16, 1, 60), (20, 0.5, 30), (60, 6, 360), (300, 6, 360), (5760, 200, 12000),
    # It was given up, or should have been: what is left of the schedule, or nothing more.
    (61, 1, DAY), (360, 6, DAY), (5760, 96, 5760), (9000, 96, 5760), (12001, 200, 12000),
))
def test_open_payment_is_asked_about_until_it_is_given_up(minutes, hours, expected):
    end = START + timedelta(hours=hours)
    assert get_open_check(START, end, after(minutes)) == after(expected)


def test_open_payment_has_the_schedule_that_is_wanted():
    end = after(5760)
    assert get_open_check(START, end, START, DRAFT_SCHEDULE) == after(10)


@pytest.mark.parametrize('seconds, expected', ((-6, 10), (-5, 16), (-4, 16), (0, 16)))
def test_check_that_would_follow_another_one_closely_is_left_out(seconds, expected):
    now = after(10) + timedelta(seconds=seconds)
    assert get_open_check(START, after(5760), now) == after(expected)


def test_very_last_check_is_not_left_out():
    assert get_open_check(START, after(5760), after(5760) - SECOND) == after(5760)


@pytest.mark.parametrize('days, is_asked', (
    (0, True), (1, True), (7, True), (8, False), (9, False),
))
def test_authorization_is_asked_about_every_day_of_its_window(days, is_asked):
    now = START + timedelta(days=days)
    assert get_window_check(START, now) == (now + timedelta(days=1) if is_asked else None)
    almost = START + timedelta(days=8) - SECOND
    assert get_window_check(START, almost) == almost + timedelta(days=1)


@pytest.mark.parametrize('minutes, expected', (
    (0, 2), (2, 10), (16, 60), (60, None), (59, 60), (DAY, None),
))
def test_what_happened_is_followed_for_a_while(minutes, expected):
    assert get_follow_up(START, timedelta(hours=1), after(minutes)) == after(expected)
    assert get_follow_up(False, timedelta(hours=1), after(minutes)) is None
    assert get_follow_up(None, timedelta(hours=1), after(minutes)) is None


def test_status_page_may_ask_again_after_ever_longer_waits():
    """ Test that reloading a page for days causes a handful of queries, the first at once. """
    asked, waits = after(3), []
    for _visit in range(6):
        next_visit = get_next_visit(START, asked)
        waits.append((next_visit - asked).total_seconds() / 60)
        asked = next_visit
    assert waits == [3, 6, 12, 24, 48, 96]


@pytest.mark.parametrize('seconds, wait', ((0, 60), (20, 60), (60, 60), (61, 61), (90, 90)))
def test_status_page_waits_for_a_minute_at_least(seconds, wait):
    asked = START + timedelta(seconds=seconds)
    assert (get_next_visit(START, asked) - asked).total_seconds() == wait
