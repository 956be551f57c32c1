import logging

from odoo import api, fields, models
from odoo.tools.sql import SQL, create_index

from odoo.addons.payment_aps.aps import const, readings
from odoo.addons.payment_aps.aps.errors import (
    APSMessageAmbiguous,
    APSMessageRefused,
)
from odoo.addons.payment_aps.aps.masking import describe_message
from odoo.addons.payment_aps.aps.message import Answer, is_reference
from odoo.addons.payment_aps.aps.signature import get_signed_fields
from odoo.addons.payment_aps.aps.values import get_option_fields, get_payment_method_code
from odoo.addons.payment_aps.conflicts import CONFLICTS, retry

_logger = logging.getLogger(__name__)

# The fields of transactions that link to what is paid. Their modules are optional.
DOCUMENT_FIELDS = ('sale_order_ids', 'invoice_ids')

# What an answer is applied by, as a rule: the search for the transaction reads it already. What
# else is needed is read when it is. The callbacks are restricted to a group, and the engine would
# read them one by one; the module of the last field is optional.
APPLIED_FIELDS = (
    'reference', 'provider_id', 'company_id', 'source_transaction_id', 'operation', 'amount',
    'currency_id', 'state', 'state_message', 'last_state_change', 'payment_method_id',
    'provider_reference', 'partner_id', 'partner_lang', 'tokenize', 'aps_account',
    'aps_payment_command', 'aps_next_check', 'aps_last_notice', 'aps_request_state', 'aps_reason',
    'aps_bank_numbers', 'callback_is_done', 'callback_model_id', 'callback_res_id',
    'callback_method', 'callback_hash', 'pos_order_id',
)
# How long each attempt to lock a payment waits. APS repeats a message that is answered too late.
LOCK_TIMEOUT = '4s'
# The queues of an account, as conditions: what is under way or was begun; those whose shopper is
# back, or of which APS said what can't be believed; the rest, which anybody can make. Each has an
# index of its own, see `init`.
QUEUES = (
    "aps_next_check IS NOT NULL AND state NOT IN ('draft', 'cancel', 'error')",
    "aps_next_check <= aps_asked_date",
    "aps_next_check IS NOT NULL",
)


class PaymentTransaction(models.Model):
    """ The door: what APS says of a payment is found, admitted, checked and applied here.

    All answers about a payment pass here one at a time, by whatever way they come:

    1. The payment is found, and the signature of a message that came by a route is verified.
       Nothing is locked or written for a stranger.
    2. A message that came by a route is stored in the trail. A result that is there was applied.
    3. The payment is locked. Who waited for it starts over, to see what became of it meanwhile.
    4. It is checked that the message can be believed and fits the payment.
    5. It is applied, which changes nothing the second time, and committed along with its row.

    All fields of the addon stand here, too.
    """

    _inherit = 'payment.transaction'

    # The engine of 17.0 has no index for the children of a payment.
    source_transaction_id = fields.Many2one(index='btree_not_null')
    aps_payment_command = fields.Char(
        string="APS Payment Command",
        help="Whether the amount was to be taken at once (PURCHASE) or reserved (AUTHORIZATION).",
        readonly=True,
        copy=False,
    )
    aps_account = fields.Char(
        string="APS Account",
        help="A digest of the merchant account and environment that the payment was made with.",
        readonly=True,
        copy=False,
    )
    aps_next_check = fields.Datetime(
        string="Next APS Check",
        help="When Amazon Payment Services is asked about this payment next.",
        readonly=True,
        copy=False,
    )
    # When APS was last to be asked at once, e.g., because the shopper was back without a result.
    aps_asked_date = fields.Datetime(string="APS Asked at Once", readonly=True, copy=False)
    aps_last_check = fields.Datetime(string="Last APS Check", readonly=True, copy=False)
    aps_last_notice = fields.Datetime(
        string="Last APS Notice",
        help="When Amazon Payment Services told of an operation that Odoo didn't know.",
        readonly=True,
        copy=False,
    )
    aps_operation = fields.Selection(
        string="APS Operation",
        help="The operation that this transaction carries out at Amazon Payment Services.",
        selection=[
            ('CAPTURE', "Capture"),
            ('VOID_AUTHORIZATION', "Void"),
            ('REFUND', "Refund"),
            ('LAPSE', "Close the remaining amount"),
        ],
        readonly=True,
        copy=False,
    )
    aps_request_state = fields.Selection(
        string="APS Request",
        selection=[('queued', "To be sent"), ('sent', "Waiting for the outcome")],
        readonly=True,
        copy=False,
    )
    aps_request_date = fields.Datetime(string="APS Request Date", readonly=True, copy=False)
    # Why the payment or its latest operation failed or waits, see `reasons.Reason`.
    aps_reason = fields.Selection(
        string="APS Reason (Short)",
        selection='_get_aps_reasons',
        readonly=True,
        copy=False,
    )
    aps_reason_values = fields.Json(string="Values of the APS Reason", readonly=True, copy=False)
    aps_staff_message = fields.Char(
        string="APS Reason",
        help="Why the payment or its latest operation failed or waits, and what to do.",
        compute='_compute_aps_staff_message',
        inverse='_inverse_aps_staff_message',
    )
    aps_is_page_due = fields.Boolean(
        help="Whether the shopper chose a saved card, and is to be sent to the payment page.",
        readonly=True,
        copy=False,
    )
    # The ids of the invoices that are linked if the outcome of the charge is not known at once.
    aps_noted_invoices = fields.Json(
        string="APS Noted Invoices",
        readonly=True,
        copy=False,
    )
    # The numbers by which banks know the payment, by the names that APS has for them.
    aps_bank_numbers = fields.Json(readonly=True, copy=False)
    aps_receipt = fields.Char(string="Bank's Numbers", compute='_compute_aps_receipt')
    aps_kind = fields.Selection(
        string="Kind",
        selection=[
            ('payment', "Payment"),
            ('capture', "Capture"),
            ('void', "Void"),
            ('refund', "Refund"),
        ],
        compute='_compute_aps_kind',
    )
    aps_document = fields.Char(
        string="Order or Invoice", compute='_compute_aps_document', compute_sudo=True
    )
    aps_captured = fields.Monetary(
        string="Captured", compute='_compute_aps_figures', compute_sudo=True
    )
    aps_refunded = fields.Monetary(
        string="Refunded", compute='_compute_aps_figures', compute_sudo=True
    )
    aps_left = fields.Monetary(
        string="Left to Capture", compute='_compute_aps_figures', compute_sudo=True
    )
    # The payments of an order are compared when one of them is authorized, which the engine of 17.0
    # doesn't post-process.
    aps_is_compared = fields.Boolean(
        help="Whether it was found out if the authorized amount was paid twice.",
        readonly=True,
        copy=False,
    )
    aps_is_surplus = fields.Boolean(
        help="Whether it was noted that the payment is to be given back, as it was made twice.",
        readonly=True,
        copy=False,
    )
    aps_is_used = fields.Boolean(
        string="Uses APS", compute='_compute_aps_is_used', search='_search_aps_is_used'
    )
    aps_is_closable = fields.Boolean(compute='_compute_aps_is_closable', compute_sudo=True)
    aps_message_count = fields.Integer(
        string="APS Messages",
        compute='_compute_aps_message_count',
        groups='base.group_system,account.group_account_invoice,account.group_account_readonly',
    )

    def init(self):
        """ Create an index for each queue of the check, and for what is paid at the till. """
        super().init()
        for number, condition in enumerate(QUEUES, start=1):
            create_index(
                self.env.cr, f'payment_transaction_aps_queue_{number}', self._table,
                ['provider_id', 'aps_next_check', 'id'], where=condition,
            )
        self._aps_index_till()

    #=== COMPUTE METHODS ===#

    @api.depends('provider_code')
    def _compute_aps_is_used(self):
        for tx in self:
            tx.aps_is_used = tx.provider_code == 'aps'

    def _search_aps_is_used(self, operator, value):
        """ Search by the provider, which accountants may not search for. """
        providers_sudo = self.env['payment.provider'].sudo().search([('code', '=', 'aps')])
        values = value if operator in ('in', 'not in') else [value]
        is_wanted = (True in values) == (operator in ('=', 'in'))
        return [('provider_id', 'in' if is_wanted else 'not in', providers_sudo.ids)]

    @api.depends('state', 'provider_code', 'aps_next_check', 'aps_request_state')
    def _compute_aps_is_closable(self):
        for tx in self:
            payment = tx._origin._aps_get_payment()
            tx.aps_is_closable = tx.provider_code == 'aps' and bool(payment._aps_get_closable())

    def _compute_aps_message_count(self):
        for tx in self:
            tx.aps_message_count = self.env['payment.aps.message'].search_count([
                *tx._aps_get_message_domain(), ('channel', '!=', 'answer'),  # As the list shows.
            ])

    #=== ACTION METHODS ===#

    def action_aps_view_messages(self):
        """ Open the trail of messages of the payment.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'payment_aps.action_payment_aps_message'
        )
        return {
            **action,
            'domain': self._aps_get_message_domain(),
            'context': {'search_default_exchanges': 1},
        }

    def _aps_get_message_domain(self):
        """ Return the domain of the messages about the payment and its captures and refunds. """
        return [('merchant_reference', '=', self._origin._aps_get_payment().reference)]

    #=== BUSINESS METHODS - FINDING AND LOCKING ===#

    @api.model
    def _aps_search(self, message):
        """ Return the transaction that a message names, and its provider.

        Anybody can cause this, so it is one query for each of them.

        :param dict message: The message, not necessarily authentic.
        :return: The payment's transaction and its provider, if any.
        :rtype: tuple[recordset of `payment.transaction`, recordset of `payment.provider`]
        """
        reference, tx_sudo = message.get('merchant_reference'), self.sudo().browse()
        if is_reference(reference):
            tx_sudo = tx_sudo.search_fetch(
                [('reference', '=', reference)],
                [name for name in APPLIED_FIELDS if name in self._fields],
            )
            tx_sudo.provider_id._aps_fetch_account()
        tx = tx_sudo.filtered(lambda tx: tx.provider_id.code == 'aps').sudo(self.env.su)
        return tx, tx.provider_id

    def _aps_lock(self):
        """ Lock the transaction, so that answers about the same payment are applied one by one.

        If another answer is applied while we wait for the lock, we start over at once to see what
        became of the payment.

        Note: `self.ensure_one()`; must be called before anything is written.

        :return: None
        :raise psycopg2.OperationalError: If the lock is not to be had in time.
        """
        self.ensure_one()
        retry(self.env.cr, self._aps_lock_once)
        self._aps_fetch()

    def _aps_lock_once(self):
        """ Wait for the lock of the transaction. What was read before is its latest state then.

        :raise psycopg2.OperationalError: If it was changed meanwhile, or the lock is not to be had.
        """
        self.env.cr.execute(
            """
                SET LOCAL lock_timeout = %s;
                SELECT 1 FROM payment_transaction WHERE id = %s FOR NO KEY UPDATE;
                SET LOCAL lock_timeout = DEFAULT
            """,
            [LOCK_TIMEOUT, self.id], log_exceptions=False,
        )

    @api.model
    def _aps_lock_first(self, condition):
        """ Lock the first transaction that is to be asked about and that nobody else has locked.

        :param SQL condition: What it must fulfil.
        :return: The transaction, if any.
        :rtype: recordset of `payment.transaction`
        """
        self.env.cr.execute(
            SQL(
                """
                    SELECT id FROM payment_transaction WHERE %s
                     ORDER BY aps_next_check, id LIMIT 1
                       FOR NO KEY UPDATE SKIP LOCKED
                """,
                condition,
            ),
            log_exceptions=False,
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _aps_fetch(self):
        """ Read in one query what the application of an answer reads of the transaction.

        Fields that are restricted to a group would be read one by one.
        """
        self.fetch([
            name for name, field in self._fields.items() if field.store and field.column_type
        ])

    #=== BUSINESS METHODS - ADMITTING ===#

    def _aps_receive(self, message, channel):
        """ Apply an authentic message that came by a route, unless it was applied before.

        APS waits for the answer, so if another process was faster, with the payment or with
        anything else that depends on it, this starts over at once.

        Note: `self.ensure_one()`; must be called before anything is written.

        :param dict message: The message, whose signature was verified.
        :param str channel: The route by which it came, `return` or `webhook`.
        :return: None
        :raise APSMessageRefused: If the message can't be believed, or doesn't fit the transaction.
        """
        def admit_and_take_over():
            if self._aps_admit(message, channel):
                self._aps_take_over(message)
            # Let conflicts and errors show up while they can be dealt with, also those of what is
            # done right before the commit. The cursor alone would flush as the public user.
            self.env.flush_all()
            self.env.cr.flush()

        retry(self.env.cr, admit_and_take_over)

    def _aps_admit(self, message, channel):
        """ Store an authentic message in the trail, and lock the payment for it.

        A result that is in the trail was applied, as both are committed together. Such a repetition
        has nothing to tell, and must not be applied once more: what happened since, such as another
        attempt that is under way, counts. That holds for the result of a payment only: two refunds
        of the same amount may be told in the same words.

        Note: `self.ensure_one()`; must be called before anything is written.

        :param dict message: The message, whose signature was verified.
        :param str channel: The route by which it came, `return` or `webhook`.
        :return: Whether the message is to be applied.
        :rtype: bool
        """
        is_new = self._aps_store(message, channel)
        if not is_new and message.get('command') in const.PAYMENT_COMMANDS:
            self._aps_note_repetition(message)
            return False
        self._aps_lock_once()
        return True

    def _aps_store(self, message, channel):
        """ Store a message in the trail, which is not to cost us the payment if it fails.

        That is done before the message is applied, when there is nothing that could be lost by a
        rollback.

        :param dict message: The message, whose signature was verified.
        :param str channel: The route by which it came, `return` or `webhook`.
        :return: Whether the message is new, as far as can be told.
        :rtype: bool
        """
        try:
            return self.env['payment.aps.message'].sudo()._aps_store_received(
                self.provider_id, message, channel
            )
        except CONFLICTS:  # Another delivery of it was stored since our first query.
            raise
        except Exception:
            _logger.exception("A message could not be stored in the trail.")
            self.env.cr.rollback()
            return True

    def _aps_note_repetition(self, message):
        """ Have APS asked if a repeated message contradicts what is believed by now.

        Two attempts that end alike are told in the same words, so it may be about another one.

        :param dict message: An answer about the payment, authentic, which was applied before.
        :return: None
        """
        state = Answer(message).state
        is_failure, was_failed = (one in ('cancel', 'error') for one in (state, self.state))
        is_open = self.state == 'pending' or was_failed
        if is_open and state != self.state and is_failure != was_failed:
            self._aps_schedule_check(at_once=True)

    def _aps_take_over(self, message):
        """ Apply an authentic message that came by a route, if it can be believed.

        Whoever posts it may have cut what was signed into other fields, and may have sent the
        request that it answers. The answers that come over a connection of our own need not pass.

        Note: `self.ensure_one()`; the payment must be locked.

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise APSMessageRefused: If the message can't be believed, or doesn't fit the transaction.
        """
        doubt = readings.find_doubt(get_signed_fields(message))
        if doubt:
            raise APSMessageAmbiguous(doubt, describe_message(message))
        answer = Answer(message)
        if answer.is_request_refused:
            self._aps_check_refusal(answer)
        self._aps_handle(message)
        if answer.is_request_refused:
            self._aps_schedule_check(at_once=True)

    def _aps_check_refusal(self, answer):
        """ Check that a signed refusal of a request may fail the payment.

        Anybody may have sent the request, so the refusal ends only a payment of which nothing else
        is known, and which it names with amount and currency. Otherwise APS is asked, unless there
        is nothing left to ask.

        :param Answer answer: The refusal, authentic.
        :return: None
        :raise APSMessageRefused: If it may not.
        """
        description = describe_message(answer.fields)
        is_under_way = bool(self._aps_get_family().filtered('aps_request_state'))
        if self.state in ('authorized', 'done') and not is_under_way:
            raise APSMessageRefused("a refused request changes no payment", description)
        if self.state != 'draft' or is_under_way:
            raise APSMessageAmbiguous("a refused request changes nothing under way", description)
        if (answer.amount_minor, answer.currency) != (
            self._aps_sum_minor(), self.currency_id.name
        ):
            raise APSMessageAmbiguous("a refused request of other sums", description)

    def _aps_take_note(self, message, channel, error):
        """ Store an authentic message that is not applied, so that it isn't overlooked.

        If it is not certain what APS said, or what is true, APS is asked, once for each message.

        :param dict message: The message, whose signature was verified.
        :param str channel: The route by which it came, `return` or `webhook`.
        :param APSMessageRefused error: Why it is not applied. What was changed was rolled back.
        :return: None
        """
        messages_sudo = self.env['payment.aps.message'].sudo()
        is_ambiguous = isinstance(error, APSMessageAmbiguous)
        # Before the message is stored for good: a conflict has this request run again.
        if is_ambiguous and not messages_sudo._aps_was_refused(message, channel):
            self._aps_lock()
            self._aps_get_payment()._aps_schedule_check(at_once=True)
            self.env.flush_all()
        messages_sudo._aps_store_refused(self.provider_id, message, channel, error.aps_reason)
        self._aps_note_mismatch(error)

    #=== BUSINESS METHODS - CHECKING ===#

    def _aps_check_message(self, message):
        """ Check that an authentic message fits the transaction.

        Every answer passes through here before it is applied, by whatever way it came.

        Note: `self.ensure_one()`

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise APSMessageRefused: If the message is about something else than this payment.
        """
        self.ensure_one()
        account = self.provider_id._aps_get_account()
        if message.get('merchant_reference') != self.reference:
            self._aps_refuse(message, "the reference is that of another payment")
        if message.get('merchant_identifier') != account.merchant_identifier:
            self._aps_refuse(message, "the merchant is another one")
        answer = Answer(message)
        fault = answer.find_fault()
        if fault:
            self._aps_refuse(message, fault)
        if self.source_transaction_id:
            self._aps_refuse(message, "the transaction is not a payment")
        mismatch = answer.find_mismatch(self._aps_sum_minor(), self.currency_id.name)
        if mismatch:
            self._aps_refuse(message, mismatch)

    def _aps_refuse(self, message, reason):
        """ Refuse a message.

        :param dict message: The message.
        :param str reason: The rule that refuses it, for the log and the trail.
        :raise APSMessageRefused: In any case.
        """
        self.env['payment.aps.message'].sudo()._aps_mark_refused(message, reason)
        raise APSMessageRefused(reason, describe_message(message))

    #=== BUSINESS METHODS - APPLYING ===#

    def _aps_apply(self, message):
        """ Apply an answer to the payment and to the transactions that capture or refund it.

        Applying the same answer twice changes nothing, and neither does one that is overtaken by
        what is known already.

        Note: `self.ensure_one()`

        :param dict message: The message, authentic and checked.
        :return: None
        """
        self.ensure_one()
        answer = Answer(message)
        if answer.is_query:
            self._aps_apply_status(answer)
        elif answer.command in const.OPERATION_STATUSES:
            self._aps_apply_operation(answer)
        else:
            self._aps_apply_payment(answer)

    def _aps_apply_payment(self, answer):
        """ Bring the transaction to the state that an answer about the payment tells.

        :param Answer answer: The answer, authentic and checked.
        :return: None
        """
        target_state, response_code = answer.state, answer.response_code
        if not target_state or not answer.is_plausible:
            _logger.warning(
                "Answer from APS not understood for %s: %s",
                self.reference, describe_message(answer.fields),
            )
            target_state = 'pending'  # Never guess about money.
        if not self._aps_can_become(target_state):
            _logger.info(
                "Answer from APS changes nothing for %s in state %s: %s",
                self.reference, self.state, describe_message(answer.fields),
            )
            self._aps_tokenize(answer, target_state)
            self._aps_update_message(target_state, response_code)
            if target_state == self.state:
                self._aps_note_bank_numbers(answer)
            return
        was_failed = self.state in ('cancel', 'error')
        was_unclear = self.state == 'pending' and bool(self.state_message)
        if was_failed and answer.is_unfinished and target_state == 'pending':
            self._aps_note_next_attempt()
            return
        self._aps_update_references(
            target_state, answer.fort_id, answer.fields.get('payment_option')
        )
        self._aps_set_state(target_state, response_code)
        if target_state == 'done' and self._aps_is_at_till():
            self._aps_trigger_post_processing()  # A cashier waits, whatever the customer does.
        self._aps_note_bank_numbers(answer)
        self._aps_tokenize(answer, target_state)
        if (was_failed and target_state == 'pending') or (
            was_unclear and target_state in ('cancel', 'error')
        ):  # The answers to two attempts may come in any order; only APS knows which one counts.
            self._aps_schedule_check(at_once=True)
        if self.aps_last_notice and self.state in ('authorized', 'done'):
            self._aps_take_over_sums()  # An operation was told before the payment itself.

    def _aps_can_become(self, target_state, is_captured=False):
        """ Return whether an answer may bring the payment to a state.

        :param str target_state: The state.
        :param bool is_captured: Whether the answer tells that an amount was captured.
        :return: Whether it may.
        :rtype: bool
        """
        final_commands = {'VOID_AUTHORIZATION'}
        if not is_captured:  # After all, the amount had not been released.
            final_commands.add('LAPSE')
        is_released = self.state == 'cancel' and any(
            tx.aps_operation in final_commands and tx.state == 'cancel'
            for tx in self._aps_get_family()
        )
        return self.state in const.SOURCE_STATES[target_state] and not (
            is_released and target_state in ('authorized', 'pending')
        )

    def _aps_update_references(self, target_state, fort_id, payment_option=None):
        """ Take over APS's number of the payment and the method that was used.

        :param str target_state: The state that the transaction is about to have.
        :param str fort_id: The number; empty if the answer has none.
        :param str|None payment_option: The payment option of the answer, if it has one.
        :return: None
        """
        values = {}
        is_success = target_state in ('authorized', 'done')
        if fort_id and fort_id != self.provider_reference:
            values['provider_reference'] = fort_id
        elif not fort_id and is_success and self.state in ('cancel', 'error'):
            values['provider_reference'] = False  # It is the number of an attempt that failed.
        payment_method = self._aps_find_payment_method(payment_option)
        # A wallet or a plan answers with the card that is behind it.
        is_chosen_by_option = 'payment_option' in get_option_fields(
            self.payment_method_code
        )
        if payment_method and payment_method != self.payment_method_id and is_chosen_by_option:
            values['payment_method_id'] = payment_method.id
        if values:
            self.write(values)

    def _aps_find_payment_method(self, payment_option):
        """ Return the payment method or brand that was used, active or not.

        That of the transaction is read along with it, as the two are about to be compared.

        :param str|None payment_option: The payment option of the answer.
        :return: The payment method; empty if the option is not known.
        :rtype: recordset of `payment.method`
        """
        payment_method_model = self.env['payment.method'].with_context(active_test=False)
        code = get_payment_method_code(payment_option)
        if not code:
            return payment_method_model
        return payment_method_model.search_fetch(
            ['|', ('id', '=', self.payment_method_id.id), ('code', '=', code)], ['code']
        ).filtered(lambda method: method.code == code)[:1]

    def _aps_set_state(self, target_state, response_code):
        """ Set the state, with a message for the shopper in their language.

        :param str target_state: The state, which the transaction can take.
        :param str response_code: The response code of the answer.
        :return: None
        """
        if target_state == 'cancel' and self.operation == 'offline':
            # There is no shopper; and it has no accounting payment any more.
            target_state = 'error'
        tx = self._aps_with_shopper_lang()
        former_state = self.state
        source_states = const.SOURCE_STATES[target_state]
        self._aps_note_reason(target_state, response_code)
        if target_state == 'pending':
            tx._set_pending(
                state_message=tx._aps_get_pending_message(response_code),
                extra_allowed_states=source_states,
            )
        elif target_state == 'authorized':
            tx._set_authorized(extra_allowed_states=source_states)
        elif target_state == 'done':
            tx._set_done(extra_allowed_states=source_states)
        elif target_state == 'cancel':
            tx._set_canceled(
                state_message=tx._aps_get_failure_message(response_code),
                extra_allowed_states=source_states,
            )
        else:
            tx._set_error(
                tx._aps_get_failure_message(response_code), extra_allowed_states=source_states
            )
        if target_state == 'done' and not self._aps_is_check_due():
            self.aps_next_check = False
        elif target_state in ('authorized', 'pending') and not self._aps_is_check_due():
            self._aps_schedule_check()
        if target_state == 'done' and former_state != 'draft':
            self._aps_reopen_accounting()
        if former_state in ('cancel', 'error'):
            _logger.warning(
                "%s was %s but turns out to be %s", self.reference, former_state, target_state
            )

    def _aps_with_shopper_lang(self):
        """ Return the transaction in a context whose language is that of the shopper. """
        installed = dict(self.env['res.lang'].get_installed())
        lang = self.partner_lang if self.partner_lang in installed else self.env.lang
        return self.with_context(lang=lang)
