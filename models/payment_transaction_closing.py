from datetime import timedelta

from odoo import _, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps.aps.schedule import CHECK_SCHEDULE
from odoo.addons.payment_aps.models.reasons import make_reason

# Who may close a payment, or an operation, whose outcome APS doesn't tell.
CLOSING_GROUPS = ('account.group_account_invoice', 'base.group_system')


class PaymentTransaction(models.Model):
    """ Closing by hand what nobody asks about any more.

    A pending payment keeps its invoice from being paid on the portal, and an operation under way
    keeps all others from being made.
    """

    _inherit = 'payment.transaction'

    #=== ACTION METHODS ===#

    def action_aps_open_closing(self):
        """ Ask for the reason to close the payment.

        :return: The action that opens the dialog.
        :rtype: dict
        :raise AccessError: If the user may not close payments.
        :raise UserError: If there is nothing to close.
        """
        self.ensure_one()
        self._aps_check_closing()
        return {
            'type': 'ir.actions.act_window',
            'name': _("Close the Payment"),
            'res_model': 'payment.aps.closing',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_transaction_id': self.id},
        }

    #=== BUSINESS METHODS ===#

    def _aps_close(self, reason):
        """ Close what nobody asks about any more. A success that is told later still counts.

        :param str reason: Why, for the staff.
        :return: None
        :raise AccessError: If the user may not close payments.
        :raise UserError: If there is nothing to close.
        :raise ValidationError: If there is no reason.
        """
        self.ensure_one()
        self._aps_check_closing()
        if not (reason or '').strip():
            raise ValidationError(_("Say why this payment is closed."))
        payment_sudo = self.sudo().with_context(payment_backend_action=True)._aps_get_payment()
        payment_sudo._aps_reserve_payment()  # Not while an answer of APS is being applied.
        closing = make_reason('closed', user=self.env.user.name, reason=reason.strip())
        for tx_sudo in payment_sudo._aps_get_closable():
            if tx_sudo.aps_request_state:
                tx_sudo._aps_fail_operation(closing)
                continue
            tx_sudo._aps_set_reason(closing)
            tx_sudo = tx_sudo._aps_with_shopper_lang()
            tx_sudo._aps_give_up_payment(tx_sudo._aps_get_given_up_message(is_unfinished=False))
        payment_sudo._aps_note_closing()

    def _aps_check_closing(self):
        """ Check that the user may close the payment, and that there is something to close.

        Accountants may not read the provider, so what is decided by it is read as superuser.

        :return: None
        :raise AccessError: If the user may not close payments, or not those of its company.
        :raise UserError: If there is nothing to close.
        """
        if not any(self.env.user.has_group(group) for group in CLOSING_GROUPS):
            raise AccessError(_("Only accountants may close payments."))
        payment_utils.check_rights_on_recordset(self)
        payment_sudo = self.sudo()._aps_get_payment()
        if payment_sudo.provider_code == 'aps' and payment_sudo._aps_get_closable():
            return
        if payment_sudo.state == 'pending' or payment_sudo._aps_get_under_way():
            raise UserError(_(
                "Amazon Payment Services is still asked about this payment. Wait for the outcome, "
                "or click on \"Check with APS\" on the transaction."
            ))
        raise UserError(_("There is nothing to close on this payment."))

    def _aps_get_closable(self):
        """ Return what is open although nobody asks about it, or APS gave no answer for long.

        :return: The operations under way, or the payment itself.
        :rtype: recordset of `payment.transaction`
        """
        now = fields.Datetime.now()
        schedule = timedelta(minutes=CHECK_SCHEDULE[-1])
        closable = self._aps_get_under_way().filtered(
            lambda tx: not self.aps_next_check or now - tx._aps_get_sending_date() >= schedule
        )
        if self.state == 'pending' and (not self.aps_next_check or self._aps_is_overdue()):
            closable |= self
        return closable
