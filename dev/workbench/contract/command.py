""" The command `dev/contract`. """

import argparse
import json
import os
import re
import sys

from ..sandbox_process import Sandbox
from ..system import (
    DEV,
    REPOSITORY,
    Failure,
    exit_on_signals,
    install_packages,
    make_run_folder,
    say,
    start,
    stop_all,
)
from ..venvs import get_python
from .credentials import (
    CURRENCY_VARIABLE,
    DEFAULT_CURRENCY,
    SHA_TYPE_VARIABLE,
    VARIABLES,
    check_account,
    describe_sandbox,
    has_account,
    read_currency,
)
from .steps import STEPS

ORIGIN = 'https://localhost'
DESCRIPTION = (
    "Ask APS all that the addon relies on, and print each question, the answer of dev/sandbox, and "
    "that of APS. The account is a sandbox account of APS, named by "
    f"{', '.join(VARIABLES.values())} and {SHA_TYPE_VARIABLE}; {CURRENCY_VARIABLE} names a "
    f"currency other than {DEFAULT_CURRENCY}. The hosts of live payments are never addressed. "
    "Without an account, dev/sandbox itself is asked, which confirms nothing about APS. Exits with "
    "0 if all was asked and is as expected, else with 1."
)
EPILOG = (
    "What an account exchanges is stored beside the tests, which replay it. It is masked: secrets, "
    "references, names, addresses and digits are replaced, and all is signed anew with phrases for "
    "tests. APS needs no way to this machine: what it says is read where the browser returns to "
    "the shop, and that page is played in the browser itself. So notifications (the webhook) are "
    "not asked about."
)


def parse_arguments(arguments=None):
    """ Return the arguments of the command line.

    :param list[str] arguments: The arguments; those of the process by default.
    :rtype: argparse.Namespace
    """
    parser = argparse.ArgumentParser(
        prog='dev/contract', description=DESCRIPTION, epilog=EPILOG,
    )
    parser.add_argument(
        '--record', action='store_true',
        help="store the exchanges of dev/sandbox as well, as what is expected from now on",
    )
    parser.add_argument(
        '--by-hand', action='store_true',
        help="open a visible browser, and leave the payment page to you: it says what to enter. "
             "For the case that the script doesn't find its way on the page of APS",
    )
    parser.add_argument(
        '--origin', default=ORIGIN, type=read_origin, metavar='URL',
        help="the address of the shop that is played, if the account takes requests of that one "
             f"only (default: {ORIGIN}). Nothing is sent there",
    )
    parser.add_argument(
        '--until', metavar='STEP', dest='number', type=read_step, default=len(STEPS),
        help="stop behind a step, such as purchase; nothing is stored then",
    )
    return parser.parse_args(arguments)


def read_origin(text):
    """ Return the address of a shop.

    :param str text: What was typed.
    :return: The address without slash at the end.
    :rtype: str
    :raise argparse.ArgumentTypeError: If it has more than a scheme and a host.
    """
    if not re.fullmatch(r'https?://[A-Za-z0-9.-]+(:[0-9]+)?/?', text):
        raise argparse.ArgumentTypeError("an address such as https://shop.example.com is needed")
    return text.rstrip('/')


def read_step(name):
    """ Return how many steps are played if a step is the last one.

    :param str name: Its name.
    :rtype: int
    :raise argparse.ArgumentTypeError: If there is none.
    """
    names = [step.name for step in STEPS]
    if name not in names:
        raise argparse.ArgumentTypeError(f"the steps are {', '.join(names)}")
    return 1 + names.index(name)


def main():
    """ Run the command.

    :return: The exit status.
    :rtype: int
    """
    arguments = parse_arguments()
    exit_on_signals()
    try:
        is_account = has_account(os.environ)
        if is_account:
            check_account(os.environ)
        install_packages('chromium')
        return play(arguments, is_account)
    except Failure as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    finally:
        stop_all()


def play(arguments, is_account):
    """ Play the exchanges with the Python that has a browser.

    :param argparse.Namespace arguments: The arguments of the command line.
    :param bool is_account: Whether the environment names an account.
    :return: The exit status.
    :rtype: int
    """
    settings = {**vars(arguments), 'url': None, 'currency': read_currency(os.environ)}
    environment = {
        **os.environ, 'PYTHONPATH': f'{DEV}:{REPOSITORY}', 'PYTHONDONTWRITEBYTECODE': '1',
    }
    if is_account:
        say("Asking APS, by the sandbox account that the environment names.")
    else:
        settings['url'] = Sandbox(make_run_folder()).url
        environment.update(describe_sandbox())
        say(f"No account is named by {', '.join(VARIABLES.values())}, so dev/sandbox is asked.\n"
            "What follows shows that the sandbox does what was recorded of it. It confirms nothing "
            "about APS.")
    # The secrets go by the environment: everybody on the machine can read a command line.
    command = [get_python('tools'), '-m', 'workbench.contract.play', json.dumps(settings)]
    return start(command, env=environment).wait()
