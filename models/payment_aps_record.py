import logging

from lxml.builder import E

from odoo import models

from odoo.addons.payment_aps.conflicts import OVERTAKEN, retry

_logger = logging.getLogger(__name__)

# How long a write apart may wait for a lock: somebody may wait for the answer of APS.
LOCK_TIMEOUT = '2s'


class PaymentAPSRecord(models.AbstractModel):
    """ Records that are shown in a list that nobody edits.

    The tag of a list is `tree` in Odoo 17.0 and `list` in 19.0, which no data file can tell apart.
    So these lists are the default views of their models.
    """

    _name = 'payment.aps.record'
    _description = "APS Record"

    # The fields of the list, with the attributes of their nodes.
    _aps_list_fields = {}
    # The attributes of the buttons of the list.
    _aps_list_buttons = ()
    # The attributes of the list itself.
    _aps_list_attributes = {}

    def _get_default_tree_view(self):
        """ Override of `base` to return the list; the hook of Odoo 17.0. """
        return self._aps_make_list_view('tree')

    def _get_default_list_view(self):
        """ Override of `base` to return the list; the hook of Odoo 19.0. """
        return self._aps_make_list_view('list')

    def _aps_make_list_view(self, tag):
        """ Return the architecture of the list.

        :param str tag: The tag of a list.
        :return: The architecture.
        :rtype: etree._Element
        """
        nodes = [
            E.field(name=name, **attributes) for name, attributes in self._aps_list_fields.items()
        ]
        nodes += [E.button(type='object', **attributes) for attributes in self._aps_list_buttons]
        return E(tag, *nodes, create='0', edit='0', **self._aps_list_attributes)

    def _aps_write_apart(self, write):
        """ Write with a cursor that commits by itself, and neither blocks nor stops the caller.

        A row that is written so stays when the caller's database transaction is rolled back. It
        refers to what is committed only; should one of these rows be locked for long, then the
        payment is worth more than what is told about it.

        :param callable write: Takes the model, with that cursor.
        :return: What `write` returns; `None` if it failed.
        """
        def attempt():
            cr.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
            records = self.with_env(self.env(cr=cr))
            res = write(records)
            records.env.flush_all()
            return res

        try:
            with self.env.registry.cursor() as cr:
                return retry(cr, attempt, OVERTAKEN)
        except Exception:
            _logger.exception("%s: a row could not be stored.", self._description)
            return None
