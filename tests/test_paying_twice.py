from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields, http
from odoo.tests import tagged

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing
from odoo.addons.payment_aps.controllers.paying_twice import ANEW_URL, TWICE_URL
from odoo.addons.payment_aps.tests.common import APSCommon

UNCLEAR = {'status': '15', 'response_code': '15777'}
REVIEW = {'status': '40', 'response_code': '40090'}
UNFINISHED = {'status': '20', 'response_code': '20064'}
DECLINED = {'status': '13', 'response_code': '13666'}
LEFT = {'status': '00', 'response_code': '00072'}


class TwiceCommon(APSCommon):
    """ What the tests of documents that may be paid twice share. """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.amount = 100
        cls.number = 0
        cls.journal = cls.env['account.journal'].search([
            ('type', '=', 'bank'), ('company_id', '=', cls.company.id),
        ], limit=1)
        cls.problems = cls.env['payment.aps.problem'].sudo()

    def setUp(self):
        # Payments are booked, in the words of either series.
        self.enable_reconcile_after_done_patcher = self.enable_post_process_patcher = False
        super().setUp()

    def _make_invoice(self, amount=100, **values):
        """ Return a posted invoice. """
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.partner.id,
            'currency_id': self.currency.id, 'invoice_date': fields.Date.today(),
            'invoice_line_ids': [Command.create({
                'name': "Service", 'price_unit': amount, 'tax_ids': [Command.clear()],
            })],
            **values,
        })
        invoice.action_post()
        return invoice

    def _make_order(self, amount=100):
        """ Return a quotation in the currency of the payments. """
        if 'sale.order' not in self.env:
            self.skipTest("Sales are not installed.")
        pricelist = self.env['product.pricelist'].create({
            'name': "Test", 'currency_id': self.currency.id,
        })
        product = self.env['product.product'].create({
            'name': "Service", 'type': 'service', 'invoice_policy': 'order', 'taxes_id': False,
        })
        return self.env['sale.order'].create({
            'partner_id': self.partner.id, 'pricelist_id': pricelist.id,
            'order_line': [Command.create({
                'product_id': product.id, 'price_unit': amount, 'tax_id': False,
            } if 'tax_id' in self.env['sale.order.line']._fields else {
                'product_id': product.id, 'price_unit': amount, 'tax_ids': False,
            })],
        })

    def _begin(self, document, amount=100, **values):
        """ Return a payment of a document that a shopper has begun. """
        type(self).number += 1
        name = 'invoice_ids' if document._name == 'account.move' else 'sale_order_ids'
        return self._create_transaction('redirect', **{
            'reference': f'TWICE-{self.number}', 'amount': amount,
            name: [Command.set(document.ids)], **values,
        })

    def _tell(self, tx, **changes):
        """ Have APS tell of a payment, and return the payment. """
        message = self._build_message(tx, **changes)
        if tx._aps_admit(message, 'webhook'):
            tx._aps_handle(message)
        self.env.flush_all()
        return tx

    def _pay(self, document, amount=100, **values):
        """ Return a payment of a document that was made and post-processed. """
        tx = self._tell(self._begin(document, amount, **values))
        tx._aps_post_process()
        self._commit()
        return tx

    def _commit(self):
        """ Have done what is done after a commit. """
        self.env.flush_all()
        self.env.cr.postcommit.run()
        self.env.invalidate_all()

    def _find_problems(self, tx=None):
        """ Return the open problems of payments that were made twice. """
        domain = [('kind', '=', 'paid_twice'), ('state', '=', 'open')]
        return self.problems.search(domain + ([('transaction_id', '=', tx.id)] if tx else []))

    def _read_form(self, tx):
        """ Return where the form of a payment leads. """
        html = tx._get_processing_values()['redirect_form_html']
        return self._extract_values_from_html_form(html)['action']


@tagged('post_install', '-at_install')
class TestPayingAnew(TwiceCommon):
    """ What a shopper reads before they pay what another payment is paying. """

    def test_known_payment_leads_to_the_notice(self):
        """ Test that whoever pays what is pending, in review or paid is told so first. """
        for name, told in {
            'unclear': UNCLEAR, 'review': REVIEW, 'paid': {},
            'authorized': {'status': '02', 'command': 'AUTHORIZATION'},
        }.items():
            for make in (self._make_invoice, self._make_order):
                with self.subTest(name, make=make.__name__):
                    document = make()
                    self._tell(self._begin(document), **told)
                    self.assertEqual(self._read_form(self._begin(document)), ANEW_URL)

    def test_unfinished_or_failed_payment_is_no_hindrance(self):
        """ Test that nobody is kept from paying who left the page, or was declined. """
        for name, told in {
            'none': None, 'unfinished': UNFINISHED, 'declined': DECLINED, 'left': LEFT,
        }.items():
            with self.subTest(name):
                invoice = self._make_invoice()
                former = self._begin(invoice)
                if told:
                    self._tell(former, **told)
                self.assertIn('/FortAPI/', self._read_form(self._begin(invoice)))

    def test_payment_that_failed_after_all_is_no_hindrance(self):
        """ Test that the notice goes with what it was about. """
        invoice = self._make_invoice()
        former = self._tell(self._begin(invoice), **UNCLEAR)
        tx = self._begin(invoice)
        self.assertEqual(tx._aps_get_prior_standing(), 'pending')
        self._tell(former, **DECLINED)
        self.assertFalse(tx._aps_get_prior_standing())

    def test_parts_are_paid_without_a_notice(self):
        """ Test deposits: what was paid or is pending leaves room for this payment. """
        invoice = self._make_invoice()
        self._pay(invoice, 30)
        self._tell(self._begin(invoice, 20), **UNCLEAR)
        self.assertFalse(self._begin(invoice, 50)._aps_get_prior_standing())
        self.assertEqual(self._begin(invoice, 51)._aps_get_prior_standing(), 'pending')

    def test_refunded_payment_is_no_hindrance(self):
        """ Test that what was given back can be paid again. """
        invoice = self._make_invoice()
        tx = self._pay(invoice)
        tx._create_child_transaction(100, is_refund=True, state='done')
        self.assertFalse(self._begin(invoice)._aps_get_prior_standing())

    def test_more_than_is_due_is_paid_without_a_notice(self):
        """ Test that the notice is about what others paid, not about this payment's amount. """
        invoice = self._make_invoice()
        tx = self._pay(invoice)
        tx._create_child_transaction(100, is_refund=True, state='done')
        self.assertFalse(self._begin(invoice, 120)._aps_get_prior_standing())

    def test_failure_to_compare_keeps_nobody_from_paying(self):
        """ Test that an error of another module leads to the notice, not to a refusal. """
        invoice = self._make_invoice()
        self._tell(self._begin(invoice), **UNCLEAR)
        tx = self._begin(invoice)
        with patch.object(
            type(tx), '_aps_get_due_minor', side_effect=ValueError
        ), self.assertLogs('odoo.addons.payment_aps', 'ERROR'):
            self.assertEqual(tx._aps_get_prior_standing(), 'pending')

    def test_payments_of_order_and_invoice_are_seen_from_each_other(self):
        """ Test an order and its invoice, opened in two tabs, whichever is paid first. """
        for first, second in ((0, 1), (1, 0)):
            with self.subTest(first=first):
                order = self._make_order()
                order.action_confirm()
                invoice = order._create_invoices()
                invoice.action_post()
                documents = (order, invoice)
                self._tell(self._begin(documents[first]), **UNCLEAR)
                tx = self._begin(documents[second])
                self.assertEqual(tx._aps_get_prior_standing(), 'pending')

    def test_wire_transfer_that_is_awaited_is_no_hindrance(self):
        """ Test a shopper who chose a wire transfer first. """
        invoice = self._make_invoice()
        custom = self.env['payment.provider'].search([('code', '=', 'custom')], limit=1)
        if not custom:
            custom = self.dummy_provider
            custom.code = 'none'
        tx = self._begin(invoice, provider_id=custom.id)
        tx.state, tx.state_message = 'pending', "Transfer it"
        self.assertFalse(self._begin(invoice)._aps_get_prior_standing())

    def test_other_currency_is_not_compared(self):
        """ Test that a payment in another currency neither hinders nor counts. """
        invoice = self._make_invoice()
        other = self._enable('KWD')
        self._tell(self._begin(invoice, currency_id=other.id), **UNCLEAR, amount='100000')
        self.assertFalse(self._begin(invoice)._aps_get_prior_standing())

    def test_answer_that_is_not_applied_yet_is_known(self):
        """ Test a success of several readings, until APS was asked what is true. """
        invoice = self._make_invoice()
        former = self._begin(invoice)
        message = self._build_message(former)
        self.env['payment.aps.message'].sudo()._aps_store_refused(
            self.provider, message, 'webhook', "It has several readings."
        )
        tx = self._begin(invoice)
        self.assertEqual(tx._aps_get_prior_standing(), 'paid')
        former.aps_last_check = fields.Datetime.now() + timedelta(minutes=1)
        self.assertFalse(tx._aps_get_prior_standing())

    def test_payment_without_document_is_compared_with_nothing(self):
        """ Test donations: nobody gives twice by mistake. """
        self._tell(self._create_transaction('redirect', reference='GIFT-1'))
        tx = self._create_transaction('redirect', reference='GIFT-2')
        with self.assertQueryCount(0):
            self.assertFalse(tx._aps_get_prior_standing())

    def test_form_without_other_payment_costs_one_query(self):
        """ Test what most shoppers have to wait for. """
        for make in (self._make_invoice, self._make_order):
            with self.subTest(make.__name__):
                tx = self._begin(make())
                tx._aps_get_order_description()  # What the form reads anyway.
                with self.assertQueryCount(1):
                    self.assertFalse(tx._aps_get_prior_standing())


@tagged('post_install', '-at_install')
class TestPayingAnewPage(TwiceCommon):
    """ The pages that say so. """

    def _open(self, tx, path=ANEW_URL):
        """ Open a page with the session of the shopper of a payment. """
        session = self.authenticate(None, None)
        session[PaymentPostProcessing.MONITORED_TX_ID_KEY] = tx.id if tx else None
        http.root.session_store.save(session)
        return self.url_open(path, allow_redirects=False)

    def test_page_shows_the_form_behind_a_button(self):
        """ Test that nothing leaves for APS unless the shopper clicks. """
        invoice = self._make_invoice()
        self._tell(self._begin(invoice), **UNCLEAR)
        tx = self._begin(invoice, landing_route='/my/somewhere')
        page = self._open(tx).text
        self.assertIn("is being confirmed", page)
        self.assertIn(invoice.name, page)
        self.assertIn('/my/somewhere', page)
        self.assertIn('/FortAPI/paymentPage', page)
        self.assertIn(f'value="{tx.reference}"', page)
        self.assertNotIn('.submit()', page)

    def test_page_goes_on_if_the_other_payment_failed_meanwhile(self):
        """ Test that the notice is never shown without its reason. """
        invoice = self._make_invoice()
        former = self._tell(self._begin(invoice), **UNCLEAR)
        tx = self._begin(invoice)
        self._tell(former, **DECLINED)
        page = self._open(tx).text
        self.assertNotIn("is being confirmed", page)
        self.assertIn('.submit()', page)

    def test_strangers_see_nothing(self):
        """ Test those without a payment of their own, and payments that were made. """
        invoice = self._make_invoice()
        paid = self._tell(self._begin(invoice))
        for tx in (None, paid):
            answer = self._open(tx)
            self.assertIn(answer.status_code, (302, 303))
            self.assertTrue(answer.headers['Location'].endswith('/payment/status'))
            self.assertNotIn(invoice.name, answer.text)
        answer = self._open(None, TWICE_URL)
        self.assertIn(answer.status_code, (302, 303))

    def test_saved_card_leads_to_the_notice_too(self):
        """ Test the detour of saved cards. """
        invoice = self._make_invoice()
        self._tell(self._begin(invoice), **UNCLEAR)
        token = self._create_token(aps_merchant_identifier='TestMerchant1')
        tx = self._begin(
            invoice, operation='online_token', token_id=token.id, aps_is_page_due=True
        )
        answer = self._open(tx, '/payment/status')
        self.assertTrue(answer.headers['Location'].endswith(ANEW_URL))
        self.assertIn("is being confirmed", self._open(tx).text)


@tagged('post_install', '-at_install')
class TestPaidTwice(TwiceCommon):
    """ What happens if something is paid above what is due. """

    def _assert_fine(self):
        """ Check that nothing was paid twice. """
        self.assertFalse(self._find_problems())

    def test_second_payment_is_noted_and_told(self):
        """ Test that both are named, once, to the staff and on the document. """
        for make in (self._make_invoice, self._make_order):
            with self.subTest(make.__name__):
                document = make()
                first, second = self._begin(document), self._begin(document)
                for tx in (first, second):
                    self._tell(tx)._aps_post_process()
                self.assertTrue(second._aps_was_paid_twice(), "As the status page asks then.")
                self._commit()
                problem = self._find_problems(second)
                self.assertEqual(len(problem), 1)
                for text in (first.reference, second.reference, document.name, "100.00"):
                    self.assertIn(text, problem.detail.replace("\xa0", " "))
                second._aps_compare()
                self.assertTrue(second._aps_was_paid_twice())
                self._commit()
                bodies = document.message_ids.mapped('body')
                self.assertEqual(len([body for body in bodies if "paid twice" in body]), 1)
                self.assertEqual(self._find_problems(second), problem)
                self.assertEqual(problem.count, 1)

    def test_what_is_legitimate_is_not_noted(self):
        """ Test parts, several invoices in one payment, refunds and what is worth more by now. """
        invoice = self._make_invoice()
        self._pay(invoice, 30)
        self._pay(invoice, 70)
        self._assert_fine()

        both = self._make_invoice() | self._make_invoice(50)
        self._pay(both, 150)
        self._assert_fine()

        invoice = self._make_invoice()
        self._pay(invoice)._create_child_transaction(100, is_refund=True, state='done')
        self._pay(invoice)
        self._assert_fine()

        order = self._make_order()
        self._pay(order)
        order.order_line.price_unit = 200
        self._pay(order)
        self._assert_fine()

    def test_deposit_and_invoice_of_the_rest_are_not_noted(self):
        """ Test an order of which a part is paid before, and the rest by its invoice. """
        order = self._make_order()
        self._pay(order, 30)
        if order.state != 'sale':  # What is paid suffices for that in 19.0.
            order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice, 70)
        self._assert_fine()
        self._pay(invoice, 30)
        self.assertEqual(len(self._find_problems()), 1)

    def test_several_invoices_of_which_one_is_paid_again(self):
        """ Test a payment of two invoices, and another one of one of them. """
        first, second = self._make_invoice(), self._make_invoice(50)
        self._pay(first | second, 150)
        tx = self._pay(second, 50)
        self.assertEqual(self._find_problems().transaction_id, tx)

    def test_invoice_that_was_transferred_before_is_noted(self):
        """ Test a customer who transfers the money, and pays by card as well. """
        invoice = self._make_invoice()
        tx = self._begin(invoice)
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({'journal_id': self.journal.id})._create_payments()
        self._tell(tx)._aps_post_process()
        self._commit()
        self.assertEqual(self._find_problems().transaction_id, tx)

    def test_credited_invoice_is_not_called_paid_twice(self):
        """ Test that one payment is never two, whatever became of the invoice. """
        invoice = self._make_invoice()
        tx = self._begin(invoice)
        invoice._reverse_moves([{'date': fields.Date.today()}], cancel=True)
        self._tell(tx)._aps_post_process()
        self._commit()
        self._assert_fine()

    def test_authorized_twice_is_noted_once_it_is_looked_for(self):
        """ Test what the engine of 17.0 doesn't post-process. """
        invoice = self._make_invoice()
        for _number in range(2):
            tx = self._begin(invoice, aps_payment_command='AUTHORIZATION')
            self._tell(tx, status='02', command='AUTHORIZATION')
        with patch.object(self.env.cr, 'commit'):
            self.env['payment.transaction']._aps_compare_authorized()
        self._commit()
        problem = self._find_problems()
        self.assertEqual(problem.transaction_id, tx)
        self.assertIn("released", problem.detail)

    def test_problem_ends_when_it_is_refunded_or_worth_it(self):
        """ Test both ways in which it ends by itself. """
        for name in ('refunded', 'worth it'):
            with self.subTest(name):
                order = self._make_order()
                first, second = self._begin(order), self._begin(order)
                for tx in (first, second):
                    self._tell(tx)._aps_post_process()
                self._commit()
                problem = self._find_problems(second)
                self.assertTrue(problem)
                if name == 'refunded':
                    second._create_child_transaction(100, is_refund=True, state='done')
                else:
                    order.order_line.price_unit = 200
                with patch.object(self.env.cr, 'commit'), patch.object(self.env.cr, 'rollback'):
                    self.problems._cron_aps_watch()
                self.env.invalidate_all()
                self.assertEqual(problem.state, 'solved')

    def test_dismissed_problem_is_not_noted_again(self):
        """ Test that both payments may be wanted. """
        invoice = self._make_invoice()
        first, second = self._begin(invoice), self._begin(invoice)
        for tx in (first, second):
            self._tell(tx)._aps_post_process()
        self._commit()
        self._find_problems(second).action_dismiss("He wants it so.")
        first._aps_compare()
        self._commit()
        self._assert_fine()

    def test_button_refunds_what_is_too_much_once(self):
        """ Test that one click does it, and the next one nothing. """
        invoice = self._make_invoice()
        first, second = self._begin(invoice), self._begin(invoice)
        for tx in (first, second):
            self._tell(tx)._aps_post_process()
        self._commit()
        problem = self._find_problems(second)
        for _click in range(2):
            problem.action_solve()
        self.assertFalse(first.child_transaction_ids)
        refund = second.child_transaction_ids
        self.assertEqual((refund.operation, refund.amount), ('refund', -100))
        self.assertEqual(refund.aps_operation, 'REFUND')

    def test_nothing_is_given_back_of_what_is_paid_once(self):
        """ Test somebody else's click a moment ago. """
        tx = self._pay(self._make_invoice())
        self.assertIn("Nothing is left to be given back", tx._aps_give_back())
        self.assertFalse(tx.child_transaction_ids)

    def test_failure_of_the_comparison_stops_nothing(self):
        """ Test that what was paid is booked, whatever is wrong here. """
        tx = self._tell(self._begin(self._make_invoice()))
        with patch.object(
            type(tx), '_aps_find_group', side_effect=ValueError
        ), self.assertLogs('odoo.addons.payment_aps', 'ERROR'):
            tx._aps_post_process()
        self.assertTrue(tx.is_post_processed)
        self.assertTrue(tx.payment_id)
