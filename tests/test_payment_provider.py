from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.payment_aps.aps.errors import APSNotConfigured
from odoo.addons.payment_aps.models.payment_provider import (
    CREDENTIAL_FIELDS,
    SANDBOX_URL_PARAMETER,
    api_session,
)
from odoo.addons.payment_aps.tests.common import APSCommon, sign


@tagged('post_install', '-at_install')
class TestPaymentProvider(APSCommon):

    def test_credentials_are_stripped_but_kept_inside(self):
        """ Test that white space copied around a credential doesn't break every signature. """
        self.provider.write({name: f' \t{name[4:8]}x1\n' for name in CREDENTIAL_FIELDS[:2]})
        self.provider.aps_sha_request = ' two words $&<> '
        self.assertEqual(self.provider.aps_merchant_identifier, 'mercx1')
        self.assertEqual(self.provider.aps_sha_request, 'two words $&<>')
        copy = self.env['payment.provider'].create({
            'name': "Second", 'code': 'aps', 'aps_sha_response': ' phrase ',
        })
        self.assertEqual(copy.aps_sha_response, 'phrase')

    def test_provider_cannot_be_enabled_without_each_credential(self):
        """ Test that a half-configured provider says which field is missing. """
        for name in CREDENTIAL_FIELDS:
            label = self.provider._fields[name].string
            for blank in (False, '', '   '):
                with self.subTest(field=name, blank=blank), self.assertRaisesRegex(
                    ValidationError, label
                ), self.cr.savepoint():
                    self.provider[name] = blank

    def test_malformed_identifiers_are_refused_by_name(self):
        """ Test that what cannot be an identifier is refused where it was typed. """
        for name in ('aps_merchant_identifier', 'aps_access_code'):
            for value in ('with space', 'a-b', 'x' * 21, 'مرحبا', 'https://example.com'):
                with self.subTest(field=name, value=value), self.assertRaisesRegex(
                    ValidationError, self.provider._fields[name].string
                ), self.cr.savepoint():
                    self.provider[name] = value

    def test_characters_that_cannot_be_seen_are_refused_by_name(self):
        """ Test what is copied along from a web page, and makes all signatures wrong. """
        for name in ('aps_sha_request', 'aps_sha_response'):
            for value in ('with\u200bin', 'a\tb', 'no\u00a0break', '\ufeffbegin'):
                with self.subTest(field=name, value=value), self.assertRaisesRegex(
                    ValidationError, "can't be seen"
                ), self.cr.savepoint():
                    self.provider[name] = value

    def test_disabled_provider_can_be_incomplete(self):
        """ Test that credentials are not asked for before they are needed. """
        self.provider.state = 'disabled'
        self.provider.write(dict.fromkeys(CREDENTIAL_FIELDS, False))
        self.assertFalse(self.provider.aps_access_code)

    def test_credentials_are_for_settings_administrators_only(self):
        """ Test that no credential can be read by others, or is copied with a provider. """
        for name in (*CREDENTIAL_FIELDS, 'aps_sha_type'):
            self.assertEqual(self.provider._fields[name].groups, 'base.group_system')
        copy = self.provider.copy()
        for name in CREDENTIAL_FIELDS:
            self.assertFalse(copy[name], name)

    def test_endpoint_follows_the_state(self):
        """ Test that live payments go to the live page, and no others. """
        live_url = 'https://checkout.payfort.com/FortAPI/paymentPage'
        sandbox_url = 'https://sbcheckout.payfort.com/FortAPI/paymentPage'
        self.assertEqual(self.provider._aps_get_api_url(), sandbox_url)
        self.provider.state = 'disabled'
        self.assertEqual(self.provider._aps_get_api_url(), sandbox_url)
        self.provider.state = 'enabled'
        self.assertEqual(self.provider._aps_get_api_url(), live_url)

    def test_local_sandbox_never_serves_a_live_provider(self):
        """ Test that the system parameter has no say over real money. """
        self.env['ir.config_parameter'].set_param(
            SANDBOX_URL_PARAMETER, 'http://127.0.0.1:8180/'
        )
        self.assertEqual(
            self.provider._aps_get_api_url(), 'http://127.0.0.1:8180/FortAPI/paymentPage'
        )
        self.provider.state = 'enabled'
        self.assertEqual(
            self.provider._aps_get_api_url(), 'https://checkout.payfort.com/FortAPI/paymentPage'
        )

    def test_supported_currencies_include_those_of_the_region(self):
        """ Test that a new provider is offered for the currencies that APS merchants have. """
        names = set(self.provider._get_supported_currencies().mapped('name'))
        self.assertLessEqual(
            {'AED', 'SAR', 'EGP', 'JOD', 'LBP', 'QAR', 'KWD', 'OMR', 'BHD', 'USD', 'EUR'}, names
        )
        self.assertNotIn('BRL', names)

    def test_neutralized_provider_has_no_credentials(self):
        """ Test that a copied database can't take money. """
        self.env['ir.config_parameter'].set_param(SANDBOX_URL_PARAMETER, 'http://x')
        self.env.flush_all()
        sql = Path(__file__).parents[1].joinpath('data', 'neutralize.sql').read_text()
        self.env.cr.execute(sql)
        self.env.invalidate_all()
        for name in CREDENTIAL_FIELDS:
            self.assertFalse(self.provider[name])
        self.assertFalse(self.env['ir.config_parameter'].search(
            [('key', '=', SANDBOX_URL_PARAMETER)]
        ))

    def test_form_shows_the_credentials_and_masks_the_secrets(self):
        """ Test the credentials page of the provider's form. """
        view = self.env['payment.provider'].get_view(view_type='form')['arch']
        for name in (*CREDENTIAL_FIELDS, 'aps_sha_type'):
            self.assertIn(f'name="{name}"', view)
        for name in CREDENTIAL_FIELDS[1:]:
            self.assertRegex(view, rf'<field name="{name}"[^>]*password="True"')

    def test_open_payments_are_asked_about_when_the_credentials_change(self):
        """ Test that what APS told meanwhile, and was not understood, is asked about at once. """
        tx = self._create_transaction('redirect')
        identifier = self.provider.aps_merchant_identifier
        for values, is_asked in (
            ({'aps_merchant_identifier': f' {identifier} ', 'state': 'test'}, False),
            ({'aps_sha_response': f' {self.provider.aps_sha_response}', 'name': "APS"}, False),
            ({'aps_sha_response': 'another response phrase'}, True),
            ({'aps_sha_request': 'another request phrase'}, True),
            ({'aps_access_code': 'Another1'}, True),
            ({'aps_sha_type': 'sha512'}, True),
            ({'aps_merchant_identifier': 'LiveMerchant1'}, False),
            ({'aps_merchant_identifier': identifier}, True),
        ):
            with self.subTest(values=values):
                tx.aps_next_check = fields.Datetime.now() + timedelta(days=1)
                self.provider.write(values)
                self.assertEqual(tx._aps_is_check_due(), is_asked)

    def test_request_without_phrase_is_known_to_be_not_sent(self):
        """ Test that whoever moves money can tell that nothing reached APS. """
        self.env.flush_all()
        self.env.cr.execute('UPDATE payment_provider SET aps_sha_request = NULL')
        self.env.invalidate_all()
        with patch.object(api_session, 'post') as post, self.assertRaises(APSNotConfigured):
            self.provider._aps_make_request({'command': 'REFUND', 'merchant_reference': 'S1'})
        post.assert_not_called()

    def test_message_signed_with_the_former_phrase_is_refused(self):
        """ Test that a changed phrase counts at once, and that no other one does. """
        tx = self._create_transaction('redirect')
        message = self._build_message(tx)
        self.provider.aps_sha_response = 'another response phrase'
        self.env.flush_all()
        self.assertEqual(self._notify(message).status_code, 403)
        self.assertEqual(
            self._notify(sign(message, 'another response phrase')).status_code, 200
        )
        self.assertEqual(tx.state, 'done')
