""" Notifications: Direct Transaction Feedback and offline notifications (section 8).

A notification is posted from a thread of its own, repeated while the shop does not acknowledge it,
and spoilt on request.
"""

import json
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from xml.sax.saxutils import escape

import requests

TIMEOUT_SECONDS = 30
WORKERS = 16
IDLE_SECONDS = 3600
CONTENT_TYPES = {
    'form': 'application/x-www-form-urlencoded',
    'json': 'application/json',
    'xml': 'application/xml',
}


@dataclass
class Notification:
    """ One message to the shop.

    :param int id: Its number.
    :param str kind: `feedback` or `notification`.
    :param str url: Where it goes.
    :param str format: `form`, `json` or `xml`.
    :param dict fields: The signed fields.
    :param str at: When it arose, as text.
    :param float due: When to post it, on the machine's own steady clock.
    :param str state: `held`, `pending`, `delivered`, `failed` or `dropped`.
    :param int attempts: How often it was posted.
    :param int last_status: The HTTP status of the latest attempt; 0 when there was no answer.
    """

    id: int
    kind: str
    url: str
    format: str
    fields: dict = field(repr=False)
    at: str
    due: float
    state: str = 'pending'
    attempts: int = 0
    last_status: int = None
    last_error: str = ''
    is_running: bool = False

    @property
    def reference(self):
        """ Return the merchant reference it is about. """
        return self.fields.get('merchant_reference', '')

    def describe(self):
        """ Return the notification for the control API. """
        hidden = ('due', 'is_running')
        shown = {name: value for name, value in vars(self).items() if name not in hidden}
        return {**shown, 'merchant_reference': self.reference}


def encode_body(fields, body_format):
    """ Return the body of a notification.

    :param dict fields: The signed fields.
    :param str body_format: `form`, `json` or `xml`.
    :return: The body, as `requests` takes it.
    :rtype: dict or bytes
    """
    if body_format == 'json':
        return json.dumps(fields, ensure_ascii=False).encode()
    if body_format == 'xml':
        inner = ''.join(f'<{name}>{escape(str(text))}</{name}>' for name, text in fields.items())
        return f'<?xml version="1.0" encoding="UTF-8"?><response>{inner}</response>'.encode()
    return fields


def corrupt(fields):
    """ Return a copy of a signed message that was changed on its way.

    :param dict fields: The signed fields.
    :return: The fields, with another amount or another signature.
    :rtype: dict
    """
    if fields.get('amount'):
        return {**fields, 'amount': str(int(fields['amount']) + 1)}
    return {**fields, 'signature': fields['signature'][::-1]}


class Notifier:
    """ The delivery of notifications.

    :param Clock clock: The sandbox's time, for time stamps only.
    :param float retry_interval: The seconds between two attempts.
    :param int retries: How often a failed delivery is repeated.
    """

    def __init__(self, clock, retry_interval=10.0, retries=10):
        self.clock = clock
        self.retry_interval = retry_interval
        self.retries = retries
        self.notifications = {}
        self.by_reference = defaultdict(list)
        self.pending = {}
        self.overtaken = []
        self.condition = threading.Condition(threading.RLock())
        self._numbers = count(1)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix='notify')
        self._thread = None

    # === WHAT TO SEND === #

    def add(self, kind, url, body_format, signed, fault=None):
        """ Take over a message for delivery.

        :param str kind: `feedback` or `notification`.
        :param str url: Where it goes.
        :param str body_format: `form`, `json` or `xml`.
        :param dict signed: The signed fields.
        :param Fault fault: What goes wrong with it, if anything.
        :return: The notifications made of it; two when it is to be duplicated.
        :rtype: list
        """
        copies = 2 if fault and fault.fault == 'duplicate' else 1
        with self.condition:
            added = [self._make(kind, url, body_format, signed, fault) for _copy in range(copies)]
            self._start()
            self.condition.notify_all()
        return added

    def _make(self, kind, url, body_format, signed, fault):
        """ Return a new notification, spoilt as the fault says. """
        one = Notification(
            id=next(self._numbers), kind=kind, url=url, format=body_format, fields=dict(signed),
            at=self.clock.stamp(), due=time.monotonic(),
        )
        self.notifications[one.id] = one
        self.by_reference[one.reference].append(one)
        self._set_state(one, 'pending')
        if fault:
            self._spoil(one, fault)
        return one

    def _set_state(self, one, state):
        """ Change the state of a notification and keep the list of pending ones. """
        one.state = state
        if state == 'pending':
            self.pending[one.id] = one
        else:
            self.pending.pop(one.id, None)

    def _spoil(self, one, fault):
        """ Do to a notification what the fault says. """
        if fault.fault in ('hold', 'reorder'):
            self._set_state(one, 'held')
        elif fault.fault == 'drop':
            self._set_state(one, 'dropped')
        elif fault.fault == 'delay':
            one.due += fault.seconds
        elif fault.fault == 'corrupt':
            one.fields = corrupt(one.fields)
        if fault.fault == 'reorder':
            self.overtaken.append(one)

    # === DELIVERY === #

    def _start(self):
        """ Start the thread that watches the due times, once. """
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name='notifier', daemon=True)
            self._thread.start()

    def _watch(self):
        """ Hand every due notification to a worker, for ever. """
        while True:
            with self.condition:
                now = time.monotonic()
                waiting = [one for one in self.pending.values() if not one.is_running]
                due = [one for one in waiting if one.due <= now]
                for one in due:
                    one.is_running = True
                    self._pool.submit(self._attempt, one, True)
                later = [one.due - now for one in waiting if one.due > now]
                self.condition.wait(min(later, default=IDLE_SECONDS))

    def _attempt(self, one, is_repeated):
        """ Post a notification once and note the result.

        :param Notification one: The notification.
        :param bool is_repeated: Whether a failure is tried again later.
        """
        status, error = self._post(one)
        with self.condition:
            one.attempts += 1
            one.last_status, one.last_error, one.is_running = status, error, False
            if one.id not in self.notifications:
                return  # Forgotten meanwhile.
            if 200 <= status < 300 or status == 302:
                self._set_state(one, 'delivered')
            elif is_repeated and one.attempts <= self.retries:
                one.due = time.monotonic() + self.retry_interval
            else:
                self._set_state(one, 'failed')
            self._release_overtaken(one)
            self.condition.notify_all()

    def _release_overtaken(self, one):
        """ Let the notifications go that a later one was to overtake. """
        for held in [held for held in self.overtaken if held.id < one.id]:
            self.overtaken.remove(held)
            if held.state == 'held':
                held.due = time.monotonic()
                self._set_state(held, 'pending')

    @staticmethod
    def _post(one):
        """ Post a notification.

        :param Notification one: The notification.
        :return: The HTTP status, 0 when there was no answer, and the kind of error.
        :rtype: tuple
        """
        try:
            with requests.Session() as session:
                session.trust_env = False  # A proxy of the machine must not come between.
                response = session.post(
                    one.url, data=encode_body(one.fields, one.format), timeout=TIMEOUT_SECONDS,
                    headers={'Content-Type': CONTENT_TYPES[one.format]}, allow_redirects=False,
                )
        except (requests.RequestException, ValueError) as error:  # The latter for odd addresses.
            return 0, type(error).__name__
        return response.status_code, ''

    # === CONTROL === #

    def deliver(self, numbers):
        """ Post notifications now, one after the other, in the given order.

        :param list numbers: The numbers of the notifications, whatever their state.
        :return: The notifications.
        :rtype: list
        :raise KeyError: If a number is unknown.
        """
        chosen = [self.notifications[number] for number in numbers]
        for one in chosen:
            self._attempt(one, False)
        return chosen

    def search(self, merchant_reference=None, state=None):
        """ Return the notifications with a reference and a state, oldest first. """
        with self.condition:
            found = self.notifications.values()
            if merchant_reference:
                found = self.by_reference.get(merchant_reference, ())
            return [one for one in found if state in (None, '', one.state)]

    def wait(self, timeout):
        """ Wait until nothing is left to deliver.

        :param float timeout: The longest time to wait, in seconds.
        :return: Whether nothing is left.
        :rtype: bool
        """
        with self.condition:
            return self.condition.wait_for(lambda: not self.pending, timeout)

    def clear(self):
        """ Forget all notifications. """
        with self.condition:
            for one in self.notifications.values():
                one.state = 'dropped'
            for memory in (self.notifications, self.by_reference, self.pending, self.overtaken):
                memory.clear()
            self.condition.notify_all()
