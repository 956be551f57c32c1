from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields

from odoo.addons.payment_aps.aps.schedule import ABANDON_HOURS, LONGEST_CHECK_DAYS


def migrate(cr, version):
    """ Have APS asked about the payments of Odoo's own module that it may still know, whatever that
    module made of their results. Those of a disabled provider, which can't be asked about, note
    their account, so that they are when it is enabled again.
    """
    # Each queue of the check has an index of its own now.
    cr.execute("DROP INDEX IF EXISTS payment_transaction__aps_next_check_index")
    env = api.Environment(cr, SUPERUSER_ID, {})
    now = fields.Datetime.now()
    oldest = now - timedelta(hours=ABANDON_HOURS)
    for provider in env['payment.provider'].search([
        ('code', '=', 'aps'), ('aps_merchant_identifier', '!=', False),
    ]):
        payments = find_payments(provider)
        is_disabled = provider.state == 'disabled'
        # Whether it was live is not known. Those of the sandbox don't matter.
        payments.aps_account = provider._aps_get_account_digest('enabled' if is_disabled else None)
        if not is_disabled:
            payments.filtered_domain(
                [('create_date', '>', oldest), ('aps_next_check', '=', False)]
            ).aps_next_check = now


def find_payments(provider):
    """ Return the payments of a provider that are not settled and know of no account. """
    oldest = fields.Datetime.now() - timedelta(days=LONGEST_CHECK_DAYS)
    return provider.env['payment.transaction'].search([
        ('provider_id', '=', provider.id),
        ('source_transaction_id', '=', False),
        ('aps_account', '=', False),
        '|', ('state', '=', 'authorized'),
        '&', ('state', 'in', ('draft', 'pending', 'error', 'cancel')), ('create_date', '>', oldest),
    ])
