from odoo import api, models

from odoo.addons.payment_aps.models.payment_transaction_twice import PAID_STATES


class PaymentTransaction(models.Model):
    """ Adapter of the payment engine of Odoo 19.0: its hooks, in terms of `_aps_*`. """

    _inherit = 'payment.transaction'

    def _aps_handle(self, message):
        """ Check an authentic message and apply it.

        Note: `self.ensure_one()`

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise ValidationError: If the message doesn't fit the transaction. Nothing was written.
        """
        self._process('aps', message)

    def _aps_tell_caller(self):
        """ Tell whoever made the payment that its state has changed: they override the engine. """

    def _process(self, provider_code, payment_data):
        """ Override of `payment` to check that the message fits the transaction.

        The engine's own check would set the transaction in error: an attacker's success.
        """
        tx = self or self._search_by_reference(provider_code, payment_data)
        if provider_code == 'aps' and tx:
            tx._aps_check_message(payment_data)
        return super(PaymentTransaction, tx)._process(provider_code, payment_data)

    def _search_by_reference(self, provider_code, payment_data):
        """ Override of `payment` to find the transaction by the reference of the message. """
        if provider_code != 'aps':
            return super()._search_by_reference(provider_code, payment_data)
        tx, _provider = self._aps_search(payment_data)
        return tx

    def _extract_amount_data(self, payment_data):
        """ Override of `payment` to skip the engine's check: the amount was checked before. """
        if self.provider_code != 'aps':
            return super()._extract_amount_data(payment_data)
        return None

    def _apply_updates(self, payment_data):
        """ Override of `payment` to apply an APS message. """
        if self.provider_code != 'aps':
            return super()._apply_updates(payment_data)
        return self._aps_apply(payment_data)

    def _aps_post_process(self):
        """ Have the engine post-process the transaction now. """
        self._post_process()

    def _cron_post_process(self):
        """ Override of `payment` to book what could not be post-processed. """
        super()._cron_post_process()
        if not self:
            self._aps_book_leftovers()

    def _post_process(self):
        """ Override of `payment` to find out if it was paid twice. """
        super()._post_process()
        self.filtered(lambda tx: tx.state in PAID_STATES)._aps_compare()

    @api.model
    def _aps_prepare_noted_invoices(self, _values):
        """ Return the invoices of a charge, to be noted: none, as the engine links them itself. """
        return {}

    def _send_payment_request(self):
        """ Override of `payment` to pay with a saved card. """
        if self.provider_code != 'aps':
            return super()._send_payment_request()
        return self._aps_pay_with_token()

    def _send_capture_request(self):
        """ Override of `payment` to queue a capture; `self` is the child transaction. """
        if self.provider_code != 'aps':
            return super()._send_capture_request()
        source_tx = self.source_transaction_id
        source_tx._aps_check_capture(self.amount, besides=self)
        return source_tx._aps_queue_operation('CAPTURE', self)

    def _send_void_request(self):
        """ Override of `payment` to queue a void, or the closing of what a capture leaves over;
        `self` is the child transaction.
        """
        if self.provider_code != 'aps':
            return super()._send_void_request()
        source_tx = self.source_transaction_id
        if source_tx._aps_is_rest(self.amount, besides=self):
            return source_tx._aps_queue_lapse(self)
        source_tx._aps_check_void(besides=self)
        return source_tx._aps_queue_operation('VOID_AUTHORIZATION', self)

    def _refund(self, amount_to_refund=None):
        """ Override of `payment` to refund what is left, not all, if no amount is given. """
        if self.provider_code == 'aps':
            amount_to_refund = self._aps_prepare_refund(amount_to_refund)
        return super()._refund(amount_to_refund=amount_to_refund)

    def _send_refund_request(self):
        """ Override of `payment` to queue a refund; `self` is the refund transaction. """
        if self.provider_code != 'aps':
            return super()._send_refund_request()
        return self.source_transaction_id._aps_queue_operation('REFUND', self)
