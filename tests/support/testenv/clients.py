"""Constant load, of which every failure is remembered.

SPDX-License-Identifier: MIT
"""

import contextlib
import threading

from . import stub
from .clock import wait_until
from .wire import Wire


class Clients:
    """Threads that ask all the time, each over a kept connection; what is no 200 with the expected body is a failure."""

    def __init__(self, server, count=4, path=stub.ECHO, body=None, pause=0):
        self.address, self.path, self.body, self.pause = server.address, path, body, pause
        self.failures, self.answers = [], 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        wire = None
        while not self.ended.is_set():
            try:
                wire = wire or Wire(self.address)
                wire.request(self.path)
                answer = wire.expect_response()
                if answer.status != 200 or (self.body is not None and answer.body != self.body):
                    self.failures.append((answer.status, answer.body[:300]))
                self.answers += 1
                if answer.closes:
                    wire.close()
                    wire = None
            except Exception as problem:  # noqa: BLE001: any trouble is one
                self.failures.append(repr(problem))
                with contextlib.suppress(OSError):
                    wire.close()
                wire = None
            if self.pause:
                self.ended.wait(self.pause)
        if wire:
            wire.close()

    def wait(self, count):
        wanted = self.answers + count
        wait_until(lambda: self.answers >= wanted or self.failures, f"{count} more answers")

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        return self.failures
