import hashlib
from datetime import timedelta
from json import dumps
from unittest.mock import Mock, patch

import requests

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.signature import compute_signature
from odoo.addons.payment_aps.models import payment_provider
from odoo.addons.payment_aps.models.payment_provider import KEY_ATTRIBUTES
from odoo.addons.payment_aps.tests.common import (
    ACCESS_CODE,
    MERCHANT_IDENTIFIER,
    REQUEST_PHRASE,
    RESPONSE_PHRASE,
    sign,
)
from odoo.addons.payment_aps.tests.problem_common import ProblemCommon

SETUP_LOGGER = 'odoo.addons.payment_aps.models.payment_provider_setup'
# No log may show them either: each holds one of `SECRETS`.
LIVE = {
    'aps_merchant_identifier': f'{MERCHANT_IDENTIFIER}Live',
    'aps_access_code': f'{ACCESS_CODE}L',
    'aps_sha_type': 'sha256',
    'aps_sha_request': f'{REQUEST_PHRASE} live',
    'aps_sha_response': f'{RESPONSE_PHRASE} live',
}


@tagged('post_install', '-at_install')
class TestGoLive(ProblemCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['ir.config_parameter'].set_param('web.base.url', 'https://shop.example.com')
        cls.provider.write({'state': 'test', 'is_published': False})
        cls.test_keys = cls._read_keys()

    @classmethod
    def _read_keys(cls):
        """ Return the credentials of the provider, and its state. """
        return {name: cls.provider[name] for name in (*KEY_ATTRIBUTES, 'state', 'is_published')}

    def setUp(self):
        super().setUp()
        self.live_algorithm, self.live_sha_type, self.asked_hosts = hashlib.sha256, 'sha256', []
        self.startPatcher(patch.object(payment_provider.api_session, 'post', self._answer))

    def _answer(self, url, json, **_options):
        """ Answer as the live account does. """
        self.asked_hosts.append(url.removesuffix(const.PAYMENT_API_PATH))
        signature = compute_signature(json, LIVE['aps_sha_request'], self.live_sha_type)
        code = '12036' if json['signature'] == signature else '00008'
        if json['merchant_identifier'] != LIVE['aps_merchant_identifier']:
            code = '00009'
        return Mock(status_code=200, content=dumps(sign({
            'query_command': 'CHECK_STATUS', 'status': code[:2], 'response_code': code,
            'merchant_reference': json['merchant_reference'],
        }, LIVE['aps_sha_response'], self.live_algorithm)).encode())

    def _close_live_host(self):
        """ Have the host be out of reach. """
        error = requests.exceptions.ConnectTimeout
        self.startPatcher(patch.object(payment_provider.api_session, 'post', side_effect=error))

    def _click(self, action, name, **values):
        """ Enter something in the window that an action opens, and click on a button.

        :return: The action that the button returns.
        :rtype: dict
        """
        windows = self.env['payment.aps.go.live'].with_context(**action['context'])
        return getattr(windows.create(values), name)()

    def _open(self):
        """ Return the action behind the button of the form. """
        return self.provider.action_aps_prepare_live_payments()

    def _assert_untouched(self):
        """ Assert that the provider is as it was, and that nothing else was stored. """
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self._read_keys(), self.test_keys)
        self.env.cr.execute('SELECT count(*) FROM payment_aps_go_live')
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def _assert_live(self, **changes):
        """ Assert that the provider takes live payments with the credentials of the account. """
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self._read_keys(), {
            **LIVE, 'state': 'enabled', 'is_published': True, **changes,
        })
        self.assertFalse(self.env['payment.aps.go.live'].search([]))

    def test_check_asks_the_live_account_and_touches_nothing(self):
        """ Test that test payments go on, and that the window keeps what was entered. """
        self.provider.aps_check_result = "As it was"
        action = self._click(self._open(), 'action_check', **LIVE)
        self.assertEqual(self.asked_hosts, [const.HOSTS['api']['enabled']])
        self._assert_untouched()
        self.assertEqual(self.provider.aps_check_result, "As it was")

        with Form(
            self.env['payment.aps.go.live'].with_context(**action['context'])
        ) as form:
            self.assertIn("All is well: the live account", form.aps_check_result)
            self.assertFalse(form.aps_check_problem)
            self.assertEqual({name: form[name] for name in KEY_ATTRIBUTES}, LIVE)
            form.aps_access_code = 'Another1'
            self.assertFalse(form.aps_check_result)

    def test_going_live_writes_all_at_once(self):
        """ Test what is left to do then: one real payment. """
        action = self._click(self._open(), 'action_check', **LIVE)
        with self.assertLogs(SETUP_LOGGER, 'WARNING') as log:
            self.assertEqual(
                self._click(action, 'action_go_live')['type'], 'ir.actions.act_window_close'
            )
        self._assert_live()
        self.assertIn("All is well: the live account", self.provider.aps_check_result)
        self.assertTrue(self.provider.aps_check_date)
        self.assertFalse(self.provider.aps_is_in_copy)
        [warning] = self.provider.aps_setup_warning.splitlines()
        self.assertIn("click on Make a Real Payment", warning)
        self.assertIn(warning, log.output[0])

    def test_each_wrong_credential_is_named_and_stops_it(self):
        """ Test that the rules are those of the form, for the live account. """
        for name, value, finding in (
            ('aps_merchant_identifier', MERCHANT_IDENTIFIER, "doesn't know the merchant"),
            ('aps_sha_request', 'another phrase', "The SHA request phrase is wrong"),
            ('aps_sha_response', 'another phrase', "The SHA response phrase is wrong"),
            ('aps_access_code', False, "Missing here: Access Code."),
        ):
            for button in ('action_check', 'action_go_live', 'action_go_live_all_the_same'):
                with self.subTest(field=name, button=button):
                    action = self._click(self._open(), button, **{**LIVE, name: value})
                    self.assertIn(finding, action['context']['default_aps_check_result'])
                    self.assertEqual(action['context']['default_aps_check_problem'], 'mistake')
                    self._assert_untouched()

    def test_swapped_phrases_and_sha_type_are_put_right_with_one_click_each(self):
        """ Test that nothing is typed anew. """
        self.live_algorithm, self.live_sha_type = hashlib.sha512, 'sha512'
        swapped = {
            **LIVE,
            'aps_sha_request': LIVE['aps_sha_response'],
            'aps_sha_response': LIVE['aps_sha_request'],
        }
        action = self._click(self._open(), 'action_check', **swapped)
        for problem in ('swapped', 'sha512', False):
            self.assertEqual(action['context']['default_aps_check_problem'], problem)
            self._assert_untouched()
            action = self._click(action, 'action_put_right')
        self.assertIn("All is well", action['context']['default_aps_check_result'])
        with mute_logger(SETUP_LOGGER):
            self._click(action, 'action_go_live')
        self._assert_live(aps_sha_type='sha512')

    def test_white_space_around_credentials_is_left_out(self):
        """ Test that what is copied along is no mistake, as on the form. """
        spaced = {name: f' {LIVE[name]}\n' for name in KEY_ATTRIBUTES if name != 'aps_sha_type'}
        with mute_logger(SETUP_LOGGER):
            self._click(self._open(), 'action_go_live', **spaced)
        self._assert_live()

    def test_network_trouble_asks_and_blocks_nothing(self):
        """ Test the host of APS being out of reach, at first and at last. """
        self._close_live_host()
        action = self._click(self._open(), 'action_check', **LIVE)
        for _attempt in range(2):
            self.assertEqual(action['context']['default_aps_check_problem'], 'unreachable')
            self._assert_untouched()
            action = self._click(action, 'action_go_live')
        with mute_logger(SETUP_LOGGER):
            self._click(action, 'action_go_live_all_the_same')
        self._assert_live()
        self.assertFalse(self.provider.aps_check_date)
        self.assertIn("have not been checked yet", self.provider.aps_setup_warning)

    def test_address_that_aps_cannot_reach_is_asked_about(self):
        """ Test the warning of the window. """
        windows = self.env['payment.aps.go.live'].with_context(**self._open()['context'])
        self.assertFalse(Form(windows).aps_address_warning)
        self.env['ir.config_parameter'].set_param('web.base.url', 'http://localhost')
        self.assertIn("APS can't reach localhost", Form(windows).aps_address_warning)

    def test_nobody_goes_live_over_a_provider_that_is_live(self):
        """ Test a window that stayed open while somebody else switched the provider. """
        action = self._open()
        for state in ('enabled', 'disabled'):
            with mute_logger(SETUP_LOGGER):
                self.provider.state = state
            with self.assertRaisesRegex(UserError, "not in test mode any more"):
                self._click(action, 'action_go_live', **LIVE)
            self.assertEqual(self.provider.aps_access_code, ACCESS_CODE)
        self.assertFalse(self.asked_hosts)

    def test_identifier_that_cannot_be_one_is_refused(self):
        """ Test that the constraint of the provider is not passed by. """
        self._close_live_host()
        with self.assertRaisesRegex(ValidationError, "must be made of 1 to 20 letters"):
            self._click(self._open(), 'action_go_live_all_the_same', **{
                **LIVE, 'aps_merchant_identifier': 'Not an identifier',
            })

    def test_going_live_is_for_settings_administrators_only(self):
        """ Test the button of the form, and the window. """
        for user in (self.internal_user, self.accountant, self.portal_user):
            with self.assertRaises(AccessError):
                self.provider.with_user(user).action_aps_prepare_live_payments()
            with self.assertRaises(AccessError):
                self.env['payment.aps.go.live'].with_user(user).create({
                    'provider_id': self.provider.id,
                })

    def test_what_a_browser_left_behind_is_deleted_soon(self):
        """ Test credentials that were stored when the browser was closed. """
        windows, begin = self.env['payment.aps.go.live'], fields.Datetime.now()
        window = windows.create({'provider_id': self.provider.id, **LIVE})
        trigger = self.env['ir.cron.trigger'].search([
            ('cron_id', '=', self.env.ref('base.autovacuum_job').id),
        ], order='id desc', limit=1)
        waiting_time = trigger.call_at - begin
        self.assertLess(waiting_time, timedelta(minutes=10))
        self.env.flush_all()
        windows._transient_vacuum()
        self.assertTrue(window.exists())

        self.env.cr.execute(
            "UPDATE payment_aps_go_live SET create_date = %(date)s, write_date = %(date)s",
            {'date': self.env.cr.now() - waiting_time},  # As old as it is then.
        )
        windows._transient_vacuum()
        self.assertFalse(window.exists())
