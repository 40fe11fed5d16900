"""Traces (W3C Trace Context) and the request ids of trusted proxies: from the client to the script and the log.

SPDX-License-Identifier: MIT
"""

import json
import re

import pytest

from testenv import H2Wire, wait_until
from testenv.collector import Collector

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
TELL = "<?php echo json_encode([$_SERVER['HTTP_TRACEPARENT'] ?? null, $_SERVER['HTTP_TRACESTATE'] ?? null, phpsrv_request_id(), getallheaders()['Traceparent'] ?? null]);"
LOG = ("--log-access", "json")


@pytest.fixture(scope="module")
def traced(launch_module, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "access.log"
    server = launch_module("--trace-context", *LOG, "--log-access-path", path, executor="ext", files={"tell.php": TELL, "a.txt": "a"})
    server.access = path
    return server


def logged(server, request_id):
    def find():
        return [line for line in map(json.loads, server.access.read_text().splitlines()) if line["request_id"] == request_id]

    return wait_until(find, "the access log has it")[0]


def test_a_trace_is_continued(traced):
    field, state, request_id, again = json.loads(traced.fetch("/tell.php", fields=[("traceparent", PARENT), ("tracestate", "a=1,b=2")]).body)
    version, trace, span, flags = field.split("-")
    assert (version, trace, flags) == ("00", TRACE, "01") and re.fullmatch(r"[0-9a-f]{16}", span) and span != SPAN
    assert state == "a=1,b=2" and again == field
    line = logged(traced, request_id)
    assert (line["trace_id"], line["span_id"], line["parent_id"]) == (TRACE, span, SPAN)


@pytest.mark.parametrize("fields", [[], [("traceparent", "00-x")], [("traceparent", PARENT), ("traceparent", PARENT)], [("traceparent", PARENT.upper())]], ids=range(4))
def test_a_trace_begins(traced, fields):
    field, _, request_id, _ = json.loads(traced.fetch("/tell.php", fields=fields).body)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", field) and TRACE not in field
    line = logged(traced, request_id)
    assert "parent_id" not in line and f"00-{line['trace_id']}-{line['span_id']}-00" == field


def test_every_request_has_its_own_span(traced):
    fields = {json.loads(traced.fetch("/tell.php", fields=[("traceparent", PARENT)]).body)[0] for _ in range(20)}
    assert len(fields) == 20
    with H2Wire(traced.address) as wire:
        assert TRACE in wire.request(path="/tell.php", extra=[("traceparent", PARENT)]).body.decode()


def test_sampling(launch):
    server = launch("--trace-context", "--trace-sampled-ppm", 1_000_000, executor="ext", files={"tell.php": TELL})
    assert json.loads(server.fetch("/tell.php").body)[0].endswith("-01")


def test_without_it_the_field_is_the_clients(launch):
    server = launch(executor="ext", files={"tell.php": TELL})
    assert json.loads(server.fetch("/tell.php", fields=[("traceparent", "anything")]).body)[0] == "anything"
    assert json.loads(server.fetch("/tell.php").body)[0] is None


# ---- request ids


def test_a_trusted_proxys_request_id(launch):
    server = launch("--proxy-trusted", "loopback", executor="ext", files={"tell.php": TELL})
    for given in ("abcdefgh", "A.b-c_9" * 9, "0af7651916cd43dd8448eb211c80319c"):
        assert json.loads(server.fetch("/tell.php", fields=[("X-Request-Id", given)]).body)[2] == given
    for given in ("short", "x" * 65, "with blank", 'quote"123', "<script>1", ""):
        assert re.fullmatch(r"[0-9a-f]{32}", json.loads(server.fetch("/tell.php", fields=[("X-Request-Id", given)]).body)[2])


def test_nobody_elses(launch):
    server = launch(executor="ext", files={"tell.php": TELL})
    assert re.fullmatch(r"[0-9a-f]{32}", json.loads(server.fetch("/tell.php", fields=[("X-Request-Id", "abcdefgh")]).body)[2])


# ---- the error log, and spans for OpenTelemetry


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_about_a_request_have_its_trace(launch, form):
    server = launch("--trace-context", "--log-format", form, executor="ext", files={"say.php": "<?php error_log('said'); phpsrv_log('told', 'warning', ['a' => 1]);"})
    server.fetch("/say.php", fields=[("traceparent", PARENT)])
    for event in ("php.message", "php.log"):
        line = server.wait_log(event)
        assert line["trace_id"] == TRACE and re.fullmatch(r"[0-9a-f]{16}", line["span_id"]) and line["span_id"] != SPAN and line["request_id"]


def test_lines_without_a_trace_say_nothing_of_one(launch):
    server = launch(executor="ext", files={"say.php": "<?php error_log('said'); phpsrv_log('told');"})
    server.fetch("/say.php", fields=[("traceparent", PARENT)])
    assert "trace_id" not in server.wait_line("php.message.*").group(0) + server.wait_line("php.log.*").group(0)


def test_a_slow_script_has_its_trace(launch):
    server = launch("--trace-context", "--slow-log-ms", "50ms", executor="ext", files={"slow.php": "<?php usleep(400000);"})
    server.fetch("/slow.php", fields=[("traceparent", PARENT)])
    assert server.wait_log("request.slow")["trace_id"] == TRACE


def test_a_script_as_a_span(launch):
    sink = Collector()
    try:
        server = launch("--otlp-endpoint", sink.url, "--otlp-delay-ms", "50ms", executor="ext", files={"tell.php": TELL, "finish.php": "<?php echo 1; fastcgi_finish_request(); usleep(500000);"})
        field = json.loads(server.fetch("/tell.php?q", fields=[("traceparent", PARENT)]).body)[0]
        wait_until(lambda: len(sink.servers()) == 1, "the span")
        (span,) = sink.servers()
        assert field == f"00-{span.trace}-{span.id}-01" and span.parent == SPAN, "what the script calls is a child of this span"
        assert span.attributes["phpsrv.script"] == "/tell.php" and span.attributes["url.path"] == "/tell.php"
        assert json.loads(server.fetch("/tell.php").body)[0].endswith("-01"), "who names a collector wants to see something"
        server.fetch("/finish.php")
        wait_until(lambda: len(sink.servers()) == 3, "the span")
        last = sink.servers()[2]
        assert last.end - last.start < 400_000_000, "the response was complete before the script was"
    finally:
        sink.close()


def test_what_a_script_has_taken(launch):
    burn = "<?php $s = str_repeat('x', 20_000_000); $t = hrtime(true); while (hrtime(true) - $t < 50e6); usleep(50000); echo 'done';"
    server = launch("--log-access", "custom", "--log-access-format", "$script $memory_peak $cpu_time $php_time", executor="ext", files={"burn.php": burn})
    server.fetch("/burn.php")
    name, memory, cpu, php = server.wait_stdout(rb"(.*)\n").group(1).decode().split()
    assert name == "/burn.php" and 20_000_000 < int(memory) < 30_000_000
    assert 0.01 < float(cpu) <= float(php) - 0.04, "sleeping takes no processor time"
