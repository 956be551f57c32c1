import logging

from psycopg2 import DatabaseError
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    InternalServerError,
    RequestEntityTooLarge,
)

from odoo import http
from odoo.http import request

from odoo.addons.payment_aps.aps.errors import APSMessageRefused
from odoo.addons.payment_aps.aps.masking import describe_message, shorten
from odoo.addons.payment_aps.aps.message import parse_json_message
from odoo.addons.payment_aps.conflicts import CONFLICTS

_logger = logging.getLogger(__name__)

# Many times the size of the largest message of APS, whose fields all have a maximum length.
MAX_MESSAGE_SIZE = 256 * 1024


class HideQuery(logging.Filter):
    """ Keep the query of the routes out of the server's access log.

    If the merchant's dashboard has the browser return by GET, the query holds the whole message.
    """

    def filter(self, record):
        text = record.getMessage()
        path, query_sign, query = text.partition('?')
        if query_sign and '/payment/aps/' in path:
            _query, space, rest = query.partition(' ')
            record.msg, record.args = '%s', (f'{path}?...{space}{rest}',)
        return True


class APSController(http.Controller):
    _return_url = '/payment/aps/return'
    _webhook_url = '/payment/aps/webhook'

    @http.route(
        _return_url,
        type='http',
        auth='public',
        methods=['GET', 'POST'],
        csrf=False,
        save_session=False,
        max_content_length=MAX_MESSAGE_SIZE,
    )
    def aps_return_from_checkout(self):
        """ Take over the result that the shopper's browser brings back, and show the status page.

        The session is not saved because a POST request from another site comes without its cookie,
        and the new session would replace that of the shopper. The redirection to the status page
        comes with the cookie again.

        Whatever the browser brings, the shopper ends on the status page: it shows the state of the
        payment, which the webhook or the status check can still settle.

        :return: The redirection to the status page.
        :rtype: werkzeug.wrappers.Response
        """
        try:
            self._receive('return')
        except CONFLICTS:
            raise  # Odoo runs the request again.
        except HTTPException as error:
            request.env.cr.rollback()
            _logger.warning("Return from APS not used: %s", shorten(error.description))
        except APSMessageRefused as error:  # What is kept of it is to be committed.
            _logger.warning("Return from APS not used: %s", shorten(error, 200))
        return request.redirect('/payment/status')

    @http.route(
        _webhook_url,
        type='http',
        auth='public',
        methods=['POST'],
        csrf=False,
        save_session=False,
        max_content_length=MAX_MESSAGE_SIZE,
    )
    def aps_webhook(self):
        """ Take over a result that APS posts (direct transaction feedback or notification).

        APS repeats a message until it reads HTTP 200. An authentic message that cannot be used is
        acknowledged, since a repetition would not be of more use, while any passing fault of ours
        is answered by an error status.

        See https://paymentservices.amazon.com/docs/managing-payments/tracking-a-payment/webhooks.

        :return: An empty acknowledgement.
        :rtype: str
        :raise BadRequest: If the body is not a message.
        :raise Forbidden: If the message is not authentic.
        :raise InternalServerError: If it could not be applied.
        """
        try:
            self._receive('webhook')
        except HTTPException as error:
            _logger.warning(
                "Notification from APS refused: %s", shorten(error.description)
            )
            # The same answer, whatever is wrong, so as not to tell which references exist.
            raise type(error)() from error
        except APSMessageRefused as error:
            _logger.warning("Notification from APS not used: %s", shorten(error, 200))
        return ''

    def _receive(self, channel):
        """ Read the message in the request and process it.

        Odoo answers many errors of its modules, such as a constraint that isn't met, as if the
        sender were to blame. Here APS is to repeat its message.

        :param str channel: The route, `return` or `webhook`.
        :return: None
        :raise HTTPException: If there is no message, it is not authentic, or it can't be applied.
        :raise APSMessageRefused: If the message is authentic but doesn't fit the transaction.
        """
        message = {}
        try:
            message = self._read_or_note(channel)
            self._process_message(message, channel)
        except (APSMessageRefused, HTTPException, *CONFLICTS):
            raise
        except Exception as error:
            description = describe_message(message)
            _logger.error(
                "This message of APS (%s) was stopped by %s: %s",
                channel, type(error).__name__, description,
                # PostgreSQL tells the whole row, with personal data; Odoo has logged the query.
                exc_info=not isinstance(error, DatabaseError),
            )
            raise InternalServerError(f"not applied: {description}") from error

    def _read_or_note(self, channel):
        """ Return the fields of the message in the request, and note a body that is none.

        :param str channel: The route, `return` or `webhook`.
        :return: The fields of the message.
        :rtype: dict
        :raise HTTPException: If there is no message.
        """
        try:
            return self._read_message()
        except BadRequest as error:
            request.env['payment.aps.refusal'].sudo()._aps_note_unreadable(
                channel, request.httprequest, error
            )
            raise

    @staticmethod
    def _read_message():
        """ Return the fields of the message in the request, exactly as they were signed.

        These are the fields of the body, form-encoded or JSON. Only the request of a browser may
        have them in the query instead, if the merchant's dashboard is set so.

        :return: The fields of the message.
        :rtype: dict
        :raise BadRequest: If the body is not a message, or a field is repeated.
        :raise RequestEntityTooLarge: If the body is larger than any message.
        """
        http_request = request.httprequest
        if http_request.headers.get('Content-Length', 0, type=int) > MAX_MESSAGE_SIZE:
            raise RequestEntityTooLarge()

        fields = http_request.args if http_request.method in ('GET', 'HEAD') else http_request.form
        if fields:
            if any(len(values) > 1 for _name, values in fields.lists()):
                raise BadRequest("a field is repeated")
            return fields.to_dict()

        try:
            return parse_json_message(http_request.get_data())
        except (OSError, ValueError) as error:  # The former if its chunks are malformed.
            raise BadRequest("the body is neither a form nor a JSON object") from error

    def _process_message(self, message, channel):
        """ Authenticate a message and hand it over to the transaction that it is about.

        :param dict message: The fields of the message, not yet trusted.
        :param str channel: The route, `return` or `webhook`.
        :return: None
        :raise Forbidden: If the message is not authentic.
        :raise APSMessageRefused: If the message is authentic but doesn't fit the transaction.
                                  Nothing was written but the trail.
        """
        tx_sudo, provider_sudo = request.env['payment.transaction'].sudo()._aps_search(message)
        refusals_sudo = request.env['payment.aps.refusal'].sudo()
        if not tx_sudo:
            messages_sudo = request.env['payment.aps.message'].sudo()
            # The browser of whoever paid elsewhere is no second delivery, and anybody's.
            if channel == 'webhook' and messages_sudo._aps_keep_foreign(message):
                return
            refusals_sudo._aps_note_refused(channel, message, provider_sudo)
            raise Forbidden(f"unknown payment: {describe_message(message)}")
        try:
            self._verify_notification_signature(message, tx_sudo)
        except Forbidden:
            refusals_sudo._aps_note_refused(channel, message, provider_sudo)
            raise

        _logger.info("Message from APS: %s", describe_message(message))
        try:
            tx_sudo._aps_receive(message, channel)
        except APSMessageRefused as error:
            request.env.cr.rollback()
            tx_sudo._aps_take_note(message, channel, error)
            raise

    @staticmethod
    def _verify_notification_signature(notification_data, tx_sudo):
        """ Check that the message was signed for the account of the transaction.

        :param dict notification_data: The fields of the message.
        :param recordset tx_sudo: The sudoed transaction referenced by the message, as a
                                  `payment.transaction` record
        :return: None
        :raise Forbidden: If the signature is missing or wrong.
        """
        if not tx_sudo.provider_id._aps_get_account().recognizes(notification_data):
            raise Forbidden(f"wrong signature: {describe_message(notification_data)}")


logging.getLogger('werkzeug').addFilter(HideQuery())
