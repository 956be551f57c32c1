""" Tests with a clock of their own: years in simulated time. """
