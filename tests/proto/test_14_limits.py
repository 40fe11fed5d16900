"""Limits of a request: line, fields, number of fields, body; and what the client is told.

SPDX-License-Identifier: MIT
"""

import pytest

from testenv import stub, wait_until

SERVER_ARGUMENTS = (
    "--http-request-line-bytes-max", "1024",
    "--http-header-bytes-max", "4096",
    "--http-header-count-max", "20",
    "--http-body-bytes-max", "100000",
    "--http-body-memory-bytes", "4096",
    "--http-pipeline-requests-max", "4",
)  # fmt: skip


def head(*lines):
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def request_line(total):
    """A request line of exactly this many bytes, CRLF not counted."""
    frame = len(f"GET {stub.ECHO}? HTTP/1.1")
    return f"GET {stub.ECHO}?{'a' * (total - frame)} HTTP/1.1"


# ---- 414 (RFC 9112 3, RFC 9110 15.5.15)


def test_longest_request_line(wire):
    wire.send(head(request_line(1000), "Host: h"))
    wire.expect_response(200)


@pytest.mark.parametrize("length", [1100, 5000, 60000])
def test_request_line_too_long(wire, length):
    wire.try_send(head(request_line(length), "Host: h"))
    assert wire.expect_response(414).closes
    wire.expect_close()


def test_endless_request_line(wire):
    """It is refused before it ends."""
    wire.send(b"GET /" + b"a" * 3000)
    assert wire.expect_response(414).closes
    wire.expect_close()


def test_endless_method(wire):
    wire.send(b"A" * 3000)
    assert wire.expect_response().status in (400, 414, 501)
    wire.expect_close()


# ---- 431 (RFC 6585 5)


def test_fields_up_to_the_limit(wire):
    wire.send(head(f"GET {stub.ECHO} HTTP/1.1", "Host: h", "X-A: " + "a" * 3900))
    assert stub.echoed(wire.expect_response(200)).all("X-A") == ["a" * 3900]


@pytest.mark.parametrize(
    "lines",
    [
        ["X-A: " + "a" * 5000],
        ["X-A: " + "a" * 60000],
        ["X-" + "A" * 5000 + ": a"],
        [f"X-{n}: " + "a" * 1000 for n in range(8)],
        [f"X-{n}: a" for n in range(25)],
        ["X:" for _ in range(500)],
        ["Cookie: a=" + "b" * 4090],
    ],
    ids=["long value", "very long value", "long name", "long together", "too many", "far too many", "cookie"],
)
def test_fields_too_large(wire, lines):
    wire.try_send(head(f"GET {stub.ECHO} HTTP/1.1", "Host: h", *lines))
    assert wire.expect_response(431).closes
    wire.expect_close()


def test_endless_field(wire):
    wire.send(head(f"GET {stub.ECHO} HTTP/1.1", "Host: h")[:-2] + b"X-A: " + b"a" * 6000)
    assert wire.expect_response(431).closes
    wire.expect_close()


def test_endless_blanks(wire):
    """Leading white space of a value counts as well."""
    wire.send(head(f"GET {stub.ECHO} HTTP/1.1", "Host: h")[:-2] + b"X-A:" + b" " * 6000)
    assert wire.expect_response(431).closes


def test_endless_empty_lines(wire):
    """RFC 9112 2.2 wants at least one empty line ignored, not any number."""
    wire.try_send(b"\r\n" * 20000)
    wire.half_close()
    rest = wire.expect_cut()
    assert rest == b"" or rest.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 414 ", b"HTTP/1.1 431 ")), rest[:100]


def test_number_of_fields(wire):
    wire.send(head(f"GET {stub.ECHO} HTTP/1.1", "Host: h", *[f"X-{n}: a" for n in range(19)]))
    wire.expect_response(200)
    wire.send(head(f"GET {stub.ECHO} HTTP/1.1", "Host: h", *[f"X-{n}: a" for n in range(20)]))
    wire.expect_response(431)


# ---- 413 (RFC 9110 15.5.14)


def test_largest_body(wire):
    body = stub.pattern(100000)
    wire.request(stub.ECHO, "POST", body=body)
    assert stub.echoed(wire.expect_response(200)).body == body


def test_body_too_large_by_length_is_refused_at_once(wire):
    wire.send(head(f"POST {stub.ECHO} HTTP/1.1", "Host: h", "Content-Length: 100001"))
    assert wire.expect_response(413).closes


def test_body_too_large_is_refused_while_it_arrives(wire):
    """The refusal reaches the client although it is still sending: no reset may eat it."""
    wire.send(head(f"POST {stub.ECHO} HTTP/1.1", "Host: h", "Content-Length: 3000000"))
    wire.try_send(bytes(3000000))
    assert wire.expect_response(413).closes


def test_chunked_body_too_large(wire):
    wire.send(head(f"POST {stub.ECHO} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
    for _ in range(200):
        if not wire.try_send(b"400\r\n" + bytes(1024) + b"\r\n"):
            break
    assert wire.expect_response(413).closes


def test_one_chunk_too_large_is_refused_by_its_size_line(wire):
    wire.send(head(f"POST {stub.ECHO} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked") + b"186A1\r\n")
    assert wire.expect_response(413).closes


def test_chunked_body_up_to_the_limit(wire):
    wire.send(
        head(f"POST {stub.ECHO} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked")
        + b"186A0\r\n" + stub.pattern(100000) + b"\r\n0\r\n\r\n"
    )  # fmt: skip
    assert stub.echoed(wire.expect_response(200)).body == stub.pattern(100000)


@pytest.mark.no_sanitizer
def test_tiny_chunks_do_not_cost_much_memory(server):
    """One byte of body per six bytes on the wire: only the byte is kept."""
    before = server.memory_kib("Rss")
    wires = [server.connect() for _ in range(20)]
    for wire in wires:
        wire.send(head(f"POST {stub.ECHO} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
        wire.send(b"1\r\nx\r\n" * 50000)
        wire.taken()
    assert server.memory_kib("Rss") - before < 20 * 1000
    for wire in wires:
        wire.send(b"0\r\n\r\n")
        assert len(stub.echoed(wire.expect_response(200)).body) == 50000
        wire.close()


@pytest.mark.no_sanitizer
def test_large_bodies_cost_what_they_have(server):
    """Past http.body_memory_bytes a body is in pages of its own: 40 waiting ones of 100,000 bytes, and what the socket holds, no more."""
    wires = [server.connect() for _ in range(40)]

    def wait_with(size):
        for wire in wires:
            wire.send(head(f"POST {stub.ECHO} HTTP/1.1", "Host: h", f"Content-Length: {size}") + bytes(size - 1))
            wire.taken()
        used = server.memory_kib("Private_Dirty")
        for wire in wires:
            wire.send(b"\0")
            wire.expect_response(200)
        return used

    small = wait_with(10)
    assert wait_with(100000) - small < 40 * 104
    for wire in wires:
        wire.close()


# ---- pipelines


def test_pipeline_deeper_than_the_limit_is_answered_in_order(wire):
    """The limit bounds one turn; the rest is served in later turns."""
    count = 200
    wire.send(b"".join(head(f"GET {stub.ECHO}?{n} HTTP/1.1", "Host: h") for n in range(count)))
    for number in range(count):
        assert stub.echoed(wire.expect_response(200)).target == f"{stub.ECHO}?{number}"


@pytest.mark.no_sanitizer
def test_pipeline_without_a_reader_is_bounded(server):
    """A client that pipelines and never reads is read no further: memory stays bounded."""
    before = server.memory_kib("Rss")
    with server.connect(receive_buffer=4096) as wire:
        wire.socket.settimeout(1)
        stream = head(f"GET {stub.body(50000)} HTTP/1.1", "Host: h", "X-Pad: " + "p" * 1000) * 100
        sent = 0
        try:
            while sent < 200:
                wire.socket.sendall(stream)
                sent += 1
        except TimeoutError:
            pass
        assert sent < 200, "the server read 20 MB of requests whose answers nobody takes"
        assert server.memory_kib("Rss") - before < 16 * 1024
        wire.reset()


# ---- number of connections


def test_connections_above_the_limit(launch):
    """With the limit taken up by requests that go on, the next client is refused at once."""
    server = launch("--http-connections-max", "10")
    wires = [server.connect() for _ in range(10)]
    for wire in wires:
        wire.send(b"GET /stub/echo HTTP/1.1\r\n")  # not idle: a request has begun
    wait_until(lambda: server.metrics()["phpsrv_connections"] == 10, "ten connections")
    with server.connect() as extra:
        extra.expect_response(503, {"Retry-After": "1"})
        extra.expect_close()
    for wire in wires:
        wire.send(b"Host: h\r\n\r\n")
        wire.expect_response(200)
    for wire in wires:
        wire.request(stub.ECHO)
        wire.expect_response(200)
        wire.close()
    wait_until(lambda: server.metrics()["phpsrv_connections"] <= 1, "connections are gone")
    assert server.fetch(stub.ECHO).status == 200


def test_idle_connection_makes_room(launch):
    """At the limit, the connection that has been idle longest is closed for a new client."""
    server = launch("--http-connections-max", "3")
    wires = [server.connect() for _ in range(3)]
    for wire in wires:
        wire.request(stub.ECHO)
        wire.expect_response(200)
    assert server.fetch(stub.ECHO).status == 200
    wires[0].expect_close()
    for wire in wires[1:]:
        wire.request(stub.ECHO)
        wire.expect_response(200)
