"""The requests that have budgets: one thread for scripts, one connection, one request after the other.

SPDX-License-Identifier: MIT
"""

import os
import pathlib
from dataclasses import dataclass

from testenv import stub

SITE = pathlib.Path(__file__).resolve().parents[2] / "bench" / "site"
SCRIPTS = ("hello.php", "json.php", "worker/hello.php")
SMALL_FILE = "small.txt"
LONG_AGO = 1_700_000_000


@dataclass(frozen=True)
class Case:
    name: str
    target: str
    executor: str = "ext"
    worker: str = ""
    requests: int = 300  # in one load under callgrind

    def launch(self, launch, folder, **options):
        """The server of this case, with the scripts of the benchmarks."""
        lay_out(folder)
        arguments = ("--worker", f"{folder}/{self.worker},1") if self.worker else ()
        return launch(*arguments, executor=self.executor, docroot=folder, workers=1, **options)

    def turns(self, wire, count):
        for _ in range(count):
            wire.request(self.target)
            wire.expect_response(200)


def lay_out(folder):
    """A document root whose files have not just changed: those would be kept neither by the server nor by opcache."""
    files = {name: (SITE / name).read_bytes() for name in SCRIPTS}
    files[SMALL_FILE] = b"a" * 1024
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (LONG_AGO, LONG_AGO))


CASES = {
    case.name: case
    for case in (
        Case("hello", "/hello.php"),
        Case("worker", "/worker/hello.php", worker="worker/hello.php"),
        Case("json", "/json.php", requests=100),
        Case("static", "/" + SMALL_FILE, executor="stub"),
        Case("stub", stub.ECHO, executor="stub"),
    )
}
