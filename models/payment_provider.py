import dataclasses
import logging
import re
import ssl
from datetime import timedelta

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError
from werkzeug.urls import iri_to_uri

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.errors import (
    APSError,
    APSNotConfigured,
    APSNotConfirmed,
    APSOtherAccount,
    APSOutcomeUnknown,
    APSRefused,
    APSUnreachable,
)
from odoo.addons.payment_aps.aps.masking import describe_message
from odoo.addons.payment_aps.aps.message import Answer, parse_json_message
from odoo.addons.payment_aps.aps.schedule import LONGEST_CHECK_DAYS
from odoo.addons.payment_aps.aps.signature import Account, compute_signature
from odoo.addons.payment_aps.aps.values import read_setting
from odoo.addons.payment_aps.models.payment_method import LOCAL_NETWORKS

_logger = logging.getLogger(__name__)

# One pool of connections for the process, kept alive between requests. It holds no state: cookies
# are refused, and nothing is ever sent twice by itself.
api_session = requests.Session()
CREDENTIAL_FIELDS = (
    'aps_merchant_identifier', 'aps_access_code', 'aps_sha_request', 'aps_sha_response',
)
# The fields that make up a merchant account, with the names that `Account` has for them.
KEY_ATTRIBUTES = {
    'aps_merchant_identifier': 'merchant_identifier',
    'aps_access_code': 'access_code',
    'aps_sha_request': 'request_phrase',
    'aps_sha_response': 'response_phrase',
    'aps_sha_type': 'sha_type',
}
# What decides whether APS and Odoo understand each other.
CHECKED_FIELDS = (*CREDENTIAL_FIELDS, 'aps_sha_type', 'state')
# What messages are signed and checked with, the company for their trail, and the name, which Odoo
# logs with each result.
ACCOUNT_FIELDS = (
    'name', 'code', 'company_id', *CHECKED_FIELDS, 'aps_database',
)

# The system parameter that holds another time to wait for an answer.
READ_TIMEOUT_PARAMETER = 'payment_aps.read_timeout'
# The system parameter that holds the base address of a local sandbox, for providers in test state.
SANDBOX_URL_PARAMETER = 'payment_aps.sandbox_url'


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    code = fields.Selection(
        selection_add=[('aps', "Amazon Payment Services")], ondelete={'aps': 'set default'}
    )
    aps_merchant_identifier = fields.Char(
        string="Merchant Identifier",
        help="The account at APS that receives the payments, as the APS dashboard names it.",
        required_if_provider='aps',
        groups='base.group_system',
        copy=False,
    )
    aps_access_code = fields.Char(
        string="Access Code",
        help="Belongs to the merchant identifier. The APS dashboard shows both in one place.",
        required_if_provider='aps',
        groups='base.group_system',
        copy=False,
    )
    aps_sha_request = fields.Char(
        string="SHA Request Phrase",
        help="The phrase that signs what is sent to Amazon Payment Services.",
        required_if_provider='aps',
        groups='base.group_system',
        copy=False,
    )
    aps_sha_response = fields.Char(
        string="SHA Response Phrase",
        help="The phrase that signs what is received from Amazon Payment Services.",
        required_if_provider='aps',
        groups='base.group_system',
        copy=False,
    )
    aps_sha_type = fields.Selection(
        string="SHA Type",
        help="The SHA type that is selected in the security settings of the merchant account.",
        selection=const.SHA_TYPES,
        default=const.DEFAULT_SHA_TYPE,
        groups='base.group_system',
    )
    aps_send_remember_me = fields.Boolean(
        string="Propose to Save Cards on the Payment Page",
        help="Whether the box that saves the card is ticked on the payment page if the shopper "
             "ticked that of the shop. Switch it off if Amazon Payment Services refuses payments "
             "because of extra parameters.",
        default=True,
    )
    aps_send_settlement_reference = fields.Boolean(
        string="Name the Payment to the Acquirer",
        help="Whether the reference of the payment is sent along for the acquirer, whose "
             "settlement file shows it then. Ask Amazon Payment Services first: an account that "
             "doesn't take this extra parameter refuses every payment.",
    )
    aps_is_account_shared = fields.Boolean(
        string="Other Systems Use the Account",
        help="Whether payments that this database doesn't know are nothing to be told of, since "
             "another system, or links of the APS dashboard, take them with the same account.",
        groups='base.group_system',
    )
    aps_has_own_networks = fields.Boolean(
        string="Offer Local Networks by Name",
        help="Offer NAPS, OmanNet and Meeza as payment methods of their own rather than as brands "
             "of cards. This concerns all payment providers. Switch on the payment methods "
             "afterwards. One that only Amazon Payment Services takes is offered by name as soon "
             "as it is switched on.",
        compute='_compute_aps_has_own_networks',
        inverse='_inverse_aps_has_own_networks',
        groups='base.group_system',
    )
    # The digest of the account that it was learned of, and the rule. That of another account, or
    # environment, is not believed.
    aps_sum_rule = fields.Char(
        string="APS Rule of Sums", readonly=True, copy=False, groups='base.group_system'
    )

    #=== CONSTRAINT METHODS ===#

    @api.constrains('code', 'state', *CREDENTIAL_FIELDS)
    def _check_aps_credentials(self):
        """ Check that the credentials can be those of a merchant account.

        :raise ValidationError: If one of them holds characters that APS doesn't issue, or that
                                can't be seen.
        """
        active_aps_providers = self.filtered(lambda p: p.code == 'aps' and p.state != 'disabled')
        for provider_sudo in active_aps_providers.sudo():
            labels = provider_sudo._aps_get_labels()
            for field_name in ('aps_merchant_identifier', 'aps_access_code'):
                value = provider_sudo[field_name]
                if value and not re.fullmatch(const.CREDENTIAL_PATTERN, value):
                    raise ValidationError("APS: " + _(
                        "The field \"%(field)s\" must be made of 1 to 20 letters and digits. Copy "
                        "it again from Integration Settings > Security Settings in the APS "
                        "dashboard.",
                        field=labels[field_name],
                    ))
            for finding in self._aps_find_hidden_characters(provider_sudo._aps_get_account()):
                raise ValidationError("APS: " + finding)

    #=== CRUD METHODS ===#

    @api.model_create_multi
    def create(self, values_list):
        providers = super().create([self._aps_strip_credentials(values) for values in values_list])
        self._aps_forget_merchants(*values_list)
        enabled_providers = providers.filtered(lambda p: p.state == 'enabled')
        enabled_providers._aps_remember_database()
        enabled_providers._aps_tell_of_live_risks()
        return providers

    def write(self, values):
        """ Override of `payment` to tidy what is entered, and to note what it means for payments.

        To write the state that a provider has anyway is no confirmation of the database.
        """
        values = self._aps_forget_check(self._aps_strip_credentials(values))
        moved_providers = self.filtered(lambda p: p._aps_changes_account(values))
        enabled_providers = self.filtered(
            lambda p: p.state != 'enabled' and values.get('state') == 'enabled'
        )
        res = super().write(values)
        self._aps_forget_merchants(values)
        enabled_providers._aps_remember_database()
        for provider in moved_providers:
            provider._aps_resume_checks()
        enabled_providers._aps_tell_of_live_risks()
        return res

    @api.model
    def _aps_strip_credentials(self, values):
        """ Return the values without the white space that is often copied around credentials.

        :param dict values: The values to create or write.
        :return: The values, with stripped credentials.
        :rtype: dict
        """
        stripped_values = {
            name: values[name].strip()
            for name in CREDENTIAL_FIELDS
            if isinstance(values.get(name), str)
        }
        return {**values, **stripped_values} if stripped_values else values

    @api.model
    @ormcache()
    def _aps_list_merchants(self):
        """ Return the identifiers of the merchant accounts of this database.

        They are kept, so that whatever strangers send costs no query.

        :return: The identifiers.
        :rtype: frozenset[str]
        """
        providers_sudo = self.sudo().search([('code', '=', 'aps')])
        return frozenset(filter(None, providers_sudo.mapped('aps_merchant_identifier')))

    @api.model
    def _aps_forget_merchants(self, *values_list):
        """ Have the identifiers read anew if they change.

        :param dict values_list: The values that are created or written.
        :return: None
        """
        if any('aps_merchant_identifier' in values for values in values_list):
            self.env.registry.clear_cache()

    #=== COMPUTE METHODS ===#

    def _compute_feature_support_fields(self):
        """ Override of `payment` to enable additional features. """
        super()._compute_feature_support_fields()
        self.filtered(lambda p: p.code == 'aps').update({
            'support_tokenization': True,
            'support_manual_capture': 'partial',
            'support_refund': 'partial',
        })

    def _compute_aps_has_own_networks(self):
        # Each can also be switched on by itself, in the list of payment methods.
        networks = self._aps_get_networks()
        self.aps_has_own_networks = any(
            not network.primary_payment_method_id for network in networks
        )

    def _inverse_aps_has_own_networks(self):
        for provider in self:
            if provider.code == 'aps':
                self._aps_get_networks()._aps_set_primary(provider.aps_has_own_networks)

    @api.model
    def _aps_get_networks(self):
        """ Return the local networks that are brands of cards in Odoo. """
        return self.env['payment.method'].with_context(active_test=False).search(
            [('code', 'in', LOCAL_NETWORKS)]
        )

    #=== BUSINESS METHODS - ACCOUNT ===#

    def _aps_fetch_account(self):
        """ Read in one query what messages are signed and checked with.

        The credentials are restricted to a group and would be read one by one.
        """
        self.sudo().fetch(ACCOUNT_FIELDS)

    def _aps_get_account(self):
        """ Return what messages of the provider are signed and recognized with.

        This is the only way by which credentials leave the provider.

        :return: The account.
        :rtype: Account
        """
        provider_sudo = self.sudo()
        provider_sudo._aps_fetch_account()
        return Account(
            name=provider_sudo.name,
            environment=provider_sudo.state,
            merchant_identifier=provider_sudo.aps_merchant_identifier,
            access_code=provider_sudo.aps_access_code,
            request_phrase=provider_sudo.aps_sha_request,
            response_phrase=provider_sudo.aps_sha_response,
            # A disabled provider may have none.
            sha_type=provider_sudo.aps_sha_type or const.DEFAULT_SHA_TYPE,
        )

    @api.model
    def _aps_get_key_values(self, account):
        """ Return what the fields of a provider hold whose account is the given one.

        :param Account account: The account.
        :return: The values to write.
        :rtype: dict
        """
        return {name: getattr(account, attribute) for name, attribute in KEY_ATTRIBUTES.items()}

    def _aps_get_account_digest(self, state=None):
        """ Return by what a payment recognizes the merchant account that it was made with.

        The identifier is for settings administrators, so it is not told in itself.

        :param str|None state: The state that tells the environment, if not that of the provider.
        :return: A digest of merchant identifier and environment.
        :rtype: str
        """
        account = self._aps_get_account()
        return dataclasses.replace(account, environment=state or account.environment).digest

    def _aps_changes_account(self, values):
        """ Return whether the provider is for another account or environment from now on, or
        understands the same one better.

        :param dict values: The values to write, with stripped credentials.
        :return: Whether anything changes by which APS is asked and understood.
        :rtype: bool
        """
        provider_sudo = self.sudo()
        return provider_sudo.code == 'aps' and any(
            name in values and (values[name] or '') != (provider_sudo[name] or '')
            for name in CHECKED_FIELDS
        )

    def _aps_resume_checks(self):
        """ Have APS asked now about payments of this account that it couldn't be asked about while
        the provider was for another one, or that wait because it was not understood.

        What APS told meanwhile was refused, and is not told again.

        :return: None
        """
        now = fields.Datetime.now()
        oldest = now - timedelta(days=LONGEST_CHECK_DAYS)
        payments_sudo = self.env['payment.transaction'].sudo().search([
            ('provider_id', '=', self.id),
            ('aps_account', '=', self._aps_get_account_digest()),
            '|', ('aps_next_check', '=', False), ('aps_next_check', '>', now),
            '|', '|', '|', '|',
            ('state', '=', 'authorized'),
            # Shops keep unpaid transactions for years; those must not delay the others.
            '&', ('state', 'in', ('draft', 'pending', 'error', 'cancel')),
            ('create_date', '>', oldest),
            ('aps_request_state', '!=', False),
            ('child_transaction_ids.aps_request_state', '!=', False),
            ('child_transaction_ids.child_transaction_ids.aps_request_state', '!=', False),
        ])
        payments_sudo.aps_next_check = now
        cron = self.env.ref('payment_aps.ir_cron_aps_check_status', raise_if_not_found=False)
        if payments_sudo and cron:
            cron.sudo()._trigger()

    def _aps_ensure_can_ask(self, account):
        """ Check that APS can be asked about a payment at all.

        Another account knows nothing of the payment, and would say that it was never made.

        :param str|bool account: The account that the payment was made with, if it is known.
        :return: None
        :raise APSNotConfigured: If the provider is disabled or lacks its credentials.
        :raise APSOtherAccount: If the provider is for another account now.
        """
        present_account = self._aps_get_account()
        if present_account.environment == 'disabled' or not present_account.request_phrase:
            raise APSNotConfigured("the provider is disabled or not configured")
        if account and account != present_account.digest:
            raise APSOtherAccount(
                "the provider is for another merchant account or environment now"
            )

    def _aps_get_sum_rule(self):
        """ Return whether refunds shrink the captured sum of this account.

        :return: Whether they do; `None` if that is not known.
        :rtype: bool | None
        """
        account, _separator, rule = (self.sudo().aps_sum_rule or '').partition(' ')
        if not rule or account != self._aps_get_account_digest():
            return None
        return rule == 'shrinks'

    def _aps_learn_sum_rule(self, shrinks):
        """ Keep whether refunds shrink the captured sum of this account.

        :param bool shrinks: Whether they do.
        :return: None
        """
        if shrinks != self._aps_get_sum_rule():
            rule = 'shrinks' if shrinks else 'stays'
            self.sudo().aps_sum_rule = f'{self._aps_get_account_digest()} {rule}'

    #=== BUSINESS METHODS - ENDPOINTS ===#

    def _aps_get_api_url(self):
        """ Return the address of the payment page, to which the redirect form is posted.

        :return: The address; that of the sandbox unless the provider is enabled.
        :rtype: str
        """
        return self._aps_get_host('checkout') + const.PAYMENT_PAGE_PATH

    def _aps_get_return_base(self):
        """ Return the base address to which shoppers come back.

        A shopper returns to the website by which they came. Its address is that of the request,
        which is signed, so it must not hold anything that could be taken for a field of APS.

        :return: The base address.
        :rtype: str
        """
        base_url = iri_to_uri(self.get_base_url())  # Names of hosts in other scripts.
        is_plain = re.match(r'https?://[A-Za-z0-9.-]+(:[0-9]+)?(/|$)', base_url)
        return base_url if is_plain else iri_to_uri(self._aps_get_public_url())

    def _aps_get_host(self, purpose, environment=None):
        """ Return the address of an APS host.

        A system parameter can point a provider in test state to a local sandbox. It has no say over
        a live provider.

        :param str purpose: `checkout` for the payment page, `api` for requests of the server.
        :param str|None environment: `enabled` or `test`, if not that of the provider.
        :return: The base address of the host.
        :rtype: str
        """
        hosts = const.HOSTS[purpose]
        if (environment or self.state) == 'enabled':
            return hosts['enabled']
        sandbox_url = self.env['ir.config_parameter'].sudo().get_param(SANDBOX_URL_PARAMETER)
        return (sandbox_url or hosts['test']).rstrip('/')

    #=== BUSINESS METHODS - SIGNATURES ===#

    def _aps_calculate_signature(self, data, incoming=True):
        """ Return the signature of a message of APS, or of a request to it.

        See https://paymentservices-reference.payfort.com/docs/api/build/index.html#signature.

        :param dict data: The data to sign.
        :param bool incoming: Whether APS is the sender; the response phrase is taken then, else the
                              request phrase.
        :return: The calculated signature.
        :rtype: str
        :raise ValidationError: If the provider has no phrase to sign with.
        """
        account = self._aps_get_account()
        phrase = account.response_phrase if incoming else account.request_phrase
        if not phrase:
            raise ValidationError("APS: " + _(
                "The SHA phrases are missing. Fill them in the credentials of the payment provider."
            ))
        return compute_signature(data, phrase, account.sha_type)

    #=== BUSINESS METHODS - REQUESTS ===#

    def _aps_make_request(self, payload):
        """ Send a request to the payment API and return its answer.

        Nothing is ever sent a second time from here: APS has no idempotency key for most commands.
        See https://paymentservices.amazon.com/docs/api.

        :param dict payload: The fields of the request, without those that identify the merchant and
                             without signature. Amounts are in minor units, as text.
        :return: The answer, whose signature was verified.
        :rtype: dict
        :raise APSNotConfigured: If there is no phrase to sign with.
        :raise APSNotConfirmed: If this is a copy of the live database, and it is no question.
        :raise APSUnreachable: If APS has certainly not received the request.
        :raise APSRefused: If APS says that it doesn't execute the request.
        :raise APSOutcomeUnknown: If APS may have executed the request.
        """
        self.ensure_one()
        if 'query_command' not in payload and self._aps_is_copied():
            raise APSNotConfirmed(self._aps_get_copy_message())
        account = self._aps_get_account()
        signed_fields = account.sign({
            **payload, **account.identity, 'language': const.DEFAULT_LANGUAGE,
        })
        _logger.info("Request to APS: %s", describe_message(payload))
        answer = self._aps_exchange(signed_fields)
        _logger.info("Answer from APS: %s", describe_message(answer))
        self._aps_note_answer(answer)
        if Answer(answer).is_refusal(payload.get('command')):
            raise APSRefused(answer)
        return answer

    def _aps_exchange(self, signed_fields):
        """ Post a signed request to the payment API, and leave a trail of it and of its answer.

        A request is stored before it is sent and apart from the current database transaction, so
        that it is known even if that is rolled back, or the server stops meanwhile. A query changes
        nothing at APS, so it is stored with its answer. That APS doesn't know a payment isn't kept:
        anybody can start any number of payments that are never made.

        :param dict signed_fields: The fields of the request.
        :return: The answer, whose signature was verified.
        :rtype: dict
        :raise APSUnreachable: If APS has certainly not received the request.
        :raise APSOutcomeUnknown: If APS may have executed the request.
        """
        trail = self.env['payment.aps.message']
        is_query = 'query_command' in signed_fields
        request_id = None if is_query else trail._aps_store_request(self, signed_fields)
        try:
            answer = self._aps_read_answer(self._aps_post(signed_fields))
        except APSError as error:
            state = 'unreachable' if isinstance(error, APSUnreachable) else 'unknown'
            request_id = request_id or trail._aps_store_request(self, signed_fields)
            trail._aps_store_failure(request_id, state, str(error))
            raise
        if not (is_query and Answer(answer).is_payment_unknown(signed_fields)):
            request_id = request_id or trail._aps_store_request(self, signed_fields)
            trail._aps_store_answer(self, request_id, answer)
        return answer

    def _aps_post(self, signed_fields, read_timeout=None, environment=None):
        """ Post a signed request to the payment API.

        :param dict signed_fields: The fields of the request.
        :param int|None read_timeout: How long to wait for the answer, in seconds, if not as long
                                      as usual.
        :param str|None environment: See `_aps_get_host`.
        :return: The response.
        :rtype: requests.Response
        :raise APSUnreachable: If no connection was made.
        :raise APSOutcomeUnknown: If the connection broke or timed out after the request was sent.
        """
        url = self._aps_get_host('api', environment) + const.PAYMENT_API_PATH
        try:
            return api_session.post(
                url,
                json=signed_fields,
                timeout=(const.CONNECT_TIMEOUT, read_timeout or self._aps_get_read_timeout()),
                allow_redirects=False,
            )
        except requests.exceptions.ConnectTimeout as error:
            raise APSUnreachable(type(error).__name__) from error
        except requests.exceptions.SSLError as error:
            # Only a certificate is looked at before the request is sent.
            reason = getattr(error.args[0] if error.args else None, 'reason', None)
            cause = reason.args[0] if reason is not None and reason.args else None
            is_unsent = isinstance(cause, ssl.SSLCertVerificationError)
            exception_class = APSUnreachable if is_unsent else APSOutcomeUnknown
            raise exception_class(type(error).__name__) from error
        except requests.exceptions.ConnectionError as error:
            cause = error.args[0] if error.args else None
            if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
                raise APSUnreachable(type(error).__name__) from error
            raise APSOutcomeUnknown(type(error).__name__) from error
        except requests.exceptions.RequestException as error:
            raise APSOutcomeUnknown(type(error).__name__) from error

    def _aps_get_read_timeout(self):
        """ Return how long to wait for an answer.

        :return: The time, in seconds.
        :rtype: int
        """
        parameters_sudo = self.env['ir.config_parameter'].sudo()
        seconds = parameters_sudo.get_param(READ_TIMEOUT_PARAMETER)
        return read_setting(seconds, const.READ_TIMEOUT)

    def _aps_read_answer(self, response):
        """ Return the fields of a response of the payment API, if they are authentic.

        :param requests.Response response: The response.
        :return: The fields, whose signature was verified.
        :rtype: dict
        :raise APSOutcomeUnknown: If the response is not one, or not signed by APS.
        """
        if response.status_code != 200:
            raise APSOutcomeUnknown(f"HTTP status {response.status_code}")
        try:
            answer = parse_json_message(response.content)
        except ValueError as error:
            # The dashboard can be set to XML, which also ends here.
            raise APSOutcomeUnknown("The answer is not JSON.") from error
        if not self._aps_get_account().recognizes(answer):
            self._aps_note_wrong_signature()
            raise APSOutcomeUnknown("The signature of the answer is wrong.")
        return answer

    #=== BUSINESS METHODS - CRON ===#

    @api.model
    def _aps_setup_cron(self):
        """ Have the check of open payments run for ever: in 17.0, a job ends after one run. """
        cron = self.env.ref('payment_aps.ir_cron_aps_check_status')
        if 'numbercall' in cron._fields:
            cron.numbercall = -1
