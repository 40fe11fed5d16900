"""Spans for OpenTelemetry: what a collector gets, what becomes of them when it is slow, dead or says no.

SPDX-License-Identifier: MIT
"""

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from testenv import Clients, H2Wire, run_binary, scaled, stub, wait_until
from testenv.collector import Collector

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


@pytest.fixture
def collector():
    made = []

    def start(*arguments, **options):
        made.append(Collector(*arguments, **options))
        return made[-1]

    yield start
    for one in made:
        one.close()


def otlp(to, *more):
    return ("--otlp-endpoint", to.url if isinstance(to, Collector) else to, "--otlp-delay-ms", "50ms", *more)


def dropped(server, reason=None):
    metrics = server.metrics()
    reasons = [reason] if reason else ["queue_full", "failed", "rejected", "shutdown"]
    return sum(metrics.value("phpsrv_otlp_spans_dropped_total", reason=one) for one in reasons)


def wait_spans(collector, count):
    wait_until(lambda: len(collector.servers()) >= count, f"{count} spans, have {len(collector.spans)}")
    return collector.servers()


# ---- what a span says


def test_a_request(launch, collector):
    sink = collector()
    server = launch(*otlp(sink, "--otlp-service-name", "shop", "--otlp-resource-attributes", "deployment.environment.name=test,service.version=1%2C2"), workers=1)
    before = time.time_ns()
    server.fetch(stub.sleep(60) + "&secret=1", fields=[("User-Agent", "agent/1"), ("traceparent", SAMPLED), ("tracestate", "a=1"), ("tracestate", "b=2")])
    (span,) = wait_spans(sink, 1)
    assert (span.trace, span.parent, span.state) == (TRACE, SPAN, "a=1,b=2")
    assert span.raw["flags"] == 0x301, "sampled, and the parent is known to be remote"
    assert span.name == "GET" and span.status == 0
    port = span.attributes.pop("client.port")
    assert 1024 <= port < 65536 and re.fullmatch(r"[0-9a-f]{32}", span.attributes.pop("phpsrv.request_id"))
    assert span.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.response.body.size": span.attributes["http.response.body.size"],
        "url.path": "/stub/sleep",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "server.address": "test.example",
        "server.port": server.address[1],
        "client.address": "127.0.0.1",
        "user_agent.original": "agent/1",
        "phpsrv.script": span.attributes["phpsrv.script"],
        "phpsrv.worker": 0,
        "phpsrv.site": "default",
    }
    assert before - 10**7 <= span.start and span.end <= time.time_ns() + 10**7 and span.end - span.start >= 60 * 10**6
    children = sink.children(span)
    assert set(children) == {"queue", "php"}
    assert span.start <= children["queue"].start <= children["queue"].end == children["php"].start <= children["php"].end <= span.end
    assert children["php"].end - children["php"].start >= 60 * 10**6
    assert {child.trace for child in children.values()} == {TRACE} and {child.raw["kind"] for child in children.values()} == {1}
    assert span.resource == {
        "host.name": socket.gethostname(),
        "process.pid": server.pid,
        "service.name": "shop",
        "deployment.environment.name": "test",
        "service.version": "1,2",
    }
    assert "secret" not in str(sink.requests)


def test_other_requests(launch, collector):
    sink = collector()
    server = launch(*otlp(sink), files={"a.txt": "a"})
    server.fetch("/a.txt")
    server.fetch("/a.txt", "FROB")
    server.fetch(stub.status(503))
    with H2Wire(server.address) as wire:
        wire.request(path="/a.txt")
    with server.connect() as wire:
        wire.send(b"RUBBISH\r\n\r\n")
        wire.expect_response(400)
    plain, other, failed, h2 = wait_spans(sink, 4)
    assert plain.parent is None and plain.raw["flags"] == 0x101 and sink.children(plain) == {}
    assert (other.name, other.attributes["http.request.method"], other.attributes["http.request.method_original"]) == ("HTTP", "_OTHER", "FROB")
    assert other.attributes["http.response.status_code"] == 405 and other.status == 0 and "phpsrv.refusal" in other.attributes
    assert failed.status == 2 and failed.attributes["error.type"] == "503"
    assert h2.attributes["network.protocol.version"] == "2" and h2.attributes["server.address"]
    assert len({span.trace for span in (plain, other, failed, h2)}) == 4


def test_a_client_that_left(launch, collector):
    sink = collector()
    server = launch(*otlp(sink), workers=1)
    with server.connect() as wire:
        wire.request(stub.stream(100_000, size=1000, milliseconds=1))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        wire.reset()
    (span,) = wait_spans(sink, 1)
    assert span.attributes["error.type"] == "aborted" and "php" not in sink.children(span)


def test_texts_of_clients(launch, collector):
    sink = collector()
    server = launch(*otlp(sink))
    for evil in ('"', "\\", "\xff\xfe", "a\tb", "\xc3\xa9", "x" * 5000):
        server.fetch(stub.ECHO, fields=[("User-Agent", evil), ("tracestate", evil), ("traceparent", SAMPLED)])
    spans = wait_spans(sink, 6)
    assert spans[0].attributes["user_agent.original"] == '"' and len(spans[5].attributes["user_agent.original"]) == 256
    assert spans[5].state is None, "half a list would be wrong"


# ---- which requests


def test_the_sampled_flag_decides(launch, collector):
    sink = collector()
    server = launch(*otlp(sink, "--trace-sampled-ppm", "0"))
    server.fetch(stub.ECHO)
    server.fetch(stub.ECHO, fields=[("traceparent", UNSAMPLED)])
    server.fetch(stub.ECHO, fields=[("traceparent", SAMPLED)])
    server.stop()
    assert [span.parent for span in sink.servers()] == [SPAN]


def test_environment_of_the_standard(launch, collector):
    sink = collector()
    base = sink.url.removesuffix("/v1/traces")
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": base, "OTEL_SERVICE_NAME": "by-env", "OTEL_RESOURCE_ATTRIBUTES": "a=b"}
    launch(env=env).fetch(stub.ECHO)
    server = launch("--trace-context", "--otlp-delay-ms", "50ms", env=env)
    server.fetch(stub.ECHO)
    (span,) = wait_spans(sink, 1)
    assert span.resource["service.name"] == "by-env" and span.resource["a"] == "b" and span.resource["process.pid"] == server.pid
    own = launch("--trace-context", "--otlp-delay-ms", "50ms", "--otlp-service-name", "own", env=env | {"OTEL_EXPORTER_OTLP_ENDPOINT": base + "/"})
    own.fetch(stub.ECHO)
    assert wait_spans(sink, 2)[1].resource["service.name"] == "own"


# ---- transport


def test_one_connection_and_batches(launch, collector):
    sink = collector()
    server = launch(*otlp(sink), workers=1)
    with server.connect() as wire:
        for number in range(1000):
            wire.request(f"{stub.ECHO}?{number}")
            wire.expect_response(200)
    wait_spans(sink, 1000)
    assert len(sink.servers()) == 1000 and len({span.id for span in sink.spans}) == 3000
    assert sink.connections == 1 and len(sink.requests) < 500
    wait_until(lambda: server.metrics()["phpsrv_otlp_spans_exported_total"] == 1000, "the answer to the last batch")
    metrics = server.metrics()
    assert dropped(server) == 0
    assert metrics.value("phpsrv_otlp_requests_total", result="accepted") == len(sink.requests)


def test_gzip_and_headers(launch, collector):
    sink = collector()
    server = launch(*otlp(sink, "--otlp-gzip", "--otlp-header", "Authorization: Bearer abc", "--otlp-header", "X-Tenant: 7"))
    server.fetch(stub.ECHO)
    wait_spans(sink, 1)
    _, fields, body = sink.requests[0]
    assert fields["Content-Encoding"] == "gzip" and body[:2] == b"\x1f\x8b"
    assert fields["Authorization"] == "Bearer abc" and fields["X-Tenant"] == "7" and fields["User-Agent"].startswith("phpsrv/")
    shown = server.internal("/config").body.decode()
    assert "Bearer abc" not in shown and "Bearer abc" not in server.log


def tls_context(folder):
    """A server's TLS, and the file of its certificate."""
    certificate, key = folder / "c.pem", folder / "c.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=c",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def test_tls(launch, collector, tmp_path):
    context, certificate = tls_context(tmp_path)
    sink = collector(tls=context)
    server = launch(*otlp(sink, "--otlp-ca-file", certificate))
    server.fetch(stub.ECHO)
    wait_spans(sink, 1)
    stranger = launch(*otlp(sink))
    stranger.fetch(stub.ECHO)
    assert "certificate" in stranger.wait_log("otlp.retrying")["reason"], "nobody vouches for it"
    stranger.stop()
    assert len(sink.servers()) == 1


def test_the_end_does_not_take_openssl_from_an_exporter_that_uses_it(launch, collector, tmp_path):
    """It reads a file of certificates that never ends: the process ends without it."""
    context, certificate = tls_context(tmp_path)
    sink = collector(tls=context)
    endless = tmp_path / "endless.pem"
    os.mkfifo(endless)
    is_read = threading.Event()

    def feed():
        with contextlib.suppress(BrokenPipeError), endless.open("wb", buffering=0) as file:
            while True:
                file.write(certificate.read_bytes())
                is_read.set()
                time.sleep(0.001)  # else it would fill the server's memory

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    server = launch(*otlp(sink, "--otlp-ca-file", endless))
    server.fetch(stub.ECHO)
    assert is_read.wait(scaled(20)), "it reads the file"
    server.stop()
    feeder.join(scaled(20))
    assert not feeder.is_alive() and sink.requests == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--otlp-endpoint", "collector:4318"], "is not like http://HOST:4318/v1/traces"),
        (["--otlp-endpoint", "ftp://c/"], "is not like http://HOST:4318/v1/traces"),
        (["--otlp-endpoint", "http://ann:secret@c/"], "otlp.endpoint: it has a name or password"),
        (["--otlp-endpoint", "http://c/", "--otlp-header", "secret"], 'otlp.headers: item 1 is not like "Name: value"'),
        (["--otlp-endpoint", "http://c/", "--otlp-resource-attributes", "a"], '"a" is not like key=value'),
    ],
    ids=range(5),
)
def test_wrong_options_stop_the_start(tmp_path, arguments, sentence):
    for action in ([], ["--check-config"]):
        result = run_binary("--executor", "stub", "--docroot", tmp_path, "--listen", "127.0.0.1:0", *arguments, *action)
        assert result.returncode != 0 and sentence in result.stderr
        assert "secret" not in result.stderr


# ---- collectors that are no help


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_dead_collector_comes_back(launch, collector):
    port = free_port()
    server = launch(*otlp(f"http://127.0.0.1:{port}/v1/traces"))
    for _ in range(20):
        server.fetch(stub.ECHO)
    server.wait_log("otlp.retrying")
    sink = collector(port=port)
    assert len(wait_spans(sink, 20)) == 20
    server.wait_log("otlp.recovered")
    assert dropped(server) == 0 and server.metrics().value("phpsrv_otlp_requests_total", result="retried") > 0


def test_a_dead_collector_costs_spans_and_nothing_else(launch):
    server = launch(*otlp(f"http://127.0.0.1:{free_port()}/v1/traces", "--otlp-queue-requests", "64"))
    with server.connect() as wire:
        for _ in range(1000):
            wire.request(stub.ECHO)
            wire.expect_response(200)
    wait_until(lambda: dropped(server, "queue_full") > 0, "spans without room are dropped")
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 15


def test_a_collector_that_never_answers(launch, collector):
    sink = collector(answer=lambda number: None)
    server = launch(*otlp(sink, "--otlp-queue-requests", "64", "--otlp-timeout-ms", "10s"))
    server.fetch(stub.ECHO)
    wait_until(lambda: len(sink.requests) > 0, "it was asked")
    with server.connect() as wire:
        for _ in range(500):
            wire.request(stub.ECHO)
            wire.expect_response(200)
    assert dropped(server, "queue_full") == 500 - 64
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 9, "the end waits for it only some seconds"


def test_try_again_later(launch, collector):
    sink = collector(answer=lambda number: (503, {"Retry-After": "1"}, b"") if number < 2 else (200, {}, b"{}"))
    server = launch(*otlp(sink))
    begun = time.monotonic()
    server.fetch(stub.ECHO)
    (span,) = wait_spans(sink, 1)
    assert time.monotonic() - begun >= 1.9, "Retry-After is respected"
    assert len(sink.requests) == 3 and len({body for _, _, body in sink.requests}) == 1
    metrics = server.metrics()
    assert metrics.value("phpsrv_otlp_requests_total", result="retried") == 2 and metrics["phpsrv_otlp_spans_exported_total"] == 1


def test_a_refusal_is_final(launch, collector):
    sink = collector(answer=lambda number: (400, {}, b"what is this?") if number == 0 else (200, {}, b""))
    server = launch(*otlp(sink))
    server.fetch(stub.ECHO)
    line = server.wait_log("otlp.failed")
    assert line["status"] == "400" and "what is this?" in line["reason"]
    wait_until(lambda: dropped(server, "failed") == 1, "it is counted")
    server.fetch(stub.ECHO)
    wait_spans(sink, 1)
    assert len(sink.requests) == 2


def test_a_partial_success(launch, collector):
    sink = collector(answer=lambda number: (200, {}, b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}'))
    server = launch(*otlp(sink))
    server.fetch(stub.ECHO)
    wait_until(lambda: dropped(server, "rejected") == 1, "it is counted")
    assert server.metrics()["phpsrv_otlp_spans_exported_total"] == 0


@pytest.mark.parametrize("garbage", [b"\x00\xff" * 1000, b"<html>", b'{"partialSuccess":{"rejectedSpans":', b"x" * 500_000], ids=range(4))
def test_garbage_with_200_is_a_success(launch, collector, garbage):
    sink = collector(answer=lambda number: (200, {}, garbage))
    server = launch(*otlp(sink))
    for number in range(2):
        server.fetch(stub.ECHO)
        wait_until(lambda: server.metrics()["phpsrv_otlp_spans_exported_total"] == number + 1, "they are counted as sent")
    assert sink.connections == 1


def test_something_that_is_no_http(launch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = launch(*otlp(f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces"))
        server.fetch(stub.ECHO)
        peer, _ = listener.accept()
        peer.sendall(b"SSH-2.0-nonsense\r\n")
        peer.close()
        assert server.wait_log("otlp.retrying")["reason"]
        assert server.fetch(stub.ECHO).status == 200


# ---- the end, and reloads


def test_the_end_sends_what_waits(launch, collector):
    sink = collector()
    server = launch("--otlp-endpoint", sink.url, "--otlp-delay-ms", "1h")
    for _ in range(30):
        server.fetch(stub.ECHO)
    assert sink.requests == []
    server.stop()
    assert len(sink.servers()) == 30


def test_spans_survive_a_reload(launch, collector):
    sink = collector()
    server = launch("--supervisor=true", *otlp(sink))
    clients = Clients(server, count=3, pause=0.01)  # no more than this collector keeps up with: the rest would be dropped
    for _ in range(2):
        mark = server.mark()
        count = len(sink.spans)
        wait_until(lambda: len(sink.spans) > count, "spans come")
        server.process.send_signal(signal.SIGHUP)
        server.wait_log("supervisor.generation_ready", after=mark)
        server.wait_log("server.stopped", after=mark)
    wait_until(lambda: len({span.resource["process.pid"] for span in sink.servers()}) == 3, "spans of the third server")
    clients.stop()
    assert not clients.failures
    server.stop()
    assert len(sink.servers()) == clients.answers


def test_every_request_is_accounted_for(launch, collector):
    """A slow collector and a small queue: what was exported and what was dropped is all there was."""

    def slow(number):
        time.sleep(0.05)
        return (200, {}, b"{}")

    sink = collector(answer=slow)
    server = launch(*otlp(sink, "--otlp-queue-requests", "64"))
    with server.connect() as wire:
        for _ in range(1000):
            wire.request(stub.ECHO)
            wire.expect_response(200)
    wait_until(lambda: server.metrics()["phpsrv_otlp_spans_exported_total"] + dropped(server) == 1000, "all are accounted for")
    assert len(sink.servers()) == server.metrics()["phpsrv_otlp_spans_exported_total"]
