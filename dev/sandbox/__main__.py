""" The command line: ``python -m sandbox --port 8180``. """

import argparse
import json
import logging
import sys

from werkzeug.serving import WSGIRequestHandler, make_server

from .accounts import make_account
from .app import create_app
from .state import Sandbox

ADDRESSES = ('feedback_url', 'notification_url', 'return_url')


class QuietHandler(WSGIRequestHandler):
    """ Write one short line per request, without its query, and only when asked to. """

    def log_request(self, code='-', size='-'):
        """ Override of `werkzeug` to keep card numbers and tokens in a query out of the log. """
        logging.getLogger('sandbox').info('%s %s %s', self.command, self.path.split('?')[0], code)


def parse_arguments(arguments=None):
    """ Return the command line's values.

    :param list arguments: The arguments; those of the process if omitted.
    :return: The values.
    :rtype: argparse.Namespace
    """
    parser = argparse.ArgumentParser(prog='python -m sandbox', description=__doc__)
    parser.add_argument('--host', default='127.0.0.1', help="address to listen on")
    parser.add_argument('--port', type=int, default=8180, help="port; 0 for any free one")
    parser.add_argument('--accounts', help="JSON file with one account or a list of accounts")
    parser.add_argument('--config', help="JSON file with settings for every account")
    for name in ADDRESSES:
        parser.add_argument(f"--{name.replace('_', '-')}", help=f"{name} of every account")
    parser.add_argument('--currencies', help="accepted currencies, with commas; all if omitted")
    parser.add_argument('--retry-interval', type=float, default=10, help="seconds between attempts")
    parser.add_argument('--retries', type=int, default=10, help="repetitions of a notification")
    parser.add_argument('--verbose', action='store_true', help="write one line per request")
    return parser.parse_args(arguments)


def load_accounts(options):
    """ Return the accounts that the command line asks for.

    :param argparse.Namespace options: The command line's values.
    :return: The accounts.
    :rtype: list
    :raise ValueError: If a setting does not fit.
    """
    settings = _read_json(options.accounts) if options.accounts else [{}]
    settings = settings if isinstance(settings, list) else [settings]
    common = _read_json(options.config) if options.config else {}
    common.update({name: getattr(options, name) for name in ADDRESSES if getattr(options, name)})
    if options.currencies:
        common['currencies'] = options.currencies.split(',')
    return [make_account({**one, **common}) for one in settings]


def _read_json(path):
    """ Return the content of a JSON file. """
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def main():
    """ Serve until interrupted. """
    options = parse_arguments()
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format='%(asctime)s %(message)s',
    )
    try:
        accounts = load_accounts(options)
    except (OSError, ValueError) as error:
        sys.exit(f'sandbox: {error}')
    app = create_app(Sandbox(accounts, options.retry_interval, options.retries))
    server = make_server(
        options.host, options.port, app, threaded=True, request_handler=QuietHandler,
    )
    print(f'APS sandbox ready on http://{options.host}:{server.server_port}/', flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == '__main__':
    main()
