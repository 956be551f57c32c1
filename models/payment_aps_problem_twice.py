from odoo import models


class PaymentAPSProblem(models.Model):
    """ What was paid twice: when that is over, and how it is put right. """

    _inherit = 'payment.aps.problem'

    def _aps_find_twice(self, tx):
        """ Return the open problem of a payment that is to be given back.

        :param recordset tx: The payment.
        :return: The problem; empty if there is none, e.g., because somebody dismissed it.
        :rtype: recordset of `payment.aps.problem`
        """
        return self.search([
            ('kind', '=', 'paid_twice'), ('transaction_id', '=', tx.id), ('state', '=', 'open'),
        ], limit=1)

    def _aps_is_over_paid_twice(self):
        """ Return whether nothing is left to be given back of the payment. """
        return not self.sudo().transaction_id._aps_find_surplus_minor()

    def _aps_act_on_paid_twice(self):
        """ Give back what was paid twice; the problem ends once that is done.

        :return: The notice to the user.
        :rtype: dict
        """
        return self._aps_notify(self.sudo().transaction_id._aps_give_back())
