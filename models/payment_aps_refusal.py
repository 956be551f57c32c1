import logging
from collections import defaultdict
from datetime import timedelta

from odoo import _, api, fields, models

from odoo.addons.payment_aps import refusals
from odoo.addons.payment_aps.diagnosis import find_flaw

_logger = logging.getLogger(__name__)

# How many messages are shown for each finding.
SHOWN_MESSAGES = 5
# The days after which a finding that didn't come up again is forgotten.
RETENTION_DAYS = 30
# How long a write may wait for a lock.
LOCK_TIMEOUT = '1s'

UPSERT = """
    INSERT INTO payment_aps_refusal AS refusal
                (provider_id, finding, detail, count, first_date, last_date, messages)
         VALUES ((SELECT id FROM payment_provider WHERE id = %(provider_id)s),
                 %(finding)s, %(detail)s, %(count)s,
                 clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC',
                 %(messages)s)
    ON CONFLICT (COALESCE(provider_id, 0), finding) DO UPDATE
            SET count = refusal.count + EXCLUDED.count,
                last_date = EXCLUDED.last_date,
                detail = EXCLUDED.detail,
                messages = array_to_string((string_to_array(
                    concat_ws(E'\\n', NULLIF(EXCLUDED.messages, ''), NULLIF(refusal.messages, '')),
                    E'\\n'
                ))[1:%(shown)s], E'\\n')
"""


class PaymentAPSRefusal(models.Model):
    """ The messages that were refused, by what is wrong with them.

    There is one row for each provider and finding, with a count and the last few messages. So
    whatever strangers send, the table stays small, and they can't push out the messages of APS that
    tell about a wrong setting. Until a row is written, a message is kept in the memory of the
    process, see `refusals`.
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
        selection=[
            ('sha_type', "The SHA type is another one"),
            ('sha_128', "The SHA type is SHA-128"),
            ('request_phrase', "Signed with the request phrase"),
            ('phrase_space', "White space around the response phrase"),
            ('without_phrase', "Signed without a phrase"),
            ('no_phrase', "The response phrase is missing in Odoo"),
            ('value_space', "White space around a value"),
            ('extra_fields', "A field was added on the way"),
            ('other_provider', "Signed for another provider"),
            ('other_merchant', "Another merchant account"),
            ('no_signature', "The signature is missing"),
            ('signature', "The signature is wrong"),
            ('reference_authentic', "Authentic, but not a payment of this database"),
            ('reference', "The payment is not known"),
            ('format', "Neither a form nor JSON"),
            ('repeated', "A field is repeated"),
            ('empty', "There is no message"),
            ('unexamined', "Too many at once to be examined"),
        ],
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

    @api.depends('finding')
    def _compute_display_name(self):
        labels = dict(self._fields['finding']._description_selection(self.env))
        for refusal in self:
            refusal.display_name = labels.get(refusal.finding)

    @api.depends('finding')
    def _compute_advice(self):
        for refusal in self:
            refusal.advice = refusal._aps_get_advice()

    def _aps_get_advice(self):
        """ Return what to do about a finding.

        :return: The advice.
        :rtype: str
        """
        return {
            'sha_type': _(
                "The phrases are right. Select this SHA type here, or the one of this provider in "
                "Integration Settings > Security Settings of the APS dashboard."
            ),
            'sha_128': _(
                "SHA-128 is not safe any more. Select SHA-256 in Integration Settings > Security "
                "Settings of the APS dashboard, and in this provider."
            ),
            'request_phrase': _(
                "The request phrase of this provider fits. The phrases are swapped, or one side "
                "has the same phrase twice. Copy both again from Integration Settings > Security "
                "Settings of the APS dashboard. If the SHA type shown is not that of this "
                "provider, change it as well."
            ),
            'phrase_space': _(
                "The response phrase in the APS dashboard begins or ends with white space. Type it "
                "anew in Integration Settings > Security Settings, without any, and save."
            ),
            'without_phrase': _(
                "The response phrase in the APS dashboard is empty. Set it in Integration Settings "
                "> Security Settings, to the one of this provider."
            ),
            'no_phrase': _(
                "Fill in the SHA response phrase of this provider. It is found in Integration "
                "Settings > Security Settings of the APS dashboard."
            ),
            'value_space': _(
                "Something between APS and Odoo, such as a proxy, adds white space to messages. "
                "Have it pass on requests to /payment/aps unchanged."
            ),
            'extra_fields': _(
                "Without this field, the message is authentic. Remove it from the Redirection URL "
                "and the Direct Transaction Feedback URL in Integration Settings > Technical "
                "Settings of the APS dashboard, or stop the program that adds it."
            ),
            'other_provider': _(
                "The payment was started with this provider but is signed for the one that is "
                "shown. Check that each provider has the credentials of its own account."
            ),
            'other_merchant': _(
                "The message comes from another merchant account, e.g., the sandbox's in place "
                "of the live one. Compare the merchant identifier with Integration Settings > "
                "Security Settings of the APS dashboard."
            ),
            'no_signature': _(
                "APS signs all messages, so this is not one of them, or a proxy dropped a field. "
                "If it happens at each payment, check Integration Settings > Security Settings of "
                "the APS dashboard."
            ),
            'signature': _(
                "No known setting explains this signature: the response phrase differs, or "
                "somebody made the message up. If it happens at each payment, copy the response "
                "phrase again from Integration Settings > Security Settings of the APS dashboard."
            ),
            'reference_authentic': _(
                "The account is right, but the payment was made elsewhere: by another shop or a "
                "copy of this database that uses the same account, or in the APS dashboard itself. "
                "Check the feedback URLs in Integration Settings > Technical Settings."
            ),
            'reference': _(
                "Somebody made the message up, or another shop or a copy of this database has the "
                "address of this one in Integration Settings > Technical Settings of its APS "
                "dashboard."
            ),
            'format': _(
                "Select a form or JSON as the format of messages in Integration Settings > "
                "Technical Settings of the APS dashboard; XML is not supported."
            ),
            'repeated': _(
                "A message that holds a field twice can be read in two ways, so it is not read. "
                "Remove parameters from the URLs in Integration Settings > Technical Settings of "
                "the APS dashboard."
            ),
            'empty': _(
                "A page was opened without a message, e.g., by going back in the browser. If it "
                "happens at each payment, check the Redirection URL in Integration Settings > "
                "Technical Settings of the APS dashboard: a redirection on the way loses the "
                "message."
            ),
            'unexamined': _(
                "Odoo examines only a few messages a minute, so that strangers can't keep it busy. "
                "If you expect messages of APS among them, try a payment again later."
            ),
        }.get(self.finding, '')

    #=== BUSINESS METHODS - EXAMINATION ===#

    @api.model
    def _aps_examine(self, message, provider_sudo):
        """ Return what is wrong with a message that can't be authenticated.

        :param dict message: The message.
        :param recordset provider_sudo: The sudoed provider that would have to authenticate it;
                                        `None` if the payment is not known.
        :return: The provider that the message is to be shown for, the finding, and its detail.
        :rtype: dict
        """
        all_providers_sudo = self.env['payment.provider'].sudo().search([('code', '=', 'aps')])
        all_providers_sudo._aps_fetch_account()
        if provider_sudo:
            other_accounts = [p._aps_get_account() for p in all_providers_sudo - provider_sudo]
            finding, detail = find_flaw(message, provider_sudo._aps_get_account(), other_accounts)
            return {'provider_id': provider_sudo.id, 'finding': finding, 'detail': detail}
        for other_sudo in all_providers_sudo:
            if other_sudo._aps_verify_signature(message):
                return {'provider_id': other_sudo.id, 'finding': 'reference_authentic'}
        return {'provider_id': None, 'finding': 'reference'}

    #=== BUSINESS METHODS - WRITING ===#

    def _aps_note(self, provider_sudo, examine):
        """ Note a refused message, and write what was noted if it is time to.

        Nothing here may change the answer to the message, nor make it wait.

        :param recordset provider_sudo: The sudoed provider of the payment, if it is known.
        :param callable examine: Returns the values of the refusal. It is not called if too many
                                 messages come.
        :return: None
        """
        memory = refusals.memories[self.env.cr.dbname]
        provider_id = provider_sudo.id if provider_sudo else None
        try:
            if memory.admit(provider_id):
                memory.add(examine())
            if memory.is_due():
                self._aps_flush()
        except Exception:
            _logger.exception("A refused message could not be noted.")

    def _aps_flush(self):
        """ Write what this process knows of refused messages, with a cursor of its own. """
        memory = refusals.memories[self.env.cr.dbname]
        examined, unexamined_counts = memory.take()
        if not examined and not unexamined_counts:
            return
        try:
            with self.env.registry.cursor() as cr:
                cr.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                for values in self._aps_group(examined, unexamined_counts):
                    cr.execute(UPSERT, values, log_exceptions=False)
        except Exception as error:  # E.g., another process writes.
            _logger.info("Refused messages are written later: %s", type(error).__name__)
            memory.give_back(examined, unexamined_counts)

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
                'provider_id': provider_id, 'finding': 'unexamined', 'detail': None,
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
