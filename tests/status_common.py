from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tools import mute_logger

from odoo.addons.payment_aps.tests.common import MERCHANT_IDENTIFIER, APSCommon

NOT_FOUND = {'response_code': '12036', 'transaction_status': None, 'transaction_code': None}


class StatusCommon(APSCommon):
    """ What the tests of answers to queries, and of notices of operations, share. """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.amount = 100

    def _build_answer(self, tx, status, **changes):
        """ Return the answer to a query, whose signature was verified.

        :param recordset tx: The payment.
        :param str status: The status of its latest operation.
        :param dict changes: Fields to change; those set to `None` are left out.
        """
        answer = {
            'query_command': 'CHECK_STATUS', 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': tx.reference, 'fort_id': '169', 'status': '12',
            'response_code': '12000', 'transaction_status': status,
            'transaction_code': f'{status}000', **changes,
        }
        return {name: value for name, value in answer.items() if value is not None}

    def _build_notice(self, tx, command, **changes):
        """ Return the notice of an operation, whose signature was verified. """
        return {
            'command': command, 'merchant_identifier': MERCHANT_IDENTIFIER,
            'merchant_reference': tx.reference, 'currency': tx.currency_id.name, **changes,
        }

    def _send_operation(self, tx, command, amount=None, sent=None, **values):
        """ Return the child transaction of an operation that was sent and not answered. """
        return tx._create_child_transaction(
            amount or tx.amount, is_refund=command == 'REFUND', aps_operation=command,
            aps_request_state='sent', state='pending',
            aps_request_date=sent or fields.Datetime.now(), **values,
        )

    def _age(self, tx, **interval):
        """ Have the transaction created earlier. """
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE payment_transaction SET create_date = %s WHERE id = %s',
            [fields.Datetime.now() - timedelta(**interval), tx.id],
        )
        tx.invalidate_recordset()

    def _check_in_batch(self, tx, effect):
        """ Have the cron ask about a payment whose schedule is at its end.

        :param recordset tx: The payment.
        :param Exception|callable effect: What comes of the request to APS.
        :return: None
        """
        tx.aps_next_check = fields.Datetime.now() - timedelta(minutes=1)
        self.env.flush_all()
        with patch.object(type(self.provider), '_aps_make_request', side_effect=effect), \
                patch.object(self.env.cr, 'commit'), patch.object(self.env.cr, 'rollback'), \
                mute_logger('odoo.addons.payment_aps.models.payment_transaction_cron'):
            tx._aps_check_in_batch()

    def _receive(self, tx, message):
        """ Have the payment take a signed message over, as the webhook does. """
        if tx._aps_admit(message, 'webhook'):
            tx._aps_handle(message)
        self.env.flush_all()

    def _read_sums(self, tx):
        """ Return what Odoo believes to be captured and refunded, in minor units. """
        refunds = tx._aps_get_refunds().filtered(lambda child: child.state == 'done')
        return tx._aps_get_captured()._aps_sum_minor(), refunds._aps_sum_minor()
