"""What applications need beside the server, and what they are compared with: MariaDB, and nginx with php-fpm of the same PHP.

Everything runs in a temporary folder on free ports of 127.0.0.1 or on unix sockets, and ends with the test.
SPDX-License-Identifier: MIT
"""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess

import httpx
import pytest

from testenv import run_binary, wait_until
from testenv.processes import end_process

USER = pwd.getpwuid(os.geteuid()).pw_name

NGINX = """
daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    access_log off; client_max_body_size 64m;
    client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/fastcgi; proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    fastcgi_buffers 32 64k; fastcgi_buffer_size 64k;
    server {{
        listen 127.0.0.1:{port}; server_name 127.0.0.1; root {docroot}; index index.php index.html;
        location / {{ try_files $uri $uri/ =404; }}
        location ~ ^(?<script>/.*?\\.php)(?<info>/.*)?$ {{
            try_files $script =404;
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME $document_root$script;
            fastcgi_param SCRIPT_NAME $script;
            fastcgi_param PATH_INFO $info;
            fastcgi_param HTTP_PROXY "";
            fastcgi_param HTTP_HOST $http_host;
            fastcgi_param SERVER_PORT {site_port};
            # applications ask for "nginx" in it, and offer other links then
            fastcgi_param SERVER_SOFTWARE {software};
            fastcgi_pass unix:{folder}/fpm.sock;
        }}
    }}
}}
"""
FPM = """
[global]
daemonize = no
error_log = {folder}/fpm.log
[www]
{user}
listen = {folder}/fpm.sock
pm = static
pm.max_children = 3
clear_env = no
catch_workers_output = yes
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A program that runs until stop()."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **options
        )  # fmt: skip

    def stop(self, number=signal.SIGTERM):
        end_process(self.process, number)


def need(program):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        if shutil.which("apt-get") is None:
            pytest.skip(f"{program} is not here")
        pytest.fail(f"{program} is not here: run ./dev setup apps")
    return path


class MariaDb:
    """A server with an empty data folder, reached by its socket as root without a password."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "s"
        options = ["--no-defaults", f"--datadir={self.folder}/data", f"--user={USER}"]
        subprocess.run(
            [need("mariadb-install-db"), *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.service = Service(
            need("mariadbd"), *options, f"--socket={self.socket}", "--skip-networking", f"--pid-file={self.folder}/pid",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--character-set-server=utf8mb4",
        )  # fmt: skip
        wait_until(lambda: self._answers() or self.service.process.poll() is not None, "MariaDB answers", timeout=60)
        assert self.service.process.poll() is None, "MariaDB has ended"

    def _answers(self):
        return self.socket.exists() and self.run("SELECT 1", check=False).returncode == 0

    def run(self, statement, check=True):
        return subprocess.run(
            [need("mariadb"), "--no-defaults", f"--socket={self.socket}", "-uroot", "-N", "-e", statement],
            check=check, capture_output=True, text=True,
        )  # fmt: skip

    def stop(self):
        self.service.stop()


def software():
    """What phpsrv says in SERVER_SOFTWARE."""
    return "/".join(run_binary("--version").stdout.split()[:2])


class Peer:
    """nginx in front of php-fpm, with the docroot, php.ini and name of a running phpsrv."""

    def __init__(self, folder, server, ini):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        root = os.geteuid() == 0
        values = {"folder": self.folder, "docroot": server.docroot, "port": self.port, "site_port": server.address[1], "software": software()}
        (self.folder / "nginx.conf").write_text(NGINX.format(**values, user=f"user {USER};" if root else ""))
        (self.folder / "fpm.conf").write_text(FPM.format(**values, user=f"user = {USER}" if root else ""))
        program = pathlib.Path(os.environ.get("PHPSRV_PHP_PREFIX", "")) / "sbin/php-fpm"
        self.fpm = self.nginx = None
        self.is_there = program.exists()
        if not self.is_there:
            return
        self.fpm = Service(program, *(["-R"] if root else []), "-F", "-y", self.folder / "fpm.conf", "-c", ini)
        wait_until((self.folder / "fpm.sock").exists, "php-fpm listens")
        self.nginx = Service(need("nginx"), "-c", self.folder / "nginx.conf", "-p", self.folder)
        wait_until(self._answers, "nginx listens")

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def get(self, path, client):
        """The page for the request that client would send to phpsrv: same name of the site, same cookies."""
        if not self.is_there:
            pytest.skip("this PHP has no php-fpm to compare with")
        request = client.build_request("GET", path)
        with httpx.Client(trust_env=False, timeout=60) as peer:
            return peer.get(f"http://127.0.0.1:{self.port}{path}", headers=request.headers)

    def stop(self):
        for service in (self.nginx, self.fpm):
            if service is not None:
                service.stop()


class Site:
    """An installed application with what it needs: begin() starts it, stop() ends what was started, even when the rest did not start."""

    def __init__(self, launch, folder):
        self.peer = self.database = None
        try:
            self.begin(launch, folder)
        except BaseException:
            self.stop()
            raise

    def begin(self, launch, folder):
        raise NotImplementedError

    def stop(self):
        for service in (self.peer, self.database):
            if service is not None:
                service.stop()
