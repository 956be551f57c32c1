""" Moving a database from Odoo's own module to ours. """

import json

from .odoo_source import link_addon
from .system import run
from .upgrade_release import check_release_upgrade

# What the methods must be afterwards: whether refunds and saving are supported. The refunds of mada
# were changed by hand; the others are as Odoo ships them, or new.
METHODS = {
    'mada': ('full_only', True),
    'stcpay': ('partial', False),
    'tabby': ('full_only', False),
    'tamara': ('partial', False),
    'apple_pay': ('partial', False),
    'installments': ('partial', False),
}
FILL = '''
assert 'aps_sha_type' not in env['payment.provider']._fields, "this is not Odoo's own module"
provider = env.ref('payment.payment_provider_aps')
provider.write({
    'aps_merchant_identifier': 'OldMerchant', 'aps_access_code': 'OldAccess',
    'aps_sha_request': 'old request', 'aps_sha_response': 'old response', 'state': 'test',
    'name': 'Renamed by the merchant', 'is_published': True,
})
card = env.ref('payment.payment_method_card')
partner = env['res.partner'].create({'name': 'Old Customer', 'email': 'old@example.com'})
token = env['payment.token'].create({
    'provider_id': provider.id, 'payment_method_id': card.id, 'payment_details': '0001',
    'partner_id': partner.id, 'provider_ref': 'OldToken',
})
live_provider = provider.copy({'name': 'Live account'})
live_provider.write({
    'aps_merchant_identifier': 'LiveMerchant', 'aps_access_code': 'LiveAccess',
    'aps_sha_request': 'live request', 'aps_sha_response': 'live response', 'state': 'enabled',
    'is_published': True,
})
for number, state in enumerate(('draft', 'pending', 'done', 'cancel', 'error')):
    env['payment.transaction'].create({
        'provider_id': provider.id, 'payment_method_id': card.id, 'amount': 10 + number,
        'currency_id': env.company.currency_id.id, 'partner_id': partner.id,
        'reference': f'tx-2024010100000{number}', 'state': state, 'operation': 'online_redirect',
        'provider_reference': f'fort-{number}', 'token_id': token.id,
    })
env.ref('payment.payment_method_mada').write({
    'name': 'mada, renamed', 'support_refund': 'full_only',
})
env.ref('payment.payment_method_knet').write({
    'active': True, 'supported_currency_ids': [(4, env.ref('base.USD').id)],
    'supported_country_ids': [(4, env.ref('base.ae').id)],
})
provider.payment_method_ids = [(3, env.ref('payment.payment_method_benefit').id)]
env.cr.commit()
print('FILLED')
'''
READ = '''
import json
METHOD_FIELDS = [
    'code', 'name', 'active', 'sequence', 'support_refund', 'support_tokenization',
    'supported_country_ids', 'supported_currency_ids', 'primary_payment_method_id', 'provider_ids',
]
provider = env.ref('payment.payment_provider_aps')
view = provider.redirect_form_view_id
values = {
    'provider': provider.read([
        'name', 'code', 'state', 'is_published', 'aps_merchant_identifier', 'aps_access_code',
        'aps_sha_request', 'aps_sha_response',
    ]),
    'transactions': env['payment.transaction'].search_read(
        [('provider_id', '=', provider.id)],
        ['reference', 'state', 'amount', 'provider_reference', 'token_id'], order='id',
    ),
    'tokens': env['payment.token'].search_read(
        [('provider_id', '=', provider.id)], ['provider_ref', 'payment_details', 'active'],
    ),
    'view': view.get_external_id()[view.id],
    'mada': env.ref('payment.payment_method_mada').name,
    'knet': env.ref('payment.payment_method_knet').read(METHOD_FIELDS),
    'benefit': env.ref('payment.payment_method_benefit').read(METHOD_FIELDS),
}
methods = env['payment.method'].with_context(active_test=False).search([], order='id')
print('METHODS ' + json.dumps(methods.read(METHOD_FIELDS)))
print('VALUES ' + json.dumps(values))
'''
READ_OURS = '''
provider = env.ref('payment.payment_provider_aps')
tx = env['payment.transaction'].search([('reference', '=', 'tx-20240101000000')])
message = {
    'command': 'PURCHASE', 'merchant_identifier': 'OldMerchant', 'merchant_reference': tx.reference,
    'amount': '1000', 'currency': tx.currency_id.name, 'status': '14', 'response_code': '14000',
    'fort_id': '1',
}
message['signature'] = provider._aps_calculate_signature(message)
assert provider.aps_sha_type == 'sha256', provider.aps_sha_type
assert provider._aps_verify_signature(message)
tx._aps_handle(message)
assert tx.state == 'done', tx.state
assert tx.token_id._aps_check_usable(provider) is None
pending_tx = env['payment.transaction'].search([('reference', '=', 'tx-20240101000001')])
assert pending_tx._aps_is_check_due()
provider._aps_ensure_can_ask(pending_tx.aps_account)
live_provider = env['payment.provider'].search([('name', '=', 'Live account')])
assert live_provider.state == 'enabled' and not live_provider.aps_is_in_copy
assert live_provider in provider._get_compatible_providers(
    live_provider.company_id.id, tx.partner_id.id, 10, currency_id=tx.currency_id.id
)
module = env['ir.module.module'].search([('name', '=', 'payment_aps')])
print('VERSION ' + module.latest_version)
env.cr.rollback()
'''
# A database that PostgreSQL's tools restored is the same one to Odoo; with another identifier, as
# Odoo gives it to a copy, it goes on selling, but moves no money by request until it is confirmed.
READ_COPY = '''
from odoo.addons.payment_aps.aps.errors import APSNotConfirmed
provider = env['payment.provider'].search([('name', '=', 'Live account')])
uuid = env['ir.config_parameter'].get_param('database.uuid')
assert provider.aps_database == uuid and not provider.aps_is_in_copy
env['ir.config_parameter'].init(force=True)
provider.invalidate_recordset()
assert provider.state == 'enabled' and provider.aps_is_in_copy
assert provider in provider._get_compatible_providers(
    provider.company_id.id, env.user.partner_id.id, 10, currency_id=env.company.currency_id.id
)
try:
    provider._aps_make_request({'command': 'REFUND', 'merchant_reference': 'S1'})
    raise AssertionError('money was moved from a copy')
except APSNotConfirmed:
    pass
provider._aps_warn_of_copy()
activities = provider.company_id.partner_id.activity_search([
    'payment_aps.mail_activity_type_copy',
])
assert len(activities) == 1, activities
provider.action_aps_confirm_database()
assert not provider.aps_is_in_copy and not activities.exists()
print('NOTICED')
env.cr.rollback()
'''


def check_upgrade(odoo, folder):
    """ Fill a database with Odoo's own module, exchange the folder, upgrade, and compare.

    :param Odoo odoo: The Odoo to run.
    :param Path folder: The folder for the exchanged addons folder.
    :return: What is not as it was.
    :rtype: list[str]
    """
    core_addons = link_addon(folder / f'core-{odoo.series}', odoo.source.core_addon)
    database = odoo.copy_database(odoo.get_base(), f'upgrade_{odoo.series.replace(".", "")}')
    log = odoo.folder / 'upgrade.log'
    arguments = ('--no-http', *odoo.without_demo)
    what = "Installing Odoo's own module"
    odoo.execute(database, '-i', 'payment_aps', *arguments, log=log, what=what, addons=core_addons)
    output = run_script(odoo, database, FILL, core_addons)
    if 'FILLED' not in output:
        return [f"Odoo's own module could not be filled with data: {output[-500:]}"]
    before, _methods = read_values(run_script(odoo, database, READ, core_addons))
    what = "Upgrading to our module"
    odoo.execute(database, '-u', 'payment_aps', *arguments, log=log, what=what)
    after, methods = read_values(run_script(odoo, database, READ, odoo.addons))
    failures = compare(before, after) + check_methods(methods)
    output = run_script(odoo, database, READ_OURS, odoo.addons)
    if 'VERSION' not in output:
        failures.append(f"the upgraded module doesn't work: {output[-500:]}")
    odoo.execute(database, '-u', 'payment_aps', *arguments, log=log, what=what)
    last, last_methods = read_values(run_script(odoo, database, READ, odoo.addons))
    failures += compare(after, last)
    if methods != last_methods:
        failures.append("the second upgrade changed payment methods")
    failures += check_copy(odoo, database)
    odoo.postgres.drop(database)
    return failures + check_release_upgrade(odoo, folder, run_script)


def check_copy(odoo, database):
    """ Return what is wrong with a database that was restored, and with a copy of it.

    :param Odoo odoo: The Odoo to run.
    :param str database: The database, which takes live payments.
    :return: What is wrong.
    :rtype: list[str]
    """
    copy, file = f'{database}_copy', odoo.folder / 'copy.dump'
    odoo.postgres.dump(database, file)
    odoo.postgres.restore(copy, file)
    output = run_script(odoo, copy, READ_COPY, odoo.addons)
    odoo.postgres.drop(copy)
    return [] if 'NOTICED' in output else [f"a copy isn't treated as one: {output[-500:]}"]


def compare(before, after):
    """ Return what an upgrade has changed although it must not. """
    return [
        f"{name} was {before[name]} and is {after.get(name)}"
        for name in before if before[name] != after.get(name)
    ]


def check_methods(methods):
    """ Return what is wrong with the payment methods of an upgraded database.

    :param list[dict] methods: The values of all methods.
    :return: What is wrong.
    :rtype: list[str]
    """
    failures = []
    for code, expected in METHODS.items():
        found = [method for method in methods if method['code'] == code]
        values = [
            (method['support_refund'], method['support_tokenization']) for method in found
            if not method['active'] and method['provider_ids']
        ]
        if len(found) != 1 or values != [expected]:
            failures.append(f"{code} is not there once, off, with {expected}: {found}")
    return failures


def run_script(odoo, database, script, addons):
    """ Run Python code in Odoo's shell and return what it prints. """
    command = [
        str(part) for part in odoo.get_command(
            database, '--no-http', addons=addons, subcommand=('shell',)
        )
    ]
    result = run(['sh', '-c', 'exec "$@" < "$SCRIPT"', 'sh', *command], env={
        **odoo.source.get_environment(addons), 'SCRIPT': str(write_script(odoo, script)),
    })
    return result.stdout + result.stderr


def write_script(odoo, script):
    """ Write code to a file and return the file. """
    file = odoo.folder / 'script.py'
    file.write_text(script)
    return file


def read_values(output):
    """ Return the values that the script printed: those to compare, and the payment methods. """
    printed = dict(
        line.split(' ', 1) for line in output.splitlines() if line.startswith(('VALUES', 'METHODS'))
    )
    if set(printed) != {'VALUES', 'METHODS'}:
        return {'script': output[-500:]}, []
    return json.loads(printed['VALUES']), json.loads(printed['METHODS'])
