"""/ready: PHP has answered lately, through a worker like any request's.

SPDX-License-Identifier: MIT
"""

import contextlib
import json
import os
import signal
import threading
import time

import pytest

from testenv import WireFailure, stub, wait_until


def ready(server):
    answer = server.internal("/ready")
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("executor", ["ext", "stub"])
def test_ready_from_the_start(launch, executor):
    server = launch(executor=executor, files={"a.php": "<?php echo 'a';"})
    status, said = ready(server)
    assert status == 200 and said["status"] == "ready" and said["reason"] is None and said["probe_age_ms"] < 10_000


@pytest.mark.slow
def test_asked_again_and_again(launch):
    """Every two seconds, also when nobody comes; a request does not see it."""
    server = launch(executor="ext", workers=1, files={"a.php": "<?php echo 'a';"})
    ages = []
    wait_until(lambda: ages.append(ready(server)[1]["probe_age_ms"]) or sum(b < a for a, b in zip(ages, ages[1:])) >= 2, "two answers", timeout=20)
    assert max(ages) < 5000 and server.fetch("/a.php").body == b"a"
    assert server.metrics().value("phpsrv_requests_total", method="GET") == 1


@pytest.mark.slow
def test_it_starts_no_session(launch, tmp_path):
    server = launch("-d", "session.auto_start=1", "-d", f"session.save_path={tmp_path}", executor="ext", workers=2, files={"a.php": "<?php echo session_status();"})
    ages = []
    wait_until(lambda: ages.append(ready(server)[1]["probe_age_ms"]) or sum(b < a for a, b in zip(ages, ages[1:])) >= 2, "two answers", timeout=20)
    assert list(tmp_path.iterdir()) == []
    assert server.fetch("/a.php").body == b"2" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.slow
def test_blocked_workers(launch):
    """Healthy (overload is no illness), but not ready: no worker has answered for ten seconds. Then it is again."""
    server = launch(workers=2)
    with server.connect() as one, server.connect() as two:
        for wire in (one, two):
            wire.request(stub.sleep(16_000))
        wait_until(lambda: ready(server)[0] == 503, "not ready", timeout=20)
        assert ready(server)[1]["reason"] == "no worker has answered lately" and server.health()[0] == 200
        for wire in (one, two):
            assert wire.expect_response().status == 200
    wait_until(lambda: ready(server)[0] == 200, "ready again", timeout=20)


@pytest.mark.slow
def test_overload_is_no_blockade(launch):
    """With a queue that is full all the time, and longer than anybody wants to wait, PHP works as fast as it can: ready."""
    server = launch("--queue-capacity", 64, "--request-timeout-ms", "40s", workers=1)
    ended = threading.Event()
    refused = []

    def ask():
        while not ended.is_set():
            with contextlib.suppress(OSError, WireFailure):
                refused.append(server.fetch(stub.sleep(300)).status == 503)

    threads = [threading.Thread(target=ask) for _ in range(70)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: server.metrics()["phpsrv_queue_rejected_total"] > 0, "the queue is full")
        start, oldest = time.monotonic(), 0
        while time.monotonic() - start < 14:
            status, said = ready(server)
            assert status == 200, said
            oldest = max(oldest, said["probe_age_ms"])
            time.sleep(0.2)
        assert oldest < 5000
    finally:
        ended.set()
        server.was_terminated = True
        os.kill(server.pid, signal.SIGTERM)
        for thread in threads:
            thread.join()
    assert any(refused)


def test_draining(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.sleep(1500))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "it runs")
        os.kill(server.pid, signal.SIGTERM)
        server.was_terminated = True
        wait_until(lambda: ready(server)[0] == 503, "not ready")
        assert ready(server)[1]["reason"] == "draining"
        assert wire.expect_response().status == 200
