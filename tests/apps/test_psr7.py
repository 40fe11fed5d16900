"""Applications of PSR-7's messages, booted once: Nyholm's with FastRoute, Pimple and middlewares in the shape of PSR-15, and Slim 3.

SPDX-License-Identifier: MIT
"""

import pytest

from worker_contract import SECRET, WorkerContract, check_max_requests
from worker_site import WorkerSite

APPLICATIONS = ("psr15", "slim")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=APPLICATIONS)
def site(request, launch_module, tmp_path_factory):
    return WorkerSite(launch_module, request.param, tmp_path_factory.mktemp(request.param), packages="psr7")


class TestPsr7(WorkerContract):
    def test_methods(self, site):
        answer = site.ask("/register")
        assert answer.status == 405 and answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("name", APPLICATIONS)
def test_max_requests(launch, tmp_path, name):
    check_max_requests(WorkerSite(launch, name, tmp_path, packages="psr7", threads=1, env={"MAX_REQUESTS": "10"}), 10)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_debug_shows_the_exception(launch, tmp_path, name):
    site = WorkerSite(launch, name, tmp_path, packages="psr7", threads=1, env={"APP_DEBUG": "1"})
    answer = site.ask("/throw?token=the+visitor")
    assert answer.status == 500 and SECRET in answer.text and "DomainException" in answer.text
    assert site.ask("/hello/after").status == 200 and len(site.boots()) == 1


def test_classic_mode_boots_for_each_request(launch, tmp_path):
    site = WorkerSite(launch, "psr15", tmp_path, packages="psr7", threads=0)
    answers = [site.ask(f"/hello/n{i}") for i in range(3)]
    assert [(answer.json()["name"], answer.headers["X-Served"]) for answer in answers] == [(f"n{i}", "1") for i in range(3)]
    assert len(site.boots()) == 3
