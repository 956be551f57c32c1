import hashlib
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.payment_aps.tests.common import ACCESS_CODE, EMAIL, REQUEST_PHRASE, APSCommon, sign


@tagged('post_install', '-at_install')
class TestRedirectForm(APSCommon):

    def _render(self, **values):
        """ Return the form that the shopper's browser would post. """
        tx = self._create_transaction('redirect', **values)
        html = tx._get_processing_values()['redirect_form_html']
        return self._extract_values_from_html_form(html)

    def test_every_posted_field_is_signed_with_the_value_posted(self):
        """ Test that the signature covers exactly the inputs of the form, whatever is missing. """
        no_email_partner = self.env['res.partner'].create({'name': "Walk-in", 'lang': False})
        for values in ({}, {'partner_id': no_email_partner.id}):
            with self.subTest(**values):
                inputs = self._render(reference=f'S1-{len(values)}', **values)['inputs']
                self.assertTrue(all(inputs.values()), "An empty input would break the signature.")
                signature = inputs.pop('signature')
                self.assertEqual(sign(inputs, REQUEST_PHRASE)['signature'], signature)

    def test_sha_type_of_the_provider_is_used(self):
        """ Test that a merchant account with SHA-512 can be used. """
        self.provider.aps_sha_type = 'sha512'
        inputs = self._render()['inputs']
        signature = inputs.pop('signature')
        self.assertEqual(
            sign(inputs, REQUEST_PHRASE, hashlib.sha512)['signature'], signature
        )

    def test_form_says_what_is_paid(self):
        """ Test the values of the form. """
        form = self._render()
        inputs = form['inputs']
        self.assertEqual(form['method'], 'post')
        self.assertEqual(form['action'], 'https://sbcheckout.payfort.com/FortAPI/paymentPage')
        self.assertEqual(inputs['command'], 'PURCHASE')
        self.assertEqual(inputs['access_code'], ACCESS_CODE)
        self.assertEqual(inputs['merchant_reference'], self.reference)
        self.assertEqual(inputs['amount'], '12345')
        self.assertEqual(inputs['currency'], 'EUR')
        self.assertEqual(inputs['customer_email'], EMAIL)
        self.assertTrue(inputs['return_url'].endswith('/payment/aps/return'))
        for absent in ('payment_option', 'order_description', 'customer_ip'):
            self.assertNotIn(absent, inputs, "There is nothing to say.")

    def test_amount_of_three_decimals(self):
        """ Test that a dinar has a thousand fils, however it is rounded in Odoo. """
        dinar = self._enable('KWD')
        dinar.rounding = 0.001
        inputs = self._render(amount=12.345, currency_id=dinar.id)['inputs']
        self.assertEqual((inputs['amount'], inputs['currency']), ('12345', 'KWD'))

        dinar.rounding = 0.01
        inputs = self._render(amount=12.34, currency_id=dinar.id, reference='R2')['inputs']
        self.assertEqual(inputs['amount'], '12340')

    def test_language_is_one_of_aps(self):
        """ Test that shoppers with any language, or none, can pay. """
        self.env['res.lang']._activate_lang('fr_FR')
        self.env['res.lang']._activate_lang('ar_001')
        for lang, language in (('ar_001', 'ar'), ('fr_FR', 'en'), (False, 'en')):
            with self.subTest(lang=lang):
                self.partner.lang = lang
                inputs = self._render(reference=f'L-{lang}')['inputs']
                self.assertEqual(inputs['language'], language)

    def test_language_is_that_of_the_page_that_the_shopper_reads(self):
        """ Test a customer whose contact is English and who shops in Arabic.

        The routes of the engine belong to no website, so they know the page by its cookie.
        """
        self.env['res.lang']._activate_lang('ar_001')
        self.partner.lang = 'en_US'
        for cookie, language in (('ar_001', 'ar'), ('xx_XX', 'en'), ('en_US', 'en'), (None, 'en')):
            with self.subTest(cookie=cookie):
                self.opener.cookies.clear()
                if cookie:
                    self.opener.cookies.set('frontend_lang', cookie)
                values = self._pay_by_route()
                inputs = self._extract_values_from_html_form(values['redirect_form_html'])['inputs']
                self.assertEqual(inputs['language'], language)
                tx = self._get_tx(inputs['merchant_reference'])
                self.assertEqual(tx.partner_lang, 'ar_001' if language == 'ar' else 'en_US')
        self.opener.cookies.clear()
        self.opener.cookies.set('frontend_lang', 'en_US')
        self.partner.lang = 'ar_001'
        values = self._pay_by_route()
        inputs = self._extract_values_from_html_form(values['redirect_form_html'])['inputs']
        self.assertEqual(inputs['language'], 'en')

    def test_shopper_is_told_in_the_language_of_the_page(self):
        """ Test that the result is stored in the words of who reads it. """
        self.env['res.lang']._activate_lang('ar_001')
        self.partner.lang = 'en_US'
        self.opener.cookies.set('frontend_lang', 'ar_001')
        values = self._pay_by_route()
        inputs = self._extract_values_from_html_form(values['redirect_form_html'])['inputs']
        tx = self._get_tx(inputs['merchant_reference'])
        self._notify(self._build_message(tx, status='13', response_code='13666'))
        self.assertEqual(tx.state, 'error')
        self.assertRegex(tx.state_message, '[\u0600-\u06ff]')

    def test_charge_without_the_shopper_keeps_the_language_of_the_customer(self):
        """ Test that the pages that staff happen to have open don't decide. """
        self.env['res.lang']._activate_lang('ar_001')
        self.partner.lang = 'en_US'
        with patch.object(
            type(self.env['payment.transaction']), '_aps_get_page_lang', lambda _self: 'ar_001'
        ):
            charge = self._create_transaction('direct', operation='offline', reference='Charge')
            payment = self._create_transaction('redirect', reference='Payment')
        self.assertEqual(charge.partner_lang, 'en_US')
        self.assertEqual(payment.partner_lang, 'ar_001')

    def test_email_falls_back_from_transaction_to_partner_to_company(self):
        """ Test that a payment without customer's e-mail has an address that APS accepts. """
        company = self.provider.company_id
        company.email = 'shop@example.com'
        tx = self._create_transaction('redirect')

        tx.partner_email = '"Donor" <Donor@Example.com>, second@example.com'
        self.assertEqual(tx._aps_get_customer_email(), 'donor@example.com')
        for unusable in (False, 'not an address', "o'neill!@example.com", 'ali@مثال.com',
                         f'{"a" * 243}@example.com'):
            with self.subTest(unusable=unusable):
                tx.partner_email = unusable
                self.assertEqual(tx._aps_get_customer_email(), EMAIL)
        self.partner.email = False
        self.assertEqual(tx._aps_get_customer_email(), 'shop@example.com')
        company.email = company.partner_id.email = False
        self.assertRegex(tx._aps_get_customer_email(), r'^noreply@[a-z0-9.-]+\.[a-z]+$')

    def test_order_is_described_if_there_is_one(self):
        """ Test that the payment page tells what is paid. """
        if 'sale.order' not in self.env:
            self.skipTest("The sale module is not installed.")
        order = self.env['sale.order'].create({'partner_id': self.partner.id, 'name': 'S0 & طلب 7'})
        inputs = self._render(sale_order_ids=[(6, 0, order.ids)])['inputs']
        self.assertEqual(inputs['order_description'], 'S0 7')

    def test_return_leads_to_a_name_in_ascii(self):
        """ Test a shop whose domain is written in Arabic. """
        for base_url, expected in (
            ('https://متجر.example', 'https://xn--pgbep1f.example/payment/aps/return'),
            ('https://shop.example/', 'https://shop.example/payment/aps/return'),
        ):
            with patch.object(type(self.provider), 'get_base_url', lambda _self, url=base_url: url):
                inputs = self._render(reference=f'U-{len(base_url)}')['inputs']
            self.assertEqual(inputs['return_url'], expected)

    def test_provider_without_phrase_cannot_sign(self):
        """ Test that nothing is sent in the name of a provider that was neutralized. """
        self.env.cr.execute(
            'UPDATE payment_provider SET aps_sha_request = NULL WHERE id = %s', [self.provider.id]
        )
        self.provider.invalidate_recordset()
        with self.assertRaisesRegex(Exception, "SHA phrases are missing"):
            self._render()

    def test_shopper_s_address_and_return_come_from_the_request(self):
        """ Test the form as the payment route returns it to a shopper. """
        values = self._pay_by_route()
        inputs = self._extract_values_from_html_form(values['redirect_form_html'])['inputs']
        self.assertEqual(inputs['customer_ip'], '127.0.0.1')
        self.assertRegex(inputs['merchant_reference'], r'^S00042-\w{8}$')
        signature = inputs.pop('signature')
        self.assertEqual(sign(inputs, REQUEST_PHRASE)['signature'], signature)

    def _pay_by_route(self):
        """ Return the processing values of a payment made through the public route. """
        self.provider.is_published = True
        return self._get_processing_values(
            provider_id=self.provider.id,
            payment_method_id=self.payment_method_id,
            token_id=None,
            amount=self.amount,
            currency_id=self.currency.id,
            partner_id=self.partner.id,
            access_token=self._generate_test_access_token(
                self.partner.id, self.amount, self.currency.id
            ),
            reference_prefix='S00042',
            landing_route='/dummy',
            tokenization_requested=False,
            is_validation=False,
            flow='redirect',
        )
