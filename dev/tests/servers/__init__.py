""" Tests over HTTP, with conflicts, races and two servers. """
