"""RFC 9113, RFC 7541 and RFC 9218: wrong frames end the connection or the stream, right ones are answered; rows in h2_cases.py.

SPDX-License-Identifier: MIT
"""

import pytest

import h2_cases
from testenv import H2Wire
from testenv.h2 import GOAWAY, RST_STREAM


def rows(table):
    return pytest.mark.parametrize(("action", "expected"), [row[1:] for row in table], ids=[row[0] for row in table])


@rows(h2_cases.RAW)
def test_beginning(server, action, expected):
    with H2Wire(server.address, handshake=False) as wire:
        wire.send(action)
        wire.expect_connection_error(*expected)


@rows(h2_cases.CONNECTION_ERRORS)
def test_connection_error(server, action, expected):
    with H2Wire(server.address) as wire:
        action(wire)
        wire.expect_connection_error(*expected)


@rows(h2_cases.STREAM_ERRORS)
def test_stream_error(server, action, expected):
    with H2Wire(server.address) as wire:
        action(wire)
        wire.expect_stream_error(1, *expected)
        wire.expect_alive()


@rows(h2_cases.ERRORS_OF_EITHER_KIND)
def test_error(server, action, expected):
    with H2Wire(server.address) as wire:
        action(wire)
        frame = wire.wait(lambda f: f.kind in (GOAWAY, RST_STREAM))
        assert frame.error in expected
        if frame.kind == GOAWAY:
            wire.expect_connection_error(*expected)
        else:
            wire.expect_alive()


@rows(h2_cases.ANSWERS)
def test_answer(server, action, expected):
    with H2Wire(server.address) as wire:
        action(wire)
        assert wire.response(1).status == expected
        if not wire.has_said_goodbye:
            wire.expect_alive()
