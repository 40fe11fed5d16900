"""Starts one phpsrv process, waits for its ready line, collects its log and judges how it ends.

SPDX-License-Identifier: MIT
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from .clock import scaled
from .facts import parse_log_line
from .metrics import Metrics
from .wire import Wire

ROOT = pathlib.Path(__file__).resolve().parents[3]
SANITIZER = re.compile(r"AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:|panic|INVARIANT")
START_TIMEOUT = 30
# Most tests are of the server itself, and look at its process; tests of the supervisor switch it on.
SUPERVISOR = os.environ.get("PHPSRV_TEST_SUPERVISOR", "false")
# PHPSRV_TEST_EXECUTOR=eval runs the tests of PHP with the slow reference in place of ext.
EXECUTORS = {"ext": os.environ.get("PHPSRV_TEST_EXECUTOR", "ext")}
STOP_TIMEOUT = 30


class ServerFailure(AssertionError):
    """The server did not start, did not stop, or complained."""


def binary_path():
    return os.environ.get("PHPSRV_BINARY") or str(ROOT / "build" / "phpsrv")


def environment(extra=None):
    """The environment without PHPSRV_* of the machine, which would be options."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PHPSRV_")}
    clean.update(extra or {})
    return clean


def run_binary(*arguments, env=None, timeout=30, cwd=None):
    """Runs the program to its end (for --help and start-up errors)."""
    return subprocess.run(
        [binary_path(), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=scaled(timeout),
        env=environment(env),
        cwd=cwd,
        check=False,
    )


class Server:
    """A running server. Options are the command line's own: server(docroot, "--workers", 2)."""

    def __init__(self, docroot, *arguments, executor="stub", workers=2, env=None, cwd=None, wrapper=(), pass_fds=(), preexec_fn=None):
        self.docroot = pathlib.Path(docroot)
        self.arguments = [
            "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0", "--docroot", str(docroot),
            "--executor", EXECUTORS.get(executor, executor), "--workers", str(workers), "--supervisor=" + SUPERVISOR,
        ]  # fmt: skip
        self.arguments += [str(argument) for argument in arguments]
        self.env = environment(env)
        self.cwd = cwd
        self.wrapper = list(wrapper)
        self.pass_fds = pass_fds
        self.preexec_fn = preexec_fn
        self.expected = []
        self.expected_status = 0
        self.was_terminated = False
        self.process = None
        self.pid = None
        self.ready = None
        self.stdout = b""
        self._lines = []
        self._changed = threading.Condition()
        self._log_ended = False

    # ---- life

    def start(self):
        """Starts the process and waits for its ready line."""
        self.start_silent()
        try:
            line = self.wait_log("server.ready", timeout=START_TIMEOUT)
        except ServerFailure:
            self.kill()
            raise
        self.use_ready_line(line)
        return self

    def start_silent(self):
        """Starts the process only: for logs that do not come to standard error."""
        self.process = subprocess.Popen(
            [*self.wrapper, binary_path(), *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env,
            cwd=self.cwd,
            start_new_session=True,
            pass_fds=self.pass_fds,
            preexec_fn=self.preexec_fn,
        )
        threading.Thread(target=self._collect_log, daemon=True).start()
        threading.Thread(target=self._collect_stdout, daemon=True).start()
        self.pid = self.process.pid
        return self

    def use_ready_line(self, line):
        self.ready = line.fields
        self.pid = int(line["pid"])
        self.addresses = [self._endpoint(text) for text in line["address"].split(",")]
        self.address = self.addresses[0]
        internal = line.fields.get("internal")
        tls = line.fields.get("tls")
        self.tls_address = self._endpoint(tls) if tls and ":" in tls else None
        self.internal_address = self._endpoint(internal.split(",")[0]) if internal and ":" in internal else None

    def expect_log(self, *patterns):
        """These lines (regular expressions) may appear in the log although they look like trouble."""
        self.expected += [re.compile(pattern) for pattern in patterns]
        return self

    def stop(self):
        """SIGTERM, the end within the deadline, status 0 and a clean log: else the test fails."""
        if self.process is None:
            return
        problems = []
        asked = self.process.poll() is None
        if asked and not self.was_terminated:
            self.terminate()
        try:
            status = self.process.wait(scaled(STOP_TIMEOUT))
            if status != self.expected_status:
                when = "after SIGTERM" if asked else "by itself or by the test"
                problems.append(f"it ended {when} with status {status}, expected {self.expected_status}")
        except subprocess.TimeoutExpired:
            problems.append(f"it did not end {scaled(STOP_TIMEOUT):.0f} s after SIGTERM; killed")
        self.kill()
        problems += self.complaints()
        if problems:
            raise ServerFailure("; ".join(problems) + "\n--- log\n" + self.log)

    def terminate(self):
        """SIGTERM, once: a second one would cut the drain short."""
        self.was_terminated = True
        self.process.send_signal(signal.SIGTERM)

    def signal(self, number):
        self.was_terminated |= number in (signal.SIGTERM, signal.SIGINT)
        os.kill(self.pid, number)

    def wait_exit(self, timeout=STOP_TIMEOUT):
        """Waits for the end of the process and of its log; returns the exit status."""
        status = self.process.wait(scaled(timeout))
        self._wait_log_end()
        return status

    def kill(self):
        """The last resort, by pid: the program and, under a wrapper, the wrapper."""
        if self.process is None:
            return
        if self.process.poll() is None:
            if self.wrapper and self.pid:
                try:
                    os.kill(self.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.kill()
            self.process.wait()
        self._wait_log_end()

    def complaints(self):
        """Log lines that no test expects: errors, panics, sanitizer reports."""
        found = []
        for raw in self.log_lines():
            line = parse_log_line(raw)
            is_trouble = line.level == "ERROR" if line else bool(SANITIZER.search(raw))
            if (is_trouble or SANITIZER.search(raw)) and not any(p.search(raw) for p in self.expected):
                found.append(f"unexpected in the log: {raw}")
        return found

    # ---- log

    @property
    def log(self):
        return "\n".join(self.log_lines())

    def log_lines(self):
        with self._changed:
            return list(self._lines)

    def mark(self):
        """A place in the log, for wait_log(after=...)."""
        with self._changed:
            return len(self._lines)

    def wait_log(self, event, timeout=20, after=0, where=None):
        """Waits for a log line with this event name for which where(line) holds; returns it."""
        deadline = time.monotonic() + scaled(timeout)
        with self._changed:
            index = after
            while True:
                while index < len(self._lines):
                    line = parse_log_line(self._lines[index])
                    index += 1
                    if line and line.event == event and (where is None or where(line)):
                        return line
                left = deadline - time.monotonic()
                if self._log_ended or left <= 0:
                    ended = "the server ended" if self._log_ended else f"{scaled(timeout):.0f} s passed"
                    raise ServerFailure(f"{ended} without a log line {event}:\n" + "\n".join(self._lines))
                self._changed.wait(left)

    def wait_line(self, pattern, timeout=20, after=0):
        """Waits for a raw line of standard error that matches; returns the match."""
        compiled = re.compile(pattern)
        deadline = time.monotonic() + scaled(timeout)
        with self._changed:
            index = after
            while True:
                while index < len(self._lines):
                    match = compiled.search(self._lines[index])
                    index += 1
                    if match:
                        return match
                left = deadline - time.monotonic()
                if self._log_ended or left <= 0:
                    raise ServerFailure(f"no line like {pattern}:\n" + "\n".join(self._lines))
                self._changed.wait(left)

    def _collect_log(self):
        for raw in self.process.stderr:
            with self._changed:
                self._lines.append(raw.decode("utf-8", "backslashreplace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._log_ended = True
            self._changed.notify_all()

    def _collect_stdout(self):
        for chunk in iter(lambda: self.process.stdout.read1(65536), b""):
            with self._changed:
                self.stdout += chunk
                self._changed.notify_all()

    def wait_stdout(self, pattern, timeout=20):
        """Waits until standard output matches the bytes pattern; returns the match."""
        deadline = time.monotonic() + scaled(timeout)
        with self._changed:
            while True:
                match = re.search(pattern, self.stdout)
                if match:
                    return match
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ServerFailure(f"standard output has no {pattern!r}: {self.stdout[-500:]!r}")
                self._changed.wait(min(left, 0.2))

    def _wait_log_end(self):
        with self._changed:
            self._changed.wait_for(lambda: self._log_ended, scaled(10))

    # ---- talking to it

    @staticmethod
    def _endpoint(text):
        if text.startswith("unix:"):
            return text.removeprefix("unix:")
        host, _, port = text.rpartition(":")
        return host, int(port)

    def connect(self, **options):
        return Wire(self.address, **options)

    def connect_internal(self, **options):
        return Wire(self.internal_address, **options)

    def fetch(self, target, method="GET", fields=(), body=None, address=None, **options):
        """One request on a connection of its own."""
        with Wire(address or self.address, **options) as wire:
            wire.request(target, method, [("Connection", "close"), *fields], body)
            return wire.expect_response(method=method)

    def internal(self, target, **options):
        return self.fetch(target, address=self.internal_address, **options)

    def metrics(self):
        response = self.internal("/metrics")
        assert response.status == 200, response
        return Metrics(response.text)

    def health(self):
        response = self.internal("/health")
        return response.status, json.loads(response.body)

    def refuses_connections(self):
        try:
            socket.create_connection(self.address, timeout=scaled(5)).close()
            return False
        except OSError:
            return True

    # ---- looking at it from outside

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def open_files(self):
        """[(what a descriptor leads to, os.stat() of that)] of all, from /proc; one that is closed meanwhile is left out."""
        found = []
        for entry in os.scandir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                found.append((os.readlink(entry.path), entry.stat()))
        return found

    def listening_ports(self):
        """Ports on which this process listens (IPv4), from /proc."""
        inodes = {target for target, _ in self.open_files()}
        rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return [int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]

    def threads(self):
        """(name, id) of each; one that ends meanwhile is left out."""
        found = []
        for tid in os.listdir(f"/proc/{self.pid}/task"):
            with contextlib.suppress(OSError):
                found.append((pathlib.Path(f"/proc/{self.pid}/task/{tid}/comm").read_text().strip(), int(tid)))
        return found

    def memory_kib(self, key="Pss"):
        """A row of /proc/PID/smaps_rollup: Pss, Rss, Private_Dirty ..."""
        for line in pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)
