"""Static files: types, conditional requests, ranges, what is never served, and files that change.

SPDX-License-Identifier: MIT
"""

import hashlib
import os
import re
import time
from email.utils import formatdate

import pytest

from testenv import scaled, stub

TEXT = "0123456789abcdefghijklmnopqrstuvwxyz"
MODIFIED = 1_700_000_000
SERVER_FILES = {
    "text.txt": TEXT,
    "index.html": "<h1>root</h1>",
    "dir/index.html": "<h1>dir</h1>",
    "bare/file.txt": "x",
    "empty.txt": "",
    "source.php": "<?php echo 'secret';",
    "upper.PHP": "<?php echo 'secret';",
    "old.php.bak": "<?php secret",
    "old.php~": "<?php secret",
    ".old.php.swp": "<?php secret",
    ".htaccess": "hidden",
    ".git/config": "hidden",
    "dir/.env": "hidden",
    ".well-known/acme-challenge/token": "challenge",
    "a b.txt": "blank",
    "100%.txt": "percent",
    "café.txt": "accent",
    "plus+sign.txt": "plus",
    "dots..txt": "dots",
    "semi;colon.txt": "semicolon",
}
TYPES = {
    "a.html": "text/html", "a.css": "text/css", "a.js": "text/javascript", "a.mjs": "text/javascript",
    "a.json": "application/json", "a.svg": "image/svg+xml", "a.png": "image/png", "a.jpg": "image/jpeg",
    "a.jpeg": "image/jpeg", "a.gif": "image/gif", "a.webp": "image/webp", "a.avif": "image/avif", "a.ico": "image/",
    "a.woff2": "font/woff2", "a.wasm": "application/wasm", "a.pdf": "application/pdf", "a.xml": "/xml", "a.txt": "text/plain",
    "a.mp4": "video/mp4", "a.webm": "video/webm", "a.zip": "application/zip", "A.HTML": "text/html",
    "a.unknown": "application/octet-stream", "noextension": "application/octet-stream",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _files(server):
    for name in TYPES:
        (server.docroot / "types").mkdir(exist_ok=True)
        (server.docroot / "types" / name).write_text("content")
    os.utime(server.docroot / "text.txt", (MODIFIED, MODIFIED))
    outside = server.docroot.parent / (server.docroot.name + "-outside")
    outside.mkdir(exist_ok=True)
    (outside / "secret.txt").write_text("outside")
    (server.docroot / "link.txt").symlink_to(outside / "secret.txt")
    (server.docroot / "linkdir").symlink_to(outside)
    (server.docroot / "relative.txt").symlink_to("../" + outside.name + "/secret.txt")
    (server.docroot / "inside.txt").symlink_to("text.txt")
    (server.docroot / "loop").symlink_to("loop")
    os.mkfifo(server.docroot / "pipe")


def is_a_file(response):
    """The stub answers everything that is no file: only a file has these."""
    return response.get("Last-Modified") is not None


# ---- representation


@pytest.mark.parametrize("name, kind", TYPES.items())
def test_types(server, name, kind):
    response = server.fetch("/types/" + name)
    assert response.status == 200 and kind in response.get("Content-Type")
    if kind.startswith("text/"):
        assert "charset=utf-8" in response.get("Content-Type").lower()


def test_file_and_its_fields(server):
    response = server.fetch("/text.txt")
    assert response.body == TEXT.encode()
    assert response.get("Content-Length") == "36"
    assert response.get("Last-Modified") == formatdate(MODIFIED, usegmt=True)
    assert re.fullmatch(r'(W/)?"[\x21\x23-\x7e]+"', response.get("ETag"))
    assert response.get("Accept-Ranges") == "bytes"


def test_etags_differ(server):
    assert server.fetch("/text.txt").get("ETag") != server.fetch("/bare/file.txt").get("ETag")


def test_empty_file(server):
    response = server.fetch("/empty.txt")
    assert (response.status, response.body, response.get("Content-Length")) == (200, b"", "0")


@pytest.mark.parametrize(
    "target, body",
    [
        ("/a%20b.txt", b"blank"),
        ("/100%25.txt", b"percent"),
        ("/caf%C3%A9.txt", b"accent"),
        ("/plus+sign.txt", b"plus"),
        ("/plus%2Bsign.txt", b"plus"),
        ("/dots..txt", b"dots"),
        ("/semi;colon.txt", b"semicolon"),
        ("/%74ext.txt", TEXT.encode()),
        ("/text.txt?query", TEXT.encode()),
        ("/text.txt?", TEXT.encode()),
        ("/dir/../text.txt", TEXT.encode()),
        ("/./text.txt", TEXT.encode()),
        ("/dir/%2e%2e/text.txt", TEXT.encode()),
        ("/inside.txt", TEXT.encode()),
        ("/.well-known/acme-challenge/token", b"challenge"),
    ],
)
def test_names(server, target, body):
    response = server.fetch(target)
    assert response.status == 200 and response.body == body


def test_index_file(server):
    assert server.fetch("/").body == b"<h1>root</h1>"
    assert server.fetch("/dir/").body == b"<h1>dir</h1>"


@pytest.mark.parametrize(
    "target, location", [("/dir", "/dir/"), ("/dir?a=1&b", "/dir/?a=1&b"), ("/%64ir", "/dir/"), ("/bare", "/bare/")]
)
def test_directory_redirect(server, target, location):
    response = server.fetch(target)
    assert response.status == 301
    got = response.get("Location")
    assert got == location or re.fullmatch(r"http://test\.example" + re.escape(location), got), got


@pytest.mark.parametrize("target", ["//evil.example/..", "//dir", "/\\evil.example/dir", "//dir/..%2fdir"])
def test_redirect_never_leads_away(server, target):
    location = server.fetch(target).get("Location")
    assert location is None or not re.match(r"//|/\\|https?://(?!test\.example)", location), location


def test_redirect_of_a_name_with_line_breaks(server):
    folder = server.docroot / "a\r\nSet-Cookie: x"
    folder.mkdir(exist_ok=True)
    response = server.fetch("/a%0d%0aSet-Cookie:%20x")
    assert response.get("Set-Cookie") is None


def test_directory_without_index_is_not_listed(server):
    response = server.fetch("/bare/")
    assert b"file.txt" not in response.body and not is_a_file(response)


# ---- methods


def test_head(server):
    got, head = server.fetch("/text.txt"), server.fetch("/text.txt", "HEAD")
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
        assert got.get(name) == head.get(name)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND", "QUERY"])
def test_method_not_allowed(wire, method):
    wire.request("/text.txt", method, body=b"data")
    response = wire.expect_response(405)
    allowed = {name.strip() for name in response.get("Allow").split(",")}
    assert {"GET", "HEAD"} <= allowed and method not in allowed
    wire.request("/text.txt")
    wire.expect_response(200, body=TEXT.encode())


def test_options_of_a_file(server):
    response = server.fetch("/text.txt", "OPTIONS")
    assert response.status in (200, 204, 405)
    assert {"GET", "HEAD"} <= {name.strip() for name in response.get("Allow").split(",")}


# ---- conditional requests (RFC 9110 13)


@pytest.fixture(scope="module")
def etag(server):
    return server.fetch("/text.txt").get("ETag")


def date(offset):
    return formatdate(MODIFIED + offset, usegmt=True)


def tags(template, etag):
    return template.replace("TAG", etag.removeprefix("W/")).replace("WEAK", "W/" + etag.removeprefix("W/"))


@pytest.mark.parametrize(
    "fields, status",
    [
        ({"If-None-Match": "TAG"}, 304),
        ({"If-None-Match": "WEAK"}, 304),
        ({"If-None-Match": '"x", TAG'}, 304),
        ({"If-None-Match": '"x",TAG,"y"'}, 304),
        ({"If-None-Match": ', ,"x" ,\tTAG , '}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-None-Match": '"x, TAG'}, 200),
        ({"If-None-Match": ""}, 200),
        ({"If-None-Match": '"x"', "If-Modified-Since": "+0"}, 200),
        ({"If-None-Match": "TAG", "If-Modified-Since": "-10"}, 304),
        ({"If-Modified-Since": "+0"}, 304),
        ({"If-Modified-Since": "+100"}, 304),
        ({"If-Modified-Since": "-1"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Tuesday, 14-Nov-23 22:13:20 GMT"}, 304),
        ({"If-Modified-Since": "Tue Nov 14 22:13:20 2023"}, 304),
        ({"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 +0000"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": '"x"', "If-None-Match": "TAG"}, 412),
        ({"If-Match": '"x"', "If-Unmodified-Since": "+0"}, 412),
        ({"If-Unmodified-Since": "-1"}, 412),
        ({"If-Unmodified-Since": "+0"}, 200),
        ({"If-Unmodified-Since": "never"}, 200),
        ({"If-Unmodified-Since": "-1", "If-None-Match": "TAG"}, 412),
    ],
    ids=str,
)
def test_conditions(server, etag, fields, status):
    sent = []
    for name, value in fields.items():
        is_offset = re.fullmatch(r"[+-][0-9]+", value)
        sent.append((name, date(int(value)) if is_offset else tags(value, etag)))
    for method in ("GET", "HEAD"):
        response = server.fetch("/text.txt", method, fields=sent)
        assert response.status == status, (sent, response)
        if status == 304:
            assert response.get("ETag") == etag
            assert response.get("Content-Length") in (None, "36"), "RFC 9110 8.6: the length of the 200"
        if status == 200 and method == "GET":
            assert response.body == TEXT.encode()


def test_if_match_compares_strongly(server, etag):
    """RFC 9110 13.1.1: a weak tag never matches."""
    status = server.fetch("/text.txt", fields=[("If-Match", "W/" + etag.removeprefix("W/"))]).status
    assert status == 412
    if not etag.startswith("W/"):
        assert server.fetch("/text.txt", fields=[("If-Match", etag)]).status == 200


def test_conditions_of_what_is_no_file(server):
    """The script decides: no 304 or 412 from the server."""
    for name in ("If-None-Match", "If-Match"):
        assert server.fetch(stub.ECHO, fields=[(name, "*")]).status == 200


# ---- ranges (RFC 9110 14)


@pytest.mark.parametrize(
    "value, content_range, body",
    [
        ("bytes=0-0", "bytes 0-0/36", "0"),
        ("bytes=0-9", "bytes 0-9/36", "0123456789"),
        ("bytes=10-", "bytes 10-35/36", TEXT[10:]),
        ("bytes=35-", "bytes 35-35/36", "z"),
        ("bytes=-5", "bytes 31-35/36", "vwxyz"),
        ("bytes=-100", "bytes 0-35/36", TEXT),
        ("bytes=30-1000", "bytes 30-35/36", TEXT[30:]),
        ("bytes=30-99999999999999999999999", "bytes 30-35/36", TEXT[30:]),
        ("bytes=-99999999999999999999999", "bytes 0-35/36", TEXT),
        ("bytes= 0-9", "bytes 0-9/36", "0123456789"),
        ("Bytes=0-9", "bytes 0-9/36", "0123456789"),
        ("bytes=0-9,", "bytes 0-9/36", "0123456789"),
        ("bytes=0-9,100-200", "bytes 0-9/36", "0123456789"),
    ],
)
def test_single_range(server, value, content_range, body):
    response = server.fetch("/text.txt", fields=[("Range", value)])
    assert response.status == 206, response
    assert response.get("Content-Range") == content_range
    assert response.body == body.encode()
    assert response.get("ETag") and response.get("Last-Modified")


@pytest.mark.parametrize(
    "value",
    ["bytes=36-", "bytes=36-40", "bytes=100-", "bytes=-0", "bytes=40-50,60-", "bytes=99999999999999999999999-"],
)
def test_unsatisfiable_range(server, value):
    response = server.fetch("/text.txt", fields=[("Range", value)])
    assert response.status == 416
    assert response.get("Content-Range") == "bytes */36"


@pytest.mark.parametrize(
    "value",
    [
        "bytes", "bytes=", "bytes=a-b", "bytes=5", "bytes=9-0", "bytes=--5", "bytes=0--5", "bytes=1-2-3", "bytes=0x1-2",
        "lines=0-9", "0-9", "bytes 0-9", "bytes=0-9;10-19", "bytes=0-1,b", "bytes=+0-5", "bytes=5-\x80",
    ],
)  # fmt: skip
def test_malformed_range_is_ignored(server, value):
    """RFC 9110 14.2: a Range that cannot be understood is as if it were not there (416 is allowed for bytes)."""
    response = server.fetch("/text.txt", fields=[("Range", value)])
    if response.status == 416:
        assert value.startswith("bytes=")
    else:
        assert response.status == 200 and response.body == TEXT.encode()


def test_range_of_an_empty_file(server):
    assert server.fetch("/empty.txt", fields=[("Range", "bytes=0-")]).status in (200, 416)
    assert server.fetch("/empty.txt", fields=[("Range", "bytes=-5")]).status in (200, 416)


def parts_of(response):
    """Parses multipart/byteranges strictly: [(content range, body)]."""
    kind, _, boundary = response.get("Content-Type").partition("; boundary=")
    assert kind == "multipart/byteranges" and boundary
    delimiter = b"--" + boundary.strip('"').encode()
    text = response.body if response.body.startswith(b"\r\n") else b"\r\n" + response.body
    pieces = text.split(b"\r\n" + delimiter)
    assert pieces[0] == b"" and pieces[-1] in (b"--", b"--\r\n")
    found = []
    for piece in pieces[1:-1]:
        assert piece.startswith(b"\r\n")
        head, separator, body = piece[2:].partition(b"\r\n\r\n")
        assert separator
        names = {line.split(b":")[0].lower(): line.split(b": ", 1)[1] for line in head.split(b"\r\n")}
        assert names[b"content-type"].startswith(b"text/plain")
        found.append((names[b"content-range"].decode(), body.decode()))
    return found


def test_several_ranges(server):
    response = server.fetch("/text.txt", fields=[("Range", "bytes=0-1, 10-11 ,-2")])
    assert response.status == 206 and response.get("Content-Range") is None
    assert parts_of(response) == [("bytes 0-1/36", "01"), ("bytes 10-11/36", "ab"), ("bytes 34-35/36", "yz")]


def test_several_ranges_without_a_body(server):
    got = server.fetch("/text.txt", fields=[("Range", "bytes=0-1,10-11")])
    head = server.fetch("/text.txt", "HEAD", fields=[("Range", "bytes=0-1,10-11")])
    # RFC 9110 14.2: Range is defined for GET only.
    assert head.status == 200 and head.get("Content-Length") == "36"
    assert got.get("Content-Length") == str(len(got.body))


@pytest.mark.parametrize(
    "value",
    [
        "bytes=" + ",".join(["0-35"] * 1000),
        "bytes=" + ",".join(f"{n}-" for n in range(36)),
        "bytes=" + ",".join(["0-0"] * 1000),
        "bytes=" + ",".join(f"{n % 36}-{n % 36}" for n in range(400)),
    ],
    ids=["same", "overlapping", "one byte", "unsorted"],
)
def test_range_abuse(server, value):
    """RFC 9110 14.2, 17.15: many small or overlapping ranges must not blow the response up."""
    response = server.fetch("/text.txt", fields=[("Range", value)])
    assert response.status in (200, 206, 416)
    assert len(response.body) < 8192


@pytest.mark.parametrize(
    "condition, status",
    [("TAG", 206), ('"x"', 200), ("WEAK", 200), ("+0", 206), ("-1", 200), ("+1", 200), ("rubbish", 200)],
)
def test_if_range(server, etag, condition, status):
    if etag.startswith("W/") and condition == "TAG":
        status = 200
    value = date(int(condition)) if re.fullmatch(r"[+-][0-9]+", condition) else tags(condition, etag)
    response = server.fetch("/text.txt", fields=[("Range", "bytes=0-1"), ("If-Range", value)])
    assert response.status == status
    assert len(response.body) == (2 if status == 206 else 36)


def test_condition_before_range(server, etag):
    fields = [("Range", "bytes=0-1"), ("If-None-Match", etag)]
    assert server.fetch("/text.txt", fields=fields).status == 304
    fields = [("Range", "bytes=100-"), ("If-None-Match", etag)]
    assert server.fetch("/text.txt", fields=fields).status == 304


def test_range_of_post_is_ignored(server):
    response = server.fetch(stub.ECHO, "POST", fields=[("Range", "bytes=0-1")], body=b"hello")
    assert response.status == 200


# ---- what is never served


@pytest.mark.parametrize(
    "target",
    [
        "/.htaccess", "/.git/config", "/dir/.env", "/%2ehtaccess", "/dir/%2Eenv", "/.git/", "/.git", "/./.htaccess", "/dir/../.git/config",
        "/.well-known/../.htaccess", "/.well-known/%2e%2e/.git/config", "//.htaccess",
    ],
)  # fmt: skip
def test_dotfiles(server, target):
    response = server.fetch(target)
    assert b"hidden" not in response.body
    assert response.status in (403, 404), response


@pytest.mark.parametrize(
    "target",
    [
        "/source.php", "/upper.PHP", "/source.ph%70", "/source.php/", "/source.php/x.txt", "/source.php%20", "/source.php.", "/source.php%00.txt",
        "/source.php%0a", "/source.php;.txt", "/source.php?x", "/dir/../source.php", "/source.php::$DATA", "/source.php%2f",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_php_source(server, target, method):
    response = server.fetch(target, method)
    assert b"secret" not in response.body
    assert not is_a_file(response)


@pytest.mark.parametrize("target", ["/old.php.bak", "/old.php~", "/.old.php.swp"])
def test_copies_of_php_source(server, target):
    """What editors and administrators leave behind is program text as well."""
    assert b"secret" not in server.fetch(target).body


@pytest.mark.parametrize("fields", [[("Range", "bytes=0-100")], [("If-None-Match", '"x"')], [("If-Modified-Since", formatdate(0, usegmt=True))]])
def test_php_source_by_conditions(server, fields):
    assert b"secret" not in server.fetch("/source.php", fields=fields).body


DOTS = ["..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "..%00", "..%c0%af", "%c0%ae%c0%ae", "..;", "...", "..\\", "%e0%80%ae.", "%uff0e."]
SLASHES = ["/", "%2f", "%2F", "\\", "%5c", "%252f", "//", "/./"]


@pytest.mark.parametrize("slash", SLASHES)
@pytest.mark.parametrize("dots", DOTS)
def test_traversal(server, dots, slash):
    outside = server.docroot.name + "-outside"
    targets = [
        f"/{dots}{slash}{outside}{slash}secret.txt",
        f"/dir{slash}{dots}{slash}{dots}{slash}{outside}/secret.txt",
        "/" + (dots + slash) * 12 + "etc/passwd",
        f"{slash if slash.startswith('/') else '/'}{dots}{slash}" * 3 + "etc/passwd",
    ]
    for target in targets:
        response = server.fetch(target)
        assert b"outside" not in response.body and b"root:" not in response.body, target
        assert not is_a_file(response), target


@pytest.mark.parametrize("target", ["/etc/passwd", "//etc/passwd", "/dir//etc/passwd", "/proc/self/environ", "/text.txt/etc/passwd"])
def test_absolute_paths(server, target):
    response = server.fetch(target)
    assert b"root:" not in response.body and not is_a_file(response)


@pytest.mark.parametrize("target", ["/link.txt", "/linkdir/secret.txt", "/relative.txt", "/linkdir/", "/linkdir/../text.txt/../link.txt"])
def test_symlink_escape(server, target):
    response = server.fetch(target)
    assert b"outside" not in response.body and not is_a_file(response)


def test_symlinks_followed_when_configured(launch, tmp_path):
    server = launch("--static-follow-symlinks=true")
    (tmp_path / "secret.txt").write_text("deployed")
    (server.docroot / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert server.fetch("/link.txt").body == b"deployed"


@pytest.mark.parametrize("target", ["/loop", "/loop/x", "/pipe", "/text.txt/", "/text.txt/x", "/" + "a" * 300, "/" + "a/" * 3000])
def test_oddities_do_not_hang_or_fail(server, target):
    response = server.fetch(target)
    assert response.status < 500 and not is_a_file(response)


def test_unreadable_file(launch):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    server = launch(files={"secret.txt": "unreadable"})
    (server.docroot / "secret.txt").chmod(0)
    assert server.fetch("/secret.txt").status in (403, 404)


def test_docroot_behind_a_symlink(launch, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("content")
    (tmp_path / "current").symlink_to("real")
    assert launch(docroot=tmp_path / "current").fetch("/a.txt").body == b"content"


# ---- files that change


def eventually(server, target, wanted):
    """The cache may answer with what was there for up to its second."""
    deadline = time.monotonic() + scaled(10)
    start = time.monotonic()
    while (response := server.fetch(target)).body != wanted:
        assert time.monotonic() < deadline, response
    return time.monotonic() - start


@pytest.mark.parametrize("replace", [True, False], ids=["renamed over", "rewritten"])
def test_changed_file_is_seen(server, replace):
    path = server.docroot / f"changing-{replace}.txt"
    path.write_text("first")
    assert server.fetch("/" + path.name).body == b"first"
    old = server.fetch("/" + path.name).get("ETag")
    if replace:
        (server.docroot / "new.tmp").write_text("second, longer")
        os.rename(server.docroot / "new.tmp", path)
    else:
        path.write_text("second, longer")
    assert eventually(server, "/" + path.name, b"second, longer") < scaled(3)
    assert server.fetch("/" + path.name).get("ETag") != old


def test_removed_and_new_files_are_seen(server):
    path = server.docroot / "coming.txt"
    assert not is_a_file(server.fetch("/coming.txt"))
    path.write_text("here")
    eventually(server, "/coming.txt", b"here")
    path.unlink()
    deadline = time.monotonic() + scaled(10)
    while is_a_file(server.fetch("/coming.txt")):
        assert time.monotonic() < deadline


def test_file_truncated_while_it_is_sent(launch):
    """The announced length cannot be kept: the connection is cut, the server lives on."""
    size = 30_000_000
    server = launch(files={"shrinks.bin": bytes(size)})
    with server.connect(receive_buffer=4096) as wire:
        wire.request("/shrinks.bin")
        wire.socket.recv(1000)
        os.truncate(server.docroot / "shrinks.bin", 1000)
        assert len(wire.expect_cut()) < size
    assert server.fetch(stub.ECHO).status == 200


@pytest.mark.no_sanitizer
def test_large_file(launch):
    size = 64 * 1024 * 1024
    server = launch()
    block = os.urandom(1024 * 1024)
    with open(server.docroot / "large.bin", "wb") as file:
        for number in range(64):
            file.write(number.to_bytes(4, "big") + block[4:])
    before = server.memory_kib("Private_Dirty")
    response = server.fetch("/large.bin")
    assert len(response.body) == size
    with open(server.docroot / "large.bin", "rb") as file:
        assert hashlib.sha256(response.body).digest() == hashlib.sha256(file.read()).digest()
    assert server.memory_kib("Private_Dirty") - before < 4096, "sendfile takes no memory"
    response = server.fetch("/large.bin", fields=[("Range", f"bytes={size - 10}-")])
    assert response.body == block[-10:]


def test_many_files_beyond_the_cache(launch):
    server = launch("--static-cache-entries", "8", files={f"f{n}.txt": str(n) for n in range(100)})
    server.fetch("/f0.txt")
    before = server.descriptors()
    with server.connect() as wire:
        for turn in range(3):
            for number in range(100):
                wire.request(f"/f{number}.txt")
                wire.expect_response(200, body=str(number).encode())
    assert server.descriptors() <= before + 10


def test_without_cache(launch):
    server = launch("--static-cache-entries", "0", files={"a.txt": "a"})
    for _ in range(3):
        assert server.fetch("/a.txt").body == b"a"


def test_static_off(launch):
    server = launch("--static-enabled=false", files={"a.txt": "a"})
    assert not is_a_file(server.fetch("/a.txt"))
