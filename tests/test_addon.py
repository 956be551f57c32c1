from odoo.modules.module import get_module_path
from odoo.tests import TransactionCase, tagged

from odoo.addons import payment_aps


@tagged('post_install', '-at_install')
class TestAddon(TransactionCase):

    def test_this_addon_is_loaded_rather_than_that_of_odoo(self):
        """ Test that Odoo didn't silently prefer its own module of the same name. """
        self.assertTrue(hasattr(payment_aps, 'aps'), payment_aps.__file__)
        self.assertTrue(__file__.startswith(get_module_path('payment_aps')))
