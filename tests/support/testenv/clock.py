"""Deadlines of the tests, scaled for slow builds (sanitizers, valgrind).

SPDX-License-Identifier: MIT
"""

import os
import time

SCALE = float(os.environ.get("PHPSRV_TEST_SCALE", "1"))


def scaled(seconds):
    """A deadline that only a broken server reaches: never part of what a test measures."""
    return seconds * SCALE


def wait_until(condition, what, timeout=20):
    """Waits until condition() is true and returns its value. For states that the kernel or the server cannot announce."""
    deadline = time.monotonic() + scaled(timeout)
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {scaled(timeout):.0f} s in vain: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
