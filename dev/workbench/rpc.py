""" Odoo's external API, the same in all series. """

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request


class RPCError(Exception):
    """ An error that Odoo answered. """

    def __init__(self, message, kind=''):
        """
        :param str message: What Odoo says.
        :param str kind: The full name of the exception, if it tells.
        """
        super().__init__(message)
        self.kind = kind


class Client:
    """ A user of a database, by way of Odoo's JSON-RPC. """

    def __init__(self, url, database, login='admin', password='admin'):
        self.url, self.database, self.password = url, database, password
        self.uid = self._call('common', 'login', database, login, password)
        if not self.uid:
            raise RPCError(f"The login of {login} was refused.")

    def _call(self, service, method, *args):
        """ Call a method of a service and return its result. """
        body = json.dumps({
            'jsonrpc': '2.0', 'method': 'call', 'id': 1,
            'params': {'service': service, 'method': method, 'args': args},
        }).encode()
        request = urllib.request.Request(
            f'{self.url}/jsonrpc', body, {'Content-Type': 'application/json'}
        )
        with urllib.request.urlopen(request, timeout=300) as response:
            answer = json.load(response)
        if 'error' in answer:
            error = answer['error']
            data = error.get('data', {})
            raise RPCError(data.get('message') or error.get('message'), data.get('name', ''))
        return answer.get('result')

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
