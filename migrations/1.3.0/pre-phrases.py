from odoo.tools.sql import column_exists


def migrate(cr, version):
    """ Forget the former response phrases, which are not accepted any more.

    PostgreSQL leaves the values of a dropped column where they are until a row is written anew, so
    the table is.
    """
    if not column_exists(cr, 'payment_provider', 'aps_sha_response_former'):
        return
    cr.execute("""
        ALTER TABLE payment_provider
        DROP COLUMN aps_sha_response_former,
        DROP COLUMN IF EXISTS aps_sha_response_former_until
    """)
    cr.execute("CLUSTER payment_provider USING payment_provider_pkey")
    cr.execute("ALTER TABLE payment_provider SET WITHOUT CLUSTER")
