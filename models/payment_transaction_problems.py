
from odoo import _, fields, models

from odoo.addons.payment_aps.aps.errors import APSMessageAmbiguous, APSMessageRefused
from odoo.addons.payment_aps.conflicts import CONFLICTS, unwrapped
from odoo.addons.payment_aps.models.payment_aps_problem_watch import LAPSING_DAYS
from odoo.addons.payment_aps.models.payment_transaction_booking import (
    BOOKING_TIME,
    describe_failure,
)

# What a refused message says if it doesn't fit the payment; see `_aps_check_message`.
MISFITS = ("the merchant is ", "the currency is ", "the amount ")
# The states of invoices and orders that nothing has to be paid for any more.
SETTLED_PAYMENT_STATES = ('paid', 'in_payment', 'reversed', 'invoicing_legacy')


class PaymentTransaction(models.Model):
    """ What the problems have to know of transactions, and what transactions tell of problems. """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - EVENTS ===#

    def _aps_note_operation_problem(self, detail):
        """ Note that an operation was not executed, or that it can't be told.

        :param str detail: Why, for the staff.
        :return: None
        """
        self.env['payment.aps.problem']._aps_note(
            'operation_failed', self.provider_id, self, detail
        )

    def _aps_note_mismatch(self, error):
        """ Note that an authentic message is about other sums or another merchant.

        :param Exception error: Why it is not applied.
        :return: None
        """
        is_refused = isinstance(error, APSMessageRefused)
        if is_refused and not isinstance(error, APSMessageAmbiguous) and (
            error.aps_reason.startswith(MISFITS)
        ):
            self.env['payment.aps.problem']._aps_note_apart(
                'mismatch', self.provider_id, self, error.aps_reason
            )

    def _aps_note_other_sums(self, told):
        """ Note that APS tells of other sums than those of the payment.

        :param sums.Told told: What it tells.
        :return: None
        """
        self = self._aps_with_company_lang()
        detail = _(
            "Payment: %(amount)s. Captured: %(captured)s. Refunded: %(refunded)s.",
            amount=self._aps_format(self._aps_sum_minor()),
            captured=self._aps_format(told.captured or 0),
            refunded=self._aps_format(told.refunded or 0),
        )
        self.env['payment.aps.problem']._aps_note('mismatch', self.provider_id, self, detail)

    def _aps_note_closing(self):
        """ Note that somebody has closed the payment, or its operation, by hand. """
        for kind in ('outcome_open', 'operation_failed'):
            self.env['payment.aps.problem']._aps_solve(kind, txs=self._aps_get_family())

    #=== BUSINESS METHODS - LAPSING ===#

    def _aps_is_lapsing(self):
        """ Return whether the bank is about to release an amount that nobody has captured. """
        age = fields.Datetime.now() - (self.last_state_change or self.create_date)
        return (
            self.state == 'authorized'
            and age.days >= LAPSING_DAYS
            and not self._aps_is_window_over()
            and self._aps_get_capturable_minor() > 0
        )

    #=== BUSINESS METHODS - BOOKING ===#

    def _aps_try_booking(self):
        """ Post-process the payment, or at least book it.

        :return: Why it can't be post-processed, if so.
        :rtype: str | None
        :raise psycopg2.OperationalError: If there is a conflict in the database.
        """
        if self._aps_is_booked_for_nothing():
            return self._aps_describe_lost_order()
        try:
            with unwrapped(), self.env.cr.savepoint():
                reason = self._aps_book_leftover()
        except CONFLICTS:
            raise
        except Exception as error:  # Whatever stops the booking is to be told.
            reason = describe_failure(error)
        return None if self.is_post_processed else reason

    def _aps_is_booked_for_nothing(self):
        """ Return whether the payment is booked for an order that is gone, and nobody has given it
        back or found what it pays since.
        """
        if not self._aps_has_lost_order() or not self.payment_id:
            return False
        captured_minor, refunded_minor = self._aps_get_sums()
        return captured_minor > refunded_minor and not self.payment_id.is_reconciled

    def _aps_is_booking_due(self, first_date):
        """ Return whether the watch tries to book the payment.

        :param datetime first_date: When it was noticed that it isn't booked.
        :return: Whether it does: once to see the error, and again when the engine has given up.
        :rtype: bool
        """
        is_noticed_late = first_date - self.last_state_change >= BOOKING_TIME
        return not is_noticed_late and not self._aps_is_settled_otherwise()

    def _aps_is_settled_otherwise(self):
        """ Return whether nothing has to be paid any more for what the payment was made for. """
        documents = self._aps_get_invoice_holder()._aps_get_documents()
        return bool(documents) and all(
            document.state == 'cancel'
            or ('payment_state' in document._fields
                and document.payment_state in SETTLED_PAYMENT_STATES)
            for document in documents
        )
