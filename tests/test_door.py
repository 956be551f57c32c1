import ast
import json
import logging
from pathlib import Path
from urllib.parse import urlencode

from psycopg2 import IntegrityError

from odoo.exceptions import (
    AccessDenied,
    AccessError,
    MissingError,
    RedirectWarning,
    UserError,
    ValidationError,
)
from odoo.tests import tagged

from odoo.addons.payment_aps.aps.errors import APSMessageRefused
from odoo.addons.payment_aps.controllers.main import APSController, HideQuery
from odoo.addons.payment_aps.tests.common import (
    ACCESS_CODE,
    MERCHANT_IDENTIFIER,
    REQUEST_PHRASE,
    APSCommon,
    sign,
)

MEGABYTE = 1024 * 1024


def _raise(error):
    """ Raise an error, where only an expression fits. """
    raise error


@tagged('post_install', '-at_install')
class TestDoor(APSCommon):
    """ What a stranger, or APS at fault, may send: refused without error, without a write. """

    def setUp(self):
        super().setUp()
        self.tx = self._create_transaction('redirect')

    def _assert_refused(
        self, body, content_type='application/x-www-form-urlencoded', codes=(403,)
    ):
        """ Check that both routes refuse a body: the webhook by its status, the return kindly. """
        with self._assert_nothing_written(self.tx):
            response = self._post(APSController._webhook_url, body, content_type)
            self.assertIn(response.status_code, codes)
            response = self._post(APSController._return_url, body, content_type)
            self.assertEqual(response.status_code, 303)
            self.assertTrue(response.headers['Location'].endswith('/payment/status'))

    def test_every_tampered_field_is_refused(self):
        """ Test that no field can be changed, added, dropped or emptied. """
        message = self._build_message(self.tx)
        for name in message:
            if name == 'merchant_reference':
                continue  # Another reference is another payment, or none; tested below.
            variants = {
                'changed': {**message, name: message[name] + '1'},
                'dropped': {key: value for key, value in message.items() if key != name},
                'emptied': {**message, name: ''},
                'renamed': {(f'{key}1' if key == name else key): message[key] for key in message},
            }
            for how, variant in variants.items():
                with self.subTest(field=name, how=how):
                    self._assert_refused(variant)
        self._assert_refused({**message, 'added': '1'})
        self._assert_refused({**message, 'status': '13', 'amount': '1'})

    def test_order_of_the_fields_does_not_matter(self):
        """ Test that the signature doesn't depend on the order in which fields are sent. """
        message = self._build_message(self.tx)
        self._notify(dict(reversed(message.items())))
        self.assertEqual(self.tx.state, 'done')

    def test_malformed_signatures_are_refused(self):
        """ Test that no signature makes the comparison crash, or is taken by mistake. """
        fields = self._build_fields(self.tx)
        signature = sign(fields)['signature']
        for value in ('', 'é' * 32, '0' * 64, signature[:-1], signature + ' ', 'None', '\x00'):
            with self.subTest(signature=value):
                self._assert_refused({**fields, 'signature': value})
                self._assert_refused(
                    json.dumps({**fields, 'signature': value}), 'application/json'
                )
        self._assert_refused(fields)
        for value in (None, 1, [signature], {'a': 1}, True):
            with self.subTest(signature=value):
                self._assert_refused(
                    json.dumps({**fields, 'signature': value}), 'application/json'
                )

    def test_upper_case_signature_is_accepted(self):
        """ Test that the case of hexadecimal digits doesn't matter. """
        message = self._build_message(self.tx)
        message['signature'] = message['signature'].upper()
        self._notify(message)
        self.assertEqual(self.tx.state, 'done')

    def test_repeated_fields_are_refused(self):
        """ Test that a message with two readings has none. """
        message = self._build_message(self.tx)
        for name in ('signature', 'amount', 'status'):
            body = urlencode([*message.items(), (name, message[name])])
            with self.subTest(field=name):
                self._assert_refused(body, codes=(400,))
        body = json.dumps(message)[:-1] + ', "amount": "1"}'
        self._assert_refused(body, 'application/json', codes=(400,))

    def test_bodies_that_are_no_message_are_refused(self):
        """ Test that no body of a stranger makes the server fail. """
        message = self._build_message(self.tx)
        xml = ''.join(f'<{name}>{value}</{name}>' for name, value in message.items())
        xml = f'<response>{xml}</response>'
        for body, content_type in (
            (b'', 'application/x-www-form-urlencoded'),
            (b'', 'application/json'),
            (xml, 'application/xml'),
            (xml, 'text/xml'),
            (b'[]', 'application/json'),
            (b'"text"', 'application/json'),
            (b'null', 'application/json'),
            (b'{"a":' * 5000, 'application/json'),
            (b'[' * 100000, 'application/json'),
            (b'\xff\xfe\x00\x01', 'application/json'),
            (b'\xff\xfe\x00\x01', 'application/octet-stream'),
            (b'no boundary', 'multipart/form-data'),
            (b'--x\r\nbroken', 'multipart/form-data; boundary=x'),
        ):
            with self.subTest(body=body[:20], content_type=content_type):
                self._assert_refused(body, content_type, codes=(400, 403))

    def test_hostile_values_are_refused(self):
        """ Test NUL bytes, invalid UTF-8, lone surrogates, odd names and types. """
        message = self._build_message(self.tx)
        for reference in ('\x00', 'a\x00b', '\n', 'x' * 100000, '%', '_', "' OR 1=1 --", '*'):
            with self.subTest(reference=reference[:20]):
                self._assert_refused({**message, 'merchant_reference': reference})
        for body in (
            b'merchant_reference=%ff%fe&signature=%00',
            b'merchant_reference[]=1&merchant_reference.x=2',
            b'self=1&cls=2&request=3&env=4&args=5&kwargs=6&fields=7',
            b'&&&===&=&',
        ):
            with self.subTest(body=body):
                self._assert_refused(body, codes=(400, 403))
        for reference in ('\ud800', None, 1, 1.5, True, [], {}, [self.tx.reference]):
            with self.subTest(reference=reference):
                self._assert_refused(
                    json.dumps({**message, 'merchant_reference': reference}), 'application/json'
                )

    def test_hostile_types_in_an_authentic_json_message_are_refused(self):
        """ Test that nested values where texts are expected change no payment. """
        fields = self._build_fields(self.tx)
        for name in ('status', 'response_code', 'amount', 'currency', 'merchant_identifier'):
            text = {**fields, name: '[x]'}
            message = {**text, 'signature': sign(text)['signature'], name: ['x']}
            with self.subTest(field=name):
                self.assertEqual(self._notify_json(message).status_code, 200)
                self.env.invalidate_all()
                self.assertEqual(self.tx.state, 'draft')

    def test_oversized_bodies_are_refused(self):
        """ Test that 5 MB are not even parsed. """
        for body, content_type in (
            (b'a=' + b'x' * 5 * MEGABYTE, 'application/x-www-form-urlencoded'),
            (b'{"a": "' + b'x' * 5 * MEGABYTE + b'"}', 'application/json'),
        ):
            with self.subTest(content_type=content_type), self._assert_nothing_written(self.tx):
                response = self._post(APSController._webhook_url, body, content_type)
                self.assertEqual(response.status_code, 413)

    def test_query_beside_a_body_is_ignored(self):
        """ Test that only the body speaks, in both directions. """
        message = self._build_message(self.tx)
        url = f'{APSController._webhook_url}?utm_source=mail&status=13&self=1'
        self.assertEqual(self._post(url, message).status_code, 200)
        self.assertEqual(self.tx.state, 'done')

        tx = self._create_transaction('redirect', reference='OTHER-1')
        url = f'{APSController._webhook_url}?{urlencode(self._build_message(tx))}'
        with self._assert_nothing_written(tx):
            self.assertEqual(self._post(url, {'a': '1'}).status_code, 403)
            self.assertEqual(self._post(url, b'').status_code, 400)

    def test_files_are_not_part_of_the_message(self):
        """ Test that an uploaded file neither breaks a message nor adds to it. """
        message = self._build_message(self.tx)
        response = self.url_open(
            APSController._webhook_url, data=message, files={'status': ('a.txt', b'13')}
        )
        self.assertEqual(response.status_code, 200)
        self.assertEqual(self.tx.state, 'done')

    def test_return_by_get_is_verified_like_any_other(self):
        """ Test the dashboards that have the browser return by GET. """
        message = self._build_message(self.tx)
        forged = {**message, 'amount': '1'}
        with self._assert_nothing_written(self.tx):
            self.url_open(
                f'{APSController._return_url}?{urlencode(forged)}', allow_redirects=False
            )
        response = self.url_open(
            f'{APSController._return_url}?{urlencode(message)}', allow_redirects=False
        )
        self.assertEqual(response.status_code, 303)
        self.assertEqual(self.tx.state, 'done')

    def test_webhook_takes_post_only(self):
        """ Test that a link can't deliver a notification. """
        url = f'{APSController._webhook_url}?{urlencode(self._build_message(self.tx))}'
        with self._assert_nothing_written(self.tx):
            self.assertEqual(self.url_open(url).status_code, 405)

    def test_slash_at_the_end_leads_past_no_check(self):
        """ Test the other addresses that Odoo takes for those of the routes. """
        webhook, return_page = (
            f'{url}/' for url in (APSController._webhook_url, APSController._return_url)
        )
        with self._assert_nothing_written(self.tx):
            for body in ({'self': '1'}, {'message': '1', **dict.fromkeys('abc', 'x')}):
                self.assertEqual(self._post(webhook, body).status_code, 403)
                self.assertEqual(self._post(return_page, body).status_code, 303)
            response = self.url_open(
                webhook, data=b'x', headers={'Content-Type': 'multipart/form-data'}
            )
            self.assertEqual(response.status_code, 400)
        self.assertEqual(self._post(webhook, self._build_message(self.tx)).status_code, 200)
        self.assertEqual(self.tx.state, 'done')

    def test_access_log_holds_no_message(self):
        """ Test that the query of a return by GET is hidden, however its address is written. """
        for url in ('/payment/aps/return', '/payment/aps/return/', '/en/payment/aps/return'):
            record = logging.makeLogRecord({
                'msg': '"%s" %s', 'args': (f'GET {url}?signature=secret&amount=1 HTTP/1.1', 303),
            })
            self.assertTrue(HideQuery().filter(record))
            self.assertEqual(record.getMessage(), f'"GET {url}?... HTTP/1.1" 303')

    def test_return_does_not_touch_the_session(self):
        """ Test that the shopper keeps their session: no new cookie replaces it. """
        response = self._return(self._build_message(self.tx))
        self.assertEqual(response.status_code, 303)
        self.assertNotIn('session_id', response.headers.get('Set-Cookie', ''))

    def test_empty_return_leads_to_the_status_page(self):
        """ Test that a shopper who comes back with nothing is not shown an error. """
        for response in (
            self._post(APSController._return_url, b''),
            self.url_open(APSController._return_url, allow_redirects=False),
        ):
            self.assertEqual(response.status_code, 303)
            self.assertTrue(response.headers['Location'].endswith('/payment/status'))

    def test_another_provider_s_transaction_is_out_of_reach(self):
        """ Test that APS's phrase says nothing about payments made with other providers. """
        tx = self._create_transaction(
            'redirect', reference='OTHER-2', provider_id=self.dummy_provider.id
        )
        with self._assert_nothing_written(tx):
            self.assertEqual(self._notify(self._build_message(tx)).status_code, 403)

    def test_phrase_of_another_merchant_account_is_refused(self):
        """ Test that the key is that of the provider of the transaction. """
        other_provider = self.provider.copy({'name': "Second account"})
        other_provider.write({
            'state': 'test', 'aps_merchant_identifier': 'Other1', 'aps_access_code': 'Other2',
            'aps_sha_request': 'third phrase', 'aps_sha_response': 'fourth phrase',
        })
        tx = self._create_transaction(
            'redirect', reference='OTHER-3', provider_id=other_provider.id
        )
        with self._assert_nothing_written(tx):
            self.assertEqual(self._notify(self._build_message(tx)).status_code, 403)

    def test_empty_phrase_accepts_nothing(self):
        """ Test that a provider without phrase refuses what anyone can sign. """
        self.env.cr.execute('UPDATE payment_provider SET aps_sha_response = NULL')
        self.env.invalidate_all()
        fields = self._build_fields(self.tx)
        for phrase in ('', 'None', 'False'):
            with self.subTest(phrase=phrase):
                self._assert_refused(sign(fields, phrase))

    def test_request_phrase_signs_no_answer(self):
        """ Test that what Odoo signed can't be sent back as an answer. """
        self._assert_refused(sign(self._build_fields(self.tx), REQUEST_PHRASE))

    def test_authentic_messages_about_something_else_are_acknowledged_but_not_used(self):
        """ Test that amount, currency, merchant and command must be those of the transaction. """
        amount = round(self.tx.amount * 100)
        for changes in (
            {'amount': str(amount - 1)}, {'amount': str(amount + 1)}, {'amount': '1'},
            {'amount': f'{amount}.0'}, {'amount': f'{self.tx.amount}'}, {'amount': ''},
            {'amount': None}, {'currency': 'USD'}, {'currency': None},
            {'merchant_identifier': 'Other1'}, {'merchant_identifier': None},
            {'command': 'REFUND'}, {'command': 'CAPTURE'}, {'command': 'VOID_AUTHORIZATION'},
            {'command': None},
        ):
            with self.subTest(**changes), self._assert_nothing_written(self.tx):
                message = self._build_message(self.tx, **changes)
                self.assertEqual(self._notify(message).status_code, 200)
                self.assertEqual(self._return(message).status_code, 303)

    def test_authentic_messages_that_are_not_written_as_aps_writes_are_asked_about(self):
        """ Test that what decides about a payment has the form that APS gives it. """
        amount = round(self.tx.amount * 100)
        for changes in (
            {'amount': f'+{amount}'}, {'amount': f'-{amount}'}, {'amount': f'{amount}a'},
            {'currency': 'eur'}, {'command': 'purchase'}, {'status': '014'}, {'status': ''},
            {'response_code': None}, {'fort_id': '1a'}, {'merchant_reference_': '1'},
        ):
            with self.subTest(**changes):
                self._assert_not_believed(self.tx, self._build_message(self.tx, **changes))

    def test_message_about_a_child_transaction_is_not_taken_for_a_payment(self):
        """ Test that a payment's answer can't confirm a refund. """
        self.tx._set_done()
        refund_tx = self.tx._create_child_transaction(1, is_refund=True)
        with self._assert_nothing_written(refund_tx):
            self._notify(self._build_message(refund_tx, amount='100'))
        self._notify(self._build_message(refund_tx, amount='-100'))
        self.env.invalidate_all()
        self.assertEqual((self.tx.state, refund_tx.state), ('done', 'draft'))

    def test_only_the_door_applies_answers(self):
        """ Test that no code of the addon leads around the checks. """
        root = Path(__file__).parents[1]
        calls = []
        for path in [*root.glob('*.py'), *root.glob('models/*.py'), *root.glob('controllers/*.py')]:
            for node in ast.walk(ast.parse(path.read_text('utf-8'))):
                name = isinstance(node, ast.Call) and getattr(node.func, 'attr', None)
                if name in ('_aps_apply', '_process_notification_data', '_apply_updates'):
                    calls.append((path.name, name))
        self.assertEqual(sorted(calls), [
            # Each adapter applies where the engine hands over a checked message, after having
            # passed the hook on to the engine; that of 17.0 also applies the answers to queries,
            # which it checks itself.
            ('payment_transaction_17.py', '_aps_apply'),
            ('payment_transaction_17.py', '_aps_apply'),
            ('payment_transaction_17.py', '_process_notification_data'),
            ('payment_transaction_19.py', '_apply_updates'),
            ('payment_transaction_19.py', '_aps_apply'),
        ])

    def test_engine_s_entry_point_checks_the_message(self):
        """ Test that the hook which every answer passes refuses what doesn't fit. """
        message = self._build_message(self.tx, amount='1')
        with self._assert_nothing_written(self.tx), self.assertRaisesRegex(
            APSMessageRefused, "amount"
        ):
            self.tx._aps_handle(message)
        with self._assert_nothing_written(self.tx), self.assertRaises(APSMessageRefused):
            self.tx._aps_handle(self._build_message(self.tx, merchant_reference='OTHER-9'))

    def test_fields_that_are_signed_like_one_are_no_answer(self):
        """ Test that a shopper can't move the border between two fields of a message. """
        for first, second in (('fort_id', 'language'), ('response_code', 'response_message')):
            tx = self._create_transaction('redirect', reference=f'LIKE-ONE-{first}-1')
            message = self._build_message(tx, token_name=None)
            names = sorted(set(message) - {'signature'})
            self.assertEqual(names.index(second), names.index(first) + 1)
            merged = {**message, first: f'{message[first]}{second}={message[second]}'}
            del merged[second]
            with self.subTest(field=first):
                self._assert_asked_about(tx, message, **merged)

                self._notify(message)

                self.assertRecordValues(tx, [
                    {'state': 'done', 'provider_reference': message['fort_id']},
                ])

    def _assert_asked_about(self, tx, message, **forged):
        """ Check that a message whose borders were moved isn't believed, but has APS asked.

        :param recordset tx: The payment that the forged message is about.
        :param dict message: What APS signed.
        :param dict forged: The same text, cut into other fields.
        :return: None
        """
        self.assertTrue(self.aps._aps_get_account().recognizes({
            **forged, 'signature': message['signature'],
        }), "They should be signed alike.")
        for post in (self._notify, self._return):
            tx.aps_next_check = False
            post({**forged, 'signature': message['signature']})
            self.env.invalidate_all()
            self.assertEqual(tx.state, 'draft')
            self.assertTrue(tx._aps_is_check_due())

    def test_payment_does_not_confirm_another_one_whose_reference_it_begins_with(self):
        """ Test that a shopper who chooses the prefix of a reference gets one payment for one. """
        paid_tx = self._create_transaction('redirect', reference=f'{self.tx.reference}n-ABCD')
        message = self._build_message(paid_tx)
        forged = {name: value for name, value in message.items() if name != 'payment_option'}
        self._assert_asked_about(self.tx, message, **{
            **forged, 'merchant_reference': self.tx.reference, 'n-ABCDpayment_option': 'VISA',
        })
        self._notify(message)
        self.assertEqual(paid_tx.state, 'done')

    def test_declined_payment_is_not_confirmed_by_what_a_field_was_filled_with(self):
        """ Test that text of a shopper, which APS signs along, doesn't hide what APS says. """
        page = 'https://x'
        message = self._build_message(
            self.tx, status='13', response_code='13666', token_name=None,
            return_url=f'{page}response_code=14000status=14zz=/payment/aps/return',
        )
        forged = {name: value for name, value in message.items() if name not in (
            'response_message', 'return_url',
        )}
        self._assert_asked_about(self.tx, message, **{
            **forged,
            'payment_option': f'VISAresponse_code=13666response_message=Successreturn_url={page}',
            'response_code': '14000', 'status': '14', 'zz': '/payment/aps/returnstatus=13',
        })

    def _sign_refusal(self, **echoes):
        """ Return what APS signs when it refuses a request of a stranger, who chose the echoes. """
        return sign({
            'access_code': ACCESS_CODE, 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': self.tx.reference, 'command': 'PURCHASE', 'language': 'en',
            'amount': str(round(self.tx.amount * 100)), 'currency': self.tx.currency_id.name,
            'status': '00', 'response_code': '00008', 'response_message': 'Signature mismatch',
            **echoes,
        })

    def test_refusal_by_aps_is_not_made_a_success(self):
        """ Test that the text of a refusal, which a shopper had APS sign, confirms no payment. """
        url = 'https://e.example/?'
        kept = (
            'access_code', 'merchant_identifier', 'merchant_reference', 'command', 'language',
            'amount', 'currency',
        )
        success = {'status': '14', 'response_code': '14000'}
        fields_of_other_names = {
            'order_description': 'x ',
            'processor_response_code': f'00008response_message=Signature mismatchreturn_url={url}',
        }
        halves = {
            'order_description': 'xres', 'ponse_code': '00008res', 'reference': '', 'tus': '00',
            'ponse_message': 'Signature mismatchsettlement_', 'token_name': 'sta',
        }
        number = {'customer_email': '', 'fort_id': '1'}
        echoes = {
            'order_description': 'x processor_',
            'return_url': f'{url}response_code=14000status=14transaction_',
        }
        settlement = {
            'order_description': 'x',
            'settlement_reference': 'response_code=14000status=14token_name=',
        }
        email = {'customer_email': 'fort_id=1'}
        for name, echo, cut in (
            ('other names', echoes, {**fields_of_other_names, 'transaction_status': '00'}),
            ('token_status', {**echoes, 'return_url': f'{url}response_code=14000status=14token_'},
             {**fields_of_other_names, 'token_status': '00'}),
            ('other names and number', {**echoes, **email},
             {**fields_of_other_names, 'transaction_status': '00', **number}),
            ('halves', settlement, halves),
            ('halves and number', {**settlement, **email}, {**halves, **number}),
        ):
            message = self._sign_refusal(**echo)
            with self.subTest(name):
                self._assert_asked_about(
                    self.tx, message, **{field: message[field] for field in kept}, **success, **cut
                )

    def test_fields_of_3d_secure_are_no_hindrance(self):
        """ Test that what APS says of 3-D Secure is taken over with the result, at once. """
        fields = {
            '3ds_url': 'http://www.3dsecure.com', '3ds_eci': '05', '3ds_enrolled': 'Y',
            '3ds_status': 'Y', '3ds_xid': 'MDAwMDAwMDAwMDAwMDAwMzIyNzY=',
        }
        for post in (self._notify, self._return):
            for number, (names, answer, state) in enumerate((
                (['3ds_url'], {}, 'done'), (list(fields), {}, 'done'),
                (['3ds_url'], {
                    'status': '20', 'response_code': '20064', '3ds_url': 'https://x/y?a=b&c=d',
                }, 'pending'),
            )):
                tx = self._create_transaction(
                    'redirect', reference=f'3DS-{post.__name__.upper()}-{number}'
                )
                with self.subTest(post=post.__name__, names=names, state=state):
                    post(self._build_message(tx, **{
                        **{name: fields[name] for name in names}, **answer,
                    }))
                    self.assertEqual(tx.state, state)

    def _assert_not_believed(self, tx, message, is_asked=True):
        """ Check that a signed message changes no state, and has APS asked. """
        state = tx.state
        for post, status in ((self._notify, 200), (self._return, 303)):
            tx.aps_next_check = False
            self.assertEqual(post(message).status_code, status)
            self.env.invalidate_all()
            self.assertEqual(tx.state, state)
            self.assertEqual(tx._aps_is_check_due(), is_asked)

    def test_success_that_lacks_something_is_asked_about(self):
        """ Test that a success by a route needs agreeing codes, the plain one, and a number. """
        for changes in (
            {'fort_id': None}, {'fort_id': ''}, {'response_code': '14123'},
            {'response_code': '14006'}, {'response_code': '13666'},
            {'status': '13', 'response_code': '14000'},
            {'command': 'AUTHORIZATION', 'status': '02', 'fort_id': None},
            {'status': None}, {'response_code': None}, {'response_code': '14'},
        ):
            with self.subTest(**changes):
                self._assert_not_believed(self.tx, self._build_message(self.tx, **changes))

    def test_answers_of_the_api_are_not_taken_from_strangers(self):
        """ Test that a route believes no answer to a query, which could tell any sums. """
        for changes in (
            {'query_command': 'CHECK_STATUS', 'command': None, 'status': '12',
             'transaction_status': '14', 'transaction_code': '14000', 'captured_amount': '12345'},
            {'query_command': 'CHECK_STATUS'}, {'service_command': 'UPDATE_TOKEN'},
            {'query_command': 'X'},
        ):
            with self.subTest(**changes):
                self._assert_not_believed(self.tx, self._build_message(self.tx, **changes))

    def test_refusal_that_anybody_may_have_caused_changes_nothing_under_way(self):
        """ Test that `00` touches neither a payment with a state of its own nor an operation. """
        refusal = {'status': '00', 'response_code': '00008', 'fort_id': None}
        for set_state, is_asked in (
            ('_set_pending', True), ('_set_authorized', False), ('_set_done', False),
        ):
            for code in ('00008', '00072', '00047'):
                tx = self._create_transaction('redirect', reference=f'{set_state}-{code}')
                getattr(tx, set_state)()
                message = self._build_message(tx, **{**refusal, 'response_code': code})
                with self.subTest(state=tx.state, code=code):
                    self._assert_not_believed(tx, message, is_asked=is_asked)

        self.tx._set_authorized()
        self.tx.write({'aps_operation': 'CAPTURE', 'aps_request_state': 'sent'})
        for command in ('CAPTURE', 'VOID_AUTHORIZATION', 'PURCHASE'):
            with self.subTest(command=command):
                self._assert_not_believed(
                    self.tx, self._build_message(self.tx, command=command, **refusal)
                )
                self.assertEqual(self.tx.aps_request_state, 'sent')

    def test_refusal_fails_a_new_payment_only_if_its_sums_fit(self):
        """ Test that `00` ends the very payment that it is about, and has APS asked all the same.
        """
        refusal = {'status': '00', 'response_code': '00008', 'fort_id': None}
        amount = str(round(self.tx.amount * 100))
        for changes in (
            {'amount': None, 'currency': None}, {'amount': None}, {'currency': None},
            {'amount': '1'}, {'currency': 'USD'}, {'amount': f'{amount}0'},
        ):
            with self.subTest(**changes):
                self._assert_not_believed(
                    self.tx, self._build_message(self.tx, **refusal, **changes)
                )
        self.tx.aps_next_check = False
        self._notify(self._build_message(self.tx, **refusal))
        self.assertEqual(self.tx.state, 'error')
        self.assertTrue(self.tx._aps_is_check_due())

    def test_refused_messages_are_answered_alike(self):
        """ Test that the answer doesn't tell which references exist. """
        wrong = self._notify({**self._build_message(self.tx), 'amount': '1'})
        unknown = self._notify({**self._build_message(self.tx), 'merchant_reference': 'NOPE-1'})
        self.assertEqual((wrong.status_code, unknown.status_code), (403, 403))
        self.assertEqual(wrong.content, unknown.content)
        self.assertNotIn(self.tx.reference, wrong.text)

    def test_result_that_something_else_stops_is_an_error_of_the_server(self):
        """ Test that APS repeats what a constraint of another module kept from being applied. """
        for number, error in enumerate((
            UserError("stopped"), ValidationError("stopped"), AccessError("stopped"),
            MissingError("stopped"), AccessDenied(), RedirectWarning("stopped", 1, "Go"),
            IntegrityError("stopped"), ValueError("stopped"),
        )):
            tx = self._create_transaction('redirect', reference=f'STOPPED-{number}')
            self.patch(type(tx), '_set_done', lambda *_args, error=error, **_kwargs: (
                _raise(error)
            ))
            message = self._build_message(tx)
            for post, status in ((self._notify, 500), (self._return, 303)):
                with self.subTest(error=error, post=post.__name__), self.assertLogs(
                    'odoo.addons.payment_aps.controllers.main', 'ERROR'
                ) as log:
                    self.assertEqual(post(message).status_code, status)
                [record] = [record for record in log.records if record.levelname == 'ERROR']
                self.assertIn(tx.reference, record.getMessage())
            self.env.invalidate_all()
            self.assertEqual(tx.state, 'draft')

    def test_result_that_is_stopped_before_the_commit_is_an_error_of_the_server(self):
        """ Test that what Odoo does last for a request is not left out. """
        def stop(tx, *_args, **_kwargs):
            tx.env.cr.precommit.add(lambda: _raise(UserError("stopped")))

        self.patch(type(self.tx), '_set_done', stop)
        message = self._build_message(self.tx)
        for post, status in ((self._notify, 500), (self._return, 303)):
            with self.subTest(post=post.__name__), self.assertLogs(
                'odoo.addons.payment_aps.controllers.main', 'ERROR'
            ) as log:
                self.assertEqual(post(message).status_code, status)
            self.assertIn(self.tx.reference, log.output[0])

    def test_return_address_holds_nothing_that_could_be_a_field(self):
        """ Test that the host of a request, which is signed, is that of the shop. """
        public_url = self.aps._aps_get_public_url()
        for host in ('x.comstatus=14zz=', 'a_b=c', 'x y', '[::1]'):
            self.patch(type(self.aps), 'get_base_url', lambda _self, host=host: f'http://{host}/')
            values = self.tx._aps_prepare_form_values()
            with self.subTest(host=host):
                self.assertEqual(values['return_url'], f'{public_url}{APSController._return_url}')

    def test_deeply_nested_message_is_refused(self):
        """ Test that a stranger's brackets end neither in an error nor in a long traceback. """
        for depth in (50, 400, 900, 100000):
            body = (
                f'{{"merchant_reference": "{self.tx.reference}", "signature": "{"a" * 64}", '
                f'"x": {"[" * depth}{"]" * depth}}}'
            )
            with self.subTest(depth=depth):
                response = self._post('/payment/aps/webhook', body, 'application/json')
                self.assertIn(response.status_code, (400, 403))

    def test_malformed_multipart_is_no_error_of_the_server(self):
        """ Test bodies at which the parser itself fails. """
        for content_type in (
            'multipart/form-data; boundary=', 'multipart/form-data',
            'multipart/form-data; boundary=ü',
        ):
            for body in (b'', b'--x\r\n\r\n1\r\n--x--'):
                with self.subTest(content_type=content_type, body=body):
                    response = self._post('/payment/aps/webhook', body, content_type.encode())
                    self.assertEqual(response.status_code, 400)
                    response = self._post('/payment/aps/return', body, content_type.encode())
                    self.assertEqual(response.status_code, 303)

    def test_body_in_chunks_is_read_like_any_other(self):
        """ Test that messages whose length is not announced are taken. """
        message = self._build_message(self.tx)
        body = urlencode(message).encode()
        form = 'application/x-www-form-urlencoded'
        response = self._post('/payment/aps/webhook', iter([body[:20], body[20:]]), form)
        self.assertEqual(response.status_code, 200)
        self.env.invalidate_all()
        self.assertEqual(self.tx.state, 'done')

    def test_log_of_refused_messages_is_one_short_line(self):
        """ Test that a stranger can't fill the log. """
        with self.assertLogs('odoo.addons.payment_aps', 'WARNING') as log:
            self._notify({'merchant_reference': 'x' * 100000, 'signature': 'y' * 100000})
        self.assertEqual(len(log.output), 1)
        self.assertLess(len(log.output[0]), 300)

    def _receive_by_webhook(self, message):
        """ Take a message as the webhook does, from the search for its transaction on. """
        self.env.flush_all()
        self.env.invalidate_all()
        tx, provider = self.env['payment.transaction'].sudo()._aps_search(message)
        self.assertTrue(provider._aps_get_account().recognizes(message))
        tx._aps_receive(message, 'webhook')
        self.assertEqual(tx.state, 'done')

    def test_message_is_taken_with_few_queries(self):
        """ Test that what an answer is applied by is read at once, and nothing twice.

        The engine reads currency, language and documents, and writes; the rest is the addon's:
        transaction, provider, trail, lock and payment methods.
        """
        warm_up, message = (
            self._build_message(self._create_transaction('redirect', reference=reference))
            for reference in ('warm-up', 'measured')
        )
        self._receive_by_webhook(warm_up)
        with self.assertQueryCount(11):
            self._receive_by_webhook(message)
        with self.assertQueryCount(3):  # A repetition.
            self._receive_by_webhook(message)
