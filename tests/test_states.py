from itertools import permutations

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, APSCommon

ENGINE_LOGGER = 'odoo.addons.payment.models.payment_transaction'


@tagged('post_install', '-at_install')
class TestStates(APSCommon):

    def _create(self, number=0):
        """ Return a new transaction. """
        return self._create_transaction('redirect', reference=f'S00042-{number}')

    def test_success_confirms_the_transaction(self):
        """ Test that the reference, method and state of a paid transaction are recorded. """
        for notify in (self._notify, self._notify_json):
            tx = self._create(notify.__name__)
            with self.subTest(notify=notify.__name__):
                response = notify(self._build_message(tx))
                self.assertEqual((response.status_code, response.text), (200, ''))
                self.assertEqual(tx.state, 'done')
                self.assertEqual(tx.provider_reference, '169996200024611493')
                self.assertEqual(tx.payment_method_code, 'visa')
                self.assertFalse(tx.state_message)

    def test_json_numbers_are_verified_as_they_were_written(self):
        """ Test that a number in a JSON notification is the text that APS signed. """
        tx = self._create()
        message = self._build_message(tx)
        body = ', '.join(
            f'"{name}": {value}' if name == 'amount' else f'"{name}": "{value}"'
            for name, value in message.items()
        )
        self._post('/payment/aps/webhook', f'{{{body}}}', 'text/plain')
        self.assertEqual(tx.state, 'done')

    def test_repeated_success_changes_nothing(self):
        """ Test that the second message about the same payment writes nothing. """
        tx = self._create()
        message = self._build_message(tx)
        self._notify(message)
        with self._assert_nothing_written(tx):
            self.assertEqual(self._notify(message).status_code, 200)
            self.assertEqual(self._return(message).status_code, 303)

    def test_answers_never_lower_the_state_whatever_their_order(self):
        """ Test that all orders of the same answers end in the same state. """
        answers = {
            'pending': {'status': '19'},
            'failure': {'status': '13', 'response_code': '13666'},
            'cancel': {'status': '00', 'response_code': '00072'},
            'success': {'status': '14'},
        }
        with mute_logger(ENGINE_LOGGER):
            for number, order in enumerate(permutations(answers)):
                tx = self._create(number)
                for name in order:
                    self._notify(self._build_message(tx, **answers[name]))
                with self.subTest(order=order):
                    self.assertEqual(tx.state, 'done')

    def test_attempt_of_unknown_outcome_counts_whatever_was_declined_before(self):
        """ Test that nobody is told to pay again while a second attempt may have succeeded. """
        number = 0
        for failure in ('13666', '00072', '03030'):
            for uncertain in (
                '15777', '15000', '40090', '19000', '19065', '13006', '00784', '00047', '10777',
            ):
                number += 1
                tx = self._create(number)
                with self.subTest(failure=failure, uncertain=uncertain):
                    self._answer(tx, failure)
                    self.assertIn(tx.state, ('error', 'cancel'))
                    self._answer(tx, uncertain)
                    self.assertEqual(tx.state, 'pending')
                    self.assertIn("do not pay again", tx.state_message)
                    self.assertTrue(tx._aps_is_check_due())
                    self._answer(tx, '13029')
                    self.assertEqual(tx.state, 'error', "A final failure settles it.")

    def test_unfinished_attempt_leaves_no_message_that_claims_too_much(self):
        """ Test that "you have not been charged" isn't said while the shopper goes on paying. """
        for number, (failure, unfinished) in enumerate((
            ('13666', '20064'), ('00072', '01000'), ('13029', '10065'), ('13666', '44000'),
        )):
            tx = self._create(number)
            with self.subTest(failure=failure, unfinished=unfinished):
                self._answer(tx, failure)
                tx.aps_next_check = False
                self._answer(tx, unfinished)
                self.assertIn(tx.state, ('error', 'cancel'))
                self.assertNotIn("not been charged", tx.state_message)
                self.assertTrue(tx.aps_next_check, "Nobody asks what became of it.")
                self._answer(tx, '14000')
                self.assertEqual(tx.state, 'done')

    def test_all_orders_without_success_end_in_what_aps_tells_at_last(self):
        """ Test that a failure and an uncertain answer end as the query tells, in any order. """
        answers = ('13666', '00072', '15777', '20064', '40090')
        uncertain = {'15777', '40090'}
        for number, order in enumerate(permutations(answers, 3)):
            tx = self._create(number)
            with self.subTest(order=order):
                for response_code in order:
                    self._answer(tx, response_code)
                if order[-1] in uncertain:
                    self.assertEqual(tx.state, 'pending')
                    self.assertIn("do not pay again", tx.state_message)
                self.assertTrue(tx.aps_next_check)
                tx._aps_handle(self._build_query_answer(tx, '13666'))
                self.assertIn(tx.state, ('error', 'cancel'))

    def test_query_that_tells_of_an_uncertain_attempt_counts_as_well(self):
        """ Test that a declined attempt isn't the last word if the check tells another story. """
        for number, (code, state) in enumerate((
            ('15777', 'pending'), ('40090', 'pending'), ('19000', 'pending'), ('13006', 'pending'),
            ('20064', 'error'), ('01000', 'error'), ('10000', 'error'),
        )):
            tx = self._create(number)
            with self.subTest(code=code):
                self._answer(tx, '13666')
                tx._aps_handle(self._build_query_answer(tx, code))
                self.assertEqual(tx.state, state)
                if state == 'pending':
                    self.assertIn("do not pay again", tx.state_message)

    def test_attempt_that_ends_in_the_words_of_a_former_one_is_asked_about(self):
        """ Test that it isn't taken for a repetition, and neither for the end of another one. """
        for number, order in enumerate((
            ('13666', '15777', '13666'), ('15777', '13666', '15777'), ('15777', '00072', '15777'),
        )):
            tx = self._create(number)
            for response_code in order[:-1]:
                self._answer(tx, response_code)
            state = tx.state
            tx.aps_next_check = False
            self._answer(tx, order[-1])
            with self.subTest(order=order):
                self.assertEqual(tx.state, state)
                self.assertTrue(tx._aps_is_check_due())

    def _answer(self, tx, response_code):
        """ Have APS answer to the payment: by a notification, or to a request of our own where a
        notification could tell of the request of anybody.
        """
        status = response_code[:2]
        command = 'AUTHORIZATION' if status == '03' else 'PURCHASE'
        message = self._build_message(
            tx, command=command, status=status, response_code=response_code
        )
        with mute_logger(ENGINE_LOGGER):
            if status == '00' and tx.state != 'draft':
                tx._aps_handle(message)
            else:
                self._notify(message)

    def _build_query_answer(self, tx, code):
        """ Return the answer to a query, whose signature was verified. """
        return {
            'query_command': 'CHECK_STATUS', 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': tx.reference, 'status': '12', 'response_code': '12000',
            'transaction_status': code[:2], 'transaction_code': code,
        }

    def test_failure_after_success_loses(self):
        """ Test that neither a late failure nor a late cancellation unpays a payment. """
        for number, response_code in enumerate(('13666', '00072', '00007', '03030', '19000')):
            tx = self._create(number)
            self._notify(self._build_message(tx))
            with self.subTest(response_code=response_code), self._assert_nothing_written(tx):
                self._notify(self._build_message(
                    tx, status=response_code[:2], response_code=response_code, fort_id='2'
                ))

    def test_success_after_failure_or_cancellation_wins(self):
        """ Test that money that arrived late is not lost. """
        for number, response_code in enumerate(('13666', '00072')):
            tx = self._create(number)
            self._notify(self._build_message(
                tx, status=response_code[:2], response_code=response_code
            ))
            self.assertIn(tx.state, ('error', 'cancel'))
            with self.subTest(response_code=response_code):
                self._notify(self._build_message(tx))
                self.assertEqual(tx.state, 'done')
                self.assertFalse(tx.state_message, "The failure's message must not stay.")

    def test_failure_tells_the_shopper_about_their_money(self):
        """ Test the messages of failures: plain words, no codes. """
        for response_code, state, words in (
            ('13666', 'error', "declined"), ('13029', 'error', "not enough money"),
            ('13012', 'error', "expired"), ('10030', 'error', "verify"),
            ('00072', 'cancel', "You canceled"), ('00008', 'error', "contact us"),
        ):
            tx = self._create(response_code)
            with self.subTest(response_code=response_code):
                self._notify(self._build_message(
                    tx, status=response_code[:2], response_code=response_code
                ))
                self.assertEqual(tx.state, state)
                self.assertIn(words, tx.state_message)
                self.assertIn("not been charged", tx.state_message)
                self.assertNotIn(response_code, tx.state_message)

    def test_unclear_and_unknown_answers_wait(self):
        """ Test that nothing is guessed about money. """
        for response_code in ('15777', '13006', '00047', '20064', '99000', '16123', '18000'):
            tx = self._create(response_code)
            with self.subTest(response_code=response_code):
                self._notify(self._build_message(
                    tx, status=response_code[:2], response_code=response_code
                ))
                self.assertEqual(tx.state, 'pending')

    def test_contradicting_answer_is_not_a_success(self):
        """ Test that status and response code must both tell of the success. """
        for number, (status, response_code) in enumerate((('14', '13666'), ('13', '14000'))):
            tx = self._create(number)
            message = self._build_message(tx, status=status, response_code=response_code)
            self._notify(message)
            self.assertEqual(tx.state, 'draft')
            tx._aps_handle(message)  # An answer of the API.
            self.assertEqual(tx.state, 'pending')

    def test_unusual_success_needs_the_number_of_aps(self):
        """ Test that an answer of the API without plain success code needs a `fort_id`. """
        tx = self._create(1)
        tx._aps_handle(self._build_message(tx, response_code='14123', fort_id=None))
        self.assertEqual(tx.state, 'pending')
        tx._aps_handle(self._build_message(tx, response_code='14123'))
        self.assertEqual(tx.state, 'done')

    def test_answer_without_number_keeps_the_known_one(self):
        """ Test that the number of APS is never erased. """
        tx = self._create()
        self._notify(self._build_message(tx, status='19'))
        tx._aps_handle(self._build_message(tx, fort_id=None))
        self.assertEqual(tx.state, 'done')
        self.assertEqual(tx.provider_reference, '169996200024611493')

    def test_invalid_request_is_an_error_even_without_amount(self):
        """ Test the scant answer that the API may give to a request it could not read. """
        tx = self._create()
        tx._aps_handle(self._build_message(
            tx, status='00', response_code='00001', amount=None, currency=None, fort_id=None
        ))
        self.assertEqual(tx.state, 'error')

    def test_shopper_reads_the_message_in_their_language(self):
        """ Test that the message is translated for the shopper rather than for APS's server. """
        self.env['res.lang']._activate_lang('ar_001')
        self.partner.lang = 'ar_001'
        tx = self._create()
        self._notify(self._build_message(tx, status='13', response_code='13666'))
        self.assertEqual(tx.state, 'error')
        self.assertNotIn("declined", tx.state_message)
