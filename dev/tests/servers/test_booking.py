""" What was paid is booked, whatever became of the documents meanwhile. """

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.payments import Payment
from tests.support.tabs import Document, Tab
from workbench.rpc import BUSY, RPCError

BOOKED = ('posted', 'in_process', 'paid')


@pytest.fixture
def invoice_id(merchant):
    """ A posted invoice of 100.00. """
    return merchant.make_document('account.move', 100)


def open_page(merchant, invoice_id, command='PURCHASE'):
    """ Have a shopper who pays an invoice arrive on the payment page. """
    return merchant.open_page(100, command=command, invoice_ids=[(6, 0, [invoice_id])])


def cancel(merchant, invoice_id):
    """ Have the accountant cancel the invoice. """
    merchant.rpc.call('account.move', 'button_draft', [invoice_id])
    merchant.rpc.call('account.move', 'button_cancel', [invoice_id])


def read_booked(merchant, transaction_id):
    """ Return the posted accounting payments of a transaction. """
    return merchant.rpc.search_read('account.payment', [
        ('payment_transaction_id', '=', transaction_id), ('state', 'in', BOOKED),
    ], ['amount'])


def read_messages(merchant, model, record_id):
    """ Return the messages of a record. """
    return ' '.join(message['body'] for message in merchant.rpc.search_read('mail.message', [
        ('model', '=', model), ('res_id', '=', record_id),
    ], ['body']))


def post_process(merchant, payment):
    """ Run the engine's post-processing until no other process is in its way. """
    for _attempt in range(25):
        merchant.post_process()
        if payment.read().is_post_processed:
            return
        time.sleep(0.2)


def test_payment_of_an_invoice_that_was_canceled_meanwhile_is_booked(merchant, invoice_id):
    payment = open_page(merchant, invoice_id)
    cancel(merchant, invoice_id)
    payment.pay()
    post_process(merchant, payment)

    assert payment.read().is_post_processed
    [booked] = read_booked(merchant, payment.id)
    assert booked['amount'] == 100
    for model, record_id in (('account.move', invoice_id), ('account.payment', booked['id'])):
        assert "not reconciled" in read_messages(merchant, model, record_id)
    [row] = merchant.rpc.call('payment.transaction', 'read', [payment.id], ['invoice_ids'])
    assert row['invoice_ids'] == [invoice_id], "Whoever looks at the payment must find it."


def test_captures_of_an_invoice_that_was_canceled_meanwhile_are_booked(merchant, invoice_id):
    payment = open_page(merchant, invoice_id, command='AUTHORIZATION')
    payment.pay()
    cancel(merchant, invoice_id)
    payment.capture(40)
    [capture] = payment.read_family(is_child=True)
    post_process(merchant, Payment(merchant, capture['id'], capture['reference']))

    assert [row['amount'] for row in read_booked(merchant, capture['id'])] == [40]
    assert "not reconciled" in read_messages(merchant, 'account.move', invoice_id)


def test_payment_of_an_invoice_that_can_not_be_posted_is_booked_after_a_while(merchant, invoice_id):
    payment = open_page(merchant, invoice_id)
    merchant.rpc.call('account.move', 'button_draft', [invoice_id])
    merchant.rpc.call('account.move', 'write', [invoice_id], {'invoice_line_ids': [(5, 0, 0)]})
    payment.pay()
    merchant.post_process()
    assert read_booked(merchant, payment.id) == [], "It may be put right in time."

    payment.age('last_state_change', hours=2)
    post_process(merchant, payment)
    merchant.post_process()

    [booked] = read_booked(merchant, payment.id)
    for model, record_id in (('account.move', invoice_id), ('account.payment', booked['id'])):
        assert read_messages(merchant, model, record_id).count("not reconciled") == 1
    [row] = merchant.rpc.call('payment.transaction', 'read', [payment.id], ['invoice_ids'])
    assert row['invoice_ids'] == [invoice_id]


def test_payment_of_an_invoice_that_is_put_right_in_time_is_reconciled(merchant, invoice_id):
    payment = open_page(merchant, invoice_id)
    merchant.rpc.call('account.move', 'button_draft', [invoice_id])
    payment.pay()
    payment.age('last_state_change', hours=2)
    post_process(merchant, payment)
    assert merchant.read_documents('account.move', [invoice_id])[0] in ('in_payment', 'paid')


def test_payment_of_a_canceled_order_is_booked(merchant):
    order_id = merchant.make_document('sale.order', 100)
    payment = merchant.open_page(100, command='PURCHASE', sale_order_ids=[(6, 0, [order_id])])
    merchant.rpc.call('sale.order', 'write', [order_id], {'state': 'cancel'})
    payment.pay()
    post_process(merchant, payment)
    assert payment.read().is_post_processed
    assert len(read_booked(merchant, payment.id)) == 1


def test_refund_of_a_payment_whose_invoice_can_not_be_posted_is_made_and_booked(
    merchant, invoice_id
):
    payment = open_page(merchant, invoice_id)
    merchant.rpc.call('account.move', 'button_draft', [invoice_id])
    merchant.rpc.call('account.move', 'write', [invoice_id], {'invoice_line_ids': [(5, 0, 0)]})
    payment.pay()

    payment.refund(100)

    payment.assert_in_step(captured=10000, refunded=10000, operations=['REFUND'])
    assert [row['amount'] for row in read_booked(merchant, payment.id)] == [100]
    [refund] = payment.read_family(operation='refund')
    post_process(merchant, Payment(merchant, refund['id'], refund['reference']))
    assert [row['amount'] for row in read_booked(merchant, refund['id'])] == [100]


@pytest.fixture
def unconfirmable(shop):
    """ Have something in Odoo stop the confirmation of orders, until it is called. """
    shop.query("""
        CREATE FUNCTION stop_order() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'stopped';
        END $$;
        CREATE TRIGGER stop_order BEFORE UPDATE ON sale_order FOR EACH ROW
        WHEN (NEW.state = 'sale' AND OLD.state != 'sale') EXECUTE FUNCTION stop_order();
    """)
    yield lambda: shop.query("DROP TRIGGER stop_order ON sale_order")
    shop.query("DROP FUNCTION stop_order CASCADE")


def test_payment_of_an_order_that_can_not_be_confirmed_is_booked_and_the_order_confirmed_later(
    merchant, unconfirmable
):
    order_id = merchant.make_document('sale.order', 100)
    payment = merchant.open_page(100, command='PURCHASE', sale_order_ids=[(6, 0, [order_id])])
    payment.pay()
    payment.age('last_state_change', hours=2)
    for _attempt in range(10):
        merchant.post_process()
        if read_booked(merchant, payment.id):
            break
    assert len(read_booked(merchant, payment.id)) == 1
    assert "not reconciled" in read_messages(merchant, 'sale.order', order_id)
    assert not payment.read().is_post_processed

    unconfirmable()
    post_process(merchant, payment)

    assert merchant.read_documents('sale.order', [order_id]) == ['sale']
    assert len(read_booked(merchant, payment.id)) == 1


@pytest.fixture
def slow_booking(shop):
    """ Have the database take its time for payments, so that two processes meet. """
    shop.query("""
        CREATE FUNCTION slow_booking() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$;
        CREATE TRIGGER slow_booking BEFORE INSERT ON account_payment FOR EACH ROW
            EXECUTE FUNCTION slow_booking();
    """)
    yield
    shop.query("DROP FUNCTION slow_booking CASCADE")


@pytest.mark.usefixtures('slow_booking')
def test_two_processes_that_book_a_payment_are_not_told_of_each_other(merchant, unconfirmable):
    order_id = merchant.make_document('sale.order', 100)
    payment = merchant.open_page(100, command='PURCHASE', sale_order_ids=[(6, 0, [order_id])])
    payment.pay()
    payment.age('last_state_change', hours=2)

    with ThreadPoolExecutor(1) as pool:
        booking = pool.submit(merchant.post_process)
        time.sleep(6)  # The second process is later in each of its steps.
        merchant._run_cron('payment_aps.ir_cron_aps_watch')
        booking.result()

    unconfirmable()
    post_process(merchant, payment)
    assert [row['amount'] for row in read_booked(merchant, payment.id)] == [100]
    problems = merchant.rpc.search_read('payment.aps.problem', [
        ('transaction_id', '=', payment.id),
    ], ['detail'])
    assert 'duplicate key' not in str(problems), "Nobody can put that right."


@pytest.fixture
def conflict_in_email(shop):
    """ Have another process be faster while Odoo writes the e-mail of an order, the first time. """
    template_id = shop.rpc.ref('sale.mail_template_sale_confirmation')
    [former] = shop.rpc.call('mail.template', 'read', [template_id], ['body_html'])
    shop.query("""
        CREATE SEQUENCE emails_written START 2;
        CREATE FUNCTION write_email() RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('emails_written') = 1 THEN
                RAISE EXCEPTION 'provoked' USING ERRCODE = '40001';
            END IF;
            RETURN 'Thank you';
        END $$
    """)
    shop.rpc.call('mail.template', 'write', [template_id], {  # 19.0 tries it out.
        'body_html': '<p t-out="object.env.cr.execute(\'SELECT write_email()\')"/>',
    })
    shop.query('ALTER SEQUENCE emails_written MINVALUE 1 RESTART WITH 1')
    yield
    shop.rpc.call('mail.template', 'write', [template_id], {'body_html': former['body_html']})
    shop.query('DROP FUNCTION write_email; DROP SEQUENCE emails_written')


def test_page_of_a_shopper_whose_email_meets_a_conflict_asks_again(merchant, conflict_in_email):
    order_id = merchant.make_document('sale.order', 100)
    tab = Tab(Document(merchant, 'sale.order', order_id))
    merchant.set_manual_capture(False)
    tab.open()
    tab.pay()
    tab.learn()

    with pytest.raises(RPCError, match=f'^{BUSY}$'):
        tab.poll()
    assert tab.poll()['state'] == 'done'
    assert merchant.read_documents('sale.order', [order_id]) == ['sale']
