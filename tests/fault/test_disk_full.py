# SPDX-License-Identifier: MIT
"""F7: the disk is full. What cannot be made durable is answered 503, what was acknowledged stays, reading
goes on, and all of it ends by itself once there is room. A limit on the size of files stands for the disk."""
import contextlib
import resource
import threading

import pytest

from harness.process import wait_until

FULL = 4096  # bytes a file may have: less than the header and one page of SQLite's write-ahead log


def set_room(server, size):
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, hard))


@contextlib.contextmanager
def disk_full(server):
    set_room(server, FULL)
    try:
        yield
    finally:
        set_room(server, resource.RLIM_INFINITY)


def send(server, name):
    """One visit of the lead `name`; the same name again is the same event again."""
    return server.post('/api/events', {'events': [
        {'id': f'evt-{name}', 'kind': 'visit', 'lead': {'email': f'{name}@acme.com'}}]})


def emails(server):
    found, cursor = [], None
    while True:
        page = server.get('/api/leads', params={'limit': 100, **({'cursor': cursor} if cursor else {})}).json()
        found += [lead['email'] for lead in page['leads']]
        cursor = page['next_cursor']
        if cursor is None:
            return sorted(found)


def test_events_are_refused_until_there_is_room(leadscore, metrics):
    server = leadscore()
    assert send(server, 'before').status == 202
    with disk_full(server):
        for _ in range(3):
            answer = send(server, 'during')
            assert answer.status == 503 and answer.headers['Retry-After']
            assert answer.headers['Content-Type'] == 'application/problem+json'
        assert server.get('/health').status == 200
        assert emails(server) == ['before@acme.com']
        assert metrics(server)['leadscore_source_refused_total{source="events"}'] == 3
    assert send(server, 'during').status == 202
    assert emails(server) == ['before@acme.com', 'during@acme.com']
    server.kill()
    server.start()
    assert emails(server) == ['before@acme.com', 'during@acme.com']


def test_a_checkpoint_is_tried_again(leadscore, metrics):
    server = leadscore(LEADSCORE_CHECKPOINT_INTERVAL='1s')
    wait_until(lambda: metrics(server)['leadscore_checkpoints_total'] > 0 or send(server, 'first').status != 202)
    done = metrics(server)['leadscore_checkpoints_total']
    assert send(server, 'second').status == 202
    with disk_full(server):
        wait_until(lambda: metrics(server)['leadscore_checkpoint_errors_total'] > 0)
        assert emails(server) == ['first@acme.com', 'second@acme.com']
    wait_until(lambda: metrics(server)['leadscore_checkpoints_total'] > done)
    assert 'not written, trying again' in server.log()
    server.kill()
    server.start()
    assert emails(server) == ['first@acme.com', 'second@acme.com']


def test_stopping_does_not_need_the_disk(leadscore):
    server = leadscore(LEADSCORE_CHECKPOINT_INTERVAL='10m')
    assert send(server, 'acknowledged').status == 202
    set_room(server, FULL)
    server.stop()
    server.start()
    assert emails(server) == ['acknowledged@acme.com']


def test_nothing_acknowledged_is_lost_under_load(leadscore, cycles):
    server = leadscore(LEADSCORE_CHECKPOINT_INTERVAL='100ms')
    stop, counts, strange = threading.Event(), [{202: 0, 503: 0} for _ in range(4)], []

    def load(worker):
        while not stop.is_set():
            answer = send(server, f'w{worker}n{counts[worker][202]}')
            if answer.status in counts[worker]:
                counts[worker][answer.status] += 1
            else:
                strange.append(answer)

    def total(status):
        return sum(count[status] for count in counts)

    workers = [threading.Thread(target=load, args=(i,)) for i in range(len(counts))]
    for worker in workers:
        worker.start()
    try:
        for _ in range(cycles):
            taken = total(202)
            wait_until(lambda: total(202) >= taken + 50, what='room')
            with disk_full(server):
                refused = total(503)
                wait_until(lambda: total(503) >= refused + 20, what='refusals')
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert not strange
    expected = sorted(f'w{i}n{n}@acme.com' for i, count in enumerate(counts) for n in range(count[202]))
    assert emails(server) == expected
    server.kill()
    server.start()
    assert emails(server) == expected
    for email in expected[:20]:
        assert server.get(f'/api/leads/email:{email}').json()['engagement_summary']['website_visits'] == 1
