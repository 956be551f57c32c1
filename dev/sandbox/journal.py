""" The journal: every request received on the two APS endpoints, with its verdict. """

from collections import deque
from itertools import count

from .cards import mask

LIMIT = 5000
VALUE_LIMIT = 1000
HIDDEN = ('card_security_code',)


def masked_fields(values):
    """ Return the fields of a request without card secrets, cut to a readable size.

    :param dict values: The fields received.
    :return: The fields that may be shown.
    :rtype: dict
    """
    shown = {}
    for name, value in values.items():
        if name in HIDDEN:
            value = '***'
        elif name == 'card_number' and isinstance(value, str) and '*' not in value:
            value = mask(value) if len(value) > 10 else '***'
        shown[str(name)[:100]] = value[:VALUE_LIMIT] if isinstance(value, str) else value
    return shown


class Journal:
    """ The latest requests. The caller holds the sandbox's lock.

    :param Clock clock: The sandbox's time.
    """

    def __init__(self, clock):
        self.clock = clock
        self.entries = deque(maxlen=LIMIT)
        self._numbers = count(1)

    def record(self, endpoint, values, outcome=None, detail='', is_authentic=True):
        """ Record a request.

        :param str endpoint: `paymentPage` or `paymentApi`.
        :param dict values: The fields received.
        :param Outcome outcome: What was answered; `None` when the payment page was opened.
        :param str detail: What was wrong.
        :param bool is_authentic: Whether the request surely came from the merchant.
        """
        is_refused = outcome is not None and outcome.status == '00'
        self.entries.append({
            'id': next(self._numbers),
            'at': self.clock.stamp(),
            'endpoint': endpoint,
            'command': command_of(values),
            'merchant_reference': str(values.get('merchant_reference', ''))[:100],
            'verdict': 'refused' if is_refused else 'accepted',
            'response_code': outcome.code if outcome else '',
            'detail': detail,
            'authentic': is_authentic,
            'fields': masked_fields(values),
        })

    def search(self, merchant_reference=None, verdict=None):
        """ Return the requests with a reference and a verdict, oldest first. """
        return [
            entry for entry in self.entries
            if merchant_reference in (None, '', entry['merchant_reference'])
            and verdict in (None, '', entry['verdict'])
        ]


def command_of(values):
    """ Return the command of a request, by whichever field names it.

    :param dict values: The fields received.
    :return: The command, or an empty text.
    :rtype: str
    """
    for name in ('command', 'query_command', 'service_command'):
        if isinstance(values.get(name), str):
            return values[name][:50]
    return ''
