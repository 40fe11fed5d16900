"""Fields that the configuration puts into every response.

SPDX-License-Identifier: MIT
"""

import pytest

from testenv import H2Wire, run_binary

SECURITY = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
}  # fmt: skip
FILES = {
    "plain.php": "<?php echo 'plain';", "own.php": "<?php header('X-Frame-Options: DENY'); header('x-site: mine'); echo 'own';", "a.txt": "a",
    "fatal.php": "<?php nothing();", "stream.php": "<?php echo 'a'; flush(); echo 'b';",
}  # fmt: skip
PATHS = ["/plain.php", "/stream.php", "/a.txt", "/none", "/fatal.php"]


@pytest.fixture(scope="module")
def site(launch_module):
    server = launch_module("--security-fields", "--response-field", "X-Site: one two", "--response-field", "Permissions-Policy: camera=()", executor="ext", files=FILES)
    return server.expect_log("php.message")


@pytest.mark.parametrize("path", PATHS)
def test_every_response(site, path):
    answer = site.fetch(path)
    expected = {**SECURITY, "X-Site": "one two", "Permissions-Policy": "camera=()"}
    assert {name: answer.get(name) for name in expected} == expected
    with H2Wire(site.address) as wire:
        answer = wire.request(path=path)
        assert {name: answer[name.lower()] for name in expected} == expected


def test_not_modified_and_refused_by_the_codec(site):
    tag = site.fetch("/a.txt").get("ETag")
    answer = site.fetch("/a.txt", fields=[("If-None-Match", tag)])
    assert answer.status == 304 and answer.get("X-Site") == "one two"
    with site.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\n\r\n")
        assert wire.expect_response(400).get("X-Frame-Options") == "SAMEORIGIN"


def test_what_the_script_says_wins(site):
    answer = site.fetch("/own.php")
    assert [(name, value) for name, value in answer.fields if name.lower() in ("x-frame-options", "x-site")] == [("X-Frame-Options", "DENY"), ("x-site", "mine")]
    assert answer.get("Referrer-Policy") == SECURITY["Referrer-Policy"]
    with H2Wire(site.address) as wire:
        answer = wire.request(path="/own.php")
        assert answer["x-frame-options"] == "DENY" and answer["x-site"] == "mine"


def test_the_configurations_own_wins_over_the_preset(launch):
    server = launch("--security-fields", "--response-field", "X-Frame-Options: DENY")
    answer = server.fetch("/x")
    assert [value for name, value in answer.fields if name == "X-Frame-Options"] == ["DENY"]


def test_none_by_default(server):
    answer = server.fetch("/x")
    assert not set(SECURITY) & {name for name, _ in answer.fields}


@pytest.mark.parametrize("field", [
    "X-A", "X-A:", ": b", "X A: b", "X-A: b\nX-C: d", "Content-Length: 5", "Transfer-Encoding: chunked", "Set-Cookie: a=b", "Date: now", "Connection: close", "Vary: *", "Server: mine",
], ids=range(12))  # fmt: skip
def test_wrong_fields(tmp_path, field):
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--response-field", field, "--check-config")
    assert done.returncode in (1, 2) and "response" in done.stderr and "field" in done.stderr, done.stderr


def test_twice(tmp_path):
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--response-field", "X-A: 1", "--response-field", "x-a: 2", "--check-config")
    assert "given twice" in done.stderr


# ---- who answers

WHO = {"plain.php": "<?php echo 'plain';", "own.php": "<?php header('X-Powered-By: Steam'); header('Server: mine'); echo 'own';", "a.txt": "a", "fatal.php": "<?php nothing();"}


def names_of(server, path):
    """Server and X-Powered-By in both versions of HTTP."""
    answer = server.fetch(path)
    with H2Wire(server.address) as wire:
        second = wire.request(path=path)
        assert (second["server"], second["x-powered-by"]) == (answer.get("Server"), answer.get("X-Powered-By"))
    return answer.get("Server"), answer.get("X-Powered-By")


def test_who_answers_is_said(launch):
    server = launch(executor="ext", files=WHO).expect_log("php.message")
    for path in ("/plain.php", "/fatal.php"):
        name, runtime = names_of(server, path)
        assert name == "phpsrv" and runtime.startswith("PHP/8.")
    assert names_of(server, "/a.txt") == ("phpsrv", None)
    assert names_of(server, "/own.php") == ("mine", "Steam")


def test_who_answers_is_not_said(launch):
    server = launch("--server-tokens=false", "-d", "expose_php=1", executor="ext", files=WHO).expect_log("php.message")
    for path in ("/plain.php", "/fatal.php", "/a.txt", "/none"):
        assert names_of(server, path) == (None, None)
    assert names_of(server, "/own.php") == ("mine", "Steam"), "what the application says by itself is its own affair"
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\n\r\n")
        assert wire.expect_response(400).get("Server") is None
