""" Moving a database from Odoo's own module to ours. """

import json

from .odoo_source import link_addon
from .system import run

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
for number, state in enumerate(('draft', 'pending', 'done', 'cancel', 'error')):
    env['payment.transaction'].create({
        'provider_id': provider.id, 'payment_method_id': card.id, 'amount': 10 + number,
        'currency_id': env.company.currency_id.id, 'partner_id': partner.id,
        'reference': f'tx-2024010100000{number}', 'state': state, 'operation': 'online_redirect',
        'provider_reference': f'fort-{number}', 'token_id': token.id,
    })
env.ref('payment.payment_method_mada').name = 'mada, renamed'
env.cr.commit()
print('FILLED')
'''
READ = '''
import json
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
}
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
module = env['ir.module.module'].search([('name', '=', 'payment_aps')])
print('VERSION ' + module.latest_version)
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
    before = read_values(run_script(odoo, database, READ, core_addons))
    what = "Upgrading to our module"
    odoo.execute(database, '-u', 'payment_aps', *arguments, log=log, what=what)
    after = read_values(run_script(odoo, database, READ, odoo.addons))
    failures = [
        f"{name} was {before[name]} and is {after[name]}"
        for name in before if before[name] != after[name]
    ]
    output = run_script(odoo, database, READ_OURS, odoo.addons)
    if 'VERSION' not in output:
        failures.append(f"the upgraded module doesn't work: {output[-500:]}")
    odoo.postgres.drop(database)
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
    """ Return the values that the script printed. """
    line = next((line for line in output.splitlines() if line.startswith('VALUES ')), None)
    if not line:
        return {'script': output[-500:]}
    return json.loads(line.removeprefix('VALUES '))
