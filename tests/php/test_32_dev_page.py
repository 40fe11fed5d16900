"""Development mode's error page: every kind of failure, who goes first, what is never shown, and never without --dev.

SPDX-License-Identifier: MIT
"""

import html
import json
import re

import pytest

HTML = [("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")]
MARK = "This page is shown because the server runs in development mode"

PHP_ARGUMENTS = ("--dev", "--log-access", "off")

FAILURES = [
    ("undefined_function();", "Error", "Call to undefined function undefined_function()"),
    ("throw new LogicException('thrown by the test', 7);", "LogicException (code 7)", "thrown by the test"),
    ("function f(int $x) {} f('no number');", "TypeError", "must be of type int, string given"),
    ("trigger_error('user error', E_USER_ERROR);", "User error", "user error"),
    ("$x = ;", "ParseError", "syntax error"),
    ("class A { function f(); }", "Fatal error", "must contain body"),
    ("require 'not-there.php';", "Error", "Failed opening required"),
    ("ini_set('memory_limit', '8M'); while (true) $a[] = str_repeat('x', 1000);", "Fatal error", "Allowed memory size of 8388608 bytes"),
    # it calls the C library, where the thread sanitizer lets the timer's signal through
    ("set_time_limit(1); while (true) microtime();", "Fatal error", "Maximum execution time of 1 second exceeded"),
    ("set_error_handler(function () { throw new Exception('from the handler'); }); echo $undefined;", "Exception", "from the handler"),
    ("register_shutdown_function(function () { throw new Exception('in the shutdown function'); });", "Exception", "in the shutdown function"),
    ("class D { function __destruct() { throw new Exception('in the destructor'); } } $d = new D;", "Exception", "in the destructor"),
    ("ob_start(); echo 'buffered'; throw new Exception('below a buffer');", "Exception", "below a buffer"),
    ("(function () { yield 1; throw new Exception('in a generator'); })()->next();", "Exception", "in a generator"),
    ("$f = new Fiber(function () { throw new Exception('in a fiber'); }); $f->start();", "Exception", "in a fiber"),
    ("eval('throw new Exception(\"in evaluated code\");');", "Exception", "in evaluated code"),
]  # fmt: skip


@pytest.mark.parametrize("code, kind, message", FAILURES)
def test_every_failure_has_its_page(php, code, kind, message):
    php.expect_fatal(message)
    response = php.run("echo 'what came before';\n" + code, fields=HTML)
    assert response.status == 500 and response.get("Content-Type") == "text/html; charset=UTF-8"
    text = html.unescape(response.text)
    assert MARK in text and message in text
    assert re.search(rf'<div class="kind">{re.escape(kind)}</div>', text), text[:4000]
    assert "what came before</" not in response.text and "<b>Fatal error</b>" not in response.text
    assert "no-store" in response.get("Cache-Control") and "default-src 'none'" in response.get("Content-Security-Policy")
    assert php.run("echo 'fine', ini_get('display_errors');").text == "fine1"


def test_the_line_is_marked_and_the_trace_has_excerpts(php):
    php.expect_fatal("deep down")
    code = "// first\nfunction outer($a) {\n    inner($a, ['x']);\n}\nfunction inner($a, $b) {\n    throw new RuntimeException('deep down');\n}\nouter('arg');\n"
    text = html.unescape(php.run(code, fields=HTML).text)
    marked = re.findall(r'<span class="l m" data-n="(\d+)">(.*?)\n</span>', text, re.S)
    plain = [(number, re.sub("<[^>]+>", "", line).strip()) for number, line in marked]
    assert plain == [("7", "throw new RuntimeException('deep down');"), ("4", "inner($a, ['x']);"), ("9", "outer('arg');")]
    assert "inner('arg', array(1))" in text and "outer('arg')" in text
    assert '<span class="k">throw</span>' in text and text.count("<details") == 2


def test_previous_exceptions_are_shown(php):
    php.expect_fatal("the outer one")
    code = (
        "try { try { throw new LogicException('the inmost'); } catch (Exception $e) { throw new DomainException('the middle', 0, $e); } }"
        " catch (Exception $e) { throw new RuntimeException('the outer one', 0, $e); }"
    )
    text = php.run(code, fields=HTML).text
    assert re.findall(r'<span class="kind">(\w+)</span> ([^<]+)<', text) == [("DomainException", "the middle"), ("LogicException", "the inmost")]
    problem = json.loads(php.run(code, fields=[("Accept", "application/json")]).body)
    assert [p["class"] for p in problem["previous"]] == ["DomainException", "LogicException"]


def test_what_was_thrown_and_caught_meanwhile_is_not_it(php):
    php.expect_fatal("the real one")
    code = "try { throw new Exception('the real one'); } finally { try { throw new Exception('a side show'); } catch (Exception $e) {} }"
    problem = json.loads(php.run(code, fields=[("Accept", "application/json")]).body)
    assert problem["detail"] == "the real one"


def test_notices_of_the_request_are_listed(php):
    php.expect_fatal("after notices")
    code = "for ($i = 0; $i < 3; $i++) echo $nothing; echo @$hidden; trigger_error('old', E_USER_DEPRECATED); throw new Exception('after notices');"
    problem = json.loads(php.run(code, fields=[("Accept", "application/problem+json")]).body)
    assert [(n["kind"], n["message"], n["count"]) for n in problem["notices"]] == [
        ("Warning", "Undefined variable $nothing", 3),
        ("Deprecated", "old", 1),
    ]


# ---- forms


def test_json_for_programs_and_text_for_terminals(php):
    php.expect_fatal("for all")
    code = 'throw new Exception("for all \\" \\\\ \\x1b[31m \\xff");'
    response = php.run(code, fields=[("Accept", "application/json")])
    problem = json.loads(response.body)
    assert response.get("Content-Type") == "application/problem+json" and response.status == 500
    assert (problem["status"], problem["exception"]["class"], problem["exception"]["line"]) == (500, "Exception", 2)
    assert problem["detail"].startswith('for all " \\ ') and problem["request_id"]
    response = php.run(code)
    assert response.get("Content-Type") == "text/plain; charset=UTF-8" and response.status == 500
    assert response.text.startswith('Exception: for all " \\ ?[31m ?\n  at /') and " >     2 | throw new" in response.text
    assert "\x1b" not in response.text


def test_head_has_no_body(php):
    php.expect_fatal("for head")
    response = php.run("echo 'x'; throw new Exception('for head');", method="HEAD", fields=HTML)
    assert (response.status, response.body) == (500, b"")


# ---- the application goes first


@pytest.mark.parametrize(
    "handler",
    [
        "set_exception_handler(function ($e) { http_response_code(418); echo 'mine'; });",
        "register_shutdown_function(function () { if (error_get_last()) { http_response_code(418); echo 'mine'; } });",
        "ob_start(); register_shutdown_function(function () { while (ob_get_level()) ob_end_clean(); http_response_code(418); echo 'mine'; });",
    ],
)
def test_own_handlers_keep_their_page(php, handler):
    php.server.expect_log("php.message")
    response = php.run(handler + " throw new Exception('handled');", fields=HTML)
    assert response.status == 418 and "mine" in response.text and MARK not in response.text


@pytest.mark.parametrize(
    "answer",
    ["header('X-Own: 1'); echo 'own';", "echo str_repeat('own page ', 20);", "header('HTTP/1.1 500 Oops'); header('Content-Type: text/html'); echo 'own';"],
)
def test_a_shutdown_function_that_answers_is_left_alone(php, answer):
    php.expect_fatal("left alone")
    response = php.run(f"register_shutdown_function(function () {{ {answer} }}); throw new Exception('left alone');", fields=HTML)
    assert response.status == 500 and "own" in response.text and MARK not in response.text


def test_a_footer_is_no_answer(php):
    php.expect_fatal("with a footer")
    response = php.run("register_shutdown_function(function () { echo '<!-- 3 ms -->'; }); throw new Exception('with a footer');", fields=HTML)
    assert response.status == 500 and MARK in response.text


def test_an_error_handler_that_throws_is_caught_by_the_script(php):
    code = "set_error_handler(fn ($n, $m) => throw new ErrorException($m)); try { echo $nothing; } catch (ErrorException $e) { echo 'caught'; }"
    assert php.run(code, fields=HTML).text.startswith("caught")


def test_a_status_of_the_script_is_no_page(php):
    response = php.run("http_response_code(500); echo 'all right';")
    assert (response.status, response.text) == (500, "all right")


def test_a_script_that_is_gone_is_404(php):
    path = php.script("echo 1;")
    (php.server.docroot / path[1:]).unlink()
    assert php.server.fetch(path, fields=HTML).status == 404


def test_other_origins_may_read_it_as_the_answer_itself(php):
    php.expect_fatal("across")
    code = "header('Access-Control-Allow-Origin: http://localhost:5173'); header('X-Own: 1'); setcookie('a', 'b'); throw new Exception('across');"
    response = php.run(code, fields=[("Accept", "application/json")])
    assert response.status == 500 and response.get("Access-Control-Allow-Origin") == "http://localhost:5173"
    assert response.get("X-Own") is None and response.get("Set-Cookie") is None


# ---- half sent responses


def test_after_a_flush_a_note_is_appended(php):
    php.expect_fatal("too <late>")
    response = php.run("echo '<p>begun'; flush(); throw new Exception('too <late>');", fields=HTML)
    assert response.status == 200 and response.text.startswith("<p>begun")
    assert "Exception: too &lt;late&gt;" in response.text and "<b>Fatal error</b>" not in response.text


def test_after_a_flush_other_types_stay_clean(php):
    php.expect_fatal("clean_end")
    response = php.run("ini_set('display_errors', 0); header('Content-Type: application/json'); echo '{}'; flush(); clean_end();")
    assert response.body == b"{}"


def test_a_promised_length_is_kept(php):
    php.expect_fatal("promised")
    response = php.run("header('Content-Length: 4'); echo 'four'; flush(); throw new Exception('promised');", fields=HTML)
    assert response.body == b"four"
    response = php.run("header('Content-Length: 4'); echo 'four'; throw new Exception('promised');", fields=HTML)
    assert response.status == 500 and int(response.get("Content-Length")) == len(response.body) > 1000


def test_a_finished_response_stays(php):
    php.expect_fatal("afterwards")
    response = php.run("echo 'done'; phpsrv_finish_request(); throw new Exception('afterwards');")
    assert (response.status, response.text) == (200, "done")


# ---- what is not shown, and what cannot get in

EVIL = "<script>alert(1)</script>\"'&"


def test_everything_is_escaped(php):
    php.expect_fatal("alert")
    name = "a<img src=x onerror=alert(2)>'&.php"
    code = (
        "function f($x) { trigger_error($x); throw new Exception($x, 0, new Exception($x)); }"
        f" f({json.dumps(EVIL)[:-1]}\");".replace('"<', "'<", 1).replace("\\\"'&\"", "\"\\'&'")
    )
    path = php.script(code, name)
    query = "?%3Cscript%3E=1&<script>alert(3)</script>=1&x[<b>]=1"
    fields = [*HTML, ("X-Evil", EVIL), ("User-Agent", "<svg onload=alert(4)>"), ("Referer", "javascript:'<i>")]
    target = "/" + "".join(c if c.isalnum() or c in "./" else f"%{ord(c):02X}" for c in path[1:])
    response = php.server.fetch(target + query.replace("<", "%3C").replace(">", "%3E"), fields=fields)
    assert response.status == 500 and "alert(1)" in response.text and "alert(4)" in response.text, response
    body = response.text.replace('<script src="/.phpsrv/live-reload.js" defer></script>', "")
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!][a-zA-Z0-9]*)", body))
    allowed = "!DOCTYPE html head meta title style body main header div h1 h2 span b pre details summary p table tr th td br code footer"
    assert tags - set(allowed.split()) == set()
    assert "onerror=alert(2)>" not in body


def test_secrets_of_the_request_are_masked(php):
    php.expect_fatal("masked")
    secrets = [("Authorization", "Bearer s3cr3t-1"), ("Cookie", "sid=s3cr3t-2"), ("X-Api-Key", "s3cr3t-3"), ("X-CSRF-Token", "s3cr3t-4"),
               ("Proxy-Authorization", "Basic s3cr3t-5"), ("Content-Type", "application/x-www-form-urlencoded")]  # fmt: skip
    code = "function f(#[SensitiveParameter] $p) { throw new Exception('masked'); } f('s3cr3t-6');".replace("'s3cr3t-6'", "getenv('HOME') . 'arg-6'")
    response = php.run(code, "?shown=1", method="POST", body=b"field=value-of-post", fields=[*HTML, *secrets])
    assert MARK in response.text and "s3cr3t" not in response.text and "value-of-post" not in response.text
    assert "arg-6</" not in response.text and "SensitiveParameterValue" in response.text
    assert response.text.count("not shown") == 5 and "$_GET</th><td>shown<" in response.text and "$_POST</th><td>field<" in response.text


def test_deadline_page_tells_where_the_script_was(launch_php):
    site = launch_php("--dev", "--request-timeout-ms", "300ms", "--log-access", "off")
    site.expect_fatal("Request deadline exceeded")
    code = "function sleepy($x) { while (true) usleep(1000); } sleepy(1);"
    response = site.run(code, fields=HTML)
    assert response.status == 504 and "sleepy()" in response.text and MARK in response.text
    assert "sleepy()" in json.loads(site.run(code, fields=[("Accept", "application/json")]).body)["trace"]
    assert "#1 sleepy()" in site.run(code).text


# ---- settings


def test_settings_of_development(php):
    expected = {"display_errors": "1", "html_errors": "1", "opcache.revalidate_freq": "0", "opcache.validate_timestamps": "1",
                "opcache.file_update_protection": "2", "realpath_cache_ttl": "1", "opcache.enable": "1"}  # fmt: skip
    values = php.json("array_map('ini_get', " + json.dumps(list(expected)).replace('"', "'") + ")")
    assert dict(zip(expected, values)) == expected
    assert php.json("error_reporting() === E_ALL && opcache_get_status() !== false")


def test_what_the_user_sets_wins(launch_php, tmp_path):
    (tmp_path / "php.ini").write_text("html_errors=0\nerror_reporting=E_ALL & ~E_NOTICE\n")
    site = launch_php("--dev", "--php-ini", tmp_path / "php.ini", "-d", "display_errors=0", "--log-access", "off")
    assert site.json("[ini_get('html_errors'), error_reporting(), ini_get('display_errors')]") == ["0", 30719 & ~8, "0"]
    site.expect_fatal("still a page")
    assert MARK in site.run("throw new Exception('still a page');", fields=HTML).text


@pytest.mark.parametrize("base, own", [("0", "1"), ("1", "0"), ("1", "1"), ("0", "0")])
def test_display_errors_is_as_before_afterwards(launch_php, base, own):
    site = launch_php("--dev", "-d", "display_errors=" + base, "-d", "html_errors=0", "--log-access", "off", workers=1)
    site.expect_fatal("between")
    shown = "Warning: Undefined variable $nothing" in site.run("echo $nothing;").text
    assert shown == (base == "1")
    for code in (f"ini_set('display_errors', '{own}');", "", "register_shutdown_function(fn () => ini_set('display_errors', '1'));"):
        assert site.run(code + " throw new Exception('between');").status == 500
        assert ("Warning: Undefined variable $nothing" in site.run("echo $nothing;").text) == shown


def test_a_changed_script_runs_at_once(php):
    path = php.script("echo 1;")
    for number in range(1, 6):
        php.script(f"echo {number};", path[1:])
        assert php.server.fetch(path).text == str(number)


# ---- never without --dev


@pytest.mark.parametrize("code, kind, message", FAILURES[:8])
def test_never_without_dev(launch_php, code, kind, message):
    site = launch_php("-d", "display_errors=1", "-d", "error_reporting=E_ALL", "--log-level", "debug")
    site.expect_fatal(message)
    for accept in (HTML, [("Accept", "application/json")], []):
        response = site.run(code, fields=accept)
        assert MARK not in response.text and 'class="l m"' not in response.text and '"exception":' not in response.text
        assert "live-reload" not in response.text
    assert site.server.fetch("/.phpsrv/live-reload.js").status == 404
    assert not [line for line in site.server.log_lines() if " dev." in line]
