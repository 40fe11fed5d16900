"""$_SERVER of scripts of worker mode: what FrankenPHP gives, fresh for each request.

SPDX-License-Identifier: MIT
"""

import json

import pytest
import worker_php

ENVIRONMENT = {
    "PLAIN": "of the process",
    "HTTP_X_FORWARDED_FOR": "10.0.0.1",
    "REMOTE_USER": "root",
    "PATH_TRANSLATED": "/etc/passwd",
    "SSL_SERVER_NAME": "evil",
    "SCRIPT_NAME": "/evil.php",
    "HTTPS": "on",
}

KEEP = "$GLOBALS['boot'] = $_SERVER;"


@pytest.fixture(scope="module")
def site(launch_module):
    return worker_php.start(launch_module, boot=KEEP, env=ENVIRONMENT)


def server(site, suffix="", **options):
    return site.json("$_SERVER", suffix, **options)


def test_empty_ones_are_there(site):
    found = server(site)
    for name in ("REMOTE_IDENT", "AUTH_TYPE", "HTTPS", "SSL_PROTOCOL", "SSL_CIPHER", "PATH_INFO", "CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING"):
        assert found[name] == "", name
    assert found["REMOTE_HOST"] == found["REMOTE_ADDR"] == "127.0.0.1"
    assert found["SCRIPT_NAME"] == found["DOCUMENT_URI"] == found["PHP_SELF"] == "/w.php"
    assert found["GATEWAY_INTERFACE"] == "CGI/1.1"


def test_the_environment_is_below_the_request(site):
    found = server(site)
    assert found["PLAIN"] == "of the process"
    assert found["REMOTE_USER"] == ""
    for name in ("HTTP_X_FORWARDED_FOR", "PATH_TRANSLATED", "SSL_SERVER_NAME", "FRANKENPHP_WORKER", "PHP_AUTH_USER"):
        assert name not in found, name
    found = server(site, fields=[("X-Forwarded-For", "192.0.2.1")])
    assert found["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"


def test_a_booting_script_has_the_environment_and_its_mark(site):
    boot = site.json("$GLOBALS['boot']")
    assert boot["FRANKENPHP_WORKER"] == "1" and boot["PLAIN"] == "of the process"
    assert boot["REQUEST_METHOD"] == "GET" and boot["SCRIPT_FILENAME"].endswith("/w.php")
    assert boot["REMOTE_IDENT"] == "" and boot["HTTPS"] == ""


def test_requests_do_not_see_each_other(site):
    auth = ("Authorization", "Basic dTpw")
    found = server(site, "/more/path?a=1", method="POST", body=b"x=1", fields=[auth, ("Content-Type", "application/x-www-form-urlencoded"), ("X-Own", "")])
    assert found["PATH_INFO"] == "/more/path" and found["PATH_TRANSLATED"].endswith("/more/path")
    assert found["PHP_SELF"] == "/w.php/more/path" and found["QUERY_STRING"] == "a=1"
    assert found["REMOTE_USER"] == found["PHP_AUTH_USER"] == "u" and found["PHP_AUTH_PW"] == "p"
    assert found["HTTP_CONTENT_TYPE"] == found["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert found["HTTP_CONTENT_LENGTH"] == found["CONTENT_LENGTH"] == "3"
    assert found["HTTP_X_OWN"] == ""
    site.text("$_SERVER['PLAIN'] = 'changed'; $_SERVER['MINE'] = 1; $_SERVER['HTTPS'] = 'on'; unset($_SERVER['SCRIPT_NAME']);")
    found = server(site)
    assert (found["PATH_INFO"], found["QUERY_STRING"], found["HTTPS"]) == ("", "", "")
    assert found["PLAIN"] == "of the process" and found["SCRIPT_NAME"] == "/w.php"
    for name in ("PATH_TRANSLATED", "PHP_AUTH_USER", "PHP_AUTH_PW", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_X_OWN", "MINE"):
        assert name not in found, name


def test_many_fields(site):
    fields = [(f"X-Field-{i}", str(i)) for i in range(60)]
    found = server(site, fields=fields)
    assert [found[f"HTTP_X_FIELD_{i}"] for i in range(60)] == [str(i) for i in range(60)]
    assert "HTTP_X_FIELD_1" not in server(site)


def test_times_are_those_of_the_request(site):
    first = site.json("[$_SERVER['REQUEST_TIME_FLOAT'], $_SERVER['REQUEST_TIME'], microtime(true)]")
    second = site.json("[$_SERVER['REQUEST_TIME_FLOAT'], $_SERVER['REQUEST_TIME'], microtime(true)]")
    assert first[0] <= first[2] <= second[0] <= second[2] and int(second[0]) == second[1]


def test_getenv_and_classic_requests_are_as_ever(site):
    assert site.json("[getenv('REMOTE_HOST'), getenv('PLAIN'), getenv('REMOTE_ADDR')]") == [False, "of the process", "127.0.0.1"]
    (site.server.docroot / "classic.php").write_text("<?php echo json_encode($_SERVER);")
    found = json.loads(site.server.fetch("/classic.php").body)
    for name in ("REMOTE_HOST", "REMOTE_IDENT", "HTTPS", "SSL_PROTOCOL", "PATH_INFO", "AUTH_TYPE", "PLAIN", "HTTP_CONTENT_TYPE"):
        assert name not in found, name


@pytest.mark.parametrize("jit", ["0", "1"])
@pytest.mark.parametrize("name", ["_SERVER", "_REQUEST", "_ENV"])
def test_superglobals_filled_when_mentioned(launch, jit, name):
    """Code that was compiled while the script booted does not ask for them again; $_ENV is the script's."""
    read = "<?php return ['_SERVER' => fn() => $_SERVER['QUERY_STRING'], '_REQUEST' => fn() => $_REQUEST, '_ENV' => fn() => $_ENV];"
    boot = "$_ENV['kept'] = 0;" if name == "_ENV" else ""
    site = worker_php.start(
        launch, "-d", f"auto_globals_jit={jit}", "-d", "variables_order=EGPCS", boot=boot, files={"read.php": read}, env=ENVIRONMENT
    )
    code = f"(require __DIR__ . '/read.php')['{name}']()"
    if name == "_ENV":
        site.text("$_ENV['kept'] = 1;")
        site.text("$_ENV['kept']++;")
        assert site.json("$_ENV['kept']") == 2
        assert site.json(code)["PLAIN"] == "of the process"
        return
    for i in range(3):
        expected = f"a={i}" if name == "_SERVER" else {"a": str(i)}
        assert site.json(code.replace("__DIR__", f"'{site.server.docroot}'"), f"?a={i}") == expected


def test_a_filter_of_all_values(launch):
    site = worker_php.start(launch, "-d", "filter.default=special_chars", boot=KEEP, env=ENVIRONMENT)
    found = server(site, "?<b>")
    assert found["QUERY_STRING"] == "&#60;b&#62;" and found["REMOTE_IDENT"] == "" and found["PLAIN"] == "of the process"
    assert found["REMOTE_USER"] == ""
    assert site.json("[$_GET['a'], filter_input(INPUT_SERVER, 'REMOTE_HOST')]", "?a=<") == ["&#60;", "127.0.0.1"]
    assert site.json("filter_has_var(INPUT_GET, 'a')") is False


def test_arguments(launch):
    site = worker_php.start(launch, "-d", "register_argc_argv=1")
    assert site.json("[$_SERVER['argv'], $_SERVER['argc']]", "?a+b") == [["a", "b"], 2]
    assert site.json("[$_SERVER['argv'], $_SERVER['argc']]") == [[], 0]
    site = worker_php.start(launch)
    assert site.json("isset($_SERVER['argv'])", "?a+b") is False
