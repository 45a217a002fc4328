#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""F1: LeadScore is killed (-9) at random moments under load, with deliberate resends; what it then
holds must be exactly what was acknowledged: nothing lost, nothing counted twice.

    tests/fault/kill9.py [--cycles 200] [--seed N] [--checkpoint TIME] [--build DIR] [--keep] [--max-restart-ms MS]

The load is `leadscore forge hubspot --retry --duplicates`, which also says what a correct server
must hold in the end. Some kills come while the server is still recovering from the one before.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import hubspot  # noqa: E402
from harness.http import Client  # noqa: E402
from harness.process import Process, Server, free_port, wait_until  # noqa: E402

SECRET = 'kill9-secret'
CANARY = 424242  # no contact of the forge has an id as low as this
COUNTS = ('email_opens', 'email_clicks', 'website_visits', 'crm_activities')
EVENTS_A_ROUND = 12000
RATE = 4000
KEPT_ENV = ('PATH', 'HOME', 'LANG', 'TMPDIR', 'ASAN_OPTIONS', 'UBSAN_OPTIONS')


class Round:
    """One run of the forge: its process, and the files it leaves."""

    def __init__(self, binary, url, folder, env, seed):
        self.acks, self.expected = folder / f'acks-{seed}', folder / f'expect-{seed}.json'
        argv = [binary, 'forge', 'hubspot', '--url', url, '--seed', str(seed), '--count', str(EVENTS_A_ROUND),
                '--contacts', '300', '--batch', '20', '--rate', str(RATE), '--connections', '8', '--duplicates', '10',
                '--shuffle', '200', '--portal', '62515,880001', '--retry', '--ack-log', str(self.acks),
                '--expect', str(self.expected)]
        self.process = Process(argv, {**env, 'HUBSPOT_CLIENT_SECRET': SECRET}, folder, folder / f'forge-{seed}.log')
        self.process.stop_timeout = 300
        self.process.start()

    def finish(self):
        code = self.process.wait()
        assert code == 0, f'the forge gave up, exit code {code}:\n{self.process.tail()}'

    def contacts(self):
        return json.loads(self.expected.read_text())['contacts']

    def acknowledged(self):
        return len(self.acks.read_text().splitlines())


class Experiment:
    def __init__(self, build, folder, cycles, seed, checkpoint):
        self.folder, self.cycles, self.dice = folder, cycles, random.Random(seed)
        self.binary = str(build / 'src/main/leadscore')
        self.env = {name: os.environ[name] for name in KEPT_ENV if name in os.environ}
        port = free_port()
        data = folder / 'data'
        data.mkdir()
        settings = {'LEADSCORE_LISTEN': f'127.0.0.1:{port}', 'LEADSCORE_DATA_DIR': str(data),
                    'HUBSPOT_CLIENT_SECRET': SECRET, 'LEADSCORE_CHECKPOINT_INTERVAL': checkpoint,
                    'LEADSCORE_CHECKPOINT_EVENTS': '1000' if checkpoint.endswith('ms') else '1000000'}
        self.server = Server([self.binary, 'serve'], {**self.env, **settings}, folder, folder / 'server.log', port)
        self.rounds, self.first_seed, self.canaries = [], seed * 1000, 0
        self.to_first_ack_ms, self.killed_in_recovery = [], 0

    def keep_loading(self):
        """A round of load after the other, each with people of its own."""
        if self.rounds and self.rounds[-1].process.running():
            return
        if self.rounds:
            self.rounds[-1].finish()
        url = f'{self.server.base_url}/webhooks/hubspot'
        seed = self.first_seed + len(self.rounds)
        self.rounds.append(Round(self.binary, url, self.folder, self.env, seed))

    def canary(self, timeout=60.0):
        """The same event again and again until it is acknowledged."""
        self.canaries += 1
        now = int(time.time() * 1000)
        event = {'eventId': self.canaries, 'subscriptionId': 7, 'portalId': 62515, 'appId': 1, 'occurredAt': now,
                 'subscriptionType': 'contact.propertyChange', 'attemptNumber': 0, 'objectId': CANARY,
                 'propertyName': 'hs_email_last_open_date', 'propertyValue': str(now)}

        def acknowledged():
            assert self.server.running(), f'the server ended by itself:\n{self.server.tail()}'
            try:
                return hubspot.post(self.server.client, SECRET, [event]).status in (200, 202, 204)
            except OSError:
                return False

        deadline = time.monotonic() + timeout
        while not acknowledged():
            assert time.monotonic() < deadline, f'no answer to the canary within {timeout} s:\n{self.server.tail()}'
            time.sleep(0.001)

    def cycle(self):
        """Some load, a kill, a start, the first acknowledgement behind it."""
        self.keep_loading()
        time.sleep(self.dice.uniform(0.01, 0.6))
        assert self.server.running(), f'the server ended by itself:\n{self.server.tail()}'
        self.server.kill()
        while self.dice.random() < 0.2:
            Process.start(self.server)
            time.sleep(self.dice.uniform(0, 0.05))
            self.server.kill()
            self.killed_in_recovery += 1
        started = time.monotonic()
        Process.start(self.server)
        self.canary()
        self.to_first_ack_ms.append((time.monotonic() - started) * 1000)

    def differences(self):
        """Everything in which the server differs from what was acknowledged."""
        found, live = [], 1
        with self.server.client.keep_alive() as client:
            lead = client.get(f'/api/leads/hubspot:{CANARY}')
            opens = lead.json()['engagement_summary']['email_opens'] if lead.status == 200 else lead
            if opens != self.canaries:
                found.append(f'canary: {opens} opens, {self.canaries} acknowledged')
            for load in self.rounds:
                contacts = load.contacts()
                for contact, want in contacts.items():
                    found += self.compare(client, contact, want)
                    live += 'deleted' not in want and 'merged_into' not in want
            listed = client.get('/api/leads')
            total = listed.json()['total'] if listed.status == 200 else listed
            if total != live:
                found.append(f'{total} leads, expected {live}')
        return found

    @staticmethod
    def compare(client, contact, want):
        answer = client.get(f'/api/leads/hubspot:{contact}')
        if 'deleted' in want:
            gone = answer.status in (404, 410) or answer.json().get('deleted') is True
            return [] if gone else [f'{contact}: is deleted, and answered {answer}']
        if 'merged_into' in want:
            other = client.get(f'/api/leads/hubspot:{want["merged_into"]}')
            same = answer.status == other.status and (answer.status != 200 or answer.json()['id'] == other.json()['id'])
            return [] if same else [f'{contact}: is merged into {want["merged_into"]}, and answered {answer}']
        if answer.status != 200:
            return [f'{contact}: {answer}, expected {want}']
        have = answer.json()['engagement_summary']
        return [f'{contact}: {name} is {have[name]}, expected {want[name]}' for name in COUNTS if have[name] != want[name]]

    def settled(self, timeout=60):
        """Acknowledged means durable; applied it is a moment later."""
        def none():
            self.last = self.differences()
            return not self.last
        wait_until(lambda: self.server.get('/ready').status == 200, timeout, '/ready answering 200')
        try:
            wait_until(none, timeout, 'the expected state')
        except TimeoutError:
            shown = '\n'.join(self.last[:20])
            raise AssertionError(f'{len(self.last)} differences:\n{shown}\n{self.server.tail(10)}')

    def run(self):
        self.server.start()
        for number in range(self.cycles):
            self.cycle()
            if sys.stderr.isatty():
                print(f'\r{number + 1}/{self.cycles} kills', end='', file=sys.stderr)
        self.rounds[-1].finish()
        self.settled()
        assert self.server.get('/metrics').status == 200
        # what was in memory is what is on disk: a clean stop, and a kill, change nothing
        self.server.stop()
        self.server.start()
        self.settled()
        self.server.kill()
        self.server.start()
        self.settled()
        self.server.stop()
        return self.report()

    def close(self):
        for process in [self.server, *[load.process for load in self.rounds]]:
            if process.running():
                process.kill()

    def report(self):
        times = sorted(self.to_first_ack_ms)
        return {'kills': self.cycles, 'kills_in_recovery': self.killed_in_recovery,
                'requests_acknowledged': sum(load.acknowledged() for load in self.rounds) + self.canaries,
                'events': EVENTS_A_ROUND * len(self.rounds) + self.canaries, 'lost': 0, 'counted_twice': 0,
                'first_ack_ms_p50': round(statistics.median(times), 1), 'first_ack_ms_max': round(times[-1], 1)}


def run(build, folder, cycles, seed, checkpoint='100ms'):
    """The report; AssertionError when the promise was broken.

    With checkpoints 100 ms apart kills fall into them, too; with rare ones each start has a long log to
    catch up with while the load goes on.
    """
    experiment = Experiment(pathlib.Path(build), pathlib.Path(folder), cycles, seed, checkpoint)
    try:
        return experiment.run()
    finally:
        experiment.close()


def main():
    source = pathlib.Path(__file__).resolve().parent.parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--cycles', type=int, default=5)
    parser.add_argument('--seed', type=int, default=int(time.time()) % 100000, help='default: another each time')
    parser.add_argument('--checkpoint', default='100ms', help='interval (default: %(default)s; try 10m)')
    parser.add_argument('--build', type=pathlib.Path, default=source / 'build-gcc')
    parser.add_argument('--keep', action='store_true', help='keep data and logs, also when all is well')
    parser.add_argument('--max-restart-ms', type=float, help='fail when a first acknowledgement took longer')
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix='leadscore-kill9.'))
    print(f'seed {args.seed}, {folder}', file=sys.stderr)
    try:
        report = run(args.build.resolve(), folder, args.cycles, args.seed, args.checkpoint)
    except AssertionError as fault:
        print(f'FAILED (seed {args.seed}, kept: {folder})\n{fault}')
        return 1
    print(json.dumps(report))
    if not args.keep:
        shutil.rmtree(folder)
    return 1 if args.max_restart_ms and report['first_ack_ms_max'] > args.max_restart_ms else 0


if __name__ == '__main__':
    sys.exit(main())
