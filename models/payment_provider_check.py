import logging
import secrets

from odoo import _, api, fields, models

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.diagnosis import (
    MIN_PHRASE_LENGTH,
    SHA_128,
    apply_remedy,
    find_remedy,
    find_signer,
    find_weaknesses,
    find_wrong_settings,
    list_candidates,
)
from odoo.addons.payment_aps.aps.errors import APSError, APSNotConfirmed, APSUnreachable
from odoo.addons.payment_aps.aps.masking import describe_message, shorten
from odoo.addons.payment_aps.aps.message import Answer, parse_json_message
from odoo.addons.payment_aps.models import response_codes
from odoo.addons.payment_aps.models.payment_provider import (
    CHECKED_FIELDS,
    CREDENTIAL_FIELDS,
    KEY_ATTRIBUTES,
)

_logger = logging.getLogger(__name__)

# How long to wait for each of the answers, in seconds, as an administrator waits for all of them.
# There are eleven at most: as configured, nine with other signatures, one of the other environment.
READ_TIMEOUT = 10


# What is known of the last check.
RESULT_FIELDS = ('aps_check_result', 'aps_check_date', 'aps_check_problem')
# What a check that didn't pass leaves to do; a SHA type is the one that APS takes.
PROBLEMS = [
    ('unreachable', "APS could not be asked"),
    ('swapped', "The phrases are swapped"),
    ('mistake', "Something is wrong"),
    *const.SHA_TYPES,
]


class CheckStopped(Exception):
    """ The check can't go on. The text is meant for administrators. """

    problem = 'mistake'


class CheckUnanswered(CheckStopped):
    """ APS could not be asked, which says nothing about the credentials. """

    problem = 'unreachable'


class PaymentProvider(models.Model):
    """ A check of the credentials, which names the one that is wrong. """

    _inherit = 'payment.provider'

    aps_check_result = fields.Text(
        string="Check of the Credentials", readonly=True, copy=False, groups='base.group_system'
    )
    # That of the last check that was passed; none once a mistake was found.
    aps_check_date = fields.Datetime(
        string="Checked Successfully On", readonly=True, copy=False, groups='base.group_system'
    )
    aps_check_problem = fields.Selection(
        string="Problem of the Check",
        selection=PROBLEMS,
        readonly=True,
        copy=False,
        groups='base.group_system',
    )

    #=== ONCHANGE METHODS ===#

    @api.onchange(*CHECKED_FIELDS)
    def _onchange_aps_checked_fields(self):
        """ Show no result of a check beside other credentials, or another state, than its own. """
        is_edited = self._aps_is_edited()
        for name in RESULT_FIELDS:
            self[name] = not is_edited and self._origin[name]

    #=== ACTION METHODS ===#

    def action_aps_check_setup(self):
        """ Ask APS something harmless, and tell which of the credentials is wrong, if any.

        :return: None
        :raise AccessError: If the user is not a settings administrator.
        """
        self.ensure_one()
        self._aps_ensure_administrator()
        self.write(self._aps_check(self._aps_get_account()))

    def action_aps_swap_phrases(self):
        """ Exchange the two phrases, which the check found to be swapped, and check them again.

        :return: None
        :raise AccessError: If the user is not a settings administrator.
        """
        self._aps_ensure_administrator()
        if self.aps_check_problem == 'swapped':
            self._aps_put_right()
        self.action_aps_check_setup()

    def action_aps_use_sha_type(self):
        """ Select the SHA type that the check found APS to take, and check it.

        :return: None
        :raise AccessError: If the user is not a settings administrator.
        """
        self._aps_ensure_administrator()
        if self.aps_check_problem in dict(const.SHA_TYPES):
            self._aps_put_right()
        self.action_aps_check_setup()

    #=== BUSINESS METHODS - RESULT ===#

    @api.model
    def _aps_check(self, account):
        """ Ask APS something harmless, and return what that says of an account.

        Nothing is written, so the account may be one that no provider has yet.

        :param Account account: The account.
        :return: The values of `RESULT_FIELDS`. That of the last check that was passed still holds,
                 and so isn't among them, if APS gave no answer.
        :rtype: dict
        """
        findings, problem = self._aps_examine_setup(account)
        values = {
            'aps_check_problem': problem,
            'aps_check_result': '\n'.join(findings or [
                self._aps_get_success_message(account), *self._aps_get_phrase_warnings(account)
            ]),
        }
        if problem != 'unreachable':
            values['aps_check_date'] = not problem and fields.Datetime.now()
        return values

    def _aps_put_right(self):
        """ Put right what the check found, if nothing has to be typed for it. """
        account = apply_remedy(self._aps_get_account(), self.aps_check_problem)
        self.write(self._aps_get_key_values(account))

    def _aps_is_edited(self):
        """ Return whether the form shows other credentials, or another state, than is stored. """
        return any(self[name] != self._origin[name] for name in CHECKED_FIELDS)

    @api.model
    def _aps_forget_check(self, values):
        """ Return the values without the result of a check of other credentials.

        :param dict values: The values to write.
        :return: The values, which forget the result if it depends on them, unless they bring that
                 of their own along.
        :rtype: dict
        """
        if not any(name in values for name in CHECKED_FIELDS):
            return values
        return {**dict.fromkeys(RESULT_FIELDS, False), **values}

    #=== BUSINESS METHODS - FINDINGS ===#

    @api.model
    def _aps_examine_setup(self, account):
        """ Return what is wrong with the credentials of an account.

        :param Account account: The account.
        :return: The sentences for administrators, without secrets, none if all is well; and the
                 problem, one of `PROBLEMS`, if there is one.
        :rtype: tuple[list[str], str | bool]
        """
        missing_labels = self._aps_get_missing_labels(account)
        if missing_labels:
            return [_("Missing here: %(fields)s.", fields=', '.join(missing_labels))], 'mistake'
        findings = self._aps_find_hidden_characters(account)
        try:
            sentences, problem = self._aps_examine_account(account)
        except CheckStopped as error:
            return [*findings, str(error)], 'mistake' if findings else error.problem
        return findings + sentences, 'mistake' if findings else problem

    @api.model
    def _aps_get_missing_labels(self, account):
        """ Return the labels of the credentials that are not filled in. """
        return [
            label for name, label in self._aps_get_labels().items()
            if not getattr(account, KEY_ATTRIBUTES[name])
        ]

    @api.model
    def _aps_get_labels(self):
        """ Return the labels of the credentials, by name of the field. """
        return {
            name: self._fields[name].get_description(self.env)['string']
            for name in CREDENTIAL_FIELDS
        }

    @api.model
    def _aps_find_hidden_characters(self, account):
        """ Return which credentials hold white space or characters that can't be seen.

        White space around them is removed when they are entered here, but not by Odoo's own module.

        :param Account account: The account.
        :return: The sentences.
        :rtype: list[str]
        """
        findings = []
        for name, label in self._aps_get_labels().items():
            value = getattr(account, KEY_ATTRIBUTES[name]) or ''
            if value != value.strip():
                findings.append(_(
                    "%(field)s begins or ends with white space. Type it anew.", field=label
                ))
            elif not value.isprintable():
                findings.append(_(
                    "%(field)s holds a character that can't be seen, perhaps copied along. Type "
                    "it anew.",
                    field=label,
                ))
        return findings

    @api.model
    def _aps_get_phrase_warnings(self, account):
        """ Return what is weak about the phrases, although APS takes them.

        :param Account account: The account.
        :return: The sentences, for administrators.
        :rtype: list[str]
        """
        labels = self._aps_get_labels()
        weaknesses = find_weaknesses(account.request_phrase or '', account.response_phrase or '')
        warnings = []
        if 'equal' in weaknesses:
            warnings.append(_(
                "The two SHA phrases are the same. Set two different ones in Integration Settings "
                "> Security Settings of the APS dashboard, and here."
            ))
        for weakness, name in (
            ('short_request', 'aps_sha_request'), ('short_response', 'aps_sha_response')
        ):
            if weakness in weaknesses:
                warnings.append(_(
                    "%(field)s has less than %(length)s characters, so it could be guessed. Set a "
                    "longer one in Integration Settings > Security Settings of the APS dashboard, "
                    "and here.",
                    field=labels[name], length=MIN_PHRASE_LENGTH,
                ))
        return warnings

    @api.model
    def _aps_examine_account(self, account):
        """ Return what APS's answer to a harmless request says about the credentials.

        :param Account account: The account, as configured.
        :return: The sentences, and the problem; see `_aps_examine_setup`.
        :rtype: tuple[list[str], str | bool]
        :raise CheckStopped: If APS gives no readable answer.
        """
        accepted, accepted_account, answer = self._aps_find_accepted(account)
        signer, is_signed = find_signer(answer, account), isinstance(answer.get('signature'), str)
        flaws = find_wrong_settings(account, accepted, signer, is_signed)
        findings = [self._aps_explain_flaw(account, *flaw) for flaw in flaws]
        code = Answer(answer).message_code
        if code == const.UNKNOWN_MERCHANT_MESSAGE_CODE:
            findings.append(self._aps_explain_unknown_merchant(accepted_account))
        elif code not in (const.MISMATCH_MESSAGE_CODE, const.NOT_FOUND_MESSAGE_CODE):
            findings.append(self._aps_explain_refusal(code))
        elif code == const.NOT_FOUND_MESSAGE_CODE and not is_signed:
            findings.append(_("The answer of APS is not signed, so it can't be believed."))
        return findings, find_remedy(flaws) or (bool(findings) and 'mistake')

    @api.model
    def _aps_find_accepted(self, account):
        """ Find the setting with which APS accepts the signature of a request.

        :param Account account: The account, as configured.
        :return: What APS takes for the request phrase, and the SHA type (see `list_candidates`),
                 `None` if it takes nothing; the account with them; and the answer to its request.
        :rtype: tuple[tuple | None, Account, dict]
        :raise CheckStopped: If APS gives no readable answer.
        """
        answer = self._aps_probe(account)
        if Answer(answer).message_code != const.MISMATCH_MESSAGE_CODE:
            return ('request', account.sha_type), account, answer
        if SHA_128 in (find_signer(answer, account) or ()):
            return None, account, answer
        for kind, candidate in list_candidates(account):
            other_answer = self._aps_probe(candidate)
            if Answer(other_answer).message_code != const.MISMATCH_MESSAGE_CODE:
                return (kind, candidate.sha_type), candidate, other_answer
        return None, account, answer

    #=== BUSINESS METHODS - EXPLANATIONS ===#

    @api.model
    def _aps_get_success_message(self, account):
        """ Return that all is well, and with which environment. """
        if account.environment == 'enabled':
            return _("All is well: the live account and Odoo understand each other.")
        return _("All is well: the sandbox account and Odoo understand each other.")

    @api.model
    def _aps_explain_flaw(self, account, flaw, sha_type):
        """ Return what to do about a wrong phrase or SHA type.

        :param Account account: The account, as configured.
        :param str flaw: What is wrong; see `find_wrong_settings`.
        :param str sha_type: The SHA type that it is about, if any.
        :return: The sentence.
        :rtype: str
        """
        label = dict(const.SHA_TYPES).get(sha_type)
        return {
            'request': _(
                "The SHA request phrase is wrong. Copy it again from Integration Settings > "
                "Security Settings of the APS dashboard."
            ),
            'request_double': _(
                "The SHA request phrase is wrong: the SHA response phrase is filled in twice. Copy "
                "it again from Integration Settings > Security Settings of the APS dashboard."
            ),
            'request_space': _(
                "The SHA request phrase begins or ends with white space in the APS dashboard. Type "
                "it anew there, in Integration Settings > Security Settings."
            ),
            'swapped': _(
                "The two phrases are swapped: APS accepts the response phrase for requests. "
                "Exchange them here."
            ) if sha_type == account.sha_type else _(
                "The two phrases are swapped: APS accepts the response phrase for requests, with "
                "SHA type %(sha_type)s. Exchange them here, and select this SHA type.",
                sha_type=label,
            ),
            'sha_type': _(
                "The SHA type is another one: APS accepts %(sha_type)s. Select it here, or the "
                "present one in Integration Settings > Security Settings of the APS dashboard.",
                sha_type=label,
            ),
            'sha_128': _(
                "SHA-128 is selected in the APS dashboard, which is not safe any more. Select "
                "SHA-256 in Integration Settings > Security Settings, and here."
            ),
            'double_at_aps': _(
                "The APS dashboard has the same phrase for requests and responses. Set two "
                "different ones there, in Integration Settings > Security Settings, and enter both "
                "here."
            ),
            'response': _(
                "The SHA response phrase is wrong: no message of APS can be believed. It was "
                "changed in the APS dashboard, or you mistyped it here. Copy it again from "
                "Integration Settings > Security Settings of the APS dashboard."
            ),
            'response_double': _(
                "The SHA response phrase is wrong: the SHA request phrase is filled in twice. Copy "
                "it again from Integration Settings > Security Settings of the APS dashboard."
            ),
            'response_space': _(
                "The SHA response phrase begins or ends with white space in the APS dashboard. "
                "Type it anew there, in Integration Settings > Security Settings."
            ),
            'response_sha_type': _(
                "APS signs its messages with SHA type %(sha_type)s. Select it here, or the present "
                "one in Integration Settings > Security Settings of the APS dashboard.",
                sha_type=label,
            ),
            'response_is_request': _(
                "APS signs its messages with the phrase that is the SHA request phrase here. Copy "
                "both phrases again from Integration Settings > Security Settings of the APS "
                "dashboard."
            ),
        }[flaw]

    @api.model
    def _aps_explain_unknown_merchant(self, account):
        """ Return why APS doesn't know the merchant: perhaps it is one of the other environment.

        :param Account account: The account.
        :return: The sentence.
        :rtype: str
        """
        other_environment = 'test' if account.environment == 'enabled' else 'enabled'
        try:
            answer = self._aps_probe(account, other_environment)
            is_known = Answer(answer).message_code != const.UNKNOWN_MERCHANT_MESSAGE_CODE
        except CheckStopped:
            is_known = False
        if is_known and other_environment == 'test':
            return _(
                "These are the credentials of a sandbox account. Enter those of the live account, "
                "or set the state to Test Mode."
            )
        if is_known:
            return _(
                "These are the credentials of a live account. Enter those of the sandbox account, "
                "or set the state to Enabled."
            )
        return _(
            "APS doesn't know the merchant identifier. Copy it again from Integration Settings > "
            "Security Settings of the APS dashboard; mind that the sandbox and the live account "
            "have different ones."
        )

    @api.model
    def _aps_explain_refusal(self, code):
        """ Return what a refusal says about the credentials.

        :param str code: The message code.
        :return: The sentence.
        :rtype: str
        """
        if code == const.ACCESS_CODE_MESSAGE_CODE:
            return _(
                "The access code is wrong. Copy it again from Integration Settings > Security "
                "Settings of the APS dashboard."
            )
        if code == const.INACTIVE_ACCOUNT_MESSAGE_CODE:
            return _("The merchant account is not active. Ask Amazon Payment Services.")
        if code == const.NO_JSON_MESSAGE_CODE:
            return _(
                "APS doesn't accept JSON. Select it in Integration Settings > Technical Settings "
                "of the APS dashboard."
            )
        row = response_codes.CODES.get(code, response_codes.CODES['unknown'])
        return _(
            "APS refused the check: %(meaning)s (%(code)s). %(advice)s",
            meaning=str(row.meaning),
            code=shorten(code or '-', 8),
            advice=str(response_codes.MESSAGE_FAMILIES[row.family].advice),
        )

    #=== BUSINESS METHODS - REQUESTS ===#

    @api.model
    def _aps_probe(self, account, environment=None):
        """ Ask APS about a payment that doesn't exist.

        :param Account account: What to sign with.
        :param str|None environment: `enabled` or `test`, if not that of the account.
        :return: The answer, which is not verified, and may not be signed at all.
        :rtype: dict
        :raise CheckUnanswered: If APS can't be reached.
        :raise CheckStopped: If APS gives no readable answer.
        """
        environment = environment or account.environment
        query = {
            'query_command': 'CHECK_STATUS',
            'merchant_reference': f'check-{secrets.token_hex(8)}',
            **account.identity,
            'language': const.DEFAULT_LANGUAGE,
        }
        try:
            response = self._aps_post(account.sign(query), READ_TIMEOUT, environment)
        except APSNotConfirmed as error:
            raise CheckStopped(str(error)) from error
        except APSUnreachable as error:
            raise CheckUnanswered(_(
                "%(host)s can't be reached from this server (%(error)s). Check its connection to "
                "the internet and its firewall.",
                host=self._aps_get_host('api', environment), error=error,
            )) from error
        except APSError as error:
            raise CheckUnanswered(_(
                "%(host)s gave no answer (%(error)s). Try again later.",
                host=self._aps_get_host('api', environment), error=error,
            )) from error
        answer = self._aps_parse_probe(response)
        _logger.info("Check of the credentials: %s", describe_message(answer))
        return answer

    @api.model
    def _aps_parse_probe(self, response):
        """ Return the fields of an answer.

        :param requests.Response response: The response.
        :return: The fields, not verified.
        :rtype: dict
        :raise CheckStopped: If it is not an answer of the payment API in JSON.
        """
        if response.status_code != 200:
            raise CheckUnanswered(_(
                "Amazon Payment Services gave no usable answer (HTTP status %(status)s). Try again "
                "later; if this happens again, look at the proxy between this server and APS.",
                status=response.status_code,
            ))
        try:
            return parse_json_message(response.content)
        except ValueError as error:
            if response.content.lstrip().startswith(b'<'):
                raise CheckStopped(_(
                    "Amazon Payment Services answers in XML. Select JSON in Integration Settings > "
                    "Technical Settings of the APS dashboard."
                )) from error
            raise CheckStopped(_(
                "The answer of Amazon Payment Services can't be read. Select JSON in Integration "
                "Settings > Technical Settings of the APS dashboard, or try again later."
            )) from error
