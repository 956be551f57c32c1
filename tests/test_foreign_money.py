from odoo.tests import tagged

from odoo.addons.payment_aps.controllers.main import APSController
from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, sign
from odoo.addons.payment_aps.tests.problem_common import ProblemCommon


@tagged('post_install', '-at_install')
class TestForeignMoney(ProblemCommon):
    """ What APS tells of payments that this database doesn't know. """

    def setUp(self):
        super().setUp()
        self.tx = self._create_transaction('redirect')
        self.messages = self.env['payment.aps.message'].sudo()

    def _make_foreign(self, reference='LINK-1', **changes):
        """ Return a signed message about a payment that was made elsewhere. """
        return self._build_message(self.tx, merchant_reference=reference, **changes)

    def _deliver(self, message, times=2):
        """ Deliver a message several times, and return whether each was acknowledged. """
        res = [self.messages._aps_keep_foreign(message) for _number in range(times)]
        self._commit()
        return res

    def test_second_delivery_is_kept_and_told_once_a_day_with_the_sum(self):
        """ Test a payment that came by a link of the dashboard, and others after it. """
        message = self._make_foreign()
        self.assertEqual(self._deliver(message, times=1), [False])
        self.assertFalse(self._find('no_payment'))
        self.assertEqual(self._deliver(message, times=3), [True] * 3)
        self.assertEqual(self._find('no_payment').detail, "100.00 EUR")

        self._deliver(self._make_foreign('LINK-2', amount='1000'))
        # The authorization and the capture of the same money.
        authorized = {'command': 'AUTHORIZATION', 'status': '02', 'amount': '500'}
        self._deliver(self._make_foreign('LINK-3', **authorized))
        self._deliver(self._make_foreign('LINK-3', command='CAPTURE', status='04', amount='500'))
        self._deliver(self._make_foreign('LINK-4', currency='KWD', amount='1500'))
        problem = self._find('no_payment')
        self.assertEqual(problem.detail, "115.00 EUR, 1.500 KWD")
        self.assertEqual(problem.provider_id, self.provider)
        kept = self.messages.search([('state', '=', 'foreign')])
        self.assertEqual(len(kept), 5)
        action = self._act(problem)
        self.assertEqual(self.messages.search(action['domain']), kept)

    def test_operation_on_a_payment_that_is_not_known_is_told(self):
        """ Test what only operations tell of, as the payment is not in a restored backup. """
        capture = {'command': 'CAPTURE', 'status': '04', 'response_code': '04000'}
        for amount in ('500', '700'):  # One payment, in parts.
            self._deliver(self._make_foreign('LOST-1', amount=amount, **capture))
        self.assertEqual(self._find('no_payment').detail, "12.00 EUR")
        self._deliver(self._make_foreign(
            'LOST-2', command='REFUND', status='06', response_code='06000', amount='300',
        ))
        self._deliver(self._make_foreign('LOST-1', amount='2000'))  # The payment itself.
        self.assertEqual(self._find('no_payment').detail, "23.00 EUR")

    def test_payment_that_is_told_in_other_words_counts_once(self):
        """ Test the feedback and the notification of one payment, which may differ in a field. """
        self._deliver(self._make_foreign())
        self._deliver(self._make_foreign(response_message="Once more"))
        self.assertEqual(self._find('no_payment').detail, "100.00 EUR")

    def test_operation_that_took_nothing_is_not_told_of(self):
        """ Test a capture that was refused, and the release of a reserved amount. """
        self._deliver(self._make_foreign(command='CAPTURE', status='05', response_code='05666'))
        self._deliver(self._make_foreign(
            command='VOID_AUTHORIZATION', status='08', response_code='08000',
        ))
        self.assertFalse(self._find('no_payment'))

    def test_what_took_no_money_is_kept_but_not_told_of(self):
        """ Test a payment that was declined elsewhere. """
        message = self._make_foreign(status='13', response_code='13666')
        self.assertEqual(self._deliver(message), [False, True])
        self.assertFalse(self._find('no_payment'))

    def test_shared_account_is_nothing_to_be_told_of(self):
        """ Test an account that another system uses as well. """
        self.provider.aps_is_account_shared = True
        self.assertEqual(self._deliver(self._make_foreign()), [False, True])
        self.assertFalse(self._find('no_payment'))

    def test_what_is_not_certain_is_refused_however_often_it_comes(self):
        """ Test what strangers may send, and what the account may not have said. """
        message = self._make_foreign()
        recut = dict(message)
        recut['merchant_reference'] += f'order_description={recut.pop("language")}'
        for number, doubtful in enumerate((
            {**message, 'amount': '1'},
            {**message, 'merchant_identifier': 'Another1'},
            {key: value for key, value in message.items() if key != 'merchant_identifier'},
            self._make_foreign(merchant_identifier='Another1'),
            sign(self._build_fields(self.tx, merchant_reference='LINK-1'), phrase='guessed'),
            self._make_foreign(status='00', response_code='00030'),
            self._make_foreign(fort_id=None),
            self._make_foreign('A=1'), self._make_foreign(query_command='CHECK_STATUS'),
            recut,
        )):
            with self.subTest(number=number):
                self.assertEqual(self._deliver(doubtful), [False, False])
        self.assertFalse(self.messages.search([('state', '=', 'foreign')]))
        self.assertFalse(self._find('no_payment'))

    def test_account_that_is_no_text_is_nobody_s(self):
        """ Test what a stranger may put into JSON: it is refused, and no error of the server. """
        message = self._make_foreign()
        for identifier in ([MERCHANT_IDENTIFIER], {'a': MERCHANT_IDENTIFIER}, None, True, 1):
            with self.subTest(identifier=identifier):
                response = self._notify_json({**message, 'merchant_identifier': identifier})
                self.assertEqual(response.status_code, 403)

    def test_charge_that_is_being_made_is_not_foreign(self):
        """ Test a charge whose request is not committed yet. """
        self.env['payment.aps.charge'].create({
            'reference': 'CHARGE-1', 'fingerprint': '1', 'attempt': '1', 'values': '{}',
        })
        self.assertEqual(self._deliver(self._make_foreign('CHARGE-1')), [False, False])

    def test_disabled_provider_keeps_nothing(self):
        """ Test that only accounts in use are heard. """
        self.provider.state = 'disabled'
        self.assertEqual(self._deliver(self._make_foreign()), [False, False])

    def test_account_that_was_just_entered_is_known(self):
        """ Test that the identifiers are read anew when one is changed. """
        message = self._make_foreign(merchant_identifier='Another1')
        self.assertEqual(self._deliver(message, times=1), [False])
        self.assertNotIn('Another1', self.provider._aps_list_merchants())
        self.provider.aps_merchant_identifier = 'Another1'
        self.assertEqual(self.provider._aps_list_merchants(), {'Another1'})
        self.assertEqual(self._deliver(message), [False, True])

    def test_strangers_cost_no_query_more(self):
        """ Test the cost of what names no account of ours, and of a wrong signature. """
        message = self._make_foreign()
        self.messages._aps_keep_foreign(message)  # Reads the identifiers.
        self.env.invalidate_all()
        stranger = self._make_foreign(merchant_identifier='Another1')
        with self.assertQueryCount(0):
            self.messages._aps_keep_foreign(stranger)
        with self.assertQueryCount(1):
            self.messages._aps_keep_foreign({**message, 'amount': '1'})

    def test_return_of_a_browser_is_no_second_delivery(self):
        """ Test that what anybody can bring any number of times is not taken for APS. """
        message = self._make_foreign()
        self.messages._aps_keep_foreign(message)
        for _number in range(2):
            response = self._post(APSController._return_url, message)
            self.assertEqual(response.status_code, 303)
        self.assertFalse(self.messages.search([('state', '=', 'foreign')]))
        self.assertEqual(self._notify(message).status_code, 200)
        self.assertTrue(self.messages.search([
            ('state', '=', 'foreign'), ('merchant_reference', '=', 'LINK-1'),
        ]))
        self.assertEqual(self.provider.aps_merchant_identifier, MERCHANT_IDENTIFIER)
