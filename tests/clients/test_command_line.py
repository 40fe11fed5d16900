"""curl, nghttp, h2load, wrk and hey against one server, over all versions.

SPDX-License-Identifier: MIT
"""

import hashlib
import json
import re
import subprocess

import pytest

import site_files

CURL_VERSIONS = {"1.0": "--http1.0", "1.1": "--http1.1", "2": "--http2", "2 at once": "--http2-prior-knowledge"}


def run(*command, timeout=120, check=True, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=timeout, check=False, **options)
    if check:
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done


def curl(pair, *arguments):
    return run("curl", "-sS", "--fail-with-body", "--cacert", pair[0], *arguments).stdout


@pytest.fixture(params=[(scheme, version) for scheme in ("http", "https") for version in CURL_VERSIONS], ids=lambda p: f"{p[0]} {p[1]}")
def way(request, urls, pair):
    """One scheme and version: way(path, arguments) -> what curl prints."""
    scheme, version = request.param

    def ask(path, *arguments):
        return curl(pair, CURL_VERSIONS[version], *arguments, urls[scheme] + path)

    ask.scheme = scheme
    # over TLS both ways of asking for 2 are ALPN; over plain text curl first asks for an upgrade, which is not taken
    ask.expected = "2" if version == "2 at once" or (version, scheme) == ("2", "https") else "1.1" if version == "2" else version
    return ask


def test_curl_versions(way):
    assert way("/hello.php", "-w", "\n%{http_version}").decode() == f"Hello, world!\n{'1.1' if way.expected == '1.0' else way.expected}"
    told = json.loads(way("/echo.php?a=b"))
    assert told["protocol"] == {"1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2.0"}[way.expected]
    assert told["https"] == ("on" if way.scheme == "https" else None) and told["get"] == {"a": "b"}


def test_curl_uploads(way, tmp_path):
    file = tmp_path / "upload.bin"
    file.write_bytes(site_files.TEXT)
    digest = hashlib.md5(site_files.TEXT).hexdigest()
    told = json.loads(way("/echo.php", "--data-binary", f"@{file}", "-H", "Content-Type: text/plain"))
    assert told["length"] == len(site_files.TEXT) and told["md5"] == digest
    told = json.loads(way("/echo.php", "-F", f"f=@{file}", "-F", "name=value"))
    assert told["files"]["f"] == ["upload.bin", len(site_files.TEXT), digest] and told["post"] == {"name": "value"}
    told = json.loads(way("/echo.php", "-T", file, "-H", "Expect: 100-continue"))
    assert told["method"] == "PUT" and told["md5"] == digest


def test_curl_files(way):
    assert way("/text.txt") == site_files.TEXT
    assert way("/text.txt", "-r", "10-19") == site_files.TEXT[10:20]
    assert b"multipart/byteranges" in way("/text.txt", "-r", "0-1,5-6", "-D", "-")
    assert way("/text.txt", "--compressed") == site_files.TEXT
    assert b"ength: %d" % len(site_files.TEXT) in way("/text.txt", "-I").replace(b"content-length", b"Content-Length")
    assert way("/stream.php").count(b"part 19\n") == 100


def test_curl_in_parallel(urls, pair, tmp_path):
    """One connection, 200 requests in parallel."""
    targets = [argument for i in range(200) for argument in ("-o", str(tmp_path / str(i)), f"{urls['https']}/echo.php?i={i}")]
    curl(pair, "-Z", "--parallel-max", 100, "--http2", *targets)
    for i in range(200):
        assert json.loads((tmp_path / str(i)).read_text())["get"] == {"i": str(i)}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nghttp_fetches_a_page_with_its_assets(urls, scheme):
    done = run("nghttp", "-nsa", "--no-verify-peer", urls[scheme] + "/")
    rows = re.findall(rb"^ *\d+ .* 200 +\S+ /\S*$", done.stdout, re.M)
    assert len(rows) == 101, done.stdout[-3000:]


def test_nghttp_trailers_and_expectation(urls, tmp_path):
    file = tmp_path / "data"
    file.write_bytes(b"x" * 100_000)
    done = run("nghttp", "-v", "-d", file, "--trailer", "checksum: 1", "-H", "expect: 100-continue", urls["http"] + "/echo.php")
    assert b":status: 200" in done.stdout and b'"length":100000' in done.stdout


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("path", ["/hello.php", "/assets/1.png", "/text.txt"])
def test_h2load(urls, scheme, path):
    done = run("h2load", "-n", 3000, "-c", 10, "-m", 20, urls[scheme] + path)
    assert b"status codes: 3000 2xx, 0 3xx, 0 4xx, 0 5xx" in done.stdout, done.stdout


def test_h2load_posts(urls, tmp_path):
    file = tmp_path / "data"
    file.write_bytes(b"a=" + b"b" * 50_000)
    done = run("h2load", "-n", 500, "-c", 5, "-m", 10, "-d", file, urls["https"] + "/echo.php")
    assert b"status codes: 500 2xx" in done.stdout, done.stdout


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("path", ["/hello.php", "/assets/1.png"])
def test_wrk(urls, scheme, path):
    done = run("wrk", "-t", 1, "-c", 20, "-d", 2, urls[scheme] + path)
    text = done.stdout.decode()
    assert int(re.search(r"(\d+) requests in", text)[1]) > 100
    assert "Non-2xx" not in text and "Socket errors" not in text, text


@pytest.mark.parametrize("options", [["-h2"], ["-disable-keepalive"], ["-disable-compression"], []], ids=["h2", "no keep-alive", "plain", "as it is"])
def test_hey(urls, options):
    done = run("hey", "-n", 400, "-c", 10, *options, urls["https"] + "/text.txt")
    assert re.search(rb"\[200\]\s+400 responses", done.stdout), done.stdout
    assert b"Error distribution" not in done.stdout
