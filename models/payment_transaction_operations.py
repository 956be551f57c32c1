import logging
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.errors import (
    APSError,
    APSOutcomeUnknown,
    APSRefused,
    APSUnreachable,
)
from odoo.addons.payment_aps.aps.message import Answer
from odoo.addons.payment_aps.aps.schedule import NOTICE_TIME
from odoo.addons.payment_aps.aps.values import to_major_units, to_minor_units
from odoo.addons.payment_aps.conflicts import CONFLICTS, retry, unwrapped
from odoo.addons.payment_aps.models.reasons import make_code_reason

_logger = logging.getLogger(__name__)


class PaymentTransaction(models.Model):
    """ The operations that maintain a payment: capture, void and refund.

    An operation is carried by a transaction: the child transaction that the engine creates for it,
    or the payment itself if it is captured or voided in full. It goes through these steps, each of
    which is committed before the next one begins:

    1. It is checked and queued, in the request of the user. Odoo may run that request several
       times, or roll it back, because nothing is sent before it is committed.
    2. It is marked as sent. Whoever finds it so later on, e.g., after a crash, doesn't send it
       again but asks APS what became of it.
    3. It is sent, and its outcome is applied. If the outcome is unknown, it stays as it is.

    A payment has one operation under way at most, so that the sums that APS reports tell whether it
    was executed.
    """

    _inherit = 'payment.transaction'

    #=== ACTION METHODS ===#

    def action_aps_close_remaining(self):
        """ Close a partially captured authorization, whose rest the bank releases by itself.

        :return: None
        :raise UserError: If there is no such rest.
        """
        payment_utils.check_rights_on_recordset(self)
        for tx_sudo in self.sudo():
            remaining = tx_sudo._aps_get_capturable_minor()
            is_open = tx_sudo.provider_code == 'aps' and tx_sudo.state == 'authorized'
            if not is_open or remaining <= 0:
                raise UserError(_("There is no remaining amount to close on this payment."))
            tx_sudo._aps_check_nothing_is_under_way()
            tx_sudo._aps_reserve_payment()
            if not tx_sudo._aps_get_captured():
                tx_sudo._aps_close_uncaptured()
                continue
            currency_code = tx_sudo.currency_id.name
            lapse_tx = tx_sudo._create_child_transaction(
                to_major_units(remaining, currency_code), aps_operation='LAPSE'
            )
            lapse_tx._aps_settle_lapse()
            lapse_tx._aps_send_notice(lapse_tx._aps_get_outcome_notice(), 'success')

    def _aps_close_uncaptured(self):
        """ Cancel an authorization that was never captured, once the bank has released it.

        :return: None
        :raise UserError: If the bank may still hold the amount.
        """
        if not self._aps_is_window_over():
            raise UserError(_(
                "Nothing of this payment was captured yet, so it can be voided. Void it instead."
            ))
        tx = self._aps_with_shopper_lang()
        # Of the release by the bank, APS knows nothing. It still tells of an authorization.
        tx.write({'aps_operation': 'LAPSE', 'aps_next_check': False})
        tx._set_canceled(state_message=tx._aps_get_void_message())
        self._aps_send_notice(self._aps_get_outcome_notice(), 'success')

    #=== BUSINESS METHODS - CHECKS BEFORE SENDING ===#

    def _aps_check_nothing_is_under_way(self, besides=None):
        """ Check that no operation of the payment waits for its outcome.

        :param recordset besides: The transaction of the new operation itself, if any.
        :return: None
        :raise UserError: If one does.
        """
        busy = self._aps_get_family().filtered('aps_request_state') - (besides or self.browse())
        if busy:
            raise UserError(_(
                "An operation on this payment is still under way (%(reference)s). Wait for its "
                "outcome, or click on \"Check with APS\" on the transaction.",
                reference=busy[0].reference,
            ))

    def _aps_check_capture(self, amount, besides=None):
        """ Check that an amount of an authorization can be captured.

        :param float amount: The amount to capture, in major units.
        :param recordset besides: The child transaction of the capture, if it exists already.
        :return: None
        :raise UserError: If APS would refuse the capture.
        """
        self._aps_check_nothing_is_under_way(besides)
        if self._aps_is_window_over():
            raise UserError(_(
                "This payment was authorized more than %(days)s days ago; the bank has released "
                "the amount. Ask the customer to pay again.",
                days=const.CAPTURE_WINDOW_DAYS,
            ))
        amount_minor = to_minor_units(amount, self.currency_id.name)
        capturable = self._aps_get_capturable_minor() + (besides._aps_sum_minor() if besides else 0)
        if not 0 < amount_minor <= capturable:
            raise UserError(_(
                "Only %(amount)s can still be captured of this payment. Capture at most this "
                "amount, and ask the customer for another payment for the rest.",
                amount=self._aps_format(capturable),
            ))

    def _aps_check_void(self, besides=None):
        """ Check that an authorization can be voided.

        :param recordset besides: The child transaction of the void, if it exists already.
        :return: None
        :raise UserError: If APS would refuse the void.
        """
        if self._aps_get_captured():
            raise UserError(_(
                "A part of this payment was captured, so the rest can't be voided any more. The "
                "bank releases it by itself. Click on \"Close Remaining Amount\" on the "
                "transaction to close it in Odoo."
            ))
        self._aps_check_nothing_is_under_way(besides)

    def _aps_check_refund(self, amount):
        """ Check that an amount of a capture or a payment can be refunded.

        :param float|None amount: The amount to refund, in major units; `None` for all of it.
        :return: None
        :raise UserError: If APS would refuse the refund.
        """
        self._aps_check_nothing_is_under_way()
        if self._aps_get_captured() and self not in self._aps_get_captured():
            raise UserError(_(
                "This payment was captured in parts. Refund the captured parts instead."
            ))
        refundable = amount_minor = self._aps_get_refundable_minor()
        if amount is not None:
            amount_minor = to_minor_units(amount, self.currency_id.name)
        if not 0 < amount_minor <= refundable:
            raise UserError(_(
                "Only %(amount)s can still be refunded of this payment.",
                amount=self._aps_format(refundable),
            ))
        if self._aps_get_option().refund == 'full_only' and amount_minor != self._aps_sum_minor():
            raise UserError(_(
                "%(method)s payments can only be refunded in full. Refund a part of this payment "
                "in another way.",
                method=self.payment_method_id.name,
            ))

    def _aps_prepare_refund(self, amount):
        """ Check that an amount can be refunded, and have the payment booked before it is.

        :param float|None amount: The amount to refund, in major units; `None` for all of it.
        :return: The amount, in major units: what is left, if none was given.
        :rtype: float
        :raise UserError: If APS would refuse the refund.
        """
        self._aps_check_refund(amount)
        self._aps_post_process_first()
        if amount is None:
            return to_major_units(self._aps_get_refundable_minor(), self.currency_id.name)
        return amount

    def _aps_is_window_over(self):
        """ Return whether the bank has released an authorization because of its age. """
        age = fields.Datetime.now() - (self.last_state_change or self.create_date)
        return self.state == 'authorized' and age > timedelta(days=const.CAPTURE_WINDOW_DAYS)

    #=== BUSINESS METHODS - QUEUE ===#

    def _aps_queue_operation(self, command, record):
        """ Queue an operation, to be sent once the request of the user is committed.

        :param str command: The APS command.
        :param recordset record: The transaction that carries the operation.
        :return: None
        """
        self._aps_reserve_payment()
        record.write({
            'aps_operation': command,
            'aps_request_state': 'queued',
            'aps_request_date': False,
            **self._aps_prepare_reason(None),
        })
        self._aps_get_payment()._aps_schedule_check()
        record._aps_send_after_commit()

    def _aps_queue_lapse(self, lapse_tx):
        """ Have the rest of the payment closed once the queued capture was successful.

        APS can't void what a partial capture leaves over: the bank releases it by itself.

        :param recordset lapse_tx: The child transaction of the rest.
        :return: None
        """
        lapse_tx.write({'aps_operation': 'LAPSE', 'aps_request_state': 'queued'})

    def _aps_reserve_payment(self):
        """ Make sure that nobody acts on the payment by what its operations were before.

        Updating the row, rather than only locking it, makes PostgreSQL refuse those who lock it
        later but look at the data as they were before, even if no value changes. They start over.

        :return: None
        """
        self.env.cr.execute(
            "UPDATE payment_transaction SET write_date = write_date WHERE id = %s",
            [self._aps_get_payment().id],
        )

    def _aps_send_after_commit(self):
        """ Have the queued operation sent when the current database transaction is committed.

        :return: None
        """
        registry, uid, context, record_id = (
            self.env.registry, self.env.uid, dict(self.env.context), self.id
        )

        @self.env.cr.postcommit.add
        def send():
            try:
                with registry.cursor() as cr:
                    env = api.Environment(cr, uid, context)
                    env['payment.transaction'].sudo().browse(record_id)._aps_send_operation()
                    env['payment.transaction'].sudo().browse(record_id)._aps_notify_user()
            except Exception:  # The request of the user has succeeded; the cron takes over.
                _logger.exception("The operation of transaction %s was interrupted.", record_id)

    def _aps_notify_user(self):
        """ Tell the user who asked for the operation what became of it. """
        if self.aps_request_state:
            message, kind = _(
                "Amazon Payment Services has not answered yet. The outcome of %(reference)s will "
                "be found out by itself; do not repeat the operation.",
                reference=self.reference,
            ), 'warning'
        elif self.aps_staff_message:
            message, kind = self.aps_staff_message, 'danger'
        elif self.state in ('done', 'cancel'):
            message, kind = self._aps_get_outcome_notice(), 'success'
        else:
            return
        self._aps_send_notice(message, kind)

    #=== BUSINESS METHODS - SENDING ===#

    def _aps_send_operation(self):
        """ Send a queued operation and apply its outcome.

        Must be called with a database cursor of its own: it commits.

        :return: None
        """
        self.ensure_one()
        payment = self._aps_get_payment()
        if self.provider_id._aps_is_copied():
            _logger.info("The operation of %s waits until this is a live database.", self.reference)
            return
        try:
            self.provider_id._aps_ensure_can_ask(payment.aps_account)
        except APSError as error:
            reason = self._aps_get_error_reason(error)
            self._aps_commit_outcome(lambda: self._aps_fail_unsent(reason))
            return
        if not retry(self.env.cr, self._aps_claim):
            return
        try:
            answer = self.provider_id._aps_make_request(self._aps_prepare_operation_payload())
        except APSUnreachable as error:
            reason = self._aps_get_error_reason(error)
            self._aps_commit_outcome(lambda: self._aps_fail_operation(reason))
            return
        except APSRefused as error:
            answer = error.answer
        except APSOutcomeUnknown as error:
            _logger.warning("Unknown outcome of the operation of %s: %s", self.reference, error)
            self._aps_commit_outcome(self._aps_note_unknown_outcome)
            return
        self._aps_commit_outcome(lambda: payment._aps_take_answer(answer, self))

    def _aps_claim(self):
        """ Mark the operation as sent, unless somebody else did so.

        :return: Whether the operation is ours to send.
        :rtype: bool
        """
        self._aps_get_payment()._aps_lock()  # Waits for a check of the payment that is under way.
        is_ours = self.aps_request_state == 'queued'
        if is_ours:
            # If somebody else wrote this since our first query, PostgreSQL refuses it.
            self.write({'aps_request_state': 'sent', 'aps_request_date': fields.Datetime.now()})
            if self.source_transaction_id:
                self._set_pending()
        self.env.flush_all()
        self.env.cr.commit()  # pylint: disable=invalid-commit
        return is_ours

    def _aps_commit_outcome(self, apply):
        """ Apply an outcome under the lock of the payment, and commit it.

        APS has executed the operation, so it must not be forgotten because of a conflict with
        another request. If it still is, the status check settles it.

        :param callable apply: What to do with the outcome.
        :return: None
        """
        def apply_and_commit():
            self._aps_get_payment()._aps_lock()
            apply()
            self.env.flush_all()
            self.env.cr.commit()  # pylint: disable=invalid-commit

        retry(self.env.cr, apply_and_commit)

    def _aps_prepare_operation_payload(self):
        """ Return the fields of the request that carries out the operation.

        See https://paymentservices.amazon.com/docs/api/managing-payments/capture and its siblings.

        :return: The fields, without those that identify the merchant.
        :rtype: dict
        """
        payment = self._aps_get_payment()
        payload = {
            'command': self.aps_operation,
            'merchant_reference': payment.reference,
            'fort_id': payment.provider_reference,
        }
        if self.aps_operation != 'VOID_AUTHORIZATION':
            payload['amount'] = str(self._aps_sum_minor())
            payload['currency'] = self.currency_id.name
        if self.aps_operation == 'REFUND':
            # The only means by which APS recognizes a request that it has executed before.
            payload['maintenance_reference'] = self.reference
        return {name: value for name, value in payload.items() if value}

    #=== BUSINESS METHODS - OUTCOME ===#

    def _aps_take_answer(self, answer, operation_tx):
        """ Check the answer to the request of an operation, and apply it.

        :param dict answer: The answer, whose signature was verified.
        :param recordset operation_tx: The transaction that carries the operation.
        :return: None
        :raise APSMessageRefused: If the answer doesn't fit the payment.
        """
        self._aps_check_message(answer)
        former_state = self.state
        self._aps_apply_operation(Answer(answer), operation_tx)
        operation_tx._aps_note_unknown_outcome()
        if self.state != former_state:
            self._aps_tell_caller()

    def _aps_note_unknown_outcome(self):
        """ Say on an operation that its outcome is not known, unless it is by now. """
        if self.aps_request_state == 'sent':
            self._aps_fail_if_overdue()

    def _aps_find_operation(self, answer, operation_tx=None):
        """ Return the transaction of ours that carries the operation that a message is about.

        The notice of a capture doesn't tell which one it is about: the sums do.

        :param Answer answer: The message, authentic and checked.
        :param recordset operation_tx: The operation, if the message is the answer to its request.
        :return: The transaction; empty if the operation is not known to be ours.
        :rtype: recordset of `payment.transaction`
        """
        command = answer.command
        candidates = operation_tx or self._aps_get_family()
        if command == 'REFUND':
            candidates = candidates.filtered(
                lambda tx: tx.reference == answer.maintenance_reference
            )
        elif command == 'CAPTURE' and not operation_tx:
            return self.browse()
        return candidates.filtered(
            lambda tx: tx.aps_operation == command and tx.aps_request_state == 'sent'
            and answer.amount_minor in (None, tx._aps_sum_minor())
        )

    def _aps_apply_operation(self, answer, operation_tx=None):
        """ Apply a message about a capture, a void or a refund of the payment.

        :param Answer answer: The message, authentic and checked.
        :param recordset operation_tx: The operation, if the message is the answer to its request.
        :return: None
        """
        outcome = answer.outcome(answer.command)
        if answer.is_request_refused and not operation_tx:
            outcome = 'pending'  # A refusal may echo what anybody has sent in our name.
        record = self._aps_find_operation(answer, operation_tx)
        if record and outcome != 'pending':
            record._aps_apply_outcome(outcome, answer.response_code)
        elif outcome == 'done' and answer.command == 'VOID_AUTHORIZATION':
            self._aps_take_over_void()
        elif outcome == 'done' or self._aps_get_family().filtered('aps_request_state'):
            # Made in the back office, or the echo of an operation of ours.
            if outcome == 'done':
                self._aps_take_over_notice(answer)
            self._aps_schedule_check(at_once=True)

    def _aps_is_echo(self, notice):
        """ Return whether the notice of an operation tells of one that is recorded for certain.

        :param Answer notice: The notice, authentic and checked.
        :return: Whether it does.
        :rtype: bool
        """
        if notice.command == 'CAPTURE':
            captured = self._aps_get_captured()
            begin = fields.Datetime.now() - NOTICE_TIME
            return captured._aps_sum_minor() >= self._aps_sum_minor() or any(
                tx.aps_request_date and tx.aps_request_date > begin
                and notice.amount_minor == tx._aps_sum_minor() for tx in captured
            )
        return any(
            tx.reference == notice.maintenance_reference and tx.state == 'done'
            for tx in self._aps_get_refunds()
        )

    def _aps_apply_outcome(self, outcome, response_code=''):
        """ Apply the outcome of an operation to the transaction that carries it.

        :param str outcome: `done`, `error` or `pending`.
        :param str response_code: The response code of APS, if any.
        :return: None
        """
        is_settled = self.state in ('done', 'cancel') and not self.aps_request_state
        if outcome == 'pending' or is_settled:
            return
        if outcome == 'error':
            if self.aps_request_state:
                self._aps_fail_operation(make_code_reason(response_code))
            return
        self._aps_end_request()
        if self.aps_operation == 'CAPTURE':
            self._aps_succeed_capture()
        elif self.aps_operation == 'VOID_AUTHORIZATION':
            tx = self._aps_with_shopper_lang()
            tx._set_canceled(
                state_message=tx._aps_get_void_message(), extra_allowed_states=('error',)
            )
        elif self.aps_operation == 'REFUND':
            self._aps_succeed_refund()

    def _aps_end_request(self, reason=None):
        """ Note that nothing of the operation is open any more.

        :param Reason|None reason: Why it was not executed, for the staff, if it wasn't.
        :return: None
        """
        self.write({'aps_request_state': False, **self._aps_prepare_reason(reason)})
        self._aps_get_payment()._aps_note_open_reason(None)
        self._aps_reserve_payment()

    def _aps_succeed_capture(self):
        """ Confirm a capture, and close the rest if that was asked for along with it. """
        self._set_done()
        self._aps_trigger_post_processing()
        for lapse_tx in self._aps_get_payment().child_transaction_ids.filtered(
            lambda tx: tx.aps_operation == 'LAPSE' and tx.aps_request_state
        ):
            lapse_tx._aps_settle_lapse()

    def _aps_succeed_refund(self):
        """ Confirm a refund.

        The accounting of the engine skips a transaction that has a confirmed child, so the refunded
        transaction must have had its own turn before.
        """
        try:
            with unwrapped(), self.env.cr.savepoint():
                self.source_transaction_id._aps_post_process_first()
        except CONFLICTS:
            raise
        except Exception:  # The money was refunded, whatever stops the accounting of the payment.
            _logger.exception(
                "%s was refunded before it could be post-processed.", self.source_transaction_id
            )
        self._set_done()
        self._aps_trigger_post_processing()

    def _aps_post_process_first(self):
        """ Have a payment post-processed, or at least booked, before it is refunded.

        :return: None
        """
        if self.state == 'done' and not self.is_post_processed:
            self._aps_book_leftover()

    def _aps_settle_lapse(self):
        """ Close the rest of a partially captured authorization. APS is not told. """
        self.write({'aps_request_state': False})
        self._set_canceled(state_message=_(
            "The remaining amount will not be captured. The bank releases it by itself."
        ))
        self._aps_trigger_post_processing()

    def _aps_fail_unsent(self, reason):
        """ Record that an operation is not sent, unless somebody else has sent it meanwhile.

        :param Reason reason: Why, for the staff.
        :return: None
        """
        if self.aps_request_state == 'queued':
            self._aps_fail_operation(reason)

    def _aps_fail_operation(self, reason):
        """ Record that an operation was not executed.

        :param Reason reason: Why, for the staff.
        :return: None
        """
        self._aps_end_request(reason)
        text = self._aps_with_company_lang().aps_staff_message
        self._aps_note_operation_problem(text)
        if self.source_transaction_id:
            self._set_error(text)
        else:  # The payment itself stays authorized.
            self.aps_operation = False
            self._log_message_on_linked_documents(text)
        for lapse_tx in self._aps_get_payment().child_transaction_ids.filtered(
            lambda tx: tx.aps_operation == 'LAPSE' and tx.aps_request_state
        ):
            lapse_tx.write({'aps_request_state': False})
            lapse_tx._set_error(_("The capture failed, so the remaining amount was not closed."))

    def _aps_get_void_message(self):
        """ Return the reason of a cancellation by void, in the language of the context. """
        return _("The reserved amount was released. You have not been charged.")

    def _aps_trigger_post_processing(self):
        """ Have payments and invoices made soon: no browser waits for this transaction. """
        cron = self.env.ref('payment.cron_post_process_payment_tx', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()
