"""tcp_limit: answers every request, however it comes.

SPDX-License-Identifier: MIT
"""

import socket
import subprocess

import pytest

REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.fixture(scope="module")
def port(compiled):
    with subprocess.Popen([compiled("engine_limit/tcp_limit.c")], stdout=subprocess.PIPE) as child:
        yield int(child.stdout.readline())
        assert child.poll() is None, "it runs until it is ended"
        child.kill()


def answers(peer, count):
    data = b""
    while data.count(b"Hello World\n") < count:
        more = peer.recv(65536)
        assert more, "the connection stays open"
        data += more
    return data


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_each_request_has_its_response(port, piece):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = REQUEST * 3
        for place in range(0, len(sent), piece):
            peer.sendall(sent[place : place + piece])
        data = answers(peer, 3)
        assert data.count(b"HTTP/1.1 200 OK\r\n") == data.count(b"Content-Length: 12\r\n") == 3


def test_a_client_that_leaves_disturbs_nobody(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        socket.create_connection(("127.0.0.1", port)).close()
        for _ in range(3):
            peer.sendall(REQUEST)
            answers(peer, 1)
