"""phpsrv's own functions of worker mode: the request as an object, phpsrv_is_worker(), phpsrv_on_idle().

SPDX-License-Identifier: MIT
"""

import pytest
import worker_php

from testenv import wait_until

# phpsrv_handle_request() in place of FrankenPHP's name; the callback has a parameter.
SCRIPT = """<?php
$GLOBALS['boot_id'] = bin2hex(random_bytes(4));
$GLOBALS['at_boot'] = phpsrv_is_worker();
$GLOBALS['idle'] = [];
BOOT
$callback = function (Phpsrv\\Request $request) { return eval(base64_decode($request->header('x-code') ?? '')); };
while (phpsrv_handle_request($callback)) {
}
"""


def start(launch, *arguments, boot="", **options):
    files = {"w.php": SCRIPT.replace("BOOT", boot)}
    return worker_php.WorkerSite(launch("--worker", "w.php,1", *arguments, executor="ext", workers=1, files=files, **options))


@pytest.fixture(scope="module")
def site(launch_module):
    return start(launch_module)


def test_a_request(site):
    fields = [("X-Two", "a"), ("x-two", "b"), ("Cookie", "c=d"), ("X-Empty", "")]
    found = site.json("$request", "/in%20fo?a=1&b=%20", method="PUT", body=b"text", fields=fields)
    headers = found.pop("headers")
    request_id = found.pop("id")
    assert found == {
        "method": "PUT",
        "target": "/w.php/in%20fo?a=1&b=%20",
        "path": "/w.php/in%20fo",
        "query": "a=1&b=%20",
        "protocol": "HTTP/1.1",
        "scheme": "http",
        "host": "test.example",
        "remoteAddress": "127.0.0.1",
    }
    assert len(request_id) == 32
    assert (headers["X-Two"], headers["Cookie"], headers["X-Empty"], headers["Content-Length"]) == ("a, b", "c=d", "", "4")


def test_fields(site):
    fields = [("X-Own", "value"), ("42", "number")]
    code = "[$request->header('X-OWN'), $request->header('x-own'), $request->header('none'), $request->header('42'), $request->header('')]"
    assert site.json(code, fields=fields) == ["value", "value", None, "number", None]


def test_bodies(site):
    assert site.json("[$request->body(), $request->body(), file_get_contents('php://input')]", method="POST", body=b"{}") == ["{}"] * 3
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    assert site.json("[$request->body(), $_POST]", method="POST", body=b"a=1", fields=form) == ["a=1", {"a": "1"}]
    assert site.json("$request->body()") == ""
    large = b"x" * 3_000_000
    assert site.json("strlen($request->body())", method="PUT", body=large) == len(large)


def test_a_request_that_is_over_has_no_body(site):
    site.text("$GLOBALS['kept'] = $request;", method="PUT", body=b"of the first")
    code = "try { echo $GLOBALS['kept']->body(); } catch (LogicException $e) { echo $e->getMessage(); }"
    assert site.text(code, method="PUT", body=b"of the second") == "The request is over: its body is gone"
    assert site.json("$GLOBALS['kept']->method") == "PUT"


def test_it_cannot_be_changed_or_made(site):
    code = """foreach ([fn() => $request->method = 'X', fn() => $request->own = 1, fn() => new Phpsrv\\Request(), fn() => serialize($request),
        fn() => $request->headers['a'] = 'b', fn() => (new ReflectionClass($request))->newInstanceWithoutConstructor()->header('a'),
        fn() => unserialize('O:14:"Phpsrv\\Request":0:{}')] as $f) { try { $f(); echo 'done;'; } catch (Throwable $e) { echo get_class($e), ';'; } }"""
    assert site.text(code) == "Error;Error;Error;Exception;Error;ReflectionException;Exception;"
    flags = "[(new ReflectionClass($request))->isFinal(), (new ReflectionClass($request))->isReadOnly()]"
    assert site.json(flags) == [True, True]
    assert "readonly string $method" in site.text("echo new ReflectionClass($request);")


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("phpsrv_handle_request", "", 0),
        ("phpsrv_handle_request", "$request", 1),
        ("phpsrv_handle_request", "...$all", 1),
        ("phpsrv_handle_request", "$request, $more = null", 1),
        ("frankenphp_handle_request", "$optional = null", 0),
        ("frankenphp_handle_request", "...$all", 0),
    ],
)
def test_who_gets_it(launch, name, parameters, expected):
    code = f"<?php while ({name}(function ({parameters}) {{ echo func_num_args(); }}));"
    site = launch("--worker", "w.php,1", executor="ext", workers=1, files={"w.php": code})
    assert site.fetch("/w.php").body == str(expected).encode()


def test_is_worker(site):
    (site.server.docroot / "classic.php").write_text("<?php var_dump(phpsrv_is_worker());")
    assert b"false" in site.server.fetch("/classic.php").body
    assert site.json("[phpsrv_is_worker(), $GLOBALS['at_boot']]") == [True, True]


# ---- idle

COUNT = "phpsrv_on_idle(function () { $GLOBALS['idle'][] = 1; }, 0.02);"


def idle_calls(site):
    return site.json("count($GLOBALS['idle'])")


def test_the_function_is_called_while_the_script_waits(launch):
    site = start(launch, boot=COUNT)
    before = idle_calls(site)
    wait_until(lambda: idle_calls(site) > before + 3, "calls")
    site.text("phpsrv_on_idle(null);")
    after = idle_calls(site)
    site.text("usleep(100000);")
    site.text("usleep(100000);")
    assert idle_calls(site) == after


def test_it_sees_no_request(launch):
    code = """phpsrv_on_idle(function () { $GLOBALS['idle'][] = [$_GET, $_POST, $_COOKIE, $_FILES, $_REQUEST, $_SESSION ?? null,
        array_intersect_key($_SERVER, ['REQUEST_METHOD' => 1, 'HTTP_COOKIE' => 1, 'QUERY_STRING' => 1]), $_SERVER['PLAIN'] ?? null,
        headers_sent(), phpsrv_request_id(), file_get_contents('php://input'), session_status(), getallheaders()]; }, 0.01);"""
    site = start(launch, boot=code, env={"PLAIN": "of the process"})
    site.run("session_start(); $_REQUEST; setcookie('a', 'b');", "?a=1", method="POST", body=b"p=1", fields=[("Cookie", "c=d"), ("Content-Type", "application/x-www-form-urlencoded")])
    seen = wait_until(lambda: site.json("$GLOBALS['idle']", "?b=2"), "a call")
    for call in seen:
        assert call[:6] == [[], [], [], [], [], None] and call[7] == "of the process"
        assert all(value == "" for value in call[6].values()) if call[6] else True
        assert call[9:] == ["", "", 1, []]
    found = site.json("[$_GET, $_SERVER['QUERY_STRING'], $_REQUEST]", "?c=3")
    assert found == [{"c": "3"}, "c=3", {"c": "3"}]


def test_what_it_throws_is_logged(launch):
    site = start(launch, boot="phpsrv_on_idle(function () { $GLOBALS['idle'][] = 1; echo 'from idle'; throw new Exception('while idle'); }, 0.01);")
    site.expect_fatal("while idle")
    first = site.json("$GLOBALS['boot_id']")
    wait_until(lambda: idle_calls(site) >= 3, "calls")
    site.server.wait_log("worker.output", where=lambda line: "from idle" in line["text"])
    assert site.run("echo 1;").status == 200
    assert site.json("$GLOBALS['boot_id']") == first


def test_exit_and_errors_in_it_end_the_script(launch):
    site = start(launch, boot="if (!file_exists(__DIR__ . '/once')) phpsrv_on_idle(function () { touch(__DIR__ . '/once'); exit; }, 0.01);")
    wait_until(lambda: (site.server.docroot / "once").exists(), "the call")
    first = site.json("$GLOBALS['boot_id']")
    site.text("phpsrv_on_idle(function () { function twice() {} eval('function twice() {}'); }, 0.01);")
    site.expect_fatal("Cannot redeclare")
    wait_until(lambda: site.json("$GLOBALS['boot_id']") != first, "boot")


def test_it_handles_no_requests(launch):
    code = "phpsrv_on_idle(function () { try { phpsrv_handle_request(fn() => 1); } catch (RuntimeException $e) { $GLOBALS['idle'][] = $e->getMessage(); } }, 0.01);"
    site = start(launch, boot=code)
    wait_until(lambda: idle_calls(site) > 0, "a call")
    assert "while a request is being handled" in site.json("$GLOBALS['idle'][0]")


def test_wrong_uses(site):
    code = """foreach ([0, -1, 1e9, NAN] as $s) { try { phpsrv_on_idle(fn() => 1, $s); echo 'taken;'; } catch (ValueError $e) { echo 'refused;'; } }"""
    assert site.text(code) == "refused;" * 4
    (site.server.docroot / "idle.php").write_text("<?php try { phpsrv_on_idle(fn() => 1); } catch (RuntimeException $e) { echo $e->getMessage(); }")
    assert site.server.fetch("/idle.php").body == b"phpsrv_on_idle() called while not in worker mode"


def test_changes_of_an_idle_function_are_put_back(launch):
    code = "phpsrv_on_idle(function () { ini_set('precision', 3); $GLOBALS['idle'][] = 1; }, 0.01);"
    site = start(launch, "--worker-reset", "strict", boot=code)
    before = site.json("ini_get('precision')")
    wait_until(lambda: idle_calls(site) > 1, "calls")
    assert site.json("ini_get('precision')") == before


@pytest.mark.no_sanitizer
def test_memory_stays(launch):
    site = start(launch, boot="phpsrv_on_idle(function () { $GLOBALS['n'] = ($GLOBALS['n'] ?? 0) + 1; $GLOBALS['m'] = memory_get_usage(); }, 0.001);")
    wait_until(lambda: site.json("$GLOBALS['n'] ?? 0") > 20, "calls")
    calls, before = site.json("[$GLOBALS['n'], $GLOBALS['m']]")
    count = [worker_php.code_field("echo $GLOBALS['n'];")]
    wait_until(lambda: int(site.server.fetch("/w.php", fields=count).body) > calls + 500, "calls")
    assert site.json("$GLOBALS['m']") - before < 20000


@pytest.mark.parametrize("code", ["sleep(1000);", "while (true) {}", "while (true) { usleep(100000); }", "stream_get_contents($GLOBALS['pair'][0]);"])
def test_one_that_takes_long_does_not_keep_the_server(launch, code):
    boot = "$GLOBALS['pair'] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); stream_set_timeout($GLOBALS['pair'][0], 1000);"
    boot += f"phpsrv_on_idle(function () {{ error_log('idling'); {code} }}, 0.001);"
    site = start(launch, boot=boot)
    site.server.expect_log("idling")
    site.server.wait_log("php.message", where=lambda line: line["message"] == "idling")
    mark = site.server.mark()
    site.server.terminate()
    assert site.server.wait_exit() == 0
    lines = site.server.log_lines()[mark:]
    assert not any("workers_stuck" in line or "php.message" in line or "worker.script_failed" in line for line in lines), lines
