""" Capture, void and refund, from the merchant's click to the ledger of APS. """

import os
import socketserver
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import pytest

from workbench.rpc import RPCError
from workbench.system import install_packages, run

# Faults of the API: whether it executes the operation, though no answer comes.
EXECUTED = ('timeout_after', 'error_500_after', 'close', 'wrong_signature', 'garbage', 'xml')
NOT_EXECUTED = ('timeout_before', 'error_500', 'close_before')


def test_purchase_is_captured_at_once(merchant):
    payment = merchant.receive_payment(100, command='PURCHASE')
    assert payment.read().state == 'done'
    payment.assert_in_step(captured=10000)


def test_authorization_is_captured_in_full(merchant):
    payment = merchant.receive_payment(100)
    assert payment.read().state == 'authorized'
    payment.capture(100)
    assert payment.read().state == 'done'
    payment.assert_in_step(captured=10000, operations=['CAPTURE'])


def test_authorization_is_captured_in_two_parts(merchant):
    payment = merchant.receive_payment(100)
    payment.capture(40)
    assert payment.read().state == 'authorized'
    payment.assert_in_step(captured=4000, operations=['CAPTURE'])
    payment.capture(60)
    assert payment.read().state == 'done'
    payment.assert_in_step(captured=10000, operations=['CAPTURE', 'CAPTURE'])


def test_more_than_authorized_is_refused_before_sending(merchant):
    payment = merchant.receive_payment(100)
    payment.capture(40)
    with pytest.raises(RPCError):
        payment.capture(60.01)
    with pytest.raises(RPCError):
        payment.capture(0)
    payment.assert_in_step(captured=4000, operations=['CAPTURE'])


def test_wizard_captures_once_and_nothing_if_the_amount_is_no_longer_left(merchant):
    payment = merchant.receive_payment(100)
    confirm = payment.open_capture_wizard(60)
    confirm()
    with pytest.raises(RPCError, match="already requested"):
        confirm()
    other_payment = merchant.receive_payment(100)
    confirm = other_payment.open_capture_wizard(60)
    other_payment.capture(60)
    with pytest.raises(RPCError, match="cannot be superior"):
        confirm()
    other_payment.assert_in_step(captured=6000, operations=['CAPTURE'])
    payment.assert_in_step(captured=6000, operations=['CAPTURE'])


@pytest.mark.parametrize('model, link', (
    ('sale.order', 'sale_order_ids'), ('account.move', 'invoice_ids'),
))
def test_payment_is_captured_and_voided_from_its_document(merchant, model, link):
    documents, payments = [], []
    for _turn in range(2):
        documents.append(merchant.make_document(model, 100))
        payment = merchant.open_page(100, **{link: [(6, 0, [documents[-1]])]})
        payment.pay()
        payments.append(payment)
    [captured, voided] = payments

    action = merchant.rpc.call(model, 'payment_action_capture', [documents[0]])
    wizard_id = merchant.rpc.call('payment.capture.wizard', 'create', {
        'amount_to_capture': 60,
    }, context=action['context'])
    merchant.rpc.call('payment.capture.wizard', 'action_capture', [wizard_id])
    merchant.rpc.call(model, 'payment_action_void', [documents[1]])
    merchant.post_process()

    captured.assert_in_step(captured=6000, operations=['CAPTURE'])
    voided.assert_in_step(voided=True, operations=['VOID_AUTHORIZATION'])
    [state, voided_state] = merchant.read_documents(model, documents)
    assert state == ('sale' if model == 'sale.order' else 'partial')
    if model == 'account.move':  # Whether a void takes back an order is up to each series.
        assert voided_state == 'not_paid'


def test_authorization_is_voided(merchant):
    payment = merchant.receive_payment(100)
    payment.void()
    assert payment.read().state == 'cancel'
    payment.assert_in_step(voided=True, operations=['VOID_AUTHORIZATION'])


def test_void_after_a_part_was_captured_is_refused_and_the_rest_can_be_closed(merchant):
    payment = merchant.receive_payment(100)
    payment.capture(40)
    with pytest.raises(RPCError, match="Close Remaining Amount"):
        payment.void()
    payment.call('action_aps_close_remaining')
    assert payment.read().state == 'done'
    payment.assert_in_step(captured=4000, operations=['CAPTURE'])


def test_wizard_captures_a_part_and_closes_the_rest(merchant):
    payment = merchant.receive_payment(100)
    payment.capture(40, void_remaining=True)
    assert payment.read().state == 'done'
    payment.assert_in_step(captured=4000, operations=['CAPTURE'])


def test_wizard_does_not_close_the_rest_if_the_capture_fails(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CAPTURE', 'answer', response_code='05666')
    payment.capture(40, void_remaining=True)
    assert payment.read().state == 'authorized'
    payment.assert_in_step(captured=0)


def test_capture_after_the_window_is_refused_before_sending(merchant):
    payment = merchant.receive_payment(100)
    payment.age('last_state_change', days=8)
    with pytest.raises(RPCError, match="released"):
        payment.capture(100)
    payment.assert_in_step(captured=0)


def test_payment_is_refunded_in_full(merchant):
    payment = merchant.receive_payment(100, command='PURCHASE')
    payment.refund(100)
    payment.assert_in_step(captured=10000, refunded=10000, operations=['REFUND'])


def test_payment_is_refunded_in_three_parts_and_no_more(merchant):
    payment = merchant.receive_payment(100, command='PURCHASE')
    for amount in (20, 30.5, 49.5):
        payment.refund(amount)
    for amount in (0.01, 0, -1, 100):
        with pytest.raises(RPCError):
            payment.refund(amount)
    payment.assert_in_step(captured=10000, refunded=10000, operations=['REFUND'] * 3)


def test_capture_is_refunded(merchant):
    payment = merchant.receive_payment(100)
    payment.capture(40)
    payment.capture(60)
    [first, _second] = payment.read_family(operation='online_redirect', is_child=True)
    merchant.refund(first['id'], 25)
    payment.assert_in_step(
        captured=10000, refunded=2500, operations=['CAPTURE', 'CAPTURE', 'REFUND']
    )


def test_refund_goes_through_the_wizard_of_accounting(merchant):
    payment = merchant.receive_payment(100, command='PURCHASE')
    merchant.post_process()
    accounting_payment_id = payment.read().payment_id[0]
    wizard_id = merchant.rpc.call(
        'payment.refund.wizard', 'create', {'amount_to_refund': 30},
        context={'active_model': 'account.payment', 'active_id': accounting_payment_id},
    )
    merchant.rpc.call('payment.refund.wizard', 'action_refund', [wizard_id])
    merchant.post_process()

    [refund] = payment.read_family(operation='refund')
    assert refund['state'] == 'done'
    [outbound] = merchant.rpc.search_read(
        'account.payment', [('payment_transaction_id', '=', refund['id'])],
        ['amount', 'payment_type', 'state'],
    )
    assert (outbound['amount'], outbound['payment_type']) == (30, 'outbound')
    assert outbound['state'] in ('posted', 'paid', 'in_process')
    payment.assert_in_step(captured=10000, refunded=3000, operations=['REFUND'])


def test_refund_before_post_processing_does_not_lose_the_accounting_payment(merchant):
    payment = merchant.receive_payment(100, command='PURCHASE')
    assert not payment.read().is_post_processed
    payment.refund(10)
    merchant.post_process()
    assert payment.read().payment_id
    [refund] = payment.read_family(operation='refund')
    assert merchant.rpc.search_read(
        'account.payment', [('payment_transaction_id', '=', refund['id'])], ['id']
    )


OPERATIONS = {
    'CAPTURE': SimpleNamespace(
        command='AUTHORIZATION', prepare=lambda payment: payment.open_capture_wizard(100),
        sums={'captured': 10000}, state='done',
    ),
    'partial CAPTURE': SimpleNamespace(
        command='AUTHORIZATION', prepare=lambda payment: payment.open_capture_wizard(40),
        sums={'captured': 4000}, state='authorized',
    ),
    'VOID_AUTHORIZATION': SimpleNamespace(
        command='AUTHORIZATION', prepare=lambda payment: payment.void,
        sums={'voided': True}, state='cancel',
    ),
    'REFUND': SimpleNamespace(
        command='PURCHASE', prepare=lambda payment: payment.open_refund_wizard(30).confirm,
        sums={'captured': 10000, 'refunded': 3000}, state='done',
    ),
}


@pytest.fixture(params=OPERATIONS)
def operation(request):
    """ An operation, with what the ledger says once it was executed. """
    operation = OPERATIONS[request.param]
    operation.name = request.param.split()[-1]
    operation.run = lambda payment: operation.prepare(payment)()
    return operation


@pytest.mark.parametrize('fault', EXECUTED)
def test_executed_operation_without_answer_is_settled_by_the_check(merchant, operation, fault):
    payment = merchant.receive_payment(100, command=operation.command)
    before = payment.read().state
    merchant.order_fault(operation.name, fault, seconds=3)
    merchant.hold_notifications()
    operation.run(payment)
    assert payment.read().state == before
    assert payment.is_under_way()
    with pytest.raises(RPCError, match="under way"):
        operation.run(payment)

    payment.check()

    assert payment.read().state == operation.state
    assert not payment.is_under_way()
    payment.assert_in_step(**operation.sums, operations=[operation.name])


@pytest.mark.parametrize('fault', NOT_EXECUTED)
def test_operation_that_never_arrived_fails_after_a_while_and_can_be_repeated(
    merchant, operation, fault
):
    payment = merchant.receive_payment(100, command=operation.command)
    before = payment.read().state
    merchant.order_fault(operation.name, fault, seconds=3)
    operation.run(payment)
    payment.check()
    assert payment.is_under_way(), "It may still be on its way."

    payment.age('aps_request_date', days=1)
    payment.check()

    assert not payment.is_under_way()
    assert payment.read().state == before
    operation.run(payment)
    assert payment.read().state == operation.state
    payment.assert_in_step(**operation.sums, operations=[operation.name])


def test_late_notification_settles_an_operation_without_answer(merchant, operation):
    payment = merchant.receive_payment(100, command=operation.command)
    merchant.hold_notifications()
    merchant.order_fault(operation.name, 'close')
    operation.run(payment)
    assert payment.is_under_way()
    merchant.deliver_notifications()
    merchant.run_check_cron()  # A notice of a capture doesn't tell which one it is about.
    assert not payment.is_under_way()
    assert payment.read().state == operation.state
    payment.assert_in_step(**operation.sums, operations=[operation.name])


def test_repeated_notification_of_an_operation_changes_nothing(merchant, operation):
    payment = merchant.receive_payment(100, command=operation.command)
    merchant.order_fault('NOTIFICATION', 'duplicate', times=2)
    operation.run(payment)
    merchant.wait_for_notifications()
    merchant.run_check_cron()
    payment.assert_in_step(**operation.sums, operations=[operation.name])


def test_unreachable_api_fails_at_once_and_says_so(merchant, operation):
    payment = merchant.receive_payment(100, command=operation.command)
    before = payment.read().state
    merchant.point_to('http://127.0.0.1:9')
    try:
        operation.run(payment)
    finally:
        merchant.point_to(merchant.shop.sandbox_url)
    assert payment.read().state == before
    assert not payment.is_under_way()
    assert any(
        "can't be reached" in (tx['aps_staff_message'] or '') for tx in payment.read_family()
    )


@pytest.fixture
def impostor(tmp_path):
    """ A host with a certificate that nobody vouches for, which keeps what it is sent. """
    install_packages('openssl')
    certificate, key = tmp_path / 'certificate.pem', tmp_path / 'key.pem'
    run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1',
         '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1',
         '-keyout', key, '-out', certificate], what="Making a certificate",
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    received = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError), context.wrap_socket(self.request, server_side=True) as stream:
                received.append(stream.recv(65536))

    with socketserver.ThreadingTCPServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        yield SimpleNamespace(url=f'https://127.0.0.1:{port}', received=received)
        server.shutdown()


def test_nothing_is_sent_to_a_host_that_cannot_prove_to_be_aps(merchant, impostor):
    payment = merchant.receive_payment(100, command='PURCHASE')
    merchant.point_to(impostor.url)
    try:
        payment.refund(30)
    finally:
        merchant.point_to(merchant.shop.sandbox_url)
    assert not any(impostor.received)
    assert not payment.is_under_way()
    [refund] = payment.read_family('refund')
    assert refund['state'] == 'error'
    assert "Nothing was sent" in refund['aps_staff_message']

    payment.refund(30)
    payment.assert_in_step(captured=10000, refunded=3000, operations=['REFUND'])


def test_refusal_of_aps_is_shown_with_its_meaning(merchant, operation):
    payment = merchant.receive_payment(100, command=operation.command)
    status = {'CAPTURE': '05', 'VOID_AUTHORIZATION': '09', 'REFUND': '07'}[operation.name]
    before = payment.read().state
    merchant.order_fault(operation.name, 'answer', response_code=f'{status}666')
    operation.run(payment)
    assert payment.read().state == before
    assert not payment.is_under_way()
    messages = [tx['aps_staff_message'] or '' for tx in payment.read_family()]
    assert any('Declined' in message and f'{status}666' in message for message in messages)
    shown = merchant.shop.query(
        "SELECT message FROM bus_bus WHERE message LIKE '%simple_notification%' "
        "ORDER BY id DESC LIMIT 1"
    )
    assert payment.reference in shown and f'{status}666' in shown, "Not shown on the screen."


@pytest.mark.parametrize('fault', ('timeout_after', 'timeout_before', 'error_500'))
def test_fault_at_the_last_of_several_operations_is_settled(merchant, fault):
    payment = merchant.receive_payment(100)
    merchant.hold_notifications()

    def run_with_fault(name, operation):
        merchant.order_fault(name, fault, seconds=3)
        operation()
        assert payment.is_under_way()
        payment.age('aps_request_date', hours=1)
        payment.check()
        assert not payment.is_under_way()
        if fault in NOT_EXECUTED:
            operation()

    payment.capture(40)
    run_with_fault('CAPTURE', lambda: payment.capture(60))
    payment.assert_in_step(captured=10000, operations=['CAPTURE'] * 2)

    [*_first, second] = [
        row['id'] for row in payment.read_family(operation='online_redirect', is_child=True)
        if row['state'] == 'done'
    ]
    merchant.refund(second, 10)
    merchant.refund(second, 20.5)
    run_with_fault('REFUND', lambda: merchant.refund(second, 29.5))
    payment.assert_in_step(
        captured=10000, refunded=6000, operations=['CAPTURE'] * 2 + ['REFUND'] * 3
    )


def test_double_click_sends_once(merchant, operation):
    payment = merchant.receive_payment(100, command=operation.command)
    merchant.order_fault(operation.name, 'slow', seconds=1)
    confirm = operation.prepare(payment)
    barrier = Barrier(4)

    def click(_index):
        barrier.wait()
        try:
            confirm()
            return True
        except RPCError:
            return False

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(click, range(4)))
    assert any(outcomes)
    payment.assert_in_step(**operation.sums, operations=[operation.name])


@pytest.mark.parametrize('moment', ('queued', 'applied'))
def test_conflict_in_the_database_sends_once(merchant, operation, moment):
    payment = merchant.receive_payment(100, command=operation.command)
    with merchant.provoke_conflicts(moment, times=2) as count_conflicts:
        operation.run(payment)
        assert count_conflicts() > 2, "The conflicts did not hit the operation."
    payment.assert_in_step(**operation.sums, operations=[operation.name])


@pytest.mark.parametrize('operation', ('partial CAPTURE', 'REFUND'), indirect=True)
def test_notice_that_meets_the_commit_of_its_answer_is_taken_at_once(merchant, operation):
    """ Odoo would run its request again, too, but only after a random time of seconds. """
    log = Path(os.environ['APS_LOG_FOLDER'], 'shop.log')
    payment = merchant.receive_payment(100, command=operation.command)
    confirm = operation.prepare(payment)
    merchant.hold_notifications()
    with merchant.delay_updates('applied', seconds=1) as wait_for_update, \
            ThreadPoolExecutor(1) as pool:
        click = pool.submit(confirm)
        wait_for_update()
        offset = log.stat().st_size
        merchant.deliver_notifications()
        merchant.wait_for_notifications()
        click.result()

    text = log.read_bytes()[offset:].decode()
    assert f'merchant_reference={payment.reference} ' in text, "The notice didn't come."
    assert 'try again in' not in text
    payment.assert_in_step(**operation.sums, operations=[operation.name])


def test_operation_that_was_interrupted_before_it_was_sent_is_sent_by_the_cron(merchant):
    payment = merchant.receive_payment(100)
    merchant.shop.query(
        "UPDATE payment_transaction SET aps_operation = 'CAPTURE', aps_request_state = 'queued', "
        "aps_next_check = now() AT TIME ZONE 'UTC' - interval '1 minute' "
        f"WHERE id = {payment.id}"
    )
    merchant.run_check_cron()
    assert payment.read().state == 'done'
    payment.assert_in_step(captured=10000, operations=['CAPTURE'])


@pytest.mark.parametrize('parts', ((100,), (40,), (40, 60)))
def test_capture_made_in_the_back_office_is_taken_over_once(merchant, parts):
    payment = merchant.receive_payment(100)
    for amount in parts:
        merchant.order_fault('NOTIFICATION', 'duplicate')
        merchant.use_back_office(payment, 'CAPTURE', amount * 100)
    assert payment.read().state == ('done' if sum(parts) == 100 else 'authorized')
    payment.assert_in_step(captured=sum(parts) * 100)


def test_void_made_in_the_back_office_is_taken_over(merchant):
    payment = merchant.receive_payment(100)
    merchant.use_back_office(payment, 'VOID_AUTHORIZATION')
    assert payment.read().state == 'cancel'
    payment.assert_in_step(voided=True)


def test_refunds_made_in_the_back_office_are_taken_over_once(merchant):
    payment = merchant.receive_payment(100, command='PURCHASE')
    for _turn in range(2):  # Two refunds that look the same are two refunds.
        merchant.order_fault('NOTIFICATION', 'duplicate')
        merchant.use_back_office(payment, 'REFUND', 2500)
    refunds = payment.read_family(operation='refund')
    assert [(tx['amount'], tx['state']) for tx in refunds] == [(-25, 'done')] * 2
    payment.assert_in_step(captured=10000, refunded=5000)


def test_lost_notification_is_found_out_by_the_check(merchant):
    merchant.order_fault('NOTIFICATION', 'drop', times=5)
    payment = merchant.receive_payment(100, command='PURCHASE')
    assert payment.read().state == 'draft'
    payment.make_due()
    merchant.run_check_cron()
    assert payment.read().state == 'done'
    assert not payment.read_family()[0]['aps_next_check']
    payment.assert_in_step(captured=10000)


def test_abandoned_checkout_is_canceled_only_after_its_time_and_a_late_success_wins(merchant):
    payment = merchant.open_page(100, command='PURCHASE')
    payment.check()
    assert payment.read().state == 'draft'
    payment.age('create_date', days=5)
    payment.check()
    assert payment.read().state == 'cancel'
    assert "not been charged" in payment.read().state_message
    payment.pay()
    assert payment.read().state == 'done'
    payment.assert_in_step(captured=10000)


def test_check_never_cancels_on_doubt(merchant):
    payment = merchant.open_page(100, command='PURCHASE')
    payment.age('create_date', days=5)
    for fault in ('error_500', 'wrong_signature', 'garbage', 'xml', 'close'):
        merchant.order_fault('CHECK_STATUS', fault)
        with pytest.raises(RPCError):
            payment.check()
        assert payment.read().state == 'draft'


def test_parallel_requests_for_one_refund_on_two_roads_send_once(merchant):
    payment = merchant.receive_payment(100, command='PURCHASE')
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _index: payment.try_refund(100), range(10)))
    deadline = time.monotonic() + 30
    while payment.is_under_way() and time.monotonic() < deadline:
        time.sleep(0.2)
    payment.assert_in_step(captured=10000, refunded=10000, operations=['REFUND'])


# Ours, how it fails, whether APS executes it, what the back office captures besides, whose notices
# arrive, and what Odoo must show at once.
BESIDES = (
    (30, 'close', 20, 'all', 5000),
    (30, 'close', 20, 'own', 5000),
    (30, 'close', 20, 'none', 5000),
    (30, 'close_before', 20, 'all', 2000),
    (30, 'close_before', 20, 'none', 2000),
    (30, 'close_before', 100, 'all', 10000),
    (30, 'close_before', 100, 'none', 10000),
    (100, 'close_before', 60, 'all', 6000),
    (100, 'close_before', 60, 'none', 6000),
)


@pytest.mark.parametrize('own, fault, other, notices, total', BESIDES)
def test_total_is_in_odoo_at_once_beside_an_operation_of_unknown_outcome(
    merchant, own, fault, other, notices, total
):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CAPTURE', fault)
    if notices != 'all':
        merchant.order_fault('NOTIFICATION', 'drop', times=1 if notices == 'own' else 2)
    payment.capture(own)
    merchant.use_back_office(payment, 'CAPTURE', other * 100)
    payment.make_due()
    merchant.run_check_cron()

    payment.assert_in_step(captured=total)
    if payment.is_under_way():
        [row] = [row for row in payment.read_family() if row['aps_request_state']]
        assert "asking until" in row['aps_staff_message']
        payment.age('aps_request_date', minutes=20)
        payment.check()
    assert not payment.is_under_way(), "It is not settled before four days are over."
    payment.assert_in_step(captured=total)
    if total < 10000:
        payment.capture(10)
        payment.assert_in_step(captured=total + 1000)


@pytest.mark.parametrize('shrinks', (False, True))
@pytest.mark.parametrize('notices', ('in order', 'in reverse', 'lost'))
def test_sums_that_odoo_learns_together_are_taken_over(merchant, shrinks, notices):
    account = f'accounts/{merchant.shop.merchant}'
    merchant.forget_sum_rule()
    merchant.shop.sandbox('PATCH', account, {'captured_shrinks': shrinks})
    try:
        payment = merchant.receive_payment(100)
        merchant.order_fault('NOTIFICATION', 'drop' if notices == 'lost' else 'hold', times=2)
        for command, amount in (('CAPTURE', 6000), ('REFUND', 2000)):
            merchant.shop.sandbox('POST', 'backoffice', {
                'merchant_reference': payment.reference, 'command': command, 'amount': amount,
            })
        held = merchant.shop.sandbox(
            'GET', f'notifications?merchant_reference={payment.reference}&state=held'
        )['notifications']
        numbers = sorted(one['id'] for one in held)
        merchant.shop.sandbox('POST', 'notifications/deliver', {
            'ids': numbers if notices == 'in order' else numbers[::-1],
        })
        payment.make_due()
        merchant.run_check_cron()

        least = 4000 if shrinks and notices == 'lost' else 6000  # As much as is certain.
        assert payment.sum_in_odoo() == (least, 2000, False)
        assert bool(payment.read_family()[0]['aps_staff_message']) == (notices == 'lost')
        if notices == 'lost':  # A payment that was captured in full shows how sums are told.
            other_payment = merchant.receive_payment(100, command='PURCHASE')
            other_payment.refund(30)
            other_payment.check()
            payment.check()
        payment.assert_in_step(captured=6000, refunded=2000)
        assert not payment.read_family()[0]['aps_staff_message']
    finally:
        merchant.shop.sandbox('PATCH', account, {'captured_shrinks': False})
        merchant.forget_sum_rule()


def test_capture_after_captures_and_refunds_of_odoo_is_taken_over(merchant):
    merchant.forget_sum_rule()
    payment = merchant.receive_payment(100)
    payment.capture(60)
    [capture] = payment.read_family(is_child=True)
    merchant.refund(capture['id'], 20)
    merchant.use_back_office(payment, 'CAPTURE', 2000)
    payment.assert_in_step(captured=8000, refunded=2000)


def test_capture_that_aps_decides_about_is_not_offered_again(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CAPTURE', 'answer', response_code='15777')
    payment.capture(40)
    for interval in ({'hours': 1}, {'days': 5}):
        payment.age('aps_request_date', **interval)
        payment.check()
        assert payment.is_under_way(), "It can be made a second time."
        [row] = [row for row in payment.read_family() if row['aps_request_state']]
        assert "Do not repeat it" in row['aps_staff_message']
        with pytest.raises(RPCError, match="under way"):
            payment.capture(40)

    merchant.shop.sandbox('POST', 'settle', {'merchant_reference': payment.reference})
    merchant.wait_for_notifications()
    merchant.run_check_cron()
    assert not payment.is_under_way()
    payment.assert_in_step(captured=4000)


@pytest.fixture
def silent_api(merchant):
    """ An API that doesn't answer queries, as that of an account that may not ask. """
    merchant.order_fault('CHECK_STATUS', 'error_500', times=1000)


@pytest.mark.usefixtures('silent_api')
@pytest.mark.parametrize('parts', ((100,), (40,), (40, 60)))
def test_capture_of_the_back_office_is_taken_over_without_queries(merchant, parts):
    payment = merchant.receive_payment(100)
    for amount in parts:
        merchant.order_fault('NOTIFICATION', 'duplicate')
        merchant.use_back_office(payment, 'CAPTURE', amount * 100)
    payment.assert_in_step(captured=sum(parts) * 100)


@pytest.mark.usefixtures('silent_api')
def test_refund_of_the_back_office_is_taken_over_without_queries(merchant):
    payment = merchant.receive_payment(100, command='PURCHASE')
    merchant.order_fault('NOTIFICATION', 'duplicate')
    merchant.use_back_office(payment, 'REFUND', 10000)
    payment.assert_in_step(captured=10000, refunded=10000)


@pytest.mark.usefixtures('silent_api')
def test_own_capture_is_settled_by_its_notice_without_queries(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CAPTURE', 'close')
    payment.capture(100)
    merchant.wait_for_notifications()
    assert not payment.is_under_way()
    payment.assert_in_step(captured=10000, operations=['CAPTURE'])


@pytest.mark.usefixtures('silent_api')
def test_what_cannot_be_told_without_queries_is_said_on_the_invoice(merchant):
    invoice_id = merchant.make_document('account.move', 100)
    payment = merchant.open_page(100, command='PURCHASE', invoice_ids=[(6, 0, [invoice_id])])
    payment.pay()
    merchant.post_process()
    for _turn in range(2):  # Two refunds that are told in the same words.
        merchant.use_back_office(payment, 'REFUND', 2500)
    payment.age('aps_last_notice', hours=2)
    for _turn in range(2):
        payment.make_due()
        merchant.run_check_cron()
    assert payment.sum_in_odoo() == (10000, 2500, False)
    assert "APS dashboard" in payment.read_family()[0]['aps_staff_message']
    notes = [
        row['body'] for row in merchant.rpc.search_read(
            'mail.message', [('model', '=', 'account.move'), ('res_id', '=', invoice_id)], ['body']
        )
    ]
    assert sum("APS dashboard" in body for body in notes) == 1

    merchant.shop.sandbox('DELETE', 'faults')
    payment.check()
    payment.assert_in_step(captured=10000, refunded=5000)
    assert not payment.read_family()[0]['aps_staff_message']
