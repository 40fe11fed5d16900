"""One raw TCP connection to the server, with verbs that read like the wire.

SPDX-License-Identifier: MIT
"""

import re
import select
import socket
import struct
import time

from .clock import scaled
from .response import ResponseReader
from .sockdiag import unread_bytes

TIMEOUT = 20


class WireFailure(AssertionError):
    """The connection did something else than the test expected."""


class Wire:
    """A client connection. Every verb that waits has a deadline that only a broken server reaches.

    The address is (host, port) or the path of a unix socket."""

    def __init__(self, address, receive_buffer=None, send_buffer=None, timeout=TIMEOUT):
        self.timeout = scaled(timeout)
        is_unix = isinstance(address, str)
        self.socket = socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.socket.settimeout(self.timeout)
        self.socket.connect(address)
        if not is_unix:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server_end = self.socket.getpeername()
        self.client_end = self.socket.getsockname()
        self.reader = ResponseReader(self._receive)
        self.was_reset = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- sending

    def send(self, *pieces):
        """Sends the pieces, one write each; each piece is on its own when the server reads it."""
        for index, piece in enumerate(pieces):
            if index:
                self.taken()
            self.socket.sendall(piece.encode("latin-1") if isinstance(piece, str) else piece)
        return self

    def send_bytewise(self, data):
        """Sends every byte in a write of its own, the next one when the server has read the last."""
        for index in range(len(data)):
            self.socket.sendall(data[index : index + 1])
            self.taken()
        return self

    def try_send(self, data):
        """Sends what the server still takes; False when it has closed the connection."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def taken(self):
        """Waits until the server has read everything that was sent (or has closed)."""
        deadline = time.monotonic() + self.timeout
        while unread_bytes(self.server_end, self.client_end):
            if time.monotonic() > deadline:
                raise WireFailure("the server does not read on")
            time.sleep(0)
        return self

    def request(self, target, method="GET", fields=(), body=None, host="test.example", version="1.1"):
        """Sends one well-formed request."""
        lines = [f"{method} {target} HTTP/{version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{name}: {value}" for name, value in fields]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))
        return self

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        """Ends the connection with an RST, as a client does that vanishes."""
        if self.socket.fileno() < 0:
            return
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    # ---- expecting

    def expect_response(self, status=None, headers=None, body=None, method="GET", version="1.1"):
        """The next response, checked: headers maps names to text, a compiled regex, or None for "must be absent"."""
        response = self.reader.response(method, version)
        problems = []
        if status is not None and response.status != status:
            problems.append(f"status {response.status}, expected {status}")
        for name, wanted in (headers or {}).items():
            got = response.get(name)
            if wanted is None:
                if got is not None:
                    problems.append(f"{name} must not be there")
            elif got is None or not (wanted.search(got) if isinstance(wanted, re.Pattern) else wanted == got):
                problems.append(f"{name} is {got!r}, expected {wanted!r}")
        if body is not None:
            matches = body.search(response.body) if isinstance(body, re.Pattern) else body == response.body
            if not matches:
                problems.append(f"body {response.body[:200]!r}, expected {body!r:.200}")
        if problems:
            raise WireFailure("; ".join(problems) + f" in {response!r}")
        return response

    def expect_interim(self, status=100):
        response = self.reader.interim()
        if response.status != status:
            raise WireFailure(f"expected {status}, got {response!r}")
        return response

    def expect_close(self, reset_is_fine=False):
        """The server closes now, and sends nothing more before it does."""
        rest = self.reader.drain()
        if rest:
            raise WireFailure(f"bytes before the close: {rest[:200]!r}")
        if self.was_reset and not reset_is_fine:
            raise WireFailure("the connection was reset, a clean close was expected")
        return self

    def expect_cut(self):
        """The connection ends inside a response: returns what came."""
        return self.reader.drain()

    def expect_silence(self, until):
        """Nothing arrives until the event until() has happened (it blocks); returns its value."""
        value = until()
        if self.readable():
            raise WireFailure(f"the server broke the silence: {self._receive()[:200]!r}")
        return value

    def readable(self, timeout=0):
        if self.reader.buffered:
            return True
        poll = select.poll()
        poll.register(self.socket, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(timeout * 1000))

    def is_open(self):
        """True while the server has not closed its side."""
        if not self.readable():
            return True
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except ConnectionResetError:
            return False

    def _receive(self):
        try:
            return self.socket.recv(262144)
        except socket.timeout as error:
            raise WireFailure(f"nothing came in {self.timeout:.0f} s") from error
        except ConnectionResetError:
            self.was_reset = True
            return b""
