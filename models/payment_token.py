import logging
import secrets

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.errors import APSError, APSRefused
from odoo.addons.payment_aps.aps.message import Answer

_logger = logging.getLogger(__name__)


class PaymentToken(models.Model):
    """ A saved card. APS holds the card; `provider_ref` is the `token_name` that stands for it.

    See https://paymentservices.amazon.com/docs/api/services/save-card.
    """

    _inherit = 'payment.token'

    aps_merchant_identifier = fields.Char(
        help="The merchant account that the token belongs to. It is worth nothing to others.",
        readonly=True,
        groups='base.group_system',
    )
    aps_agreement_id = fields.Char(readonly=True, groups='base.group_system')
    aps_expiry_date = fields.Date(
        string="Expiry Date", help="The last day on which the card is valid.", readonly=True
    )
    aps_is_deactivation_due = fields.Boolean(
        help="Whether APS still has to be told that the token is archived.",
        readonly=True,
        groups='base.group_system',
    )

    #=== CRUD METHODS ===#

    @api.model
    def _get_specific_create_values(self, provider_code, values):
        """ Override of `payment` to have imported cards belong to the account of their provider.

        Whoever imports cards, or creates them by a script, can't name the account.
        """
        res = super()._get_specific_create_values(provider_code, values)
        if provider_code != 'aps' or values.get('aps_merchant_identifier'):
            return res
        account = self.env['payment.provider'].browse(values['provider_id'])._aps_get_account()
        return {**res, 'aps_merchant_identifier': account.merchant_identifier}

    #=== BUSINESS METHODS - USE ===#

    def _aps_is_expired(self):
        """ Return whether the card is no longer valid. """
        return bool(self.aps_expiry_date) and self.aps_expiry_date < fields.Date.context_today(self)

    def _aps_belongs_to(self, provider):
        """ Return whether the card was saved with the present merchant account of a provider.

        :param recordset provider: The provider.
        :return: Whether it was.
        :rtype: bool
        """
        token_sudo = self.sudo()
        identifier = provider._aps_get_account().merchant_identifier
        return token_sudo.provider_id == provider \
            and token_sudo.aps_merchant_identifier == identifier

    def _aps_check_usable(self, provider):
        """ Check that the token can be charged.

        Note: `self.ensure_one()`

        :param recordset provider: The provider whose keys sign the charge.
        :return: None
        :raise ValidationError: If it can't.
        """
        token_sudo = self.sudo()
        if not token_sudo.active:
            raise ValidationError(_("This saved card was deleted. Pay with another card."))
        if not token_sudo._aps_belongs_to(provider):
            raise ValidationError(_(
                "This card was saved with another merchant account. Pay with another card."
            ))
        if token_sudo._aps_is_expired():
            raise ValidationError(_(
                "The saved card %(card)s has expired. Pay with another card.",
                card=token_sudo.payment_details,
            ))

    def _get_available_tokens(self, providers_ids, partner_id, is_validation=False, **kwargs):
        """ Override of `payment` to not offer cards that can't be charged any more.

        They are listed all the same where the shopper manages the saved cards.
        """
        tokens = super()._get_available_tokens(
            providers_ids, partner_id, is_validation=is_validation, **kwargs
        )
        if is_validation:
            return tokens
        return tokens.filtered(lambda token: token.provider_code != 'aps' or (
            not token._aps_is_expired() and token._aps_belongs_to(token.provider_id)
        ))

    def _build_display_name(self, *args, **kwargs):
        """ Override of `payment` to tell that a card has expired, and what to do. """
        display_name = super()._build_display_name(*args, **kwargs)
        if self.provider_code == 'aps' and self._aps_is_expired():
            return _(
                "%(card)s (expired): delete it, and save another card when you pay next",
                card=display_name,
            )
        return display_name

    #=== BUSINESS METHODS - ARCHIVING ===#

    def _handle_archiving(self):
        """ Override of `payment` to have APS forget the card, once the archiving is committed.

        It doesn't matter to the user whether APS can be reached: it is told later then.
        """
        super()._handle_archiving()
        aps_tokens_sudo = self.sudo().filtered(lambda token: token.provider_code == 'aps')
        aps_tokens_sudo.aps_is_deactivation_due = True
        aps_tokens_sudo._aps_deactivate_after_commit()

    def _aps_deactivate_after_commit(self):
        """ Have APS told that the tokens are no longer used once all is committed.

        :return: None
        """
        if not self:
            return
        registry, uid, token_ids = self.env.registry, self.env.uid, self.ids

        @self.env.cr.postcommit.add
        def deactivate():
            try:
                with registry.cursor() as cr:
                    env = api.Environment(cr, uid, {})
                    env['payment.token'].sudo().browse(token_ids)._aps_deactivate()
            except Exception:
                _logger.exception("APS was not told about archived tokens yet.")

    @api.autovacuum
    def _gc_aps_tokens(self):
        """ Tell APS about archived tokens that it couldn't be told about before.

        One account that can't be reached doesn't keep the others from being told.
        """
        for provider in self.env['payment.provider'].search([('code', '=', 'aps')]):
            self.with_context(active_test=False).search([
                ('aps_is_deactivation_due', '=', True), ('active', '=', False),
                ('provider_id', '=', provider.id),
            ], limit=100)._aps_deactivate()

    def _aps_deactivate(self):
        """ Tell APS that the tokens are no longer used.

        See https://paymentservices.amazon.com/docs/api/services/save-card.

        :return: None
        """
        for token in self:
            if token._aps_is_worth_telling():
                try:
                    answer = token.provider_id._aps_make_request({
                        'service_command': 'UPDATE_TOKEN',
                        'merchant_reference': f'T{token.id}-{secrets.token_hex(8)}',
                        'token_name': token.provider_ref,
                        'token_status': 'INACTIVE',
                    })
                except APSRefused as error:
                    _logger.warning("APS doesn't forget the token %s: %s", token.id, error)
                    continue
                except APSError as error:
                    _logger.warning("APS was not told yet about archived tokens: %s", error)
                    return
                if Answer(answer).status not in const.TOKEN_STATUSES:
                    continue
            token.aps_is_deactivation_due = False

    def _aps_is_worth_telling(self):
        """ Return whether the token is one that the present account of the provider has in use. """
        account = self.provider_id._aps_get_account()
        is_shared = self.search_count([
            ('active', '=', True),
            ('provider_id.code', '=', 'aps'),
            ('provider_ref', '=', self.provider_ref),
            ('aps_merchant_identifier', '=', self.aps_merchant_identifier),
        ])
        return (
            not is_shared
            and account.environment != 'disabled'
            and account.merchant_identifier == self.aps_merchant_identifier
        )
