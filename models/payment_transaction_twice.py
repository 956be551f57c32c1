import logging

from odoo import SUPERUSER_ID, _, api, models

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.dues import find_surplus
from odoo.addons.payment_aps.aps.message import Result
from odoo.addons.payment_aps.aps.values import to_major_units
from odoo.addons.payment_aps.conflicts import CONFLICTS, unwrapped
from odoo.addons.payment_aps.models.payment_transaction_dues import TILL_FIELD

_logger = logging.getLogger(__name__)

PAID_STATES = ('authorized', 'done')


class PaymentTransaction(models.Model):
    """ Nobody pays twice without knowing, and who did gets one of the payments back. """

    _inherit = 'payment.transaction'

    #=== BUSINESS METHODS - BEFORE THE PAYMENT ===#

    def _aps_get_prior_standing(self):
        """ Return how another payment stands that makes this one needless, as far as is known.

        APS is not asked: the order may be locked. Whatever is only unfinished doesn't count, and
        neither does what leaves over what this payment is to pay.

        Note: `self.ensure_one()`

        :return: `pending` or `paid`; `None` if there is no such payment.
        :rtype: str | None
        """
        self.ensure_one()
        standings = self._aps_find_siblings()._aps_get_standings()
        known = self.browse(tx.id for tx in standings if tx.currency_id == self.currency_id)
        if not known:
            return None
        is_pending = any(standings[tx] == 'pending' for tx in known)
        try:
            with unwrapped(), self.env.cr.savepoint():
                is_needless = self._aps_is_needless(known, is_pending)
        except CONFLICTS:
            raise
        except Exception:  # Of another module. To be told too much hinders nobody from paying.
            _logger.exception("It can't be told what is due for %s.", self.reference)
            is_needless = True
        if not is_needless:
            return None
        return 'pending' if is_pending else 'paid'

    def _aps_is_needless(self, known, is_pending):
        """ Return whether others pay so much that this payment would be too much.

        :param recordset known: The other payments that are pending or paid.
        :param bool is_pending: Whether any of them is pending.
        :return: Whether they do.
        :rtype: bool
        """
        group = self._aps_find_group()
        due_minor = group._aps_get_due_minor()
        if due_minor is None:  # Such as of a subscription, which is paid again and again.
            return is_pending
        unsettled = known.filtered(lambda tx: tx.state not in PAID_STATES)
        others_minor = unsettled._aps_sum_minor() + sum(
            paid.amount_minor for paid, _record in group._aps_list_paid()
        )
        return bool(others_minor) and others_minor + self._aps_sum_minor() > due_minor

    def _aps_get_standings(self):
        """ Return the payments of which more is known than that they were begun.

        :return: `pending` or `paid` by transaction; the others are left out.
        :rtype: dict[recordset, str]
        """
        payments = self.filtered(
            lambda tx: not tx.source_transaction_id and tx.operation != 'validation'
        )
        standings = {tx: tx._aps_get_standing() for tx in payments}
        unfinished = payments.filtered(lambda tx: not standings[tx] and tx.provider_code == 'aps')
        standings.update(unfinished._aps_get_told_standings())
        return {tx: standing for tx, standing in standings.items() if standing}

    def _aps_get_standing(self):
        """ Return whether a payment is paid or pending by its state.

        Odoo's own transfers are pending until somebody finds them on a bank statement, and nothing
        is under way. A payment of APS is pending without a message if its shopper didn't finish it.
        """
        if self.state in PAID_STATES:
            return 'paid'
        is_told = bool(self.state_message) or self.provider_code != 'aps'
        is_transfer = self.provider_code in ('none', 'custom')
        return 'pending' if self.state == 'pending' and is_told and not is_transfer else None

    def _aps_get_told_standings(self):
        """ Return how payments stand of which APS has told what is not applied yet.

        Such as a message that has several readings, or doesn't fit. What APS says when it is asked
        about the payment afterwards replaces it.

        :return: `pending` or `paid` by transaction.
        :rtype: dict[recordset, str]
        """
        if not self:
            return {}
        messages = self.env['payment.aps.message'].sudo().search_fetch([
            ('merchant_reference', 'in', self.mapped('reference')), ('state', '=', 'refused'),
            ('channel', 'in', ('return', 'webhook')),
            ('command', 'in', const.PAYMENT_COMMANDS),
        ], ['merchant_reference', 'status', 'response_code', 'create_date'])
        by_reference = {tx.reference: tx for tx in self}
        standings = {}
        for message in messages.sorted('id'):
            tx = by_reference[message.merchant_reference]
            standing = get_told_standing(message.status or '', message.response_code or '')
            if standing and not (tx.aps_last_check and tx.aps_last_check > message.create_date):
                standings[tx] = standing
        return standings

    #=== BUSINESS METHODS - AFTER THE PAYMENT ===#

    def _aps_compare(self):
        """ Find out if what these transactions are about was paid twice, and note it.

        It is part of the post-processing, which it never stops.

        :return: None
        """
        self.env.flush_all()  # What others have written fails as theirs, not in here.
        for tx in self.sudo():
            if tx.provider_code != 'aps' or tx.operation == 'validation':
                continue
            try:
                with unwrapped(), self.env.cr.savepoint():
                    tx._aps_get_payment()._aps_note_twice()
            except CONFLICTS:
                raise  # A conflict in the database; the engine tries again.
            except Exception:
                _logger.exception("It can't be told whether %s was paid twice.", tx.reference)

    @api.model
    def _aps_compare_authorized(self):
        """ Find out if what was authorized was paid twice, which the engine of 17.0 leaves out.

        :return: None
        """
        for tx in self.sudo().search([
            ('provider_id.code', '=', 'aps'), ('state', '=', 'authorized'),
            ('aps_next_check', '!=', False), ('aps_is_compared', '=', False),
        ]):
            try:
                tx._aps_compare()
                tx.aps_is_compared = True
                self.env.cr.commit()  # pylint: disable=invalid-commit
            except CONFLICTS:
                self.env.cr.rollback()  # A conflict in the database; tried again next time.

    def _aps_note_twice(self):
        """ Note each payment that is to be given back, and end what was noted of the others.

        It is noted once: if somebody decides that both payments are wanted, that stays so.

        :return: None
        """
        group, surpluses = self._aps_find_surpluses()
        problems_sudo = self.env['payment.aps.problem'].sudo()
        noted = group.filtered('aps_is_surplus')
        over = noted - self.browse(tx.id for tx, _amount_minor in surpluses)
        if over:
            over.aps_is_surplus = False
            problems_sudo._aps_solve('paid_twice', txs=over)
        for tx, amount_minor in surpluses:
            if tx not in noted:
                tx.aps_is_surplus = True
                detail = tx._aps_describe_twice(group, amount_minor)
                problems_sudo._aps_note('paid_twice', tx.provider_id, tx=tx, detail=detail)
                tx._aps_tell_twice(detail)

    def _aps_find_surpluses(self):
        """ Return what is to be given back of what was paid for the same.

        :return: All payments for the same, and those that are to be given back, with the amounts
                 in minor units.
        :rtype: tuple[recordset, list[tuple[recordset, int]]]
        """
        group = self._aps_find_group()
        is_alone = len(group) < 2 and not (group.invoice_ids or group._aps_get_linked(TILL_FIELD))
        due_minor = None if is_alone else group._aps_get_due_minor()
        if due_minor is None:
            return group, []
        payments = group._aps_list_paid()
        surpluses = find_surplus(due_minor, [paid for paid, _record in payments])
        records = dict(payments)  # Only those without a transaction may be equal.
        return group, [(records[one.paid], one.amount_minor) for one in surpluses]

    def _aps_find_surplus_minor(self):
        """ Return what is to be given back of this payment.

        :return: The amount, in minor units; zero if nothing is.
        :rtype: int
        """
        _group, surpluses = self._aps_find_surpluses()
        return dict(surpluses).get(self, 0)

    def _aps_describe_twice(self, group, amount_minor):
        """ Return for the staff what was paid twice, and what is to be given back of this payment.

        :param recordset group: All payments for the same.
        :param int amount_minor: How much is to be given back, in minor units.
        :return: The text, in the language of the company.
        :rtype: str
        """
        self = self._aps_with_company_lang()
        others = [
            record.reference if record._name == self._name else record.display_name
            for paid, record in group._aps_list_paid() if paid.amount_minor and record != self
        ]
        values = {
            'documents': self._aps_name_documents(), 'others': ', '.join(others),
            'reference': self.reference, 'amount': self._aps_format(amount_minor),
        }
        if self.state == 'authorized':
            return _(
                "%(documents)s was paid twice: by %(others)s and by %(reference)s, of which "
                "%(amount)s is reserved and to be released.",
                **values,
            )
        return _(
            "%(documents)s was paid twice: by %(others)s and by %(reference)s, of which "
            "%(amount)s is to be refunded.",
            **values,
        )

    def _aps_name_documents(self):
        """ Return the names of what is paid. """
        documents = [*self._aps_get_documents(), *self._aps_get_linked(TILL_FIELD)]
        return ', '.join(document.display_name for document in documents)

    def _aps_tell_twice(self, detail):
        """ Tell on the orders and invoices that they were paid twice, and what happens.

        :param str detail: What was paid.
        :return: None
        """
        self = self._aps_with_company_lang().with_user(SUPERUSER_ID)
        body = detail + " " + _("This is noted under APS Problems, where one click does it.")
        for document in self._aps_get_documents():
            document.message_post(body=body)

    #=== BUSINESS METHODS - GIVING BACK ===#

    def _aps_give_back(self):
        """ Give back what was paid twice of this payment: void or refund it.

        It is done once, however often it is asked for.

        Note: `self.ensure_one()`

        :return: What was done, for the user.
        :rtype: str
        """
        self.ensure_one()
        # Else another one of these payments might be given back at the same moment.
        for tx in self._aps_find_group().sorted('id'):
            tx._aps_reserve_payment()
            if tx._aps_get_family().filtered('aps_request_state'):
                return _(
                    "An operation of %(reference)s is on its way already. Nothing was changed.",
                    reference=tx.reference,
                )
        amount_minor = self._aps_find_surplus_minor()
        if not amount_minor:
            return _("Nothing is left to be given back. Nothing was changed.")
        amount = self._aps_format(amount_minor)
        if self.state == 'authorized':
            self.action_void()
            return _("The release of %(amount)s is on its way.", amount=amount)
        self._aps_refund_minor(amount_minor)
        return _("The refund of %(amount)s is on its way.", amount=amount)

    def _aps_refund_minor(self, amount_minor):
        """ Refund a part of the payment, or all of it, by the captures that it was taken by.

        :param int amount_minor: The amount, in minor units.
        :return: None
        """
        for capture in self._aps_get_captured().sorted('id', reverse=True):
            part_minor = min(amount_minor, capture._aps_get_refundable_minor())
            if part_minor > 0:
                amount = to_major_units(part_minor, self.currency_id.name)
                capture.action_refund(amount_to_refund=amount)
                amount_minor -= part_minor

    #=== BUSINESS METHODS - SHOPPER ===#

    def _aps_was_paid_twice(self):
        """ Return whether the shopper who waits for this payment has paid twice, and note it.

        The other payment may not be post-processed yet, or be one that never is.

        :return: Whether they have.
        :rtype: bool
        """
        if self.state not in PAID_STATES:
            return False
        _group, surpluses = self._aps_find_surpluses()
        if surpluses:
            self._aps_compare()
        return bool(surpluses)

    def _aps_list_told_surpluses(self):
        """ Return what the shopper paid twice, if the person in charge was told of it.

        :return: The payments that are to be given back, with the amounts in minor units.
        :rtype: list[tuple[recordset, int]]
        """
        _group, surpluses = self._aps_find_surpluses()
        problems_sudo = self.env['payment.aps.problem'].sudo()
        return [
            (tx, amount_minor) for tx, amount_minor in surpluses
            if problems_sudo._aps_find_twice(tx)
        ]


def get_told_standing(status, response_code):
    """ Return what a message tells of a payment that is begun.

    :param str status: The status, two digits.
    :param str response_code: The response code: the status and a message code of three digits.
    :return: `pending` or `paid`; `None` if it failed or is unfinished.
    :rtype: str | None
    """
    result = Result(status, response_code)
    if result.state in PAID_STATES:
        return 'paid'
    if result.state == 'pending' and not result.is_unfinished:
        return 'pending'
    return None
