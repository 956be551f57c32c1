from urllib.parse import parse_qs, urlsplit

from odoo import http
from odoo.tests import tagged

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing
from odoo.addons.payment_aps.models.reasons import make_code_reason, make_reason
from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestWayBack(APSCommon):

    def _open_status_page(self, tx):
        """ Open the status page as the shopper of a payment. """
        session = self.authenticate(None, None)
        session[PaymentPostProcessing.MONITORED_TX_ID_KEY] = tx.id
        http.root.session_store.save(session)
        return self.url_open('/payment/status')

    def test_shopper_of_a_declined_payment_reads_so_and_can_try_again(self):
        """ Test that the page says what happened and leads back, without any script. """
        tx = self._create_transaction('redirect', landing_route='/my/invoices/7?access_token=x')
        self._notify(self._build_message(tx, status='13', response_code='13666'))
        self.env.invalidate_all()
        self.assertEqual(tx.state, 'error')

        response = self._open_status_page(tx)

        self.assertIn("Payment declined", response.text)
        self.assertIn("You have not been charged.", response.text)
        self.assertIn('href="/my/invoices/7?access_token=x"', response.text)
        self.assertIn("Try Again", response.text)
        self.assertEqual(response.headers.get('Refresh'), '30')

    def test_page_of_a_pending_payment_has_no_way_back(self):
        """ Test that nobody is led to pay again as long as the outcome is open. """
        tx = self._create_transaction('redirect', landing_route='/my/invoices/7')
        tx._set_pending()

        response = self._open_status_page(tx)

        self.assertEqual(response.status_code, 200)
        self.assertNotIn("Try Again", response.text)
        self.assertNotIn('Refresh', response.headers)

    def test_pending_payment_is_not_called_processed(self):
        """ Test the words of both series, and that the merchant's own words are kept. """
        tx = self._create_transaction('redirect')
        tx._set_pending()

        self.assertIn("is not confirmed yet", self._read_waiting_message(tx))
        self.provider.pending_msg = "<p>We call you.</p>"
        self.assertIn("We call you.", self._read_waiting_message(tx))

    def _read_waiting_message(self, tx):
        """ Return what the status page says while a payment is pending. """
        if hasattr(tx, '_get_post_processing_values'):
            return tx._get_post_processing_values()['display_message']
        return tx.provider_id._get_status_message('pending')

    def test_way_back_leads_to_where_the_same_can_be_paid(self):
        """ Test cart, documents, till, and what a browser could have sent. """
        tx = self._create_transaction('redirect')
        for landing_route, retry_route in (
            ('/shop/payment/validate', '/shop/payment'),
            ('/my/orders/3?access_token=a-b', '/my/orders/3?access_token=a-b'),
            ('/pos/pay/confirmation/5?access_token=x&exit_route=%2Fy&tx_id=9',
             '/pos/pay/5?access_token=x&exit_route=%2Fy'),
            ('https://example.com/', '/'), ('//example.com/', '/'), ('javascript:alert(1)', '/'),
            (False, '/'),
        ):
            with self.subTest(landing_route=landing_route):
                tx.landing_route = landing_route
                self.assertEqual(tx._aps_get_retry_route(), retry_route)

    def test_way_back_of_a_payment_link_opens_its_page(self):
        """ Test that the token of the landing route opens the link of the same sum. """
        tx = self._create_transaction('redirect')
        token = self._generate_test_access_token(tx.partner_id.id, tx.amount, tx.currency_id.id)
        tx.landing_route = f'/payment/confirmation?tx_id={tx.id}&access_token={token}'

        retry_route = tx._aps_get_retry_route()

        query = parse_qs(urlsplit(retry_route).query)
        self.assertEqual(urlsplit(retry_route).path, '/payment/pay')
        values = (int(query['partner_id'][0]), float(query['amount'][0]))
        self.assertEqual(query['access_token'], [
            self._generate_test_access_token(*values, int(query['currency_id'][0]))
        ], "The page of the link would refuse the token.")

    def test_title_says_what_happened(self):
        """ Test that a title tells of a decline only if there was one, and of doubt. """
        tx = self._create_transaction('redirect')
        for state, reason, title in (
            ('error', make_code_reason('13666'), "Payment declined"),
            ('error', make_code_reason('13029'), "Payment declined"),
            ('cancel', make_code_reason('00072'), "Payment canceled"),
            ('error', make_code_reason('00008'), "Payment failed"),
            ('error', None, "Payment failed"),
            ('cancel', None, "Payment not completed"),
            ('cancel', make_code_reason('20064'), "Payment not completed"),
            ('cancel', make_code_reason('15777'), "Payment not confirmed"),
            ('cancel', make_reason('closed', user="Ada", reason="-"), "Payment not confirmed"),
        ):
            with self.subTest(state=state, reason=reason):
                tx.state = state
                tx._aps_set_reason(reason)
                self.assertEqual(tx._aps_get_outcome_title(), title)
                self.assertEqual(tx._aps_is_failure_certain(), title != "Payment not confirmed")
