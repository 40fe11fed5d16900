"""Encoded copies beside files, and for how long files may be kept.

SPDX-License-Identifier: MIT
"""

import gzip
import os

import brotli
import pytest
import zstandard

from testenv import H2Wire, decode_body

TEXT = b"".join(b"line %d\n" % i for i in range(3000))
PICTURE = b"\x89PNG" + bytes(range(256)) * 20
FILES = {
    "all.js": TEXT,
    "all.js.gz": gzip.compress(TEXT),
    "all.js.br": brotli.compress(TEXT),
    "all.js.zst": zstandard.ZstdCompressor().compress(TEXT),
    "one.css": TEXT,
    "one.css.gz": gzip.compress(TEXT),
    "old.css": TEXT,
    "old.css.gz": gzip.compress(b"what it was before"),
    "none.txt": TEXT,
    "picture.png": PICTURE,
    "picture.png.gz": gzip.compress(PICTURE),
    "assets/app.3f2a9b1c.js": TEXT,
    "sub/index.html": TEXT,
    "sub/index.html.br": brotli.compress(TEXT),
}

NONE_MADE = ("--static-compress-memory-bytes", "0")


@pytest.fixture(scope="module")
def server(launch_module, tmp_path_factory):
    docroot = tmp_path_factory.mktemp("site")
    for name, content in FILES.items():
        path = docroot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_700_000_000, 1_600_000_000 if name == "old.css.gz" else 1_700_000_000))
    return launch_module("--static-immutable", "/assets/*.????????.*", *NONE_MADE, docroot=docroot)


def ask(server, path, accept=None, method="GET", fields=()):
    accepted = [("Accept-Encoding", accept)] if accept is not None else []
    return server.fetch(path, method=method, fields=[*accepted, *fields])


def decode(answer):
    return decode_body(answer.get("Content-Encoding"), answer.body)


@pytest.mark.parametrize(
    ("path", "accept", "coding"),
    [
        ("/all.js", None, None),
        ("/all.js", "gzip", "gzip"),
        ("/all.js", "br", "br"),
        ("/all.js", "zstd", "zstd"),
        ("/all.js", "gzip, deflate, br, zstd", "zstd"),
        ("/all.js", "gzip;q=1, br;q=0.5", "gzip"),
        ("/all.js", "identity", None),
        ("/one.css", "gzip, br, zstd", "gzip"),
        ("/one.css", "br", None),
        ("/none.txt", "gzip, br", None),
        ("/picture.png", "gzip", None),
        ("/sub/", "br", "br"),
    ],
)
def test_copies(server, path, accept, coding):
    answer = ask(server, path, accept)
    name = path.strip("/") if path != "/sub/" else "sub/index.html"
    assert answer.status == 200 and answer.get("Content-Encoding") == coding
    assert decode(answer) == FILES[name] and int(answer.get("Content-Length")) == len(answer.body)
    assert answer.get("Content-Type") == ask(server, path).get("Content-Type")
    assert answer.get("Vary") == (None if "png" in path else "Accept-Encoding")
    head = ask(server, path, accept, method="HEAD")
    without = {"date"}
    assert [f for f in head.fields if f[0].lower() not in without] == [f for f in answer.fields if f[0].lower() not in without]


def test_a_copy_older_than_its_file_is_not_sent(server):
    answer = ask(server, "/old.css", "gzip")
    assert answer.get("Content-Encoding") is None and answer.body == TEXT


def test_each_form_has_its_tag(server):
    tags = {ask(server, "/all.js", accept).get("ETag") for accept in (None, "gzip", "br", "zstd")}
    assert len(tags) == 4 and all(tag.startswith('"') for tag in tags)
    for accept in (None, "gzip", "br", "zstd"):
        tag = ask(server, "/all.js", accept).get("ETag")
        answer = ask(server, "/all.js", accept, fields=[("If-None-Match", tag)])
        assert answer.status == 304 and answer.get("ETag") == tag and answer.get("Vary") == "Accept-Encoding"
        assert answer.get("Cache-Control") and answer.body == b""
    other = ask(server, "/all.js", "br").get("ETag")
    assert ask(server, "/all.js", "gzip", fields=[("If-None-Match", other)]).status == 200


def test_the_date_is_the_files(server):
    dates = {ask(server, "/all.js", accept).get("Last-Modified") for accept in (None, "gzip", "br", "zstd")}
    assert len(dates) == 1
    answer = ask(server, "/all.js", "gzip", fields=[("If-Modified-Since", dates.pop())])
    assert answer.status == 304


def test_ranges_are_of_the_plain_form(server):
    answer = ask(server, "/all.js", "gzip", fields=[("Range", "bytes=10-19")])
    assert answer.status == 206 and answer.body == TEXT[10:20] and answer.get("Content-Encoding") is None
    assert answer.get("Vary") == "Accept-Encoding"


def test_copies_have_addresses_of_their_own(server):
    answer = ask(server, "/all.js.gz", "gzip")
    assert answer.status == 200 and answer.body == FILES["all.js.gz"] and answer.get("Content-Encoding") is None


def test_copy_that_comes_later(launch, tmp_path):
    site = tmp_path / "late"
    site.mkdir()
    (site / "a.txt").write_bytes(TEXT)
    server = launch("--static-cache-valid-ms", 0, *NONE_MADE, docroot=site)
    assert ask(server, "/a.txt", "gzip").get("Content-Encoding") is None
    (site / "a.txt.gz").write_bytes(gzip.compress(TEXT))
    assert ask(server, "/a.txt", "gzip").get("Content-Encoding") == "gzip"
    (site / "a.txt.gz").unlink()
    assert ask(server, "/a.txt", "gzip").get("Content-Encoding") is None


def test_http2(server):
    with H2Wire(server.address) as wire:
        response = wire.request(path="/all.js", extra=[("accept-encoding", "br")])
        assert response["content-encoding"] == "br" and brotli.decompress(response.body) == TEXT


def test_time_to_live(server, launch):
    assert ask(server, "/none.txt").get("Cache-Control") == "public, max-age=86400"
    assert ask(server, "/assets/app.3f2a9b1c.js").get("Cache-Control") == "public, max-age=31536000, immutable"
    assert ask(server, "/none.txt", fields=[("Range", "bytes=0-3")]).get("Cache-Control") == "public, max-age=86400"
    assert ask(server, "/absent.txt").get("Cache-Control") is None
    other = launch("--static-ttl-ms", "0", "--static-precompressed=false", *NONE_MADE, docroot=server.docroot)
    answer = ask(other, "/all.js", "gzip")
    assert answer.get("Cache-Control") is None and answer.get("Content-Encoding") is None and answer.get("Vary") is None
