"""Requests of HTTP/1.1 and what a strict server makes of them: one row per rule, each naming its RFC section.

A refused row gets exactly one response with a status of `status`, and the connection ends. An accepted row reaches the
application with the fields, body or target that are named, and leaves the connection in step.
SPDX-License-Identifier: MIT
"""

from dataclasses import dataclass, field

ECHO = "/stub/echo"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


@dataclass
class Case:
    name: str
    rfc: str
    raw: bytes
    status: tuple = ()
    seen: dict = field(default_factory=dict)


def line(text, host=True):
    """A request with this request line."""
    raw = text if isinstance(text, bytes) else text.encode("latin-1")
    return raw + b"\r\n" + (b"Host: h\r\n" if host else b"") + b"\r\n"


def fields(*lines, method="GET", version="1.1", host=True, body=b""):
    """A request to the echo with these field lines, line ends not included."""
    head = f"{method} {ECHO} HTTP/{version}\r\n".encode()
    if host:
        head += b"Host: h\r\n"
    for text in lines:
        head += (text if isinstance(text, bytes) else text.encode("latin-1")) + b"\r\n"
    return head + b"\r\n" + body


def post(*lines, body=b"hello", version="1.1"):
    return fields(*lines, method="POST", body=body, version=version)


def chunked(body, *lines):
    return post("Transfer-Encoding: chunked", *lines, body=body)


def refuse(name, rfc, raw, *status):
    return Case(name, rfc, raw, status=status or (400,))


def accept(name, rfc, raw, **seen):
    return Case(name, rfc, raw, seen=seen)


REQUEST_LINE = [
    accept("empty line before the request", "9112 2.2", b"\r\n" + line(f"GET {ECHO} HTTP/1.1")),
    refuse("bare LF ends the request line", "9112 2.2", b"GET / HTTP/1.1\nHost: h\r\n\r\n", 400, 505),
    refuse("bare LF everywhere", "9112 2.2", b"GET / HTTP/1.1\nHost: h\n\n", 400, 505),
    refuse("bare CR inside the request line", "9112 2.2", b"GET /\r HTTP/1.1\r\nHost: h\r\n\r\n"),
    refuse("bare CR ends the request line", "9112 2.2", b"GET / HTTP/1.1\rHost: h\r\n\r\n"),
    refuse("CR CR LF ends the request line", "9112 2.2", b"GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"),
    refuse("NUL in the request line", "9112 2.2", b"GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"),
    refuse("blank before the method", "9112 3", b" " + line("GET / HTTP/1.1")),
    refuse("two blanks after the method", "9112 3", line("GET  / HTTP/1.1")),
    refuse("two blanks after the target", "9112 3", line("GET /  HTTP/1.1")),
    refuse("tab after the method", "9112 3", line("GET\t/ HTTP/1.1")),
    refuse("tab after the target", "9112 3", line("GET /\tHTTP/1.1")),
    refuse("blank after the version", "9112 3", line("GET / HTTP/1.1 "), 400, 505),
    refuse("fourth word", "9112 3", line("GET / HTTP/1.1 x"), 400, 505),
    refuse("blank inside the target", "9112 3.2", line("GET /a b HTTP/1.1")),
    refuse("no target", "9112 3", line("GET HTTP/1.1")),
    refuse("only a method", "9112 3", line("GET")),
    refuse("no method", "9112 3", line("/ HTTP/1.1")),
    refuse("method with a separator", "9110 9.1", line("GE(T / HTTP/1.1")),
    refuse("method with a colon", "9110 9.1", line("GET: / HTTP/1.1")),
    refuse("method with a control byte", "9110 9.1", line(b"GE\x01T / HTTP/1.1")),
    refuse("method with obs-text", "9110 9.1", line(b"G\xcbT / HTTP/1.1")),
    refuse("TLS client hello", "9112 3", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    refuse("binary rubbish", "9112 3", bytes(range(128, 160)) + b"\r\n\r\n", 400, 501),
]

VERSION = [
    refuse("HTTP/0.9 simple request", "9112 2.3", b"GET /\r\n\r\n", 400, 505),
    refuse("HTTP/0.9 named", "9112 2.3", line("GET / HTTP/0.9"), 400, 505),
    refuse("HTTP/2.0 in a request line", "9110 15.6.6", line("GET / HTTP/2.0"), 400, 505),
    refuse("HTTP/3.0 in a request line", "9110 15.6.6", line("GET / HTTP/3.0"), 400, 505),
    refuse("HTTP/9.9", "9110 15.6.6", line("GET / HTTP/9.9"), 400, 505),
    refuse("lower case", "9112 2.3", line("GET / http/1.1")),
    refuse("no minor version", "9112 2.3", line("GET / HTTP/1"), 400, 505),
    refuse("empty minor version", "9112 2.3", line("GET / HTTP/1."), 400, 505),
    refuse("two digits", "9112 2.3", line("GET / HTTP/1.10"), 400, 505),
    refuse("leading zero", "9112 2.3", line("GET / HTTP/01.1"), 400, 505),
    refuse("comma", "9112 2.3", line("GET / HTTP/1,1"), 400, 505),
    refuse("letter after it", "9112 2.3", line("GET / HTTP/1.1a"), 400, 505),
    refuse("other protocol", "9112 2.3", line("GET / HTTPS/1.1")),
    refuse("other protocol of the same length", "9112 2.3", line("GET / ICAP/1.1")),
    refuse("RTSP", "9112 2.3", line("GET / RTSP/1.0"), 400, 505),
    refuse("blank before the slash", "9112 2.3", line("GET / HTTP /1.1")),
    refuse("blank after the slash", "9112 2.3", line("GET / HTTP/ 1.1"), 400, 505),
    refuse("negative", "9112 2.3", line("GET / HTTP/-1.1"), 400, 505),
]

TARGET = [
    accept("query", "9112 3.2.1", line(f"GET {ECHO}?a=1&b=%20 HTTP/1.1"), target=f"{ECHO}?a=1&b=%20"),
    accept("empty query", "9112 3.2.1", line(f"GET {ECHO}? HTTP/1.1"), target=f"{ECHO}?"),
    accept("query with question marks and slashes", "3986 3.4", line(f"GET {ECHO}?/?? HTTP/1.1"), target=f"{ECHO}?/??"),
    accept("absolute form", "9112 3.2.2", line(f"GET http://h{ECHO} HTTP/1.1"), target=ECHO),
    accept("absolute form in capitals", "9112 3.2.2", line(f"GET HTTP://h{ECHO}?q HTTP/1.1"), target=f"{ECHO}?q"),
    accept("absolute form wins over Host", "9112 3.2.2", line(f"GET http://other{ECHO} HTTP/1.1"), host="other"),
    accept("absolute form with a port", "9112 3.2.2", line(f"GET http://other:81{ECHO} HTTP/1.1"), host="other:81"),
    accept("absolute form in HTTP/1.0", "9112 3.2.2", f"GET http://other{ECHO} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode(), host="other"),
    refuse("absolute form does not excuse a missing Host", "9112 3.2", line(f"GET http://h{ECHO} HTTP/1.1", host=False)),
    refuse("absolute form with user information", "9110 4.2.4", line("GET http://user:word@h/ HTTP/1.1")),
    refuse("absolute form without a host", "9110 4.2.1", line("GET http:///path HTTP/1.1")),
    refuse("absolute form with a port only", "9110 4.2.1", line("GET http://:80/path HTTP/1.1")),
    refuse("absolute form with a bad port", "3986 3.2.3", line("GET http://h:8x/ HTTP/1.1")),
    refuse("absolute form of another scheme", "9112 3.2.2", line("GET ftp://h/ HTTP/1.1"), 400, 421),
    refuse("relative path", "9112 3.2", line("GET stub/echo HTTP/1.1")),
    refuse("only a query", "9112 3.2", line("GET ?a=1 HTTP/1.1")),
    refuse("dot segments without a slash", "9112 3.2", line("GET ../x HTTP/1.1")),
    refuse("asterisk with GET", "9112 3.2.4", line("GET * HTTP/1.1")),
    refuse("asterisk with POST", "9112 3.2.4", line("POST * HTTP/1.1")),
    refuse("asterisk with more", "9112 3.2.4", line("OPTIONS *x HTTP/1.1")),
    refuse("CONNECT", "9110 9.3.6", line("CONNECT h:443 HTTP/1.1"), 400, 405, 501),
    refuse("authority form with GET", "9112 3.2.3", line("GET h:443 HTTP/1.1")),
    refuse("fragment", "9112 3.2", line("GET /stub/echo#part HTTP/1.1")),
    refuse("fragment in the query", "9112 3.2", line("GET /stub/echo?a#part HTTP/1.1")),
    refuse("control byte", "3986 2", line(b"GET /\x01 HTTP/1.1")),
    refuse("DEL", "3986 2", line(b"GET /\x7f HTTP/1.1")),
    refuse("raw byte above 127", "3986 2", line(b"GET /\xc3\xa9 HTTP/1.1")),
    refuse("NUL, encoded", "3986 7.3", line("GET /a%00b HTTP/1.1")),
    refuse("percent with letters that are no hex", "3986 2.1", line("GET /%zz HTTP/1.1")),
    refuse("percent at the end", "3986 2.1", line("GET /a% HTTP/1.1")),
    refuse("percent with one digit", "3986 2.1", line("GET /a%4 HTTP/1.1")),
]

HOST = [
    refuse("no Host", "9112 3.2", line("GET / HTTP/1.1", host=False)),
    refuse("two equal Hosts", "9112 3.2", fields("Host: h")),
    refuse("two Hosts", "9112 3.2", fields("Host: other")),
    refuse("two Hosts, one empty", "9112 3.2", fields("Host:")),
    refuse("two Hosts in HTTP/1.0", "9112 3.2", fields("Host: other", version="1.0")),
    *[
        refuse(f"Host is {value!r}", "9112 3.2, 3986 3.2", fields(b"Host: " + value, host=False))
        for value in (
            b"a b", b"a\tb", b"a,b", b"a, b", b"user@h", b"http://h/", b"h/path", b"h?query", b"h#part", b"h:port",
            b"h:99999", b"h:-1", b"h:80:80", b"[::1", b"::1", b"[::1]x", b"[]", b"h:80x", b"h\\x", b"<h>", b"\"h\"", b"h\xff",
            b"h%zz", b"h|x", b":80",
        )
    ],
    *[
        accept(f"Host is {value!r}", "9112 3.2, 3986 3.2", fields(b"Host: " + value, host=False), host=value.decode())
        for value in (b"h:80", b"[::1]:8080", b"[::1]", b"192.0.2.1", b"EXAMPLE.com", b"h.", b"a_b", b"xn--bcher-kva.example", b"h:65535")
    ],
    accept("HTTP/1.0 without Host", "9112 3.2", fields("Connection: keep-alive", version="1.0", host=False)),
    accept("mixed case of the name", "9110 5.1", fields("hOsT: h", host=False), host="h"),
]  # fmt: skip

FIELDS = [
    refuse("blank before the colon", "9112 5.1", fields("X-A : 1")),
    refuse("tab before the colon", "9112 5.1", fields("X-A\t: 1")),
    refuse("blank in the name", "9110 5.1", fields("X A: 1")),
    refuse("empty name", "9110 5.1", fields(": 1")),
    refuse("no colon", "9112 5", fields("X-A")),
    refuse("no colon, last line", "9112 5", b"GET / HTTP/1.1\r\nHost: h\r\nX-A\r\n\r\n"),
    refuse("folded with a blank", "9112 5.2", fields("X-A: 1", " 2")),
    refuse("folded with a tab", "9112 5.2", fields("X-A: 1", "\t2")),
    refuse("folded empty value", "9112 5.2", fields("X-A:", " 2")),
    refuse("fold of blanks only", "9112 5.2", fields("X-A: 1", "  ")),
    refuse("folded Host", "9112 5.2", b"GET / HTTP/1.1\r\nHost:\r\n h\r\n\r\n"),
    refuse("folded Content-Length", "9112 5.2", post("Content-Length:", " 5")),
    refuse("blank before the first field", "9112 2.2", b"GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
    refuse("blank before a second field", "9112 5.2", fields(" X-A: 1")),
    *[
        refuse(f"name with {byte!r}", "9110 5.6.2", fields(b"X-" + byte + b"A: 1"))
        for byte in (b"\0", b"\x01", b"\x7f", b"\x80", b"(", b")", b"<", b">", b"@", b",", b";", b"\\", b'"', b"/", b"[", b"]", b"?", b"=", b"{", b"}")
    ],
    *[
        refuse(f"value with {byte!r}", "9110 5.5", fields(b"X-A: a" + byte + b"b"))
        for byte in (b"\0", b"\x01", b"\x08", b"\x0b", b"\x0c", b"\x1b", b"\x7f", b"\r")
    ],
    refuse("NUL is the value", "9110 5.5", fields(b"X-A: \0")),
    refuse("bare LF in a value", "9112 2.2", fields(b"X-A: a\nX-B: b")),
    refuse("bare LF ends a field", "9112 2.2", b"GET / HTTP/1.1\r\nHost: h\nX-A: 1\r\n\r\n"),
    refuse("bare LF ends the head", "9112 2.2", b"GET / HTTP/1.1\r\nHost: h\r\n\n"),
    refuse("LF LF ends the head", "9112 2.2", b"GET / HTTP/1.1\r\nHost: h\n\n"),
    refuse("bare CR ends the head", "9112 2.2", b"GET / HTTP/1.1\r\nHost: h\r\n\rX"),
    refuse("CR CR LF ends a field", "9112 2.2", b"GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"),
    refuse("LF CR ends a field", "9112 2.2", b"GET / HTTP/1.1\r\nHost: h\n\r\n\r\n"),
    refuse("unknown expectation", "9110 10.1.1", fields("Expect: tea"), 417),
    accept("tabs around a value", "9110 5.6.3", fields("X-A:\t a \t"), fields={"X-A": "a"}),
    accept("no blank after the colon", "9112 5", fields("X-A:a"), fields={"X-A": "a"}),
    accept("many blanks", "9110 5.6.3", fields("X-A:" + " " * 40 + "a" + " " * 40), fields={"X-A": "a"}),
    accept("empty value", "9110 5.5", fields("X-A:"), fields={"X-A": ""}),
    accept("value of blanks", "9110 5.5", fields("X-A:   "), fields={"X-A": ""}),
    accept("colon in a value", "9112 5", fields("X-A: b: c"), fields={"X-A": "b: c"}),
    accept("obs-text in a value", "9110 5.5", fields(b"X-A: \xe9\xff"), fields={"X-A": "\xe9\xff"}),
    accept("every token byte in a name", "9110 5.6.2", fields("X!#$%&'*+-.^_`|~09az: v"), fields={"X!#$%&'*+-.^_`|~09az": "v"}),
    accept("a name twice", "9110 5.3", fields("X-A: 1", "x-a: 2"), fields={"X-A": ["1", "2"]}),
    accept("tab inside a value", "9110 5.5", fields("X-A: a\tb"), fields={"X-A": "a\tb"}),
]  # fmt: skip

BOTH = b"0\r\n\r\n" + SMUGGLED
LENGTH = [
    *[
        refuse(f"Content-Length is {value!r}", "9112 6.3, 9110 8.6", post(b"Content-Length: " + value))
        for value in (
            b"+5", b"-5", b"5,5", b"5, 5", b"5,6", b"0x5", b"5 5", b"5;", b"5.0", b"five", b"", b"5e0", b"0,", b"\"5\"", b"\x0b5",
            b"99999999999999999999", b"18446744073709551621", b"9223372036854775808", b"1_0", b"\xb2",
        )
    ],
    refuse("two equal Content-Lengths", "9112 6.3, 9110 8.6", post("Content-Length: 5", "Content-Length: 5")),
    refuse("two Content-Lengths, the shorter first", "9112 6.3", post("Content-Length: 5", "Content-Length: 6")),
    refuse("two Content-Lengths, the longer first", "9112 6.3", post("Content-Length: 6", "Content-Length: 5")),
    refuse("Content-Length, blank before the colon", "9112 5.1", post("Content-Length : 5")),
    refuse("Content-Length over the limit", "9110 15.5.14", post("Content-Length: 9223372036854775807"), 413),
    accept("Content-Length with tabs around", "9110 5.6.3", post("Content-Length:\t5\t"), body=b"hello"),
    accept("Content-Length zero", "9110 8.6", post("Content-Length: 0", body=b""), body=b""),
    accept("GET with a body", "9110 9.3.1", fields("Content-Length: 5", body=b"hello")),
    accept("body that looks like a request", "9112 6", post(f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED), body=SMUGGLED),
    accept("Content-Length in HTTP/1.0", "9112 6.3", post("Content-Length: 5", "Connection: keep-alive", version="1.0"), body=b"hello"),
]  # fmt: skip

TRANSFER_CODING = [
    refuse("Content-Length, then Transfer-Encoding", "9112 6.1", post("Content-Length: 5", "Transfer-Encoding: chunked", body=BOTH)),
    refuse("Transfer-Encoding, then Content-Length", "9112 6.1", post("Transfer-Encoding: chunked", "Content-Length: 5", body=BOTH)),
    refuse("Content-Length zero with Transfer-Encoding", "9112 6.1", post("Content-Length: 0", "Transfer-Encoding: chunked", body=BOTH)),
    refuse("both in GET", "9112 6.1", fields("Content-Length: 5", "Transfer-Encoding: chunked", body=BOTH)),
    refuse("both in HTTP/1.0", "9112 6.1", post("Content-Length: 5", "Transfer-Encoding: chunked", body=BOTH, version="1.0")),
    refuse("Transfer-Encoding in HTTP/1.0", "9112 6.1", post("Transfer-Encoding: chunked", body=BOTH, version="1.0")),
    refuse("empty beside a Content-Length", "9112 6.1", post("Content-Length: 5", "Transfer-Encoding:")),
    refuse("empty", "9112 6.1", post("Transfer-Encoding:", body=BOTH), 400, 501),
    refuse("identity beside a Content-Length", "9112 6.1", post("Content-Length: 5", "Transfer-Encoding: identity"), 400, 501),
    refuse("unknown beside a Content-Length", "9112 6.1", post("Content-Length: 5", "Transfer-Encoding: x"), 400, 501),
    refuse("chunked twice", "9112 6.1", post("Transfer-Encoding: chunked, chunked", body=BOTH)),
    refuse("chunked twice, two lines", "9112 6.1", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=BOTH)),
    refuse("chunked not last", "9112 6.3", post("Transfer-Encoding: chunked, gzip", body=BOTH), 400, 501),
    refuse("chunked not last, two lines", "9112 6.3", post("Transfer-Encoding: chunked", "Transfer-Encoding: gzip", body=BOTH), 400, 501),
    refuse("unknown coding before chunked", "9112 6.1", post("Transfer-Encoding: gzip, chunked", body=BOTH), 400, 501),
    refuse("unknown coding before chunked, two lines", "9112 6.1", post("Transfer-Encoding: x", "Transfer-Encoding: chunked", body=BOTH), 400, 501),
    refuse("chunked, then identity", "9112 6.1", post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=BOTH), 400, 501),
    *[
        refuse(f"Transfer-Encoding is {value!r}", "9112 6.1, 7", post(b"Transfer-Encoding: " + value, body=BOTH), 400, 501)
        for value in (
            b"gzip", b"identity", b"xchunked", b"chunkedx", b"chunked x", b"\"chunked\"", b"'chunked'", b"chunk", b"chunked;q=1",
            b"\x0bchunked", b"chunked\x0b", b"\x00chunked", b"chu\tnked", b"chunked, identity", b"chunked\x7f", b"chunked\xff", b", ",
        )
    ],
    refuse("name with a blank", "9112 5.1", post("Transfer-Encoding : chunked", body=BOTH)),
    refuse("name with a NUL", "9110 5.1", post(b"Transfer-Encoding\0: chunked", body=BOTH)),
    refuse("folded", "9112 5.2", post("Transfer-Encoding:", " chunked", body=BOTH)),
    refuse("bare CR before the name", "9112 2.2", post(b"X: y\rTransfer-Encoding: chunked", body=BOTH)),
    accept("another name is not a coding", "9112 6.1", post("Content-Length: 5", "Transfer_Encoding: chunked"), body=b"hello"),
    accept("mixed case", "9112 7", post("tRANSFER-eNCODING: cHunked", body=b"5\r\nhello\r\n0\r\n\r\n"), body=b"hello"),
    accept("tabs around", "9110 5.6.3", post("Transfer-Encoding:\tchunked\t ", body=b"5\r\nhello\r\n0\r\n\r\n"), body=b"hello"),
    accept("GET", "9112 6.1", fields("Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n")),
]  # fmt: skip

CHUNKS = [
    *[
        refuse(f"chunk size line is {size!r}", "9112 7.1", chunked(size + b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED))
        for size in (
            b"g", b"", b"-5", b"+5", b"0x5", b" 5", b"\t5", b"5 ", b"5\t", b"5h", b"5 5", b"5,5", b"5\0", b"\xb2", b"5\x0b", b"_5",
        )
    ],
    refuse("chunk size of 17 digits", "9112 7.1", chunked(b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"), 400, 413),
    refuse("chunk size that wraps to 5", "9112 7.1", chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), 400, 413),
    refuse("chunk size of all ones", "9112 7.1", chunked(b"FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"), 400, 413),
    refuse("chunk size over the body limit", "9110 15.5.14", chunked(b"7FFFFFFFFFFFFFFF\r\nhello"), 400, 413),
    refuse("bare LF after the size", "9112 7.1", chunked(b"5\nhello\r\n0\r\n\r\n")),
    refuse("bare CR after the size", "9112 7.1", chunked(b"5\rhello\r\n0\r\n\r\n")),
    refuse("bare LF after the data", "9112 7.1", chunked(b"5\r\nhello\n0\r\n\r\n")),
    refuse("bare CR after the data", "9112 7.1", chunked(b"5\r\nhello\r0\r\n\r\n")),
    refuse("nothing after the data", "9112 7.1", chunked(b"5\r\nhello0\r\n\r\n")),
    refuse("data longer than the size", "9112 7.1", chunked(b"4\r\nhello\r\n0\r\n\r\n")),
    refuse("data shorter than the size", "9112 7.1", chunked(b"6\r\nhello\r\n0\r\n\r\n")),
    refuse("bare LF after the last chunk", "9112 7.1", chunked(b"5\r\nhello\r\n0\n\r\n")),
    refuse("bare LF ends the body", "9112 7.1", chunked(b"5\r\nhello\r\n0\r\n\n")),
    refuse("bare LF in an extension", "9112 7.1.1", chunked(b"5;a\nhello\r\n0\r\n\r\n")),
    refuse("bare CR in an extension", "9112 7.1.1", chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
    refuse("NUL in an extension", "9112 7.1.1", chunked(b"5;a\0b\r\nhello\r\n0\r\n\r\n")),
    refuse("endless extension", "9112 7.1.1", chunked(b"5;" + b"a" * 65536 + b"\r\nhello\r\n0\r\n\r\n"), 400, 413, 431),
    refuse("trailer without a colon", "9112 7.1.2", chunked(b"0\r\nX-T\r\n\r\n")),
    refuse("trailer with an empty name", "9112 7.1.2", chunked(b"0\r\n: x\r\n\r\n")),
    refuse("trailer with a blank before the colon", "9112 7.1.2", chunked(b"0\r\nX-T : 1\r\n\r\n")),
    refuse("folded trailer", "9112 7.1.2", chunked(b"0\r\nX-T: 1\r\n 2\r\n\r\n")),
    refuse("trailer with a NUL", "9112 7.1.2", chunked(b"0\r\nX-T: \0\r\n\r\n")),
    refuse("trailer that ends in a bare LF", "9112 7.1.2", chunked(b"0\r\nX-T: 1\n\r\n")),
    refuse("endless trailers", "9112 7.1.2", chunked(b"0\r\n" + b"X-T: 1\r\n" * 20000 + b"\r\n"), 400, 413, 431),
    accept("no chunk but the last", "9112 7.1", chunked(b"0\r\n\r\n"), body=b""),
    accept("many chunks", "9112 7.1", chunked(b"1\r\nh\r\n2\r\nel\r\n2\r\nlo\r\n0\r\n\r\n"), body=b"hello"),
    accept("hex digits of both cases", "9112 7.1", chunked(b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), body=b"0123456789" * 2),
    accept("leading zeros", "9112 7.1", chunked(b"0005\r\nhello\r\n0000\r\n\r\n"), body=b"hello"),
    accept("extension", "9112 7.1.1", chunked(b"5;a\r\nhello\r\n0;b\r\n\r\n"), body=b"hello"),
    accept("extension with a value", "9112 7.1.1", chunked(b"5;a=b;c=d\r\nhello\r\n0\r\n\r\n"), body=b"hello"),
    accept("extension with a quoted value", "9112 7.1.1", chunked(b'5;a="b;c"\r\nhello\r\n0\r\n\r\n'), body=b"hello"),
    accept("CRLF inside the data", "9112 7.1", chunked(b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), body=b"\r\n0\r\n\r\n"),
    accept("trailer", "9110 6.5.1", chunked(b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), body=b"hello", absent=["X-T"]),
    accept("trailers never become fields", "9110 6.5.1", chunked(b"0\r\nHost: evil\r\nCookie: c\r\nAuthorization: x\r\n\r\n"), body=b"", host="h", absent=["Cookie", "Authorization"]),
    accept("announced trailer", "9110 6.6.2", chunked(b"0\r\nX-T: 1\r\n\r\n", "Trailer: X-T"), absent=["X-T"]),
]  # fmt: skip

GROUPS = {
    "request line": REQUEST_LINE,
    "version": VERSION,
    "target": TARGET,
    "host": HOST,
    "fields": FIELDS,
    "length": LENGTH,
    "transfer coding": TRANSFER_CODING,
    "chunks": CHUNKS,
}
ALL = [(f"{group}: {case.name}", case) for group, cases in GROUPS.items() for case in cases]
REFUSED = [(name, case) for name, case in ALL if case.status]
ACCEPTED = [(name, case) for name, case in ALL if not case.status]
