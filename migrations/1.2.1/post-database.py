from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """ Take the database for the one in which its live providers were enabled. """
    env = api.Environment(cr, SUPERUSER_ID, {})
    env['payment.provider'].search([
        ('code', '=', 'aps'), ('state', '=', 'enabled'), ('aps_database', '=', False),
    ])._aps_remember_database()
