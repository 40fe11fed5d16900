"""Nodes that leave, come back, reload and die under load, and what visitors notice of it.

SPDX-License-Identifier: MIT
"""

import contextlib
import os
import signal
import threading
import time

import httpx
import pytest
from load import Load
from parts import DRAIN_DELAY_S, accepts

from testenv import BadResponse, Wire, wait_until


def restart(cluster, node):
    """As a deployment does it: SIGTERM, wait for the end, start, wait until the balancer has it again."""
    node.stop()
    node.start()
    cluster.haproxy.wait_status(node, "UP")


def test_rolling_restart_loses_nothing(cluster):
    with Load(cluster.haproxy.address, cluster.redis) as load:
        for node in cluster.nodes:
            restart(cluster, node)
            load.wait(20)
    load.expect_none_failed()


def test_rolling_reload_loses_nothing(cluster):
    with Load(cluster.haproxy.address, cluster.redis) as load:
        for node in cluster.nodes * 2:
            mark = node.reload()
            load.wait(20)
            node.server.wait_log("supervisor.generation_ended", after=mark)
            assert cluster.haproxy.status(node) == "UP"
    load.expect_none_failed()


class Watch:
    """When the balancer stopped sending, and when the port closed (seconds since the start)."""

    def __init__(self, cluster, node):
        self.cluster, self.node = cluster, node
        self.start = time.monotonic()
        self.events = {}
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=pair) for pair in (("out", self._is_out), ("closed", self._is_closed))]
        for thread in self.threads:
            thread.start()

    def _is_out(self):
        return self.cluster.haproxy.status(self.node) in ("NOLB", "DOWN")

    def _is_closed(self):
        return not accepts(self.node.port)

    def _run(self, name, has_happened):
        while not self.ended.is_set() and not has_happened():
            time.sleep(0.01)
        self.events[name] = time.monotonic() - self.start

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.slow
def test_a_draining_node_leaves_the_balancer_before_it_stops_accepting(cluster):
    """In this order: not ready, out of the balancer, still answering, then the port closes. What ran, ends well."""
    node = cluster.nodes[0]
    events = {}

    def leave():
        watch = Watch(cluster, node)
        try:
            mark = node.server.mark()
            node.server.terminate()
            cluster.haproxy.wait_status(node, "NOLB")
            served = int(cluster.haproxy.rows()[node.name]["stot"])
            with httpx.Client(base_url=f"http://127.0.0.1:{node.port}") as direct:
                assert direct.get("/").json()["node"] == node.name, "it still answers whoever comes"
            load.wait(20)
            assert accepts(node.port)
            assert int(cluster.haproxy.rows()[node.name]["stot"]) - served <= 1, "the balancer still sends requests"
            node.server.wait_log("server.draining", after=mark)
            wait_until(lambda: "closed" in watch.events, "the port is closed")
        finally:
            watch.stop()
        events.update(watch.events)

    def on_head(head):
        if head.get("X-Node") == node.name:
            leave()

    with Load(cluster.haproxy.address, cluster.redis) as load, Wire(cluster.haproxy.address) as stream:
        while not events:  # one that runs on this node for longer than the delay
            stream.request("/events.php?n=60&ms=100")
            assert stream.reader.response(on_head=on_head).body.endswith(b"data: 60\n\n"), "what ran, was cut off"
    assert events["out"] < events["closed"] and events["closed"] > DRAIN_DELAY_S * 0.9, events
    assert events["out"] < DRAIN_DELAY_S, "the balancer was slow to learn of it"
    assert node.server.wait_exit() == 0
    load.expect_none_failed()


def test_death_of_a_server_process(cluster):
    """kill -9 of the server alone: GET requests find another node, only POST requests that ran there fail; the node is back at once."""
    clients = 3
    with Load(cluster.haproxy.address, cluster.redis, get=6, post=clients, milliseconds=30) as load:
        for node in cluster.nodes:
            load.wait(10)
            crashes = node.server.metrics()["phpsrv_server_crashes_total"]
            node.kill_server()
            assert node.server.metrics()["phpsrv_server_crashes_total"] == crashes + 1
            load.wait(20)
    assert load.failures["GET"] == []
    assert len(load.failures["POST"]) <= clients * len(cluster.nodes), load.failures
    for _, *what in load.failures["POST"]:  # 502, or the connection closed without an answer: HAProxy chooses
        assert what[0] == 502 or "the stream ended inside a line: b''" in what[0], load.failures
    load.expect_posts_ran_once()


@pytest.mark.slow
def test_a_node_that_hangs(cluster):
    """SIGSTOP: nobody refuses and nobody answers. The balancer finds it dead, ends what hangs there, and goes on with the other."""
    node, other = cluster.nodes
    outcomes = []
    with contextlib.ExitStack() as stack:
        os.kill(node.server.pid, signal.SIGSTOP)
        stack.callback(os.kill, node.server.pid, signal.SIGCONT)
        wires = [stack.enter_context(Wire(cluster.haproxy.address, timeout=40)) for _ in range(6)]
        for wire in wires:
            wire.request("/work.php", "POST", body=b"")
        cluster.haproxy.wait_status(node, "DOWN")
        down = time.monotonic()
        for wire in wires:
            try:
                outcomes.append(wire.expect_response(method="POST").status)
            except BadResponse:
                outcomes.append(None)  # closed without an answer
        assert time.monotonic() - down < 5, "they hang on although the node is dead"
        assert outcomes.count(200) >= 2 and set(outcomes) - {200} <= {502, 503, None} and set(outcomes) != {200}, outcomes
        with httpx.Client(base_url=cluster.url) as client:
            assert {client.get("/").json()["node"] for _ in range(20)} == {other.name}
    cluster.haproxy.wait_status(node, "UP")


def test_a_reload_lets_downloads_and_streams_finish(cluster):
    """Both nodes reload in the middle of them."""
    bodies = []

    def reload_all(_):
        for node in cluster.nodes:
            node.reload()

    def stream(_):
        events.request("/events.php?n=50&ms=100")
        bodies.append(events.reader.response(on_head=reload_all).body)

    with Wire(cluster.haproxy.address, receive_buffer=65536) as download, Wire(cluster.haproxy.address) as events:
        download.request("/large.bin")
        answer = download.reader.response(on_head=stream)
    assert bodies == [b"".join(b"data: %d\n\n" % number for number in range(1, 51))]
    assert answer.status == 200 and len(answer.body) == 64_000_000


@pytest.mark.slow
def test_overload_is_answered_and_no_node_goes_down(cluster):
    """For longer than /ready's patience of ten seconds: 503 of phpsrv with its Retry-After, all nodes stay UP, then all is well."""
    ended = threading.Event()
    answers, problems, states = [], [], set()

    def ask():
        with httpx.Client(base_url=cluster.url, timeout=60) as client:
            while not ended.is_set():
                try:
                    answer = client.get("/work.php?ms=150")
                    answers.append((answer.status_code, answer.headers.get("Retry-After"), answer.headers.get("Server")))
                except httpx.HTTPError as problem:
                    problems.append(repr(problem))
                if answers[-1:] and answers[-1][0] == 503:
                    ended.wait(0.05)

    threads = [threading.Thread(target=ask) for _ in range(120)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: any(status == 503 for status, *_ in answers), "the queues are full")
        start = time.monotonic()
        while time.monotonic() - start < 13:
            states |= {cluster.haproxy.status(node) for node in cluster.nodes}
            time.sleep(0.2)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert states == {"UP"} and problems == []
    assert {status for status, *_ in answers} == {200, 503}
    refusals = {(wait, server) for status, wait, server in answers if status == 503}
    assert refusals == {("1", "phpsrv")}, "a 503 that is not phpsrv's own, or without Retry-After"
    for node in cluster.nodes:
        assert node.server.metrics()["phpsrv_queue_rejected_total"] > 0
    assert httpx.get(cluster.url).status_code == 200
