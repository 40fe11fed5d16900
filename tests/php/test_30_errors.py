"""Errors: what the client sees, what the log says, and that the server goes on.

SPDX-License-Identifier: MIT
"""

import pytest


def survives(site, count=3):
    for _ in range(count):
        assert site.run("echo 'fine';").text == "fine"


# ---- fatal errors


@pytest.mark.parametrize(
    "code, message",
    [
        ("undefined_function();", "Call to undefined function undefined_function()"),
        ("throw new LogicException('thrown by the test');", "Uncaught LogicException: thrown by the test"),
        ("function f(int $x) {} f('no number');", "must be of type int, string given"),
        ("trigger_error('user error', E_USER_ERROR);", "user error"),
        ("$x = ;", "syntax error"),
        ("class A { function f(); }", "must contain body"),
        ("require 'not-there.php';", "Failed opening required 'not-there.php'"),
        ("ini_set('memory_limit', '8M'); $x = str_repeat('x', 100000000);", "Allowed memory size of 8388608 bytes exhausted"),
        ("ini_set('memory_limit', '8M'); while (true) $a[] = str_repeat('x', 1000);", "Allowed memory size of 8388608 bytes"),
        ("function f() { array_map('f', [1]); } f();", "Maximum call stack size"),
        ("set_error_handler(function () { throw new Exception('from the handler'); }); echo $undefined;", "from the handler"),
        ("register_shutdown_function(function () { throw new Exception('in the shutdown function'); });", "in the shutdown function"),
        ("class D { function __destruct() { throw new Exception('in the destructor'); } } $d = new D;", "in the destructor"),
    ],
)  # fmt: skip
def test_fatal_is_500_without_body(php, code, message):
    php.expect_fatal(message)
    mark = php.server.mark()
    response = php.run(code)
    assert (response.status, response.body) == (500, b"")
    line = php.server.wait_log("php.message", after=mark, where=lambda line: message in line["message"])
    assert line.level == "ERROR" and len(line["request_id"]) > 8 and line["script"].endswith(".php")
    survives(php)


def test_fatal_after_output_keeps_what_was_sent(php):
    php.expect_fatal("after_output")
    response = php.run("http_response_code(202); echo 'before'; flush(); after_output();")
    assert (response.status, response.text) == (202, "before")


def test_status_of_the_script_wins(php):
    php.expect_fatal("with_status")
    assert php.run("http_response_code(503); with_status();").status == 503


def test_exception_handler(php):
    code = "set_exception_handler(function ($e) { http_response_code(418); echo $e->getMessage(); }); throw new Exception('caught');"
    response = php.run(code)
    assert (response.status, response.text) == (418, "caught")


def test_errors_are_shown_when_asked_for(launch_php):
    site = launch_php("-d", "display_errors=1", "-d", "html_errors=0")
    site.expect_fatal("shown_error")
    response = site.run("echo 'a'; shown_error();")
    assert response.status == 200 and "Uncaught Error: Call to undefined function shown_error()" in response.text


def test_start_up_errors_reach_the_log(launch_php):
    site = launch_php("-d", "extension=no_such_extension")
    line = site.server.wait_log("php.message")
    assert "no_such_extension" in line["message"] and "request_id" not in line.fields
    survives(site)


# ---- display_errors=stderr


def test_stderr_is_not_the_client(launch_php):
    site = launch_php("-d", "display_errors=stderr", "-d", "log_errors=0")
    mark = site.server.mark()
    response = site.run("trigger_error('for stderr'); stderr_fatal();")
    assert (response.status, response.body) == (500, b"")
    site.server.wait_log("php.message", after=mark, where=lambda line: "for stderr" in line["message"])
    site.server.wait_log("php.message", after=mark, where=lambda line: "stderr_fatal" in line["message"])


def test_stderr_at_run_time(php):
    php.expect_fatal("stderr_at_run_time")
    code = "ini_set('display_errors', 'stderr'); header('X-Value: '.ini_get('display_errors')); stderr_at_run_time();"
    response = php.run(code)
    assert (response.status, response.body, response.get("X-Value")) == (500, b"", "stderr")
    assert php.json("ini_get('display_errors')") == "0"


# ---- messages


@pytest.mark.parametrize(
    "code, level, text",
    [
        ("error_log('from error_log');", "INFO", "from error_log"),
        ("trigger_error('a notice');", "INFO", "PHP Notice:  a notice"),
        ("trigger_error('a warning', E_USER_WARNING);", "WARN", "PHP Warning:  a warning"),
        ("trigger_error('old', E_USER_DEPRECATED);", "INFO", "PHP Deprecated:  old"),
        ("echo $undefined_variable;", "WARN", "Undefined variable $undefined_variable"),
        ("error_log(\"line 1\\nline 2\\x01\");", "INFO", "line 1\\nline 2"),
    ],
)
def test_message_is_logged(php, code, level, text):
    mark = php.server.mark()
    response = php.run(code + "echo phpsrv_request_id();")
    line = php.server.wait_log("php.message", after=mark, where=lambda line: text in line["message"])
    assert line.level == level and line["request_id"] in response.text


def test_suppressed_messages_are_not_logged(php):
    mark = php.server.mark()
    php.run("@trigger_error('suppressed'); error_reporting(0); trigger_error('switched off'); error_log('the end');")
    php.server.wait_log("php.message", after=mark, where=lambda line: line["message"] == "the end")
    assert "suppressed" not in php.server.log and "switched off" not in php.server.log


def test_error_log_file(launch_php, tmp_path):
    log = tmp_path / "php.log"
    site = launch_php("-d", f"error_log={log}")
    site.run("trigger_error('into the file');")
    assert "PHP Notice:  into the file" in log.read_text()
    assert "into the file" not in site.server.log


def test_stderr_stream(php):
    php.run("file_put_contents('php://stderr', \"raw line of the script\\n\");")
    php.server.wait_line("^raw line of the script$")


def test_stdout_stream_is_not_the_response(php):
    assert php.run("file_put_contents('php://stdout', 'not for the client'); echo 'response';").text == "response"


# ---- exit


@pytest.mark.parametrize(
    "code, expected",
    [
        ("echo 'a'; exit;", "a"),
        ("echo 'a'; exit('b');", "ab"),
        ("echo 'a'; exit(7);", "a"),
        ("echo 'a'; die('b'); echo 'c';", "ab"),
        ("register_shutdown_function(function () { echo 'c'; }); echo 'a'; exit('b');", "abc"),
        ("function f() { try { exit('x'); } finally { echo 'never'; } } f();", "x"),
        ("ob_start(); echo 'a'; exit('b');", "ab"),
    ],
)
def test_exit(php, code, expected):
    response = php.run(code)
    assert (response.status, response.text) == (200, expected)


# ---- scripts that are not there


def test_script_that_is_gone(php):
    """The router may remember a script that has been deleted since."""
    target = php.script("echo 'there';")
    assert php.server.fetch(target).text == "there"
    php.server.expect_log("Failed opening required")
    (php.server.docroot / target[1:]).unlink()
    assert php.server.fetch(target).status in (200, 404)
    survives(php)


def test_broken_requests_do_not_wear_workers_out(launch_php):
    """Each of these leaves the engine through another door."""
    site = launch_php(workers=1)
    for text in ("Allowed memory size", "worn_out", "Maximum call stack", "thrown"):
        site.expect_fatal(text)
    targets = [
        site.script(code)
        for code in (
            "ini_set('memory_limit', '6M'); while (true) $a[] = str_repeat('x', 1000);",
            "worn_out();",
            "function f() { array_map('f', [1]); } f();",
            "(new Fiber(function () { throw new Exception('thrown'); }))->start();",
            "ob_start(function ($x) { throw new Exception('thrown'); }); echo 'x';",
            "session_start(); $_SESSION['o'] = 1; worn_out();",
        )
    ]
    for _ in range(20):
        for target in targets:
            assert site.server.fetch(target).status == 500
    survives(site)
    assert site.server.metrics()["phpsrv_php_threads"] == 1
