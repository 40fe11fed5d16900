"""Compressed copies of files that the server makes by itself.

SPDX-License-Identifier: MIT
"""

import os
import random
import time

import pytest

from testenv import H2Wire, decode_body, wait_until

TEXT = b"".join(b"line %d of a page that repeats itself\n" % i for i in range(3000))
NOISE = random.Random(1).randbytes(100_000)
LONG_AGO = 1_700_000_000


def place(folder, files, modified=LONG_AGO):
    for name, content in files.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (modified, modified))
    return folder


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def ask(server, path, accept="gzip", method="GET", fields=()):
    accepted = [("Accept-Encoding", accept)] if accept is not None else []
    return server.fetch(path, method=method, fields=[*accepted, *fields])


def ask_encoded(server, path, accept="gzip"):
    """Asks until the copy is made."""

    def encoded():
        answer = ask(server, path, accept)
        assert answer.status == 200
        return answer if answer.get("Content-Encoding") else None

    return wait_until(encoded, f"a copy of {path} for {accept}")


def encodings(server, result):
    return server.metrics().value("phpsrv_static_encodings_total", result=result)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
@pytest.mark.parametrize("name", ["small.txt", "large.js"])
def test_a_copy_is_made(launch, site, coding, name):
    content = {"small.txt": TEXT[:5000], "large.js": TEXT * 10}
    server = launch(docroot=place(site, content))
    first = ask(server, "/" + name, coding)
    assert first.body == content[name] and first.get("Vary") == "Accept-Encoding"
    answer = ask_encoded(server, "/" + name, coding)
    assert answer.get("Content-Encoding") == coding
    assert answer.get("Vary") == "Accept-Encoding"
    assert answer.get("Content-Type") == first.get("Content-Type")
    assert answer.get("Last-Modified") == first.get("Last-Modified")
    assert answer.get("Accept-Ranges") is None
    assert len(answer.body) < len(content[name]) / 2
    assert decode_body(coding, answer.body) == content[name]
    for _ in range(3):
        assert ask(server, "/" + name, coding).body == answer.body
    assert encodings(server, "kept") == 1


def test_head_is_as_get(launch, site):
    server = launch(docroot=place(site, {"a.txt": TEXT}))
    get = ask_encoded(server, "/a.txt")
    head = ask(server, "/a.txt", method="HEAD")
    assert head.body == b""
    for name in ("Content-Encoding", "Content-Length", "ETag", "Vary"):
        assert head.get(name) == get.get(name)


def test_tags(launch, site):
    """The copy's tag is the weak form of the file's: what a client has, in either form, stays valid."""
    server = launch(docroot=place(site, {"a.txt": TEXT}))
    strong = ask(server, "/a.txt", None).get("ETag")
    weak = ask_encoded(server, "/a.txt").get("ETag")
    assert weak == "W/" + strong
    for accept in ("gzip", None):
        for tag in (strong, weak):
            answer = ask(server, "/a.txt", accept, fields=[("If-None-Match", tag)])
            assert answer.status == 304 and answer.get("Vary") == "Accept-Encoding"
    assert ask(server, "/a.txt", fields=[("If-Match", weak)]).status == 412, "weak tags never match strongly"


def test_ranges_are_of_the_plain_form(launch, site):
    server = launch(docroot=place(site, {"a.txt": TEXT}))
    ask_encoded(server, "/a.txt")
    answer = ask(server, "/a.txt", fields=[("Range", "bytes=5-9")])
    assert answer.status == 206 and answer.body == TEXT[5:10] and answer.get("Content-Encoding") is None


def test_a_changed_file_gets_a_new_copy(launch, site):
    server = launch("--static-cache-valid-ms", 0, docroot=place(site, {"a.txt": TEXT}))
    old = ask_encoded(server, "/a.txt")
    place(site, {"a.txt": TEXT + b"new"}, LONG_AGO + 10)
    assert ask(server, "/a.txt").body == TEXT + b"new"
    new = ask_encoded(server, "/a.txt")
    assert decode_body("gzip", new.body) == TEXT + b"new" and new.get("ETag") != old.get("ETag")


def test_a_young_file_is_not_copied(launch, site):
    """Within a tick of the file system's clock it could change without a trace."""
    server = launch(docroot=place(site, {"young.txt": TEXT, "old.txt": TEXT}))
    os.utime(site / "young.txt", (time.time() + 60, time.time() + 60))
    ask(server, "/young.txt")
    ask_encoded(server, "/old.txt")
    assert ask(server, "/young.txt").get("Content-Encoding") is None
    assert encodings(server, "kept") == 1


@pytest.mark.parametrize(
    ("name", "content", "useless"),
    [
        ("noise.txt", NOISE, 1),
        ("picture.png", TEXT, 0),
        ("tiny.txt", TEXT[:500], 0),
        ("huge.txt", TEXT * 80, 0),
        ("empty.txt", b"", 0),
    ],
    ids=["noise", "picture", "tiny", "huge", "empty"],
)
def test_what_is_not_worth_it(launch, site, name, content, useless):
    """All that was asked for before a file whose copy is there has been looked at."""
    server = launch(docroot=place(site, {name: content, "other.txt": TEXT}))
    ask(server, "/" + name)
    ask_encoded(server, "/other.txt")
    answer = ask(server, "/" + name)
    assert answer.body == content and answer.get("Content-Encoding") is None
    assert (encodings(server, "kept"), encodings(server, "useless")) == (1, useless)


def test_copies_beside_files_come_first(launch, site):
    server = launch(docroot=place(site, {"a.txt": TEXT, "a.txt.gz": b"made by the site"}))
    assert ask(server, "/a.txt", "br;q=0.5, gzip").body == b"made by the site"
    assert ask(server, "/a.txt", "br, gzip;q=0.5").body == b"made by the site", "it is there at once"


def test_switched_off(launch, site):
    place(site, {"a.txt": TEXT})
    for arguments in (["--static-compress-memory-bytes", 0], ["--compress-codings", "off"], ["--static-cache-entries", 0]):
        server = launch(*arguments, docroot=site)
        for _ in range(5):
            assert ask(server, "/a.txt").get("Content-Encoding") is None
        assert encodings(server, "kept") == 0


def test_memory_is_bounded(launch, site):
    """40 files of 64 KiB with 1 MiB for copies: the least recently used go."""
    rng = random.Random(2)
    pages = {f"{i}.txt": rng.randbytes(24_000).hex().encode() for i in range(40)}
    server = launch("--static-compress-memory-bytes", "1M", docroot=place(site, pages))
    for name, content in pages.items():
        answer = ask_encoded(server, "/" + name)
        assert decode_body("gzip", answer.body) == content
        assert server.metrics()["phpsrv_static_encoded_bytes"] <= 1 << 20
    assert encodings(server, "kept") == 40
    assert ask(server, "/39.txt").get("Content-Encoding") == "gzip"
    assert ask(server, "/0.txt").get("Content-Encoding") is None


def test_a_file_larger_than_the_memory(launch, site):
    server = launch("--static-compress-memory-bytes", "64K", docroot=place(site, {"a.txt": TEXT, "b.txt": TEXT[:9000]}))
    ask(server, "/a.txt")
    ask_encoded(server, "/b.txt")
    assert ask(server, "/a.txt").get("Content-Encoding") is None


def test_many_at_once(launch, site):
    """More files than the thread has places: each gets its copy when asked for again."""
    pages = {f"{i}.txt": TEXT[i:20_000] for i in range(150)}
    server = launch(docroot=place(site, pages))
    with server.connect() as wire:
        for name in pages:
            wire.request("/" + name, fields=[("Accept-Encoding", "br")])
            assert wire.expect_response().status == 200
    for name, content in pages.items():
        assert decode_body("br", ask_encoded(server, "/" + name, "br").body) == content
    assert encodings(server, "kept") == 150


def test_the_end_does_not_wait_for_an_encoder(launch, site):
    big = {f"{i}.txt": random.Random(i).randbytes(4_000_000).hex().encode() for i in range(10)}
    server = launch(docroot=place(site, big))
    for name in big:
        ask(server, "/" + name, "br", method="HEAD")
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 20, "ten of them take longer"


def test_a_reader_keeps_its_copy(launch, site):
    """A copy that is given up, and whose file changes, while a client reads it is complete all the same."""
    noise = random.Random(3).randbytes(1_500_000).hex().encode()
    server = launch("--static-cache-valid-ms", 0, "--static-compress-memory-bytes", "4M", docroot=place(site, {"a.txt": noise}))
    expected = ask_encoded(server, "/a.txt").body
    with server.connect(receive_buffer=4096) as slow:
        slow.request("/a.txt", fields=[("Accept-Encoding", "gzip")])
        assert slow.readable(10), "the answer has begun"
        place(site, {"a.txt": b"x" * 3_000_000}, LONG_AGO + 10)
        assert ask(server, "/a.txt").body == b"x" * 3_000_000
        answer = slow.expect_response()
    assert answer.body == expected


def test_http2(launch, site):
    server = launch(docroot=place(site, {"a.txt": TEXT}))
    ask_encoded(server, "/a.txt", "zstd")
    with H2Wire(server.address) as wire:
        response = wire.request(path="/a.txt", extra=[("accept-encoding", "zstd")])
        assert decode_body(response["content-encoding"], response.body) == TEXT
