"""Worker scripts for a long time: a million requests of all kinds, over HTTP/1.1 and HTTP/2, reloads meanwhile; nothing grows, nothing is lost.

PHPSRV_SOAK_REQUESTS sets the number of requests (1,000,000).
SPDX-License-Identifier: MIT
"""

import os
import re
import shutil
import signal
import subprocess

import pytest

from testenv import Clients, load, wait_until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]
WANTED = int(os.environ.get("PHPSRV_SOAK_REQUESTS", "1000000"))
GROWTH_KIB = 2048


def start(launch, tmp_path, *arguments, **options):
    (tmp_path / "sessions").mkdir()
    return launch("--worker", "mixed.php,2", "-d", f"session.save_path={tmp_path}/sessions", *load.SETTINGS, *arguments, executor="ext", files={"mixed.php": load.MIXED_SCRIPT}, **options)


def flat(sizes):
    """From 10 % on: memory, and descriptors."""
    points = [load.at(sizes, 0.1), load.at(sizes, 0.5), sizes[-1]]
    print("requests, PSS in KiB, descriptors at 10 %, 50 %, 100 %:", *points, sep="\n  ")
    assert max(point.pss_kib for point in points[1:]) < points[0].pss_kib + GROWTH_KIB, sizes
    assert points[-1].descriptors <= points[0].descriptors + 2, sizes


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not here")
def test_a_million_requests_of_a_worker_script(launch, tmp_path):
    server = start(launch, tmp_path)
    flat(load.soak(server, "/mixed.php", tmp_path, WANTED, seconds=5))
    assert "worker.script_failed" not in server.log
    assert server.metrics()["phpsrv_worker_restarts_total"] == 0


@pytest.mark.skipif(shutil.which("h2load") is None, reason="h2load is not here")
def test_http2_requests_of_a_worker_script(launch, tmp_path):
    """A tenth of the number, 100 streams at a time on 4 connections; some with a body."""
    server = start(launch, tmp_path)
    host, port = server.address
    body = tmp_path / "body"
    body.write_bytes(b"n=1&text=" + b"y" * 300)
    sizes, total = [], 0
    while total < WANTED / 10:
        for extra in ([f"http://{host}:{port}/mixed.php?kind=hello&n=1"], ["-d", body, "-H", "content-type: application/x-www-form-urlencoded", f"http://{host}:{port}/mixed.php?kind=post&n=1"]):
            done = subprocess.run(["h2load", "-n", "10000", "-c", "4", "-m", "100", *extra], capture_output=True, text=True, check=True)
            succeeded = int(re.search(r"(\d+) succeeded", done.stdout).group(1))
            assert succeeded == 10000 and "status codes: 10000 2xx" in done.stdout, done.stdout
            total += succeeded
        sizes.append(load.Size(total, load.size_kib(server), server.descriptors()))
    flat(sizes)


def test_reloads_of_a_worker_script(launch, tmp_path):
    """Twenty generations of the server, each of which boots the script; no request fails."""
    server = start(launch, tmp_path, "--supervisor=true")
    clients = Clients(server, 4, "/mixed.php?kind=hello&n=1", b"hello 1")
    for _ in range(20):
        clients.wait(200)
        mark = server.mark()
        os.kill(server.process.pid, signal.SIGHUP)
        server.use_ready_line(server.wait_log("server.ready", after=mark))
        server.wait_log("supervisor.generation_ready", after=mark)
    clients.wait(200)
    assert clients.stop() == []
    wait_until(lambda: server.metrics()["phpsrv_server_generation"] == 21, "the last one answers")
