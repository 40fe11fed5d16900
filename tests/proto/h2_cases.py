"""RFC 9113 and RFC 7541 as a table: what a client may send wrong, and what the server has to make of it.

A case is a function of a fresh connection (after the handshake, unless RAW) that sends something, and what is expected:
a connection error, an error of stream 1, or an answer on stream 1.  The id of a case begins with its section.
SPDX-License-Identifier: MIT
"""

import struct

from testenv.h2 import (
    ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY,
    HAS_PRIORITY, HEADERS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, ENABLE_PUSH, NO_ERROR, PADDED, PING, PREFACE, PRIORITY,
    PRIORITY_UPDATE, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, pack,
    request_fields, settings_payload,
)  # fmt: skip

WHOLE = END_STREAM | END_HEADERS
SLOW = "/stub/sleep?ms=300"


def get(c, stream=1, **options):
    c.headers(stream, **options)


def post(c, stream=1, extra=(), **options):
    """A request that stays open for its body."""
    c.headers(stream, flags=END_HEADERS, method="POST", extra=extra, **options)


def done(c, stream=1):
    """A stream that both sides have ended."""
    get(c, stream)
    c.response(stream)


def block(c, fields):
    return c.encode(fields)


def u32(value):
    return struct.pack(">I", value)


def priority(depends, weight=15, exclusive=False):
    return u32(depends | (0x80000000 if exclusive else 0)) + bytes([weight])


def fields(*replaced, without=(), extra=()):
    """The fields of a GET with some pseudo-fields replaced."""
    named = dict(replaced)
    base = [(k, named.get(k, v)) for k, v in request_fields() if k not in without]
    return base + list(extra)


def send_fields(*replaced, without=(), extra=(), flags=WHOLE, first=()):
    return lambda c: c.headers(1, list(first) + fields(*replaced, without=without, extra=extra), flags)


def raw_block(payload, flags=WHOLE):
    return lambda c: c.frame(HEADERS, flags, 1, payload)


def after_get(action):
    def run(c):
        done(c)
        action(c)

    return run


def with_open(action, **options):
    def run(c):
        post(c, **options)
        action(c)

    return run


def trailers(flags, extra):
    def run(c):
        post(c)
        c.data(1, b"abc", flags=0)
        c.frame(HEADERS, flags, 1, block(c, extra))

    return run


def split(first, *rest, last_flags=END_HEADERS):
    """A head in HEADERS and CONTINUATION frames cut at the given places."""

    def run(c):
        whole = block(c, request_fields(extra=[("x-a", "b" * 50)]))
        cuts = [0, first, *rest, len(whole)]
        pieces = [whole[a:b] for a, b in zip(cuts, cuts[1:])]
        c.frame(HEADERS, END_STREAM, 1, pieces[0])
        for piece in pieces[1:-1]:
            c.frame(CONTINUATION, 0, 1, piece)
        c.frame(CONTINUATION, last_flags, 1, pieces[-1])

    return run


def in_block(action):
    """Something between HEADERS without END_HEADERS and its CONTINUATION."""

    def run(c):
        c.frame(HEADERS, END_STREAM, 1, block(c, request_fields()))
        action(c)

    return run


P, FC, SC, FS, CE = PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR

# ---- connections that begin wrong: (id, bytes, codes); closing without GOAWAY is allowed for a wrong preface (3.4)
RAW = [
    ("3.4 no SETTINGS after the preface", PREFACE + pack(PING, 0, 0, b"12345678"), (P,)),
    ("3.4 HEADERS first", PREFACE + pack(HEADERS, WHOLE, 1, b"\x82\x86\x84"), (P,)),
    ("3.4 SETTINGS ack first", PREFACE + pack(SETTINGS, ACK, 0), (P,)),
    ("3.4 WINDOW_UPDATE first", PREFACE + pack(WINDOW_UPDATE, 0, 0, u32(1)), (P,)),
    ("3.4 DATA first", PREFACE + pack(DATA, 0, 1, b"x"), (P,)),
    ("6.5 first SETTINGS of a wrong length", PREFACE + pack(SETTINGS, 0, 0, b"12345"), (FS,)),
    ("6.5 first SETTINGS on a stream", PREFACE + pack(SETTINGS, 0, 1), (P,)),
]

# ---- connection errors (5.4.1): (id, action, codes)
CONNECTION_ERRORS = [
    ("4.1 DATA longer than the largest frame", with_open(lambda c: c.frame(DATA, 0, 1, b"x" * 16385)), (FS,)),
    ("4.2 HEADERS longer than the largest frame", raw_block(b"\0" * 16385), (FS,)),
    ("4.2 SETTINGS longer than the largest frame", lambda c: c.frame(SETTINGS, 0, 0, settings_payload([(1, 4096)]) * 2731), (FS,)),
    ("4.2 unknown frame longer than the largest frame", lambda c: c.frame(0xEE, 0, 0, b"x" * 16385), (FS,)),
    ("4.2 CONTINUATION longer than the largest frame", in_block(lambda c: c.frame(CONTINUATION, 0, 1, b"\0" * 16385)), (FS,)),
    ("4.2 PING longer than the largest frame", lambda c: c.frame(PING, 0, 0, b"x" * 16385), (FS,)),
    ("4.3 HEADERS that do not decompress", raw_block(b"\xff\xff\xff\xff\xff\xff\xff"), (CE,)),
    ("4.3 CONTINUATION that does not decompress", in_block(lambda c: c.frame(CONTINUATION, END_HEADERS, 1, b"\xff" * 8)), (CE,)),
    ("4.3 trailers that do not decompress", with_open(lambda c: c.frame(HEADERS, WHOLE, 1, b"\xff" * 8)), (CE,)),
    ("4.3 DATA within a header block", in_block(lambda c: c.frame(DATA, 0, 1, b"x")), (P,)),
    ("4.3 PRIORITY within a header block", in_block(lambda c: c.frame(PRIORITY, 0, 1, priority(0))), (P,)),
    ("4.3 PING within a header block", in_block(lambda c: c.frame(PING, 0, 0, b"12345678")), (P,)),
    ("4.3 SETTINGS within a header block", in_block(lambda c: c.settings()), (P,)),
    ("4.3 WINDOW_UPDATE within a header block", in_block(lambda c: c.window_update(1, 1)), (P,)),
    ("4.3 RST_STREAM within a header block", in_block(lambda c: c.frame(RST_STREAM, 0, 1, u32(8))), (P,)),
    ("4.3 GOAWAY within a header block", in_block(lambda c: c.frame(GOAWAY, 0, 0, u32(0) * 2)), (P,)),
    ("4.3 unknown frame within a header block", in_block(lambda c: c.frame(0xEE, 0, 0, b"x")), (P,)),
    ("4.3 HEADERS of another stream within a header block", in_block(lambda c: c.frame(HEADERS, WHOLE, 3, block(c, request_fields()))), (P,)),
    ("4.3 CONTINUATION of another stream", in_block(lambda c: c.frame(CONTINUATION, END_HEADERS, 3, b"")), (P,)),
    ("5.1 idle: DATA", lambda c: c.frame(DATA, END_STREAM, 1, b"x"), (P,)),
    ("5.1 idle: RST_STREAM", lambda c: c.frame(RST_STREAM, 0, 1, u32(8)), (P,)),
    ("5.1 idle: WINDOW_UPDATE", lambda c: c.window_update(1, 100), (P,)),
    ("5.1 idle: CONTINUATION", lambda c: c.frame(CONTINUATION, END_HEADERS, 1, b"\x82"), (P,)),
    ("5.1 idle: DATA far ahead", after_get(lambda c: c.frame(DATA, 0, 99, b"x")), (P,)),
    ("5.1 idle: RST_STREAM far ahead", after_get(lambda c: c.frame(RST_STREAM, 0, 99, u32(8))), (P,)),
    ("5.1 closed: HEADERS", after_get(lambda c: c.headers(1)), (SC,)),
    ("5.1 half-closed: HEADERS", lambda c: (get(c, path=SLOW), c.headers(1)), (SC,)),
    ("5.1 closed: CONTINUATION", after_get(lambda c: c.frame(CONTINUATION, END_HEADERS, 1, b"\x82")), (P,)),
    ("5.1.1 even stream", lambda c: c.headers(2), (P,)),
    ("5.1.1 even stream after an odd one", after_get(lambda c: c.headers(4)), (P,)),
    ("5.1.1 skipped stream", lambda c: (done(c, 5), c.headers(3)), (P,)),
    ("5.1.1 skipped first stream", lambda c: (done(c, 3), c.headers(1)), (P,)),
    ("5.1.1 stream skipped long ago", lambda c: (done(c, 1), done(c, 201), done(c, 203), c.headers(7)), (P,)),
    ("5.1.1 skipped stream, while others are open", lambda c: (post(c, 9), c.headers(7)), (P,)),
    ("5.5 CONTINUATION without HEADERS, stream 0", lambda c: c.frame(CONTINUATION, END_HEADERS, 0, b""), (P,)),
    ("6.1 DATA on stream 0", lambda c: c.frame(DATA, 0, 0, b"x"), (P,)),
    ("6.1 padding as long as the frame", with_open(lambda c: c.frame(DATA, PADDED, 1, b"\x04abc")), (P,)),
    ("6.1 padding longer than the frame", with_open(lambda c: c.frame(DATA, PADDED, 1, b"\xffabc")), (P,)),
    ("6.1 padded without a pad length", with_open(lambda c: c.frame(DATA, PADDED, 1, b"")), (FS, P)),
    ("6.2 HEADERS on stream 0", lambda c: c.frame(HEADERS, WHOLE, 0, block(c, request_fields())), (P,)),
    ("6.2 padding longer than HEADERS", raw_block(b"\xff\x82\x86\x84", WHOLE | PADDED), (P,)),
    ("6.2 padding as long as HEADERS", raw_block(b"\x04\x82\x86\x84", WHOLE | PADDED), (P,)),
    ("6.2 HEADERS too short for a priority", raw_block(b"\x00\x00", WHOLE | HAS_PRIORITY), (FS, P)),
    ("6.3 PRIORITY on stream 0", lambda c: c.frame(PRIORITY, 0, 0, priority(1)), (P,)),
    ("6.4 RST_STREAM on stream 0", lambda c: c.frame(RST_STREAM, 0, 0, u32(8)), (P,)),
    ("6.4 RST_STREAM of 3 bytes", with_open(lambda c: c.frame(RST_STREAM, 0, 1, b"abc")), (FS,)),
    ("6.4 RST_STREAM of 5 bytes", with_open(lambda c: c.frame(RST_STREAM, 0, 1, b"abcde")), (FS,)),
    ("6.4 empty RST_STREAM", with_open(lambda c: c.frame(RST_STREAM, 0, 1)), (FS,)),
    ("6.5 SETTINGS on a stream", lambda c: c.frame(SETTINGS, 0, 1, settings_payload([(3, 10)])), (P,)),
    ("6.5 SETTINGS of 5 bytes", lambda c: c.frame(SETTINGS, 0, 0, b"12345"), (FS,)),
    ("6.5 SETTINGS of 7 bytes", lambda c: c.frame(SETTINGS, 0, 0, b"1234567"), (FS,)),
    ("6.5 SETTINGS ack with a payload", lambda c: c.frame(SETTINGS, ACK, 0, settings_payload([(3, 10)])), (FS,)),
    ("6.5 SETTINGS ack of one byte", lambda c: c.frame(SETTINGS, ACK, 0, b"x"), (FS,)),
    ("6.5.2 ENABLE_PUSH 2", lambda c: c.settings((ENABLE_PUSH, 2)), (P,)),
    ("6.5.2 ENABLE_PUSH 2^32-1", lambda c: c.settings((ENABLE_PUSH, 0xFFFFFFFF)), (P,)),
    ("6.5.2 INITIAL_WINDOW_SIZE 2^31", lambda c: c.settings((INITIAL_WINDOW_SIZE, 1 << 31)), (FC,)),
    ("6.5.2 INITIAL_WINDOW_SIZE 2^32-1", lambda c: c.settings((INITIAL_WINDOW_SIZE, 0xFFFFFFFF)), (FC,)),
    ("6.5.2 MAX_FRAME_SIZE 16383", lambda c: c.settings((MAX_FRAME_SIZE, 16383)), (P,)),
    ("6.5.2 MAX_FRAME_SIZE 2^24", lambda c: c.settings((MAX_FRAME_SIZE, 1 << 24)), (P,)),
    ("6.5.2 MAX_FRAME_SIZE 0", lambda c: c.settings((MAX_FRAME_SIZE, 0)), (P,)),
    ("6.5.2 a wrong value after right ones", lambda c: c.settings((1, 4096), (3, 7), (ENABLE_PUSH, 9)), (P,)),
    ("6.6 PUSH_PROMISE from a client", with_open(lambda c: c.frame(PUSH_PROMISE, END_HEADERS, 1, u32(2) + b"\x82\x86\x84\x81")), (P,)),
    ("6.6 PUSH_PROMISE on stream 0", lambda c: c.frame(PUSH_PROMISE, END_HEADERS, 0, u32(2)), (P,)),
    ("6.7 PING on a stream", lambda c: c.frame(PING, 0, 1, b"12345678"), (P,)),
    ("6.7 PING of 7 bytes", lambda c: c.frame(PING, 0, 0, b"1234567"), (FS,)),
    ("6.7 PING of 9 bytes", lambda c: c.frame(PING, 0, 0, b"123456789"), (FS,)),
    ("6.7 empty PING", lambda c: c.frame(PING, 0, 0), (FS,)),
    ("6.7 PING ack of 7 bytes", lambda c: c.frame(PING, ACK, 0, b"1234567"), (FS,)),
    ("6.8 GOAWAY on a stream", lambda c: c.frame(GOAWAY, 0, 1, u32(0) * 2), (P,)),
    ("6.8 GOAWAY of 7 bytes", lambda c: c.frame(GOAWAY, 0, 0, b"1234567"), (FS,)),
    ("6.9 WINDOW_UPDATE of 3 bytes", lambda c: c.frame(WINDOW_UPDATE, 0, 0, b"abc"), (FS,)),
    ("6.9 WINDOW_UPDATE of 5 bytes", lambda c: c.frame(WINDOW_UPDATE, 0, 0, b"abcde"), (FS,)),
    ("6.9 WINDOW_UPDATE of 0 on the connection", lambda c: c.window_update(0, 0), (P,)),
    ("6.9 reserved bit does not count", lambda c: c.frame(WINDOW_UPDATE, 0, 0, u32(0x80000000)), (P,)),
    ("6.9.1 connection window above 2^31-1", lambda c: (c.window_update(0, 0x7FFFFFFF), c.window_update(0, 1)), (FC,)),
    ("6.9.2 SETTINGS that overflow a window", with_open(lambda c: (c.window_update(1, 0x7FFFFFFF - 65535), c.settings((INITIAL_WINDOW_SIZE, 65536)))), (FC,)),
    ("6.10 CONTINUATION on stream 0", in_block(lambda c: c.frame(CONTINUATION, END_HEADERS, 0, b"")), (P,)),
    ("6.10 CONTINUATION after END_HEADERS", lambda c: (get(c, path=SLOW), c.frame(CONTINUATION, END_HEADERS, 1, b"\x82")), (P,)),
    ("6.10 CONTINUATION after DATA", with_open(lambda c: (c.data(1, b"x", 0), c.frame(CONTINUATION, END_HEADERS, 1, b"\x82"))), (P,)),
    ("6.10 second CONTINUATION after END_HEADERS", in_block(lambda c: (c.frame(CONTINUATION, END_HEADERS, 1), c.frame(CONTINUATION, END_HEADERS, 1))), (P,)),
    ("9218-7.1 PRIORITY_UPDATE on a stream", lambda c: c.frame(PRIORITY_UPDATE, 0, 1, u32(1) + b"u=1"), (P,)),
    ("9218-7.1 PRIORITY_UPDATE of stream 0", lambda c: c.frame(PRIORITY_UPDATE, 0, 0, u32(0) + b"u=1"), (P,)),
    ("9218-7.1 PRIORITY_UPDATE too short", lambda c: c.frame(PRIORITY_UPDATE, 0, 0, b"abc"), (FS,)),
    # RFC 7541
    ("7541-2.3.3 index 0", raw_block(b"\x80"), (CE,)),
    ("7541-2.3.3 index past the static table", raw_block(b"\xbe"), (CE,)),
    ("7541-2.3.3 index far past the tables", raw_block(b"\xff\x80\x80\x01"), (CE,)),
    ("7541-2.3.3 literal with a name index past the tables", raw_block(b"\x7f\x20\x01a"), (CE,)),
    ("7541-4.2 table size update at the end of a block", lambda c: c.frame(HEADERS, WHOLE, 1, block(c, request_fields()) + b"\x20"), (CE,)),
    ("7541-4.2 table size update between fields", raw_block(b"\x82\x20\x86\x84"), (CE,)),
    ("7541-6.3 table size above the setting", raw_block(b"\x3f\xe2\x1f\x82\x86\x84"), (CE,)),
    ("7541-6.3 huge table size", raw_block(b"\x3f\xff\xff\xff\x7f\x82\x86\x84"), (CE,)),
    ("7541-5.1 integer without an end", raw_block(b"\x82\x86\x84\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), (CE,)),
    ("7541-5.1 truncated integer", raw_block(b"\x82\x86\x84\x7f\x80"), (CE,)),
    ("7541-5.2 string longer than the block", raw_block(b"\x82\x86\x84\x40\x7e\x05abc"), (CE,)),
    ("7541-5.2 truncated value", raw_block(b"\x82\x86\x84\x40\x01a\x05abc"), (CE,)),
    ("7541-5.2 name without a value", raw_block(b"\x82\x86\x84\x40\x01a"), (CE,)),
    ("7541-5.2 huffman padding longer than 7 bits", raw_block(b"\x82\x86\x84\x41\x8a\xeb\xae\xc1\xea\x21\x3c\x27\x9f\xff\xff"), (CE,)),
    ("7541-5.2 huffman padding of zeros", raw_block(b"\x82\x86\x84\x41\x81\x00"), (CE,)),
    ("7541-5.2 huffman EOS", raw_block(b"\x82\x86\x84\x41\x84\xff\xff\xff\xff"), (CE,)),
]  # fmt: skip

MALFORMED = (P,)

# ---- stream errors (5.4.2), all of stream 1; the connection goes on: (id, action, codes)
STREAM_ERRORS = [
    ("6.9.1 stream window above 2^31-1", with_open(lambda c: (c.window_update(1, 0x7FFFFFFF), c.window_update(1, 1))), (FC,)),
    ("8.1 trailers without END_STREAM", trailers(END_HEADERS, [("x-a", "b")]), (P,)),
    ("8.1 trailers with a pseudo-field", trailers(WHOLE, [(":method", "GET")]), MALFORMED),
    ("8.1 trailers with a response's pseudo-field", trailers(WHOLE, [(":status", "200")]), MALFORMED),
    ("8.1 trailers with an unknown pseudo-field", trailers(WHOLE, [(":x", "y")]), MALFORMED),
    ("8.1.1 content-length above the body", with_open(lambda c: c.data(1, b"ab"), extra=[("content-length", "3")]), MALFORMED),
    ("8.1.1 content-length below the body", with_open(lambda c: c.data(1, b"abcd"), extra=[("content-length", "3")]), MALFORMED),
    ("8.1.1 content-length below the first DATA frame", with_open(lambda c: c.data(1, b"abcd", 0), extra=[("content-length", "3")]), MALFORMED),
    ("8.1.1 content-length below several DATA frames", with_open(lambda c: (c.data(1, b"ab", 0), c.data(1, b"cd", 0)), extra=[("content-length", "3")]), MALFORMED),
    ("8.1.1 content-length without a body", send_fields((":method", "POST"), extra=[("content-length", "3")]), MALFORMED),
    ("8.1.1 content-length that is no number", send_fields((":method", "POST"), extra=[("content-length", "x")]), MALFORMED),
    ("8.1.1 negative content-length", send_fields((":method", "POST"), extra=[("content-length", "-1")]), MALFORMED),
    ("8.1.1 content-length with a sign", with_open(lambda c: c.data(1, b"abc"), extra=[("content-length", "+3")]), MALFORMED),
    ("8.1.1 two content-lengths", with_open(lambda c: c.data(1, b"abc"), extra=[("content-length", "3"), ("content-length", "4")]), MALFORMED),
    ("8.1.1 content-length and trailers, body too short", with_open(lambda c: (c.data(1, b"a", 0), c.frame(HEADERS, WHOLE, 1, block(c, [("x-a", "b")]))), extra=[("content-length", "3")]), MALFORMED),
    ("8.2.1 upper-case name", send_fields(extra=[("X-Upper", "y")]), MALFORMED),
    ("8.2.1 one upper-case letter", send_fields(extra=[("x-uPper", "y")]), MALFORMED),
    ("8.2.1 empty name", raw_block(b"\x82\x86\x84\x41\x01h\x00\x00\x01v"), MALFORMED),
    ("8.2.1 blank in a name", send_fields(extra=[("x a", "y")]), MALFORMED),
    ("8.2.1 colon in a name", send_fields(extra=[("x:a", "y")]), MALFORMED),
    ("8.2.1 NUL in a name", send_fields(extra=[("x\0a", "y")]), MALFORMED),
    ("8.2.1 LF in a name", send_fields(extra=[("x\na", "y")]), MALFORMED),
    ("8.2.1 DEL in a name", send_fields(extra=[("x\x7fa", "y")]), MALFORMED),
    ("8.2.1 byte above 127 in a name", raw_block(b"\x82\x86\x84\x41\x01h\x00\x02x\xe4\x01v"), MALFORMED),
    ("8.2.1 NUL in a value", send_fields(extra=[("x-a", "a\0b")]), MALFORMED),
    ("8.2.1 CR in a value", send_fields(extra=[("x-a", "a\rb")]), MALFORMED),
    ("8.2.1 LF in a value", send_fields(extra=[("x-a", "a\nb")]), MALFORMED),
    ("8.2.1 smuggled field in a value", send_fields(extra=[("x-a", "a\r\nx-b: c")]), MALFORMED),
    ("8.2.1 blank before a value", send_fields(extra=[("x-a", " a")]), MALFORMED),
    ("8.2.1 blank after a value", send_fields(extra=[("x-a", "a ")]), MALFORMED),
    ("8.2.1 tab before a value", send_fields(extra=[("x-a", "\ta")]), MALFORMED),
    ("8.2.1 LF in :path", send_fields((":path", "/a\nb")), MALFORMED),
    ("8.2.2 connection", send_fields(extra=[("connection", "close")]), MALFORMED),
    ("8.2.2 keep-alive", send_fields(extra=[("keep-alive", "1")]), MALFORMED),
    ("8.2.2 proxy-connection", send_fields(extra=[("proxy-connection", "keep-alive")]), MALFORMED),
    ("8.2.2 transfer-encoding", send_fields(extra=[("transfer-encoding", "chunked")]), MALFORMED),
    ("8.2.2 upgrade", send_fields(extra=[("upgrade", "h2c")]), MALFORMED),
    ("8.2.2 te: gzip", send_fields(extra=[("te", "gzip")]), MALFORMED),
    ("8.2.2 te: trailers, deflate", send_fields(extra=[("te", "trailers, deflate")]), MALFORMED),
    ("8.3 no :method", send_fields(without=(":method",)), MALFORMED),
    ("8.3 no :scheme", send_fields(without=(":scheme",)), MALFORMED),
    ("8.3 no :path", send_fields(without=(":path",)), MALFORMED),
    ("8.3 two :method", send_fields(first=[(":method", "GET")]), MALFORMED),
    ("8.3 two :scheme", send_fields(first=[(":scheme", "http")]), MALFORMED),
    ("8.3 two :path", send_fields(first=[(":path", "/")]), MALFORMED),
    ("8.3 two :authority", send_fields(first=[(":authority", "h")]), MALFORMED),
    ("8.3 unknown pseudo-field", send_fields(first=[(":x", "y")]), MALFORMED),
    ("8.3 response's pseudo-field", send_fields(first=[(":status", "200")]), MALFORMED),
    ("8.3 :protocol without the setting", send_fields(first=[(":protocol", "websocket")]), MALFORMED),
    ("8.3 pseudo-field after a field", send_fields(without=(":path",), extra=[("x-a", "b"), (":path", "/")]), MALFORMED),
    ("8.3 second pseudo-field after a field", send_fields(extra=[("x-a", "b"), (":method", "GET")]), MALFORMED),
    ("8.3 no fields at all", raw_block(b""), MALFORMED),
    ("8.3.1 empty :path", send_fields((":path", "")), MALFORMED),
    ("8.3.1 :path without a slash", send_fields((":path", "a")), MALFORMED),
    ("8.3.1 :path in absolute form", send_fields((":path", "http://h/")), MALFORMED),
    ("8.3.1 * with GET", send_fields((":path", "*")), MALFORMED),
    ("8.3.1 empty :method", send_fields((":method", "")), MALFORMED),
    ("8.3.1 blank in :method", send_fields((":method", "GE T")), MALFORMED),
    ("8.3.1 malformed :scheme", send_fields((":scheme", "ht tp")), MALFORMED),
    ("8.3.1 neither Host nor :authority", send_fields(without=(":authority",)), MALFORMED),
    ("8.3.1 two Hosts", send_fields(without=(":authority",), extra=[("host", "h"), ("host", "h")]), MALFORMED),
    ("8.3.1 malformed :authority", send_fields((":authority", "a/b")), MALFORMED),
    ("8.3.1 blank in :path", send_fields((":path", "/a b")), MALFORMED),
    ("8.5 CONNECT with :path", send_fields((":method", "CONNECT")), MALFORMED),
]  # fmt: skip

# ---- stream errors that may as well end the connection (5.4.2): (id, action, codes)
ERRORS_OF_EITHER_KIND = [
    ("5.1 half-closed: DATA", lambda c: (get(c, path=SLOW), c.data(1, b"x")), (SC,)),
    ("6.9 WINDOW_UPDATE of 0 on a stream", with_open(lambda c: c.window_update(1, 0)), (P,)),
    ("6.3 PRIORITY of 4 bytes", with_open(lambda c: c.frame(PRIORITY, 0, 1, b"abcd")), (FS,)),
]  # fmt: skip

# ---- what is right, or refused by an ordinary answer on stream 1: (id, action, status)
ANSWERS = [
    ("3.4 further SETTINGS", lambda c: (c.settings((INITIAL_WINDOW_SIZE, 100000)), get(c)), 200),
    ("4.1 unknown frame", lambda c: (c.frame(0xEE, 0xFF, 0, b"abc"), get(c)), 200),
    ("4.1 unknown frame on a stream", lambda c: (post(c), c.frame(0xEE, 0xFF, 1, b"abc"), c.data(1)), 200),
    ("4.1 unknown flags", lambda c: (c.frame(PING, 0x1E, 0, b"12345678"), get(c)), 200),
    ("4.1 reserved bit of a stream", lambda c: (c.frame(PING, 0, 0x80000000, b"12345678"), get(c)), 200),
    ("4.2 frame of the largest size", lambda c: (post(c, path="/stub/echo"), c.data(1, b"x" * 16384)), 200),
    ("5.1 PRIORITY on an idle stream", lambda c: (c.frame(PRIORITY, 0, 9, priority(0)), get(c)), 200),
    ("5.1 PRIORITY on a closed stream", lambda c: (done(c, 1), c.frame(PRIORITY, 0, 1, priority(0)), get(c, 3), c.responses.__setitem__(1, c.response(3))), 200),
    ("5.1 WINDOW_UPDATE on a closed stream", lambda c: (done(c), c.window_update(1, 10), c.ping()), 200),
    ("5.1 RST_STREAM on a closed stream", lambda c: (done(c), c.frame(RST_STREAM, 0, 1, u32(8)), c.ping()), 200),
    ("5.1.1 ids may skip", lambda c: (done(c, 7), done(c, 1001), c.responses.__setitem__(1, c.response(1001))), 200),
    ("5.3.1 PRIORITY that depends on itself", lambda c: (c.frame(PRIORITY, 0, 1, priority(1)), get(c)), 200),
    ("5.3.1 HEADERS that depend on another stream", lambda c: c.frame(HEADERS, WHOLE | HAS_PRIORITY, 1, priority(3, 200, True) + block(c, request_fields())), 200),
    ("5.5 unknown settings", lambda c: (c.settings((0xABCD, 1), (0, 7)), get(c)), 200),
    ("6.1 padded DATA", lambda c: (post(c), c.frame(DATA, PADDED | END_STREAM, 1, b"\x03abc\0\0\0")), 200),
    ("6.1 DATA of padding only", lambda c: (post(c), c.frame(DATA, PADDED | END_STREAM, 1, b"\x02\0\0")), 200),
    ("6.1 empty DATA with END_STREAM", lambda c: (post(c), c.data(1)), 200),
    ("6.2 padded HEADERS", lambda c: c.frame(HEADERS, WHOLE | PADDED, 1, b"\x05" + block(c, request_fields()) + b"\0" * 5), 200),
    ("6.2 padded HEADERS with a priority", lambda c: c.frame(HEADERS, WHOLE | PADDED | HAS_PRIORITY, 1, b"\x01" + priority(0) + block(c, request_fields()) + b"\0"), 200),
    ("6.5.2 ENABLE_PUSH 1", lambda c: (c.settings((ENABLE_PUSH, 1)), get(c)), 200),
    ("6.5.2 MAX_FRAME_SIZE 2^24-1", lambda c: (c.settings((MAX_FRAME_SIZE, (1 << 24) - 1)), get(c)), 200),
    ("6.5.2 the same setting twice", lambda c: (c.settings((INITIAL_WINDOW_SIZE, 0), (INITIAL_WINDOW_SIZE, 65535)), get(c)), 200),
    ("6.5 empty SETTINGS", lambda c: (c.settings(), get(c)), 200),
    ("6.8 GOAWAY of a client", lambda c: (get(c), c.frame(GOAWAY, 0, 0, u32(0) + u32(NO_ERROR) + b"bye")), 200),
    ("6.9 WINDOW_UPDATE with the reserved bit", lambda c: (c.frame(WINDOW_UPDATE, 0, 0, u32(0x80000001)), get(c)), 200),
    ("6.10 one CONTINUATION", split(10), 200),
    ("6.10 several CONTINUATIONs", split(3, 10, 20), 200),
    ("6.10 empty CONTINUATION", split(10, 10), 200),
    ("6.10 empty HEADERS, then CONTINUATION", split(0), 200),
    ("7541-4.2 table size update at the start", lambda c: (setattr(c.encoder, "header_table_size", 0), get(c)), 200),
    ("7541-4.2 two table size updates at the start", lambda c: c.frame(HEADERS, WHOLE, 1, b"\x20\x3f\xe1\x1f" + block(c, request_fields())), 200),
    ("7541-6.2.3 never-indexed field", lambda c: c.frame(HEADERS, WHOLE, 1, block(c, request_fields()) + b"\x10\x01a\x01b"), 200),
    ("8.1 trailers", trailers(WHOLE, [("x-trailer", "t")]), 200),
    ("8.1 trailers in CONTINUATION", lambda c: (post(c), c.data(1, b"abc", 0), c.frame(HEADERS, END_STREAM, 1, b""), c.frame(CONTINUATION, END_HEADERS, 1, block(c, [("x-a", "b")]))), 200),
    ("8.1.1 content-length equals the body", with_open(lambda c: (c.data(1, b"ab", 0), c.data(1, b"c")), extra=[("content-length", "3")]), 200),
    ("8.1.1 content-length 0", send_fields((":method", "POST"), extra=[("content-length", "0")]), 200),
    ("8.2.1 bytes above 127 in a value", raw_block(b"\x82\x86\x84\x41\x01h\x00\x01a\x02\xc3\xa4"), 200),
    ("8.2.1 tab and blank within a value", send_fields(extra=[("x-a", "a\tb c")]), 200),
    ("8.2.1 empty value", send_fields(extra=[("x-a", "")]), 200),
    ("8.2.2 te: trailers", send_fields(extra=[("te", "trailers")]), 200),
    ("8.3.1 OPTIONS *", send_fields((":method", "OPTIONS"), (":path", "*")), 204),
    ("8.3.1 Host instead of :authority", send_fields(without=(":authority",), extra=[("host", "h")]), 200),
    ("8.3.1 Host as :authority says", send_fields(extra=[("host", "h")]), 200),
    ("8.3.1 Host that contradicts :authority", send_fields(extra=[("host", "other")]), 400),
    ("8.3.1 user information in :authority", send_fields((":authority", "u:p@h")), 400),
    ("8.3.1 port out of range", send_fields((":authority", "h:65536")), 400),
    ("8.3.1 IPv6 :authority", send_fields((":authority", "[::1]:80")), 200),
    ("8.3.1 scheme https", send_fields((":scheme", "https")), 200),
    ("8.3.1 fragment in :path", send_fields((":path", "/a#b")), 400),
    ("8.3.1 malformed escape in :path", send_fields((":path", "/%zz")), 400),
    ("8.3.1 NUL in :path, encoded", send_fields((":path", "/%00")), 400),
    ("8.3.1 :path above the root", send_fields((":path", "/../../x")), 400),
    ("8.3.1 unknown method", send_fields((":method", "PROPFIND")), 200),
    ("8.3.1 QUERY", send_fields((":method", "QUERY")), 200),
    ("9110-9.3.8 TRACE", send_fields((":method", "TRACE")), 405),
    ("9110-10.1.1 unknown expectation", send_fields(extra=[("expect", "200-ok")]), 417),
    ("8.5 CONNECT", send_fields((":method", "CONNECT"), without=(":path", ":scheme")), 501),
    ("9110-15.5.15 target too long", send_fields((":path", "/" + "a" * 9000)), 414),
    ("6585-5 fields too large", send_fields(extra=[("x-a", "b" * 4000)] * 10), 431),
    ("6585-5 too many fields", send_fields(extra=[(f"x-{i}", "b") for i in range(120)]), 431),
    ("9110-15.5.14 announced body too large", with_open(lambda c: None, extra=[("content-length", "100000000")]), 413),
]  # fmt: skip

