""" Who may do what, as tried over RPC: the people, what they call, and what becomes of it. """

import ast

from workbench.rpc import RPCError, Session
from workbench.shop import get_groups_field
from workbench.system import REPOSITORY

PUBLIC = 'public'
GROUPS = {
    'portal': ['base.group_portal'],
    'employee': ['base.group_user'],
    'auditor': ['base.group_user', 'account.group_account_readonly'],
    'accountant': ['base.group_user', 'account.group_account_invoice'],
    'administrator': ['base.group_user', 'base.group_system'],
}
# What says that somebody may not do something, and what says that this can't be done now.
REFUSALS = ('odoo.exceptions.AccessError', 'odoo.http.SessionExpiredException')
HINDRANCES = ('odoo.exceptions.UserError', 'odoo.exceptions.ValidationError')


def make_people(shop):
    """ Make a user of each kind.

    :param Shop shop: The running shop.
    :return: Their browsers, by the kind.
    :rtype: dict[str, Session]
    """
    people = {PUBLIC: Session(shop.url)}
    for kind, xmlids in GROUPS.items():
        login = f'rights_{kind}'
        shop.rpc.call('res.users', 'create', {
            'name': f"Rights {kind}", 'login': login, 'password': login,
            'email': f'{login}@example.com',
            get_groups_field(shop.rpc): [(6, 0, [shop.rpc.ref(xmlid) for xmlid in xmlids])],
        }, context={'no_reset_password': True})
        people[kind] = Session(shop.url, shop.database, {'login': login, 'password': login})
    return people


def find_out(client, model, method, *args):
    """ Call a method, and return what becomes of that.

    :param Session client: Who calls it.
    :param str model: The model.
    :param str method: The method.
    :param args: Its arguments.
    :return: `done`; `hindered` if something else than rights is in the way; `refused`; or else the
             name of the error.
    :rtype: str
    """
    try:
        client.call_model(model, method, *args)
    except RPCError as error:
        if error.kind in REFUSALS:
            return 'refused'
        return 'hindered' if error.kind in HINDRANCES else error.kind
    return 'done'


def list_own_methods():
    """ Return the methods without underscore of all models that the addon makes or extends.

    :return: The models and methods.
    :rtype: set[tuple[str, str]]
    """
    return {
        (get_model_name(node), method.name)
        for folder in ('models', 'wizards') for file in (REPOSITORY / folder).glob('*.py')
        for node in ast.parse(file.read_text('utf-8')).body if is_model(node)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and not method.name.startswith('_')
    }


def is_model(node):
    """ Return whether a statement is the class of a model. """
    return isinstance(node, ast.ClassDef) and any(
        isinstance(base, ast.Attribute) and ast.unparse(base).startswith('models.')
        for base in node.bases
    )


def get_model_name(node):
    """ Return the name of the model that a class makes or extends. """
    names = {
        target.id: ast.literal_eval(statement.value)
        for statement in node.body if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id in ('_name', '_inherit')
    }
    return names.get('_name') or names['_inherit']
