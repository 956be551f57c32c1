import io

from werkzeug.datastructures import ImmutableMultiDict

from odoo import models
from odoo.http import request

from odoo.addons.payment_aps.controllers.main import MAX_MESSAGE_SIZE, APSController


class IrHttp(models.AbstractModel):
    _inherit = 'ir.http'

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """ Override of `base` to parse the body of an APS message before Odoo does.

        What a stranger sends is never an error of the server.
        """
        super()._pre_dispatch(rule, args)
        if is_aps_route(rule.endpoint):
            limit_chunked_body(request.httprequest)
            parse_form(request.httprequest)

    @classmethod
    def _dispatch(cls, endpoint):
        """ Override of `base` to keep the fields of APS messages out of the routes' arguments.

        The routes read the message themselves, since only the fields of the body are signed. Passed
        as arguments, a field with the name of one (`self`) would make the route crash.
        """
        if is_aps_route(endpoint):
            request.params = {}
        return super()._dispatch(endpoint)


def is_aps_route(endpoint):
    """ Return whether an endpoint is one of those that take messages of APS.

    The path of the request doesn't tell: with a slash at its end, it leads there as well.

    :param callable endpoint: What the request was routed to.
    :return: Whether it is.
    :rtype: bool
    """
    urls = {APSController._return_url, APSController._webhook_url}
    return not urls.isdisjoint(endpoint.routing.get('routes', ()))


def limit_chunked_body(httprequest):
    """ Read a body that comes in chunks, up to the size of any message.

    Its length is not announced, and the werkzeug of Odoo 17.0 reads however much comes. One that is
    malformed is taken for an empty one. The routes refuse one that is too large by its length.

    :param odoo.http.HTTPRequest httprequest: The request.
    :return: None
    """
    environ = httprequest._HTTPRequest__wrapped.environ  # Odoo shows no other way to the body.
    if httprequest.content_length is not None or not environ.get('wsgi.input_terminated'):
        return
    body = b''
    try:
        while piece := environ['wsgi.input'].read(MAX_MESSAGE_SIZE + 1 - len(body)):
            body += piece
    except OSError:
        body = b''
    environ['wsgi.input'] = io.BytesIO(body)
    for each_environ in (environ, httprequest.environ):  # Odoo reads the headers from a copy.
        each_environ['CONTENT_LENGTH'] = str(len(body))


def parse_form(httprequest):
    """ Parse the form in the body, as an empty one if it is malformed or too large.

    :param odoo.http.HTTPRequest httprequest: The request.
    :return: None
    """
    try:
        httprequest.form  # noqa: B018 (werkzeug parses it once)
    except Exception:
        # Malformed multipart bodies and unknown charsets make werkzeug fail in many ways.
        httprequest.form = httprequest.files = ImmutableMultiDict()
