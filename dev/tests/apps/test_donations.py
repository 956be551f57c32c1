""" Donations on the website. Who may donate what is tested with the servers' tests. """

import pytest

from tests.support.visitor import Visitor
from workbench.shop import PORTAL, get_currency

DONOR = {'name': "Somebody", 'email': 'donor@example.com'}


def donate(visitor, amount=25, currency='AED'):
    """ Open the form for a donation, fill it in, and click on *Donate*.

    :param Visitor visitor: The donor.
    :param float amount: What is donated; the page proposes 25.
    :param str currency: The code of the currency.
    :return: The attempt.
    :rtype: Attempt
    """
    rpc = visitor.shop.rpc
    form = visitor.open_form(
        '/donation/pay', amount=25, currency_id=get_currency(rpc, currency)
    )
    return form.start(
        amount=amount, donation_comment="", donation_recipient_email='shop@example.com',
        partner_details={**DONOR, 'country_id': rpc.ref('base.ae')},
    )


def count_thanks(seller):
    """ Return how many donors were thanked by e-mail. """
    return seller.rpc.call('mail.mail', 'search_count', [
        ('subject', '=', "Donation confirmation"), ('email_to', '=', DONOR['email']),
    ])


@pytest.mark.parametrize('login', [None, PORTAL], ids=['stranger', 'portal'])
def test_donation_is_booked_and_the_donor_thanked(shop, seller, login):
    thanks = count_thanks(seller)
    attempt = donate(Visitor(shop, login))
    assert attempt.pay() == 'done'
    assert attempt.read_booked() == [25]
    assert attempt.read().is_post_processed
    assert login or count_thanks(seller) == thanks + 1


def test_donor_is_thanked_only_once_the_money_is_there(seller, stranger):
    thanks = count_thanks(seller)
    declined = donate(stranger)
    assert declined.pay('declined') == 'error'
    attempt = donate(stranger)
    assert attempt.pay('pending') == 'pending'
    assert count_thanks(seller) == thanks

    attempt.settle()
    seller.post_process_until(lambda: attempt.read().is_post_processed)

    assert count_thanks(seller) == thanks + 1
    assert (attempt.read_booked(), declined.read_booked()) == ([25], [])


def test_donation_in_dinars(seller, stranger):
    seller.rpc.call('res.currency', 'write', [get_currency(seller.rpc, 'KWD')], {'active': True})
    attempt = donate(stranger, amount=12.5, currency='KWD')
    assert attempt.fields['amount'] == '12500'
    assert attempt.pay() == 'done'
    assert attempt.read_captured() == 12500
