# SPDX-License-Identifier: MIT
"""libleadscore as a stranger meets it: installed, found by pkg-config, compiled against as docs/embedding.md says."""
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from conftest import KEPT_ENV
from test_docs import blocks_of

KINDS = ['email_open', 'email_click', 'visit', 'page_view', 'meeting', 'call', 'email_reply', 'form_submit', 'note', 'task',
         'email_sent', 'email_delivered', 'email_bounce', 'email_unsubscribe']
HEADER = 'lead,time,kind,message,field,value\n'


def sanitizer_flags(build_dir):
    """What a program needs that links this build's library: nothing, but for a build with sanitizers."""
    shown = subprocess.run(['meson', 'introspect', '--buildoptions', str(build_dir)], capture_output=True, text=True, check=True)
    wanted = {option['name']: option['value'] for option in json.loads(shown.stdout)}['b_sanitize']
    return '' if wanted == 'none' else f' -fsanitize={wanted},fuzzer-no-link'


class Installed:
    """The library in a prefix of its own, and the environment in which pkg-config finds it."""

    def __init__(self, build_dir, root, env):
        subprocess.run(['meson', 'install', '-C', str(build_dir), '--no-rebuild', '--tags', 'devel', '--destdir', str(root)],
                       check=True, capture_output=True)
        self.root, self.files = root, [path for path in root.rglob('*') if path.is_file()]
        flags = sanitizer_flags(build_dir)
        self.cc, self.cxx = ('clang' + flags, 'clang++' + flags) if flags else ('cc', 'c++')
        self.env = {**env, 'PKG_CONFIG_PATH': str(self.find('leadscore.pc').parent), 'PKG_CONFIG_SYSROOT_DIR': str(root)}

    def find(self, name):
        return next(path for path in self.files if path.name == name)

    def sh(self, script, **more):
        done = subprocess.run(['bash', '-c', f'set -euo pipefail\n{script}'], env=self.env, capture_output=True, text=True,
                              timeout=120, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def compile(self, source, output, options='', cxx=False):
        self.sh(f'{self.cxx if cxx else self.cc} {options} -o {output} {source} $(pkg-config --cflags --libs leadscore)')


@pytest.fixture(scope='module')
def installed(build_dir, tmp_path_factory):
    env = {name: os.environ[name] for name in KEPT_ENV if name in os.environ}
    return Installed(build_dir, tmp_path_factory.mktemp('embed') / 'root', env)


@pytest.fixture(scope='module')
def program(installed, source_dir, tmp_path_factory):
    """The example, compiled as its page says."""
    path = tmp_path_factory.mktemp('embed') / 'score_csv'
    command = blocks_of(source_dir / 'docs/embedding.md')['compile']
    assert command.startswith('cc -O2 -o score_csv ')
    installed.sh(command.replace('cc ', installed.cc + ' ', 1).replace('-o score_csv', f'-o {path}'), cwd=source_dir)
    return path


@pytest.fixture
def score_csv(installed, program):
    """score_csv(text, options...): what the example prints for a CSV text; `fails`: what it says in failing."""
    def run(text, *options, fails=None):
        done = subprocess.run([program, *options], input=text, env=installed.env, capture_output=True, text=True, timeout=60)
        assert (done.returncode, fails is None) in ((0, True), (1, False)), done
        assert fails is None or fails in done.stderr, done.stderr
        return done.stdout

    return run


def ranking(printed):
    """[(points, category, lead)], {lead: {line: points}} of what the example prints."""
    leads, lines = [], {}
    for row in printed.splitlines():
        if reason := re.match(r' +([+-]\d+\.\d{3})  (\w+): .', row):
            lines[leads[-1][2]][reason[2]] = float(reason[1])
        else:
            points, category, name = re.fullmatch(r' *(\d+\.\d{3})  (hot|warm|cold) +(.*)', row).groups()
            leads.append((float(points), category, name))
            lines[name] = {}
    return leads, lines


def test_what_is_installed(installed, source_dir):
    names = sorted(path.name for path in installed.files)
    headers = sorted(path.name for path in (source_dir / 'include/leadscore').glob('*.h'))
    assert names == sorted(headers + ['leadscore.pc', 'libleadscore.a'])
    declared = set()
    for header in headers:
        text = re.sub(r'/\*.*?\*/', '', installed.find(header).read_text(), flags=re.S)
        assert 'pragma GCC visibility push(default)' in text
        text = re.sub(r'static inline.*?\n}', '', text, flags=re.S)
        declared |= set(re.findall(r'\b(ls_\w+)\(', text)) | set(re.findall(r'^extern .*\b(ls_\w+);', text, re.M))
    listed = installed.sh(f'nm -g --defined-only {installed.find("libleadscore.a")}')
    exported = {name for name in re.findall(r'^[0-9a-f]+ [A-Z] (\w+)$', listed, re.M)
                if not re.match(r'_?_*(asan|odr_asan|ubsan|sancov)', name)}
    assert exported == declared and {'ls_strerror', 'ls_kind_find', 'ls_score_milli', 'ls_memory_heap'} <= exported


@pytest.mark.parametrize('language', ['c11', 'c++17'])
def test_every_header_alone(installed, tmp_path, language):
    cxx = language == 'c++17'
    for header in installed.root.rglob('*.h'):
        source = tmp_path / ('alone.cc' if cxx else 'alone.c')
        source.write_text(f'#include <leadscore/{header.name}>\n#include <leadscore/{header.name}>\n'
                          'int main() { return ls_strerror(0) == 0; }\n' if cxx else
                          f'#include <leadscore/{header.name}>\n#include <leadscore/{header.name}>\n'
                          'int main(void) { return ls_strerror(0) == 0; }\n')
        installed.compile(source, tmp_path / 'alone', f'-std={language} -Wall -Wextra -Wpedantic -Wconversion -Werror', cxx)
        installed.sh(str(tmp_path / 'alone'))


def test_the_page_shows_what_the_example_prints(installed, program, source_dir):
    page = (source_dir / 'docs/embedding.md').read_text()
    command = blocks_of(source_dir / 'docs/embedding.md')['run'].replace('./score_csv', str(program))
    assert installed.sh(command, cwd=source_dir) == re.search(r'```text\n(.*?)```', page, re.S)[1]
    source = (source_dir / 'docs/examples/score_csv.c').read_text()
    shown = re.findall(r'```c\n(.*?)```', page, re.S)
    assert len(shown) >= 5 and all(block in source for block in shown)


def test_what_csv_may_look_like(score_csv):
    at = ('--at', '2026-11-22T12:00:00Z')
    plain = score_csv(HEADER + 'a,2026-11-22T10:00:00Z,visit,,,\nb,2026-11-22T09:00:00Z,visit,,,\n', *at)
    leads, _ = ranking(plain)
    assert [name for _, _, name in leads] == ['a', 'b'] and leads[0][0] > leads[1][0] > 0
    assert score_csv(HEADER.replace('\n', '\r\n') + '\r\n"a",2026-11-22T11:00:00.250+01:00,"visit",,,\r\n'
                     'b,2026-11-22T09:00:00Z,visit,"two\nlines, and a "" quote",,""', *at) == plain
    assert score_csv(HEADER, *at) == ''
    # neither machines nor what has not happened yet count
    assert score_csv(HEADER + 'a,2026-11-22T10:00:00Z,visit.machine,,,\nb,2026-11-22T12:00:01Z,visit,,,\n', *at) == \
        '  0.000  cold  a\n'
    # the newest value wins, whatever the order of rows
    rows = ['a,2026-11-22T10:00:00Z,attributes,,employees,9999\n', 'a,2026-11-22T11:00:00Z,attributes,,employees,10\n',
            'a,2026-11-21T10:00:00Z,deal_stage,,stage_probability,0.5\n']
    assert score_csv(HEADER + ''.join(rows), *at) == score_csv(HEADER + ''.join(reversed(rows)), *at) != ''


@pytest.mark.parametrize('row, line, why', [
    ('a,2026-11-22T10:00:00Z,vist,,,', 3, "'vist' is not a kind"),
    ('a,2026-11-22T10:00:00Z,visit.robot,,,', 3, "'visit.robot' is not a kind"),
    ('a,2026-11-22T10:00:00Z,merge,,,', 3, "'merge' are not taken"),
    ('a,yesterday,visit,,,', 3, "'yesterday' is no time"),
    ('a,2026-02-30T10:00:00Z,visit,,,', 3, "is no time"),
    ('a,2026-11-22T10:00:00,visit,,,', 3, "is no time"),
    (',2026-11-22T10:00:00Z,visit,,,', 3, 'no lead'),
    ('a,2026-11-22T10:00:00Z,visit,,', 3, '5 fields instead of 6'),
    ('a,2026-11-22T10:00:00Z,visit,,,,', 3, 'more than 6 fields'),
    ('"b\nc",2026-11-22T10:00:00Z,visit,,,\na,x,visit,,,', 5, "'x' is no time"),
    ('a"b,2026-11-22T10:00:00Z,visit,,,', 3, 'in the middle of a field'),
    ('a\0b,2026-11-22T10:00:00Z,visit,,,', 3, 'in the middle of a field'),
    ('"a"b,2026-11-22T10:00:00Z,visit,,,', 3, 'behind the end of a field'),
    ('a\rb,2026-11-22T10:00:00Z,visit,,,', 3, 'behind the end of a field'),
    ('"a,2026-11-22T10:00:00Z,visit,,,\n', 3, 'end of file in the middle'),
    ('"' + 'a' * 70000 + '"', 3, 'more than 65536 bytes'),
])
def test_bad_rows_are_named(score_csv, row, line, why):
    score_csv(f'{HEADER}a,2026-11-22T10:00:00Z,visit,,,\n{row}\n', fails=f'standard input:{line}: ')
    score_csv(f'{HEADER}a,2026-11-22T10:00:00Z,visit,,,\n{row}\n', fails=why)


def test_bad_headers_files_and_profiles_are_named(score_csv, tmp_path):
    score_csv('', fails='the header row is not lead,time,')
    score_csv('lead,time,kind,message,value,field\n', fails='standard input:1: the header row')
    score_csv('', str(tmp_path / 'none.csv'), fails='none.csv: No such file')
    score_csv('', '--at', 'noon', fails='score_csv [--profile FILE]')
    score_csv('', '--what', fails='score_csv [--profile FILE]')
    bad = tmp_path / 'bad.json'
    bad.write_text('{"signals": {"email_opens": {"weight": 101}}}')
    score_csv('', '--profile', str(bad), fails='/signals/email_opens/weight must be from')


def test_a_profile_of_ones_own(score_csv, tmp_path):
    profile = tmp_path / 'profile.json'
    profile.write_text(json.dumps({'thresholds': {'hot': 12, 'warm': 5}, 'rules': [
        {'id': 'forms', 'when': {'kind': 'form_submit'}, 'points': 4.5},
        {'id': 'swiss', 'when': {'field': 'country', 'equals': 'CH'}, 'points': 2},
        {'id': 'vip', 'when': {'field': 'vip', 'equals': True}, 'points': 1.5},
        {'id': 'gone', 'when': {'field': 'left', 'exists': True}, 'points': -3}]}))
    at = '2026-11-22T10:00:00Z'
    leads, lines = ranking(score_csv(
        HEADER + f'a,{at},form_submit,,country,CH\na,{at},attributes,,vip,true\nb,{at},form_submit,,left,2026\n',
        '--at', '2026-11-22T10:30:00Z', '--profile', str(profile), '--explain'))
    assert [(category, name) for _, category, name in leads] == [('hot', 'a'), ('warm', 'b')]
    assert (lines['a']['forms'], lines['a']['swiss'], lines['a']['vip'], lines['b']['gone']) == (4.5, 2, 1.5, -3)
    assert all(round(sum(lines[name].values()), 3) == points for points, _, name in leads)


def test_scores_are_the_servers(score_csv, leadscore):
    """The same events on both sides, at the instant at which the server answered."""
    state = 20261122

    def draw(n):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (state >> 33) % n

    start, events, rows = int(time.time() * 1000), [], [HEADER]
    for number in range(900):
        name, kind, machine = f'v{draw(40)}', KINDS[draw(len(KINDS))], draw(8) == 0
        ms = start - 60000 - (draw(86400000 * 5) if draw(3) else draw(86400000 * 420))
        message = f'mail-{draw(12)}' if kind.startswith('email') else ''
        stamp = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(ms // 1000)) + f'.{ms % 1000:03}Z'
        field, value = [('', ''), ('employees', draw(3000)), ('stage_probability', draw(11) / 10)][max(0, draw(12) - 9)]
        events.append({'id': str(number), 'kind': kind, 'time': stamp, 'lead': {'visitor': name}, 'machine': machine,
                       **({'message': message} if message else {}), **({'attributes': {field: value}} if field else {})})
        rows.append(f'{name},{stamp},{kind}{".machine" if machine else ""},{message},{field},{value}\n')
    server = leadscore()
    assert server.post('/api/events', {'events': events}).json() == {'accepted': len(events)}
    text, listed = ''.join(rows), server.get('/api/leads', params={'limit': 1000}).json()['leads']
    assert len(listed) == len({event['lead']['visitor'] for event in events})
    for name in sorted({event['lead']['visitor'] for event in events}):
        one = server.get(f'/api/leads/visitor:{name}').json()
        why = one['explanation']
        leads, lines = ranking(score_csv(text, '--at', why['as_of'], '--explain'))
        points, category = next((points, category) for points, category, other in leads if other == name)
        assert (points, category, int(points)) == (why['points'], one['score_category'], one['score'])
        assert lines[name] == {line['name']: line['points'] for line in why['lines'] if line['points'] != 0}
        in_list = next(lead for lead in listed if lead['id'] == one['id'])
        assert abs(in_list['score'] - points) <= 1
    ranks = {lead['id']: lead['score'] for lead in listed}
    assert list(ranks.values()) == sorted(ranks.values(), reverse=True)


def test_the_locale_of_the_program_makes_no_difference(installed, tmp_path):
    if shutil.which('localedef') is None or not os.path.exists('/usr/share/i18n/locales/de_DE'):
        pytest.skip('no locale with a decimal comma can be made')
    subprocess.run(['localedef', '-i', 'de_DE', '-f', 'UTF-8', str(tmp_path / 'de_DE.UTF-8')], check=True, capture_output=True)
    source = tmp_path / 'comma.c'
    source.write_text(r'''
#include <leadscore/score.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
	static const char json[] = "{\"rules\":[{\"id\":\"a\",\"when\":{\"kind\":\"visit\"},\"points\":4.5}]}";
	char text[10000];
	struct ls_profile *profile, *again;
	struct ls_profile_fault fault;
	size_t faults;
	snprintf(text, sizeof text, "%.1f", 4.5);
	if (setlocale(LC_ALL, "") == NULL || snprintf(text, sizeof text, "%.1f", 4.5) != 3 || text[1] != ',')
		return 2;
	if (ls_profile_parse(ls_memory_heap, (struct ls_slice){ json, strlen(json) }, &profile, &fault, 1, &faults) != 0)
		return 3;
	size_t len = ls_profile_print(profile, text, sizeof text);
	if (ls_profile_parse(ls_memory_heap, (struct ls_slice){ text, len }, &again, &fault, 1, &faults) != 0)
		return 4;
	(void)ls_profile_free(profile);
	(void)ls_profile_free(again);
	return 0;
}
''')
    installed.compile(source, tmp_path / 'comma')
    done = subprocess.run([tmp_path / 'comma'], env={**installed.env, 'LOCPATH': str(tmp_path), 'LC_ALL': 'de_DE.UTF-8'})
    assert done.returncode == 0
