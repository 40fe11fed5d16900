"""What a request and a connection cost, in numbers that are stable where requests per second are not. tests/budgets has the rest of
them: system calls, allocations and instructions.

SPDX-License-Identifier: MIT
"""

import os
import resource
from collections import Counter

import pytest

from testenv import stub, wait_until
from testenv.syscalls import count_syscalls

pytestmark = pytest.mark.no_sanitizer
CONNECTIONS = 2000


def at_rest(server):
    wait_until(lambda: server.metrics()["phpsrv_connections"] <= 1, "all connections are closed")


# ---- descriptors and memory


@pytest.mark.parametrize("how", ["at once", "in the head", "in the body", "queued", "in the response"])
def test_descriptors_after_aborted_connections(launch, how):
    server = launch(workers=2, files={"large.bin": bytes(3_000_000)})
    server.fetch(stub.ECHO)
    server.fetch("/large.bin")
    at_rest(server)
    before = server.descriptors()
    for number in range(1000):
        wire = server.connect(receive_buffer=4096)
        if how == "in the head":
            wire.send(b"GET / HTTP/1.1\r\nHo")
        elif how == "in the body":
            wire.send(b"POST /stub/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + bytes(70_000))
        elif how == "queued":
            wire.request(stub.sleep(1))
        elif how == "in the response":
            wire.request("/large.bin" if number % 2 else stub.body(600_000))
            wire.socket.recv(10)
        wire.reset()
    at_rest(server)
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 0, "workers are idle")
    wait_until(lambda: server.descriptors() <= before, f"{server.descriptors()} descriptors, {before} before")
    assert server.fetch(stub.ECHO).status == 200


def test_memory_is_stable(launch):
    """Ten times the requests, not ten times the memory."""
    server = launch(workers=2, files={"a.txt": "a" * 1000})

    def work(turns):
        for number in range(turns):
            with server.connect() as wire:
                wire.request(stub.ECHO, "POST", body=bytes(100_000))
                wire.expect_response(200)
                wire.request("/a.txt")
                wire.expect_response(200)
                wire.request(stub.body(500_000))
                wire.expect_response(200)
                wire.send(b"BAD\r\n\r\n" if number % 2 else b"GET /x HTTP/1.1\r\nHost: h\r\nX")

    work(100)
    at_rest(server)
    before = server.memory_kib("Rss")
    work(1000)
    at_rest(server)
    assert server.memory_kib("Rss") - before < 2048


def test_memory_of_large_bodies_is_used_again(launch):
    """Neither copies to a file nor new memory for each of them."""
    server = launch(workers=1)

    def work():
        for _ in range(50):
            wire.request(stub.status(204), "POST", body=bytes(300_000))
            wire.expect_response(204)

    with server.connect() as wire:
        work()
        counts = count_syscalls(server, server.pid, work)
    assert counts["recvfrom"] >= 50
    # of 50 requests; what a second did not need is given back, and made anew
    assert sum(counts.get(name, 0) for name in ("mmap", "munmap", "mremap", "memfd_create", "pwrite64", "madvise")) <= 4, counts


@pytest.mark.parametrize("size", [30_000, 120_000, 250_000, 1_000_000])
def test_memory_of_responses_is_used_again(launch, size):
    """The heap does not give to the kernel what the next response needs."""
    server = launch(workers=1)

    def work():
        for _ in range(20):
            for wire in wires:
                wire.request(stub.body(size))
            for wire in wires:
                wire.expect_response(200)

    wires = [server.connect() for _ in range(4)]
    work()
    thread = next(number for name, number in server.threads() if name.startswith("php-"))
    counts = Counter(count_syscalls(server, thread, work)) + Counter(count_syscalls(server, server.pid, work))
    calls = {name: count for name, count in counts.items() if name in ("mmap", "munmap", "mremap", "madvise", "mprotect", "brk")}
    assert sum(calls.values()) <= 20, calls  # of 160 responses; a heap that grows, or pages that a slow second did not need, are no fault


def test_memory_of_large_bodies_is_given_back(launch):
    server = launch(workers=2)

    def resident():
        return server.memory_kib("Rss")

    server.fetch(stub.ECHO)
    before = resident()
    wires = [server.connect() for _ in range(8)]
    for wire in wires:
        wire.send(f"POST {stub.status(204)} HTTP/1.1\r\nHost: h\r\nContent-Length: 1500001\r\n\r\n".encode() + bytes(1_500_000))
    wait_until(lambda: resident() > before + 10_000, "the bodies are there")
    for wire in wires:
        wire.send(b"x")
        wire.expect_response(204)
        wire.close()
    wait_until(lambda: resident() < before + 4_000, "what is kept for the next ones is not kept for ever")


@pytest.mark.heavy
def test_memory_of_idle_connections(launch):
    """An idle keep-alive connection costs at most 2 KiB of the process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + 200:
        pytest.skip(f"only {hard} descriptors are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * CONNECTIONS), hard))
    try:
        server = launch("--http-keepalive-timeout-ms", "10m", workers=2)
        wires = []

        def open_idle(count):
            for _ in range(count):
                wire = server.connect()
                wire.request(stub.ECHO)
                wire.expect_response(200)
                wires.append(wire)

        open_idle(200)
        before = server.memory_kib("Pss_Anon")
        open_idle(CONNECTIONS)
        assert server.metrics()["phpsrv_connections"] >= CONNECTIONS
        grown = (server.memory_kib("Pss_Anon") - before) * 1024 / CONNECTIONS
        assert grown <= 2048, f"{grown:.0f} bytes for an idle connection"
        for wire in wires[::100]:
            wire.request(stub.ECHO)
            wire.expect_response(200)
        for wire in wires:
            wire.close()
        at_rest(server)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_memory_of_connections_that_were_busy(launch):
    """Buffers are given back when a connection falls idle, not kept with it."""
    server = launch("--http-keepalive-timeout-ms", "10m", workers=2)
    with server.connect() as first:
        first.request(stub.ECHO, "POST", body=bytes(60_000))
        first.expect_response(200)
        before = server.memory_kib("Pss_Anon")
        wires = [server.connect() for _ in range(300)]
        for wire in wires:
            wire.request(stub.ECHO, "POST", body=bytes(60_000), fields=[("X-Long", "a" * 8000)])
            wire.expect_response(200)
        assert (server.memory_kib("Pss_Anon") - before) * 1024 / 300 < 8192
        for wire in wires:
            wire.close()


def test_threads(launch):
    """One loop, the workers, the log, the encoder of files: no more."""
    server = launch(workers=3)
    names = [name for name, _ in server.threads()]
    assert len(names) <= 3 + 3, names
    assert len(set(names)) == len(names), f"threads are told apart by their names: {names}"
    assert os.path.exists(f"/proc/{server.pid}")
