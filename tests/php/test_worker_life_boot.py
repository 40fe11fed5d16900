"""Scripts of worker mode that do not boot, boot slowly, or crash.

SPDX-License-Identifier: MIT
"""

import json

import pytest

from testenv import Crowd, run_binary, wait_until

# What the script does is said by files beside it, which a test writes.
APP = """<?php
$do = @file_get_contents(__DIR__ . '/do') ?: '';
eval($do);
$boot = bin2hex(random_bytes(8));
while (frankenphp_handle_request(function () use ($boot) {
    eval($_SERVER['HTTP_X_CODE'] ?? '');
    echo $boot;
})) {
}
"""


@pytest.fixture
def app(launch):
    """app("--option", value, threads=2, do="") -> a Server with the script /app.php; do: run by its boots."""

    def start(*arguments, threads=2, do="", **options):
        files = {"app.php": APP, "do": do}
        return launch("--worker", f"app.php,{threads}", *arguments, executor="ext", workers=1, files=files, **options)

    return start


def fail_to_start(folder, *arguments, do):
    """The sentence that the server ends with."""
    (folder / "app.php").write_text(APP)
    (folder / "do").write_text(do)
    arguments = ("--worker-boot-failures-max", "2", *arguments)
    result = run_binary("--docroot", folder, "--listen", "127.0.0.1:0", "--no-supervisor", "--worker", "app.php,2", *arguments)
    assert result.returncode == 1
    return result.stderr.splitlines()[-1]


def set_boot(server, code):
    (server.docroot / "do").write_text(code)


def run(server, code=""):
    return server.fetch("/app.php", fields=[("X-Code", code)])


def script(server):
    (found,) = json.loads(server.internal("/status?json").body)["scripts"]
    return found


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("throw new Exception('no database');", "Uncaught Exception: no database"),
        ("nothing_of_that_name();", "Uncaught Error: Call to undefined function nothing_of_that_name()"),
        ("exit(3);", "exit status 3"),
        ("exit;", "it ran to its end"),
        ("trigger_error('by hand', E_USER_ERROR);", "by hand in "),
    ],
)
def test_the_start_fails_with_the_reason(tmp_path, code, reason):
    text = fail_to_start(tmp_path, do=code)
    assert "app.php has not reached frankenphp_handle_request(), again and again: " + reason in text


def test_a_start_that_takes_too_long_fails(tmp_path):
    text = fail_to_start(tmp_path, "--worker-boot-timeout-ms", "300ms", do="while (true) { usleep(1000); }")
    assert "it took longer than 300 ms: Boot of the worker script ended by the server" in text


def test_failures_that_end_are_forgiven(app):
    code = "if (!file_exists(__DIR__ . '/third')) { $n = (int) @file_get_contents(__DIR__ . '/n'); "
    code += "file_put_contents(__DIR__ . '/n', $n + 1); if ($n < 3) { exit(1); } }"
    server = app(threads=1, do=code)
    assert run(server).status == 200
    assert script(server)["boot_failures"] == 3
    server.expect_log(r"worker\.boot_failed")


def test_while_no_boot_succeeds_requests_are_refused_and_the_server_is_not_ready(app):
    server = app()
    server.expect_log(r"worker\.boot_failed", r"php\.message .*broken")
    first = run(server).body
    set_boot(server, "throw new Exception('broken');")
    for _ in range(2):
        assert run(server, "exit;").status == 200
    wait_until(lambda: script(server)["failing"], "both fail")
    answer = run(server)
    assert answer.status == 503 and answer.get("Retry-After") == "1"
    assert server.metrics().value("phpsrv_queue_rejected_total", reason="boot_failure") == 1
    ready = server.internal("/ready")
    assert ready.status == 503 and b"a script of worker mode has no worker" in ready.body
    health = json.loads(server.internal("/health").body)
    assert health["status"] == "ok", "the process would be none the better for a restart"
    assert [(one["ready"], one["failing"]) for one in health["scripts"]] == [(0, True)]
    assert {one["state"] for one in script(server)["workers"]} <= {"back-off", "booting"}
    set_boot(server, "")
    wait_until(lambda: server.internal("/ready").status == 200, "it boots again")
    assert run(server).body != first
    wait_until(lambda: script(server)["ready"] == 2, "both are back")


def test_requests_wait_while_a_script_boots(app):
    server = app(threads=1)
    first = run(server).body
    set_boot(server, "usleep(700000);")
    assert run(server, "exit;").status == 200
    answer = run(server)
    assert answer.status == 200 and answer.body != first
    assert script(server)["last_boot_seconds"] >= 0.7
    assert script(server)["restarts"] == 1, "exit without a status is no crash"


def test_a_boot_that_hangs_is_ended_and_tried_again(app):
    server = app("--worker-boot-timeout-ms", "500ms", threads=1)
    server.expect_log(r"worker\.boot_(failed|timeout)", r"php\.message .*Boot of the worker script")
    set_boot(server, "sleep(1000);")
    assert run(server, "exit;").status == 200
    server.wait_log("worker.boot_timeout")
    set_boot(server, "")
    wait_until(lambda: run(server).status == 200, "it boots again")
    assert script(server)["boot_failures"] >= 1


def test_a_boot_that_hangs_does_not_keep_the_server(app):
    server = app(threads=1)
    server.expect_log(r"php\.message .*Boot of the worker script", r"worker\.boot_failed")
    set_boot(server, "while (true) { sleep(1); }")
    assert run(server, "exit;").status == 200
    wait_until(lambda: [one["state"] for one in script(server)["workers"]] == ["booting"], "it boots")
    server.terminate()
    assert server.wait_exit() == 0
    assert "server.workers_stuck" not in server.log


@pytest.mark.parametrize(
    ("code", "reason"),
    [("exit(7);", "exit status 7"), ("trigger_error('the end', E_USER_ERROR);", "the end in ")],
)
def test_a_crash_is_logged_counted_and_costs_no_wait(app, code, reason):
    server = app(threads=1)
    server.expect_log(r"worker\.script_failed", r"php\.message .*the end")
    boots = set()
    for _ in range(6):
        boots.add(run(server).body)
        run(server, code)
    assert run(server).status == 200
    assert waits(server) == []
    assert len(boots) == 6
    line = server.wait_log("worker.script_failed")
    assert line.level == "WARN" and line["reason"].startswith(reason) and line["requests"] == "2"
    found = script(server)
    assert (found["crashes"], found["boot_failures"]) == (6, 0)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("exit(3);", "exit status 3"), ("trigger_error('the end', E_USER_ERROR);", "the end in ")],
)
def test_a_crash_has_its_own_reason(app, code, reason):
    """Not that of a request before it which has not ended the script."""
    server = app(threads=1)
    server.expect_log(r"worker\.script_failed", r"php\.message .*(the end|not mine)")
    boot = run(server).body
    assert run(server, "throw new Exception('not mine');").status == 500
    assert run(server).body == boot, "it goes on"
    run(server, code)
    line = server.wait_log("worker.script_failed")
    assert line["reason"].startswith(reason) and line["requests"] == "4"


def test_a_crash_between_requests_has_its_own_reason(launch):
    code = "<?php while (frankenphp_handle_request(function () { throw new Exception('not mine'); })) { exit(5); }"
    server = launch("--worker", "app.php,1", executor="ext", workers=1, files={"app.php": code})
    server.expect_log(r"worker\.script_failed", r"php\.message .*not mine")
    assert server.fetch("/app.php").status == 500
    assert server.wait_log("worker.script_failed")["reason"] == "exit status 5"


def waits(server):
    return [line for line in server.log_lines() if "worker.backs_off" in line]


@pytest.mark.parametrize("code", ["exit(3);", "trigger_error('the end', E_USER_ERROR);"])
def test_a_flood_of_requests_that_crash_does_not_stop_the_others(app, code):
    server = app(threads=2)
    server.expect_log(r"worker\.(script_failed|replaced)", r"php\.message .*the end")
    fields = [("X-Code", code)]
    requests = [{"target": "/app.php", "fields": fields if n % 4 else []} for n in range(160)]
    with Crowd(server.address, 40) as crowd:
        answers = crowd.ask(requests)
    assert [answer.status for answer in answers[::4]] == [200] * 40, "the good ones"
    wait_until(lambda: sum("worker.script_failed" in line for line in server.log_lines()) == 120, "each is told")
    wait_until(lambda: script(server)["ready"] == 2, "both are back")
    found = script(server)
    assert (found["crashes"], found["restarts"], found["boot_failures"]) == (120, 0, 0)
    assert waits(server) == []


def test_one_that_crashes_before_it_is_asked_does_not_spin(app):
    server = app(threads=1)
    server.expect_log(r"worker\.script_failed")
    set_boot(server, "phpsrv_on_idle(function () { exit(1); }, 0.001);")
    assert run(server, "exit;").status == 200
    assert [server.wait_log("worker.backs_off", where=lambda line, ms=ms: line["wait_ms"] == ms)["wait_ms"] for ms in ("100", "400")] == ["100", "400"]
    set_boot(server, "")
    wait_until(lambda: run(server).status == 200 and script(server)["ready"] == 1, "it boots")


# Goes on when all three have come here.
MEETING = """<?php touch(__DIR__ . '/here' . basename(__FILE__));
while (count(glob(__DIR__ . '/here*')) < 3) { usleep(1000); }
while (frankenphp_handle_request(function () { echo 'ok'; })) {}
"""


def test_scripts_boot_at_the_same_time(launch):
    files = {f"s{n}.php": MEETING for n in range(3)}
    arguments = [item for name in files for item in ("--worker", f"{name},1")]
    server = launch(*arguments, executor="ext", workers=1, files=files)
    for name in files:
        assert server.fetch("/" + name).body == b"ok"
