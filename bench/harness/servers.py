# SPDX-License-Identifier: MIT
"""Starts each server with a configuration of its own, in a folder of its own, on a free port of 127.0.0.1."""
import copy
import json
import os
import re
import shutil
import socket
import subprocess
from typing import Any, Dict, List, Optional, Set, Tuple

from . import facts, surroundings
from .children import Child, wait_until
from .log_file import LogFile
from .outcome import Unavailable
from .wire import fetch

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
PEERS = os.path.join(BENCH, "peers")
START_SECONDS = 30
WORKER_NAMES = "php-"  # how the names of phpsrv's threads that run PHP begin


class Setup:
    """Where things are: the same for all servers of a run."""

    def __init__(self, binary: str, php_prefix: str, docroot: str, folder: str, with_others: bool = True):
        self.binary = binary
        self.with_others = with_others  # peers of "also", beside the main one
        self.php_prefix = php_prefix
        self.docroot = docroot
        self.folder = folder
        self.probe = "/hello.php"  # answered with 200 once PHP is there
        self.has_state = True  # the site has hello.php and state.php
        self.phpsrv_options: List[str] = []  # that a site needs
        self.php_ini = os.path.join(PEERS, "php.ini")
        self.certificate, self.key = make_certificate(folder)
        self.options_known = known_options(binary)
        self.count = 0

    def at(self, docroot: str) -> "Setup":
        """The same with another site."""
        other = copy.copy(self)
        other.docroot = docroot
        other.folder = self.new_folder("at")
        return other

    def program(self, name: str) -> str:
        """One of bench/CMakeLists.txt, made beside the server."""
        path = os.path.join(os.path.dirname(self.binary), "bench", name)
        if not os.access(path, os.X_OK):
            raise RuntimeError(f"{path} is not there: ./dev bench makes it (target bench_programs)")
        return path

    def new_folder(self, name: str) -> str:
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:03d}-{name}")
        os.mkdir(path)
        return path


def known_options(binary: str) -> Set[str]:
    """Every --option of this build of the server."""
    try:
        done = subprocess.run([binary, "--help"], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return set()
    return options_in(done.stdout)


def options_in(text: str) -> Set[str]:
    """--name, and both of --[no-]name."""
    found = re.findall(r"--(\[no-\])?([a-z0-9][a-z0-9-]*)", text)
    return {f"--{name}" for _, name in found} | {f"--no-{name}" for negated, name in found if negated}


def make_certificate(folder: str) -> Tuple[str, str]:
    """One of P-256 for all servers of a run: what most sites have."""
    certificate, key = os.path.join(folder, "localhost.pem"), os.path.join(folder, "localhost.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def fill(name: str, folder: str, values: Dict[str, Any]) -> str:
    """Writes peers/<name> with its @words@ filled in to folder."""
    with open(os.path.join(PEERS, name), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"@(\w+)@", lambda match: str(values[match.group(1)]), text)
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int, path: str) -> bool:
    try:
        return fetch(port, path).status == 200
    except OSError:
        return False


class Server:
    """One server under test: any number of processes behind one port."""

    is_limit = False
    php = "none"  # "same": the build that the others run; "other": some PHP of its own

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        """Why it cannot be started on this machine; nothing when it can."""
        return ""

    def __init__(self, setup: Setup, name: str, spec: Dict[str, Any]):
        self.setup = setup
        self.name = name
        self.spec = spec
        self.folder = setup.new_folder(name)
        self.children: List[Child] = []
        self.port = 0
        self.tls_port = 0
        self.log_file: Optional[LogFile] = None  # that gets a line for each request

    def __enter__(self) -> "Server":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        # The one in front first: it must not find its back end gone.
        for child in reversed(self.children):
            child.stop()
        self.children = []

    def pids(self) -> List[int]:
        return [child.pid for child in self.children]

    def ini_values(self) -> Dict[str, str]:
        """Values of php.ini that this server's own options set: -d KEY=VALUE."""
        options = self.spec.get("options", [])
        pairs = [after.partition("=") for option, after in zip(options, options[1:]) if option == "-d"]
        return {key: value for key, _, value in pairs}

    def check_alive(self) -> None:
        for child in self.children:
            child.check_alive()

    def cpu_ns(self) -> int:
        return facts.cpu_ns(self.pids())

    def loop_cpu_ns(self) -> int:
        """Of the one thread that handles all connections; 0 where there is no such thing."""
        return 0

    def worker_cpu_ns(self) -> int:
        """Of the threads or processes that run PHP; 0 where they cannot be told from the rest."""
        return 0

    def cpu_modes(self) -> Dict[str, Tuple[int, int]]:
        """Clock ticks in user and in kernel mode: of the whole "server", and of its "worker" and "loop" where they can be told apart."""
        return {"server": facts.ticks(self.pids())}

    def context_switches(self) -> Dict[str, int]:
        return facts.context_switches(self.pids())

    def memory(self) -> Dict[str, int]:
        return facts.memory_bytes(self.pids())

    def command_lines(self) -> List[str]:
        """As they would be typed, without this run's folders."""
        lines = []
        extra = [f"{key}={value}" for key, value in self.spec.get("environment", {}).items()]
        for child in self.children:
            line = " ".join(extra + child.argv).replace(self.setup.binary, "phpsrv").replace(self.folder, "TEMP").replace(self.setup.docroot, "SITE")
            lines.append(line.replace(self.setup.php_prefix, "PREFIX").replace(os.path.dirname(BENCH) + "/", ""))
        return lines


class Phpsrv(Server):
    def __init__(self, setup: Setup, name: str, spec: Dict[str, Any]):
        super().__init__(setup, name, spec)
        self.php = "same" if spec["executor"] == "ext" else "none"

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        unknown = [option.partition("=")[0] for option in spec.get("options", []) if option.startswith("--")]
        unknown = [option for option in unknown if option not in setup.options_known]
        return f"this build has no {', '.join(unknown)}" if unknown else surroundings.missing(spec)

    def start(self) -> None:
        arguments = [
            self.setup.binary,
            "--listen=127.0.0.1:0",
            "--docroot=" + self.setup.docroot,
            *self.setup.phpsrv_options,
            "--executor=" + self.spec["executor"],
            f"--workers={self.spec['workers']}",
            "--php-ini=" + self.setup.php_ini,
            "--tls-listen=127.0.0.1:0",
            "--tls-cert=" + self.setup.certificate,
            "--tls-key=" + self.setup.key,
        ]
        words = {"site": self.setup.docroot, "workers": self.spec["workers"]}
        arguments += [re.sub(r"@(\w+)@", lambda match: str(words[match.group(1)]), option) for option in self.spec.get("options", [])]
        child = Child("phpsrv", arguments, self.folder, self.spec.get("environment"))
        self.children.append(child)
        ready = wait_until(
            lambda: re.search(r"server\.ready\b.*?\baddress=\"?127\.0\.0\.1:(\d+)\"? tls=\"?127\.0\.0\.1:(\d+).* pid=(\d+)", child.log()),
            START_SECONDS, "the ready line", child,
        )  # fmt: skip
        self.port, self.tls_port, self.server_pid = (int(text) for text in ready.groups())
        surroundings.check_preloaded(self.spec, self.server_pid)
        if "pin" in self.spec:
            surroundings.pin(self.server_pid, self.spec["pin"], self.spec["workers"], WORKER_NAMES)
        options = self.spec.get("options", [])
        if "--log-access-path" in options:
            self.log_file = LogFile(os.path.join(self.folder, options[options.index("--log-access-path") + 1]))

    def loop_cpu_ns(self) -> int:
        # the first thread of the supervised process
        return facts.thread_cpu_ns(self.server_pid, self.server_pid)

    def worker_cpu_ns(self) -> int:
        return facts.named_threads_cpu_ns(self.server_pid, WORKER_NAMES)

    def cpu_modes(self) -> Dict[str, Tuple[int, int]]:
        return {
            **super().cpu_modes(),
            "loop": facts.thread_ticks(self.server_pid, self.server_pid),
            "worker": facts.named_threads_ticks(self.server_pid, WORKER_NAMES),
        }


class Nginx(Server):
    def start(self) -> None:
        self.start_nginx("/1k.txt")

    def start_nginx(self, probe: str) -> None:
        if shutil.which("nginx") is None:
            raise RuntimeError("nginx is not there: ./dev setup bench installs it")
        self.port, self.tls_port = free_port(), free_port()
        connections = self.spec.get("connections_max", 4096)
        path = fill("nginx.conf", self.folder, {
            "folder": self.folder,
            "docroot": self.setup.docroot,
            "port": self.port,
            "tls_port": self.tls_port,
            "certificate": self.setup.certificate,
            "key": self.setup.key,
            "nginx_workers": self.spec["nginx_workers"],
            "connections": connections,
            "files": connections * 2,
            "user": "user root;" if os.geteuid() == 0 else "",
        })  # fmt: skip
        log = os.path.join(self.folder, "nginx.log")
        child = Child("nginx", ["nginx", "-p", self.folder, "-e", log, "-c", path], self.folder)
        self.children.append(child)
        wait_until(lambda: answers(self.port, probe), START_SECONDS, "an answer of nginx", child)


class NginxFpm(Nginx):
    php = "same"

    def _worker_pids(self) -> List[int]:
        return facts.processes([self.children[0].pid])[1:]

    def worker_cpu_ns(self) -> int:
        return sum(facts.cpu_ns([pid]) for pid in self._worker_pids())

    def cpu_modes(self) -> Dict[str, Tuple[int, int]]:
        return {**super().cpu_modes(), "worker": facts.ticks(self._worker_pids())}

    def start(self) -> None:
        # As root the site is readable for everybody else on the same footing: phpsrv runs as root then, too.
        is_root = os.geteuid() == 0
        path = fill("php-fpm.conf", self.folder, {
            "folder": self.folder,
            "workers": self.spec["workers"],
            "user": "user = root\ngroup = root" if is_root else "",
        })  # fmt: skip
        program = os.path.join(self.setup.php_prefix, "sbin", "php-fpm")
        arguments = [program, "-F", "-y", path, "-c", self.setup.php_ini, "-d", "zend_extension=opcache"]
        child = Child("php-fpm", arguments + (["-R"] if is_root else []), self.folder)
        self.children.append(child)
        wanted = self.spec["workers"] + 1
        wait_until(lambda: len(facts.processes([child.pid])) == wanted, START_SECONDS, "php-fpm's children", child)
        self.start_nginx(self.setup.probe)


class EngineLimit(Server):
    """No server: the engine in a bare loop (engine_limit/)."""

    is_limit = True
    php = "same"

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        try:
            setup.program("engine_limit")
        except RuntimeError as problem:
            return str(problem)
        return ""

    def start(self) -> None:
        pass

    def measure(self, seconds: int) -> Dict[str, Any]:
        script = os.path.join(self.setup.docroot, self.spec["script"].lstrip("/"))
        return self._run(["engine_limit", script, str(self.spec["workers"]), str(seconds), self.setup.php_ini, *self.spec["variables"]])

    def _run(self, argv: List[str]) -> Dict[str, Any]:
        child = Child(self.name, [self.setup.program(argv[0]), *argv[1:]], self.folder)
        try:
            child.process.wait(int(argv[3]) + START_SECONDS)
        finally:
            child.stop()
        if child.process.returncode != 0:
            raise RuntimeError(f"{self.name} failed:\n{child.log()[-2000:]}")
        return json.loads(child.log().splitlines()[-1])


class CopyLimit(EngineLimit):
    """No server: copies of memory (engine_limit/copy_limit.c); a "request" is a MiB."""

    php = "none"

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        return ""

    def measure(self, seconds: int) -> Dict[str, Any]:
        found = self._run(["copy_limit", "64", str(self.spec["workers"]), str(seconds)])
        requests = found["bytes"] >> 20
        return {"requests": requests, "duration_us": seconds * 1_000_000, "bytes": found["bytes"],
                "cpu_us_per_request": found["cpu_ns"] / 1000 / max(requests, 1)}  # fmt: skip


class TcpLimit(Server):
    """TCP without HTTP: receives and sends (engine_limit/tcp_limit.c)."""

    def start(self) -> None:
        child = Child("tcp_limit", [self.setup.program("tcp_limit")], self.folder)
        self.children.append(child)
        self.port = int(wait_until(lambda: re.match(r"(\d+)\n", child.log()), START_SECONDS, "its port", child).group(1))


KINDS: Dict[str, type] = {
    "phpsrv": Phpsrv, "nginx": Nginx, "nginx_fpm": NginxFpm, "engine_limit": EngineLimit, "copy_limit": CopyLimit, "tcp_limit": TcpLimit,
}  # fmt: skip


def missing(setup: Setup, spec: Dict[str, Any]) -> str:
    return KINDS[spec["kind"]].missing(setup, spec)


def make(setup: Setup, table: Dict[str, Any], name: str, scenario: Dict[str, Any]) -> Server:
    """A server of scenarios.toml with the scenario's numbers, not started yet."""
    spec = {
        "workers": 2,
        "nginx_workers": len(os.sched_getaffinity(0)),
        "script": scenario.get("limit_script", scenario.get("path", "")),
        "variables": scenario.get("limit_variables", []),
    }
    spec.update({key: scenario[key] for key in ("workers", "nginx_workers", "connections_max") if key in scenario})
    spec.update(table[name])
    reason = missing(setup, spec)
    if reason:
        raise Unavailable(f"{name}: {reason}")
    return KINDS[spec["kind"]](setup, name, spec)
