# SPDX-License-Identifier: MIT
"""What benchmarks need: a pinned server, exact loads, and the kernel's own counters."""
import ctypes
import http.client
import json
import os
import pathlib
import re
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SECRET = 'a-secret-for-benchmarks'
SERVER_CORE, LOAD_CORE = 0, min(1, (os.cpu_count() or 1) - 1)
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Failed(Exception):
    """A figure that could not be measured, or a count that is wrong."""


def pinned(core, scheduler=None):
    """For preexec_fn: on this core, and never outliving us."""
    def prepare():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, {core})
        if scheduler is not None:
            os.sched_setscheduler(0, scheduler, os.sched_param(0))
    return prepare


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Spinners:
    """One of the idle class on each core: else waking up costs hundreds of microseconds and hides the rest."""

    def __enter__(self):
        self.children = [subprocess.Popen([sys.executable, '-c', 'while True: pass'], preexec_fn=pinned(core, os.SCHED_IDLE))
                         for core in {SERVER_CORE, LOAD_CORE}]

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
            child.wait()


def threads_ns(pid):
    """CPU time of the main thread and of the others, in ns; PID/schedstat alone has only the main thread's."""
    main = others = 0
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        ns = int((task / 'schedstat').read_text().split()[0])
        if task.name == str(pid):
            main = ns
        else:
            others += ns
    return main, others


def steal():
    fields = pathlib.Path('/proc/stat').read_text().split('\n', 1)[0].split()
    return int(fields[8]), sum(map(int, fields[1:9]))


def fdatasync_us(folder):
    """The disk's median after overwriting one page."""
    path, times = pathlib.Path(folder, 'fdatasync'), []
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        os.pwrite(fd, bytes(65536), 0)
        os.fsync(fd)
        for _ in range(41):
            began = time.monotonic_ns()
            os.pwrite(fd, os.urandom(4096), 0)
            os.fdatasync(fd)
            times.append((time.monotonic_ns() - began) / 1000)
    finally:
        os.close(fd)
        path.unlink()
    return statistics.median(times)


class Server:
    """`leadscore serve` on the server's core with its own data directory, reachable on loopback."""

    def __init__(self, binary, folder, wrapper=(), environment=None, **settings):
        self.binary, self.folder, self.wrapper = binary, pathlib.Path(folder), list(wrapper)
        self.environment = dict(environment or {})
        self.port, self.child, self.started = free_port(), None, 0.0
        self.settings = {'LEADSCORE_LISTEN': f'127.0.0.1:{self.port}', 'LEADSCORE_DATA_DIR': str(self.folder / 'data'),
                         'HUBSPOT_CLIENT_SECRET': SECRET, **{name: str(value) for name, value in settings.items()}}
        self.log = self.folder / 'log'
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}'

    def spawn(self):
        environment = {'PATH': os.environ.get('PATH', '/usr/bin:/bin'), **self.environment, **self.settings}
        with open(self.log, 'ab') as log:
            self.started = time.monotonic()
            self.child = subprocess.Popen([*self.wrapper, str(self.binary), 'serve'], env=environment, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, preexec_fn=pinned(SERVER_CORE))
        return self

    def start(self):
        self.spawn()
        self.wait_listening()
        self.wait_ready()
        return self

    def wait_listening(self, timeout=120):
        """Seconds from the start until a connection was accepted."""
        while time.monotonic() < self.started + timeout:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return time.monotonic() - self.started
            except OSError:
                self.check_alive()
                time.sleep(0.0005)
        raise Failed(f'the server does not listen:\n{self.tail()}')

    def wait_ready(self, timeout=600):
        while time.monotonic() < self.started + timeout:
            if self.request('GET', '/ready')[0] == 200:
                return time.monotonic() - self.started
            time.sleep(0.005)
        raise Failed(f'the server is not ready:\n{self.tail()}')

    def check_alive(self):
        if self.child.poll() is not None:
            raise Failed(f'the server ended with {self.child.returncode}:\n{self.tail()}')

    def tail(self):
        return '\n'.join(self.log.read_text(errors='replace').splitlines()[-20:])

    def request(self, method, path, body=None, timeout=30):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        try:
            headers = {'Content-Type': 'application/json'} if body is not None else {}
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def metrics(self):
        found = {}
        for line in self.request('GET', '/metrics')[1].decode().splitlines():
            if not line.startswith('#'):
                name, value = line.rsplit(' ', 1)
                found[name] = float(value)
        return found

    def resident(self):
        status = pathlib.Path(f'/proc/{self.child.pid}/status').read_text()
        return int(re.search(r'VmRSS:\s+(\d+) kB', status).group(1)) * 1024

    def cpu(self):
        return threads_ns(self.child.pid)

    def stop(self, number=signal.SIGTERM):
        if self.child is not None:
            self.child.send_signal(number)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
            self.child = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)


def total(metrics, name, **labels):
    """Sum of the samples of a metric whose labels include these."""
    return sum(value for key, value in metrics.items()
               if key.split('{')[0] == name and all(f'{k}="{v}"' in key for k, v in labels.items()))


def settled(server, timeout=120):
    """The metrics once everything acknowledged is applied and in the store."""
    deadline = time.monotonic() + timeout
    while True:
        metrics = server.metrics()
        if metrics['leadscore_log_lag_entries'] == metrics['leadscore_journal_events'] == metrics['leadscore_log_waiting_entries'] == 0:
            return metrics
        if time.monotonic() > deadline:
            raise Failed('the server does not come to rest')
        time.sleep(0.05)


def wrk_events(server, requests, connections, batch=1, leads=10000, prefix='e', limit=300, first=0):
    """Native events by wrk, exactly so many requests; what wrk saw. All must have been acknowledged."""
    out = subprocess.run(['wrk', '-t1', f'-c{connections}', f'-d{limit}s', '--timeout', '60s', '-s', str(HERE / 'load.lua'),
                          server.url, '--', str(requests), str(batch), str(leads), prefix, str(first)],
                         preexec_fn=pinned(LOAD_CORE), capture_output=True, text=True, timeout=limit + 60)
    try:
        seen = json.loads(out.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise Failed(f'wrk: {out.stdout} {out.stderr}') from None
    if seen['requests'] != requests or seen['errors'] != 0:
        raise Failed(f'of {requests} requests: {seen}')
    return seen


def forge(server, binary, events, connections, batch=1, seed=1):
    """Signed HubSpot webhooks by `leadscore forge`; what it saw, in the form of wrk_events()."""
    out = subprocess.run([str(binary), 'forge', 'hubspot', '--url', server.url, '--count', str(events), '--batch', str(batch),
                          '--connections', str(connections), '--seed', str(seed), '--contacts', '10000'],
                         env={'HUBSPOT_CLIENT_SECRET': SECRET}, preexec_fn=pinned(LOAD_CORE), capture_output=True, text=True,
                         timeout=360)
    seen = {name: re.search(pattern, out.stdout) for name, pattern in {
        'requests': r'accepted +(\d+)', 'seconds': r'duration +([\d.]+) s', 'p50': r'p50 ([\d.]+) ms', 'p99': r'p99 ([\d.]+) ms'}.items()}
    if out.returncode != 0 or None in seen.values():
        raise Failed(f'forge: {out.stdout} {out.stderr}')
    value = {name: float(match.group(1)) for name, match in seen.items()}
    return {'requests': int(value['requests']), 'seconds': value['seconds'], 'p50_us': value['p50'] * 1000, 'p99_us': value['p99'] * 1000}


class _Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b''

    def answered(self):
        """True once one whole 2xx answer has been read."""
        piece = self.socket.recv(65536)
        if not piece:
            raise Failed('the server closed a connection')
        self.got += piece
        head, end, body = self.got.partition(b'\r\n\r\n')
        if not end:
            return False
        length = re.search(rb'(?i)\r\ncontent-length: *(\d+)', head)
        if len(body) < int(length.group(1) if length else 0):
            return False
        if not head.startswith(b'HTTP/1.1 2'):
            raise Failed(f'answered {head[:60]!r} {body[:300]!r}')
        self.got = b''
        return True


def send(port, requests, connections):
    """Sends these (bytes each), one at a time a connection, all answered 2xx when it returns. Slow and exact."""
    left, open_ = iter(requests), 0
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            first = next(left, None)
            if first is None:
                break
            connection = _Connection(port)
            connection.socket.sendall(first)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            open_ += 1
        while open_ > 0:
            ready = selector.select(60)
            if not ready:
                raise Failed('no answer for a minute')
            for key, _ in ready:
                if not key.data.answered():
                    continue
                following = next(left, None)
                if following is not None:
                    key.data.socket.sendall(following)
                    continue
                selector.unregister(key.data.socket)
                key.data.socket.close()
                open_ -= 1
