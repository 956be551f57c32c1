from odoo.tools.sql import column_exists


def migrate(cr, version):
    """ Tell a check of the credentials that was passed by its date, which others have no more. """
    if not column_exists(cr, 'payment_provider', 'aps_is_check_passed'):
        return
    cr.execute("""
        UPDATE payment_provider
           SET aps_check_date = NULL
         WHERE aps_check_date IS NOT NULL
           AND aps_is_check_passed IS NOT TRUE
    """)
    cr.execute("ALTER TABLE payment_provider DROP COLUMN aps_is_check_passed")
