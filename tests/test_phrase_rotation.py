import uuid
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.payment_aps.tests.common import RESPONSE_PHRASE, APSCommon, sign

NEW_PHRASE = 'new response phrase'


@tagged('post_install', '-at_install')
class TestPhraseRotation(APSCommon):

    def _notify_signed_with(self, phrase):
        """ Return the status of the response to a result that is signed with a phrase. """
        tx = self._create_transaction('redirect', reference=f'R-{uuid.uuid4()}')
        response = self._notify(sign(self._build_fields(tx), phrase))
        self.assertEqual(tx.state, 'done' if response.status_code == 200 else 'draft')
        return response.status_code

    def test_payments_under_way_are_not_lost_while_the_phrase_changes(self):
        """ Test messages with the old and the new phrase, before and after the deadline. """
        self.provider.aps_sha_response = NEW_PHRASE
        self.assertEqual(self._notify_signed_with(NEW_PHRASE), 200)
        self.assertEqual(self._notify_signed_with(RESPONSE_PHRASE), 200)
        self.assertEqual(self._notify_signed_with('guessed'), 403)

        self.provider.aps_sha_response_former_until = fields.Datetime.now() - timedelta(minutes=1)
        self.assertEqual(self._notify_signed_with(NEW_PHRASE), 200)
        self.assertEqual(self._notify_signed_with(RESPONSE_PHRASE), 403)

        self.provider._gc_former_phrases()
        self.assertFalse(self.provider.aps_sha_response_former)

    def test_former_phrase_can_be_given_up_at_once(self):
        """ Test that a phrase that has become known is of no use any more. """
        self.provider.aps_sha_response = NEW_PHRASE
        with self.assertRaises(AccessError):
            self.provider.with_user(self.internal_user).action_aps_forget_former_phrase()
        self.provider.action_aps_forget_former_phrase()
        self.assertEqual(self._notify_signed_with(RESPONSE_PHRASE), 403)

    def test_phrase_of_another_account_is_not_accepted(self):
        """ Test that the sandbox's phrase, which many know, can't sign for the live account. """
        self.provider.write({
            'aps_merchant_identifier': 'LiveMerchant1', 'aps_sha_response': NEW_PHRASE,
        })
        self.assertFalse(self.provider.aps_sha_response_former)
        self.provider.write({'state': 'enabled', 'aps_sha_response': RESPONSE_PHRASE})
        self.assertFalse(self.provider.aps_sha_response_former)

    def test_former_phrase_ends_with_the_account_or_the_environment(self):
        """ Test that a change of the phrase shortly before leaves no door open. """
        for values in ({'aps_merchant_identifier': 'LiveMerchant1'}, {'state': 'enabled'}):
            with self.subTest(values=values):
                self.provider.aps_sha_response = f'{NEW_PHRASE} for {list(values)}'
                self.assertTrue(self.provider.aps_sha_response_former)
                self.provider.write(values)
                self.assertFalse(self.provider.aps_sha_response_former)
                self.assertFalse(self.provider.aps_sha_response_former_until)

    def test_same_account_again_is_no_change(self):
        """ Test that saving the form with the identifier typed anew doesn't end the time. """
        self.provider.aps_sha_response = NEW_PHRASE
        identifier = self.provider.aps_merchant_identifier
        self.provider.write({'aps_merchant_identifier': f' {identifier} ', 'state': 'test'})
        self.assertEqual(self.provider.aps_sha_response_former, RESPONSE_PHRASE)

    def test_same_phrase_again_is_no_change(self):
        """ Test that saving the form doesn't start the time anew. """
        self.provider.aps_sha_response = f' {RESPONSE_PHRASE} '
        self.assertFalse(self.provider.aps_sha_response_former)
