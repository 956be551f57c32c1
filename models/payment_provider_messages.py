from odoo import fields, models

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps import utils as aps_utils
from odoo.addons.payment_aps.exceptions import APSError, APSUnreachable


class PaymentProvider(models.Model):
    """ The trail of messages of a provider, and its refused messages. """

    _inherit = 'payment.provider'

    aps_refusal_count = fields.Integer(
        string="Refused Messages", compute='_compute_aps_refusal_count', groups='base.group_system'
    )

    #=== COMPUTE METHODS ===#

    def _compute_aps_refusal_count(self):
        refusals = self.env['payment.aps.refusal'].sudo()
        for provider in self:
            domain = provider._aps_get_refusal_domain()
            provider.aps_refusal_count = sum(refusals.search(domain).mapped('count'))

    #=== ACTION METHODS ===#

    def action_aps_view_messages(self):
        """ Open the trail of messages of the provider.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'payment_aps.action_payment_aps_message'
        )
        return {**action, 'domain': [('provider_id', '=', self.id)]}

    def action_aps_view_refusals(self):
        """ Open the refused messages of the provider, and those of no known account.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        refusals = self.env['payment.aps.refusal']
        payment_utils.check_rights_on_recordset(self)
        refusals.sudo()._aps_flush()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'payment_aps.action_payment_aps_refusal'
        )
        return {**action, 'domain': self._aps_get_refusal_domain()}

    #=== BUSINESS METHODS ===#

    def _aps_get_refusal_domain(self):
        """ Return the domain of the refused messages that may be meant for the provider. """
        return [('provider_id', 'in', [self._origin.id, False])]

    def _aps_get_last_message_date(self, channel):
        """ Return when the last authentic message came.

        :param str channel: The way by which it came, such as `return`, `webhook` or `answer`.
        :return: The time, in UTC; `None` if none ever came, or none within the time for which
                 messages are kept.
        :rtype: datetime | None
        """
        self.ensure_one()
        self.env.cr.execute(
            "SELECT MAX(create_date) FROM payment_aps_message "
            "WHERE provider_id = %s AND channel = %s",
            [self.id, channel],
        )
        return self.env.cr.fetchone()[0]

    def _aps_exchange(self, signed_fields):
        """ Post a signed request to the payment API, and leave a trail of it and of its answer.

        A request is stored before it is sent and apart from the current database transaction, so
        that it is known even if that is rolled back, or the server stops meanwhile. A query changes
        nothing at APS, so it is stored with its answer. That APS doesn't know a payment isn't kept:
        anybody can start any number of payments that are never made.

        :param dict signed_fields: The fields of the request.
        :return: The answer, whose signature was verified.
        :rtype: dict
        :raise APSUnreachable: If APS has certainly not received the request.
        :raise APSOutcomeUnknown: If APS may have executed the request.
        """
        trail = self.env['payment.aps.message']
        is_query = 'query_command' in signed_fields
        request_id = None if is_query else trail._aps_store_request(self, signed_fields)
        try:
            answer = self._aps_read_answer(self._aps_post(signed_fields))
        except APSError as error:
            state = 'unreachable' if isinstance(error, APSUnreachable) else 'unknown'
            request_id = request_id or trail._aps_store_request(self, signed_fields)
            trail._aps_store_failure(request_id, state, str(error))
            raise
        if not (is_query and aps_utils.is_payment_unknown(signed_fields, answer)):
            request_id = request_id or trail._aps_store_request(self, signed_fields)
            trail._aps_store_answer(self, request_id, answer)
        return answer
