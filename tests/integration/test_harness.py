# SPDX-License-Identifier: MIT
"""The harness itself: a test suite whose watchdog cannot bark proves nothing."""
import json
import signal
import sys

import pytest

from harness import count, hubspot
from harness.process import Process, free_port

SERVER = '''
import http.server, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(self.path.encode())
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(201); self.end_headers(); self.wfile.write(body)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(%s))
print(%r, file=sys.stderr)
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
'''


def script(exit_code=0, says='hello'):
    return SERVER % (exit_code, says)


def test_start_request_stop(start_server):
    port = free_port()
    server = start_server([sys.executable, '-c', script(), port], port)
    assert server.get('/a', params={'b': 'c d'}).text == '/a?b=c+d'
    assert server.post('/a', {'x': 1}).json() == {'x': 1}
    server.stop()
    assert not server.running()
    server.start()
    assert server.get('/again').status == 200
    server.kill()


def test_a_bad_exit_code_is_noticed(start_server):
    port = free_port()
    server = start_server([sys.executable, '-c', script(exit_code=3), port], port)
    with pytest.raises(AssertionError, match='exit code 3'):
        server.stop()


def test_a_sanitizer_report_is_noticed(start_server, tmp_path):
    port = free_port()
    server = start_server([sys.executable, '-c', script(says='==1==ERROR: AddressSanitizer: oh'), port], port)
    with pytest.raises(AssertionError, match='AddressSanitizer'):
        server.stop()
    server.log_path.write_text('')  # or the fixture would complain as well


def test_an_early_death_is_noticed(start_server):
    with pytest.raises(AssertionError, match='exited with 5'):
        start_server([sys.executable, '-c', 'import sys; sys.exit(5)'], free_port())


def test_a_deaf_process_is_killed(tmp_path, clean_env):
    deaf = Process([sys.executable, '-c', 'import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
                    'print("ready", flush=True)\ntime.sleep(600)'], clean_env, tmp_path, tmp_path / 'log')
    deaf.stop_timeout = 0.2
    deaf.start()
    while 'ready' not in deaf.log():
        assert deaf.running()
    with pytest.raises(AssertionError, match='did not stop'):
        deaf.terminate()
    assert not deaf.running()


def test_process_dies_with_its_signal(tmp_path, clean_env):
    process = Process([sys.executable, '-c', 'import time; time.sleep(600)'], clean_env, tmp_path, tmp_path / 'log')
    assert process.start().running()
    assert process.kill() == -signal.SIGKILL


def test_hubspot_signature():
    # computed with: printf 'POSThttps://ls.example/webhooks/hubspot[]1700000000000' | openssl dgst -sha256 -hmac secret -binary | base64
    assert hubspot.sign_v3('secret', 'POST', 'https://ls.example/webhooks/hubspot', '[]', 1700000000000) == \
        'msAU4oj7j7RqHp5Wkt3KxVSk86vHBieOVvIVnkRtj5s='


def test_counting_meson(tmp_path):
    rows = [
        {'result': 'OK', 'stdout': '1..2\nok 1 - a\nok 2 - b\n'},
        {'result': 'OK', 'stdout': 'replayed 16 inputs\n'},
        {'result': 'FAIL', 'stdout': 'ok 1 - a\nnot ok 2 - b\nnot ok 3 - c\n'},
        {'result': 'ERROR', 'stdout': 'ok 1 - a\n'},  # died in the second
        {'result': 'TIMEOUT'},
        {'result': 'OK', 'stdout': 'ok 1 - a # SKIP no server\nok 2 - b\n'},
        {'result': 'SKIP', 'stdout': ''},
    ]
    path = tmp_path / 'log.json'
    path.write_text('\n'.join(map(json.dumps, rows)))
    assert count.count_meson(path) == (2 + 1 + 1 + 1 + 1, 2 + 1 + 1, 1 + 1)


def test_counting_pytest(tmp_path):
    path = tmp_path / 'log.xml'
    path.write_text('<testsuites><testsuite><testcase/><testcase><failure/></testcase><testcase><error/></testcase>'
                    '<testcase><skipped/></testcase><testcase><system-out/></testcase></testsuite></testsuites>')
    assert count.count_junit(path) == (2, 2, 1)
