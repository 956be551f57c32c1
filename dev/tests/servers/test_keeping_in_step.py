""" What Odoo must not lose, and not believe, when notices are late, lost or misleading. """

import urllib.parse
import urllib.request

import pytest

from workbench.rpc import RPCError


def test_old_notice_of_a_failure_does_not_fail_another_capture(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('NOTIFICATION', 'hold')
    merchant.order_fault('CAPTURE', 'answer', response_code='05666')
    payment.capture(40)
    merchant.order_fault('NOTIFICATION', 'drop')
    merchant.order_fault('CAPTURE', 'close')
    payment.capture(40)

    merchant.shop.sandbox('POST', 'notifications/deliver', {})
    merchant.wait_for_notifications()

    states = [row['state'] for row in payment.read_family(is_child=True)]
    assert states.count('error') == 1, "Whoever reads that it failed captures once more."
    payment.check()
    payment.assert_in_step(captured=4000)


def test_old_notice_of_a_success_does_not_confirm_another_capture(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('NOTIFICATION', 'hold')
    payment.capture(40)
    merchant.order_fault('CAPTURE', 'close_before')
    payment.capture(40)

    merchant.deliver_notifications()
    merchant.wait_for_notifications()

    assert payment.sum_in_odoo() == (4000, 0, False)
    payment.age('aps_request_date', days=1)
    payment.check()
    payment.assert_in_step(captured=4000)


def test_declined_attempt_before_a_paid_one_is_not_the_last_word(merchant):
    merchant.shop.sandbox('PATCH', f'accounts/{merchant.shop.merchant}', {'attempts': 3})
    payment = merchant.open_page(100, command='PURCHASE')
    merchant.shop.sandbox('POST', 'pay', {
        'merchant_reference': payment.reference, 'result': 'declined', 'stay': True,
    })
    merchant.wait_for_notifications()
    merchant.order_fault('NOTIFICATION', 'drop', times=5)
    payment.pay()
    assert payment.read().state == 'error'

    payment.make_due()
    merchant.run_check_cron()

    payment.assert_in_step(captured=10000)


@pytest.mark.parametrize('result', ('success', 'declined'))
@pytest.mark.parametrize('response_code', ('15777', '40090', '19065', '13006'))
def test_uncertain_attempt_after_a_declined_one_is_not_to_be_paid_again(
    merchant, response_code, result
):
    merchant.shop.sandbox('PATCH', f'accounts/{merchant.shop.merchant}', {'attempts': 3})
    payment = merchant.open_page(100, command='PURCHASE')
    for code, options in (('declined', {'stay': True}), (response_code, {})):
        merchant.shop.sandbox('POST', 'pay', {
            'merchant_reference': payment.reference, 'result': code, **options,
        })
        merchant.wait_for_notifications()
    assert payment.read().state == 'pending'
    assert "do not pay again" in payment.read().state_message
    merchant.run_check_cron()
    if response_code != '13006':  # Which the sandbox takes for a final answer.
        assert payment.read().state == 'pending'
        assert payment.read_family()[0]['aps_next_check']
        merchant.shop.sandbox('POST', 'settle', {
            'merchant_reference': payment.reference, 'result': result,
        })
        merchant.wait_for_notifications()
        merchant.run_check_cron()  # Two failures are told in the same words.
        assert payment.read().state == ('done' if result == 'success' else 'error')


def test_payment_that_is_never_finished_ends(merchant):
    payment = merchant.open_page(100, command='PURCHASE')
    merchant.shop.sandbox('POST', 'pay', {
        'merchant_reference': payment.reference, 'result': '20064',
    })
    merchant.wait_for_notifications()
    assert payment.read().state == 'pending'
    for field in ('create_date', 'last_state_change'):
        payment.age(field, days=5)
    payment.make_due()
    merchant.run_check_cron()
    assert payment.read().state == 'cancel'
    assert "not been charged" not in payment.read().state_message
    merchant.shop.sandbox('POST', 'settle', {'merchant_reference': payment.reference})
    merchant.wait_for_notifications()
    payment.assert_in_step(captured=10000)


def test_last_check_is_repeated_until_it_is_answered(merchant):
    payment = merchant.open_page(100, command='PURCHASE')
    merchant.order_fault('NOTIFICATION', 'drop', times=5)
    payment.pay()
    payment.age('create_date', days=5)
    payment.make_due()
    merchant.order_fault('CHECK_STATUS', 'error_500')
    merchant.run_check_cron()
    assert payment.read_family()[0]['aps_next_check']

    payment.make_due()
    merchant.run_check_cron()

    payment.assert_in_step(captured=10000)


def test_second_operation_of_a_payment_is_asked_about_like_the_first(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CAPTURE', 'answer', response_code='05666')
    payment.capture(100)
    payment.age('aps_request_date', days=5)
    merchant.hold_notifications()
    merchant.order_fault('CAPTURE', 'close')
    payment.capture(100)
    assert payment.read_family()[0]['aps_next_check']

    payment.make_due()
    merchant.run_check_cron()

    payment.assert_in_step(captured=10000)


def test_repeated_authorization_does_not_revive_a_voided_payment(merchant):
    payment = merchant.receive_payment(100)
    payment.void()
    fields = merchant.shop.sandbox('POST', 'sign', {
        'merchant_identifier': merchant.shop.merchant,
        'fields': {
            'command': 'AUTHORIZATION', 'merchant_identifier': merchant.shop.merchant,
            'merchant_reference': payment.reference, 'amount': '10000', 'currency': 'AED',
            'fort_id': '77', 'payment_option': 'VISA', 'status': '02', 'response_code': '02000',
        },
    })['fields']
    body = urllib.parse.urlencode(fields).encode()
    url = f'{merchant.shop.url}/payment/aps/webhook'
    with urllib.request.urlopen(url, body, timeout=30) as response:
        assert response.status == 200
    assert payment.read().state == 'cancel'


def test_capture_of_the_back_office_beside_a_lost_one_is_taken_over(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CAPTURE', 'close_before')
    payment.capture(40)
    merchant.use_back_office(payment, 'CAPTURE', 3000)
    assert payment.is_under_way(), "It may still be on its way."
    payment.assert_in_step(captured=3000)

    payment.age('aps_request_date', minutes=20)
    payment.check()

    assert not payment.is_under_way()
    payment.assert_in_step(captured=3000)


def test_capture_of_the_amount_that_was_refunded_does_not_block_for_ever(merchant):
    payment = merchant.receive_payment(100)
    payment.capture(40)
    [child] = payment.read_family(is_child=True)
    merchant.refund(child['id'], 10)
    merchant.order_fault('CAPTURE', 'close_before')
    payment.capture(10)

    payment.age('aps_request_date', days=5)
    payment.check()

    assert not payment.is_under_way()
    payment.assert_in_step(captured=4000, refunded=1000)


def test_refund_of_a_capture_after_a_failed_part_is_found(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('CAPTURE', 'answer', response_code='05666')
    payment.capture(40)
    payment.capture(100)
    merchant.use_back_office(payment, 'REFUND', 2500)
    payment.check()
    payment.assert_in_step(captured=10000, refunded=2500)


def test_void_of_the_back_office_is_found_although_its_notice_got_lost(merchant):
    payment = merchant.receive_payment(100)
    merchant.order_fault('NOTIFICATION', 'drop', times=3)
    merchant.use_back_office(payment, 'VOID_AUTHORIZATION')
    assert payment.read_family()[0]['aps_next_check']

    payment.make_due()
    merchant.run_check_cron()

    payment.assert_in_step(voided=True)


def test_capture_of_the_back_office_after_the_rest_was_closed_is_taken_over(merchant):
    payment = merchant.receive_payment(100)
    payment.capture(60)
    payment.call('action_aps_close_remaining')
    merchant.use_back_office(payment, 'CAPTURE', 4000)
    payment.assert_in_step(captured=10000)

    merchant.use_back_office(payment, 'REFUND', 7000)
    payment.assert_in_step(captured=10000, refunded=7000)


@pytest.fixture
def conflict(shop):
    """ A conflict with another process that PostgreSQL finds when the next refund is recorded. """
    # A sequence doesn't go back with what is rolled back.
    shop.query("""
        CREATE SEQUENCE conflict_count;
        CREATE FUNCTION meet_conflict() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('conflict_count') = 1 THEN
                RAISE EXCEPTION 'a conflict of the tests' USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER meet_conflict BEFORE INSERT ON payment_transaction
        FOR EACH ROW WHEN (NEW.operation = 'refund') EXECUTE FUNCTION meet_conflict();
    """)
    yield lambda: int(shop.query("SELECT last_value FROM conflict_count"))
    shop.query("DROP FUNCTION meet_conflict CASCADE; DROP SEQUENCE conflict_count")


def test_conflict_does_not_put_off_what_aps_told(merchant, conflict):
    payment = merchant.receive_payment(100, command='PURCHASE')

    merchant.use_back_office(payment, 'REFUND', 4000)

    assert conflict() >= 2, "The refund was not recorded twice, the first time in vain."
    payment.assert_in_step(captured=10000, refunded=4000)


def test_failed_query_is_shown_to_who_asked(merchant):
    payment = merchant.open_page(100, command='PURCHASE')
    account = f'accounts/{merchant.shop.merchant}'
    merchant.shop.sandbox('PATCH', account, {'access_code': 'AnotherAccessCode1'})
    try:
        with pytest.raises(RPCError, match='00010'):
            payment.check()
    finally:
        merchant.shop.sandbox('PATCH', account, {'access_code': 'SandboxAccessCode1'})


def test_disabled_account_does_not_starve_the_others(merchant):
    shop = merchant.shop
    payment = merchant.open_page(10, command='PURCHASE')
    provider_id = merchant.rpc.call('payment.provider', 'copy', [merchant.provider_id])
    provider_id = provider_id[0] if isinstance(provider_id, list) else provider_id
    payment.multiply('STARVE', 150, provider_id=provider_id)
    try:
        merchant.order_fault('NOTIFICATION', 'drop', times=5)
        payment.pay()
        payment.make_due()
        merchant.run_check_cron()
        payment.assert_in_step(captured=1000)
    finally:
        shop.query("DELETE FROM payment_transaction WHERE reference LIKE 'STARVE-%'")
        merchant.rpc.call('payment.provider', 'unlink', [provider_id])
