"""Several sites by host, and prefixes with options of their own: [[sites]], [[sites.prefixes]], [[prefixes]].

SPDX-License-Identifier: MIT
"""

import json
import re
import signal
import threading

import pytest

from testenv import H2Wire, run_binary, stub, wait_until
from testenv.h2 import END_HEADERS

TELL = (
    "<?php echo json_encode(['root' => $_SERVER['DOCUMENT_ROOT'], 'script' => $_SERVER['SCRIPT_NAME'], 'uri' => $_SERVER['REQUEST_URI'], 'name' => $_SERVER['SERVER_NAME'],"
    " 'ini' => [ini_get('precision'), ini_get('memory_limit'), ini_get('default_charset')]]);"
)
EXAMPLE = """
[site]
server_name = "base.example"
[response]
fields = ["X-Site: base"]
[php]
ini_values = ["precision=11"]

[[prefixes]]
prefix = "/private/"
guard.allow = ["10.0.0.0/8"]

[[sites]]
hosts = ["blog.example", "*.blog.example"]
docroot = "{folder}/blog"
server_name = "blog.example"
index = "index.php"
response.fields = ["X-Site: blog"]
response.error_pages = "{folder}/pages"
php.ini_values = ["precision=7", "memory_limit=33M"]
http.body_bytes_max = 1000

[[sites.prefixes]]
prefix = "/api/v1"
index = "api.php"
php.ini_values = ["default_charset=latin1"]
[[sites.prefixes]]
prefix = "/api"
guard.deny = ["loopback"]

[[sites]]
name = "the-shop"
hosts = ["shop.example", "special.blog.example", "[2001:db8::1]"]
docroot = "{folder}/shop"
static.enabled = false
"""


def write_files(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(scope="module")
def sites(launch_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sites")
    write_files(folder, {
        "blog/index.php": TELL, "blog/api.php": TELL, "blog/style.css": "blog", "shop/index.php": TELL, "shop/style.css": "shop", "shop/sub/x.php": TELL, "pages/404.html": "<p>of the blog",
        "phpsrv.toml": EXAMPLE.replace("{folder}", str(folder)),
    })  # fmt: skip
    server = launch_module("--config", folder / "phpsrv.toml", executor="ext", files={"index.php": TELL, "style.css": "base", "private/x.css": "secret", "privateer.css": "ship"})
    server.folder = folder
    return server


def visit(server, host, path="/", **options):
    with server.connect() as wire:
        wire.request(path, options.get("method", "GET"), [("Connection", "close"), *options.get("fields", ())], options.get("body"), host=host)
        return wire.expect_response()


def busy(server):
    return server.metrics().value("phpsrv_workers", state="busy")


def told(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)


# ---- by host


@pytest.mark.parametrize(("host", "root"), [
    ("blog.example", "blog"), ("BLOG.example", "blog"), ("blog.example.", "blog"), ("blog.example:8080", "blog"), ("www.blog.example", "blog"), ("a.b.blog.example", "blog"),
    ("special.blog.example", "shop"), ("shop.example", "shop"), ("[2001:db8::1]", "shop"), ("www.shop.example", None), ("xblog.example", None), ("example", None), ("127.0.0.1", None),
    (".blog.example", "blog"), ("a" * 300, None),
])  # fmt: skip
def test_the_host_chooses_the_site(sites, host, root):
    answer = visit(sites, host)
    if answer.status == 400:
        assert not root or host[0] == ".", "hosts that are none are refused earlier"
        return
    assert told(answer)["root"] == str(sites.folder / root if root else sites.docroot)


def test_each_site_has_its_own_settings(sites):
    base, blog, shop = (told(visit(sites, host)) for host in ("other", "blog.example", "shop.example"))
    assert [base["name"], blog["name"], shop["name"]] == ["base.example", "blog.example", "base.example"]
    assert base["ini"][0] == "11" and blog["ini"][:2] == ["7", "33M"] and shop["ini"] == base["ini"]
    assert [visit(sites, host).get("X-Site") for host in ("other", "blog.example", "shop.example")] == ["base", "blog", "base"]


def test_each_site_has_its_own_files(sites):
    assert [visit(sites, host, "/style.css").body for host in ("other", "blog.example")] == [b"base", b"blog"]
    assert told(visit(sites, "shop.example", "/none"))["script"] == "/index.php", "without static files the fallback answers"
    assert told(visit(sites, "blog.example", "/sub/x"))["script"] == "/index.php" and visit(sites, "blog.example", "/sub/x.php").status == 404
    assert told(visit(sites, "shop.example", "/sub/x.php"))["script"] == "/sub/x.php"
    assert visit(sites, "other", "/none").status == 404 and b"of the blog" not in visit(sites, "other", "/none").body
    assert visit(sites, "blog.example", "/none.css", fields=[("Accept", "text/html")]).body == b"<p>of the blog"


def test_limits_of_bodies(sites):
    for host, status in (("blog.example", 413), ("shop.example", 200)):
        assert visit(sites, host, method="POST", body=b"x" * 1001).status == status
        with sites.connect() as wire:
            wire.request("/", "POST", [("Transfer-Encoding", "chunked")], host=host)
            wire.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n")
            assert wire.expect_response().status == status
    assert visit(sites, "blog.example", method="POST", body=b"x" * 1000).status == 200
    with H2Wire(sites.address) as wire:
        stream = wire.headers(path="/", method="POST", authority="blog.example", extra=[("content-length", "1001")], flags=END_HEADERS)
        assert wire.response(stream, allow_reset=True).status == 413


def test_one_connection_asks_many_sites(sites):
    with sites.connect() as wire:
        for host, root in (("blog.example", "blog"), ("shop.example", "shop"), ("blog.example", "blog")):
            wire.request("/", host=host)
            assert told(wire.expect_response())["root"].endswith(root)
    with H2Wire(sites.address) as wire:
        for host, root in (("blog.example", "blog"), ("shop.example", "shop")):
            assert json.loads(wire.request(path="/", authority=host).body)["root"].endswith(root)


def test_settings_do_not_leak_between_sites(sites):
    wrong = []

    def ask(host, precision):
        for _ in range(50):
            found = told(visit(sites, host))["ini"]
            if found[0] != precision:
                wrong.append((host, found))

    threads = [threading.Thread(target=ask, args=pair) for pair in (("blog.example", "7"), ("shop.example", "11")) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- by prefix


@pytest.mark.parametrize(("path", "status"), [
    ("/private/x.css", 403), ("/private", 403), ("/private/", 403), ("/privateer.css", 200), ("/%70rivate/x.css", 403), ("//private/x.css", 403), ("/x/../private/x.css", 403),
    ("/private/../style.css", 200), ("/style.css", 200),
])  # fmt: skip
def test_prefixes_are_of_whole_segments_and_of_the_decoded_path(sites, path, status):
    assert visit(sites, "other", path).status == status


def test_the_longest_prefix_counts_and_inherits(sites):
    assert visit(sites, "blog.example", "/api").status == 403 and visit(sites, "blog.example", "/api/v11").status == 403
    found = told(visit(sites, "blog.example", "/api/v1/users"))
    assert found["script"] == "/api.php" and found["uri"] == "/api/v1/users" and found["ini"] == ["7", "33M", "latin1"]
    assert visit(sites, "blog.example", "/api/v1").get("X-Site") == "blog"
    assert told(visit(sites, "shop.example", "/api"))["script"] == "/index.php", "prefixes are one site's"


GUARDED = """
[site]
index = "index.php"
rewrites = ["/shortcut/* /internal/*"]
[[prefixes]]
prefix = "/internal"
guard.allow = ["10.0.0.0/8"]
[[prefixes]]
prefix = "/internal/open"
guard.allow = ["loopback"]
"""


@pytest.fixture(scope="module")
def guarded(launch_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "phpsrv.toml").write_text(GUARDED)
    return launch_module("--config", folder / "phpsrv.toml", executor="ext", files={"index.php": TELL})


@pytest.mark.parametrize(("path", "status"), [
    ("/internal/x", 403), ("/internal", 403), ("/INTERNAL/x", 403), ("/internal%2fx", 403), ("/internal%2Fx/y", 403), ("/x%2f..%2finternal/x", 403), ("/x/..%2finternal/x", 403),
    ("/index.php%2finternal/x", 403), ("/x/index.php%2Finternal", 403), ("/shortcut/x", 403), ("/SHORTCUT/x", 200), ("/internal/open/..%2fx", 403), ("/internal%2fopen%2f..%2fx", 403),
    ("/internal/open", 200), ("/internal/open/x", 200), ("/Internal/Open/x", 200), ("/internals/x", 200), ("/x/internal/y", 200), ("/x%2finternal", 200), ("/", 200),
])  # fmt: skip
def test_guards_of_a_prefix_hold_for_all_spellings(guarded, path, status):
    assert visit(guarded, "h", path).status == status


@pytest.mark.parametrize(("path", "status"), [
    ("/index.php/internal/x", 403), ("/index.php/INTERNAL", 403), ("/index.php/a%2f..%2finternal", 403), ("/index.php/x", 200), ("/internal/page.php", 403), ("/link/page.php", 200),
    ("/open/index.php/x", 200), ("/open/x.css", 200), ("/open/..%2fclosed.css", 403),
])  # fmt: skip
def test_guards_of_prefixes_and_path_info(launch, tmp_path, path, status):
    (tmp_path / "phpsrv.toml").write_text('[guard]\nallow = ["loopback"]\n[[prefixes]]\nprefix = "/internal"\nguard.allow = ["10.0.0.0/8"]\n' if "open" not in path else
                                          '[guard]\nallow = ["10.0.0.0/8"]\n[[prefixes]]\nprefix = "/open"\nguard.allow = ["loopback"]\n')  # fmt: skip
    files = {"index.php": TELL, "internal/page.php": TELL, "link/page.php": TELL, "open/index.php": TELL, "open/x.css": "x", "closed.css": "x"}
    server = launch("--config", tmp_path / "phpsrv.toml", executor="ext", files=files)
    assert visit(server, "h", path).status == status


# ---- shared and own guards


def test_a_rate_is_shared_by_those_who_inherit_it(launch, tmp_path):
    config = '[guard]\nrate = "3/h"\n[[sites]]\nhosts = ["a"]\n[[sites]]\nhosts = ["b"]\nguard.rate = "2/h"\n[[sites.prefixes]]\nprefix = "/x"\nresponse.security_fields = true\n'
    (tmp_path / "phpsrv.toml").write_text(config)
    server = launch("--config", tmp_path / "phpsrv.toml")
    assert [visit(server, host).status for host in ("a", "none", "a", "none", "a")] == [200, 200, 200, 429, 429]
    assert [visit(server, "b", path).status for path in ("/", "/x", "/x")] == [200, 200, 429]


def test_a_site_cannot_take_all_workers(launch, tmp_path):
    (tmp_path / "phpsrv.toml").write_text('[[sites]]\nhosts = ["greedy"]\nguard.requests_max = 1\n')
    server = launch("--config", tmp_path / "phpsrv.toml", workers=2)
    with server.connect() as wire:
        wire.request(stub.sleep(2000), host="greedy")
        wait_until(lambda: busy(server) == 1, "one busy worker")
        refused = visit(server, "greedy")
        assert refused.status == 503 and refused.get("Retry-After") == "1"
        assert visit(server, "other").status == 200
    wait_until(lambda: busy(server) == 0, "no busy worker")
    assert visit(server, "greedy").status == 200, "what has ended is not counted"


# ---- hosts of the configuration itself


def test_hosts_that_nobody_has_are_misdirected(launch, tmp_path):
    (tmp_path / "phpsrv.toml").write_text('[[sites]]\nhosts = ["a.example"]\n')
    server = launch("--config", tmp_path / "phpsrv.toml", "--host", "b.example", "--host", "*.c.example")
    assert [visit(server, host).status for host in ("a.example", "b.example", "x.c.example", "c.example", "d", "127.0.0.1")] == [200, 200, 200, 421, 421, 421]
    only = launch("--host", "b.example")
    assert [visit(only, host).status for host in ("b.example", "d")] == [200, 421]


# ---- what is told


def test_config_dump_and_route(sites):
    arguments = ("--config", sites.folder / "phpsrv.toml", "--docroot", sites.docroot)
    shown = json.loads(sites.internal("/config").body)["scopes"]
    assert [scope["prefix"] for scope in shown] == ["", "", "/private", "/api/v1", "/api"] and [scope["around"] for scope in shown] == [0, 0, 0, 1, 1]
    assert shown[0]["site.hosts"]["value"] == ["blog.example", "*.blog.example"] and "phpsrv.toml:" in shown[0]["site.hosts"]["origin"]
    dump = run_binary(*arguments, "--dump-config").stdout
    (sites.folder / "again.toml").write_text(dump)
    again = run_binary("--config", sites.folder / "again.toml", "--dump-config").stdout
    assert [line.split("  #")[0] for line in dump.splitlines()] == [line.split("  #")[0] for line in again.splitlines()]
    answer = run_binary("route", *arguments, "http://www.blog.example/api/v1/x").stdout
    assert "prefix       /api/v1" in answer and "site         blog.example" in answer and f"{sites.folder}/blog/api.php" in answer
    assert "refused      421" in run_binary("route", *arguments, "--host", "only.example", "http://none.example/").stdout


@pytest.mark.parametrize(("text", "complaint"), [
    ("[[sites]]\ndocroot = '.'", "this site has no hosts"), ("[sites]\nhosts = ['a']", '"sites" is a list of tables, each under a line [[sites]]'),
    ("sites = 3", '"sites" is a list of tables'), ("sites = [3]", '"sites" is a list of tables'), ("[[sites]]\nhosts = ['a']\n[sites.prefixes]\nprefix = '/x'", '"sites.prefixes" is a list of tables'),
    ("[[sites]]\nhosts = ['a b']", 'site.hosts: "a b" is no host'), ("[[sites]]\nhosts = ['a:80']", "without scheme and port"), ("[[sites]]\nhosts = ['https://a']", "is no host"),
    ("[[sites]]\nhosts = ['a', 'A']", '"a" is named twice'), ("[[sites]]\nhosts = ['a']\n[[sites]]\nhosts = ['a']", '"a" is named twice'),
    ("[[sites]]\nhosts = ['a']\nlisten.address = ':1'", "listen.address is for the whole server"), ("[[sites]]\nhosts = ['a']\nhostz = ['a']", 'unknown key "site.hostz"; did you mean "site.hosts"?'),
    ("[[sites]]\nhosts = ['a']\ndocroot = '/none/such'", 'site.docroot ("/none/such"'), ("[[sites]]\nhosts = ['a']\nguard.rate = 'often'", 'guard.rate "often" is not like'),
    ("[[sites]]\nhosts = ['a']\nrequest.timeout_ms = 'soon'", "request.timeout_ms"), ("[[prefixes]]\nindex = 'index.php'", 'these [[prefixes]] have no prefix = "/..."'),
    ("[[prefixes]]\nprefix = 'api'", 'prefix is not a path such as "/api"'), ("[[prefixes]]\nprefix = '/'", "prefix is not a path"), ("[[prefixes]]\nprefix = '/a/../b'", "prefix is not a path"),
    ("[[prefixes]]\nprefix = '/%61'", "prefix is not a path"), ("[[prefixes]]\nprefix = 7", "prefix is not a path"), ("[[prefixes]]\nprefix = '/a'\nhosts = ['b']", "site.hosts is for a whole site"),
    ("[[prefixes]]\nprefix = '/a'\n[[prefixes]]\nprefix = '/a/'", 'the prefix "/a" is there twice'), ("[[sites]]\nhosts = ['a']\nphp.ini_values = ['x']", 'php.ini_values: "x" is not a setting'),
    ("\n".join(f"[[sites]]\nhosts = ['h{i}']" for i in range(257)), "more than 256 sites and prefixes"),
], ids=range(25))  # fmt: skip
def test_wrong_sites_are_refused_with_a_sentence(tmp_path, text, complaint):
    (tmp_path / "phpsrv.toml").write_text(text)
    done = run_binary("--config", tmp_path / "phpsrv.toml", "--docroot", tmp_path, "--check-config")
    assert done.returncode == 2 and complaint in done.stderr and done.stderr.count("\n") == 1, done.stderr


def options_page():
    """(path, default as TOML, for what it can be set) of each option, as the page of options says."""
    page = run_binary("--print-options-reference").stdout
    found = re.findall(r"^### `([^`]+)`\n.*?^\| default \| `(.*?)` \|$.*?^\| set for \| (.*?) \|$", page, re.M | re.S)
    assert len(found) > 100 and len(found) == page.count("| set for |")
    return found


def test_what_the_page_says_of_scopes(tmp_path):
    """Each option, in a site and in a prefix, is taken or refused as docs/options.md has it."""
    kinds = {"the server": (False, False), "the server or a site": (True, False), "the server, a site or a prefix": (True, True)}
    seen = set()
    for path, default, scopes in options_page():
        value = '["a"]' if path == "site.hosts" else default
        heads = ("" if path == "site.hosts" else 'hosts = ["a"]\n', 'hosts = ["a"]\n[[sites.prefixes]]\nprefix = "/x"\n')
        for is_taken, head in zip(kinds[scopes], heads):
            (tmp_path / "phpsrv.toml").write_text(f"[[sites]]\n{head}{path} = {value}\n")
            done = run_binary("--config", tmp_path / "phpsrv.toml", "--docroot", tmp_path, "--check-config")
            assert (done.returncode == 0) == is_taken, (path, scopes, head, done.stderr)
            if not is_taken:
                whole = "server" if scopes == "the server" else "site"
                assert f"{path} is for {'a' if whole == 'site' else 'the'} whole {whole}" in done.stderr, done.stderr
        seen.add(scopes)
    assert seen == set(kinds)


@pytest.mark.parametrize(("setting", "complaint"), [
    ("disable_functions=exec", "disable_functions is for the whole server"), ("no.such=1", "PHP knows no setting no.such"), ("memory_limit=abc", "PHP does not take memory_limit=abc"),
    ("[HOST=x]", "no place"), ("a[]=1", "no place"),
])  # fmt: skip
def test_settings_that_php_would_not_take_are_refused(tmp_path, setting, complaint):
    (tmp_path / "phpsrv.toml").write_text(f"[[sites]]\nhosts = ['a']\nphp.ini_values = ['{setting}']\n")
    done = run_binary("--config", tmp_path / "phpsrv.toml", "--docroot", tmp_path, "--listen", "127.0.0.1:0", "--no-supervisor")
    assert done.returncode != 0 and complaint in done.stderr, done.stderr


# ---- reload


def test_a_site_comes_with_a_reload(launch, tmp_path):
    path = tmp_path / "phpsrv.toml"
    path.write_text("")
    server = launch("--config", path, "--supervisor=true", "--host", "a")
    assert [visit(server, host).status for host in "ab"] == [200, 421]
    path.write_text("[[sites]]\nhosts = ['b']\n")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: visit(server, "b").status == 200, "the new site")
    assert visit(server, "a").status == 200


def test_log_lines_name_the_site(launch, tmp_path):
    (tmp_path / "phpsrv.toml").write_text('[[sites]]\nhosts = ["a"]\n[[sites]]\nhosts = ["*.b"]\nname = "bee"\n[[sites.prefixes]]\nprefix = "/x"\nguard.deny = ["loopback"]\n')
    server = launch("--config", tmp_path / "phpsrv.toml", "--log-access", "json")
    for host, path in (("a", "/"), ("x.b", "/"), ("x.b", "/x"), ("none", "/")):
        visit(server, host, path)
    wait_until(lambda: server.stdout.count(b"\n") >= 4, "four lines")
    lines = [json.loads(line) for line in server.stdout.splitlines()]
    assert [(line["site"], line["status"]) for line in lines] == [("a", 200), ("bee", 200), ("bee", 403), ("default", 200)]
