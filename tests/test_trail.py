import contextlib

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.payment_aps.aps.errors import APSMessageRefused
from odoo.addons.payment_aps.tests.common import REQUEST_PHRASE, SECRETS, APSCommon, sign

PERSONAL_DATA = ('Ali Hassan', '192.0.2.10', '3005')


@tagged('post_install', '-at_install')
class TestTrail(APSCommon):
    """ The trail of the messages that come by the routes. """

    def setUp(self):
        super().setUp()
        self.env.cr.execute('DELETE FROM payment_aps_message')
        self.tx = self._create_transaction('redirect')

    def _read_trail(self):
        """ Return the rows of the trail, oldest first. """
        self.env.invalidate_all()
        return self.env['payment.aps.message'].search([], order='id')

    def test_notification_leaves_one_row_that_tells_all(self):
        """ Test the columns of a row. """
        self._notify(self._build_message(self.tx))

        row = self._read_trail()
        self.assertRecordValues(row, [{
            'provider_id': self.aps.id, 'company_id': self.aps.company_id.id,
            'transaction_id': self.tx.id, 'channel': 'webhook', 'direction': 'in',
            'state': 'accepted', 'reason': False, 'command': 'PURCHASE', 'status': '14',
            'response_code': '14000', 'meaning': "Success", 'amount_minor': 12345,
            'currency': self.tx.currency_id.name, 'amount': f'123.45 {self.tx.currency_id.name}',
            'merchant_reference': self.tx.reference, 'fort_id': '169996200024611493',
        }])
        self.assertIn('payment_option=VISA', row.body.splitlines())
        self.assertEqual(len(row.digest), 64)
        self.assertTrue(row.create_date)

    def test_request_without_answer_tells_nothing_but_that(self):
        """ Test that neither a meaning nor an amount is made up. """
        row = self.env['payment.aps.message'].sudo().create({
            'provider_id': self.aps.id, 'channel': 'request', 'state': 'unknown',
            'command': 'CHECK_STATUS', 'merchant_reference': self.tx.reference,
        })
        self.assertEqual((row.direction, row.outcome), ('out', 'no_answer'))
        self.assertFalse(row.meaning or row.advice or row.amount)

    def test_repeated_message_adds_no_row_and_changes_nothing(self):
        """ Test repetitions by the same and by the other route, also in another writing. """
        message = self._build_message(self.tx)
        upper_case = {**message, 'signature': message['signature'].upper()}
        with_empty_field = {**message, 'sadad_olp': ''}
        for repetition in (message, message, upper_case, with_empty_field):
            self.assertEqual(self._notify(repetition).status_code, 200)
        self.assertEqual(self._notify_json(message).status_code, 200)
        self.assertEqual(self._read_trail().mapped('channel'), ['webhook'])

        with self._assert_nothing_written(self.tx):
            for _i in range(2):
                self.assertEqual(self._return(message).status_code, 303)
        self.assertEqual(self._read_trail().mapped('channel'), ['webhook', 'return'])
        self.assertEqual(len(set(self._read_trail().mapped('digest'))), 1)

    def test_each_state_of_a_payment_adds_a_row(self):
        """ Test that different messages are not taken for repetitions. """
        for status in ('19', '13', '14'):
            self._notify(self._build_message(self.tx, status=status))
        self.assertEqual(self._read_trail().mapped('status'), ['19', '13', '14'])
        self.assertEqual(self.tx.state, 'done')

    def test_nothing_secret_is_stored(self):
        """ Test that no column of any row holds a secret or personal data. """
        message = self._build_message(
            self.tx, phone_number='+971500000000', response_message='Sent to a.b@example.com 400555'
            '******0001', card_bin='400555', sadad_olp='secret-olp', remember_me='YES',
        )
        self._notify(message)
        self._notify({**message, 'amount': '1'})
        self._return(self._build_message(self.tx, amount='1'))
        self.env['payment.aps.refusal']._aps_flush()
        self.env.flush_all()

        for table in ('payment_aps_message', 'payment_aps_refusal'):
            self.env.cr.execute(f'SELECT t::text FROM {table} t')
            text = '\n'.join(row[0] for row in self.env.cr.fetchall())
            self.assertIn(self.tx.reference, text)
            for secret in (
                *SECRETS, *PERSONAL_DATA, REQUEST_PHRASE, message['signature'], '+971500000000',
                'a.b@example.com', '400555', 'secret-olp',
            ):
                self.assertNotIn(secret, text)

    def test_message_that_does_not_fit_is_shown_as_not_applied(self):
        """ Test that mismatches of authentic messages don't only stay in the log. """
        for change, reason in (
            ({'amount': '1'}, "the amount is not 12345"),
            ({'currency': 'JPY'}, "the currency is not"),
            ({'merchant_identifier': 'Another'}, "the merchant is another one"),
            ({'command': 'UNHEARD'}, "the command is unknown"),
        ):
            for channel, send in (('webhook', self._notify), ('return', self._return)):
                self.env.cr.execute('DELETE FROM payment_aps_message')
                message = self._build_message(self.tx, **change)
                with self.subTest(change=change, channel=channel):
                    with self._assert_nothing_written(self.tx):
                        send(message)
                        send(message)
                    row = self._read_trail()
                    self.assertRecordValues(row, [{
                        'state': 'refused', 'channel': channel, 'transaction_id': self.tx.id,
                    }])
                    self.assertTrue(row.reason.startswith(reason), row.reason)

    def test_answer_of_the_api_that_does_not_fit_is_marked(self):
        """ Test an answer that was stored when it came, before it was checked. """
        trail = self.env['payment.aps.message']
        for amount in ('12345', '1'):
            trail._aps_store_answer(self.aps, None, self._build_message(self.tx, amount=amount))

        self.tx._aps_check_message(self._build_message(self.tx))
        # Without a savepoint, which would undo the mark.
        with contextlib.suppress(APSMessageRefused):
            self.tx._aps_check_message(self._build_message(self.tx, amount='1'))
            self.fail("The answer should not fit.")

        self.assertRecordValues(self._read_trail(), [
            {'channel': 'answer', 'state': 'accepted', 'reason': False},
            {'channel': 'answer', 'state': 'refused', 'reason': "the amount is not 12345"},
        ])

    def test_message_that_fits_after_all_is_applied(self):
        """ Test that having been refused once doesn't make a message a repetition. """
        message = self._build_message(self.tx)
        amount = self.tx.amount
        self.tx.amount = 1
        self.env.flush_all()
        self._notify(message)
        self.assertEqual(self.tx.state, 'draft')
        self.tx.amount = amount
        self.env.flush_all()

        self._notify(message)

        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self._read_trail().mapped('state'), ['refused', 'accepted'])

    def test_unauthentic_messages_leave_no_row(self):
        """ Test that the trail holds nothing that was not proven. """
        message = self._build_message(self.tx)
        for forged in (
            {**message, 'amount': '1'},
            {**message, 'merchant_reference': 'NOBODY'},
            sign(self._build_fields(self.tx), phrase=REQUEST_PHRASE),
        ):
            self._notify(forged)
            self._return(forged)
        self.assertFalse(self._read_trail())

    def test_failing_trail_neither_loses_nor_blocks_a_payment(self):
        """ Test a database that refuses each row of the trail. """
        self.env.cr.execute(
            "ALTER TABLE payment_aps_message ADD CONSTRAINT broken CHECK (digest IS NULL)"
        )
        with mute_logger('odoo.addons.payment_aps', 'odoo.sql_db'):
            self.assertEqual(self._notify(self._build_message(self.tx)).status_code, 200)
            self.assertEqual(self.tx.state, 'done')

            other_tx = self._create_transaction('redirect', reference='OTHER-1')
            self.assertEqual(self._return(self._build_message(other_tx)).status_code, 303)
            self.assertEqual(other_tx.state, 'done')

            misfit = self._build_message(other_tx, amount='1', status='13')
            self.assertEqual(self._notify(misfit).status_code, 200)
            self.assertEqual(other_tx.state, 'done')
        self.assertFalse(self._read_trail())

    def test_last_message_is_told_by_way(self):
        """ Test the times that the provider form shows. """
        self.assertFalse(self.aps._aps_get_last_message_date('webhook'))

        self._notify(self._build_message(self.tx))

        [row] = self._read_trail()
        self.assertEqual(self.aps._aps_get_last_message_date('webhook'), row.create_date)
        self.assertFalse(self.aps._aps_get_last_message_date('return'))

    def test_trail_is_found_by_numbers_and_documents(self):
        """ Test the searches of the list, and the button of the transaction. """
        self._notify(self._build_message(self.tx))
        other_tx = self._create_transaction('redirect', reference='OTHER-1')
        self._notify(self._build_message(other_tx, fort_id='77'))
        trail = self.env['payment.aps.message']

        for domain in (
            [('fort_id', '=', '77')], [('merchant_reference', 'ilike', 'other')],
            [('transaction_id', '=', other_tx.id)], [('transaction_id', 'ilike', 'OTHER')],
        ):
            with self.subTest(domain=domain):
                self.assertEqual(trail.search(domain).transaction_id, other_tx)
        self.assertEqual(other_tx.aps_message_count, 1)
        self.assertEqual(
            trail.search(other_tx.action_aps_view_messages()['domain']).transaction_id, other_tx
        )
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.partner.id, 'name': 'INV/TRAIL/1',
        })
        other_tx.invoice_ids = invoice
        self.assertEqual(trail.search([('document', 'ilike', 'TRAIL')]).document, 'INV/TRAIL/1')
        if 'sale_order_ids' in self.tx._fields:
            order = self.env['sale.order'].create({
                'partner_id': self.partner.id, 'name': 'S-TRAIL-2',
            })
            other_tx.sale_order_ids = order
            found = trail.search([('document', 'ilike', 'S-TRAIL-2')])
            self.assertEqual(found.transaction_id, other_tx)
        self.assertFalse(trail.search([('document', 'ilike', 'no such document')]))
