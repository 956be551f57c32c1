""" The command `dev/mutate`: what is broken, and who notices. """
