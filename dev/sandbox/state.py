""" The sandbox as a whole: everything it remembers, behind one lock. """

import threading

from .accounts import Account
from .clock import Clock
from .faults import FaultQueue
from .journal import Journal
from .ledger import Ledger
from .notify import Notifier


class Sandbox:
    """ The state of one running sandbox.

    :param list accounts: The merchant accounts; one default account if empty.
    :param float retry_interval: The seconds between two attempts at a notification.
    :param int retries: How often a failed notification is repeated.
    """

    def __init__(self, accounts=(), retry_interval=10.0, retries=10):
        self.lock = threading.RLock()
        self.clock = Clock()
        self.accounts = {}
        for account in accounts or (Account(),):
            self.accounts[account.merchant_identifier] = account
        self.notifier = Notifier(self.clock, retry_interval, retries)
        self.released = threading.Event()
        self.reset()

    def reset(self):
        """ Forget payments, requests, faults and notifications; keep the accounts. """
        with self.lock:
            self.clock.offset = 0.0
            self.ledger = Ledger(self.clock)
            self.journal = Journal(self.clock)
            self.faults = FaultQueue()
            self.notifier.clear()
            self.released.set()  # Answers that a fault keeps waiting go out now.
            self.released = threading.Event()

    def account_of(self, payment):
        """ Return the account of a payment. """
        return self.accounts[payment.merchant_identifier]

    def send_feedback(self, account, values):
        """ Notify the result of a payment at once (Direct Transaction Feedback).

        :param Account account: The merchant's account.
        :param dict values: The unsigned fields.
        :return: The notifications.
        :rtype: list
        """
        return self._send('feedback', account.feedback_url, account, values)

    def send_notification(self, account, values):
        """ Notify a later change.

        :param Account account: The merchant's account.
        :param dict values: The unsigned fields.
        :return: The notifications.
        :rtype: list
        """
        return self._send('notification', account.notification_url, account, values)

    def _send(self, kind, url, account, values):
        """ Sign a message and hand it over for delivery, if the account names an address. """
        if not url:
            return []
        fault = self.faults.take('NOTIFICATION', values.get('merchant_reference', ''))
        return self.notifier.add(
            kind, url, account.notification_format, account.sign(values), fault,
        )
