""" What can be taken for a message, or for the reference of a payment, at all. """

import pytest

from aps.message import MAX_DEPTH, is_reference, parse_json_message


def nest_objects(depth):
    """ Return an object as deep as wanted. """
    return b'{"a":' * (depth - 1) + b'"1"' + b'}' * (depth - 1)


def nest_lists(depth):
    """ Return an object with lists as deep as wanted. """
    return b'{"a":' + b'[' * (depth - 2) + b'"1"' + b']' * (depth - 2) + b'}'


def test_numbers_keep_the_text_that_was_signed():
    body = b'{"amount": 1000, "rate": 1.50, "x": null, "y": NaN, "z": true, "e": 1e3}'
    assert parse_json_message(body) == {
        'amount': '1000', 'rate': '1.50', 'x': None, 'y': 'NaN', 'z': True, 'e': '1e3',
    }


@pytest.mark.parametrize('body', (
    b'', b'[]', b'"text"', b'{"a": 1, "a": 2}', b'{', b'\xff\xfe', b'[' * 100000, b'12',
    b'<response/>', b'{"a": {"b": 1, "b": 1}}', b'null', b'true',
), ids=lambda body: repr(body[:12]))
def test_unusable_json_is_refused(body):
    """ Test that only one flat reading of a JSON body exists. """
    with pytest.raises(ValueError):
        parse_json_message(body)


@pytest.mark.parametrize('nest', (nest_objects, nest_lists))
def test_depth_of_json(nest):
    """ Test that nesting is refused from the first level too many on. """
    assert MAX_DEPTH == 20
    assert list(parse_json_message(nest(MAX_DEPTH))) == ['a']
    for depth in (MAX_DEPTH + 1, MAX_DEPTH + 2, 100):
        with pytest.raises(ValueError, match='deep'):
            parse_json_message(nest(depth))


@pytest.mark.parametrize('value', ('x', 'S00042-abc', 'INV/2026/0001', 'طلب', 'x' * 128))
def test_what_can_be_a_reference(value):
    assert is_reference(value)


@pytest.mark.parametrize('value', (
    '', 'x' * 129, 'a\x00b', 'a\nb', '\ud800', None, False, 0, 12, b'x', ['x'], {'x': 'y'},
), ids=ascii)
def test_what_can_not_be_a_reference(value):
    """ Test that only text that PostgreSQL can search for is searched for. """
    assert not is_reference(value)
