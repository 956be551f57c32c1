""" Copies of the database, as Odoo's own backups and PostgreSQL's tools make them. """

import subprocess

import pytest
from workbench.payments import Merchant
from workbench.rpc import Client

LIVE = {
    'aps_merchant_identifier': 'LiveMID1', 'aps_access_code': 'LiveAccess1',
    'aps_sha_request': 'live-request-phrase', 'aps_sha_response': 'live-response-phrase',
    'state': 'enabled',
}
COPY = 'restored_copy'


@pytest.fixture
def live_provider_id(shop):
    """ A provider that takes live payments; nothing is ever sent with it. """
    copied = shop.rpc.call('payment.provider', 'copy', [Merchant(shop).provider_id])
    provider_id = copied[0] if isinstance(copied, list) else copied
    shop.rpc.call('payment.provider', 'write', [provider_id], {**LIVE, 'name': "Live account"})
    yield provider_id
    shop.rpc.call('payment.provider', 'write', [provider_id], {'state': 'disabled'})


@pytest.fixture
def restored_copy(shop):
    """ A backup of the database, restored with the tools of PostgreSQL. """
    def run(*command, **kwargs):
        return subprocess.run(command, env=shop.environment, check=True, **kwargs)

    def make():
        dump = run('pg_dump', '-Fc', '-Z0', shop.database, stdout=subprocess.PIPE).stdout
        run('createdb', '-T', 'template0', '-E', 'UTF8', COPY)
        run('pg_restore', '--no-owner', '-d', COPY, input=dump)
        return Client(shop.url, COPY)

    yield make
    run('dropdb', '--if-exists', '--force', COPY)


def test_restored_copy_takes_no_live_payments_until_it_is_confirmed(
    shop, live_provider_id, restored_copy
):
    def is_in_copy(rpc):
        [row] = rpc.call('payment.provider', 'read', [live_provider_id], ['aps_is_in_copy'])
        return row['aps_is_in_copy']

    assert not is_in_copy(shop.rpc)
    copy = restored_copy()
    uuids = [
        rpc.call('ir.config_parameter', 'get_param', 'database.uuid') for rpc in (shop.rpc, copy)
    ]
    assert uuids[0] == uuids[1], "Odoo itself takes it for the original."
    assert is_in_copy(copy)
    copy.call('payment.provider', 'action_aps_check_setup', [live_provider_id])
    [row] = copy.call('payment.provider', 'read', [live_provider_id], ['aps_check_result'])
    assert "is a copy" in row['aps_check_result']

    copy.call('payment.provider', 'action_aps_confirm_database', [live_provider_id])

    assert not is_in_copy(copy)
    assert not is_in_copy(shop.rpc)
