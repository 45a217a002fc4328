# SPDX-License-Identifier: MIT
"""The house as its users meet it: events in, a ranked and explained list out, over real sockets."""
import json
import pathlib
import signal
import time

import pytest

from harness import hubspot
from harness.process import wait_until

SECRET = 'test-client-secret'
DATA = pathlib.Path(__file__).parent.parent / 'data'


def now_ms():
    return int(time.time() * 1000)


def event(n, kind='page_view', lead=None, **more):
    return {'id': f'evt-{n}', 'kind': kind, 'lead': lead or {'email': f'lead{n}@acme.com'}, **more}


def send(server, *events):
    answer = server.post('/api/events', {'events': list(events)})
    assert answer.status == 202, answer
    return answer.json()['accepted']


def lead(server, name):
    answer = server.get(f'/api/leads/{name}')
    assert answer.status == 200, answer
    return answer.json()


def change(n, name, value, contact=12345, **more):
    return {'eventId': n, 'subscriptionId': 7, 'portalId': 62515, 'appId': 1, 'occurredAt': now_ms() - 1000 + n,
            'subscriptionType': 'contact.propertyChange', 'attemptNumber': 0, 'objectId': contact,
            'propertyName': name, 'propertyValue': str(value), **more}


def test_a_webhook_becomes_a_ranked_explained_lead(leadscore):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    answer = hubspot.post(server.client, SECRET, [
        change(1, 'email', 'Jane.Doe@ACME.com'), change(2, 'firstname', 'Jane'), change(3, 'lastname', 'Doe'),
        change(4, 'company', 'Acme'), change(5, 'hs_email_last_open_date', now_ms()),
        change(6, 'hs_email_last_click_date', now_ms()), change(7, 'hs_analytics_last_visit_timestamp', now_ms()),
        change(8, 'hs_email_last_open_date', now_ms(), contact=777)])
    assert (answer.status, answer.body) == (204, b'')
    listed = server.get('/api/leads').json()
    assert listed['total'] == 2 and listed['next_cursor'] is None
    top = listed['leads'][0]
    assert (top['email'], top['name'], top['company']) == ('jane.doe@acme.com', 'Jane Doe', 'Acme')
    assert top['engagement_summary'] == {'email_opens': 1, 'email_clicks': 1, 'website_visits': 1, 'crm_activities': 0}
    assert top['score'] > listed['leads'][1]['score'] > 0
    for name in (top['id'], 'hubspot:12345', 'hubspot:62515%2F12345', 'email:jane.doe@acme.com'):
        one = lead(server, name)
        assert one['id'] == top['id']
        why = one['explanation']
        assert round(sum(line['points'] for line in why['lines']), 3) == why['sum'] == why['points']
        assert why['score'] == int(why['points']) == one['score']
        assert all(line['text'] for line in why['lines'])
    assert {'system': 'hubspot', 'id': '12345', 'account': 62515} in lead(server, top['id'])['external_ids']
    assert server.get('/api/leads/hubspot:999').status == 404


def test_unsigned_badly_signed_and_unconfigured_webhooks(leadscore):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    body = json.dumps([change(1, 'firstname', 'Eve')])
    assert server.post('/webhooks/hubspot', body).status == 401
    assert hubspot.post(server.client, 'another-secret', [change(1, 'firstname', 'Eve')]).status == 401
    assert hubspot.post(server.client, SECRET, [change(1, 'firstname', 'Eve')], timestamp_ms=now_ms() - 301000).status == 401
    assert server.get('/api/leads').json()['total'] == 0
    bare = leadscore()
    answer = hubspot.post(bare.client, SECRET, [change(1, 'firstname', 'Eve')])
    assert answer.status == 503 and answer.headers['Retry-After']
    assert 'HUBSPOT_CLIENT_SECRET is not set' in bare.log()


def test_broken_and_unknown_webhooks_are_kept_not_refused(leadscore, metrics):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    body = b'[{"eventId": 1, '
    headers = hubspot.headers_v3(SECRET, 'POST', server.base_url + '/webhooks/hubspot', body)
    assert server.post('/webhooks/hubspot', body, headers=headers).status == 204
    assert hubspot.post(server.client, SECRET, [{'subscriptionType': 'unicorn.sighted', 'objectId': 1, 'portalId': 2}]).status == 204
    seen = metrics(server)
    assert seen['leadscore_source_quarantined_total{source="hubspot"}'] == 1
    assert seen['leadscore_events_total{tenant="default",source="hubspot",kind="other"}'] == 1
    assert seen['leadscore_log_appended_total'] == 2


@pytest.mark.parametrize('name', ['classic_all_types', 'generic_object', 'batch_100', 'properties'])
def test_every_sample_is_taken(leadscore, name):
    path = DATA / 'hubspot' / f'webhook_{name}.json'
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    assert hubspot.post(server.client, SECRET, json.loads(path.read_text())).status == 204
    assert 'not understood' not in server.log()


def test_other_portals_are_kept_but_do_not_count(leadscore, metrics):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET, HUBSPOT_PORTAL_IDS='62515')
    assert hubspot.post(server.client, SECRET, [
        change(1, 'firstname', 'Ours'), change(2, 'firstname', 'Theirs', portalId=4711)]).status == 204
    assert server.get('/api/leads').json()['total'] == 1
    assert metrics(server)['leadscore_foreign_total{source="hubspot"}'] == 1


def association(n, activity_type, activity, contact=12345, removed=False):
    return {'eventId': n, 'subscriptionId': 9, 'portalId': 62515, 'occurredAt': now_ms() - 1000 + n,
            'subscriptionType': 'object.associationChange', 'objectId': activity, 'fromObjectTypeId': activity_type,
            'toObjectTypeId': '0-1', 'fromObjectId': activity, 'toObjectId': contact, 'associationRemoved': removed}


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_engagements_and_deals_reach_a_contact_in_any_order(leadscore, order):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    events = [
        {'eventId': 11, 'subscriptionId': 8, 'portalId': 62515, 'occurredAt': now_ms(), 'subscriptionType': 'object.creation',
         'objectId': 555, 'objectTypeId': '0-47'},
        association(12, '0-47', 555),
        {'eventId': 13, 'subscriptionId': 8, 'portalId': 62515, 'occurredAt': now_ms(), 'subscriptionType': 'deal.propertyChange',
         'objectId': 900, 'propertyName': 'dealstage', 'propertyValue': 'contractsent'},
        {'eventId': 14, 'subscriptionId': 9, 'portalId': 62515, 'occurredAt': now_ms(), 'subscriptionType': 'deal.associationChange',
         'objectId': 900, 'associationType': 'DEAL_TO_CONTACT', 'fromObjectId': 900, 'toObjectId': 12345, 'associationRemoved': False},
    ]
    assert hubspot.post(server.client, SECRET, [change(10, 'firstname', 'Jane')]).status == 204
    for i in order:
        assert hubspot.post(server.client, SECRET, [events[i]]).status == 204
    one = lead(server, 'hubspot:12345')
    assert one['engagement_summary']['crm_activities'] == 1
    points = {line['name']: line['points'] for line in one['explanation']['lines']}
    assert points['deal_stage'] == 9 and points['crm_activities'] > 0
    assert hubspot.post(server.client, SECRET, [association(15, '0-47', 555, removed=True)]).status == 204
    assert lead(server, 'hubspot:12345')['engagement_summary']['crm_activities'] == 0


def test_native_events(leadscore):
    server = leadscore()
    assert send(server, event(1, 'meeting', {'email': 'Jane@Acme.com'}, attributes={'company': 'Acme', 'employees': 200}),
                event(2, 'visit', {'email': 'jane@acme.com', 'hubspot': '12345'}),
                event(3, 'email_open', {'hubspot': 12345}, message='campaign-7'),
                event(4, 'email_open', {'hubspot': 12345}, message='campaign-7', machine=True)) == 4
    one = lead(server, 'hubspot:12345')
    assert one['email'] == 'jane@acme.com' and one['company'] == 'Acme'
    assert one['engagement_summary'] == {'email_opens': 1, 'email_clicks': 0, 'website_visits': 1, 'crm_activities': 1}
    assert one['attributes']['employees']['value'] == 200


def test_faulty_events_are_refused_as_a_whole_with_every_fault(leadscore):
    server = leadscore()
    answer = server.post('/api/events', {'events': [
        event(1), {'kind': 'page_veiw', 'lead': {'email': 'x'}}, {'kind': 'visit', 'time': 'yesterday', 'lead': {}}]})
    assert answer.status == 400 and answer.headers['Content-Type'] == 'application/problem+json'
    problem = answer.json()
    assert problem['status'] == 400 and problem['title'] == 'Bad Request'
    pointers = {error['pointer'] for error in problem['errors']}
    assert {'/events/1/kind', '/events/1/lead/email', '/events/2/time', '/events/2/lead'} <= pointers
    answer = server.post('/api/events', '{"events": [}')
    assert answer.status == 400 and answer.json()['errors'][0]['offset'] == 12
    assert server.get('/api/leads').json()['total'] == 0


def test_sent_again_counts_once_over_restarts(leadscore, metrics):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    batch = [change(1, 'hs_email_last_open_date', now_ms()), change(2, 'hs_email_last_open_date', now_ms() - 60000)]
    hubspot.post(server.client, SECRET, batch)
    hubspot.post(server.client, SECRET, [{**e, 'attemptNumber': 3} for e in batch])
    send(server, event(1, 'visit', {'hubspot': '12345'}))
    send(server, event(1, 'visit', {'hubspot': '12345'}))
    want = {'email_opens': 2, 'email_clicks': 0, 'website_visits': 1, 'crm_activities': 0}
    assert lead(server, 'hubspot:12345')['engagement_summary'] == want
    assert metrics(server)['leadscore_duplicates_total{source="hubspot"}'] == 2
    for end in (server.stop, server.kill):
        end()
        server.start()
        wait_until(lambda: server.get('/ready').status == 200)
        assert lead(server, 'hubspot:12345')['engagement_summary'] == want
        hubspot.post(server.client, SECRET, batch)
        send(server, event(1, 'visit', {'hubspot': '12345'}))
        assert lead(server, 'hubspot:12345')['engagement_summary'] == want


def test_ranking_pages_and_categories(leadscore):
    server = leadscore()
    for start in range(0, 120, 40):
        send(server, *[event(f'{n}-{k}', 'meeting' if n % 3 == 0 else 'visit', {'email': f'lead{n}@acme.com'},
                             attributes={'stage_probability': 1, 'employees': 10000} if n % 10 == 0 else {})
                       for n in range(start, start + 40) for k in range(1 + n % 7)])
    seen, cursor = [], None
    while True:
        page = server.get('/api/leads', params={'limit': 7, **({'cursor': cursor} if cursor else {})}).json()
        assert page['total'] == 120
        seen += page['leads']
        cursor = page['next_cursor']
        if cursor is None:
            break
    assert len({one['id'] for one in seen}) == len(seen) == 120
    assert [one['score'] for one in seen] == sorted((one['score'] for one in seen), reverse=True)
    by = {c: server.get('/api/leads', params={'category': c, 'limit': 1000}).json() for c in ('hot', 'warm', 'cold')}
    assert sum(page['total'] for page in by.values()) == 120
    for category, page in by.items():
        assert len(page['leads']) == page['total'] and {one['score_category'] for one in page['leads']} <= {category}
    for bad in ('limit=0', 'limit=1001', 'limit=x', 'cursor=nonsense', 'category=lukewarm'):
        assert server.get(f'/api/leads?{bad}').status == 400


def test_who_may(leadscore):
    token = 'a-token-of-sixteen-or-more'
    server = leadscore(LEADSCORE_API_TOKEN=token)
    for path in ('/api/leads', '/metrics'):
        answer = server.get(path)
        assert answer.status == 401 and answer.headers['WWW-Authenticate'] == 'Bearer'
        assert server.get(path, headers={'Authorization': 'Bearer wrong'}).status == 401
        assert server.get(path, headers={'Authorization': f'bearer {token}'}).status == 200
    assert server.get('/health').status == server.get('/ready').status == 200
    bare = leadscore()
    assert bare.get('/api/leads').status == 200
    assert bare.get('/api/leads', headers={'Host': 'evil.example'}).status == 403
    assert bare.get('http://evil.example/api/leads').status == 403
    assert bare.get('http://localhost/api/leads', headers={'Host': 'evil.example'}).status == 200
    assert bare.get('/api/leads', headers={'Origin': 'https://evil.example'}).status == 403


def test_routes_and_methods(leadscore):
    server = leadscore()
    assert server.get('/nothing').status == 404
    answer = server.request('DELETE', '/api/leads')
    assert answer.status == 405 and 'GET' in answer.headers['Allow']
    assert server.request('OPTIONS', '/api/leads').status == 204
    head = server.request('HEAD', '/api/leads')
    assert head.status == 200 and head.body == b'' and int(head.headers['Content-Length']) > 0
    assert server.get('/api/leads/%zz').status == 400
    assert {route['path'] for route in server.get('/').json()['routes']} >= {'/api/leads', '/api/events'}
    assert server.post('/api/events', b'x' * (1 << 21)).status == 413


def test_refresh_reports_progress(leadscore):
    server = leadscore()
    send(server, *[event(n) for n in range(500)])
    answer = server.post('/api/leads/refresh')
    assert answer.status == 202 and answer.json()['leads'] == 500
    done = wait_until(lambda: (lambda r: r if r['status'] == 'done' else None)(server.get('/api/leads/refresh').json()))
    assert done['refreshed'] == 500


def test_reload_takes_secrets_and_thresholds(leadscore, tmp_path):
    settings = tmp_path / 'settings'
    settings.write_text('HUBSPOT_CLIENT_SECRET=first-secret\nHOT_LEAD_THRESHOLD=75\n')
    server = leadscore(args=('serve', '--env-file', str(settings)))
    assert hubspot.post(server.client, 'first-secret', [change(1, 'hs_email_last_open_date', now_ms())]).status == 204
    assert lead(server, 'hubspot:12345')['score_category'] == 'cold'
    settings.write_text('HUBSPOT_CLIENT_SECRET=second-secret\nHOT_LEAD_THRESHOLD=1\nWARM_LEAD_THRESHOLD=0.5\n')
    server.signal(signal.SIGHUP)
    wait_until(lambda: 'settings taken over' in server.log())
    assert hubspot.post(server.client, 'first-secret', [change(2, 'firstname', 'J')]).status == 401
    assert hubspot.post(server.client, 'second-secret', [change(3, 'firstname', 'J')]).status == 204
    wait_until(lambda: lead(server, 'hubspot:12345')['score_category'] == 'hot')
    settings.write_text('HOT_LEAD_THRESHOLD=never\n')
    server.signal(signal.SIGHUP)
    wait_until(lambda: 'the old ones stay' in server.log())
    assert hubspot.post(server.client, 'second-secret', [change(4, 'firstname', 'K')]).status == 204


def test_a_second_process_on_the_same_data_is_refused(leadscore, build_dir, clean_env):
    import subprocess
    server = leadscore()
    data = server.env['LEADSCORE_DATA_DIR']
    second = subprocess.run([build_dir / 'src/main/leadscore', 'serve'], capture_output=True, text=True, timeout=20,
                            env={**clean_env, 'LEADSCORE_DATA_DIR': data, 'LEADSCORE_LISTEN': '127.0.0.1:0'})
    assert second.returncode == 4
    assert str(server.pid) in second.stderr and data in second.stderr


def test_privacy_deletion_erases_and_stays_erased(leadscore):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    first = change(1, 'email', 'jane@acme.com')
    hubspot.post(server.client, SECRET, [first, change(2, 'firstname', 'Jane')])
    wipe = {'eventId': 5, 'subscriptionId': 1, 'portalId': 62515, 'occurredAt': now_ms(), 'objectId': 12345,
            'subscriptionType': 'contact.privacyDeletion'}
    hubspot.post(server.client, SECRET, [wipe])
    late = change(6, 'lastname', 'Doe')
    hubspot.post(server.client, SECRET, [first, late])
    for _ in range(2):
        assert server.get('/api/leads').json()['total'] == 0
        assert server.get('/api/leads/hubspot:12345').status == 404
        assert server.get('/api/leads/email:jane@acme.com').status == 404
        server.restart()
        wait_until(lambda: server.get('/ready').status == 200)


def test_logs_hold_no_secrets_and_no_addresses(leadscore):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET, LEADSCORE_LOG_LEVEL='debug', LEADSCORE_LOG_FORMAT='json')
    hubspot.post(server.client, SECRET, [change(1, 'email', 'jane@acme.com')])
    hubspot.post(server.client, 'another-secret', [change(1, 'email', 'jane@acme.com')])
    server.stop()
    log = server.log()
    for line in log.splitlines():
        assert json.loads(line)['level'] in ('debug', 'info', 'warn', 'error')
    assert SECRET not in log and 'jane' not in log


@pytest.mark.parametrize('order', [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_company_speaks_for_its_contacts(leadscore, order):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    events = [
        change(1, 'name', 'Quartz Ltd', contact=5500, subscriptionType='company.propertyChange'),
        change(2, 'numberofemployees', '250', contact=5500, subscriptionType='company.propertyChange'),
        {'eventId': 3, 'subscriptionId': 9, 'portalId': 62515, 'occurredAt': now_ms(), 'objectId': 12345,
         'subscriptionType': 'contact.associationChange', 'associationType': 'CONTACT_TO_COMPANY', 'fromObjectId': 12345,
         'toObjectId': 5500, 'associationRemoved': False, 'isPrimaryAssociation': True},
    ]
    hubspot.post(server.client, SECRET, [change(10, 'firstname', 'Jane')])
    for i in order:
        assert hubspot.post(server.client, SECRET, [events[i]]).status == 204
    one = lead(server, 'hubspot:12345')
    assert one['company'] == 'Quartz Ltd'
    points = {line['name']: line['points'] for line in one['explanation']['lines']}
    assert points['company_size'] == 3.0
    hubspot.post(server.client, SECRET, [change(11, 'company', 'Own Words')])
    assert lead(server, 'hubspot:12345')['company'] == 'Own Words'


@pytest.mark.parametrize('first', ['webhook', 'native'])
def test_a_contact_named_without_its_portal_is_the_same_contact(leadscore, first):
    server = leadscore(HUBSPOT_CLIENT_SECRET=SECRET)
    webhook = [change(1, 'hs_email_last_open_date', now_ms())]
    if first == 'webhook':
        hubspot.post(server.client, SECRET, webhook)
    send(server, event(1, 'visit', {'hubspot': '12345'}))
    if first == 'native':
        hubspot.post(server.client, SECRET, webhook)
    send(server, event(2, 'visit', {'hubspot': '12345'}))
    hubspot.post(server.client, SECRET, [change(2, 'firstname', 'Other', portalId=777)])
    for _ in range(2):
        assert server.get('/api/leads').json()['total'] == 2
        summary = lead(server, 'hubspot:12345')['engagement_summary']
        assert (summary['email_opens'], summary['website_visits']) == (1, 2)
        assert lead(server, 'hubspot:777%2F12345')['name'] == 'Other'
        server.restart()
