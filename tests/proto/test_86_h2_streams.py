"""HTTP/2 streams: requests as applications see them, bodies, flow control, interleaving, priorities, one port.

SPDX-License-Identifier: MIT
"""

import hashlib
import os
import struct

import pytest

from testenv import H2Wire, stub, wait_until
from testenv.h2 import (
    ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, NO_ERROR, PROTOCOL_ERROR, NO_RFC7540_PRIORITIES, PREFACE, PRIORITY_UPDATE, REFUSED_STREAM,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, pack,
)  # fmt: skip

BIG = os.urandom(1_500_000)
SERVER_FILES = {"big.bin": BIG, "small.txt": "small\n", "a.txt": "a" * 100_000, "b.txt": "b" * 100_000, "c.txt": "c" * 100_000}


@pytest.fixture
def h2(server):
    with H2Wire(server.address) as wire:
        yield wire


def echoed(response):
    return stub.echoed(type("R", (), {"status": response.status, "body": response.body})())


# ---- requests


def test_request_as_the_application_sees_it(h2):
    seen = echoed(h2.request(path="/stub/echo?a=b%20c", method="PUT", extra=[("x-one", "1"), ("x-one", "2")]))
    assert (seen.method, seen.target, seen.protocol) == ("PUT", "/stub/echo?a=b%20c", "HTTP/2.0")
    assert seen.all("x-one") == ["1", "2"] and seen.all("host") == ["h"]
    assert not [name for name, _ in seen.fields if name.startswith(":")]


def test_authority_wins_and_is_the_host(h2):
    seen = echoed(h2.request(authority="example.org:8080", extra=[("host", "example.org:8080")]))
    assert seen.all("host") == ["example.org:8080"]


def test_cookie_crumbs_are_joined(h2):
    """RFC 9113 8.2.3"""
    seen = echoed(h2.request(extra=[("cookie", "a=1"), ("x-between", "1"), ("cookie", "b=2"), ("cookie", "c=3")]))
    assert seen.all("cookie") == ["a=1; b=2; c=3"] and seen.all("x-between") == ["1"]


def test_trailers_never_become_fields(h2):
    stream = h2.headers(flags=END_HEADERS, method="POST")
    h2.data(stream, b"body", 0)
    h2.frame(HEADERS, END_STREAM | END_HEADERS, stream, h2.encode([("x-forwarded-for", "1.2.3.4")]))
    seen = echoed(h2.response(stream))
    assert seen.body == b"body" and not seen.all("x-forwarded-for")


def test_fields_of_the_answer(h2):
    response = h2.request(path="/small.txt")
    assert response.status == 200 and response.body == b"small\n"
    assert response["content-length"] == "6" and response["server"] == "phpsrv" and response["date"].endswith("GMT")
    assert response["etag"] and response["content-type"].startswith("text/plain")


def test_head(h2):
    response = h2.request(path="/big.bin", method="HEAD")
    assert response.body == b"" and response["content-length"] == str(len(BIG))
    assert h2.request(path=stub.body(5000), method="HEAD").body == b""
    assert h2.request(path=stub.stream(3, 100), method="HEAD").body == b""


@pytest.mark.parametrize("status", [204, 304])
def test_bodiless_status(h2, status):
    response = h2.request(path=stub.status(status))
    assert response.status == status and response.body == b"" and response["content-length"] is None


def test_conditional_request(h2):
    etag = h2.request(path="/small.txt")["etag"]
    response = h2.request(path="/small.txt", extra=[("if-none-match", etag)])
    assert response.status == 304 and response.body == b"" and response["etag"] == etag


def test_range(h2):
    response = h2.request(path="/big.bin", extra=[("range", "bytes=100-299")])
    assert response.status == 206 and response.body == BIG[100:300]


def test_100_continue(h2):
    stream = h2.headers(flags=END_HEADERS, method="POST", extra=[("expect", "100-continue"), ("content-length", "3")])
    h2.wait(lambda f: f.kind == HEADERS and f.stream == stream)
    assert h2.responses[stream].informational == [(100, [])]
    h2.data(stream, b"abc")
    assert echoed(h2.response(stream)).body == b"abc"


def test_no_100_continue_for_what_is_refused(h2):
    stream = h2.headers(flags=END_HEADERS, method="POST", extra=[("expect", "100-continue"), ("content-length", "999999999")])
    response = h2.response(stream)
    assert response.status == 413 and not response.informational


def test_a_failure_after_the_head_resets_the_stream(server, h2):
    response = h2.response(h2.headers(path=stub.promise(100, 10, flush=True)), allow_reset=True)
    assert response.reset is not None and not response.is_whole and len(response.body) <= 10
    h2.expect_alive()


def test_a_failure_before_the_head_is_a_500(h2):
    assert h2.request(path=stub.fail()).status == 500


# ---- bodies of requests


@pytest.mark.parametrize("size", [0, 1, 16384, 65535, 65536, 100_000, 1_000_000])
def test_request_body(h2, size):
    body = stub.pattern(size)
    stream = h2.headers(flags=END_HEADERS, method="POST")
    sent, window, connection = 0, h2.peer_settings[INITIAL_WINDOW_SIZE], 65535
    seen = 0
    while sent < size:
        for frame in h2.frames[seen:]:
            if frame.kind == WINDOW_UPDATE:
                increment = struct.unpack(">I", frame.payload)[0]
                window, connection = (window + increment, connection) if frame.stream else (window, connection + increment)
        seen = len(h2.frames)
        part = min(size - sent, 16384, window, connection)
        if part <= 0:
            h2.read_frame()
            continue
        h2.data(stream, body[sent : sent + part], 0)
        sent, window, connection = sent + part, window - part, connection - part
    h2.data(stream, b"")
    assert echoed(h2.response(stream)).body == body


def test_body_above_the_limit(launch):
    server = launch("--http-body-bytes-max", 50_000)
    with H2Wire(server.address) as wire:
        stream = wire.headers(flags=END_HEADERS, method="POST")
        for _ in range(4):
            wire.data(stream, b"x" * 16384, 0)
        response = wire.response(stream)
        assert response.status == 413
        wire.expect_stream_error(stream, NO_ERROR)
        wire.expect_alive()


def test_early_answer_to_an_unfinished_request(h2):
    """RFC 9113 8.1: the answer is whole, then RST_STREAM with NO_ERROR; what still comes is dropped."""
    stream = h2.headers(path="/small.txt", flags=END_HEADERS, method="GET")
    assert h2.response(stream).body == b"small\n"
    h2.expect_stream_error(stream, NO_ERROR)
    h2.data(stream, b"late", 0)
    h2.data(stream, b"late", END_STREAM)
    h2.expect_alive()


def test_trailers_after_an_early_answer_are_no_error(h2):
    stream = h2.headers(path="/small.txt", flags=END_HEADERS, method="GET")
    h2.response(stream)
    h2.expect_stream_error(stream, NO_ERROR)
    h2.frame(HEADERS, END_STREAM | END_HEADERS, stream, h2.encode([("x-a", "b")]))
    h2.expect_alive()


def test_slow_body_is_408(launch):
    server = launch("--http-body-idle-timeout-ms", 300)
    with H2Wire(server.address) as wire:
        stream = wire.headers(flags=END_HEADERS, method="POST")
        wire.data(stream, b"x", 0)
        assert wire.response(stream).status == 408
        wire.expect_alive()
        assert server.metrics().value("phpsrv_timeouts_total", kind="body") == 1


# ---- flow control of answers


def test_large_file(h2):
    assert hashlib.sha256(h2.request(path="/big.bin").body).digest() == hashlib.sha256(BIG).digest()


@pytest.mark.parametrize("path", ["/a.txt", stub.body(100_000)])
def test_windows_are_kept(server, path):
    """RFC 9113 6.9.1: never more than both windows allow, and all that they allow."""
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 1000)], updates=False) as wire:
        stream = wire.headers(path=path)
        wire.wait(lambda f: f.kind == DATA)
        wire.ping()
        assert len(wire.responses[stream].body) == 1000
        wire.window_update(stream, 1)
        wire.wait(lambda f: f.kind == DATA)
        assert len(wire.responses[stream].body) == 1001
        wire.window_update(stream, 1_000_000)  # now the connection's window is the limit
        wire.wait(lambda f: len(wire.responses[stream].body) == 65535)
        wire.ping()
        assert len(wire.responses[stream].body) == 65535
        wire.window_update(0, 1_000_000)
        assert len(wire.response(stream).body) == 100_000


def test_window_of_zero_then_settings_open_it(server):
    """RFC 9113 6.9.2: a new initial window applies to streams that are open."""
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 0)], updates=False) as wire:
        stream = wire.headers(path="/small.txt")
        wire.wait(lambda f: f.kind == HEADERS)
        wire.ping()
        assert wire.responses[stream].body == b""
        wire.settings((INITIAL_WINDOW_SIZE, 3))
        wire.wait(lambda f: f.kind == DATA)
        assert wire.responses[stream].body == b"sma"
        wire.settings((INITIAL_WINDOW_SIZE, 100))
        assert wire.response(stream).body == b"small\n"


def test_negative_window(server):
    """RFC 9113 6.9.2: shrunk below what was sent, the window is negative and has to be filled first."""
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 5000)], updates=False) as wire:
        stream = wire.headers(path="/a.txt")
        wire.wait(lambda f: len(getattr(wire.responses.get(stream), "body", b"")) == 5000)
        wire.settings((INITIAL_WINDOW_SIZE, 1000))  # the window is -4000
        wire.wait(lambda f: f.kind == SETTINGS and f.flags & ACK)
        wire.window_update(stream, 4000)
        wire.ping()
        assert len(wire.responses[stream].body) == 5000
        wire.window_update(stream, 7)
        wire.wait(lambda f: f.kind == DATA)
        assert len(wire.responses[stream].body) == 5007


def test_frames_are_not_larger_than_the_client_takes(server):
    with H2Wire(server.address) as wire:
        assert max(wire.response(wire.headers(path="/big.bin")).data_frames) <= 16384


def test_a_stalled_stream_does_not_hold_up_others(server):
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 10)], updates=False) as wire:
        stalled = wire.headers(path="/a.txt")
        wire.wait(lambda f: f.kind == DATA and f.stream == stalled)
        for _ in range(50):
            assert wire.request(path="/small.txt").body == b"small\n"
        assert len(wire.responses[stalled].body) == 10


def test_no_window_for_the_write_timeout(launch):
    server = launch("--http-write-timeout-ms", 400, files=SERVER_FILES)
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 10)], updates=False) as wire:
        stalled = wire.headers(path="/a.txt")
        wire.expect_stream_error(stalled, CANCEL)
        wire.settings((INITIAL_WINDOW_SIZE, 65535))
        wire.expect_alive()
        assert server.metrics().value("phpsrv_http2_abuse_total", kind="stall") == 1


def test_streamed_parts_come_as_they_are_flushed(h2):
    stream = h2.headers(path=stub.stream(3, 10, 200))
    h2.wait(lambda f: f.kind == DATA)
    first = h2.responses[stream].body
    assert first == b"part 0\n" + stub.pattern(10), "the first part waits for no other"
    assert h2.response(stream).body == stub.stream_body(3, 10)


def test_streaming_waits_for_a_slow_reader(server):
    """Flow control drives the credits of the worker: it does not write ahead more than its window."""
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 1000)], updates=False) as wire:
        stream = wire.headers(path=stub.stream(400, 10_000))
        wire.wait(lambda f: f.kind == DATA)
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker waits for credit")
        wire.ping()
        held = server.metrics()["phpsrv_response_held_bytes"]
        assert held < 2_000_000, f"{held} bytes of 4,000,000 written ahead"
        wire.updates = True
        wire.window_update(0, 1 << 24)
        wire.window_update(stream, 1 << 24)
        assert wire.response(stream).body == stub.stream_body(400, 10_000)


# ---- many streams


def test_answers_interleave(server):
    with H2Wire(server.address) as wire:
        streams = [wire.headers(path="/a.txt", extra=[("priority", "u=3, i")]) for _ in range(4)]
        for stream in streams:
            assert wire.response(stream).body == b"a" * 100_000
        order = [f.stream for f in wire.frames if f.kind == DATA]
        assert len(set(order[:8])) > 1, f"incremental answers come one after another: {order}"


def test_a_fast_answer_overtakes_a_slow_one(h2):
    slow = h2.headers(path=stub.sleep(500))
    fast = h2.headers(path="/small.txt")
    h2.response(fast)
    assert slow not in h2.responses
    assert h2.response(slow).body == b"slept\n"


def test_hundred_streams(h2):
    streams = [h2.headers(path=f"/stub/echo?{i}") for i in range(100)]
    for index, stream in enumerate(streams):
        assert echoed(h2.response(stream)).target == f"/stub/echo?{index}"


def test_streams_opened_before_the_limit_was_known_are_refused(launch):
    """RFC 9113 5.1.2 and 8.7: REFUSED_STREAM, for the client to repeat."""
    server = launch("--http2-streams-max", 3)
    with H2Wire(server.address, handshake=False) as wire:
        head = [wire.encode([(":method", "GET"), (":scheme", "http"), (":path", stub.sleep(300)), (":authority", "h")]) for _ in range(4)]
        heads = [pack(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * index, block) for index, block in enumerate(head)]
        wire.send(PREFACE, pack(SETTINGS, 0, 0), *heads)
        wire.expect_stream_error(7, REFUSED_STREAM)
        for stream in (1, 3, 5):
            assert wire.response(stream).status == 200
        assert wire.peer_settings[MAX_CONCURRENT_STREAMS] == 3
        wire.expect_alive()


def test_more_streams_than_the_acknowledged_limit(launch):
    server = launch("--http2-streams-max", 3)
    with H2Wire(server.address) as wire:
        wire.ping()  # the settings are acknowledged
        for _ in range(4):
            wire.headers(path=stub.sleep(300))
        wire.expect_connection_error(PROTOCOL_ERROR, REFUSED_STREAM)


def test_one_connection_does_not_fill_the_queue(launch):
    """Requests of one connection wait their turn in the connection, others find room in the queue."""
    server = launch("--queue-capacity", 40, workers=1)
    with H2Wire(server.address) as wire, H2Wire(server.address) as other:
        streams = [wire.headers(path=stub.sleep(20)) for _ in range(60)]
        wire.ping()
        assert other.request(path=stub.ECHO).status == 200
        for stream in streams:
            assert wire.response(stream).status == 200
    assert server.metrics()["phpsrv_queue_rejected_total"] == 0


def test_cancelled_request_in_the_queue_never_runs(launch):
    server = launch(workers=1)
    with H2Wire(server.address) as wire:
        first = wire.headers(path=stub.sleep(300))
        queued = wire.headers(path=stub.sleep(5000))
        wire.frame(RST_STREAM, 0, queued, struct.pack(">I", CANCEL))
        assert wire.response(first).status == 200
        assert wire.request(path=stub.ECHO).status == 200
        assert server.metrics().value("phpsrv_client_aborts_total", stage="queued") == 1


def test_connection_gone_with_streams_in_every_state(launch):
    server = launch(workers=1, files=SERVER_FILES)
    for _ in range(10):
        with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 100)], updates=False) as wire:
            wire.headers(path=stub.sleep(30))
            wire.headers(path="/a.txt")
            wire.headers(path=stub.body(300_000))
            wire.headers(flags=END_HEADERS, method="POST")
            wire.frame(HEADERS, END_STREAM, 9, b"\x82")  # within a header block
    wait_until(lambda: server.metrics()["phpsrv_connections"] == 0, "all are closed")
    wait_until(lambda: server.metrics()["phpsrv_response_held_bytes"] == 0, "bodies are freed")
    with H2Wire(server.address) as wire:
        assert wire.request(path=stub.ECHO).status == 200


# ---- priorities (RFC 9218)


def order_of(wire, streams):
    """The streams in the order in which their answers were complete."""
    for stream in streams:
        wire.response(stream)
    ends = [f.stream for f in wire.frames if f.kind == DATA and f.flags & END_STREAM]
    return [stream for stream in ends if stream in streams]


def held_back(server):
    """A connection whose window is shut, so that order is decided by priority alone."""
    wire = H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 200_000)], updates=False)
    filler = wire.headers(path="/big.bin")
    wire.wait(lambda f: len(getattr(wire.responses.get(filler), "body", b"")) == 65535)
    wire.frame(RST_STREAM, 0, filler, struct.pack(">I", CANCEL))
    return wire


def test_urgency_decides(server):
    with held_back(server) as wire:
        streams = [
            wire.headers(path=path, extra=[("priority", value)])
            for path, value in (("/a.txt", "u=5"), ("/b.txt", "u=1"), ("/c.txt", "u=3"))
        ]
        wire.ping()
        wire.window_update(0, 1 << 24)
        assert order_of(wire, streams) == [streams[1], streams[2], streams[0]]


def test_equal_urgency_without_incremental_is_in_order(server):
    with held_back(server) as wire:
        streams = [wire.headers(path=path) for path in ("/a.txt", "/b.txt", "/c.txt")]
        wire.ping()
        wire.window_update(0, 1 << 24)
        assert order_of(wire, streams) == streams
        data = [f.stream for f in wire.frames if f.kind == DATA and f.stream in streams]
        assert data == sorted(data)


def test_priority_update(server):
    with held_back(server) as wire:
        streams = [wire.headers(path=path, extra=[("priority", "u=3")]) for path in ("/a.txt", "/b.txt")]
        wire.frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", streams[1]) + b"u=0")
        wire.ping()
        wire.window_update(0, 1 << 24)
        assert order_of(wire, streams) == [streams[1], streams[0]]


def test_old_priorities_are_switched_off(h2):
    assert h2.peer_settings[NO_RFC7540_PRIORITIES] == 1


# ---- one port


def test_settings_are_announced(h2):
    assert h2.peer_settings[MAX_CONCURRENT_STREAMS] == 100 and h2.peer_settings[MAX_HEADER_LIST_SIZE] >= 32768
    assert MAX_FRAME_SIZE not in h2.peer_settings


def test_http1_on_the_same_port(server):
    with server.connect() as wire:
        wire.request(stub.ECHO)
        assert stub.echoed(wire.expect_response(200)).protocol == "HTTP/1.1"


@pytest.mark.parametrize("cut", range(1, 24))
def test_preface_in_two_pieces(server, cut):
    with H2Wire(server.address, handshake=False) as wire:
        wire.send(PREFACE[:cut])
        wire.send(PREFACE[cut:] + pack(SETTINGS, 0, 0))
        wire.wait(lambda f: f.kind == SETTINGS and f.flags & ACK)
        wire.expect_alive()


def test_everything_bytewise(server):
    with H2Wire(server.address, handshake=False) as wire:
        head = wire.encode([(":method", "POST"), (":scheme", "http"), (":path", stub.ECHO), (":authority", "h")])
        first = PREFACE + pack(SETTINGS, 0, 0) + pack(HEADERS, 0, 1, head[:3])
        rest = pack(CONTINUATION, END_HEADERS, 1, head[3:]) + pack(DATA, END_STREAM, 1, b"abc")
        # nghttp2 counts each read of a CONTINUATION frame's head as a frame, and allows 8: its 9 bytes are not sent singly
        for part in [*first, rest[:4], rest[4:9], *rest[9:]]:
            wire.send(part if isinstance(part, bytes) else bytes([part]))
        assert echoed(wire.response(1)).body == b"abc"


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 10, 14, 17, 20, 23])
def test_almost_the_preface_is_http1(server, cut):
    """PRI is a method that no one has; what begins like the preface and goes on otherwise is read as HTTP/1."""
    with server.connect() as wire:
        wire.send(PREFACE[:cut] + b"x\r\n\r\n")
        wire.half_close()
        response = wire.expect_response()
        assert response.status in (400, 505)


def test_upgrade_to_h2c_is_ignored(server):
    """RFC 9113 3.1 took it out: the request is answered as HTTP/1.1."""
    with server.connect() as wire:
        wire.request(stub.ECHO, fields=[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")])
        assert stub.echoed(wire.expect_response(200)).protocol == "HTTP/1.1"


def test_switched_off(launch):
    server = launch("--http2=false")
    with server.connect() as wire:
        wire.send(PREFACE + pack(SETTINGS, 0, 0))
        assert wire.expect_response().status in (400, 505)


def test_beginning_of_a_preface_times_out(launch):
    server = launch("--http-header-timeout-ms", 200)
    with H2Wire(server.address, handshake=False) as wire:
        wire.send(PREFACE[:10])
        assert wire.read_frame() is None


def test_header_block_without_an_end_times_out(launch):
    server = launch("--http-header-timeout-ms", 200)
    with H2Wire(server.address) as wire:
        wire.frame(HEADERS, END_STREAM, 1, b"\x82")
        while wire.read_frame() is not None:
            pass
    assert server.metrics().value("phpsrv_timeouts_total", kind="header") == 1


def test_idle_connection_gets_goaway(launch):
    server = launch("--http-keepalive-timeout-ms", 300)
    with H2Wire(server.address) as wire:
        wire.request(path=stub.ECHO)
        wire.expect_connection_error(NO_ERROR)


def test_half_closed_client_gets_its_answer(server):
    with H2Wire(server.address) as wire:
        stream = wire.headers(path=stub.sleep(100))
        wire.socket.shutdown(1)
        assert wire.response(stream).body == b"slept\n"


def test_a_body_that_the_client_will_not_finish(launch):
    """Given up at once, and not when the time for bodies is over; what is whole is answered."""
    server = launch("--http-body-idle-timeout-ms", 60_000)
    with H2Wire(server.address) as wire:
        whole = wire.headers(path=stub.sleep(100))
        wire.headers(path=stub.ECHO, method="POST", flags=END_HEADERS)
        wire.socket.shutdown(1)
        assert wire.response(whole).body == b"slept\n"
        while wire.read_frame() is not None:
            pass


def test_a_head_that_the_client_will_not_finish(launch):
    server = launch("--http-header-timeout-ms", 60_000)
    with H2Wire(server.address) as wire:
        wire.frame(HEADERS, END_STREAM, 1, b"\x82")
        wire.socket.shutdown(1)
        while wire.read_frame() is not None:
            pass
    assert server.metrics().value("phpsrv_timeouts_total", kind="header") == 0


def read_rest(wire):
    while wire.read_frame() is not None:
        pass
    return wire.responses


@pytest.mark.parametrize("reads_first", [False, True])
@pytest.mark.parametrize("path", [stub.body(1_000_000), stub.stream(100, 10_000), "/large.txt"], ids=["memory", "stream", "file"])
def test_a_client_that_will_open_no_window(launch, path, reads_first):
    """RFC 9113 6.9: it gets what its windows allow, and its end ends the rest at once, not after the write timeout."""
    server = launch("--http-write-timeout-ms", 60_000, files={"large.txt": stub.pattern(1_000_000)})
    with H2Wire(server.address, updates=False) as wire:
        stream = wire.headers(path=path)
        if reads_first:
            wire.wait(lambda _: stream in wire.responses and len(wire.responses[stream].body) == 65535)
        wire.socket.shutdown(1)
        answer = read_rest(wire)[stream]
    whole = stub.stream_body(100, 10_000) if "stream" in path else stub.pattern(1_000_000)
    assert answer.status == 200 and answer.body == whole[:65535] and answer.reset == CANCEL
    metrics = server.metrics()
    assert metrics.value("phpsrv_timeouts_total", kind="write") == 0
    # a part of a stream may be on its way from a worker that has not heard of the end yet
    wait_until(lambda: server.metrics()["phpsrv_response_held_bytes"] == 0, "nothing is held")


def test_a_window_of_one_stream_does_not_end_the_others(launch):
    """What still runs is answered, as far as its own window goes."""
    server = launch("--http-write-timeout-ms", 60_000)
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 100)], updates=False) as wire:
        stuck, slow = wire.headers(path=stub.body(101)), wire.headers(path=stub.sleep(300))
        exact, head = wire.headers(path=stub.body(100)), wire.headers(path=stub.body(101), method="HEAD")
        wire.socket.shutdown(1)
        answers = read_rest(wire)
    assert answers[stuck].body == stub.pattern(100) and answers[stuck].reset == CANCEL
    assert answers[slow].body == b"slept\n" and answers[slow].is_whole
    assert answers[exact].body == stub.pattern(100) and answers[exact].is_whole
    assert answers[head].is_whole and answers[head]["content-length"] == "101"


def test_many_streams_without_windows_are_no_abuse(launch):
    server = launch("--http-write-timeout-ms", 60_000)
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, 0)], updates=False) as wire:
        streams = [wire.headers(path=stub.body(10)) for _ in range(100)]
        wire.socket.shutdown(1)
        answers = read_rest(wire)
    assert [answers[stream].reset for stream in streams] == [CANCEL] * 100
    assert server.metrics().value("phpsrv_http2_abuse_total", kind="reset") == 0


def test_an_end_without_window_times_out(launch):
    """The window is used up to the byte when the end of the body comes: it must not wait for ever."""
    server = launch("--http-write-timeout-ms", 300)
    path = stub.stream(2, 0, 100)
    with H2Wire(server.address, settings=[(INITIAL_WINDOW_SIZE, len(stub.stream_body(2)))], updates=False) as wire:
        stream = wire.headers(path=path)
        answer = wire.response(stream, allow_reset=True)
        assert answer.body == stub.stream_body(2)
        if not answer.is_whole:
            assert answer.reset == CANCEL
