from odoo import _, api, models

from odoo.addons.payment_aps.aps.masking import NETWORK_NUMBERS, read_bank_numbers
from odoo.addons.payment_aps.aps.values import to_major_units
from odoo.addons.payment_aps.models.payment_transaction import DOCUMENT_FIELDS

# What releases an amount.
VOID_OPERATIONS = ('VOID_AUTHORIZATION', 'LAPSE')


class PaymentTransaction(models.Model):
    """ What people see of a payment at a glance: kind, document, sums, and the bank's numbers. """

    _inherit = 'payment.transaction'

    #=== COMPUTE METHODS ===#

    @api.depends('operation', 'aps_operation', 'source_transaction_id')
    def _compute_aps_kind(self):
        for tx in self:
            if tx.operation == 'refund':
                tx.aps_kind = 'refund'
            elif not tx.source_transaction_id:
                tx.aps_kind = 'payment'
            else:
                tx.aps_kind = 'void' if tx.aps_operation in VOID_OPERATIONS else 'capture'

    @api.depends('reference')
    def _compute_aps_document(self):
        names = [name for name in DOCUMENT_FIELDS if name in self._fields]
        for tx in self:
            payment = tx._aps_get_payment()
            documents = [document for name in names for document in payment[name].mapped('name')]
            tx.aps_document = ', '.join(filter(None, documents))

    @api.depends('state', 'amount', 'child_transaction_ids.state')
    def _compute_aps_figures(self):
        for tx in self:
            captured = refunded = left = 0
            if tx.provider_code == 'aps' and not tx.source_transaction_id:
                captured, refunded = tx._aps_get_sums()
                left = tx._aps_get_left_minor()
            currency_code = tx.currency_id.name
            tx.aps_captured = to_major_units(captured, currency_code)
            tx.aps_refunded = to_major_units(refunded, currency_code)
            tx.aps_left = to_major_units(left, currency_code)

    @api.depends('aps_bank_numbers')
    @api.depends_context('lang')
    def _compute_aps_receipt(self):
        for tx in self:
            tx.aps_receipt = ', '.join(
                f'{label}: {number}' for label, number in tx._aps_list_bank_numbers()
            )

    #=== BUSINESS METHODS ===#

    def _aps_get_left_minor(self):
        """ Return what can still be captured of the payment, in minor units. """
        return max(self._aps_get_capturable_minor(), 0) if self.state == 'authorized' else 0

    def _aps_note_bank_numbers(self, answer):
        """ Keep the numbers by which the banks know the payment, if an answer tells them.

        What is known stays: later answers may be about a capture or refund.

        :param Answer answer: The answer, authentic and checked.
        :return: None
        """
        if self.state not in ('authorized', 'done'):
            return  # They would be those of an attempt that failed.
        numbers = {**read_bank_numbers(answer.fields), **(self.aps_bank_numbers or {})}
        if numbers != (self.aps_bank_numbers or {}):
            self.aps_bank_numbers = numbers

    def _aps_list_bank_numbers(self):
        """ Return the numbers by which the banks know the payment, with what they are called.

        :return: The names, in the language of the context, and the numbers.
        :rtype: list[tuple[str, str]]
        """
        labels = {
            'authorization_code': _("Authorization code"),
            'knet_ref_number': _("KNET reference"),
            'third_party_transaction_number': _("Transaction number of the bank"),
        }
        numbers = self.aps_bank_numbers or {}
        return [(label, numbers[name]) for name, label in labels.items() if name in numbers]

    def _aps_has_receipt(self):
        """ Return whether the shopper is to see the bank's numbers before anything else.

        KNET wants its reference on the receipt; the other networks of this kind have such numbers
        as well. The order must have been confirmed before, which the engine's page sees to.
        """
        numbers = self.aps_bank_numbers or {}
        return self.state == 'done' and self.is_post_processed and (
            any(name in numbers for name in NETWORK_NUMBERS)
        )
