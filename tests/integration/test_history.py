# SPDX-License-Identifier: MIT
"""A lead's past: how the score moved, what each event gives, what was known then."""
import datetime
import random
import sqlite3
import time

import pytest

from harness import hubspot
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


# ---- timeline

def timeline(server, name='email:jane@acme.com', limit=1000):
    return pages(server, f'/api/leads/{name}/timeline', 'events', limit)


def milli(points):
    return round(points * 1000)


def shared(events):
    sums = {}
    for one in events:
        assert milli(one['points']) == sum(milli(points) for points in one['shares'].values())
        for line, points in one['shares'].items():
            sums[line] = sums.get(line, 0) + milli(points)
    return sums


def lines_of_events(server, name='email:jane@acme.com'):
    """{line: milli-points} of the lines that events make, now."""
    return {line['name']: milli(line['points']) for line in lead(server, name)['explanation']['lines']
            if line['points'] and line['name'] not in ('company_size', 'deal_stage')}


def random_events(seed, count, lead):
    rng = random.Random(seed)
    now = now_ms()
    # half of them close together: the same hours and messages
    return [{'id': f'{seed}-{n}', 'lead': lead, 'machine': rng.random() < 0.1, 'time': now - int(rng.choice((
                3600e3, 86400e3, 8 * 86400e3, 90 * 86400e3, 450 * 86400e3)) * rng.random()),
             'kind': rng.choice(['visit', 'page_view', 'email_open', 'email_open', 'email_click', 'email_click', 'call', 'meeting',
                                 'note', 'create', 'email_sent']),
             'message': f'campaign-{rng.randrange(4)}'} for n in range(count)]


def sums_agree(server, name, limit):
    """The points cool with every second: both are asked for at one."""
    def once():
        before = lines_of_events(server, name)
        events = timeline(server, name, limit)
        return before == lines_of_events(server, name) and (before, events)
    lines, events = wait_until(once)
    assert shared(events) == lines
    return events


@pytest.mark.parametrize('seed', range(4))
def test_shares_add_up_to_every_line(leadscore, seed):
    server = leadscore()
    events = random_events(seed, 150, {'hubspot': '1'})
    send(server, *events)
    rows = sums_agree(server, 'hubspot:1', 1000)
    assert len(rows) == len(events)
    assert [row['time'] for row in rows] == sorted((row['time'] for row in rows), reverse=True)
    assert all(row['points'] == 0 for row in rows if row['machine'] or row['kind'] in ('create', 'email_sent'))
    assert sums_agree(server, 'hubspot:1', 1000 if seed % 2 else 40)
    # the same in another order, and half of it under an id that is merged away
    other = leadscore()
    random.Random(seed).shuffle(events)
    for n, one in enumerate(events):
        one['lead'] = {'hubspot': str(1 + n % 2)}
    send(other, *events)
    send(other, {'id': 'm', 'kind': 'merge', 'lead': {'hubspot': '1'}, 'merged': [{'hubspot': '2'}]})
    merged = sums_agree(other, 'hubspot:2', 1000)
    assert len(merged) == len(events) + 1 and len({row['lead'] for row in merged}) == 2
    other.kill()
    other.start()
    wait_until(lambda: other.get('/ready').status == 200)
    assert [row['time'] for row in sums_agree(other, 'hubspot:1', 100)] == [row['time'] for row in merged]


def test_events_of_associated_records_are_on_the_timeline(leadscore):
    secret = 'test-client-secret'
    server = leadscore(HUBSPOT_CLIENT_SECRET=secret)
    batch = [{'eventId': 1, 'subscriptionId': 8, 'portalId': 1, 'occurredAt': now_ms() - 5000, 'subscriptionType': 'contact.propertyChange',
              'objectId': 12345, 'propertyName': 'firstname', 'propertyValue': 'Jane'}]
    for n, (kind, record) in enumerate((('0-47', 555), ('0-48', 556), ('0-47', 557))):
        batch += [{'eventId': 10 + n, 'subscriptionId': 8, 'portalId': 1, 'occurredAt': now_ms() - 2000 + n,
                   'subscriptionType': 'object.creation', 'objectId': record, 'objectTypeId': kind},
                  {'eventId': 20 + n, 'subscriptionId': 9, 'portalId': 1, 'occurredAt': now_ms() - 1000,
                   'subscriptionType': 'object.associationChange', 'objectId': record, 'fromObjectTypeId': kind, 'toObjectTypeId': '0-1',
                   'fromObjectId': record, 'toObjectId': 12345, 'associationRemoved': False}]
    assert hubspot.post(server.client, secret, batch).status == 204
    send(server, {'kind': 'meeting', 'lead': {'hubspot': '12345'}}, {'kind': 'meeting', 'lead': {'hubspot': '12345'}})
    rows = sums_agree(server, 'hubspot:12345', 1000)
    kinds = [row['kind'] for row in rows]
    assert sorted(kinds) == ['association'] * 3 + ['attributes', 'call'] + ['meeting'] * 4
    assert all(row['points'] > 0 for row in rows if row['kind'] in ('call', 'meeting'))
    assert sums_agree(server, 'hubspot:12345', 2) == sums_agree(server, 'hubspot:12345', 1000)


def test_privacy_deletion_erases_the_timeline(leadscore):
    server = leadscore()
    send(server, {'id': 'v1', 'kind': 'visit', 'lead': {'hubspot': '1'}, 'attributes': {'company': 'Acme'}, 'detail': {'url': '/secret'}})
    assert timeline(server, 'hubspot:1')[0]['attributes'] == {'company': 'Acme'}
    send(server, {'id': 'gone', 'kind': 'privacy_delete', 'lead': {'hubspot': '1'}})
    assert server.get('/api/leads/hubspot:1/timeline').status == 404
    send(server, {'id': 'v2', 'kind': 'visit', 'lead': {'hubspot': '1'}, 'attributes': {'company': 'Acme'}, 'detail': {'url': '/secret'}})
    server.stop()
    with database(server) as db:
        assert db.execute("SELECT count(*) FROM events WHERE attributes <> '' OR length(detail) > 0").fetchone() == (0,)


# ---- as of then

SHOWN = ('id', 'email', 'name', 'company', 'score', 'score_category', 'last_activity', 'engagement_summary', 'created', 'attributes')


def settled(server, name):
    """The lead at a second that began after all that was sent: what is asked about again later."""
    sent = now_ms()

    def once():
        one = lead(server, name)
        at = datetime.datetime.fromisoformat(one['explanation']['as_of'].replace('Z', '+00:00'))
        # and what is sent next happens after it, though the two clocks may differ in milliseconds
        return at.timestamp() * 1000 > sent and now_ms() > at.timestamp() * 1000 + 20 and one
    return wait_until(once)


def shown(one):
    picked = {key: one[key] for key in SHOWN}
    # the list is scored by the sweep, up to a second and more before
    return {**picked, 'score': one['explanation']['score'], 'score_category': one['explanation']['score_category'],
            'explanation': one['explanation']}


def agrees(server, name, seen):
    for one in seen:
        answer = server.get(f'/api/leads/{name}', params={'as_of': one['explanation']['as_of']})
        assert answer.status == 200, answer
        assert answer.json() == shown(one)
        why = server.get(f'/api/leads/{name}/explanation', params={'as_of': one['explanation']['as_of']})
        assert why.json() == one['explanation']
    return True


def test_the_past_is_what_it_was(leadscore):
    server = leadscore()
    name = 'hubspot:1'
    send(server, *random_events(7, 300, {'hubspot': '1'}))
    send(server, {'kind': 'create', 'lead': {'hubspot': '1', 'email': 'jane@acme.com'}, 'attributes': {'employees': 20, 'odd': 0.1}})
    seen = [settled(server, name)]
    send(server, {'kind': 'attributes', 'lead': {'hubspot': '1'},
                  'attributes': {'employees': 20000, 'first_name': 'J\u00e4ne "x"', 'odd': None, 'stage_probability': 0.3, 'vip': True}},
         {'kind': 'email_open', 'lead': {'hubspot': '1'}, 'message': 'new'}, {'kind': 'email_click', 'lead': {'hubspot': '1'}, 'message': 'new'})
    seen.append(settled(server, name))
    send(server, {'kind': 'deal_stage', 'lead': {'hubspot': '1'}, 'attributes': {'stage_probability': 0.7}},
         {'kind': 'email_unsubscribe', 'lead': {'hubspot': '1'}}, {'kind': 'meeting', 'lead': {'hubspot': '1'}, 'machine': True},
         {'kind': 'call', 'lead': {'hubspot': '1'}})
    seen.append(settled(server, name))
    assert len({one['explanation']['points'] for one in seen}) == 3
    assert agrees(server, name, seen)
    server.kill()
    server.start()
    wait_until(lambda: server.get('/ready').status == 200)
    assert agrees(server, name, seen)
    assert server.get(f'/api/leads/{name}?as_of=1000').status == 404
    for bad in ('yesterday', '-5', str(now_ms() + 3600000), ''):
        assert server.get(f'/api/leads/{name}', params={'as_of': bad}).status == 400
    assert server.get('/api/leads/hubspot:2?as_of=1000').status == 404


def test_the_past_of_what_records_gave(leadscore):
    secret = 'test-client-secret'
    server = leadscore(HUBSPOT_CLIENT_SECRET=secret)
    number = iter(range(1, 100))

    def hook(kind, record, **more):
        return {'eventId': next(number), 'subscriptionId': 8, 'portalId': 1, 'occurredAt': now_ms(), 'subscriptionType': kind,
                'objectId': record, **more}

    def post(*batch):
        assert hubspot.post(server.client, secret, list(batch)).status == 204

    def association(record, kind, removed=False):
        return hook('object.associationChange', record, fromObjectTypeId=kind, toObjectTypeId='0-1', fromObjectId=record,
                    toObjectId=12345, associationRemoved=removed)

    name, seen = 'hubspot:12345', []
    # the association comes before anything is known of the contact
    post(association(555, '0-47'), hook('object.creation', 555, objectTypeId='0-47'), association(900, '0-3'))
    post(hook('contact.propertyChange', 12345, propertyName='firstname', propertyValue='Jane'))
    seen.append(settled(server, name))
    post(hook('deal.propertyChange', 900, propertyName='dealstage', propertyValue='contractsent'))
    post(association(77, '0-2'), hook('company.propertyChange', 77, propertyName='numberofemployees', propertyValue='5000'))
    post(hook('company.propertyChange', 77, propertyName='name', propertyValue='Acme'))
    seen.append(settled(server, name))
    post(association(555, '0-47', True), association(900, '0-3', True))
    seen.append(settled(server, name))
    assert [{line['name']: line['points'] > 0 for line in one['explanation']['lines']}[which] for one, which in (
        (seen[0], 'crm_activities'), (seen[1], 'deal_stage'), (seen[1], 'company_size'), (seen[2], 'crm_activities'))] == [True] * 3 + [False]
    assert agrees(server, name, seen)
    server.restart()
    wait_until(lambda: server.get('/ready').status == 200)
    assert agrees(server, name, seen)


# ---- what comes

def test_the_list_tells_when_leads_cool(leadscore):
    server = leadscore(HOT_LEAD_THRESHOLD='48', WARM_LEAD_THRESHOLD='40')
    for start in range(0, 300, 60):
        send(server, *[event(f'{n}-{k}', 'meeting' if k % 2 else 'visit', f'l{n}@acme.com',
                             attributes={'stage_probability': 1, 'employees': 10000}, time=now_ms() - k * 3600000 * (1 + n % 5))
                       for n in range(start, start + 60) for k in range(1 + n % 14)])
    page = server.get('/api/leads', params={'limit': 1000}).json()
    assert len(page['leads']) == 300 and {one['score_category'] for one in page['leads']} == {'hot', 'warm', 'cold'}
    for one in page['leads']:
        assert (one['cools_at'] is None) == (one['score_category'] == 'cold')
    for one in page['leads'][::30]:
        why = lead(server, one['id'])['explanation']
        times = [datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp() for text in (
            why['cools_at'], one['cools_at']) if text]
        assert not times or abs(times[0] - times[1]) < 2
    first = server.get('/api/leads', params={'limit': 2}).json()
    assert [one['id'] for one in first['leads']] == [one['id'] for one in page['leads'][:2]] and first['next_cursor']
