""" What the demo takes and tells, without starting it. """

import argparse
import socket
from types import SimpleNamespace

import pytest

from workbench import demo, guide
from workbench.photographs import FOLDER
from workbench.shop import PORTAL


def make_stack(series):
    """ Return as much of a running shop as the addresses depend on. """
    return SimpleNamespace(odoo=SimpleNamespace(series=series))


@pytest.mark.parametrize(('series', 'backend', 'form', 'action'), [
    ('17.0', '/web', '/web#model=res.partner&id=3&view_type=form', '/web#action=base.some_action'),
    ('19.0', '/odoo', '/odoo/res.partner/3', '/odoo/action-base.some_action'),
])
def test_addresses_are_those_of_the_series(series, backend, form, action):
    """ Test that nobody is sent to a page that the series doesn't have. """
    stack = make_stack(series)

    assert guide.get_backend(stack) == backend
    assert guide.get_form(stack, 'res.partner', 3) == form
    assert guide.get_list(stack, 'base.some_action') == action


def test_logins_tell_the_administrator_the_accountant_and_the_shoppers():
    """ Test that there is a login for each kind of person, told once. """
    logins = [login for login, _text in guide.list_logins()]

    assert logins[:3] == [
        'admin / admin', 'accountant / accountant', f"{PORTAL['login']} / {PORTAL['password']}",
    ]
    assert len(set(logins)) == len(logins)


@pytest.mark.parametrize('text', ['', 'http', '-1', '80', '7999', '65536'])
def test_port_that_cannot_be_used_is_refused(text):
    """ Test that a mistyped port, or one that isn't ours to take, is told at once. """
    with pytest.raises(argparse.ArgumentTypeError):
        demo.read_port(text)


def test_taken_port_is_refused_but_not_insisted_on():
    """ Test that a taken port is told if it was asked for, and else replaced by another one. """
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
        port = server.getsockname()[1]

        with pytest.raises(argparse.ArgumentTypeError):
            demo.read_port(str(port))
        assert demo.choose_port(port) != port


def test_default_port_is_left_to_who_asked_for_it(monkeypatch):
    """ Test that shop and sandbox don't get the same port. """
    monkeypatch.setattr(demo, 'is_free', lambda _port: True)

    assert demo.choose_port(8180) == 8180
    assert demo.choose_port(8180, other_port=8180) != 8180


@pytest.mark.parametrize(('words', 'folder'), [
    (['--pictures'], str(FOLDER)), (['--pictures', 'elsewhere'], 'elsewhere'), ([], None),
])
def test_pictures_go_where_those_of_the_repository_are(monkeypatch, words, folder):
    """ Test that they are taken if they are wanted, and replace the former ones by default. """
    monkeypatch.setattr('sys.argv', ['dev/demo', *words])

    assert demo.parse_arguments().pictures == folder
