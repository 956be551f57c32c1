from odoo import models
from odoo.tools.sql import SQL, create_index

from odoo.addons.payment_aps.aps.dues import Paid
from odoo.addons.payment_aps.aps.values import to_minor_units

# The field of a transaction of the till; its module is optional.
TILL_FIELD = 'pos_order_id'
# What the page begins with that the customer of a till is led to after the payment.
TILL_ROUTE = '/pos/pay/confirmation/'
# The transactions that pay some orders, or invoices; that of an order pays its invoices as well,
# and the other way round. Each part uses an index.
SIBLINGS = """
    WITH orders AS (
        SELECT unnest(%(order_ids)s::int[]) AS id
         UNION
        SELECT line.order_id
          FROM account_move_line item
          JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = item.id
          JOIN sale_order_line line ON line.id = rel.order_line_id
         WHERE item.move_id = ANY(%(invoice_ids)s::int[])
    ), invoices AS (
        SELECT unnest(%(invoice_ids)s::int[]) AS id
         UNION
        SELECT item.move_id
          FROM sale_order_line line
          JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = line.id
          JOIN account_move_line item ON item.id = rel.invoice_line_id
         WHERE line.order_id = ANY(%(order_ids)s::int[])
    )
    SELECT transaction_id FROM sale_order_transaction_rel
     WHERE sale_order_id IN (SELECT id FROM orders)
     UNION
    SELECT transaction_id FROM account_invoice_transaction_rel
     WHERE invoice_id IN (SELECT id FROM invoices)
"""
INVOICE_SIBLINGS = """
    SELECT transaction_id FROM account_invoice_transaction_rel
     WHERE invoice_id = ANY(%(invoice_ids)s::int[])
"""
TILL_SIBLINGS = """
    SELECT id FROM payment_transaction
     WHERE pos_order_id = ANY(%(till_order_ids)s::int[])
"""


class PaymentTransaction(models.Model):
    """ What is due for what a payment pays, and what else was paid for it. """

    _inherit = 'payment.transaction'

    def _aps_index_till(self):
        """ Create an index for the orders of the till, if there are any. """
        if TILL_FIELD in self._fields:
            create_index(
                self.env.cr, 'payment_transaction_aps_till', self._table, [TILL_FIELD],
                where=f'{TILL_FIELD} IS NOT NULL',
            )

    def _aps_has_lost_order(self):
        """ Return whether the order of the till that the payment was made for has been deleted.

        Odoo 17.0 does that when the cashier closes the window with the code for the customer. What
        is left of the order is the page that the customer was to be led to.
        """
        return (
            TILL_FIELD in self._fields and not self[TILL_FIELD]
            and (self.landing_route or '').startswith(TILL_ROUTE)
        )

    #=== BUSINESS METHODS - RELATIVES ===#

    def _aps_get_linked(self, name):
        """ Return the records of a field whose module is optional.

        :param str name: The name of the field.
        :return: The records; an empty list if there is no such field.
        :rtype: recordset | list
        """
        return self[name] if name in self._fields else []

    def _aps_find_siblings(self):
        """ Return the other payments of what these transactions pay, in one query.

        :return: The transactions.
        :rtype: recordset of `payment.transaction`
        """
        values = {
            'order_ids': [order.id for order in self._aps_get_linked('sale_order_ids')],
            'invoice_ids': self.invoice_ids.ids,
            'till_order_ids': [order.id for order in self._aps_get_linked(TILL_FIELD)],
        }
        if not any(values.values()):
            return self.browse()
        query = SIBLINGS if 'sale_order_ids' in self._fields else INVOICE_SIBLINGS
        if values['till_order_ids']:
            query = TILL_SIBLINGS
        self.env.cr.execute(SQL(query, **values))
        return self.browse(row[0] for row in self.env.cr.fetchall()) - self

    def _aps_find_group(self):
        """ Return all payments that pay the same, also by way of others that pay several things.

        :return: The transactions, of which these are some.
        :rtype: recordset of `payment.transaction`
        """
        group, siblings = self, self._aps_find_siblings()
        while siblings:
            group |= siblings
            siblings = group._aps_find_siblings()
        return group.filtered(
            lambda tx: not tx.source_transaction_id and tx.operation != 'validation'
        )

    #=== BUSINESS METHODS - DUE ===#

    def _aps_get_due_minor(self):
        """ Return what is due for all that these transactions pay.

        If in doubt, it is too much rather than too little: nobody may be told that they have paid
        twice unless it is certain.

        :return: The amount, in minor units of the currency of the first transaction; `None` if it
                 can't be told, e.g., because a subscription is paid again and again.
        :rtype: int | None
        """
        currency = self[:1].currency_id
        orders, lone_invoices = self._aps_get_due_documents()
        tills = self._aps_get_linked(TILL_FIELD)
        invoices = [invoice for order in orders for invoice in order.invoice_ids]
        documents = [*orders, *invoices, *lone_invoices, *tills]
        if any(document.currency_id != currency for document in documents) or any(
            'is_subscription' in order._fields and order.is_subscription for order in orders
        ):
            return None
        return sum(to_minor_units(amount, currency.name) for amount in (
            *(max(order.amount_total, sum_invoices(order.invoice_ids)) for order in orders),
            sum_invoices(lone_invoices),
            *(order.amount_total for order in tills),
        ))

    def _aps_get_due_documents(self):
        """ Return the orders, and the invoices of no order with what was credited of them.

        :return: The orders and the invoices; a list if the module of orders is not installed.
        :rtype: tuple[recordset | list, recordset]
        """
        invoices = self.invoice_ids
        orders = self._aps_get_linked('sale_order_ids')
        if 'sale_order_ids' in self._fields:
            orders |= invoices.line_ids.sale_line_ids.order_id
            invoices -= orders.invoice_ids
        name = 'reversal_move_id' if 'reversal_move_id' in invoices._fields else 'reversal_move_ids'
        return orders, invoices | invoices[name]

    #=== BUSINESS METHODS - PAID ===#

    def _aps_list_paid(self):
        """ Return what was paid, by these transactions and in other ways.

        Only what is in the currency of the first transaction counts.

        :return: What was paid, with the record that tells of it.
        :rtype: list[tuple[Paid, recordset]]
        """
        currency = self[:1].currency_id
        paid = [
            (tx._aps_get_paid(), tx) for tx in self
            if tx.state in ('authorized', 'done') and tx.currency_id == currency
        ]
        return [*paid, *self._aps_list_paid_otherwise()]

    def _aps_get_paid(self):
        """ Return what this payment has taken or reserved, as far as it was not given back. """
        captured_minor, refunded_minor = self._aps_get_sums()
        is_authorized = self.state == 'authorized'
        reserved_minor = max(self._aps_get_capturable_minor(), 0) if is_authorized else 0
        return Paid(
            self.id,
            captured_minor - refunded_minor + reserved_minor,
            is_reserved=is_authorized,
            # Of a part that was captured, and the rest, only people can tell which one to give.
            is_returnable=self.provider_code == 'aps' and not (is_authorized and captured_minor),
        )

    def _aps_list_paid_otherwise(self):
        """ Return what was paid without a transaction: by bank transfer, or at the till in cash.

        :return: What was paid, with the record that tells of it.
        :rtype: list[tuple[Paid, recordset]]
        """
        orders, invoices = self._aps_get_due_documents()
        if orders:
            invoices |= orders.invoice_ids
        code = self[:1].currency_id.name
        amounts = [
            (amount, record) for invoice in invoices
            for amount, record in list_transfers(invoice, besides=self)
        ]
        for order in self._aps_get_linked(TILL_FIELD):
            others = order.payment_ids.filtered(lambda one: not one.online_account_payment_id)
            amounts.append((sum(others.mapped('amount')), order))
        return [
            (Paid(0, to_minor_units(amount, code), is_returnable=False), record)
            for amount, record in amounts if amount > 0
        ]


def sum_invoices(invoices):
    """ Return what invoices are worth; credit notes count as well, as they may have been paid out.

    :param recordset invoices: The invoices and credit notes.
    :return: The sum, in major units.
    :rtype: float
    """
    return sum(abs(move.amount_total) for move in invoices if move.state != 'cancel')


def list_transfers(invoice, besides):
    """ Return what of an invoice was paid by payments of accounting.

    :param recordset invoice: The invoice.
    :param recordset besides: The transactions whose payments are left out.
    :return: The amounts in major units, with the accounting entry of each.
    :rtype: list[tuple[float, recordset]]
    """
    transfers = []
    for partial in invoice._get_all_reconciled_invoice_partials():
        line = partial['aml']
        tx = line.payment_id.payment_transaction_id
        is_payment = bool(line.payment_id or line.statement_line_id)
        if is_payment and not partial['is_exchange'] and tx._aps_get_payment() not in besides:
            transfers.append((partial['amount'], line.move_id))
    return transfers
