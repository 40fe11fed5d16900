"""Prometheus with the shipped files looks at the real cluster; "for" is two seconds here (parts.py).

SPDX-License-Identifier: MIT
"""

import contextlib
import fcntl

import httpx
import pytest
from parts import alerts

from testenv import Wire, wait_until

pytestmark = pytest.mark.slow


def instance(node):
    return f"127.0.0.1:{node.internal_port}"


def wait_firing(cluster, name, where, timeout=40):
    wait_until(lambda: (name, where) in cluster.prometheus.firing(), f"{name} fires", timeout=timeout)


def wait_resolved(cluster, name, where, timeout=60):
    wait_until(lambda: (name, where) not in cluster.prometheus.firing(), f"{name} is over", timeout=timeout)


def test_targets_and_rules(cluster):
    prometheus = cluster.prometheus

    def ups():
        return {(labels["job"], labels["instance"]): value for labels, value in prometheus.query("up")}

    wanted = {("phpsrv", instance(node)): 1.0 for node in cluster.nodes}
    wanted["haproxy", f"127.0.0.1:{cluster.haproxy.stats_port}"] = 1.0
    wait_until(lambda: ups() == wanted, f"all are up: {wanted}")
    rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules if rule["type"] == "alerting"} == {rule["alert"] for rule in alerts()}
    wait_until(
        lambda: all(rule["health"] == "ok" for group in prometheus.api("rules")["groups"] for rule in group["rules"]),
        "every rule was evaluated without an error",
    )


def test_blocked_php(cluster, tmp_path):
    """All workers of one node wait for a lock: an alert for this node, none for the other, nobody is sent there; then it is over."""
    node, other = cluster.nodes
    where = instance(node)
    lock = tmp_path / "lock"
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(lock.open("w"))
        fcntl.flock(holder, fcntl.LOCK_EX)
        wires = [stack.enter_context(Wire(("127.0.0.1", node.port), timeout=60)) for _ in range(4)]
        for wire in wires:
            wire.request(f"/lock.php?file={lock}")
        wait_firing(cluster, "PhpsrvNotReady", where)
        cluster.haproxy.wait_status(node, "NOLB")
        wait_firing(cluster, "PhpsrvNodeOutOfBalancer", f"127.0.0.1:{cluster.haproxy.stats_port}")
        firing = cluster.prometheus.firing()
        assert ("PhpsrvWorkersSaturated", where) in firing and not any(where == instance(other) for _, where in firing)
        with httpx.Client(base_url=cluster.url) as client:
            assert {client.get("/").json()["node"] for _ in range(20)} == {other.name}
        fcntl.flock(holder, fcntl.LOCK_UN)
        for wire in wires:
            assert wire.expect_response(200).body == b"free again"
    wait_resolved(cluster, "PhpsrvNotReady", where)
    wait_resolved(cluster, "PhpsrvWorkersSaturated", where)
    cluster.haproxy.wait_status(node, "UP")
    wait_resolved(cluster, "PhpsrvNodeOutOfBalancer", f"127.0.0.1:{cluster.haproxy.stats_port}")


def test_a_dead_node_and_a_crash(cluster):
    node = cluster.nodes[0]
    wait_until(lambda: len(cluster.prometheus.query("phpsrv_server_crashes_total")) == 2, "it has looked once")
    node.kill_server()
    wait_firing(cluster, "PhpsrvCrashed", instance(node))
    node.kill_all()
    wait_firing(cluster, "PhpsrvDown", instance(node))
    cluster.heal()
    wait_resolved(cluster, "PhpsrvDown", instance(node))


def test_a_full_queue(cluster):
    node = cluster.nodes[1]
    rejected = f'phpsrv_queue_rejected_total{{instance="{instance(node)}"}}'
    wait_until(lambda: cluster.prometheus.query(rejected), "it has looked once: a rate needs a beginning")
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(("127.0.0.1", node.port))) for _ in range(50)]
        for wire in wires:
            wire.request("/work.php?ms=800")
        statuses = [wire.expect_response().status for wire in wires]
        assert set(statuses) == {200, 503}
    wait_firing(cluster, "PhpsrvQueueFull", instance(node))
    assert not any(where == instance(cluster.nodes[0]) for name, where in cluster.prometheus.firing() if name == "PhpsrvQueueFull")
