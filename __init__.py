from . import controllers
from . import models
from . import wizards

from odoo.addons.payment import reset_payment_provider, setup_provider


def post_init_hook(env):
    """ Set up the provider when the module is installed. """
    setup_provider(env, 'aps')
    env['payment.method']._aps_setup()
    digest = env.ref('digest.digest_digest_default', raise_if_not_found=False)
    if digest:
        digest.kpi_aps_payments = True


def uninstall_hook(env):
    """ Reset the provider when the module is uninstalled. """
    reset_payment_provider(env, 'aps')
    # A type of activities can't be deleted as long as there is an activity of it.
    env['mail.activity'].with_context(active_test=False).search([
        ('activity_type_id', '=', env.ref('payment_aps.mail_activity_type_problem').id),
    ]).unlink()
