from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields

from odoo.addons.payment_aps.aps.schedule import ABANDON_HOURS


def migrate(cr, version):
    """ Take open payments for those of the account that their provider has, and have APS asked
    about those that it may still know.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    now = fields.Datetime.now()
    oldest = now - timedelta(hours=ABANDON_HOURS)
    for provider in env['payment.provider'].search([
        ('code', '=', 'aps'), ('state', '!=', 'disabled'),
    ]):
        payments = env['payment.transaction'].search([
            ('provider_id', '=', provider.id),
            ('source_transaction_id', '=', False),
            ('state', 'in', ('draft', 'pending', 'authorized')),
            ('aps_account', '=', False),
        ])
        payments.aps_account = provider._aps_get_account_digest()
        payments.filtered(lambda tx: tx.create_date > oldest).aps_next_check = now
