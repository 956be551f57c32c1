from odoo import SUPERUSER_ID, api
from odoo.tools.sql import column_exists


def migrate(cr, version):
    """ Take the database for the one in which its live providers were enabled, unless the version
    1.2.0 knows that it is a copy.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    providers = env['payment.provider'].search([
        ('code', '=', 'aps'), ('state', '=', 'enabled'), ('aps_database', '=', False),
    ])
    if column_exists(cr, 'payment_provider', 'aps_database_uuid'):  # Of 1.2.0.
        cr.execute(
            "SELECT id FROM payment_provider WHERE aps_database_uuid = %s",
            [env['ir.config_parameter'].get_param('database.uuid')],
        )
        providers &= providers.browse(row[0] for row in cr.fetchall())
    providers._aps_remember_database()
