""" The trail of messages: what a real server leaves of them, whatever happens. """

import socket
import statistics
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.payments import Merchant
from tests.support.posting import post
from workbench.log_check import SECRETS

# Faults of the API after which nobody knows whether the operation was executed.
UNKNOWN = ('timeout_after', 'error_500', 'close', 'wrong_signature', 'garbage', 'xml')


def read_trail(shop, reference, *columns):
    """ Return columns of the messages about a payment, oldest first, one row a line. """
    return shop.query(
        f"SELECT {', '.join(columns)} FROM payment_aps_message "
        f"WHERE merchant_reference = '{reference}' ORDER BY id"
    ).splitlines()


def test_payment_leaves_its_notification_and_each_request_with_its_answer(shop, merchant):
    payment = merchant.receive_payment(100)
    merchant.hold_notifications()  # That of the capture would have the check run once more.
    payment.capture(40)
    payment.check()

    rows = read_trail(shop, payment.reference, 'channel', 'command', 'state', 'response_code')
    assert rows == [
        'webhook|AUTHORIZATION|accepted|02000',
        'request|CAPTURE|answered|', 'answer|CAPTURE|accepted|04000',
        'request|CHECK_STATUS|answered|', 'answer|CHECK_STATUS|accepted|12000',
    ]
    exchanges = [row for row in rows if not row.startswith('answer|')]
    assert payment.rpc.call('payment.transaction', 'read', [payment.id], ['aps_message_count']) == [
        {'id': payment.id, 'aps_message_count': len(exchanges)}
    ]
    merchant.deliver_notifications()


@pytest.mark.parametrize('fault', UNKNOWN)
def test_request_whose_outcome_is_unknown_leaves_a_row(shop, merchant, fault):
    payment = merchant.receive_payment(100)
    merchant.hold_notifications()
    merchant.order_fault('CAPTURE', fault)

    payment.capture(40)

    [row] = read_trail(
        shop, payment.reference, 'channel', 'command', 'state', "reason <> ''", 'amount_minor'
    )[1:]
    assert row == 'request|CAPTURE|unknown|t|4000'
    merchant.deliver_notifications()


def test_request_that_was_rolled_back_leaves_a_row(shop, merchant):
    """ The button of a user who is told about an error rolls everything back but the trail. """
    payment = merchant.receive_payment(100)
    merchant.order_fault('CHECK_STATUS', 'error_500')

    with pytest.raises(Exception, match="no usable answer"):
        payment.check()

    rows = read_trail(shop, payment.reference, 'channel', 'command', 'state', 'reason')
    assert rows[1:] == ['request|CHECK_STATUS|unknown|HTTP status 500']


def test_request_that_never_left_is_told_from_an_unknown_outcome(shop, merchant):
    payment = merchant.receive_payment(100)
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        merchant.point_to(f'http://127.0.0.1:{probe.getsockname()[1]}')
        try:
            with pytest.raises(Exception, match="can't be reached"):
                payment.check()
        finally:
            merchant.point_to(shop.sandbox_url)

    rows = read_trail(shop, payment.reference, 'channel', 'state')
    assert rows[1:] == ['request|unreachable']


def test_storm_of_one_message_leaves_one_row_for_each_route(shop, make_payments, tell):
    """ Simultaneous repetitions are neither stored twice nor slowed down by the trail. """
    medians = []
    for message in make_payments('TRAIL-STORM', 5):
        with ThreadPoolExecutor(12) as pool:
            outcomes = list(pool.map(
                lambda route, message=message: post(f'{shop.url}/payment/aps/{route}', message),
                ('webhook', 'return') * 6,
            ))
        assert [status for status, _seconds in outcomes] == [200, 303] * 6
        medians.append(statistics.median(seconds for _status, seconds in outcomes))
        reference = message['merchant_reference']
        assert sorted(read_trail(shop, reference, 'channel')) == ['return', 'webhook']
        assert shop.read_transaction(reference).state == 'done'
    tell(f"of a storm: median {min(medians):.3f} to {max(medians):.3f} s")
    assert min(medians) < 0.5, "Each storm is slow, however busy the machine was at times."


def test_message_that_does_not_fit_is_shown_all_the_same(shop, make_payments):
    [message] = make_payments('TRAIL-MISFIT', 1, amount='999')
    for _i in range(3):
        assert post(f'{shop.url}/payment/aps/webhook', message)[0] == 200
    reference = message['merchant_reference']

    assert read_trail(shop, reference, 'channel', 'state') == ['webhook|refused']
    assert "the amount is not 1000" in read_trail(shop, reference, 'reason')[0]
    assert shop.read_transaction(reference).state == 'draft'


def test_storm_of_a_message_that_does_not_fit_is_stored_once(shop, make_payments):
    """ Simultaneous repetitions wait for each other; if they failed, the log's check would say. """
    for message in make_payments('TRAIL-MISFITS', 5, amount='999'):
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(
                lambda _i, message=message: post(f'{shop.url}/payment/aps/webhook', message),
                range(16),
            ))
        assert {status for status, _seconds in outcomes} == {200}
        assert read_trail(shop, message['merchant_reference'], 'state') == ['refused']


def test_flood_of_refused_messages_is_counted_in_few_rows(shop, make_payments, tell):
    """ 300 refused messages: bounded rows and writes, all counted, as fast as the first ones. """
    merchant = Merchant(shop)
    merchant.rpc.call('payment.provider', 'action_aps_view_refusals', [merchant.provider_id])
    shop.query('DELETE FROM payment_aps_refusal')
    [message] = make_payments('TRAIL-FLOOD', 1)
    transactions = shop.query('SELECT count(*) FROM payment_transaction')
    durations = []
    for index in range(300):
        forged = {**message, 'amount': '1', 'fort_id': str(index)}
        status, seconds = post(f'{shop.url}/payment/aps/webhook', forged)
        assert status == 403
        durations.append(seconds)

    assert int(shop.query('SELECT count(*) FROM payment_aps_refusal')) <= 2
    merchant.rpc.call('payment.provider', 'action_aps_view_refusals', [merchant.provider_id])
    rows = dict(
        line.split('|') for line in shop.query(
            'SELECT finding, count FROM payment_aps_refusal'
        ).splitlines()
    )
    assert set(rows) == {'signature', 'too_many'}
    assert sum(map(int, rows.values())) == 300
    assert shop.query('SELECT count(*) FROM payment_transaction') == transactions
    # The shortest ones are those that nothing else on the machine disturbed.
    noted, counted = min(durations[:10]), min(durations[20:])
    tell(f"300 refused: {noted:.4f} s with a write, {counted:.4f} s without")
    assert counted < 1.2 * noted


def test_nothing_secret_is_in_any_row(shop, merchant):
    """ After all kinds of messages, neither table holds a secret or personal data. """
    merchant.receive_payment(100).capture(100)
    merchant.receive_payment(100, command='PURCHASE').refund(30)
    for table, columns in (
        ('payment_aps_message', "to_jsonb(t) - 'digest'"), ('payment_aps_refusal', 'to_jsonb(t)')
    ):
        text = shop.query(f'SELECT {columns} FROM {table} t')
        assert text or table == 'payment_aps_refusal'
        assert not SECRETS.search(text)
        assert 'shopper@example.com' not in text
        assert '@' not in text
