from odoo import fields, models
from odoo.tools import format_datetime

from odoo.addons.payment_aps.aps import sums
from odoo.addons.payment_aps.aps.message import Result
from odoo.addons.payment_aps.aps.schedule import NOTICE_TIME
from odoo.addons.payment_aps.aps.values import format_minor_units, to_major_units
from odoo.addons.payment_aps.models.reasons import OPEN_REASONS, make_reason


class PaymentTransaction(models.Model):
    """ What the sums and notices of APS tell of operations that were not made in Odoo.

    The rules are those of `aps.sums`.
    """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - WHAT IS KNOWN ===#

    def _aps_get_known(self, operation_tx=None, notice=None):
        """ Return what is known of the sums for certain.

        Note: `self.ensure_one()`; `self` is the payment.

        :param recordset operation_tx: The operation of unknown outcome, if any.
        :param Answer notice: The notice that is being applied, if any.
        :return: What is known, in minor units.
        :rtype: sums.Known
        """
        operation_tx = operation_tx or self.browse()
        refunds = self._aps_get_refunds().filtered(lambda tx: tx.state == 'done')
        captures, told_refunds = self._aps_list_notices(notice)
        return sums.Known(
            amount=self._aps_sum_minor(),
            captured=(self._aps_get_captured() - operation_tx)._aps_sum_minor(),
            refunded=(refunds - operation_tx)._aps_sum_minor(),
            capture_notices=captures,
            refund_notices=told_refunds,
            operation=operation_tx._aps_sum_minor() or None,
            shrinks=self.provider_id._aps_get_sum_rule(),
        )

    def _aps_list_notices(self, notice=None):
        """ Return what signed notices of successful operations, and answers to ours, tell.

        :param Answer notice: The notice that is being applied, which may not be in the trail.
        :return: The amounts of captures, and the pairs of reference and amount of refunds.
        :rtype: tuple[tuple, tuple]
        """
        rows = self.env['payment.aps.message'].sudo().search([
            ('merchant_reference', '=', self.reference), ('state', '=', 'accepted'),
            ('channel', 'in', ('webhook', 'return', 'answer')),
            ('command', 'in', ('CAPTURE', 'REFUND')),
        ])
        notices = {
            (row.command, row.maintenance_reference or '', int(row.amount_minor)) for row in rows
            if Result(row.status, row.response_code).outcome(row.command) == 'done'
        }
        if notice:
            notices.add((notice.command, notice.maintenance_reference, notice.amount_minor))
        ours = {tx.reference: tx._aps_sum_minor() for tx in self._aps_get_refunds()}
        return sums.sort_notices(notices, ours)

    def _aps_learn_sum_rule(self, told):
        """ Keep with the provider what the sums show of how its account tells them.

        :param sums.Told told: What APS tells.
        :return: None
        """
        under_way = self._aps_get_family().filtered('aps_request_state')
        if self.state != 'done' or not told.refunded or under_way:
            return
        shrinks = sums.learn_shrinking(self._aps_get_known(), told)
        if shrinks is not None:
            self.provider_id._aps_learn_sum_rule(shrinks)

    #=== BUSINESS METHODS - TAKING OVER ===#

    def _aps_take_over_void(self):
        """ Take over that the authorization was voided.

        :return: None
        """
        if self.state in ('draft', 'pending', 'authorized', 'error') and not (
            self._aps_get_captured() or self.aps_request_state
        ):
            tx = self._aps_with_shopper_lang()
            tx.aps_operation = 'VOID_AUTHORIZATION'
            if not tx._aps_is_check_due():
                tx.aps_next_check = False
            tx._set_canceled(
                state_message=tx._aps_get_void_message(), extra_allowed_states=('error',)
            )
            return
        for void_tx in self._aps_get_family().filtered(
            lambda tx: tx.aps_operation == 'VOID_AUTHORIZATION' and tx.aps_request_state == 'sent'
        ):
            void_tx._aps_apply_outcome('done')

    def _aps_take_over_notice(self, notice):
        """ Take over what the notice of an operation proves, by itself or with others.

        :param Answer notice: The notice, authentic and checked.
        :return: None
        """
        former_sums = self._aps_get_sums()
        self._aps_settle_operations(notice=notice)
        self._aps_take_over_sums(notice=notice)
        if self._aps_get_sums() == former_sums and not self._aps_is_echo(notice):
            self.aps_last_notice = fields.Datetime.now()  # The sums will tell, maybe later.

    def _aps_take_over_sums(self, told=None, notice=None):
        """ Take over what is certain of the sums, and say what is not.

        :param sums.Told told: What APS tells; `None` if only notices came.
        :param Answer notice: The notice that is being applied, if any.
        :return: None
        """
        is_queued = any(
            tx.aps_request_state == 'queued' and tx.aps_operation != 'LAPSE'
            for tx in self._aps_get_family()
        )
        # What is queued is sent in a moment. Nothing is captured of a payment that isn't made.
        if is_queued or self.state not in ('authorized', 'done'):
            return
        reasons = [
            self._aps_take_over_captures(told, notice),
            self._aps_take_over_refunds(told, notice),
        ]
        if not told:
            return
        self._aps_learn_sum_rule(told)
        untold = next(filter(None, reasons), None)
        waiting_txs = self._aps_get_family().filtered('aps_request_state')
        if self not in waiting_txs:  # Else the reason is that of the operation.
            waiting = next((tx._aps_get_reason() for tx in waiting_txs), None)
            self._aps_note_open_reason(untold or waiting, is_logged=bool(untold))

    def _aps_take_over_captures(self, told=None, notice=None):
        """ Take over what was captured in the back office.

        :param sums.Told told: What APS tells; `None` if only notices came.
        :param Answer notice: The notice that is being applied, if any.
        :return: What can't be taken over, for the staff; `None` if there is nothing of it.
        :rtype: Reason | None
        """
        closed = self._aps_get_closed()
        if self.state != 'authorized' and not (self.state == 'done' and closed):
            return None
        operation_tx = self._aps_get_captures_under_way()
        if operation_tx.aps_operation == 'VOID_AUTHORIZATION':
            return None
        explanation = sums.explain_captures(self._aps_get_known(operation_tx, notice), told)
        missing = self._aps_get_bookable(explanation.back_office)
        capturable = self._aps_get_capturable_minor() + closed._aps_sum_minor()
        if 0 < missing == self._aps_sum_minor():
            self._set_done()
            self._aps_trigger_post_processing()
        elif 0 < missing <= capturable:
            capture_tx = self._create_child_transaction(
                to_major_units(missing, self.currency_id.name), aps_operation='CAPTURE'
            )
            capture_tx._aps_apply_outcome('done')
        if explanation.back_office > missing:
            return self._aps_get_rounding_reason(explanation.back_office - missing)
        is_open = not operation_tx and not explanation.is_certain
        return make_reason('two_readings') if is_open else None

    def _aps_take_over_refunds(self, told=None, notice=None):
        """ Take over what was refunded in the back office.

        :param sums.Told told: What APS tells; `None` if only notices came.
        :param Answer notice: The notice that is being applied, if any.
        :return: What can't be taken over, for the staff; `None` if there is nothing of it.
        :rtype: Reason | None
        """
        operation_tx = self._aps_get_refunds().filtered('aps_request_state')
        known = self._aps_get_known(operation_tx, notice)
        missing = sums.explain_refunds(known, told).back_office
        for captured_tx in self._aps_get_captured():
            amount_minor = self._aps_get_bookable(
                min(missing, captured_tx._aps_get_refundable_minor())
            )
            if amount_minor <= 0:
                continue
            refund_tx = captured_tx._create_child_transaction(
                to_major_units(amount_minor, self.currency_id.name),
                is_refund=True, aps_operation='REFUND',
            )
            refund_tx._aps_apply_outcome('done')
            missing -= amount_minor
        if missing <= 0 or self._aps_get_bookable(missing) > 0:
            return None
        return self._aps_get_rounding_reason(missing)

    #=== BUSINESS METHODS - WHAT IS OPEN ===#

    def _aps_note_waiting(self, end):
        """ Say on an operation of unknown outcome what it waits for, and until when.

        :param datetime end: When it is given up.
        :return: None
        """
        time = format_datetime(self.env, end, tz='UTC', dt_format='yyyy-MM-dd HH:mm')
        self._aps_note_open_reason(make_reason('waiting', time=time))

    def _aps_note_open_reason(self, reason, is_logged=False):
        """ Say on the transaction what is open, or that nothing is any more.

        :param Reason|None reason: What is open, for the staff; `None` if nothing is.
        :param bool is_logged: Whether to say it on the linked documents as well, once.
        :return: None
        """
        is_new = reason and reason != self._aps_get_reason()
        if is_new and is_logged:
            text = self._aps_with_company_lang()._aps_describe_reason(reason)
            self._log_message_on_linked_documents(text)
        if is_new:
            self._aps_set_reason(reason)
        elif not reason and self.aps_reason in OPEN_REASONS:
            self._aps_set_reason(None)

    def _aps_note_unchecked(self, is_refused):
        """ Say on the payment and its documents that APS told of something that can't be checked.

        :param bool is_refused: Whether APS answered, but doesn't tell. Else it may do so later.
        :return: None
        """
        notice, check = self.aps_last_notice, self.aps_last_check
        if self.state not in ('authorized', 'done') or not notice or (check and check >= notice):
            return
        if is_refused or fields.Datetime.now() - notice > NOTICE_TIME:
            self._aps_note_open_reason(make_reason('untold'), is_logged=True)

    def _aps_get_rounding_reason(self, amount_minor):
        """ Return what the staff must know of an amount that Odoo can't record.

        :param int amount_minor: The amount, in minor units.
        :return: The reason.
        :rtype: Reason
        """
        return make_reason(
            'rounding',
            amount=format_minor_units(amount_minor, self.currency_id.name),
            rounding=str(self.currency_id.rounding),
        )
