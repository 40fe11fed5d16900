"""Clients that ask through the balancer all the time, over kept connections, and remember every failure.

SPDX-License-Identifier: MIT
"""

import contextlib
import itertools
import threading

from testenv import Wire, wait_until

_keys = itertools.count()


class Load:
    """`get` threads ask GET, `post` threads POST; each request has a key that work.php counts in Redis."""

    def __init__(self, address, redis, get=6, post=2, milliseconds=5):
        self.address, self.redis, self.milliseconds = address, redis, milliseconds
        self.answers = {"GET": 0, "POST": 0}
        self.failures = {"GET": [], "POST": []}
        self.done = []  # keys of POST requests that were answered 200
        self.ended = threading.Event()
        self.lock = threading.Lock()
        methods = ["GET"] * get + ["POST"] * post
        self.threads = [threading.Thread(target=self._run, args=(method,)) for method in methods]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        try:
            self.wait(20)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.wait(20)  # it goes on after whatever was done
        finally:
            self._end()

    def _end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def wait(self, count):
        """Until every kind of client has had so many more answers, good or bad."""
        wanted = {method: number + count for method, number in self.answers.items()}
        wait_until(lambda: all(self.answers[method] >= number for method, number in wanted.items()), f"{count} more answers", timeout=60)

    def _run(self, method):
        wire = None
        while not self.ended.is_set():
            key = f"{method}-{next(_keys)}"
            problem = None
            try:
                wire = wire or Wire(self.address)
                if method == "GET":
                    wire.request(f"/work.php?ms={self.milliseconds}&key={key}")
                else:
                    body = f"ms={self.milliseconds}&key={key}".encode()
                    wire.request("/work.php", "POST", [("Content-Type", "application/x-www-form-urlencoded")], body)
                answer = wire.expect_response(method=method)
                if answer.status != 200 or answer.body != b"done":
                    problem = (key, answer.status, answer.body[:200])
                if answer.closes:
                    wire.close()
                    wire = None
            except Exception as error:  # noqa: BLE001: any trouble is one
                problem = (key, repr(error))
                with contextlib.suppress(AttributeError, OSError):
                    wire.close()
                wire = None
            with self.lock:
                self.answers[method] += 1
                if problem:
                    self.failures[method].append(problem)
                elif method == "POST":
                    self.done.append(key)

    def expect_none_failed(self):
        assert self.failures == {"GET": [], "POST": []}, f"of {self.answers}: {self.failures}"
        self.expect_posts_ran_once()

    def expect_posts_ran_once(self):
        runs = self.redis.runs()
        assert [key for key in self.done if runs.get(key) != 1] == []
        assert [key for key, count in runs.items() if key.startswith("POST") and count > 1] == [], "a POST ran twice"
