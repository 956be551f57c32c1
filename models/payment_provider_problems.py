from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.payment_aps.aps.message import Answer
from odoo.addons.payment_aps.models import response_codes
from odoo.addons.payment_aps.models.payment_aps_problem import READING_GROUPS
from odoo.addons.payment_aps.models.payment_aps_problem_actions import CREDENTIAL_CODES


class PaymentProvider(models.Model):
    """ Who is told of the problems of an account, and what its requests tell of problems. """

    _inherit = 'payment.provider'

    aps_responsible_id = fields.Many2one(
        string="In Charge of Problems",
        help="Who gets an activity when something is wrong with payments. By default, who enabled "
             "the provider; without anybody, the first administrator of the company.",
        comodel_name='res.users',
        domain=[('share', '=', False)],
        copy=False,
        groups='base.group_system',
    )
    aps_problem_count = fields.Integer(
        string="APS Problems", compute='_compute_aps_problem_count', groups='base.group_system'
    )

    #=== COMPUTE METHODS ===#

    def _compute_aps_problem_count(self):
        counts = dict(self.env['payment.aps.problem']._read_group(
            [('provider_id', 'in', self.ids), ('state', '=', 'open')], ['provider_id'], ['__count']
        ))
        for provider in self:
            provider.aps_problem_count = counts.get(provider._origin, 0)

    #=== CONSTRAINT METHODS ===#

    @api.constrains('aps_responsible_id', 'company_id')
    def _check_aps_responsible(self):
        """ Check that who is told of problems can read them.

        :raise ValidationError: If not.
        """
        for provider in self:
            user = provider.sudo().aps_responsible_id
            if user and not provider._aps_is_readable_by(user):
                raise ValidationError("APS: " + _(
                    "%(user)s can't read the problems of this payment provider. Choose somebody of "
                    "its company who may read accounting or change the settings.",
                    user=user.name,
                ))

    #=== ACTION METHODS ===#

    def action_aps_view_problems(self):
        """ Open the problems of the provider that are open.

        :return: The action.
        :rtype: dict
        :raise AccessError: If the user is not a settings administrator.
        """
        self.ensure_one()
        self._aps_ensure_administrator()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'payment_aps.action_payment_aps_problem'
        )
        return {**action, 'domain': [('provider_id', '=', self.id)]}

    #=== BUSINESS METHODS - WHO IS TOLD ===#

    def _aps_get_responsible(self):
        """ Return who is told of problems.

        :return: Who is in charge, or else the first settings administrator of the company, if any.
        :rtype: recordset of `res.users`
        """
        user = self.sudo().aps_responsible_id
        if user.active and self._aps_is_readable_by(user):
            return user
        users_sudo = self.env['res.users'].sudo().search([
            ('share', '=', False), ('company_ids', 'in', self.company_id.ids),
        ], order='id')
        administrators = (one for one in users_sudo if one.has_group('base.group_system'))
        return next(administrators, users_sudo.browse())

    def _aps_is_readable_by(self, user):
        """ Return whether a user can read the problems of the provider.

        :param recordset user: The user.
        :return: Whether they can.
        :rtype: bool
        """
        return (
            not user.share
            and self.company_id in user.sudo().company_ids
            and any(user.has_group(group) for group in READING_GROUPS)
        )

    def _aps_take_charge(self):
        """ Have who enables the provider told of its problems, unless somebody is already. """
        user = self.env.user
        for provider_sudo in self.sudo():
            is_person = user.active and not user._is_superuser()
            if not provider_sudo.aps_responsible_id and is_person and (
                provider_sudo._aps_is_readable_by(user)
            ):
                provider_sudo.aps_responsible_id = user

    #=== BUSINESS METHODS - EVENTS ===#

    def _aps_note_answer(self, answer):
        """ Note if an answer says that the credentials don't fit, whatever becomes of the request.

        :param dict answer: The answer, whose signature was verified.
        :return: None
        """
        answer = Answer(answer)
        if answer.message_code in CREDENTIAL_CODES:
            self = self._aps_with_company_lang()
            meaning = str(response_codes.find_message_code(answer.response_code).meaning)
            self.env['payment.aps.problem']._aps_note_apart(
                'credentials', self, detail=f'{meaning} ({answer.response_code})'
            )

    def _aps_note_wrong_signature(self):
        """ Note that a message of APS is wrongly signed, but for what is otherwise ours. """
        self = self._aps_with_company_lang()
        self.env['payment.aps.problem']._aps_note_apart(
            'credentials', self, detail=_("A message has a wrong signature.")
        )

    def _aps_with_company_lang(self):
        """ Return the provider in the language of its company; what is stored is for its staff. """
        installed = dict(self.env['res.lang'].get_installed())
        lang = self.sudo().company_id.partner_id.lang
        return self.with_context(lang=lang if lang in installed else 'en_US')

    #=== BUSINESS METHODS - CRON ===#

    @api.model
    def _aps_setup_watch(self):
        """ Have the watch run for ever: in 17.0, a job ends after one run. """
        cron = self.env.ref('payment_aps.ir_cron_aps_watch')
        if 'numbercall' in cron._fields:
            cron.numbercall = -1
