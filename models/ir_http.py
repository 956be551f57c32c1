from werkzeug.datastructures import ImmutableMultiDict

from odoo import models
from odoo.http import request

from odoo.addons.payment_aps.controllers.main import APSController


class IrHttp(models.AbstractModel):
    _inherit = 'ir.http'

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """ Override of `base` to parse the body of an APS message before Odoo does.

        What a stranger sends is never an error of the server.
        """
        super()._pre_dispatch(rule, args)
        if is_aps_route(rule.endpoint):
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
