from markupsafe import escape

from odoo import _, api, models
from odoo.exceptions import ValidationError

from odoo.addons.payment_aps.aps.message import Answer


class PaymentTransaction(models.Model):
    """ Adapter of the payment engine of Odoo 17.0: its hooks, in terms of `_aps_*`. """

    _inherit = 'payment.transaction'

    def _aps_handle(self, message):
        """ Check an authentic message and apply it.

        Note: `self.ensure_one()`

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise ValidationError: If the message doesn't fit the transaction. Nothing was written.
        """
        if not Answer(message).is_query:
            self._handle_notification_data('aps', message)
            return
        # An answer that tells nothing new is no event for who waits for one.
        self._aps_check_message(message)
        former_state = self.state
        self._aps_apply(message)
        if self.state != former_state:
            self._execute_callback()

    def _aps_tell_caller(self):
        """ Tell whoever made the payment, and waits for it, that its state has changed. """
        self._execute_callback()

    def _get_tx_from_notification_data(self, provider_code, notification_data):
        """ Override of `payment` to find the transaction and to check that the message fits it.

        :param str provider_code: Whose message it is.
        :param dict notification_data: The authentic message of APS.
        :return: The transaction.
        :rtype: recordset of `payment.transaction`
        :raise ValidationError: If no transaction fits.
        """
        tx = super()._get_tx_from_notification_data(provider_code, notification_data)
        if provider_code != 'aps':
            return tx

        if len(tx) != 1:
            tx, _provider = self._aps_search(notification_data)
        if not tx:
            raise ValidationError("APS: " + _("No transaction found matching the reference."))
        tx._aps_check_message(notification_data)
        return tx

    def _process_notification_data(self, notification_data):
        """ Override of `payment` to apply an APS message.

        Note: `self.ensure_one()`

        :param dict notification_data: The message, authentic and checked.
        :return: None
        """
        super()._process_notification_data(notification_data)
        if self.provider_code == 'aps':
            self._aps_apply(notification_data)

    def _get_post_processing_values(self):
        """ Override of `payment` to show our message about a pending payment on the status page.

        The page of 17.0 shows that of the provider only, which tells that all went well.
        """
        values = super()._get_post_processing_values()
        if self.provider_code == 'aps' and self.state == 'pending':
            message = self.state_message or self.provider_id._aps_get_waiting_message()
            if message:
                values['display_message'] = escape(message)  # Is shown as HTML.
        return values

    def _aps_post_process(self):
        """ Have the engine post-process the transaction now. """
        self._finalize_post_processing()

    def _cron_finalize_post_processing(self):
        """ Override of `payment` to book what could not be post-processed, and to find
        out what was paid twice.
        """
        super()._cron_finalize_post_processing()
        if not self:
            self._aps_book_leftovers()
            self._aps_compare_authorized()

    def _finalize_post_processing(self):
        """ Override of `payment` to find out if it was paid twice. """
        super()._finalize_post_processing()
        self._aps_compare()

    @api.model
    def _aps_prepare_noted_invoices(self, values):
        """ Return the invoices of a charge from *Register Payment*, to be noted.

        The engine of 17.0 forgets them if the wizard was opened on the lines of invoices, as the
        button does it. A charge that is confirmed later on is reconciled by them. They are not
        linked before: the engine would tell on them that a payment was posted, whatever happens.

        :param dict values: The values of the transaction that is about to be created.
        :return: The value of `aps_noted_invoices`, if the engine forgets them.
        :rtype: dict
        """
        context = self.env.context
        is_from_lines = context.get('active_model') == 'account.move.line'
        if not values.get('payment_id') or values.get('invoice_ids') or not is_from_lines:
            return {}
        lines = self.env['account.move.line'].browse(context.get('active_ids') or [])
        invoices = lines.move_id.filtered(lambda move: move.is_invoice(include_receipts=True))
        return {'aps_noted_invoices': invoices.ids}

    def _send_payment_request(self):
        """ Override of `payment` to pay with a saved card. """
        super()._send_payment_request()
        if self.provider_code != 'aps':
            return
        try:
            self._aps_pay_with_token()
        except ValidationError as error:
            if self.operation != 'offline':
                raise
            self._set_error(str(error))

    def _send_capture_request(self, amount_to_capture=None):
        """ Override of `payment` to queue a capture.

        The engine creates a child transaction unless the whole payment is captured at once.
        """
        if self.provider_code != 'aps':
            return super()._send_capture_request(amount_to_capture=amount_to_capture)
        self._aps_check_capture(self.amount if amount_to_capture is None else amount_to_capture)
        child_tx = super()._send_capture_request(amount_to_capture=amount_to_capture)
        self._aps_queue_operation('CAPTURE', child_tx or self)
        return child_tx

    def _send_void_request(self, amount_to_void=None):
        """ Override of `payment` to queue a void, or the closing of what a capture leaves over. """
        if self.provider_code != 'aps':
            return super()._send_void_request(amount_to_void=amount_to_void)
        if self._aps_is_rest(amount_to_void):
            lapse_tx = super()._send_void_request(amount_to_void=amount_to_void)
            self._aps_queue_lapse(lapse_tx)
            return lapse_tx
        self._aps_check_void()
        child_tx = super()._send_void_request()
        self._aps_queue_operation('VOID_AUTHORIZATION', self)
        return child_tx

    def _send_refund_request(self, amount_to_refund=None):
        """ Override of `payment` to queue a refund. """
        if self.provider_code != 'aps':
            return super()._send_refund_request(amount_to_refund=amount_to_refund)
        refund_tx = super()._send_refund_request(
            amount_to_refund=self._aps_prepare_refund(amount_to_refund)
        )
        self._aps_queue_operation('REFUND', refund_tx)
        return refund_tx
