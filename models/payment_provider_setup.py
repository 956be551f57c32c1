import ipaddress
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import babel.dates
from markupsafe import Markup

from odoo import _, api, fields, http, models
from odoo.exceptions import AccessError
from odoo.tools.misc import babel_locale_parse

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps.controllers.main import APSController
from odoo.addons.payment_aps.models.payment_provider import CREDENTIAL_FIELDS

LOCAL_NAMES = ('localhost', 'localhost.localdomain')
LOCAL_SUFFIXES = ('.local', '.localhost', '.internal', '.lan', '.test')

# Title and place keep their own direction: names of the dashboard are Latin in all languages.
STEP = Markup(
    '<li class="d-flex mb-2"><i class="fa fa-fw flex-shrink-0 mt-1 me-2 %(icon)s" role="img" '
    'aria-label="%(state)s" title="%(state)s"></i><div><strong><bdi>%(title)s</bdi></strong> '
    '<bdi class="text-muted">%(place)s</bdi><br/>%(finding)s</div></li>'
)
STEP_ICONS = {
    'done': 'fa-check-circle text-success',
    'wrong': 'fa-times-circle text-danger',
    'open': 'fa-circle-o text-warning',
    'hidden': 'fa-question-circle text-muted',
}


class PaymentProvider(models.Model):
    """ What helps to set up an account: addresses to copy, warnings, and a checklist. """

    _inherit = 'payment.provider'

    aps_return_url = fields.Char(
        string="Redirection URL", compute='_compute_aps_addresses', groups='base.group_system'
    )
    aps_webhook_url = fields.Char(
        string="Feedback and Notification URL",
        help="The Direct Transaction Feedback URL and the Notification URL of the APS dashboard.",
        compute='_compute_aps_addresses',
        groups='base.group_system',
    )
    aps_setup_warning = fields.Text(
        compute='_compute_aps_setup_warning', groups='base.group_system'
    )
    aps_checklist = fields.Html(
        string="Steps in the APS Dashboard",
        compute='_compute_aps_checklist',
        sanitize=False,  # Made here, of escaped texts.
        groups='base.group_system',
    )
    aps_refusal_count = fields.Integer(
        string="Refused Messages", compute='_compute_aps_refusal_count', groups='base.group_system'
    )

    #=== COMPUTE METHODS ===#

    @api.depends('code', 'company_id')
    def _compute_aps_addresses(self):
        for provider in self:
            base_url = provider._aps_get_public_url()
            provider.aps_return_url = urljoin(base_url, APSController._return_url)
            provider.aps_webhook_url = urljoin(base_url, APSController._webhook_url)

    @api.depends('code', 'company_id', 'state')
    def _compute_aps_setup_warning(self):
        for provider in self:
            provider.aps_setup_warning = '\n'.join(provider._aps_get_warnings())

    @api.depends('code', 'company_id', 'aps_check_result', 'aps_check_date', *CREDENTIAL_FIELDS)
    def _compute_aps_checklist(self):
        for provider in self:
            steps = provider._aps_get_steps() if provider.code == 'aps' else []
            provider.aps_checklist = Markup('<ol class="list-unstyled mb-0">%s</ol>') % (
                Markup().join(provider._aps_render_step(*step) for step in steps)
            )

    def _compute_aps_refusal_count(self):
        refusals = self.env['payment.aps.refusal'].sudo()
        for provider in self:
            domain = provider._aps_get_refusal_domain()
            provider.aps_refusal_count = sum(refusals.search(domain).mapped('count'))

    #=== ACTION METHODS ===#

    def action_aps_view_messages(self):
        """ Open the trail of messages of the provider.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'payment_aps.action_payment_aps_message'
        )
        return {**action, 'domain': [('provider_id', '=', self.id)]}

    def action_aps_view_refusals(self):
        """ Open the refused messages of the provider, and those of no known account.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        refusals = self.env['payment.aps.refusal']
        payment_utils.check_rights_on_recordset(self)
        refusals.sudo()._aps_flush()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'payment_aps.action_payment_aps_refusal'
        )
        return {**action, 'domain': self._aps_get_refusal_domain()}

    #=== BUSINESS METHODS - ADDRESSES ===#

    def _aps_get_public_url(self):
        """ Return the base address to enter in the APS dashboard.

        It doesn't depend on the address by which an administrator happens to see the form, unlike
        that of `get_base_url`, which is right for shoppers.

        :return: The address of the website of the provider or of its company, or `web.base.url`.
        :rtype: str
        """
        website = self['website_id'] if 'website_id' in self._fields else None
        return (website or self.company_id).get_base_url()

    @api.model
    def _aps_is_private_host(self, host):
        """ Return whether a host can't be reached from the internet.

        :param str host: The name or address.
        :return: Whether it can't.
        :rtype: bool
        """
        try:
            return not ipaddress.ip_address(host).is_global
        except ValueError:
            return '.' not in host or host in LOCAL_NAMES or host.endswith(LOCAL_SUFFIXES)

    @api.model
    def _aps_is_shared_host(self, host):
        """ Return whether messages that are sent to a host don't find this database.

        They come without session, so Odoo has to know the database by the name of the host.

        :param str host: The name of the host.
        :return: Whether this is not the only database of the host.
        :rtype: bool
        """
        if http.request and http.request.httprequest.headers.get('X-Odoo-Database'):
            return False  # The proxy names the database, which 19.0 heeds.
        databases = http.db_list(force=True, host=host)
        return bool(databases) and databases != [self.env.cr.dbname]

    #=== BUSINESS METHODS - WARNINGS ===#

    def _aps_get_warnings(self):
        """ Return what may keep APS and this database from reaching each other.

        :return: The warnings, for administrators.
        :rtype: list[str]
        """
        if self.code != 'aps' or self.state == 'disabled':
            return []
        return [*self._aps_get_address_warnings(), *self._aps_get_silence_warnings()]

    def _aps_get_address_warnings(self):
        """ Return what is wrong with the address that APS is to post to.

        APS wants `https`, the name of a host rather than an IP address, and the standard port.
        See https://paymentservices.amazon.com/docs/managing-payments/tracking-a-payment/webhooks.

        :return: The warnings.
        :rtype: list[str]
        """
        url = urlsplit(self._aps_get_public_url())
        host = url.hostname or ''
        if self._aps_is_private_host(host):
            return [_(
                "APS can't reach %(host)s. Set the system parameter web.base.url, or the domain of "
                "the website, to the public address of this database.",
                host=host,
            )]
        warnings = []
        if url.scheme != 'https':
            warnings.append(_("APS wants addresses that begin with https."))
        if url.netloc != host:
            warnings.append(_("APS posts to the standard port only, so leave the port out."))
        if ':' in host or host.replace('.', '').isdigit():
            warnings.append(_("APS wants the name of a host instead of an IP address."))
        if self._aps_is_shared_host(host):
            warnings.append(_(
                "Messages of APS to %(host)s don't find this database, as it is not the only one "
                "there. Start Odoo with a database filter that leaves only this one for the host.",
                host=host,
            ))
        return warnings

    def _aps_get_silence_warnings(self):
        """ Return that no message came yet, which is to be known before real money is taken.

        :return: The warnings.
        :rtype: list[str]
        """
        provider = self._origin  # In the form, before it is saved.
        if not provider or provider._aps_get_last_message_date('webhook'):
            return []
        if self.state == 'enabled' and provider.state == 'enabled':
            return [_(
                "Live payments are taken, but no authentic notification has come from APS yet. A "
                "shopper who doesn't come back after paying is noticed late."
            )]
        if self.state == 'enabled':
            return [_(
                "You are about to take live payments, but no authentic notification has come from "
                "APS yet. Make a test payment first."
            )]
        return [_(
            "No authentic notification has come from APS yet. Fill in the addresses below in the "
            "APS dashboard, and make a test payment before you take live payments."
        )]

    #=== BUSINESS METHODS - CHECKLIST ===#

    def _aps_get_steps(self):
        """ Return the steps of the set-up in the APS dashboard, with what Odoo can see of each.

        :return: State, title, menu of the dashboard, and finding of each step.
        :rtype: list[tuple]
        """
        security = "Integration Settings > Security Settings"
        technical = "Integration Settings > Technical Settings > Redirection"
        return [
            (*self._aps_examine_credentials(), _("Credentials"), security),
            (*self._aps_examine_channel('answer'), _("Origin URL"), security),
            (*self._aps_examine_channel('return'), _("Redirection"), technical),
            (*self._aps_examine_channel('webhook'), _("Feedback and notifications"), technical),
            ('hidden', _(
                "In English and Arabic. Odoo can't see it: look at the page in a test payment."
            ), _("Template of the payment page"), "Templates"),
        ]

    def _aps_examine_credentials(self):
        """ Return the state of the credentials, and a sentence about them. """
        provider_sudo = self.sudo()
        if self._aps_get_missing_labels():
            return 'open', _(
                "Missing here: %(fields)s.", fields=', '.join(self._aps_get_missing_labels())
            )
        if not provider_sudo.aps_check_result:
            return 'open', _("Filled in, but not checked yet: click on Check Credentials.")
        if not provider_sudo.aps_check_date:
            return 'wrong', _(
                "The check found a mistake: see above. Click on Check Credentials once it is "
                "corrected."
            )
        warnings = self._aps_get_phrase_warnings()
        age = self._aps_format_age(provider_sudo.aps_check_date)
        sentences = [_("Checked successfully %(age)s.", age=age), *warnings]
        return 'open' if warnings else 'done', ' '.join(sentences)

    def _aps_examine_channel(self, channel):
        """ Return the state of a way by which messages come, and a sentence about it. """
        provider = self._origin
        date = provider and provider._aps_get_last_message_date(channel)
        state, age = 'done' if date else 'open', self._aps_format_age(date)
        if channel == 'answer':
            return 'hidden', _(
                "Enter %(url)s. The API answered a request of this server last: %(age)s.",
                url=self._aps_get_public_url().rstrip('/'), age=age,
            )
        if channel == 'return':
            return state, _(
                "Status: active, with the payment options. Send Response Parameters: Yes. "
                "Redirection URL: as below, by POST. Last return of a shopper: %(age)s.",
                age=age,
            )
        return state, _(
            "Direct Transaction Feedback URL and Notification URL: both as below. Format: JSON, "
            "not XML. Last notification: %(age)s.",
            age=age,
        )

    def _aps_render_step(self, state, finding, title, place):
        """ Return a step as HTML.

        :param str state: One of `STEP_ICONS`.
        :param str finding: What Odoo can see of the step.
        :param str title: The title of the step.
        :param str place: The menu of the APS dashboard.
        :return: The row.
        :rtype: Markup
        """
        states = {
            'done': _("Done"), 'wrong': _("Wrong"), 'open': _("To do"),
            'hidden': _("Not seen by Odoo"),
        }
        return STEP % {
            'icon': STEP_ICONS[state], 'state': states[state], 'title': title, 'place': place,
            'finding': finding,
        }

    def _aps_format_age(self, date):
        """ Return how long ago something was.

        :param datetime date: When it was, if ever, in UTC.
        :return: The time in the language of the user, such as "3 minutes ago".
        :rtype: str
        """
        if not date:
            return _("never")
        return babel.dates.format_timedelta(
            min(date - fields.Datetime.now(), -timedelta(seconds=1)),
            add_direction=True,
            locale=babel_locale_parse(self.env.lang or self.env.user.lang),
        )

    #=== BUSINESS METHODS - MESSAGES ===#

    def _aps_get_refusal_domain(self):
        """ Return the domain of the refused messages that may be meant for the provider. """
        return [('provider_id', 'in', [self._origin.id, False])]

    def _aps_get_last_message_date(self, channel):
        """ Return when the last authentic message came.

        :param str channel: The way by which it came, such as `return`, `webhook` or `answer`.
        :return: The time, in UTC; `False` if none ever came, or none within the time for which
                 messages are kept.
        :rtype: datetime | bool
        """
        self.ensure_one()
        return self.env['payment.aps.message'].sudo().search(
            [('provider_id', '=', self.id), ('channel', '=', channel)],
            order='create_date desc', limit=1,
        ).create_date

    #=== BUSINESS METHODS - RIGHTS ===#

    def _aps_ensure_administrator(self):
        """ Check that the user may change the settings of the provider.

        :raise AccessError: If the user is not a settings administrator of its company.
        """
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(_("Only settings administrators can do this."))
        payment_utils.check_rights_on_recordset(self)
