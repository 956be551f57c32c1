from odoo.tools.sql import column_exists


def migrate(cr, version):
    """ Keep the reasons that were stored as texts. New ones are stored as codes. """
    if not column_exists(cr, 'payment_transaction', 'aps_staff_message'):
        return
    cr.execute("""
        UPDATE payment_transaction
           SET aps_reason = 'text',
               aps_reason_values = jsonb_build_object('text', aps_staff_message)
         WHERE aps_staff_message IS NOT NULL AND aps_reason IS NULL
    """)
    cr.execute("ALTER TABLE payment_transaction DROP COLUMN aps_staff_message")
