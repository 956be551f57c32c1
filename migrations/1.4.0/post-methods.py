import base64
import hashlib

from odoo import SUPERUSER_ID, api

from odoo.addons.payment_aps.models.payment_method import OWN_METHODS

# The SHA-1 of the images that former versions gave to wallets, to what is paid later, and to
# installments.
FORMER_IMAGES = (
    '1ae4d033d14522852ef4cb60c655545218ba055e',
    'e2494daba06d8cb180c8de6c5c460dbe6621d425',
    'd6843c960053bdd4e2357d815a7b0a2577427936',
)
FORMER_NAME = 'Instalments'


def migrate(cr, version):
    """ Give the payment methods the images and the name that they have now, unless somebody gave
    them others.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    methods = env['payment.method'].with_context(active_test=False, lang='en_US').search(
        [('code', 'in', list(OWN_METHODS))]
    )
    for method in methods:
        image = base64.b64decode(method.with_context(bin_size=False).image or b'')
        if hashlib.sha1(image).hexdigest() in FORMER_IMAGES:
            method.image = methods._aps_read_image(method.code)
    methods.filtered(lambda method: method.name == FORMER_NAME).name = 'Installments'
