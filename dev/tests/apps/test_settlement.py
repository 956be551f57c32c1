""" The recipe of docs/operating.md: a settlement file is reconciled with OCA's modules. """

import os

import pytest

from tests.support.documents import Invoice
from tests.support.extent import get_extent
from tests.support.payments import Merchant, Payment
from tests.support.running_shop import Shop
from tests.support.settlement import Accountant
from tests.support.visitor import Visitor
from workbench.oca import get_oca_addons
from workbench.odoo_source import find_sources
from workbench.postgres import Postgres
from workbench.rpc import RPCError
from workbench.stack import Stack
from workbench.system import exit_on_signals

SERIES = '17.0'  # Of the modules.
PRICES = {'tea': 100, 'dates': 200, 'saffron': 61.5}


@pytest.fixture(scope='module')
def accountancy(tmp_path_factory):
    """ A shop of its own, with OCA's modules from PyPI. """
    if os.environ.get('APS_SERIES') != SERIES:
        pytest.skip(f"The recipe is for Odoo {SERIES}.")
    if not get_extent('APS_SETTLEMENT', 0, 1):
        pytest.skip("A shop with OCA's modules is made by dev/test --thorough.")
    exit_on_signals()
    folder = tmp_path_factory.mktemp('settlement')
    [source] = find_sources(SERIES)
    stack = Stack(
        source, folder, postgres=Postgres(folder), others=get_oca_addons(SERIES),
        database='settlement',
    )
    yield Shop({**os.environ, **stack.get_environment()})
    stack.stop()


@pytest.fixture(scope='module')
def merchant(accountancy):
    """ The merchant of that shop. """
    return Merchant(accountancy)


@pytest.fixture(scope='module')
def accountant(merchant):
    """ The accountant of that shop, who has followed the recipe. """
    return Accountant(merchant)


@pytest.fixture(scope='module')
def references(accountancy, merchant, accountant):
    """ Have some invoices paid, and a part of one given back.

    :return: By what name the acquirer was told of each payment.
    """
    partner_id = merchant.rpc.call('res.partner', 'create', {'name': "Bait Al Karak"})
    told = {}
    for name, amount in PRICES.items():
        attempt = Invoice(merchant, partner_id, amount).open_form(Visitor(accountancy)).start()
        assert attempt.pay() == 'done'
        told[name] = attempt.fields['settlement_reference']
        if name == 'dates':
            Payment(merchant, attempt.read().id, attempt.reference).refund(50)
    merchant.post_process()
    return told


def test_settlement_file_is_split_into_gross_fee_and_tax(accountant, references):
    accountant.import_file("APS: gross", **references)
    accountant.import_file("APS: charges", **references)

    # The payments are found by their references, never by their amounts alone; the rest is named.
    for name, amount in PRICES.items():
        assert (amount, True) in accountant.read_matched(references[name])
    assert accountant.read_matched(f'R-{references["dates"]}') == [(50, True)]
    assert accountant.read_rows(is_reconciled=False) == [
        'ADJUSTMENT', 'SALE WEB-OTHERSHOP', 'SALE POS-99999-OTHERSHOP',
        f'CHARGEBACK {references["tea"]}',
    ]

    assert accountant.read_booked(accountant.fee_id) == [2.20, 1.35, 4.40, 1.35, 1.65, -1.10]
    assert accountant.read_booked(accountant.tax_id) == [0.11, 0.07, 0.22, 0.07, 0.08, -0.06]
    assert accountant.read_booked(accountant.transfer_id) == [437.66]


def test_settlement_file_is_not_booked_twice(accountant, references):
    for mapping in accountant.mappings:
        with pytest.raises(RPCError, match="already imported"):
            accountant.import_file(mapping, **references)
