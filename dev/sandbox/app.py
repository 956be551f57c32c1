""" The web application: the routes of APS, of the control API, and a page for people. """

from flask import Flask, current_app, render_template

from .api import api
from .cards import CARDS
from .control import control
from .currencies import format_amount
from .page import page
from .state import Sandbox
from .texts import translator

MAX_BODY_BYTES = 1024 * 1024
RECENT = 50


def create_app(sandbox=None):
    """ Return the web application of a sandbox.

    :param Sandbox sandbox: Its state; a new one with the default account if omitted.
    :return: The application.
    :rtype: flask.Flask
    """
    app = Flask(__name__)
    app.config['SANDBOX'] = sandbox or Sandbox()
    app.config['MAX_CONTENT_LENGTH'] = MAX_BODY_BYTES
    for blueprint in (page, api, control):
        app.register_blueprint(blueprint)
    app.add_url_rule('/', 'index', index)
    return app


def index():
    """ Show the recent payments, notifications and refused requests, for people. """
    sandbox = current_app.config['SANDBOX']
    with sandbox.lock:
        return render_template(
            'index.html', t=translator('en'), lang='en', cards=CARDS.values(),
            accounts=sandbox.accounts.values(), format_amount=format_amount,
            payments=list(sandbox.ledger.payments.values())[-RECENT:][::-1],
            notifications=sandbox.notifier.search()[-RECENT:][::-1],
            refused=sandbox.journal.search(verdict='refused')[-RECENT:][::-1],
        )
