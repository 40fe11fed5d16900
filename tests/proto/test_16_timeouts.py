"""Timeouts that end slow or silent clients, each of its own kind, and the lingering close.

The tests wait for what the server does; wall-clock times are only lower bounds (too early is a defect), never upper ones.
SPDX-License-Identifier: MIT
"""

import threading
import time

import pytest

from testenv import stub, wait_until

SERVER_ARGUMENTS = (
    "--http-header-timeout-ms", "400",
    "--http-body-idle-timeout-ms", "500",
    "--http-keepalive-timeout-ms", "600",
    "--http-write-timeout-ms", "700",
    "--http-linger-timeout-ms", "1000",
    "--server-drain-timeout-ms", "5s",
)  # fmt: skip


def timeouts(server, kind):
    return server.metrics().value("phpsrv_timeouts_total", kind=kind)


class Drip:
    """Sends one byte every 50 ms on a thread until the server closes."""

    def __init__(self, wire, data):
        self.wire, self.data = wire, data
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        for index in range(len(self.data)):
            if self.ended.wait(0.05) or not self.wire.try_send(self.data[index : index + 1]):
                return

    def stop(self):
        self.ended.set()
        self.thread.join()


# ---- header


def test_head_that_stops(server):
    before = timeouts(server, "header")
    start = time.monotonic()
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n")
        response = wire.expect_response(408)
        assert time.monotonic() - start >= 0.39
        assert response.closes
        wire.expect_close()
    assert timeouts(server, "header") == before + 1


def test_head_that_drips(server):
    """The limit is for the whole head: a byte now and then does not extend it."""
    with server.connect() as wire:
        start = time.monotonic()
        drip = Drip(wire, b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X-A: a\r\n" * 1000)
        wire.expect_response(408)
        assert 0.39 <= time.monotonic() - start < 20
        drip.stop()


def test_second_head_that_stops(server):
    with server.connect() as wire:
        wire.request(stub.ECHO)
        wire.expect_response(200)
        wire.send(b"GET / HT")
        wire.expect_response(408)
        wire.expect_close()


def test_connection_that_says_nothing(server):
    """Nothing was asked: it is closed without an answer."""
    start = time.monotonic()
    with server.connect() as wire:
        wire.expect_close()
    assert time.monotonic() - start >= 0.39


def test_time_in_the_application_is_no_header_time(server):
    with server.connect() as wire:
        wire.request(stub.sleep(1500))
        wire.expect_response(200)
        wire.request(stub.ECHO)
        wire.expect_response(200)


def test_pipelined_head_waits_for_its_turn(server):
    """A whole second request that waits behind a slow first one is not late."""
    with server.connect() as wire:
        wire.request(stub.sleep(1500)).request(stub.ECHO + "?2")
        wire.expect_response(200)
        assert stub.echoed(wire.expect_response(200)).target.endswith("?2")


# ---- body


@pytest.mark.parametrize("announce", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_body_that_stops(server, announce):
    before = timeouts(server, "body")
    start = time.monotonic()
    with server.connect() as wire:
        wire.send(f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\n{announce}\r\n\r\n".encode())
        wire.send(b"5" if "Length" in announce else b"5\r\nab")
        response = wire.expect_response(408)
        assert time.monotonic() - start >= 0.49
        assert response.closes
        wire.expect_close()
    assert timeouts(server, "body") == before + 1


def test_body_that_drips_is_read_to_its_end(server):
    """The limit is for silence, not for the whole body: a slow upload is no attack."""
    body = b"x" * 24
    with server.connect() as wire:
        wire.send(f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        drip = Drip(wire, body)
        assert stub.echoed(wire.expect_response(200)).body == body
        drip.stop()


def test_body_that_never_comes_after_continue(server):
    with server.connect() as wire:
        wire.send(f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode())
        wire.expect_interim(100)
        wire.expect_response(408)


# ---- keep-alive


def test_idle_connection_is_closed_silently(server):
    before = timeouts(server, "keepalive")
    with server.connect() as wire:
        wire.request(stub.ECHO)
        wire.expect_response(200)
        start = time.monotonic()
        wire.expect_close()
        assert time.monotonic() - start >= 0.55
    assert timeouts(server, "keepalive") == before + 1


def test_busy_connection_is_not_idle(server):
    with server.connect() as wire:
        start = time.monotonic()
        while time.monotonic() - start < 1.5:
            wire.request(stub.sleep(50))
            wire.expect_response(200)


# ---- slow readers


@pytest.mark.parametrize("target", [stub.body(8_000_000), "/large.bin"], ids=["script", "file"])
def test_reader_that_stops(server, target):
    """The connection is cut and what it held is given back; no worker waits with it."""
    (server.docroot / "large.bin").write_bytes(bytes(8_000_000))
    before = timeouts(server, "write")
    with server.connect(receive_buffer=4096) as wire:
        wire.request(target)
        wait_until(lambda: timeouts(server, "write") > before, "the write timeout")
        assert len(wire.expect_cut()) < 8_000_000
    metrics = server.metrics()
    assert metrics.value("phpsrv_workers", state="busy") == 0
    wait_until(lambda: server.metrics()["phpsrv_connections"] <= 1, "the connection is gone")


def test_slow_reader_that_goes_on_gets_everything(server):
    with server.connect(receive_buffer=16384) as wire:
        wire.request(stub.body(400_000))
        start = time.monotonic()
        received = bytearray()
        while b"\r\n\r\n" not in received or len(received) < received.index(b"\r\n\r\n") + 4 + 400_000:
            received += wire.socket.recv(8192)
            time.sleep(0.03)
        assert time.monotonic() - start > 1


def test_reader_that_stops_does_not_hold_a_worker(launch):
    """One worker; a client that does not read its stream is parked with credits used up, others are served by the timeout."""
    server = launch("--http-write-timeout-ms", "700", workers=1)
    with server.connect(receive_buffer=4096) as wire:
        wire.request(stub.body(30_000_000))
        assert server.fetch(stub.ECHO).status == 200
        wire.reset()


# ---- lingering close


def test_last_response_survives_data_that_is_still_sent(server):
    """RFC 9112 9.6: closing with unread data would make the kernel send RST, which deletes the response at the client."""
    for _ in range(20):
        with server.connect() as wire:
            wire.send(b"POST /stub/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999\r\n\r\n")
            wire.try_send(bytes(200_000))
            wire.try_send(bytes(200_000))
            assert wire.expect_response(413).closes


def test_linger_ends(server):
    """A client that sends on for ever is cut off after http.linger_timeout_ms."""
    with server.connect() as wire:
        wire.send(b"BAD\r\n\r\n")
        wire.expect_response(400)
        drip = Drip(wire, bytes(100_000))
        drip.thread.join(60)
        assert not drip.thread.is_alive(), "the connection is still read"
    wait_until(lambda: server.metrics()["phpsrv_connections"] <= 1, "the connection is gone")


def test_close_is_seen_by_a_client_that_waits(server):
    """With nothing unread there is nothing to linger for: the FIN comes at once, before the linger time."""
    with server.connect() as wire:
        wire.request(stub.ECHO, fields=[("Connection", "close")])
        wire.expect_response(200)
        wire.expect_close()
        assert not wire.was_reset


# ---- deadline of a request


def test_deadline_is_504_and_the_worker_comes_back(launch):
    server = launch("--request-timeout-ms", "400", workers=1)
    with server.connect() as wire:
        start = time.monotonic()
        wire.request(stub.sleep(20_000))
        wire.expect_response(504)
        assert time.monotonic() - start >= 0.39
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 0, "the worker was interrupted")
    assert server.metrics().value("phpsrv_timeouts_total", kind="request") == 1
    assert server.fetch(stub.ECHO).status == 200


def test_deadline_includes_the_wait(launch):
    """A request that only waited is answered 504 as well, and never runs."""
    server = launch("--request-timeout-ms", "1500", workers=1)
    with server.connect() as busy, server.connect() as waiting:
        busy.request(stub.sleep(60_000))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        waiting.request(stub.sleep(60_000))
        waiting.expect_response(504)
        busy.expect_response(504)
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 0, "the worker is free")
    assert server.fetch(stub.ECHO).status == 200


def test_deadline_after_the_head_cuts_the_connection(launch):
    """A started response cannot become a 504: the client must see that it is incomplete."""
    server = launch("--request-timeout-ms", "600", workers=1)
    with server.connect() as wire:
        wire.request(stub.stream(1000, size=10, milliseconds=100))
        rest = wire.expect_cut()
        assert rest.startswith(b"HTTP/1.1 200 ")
        assert not rest.endswith(b"0\r\n\r\n"), "an unfinished stream ended as if it were complete"
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 0, "the worker is free")
