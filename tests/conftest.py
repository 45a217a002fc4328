# SPDX-License-Identifier: MIT
"""What integration, property, fault and browser tests share.

LEADSCORE_BUILD names the build directory to test (default: build-gcc, then build). LEADSCORE_TEST_REDIS
and LEADSCORE_TEST_PG name real servers; tests/run starts them, and tests that need one skip without.
"""
import os
import pathlib
import re

import pytest

from harness.process import Server, free_port

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent
# Kept from the caller's environment; everything else would make tests depend on who runs them.
KEPT_ENV = ('PATH', 'HOME', 'LANG', 'TMPDIR', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS')


def pytest_addoption(parser):
    parser.addoption('--long', action='store_true', help='also run what is marked long')
    parser.addoption('--cycles', type=int, default=3, help='how often a fault is repeated')


def pytest_collection_modifyitems(config, items):
    if not config.getoption('--long'):
        for item in items:
            if item.get_closest_marker('long'):
                item.add_marker(pytest.mark.skip(reason='only with --long'))


@pytest.fixture(scope='session')
def source_dir():
    return SOURCE_DIR


@pytest.fixture(scope='session')
def build_dir():
    named = os.environ.get('LEADSCORE_BUILD')
    for path in [pathlib.Path(named)] if named else [SOURCE_DIR / 'build-gcc', SOURCE_DIR / 'build']:
        if (path / 'build.ninja').exists():
            return path.resolve()
    pytest.fail('no build directory: set LEADSCORE_BUILD or run tests/run')


@pytest.fixture(scope='session')
def cycles(request):
    return request.config.getoption('--cycles')


@pytest.fixture(scope='session')
def redis_url():
    url = os.environ.get('LEADSCORE_TEST_REDIS')
    if not url:
        pytest.skip('LEADSCORE_TEST_REDIS is not set')
    return url


@pytest.fixture(scope='session')
def pg_url():
    url = os.environ.get('LEADSCORE_TEST_PG')
    if not url:
        pytest.skip('LEADSCORE_TEST_PG is not set')
    return url


@pytest.fixture
def clean_env():
    """A fresh environment without the caller's settings."""
    return {name: os.environ[name] for name in KEPT_ENV if name in os.environ}


@pytest.fixture
def start_server(tmp_path, clean_env):
    """Starts any program that answers HTTP: start_server(argv, port, env={}, ready_path='/health').

    Whatever is still running when the test ends is stopped and must have ended well.
    """
    servers = []

    def start(argv, port, env=None, ready_path='/health', wait=True):
        log = tmp_path / f'server-{len(servers)}.log'
        server = Server([str(a) for a in argv], {**clean_env, **(env or {})}, tmp_path, log, port)
        server.ready_path = ready_path
        servers.append(server)
        return server.start() if wait else server

    yield start
    faults = []
    for server in servers:
        try:
            if server.running():
                server.stop()
            else:
                server.assert_clean_log()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, '\n'.join(faults)


@pytest.fixture
def leadscore(build_dir, tmp_path, start_server):
    """Starts `leadscore serve` on a free port with its own data directory: leadscore(HOT_LEAD_THRESHOLD='80').

    `args` replaces the sub-command, `data_dir` and `port` name those of an earlier one. The Server has
    .client, .get(), .post(), .log(), .stop(), .restart(), .kill(). A test that kills it calls .start() on it again.
    """
    count = 0

    def start(args=('serve',), data_dir=None, port=None, wait=True, ready_path='/ready', **settings):
        nonlocal count
        count += 1
        port = port or free_port()
        data_dir = data_dir or tmp_path / f'data-{count}'
        data_dir.mkdir(exist_ok=True)
        env = {'LEADSCORE_LISTEN': f'127.0.0.1:{port}', 'LEADSCORE_DATA_DIR': str(data_dir)}
        env.update({name: str(value) for name, value in settings.items()})
        return start_server([build_dir / 'src/main/leadscore', *args], port, env, ready_path, wait)

    return start


@pytest.fixture
def metrics():
    """metrics(server) gives {'name{labels}': value} from /metrics."""
    def read(server):
        text = server.get('/metrics').text
        return {m[0]: float(m[1]) for m in re.findall(r'^([^#\s]\S*) (\S+)$', text, re.M)}
    return read
