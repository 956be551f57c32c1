import re
from pathlib import Path

from odoo.tests import BaseCase, tagged

from odoo.addons.payment_aps.aps import const
from odoo.addons.payment_aps.models import response_codes

ADDON = Path(__file__).parents[1]
HEADERS = [
    'Name', 'Odoo code', 'APS option', 'Countries', 'Currencies', 'Manual capture', 'Refund',
    'Saving', 'Charging without the shopper',
]


@tagged('post_install', '-at_install')
class TestReadme(BaseCase):

    def test_table_of_payment_methods_says_what_the_addon_does(self):
        """ Test that each option has its row, in the order of the table in the code. """
        self.assertEqual(
            self._read_table('README.md', "## Payment methods", HEADERS),
            [self._describe(option) for option in (const.ANY_CARD, *const.PAYMENT_OPTIONS)],
        )

    def test_table_of_response_codes_says_what_the_addon_says(self):
        """ Test that each code is there, with the advice that the staff reads in Odoo. """
        self.assertEqual(
            self._read_table(
                'docs/troubleshooting.md', "## By response code",
                ['Last three digits', 'What to do'],
            ),
            [
                [
                    ', '.join(
                        f'`{digits}`' for digits, code in response_codes.MESSAGE_CODES.items()
                        if code.family == name
                    ),
                    str(family.advice),
                ]
                for name, family in response_codes.MESSAGE_FAMILIES.items()
            ],
        )

    def test_links_between_the_documents_lead_somewhere(self):
        """ Test that each file that a document links to is there, with the title in question. """
        documents = {
            file.resolve(): file.read_text(encoding='utf-8')
            for file in (*ADDON.glob('*.md'), *ADDON.glob('docs/*.md'))
        }
        self.assertGreater(len(documents), 5)
        for file, text in documents.items():
            for target in re.findall(r'\]\((?!https?:)([^)\s]+)\)', text):
                path, _sign, anchor = target.partition('#')
                linked_file = (file.parent / path).resolve() if path else file
                with self.subTest(document=file.name, target=target):
                    self.assertTrue(linked_file.exists())
                    if anchor:
                        self.assertIn(anchor, self._list_anchors(documents[linked_file]))

    def test_readme_is_short(self):
        """ Test that a newcomer reads it in five minutes. """
        lines = (ADDON / 'README.md').read_text(encoding='utf-8').splitlines()
        self.assertLessEqual(len(lines), 150)

    @staticmethod
    def _list_anchors(text):
        """ Return the anchors of the titles of a document, as they are made of Markdown. """
        return {
            re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-')
            for title in re.findall(r'^#+ (.+)$', text, re.MULTILINE)
        }

    @staticmethod
    def _read_table(file, title, headers):
        """ Return the rows of the table below a title, as lists of cells.

        :param str file: The path of the document in the addon.
        :param str title: The title, with its marks.
        :param list[str] headers: What the columns must be called.
        :return: The rows.
        :rtype: list[list[str]]
        """
        text = (ADDON / file).read_text(encoding='utf-8')
        section = text.partition(f'\n{title}\n')[2].partition('\n## ')[0].partition('\n### ')[0]
        header, _ruler, *rows = (
            [cell.strip() for cell in line.strip('|').split('|')]
            for line in section.splitlines() if line.startswith('|')
        )
        assert header == headers, header
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
