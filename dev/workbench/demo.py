""" The command `dev/demo`. """

import argparse
import json
import os
import signal
import sys

from .odoo_source import find_sources
from .shop import PORTAL
from .stack import Stack
from .system import DEV, Failure, exit_on_signals, install_packages, make_run_folder, say
from .venvs import get_python


def parse_arguments():
    """ Return the arguments of the command line. """
    parser = argparse.ArgumentParser(
        prog='dev/demo',
        description="Run a shop (website_sale) whose checkout pays through Amazon Payment Services,"
                    " played by a local sandbox. Everything it needs is installed and started.",
    )
    parser.add_argument('--checkout', action='store_true', help="buy something in a real browser, "
                        "print each step and the outcome, and exit with 0 or 1")
    parser.add_argument('--series', choices=('17.0', '19.0'), help="the series of Odoo to run")
    parser.add_argument('--port', type=int, help="the port of the shop (8000 or higher)")
    parser.add_argument('--sandbox-port', type=int, help="the port of the sandbox")
    parser.add_argument('--screenshots', metavar='FOLDER', help="with --checkout: take screenshots")
    return parser.parse_args()


def main():
    """ Run the command.

    :return: The exit status.
    :rtype: int
    """
    exit_on_signals()
    arguments = parse_arguments()
    try:
        source = find_sources(arguments.series or None)[0]
        if arguments.checkout:
            install_packages('chromium')
        stack = Stack(
            source, make_run_folder(), port=arguments.port, sandbox_port=arguments.sandbox_port
        )
        if arguments.checkout:
            return check_out(stack, arguments.screenshots)
        describe(stack)
        signal.pause()
    except Failure as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    return 0


def describe(stack):
    """ Print the addresses and logins of a running shop. """
    say(f"""
The shop is open.
  Shop      {stack.url}/shop
            shopper: {PORTAL['login']} / {PORTAL['password']}, or as a guest
  Backend   {stack.url}/odoo or {stack.url}/web
            administrator: admin / admin
  Sandbox   {stack.sandbox.url}/
            test card: 4005550000000001, 05/30, 123
Press Ctrl-C to stop.""")


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
