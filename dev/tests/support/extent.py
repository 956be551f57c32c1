""" How much of what is random or repeated the tests try. """

import os


def get_extent(variable, default, thorough):
    """ Return how often something is to be tried.

    :param str variable: The environment variable that says so, if it is set.
    :param int default: How often by default.
    :param int thorough: How often in a thorough run, see `dev/test --thorough`.
    :return: How often.
    :rtype: int
    """
    is_thorough = bool(os.environ.get('APS_THOROUGH'))
    return int(os.environ.get(variable) or (thorough if is_thorough else default))
