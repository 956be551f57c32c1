from odoo import models
from odoo.http import request

from odoo.addons.payment_aps.controllers.main import APSController


class IrHttp(models.AbstractModel):
    _inherit = 'ir.http'

    @classmethod
    def _dispatch(cls, endpoint):
        """ Override of `base` to keep the fields of APS messages out of the routes' arguments.

        The routes read the message themselves, since only the fields of the body are signed. Passed
        as arguments, a field with the name of one (`self`) would make the route crash.
        """
        if request.httprequest.path in (APSController._return_url, APSController._webhook_url):
            request.params = {}
        return super()._dispatch(endpoint)
