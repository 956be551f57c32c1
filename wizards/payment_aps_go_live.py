import dataclasses
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.aps.diagnosis import apply_remedy
from odoo.addons.payment_aps.models.payment_provider import KEY_ATTRIBUTES
from odoo.addons.payment_aps.models.payment_provider_check import PROBLEMS

# How long what was entered is kept if no button is run.
WINDOW_TIME = timedelta(minutes=6)


class PaymentAPSGoLive(models.TransientModel):
    """ The way from the sandbox account to the live one.

    The provider goes on taking test payments with its own credentials until those of the live
    account are written to it, at once with its state. Up to then they are in the browser of who
    enters them: Odoo stores a window before it runs one of its buttons, so each button begins by
    deleting the row, and what it returns opens a new window with what was entered. A row that no
    button deletes, as a browser stores it while it is closed, is deleted a few minutes later.
    """

    _name = 'payment.aps.go.live'
    _description = "APS Go Live"
    _transient_max_hours = WINDOW_TIME / timedelta(hours=1)

    provider_id = fields.Many2one(
        comodel_name='payment.provider', required=True, readonly=True, ondelete='cascade'
    )
    aps_merchant_identifier = fields.Char(string="Merchant Identifier")
    aps_access_code = fields.Char(string="Access Code")
    aps_sha_type = fields.Selection(
        string="SHA Type",
        selection=const.SHA_TYPES,
        default=const.DEFAULT_SHA_TYPE,
        required=True,
    )
    aps_sha_request = fields.Char(string="SHA Request Phrase")
    aps_sha_response = fields.Char(string="SHA Response Phrase")
    aps_check_result = fields.Text(string="Check of the Credentials", readonly=True)
    aps_check_problem = fields.Selection(
        string="Problem of the Check", selection=PROBLEMS, readonly=True
    )
    aps_address_warning = fields.Text(compute='_compute_aps_address_warning')

    #=== CRUD METHODS ===#

    @api.model_create_multi
    def create(self, values_list):
        """ Override of the ORM to have what is stored deleted soon, whatever the browser does. """
        windows = super().create(values_list)
        cron = self.env.ref('base.autovacuum_job', raise_if_not_found=False)
        if cron:  # Else Odoo deletes it some day.
            cron.sudo()._trigger(fields.Datetime.now() + WINDOW_TIME + timedelta(minutes=1))
        return windows

    #=== COMPUTE METHODS ===#

    @api.depends('provider_id')
    def _compute_aps_address_warning(self):
        for wizard in self:
            wizard.aps_address_warning = '\n'.join(wizard.provider_id._aps_get_address_warnings())

    #=== ONCHANGE METHODS ===#

    @api.onchange(*KEY_ATTRIBUTES)
    def _onchange_keys(self):
        """ Show no result of a check beside other credentials than those that were checked. """
        if any(self[name] != self.env.context.get(f'default_{name}') for name in KEY_ATTRIBUTES):
            self.aps_check_result = self.aps_check_problem = False

    #=== ACTION METHODS ===#

    def action_check(self):
        """ Ask the live account whether the credentials are right.

        :return: The action that shows the result.
        :rtype: dict
        """
        provider, account = self.provider_id, self._aps_take_account()
        return self._aps_show(provider, account, provider._aps_check(account))

    def action_put_right(self):
        """ Put right what the check knows the remedy of, and check again.

        :return: The action that shows the result.
        :rtype: dict
        """
        provider, remedy = self.provider_id, self.aps_check_problem
        account = apply_remedy(self._aps_take_account(), remedy)
        return self._aps_show(provider, account, provider._aps_check(account))

    def action_go_live(self):
        """ Take live payments from now on, unless the check finds anything.

        :return: The action that closes the dialog, or shows what was found.
        :rtype: dict
        """
        return self._aps_go_live(accepted_problems=(False,))

    def action_go_live_all_the_same(self):
        """ Take live payments from now on, also if APS can't be asked.

        :return: The action that closes the dialog, or shows which credential is wrong.
        :rtype: dict
        """
        return self._aps_go_live(accepted_problems=(False, 'unreachable'))

    #=== BUSINESS METHODS ===#

    @api.model
    def _aps_open(self, **context):
        """ Return the action that opens the window.

        :param context: The defaults of its fields.
        :return: The action.
        :rtype: dict
        """
        return {
            'type': 'ir.actions.act_window',
            'name': _("Go Live"),
            'res_model': self._name,
            'views': [(False, 'form')],
            'target': 'new',
            'context': context,
        }

    def _aps_take_account(self):
        """ Return the live account that was entered, and forget it.

        :return: The account.
        :rtype: Account
        :raise AccessError: If the user may not change the provider.
        :raise UserError: If the provider is not in test mode any more.
        """
        self.ensure_one()
        provider = self.provider_id
        provider._aps_ensure_administrator()
        if provider.state != 'test':
            raise UserError(_(
                "The payment provider is not in test mode any more. Close this window."
            ))
        values = provider._aps_strip_credentials({name: self[name] for name in KEY_ATTRIBUTES})
        self.sudo().unlink()
        return dataclasses.replace(provider._aps_get_account(), environment='enabled', **{
            attribute: values[name] for name, attribute in KEY_ATTRIBUTES.items()
        })

    @api.model
    def _aps_show(self, provider, account, result):
        """ Return the action that shows what a check found, beside what was entered.

        :param recordset provider: The provider.
        :param Account account: The account that was checked.
        :param dict result: What the check found; see `_aps_check` of the provider.
        :return: The action.
        :rtype: dict
        """
        return self._aps_open(
            default_provider_id=provider.id,
            default_aps_check_result=result['aps_check_result'],
            default_aps_check_problem=result['aps_check_problem'],
            **{
                f'default_{name}': value
                for name, value in provider._aps_get_key_values(account).items()
            },
        )

    def _aps_go_live(self, accepted_problems):
        """ Write account and state at once, and the result of the check with them.

        :param tuple accepted_problems: The problems of the check that don't stop it.
        :return: The action that closes the dialog, or shows what was found.
        :rtype: dict
        """
        provider, account = self.provider_id, self._aps_take_account()
        result = provider._aps_check(account)
        if result['aps_check_problem'] not in accepted_problems:
            return self._aps_show(provider, account, result)
        provider.write({
            **provider._aps_get_key_values(account),
            **result,
            'state': account.environment,
            'is_published': True,
        })
        return {'type': 'ir.actions.act_window_close'}
