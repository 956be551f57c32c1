from pathlib import Path

from odoo.tests import BaseCase, tagged

from odoo.addons.payment_aps import const

README = Path(__file__).parents[1] / 'README.md'
HEADERS = [
    'Name', 'Odoo code', 'APS option', 'Countries', 'Currencies', 'Manual capture', 'Refund',
    'Saving', 'Charging without the shopper',
]


@tagged('post_install', '-at_install')
class TestReadme(BaseCase):

    def test_table_of_payment_methods_says_what_the_addon_does(self):
        """ Test that each option has its row, in the order of the table in the code. """
        self.assertEqual(
            self._read_table(),
            [self._describe(option) for option in (const.ANY_CARD, *const.PAYMENT_OPTIONS)],
        )

    @staticmethod
    def _read_table():
        """ Return the rows of the table below "Payment methods", as lists of cells. """
        text = README.read_text(encoding='utf-8')
        section = text.partition('\n## Payment methods\n')[2].partition('\n## ')[0]
        header, _ruler, *rows = (
            [cell.strip() for cell in line.strip('|').split('|')]
            for line in section.splitlines() if line.startswith('|')
        )
        assert header == HEADERS, header
        return rows

    @staticmethod
    def _describe(option):
        """ Return the row of an option.

        :param const.PaymentOption option: The option.
        :return: The cells.
        :rtype: list[str]
        """
        words = {True: 'yes', False: 'no', 'partial': 'partial', 'full_only': 'full only'}
        return [
            option.name,
            f'`{option.method}`',
            ', '.join(f'`{name}={value}`' for name, value in option.request.items()) or 'none',
            ', '.join(option.countries) or 'all',
            ', '.join(option.currencies) or 'all',
            *(words[value] for value in (
                option.authorization, option.refund, option.tokenization, option.recurring,
            )),
        ]
