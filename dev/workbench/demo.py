""" The command `dev/demo`. """

import argparse
import json
import os
import signal
import socket
import sys

from .guide import describe
from .odoo_source import find_sources
from .photographs import FOLDER, take_pictures
from .right_to_left import prepare_right_to_left
from .showcase import prepare_showcase
from .stack import Stack
from .system import (
    DEV,
    Failure,
    exit_on_signals,
    find_free_port,
    give_signs_of_life,
    install_packages,
    make_run_folder,
    say,
)
from .venvs import get_python

FIRST_PORT = 8000  # Lower ones are left to what runs on the machine already.
SHOP_PORT = 8069
SANDBOX_PORT = 8180


def parse_arguments():
    """ Return the arguments of the command line. """
    parser = argparse.ArgumentParser(
        prog='dev/demo',
        description="Run a shop (website_sale) whose checkout pays through Amazon Payment Services,"
                    " played by a local sandbox. Everything it needs is installed and started, in "
                    "about 5 minutes the first time and 2 to 3 after that; what to open is printed "
                    "then. Ctrl-C, or the signal TERM, stops all of it; what was downloaded is "
                    "kept.",
    )
    parser.add_argument('--checkout', action='store_true', help="buy something in a real browser, "
                        "print each step and the outcome, and exit with 0 or 1")
    parser.add_argument('--series', choices=('17.0', '19.0'),
                        help="the series of Odoo to run (default: the first one at hand)")
    for name, port, what in (
        ('--port', SHOP_PORT, "shop"), ('--sandbox-port', SANDBOX_PORT, "sandbox"),
    ):
        parser.add_argument(name, type=read_port, metavar='PORT', help=(
            f"the port of the {what}, {FIRST_PORT} or higher (default: {port}, or any free one if "
            "that is taken)"
        ))
    parser.add_argument('--screenshots', metavar='FOLDER', help="with --checkout: take screenshots")
    parser.add_argument('--pictures', metavar='FOLDER', nargs='?', const=str(FOLDER),
                        help="take the pictures of the store page anew, and exit with 0 or 1 "
                             "(default: where they are in the repository)")
    arguments = parser.parse_args()
    if arguments.port and arguments.port == arguments.sandbox_port:
        parser.error("shop and sandbox can't have the same port")
    return arguments


def read_port(text):
    """ Return a port that the user has chosen.

    :raise argparse.ArgumentTypeError: If it can't be used.
    """
    if not text.isdecimal() or not FIRST_PORT <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from {FIRST_PORT} to 65535")
    if not is_free(int(text)):
        raise argparse.ArgumentTypeError(f"something listens on port {text} already")
    return int(text)


def is_free(port):
    """ Return whether a server can listen on a port of the loopback interface. """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # As servers do.
        try:
            probe.bind(('127.0.0.1', port))
        except OSError:
            return False
    return True


def choose_port(port, other_port=None):
    """ Return a port if it is free and not the other one, else any free one. """
    return port if is_free(port) and port != other_port else find_free_port()


def main():
    """ Run the command.

    :return: The exit status.
    :rtype: int
    """
    arguments = parse_arguments()
    exit_on_signals()
    life = give_signs_of_life()
    try:
        source = find_sources(arguments.series or None)[0]
        if arguments.checkout:
            install_packages('chromium')
            return check_out(make_stack(source, arguments), arguments.screenshots)
        if arguments.pictures:
            return make_pictures(source, arguments)
        show(source, arguments, life)
    except Failure as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    except SystemExit:  # By a signal; whatever was started is stopped after this.
        say("Stopping...")
        raise
    return 0


def make_stack(source, arguments):
    """ Start the shop.

    :param Source source: The Odoo to run.
    :param argparse.Namespace arguments: The arguments of the command line.
    :return: The running shop.
    :rtype: Stack
    """
    port = arguments.port or choose_port(SHOP_PORT, arguments.sandbox_port)
    sandbox_port = arguments.sandbox_port or choose_port(SANDBOX_PORT, port)
    return Stack(source, make_run_folder(), port=port, sandbox_port=sandbox_port)


def show(source, arguments, life):
    """ Start the shop, tell what there is to see, and stay until the user ends it.

    :param Source source: The Odoo to run.
    :param argparse.Namespace arguments: The arguments of the command line.
    :param threading.Event life: What ends the signs of life.
    :return: None
    """
    obstacle = prepare_right_to_left()
    stack = make_stack(source, arguments)
    orders = prepare_showcase(stack)
    life.set()
    describe(stack, orders, obstacle)
    while True:  # Until a signal has the command exit.
        signal.pause()


def make_pictures(source, arguments):
    """ Start the shop, and take the pictures of the store page.

    :param Source source: The Odoo to run.
    :param argparse.Namespace arguments: The arguments of the command line.
    :return: The exit status: 0 if they are all there.
    :rtype: int
    :raise Failure: If Arabic can't be shown from right to left.
    """
    install_packages('chromium')
    obstacle = prepare_right_to_left()
    if obstacle:
        raise Failure(obstacle)
    stack = make_stack(source, arguments)
    prepare_showcase(stack)
    return take_pictures(stack, arguments.pictures)


def check_out(stack, screenshots):
    """ Buy something in a browser, and print what became of it.

    :param Stack stack: The running shop.
    :param str screenshots: The folder for screenshots, if any.
    :return: The exit status: 0 if everything is paid and posted.
    :rtype: int
    """
    process = os.spawnve(
        os.P_WAIT, get_python('tools'),
        [str(get_python('tools')), '-m', 'workbench.checkout', stack.url, screenshots or '',
         str(stack.odoo.folder / 'checkout.json')],
        {**os.environ, 'PYTHONPATH': str(DEV), 'PYTHONDONTWRITEBYTECODE': '1'},
    )
    if process:
        return 1
    reference = json.loads((stack.odoo.folder / 'checkout.json').read_text())['reference']
    outcome = stack.read_payment(reference)
    order, transaction, payment = (
        outcome['orders'][0], outcome['transaction'], outcome['payment'] or {'state': 'missing'}
    )
    is_order_confirmed = order['state'] == 'sale'
    is_payment_posted = payment['state'] in ('posted', 'in_process', 'paid')
    say(f"Order       {order['name']}: {'confirmed' if is_order_confirmed else order['state']}")
    say(f"Transaction {transaction['reference']}: {transaction['state']}")
    say(f"Payment     {payment.get('name')}: "
        f"{'posted' if is_payment_posted else payment['state']}")
    return 0 if is_order_confirmed and transaction['state'] == 'done' and is_payment_posted else 1
