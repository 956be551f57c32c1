import logging
import re
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.sql import create_index

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.masking import (
    MAX_VALUE_LENGTH,
    compute_digest,
    read_columns,
    shorten,
)
from odoo.addons.payment_aps.aps.message import Result
from odoo.addons.payment_aps.aps.values import format_minor_units, read_setting
from odoo.addons.payment_aps.models import response_codes
from odoo.addons.payment_aps.models.payment_transaction import DOCUMENT_FIELDS

_logger = logging.getLogger(__name__)

# The system parameter that holds the days for which messages are kept, and its default.
RETENTION_DAYS_PARAMETER = 'payment_aps.message_retention_days'
RETENTION_DAYS = 180
# What the kept body of an answer to a query tells of the payment itself.
TRANSACTION_CODE = re.compile(r'^transaction_code=(\d{5})$', re.MULTILINE)
# How many rows are deleted at once, and how often in one run.
PURGE_BATCH_SIZE = 20_000
PURGE_BATCHES = 20

COLUMNS = (
    'create_uid', 'provider_id', 'company_id', 'account', 'channel', 'state', 'reason', 'command',
    'status', 'response_code', 'amount_minor', 'currency', 'merchant_reference',
    'maintenance_reference', 'fort_id', 'digest', 'body',
)
# A message that is stored already adds no row, see `init`.
INSERT = f"""
    INSERT INTO payment_aps_message (create_date, {', '.join(COLUMNS)})
         VALUES (clock_timestamp() AT TIME ZONE 'UTC', {', '.join(['%s'] * len(COLUMNS))})
    ON CONFLICT DO NOTHING
      RETURNING id
"""

# What the state of a message tells of its outcome, whatever it says itself.
OUTCOMES = {
    'sent': 'no_answer', 'unknown': 'no_answer', 'refused': 'refused', 'unreachable': 'unreachable',
}
# What the state of a payment tells of an answer about it.
STATE_OUTCOMES = {
    'done': 'success', 'authorized': 'success', 'pending': 'waiting', 'cancel': 'failure',
    'error': 'failure',
}


def find_outcome(response_code):
    """ Return what a response code tells of a payment or an operation.

    :param str|None response_code: The response code.
    :return: One of the outcomes; `None` if it tells nothing of them.
    :rtype: str | None
    """
    result = Result.of_code(response_code or '')
    if result.state or result.status in ('', const.ANSWERED_STATUS):
        return STATE_OUTCOMES.get(result.state)
    if result.status in const.SUCCESSFUL_STATUSES:
        return 'success'
    return 'failure' if result.status in const.FAILED_STATUSES else 'waiting'


class PaymentAPSMessage(models.Model):
    """ The trail of what was said between Odoo and APS.

    It holds the messages that APS signed, by whatever way they came, and the requests to its API.
    Rows are linked to their payment by its reference, which is unique for ever: the transaction
    itself may be locked, or not be committed yet, when a row is written.
    """

    _name = 'payment.aps.message'
    _inherit = ['payment.aps.record']
    _description = "APS Message"
    _order = 'id desc'
    _rec_name = 'merchant_reference'

    _aps_list_fields = {
        'create_date': {},
        'channel': {},
        'merchant_reference': {},
        'command': {},
        'amount': {},
        'outcome': {
            'widget': 'badge',
            'decoration-success': "outcome == 'success'",
            'decoration-warning': "outcome in ('waiting', 'no_answer')",
            'decoration-danger': "outcome in ('failure', 'refused', 'unreachable')",
        },
        'meaning': {},
        'state': {'optional': 'hide'},
        'response_code': {'optional': 'hide'},
        'fort_id': {'optional': 'hide'},
        'provider_id': {'optional': 'hide'},
        'company_id': {'optional': 'hide', 'groups': 'base.group_multi_company'},
    }

    create_date = fields.Datetime(string="Date", readonly=True)
    provider_id = fields.Many2one(
        comodel_name='payment.provider', ondelete='set null', readonly=True
    )
    company_id = fields.Many2one(
        comodel_name='res.company', ondelete='cascade', readonly=True
    )
    # What a sandbox says proves nothing about the live account that follows it.
    account = fields.Char(string="APS Account", readonly=True)
    transaction_id = fields.Many2one(
        string="Payment Transaction",
        comodel_name='payment.transaction',
        compute='_compute_transaction_id',
        compute_sudo=True,
        search='_search_transaction_id',
    )
    document = fields.Char(
        help="The orders and invoices that are paid.",
        compute='_compute_document',
        compute_sudo=True,
        search='_search_document',
    )
    channel = fields.Selection(
        string="Way",
        help="The way by which the message came or went.",
        selection=[
            ('return', "Return of the shopper"),
            ('webhook', "Notification"),
            ('request', "Request to the API"),
            ('answer', "Answer of the API"),
        ],
        required=True,
        readonly=True,
    )
    direction = fields.Selection(
        selection=[('in', "From APS"), ('out', "To APS")],
        compute='_compute_direction',
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('accepted', "Accepted"),
            ('refused', "Not applied"),
            ('foreign', "Not from this database"),
            ('sent', "Sent, no answer"),
            ('answered', "Answered"),
            ('unreachable', "Not sent"),
            ('unknown', "Outcome unknown"),
        ],
        required=True,
        readonly=True,
    )
    reason = fields.Char(
        help="Why the message was not applied, or the request not answered.",
        readonly=True,
    )
    # Of a request. Both are shown as one.
    answer_id = fields.Many2one(
        comodel_name='payment.aps.message',
        index='btree_not_null',
        readonly=True,
    )
    outcome = fields.Selection(
        help="What the message, or the answer to the request, tells of the payment.",
        selection=[
            ('success', "Successful"),
            ('failure', "Failed"),
            ('waiting', "Waiting"),
            ('no_answer', "No answer"),
            ('refused', "Not applied"),
            ('unreachable', "Not sent"),
        ],
        compute='_compute_outcome',
    )
    command = fields.Char(readonly=True)
    status = fields.Char(string="APS Status", readonly=True)
    response_code = fields.Char(readonly=True)
    meaning = fields.Char(compute='_compute_meaning')
    advice = fields.Char(string="What to Do", compute='_compute_meaning')
    amount_minor = fields.Float(string="Amount in Minor Units", digits=(16, 0), readonly=True)
    currency = fields.Char(readonly=True)
    amount = fields.Char(compute='_compute_amount')
    merchant_reference = fields.Char(string="Reference", index=True, readonly=True)
    maintenance_reference = fields.Char(string="Operation Reference", readonly=True)
    fort_id = fields.Char(string="APS Number (fort_id)", index='btree_not_null', readonly=True)
    digest = fields.Char(help="Equal for repetitions of the same message.", readonly=True)
    body = fields.Text(
        string="Message",
        help="The fields of the message, without secrets, personal data and data of the card.",
        readonly=True,
    )

    def init(self):
        """ Create the indexes for repetitions, the last message of an account, and its answers.

        A message that came by a route is stored once. If it was refused first and is applied later
        on, e.g., because a setting was corrected, it is stored once in each state.
        """
        self.env.cr.execute("""
            CREATE UNIQUE INDEX IF NOT EXISTS payment_aps_message_unique_digest
                ON payment_aps_message (digest, channel, state)
             WHERE channel IN ('return', 'webhook')
        """)
        create_index(
            self.env.cr, 'payment_aps_message_last_of_account', 'payment_aps_message',
            ['provider_id', 'account', 'channel', 'create_date'],
        )
        create_index(
            self.env.cr, 'payment_aps_message_answer', 'payment_aps_message', ['digest'],
            where="channel = 'answer'",
        )

    #=== COMPUTE METHODS ===#

    @api.depends('merchant_reference')
    def _compute_transaction_id(self):
        transactions = self.env['payment.transaction'].search(
            [('reference', 'in', self.mapped('merchant_reference'))]
        )
        by_reference = {tx.reference: tx for tx in transactions}
        for message in self:
            message.transaction_id = by_reference.get(message.merchant_reference)

    @api.model
    def _search_transaction_id(self, operator, value):
        """ Search by the transaction or its reference.

        In Odoo 19.0, a search by name comes as a domain of the transactions. Any other domain could
        feel its way to what the user may not read, such as the phrases of the provider; and one by
        a field that can't be searched, as the display name in 17.0, would find all of them.

        :raise AccessError: If the domain is about anything but the name of the transaction.
        """
        field = 'reference' if 'like' in operator else 'id'
        allowed_fields = ['id', 'reference']
        if self.env['payment.transaction']._fields['display_name'].search:
            allowed_fields.append('display_name')
        domain = list(value) if operator in ('any', 'not any') else [(field, operator, value)]
        for leaf in domain:
            if not isinstance(leaf, str) and leaf[0] not in allowed_fields:
                raise AccessError(_("Messages can't be searched by this field."))
        transactions_sudo = self.env['payment.transaction'].sudo().search(domain)
        return [('merchant_reference', 'in', transactions_sudo.mapped('reference'))]

    @api.depends('merchant_reference')
    def _compute_document(self):
        document_fields = self._aps_get_document_fields()
        for message in self:
            tx = message.transaction_id
            names = [name for field in document_fields for name in tx[field].mapped('name')]
            message.document = ', '.join(filter(None, names))

    @api.model
    def _search_document(self, operator, value):
        """ Search by the names of the orders and invoices that are paid. """
        transactions_sudo = self.env['payment.transaction'].sudo()
        for field in self._aps_get_document_fields():
            transactions_sudo |= transactions_sudo.search([(f'{field}.name', operator, value)])
        return [('merchant_reference', 'in', transactions_sudo.mapped('reference'))]

    @api.model
    def _aps_get_document_fields(self):
        """ Return the fields of transactions that link to documents; their modules are optional.

        :return: The names of the fields.
        :rtype: list[str]
        """
        known_fields = self.env['payment.transaction']._fields
        return [name for name in DOCUMENT_FIELDS if name in known_fields]

    @api.depends('channel')
    def _compute_direction(self):
        for message in self:
            message.direction = 'out' if message.channel == 'request' else 'in'

    @api.depends('state', 'response_code', 'body', 'answer_id.state')
    def _compute_outcome(self):
        for message in self:
            states = (message.answer_id.state, message.state)
            message.outcome = next(
                (OUTCOMES[state] for state in states if state in OUTCOMES),
                find_outcome(message._aps_read_told_code()[0]),
            )

    def _aps_read_told_code(self):
        """ Return the response code that the message, or the answer to the request, tells.

        That a query was answered is of no interest beside what it tells of the payment.

        :return: The response code, if there is one, and whether a query tells it.
        :rtype: tuple[str | None, bool]
        """
        message = self.answer_id or self
        told = TRANSACTION_CODE.search(message.body or '')
        return (told[1], True) if told else (message.response_code or None, False)

    @api.depends('response_code', 'body', 'answer_id')
    @api.depends_context('lang')
    def _compute_meaning(self):
        for message in self:
            message.meaning = message.advice = False
            response_code, is_told = message._aps_read_told_code()
            if response_code:
                code = response_codes.find_message_code(response_code)
                message.meaning = str(code.meaning)
                if is_told or message.answer_id:  # Else the row has the code itself.
                    message.meaning += f' ({response_code})'
                message.advice = str(response_codes.MESSAGE_FAMILIES[code.family].advice)

    @api.depends('amount_minor', 'currency')
    def _compute_amount(self):
        for message in self:
            message.amount = False
            if message.currency and message.amount_minor:
                message.amount = format_minor_units(int(message.amount_minor), message.currency)

    #=== BUSINESS METHODS - MESSAGES OF THE ROUTES ===#

    def _aps_store_received(self, provider, message, channel):
        """ Store a message that came by one of the routes, in the current database transaction.

        :param recordset provider: The provider whose account signed the message.
        :param dict message: The message, whose signature was verified.
        :param str channel: `return` or `webhook`.
        :return: Whether the message is new. If not, one like it was applied before.
        :rtype: bool
        """
        return bool(self._aps_insert(provider, message, channel=channel, state='accepted'))

    @api.model
    def _aps_was_refused(self, message, channel):
        """ Return whether a message of a route was stored as refused before. """
        return bool(self.search_count([
            ('digest', '=', compute_digest(message)),
            ('channel', '=', channel),
            ('state', '=', 'refused'),
        ], limit=1))

    def _aps_store_refused(self, provider, message, channel, reason):
        """ Store a message that doesn't fit its payment. The caller's changes were rolled back.

        :param recordset provider: The provider whose account signed the message.
        :param dict message: The message, whose signature was verified.
        :param str channel: `return` or `webhook`.
        :param str reason: Why it is not applied.
        :return: None
        """
        self._aps_write_apart(lambda messages: messages._aps_insert(
            provider, message, channel=channel, state='refused',
            reason=shorten(reason, MAX_VALUE_LENGTH),
        ))

    #=== BUSINESS METHODS - REQUESTS AND ANSWERS OF THE API ===#

    def _aps_store_request(self, provider, signed_fields):
        """ Store a request that is about to be sent, for good, whatever becomes of it.

        :param recordset provider: The provider.
        :param dict signed_fields: The fields of the request.
        :return: The id of the row; `None` if it could not be stored.
        :rtype: int | None
        """
        return self._aps_write_apart(lambda messages: messages._aps_insert(
            provider, signed_fields, channel='request', state='sent', create_uid=self.env.uid
        ))

    def _aps_store_answer(self, provider, request_id, answer):
        """ Store the answer to a request, for good.

        :param recordset provider: The provider.
        :param int|None request_id: The id of the row of the request.
        :param dict answer: The answer, whose signature was verified.
        :return: None
        """
        def write(messages):
            answer_id = messages._aps_insert(
                provider, answer, channel='answer', state='accepted', create_uid=self.env.uid
            )
            messages.browse(request_id)._aps_set_state('answered', answer_id=answer_id)

        self._aps_write_apart(write)

    def _aps_store_failure(self, request_id, state, reason):
        """ Note that a request was not answered, for good.

        :param int|None request_id: The id of the row of the request.
        :param str state: `unreachable` or `unknown`.
        :param str reason: What happened.
        :return: None
        """
        self._aps_write_apart(
            lambda messages: messages.browse(request_id)._aps_set_state(state, reason)
        )

    def _aps_mark_refused(self, answer, reason):
        """ Note that an answer, which was stored when it came, doesn't fit its payment.

        :param dict answer: The answer.
        :param str reason: Why it is not applied.
        :return: None
        """
        domain = [('digest', '=', compute_digest(answer)), ('channel', '=', 'answer')]
        self._aps_write_apart(
            lambda messages: messages.search(domain)._aps_set_state('refused', reason)
        )

    #=== BUSINESS METHODS - WRITING ===#

    def _aps_insert(self, provider, message, **values):
        """ Insert a row, unless the message is stored already.

        :param recordset provider: The provider.
        :param dict message: The message.
        :param dict values: The values of `COLUMNS` that the message doesn't tell.
        :return: The id of the row; `None` if the message is stored already.
        :rtype: int | None
        """
        values = {
            'provider_id': provider.id,
            'company_id': provider.sudo().company_id.id,
            'account': provider._aps_get_account_digest(),
            **read_columns(message),
            **values,
        }
        self.env.cr.execute(INSERT, list(map(values.get, COLUMNS)), log_exceptions=False)
        row = self.env.cr.fetchone()
        return row and row[0]

    def _aps_set_state(self, state, reason='', answer_id=None):
        """ Change the state of rows.

        :param str state: The new state.
        :param str reason: Why.
        :param int|None answer_id: The id of the row of the answer, if it came.
        :return: None
        """
        values = {'state': state, 'reason': shorten(reason, MAX_VALUE_LENGTH) or False}
        self.write({**values, **({'answer_id': answer_id} if answer_id else {})})

    #=== BUSINESS METHODS - PURGE ===#

    @api.autovacuum
    def _gc_messages(self):
        """ Delete the messages that are older than they have to be. """
        days = self.env['ir.config_parameter'].sudo().get_param(RETENTION_DAYS_PARAMETER)
        days = read_setting(days, RETENTION_DAYS)
        domain = [('create_date', '<', fields.Datetime.now() - timedelta(days=days))]
        for _batch in range(PURGE_BATCHES):
            messages = self.search(domain, order='id', limit=PURGE_BATCH_SIZE)
            messages.unlink()
            if len(messages) < PURGE_BATCH_SIZE:
                break
