"""Behind a load balancer: trusted proxies, Forwarded and its forerunners, the PROXY protocol.

SPDX-License-Identifier: MIT
"""

import socket
import ssl
import struct
import subprocess

import pytest

from testenv import H2Wire, run_binary, scaled, stub

SHOW = """<?php foreach (["REMOTE_ADDR", "REMOTE_PORT", "HTTPS", "REQUEST_SCHEME", "SERVER_PORT", "SERVER_NAME", "HTTP_HOST"] as $k)
    echo $k, "=", $_SERVER[$k] ?? "-", "\\n";"""


@pytest.fixture(scope="module")
def trusting(launch_module):
    return launch_module("--proxy-trusted", "loopback", "--proxy-trusted", "10.0.0.0/8", files={"show.php": SHOW}, executor="ext")


@pytest.fixture(scope="module")
def rfc(launch_module):
    return launch_module("--proxy-trusted", "127.0.0.1", "--proxy-fields", "forwarded", files={"show.php": SHOW}, executor="ext")


@pytest.fixture(scope="module")
def plain(launch_module):
    return launch_module(files={"show.php": SHOW}, executor="ext")


def seen(server, fields):
    answer = server.fetch("/show.php", fields=fields)
    assert answer.status == 200, answer
    return dict(line.split("=", 1) for line in answer.body.decode().splitlines())


@pytest.mark.parametrize(
    ("value", "address", "port"),
    [
        ("192.0.2.7", "192.0.2.7", "0"),
        ("192.0.2.7:4711", "192.0.2.7", "4711"),
        ("2001:db8::7", "2001:db8::7", "0"),
        ("[2001:db8::7]:99", "2001:db8::7", "99"),
        ("1.2.3.4, 192.0.2.7", "192.0.2.7", "0"),
        ("1.2.3.4, 192.0.2.7, 10.1.2.3", "192.0.2.7", "0"),
        ("192.0.2.7, 10.1.2.3, 127.0.0.1", "192.0.2.7", "0"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1", "0"),
        ("192.0.2.7, unknown", "127.0.0.1", None),
        ("192.0.2.7, nonsense, 10.0.0.9", "10.0.0.9", "0"),
        ("192.0.2.300", "127.0.0.1", None),
        ("::ffff:192.0.2.7", "192.0.2.7", "0"),
        (", ".join(f"192.0.2.{i}" for i in range(100)), "192.0.2.99", "0"),
        (", ".join(["192.0.2.1"] + ["10.0.0.1"] * 100), "10.0.0.1", "0"),
    ],
)
def test_x_forwarded_for(trusting, value, address, port):
    got = seen(trusting, [("X-Forwarded-For", value)])
    assert got["REMOTE_ADDR"] == address
    assert port is None or got["REMOTE_PORT"] == port


def test_fields_on_several_lines_are_one_list(trusting):
    assert seen(trusting, [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "192.0.2.7")])["REMOTE_ADDR"] == "192.0.2.7"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("X-Forwarded-Proto", "https")], {"HTTPS": "on", "REQUEST_SCHEME": "https", "SERVER_PORT": "443"}),
        ([("X-Forwarded-Proto", "HTTPS")], {"HTTPS": "on"}),
        ([("X-Forwarded-Proto", "http, https")], {"HTTPS": "on"}),
        ([("X-Forwarded-Proto", "https, http")], {"HTTPS": "-", "SERVER_PORT": "80"}),
        ([("X-Forwarded-Proto", "gopher")], {"HTTPS": "-"}),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "8443")], {"SERVER_PORT": "8443"}),
        ([("X-Forwarded-Host", "site.example")], {"SERVER_NAME": "site.example", "HTTP_HOST": "site.example"}),
        ([("X-Forwarded-Host", "site.example:8443"), ("X-Forwarded-Proto", "https")], {"SERVER_NAME": "site.example", "SERVER_PORT": "8443"}),
        ([("X-Forwarded-Host", "bad host/")], {"SERVER_NAME": "test.example"}),
    ],
)
def test_scheme_host_and_port(trusting, fields, expected):
    got = seen(trusting, fields)
    assert {key: got[key] for key in expected} == expected


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")],
        [("Forwarded", "for=192.0.2.7;proto=https;host=evil.example")],
    ],
)
def test_nobody_is_believed_who_is_not_trusted(plain, fields):
    got = seen(plain, fields)
    assert got["REMOTE_ADDR"] == "127.0.0.1" and got["HTTPS"] == "-" and got["SERVER_NAME"] == "test.example"


def test_the_other_kind_of_field_is_never_believed(trusting, rfc):
    got = seen(trusting, [("Forwarded", "for=192.0.2.7;proto=https")])
    assert got["REMOTE_ADDR"] == "127.0.0.1" and got["HTTPS"] == "-"
    got = seen(rfc, [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")])
    assert got["REMOTE_ADDR"] == "127.0.0.1" and got["HTTPS"] == "-"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=192.0.2.7", {"REMOTE_ADDR": "192.0.2.7"}),
        ('For="192.0.2.7:4711"', {"REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "4711"}),
        ('for="[2001:db8::7]:80"', {"REMOTE_ADDR": "2001:db8::7", "REMOTE_PORT": "80"}),
        ('for="[2001:db8::7]"', {"REMOTE_ADDR": "2001:db8::7"}),
        ("for=1.2.3.4, for=192.0.2.7;proto=https;by=10.0.0.1", {"REMOTE_ADDR": "192.0.2.7", "HTTPS": "on"}),
        ("for=192.0.2.7;proto=https;host=site.example, for=127.0.0.1;proto=http", {"REMOTE_ADDR": "192.0.2.7", "HTTPS": "on", "SERVER_NAME": "site.example"}),
        ('for=192.0.2.7;host="site.example:8443";proto=https', {"SERVER_NAME": "site.example", "SERVER_PORT": "8443"}),
        ("for=_hidden", {"REMOTE_ADDR": "127.0.0.1"}),
        ("for=unknown;proto=https", {"REMOTE_ADDR": "127.0.0.1", "HTTPS": "on"}),
        ('for="192.0.2.7', {"REMOTE_ADDR": "127.0.0.1"}),
        ('for="192.0.2\\.7"', {"REMOTE_ADDR": "127.0.0.1"}),
        ("for", {"REMOTE_ADDR": "127.0.0.1"}),
        (";;=;for=192.0.2.7", {"REMOTE_ADDR": "192.0.2.7"}),
        (", ,,", {"REMOTE_ADDR": "127.0.0.1"}),
    ],
)
def test_forwarded(rfc, value, expected):
    """RFC 7239"""
    got = seen(rfc, [("Forwarded", value)])
    assert {key: got[key] for key in expected} == expected


def test_http2(trusting):
    with H2Wire(trusting.address) as wire:
        body = wire.request(path="/show.php", extra=[("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")]).body
    assert b"REMOTE_ADDR=192.0.2.7\n" in body and b"HTTPS=on\n" in body


def test_access_log_names_the_client(launch):
    server = launch("--proxy-trusted", "loopback", "--log-access", "common", "--log-access-path", "stderr")
    server.fetch(stub.ECHO, fields=[("X-Forwarded-For", "192.0.2.7")])
    server.terminate()
    server.wait_exit()
    assert "192.0.2.7 - - [" in server.log


@pytest.mark.parametrize("network", ["10.0.0.0/33", "10.0.0/8", "host.example", "::/129", "10.0.0.0/", "10.0.0.0/-1", "1.2.3.4/x"])
def test_wrong_networks(network):
    done = run_binary("--check-config", "--docroot", "/", "--proxy-trusted", network)
    assert done.returncode == 2 and "is no network" in done.stderr and done.stderr.count("\n") == 1


# ---- PROXY protocol

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(body, command=0x21, family=0x11, length=None):
    return SIGNATURE + bytes((command, family)) + struct.pack(">H", len(body) if length is None else length) + body


def ipv4(remote="192.0.2.7", local="198.51.100.1", remote_port=4711, local_port=443):
    return socket.inet_aton(remote) + socket.inet_aton(local) + struct.pack(">HH", remote_port, local_port)


def ipv6(remote="2001:db8::7", local="2001:db8::1"):
    return socket.inet_pton(socket.AF_INET6, remote) + socket.inet_pton(socket.AF_INET6, local) + struct.pack(">HH", 4711, 443)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def with_checksum(wrong=0):
    body = ipv4() + b"\x03\x00\x04"
    header = v2(body + b"\0\0\0\0")
    return header[:-4] + struct.pack(">I", crc32c(header) ^ wrong)


@pytest.fixture(scope="module")
def proxied(launch_module):
    return launch_module("--proxy-protocol=true", files={"show.php": SHOW}, executor="ext")


REQUEST = b"GET /show.php HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def exchange(server, *pieces, address=None):
    with socket.create_connection(address or server.address, timeout=scaled(20)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                wire.sendall(piece)
            answer = b""
            while piece := wire.recv(65536):
                answer += piece
        except ConnectionError:
            pass
        return answer


@pytest.mark.parametrize(
    ("header", "address", "port"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", b"192.0.2.7", b"443"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", b"2001:db8::7", b"443"),
        (b"PROXY UNKNOWN\r\n", b"127.0.0.1", None),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", b"127.0.0.1", None),
        (v2(ipv4()), b"192.0.2.7", b"443"),
        (v2(ipv6(), family=0x21), b"2001:db8::7", b"443"),
        (v2(b"", command=0x20, family=0), b"127.0.0.1", None),
        (v2(b"", family=0), b"127.0.0.1", None),
        (v2(b"x" * 216, family=0x31), b"127.0.0.1", None),
        (v2(ipv4() + b"\x04\x00\x03abc" + b"\x01\x00\x02h2"), b"192.0.2.7", b"443"),
        (v2(ipv4() + b"\x20" + struct.pack(">H", 3000) + b"y" * 3000), b"192.0.2.7", b"443"),
        (with_checksum(), b"192.0.2.7", b"443"),
    ],
)
@pytest.mark.parametrize("way", ["at once", "apart", "bytewise"])
def test_proxy_protocol(proxied, header, address, port, way):
    pieces = {"at once": [header + REQUEST], "apart": [header, REQUEST], "bytewise": [bytes([b]) for b in header] + [REQUEST]}[way]
    answer = exchange(proxied, *pieces)
    assert b"REMOTE_ADDR=" + address + b"\n" in answer
    assert port is None or b"SERVER_PORT=" + port + b"\n" in answer


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n",
        b"PROXY TCP4 192.0.2.7  198.51.100.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\n",
        b"PROXY TCP4 192.0.2.300 198.51.100.1 4711 443\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 04711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 x\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 4711 443\r\n",
        b"PROXY " + b"x" * 200 + b"\r\n",
        b"proxy TCP4 192.0.2.7 198.51.100.1 4711 443\r\n",
        v2(ipv4(), command=0x11),
        v2(ipv4(), command=0x22),
        v2(ipv4(), family=0x41),
        v2(ipv4(), family=0x13),
        v2(ipv4()[:11]),
        v2(ipv6()[:35], family=0x21),
        v2(ipv4() + b"\x04\x00\x09abc"),
        v2(ipv4() + b"\x04"),
        v2(b"", length=65535),
        with_checksum(wrong=1),
        SIGNATURE[:5] + b"x" + SIGNATURE[6:] + b"\x21\x11\0\x0c" + ipv4(),
    ],
)
def test_wrong_headers_end_the_connection(proxied, header):
    assert exchange(proxied, header + REQUEST) == b""


def test_headers_are_counted(launch):
    server = launch("--proxy-protocol=true")
    exchange(server, b"PROXY UNKNOWN\r\n" + REQUEST)
    exchange(server, REQUEST)
    metrics = server.metrics()
    assert metrics.value("phpsrv_proxy_headers_total", result="taken") == 1
    assert metrics.value("phpsrv_proxy_headers_total", result="refused") == 1


def test_header_that_does_not_come(launch):
    server = launch("--proxy-protocol=true", "--http-header-timeout-ms", 300)
    assert exchange(server, b"PROXY TCP4 ") == b""


def test_only_trusted_proxies_may_send_it(launch):
    server = launch("--proxy-protocol=true", "--proxy-trusted", "10.0.0.0/8")
    assert exchange(server, b"PROXY UNKNOWN\r\n" + REQUEST) == b""


def test_internal_listener_has_none(proxied):
    assert proxied.health()[0] == 200


def test_http2_behind_it(proxied):
    with H2Wire(proxied.address, handshake=False) as wire:
        wire.send(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\4\0\0\0\0\0")
        assert b"REMOTE_ADDR=192.0.2.7\n" in wire.request(path="/show.php").body


def test_it_comes_during_a_drain(launch):
    """The connection was there before; after the header it has as long for its request as for another header, not a minute."""
    server = launch("--proxy-protocol=true", "--http-header-timeout-ms", "3s")
    with server.connect() as late, server.connect() as silent, server.connect() as kept:
        kept.send(b"PROXY UNKNOWN\r\n").request(stub.ECHO)
        kept.expect_response(200)
        server.terminate()
        server.wait_log("server.draining")
        kept.expect_close()
        for wire in (late, silent):
            wire.send(b"PROXY UNKNOWN\r\n")
        late.request(stub.ECHO)
        assert late.expect_response(200).closes
        silent.expect_close()
    assert server.wait_exit() == 0
    assert "server.drain_cut_short" not in server.log


def test_tls_behind_it(launch, tmp_path):
    """The header comes in the clear, then the handshake."""
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    server = launch(
        "--proxy-protocol=true", "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key, files={"show.php": SHOW}, executor="ext"
    )
    raw = socket.create_connection(server.tls_address, timeout=scaled(20))
    raw.sendall(v2(ipv4()))
    with ssl.create_default_context(cafile=certificate).wrap_socket(raw, server_hostname="localhost") as wire:
        wire.sendall(REQUEST)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    assert b"REMOTE_ADDR=192.0.2.7\n" in answer and b"HTTPS=on\n" in answer and b"SERVER_PORT=443\n" in answer
