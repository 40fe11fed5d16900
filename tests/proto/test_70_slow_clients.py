"""Hundreds of clients that drip or do not read: everybody else is served, no worker and no descriptor is lost.

SPDX-License-Identifier: MIT
"""

import selectors
import threading

import pytest

from testenv import scaled, stub, wait_until

CLIENTS = 200
PATIENT = (
    "--http-header-timeout-ms", "60s",
    "--http-body-idle-timeout-ms", "60s",
    "--http-write-timeout-ms", "60s",
)  # fmt: skip


class Crowd:
    """Many sockets on one thread: each sends its stream one byte a second, and reads one byte a second if asked to."""

    def __init__(self, server, stream, reads=False):
        self.wires = [server.connect(receive_buffer=4096, timeout=60) for _ in range(CLIENTS)]
        self.stream = stream
        self.reads = reads
        self.turns = 0
        self.turned = threading.Condition()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        position = 0
        while not self.ended.is_set():
            for wire in self.wires:
                if position < len(self.stream):
                    wire.try_send(self.stream[position : position + 1])
                if self.reads and wire.readable():
                    wire.socket.recv(1)
            position += 1
            with self.turned:
                self.turns += 1
                self.turned.notify_all()
            self.ended.wait(1)

    def wait_turns(self, count):
        with self.turned:
            goal = self.turns + count
            assert self.turned.wait_for(lambda: self.turns >= goal, scaled(60))

    def leave(self):
        self.ended.set()
        self.thread.join()
        for wire in self.wires:
            wire.reset()


HEAD = f"GET {stub.ECHO} HTTP/1.1\r\nHost: h\r\nX-A: {'a' * 500}\r\n\r\n".encode()
UPLOAD = f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n".encode()


@pytest.mark.parametrize("kind", ["heads", "bodies", "readers", "file readers"])
def test_slow_clients_stop_nobody(launch, kind):
    server = launch(*PATIENT, workers=2, files={"large.bin": bytes(5_000_000)})
    server.fetch(stub.ECHO)
    descriptors = server.descriptors()
    stream = {"heads": HEAD, "bodies": b"", "readers": b"", "file readers": b""}[kind]
    crowd = Crowd(server, stream if kind == "heads" else b"x" * 400, reads="readers" in kind)
    try:
        if kind == "bodies":
            for wire in crowd.wires:
                wire.socket.sendall(UPLOAD)
        elif kind == "readers":
            for wire in crowd.wires:
                wire.request(stub.body(600_000))
        elif kind == "file readers":
            for wire in crowd.wires:
                wire.request("/large.bin")
        wait_until(lambda: server.metrics()["phpsrv_connections"] >= CLIENTS, "the crowd is there")
        for _ in range(3):
            crowd.wait_turns(1)
            with server.connect() as wire:
                for number in range(100):
                    wire.request(f"{stub.ECHO}?{number}")
                    wire.expect_response(200)
                    wire.request("/large.bin", fields=[("Range", "bytes=0-99")])
                    wire.expect_response(206)
            for _ in range(20):
                assert server.fetch(stub.body(100_000)).status == 200
        metrics = server.metrics()
        if kind != "readers":
            assert metrics.value("phpsrv_workers", state="busy") == 0, "a slow client holds no worker"
        assert metrics["phpsrv_queue_depth"] == 0
        assert metrics["phpsrv_connections"] >= CLIENTS, "the crowd was thrown out instead of being borne"
    finally:
        crowd.leave()
    wait_until(lambda: server.metrics()["phpsrv_connections"] <= 1, "the crowd is gone")
    wait_until(lambda: server.descriptors() <= descriptors + 1, "its descriptors are closed")
    assert server.fetch(stub.ECHO).status == 200


def test_slow_readers_of_scripts_hold_no_worker(launch):
    """A complete response leaves its worker at once, however slowly the client reads."""
    server = launch(*PATIENT, workers=1)
    wires = [server.connect(receive_buffer=4096) for _ in range(50)]
    for wire in wires:
        wire.request(stub.body(600_000))
    selector = selectors.DefaultSelector()
    for wire in wires:
        selector.register(wire.socket, selectors.EVENT_READ)
    waiting = set(range(len(wires)))
    while waiting:
        ready = selector.select(scaled(20))
        assert ready, f"{len(waiting)} clients wait for the only worker"
        for key, _ in ready:
            selector.unregister(key.fileobj)
            waiting.discard(next(i for i, wire in enumerate(wires) if wire.socket is key.fileobj))
    assert server.fetch(stub.ECHO).status == 200
    for wire in wires:
        wire.reset()


def test_slow_heads_time_out_together(launch):
    """With ordinary limits a crowd that drips heads is gone after the header timeout."""
    server = launch("--http-header-timeout-ms", "2s", workers=1)
    crowd = Crowd(server, HEAD)
    try:
        wait_until(lambda: server.metrics().value("phpsrv_timeouts_total", kind="header") == CLIENTS, "all timed out", 60)
        assert server.fetch(stub.ECHO).status == 200
    finally:
        crowd.leave()
    wait_until(lambda: server.metrics()["phpsrv_connections"] <= 1, "nothing is left")
