"""queue.wait_ms: a request that no worker begins in time is refused and never runs.

SPDX-License-Identifier: MIT
"""

import contextlib
import functools
import json
import signal
import time

import pytest

from testenv import H2Wire, run_binary, stub, wait_until

WAIT_MS = 300
# The clock of a turn of the loop is read at its beginning: what arrives during the turn seems to have come a little earlier.
LEAST_SECONDS = (WAIT_MS - 10) / 1000
RETRY = {"Retry-After": "1"}
REASON = "waited too long for a worker"


@pytest.fixture
def launch(launch):  # pylint: disable=redefined-outer-name
    """What these tests leave running is not waited for at the end."""
    return functools.partial(launch, "--server-drain-timeout-ms", "1s")


def busy(server, count):
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == count, f"{count} busy workers")


def queued(server, count):
    wait_until(lambda: server.metrics()["phpsrv_queue_depth"] == count, f"{count} queued requests")


def refused(server):
    return server.metrics().value("phpsrv_queue_rejected_total", reason="wait_limit")


def shown(server):
    return json.loads(server.internal("/config").body)["queue.wait_ms"]["value"]


def runs(server):
    return server.metrics()["phpsrv_worker_run_seconds_count"]


@contextlib.contextmanager
def occupied(server, target=stub.stream(1_000_000, milliseconds=20)):
    """The only worker has something to do until first.reset(), or for as long as the target says."""
    with server.connect() as first:
        first.request(target)
        busy(server, 1)
        yield first


def at_rest(server):
    busy(server, 0)
    queued(server, 0)


def test_refused_after_the_wait_and_never_run(launch):
    server = launch("--queue-wait-ms", WAIT_MS, "--log-access", "json", workers=1)
    with occupied(server) as first, contextlib.ExitStack() as stack:
        wires = [stack.enter_context(server.connect()) for _ in range(5)]
        start = time.monotonic()
        for wire in wires:
            wire.request(stub.ECHO)
        for wire in wires:
            wire.expect_response(503, RETRY)
            assert time.monotonic() - start >= LEAST_SECONDS
        assert refused(server) == 5 == server.metrics()["phpsrv_queue_rejected_total"]
        assert server.metrics().value("phpsrv_refused_requests_total", status="503") == 5
        first.reset()
        at_rest(server)
        assert runs(server) == 1, "only the one before them has run"
        for wire in wires:
            wire.request(stub.ECHO)
            wire.expect_response(200)
    wait_until(lambda: server.stdout.count(b"\n") >= 11, "eleven lines of the access log")
    lines = [json.loads(line) for line in server.stdout.splitlines()]
    late = [line for line in lines if line["status"] == 503]
    assert len(late) == 5
    for line in late:
        assert line["refusal"] == REASON and "worker" not in line and line["duration_ms"] >= LEAST_SECONDS * 1000


def test_what_has_begun_in_time_takes_as_long_as_it_takes(launch):
    server = launch("--queue-wait-ms", WAIT_MS, workers=1)
    with server.connect() as wire:
        wire.request(stub.sleep(WAIT_MS * 5))
        wire.expect_response(200, body=b"slept\n")
    with occupied(server, stub.sleep(WAIT_MS // 10)) as first, server.connect() as wire:
        wire.request(stub.sleep(WAIT_MS * 4))  # it waits, but not for too long
        first.expect_response(200)
        wire.expect_response(200, body=b"slept\n")
    assert refused(server) == 0


def test_a_response_that_lasts_is_left_alone(launch):
    server = launch("--queue-wait-ms", WAIT_MS, workers=1)
    assert server.fetch(stub.stream(20, milliseconds=WAIT_MS // 10)).body == stub.stream_body(20)
    with server.connect() as wire:
        wire.request(stub.finish(WAIT_MS * 3))  # answered; the worker goes on
        wire.expect_response(200, body=b"finished\n")
    at_rest(server)
    assert refused(server) == 0


def test_keep_alive_goes_on_after_it(launch):
    """With a body, too: it was read before the request began to wait."""
    server = launch("--queue-wait-ms", WAIT_MS, workers=1)
    with occupied(server) as first, server.connect() as wire:
        for method, body in (("GET", None), ("POST", stub.pattern(200_000)), ("HEAD", None)):
            wire.request(stub.ECHO, method, body=body)
            response = wire.expect_response(503, RETRY, method=method)
            assert not response.closes, "an overloaded server does not want new connections on top"
        first.reset()
        at_rest(server)
        wire.request(stub.ECHO, "POST", body=b"hello")
        assert stub.echoed(wire.expect_response(200)).body == b"hello"
    assert runs(server) == 2


def test_pipelined_requests_wait_one_after_the_other(launch):
    server = launch("--queue-wait-ms", WAIT_MS, workers=1)
    with occupied(server) as first, server.connect() as wire:
        start = time.monotonic()
        wire.send(f"GET {stub.ECHO} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * 2)
        wire.expect_response(503, RETRY)
        wire.expect_response(503, RETRY)
        assert time.monotonic() - start >= 2 * LEAST_SECONDS
        first.reset()


def test_error_pages_are_those_of_a_full_queue(launch, tmp_path):
    (tmp_path / "503.html").write_text("<p>come back later: {{status}}</p>")
    server = launch("--queue-wait-ms", WAIT_MS, "--queue-capacity", 1, "--error-pages", tmp_path, workers=1)
    with occupied(server) as first, server.connect() as waiting, server.connect() as late:
        waiting.request(stub.ECHO, fields=[("Accept", "text/html")])
        queued(server, 1)
        late.request(stub.ECHO, fields=[("Accept", "text/html")])
        full = late.expect_response(503, RETRY)
        slow = waiting.expect_response(503, RETRY)
        assert full.body == slow.body == b"<p>come back later: 503</p>"
        unlike = {"date", "x-request-id"}
        assert [field for field in full.fields if field[0].lower() not in unlike] == [field for field in slow.fields if field[0].lower() not in unlike]
        first.reset()
    metrics = server.metrics()
    assert [metrics.value("phpsrv_queue_rejected_total", reason=reason) for reason in ("full", "wait_limit")] == [1, 1]


def test_streams_of_http2(launch):
    server = launch("--queue-wait-ms", WAIT_MS, workers=1)
    with occupied(server) as first, H2Wire(server.address) as wire:
        start = time.monotonic()
        streams = [wire.headers(path=stub.ECHO) for _ in range(3)]
        for stream in streams:
            response = wire.response(stream)
            assert (response.status, response["retry-after"]) == (503, "1")
        assert time.monotonic() - start >= LEAST_SECONDS
        first.reset()
        at_rest(server)
        assert wire.request(path=stub.ECHO).status == 200
    assert refused(server) == 3 and runs(server) == 2


def test_a_client_that_leaves_meanwhile(launch):
    server = launch("--queue-wait-ms", WAIT_MS, workers=1)
    with occupied(server) as first:
        with server.connect() as gone, server.connect() as stays:
            gone.request(stub.ECHO)
            queued(server, 1)
            stays.request(stub.ECHO)
            gone.reset()
            wait_until(lambda: server.metrics().value("phpsrv_client_aborts_total", stage="queued") == 1, "the abort is seen")
            stays.expect_response(503, RETRY)
            stays.reset()
        assert refused(server) == 1
        first.reset()
    at_rest(server)
    assert runs(server) == 1 and server.fetch(stub.ECHO).status == 200


def test_many_waits_end_at_once(launch):
    """Each is answered once, nothing is held afterwards, and what comes next is served."""
    server = launch("--queue-wait-ms", WAIT_MS, "--queue-capacity", 500, workers=1)
    server.fetch(stub.ECHO)
    with occupied(server) as first, contextlib.ExitStack() as stack:
        wires = [stack.enter_context(server.connect()) for _ in range(400)]
        for wire in wires:
            wire.request(stub.ECHO)
        for wire in wires:
            wire.expect_response(503, RETRY)
        assert refused(server) == 400
        first.reset()
        at_rest(server)
        for wire in wires[:50]:
            wire.request(stub.ECHO)
            wire.expect_response(200)
    wait_until(lambda: server.metrics()["phpsrv_requests_in_flight"] == 0, "none is in flight")
    assert runs(server) == 52


def test_requests_that_begin_just_in_time_or_not(launch):
    """The worker and the timer want the same request in the same millisecond: it is served or refused, never both and never neither."""
    server = launch("--queue-wait-ms", 40, workers=1)
    outcomes = {200: 0, 503: 0}
    for turn in range(30):
        with server.connect() as first, server.connect() as second:
            first.request(stub.sleep(30 + turn))
            second.request(stub.ECHO)
            first.expect_response(200)
            outcomes[second.expect_response().status] += 1
    at_rest(server)
    assert outcomes[200] + outcomes[503] == 30 and refused(server) == outcomes[503]
    assert runs(server) == 30 + outcomes[200]


def test_off_by_default(launch):
    server = launch(workers=1)
    assert shown(server) == 0
    with occupied(server, stub.sleep(2000)) as first, server.connect() as wire:
        wire.request(stub.ECHO)
        queued(server, 1)
        first.expect_response(200)
        wire.expect_response(200)
    assert refused(server) == 0


def test_the_deadline_of_the_request_may_come_first(launch, tmp_path):
    (tmp_path / "phpsrv.toml").write_text("[[prefixes]]\nprefix = '/quick'\nrequest.timeout_ms = '400ms'\n")
    server = launch("--config", tmp_path / "phpsrv.toml", "--queue-wait-ms", "60s", workers=1)
    with occupied(server) as first, server.connect() as wire:
        wire.request("/quick/a")
        wire.expect_response(504)
        first.reset()
    assert refused(server) == 0


def test_each_site_and_path_has_its_own(launch, tmp_path):
    (tmp_path / "phpsrv.toml").write_text(
        f"[[sites]]\nhosts = ['patient']\nqueue.wait_ms = 0\n[[sites.prefixes]]\nprefix = '/hurry'\nqueue.wait_ms = '{WAIT_MS}ms'\n[[sites]]\nhosts = ['like-all']\n"
    )
    server = launch("--config", tmp_path / "phpsrv.toml", "--queue-wait-ms", WAIT_MS, workers=1)
    with occupied(server) as first, contextlib.ExitStack() as stack:
        patient, hurried, inherits = (stack.enter_context(server.connect()) for _ in range(3))
        patient.request("/a", host="patient")
        hurried.request("/hurry/a", host="patient")
        inherits.request("/a", host="like-all")
        hurried.expect_response(503, RETRY)
        inherits.expect_response(503, RETRY)
        assert not patient.readable()
        first.reset()
        patient.expect_response(200)


def test_a_reload_changes_it(launch, tmp_path):
    path = tmp_path / "phpsrv.toml"
    path.write_text("")
    server = launch("--config", path, "--supervisor=true", workers=1)
    server.wait_log("supervisor.generation_ready")
    path.write_text(f"queue.wait_ms = '{WAIT_MS}ms'\n")
    mark = server.mark()
    server.process.send_signal(signal.SIGHUP)
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    server.wait_log("supervisor.generation_ready", after=mark)
    server.wait_log("supervisor.generation_ended", after=mark)
    assert shown(server) == WAIT_MS
    with occupied(server) as first, server.connect() as wire:
        wire.request(stub.ECHO)
        wire.expect_response(503, RETRY)
        first.reset()


@pytest.mark.parametrize("value", ["soon", "-1", "2h"])
def test_what_it_may_not_be(value):
    done = run_binary("--check-config", "--queue-wait-ms", value)
    assert done.returncode != 0 and "queue-wait-ms" in done.stderr


def test_scripts_of_worker_mode(launch):
    """A queue of their own, and the same wait."""
    app = "<?php while (frankenphp_handle_request(function () { usleep(1000 * (int)($_GET['ms'] ?? 0)); echo 'app'; })) {}"
    server = launch("--worker", "app.php,1", "--queue-wait-ms", WAIT_MS, workers=1, executor="ext", files={"app.php": app, "classic.php": "<?php echo 'classic';"})
    with server.connect() as first, server.connect() as wire:
        first.request("/app.php?ms=1500")
        wait_until(lambda: json.loads(server.internal("/status?json").body)["scripts"][0]["busy"] == 1, "the script's thread is busy")
        start = time.monotonic()
        wire.request("/app.php")
        wire.expect_response(503, RETRY)
        assert time.monotonic() - start >= LEAST_SECONDS
        wire.request("/classic.php")
        wire.expect_response(200, body=b"classic")
        first.expect_response(200, body=b"app")
        wire.request("/app.php")
        wire.expect_response(200, body=b"app")
    assert refused(server) == 1
