"""HTTP/1.1 as ordinary clients speak it: keep-alive, pipelining, bodies, HEAD, methods, Expect, half-close.

SPDX-License-Identifier: MIT
"""

import os
import threading

import pytest

from testenv import scaled, stub, wait_until

SERVER_FILES = {"hello.txt": "hello, file\n"}
BODY = os.urandom(1000)


def get(target, *fields, method="GET", version="1.1"):
    lines = [f"{method} {target} HTTP/{version}", "Host: test.example", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


# ---- keep-alive (RFC 9112 9.3)


def test_connection_stays_open(wire):
    for number in range(20):
        wire.request(f"{stub.ECHO}?{number}")
        seen = stub.echoed(wire.expect_response(200, {"Connection": None}))
        assert seen.target == f"{stub.ECHO}?{number}"


def test_connection_close_is_honoured(wire):
    wire.request(stub.ECHO, fields=[("Connection", "close")])
    assert wire.expect_response(200).closes
    wire.expect_close()


@pytest.mark.parametrize("value", ["close", "Close", "foo, close", "close, foo", "keep-alive, close", "\tclose "])
def test_connection_close_in_every_spelling(wire, value):
    wire.request(stub.ECHO, fields=[("Connection", value)])
    assert wire.expect_response(200).closes
    wire.expect_close()


def test_requests_after_close_are_not_answered(wire):
    wire.send(get(stub.ECHO + "?1", "Connection: close") + get(stub.ECHO + "?2"))
    assert stub.echoed(wire.expect_response(200)).target.endswith("?1")
    wire.expect_close(reset_is_fine=True)


def test_http10_closes(wire):
    wire.request(stub.ECHO, version="1.0")
    response = wire.expect_response(200, version="1.0")
    assert stub.echoed(response).protocol == "HTTP/1.0"
    wire.expect_close()


def test_http10_without_host(wire):
    wire.request(stub.ECHO, version="1.0", host=None)
    wire.expect_response(200, version="1.0")
    wire.expect_close()


def test_http10_keep_alive(wire):
    for _ in range(3):
        wire.request(stub.body(10), version="1.0", fields=[("Connection", "keep-alive")])
        response = wire.expect_response(200, version="1.0")
        assert response.get("Connection", "").lower() == "keep-alive", response
        assert response.framing == "length"


def test_http10_stream_ends_with_the_connection(wire):
    wire.request(stub.stream(3, size=10), version="1.0", fields=[("Connection", "keep-alive")])
    response = wire.expect_response(200, version="1.0")
    assert response.framing == "close" and response.body == stub.stream_body(3, 10)
    wire.expect_close()


def test_connection_named_fields_are_not_special(wire):
    wire.request(stub.ECHO, fields=[("Connection", "X-Secret"), ("X-Secret", "1")])
    wire.expect_response(200)


# ---- pipelining (RFC 9112 9.3.2)


def test_pipelined_in_order(wire):
    wire.send(b"".join(get(f"{stub.ECHO}?{n}") for n in range(50)))
    for number in range(50):
        assert stub.echoed(wire.expect_response(200)).target == f"{stub.ECHO}?{number}"


def test_slow_one_first(wire):
    wire.send(get(stub.sleep(200)) + get("/hello.txt") + get(stub.ECHO + "?last"))
    wire.expect_response(200)
    wire.expect_response(200, body=b"hello, file\n")
    assert stub.echoed(wire.expect_response(200)).target.endswith("?last")


def test_pipelined_bodies(wire):
    stream = b""
    for number in range(10):
        body = bytes([65 + number]) * (number * 100)
        stream += get(stub.ECHO, f"Content-Length: {len(body)}", method="POST") + body
    wire.send(stream)
    for number in range(10):
        assert stub.echoed(wire.expect_response(200)).body == bytes([65 + number]) * (number * 100)


def test_pipelined_of_all_kinds(wire):
    chunked = get(stub.ECHO, "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n0\r\n\r\n"
    wire.send(get("/hello.txt", method="HEAD") + chunked + get("/hello.txt") + get(stub.status(204)) + get(stub.ECHO))
    assert wire.expect_response(200, method="HEAD").body == b""
    assert stub.echoed(wire.expect_response(200)).body == b"abc"
    wire.expect_response(200, body=b"hello, file\n")
    wire.expect_response(204)
    wire.expect_response(200)


def test_error_in_a_pipeline_comes_after_the_earlier_answers(wire):
    wire.send(get(stub.sleep(100)) + get(stub.ECHO + "?2") + b"BAD REQUEST LINE\r\n\r\n" + get(stub.ECHO))
    wire.expect_response(200)
    assert stub.echoed(wire.expect_response(200)).target.endswith("?2")
    assert wire.expect_response(400).closes
    wire.expect_close()


# ---- request bodies (RFC 9112 6)


@pytest.mark.parametrize("size", [0, 1, 100, 4095, 4096, 65535, 65536, 65537, 300_000, 3_000_000])
def test_body_by_length(wire, size):
    body = stub.pattern(size)
    wire.request(stub.ECHO, "POST", body=body)
    assert stub.echoed(wire.expect_response(200)).body == body
    wire.request(stub.ECHO)
    wire.expect_response(200)


@pytest.mark.parametrize("chunk", [1, 7, 1000, 65536, 70_000])
def test_body_in_chunks(wire, chunk):
    body = stub.pattern(200_000 if chunk > 100 else 2000)
    stream = get(stub.ECHO, "Transfer-Encoding: chunked", method="POST")
    for start in range(0, len(body), chunk):
        piece = body[start : start + chunk]
        stream += b"%x\r\n" % len(piece) + piece + b"\r\n"
    wire.send(stream + b"0\r\n\r\n" + get(stub.ECHO + "?after"))
    assert stub.echoed(wire.expect_response(200)).body == body
    assert stub.echoed(wire.expect_response(200)).target.endswith("?after")


@pytest.mark.parametrize("cut", [1, 65_535, 65_536, 150_000, 299_999, 300_000])
def test_large_bodies_and_what_follows_them(wire, cut):
    """A large body is read to where it stays: not a byte further, wherever the client pauses."""
    one, two = stub.pattern(300_000), os.urandom(200_000)
    head = get(stub.ECHO, f"Content-Length: {len(one)}", method="POST")
    rest = get(stub.ECHO, f"Content-Length: {len(two)}", method="POST") + two + get(stub.ECHO + "?after")
    wire.send(head + one[:cut], one[cut:] + rest)
    assert stub.echoed(wire.expect_response(200)).body == one
    assert stub.echoed(wire.expect_response(200)).body == two
    assert stub.echoed(wire.expect_response(200)).target.endswith("?after")


def test_large_bodies_do_not_mix(server):
    """Their memory is used again, by others at the same time and by the next."""
    bodies = [bytes([65 + number]) * size for number in range(8) for size in (70_000, 400_000)]
    wires = [server.connect() for _ in bodies]
    for turn in range(3):
        for number, (wire, body) in enumerate(zip(wires, bodies)):
            wire.send(get(stub.ECHO, f"Content-Length: {len(body) - turn * number}", method="POST") + body[: 66_000 + number])
        for number, (wire, body) in enumerate(zip(wires, bodies)):
            wire.send(body[66_000 + number : len(body) - turn * number])
        for number, (wire, body) in enumerate(zip(wires, bodies)):
            assert stub.echoed(wire.expect_response(200)).body == body[: len(body) - turn * number]
    for wire in wires:
        wire.close()


def test_body_read_while_it_arrives_in_pieces(wire):
    wire.send(get(stub.ECHO, f"Content-Length: {len(BODY)}", method="POST"), BODY[:1], BODY[1:500], BODY[500:])
    assert stub.echoed(wire.expect_response(200)).body == BODY


@pytest.mark.parametrize("announce", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_truncated_body_never_runs(server, announce):
    """RFC 9112 8: an incomplete message is not a request."""
    before = server.metrics()["phpsrv_worker_run_seconds_count"]
    part = b"hello" if "Length" in announce else b"a\r\nhello"
    with server.connect() as wire:
        wire.send(get(stub.ECHO, announce, method="POST") + part)
        wire.half_close()
        rest = wire.expect_cut()
        assert not rest or rest.startswith(b"HTTP/1.1 400 "), rest
    assert server.metrics()["phpsrv_worker_run_seconds_count"] == before


def test_missing_last_chunk_never_runs(server):
    before = server.metrics()["phpsrv_worker_run_seconds_count"]
    with server.connect() as wire:
        wire.send(get(stub.ECHO, "Transfer-Encoding: chunked", method="POST") + b"5\r\nhello\r\n0\r\n")
        wire.half_close()
        rest = wire.expect_cut()
        assert not rest or rest.startswith(b"HTTP/1.1 400 "), rest
    assert server.metrics()["phpsrv_worker_run_seconds_count"] == before


def test_truncated_head_is_dropped(server):
    with server.connect() as wire:
        wire.send(b"GET /stub/echo HTTP/1.1\r\nHost: h\r\n")
        wire.half_close()
        rest = wire.expect_cut()
        assert not rest or rest.startswith(b"HTTP/1.1 400 "), rest


# ---- byte by byte equals one write


@pytest.mark.parametrize(
    "request_bytes",
    [
        get(stub.ECHO, "X-Long: " + "v" * 300),
        get(stub.ECHO, "Content-Length: 30", method="POST") + BODY[:30],
        get(stub.ECHO, "Transfer-Encoding: chunked", method="POST") + b"5;a=b\r\nhello\r\n5\r\nworld\r\n0\r\nX-T: 1\r\n\r\n",
        b"\r\n" + get("http://other.example" + stub.ECHO + "?a=b&c", "Cookie: a=1", "Cookie: b=2"),
    ],
    ids=["get", "length", "chunked", "absolute"],
)
def test_bytewise_equals_one_write(server, request_bytes):
    with server.connect() as whole, server.connect() as bytewise:
        whole.send(request_bytes)
        bytewise.send_bytewise(request_bytes)
        one, other = (stub.echoed(wire.expect_response(200)) for wire in (whole, bytewise))
        assert one == other


def test_pipeline_cut_at_every_place(server):
    stream = get(stub.ECHO, "Content-Length: 3", method="POST") + b"abc" + get(stub.ECHO + "?2")
    for cut in range(1, len(stream)):
        with server.connect() as wire:
            wire.send(stream[:cut], stream[cut:])
            assert stub.echoed(wire.expect_response(200)).body == b"abc", cut
            assert stub.echoed(wire.expect_response(200)).target == stub.ECHO + "?2", cut


# ---- responses (RFC 9112 6, 7)


@pytest.mark.parametrize("size", [0, 1, 1000, 65536, 262_143, 262_144, 262_145, 2 << 20])
def test_response_body_of_known_length(wire, size):
    wire.request(stub.body(size))
    response = wire.expect_response(200)
    assert response.framing == "length"
    assert len(response.body) == size and response.body == stub.pattern(size)


def test_streamed_response_is_chunked(wire):
    wire.request(stub.stream(5, size=1000))
    response = wire.expect_response(200)
    assert response.framing == "chunked" and response.body == stub.stream_body(5, 1000)
    wire.request(stub.ECHO)
    wire.expect_response(200)


def test_streamed_pieces_arrive_before_the_end(wire):
    """The head and the first piece are on the wire while the script still runs."""
    wire.request(stub.stream(2, size=10, milliseconds=1000))
    first = wire.socket.recv(65536)
    while b"part 0" not in first:
        first += wire.socket.recv(65536)
    assert b"part 1" not in first


def test_head_has_the_fields_of_get(wire):
    for target in (stub.body(1234), "/hello.txt"):
        wire.request(target)
        got = wire.expect_response(200)
        wire.request(target, "HEAD")
        head = wire.expect_response(200, method="HEAD")
        ignore = ("date", "x-request-id")
        fields = [[f for f in r.fields if f[0].lower() not in ignore] for r in (got, head)]
        assert fields[0] == fields[1]
        assert head.get("Content-Length") == str(len(got.body))


def test_head_of_a_stream(wire):
    wire.request(stub.stream(3, size=10), "HEAD")
    wire.expect_response(200, method="HEAD")
    wire.request(stub.ECHO)
    wire.expect_response(200)


@pytest.mark.parametrize("code", [204, 304])
def test_bodiless_status_whatever_the_script_writes(wire, code):
    wire.request(stub.status(code))
    response = wire.expect_response(code, {"Transfer-Encoding": None})
    assert response.body == b""
    wire.request(stub.ECHO)
    wire.expect_response(200)


@pytest.mark.parametrize("code", [200, 201, 206, 301, 302, 307, 400, 401, 403, 404, 418, 429, 451, 500, 502, 503, 599])
def test_status_of_the_script(wire, code):
    wire.request(stub.status(code))
    wire.expect_response(code)


def test_server_field_and_date(wire):
    wire.request(stub.ECHO)
    response = wire.expect_response(200)
    assert response.get("Server") == "phpsrv"


def test_server_tokens_off(launch):
    server = launch("--server-tokens=false")
    assert server.fetch(stub.ECHO).get("Server") is None
    assert server.fetch("/%00").get("Server") is None


# ---- methods (RFC 9110 9, QUERY)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PROPFIND", "REPORT"])
def test_methods_reach_the_script(wire, method):
    wire.request(stub.ECHO, method, body=b"data" if method not in ("GET", "OPTIONS") else None)
    assert stub.echoed(wire.expect_response(200)).method == method
    wire.request(stub.ECHO)
    wire.expect_response(200)


def test_unknown_method_is_no_syntax_error(wire):
    """RFC 9110 9.1: a method that the server does not know is 501, unless the application gets it."""
    wire.request(stub.ECHO, "BREW")
    assert wire.expect_response().status in (200, 501)


def test_methods_are_case_sensitive(wire):
    wire.request(stub.ECHO, "get")
    response = wire.expect_response()
    assert response.status in (400, 501) or stub.echoed(response).method == "get"


def test_trace_is_not_echoed_back(wire):
    """RFC 9110 9.3.8: a server may refuse it; reflecting cookies would help an attacker."""
    wire.request(stub.ECHO, "TRACE", fields=[("Cookie", "secret=1")])
    response = wire.expect_response()
    assert response.status in (405, 501)
    if response.status == 405:
        assert "TRACE" not in response.get("Allow")


def test_options_asterisk(wire):
    wire.send(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
    response = wire.expect_response()
    assert response.status in (200, 204)
    assert "GET" in response.get("Allow", "")
    wire.request(stub.ECHO)
    wire.expect_response(200)


# ---- Expect (RFC 9110 10.1.1)


def test_continue_before_the_body(wire):
    wire.send(get(stub.ECHO, "Content-Length: 5", "Expect: 100-continue", method="POST"))
    wire.expect_interim(100)
    wire.send(b"hello")
    assert stub.echoed(wire.expect_response(200)).body == b"hello"


def test_continue_is_case_insensitive(wire):
    wire.send(get(stub.ECHO, "Content-Length: 5", "Expect: 100-Continue", method="POST"))
    wire.expect_interim(100)
    wire.send(b"hello")
    wire.expect_response(200)


def test_continue_with_chunks(wire):
    wire.send(get(stub.ECHO, "Transfer-Encoding: chunked", "Expect: 100-continue", method="POST"))
    wire.expect_interim(100)
    wire.send(b"5\r\nhello\r\n0\r\n\r\n")
    assert stub.echoed(wire.expect_response(200)).body == b"hello"


def test_no_continue_when_the_body_is_there_already(wire):
    wire.send(get(stub.ECHO, "Content-Length: 5", "Expect: 100-continue", method="POST") + b"hello")
    response = wire.expect_response(200)
    assert [interim.status for interim in response.interim] in ([], [100])
    assert stub.echoed(response).body == b"hello"


def test_no_continue_without_a_body(wire):
    wire.send(get(stub.ECHO, "Expect: 100-continue"))
    assert wire.expect_response(200).interim == []


def test_no_continue_for_http10(wire):
    wire.send(get(stub.ECHO, "Content-Length: 5", "Expect: 100-continue", method="POST", version="1.0") + b"hello")
    wire.expect_response(200, version="1.0")


def test_final_status_instead_of_continue(launch):
    """A request that is refused anyway gets its refusal, not 100, and its body is not asked for."""
    server = launch("--http-body-bytes-max", "1K", files={"hello.txt": "x"})
    with server.connect() as wire:
        wire.send(get(stub.ECHO, "Content-Length: 5000", "Expect: 100-continue", method="POST"))
        assert wire.expect_response(413).interim == []
    with server.connect() as wire:
        wire.send(get("/hello.txt", "Content-Length: 500", "Expect: 100-continue", method="POST"))
        assert wire.expect_response(405).interim == []


def test_after_a_refused_expectation_the_connection_is_in_step(launch):
    """RFC 9110 10.1.1: the client may send the body or not; so the connection closes, or the body is read."""
    server = launch("--http-body-bytes-max", "1K")
    with server.connect() as wire:
        wire.send(get(stub.ECHO, "Content-Length: 5000", "Expect: 100-continue", method="POST"))
        response = wire.expect_response(413)
        wire.try_send(get(stub.ECHO + "?smuggled"))
        assert response.closes
        wire.expect_close(reset_is_fine=True)


# ---- half-close and early ends


def test_half_close_is_still_answered(wire):
    wire.send(get(stub.sleep(200)))
    wire.half_close()
    assert wire.expect_response(200)
    wire.expect_close()


def test_half_close_after_a_pipeline(wire):
    wire.send(get(stub.sleep(100)) + get("/hello.txt") + get(stub.body(1_000_000)))
    wire.half_close()
    wire.expect_response(200)
    wire.expect_response(200, body=b"hello, file\n")
    assert len(wire.expect_response(200).body) == 1_000_000
    wire.expect_close()


def test_connect_and_say_nothing(server):
    with server.connect() as wire:
        wire.half_close()
        wire.expect_close()


def test_many_connections_at_once(server):
    failures = []

    def client(number):
        try:
            with server.connect() as wire:
                for turn in range(20):
                    wire.request(f"{stub.ECHO}?{number}.{turn}")
                    assert stub.echoed(wire.expect_response(200)).target == f"{stub.ECHO}?{number}.{turn}"
        except Exception as problem:  # pylint: disable=broad-except
            failures.append(problem)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(scaled(60))
    assert not failures
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 0, "workers idle again")
