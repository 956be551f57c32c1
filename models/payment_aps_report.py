from odoo import fields, models, tools

# What the web client adds up by default is named differently in 17.0 and later.
AGGREGATOR = 'aggregator' if hasattr(fields.Field, 'aggregator') else 'group_operator'

# How many units of a currency one unit of the company's base rate was worth, as the engine of
# currencies finds it: the latest rate up to the day, else the first one, else 1.
RATE = """
    COALESCE(
        (
            SELECT rate.rate FROM res_currency_rate rate
             WHERE rate.currency_id = {currency}
               AND rate.name <= tx.create_date::date
               AND (rate.company_id IS NULL OR rate.company_id = {company})
          ORDER BY rate.company_id, rate.name DESC LIMIT 1
        ),
        (
            SELECT rate.rate FROM res_currency_rate rate
             WHERE rate.currency_id = {currency}
               AND (rate.company_id IS NULL OR rate.company_id = {company})
          ORDER BY rate.company_id, rate.name LIMIT 1
        ),
        1.0
    )
"""
ROOT_COMPANY = "split_part(company.parent_path, '/', 1)::integer"
VIEW = f"""
    SELECT tx.id AS id,
           tx.id AS transaction_id,
           tx.create_date AS date,
           tx.reference AS reference,
           CASE WHEN tx.operation = 'refund' THEN 'refund'
                WHEN tx.source_transaction_id IS NULL THEN 'payment'
                WHEN tx.aps_operation IN ('VOID_AUTHORIZATION', 'LAPSE') THEN 'void'
                ELSE 'capture'
            END AS kind,
           tx.state AS state,
           tx.aps_reason AS reason,
           tx.provider_id AS provider_id,
           tx.payment_method_id AS payment_method_id,
           tx.company_id AS company_id,
           company.currency_id AS currency_id,
           CASE WHEN tx.currency_id = company.currency_id THEN tx.amount
                ELSE tx.amount
                   * {RATE.format(currency='company.currency_id', company=ROOT_COMPANY)}
                   / {RATE.format(currency='tx.currency_id', company=ROOT_COMPANY)}
            END AS amount,
           CASE WHEN tx.state IN ('authorized', 'done') THEN 100
                WHEN tx.aps_operation IN ('VOID_AUTHORIZATION', 'LAPSE') THEN 100
                WHEN tx.state IN ('cancel', 'error') THEN 0
            END AS success_share
      FROM payment_transaction tx
      JOIN payment_provider provider ON provider.id = tx.provider_id
      JOIN res_company company ON company.id = tx.company_id
     WHERE provider.code = 'aps'
"""


class PaymentAPSReport(models.Model):
    """ Payments, captures and refunds as figures.

    The amounts are in the currency of the company, as those of several currencies can't be added
    up.
    """

    _name = 'payment.aps.report'
    _inherit = ['payment.aps.record']
    _description = "APS Payments Analysis"
    _auto = False
    _order = 'date desc'
    _rec_name = 'reference'

    _aps_list_fields = {
        'date': {},
        'reference': {},
        'kind': {},
        'payment_method_id': {},
        'currency_id': {'column_invisible': 'True'},
        'amount': {},
        'state': {},
        'reason': {},
    }

    transaction_id = fields.Many2one(
        string="Payment Transaction", comodel_name='payment.transaction', readonly=True
    )
    date = fields.Datetime(readonly=True)
    reference = fields.Char(readonly=True)
    kind = fields.Selection(
        selection=lambda self: self._get_labels('aps_kind'), readonly=True
    )
    state = fields.Selection(
        string="Status", selection=lambda self: self._get_labels('state'), readonly=True
    )
    reason = fields.Selection(
        string="APS Reason", selection=lambda self: self._get_labels('aps_reason'), readonly=True
    )
    provider_id = fields.Many2one(comodel_name='payment.provider', readonly=True)
    payment_method_id = fields.Many2one(comodel_name='payment.method', readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    amount = fields.Monetary(readonly=True)
    success_share = fields.Float(
        string="Successful (%)",
        help="The share of the payments with an outcome that were successful.",
        readonly=True,
        digits=(5, 1),
        **{AGGREGATOR: 'avg'},
    )

    def init(self):
        """ Create the view of the database. """
        tools.drop_view_if_exists(self.env.cr, self._table)
        self.env.cr.execute(f"CREATE VIEW {self._table} AS ({VIEW})")  # pylint: disable=sql-injection

    def _get_labels(self, name):
        """ Return the selection of a field of transactions, in the language of the context. """
        return self.env['payment.transaction']._fields[name]._description_selection(self.env)

    def action_aps_open_transaction(self):
        """ Open the transaction.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'payment.transaction',
            'res_id': self.transaction_id.id,
            'views': [(False, 'form')],
        }
