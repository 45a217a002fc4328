# SPDX-License-Identifier: MIT
"""A lead's past: how the score moved, what each event gives, what was known then."""
import sqlite3
import time

from harness.process import wait_until

DAY_MS = 86400000


def now_ms():
    return int(time.time() * 1000)


def send(server, *events):
    answer = server.post('/api/events', {'events': list(events)})
    assert answer.status == 202, answer


def event(n, kind, lead='jane@acme.com', **more):
    return {'id': f'evt-{n}', 'kind': kind, 'lead': {'email': lead}, **more}


def lead(server, name='email:jane@acme.com'):
    answer = server.get(f'/api/leads/{name}')
    assert answer.status == 200, answer
    return answer.json()


def pages(server, path, key, limit):
    rows, cursor = [], None
    while True:
        answer = server.get(path, params={'limit': limit, **({'cursor': cursor} if cursor else {})})
        assert answer.status == 200, answer
        page = answer.json()
        rows += page[key]
        cursor = page['next_cursor']
        if cursor is None:
            return rows


def history(server, name='email:jane@acme.com', limit=1000):
    return pages(server, f'/api/leads/{name}/history', 'history', limit)


def database(server):
    return sqlite3.connect(f"{server.env['LEADSCORE_DATA_DIR']}/leadscore.db")


# ---- history

def test_every_move_is_in_the_history_with_its_cause(leadscore, metrics):
    server = leadscore()
    kinds = ['visit', 'meeting', 'email_open', 'form_submit', 'email_delivered']
    points = []
    for n, kind in enumerate(kinds):
        send(server, event(n, kind))
        points.append(lead(server)['explanation']['points'])
    rows = history(server)[::-1]
    assert [row['cause'] for row in rows] == [{'kind': kind, 'source': 'events'} for kind in kinds[:4]]
    assert rows[0]['from'] == 0
    for row, before, after in zip(rows, [0, *points], points):
        assert row['score'] == int(row['points']) and row['score_category'] in ('cold', 'warm', 'hot')
        assert abs(row['points'] - after) < 0.01 and abs(row['from'] - before) < 0.01
    assert metrics(server)['leadscore_history_rows_total'] == 4
    assert history(server, limit=1) == history(server, limit=3) == rows[::-1]
    trend = lead(server)['trend']
    assert trend == {'7d': trend['7d'], '30d': trend['7d']} and abs(trend['7d'] - points[-1]) < 0.01


def test_history_outlives_restarts_and_crashes(leadscore):
    server = leadscore()
    send(server, event(1, 'visit'), event(2, 'meeting'))
    rows = history(server)
    assert len(rows) == 2
    for end in (server.kill, server.stop):
        send(server, event(f'again-{end.__name__}', 'call'))
        end()
        server.start()
        wait_until(lambda: server.get('/ready').status == 200)
        after = history(server)
        assert after[1:] == rows and after[0]['cause'] == {'kind': 'call', 'source': 'events'}
        rows = after


def test_time_alone_makes_history_and_trend(leadscore):
    server = leadscore(SCORE_REFRESH_INTERVAL='1s')
    send(server, event(1, 'visit'), *[event(f'm{n}', 'meeting') for n in range(5)])
    assert lead(server)['trend'] == {'7d': lead(server)['trend']['7d'], '30d': lead(server)['trend']['30d']}
    rows = history(server)
    wait_until(lambda: server.get('/metrics').status == 200)
    server.stop()
    # as if all of it had happened ten days ago, with a score of then
    with database(server) as db:
        db.execute('UPDATE history SET time_ms = time_ms - ?', (10 * DAY_MS,))
        db.execute('UPDATE history SET score_milli = 50500 WHERE id = (SELECT max(id) FROM history)')
    server.start()
    wait_until(lambda: server.get('/ready').status == 200)
    one = lead(server)
    points = one['explanation']['points']
    assert abs(one['trend']['7d'] - (points - 50.5)) < 0.01
    assert abs(one['trend']['30d'] - points) < 0.01
    assert len(history(server)) >= len(rows)


def test_history_follows_merges(leadscore):
    server = leadscore()
    for contact in ('1', '2'):
        send(server, {'id': f'v{contact}', 'kind': 'visit', 'lead': {'hubspot': contact}})
    before = history(server, 'hubspot:1') + history(server, 'hubspot:2')
    send(server, {'id': 'm', 'kind': 'merge', 'lead': {'hubspot': '1'}, 'merged': [{'hubspot': '2'}]})
    rows = history(server, 'hubspot:2')
    assert len(rows) == 3 and rows[0]['cause']['kind'] == 'merge'
    assert sorted(row['lead'] for row in rows[1:]) == sorted(row['lead'] for row in before)
    assert history(server, 'hubspot:1') == rows


def test_the_past_of_nobody_and_faulty_questions(leadscore):
    server = leadscore()
    assert server.get('/api/leads/email:nobody@acme.com/history').status == 404
    send(server, event(1, 'visit'))
    for query in ('limit=0', 'limit=1001', 'limit=x', 'cursor=1', 'cursor=1-2', 'cursor=a-b-c', 'cursor=-1-2-3'):
        assert server.get(f'/api/leads/email:jane@acme.com/history?{query}').status == 400


def test_privacy_deletion_erases_the_past(leadscore):
    server = leadscore()
    for contact in ('1', '2'):
        send(server, {'id': f'v{contact}', 'kind': 'visit', 'lead': {'hubspot': contact}, 'attributes': {'company': 'Acme'}})
    assert history(server, 'hubspot:1') and history(server, 'hubspot:2')
    send(server, {'id': 'gone', 'kind': 'privacy_delete', 'lead': {'hubspot': '1'}})
    assert server.get('/api/leads/hubspot:1/history').status == 404
    assert len(history(server, 'hubspot:2')) == 1
    server.stop()
    with database(server) as db:
        assert db.execute('SELECT count(*) FROM history').fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM events WHERE attributes <> ''").fetchone() == (1,)
