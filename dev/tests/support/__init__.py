""" What only the tests of this folder use. """
