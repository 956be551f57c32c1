import json
import logging
import re
import time
import uuid
from contextlib import contextmanager
from datetime import timedelta

from odoo import SUPERUSER_ID, Command, _, api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.payment_aps.aps.errors import (
    APSError,
    APSOutcomeUnknown,
    APSRefused,
    APSUnreachable,
)
from odoo.addons.payment_aps.aps.message import Answer, is_reference
from odoo.addons.payment_aps.aps.schedule import SETTLING_TIME
from odoo.addons.payment_aps.conflicts import CONFLICTS
from odoo.addons.payment_aps.models.payment_transaction import DOCUMENT_FIELDS
from odoo.addons.payment_aps.models.reasons import make_reason

_logger = logging.getLogger(__name__)

# What a transaction is created anew from if it was lost. Odoo 19.0 has no callbacks.
RESTORED_FIELDS = (
    'provider_id', 'payment_method_id', 'reference', 'amount', 'currency_id', 'partner_id',
    'token_id', 'operation', 'aps_account', 'aps_payment_command', 'aps_noted_invoices',
    'callback_model_id', 'callback_res_id', 'callback_method',
)
# How long a declaration is kept, in minutes: longer than a request may take.
RETENTION_TIME = 15
# After which time a charge of which APS could not be asked is recorded as unknown. As such it is
# asked about for days to come, and seen by the staff.
UNKNOWN_AFTER = timedelta(days=1)
# For how long lost charges are looked for in one run, in seconds.
RUN_TIME = 45


class PaymentAPSCharge(models.Model):
    """ The declaration of a charge of a saved card, committed before it is sent.

    Odoo runs a request again if the database refuses its changes, and rolls back what went before;
    but a card that was charged stays charged. The declaration outlives the rollback. By it, the
    second run recognises the charge and asks APS about it instead of sending it again; and if there
    is no second run, e.g., after a crash, the status check finds the payment and records it.
    """

    _name = 'payment.aps.charge'
    _description = "Charge of a Saved Card at Amazon Payment Services"

    reference = fields.Char(required=True, readonly=True, index=True)
    fingerprint = fields.Char(
        help="The card, the amount and the document.", required=True, readonly=True, index=True
    )
    attempt = fields.Char(
        help="The web request that charges. It stays the same when Odoo runs it again.",
        required=True,
        readonly=True,
    )
    values = fields.Text(help="The values of the transaction.", required=True, readonly=True)
    last_try = fields.Datetime(readonly=True)  # When it was tried in vain to settle it.

    #=== BUSINESS METHODS - DECLARING ===#

    @api.model
    def _declare(self, tx):
        """ Declare a charge that is about to be sent, and commit the declaration.

        If the same charge was declared when this web request was run before, the transaction takes
        over its reference. A transaction that is still a draft doesn't tell what became of its
        charge: whoever created it may have committed it before the charge was sent.

        :param recordset tx: The transaction of the charge.
        :return: Whether the charge is new, and so is to be sent.
        :rtype: bool
        :raise ValidationError: If another request makes the same charge, or died while making it.
        """
        attempt, fingerprint = self._get_attempt(), self._get_fingerprint(tx)
        # A cursor of its own sees what was committed since the request began, unlike the request's.
        with self.env.registry.cursor() as cr, self._locked(cr, fingerprint):
            charges = self._with_cursor(cr)
            declared = charges.search(
                ['|', ('fingerprint', '=', fingerprint), ('reference', '=', tx.reference)]
            )
            if tx.reference in declared.mapped('reference'):
                return False
            states = {
                other_tx.reference: other_tx.state for other_tx in tx.sudo().search(
                    [('reference', 'in', declared.mapped('reference'))]
                )
            }
            for charge in declared:
                if states.get(charge.reference, 'draft') != 'draft':
                    continue  # It is recorded what became of it.
                if charge.reference in states or charge.attempt != attempt:
                    raise ValidationError(_(
                        "The outcome of an earlier charge of this card is not known yet. Wait for "
                        "it; do not charge the card again."
                    ))
                tx.reference = charge.reference
                return False
            tx._aps_note_request()
            charges.create({
                'attempt': attempt, 'fingerprint': fingerprint, 'reference': tx.reference,
                'values': self._serialize(tx),
            })
        return True

    @api.model
    def _with_cursor(self, cr):
        """ Return the model with a cursor of its own, as superuser.

        So its rows refer to no user whose own row may be locked, or be lost by a rollback.
        """
        return self.with_env(self.env(cr=cr, user=SUPERUSER_ID))

    @staticmethod
    @contextmanager
    def _locked(cr, fingerprint):
        """ Let one request at a time declare a charge, and see what those before it declared.

        The lock is not one of the database transaction, as that would look at the data as they were
        before it waited for the lock.

        :param Cursor cr: The cursor, which is committed.
        :param str fingerprint: What is charged.
        """
        cr.execute("SELECT pg_advisory_lock(hashtext(%s))", [fingerprint])
        cr.commit()  # pylint: disable=invalid-commit
        try:
            yield
            cr.commit()  # pylint: disable=invalid-commit
        finally:
            cr.rollback()
            cr.execute("SELECT pg_advisory_unlock(hashtext(%s))", [fingerprint])

    @api.model
    def _withdraw(self, reference):
        """ Withdraw the declaration of a charge that was certainly not made.

        :param str reference: The reference of the charge.
        :return: None
        """
        with self.env.registry.cursor() as cr:
            self._with_cursor(cr).search([('reference', '=', reference)]).unlink()

    @api.model
    def _is_declared(self, reference):
        """ Return whether a charge is being made, or was lost, that has no transaction to see yet.

        APS may tell of a charge before the request that makes it is committed.

        :param str reference: The merchant reference of a message, not necessarily authentic.
        :return: Whether it is declared.
        :rtype: bool
        """
        return is_reference(reference) and bool(
            self.sudo().search_count([('reference', '=', reference)], limit=1)
        )

    @api.model
    def _get_attempt(self):
        """ Return a name of the current request that stays the same when Odoo runs it again.

        It is kept by the cursor, which all runs of a request share.
        """
        cr = self.env.cr
        if not getattr(cr, 'aps_attempt', None):
            cr.aps_attempt = uuid.uuid4().hex
        return cr.aps_attempt

    @api.model
    def _get_fingerprint(self, tx):
        """ Return what is charged: card, amount and document, whose name starts the reference.

        Without a document that can be named, the reference starts with the time, which is another
        one when the request is run again.

        :param recordset tx: The transaction of the charge.
        :return: The text.
        :rtype: str
        """
        document = re.sub(r'^tx-\d{14}(-\d+)?$', '', tx.reference.rpartition('-')[0])
        return f'{tx.token_id.id} {tx._aps_sum_minor()} {tx.currency_id.name} {document}'

    @api.model
    def _serialize(self, tx):
        """ Return the values that the transaction can be created anew from.

        :param recordset tx: The transaction.
        :return: The values, as JSON text.
        :rtype: str
        """
        tx_sudo = tx.sudo()  # Callbacks are for administrators only.
        values = {
            name: tx_sudo[name].id if tx_sudo._fields[name].type == 'many2one' else tx_sudo[name]
            for name in RESTORED_FIELDS if name in tx_sudo._fields
        }
        for name in DOCUMENT_FIELDS:
            if name in tx_sudo._fields and tx_sudo[name]:
                values[name] = tx_sudo[name].ids
        return json.dumps(values)

    #=== BUSINESS METHODS - SETTLING ===#

    @api.model
    def _settle_declarations(self):
        """ Forget the declarations of charges that are recorded, and record those that are not.

        Those that were not tried for the longest time come first, so that what can't be settled
        doesn't keep the others from it. An account that gives no answer is left alone.

        :return: None
        """
        end = time.monotonic() + RUN_TIME
        limit = fields.Datetime.now() - timedelta(minutes=RETENTION_TIME)
        left_ids = set()  # The providers that are left alone.
        for charge in self.search(
            [('create_date', '<', limit)], order='last_try NULLS FIRST, id', limit=100
        ):
            provider_id = json.loads(charge.values)['provider_id']
            if time.monotonic() < end and provider_id not in left_ids:
                error = charge._try_to_settle()
                if isinstance(error, (APSUnreachable, APSOutcomeUnknown)):
                    left_ids.add(provider_id)

    def _try_to_settle(self):
        """ Settle the declaration and commit, or note that it was tried in vain.

        :return: What went wrong, if anything.
        :rtype: Exception | None
        """
        try:
            self._settle()
            self.env.cr.commit()  # pylint: disable=invalid-commit
        except Exception as error:
            self.env.cr.rollback()
            is_expected = isinstance(error, (APSError, *CONFLICTS))
            _logger.log(
                logging.WARNING if is_expected else logging.ERROR,
                "A charge can't be settled yet: %s", error, exc_info=not is_expected,
            )
            self.last_try = fields.Datetime.now()
            self.env.cr.commit()  # pylint: disable=invalid-commit
            return error
        return None

    def _settle(self):
        """ Forget the declaration, once it is certain that no payment gets lost by that.

        :return: None
        :raise APSError: If APS gives no usable answer.
        """
        tx = self.env['payment.transaction'].search([('reference', '=', self.reference)], limit=1)
        if not tx:
            self._recover()
        elif tx.state == 'draft':
            tx._aps_lock()
            if tx.state == 'draft':
                # As a pending charge, it stays in the way of another one until it is settled.
                tx._aps_take_over_charge(None)
                tx._aps_schedule_check(at_once=True)
        self.unlink()

    def _recover(self):
        """ Record a charge whose transaction was lost, unless APS has not made it.

        :return: None
        :raise APSError: If APS gives no usable answer.
        """
        try:
            answer = self._ask()
        except APSError as error:
            if self._is_older_than(UNKNOWN_AFTER):
                self._record_as_unknown()
                _logger.warning("It can't be told what became of %s: %s", self.reference, error)
                return
            raise
        if Answer(answer).is_not_found:
            if not self._is_older_than(timedelta(minutes=SETTLING_TIME)):
                raise APSRefused(answer)  # It may still be on its way.
            return
        tx = self._create_anew()
        tx._aps_take_over_charge(answer)
        tx._aps_trigger_post_processing()
        _logger.warning("The charge %s was made but not recorded; it is now.", self.reference)

    def _ask(self):
        """ Ask APS about a charge whose transaction was lost.

        :return: The answer, which tells about the charge, or that APS doesn't know it.
        :rtype: dict
        :raise APSError: If APS gives no usable answer.
        """
        values = json.loads(self.values)
        provider = self.env['payment.provider'].browse(values['provider_id']).exists()
        provider._aps_ensure_can_ask(values.get('aps_account'))
        answer = provider._aps_make_request({
            'query_command': 'CHECK_STATUS', 'merchant_reference': self.reference,
        })
        if not Answer(answer).is_answered:
            raise APSRefused(answer)
        return answer

    def _is_older_than(self, age):
        """ Return whether the charge was declared longer ago. """
        return fields.Datetime.now() - self.create_date >= age

    def _record_as_unknown(self):
        """ Record a lost charge of which nobody could be asked, so that the staff sees it.

        :return: None
        """
        tx = self._create_anew()
        tx._aps_set_reason(make_reason('unknown_outcome'))
        tx._aps_take_over_charge(None)

    def _create_anew(self):
        """ Create the transaction of a lost charge anew, with what is left of what it refers to.

        What was created in the same database transaction was lost as well.

        :return: The transaction.
        :rtype: recordset of `payment.transaction`
        """
        tx_model = self.env['payment.transaction']
        values = {
            name: self._read_value(tx_model._fields[name], value)
            for name, value in json.loads(self.values).items() if name in tx_model._fields
        }
        token = self.env['payment.token'].browse(values['token_id'])
        provider = self.env['payment.provider'].browse(values['provider_id'])
        values['partner_id'] = (
            values['partner_id'] or (token.partner_id or provider.company_id.partner_id).id
        )
        if not token.active:
            values['token_id'] = False  # The card was deleted after it was charged.
        former_settings = {
            name: values[name] for name in ('aps_account', 'aps_payment_command') if name in values
        }
        tx = tx_model.create(values)
        tx.write(former_settings)  # The engine has taken those that the provider has now.
        tx._aps_link_invoices()
        return tx

    def _read_value(self, field, value):
        """ Return the value of a field as it is still valid.

        :param Field field: The field of the transaction.
        :param object value: The value that was kept; ids of records.
        :return: The value, without records that don't exist.
        """
        if not field.relational:
            return value
        records = self.env[field.comodel_name].browse(value).exists()
        return records.id if field.type == 'many2one' else [Command.set(records.ids)]
