"""What a request costs: CPU time, and how much of it in user and in kernel mode.

SPDX-License-Identifier: MIT
"""

import contextlib
import subprocess
import sys
import time

import pytest
from harness import facts, load, report, throughput

# Two kinds of work, until the input ends: arithmetic, and system calls that take long.
SPIN = "import os, sys, threading\nthreading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()\nwhile True: sum(range(2000))"
CALL = "import os, sys, threading\nthreading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()\nf = os.open('/dev/zero', 0)\nwhile True: os.read(f, 1 << 20)"
TICKS_WANTED = 20


@contextlib.contextmanager
def busy(program):
    """A process that has been busy for some ticks, and still is."""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as child:
        end = time.monotonic() + 60
        while sum(facts.ticks([child.pid])) < TICKS_WANTED:
            assert time.monotonic() < end
            time.sleep(0.02)
        yield child.pid
        child.stdin.close()


@pytest.mark.parametrize("program, is_kernel", [(SPIN, False), (CALL, True)])
def test_ticks_tell_arithmetic_from_system_calls(program, is_kernel):
    with busy(program) as pid:
        (user, kernel), exact_ns = facts.ticks([pid]), facts.process_cpu_ns(pid)
        thread = facts.thread_ticks(pid, pid)
    assert (kernel > user) == is_kernel and (thread[1] > thread[0]) == is_kernel
    assert (user + kernel) * facts.TICK_NS == pytest.approx(exact_ns, rel=0.25), "the two add up to the exact time"


def test_threads_are_told_apart_by_their_names():
    with busy(SPIN) as pid:
        name = facts.named_threads(pid)[0][1]
        assert sum(facts.named_threads_ticks(pid, name)) >= TICKS_WANTED, "all of its threads but those with other names"
        assert sum(facts.named_threads_ticks(pid, "nobody")) <= TICKS_WANTED / 2
        assert facts.thread_ticks(pid, 1 << 30) == (0, 0), "a thread that is not there"


TOUCH = """import mmap, sys
memory = mmap.mmap(-1, 1000 * mmap.PAGESIZE)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for what in sys.stdin:
    for page in range(1000): memory[page * mmap.PAGESIZE] = 1
    print(flush=True)
"""


def test_page_faults_are_counted():
    with subprocess.Popen([sys.executable, "-c", TOUCH], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        counts = []
        for _ in range(3):
            child.stdin.write(b"\n")
            child.stdin.flush()
            child.stdout.readline()
            counts.append(facts.page_faults([child.pid]))
        child.stdin.close()
    assert counts[0] >= 1000 and counts[2] - counts[1] < 100, "a page is given once"


def test_cpu_time_is_split_as_the_ticks_are():
    result = {"server_cpu_us": 10.0, "loop_cpu_us": 4.0, "worker_cpu_us": 0.1}
    before = {"server": (100, 100), "loop": (50, 50), "worker": (5, 5)}
    after = {"server": (160, 140), "loop": (60, 80), "worker": (9, 6)}
    assert load.split_by_mode(result, before, after) == pytest.approx(
        {"server_user_us": 6.0, "server_kernel_us": 4.0, "loop_user_us": 1.0, "loop_kernel_us": 3.0}
    ), "a worker that was busy for five ticks has no such proportion"


def test_a_part_that_is_not_measured_is_not_split():
    assert not load.split_by_mode({"server_cpu_us": 1.0}, {"loop": (0, 0)}, {"loop": (90, 90)})
    shrunk = load.split_by_mode({"worker_cpu_us": 3.0}, {"worker": (100, 0)}, {"worker": (99, 50)})
    assert shrunk == {"worker_user_us": 0.0, "worker_kernel_us": 3.0}, "sums of samples may fall by one, times may not"


def test_the_split_is_shown_and_can_be_bounded():
    one = {"requests_per_s": 9, "p99_us": 1, "server_cpu_us": 9.0, "server_user_us": 4.0, "server_kernel_us": 5.0, "loop_cpu_us": 6.0, "loop_user_us": 2.0,
           "loop_kernel_us": 4.0, "is_valid": True, "errors": {}, "errors_total": 0}  # fmt: skip
    scenario = {"name": "x", "kind": "throughput", "about": "x", "servers": ["phpsrv"], "target": {"loop_user_us_max": 2.5, "loop_kernel_us_max": 3.0}}
    result = throughput.conclude(scenario, [{"phpsrv": one}] * 3, {}, [])
    assert [(line["what"], line["holds"]) for line in result["verdicts"]] == [("loop_user_us", True), ("loop_kernel_us", False)]
    head = report.table(result["rows"])[0]
    assert head.index("CPU us/request") < head.index("| user |") < head.index("of it the loop") < head.index("its user") < head.index("its kernel")
