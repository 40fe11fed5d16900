"""Which script of worker mode answers: by its name, by patterns, by site; what it is given; and what is refused.

SPDX-License-Identifier: MIT
"""

import json
import signal

import pytest

from testenv import run_binary, wait_until

TELL = """<?php
$boot = ['env' => [$_SERVER['COLOR'] ?? null, getenv('COLOR')], 'root' => $_SERVER['DOCUMENT_ROOT'], 'precision' => ini_get('precision')];
$handle = function () use ($boot) {
    echo json_encode(['worker' => basename(__FILE__), 'script' => $_SERVER['SCRIPT_NAME'], 'file' => $_SERVER['SCRIPT_FILENAME'], 'info' => $_SERVER['PATH_INFO'] ?? null,
        'uri' => $_SERVER['REQUEST_URI'], 'root' => $_SERVER['DOCUMENT_ROOT'], 'self' => $_SERVER['PHP_SELF'], 'precision' => ini_get('precision'), 'boot' => $boot,
        'env' => [$_SERVER['COLOR'] ?? null, getenv('COLOR')]]);
};
if (isset($_SERVER['FRANKENPHP_WORKER'])) {
    while (frankenphp_handle_request($handle)) {
    }
} else {
    echo 'classic';
}
"""
CLASSIC = "<?php echo 'classic ', basename(__FILE__);"
FILES = {
    "index.php": TELL, "api.php": TELL, "other.php": CLASSIC, "style.css": "css", "sub/index.php": TELL, "sub/page.php": CLASSIC, "api/logo.png": "png",
    "api/old.php": CLASSIC, "api/docs/index.html": "docs", "api/lib.inc": "secret", "api/.env": "secret",
}  # fmt: skip


def write_files(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def ask(server, path, host="test", **options):
    with server.connect() as wire:
        wire.request(path, "GET", [("Connection", "close")], host=host, **options)
        return wire.expect_response()


def told(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)


def who(server, path, host="test"):
    """The worker's script and SCRIPT_NAME; the body of what none has answered; a status."""
    answer = ask(server, path, host)
    if answer.status != 200:
        return answer.status
    text = answer.body.decode()
    return (json.loads(text)["worker"], json.loads(text)["script"]) if text.startswith("{") else text


def launch_with(launch, folder, config, files=FILES, *arguments):
    write_files(folder, files)
    (folder / "phpsrv.toml").write_text(config)
    return launch("--config", folder / "phpsrv.toml", *arguments, docroot=folder, executor="ext", cwd=folder, workers=1)


# ---- one site


@pytest.fixture(scope="module")
def plain(launch_module, tmp_path_factory):
    """Two scripts; one has patterns as well."""
    folder = tmp_path_factory.mktemp("plain")
    return launch_with(launch_module, folder, """
[worker_mode]
count = 1
env = ["COLOR=red"]
[[worker]]
script = "index.php"
[[worker]]
script = "api.php"
name = "api"
match = ["/api/*", "/exactly", "*.feed", "/users/*/photo"]
env = ["COLOR=blue"]
""")  # fmt: skip


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", ("index.php", "/index.php")),
        ("/?a=1", ("index.php", "/index.php")),
        ("/index.php", ("index.php", "/index.php")),
        ("/%69ndex.php", ("index.php", "/index.php")),
        ("/./x/../index.php", ("index.php", "/index.php")),
        ("/index.php/a/b", ("index.php", "/index.php")),
        ("/api.php", ("api.php", "/api.php")),
        ("/other.php", "classic other.php"),
        ("/sub/", "classic"),
        ("/sub/page.php", "classic page.php"),
        ("/style.css", "css"),
        ("/nothing", 404),
        # patterns
        ("/api", 301),  # a folder; /api/* does not name it
        ("/api/", ("api.php", "/api.php")),
        ("/api/users/7?x=1", ("api.php", "/api.php")),
        ("/API/users", 404),
        ("/api/logo.png", "png"),
        ("/api/missing.png", ("api.php", "/api.php")),  # asset-extensions are for the index and the fallback
        ("/api/old.php", ("api.php", "/api.php")),
        ("/api/docs/", ("api.php", "/api.php")),
        ("/api/docs", ("api.php", "/api.php")),
        ("/api/docs/index.html", "docs"),
        ("/api/lib.inc", ("api.php", "/api.php")),
        ("/api/.env", 404),
        ("/api/a/.git/b", 404),
        ("/exactly", ("api.php", "/api.php")),
        ("/exactly/", 404),
        ("/blog/x.feed", ("api.php", "/api.php")),
        ("/users/7/photo", ("api.php", "/api.php")),
        ("/users/7/8/photo", 404),
    ],
)
def test_who_answers(plain, path, expected):
    assert who(plain, path) == expected
    assert who(plain, path) == expected  # from the router's cache


def test_what_a_script_is_given(plain):
    by_name = told(ask(plain, "/index.php/a/b?c=d"))
    assert (by_name["info"], by_name["self"], by_name["uri"]) == ("/a/b", "/index.php/a/b", "/index.php/a/b?c=d")
    assert by_name["boot"]["env"] == ["red", "red"] and by_name["env"] == [None, "red"]
    assert by_name["root"] == by_name["boot"]["root"] == str(plain.docroot)
    matched = told(ask(plain, "/api/users/7?x=1"))
    assert (matched["info"] or None, matched["self"], matched["uri"]) == (None, "/api.php", "/api/users/7?x=1")
    assert matched["file"] == str(plain.docroot / "api.php")
    assert matched["boot"]["env"] == ["blue", "blue"]


def test_a_file_that_comes_and_goes(plain):
    late = plain.docroot / "api" / "late.txt"
    assert who(plain, "/api/late.txt") == ("api.php", "/api.php")
    late.write_text("late")
    assert wait_until(lambda: who(plain, "/api/late.txt") == "late", "the cached absence to be looked at again")
    late.unlink()
    assert wait_until(lambda: who(plain, "/api/late.txt") == ("api.php", "/api.php"), "the file to be looked at again")


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("/", ["script       {root}/index.php", "SCRIPT_NAME  /index.php", 'worker       {root}/index.php (phpsrv.toml:5: worker "index.php")']),
        ("/api/x", ["because      the path fits a pattern of the worker (match)", "SCRIPT_NAME  /api.php", 'worker       api (phpsrv.toml:7: worker "api.php")', "match        /api/*"]),
        ("/api/logo.png", ["because      the file is there: it comes before patterns of workers (match)", "file         {root}/api/logo.png"]),
        ("/other.php", ["worker       none: the script runs for this request only"]),
    ],
)
def test_route_says_who_and_why(plain, path, lines):
    done = run_binary("route", "--config", "phpsrv.toml", "--docroot", ".", path, cwd=plain.docroot)
    assert done.returncode == 0, done.stderr
    for line in lines:
        assert f"  {line.format(root=plain.docroot)}\n" in done.stdout, done.stdout


def test_the_internal_listener_shows_them(plain):
    shown = json.loads(plain.internal("/config").body)["workers"]
    assert [(worker["name"], worker["script"]) for worker in shown] == [(str(plain.docroot / "index.php"),) * 2, ("api", str(plain.docroot / "api.php"))]
    assert shown[1]["worker_mode.match"]["value"] == ["/api/*", "/exactly", "*.feed", "/users/*/photo"]


# ---- front controllers


def test_an_index_is_a_worker(launch, tmp_path):
    server = launch_with(launch, tmp_path, 'site.index = "index.php"\nworker_mode.scripts = ["index.php,1"]\n')
    assert who(server, "/any/path") == ("index.php", "/index.php")
    assert who(server, "/style.css") == "css"
    assert who(server, "/missing.css") == 404
    assert who(server, "/other.php") == 404
    assert not told(ask(server, "/any/path"))["info"]


def test_a_fallback_is_a_worker(launch, tmp_path):
    server = launch_with(launch, tmp_path, 'site.fallback = "/index.php"\nworker_mode.scripts = ["index.php,1"]\n')
    assert who(server, "/any/path") == ("index.php", "/index.php")
    assert who(server, "/other.php") == "classic other.php"


def test_all_paths_go_to_a_script_outside_of_the_document_root(launch, tmp_path):
    write_files(tmp_path, {"worker.php": TELL, "public/style.css": "css", "public/other.php": CLASSIC, "public/.env": "x"})
    server = launch("--worker", "worker.php,1", "--worker-match", "*", "--worker-env", "COLOR=green", docroot=tmp_path / "public", executor="ext", cwd=tmp_path, workers=1)
    for path in ("/", "/any/path", "/other.php", "/other.php/x", "/worker.php"):
        answer = told(ask(server, path))
        assert (answer["worker"], answer["script"], answer["file"]) == ("worker.php", "/worker.php", str(tmp_path / "worker.php")), path
    assert answer["root"] == answer["boot"]["root"] == str(tmp_path / "public")
    assert answer["boot"]["env"] == ["green", "green"]
    assert who(server, "/style.css") == "css"
    assert who(server, "/.env") == 404


def test_static_files_off(launch, tmp_path):
    server = launch_with(launch, tmp_path, 'static.enabled = false\n[[worker]]\nscript = "api.php"\nmatch = ["*"]\ncount = 1\n')
    assert who(server, "/style.css") == ("api.php", "/api.php")


def test_rewrites_come_before_patterns_and_redirects_before_both(launch, tmp_path):
    server = launch_with(
        launch, tmp_path,
        'site.rewrites = ["/old/* /api/*"]\nsite.redirects = ["/api/gone /x 308"]\n[[worker]]\nscript = "api.php"\nmatch = ["/api/*"]\ncount = 1\n',
    )  # fmt: skip
    assert who(server, "/old/x") == ("api.php", "/api.php")
    assert told(ask(server, "/old/x"))["uri"] == "/old/x"
    assert who(server, "/api/gone") == 308


def test_a_link_in_the_document_root(launch, tmp_path):
    write_files(tmp_path, {"app/public/index.php": TELL})
    (tmp_path / "current").symlink_to("app")
    server = launch("--worker", "index.php,1", "--index", "index.php", docroot=tmp_path / "current" / "public", executor="ext", cwd=tmp_path, workers=1)
    answer = told(ask(server, "/x"))
    assert answer["worker"] == "index.php" and answer["file"] == str(tmp_path / "app/public/index.php")


def test_guards_and_passwords_come_first(launch, tmp_path):
    (tmp_path / "users").write_text("me:$2y$04$" + "." * 53 + "\n")  # nobody's password
    server = launch_with(
        launch, tmp_path,
        f'guard.basic_auth = ["/secret {tmp_path}/users"]\n[[prefixes]]\nprefix = "/internal"\nguard.deny = ["loopback"]\n'
        '[[worker]]\nscript = "api.php"\nmatch = ["*"]\ncount = 1\n',
    )  # fmt: skip
    assert [who(server, path) for path in ("/internal/x", "/INTERNAL/x", "/secret", "/secret/x", "/api.php/secret")] == [403, 403, 401, 401, 401]
    assert who(server, "/x") == ("api.php", "/api.php")


def test_a_reload_brings_and_takes_scripts(launch, tmp_path):
    write_files(tmp_path, FILES)
    path = tmp_path / "phpsrv.toml"
    path.write_text('[[worker]]\nscript = "api.php"\ncount = 1\n')
    server = launch("--config", path, "--supervisor=true", docroot=tmp_path, executor="ext", cwd=tmp_path, workers=1)
    assert [who(server, path) for path in ("/index.php", "/api.php")] == ["classic", ("api.php", "/api.php")]
    path.write_text('[[worker]]\nscript = "index.php"\ncount = 1\nenv = ["COLOR=new"]\n')
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: who(server, "/index.php") == ("index.php", "/index.php"), "the new script")
    assert who(server, "/api.php") == "classic" and told(ask(server, "/index.php"))["boot"]["env"] == ["new", "new"]
    path.write_text('[[worker]]\nscript = "nope.php"\n')
    server.expect_log("supervisor.reload_failed .*nope.php")
    server.process.send_signal(signal.SIGHUP)
    assert "there is no such file" in str(server.wait_log("supervisor.reload_failed").fields)
    assert who(server, "/index.php") == ("index.php", "/index.php")


# ---- sites

SITES = """
[site]
docroot = "base"
[php]
ini_values = ["precision=11"]
[worker_mode]
count = 1

[[sites]]
name = "blog"
hosts = ["blog.example"]
docroot = "blog"
index = "index.php"
php.ini_values = ["precision=7"]
[[sites.prefixes]]
prefix = "/admin"
docroot = "admin"
index = "front.php"
php.ini_values = ["precision=5"]

[[sites]]
hosts = ["shop.example"]
docroot = "base"

[[worker]]
script = "blog/index.php"
[[worker]]
script = "admin/front.php"
site = "blog"
match = ["/feed"]
[[worker]]
script = "index.php"
site = "default"
[[worker]]
script = "tool.php"
site = "shop.example"
match = ["/tool/*"]
"""


@pytest.fixture(scope="module")
def sites(launch_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sites")
    write_files(folder, {"base/index.php": TELL, "blog/index.php": TELL, "admin/front.php": TELL, "tool.php": TELL, "phpsrv.toml": SITES})
    return launch_module("--config", "phpsrv.toml", docroot=folder / "base", executor="ext", cwd=folder, workers=1)


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("blog.example", "/x", ("index.php", "/index.php")),
        ("blog.example", "/admin/x", ("front.php", "/front.php")),
        ("blog.example", "/feed", ("front.php", "/front.php")),
        ("blog.example", "/tool/x", ("index.php", "/index.php")),
        ("any.example", "/", ("index.php", "/index.php")),
        ("any.example", "/feed", 404),
        ("any.example", "/tool/x", 404),
        ("shop.example", "/tool/x", ("tool.php", "/tool.php")),
        ("shop.example", "/", "classic"),  # the same file, but not its site
    ],
)
def test_sites(sites, host, path, expected):
    assert who(sites, path, host) == expected


def test_scripts_boot_with_the_settings_of_their_site(sites):
    folder = sites.docroot.parent
    for host, path, root, precision in (
        ("blog.example", "/x", "blog", "7"),
        ("blog.example", "/admin/x", "admin", "5"),
        ("any.example", "/", "base", "11"),
        ("shop.example", "/tool/x", "base", "11"),
    ):
        answer = told(ask(sites, path, host))
        assert (answer["boot"]["root"], answer["boot"]["precision"]) == (str(folder / root), precision), host + path
        assert answer["root"] == str(folder / root)


def test_route_knows_sites(sites):
    done = run_binary("route", "--config", "phpsrv.toml", "http://shop.example/tool/x", cwd=sites.docroot.parent)
    assert '  worker       {0}/tool.php (phpsrv.toml:34: worker "tool.php")\n  match        /tool/*\n'.format(sites.docroot.parent) in done.stdout, done.stdout


# ---- configuration


def test_a_dump_starts_the_same_server(plain, launch, tmp_path):
    arguments = ("--docroot", str(plain.docroot))
    dump = run_binary("--config", "phpsrv.toml", "--dump-config", *arguments, cwd=plain.docroot).stdout
    (tmp_path / "dump.toml").write_text(dump)
    server = launch("--config", tmp_path / "dump.toml", docroot=plain.docroot, executor="ext", cwd=plain.docroot, workers=1)
    assert who(server, "/api/x") == ("api.php", "/api.php")
    assert told(ask(server, "/"))["boot"]["env"] == ["red", "red"]
    theirs, ours = (json.loads(one.internal("/config").body)["workers"] for one in (plain, server))
    assert [(w["name"], w["script"], w["site"], w.get("worker_mode.match", {}).get("value")) for w in theirs] == [
        (w["name"], w["script"], w["site"], w.get("worker_mode.match", {}).get("value")) for w in ours
    ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('[[worker]]\nscript = "nope.php"\n', 'phpsrv.toml:1: worker "nope.php": there is no such file, neither in the working directory nor in the document root'),
        ('[[worker]]\nscript = "index.php"\nmatch = ["api"]\n', 'phpsrv.toml:1: worker "index.php": match "api" is no pattern: it begins neither with a slash nor with *'),
        ('[site]\nindex = "index.php"\n[[worker]]\nscript = "api.php"\n', 'phpsrv.toml:3: worker "api.php": no request would come to it, because "index.php" (site.index) answers all; make it the index, or give it paths with match'),
        ('[[worker]]\nscript = "index.php"\n[[worker]]\nscript = "./index.php"\n', 'phpsrv.toml:3: worker "./index.php": this script is there twice'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", [("--check-config",), (), ("route", "/")])
def test_wrong_configurations(tmp_path, config, message, action):
    write_files(tmp_path, {"index.php": TELL, "api.php": TELL, "phpsrv.toml": config})
    arguments = [*action[:1], "--config", "phpsrv.toml", "--listen", "127.0.0.1:0", *action[1:]] if action[:1] == ("route",) else ["--config", "phpsrv.toml", "--listen", "127.0.0.1:0", *action]
    done = run_binary(*arguments, cwd=tmp_path)
    assert done.returncode == (1 if action[:1] == ("route",) else 2)
    assert done.stderr == f"phpsrv: {message}\n"


def test_health_needs_no_script(plain):
    done = run_binary("health", "--worker", "nope.php", "--docroot", "/", f"http://{plain.internal_address[0]}:{plain.internal_address[1]}")
    assert "nope.php" not in done.stderr and done.returncode == 0, done.stderr


def test_the_environment_names_scripts(launch, tmp_path):
    write_files(tmp_path, FILES)
    server = launch(docroot=tmp_path, executor="ext", cwd=tmp_path, workers=1, env={"PHPSRV_WORKER": "index.php,1\napi.php,1", "PHPSRV_WORKER_ENV": "COLOR=gray"})
    assert who(server, "/api.php") == ("api.php", "/api.php")
    assert told(ask(server, "/"))["boot"]["env"] == ["gray", "gray"]
