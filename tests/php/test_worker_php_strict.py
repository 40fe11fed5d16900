"""reset = "strict": each request finds settings, handlers and the like as the script has left them at boot.

SPDX-License-Identifier: MIT
"""

import pytest
import worker_php

# What a request changes, and the expression that shows it.
CHANGES = {
    "ini": ("ini_set('precision', 5); ini_set('memory_limit', '64M');", "[ini_get('precision'), ini_get('memory_limit')]"),
    "ini of the boot": ("ini_set('user_agent', 'request');", "ini_get('user_agent')"),
    "ini restored": ("ini_restore('user_agent'); ini_restore('date.timezone');", "[ini_get('user_agent'), ini_get('date.timezone')]"),
    "error_reporting": ("error_reporting(0);", "error_reporting()"),
    "max_execution_time": ("set_time_limit(5);", "ini_get('max_execution_time')"),
    "session settings": ("session_name('OWN'); session_start(); session_write_close(); session_cache_limiter('public');", "[session_name(), session_cache_limiter()]"),
    "options of session_start()": (
        "session_start(['name' => 'OPTION', 'gc_maxlifetime' => 77]); session_write_close();",
        "[session_name(), ini_get('session.gc_maxlifetime')]",
    ),
    "default_mimetype": ("ini_set('default_mimetype', '');", "ini_get('default_mimetype')"),
    "assertions": ("ini_set('assert.exception', 0);", "ini_get('assert.exception')"),
    "locale": ("setlocale(LC_ALL, 'C.UTF-8', 'C.utf8');", "setlocale(LC_ALL, 0)"),
    "working directory": ("chdir('/');", "getcwd()"),
    "umask": ("umask(0111);", "umask()"),
    "time zone": ("date_default_timezone_set('Asia/Tokyo');", "date_default_timezone_get()"),
    "mbstring": (
        "mb_internal_encoding('ISO-8859-1'); mb_language('ja'); mb_substitute_character(0x2a); mb_detect_order('ASCII');",
        "[mb_internal_encoding(), mb_language(), mb_substitute_character(), mb_detect_order(), mb_http_output()]",
    ),
    "libxml": ("libxml_use_internal_errors(true); simplexml_load_string('<a');", "[libxml_use_internal_errors(), count(libxml_get_errors())]"),
    "stream context": ("stream_context_set_default(['http' => ['method' => 'PUT']]);", "stream_context_get_options(stream_context_get_default())"),
    "environment": ("putenv('OWN=1'); putenv('OF_BOOT=2'); putenv('PLAIN');", "[getenv('OWN'), getenv('OF_BOOT'), getenv('PLAIN')]"),
    "$_ENV": ("$_ENV['OWN'] = 1; unset($_ENV['PLAIN']);", "[$_ENV['OWN'] ?? null, $_ENV['PLAIN']]"),
    "error handler": (
        "set_error_handler(function () { return true; }); set_error_handler(fn() => true, E_NOTICE);",
        "[set_error_handler($h = fn() => 1)(), restore_error_handler(), set_error_handler($h) !== null, restore_error_handler()]",
    ),
    "error handler taken away": ("restore_error_handler(); restore_error_handler();", "[set_error_handler($h = fn() => 1)(), restore_error_handler()]"),
    "exception handler": ("set_exception_handler(fn() => 1); set_exception_handler(null);", "[set_exception_handler($h = fn() => 1)(), restore_exception_handler()]"),
    "autoloaders": ("spl_autoload_register(fn() => 1); spl_autoload_register(fn() => 2);", "count(spl_autoload_functions())"),
    "autoloader taken away": ("spl_autoload_unregister($GLOBALS['loader']);", "count(spl_autoload_functions())"),
    "folder": ("opendir('/');", "(function () { try { return readdir(); } catch (TypeError $e) { return 'none'; } })()"),
    "last error": ("@trigger_error('of the request'); @file('/no/such');", "error_get_last()"),
}  # fmt: skip

BOOT = """
ini_set('user_agent', 'boot'); ini_set('date.timezone', 'Europe/Berlin');
set_error_handler(fn() => 'first of boot'); set_error_handler(fn() => 'second of boot', E_WARNING);
set_exception_handler(fn() => 'exceptions of boot');
spl_autoload_register($GLOBALS['loader'] = fn($name) => null);
putenv('OF_BOOT=1'); umask(022); mb_internal_encoding('UTF-8');
"""
ENVIRONMENT = {"PLAIN": "of the process"}
ARGUMENTS = ("-d", "variables_order=EGPCS")


@pytest.fixture(scope="module")
def strict(launch_module):
    return worker_php.start(launch_module, "--worker-reset", "strict", *ARGUMENTS, boot=BOOT, env=ENVIRONMENT)


@pytest.fixture(scope="module")
def compat(launch_module):
    return worker_php.start(launch_module, *ARGUMENTS, boot=BOOT, env=ENVIRONMENT)


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_put_back(strict, name):
    change, show = CHANGES[name]
    before = strict.json(show)
    for _ in range(2):
        assert strict.run(change).status == 200
        assert strict.json(show) == before
    boot = strict.json("$GLOBALS['boot_id']")
    strict.run(change + "throw new Exception('after the change');")
    assert strict.json(show) == before and strict.json("$GLOBALS['boot_id']") == boot
    strict.expect_fatal("after the change")


KEPT = set(CHANGES) - {"session settings", "error handler", "error handler taken away", "exception handler", "libxml", "last error", "tokens"}


@pytest.mark.parametrize("name", sorted(KEPT))
def test_the_changes_are_changes(launch, name):
    """With reset = "compat" each of them stays: else the test above would not fail."""
    change, show = CHANGES[name]
    site = worker_php.start(launch, *ARGUMENTS, boot=BOOT, env=ENVIRONMENT)
    before = site.json(show)
    site.text(change)
    assert site.json(show) != before


def test_the_seed_is_not_the_last_requests(strict):
    first = strict.text("mt_srand(7); echo mt_rand();")
    second = strict.text("echo mt_rand();")
    assert strict.text("mt_srand(7); mt_rand(); echo mt_rand();") != second
    assert strict.text("mt_srand(7); echo mt_rand();") == first


def test_the_stat_cache_is_forgotten(strict, tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    assert strict.json(f"filesize('{path}')") == 1
    path.write_text("xyz")
    assert strict.json(f"filesize('{path}')") == 3


def test_shutdown_functions_of_a_request_run_at_its_end(launch):
    boot = BOOT + "register_shutdown_function(function () { echo 'of the script;'; error_log('script ends'); });"
    site = worker_php.start(launch, "--worker-reset", "strict", boot=boot)
    code = "register_shutdown_function(function () { echo 'of the request;'; header('X-Late: 1'); });"
    for _ in range(3):
        response = site.run(f"ob_start(); {code} echo 'body;';")
        assert (response.body, response.get("X-Late")) == (b"body;of the request;", "1")
    assert site.text("echo 'body;';") == "body;"
    assert "script ends" not in site.server.log
    site.expect_fatal("in a shutdown function")
    assert site.run("register_shutdown_function(function () { throw new Exception('in a shutdown function'); });").status == 500
    response = site.run(f"{code} echo 'body;'; exit;")
    assert response.body == b"body;of the script;of the request;"


def test_a_fatal_error_in_a_shutdown_function_ends_the_script(launch):
    site = worker_php.start(launch, "--worker-reset", "strict", boot=BOOT)
    site.expect_fatal("Cannot redeclare")
    first = site.json("$GLOBALS['boot_id']")
    assert site.run("register_shutdown_function(function () { function twice() {} eval('function twice() {}'); });").status == 500
    assert site.json("$GLOBALS['boot_id']") != first


def test_the_environment_and_server_variables(strict):
    found = strict.json("$_SERVER")
    assert found["PLAIN"] == "of the process" and "FRANKENPHP_WORKER" not in found
    for name in ("REMOTE_HOST", "REMOTE_IDENT", "HTTPS", "AUTH_TYPE", "PATH_INFO"):
        assert name not in found, name


@pytest.mark.no_sanitizer
def test_memory_stays(launch):
    change = "".join(change for name, (change, _) in CHANGES.items() if name not in ("session settings", "libxml", "stream context"))
    script = f"if (isset($_SERVER['HTTP_X_MEMORY'])) {{ echo memory_get_usage(); return; }} {change}"
    site = worker_php.start(launch, "--worker-reset", "strict", *ARGUMENTS, boot=BOOT, before=script, env=ENVIRONMENT)

    def run(count):
        with site.server.connect() as wire:
            for _ in range(count):
                wire.request("/w.php", "GET", [], None)
                wire.expect_response()

    def used():
        return int(site.server.fetch("/w.php", fields=[("X-Memory", "1")]).body)

    run(20)
    before = used()
    run(500)
    assert used() - before < 500


@pytest.mark.parametrize("reset, effect", [("strict", "put back"), ("compat", "stays for all requests that follow")])
def test_development_names_the_changes(launch, reset, effect):
    site = worker_php.start(launch, "--dev", "--worker-reset", reset, *ARGUMENTS, boot=BOOT, env=ENVIRONMENT)
    site.text("ini_set('precision', 5); chdir('/'); umask(0111); setlocale(LC_NUMERIC, 'C'); mb_internal_encoding('UTF-8');")
    mark = site.server.mark()
    site.text("echo 1;")
    line = site.server.wait_log("worker.request_changed")
    assert line["changes"] == "ini precision, working directory, umask" and line["effect"] == effect
    assert len(line["request_id"]) == 32
    site.text("echo 1;")
    later = "\n".join(site.server.log_lines()[mark:])
    assert later.count("worker.request_changed") <= 1, "once"


def test_nothing_is_named_without_development(strict):
    strict.text("ini_set('precision', 5);")
    strict.text("")
    assert "request_changed" not in strict.server.log
