"""Compressed request bodies: decoded before the script sees them, within bounds, when it is asked for.

SPDX-License-Identifier: MIT
"""

import gzip
import hashlib
import json
import zlib

import brotli
import pytest
import zstandard

from testenv import H2Wire
from testenv.h2 import END_HEADERS

SHOW = """<?php
header("Content-Type: application/json");
$in = file_get_contents("php://input");
echo json_encode(["post" => $_POST, "files" => array_map(fn($f) => [$f["name"], md5_file($f["tmp_name"])], $_FILES),
    "md5" => md5($in), "length" => strlen($in), "CONTENT_LENGTH" => $_SERVER["CONTENT_LENGTH"] ?? null,
    "coding" => $_SERVER["HTTP_CONTENT_ENCODING"] ?? null]);"""
TEXT = b"".join(b"row %d of a table that was sent\n" % i for i in range(20_000))
FORM = "application/x-www-form-urlencoded"
DECODING = ("--request-decode", "--http-body-bytes-max", "4M", "--http-body-memory-bytes", "64K")

ENCODE = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}




def wide_window(data):
    """A frame that wants a window of 128 MiB."""
    encoder = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27)).compressobj()
    return encoder.compress(data) + encoder.flush()


@pytest.fixture(scope="module")
def server(launch_module):
    return launch_module(*DECODING, files={"show.php": SHOW}, executor="ext")


def post(server, body, coding, content_type="text/plain", **options):
    fields = [("Content-Type", content_type)]
    if coding is not None:
        fields.append(("Content-Encoding", coding))
    return server.fetch("/show.php", method="POST", fields=fields, body=body, **options)


def shown(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)


@pytest.mark.parametrize("coding", ENCODE)
def test_forms(server, coding):
    got = shown(post(server, ENCODE[coding](b"name=J%C3%BCrgen&list[]=1&list[]=2"), coding, FORM))
    assert got["post"] == {"name": "J\u00fcrgen", "list": ["1", "2"]}
    assert got["coding"] is None and got["CONTENT_LENGTH"] == "34"


@pytest.mark.parametrize("coding", ENCODE)
@pytest.mark.parametrize("size", [1, 1000, 65_536, 600_000])
def test_php_input(server, coding, size):
    got = shown(post(server, ENCODE[coding](TEXT[:size]), coding))
    assert got["length"] == size and got["md5"] == hashlib.md5(TEXT[:size]).hexdigest()
    assert got["CONTENT_LENGTH"] == str(size)


def test_uploads(server):
    boundary = "x-boundary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\n'.encode() + TEXT + f"\r\n--{boundary}--\r\n".encode()
    )
    got = shown(post(server, gzip.compress(body), "gzip", f"multipart/form-data; boundary={boundary}"))
    assert got["files"] == {"f": ["a.txt", hashlib.md5(TEXT).hexdigest()]}


def test_chunked_and_http2(server):
    encoded = zstandard.ZstdCompressor().compress(b"a=1")
    with server.connect() as wire:
        wire.send(
            b"POST /show.php HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Encoding: ZSTD\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"1\r\n%c\r\n" % byte for byte in encoded) + b"0\r\n\r\n"
        )
        assert shown(wire.expect_response())["post"] == {"a": "1"}
    with H2Wire(server.address) as wire:
        fields = [("content-encoding", "br"), ("content-type", FORM)]
        stream = wire.headers(method="POST", path="/show.php", extra=fields, flags=END_HEADERS)
        wire.data(stream, brotli.compress(b"b=2"))
        answer = wire.response(stream)
        assert json.loads(answer.body)["post"] == {"b": "2"}


@pytest.mark.parametrize(
    ("coding", "body", "length"),
    [
        ("identity", b"plain", 5),
        ("identity, gzip", gzip.compress(b"once"), 4),
        ("gzip", gzip.compress(b"one") + gzip.compress(b"two"), 6),
        ("zstd", ENCODE["zstd"](b"one") + ENCODE["zstd"](b"two"), 6),
        ("gzip", b"", 0),
        ("gzip", gzip.compress(b""), 0),
        ("br", brotli.compress(b""), 0),
    ],
    ids=["identity", "identity and gzip", "two members", "two frames", "no body", "empty gzip", "empty br"],
)
def test_what_is_decoded(server, coding, body, length):
    assert shown(post(server, body, coding))["length"] == length


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"not gzip at all"),
        ("gzip", gzip.compress(TEXT)[:-1]),
        ("gzip", gzip.compress(TEXT)[:-4] + b"sum!"),
        ("gzip", gzip.compress(TEXT) + b"garbage"),
        ("gzip", zlib.compress(TEXT)),
        ("br", b"\xff\xff\xff\xff not brotli"),
        ("br", brotli.compress(TEXT)[:-1]),
        ("br", brotli.compress(TEXT) + b"more"),
        ("zstd", b"not zstd"),
        ("zstd", ENCODE["zstd"](TEXT)[:-1]),
        ("zstd", ENCODE["zstd"](TEXT) + b"garbage"),
        ("zstd", wide_window(TEXT)),
    ],
    ids=[
        "gzip garbage", "gzip cut", "gzip sum", "gzip and more", "zlib", "br garbage", "br cut", "br and more",
        "zstd garbage", "zstd cut", "zstd and more", "zstd window",
    ],
)  # fmt: skip
def test_what_is_malformed(server, coding, body):
    answer = post(server, body, coding)
    assert answer.status == 400, answer


@pytest.mark.parametrize("coding", ["deflate", "compress", "gzip, gzip", "gzip, br", "exi", "aes128gcm", "gzip;q=1"])
def test_unknown_codings(server, coding):
    answer = post(server, b"x", coding)
    assert answer.status == 415
    assert answer.get("Accept-Encoding") == "zstd, br, gzip"


def test_unknown_coding_is_refused_before_the_body(server):
    with server.connect() as wire:
        wire.send(
            b"POST /show.php HTTP/1.1\r\nHost: x\r\nContent-Encoding: exi\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert wire.expect_response().status == 415


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_bombs(server, coding):
    """Beyond the ratio, and beyond the size of a body: 413, and the memory is not spent."""
    before = server.memory_kib("Rss")
    assert post(server, ENCODE[coding](bytes(3_000_000)), coding).status == 413, "3 MB within the size, not within the ratio"
    assert post(server, ENCODE[coding](bytes(200_000_000)), coding).status == 413
    assert server.memory_kib("Rss") - before < 30_000


def test_size(launch):
    server = launch(*DECODING, "--request-decode-ratio-max", 100000, files={"show.php": SHOW}, executor="ext")
    assert shown(post(server, gzip.compress(bytes(4_000_000)), "gzip"))["length"] == 4_000_000
    assert post(server, gzip.compress(bytes(4_194_305)), "gzip").status == 413
    assert shown(post(server, gzip.compress(b"after"), "gzip"))["length"] == 5


def test_off_by_default(launch):
    """As with other servers the script gets what was sent."""
    server = launch(files={"show.php": SHOW}, executor="ext")
    body = gzip.compress(TEXT)
    got = shown(post(server, body, "gzip"))
    assert got["length"] == len(body) and got["coding"] == "gzip"
    assert shown(post(server, b"x", "exi"))["coding"] == "exi"


def test_the_server_lives_on(server):
    """Refused bodies, one after the other on one connection."""
    with server.connect() as wire:
        for _ in range(20):
            wire.request("/show.php", "POST", [("Content-Encoding", "gzip")], b"not gzip")
            assert wire.expect_response().status == 400
            wire.request("/show.php", "POST", [("Content-Encoding", "gzip")], gzip.compress(b"right"))
            assert json.loads(wire.expect_response().body)["length"] == 5
