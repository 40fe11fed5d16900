"""What RFC 9112 and RFC 9110 forbid is refused, and what they allow is understood: the rows are in h1_cases.py.

SPDX-License-Identifier: MIT
"""

import pytest

import h1_cases
from testenv import Wire, stub

SENTINEL = f"GET {h1_cases.ECHO}?sentinel HTTP/1.1\r\nHost: h\r\n\r\n".encode()
LONGEST_BYTEWISE = 2000


def rows(table):
    return pytest.mark.parametrize("case", [case for _, case in table], ids=[f"{case.rfc} {name}" for name, case in table])


def refused(server, case, bytewise):
    with server.connect() as wire:
        if bytewise:
            for index in range(len(case.raw)):
                if not wire.try_send(case.raw[index : index + 1]):
                    break
                wire.taken()
                if wire.readable():
                    break
        else:
            wire.try_send(case.raw)
        if not wire.readable(timeout=2):
            wire.half_close()
        response = wire.expect_response()
        assert response.status in case.status, f"RFC {case.rfc}: {response!r} to {case.raw[:200]!r}"
        assert response.closes, f"a malformed request leaves the stream out of step: {response!r}"
        wire.expect_close(reset_is_fine=bytewise)
        return response.status


@rows(h1_cases.REFUSED)
def test_refused(server, case):
    refused(server, case, bytewise=False)


@rows([row for row in h1_cases.REFUSED if len(row[1].raw) < LONGEST_BYTEWISE])
def test_refused_bytewise(server, case):
    refused(server, case, bytewise=True)


@pytest.mark.parametrize("bytewise", [False, True], ids=["one write", "bytewise"])
@rows(h1_cases.ACCEPTED)
def test_accepted(server, case, bytewise):
    with server.connect() as wire:
        stream = case.raw + SENTINEL
        if bytewise:
            wire.send_bytewise(stream)
        else:
            wire.send(stream)
        version = "1.0" if b" HTTP/1.0\r\n" in case.raw else "1.1"
        response = wire.expect_response(version=version)
        assert response.status == 200, f"RFC {case.rfc}: {response!r} to {case.raw[:200]!r}"
        check_seen(case, stub.echoed(response))
        assert stub.echoed(wire.expect_response(200)).target == f"{h1_cases.ECHO}?sentinel"


def check_seen(case, seen):
    wanted = case.seen
    if "target" in wanted:
        assert seen.target == wanted["target"]
    if "body" in wanted:
        assert seen.body == wanted["body"]
    if "host" in wanted:
        assert seen.all("Host") == [wanted["host"]]
    for name, value in wanted.get("fields", {}).items():
        assert seen.all(name) == (value if isinstance(value, list) else [value])
    for name in wanted.get("absent", ()):
        assert seen.all(name) == []


def test_trailers_never_frame(server):
    """RFC 9110 6.5.1: a sender must not put framing into trailers; they are refused or ignored, never acted upon."""
    trailers = b"Content-Length: 50\r\nTransfer-Encoding: gzip\r\n"
    with server.connect() as wire:
        wire.send(h1_cases.chunked(b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n") + SENTINEL)
        response = wire.expect_response()
        if response.status == 400:
            wire.expect_close(reset_is_fine=True)
        else:
            seen = stub.echoed(response)
            assert seen.body == b"hello" and seen.all("Content-Length") == []
            assert stub.echoed(wire.expect_response(200)).target == f"{h1_cases.ECHO}?sentinel"


def test_nothing_of_a_refused_request_runs(server):
    """No refused row reaches a worker, and the request smuggled behind its body does not either."""
    before = server.metrics()["phpsrv_worker_run_seconds_count"]
    for _, case in h1_cases.REFUSED:
        refused(server, case, bytewise=False)
    assert server.metrics()["phpsrv_worker_run_seconds_count"] == before


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 50])
def test_split_rows_give_the_same_answer(server, size):
    """Feeding a request in pieces of any size changes nothing."""
    for name, case in h1_cases.ALL:
        if len(case.raw) > LONGEST_BYTEWISE:
            continue
        with Wire(server.address) as wire:
            for start in range(0, len(case.raw), size):
                if not wire.try_send(case.raw[start : start + size]) or wire.readable():
                    break
            if case.status and not wire.readable(timeout=2):
                wire.half_close()
            version = "1.0" if b" HTTP/1.0\r\n" in case.raw else "1.1"
            response = wire.expect_response(version=version if not case.status else "1.1")
            assert response.status in (case.status or (200,)), name
