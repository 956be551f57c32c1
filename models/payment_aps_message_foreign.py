from collections import defaultdict

from odoo import api, fields, models

from odoo.addons.payment_aps.aps import const, readings
from odoo.addons.payment_aps.aps.message import Answer, is_reference
from odoo.addons.payment_aps.aps.signature import get_signed_fields
from odoo.addons.payment_aps.aps.values import format_minor_units
from odoo.addons.payment_aps.models.payment_provider import ACCOUNT_FIELDS

# The operations by which APS tells of money that an account has received, with their statuses.
MONEY_STATUSES = {
    command: const.OPERATION_STATUSES[command][0] for command in ('CAPTURE', 'REFUND')
}


class PaymentAPSMessage(models.Model):
    """ Messages about payments that this database doesn't know, although its account was paid.

    Such as those of a link or invoice made in the APS dashboard, or of another system that shares
    the account.
    """

    _inherit = 'payment.aps.message'

    @api.model
    def _aps_keep_foreign(self, message):
        """ Keep a notification about a payment that this database doesn't know, if it is repeated.

        The first delivery is refused, so that a notice that overtook its own payment comes again.

        :param dict message: The message, not yet trusted, whose reference no transaction has.
        :return: Whether it was kept, and so is to be acknowledged.
        :rtype: bool
        """
        provider_sudo = self._aps_find_signer(message)
        if not provider_sudo or not self._aps_is_believable(message):
            return False
        if not self._aps_was_refused(message, 'webhook'):
            self._aps_store_refused(
                provider_sudo, message, 'webhook', "no payment of this database has the reference"
            )
            return False
        is_new = self._aps_insert(
            provider_sudo, message, channel='webhook', state='foreign',
        )
        if is_new and not provider_sudo.aps_is_account_shared:
            self._aps_note_foreign_money(provider_sudo, Answer(message))
        return True

    @api.model
    def _aps_find_signer(self, message):
        """ Return the provider whose account signed a message.

        A stranger's message costs no query unless it names an account of ours.

        :param dict message: The message, not yet trusted.
        :return: The sudoed provider, as a `payment.provider` record; empty if there is none.
        :rtype: recordset of `payment.provider`
        """
        providers_sudo = self.env['payment.provider'].sudo()
        identifier = message.get('merchant_identifier')
        is_text = isinstance(identifier, str)  # JSON may hold a list, for example.
        if not is_text or identifier not in providers_sudo._aps_list_merchants():
            return providers_sudo
        return providers_sudo.search_fetch([
            ('code', '=', 'aps'), ('state', '!=', 'disabled'),
            ('aps_merchant_identifier', '=', identifier),
        ], ACCOUNT_FIELDS).filtered(
            lambda provider_sudo: provider_sudo._aps_get_account().recognizes(message)
        )[:1]

    @api.model
    def _aps_is_believable(self, message):
        """ Return whether an authentic message says for certain that a payment is not of this
        database.

        Whoever posts it may have cut another reference out of what was signed, and the refusal of a
        request names whatever its sender wanted. A charge that is being made has no transaction to
        see yet.

        :param dict message: The message, whose signature was verified.
        :rtype: bool
        """
        reference = message.get('merchant_reference')
        return (
            is_reference(reference)
            and message.get('status') != const.REFUSED_STATUS
            and not readings.find_doubt(get_signed_fields(message))
            and not self.env['payment.aps.charge']._is_declared(reference)
        )

    @api.model
    def _aps_note_foreign_money(self, provider, answer):
        """ Note, once a day, how much money came that belongs to no payment of this database.

        :param recordset provider: The provider whose account was paid.
        :param Answer answer: What a message says that was just kept.
        :return: None
        """
        if not self._aps_tells_of_money(answer):
            return
        today = fields.Date.today()
        totals = defaultdict(int)
        for (_reference, currency), received in self._aps_sum_foreign(provider, today).items():
            totals[currency] += received
        self.env['payment.aps.problem']._aps_note(
            'no_payment', provider, key=str(today), detail=', '.join(
                format_minor_units(total, currency) for currency, total in sorted(totals.items())
            ),
        )

    @api.model
    def _aps_tells_of_money(self, answer):
        """ Return whether a message says that the account has received money at some time.

        A payment that a restored backup lacks may be told of by its captures and refunds only.

        :param Answer answer: What the message says.
        :rtype: bool
        """
        if answer.command in MONEY_STATUSES:
            return answer.outcome(answer.command) == 'done'
        return answer.state in ('authorized', 'done')

    @api.model
    def _aps_sum_foreign(self, provider, day):
        """ Return what the account has received at least, by what was told on a day.

        The authorization, the captures and the refunds of a payment tell of the same money.

        :param recordset provider: The provider whose account was paid.
        :param date day: The day.
        :return: The amounts, in minor units, by reference and currency.
        :rtype: dict[tuple[str, str], int]
        """
        statuses = [
            *const.PAYMENT_STATUS_MAPPING['authorized'], *const.PAYMENT_STATUS_MAPPING['done'],
            *MONEY_STATUSES.values(),
        ]
        told = defaultdict(int)
        for row in self.search([
            ('provider_id', '=', provider.id), ('channel', '=', 'webhook'),
            ('create_date', '>=', day), ('state', '=', 'foreign'), ('status', 'in', statuses),
        ]):
            key = (row.merchant_reference, row.currency, row.command)
            amount_minor = int(row.amount_minor)
            if row.command in MONEY_STATUSES:
                told[key] += amount_minor  # There may be several of a payment.
            else:  # A payment is one, in however many words it is told.
                told[key] = amount_minor
        received = defaultdict(int)
        for (reference, currency, _command), amount_minor in told.items():
            received[reference, currency] = max(received[reference, currency], amount_minor)
        return received
