import logging
import re
import time

from odoo import Command, _, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.payment_aps.aps.errors import (
    APSError,
    APSMessageRefused,
    APSOutcomeUnknown,
    APSRefused,
    APSUnreachable,
)
from odoo.addons.payment_aps.aps.message import Answer
from odoo.addons.payment_aps.aps.values import parse_expiry_date
from odoo.addons.payment_aps.conflicts import CONFLICTS, unwrapped

_logger = logging.getLogger(__name__)

# When to ask about a charge whose outcome is unknown, in seconds after one another. A user waits.
CHARGE_CHECKS = (0, 2, 4)
# The states, in both series, of accounting payments that don't book a charge; none if deleted.
REOPENED_STATES = (False, 'draft', 'cancel', 'canceled', 'rejected')


class PaymentTransaction(models.Model):
    """ Saved cards: saving them, paying on the page with them, and charging them offline.

    See https://paymentservices.amazon.com/docs/api/services/save-card.
    """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - SAVING A CARD ===#

    def _aps_preselects_saving(self):
        """ Return whether the payment page is asked to propose saving the card.

        :return: Whether the shopper asked for it in the shop, and the card can be saved.
        :rtype: bool
        """
        return (
            self.tokenize
            and self._aps_get_option().tokenization
            and self.provider_id.aps_send_remember_me
        )

    def _aps_tokenize(self, answer, target_state):
        """ Save the card if the shopper agreed to it, in the shop and on the payment page.

        The browser may bring a card number that is all asterisks. The card is saved by the direct
        feedback then, which comes a moment later.

        :param Answer answer: An answer about the payment, authentic and checked.
        :param str target_state: The state that the answer stands for.
        :return: None
        """
        message = answer.fields
        digits = re.search(r'\d{4}$', message.get('card_number') or '')
        if not (
            self.tokenize
            and target_state == self.state and self.state in ('authorized', 'done')
            and message.get('token_name')
            and digits
            and not self.partner_id.is_public
        ):
            return
        self.write({
            'token_id': self._aps_save_token(message, digits.group()).id,
            'tokenize': False,
        })

    def _aps_save_token(self, message, last_digits):
        """ Return the token of the card of an answer, which is saved if it is new.

        :param Mapping message: The fields of the answer.
        :param str last_digits: The last four digits of the card number.
        :return: The token.
        :rtype: recordset of `payment.token`
        """
        values = {
            'payment_method_id': self.payment_method_id.id,
            'payment_details': last_digits,
            'aps_agreement_id': message.get('agreement_id'),
            'aps_expiry_date': parse_expiry_date(message.get('expiry_date')),
            'aps_merchant_identifier': message['merchant_identifier'],
        }
        token = self.env['payment.token'].search([
            ('provider_id', '=', self.provider_id.id),
            ('partner_id', '=', self.partner_id.id),
            ('provider_ref', '=', message['token_name']),
        ], limit=1)
        if token:
            token.write(values)
            return token
        return token.create({
            'provider_id': self.provider_id.id,
            'partner_id': self.partner_id.id,
            'provider_ref': message['token_name'],
            **values,
        })

    #=== BUSINESS METHODS - PAYING WITH A SAVED CARD ===#

    def _aps_pay_with_token(self):
        """ Pay with a saved card: on the payment page if the shopper is present, else by request.

        On the page the shopper enters the security code and passes 3-D Secure. Neither is possible
        in the shop.

        :return: None
        :raise ValidationError: If the card was certainly not charged.
        """
        self._aps_check_offer()
        if self.operation == 'online_token':
            self.aps_is_page_due = True
        else:
            self._aps_charge()

    def _aps_charge(self):
        """ Charge a saved card without the shopper.

        The caller decides by the state right afterwards, so an unknown outcome is asked about for
        a few seconds before it is left to the status check. A charge that may have been sent
        before is never sent again, but asked about.

        :return: None
        :raise ValidationError: If the card was certainly not charged.
        """
        self._aps_check_charge()
        charge_model = self.env['payment.aps.charge']
        is_new = self.state == 'draft' and charge_model._declare(self)
        if not self.aps_request_date:
            self.aps_request_date = fields.Datetime.now()
        payload = self._aps_prepare_charge_payload()
        answer = None
        if is_new:  # Else it was sent before, e.g., before this request was run again.
            try:
                answer = self.provider_id._aps_make_request(payload)
            except (APSUnreachable, APSRefused) as error:
                charge_model._withdraw(self.reference)
                text = self._aps_with_company_lang()._aps_describe_error(error)
                raise ValidationError(text) from error
            except APSOutcomeUnknown as error:
                _logger.warning("The outcome of charge %s is unknown: %s", self.reference, error)
        if not answer or not Answer(answer).is_settled:
            answer = self._aps_ask_about_charge()
        self._aps_take_over_charge(answer)

    def _aps_check_charge(self):
        """ Check that the saved card can be charged without the shopper.

        :return: None
        :raise ValidationError: If it can't be, or the outcome of the same charge is not known yet.
        """
        if not self._aps_get_option().recurring:
            raise ValidationError(_(
                "%(method)s cards can only be charged while the customer is present. Send a "
                "payment link instead.",
                method=self.payment_method_id.name,
            ))
        pending_txs = self.search([
            ('token_id', '=', self.token_id.id), ('operation', '=', 'offline'),
            ('state', '=', 'pending'), ('id', '!=', self.id),
        ])
        get_fingerprint = self.env['payment.aps.charge']._get_fingerprint
        if get_fingerprint(self) in map(get_fingerprint, pending_txs):
            raise ValidationError(_(
                "The outcome of an earlier charge of this card is not known yet. Wait for it; do "
                "not charge the card again."
            ))

    def _aps_prepare_charge_payload(self):
        """ Return the fields of the request that charges a saved card, unsigned.

        See https://paymentservices.amazon.com/docs/api/managing-payments/recurring.

        :return: The fields.
        :rtype: dict
        """
        token_sudo = self.token_id.sudo()
        payload = {
            'command': self._aps_get_command(),
            'merchant_reference': self.reference,
            'amount': str(self._aps_sum_minor()),
            'currency': self.currency_id.name,
            'customer_email': self._aps_get_customer_email(),
            'eci': 'RECURRING',
            'token_name': token_sudo.provider_ref,
            'agreement_id': token_sudo.aps_agreement_id,
            'order_description': self._aps_get_order_description(),
            'settlement_reference': self._aps_get_settlement_reference(),
        }
        return {name: value for name, value in payload.items() if value}

    def _aps_ask_about_charge(self):
        """ Ask APS what became of a charge, a few times.

        :return: The last answer to the query; `None` if there was none.
        :rtype: dict | None
        """
        answer = None
        for delay in CHARGE_CHECKS:
            time.sleep(delay)
            try:
                self.provider_id._aps_ensure_can_ask(self.aps_account)
                answer = self.provider_id._aps_make_request({
                    'query_command': 'CHECK_STATUS', 'merchant_reference': self.reference,
                })
            except APSError as error:
                _logger.warning("APS doesn't tell about %s: %s", self.reference, error)
                continue
            if Answer(answer).told.is_settled:
                break
        return answer

    def _aps_take_over_charge(self, answer):
        """ Apply the answer about a charge, and have it checked later if that doesn't settle it.

        :param dict|None answer: The answer to the charge or to a query about it, if any.
        :return: None
        """
        if answer:
            try:
                with unwrapped(), self.env.cr.savepoint():
                    self._aps_handle(answer)
            except CONFLICTS:
                raise  # A conflict in the database; Odoo runs the request again.
            except APSMessageRefused as error:  # It doesn't say that nothing was paid, either.
                _logger.warning("An answer about charge %s is not used: %s", self.reference, error)
            except Exception:  # Such as a constraint of another module: the card may be charged.
                _logger.exception("An answer about charge %s can't be applied.", self.reference)
        if self.state == 'draft':
            self._set_pending(state_message=_(
                "Amazon Payment Services has not answered yet. The outcome will be found out by "
                "itself; do not charge the card again."
            ))
        self._aps_schedule_check()

    def _aps_reopen_accounting(self):
        """ Have a payment made for a charge that turns out to have succeeded after all.

        The engine cancels the accounting payment of a charge that isn't confirmed at once. Since
        then, it may have been deleted, or taken up again as a draft.

        :return: None
        """
        payment = self.payment_id
        if self.operation != 'offline' or payment.state not in REOPENED_STATES:
            return
        # Whoever posts the draft later would book the same money once more.
        payment.filtered(lambda payment: payment.state == 'draft').action_cancel()
        self._aps_link_invoices()
        # The engine would post a draft again.
        invoices = self.invoice_ids.filtered(lambda move: move.state != 'draft')
        self.write({
            'payment_id': False, 'is_post_processed': False,
            'invoice_ids': [Command.set(invoices.ids)],
        })
        self._aps_trigger_post_processing()

    def _aps_link_invoices(self):
        """ Link the invoices that were noted when the payment was created, if there are any.

        :return: None
        """
        if self.aps_noted_invoices:
            noted_invoices = self.env['account.move'].browse(self.aps_noted_invoices).exists()
            invoices = noted_invoices.filtered(lambda move: move.state != 'draft')
            self.write({
                'invoice_ids': [Command.set(invoices.ids)], 'aps_noted_invoices': False,
            })
