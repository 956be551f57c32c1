""" Posting a form as APS or a browser does it, and reading no more than the status. """

import time
import urllib.error
import urllib.parse
import urllib.request


class NoRedirection(urllib.request.HTTPRedirectHandler):
    """ Leave redirections to the tests. """

    def redirect_request(self, *_args, **_kwargs):
        return None


def post(url, fields):
    """ Post a form and return the status of the response, and how long it took.

    :param str url: The address.
    :param dict fields: The fields of the form.
    :return: The HTTP status, `None` if the server hung up before it had read the form, and the
             seconds.
    :rtype: tuple[int | None, float]
    """
    body = urllib.parse.urlencode(fields).encode()
    begin = time.monotonic()
    try:
        with urllib.request.build_opener(NoRedirection).open(url, body, timeout=60) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
    except urllib.error.URLError as error:
        assert isinstance(error.reason, ConnectionError)
        status = None
    return status, time.monotonic() - begin
