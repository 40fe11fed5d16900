"""How many connections one client may have: plain, over TLS, behind a balancer, over a unix socket.

SPDX-License-Identifier: MIT
"""

import contextlib
import socket
import ssl
import subprocess

import pytest

from testenv import H2Wire, Wire, run_binary, scaled, stub, wait_until

REFUSED = "phpsrv_client_connections_refused_total"


def open_wires(stack, server, count):
    """Connections that the server has taken for certain."""
    wires = [stack.enter_context(server.connect()) for _ in range(count)]
    for wire in wires:
        wire.request(stub.ECHO)
        wire.expect_response(200)
    return wires


def test_one_more_is_refused_and_a_closed_one_makes_room(launch):
    server = launch("--connections-per-client", 3)
    with contextlib.ExitStack() as stack:
        wires = open_wires(stack, server, 3)
        with server.connect() as late:
            answer = late.expect_response(429)
            assert answer.closes and answer.get("Retry-After") == "1" and answer.body == b""
            late.expect_close(reset_is_fine=True)
        assert server.metrics()[REFUSED] == 1
        line = server.wait_log("connection.client_limit")
        assert (line["remote"], line["limit"], line["refused"]) == ("127.0.0.1", "3", "1")
        wires[0].request(stub.ECHO)
        wires[0].expect_response(200)
        wires[1].close()
        wait_until(lambda: server.metrics()["phpsrv_connections"] == 2, "the server has seen the close")
        with server.connect() as next_one:
            next_one.request(stub.ECHO)
            next_one.expect_response(200)
    assert server.metrics()[REFUSED] == 1


def test_the_answer_comes_although_a_request_was_sent(launch):
    """Unread bytes would make the kernel reset the connection, and the answer be lost."""
    server = launch("--connections-per-client", 1)
    with contextlib.ExitStack() as stack:
        open_wires(stack, server, 1)
        for _ in range(20):
            with server.connect() as late:
                late.try_send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                assert late.expect_response(429).closes


def test_a_flood_is_counted_and_logged_once_a_second(launch):
    server = launch("--connections-per-client", 2)
    with contextlib.ExitStack() as stack:
        open_wires(stack, server, 2)
        for _ in range(200):
            with server.connect() as late:
                late.expect_response(429)
        assert server.metrics()[REFUSED] == 200
        assert server.metrics()["phpsrv_connections"] == 2
    assert sum("connection.client_limit" in line for line in server.log_lines()) < 20


def test_http2_connections_count(launch):
    server = launch("--connections-per-client", 2)
    with H2Wire(server.address) as first, H2Wire(server.address) as second:
        assert first.request().status == 200 and second.request().status == 200
        with server.connect() as late:
            late.expect_response(429)


def test_exempt_networks_and_trusted_proxies_are_not_counted(launch):
    for option in ("--connections-exempt", "--proxy-trusted"):
        server = launch("--connections-per-client", 1, option, "127.0.0.0/8")
        with contextlib.ExitStack() as stack:
            open_wires(stack, server, 5)
        assert server.metrics()[REFUSED] == 0


def test_the_internal_listener_and_unix_sockets_are_not_counted(launch, tmp_path):
    path = str(tmp_path / "site.sock")
    server = launch("--connections-per-client", 1, "--listen", f"127.0.0.1:0,unix:{path}")
    with contextlib.ExitStack() as stack:
        for wire in [stack.enter_context(Wire(path)) for _ in range(4)]:
            wire.request(stub.ECHO)
            wire.expect_response(200)
        for wire in [stack.enter_context(server.connect_internal()) for _ in range(4)]:
            wire.request("/health")
            wire.expect_response(200)


def proxied(server, address, family="TCP4", local="127.0.0.1"):
    wire = server.connect()
    wire.send(f"PROXY {family} {address} {local} 4711 80\r\nGET {stub.ECHO} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    return wire


def test_the_proxy_protocol_names_the_client(launch):
    server = launch("--connections-per-client", 2, "--proxy-protocol", "--proxy-trusted", "127.0.0.1")
    with contextlib.ExitStack() as stack:
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"):
            stack.enter_context(proxied(server, address)).expect_response(200)
        late = stack.enter_context(proxied(server, "192.0.2.1"))
        assert late.expect_response(429).closes
        assert server.wait_log("connection.client_limit")["remote"] == "192.0.2.1"
        for _ in range(4):  # health checks of the balancer
            wire = stack.enter_context(server.connect())
            wire.send(b"PROXY UNKNOWN\r\nGET /stub/echo HTTP/1.1\r\nHost: h\r\n\r\n")
            wire.expect_response(200)
    assert server.metrics()[REFUSED] == 1
    assert server.metrics().value("phpsrv_connections_closed_total", reason="limit") == 1


def test_of_ipv6_the_64_is_one_client(launch):
    server = launch("--connections-per-client", 2, "--proxy-protocol")
    with contextlib.ExitStack() as stack:
        for address, status in (("2001:db8:0:1::1", 200), ("2001:db8:0:1:ffff::2", 200), ("2001:db8:0:1::3", 429), ("2001:db8:0:2::1", 200)):
            stack.enter_context(proxied(server, address, "TCP6", "::1")).expect_response(status)


def test_over_tls_nothing_is_said_and_no_handshake_made(launch, tmp_path):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=60)  # fmt: skip
    server = launch("--connections-per-client", 1, "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key)
    trusting = ssl.create_default_context(cafile=certificate)
    with trusting.wrap_socket(socket.create_connection(server.tls_address, scaled(20)), server_hostname="localhost") as wire:
        wire.sendall(b"GET /stub/echo HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in wire.recv(100)
        with socket.create_connection(server.tls_address, scaled(20)) as late:
            assert late.recv(100) == b""
        with server.connect() as plain:
            plain.expect_response(429)  # one share for all listeners
        with pytest.raises(OSError):
            trusting.wrap_socket(socket.create_connection(server.tls_address, scaled(20)), server_hostname="localhost")
    assert server.metrics().value("phpsrv_tls_handshakes_total", result="failed") == 0
    assert server.metrics()[REFUSED] == 3


def test_who_is_refused_takes_no_other_clients_place(launch):
    """At the limit of the server an idle connection makes room, but not for a client that is refused anyway."""
    server = launch("--connections-per-client", 2, "--http-connections-max", 2)
    with contextlib.ExitStack() as stack:
        wires = open_wires(stack, server, 2)
        with server.connect() as late:
            late.expect_response(429)
        assert all(wire.is_open() for wire in wires)


def test_wrong_options(tmp_path):
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--connections-exempt", "example.org", "--check-config")
    assert done.returncode == 2 and "guard.connections_exempt" in done.stderr, done.stderr
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--connections-per-client", "x", "--check-config")
    assert done.returncode == 2, done.stderr
