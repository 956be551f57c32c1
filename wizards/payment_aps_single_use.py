from datetime import timedelta

from babel.dates import format_timedelta

from odoo import _, fields, models
from odoo.exceptions import UserError
from odoo.tools import babel_locale_parse, formatLang

from odoo.addons.payment import utils as payment_utils

# How long, and how many, former operations are shown in a new window.
RECENT_TIME = timedelta(days=1)
RECENT_LIMIT = 5


class PaymentAPSSingleUse(models.AbstractModel):
    """ A window that moves money once, however often it is confirmed.

    Odoo's client enables the buttons of a window again after an answer that was lost on the way,
    and whoever sees that clicks once more. A new window may move money again: two refunds of the
    same amount are legitimate. It shows what was done a moment ago.
    """

    _name = 'payment.aps.single.use'
    _description = "Window That Moves Money Once"

    aps_is_confirmed = fields.Boolean(readonly=True, copy=False)

    def _aps_confirm(self, records=None):
        """ Mark the window as confirmed, in the database transaction of what it does.

        A refusal or a rollback leaves the window usable. The row stays locked until the end, so
        that those who confirm the window meanwhile, on whatever server, wait. PostgreSQL refuses
        their update then; Odoo runs their request again, and they find the window confirmed.

        :param recordset records: What the user must have the right to change, if not only the
                                  window.
        :return: None
        :raise AccessError: If the user has no right to do so.
        :raise UserError: If the window was confirmed before.
        """
        for recordset in filter(None, (self, records)):
            payment_utils.check_rights_on_recordset(recordset)
        if any(wizard.aps_is_confirmed for wizard in self):
            raise UserError(_("This was already requested. Close this window."))
        self.write({'aps_is_confirmed': True})
        self.flush_recordset(['aps_is_confirmed'])

    def _aps_describe_recent_operations(self, txs_sudo):
        """ Return what was done a moment ago, one operation a line.

        :param recordset txs_sudo: The sudoed transactions of what windows like this one did before,
                                   of whatever age and state.
        :return: The lines, the last operation first; empty if there is none.
        :rtype: str | bool
        """
        begin = fields.Datetime.now() - RECENT_TIME
        recent_txs_sudo = txs_sudo.filtered(
            lambda tx: tx.create_date >= begin and tx.state in ('draft', 'pending', 'done')
        ).sorted('id', reverse=True)
        return '\n'.join(map(self._aps_describe_operation, recent_txs_sudo[:RECENT_LIMIT])) or False

    def _aps_describe_operation(self, tx_sudo):
        """ Return what was done, when, and what became of it.

        :param recordset tx_sudo: The transaction of the operation.
        :return: The text, in the language of the user.
        :rtype: str
        """
        age = max(fields.Datetime.now() - tx_sudo.create_date, timedelta(seconds=1))
        values = {
            'amount': formatLang(
                self.env, abs(tx_sudo.amount), currency_obj=tx_sudo.currency_id
            ),
            'time': format_timedelta(
                -age, add_direction=True, locale=babel_locale_parse(self.env.lang or 'en_US')
            ),
            'reference': tx_sudo.reference,
            'state': dict(tx_sudo._fields['state']._description_selection(self.env))[tx_sudo.state],
        }
        if tx_sudo.operation == 'refund':
            return _(
                "A refund of %(amount)s was requested %(time)s (%(reference)s, %(state)s).",
                **values,
            )
        if tx_sudo.operation == 'offline':
            return _(
                "A charge of %(amount)s was requested %(time)s (%(reference)s, %(state)s).",
                **values,
            )
        return _(
            "A capture of %(amount)s was requested %(time)s (%(reference)s, %(state)s).", **values
        )
