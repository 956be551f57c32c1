from odoo import _, api, fields, models
from odoo.exceptions import AccessError, ValidationError

from odoo.addons.payment_aps.exceptions import APSUnreachable


class PaymentProvider(models.Model):
    """ Copies of a database, e.g., for tests, which must not take money for the live one. """

    _inherit = 'payment.provider'

    aps_database_uuid = fields.Char(
        help="The database in which the provider was enabled. Odoo gives each copy another one.",
        readonly=True,
        copy=False,
        groups='base.group_system',
    )
    aps_is_in_copy = fields.Boolean(
        compute='_compute_aps_is_in_copy', groups='base.group_system'
    )

    #=== COMPUTE METHODS ===#

    @api.depends('state', 'aps_database_uuid')
    def _compute_aps_is_in_copy(self):
        for provider in self:
            provider.aps_is_in_copy = provider._aps_is_copied()

    #=== CRUD METHODS ===#

    @api.model_create_multi
    def create(self, values_list):
        providers = super().create(values_list)
        providers.filtered(lambda p: p.state == 'enabled')._aps_remember_database()
        return providers

    def write(self, values):
        """ Override of `payment` to remember the database in which a provider is enabled. """
        res = super().write(values)
        if values.get('state') == 'enabled':
            self._aps_remember_database()
        return res

    #=== ACTION METHODS ===#

    def action_aps_confirm_database(self):
        """ Let the provider take live payments in this database.

        :return: None
        :raise AccessError: If the user is not a settings administrator.
        """
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(_("Only administrators can let a database take live payments."))
        self._aps_remember_database()

    #=== BUSINESS METHODS ===#

    def _aps_remember_database(self):
        """ Take this database for the one that the provider was enabled in. """
        aps_providers_sudo = self.sudo().filtered(lambda p: p.code == 'aps')
        if aps_providers_sudo:
            aps_providers_sudo.aps_database_uuid = self._aps_get_database_uuid()

    @api.model
    def _aps_get_database_uuid(self):
        """ Return the identifier of the database, which a copy doesn't share. """
        return self.env['ir.config_parameter'].sudo().get_param('database.uuid')

    def _aps_is_copied(self):
        """ Return whether the provider was enabled in another database than this one. """
        known_uuid = self.sudo().aps_database_uuid
        return (
            self.code == 'aps' and self.state == 'enabled'
            and bool(known_uuid) and known_uuid != self._aps_get_database_uuid()
        )

    @api.model
    def _get_compatible_providers(self, *args, **kwargs):
        """ Override of `payment` to not offer live payments in a copy of the database. """
        providers = super()._get_compatible_providers(*args, **kwargs)
        return providers.filtered(lambda p: not p._aps_is_copied())

    def _aps_get_api_url(self):
        """ Override to refuse the live payment page in a copy of the database.

        :return: The address of the payment page.
        :rtype: str
        :raise ValidationError: If this is a copy.
        """
        if self._aps_is_copied():
            raise ValidationError("APS: " + self._aps_get_copy_message())
        return super()._aps_get_api_url()

    def _aps_make_request(self, payload, read_timeout=None):
        """ Override to refuse the live payment API in a copy of the database.

        :raise APSUnreachable: If this is a copy.
        """
        if self._aps_is_copied():
            raise APSUnreachable(self._aps_get_copy_message())
        return super()._aps_make_request(payload, read_timeout)

    def _aps_get_copy_message(self):
        """ Return why a copy of a database takes no live payments. """
        return _(
            "This database is a copy of the one that takes live payments. An administrator can "
            "confirm in the payment provider that it takes them as well."
        )
