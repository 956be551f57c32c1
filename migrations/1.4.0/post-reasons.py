from odoo.tools.sql import SQL, column_exists


def migrate(cr, version):
    """ Keep the reasons that were stored as texts. New ones are stored as codes. """
    if not column_exists(cr, 'payment_transaction', 'aps_staff_message'):
        return
    is_open = SQL.identifier('aps_is_reason_open')
    if not column_exists(cr, 'payment_transaction', 'aps_is_reason_open'):
        is_open = SQL('FALSE')
    cr.execute(SQL("""
        UPDATE payment_transaction
           SET aps_reason = CASE WHEN %s THEN 'open_text' ELSE 'text' END,
               aps_reason_values = jsonb_build_object('text', aps_staff_message)
         WHERE aps_staff_message IS NOT NULL AND aps_reason IS NULL
    """, is_open))
    for column in ('aps_staff_message', 'aps_is_reason_open'):
        cr.execute(SQL(
            "ALTER TABLE payment_transaction DROP COLUMN IF EXISTS %s", SQL.identifier(column)
        ))
