"""Pages of other sites that may read responses (WHATWG Fetch 3.2), against the rules that a browser applies.

SPDX-License-Identifier: MIT
"""

import pytest

from testenv import H2Wire, run_binary

APP = "https://app.example.org"
LISTED = ("--cors-origin", APP, "--cors-origin", "https://*.example.net", "--cors-origin", "http://localhost:3000")
FILES = {
    "plain.php": "<?php echo $_SERVER['REQUEST_METHOD'];", "a.txt": "a" * 5000, "fatal.php": "<?php nothing();", "stream.php": "<?php echo 'a'; flush(); echo 'b';",
    "own.php": "<?php header('access-control-allow-origin: https://mine.example'); echo 'own';", "vary.php": "<?php header('Vary: accept-language, ORIGIN'); echo 'v';",
    "late.php": "<?php set_time_limit(0); sleep(20);",
}  # fmt: skip
PATHS = ["/plain.php", "/stream.php", "/a.txt", "/none", "/fatal.php", "/"]


def fields_of(answer):
    return {name.lower(): value for name, value in answer.fields if name.lower().startswith("access-control-")}


def members(answer, name):
    return [part.strip().lower() for value in answer.all(name) for part in value.split(",")]


@pytest.fixture(scope="module")
def listed(launch_module):
    server = launch_module(*LISTED, "--cors-credentials", "--cors-expose", "X-Total", "--rewrite", "/x /plain.php", executor="ext", files=FILES)
    return server.expect_log("php.message")


@pytest.fixture(scope="module")
def public(launch_module):
    return launch_module("--cors-origin", "*", "--cors-headers", "*", "--cors-methods", "*", executor="ext", files=FILES).expect_log("php.message")


def preflight(server, origin=APP, method="PUT", headers=None, path="/plain.php"):
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    return server.fetch(path, method="OPTIONS", fields=fields + ([("Access-Control-Request-Headers", headers)] if headers else []))


# ---- preflights


def test_a_preflight_wakes_no_worker(listed):
    before = listed.metrics()["phpsrv_worker_run_seconds_count"]
    answer = preflight(listed, headers="content-type,authorization", path="/whatever/there/is")
    assert answer.status == 204 and answer.body == b""
    assert fields_of(answer) == {
        "access-control-allow-origin": APP, "access-control-allow-methods": "GET,HEAD,POST,PUT,PATCH,DELETE", "access-control-max-age": "600",
        "access-control-allow-headers": "Authorization,Content-Type,X-Requested-With", "access-control-allow-credentials": "true",
    }  # fmt: skip
    assert members(answer, "Vary") == ["origin", "access-control-request-method", "access-control-request-headers"]
    assert listed.metrics()["phpsrv_worker_run_seconds_count"] == before
    with H2Wire(listed.address) as wire:
        answer = wire.request(path="/plain.php", method="OPTIONS", extra=[("origin", APP), ("access-control-request-method", "PUT")])
        assert answer.status == 204 and answer["access-control-allow-origin"] == APP


@pytest.mark.parametrize(("origin", "is_allowed"), [
    (APP, True), ("https://a.example.net", True), ("https://a.b.example.net", True), ("http://localhost:3000", True), ("HTTPS://APP.example.org", True),
    ("http://app.example.org", False), ("https://app.example.org:8443", False), ("https://example.net", False), ("https://example.net.evil.test", False),
    ("https://evilexample.net", False), ("https://.example.net", False), ("https://evil.test/.example.net", False), ("https://evil.test#.example.net", False),
    ("https://a.example.net:444", False), ("https://a@x.example.net", False), ("http://localhost", False), ("http://localhost:30000", False), ("null", False), ("*", False), ("https://", False),
])  # fmt: skip
def test_origins(listed, origin, is_allowed):
    before = {result: listed.metrics().value("phpsrv_cors_preflights_total", result=result) for result in ("allowed", "refused")}
    asked = preflight(listed, origin)
    assert asked.status == 204 and (asked.get("Access-Control-Allow-Origin") == origin) is is_allowed
    assert is_allowed or not fields_of(asked)
    assert "origin" in members(asked, "Vary")
    after = listed.metrics().value("phpsrv_cors_preflights_total", result="allowed" if is_allowed else "refused")
    assert after == before["allowed" if is_allowed else "refused"] + 1
    answer = listed.fetch("/plain.php", fields=[("Origin", origin)])
    assert fields_of(answer) == (
        {"access-control-allow-origin": origin, "access-control-allow-credentials": "true", "access-control-expose-headers": "X-Total"} if is_allowed else {}
    )
    assert "origin" in members(answer, "Vary")


def test_what_is_no_preflight_goes_to_the_script(listed):
    for fields in ([], [("Origin", APP)], [("Access-Control-Request-Method", "PUT")], [("Origin", APP), ("Origin", APP), ("Access-Control-Request-Method", "PUT")]):
        assert listed.fetch("/plain.php", method="OPTIONS", fields=fields).body == b"OPTIONS"
    assert listed.fetch("/plain.php", method="POST", body=b"", fields=[("Origin", APP), ("Access-Control-Request-Method", "PUT")]).body == b"POST"


def test_any_origin_and_any_name(public):
    answer = preflight(public, "https://anywhere.test", "PROPFIND", "x-one, authorization")
    assert fields_of(answer) == {
        "access-control-allow-origin": "*", "access-control-allow-methods": "PROPFIND", "access-control-allow-headers": "x-one, authorization", "access-control-max-age": "600",
    }  # fmt: skip
    assert "access-control-allow-headers" not in fields_of(preflight(public, headers="x one"))
    assert "access-control-allow-headers" not in fields_of(preflight(public, headers=",".join(["x"] * 2000)))
    assert "access-control-allow-methods" not in fields_of(preflight(public, method="A B"))
    for path in PATHS:
        answer = public.fetch(path)
        assert fields_of(answer) == {"access-control-allow-origin": "*"} and "origin" not in members(answer, "Vary")


def test_the_age_of_an_answer(launch):
    assert preflight(launch(*LISTED, "--cors-max-age-ms", 0)).get("Access-Control-Max-Age") == "0"
    assert preflight(launch(*LISTED, "--cors-max-age-ms", "2h")).get("Access-Control-Max-Age") == "7200"


# ---- responses


@pytest.mark.parametrize("path", PATHS)
def test_every_response(listed, path):
    answer = listed.fetch(path, fields=[("Origin", APP)])
    assert answer.get("Access-Control-Allow-Origin") == APP and members(answer, "Vary").count("origin") == 1
    bare = listed.fetch(path)
    assert not fields_of(bare) and members(bare, "Vary").count("origin") == 1, "a cache must not give this one to a page of the other site"
    with H2Wire(listed.address) as wire:
        answer = wire.request(path=path, extra=[("origin", APP)])
        assert answer["access-control-allow-origin"] == APP and [value for name, value in answer.fields if name == "vary" and "rigin" in value] == ["Origin"]


def test_what_is_no_request(listed):
    with listed.connect() as wire:
        wire.send(f"GET / HTTP/1.1\r\nOrigin: {APP}\r\n\r\n".encode())  # no Host
        assert wire.expect_response(400).get("Access-Control-Allow-Origin") == APP
    with listed.connect() as wire:
        wire.send(b"\x16\x03\x01\r\n\r\n")
        assert wire.expect_response(400).get("Access-Control-Allow-Origin") is None


def test_not_modified_ranges_and_copies(listed):
    tag = listed.fetch("/a.txt").get("ETag")
    for fields, status in ([("If-None-Match", tag)], 304), ([("Range", "bytes=0-1")], 206), ([("Range", "bytes=90000-")], 416), ([("If-Match", '"x"')], 412):
        answer = listed.fetch("/a.txt", fields=[("Origin", APP), *fields])
        assert answer.status == status and answer.get("Access-Control-Allow-Origin") == APP and "origin" in members(answer, "Vary")
    answer = listed.fetch("/a.txt", fields=[("Origin", APP), ("Accept-Encoding", "gzip")])
    assert set(members(answer, "Vary")) == {"accept-encoding", "origin"}


def test_what_the_script_says_wins(listed):
    answer = listed.fetch("/own.php", fields=[("Origin", APP)])
    assert fields_of(answer) == {"access-control-allow-origin": "https://mine.example"} and "origin" not in members(answer, "Vary")
    assert answer.all("Vary") == [] or members(answer, "Vary") == ["accept-encoding"]
    answer = listed.fetch("/vary.php", fields=[("Origin", APP)])
    assert members(answer, "Vary").count("origin") == 1 and answer.get("Access-Control-Allow-Origin") == APP


def test_an_answer_that_is_made_while_a_script_runs(launch):
    """504: the worker holds the request still."""
    server = launch(*LISTED, "--request-timeout-ms", "300", executor="ext", files=FILES).expect_log("php.message")
    answer = server.fetch("/late.php", fields=[("Origin", APP)])
    assert answer.status == 504 and answer.get("Access-Control-Allow-Origin") == APP


def test_without_the_option(server):
    answer = server.fetch("/x", fields=[("Origin", APP)])
    assert not fields_of(answer) and "origin" not in members(answer, "Vary")
    assert b"OPTIONS" in preflight(server, path="/stub/echo").body


@pytest.mark.parametrize(("options", "message"), [
    (["--cors-origin", "*", "--cors-credentials"], "every page of the world"), (["--cors-origin", "*", "--cors-origin", APP], "stands alone"),
    (["--cors-origin", "app.example.org"], "no scheme"), (["--cors-origin", APP + "/"], "slash at its end"), (["--cors-origin", "https://a.test:443"], "leave it out"),
    (["--cors-origin", "http://a.test:80"], "leave it out"), (["--cors-origin", "https://a.test:0"], "port"), (["--cors-origin", "null"], "sandboxed"),
    (["--cors-origin", "https://a.*.test"], "odd characters"), (["--cors-origin", "https://*"], "first label"), (["--cors-origin", "https://*.test:x"], "port"),
    (["--cors-methods", "GET;PUT"], "cors.methods"), (["--cors-headers", "a b"], "cors.headers"), (["--cors-expose", "*,X-A"], "cors.expose"),
    (["--cors-origin", APP, "--cors-credentials", "--cors-expose", "*"], "means nothing"),
], ids=range(15))  # fmt: skip
def test_wrong_options(tmp_path, options, message):
    done = run_binary("--docroot", tmp_path, "--executor", "stub", *options, "--check-config")
    assert done.returncode == 2 and message in done.stderr, done.stderr
