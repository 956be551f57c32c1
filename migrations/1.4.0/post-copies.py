from odoo import SUPERUSER_ID, api

TYPE_NAME = 'payment_aps.mail_activity_type_copy'


def migrate(cr, version):
    """ Forget how administrators were told of a copy: it is one of the problems now. """
    env = api.Environment(cr, SUPERUSER_ID, {})
    env['ir.config_parameter'].search([('key', '=', 'payment_aps.told_copy')]).unlink()
    activity_type = env.ref(TYPE_NAME, raise_if_not_found=False)
    if activity_type:
        env['mail.activity'].with_context(active_test=False).search([
            ('activity_type_id', '=', activity_type.id),
        ]).unlink()
        activity_type.unlink()
