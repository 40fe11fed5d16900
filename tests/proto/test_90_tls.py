"""TLS: versions, certificates by name, ALPN, tickets, reload, bad files, bad clients, bodies in both directions.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import os
import shutil
import socket
import ssl
import struct
import subprocess
import time

import pytest

from testenv import H2Wire, run_binary, scaled, stub, wait_until
from testenv.h2 import GOAWAY, NO_ERROR

BIG = os.urandom(3_000_000)
SITE = {"big.bin": BIG, "small.txt": "small\n"}


def make_certificate(folder, name, names, kind=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), days=30):
    """A self-signed certificate; returns (certificate, key)."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", str(days), "-subj", f"/CN={names[0]}",
         "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names), "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return certificate, key


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {
        "localhost": make_certificate(folder, "localhost", ["localhost"]),
        "wild": make_certificate(folder, "wild", ["example.org", "*.example.org"], kind=("rsa:2048",)),
        "other": make_certificate(folder, "other", ["localhost"]),
    }


def arguments(*pairs):
    found = ["--tls-listen", "127.0.0.1:0"]
    for certificate, key in pairs:
        found += ["--tls-cert", certificate, "--tls-key", key]
    return found


@pytest.fixture(scope="module")
def tls(launch_module, certificates):
    return launch_module(*arguments(certificates["localhost"], certificates["wild"]), "--hsts-ms", "1h", files=SITE)


def context(certificate, alpn=None, version=None):
    made = ssl.create_default_context(cafile=certificate)
    if alpn:
        made.set_alpn_protocols(alpn)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def connect(server, made, name="localhost", session=None, receive_buffer=None):
    raw = socket.socket()
    raw.settimeout(scaled(20))
    if receive_buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.connect(server.tls_address)
    return made.wrap_socket(raw, server_hostname=name, session=session)


def read_all(wire):
    pieces = []
    while piece := wire.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def ask(wire, path="/small.txt", close=True, name="localhost"):
    wire.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n{'Connection: close' if close else 'X: y'}\r\n\r\n".encode())
    if close:
        return read_all(wire)
    return wire.recv(65536)


@pytest.fixture
def trusting(certificates):
    return context(certificates["localhost"][0])


# ---- handshakes


@pytest.mark.parametrize(("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_versions(tls, certificates, version, name):
    with connect(tls, context(certificates["localhost"][0], version=version)) as wire:
        assert wire.version() == name
        assert b"200 OK" in ask(wire)


@pytest.mark.parametrize("flag", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(tls, flag):
    host, port = tls.tls_address
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", flag, "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0 and b"Cipher    : 0000" in done.stdout


def test_only_13(launch, certificates):
    server = launch(*arguments(certificates["localhost"]), "--tls-min-version", "1.3")
    with pytest.raises(ssl.SSLError):
        connect(server, context(certificates["localhost"][0], version=ssl.TLSVersion.TLSv1_2))
    with connect(server, context(certificates["localhost"][0])) as wire:
        assert wire.version() == "TLSv1.3"


@pytest.mark.parametrize("cipher", ["AES128-SHA", "ECDHE-RSA-AES128-SHA", "DES-CBC3-SHA", "NULL-SHA256", "AES256-GCM-SHA384"])
def test_weak_ciphers_are_refused(tls, cipher):
    host, port = tls.tls_address
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("name", "certificate"),
    [("localhost", "localhost"), ("example.org", "wild"), ("www.example.org", "wild"), ("EXAMPLE.ORG", "wild")],
)
def test_certificate_by_name(tls, certificates, name, certificate):
    with connect(tls, context(certificates[certificate][0]), name=name) as wire:
        assert b"200 OK" in ask(wire, name=name)


@pytest.mark.parametrize("name", ["unknown.test", "a.b.example.org", None])
def test_default_certificate(tls, certificates, name):
    made = context(certificates["localhost"][0])
    made.check_hostname = False
    with connect(tls, made, name=name) as wire:
        assert wire.getpeercert()["subject"][0][0] == ("commonName", "localhost")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(None, None), (["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), (["spdy/3", "http/1.1"], "http/1.1"), (["http/1.0"], "http/1.0")],
)
def test_alpn(tls, certificates, offered, chosen):
    with connect(tls, context(certificates["localhost"][0], alpn=offered)) as wire:
        assert wire.selected_alpn_protocol() == chosen


def test_alpn_without_anything_in_common(tls, certificates):
    """RFC 7301 3.2"""
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        connect(tls, context(certificates["localhost"][0], alpn=["acme-tls/1"]))


def test_alpn_without_http2(launch, certificates):
    server = launch(*arguments(certificates["localhost"]), "--http2=false")
    with connect(server, context(certificates["localhost"][0], alpn=["h2", "http/1.1"])) as wire:
        assert wire.selected_alpn_protocol() == "http/1.1"
        assert b"200 OK" in ask(wire, path=stub.ECHO)


# ---- requests


def test_keep_alive_and_pipelining(tls, trusting):
    with connect(tls, trusting) as wire:
        wire.sendall(b"GET /small.txt HTTP/1.1\r\nHost: h\r\n\r\n" * 4 + b"GET /small.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answer = read_all(wire)
        assert answer.count(b"HTTP/1.1 200 OK") == 5 and answer.count(b"small\n") == 5


def test_hsts_on_tls_only(tls, trusting):
    with connect(tls, trusting) as wire:
        assert b"\r\nStrict-Transport-Security: max-age=3600\r\n" in ask(wire)
    with H2Wire(tls.tls_address, tls=context_h2(trusting)) as wire:
        assert wire.request(path="/small.txt")["strict-transport-security"] == "max-age=3600"
    assert not tls.fetch("/small.txt").all("Strict-Transport-Security")


def context_h2(made):
    made.set_alpn_protocols(["h2"])
    return made


def test_http2(tls, trusting):
    with H2Wire(tls.tls_address, tls=context_h2(trusting)) as wire:
        assert wire.request(path="/big.bin").body == BIG
        streams = [wire.headers(path=f"/stub/echo?{i}") for i in range(50)]
        assert all(wire.response(stream).status == 200 for stream in streams)


def test_large_file(tls, trusting):
    with connect(tls, trusting) as wire:
        assert ask(wire, "/big.bin").endswith(BIG)


def test_slow_reader_gets_every_byte(tls, trusting):
    """Records that the socket does not take at once are offered again: not one byte twice, none lost."""
    with connect(tls, trusting, receive_buffer=4096) as wire:
        wire.sendall(b"GET /big.bin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        head, received = b"", b""
        while piece := wire.recv(1500):
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        assert body == BIG, (len(body), head)


@pytest.mark.parametrize("path", [stub.body(700_000), stub.stream(200, 3_000)])
def test_slow_reader_of_a_worker(tls, trusting, path):
    with connect(tls, trusting, receive_buffer=4096) as wire:
        wire.sendall(f"GET {path} HTTP/1.0\r\nHost: h\r\n\r\n".encode())
        received = b""
        while piece := wire.recv(3000):
            received += piece
        body = received.partition(b"\r\n\r\n")[2]
        assert body == (stub.pattern(700_000) if "bytes?" in path else stub.stream_body(200, 3_000))


@pytest.mark.parametrize("size", [1, 16_384, 65_536, 65_537, 1_000_000])
def test_request_body(tls, trusting, size):
    body = stub.pattern(size)
    with connect(tls, trusting) as wire:
        wire.sendall(f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode() + body)
        assert read_all(wire).endswith(b"\n\n" + body)


def test_request_in_tiny_records(tls, trusting):
    with connect(tls, trusting) as wire:
        for byte in b"GET /small.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n":
            wire.sendall(bytes([byte]))
        assert b"small\n" in read_all(wire)


def test_the_end_is_announced(tls, trusting):
    """close_notify: a client can tell the end from a cut."""
    with connect(tls, trusting) as wire:
        wire.suppress_ragged_eofs = False
        assert ask(wire).endswith(b"small\n")


def test_a_cut_is_not_announced(tls, trusting):
    with connect(tls, trusting) as wire:
        wire.suppress_ragged_eofs = False
        wire.sendall(f"GET {stub.promise(1000, 10, flush=True)} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            read_all(wire)


def test_many_at_once(tls, certificates):
    def visit(index):
        made = context(certificates["localhost"][0], alpn=["h2"] if index % 2 else ["http/1.1"])
        if index % 2:
            with H2Wire(tls.tls_address, tls=made) as wire:
                return wire.request(path="/big.bin").body == BIG
        with connect(tls, made) as wire:
            return ask(wire, "/big.bin").endswith(BIG)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(visit, range(48)))


def test_plain_port_beside_it(tls):
    assert tls.fetch("/small.txt").status == 200


# ---- sessions


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_resumption_by_ticket(tls, certificates, version):
    made = context(certificates["localhost"][0], version=version)
    with connect(tls, made) as wire:
        ask(wire)
        session = wire.session
    before = tls.metrics()["phpsrv_tls_resumptions_total"]
    with connect(tls, made, session=session) as wire:
        assert wire.session_reused
        assert b"200 OK" in ask(wire)
    assert tls.metrics()["phpsrv_tls_resumptions_total"] == before + 1


def test_ticket_keys_are_renewed(launch, certificates):
    """A ticket of a key that was replaced twice is worth nothing: the handshake is a full one, and works."""
    server = launch(*arguments(certificates["localhost"]), "--tls-ticket-period-ms", "1s")
    made = context(certificates["localhost"][0], version=ssl.TLSVersion.TLSv1_2)
    with connect(server, made) as wire:
        ask(wire, stub.ECHO)
        session = wire.session

    def is_forgotten():
        server.signal(1)  # SIGHUP: it looks at its certificates, and at the age of its ticket keys
        with connect(server, made, session=session) as wire:
            assert b"200 OK" in ask(wire, stub.ECHO)
            return not wire.session_reused

    begun = time.monotonic()
    wait_until(is_forgotten, "the key of the ticket is gone")
    assert time.monotonic() - begun > 0.9, "no key lives for less than its period"


# ---- certificates change


def put_in_place(source, target):
    fresh = target.with_suffix(".new")
    shutil.copyfile(source, fresh)
    fresh.rename(target)


def test_reload_without_dropping_connections(launch, certificates, tmp_path):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    put_in_place(certificates["localhost"][0], certificate)
    put_in_place(certificates["localhost"][1], key)
    server = launch(*arguments((certificate, key)), files=SITE)
    with connect(server, context(certificates["localhost"][0])) as old:
        assert b"200 OK" in ask(old, close=False)
        mark = server.mark()
        put_in_place(certificates["other"][0], certificate)  # a key that does not belong to it, for a moment
        server.signal(1)
        assert "does not belong" in server.wait_log("tls.reload_failed", after=mark)["reason"]
        with connect(server, context(certificates["localhost"][0])) as wire:
            assert b"200 OK" in ask(wire)
        put_in_place(certificates["other"][1], key)
        server.signal(1)
        server.wait_log("tls.reloaded", after=mark)
        with connect(server, context(certificates["other"][0])) as wire:
            assert b"200 OK" in ask(wire)
        assert b"200 OK" in ask(old)
    assert server.metrics().value("phpsrv_tls_reloads_total", result="done") == 1
    assert server.metrics().value("phpsrv_tls_reloads_total", result="failed") == 1


def test_expiry_is_told(launch, certificates, tmp_path):
    soon = make_certificate(tmp_path, "soon", ["soon.test"], days=1)
    server = launch(*arguments(certificates["localhost"], soon))
    left = server.metrics()["phpsrv_tls_certificate_expiry_timestamp_seconds"] - time.time()
    assert 80_000 < left < 86_500


def test_ocsp_answer_is_stapled(launch, certificates, tmp_path):
    issuer, key = certificates["localhost"]
    answer, index = tmp_path / "ocsp.der", tmp_path / "index.txt"
    serial = subprocess.run(["openssl", "x509", "-in", issuer, "-noout", "-serial"], check=True, capture_output=True, text=True)
    index.write_text(f"V\t400101000000Z\t\t{serial.stdout.strip().split('=')[1]}\tunknown\t/CN=localhost\n")
    subprocess.run(
        ["openssl", "ocsp", "-index", index, "-rsigner", issuer, "-rkey", key, "-CA", issuer, "-issuer", issuer,
         "-cert", issuer, "-ndays", "1", "-respout", answer],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    server = launch(*arguments((issuer, key)), "--tls-ocsp", answer)
    host, port = server.tls_address
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-status"], input=b"", capture_output=True, timeout=60, check=False
    )
    assert b"OCSP Response Status: successful" in shown.stdout


# ---- wrong files


def check(*more):
    return run_binary("--check-config", "--docroot", "/", *more)


def test_wrong_files_stop_the_start(certificates, tmp_path):
    certificate, key = certificates["localhost"]
    encrypted, text, empty = tmp_path / "encrypted.key", tmp_path / "text", tmp_path / "empty"
    subprocess.run(["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", encrypted], check=True, capture_output=True)
    text.write_text("no certificate\n")
    empty.write_text("")
    cases = [
        ((certificate, certificates["other"][1]), "does not belong to certificate"),
        ((certificate, certificates["wild"][1]), "does not belong to certificate"),
        ((tmp_path / "absent.pem", key), "cannot be read"),
        ((certificate, tmp_path / "absent.key"), "cannot be read"),
        ((text, key), "is not a certificate in PEM form"),
        ((empty, key), "is not a certificate in PEM form"),
        ((certificate, text), "is not a private key in PEM form"),
        ((certificate, certificate), "is not a private key in PEM form"),
        ((certificate, encrypted), "protected by a passphrase"),
        ((tmp_path, key), "is not a certificate"),
    ]
    for (a, b), sentence in cases:
        done = check("--tls-cert", a, "--tls-key", b)
        assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") == 1, (a, b, done.stderr)
    assert check("--tls-cert", certificate, "--tls-key", key).returncode == 0
    for wrong in (["--tls-cert", certificate], ["--tls-key", key]):
        done = check(*wrong)
        assert done.returncode == 2 and "every certificate needs its key" in done.stderr
    done = check("--tls-cert", certificate, "--tls-key", key, "--tls-ciphers", "NO-SUCH-CIPHER")
    assert done.returncode == 2 and "names no cipher" in done.stderr
    done = check("--tls-cert", certificate, "--tls-key", key, "--tls-ocsp", text)
    assert done.returncode == 2 and "OCSP answer" in done.stderr


# ---- wrong clients


def test_plain_http_to_the_tls_port(tls):
    with socket.create_connection(tls.tls_address, timeout=scaled(20)) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = read_all(wire)
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.endswith(b"TLS only\n")
    assert int(answer.split(b"Content-Length: ")[1].split(b"\r\n")[0]) == len(answer.partition(b"\r\n\r\n")[2])


GARBAGE = {"zeros": b"\0" * 100, "long record": b"\x16\x03\x01\xff\xff" + b"x" * 200, "letters": b"abc" * 2000, "SSL 2": b"\x80\x2e\x01\x00\x02" + b"x" * 41}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage(tls, garbage):
    with socket.create_connection(tls.tls_address, timeout=scaled(20)) as wire:
        wire.sendall(garbage)
        wire.shutdown(socket.SHUT_WR)
        try:
            while wire.recv(65536):
                pass
        except ConnectionResetError:
            pass
    assert tls.fetch("/small.txt").status == 200


def test_handshake_that_does_not_go_on(launch, certificates):
    server = launch(*arguments(certificates["localhost"]), "--http-header-timeout-ms", 300)
    with socket.create_connection(server.tls_address, timeout=scaled(20)) as silent:
        with socket.create_connection(server.tls_address, timeout=scaled(20)) as begun:
            begun.sendall(b"\x16\x03\x01\x02\x00\x01")
            assert begun.recv(100) == b"" and silent.recv(100) == b""
    assert server.metrics().value("phpsrv_tls_handshakes_total", result="failed") == 2


def test_idle_connection_may_wait_as_long_as_any_other(launch, certificates, trusting):
    server = launch(*arguments(certificates["localhost"]), "--http-header-timeout-ms", 200, files=SITE)
    with connect(server, trusting) as wire:
        time.sleep(0.6)
        assert b"200 OK" in ask(wire)


def test_renegotiation_is_refused(tls):
    host, port = tls.tls_address
    with subprocess.Popen(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as client:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        text = b""
        while b"RENEGOTIATING" not in text:
            text += client.stdout.read1(4096) or pytest.fail(text)
        out, _ = client.communicate(b"Q\n", timeout=60)
        assert b"no renegotiation" in text + out


def test_client_that_leaves_within_a_response(launch, certificates, trusting):
    server = launch(*arguments(certificates["localhost"]), files=SITE)
    for _ in range(10):
        wire = connect(server, trusting, receive_buffer=4096)
        wire.sendall(b"GET /big.bin HTTP/1.1\r\nHost: h\r\n\r\n")
        wire.recv(100)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.close()
    wait_until(lambda: server.metrics()["phpsrv_connections"] == 0, "all are closed")


# ---- redirection, drain


def test_redirection_to_https(launch, certificates, trusting):
    server = launch(*arguments(certificates["localhost"]), "--tls-redirect-port", 443, files=SITE)
    with server.connect() as wire:
        wire.request("/a%20b/c.php?d=e", host="example.org:8080")
        answer = wire.expect_response(308)
    assert answer.get("Location") == "https://example.org/a%20b/c.php?d=e"
    with H2Wire(server.address) as wire:
        assert wire.request(path="/x?y", authority="[::1]:80")["location"] == "https://[::1]/x?y"
    with connect(server, trusting) as wire:
        assert b"200 OK" in ask(wire)
    assert server.fetch("/.well-known/acme-challenge/token").status != 308
    assert server.health()[0] == 200


def test_redirection_to_another_port(launch, certificates):
    server = launch(*arguments(certificates["localhost"]), "--tls-redirect-port", 8443)
    assert server.fetch("/").get("Location") == "https://test.example:8443/"


def test_drain(launch, certificates, trusting):
    server = launch(*arguments(certificates["localhost"]))
    with connect(server, trusting) as wire, connect(server, trusting) as idle, H2Wire(server.tls_address, tls=context_h2(trusting)) as h2:
        wire.sendall(f"GET {stub.sleep(500)} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "it runs")
        server.terminate()
        assert h2.wait(lambda f: f.kind == GOAWAY).error == NO_ERROR
        assert idle.recv(100) == b""
        answer = read_all(wire)
        assert b"Connection: close" in answer and answer.endswith(b"slept\n")
    assert server.wait_exit() == 0


def test_handshakes_during_a_drain(launch, certificates, trusting):
    """A connection that was there before has its time for the handshake, and then for its request."""
    server = launch(*arguments(certificates["localhost"]))
    with socket.create_connection(server.tls_address) as raw, connect(server, trusting) as kept:
        kept.sendall(f"GET {stub.ECHO} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert kept.recv(10000)
        server.terminate()
        server.wait_log("server.draining")
        while kept.recv(10000):
            pass
        with trusting.wrap_socket(raw, server_hostname="localhost") as late:
            late.sendall(f"GET {stub.ECHO} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            answer = read_all(late)
            assert answer.startswith(b"HTTP/1.1 200 ") and b"Connection: close" in answer
    assert server.wait_exit() == 0
    assert "server.drain_cut_short" not in server.log


def test_a_handshake_without_a_request_holds_up_no_drain(launch, certificates, trusting):
    """What it waits for after the handshake is not the next request of a kept connection, for which there is a minute."""
    server = launch(*arguments(certificates["localhost"]), "--http-header-timeout-ms", "2s")
    with socket.create_connection(server.tls_address) as raw:
        server.terminate()
        server.wait_log("server.draining")
        with trusting.wrap_socket(raw, server_hostname="localhost") as silent:
            assert silent.recv(100) == b""
    assert server.wait_exit() == 0
    assert "server.drain_cut_short" not in server.log


# ---- requests for another certificate's host (RFC 9110 15.5.20, RFC 9113 9.1.2)


@pytest.mark.parametrize(
    ("name", "host", "status"),
    [
        ("localhost", "localhost", 200),
        ("localhost", "LOCALHOST", 200),
        ("localhost", "example.org", 421),
        ("localhost", "www.example.org", 421),
        ("localhost", "nobody.example", 200),
        ("localhost", "127.0.0.1", 200),
        ("example.org", "www.example.org", 200),
        ("www.example.org", "localhost", 421),
        ("nobody.example", "localhost", 200),
        ("nobody.example", "example.org", 421),
        (None, "example.org", 200),
    ],
)
@pytest.mark.parametrize("version", ["http/1.1", "h2"])
def test_misdirected(tls, name, host, status, version):
    """A connection that was made to one certificate's name is not for the host of another."""
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols([version])
    if version == "h2":
        with H2Wire(tls.tls_address, tls=made, server_name=name) as wire:
            assert wire.request(path="/small.txt", authority=host, scheme="https").status == status
    else:
        with connect(tls, made, name) as wire:
            assert f"HTTP/1.1 {status} ".encode() in ask(wire, name=host)
