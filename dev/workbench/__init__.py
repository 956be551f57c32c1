""" What the developers' commands are made of: it starts PostgreSQL, Odoo and the sandbox. """
