""" The command `dev/bench`: what is measured, and how. """
