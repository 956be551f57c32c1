from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.payment_aps.aps.message import Answer
from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestFigures(APSCommon):

    def _pay(self, reference, response_code='14000', **values):
        """ Return a payment of which APS has told. """
        tx = self._create_transaction('redirect', reference=reference, **values)
        self._notify(self._build_message(
            tx, status=response_code[:2], response_code=response_code
        ))
        self.env.invalidate_all()
        return tx

    def _read_report(self, txs):
        """ Return the rows of the report about transactions. """
        self.env.flush_all()
        self.env['payment.aps.report'].invalidate_model()
        return self.env['payment.aps.report'].search([('transaction_id', 'in', txs.ids)])

    def test_report_tells_amount_number_and_share_of_success(self):
        """ Test the figures of two successes, a decline, and a payment that is not ended. """
        txs = self._pay('first') + self._pay('second') + self._pay('third', '13666')
        txs += self._create_transaction('redirect', reference='fourth')

        self._read_report(txs)
        (count, amount, share), = self.env['payment.aps.report']._read_group(
            [('transaction_id', 'in', txs.ids), ('kind', '=', 'payment')],
            aggregates=['__count', 'amount:sum', 'success_share:avg'],
        )

        self.assertEqual(count, 4)
        self.assertAlmostEqual(share, 66.7, places=1)
        rates = self.env['res.currency']._get_conversion_rate(
            txs[0].currency_id, txs[0].company_id.currency_id, txs[0].company_id,
            fields.Date.today(),
        )
        self.assertAlmostEqual(amount, 4 * txs[0].amount * rates, places=1)
        for name in ('date:day', 'payment_method_id', 'state', 'reason'):
            with self.subTest(group=name):
                groups = self.env['payment.aps.report'].read_group(
                    [('transaction_id', 'in', txs.ids)], ['amount:sum'], [name]
                )
                self.assertTrue(groups)

    def test_report_tells_captures_and_refunds_apart(self):
        """ Test the kinds, which are those of the list. """
        tx = self._pay('first')
        refund_tx = tx._create_child_transaction(1, is_refund=True, aps_operation='REFUND')
        capture_tx = tx._create_child_transaction(1, aps_operation='CAPTURE')
        void_tx = tx._create_child_transaction(1, aps_operation='LAPSE')

        rows = self._read_report(tx + refund_tx + capture_tx + void_tx)

        kinds = {row.transaction_id: row.kind for row in rows}
        self.assertEqual(kinds, {
            tx: 'payment', refund_tx: 'refund', capture_tx: 'capture', void_tx: 'void',
        })
        for record, kind in kinds.items():
            self.assertEqual(record.aps_kind, kind)

    def test_lists_of_other_menus_stay_as_they_are(self):
        """ Test that the list of APS payments is that of its menu only. """
        action = self.env.ref('payment_aps.action_payment_aps_transaction')
        for record in (action.view_id, action.search_view_id):
            default_id = self.env['ir.ui.view'].default_view('payment.transaction', record.type)
            self.assertNotEqual(default_id, record.id)
        self.assertEqual(action.views[0], (action.view_id.id, action.view_id.type))

    def test_report_is_not_for_everybody(self):
        """ Test that employees don't read what was paid. """
        with self.assertRaises(AccessError):
            self.env['payment.aps.report'].with_user(self.internal_user).search_count([])

    def test_digest_tells_what_was_paid(self):
        """ Test that only what was paid counts, for those who may know. """
        digest = self.env['digest.digest'].create({'name': "Daily", 'kpi_aps_payments': True})
        digest = digest.with_context(
            start_datetime=fields.Datetime.now() - timedelta(days=1),
            end_datetime=fields.Datetime.now() + timedelta(days=1),
        )
        before = digest.kpi_aps_payments_value
        tx = self._pay('first')
        self._pay('second', '13666')
        self.env.flush_all()
        digest.invalidate_recordset()

        paid = self._read_report(tx).amount
        self.assertAlmostEqual(digest.kpi_aps_payments_value - before, paid, places=2)
        self.assertIn('menu_id', digest._compute_kpis_actions(
            self.env.company, self.env.user
        )['kpi_aps_payments'])
        with self.assertRaises(AccessError):
            digest.with_user(self.internal_user).sudo(False)._compute_kpi_aps_payments_value()

    def test_transaction_shows_captured_refunded_and_left(self):
        """ Test the figures of an authorization of which a part was captured and refunded. """
        tx = self._create_transaction('redirect')
        tx.amount = 100
        tx.state = 'authorized'
        self.assertEqual((tx.aps_captured, tx.aps_refunded, tx.aps_left), (0, 0, 100))

        capture_tx = tx._create_child_transaction(40, aps_operation='CAPTURE')
        capture_tx.state = 'done'
        refund_tx = capture_tx._create_child_transaction(
            15, is_refund=True, aps_operation='REFUND'
        )
        refund_tx.state = 'done'
        self.env.invalidate_all()

        self.assertEqual((tx.aps_captured, tx.aps_refunded, tx.aps_left), (40, 15, 60))
        self.assertEqual((refund_tx.aps_captured, refund_tx.aps_left), (0, 0))

    def test_bank_numbers_stand_on_the_transaction(self):
        """ Test that numbers of a success are kept, and those of an attempt that failed not. """
        tx = self._pay('first', '13666')
        self.assertFalse(tx.aps_bank_numbers)

        self._notify(self._build_message(
            tx, authorization_code='831000', payment_option='KNET',
            knet_ref_number='123456789012',
            third_party_transaction_number='4005550000000001',
        ))
        self.env.invalidate_all()

        self.assertEqual(tx.state, 'done')
        self.assertEqual(tx.aps_receipt, "Authorization code: 831000, KNET reference: 123456789012")

    def test_later_answer_does_not_change_the_numbers(self):
        """ Test that what stands on a receipt stays, and that what was missing is added. """
        tx = self._pay('first')
        code = tx.aps_bank_numbers['authorization_code']

        tx._aps_note_bank_numbers(Answer({
            'authorization_code': '999999', 'knet_ref_number': '7',
        }))

        self.assertEqual(
            tx.aps_bank_numbers, {'authorization_code': code, 'knet_ref_number': '7'}
        )

    def test_shopper_of_a_network_reads_the_numbers_before_going_on(self):
        """ Test that the receipt comes once the order is confirmed, and leads on. """
        tx = self._create_transaction('redirect', landing_route='/my/invoices/7')
        tx.write({'state': 'done', 'aps_bank_numbers': {'authorization_code': '1'}})
        tx.is_post_processed = True
        self.assertFalse(tx._aps_has_receipt(), "The card's shopper isn't kept.")

        tx.aps_bank_numbers = {'authorization_code': '1', 'knet_ref_number': '123456789012'}
        self.assertTrue(tx._aps_has_receipt())
        tx.is_post_processed = False
        self.assertFalse(tx._aps_has_receipt(), "The order is not confirmed yet.")

    def test_user_is_told_what_was_done(self):
        """ Test the notices about operations and about the question. """
        tx = self._create_transaction('redirect')
        tx.amount = 100
        tx.write({'state': 'authorized', 'provider_reference': '1'})
        capture_tx = tx._create_child_transaction(40, aps_operation='CAPTURE')
        capture_tx.state = 'done'
        self.env.invalidate_all()

        sent = []
        bus_class = self.env.registry['bus.bus']
        with patch.object(bus_class, '_sendone', lambda _self, *args: sent.append(args[-1])):
            capture_tx._aps_notify_user()
            tx._aps_send_notice(*tx._aps_get_check_notice())

        self.assertRegex(sent[0]['message'], r'40\.00.* captured, .*60\.00.* left to capture')
        self.assertEqual((sent[0]['type'], sent[0]['sticky']), ('success', False))
        self.assertRegex(sent[1]['message'], r'captured .*40\.00.*, refunded .*0\.00')
