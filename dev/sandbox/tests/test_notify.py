""" Notifications: what is sent, when, how often, and what can go wrong (section 8). """

import json
import time


def notifications(client):
    """ Return all the notifications. """
    return client.get('/_sandbox/notifications').json['notifications']


def test_payment_is_fed_back_with_the_fields_of_the_return(shop, webhook):
    fields = shop.pay()
    shop.control('notifications/wait')

    assert webhook.content_types == ['application/x-www-form-urlencoded']
    assert webhook.fields() == fields


def test_feedback_may_be_json(shop, webhook):
    shop.setup(notification_format='json')
    fields = shop.pay(form={'language': 'ar'})
    shop.control('notifications/wait')

    assert webhook.content_types == ['application/json']
    assert json.loads(webhook.received[0]) == fields


def test_feedback_may_be_xml(shop, webhook):
    shop.setup(notification_format='xml')
    shop.pay()
    shop.control('notifications/wait')

    assert '<response_code>14000</response_code>' in webhook.received[0]


def test_operations_are_notified(shop, webhook, client):
    shop.pay(command='AUTHORIZATION')
    shop.api(command='CAPTURE', amount='9000', currency='SAR')
    shop.api(command='REFUND', amount='100', currency='SAR', maintenance_reference='R-S1')
    shop.control('notifications/wait')

    sent = [(one['kind'], one['fields']['response_code']) for one in notifications(client)]
    assert sent == [('feedback', '02000'), ('notification', '04000'), ('notification', '06000')]
    last = notifications(client)[-1]['fields']
    assert (last['maintenance_reference'], last['merchant_reference']) == ('R-S1', 'S1')
    assert shop.is_from_aps(last)


def test_refused_operation_and_cancellation_are_not_notified(shop, webhook, client):
    shop.pay(result='cancel')
    shop.pay('S2', notify=False)
    shop.api('S2', command='REFUND', amount='99999', currency='SAR')

    assert notifications(client) == []


def test_operation_in_the_back_office_is_notified_without_our_number(shop, webhook, client):
    shop.pay()

    order = {'merchant_reference': 'S1', 'command': 'REFUND', 'amount': 250}
    fields = shop.control('backoffice', **order)['fields']
    shop.control('notifications/wait')

    assert notifications(client)[-1]['fields'] == fields
    assert 'maintenance_reference' not in fields
    assert (fields['amount'], shop.ledger()['refunded']) == ('250', 250)


def test_back_office_keeps_the_rules(shop, client):
    shop.pay()
    body = {'merchant_reference': 'S1', 'command': 'VOID_AUTHORIZATION'}

    assert client.post('/_sandbox/backoffice', json=body).status_code == 409


def test_open_payment_is_settled_by_a_notification(shop, webhook, client):
    shop.pay('S1', result='uncertain')
    shop.pay('S2', result='pending')

    settled = shop.control('settle', merchant_reference='S1')['fields']
    shop.control('settle', merchant_reference='S2', result='declined')
    shop.control('notifications/wait')

    assert (settled['response_code'], shop.ledger('S1')['captured']) == ('14000', 10000)
    assert shop.ledger('S2')['response_code'] == '13666'
    assert [one['kind'] for one in notifications(client)[2:]] == ['notification'] * 2
    response = client.post('/_sandbox/settle', json={'merchant_reference': 'S1'})
    assert response.status_code == 409


def test_failed_delivery_is_repeated_until_it_is_acknowledged(shop, webhook, client):
    webhook.statuses = [500, 403, 302]
    shop.pay()
    assert shop.control('notifications/wait', timeout=5)['idle']

    one = notifications(client)[0]
    assert (one['state'], one['attempts'], one['last_status']) == ('delivered', 3, 302)
    assert len(set(webhook.received)) == 1


def test_delivery_is_given_up_after_the_last_retry(shop, webhook, client):
    webhook.statuses = [500] * 9
    shop.pay()
    assert shop.control('notifications/wait', timeout=5)['idle']

    one = notifications(client)[0]
    assert (one['state'], one['attempts']) == ('failed', 4)


def test_silent_shop_is_a_failure(shop, client):
    shop.setup(feedback_url='http://127.0.0.1:9/')
    shop.pay()
    assert shop.control('notifications/wait', timeout=5)['idle']

    one = notifications(client)[0]
    assert (one['state'], one['last_status']) == ('failed', 0)


def test_held_notifications_are_delivered_in_the_order_asked_for(shop, webhook, client):
    shop.control('faults', command='NOTIFICATION', fault='hold', times=2)
    shop.pay('S1')
    shop.pay('S2')
    first, second = (one['id'] for one in notifications(client))
    assert {one['state'] for one in notifications(client)} == {'held'} and not webhook.received

    shop.control('notifications/deliver', ids=[second, first])

    references = [webhook.fields(number)['merchant_reference'] for number in (0, 1)]
    assert references == ['S2', 'S1']


def test_all_held_notifications_are_delivered_when_none_is_named(shop, webhook):
    shop.control('faults', command='NOTIFICATION', fault='hold', times=2)
    shop.pay('S1')
    shop.pay('S2')

    shop.control('notifications/deliver', merchant_reference='S2')
    delivered = shop.control('notifications/deliver')['notifications']

    assert [one['merchant_reference'] for one in delivered] == ['S1']
    assert delivered[0]['last_status'] == 200


def test_notification_can_be_sent_once_more(shop, webhook, client):
    shop.pay()
    shop.control('notifications/wait')

    shop.control(f"notifications/{notifications(client)[0]['id']}/redeliver")

    assert webhook.received[0] == webhook.received[1]
    assert client.post('/_sandbox/notifications/999/redeliver').status_code == 404


def test_dropped_notification_never_arrives(shop, webhook, client):
    shop.control('faults', command='NOTIFICATION', fault='drop')
    shop.pay()
    shop.control('notifications/wait')

    assert notifications(client)[0]['state'] == 'dropped' and not webhook.received


def test_duplicate_notification_arrives_twice(shop, webhook):
    shop.control('faults', command='NOTIFICATION', fault='duplicate')
    shop.pay()
    shop.control('notifications/wait')

    assert len(webhook.received) == 2


def test_corrupt_notification_does_not_verify(shop, webhook):
    shop.control('faults', command='NOTIFICATION', fault='corrupt')
    shop.pay()
    shop.control('notifications/wait')

    assert not shop.is_from_aps(webhook.fields())


def test_delayed_notification_arrives_later(shop, webhook):
    shop.control('faults', command='NOTIFICATION', fault='delay', seconds=0.3)
    start = time.monotonic()
    shop.pay()
    shop.control('notifications/wait')

    assert time.monotonic() - start >= 0.3 and len(webhook.received) == 1


def test_later_notification_overtakes_an_earlier_one(shop, webhook):
    shop.control('faults', command='NOTIFICATION', fault='reorder')
    shop.pay()
    shop.api(command='REFUND', amount='100', currency='SAR')
    shop.control('notifications/wait')

    assert [webhook.fields(number)['command'] for number in (0, 1)] == ['REFUND', 'PURCHASE']
