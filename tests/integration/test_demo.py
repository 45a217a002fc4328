# SPDX-License-Identifier: MIT
"""leadscore demo: everything a newcomer sees works as printed, and nothing of it stays or gets mixed with real data."""
import json
import re
import shlex
import signal
import socket
import subprocess

import pytest

from harness.process import Process, free_port, wait_until

LIVE = 'From here on it is live.'
SECRETS = ['HUBSPOT_CLIENT_SECRET', 'HUBSPOT_API_KEY', 'SLACK_WEBHOOK_URL', 'LEADSCORE_API_TOKEN', 'DATABASE_URL',
           'REDIS_URL']


@pytest.fixture
def folder(tmp_path):
    """Where the demo makes its temporary folder."""
    path = tmp_path / 'tmp'
    path.mkdir()
    return path


@pytest.fixture
def demo(leadscore, folder):
    """Starts a demo and waits until its history is there: demo('--speed', '20', LEADSCORE_...='...')."""
    def start(*args, command='demo', **settings):
        server = leadscore(args=(command, *args), TMPDIR=folder, **settings)
        wait_until(lambda: LIVE in server.log(), 60, 'the history')
        return server

    return start


@pytest.fixture
def run(build_dir, clean_env, folder):
    """Runs a demo that must end by itself: run(['--leads', '5'], NAME='value') gives what came of it."""
    def start(args=(), command='demo', **settings):
        argv = [str(build_dir / 'src/main/leadscore'), command, *args]
        return subprocess.run(argv, env={**clean_env, 'TMPDIR': str(folder), **settings}, timeout=30,
                              capture_output=True, text=True)

    return start


def totals(server):
    return {c: server.get(f'/api/leads?limit=1&category={c}').json()['total'] for c in ('hot', 'warm', 'cold')}


def said(server, pattern):
    found = re.search(pattern, server.log())
    assert found, f'{pattern} is not in:\n{server.tail()}'
    return found


def test_a_sales_floor_to_look_at(demo):
    server = demo()
    count = totals(server)
    assert sum(count.values()) >= 300
    assert 3 <= count['hot'] <= 30 and 20 <= count['warm'] <= 80 and count['cold'] > 150
    top = server.get('/api/leads?limit=5').json()['leads']
    assert all(lead['name'] and lead['company'] and lead['email'].endswith('.example') for lead in top)
    assert len({lead['name'] for lead in top}) == 5
    said(server, r'300 made-up leads of 36 companies')
    said(server, r'\d+ leads: \d+ hot, \d+ warm, \d+ cold \| \d+ events')


def test_everything_that_was_sent_is_counted_once(demo, metrics):
    server = demo()
    sent = int(said(server, r'history: (\d+) events').group(1))
    counted = metrics(server)
    events = sum(v for name, v in counted.items() if name.startswith('leadscore_events_total'))
    assert events >= sent > 10000
    amiss = re.compile(r'leadscore_(source_refused|source_quarantined|rejected|duplicates|foreign)_total')
    found = {name: value for name, value in counted.items() if amiss.match(name)}
    assert len({name.split('{')[0] for name in found}) == 5
    assert not any(found.values()), found


def test_the_printed_commands_work(demo, folder):
    server = demo()
    lines = server.log().replace('\\\n', ' ')
    commands = re.findall(r'^ +(curl .*)$', lines, re.M)
    assert len(commands) == 3
    answers = [json.loads(subprocess.run(shlex.split(c), check=True, capture_output=True, timeout=10).stdout)
               for c in commands]
    assert [lead['score_category'] for lead in answers[0]['leads']] == ['hot'] * 3
    assert sum(line['points'] for line in answers[1]['explanation']['lines']) > 0
    assert answers[1]['name'] and answers[1]['company']
    assert answers[2] == {'accepted': 1}
    email = re.search(r'"email":"([^"]+)"', commands[2]).group(1)
    lead = server.get(f'/api/leads/email:{email}').json()
    assert lead['company'], 'the example is about somebody who is there'


def test_a_lead_turns_hot_while_you_watch(demo):
    server = demo('--speed', '20')
    wait_until(lambda: 'turned hot' in server.log(), 60, 'a lead turning hot')
    news = said(server, r'\d\d:\d\d:\d\d  (.+), (.+) turned hot \((\d+) -> (\d+)\): (.+); (.+)')
    assert int(news.group(3)) < 75 <= int(news.group(4))
    assert re.search(r'open|click|visit|meeting|call|form', news.group(5))


def test_the_same_seed_has_the_same_people(demo):
    first, second, other = demo(), demo(), demo('--seed', '2')
    people = [re.search(r'api/leads/(email:\S+)\'', s.log()).group(1) for s in (first, second, other)]
    assert people[0] == people[1] != people[2]


def test_demo_mode_is_the_demo(demo):
    server = demo(command='serve', DEMO_MODE='true')
    assert sum(totals(server).values()) >= 300
    said(server, 'Nothing is kept')


def test_settings_of_a_real_server_are_not_in_the_way(demo):
    server = demo(LEADSCORE_MAX_BODY='1024', LEADSCORE_MAX_HUBSPOT_BODY='1024', HUBSPOT_SIGNATURE_VERSIONS='v1',
                  HUBSPOT_PORTAL_IDS='1', LEADSCORE_PUBLIC_URL='https://leads.example.com', LEADSCORE_MAX_CONNECTIONS='16')
    assert sum(totals(server).values()) >= 300


def test_how_many_and_for_how_long(run, folder):
    done = run(['--leads', '10', '--duration', '2', '--speed', '100'], LEADSCORE_LISTEN=f'127.0.0.1:{free_port()}')
    assert done.returncode == 0, done.stderr
    assert '10 made-up leads' in done.stdout and LIVE in done.stdout
    assert done.stderr == ''
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_kept(demo, folder, number):
    server = demo()
    made = list(folder.iterdir())
    assert len(made) == 1 and (made[0] / 'leadscore.db').exists()
    assert made[0].stat().st_mode & 0o777 == 0o700
    server.signal(number)
    assert server.wait(timeout=10) == 0
    server.assert_clean_log()
    assert list(folder.iterdir()) == []


def test_stopped_in_the_middle_of_history(build_dir, clean_env, tmp_path, folder):
    env = {**clean_env, 'TMPDIR': str(folder), 'LEADSCORE_LISTEN': f'127.0.0.1:{free_port()}'}
    demo = Process([str(build_dir / 'src/main/leadscore'), 'demo', '--leads', '20000'], env, tmp_path, tmp_path / 'log')
    demo.start()
    wait_until(lambda: 'another terminal' in demo.log(), 20, 'the welcome')
    assert LIVE not in demo.log()
    assert demo.terminate() == 0
    demo.assert_clean_log()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize('name', SECRETS)
def test_real_secrets_are_refused(run, folder, name):
    done = run(**{name: 'https://example.com/a-real-secret'})
    assert done.returncode == 3
    assert name in done.stderr and 'a-real-secret' not in done.stderr
    assert done.stdout == '' and list(folder.iterdir()) == []


def test_secrets_in_a_file_are_found_and_all_are_named(run, tmp_path):
    (tmp_path / 'env').write_text('REDIS_URL=redis://localhost\nSLACK_WEBHOOK_URL=\nDEMO_MODE=true\n')
    done = run(['--env-file', str(tmp_path / 'env')], command='serve', DATABASE_URL='postgresql://localhost')
    assert done.returncode == 3
    assert 'DATABASE_URL, REDIS_URL\n' in done.stderr and 'SLACK' not in done.stderr


def test_empty_secrets_are_none(run):
    done = run(['--leads', '10', '--duration', '1'], HUBSPOT_CLIENT_SECRET='', REDIS_URL='',
               LEADSCORE_LISTEN=f'127.0.0.1:{free_port()}')
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('address', ['0.0.0.0:8000', ':8000', '*:8000', '[::]:8000', '192.0.2.1:8000',
                                     '127.0.0.1:8000,0.0.0.0:8001', '128.0.0.1:80', 'leads.example.com:8000'])
def test_other_machines_are_not_answered(run, address):
    done = run(LEADSCORE_LISTEN=address)
    assert done.returncode == 3
    assert 'this machine only' in done.stderr


def test_a_port_that_was_asked_for_is_not_shared(run):
    with socket.create_server(('127.0.0.1', 0), reuse_port=True) as taken:
        done = run(LEADSCORE_LISTEN=f'127.0.0.1:{taken.getsockname()[1]}')
    assert done.returncode == 4
    assert 'in use' in done.stderr


def test_another_port_when_the_usual_one_is_taken(run):
    try:
        taken = socket.create_server(('127.0.0.1', 8000), reuse_port=True)
    except OSError:
        taken = None  # somebody else has it: as good
    try:
        done = run(['--leads', '10', '--duration', '1'])
    finally:
        if taken:
            taken.close()
    assert done.returncode == 0, done.stderr
    port = re.search(r'^Port 8000 is taken: using (80\d\d)\.$', done.stdout, re.M).group(1)
    assert f'http://127.0.0.1:{port} ' in done.stdout


def test_on_a_unix_socket(build_dir, clean_env, tmp_path, folder):
    path = folder.parent / 's'
    env = {**clean_env, 'TMPDIR': str(folder), 'LEADSCORE_LISTEN': f'unix:{path}'}
    demo = Process([str(build_dir / 'src/main/leadscore'), 'demo', '--leads', '20'], env, tmp_path, tmp_path / 'log')
    demo.start()
    wait_until(lambda: LIVE in demo.log(), 20, 'the history')
    command = re.search(r'^ +(curl .*limit=3.*)$', demo.log(), re.M).group(1)
    answer = subprocess.run(shlex.split(command), check=True, capture_output=True, timeout=10).stdout
    assert 'leads' in json.loads(answer)
    assert demo.terminate() == 0
    demo.assert_clean_log()


@pytest.mark.parametrize('args', [['--leads', '9'], ['--leads', '100001'], ['--speed', '0'], ['--duration', '-1'],
                                  ['--seed', 'x'], ['--colour']])
def test_wrong_options(run, args):
    done = run(args)
    assert done.returncode == 2
    assert args[0] in done.stderr
