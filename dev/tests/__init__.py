""" Tests by level: of what needs no Odoo, over HTTP, under stress, in a browser. """
