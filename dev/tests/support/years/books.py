""" What the auditor looks at: the ledger of the sandbox, and all that Odoo has of payments.

It is read into plain values, so that the rules of the auditor are functions of these, and can be
tested by themselves. Times are in seconds since the epoch, amounts in minor units.
"""

from typing import NamedTuple

from sandbox.currencies import decimals_of

EPOCH = 'extract(epoch FROM {0}) AS {1}'
QUERIES = {
    'transactions': f"""
        SELECT tx.id, tx.reference, tx.state, tx.amount::float AS amount, currency.name AS currency,
               tx.operation, tx.source_transaction_id AS source_id, tx.aps_operation,
               tx.aps_request_state AS request_state, tx.state_message, tx.aps_reason AS reason,
               tx.is_post_processed IS TRUE AS is_processed,
               {EPOCH.format('tx.aps_next_check', 'next_check')},
               {EPOCH.format('tx.create_date', 'created')},
               {EPOCH.format('tx.last_state_change', 'changed')},
               {EPOCH.format('tx.write_date', 'written')}
          FROM payment_transaction tx
          JOIN res_currency currency ON currency.id = tx.currency_id
          JOIN payment_provider provider ON provider.id = tx.provider_id
         WHERE provider.code = 'aps'
      ORDER BY tx.id
    """,
    'entries': f"""
        SELECT payment.id, payment.payment_transaction_id AS transaction_id, payment.payment_type,
               payment.amount::float AS amount, currency.name AS currency,
               {{state}} AS state, payment.move_id IS NOT NULL AS has_move,
               {EPOCH.format("{date}::timestamp", 'date')},
               {EPOCH.format('payment.create_date', 'created')}, lines.*
          FROM account_payment payment
          JOIN res_currency currency ON currency.id = payment.currency_id
     LEFT JOIN account_move move ON move.id = payment.move_id
     LEFT JOIN LATERAL (
                SELECT sum(debit)::float AS debit, sum(credit)::float AS credit,
                       sum(abs(amount_currency))::float / 2 AS moved
                  FROM account_move_line WHERE move_id = payment.move_id
               ) AS lines ON true
      ORDER BY payment.id
    """,
    'documents': f"""
        SELECT 'sale.order' AS model, sale.id, sale.name, sale.state, NULL AS payment_state,
               sale.amount_total::float AS total, NULL::float AS residual,
               currency.name AS currency, {EPOCH.format('sale.create_date', 'created')},
               (SELECT coalesce(json_agg(transaction_id), '[]')
                  FROM sale_order_transaction_rel WHERE sale_order_id = sale.id) AS transaction_ids
          FROM sale_order sale
          JOIN res_currency currency ON currency.id = sale.currency_id
     UNION ALL
        SELECT 'account.move', move.id, move.name, move.state, move.payment_state,
               move.amount_total::float, move.amount_residual::float, currency.name,
               {EPOCH.format('move.create_date', 'created')},
               (SELECT coalesce(json_agg(transaction_id), '[]')
                  FROM account_invoice_transaction_rel WHERE invoice_id = move.id)
          FROM account_move move
          JOIN res_currency currency ON currency.id = move.currency_id
         WHERE move.move_type = 'out_invoice'
    """,
    'problems': f"""
        SELECT id, kind, state, transaction_id, key, detail,
               {EPOCH.format('first_date', 'first')}, {EPOCH.format('told_date', 'told')},
               {EPOCH.format('end_date', 'ended')}
          FROM payment_aps_problem ORDER BY id
    """,
    'messages': f"""
        SELECT id, model, res_id, body, {EPOCH.format('create_date', 'at')} FROM mail_message
         WHERE model IN ('sale.order', 'account.move', 'account.payment', 'payment.aps.problem')
           AND id > {{last_message}} AND body != '' ORDER BY id
    """,
    'activities': f"""
        SELECT id, res_id, summary, note, {EPOCH.format('create_date', 'at')}
          FROM mail_activity WHERE res_model = 'payment.aps.problem'
    """,
    'foreign': f"""
        SELECT merchant_reference AS reference, command, status, currency,
               amount_minor::bigint AS amount, {EPOCH.format('create_date', 'at')}
          FROM payment_aps_message WHERE state = 'foreign'
    """,
    'trail': f"""
        SELECT count(*) AS count, {EPOCH.format('min(create_date)', 'oldest')}
          FROM payment_aps_message
    """,
}
# An accounting payment of 17.0 is its journal entry; that of 19.0 may have one.
SERIES = {
    '17.0': {'state': 'move.state', 'date': 'move.date'},
    '19.0': {'state': 'payment.state', 'date': 'payment.date'},
}


class Books(NamedTuple):
    """ All that there is to compare, as of a moment. """

    now: float
    ledger: list  # Payments of the sandbox.
    transactions: list
    entries: list  # Accounting payments, each with the sums of its journal entry.
    documents: list  # Orders and invoices.
    problems: list
    messages: list  # What was written on documents and problems since the last audit.
    activities: list
    foreign: list  # Messages about payments that Odoo doesn't know.
    trail: list
    shown: list  # What shoppers have read since the last audit.
    lost_hours: list  # What restored backups have forgotten: from when to when.
    links: dict  # When APS told again of what Odoo doesn't know, by reference.
    silent: frozenset  # What the dashboard refunded while its notice got lost.


def read_books(world, last_message):
    """ Return what there is to compare now.

    :param World world: The shop.
    :param int last_message: The id of the last message that was audited.
    :rtype: Books
    """
    values = SERIES[world.shop.series]
    queries = {
        name: query.format(last_message=last_message, **values) for name, query in QUERIES.items()
    }
    pairs = ', '.join(
        f"'{name}', (SELECT coalesce(json_agg(row), '[]') FROM ({query}) AS row)"
        for name, query in queries.items()
    )
    read = world.read(f'SELECT json_build_object({pairs})')
    shown, world.shown = world.shown, []
    return Books(
        now=world.now(), ledger=world.shop.sandbox('GET', 'ledger')['payments'], shown=shown,
        lost_hours=world.lost_hours, links=world.links, silent=frozenset(world.silent),
        **to_minor(read),
    )


def to_minor(read):
    """ Return what was read with its amounts in minor units. """
    for name, fields in (
        ('transactions', ('amount',)), ('entries', ('amount', 'moved')),
        ('documents', ('total', 'residual')),
    ):
        for row in read[name]:
            factor = 10 ** decimals_of(row['currency'])
            for field in fields:
                if row[field] is not None:
                    row[field] = round(row[field] * factor)
    return read
