import re

from odoo import fields
from odoo.http import request

from odoo.addons.payment_aps import utils as aps_utils


def note_refused_message(channel, message, provider_sudo):
    """ Note a message that is about to be refused because it is not authentic.

    :param str channel: The route by which it came, `return` or `webhook`.
    :param dict message: The fields of the message.
    :param recordset provider_sudo: The sudoed provider that would have to authenticate it;
                                    empty if the payment is not known.
    :return: None
    """
    def examine():
        return {
            **refusals._aps_examine(message, provider_sudo),
            'line': describe(channel, aps_utils.describe_message(message)),
        }

    refusals = request.env['payment.aps.refusal'].sudo()
    refusals._aps_note(provider_sudo, examine)


def note_unreadable_message(channel, error):
    """ Note a body that is about to be refused because it is no message.

    :param str channel: The route by which it came, `return` or `webhook`.
    :param BadRequest error: The reason.
    :return: None
    """
    def examine():
        http_request = request.httprequest
        if not http_request.content_length and not http_request.args:
            finding = 'empty'
        else:
            reason = str(error.__cause__ or error.description)
            finding = 'repeated' if re.search('repeated|twice', reason) else 'format'
        content_type = http_request.content_type or "no content type"
        body = f'{content_type}, {http_request.content_length} bytes'
        return {'provider_id': None, 'finding': finding, 'line': describe(channel, body)}

    request.env['payment.aps.refusal'].sudo()._aps_note(None, examine)


def describe(channel, text):
    """ Return one line about a refused message.

    :param str channel: The route by which it came, `return` or `webhook`.
    :param str text: What is said about the message itself.
    :return: The line, which holds no line break.
    :rtype: str
    """
    text = re.sub(r'\s+', ' ', aps_utils.shorten(text, 1000))
    return f'{fields.Datetime.now():%Y-%m-%d %H:%M:%S} UTC, {channel}: {text}'
