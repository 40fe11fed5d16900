"""Attacks on HTTP/2: each ends the attacker's connection and is counted, its memory stays bounded, others are served.

SPDX-License-Identifier: MIT
"""

import struct

import pytest

from testenv import H2Wire, WireFailure, stub, wait_until
from testenv.h2 import (
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, PING,
    PRIORITY, PRIORITY_UPDATE, RST_STREAM, SETTINGS, WINDOW_UPDATE, pack, request_fields, settings_payload,
)  # fmt: skip

SERVER_FILES = {"a.txt": "a" * 1_000_000}
MANY = 20_000
ROUND_TRIP = None  # what an attacker waits for who keeps below the limit of open streams


def u32(value):
    return struct.pack(">I", value)


def rapid_reset(wire):
    """CVE-2023-44487"""
    for _ in range(MANY):
        head = wire.encode(request_fields(stub.sleep(50)))
        stream, wire.next_stream = wire.next_stream, wire.next_stream + 2
        yield pack(HEADERS, END_STREAM | END_HEADERS, stream, head) + pack(RST_STREAM, 0, stream, u32(CANCEL))


def made_you_reset(wire):
    """CVE-2025-8671: the client breaks a rule, so that the server resets and the client may open the next one."""
    for _ in range(MANY):
        head = wire.encode(request_fields(stub.sleep(50)))
        stream, wire.next_stream = wire.next_stream, wire.next_stream + 2
        yield pack(HEADERS, END_HEADERS, stream, head) + pack(WINDOW_UPDATE, 0, stream, u32(0x7FFFFFFF)) * 2
        if stream % 100 == 99:
            yield ROUND_TRIP


def malformed_requests(wire):
    for _ in range(MANY):
        head = wire.encode(request_fields(extra=[("connection", "close")]))
        stream, wire.next_stream = wire.next_stream, wire.next_stream + 2
        yield pack(HEADERS, END_STREAM | END_HEADERS, stream, head)
        if stream % 100 == 99:
            yield ROUND_TRIP


def settings_flood(wire):
    for _ in range(MANY):
        yield pack(SETTINGS, 0, 0, settings_payload([(INITIAL_WINDOW_SIZE, 65535)]))


def empty_settings_flood(wire):
    for _ in range(MANY):
        yield pack(SETTINGS, 0, 0)


def ping_flood(wire):
    for _ in range(MANY):
        yield pack(PING, 0, 0, b"12345678")


def priority_flood(wire):
    for index in range(MANY):
        yield pack(PRIORITY, 0, 1 + 2 * (index % 1000), u32(0) + b"\x10")


def priority_update_flood(wire):
    for index in range(MANY):
        yield pack(PRIORITY_UPDATE, 0, 0, u32(1 + 2 * (index % 90)) + b"u=%d" % (index % 8))


def window_update_flood(wire):
    for _ in range(MANY):
        yield pack(WINDOW_UPDATE, 0, 0, u32(1))


def empty_data_flood(wire):
    stream = wire.headers(flags=END_HEADERS, method="POST")
    for _ in range(MANY):
        yield pack(DATA, 0, stream)


def continuation_flood(wire):
    """CVE-2024-27316 and its like: a header block that never ends."""
    yield pack(HEADERS, END_STREAM, 1, wire.encode(request_fields()))
    for _ in range(MANY):
        yield pack(CONTINUATION, 0, 1, b"\x00\x01a" + b"\x7f\x01" + b"b" * 128)


def empty_continuation_flood(wire):
    yield pack(HEADERS, END_STREAM, 1, wire.encode(request_fields()))
    for _ in range(MANY):
        yield pack(CONTINUATION, 0, 1, b"")


def hpack_bomb(wire):
    """One large entry of the dynamic table, then references to it, a byte each."""
    first = wire.encode(request_fields()) + b"\x40\x01a" + b"\x7f\xa0\x1e" + b"b" * 3999
    yield pack(HEADERS, END_STREAM | END_HEADERS, 1, first)
    index = 62  # the newest entry
    for stream in range(3, 2 * MANY, 2):
        yield pack(HEADERS, END_STREAM | END_HEADERS, stream, bytes([0x80 | index]) * 16000)


ATTACKS = [
    (rapid_reset, "reset"),
    (made_you_reset, "reset"),
    (malformed_requests, "reset"),
    (settings_flood, "settings"),
    (empty_settings_flood, "settings"),
    (ping_flood, "ping"),
    (priority_flood, "priority"),
    (priority_update_flood, "priority"),
    (window_update_flood, "window_update"),
    (empty_data_flood, "empty"),
    (continuation_flood, "continuation"),
    (empty_continuation_flood, "continuation"),
    (hpack_bomb, "headers"),
]
KINDS = ("reset", "settings", "ping", "priority", "window_update", "empty", "continuation", "headers", "unread", "stall")


def resident_kib(server):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def ponged(wire):
    """False when the connection has ended instead."""
    try:
        wire.ping()
        return True
    except (WireFailure, OSError):
        return False


def send_all(wire, pieces):
    """Sends until the server has closed."""
    batch = b""
    for piece in pieces:
        batch += piece or b""
        if piece is ROUND_TRIP or len(batch) > 8000:
            if not wire.try_send(batch) or (piece is ROUND_TRIP and not ponged(wire)):
                return
            batch = b""
    wire.try_send(batch)


@pytest.mark.parametrize(("attack", "kind"), ATTACKS, ids=[attack.__name__ for attack, _ in ATTACKS])
def test_attack(launch, attack, kind):
    server = launch(files=SERVER_FILES)
    with H2Wire(server.address) as other, H2Wire(server.address) as attacker:
        other.request(path="/a.txt")
        before = resident_kib(server)
        send_all(attacker, attack(attacker))
        attacker.updates = False
        while attacker.read_frame() is not None:
            pass
        assert attacker.goaway is not None and attacker.goaway.error == ENHANCE_YOUR_CALM, attacker.goaway
        other.expect_alive()
        assert other.request(path="/a.txt").status == 200
        assert resident_kib(server) - before < 20_000
        counted = {name: server.metrics().value("phpsrv_http2_abuse_total", kind=name) for name in KINDS}
        assert counted == {name: int(name == kind) for name in KINDS}


def test_acknowledgements_that_nobody_reads(launch):
    """SETTINGS and PING are answered; a client that does not read the answers cannot make them pile up."""
    server = launch()
    with H2Wire(server.address, receive_buffer=2048) as attacker, H2Wire(server.address) as other:
        before = resident_kib(server)
        send_all(attacker, ping_flood(attacker))
        other.expect_alive()
        assert resident_kib(server) - before < 10_000


@pytest.mark.no_sanitizer
def test_answers_that_nobody_reads(launch):
    """What waits for a client is one portion of frames per connection; bodies stay where they are."""
    server = launch(files=SERVER_FILES)
    attackers = [H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, (1 << 31) - 1)], receive_buffer=4096) for _ in range(30)]
    with H2Wire(server.address) as other:
        other.request(path="/a.txt")
        before = resident_kib(server)
        for attacker in attackers:
            attacker.window_update(0, (1 << 31) - 1 - 65535)
            for _ in range(100):
                attacker.headers(path="/a.txt")
        for _ in range(20):
            assert other.request(path="/a.txt").status == 200
        grown = resident_kib(server) - before
        assert grown < 60_000, f"{grown} KiB for 3,000 streams of 1 MB"
    for attacker in attackers:
        attacker.close()
    wait_until(lambda: server.metrics()["phpsrv_connections"] == 0, "all are closed")


def test_windows_of_one_byte(launch):
    """A stream that takes a byte at a time costs a frame a byte, and nobody else anything."""
    server = launch(files=SERVER_FILES)
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 1)], updates=False) as slow, H2Wire(server.address) as other:
        streams = [slow.headers(path="/a.txt") for _ in range(50)]
        for _ in range(5):
            for stream in streams:
                slow.window_update(stream, 1)
        assert other.request(path="/a.txt").status == 200
        slow.ping()
        assert all(len(slow.responses[stream].body) == 6 for stream in streams)


def test_many_slow_readers_of_bodies_in_memory(launch, tmp_path):
    """Bodies beyond the limit wait in files, and a connection gets few of them at a time."""
    spill = tmp_path / "spill"
    spill.mkdir()
    server = launch("--response-held-bytes-max", 4_000_000, "--response-spill-folder", spill, workers=2)
    readers = [H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 100)], updates=False) for _ in range(10)]
    with H2Wire(server.address) as other:
        for reader in readers:
            for _ in range(50):
                reader.headers(path=stub.body(1_000_000))
            reader.ping()
        wait_until(lambda: server.metrics()["phpsrv_response_spilled_total"] > 0, "bodies go to files")
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 0, "the workers are done")
        metrics = server.metrics()
        held = metrics["phpsrv_response_held_bytes"]
        assert 4_000_000 < held <= 10 * (8 + 20) * 1_000_000, held
        assert other.request(path=stub.ECHO).status == 200
        for reader in readers[1:]:
            reader.close()
        # the one that is left reads all of its answers: those that waited come in their turn
        reader, reader_window = readers[0], (1 << 24)
        reader.updates = True
        reader.settings((INITIAL_WINDOW_SIZE, reader_window))
        reader.window_update(0, 1 << 28)
        for stream in range(1, 101, 2):
            assert reader.response(stream).body == stub.pattern(1_000_000)
        reader.close()
    wait_until(lambda: server.metrics()["phpsrv_response_held_bytes"] == 0, "all bodies are freed")
    assert not list(spill.iterdir())


def test_frames_of_16_mib_are_not_believed(launch):
    """MAX_FRAME_SIZE is the client's to take, not ours to send beyond 16 KiB."""
    server = launch(files=SERVER_FILES)
    with H2Wire(server.address, settings=[(MAX_FRAME_SIZE, (1 << 24) - 1), (INITIAL_WINDOW_SIZE, 1 << 24)]) as wire:
        wire.window_update(0, 1 << 24)
        assert max(wire.response(wire.headers(path="/a.txt")).data_frames) <= 65536
