# SPDX-License-Identifier: MIT
"""A small HTTP client for tests, on http.client: no retries, no redirects, nothing clever."""
import http.client
import json
import urllib.parse


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode('utf-8')

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f'<Response {self.status} {self.body[:200]!r}>'


class Client:
    """Each request has its own connection, unless made within `with client.keep_alive():`."""

    def __init__(self, host, port, timeout=10, token=None):
        self.host, self.port, self.timeout, self.token = host, port, timeout, token
        self._kept = None

    @property
    def base_url(self):
        return f'http://{self.host}:{self.port}'

    def connection(self):
        """A bare http.client connection, for tests that need more than request()."""
        return http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)

    def keep_alive(self):
        return _KeptConnection(self)

    def request(self, method, path, body=None, headers=None, params=None):
        """`body`: bytes, text, or anything else to be sent as JSON. The Response, body read."""
        headers = dict(headers or {})
        if params:
            path += '?' + urllib.parse.urlencode(params)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault('Content-Type', 'application/json')
        if isinstance(body, str):
            body = body.encode('utf-8')
        if self.token:
            headers.setdefault('Authorization', f'Bearer {self.token}')
        connection = self._kept or self.connection()
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            if connection is not self._kept:
                connection.close()

    def get(self, path, **more):
        return self.request('GET', path, **more)

    def post(self, path, body=None, **more):
        return self.request('POST', path, body, **more)

    def put(self, path, body=None, **more):
        return self.request('PUT', path, body, **more)

    def delete(self, path, **more):
        return self.request('DELETE', path, **more)


class _KeptConnection:
    def __init__(self, client):
        self.client = client

    def __enter__(self):
        self.client._kept = self.client.connection()
        return self.client

    def __exit__(self, *_):
        self.client._kept.close()
        self.client._kept = None
