import ipaddress
import logging
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import babel.dates

from odoo import _, api, fields, http, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import babel_locale_parse

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.controllers.main import APSController
from odoo.addons.payment_aps.models.payment_provider import CHECKED_FIELDS

_logger = logging.getLogger(__name__)

LOCAL_NAMES = ('localhost', 'localhost.localdomain')
# What a payment that tries the set-up is named and worth, in major units of its currency.
TEST_REFERENCE, TEST_AMOUNT = 'APS-TEST', 1.0
LOCAL_SUFFIXES = ('.local', '.localhost', '.internal', '.lan', '.test')


class Step(NamedTuple):
    """ A step of the set-up in the APS dashboard, and what Odoo can see of it. """

    state: str  # `done`, `wrong`, `open`, or `hidden`.
    finding: str
    title: str
    place: str  # The menu of the APS dashboard.


class PaymentProvider(models.Model):
    """ What helps to set up an account: addresses to copy, warnings, and a checklist. """

    _inherit = 'payment.provider'

    aps_return_url = fields.Char(
        string="Redirection URL", compute='_compute_aps_addresses', groups='base.group_system'
    )
    aps_origin_url = fields.Char(
        string="Origin URL", compute='_compute_aps_addresses', groups='base.group_system'
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
    # Made of a template, which escapes. The steps with an address to copy stand beside it.
    aps_checklist = fields.Html(
        string="Steps in the APS Dashboard",
        compute='_compute_aps_checklist',
        sanitize=False,
        groups='base.group_system',
    )
    aps_return_step = fields.Html(
        string="Redirection in the APS Dashboard",
        compute='_compute_aps_checklist',
        sanitize=False,
        groups='base.group_system',
    )
    aps_webhook_step = fields.Html(
        string="Notifications in the APS Dashboard",
        compute='_compute_aps_checklist',
        sanitize=False,
        groups='base.group_system',
    )
    aps_message_count = fields.Integer(
        string="APS Messages", compute='_compute_aps_message_count', groups='base.group_system'
    )
    aps_refusal_count = fields.Integer(
        string="Refused Messages", compute='_compute_aps_refusal_count', groups='base.group_system'
    )

    #=== COMPUTE METHODS ===#

    @api.depends('code', 'company_id')
    def _compute_aps_addresses(self):
        for provider in self:
            base_url = provider._aps_get_public_url()
            provider.aps_origin_url = base_url.rstrip('/')
            provider.aps_return_url = urljoin(base_url, APSController._return_url)
            provider.aps_webhook_url = urljoin(base_url, APSController._webhook_url)

    @api.depends('code', 'company_id', 'state', 'aps_merchant_identifier')
    def _compute_aps_setup_warning(self):
        for provider in self:
            provider.aps_setup_warning = '\n'.join(provider._aps_get_warnings())

    @api.depends('code', 'company_id', 'aps_check_result', 'aps_check_date', *CHECKED_FIELDS)
    def _compute_aps_checklist(self):
        for provider in self:
            steps = provider._aps_get_steps() if provider.code == 'aps' else {}
            for name in ('aps_checklist', 'aps_return_step', 'aps_webhook_step'):
                provider[name] = steps and self.env['ir.qweb']._render(
                    'payment_aps.setup_steps', {'steps': steps[name]}
                )

    def _compute_aps_message_count(self):
        messages_sudo = self.env['payment.aps.message'].sudo()
        for provider in self:
            provider.aps_message_count = messages_sudo.search_count([
                ('provider_id', '=', provider._origin.id)
            ])

    def _compute_aps_refusal_count(self):
        refusals = self.env['payment.aps.refusal'].sudo()
        for provider in self:
            domain = provider._aps_get_refusal_domain()
            provider.aps_refusal_count = sum(refusals.search(domain).mapped('count'))

    #=== ONCHANGE METHODS ===#

    @api.onchange('state')
    def _onchange_state_warn_before_live_payments(self):
        """ Say what is left to do before live payments are taken, as long as nothing is saved.

        :return: A client action with the warning message, if any.
        :rtype: dict | None
        """
        if self.state != 'enabled' or self._origin.state == 'enabled':
            return None
        warnings = self._aps_get_warnings()
        return warnings and {'warning': {
            'title': _("Before You Take Live Payments"),
            'message': '\n\n'.join([*warnings, _(
                "Shoppers pay real money as soon as you save. Discard the changes if you are not "
                "ready yet."
            )]),
        }}

    #=== ACTION METHODS ===#

    def action_aps_view_messages(self):
        """ Open the trail of messages of the provider.

        :return: The action.
        :rtype: dict
        :raise AccessError: If the user is not a settings administrator.
        """
        self.ensure_one()
        self._aps_ensure_administrator()
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

    def action_aps_make_test_payment(self):
        """ Open the page on which the user pays a small amount, as a shopper would.

        :return: The action.
        :rtype: dict
        :raise UserError: If none of the currencies that the provider takes is active.
        """
        self.ensure_one()
        self._aps_ensure_administrator()
        currency, partner = self._aps_find_test_currency(), self.env.user.partner_id
        return {
            'type': 'ir.actions.act_url',
            'target': 'new',
            'url': '/payment/pay?' + urlencode({
                'reference': TEST_REFERENCE,
                'amount': TEST_AMOUNT,
                'currency_id': currency.id,
                'partner_id': partner.id,
                'company_id': self.company_id.id,
                'access_token': payment_utils.generate_access_token(
                    partner.id, TEST_AMOUNT, currency.id
                ),
            }),
        }

    def action_aps_prepare_live_payments(self):
        """ Ask for the credentials of the live account, while test payments go on.

        :return: The action that opens the dialog.
        :rtype: dict
        """
        self.ensure_one()
        self._aps_ensure_administrator()
        return self.env['payment.aps.go.live']._aps_open(default_provider_id=self.id)

    def action_aps_look_again(self):
        """ Have the form show what came meanwhile, which any action of it does.

        :return: None
        """
        self._aps_ensure_administrator()

    #=== BUSINESS METHODS - TEST PAYMENT ===#

    def _aps_find_test_currency(self):
        """ Return the currency of a test payment: that of the company, or the first one.

        :return: The currency.
        :rtype: recordset of `res.currency`
        :raise UserError: If there is none.
        """
        currencies = self.available_currency_ids or self._get_supported_currencies()
        active_currencies = currencies.filtered('active')
        if not active_currencies:
            raise UserError(_(
                "None of the currencies of this payment provider is active. Activate the one of "
                "your merchant account in the list of currencies."
            ))
        own_currency = active_currencies & self.company_id.currency_id
        return own_currency or active_currencies[0]

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
        return [
            *self._aps_get_address_warnings(),
            *self._aps_get_credential_warnings(),
            *self._aps_get_silence_warnings(),
        ]

    def _aps_get_credential_warnings(self):
        """ Return that the live credentials are not known to be right.

        :return: The warnings.
        :rtype: list[str]
        """
        is_live = self.state == self._origin.state == 'enabled'
        if not is_live or self.sudo().aps_check_date or any(
            self._aps_get_last_message_date(channel) for channel in ('webhook', 'return')
        ):
            return []
        return [_("The live credentials have not been checked yet: click on Check Credentials.")]

    def _aps_tell_of_live_risks(self):
        """ Tell who switched live payments on what speaks against it, also if no form did. """
        for provider in self:
            warnings = provider._aps_get_warnings()
            if not warnings:
                continue
            _logger.warning(
                "User %s enabled provider %s, although: %s",
                self.env.uid, provider.id, ' '.join(warnings),
            )
            self.env['bus.bus']._sendone(self.env.user.partner_id, 'simple_notification', {
                'title': provider.name,
                'message': ' '.join(warnings),
                'type': 'warning',  # Not for long: the form says it for as long as it holds.
            })

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
        if not self._origin or self._aps_get_last_message_date('webhook'):
            return []
        if self.state == 'enabled' and self._origin.state == 'enabled':
            return [_(
                "Live payments are taken, but no authentic notification has come from APS yet, so "
                "a shopper who doesn't come back after paying is noticed late. One small payment "
                "of your own is left to do: click on Make a Real Payment."
            )]
        if self.state == 'enabled':
            return [_(
                "You are about to take live payments. Nothing that the sandbox said carries over: "
                "enter the live credentials, check them, fill in the addresses in the live "
                "dashboard, and make one real payment yourself."
            )]
        return [_(
            "No authentic notification has come from APS yet. Fill in the addresses below in the "
            "APS dashboard, and make a test payment before you take live payments."
        )]

    #=== BUSINESS METHODS - CHECKLIST ===#

    def _aps_get_steps(self):
        """ Return the steps of the set-up in the APS dashboard, with what Odoo can see of each.

        :return: The steps, by name of the field that shows them.
        :rtype: dict[str, list[Step]]
        """
        security = "Integration Settings > Security Settings"
        technical = "Integration Settings > Technical Settings > Redirection"
        return {
            'aps_checklist': [
                Step(*self._aps_examine_credentials(), _("Credentials"), security),
                Step(*self._aps_examine_channel('answer'), _("Origin URL"), security),
            ],
            'aps_return_step': [
                Step('hidden', _(
                    "In English and Arabic. Odoo can't see it: look at the page in a test payment."
                ), _("Template of the payment page"), "Templates"),
                Step(*self._aps_examine_channel('return'), _("Redirection"), technical),
            ],
            'aps_webhook_step': [Step(
                *self._aps_examine_channel('webhook'), _("Feedback and notifications"), technical
            )],
        }

    def _aps_examine_credentials(self):
        """ Return the state of the credentials, and a sentence about them. """
        provider_sudo = self.sudo()
        missing_labels = self._aps_get_missing_labels(self._aps_get_account())
        if missing_labels:
            return 'open', _("Missing here: %(fields)s.", fields=', '.join(missing_labels))
        if not provider_sudo.aps_check_result:
            return self._aps_examine_unchecked_credentials()
        if provider_sudo.aps_check_problem == 'unreachable' and not provider_sudo.aps_check_date:
            return 'hidden', _("APS could not be asked whether they are right: see above.")
        if not provider_sudo.aps_check_date:
            return 'wrong', _(
                "The check found a mistake: see above. Click on Check Credentials once it is "
                "corrected."
            )
        return self._aps_rate_credentials(_(
            "Checked successfully %(age)s.", age=self._aps_format_age(provider_sudo.aps_check_date)
        ))

    def _aps_examine_unchecked_credentials(self):
        """ Return the state of credentials that nobody checked, and a sentence about them. """
        date = self._aps_get_proof_date()
        if not date:
            return 'open', _("Filled in, but not checked yet: click on Check Credentials.")
        return self._aps_rate_credentials(_(
            "A payment proved them right %(age)s.", age=self._aps_format_age(date)
        ))

    def _aps_rate_credentials(self, finding):
        """ Return the state of credentials that are right, and a sentence about them.

        :param str finding: What says that they are right.
        :return: Their state, which is open as long as they are weak, and the sentences.
        :rtype: tuple[str, str]
        """
        warnings = self._aps_get_phrase_warnings(self._aps_get_account())
        return 'open' if warnings else 'done', ' '.join([finding, *warnings])

    def _aps_examine_channel(self, channel):
        """ Return the state of a way by which messages come, and a sentence about it. """
        date = self._origin and self._aps_get_last_message_date(channel)
        state, age = 'done' if date else 'open', self._aps_format_age(date)
        if channel == 'answer':
            dates = filter(None, [date, self.sudo().aps_check_date])
            return 'hidden', _(
                "As below. Last answer of APS: %(age)s.",
                age=self._aps_format_age(max(dates, default=None)),
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
        """ Return when the last authentic message of the present account came.

        In the form, the account is the one that is filled in there, before it is saved.

        :param str channel: The way by which it came, such as `return`, `webhook` or `answer`.
        :return: The time, in UTC; `False` if none ever came, or none within the time for which
                 messages are kept.
        :rtype: datetime | bool
        """
        self.ensure_one()
        return self.env['payment.aps.message'].sudo().search([
            ('provider_id', '=', self._origin.id),
            ('account', '=', self._aps_get_account_digest()),
            ('channel', '=', channel),
        ], order='create_date desc', limit=1).create_date

    def _aps_get_proof_date(self):
        """ Return when a payment proved that the credentials are right, as stored.

        APS took what was signed with them, and Odoo believed its answer. Which ones they were isn't
        kept, so a payment that was begun before the provider was changed last proves nothing.

        :return: The time, in UTC; `False` if the last payment is none that proves it.
        :rtype: datetime | bool
        """
        if not self._origin or self._aps_is_edited():
            return False
        message_sudo = self.env['payment.aps.message'].sudo().search([
            ('provider_id', '=', self._origin.id),
            ('account', '=', self._aps_get_account_digest()),
            ('channel', 'in', ('return', 'webhook')),
            ('status', 'in', (const.AUTHORIZED_STATUS, const.PURCHASED_STATUS)),
        ], order='create_date desc', limit=1)
        begin = message_sudo.transaction_id.create_date
        return begin and begin > self._origin.write_date and message_sudo.create_date

    #=== BUSINESS METHODS - RIGHTS ===#

    def _aps_ensure_administrator(self):
        """ Check that the user may change the settings of the provider.

        :raise AccessError: If the user is not a settings administrator of its company.
        """
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(_("Only settings administrators can do this."))
        payment_utils.check_rights_on_recordset(self)
