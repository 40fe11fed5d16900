"""Worker contract: the same script over HTTP/1.1, HTTP/2 and TLS; request ids, traces and the access log of its requests.

SPDX-License-Identifier: MIT
"""

import json
import re
import ssl
import subprocess

import pytest

from testenv import Crowd, H2Wire, wait_until
from worker_cases import Mode, launch_contract

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "localhost.pem", folder / "localhost.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(files[1]), "-out", str(files[0])], check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return files


@pytest.fixture(scope="module")
def served(launch_module, tmp_path_factory, certificate):
    folder = tmp_path_factory.mktemp("contract")
    server = launch_contract(
        launch_module, folder, "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate[0], "--tls-key", certificate[1], "--trace-context",
        "--log-access", "json", "--log-access-path", folder / "access.log", scripts=["life"],
    )  # fmt: skip
    server.trusting = ssl.create_default_context(cafile=certificate[0])
    return server


@pytest.fixture(params=["classic", "worker"])
def mode(served, request):
    return Mode(served, request.param, "life")


def h2(mode, case, n, **options):
    extra = [("x-case", case), ("cookie", f"n={n}"), *options.pop("extra", ())]
    return {"path": f"{mode.path}?n={n}", "extra": extra, **options}


def wire_of(mode, tls):
    if not tls:
        return H2Wire(mode.server.address)
    context = mode.server.trusting
    context.set_alpn_protocols(["h2"])
    return H2Wire(mode.server.tls_address, tls=context)


def logged(mode, count, where):
    """The lines of the access log for which where(line) holds."""

    def find():
        lines = [json.loads(line) for line in (mode.server.folder / "access.log").read_text().splitlines()]
        found = [line for line in lines if where(line)]
        return found if len(found) >= count else None

    return wait_until(find, "the access log has them")


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_http2(mode, tls):
    """A hundred streams of one connection."""
    with wire_of(mode, tls) as wire:
        scheme = "https" if tls else "http"
        streams = [wire.headers(**h2(mode, "once more", n, scheme=scheme)) for n in range(100)]
        for n, stream in enumerate(streams):
            answer = wire.response(stream)
            seen = json.loads(answer.body)
            assert answer.status == 200 and seen[:6] == ["HTTP/2.0", "on" if tls else "", str(n), str(n), "", "h"] and seen[8] == scheme


def test_http2_bodies(mode):
    with wire_of(mode, False) as wire:
        streams = []
        for n in range(50):
            stream = wire.headers(flags=4, **h2(mode, "once more", n, method="PUT"))
            streams.append(stream)
        for n, stream in enumerate(streams):
            wire.data(stream, f"body {n} ".encode() * 50, flags=0)
        for stream in reversed(streams):
            wire.data(stream, b"end")
        for n, stream in enumerate(streams):
            assert json.loads(wire.response(stream).body)[4] == f"body {n} " * 50 + "end"


def test_http2_early_hints(mode):
    with wire_of(mode, False) as wire:
        streams = [wire.headers(**h2(mode, "hints", n)) for n in range(40)]
        for n, stream in enumerate(streams):
            answer = wire.response(stream)
            assert [(status, dict(fields)["link"]) for status, fields in answer.informational] == [(103, f"</a{n}>; rel=preload")] and answer.body == f"hinted {n}".encode()


def test_http2_streams_that_are_reset(mode):
    """The others, and the script, go on."""
    with wire_of(mode, False) as wire:
        streams = [wire.headers(**h2(mode, "large" if n % 2 else "once more", n)) for n in range(20)]
        for n, stream in enumerate(streams):
            if n % 2:
                wire.frame(3, 0, stream, (8).to_bytes(4, "big"))
        for n, stream in enumerate(streams):
            if n % 2 == 0:
                assert json.loads(wire.response(stream).body)[2] == str(n)
    assert json.loads(mode.one("once more", "?n=1").body)[2] == "1"


def test_tls_beside_clear(mode):
    """HTTPS is each request's own."""
    import socket

    context = ssl.create_default_context()
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(mode.server.trusting.get_ca_certs(binary_form=True)[0]))
    for n in range(20):
        with socket.create_connection(mode.server.tls_address) as raw, context.wrap_socket(raw, server_hostname="localhost") as wire:
            wire.sendall(f"GET {mode.path}?n={n} HTTP/1.1\r\nHost: localhost\r\nX-Case: once more\r\nConnection: close\r\n\r\n".encode())
            got = b""
            while piece := wire.recv(65536):
                got += piece
        seen = json.loads(got.partition(b"\r\n\r\n")[2])
        assert seen[:3] == ["HTTP/1.1", "on", str(n)] and seen[8] == "https"
        plain = json.loads(mode.one("once more", f"?n={n}").body)
        assert plain[:3] == ["HTTP/1.1", "", str(n)] and plain[8] == "http"


def test_traces(mode):
    """Each request continues its client's trace, or begins one."""

    def make(n):
        return {"suffix": f"?n={n}", "fields": [("traceparent", f"00-{n:032x}-{SPAN}-01")] if n % 2 else []}

    spans = set()
    for n, answer in mode.ask("once more", make):
        field = json.loads(answer.body)[7]
        version, trace, span, flags = field.split("-")
        assert (trace == f"{n:032x}") == bool(n % 2) and span != SPAN and flags == ("01" if n % 2 else "00")
        spans.add(span)
    assert len(spans) == 100


def test_request_ids_and_the_access_log(mode):
    """One line for each, with its id, status and size."""
    ids = {}
    for n, answer in mode.ask("once more", lambda n: {"suffix": f"?n=log{n}"}):
        ids[json.loads(answer.body)[6]] = (n, len(answer.body))
    assert len(ids) == 100
    lines = logged(mode, 100, lambda line: line["request_id"] in ids)
    assert len(lines) == 100
    for line in lines:
        n, size = ids[line["request_id"]]
        assert (line["method"], line["target"], line["status"], line["bytes"], line["protocol"]) == ("GET", f"{mode.path}?n=log{n}", 200, size, "HTTP/1.1")
        assert line["duration_ms"] >= line["php_ms"] >= 0 and line["queue_ms"] >= 0 and isinstance(line["worker"], int) and line["aborted"] is False


def test_sizes_in_the_access_log(mode):
    mode.ask("status", lambda n: {"suffix": f"?n={1000 + n}", "method": "HEAD" if n % 2 else "GET"}, 40)
    lines = logged(mode, 40, lambda line: re.fullmatch(re.escape(mode.path) + r"\?n=10[0-3]\d", line["target"]))
    for line in lines:
        n = int(line["target"].rpartition("=")[2])
        assert line["status"] == 418 and line["bytes"] == (0 if n % 2 else n)


def test_time_in_the_access_log_ends_with_the_request(mode):
    """Waiting for the next one is nobody's time."""
    mode.one("burn", "?ms=30&n=time")
    with Crowd(mode.server.address, 2) as crowd:
        crowd.ask(mode.request("hello", f"?n={n}") for n in range(4))
    (line,) = logged(mode, 1, lambda line: line["target"] == f"{mode.path}?ms=30&n=time")
    assert 29 <= line["php_ms"] <= line["duration_ms"] < 5000


@pytest.mark.parametrize("fields", [[("Connection", "close")], [("Connection", "keep-alive")], []], ids=["close", "keep-alive", "none"])
def test_connections(mode, fields):
    for n, answer in mode.ask("once more", lambda n: {"suffix": f"?n={n}", "fields": fields}, 40):
        assert json.loads(answer.body)[2] == str(n) and answer.closes == (fields == [("Connection", "close")])


def test_malformed_requests_reach_no_script(mode):
    for text in ("GET {} HTTP/1.1\r\n\r\n", "GET {} HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "GET {} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n", "GET {}%00 HTTP/1.1\r\nHost: h\r\n\r\n"):
        with mode.server.connect() as wire:
            wire.send(text.format(mode.path))
            assert wire.expect_response().status in (400, 404, 501)
    assert json.loads(mode.one("once more", "?n=1").body)[2] == "1"


def test_metrics_count_them(mode):
    def count():
        return mode.server.metrics().value("phpsrv_requests_total")

    before = count()
    mode.ask("hello", lambda n: {"suffix": f"?n={n}"})
    assert count() >= before + 100
