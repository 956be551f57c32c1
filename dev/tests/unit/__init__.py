""" Tests of what needs no Odoo: the package `aps`. """
