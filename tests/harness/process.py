# SPDX-License-Identifier: MIT
"""A program under test: started with its own environment, watched, stopped by its pid."""
import ctypes
import os
import re
import signal
import socket
import subprocess
import time

from harness.http import Client

# A sanitizer's report, or an assertion of ours: never acceptable, whatever the exit code says.
REPORT = re.compile(r'ERROR: \w*Sanitizer|SUMMARY: \w*Sanitizer|runtime error:|assertion failed', re.I)
PR_SET_PDEATHSIG = 1


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_until(condition, timeout=10.0, what='the condition'):
    """Polls until condition() is true and gives its value. Tests wait for facts, never for a time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f'{what} did not come true within {timeout} s')
        time.sleep(0.01)


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """`argv` in `cwd`; standard error goes to the file `log_path`, over restarts."""

    stop_timeout = 20

    def __init__(self, argv, env, cwd, log_path):
        self.argv, self.env, self.cwd, self.log_path = argv, env, cwd, log_path
        self.child = None

    def start(self):
        assert self.child is None, 'already started'
        with open(self.log_path, 'ab') as log:
            self.child = subprocess.Popen(self.argv, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, preexec_fn=_die_with_parent)
        return self

    @property
    def pid(self):
        return self.child.pid

    def running(self):
        return self.child is not None and self.child.poll() is None

    def wait(self, timeout=None):
        """The exit code; negative: the signal it died of. It can be started again afterwards."""
        code = self.child.wait(timeout or self.stop_timeout)
        self.child = None
        return code

    def signal(self, number):
        os.kill(self.child.pid, number)

    def terminate(self):
        """SIGTERM, then patience, then SIGKILL and an error."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f'{self.argv[0]} did not stop within {self.stop_timeout} s of SIGTERM:\n{self.tail()}')

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def tail(self, lines=40):
        return '\n'.join(self.log().splitlines()[-lines:])

    def assert_clean_log(self):
        found = REPORT.search(self.log())
        assert not found, f'a report in the log:\n{self.log()[max(0, found.start() - 200):found.start() + 6000]}'


class Server(Process):
    """A program that answers HTTP on a loopback port; ready once `ready_path` answers 200."""

    ready_path = '/health'
    ready_timeout = 30

    def __init__(self, argv, env, cwd, log_path, port):
        super().__init__(argv, env, cwd, log_path)
        self.port = port
        self.client = Client('127.0.0.1', port)

    @property
    def base_url(self):
        return self.client.base_url

    def is_ready(self):
        if not self.running():
            raise AssertionError(f'{self.argv[0]} exited with {self.child.returncode} before it was ready:\n{self.tail()}')
        try:
            return self.client.get(self.ready_path).status == 200
        except OSError:
            return False

    def start(self):
        super().start()
        try:
            wait_until(self.is_ready, self.ready_timeout, f'{self.base_url}{self.ready_path} answering 200')
        except TimeoutError:
            log = self.tail()
            self.kill()
            raise AssertionError(f'{self.argv[0]} was not ready within {self.ready_timeout} s:\n{log}')
        return self

    def stop(self):
        """A clean end: exit code 0 and nothing bad in the log."""
        code = self.terminate()
        self.assert_clean_log()
        assert code == 0, f'exit code {code}:\n{self.tail()}'

    def restart(self):
        self.stop()
        return self.start()

    def request(self, *args, **more):
        return self.client.request(*args, **more)

    def get(self, *args, **more):
        return self.client.get(*args, **more)

    def post(self, *args, **more):
        return self.client.post(*args, **more)
