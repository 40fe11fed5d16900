"""Scripts of worker mode are booted anew by plan: after requests, time, memory; nothing is lost meanwhile.

SPDX-License-Identifier: MIT
"""

import collections
import json

import pytest

from testenv import Clients, wait_until

APP = """<?php
$boot = bin2hex(random_bytes(8));
$n = 0;
$kept = [];
while (frankenphp_handle_request(function () use (&$n, &$kept, $boot) {
    if (isset($_GET['grow'])) {
        $kept[] = str_repeat('x', 1 << 20);
    }
    echo json_encode([$boot, ++$n]);
})) {
}
error_log("end $boot $n");
"""


@pytest.fixture
def app(launch):
    """app("--option", value, threads=2) -> a Server with the script /app.php."""

    def start(*arguments, threads=2, **options):
        return launch("--worker", f"app.php,{threads}", *arguments, executor="ext", workers=1, files={"app.php": APP}, **options)

    return start


def ask(server, suffix=""):
    response = server.fetch("/app.php" + suffix)
    assert response.status == 200, response
    return json.loads(response.body)


def script(server):
    (found,) = json.loads(server.internal("/status?json").body)["scripts"]
    return found


@pytest.mark.parametrize("limit", [1, 7, 30])
def test_no_boot_handles_more_requests_than_it_may(app, limit):
    server = app("--worker-max-requests", limit, threads=3)
    most = collections.Counter()
    for _ in range(limit * 8):
        boot, n = ask(server)
        most[boot] = max(most[boot], n)
    assert max(most.values()) <= limit
    if limit < 10:
        assert sorted(most.values())[3:] == [limit] * (len(most) - 3), "only those that run now have had less"
    else:
        assert min(sorted(most.values())[3:]) >= limit * 9 // 10


def test_a_storm_of_restarts_loses_nothing(app):
    server = app("--worker-max-requests", "100", threads=2)
    clients = Clients(server, count=8, path="/app.php")
    clients.wait(5000)
    assert clients.stop() == []
    found = script(server)
    assert found["restarts"] >= clients.answers // 100 - 2
    assert found["crashes"] == found["boot_failures"] == 0
    assert server.metrics()["phpsrv_worker_restarts_total"] == 0, "threads stay"


def test_an_idle_script_is_booted_anew_when_its_time_is_over(app):
    server = app("--worker-time-max-ms", "300ms")
    first = {ask(server)[0] for _ in range(20)}
    wait_until(lambda: script(server)["restarts"] >= 4, "restarts without any request")
    assert not first & {ask(server)[0] for _ in range(20)}


def test_one_that_has_grown_is_booted_anew(app):
    server = app("--worker-memory-bytes-max", "12M", threads=1)
    first, _ = ask(server)
    boot, n = first, 0
    while boot == first:
        boot, n = ask(server, "?grow")
        assert n < 20
    assert n == 1 and script(server)["restarts"] == 1
    assert script(server)["memory_bytes"] > 2 << 20
    server.wait_log("php.message", where=lambda line: line["message"].startswith(f"end {first} "))
