""" What other code may import from Odoo's own module. The rest is in `aps`. """

from .aps.values import get_payment_option  # noqa: F401
