def migrate(cr, version):
    """ Keep only Odoo's identifier of the database in which a provider was enabled.

    Nothing is confirmed by that: what is not known stays so.
    """
    cr.execute("""
        UPDATE payment_provider
           SET aps_database = split_part(aps_database, ' ', 1)
         WHERE aps_database LIKE '% %'
    """)
