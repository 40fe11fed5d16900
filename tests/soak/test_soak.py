"""Minutes of everything at once: nothing leaks, nothing is lost, and the server ends cleanly. Run by ./dev test full.

PHPSRV_SOAK_SECONDS sets the length (60).
SPDX-License-Identifier: MIT
"""

import os
import random
import resource
import threading
import time

import pytest

from testenv import scaled, stub, wait_until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
SECONDS = float(os.environ.get("PHPSRV_SOAK_SECONDS", "60"))


def whole(server, wire, dice):
    """One exchange that must succeed."""
    kind = dice.randrange(5)
    if kind == 0:
        body = stub.pattern(dice.randrange(200_000))
        wire.request(stub.ECHO, "POST", body=body)
        assert stub.echoed(wire.expect_response(200)).body == body
    elif kind == 1:
        size = dice.randrange(600_000)
        wire.request(stub.body(size))
        assert len(wire.expect_response(200).body) == size
    elif kind == 2:
        wire.request(stub.stream(5, size=dice.randrange(50_000)))
        wire.expect_response(200)
    elif kind == 3:
        wire.request("/file.bin", fields=[("Range", f"bytes={dice.randrange(1000)}-")])
        wire.expect_response(206)
    else:
        for _ in range(10):
            wire.request(stub.ECHO)
        for _ in range(10):
            wire.expect_response(200)


def broken(server, dice):
    """A client that misbehaves, in one of many ways."""
    wire = server.connect(receive_buffer=4096)
    try:
        kind = dice.randrange(6)
        if kind == 0:
            wire.try_send(bytes(dice.randrange(256) for _ in range(200)))
        elif kind == 1:
            wire.try_send(b"POST /stub/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + bytes(dice.randrange(90_000)))
        elif kind == 2:
            wire.request(stub.body(2_000_000))
            wire.socket.recv(100)
        elif kind == 3:
            wire.request(stub.sleep(dice.randrange(30)))
        elif kind == 4:
            wire.request(stub.stream(1000, size=1000, milliseconds=1))
            wire.socket.recv(100)
        else:
            wire.request("/file.bin")
    finally:
        if dice.randrange(2):
            wire.reset()
        else:
            wire.close()


def test_mixed_traffic(launch):
    server = launch(workers=4, files={"file.bin": bytes(3_000_000)})
    stop = time.monotonic() + SECONDS
    problems, done = [], [0, 0]

    def good(seed):
        dice = random.Random(seed)
        try:
            while time.monotonic() < stop:
                with server.connect() as wire:
                    for _ in range(dice.randrange(1, 30)):
                        whole(server, wire, dice)
                        done[0] += 1
        except Exception as problem:  # pylint: disable=broad-except
            problems.append(repr(problem))

    def bad(seed):
        dice = random.Random(seed)
        try:
            while time.monotonic() < stop:
                broken(server, dice)
                done[1] += 1
        except Exception as problem:  # pylint: disable=broad-except
            problems.append(repr(problem))

    def at_rest():
        metrics = server.metrics()
        busy = metrics.value("phpsrv_workers", state="busy")
        return busy == 0 and metrics["phpsrv_queue_depth"] == 0 and metrics["phpsrv_connections"] <= 1

    for seed in range(20):
        broken(server, random.Random(seed))
    wait_until(at_rest, "at rest before", 60)
    descriptors, middle = server.descriptors(), []

    def watch():
        time.sleep(SECONDS / 2)
        middle.append(server.memory_kib("Rss"))

    threads = [threading.Thread(target=good, args=(n,)) for n in range(4)]
    threads += [threading.Thread(target=bad, args=(n,)) for n in range(4)]
    threads.append(threading.Thread(target=watch))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + scaled(120))
    assert not problems, problems
    assert done[0] > SECONDS and done[1] > SECONDS, done
    wait_until(at_rest, "at rest after", 60)
    wait_until(lambda: server.descriptors() <= descriptors + 1, "descriptors are given back")
    assert server.memory_kib("Rss") - middle[0] < 8 * 1024, "memory grows with the requests"


def test_ten_thousand_idle_connections(launch):
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 1000:
        pytest.skip(f"only {hard} descriptors are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        server = launch("--http-keepalive-timeout-ms", "30m", "--http-connections-max", count + 1000, workers=2)
        wires = [server.connect() for _ in range(500)]
        for wire in wires:
            wire.request(stub.ECHO)
            wire.expect_response(200)
        before = server.memory_kib("Pss_Anon")
        for _ in range(count - 500):
            wire = server.connect()
            wire.request(stub.ECHO)
            wire.expect_response(200)
            wires.append(wire)
        cost = (server.memory_kib("Pss_Anon") - before) * 1024 / (count - 500)
        assert cost <= 2048, f"{cost:.0f} bytes for an idle connection"
        assert server.metrics()["phpsrv_connections"] >= count
        for wire in wires[::50]:
            wire.request(stub.ECHO)
            wire.expect_response(200)
        for wire in wires:
            wire.close()
        wait_until(lambda: server.metrics()["phpsrv_connections"] <= 1, "all are gone", 120)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_million_is_not_needed_to_see_a_leak(launch):
    """100,000 small requests: memory at the end is what it was after the first tenth."""
    server = launch(workers=2)
    with server.connect() as wire:

        def turns(count):
            batch = f"GET {stub.ECHO} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * 10
            for _ in range(count // 10):
                wire.send(batch)
                for _ in range(10):
                    wire.expect_response(200)

        turns(10_000)
        before = server.memory_kib("Rss")
        turns(90_000)
        assert server.memory_kib("Rss") - before < 1024
