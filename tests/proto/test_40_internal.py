"""The internal listener: /health, /metrics, /config.

SPDX-License-Identifier: MIT
"""

import json
import re
import shutil
import subprocess

import pytest

from testenv import run_binary, stub, wait_until

SERVER_WORKERS = 2


def test_health(server):
    response = server.internal("/health")
    assert response.status == 200
    assert response.get("Content-Type").startswith("application/json")
    assert response.get("Cache-Control") == "no-store"
    assert json.loads(response.body)["status"] == "ok"


def test_health_when_busy_is_still_healthy(server):
    with server.connect() as one, server.connect() as two:
        for wire in (one, two):
            wire.request(stub.sleep(1000))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 2, "both are busy")
        assert server.health()[0] == 200
        for wire in (one, two):
            wire.expect_response(200)


def test_health_while_draining_is_503(launch):
    """A load balancer must stop sending before the listener closes."""
    server = launch(workers=1)
    with server.connect() as wire, server.connect_internal() as probe:
        wire.request(stub.sleep(1500))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        probe.request("/health")
        probe.expect_response(200)
        mark = server.mark()
        server.terminate()
        server.wait_log("server.draining", after=mark)
        with server.connect_internal() as late:
            late.request("/health")
            response = late.expect_response(503)
            assert json.loads(response.body)["status"] != "ok"
        wire.expect_response(200)


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/config", "/status"])
def test_only_reading(server, path):
    answer, head = server.internal(path), server.internal(path, method="HEAD")
    for one in (answer, head):
        assert one.status == 200 and one.get("Cache-Control") == "no-store" and one.get("X-Content-Type-Options") == "nosniff"
    assert head.body == b"" and int(head.get("Content-Length")) > 0 and head.get("Content-Type") == answer.get("Content-Type")
    response = server.internal(path, method="POST", body=b"x")
    assert response.status == 405 and "GET" in response.get("Allow")


@pytest.mark.parametrize("path", ["/nothing", "/health/x", "/index.php", "/metricsx", "/stub/echo"])
def test_everything_else_is_404(server, path):
    assert server.internal(path).status == 404


def test_query_is_ignored(server):
    assert server.internal("/health?verbose").status == 200


def test_not_on_the_site(server):
    """The site's /metrics belongs to the application."""
    for path in ("/health", "/metrics", "/config"):
        assert b"phpsrv_requests_total" not in server.fetch(path).body
        assert stub.is_stub(server.fetch(path))


# ---- metrics


def test_metrics_content_type(server):
    assert server.internal("/metrics").get("Content-Type").startswith("text/plain; version=0.0.4")


def test_metrics_count_requests(launch):
    server = launch(workers=2, files={"a.txt": "a"})
    before = server.metrics()
    with server.connect() as wire:
        for _ in range(10):
            wire.request(stub.ECHO)
            wire.expect_response(200)
        wire.request(stub.ECHO, "POST", body=b"12345")
        wire.expect_response(200)
        wire.request("/a.txt", "HEAD")
        wire.expect_response(200, method="HEAD")
        wire.request(stub.status(404))
        wire.expect_response(404)
        wire.request(stub.status(302))
        wire.expect_response(302)
        wire.request(stub.status(500))
        wire.expect_response(500)
    after = server.metrics()

    def grown(name, **labels):
        return after.value(name, **labels) - before.value(name, **labels)

    assert grown("phpsrv_requests_total", method="GET") == 13
    assert grown("phpsrv_requests_total", method="POST") == 1
    assert grown("phpsrv_requests_total", method="HEAD") == 1
    assert grown("phpsrv_responses_total", **{"class": "2xx"}) == 12
    assert grown("phpsrv_responses_total", **{"class": "3xx"}) == 1
    assert grown("phpsrv_responses_total", **{"class": "4xx"}) == 1
    assert grown("phpsrv_responses_total", **{"class": "5xx"}) == 1
    assert grown("phpsrv_static_requests_total") == 1
    assert grown("phpsrv_request_duration_seconds_count") == 15
    assert grown("phpsrv_worker_run_seconds_count") == 14
    assert grown("phpsrv_connections_accepted_total") >= 1
    assert grown("phpsrv_received_bytes_total") > 500
    assert grown("phpsrv_sent_bytes_total") > 500


def test_metrics_of_refusals(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        wire.send(b"RUBBISH\r\n\r\n")
        wire.expect_response(400)
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n")
        wire.expect_response(417)
    metrics = server.metrics()
    assert metrics.value("phpsrv_refused_requests_total", status="400") == 1
    assert metrics.value("phpsrv_refused_requests_total", status="417") == 1
    assert metrics["phpsrv_parser_errors_total"] >= 1


def test_histogram_is_cumulative(server):
    server.fetch(stub.ECHO)
    metrics = server.metrics()
    for family in ("phpsrv_request_duration_seconds", "phpsrv_queue_wait_seconds", "phpsrv_worker_run_seconds"):
        buckets = [
            (float(dict(labels)["le"]), value)
            for (name, labels), value in metrics.series.items()
            if name == family + "_bucket"
        ]
        assert buckets == sorted(buckets), family
        assert [value for _, value in buckets] == sorted(value for _, value in buckets), family
        assert buckets[-1] == (float("inf"), metrics[family + "_count"]), family
        assert metrics[family + "_sum"] > 0, family


def test_duration_histogram_measures(launch):
    server = launch(workers=1)
    server.fetch(stub.sleep(300))
    metrics = server.metrics()
    assert metrics["phpsrv_request_duration_seconds_sum"] >= 0.3
    assert metrics.value("phpsrv_worker_run_seconds_bucket", le="0.25") == 0


def test_worker_and_build_metrics(server):
    metrics = server.metrics()
    assert metrics["phpsrv_workers_configured"] == 2
    assert metrics["phpsrv_workers"] == 2
    assert metrics["phpsrv_queue_capacity"] == 200
    assert metrics["phpsrv_build_info"] == 1
    assert metrics["process_resident_memory_bytes"] > 1_000_000
    assert metrics["process_start_time_seconds"] > 1_500_000_000
    assert metrics["process_open_fds"] > 3


def test_no_request_creates_a_series(server):
    """Methods, paths and hosts of clients never become labels: the number of series is fixed."""
    before = len(server.metrics().series)
    for number in range(20):
        server.fetch(f"/{number}", method="PROPFIND", fields=[("User-Agent", str(number))])
        server.fetch(stub.status(500 + number))
    assert len(server.metrics().series) == before


def test_promtool(server):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    server.fetch(stub.ECHO)
    text = server.internal("/metrics").body
    result = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert result.returncode == 0, result.stdout.decode() + result.stderr.decode()
    assert result.stderr == b"", result.stderr.decode()


def test_scrapes_are_not_counted_as_traffic(server):
    before = server.metrics()
    server.metrics()
    after = server.metrics()
    for name in ("phpsrv_requests_total", "phpsrv_request_duration_seconds_count"):
        assert before[name] == after[name]


# ---- config


def test_config_is_json(launch):
    server = launch("--queue-capacity", "42", "--http-header-timeout-ms", "3s", workers=1)
    response = server.internal("/config")
    assert response.status == 200 and response.get("Content-Type").startswith("application/json")
    values = json.loads(response.body)

    def find(tree, name):
        if not isinstance(tree, dict):
            return None
        if name in tree:
            return tree[name]
        return next((v for v in (find(child, name) for child in tree.values()) if v is not None), None)

    assert "42" in json.dumps(values), values
    assert "3000" in json.dumps(values), "base units: milliseconds"
    assert re.search(re.escape(str(server.docroot)), json.dumps(values))


def test_passwords_in_settings_are_not_shown(launch):
    """PHP's settings may hold them: --dump-config and /config show the key and that it is set."""
    settings = ["memory_limit=99M", "mysqli.default_pw=hunter2", "session.save_path=tcp://redis:6379?auth=hunter2"]
    arguments = [argument for setting in settings for argument in ("-d", setting)]
    server = launch(*arguments, workers=1)
    for text in (server.internal("/config").text, run_binary(*arguments, "--dump-config").stdout):
        assert "memory_limit=99M" in text and "mysqli.default_pw=(hidden)" in text and "session.save_path=(hidden)" in text
        assert "hunter2" not in text
