from contextlib import contextmanager

from psycopg2 import OperationalError, errors

from odoo import exceptions

# What Odoo 19.0 has for conflicts that PostgreSQL doesn't see.
CONCURRENCY_ERROR = getattr(exceptions, 'ConcurrencyError', errors.SerializationFailure)
# After these, Odoo runs a request again: another process was faster, or holds a lock for too long.
CONFLICTS = (OperationalError, CONCURRENCY_ERROR)
# Those of them after which there is nothing to wait for: the other process is done.
OVERTAKEN = (errors.SerializationFailure, errors.DeadlockDetected, CONCURRENCY_ERROR)
# How often something is tried in all.
ATTEMPTS = 5


def retry(cr, attempt, conflicts=CONFLICTS):
    """ Do something, again in a fresh database transaction if another process was faster.

    A database transaction sees the data as of its first query, so PostgreSQL refuses it to lock or
    write what others have changed since. To start over at once is possible where nothing was
    written before; Odoo would run the whole request again, after a random time of seconds.

    :param Cursor cr: The cursor. What was done with it is rolled back after a conflict.
    :param callable attempt: What to do, from its first query on.
    :param tuple conflicts: The errors after which to do it again.
    :return: What it returns.
    :raise Exception: The last conflict, which is left to the caller to roll back, if it lasts.
    """
    for _attempt in range(ATTEMPTS - 1):
        try:
            return attempt()
        except conflicts:
            cr.rollback()  # Forgets what was read, too.
    return attempt()


def find_conflict(error):
    """ Return the conflict that an error comes of, though something may tell it as its own error.

    What renders e-mails tells whatever stops it as a fault of their template.

    :param Exception error: The error.
    :return: The conflict, which may be the error itself; `None` if it comes of none.
    :rtype: Exception | None
    """
    causes = [error]
    for cause in causes:
        if isinstance(cause, CONFLICTS):
            return cause
        following = cause.__cause__ or cause.__context__
        if following and following not in causes:  # They may go round in circles.
            causes.append(following)
    return None


@contextmanager
def unwrapped():
    """ Have a conflict raised as what it is, for who starts over after one; see `find_conflict`.

    :raise Exception: What is raised within, or the conflict that it comes of.
    """
    try:
        yield
    except Exception as error:
        conflict = find_conflict(error)
        if conflict in (None, error):
            raise
        raise conflict from None
