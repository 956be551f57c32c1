""" Problems: noted where they happen or by the watch, told once, and over by themselves. """

import hashlib
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from workbench.rpc import RPCError

FIELDS = ['kind', 'state', 'detail', 'count', 'transaction_id', 'activity_id', 'end_date']
# Has the database refuse to book any payment.
REFUSE_BOOKING = """
CREATE FUNCTION refuse_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the journal is closed' USING ERRCODE = '23514'; END $$;
CREATE TRIGGER refuse_booking BEFORE INSERT ON account_payment FOR EACH ROW
    EXECUTE FUNCTION refuse_booking();
"""
ALLOW_BOOKING = 'DROP TRIGGER refuse_booking ON account_payment; DROP FUNCTION refuse_booking;'


@pytest.fixture(autouse=True)
def no_problems(merchant):
    """ Nothing that other tests have left is a problem of these. """
    merchant.wait_for_notifications()  # A late one would end a problem of the credentials.
    merchant.leave_open_payments_alone()
    merchant.shop.query(
        "UPDATE payment_transaction SET is_post_processed = true, aps_request_state = NULL, "
        "state = CASE WHEN state IN ('pending', 'authorized') THEN 'error' ELSE state END; "
        "DELETE FROM mail_activity WHERE res_model = 'payment.aps.problem'; "
        "DELETE FROM payment_aps_problem"
    )


def run_watch(merchant):
    """ Run the watch. """
    merchant._run_cron('payment_aps.ir_cron_aps_watch')


def find(merchant, kind, **criteria):
    """ Return the problems of a kind. """
    domain = [('kind', '=', kind), *((name, '=', value) for name, value in criteria.items())]
    return merchant.rpc.search_read('payment.aps.problem', domain, FIELDS, order='id')


def act(merchant, problem):
    """ Click on the button of a problem. """
    return merchant.rpc.call('payment.aps.problem', 'action_solve', [problem['id']])


def assert_told_once(merchant, kind):
    """ Check that the watch tells of the only problem that is open, and return it. """
    run_watch(merchant)
    [problem] = find(merchant, kind, state='open')
    assert problem['activity_id']
    run_watch(merchant)
    [again] = find(merchant, kind, state='open')
    assert again['activity_id'] == problem['activity_id']
    activities = merchant.rpc.search_read(
        'mail.activity', [('res_model', '=', 'payment.aps.problem')], ['res_id']
    )
    assert [activity['res_id'] for activity in activities] == [problem['id']]
    return problem


def assert_solved(merchant, problem):
    """ Check that the watch ends a problem, and its activity. """
    run_watch(merchant)
    [after] = find(merchant, problem['kind'], id=problem['id'])
    assert after['state'] == 'solved' and after['end_date']
    assert not merchant.rpc.search_read(
        'mail.activity', [('id', '=', problem['activity_id'][0])], ['id']
    )


def test_failed_capture_is_a_problem_until_another_one_succeeds(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CAPTURE', 'answer', response_code='05666')
    payment.capture(40)
    problem = assert_told_once(merchant, 'operation_failed')
    assert '05666' in problem['detail']

    assert act(merchant, problem)['res_id'] == payment.id
    assert find(merchant, 'operation_failed', state='open')

    payment.capture(40)
    merchant.post_process()
    assert_solved(merchant, problem)


def test_refused_signature_is_noted_although_the_request_of_the_user_is_rolled_back(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CHECK_STATUS', 'answer', response_code='00008')
    with pytest.raises(RPCError):
        payment.check()
    problem = assert_told_once(merchant, 'credentials')
    payment.check()
    assert_solved(merchant, problem)


def test_processes_that_note_the_same_problem_make_one_and_stop_nobody(merchant):
    payments = [merchant.receive_payment(100) for _number in range(4)]
    merchant.order_fault('CHECK_STATUS', 'answer', response_code='00008', times=4)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(is_refused, payments))
    assert all(results)
    [problem] = find(merchant, 'credentials')
    assert problem['count'] == 4


def is_refused(payment):
    """ Return whether APS refuses to tell about a payment. """
    try:
        payment.check()
    except RPCError:
        return True
    return False


def test_message_with_another_amount_is_a_problem_until_the_right_one_comes(merchant):
    payment = merchant.open_page(100, command='PURCHASE')
    message = merchant.shop.sandbox('POST', 'sign', {
        'merchant_identifier': merchant.shop.merchant, 'direction': 'response', 'fields': {
            'command': 'PURCHASE', 'merchant_identifier': merchant.shop.merchant,
            'access_code': 'SandboxAccessCode1', 'merchant_reference': payment.reference,
            'amount': '1', 'currency': 'AED', 'language': 'en', 'fort_id': '169996200024611493',
            'customer_email': 'shopper@example.com', 'customer_ip': '192.0.2.10',
            'payment_option': 'VISA', 'eci': 'ECOMMERCE', 'authorization_code': '123456',
            'card_number': '400555******0001', 'expiry_date': '3005',
            'response_message': 'Success', 'status': '14', 'response_code': '14000',
        },
    })['fields']
    body = urllib.parse.urlencode(message).encode()
    urllib.request.urlopen(f'{merchant.shop.url}/payment/aps/webhook', body, timeout=30).close()
    problem = assert_told_once(merchant, 'mismatch')
    assert problem['transaction_id'][0] == payment.id
    merchant.shop.query(
        "UPDATE payment_aps_problem SET last_date = last_date - interval '1 minute'"
    )
    payment.pay()
    merchant.post_process()
    assert_solved(merchant, problem)


def test_payment_that_can_not_be_booked_shows_the_error_and_is_booked_by_the_button(merchant):
    invoice_id = merchant.make_document('account.move', 100)
    payment = merchant.open_page(100, command='PURCHASE', invoice_ids=[(6, 0, [invoice_id])])
    merchant.shop.query(REFUSE_BOOKING)
    try:
        payment.pay()
        merchant.post_process()
        payment.age('last_state_change', hours=2)
        problem = assert_told_once(merchant, 'not_booked')
        assert "journal is closed" in problem['detail']
        assert act(merchant, problem)['params']['type'] == 'danger'
    finally:
        merchant.shop.query(ALLOW_BOOKING)
    assert act(merchant, problem)['params']['type'] == 'success'
    assert merchant.read_documents('account.move', [invoice_id]) != ['not_paid']
    assert_solved(merchant, problem)


def test_authorization_about_to_lapse_is_a_problem_until_it_is_captured(merchant):
    payment = merchant.receive_payment(100)
    payment.age('last_state_change', days=6)
    problem = assert_told_once(merchant, 'lapsing')
    assert act(merchant, problem)['res_model'] == 'payment.capture.wizard'
    payment.capture(100)
    merchant.post_process()
    assert_solved(merchant, problem)


@contextmanager
def take_live_payments(merchant, payments):
    """ Have the provider look as if it took live payments, and the payments as if they were. """
    name = f'enabled {merchant.shop.merchant}'
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    ids = ', '.join(str(payment.id) for payment in payments)
    merchant.shop.query(
        f"UPDATE payment_transaction SET aps_account = '{digest}' WHERE id IN ({ids}); "
        f"UPDATE payment_aps_message SET account = '{digest}'; "
        "UPDATE payment_provider SET state = 'enabled', aps_database = value "
        "FROM ir_config_parameter WHERE code = 'aps' AND key = 'database.uuid'"
    )
    try:
        yield
    finally:
        merchant.shop.query("UPDATE payment_provider SET state = 'test' WHERE code = 'aps'")


def test_webhook_that_is_not_set_is_noticed_within_a_day(merchant):
    account = f'accounts/{merchant.shop.merchant}'
    before = merchant.shop.sandbox('GET', account)
    names = ('feedback_url', 'notification_url')
    merchant.shop.query(
        "UPDATE payment_aps_message SET create_date = create_date - interval '1 day'"
    )
    merchant.shop.sandbox('PATCH', account, dict.fromkeys(names))
    try:
        payments = [merchant.receive_payment(100, command='PURCHASE') for _number in range(3)]
        for payment in payments:
            assert payment.read().state == 'draft'
            payment.check()
            assert payment.read().state == 'done'
        merchant.post_process()
    finally:
        merchant.shop.sandbox('PATCH', account, {name: before[name] for name in names})
    merchant.shop.query(
        "UPDATE payment_aps_message SET create_date = create_date - interval '1 hour'"
    )
    with take_live_payments(merchant, payments):
        problem = assert_told_once(merchant, 'webhook_silent')
        assert act(merchant, problem)['res_id'] == merchant.provider_id
    merchant.receive_payment(100, command='PURCHASE')
    merchant.post_process()
    with take_live_payments(merchant, payments):
        assert_solved(merchant, problem)
