# SPDX-License-Identifier: MIT
"""The command line: help from tables, refusals that help, exit codes as documented."""
import subprocess

import pytest


@pytest.fixture
def run(build_dir, clean_env, tmp_path):
    def run(*args, **env):
        return subprocess.run([build_dir / 'src/main/leadscore', *args], env={**clean_env, **env}, cwd=tmp_path,
                              capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    return run


def test_help_everywhere(run):
    top = run('help')
    assert top.returncode == 0 and top.stdout == run('--help').stdout
    commands = [line.split()[0] for line in top.stdout.split('Commands:')[1].split("\n\n")[0].splitlines() if line.strip()]
    assert {'serve', 'demo', 'check-config', 'forge', 'version', 'help'} <= set(commands)
    for command in set(commands) - {'help'}:
        one = run(command, '--help')
        assert one.returncode == 0 and f'Usage: leadscore {command}' in one.stdout
        assert one.stdout == run('help', command).stdout
    assert run().returncode == 2


@pytest.mark.parametrize('args, says', [
    (('srve',), "did you mean 'serve'?"),
    (('serve', '--env-fle', 'x'), "did you mean 'env-file'?"),
    (('serve', '--env-file'), 'needs FILE'),
    (('serve', 'extra'), "'extra' is not expected here"),
    (('version', '--help=yes'), 'unknown option'),
])
def test_wrong_usage(run, args, says):
    result = run(*args)
    assert result.returncode == 2 and says in result.stderr and 'See: leadscore' in result.stderr


def test_version(run):
    assert run('version').stdout == run('--version').stdout
    assert run('version').stdout.startswith('leadscore ')


def test_all_wrong_settings_at_once(run):
    result = run('check-config', HOT_LEAD_THRESHOLD='120', LEADSCORE_LOG_LEVEL='loud', SCORE_REFRESH_INTERVAL='0',
                 HUBSPOT_CLIENT_SECRET='short')
    assert result.returncode == 3
    assert 'HOT_LEAD_THRESHOLD=120: not a valid value; expected points, 0 to 100' in result.stderr
    assert 'LEADSCORE_LOG_LEVEL=loud: not a valid value; expected one of error, warn, info, debug' in result.stderr
    assert 'SCORE_REFRESH_INTERVAL=0' in result.stderr
    assert 'HUBSPOT_CLIENT_SECRET: not' in result.stderr and 'short' not in result.stderr
    together = run('serve', HOT_LEAD_THRESHOLD='40', WARM_LEAD_THRESHOLD='50')
    assert together.returncode == 3 and 'at most HOT_LEAD_THRESHOLD' in together.stderr


def test_settings_in_effect(run, tmp_path):
    settings = tmp_path / 'settings'
    settings.write_text('HOT_LEAD_THRESHOLD=80\nWARM_LEAD_THRESHOLD=40\nLEADSCORE_API_TOKEN=0123456789abcdef\n')
    result = run('check-config', '--env-file', str(settings), WARM_LEAD_THRESHOLD='45')
    assert result.returncode == 0
    shown = dict(line.split('=', 1) for line in result.stdout.splitlines())
    assert (shown['HOT_LEAD_THRESHOLD'], shown['WARM_LEAD_THRESHOLD']) == ('80', '45')
    assert shown['LEADSCORE_API_TOKEN'] == '(set)'
    settings.write_text('LEADSCORE_LISTN=127.0.0.1:1\nnonsense\n')
    result = run('check-config', '--env-file', str(settings))
    assert result.returncode == 3 and 'line 2' in result.stderr
    settings.write_text('LEADSCORE_LISTN=127.0.0.1:1\n')
    result = run('check-config', '--env-file', str(settings))
    assert result.returncode == 3 and 'did you mean LEADSCORE_LISTEN?' in result.stderr
    assert run('check-config', '--env-file', '/does/not/exist').returncode == 3


def test_the_configuration_page_and_the_example_are_made_from_the_table(run, source_dir):
    assert (source_dir / 'docs/configuration.md').read_text() == run('check-config', '--markdown').stdout
    assert (source_dir / 'deploy/.env.example').read_text() == run('check-config', '--example').stdout


def test_addresses(run, tmp_path):
    data = {'LEADSCORE_DATA_DIR': str(tmp_path / 'data')}
    bad = run('serve', LEADSCORE_LISTEN='nowhere', **data)
    assert bad.returncode == 3 and 'LEADSCORE_LISTEN' in bad.stderr
    foreign = run('serve', LEADSCORE_LISTEN='192.0.2.1:8000', **data)
    assert foreign.returncode == 4 and '192.0.2.1:8000' in foreign.stderr
