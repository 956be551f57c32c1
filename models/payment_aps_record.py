from lxml.builder import E

from odoo import models


class PaymentAPSRecord(models.AbstractModel):
    """ Records that are shown in a list that nobody edits.

    The tag of a list is `tree` in Odoo 17.0 and `list` in 19.0, which no data file can tell apart.
    So these lists are the default views of their models.
    """

    _name = 'payment.aps.record'
    _description = "APS Record"

    # The fields of the list, with the attributes of their nodes.
    _aps_list_fields = {}
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
        return E(tag, *nodes, create='0', edit='0', **self._aps_list_attributes)
