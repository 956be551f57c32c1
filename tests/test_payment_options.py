from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.payment_aps import const
from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, APSCommon

CHOICES = ('payment_option', 'digital_wallet', 'installments')


@tagged('post_install', '-at_install')
class TestPaymentOptions(APSCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.methods = cls.env['payment.method'].with_context(active_test=False)
        # Odoo's tests of other modules may have changed what they share.
        cls.methods.search([('code', 'in', const.LOCAL_NETWORKS)])._aps_set_primary(True)

    def _prepare_payment(self, option, country_code=None, phone='+966 (50) 123-4567', **values):
        """ Return a transaction that fits a payment option.

        :param const.PaymentOption option: The option.
        :param str country_code: The country of the shopper, if it is not to fit.
        :param str|bool phone: The phone number of the shopper.
        :param dict values: Values of the transaction that differ from those that fit.
        :return: The transaction.
        :rtype: recordset of `payment.transaction`
        """
        method = self.methods.search([('code', '=', option.method)], limit=1)
        primary_method = method.primary_payment_method_id or method
        primary_method.provider_ids |= self.provider
        primary_method.active = True
        currency = self._enable(option.currencies[0] if option.currencies else 'AED')
        country_code = country_code or (option.countries or ['AE'])[0]
        self.partner.country_id = self.env['res.country'].search([('code', '=', country_code)])
        self.partner.phone = phone
        return self._create_transaction('redirect', **{
            'reference': f'O-{option.method}-{len(self.env["payment.transaction"].search([]))}',
            'payment_method_id': method.id,
            'currency_id': currency.id,
            **values,
        })

    def _offer(self, method, country_code, currency_code):
        """ Return whether the payment form offers a method. """
        self.partner.country_id = self.env['res.country'].search([('code', '=', country_code)])
        return method in self.env['payment.method']._get_compatible_payment_methods(
            self.provider.ids, self.partner.id, currency_id=self._enable(currency_code).id
        )

    def test_each_option_is_chosen_by_its_own_fields(self):
        """ Test that the payment page opens with the method that was chosen in the shop. """
        for option in const.PAYMENT_OPTIONS:
            with self.subTest(option=option.method):
                values = self._prepare_payment(option)._aps_prepare_form_values()
                self.assertEqual(
                    {name: values[name] for name in CHOICES if name in values}, option.request
                )
                self.assertEqual('phone_number' in values, option.phone)

    def test_provider_takes_only_payments_that_it_is_offered_for(self):
        """ Test that a crafted request can't name a provider in test mode, or one of others. """
        tx = self._create_transaction('redirect')
        public_tx = tx.with_user(self.public_user).sudo()
        self.partner.country_id = self.env.ref('base.ae')
        elsewhere = self.env.ref('base.fr')
        self.assertTrue(public_tx._aps_prepare_form_values())
        for values, undo in (
            ({'is_published': False}, {'is_published': True}),
            ({'available_currency_ids': [(6, 0, self._enable('KWD').ids)]},
             {'available_currency_ids': [(5,)]}),
            ({'available_country_ids': [(6, 0, elsewhere.ids)]}, {'available_country_ids': [(5,)]}),
            ({'maximum_amount': 0.01}, {'maximum_amount': 0}),
            ({'state': 'disabled'}, {'state': 'test', 'is_published': True}),
        ):
            self.provider.write(values)
            with self.subTest(**values), self.assertRaisesRegex(ValidationError, "Choose another"):
                public_tx._aps_prepare_form_values()
            self.provider.write(undo)
        self.assertTrue(public_tx._aps_prepare_form_values())

    def test_charge_without_the_shopper_is_not_limited_by_what_the_shop_offers(self):
        """ Test that a subscription goes on when the provider is for smaller carts. """
        token = self.env['payment.token'].create({
            'provider_id': self.provider.id, 'payment_method_id': self.card.id,
            'partner_id': self.partner.id, 'provider_ref': 'Token1',
            'aps_merchant_identifier': MERCHANT_IDENTIFIER,
        })
        self.partner.country_id = self.env.ref('base.ae')
        tx = self._create_transaction('direct', operation='offline', token_id=token.id)
        self.provider.write({
            'is_published': False, 'maximum_amount': 0.01,
            'available_country_ids': [(6, 0, self.env.ref('base.fr').ids)],
        })
        tx._aps_check_offer()
        tx.operation = 'online_token'
        with self.assertRaisesRegex(ValidationError, "Choose another"):
            tx._aps_check_offer()

    def test_saved_card_of_a_network_that_is_not_offered_by_name_can_be_used(self):
        """ Test that a mada card that was entered under "Card" isn't offered in vain. """
        mada = self.methods.search([('code', '=', 'mada')])
        mada.write({'active': False, 'provider_ids': [(3, self.provider.id)]})
        token = self.env['payment.token'].create({
            'provider_id': self.provider.id, 'payment_method_id': mada.id,
            'partner_id': self.partner.id, 'provider_ref': 'Token1',
            'aps_merchant_identifier': MERCHANT_IDENTIFIER,
        })
        tx = self._create_transaction(
            'token', token_id=token.id, payment_method_id=mada.id,
            currency_id=self._enable('SAR').id,
        )
        tx._aps_check_offer()
        tx.currency_id = self._enable('AED')
        with self.assertRaisesRegex(ValidationError, "Choose another"):
            tx._aps_check_offer()

    def test_what_is_offered_to_a_customer_is_not_refused_for_the_billing_address(self):
        """ Test both partners by whose country Odoo's forms are made. """
        self.partner.country_id = self.env.ref('base.ae')
        kuwait = self.env.ref('base.kw')
        self.provider.available_country_ids = kuwait
        tx = self._create_transaction('redirect')
        customer = self.portal_user.partner_id
        customer.country_id = kuwait
        self.assertTrue(tx.with_user(self.portal_user).sudo()._aps_prepare_form_values())
        with self.assertRaisesRegex(ValidationError, "Choose another"):
            tx.with_user(self.public_user).sudo()._aps_prepare_form_values()
        if 'sale_order_ids' in tx._fields:
            tx.sale_order_ids = self.env['sale.order'].create({'partner_id': customer.id})
            self.assertTrue(tx.with_user(self.public_user).sudo()._aps_prepare_form_values())

    def test_unpublished_provider_can_be_tried_by_staff(self):
        """ Test that administrators can test a provider before shoppers see it. """
        self.provider.is_published = False
        tx = self._create_transaction('redirect').with_user(self.internal_user).sudo()
        self.assertTrue(tx._aps_prepare_form_values())

    def test_provider_takes_only_payments_of_its_company(self):
        """ Test that an order isn't paid to the account of another company. """
        tx = self._create_transaction('redirect')
        if 'sale_order_ids' not in tx._fields:
            self.skipTest("Sales are not installed.")
        order = self.env['sale.order'].create({'partner_id': self.partner.id})
        tx.sale_order_ids = order
        self.assertTrue(tx._aps_prepare_form_values())
        order.company_id = self.env['res.company'].create({'name': "Elsewhere"})
        with self.assertRaisesRegex(ValidationError, "Choose another"):
            tx._aps_prepare_form_values()

    def test_provider_of_another_website_takes_no_order(self):
        """ Test that a crafted request can't name the provider in test mode of a staging site. """
        if 'sale.order' not in self.env or 'website_id' not in self.env['sale.order']._fields:
            self.skipTest("The shop is not installed.")
        tx = self._create_transaction('redirect')
        website, other_website = self.env['website'].create([{'name': "A"}, {'name': "B"}])
        tx.sale_order_ids = self.env['sale.order'].create({
            'partner_id': self.partner.id, 'website_id': website.id,
        })
        self.provider.website_id = other_website
        with self.assertRaisesRegex(ValidationError, "Choose another"):
            tx._aps_prepare_form_values()
        for allowed_website in (website, website.browse()):
            self.provider.website_id = allowed_website
            self.assertTrue(tx._aps_prepare_form_values())
        self.provider.website_id = other_website
        tx.sale_order_ids.website_id = False  # An order of the back office may be paid anywhere.
        self.assertTrue(tx._aps_prepare_form_values())

    def test_only_those_that_know_authorization_are_authorized(self):
        """ Test that manual capture doesn't make a payment impossible, or different from said. """
        payments = [self._prepare_payment(option) for option in const.PAYMENT_OPTIONS]
        self.env.flush_all()
        self.env.cr.execute(  # In 19.0, the engine offers only those then.
            'UPDATE payment_provider SET capture_manually = true WHERE id = %s', [self.provider.id]
        )
        self.provider.invalidate_recordset()
        for option, tx in zip(const.PAYMENT_OPTIONS, payments, strict=True):
            with self.subTest(option=option.method):
                values = tx._aps_prepare_form_values()
                expected = 'AUTHORIZATION' if option.authorization else 'PURCHASE'
                self.assertEqual(values['command'], expected)

    def test_option_is_offered_where_and_only_where_it_works(self):
        """ Test the payment form by country and currency. """
        for option in const.PAYMENT_OPTIONS:
            if option.brand and option.method not in const.LOCAL_NETWORKS:
                continue  # The card is what is offered.
            self._prepare_payment(option)
            method = self.methods.search([('code', '=', option.method)], limit=1)
            method.active = True
            with self.subTest(option=option.method):
                for country_code in option.countries or ['FR']:
                    for currency_code in option.currencies or ['EUR']:
                        self.assertTrue(self._offer(method, country_code, currency_code))
                if option.countries:
                    self.assertFalse(self._offer(method, 'FR', option.currencies[0]))
                    self.assertFalse(self._offer(method, option.countries[0], 'EUR'))

    def test_method_that_does_not_fit_is_refused_before_anything_is_sent(self):
        """ Test that a crafted request gets a sentence, not a payment page. """
        knet = const.OPTIONS_BY_METHOD['knet']
        for values in ({'currency_id': self._enable('AED').id}, {'country_code': 'FR'}):
            with self.subTest(values=values):
                tx = self._prepare_payment(knet, **values)
                with self.assertRaisesRegex(ValidationError, "Choose another payment method"):
                    tx._get_processing_values()
        tx = self._prepare_payment(knet)
        tx.payment_method_id.provider_ids -= self.provider
        with self.assertRaisesRegex(ValidationError, "Choose another payment method"):
            tx._get_processing_values()

    def test_missing_phone_number_is_asked_for(self):
        """ Test that the shopper is told what is missing. """
        tx = self._prepare_payment(const.OPTIONS_BY_METHOD['tabby'], phone=False)
        with self.assertRaisesRegex(ValidationError, "phone number"):
            tx._get_processing_values()

    def test_refund_of_a_part_is_refused_where_only_all_can_be_refunded(self):
        """ Test that the wizard says why instead of APS. """
        tx = self._prepare_payment(const.OPTIONS_BY_METHOD['tabby'], state='done')
        with self.assertRaisesRegex(UserError, "refunded in full"):
            tx._aps_check_refund(1)
        tx._aps_check_refund(tx.amount)

    def test_wallet_keeps_its_name_whatever_card_is_behind_it(self):
        """ Test that the recorded method is what the shopper chose. """
        for code in ('apple_pay', 'installments'):
            with self.subTest(code=code):
                tx = self._prepare_payment(const.OPTIONS_BY_METHOD[code])
                self._notify(self._build_message(tx, payment_option='VISA'))
                self.assertEqual(tx.state, 'done')
                self.assertEqual(tx.payment_method_code, code)

    def test_methods_are_as_the_table_says(self):
        """ Test that what wizards and payment form read agrees with the table. """
        for option in const.PAYMENT_OPTIONS:
            method = self.methods.search([('code', '=', option.method)], limit=1)
            with self.subTest(option=option.method):
                self.assertTrue(method)
                if not option.brand:
                    self.assertEqual(method.support_refund, option.refund)
                    self.assertEqual(method.support_tokenization, option.tokenization)
                self.assertEqual(
                    set(method.mapped('supported_currency_ids.name')), set(option.currencies)
                )
                self.assertEqual(
                    set(method.mapped('supported_country_ids.code')), set(option.countries)
                )

    def test_setup_creates_once_and_respects_what_was_changed_by_hand(self):
        """ Test that an upgrade takes nothing from the admin. """
        mada = self.methods.search([('code', '=', 'mada')], limit=1)
        mada.support_refund = 'full_only'
        count = self.methods.search_count([])

        self.methods._aps_setup()

        self.assertEqual(self.methods.search_count([]), count)
        self.assertEqual(mada.support_refund, 'full_only')

    def test_setup_corrects_what_odoo_ships(self):
        """ Test that mada can be refunded and saved, as at APS. """
        mada = self.methods.search([('code', '=', 'mada')], limit=1)
        self.env.cr.execute(
            "UPDATE payment_method SET support_refund = "
            "CASE WHEN support_refund IS NULL THEN NULL ELSE %s END, support_tokenization = false "
            "WHERE id = %s", ['none', mada.id],
        )
        mada.invalidate_recordset()

        self.methods._aps_setup()

        self.assertTrue(mada.support_tokenization)
        self.assertEqual(mada.support_refund, 'partial')

    def test_local_networks_are_offered_by_name_if_the_admin_wants(self):
        """ Test the switch of the provider, there and back. """
        networks = self.methods.search([('code', 'in', const.LOCAL_NETWORKS)])
        self.provider.aps_has_own_networks = False
        self.assertEqual(networks.primary_payment_method_id, self.card)
        self.assertFalse(self.provider.aps_has_own_networks)

        self.provider.aps_has_own_networks = True

        self.assertFalse(networks.primary_payment_method_id)
        self.assertEqual(
            set(networks.mapped('supported_currency_ids.name')), {'EGP', 'OMR', 'QAR'}
        )
