"""The paths of the stub executor (src/exec/README.md), spelled in one place, and what its answers mean.

SPDX-License-Identifier: MIT
"""

ECHO = "/stub/echo"


def sleep(milliseconds):
    """Answers after this time; a worker is busy for it."""
    return f"/stub/sleep?ms={milliseconds}"


def body(count):
    """A body of this many bytes: pattern(count)."""
    return f"/stub/bytes?n={count}"


def stream(parts, size=0, milliseconds=0):
    """A body of that many parts, flushed one by one; stream_body() is what comes."""
    return f"/stub/stream?n={parts}&bytes={size}&ms={milliseconds}"


def status(code):
    return f"/stub/status?code={code}"


def promise(length, written, flush=False):
    """Announces a Content-Length and writes that many bytes."""
    return f"/stub/promise?length={length}&n={written}&flush={int(flush)}"


def finish(milliseconds):
    """Ends its response at once, and the job only after this time."""
    return f"/stub/finish?ms={milliseconds}"


def fail(written=0):
    """Fails, after writing that many bytes."""
    return f"/stub/fail?n={written}"


BREAK = "/stub/break"  # ends its thread without an answer
PATTERN = bytes(range(ord("a"), ord("z") + 1))


def pattern(count):
    """The filler of the stub, also handy as a request body."""
    return (PATTERN * (count // 26 + 1))[:count]


def stream_body(parts, size=0):
    return b"".join(b"part %d\n" % number + pattern(size) for number in range(parts))


def is_stub(response):
    """Any path that is not special is answered so."""
    return response.status == 200 and response.body == b"ok\n"


class Echoed:
    """A request as the application saw it."""

    def __init__(self, text):
        head, separator, self.body = text.partition(b"\n\n")
        assert separator, f"not an answer of the echo: {text[:200]!r}"
        lines = head.decode("latin-1").split("\n")
        self.method, self.target, self.protocol = lines[0].split(" ")
        self.fields = [tuple(line.split(": ", 1)) for line in lines[1:]]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __repr__(self):
        return f"<Echoed {self.method} {self.target} {self.fields!r} {self.body[:100]!r}>"


def echoed(response):
    assert response.status == 200, response
    return Echoed(response.body)
