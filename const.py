""" What other code may import from Odoo's own module. The rest is in `aps.const`. """

from .aps.const import DEFAULT_PAYMENT_METHOD_CODES, PAYMENT_STATUS_MAPPING  # noqa: F401
