from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestOtherProviders(APSCommon):
    """ Providers and payments of others, which the engine handles beside ours as ever. """

    def setUp(self):
        super().setUp()
        self.dummy_provider.support_manual_capture = 'partial'

    def _create_other(self, flow='redirect', **values):
        """ Return a transaction of another provider. """
        return self._create_transaction(flow, **{
            'provider_id': self.dummy_provider.id, 'reference': f'Other-{flow}',
            'payment_method_id': self.dummy_provider.payment_method_ids[:1].id, **values,
        })

    def _ask(self, tx, operation, amount):
        """ Have the engine ask for an operation, and return its transaction.

        :param recordset tx: The transaction.
        :param str operation: `capture`, `void` or `refund`.
        :param float amount: The amount.
        :return: The child transaction.
        :rtype: recordset of `payment.transaction`
        """
        request = getattr(tx, f'_{operation}', None)  # Since 19.0.
        return (request or getattr(tx, f'_send_{operation}_request'))(amount)

    def test_operations_are_those_of_the_engine(self):
        """ Test that nothing is queued for APS. """
        for operation, state in (('capture', 'authorized'), ('void', 'authorized'),
                                 ('refund', 'done')):
            with self.subTest(operation=operation):
                tx = self._create_other(reference=f'Other-{operation}', state=state)
                child_tx = self._ask(tx, operation, 1)
                self.assertEqual(child_tx.source_transaction_id, tx)
                self.assertFalse(child_tx.aps_operation or child_tx.aps_request_state)

    def test_saved_card_is_not_charged_at_aps(self):
        """ Test that no charge is declared, and no page of APS is due. """
        token = self._create_token(
            provider_id=self.dummy_provider.id,
            payment_method_id=self.dummy_provider.payment_method_ids[:1].id,
        )
        tx = self._create_other('token', token_id=token.id)
        tx._send_payment_request()
        self.assertFalse(self.env['payment.aps.charge'].search([]))
        self.assertFalse(tx.aps_is_page_due)

    def test_form_is_that_of_the_other_provider(self):
        """ Test that it is neither signed nor sent to APS. """
        form = self._create_other()._get_processing_values()['redirect_form_html']
        self.assertIn('action="dummy"', form)
        self.assertNotIn('signature', form)

    def test_message_is_left_to_the_other_provider(self):
        """ Test that what others send is not taken for a message of APS. """
        tx = self._create_other()
        if hasattr(tx, '_handle_notification_data'):
            tx._handle_notification_data('none', self._build_message(tx))
        else:
            tx._apply_updates(self._build_message(tx))
        self.assertEqual(tx.state, 'draft')
        self.assertFalse(tx.provider_reference)

    def test_message_of_aps_about_nothing_known_is_refused(self):
        """ Test the door of the engine, by which other modules may come. """
        transactions = self.env['payment.transaction']
        message = self._build_message(self._create_other(), merchant_reference='NOBODY')
        if not hasattr(transactions, '_handle_notification_data'):
            self.assertFalse(transactions._search_by_reference('aps', message))
            return
        with self.assertRaisesRegex(ValidationError, "No transaction found"):
            transactions._handle_notification_data('aps', message)

    def test_post_processing_compares_nothing(self):
        """ Test that what others take is not looked at for what was paid twice. """
        ours = self._create_transaction('redirect', state='done')
        with patch.object(type(ours), '_aps_note_twice') as note:
            self._create_other(state='done')._aps_post_process()
            self.assertFalse(note.called)
            ours._aps_post_process()
            self.assertTrue(note.called)

    def test_window_captures_as_often_as_it_is_confirmed(self):
        """ Test that what is done once at APS is not hindered elsewhere. """
        tx = self._create_other(state='authorized')
        window = self.env['payment.capture.wizard'].create({
            'transaction_ids': [(6, 0, tx.ids)], 'amount_to_capture': 1,
        })
        window.action_capture()
        self.assertFalse(window.aps_is_confirmed)

    def test_methods_and_networks_are_left_alone(self):
        """ Test that the switch of networks and our default methods are for APS only. """
        networks = self.env['payment.method'].with_context(active_test=False).search([
            ('code', 'in', ('mada', 'knet', 'naps_qatar')),
        ])
        primaries = networks.mapped('primary_payment_method_id')
        self.dummy_provider.aps_has_own_networks = True
        self.assertEqual(networks.mapped('primary_payment_method_id'), primaries)
        self.assertNotEqual(
            self.dummy_provider._get_default_payment_method_codes(),
            self.aps._get_default_payment_method_codes(),
        )
