"""Worker contract: exceptions, exit, fatal errors. The client of the failed request learns of it, all others do not.

SPDX-License-Identifier: MIT
"""

import json
import re

import pytest

from testenv import Crowd, wait_until
from worker_cases import Mode

SCRIPTS = ["errors", "plain"]
CONTRACT_LOG = (r"php\.message .*(case |Cannot redeclare|no_such_function|strlen|in a destructor|Maximum (call stack|execution)|memory size|syntax error|not-there|user error)",)


def query(n):
    return {"suffix": f"?n={n}"}


def boots(mode):
    """The lives of the script that answer now; also that they answer well."""
    found = set()
    for n, answer in mode.ask("alive", query, 40):
        boot, marker, status = answer.text.split(" ")
        assert (answer.status, marker, status) == (200, str(n), "200")
        found.add(boot)
    return found


def mixed(mode, case, make=query, count=100, size=20):
    """[(n, response)] of that many failing requests."""
    return [(str(n), answer) for n, answer in mode.ask(case, make, count, size)]


# A script that crashes in its first request, again and again, is booted a little later each time: so many crashes that this does not tell.
CRASHES = 4


def logged(mode, text, mark):
    return mode.server.wait_log("php.message", after=mark, where=lambda line: text in line["message"])


# ---- exceptions


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("throw", "Uncaught LogicException: case throw 99"),
        ("throw error", "Call to undefined function no_such_function()"),
        ("throw type", "must be of type string, int given"),
        ("throw in generator", "case in generator"),
        ("throw in fiber", "case in fiber"),
        ("throw previous", "case outer"),
        ("throw in finally", "case second"),
        ("recursion", "Maximum call stack size"),
        ("parse", "syntax error"),
    ],
)
def test_an_uncaught_exception_is_500(mode, case, message):
    """The script goes on in worker mode: it is not booted again."""
    before = boots(mode)
    mark = mode.server.mark()
    for _, answer in mixed(mode, case, count=10 if case == "recursion" else 100):
        assert (answer.status, answer.body) == (500, b"")
    line = logged(mode, message, mark)
    assert line.level == "ERROR" and line["request_id"] and line["script"].endswith("/errors.php")
    if mode.is_worker:
        assert boots(mode) <= before or len(before) < 2


def test_fields_of_a_failed_request(mode):
    for n, answer in mixed(mode, "throw"):
        assert answer.get("X-N") == n


def test_an_exception_after_output(mode):
    for n, answer in mixed(mode, "throw after output"):
        assert (answer.status, answer.text, answer.get("X-N")) == (200, f"before {n}", n)


def test_an_exception_within_buffers(mode):
    """What was in them comes out, as php-fpm does it, and the status is 500: nothing was sent before."""
    for n, answer in mixed(mode, "throw in buffer"):
        assert (answer.status, answer.text) == (500, f"buffered {n}<inner>")


def test_an_exception_with_a_status(mode):
    for _, answer in mixed(mode, "throw with status"):
        assert answer.status == 503


def test_an_exception_in_a_destructor(mode):
    for n, answer in mixed(mode, "throw in destructor", count=40):
        assert answer.text == f"body [{n}]"
    boots(mode)


def test_an_exception_in_an_output_callback(mode):
    for n, answer in mixed(mode, "throw in output", count=40):
        assert answer.status in (200, 500) and f"text {n}" in (answer.text or f"text {n}")
    boots(mode)


def test_an_exception_before_the_head(mode):
    for n, answer in mixed(mode, "throw in callback", count=40):
        assert answer.status in (200, 500)
    boots(mode)


def test_an_exception_after_the_early_end(mode):
    mark = mode.server.mark()
    for n, answer in mixed(mode, "throw after finish"):
        assert (answer.status, answer.text) == (200, f"whole {n}")
    logged(mode, "case after finish", mark)
    boots(mode)


def test_caught(mode):
    for n, answer in mixed(mode, "catch"):
        assert answer.text == f"caught {n} finally"


def test_exception_handlers(mode):
    """Those of the request are called in classic mode; in worker mode the loop is the outermost frame."""
    for n, answer in mixed(mode, "handler"):
        if mode.is_worker:
            assert (answer.status, answer.body) == (500, b"")
        else:
            assert (answer.status, answer.text) == (418, f"handled case handler {n}")


# ---- exit


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("exit", "before {}"),
        ("exit text", "before text {}"),
        ("exit buffered", "BUFFERED {}"),
        ("exit shutdown", "body bye {}"),
        ("exit deep", "deep {}"),
        ("exit in fiber", "fiber {}"),
        ("exit in generator", "generator {}"),
        ("exit after finish", "whole {}"),
        ("exit in include", "included {}"),
        ("exit catch", "try {}"),
    ],
)
def test_exit(mode, case, text):
    """The response is whole; the script ends, and boots again: nobody is turned away meanwhile."""
    ended = []
    for n, answer in mixed(mode, case):
        assert (answer.status, answer.text) == (200, text.format(n))
        ended.append(answer.get("X-Boot"))
    assert len(set(ended)) == 100 and not boots(mode) & set(ended)


def test_fields_of_an_exit(mode):
    for n, answer in mixed(mode, "exit"):
        assert answer.get("X-N") == n


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_exit_status(mode, status):
    """It is the process's affair elsewhere: the client gets what was written."""
    for n, answer in mixed(mode, "exit status", lambda n: {"suffix": f"?n={n}&s={status}"}, CRASHES if status else 40):
        assert (answer.status, answer.text) == (202, f"status {n}")
    boots(mode)


def test_exit_with_a_destructor(mode):
    """Its output reaches the client: so dump-and-die works."""
    for n, answer in mixed(mode, "exit destructor"):
        assert (answer.status, answer.text) == (500, f"[dump {n}]")


def test_exit_in_an_output_callback(mode):
    for _, answer in mixed(mode, "exit in output", count=40):
        assert answer.status in (200, 500)
    boots(mode)


def test_ends_beside_good_requests(mode):
    """A hundred of each kind at once."""
    cases = ["alive", "exit", "alive", "throw", "alive", "exit shutdown", "fatal", "alive", "exit in fiber", "alive"]
    with Crowd(mode.server.address) as crowd:
        answers = crowd.ask(mode.request(cases[n % 10], f"?n={n}") for n in range(500))
    for n, answer in enumerate(answers):
        case = cases[n % 10]
        assert answer.status == (500 if case in ("throw", "fatal") else 200)
        if case == "alive":
            assert answer.text.split(" ")[1:] == [str(n), "200"]
        elif answer.status == 200:
            assert str(n) in answer.text


# ---- fatal errors


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("fatal", "Cannot redeclare class Exception"),
        ("require", "Failed opening required"),
        ("memory", "Allowed memory size of 16777216 bytes exhausted"),
    ],
)
def test_a_fatal_error_is_500(mode, case, message):
    mark = mode.server.mark()
    for _, answer in mixed(mode, case, count=CRASHES):
        assert (answer.status, answer.body) == (500, b"")
    assert logged(mode, message, mark)["request_id"]
    boots(mode)


def test_a_fatal_error_after_output(mode):
    for n, answer in mixed(mode, "fatal after output", count=CRASHES):
        assert (answer.status, answer.text) == (200, f"before {n}")


def test_last_words(mode):
    """Shutdown functions of a script that failed speak to the client of the failed request."""
    for n, answer in mixed(mode, "fatal shutdown", count=CRASHES):
        assert answer.status == 503 and answer.text.startswith(f"last words {n} ")


@pytest.mark.no_sanitizer
def test_the_time_limit(worker):
    """Of both threads; the ones that follow take requests."""
    mark = worker.server.mark()
    for _, answer in mixed(worker, "time", count=2, size=2):
        assert answer.status == 500
    logged(worker, "Maximum execution time of 1 second exceeded", mark)
    boots(worker)


# ---- messages


@pytest.mark.parametrize(("case", "level"), [("warning", "WARN"), ("error log", "INFO"), ("log", "WARN"), ("frankenphp log", "WARN")])
def test_messages_have_the_requests_id(mode, case, level):
    texts = {"warning": "case warning", "error log": "case error_log", "log": "case log", "frankenphp log": "case frankenphp_log"}
    ids = {f"{texts[case]} {n}": answer.text for n, answer in mixed(mode, case)}
    assert len(set(ids.values())) == 100
    seen = {}

    def all_there():
        for raw in mode.server.log_lines():
            match = re.search(rf'({texts[case]} \d+)', raw)
            identity = re.search(r"request_id=(\S+)", raw)
            if match and identity and ids.get(match.group(1)) == identity.group(1):
                seen[match.group(1)] = raw
        return len(seen) == 100

    wait_until(all_there, "all lines are in the log")
    assert all(f" {level} " in raw or f"level={level}" in raw for raw in seen.values()), seen


def test_displayed_errors(mode):
    for n, answer in mixed(mode, "displayed"):
        assert answer.status == 200 and f"Notice: shown {n} in " in answer.text


def test_suppressed_errors(mode):
    for _, answer in mixed(mode, "silent"):
        assert answer.text == "false"
    for _, answer in mixed(mode, "last error"):
        assert json.loads(answer.body)[1] == "remembered"


# ---- the function of the loop


def test_the_loop_in_a_classic_script(contract):
    for _, answer in Mode(contract, "classic", "plain").ask("-", query):
        assert answer.text == "RuntimeException: frankenphp_handle_request() called while not in worker mode"


def test_the_loop_without_a_look_at_the_mode(contract):
    for n, answer in Mode(contract, "worker", "plain").ask("-", query):
        assert answer.text == f"handled {n}"


def test_the_loop_within_a_request(mode):
    before = boots(mode)
    for _, answer in mixed(mode, "nested"):
        assert answer.text.startswith("refused: frankenphp_handle_request()")
    assert not mode.is_worker or boots(mode) <= before or len(before) < 2


def test_the_loop_with_a_wrong_argument(mode):
    for _, answer in mixed(mode, "wrong argument"):
        assert answer.text == "TypeError"
