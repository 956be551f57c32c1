""" Moving a database from an earlier release of ours to this one. """

import json
import tarfile

from .odoo_source import link_addon
from .system import REPOSITORY, run, say

# Version 1.2.1, the last one with a former response phrase and eighteen findings.
RELEASE = 'd2df562'
FORMER_PHRASE = 'the former response phrase'
FILL = f'''
provider = env.ref('payment.payment_provider_aps')
provider.write({{
    'aps_merchant_identifier': 'Merchant1', 'aps_access_code': 'Access1', 'state': 'test',
    'aps_sha_request': 'a request phrase', 'aps_sha_response': {FORMER_PHRASE!r},
}})
provider.aps_sha_response = 'a new response phrase'
assert provider.aps_sha_response_former == {FORMER_PHRASE!r}
checked_provider = provider.copy({{'name': 'Checked'}})
for checked, is_passed in ((provider, False), (checked_provider, True)):
    checked.write({{
        'aps_check_result': "The result", 'aps_check_date': '2026-11-01 12:00:00',
        'aps_is_check_passed': is_passed,
    }})
for number, (is_known, finding, detail, count) in enumerate((
    (True, 'sha_type', 'SHA-512', 3), (True, 'request_phrase', 'SHA-256', 4),
    (True, 'signature', None, 2147483000), (True, 'no_signature', None, 999),
    (True, 'extra_fields', 'utm_source', 1), (True, 'value_space', None, 2),
    (True, 'other_provider', 'Other', 1), (True, 'reference_authentic', None, 6),
    (False, 'reference', None, 5), (False, 'format', None, 7), (False, 'empty', None, 8),
    (False, 'unexamined', None, 9),
)):
    time = f'2026-11-{{number + 1:02d}} 12:00:00'
    env.cr.execute(
        "INSERT INTO payment_aps_refusal "
        "(provider_id, finding, detail, count, first_date, last_date, messages) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [is_known and provider.id or None, finding, detail, count, time, time,
         '\\n'.join(f'{{time}} UTC, webhook: {{finding}} {{line}}' for line in range(3))],
    )
payment = env['payment.transaction'].create({{
    'provider_id': provider.id, 'reference': 'PAID-1', 'amount': 1, 'state': 'done',
    'payment_method_id': env.ref('payment.payment_method_card').id,
    'currency_id': env.company.currency_id.id, 'partner_id': env.user.partner_id.id,
}})
payment.write({{
    'aps_account': 'the account', 'aps_command': 'REFUND', 'aps_staff_message': "An old text.",
}})
for number, channel in enumerate(('webhook', 'webhook', 'return')):
    env.cr.execute(
        "INSERT INTO payment_aps_message "
        "(provider_id, create_date, channel, state, merchant_reference, digest) "
        "VALUES (%s, %s, %s, 'accepted', 'PAID-1', %s)",
        [provider.id, f'2026-11-{{number + 1:02d}} 12:00:00', channel, str(number)],
    )
# As the merchant wants them, and as 1.2.1 made them, also in 19.0, which ships some of them.
method = env['payment.method'].with_context(active_test=False)
method.search([('code', '=', 'tabby')]).write({{
    'name': "Buy Now", 'image': env.company.logo,
}})
env.cr.commit()
print('FILLED')
'''
READ = '''
import base64
import hashlib
import json
provider = env.ref('payment.payment_provider_aps')
rows = env['payment.aps.refusal'].search([], order='provider_id, finding')
print('ROWS ' + json.dumps([
    [bool(row.provider_id), row.finding, row.detail or '', row.count, str(row.last_date)[:10],
     len(row.messages.splitlines()), row.messages.splitlines()[0][:10], bool(row.advice)]
    for row in rows
]))
providers = provider + env['payment.provider'].search([('name', '=', 'Checked')])
print('CHECKS ' + json.dumps([
    [row.aps_check_result, str(row.aps_check_date)[:10], row.aps_check_problem]
    for row in providers
]))
methods = env['payment.method'].with_context(active_test=False).search(
    [('code', 'in', ('apple_pay', 'installments', 'tabby'))], order='code'
)
print('METHODS ' + json.dumps([
    [row.code, row.name, row.image == row._aps_read_image(row.code),
     hashlib.sha1(base64.b64decode(row.image)).hexdigest()[:4] in ('1ae4', 'e249', 'd684')]
    for row in methods
]))
payment = env['payment.transaction'].search([('reference', '=', 'PAID-1')])
print('REASONS ' + json.dumps([
    [payment.aps_operation, payment.aps_reason, payment.aps_staff_message],
    [env.ref('payment_aps.field_payment_transaction__aps_operation').name],
]))
print('ACCOUNTS ' + json.dumps([
    [row.channel, str(row.create_date)[:10], row.account]
    for row in env['payment.aps.message'].search([], order='create_date')
]))
'''
# By provider and finding: detail, count, day of the last message, lines, day of the first line.
ROWS = [
    [True, 'account', 'Other', 1, '2026-11-07', 3, '2026-11-07', True],
    [True, 'changed', 'utm_source', 3, '2026-11-06', 5, '2026-11-06', True],
    [True, 'reference', '', 6, '2026-11-08', 3, '2026-11-08', True],
    [True, 'signature', '', 2147483647, '2026-11-04', 5, '2026-11-04', True],
    [False, 'reference', '', 5, '2026-11-09', 3, '2026-11-09', True],
    [False, 'too_many', '', 9, '2026-11-12', 3, '2026-11-12', True],
    [False, 'unreadable', '', 15, '2026-11-11', 5, '2026-11-11', True],
]
# The checks of the credentials, of which the second was passed.
CHECKS = [["The result", 'False', 'mistake'], ["The result", '2026-11-01', False]]
# The messages, of which the last of each way knows its account.
ACCOUNTS = [
    ['webhook', '2026-11-01', False], ['webhook', '2026-11-02', 'the account'],
    ['return', '2026-11-03', 'the account'],
]
# The operation and the reason of a payment, and the field that was renamed.
REASONS = [['REFUND', 'text', "An old text."], ['aps_operation']]
# The payment methods: whether their images are those of the files, which Odoo leaves alone if they
# are small, and whether they are still those of the earlier release.
METHODS = [
    ['apple_pay', 'Apple Pay', False, False], ['installments', 'Installments', True, False],
    ['tabby', 'Buy Now', False, False],
]
# A column that is dropped stays in the file of the table until its rows are written anew.
FIND_IN_FILES = f'''
    CHECKPOINT;
    SELECT relname FROM pg_class
     WHERE relkind IN ('r', 't') AND pg_relation_filepath(oid) IS NOT NULL
       AND pg_relation_size(oid) > 0
       AND position('{FORMER_PHRASE}'::bytea IN pg_read_binary_file(pg_relation_filepath(oid))) > 0
'''
COLUMNS = '''
    SELECT column_name FROM information_schema.columns
     WHERE column_name LIKE 'aps_sha_response_former%'
        OR column_name IN (
            'aps_last_operation', 'aps_is_check_passed', 'aps_command', 'aps_is_reason_open',
            'aps_staff_message'
        )
'''


def check_release_upgrade(odoo, folder, run_script):
    """ Fill a database with an earlier release, upgrade it, and look at what is left.

    :param Odoo odoo: The Odoo to run.
    :param Path folder: The folder for the earlier release.
    :param callable run_script: Runs Python code in Odoo's shell and returns what it prints.
    :return: What is wrong.
    :rtype: list[str]
    """
    addons = export_release(folder / f'release-{odoo.series}')
    if not addons:
        say("The earlier release is not in this copy of the repository; its upgrade isn't checked.")
        return []
    name = f'release_{odoo.series.replace(".", "")}'
    database, log = odoo.copy_database(odoo.get_base(), name), odoo.folder / 'upgrade.log'
    arguments = ('--no-http', *odoo.without_demo)
    what = "Installing the earlier release"
    odoo.execute(database, '-i', 'payment_aps', *arguments, log=log, what=what, addons=addons)
    output = run_script(odoo, database, FILL, addons)
    if 'FILLED' not in output:
        return [f"The earlier release could not be filled with data: {output[-500:]}"]
    if 'payment_provider' not in odoo.postgres.query(database, FIND_IN_FILES):
        return ["The former phrase is not found where it was stored."]
    what = "Upgrading from the earlier release"
    odoo.execute(database, '-u', 'payment_aps', *arguments, log=log, what=what)
    failures = [
        f"{what}: {place}"
        for what, query in (
            ("The former phrase is left in", FIND_IN_FILES), ("A column is left", COLUMNS),
        )
        for place in odoo.postgres.query(database, query).splitlines()
    ]
    output = run_script(odoo, database, READ, odoo.addons)
    for rows_name, rows in (
        ('ROWS', ROWS), ('CHECKS', CHECKS), ('ACCOUNTS', ACCOUNTS), ('METHODS', METHODS),
        ('REASONS', REASONS),
    ):
        failures += check_rows(output, rows_name, rows)
    odoo.postgres.drop(database)
    return failures


def export_release(folder):
    """ Return an addons folder with the earlier release; none without its history. """
    folder.mkdir()
    archive = folder / 'release.tar'
    result = run(['git', '-C', REPOSITORY, 'archive', '-o', archive, RELEASE])
    if result.returncode:
        return None
    with tarfile.open(archive) as tar:
        tar.extractall(folder / 'source')
    return link_addon(folder / 'addons', folder / 'source')


def check_rows(output, name, expected):
    """ Return what is wrong with rows that a script printed.

    :param str output: The output of the script.
    :param str name: What its line begins with.
    :param list expected: The rows as they should be.
    :return: What is wrong.
    :rtype: list[str]
    """
    lines = [line for line in output.splitlines() if line.startswith(f'{name} ')]
    if not lines:
        return [f"The {name} can't be read: {output[-500:]}"]
    rows = json.loads(lines[0].removeprefix(f'{name} '))
    return [] if rows == expected else [f"The {name} are {rows}"]
