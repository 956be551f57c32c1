import logging
from datetime import timedelta

from markupsafe import Markup

from odoo import Command, _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.payment_aps.aps.masking import shorten
from odoo.addons.payment_aps.conflicts import CONFLICTS, unwrapped

_logger = logging.getLogger(__name__)

# When a payment is booked without what it pays, if the engine can't post-process that, and for how
# long the engine itself tries it. What passes by itself, such as a service that is down, should
# have passed by then.
BOOKING_DELAY = timedelta(hours=1)
BOOKING_TIME = timedelta(days=4)


class PaymentTransaction(models.Model):
    """ Booking what was paid, whatever became of the invoices and orders meanwhile. """

    _inherit = 'payment.transaction'

    def _create_payment(self, **extra_create_values):
        """ Override of `account_payment` to book the payment of an invoice that was canceled.

        The engine would try to reconcile it, fail, and so never book what was paid.

        Note: `self.ensure_one()`

        :param dict extra_create_values: See `account_payment`.
        :return: The accounting payment.
        :rtype: recordset of `account.payment`
        """
        if self.provider_code != 'aps':
            return super()._create_payment(**extra_create_values)
        payer = self._aps_get_invoice_holder()
        invoices = payer.invoice_ids
        canceled_invoices = invoices.filtered(lambda move: move.state == 'cancel')
        if not canceled_invoices:
            payment = super()._create_payment(**extra_create_values)
            if self._aps_has_lost_order():
                self._aps_note_lost_order(payment)
            return payment
        # Left out for the booking only: whoever looks at the payment must find what it was for.
        payer.invoice_ids -= canceled_invoices
        payment = super()._create_payment(**extra_create_values)
        payer.invoice_ids = [Command.set(invoices.ids)]
        self._aps_note_unreconciled(payment, canceled_invoices)
        return payment

    def _aps_note_lost_order(self, payment):
        """ Tell the merchant that a payment is booked for an order that is gone.

        :param recordset payment: The accounting payment.
        :return: None
        """
        text = self._aps_describe_lost_order()
        payment.message_post(body=text)
        self.env['payment.aps.problem']._aps_note('not_booked', self.provider_id, self, text)

    def _aps_describe_lost_order(self):
        """ Return for the staff what became of the order, and what to do about its payment. """
        self = self._aps_with_company_lang()
        return _(
            "The order of the point of sale was deleted while the customer paid, so the payment is "
            "booked for no order. Refund it; or if you have delivered, reconcile it with an "
            "invoice. Do not ask the customer to pay again without that."
        )

    def _aps_get_invoice_holder(self):
        """ Return the transaction whose invoices the engine reconciles: that of the payment itself,
        in the case of a capture.
        """
        source_tx = self.source_transaction_id
        return source_tx if source_tx.operation == self.operation else self

    @api.model
    def _aps_book_leftovers(self):
        """ Book the payments that the engine can't post-process, for want of their documents.

        Such as a draft invoice that can't be posted, or an order that can't be confirmed. The
        engine goes on trying for days; what is booked by then, it doesn't book again. If there is
        nowhere to book it, e.g., for want of a journal, it is left to the engine.

        :return: None
        """
        now = fields.Datetime.now()
        for tx in self.search([
            ('provider_id.code', '=', 'aps'), ('state', '=', 'done'), ('payment_id', '=', False),
            ('operation', '!=', 'validation'), ('is_post_processed', '=', False),
            ('last_state_change', '<=', now - BOOKING_DELAY),
            ('last_state_change', '>=', now - BOOKING_TIME),
        ]):
            try:
                tx._aps_book_leftover()
                self.env.cr.commit()  # pylint: disable=invalid-commit
            except CONFLICTS:
                self.env.cr.rollback()  # A conflict in the database; tried again next time.
            except Exception as error:
                self.env.cr.rollback()
                _logger.warning("%s can't be booked yet: %s", tx.reference, error)

    def _aps_book_leftover(self):
        """ Post-process the payment, or at least book it.

        :return: Why it can't be post-processed, if so.
        :rtype: str | None
        :raise Exception: If it can't be booked, either.
        """
        self._aps_lock_once()  # Or what another process books meanwhile would be told as an error.
        try:
            with unwrapped(), self.env.cr.savepoint():
                self._aps_post_process()
                return None
        except CONFLICTS:
            raise
        except Exception as error:  # Such as one of another module, which the engine has logged.
            reason = describe_failure(error)
        # If it was captured in parts, the engine books these.
        is_in_parts = any(tx.state in ('done', 'cancel') for tx in self.child_transaction_ids)
        if not (self.payment_id or is_in_parts):
            self._aps_book_alone(reason)
        return reason

    def _aps_book_alone(self, reason):
        """ Book the payment without what it pays.

        :param str reason: Why that can't be processed, for the staff.
        :return: None
        """
        payer = self._aps_get_invoice_holder()
        invoices = payer.invoice_ids
        payer.invoice_ids = [Command.clear()]
        payment = self.with_company(self.company_id)._create_payment()
        payer.invoice_ids = [Command.set(invoices.ids)]
        documents = payer._aps_get_documents()
        self._aps_note_unreconciled(payment, documents, reason)
        # An order that is paid is still to be confirmed, so the engine goes on trying that.
        self.is_post_processed = bool(invoices) and len(invoices) == len(documents)

    def _aps_note_unreconciled(self, payment, documents, reason=None):
        """ Tell accounting that a payment was booked but not reconciled with what it pays.

        :param recordset payment: The accounting payment.
        :param recordset|list[recordset] documents: The invoices and orders.
        :param str reason: Why, if not because they were canceled.
        :return: None
        """
        self = self._aps_with_company_lang()
        names = Markup(", ").join(document._get_html_link() for document in documents)
        links = {'payment': payment._get_html_link(), 'documents': names or self.reference}
        if reason:
            body = _(
                "The payment %(payment)s was booked but not reconciled with %(documents)s, which "
                "Odoo can't process: %(reason)s Put this right, and reconcile the payment by hand.",
                reason=reason, **links,
            )
        else:
            body = _(
                "The payment %(payment)s was booked but not reconciled with %(documents)s, as that "
                "was canceled before the money came. Reconcile the payment with another document, "
                "or refund it.",
                **links,
            )
        for record in (payment, *documents):
            record.message_post(body=body)


def describe_failure(error):
    """ Return for the staff what stops a payment from being post-processed.

    :param Exception error: The error, from whatever module.
    :return: What it says; without the row that PostgreSQL shows along with its errors, which may
             hold what is not for everybody.
    :rtype: str
    """
    if isinstance(error, UserError):  # That of an e-mail's template tells all of it.
        return shorten(' '.join(str(error).split()), 500)
    diagnosis = getattr(error, 'diag', None)  # Of PostgreSQL.
    return shorten(diagnosis.message_primary if diagnosis else repr(error), 200)
