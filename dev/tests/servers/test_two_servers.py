""" Two Odoo servers on one database, told and asked the same at once. """

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.posting import post
from workbench.rpc import Client

REQUESTS = 30


@pytest.fixture
def run_on_both(shop):
    """ Run something many times at once, on both servers in turn. """
    clients = [Client(url, shop.database) for url in (shop.url, shop.second_url)]

    def run(function):
        def attempt(index):
            try:
                function(clients[index % 2])
                return True
            except Exception:  # Refused, or too many conflicts.
                return False

        with ThreadPoolExecutor(REQUESTS) as pool:
            return list(pool.map(attempt, range(REQUESTS)))

    return run


@pytest.fixture
def read_changes(shop):
    """ What the database itself has seen of changes of states; those rolled back don't count. """
    shop.query("""
        CREATE TABLE state_change (transaction_id int, state text);
        CREATE FUNCTION note_state_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO state_change VALUES (NEW.id, NEW.state);
            RETURN NEW;
        END $$;
        CREATE TRIGGER note_state_change AFTER UPDATE ON payment_transaction FOR EACH ROW
        WHEN (NEW.state != OLD.state) EXECUTE FUNCTION note_state_change();
    """)
    yield lambda payment: shop.query(
        f"SELECT state FROM state_change WHERE transaction_id = {payment.id}"
    ).splitlines()
    shop.query("DROP FUNCTION note_state_change CASCADE; DROP TABLE state_change")


def test_notifications_to_both_servers_change_the_state_once(
    shop, merchant, run_on_both, read_changes
):
    merchant.order_fault('NOTIFICATION', 'hold')
    payment = merchant.open_page(100, command='PURCHASE')
    payment.pay()
    [notification] = shop.sandbox(
        'GET', f'notifications?state=held&merchant_reference={payment.reference}'
    )['notifications']

    outcomes = []
    run_on_both(lambda client: outcomes.append(
        post(f'{client.url}/payment/aps/webhook', notification['fields'])[0]
    ))

    assert outcomes.count(200) == REQUESTS
    merchant.post_process()
    assert read_changes(payment) == ['done']
    assert len(merchant.rpc.search_read(
        'account.payment', [('payment_transaction_id', '=', payment.id)], ['id']
    )) == 1
    payment.assert_in_step(captured=10000)


def test_captures_asked_of_both_servers_are_sent_once(merchant, run_on_both):
    payment = merchant.receive_payment(100)

    def capture(client):
        client.call('payment.transaction', 'action_capture', [payment.id])
        context = {'active_model': 'payment.transaction', 'active_ids': [payment.id]}
        wizard_id = client.call('payment.capture.wizard', 'create', {
            'transaction_ids': [(6, 0, [payment.id])], 'amount_to_capture': 60,
        }, context=context)
        client.call('payment.capture.wizard', 'action_capture', [wizard_id], context=context)

    outcomes = run_on_both(capture)

    assert any(outcomes)
    payment.assert_in_step(captured=6000, operations=['CAPTURE'])
    merchant.post_process()
    [capture] = [row for row in payment.read_family(is_child=True) if row['state'] == 'done']
    assert len(merchant.rpc.search_read(
        'account.payment', [('payment_transaction_id', '=', capture['id'])], ['id']
    )) == 1


def test_refunds_asked_of_both_servers_are_sent_once_and_accounted_once(merchant, run_on_both):
    payment = merchant.receive_payment(100, command='PURCHASE')
    merchant.post_process()

    outcomes = run_on_both(lambda client: client.call(
        'payment.transaction', 'action_refund', [payment.id], amount_to_refund=100
    ))

    assert any(outcomes)
    payment.assert_in_step(captured=10000, refunded=10000, operations=['REFUND'])
    merchant.post_process()
    [refund] = [row for row in payment.read_family(operation='refund') if row['state'] == 'done']
    assert len(merchant.rpc.search_read(
        'account.payment', [('payment_transaction_id', '=', refund['id'])], ['id']
    )) == 1
