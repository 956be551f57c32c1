import re
from unittest.mock import patch

from markupsafe import Markup

from odoo.tests import tagged
from odoo.tools.translate import code_translations

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.models import response_codes
from odoo.addons.payment_aps.tests.common import APSCommon

# The message codes of the reference, section 9.5.
REFERENCE = re.findall(r'\d+', """
    000 001 002 003 004 005 006 007 008 009 010 011 012 013 014 015 016 017 018 019 020 021 023 024
    025 026 027 029 030 031 032 033 034 035 036 037 038 039 040 042 043 044 046 047 048 049 050 051
    052 053 054 055 056 057 058 059 060 062 063 064 065 066 067 068 069 070 071 072 073 074 075 076
    077 078 079 080 082 083 084 086 087 088 089 090 092 093 094 095 096 097 098 099 100 101 102 103
    104 105 106 107 110 111 112 113 114 115 116 117 118 119 120 121 122 123 124 125 126 127 128 129
    134 136 137 138 140 141 142 144 146 147 148 149 150 151 152 154 155 160 181 182 221 225 662 666
    746 747 748 773 777 778 779 780 781 783 784 785 787 788 789 790 983
""")
# What the shopper reads after a failure, by one code of each family.
SHOPPER_WORDS = {
    '000': "could not be made", '065': "could not be made", '079': "could not be made",
    '072': "You canceled", '029': "not enough money", '012': "has expired",
    '016': "was not accepted", '030': "verify that it was you", '778': "in time",
    '050': "paid at once", '181': "This amount", '666': "declined", '785': "security reasons",
    '008': "could not be made", '002': "could not be made", '027': "could not be made",
    '014': "could not be made",
    '015': "could not be made", '013': "could not be made", '034': "could not be made",
    '036': "could not be made", '044': "saved card", '086': "instalments", '160': "wallet",
    '125': "could not be made", '155': "could not be made", '099': "could not be made",
    '999': "could not be made",  # Not of the reference.
}
# What the shopper of a pending payment reads, by response code.
PENDING_WORDS = {
    '15777': "not know yet", '15000': "not know yet", '99000': "not know yet",
    '18000': "not know yet", '01006': "not know yet", '40090': "being reviewed",
    '19000': "not know yet", '01000': None, '10000': None, '20064': None, '24000': None,
    '44000': None, '46000': None,
    **{f'13{code}': "not know yet" for code in const.UNCLEAR_MESSAGE_CODES},
}


@tagged('post_install', '-at_install')
class TestResponseCodes(APSCommon):
    """ What shoppers and staff read about the response codes of APS. """

    def _answer(self, response_code, tx=None):
        """ Have APS answer to a payment.

        :param str response_code: The response code.
        :param recordset tx: The transaction; a new one by default.
        :return: The transaction.
        :rtype: recordset of `payment.transaction`
        """
        tx = tx or self._create_transaction('redirect', reference=f'CODE-{response_code[:5]}')
        self._notify(self._build_message(
            tx, status=response_code[:2], response_code=response_code
        ))
        return tx

    def test_every_code_of_the_reference_is_explained(self):
        """ Test that the staff reads a meaning and an advice of each code. """
        self.assertEqual(list(response_codes.MESSAGE_CODES), REFERENCE)
        tx = self._create_transaction('redirect')
        for number, code in response_codes.MESSAGE_CODES.items():
            with self.subTest(code=number):
                self.assertTrue(str(code.meaning))
                family = response_codes.MESSAGE_FAMILIES[code.family]
                self.assertRegex(str(family.advice), r'\.$')
                text = tx._aps_describe_code(f'14{number}')
                self.assertEqual(text, f"APS: {code.meaning} (14{number}). {family.advice}")
        titles = dict(tx._fields['aps_reason']._description_selection(tx.env))
        self.assertLessEqual(set(response_codes.MESSAGE_CODES), set(titles))

    def test_success_is_told_of_successful_statuses_only(self):
        """ Test that the staff doesn't read of a success where the status tells another story. """
        tx = self._create_transaction('redirect')
        for response_code, meaning, advice in (
            ('02000', "Success", "nothing to do"), ('12000', "Success", "nothing to do"),
            ('58063', "Token updated", "nothing to do"), ('13000', "Transaction failed", "ask APS"),
            ('00000', "Transaction failed", "ask APS"), ('07000', "Transaction failed", "ask APS"),
            ('11000', "Uncertain", "Do not repeat it"), ('15000', "Uncertain", "Do not repeat it"),
            ('18000', "Uncertain", "Do not repeat it"), ('99000', "Uncertain", "Do not repeat it"),
            ('40000', "In review", "Wait for the decision"), ('13666', "Declined", "another card"),
            ('19000', "Waiting for customer's action", "Odoo finds out"),
        ):
            with self.subTest(response_code=response_code):
                text = tx._aps_describe_code(response_code)
                self.assertIn(f"{meaning} ({response_code})", text)
                self.assertIn(advice, text)

    def test_trail_shows_what_a_query_tells_of_the_payment(self):
        """ Test that "Success" of the query itself doesn't hide that the payment was declined. """
        message = self.env['payment.aps.message'].new({
            'response_code': '12000', 'body': 'response_code=12000\ntransaction_code=13666',
        })
        self.assertEqual(message.meaning, "Declined (13666)")
        self.assertIn("another card", message.advice)

    def test_every_family_is_used_and_tells_about_the_money(self):
        """ Test that no text for shoppers leaves open what happened and what to do. """
        used = {code.family for code in response_codes.MESSAGE_CODES.values()}
        self.assertEqual(used, set(response_codes.MESSAGE_FAMILIES))
        for name, family in response_codes.MESSAGE_FAMILIES.items():
            with self.subTest(family=name):
                words = r'You have not been charged\. (Please|You can) '
                if name == 'unclear':
                    words = r'Please do not pay again: we are still asking'
                self.assertRegex(str(family.failure), words)

    def test_unclear_codes_are_those_that_wait(self):
        """ Test that what the staff reads agrees with what happens to the payment. """
        unclear = {
            number for number, code in response_codes.MESSAGE_CODES.items()
            if code.family == 'unclear'
        }
        self.assertEqual(unclear, set(const.UNCLEAR_MESSAGE_CODES))

    def test_shopper_of_a_failed_payment_reads_about_their_money(self):
        """ Test the text of each family: plain words, no codes. """
        families = {response_codes.find_message_code(f'13{code}').family for code in SHOPPER_WORDS}
        self.assertEqual(families, set(response_codes.MESSAGE_FAMILIES) - {'unclear', 'success'})
        for code, words in SHOPPER_WORDS.items():
            with self.subTest(code=code):
                tx = self._answer(f'13{code}')
                self.assertEqual(tx.state, 'cancel' if code == '072' else 'error')
                self.assertIn(words, tx.state_message)
                self.assertIn("You have not been charged.", tx.state_message)
                self.assertNotIn(code, tx.state_message)
                self.assertIn(f'(13{code})', tx.aps_staff_message)

    def test_shopper_of_a_pending_payment_is_told_not_to_pay_again(self):
        """ Test the texts while the outcome is open: a warning, unless the shopper is to go on. """
        for response_code, words in PENDING_WORDS.items():
            with self.subTest(response_code=response_code):
                tx = self._answer(response_code)
                self.assertEqual(tx.state, 'pending')
                if words:
                    self.assertIn(words, tx.state_message)
                    self.assertIn("do not pay again", tx.state_message)
                    self.assertIn(f'({response_code})', tx.aps_staff_message)
                else:
                    self.assertFalse(tx.state_message)
                    self.assertFalse(tx.aps_staff_message)

    def test_payment_whose_outcome_becomes_unclear_says_so(self):
        """ Test that the warning comes even if the payment was pending before. """
        tx = self._answer('01000')
        self._answer('13006', tx)
        self.assertEqual(tx.state, 'pending')
        self.assertIn("do not pay again", tx.state_message)
        self.assertIn("(13006)", tx.aps_staff_message)

        self._answer('20064', tx)
        self.assertIn("do not pay again", tx.state_message, "The warning must stay.")
        with self._assert_nothing_written(tx):
            self._answer('13006', tx)

        self._answer('14000', tx)
        self.assertRecordValues(tx, [
            {'state': 'done', 'state_message': False, 'aps_staff_message': False},
        ])

    def test_status_page_shows_the_warning(self):
        """ Test that the shopper doesn't read that all went well while that is not known. """
        tx = self._answer('15777')
        if not hasattr(tx, '_get_post_processing_values'):
            self.skipTest("The page of 19.0 shows the message by itself.")
        values = tx._get_post_processing_values()
        self.assertEqual(values['display_message'], tx.state_message)
        tx.state_message = '<b>'
        self.assertEqual(tx._get_post_processing_values()['display_message'], '&lt;b&gt;')

    def test_chatter_tells_the_reason_and_what_to_do(self):
        """ Test what is posted on orders and invoices; whatever APS sends is text, not HTML. """
        tx = self._create_transaction('redirect')
        tx._aps_set_state('error', '13<b>')
        self.assertIn("(13<b>)", tx.aps_staff_message)
        message = tx._get_received_message()
        self.assertIsInstance(message, Markup)
        self.assertIn("You have not been charged.", message)
        self.assertIn("<br/>APS: Unknown reason (13&lt;b&gt;). Try again later.", message)
        self.assertNotIn("13<b>", message)

        tx = self._answer('14000', tx)
        self.assertNotIn("APS:", tx._get_received_message())

    def test_texts_are_in_the_language_of_their_reader(self):
        """ Test that each reader has their language, and documents that of the company. """
        for lang in ('fr_FR', 'de_DE'):
            self.env['res.lang']._activate_lang(lang)
        self.partner.lang = 'fr_FR'
        self.company.partner_id.lang = 'de_DE'
        family = response_codes.MESSAGE_FAMILIES['declined']
        sources = [response_codes.MESSAGE_CODES['666'].meaning, family.advice, family.failure]
        terms = [str(source) for source in sources]

        def get_translations(_module, lang):
            return {term: f'{lang} {term}' for term in terms}

        with patch.object(code_translations, 'get_python_translations', get_translations):
            tx = self._answer('13666')
            message = self.env['payment.aps.message'].search([], limit=1)
            french = message.with_context(lang='fr_FR')
            self.assertEqual([french.meaning, french.advice], [f'fr_FR {t}' for t in terms[:2]])
            for lang in ('fr_FR', 'de_DE'):
                reader_tx = tx.with_context(lang=lang)
                text = f'{lang} {terms[0]} (13666). {lang} {terms[1]}'
                self.assertEqual(reader_tx.aps_staff_message, text)
                titles = dict(reader_tx._fields['aps_reason']._description_selection(reader_tx.env))
                self.assertEqual(titles[tx.aps_reason], f'{lang} {terms[0]}')
            self.assertIn(f'APS: de_DE {terms[0]} (13666).', tx._get_received_message())
        self.assertEqual(tx.state_message, f'fr_FR {terms[2]}')

    def test_trail_shows_meaning_and_advice(self):
        """ Test what the staff reads in the trail of messages. """
        self._answer('13008')
        self._answer('13999')
        rows = self.env['payment.aps.message'].search([], limit=2)
        self.assertEqual(rows.mapped('meaning'), ["Unknown reason", "Signature mismatch"])
        self.assertIn("ask APS about it", rows[0].advice)
        self.assertIn("Integration Settings > Security Settings", rows[1].advice)
