"""Routing: front controllers, single-page applications, fallbacks, redirects and rewrites; phpsrv route explains them.

SPDX-License-Identifier: MIT
"""

import json

import pytest

from testenv import H2Wire, run_binary

TELL = "<?php echo json_encode([$_SERVER['SCRIPT_NAME'], $_SERVER['PATH_INFO'] ?? null, $_SERVER['QUERY_STRING'], $_SERVER['REQUEST_URI'], $_GET]);"
FILES = {
    "index.php": TELL, "other.php": TELL, "sub/index.php": TELL, "sub/page.php": TELL, "style.css": "style", "sub/data.json": "{}", "index.html": "<p>index</p>",
    "html/index.html": "<p>folder</p>", ".env": "SECRET", ".well-known/x.txt": "known", "lib.inc": "<?php", "404.html": "<p>lost</p>",
}  # fmt: skip


def told(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)


# ---- front controller


@pytest.fixture(scope="module")
def framework(launch_module):
    return launch_module("--index", "index.php", executor="ext", files=FILES)


@pytest.mark.parametrize("path", ["/", "/users/1", "/users/1/", "/sub", "/sub/", "/html/", "/index.html/x", "/a.b/c", "/.well-known/none", "/x.unknown", "/%C3%A4"])
def test_everything_that_is_no_file_is_the_front_controllers(framework, path):
    assert told(framework.fetch(path + "?a=1")) == ["/index.php", None, "a=1", path + "?a=1", {"a": "1"}]


@pytest.mark.parametrize("path", ["/index.php", "/index.php/a", "/other.php", "/other.php/a", "/sub/page.php", "/none.php", "/.env", "/.git/config", "/lib.inc"])
def test_no_other_script_is_reached(framework, path):
    answer = framework.fetch(path)
    assert answer.status == 404 and b"[" not in answer.body


@pytest.mark.parametrize(("path", "body"), [("/style.css", b"style"), ("/sub/data.json", b"{}"), ("/index.html", b"<p>index</p>"), ("/.well-known/x.txt", b"known")])
def test_files_are_files(framework, path, body):
    answer = framework.fetch(path)
    assert answer.status == 200 and answer.body == body and answer.get("ETag")


@pytest.mark.parametrize("path", ["/none.css", "/img/none.PNG", "/a/b.min.js", "/font.woff2"])
def test_missing_assets_wake_no_worker(framework, path):
    before = framework.metrics().value("phpsrv_refused_requests_total", status="404")
    assert framework.fetch(path).status == 404
    assert framework.metrics().value("phpsrv_refused_requests_total", status="404") == before + 1


def test_a_form_is_posted_to_a_route(framework):
    answer = framework.fetch("/login", "POST", body=b"user=x", fields=[("Content-Type", "application/x-www-form-urlencoded")])
    assert told(answer)[0] == "/index.php"


def test_other_assets(launch):
    server = launch("--index", "index.php", "--asset-extensions", "foo, BAR", executor="ext", files=FILES)
    assert [server.fetch(path).status for path in ("/x.foo", "/x.bar", "/x.css")] == [404, 404, 200]
    server = launch("--index", "index.php", "--asset-extensions", "", executor="ext", files=FILES)
    assert server.fetch("/x.css").status == 200


def test_a_missing_index(launch):
    server = launch("--index", "app.php", executor="ext", files=FILES)
    assert server.fetch("/x").status == 404 and server.fetch("/style.css").status == 200


# ---- single-page application


def test_a_single_page_application(launch):
    server = launch("--index", "index.html", executor="ext", files=FILES)
    for path in ("/", "/deep/link", "/sub/"):
        answer = server.fetch(path)
        assert answer.status == 200 and answer.body == b"<p>index</p>" and answer.get("Content-Type") == "text/html; charset=utf-8"
        assert server.fetch(path, fields=[("If-None-Match", answer.get("ETag"))]).status == 304
    assert [server.fetch(path).status for path in ("/other.php", "/none.js", "/style.css")] == [404, 404, 200]


# ---- fallback


@pytest.fixture(scope="module")
def wordpress(launch_module):
    return launch_module("--fallback", "/index.php", executor="ext", files=FILES)


def test_fallback(wordpress):
    assert told(wordpress.fetch("/2026/11/post/?p=1"))[:3] == ["/index.php", None, "p=1"]
    assert told(wordpress.fetch("/other.php/info"))[:2] == ["/other.php", "/info"]
    assert told(wordpress.fetch("/sub/"))[0] == "/sub/index.php"
    assert wordpress.fetch("/html/").body == b"<p>folder</p>"
    assert wordpress.fetch("/sub").get("Location") == "/sub/"
    assert told(wordpress.fetch("/none.php"))[0] == "/index.php"
    assert [wordpress.fetch(path).status for path in ("/none.css", "/.env", "/lib.inc", "/style.css")] == [404, 404, 404, 200]


def test_a_file_as_fallback(launch):
    server = launch("--fallback", "/index.html", executor="ext", files=FILES)
    assert server.fetch("/x/y").body == b"<p>index</p>"


def test_without_one(launch):
    server = launch(executor="ext", files=FILES)
    assert server.fetch("/x").status == 404


# ---- redirects and rewrites

RULES = [
    "--redirect", "/exact /to", "--redirect", "/old/* /new/* 301", "--redirect", "/gone/* /here 303", "--redirect", "/ext/* https://other.test/x/* 308", "--redirect",
    r"~^/user/(\w+)/(\d+)$ /u?name=$1&n=$2 307", "--redirect", "~^/any(.*)$ /$1",
    "--rewrite", "/api/* /other.php/v1/*", "--rewrite", r"~^/post/(.+)$ /other.php?slug=$1", "--rewrite", "/plain /style.css", "--rewrite", "/secret /.env",
]  # fmt: skip


@pytest.fixture(scope="module")
def ruled(launch_module):
    return launch_module(*RULES, executor="ext", files=FILES)


@pytest.mark.parametrize(("path", "status", "location"), [
    ("/exact", 302, "/to"), ("/exact?a=b", 302, "/to?a=b"), ("/exact/", None, None), ("/old/a/b?x=1", 301, "/new/a/b?x=1"), ("/old/", 301, "/new/"), ("/old", None, None),
    ("/gone/x/y", 303, "/here"), ("/ext/q%20r?s", 308, "https://other.test/x/q%20r?s"), ("/old/%C3%A4%3Fb%23c", 301, "/new/%C3%A4%3Fb%23c"),
    ("/user/ann/7?z", 307, "/u?name=ann&n=7&z"), ("/user/ann/x", None, None), ("/any//evil.test", 302, "/evil.test"), ("/any%5Cevil.test", 302, "/%5Cevil.test"),
    ("/old/%0D%0ASet-Cookie:x", 301, "/new/%0D%0ASet-Cookie:x"), ("/old/../exact", 302, "/to"),
], ids=range(15))  # fmt: skip
def test_redirects(ruled, path, status, location):
    answer = ruled.fetch(path)
    if status is None:
        assert answer.status == 404
    else:
        assert (answer.status, answer.get("Location")) == (status, location) and answer.get("Set-Cookie") is None


def test_rewrites(ruled):
    assert told(ruled.fetch("/api/users/1?a=b")) == ["/other.php", "/v1/users/1", "a=b", "/api/users/1?a=b", {"a": "b"}]
    assert told(ruled.fetch("/post/x%26admin=1?y=2")) == ["/other.php", None, "slug=x%26admin%3D1&y=2", "/post/x%26admin=1?y=2", {"slug": "x&admin=1", "y": "2"}]
    assert ruled.fetch("/plain").body == b"style" and ruled.fetch("/secret").status == 404
    with H2Wire(ruled.address) as wire:
        assert json.loads(wire.request(path="/api/x").body)[:2] == ["/other.php", "/v1/x"]


def test_an_expression_that_takes_too_long_does_not_match(launch):
    """Within a bound of steps: the loop thread is everybody's."""
    server = launch("--redirect", r"~^/(a+)+$ /x", executor="ext", files=FILES)
    assert server.fetch("/aaa").status == 302
    assert server.fetch("/" + "a" * 3000 + "!").status == 404


@pytest.mark.parametrize(("option", "rule", "message"), [
    ("--redirect", "/a", "two or three words are needed"), ("--redirect", "a /b", "the first word is a path"), ("--redirect", "/a b", "begin with a slash, http://"),
    ("--redirect", "/a /b 200", "the third word is a status"), ("--redirect", "/a /b 301 x", "the third word is a status"), ("--redirect", "~( /b", "the expression is wrong at character 2"),
    ("--rewrite", "/a http://b/", "begin with a slash"), ("--rewrite", "/a /b 301", "more than two words"), ("--rewrite", "/a /ä", "printable ASCII"),
    ("--fallback", "index.php", "a path begins with a slash"), ("--index", "a/b.php", "name of a file in the document root"),
], ids=range(11))  # fmt: skip
@pytest.mark.parametrize("check", [True, False])
def test_wrong_rules(tmp_path, option, rule, message, check):
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0", option, rule, *(["--check-config"] if check else []))
    assert message in done.stderr and done.returncode in (1, 2), done.stderr


# ---- phpsrv route


@pytest.fixture(scope="module")
def docroot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routed")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(("arguments", "expected"), [
    (["/"], ["script       ROOT/index.php", "SCRIPT_NAME  /index.php"]),
    (["/other.php/a?b"], ["script       ROOT/other.php", "PATH_INFO    /a", "QUERY_STRING b"]),
    (["/style.css"], ["file         ROOT/style.css", "type         text/css; charset=utf-8"]),
    (["/sub"], ["redirect     301 to /sub/"]),
    (["/none"], ["refused      404: no such file"]),
    (["/.env"], ["refused      404: hidden path"]),
    (["--index", "index.php", "/other.php"], ["refused      404: scripts are reached through the index only"]),
    (["--index", "index.php", "/users"], ["because      no file: the index answers", "script       ROOT/index.php"]),
    (["--fallback", "/index.php", "https://h.test/x?y"], ["because      the path names nothing: the fallback", "QUERY_STRING y"]),
    (["--redirect", "/a/* /b/* 308", "/a/c?d"], ["rule         /a/* /b/* 308", "redirect     308 to /b/c?d"]),
    (["--rewrite", "/a/* /other.php/*", "/a/c"], ["rule         /a/* /other.php/*", "becomes      /other.php/c", "PATH_INFO    /c"]),
], ids=range(11))  # fmt: skip
def test_route_explains(docroot, arguments, expected):
    done = run_binary("route", "--docroot", docroot, *arguments)
    assert done.returncode == 0, done.stderr
    for line in expected:
        assert "  " + line.replace("ROOT", str(docroot)) in done.stdout.splitlines(), done.stdout


@pytest.mark.parametrize(("arguments", "message"), [(["x"], "no path with a slash"), ([], "one URL is needed"), (["/a", "/b"], "one URL is needed"), (["--docroot", "/nowhere", "/"], "/nowhere")])
def test_route_with_wrong_arguments(arguments, message):
    done = run_binary("route", *arguments)
    assert done.returncode != 0 and message in done.stderr
