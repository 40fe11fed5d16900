"""Workers that are replaced by plan, and workers that do not come back.

SPDX-License-Identifier: MIT
"""

import concurrent.futures

import pytest

from testenv import stub, wait_until


def counter(server, name):
    return server.metrics()[name]


# ---- recycling


@pytest.mark.parametrize("executor", ["stub", "ext"])
def test_workers_are_recycled(launch, executor):
    """About every 50 requests; nothing is lost, and the number of workers stays."""
    server = launch("--workers-max-requests", 50, workers=3, executor=executor, files={"a.php": "<?php echo 'ok', phpsrv_worker_id();"})
    path = "/a.php" if executor == "ext" else stub.ECHO

    def visit(_):
        with server.connect() as wire:
            for _ in range(100):
                wire.request(path)
                assert wire.expect_response().status == 200

    rounds = 0

    def recycled_after_a_round():
        nonlocal rounds
        list(pool.map(visit, range(12)))
        rounds += 1
        return counter(server, "phpsrv_worker_recycles_total")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        # one at a time: where a thread takes long to start, it takes more requests
        wait_until(lambda: recycled_after_a_round() >= 3, "three workers are replaced")
    assert counter(server, "phpsrv_worker_recycles_total") <= rounds * 1200 / 45 + 1
    assert counter(server, "phpsrv_worker_restarts_total") == 0
    wait_until(lambda: len([name for name, _ in server.threads() if name.startswith("php-")]) == 3, "three workers")
    assert server.health()[0] == 200


def test_no_recycling_by_default(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        for _ in range(300):
            wire.request(stub.ECHO)
            wire.expect_response(200)
    assert counter(server, "phpsrv_worker_recycles_total") == 0


def test_one_request_each(launch):
    server = launch("--workers-max-requests", 1, workers=2)
    with server.connect() as wire:
        for _ in range(50):
            wire.request(stub.ECHO)
            wire.expect_response(200)
    # one at a time: while a worker is being replaced the other one serves on
    assert 1 <= counter(server, "phpsrv_worker_recycles_total") <= 51


# ---- giving up

STUCK = """<?php
// a command that never ends, and a wait inside the C library that no signal of ours ends
$p = popen("exec sleep 30 2> /dev/null", "r"); pclose($p); echo "never";"""


def test_a_worker_that_does_not_come_back(launch):
    """The client has its 504 at the deadline; after that the worker is left behind, and another takes its place."""
    server = launch(
        "--request-timeout-ms", "500ms", "--workers-give-up-ms", "1s", workers=1, executor="ext",
        files={"stuck.php": STUCK, "ok.php": "<?php echo 'worker ', phpsrv_worker_id();"},
    )  # fmt: skip
    server.expect_log("worker.given_up", "workers_stuck", "deadline")
    assert server.fetch("/ok.php").body == b"worker 0"
    assert server.fetch("/stuck.php").status == 504
    server.wait_log("worker.given_up")
    assert server.fetch("/ok.php").body == b"worker 1"
    assert counter(server, "phpsrv_workers_given_up_total") == 1
    wait_until(lambda: [server.metrics().value("phpsrv_workers", state=state) for state in ("idle", "busy")] == [1, 0], "one that is idle")
    for _ in range(50):
        assert server.fetch("/ok.php").status == 200


def test_a_worker_that_comes_back_late(launch):
    """Its thread ends, its slot is free again: more often than there are slots."""
    late = """<?php $p = popen("exec sleep 1.5 2> /dev/null", "r"); pclose($p); echo "late";"""
    server = launch(
        "--request-timeout-ms", "300ms", "--workers-give-up-ms", "100ms", workers=4, executor="ext",
        files={"late.php": late, "ok.php": "<?php echo 'ok';"},
    )  # fmt: skip
    server.expect_log("worker.given_up", "deadline", "Request ended")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(answer.status == 504 for answer in pool.map(lambda _: server.fetch("/late.php"), range(24)))

    def all_are_back():
        threads = [name for name, _ in server.threads() if name.startswith("php-")]
        return len(threads) == 4 and server.metrics().value("phpsrv_workers", state="idle") == 4

    wait_until(all_are_back, "four workers, as before", timeout=30)
    for _ in range(20):
        assert server.fetch("/ok.php").body == b"ok"
    assert server.health()[0] == 200


def test_a_script_that_can_be_interrupted_is_not_given_up(launch):
    server = launch(
        "--request-timeout-ms", "200ms", "--workers-give-up-ms", "500ms", workers=1, executor="ext",
        files={"loop.php": "<?php while (true);", "sleep.php": "<?php sleep(60);", "ok.php": "<?php echo 'ok';"},
    )  # fmt: skip
    server.expect_log("deadline exceeded")
    for path in ("/loop.php", "/sleep.php"):
        assert server.fetch(path).status == 504
        assert server.fetch("/ok.php").body == b"ok"
    assert counter(server, "phpsrv_workers_given_up_total") == 0
