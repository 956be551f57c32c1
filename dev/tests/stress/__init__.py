""" Tests with attacks, faults, floods and random sequences. """
