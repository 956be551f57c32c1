from odoo.tests import tagged

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestPaymentMethod(APSCommon):

    def test_method_of_the_answer_is_recorded_even_if_inactive(self):
        """ Test that the brand or method that was used is recorded for every payment option. """
        methods = self.env['payment.method'].with_context(active_test=False)
        for code, option in ((row.method, row.option) for row in const.PAYMENT_OPTIONS):
            method = methods.search([('code', '=', code)], limit=1)
            self.env.cr.execute(
                'UPDATE payment_method SET active = false WHERE id = %s', [method.id]
            )
            method.invalidate_recordset()
            tx = self._create_transaction('redirect', reference=f'M-{code}')
            with self.subTest(code=code):
                self._notify(self._build_message(tx, payment_option=option))
                self.assertEqual(tx.state, 'done')
                self.assertEqual(tx.payment_method_code, code)

    def test_unknown_option_keeps_the_chosen_method(self):
        """ Test that an option that APS added lately doesn't stop a payment. """
        for number, option in enumerate(('JAYWAN', '', None)):
            tx = self._create_transaction('redirect', reference=f'M-{number}')
            with self.subTest(option=option):
                self._notify(self._build_message(tx, payment_option=option))
                self.assertEqual(tx.state, 'done')
                self.assertEqual(tx.payment_method_id, self.card)

    def test_default_methods_are_those_of_aps(self):
        """ Test that enabling the provider activates cards and the brands that APS takes. """
        codes = self.provider._get_default_payment_method_codes()
        self.assertEqual(set(codes), {'card', 'visa', 'mastercard', 'amex'})
