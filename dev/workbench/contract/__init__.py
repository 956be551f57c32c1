""" The command `dev/contract`: what APS does, beside what the sandbox supposes. """
