from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.models.payment_method import LOCAL_NETWORKS, OWN_METHODS
from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, APSCommon

CHOICES = ('payment_option', 'digital_wallet', 'installments')


@tagged('post_install', '-at_install')
class TestPaymentOptions(APSCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.methods = cls.env['payment.method'].with_context(active_test=False)
        # Odoo's tests of other modules may have changed what they share.
        cls.methods.search([('code', 'in', LOCAL_NETWORKS)])._aps_set_primary(True)

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

    #=== WHAT IS REFUSED THOUGH IT WAS PAID FOR ===#

    def _make_documents(self):
        """ Return what can be paid: nothing in particular, a quotation and an invoice. """
        documents = {'till': {}}
        if 'sale.order' in self.env:
            order = self.env['sale.order'].create({'partner_id': self.partner.id})
            documents['quotation'] = {'sale_order_ids': [(6, 0, order.ids)]}
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.partner.id,
            'company_id': self.company.id,
        })
        documents['invoice'] = {'invoice_ids': [(6, 0, invoice.ids)]}
        return documents

    def _pay_as_stranger(self, name, **values):
        """ Return the fields of the form of a payment made by somebody who isn't logged in. """
        tx = self._create_transaction('redirect', reference=f'S-{name}', **values)
        self.env.flush_all()
        return tx.with_user(self.public_user).sudo()._aps_prepare_form_values()

    def _limit_provider(self):
        """ Return settings of the provider that exclude what is paid, by what they limit. """
        return {
            'publication': {'is_published': False},
            'currency': {'available_currency_ids': [(6, 0, self._enable('KWD').ids)]},
            'country': {'available_country_ids': [(6, 0, self.env.ref('base.fr').ids)]},
            'maximum': {'maximum_amount': 0.01},
        }

    def test_live_provider_refuses_nothing_for_how_it_is_offered(self):
        """ Test that who pays with real money is not asked how they came to the form. """
        self.partner.country_id = self.env.ref('base.ae')
        self.provider.state = 'enabled'
        for name, values in self._make_documents().items():
            for limit, settings in self._limit_provider().items():
                with self.subTest(document=name, limit=limit):
                    self.provider.write(settings)
                    self.assertTrue(self._pay_as_stranger(f'{name}-{limit}', **values))

    def test_live_provider_is_not_asked_about(self):
        """ Test that the form of a live provider costs no query for what is offered. """
        self.provider.state = 'enabled'
        tx = self._create_transaction('redirect').with_user(self.public_user).sudo()
        self.env.flush_all()
        tx.provider_id.fetch(['state'])
        tx.fetch(['token_id', 'amount', 'currency_id', 'operation'])
        tx.currency_id.fetch(['name'])
        with self.assertQueryCount(0):
            tx._aps_check_offer()

    def test_test_mode_takes_what_is_offered_whatever_its_limits(self):
        """ Test that limits that a form may have been made without are no reason to refuse.

        A donor chooses another amount, or a country other than that of the company.
        """
        self.partner.country_id = self.env.ref('base.ae')
        limits = self._limit_provider()
        del limits['publication']
        for name, values in self._make_documents().items():
            for limit, settings in limits.items():
                with self.subTest(document=name, limit=limit):
                    self.provider.write(settings)
                    self.assertTrue(self._pay_as_stranger(f'{name}-{limit}', **values))

    def test_test_mode_takes_nothing_unless_it_is_published(self):
        """ Test that a crafted request gets nothing for free. """
        for name, values in self._make_documents().items():
            with self.subTest(document=name):
                self.provider.is_published = True
                self.assertTrue(self._pay_as_stranger(name, **values))
                self.provider.is_published = False
                with self.assertRaisesRegex(ValidationError, "Choose another"):
                    self._pay_as_stranger(f'{name}-crafted', **values)

    def test_disabled_provider_takes_nothing(self):
        """ Test that it isn't used, whoever asks. """
        tx = self._create_transaction('redirect')
        self.provider.state = 'disabled'
        with self.assertRaisesRegex(ValidationError, "Choose another"):
            tx._aps_prepare_form_values()

    def test_unpublished_provider_can_be_tried_by_staff(self):
        """ Test that administrators can test a provider before shoppers see it. """
        self.provider.is_published = False
        tx = self._create_transaction('redirect').with_user(self.internal_user).sudo()
        self.assertTrue(tx._aps_prepare_form_values())

    def test_test_mode_takes_only_payments_of_its_company(self):
        """ Test that an order isn't paid for free by the tests of another company. """
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        for name, values in self._make_documents().items():
            if name == 'till':
                continue
            with self.subTest(document=name):
                self.provider.state = 'test'
                [[(_command, _zero, ids)]] = values.values()
                table = 'sale_order' if name == 'quotation' else 'account_move'
                self.env.flush_all()
                self.env.cr.execute(
                    f'UPDATE {table} SET company_id = %s WHERE id = %s', [elsewhere.id, ids[0]]
                )
                self.env.invalidate_all()
                with self.assertRaisesRegex(ValidationError, "Choose another"):
                    self._pay_as_stranger(name, **values)
                self.provider.state = 'enabled'
                self.assertTrue(self._pay_as_stranger(f'{name}-live', **values))

    def test_branch_is_paid_to_the_provider_of_its_company_if_the_engine_says_so(self):
        """ Test a rule that differs from one series of Odoo to the next. """
        tx = self._create_transaction('redirect')
        if 'sale_order_ids' not in tx._fields:
            self.skipTest("Sales are not installed.")
        branch = self.env['res.company'].create({'name': "Branch", 'parent_id': self.company.id})
        tx.sale_order_ids = self.env['sale.order'].create({
            'partner_id': self.partner.id, 'company_id': branch.id,
        })
        is_offered = self.provider in self.env['payment.provider']._get_compatible_providers(
            branch.id, self.partner.id, 10
        )
        if is_offered:
            self.assertTrue(tx._aps_prepare_form_values())
        else:
            with self.assertRaisesRegex(ValidationError, "Choose another"):
                tx._aps_prepare_form_values()

    def test_what_another_module_offers_is_taken(self):
        """ Test that the engine is asked, with what modules make of it.

        Theirs may offer more than the engine, on each page: beyond the maximum, in another country
        or currency, unpublished, for a sister company, and methods anywhere.
        """
        sister = self.env['res.company'].create({'name': "Sister"})
        knet = self.methods.search([('code', '=', 'knet')])
        self.partner.country_id = self.env.ref('base.ae')
        cases = {
            **self._limit_provider(),
            'company': {},
            'method': {},
            'everything': {
                name: value for settings in self._limit_provider().values()
                for name, value in settings.items()
            },
        }
        documents = self._make_documents()
        for limit, settings in cases.items():
            self.provider.write(settings)
            for name, values in documents.items():
                tx = self._create_transaction('redirect', reference=f'M-{name}-{limit}', **{
                    **values, **({'payment_method_id': knet.id} if limit == 'method' else {}),
                })
                if limit == 'company' and name == 'quotation':
                    tx.sale_order_ids.company_id = sister
                with self.subTest(document=name, limit=limit), self._offer_everything():
                    self.assertTrue(
                        tx.with_user(self.public_user).sudo()._aps_prepare_form_values()
                    )

    @contextmanager
    def _offer_everything(self):
        """ Have the engine offer the provider and all methods, as a module could. """
        provider, methods = self.provider, self.methods.search([])
        with (
            patch.object(
                self.env.registry['payment.provider'], '_get_compatible_providers',
                lambda _self, *args, **kwargs: provider,
            ),
            patch.object(
                self.env.registry['payment.method'], '_get_compatible_payment_methods',
                lambda _self, *args, **kwargs: methods,
            ),
        ):
            yield

    def test_what_another_module_withholds_is_not_taken_in_test_mode(self):
        """ Test that a module's rule about who may use the provider holds for crafted requests. """
        with patch.object(
            self.env.registry['payment.provider'], '_get_compatible_providers',
            lambda model, *args, **kwargs: model.browse(),
        ):
            with self.assertRaisesRegex(ValidationError, "Choose another"):
                self._pay_as_stranger('withheld')
            self.provider.state = 'enabled'
            self.assertTrue(self._pay_as_stranger('withheld-live'))

    def test_test_mode_of_another_website_takes_no_order(self):
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
        self.provider.state = 'enabled'
        self.assertTrue(tx._aps_prepare_form_values())
        self.provider.state = 'test'
        tx.sale_order_ids.website_id = False  # An order of the back office may be paid anywhere.
        self.assertTrue(tx._aps_prepare_form_values())

    def test_payment_link_leads_to_the_account_of_the_website_of_its_order(self):
        """ Test the page that Odoo makes without website, and that offers cards of one provider.

        It has to be the one that can be paid to; a live one of another website is better than none.
        """
        if 'sale.order' not in self.env or 'website_id' not in self.env['sale.order']._fields:
            self.skipTest("The shop is not installed.")
        website, other_website = self.env['website'].create([{'name': "A"}, {'name': "B"}])
        order = self.env['sale.order'].create({
            'partner_id': self.partner.id, 'website_id': other_website.id,
        })
        self.provider.website_id = website
        other = self.provider.copy({'name': "Of the other website"})
        other.write({
            'aps_merchant_identifier': 'OtherMerchant', 'aps_access_code': 'OtherAccess',
            'aps_sha_request': 'a', 'aps_sha_response': 'b', 'state': 'test',
            'is_published': True, 'website_id': other_website.id,
        })
        both = self.provider | other

        def offer():
            return both & self.env['payment.provider']._get_compatible_providers(
                self.company.id, self.partner.id, 10, currency_id=self.currency.id,
                sale_order_id=order.id,
            )

        self.assertEqual(offer(), other)
        both.state = 'enabled'
        self.assertEqual(offer(), other)
        other.state = 'test'
        self.assertEqual(offer(), both)
        other.state = 'disabled'
        self.assertEqual(offer(), self.provider)
        self.provider.state = 'test'
        self.assertFalse(offer())

    def test_charge_without_the_shopper_is_not_limited_by_what_the_shop_offers(self):
        """ Test that a subscription goes on when the provider is for smaller carts. """
        token = self._save_card(self.card)
        self.partner.country_id = self.env.ref('base.ae')
        tx = self._create_transaction('direct', operation='offline', token_id=token.id)
        self.provider.write({
            'is_published': False, 'maximum_amount': 0.01,
            'available_country_ids': [(6, 0, self.env.ref('base.fr').ids)],
        })
        public_tx = tx.with_user(self.public_user).sudo()
        public_tx._aps_check_offer()
        tx.operation = 'online_token'
        with self.assertRaisesRegex(ValidationError, "Choose another"):
            public_tx._aps_check_offer()

    def _save_card(self, method):
        """ Return a saved card of the customer. """
        return self.env['payment.token'].create({
            'provider_id': self.provider.id, 'payment_method_id': method.id,
            'partner_id': self.partner.id, 'provider_ref': 'Token1',
            'aps_merchant_identifier': MERCHANT_IDENTIFIER,
        })

    def test_saved_card_is_charged_in_whatever_it_is_offered_for(self):
        """ Test a card that was entered under "Card", in dollars, and that APS calls one of mada.

        The form offers it again, so it is for APS to say whether it can be charged.
        """
        mada = self.methods.search([('code', '=', 'mada')])
        mada.write({'active': False, 'provider_ids': [(3, self.provider.id)]})
        for state in ('test', 'enabled'):
            self.provider.state = state
            token = self._save_card(mada)
            for code in ('SAR', 'AED', 'USD'):
                with self.subTest(state=state, currency=code):
                    tx = self._create_transaction(
                        'token', token_id=token.id, payment_method_id=mada.id,
                        currency_id=self._enable(code).id, reference=f'C-{state}-{code}',
                    )
                    tx.with_user(self.public_user).sudo()._aps_check_offer()

    #=== WHAT AMOUNTS CAN BE PAID ===#

    def test_amount_that_aps_does_not_take_is_not_offered(self):
        """ Test amounts of more than ten digits, and such as are nothing at APS. """
        for code, amount, is_offered in (
            ('LBP', 99999999.99, True), ('LBP', 100000000, False), ('LBP', 150000000, False),
            ('IQD', 9999999.999, True), ('IQD', 10000000, False),
            ('AED', 0.01, True), ('AED', 0.004, False),
            ('AED', 0, True),  # It isn't known yet.
        ):
            usual_offer, offer = (
                self.env['payment.provider']._get_compatible_providers(
                    self.company.id, self.partner.id, each, currency_id=self._enable(code).id
                ) for each in (5, amount)
            )
            with self.subTest(amount=amount, currency=code):
                self.assertEqual(self.provider in offer, is_offered)
                self.assertEqual(offer - self.provider, usual_offer - self.provider)

    def test_amount_that_aps_does_not_take_is_refused_with_a_sentence(self):
        """ Test a form that was made for another amount, and a charge. """
        for code, amount, sentence in (
            ('LBP', 150000000, "more than .* LBP|at most"), ('AED', 0, "smallest"),
            ('AED', -5, "smallest"), ('AED', 0.001, "smallest"),
        ):
            for operation in ('online_redirect', 'offline'):
                tx = self._create_transaction(
                    'redirect', amount=1, currency_id=self._enable(code).id,
                    reference=f'A-{code}-{amount}-{operation}', operation=operation,
                )
                self.env.flush_all()
                self.env.cr.execute(
                    'UPDATE payment_transaction SET amount = %s WHERE id = %s', [amount, tx.id]
                )
                tx.invalidate_recordset()
                with self.subTest(amount=amount, operation=operation), self.assertRaisesRegex(
                    ValidationError, sentence
                ):
                    tx._aps_check_offer()

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

    def test_order_of_a_till_is_charged_at_once(self):
        """ Test that nothing is only reserved that Odoo calls paid and books at once. """
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE payment_provider SET capture_manually = true WHERE id = %s', [self.provider.id]
        )
        self.provider.invalidate_recordset()
        for is_at_till, command in ((False, 'AUTHORIZATION'), (True, 'PURCHASE')):
            self.assertEqual(self.provider._aps_get_payment_command(
                'card', 'online_redirect', is_at_till=is_at_till
            ), command)

    def test_option_is_offered_where_and_only_where_it_works(self):
        """ Test the payment form by country and currency. """
        for option in const.PAYMENT_OPTIONS:
            if option.brand and option.method not in LOCAL_NETWORKS:
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

    def test_missing_phone_number_is_asked_for(self):
        """ Test that the shopper is told what is missing. """
        for phone in (False, 'none', '123'):
            tx = self._prepare_payment(const.OPTIONS_BY_METHOD['tabby'], phone=phone)
            with self.subTest(phone=phone), self.assertRaisesRegex(ValidationError, "phone number"):
                tx._get_processing_values()

    def test_phone_number_is_sent_in_digits_that_aps_reads(self):
        """ Test a number as it is written in Arabic. """
        tx = self._prepare_payment(const.OPTIONS_BY_METHOD['tabby'], phone='٠٥٠١٢٣٤٥٦٧')
        self.assertEqual(tx._aps_prepare_form_values()['phone_number'], '0501234567')

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
        networks = self.methods.search([('code', 'in', LOCAL_NETWORKS)])
        self.provider.aps_has_own_networks = False
        self.assertEqual(networks.primary_payment_method_id, self.card)
        self.assertFalse(self.provider.aps_has_own_networks)

        self.provider.aps_has_own_networks = True

        self.assertFalse(networks.primary_payment_method_id)
        self.assertEqual(
            set(networks.mapped('supported_currency_ids.name')), {'EGP', 'OMR', 'QAR'}
        )

    def test_network_is_offered_by_name_as_soon_as_it_is_switched_on(self):
        """ Test the switches of the list of payment methods, one by one. """
        networks = self.methods.search([('code', 'in', LOCAL_NETWORKS)])
        self.provider.aps_has_own_networks = False
        networks.active = False
        networks.provider_ids = self.provider
        for network in networks:
            with self.subTest(network=network.code):
                option = const.OPTIONS_BY_METHOD[network.code]
                network.active = True
                self.assertFalse(network.primary_payment_method_id)
                self.assertTrue(self._offer(network, option.countries[0], option.currencies[0]))
                network.active = False
                self.assertFalse(self._offer(network, option.countries[0], option.currencies[0]))

    def test_network_of_another_provider_stays_a_brand(self):
        """ Test that a switch doesn't take a brand of cards from a provider that shows it. """
        naps = self.methods.search([('code', '=', 'naps')], limit=1)
        self.provider.aps_has_own_networks = False
        naps.active = False
        naps.provider_ids = self.provider | self.dummy_provider
        naps.active = True
        self.assertEqual(naps.primary_payment_method_id, self.card)

    def test_own_methods_have_images_that_differ(self):
        """ Test that no two methods look the same, and that Odoo's own image is taken. """
        images = {code: self.methods._aps_read_image(code) for code in OWN_METHODS}
        self.assertEqual(len(set(images.values())), len(images))
        self.assertTrue(OWN_METHODS['apple_pay'].startswith('payment/'))

    def test_shoppers_read_names_in_their_language(self):
        """ Test that only the names that Odoo and the addon gave are translated, except brands. """
        installments = self.methods.search([('code', '=', 'installments')], limit=1)
        with patch('odoo.addons.payment_aps.models.payment_method._', '<{}>'.format):
            for method, shipped_name in ((installments, "Installments"), (self.card, "Card")):
                method.name = shipped_name
                self.assertEqual(method._aps_get_label(), f'<{shipped_name}>')
                method.name = "By the month"
                self.assertEqual(method._aps_get_label(), "By the month")
            visa = self.methods.search([('code', '=', 'visa')], limit=1)
            self.assertEqual(visa._aps_get_label(), visa.name)

    def test_missing_phone_is_asked_for_in_the_payment_form(self):
        """ Test that shoppers know before they choose, and are led to their address. """
        tabby = self.methods.search([('code', '=', 'tabby')], limit=1)
        tabby.provider_ids |= self.provider
        tabby.active = True
        self._enable('AED')
        self.partner.country_id = self.env.ref('base.ae')
        for phone, is_asked in ((False, True), ('-', True), ('+971 50 123 4567', False)):
            self.partner.phone = phone
            with self.subTest(phone=phone):
                page = self._open_payment_form()
                self.assertIn('data-payment-method-code="tabby"', page)
                self.assertEqual('Needs your phone number' in page, is_asked)
                self.assertEqual('/my/account' in page, is_asked)

    def _open_payment_form(self):
        """ Return the page of a payment link, as the shopper sees it. """
        values = self._prepare_pay_values(
            amount=100.0, currency=self._enable('AED'), partner=self.partner
        )
        with mute_logger('werkzeug'):  # It logs the token of Odoo's payment link.
            return self._portal_pay(**values).text
