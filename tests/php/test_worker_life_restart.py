"""Scripts of worker mode are restarted on request, by reloads, and end with the server: no request is lost.

SPDX-License-Identifier: MIT
"""

import json
import os
import signal
import threading

import pytest

from testenv import Clients, run_binary, wait_until

TOKEN = "0123456789abcdef0123"

APP = """<?php
VERSION
$boot = bin2hex(random_bytes(8));
while (frankenphp_handle_request(function () use ($boot) {
    if (isset($_GET['hold'])) {
        touch($_GET['hold'] . '.here');
        while (!file_exists($_GET['hold'])) {
            usleep(1000);
            clearstatcache();
        }
    }
    echo json_encode([$boot, VERSION, getmypid()]);
})) {
}
error_log("end $boot");
"""


def code(version="const VERSION = 1;"):
    return APP.replace("VERSION", version, 1)


@pytest.fixture
def app(launch, tmp_path):
    """app("--option", value, threads=2, names=("app",)) -> a Server with these scripts and an internal token."""

    def start(*arguments, threads=2, names=("app",), **options):
        token = tmp_path / "token"
        token.write_text(TOKEN + "\n")
        token.chmod(0o600)
        scripts = [item for name in names for item in ("--worker", f"{name}.php,{threads}")]
        files = {f"{name}.php": code() for name in names}
        return launch(*scripts, "--internal-token-file", token, *arguments, executor="ext", workers=1, files=files, **options)

    return start


def ask(server, name="app"):
    response = server.fetch(f"/{name}.php")
    assert response.status == 200, response
    return json.loads(response.body)


def boots(server, name="app"):
    """Those that have answered: not always all."""
    return {ask(server, name)[0] for _ in range(30)}


def call(server, path="/workers/restart", token=TOKEN, method="POST"):
    fields = [("Authorization", f"Bearer {token}")] if token else []
    response = server.internal(path, method=method, fields=fields, body=b"" if method == "POST" else None)
    return response.status, json.loads(response.body)


def deploy(server, version, name="app"):
    (server.docroot / f"{name}.php").write_text(code(version))


# ---- who may


@pytest.mark.parametrize(
    ("path", "method", "token", "status", "text"),
    [
        ("/workers/restart", "POST", None, 401, "send the token of --internal-token-file"),
        ("/workers/restart", "POST", TOKEN[:-1], 401, "this is not the token"),
        ("/workers/restart", "POST", TOKEN + "0", 401, "this is not the token"),
        ("/workers/restart", "GET", TOKEN, 405, "POST"),
        ("/workers/nothing/restart", "POST", TOKEN, 404, "no script of worker mode has this name"),
        ("/frankenphp/workers/restart", "POST", None, 401, "send the token"),
    ],
)
def test_calls_that_are_refused(app, path, method, token, status, text):
    server = app()
    if status == 401:
        server.expect_log(r"internal\.call_refused")
    found, answer = call(server, path, token, method)
    assert found == status and text in answer["error"]
    assert server.metrics().value("phpsrv_worker_script_restarts_total") == 0


def test_without_a_token_nothing_can_be_changed(launch):
    server = launch("--worker", "app.php,1", executor="ext", workers=1, files={"app.php": code()})
    status, answer = call(server)
    assert status == 403 and "--internal-token-file" in answer["error"]


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [("short", 0o600, "has 5 bytes; 16 is the least"), (TOKEN, 0o644, "everybody may read"), (None, 0, "cannot be read")],
)
def test_tokens_that_are_none(tmp_path, text, mode, reason):
    path = tmp_path / "token"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    result = run_binary("--docroot", tmp_path, "--listen", "127.0.0.1:0", "--executor", "stub", "--internal-token-file", path)
    assert result.returncode != 0 and reason in result.stderr


# ---- restarts


@pytest.mark.parametrize("path", ["/workers/restart", "/workers/app.php/restart", "/frankenphp/workers/restart"])
def test_a_restart_boots_all_anew(app, path):
    server = app()
    before = boots(server)
    deploy(server, "const VERSION = 2;")
    status, answer = call(server, path)
    assert status == 200
    assert [one["restarted"] for one in answer["workers"]] == [True]
    after = {tuple(ask(server)) for _ in range(30)}
    assert {version for _, version, _ in after} == {2} and not before & {boot for boot, _, _ in after}
    assert server.wait_log("worker.restarted")["asked_by"] == "internal listener"


def test_one_of_several_is_restarted(app):
    server = app(names=("one", "two"), threads=1)
    one, two = boots(server, "one"), boots(server, "two")
    assert call(server, "/workers/two.php/restart")[0] == 200
    assert boots(server, "one") == one and boots(server, "two") != two
    status, answer = call(server)
    assert status == 200 and len(answer["workers"]) == 2
    assert boots(server, "one") != one


def test_a_new_version_that_does_not_boot_changes_nothing(app):
    server = app(threads=1)
    server.expect_log(r"worker\.(boot|restart)_failed", r"php\.message .*the new version is broken")
    before = boots(server)
    deploy(server, "throw new Exception('the new version is broken');")
    for _ in range(3):
        status, answer = call(server)
        assert status == 500
        (one,) = answer["workers"]
        assert one["restarted"] is False and "Uncaught Exception: the new version is broken" in one["reason"]
    assert boots(server) <= before
    assert server.internal("/ready").status == 200
    line = server.wait_log("worker.restart_failed")
    assert line.level == "ERROR" and "the new version is broken" in line["reason"]
    deploy(server, "const VERSION = 3;")
    assert call(server)[0] == 200
    assert ask(server)[1] == 3


def test_the_old_ones_serve_while_the_new_ones_boot(app, tmp_path):
    server = app(threads=1)
    before = boots(server)
    gate = tmp_path / "gate"
    deploy(server, f"const VERSION = 2; while (!file_exists('{gate}')) {{ usleep(1000); clearstatcache(); }}")
    answers = []
    caller = threading.Thread(target=lambda: answers.append(call(server)))
    caller.start()
    wait_until(lambda: server.metrics().value("phpsrv_worker_ready") == 1, "the old one is there")
    assert boots(server) <= before and not answers
    gate.touch()
    caller.join()
    assert answers[0][0] == 200
    assert not before & boots(server)


def test_restarts_under_load_lose_nothing(app):
    server = app("--worker-max-requests", "500")
    clients = Clients(server, count=6, path="/app.php")
    for _ in range(10):
        clients.wait(200)
        assert call(server)[0] == 200
    assert clients.stop() == []
    metrics = server.metrics()
    assert metrics.value("phpsrv_worker_script_restarts_total") >= 20
    assert metrics.value("phpsrv_worker_crashes_total") == metrics.value("phpsrv_worker_boot_failures_total") == 0
    assert metrics.value("phpsrv_worker_ready") == 2


def test_a_request_that_runs_is_finished_by_the_old_one(app, tmp_path):
    server = app(threads=1)
    (before,) = boots(server)
    gate = tmp_path / "hold"
    wire = server.connect()
    wire.request(f"/app.php?hold={gate}")
    wait_until((tmp_path / "hold.here").exists, "the request runs")
    assert call(server)[0] == 200
    (after,) = boots(server)
    assert after != before
    gate.touch()
    assert json.loads(wire.expect_response().body)[0] == before
    server.wait_log("php.message", where=lambda line: line["message"] == f"end {before}")


def test_many_callers_at_once(app):
    server = app()
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(call(server)[0])) for _ in range(12)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert answers == [200] * 12


def test_sigusr2_restarts_where_there_is_no_supervisor(app):
    server = app()
    before = boots(server)
    server.signal(signal.SIGUSR2)
    assert server.wait_log("worker.restarted")["asked_by"] == "SIGUSR2"
    assert not before & boots(server)


# ---- reloads and the end


def next_ready(server, action):
    mark = server.mark()
    action()
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    server.wait_log("supervisor.generation_ready", after=mark)


@pytest.mark.no_sanitizer
def test_a_reload_boots_the_new_scripts_before_the_old_server_ends(app):
    server = app("--supervisor=true")
    server.wait_log("supervisor.generation_ready")
    (old,) = {ask(server)[2] for _ in range(10)}
    clients = Clients(server, count=4, path="/app.php")
    clients.wait(100)
    deploy(server, "usleep(500000); const VERSION = 2;")
    next_ready(server, lambda: server.process.send_signal(signal.SIGHUP))
    clients.wait(100)
    assert clients.stop() == []
    found = {tuple(ask(server)[1:]) for _ in range(10)}
    assert len(found) == 1 and found != {(1, old)}


@pytest.mark.no_sanitizer
def test_a_reload_whose_scripts_do_not_boot_fails(app):
    server = app("--supervisor=true", "--worker-boot-failures-max", "1", threads=1)
    server.expect_log(r"worker\.boot_failed", r"php\.message .*(not today|Boot of the)", r"supervisor\.")
    server.wait_log("supervisor.generation_ready")
    before = boots(server)
    deploy(server, "throw new Exception('not today');")
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("supervisor.reload_failed")
    assert boots(server) <= before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_queued_is_served_before_the_end(app, tmp_path, number):
    server = app(threads=1)
    gate = tmp_path / "hold"
    wires = [server.connect() for _ in range(5)]
    wires[0].request(f"/app.php?hold={gate}")
    wait_until((tmp_path / "hold.here").exists, "the first one runs")
    for wire in wires[1:]:
        wire.request("/app.php")
    wait_until(lambda: server.metrics().value("phpsrv_worker_queue_length") == 4, "the others wait")
    os.kill(server.pid, number)
    server.wait_log("server.draining")
    gate.touch()
    answers = [json.loads(wire.expect_response().body) for wire in wires]
    assert len({boot for boot, _, _ in answers}) == 1
    assert server.wait_exit() == 0
    server.wait_log("php.message", where=lambda line: line["message"] == f"end {answers[0][0]}")


# ---- what is told


def test_metrics_in_the_words_of_frankenphp(app):
    server = app(threads=2)
    for _ in range(5):
        ask(server)
    wait_until(lambda: server.metrics().value("phpsrv_worker_busy") == 0, "the last one is given back")
    assert b"frankenphp" not in server.internal("/metrics").body
    text = server.internal("/metrics?frankenphp=1").body.decode()
    name = server.docroot / "app.php"
    for line in (
        "frankenphp_total_threads 3",
        "frankenphp_busy_threads 0",
        "frankenphp_queue_depth 0",
        f'frankenphp_total_workers{{worker="{name}"}} 2',
        f'frankenphp_busy_workers{{worker="{name}"}} 0',
        f'frankenphp_ready_workers{{worker="{name}"}} 2',
        f'frankenphp_worker_request_count{{worker="{name}"}} 5',
        f'frankenphp_worker_crashes{{worker="{name}"}} 0',
        f'frankenphp_worker_restarts{{worker="{name}"}} 0',
        f'frankenphp_worker_queue_depth{{worker="{name}"}} 0',
    ):
        assert line + "\n" in text
    assert f'frankenphp_worker_request_time{{worker="{name}"}} 0.0' in text


def test_metrics_of_a_script(app):
    server = app(threads=2)
    for _ in range(7):
        ask(server)
    wait_until(lambda: server.metrics().value("phpsrv_worker_busy") == 0, "the last one is given back")
    metrics = server.metrics()
    name = str(server.docroot / "app.php")
    expected = {"threads": 2, "ready": 2, "busy": 0, "requests_total": 7, "queue_length": 0, "crashes_total": 0}
    for metric, value in expected.items():
        assert metrics.value(f"phpsrv_worker_{metric}", worker=name) == value
    for histogram in ("request", "queue_wait"):
        assert metrics.value(f"phpsrv_worker_{histogram}_seconds_count", worker=name) == 7
    assert metrics.value("phpsrv_worker_boot_seconds_count", worker=name) == 2
    assert metrics.value("phpsrv_workers_configured") == 1, "the classic ones"


def test_status_shows_the_workers_of_each_script(app, tmp_path):
    server = app(names=("one", "two"), threads=1)
    gate = tmp_path / "hold"
    wire = server.connect()
    wire.request(f"/two.php?hold={gate}")
    wait_until((tmp_path / "hold.here").exists, "the request runs")
    status = json.loads(server.internal("/status?json").body)
    assert [worker["state"] for worker in status["workers"]] == ["idle"]
    one, two = status["scripts"]
    assert (one["busy"], two["busy"]) == (0, 1)
    assert one["workers"][0]["state"] == "idle"
    (worker,) = two["workers"]
    assert worker["state"] == "busy" and worker["requests"] == 1 and worker["target"] == f"/two.php?hold={gate}"
    assert worker["last_boot_seconds"] > 0
    page = server.internal("/status", fields=[("Accept", "text/html")]).body.decode()
    assert f"Worker script {server.docroot}/one.php" in page and "1 of 1 ready, 1 busy" in page
    gate.touch()
    assert wire.expect_response().status == 200
