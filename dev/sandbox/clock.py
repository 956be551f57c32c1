""" The sandbox's own time, which tests can move. """

import time
from datetime import datetime, timezone


class Clock:
    """ Real time plus an offset. """

    def __init__(self):
        self.offset = 0.0

    def now(self):
        """ Return the sandbox's time.

        :return: Seconds since the epoch.
        :rtype: float
        """
        return time.time() + self.offset

    def today(self):
        """ Return the sandbox's day.

        :return: The day in UTC.
        :rtype: datetime.date
        """
        return datetime.fromtimestamp(self.now(), timezone.utc).date()

    def stamp(self, moment=None):
        """ Return a moment as text.

        :param float moment: Seconds since the epoch; now if omitted.
        :return: The moment in UTC, ISO-8601.
        :rtype: str
        """
        moment = self.now() if moment is None else moment
        return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec='milliseconds')
