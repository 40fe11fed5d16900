"""The module "frankenphp" and the functions of worker mode, as reflection and libraries see them.

SPDX-License-Identifier: MIT
"""

import json

import pytest
import worker_php

from testenv import run_binary

FUNCTIONS = [
    "frankenphp_handle_request",
    "frankenphp_finish_request",
    "frankenphp_request_headers",
    "frankenphp_response_headers",
    "frankenphp_log",
    "mercure_publish",
]


@pytest.fixture(scope="module")
def site(launch_module):
    return worker_php.start(launch_module, boot="$GLOBALS['at_boot'] = frankenphp_request_headers(); frankenphp_log('boots', 4);")


@pytest.mark.parametrize("where", ["worker", "classic"])
def test_the_module_is_loaded(site, where):
    code = "[extension_loaded('frankenphp'), phpversion('frankenphp') !== false, get_extension_funcs('frankenphp')]"
    if where == "worker":
        found = site.json(code)
    else:
        (site.server.docroot / "facts.php").write_text(f"<?php echo json_encode({code});")
        found = json.loads(site.server.fetch("/facts.php").body)
    assert found == [True, True, FUNCTIONS]


def test_functions_belong_to_their_modules(site):
    code = "array_map(fn($f) => (new ReflectionFunction($f))->getExtensionName(), %s)"
    assert set(site.json(code % json.dumps(FUNCTIONS))) == {"frankenphp"}
    ours = ["phpsrv_handle_request", "fastcgi_finish_request", "getallheaders", "apache_request_headers", "headers_send"]
    assert set(site.json(code % json.dumps(ours))) == {"phpsrv"}


def test_signatures(site):
    code = "(string) new ReflectionFunction(%s)"
    assert "callable $callback" in site.json(code % "'frankenphp_handle_request'")
    assert "- Return [ array|bool ]" in site.json(code % "'frankenphp_response_headers'")
    log = site.json(code % "'frankenphp_log'")
    assert "int $level = 0" in log and "array $context = []" in log and "- Return [ void ]" in log
    mercure = site.json(code % "'mercure_publish'")
    assert "array|string $topics" in mercure and "?int $retry = null" in mercure


def test_constants(site):
    names = "[FRANKENPHP_LOG_LEVEL_DEBUG, FRANKENPHP_LOG_LEVEL_INFO, FRANKENPHP_LOG_LEVEL_WARN, FRANKENPHP_LOG_LEVEL_ERROR]"
    assert site.json(names) == [-4, 0, 4, 8]


@pytest.mark.parametrize("level, expected", [(-4, None), (-1, None), (0, "INFO"), (3, "INFO"), (4, "WARN"), (7, "WARN")])
def test_log_levels(site, level, expected):
    mark = site.server.mark()
    site.text(f"frankenphp_log('at {level}', {level}, ['user' => 7]); frankenphp_log('end of {level}');")
    end = site.server.wait_log("php.log", after=mark, where=lambda line: line["message"] == f"end of {level}")
    assert "request_id" in end.fields
    lines = [line for line in site.server.log_lines()[mark:] if f'"at {level}"' in line]
    assert [expected in line and "context.user=7" in line for line in lines] == ([True] if expected else [])


def test_log_of_a_booting_script(site):
    line = site.server.wait_log("php.log", where=lambda line: line["message"] == "boots")
    assert line.level == "WARN" and "request_id" not in line.fields
    assert site.json("$GLOBALS['at_boot']") == []


def test_headers(site):
    found = site.json(
        "[frankenphp_request_headers()['X-Two'], header('X-A: 1') ?? header('X-A: 2', false) ?? frankenphp_response_headers()['X-A']]",
        fields=[("x-two", "a"), ("X-TWO", "b")],
    )
    assert found == ["a, b", "2"]


def test_mercure_says_that_there_is_none(site):
    code = """try { mercure_publish(%s); } catch (Throwable $e) { echo get_class($e), ': ', $e->getMessage(); }"""
    assert site.text(code % "['a', 'b'], 'x', true, null, 't', 5") == "RuntimeException: FrankenPHP not built with Mercure support"
    assert site.text(code % "'a'") == "RuntimeException: FrankenPHP not built with Mercure support"
    assert site.text(code % "5.5").startswith("TypeError: mercure_publish(): Argument #1 ($topics) must be of type array|string")


def test_outside_of_worker_mode(site):
    (site.server.docroot / "classic.php").write_text(
        "<?php try { frankenphp_handle_request(fn() => 1); } catch (RuntimeException $e) { echo $e->getMessage(); }"
    )
    assert site.server.fetch("/classic.php").body == b"frankenphp_handle_request() called while not in worker mode"


def test_not_on_the_command_line(tmp_path):
    (tmp_path / "cli.php").write_text(
        "<?php echo json_encode([extension_loaded('frankenphp'), function_exists('frankenphp_handle_request'), function_exists('phpsrv_log')]);"
    )
    assert json.loads(run_binary("run", str(tmp_path / "cli.php")).stdout) == [False, False, False]
