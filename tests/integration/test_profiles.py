# SPDX-License-Identifier: MIT
"""Scoring profiles over real sockets: drafts, publishing, going back, files, and that all of it survives."""
import json
import re
import signal
import subprocess

import pytest

from harness.process import wait_until

FREE_MAIL = {'name': 'no free mail', 'rules': [
    {'id': 'free_mail', 'when': {'field': 'email_domain', 'in': ['gmail.test']}, 'points': -10},
    {'id': 'forms', 'when': {'kind': 'form_submit'}, 'points': 6, 'cap': 12}]}


def seed(server, count=30):
    """Leads with something to lose and to win under FREE_MAIL."""
    for start in range(0, count, 10):
        events = []
        for n in range(start, min(count, start + 10)):
            lead = {'email': f'lead{n}@{"gmail.test" if n % 3 == 0 else "acme.com"}'}
            kinds = ['meeting'] * (1 + n % 4) + ['visit'] * (n % 5) + ['form_submit'] * (n % 3)
            events += [{'id': f'{n}-{k}', 'kind': kind, 'lead': lead} for k, kind in enumerate(kinds)]
            events.append({'id': f'{n}-a', 'kind': 'attributes', 'lead': lead,
                           'attributes': {'employees': n * 50, 'stage_probability': n % 2}})
        assert server.post('/api/events', {'events': events}).status == 202


def draft(server, profile):
    answer = server.client.put('/api/profiles/draft', profile)
    assert answer.status == 201, answer
    return answer.json()


def publish(server, profile, **words):
    version = draft(server, profile)['version']
    answer = server.post('/api/profiles/publish', {'version': version, **words})
    assert answer.status == 200, answer
    swept(server)
    return answer.json()


def swept(server):
    wait_until(lambda: server.get('/api/leads/refresh').json()['status'] != 'running')


def scores(server):
    page = server.get('/api/leads', params={'limit': 1000}).json()
    return {lead['id']: (lead['score'], lead['score_category']) for lead in page['leads']}


def lines(server, lead):
    return {line['name']: line['points'] for line in server.get(f'/api/leads/{lead}/explanation').json()['lines']}


def states(server):
    return {p['version']: p['state'] for p in server.get('/api/profiles').json()['profiles']}


def test_without_any_the_built_in_profile_holds(leadscore):
    server = leadscore(HOT_LEAD_THRESHOLD=80)
    assert server.get('/api/profiles').json() == {'source': 'default', 'profiles': []}
    active = server.get('/api/profiles/active').json()
    assert active['source'] == 'default' and active['version'] is None
    assert active['profile']['thresholds'] == {'hot': 80, 'warm': 50}
    assert active['profile']['signals']['email_opens']['weight'] == 25 and active['profile']['rules'] == []
    for n in ('1', '0', 'x', '-1', '18446744073709551616'):
        assert server.get(f'/api/profiles/{n}').status == 404
    assert server.post('/api/profiles/publish').status == 409
    assert server.post('/api/profiles/rollback').status == 409
    assert server.post('/api/profiles/rollback', {'to': 1}).status == 404


def test_every_fault_of_a_draft_is_told(leadscore):
    server = leadscore()
    answer = server.client.put('/api/profiles/draft', {
        'colour': 1, 'signals': {'recency': {'weight': 101}}, 'rules': [{'id': 'a', 'when': {'kind': 'dance'}, 'points': 'x'}]})
    assert answer.status == 400 and answer.headers['Content-Type'] == 'application/problem+json'
    assert {e['pointer'] for e in answer.json()['errors']} == {
        '/colour', '/signals/recency/weight', '/rules/0/when/kind', '/rules/0/points'}
    assert all(e['detail'] for e in answer.json()['errors'])
    answer = server.client.put('/api/profiles/draft', '{"rules": [}')
    assert answer.status == 400 and 'byte' in answer.json()['errors'][0]['detail']
    assert server.get('/api/profiles').json()['profiles'] == []


@pytest.mark.parametrize('body,pointer', [
    ('{"version": "1"}', '/version'), ('{"version": 0}', '/version'), ('{"why": 1}', '/why'), ('[]', ''), ('{', ''),
    ('{"to": 1}', ''), ('{"who": "a", "who": "b"}', '/who'), (json.dumps({'why': 'x' * 1001}), '/why')])
def test_faults_of_a_request_are_told(leadscore, body, pointer):
    server = leadscore()
    draft(server, {})
    answer = server.post('/api/profiles/publish', body)
    assert answer.status == 400 and answer.json()['errors'][0]['pointer'] == pointer
    assert states(server) == {1: 'draft'}


def test_draft_publish_and_back(leadscore, metrics):
    server = leadscore()
    seed(server)
    before = scores(server)
    first = draft(server, {'name': 'first'})
    assert (first['version'], first['state'], first['published']) == (1, 'draft', None)
    assert draft(server, FREE_MAIL)['version'] == 2
    assert states(server) == {2: 'draft'}
    assert scores(server) == before
    assert server.post('/api/profiles/publish', {'version': 1}).status == 409
    answer = server.post('/api/profiles/publish', {'version': 2, 'who': 'Jo', 'why': 'forms "convert"'})
    assert answer.status == 200
    done = answer.json()
    assert (done['version'], done['state'], done['who'], done['why']) == (2, 'published', 'Jo', 'forms "convert"')
    assert re.match(r'\d{4}-', done['published']) and done['name'] == 'no free mail'
    swept(server)
    assert lines(server, 'email:lead0@gmail.test')['free_mail'] == -10
    assert lines(server, 'email:lead2@acme.com')['forms'] == 12
    after = scores(server)
    assert after != before
    for lead, (score, _) in after.items():
        assert score == server.get(f'/api/leads/{lead}/explanation').json()['score']
    active = server.get('/api/profiles/active').json()
    assert active['source'] == 'published' and active['version'] == 2
    assert active['profile']['rules'] == FREE_MAIL['rules']
    assert active['profile'] == server.get('/api/profiles/2').json()['profile']
    assert metrics(server)['leadscore_profile_version'] == 2
    publish(server, {'name': 'third'})
    assert states(server) == {2: 'retired', 3: 'published'}
    assert scores(server) == before
    assert server.post('/api/profiles/publish', {'version': 2}).status == 409
    back = server.post('/api/profiles/rollback', {'to': 2, 'who': 'Al', 'why': 'no good'}).json()
    assert (back['version'], back['state'], back['name'], back['who']) == (4, 'published', 'no free mail', 'Al')
    swept(server)
    assert scores(server) == after
    assert server.post('/api/profiles/rollback').json()['name'] == 'third'
    swept(server)
    assert scores(server) == before
    assert states(server) == {2: 'retired', 3: 'retired', 4: 'retired', 5: 'published'}


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_what_is_published_survives(leadscore, end):
    server = leadscore()
    seed(server)
    publish(server, FREE_MAIL, who='Jo')
    draft(server, {'name': 'next', 'rules': [{'id': 'gone', 'when': {'kind': 'visit'}, 'points': -100}]})
    want = scores(server)
    listed = server.get('/api/profiles').json()
    getattr(server, end)()
    server.start()
    wait_until(lambda: server.get('/ready').status == 200)
    swept(server)
    assert server.get('/api/profiles').json() == listed
    assert scores(server) == want
    assert lines(server, 'email:lead0@gmail.test')['free_mail'] == -10
    # a draft that was only kept can still be published
    assert server.post('/api/profiles/publish').json()['name'] == 'next'
    swept(server)
    assert scores(server) != want


def test_its_own_thresholds_win_where_a_profile_says_some(leadscore):
    server = leadscore(HOT_LEAD_THRESHOLD=40, WARM_LEAD_THRESHOLD=20)
    publish(server, FREE_MAIL)
    assert server.get('/api/profiles/active').json()['profile']['thresholds'] == {'hot': 40, 'warm': 20}
    seed(server)
    for score, category in scores(server).values():
        assert category == ('hot' if score >= 40 else 'warm' if score >= 20 else 'cold')
    publish(server, {'thresholds': {'hot': 30, 'warm': 10}})
    assert server.get('/api/profiles/active').json()['profile']['thresholds'] == {'hot': 30, 'warm': 10}
    for score, category in scores(server).values():
        assert category == ('hot' if score >= 30 else 'warm' if score >= 10 else 'cold')


def test_a_file_is_read_at_start_and_on_sighup(leadscore, tmp_path):
    path = tmp_path / 'profile.json'
    path.write_text(json.dumps(FREE_MAIL))
    server = leadscore(LEADSCORE_PROFILE=path)
    seed(server)
    active = server.get('/api/profiles/active').json()
    assert (active['source'], active['file'], active['name']) == ('file', str(path), 'no free mail')
    assert lines(server, 'email:lead0@gmail.test')['free_mail'] == -10
    draft(server, {})
    for answer in (server.post('/api/profiles/publish'), server.post('/api/profiles/rollback')):
        assert answer.status == 409 and 'LEADSCORE_PROFILE' in answer.json()['detail']
    path.write_text('{"rules": [{"id": "free_mail", "points": 1}]}')
    server.signal(signal.SIGHUP)
    wait_until(lambda: '/rules/0/when is missing' in server.log())
    assert lines(server, 'email:lead0@gmail.test')['free_mail'] == -10
    path.write_text(json.dumps(FREE_MAIL).replace('-10', '-20'))
    server.signal(signal.SIGHUP)
    wait_until(lambda: lines(server, 'email:lead0@gmail.test')['free_mail'] == -20)
    swept(server)
    for lead, (score, _) in scores(server).items():
        assert score == server.get(f'/api/leads/{lead}/explanation').json()['score']


def test_a_faulty_file_refuses_the_start(leadscore, build_dir, clean_env, tmp_path):
    path = tmp_path / 'profile.json'

    def start():
        return subprocess.run([build_dir / 'src/main/leadscore', 'serve'], capture_output=True, text=True, timeout=20,
                              env={**clean_env, 'LEADSCORE_DATA_DIR': str(tmp_path / 'data'), 'LEADSCORE_PROFILE': str(path),
                                   'LEADSCORE_LISTEN': '127.0.0.1:0'})

    ended = start()
    assert ended.returncode == 3 and 'cannot be read' in ended.stderr and str(path) in ended.stderr
    path.write_text('{"signals": {"recency": {"half_life_days": 0}}, "x": 1}')
    ended = start()
    assert ended.returncode == 3
    assert '/signals/recency/half_life_days must be from' in ended.stderr and '/x is not known' in ended.stderr


def test_a_file_goes_before_what_was_published(leadscore, tmp_path):
    path, data = tmp_path / 'profile.json', tmp_path / 'data'
    path.write_text('{"name": "from the file"}')
    server = leadscore(data_dir=data)
    publish(server, FREE_MAIL)
    server.stop()
    with_file = leadscore(data_dir=data, LEADSCORE_PROFILE=path)
    assert with_file.get('/api/profiles/active').json()['name'] == 'from the file'
    assert with_file.get('/api/profiles').json()['source'] == 'file'
    assert 'LEADSCORE_PROFILE holds' in with_file.log()
    with_file.stop()
    server.start()
    assert server.get('/api/profiles/active').json()['name'] == 'no free mail'


def test_the_example_of_the_scoring_page(leadscore, source_dir):
    page = (source_dir / 'docs/scoring.md').read_text()
    profile = json.loads(re.search(r'```json\n(\{\n  "name".*?)```', page, re.S).group(1))
    server = leadscore()
    publish(server, profile)
    assert server.post('/api/events', {'events': [
        {'kind': 'form_submit', 'lead': {'email': 'a@our-company.com'}},
        {'kind': 'attributes', 'lead': {'email': 'b@acme.com'}, 'attributes': {'unsubscribed': True, 'lifecycle_stage': 'customer'}},
    ]}).status == 202
    assert lines(server, 'email:a@our-company.com')['own_staff'] == -100
    assert lines(server, 'email:a@our-company.com')['forms'] == 6
    why = lines(server, 'email:b@acme.com')
    assert (why['unsubscribed'], why['customers'], why['free_mail']) == (-100, -100, 0)


def preview(server, body=None, **params):
    answer = server.post('/api/profiles/preview', body if body is not None else {}, params=params)
    assert answer.status == 200, answer
    return answer.json()


def bins(found):
    counts = [0] * 10
    for score, _ in found.values():
        counts[min(score // 10, 9)] += 1
    return counts


def test_a_preview_tells_what_publishing_does(leadscore, metrics):
    server = leadscore(HOT_LEAD_THRESHOLD=35, WARM_LEAD_THRESHOLD=25)
    seed(server, 90)
    version = draft(server, FREE_MAIL)['version']
    before = scores(server)
    shown = preview(server)
    assert shown['version'] == version
    assert scores(server) == before and states(server) == {version: 'draft'}
    same = [preview(server, {'profile': FREE_MAIL}), preview(server, {'version': version})]
    for other in same:
        assert other['moves'] == shown['moves'] and other['histogram'] == shown['histogram']
    assert same[0]['version'] is None
    assert metrics(server)['leadscore_previews_total'] == 3
    assert server.post('/api/profiles/publish').status == 200
    swept(server)
    after = scores(server)
    moves = {a: {b: 0 for b in ('hot', 'warm', 'cold')} for a in ('hot', 'warm', 'cold')}
    for lead, (_, category) in before.items():
        moves[category][after[lead][1]] += 1
    assert shown['moves'] == moves and shown['leads'] == len(before) == 90
    assert sum(moves[a][b] for a in moves for b in moves if a != b) > 5
    assert [b['before'] for b in shown['histogram']] == bins(before)
    assert [b['after'] for b in shown['histogram']] == bins(after)
    assert [b['from'] for b in shown['histogram']] == list(range(0, 100, 10))
    assert len(shown['biggest_rises']) == len(shown['biggest_falls']) == 20
    assert shown['rise'] > 20 and shown['fall'] > 20
    for movers, sign in ((shown['biggest_rises'], 1), (shown['biggest_falls'], -1)):
        changes = [sign * mover['change'] for mover in movers]
        assert changes == sorted(changes, reverse=True) and changes[-1] > 0
        for mover in movers:
            assert (mover['before']['score'], mover['before']['score_category']) == before[mover['id']]
            assert (mover['after']['score'], mover['after']['score_category']) == after[mover['id']]
            assert mover['email'] and mover['reasons'][0]['text']
            if mover['before']['points'] + sum(r['change'] for r in mover['reasons']) >= 0:
                assert round(sum(r['change'] for r in mover['reasons']) - mover['change'], 3) == 0
    assert shown['biggest_falls'][0]['reasons'][0]['name'] == 'free_mail'
    again = preview(server, {'version': version})
    assert (again['rise'], again['fall'], again['biggest_rises']) == (0, 0, [])


def test_a_preview_of_one_lead(leadscore):
    server = leadscore()
    seed(server)
    shown = preview(server, {'profile': FREE_MAIL}, lead='email:lead2@acme.com')
    assert shown['lead']['email'] == 'lead2@acme.com'
    why = server.get('/api/leads/email:lead2@acme.com/explanation').json()
    assert set(why) == set(shown['before']) == set(shown['after'])
    assert [line['name'] for line in why['lines']] == [line['name'] for line in shown['before']['lines']]
    assert shown['before']['score'] == why['score']
    assert round(shown['after']['points'] - shown['before']['points'], 3) == shown['change'] == 12
    assert [(r['name'], r['change'], r['type']) for r in shown['reasons']] == [('forms', 12, 'rule')]
    assert shown['after']['sum'] == round(sum(line['points'] for line in shown['after']['lines']), 3)
    assert server.post('/api/profiles/preview?lead=nobody', {'profile': {}}).status == 404


def test_what_cannot_be_previewed(leadscore):
    server = leadscore()
    assert server.post('/api/profiles/preview').status == 404
    assert server.post('/api/profiles/preview', {'version': 7}).status == 404
    draft(server, {})
    assert server.post('/api/profiles/preview', {'version': 1, 'profile': {}}).status == 400
    answer = server.post('/api/profiles/preview', {'profile': {'rules': [{'id': 'a'}], 'x': 1}})
    assert answer.status == 400
    assert {e['pointer'] for e in answer.json()['errors']} == {
        '/profile/rules/0/when', '/profile/rules/0/points', '/profile/x'}
    assert preview(server)['leads'] == 0


def test_a_client_that_leaves_does_not_block_the_next(leadscore):
    server = leadscore()
    seed(server, 90)
    for _ in range(20):
        connection = server.client.connection()
        connection.request('POST', '/api/profiles/preview', body=json.dumps({'profile': FREE_MAIL}))
        connection.close()
    wait_until(lambda: server.post('/api/profiles/preview', {'profile': FREE_MAIL}).status == 200)


def test_publishing_while_previews_run(leadscore):
    """Each answer is whole, or says that the profile changed under it."""
    import threading
    server = leadscore()
    seed(server, 90)
    seen = set()

    def ask():
        for _ in range(40):
            seen.add(server.post('/api/profiles/preview', {'profile': FREE_MAIL}).status)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(10):
        publish(server, {'name': f'n{n}', 'signals': {'recency': {'weight': n}}})
    for thread in threads:
        thread.join()
    assert 200 in seen and seen <= {200, 409, 503}


# ---- leadscore profile

@pytest.fixture
def profile_command(build_dir, clean_env):
    def run(*args):
        return subprocess.run([build_dir / 'src/main/leadscore', 'profile', *map(str, args)], capture_output=True, text=True,
                              timeout=20, env=clean_env)
    return run


def examples(source_dir):
    page = (source_dir / 'docs/scoring.md').read_text()
    return [re.search(r'```json\n(\{\n  "' + first + r'".*?)```', page, re.S).group(1) for first in ('name', 'profile_file')]


def test_the_default_is_printed_and_is_a_profile(profile_command, leadscore, tmp_path):
    shown = profile_command('default')
    assert shown.returncode == 0
    assert json.loads(shown.stdout) == leadscore().get('/api/profiles/active').json()['profile']
    path = tmp_path / 'default.json'
    path.write_text(shown.stdout)
    checked = profile_command('check', path)
    assert checked.returncode == 0 and checked.stdout == f'{path}: ok\n'


def test_faults_of_profiles_are_printed(profile_command, tmp_path):
    path = tmp_path / 'bad.json'
    path.write_text('{"x": 1, "rules": [{"id": "a", "points": 1}]}')
    checked = profile_command('check', path, tmp_path / 'none.json')
    assert checked.returncode == 1
    assert f'{path}: /x is not known' in checked.stderr and f'{path}: /rules/0/when is missing' in checked.stderr
    assert 'none.json cannot be read' in checked.stderr
    for wrong in ((), ('test',), ('check',), ('dance', path), ('default', path)):
        assert profile_command(*wrong).returncode == 2


def test_the_cases_of_the_scoring_page(profile_command, source_dir, tmp_path):
    profile, cases = examples(source_dir)
    (tmp_path / 'enterprise.json').write_text(profile)
    path = tmp_path / 'cases.json'
    path.write_text(cases)
    ran = profile_command('test', path)
    assert ran.stdout == (f'# {path}\nok 1 - forms are capped, free mail costs\nok 2 - own staff are no leads\n1..2\n'), ran.stdout
    assert ran.returncode == 0 and ran.stderr == ''
    path.write_text(cases.replace('"score": 15', '"score": 16').replace('8.5', '8.9').replace('"score": 0', '"category": "hot"'))
    ran = profile_command('test', path, path)
    assert ran.returncode == 1
    assert re.search(r'^not ok 1 .*\n#   score: expected 16, is 15\.\d{3}\n#   crm_activities: expected 8\.9 points, is 8\.\d{3}\n'
                     r'(#     -?\d+\.\d{3} \w+: .+\n)+not ok 2 .*\n#   category: expected hot, is cold\n', ran.stdout, re.M)
    assert ran.stdout.count('not ok') == 4 and ran.stdout.endswith('1..4\n')
    assert re.search(r'#     12\.000 forms: 3 form submissions in the last 90 days', ran.stdout)


@pytest.mark.parametrize('cases,says', [
    ('{', 'is not valid JSON'), ('[]', 'must be an object'), ('{"now": "2026-01-01T00:00:00Z"}', '/cases: must have at least one'),
    ('{"cases": [{"events": [{}], "expect": {"score": 1}}]}', '/now: is missing'),
    ('{"now": "2026-01-01T00:00:00Z", "cases": [{"events": [], "expect": {}}]}', '/cases/0/expect: must say'),
    ('{"now": "2026-01-01T00:00:00Z", "cases": [{"expect": {"score": "1"}}]}', '/cases/0/expect/score: must be a number'),
    ('{"now": "2026-01-01T00:00:00Z", "profile": {"x": 1}, "cases": [{"events": [], "expect": {"score": 1}}]}', '/x is not known'),
    ('{"now": "2026-01-01T00:00:00Z", "profile_file": "no.json", "cases": [{"events": [], "expect": {"score": 1}}]}', 'cannot be read'),
])
def test_faults_of_cases_are_printed(profile_command, tmp_path, cases, says):
    path = tmp_path / 'cases.json'
    path.write_text(cases)
    ran = profile_command('test', path)
    assert ran.returncode == 1 and says in ran.stderr


def test_cases_with_faulty_events_or_without_a_lead_fail(profile_command, tmp_path):
    path = tmp_path / 'cases.json'
    lead = {'email': 'a@b.com'}
    path.write_text(json.dumps({'now': '2026-11-22T10:00:00Z', 'cases': [
        {'name': 'kind', 'events': [{'kind': 'dance', 'lead': lead}], 'expect': {'score': 0}},
        {'name': 'erased', 'events': [{'kind': 'visit', 'lead': lead}, {'kind': 'privacy_delete', 'lead': lead}], 'expect': {'score': 0}},
        {'name': 'line', 'events': [{'kind': 'visit', 'lead': lead}], 'expect': {'points': {'nothing': 1}}},
        {'name': 'once', 'events': [{'id': 'x', 'kind': 'meeting', 'lead': lead}] * 3, 'expect': {'points': {'crm_activities': 5.104}}}]}))
    ran = profile_command('test', path)
    assert ran.returncode == 1
    assert re.findall(r'^(?:not )?ok .*', ran.stdout, re.M) == ['not ok 1 - kind', 'not ok 2 - erased', 'not ok 3 - line', 'ok 4 - once']
    assert '#   /events/0/kind' in ran.stdout and 'leave no lead' in ran.stdout and 'no such signal or rule' in ran.stdout


def test_a_crash_while_publishing_leaves_the_old_or_the_new_one(leadscore):
    import http.client
    server = leadscore()
    seed(server)
    publish(server, {'name': 'n0', 'rules': [{'id': 'r', 'when': {'kind': 'meeting'}, 'points': 0}]})
    for n in range(1, 6):
        version = draft(server, {'name': f'n{n}', 'rules': [{'id': 'r', 'when': {'kind': 'meeting'}, 'points': n}]})['version']
        connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=10)
        connection.request('POST', '/api/profiles/publish', body='{}')
        server.kill()
        connection.close()
        server.start()
        wait_until(lambda: server.get('/ready').status == 200)
        swept(server)
        listed = states(server)
        assert list(listed.values()).count('published') == 1
        assert listed[version] in ('draft', 'published')
        active = server.get('/api/profiles/active').json()
        assert active['name'] == (f'n{n}' if listed[version] == 'published' else f'n{n - 1}')
        per_meeting = active['profile']['rules'][0]['points']
        assert lines(server, 'email:lead0@gmail.test')['r'] == per_meeting
        if listed[version] == 'draft':
            assert server.post('/api/profiles/publish').status == 200
