"""Programs that tests start beside the server.

SPDX-License-Identifier: MIT
"""

import signal
import subprocess


def end_process(process, number=signal.SIGTERM):
    """Asks it to end, and kills it when it does not; what has ended already is left alone."""
    if process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
