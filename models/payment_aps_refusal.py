""" The messages that were refused: what is wrong with them, and what to do about it. """

import logging
import re
import threading
import time
from collections import Counter, defaultdict, namedtuple
from datetime import timedelta

from odoo import _lt, api, fields, models

from odoo.addons.payment_aps.aps.diagnosis import find_flaw
from odoo.addons.payment_aps.aps.masking import describe_message, shorten

_logger = logging.getLogger(__name__)

Finding = namedtuple('Finding', 'label advice')
FINDINGS = {
    'signature': Finding(
        _lt("The signature is wrong"),
        _lt(
            "Click on Check Credentials in the payment provider: it names the setting that is "
            "wrong. If all is well there, somebody made the message up, and there is nothing to do."
        ),
    ),
    'account': Finding(
        _lt("Another merchant account"),
        _lt(
            "The payment was started with this provider, but the message is of another account: "
            "that of the provider that is named as detail, or one that Odoo doesn't know, e.g., "
            "the sandbox's in place of the live one. Compare the merchant identifier with "
            "Integration Settings > Security Settings of the APS dashboard."
        ),
    ),
    'reference': Finding(
        _lt("The payment is not known"),
        _lt(
            "The payment was made elsewhere: in the APS dashboard itself, or by another shop or a "
            "copy of this database that uses the same account or has the address of this one in "
            "Integration Settings > Technical Settings. A stranger can cause this as well. If a "
            "provider is shown, the message is signed for its account: look the payment up in the "
            "APS dashboard."
        ),
    ),
    'changed': Finding(
        _lt("Changed on the way"),
        _lt(
            "Without the white space, or the fields that are shown, the message is authentic. "
            "Remove them from the Redirection URL and the Direct Transaction Feedback URL in "
            "Integration Settings > Technical Settings of the APS dashboard, or stop the program "
            "that adds them; have a proxy pass on requests to /payment/aps unchanged."
        ),
    ),
    'unreadable': Finding(
        _lt("Can't be read"),
        _lt(
            "Select a form or JSON as the format of messages in Integration Settings > Technical "
            "Settings of the APS dashboard, and remove parameters from the URLs: XML is not "
            "supported, and a field that comes twice could be read in two ways. A page that is "
            "opened by going back in the browser brings no message. If that happens at each "
            "payment, check the Redirection URL: a redirection on the way loses the message."
        ),
    ),
    'too_many': Finding(
        _lt("Too many at once to be examined"),
        _lt(
            "Odoo examines only a few messages a minute, so that strangers can't keep it busy. If "
            "you expect messages of APS among them, try a payment again later."
        ),
    ),
}

# How many messages are shown for each finding.
SHOWN_MESSAGES = 5
# The days after which a finding that didn't come up again is forgotten.
RETENTION_DAYS = 30
# How long a write may wait for a lock.
LOCK_TIMEOUT = '1s'
# The messages that are examined between two writes, and how many of them for one provider.
MAX_EXAMINED = 20
MAX_EXAMINED_PER_PROVIDER = 5
# A write may follow another at once this often; in the long run, there is one in so many seconds.
# So whoever tries out settings sees each message, and a flood costs next to nothing.
BURST = 10
SECONDS_PER_WRITE = 20

UPSERT = """
    INSERT INTO payment_aps_refusal AS refusal
                (provider_id, finding, detail, count, first_date, last_date, messages)
         VALUES ((SELECT id FROM payment_provider WHERE id = %(provider_id)s),
                 %(finding)s, %(detail)s, %(count)s,
                 clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC',
                 %(messages)s)
    ON CONFLICT (COALESCE(provider_id, 0), finding) DO UPDATE
            SET count = LEAST(refusal.count::bigint + EXCLUDED.count, 2147483647),
                last_date = EXCLUDED.last_date,
                detail = EXCLUDED.detail,
                messages = array_to_string((string_to_array(
                    concat_ws(E'\\n', NULLIF(EXCLUDED.messages, ''), NULLIF(refusal.messages, '')),
                    E'\\n'
                ))[1:%(shown)s], E'\\n')
"""


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


# The memories of this process, by name of the database.
memories = defaultdict(RefusalMemory)


class PaymentAPSRefusal(models.Model):
    """ The messages that were refused, by what is wrong with them.

    There is one row for each provider and finding, with a count and the last few messages. So
    whatever strangers send, the table stays small, and they can't push out the messages of APS that
    tell about a wrong setting. Until a row is written, a message is kept in the memory of the
    process.
    """

    _name = 'payment.aps.refusal'
    _inherit = ['payment.aps.record']
    _description = "APS Refused Messages"
    _order = 'last_date desc, id desc'
    _rec_name = 'finding'
    _log_access = False

    _aps_list_fields = {
        'last_date': {},
        'provider_id': {},
        'finding': {'width': '330px'},
        'detail': {},
        'count': {},
        'advice': {},
    }

    provider_id = fields.Many2one(
        help="Empty if the message names no payment that this database knows.",
        comodel_name='payment.provider',
        ondelete='cascade',
        readonly=True,
    )
    finding = fields.Selection(
        selection='_aps_list_findings',
        required=True,
        readonly=True,
    )
    detail = fields.Char(readonly=True)
    advice = fields.Text(string="What to Do", compute='_compute_advice')
    count = fields.Integer(readonly=True)
    first_date = fields.Datetime(string="First Time", readonly=True)
    last_date = fields.Datetime(string="Last Time", readonly=True)
    messages = fields.Text(
        string="Last Messages",
        help="The last messages, without secrets and personal data. Their content is not proven.",
        readonly=True,
    )

    def init(self):
        """ Create the index that keeps one row for each provider and finding. """
        self.env.cr.execute("""
            CREATE UNIQUE INDEX IF NOT EXISTS payment_aps_refusal_unique_finding
                ON payment_aps_refusal (COALESCE(provider_id, 0), finding)
        """)

    #=== COMPUTE METHODS ===#

    @api.model
    def _aps_list_findings(self):
        """ Return the findings with their labels. """
        findings = []
        for name, finding in FINDINGS.items():  # The label is translated by what `self` is.
            findings.append((name, str(finding.label)))
        return findings

    @api.depends('finding')
    @api.depends_context('lang')
    def _compute_display_name(self):
        labels = dict(self._aps_list_findings())
        for refusal in self:
            refusal.display_name = labels.get(refusal.finding)

    @api.depends('finding')
    @api.depends_context('lang')
    def _compute_advice(self):
        for refusal in self:
            finding = FINDINGS.get(refusal.finding)
            refusal.advice = finding and str(finding.advice)

    #=== BUSINESS METHODS - NOTING ===#

    def _aps_note_refused(self, channel, message, provider_sudo):
        """ Note a message that is about to be refused because it is not authentic.

        :param str channel: The route by which it came, `return` or `webhook`.
        :param dict message: The fields of the message.
        :param recordset provider_sudo: The sudoed provider that would have to authenticate it;
                                        empty if the payment is not known.
        :return: None
        """
        self._aps_note(provider_sudo.id or None, lambda: self._aps_examine(
            channel, message, provider_sudo
        ))

    def _aps_note_unreadable(self, channel, http_request, error):
        """ Note a body that is about to be refused because it is no message.

        :param str channel: The route by which it came, `return` or `webhook`.
        :param HTTPRequest http_request: The request.
        :param BadRequest error: The reason.
        :return: None
        """
        text = (
            f'{error.__cause__ or error.description}: '
            f'{http_request.content_type or "no content type"}, '
            f'{http_request.content_length or 0} bytes'
        )
        self._aps_note(None, lambda: {
            'provider_id': None, 'finding': 'unreadable', 'line': self._aps_describe(channel, text),
        })

    def _aps_note(self, provider_id, examine):
        """ Note a refused message, and write what was noted if it is time to.

        Nothing here may change the answer to the message, nor make it wait.

        :param int|None provider_id: The provider of the payment, if it is known.
        :param callable examine: Returns the values of the refusal; none if there is nothing to say.
                                 It is not called if too many messages come.
        :return: None
        """
        memory = memories[self.env.cr.dbname]
        try:
            if memory.admit(provider_id) and (refusal := examine()):
                memory.add(refusal)
            if memory.is_due():
                self._aps_flush()
        except Exception:
            _logger.exception("A refused message could not be noted.")

    def _aps_examine(self, channel, message, provider_sudo):
        """ Return what is wrong with a message that can't be authenticated.

        :param str channel: The route by which it came, `return` or `webhook`.
        :param dict message: The message.
        :param recordset provider_sudo: The sudoed provider that would have to authenticate it;
                                        empty if the payment is not known.
        :return: The provider that the message is to be shown for, the finding, its detail, and one
                 line about the message. `None` if the message is no fault of anybody.
        :rtype: dict | None
        """
        providers_sudo = self.env['payment.provider'].sudo().search([('code', '=', 'aps')])
        if provider_sudo:
            others = [other._aps_get_account() for other in providers_sudo - provider_sudo]
            account = provider_sudo._aps_get_account()
            finding, detail = find_flaw(message, account, others)
            is_ours = bool(message.get('signature')) and (
                message.get('merchant_identifier') == account.merchant_identifier
            )
        elif self.env['payment.aps.charge'].sudo()._is_declared(message.get('merchant_reference')):
            return None  # APS is faster than Odoo, which has not committed the charge, and repeats.
        else:
            finding, detail, is_ours = 'reference', '', False
            provider_sudo = providers_sudo.filtered(
                lambda provider: provider._aps_get_account().recognizes(message)
            )[:1]
        return {
            'provider_id': provider_sudo.id or None,
            'finding': finding,
            'detail': detail,
            'is_ours': is_ours,
            'line': self._aps_describe(channel, describe_message(message)),
        }

    @api.model
    def _aps_describe(self, channel, text):
        """ Return one line about a refused message.

        :param str channel: The route by which it came, `return` or `webhook`.
        :param str text: What is said about the message itself.
        :return: The line, which holds no line break.
        :rtype: str
        """
        text = re.sub(r'\s+', ' ', shorten(text, 1000))
        return f'{fields.Datetime.now():%Y-%m-%d %H:%M:%S} UTC, {channel}: {text}'

    #=== BUSINESS METHODS - WRITING ===#

    def _aps_flush(self):
        """ Write what this process knows of refused messages, with a cursor of its own. """
        memory = memories[self.env.cr.dbname]
        examined, unexamined_counts = memory.take()
        if not examined and not unexamined_counts:
            return
        try:
            with self.env.registry.cursor() as cr:
                cr.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                for values in self._aps_group(examined, unexamined_counts):
                    cr.execute(UPSERT, values, log_exceptions=False)
            self._aps_note_credentials(examined)
        except Exception as error:  # E.g., another process writes.
            _logger.info("Refused messages are written later: %s", type(error).__name__)
            memory.give_back(examined, unexamined_counts)

    def _aps_note_credentials(self, examined):
        """ Note the accounts whose messages are wrongly signed, but for payments of theirs.

        :param list[dict] examined: The examined messages.
        :return: None
        """
        provider_ids = {
            refusal['provider_id'] for refusal in examined
            if refusal['finding'] == 'signature' and refusal.get('is_ours')
        }
        for provider_sudo in self.env['payment.provider'].sudo().browse(sorted(provider_ids)):
            provider_sudo._aps_note_wrong_signature()

    @staticmethod
    def _aps_group(examined, unexamined_counts):
        """ Return the values to write, one row for each provider and finding.

        :param list[dict] examined: The examined messages.
        :param Counter unexamined_counts: The number of the others by provider.
        :return: The values, always in the same order, so that two processes don't block each other.
        :rtype: list[dict]
        """
        groups = defaultdict(list)
        for refusal in examined:
            groups[refusal['provider_id'], refusal['finding']].append(refusal)
        rows = [
            {
                'provider_id': provider_id,
                'finding': finding,
                'detail': group[-1].get('detail') or None,
                'count': len(group),
                'messages': '\n'.join(refusal['line'] for refusal in reversed(group)),
                'shown': SHOWN_MESSAGES,
            }
            for (provider_id, finding), group in groups.items()
        ]
        rows += [
            {
                'provider_id': provider_id, 'finding': 'too_many', 'detail': None,
                'count': count, 'messages': '', 'shown': SHOWN_MESSAGES,
            }
            for provider_id, count in unexamined_counts.items()
        ]
        return sorted(rows, key=lambda row: (row['provider_id'] or 0, row['finding']))

    #=== BUSINESS METHODS - PURGE ===#

    @api.autovacuum
    def _gc_refusals(self):
        """ Forget the findings that didn't come up for long. """
        limit = fields.Datetime.now() - timedelta(days=RETENTION_DAYS)
        self.search([('last_date', '<', limit)]).unlink()
