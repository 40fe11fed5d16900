"""A strict HTTP/1.1 response parser: whatever RFC 9112 forbids a server to send is an error, however common it is.

SPDX-License-Identifier: MIT
"""

import re
from email.utils import parsedate_to_datetime

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t \x21-\x7e\x80-\xff]*)\Z")
FIELD_VALUE = re.compile(rb"[\t \x21-\x7e\x80-\xff]*\Z")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")
IMF_FIXDATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} "
    r"[0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT\Z"
)
HEAD_MAX_BYTES = 256 * 1024


class BadResponse(AssertionError):
    """The server sent something that is not a valid HTTP/1.1 response."""


class Response:
    """One complete response; `interim` holds the 1xx responses before it, `trailers` those of a chunked body."""

    def __init__(self, status, reason, fields):
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = b""
        self.framing = "none"
        self.interim = []
        self.trailers = []

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    @property
    def closes(self):
        """The server announced that it closes the connection."""
        tokens = ",".join(self.all("Connection")).lower().split(",")
        return "close" in [token.strip() for token in tokens]

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def __repr__(self):
        return f"<Response {self.status} {self.fields!r} {self.body[:120]!r}>"


class ResponseReader:
    """Takes responses off a byte stream. `receive()` returns the next bytes and b"" at the end of the stream."""

    def __init__(self, receive):
        self._receive = receive
        self._buffer = bytearray()
        self._ended = False

    @property
    def buffered(self):
        return bytes(self._buffer)

    @property
    def ended(self):
        return self._ended

    def drain(self):
        """Everything up to the end of the stream."""
        while self._fill():
            pass
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def response(self, method="GET", version="1.1", on_head=None):
        """The next final response with the interim ones before it. on_head(response) is called before the body is read."""
        interim = []
        while True:
            response = self._head(version)
            if response.status >= 200:
                break
            interim.append(response)
        response.interim = interim
        if on_head is not None:
            on_head(response)
        self._body(response, method, version)
        return response

    def interim(self):
        """The next response, which must be an informational one."""
        response = self._head("1.1")
        if response.status >= 200:
            raise BadResponse(f"an informational response was expected, got {response!r}")
        return response

    def _fill(self):
        if self._ended:
            return False
        data = self._receive()
        if not data:
            self._ended = True
            return False
        self._buffer += data
        return True

    def _take(self, count):
        while len(self._buffer) < count:
            if not self._fill():
                raise BadResponse(f"the stream ended after {len(self._buffer)} of {count} body bytes")
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _line(self):
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched)
            if end >= 0:
                break
            searched = len(self._buffer)
            if searched > HEAD_MAX_BYTES:
                raise BadResponse("an endless line")
            if not self._fill():
                raise BadResponse(f"the stream ended inside a line: {bytes(self._buffer[:200])!r}")
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if not line.endswith(b"\r\n"):
            raise BadResponse(f"a line ends in a bare LF: {line!r}")
        if b"\r" in line[:-2]:
            raise BadResponse(f"a bare CR: {line!r}")
        return line[:-2]

    def _fields(self):
        fields = []
        while True:
            line = self._line()
            if not line:
                return fields
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.match(name):
                raise BadResponse(f"not a field line (RFC 9112 5): {line!r}")
            if not FIELD_VALUE.match(value):
                raise BadResponse(f"not a field value (RFC 9110 5.5): {line!r}")
            fields.append((name.decode("ascii"), value.strip(b" \t").decode("latin-1")))

    def _head(self, version):
        line = self._line()
        match = STATUS_LINE.match(line)
        if not match:
            raise BadResponse(f"not a status line (RFC 9112 4): {line!r}")
        response = Response(int(match.group(1)), match.group(2).decode("latin-1"), self._fields())
        self._check_head(response, version)
        return response

    @staticmethod
    def _check_head(response, version):
        lengths = response.all("Content-Length")
        codings = response.all("Transfer-Encoding")
        if len(lengths) > 1 or len(codings) > 1 or (lengths and codings):
            raise BadResponse(f"ambiguous framing (RFC 9112 6.1): {response!r}")
        if lengths and not re.fullmatch(r"[0-9]+", lengths[0]):
            raise BadResponse(f"Content-Length is not a number: {response!r}")
        if codings and codings[0].lower() != "chunked":
            raise BadResponse(f"an unknown transfer coding: {response!r}")
        if codings and version == "1.0":
            raise BadResponse(f"Transfer-Encoding for an HTTP/1.0 client (RFC 9112 6.1): {response!r}")
        if response.status < 200 or response.status == 204:
            if lengths or codings:
                raise BadResponse(f"a bodiless status with framing fields (RFC 9110 8.6): {response!r}")
        if response.status < 200 and version == "1.0":
            raise BadResponse(f"an interim response for an HTTP/1.0 client (RFC 9110 15.2): {response!r}")
        if response.status >= 200:
            dates = response.all("Date")
            if len(dates) != 1 or not IMF_FIXDATE.match(dates[0]):
                raise BadResponse(f"Date missing or malformed (RFC 9110 6.6.1): {response!r}")
            parsedate_to_datetime(dates[0])
        for single in ("Content-Type", "ETag", "Last-Modified", "Location", "Retry-After", "Server", "Content-Range"):
            if len(response.all(single)) > 1:
                raise BadResponse(f"{single} twice: {response!r}")

    def _body(self, response, method, version):
        if method == "HEAD" or response.status in (204, 304):
            return
        if response.get("Transfer-Encoding") is not None:
            response.framing = "chunked"
            response.body = self._chunked(response)
        elif response.get("Content-Length") is not None:
            response.framing = "length"
            response.body = self._take(int(response.get("Content-Length")))
        else:
            response.framing = "close"
            if version == "1.1" and not response.closes:
                raise BadResponse(f"a body that ends with the connection, not announced: {response!r}")
            response.body = self.drain()

    def _chunked(self, response):
        body = bytearray()
        while True:
            line = self._line()
            if not CHUNK_SIZE.match(line):
                raise BadResponse(f"not a chunk size (RFC 9112 7.1): {line!r}")
            size = int(line, 16)
            if size == 0:
                response.trailers = self._fields()
                return bytes(body)
            body += self._take(size)
            if self._take(2) != b"\r\n":
                raise BadResponse("a chunk does not end in CRLF")
