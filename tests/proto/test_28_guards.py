"""Allow and deny lists, and the rate limit: who may come, and how often.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import time

import pytest

from testenv import H2Wire, run_binary, stub

BEHIND = ("--proxy-trusted", "loopback")


def visit(server, client=None, path="/x", fields=()):
    extra = [("X-Forwarded-For", client)] if client else []
    return server.fetch(path, fields=[*extra, *fields])


# ---- lists


@pytest.mark.parametrize(("options", "client", "status"), [
    (["--allow", "loopback"], None, 200), (["--allow", "10.0.0.0/8"], None, 403), (["--deny", "127.0.0.1"], None, 403), (["--deny", "10.0.0.0/8"], None, 200),
    (["--allow", "10.0.0.0/8"], "10.1.2.3", 200), (["--allow", "10.0.0.0/8", "--deny", "10.1.0.0/16"], "10.1.2.3", 403), (["--allow", "private"], "192.168.1.1", 200),
    (["--allow", "2001:db8::/32"], "2001:db8::1", 200), (["--allow", "2001:db8::/32"], "2001:db9::1", 403), (["--deny", "2001:db8::/32"], "2001:db8:1::", 403),
], ids=range(10))  # fmt: skip
def test_lists(launch, options, client, status):
    server = launch(*BEHIND, *options)
    assert visit(server, client).status == status
    assert visit(server, client, "/none.css").status == (status if status == 403 else 200)
    if status == 403:
        assert server.metrics().value("phpsrv_refused_requests_total", status="403") == 2
    assert server.health()[0] == 200, "the internal listener is not guarded"


# ---- rate


def test_a_burst_and_then_the_rate(launch):
    server = launch("--rate-limit", "2/h", "--rate-limit-burst", 3)
    assert [visit(server).status for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = visit(server, fields=[("Accept", "application/json")])
    assert refused.get("Content-Type") == "application/problem+json" or "json" in refused.get("Content-Type")
    assert 1700 < int(refused.get("Retry-After")) <= 1800
    assert refused.get("RateLimit-Policy") == '"default";q=2;w=3600' and refused.get("RateLimit") == f'"default";r=0;t={refused.get("Retry-After")}'
    assert server.metrics().value("phpsrv_refused_requests_total", status="429") == 3
    with H2Wire(server.address) as wire:
        answer = wire.request(path="/x")
        assert answer.status == 429 and answer["retry-after"]


def test_it_comes_back_evenly(launch):
    server = launch("--rate-limit", "20/s", "--rate-limit-burst", 1)
    began = time.monotonic()
    admitted = 0
    while admitted < 10:
        admitted += visit(server).status == 200
    assert time.monotonic() - began >= 9 * 0.05 - 0.01


def test_exact_with_eight_connections(launch):
    """Admitted is what is allowed: the burst, and what the time has given."""
    server = launch("--rate-limit", "100/s", "--rate-limit-burst", 50)

    def hammer(_):
        admitted = 0
        with server.connect() as wire:
            while time.monotonic() < ends:
                wire.request(stub.ECHO)
                admitted += wire.expect_response().status == 200
        return admitted

    began = time.monotonic()
    ends = began + 2
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        admitted = sum(pool.map(hammer, range(8)))
    seconds = time.monotonic() - began
    assert 50 + 2 * 100 - 1 <= admitted + 10 and admitted <= 50 + seconds * 100 + 1, (admitted, seconds)


@pytest.mark.parametrize(("first", "second", "are_one"), [
    ("192.0.2.1", "192.0.2.2", False), ("2001:db8::1", "2001:db8::ffff:2", True), ("2001:db8:0:1::1", "2001:db8:0:2::1", False), ("::ffff:192.0.2.1", "192.0.2.1", True),
], ids=range(4))  # fmt: skip
def test_who_is_one_client(launch, first, second, are_one):
    server = launch(*BEHIND, "--rate-limit", "1/h")
    assert visit(server, first).status == 200 and visit(server, first).status == 429
    assert visit(server, second).status == (429 if are_one else 200)


def test_by_a_field(launch):
    server = launch("--rate-limit", "1/h", "--rate-limit-key", "X-Api-Key")
    assert [visit(server, fields=[("x-api-key", key)]).status for key in ("a", "b", "a", "c", "b")] == [200, 200, 429, 200, 429]
    assert [visit(server).status for _ in range(2)] == [200, 429], "without the field its address counts"


def test_exempt(launch):
    server = launch(*BEHIND, "--rate-limit", "1/h", "--rate-limit-exempt", "10.0.0.0/8")
    assert [visit(server, "10.1.1.1").status for _ in range(3)] == [200] * 3
    assert [visit(server, "11.1.1.1").status for _ in range(2)] == [200, 429]


def test_many_clients_in_a_small_table(launch):
    server = launch(*BEHIND, "--rate-limit", "1/h", "--rate-limit-memory-bytes", "4K")
    with server.connect() as wire:
        for number in range(2000):
            wire.request("/x", fields=[("X-Forwarded-For", f"10.0.{number >> 8}.{number & 255}")])
            wire.expect_response(200)
    assert 1700 <= server.metrics()["phpsrv_rate_limit_evictions_total"] < 2000


def test_without_a_limit(server):
    assert {visit(server).status for _ in range(300)} == {200}


@pytest.mark.parametrize(("options", "message"), [
    (["--rate-limit", "fast"], "is not like 100/s"), (["--rate-limit", "0/s"], "is not like 100/s"), (["--allow", "10.0.0.0/33"], "10.0.0.0/33"), (["--deny", "example.org"], "example.org"),
    (["--rate-limit-exempt", "x"], '"x"'),
], ids=range(5))  # fmt: skip
def test_wrong_options(tmp_path, options, message):
    done = run_binary("--docroot", tmp_path, "--executor", "stub", *options, "--check-config")
    assert done.returncode in (1, 2) and message in done.stderr, done.stderr
