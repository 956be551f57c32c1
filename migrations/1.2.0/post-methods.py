from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """ Set up the payment methods, which is otherwise done when the module is installed. """
    env = api.Environment(cr, SUPERUSER_ID, {})
    env['payment.method']._aps_setup()
