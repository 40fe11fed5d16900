# SPDX-License-Identifier: MIT
"""Child processes that never outlive the runner: each is ended by its pid, and by the kernel should the runner be killed."""
import atexit
import ctypes
import os
import resource
import signal
import subprocess
import time
from typing import Dict, List, Optional, Set

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10
_libc = ctypes.CDLL(None, use_errno=True)
_alive: Set["Child"] = set()


def environment() -> Dict[str, str]:
    """PHPSRV_* of the machine would be options of the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PHPSRV_")}


def descendants(pid: int) -> List[int]:
    """pid and all processes below it."""
    found, pending = [], [pid]
    while pending:
        one = pending.pop()
        found.append(one)
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as file:
                    pending += [int(text) for text in file.read().split()]
        except OSError:
            continue
    return found


class Child:
    """One child; its output goes to a file below folder."""

    def __init__(self, name: str, argv: List[str], folder: str, extra_environment: Optional[Dict[str, str]] = None):
        self.name = name
        self.argv = argv
        self.log_path = os.path.join(folder, name + ".out")
        parent = os.getpid()

        def prepare() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

        with open(self.log_path, "wb") as log:
            # pylint: disable=subprocess-popen-preexec-fn,consider-using-with
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment(), **(extra_environment or {})},
                cwd=folder,
                preexec_fn=prepare,
                start_new_session=True,  # Ctrl-C reaches the runner only, which then ends its children in order
            )
        self.pid = self.process.pid
        _alive.add(self)

    def log(self) -> str:
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def check_alive(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with status {self.process.returncode}:\n{self.log()[-2000:]}")

    def stop(self) -> None:
        """SIGTERM, then after a while SIGKILL for it and what it started."""
        if self not in _alive:
            return
        below = descendants(self.pid)
        try:
            if self.process.stdin is not None:
                self.process.stdin.close()
        except OSError:
            pass
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        ended = self.process.poll() is not None
        if not ended:
            self.process.kill()
            self.process.wait()
        for pid in below[1:]:
            _kill_if_ours(pid, self.pid)
        _alive.discard(self)
        if not ended:
            raise RuntimeError(f"{self.name} did not end within {STOP_SECONDS} s of SIGTERM and was killed")


def _kill_if_ours(pid: int, session: int) -> None:
    """A child of a child that is still there; its session proves that the pid has not been given to somebody else."""
    try:
        if os.getsid(pid) == session:
            os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def stop_all() -> None:
    for child in list(_alive):
        try:
            child.stop()
        except RuntimeError:
            pass


atexit.register(stop_all)


def wait_until(condition, seconds: float, what: str, child: Optional[Child] = None):
    """Polls until condition() returns something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if child is not None:
            child.check_alive()
        if time.monotonic() > deadline:
            tail = f":\n{child.log()[-2000:]}" if child is not None else ""
            raise RuntimeError(f"{what} did not happen within {seconds:.0f} s{tail}")
        time.sleep(0.01)
