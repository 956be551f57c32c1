""" A local stand-in for Amazon Payment Services (APS): payment page, payment API, notifications.

Written from the protocol reference alone and sharing no code with the addon, so that it is a second
opinion on signatures, field limits and flows. Run it with ``python -m sandbox`` from ``dev/``.
"""
