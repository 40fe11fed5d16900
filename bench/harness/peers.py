# SPDX-License-Identifier: MIT
"""Peers beside nginx and php-fpm: measured where they are on this machine, else left out with a line that says why.

FrankenPHP, Swoole, RoadRunner and Unit are started as their manuals say; they were not at hand when this was written: not run here."""
import glob
import http.client
import json
import os
import shutil
import socket
from typing import Any, Dict, List

from .children import Child, wait_until
from .servers import KINDS, PEERS, START_SECONDS, Server, Setup, answers, fill, free_port


def cache_folder() -> str:
    """Where peers/fetch.sh unpacks Debian's packages; as cache_dir of third_party/lib.sh."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(os.environ.get("PHPSRV_CACHE_DIR") or os.path.join(home, "phpsrv"), "bench")


class _Peer(Server):
    """One program behind one port that answers hello.php once it is up."""

    def launch(self, argv: List[str], extra_environment: Dict[str, str]) -> None:
        child = Child(self.name, argv, self.folder, extra_environment)
        self.children.append(child)
        wait_until(lambda: answers(self.port, self.setup.probe), START_SECONDS, f"an answer of {self.name}", child)


class CliServer(_Peer):
    """php -S with processes (PHP_CLI_SERVER_WORKERS): what a developer has at hand. No keep-alive."""

    php = "same"

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        return "" if os.access(os.path.join(setup.php_prefix, "bin", "php"), os.X_OK) else "this PHP was built without its command line"

    def start(self) -> None:
        self.port = free_port()
        program = os.path.join(self.setup.php_prefix, "bin", "php")
        self.launch(
            [program, "-c", self.setup.php_ini, "-d", "zend_extension=opcache", "-q", "-S", f"127.0.0.1:{self.port}", "-t", self.setup.docroot],
            {"PHP_CLI_SERVER_WORKERS": str(self.spec["workers"])},
        )


class Apache(_Peer):
    """Apache (prefork) with Debian's mod_php: of another version, and without threads. A process per connection is its nature."""

    php = "other"

    @staticmethod
    def _find(pattern: str) -> str:
        for root in (os.path.join(cache_folder(), "apache", "root"), ""):
            found = sorted(glob.glob(f"{root}/{pattern}"))
            if found:
                return found[-1]
        return ""

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        if not cls._find("usr/sbin/apache2"):
            return "apache2 is not there: ./dev setup bench fetches it"
        if not cls._find("usr/lib/apache2/modules/libphp*.so"):
            return "mod_php is not there: ./dev setup bench fetches it"
        return ""

    def start(self) -> None:
        self.port = free_port()
        program, mod_php = self._find("usr/sbin/apache2"), self._find("usr/lib/apache2/modules/libphp*.so")
        modules = os.path.dirname(self._find("usr/lib/apache2/modules/mod_mpm_prefork.so"))
        extensions = os.path.dirname(self._find("usr/lib/php/20*/opcache.so"))
        path = fill("apache.conf", self.folder, {
            "folder": self.folder,
            "docroot": self.setup.docroot,
            "port": self.port,
            "modules": modules,
            "mod_php": mod_php,
            "user": "User nobody\nGroup nogroup" if os.geteuid() == 0 else "",
            "processes": max(64, 2 * self.spec["workers"]),
        })  # fmt: skip
        ini = os.path.join(self.folder, "php.ini")
        with open(self.setup.php_ini, encoding="utf-8") as file, open(ini, "w", encoding="utf-8") as out:
            out.write(file.read() + f'extension_dir="{extensions}"\nzend_extension=opcache\n')
        libraries = os.path.join(cache_folder(), "apache", "root", "usr", "lib")
        self.launch(
            [program, "-d", self.folder, "-f", path, "-DFOREGROUND"],
            {"LD_LIBRARY_PATH": ":".join(glob.glob(f"{libraries}/*-linux-gnu")), "PHP_INI_SCAN_DIR": ""},
        )


class FrankenPhp(_Peer):
    """Its classic mode: num_threads as many as the others have workers."""

    php = "other"

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        return "" if shutil.which("frankenphp") else "frankenphp is not in PATH"

    def start(self) -> None:
        self.port = free_port()
        path = fill("frankenphp.Caddyfile", self.folder, {
            "port": self.port, "docroot": self.setup.docroot, "workers": self.spec["workers"],
        })  # fmt: skip
        shutil.copyfile(self.setup.php_ini, os.path.join(self.folder, "php.ini"))
        self.launch(
            ["frankenphp", "run", "--config", path, "--adapter", "caddyfile"],
            {"PHPRC": self.folder, "XDG_DATA_HOME": self.folder, "XDG_CONFIG_HOME": self.folder},
        )


class Swoole(_Peer):
    """Its HTTP server, which runs one program for all requests: no request cycle of PHP, so no like with like."""

    php = "other"

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        found = glob.glob(os.path.join(setup.php_prefix, "lib", "php", "extensions", "*", "swoole.so"))
        return "" if found else "the PHP in use has no swoole extension"

    def start(self) -> None:
        self.port = free_port()
        self.launch([
            os.path.join(self.setup.php_prefix, "bin", "php"), "-c", self.setup.php_ini, "-d", "zend_extension=opcache", "-d", "opcache.enable_cli=1",
            "-d", "extension=swoole", os.path.join(PEERS, "swoole.php"), str(self.port), str(self.spec["workers"]), self.setup.docroot,
        ], {})  # fmt: skip


class RoadRunner(_Peer):
    """Needs the packages of its PHP worker: PHPSRV_BENCH_ROADRUNNER names the folder with their vendor/autoload.php."""

    php = "same"

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        if shutil.which("rr") is None:
            return "rr is not in PATH"
        folder = os.environ.get("PHPSRV_BENCH_ROADRUNNER", "")
        if not os.path.isfile(os.path.join(folder, "vendor", "autoload.php")):
            return "PHPSRV_BENCH_ROADRUNNER names no folder with vendor/autoload.php of spiral/roadrunner-http and nyholm/psr7"
        return ""

    def start(self) -> None:
        self.port = free_port()
        program = os.path.join(self.setup.php_prefix, "bin", "php")
        path = fill("roadrunner.yaml", self.folder, {
            "port": self.port, "workers": self.spec["workers"], "rpc_port": free_port(),
            "command": " ".join([
                program, "-c", self.setup.php_ini, "-d", "zend_extension=opcache", "-d", "opcache.enable_cli=1", os.path.join(PEERS, "roadrunner.php"),
                os.path.join(os.environ["PHPSRV_BENCH_ROADRUNNER"], "vendor", "autoload.php"), self.setup.docroot,
            ]),
        })  # fmt: skip
        self.launch(["rr", "serve", "-c", path, "-w", self.folder], {})


class Unit(_Peer):
    """NGINX Unit with its PHP module; configured over its control socket."""

    php = "other"

    @classmethod
    def missing(cls, setup: Setup, spec: Dict[str, Any]) -> str:
        return "" if shutil.which("unitd") else "unitd is not in PATH"

    def start(self) -> None:
        self.port = free_port()
        control = os.path.join(self.folder, "control.sock")
        child = Child(self.name, [
            "unitd", "--no-daemon", "--control", f"unix:{control}", "--pid", os.path.join(self.folder, "pid"), "--log", os.path.join(self.folder, "log"),
            "--statedir", self.setup.new_folder("unit-state"), "--tmpdir", self.folder,
        ], self.folder)  # fmt: skip
        self.children.append(child)
        wait_until(lambda: os.path.exists(control), START_SECONDS, "unit's control socket", child)
        self._configure(control, {
            "listeners": {f"127.0.0.1:{self.port}": {"pass": "applications/bench"}},
            "applications": {"bench": {
                "type": "php", "root": self.setup.docroot, "processes": self.spec["workers"], "options": {"file": self.setup.php_ini},
            }},
        })  # fmt: skip
        wait_until(lambda: answers(self.port, self.setup.probe), START_SECONDS, "an answer of unit", child)

    @staticmethod
    def _configure(control: str, configuration: Dict[str, Any]) -> None:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(control)
        connection.request("PUT", "/config", json.dumps(configuration))
        response = connection.getresponse()
        said = response.read()
        if response.status != 200:
            raise RuntimeError(f"unit refused its configuration: {said[:1000]!r}")


KINDS.update({
    "cli_server": CliServer, "apache": Apache, "frankenphp": FrankenPhp, "swoole": Swoole, "roadrunner": RoadRunner, "unit": Unit,
})  # fmt: skip
