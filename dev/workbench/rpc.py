""" Odoo's external API, and the routes that its pages call; the same in all series. """

import html
import http.client
import json
import re
import urllib.parse
import urllib.request

from .system import Failure

BUSY = 'retry'  # What a page's script is answered if the database was busy: it asks again.
INPUT = re.compile(r'name="(\w+)"\s+value="([^"]*)"')


class RPCError(Failure):
    """ An error that Odoo answered. """

    def __init__(self, message, kind=''):
        """
        :param str message: What Odoo says.
        :param str kind: The full name of the exception, if it tells.
        """
        super().__init__(message)
        self.kind = kind


def call_route(open_url, url, params, timeout=300):
    """ Call a route of Odoo that takes and returns JSON.

    :param callable open_url: `urlopen`, or that of an opener with cookies.
    :param str url: The address of the route.
    :param dict params: Its parameters.
    :param float timeout: How long to wait, in seconds.
    :return: What it returns.
    :raise RPCError: If Odoo answers with an error.
    :raise ConnectionError: If it breaks off its answer, e.g., because it is killed.
    """
    body = json.dumps({'jsonrpc': '2.0', 'method': 'call', 'id': 1, 'params': params}).encode()
    request = urllib.request.Request(url, body, {'Content-Type': 'application/json'})
    with open_url(request, timeout=timeout) as response:
        text = response.read()
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise ConnectionError(f"Odoo broke off its answer after {len(text)} bytes.") from error
    if 'error' in answer:
        error = answer['error']
        data = error.get('data', {})
        raise RPCError(data.get('message') or error.get('message'), data.get('name', ''))
    return answer.get('result')


def read_inputs(form):
    """ Return the names and values of the inputs of a form. """
    return {name: html.unescape(value) for name, value in INPUT.findall(form)}


class Session:
    """ The requests of somebody's browser, without a browser: pages, forms and scripts. """

    def __init__(self, site, database=None, login=None):
        """
        :param str site: The address of the website.
        :param str database: The database to log in to.
        :param dict login: Who it is, with the password; a stranger by default.
        """
        self.site = site
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self.url = None  # Of the page that was read last.
        self.user = {}
        if login:
            self.user = self.call('/web/session/authenticate', db=database, **login)

    def call(self, route, **params):
        """ Call a JSON route, as the scripts of pages do, and return the result.

        :raise RPCError: If Odoo answers with an error.
        """
        return call_route(self.opener.open, self.site + route, params, timeout=120)

    def call_model(self, model, method, *args, **kwargs):
        """ Call a method of a model, as the backend does, and return the result.

        :raise RPCError: If Odoo answers with an error.
        """
        return self.call(
            '/web/dataset/call_kw', model=model, method=method, args=args, kwargs=kwargs
        )

    def read(self, address, fields=None, timeout=120):
        """ Open a page, or submit a form, and return the page that it leads to.

        :param str address: The address, or its path.
        :param dict fields: The fields of the form, if it is one.
        :param float timeout: How long to wait, in seconds.
        :return: The text of the page.
        :rtype: str
        """
        body = None if fields is None else urllib.parse.urlencode(fields, doseq=True).encode()
        url = urllib.parse.urljoin(self.site, address)
        with self.opener.open(url, body, timeout=timeout) as response:
            self.url = response.url
            return response.read().decode()


class Client:
    """ A user of a database, by way of Odoo's JSON-RPC. """

    def __init__(self, url, database, login='admin', password='admin'):
        self.url, self.database, self.password = url, database, password
        self.uid = self._call('common', 'login', database, login, password)
        if not self.uid:
            raise RPCError(f"The login of {login} was refused.")

    def _call(self, service, method, *args):
        """ Call a method of a service and return its result. """
        return call_route(urllib.request.urlopen, f'{self.url}/jsonrpc', {
            'service': service, 'method': method, 'args': args,
        })

    def call(self, model, method, *args, **kwargs):
        """ Call a method of a model and return its result. """
        return self._call(
            'object', 'execute_kw', self.database, self.uid, self.password, model, method,
            list(args), kwargs,
        )

    def send_only(self, model, method, *args, **kwargs):
        """ Have a method of a model called, and hang up without waiting for the result. """
        body = json.dumps({
            'jsonrpc': '2.0', 'method': 'call', 'id': 1, 'params': {
                'service': 'object', 'method': 'execute_kw', 'args': [
                    self.database, self.uid, self.password, model, method, list(args), kwargs,
                ],
            },
        })
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc)
        connection.request('POST', '/jsonrpc', body, {'Content-Type': 'application/json'})
        connection.close()

    def ref(self, xmlid):
        """ Return the id of a record by its external identifier. """
        module, _separator, name = xmlid.partition('.')
        rows = self.call(
            'ir.model.data', 'search_read', [('module', '=', module), ('name', '=', name)],
            ['res_id'],
        )
        return rows[0]['res_id']

    def search_read(self, model, domain, fields, **kwargs):
        """ Return the values of the records of a domain, archived ones included. """
        kwargs.setdefault('context', {})['active_test'] = False
        return self.call(model, 'search_read', domain, fields, **kwargs)
