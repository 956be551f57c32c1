""" An accountant who reconciles a settlement file, as docs/operating.md tells it. """

import base64
import time
from pathlib import Path

FILE = Path(__file__).with_suffix('.csv')
VAT = 5  # Percent.


class Accountant:
    """ An accountant with OCA's modules. """

    def __init__(self, merchant):
        """ :param Merchant merchant: The merchant whose shop has the modules. """
        self.rpc = merchant.rpc
        self._show_accounting()
        self.company_id = self.rpc.call('res.company', 'search', [], limit=1)[0]
        self.journal_id = self.rpc.call('account.journal', 'create', {
            'name': "APS", 'type': 'bank', 'code': 'APS',
        })
        self.rpc.call('payment.provider', 'write', [merchant.provider_id], {
            'journal_id': self.journal_id, 'aps_send_settlement_reference': True,
        })
        self.fee_id = self._create_account("Bank Charges", '650900', 'expense')
        self.tax_id = self._create_account("VAT on Bank Charges", '150900', 'asset_current')
        [company] = self.rpc.call(
            'res.company', 'read', [self.company_id], ['transfer_account_id']
        )
        self.transfer_id = company['transfer_account_id'][0]
        self._create_models()
        self.mappings = self._create_mappings()

    def _show_accounting(self):
        """ Give the accountant the right *Show Full Accounting Features*. """
        self.rpc.call('res.users', 'write', [self.rpc.uid], {
            'groups_id': [(4, self.rpc.ref('account.group_account_user'))],
        })

    def _create_account(self, name, code, kind):
        """ Create an account, and return its id. """
        return self.rpc.call('account.account', 'create', {
            'name': name, 'code': code, 'account_type': kind,
        })

    def _create_models(self):
        """ Create the rules by which rows are recognized. """
        fee_share = 100 / (1 + VAT / 100)
        for sequence, values in enumerate((
            {
                'name': "APS: payouts", 'rule_type': 'writeoff_suggestion',
                'match_label': 'contains', 'match_label_param': 'PAYOUT',
                'line_ids': [self._prepare_share(self.transfer_id, "Payout", '100')],
            },
            {
                'name': "APS: charges", 'rule_type': 'writeoff_suggestion',
                'match_label': 'match_regex', 'match_label_param': '-?[0-9]',
                'line_ids': [
                    self._prepare_share(self.fee_id, "Fee", f'{fee_share:.6f}'),
                    self._prepare_share(self.tax_id, "VAT", '100'),
                ],
            },
            {
                'name': "APS: payments by their reference", 'rule_type': 'invoice_matching',
                'match_label': 'match_regex', 'match_label_param': '.*([^ ]*[0-9]){4}',
                'match_text_location_label': False, 'match_text_location_reference': True,
            },
        ), start=1):
            self.rpc.call('account.reconcile.model', 'create', {
                'sequence': sequence, 'auto_reconcile': True,
                'match_journal_ids': [(6, 0, [self.journal_id])], **values,
            })

    @staticmethod
    def _prepare_share(account_id, label, percentage):
        """ Return the line of a rule that takes a share of what is left. """
        return (0, 0, {
            'account_id': account_id, 'label': label, 'amount_type': 'percentage',
            'amount_string': percentage,
        })

    def _create_mappings(self):
        """ Create what the columns of the file are: once for what was paid, once for what it costs.

        :return: The ids by name.
        :rtype: dict
        """
        common = {
            'timestamp_format': '%Y-%m-%d', 'timestamp_column': 'Date',
            'float_thousands_sep': 'comma', 'float_decimal_sep': 'dot',
            'header_lines_skip_count': 2,
        }
        return {values['name']: self.rpc.call(
            'account.statement.import.sheet.mapping', 'create', {**common, **values}
        ) for values in (
            {
                'name': "APS: gross", 'amount_column': 'Gross',
                'description_column': 'Type,Settlement reference',
                'reference_column': 'Settlement reference',
                'transaction_id_column': 'Type,Settlement reference,Gross',
            },
            {
                'name': "APS: charges", 'amount_column': 'Charges', 'amount_inverse_sign': True,
                'description_column': 'Fee,VAT,Settlement reference',
                'transaction_id_column': 'Charges,Type,Settlement reference',
            },
        )}

    def import_file(self, mapping, **references):
        """ Import the file by one of the mappings.

        :param str mapping: The name of the mapping.
        :param str references: The references of the payments by their names in the file.
        :return: None
        """
        content = FILE.read_text().format(date=time.strftime('%Y-%m-%d'), **references)
        context = {'journal_id': self.journal_id}
        wizard_id = self.rpc.call('account.statement.import', 'create', {
            'statement_file': base64.b64encode(content.encode()).decode(),
            'statement_filename': 'settlement.csv', 'sheet_mapping_id': self.mappings[mapping],
        }, context=context)
        self.rpc.call(
            'account.statement.import', 'import_file_button', [wizard_id], context=context
        )

    def read_rows(self, is_reconciled):
        """ Return the labels of what was imported, by whether it is reconciled. """
        return [row['payment_ref'].strip() for row in self.rpc.search_read(
            'account.bank.statement.line', [
                ('journal_id', '=', self.journal_id), ('is_reconciled', '=', is_reconciled),
            ], ['payment_ref'], order='id',
        )]

    def read_booked(self, account_id):
        """ Return what was booked on an account, in the order of the file. """
        return [row['balance'] for row in self.rpc.search_read(
            'account.move.line', [
                ('account_id', '=', account_id), ('journal_id', '=', self.journal_id),
                ('parent_state', '=', 'posted'),
            ], ['balance'], order='id',
        )]

    def read_matched(self, reference):
        """ Return the payments of a transaction, and whether the acquirer has settled them.

        :param str reference: The reference of the transaction.
        :return: The amount of each, and whether it is matched.
        :rtype: list[tuple[float, bool]]
        """
        return [(row['amount'], row['is_matched']) for row in self.rpc.search_read(
            'account.payment', [('payment_transaction_id.reference', '=', reference)],
            ['amount', 'is_matched'],
        )]
