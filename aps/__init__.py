""" The protocol of APS, without Odoo. """
