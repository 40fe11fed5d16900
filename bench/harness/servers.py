# SPDX-License-Identifier: MIT
"""Starts each server with a configuration of its own, in a folder of its own, on a free port of 127.0.0.1."""
import os
import re
import shutil
import socket
import subprocess
from typing import Any, Dict, List, Optional, Tuple

from . import facts
from .children import Child, wait_until
from .log_file import LogFile
from .wire import fetch

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
PEERS = os.path.join(BENCH, "peers")
START_SECONDS = 30


class Setup:
    """Where things are: the same for all servers of a run."""

    def __init__(self, binary: str, php_prefix: str, docroot: str, folder: str):
        self.binary = binary
        self.php_prefix = php_prefix
        self.docroot = docroot
        self.folder = folder
        self.php_ini = os.path.join(PEERS, "php.ini")
        self.certificate, self.key = make_certificate(folder)
        self.count = 0

    def new_folder(self, name: str) -> str:
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:03d}-{name}")
        os.mkdir(path)
        return path


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

    def check_alive(self) -> None:
        for child in self.children:
            child.check_alive()

    def cpu_ns(self) -> int:
        return facts.cpu_ns(self.pids())

    def loop_cpu_ns(self) -> int:
        """Of the one thread that handles all connections; 0 where there is no such thing."""
        return 0

    def memory(self) -> Dict[str, int]:
        return facts.memory_bytes(self.pids())

    def command_lines(self) -> List[str]:
        """As they would be typed, without this run's folders."""
        lines = []
        for child in self.children:
            line = " ".join(child.argv).replace(self.setup.binary, "phpsrv").replace(self.folder, "TEMP").replace(self.setup.docroot, "SITE")
            lines.append(line.replace(self.setup.php_prefix, "PREFIX").replace(os.path.dirname(BENCH) + "/", ""))
        return lines


class Phpsrv(Server):
    def start(self) -> None:
        arguments = [
            self.setup.binary,
            "--listen=127.0.0.1:0",
            "--docroot=" + self.setup.docroot,
            "--executor=" + self.spec["executor"],
            f"--workers={self.spec['workers']}",
            "--php-ini=" + self.setup.php_ini,
            "--tls-listen=127.0.0.1:0",
            "--tls-cert=" + self.setup.certificate,
            "--tls-key=" + self.setup.key,
        ]
        arguments += self.spec.get("options", [])
        child = Child("phpsrv", arguments, self.folder)
        self.children.append(child)
        ready = wait_until(
            lambda: re.search(r"server\.ready\b.*?\baddress=\"?127\.0\.0\.1:(\d+)\"? tls=\"?127\.0\.0\.1:(\d+).* pid=(\d+)", child.log()),
            START_SECONDS, "the ready line", child,
        )  # fmt: skip
        self.port, self.tls_port, self.server_pid = (int(text) for text in ready.groups())
        options = self.spec.get("options", [])
        if "--log-access-path" in options:
            self.log_file = LogFile(os.path.join(self.folder, options[options.index("--log-access-path") + 1]))

    def loop_cpu_ns(self) -> int:
        # the first thread of the supervised process
        return facts.thread_cpu_ns(self.server_pid, self.server_pid)


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
        self.start_nginx("/hello.php")


KINDS = {"phpsrv": Phpsrv, "nginx": Nginx, "nginx_fpm": NginxFpm}


def make(setup: Setup, table: Dict[str, Any], name: str, scenario: Dict[str, Any]) -> Server:
    """A server of scenarios.toml with the scenario's numbers, not started yet."""
    spec = {"workers": 2, "nginx_workers": len(os.sched_getaffinity(0))}
    spec.update({key: scenario[key] for key in ("workers", "nginx_workers") if key in scenario})
    spec.update(table[name])
    return KINDS[spec["kind"]](setup, name, spec)
