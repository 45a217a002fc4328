# SPDX-License-Identifier: MIT
"""What the pages tell people to type works as printed, but for the port."""
import json
import re
import shutil
import subprocess

import pytest


def blocks_of(path):
    """{name: commands} of the code blocks that follow a line `<!-- tested: name -->`."""
    return dict(re.findall(r'<!-- tested: (\w+) -->\n```sh\n(.*?)```', path.read_text(), re.S))


def test_the_first_webhook_of_the_readme(leadscore, source_dir, clean_env):
    server = leadscore(HUBSPOT_CLIENT_SECRET='my-app-secret')
    blocks = blocks_of(source_dir / 'README.md')
    assert set(blocks) == {'webhook', 'lead', 'events'}

    def run(name):
        script = blocks[name].replace('127.0.0.1:8000', f'127.0.0.1:{server.port}')
        return subprocess.run(['bash', '-euo', 'pipefail', '-c', script], env=clean_env, capture_output=True, text=True,
                              timeout=30, check=True).stdout

    assert run('webhook').startswith('HTTP/1.1 204')
    one = json.loads(run('lead'))
    assert one['engagement_summary']['email_opens'] == 1 and one['score'] > 0
    assert json.loads(run('events')) == {'accepted': 1}
    assert server.get('/api/leads').json()['total'] == 2


def test_the_example_event_of_the_api_page(leadscore, source_dir):
    page = (source_dir / 'docs/api.md').read_text()
    example = json.loads(re.search(r'```json\n(\{"events".*?)```', page, re.S).group(1))
    server = leadscore()
    assert server.post('/api/events', example).json() == {'accepted': 1}
    shown = json.loads(re.search(r'```json\n(\{"leads".*?)```', page, re.S).group(1))
    listed = server.get('/api/leads').json()
    assert set(shown) == set(listed) and set(shown['leads'][0]) == set(listed['leads'][0])
    assert set(shown['leads'][0]['engagement_summary']) == set(listed['leads'][0]['engagement_summary'])
    why = json.loads(re.search(r'```json\n(\{"as_of".*?)```', page, re.S).group(1))
    answer = server.get(f"/api/leads/{listed['leads'][0]['id']}/explanation").json()
    assert set(why) == set(answer) and set(why['lines'][0]) == set(answer['lines'][0])


def test_the_api_page_names_every_route(leadscore, source_dir):
    page = (source_dir / 'docs/api.md').read_text()
    for route in leadscore().get('/').json()['routes']:
        assert route['path'] == '/' or f"{route['method']} {route['path']}" in page


def test_every_metric_the_pages_name_exists(leadscore, source_dir):
    page = (source_dir / 'docs/operations.md').read_text()
    text = leadscore().get('/metrics').text
    for name in re.findall(r'`(leadscore_\w+)`', page):
        assert f'# TYPE {name} ' in text


def test_promtool_finds_nothing_to_say(leadscore):
    if shutil.which('promtool') is None:
        pytest.skip('promtool is not installed')
    server = leadscore()
    server.post('/api/events', {'events': [{'kind': 'visit', 'lead': {'email': 'a@b.example'}}]})
    check = subprocess.run(['promtool', 'check', 'metrics'], input=server.get('/metrics').text, capture_output=True, text=True)
    assert (check.returncode, check.stdout + check.stderr) == (0, '')


def test_the_example_of_the_history(leadscore, source_dir):
    page = (source_dir / 'docs/api.md').read_text()
    shown = json.loads(re.search(r'```json\n(\{"history".*?)```', page, re.S).group(1))
    server = leadscore()
    server.post('/api/events', {'events': [{'kind': 'visit', 'lead': {'email': 'a@b.example'}}]})
    answer = server.get('/api/leads/email:a@b.example/history').json()
    assert set(shown) == set(answer) and set(shown['history'][0]) == set(answer['history'][0])
    assert set(shown['history'][0]['cause']) == set(answer['history'][0]['cause'])


def test_the_example_of_the_timeline(leadscore, source_dir):
    page = (source_dir / 'docs/api.md').read_text()
    shown = json.loads(re.search(r'```json\n(\{"as_of": "[^"]*",\s+"events".*?)```', page, re.S).group(1))
    server = leadscore()
    server.post('/api/events', {'events': [{'kind': 'visit', 'lead': {'email': 'a@b.example'}, 'detail': {'url': '/pricing'}}]})
    answer = server.get('/api/leads/email:a@b.example/timeline').json()
    assert set(shown) == set(answer) and set(shown['events'][0]) == set(answer['events'][0])
    assert set(shown['events'][0]['shares']) == set(answer['events'][0]['shares'])
    assert answer['events'][0]['detail'] == {'url': '/pricing'}
