"""A raw HTTP/2 client: frames are packed by hand, so that they may be wrong; answers are judged strictly.

SPDX-License-Identifier: MIT
"""

import socket
import struct
import time

import hpack

from .clock import scaled
from .wire import TIMEOUT, WireFailure

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 0x10
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, HAS_PRIORITY = 0x4, 0x8, 0x20

(
    NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
    REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM,
) = range(12)  # fmt: skip

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)
NO_RFC7540_PRIORITIES = 9
FORBIDDEN_FIELDS = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}


def pack(kind, flags, stream, payload=b"", length=None):
    """One frame; length lies about the payload if given."""
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def settings_payload(values):
    return b"".join(struct.pack(">HI", key, value) for key, value in values)


def request_fields(path="/stub/echo", method="GET", extra=(), authority="h", scheme="http"):
    return [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority), *extra]


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    @property
    def error(self):
        """The code of RST_STREAM or GOAWAY."""
        return struct.unpack(">I", self.payload[4:8] if self.kind == GOAWAY else self.payload)[0]

    @property
    def last_stream(self):
        return struct.unpack(">I", self.payload[:4])[0] & 0x7FFFFFFF

    def __repr__(self):
        return f"<frame {self.kind} flags={self.flags:#x} stream={self.stream} {self.payload[:40]!r}>"


class H2Response:
    """What came on a stream, until END_STREAM or RST_STREAM."""

    def __init__(self):
        self.fields, self.informational, self.body = [], [], b""
        self.status = None
        self.reset = None
        self.is_whole = False
        self.data_frames = []

    def __getitem__(self, name):
        return next((value for key, value in self.fields if key == name), None)

    def __repr__(self):
        return f"<h2 {self.status} {self.fields!r} {self.body[:80]!r} reset={self.reset}>"


class H2Wire:
    """A connection, over TLS if there is a context for it. Every verb that waits has a deadline that only a broken server reaches."""

    def __init__(self, address, settings=(), handshake=True, receive_buffer=None, updates=True, tls=None, server_name="localhost"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(scaled(TIMEOUT))
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 22
        self.buffer = b""
        self.responses = {}
        self.frames = []
        self.goaway = None
        self.has_said_goodbye = False
        self.updates = updates
        self.peer_settings = {}
        self.next_stream = 1
        if handshake:
            self.send(PREFACE, pack(SETTINGS, 0, 0, settings_payload(settings)))
            self.wait(lambda f: f.kind == SETTINGS and f.flags & ACK)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with an RST, as a client does that vanishes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # ---- sending

    def send(self, *pieces):
        self.socket.sendall(b"".join(pieces))
        return self

    def try_send(self, *pieces):
        """False when the server has closed already."""
        try:
            self.socket.sendall(b"".join(pieces))
            return True
        except OSError:
            return False

    def frame(self, kind, flags, stream, payload=b"", length=None):
        self.has_said_goodbye |= kind == GOAWAY
        return self.send(pack(kind, flags, stream, payload, length))

    def encode(self, fields):
        return self.encoder.encode(fields)

    def headers(self, stream=None, fields=None, flags=END_STREAM | END_HEADERS, **options):
        """A request's HEADERS frame; returns its stream."""
        if stream is None:
            stream = self.next_stream
        self.next_stream = max(self.next_stream, stream + 2)
        self.frame(HEADERS, flags, stream, self.encode(request_fields(**options) if fields is None else fields))
        return stream

    def data(self, stream, payload=b"", flags=END_STREAM):
        return self.frame(DATA, flags, stream, payload)

    def window_update(self, stream, increment):
        return self.frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))

    def settings(self, *values):
        return self.frame(SETTINGS, 0, 0, settings_payload(values))

    # ---- receiving

    def read_frame(self, timeout=None):
        """The next frame, or None at the end of the connection."""
        deadline = time.monotonic() + (scaled(TIMEOUT) if timeout is None else timeout)
        while True:
            if len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + length:
                    kind, flags = self.buffer[3], self.buffer[4]
                    stream = int.from_bytes(self.buffer[5:9], "big")
                    frame = Frame(kind, flags, stream, self.buffer[9 : 9 + length])
                    self.buffer = self.buffer[9 + length :]
                    self._judge(frame)
                    return frame
            left = deadline - time.monotonic()
            if left <= 0:
                raise socket.timeout("no frame came")
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(1 << 18)
            except ConnectionResetError:
                piece = b""
            if not piece:
                if self.buffer:
                    raise WireFailure(f"the connection ended within a frame: {self.buffer[:40]!r}")
                return None
            self.buffer += piece

    def _judge(self, frame):
        self.frames.append(frame)
        if frame.stream & 0x80000000:
            raise WireFailure(f"the reserved bit is set: {frame}")
        if frame.kind == SETTINGS and not frame.flags & ACK:
            for offset in range(0, len(frame.payload), 6):
                key, value = struct.unpack(">HI", frame.payload[offset : offset + 6])
                self.peer_settings[key] = value
            self.try_send(pack(SETTINGS, ACK, 0))
        elif frame.kind == GOAWAY:
            self.goaway = frame
        elif frame.kind == HEADERS:
            self._take_headers(frame)
        elif frame.kind == DATA:
            response = self.responses[frame.stream]
            assert response.status is not None and not response.is_whole, f"DATA outside of a response: {frame}"
            response.body += frame.payload
            response.data_frames.append(len(frame.payload))
            response.is_whole |= bool(frame.flags & END_STREAM)
            if self.updates and frame.payload:
                self.try_send(pack(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(frame.payload))))
                if not response.is_whole:
                    self.try_send(pack(WINDOW_UPDATE, 0, frame.stream, struct.pack(">I", len(frame.payload))))
        elif frame.kind == RST_STREAM:
            self.responses.setdefault(frame.stream, H2Response()).reset = frame.error

    def _take_headers(self, frame):
        assert frame.flags & END_HEADERS, "a head longer than a frame is read by read_long_head"
        response = self.responses.setdefault(frame.stream, H2Response())
        fields = self.decoder.decode(frame.payload)
        names = [name for name, _ in fields]
        assert names[0] == ":status" and names.count(":status") == 1, fields
        assert all(name == name.lower() for name in names), f"upper case in {names}"
        assert not FORBIDDEN_FIELDS & set(names), f"fields of a connection in {names}"
        status = int(fields[0][1])
        assert response.status is None, f"a second head: {fields}"
        if status < 200:
            assert not frame.flags & END_STREAM
            response.informational.append((status, fields[1:]))
            return
        response.status, response.fields = status, fields[1:]
        response.is_whole |= bool(frame.flags & END_STREAM)

    def wait(self, condition, timeout=None):
        """Reads frames until one fulfils the condition; the end of the connection is a failure."""
        seen = len(self.frames)
        while True:
            frame = self.read_frame(timeout)
            if frame is None:
                raise WireFailure(f"the connection ended; seen: {self.frames[seen:]}")
            if condition(frame):
                return frame

    def response(self, stream, allow_reset=False):
        """Reads until the stream's response is whole (or reset, if allowed)."""
        while True:
            got = self.responses.get(stream)
            if got is not None and (got.is_whole or (got.reset is not None and allow_reset)):
                return got
            if got is not None and got.reset is not None:
                raise WireFailure(f"stream {stream} was reset: {got.reset}")
            if self.read_frame() is None:
                raise WireFailure(f"the connection ended before the answer on {stream}; seen: {self.frames[-5:]}")

    def request(self, **options):
        return self.response(self.headers(**options))

    def expect_connection_error(self, *codes):
        """GOAWAY with one of the codes, then the end (RFC 9113 5.4.1)."""
        while True:
            frame = self.read_frame()
            if frame is None:
                break
        assert self.goaway is not None, f"closed without GOAWAY; seen: {self.frames[-5:]}"
        assert self.goaway.error in codes, f"GOAWAY with {self.goaway.error}, expected {codes}"

    def expect_stream_error(self, stream, *codes):
        """RST_STREAM with one of the codes (RFC 9113 5.4.2)."""
        got = self.responses.get(stream)
        if got is None or got.reset is None:
            frame = self.wait(lambda f: f.kind == GOAWAY or (f.kind == RST_STREAM and f.stream == stream))
            assert frame.kind == RST_STREAM, f"GOAWAY with {frame.error} instead of RST_STREAM with {codes}"
        assert self.responses[stream].reset in codes, f"reset with {self.responses[stream].reset}, expected {codes}"

    def ping(self, payload=b"12345678"):
        """A round trip: everything that was sent before has been read by the server."""
        self.frame(PING, 0, 0, payload)
        return self.wait(lambda f: f.kind == PING and f.flags & ACK and f.payload == payload)

    def expect_alive(self):
        """The connection still takes requests."""
        self.ping(b"is alive")
        stream = max(self.next_stream, 1101)
        assert self.response(self.headers(stream)).status == 200
