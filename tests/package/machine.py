"""A Debian of its own to install packages in, and the part of systemd that a service needs: what its unit says is done here.

SPDX-License-Identifier: MIT
"""

import configparser
import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from testenv.clock import scaled, wait_until

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}
# Outside of what packages own: /proc is the kernel's, the rest says what apt and dpkg have done.
NOT_OURS = ("proc", "var/log", "var/cache/apt", "var/lib/dpkg", "var/lib/apt", "tmp", "root")


class Machine:
    def __init__(self, base, root):
        self.root = pathlib.Path(root)
        subprocess.run(["cp", "-a", "--reflink=auto", base, self.root], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)

    def close(self):
        subprocess.run(["umount", self.root / "proc"], check=True)
        shutil.rmtree(self.root)

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def run(self, *command, check=True, env=None, stdin=subprocess.DEVNULL):
        done = subprocess.run(
            ["chroot", self.root, *command], stdin=stdin, capture_output=True, text=True, errors="replace", env={**ENVIRONMENT, **(env or {})}, timeout=scaled(900), check=False
        )
        assert not check or done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def install(self, *packages):
        """apt, as an administrator calls it; files are copied in."""
        names = []
        for package in packages:
            if os.path.exists(package):
                shutil.copy(package, self.root / "tmp")
                package = "/tmp/" + pathlib.Path(package).name
            names.append(package)
        # Changed configuration is kept without a question, as unattended upgrades do it.
        keep = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
        return self.run("apt-get", "install", "-y", "--no-install-recommends", *keep, *names)

    def status(self, package):
        return self.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", package, check=False).stdout

    def find(self, *expression):
        """What find(1) finds, as paths inside, without NOT_OURS."""
        prune = [word for place in NOT_OURS for word in ("-path", f"{self.root}/{place}", "-prune", "-o")]
        done = subprocess.run(["find", self.root, "-xdev", *prune, *expression, "-print"], capture_output=True, text=True, check=True)
        return sorted(line[len(str(self.root)) :] for line in done.stdout.splitlines())

    def account(self, name):
        """Fields of passwd, or None."""
        done = self.run("getent", "passwd", name, check=False)
        return done.stdout.strip().split(":") if done.returncode == 0 else None


class Service:
    """Runs phpsrv.service as systemd would: account, folders, sockets, notifications. The port is a free one of loopback."""

    def __init__(self, machine):
        self.machine = machine
        unit = configparser.ConfigParser(strict=False, delimiters=("=",), interpolation=None)
        unit.optionxform = str
        unit.read(machine.path("/usr/lib/systemd/system/phpsrv.service"))
        self.unit = unit["Service"]
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(machine.path("/run/notify")))
        os.chmod(machine.path("/run/notify"), 0o666)
        self.process = None
        self.log = machine.root.parent / "service.log"

    def folders(self):
        account = self.machine.account(self.unit["User"])
        for option, place in (("StateDirectory", "/var/lib"), ("CacheDirectory", "/var/cache"), ("LogsDirectory", "/var/log"), ("RuntimeDirectory", "/run")):
            for name in self.unit[option].split():
                path = self.machine.path(f"{place}/{name}")
                path.mkdir(exist_ok=True)
                os.chown(path, int(account[2]), int(account[3]))

    def start(self):
        """Returns once READY=1 has come."""
        self.folders()
        # The number of the socket and of the process are known only on the inside, at the end.
        script = f'umask {self.unit["UMask"]}; exec 3<&{self.listener.fileno()}; LISTEN_PID=$$; export LISTEN_PID; exec setpriv "$@"'
        rights = f"--reuid={self.unit['User']} --regid={self.unit['Group']} --init-groups --no-new-privs --bounding-set=-all,+net_bind_service --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["chroot", self.machine.root, "/bin/bash", "-c", script, "bash", *rights.split(), *self.unit["ExecStart"].split()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": ENVIRONMENT["PATH"], "NOTIFY_SOCKET": "/run/notify", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "site"},
                pass_fds=[self.listener.fileno()],
            )
        self.wait_for("READY=1")

    def wait_for(self, *states):
        """Reads notifications until these have come, in this order."""
        end = time.monotonic() + scaled(60)
        for state in states:
            while True:
                self.notify.settimeout(max(0.1, end - time.monotonic()))
                try:
                    message = self.notify.recv(4096).decode()
                except TimeoutError:
                    raise AssertionError(f"{state} never came:\n{self.log.read_text()[-3000:]}") from None
                if state in message.splitlines():
                    break

    def begin_reload(self):
        """Returns once the new server is ready; what the old one has accepted until then it answers still."""
        assert self.unit["ExecReload"] == '/bin/sh -c "kill -HUP ${MAINPID}"'
        self.process.send_signal(signal.SIGHUP)
        self.wait_for("RELOADING=1", "READY=1")

    def reload(self):
        """Returns once only the new server is there."""
        ended = self.servers_ended()
        self.begin_reload()
        wait_until(lambda: self.servers_ended() > ended, "the old server has ended")

    def servers_ended(self):
        return self.log.read_text().count("supervisor.generation_ended")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=scaled(int(self.unit["TimeoutStopSec"]))) == 0, self.log.read_text()[-3000:]
        self.process = None

    def restart(self):
        """The socket goes on listening: what comes meanwhile waits in it."""
        self.stop()
        self.start()

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.listener.close()
        self.notify.close()

    def get(self, target):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=scaled(60))
        try:
            connection.request("GET", target, headers={"Connection": "close"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def get_internal(self, target):
        """From the socket in the file system that the package's configuration names."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(scaled(60))
        connection.sock.connect(str(self.machine.path("/run/phpsrv/internal.sock")))
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
