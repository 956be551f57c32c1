from odoo import _, models


class PaymentTransaction(models.Model):
    """ What the user who moves money is told about what became of it. """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS ===#

    def _aps_send_notice(self, message, kind):
        """ Show a notice to the user. It is sent when the database transaction is committed.

        :param str message: What happened.
        :param str kind: `success`, `info`, `warning` or `danger`; the latter two stay until closed.
        :return: None
        """
        is_sticky = kind in ('warning', 'danger')
        self.env['bus.bus']._sendone(
            self.env.user.partner_id,
            'simple_notification',
            {'title': self.reference, 'message': message, 'type': kind, 'sticky': is_sticky},
        )

    def _aps_get_outcome_notice(self):
        """ Return what an operation has done that was successful.

        :return: The text, in the language of the context.
        :rtype: str
        """
        payment = self._aps_get_payment()
        amount = self._aps_format(self._aps_sum_minor())
        if self.aps_operation == 'REFUND':
            return _(
                "%(amount)s refunded; %(refunded)s of this payment in all.",
                amount=amount, refunded=self._aps_format(payment._aps_get_sums()[1]),
            )
        if self.aps_operation == 'VOID_AUTHORIZATION':
            return _("%(amount)s released. The customer is not charged.", amount=amount)
        if self.aps_operation == 'LAPSE':
            return _("%(amount)s will not be captured.", amount=amount)
        return _(
            "%(amount)s captured, %(left)s left to capture.",
            amount=amount, left=self._aps_format(payment._aps_get_left_minor()),
        )

    def _aps_get_check_notice(self):
        """ Return what is known of a payment after APS was asked.

        :return: The text, and the kind of the notice.
        :rtype: tuple[str, str]
        """
        if self.aps_reason:
            return self.aps_staff_message, 'info'
        states = dict(self._fields['state']._description_selection(self.env))
        captured, refunded = self._aps_get_sums()
        return _(
            "Amazon Payment Services was asked. %(state)s: captured %(captured)s, refunded "
            "%(refunded)s, left to capture %(left)s.",
            state=states[self.state],
            captured=self._aps_format(captured),
            refunded=self._aps_format(refunded),
            left=self._aps_format(self._aps_get_left_minor()),
        ), 'info' if self.state == 'pending' else 'success'
