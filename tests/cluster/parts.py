"""The parts of a cluster on one machine: HAProxy, Redis, Prometheus and nginx from their Debian packages, and nodes of phpsrv.

Everything lives in a temporary folder, on ports of 127.0.0.1 below those that the kernel gives to clients, so that no outgoing
connection ever sits on a port while its program is down.
SPDX-License-Identifier: MIT
"""

import contextlib
import csv
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import urllib.parse

import httpx
import pytest
import yaml

from testenv import Server, wait_until
from testenv.processes import end_process
from testenv.server import ROOT, environment

HERE = pathlib.Path(__file__).resolve().parent
DOCKER = ROOT / "docker"
HAPROXY_CFG = DOCKER / "haproxy" / "haproxy.cfg"
PROMETHEUS = DOCKER / "prometheus"
DRAIN_DELAY_S = 4


def free_port():
    while True:
        port = random.SystemRandom().randrange(12000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def need(program):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.fail(f"{program} is not here: run ./dev setup cluster")
    return path


def check(*command, env=None, cwd=None):
    """Runs a program that has to end well; what it says."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment(env), cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def alerts():
    """The rules of alerts.yml."""
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


class Program:
    """A program that runs until stop(); what it prints goes to a file."""

    def __init__(self, log, *command, env=None, cwd=None):
        self.log_path = pathlib.Path(log)
        with self.log_path.open("ab") as output:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment(env), cwd=cwd, start_new_session=True,
            )  # fmt: skip

    @property
    def log(self):
        return self.log_path.read_text(errors="backslashreplace")

    def wait(self, condition, what):
        """For its start: until the condition holds. A program that does not get there is ended, and the failure."""
        try:
            wait_until(lambda: self.process.poll() is not None or condition(), what, timeout=30)
            assert self.process.poll() is None, f"{what}, but the program has ended:\n{self.log[-3000:]}"
        except BaseException:
            self.stop()
            raise

    def stop(self, number=signal.SIGTERM):
        end_process(self.process, number)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


class Redis(Program):
    def __init__(self, folder):
        self.port = free_port()
        super().__init__(
            folder / "redis.log", need("redis-server"), "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder
        )
        self.wait(lambda: accepts(self.port), "Redis listens")

    def ask(self, *words):
        """One command; integers, strings and flat lists of them come back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as link, link.makefile("rb") as file:
            parts = [str(word).encode() for word in words]
            link.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
            return self._read(file)

    def _read(self, file):
        line = file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest.decode()
        if kind == b"$":
            length = int(rest)
            return None if length < 0 else file.read(length + 2)[:-2].decode()
        if kind == b"*":
            return [self._read(file) for _ in range(int(rest))]
        raise AssertionError(f"Redis says {line!r}")

    def runs(self):
        """key -> how often work.php began with it."""
        keys = self.ask("KEYS", "ran:*")
        return {key.removeprefix("ran:"): int(value) for key, value in zip(keys, self.ask("MGET", *keys) if keys else [])}


class HaProxy(Program):
    """The shipped file; only its environment is the test's. The nodes need not run yet."""

    def __init__(self, folder, nodes, **env):
        self.port, self.stats_port = free_port(), free_port()
        self.socket = folder / "haproxy.sock"
        self.env = {
            "HAPROXY_HTTP": f"127.0.0.1:{self.port}",
            "HAPROXY_STATS": f"127.0.0.1:{self.stats_port}",
            "HAPROXY_SOCKET": str(self.socket),
            **env,
        }
        for number, node in enumerate(nodes, 1):
            self.env[f"PHPSRV_{number}"] = f"127.0.0.1:{node.port}"
            self.env[f"PHPSRV_{number}_INTERNAL_PORT"] = str(node.internal_port)
        self.address = ("127.0.0.1", self.port)
        super().__init__(folder / "haproxy.log", need("haproxy"), "-db", "-f", HAPROXY_CFG, env=self.env)
        self.wait(lambda: accepts(self.port) and self.socket.exists(), "HAProxy listens")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self, text):
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(20)
            link.connect(str(self.socket))
            link.sendall(text.encode() + b"\n")
            return b"".join(iter(lambda: link.recv(65536), b"")).decode()

    def rows(self):
        """name of a node -> its row of the statistics"""
        rows = csv.DictReader(io.StringIO(self.command("show stat").lstrip("# ")))
        return {row["svname"]: row for row in rows if row["pxname"] == "phpsrv" and row["svname"] not in ("BACKEND", "FRONTEND")}

    def status(self, node):
        return self.rows()[node.name]["status"].split()[0]

    def wait_status(self, node, *wanted):
        wait_until(lambda: self.status(node) in wanted, f"{node.name} is {' or '.join(wanted)} in HAProxy", timeout=30)


class Node:
    """A node with ports that stay the same over restarts."""

    def __init__(self, name, site, redis_port, extension, *arguments):
        self.name, self.site = name, site
        self.port, self.internal_port = free_port(), free_port()
        self.redis_port, self.extension, self.arguments = redis_port, extension, arguments
        self.server = None

    def start(self):
        self.server = Server(
            self.site, "--listen", f"127.0.0.1:{self.port}", "--internal", f"127.0.0.1:{self.internal_port}", "--supervisor=true",
            "--proxy-trusted", "127.0.0.1", "--server-drain-delay-ms", f"{DRAIN_DELAY_S}s", "--queue-capacity", 32,
            "-d", f"extension={self.extension}", "-d", "session.save_handler=redis",
            "-d", f"session.save_path=tcp://127.0.0.1:{self.redis_port}", "-d", "redis.session.locking_enabled=1",
            *self.arguments, executor="ext", workers=4, env={"NODE": self.name, "REDIS_PORT": str(self.redis_port)},
        )  # fmt: skip
        self.server.start()
        self.server.wait_log("supervisor.generation_ready")
        return self

    @property
    def runs(self):
        return self.server is not None and self.server.process.poll() is None

    def stop(self):
        server, self.server = self.server, None
        if server is not None:
            server.stop()

    def stop_now(self):
        """The end without the delay for a balancer (SIGINT)."""
        if self.runs and not self.server.was_terminated:
            self.server.was_terminated = True
            self.server.process.send_signal(signal.SIGINT)
        self.stop()

    def kill_all(self):
        """kill -9 for the server and its supervisor: as if the machine had gone, but for the kernel that closes the connections."""
        self.server.was_terminated = True
        self.server.expected_status = -signal.SIGKILL
        os.kill(self.server.process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.server.pid, signal.SIGKILL)
        self.server.wait_exit()

    def next_server(self, action):
        """Does something after which the supervisor has a new server ready."""
        mark = self.server.mark()
        action()
        self.server.use_ready_line(self.server.wait_log("server.ready", after=mark))
        self.server.wait_log("supervisor.generation_ready", after=mark)
        return mark

    def kill_server(self):
        self.server.expect_log(r"server\.crashed", r"supervisor\.server_crashed")
        return self.next_server(lambda: os.kill(self.server.pid, signal.SIGKILL))

    def reload(self):
        mark = self.next_server(lambda: self.server.process.send_signal(signal.SIGHUP))
        self.server.wait_log("server.draining", after=mark)
        return mark


class Prometheus(Program):
    """The shipped files; targets are the test's, and what waits minutes waits seconds: scrapes, evaluation and "for"."""

    def __init__(self, folder, nodes, haproxy=None):
        self.port = free_port()
        folder = folder / "prometheus"
        shutil.copytree(PROMETHEUS, folder)
        targets = {"phpsrv": [node.internal_port for node in nodes], "haproxy": [haproxy.stats_port] if haproxy else []}
        for job, ports in targets.items():
            (folder / "targets" / f"{job}.yml").write_text(json.dumps([{"targets": [f"127.0.0.1:{port}" for port in ports]}]))
        self._shorten(folder / "prometheus.yml", r"(scrape|evaluation)_interval: 15s", r"\1_interval: 1s")
        self._shorten(folder / "prometheus.yml", r"scrape_timeout: 5s", "scrape_timeout: 1s")
        self._shorten(folder / "alerts.yml", r"for: \d+[smh]", "for: 2s")
        super().__init__(
            folder / "log", need("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn",
        )  # fmt: skip
        self.wait(self._is_ready, "Prometheus is ready")

    @staticmethod
    def _shorten(path, pattern, replacement):
        text, count = re.subn(pattern, replacement, path.read_text())
        assert count > 0, f"{pattern} is not in {path}"
        path.write_text(text)

    def _is_ready(self):
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.port}/-/ready").status_code == 200
        return False

    def api(self, path, **parameters):
        answer = httpx.get(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=20)
        said = answer.json()
        assert said["status"] == "success", f"{parameters}: {said}"
        return said["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        data = self.api("query", query=expression)
        assert data["resultType"] == "vector", data
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def firing(self):
        """{(name, instance)} of alerts that fire."""
        alerts = self.api("alerts")["alerts"]
        return {(alert["labels"]["alertname"], alert["labels"].get("instance")) for alert in alerts if alert["state"] == "firing"}


class Cluster:
    def __init__(self, folder, extension):
        self.folder = pathlib.Path(folder)
        self.programs = []
        self.nodes = []
        self._prometheus = None
        site = self.folder / "site"
        shutil.copytree(HERE / "site", site)
        with (site / "large.bin").open("wb") as file:
            file.truncate(64_000_000)
        self.redis = self.keep(Redis(self.folder))
        self.nodes = [Node(name, site, self.redis.port, extension) for name in ("phpsrv1", "phpsrv2")]
        self.haproxy = self.keep(HaProxy(self.folder, self.nodes))

    def keep(self, program):
        self.programs.append(program)
        return program

    @property
    def url(self):
        return self.haproxy.url

    @property
    def prometheus(self):
        if self._prometheus is None:
            self._prometheus = self.keep(Prometheus(self.folder, self.nodes, self.haproxy))
        return self._prometheus

    def node(self, name):
        return next(node for node in self.nodes if node.name == name)

    def other(self, node):
        return next(each for each in self.nodes if each is not node)

    def heal(self):
        """All nodes run, and HAProxy sends requests to all of them."""
        for node in self.nodes:
            if not node.runs:
                node.stop()
                node.start()
        for node in self.nodes:
            self.haproxy.wait_status(node, "UP")
        return self

    def stop(self):
        problems = []
        for node in self.nodes:
            try:
                node.stop_now()
            except AssertionError as problem:
                problems.append(problem)
        for program in reversed(self.programs):
            program.stop()
        if problems:
            raise problems[0]
