import hashlib
from datetime import timedelta
from json import dumps
from unittest.mock import Mock, patch

import requests

from odoo import fields, http
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.signature import compute_signature
from odoo.addons.payment_aps.models import payment_provider
from odoo.addons.payment_aps.models.payment_provider import CHECKED_FIELDS, SANDBOX_URL_PARAMETER
from odoo.addons.payment_aps.tests.common import (
    REQUEST_PHRASE,
    RESPONSE_PHRASE,
    SECRETS,
    APSCommon,
    sign,
)

SETUP_LOGGER = 'odoo.addons.payment_aps.models.payment_provider_setup'
SHOP = 'https://shop.example.com'


@tagged('post_install', '-at_install')
class TestProviderSetup(APSCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_base_url(SHOP)

    @classmethod
    def _set_base_url(cls, url):
        """ Set the address of the database. """
        cls.env['ir.config_parameter'].set_param('web.base.url', url)

    def _get_warning(self, **values):
        """ Return the warnings of the form after values were entered. """
        with Form(self.provider, view='payment.payment_provider_form') as form:
            for name, value in values.items():
                setattr(form, name, value)
            warning = form.aps_setup_warning
        return warning or ''

    def _get_checklist(self, provider=None):
        """ Return all steps of the checklist, as HTML. """
        provider = provider or self.provider
        steps = (provider.aps_checklist, provider.aps_return_step, provider.aps_webhook_step)
        return ''.join(str(step or '') for step in steps)

    def _receive(self, route, minutes=3, reference='IN'):
        """ Have a message come some minutes ago. """
        tx = self._create_transaction('redirect', reference=f'{reference}-{route}')
        self._post(f'/payment/aps/{route}', self._build_message(tx))
        self.env.cr.execute(
            "UPDATE payment_aps_message SET create_date = %s WHERE provider_id = %s",
            [fields.Datetime.now() - timedelta(minutes=minutes), self.provider.id],
        )
        self.env.invalidate_all()

    def test_addresses_are_those_of_the_routes(self):
        """ Test what is copied into the APS dashboard. """
        self.assertEqual(self.provider.aps_origin_url, SHOP)
        self.assertEqual(self.provider.aps_return_url, f'{SHOP}/payment/aps/return')
        self.assertEqual(self.provider.aps_webhook_url, f'{SHOP}/payment/aps/webhook')

    def test_addresses_are_those_of_the_website(self):
        """ Test that a provider of one website, or of a company with a website, has its domain. """
        if 'website' not in self.env or 'website_id' not in self.provider._fields:
            self.skipTest("Websites are not installed.")
        website = self.env['website'].create({
            'name': "Second", 'domain': 'https://second.example.com',
            'company_id': self.provider.company_id.id,
        })
        self.provider.website_id = website
        self.env.invalidate_all()
        self.assertEqual(
            self.provider.aps_webhook_url, 'https://second.example.com/payment/aps/webhook'
        )

        self.provider.website_id = False
        self.provider.company_id.website_id = website
        self.env.invalidate_all()
        self.assertEqual(
            self.provider.aps_webhook_url, 'https://second.example.com/payment/aps/webhook'
        )

    def test_addresses_that_aps_cannot_use_are_named(self):
        """ Test the hosts, ports and schemes that keep APS away. """
        for url, warning in (
            ('http://localhost:8069', "can't reach localhost"),
            ('https://shop.local', "can't reach shop.local"),
            ('https://192.168.1.20', "can't reach 192.168.1.20"),
            ('https://10.0.0.5:8069', "can't reach 10.0.0.5"),
            ('http://127.0.0.1', "can't reach 127.0.0.1"),
            ('https://[fe80::1]', "can't reach fe80::1"),
            ('https://intranet', "can't reach intranet"),
            ('http://shop.example.com', "begin with https"),
            ('https://shop.example.com:8443', "standard port only"),
            ('https://8.8.8.8', "instead of an IP address"),
            ('https://[2606:4700::1111]', "instead of an IP address"),
        ):
            with self.subTest(url=url):
                self._set_base_url(url)
                self.env.invalidate_all()
                self.assertIn(warning, self.provider.aps_setup_warning)

    def test_good_address_of_a_provider_that_is_heard_has_no_warning(self):
        """ Test that a warning means something. """
        for state in ('test', 'enabled'):
            self.provider.state = state
            self._receive('webhook', reference=state)
            self.assertFalse(self.provider.aps_setup_warning)

    def test_host_of_several_databases_is_named(self):
        """ Test that a webhook that can't know its database is found before it is missed. """
        name = self.env.cr.dbname
        for databases, is_lost in (
            ([name], False), ([], False), ([name, 'other'], True), (['other'], True),
        ):
            with self.subTest(databases=databases), patch.object(
                http, 'db_list', return_value=databases
            ) as db_list:
                self.env.invalidate_all()
                warning = self.provider.aps_setup_warning
                self.assertEqual("don't find this database" in warning, is_lost)
                db_list.assert_called_with(force=True, host='shop.example.com')
                self.assertNotIn('other', warning.replace("another", ""))

    def test_warning_before_live_payments_if_nothing_ever_came(self):
        """ Test the form while it is edited: the warning blocks nothing, but is said at once. """
        self.assertIn("make a test payment before", self._get_warning())
        with self.assertLogs('odoo.tests.form.onchange') as log, mute_logger(SETUP_LOGGER):
            self.assertIn("You are about to take live payments", self._get_warning(state='enabled'))
        self.assertIn("Shoppers pay real money as soon as you save", log.output[0])
        self.assertEqual(self.provider.state, 'enabled')
        self.assertIn("Live payments are taken, but", self._get_warning())

    def test_sandbox_proves_nothing_about_the_live_account(self):
        """ Test that each step begins anew when the provider goes live, with the same keys too. """
        self._check_as_known_by('test')
        self._receive('webhook')
        self._receive('return')
        self.assertEqual(self._get_checklist().count('title="Done"'), 3)
        with mute_logger('odoo.tests.form.onchange', SETUP_LOGGER), Form(
            self.provider, view='payment.payment_provider_form'
        ) as form:
            form.state = 'enabled'
            self.assertFalse(form.aps_check_result)
            self.assertIn("Nothing that the sandbox said", form.aps_setup_warning)
            self.assertEqual(str(form.aps_return_step).count('title="To do"'), 1)
            form.state = 'test'
            self.assertIn("All is well", form.aps_check_result)
            form.state = 'enabled'
        self.assertEqual(self._get_checklist().count('title="Done"'), 0)
        self.assertIn("have not been checked yet", self.provider.aps_setup_warning)
        self.assertIn("Live payments are taken, but", self.provider.aps_setup_warning)

        self._receive('webhook', reference='LIVE')
        self.assertEqual(self._get_checklist().count('title="Done"'), 1)
        self.assertFalse(self.provider.aps_setup_warning)
        self.provider.state = 'test'
        self.assertEqual(self._get_checklist().count('title="Done"'), 2)

    def test_another_merchant_proves_nothing_about_this_one(self):
        """ Test that a shop that moves to another account sets it up anew. """
        self._receive('webhook')
        self.provider.aps_merchant_identifier = 'AnotherMerchant1'
        self.assertIn("Last notification: never", self._get_checklist())

    def test_no_warning_before_live_payments_once_aps_was_heard(self):
        """ Test the form of a provider that was live before. """
        self.provider.state = 'enabled'
        self._receive('webhook')
        self.provider.state = 'disabled'
        self.assertFalse(self._get_warning(state='enabled'))

    def test_live_payments_with_unchecked_credentials_are_not_silent(self):
        """ Test that a write by whatever way is possible, and tells the user of what is open. """
        def read_notices():
            self.env.cr.precommit.run()
            return self.env['bus.bus'].search([]).mapped('message')

        self._set_base_url('http://localhost')
        with self.assertLogs(SETUP_LOGGER, 'WARNING') as log:
            self.provider.state = 'enabled'
        self.assertIn("although: APS can't reach localhost", log.output[0])
        self.assertIn("have not been checked yet", read_notices()[-1])

        self._set_base_url(SHOP)
        self._receive('webhook')
        self.provider.state = 'test'
        with self.assertNoLogs(SETUP_LOGGER, 'WARNING'):
            self.provider.state = 'enabled'

    def test_disabled_provider_has_no_warning(self):
        """ Test that nobody is bothered who doesn't use APS. """
        self._set_base_url('http://localhost')
        self.provider.state = 'disabled'
        self.assertFalse(self.provider.aps_setup_warning)

    def test_checklist_shows_what_odoo_can_see(self):
        """ Test the states of the five steps. """
        checklist = self._get_checklist()
        self.assertEqual(checklist.count('<li'), 5)
        self.assertEqual(checklist.count('title="Done"'), 0)
        self.assertIn("click on Check Credentials", checklist)
        self.assertIn("As below. Last answer of APS: never", checklist)
        self.assertIn("Last return of a shopper: never", checklist)
        self.assertIn("Last notification: never", checklist)

        self.provider.write({
            'aps_check_date': fields.Datetime.now(), 'aps_check_result': "All is well",
        })
        self._receive('webhook')
        checklist = self._get_checklist()
        self.assertIn("Last return of a shopper: never", checklist)
        self.assertIn("Last notification: 3 minutes ago", checklist)
        self._receive('return')
        checklist = self._get_checklist()
        self.assertEqual(checklist.count('title="Done"'), 3)
        self.assertIn("Last return of a shopper: 3 minutes ago", checklist)
        self.assertIn("Checked successfully", checklist)

        self.provider.write({'aps_check_date': False, 'aps_check_result': "A mistake"})
        self.assertIn('title="Wrong"', self._get_checklist())

    def test_payment_proves_the_credentials_it_was_begun_with(self):
        """ Test credentials that nobody checked, but a shopper paid with. """
        def age(minutes):
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE payment_provider SET write_date = %s WHERE id = %s",
                [fields.Datetime.now() - timedelta(minutes=minutes), self.provider.id],
            )
            self.env.invalidate_all()

        age(minutes=60)
        self._receive('webhook')
        self.assertIn("A payment proved them right 3 minutes ago", self._get_checklist())
        self.assertEqual(self._get_checklist().count('title="Done"'), 2)
        with Form(self.provider, view='payment.payment_provider_form') as form:
            form.aps_sha_request = 'another phrase'
            self.assertIn("not checked yet", str(form.aps_checklist))
        self.assertIn("not checked yet", self._get_checklist())

        # It was begun before the change, with what is not known any more.
        age(minutes=-1)
        self.assertIn("not checked yet", self._get_checklist())

        # A refused request is signed as well, but proves nothing of what Odoo signs.
        age(minutes=60)
        self.env.cr.execute("UPDATE payment_aps_message SET status = '00'")
        self.assertIn("not checked yet", self._get_checklist())

    def test_messages_are_counted(self):
        """ Test the figure of the button. """
        self.assertEqual(self.provider.aps_message_count, 0)
        self._receive('webhook')
        self.assertEqual(self.provider.aps_message_count, 1)
        self.assertEqual(self.dummy_provider.aps_message_count, 0)

    def test_checklist_names_what_is_missing_and_reveals_nothing(self):
        """ Test that the checklist is safe to show, whatever the address is. """
        self._set_base_url('https://<script>alert(1)</script>')
        for secret in SECRETS:
            self.assertNotIn(secret, self._get_checklist())
        self.assertNotIn('<script>', self._get_checklist())
        self.provider.state = 'disabled'
        self.provider.write({'aps_sha_request': False, 'aps_access_code': False})
        self.assertIn(
            "Missing here: Access Code, SHA Request Phrase.", self._get_checklist()
        )

    def test_result_of_a_check_is_forgotten_with_what_it_depends_on(self):
        """ Test that a provider isn't said to be right because it once was. """
        values = {
            'aps_sha_type': 'sha512', 'state': 'disabled',
            **dict.fromkeys(CHECKED_FIELDS[:4], 'Changed1'),
        }
        self.assertEqual(set(values), set(CHECKED_FIELDS))
        for name, value in values.items():
            with self.subTest(field=name):
                self.provider.write({
                    'aps_check_date': fields.Datetime.now(), 'aps_check_result': "All is well",
                })
                self.provider[name] = value
                self.assertFalse(self.provider.aps_check_result)
                self.assertFalse(self.provider.aps_check_date)

    def _check_as_known_by(self, environment, phrase=RESPONSE_PHRASE):
        """ Check the credentials while the hosts of one environment know the merchant.

        :param str|None environment: `enabled`, `test`, or none of them.
        :param str phrase: What they sign with.
        :return: What the check says, and the hosts that were asked.
        :rtype: tuple[str, list[str]]
        """
        hosts = []

        def answer(url, json, **_options):
            hosts.append(url.removesuffix(const.PAYMENT_API_PATH))
            is_known = hosts[-1] == const.HOSTS['api'].get(environment)
            response = Mock(status_code=200)
            response.content = dumps(sign({
                'query_command': 'CHECK_STATUS', 'status': '12' if is_known else '00',
                'response_code': '11036' if is_known else '00009',
                'merchant_reference': json['merchant_reference'],
            }, phrase)).encode()
            return response

        # The hosts of APS are out of reach, and the local sandbox can't stand in for live ones.
        self.env['ir.config_parameter'].set_param(SANDBOX_URL_PARAMETER, False)
        with patch.object(payment_provider.api_session, 'post', answer):
            self.provider.action_aps_check_setup()
        return self.provider.aps_check_result, hosts

    def test_credentials_of_the_other_environment_are_recognized(self):
        """ Test what is easily confused, in a database that was never live before. """
        hosts = const.HOSTS['api']
        self.provider.state = 'test'
        self.assertEqual(self._check_as_known_by('test')[1], [hosts['test']])

        result, asked_hosts = self._check_as_known_by('enabled')
        self.assertIn("These are the credentials of a live account", result)
        self.assertEqual(asked_hosts, [hosts['test'], hosts['enabled']])
        self.assertIn("doesn't know the merchant identifier", self._check_as_known_by(None)[0])

        self.provider.state = 'enabled'
        self.assertEqual(self._check_as_known_by('enabled')[1], [hosts['enabled']])

        result, asked_hosts = self._check_as_known_by('test')
        self.assertIn("These are the credentials of a sandbox account", result)
        self.assertEqual(asked_hosts, [hosts['enabled'], hosts['test']])
        self.assertIn("doesn't know the merchant identifier", self._check_as_known_by(None)[0])

    def test_weak_phrases_are_warned_of_but_pass(self):
        """ Test phrases that could be guessed, or that are the same: APS takes them. """
        for phrases, warnings in (
            (('a long request phrase', 'a long response phrase'), []),
            (('one and the same', 'one and the same'), ["The two SHA phrases are the same"]),
            (('short', 'a long response phrase'), ["SHA Request Phrase has less than 16"]),
            (('a long request phrase', 'fifteen letters'), ["SHA Response Phrase has less than"]),
            (('short', 'short'), [
                "The two SHA phrases are the same", "SHA Request Phrase has", "SHA Response Phrase",
            ]),
        ):
            with self.subTest(phrases=phrases):
                self.provider.write({
                    'aps_sha_request': phrases[0], 'aps_sha_response': phrases[1],
                })
                result, _hosts = self._check_as_known_by('test', phrase=phrases[1])
                self.assertTrue(self.provider.aps_check_date)
                lines = result.splitlines()
                self.assertIn("All is well", lines[0])
                self.assertEqual(len(lines), len(warnings) + 1)
                checklist = self._get_checklist()
                self.assertIn("Checked successfully", checklist)
                self.assertEqual(checklist.count('title="Done"'), 0 if warnings else 1)
                for line, warning in zip(lines[1:], warnings, strict=True):
                    self.assertIn(warning, line)
                    self.assertIn(warning, checklist)

    def _check_with(self, *requests_accepted, **changes):
        """ Check the credentials while APS has others.

        :param list requests_accepted: The phrase and the SHA type by which APS takes requests.
        :param dict changes: The phrase and the algorithm with which it signs.
        """
        def answer(url, json, **_options):
            is_accepted = json['signature'] == compute_signature(json, *requests_accepted)
            return Mock(status_code=200, content=dumps(sign({
                'query_command': 'CHECK_STATUS', 'status': '12' if is_accepted else '00',
                'response_code': '11036' if is_accepted else '00008',
                'merchant_reference': json['merchant_reference'],
            }, **changes)).encode())

        return patch.object(payment_provider.api_session, 'post', answer)

    def test_swapped_phrases_are_put_right_with_one_click(self):
        """ Test the button, and that it does nothing more if they are right meanwhile. """
        with self._check_with(RESPONSE_PHRASE, 'sha256', phrase=REQUEST_PHRASE):
            self.provider.action_aps_check_setup()
            self.assertEqual(self.provider.aps_check_problem, 'swapped')
            self.assertNotIn("SHA-256", self.provider.aps_check_result)
            for _attempt in range(2):
                self.provider.action_aps_swap_phrases()
                self.assertIn("All is well", self.provider.aps_check_result)
        self.assertEqual(self.provider.aps_sha_request, RESPONSE_PHRASE)
        self.assertEqual(self.provider.aps_sha_response, REQUEST_PHRASE)
        self.assertFalse(self.provider.aps_check_problem)

    def test_sha_type_is_put_right_with_one_click(self):
        """ Test the button, and that it does nothing more if it is right meanwhile. """
        with self._check_with(REQUEST_PHRASE, 'sha512', algorithm=hashlib.sha512):
            self.provider.action_aps_check_setup()
            self.assertEqual(self.provider.aps_check_problem, 'sha512')
            for _attempt in range(2):
                self.provider.action_aps_use_sha_type()
                self.assertEqual(self.provider.aps_sha_type, 'sha512')
                self.assertIn("All is well", self.provider.aps_check_result)

    def _check_with_answer(self, **answer):
        """ Check the credentials while APS answers something, and return what the check says. """
        def post(_url, json, **_options):
            fields = {**answer, 'merchant_reference': json['merchant_reference']}
            return Mock(status_code=200, content=dumps(fields).encode())

        with patch.object(payment_provider.api_session, 'post', post):
            self.provider.action_aps_check_setup()
        return self.provider.aps_check_result

    def test_answer_that_is_not_signed_proves_nothing(self):
        """ Test that whoever answers in APS's place can't have credentials called right. """
        result = self._check_with_answer(
            query_command='CHECK_STATUS', status='12', response_code='11036',
        )
        self.assertIn("is not signed", result)
        self.assertEqual(self.provider.aps_check_problem, 'mistake')
        self.assertFalse(self.provider.aps_check_date)

    def test_refusals_say_what_to_do(self):
        """ Test what APS refuses for another reason than a phrase. """
        for code, text in (
            (const.ACCESS_CODE_MESSAGE_CODE, "The access code is wrong"),
            (const.INACTIVE_ACCOUNT_MESSAGE_CODE, "The merchant account is not active"),
            (const.NO_JSON_MESSAGE_CODE, "doesn't accept JSON"),
            ('044', "APS refused the check"),
        ):
            with self.subTest(code=code):
                answer = sign({'status': '00', 'response_code': f'00{code}'})
                self.assertIn(text, self._check_with_answer(**answer))
                self.assertFalse(self.provider.aps_check_date)

    def test_network_trouble_is_no_mistake(self):
        """ Test that what was found out before stays, as nothing speaks against it. """
        def refuse(*_args, **_options):
            raise requests.exceptions.ConnectTimeout

        for date, state in ((False, 'Not seen by Odoo'), (fields.Datetime.now(), 'Done')):
            self.provider.aps_check_date = date
            with patch.object(payment_provider.api_session, 'post', refuse):
                self.provider.action_aps_check_setup()
            self.assertEqual(self.provider.aps_check_problem, 'unreachable')
            self.assertIn("can't be reached", self.provider.aps_check_result)
            self.assertEqual(self.provider.aps_check_date, date)
            checklist = self._get_checklist()
            self.assertNotIn('title="Wrong"', checklist)
            self.assertLess(checklist.index(f'title="{state}"'), checklist.index("Origin URL"))

    def test_test_payment_is_a_link_that_odoo_accepts(self):
        """ Test that the page takes the amount and the currency, and offers the provider. """
        self.authenticate('admin', 'admin')
        action = self.make_jsonrpc_request('/web/dataset/call_button', {
            'model': 'payment.provider', 'method': 'action_aps_make_test_payment',
            'args': [self.provider.ids], 'kwargs': {},
        })
        with mute_logger('werkzeug'):  # It logs the token of Odoo's payment link.
            page = self.url_open(action['url'])
        self.assertEqual(page.status_code, 200)
        self.assertIn(f'data-provider-id="{self.provider.id}"', page.text)
        self.assertIn('APS-TEST', page.text)

    def test_test_payment_is_in_a_currency_that_the_provider_takes(self):
        """ Test the currency of the company, that of the provider, and the lack of both. """
        currency = self.provider._aps_find_test_currency()
        self.assertEqual(currency, self.provider.company_id.currency_id)
        dirham = self._enable('AED')
        self.provider.available_currency_ids = dirham
        self.assertEqual(self.provider._aps_find_test_currency(), dirham)
        dirham.active = False
        with self.assertRaisesRegex(UserError, "None of the currencies"):
            self.provider.action_aps_make_test_payment()

    def test_check_without_credentials_names_them_and_sends_nothing(self):
        """ Test the button on a provider that is not filled in. """
        self.provider.state = 'disabled'
        self.provider.write(dict.fromkeys(CHECKED_FIELDS[:4], False))
        self.provider.action_aps_check_setup()
        self.assertEqual(
            self.provider.aps_check_result,
            "Missing here: Merchant Identifier, Access Code, SHA Request Phrase, "
            "SHA Response Phrase.",
        )

    def test_check_is_for_settings_administrators_only(self):
        """ Test that the method is as well protected as the button. """
        for user in (self.internal_user, self.portal_user, self.public_user):
            with self.assertRaises(AccessError):
                self.provider.with_user(user).action_aps_check_setup()
            for name in (
                'action_aps_swap_phrases', 'action_aps_use_sha_type', 'action_aps_look_again',
                'action_aps_make_test_payment', 'action_aps_prepare_live_payments',
            ):
                with self.assertRaises(AccessError):
                    getattr(self.provider.with_user(user), name)()

    def test_set_up_fields_are_for_settings_administrators_only(self):
        """ Test that nobody else learns about the state of the set-up. """
        names = [
            'aps_return_url', 'aps_webhook_url', 'aps_setup_warning', 'aps_checklist',
            'aps_origin_url', 'aps_message_count',
            'aps_check_result', 'aps_check_date', 'aps_check_problem', 'aps_return_step',
            'aps_webhook_step', 'aps_database', 'aps_is_in_copy',
        ]
        for name in names:
            self.assertEqual(self.provider._fields[name].groups, 'base.group_system', name)

    def test_other_providers_are_left_alone(self):
        """ Test that the form of another provider shows nothing of this. """
        for name in ('aps_setup_warning', 'aps_is_in_copy'):
            self.assertFalse(self.dummy_provider[name], name)
        self.assertNotIn('<li', self._get_checklist(self.dummy_provider))
