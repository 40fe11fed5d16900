"""Worker contract: what extensions keep per request, settings that change how a request begins, and shapes of the loop.

SPDX-License-Identifier: MIT
"""

import gzip
import json

import pytest

from testenv import Crowd, decode_body
from forms import FORM, MULTIPART, multipart
from worker_cases import Mode, decode, launch_contract

SCRIPTS = ["engine"]


def query(n):
    return {"suffix": f"?n={n}"}


@pytest.mark.parametrize("case", ["gzhandler", "compressed by setting"])
def test_compression_by_php_is_what_the_client_takes(mode, case):
    """PHP finds that out once for each of its own requests."""
    codings = ["gzip", None, "deflate", "identity"]
    for n, answer in mode.ask(case, lambda n: {"suffix": f"?n={n}", "fields": [("Accept-Encoding", codings[n % 4])] if codings[n % 4] else []}):
        text = f"{n} ".encode() * 500
        coding = codings[n % 4]
        if coding == "gzip":
            assert answer.get("Content-Encoding") == "gzip" and gzip.decompress(answer.body) == text
        elif coding == "deflate":
            assert answer.get("Content-Encoding") == "deflate" and decode_body("deflate", answer.body) == text
        else:
            assert answer.get("Content-Encoding") is None and answer.body == text


def test_files_are_looked_at_anew(mode, tmp_path):
    """PHP remembers the last file for as long as its request."""
    path = tmp_path / "flag"
    for number in range(10):
        path.write_text("x" * number)
        assert decode(mode.one("stat", f"?file={path}")) == [True, True, number]
        path.unlink()
        for _ in range(3):
            assert decode(mode.one("stat", f"?file={path}")) == [False, False, -1]


def test_tokens_end_with_the_request(mode):
    for n, seen in mode.json("tokens", query):
        assert seen == [False, str(n)]


def test_upload_progress(mode):
    """The module of sessions looks at uploads before the script does."""

    def make(n):
        body = multipart(("PHP_SESSION_UPLOAD_PROGRESS", f"p{n}"), ("n", str(n)), ("f", "x", "a/b", "y" * 5000))
        return {"method": "POST", "fields": [MULTIPART, ("Cookie", f"PHPSESSID=progress{mode.name}{n}")], "body": body}

    for n, seen in mode.json("progress", make, 40):
        assert seen[1:] == [str(n), 5000] and all(key.startswith("upload_progress_") for key in seen[0])


def test_multibyte_output(mode):
    for n, answer in mode.ask("multibyte output", query, 40):
        assert answer.text == f"ü{n}"


def test_errors_of_libxml(mode):
    for n, seen in mode.json("xml", query):
        assert seen == [0, str(n), False, True]


def test_a_connection_that_is_kept(mode):
    counts = [seen for _, seen in mode.json("pdo", query)]
    assert max(counts) > 20 if mode.is_worker else set(counts) == {1}


@pytest.mark.parametrize(("case", "wanted"), [("url", str), ("date", lambda n: f"1{n}"), ("json", lambda n: [True, 4]), ("intl", lambda n: 0)])
def test_extensions(mode, case, wanted):
    for n, seen in mode.json(case, query, 40):
        assert seen == wanted(n)


# ---- settings


@pytest.fixture
def start(launch, tmp_path):
    def begin(*arguments, **options):
        server = launch_contract(launch, tmp_path, *arguments, scripts=["engine", "request"], **options)
        return server

    return begin


@pytest.mark.parametrize("name", ["classic", "worker"])
def test_arguments_from_the_query(start, name):
    mode = Mode(start("-d", "register_argc_argv=1"), name, "engine")
    for n, seen in mode.json("arguments", lambda n: {"suffix": f"?a+b{n}"}):
        assert seen == [["a", f"b{n}"], 2]


@pytest.mark.parametrize("setting", ["auto_globals_jit=0", "variables_order=GPCS", "output_buffering=4096", "output_buffering=0", "implicit_flush=1", "request_order=GP", "enable_post_data_reading=1", "opcache.enable=0"])
def test_settings_of_requests(start, setting):
    """Both modes see the same, with each of them."""
    server = start("-d", setting)
    answers = {}
    for name in ("classic", "worker"):
        mode = Mode(server, name, "request")
        make = lambda n: {"method": "POST", "suffix": f"?g={n}", "fields": [FORM, ("Cookie", f"c={n}"), ("X-N", str(n))], "body": f"p={n}".encode()}  # noqa: E731
        answers[name] = [mode.json(case, make, 20) for case in ("get", "post", "cookie", "request", "input", "fields", "request included")]
    assert answers["classic"] == answers["worker"]
    assert answers["worker"][1][7][1] == {"p": "7"}


@pytest.mark.parametrize("setting", ["zlib.output_compression=1", "output_handler=ob_gzhandler"])
def test_compression_of_all_output(start, setting):
    server = start("-d", setting)
    for name in ("classic", "worker"):
        mode = Mode(server, name, "engine")
        for n, answer in mode.ask("url", lambda n: {"suffix": f"?n={n}", "fields": [("Accept-Encoding", "gzip")] if n % 2 else []}, 40):
            assert answer.get("Content-Encoding") == ("gzip" if n % 2 else None), name
            assert json.loads(gzip.decompress(answer.body) if n % 2 else answer.body) == str(n)


def test_prepended_and_appended_files(launch, tmp_path):
    """They belong to the script, not to its requests."""
    files = {"loop.php": "<?php while (frankenphp_handle_request(function () { echo PREPENDED, ' ', $_GET['n']; })) {}", "plain.php": "<?php echo 'plain ', PREPENDED;"}
    (tmp_path / "before.inc").write_text("<?php define('PREPENDED', bin2hex(random_bytes(4)));")
    (tmp_path / "after.inc").write_text("<?php echo ' after';")
    server = launch("--worker", "loop.php,1", "-d", f"auto_prepend_file={tmp_path}/before.inc", "-d", f"auto_append_file={tmp_path}/after.inc", executor="ext", files=files)
    seen = {server.fetch(f"/loop.php?n={n}").text.split(" ")[0] for n in range(20)}
    assert len(seen) == 1
    assert server.fetch("/plain.php").text.startswith("plain ") and server.fetch("/plain.php").text.endswith(" after")
    assert server.fetch("/loop.php?n=5").text.endswith(" 5")


# ---- shapes of the loop

LOOPS = {
    "function": "function f() { echo 'text ', $_GET['n']; } while (frankenphp_handle_request('f')) {}",
    "static method": "class C { static function m() { echo 'text ', $_GET['n']; } } while (frankenphp_handle_request('C::m')) {}",
    "array": "class C { function m() { echo 'text ', $_GET['n']; } } $c = new C; while (frankenphp_handle_request([$c, 'm'])) {}",
    "invokable": "class C { function __invoke() { echo 'text ', $_GET['n']; } } while (frankenphp_handle_request(new C)) {}",
    "first class": "function f() { echo 'text ', $_GET['n']; } while (frankenphp_handle_request(f(...))) {}",
    "by magic": "class C { function __call($n, $a) { echo 'text ', $_GET['n']; } } $c = new C; while (frankenphp_handle_request([$c, 'any'])) {}",
    "new each time": "do { $goesOn = frankenphp_handle_request(function () { echo 'text ', $_GET['n']; }); gc_collect_cycles(); } while ($goesOn);",
    "in a function": "function loop() { $n = 0; while (frankenphp_handle_request(function () use (&$n) { $n++; echo 'text ', $_GET['n']; })) {} } loop();",
    "in a method": "(new class { function run() { while (frankenphp_handle_request($this->handle(...))) {} } private function handle() { echo 'text ', $_GET['n']; } })->run();",
    "in an included file": "file_put_contents(__DIR__ . '/loop.inc', '<?php while (frankenphp_handle_request(function () { echo \"text \", $_GET[\"n\"]; })) {}'); include __DIR__ . '/loop.inc';",
    "in a fiber": "$fiber = new Fiber(function () { while (frankenphp_handle_request(function () { echo 'text ', $_GET['n']; })) {} }); $fiber->start();",
    "in a generator": "function g() { while (frankenphp_handle_request(function () { echo 'text ', $_GET['n']; })) { yield 1; } } foreach (g() as $one) {}",
    "in a try": "try { while (frankenphp_handle_request(function () { echo 'text ', $_GET['n']; })) {} } finally { gc_collect_cycles(); }",
    "with arguments": "while (frankenphp_handle_request(function (mixed $request = null, ...$more) { echo 'text ', $_GET['n']; })) {}",
    "with a result": "while (frankenphp_handle_request(function (): array { echo 'text ', $_GET['n']; return ['not', 'seen']; })) {}",
    "by reference": "while (frankenphp_handle_request(function &() { static $a = []; echo 'text ', $_GET['n']; return $a; })) {}",
    "by call_user_func": "while (call_user_func('frankenphp_handle_request', function () { echo 'text ', $_GET['n']; })) {}",
    "of another name": "while (phpsrv_handle_request(function () { echo 'text ', $_GET['n']; })) {}",
    "in a namespace": "namespace A\\B; function f() { echo 'text ', $_GET['n']; } while (\\frankenphp_handle_request(f(...))) {}",
    "two loops": "for ($i = 0; $i < 3; $i++) { frankenphp_handle_request(function () { echo 'text ', $_GET['n']; }); } while (frankenphp_handle_request(function () { echo 'text ', $_GET['n']; })) {}",
    "open buffer at boot": "ob_start(); echo 'from the boot'; while (frankenphp_handle_request(function () { echo 'text ', $_GET['n']; })) {}",
    "session at boot": "ini_set('session.use_cookies', '0'); session_id('boot'); session_start(); while (frankenphp_handle_request(function () { echo isset($_SESSION) || session_id() !== '' ? 'kept' : 'text ', $_GET['n']; })) {}",
    "fields at boot": "header('X-Boot: 1'); http_response_code(500); setcookie('a', 'b'); while (frankenphp_handle_request(function () { echo 'text ', $_GET['n']; })) {}",
    "superglobals at boot": "$_GET['n'] = 'boot'; $_POST = $_COOKIE = ['n' => 'boot']; $get = &$_GET; while (frankenphp_handle_request(function () { echo $_POST || $_COOKIE ? 'kept ' : 'text ', $_GET['n']; })) {}",
    "finished at boot": "fastcgi_finish_request(); while (frankenphp_handle_request(function () { echo 'text ', $_GET['n']; })) {}",
    "flush at boot": "echo 'x'; flush(); while (frankenphp_handle_request(function () { echo 'text ', $_GET['n']; })) { flush(); }",
}


@pytest.fixture(scope="module")
def loops(launch_module):
    files = {f"{name.replace(' ', '_')}.php": "<?php " + code for name, code in LOOPS.items()}
    arguments = [argument for name in files for argument in ("--worker", f"{name},1")]
    return launch_module(*arguments, executor="ext", files=files)


@pytest.mark.parametrize("name", LOOPS)
def test_loops(loops, name):
    with Crowd(loops.address) as crowd:
        for n, answer in enumerate(crowd.ask({"target": f"/{name.replace(' ', '_')}.php?n={n}"} for n in range(100))):
            assert (answer.status, answer.text) == (200, f"text {n}")
            assert answer.get("X-Boot") is None and answer.get("Set-Cookie") is None
