import hashlib
from dataclasses import replace

from odoo.tests import BaseCase, tagged

from odoo.addons.payment_aps.aps.diagnosis import (
    find_signer,
    find_weaknesses,
    find_wrong_settings,
    list_candidates,
)
from odoo.addons.payment_aps.aps.signature import Account
from odoo.addons.payment_aps.tests.common import sign


def make_account(request_phrase, response_phrase, sha_type='sha256'):
    """ Return an account. """
    return Account(
        "APS", 'test', 'Merchant1', 'Access1', request_phrase, response_phrase, sha_type
    )


def check(here, there):
    """ Return what a check finds wrong, by simulating an APS that knows another account.

    :param Account here: The account, as configured in Odoo.
    :param Account there: The account, as configured in the dashboard of APS.
    :return: What is wrong.
    :rtype: list[tuple[str, str]]
    """
    def is_taken(account):
        return account.request_phrase == there.request_phrase \
            and account.sha_type == there.sha_type

    candidates = [('request', here), *list_candidates(here)]
    accepted = next(
        ((kind, account.sha_type) for kind, account in candidates if is_taken(account)), None
    )
    fields = {'status': '12', 'response_code': '12036'}
    answer = replace(there, request_phrase=there.response_phrase).sign(fields)
    return find_wrong_settings(here, accepted, find_signer(answer, here))


@tagged('post_install', '-at_install')
class TestDiagnosis(BaseCase):
    """ What a check of the credentials makes of APS's answers. """

    def test_wrong_settings_are_named(self):
        """ Test each mistake, and those that come together. """
        account = make_account('R', 'S')
        for here, there, flaws in (
            (account, account, []),
            (account, make_account('R', 'S', 'hmac512'), [('sha_type', 'hmac512')]),
            (make_account('X', 'S'), account, [('request', '')]),
            (make_account('R', 'X'), account, [('response', '')]),
            (make_account('X', 'Y'), account, [('request', ''), ('response', '')]),
            (make_account('X', 'S', 'sha512'), account,
             [('request', ''), ('response_sha_type', 'sha256')]),
            (make_account('S', 'R'), account, [('swapped', 'sha256')]),
            (make_account('S', 'R', 'sha512'), account, [('swapped', 'sha256')]),
            (make_account('X', 'R'), account, [('swapped', 'sha256'), ('response', '')]),
            (make_account('S', 'X'), account, [('request', ''), ('response_is_request', '')]),
        ):
            with self.subTest(here=here, there=there):
                self.assertEqual(check(here, there), flaws)

    def test_phrase_that_is_used_twice_is_named(self):
        """ Test on which side one phrase stands in both places. """
        account = make_account('R', 'S')
        for here, there, flaws in (
            (make_account('R', 'R'), account, [('response_double', '')]),
            (make_account('S', 'S'), account, [('request_double', '')]),
            (make_account('X', 'X'), account, [('request', ''), ('response', '')]),
            (account, make_account('R', 'R'), [('double_at_aps', '')]),
            (account, make_account('S', 'S'), [('double_at_aps', '')]),
            (account, make_account('S', 'S', 'sha512'),
             [('sha_type', 'sha512'), ('double_at_aps', '')]),
            (make_account('R', 'R'), make_account('R', 'R'), []),
        ):
            with self.subTest(here=here, there=there):
                self.assertEqual(check(here, there), flaws)

    def test_white_space_in_the_dashboard_is_named(self):
        """ Test phrases that were copied into the dashboard together with white space. """
        account = make_account('R', 'S')
        for there, flaws in (
            (make_account('R ', 'S'), [('request_space', '')]),
            (make_account(' R', 'S'), [('request_space', '')]),
            (make_account('R', 'S '), [('response_space', '')]),
            (make_account('R', '\tS\n'), [('response_space', '')]),
            (make_account('R ', 'S '), [('request_space', ''), ('response_space', '')]),
        ):
            with self.subTest(there=there):
                self.assertEqual(check(account, there), flaws)

    def test_oldest_sha_type_is_named(self):
        """ Test that SHA-128, which can't be selected here, isn't taken for a wrong phrase. """
        fields = {'status': '00', 'response_code': '00008'}
        signer = find_signer(sign(fields, 'S', hashlib.sha1), make_account('R', 'S'))
        self.assertEqual(
            find_wrong_settings(make_account('R', 'S'), None, signer), [('sha_128', '')]
        )

    def test_answer_without_signature_says_nothing_of_the_response_phrase(self):
        """ Test what an APS tells that doesn't sign such answers. """
        account = make_account('R', 'S')
        self.assertEqual(
            find_wrong_settings(account, None, None, is_signed=False), [('request', '')]
        )
        self.assertEqual(
            find_wrong_settings(account, ('request', 'sha256'), None, is_signed=False), []
        )

    def test_number_of_questions_is_bounded(self):
        """ Test that no setting is tried twice. """
        for account in (make_account('R', 'S'), make_account('R', 'R')):
            candidates = [candidate for _kind, candidate in list_candidates(account)]
            self.assertLessEqual(len(candidates), 9)
            self.assertEqual(len(set(candidates)), len(candidates))
            self.assertNotIn(account, candidates)

    def test_weak_phrases_are_named(self):
        """ Test what APS takes all the same. """
        for phrases, weaknesses in (
            (('x' * 16, 'y' * 16), []),
            (('x' * 16, 'x' * 16), ['equal']),
            (('x' * 15, 'y' * 16), ['short_request']),
            (('x' * 16, 'y' * 15), ['short_response']),
            (('', ''), ['equal', 'short_request', 'short_response']),
        ):
            with self.subTest(phrases=phrases):
                self.assertEqual(find_weaknesses(*phrases), weaknesses)

    def test_account_signs_and_recognizes_with_different_phrases(self):
        """ Test that a request can't be sent back as an answer. """
        account = make_account('R', 'S')
        request = account.sign({'a': '1'})
        self.assertFalse(account.recognizes(request))
        self.assertTrue(account.recognizes(sign({'a': '1'}, 'S')))
        self.assertFalse(make_account('R', False).recognizes(sign({'a': '1'}, 'False')))
