"""What HAProxy and nginx tell the nodes about clients, with the shipped files and the documented ones.

SPDX-License-Identifier: MIT
"""

import contextlib
import fcntl
import pathlib
import re
import ssl
import tempfile
import uuid

import httpx
import pytest
from load import Load
from parts import HaProxy, Node, Program, accepts, free_port, need

from testenv import Wire, wait_until
from testenv.server import ROOT

LIES = {
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "444",
    "Forwarded": "for=192.0.2.2;host=evil.example",
    "X-Request-Id": "chosen-by-the-client",
}


def expect_truth(said, host, https="off"):
    assert said["client"] == "127.0.0.1" and said["https"] == https and said["host"] == host
    told = said["forwarded"]
    assert told.get("HTTP_X_FORWARDED_PORT", "") == "" and told.get("HTTP_FORWARDED", "") == ""
    assert told["HTTP_X_FORWARDED_FOR"] == "127.0.0.1" and told["HTTP_X_FORWARDED_HOST"] == host
    assert told["HTTP_X_FORWARDED_PROTO"] == ("http" if https == "off" else "https")


def test_clients_cannot_lie(cluster):
    said = httpx.get(cluster.url, headers=LIES).json()
    expect_truth(said, f"127.0.0.1:{cluster.haproxy.port}")


def test_one_id_in_all_logs(cluster):
    answer = httpx.get(cluster.url, headers=LIES)
    said = answer.json()
    assert str(uuid.UUID(said["id"])) == said["id"]
    wait_until(lambda: said["id"] in cluster.haproxy.log, "HAProxy's log has the id")
    line = next(line for line in cluster.haproxy.log.splitlines() if said["id"] in line)
    assert f"phpsrv/{said['node']} " in line


def test_both_nodes_get_requests(cluster):
    with httpx.Client(base_url=cluster.url) as client:
        seen = {client.get("/").json()["node"] for _ in range(100)}
    assert seen == {"phpsrv1", "phpsrv2"}


def test_http2_in_clear_text(cluster):
    """With prior knowledge, on the same port."""
    with httpx.Client(http2=True, http1=False) as client:
        answer = client.get(cluster.url, headers=LIES)
        assert answer.http_version == "HTTP/2"
        expect_truth(answer.json(), f"127.0.0.1:{cluster.haproxy.port}")


def test_a_client_that_leaves_is_not_waited_for(cluster, tmp_path):
    """All workers are busy; who waits behind them and leaves, never runs."""

    def sum_of(name, **labels):
        return sum(node.server.metrics().value(name, **labels) for node in cluster.nodes)

    left = sum_of("phpsrv_client_aborts_total", stage="queued")
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context((tmp_path / "lock").open("w"))
        fcntl.flock(holder, fcntl.LOCK_EX)
        for node in cluster.nodes:
            for _ in range(4):
                stack.enter_context(Wire(("127.0.0.1", node.port))).request(f"/lock.php?file={tmp_path}/lock")
        wait_until(lambda: sum_of("phpsrv_workers", state="busy") == 8, "all are busy")
        with Wire(cluster.haproxy.address) as wire:
            wire.request("/work.php?key=GET-nobody-waits")
            wait_until(lambda: sum_of("phpsrv_queue_depth") == 1, "it waits")
        wait_until(lambda: sum_of("phpsrv_client_aborts_total", stage="queued") == left + 1, "it is taken out of the queue")
        fcntl.flock(holder, fcntl.LOCK_UN)
        wait_until(lambda: sum_of("phpsrv_workers", state="busy") == 0, "all are idle")
    assert "GET-nobody-waits" not in cluster.redis.runs()


def test_statistics_and_metrics(cluster):
    base = f"http://127.0.0.1:{cluster.haproxy.stats_port}"
    assert "phpsrv1" in httpx.get(base).text
    text = httpx.get(f"{base}/metrics").text
    assert 'haproxy_server_status{proxy="phpsrv",server="phpsrv1",state="UP"} 1' in text


def test_its_own_503(tmp_path):
    """Without any node: at once, and it says when to come again."""
    nodes = [Node(name, tmp_path, 1, "") for name in ("phpsrv1", "phpsrv2")]
    with tempfile.TemporaryDirectory() as folder:
        haproxy = HaProxy(pathlib.Path(folder), nodes)
        try:
            wait_until(lambda: httpx.get(haproxy.url).status_code == 503, "503")
            answer = httpx.get(haproxy.url)
            assert answer.headers["Retry-After"] == "2" and "not available" in answer.text
        finally:
            haproxy.stop()


@pytest.fixture
def beside(cluster):
    """Starts another balancer in front of the same nodes, or of others."""
    started = []
    with tempfile.TemporaryDirectory(prefix="phpsrv-cluster.") as folder:

        def start(make):
            started.append(make(pathlib.Path(folder)))
            return started[-1]

        try:
            yield start
        finally:
            for each in reversed(started):
                each.stop_now() if isinstance(each, Node) else each.stop()


def test_tls(cluster, beside, certificate):
    """HTTP/2 and HTTP/1.1 by ALPN, scripts know that it is https, and plain HTTP is redirected."""
    port = free_port()
    haproxy = beside(lambda folder: HaProxy(folder, cluster.nodes, HAPROXY_TLS_PEM=str(certificate), HAPROXY_HTTPS=f"127.0.0.1:{port}"))
    url = f"https://127.0.0.1:{port}/"
    trust = ssl.create_default_context(cafile=str(certificate.parent / "cert"))
    trust.check_hostname = False
    for http2, version in ((True, "HTTP/2"), (False, "HTTP/1.1")):
        with httpx.Client(http2=http2, verify=trust) as client:
            answer = client.get(url, headers=LIES)
            assert answer.http_version == version
            expect_truth(answer.json(), f"127.0.0.1:{port}", https="on")
    answer = httpx.get(f"{haproxy.url}/a?b=c")
    assert answer.status_code == 308 and answer.headers["Location"].startswith("https://") and answer.headers["Location"].endswith("/a?b=c")


def test_proxy_protocol(cluster, beside, redis_extension):
    """PHPSRV_SEND_PROXY on the one side, --proxy-protocol on the other."""
    node = beside(lambda _: Node("phpsrv1", cluster.nodes[0].site, cluster.redis.port, redis_extension, "--proxy-protocol").start())
    haproxy = beside(lambda folder: HaProxy(folder, [node], PHPSRV_SEND_PROXY="1"))
    haproxy.wait_status(node, "UP")
    expect_truth(httpx.get(haproxy.url, headers=LIES).json(), f"127.0.0.1:{haproxy.port}")
    assert node.server.metrics().value("phpsrv_proxy_headers_total", result="taken") >= 1


def nginx_snippet():
    text = (ROOT / "docs" / "load-balancer.md").read_text()
    found = re.search(r"```nginx\n(.*?)```", text, re.S)
    assert found, "docs/load-balancer.md has no configuration for nginx"
    return found[1]


@pytest.fixture
def nginx(cluster, beside):
    """The configuration of docs/load-balancer.md with the test's addresses."""
    port = free_port()
    text = nginx_snippet().replace("listen 80;", f"listen 127.0.0.1:{port};")
    for node in cluster.nodes:
        text = text.replace(f"{node.name}:8080", f"127.0.0.1:{node.port}")
    assert "8080" not in text and f"127.0.0.1:{port}" in text

    def make(folder):
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        head = f"daemon off; worker_processes 1; pid {folder}/pid; events {{}} http {{ access_log off; {temporary}\n"
        (folder / "nginx.conf").write_text(head + text + "}\n")
        program = Program(folder / "nginx.log", need("nginx"), "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf")
        program.address = ("127.0.0.1", port)
        program.wait(lambda: accepts(port), "nginx listens")
        return program

    return beside(make)


def test_nginx(cluster, nginx):
    url = "http://127.0.0.1:%d" % nginx.address[1]
    with httpx.Client(base_url=url) as client:
        said = client.get("/", headers=LIES).json()
        expect_truth(said, "127.0.0.1:%d" % nginx.address[1])
        assert re.fullmatch(r"[0-9a-f]{32}", said["id"])
        assert {client.get("/").json()["node"] for _ in range(20)} == {"phpsrv1", "phpsrv2"}


@pytest.mark.slow
def test_nginx_rolling_restart(cluster, nginx):
    """It goes to the other node when one refuses, whatever the method."""
    with Load(nginx.address, cluster.redis) as load:
        for node in cluster.nodes:
            node.stop()
            load.wait(20)
            node.start()
            load.wait(20)
    load.expect_none_failed()
