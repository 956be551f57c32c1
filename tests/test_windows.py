from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.payment_aps.tests.common import APSCommon


@tagged('post_install', '-at_install')
class TestWindows(APSCommon):
    """ The windows that move money; that they do so once is tested with servers. """

    def _open_capture_window(self, tx, user=None):
        """ Return the wizard by which a user captures 10.00 of a payment. """
        return self.env['payment.capture.wizard'].with_user(user or self.env.user).sudo().create({
            'transaction_ids': [(6, 0, tx.ids)], 'amount_to_capture': 10,
        })

    def _authorize(self, **values):
        """ Return an authorized transaction. """
        tx = self._create_transaction('redirect', **values)
        tx._set_authorized()
        return tx

    def test_rights_are_checked_before_the_payment_is_touched(self):
        """ Test that somebody without rights can't hold up the operations of a payment. """
        tx = self._authorize()
        employee = new_test_user(self.env, 'employee', groups='base.group_user')
        window = self._open_capture_window(tx, employee)
        self.env.invalidate_all()
        with patch.object(type(tx), '_aps_reserve_payment') as reserve, \
                self.assertRaises(AccessError):
            window.sudo(False).action_capture()
        self.assertFalse(reserve.called)

    def test_confirmed_window_is_closed(self):
        """ Test that a window that was confirmed can't be confirmed again. """
        window = self._open_capture_window(self._authorize())
        window._aps_confirm()
        with self.assertRaisesRegex(UserError, "already requested"):
            window._aps_confirm()
        self._open_capture_window(self._authorize(reference='Another'))._aps_confirm()

    def test_windows_of_other_providers_are_left_alone(self):
        """ Test that only what moves money at APS is done once. """
        tx = self._create_transaction(
            'redirect', provider_id=self.dummy_provider.id, state='done'
        )
        window = self.env['payment.capture.wizard'].new({'transaction_ids': [(6, 0, tx.ids)]})
        self.assertFalse(window._aps_get_txs())
        self.assertFalse(window.aps_recent_operations)

    def test_no_more_is_captured_than_is_left(self):
        """ Test somebody who captures by another way than the window, which checks it as well. """
        tx = self._authorize()
        capture = getattr(tx, '_capture', None) or tx._send_capture_request  # Since 19.0.
        with self.assertRaisesRegex(UserError, "can still be captured"):
            capture(tx.amount + 1)

    def test_window_tells_of_what_was_done_a_moment_ago(self):
        """ Test that failures and what is long past are left out. """
        tx = self._authorize()
        for number, (state, age) in enumerate((
            ('done', timedelta(minutes=2)), ('draft', timedelta(hours=3)),
            ('error', timedelta(minutes=1)), ('done', timedelta(days=2)),
        )):
            capture = self._create_transaction(
                'redirect', source_transaction_id=tx.id, aps_operation='CAPTURE', state=state,
                reference=f'P-{number}', amount=number + 1,
            )
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE payment_transaction SET create_date = %s WHERE id = %s",
                [fields.Datetime.now() - age, capture.id],
            )
        self.env.invalidate_all()

        last, first = self._open_capture_window(tx).aps_recent_operations.splitlines()

        self.assertRegex(first, r"1\.00.*was requested 2 minutes ago \(P-0, Confirmed\)")
        self.assertRegex(last, r"A capture of .*2\.00.*requested 3 hours ago \(P-1, Draft\)")
