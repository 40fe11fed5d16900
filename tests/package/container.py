"""A Debian that was booted: systemd-nspawn with a network of its own, in which only loopback is up.

SPDX-License-Identifier: MIT
"""

import pathlib
import shutil
import subprocess
import sys

from machine import ENVIRONMENT, Machine
from testenv.clock import scaled, wait_until

VISITORS = pathlib.Path(__file__).with_name("visitors.py")


class Container(Machine):
    """run() and install() work inside of it once boot() has come back."""

    def __init__(self, base, root):
        super().__init__(base, root)
        self.booted = None
        self.leader = None

    @staticmethod
    def missing():
        """Why a container cannot be booted here, or None."""
        return None if shutil.which("systemd-nspawn") else "no systemd-nspawn here"

    def boot(self):
        subprocess.run(["umount", self.root / "proc"], check=True)
        self.booted = subprocess.Popen(
            ["systemd-nspawn", "--keep-unit", "--register=no", "--private-network", "--link-journal=no", "--console=pipe", "--boot", "-D", self.root],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def first_process():
            assert self.booted.poll() is None, "systemd-nspawn did not start"
            return subprocess.run(["pgrep", "-P", str(self.booted.pid), "-x", "systemd"], capture_output=True, text=True, check=False).stdout.strip()

        self.leader = wait_until(first_process, "the first process of the container")
        wait_until(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"), "the container to come up", timeout=60)

    def run(self, *command, check=True, env=None, stdin=subprocess.DEVNULL):
        if self.leader is None:
            return super().run(*command, check=check, env=env, stdin=stdin)
        done = subprocess.run(
            ["nsenter", "-a", "-t", self.leader, *command], stdin=stdin, capture_output=True, text=True, errors="replace", env={**ENVIRONMENT, **(env or {})}, timeout=scaled(600), check=False
        )
        assert not check or done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{self.journal()}"
        return done

    def journal(self):
        done = subprocess.run(["nsenter", "-a", "-t", self.leader, "journalctl", "-u", "phpsrv", "--no-pager", "-n", "40"], capture_output=True, text=True, check=False)
        return done.stdout

    def get(self, url, *options):
        """(status, body); status 0: nobody answered."""
        done = self.run("curl", "-s", "-m", "60", "-w", "\n%{http_code}", *options, url, check=False)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def visitors(self, url, expected):
        """Ask until their standard input ends, then tell how it was: visitors.py."""
        return subprocess.Popen(
            ["nsenter", "-n", "-t", self.leader, sys.executable, VISITORS, url, expected], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self):
        if self.booted is None:
            super().close()
            return
        if self.booted.poll() is None:
            self.run("systemctl", "poweroff", check=False)
            try:
                self.booted.wait(timeout=scaled(60))
            except subprocess.TimeoutExpired:
                self.booted.kill()
                self.booted.wait()
        shutil.rmtree(self.root)
