from datetime import timedelta

from odoo import api, fields, models

from odoo.addons.payment_aps import const
from odoo.addons.payment_aps import utils as aps_utils

# How long messages that were signed with the former phrase are still accepted.
GRACE_PERIOD = timedelta(hours=24)


class PaymentProvider(models.Model):
    """ The change of the response phrase, while payments are under way. """

    _inherit = 'payment.provider'

    aps_sha_response_former = fields.Char(
        string="Former SHA Response Phrase", copy=False, groups='base.group_system'
    )
    aps_sha_response_former_until = fields.Datetime(
        string="Former Phrase Accepted Until",
        help="Payments that were under way when the response phrase was changed are not lost: "
             "messages that are signed with the former phrase are accepted until then.",
        readonly=True,
        copy=False,
        groups='base.group_system',
    )

    def write(self, values):
        """ Override of `payment` to accept the former response phrase for a while.

        That of another account, e.g., of the sandbox, is not accepted for this one.
        """
        changed_providers = self.browse()
        for provider_sudo in self.sudo().filtered(lambda p: p.code == 'aps'):
            if provider_sudo._aps_changes_account(values):
                changed_providers |= provider_sudo
                if provider_sudo.aps_sha_response_former:
                    provider_sudo._aps_forget_former_phrase()
            elif provider_sudo._aps_rotates_phrase(values):
                super(PaymentProvider, provider_sudo).write({
                    'aps_sha_response_former': provider_sudo.aps_sha_response,
                    'aps_sha_response_former_until': fields.Datetime.now() + GRACE_PERIOD,
                })
        res = super().write(values)
        for provider in changed_providers:
            provider._aps_resume_checks()
        return res

    def _aps_changes_account(self, values):
        """ Return whether the provider is for another account, or another environment, from now on.

        :param dict values: The values to write.
        :return: Whether it is.
        :rtype: bool
        """
        identifier = values.get('aps_merchant_identifier', self.aps_merchant_identifier) or ''
        return (
            values.get('state', self.state) != self.state
            or identifier.strip() != (self.aps_merchant_identifier or '')
        )

    def _aps_resume_checks(self):
        """ Have APS asked about payments of this account that it couldn't be asked about while the
        provider was for another one.

        :return: None
        """
        oldest = fields.Datetime.now() - timedelta(days=const.LONGEST_CHECK_DAYS)
        self.env['payment.transaction'].sudo().search([
            ('provider_id', '=', self.id),
            ('aps_account', '=', self._aps_get_account_digest()),
            ('aps_next_check', '=', False),
            '|', '|', '|', '|',
            ('state', '=', 'authorized'),
            # Shops keep unpaid transactions for years; those must not delay the others.
            '&', ('state', 'in', ('draft', 'pending', 'error', 'cancel')),
            ('create_date', '>', oldest),
            ('aps_request_state', '!=', False),
            ('child_transaction_ids.aps_request_state', '!=', False),
            ('child_transaction_ids.child_transaction_ids.aps_request_state', '!=', False),
        ]).aps_next_check = fields.Datetime.now()

    def _aps_rotates_phrase(self, values):
        """ Return whether the phrase of an account in use is changed.

        :param dict values: The values to write.
        :return: Whether the former phrase is to be accepted for a while.
        :rtype: bool
        """
        new_phrase = (values.get('aps_sha_response') or '').strip()
        return (
            self.state != 'disabled'
            and bool(new_phrase and self.aps_sha_response)
            and new_phrase != self.aps_sha_response
        )

    def action_aps_forget_former_phrase(self):
        """ Accept the former phrase no longer, e.g., because it has become known.

        :return: None
        :raise AccessError: If the user is not a settings administrator.
        """
        self._aps_ensure_administrator()
        self._aps_forget_former_phrase()

    def _aps_forget_former_phrase(self):
        """ Erase the former phrase. """
        self.write({'aps_sha_response_former': False, 'aps_sha_response_former_until': False})

    def _aps_verify_signature(self, data):
        """ Return whether a message was signed by APS for this provider.

        :param dict data: The message, exactly as received.
        :return: Whether the signature is right, by the present or the former phrase.
        :rtype: bool
        """
        if super()._aps_verify_signature(data):
            return True
        provider_sudo = self.sudo()
        until = provider_sudo.aps_sha_response_former_until
        if not until or until < fields.Datetime.now():
            return False
        return aps_utils.verify_signature(
            data, provider_sudo.aps_sha_response_former, provider_sudo.aps_sha_type or 'sha256'
        )

    @api.autovacuum
    def _gc_former_phrases(self):
        """ Erase the phrases that are no longer accepted. """
        self.search(
            [('aps_sha_response_former_until', '<', fields.Datetime.now())]
        )._aps_forget_former_phrase()
