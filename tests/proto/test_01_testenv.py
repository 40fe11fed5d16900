"""The judge is judged: the environment's response parser refuses what RFC 9112 forbids, its metrics parser likewise.

SPDX-License-Identifier: MIT
"""

import pytest

from testenv import BadResponse, Metrics, ResponseReader, parse_log_line

DATE = b"Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"


def reader(data, piece=1 << 20):
    pieces = iter([data[i : i + piece] for i in range(0, len(data), piece)])
    return ResponseReader(lambda: next(pieces, b""))


def response(head, body=b"", status=b"200 OK"):
    return b"HTTP/1.1 " + status + b"\r\n" + DATE + head + b"\r\n" + body


@pytest.mark.parametrize("piece", [1, 2, 3, 1000])
def test_good_responses(piece):
    stream = (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        + response(b"Content-Length: 3\r\n", b"abc")
        + response(b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\nX: y\r\n\r\n")
        + response(b"", status=b"204 No Content")
        + response(b"Connection: close\r\n", b"rest")
    )
    read = reader(stream, piece)
    first = read.response()
    assert [i.status for i in first.interim] == [100] and first.body == b"abc" and first.framing == "length"
    second = read.response()
    assert second.body == b"abc" and second.trailers == [("X", "y")]
    assert read.response().status == 204
    assert read.response().body == b"rest"


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"HTTP/1.0 200 OK\r\n" + DATE + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200\r\n" + DATE + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n" + DATE + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\n" + DATE + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n",
        response(b"Content-Length: 3\r\n", b"ab"),
        response(b"Content-Length: +3\r\n", b"abc"),
        response(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"),
        response(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        response(b"Transfer-Encoding: gzip\r\n", b""),
        response(b"X-A : 1\r\nContent-Length: 0\r\n"),
        response(b" X-A: 1\r\nContent-Length: 0\r\n"),
        response(b"X-A: 1\r\n 2\r\nContent-Length: 0\r\n"),
        response(b"X-A: \x01\r\nContent-Length: 0\r\n"),
        response(b"X-A: a\rb\r\nContent-Length: 0\r\n"),
        response(b"X-A: 1\nContent-Length: 0\r\n"),
        response(b"X-A\r\nContent-Length: 0\r\n"),
        response(b"", b"no framing and no close"),
        response(b"Content-Length: 0\r\n", status=b"204 No Content"),
        response(b"Transfer-Encoding: chunked\r\n", b"3\nabc\r\n0\r\n\r\n"),
        response(b"Transfer-Encoding: chunked\r\n", b"3\r\nabcd\r\n0\r\n\r\n"),
        response(b"Transfer-Encoding: chunked\r\n", b"0x3\r\nabc\r\n0\r\n\r\n"),
        response(b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n"),
        response(b"ETag: \"a\"\r\nETag: \"b\"\r\nContent-Length: 0\r\n"),
    ],
)
def test_bad_responses(stream):
    with pytest.raises(BadResponse):
        reader(stream).response()


def test_bad_responses_for_http10():
    with pytest.raises(BadResponse):
        reader(response(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n")).response(version="1.0")
    with pytest.raises(BadResponse):
        reader(b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"Content-Length: 0\r\n")).response(version="1.0")


GOOD = '# HELP a_total Help.\n# TYPE a_total counter\na_total{x="1",y="a\\"b"} 3\na_total{x="2"} 4.5e1\n'


def test_metrics():
    metrics = Metrics(GOOD)
    assert metrics["a_total"] == 48 and metrics.value("a_total", x="1") == 3
    with pytest.raises(KeyError):
        metrics.value("a_total", x="3")


@pytest.mark.parametrize(
    "text",
    [
        GOOD[:-1],
        GOOD + 'a_total{x="2"} 1\n',
        GOOD + "b_total 1\n",
        GOOD + "# TYPE a_total counter\n",
        GOOD + "a_total{x=2} 1\n",
        GOOD + 'a_total{x="3"}\n',
        GOOD + "# TYPE c thing\n",
    ],
)
def test_bad_metrics(text):
    with pytest.raises(AssertionError):
        Metrics(text)


def test_log_lines():
    line = parse_log_line('2026-01-01T00:00:00.000Z INFO  server.ready address=127.0.0.1:80 name="a \\"b\\" c" n=3')
    assert (line.level, line.event) == ("INFO", "server.ready")
    assert line.fields == {"address": "127.0.0.1:80", "name": 'a "b" c', "n": "3"}
    assert parse_log_line('{"level":"warn","event":"a.b","n":3}').level == "WARN"
    assert parse_log_line("==123==ERROR: AddressSanitizer") is None
