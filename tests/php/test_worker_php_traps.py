"""What one request of a script leaves must not reach the next, and what breaks one must not end the script.

SPDX-License-Identifier: MIT
"""

import re

import pytest
import worker_php

from testenv import wait_until

BOOT = """
$GLOBALS['seen'] = [];
set_error_handler(function ($type, $message) { $GLOBALS['seen'][] = $message; return true; });
set_exception_handler(function ($e) { echo "exception handler of the script"; });
register_shutdown_function(function () { $GLOBALS['at_shutdown'] = true; echo "shutdown;"; });
class Loud { function __destruct() { echo "destructed;"; } }
"""
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


@pytest.fixture(scope="module")
def site(launch_module):
    site = worker_php.start(launch_module, boot=BOOT, after="$GLOBALS['after'] = ($GLOBALS['after'] ?? 0) + 1;")
    site.expect_fatal("Uncaught")
    return site


def state(site):
    """Which life of the script this is, and how many requests it has had before."""
    return site.json("[$GLOBALS['boot_id'], $GLOBALS['served']]")


@pytest.fixture
def same_script(site):
    """The script is the same before and after the test."""
    before = state(site)[0]
    yield
    assert state(site)[0] == before


# ---- input


def test_warnings_about_a_form_are_not_the_scripts(launch):
    site = worker_php.start(launch, "-d", "max_input_vars=3", boot=BOOT, before="error_log('callback begins');")
    body = "&".join(f"a{i}=1" for i in range(9))
    count, seen = site.json("[count($_POST), $GLOBALS['seen']]", method="POST", body=body.encode(), fields=FORM)
    assert count < 9 and seen == []
    site.server.wait_log("php.message", where=lambda line: "Input variables exceeded 3" in line["message"])
    broken = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n"
    fields = [("Content-Type", "multipart/form-data; boundary=x")]
    site.run("echo 1;", method="POST", body=broken, fields=fields)
    site.run("echo 1;", method="POST", body=b"x", fields=[("Content-Type", "multipart/form-data")])
    site.server.wait_log("php.message", where=lambda line: "Missing boundary" in line["message"])
    assert site.json("$GLOBALS['seen']") == []
    assert site.json("trigger_error('own') ? $GLOBALS['seen'] : 0") == ["own"], "the handler is there again"


def test_uploads_are_removed(site, same_script):
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
    fields = [("Content-Type", "multipart/form-data; boundary=x")]
    name, text, moved = site.json(
        "[$_FILES['f']['tmp_name'], file_get_contents($_FILES['f']['tmp_name']), is_uploaded_file($_FILES['f']['tmp_name'])]",
        method="POST", body=body, fields=fields,
    )  # fmt: skip
    assert (text, moved) == ("hello", True)
    assert site.json(f"[file_exists('{name}'), is_uploaded_file('{name}'), $_FILES]") == [False, False, []]


def test_uploads_of_a_request_that_ends_the_script_are_removed(site):
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
    fields = [("Content-Type", "multipart/form-data; boundary=x")]
    response = site.run("echo $_FILES['f']['tmp_name'], '|'; exit;", method="POST", body=body, fields=fields)
    name = response.body.decode().split("|")[0]
    assert name.startswith("/")
    assert site.json(f"file_exists('{name}')") is False


def test_bodies(site, same_script):
    for i in range(3):
        body = f"<b>{i}</b>" * 5000
        assert site.text("echo file_get_contents('php://input'), file_get_contents('php://input');", method="PUT", body=body.encode()) == body * 2
    assert site.json("[file_get_contents('php://input'), $_POST]") == ["", []]
    assert site.json("[file_get_contents('php://input'), $_POST]", method="POST", body=b"a=1", fields=FORM) == ["a=1", {"a": "1"}]


def test_a_body_that_the_script_keeps(site, same_script):
    """Frameworks hold the last request with its open php://input: it is closed, and nothing adds up."""
    keep = "$GLOBALS['kept'] = fopen('php://input', 'r'); fread($GLOBALS['kept'], 2);"
    counts = []
    for text in (b"aabb", b"ccdd", b"eeff", b"gghh"):
        site.text(keep, method="PUT", body=text)
        counts.append(site.json("[is_resource($GLOBALS['kept']), count(get_resources())]", method="PUT", body=b"x"))
    assert counts == [[False, counts[0][1]]] * 4


def test_finished_then_the_body(site, same_script):
    code = """echo 'answer'; var_dump(frankenphp_finish_request()); echo 'late';
    $GLOBALS['late'] = [frankenphp_finish_request(), file_get_contents('php://input'), connection_status(), headers_sent()];"""
    response = site.run(code, method="POST", body=b"{body}", fields=[("Content-Type", "application/json")])
    assert response.body == b"answer"
    assert site.json("$GLOBALS['late']") == [False, "{body}", 0, True]


# ---- errors


@pytest.mark.parametrize("display, text", [("0", b""), ("1", b"Uncaught Exception: oops"), ("stderr", b"")])
def test_uncaught_exceptions(launch, display, text):
    site = worker_php.start(launch, "-d", f"display_errors={display}", boot=BOOT)
    site.expect_fatal("Uncaught Exception: oops")
    first = state(site)
    response = site.run("throw new Exception('oops');")
    assert response.status == 500 and text in response.body and b"handler of the script" not in response.body
    assert (text == b"") == (response.body == b"")
    response = site.run("echo 'begun'; flush(); throw new Exception('oops');")
    assert response.status == 200 and response.body.startswith(b"begun")
    response = site.run("http_response_code(409); throw new Exception('oops');")
    assert response.status == 409
    assert state(site) == [first[0], first[1] + 4]


def test_exceptions_of_what_runs_at_the_end(site, same_script):
    broken = "ob_start(function () { throw new Exception('in the buffer'); }); echo 'x';"
    assert site.run(broken).body == b"x"
    assert site.run("header_register_callback(function () { throw new Exception('in the head'); });").status in (200, 500)
    handler = """session_set_save_handler(new class extends SessionHandler { function write($id, $data): bool { throw new Exception('in the session'); } });
    session_start(); $_SESSION['a'] = 1;"""
    assert site.run(handler).status == 500
    assert site.json("[session_status(), session_set_save_handler(new SessionHandler())]") == [1, True]


def test_display_errors_stderr_of_a_fatal_error(launch):
    site = worker_php.start(launch, boot="ini_set('display_errors', 'stderr');")
    site.expect_fatal("Cannot redeclare")
    site.expect_fatal("Call to undefined")
    first = state(site)[0]
    response = site.run("no_such_function();")
    assert (response.status, response.body) == (500, b"")
    assert state(site)[0] == first
    response = site.run("function twice() {} eval('function twice() {}');")
    assert (response.status, response.body) == (500, b"")
    assert state(site)[0] != first, "a fatal error ends the script"


def test_exit_ends_the_script_with_the_client_attached(site):
    first = state(site)[0]
    response = site.run("$GLOBALS['loud'] = new Loud(); http_response_code(500); echo 'dump;'; exit;")
    assert (response.status, response.body) == (500, b"dump;shutdown;destructed;")
    assert state(site)[0] != first


def test_exit_with_a_text_and_in_a_buffer(site):
    first = state(site)[0]
    assert site.run("ob_start(fn($t) => strtoupper($t)); exit('bye;');").body == b"BYE;SHUTDOWN;"
    assert state(site)[0] != first


def test_memory_limit(launch):
    site = worker_php.start(launch, "-d", "memory_limit=16M", boot=BOOT)
    site.expect_fatal("Allowed memory size")
    first = state(site)[0]
    assert site.run("$x = str_repeat('x', 50000000);").status == 500
    assert state(site)[0] != first
    assert site.text("echo strlen(str_repeat('x', 5000000));") == "5000000"


def test_stack_overflow_is_an_exception(site, same_script):
    site.expect_fatal("Maximum call stack size")
    code = "class Deep { function __toString() { return (string) preg_replace_callback('/x/', fn() => (string) new Deep, 'x'); } } echo new Deep;"
    assert site.run(code).status == 500
    nested = """$f = function ($n) use (&$f) { $x = new Fiber(fn() => $n > 0 ? $f($n - 1) : Fiber::suspend(1)); return $x->start(); };
    try { $f(20); echo 'deep'; } catch (Throwable $e) { echo get_class($e); }"""
    assert site.run(nested).status == 200


def test_warnings_reach_the_handler(site, same_script):
    site.text("$GLOBALS['seen'] = []; echo $undefined;")
    assert site.json("$GLOBALS['seen']") == ["Undefined variable $undefined"]


# ---- time


@pytest.mark.no_sanitizer  # PHP's timer is a signal, which the thread sanitizer hands on late
def test_a_time_limit_ends_the_script_with_500(launch):
    site = worker_php.start(launch)
    site.expect_fatal("Maximum execution time of 1 second exceeded")
    first = state(site)[0]
    assert site.run("set_time_limit(1); for (;;);").status == 500
    second = state(site)
    assert second[0] != first
    assert site.json("ini_get('max_execution_time')") == "30", "a fresh script"


def test_a_time_limit_counts_for_each_request_anew(launch):
    site = worker_php.start(launch, boot="set_time_limit(3);")
    first = state(site)[0]
    burn = "$until = hrtime(true) + 900_000_000; while (hrtime(true) < $until); echo ini_get('max_execution_time');"
    assert [site.text(burn) for _ in range(6)] == ["3"] * 6
    site.text("set_time_limit(7);")
    assert site.text("echo ini_get('max_execution_time');") == "7", "it stays, as all settings do"
    assert state(site)[0] == first


# ---- output


def test_buffers_left_open_are_flushed_and_end(site, same_script):
    assert site.text("ob_start(); ob_start(); echo 'left';") == "left"
    assert site.json("ob_get_level()") == 0


def test_output_buffering_of_the_settings(launch):
    site = worker_php.start(launch, "-d", "output_buffering=4096")
    assert site.json("[ob_get_level(), headers_sent()]") == [1, False]
    assert site.json("[ob_get_level(), ob_get_status()['buffer_size']]") == [1, 8192]


@pytest.mark.parametrize("handler", ["mb_output_handler", "ob_iconv_handler"])
def test_output_handlers_of_extensions(site, same_script, handler):
    if not site.json(f"function_exists('{handler}')"):
        pytest.skip(f"PHP has no {handler}")
    for _ in range(3):
        response = site.run(f"ob_start('{handler}'); echo 'J\u00fcrgen';")
        assert response.body == "J\u00fcrgen".encode()


def test_compressing_handler_asks_each_client(site, same_script):
    if not site.json("function_exists('ob_gzhandler')"):
        pytest.skip("PHP without zlib")
    code = "ob_start('ob_gzhandler'); echo str_repeat('a', 100);"
    assert site.run(code, fields=[("Accept-Encoding", "gzip")]).get("Content-Encoding") == "gzip"
    response = site.run(code)
    assert response.get("Content-Encoding") is None and response.body == b"a" * 100


def test_compression_of_the_settings(launch):
    site = worker_php.start(launch, "-d", "zlib.output_compression=1", "--compress-codings", "off")
    if not site.json("function_exists('ob_gzhandler')"):
        pytest.skip("PHP without zlib")
    for encoding in ("gzip", None, "gzip"):
        fields = [("Accept-Encoding", encoding)] if encoding else []
        assert site.run("echo str_repeat('a', 3000);", fields=fields).get("Content-Encoding") == encoding


def test_header_callbacks_are_called_once(site, same_script):
    assert site.run("header_register_callback(function () { header('X-Mine: 1'); });").get("X-Mine") == "1"
    assert site.run("echo 1;").get("X-Mine") is None


def test_heads_do_not_stay(site, same_script):
    assert site.run("http_response_code(418); header('X-A: 1'); header('Content-Type: text/plain');").status == 418
    response = site.run("echo 1;")
    assert response.status == 200 and response.get("X-A") is None and response.get("Content-Type").startswith("text/html")
    response = site.run("header('HTTP/1.1 404 Nothing');")
    assert response.status == 404
    assert site.run("").status == 200


def test_early_hints(site, same_script):
    for _ in range(2):
        response = site.run("header('Link: </a.css>; rel=preload'); $sent = headers_send(103); header_remove('Link'); echo $sent;")
        assert [interim.status for interim in response.interim] == [103]
        assert response.interim[0].get("Link") == "</a.css>; rel=preload" and response.get("Link") is None
        assert response.body == b"1"


def test_output_between_requests(launch):
    late = "echo 'after ', $GLOBALS['served']; header('X-Late: 1'); http_response_code(503); setcookie('late', 1);"
    site = worker_php.start(launch, boot="header('X-Boot: 1'); http_response_code(503); echo 'at boot';", after=late)
    site.server.wait_log("worker.output", where=lambda line: line["text"] == "at boot")
    for _ in range(2):
        response = site.run("echo 1;")
        assert (response.status, response.body) == (200, b"1")
        assert [response.get(name) for name in ("X-Boot", "X-Late", "Set-Cookie")] == [None, None, None]
    assert "headers already sent" not in site.server.log


def test_clients_that_leave(site, same_script):
    code = """$GLOBALS['left'] = 'began';
    while (connection_status() === 0) { echo str_repeat('x', 8192); flush(); usleep(1000); }
    $GLOBALS['left'] = [connection_status(), connection_aborted(), ignore_user_abort()];"""
    with site.server.connect() as wire:
        wire.request("/w.php", "GET", [worker_php.code_field(code)], None)
    wait_until(lambda: isinstance(site.json("$GLOBALS['left']"), list), "end of the request")
    assert site.json("[$GLOBALS['left'], connection_status()]") == [[1, 1, 1], 0]


def test_streams_of_the_process(site, same_script):
    for name in ("stdout", "stderr"):
        assert site.json(f"file_put_contents('php://{name}', \"to {name}\\n\")") > 0
    assert site.json("[defined('STDIN'), is_resource(fopen('php://stdin', 'r'))]") == [False, True]
    assert site.text("file_put_contents('php://output', 'x'); fwrite(fopen('php://output', 'w'), 'y');") == "xy"


# ---- the loop


def test_handling_inside_of_a_request(site, same_script):
    code = "try { frankenphp_handle_request(fn() => 1); } catch (RuntimeException $e) { echo $e->getMessage(); }"
    assert "while a request is being handled" in site.text(code)


def test_handling_while_the_script_ends(launch):
    """A destructor at the very end finds that there are no more requests; it does not wait for one."""
    boot = """$GLOBALS['x'] = new class { function __destruct() {
        try { $again = frankenphp_handle_request(fn() => 1); } catch (RuntimeException $e) { $again = $e->getMessage(); }
        error_log('again: ' . json_encode($again)); } };"""
    site = worker_php.start(launch, boot=boot, after="if ($GLOBALS['served'] === 2) break;")
    first = state(site)[0]
    site.run("")
    assert state(site)[0] != first
    site.server.wait_log("php.message", where=lambda line: line["message"] == "again: false")
    site.run("exit;")
    site.server.wait_log("php.message", where=lambda line: "while a request is being handled" in line["message"])


def test_false_stays_false(launch):
    end = "error_log('false: ' . json_encode([frankenphp_handle_request($callback), frankenphp_handle_request($callback)]));"
    site = worker_php.start(launch, end=end)
    first = site.json("[$GLOBALS['boot_id'], opcache_reset()]")[0]
    wait_until(lambda: state(site)[0] != first, "boot")
    site.server.wait_log("php.message", where=lambda line: line["message"] == "false: [false,false]")


def test_shutdown_functions_run_at_the_end_of_the_script(site, same_script):
    assert site.text("register_shutdown_function(function () { error_log('of a request'); }); echo 1;") == "1"
    assert site.json("$GLOBALS['at_shutdown'] ?? null") is None


def test_fibers(site, same_script):
    code = """$fiber = new Fiber(function () { echo 'a'; $x = Fiber::suspend('b'); echo $x; throw new LogicException('d'); });
    echo $fiber->start(); try { $fiber->resume('c'); } catch (LogicException $e) { echo $e->getMessage(); }"""
    assert site.text(code) == "abcd"
    assert site.text("$GLOBALS['open'] = new Fiber(function () { Fiber::suspend(); echo 'later'; }); $GLOBALS['open']->start(); echo 1;") == "1"
    assert site.text("$GLOBALS['open']->resume();") == "later"
    assert site.run("(new Fiber(function () { throw new Exception('uncaught in a fiber'); }))->start();").status == 500


def test_ignored_aborts_and_return_values(site, same_script):
    assert site.text("return false;") == ""
    assert site.text("return new class { function __destruct() { echo 'gone'; } };") == "gone"
    assert site.json("ignore_user_abort()") == 1


# ---- sessions


def cookie(response):
    return re.search(r"PHPSESSID=([^;]*)", response.get("Set-Cookie") or "").group(1)


def test_sessions_belong_to_their_clients(site):
    use = "session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; echo session_id(), ' ', $_SESSION['n'];"
    mine = cookie(site.run(use))
    other = site.run(use)
    assert cookie(other) != mine and other.body.endswith(b" 1")
    assert site.run(use, fields=[("Cookie", f"PHPSESSID={mine}")]).body == f"{mine} 2".encode()
    assert site.json("[session_status(), session_id(), isset($_SESSION)]") == [1, "", False]
    # exit with an open session
    response = site.run("session_start(); $_SESSION['secret'] = 1; exit;")
    secret = cookie(response)
    assert site.json("[session_status(), session_id(), $_SESSION ?? null]") == [1, "", None]
    assert site.run("session_start(); echo json_encode($_SESSION);").body == b"[]"
    assert site.run("session_start(); echo json_encode($_SESSION);", fields=[("Cookie", f"PHPSESSID={secret}")]).body == b'{"secret":1}'


@pytest.mark.parametrize("kind", ["object", "functions"])
def test_save_handlers_of_the_boot_are_kept(launch, kind):
    boot = """
    class Store implements SessionHandlerInterface {
        public array $data = [];
        function open($p, $n): bool { return true; } function close(): bool { return true; }
        function read($id): string { return $this->data[$id] ?? ''; }
        function write($id, $d): bool { $this->data[$id] = $d; return true; }
        function destroy($id): bool { unset($this->data[$id]); return true; } function gc($m): int { return 0; }
    }
    $GLOBALS['store'] = new Store();
    """
    boot += (
        "session_set_save_handler($GLOBALS['store'], false);"
        if kind == "object"
        else "$s = $GLOBALS['store']; @session_set_save_handler([$s, 'open'], [$s, 'close'], [$s, 'read'], [$s, 'write'], [$s, 'destroy'], [$s, 'gc']);"
    )
    site = worker_php.start(launch, boot=boot)
    use = "session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; echo $_SESSION['n'];"
    mine = cookie(site.run(use))
    for expected in (b"2", b"3"):
        assert site.run(use, fields=[("Cookie", f"PHPSESSID={mine}")]).body == expected
    assert list(site.json("$GLOBALS['store']->data")) == [mine]


def test_sessions_that_start_by_themselves(launch):
    site = worker_php.start(launch, "-d", "session.auto_start=1")
    first = site.run("$_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; echo $_SESSION['n'];")
    assert first.body == b"1"
    again = site.run("$_SESSION['n']++; echo $_SESSION['n'];", fields=[("Cookie", f"PHPSESSID={cookie(first)}")])
    assert again.body == b"2"
    assert cookie(site.run("")) != cookie(first)


def test_a_session_of_the_boot_is_closed(launch):
    site = worker_php.start(launch, boot="session_id('ofboot'); session_start(); $_SESSION['a'] = 1;", threads=2)
    assert site.json("[session_status(), isset($_SESSION)]") == [1, False]
    assert site.text("session_id('ofboot'); session_start(); echo json_encode($_SESSION);") == '{"a":1}'


# ---- memory


POST = {"method": "POST", "body": b"a=1&b=2", "fields": [*FORM, ("Cookie", "c=d")]}
JSON = {"method": "POST", "body": b"{}" * 1000, "fields": [("Content-Type", "application/json")]}


@pytest.mark.no_sanitizer
@pytest.mark.parametrize(
    "code, suffix, options",
    [
        ("", "?a=1&b[]=2", {}),
        ("", "", POST),
        ("file_get_contents('php://input');", "", JSON),
        ("$GLOBALS['last'] = fopen('php://input', 'r');", "", JSON),
        ("header('X-A: b'); http_response_code(201); ob_start(); echo 'x';", "", {}),
        ("session_start(); $_SESSION['a'] = str_repeat('x', 1000); session_destroy();", "", {}),
        ("header_register_callback(function () {}); ob_start(fn($t) => $t);", "", {"fields": [("Authorization", "Basic dTpw")]}),
        ("filter_input(INPUT_GET, 'a'); filter_input(INPUT_SERVER, 'HTTP_HOST'); $_REQUEST;", "?a=1", {}),
        ("try { throw new Exception(); } finally { return; }", "", {}),
    ],
)
def test_memory_stays(launch, code, suffix, options):
    """A byte for each request would be seen."""
    script = f"if (isset($_SERVER['HTTP_X_MEMORY'])) {{ echo memory_get_usage(); return; }} {code}"
    site = worker_php.start(launch, before=script)
    fields = list(options.get("fields", ()))
    options = {**options, "fields": fields}

    def run(count):
        with site.server.connect() as wire:
            for _ in range(count):
                wire.request("/w.php" + suffix, options.get("method", "GET"), fields, options.get("body"))
                wire.expect_response()

    def used():
        return int(site.server.fetch("/w.php", fields=[("X-Memory", "1")]).body)

    run(20)
    before = used()
    run(1000)
    assert used() - before < 1000
