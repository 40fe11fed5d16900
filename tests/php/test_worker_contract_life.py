"""Worker contract: how a script begins, ends and is begun again, and that no request is lost over it.

SPDX-License-Identifier: MIT
"""

import collections
import json
import os
import re
import signal
import time

import pytest

from testenv import Clients, Crowd, wait_until
from worker_cases import Mode, launch_contract

QUICK_END = ("--server-drain-timeout-ms", "20s")


@pytest.fixture
def start(launch, tmp_path):
    """start("--option", value, threads=1) -> Mode of the script life.php of a new server."""

    def begin(*arguments, threads=1, scripts=("life",), **options):
        return Mode(launch_contract(launch, tmp_path, *arguments, scripts=scripts, threads=threads, **options), "worker", scripts[0])

    return begin


def life(mode):
    """What the lives of the script have told: life -> [text]."""
    path = mode.server.folder / "temp" / "life"
    lives = collections.defaultdict(list)
    for line in path.read_text().splitlines() if path.exists() else ():
        boot, _, text = line.partition(" ")
        lives[boot].append(text)
    return lives


def accepted(server, *wires):
    """What they have sent has been read; the answer to another request, on the same thread, comes when it has been acted upon."""
    for wire in wires:
        wire.taken()
    server.metrics()


def query(n):
    return {"suffix": f"?n={n}"}


class Held:
    """Requests that wait in their script until they are let go on."""

    def __init__(self, mode, folder, count=1, case="hold"):
        self.gates = [folder / f"gate{n}" for n in range(count)]
        self.wires = []
        for n, gate in enumerate(self.gates):
            wire = mode.server.connect()
            wire.request(**mode.request(case, f"?n={n}&gate={gate}"))
            self.wires.append(wire)

    def wait_here(self):
        for gate in self.gates:
            wait_until(lambda gate=gate: gate.with_name(gate.name + ".here").exists(), "the script holds")
        return self

    def let_go(self):
        for gate in self.gates:
            gate.touch()

    def answers(self):
        found = [wire.expect_response() for wire in self.wires]
        for wire in self.wires:
            wire.close()
        return found


# ---- begin


def test_what_a_script_sees_while_it_boots(start):
    mode = start(env={"OUTSIDE": "from outside"})
    answer = mode.one("hello")
    assert answer.status == 200 and answer.get("X-Boot") is None, "fields and status of the boot are nobody's"
    (texts,) = life(mode).values()
    told = json.loads(texts[0].removeprefix("boot "))
    assert told == ["1", "from outside", "from outside", "GET", "life.php", True, [], [], told[8], 1, ""]


def test_output_of_the_boot_goes_to_the_log(start):
    mode = start()
    for text in ("hello from the boot", "and a second line"):
        line = mode.server.wait_log("worker.output", where=lambda line, text=text: line["text"] == text)
        assert line.level == "INFO" and line["script"].endswith("/worker/life.php")
    assert "hello" not in mode.one("hello").text
    mark = mode.server.mark()
    mode.server.terminate()
    assert mode.server.wait_exit() == 0
    assert mode.server.wait_log("worker.output", after=mark)["text"] == "farewell"


def test_the_environment_in_requests(start):
    mode = start(env={"OUTSIDE": "from outside", "FRANKENPHP_WORKER": ""})
    for _, seen in mode.json("environment", count=20):
        assert seen == [None, "from outside", "from outside", seen[3]] or seen[0] == ""


def test_all_threads_boot(start):
    mode = start(threads=5)
    assert len(life(mode)) == 5
    assert len({answer.text for _, answer in mode.ask("hello", count=40)}) >= 1


BAD_BOOTS = {
    "ends": ("<?php echo 'only this';", "it ran to its end"),
    "exit": ("<?php exit(3);", "exit status 3"),
    "exception": ("<?php throw new LogicException('while it boots');", "while it boots"),
    "syntax": ("<?php this is no PHP", "syntax error"),
    "asks": ("<?php if (!isset($_SERVER['FRANKENPHP_WORKER'])) { while (frankenphp_handle_request(fn () => 1)) {} }", "it ran to its end"),
}


@pytest.mark.parametrize("name", BAD_BOOTS)
def test_a_script_that_does_not_reach_its_loop(launch, name):
    """The start fails, with what PHP said."""
    code, reason = BAD_BOOTS[name]
    server = launch("--worker", "bad.php,1", "--worker-boot-failures-max", "2", executor="ext", files={"bad.php": code}, start=False)
    server.expected_status = 1
    server.expect_log("worker.boot_failed", "php.message", "frankenphp_handle_request")
    server.start_silent()
    assert server.wait_exit() == 1
    assert "has not reached frankenphp_handle_request()" in server.log and reason in server.log
    assert server.log.count("worker.boot_failed") == 2


def test_variables_of_a_worker(start):
    """--worker-env: in $_SERVER while the script boots; in requests getenv() has it, and $_SERVER does not."""
    mode = start("--worker-env", "OUTSIDE=of the worker")
    (texts,) = life(mode).values()
    assert json.loads(texts[0].removeprefix("boot "))[1:3] == ["of the worker"] * 2
    for _, seen in mode.json("environment", count=20):
        assert seen[:3] == [None, None, "of the worker"]
    classic = Mode(mode.server, "classic", "life").one("environment")
    assert json.loads(classic.body)[1:3] == [None, False]


# ---- end


def test_a_loop_that_counts(start):
    """After MAX_REQUESTS a script ends by itself: it is begun again at once, and nobody waits or is turned away."""
    mode = start(threads=2, env={"MAX_REQUESTS": "10"})
    served = collections.Counter(answer.text.partition(" ")[0] for _, answer in mode.ask("hello", query, 400))
    assert sum(served.values()) == 400 and max(served.values()) == 10 and len(served) >= 40
    ended = [texts for boot, texts in life(mode).items() if served[boot] == 10]
    wait_until(lambda: sum("destructor" in texts for texts in life(mode).values()) >= 39, "the ends")
    for texts in life(mode).values():
        assert [re.sub(" .*", "", text) for text in texts] in ([], ["boot"], ["boot", "loop", "shutdown", "destructor"], ["boot", "loop"], ["boot", "loop", "shutdown"])
    assert ended and "script_failed" not in mode.server.log


@pytest.mark.parametrize(("case", "suffix", "is_failure"), [("exit", "?s=0", False), ("exit", "?s=3", True), ("fatal", "", True)])
def test_ends_are_told_apart(start, case, suffix, is_failure):
    """exit(0) is an end like any other; all else is a failure, which the log has."""
    mode = start()
    mode.server.expect_log("Cannot redeclare")
    for _ in range(3):
        mode.one("hello")
        mode.one(case, suffix)
    assert mode.one("hello").status == 200
    assert len(life(mode)) == 4
    if is_failure:
        wait_until(lambda: mode.server.log.count("worker.script_failed") == 3, "three failures")
        line = mode.server.wait_log("worker.script_failed")
        assert line.level == "WARN" and line["exit_status"] == ("3" if case == "exit" else "255") and line["script"].endswith("/worker/life.php")
    else:
        mode.server.stop()
        assert "worker.script_failed" not in mode.server.log


def test_a_drain_finishes_what_runs(start, tmp_path):
    """handle_request() returns false afterwards: the code behind the loop, shutdown functions and destructors run."""
    mode = start(*QUICK_END, threads=2)
    held = Held(mode, tmp_path, 2).wait_here()
    mark = mode.server.mark()
    mode.server.terminate()
    mode.server.wait_log("server.draining", after=mark)
    held.let_go()
    assert [answer.text for answer in held.answers()] == ["held 0", "held 1"]
    assert mode.server.wait_exit() == 0
    assert len(life(mode)) == 2
    for texts in life(mode).values():
        assert texts[1:] == ["no more: false", "loop ended false", "shutdown", "destructor"], "no variables of a request behind the loop"


def test_a_drain_finishes_what_waits(start, tmp_path):
    mode = start(*QUICK_END)
    held = Held(mode, tmp_path).wait_here()
    waiting = [mode.server.connect() for _ in range(5)]
    for n, wire in enumerate(waiting):
        wire.request(**mode.request("hello", f"?n={n}"))
    accepted(mode.server, *waiting)
    mark = mode.server.mark()
    mode.server.terminate()
    mode.server.wait_log("server.draining", after=mark)
    held.let_go()
    for n, wire in enumerate(waiting):
        assert wire.expect_response(200).text.endswith(f" {n}")
        wire.close()
    assert held.answers()[0].text == "held 0"
    assert mode.server.wait_exit() == 0


# ---- reload


def test_reload_with_new_code(start):
    """Under load: no request fails, the new code answers, the old script has come to its end."""
    mode = start(*QUICK_END, "--supervisor=true", threads=2)
    server = mode.server
    (server.docroot / "worker" / "version.php").write_text("unused")
    code = (server.docroot / "worker" / "life.php").read_text()
    before = mode.one("hello", "?n=1").text
    clients = ReloadClients(mode)
    clients.wait(50)
    (server.docroot / "worker" / "life.php").write_text(code.replace("print($GLOBALS['boot'] . ' ' .", "print('new code ' . $GLOBALS['boot'] . ' ' ."))
    mark = server.mark()
    os.kill(server.process.pid, signal.SIGHUP)
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    server.wait_log("supervisor.generation_ready", after=mark)
    clients.wait(50)
    wait_until(lambda: sum("shutdown" in texts for texts in life(mode).values()) == 2, "the old scripts have ended")
    clients.wait(50)
    assert clients.stop() == []
    assert mode.one("hello", "?n=1").text.startswith("new code ") and not before.startswith("new")


class ReloadClients(Clients):
    """Constant load on the script, whatever version of it answers."""

    def __init__(self, mode):
        self.mode = mode
        super().__init__(mode.server, 4, mode.path)

    def run(self):
        while not self.ended.is_set():
            try:
                response = self.mode.server.fetch(self.mode.path + "?n=7", fields=[("X-Case", "hello")], address=self.address)
                if response.status != 200 or not response.text.endswith(" 7"):
                    self.failures.append(response)
                self.answers += 1
            except Exception as problem:  # noqa: BLE001: any trouble is one
                self.failures.append(repr(problem))


# ---- between requests


def test_code_behind_a_request(start, tmp_path):
    """The client has its answer meanwhile; its variables are still there; what is printed goes nowhere."""
    mode = start()
    gate = tmp_path / "gate"
    with mode.server.connect() as wire:
        wire.request(**mode.request("after", f"?n=1&gate={gate}"))
        answer = wire.expect_response(200)
        assert answer.text == "answer 1" and answer.get("X-Late") is None
        wait_until((tmp_path / "gate.here").exists, "it runs")
        wire.request(**mode.request("hello", "?n=2"))
        gate.touch()
        assert wire.expect_response(200).text.endswith(" 2")
    assert "after 1" in [text for texts in life(mode).values() for text in texts]


# ---- limits


@pytest.mark.no_sanitizer
def test_waiting_is_not_counted(start):
    """The time limit is each request's own: neither idle time nor that of others counts."""
    mode = start("-d", "max_execution_time=1", "-d", "max_input_time=1")
    for _ in range(2):
        assert mode.one("burn", "?ms=600").text == "burnt"
    time.sleep(1.1)  # longer than the limit: nothing happens meanwhile that could be waited for
    assert mode.one("burn", "?ms=600").text == "burnt"
    assert len(life(mode)) == 1


@pytest.mark.parametrize("case", ["endless", "sleep"])
def test_the_deadline(start, case):
    mode = start("--request-timeout-ms", "300ms", threads=2)
    mode.server.expect_log("Request deadline exceeded", "deadline", "Maximum execution time")
    assert [answer.status for _, answer in mode.ask(case, count=2, size=2)] == [504, 504]
    for n, answer in mode.ask("hello", query, 40):
        assert answer.status == 200 and answer.text.endswith(f" {n}")


def test_a_script_that_is_busy_holds_nobody_else_up(start, tmp_path):
    """Each worker script has its queue; classic scripts have theirs."""
    mode = start(scripts=("life", "plain"), threads=1, files={"other.php": "<?php echo 'classic ', $_GET['n'];"})
    held = Held(mode, tmp_path, 1).wait_here()
    (tmp_path / "more").mkdir()
    more = Held(mode, tmp_path / "more", 3)
    more.let_go()
    for n in range(50):
        assert mode.server.fetch(f"/worker/plain.php?n={n}").text == f"handled {n}"
        assert mode.server.fetch(f"/other.php?n={n}").text == f"classic {n}"
        assert mode.server.fetch(f"/classic/life.php?n={n}", fields=[("X-Case", "hello")]).text.endswith(f" {n}")
    held.let_go()
    assert [answer.text for answer in held.answers() + more.answers()] == ["held 0", "held 0", "held 1", "held 2"]


def test_a_full_queue(start, tmp_path):
    """503 with Retry-After for that script only."""
    mode = start("--queue-capacity", "2", scripts=("life", "plain"))
    held = Held(mode, tmp_path).wait_here()
    waiting = [mode.server.connect() for _ in range(2)]
    for n, wire in enumerate(waiting):
        wire.request(**mode.request("hello", f"?n={n}"))
        accepted(mode.server, wire)
    refused = mode.one("hello")
    assert refused.status == 503 and refused.get("Retry-After")
    assert mode.server.fetch("/worker/plain.php?n=1").text == "handled 1"
    held.let_go()
    for n, wire in enumerate(waiting):
        assert wire.expect_response(200).text.endswith(f" {n}")
        wire.close()
    held.answers()


# ---- clients


def test_a_client_that_goes_away(start, tmp_path):
    """The script is told, if it asks, and goes on; the loop does too."""
    mode = start()
    for number in range(3):
        gate = tmp_path / f"gate{number}"
        with mode.server.connect() as wire:
            wire.request(**mode.request("abort", f"?gate={gate}"))
            while b"first part" not in wire._receive():
                pass
            wait_until((tmp_path / f"gate{number}.here").exists, "it has begun")
            wire.reset()
        gate.touch()
        wait_until(lambda number=number: str(life(mode)).count("after abort") == number + 1, "the script has gone on")
        assert mode.one("hello", "?n=5").text.endswith(" 5")
    assert len(life(mode)) == 1
    assert set(re.findall(r"after abort (\S+)'", str(life(mode)))) <= {"[1,1]", "[0,1]"} and "[1,1]" in str(life(mode))


def test_a_client_that_goes_away_in_the_queue(start, tmp_path):
    mode = start()
    held = Held(mode, tmp_path).wait_here()
    for n in range(5):
        wire = mode.server.connect()
        wire.request(**mode.request("hello", f"?n={n}"))
        accepted(mode.server, wire)
        wire.reset()
    held.let_go()
    held.answers()
    for n, answer in mode.ask("hello", query, 20):
        assert answer.text.endswith(f" {n}")


def test_slow_clients_hold_no_worker(start):
    """Four MiB for each of ten clients who do not read: the only thread of the script is free."""
    mode = start()
    slow = [mode.server.connect(receive_buffer=4096) for _ in range(10)]
    for wire in slow:
        wire.request(**mode.request("large"))
    for n, answer in mode.ask("hello", query, 40):
        assert answer.text.endswith(f" {n}")
    for wire in slow[:3]:
        assert wire.expect_response(200).body == b"0123456789abcdef" * (4096 * 64)
    for wire in slow:
        wire.close()


# ---- others


def test_front_controller(launch, tmp_path):
    """index.php as the worker: the folder, the file and paths behind it; files beside it are served as ever."""
    files = {
        "index.php": "<?php while (frankenphp_handle_request(function () { echo 'worker ', $_SERVER['REQUEST_URI'], ' ', $_SERVER['PATH_INFO'] ?? ''; })) {}",
        "classic.php": "<?php echo 'classic';",
        "a.txt": "static",
    }
    server = launch("--worker", "index.php", executor="ext", files=files, workers=1)
    for _ in range(20):
        assert server.fetch("/").text == "worker / "
        assert server.fetch("/index.php/a/b?c").text == "worker /index.php/a/b?c /a/b"
        assert server.fetch("/classic.php").text == "classic"
        assert server.fetch("/a.txt").text == "static"


def test_a_cache_reset(start):
    """Nobody's request is lost over it."""
    mode = start("-d", "opcache.file_update_protection=0", threads=3)
    with Crowd(mode.server.address) as crowd:
        for _ in range(5):
            answers = crowd.ask(mode.request("reset" if n % 25 == 0 else "hello", f"?n={n}") for n in range(100))
            for n, answer in enumerate(answers):
                assert answer.status == 200 and (n % 25 == 0 or answer.text.endswith(f" {n}"))
