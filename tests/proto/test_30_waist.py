"""Overload and clients that leave: the queue answers, nothing is lost, nothing is leaked.

SPDX-License-Identifier: MIT
"""

import contextlib
import functools
import time

import pytest

from testenv import scaled, stub, wait_until


def busy(server, count):
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == count, f"{count} busy workers")


def queued(server, count):
    wait_until(lambda: server.metrics()["phpsrv_queue_depth"] == count, f"{count} queued requests")


def at_rest(server):
    """Everything that a request may hold has been given back."""

    def is_so():
        metrics = server.metrics()
        return (
            metrics["phpsrv_queue_depth"] == 0
            and metrics.value("phpsrv_workers", state="busy") == 0
            and metrics["phpsrv_connections"] <= 1
        )

    wait_until(is_so, "the server is at rest")


def rest_descriptors(server):
    at_rest(server)
    return server.descriptors()


def nothing_leaked(server, descriptors):
    at_rest(server)
    wait_until(lambda: server.descriptors() <= descriptors, f"descriptors are given back, {descriptors} before")


@pytest.fixture
def launch(launch):  # pylint: disable=redefined-outer-name
    """What these tests leave running is not waited for at the end."""
    return functools.partial(launch, "--server-drain-timeout-ms", "1s")


@contextlib.contextmanager
def occupied(server, queue_length, milliseconds=None):
    """One worker busy, for that time or until first.reset(), and so many requests behind it; the clients leave at the end."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(server.connect())
        stack.callback(first.reset)
        first.request(stub.sleep(milliseconds) if milliseconds else stub.stream(1_000_000, milliseconds=20))
        busy(server, 1)
        waiting = [stack.enter_context(server.connect()) for _ in range(queue_length)]
        for wire in waiting:
            wire.request(stub.ECHO)
        queued(server, queue_length)
        yield first, waiting


# ---- more workers than processors


def test_scripts_that_wait_get_all_workers(launch):
    server = launch(workers=12)
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            wire = stack.enter_context(server.connect())
            stack.callback(wire.reset)
            wire.request(stub.sleep(600_000))
        busy(server, 12)
        assert server.metrics()["phpsrv_queue_depth"] == 0


# ---- a full queue


def test_thousand_requests_at_a_full_queue(launch):
    server = launch("--queue-capacity", "10", workers=1)
    server.fetch(stub.ECHO)
    idle_descriptors = rest_descriptors(server)
    with occupied(server, 10) as (first, waiting):
        slowest = 0
        with server.connect() as wire:
            for number in range(1000):
                start = time.monotonic()
                wire.request(f"{stub.ECHO}?{number}")
                response = wire.expect_response(503, {"Retry-After": "1"})
                slowest = max(slowest, time.monotonic() - start)
                assert not response.closes, "an overloaded server does not want new connections on top"
            metrics = server.metrics()
            assert metrics["phpsrv_queue_rejected_total"] == 1000
            assert metrics.value("phpsrv_refused_requests_total", status="503") == 1000
            assert metrics["phpsrv_queue_depth"] == 10
        assert slowest < scaled(1), "refusing must not wait for anything"
        first.reset()
        for wire in waiting:
            wire.expect_response(200)
        assert server.fetch(stub.ECHO).status == 200
    nothing_leaked(server, idle_descriptors)
    assert server.metrics()["phpsrv_worker_run_seconds_count"] == 13


def test_thousand_connections_at_a_full_queue(launch):
    server = launch("--queue-capacity", "5", workers=1)
    server.fetch(stub.ECHO)
    idle_descriptors = rest_descriptors(server)
    with occupied(server, 5) as (first, _):
        for _ in range(1000):
            response = server.fetch(stub.ECHO)
            assert (response.status, response.get("Retry-After")) == (503, "1")
        first.reset()
    nothing_leaked(server, idle_descriptors)
    assert server.fetch(stub.ECHO).status == 200


def test_refused_before_the_body_is_read(launch):
    """Overload costs no memory: 503 comes after the head, the body is not asked for."""
    server = launch("--queue-capacity", "1", workers=1)
    with occupied(server, 1):
        with server.connect() as wire:
            wire.send(
                f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert wire.expect_response(503, {"Retry-After": "1"}).interim == []
        with server.connect() as wire:
            wire.send(f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n".encode())
            wire.expect_response(503, {"Retry-After": "1"})


def test_files_and_health_are_served_under_overload(launch):
    server = launch("--queue-capacity", "1", workers=1, files={"a.txt": "file"})
    with occupied(server, 1):
        assert server.fetch("/a.txt").body == b"file"
        assert server.internal("/metrics").status == 200
        assert server.health()[0] == 200


def test_default_capacity(launch):
    assert launch(workers=3).metrics()["phpsrv_queue_capacity"] == 300


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 64])
def test_capacity_is_exact(launch, capacity):
    """Any number, not only powers of two: so many wait, and the next one is refused."""
    server = launch("--queue-capacity", capacity, workers=1)
    assert server.metrics()["phpsrv_queue_capacity"] == capacity
    with occupied(server, capacity):
        assert server.fetch(stub.ECHO).status == 503


def test_first_come_first_served(launch):
    server = launch(workers=1)
    with occupied(server, 0, milliseconds=1000):
        wires = []
        for number in range(20):
            wire = server.connect()
            wire.request(f"{stub.ECHO}?{number}")
            queued(server, number + 1)
            wires.append(wire)
        for number, wire in enumerate(wires):
            assert stub.echoed(wire.expect_response(200)).target.endswith(f"?{number}")
            wire.close()


def test_one_slow_request_does_not_hold_others_back(launch):
    """One queue for all workers: the free one takes everything."""
    server = launch(workers=2)
    with occupied(server, 0):
        for _ in range(100):
            assert server.fetch(stub.ECHO).status == 200


def test_all_workers_run_at_once(launch):
    server = launch(workers=4)
    wires = [server.connect() for _ in range(4)]
    for wire in wires:
        wire.request(stub.sleep(2000))
    busy(server, 4)
    for wire in wires:
        wire.expect_response(200)
        wire.close()


# ---- clients that leave


@pytest.mark.parametrize("leave", ["reset", "close"])
def test_client_gone_while_queued_never_runs(launch, leave):
    server = launch(workers=1)
    with occupied(server, 0, milliseconds=1500) as (first, _):
        wires = [server.connect() for _ in range(5)]
        for wire in wires:
            wire.request(stub.ECHO)
        queued(server, 5)
        for wire in wires:
            if leave == "reset":
                wire.reset()
            else:
                wire.close()
        if leave == "reset":
            wait_until(
                lambda: server.metrics().value("phpsrv_client_aborts_total", stage="queued") == 5, "five aborts are seen"
            )
        first.expect_response(200)
    at_rest(server)
    runs = server.metrics()["phpsrv_worker_run_seconds_count"]
    # A plain close is a FIN, which a client sends too that only ends its own side: those five may run.
    assert runs == 1 if leave == "reset" else runs in range(1, 7)
    assert server.fetch(stub.ECHO).status == 200


def test_cancelled_requests_make_room(launch):
    """A queue full of requests whose clients left does not refuse those who are there."""
    server = launch("--queue-capacity", "3", workers=1)
    with occupied(server, 3, milliseconds=2000) as (first, waiting):
        for wire in waiting:
            wire.reset()
        wait_until(lambda: server.metrics().value("phpsrv_client_aborts_total", stage="queued") == 3, "three aborts")
        first.expect_response(200)
        assert server.fetch(stub.ECHO).status == 200
    at_rest(server)


def test_client_gone_while_running(launch):
    server = launch(workers=1)
    server.fetch(stub.ECHO)
    idle_descriptors = rest_descriptors(server)
    with server.connect() as wire:
        wire.request(stub.stream(100_000, size=1000, milliseconds=1))
        busy(server, 1)
        wire.reset()
    wait_until(lambda: server.metrics().value("phpsrv_client_aborts_total", stage="running") == 1, "the abort is seen")
    nothing_leaked(server, idle_descriptors)  # the script learns it at its next write, not at its end
    assert server.fetch(stub.ECHO).status == 200


def test_client_gone_while_the_response_is_sent(launch):
    server = launch(workers=1, files={"large.bin": bytes(20_000_000)})
    server.fetch(stub.ECHO)
    idle_descriptors = rest_descriptors(server)
    for target in (stub.body(20_000_000), "/large.bin"):
        for _ in range(10):
            wire = server.connect(receive_buffer=4096)
            wire.request(target)
            wire.socket.recv(1000)
            wire.reset()
    wait_until(lambda: server.metrics().value("phpsrv_client_aborts_total", stage="sending") >= 1, "aborts are counted")
    nothing_leaked(server, idle_descriptors + 1)  # the large file may stay open in the cache
    assert server.fetch(stub.ECHO).status == 200


def test_client_gone_in_the_middle_of_a_body(launch):
    server = launch(workers=1)
    server.fetch(stub.ECHO)
    idle_descriptors = rest_descriptors(server)
    for size in (10, 500_000):
        for _ in range(20):
            wire = server.connect()
            wire.send(f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n".encode() + bytes(size))
            wire.reset()
    nothing_leaked(server, idle_descriptors)
    assert server.metrics()["phpsrv_worker_run_seconds_count"] == 1


def test_pipelining_client_that_leaves(launch):
    server = launch(workers=1)
    for _ in range(20):
        wire = server.connect()
        wire.send(f"GET {stub.sleep(1)} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * 30)
        wire.expect_response(200)
        wire.reset()
    at_rest(server)
    assert server.fetch(stub.ECHO).status == 200


# ---- back-pressure


@pytest.mark.no_sanitizer
def test_stream_waits_for_its_reader(launch):
    """The window bounds what a stream that nobody reads can pile up."""
    server = launch("--response-window-bytes", "64K", "--http-write-timeout-ms", "60s", workers=2)
    before = server.memory_kib("Rss")
    with server.connect(receive_buffer=4096) as wire:
        wire.request(stub.stream(2000, size=50_000))
        busy(server, 1)
        for _ in range(50):
            assert server.fetch(stub.body(1000)).status == 200
        assert server.metrics().value("phpsrv_workers", state="busy") == 1, "it must wait, not finish"
        assert server.memory_kib("Rss") - before < 8 * 1024
        response = wire.expect_response(200)
        assert response.body == stub.stream_body(2000, 50_000)
    at_rest(server)


def test_whole_response_frees_its_worker_before_the_client_has_it(launch):
    """Past response.memory_bytes the body lies in a memory file; the worker goes on."""
    server = launch("--response-memory-bytes", "64K", "--http-write-timeout-ms", "60s", workers=1)
    with server.connect(receive_buffer=4096) as wire:
        wire.request(stub.body(20_000_000))
        assert wire.readable(timeout=scaled(20))
        busy(server, 0)
        assert server.fetch(stub.ECHO).status == 200
        response = wire.expect_response(200)
        assert response.body == stub.pattern(20_000_000)


# ---- promises that a script breaks


@pytest.mark.parametrize("flush", [False, True], ids=["at the end", "flushed first"])
def test_script_that_writes_less_than_it_promised(launch, flush):
    """The client must notice: the connection ends early."""
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.promise(100, 50, flush))
        if flush:
            head, _, body = wire.expect_cut().partition(b"\r\n\r\n")
            assert b"ength: 100" in head and len(body) <= 50, head
        else:
            wire.expect_response(500)
    assert server.fetch(stub.ECHO).status == 200


@pytest.mark.parametrize("flush", [False, True], ids=["at the end", "flushed first"])
def test_script_that_writes_more_than_it_promised(launch, flush):
    """What is over must never be taken for the next response."""
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.promise(50, 100, flush))
        response = wire.expect_response()
        assert response.status == 500 or len(response.body) == 50
        if not response.closes:
            wire.request(stub.ECHO)
            assert stub.echoed(wire.expect_response(200)).method == "GET"
        else:
            wire.expect_close()


def test_script_that_promises_and_writes_nothing_for_head(launch):
    """RFC 9110 9.3.2: the length of what GET would have sent."""
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.promise(100, 0), "HEAD")
        assert wire.expect_response(200, method="HEAD").get("Content-Length") == "100"
        wire.request(stub.ECHO)
        wire.expect_response(200)


# ---- scripts that fail, and threads that break


def test_script_that_fails_before_it_answers(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.fail())
        response = wire.expect_response(500)
        if not response.closes:
            wire.request(stub.ECHO)
            wire.expect_response(200)


def test_script_that_fails_after_it_began(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.fail(1000))
        rest = wire.expect_cut()
        assert rest.startswith(b"HTTP/1.1 200 ") and not rest.endswith(b"0\r\n\r\n"), rest[-100:]
    assert server.fetch(stub.ECHO).status == 200


def test_broken_thread_is_replaced(launch):
    server = launch(workers=2).expect_log(r"worker\.")
    for turn in range(1, 6):
        with server.connect() as wire:
            wire.request(stub.BREAK)
            wire.expect_response(500)
        wait_until(lambda t=turn: server.metrics()["phpsrv_worker_restarts_total"] == t, "the thread is replaced")
    wait_until(lambda: server.metrics()["phpsrv_workers"] == 2, "both workers are there")
    for _ in range(20):
        assert server.fetch(stub.ECHO).status == 200


def test_requests_behind_a_broken_thread_are_served(launch):
    server = launch(workers=1).expect_log(r"worker\.")
    wires = [server.connect() for _ in range(6)]
    wires[0].request(stub.sleep(500))
    busy(server, 1)
    wires[1].request(stub.BREAK)
    queued(server, 1)
    for wire in wires[2:]:
        wire.request(stub.ECHO)
    wires[0].expect_response(200)
    wires[1].expect_response(500)
    for wire in wires[2:]:
        wire.expect_response(200)
    for wire in wires:
        wire.close()


def test_response_is_sent_before_the_script_has_ended(launch):
    """fastcgi_finish_request() and its like: the client has its answer, the worker goes on."""
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.finish(1500))
        wire.expect_response(200, body=b"finished\n")
        assert server.metrics().value("phpsrv_workers", state="busy") == 1
        wire.request(stub.ECHO)
        wire.expect_response(200)
    at_rest(server)


def test_client_gone_after_the_response_was_finished(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.finish(800))
        wire.expect_response(200)
        wire.reset()
    at_rest(server)
    assert server.fetch(stub.ECHO).status == 200
