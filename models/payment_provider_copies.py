import logging

from odoo import _, api, fields, models, tools
from odoo.exceptions import ValidationError

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps.exceptions import APSNotConfirmed

_logger = logging.getLogger(__name__)


class PaymentProvider(models.Model):
    """ Copies of a database, e.g., for tests, which must not take money for the live one. """

    _inherit = 'payment.provider'

    aps_database = fields.Char(
        string="APS Database",
        help="The database in which the provider was enabled.",
        readonly=True,
        copy=False,
        groups='base.group_system',
    )
    aps_is_in_copy = fields.Boolean(
        string="Is in a Copy", compute='_compute_aps_is_in_copy', groups='base.group_system'
    )

    #=== COMPUTE METHODS ===#

    @api.depends('state', 'aps_database')
    def _compute_aps_is_in_copy(self):
        for provider in self:
            # As it is stored: enabling the provider in the form is a confirmation itself.
            provider.aps_is_in_copy = provider._origin._aps_is_copied()

    #=== CRUD METHODS ===#

    @api.model_create_multi
    def create(self, values_list):
        providers = super().create(values_list)
        providers.filtered(lambda p: p.state == 'enabled')._aps_remember_database()
        return providers

    def write(self, values):
        """ Override of `payment` to remember the database in which a provider is enabled.

        To write the state that it has anyway is no confirmation.
        """
        disabled_providers = self.filtered(lambda p: p.state != 'enabled')
        res = super().write(values)
        if values.get('state') == 'enabled':
            disabled_providers._aps_remember_database()
        return res

    #=== ACTION METHODS ===#

    def action_aps_confirm_database(self):
        """ Let the provider take live payments in this database.

        :return: None
        :raise AccessError: If the user is not a settings administrator.
        """
        self._aps_ensure_administrator()
        self._aps_remember_database()

    #=== BUSINESS METHODS ===#

    def _aps_remember_database(self):
        """ Take this database for the one that the provider was enabled in. """
        for provider_sudo in self.sudo().filtered(lambda p: p.code == 'aps'):
            provider_sudo.aps_database = self._aps_get_database()
            _logger.info(
                "User %s lets provider %s take live payments in this database.",
                self.env.uid, provider_sudo.id,
            )

    @api.model
    def _aps_get_database(self):
        """ Return what tells this database from its copies.

        Odoo gives those that it copies another identifier. PostgreSQL gives each database it makes,
        by whatever tool, another number. To rename a database changes neither.

        :return: Both, and the identifier of PostgreSQL's cluster.
        :rtype: str
        """
        uuid = self.env['ir.config_parameter'].sudo().get_param('database.uuid')
        return f'{uuid} {self._aps_get_database_number()}'

    @api.model
    @tools.ormcache()
    def _aps_get_database_number(self):
        """ Return what PostgreSQL calls this database, as long as it isn't copied or restored. """
        self.env.cr.execute(
            "SELECT oid, has_function_privilege('pg_control_system()', 'execute') "
            "FROM pg_database WHERE datname = current_database()"
        )
        oid, may_read_cluster = self.env.cr.fetchone()
        if not may_read_cluster:  # Some hosts keep it to themselves.
            return str(oid)
        self.env.cr.execute("SELECT system_identifier FROM pg_control_system()")
        [cluster] = self.env.cr.fetchone()
        return f'{oid} {cluster}'

    def _aps_is_confirmed(self):
        """ Return whether the provider was enabled in this very database.

        :return: Whether it was. If that is not known, it wasn't.
        :rtype: bool
        """
        known_database, database = self.sudo().aps_database, self._aps_get_database()
        # The identifier of the cluster, at the end, may have become readable meanwhile.
        return bool(known_database) and f'{database} '.startswith(f'{known_database} ')

    def _aps_is_copied(self):
        """ Return whether the provider would take live payments, but not for this database. """
        return self.code == 'aps' and self.state == 'enabled' and not self._aps_is_confirmed()

    def _aps_may_use_live_hosts(self):
        """ Return whether the live hosts of APS may be reached from this database.

        A provider that was never enabled has nothing of another database. The check of its
        credentials may ask the live host whether they are live ones.

        :return: Whether they may.
        :rtype: bool
        """
        was_never_enabled = self.state != 'enabled' and not self.sudo().aps_database
        return was_never_enabled or self._aps_is_confirmed()

    @api.model
    def _get_compatible_providers(self, *args, **kwargs):
        """ Override of `payment` to not offer live payments in a copy of the database. """
        providers = super()._get_compatible_providers(*args, **kwargs)
        copied_providers = providers.filtered(lambda p: p._aps_is_copied())
        if copied_providers and kwargs.get('report') is not None:  # Only 19.0 reports.
            payment_utils.add_to_report(
                kwargs['report'], copied_providers, available=False,
                reason=self._aps_get_copy_message(),
            )
        return providers - copied_providers

    def _aps_get_host(self, purpose, environment=None):
        """ Override to refuse the live hosts in a copy of the database.

        Every way to APS passes through here.

        :param str purpose: `checkout` for the payment page, `api` for requests of the server.
        :param str|None environment: `enabled` or `test`, if not that of the provider.
        :return: The base address of the host.
        :rtype: str
        :raise APSNotConfirmed: If this is a copy, for requests of the server.
        :raise ValidationError: If this is a copy, for the payment page.
        """
        if (environment or self.state) == 'enabled' and not self._aps_may_use_live_hosts():
            if purpose == 'api':
                raise APSNotConfirmed(self._aps_get_copy_message())
            raise ValidationError("APS: " + self._aps_get_copy_message())
        return super()._aps_get_host(purpose, environment)

    def _aps_make_request(self, payload, read_timeout=None):
        """ Override to refuse the live payment API before anything is stored about the request.

        :raise APSNotConfirmed: If this is a copy.
        """
        self._aps_get_host('api')
        return super()._aps_make_request(payload, read_timeout)

    @api.model
    def _aps_warn_of_copy(self):
        """ Log which providers take no live payments, so that a moved shop doesn't miss it. """
        for provider in self.search([('code', '=', 'aps'), ('state', '=', 'enabled')]):
            if provider._aps_is_copied():
                _logger.warning("Provider %s: %s", provider.id, self._aps_get_copy_message())

    @api.model
    def _aps_get_copy_message(self):
        """ Return why a copy of a database takes no live payments. """
        return _(
            "This database is a copy of the one that takes live payments. An administrator can "
            "confirm in the payment provider that it takes them as well."
        )
