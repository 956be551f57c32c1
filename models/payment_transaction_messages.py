import logging

from psycopg2 import errors

from odoo import fields, models

from odoo.addons.payment_aps import const
from odoo.addons.payment_aps import utils as aps_utils
from odoo.addons.payment_aps.aps import readings
from odoo.addons.payment_aps.exceptions import APSMessageAmbiguous, APSMessageRefused

_logger = logging.getLogger(__name__)

# How often a message is stored anew because another delivery of it was stored meanwhile.
STORE_ATTEMPTS = 3


class PaymentTransaction(models.Model):
    """ The trail of messages of a payment. """

    _inherit = 'payment.transaction'

    aps_message_count = fields.Integer(
        string="APS Messages",
        compute='_compute_aps_message_count',
        groups='base.group_system,account.group_account_invoice,account.group_account_readonly',
    )

    #=== COMPUTE METHODS ===#

    def _compute_aps_message_count(self):
        for tx in self:
            tx.aps_message_count = self.env['payment.aps.message'].search_count(
                tx._aps_get_message_domain()
            )

    #=== ACTION METHODS ===#

    def action_aps_view_messages(self):
        """ Open the trail of messages of the payment.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'payment_aps.action_payment_aps_message'
        )
        return {**action, 'domain': self._aps_get_message_domain()}

    #=== BUSINESS METHODS ===#

    def _aps_get_message_domain(self):
        """ Return the domain of the messages about the payment and its captures and refunds. """
        return [('merchant_reference', '=', self._origin._aps_get_payment().reference)]

    def _aps_admit(self, message, channel):
        """ Lock the payment for an authentic message, and store the message in the trail.

        The message is stored before it is applied, when there is nothing yet that could be lost
        with a failure of the trail. Both are committed together, so a message that is stored was
        applied, and a repetition of it has nothing to change. That holds for the result of a
        payment only: two refunds of the same amount may be told in the same words.

        Note: `self.ensure_one()`; must be called before anything is written.

        :param dict message: The message, whose signature was verified.
        :param str channel: The route by which it came, `return` or `webhook`.
        :return: Whether the message is to be applied.
        :rtype: bool
        """
        for _attempt in range(STORE_ATTEMPTS):
            self._aps_lock()
            try:
                is_new = self.env['payment.aps.message'].sudo()._aps_store_received(
                    self.provider_id, message, channel
                )
                if is_new or message.get('command') not in const.PAYMENT_COMMANDS:
                    return True
                self._aps_note_repetition(message)
                return False
            except errors.SerializationFailure:  # Stored by another request since our first query.
                self._aps_start_over()
            except Exception:
                _logger.exception("A message could not be stored in the trail.")
                self._aps_start_over()
                break
        self._aps_lock()
        return True

    def _aps_take_over(self, message):
        """ Apply an authentic message that came by a route, if it can be believed.

        Whoever posts it may have cut what was signed into other fields, and may have sent the
        request that it answers. The answers that come over a connection of our own need not pass.

        Note: `self.ensure_one()`; the payment must be locked.

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise APSMessageRefused: If the message can't be believed, or doesn't fit the transaction.
        """
        doubt = readings.find_doubt(aps_utils.get_signed_fields(message))
        if doubt:
            raise APSMessageAmbiguous(doubt, aps_utils.describe_message(message))
        is_refusal = message['status'] == readings.REFUSED_STATUS
        if is_refusal:
            self._aps_check_refusal(message)
        self._aps_handle(message)
        if is_refusal:
            self._aps_schedule_check(at_once=True)

    def _aps_check_refusal(self, message):
        """ Check that a signed refusal of a request may fail the payment.

        Anybody may have sent the request, so the refusal ends only a payment of which nothing else
        is known, and which it names with amount and currency. Otherwise APS is asked, unless there
        is nothing left to ask.

        :param dict message: The message, whose signature was verified.
        :return: None
        :raise APSMessageRefused: If it may not.
        """
        description = aps_utils.describe_message(message)
        is_under_way = bool(self._aps_get_family().filtered('aps_request_state'))
        if self.state in ('authorized', 'done') and not is_under_way:
            raise APSMessageRefused("a refused request changes no payment", description)
        if self.state != 'draft' or is_under_way:
            raise APSMessageAmbiguous("a refused request changes nothing under way", description)
        sums = (aps_utils.parse_minor_units(message.get('amount')), message.get('currency'))
        if sums != (self._aps_to_minor(), self.currency_id.name):
            raise APSMessageAmbiguous("a refused request of other sums", description)

    def _aps_take_note(self, message, channel, error):
        """ Store an authentic message that is not applied, so that it isn't overlooked.

        If it is not certain what APS said, or what is true, APS is asked, once for each message.

        :param dict message: The message, whose signature was verified.
        :param str channel: The route by which it came, `return` or `webhook`.
        :param APSMessageRefused error: Why it is not applied. What was changed was rolled back.
        :return: None
        """
        messages_sudo = self.env['payment.aps.message'].sudo()
        is_ambiguous = isinstance(error, APSMessageAmbiguous)
        # Before the message is stored for good: a conflict has this request run again.
        if is_ambiguous and not messages_sudo._aps_was_refused(message, channel):
            self._aps_lock()
            self._aps_get_payment()._aps_schedule_check(at_once=True)
            self.env.flush_all()
        messages_sudo._aps_store_refused(self.provider_id, message, channel, error.aps_reason)

    def _aps_start_over(self):
        """ Roll back, to see the database as it is now. """
        self.env.cr.rollback()
        self.env.invalidate_all(flush=False)
