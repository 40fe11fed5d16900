"""Scripts that take too long: PHP's own limit, the server's deadline, and that the worker comes back.

SPDX-License-Identifier: MIT
"""

import fcntl
import time

import pytest

from testenv import wait_until

DEADLINE = ("--request-timeout-ms", "700ms")


def ran(site, name):
    return (site.server.docroot / name).exists()


def worker_is_idle(site):
    wait_until(lambda: site.server.metrics().value("phpsrv_workers", state="busy") == 0, "no busy worker")


# PHP's timer is a signal, and the thread sanitizer runs the handler only when the script calls into the C library.
@pytest.mark.no_sanitizer
@pytest.mark.parametrize("code", ["set_time_limit(1); while (true);", "ini_set('max_execution_time', 1); while (true) md5('x');"])
def test_max_execution_time(php, code):
    php.expect_fatal("Maximum execution time of 1 second exceeded")
    assert php.run(code).status == 500
    assert php.run("echo 'fine';").text == "fine"


@pytest.mark.no_sanitizer
def test_max_execution_time_setting(launch_php):
    site = launch_php("-d", "max_execution_time=1")
    site.expect_fatal("Maximum execution time of 1 second exceeded")
    began = time.monotonic()
    assert site.run("while (true);").status == 500
    assert time.monotonic() - began > 0.9
    assert site.run("set_time_limit(0); echo ini_get('max_execution_time');").text == "0"


@pytest.mark.no_sanitizer
def test_time_limit_is_armed_again_for_every_request(launch_php):
    site = launch_php("-d", "max_execution_time=1", workers=1)
    site.expect_fatal("Maximum execution time of 1 second exceeded")
    for _ in range(2):
        assert site.run("while (true);").status == 500
        assert site.run("echo 'fine';").text == "fine"


@pytest.mark.no_sanitizer
def test_time_limit_counts_from_the_request_s_own_begin(launch_php):
    """The kernel's timer is not set anew for each request: what earlier ones have used must not count."""
    site = launch_php("-d", "max_execution_time=1", workers=1)
    site.expect_fatal("Maximum execution time of 1 second exceeded")
    for _ in range(3):
        for _ in range(20):  # 0.06 s of processor time, within the moment in which the timer is left alone
            assert site.run("$e = microtime(true) + 0.003; while (microtime(true) < $e); echo 'fine';").text == "fine"
        code = "$t = hrtime(true); while (hrtime(true) - $t < 850e6); echo 'not too early';"
        assert site.run(code).text == "not too early"
    assert site.run("while (true);").status == 500
    assert site.run("echo 'fine';").text == "fine"


def test_time_limit_is_reset_by_the_script(launch_php):
    site = launch_php("-d", "max_execution_time=1")
    code = "for ($i = 0; $i < 4; $i++) { set_time_limit(1); $t = microtime(true); while (microtime(true) - $t < 0.5); } echo 'through';"
    assert site.run(code).text == "through"


@pytest.mark.parametrize(
    "code",
    [
        "while (true);",
        "while (true) md5('x');",
        "sleep(30);",
        "usleep(30000000);",
        "$p = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); stream_set_timeout($p[0], 30); fread($p[0], 1);",
        "$s = stream_socket_server('tcp://127.0.0.1:0'); file_get_contents('http://'.stream_socket_get_name($s, false).'/');",
        "$s = stream_socket_server('tcp://127.0.0.1:0'); $c = curl_init('http://'.stream_socket_get_name($s, false).'/'); curl_exec($c);",
        "$s = stream_socket_server('tcp://127.0.0.1:0'); $w = $e = null; $r = [$s]; stream_select($r, $w, $e, 30);",
        "$f = fopen(__FILE__, 'r'); $g = fopen(__FILE__, 'r'); flock($f, LOCK_EX); flock($g, LOCK_EX);",
        pytest.param(
            "(function () { while (true) yield 1; })()->current(); $f = new Fiber(function () { while (true); }); $f->start();",
            marks=pytest.mark.no_sanitizer,  # a bailout out of a fiber: their longjmp does not know its stack
        ),
        "set_error_handler(fn () => true); try { while (true); } finally { while (true); }",
    ],
)
def test_deadline_is_504_and_ends_the_script(launch_php, code):
    site = launch_php(*DEADLINE, workers=1)
    site.expect_fatal("Request deadline exceeded")
    site.server.expect_log("deadline")
    began = time.monotonic()
    response = site.run(code + " file_put_contents(__DIR__.'/went-on', '');")
    assert response.status == 504 and time.monotonic() - began < 10
    worker_is_idle(site)
    assert not ran(site, "went-on")
    assert site.run("echo 'fine';").text == "fine"


def test_deadline_in_a_shutdown_function(launch_php):
    site = launch_php(*DEADLINE, workers=1)
    site.expect_fatal("Request deadline exceeded")
    site.server.expect_log("deadline")
    code = "register_shutdown_function(function () { file_put_contents(__DIR__.'/status', connection_status()); }); while (true);"
    assert site.run(code).status == 504
    worker_is_idle(site)
    assert (site.server.docroot / "status").read_text() in ("2", "3")  # timeout, perhaps aborted as well


def test_deadline_does_not_hit_the_next_request(launch_php):
    site = launch_php(*DEADLINE, workers=1)
    site.expect_fatal("Request deadline exceeded")
    site.server.expect_log("deadline")
    slow = site.script("while (true);")
    # Runs long enough to meet an interrupt that would be left over.
    next_one = site.script("for ($i = 0; $i < 200; $i++) { usleep(500); } echo 'complete';")
    for _ in range(3):
        assert site.server.fetch(slow).status == 504
        assert site.server.fetch(next_one).text == "complete"


def test_quick_requests_are_not_touched(launch_php):
    site = launch_php(*DEADLINE, workers=1)
    target = site.script("usleep(20000); echo 'ok';")
    for _ in range(60):  # longer than the deadline altogether
        assert site.server.fetch(target).text == "ok"


def test_waiting_for_a_session_ends_at_the_deadline(launch_php, tmp_path):
    """Another process holds the session's lock; who waits for it gives up, and has changed nothing."""
    site = launch_php("-d", f"session.save_path={tmp_path}", *DEADLINE, workers=1)
    site.expect_fatal("Request deadline exceeded")
    site.server.expect_log("deadline")
    fields = [("Cookie", "PHPSESSID=waitingtest")]
    target = site.script("session_start(); $_SESSION['x'] = $_GET['x'];")
    assert site.server.fetch(target + "?x=first", fields=fields).status == 200
    stored = tmp_path / "sess_waitingtest"
    before = stored.read_bytes()
    with stored.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert site.server.fetch(target + "?x=second", fields=fields).status == 504
        worker_is_idle(site)
        assert site.run("echo 'fine';").text == "fine"
    assert stored.read_bytes() == before
