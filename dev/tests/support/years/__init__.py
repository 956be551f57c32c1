""" Years in minutes: a shop whose clock a test moves, the people who use it, and their auditor. """
