"""What slow scripts are doing: the slow log and the scoreboard.

SPDX-License-Identifier: MIT
"""

import json

import pytest

from testenv import stub, wait_until

SITE = {
    "slow.php": """<?php
class Shop {
    function pay(int $n) { return array_map(function ($x) { usleep(900000); return $x; }, [$n]); }
}
function run() { (new Shop)->pay(3); }
include "part.php";
echo "done";""",
    "part.php": "<?php\n\nrun();",
    "loop.php": "<?php function spin() { $t = microtime(true); while (microtime(true) - $t < 1.0); } spin(); echo 'done';",
    "query.php": "<?php [$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); stream_set_timeout($a, 1); fread($a, 1); echo 'done';",
    "fast.php": "<?php echo 'fast';",
}


@pytest.fixture
def slow_server(launch):
    return launch("--slow-log-ms", "200ms", files=SITE, executor="ext", workers=2)


def slow_line(server, path):
    mark = server.mark()
    assert server.fetch(path).body == b"done", "it is not disturbed"
    return server.wait_log("request.slow", after=mark)


def test_stack(slow_server):
    line = slow_line(slow_server, "/slow.php?a=b")
    root = str(slow_server.docroot)
    assert len(line["request_id"]) == 32 and line["script"] == f"{root}/slow.php" and line["target"] == "/slow.php?a=b"
    assert 0.2 <= float(line["seconds"]) < 20
    frames = [frame.partition(" ")[2] for frame in line["trace"].split("#")[1:]]
    assert [frame.strip() for frame in frames] == [
        "usleep()", f"Shop::{{closure:Shop::pay():3}}() {root}/slow.php:3", "array_map()", f"Shop::pay() {root}/slow.php:3",
        f"run() {root}/slow.php:5", f"{{main}} {root}/part.php:3", f"{{main}} {root}/slow.php:6",
    ]  # fmt: skip


def test_a_computing_script(slow_server):
    assert "spin()" in slow_line(slow_server, "/loop.php")["trace"]


def test_a_waiting_script(slow_server):
    assert "fread()" in slow_line(slow_server, "/query.php")["trace"]


def test_fast_scripts_are_not_logged(slow_server):
    for _ in range(50):
        slow_server.fetch("/fast.php")
    slow_line(slow_server, "/slow.php")
    assert slow_server.log.count("request.slow") == 1


def test_a_request_that_waits_for_a_worker_is_not_slow_yet(launch):
    server = launch("--slow-log-ms", "300ms", files=SITE, executor="ext", workers=1)
    with server.connect() as first, server.connect() as second:
        first.request("/slow.php")
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        second.request("/fast.php")
        first.expect_response(200)
        second.expect_response(200)
    assert server.log.count("request.slow") == 1


def test_scoreboard(launch):
    server = launch(files=SITE, executor="ext", workers=3)
    with server.connect() as wire:
        wire.request('/slow.php?text="quoted"%00', "POST", body=b"x")
        status = wait_until(lambda: busy_status(server), "a worker is busy")
        (busy,) = [worker for worker in status["workers"] if worker["state"] == "busy"]
        assert busy["method"] == "POST" and busy["target"] == '/slow.php?text="quoted"%00' and busy["script"].endswith("/slow.php")
        assert len(busy["request_id"]) == 32 and busy["running_seconds"] >= 0
        wire.expect_response(200)
    for _ in range(10):
        server.fetch("/fast.php")
    status = json.loads(server.internal("/status").body)
    assert sum(worker["requests"] for worker in status["workers"]) == 11
    assert [worker["worker"] for worker in status["workers"]] == [0, 1, 2]
    assert status["queue_capacity"] == 300 and status["draining"] is False


def busy_status(server):
    status = json.loads(server.internal("/status").body)
    return status if any(worker["state"] == "busy" for worker in status["workers"]) else None


def test_scoreboard_of_the_stub(launch):
    server = launch(workers=2)
    with server.connect() as wire:
        wire.request(stub.sleep(1000))
        wait_until(lambda: busy_status(server), "a worker is busy")
        wire.expect_response(200)
