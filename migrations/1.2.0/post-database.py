def migrate(cr, version):
    """ Take the database for the one in which its live providers were enabled. """
    cr.execute("""
        UPDATE payment_provider
           SET aps_database_uuid = (
                   SELECT value FROM ir_config_parameter WHERE key = 'database.uuid'
               )
         WHERE code = 'aps' AND state = 'enabled' AND aps_database_uuid IS NULL
    """)
