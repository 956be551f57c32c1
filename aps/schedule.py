""" When APS is asked what became of a payment or an operation. """

import datetime

from . import const

# When an unsettled payment or operation is asked about, in minutes after it was started.
# One follows the end of `SETTLING_TIME`, so that an operation that got lost can be repeated soon.
CHECK_SCHEDULE = (2, 10, 16, 60, 24 * 60, 2 * 24 * 60, 3 * 24 * 60, 4 * 24 * 60)

# The same of a payment of which nothing was ever heard, and whose shopper didn't come back: most of
# them were never made, and anybody can start any number of them.
DRAFT_SCHEDULE = (10, 60, 4 * 24 * 60)
# A payment about which APS gives no usable answer is asked about daily, for this long at most.
LONGEST_CHECK_DAYS = 30

# A payment that APS knows nothing of is canceled after so many hours, by default: the end of the
# schedule.
ABANDON_HOURS = 96

# An operation that APS knows nothing of may still be on its way for this long, in minutes.
SETTLING_TIME = 15
# A check that would follow another one so closely is left out; that at the very end isn't.
MERGE_TIME = datetime.timedelta(seconds=5)
# How long the sums of a payment are asked for after the notice of an operation, and how long a
# payment is asked about more often after APS was to be asked at once.
NOTICE_TIME = datetime.timedelta(hours=1)
ASKED_TIME = datetime.timedelta(minutes=10)


def get_next_check(start, now, schedule=CHECK_SCHEDULE):
    """ Return when an unsettled payment or operation is to be asked about next.

    :param datetime start: When the payment or operation was started.
    :param datetime now: The time of the latest check.
    :param tuple[int] schedule: When it is asked about, in minutes after the start.
    :return: The time of the next check; `None` if it was asked about for long enough.
    :rtype: datetime | None
    """
    for minutes in schedule:
        check = start + datetime.timedelta(minutes=minutes)
        if check > now:
            return check
    return None


def get_open_check(begin, end, now, schedule=CHECK_SCHEDULE):
    """ Return when a payment that is neither made nor given up is to be asked about next.

    :param datetime begin: When the payment began.
    :param datetime end: When it is to be given up.
    :param datetime now: The time of the latest check.
    :param tuple[int] schedule: When it is asked about, in minutes after its begin.
    :return: The time; it is in the past if the payment was asked about for long enough.
    :rtype: datetime
    """
    check = get_next_check(begin, now + MERGE_TIME, schedule)
    # Until then, or once more when it is time to give up.
    return min(check, end) if check and end > now else check or end


def get_window_check(begin, now):
    """ Return when an authorization is to be asked about next.

    A void or a capture of the back office, and the end of the window, come unannounced.

    :param datetime begin: When the payment was authorized.
    :param datetime now: The time of the latest check.
    :return: The time; `None` if the bank has released the amount for sure.
    :rtype: datetime | None
    """
    days = datetime.timedelta(days=const.CAPTURE_WINDOW_DAYS + 1)
    return now + datetime.timedelta(days=1) if now - begin < days else None


def get_follow_up(start, duration, after):
    """ Return when APS is to be asked next because of something that happened.

    :param datetime|bool start: When it happened, if it did.
    :param timedelta duration: For how long it matters.
    :param datetime after: The time that the check must follow.
    :return: The time, if there is one.
    :rtype: datetime | None
    """
    check = get_next_check(start, after) if start else None
    return check if check and check - start <= duration else None


def get_next_visit(start, last_time):
    """ Return from when on the status page has APS asked at once again.

    The wait doubles with the age of the payment, so that one who keeps the page open, or opens it
    again and again, causes few queries.

    :param datetime start: When the payment was started.
    :param datetime last_time: When APS was last to be asked at once, or told something.
    :return: The time.
    :rtype: datetime
    """
    return last_time + max(last_time - start, datetime.timedelta(minutes=1))
