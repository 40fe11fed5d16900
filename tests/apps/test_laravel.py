"""Laravel as Debian packages it, booted once and copied for each request, as Octane does it.

SPDX-License-Identifier: MIT
"""

import re

import pytest

from worker_contract import SECRET, WorkerContract, check_max_requests
from worker_site import Client, WorkerSite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(launch_module, tmp_path_factory):
    return WorkerSite(launch_module, "laravel", tmp_path_factory.mktemp("laravel"), packages="laravel", env={"MAX_REQUESTS": "0"})


class TestLaravel(WorkerContract):
    SESSION = "laravel_session"
    REQUESTS = 1500

    def test_forms_with_a_token(self, site):
        """Of several visitors at once: token, old input and errors are in their sessions."""

        def visit(i):
            client = Client(site.server.address)
            page = client.ask("/form")
            cookies = page.cookies()
            token = re.search(r'name="_token" value="(\w{40})"', page.text).group(1)
            assert client.ask("/form", {"title": f"t{i}"}, Cookie=cookies).status == 419
            refused = client.ask("/form", {"_token": token, "title": f"t{i}"}, Cookie=cookies, Referer="http://localhost/form")
            assert refused.status == 302
            again = client.ask("/form", Cookie=refused.cookies()).text
            assert 'class="error"' in again and f'value="t{i}"' in again
            assert 'class="error"' not in client.ask("/form", Cookie=cookies).text
            kept = client.ask("/form", {"_token": token, "title": f"long title {i}"}, Cookie=cookies)
            client.close()
            return token, kept.text == f"kept long title {i}"

        found = site.in_parallel(visit, range(12), 6)
        assert all(is_kept for _, is_kept in found) and len({token for token, _ in found}) == 12

    def test_changes_of_the_application_end_with_the_request(self, site):
        assert [site.ask("/change").json() for _ in range(6)] == [["Worker", False, True]] * 6


def test_max_requests(launch, tmp_path):
    check_max_requests(WorkerSite(launch, "laravel", tmp_path, packages="laravel", threads=1, env={"MAX_REQUESTS": "10"}), 10)


def test_debug_shows_the_exception(launch, tmp_path):
    site = WorkerSite(launch, "laravel", tmp_path, packages="laravel", threads=1, env={"APP_ENV": "local", "APP_DEBUG": "1"})
    answer = site.ask("/throw?token=the+visitor", Accept="text/html")
    assert answer.status == 500 and SECRET in answer.text and "DomainException" in answer.text
    assert site.ask("/hello/after").boot == answer.boot


def test_classic_mode_boots_for_each_request(launch, tmp_path):
    site = WorkerSite(launch, "laravel", tmp_path, packages="laravel", threads=0)
    answers = [site.ask(f"/hello/n{i}") for i in range(3)]
    assert [(answer.json()["name"], answer.headers["X-Served"]) for answer in answers] == [(f"n{i}", "1") for i in range(3)]
    assert len(site.boots()) == 3
