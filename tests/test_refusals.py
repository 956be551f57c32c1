import hashlib
import hmac
import json
import time

from odoo.tests import tagged

from odoo.addons.payment_aps.controllers.main import APSController
from odoo.addons.payment_aps.models.payment_aps_refusal import (
    BURST,
    FINDINGS,
    MAX_EXAMINED,
    MAX_EXAMINED_PER_PROVIDER,
    SECONDS_PER_WRITE,
    RefusalMemory,
)
from odoo.addons.payment_aps.tests.common import (
    REQUEST_PHRASE,
    RESPONSE_PHRASE,
    APSCommon,
    sign,
)


def sign_hmac(fields):
    """ Return the fields with an HMAC signature, written apart from the addon. """
    text = ''.join(f'{name}={fields[name]}' for name in sorted(fields))
    text = RESPONSE_PHRASE + text + RESPONSE_PHRASE
    signature = hmac.new(RESPONSE_PHRASE.encode(), text.encode(), hashlib.sha512).hexdigest()
    return {**fields, 'signature': signature}


@tagged('post_install', '-at_install')
class TestRefusals(APSCommon):
    """ What administrators are told about refused messages. """

    def setUp(self):
        super().setUp()
        self.env.cr.execute('DELETE FROM payment_aps_refusal')
        self.tx = self._create_transaction('redirect')

    def _read(self):
        """ Return what an administrator is shown, latest first. """
        self.env.invalidate_all()
        self.aps.action_aps_view_refusals()
        return self.env['payment.aps.refusal'].search([])

    def _assert_finding(self, finding, detail='', provider=None):
        """ Check the only finding, and forget it. """
        refusal = self._read()
        self.assertEqual(
            [(row.finding, row.detail or '', row.provider_id) for row in refusal],
            [(finding, detail, self.aps if provider is None else provider)],
        )
        self.assertTrue(refusal.advice)
        self.assertNotIn('_', refusal.display_name)
        self.assertEqual(refusal.count, 1)
        self.assertTrue(refusal.messages)
        self.env.cr.execute('DELETE FROM payment_aps_refusal')

    def test_there_are_six_findings_and_each_says_what_to_do(self):
        """ Test the table of texts. """
        refusals = self.env['payment.aps.refusal']
        self.assertEqual(dict(refusals._aps_list_findings()).keys(), FINDINGS.keys())
        self.assertEqual(len(FINDINGS), 6)
        for name in FINDINGS:
            refusal = refusals.new({'finding': name})
            self.assertTrue(refusal.advice)
            self.assertEqual(refusal.display_name, dict(refusals._aps_list_findings())[name])
        self.assertIn("Check Credentials", refusals.new({'finding': 'signature'}).advice)
        self.assertIn("A stranger can cause this", refusals.new({'finding': 'reference'}).advice)

    def test_wrong_signature_is_one_finding_whatever_made_it(self):
        """ Test that the check of the credentials, not this, tells which setting is wrong. """
        fields = self._build_fields(self.tx)
        for message in (
            sign(fields, algorithm=hashlib.sha512),
            sign_hmac(fields),
            sign(fields, algorithm=hashlib.sha1),
            sign(fields, phrase=REQUEST_PHRASE),
            sign(fields, phrase=RESPONSE_PHRASE + ' '),
            sign(fields, phrase=''),
            fields,
            {**sign(fields), 'amount': '1'},
        ):
            with self.subTest(signature=message.get('signature')):
                self._notify(message)
                self._assert_finding('signature')

    def test_changes_on_the_way_are_named(self):
        """ Test fields that were added or padded between APS and Odoo. """
        message = self._build_message(self.tx)
        for finding, detail, changed in (
            ('changed', 'added', {**message, 'added': '1'}),
            ('changed', 'utm_source, utm_medium, gclid',
             {**message, 'utm_source': 'a', 'utm_medium': 'b', 'gclid': 'c'}),
            ('changed', '', {**message, 'response_message': 'Success '}),
            ('changed', '', {**message, 'signature': f' {message["signature"]}'}),
            ('account', '', {**message, 'merchant_identifier': 'Another'}),
        ):
            with self.subTest(finding=finding, detail=detail):
                self._notify(changed)
                self._assert_finding(finding, detail)

    def test_query_parameter_of_a_return_by_get_is_named(self):
        """ Test an address that was decorated by an advertisement. """
        message = {**self._build_message(self.tx), 'fbclid': 'x'}
        self.opener.get(
            self.base_url() + APSController._return_url, params=message, allow_redirects=False
        )
        self._assert_finding('changed', 'fbclid')

    def test_other_accounts_are_named(self):
        """ Test messages that belong to another provider, or to no payment of the database. """
        other = self.aps.copy({'name': "APS of Jeddah"})
        other.write({'aps_merchant_identifier': 'Jeddah', 'aps_sha_response': 'phrase of Jeddah'})
        self.env.flush_all()
        fields = self._build_fields(self.tx)

        self._notify(sign(fields, phrase='phrase of Jeddah'))
        self._assert_finding('account', "APS of Jeddah")

        unknown = {**fields, 'merchant_reference': 'NOBODY'}
        self._notify(sign(unknown, phrase='phrase of Jeddah'))
        self._assert_finding('reference', provider=other)

        self._notify(sign(unknown, phrase='anything'))
        self._assert_finding('reference', provider=self.aps.browse())

    def test_missing_phrase_is_named(self):
        """ Test a provider whose credentials were forgotten. """
        message = self._build_message(self.tx)
        self.aps.write({'state': 'disabled', 'aps_sha_response': False})
        self.env.flush_all()
        self._notify(message)
        self._assert_finding('signature')

    def test_unreadable_bodies_are_named(self):
        """ Test what is no message at all. """
        for reason, body, content_type in (
            ("Expecting value", b'<xml/>', 'application/xml'),
            ("Expecting value", b'', 'application/json'),
            ("a field is repeated", b'amount=1&amount=2', 'application/x-www-form-urlencoded'),
            ("holds a field twice", b'{"amount": "1", "amount": "2"}', 'application/json'),
        ):
            with self.subTest(reason=reason, content_type=content_type):
                self._post(APSController._webhook_url, body, content_type)
                line = self._read().messages
                self.assertIn(reason, line)
                self.assertIn(f'{content_type}, {len(body)} bytes', line)
                self._assert_finding('unreadable', provider=self.aps.browse())

    def test_hostile_messages_are_examined_without_error(self):
        """ Test odd types and characters, for which nothing may be logged as our fault. """
        message = self._build_message(self.tx)
        with self.assertNoLogs('odoo.addons.payment_aps.models', 'INFO'):
            for signature in ('é', '\ud800', 'x\ny', 1, ['a'], {'a': None}, True):
                for value in ('\ud800', '\x00', ['x'] * 100, {'a': 1}, 'line\nbreak', 'y' * 50_000):
                    self._notify_json({**message, 'signature': signature, 'fort_id': value})
                    rows = self._read()
        self.assertEqual(sum(rows.mapped('count')), 42)
        self.assertEqual(rows.mapped('finding'), ['signature'])
        for row in rows:
            self.assertEqual(len(row.messages.splitlines()), 5)

    def test_message_of_many_fields_is_no_burden(self):
        """ Test that the examination doesn't try out thousands of names. """
        fields = {**self._build_fields(self.tx), 'signature': 'a' * 64}
        begin = time.monotonic()
        response = self._notify_json({**fields, **dict.fromkeys(map(str, range(5000)), '')})
        self.assertEqual(response.status_code, 403)
        self.assertLess(time.monotonic() - begin, 5)
        self._assert_finding('signature')

    def test_message_is_shown_masked_with_time_and_way(self):
        """ Test the line of a message. """
        self._notify({**self._build_message(self.tx), 'amount': '1'})
        [line] = self._read().messages.splitlines()
        self.assertRegex(line, r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, webhook: merchant_reference=')
        self.assertIn('amount=1 ', line)

    def test_flood_is_counted_but_not_examined(self):
        """ Test that 300 refused messages make few rows, and that none is forgotten. """
        forged = {**self._build_message(self.tx), 'amount': '1'}
        for index in range(300):
            self.assertEqual(self._notify({**forged, 'fort_id': str(index)}).status_code, 403)

        rows = self._read()
        self.assertEqual({row.finding: row.count for row in rows}, {
            'signature': MAX_EXAMINED_PER_PROVIDER,
            'too_many': 300 - MAX_EXAMINED_PER_PROVIDER,
        })
        self.assertEqual(self.aps.aps_refusal_count, 300)

    def test_flood_does_not_push_out_what_tells_about_a_setting(self):
        """ Test that what strangers send is counted apart. """
        self._notify({**self._build_message(self.tx), 'utm_source': 'mail'})
        for _i in range(30):
            self._notify({**self._build_message(self.tx), 'amount': '1'})
            self.env['payment.aps.refusal']._aps_flush()
        self._notify({'merchant_reference': 'NOBODY'})
        self.assertEqual({row.finding: row.count for row in self._read()}, {
            'changed': 1, 'signature': 30, 'reference': 1,
        })

    def test_writes_are_few(self):
        """ Test that a process writes at most a few times a minute, however many messages come. """
        now = 0
        memory = RefusalMemory(clock=lambda: now)
        self.assertEqual(sum(memory.is_due() for _i in range(1000)), BURST)
        writes = 0
        for now in range(600):  # noqa: B007 (read by the clock)
            writes += sum(memory.is_due() for _i in range(10))
        self.assertLessEqual(writes, 600 / SECONDS_PER_WRITE)
        self.assertGreater(writes, 600 / SECONDS_PER_WRITE - 2)

    def test_memory_is_bounded(self):
        """ Test that the messages of a flood are not even kept in the memory. """
        memory = RefusalMemory()
        for provider_id in (None, *range(1, 100)):
            for _i in range(100):
                if memory.admit(provider_id):
                    memory.add({'provider_id': provider_id})
        examined, unexamined_counts = memory.take()
        self.assertEqual(len(examined), MAX_EXAMINED)
        self.assertEqual(unexamined_counts.total(), 10_000 - MAX_EXAMINED)

    def test_refusal_that_can_not_be_written_is_written_later(self):
        """ Test that a conflict with another process loses no count. """
        forged = {**self._build_message(self.tx), 'amount': '1'}
        self.env.cr.execute(
            "ALTER TABLE payment_aps_refusal ADD CONSTRAINT broken CHECK (count > 99)"
        )
        self._notify(forged)
        self.assertFalse(self._read())
        self.env.cr.execute("ALTER TABLE payment_aps_refusal DROP CONSTRAINT broken")
        self._notify(forged)
        self.assertEqual({row.finding: row.count for row in self._read()}, {
            'signature': 1, 'too_many': 1,
        })

    def test_provider_that_was_deleted_meanwhile_is_no_obstacle(self):
        """ Test that what can't be linked any more is written all the same. """
        self.memory.give_back([{'provider_id': 987654321}], {})
        self.assertEqual(self._read().finding, 'too_many')

    def test_findings_that_do_not_come_up_again_are_forgotten(self):
        """ Test the purge. """
        self._notify({**self._build_message(self.tx), 'amount': '1'})
        self.env['payment.aps.refusal']._gc_refusals()
        self.assertTrue(self._read())
        self.env.cr.execute(
            "UPDATE payment_aps_refusal SET last_date = last_date - interval '31 days'"
        )
        self.env.invalidate_all()
        self.env['payment.aps.refusal']._gc_refusals()
        self.assertFalse(self._read())

    def test_body_of_json_is_examined_like_a_form(self):
        """ Test that numbers and nested values keep their text. """
        fields = {**self._build_fields(self.tx), 'amount': '12345'}
        body = json.dumps({**sign(fields), 'amount': 12345, 'added': '1'})
        self._post(APSController._webhook_url, body, 'application/json')
        self._assert_finding('changed', 'added')

    def test_message_about_a_declared_charge_is_no_finding(self):
        """ Test a notice that is faster than the transaction of a charge of a saved card. """
        message = sign({**self._build_fields(self.tx), 'merchant_reference': 'INV-DECLARED'})
        self.env['payment.aps.charge'].create({
            'reference': 'INV-DECLARED', 'fingerprint': 'x', 'attempt': 'x', 'values': '{}',
        })
        self.env.flush_all()
        self.assertEqual(self._notify(message).status_code, 403)
        self.assertFalse(self._read())

    def test_count_does_not_overflow(self):
        """ Test that a finding of which there were billions doesn't stop the others. """
        forged = {**self._build_message(self.tx), 'amount': '1'}
        self._notify(forged)
        self._read()
        self.env.cr.execute("UPDATE payment_aps_refusal SET count = 2147483647")
        self._notify(forged)
        self._notify({'merchant_reference': 'NOBODY'})
        self.assertEqual({row.finding: row.count for row in self._read()}, {
            'signature': 2147483647, 'reference': 1,
        })

    def test_refusal_reads_little(self):
        """ Test that a message which is not authentic costs two queries of the addon. """
        forged = {**self._build_message(self.tx), 'amount': '1'}
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(2):
            tx_sudo, provider_sudo = self.env['payment.transaction'].sudo()._aps_search(forged)
            self.assertFalse(provider_sudo._aps_get_account().recognizes(forged))
        self.assertEqual((tx_sudo, provider_sudo), (self.tx, self.aps))
