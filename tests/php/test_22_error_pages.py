"""The site's own error pages, by status, class and Accept; also for scripts that say an error and nothing more.

SPDX-License-Identifier: MIT
"""

import json

import pytest

from testenv import H2Wire, run_binary

PAGES = {
    "404.html": "<!DOCTYPE html><title>{{status}} {{title}}</title><p>lost: {{request_id}} {{unknown}} {", "404.json": '{"id": "{{request_id}}", "status": {{status}}}',
    "5xx.html": "<p>ours {{status}} {{title}}</p>", "503.txt": "busy\n", "4xx.txt": "", "README": "not a page", "200.html": "no", "404.php": "<?php", "44.html": "no",
}  # fmt: skip
FILES = {
    "empty.php": "<?php http_response_code((int) $_GET['s']); header('X-Own: kept'); setcookie('a', 'b');", "full.php": "<?php http_response_code(404); echo 'the script\\'s own';",
    "fatal.php": "<?php nothing();", "stream.php": "<?php http_response_code(500); flush();", "auth.php": "<?php http_response_code(401); header('WWW-Authenticate: Basic realm=\"x\"');",
}  # fmt: skip
HTML, JSON, TEXT = [("Accept", "text/html")], [("Accept", "application/json")], [("Accept", "text/plain")]


@pytest.fixture(scope="module")
def site(launch_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, text in PAGES.items():
        (folder / name).write_text(text)
    return launch_module("--error-pages", folder, "-d", "expose_php=0", executor="ext", files=FILES).expect_log("php.message")


def test_a_refusal(site):
    answer = site.fetch("/none", fields=HTML)
    assert answer.status == 404 and answer.get("Content-Type") == "text/html; charset=utf-8"
    text = answer.body.decode()
    assert text.startswith("<!DOCTYPE html><title>404 Not Found</title><p>lost: ") and text.endswith(" {{unknown}} {") and len(text.split()[-3]) == 32
    with H2Wire(site.address) as wire:
        assert b"lost" in wire.request(path="/none", extra=[("accept", "text/html")]).body
    head = site.fetch("/none", "HEAD", fields=HTML)
    assert int(head.get("Content-Length")) == len(text) and head.body == b""


def test_by_accept(site):
    answer = site.fetch("/none", fields=JSON)
    assert answer.get("Content-Type") == "application/problem+json" and json.loads(answer.body)["status"] == 404
    answer = site.fetch("/none", fields=TEXT)
    assert answer.body == b"" and answer.get("Content-Length") == "0", "an empty page is one"


def test_what_has_no_page_keeps_ours(site):
    assert b"405 Method Not Allowed" in site.fetch("/none", "TRACE", fields=HTML).body
    assert site.fetch("/fatal.php", fields=JSON).body == b""


@pytest.mark.parametrize(("path", "status", "body"), [
    ("/empty.php?s=404", 404, b"lost"), ("/empty.php?s=500", 500, b"<p>ours 500 Internal Server Error</p>"), ("/empty.php?s=503", 503, b"<p>ours 503 Service Unavailable</p>"),
    ("/fatal.php", 500, b"<p>ours 500"), ("/full.php", 404, b"the script's own"), ("/empty.php?s=403", 403, b""), ("/empty.php?s=200", 200, b""), ("/stream.php", 500, b""),
], ids=range(8))  # fmt: skip
def test_scripts(site, path, status, body):
    answer = site.fetch(path, fields=HTML)
    assert answer.status == status and (body in answer.body if body else answer.body == b""), answer
    if "empty" in path:
        assert answer.get("X-Own") == "kept" and answer.get("Set-Cookie") == "a=b"


def test_a_challenge_goes_on(site):
    assert site.fetch("/auth.php", fields=TEXT).get("WWW-Authenticate") == 'Basic realm="x"'


def test_the_internal_listener_keeps_its_own(site):
    assert site.internal("/none").body == b"404 Not Found\n"


def test_without_a_folder(launch):
    server = launch("-d", "expose_php=0", executor="ext", files=FILES)
    assert server.fetch("/empty.php?s=404", fields=HTML).body == b"" and b"404 Not Found" in server.fetch("/none", fields=HTML).body


def test_wrong_folders(tmp_path):
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--error-pages", tmp_path / "none", "--check-config")
    assert done.returncode != 0 and "error pages" in done.stderr
    (tmp_path / "404.html").write_bytes(b"x" * 300_000)
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--error-pages", tmp_path, "--check-config")
    assert done.returncode != 0 and "404.html" in done.stderr and "256 KiB" in done.stderr
