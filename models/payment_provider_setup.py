import ipaddress
import logging
import secrets
from urllib.parse import urljoin, urlsplit

from odoo import _, fields, models
from odoo.exceptions import AccessError

from odoo.addons.payment_aps import const
from odoo.addons.payment_aps import utils as aps_utils
from odoo.addons.payment_aps.controllers.main import APSController
from odoo.addons.payment_aps.diagnosis import find_other_setting
from odoo.addons.payment_aps.exceptions import APSOutcomeUnknown, APSUnreachable

_logger = logging.getLogger(__name__)

LOCAL_NAMES = ('localhost', 'localhost.localdomain')
LOCAL_SUFFIXES = ('.local', '.localhost', '.internal', '.lan', '.test')


class PaymentProvider(models.Model):
    """ What helps to set up an account: addresses to copy, and a check of the credentials. """

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
    aps_last_messages = fields.Char(
        string="Last Authentic Messages",
        help="When the last message came that was signed with the response phrase.",
        compute='_compute_aps_last_messages',
        groups='base.group_system',
    )
    aps_check_result = fields.Text(
        string="Check of the Credentials", readonly=True, copy=False, groups='base.group_system'
    )
    aps_is_check_passed = fields.Boolean(readonly=True, copy=False, groups='base.group_system')

    #=== COMPUTE METHODS ===#

    def _compute_aps_addresses(self):
        for provider in self:
            base_url = provider.get_base_url()
            provider.aps_return_url = urljoin(base_url, APSController._return_url)
            provider.aps_webhook_url = urljoin(base_url, APSController._webhook_url)

    def _compute_aps_setup_warning(self):
        for provider in self:
            provider.aps_setup_warning = '\n'.join(provider._aps_get_warnings())

    def _compute_aps_last_messages(self):
        for provider in self:
            provider.aps_last_messages = _(
                "Return of a shopper: %(return_date)s. Notification: %(webhook_date)s.",
                return_date=provider._aps_format_last_date('return'),
                webhook_date=provider._aps_format_last_date('webhook'),
            )

    def _aps_format_last_date(self, channel):
        """ Return when the last message came, as text for the form.

        :param str channel: The way by which it came.
        :return: The time in the user's time zone, or that there was none.
        :rtype: str
        """
        date = self._aps_get_last_message_date(channel) if isinstance(self.id, int) else None
        if not date:
            return _("never")
        local_date = fields.Datetime.context_timestamp(self, date)
        return local_date.strftime('%Y-%m-%d %H:%M')

    def _aps_get_warnings(self):
        """ Return what may keep APS and this database from reaching each other.

        :return: The warnings, for administrators.
        :rtype: list[str]
        """
        if self.code != 'aps' or self.state == 'disabled':
            return []
        warnings = []
        url = urlsplit(self.get_base_url())
        if self._aps_is_private_host(url.hostname or ''):
            warnings.append(_(
                "APS can't reach %(host)s. Set the system parameter web.base.url to the public "
                "address of this database.",
                host=url.hostname,
            ))
        elif url.scheme != 'https':
            warnings.append(_("APS wants addresses that begin with https."))
        if isinstance(self.id, int) and not self._aps_get_last_message_date('webhook'):
            warnings.append(_(
                "No authentic notification has come from APS yet. Fill in the two addresses below "
                "in the APS dashboard, and make a test payment before you take live payments."
            ))
        return warnings

    @staticmethod
    def _aps_is_private_host(host):
        """ Return whether a host can't be reached from the internet.

        :param str host: The name or address.
        :return: Whether it can't.
        :rtype: bool
        """
        try:
            return not ipaddress.ip_address(host).is_global
        except ValueError:
            return '.' not in host or host in LOCAL_NAMES or host.endswith(LOCAL_SUFFIXES)

    #=== ACTION METHODS ===#

    def action_aps_check_setup(self):
        """ Ask APS something harmless, and tell which of the credentials is wrong, if any.

        :return: None
        :raise AccessError: If the user is not a settings administrator.
        """
        self.ensure_one()
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(_("Only administrators can check the credentials."))
        is_passed, result = self._aps_examine_setup()
        self.write({'aps_is_check_passed': is_passed, 'aps_check_result': result})

    #=== BUSINESS METHODS ===#

    def _aps_examine_setup(self):
        """ Return whether the credentials are right, and what is wrong with them.

        :return: Whether all is well, and a sentence for administrators, without secrets.
        :rtype: tuple[bool, str]
        """
        account = self._aps_get_account()
        for value, label in (
            (account.merchant_identifier, _("merchant identifier")),
            (self.sudo().aps_access_code, _("access code")),
            (account.request_phrase, _("SHA request phrase")),
            (account.response_phrase, _("SHA response phrase")),
        ):
            if not value:
                return False, _("The %(field)s is missing.", field=label)
        try:
            answer = self._aps_probe(account.request_phrase, account.sha_type)
        except APSUnreachable:
            return False, _(
                "Amazon Payment Services can't be reached from this server. Check its connection "
                "to the internet and its firewall."
            )
        except APSOutcomeUnknown as error:
            return False, _(
                "Amazon Payment Services gave no readable answer (%(error)s). If this happens "
                "again, select JSON in Integration Settings > Technical Settings of the APS "
                "dashboard.",
                error=error,
            )
        code = (answer.get('response_code') or '')[2:]
        if code == const.MISMATCH_MESSAGE_CODE:
            return False, self._aps_examine_mismatch(account)
        if code != const.NOT_FOUND_MESSAGE_CODE:
            return False, self._aps_explain_refusal(code)
        return self._aps_examine_answer(answer, account)

    def _aps_probe(self, phrase, sha_type):
        """ Ask APS about a payment that doesn't exist.

        :param str phrase: The phrase to sign with.
        :param str sha_type: One of `const.SHA_TYPES`.
        :return: The answer, which is not verified, and may not be signed at all.
        :rtype: dict
        :raise APSUnreachable: If APS can't be reached.
        :raise APSOutcomeUnknown: If the answer can't be read.
        """
        provider_sudo = self.sudo()
        query = {
            'query_command': 'CHECK_STATUS',
            'merchant_reference': f'check-{secrets.token_hex(8)}',
            'access_code': provider_sudo.aps_access_code,
            'merchant_identifier': provider_sudo.aps_merchant_identifier,
            'language': const.DEFAULT_LANGUAGE,
        }
        signature = aps_utils.compute_signature(query, phrase, sha_type)
        response = self._aps_post({**query, 'signature': signature})
        try:
            answer = aps_utils.parse_json_message(response.content)
        except ValueError as error:
            raise APSOutcomeUnknown(f"HTTP status {response.status_code}") from error
        _logger.info("Check of the credentials: %s", aps_utils.describe_message(answer))
        return answer

    def _aps_examine_mismatch(self, account):
        """ Return with which other setting APS accepts the signature of a request.

        At most seven requests are sent.

        :param Account account: The account.
        :return: The sentence.
        :rtype: str
        """
        for phrase, is_swapped in (
            (account.request_phrase, False), (account.response_phrase, True),
        ):
            for sha_type, label in const.SHA_TYPES:
                if not is_swapped and sha_type == account.sha_type:
                    continue
                answer = self._aps_probe(phrase, sha_type)
                if (answer.get('response_code') or '')[2:] == const.MISMATCH_MESSAGE_CODE:
                    continue
                if is_swapped:
                    return _(
                        "The two phrases are exchanged: APS accepts the response phrase for "
                        "requests, with SHA type %(sha_type)s.",
                        sha_type=label,
                    )
                return _(
                    "The SHA type is another one: APS accepts %(sha_type)s. Select it here, or the "
                    "present one in Integration Settings > Security Settings of the APS dashboard.",
                    sha_type=label,
                )
        return _(
            "The SHA request phrase is wrong. Copy it again from Integration Settings > Security "
            "Settings of the APS dashboard."
        )

    def _aps_explain_refusal(self, code):
        """ Return what a refusal says about the credentials.

        :param str code: The message code.
        :return: The sentence.
        :rtype: str
        """
        if code == '009':
            return _(
                "APS doesn't know the merchant identifier. Copy it again from the APS dashboard; "
                "mind that the sandbox and the live account have different ones."
            )
        if code == '010':
            return _(
                "The access code is wrong. Copy it again from Integration Settings > Security "
                "Settings of the APS dashboard."
            )
        if code == '015':
            return _("The merchant account is not active. Ask Amazon Payment Services.")
        meaning = const.MESSAGE_CODES.get(code, "unknown reason")
        return _("APS refused the check: %(meaning)s (%(code)s).", meaning=meaning, code=code)

    def _aps_examine_answer(self, answer, account):
        """ Return whether the answer of APS is signed as it should be.

        :param dict answer: The answer to a request that APS accepted.
        :param Account account: The account.
        :return: Whether all is well, and a sentence.
        :rtype: tuple[bool, str]
        """
        # With the present phrase alone, although the former one may still be accepted.
        if aps_utils.verify_signature(answer, account.response_phrase, account.sha_type):
            return True, _("All is well: Amazon Payment Services and Odoo understand each other.")
        if not isinstance(answer.get('signature'), str):
            return False, _("The answer of APS is not signed, so it can't be believed.")
        finding, detail = find_other_setting(answer, account) or ('', '')
        if finding == 'sha_type':
            return False, _(
                "APS accepts what Odoo sends, but signs its own messages with SHA type "
                "%(sha_type)s.",
                sha_type=detail,
            )
        if finding == 'request_phrase':
            return False, _(
                "APS signs its messages with the request phrase. Copy the response phrase again "
                "from Integration Settings > Security Settings of the APS dashboard."
            )
        return False, _(
            "APS accepts what Odoo sends, but the SHA response phrase is wrong: no message of APS "
            "can be believed. Copy it again from Integration Settings > Security Settings of the "
            "APS dashboard."
        )
