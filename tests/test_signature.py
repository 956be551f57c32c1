import json
from pathlib import Path

from odoo.tests import BaseCase, tagged

from odoo.addons.payment_aps.aps.signature import (
    build_signing_string,
    compute_signature,
    format_value,
    verify_signature,
)

VECTORS = json.loads(Path(__file__).with_name('signature_vectors.json').read_text('utf-8'))


@tagged('post_install', '-at_install')
class TestSignature(BaseCase):

    def test_every_published_vector_is_reproduced(self):
        """ Test the text that is hashed, and its digest, against all known vectors. """
        self.assertEqual(len(VECTORS), 30)
        for vector in VECTORS:
            with self.subTest(vector=vector['id']):
                text = build_signing_string(vector['params'], vector['phrase'])
                self.assertEqual(text, vector['string'])
                if vector['alg'] == 'sha1':
                    continue  # Not offered; only the text can be compared.
                signature = compute_signature(
                    vector['params'], vector['phrase'], vector['alg']
                )
                self.assertEqual(signature, vector['digest'])

    def test_every_vector_is_verified_in_either_case(self):
        """ Test that a signature is accepted in lower and in upper case. """
        for vector in VECTORS:
            if vector['alg'] == 'sha1':
                continue
            for digest in (vector['digest'], vector['digest'].upper()):
                with self.subTest(vector=vector['id'], digest=digest):
                    self.assertTrue(verify_signature(
                        {**vector['params'], 'signature': digest}, vector['phrase'], vector['alg']
                    ))

    def test_message_signed_without_its_empty_fields_is_verified(self):
        """ Test that both readings of empty fields are accepted (vectors C2a and C2b). """
        vectors = {vector['id']: vector for vector in VECTORS}
        message = {**vectors['C2a']['params'], 'signature': vectors['C2b']['digest']}
        self.assertEqual(message['phone_number'], '')
        self.assertTrue(verify_signature(message, vectors['C2a']['phrase'], 'sha256'))

    def test_values_that_are_no_text_are_verified(self):
        """ Test that objects and missing values of JSON don't make the verification fail. """
        message = {'a': {'b': '1'}, 'c': None, 'd': '', 'e': ['2']}
        for signed in (message, {'a': {'b': '1'}, 'e': ['2']}):
            signature = compute_signature(signed, 'PASS', 'sha256')
            self.assertTrue(
                verify_signature({**message, 'signature': signature}, 'PASS', 'sha256')
            )

    def test_signature_of_another_sha_type_is_refused(self):
        """ Test that the SHA type is not chosen by who sends the message. """
        vectors = {vector['id']: vector for vector in VECTORS}
        message = {**vectors['C1b']['params'], 'signature': vectors['C1b']['digest']}
        self.assertTrue(verify_signature(message, 'PASS', 'sha512'))
        for sha_type in ('sha256', 'hmac256', 'hmac512'):
            self.assertFalse(verify_signature(message, 'PASS', sha_type))

    def test_nothing_is_verified_without_phrase(self):
        """ Test that an empty phrase, which anyone could sign with, verifies nothing. """
        message = {'merchant_reference': 'R1'}
        digest = 'ce4ec0cc4bdb4d23c95cf4c63ab7dc8a9bea7f2d0f1fa0be27f4df1b1bf7fdb1'
        for phrase in ('', None, False):
            self.assertFalse(
                verify_signature({**message, 'signature': digest}, phrase, 'sha256')
            )
            with self.assertRaises(ValueError):
                compute_signature(message, phrase, 'sha256')

    def test_malformed_signatures_are_refused(self):
        """ Test that no form of signature makes the comparison crash. """
        for signature in (None, '', False, 0, [], {}, 'é' * 64, '\ud800', 'g' * 64, 'a' * 10000):
            with self.subTest(signature=signature):
                self.assertFalse(verify_signature(
                    {'merchant_reference': 'R1', 'signature': signature}, 'PASS', 'sha256'
                ))

    def test_nested_values_are_signed_in_their_text_form(self):
        """ Test the text form of objects and lists (vectors N4 to N6 hold it already). """
        self.assertEqual(
            format_value([{'a': '1', 'b': ''}, {'c': None}]), '[{a=1, b=}, {c=}]'
        )
        self.assertEqual(format_value({'a': True, 'b': ['x', 'y']}), '{a=true, b=[x, y]}')
