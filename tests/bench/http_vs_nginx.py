#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""CPU time a request of our HTTP layer (http_echo, route /204) beside nginx `return 204`: POST of 271 bytes, keep-alive.

Both servers run from start to end on one core, wrk on another, with an idle-class spinner on each so that waking up
costs nothing; the order rotates from round to round. CPU time is the kernel's (schedstat), which ranks cleanly even
where other work shares the machine; requests are those that wrk counted. The ratio's median is the figure.
"""
import argparse
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NGINX = '''
daemon off; master_process off; worker_processes 1; error_log stderr crit; pid %(dir)s/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 60s; client_body_temp_path %(dir)s/body;
  proxy_temp_path %(dir)s/p; fastcgi_temp_path %(dir)s/f; uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
  server { listen 127.0.0.1:%(port)d; location / { return 204; } }
}
'''
WRK = '''
wrk.method = "POST"
wrk.body = string.rep("x", 271)
wrk.headers["Content-Type"] = "application/json"
'''


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def pinned(core, scheduler=None):
    def prepare():
        os.sched_setaffinity(0, {core})
        if scheduler is not None:
            os.sched_setscheduler(0, scheduler, os.sched_param(0))
    return prepare


def cpu_ns(pid):
    return int(pathlib.Path(f'/proc/{pid}/schedstat').read_text().split()[0])


def wait_for(port):
    for _ in range(500):
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            time.sleep(0.01)
    sys.exit(f'nobody listens on {port}')


def steal():
    fields = pathlib.Path('/proc/stat').read_text().split('\n', 1)[0].split()
    return int(fields[8]), sum(map(int, fields[1:9]))


def load(port, script, seconds, connections, core):
    """requests that wrk counted"""
    out = subprocess.run(['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '-s', script, f'http://127.0.0.1:{port}/204'],
                         preexec_fn=pinned(core), capture_output=True, text=True, check=True).stdout
    bad = re.search(r'Socket errors.*|Non-2xx.*', out)
    if bad:
        sys.exit(f'wrk: {bad.group()}')
    return int(re.search(r'(\d+) requests in', out).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', type=pathlib.Path, default=pathlib.Path(os.environ.get('LEADSCORE_BUILD', ROOT / 'build')))
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--seconds', type=int, default=1)
    parser.add_argument('--connections', type=int, default=64)
    parser.add_argument('--limit', type=float, default=1.0, help='fail when the median ratio is above')
    options = parser.parse_args()
    server_core, client_core = 0, min(1, os.cpu_count() - 1)
    started = []

    def start(argv, **more):
        started.append(subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **more))
        return started[-1].pid

    with tempfile.TemporaryDirectory() as folder:
        try:
            conf, script = pathlib.Path(folder, 'nginx.conf'), pathlib.Path(folder, 'post.lua')
            ports = {'leadscore': free_port(), 'nginx': free_port()}
            conf.write_text(NGINX % {'dir': folder, 'port': ports['nginx']})
            script.write_text(WRK)
            pids = {
                'leadscore': start([options.build / 'tests/integration/http_echo', f'--listen=127.0.0.1:{ports["leadscore"]}'],
                                   preexec_fn=pinned(server_core)),
                'nginx': start([shutil.which('nginx') or '/usr/sbin/nginx', '-p', folder, '-c', conf],
                               preexec_fn=pinned(server_core)),
            }
            for core in {server_core, client_core}:
                start([sys.executable, '-c', 'while True: pass'], preexec_fn=pinned(core, os.SCHED_IDLE))
            for name, port in ports.items():
                wait_for(port)
                load(port, script, 1, options.connections, client_core)
            steal_before = steal()
            cost = {name: [] for name in ports}
            for n in range(options.rounds):
                for name in sorted(ports, reverse=n % 2 == 1):
                    before = cpu_ns(pids[name])
                    requests = load(ports[name], script, options.seconds, options.connections, client_core)
                    cost[name].append((cpu_ns(pids[name]) - before) / requests / 1000)
            steal_after = steal()
        finally:
            for process in reversed(started):
                process.kill()
                process.wait()
    ratios = [a / b for a, b in zip(cost['leadscore'], cost['nginx'])]
    for name, values in cost.items():
        print(f'{name:10} {statistics.median(values):6.2f} us CPU a request ({min(values):.2f} to {max(values):.2f})')
    stolen = (steal_after[0] - steal_before[0]) / max(1, steal_after[1] - steal_before[1])
    ratio = statistics.median(ratios)
    print(f'ratio      {ratio:6.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {options.rounds} rounds, '
          f'{options.connections} connections, stolen time {stolen:.1%}')
    return ratio > options.limit


if __name__ == '__main__':
    sys.exit(main())
