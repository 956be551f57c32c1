from odoo import models
from odoo.tools import float_round

from odoo.addons.payment_aps.aps.values import to_major_units, to_minor_units


class PaymentTransaction(models.Model):
    """ The relatives of a payment, and what of it was captured and refunded. """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - RELATIVES ===#

    def _aps_get_payment(self):
        """ Return the transaction of the payment that APS knows by its reference.

        :return: The transaction at the root of captures and refunds.
        :rtype: recordset of `payment.transaction`
        """
        payment = self
        while payment.source_transaction_id:
            payment = payment.source_transaction_id
        return payment

    def _aps_get_family(self):
        """ Return the payment and all transactions that capture, void or refund it.

        :return: The transactions.
        :rtype: recordset of `payment.transaction`
        """
        family = generation = self._aps_get_payment()
        while generation:
            generation = generation.child_transaction_ids
            family |= generation
        return family

    def _aps_get_captured(self):
        """ Return the transactions that stand for money that was taken from the shopper.

        :return: The captures, or the payment itself if it was captured at once.
        :rtype: recordset of `payment.transaction`
        """
        payment = self._aps_get_payment()
        captures = payment.child_transaction_ids.filtered(lambda tx: tx.operation != 'refund')
        captured = captures.filtered(lambda tx: tx.state == 'done')
        return captured or payment.filtered(lambda tx: tx.state == 'done')

    def _aps_get_refunds(self):
        """ Return the refunds of the payment, whatever their state. """
        return self._aps_get_family().filtered(lambda tx: tx.operation == 'refund')

    def _aps_get_closed(self):
        """ Return the transactions that closed the rest of an authorization in Odoo.

        The bank releases it in its own time, so the back office may still capture it.

        :return: The transactions.
        :rtype: recordset of `payment.transaction`
        """
        return self.child_transaction_ids.filtered(
            lambda tx: tx.aps_operation == 'LAPSE' and tx.state == 'cancel'
        )

    def _aps_get_under_way(self):
        """ Return the operations of the payment that wait for their outcome. """
        return self._aps_get_family().filtered(lambda tx: tx.aps_request_state == 'sent')

    def _aps_get_captures_under_way(self):
        """ Return the captures and voids that wait for their outcome.

        Refunds are asked about by their own reference.
        """
        return self._aps_get_under_way().filtered(lambda tx: tx.aps_operation != 'REFUND')

    def _create_child_transaction(self, amount, is_refund=False, **custom_create_values):
        """ Override of `payment` for payments whose saved card was deleted meanwhile.

        The engine forbids to create a transaction with an archived token. Captures and refunds are
        made by the number of the payment, so they have no need of it.

        :param float amount: The amount of the child transaction, in major units.
        :param bool is_refund: Whether it is a refund.
        :return: The child transaction.
        :rtype: recordset of `payment.transaction`
        """
        if self.provider_code == 'aps' and not self.sudo().token_id.active:
            custom_create_values = {'token_id': False, **custom_create_values}
        return super()._create_child_transaction(
            amount, is_refund=is_refund, **custom_create_values
        )

    #=== BUSINESS METHODS - AMOUNTS ===#

    def _aps_sum_minor(self):
        """ Return the amounts of the transactions, added up.

        :return: The sum of the absolute amounts, in minor units.
        :rtype: int
        """
        return sum(to_minor_units(abs(tx.amount), tx.currency_id.name) for tx in self)

    def _aps_get_sums(self):
        """ Return what is recorded as captured and refunded, in minor units. """
        refunds = self._aps_get_refunds().filtered(lambda tx: tx.state == 'done')
        return self._aps_get_captured()._aps_sum_minor(), refunds._aps_sum_minor()

    def _aps_get_capturable_minor(self):
        """ Return what is left to capture of an authorization.

        Operations under way and the rest that was closed count as captured.

        :return: The amount, in minor units.
        :rtype: int
        """
        spent = self.child_transaction_ids.filtered(
            lambda tx: tx.operation != 'refund' and tx.state != 'error'
        )
        return self._aps_sum_minor() - spent._aps_sum_minor()

    def _aps_get_refundable_minor(self):
        """ Return what is left to refund of a capture or a payment.

        :return: The amount, in minor units.
        :rtype: int
        """
        refunds = self.child_transaction_ids.filtered(
            lambda tx: tx.operation == 'refund' and tx.state not in ('error', 'cancel')
        )
        return self._aps_sum_minor() - refunds._aps_sum_minor()

    def _aps_get_bookable(self, amount_minor):
        """ Return what of an amount can be recorded in Odoo.

        Odoo may round a currency more coarsely than APS does. Never more is recorded than there is.

        :param int amount_minor: The amount, in minor units.
        :return: The amount, in minor units.
        :rtype: int
        """
        currency_code = self.currency_id.name
        amount = float_round(
            to_major_units(amount_minor, currency_code),
            precision_rounding=self.currency_id.rounding, rounding_method='DOWN',
        )
        return to_minor_units(amount, currency_code)

    def _aps_is_rest(self, amount, besides=None):
        """ Return whether a void is about what a capture that is about to be sent leaves over.

        The capture wizard asks for the void of the rest in the same request as for the capture.

        :param float|None amount: The amount to void, in major units; `None` for all of it.
        :param recordset besides: The child transaction of the void, if it exists already.
        :return: Whether it is.
        :rtype: bool
        """
        is_capture_queued = any(
            tx.aps_operation == 'CAPTURE' and tx.aps_request_state == 'queued'
            for tx in self._aps_get_family()
        )
        if not is_capture_queued or not amount:
            return False
        rest = self._aps_get_capturable_minor() + (besides._aps_sum_minor() if besides else 0)
        return to_minor_units(amount, self.currency_id.name) == rest

    def _aps_format(self, amount_minor):
        """ Return an amount in minor units as text with its currency. """
        amount = to_major_units(amount_minor, self.currency_id.name)
        return self.currency_id.format(amount)
