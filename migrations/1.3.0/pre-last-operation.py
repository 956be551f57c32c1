def migrate(cr, version):
    """ Drop a column that nothing ever read. """
    cr.execute("ALTER TABLE payment_transaction DROP COLUMN IF EXISTS aps_last_operation")
