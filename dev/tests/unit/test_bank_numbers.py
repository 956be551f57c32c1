""" The numbers of the banks that are kept and shown: these, and nothing that may be a secret. """

import pytest

from aps.masking import BANK_NUMBERS, read_bank_numbers


def test_each_number_is_kept_under_its_name():
    """ Test that all of them are read, and no other field is. """
    message = {
        'authorization_code': '831000', 'knet_ref_number': '123456789012',
        'third_party_transaction_number': '1123456789012', 'card_number': '400555******0001',
        'signature': 'a' * 64, 'fort_id': '1',
    }

    numbers = read_bank_numbers(message)

    assert numbers == {name: message[name] for name in BANK_NUMBERS}


@pytest.mark.parametrize('value', [
    '4005550000000001', '371449635398431', '400555******0001', 'a' * 41, '12 34', '<b>', '', None,
    123, ['1'], "1\n", "١٢٣",
])
def test_what_is_no_such_number_is_left_out(value):
    """ Test numbers of cards, what is too long, and what a page must not show. """
    assert read_bank_numbers({'authorization_code': value}) == {}


@pytest.mark.parametrize('value', ['1', 'A1b2', 'a' * 40, '400555000000000', '4' * 17])
def test_what_may_be_such_a_number_is_kept(value):
    """ Test the limits. """
    assert read_bank_numbers({'authorization_code': value}) == {'authorization_code': value}
