"""Worker scripts without a framework: the bare loop, and loops in the shapes of Yii's and CodeIgniter's.

SPDX-License-Identifier: MIT
"""

import pytest

from testenv import wait_until
from worker_contract import SECRET, WorkerContract, check_max_requests
from worker_site import THREADS, WorkerSite

LOOPS = ("plain", "yii", "codeigniter")


def front(name):
    return f"public/{name}.php"


@pytest.fixture(scope="module", params=LOOPS)
def site(request, launch_module, tmp_path_factory):
    return WorkerSite(launch_module, "loops", tmp_path_factory.mktemp(request.param), front=front(request.param))


class TestLoop(WorkerContract):
    EXCEPTION_LOG = "Uncaught DomainException: secret of the visitor"

    def test_a_kept_stream_of_the_body(self, site):
        """It is closed with its request; an object's, which nobody can close, still reads that request's body."""
        last = {}
        for i in range(60):
            body = f"body {i} " * 500
            kept = ("none", "stream", "object")[i % 3]
            answer = site.ask(f"/input/{kept}", body=body)
            assert answer.json() == {"own": body, "kept": last.get(answer.boot, "closed")}
            last[answer.boot] = body[:100] if kept == "object" else "closed"


@pytest.mark.parametrize("name", LOOPS)
def test_max_requests(launch, tmp_path, name):
    site = WorkerSite(launch, "loops", tmp_path, front=front(name), threads=1, env={"MAX_REQUESTS": "10"})
    check_max_requests(site, 10)


def test_max_requests_of_the_server(launch, tmp_path):
    """The same for a script that knows of no limit."""
    site = WorkerSite(launch, "loops", tmp_path, "--worker-max-requests", 10, front=front("plain"), threads=1)
    check_max_requests(site, 10)


def test_the_application_is_told_when_the_loop_is_over(launch, tmp_path):
    site = WorkerSite(launch, "loops", tmp_path, front=front("yii"))
    assert site.ask("/hello/a").status == 200
    site.server.stop()
    assert len(list(site.folder.glob("shut-down-*"))) == THREADS


def test_a_stop_while_a_script_boots(launch, tmp_path):
    """The boot is given up, and that is no error."""
    site = WorkerSite(launch, "loops", tmp_path, front=front("once"), threads=1)
    assert site.ask("/hello/a").status == 200
    wait_until((site.folder / "boots-again").exists, "the second boot")
    site.server.stop()
    assert "Boot of the worker script" not in site.server.log and "shutdown function: NULL" in site.server.log


def test_development_shows_the_exception(launch, tmp_path):
    site = WorkerSite(launch, "loops", tmp_path, "--dev", front=front("plain"), threads=1)
    site.server.expect_log("Uncaught DomainException")
    answer = site.ask("/throw?token=the+visitor", Accept="text/html")
    assert answer.status == 500 and SECRET in answer.text and "application.php" in answer.text
    assert site.ask("/hello/after").status == 200
    wait_until(lambda: len(site.boots()) == 1, "it goes on")


def test_a_script_for_worker_mode_only(launch, tmp_path):
    site = WorkerSite(launch, "loops", tmp_path, front=front("codeigniter"), threads=0)
    answer = site.ask("/hello/a")
    assert answer.status == 500 and answer.text == "This script runs in worker mode only."
