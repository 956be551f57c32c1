from odoo import _, models
from odoo.tools import html2plaintext


class PaymentProvider(models.Model):
    """ What shoppers read while they wait for the outcome. """

    _inherit = 'payment.provider'

    #=== BUSINESS METHODS ===#

    def _aps_get_waiting_message(self):
        """ Return what the shopper of a pending payment reads, in the language of the context.

        By default, the engine says that all went well, which is not known yet. What the merchant
        has written instead is left alone.

        :return: The text; `None` if that of the payment provider is to be shown.
        :rtype: str | None
        """
        get_default = self._fields['pending_msg'].default
        defaults = {get_default(self.with_context(lang=lang)) for lang in (self.env.lang, 'en_US')}
        own_text = html2plaintext(self.pending_msg or '').strip()
        if own_text and own_text not in defaults:
            return None
        return _(
            "Your payment is not confirmed yet. This page shows the outcome as soon as it is known."
        )
