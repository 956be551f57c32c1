from odoo import fields, models


class PaymentProvider(models.Model):
    """ How the account of a provider tells its sums, which APS doesn't document. """

    _inherit = 'payment.provider'

    # The digest of the account that it was learned of, and the rule. That of another account, or
    # environment, is not believed.
    aps_sum_rule = fields.Char(
        string="APS Rule of Sums", readonly=True, copy=False, groups='base.group_system'
    )

    def _aps_get_sum_rule(self):
        """ Return whether refunds shrink the captured sum of this account.

        :return: Whether they do; `None` if that is not known.
        :rtype: bool | None
        """
        account, _separator, rule = (self.sudo().aps_sum_rule or '').partition(' ')
        if not rule or account != self._aps_get_account_digest():
            return None
        return rule == 'shrinks'

    def _aps_learn_sum_rule(self, shrinks):
        """ Keep whether refunds shrink the captured sum of this account.

        :param bool shrinks: Whether they do.
        :return: None
        """
        if shrinks != self._aps_get_sum_rule():
            rule = 'shrinks' if shrinks else 'stays'
            self.sudo().aps_sum_rule = f'{self._aps_get_account_digest()} {rule}'
