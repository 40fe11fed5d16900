"""Traces (W3C Trace Context) and the request ids of trusted proxies: from the client to the script and the log.

SPDX-License-Identifier: MIT
"""

import json
import re

import pytest

from testenv import H2Wire, wait_until

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
