"""Compression of what scripts write: which coding, which fields, flushes, and what is left alone.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import gzip
import json
import zlib

import brotli
import pytest
import zstandard

from testenv import H2Wire, decode_body

TEXT = "".join(f"line {i} of a text that compresses well\n" for i in range(2000))
SERVER_WORKERS = 2
SITE = {
    "text.php": """<?php
header("Content-Type: " . ($_GET["type"] ?? "text/plain"));
foreach ($_GET["h"] ?? [] as $field) header($field, false);
http_response_code((int)($_GET["status"] ?? 200));
if (isset($_GET["length"])) header("Content-Length: " . $_GET["length"]);
$n = (int)($_GET["n"] ?? 2000);
for ($i = 0; $i < $n; $i++) echo "line $i of a text that compresses well\\n";
""",
    "stream.php": """<?php
header("Content-Type: text/plain");
for ($i = 0; $i < 5; $i++) { echo "part $i\\n"; flush(); if (isset($_GET["gate"])) while (!file_exists($_GET["gate"] . $i)) { usleep(2000); clearstatcache(); } }
echo "end\\n";
""",
    "big.php": '<?php header("Content-Type: application/json"); $r = []; for ($i = 0; $i < 40000; $i++) $r[] = ["id" => $i, "name" => "user $i"]; echo json_encode($r);',
    "output_compression.php": '<?php ini_set("zlib.output_compression", "1"); header("Content-Type: text/plain"); echo str_repeat("a text ", 2000);',
    "gzhandler.php": '<?php ob_start("ob_gzhandler"); header("Content-Type: text/plain"); echo str_repeat("a text ", 2000);',
    "image.php": '<?php header("Content-Type: image/png"); echo str_repeat("not really", 2000);',
    "none.php": '<?php header_remove("Content-Type"); ini_set("default_mimetype", ""); echo str_repeat("no type ", 2000);',
    "events.php": '<?php header("Content-Type: text/event-stream"); echo str_repeat("data: x\\n\\n", 2000);',
    "static.txt": TEXT,
}
CODINGS = ["gzip", "br", "zstd"]


@pytest.fixture(scope="module")
def php(launch_module):
    return launch_module(files=SITE, executor="ext", workers=2)


def ask(server, path, accept="gzip", method="GET"):
    fields = [("Accept-Encoding", accept)] if accept is not None else []
    return server.fetch(path, method=method, fields=fields)


@pytest.mark.parametrize("coding", CODINGS)
def test_codings(php, coding):
    answer = ask(php, "/text.php", coding)
    assert answer.get("Content-Encoding") == coding and answer.get("Vary") == "Accept-Encoding"
    assert int(answer.get("Content-Length")) == len(answer.body) < len(TEXT) / 3
    assert decode_body(coding, answer.body).decode() == TEXT


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "gzip"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("*", "zstd"),
        ("gzip, *;q=0", "gzip"),
        ("zstd;q=0, *", "br"),
        ("zstd;q=0.1, br;q=0.2, gzip;q=0.3", "gzip"),
        ("gzip;q=1.0, br;q=1.0", "br"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("gzip, identity;q=0.5", "gzip"),
        ("gzip;q=abc", None),
        ("gzip;q=0.0001", None),
        (",, ,gzip,", "gzip"),
        ("x" * 5000, None),
    ],
)
def test_weights(php, accept, coding):
    """RFC 9110 12.5.3"""
    answer = ask(php, "/text.php", accept)
    assert answer.status == 200 and answer.get("Content-Encoding") == coding
    assert answer.get("Vary") == "Accept-Encoding", "also a plain answer depends on the field"
    assert decode_body(coding, answer.body).decode() == TEXT


@pytest.mark.parametrize("path", ["/image.php", "/none.php", "/text.php?n=3", "/events.php", "/text.php?type=video/mp4"])
def test_not_worth_it(php, path):
    answer = ask(php, path)
    assert answer.get("Content-Encoding") is None and answer.get("Vary") is None


@pytest.mark.parametrize(
    "type_", ["text/html;charset=utf-8", "application/json", "application/problem%2Bjson", "image/svg%2Bxml", "Application/JavaScript", "application/atom%2Bxml"]
)
def test_types_that_are(php, type_):
    assert ask(php, f"/text.php?type={type_}").get("Content-Encoding") == "gzip"


@pytest.mark.parametrize(
    "field",
    ["Cache-Control: no-transform", "Cache-Control: public, No-Transform", "Content-Range: bytes 0-1/2", "Content-MD5: x", "Content-Digest: sha-256=:x:"],
)
def test_forbidden(php, field):
    answer = ask(php, "/text.php?h[]=" + field.replace(" ", "%20"))
    assert answer.get("Content-Encoding") is None and answer.body.decode() == TEXT


def test_done_by_the_script_already(php):
    for path in ("/output_compression.php", "/gzhandler.php"):
        answer = ask(php, path)
        assert answer.all("Content-Encoding") == ["gzip"]
        assert gzip.decompress(answer.body) == b"a text " * 2000


def test_identity_switches_it_off(php):
    answer = ask(php, "/text.php?h[]=Content-Encoding:identity")
    assert answer.get("Content-Encoding") is None and answer.body.decode() == TEXT


def test_entity_tags_become_weak(php):
    assert ask(php, "/text.php?h[]=ETag:%22x%22").get("ETag") == 'W/"x"'
    assert ask(php, "/text.php?h[]=ETag:W/%22x%22").get("ETag") == 'W/"x"'
    assert ask(php, "/text.php?h[]=ETag:%22x%22", None).get("ETag") == '"x"'


@pytest.mark.parametrize(
    ("given", "expected"),
    [("Cookie", ["Cookie, Accept-Encoding"]), ("accept-encoding", ["accept-encoding"]), ("*", ["*"]), ("A, Accept-Encoding, B", ["A, Accept-Encoding, B"])],
)
def test_vary_is_extended(php, given, expected):
    assert ask(php, f"/text.php?h[]=Vary:{given.replace(' ', '%20')}").all("Vary") == expected


@pytest.mark.parametrize("status", [200, 201, 404, 500])
def test_statuses_with_a_body(php, status):
    answer = ask(php, f"/text.php?status={status}")
    assert answer.status == status and gzip.decompress(answer.body).decode() == TEXT


@pytest.mark.parametrize("status", [204, 304, 206])
def test_statuses_without(php, status):
    assert ask(php, f"/text.php?status={status}").get("Content-Encoding") is None


def test_head_says_what_get_would(php):
    get, head = ask(php, "/text.php"), ask(php, "/text.php", method="HEAD")
    assert head.body == b"" and head.get("Content-Encoding") == "gzip" and head.get("Vary") == "Accept-Encoding"
    assert head.get("Content-Length") in (None, get.get("Content-Length"))


def test_promised_length_is_the_plain_one(php):
    answer = ask(php, f"/text.php?length={len(TEXT)}")
    assert gzip.decompress(answer.body).decode() == TEXT and int(answer.get("Content-Length")) == len(answer.body)
    answer = ask(php, f"/text.php?length={len(TEXT) - 2000}")
    assert gzip.decompress(answer.body).decode() == TEXT[:-2000]


def test_a_body_in_a_memory_file(php):
    expected = json.dumps([{"id": i, "name": f"user {i}"} for i in range(40000)], separators=(",", ":"))
    for coding in CODINGS:
        answer = ask(php, "/big.php", coding)
        assert decode_body(coding, answer.body).decode() == expected


@pytest.mark.parametrize("coding", CODINGS)
def test_each_flush_can_be_decoded(php, coding, tmp_path):
    """What was flushed is there before the script goes on."""
    decoder = {
        "gzip": lambda: zlib.decompressobj(31),
        "br": brotli.Decompressor,
        "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    }[coding]()
    feed = decoder.process if coding == "br" else decoder.decompress
    with php.connect() as wire:
        wire.request(f"/stream.php?gate={tmp_path}/go", fields=[("Accept-Encoding", coding)])
        text, raw = b"", b""
        while b"\r\n\r\n" not in raw:
            raw += wire.socket.recv(65536)
        head, _, raw = raw.partition(b"\r\n\r\n")
        assert f"Content-Encoding: {coding}".encode() in head and b"chunked" in head
        for part in range(5):
            while f"part {part}\n".encode() not in text:
                while b"\r\n" not in raw or len(raw.partition(b"\r\n")[2]) < int(raw.partition(b"\r\n")[0], 16) + 2:
                    raw += wire.socket.recv(65536)
                size, _, raw = raw.partition(b"\r\n")
                text += feed(raw[: int(size, 16)])
                raw = raw[int(size, 16) + 2 :]
            (tmp_path / f"go{part}").touch()
    assert text.startswith(b"part 0\npart 1\n")


def test_streams_end_whole(php):
    for coding in CODINGS:
        answer = ask(php, "/text.php?n=0&h[]=X:y", coding)
        assert answer.body == b""
    assert decode_body("br", ask(php, "/big.php", "br").body)


def test_http2(php):
    with H2Wire(php.address) as wire:
        response = wire.request(path="/text.php", extra=[("accept-encoding", "gzip, br")])
        assert response["content-encoding"] == "br" and brotli.decompress(response.body).decode() == TEXT


def test_many_at_once(php):
    def visit(index):
        coding = CODINGS[index % 3]
        n = 100 + index * 37
        expected = "".join(f"line {i} of a text that compresses well\n" for i in range(n))
        return decode_body(coding, ask(php, f"/text.php?n={n}", coding).body).decode() == expected

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(visit, range(120)))


def test_switched_off(launch):
    server = launch("--compress-codings", "off", files=SITE, executor="ext")
    answer = ask(server, "/text.php")
    assert answer.get("Content-Encoding") is None and answer.get("Vary") is None


def test_preference_is_configured(launch):
    server = launch("--compress-codings", "gzip,br", "--compress-min-bytes", 10, "--compress-type", "image/*", files=SITE, executor="ext")
    assert ask(server, "/image.php", "zstd, br, gzip").get("Content-Encoding") == "gzip"
    assert ask(server, "/text.php").get("Content-Encoding") is None
