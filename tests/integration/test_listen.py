# SPDX-License-Identifier: MIT
"""Where the server listens: TLS with reload, unix sockets, several addresses, and how it says no."""
import http.client
import signal
import socket
import ssl
import subprocess

import pytest

from harness.process import free_port, wait_until


@pytest.fixture
def certificate(tmp_path):
    """certificate(name) writes a self-signed one over the last."""
    def make(name):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                        '-addext', f'subjectAltName=DNS:{name}', '-keyout', tmp_path / 'key.pem', '-out', tmp_path / 'cert.pem'],
                       check=True, capture_output=True)
        return tmp_path / 'cert.pem', tmp_path / 'key.pem'
    return make


def get_tls(port, path='/health', name='localhost', version=None):
    """Status, and the name on the certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    connection = http.client.HTTPSConnection('127.0.0.1', port, timeout=10, context=context)
    connection.request('GET', path)
    status = connection.getresponse().status
    der = connection.sock.getpeercert(binary_form=True)
    connection.close()
    text = subprocess.run(['openssl', 'x509', '-inform', 'der', '-noout', '-subject'], input=der, capture_output=True).stdout
    return status, text.decode().split('CN = ')[-1].strip()


def test_tls_and_its_reload(leadscore, certificate):
    cert, key = certificate('first.example')
    port = free_port()
    server = leadscore(port=port, wait=False, LEADSCORE_TLS_CERT=cert, LEADSCORE_TLS_KEY=key)
    server.is_ready = lambda: b'listening' in server.log().encode()
    server.start()
    assert get_tls(port) == (200, 'first.example')
    assert get_tls(port, version=ssl.TLSVersion.TLSv1_2)[0] == 200
    certificate('second.example')
    server.signal(signal.SIGHUP)
    wait_until(lambda: 'settings taken over' in server.log())
    assert get_tls(port) == (200, 'second.example')
    cert.write_text('nonsense')
    server.signal(signal.SIGHUP)
    wait_until(lambda: 'the old one stays' in server.log())
    assert get_tls(port) == (200, 'second.example')


def test_a_bad_certificate_is_refused_at_start(leadscore, tmp_path):
    (tmp_path / 'cert.pem').write_text('nonsense')
    server = leadscore(wait=False, LEADSCORE_TLS_CERT=tmp_path / 'cert.pem', LEADSCORE_TLS_KEY=tmp_path / 'cert.pem')
    with pytest.raises(AssertionError, match='exited with 3'):
        server.start()
    assert 'LEADSCORE_TLS_CERT' in server.log()


def test_unix_socket_and_several_addresses(leadscore, tmp_path):
    port, path = free_port(), tmp_path / 'leadscore.sock'
    server = leadscore(port=port, LEADSCORE_LISTEN=f'127.0.0.1:{port}, unix:{path}')
    assert server.get('/health').status == 200
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(b'GET /api/leads HTTP/1.1\r\nHost: anything\r\nConnection: close\r\n\r\n')
        answer = b''
        while chunk := s.recv(65536):
            answer += chunk
    assert answer.startswith(b'HTTP/1.1 200 ')
    server.restart()  # the stale socket is replaced
    assert path.is_socket()
