import ast
import re
from pathlib import Path

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import TranslationModuleReader

ADDON = Path(__file__).parents[1]
TEMPLATE = ADDON / 'i18n' / 'payment_aps.pot'
PLACEHOLDER = re.compile(r'%\(\w+\)[a-z]|%[a-z%]')
# What must read the same in all languages: the menus of the APS dashboard and technical names.
NAME = re.compile(
    r'Integration Settings > \w+ Settings|web\.base\.url|/payment/aps|fort_id|SHA-\d+|\bJSON\b'
)
# The names of models that this addon extends: they are Odoo's, and differ between the series.
FOREIGN_NAME = re.compile(r'model:ir\.model,name:payment_aps\.model_(?!payment_aps_)')


class RecordReader(TranslationModuleReader):
    """ Odoo's exporter without the terms of the code.

    It would read those of each module of this name that it finds, Odoo's own one included.
    """

    def _export_translatable_resources(self):
        """ Override to leave out the terms of the code. """


@tagged('post_install', '-at_install')
class TestTranslations(TransactionCase):

    def test_template_holds_the_sentences_of_the_code(self):
        """ Test that neither a new sentence nor a changed one was forgotten, and none is left. """
        self.assertEqual(self._read_template('code:'), self._read_code())

    def test_template_holds_the_terms_of_fields_views_and_data(self):
        """ Test that no label, help, button or title was forgotten, and none is left. """
        rows = RecordReader(self.env.cr, modules=['payment_aps'])

        self.assertEqual(
            self._read_template('model:', 'model_terms:'),
            {
                source for _module, kind, name, id_, source, _value, _comments in rows
                if not FOREIGN_NAME.match(f'{kind}:{name}:{id_}')
            },
        )

    def test_generated_lists_have_no_labels_of_their_own(self):
        """ Test that the lists show the labels of their fields, as no others are translated. """
        for model in ('payment.aps.message', 'payment.aps.refusal'):
            for name, attributes in self.env[model]._aps_list_fields.items():
                with self.subTest(model=model, field=name):
                    self.assertNotIn('string', attributes)

    def test_translations_are_complete(self):
        """ Test that each language has all terms of the template, and no others. """
        template = [entry.msgid for entry in polib.pofile(str(TEMPLATE))]
        for language, entries in self._read_languages():
            with self.subTest(language=language):
                self.assertEqual([entry.msgid for entry in entries], template)
                self.assertEqual(
                    [entry.msgid for entry in entries if not entry.translated()], [],
                    "These terms are not translated, or marked as fuzzy.",
                )

    def test_translations_keep_placeholders_and_names(self):
        """ Test that nothing that is filled in, or to be found in the dashboard, was changed. """
        for language, entries in self._read_languages():
            for entry in entries:
                for pattern in (PLACEHOLDER, NAME):
                    with self.subTest(language=language, term=entry.msgid):
                        self.assertEqual(
                            sorted(pattern.findall(entry.msgstr)),
                            sorted(pattern.findall(entry.msgid)),
                        )

    def test_shopper_reads_the_own_language(self):
        """ Test that Odoo takes the sentences to the shopper from the files. """
        for language, entries in self._read_languages():
            with self.subTest(language=language):
                lang = self._activate(language)
                sentences = {entry.msgid: entry.msgstr for entry in entries}
                transactions = self.env['payment.transaction'].with_context(lang=lang)

                self.assertEqual(
                    transactions._aps_get_void_message(),
                    sentences["The reserved amount was released. You have not been charged."],
                )

    def _activate(self, language):
        """ Activate a language; one that Odoo doesn't ship is created before.

        :param str language: The name of its file, such as `ar`.
        :return: The code of the language, such as `ar_001`.
        :rtype: str
        """
        languages = self.env['res.lang'].with_context(active_test=False)
        lang = languages.search([('iso_code', '=', language)], limit=1) or languages.create({
            'name': language, 'code': f'{language}_PK', 'iso_code': language,
            'url_code': language,
        })
        languages._activate_lang(lang.code)
        return lang.code

    @staticmethod
    def _read_template(*kinds):
        """ Return the terms of the template that come from given places.

        :param str kinds: How the names of the places begin.
        :return: The terms.
        :rtype: set[str]
        """
        return {
            entry.msgid for entry in polib.pofile(str(TEMPLATE))
            if any(
                place.startswith(kinds) and not FOREIGN_NAME.match(place)
                for place, _line in entry.occurrences
            )
        }

    @staticmethod
    def _read_languages():
        """ Return the languages with their entries. """
        files = sorted(TEMPLATE.parent.glob('*.po'))
        assert files
        return [(file.stem, polib.pofile(str(file))) for file in files]

    def _read_code(self):
        """ Return the sentences that the code marks for translation.

        :return: The sentences.
        :rtype: set[str]
        """
        sentences = set()
        for file in ADDON.rglob('*.py'):
            if file.relative_to(ADDON).parts[0] in ('dev', 'tests'):
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
                if isinstance(node, ast.Call) and getattr(node.func, 'id', '') in ('_', '_lt'):
                    self.assertIsInstance(
                        node.args[0], ast.Constant, f"{file.name}, line {node.lineno}"
                    )
                    sentences.add(node.args[0].value)
        return sentences
