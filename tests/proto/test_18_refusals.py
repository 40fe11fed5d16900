"""What the server itself refuses: each status where RFC 9110 says, with a small page in the form the client likes.

SPDX-License-Identifier: MIT
"""

import json

import pytest

from testenv import H2Wire, stub
from testenv.h2 import END_HEADERS

FORMS = {
    "nothing said": ([], "text/plain; charset=utf-8"),
    "anything": ([("Accept", "*/*")], "text/plain; charset=utf-8"),
    "browser": ([("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")], "text/html; charset=utf-8"),
    "json": ([("Accept", "application/json")], "application/problem+json"),
    "problem": ([("Accept", "application/problem+json, text/html;q=0.5")], "application/problem+json"),
    "text": ([("Accept", "text/plain")], "text/plain; charset=utf-8"),
}

LIMITS = ("--http-body-bytes-max", "64K", "--request-decode", "--http-header-count-max", "20", "--http-request-line-bytes-max", "2K")

# name: (request line, fields, status, phrase, section)
CASES = {
    "bad target": ("GET /%zz HTTP/1.1", [], 400, "Bad Request", "RFC 9110 15.5.1"),
    "climbing": ("GET /../../etc/passwd HTTP/1.1", [], 400, "Bad Request", "RFC 9110 15.5.1"),
    "no host": ("GET / HTTP/1.1", None, 400, "Bad Request", "RFC 9112 3.2"),
    "hidden": ("GET /.git/config HTTP/1.1", [], 404, "Not Found", "RFC 9110 15.5.5"),
    "trace": ("TRACE / HTTP/1.1", [], 405, "Method Not Allowed", "RFC 9110 15.5.6"),
    "file": ("DELETE /a.txt HTTP/1.1", [], 405, "Method Not Allowed", "RFC 9110 15.5.6"),
    "no length": ("POST /stub/echo HTTP/1.0", [], 411, "Length Required", "RFC 9110 15.5.12, RFC 1945 7.2.2"),
    "no length, put": ("PUT /stub/echo HTTP/1.0", [], 411, "Length Required", "RFC 9110 15.5.12"),
    "precondition": ("GET /a.txt HTTP/1.1", [("If-Match", '"none"')], 412, "Precondition Failed", "RFC 9110 15.5.13"),
    "large": ("POST /stub/echo HTTP/1.1", [("Content-Length", "65537")], 413, "Content Too Large", "RFC 9110 15.5.14"),
    "long target": ("GET /" + "x" * 3000 + " HTTP/1.1", [], 414, "URI Too Long", "RFC 9110 15.5.15"),
    "coding": ("POST /stub/echo HTTP/1.1", [("Content-Encoding", "exi"), ("Content-Length", "1")], 415, "Unsupported Media Type", "RFC 9110 15.5.16"),
    "range": ("GET /a.txt HTTP/1.1", [("Range", "bytes=1000-")], 416, "Range Not Satisfiable", "RFC 9110 15.5.17"),
    "expectation": ("GET /a.txt HTTP/1.1", [("Expect", "a miracle")], 417, "Expectation Failed", "RFC 9110 15.5.18"),
    "many fields": ("GET / HTTP/1.1", [(f"X-{i}", "y") for i in range(30)], 431, "Request Header Fields Too Large", "RFC 6585 5"),
    "connect": ("CONNECT example.org:443 HTTP/1.1", [], 501, "Not Implemented", "RFC 9110 15.6.2"),
    "transfer coding": ("POST / HTTP/1.1", [("Transfer-Encoding", "gzip, chunked")], 501, "Not Implemented", "RFC 9112 6.1"),
    "version": ("GET / HTTP/3.0", [], 505, "HTTP Version Not Supported", "RFC 9110 15.6.6"),
}


@pytest.fixture(scope="module")
def server(launch_module):
    return launch_module(*LIMITS, files={"a.txt": "a file\n", ".git/config": "secret"})


def check_page(answer, status, phrase, content_type):
    assert answer.status == status, answer
    assert answer.get("Content-Type") == content_type
    assert int(answer.get("Content-Length")) == len(answer.body) < 600
    text = answer.body.decode()
    if content_type == "application/problem+json":
        problem = json.loads(text)  # RFC 9457 3.1: status and title; no type: about:blank
        assert problem == {"title": phrase, "status": status}
    elif content_type.startswith("text/html"):
        assert text.startswith("<!DOCTYPE html>") and f"<title>{status} {phrase}</title>" in text
    else:
        assert text == f"{status} {phrase}\n"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_status_and_page(server, case, form):
    line, fields, status, phrase, _ = CASES[case]
    accepted, content_type = FORMS[form]
    head = [] if fields is None else [("Host", "example.org:443"), *fields]
    head += accepted
    with server.connect() as wire:
        wire.send(line + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head) + "\r\n")
        answer = wire.expect_response()
    # what was not read when it was refused cannot have said what the client likes
    unread = case in ("long target", "version", "many fields") and form != "nothing said"
    check_page(answer, status, phrase, "text/plain; charset=utf-8" if unread else content_type)


@pytest.mark.parametrize("case", ["trace", "file"])
def test_allow(server, case):
    """RFC 9110 15.5.6, 10.2.1"""
    line, _, _, _, _ = CASES[case]
    method, path, _ = line.split()
    answer = server.fetch(path, method=method)
    allowed = answer.get("Allow").split(", ")
    assert method not in allowed and {"GET", "HEAD", "OPTIONS"} <= set(allowed)
    for other in allowed:
        assert server.fetch(path, method=other).status != 405


def test_head_has_no_body(server):
    answer = server.fetch("/.git/config", method="HEAD", fields=[("Accept", "text/html")])
    assert answer.status == 404 and answer.body == b"" and int(answer.get("Content-Length")) > 100


def test_416_says_how_long_it_is(server):
    """RFC 9110 15.5.17"""
    assert server.fetch("/a.txt", fields=[("Range", "bytes=1000-")]).get("Content-Range") == "bytes */7"


def test_415_says_what_is_known(server):
    """RFC 9110 15.5.16"""
    answer = server.fetch(stub.ECHO, "POST", [("Content-Encoding", "exi")], b"x")
    assert answer.status == 415 and answer.get("Accept-Encoding") == "zstd, br, gzip"


def test_after_a_refusal_the_connection_goes_on(server):
    """What was refused at its head leaves the connection usable, when the body was read or there was none."""
    with server.connect() as wire:
        for path, fields in (("/.git/config", []), ("/a.txt", [("Range", "bytes=1000-")]), ("/a.txt", [("If-Match", '"x"')])):
            wire.request(path, fields=fields)
            assert wire.expect_response().status >= 400
        wire.request("/a.txt")
        assert wire.expect_response().body == b"a file\n"


# ---- 411


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_methods_without_content_need_no_length(server, method):
    with server.connect() as wire:
        wire.send(f"{method} /stub/echo HTTP/1.0\r\n\r\n")
        assert wire.expect_response(method=method).status == 200


@pytest.mark.parametrize("fields", ["Content-Length: 0\r\n", "Content-Length: 3\r\n"])
def test_http_1_0_with_a_length(server, fields):
    with server.connect() as wire:
        wire.send(f"POST /stub/echo HTTP/1.0\r\n{fields}\r\nabc")
        assert wire.expect_response().status == 200


def test_http_1_1_needs_none(server):
    """RFC 9112 6.3: without length and coding there is no body."""
    with server.connect() as wire:
        wire.send("POST /stub/echo HTTP/1.1\r\nHost: x\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.expect_response().status == 200
        assert wire.expect_response().body == b"a file\n"


# ---- 426


@pytest.mark.parametrize(
    ("least", "line", "status", "upgrade"),
    [
        ("1.0", "GET / HTTP/1.0", 200, None),
        ("1.1", "GET / HTTP/1.0", 426, "HTTP/1.1"),
        ("1.1", "GET / HTTP/1.1", 200, None),
        ("2", "GET / HTTP/1.1", 426, "HTTP/2.0"),
        ("2", "POST / HTTP/1.1", 426, "HTTP/2.0"),
    ],
)
def test_version_too_old(launch, least, line, status, upgrade):
    """RFC 9110 15.5.22: with Upgrade, and 7.8: named in Connection."""
    server = launch("--http-min-version", least)
    with server.connect() as wire:
        wire.send(line + "\r\nHost: x\r\n\r\n")
        answer = wire.expect_response()
    assert answer.status == status and answer.get("Upgrade") == upgrade
    if upgrade:
        assert "upgrade" in [value.lower() for value in answer.all("Connection")]
    with H2Wire(server.address) as wire:
        assert wire.request(path="/").status == 200
    assert server.health()[0] == 200, "the internal listener takes all versions"


# ---- the same in HTTP/2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("fields", "status", "phrase"),
    [
        ({"path": "/.git/config"}, 404, "Not Found"),
        ({"path": "/a.txt", "method": "DELETE"}, 405, "Method Not Allowed"),
        ({"path": "/a.txt", "extra": [("if-match", '"none"')]}, 412, "Precondition Failed"),
        ({"path": "/" + "x" * 3000}, 414, "URI Too Long"),
        ({"path": "/a.txt", "extra": [("range", "bytes=1000-")]}, 416, "Range Not Satisfiable"),
        ({"path": "/a.txt", "extra": [("expect", "a miracle")]}, 417, "Expectation Failed"),
        ({"path": "/", "extra": [(f"x-{i}", "y") for i in range(30)]}, 431, "Request Header Fields Too Large"),
    ],
    ids=["404", "405", "412", "414", "416", "417", "431"],
)
def test_http2(server, fields, status, phrase, form):
    accepted, content_type = FORMS[form]
    extra = [(name.lower(), value) for name, value in accepted]
    options = {**fields, "extra": extra + fields.get("extra", [])}
    with H2Wire(server.address) as wire:
        answer = wire.request(**options)
        # the target stands before all fields: refused, the rest is not kept
        check_page(FromH2(answer), status, phrase, "text/plain; charset=utf-8" if status == 414 else content_type)


def test_http2_body_too_large(server):
    with H2Wire(server.address) as wire:
        stream = wire.headers(method="POST", path="/stub/echo", extra=[("content-length", "65537")], flags=END_HEADERS)
        check_page(FromH2(wire.response(stream, allow_reset=True)), 413, "Content Too Large", "text/plain; charset=utf-8")


class FromH2:
    """An answer of HTTP/2 with the names of HTTP/1.1."""

    def __init__(self, answer):
        self.status = answer.status
        self.body = bytes(answer.body)
        self.get = lambda name: answer[name.lower()]
