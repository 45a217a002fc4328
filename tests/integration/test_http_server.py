# SPDX-License-Identifier: MIT
"""The HTTP server over real sockets: http_echo is a small program around it."""
import gzip
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import warnings

import pytest

from harness.process import Process, free_port, wait_until

GET = b'GET %s HTTP/1.1\r\nHost: a\r\n\r\n'


class Raw:
    """A socket that reads answers one by one and leaves what follows alone."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(20)
        self.rest = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def fill(self):
        """False at the end."""
        data = self.sock.recv(65536)
        self.rest += data
        return data != b''

    def until(self, mark):
        while mark not in self.rest:
            assert self.fill(), f'the end came before {mark!r}: {self.rest[-500:]!r}'
        head, self.rest = self.rest.split(mark, 1)
        return head

    def exactly(self, count):
        while len(self.rest) < count:
            assert self.fill(), f'{len(self.rest)} bytes of {count}'
        data, self.rest = self.rest[:count], self.rest[count:]
        return data

    def answer(self, head_only=False):
        """(status, headers with lower-case names, body)"""
        lines = self.until(b'\r\n\r\n').decode('latin-1').split('\r\n')
        version, status, _ = lines[0].split(' ', 2)
        assert version == 'HTTP/1.1'
        headers = {}
        for line in lines[1:]:
            name, value = line.split(': ', 1)
            assert name.lower() not in headers
            headers[name.lower()] = value
        status = int(status)
        body = b''
        if head_only or status in (100, 204, 304):
            pass
        elif headers.get('transfer-encoding') == 'chunked':
            pieces = []
            while not pieces or pieces[-1]:
                pieces.append(self.exactly(int(self.until(b'\r\n'), 16)))
                assert self.exactly(2) == b'\r\n'
            body = b''.join(pieces)
        elif 'content-length' in headers:
            body = self.exactly(int(headers['content-length']))
        else:
            body = self.all()
        return status, headers, body

    def all(self):
        while self.fill():
            pass
        data, self.rest = self.rest, b''
        return data

    def ended(self):
        """Nothing more comes, and the connection was closed without a reset."""
        return self.rest == b'' and self.sock.recv(1) == b''

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()


@pytest.fixture
def echo(build_dir, start_server):
    """echo(option=value, ...): a running http_echo with .raw() and .stats()."""
    def start(*arguments, wrapper=(), **options):
        port = free_port()
        options = [f'--{name}={value}' for name, value in options.items()]
        server = start_server([*wrapper, build_dir / 'tests/integration/http_echo', f'--listen=127.0.0.1:{port}',
                               *options, *arguments], port, ready_path='/stats')
        server.raw = lambda: Raw(socket.create_connection(('127.0.0.1', port)))
        server.stats = lambda: server.get('/stats').json()
        return server
    return start


def ask(server, data, **more):
    with server.raw() as raw:
        return raw.send(data).answer(**more)


# ---------------------------------------------------------------------------------- requests, answers

def test_what_the_handler_sees(echo):
    status, headers, body = ask(echo(), b'POST /echo?a=b%20c HTTP/1.1\r\nHost: h:80\r\nX-Y:  z \r\nContent-Length: 3\r\n\r\nabc')
    assert status == 200
    assert headers['content-type'] == 'text/plain' and 'GMT' in headers['date'] and 'connection' not in headers
    assert body.decode().splitlines() == [
        'method=POST', 'target=/echo?a=b%20c', 'path=/echo', 'query=a=b%20c', 'host=h:80', 'peer=127.0.0.1 loopback=1',
        'header Host=h:80', 'header X-Y=z', 'header Content-Length=3', 'body=abc']


def test_absolute_form(echo):
    server = echo()
    body = ask(server, b'GET http://b:1/echo?q HTTP/1.1\r\nHost: a\r\n\r\n')[2]
    assert b'target=/echo?q\npath=/echo\nquery=q\nhost=b:1\n' in body
    assert ask(server, b'GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n')[0] == 404


def test_keep_alive_and_close(echo):
    with echo().raw() as raw:
        for _ in range(3):
            status, headers, _ = raw.send(GET % b'/204').answer()
            assert status == 204 and 'content-length' not in headers and 'connection' not in headers
        status, headers, _ = raw.send(b'GET /204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n').answer()
        assert headers['connection'] == 'close' and raw.ended()


def test_http_1_0(echo):
    server = echo()
    with server.raw() as raw:
        assert raw.send(b'GET /echo HTTP/1.0\r\n\r\n').answer()[1]['connection'] == 'close'
        assert raw.ended()
    with server.raw() as raw:
        for _ in range(2):
            headers = raw.send(b'GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').answer()[1]
            assert headers['connection'] == 'keep-alive'
    with server.raw() as raw:
        status, headers, body = raw.send(b'GET /stream?bytes=5000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').answer()
        assert headers['connection'] == 'close' and 'transfer-encoding' not in headers and body == b'x' * 5000


def test_head(echo):
    server = echo()
    with server.raw() as raw:
        size = len(raw.send(GET % b'/text?bytes=700').answer()[2])
        headers = raw.send(b'HEAD /text?bytes=700 HTTP/1.1\r\nHost: a\r\n\r\n').answer(head_only=True)[1]
        assert int(headers['content-length']) == size == 700
        headers = raw.send(b'HEAD /beat HTTP/1.1\r\nHost: a\r\n\r\n').answer(head_only=True)[1]
        assert headers['transfer-encoding'] == 'chunked'
        assert raw.send(GET % b'/204').answer()[0] == 204
    assert server.stats()['closed'] == 1


def test_options_of_the_server(echo):
    assert ask(echo(), b'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')[0] == 204


@pytest.mark.parametrize('path', [b'/echo', b'/defer?ms=1', b'/stream?bytes=10'])
def test_pipelining_keeps_the_order(echo, path):
    server = echo()
    with server.raw() as raw:
        requests = b''.join(GET % (b'/echo?n=%d' % n if n % 2 else path) for n in range(400))
        raw.send(requests + b'GET /204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        for n in range(400):
            status, _, body = raw.answer()
            assert status == 200
            assert n % 2 == 0 or b'query=n=%d\n' % n in body
        assert raw.answer()[0] == 204 and raw.ended()
    stats = server.stats()
    assert stats['pending'] == 1 and stats['open'] == 1
    assert stats['closed'] == (200 if path.startswith(b'/stream') else 0)


def test_pipelined_answers_are_written_together(echo, tmp_path):
    server = echo()
    if not shutil.which('strace'):
        pytest.skip('no strace')
    trace = subprocess.Popen(['strace', '-f', '-p', str(server.pid), '-e', 'trace=sendto', '-o', tmp_path / 'trace'],
                             stderr=subprocess.PIPE)
    try:
        assert b'attached' in trace.stderr.readline()
        with server.raw() as raw:
            raw.send(GET % b'/204' * 50)
            for _ in range(50):
                assert raw.answer()[0] == 204
    finally:
        trace.send_signal(signal.SIGINT)
        trace.wait()
    writes = [line for line in (tmp_path / 'trace').read_text().splitlines() if 'HTTP/1.1 204' in line]
    assert 1 <= len(writes) <= 5


def test_every_cut_of_two_requests(echo):
    data = (b'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: u\r\n\r\n'
            b'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ndefg')
    server = echo()
    with server.raw() as raw, server.raw() as watch:
        asked = 0

        def received():
            nonlocal asked
            asked += 1
            return json.loads(watch.send(GET % b'/stats').answer()[2])['bytes_in'] - asked * len(GET % b'/stats')

        for cut in range(1, len(data)):
            before = received()
            raw.send(data[:cut])
            wait_until(lambda: received() - before == cut, what='the first piece read')
            raw.send(data[cut:])
            assert raw.answer()[2].endswith(b'body=abc')
            assert raw.answer()[2].endswith(b'body=defg')


@pytest.mark.parametrize('chunked', [False, True])
def test_large_body(echo, chunked):
    body = os.urandom(500000).hex().encode()
    headers = b'POST /echo HTTP/1.1\r\nHost: a\r\n'
    if chunked:
        pieces = [body[at:at + 777] for at in range(0, len(body), 777)]
        data = headers + b'Transfer-Encoding: chunked\r\n\r\n' + b''.join(b'%x\r\n%s\r\n' % (len(p), p) for p in pieces) + b'0\r\n\r\n'
    else:
        data = headers + b'Content-Length: %d\r\n\r\n' % len(body) + body
    with echo().raw() as raw:
        status, _, answer = raw.send(data + GET % b'/204').answer()
        assert status == 200 and answer.endswith(b'body=' + body)
        assert raw.answer()[0] == 204


def test_expect_100(echo):
    server = echo()
    with server.raw() as raw:
        raw.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
        assert raw.answer()[0] == 100
        assert raw.send(b'abc').answer()[2].endswith(b'body=abc')
        # the body is there already: RFC 9110 section 10.1.1 lets the 100 go
        raw.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc')
        assert raw.answer()[0] == 200
        raw.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n')
        assert raw.answer()[0] == 413


def test_response_splitting_is_refused(echo):
    server = echo()
    with server.raw() as raw:
        raw.send(GET % b'/split' + GET % b'/204')
        status, headers, _ = raw.answer()
        assert status == 500 and 'set-cookie' not in headers and 'x-evil' not in headers
        assert raw.answer()[0] == 204


# ------------------------------------------------------------------------------------------- refusals

@pytest.mark.parametrize('status, data', [
    (400, b'GET / HTTP/1.1\r\n\r\n'),
    (400, b'GET / HTTP/1.1\nHost: a\n\n'),
    (400, b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc'),
    (400, b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    (400, b'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n'),
    (400, b'\x16\x03\x01\x00\xa5\x01\x00\x00'),
    (413, b'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n'),
    (413, b'POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'),
    (413, b'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n'),
    (414, b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\nHost: a\r\n\r\n'),
    (414, b'a' * 9000),
    (417, b'POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 1\r\n\r\nx'),
    (431, b'GET / HTTP/1.1\r\nHost: a\r\nX: ' + b'a' * 17000 + b'\r\n\r\n'),
    (431, b'GET / HTTP/1.1\r\nHost: a\r\n' + b'X: a\r\n' * 64 + b'\r\n'),
    (501, b'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'),
    (505, b'GET / HTTP/2.0\r\nHost: a\r\n\r\n'),
])
def test_refused_and_closed(echo, status, data):
    server = echo()
    with server.raw() as raw:
        # what follows a refusal is never read as a request
        raw.send(data + GET % b'/echo')
        answer = raw.answer()
        assert answer[0] == status and answer[1]['connection'] == 'close'
        # as the program wants errors to look
        assert answer[1]['content-type'] == 'application/problem+json' and json.loads(answer[2])['status'] == status
        assert raw.ended()


def test_an_upload_that_is_refused_gets_its_answer(echo):
    """The client goes on sending; a reset would take the answer away from it."""
    with echo().raw() as raw:
        raw.send(b'POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n')
        raw.send(b'x' * 3000000)
        assert raw.answer()[0] == 413
        assert raw.ended()


# -------------------------------------------------------------------------------------------- patience

def test_slow_head(echo):
    server = echo(header_deadline_ms=300)
    with server.raw() as raw:
        raw.send(b'GET / HTTP/1.1\r\nHost: a\r\n')
        assert raw.answer()[0] == 408 and raw.ended()
    assert server.stats()['timeouts'] == 1


def test_a_trickle_does_not_extend_the_deadline(echo):
    server = echo(header_deadline_ms=500)
    with server.raw() as raw:
        raw.sock.settimeout(0.05)
        raw.send(b'GET / HTTP/1.1\r\nHost: a\r\n')
        for n in range(400):
            try:
                raw.send(b'X: y\r\n')
                raw.fill()
                break
            except TimeoutError:
                pass
        else:
            pytest.fail('still open after 20 s of header lines')
        raw.sock.settimeout(20)
        assert raw.answer()[0] == 408


def test_slow_body(echo):
    server = echo(header_deadline_ms=400, body_bytes_a_second=1000000)
    with server.raw() as raw:
        raw.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc')
        assert raw.answer()[0] == 408 and raw.ended()


def test_a_body_fast_enough_is_left_alone(echo):
    server = echo(header_deadline_ms=200, body_bytes_a_second=1, idle_ms=200)
    with server.raw() as raw:
        raw.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n' + b'a' * 900)
        with server.raw() as slow:
            slow.send(b'GET /')
            assert slow.answer()[0] == 408  # both deadlines of a head have passed
        assert raw.send(b'b' * 100).answer()[0] == 200


def test_idle(echo):
    server = echo(idle_ms=200)
    with server.raw() as never, server.raw() as once:
        once.send(GET % b'/204').answer()
        assert never.ended() and once.ended()


def test_empty_lines_leave_a_connection_idle(echo):
    server = echo(header_deadline_ms=100, idle_ms=1000)
    with server.raw() as raw:
        raw.send(GET % b'/204').answer()
        raw.send(b'\r\n')
        with server.raw() as slow:
            slow.send(b'GET /')
            assert slow.answer()[0] == 408
        assert raw.send(b'\r\n' + GET % b'/204').answer()[0] == 204
        raw.send(b'\r\n\r\n')
        raw.send(b'\r\n')
        assert raw.answer()[0] == 400


def test_no_answer_in_time(echo):
    server = echo(reply_ms=200)
    with server.raw() as raw:
        raw.send(GET % b'/never' + GET % b'/204')
        status, headers, _ = raw.answer()
        assert status == 503 and headers['retry-after'] == '1'
        assert raw.answer()[0] == 204
        raw.send(GET % b'/defer?ms=600')
        assert raw.answer()[0] == 503
    # the late answer finds nobody, and does not become somebody else's
    wait_until(lambda: server.stats()['gone'] == 1, what='the late answer')


def test_a_reader_who_does_not_read_is_cut(echo):
    server = echo(idle_ms=300, max_output=1000000)
    with server.raw() as raw:
        raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.send(GET % b'/text?bytes=50000000')
        wait_until(lambda: server.stats()['open'] == 1, what='the connection cut')


# -------------------------------------------------------------------------------------- who may connect

def test_at_the_maximum_the_idle_go_first(echo):
    server = echo(max_connections=5)
    held = [server.raw() for _ in range(5)]
    for raw in held[1:]:
        assert raw.send(GET % b'/204').answer()[0] == 204
    for raw in held[2:]:
        raw.send(b'GET /')
    busy = server.raw()
    assert busy.send(GET % b'/204').answer()[0] == 204
    assert held[0].ended()
    for raw in held[2:]:
        assert raw.send(b'204 HTTP/1.1\r\nHost: a\r\n\r\n').answer()[0] == 204
    for raw in [*held, busy]:
        raw.sock.close()


def test_at_the_maximum_with_nobody_idle(echo):
    server = echo(max_connections=3)
    wait_until(lambda: server.stats()['open'] == 1)
    held = [server.raw() for _ in range(3)]
    for raw in held:
        raw.send(GET % b'/204' + b'GET /').answer()
    with server.raw() as raw:
        status, headers, _ = raw.answer()
        assert status == 503 and headers['retry-after'] == '1' and raw.ended()
    for raw in held:
        assert raw.send(b'204 HTTP/1.1\r\nHost: a\r\n\r\n').answer()[0] == 204
        raw.sock.close()
    assert server.stats()['refused'] == 1


IN_NETNS = '''
import json, socket, subprocess, sys
subprocess.run(['ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'lo'], check=True)
subprocess.run(['ip', 'addr', 'add', '10.99.0.2/32', 'dev', 'lo'], check=True)
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
server = subprocess.Popen([sys.argv[1], '--listen=0.0.0.0:0', '--max_per_address=3'], stdout=subprocess.PIPE)
port = int(server.stdout.readline().split()[1])
def get(address):
    s = socket.create_connection((address, port), source_address=(address, 0))
    s.sendall(b'GET /204 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
    return s, s.recv(1000).split()[1].decode()
found = []
held = [get('10.99.0.1') for _ in range(4)]
found += [status for _, status in held]
held[0][0].close()
other, status = get('10.99.0.2')
found.append(status)
for _ in range(200):
    s, status = get('10.99.0.1')
    if status == '204':
        break
found.append(status)
found.append([get('127.0.0.1')[1] for _ in range(8)].count('204'))
server.terminate()
print(json.dumps([found, server.wait()]))
'''


def test_connections_an_address(build_dir, tmp_path):
    """Loopback is exempt, so this needs addresses of its own: a network namespace."""
    script = tmp_path / 'in_netns.py'
    script.write_text(IN_NETNS)
    probe = ['unshare', '--map-root-user', '--net', 'ip', 'link', 'set', 'lo', 'up']
    if not shutil.which('ip') or subprocess.run(probe, capture_output=True).returncode != 0:
        pytest.skip('no network namespaces here')
    done = subprocess.run([*probe[:3], sys.executable, script, build_dir / 'tests/integration/http_echo'],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [['204', '204', '204', '503', '204', '204', 8], 0]


def test_out_of_descriptors(echo):
    server = echo(wrapper=('prlimit', '--nofile=40:40'), header_deadline_ms=60000)
    held = []
    # busy connections until nothing is left: the reserved descriptor turns the next one away
    while True:
        raw = server.raw()
        held.append(raw)
        raw.send(GET % b'/204' + b'GET /')
        if raw.answer()[0] == 503:
            break
        assert len(held) < 60
    assert raw.ended()
    assert held[0].send(b'204 HTTP/1.1\r\nHost: a\r\n\r\n').answer()[0] == 204
    # now one is idle, and makes place
    with server.raw() as raw:
        assert raw.send(GET % b'/204').answer()[0] == 204
    assert held[0].ended()
    for raw in held:
        raw.sock.close()
    wait_until(lambda: server.stats()['open'] == 1, what='relief')
    assert server.log().count('no_descriptors') <= 10


# ------------------------------------------------------------------------------- later answers, streams

def test_deferred_answers_find_their_connections(echo):
    server = echo()
    raws = [server.raw() for _ in range(50)]
    for n, raw in enumerate(raws):
        raw.send(GET % (b'/defer?ms=%d' % ((n * 37) % 50)))
    assert len({raw.answer()[2] for raw in raws}) == 50
    for raw in raws:
        raw.sock.close()


def test_client_gone_while_pending(echo):
    server = echo()
    raw = server.raw()
    raw.send(GET % b'/defer?ms=300')
    wait_until(lambda: server.stats()['pending'] == 2)
    raw.reset()
    wait_until(lambda: server.stats()['pending'] == 1, what='the reset noticed')
    wait_until(lambda: server.stats()['gone'] == 1, what='the answer without a client')


def test_half_closed_client_gets_its_answers(echo):
    with echo().raw() as raw:
        raw.send(GET % b'/defer?ms=50' + GET % b'/204' + b'GET /half')
        raw.sock.shutdown(socket.SHUT_WR)
        assert raw.answer()[0] == 200
        assert raw.answer()[0] == 204
        assert raw.ended()


def test_a_flood_of_pipelined_requests_is_bounded(echo):
    """Behind a pending request the server stops reading."""
    server = echo()
    with server.raw() as raw:
        raw.send(GET % b'/defer?ms=1000')
        raw.sock.settimeout(0.2)
        sent = 0
        try:
            while sent < 100 << 20:
                sent += raw.sock.send(GET % b'/204' * 1000)
        except TimeoutError:
            pass
        assert sent < 100 << 20
        assert server.stats()['bytes_in'] < 1 << 20


def test_stream(echo):
    server = echo()
    with server.raw() as raw:
        raw.send(GET % b'/stream?bytes=3000000&piece=10007' + GET % b'/204')
        status, headers, body = raw.answer()
        assert status == 200 and 'content-length' not in headers and body == b'x' * 3000000
        assert raw.answer()[0] == 204
    assert server.stats()['closed'] == 1


def test_stream_with_a_slow_reader(echo):
    server = echo(max_output=200000)
    with server.raw() as raw:
        raw.send(GET % b'/stream?bytes=50000000&piece=60000')
        raw.fill()
        # held back: what is under way is bounded by the kernel's buffers and max_output
        assert server.stats()['bytes_out'] < 40000000
        assert len(raw.answer()[2]) == 50000000
    assert server.stats()['closed'] == 1


def test_stream_of_small_pieces_arrives_at_once(echo):
    with echo().raw() as raw:
        raw.send(GET % b'/beat?piece=10')
        raw.until(b'\r\n\r\n')
        for _ in range(5):
            assert raw.until(b'\r\n') == b'a'
            assert raw.exactly(12) == b'x' * 10 + b'\r\n'


@pytest.mark.parametrize('leave', [Raw.reset, lambda raw: raw.sock.close()])
def test_reader_of_a_stream_leaves(echo, leave):
    server = echo()
    raw = server.raw()
    raw.send(GET % b'/beat')
    raw.until(b'xxx')
    leave(raw)
    wait_until(lambda: server.stats()['closed'] == 1, what='the end of the stream')
    assert server.stats()['open'] == 1


# ------------------------------------------------------------------------------------------------ gzip

@pytest.mark.parametrize('accept, path, zipped, vary', [
    ('gzip', '/text?bytes=5000', True, True),
    ('gzip, br', '/text?bytes=500000', True, True),
    ('br;q=1, *;q=0.1', '/text?bytes=5000', True, True),
    ('gzip;q=0', '/text?bytes=5000', False, True),
    ('identity', '/text?bytes=5000', False, True),
    (None, '/text?bytes=5000', False, True),
    ('gzip', '/text?bytes=1023', False, False),
    ('gzip', '/text?bytes=1024', True, True),
    ('gzip', '/text?bytes=5000&type=image/png', False, False),
    ('gzip', '/text?bytes=5000&type=text/html;charset=utf-8', True, True),
    ('gzip', '/text?bytes=5000&type=application/problem%2Bjson', True, True),
])
def test_gzip(echo, accept, path, zipped, vary):
    headers = b'Accept-Encoding: %s\r\n' % accept.encode() if accept else b''
    with echo().raw() as raw:
        for _ in range(2):
            raw.send(b'GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n' % (path.encode(), headers))
            _, found, body = raw.answer()
            assert (found.get('content-encoding') == 'gzip') == zipped
            assert (found.get('vary') == 'Accept-Encoding') == vary
            text = gzip.decompress(body) if zipped else body
            assert not zipped or len(body) < len(text) / 2
            assert text == (b'lead score ' * 50000)[:len(text)] and b'bytes=%d' % len(text) in path.encode()
        head = b'HEAD %s HTTP/1.1\r\nHost: a\r\n%s\r\n' % (path.encode(), headers)
        assert raw.send(head).answer(head_only=True)[1]['content-length'] == str(len(body))


def test_compressed_already(echo):
    with echo().raw() as raw:
        _, headers, body = raw.send(b'GET /asset HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n').answer()
        assert headers['content-encoding'] == 'gzip' and headers['vary'] == 'Accept-Encoding'
        text = gzip.decompress(body)
        assert text == b'body { color: red }\n'
        _, headers, body = raw.send(GET % b'/asset').answer()
        assert 'content-encoding' not in headers and headers['vary'] == 'Accept-Encoding' and body == text


# --------------------------------------------------------------------------------------- unix sockets

def unix_raw(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    return Raw(sock)


def test_unix_socket(echo, tmp_path):
    path = tmp_path / 's'
    server = echo(f'--listen=unix:{path}')
    with unix_raw(path) as raw:
        assert b'peer=unix loopback=1' in raw.send(GET % b'/echo').answer()[2]
    server.kill()
    assert path.exists()
    server.start()  # over the stale one
    with unix_raw(path) as raw:
        assert raw.send(GET % b'/204').answer()[0] == 204
    server.stop()
    assert not path.exists()


def test_unix_socket_in_use(echo, build_dir, tmp_path):
    path = tmp_path / 's'
    echo(f'--listen=unix:{path}')
    second = subprocess.run([build_dir / 'tests/integration/http_echo', f'--listen=unix:{path}'], capture_output=True,
                            text=True, timeout=20)
    assert second.returncode == 1 and 'Address already in use' in second.stderr
    with unix_raw(path) as raw:
        assert raw.send(GET % b'/204').answer()[0] == 204
    plain = tmp_path / 'file'
    plain.write_text('precious')
    third = subprocess.run([build_dir / 'tests/integration/http_echo', f'--listen=unix:{plain}'], capture_output=True,
                           text=True, timeout=20)
    assert third.returncode == 1 and plain.read_text() == 'precious'


@pytest.mark.parametrize('address', ['', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', 'example.com:80', '1.2.3:80',
                                     '[::1:80', '[127.0.0.1]:80', 'unix:', 'unix:' + 'a' * 108, '127.0.0.1:-1'])
def test_bad_addresses(build_dir, address):
    done = subprocess.run([build_dir / 'tests/integration/http_echo', f'--listen={address}'], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 1 and 'invalid' in done.stderr


def test_ipv6_and_localhost(echo):
    port = free_port()
    server = echo(f'--listen=localhost:{port}', f'--listen=[::1]:{port}')
    for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
        sock = socket.socket(family)
        sock.connect((host, port))
        with Raw(sock) as raw:
            assert f'peer={host} loopback=1'.encode() in raw.send(GET % b'/echo').answer()[2]
    server.stop()


# ------------------------------------------------------------------------------------------------- TLS

def make_certificate(folder, name):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                    '-keyout', folder / 'key.pem', '-out', folder / 'cert.pem', '-days', '2', '-subj', f'/CN={name}'],
                   check=True, capture_output=True)


@pytest.fixture
def tls_echo(echo, tmp_path):
    def start(**options):
        make_certificate(tmp_path, 'first')
        port = free_port()
        server = echo(f'--tls=127.0.0.1:{port}', f'--cert={tmp_path}/cert.pem', f'--key={tmp_path}/key.pem', **options)
        server.tls_port = port
        return server
    return start


def context(version=None, alpn=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    if version:
        ctx.set_ciphers('ALL:@SECLEVEL=0')
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # that old versions are deprecated is what is tested
            ctx.minimum_version = ctx.maximum_version = version
    if alpn:
        ctx.set_alpn_protocols(alpn)
    return ctx


def tls_raw(server, **options):
    sock = socket.create_connection(('127.0.0.1', server.tls_port))
    sock.settimeout(20)
    return Raw(context(**options).wrap_socket(sock))


def name_of(raw):
    return b'first' if b'first' in raw.sock.getpeercert(binary_form=True) else b'second'


@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls(tls_echo, version):
    server = tls_echo()
    with tls_raw(server, version=version, alpn=['http/1.1']) as raw:
        assert raw.sock.selected_alpn_protocol() == 'http/1.1'
        assert raw.sock.version() == version.name.replace('_', '.')
        for size in (3, 100000, 900000):
            body = b'z' * size
            raw.send(b'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' % size + body)
            assert raw.answer()[2].endswith(b'body=' + body)
        raw.send(GET % b'/204' * 100)
        for _ in range(100):
            assert raw.answer()[0] == 204
        raw.send(GET % b'/stream?bytes=2000000')
        assert len(raw.answer()[2]) == 2000000
        assert raw.send(GET % b'/defer?ms=20').answer()[0] == 200
        raw.send(b'GET /204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        assert raw.answer()[0] == 204
        assert raw.ended()  # with close_notify: Python raises without


def test_old_tls_is_refused(tls_echo):
    server = tls_echo()
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            tls_raw(server, version=version)
    with tls_raw(server) as raw:
        assert raw.send(GET % b'/204').answer()[0] == 204


def test_alpn(tls_echo):
    server = tls_echo()
    with tls_raw(server, alpn=['h2', 'http/1.1']) as raw:
        assert raw.sock.selected_alpn_protocol() == 'http/1.1'
    with tls_raw(server) as raw:
        assert raw.sock.selected_alpn_protocol() is None
    with pytest.raises((ssl.SSLError, ConnectionError)):
        tls_raw(server, alpn=['h2'])


def test_tls_reload(tls_echo, tmp_path):
    server = tls_echo()
    with tls_raw(server) as old:
        assert name_of(old) == b'first'
        make_certificate(tmp_path, 'second')
        assert server.get('/reload').status == 200
        with tls_raw(server) as new:
            assert name_of(new) == b'second'
        (tmp_path / 'cert.pem').write_text('nonsense')
        refused = server.get('/reload')
        assert refused.status == 500 and 'cert.pem' in refused.text
        make_certificate(tmp_path, 'first')
        shutil.copy(tmp_path / 'cert.pem', tmp_path / 'kept')
        make_certificate(tmp_path, 'second')
        shutil.copy(tmp_path / 'kept', tmp_path / 'cert.pem')
        assert server.get('/reload').status == 500  # the key is another certificate's
        with tls_raw(server) as new:
            assert name_of(new) == b'second'
        assert old.send(GET % b'/204').answer()[0] == 204


def test_tls_resumption(tls_echo):
    server = tls_echo()
    ctx = context(version=ssl.TLSVersion.TLSv1_2)
    session = None
    for expected in (False, True):
        sock = socket.create_connection(('127.0.0.1', server.tls_port))
        sock = ctx.wrap_socket(sock, session=session)
        with Raw(sock) as raw:
            assert raw.send(GET % b'/204').answer()[0] == 204
            assert sock.session_reused == expected
            session = sock.session


def test_tls_handshake_has_a_deadline(tls_echo):
    server = tls_echo(header_deadline_ms=200)
    with Raw(socket.create_connection(('127.0.0.1', server.tls_port))) as silent:
        assert silent.ended()
    with Raw(socket.create_connection(('127.0.0.1', server.tls_port))) as plain:
        plain.send(GET % b'/204')
        answer = plain.all()
        assert b'HTTP' not in answer
    wait_until(lambda: server.stats()['open'] == 1)


def test_tls_stream_with_a_slow_reader(tls_echo):
    server = tls_echo(max_output=200000)
    with tls_raw(server) as raw:
        raw.send(GET % b'/stream?bytes=20000000&piece=60000')
        raw.fill()
        assert len(raw.answer()[2]) == 20000000


# ---------------------------------------------------------------------------------------- out of memory

def exercise(port, tls_port):
    """Every way through the server; what cannot be had is 5xx or the end of the connection, never garbage."""
    body = b'b' * 100000
    piece = b'POST /echo HTTP/1.1\r\nHost: a\r\n'
    sequences = [
        [GET % b'/204' * 20],
        [piece[:20], piece[20:] + b'Content-Length: 100000\r\n\r\n' + body[:70000], body[70000:]],
        [piece + b'Transfer-Encoding: chunked\r\n\r\n', b'186a0\r\n' + body, b'\r\n0\r\n\r\n'],
        [GET % b'/stream?bytes=100000'],
        [GET % b'/defer?ms=1' + GET % b'/204'],
        [b'GET /text?bytes=20000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n'],
        [GET % b'/asset'],
        [b'nonsense\r\n\r\n'],
    ]
    for over_tls in (False, True):
        for pieces in sequences:
            try:
                sock = socket.create_connection(('127.0.0.1', tls_port if over_tls else port), 20)
                with Raw(context().wrap_socket(sock) if over_tls else sock) as raw:
                    for data in pieces:
                        raw.send(data)
                    assert raw.answer()[0] in (200, 204, 400, 500, 503)
            except (OSError, AssertionError) as gone:
                assert isinstance(gone, OSError) or 'the end came' in str(gone) or 'bytes of' in str(gone)


@pytest.fixture
def starved(build_dir, tmp_path, clean_env):
    """starved(number, every): (process, port, TLS port) of an http_echo that has begun to count its allocations.

    With `wait` False it counts from its start: the exit code when that ended it.
    """
    preload = build_dir / 'tests/integration/libfailmalloc.so'
    if not preload.exists():
        pytest.skip('a build with sanitizers')
    make_certificate(tmp_path, 'first')
    started = []

    def start(number, every=0, wait=True):
        port, tls_port = free_port(), free_port()
        env = {**clean_env, 'LD_PRELOAD': str(preload), 'FAILMALLOC': str(number), 'FAILMALLOC_EVERY': str(every)}
        if wait:
            env['FAILMALLOC_WAIT'] = '1'
        process = Process([build_dir / 'tests/integration/http_echo', f'--listen=127.0.0.1:{port}', f'--tls=127.0.0.1:{tls_port}',
                           f'--cert={tmp_path}/cert.pem', f'--key={tmp_path}/key.pem'], env, tmp_path,
                          tmp_path / f'starved-{len(started)}').start()
        started.append(process)
        wait_until(lambda: 'port ' in process.log() or not process.running())
        if not process.running():
            return process.wait()
        if wait:
            process.signal(signal.SIGUSR1)
            wait_until(lambda: 'armed' in process.log())
        return process, port, tls_port

    yield start
    for process in started:
        if process.child is not None:
            process.kill()


@pytest.mark.slow
def test_every_allocation_of_the_start_may_fail(starved, request):
    ended = 0
    for number in range(1, 120, 1 if request.config.getoption('--long') else 7):
        result = starved(number, wait=False)
        if isinstance(result, int):
            assert result in (1, 2), f'allocation {number}: exit code {result}'
            ended += 1
    assert ended > 2


@pytest.mark.slow
def test_every_allocation_may_fail(starved, request):
    """F14: each allocation of a run fails once; the program goes on serving."""
    some, most = (1, 60) if request.config.getoption('--long') else (3, 400)
    for number in [*range(1, 100, some), *range(100, 4000, most)]:
        process, port, tls_port = starved(number)
        exercise(port, tls_port)
        with Raw(socket.create_connection(('127.0.0.1', port), 20)) as raw:
            assert raw.send(GET % b'/204').answer()[0] == 204, f'allocation {number}'
        assert process.terminate() == 0, f'allocation {number}:\n{process.log()}'
        process.assert_clean_log()


@pytest.mark.slow
@pytest.mark.parametrize('every', [2, 3, 5, 7, 20])
def test_memory_stays_short(starved, every):
    """What needs memory suffers, the program does not."""
    process, port, tls_port = starved(1, every)
    for _ in range(5):
        exercise(port, tls_port)
        assert process.running(), process.tail()
    process.assert_clean_log()


# ---------------------------------------------------------------------------------------------- the end

def test_drain(echo):
    server = echo()
    with server.raw() as idle, server.raw() as pending, server.raw() as half:
        assert idle.send(GET % b'/204').answer()[0] == 204
        pending.send(GET % b'/defer?ms=400')
        half.send(GET % b'/204' + b'GET /2').answer()
        wait_until(lambda: server.stats()['pending'] == 2)
        server.signal(signal.SIGTERM)
        assert idle.ended()
        with pytest.raises(ConnectionRefusedError):
            server.raw()
        status, headers, _ = half.send(b'04 HTTP/1.1\r\nHost: a\r\n\r\n').answer()
        assert status == 204 and headers['connection'] == 'close' and half.ended()
        status, headers, _ = pending.answer()
        assert status == 200 and headers['connection'] == 'close' and pending.ended()
    assert server.wait() == 0
    server.assert_clean_log()


def test_drain_answers_what_has_arrived(echo):
    """Requests that lie in the socket, and clients in the backlog, when the signal comes."""
    server = echo()
    idle = server.raw()
    assert idle.send(GET % b'/204').answer()[0] == 204
    server.signal(signal.SIGSTOP)
    idle.send(GET % b'/204')
    waiting = server.raw().send(GET % b'/204')
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGCONT)
    for raw in (idle, waiting):
        # which of signal and request is seen first is open; that nobody is reset is not
        assert raw.answer()[0] == 204 and raw.ended()
        raw.sock.close()
    assert server.wait() == 0


def test_drain_from_a_handler(echo):
    server = echo()
    with server.raw() as idle, server.raw() as raw:
        assert idle.send(GET % b'/204').answer()[0] == 204
        idle.send(GET % b'/204')
        raw.send(b'GET /drain?%s HTTP/1.1\r\nHost: a\r\n\r\n' % (b'x' * 1000))
        status, headers, body = raw.answer()
        assert headers['connection'] == 'close' and b'query=' + b'x' * 1000 + b'\n' in body and raw.ended()
        assert idle.answer()[0] == 204 and idle.ended()
    assert server.wait() == 0


def test_drain_gives_up(echo):
    server = echo(drain_ms=200)
    with server.raw() as never, server.raw() as stream:
        never.send(GET % b'/never')
        stream.send(GET % b'/beat').until(b'xxx')
        server.signal(signal.SIGTERM)
        never.all()
        stream.all()
    assert server.wait() == 0
    server.assert_clean_log()


def test_drain_without_connections(echo):
    server = echo()
    server.stop()
