"""Symfony as Debian packages it, booted once: HttpKernel, FrameworkBundle, routing, container, sessions, validation.

SPDX-License-Identifier: MIT
"""

import pytest

from testenv.wire import Wire
from worker_contract import SECRET, WorkerContract, check_max_requests
from worker_site import WorkerSite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(launch_module, tmp_path_factory):
    return WorkerSite(launch_module, "symfony", tmp_path_factory.mktemp("symfony"), packages="symfony", env={"FRANKENPHP_LOOP_MAX": "0"})


class TestSymfony(WorkerContract):
    def test_early_hints(self, site):
        with Wire(site.server.address) as wire:
            wire.send(b"GET /early HTTP/1.1\r\nHost: h\r\n\r\n")
            page = wire.expect_response(200, body=b"page")
            assert [(hint.status, "style.css" in hint.get("Link")) for hint in page.interim] == [(103, True)]
            assert page.get("Link") is None

    def test_routing(self, site):
        assert site.ask("/number/41").text == "42"
        assert site.ask("/number/forty").status == 404
        answer = site.ask("/login")
        assert answer.status == 405 and answer.headers["Allow"] == "POST"
        assert site.ask("/register", {"_method": "GET"}).status == 405


def test_max_requests(launch, tmp_path):
    check_max_requests(WorkerSite(launch, "symfony", tmp_path, packages="symfony", threads=1, env={"FRANKENPHP_LOOP_MAX": "10"}), 10)


def test_debug_shows_the_exception(launch, tmp_path):
    site = WorkerSite(launch, "symfony", tmp_path, packages="symfony", threads=1, env={"APP_ENV": "dev", "APP_DEBUG": "1"})
    answer = site.ask("/throw?token=the+visitor")
    assert answer.status == 500 and SECRET in answer.text and "DomainException" in answer.text
    assert site.ask("/hello/after").boot == answer.boot


def test_classic_mode_boots_for_each_request(launch, tmp_path):
    site = WorkerSite(launch, "symfony", tmp_path, packages="symfony", threads=0)
    answers = [site.ask(f"/hello/n{i}") for i in range(3)]
    assert [(answer.json()["name"], answer.headers["X-Served"]) for answer in answers] == [(f"n{i}", "1") for i in range(3)]
    assert len(site.boots()) == 3
