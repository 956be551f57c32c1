from odoo import _, fields, models
from odoo.exceptions import AccessError

# The last three digits of the answers that tell of credentials that don't fit: merchant, access
# code and signature are unknown or wrong, or the account is not active.
CREDENTIAL_CODES = ('008', '009', '010', '015')
# The ways by which authentic messages come.
AUTHENTIC_CHANNELS = ('answer', 'return', 'webhook')


class PaymentAPSProblem(models.Model):
    """ What each kind of problem means in Odoo: when it is over, and what its button does. """

    _inherit = 'payment.aps.problem'

    #=== BUSINESS METHODS - PAID BUT NOT BOOKED ===#

    def _aps_is_over_not_booked(self):
        """ Return whether the payment was booked, and that for something. """
        tx = self.transaction_id
        is_booked = tx.is_post_processed and not tx._aps_is_booked_for_nothing()
        return is_booked or tx.state != 'done'

    def _aps_act_on_not_booked(self):
        """ Try to book the payment, and tell why that can't be done. """
        error = self._aps_try_booking()
        if not error:
            self._aps_end('solved')
            return self._aps_notify(_("The payment was booked."))
        return self._aps_notify(error, 'danger')

    def _aps_try_booking(self):
        """ Book the payment, or keep why that can't be done.

        :return: Why not, if so.
        :rtype: str | None
        :raise psycopg2.OperationalError: If there is a conflict in the database.
        """
        self = self.sudo()
        error = self.transaction_id._aps_try_booking()
        self.write({'detail': error or self.detail, 'tried_date': fields.Datetime.now()})
        return error

    #=== BUSINESS METHODS - OUTCOME STILL OPEN ===#

    def _aps_is_over_outcome_open(self):
        """ Return whether the outcome is known, or asked for again. """
        return not self.transaction_id._aps_get_payment()._aps_get_closable()

    def _aps_act_on_outcome_open(self):
        """ Ask for what the dashboard shows, to close the payment. """
        return self.transaction_id.action_aps_open_closing()

    #=== BUSINESS METHODS - NO NOTIFICATIONS ===#

    def _aps_is_over_webhook_silent(self):
        """ Return whether a notification has come since. """
        return self.provider_id.state != 'enabled' or self._aps_has_heard('webhook')

    def _aps_act_on_webhook_silent(self):
        """ Open the provider, which shows the address to copy. """
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(_("Ask a settings administrator to do this."))
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'payment.provider',
            'res_id': self.provider_id.id,
            'views': [(False, 'form')],
        }

    def _aps_has_heard(self, *channels):
        """ Return whether APS and Odoo have understood each other since the problem was seen last.

        :param channels: The ways by which messages come.
        :return: Whether an authentic message came by one of them.
        :rtype: bool
        """
        self.env.cr.execute(
            """
                SELECT 1 FROM payment_aps_message
                 WHERE provider_id = %s AND channel = ANY(%s) AND create_date >= %s AND id > %s
                   AND (response_code IS NULL OR right(response_code, 3) != ALL(%s))
                 LIMIT 1
            """,
            [
                self.provider_id.id, list(channels), self.last_date, self.last_message,
                list(CREDENTIAL_CODES),
            ],
        )
        return bool(self.env.cr.fetchone())

    #=== BUSINESS METHODS - AUTHORIZATION ABOUT TO LAPSE ===#

    def _aps_is_over_lapsing(self):
        """ Return whether nothing is left to capture, or it is too late to. """
        return not self.transaction_id._aps_is_lapsing()

    def _aps_act_on_lapsing(self):
        """ Open the window that captures the payment. """
        return self.transaction_id.action_capture()

    #=== BUSINESS METHODS - OPERATION FAILED OR UNCLEAR ===#

    def _aps_is_over_operation_failed(self):
        """ Return whether the operation, or one in its place, was executed, or is not possible.

        The transaction of a payment that is captured or voided in full is that of the operation.
        """
        tx = self.transaction_id
        payment = tx._aps_get_payment()
        if tx == payment:
            return payment.state != 'authorized' or payment._aps_is_window_over()
        is_executed = tx.state in ('done', 'cancel')
        is_replaced = any(
            other.id > tx.id and other.aps_operation == tx.aps_operation and other.state == 'done'
            for other in tx._aps_get_family()
        )
        if tx.aps_request_state or is_executed or is_replaced or payment.state == 'cancel':
            return not tx.aps_request_state
        if tx.aps_operation == 'REFUND':
            return tx.source_transaction_id._aps_get_refundable_minor() <= 0
        return payment._aps_get_capturable_minor() <= 0 or payment._aps_is_window_over()

    def _aps_act_on_operation_failed(self):
        """ Ask APS about the payment, and show it unless that solves the problem. """
        payment = self.transaction_id._aps_get_payment()
        payment.action_aps_check_status()
        if self._aps_is_over():
            self._aps_end('solved')
            return self._aps_notify(_("Amazon Payment Services has told the outcome."))
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'payment.transaction',
            'res_id': payment.id,
            'views': [(False, 'form')],
        }

    #=== BUSINESS METHODS - CREDENTIALS ===#

    def _aps_is_over_credentials(self):
        """ Return whether APS and Odoo have understood each other since. """
        provider = self.provider_id
        # The date is that of a check that was passed.
        is_checked = bool(provider.aps_check_date and provider.aps_check_date > self.last_date)
        return (
            provider.state == 'disabled' or is_checked or self._aps_has_heard(*AUTHENTIC_CHANNELS)
        )

    def _aps_act_on_credentials(self):
        """ Check the credentials, and tell what is wrong with them. """
        provider = self.provider_id
        provider.action_aps_check_setup()
        provider_sudo = provider.sudo()
        if not provider_sudo.aps_check_problem:  # The date may be that of an earlier check.
            self._aps_end('solved')
            return self._aps_notify(provider_sudo.aps_check_result)
        return self._aps_notify(provider_sudo.aps_check_result, 'danger')

    #=== BUSINESS METHODS - COPY ===#

    def _aps_is_over_copy(self):
        """ Return whether the database was confirmed, or is another one by now. """
        provider = self.provider_id
        return not provider._aps_is_copied() or self.key != provider._aps_get_database()

    def _aps_act_on_copy(self):
        """ Confirm that this is the live database. """
        self.provider_id.action_aps_confirm_database()
        self._aps_end('solved')
        return self._aps_notify(_("Live money is moved in this database from now on."))

    #=== BUSINESS METHODS - MESSAGE THAT DOESN'T FIT ===#

    def _aps_is_over_mismatch(self):
        """ Return whether APS has told since that the payment was made as it was wanted. """
        tx = self.transaction_id
        return tx.state in ('authorized', 'done') and bool(
            tx.last_state_change and tx.last_state_change > self.last_date
        )

    def _aps_act_on_mismatch(self):
        """ Ask APS about the payment, and show it unless that solves the problem. """
        return self._aps_act_on_operation_failed()

    #=== BUSINESS METHODS - MONEY OF NO PAYMENT ===#

    def _aps_act_on_no_payment(self):
        """ Show the messages of the day about payments that this database doesn't know. """
        action = self.env['ir.actions.act_window']._for_xml_id(
            'payment_aps.action_payment_aps_message'
        )
        return {**action, 'context': {}, 'domain': [
            ('provider_id', '=', self.provider_id.id), ('state', '=', 'foreign'),
            ('create_date', '>=', self.first_date.date()),
        ]}
