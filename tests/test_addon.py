import ast
from collections import defaultdict
from itertools import chain
from pathlib import Path

from odoo.modules.module import get_module_path
from odoo.tests import BaseCase, TransactionCase, tagged

from odoo.addons import payment_aps
from odoo.addons.payment_aps import const, utils
from odoo.addons.payment_aps.aps import const as aps_const
from odoo.addons.payment_aps.aps.values import get_payment_option
from odoo.addons.payment_aps.models.payment_provider import CREDENTIAL_FIELDS

ROOT = Path(__file__).parents[1]
# One of them is loaded.
ADAPTERS = ('payment_transaction_17.py', 'payment_transaction_19.py')
# What each class of a model may say about itself.
CLASS_NAMES = {'_inherit', '_name', '_description'}


def list_classes():
    """ Return the classes of the models of the addon.

    :return: The name of the file, that of the model, and the class.
    :rtype: list[tuple[str, str, ast.ClassDef]]
    """
    classes = []
    for file in sorted(chain(ROOT.glob('models/*.py'), ROOT.glob('wizards/*.py'))):
        for node in ast.parse(file.read_text('utf-8')).body:
            if isinstance(node, ast.ClassDef):
                values = {
                    statement.targets[0].id: statement.value
                    for statement in node.body if isinstance(statement, ast.Assign)
                }
                model = values.get('_name') or values.get('_inherit')
                if model:
                    classes.append((file.name, ast.literal_eval(model), node))
    return classes


def list_names(node):
    """ Return what a class defines: the names of its fields, other attributes, and methods. """
    names = []
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            names.append(statement.name)
        elif isinstance(statement, ast.Assign):
            names += [target.id for target in statement.targets]
    return names


@tagged('post_install', '-at_install')
class TestAddon(TransactionCase):

    def test_this_addon_is_loaded_rather_than_that_of_odoo(self):
        """ Test that Odoo didn't silently prefer its own module of the same name. """
        self.assertTrue(hasattr(payment_aps, 'aps'), payment_aps.__file__)
        self.assertTrue(__file__.startswith(get_module_path('payment_aps')))

    def test_names_of_odoo_s_own_module_are_where_they_were(self):
        """ Test what other code imports from the module that this one replaces. """
        self.assertIs(const.PAYMENT_STATUS_MAPPING, aps_const.PAYMENT_STATUS_MAPPING)
        self.assertIs(const.DEFAULT_PAYMENT_METHOD_CODES, aps_const.DEFAULT_PAYMENT_METHOD_CODES)
        self.assertIs(utils.get_payment_option, get_payment_option)


@tagged('post_install', '-at_install')
class TestStructure(BaseCase):
    """ What keeps the code in order, and can be read from it. """

    def test_addon_never_overrides_itself(self):
        """ Test that no method or field depends on the order in which files are loaded. """
        for adapter in ADAPTERS:
            files = defaultdict(list)
            for file, model, node in list_classes():
                if file not in ADAPTERS or file == adapter:
                    for name in list_names(node):
                        files[model, name].append(file)
            self.assertIn(('payment.provider', 'write'), files)
            self.assertEqual({
                place: names for place, names in files.items()
                if len(names) > 1 and place[1] not in CLASS_NAMES
            }, {})

    def test_credentials_leave_the_provider_by_one_door(self):
        """ Test that nothing but the account is handed the secrets of a provider. """
        secrets, doors = set(CREDENTIAL_FIELDS) - {'aps_merchant_identifier'}, set()
        for folder in ('models', 'wizards', 'controllers'):
            for file in ROOT.glob(f'{folder}/*.py'):
                for function in ast.walk(ast.parse(file.read_text('utf-8'))):
                    if isinstance(function, ast.FunctionDef) and any(
                        isinstance(node, ast.Attribute) and node.attr in secrets
                        for node in ast.walk(function)
                    ):
                        doors.add((file.name, function.name))
        self.assertEqual(doors, {('payment_provider.py', '_aps_get_account')})
