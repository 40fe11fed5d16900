"""Files that scripts hand over: X-Sendfile and X-Accel-Redirect.

SPDX-License-Identifier: MIT
"""

import os

import pytest

from testenv import H2Wire, run_binary

BIG = os.urandom(3_000_000)
SEND = """<?php
foreach ($_GET["h"] ?? [] as $line) header($line);
if (isset($_GET["status"])) http_response_code((int) $_GET["status"]);
if (isset($_GET["early"])) { register_shutdown_function(function () { usleep(200000); file_put_contents($_GET["early"], "done"); }); }
header(($_GET["accel"] ?? "") !== "" ? "X-Accel-Redirect: " . $_GET["accel"] : "X-Sendfile: " . $_GET["file"]);
if (isset($_GET["stream"])) { for ($i = 0; $i < 50; $i++) { echo str_repeat("x", 100000); flush(); } }
echo "the script's own body";"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "big.bin").write_bytes(BIG)
    (folder / "a b.txt").write_text("a file with a blank\n")
    (folder / "page.html").write_text("<p>page</p>")
    (folder / "code.php").write_text("<?php secret();")
    (folder / "sub").mkdir()
    (folder / "sub" / "deep.txt").write_text("deep\n")
    (folder.parent / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(folder.parent / "outside.txt")
    return folder


@pytest.fixture(scope="module")
def sending(launch_module, files):
    return launch_module("--sendfile-root", f"/protected/={files}", files={"send.php": SEND}, executor="ext", workers=2)


def ask(server, query, **options):
    return server.fetch("/send.php?" + query, **options)


@pytest.mark.parametrize("way", ["file", "accel"])
def test_a_file_in_place_of_the_body(sending, files, way):
    query = f"file={files}/big.bin" if way == "file" else "accel=/protected/big.bin"
    answer = ask(sending, query)
    assert answer.status == 200 and answer.body == BIG
    assert answer.get("Content-Type") == "application/octet-stream" and answer.get("Accept-Ranges") == "bytes"
    assert answer.get("ETag") and answer.get("Last-Modified")
    assert answer.get("X-Sendfile") is None and answer.get("X-Accel-Redirect") is None


def test_ranges_and_conditions(sending, files):
    whole = ask(sending, f"file={files}/big.bin")
    part = ask(sending, f"file={files}/big.bin", fields=[("Range", "bytes=100-199")])
    assert part.status == 206 and part.body == BIG[100:200]
    assert ask(sending, f"file={files}/big.bin", fields=[("If-None-Match", whole.get("ETag"))]).status == 304
    assert ask(sending, f"file={files}/big.bin", fields=[("Range", "bytes=9999999-")]).status == 416
    head = ask(sending, f"file={files}/big.bin", method="HEAD")
    assert head.status == 200 and head.body == b"" and int(head.get("Content-Length")) == len(BIG)


def test_fields_of_the_script_are_kept(sending, files):
    fields = ["Content-Disposition: attachment; filename=x.bin", "Set-Cookie: a=b", "Cache-Control: private, max-age=5", "Content-Type: video/mp4",
              "Content-Length: 5", "ETag: \"mine\"", "X-Other: y"]  # fmt: skip
    query = "&".join(f"h[]={line.replace(' ', '%20').replace(';', '%3B')}" for line in fields)
    answer = ask(sending, f"{query}&file={files}/big.bin")
    assert answer.body == BIG and int(answer.get("Content-Length")) == len(BIG)
    assert answer.get("Content-Disposition") == "attachment; filename=x.bin" and answer.get("Set-Cookie") == "a=b"
    assert answer.all("Content-Type") == ["video/mp4"] and answer.all("Cache-Control") == ["private, max-age=5"]
    assert answer.get("X-Other") == "y" and answer.all("ETag") != ['"mine"'] and len(answer.all("ETag")) == 1


def test_the_files_length_announced_by_the_script(sending, files):
    """As frameworks do (BinaryFileResponse): Content-Length of the file, and no body, or less of one."""
    for length in (len(BIG), 1_000_000_000):
        answer = ask(sending, f"h[]=Content-Length:%20{length}&file={files}/big.bin")
        assert answer.status == 200 and answer.body == BIG and int(answer.get("Content-Length")) == len(BIG)
    assert ask(sending, "h[]=Content-Length:%20100&file=/etc/passwd").status == 404


def test_names(sending, files):
    assert ask(sending, f"file={files}/a%20b.txt").body == b"a file with a blank\n"
    assert ask(sending, "accel=/protected/a%2520b.txt").body == b"a file with a blank\n"
    assert ask(sending, "accel=/protected/sub/deep.txt%3Fquery").body == b"deep\n"
    assert ask(sending, f"file={files}/page.html").get("Content-Type").startswith("text/html")


@pytest.mark.parametrize(
    "query",
    ["file=/etc/passwd", "file={}/../outside.txt", "file={}/link.txt", "file={}/none", "file={}/sub", "file={}", "file={}/", "file=relative", "file=",
     "file={}x/big.bin", "file={}/code.php", "accel=/etc/passwd", "accel=/protected/../etc/passwd", "accel=/protected/%252e%252e/outside.txt",
     "accel=/protected/code.php", "accel=/protected", "accel=/protectedx/big.bin", "accel=//protected/none"],
)  # fmt: skip
def test_what_may_not_be_sent(sending, files, query):
    answer = ask(sending, query.format(files))
    assert answer.status == 404 and b"passwd" not in answer.body and b"outside" not in answer.body and b"secret" not in answer.body


def test_other_statuses_are_the_scripts(sending, files):
    answer = ask(sending, f"status=404&file={files}/big.bin")
    assert answer.status == 404 and answer.body == b"the script's own body"


def test_a_script_that_goes_on(sending, files, tmp_path):
    """The file is under way while the script still runs; what it prints is thrown away."""
    done = tmp_path / "done"
    for query in (f"early={done}&file={files}/big.bin", f"early={done}&stream=1&file={files}/big.bin"):
        answer = ask(sending, query)
        assert answer.body == BIG
    with sending.connect() as wire:
        for _ in range(5):
            wire.request(f"/send.php?stream=1&file={files}/big.bin")
            assert wire.expect_response(200).body == BIG


def test_http2(sending, files):
    with H2Wire(sending.address) as wire:
        response = wire.request(path="/send.php?accel=/protected/big.bin")
        assert response.status == 200 and bytes(response.body) == BIG


def test_without_roots_the_field_is_an_ordinary_one(launch, files):
    server = launch(files={"send.php": SEND}, executor="ext")
    answer = ask(server, f"file={files}/big.bin")
    assert answer.body == b"the script's own body" and answer.get("X-Sendfile") == f"{files}/big.bin"


@pytest.mark.parametrize(("root", "says"), [("relative", "absolute"), ("/nowhere/at/all", "nowhere"), ("protected=/tmp", "slash"), ("/p=/tmp", "slash")])
def test_wrong_roots(tmp_path, root, says):
    result = run_binary("--docroot", tmp_path, "--executor", "stub", "--listen", "127.0.0.1:0", "--supervisor=false", "--sendfile-root", root)
    assert result.returncode != 0 and says in result.stderr
