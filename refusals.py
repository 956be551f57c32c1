""" A memory for refused messages, so that strangers can't make Odoo write for each of theirs. """

import threading
import time
from collections import Counter, defaultdict

# The messages that are examined between two writes, and how many of them for one provider.
MAX_EXAMINED = 20
MAX_EXAMINED_PER_PROVIDER = 5
# A write may follow another at once this often; in the long run, there is one in so many seconds.
# So whoever tries out settings sees each message, and a flood costs next to nothing.
BURST = 10
SECONDS_PER_WRITE = 20


class RefusalMemory:
    """ The refused messages of one database that this process has not written yet. """

    def __init__(self, clock=time.monotonic, burst=BURST):
        """
        :param callable clock: Returns the time, in seconds.
        :param int burst: How often a write may follow another at once.
        """
        self._clock = clock
        self._burst = burst
        self._lock = threading.Lock()
        self._examined = []
        self._examined_counts = Counter()
        self._unexamined_counts = Counter()
        self._allowance = burst
        self._allowance_date = clock()

    def admit(self, provider_id):
        """ Return whether a refused message is to be examined. If not, it is only counted.

        :param int|None provider_id: The provider of the payment that the message names, if any.
        :return: Whether the message is to be examined, and then to be added.
        :rtype: bool
        """
        with self._lock:
            if (
                self._examined_counts.total() < MAX_EXAMINED
                and self._examined_counts[provider_id] < MAX_EXAMINED_PER_PROVIDER
            ):
                self._examined_counts[provider_id] += 1
                return True
            self._unexamined_counts[provider_id] += 1
            return False

    def add(self, refusal):
        """ Keep the result of an examination.

        :param dict refusal: The values, as `payment.aps.refusal` writes them.
        :return: None
        """
        with self._lock:
            self._examined.append(refusal)

    def is_due(self):
        """ Return whether it is time to write, and count it as done if so.

        :return: Whether the caller is to write what `take` returns.
        :rtype: bool
        """
        with self._lock:
            now = self._clock()
            earned = (now - self._allowance_date) / SECONDS_PER_WRITE
            self._allowance = min(self._burst, self._allowance + earned)
            self._allowance_date = now
            if self._allowance < 1:
                return False
            self._allowance -= 1
            return True

    def take(self):
        """ Return what was not written yet, and forget it.

        :return: The examined messages, and the number of the others by provider.
        :rtype: tuple[list[dict], Counter]
        """
        with self._lock:
            examined, unexamined_counts = self._examined, self._unexamined_counts
            self._examined = []
            self._examined_counts = Counter()
            self._unexamined_counts = Counter()
            return examined, unexamined_counts

    def give_back(self, examined, unexamined_counts):
        """ Count messages that could not be written, to be written with the next ones.

        :param list[dict] examined: The examined messages. They are only counted from now on.
        :param Counter unexamined_counts: The number of the others by provider.
        :return: None
        """
        with self._lock:
            self._unexamined_counts.update(unexamined_counts)
            self._unexamined_counts.update(refusal['provider_id'] for refusal in examined)


# The memory of this process, by name of the database.
memories = defaultdict(RefusalMemory)
