"""/metrics as Prometheus sees it: formats and their negotiation, exemplars, compression, and what the numbers count.

SPDX-License-Identifier: MIT
"""

import gzip
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.parse
import urllib.request

import pytest

from testenv import H2Wire, run_binary, scaled, stub, wait_until
from testenv.h2 import CANCEL, GOAWAY, RST_STREAM
from testenv.metrics import Metrics
from testenv.server import ROOT

# What Prometheus 2.42 and 3.1 send.
PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def scrape(server, accept=PROMETHEUS_2, **options):
    answer = server.internal("/metrics", fields=[("Accept", accept)], **options)
    assert answer.status == 200
    return answer


def parse_open(text):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="Debian package python3-prometheus-client")
    return {family.name: family for family in parser.text_string_to_metric_families(text)}


# ---- formats


@pytest.mark.parametrize(
    "accept, expected",
    [
        (None, TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        (PROMETHEUS_2, OPEN),
        (PROMETHEUS_3, OPEN),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPEN),
        ('application/openmetrics-text; version="1.0.0"', OPEN),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0,*/*", TEXT),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
    ],
)
def test_negotiation(server, accept, expected):
    fields = [("Accept", accept)] if accept is not None else []
    answer = server.internal("/metrics", fields=fields)
    assert answer.get("Content-Type") == expected and answer.get("Vary") == "Accept, Accept-Encoding"
    assert answer.text.endswith("# EOF\n") == (expected == OPEN)


def test_a_strict_parser(launch):
    server = launch("--trace-context", "--trace-sampled-ppm", 1_000_000, workers=2, files={"a.txt": "a"})
    for target in ("/a.txt", stub.ECHO, stub.status(404), stub.status(500)):
        server.fetch(target)
    families = parse_open(scrape(server).text)
    assert families["phpsrv_requests"].type == "counter" and families["phpsrv_request_duration_seconds"].type == "histogram"
    assert families["phpsrv_request_duration_seconds"].unit == families["process_cpu_seconds"].unit == "seconds"
    assert families["phpsrv_response_size_bytes"].unit == "bytes"
    for family in families.values():
        assert family.documentation.endswith("."), family.name


def test_both_formats_have_the_same_series(server):
    def series(text):
        return {line.split(" ")[0].split("{")[0] for line in text.splitlines() if not line.startswith("#")}

    server.fetch(stub.ECHO)
    assert series(scrape(server).text) == series(server.internal("/metrics").text)


def test_exemplars_name_sampled_traces(launch):
    server = launch("--trace-context", "--trace-sampled-ppm", 0, "--proxy-trusted", "127.0.0.1", workers=1)
    sampled, unsampled = "4bf92f3577b34da6a3ce929d0e0e4736", "ffffffffffffffffffffffffffffffff"
    server.fetch(stub.sleep(30), fields=[("traceparent", f"00-{sampled}-00f067aa0ba902b7-01")])
    server.fetch(stub.ECHO, fields=[("traceparent", f"00-{unsampled}-00f067aa0ba902b7-00")])
    answer = scrape(server).text
    found = [s for s in parse_open(answer)["phpsrv_request_duration_seconds"].samples if s.exemplar is not None]
    assert [s.exemplar.labels for s in found] == [{"trace_id": sampled}]
    assert 0.03 <= found[0].exemplar.value <= float(found[0].labels["le"])
    assert "trace_id" not in server.internal("/metrics").text


def test_compressed_for_who_takes_it(server):
    plain = server.internal("/metrics")
    assert plain.get("Content-Encoding") is None
    packed = server.internal("/metrics", fields=[("Accept-Encoding", "gzip")])
    assert packed.get("Content-Encoding") == "gzip" and len(packed.body) * 3 < len(plain.body)
    Metrics(gzip.decompress(packed.body).decode())
    refused = server.internal("/metrics", fields=[("Accept-Encoding", "gzip;q=0")])
    assert refused.get("Content-Encoding") is None


def test_promtool_and_linting(launch, tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    server = launch(executor="ext", workers=2, files={"a.php": "<?php phpsrv_metric_counter('shop_orders_total', 1, ['country' => \"a\\xff\"]); echo 'a';"})
    assert server.fetch("/a.php").body == b"a"
    text = server.internal("/metrics").body
    assert "phpsrv_opcache_enabled" in text.decode()
    result = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert parse_open(scrape(server).text)["shop_orders"].samples[0].labels == {"country": "a\ufffd"}


@pytest.mark.slow
@pytest.mark.no_sanitizer
def test_prometheus_itself(launch, tmp_path):
    """A real Prometheus takes the scrape, its metadata and its exemplars, and answers a quantile from it."""
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("Prometheus is not installed (Debian package prometheus)")
    server = launch("--trace-context", "--trace-sampled-ppm", 1_000_000, workers=2)
    host, port = server.internal_address
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{place.getsockname()[1]}"
    (tmp_path / "p.yml").write_text(
        f"global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: p\n    static_configs: [{{targets: ['{host}:{port}']}}]\n"
    )
    process = subprocess.Popen(
        [prometheus, f"--config.file={tmp_path}/p.yml", f"--storage.tsdb.path={tmp_path}/tsdb", f"--web.listen-address={address}",
         "--enable-feature=exemplar-storage"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip

    def ask(path, **query):
        try:
            with urllib.request.urlopen(f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    try:
        def grew():
            server.fetch(stub.sleep(20))
            found = ask("query", query="histogram_quantile(0.5, rate(phpsrv_request_duration_seconds_bucket[30s]))")
            return found and found["result"] and 0.01 < float(found["result"][0]["value"][1]) < 1

        wait_until(grew, "a quantile", timeout=scaled(60))
        assert ask("targets")["activeTargets"][0]["lastError"] == ""
        assert ask("metadata", metric="phpsrv_requests")["phpsrv_requests"][0]["type"] == "counter"
        found = ask("query_exemplars", query="phpsrv_request_duration_seconds_bucket", start="0", end="9999999999")
        assert len(found[0]["exemplars"][0]["labels"]["trace_id"]) == 32
    finally:
        process.terminate()
        process.wait(30)


def test_reference_is_fresh():
    printed = run_binary("--print-metrics-reference")
    assert printed.returncode == 0 and printed.stderr == ""
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert printed.stdout in page, "docs/metrics.md: put in what phpsrv --print-metrics-reference prints"


def test_queries_of_the_page(tmp_path):
    """They are PromQL, and all names in them are known."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    table = page.split("### Questions and answers")[1].split("### All metrics")[0]
    queries = [line.rsplit("| `", 1)[1].split("`")[0] for line in table.splitlines() if line.endswith("` |")]
    assert len(queries) > 8
    known = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `phpsrv_")}
    for name in re.findall(r"phpsrv_\w+", table):
        assert name in known or name.removesuffix("_bucket") in known or any(other.startswith(name) for other in known), name
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    rules = [{"record": f"r{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    result = subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_reference_names_what_a_server_says(launch):
    """And the other way round: nothing is measured that the page does not know."""
    loop = "<?php while (frankenphp_handle_request(function () { echo 'w'; })) { }"
    server = launch("--worker", "w.php,1", executor="ext", workers=1, files={"a.php": "<?php echo 'a';", "w.php": loop})
    server.fetch("/a.php")
    server.fetch("/w.php")
    said = set(server.metrics().kinds)
    known = {line.split("`")[1] for line in run_binary("--print-metrics-reference").stdout.splitlines() if line.startswith("| `")}
    assert said == known - ({"process_max_fds"} - said)


# ---- what is counted


def test_status_codes_and_sizes(launch):
    server = launch(workers=1, files={"a.txt": "x" * 3000})
    server.fetch("/a.txt")
    server.fetch(stub.status(404))
    server.fetch(stub.status(418))
    server.fetch(stub.status(599))
    server.fetch(stub.ECHO, method="POST", body=b"y" * 20_000)
    metrics = server.metrics()
    counts = {code: metrics.value("phpsrv_responses_total", code=code) for code in ("200", "404", "503")}
    assert counts == {"200": 2, "404": 1, "503": 0}
    assert metrics.value("phpsrv_responses_total", **{"class": "4xx", "code": "other"}) == 1
    assert metrics.value("phpsrv_responses_total", **{"class": "5xx", "code": "other"}) == 1
    assert metrics["phpsrv_request_size_bytes_count"] == metrics["phpsrv_response_size_bytes_count"] == 5
    assert metrics.value("phpsrv_request_size_bytes_bucket", le="10000.0") == 4
    assert 20_000 < metrics["phpsrv_request_size_bytes_sum"] < 22_000
    assert metrics.value("phpsrv_response_size_bytes_bucket", le="5000.0") - metrics.value("phpsrv_response_size_bytes_bucket", le="1000.0") >= 1


def test_in_flight_and_busy_time(launch):
    server = launch(workers=1, files={"a.txt": "a"})
    with server.connect() as wire, server.connect() as other:
        wire.request(stub.sleep(1500))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "it runs")
        other.request(stub.ECHO)
        wait_until(lambda: server.metrics()["phpsrv_requests_in_flight"] == 2, "one more waits")
        seen = [server.metrics()["phpsrv_worker_busy_seconds_total"] for _ in range(5)]
        assert seen == sorted(seen) and seen[0] < seen[-1], "it grows while a request runs"
        wire.expect_response(200)
        other.expect_response(200)
    metrics = server.metrics()
    assert metrics["phpsrv_requests_in_flight"] == 0 and 1.5 <= metrics["phpsrv_worker_busy_seconds_total"] < 30
    with server.connect() as wire:
        wire.send(b"RUBBISH\r\n\r\n")
        wire.expect_response(400)
    assert server.metrics()["phpsrv_requests_in_flight"] == 0, "what had no head never began"


def test_why_the_queue_refused(launch):
    server = launch("--queue-capacity", 1, workers=1)
    with server.connect() as one, server.connect() as two:
        one.request(stub.sleep(1500))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "it runs")
        two.request(stub.ECHO)
        wait_until(lambda: server.metrics()["phpsrv_queue_depth"] == 1, "one waits")
        assert server.fetch(stub.ECHO).status == 503
        metrics = server.metrics()
        assert metrics.value("phpsrv_queue_rejected_total", reason="full") == 1 and metrics.value("phpsrv_queue_rejected_total", reason="stopping") == 0
        one.expect_response(200)
        two.expect_response(200)


def test_static_files(launch):
    server = launch(workers=1, files={"a.txt": "x" * 1000})
    tag = server.fetch("/a.txt").get("ETag")
    assert server.fetch("/a.txt", fields=[("If-None-Match", tag)]).status == 304
    assert server.fetch("/a.txt", fields=[("Range", "bytes=0-99")]).status == 206
    server.fetch("/a.txt", method="HEAD")
    metrics = server.metrics()
    assert metrics["phpsrv_static_requests_total"] == 4 and metrics["phpsrv_static_not_modified_total"] == 1
    assert metrics["phpsrv_static_bytes_total"] == 1100
    assert metrics.value("phpsrv_responses_total", code="304") == 1


def test_request_bodies_in_files(launch):
    server = launch("--http-body-memory-bytes", "1K", workers=1)
    server.fetch(stub.ECHO, method="POST", body=b"x" * 500)
    assert server.metrics()["phpsrv_request_bodies_spilled_total"] == 0
    server.fetch(stub.ECHO, method="POST", body=b"x" * 5000)
    assert server.metrics()["phpsrv_request_bodies_spilled_total"] == 1


def test_http2(launch):
    server = launch(workers=2)
    with H2Wire(server.address) as wire:
        assert wire.request(path="/stub/echo").status == 200
        stream = wire.headers(fields=None)
        wire.response(stream)
        hanging = wire.headers(path=stub.sleep(3000))
        wait_until(lambda: server.metrics()["phpsrv_http2_streams_open"] == 1, "one is open")
        assert server.metrics()["phpsrv_http2_connections_open"] == 1
        wire.frame(RST_STREAM, 0, hanging, CANCEL.to_bytes(4, "big"))
        wait_until(lambda: server.metrics()["phpsrv_http2_streams_open"] == 0, "it was reset")
        wire.frame(GOAWAY, 0, 0, bytes(8))
        wait_until(lambda: server.metrics().value("phpsrv_http2_goaways_total", side="client") == 1, "the client says goodbye")
    wait_until(lambda: server.metrics()["phpsrv_http2_connections_open"] == 0, "the connection is closed")
    metrics = server.metrics()
    assert metrics["phpsrv_http2_streams_total"] == 3 and metrics["phpsrv_http2_connections_total"] == 1
    assert metrics.value("phpsrv_http2_resets_total", side="client") == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return folder


def test_why_handshakes_failed(launch, certificate):
    server = launch("--tls-listen", "127.0.0.1:0", "--tls-cert", certificate / "cert.pem", "--tls-key", certificate / "key.pem", "--http-header-timeout-ms", 400, workers=1)

    def failed(reason):
        return server.metrics().value("phpsrv_tls_handshake_failures_total", reason=reason)

    def handshake(context):
        with socket.create_connection(server.tls_address, timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost"):
                pass

    with socket.create_connection(server.tls_address, timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b"400" in plain.recv(1000)
    wait_until(lambda: failed("plain_http") == 1, "plain HTTP")
    with pytest.raises(ssl.SSLError):
        handshake(ssl.create_default_context())  # does not know the certificate
    wait_until(lambda: failed("client_alert") == 1, "the client's alert")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers("AES256-SHA256@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(old)
    wait_until(lambda: failed("no_shared_cipher") == 1, "no cipher")
    with socket.create_connection(server.tls_address, timeout=10) as plain:
        plain.sendall(b"\x16\x03\x01")
    wait_until(lambda: failed("closed") == 1, "the client left")
    with socket.create_connection(server.tls_address, timeout=10) as plain:
        wait_until(lambda: failed("timeout") == 1, "it took too long")
        plain.close()
    assert server.metrics().value("phpsrv_tls_handshakes_total", result="failed") == 5


# ---- the supervisor


def test_reloads(launch, tmp_path):
    (tmp_path / "server.toml").write_text("[workers]\ncount = 1\n")
    server = launch("--supervisor=true", "--config", tmp_path / "server.toml")
    server.wait_log("supervisor.generation_ready")
    before = server.metrics()
    assert before.value("phpsrv_reloads_total", result="done") == before.value("phpsrv_reloads_total", result="failed") == 0
    assert before["phpsrv_last_reload_successful"] == 1 and before["phpsrv_last_reload_success_timestamp_seconds"] == 0

    server.expect_log("supervisor.reload_failed")
    (tmp_path / "server.toml").write_text("[workers]\ncount = 'many'\n")
    mark = server.mark()
    os.kill(server.process.pid, signal.SIGHUP)
    server.wait_log("supervisor.reload_failed", after=mark)
    failed = server.metrics()
    assert failed.value("phpsrv_reloads_total", result="failed") == 1 and failed["phpsrv_last_reload_successful"] == 0

    (tmp_path / "server.toml").write_text("[workers]\ncount = 1\n")
    mark = server.mark()
    os.kill(server.process.pid, signal.SIGHUP)
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    server.wait_log("supervisor.generation_ready", after=mark)
    server.wait_log("supervisor.generation_ended", after=mark)  # until then the old one may answer here, too
    after = server.metrics()
    assert after.value("phpsrv_reloads_total", result="done") == 1
    assert after.value("phpsrv_reloads_total", result="failed") == 1 and after["phpsrv_last_reload_successful"] == 1
    assert after["phpsrv_last_reload_success_timestamp_seconds"] > 1_500_000_000 and after["phpsrv_server_generation"] == 2


# ---- several sites


SITES = """
[site]
hosts = ["main.test"]
name = "main"

[[sites]]
hosts = ["shop.test"]
name = 'shop "1"'

[[sites]]
hosts = ["blog.test"]
"""


def test_requests_by_site(launch, tmp_path):
    (tmp_path / "server.toml").write_text(SITES)
    server = launch("--config", tmp_path / "server.toml", workers=2)

    def ask(host, target=stub.ECHO):
        with server.connect() as wire:
            wire.request(target, host=host)
            return wire.expect_response().status

    assert [ask("main.test"), ask("shop.test"), ask("shop.test", stub.status(404)), ask("blog.test")] == [200, 200, 404, 200]
    assert ask("unknown.test") in (200, 421)
    with server.connect() as wire:
        wire.request(stub.sleep(2000), host="blog.test")
        wait_until(lambda: server.metrics().value("phpsrv_requests_in_flight", site="blog.test") == 1, "it runs at its site")
        assert server.metrics().value("phpsrv_requests_in_flight", site="main") == 0
        wire.expect_response(200)
    metrics = server.metrics()
    assert metrics.value("phpsrv_requests_total", site='shop \\"1\\"', method="GET") == 2
    assert metrics.value("phpsrv_responses_total", site='shop \\"1\\"', code="404") == 1
    assert metrics.value("phpsrv_requests_total", site="main", method="GET") == 2, "what belongs to no site is the first one's"
    assert metrics.value("phpsrv_request_duration_seconds_count", site="blog.test") == 2
    assert metrics["phpsrv_requests_in_flight"] == 0
    for name in ("phpsrv_requests_total", "phpsrv_responses_total", "phpsrv_request_duration_seconds_count"):
        assert all("site" in dict(labels) for other, labels in metrics.series if other == name)
    families = parse_open(scrape(server).text)
    assert {sample.labels["site"] for sample in families["phpsrv_requests"].samples} == {"main", 'shop "1"', "blog.test"}
