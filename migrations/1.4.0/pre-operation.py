from odoo.tools.sql import column_exists, rename_column


def migrate(cr, version):
    """ Rename the field of the operation, so that it isn't taken for the command of a payment. """
    if not column_exists(cr, 'payment_transaction', 'aps_command'):
        return
    rename_column(cr, 'payment_transaction', 'aps_command', 'aps_operation')
    cr.execute("""
        UPDATE ir_model_fields SET name = 'aps_operation'
         WHERE model = 'payment.transaction' AND name = 'aps_command'
    """)
    cr.execute("""
        UPDATE ir_model_data SET name = replace(name, '__aps_command', '__aps_operation')
         WHERE module = 'payment_aps' AND name LIKE '%payment\\_transaction\\_\\_aps\\_command%'
    """)
