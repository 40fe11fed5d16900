"""What a script can do wrong, each under constant load from others: the client of that request gets an answer, nobody else's request
fails, and the server is whole again afterwards.

SPDX-License-Identifier: MIT
"""

import os
import threading
import time
from dataclasses import dataclass

import pytest

from testenv import Clients, wait_until

pytestmark = pytest.mark.heavy

OPTIONS = ("--request-timeout-ms", "1s", "--workers-give-up-ms", "1s", "-d", "memory_limit=32M", "-d", "max_execution_time=0",
           "-d", "display_errors=0", "-d", "session.save_path=/tmp")  # fmt: skip


@dataclass
class Misdeed:
    script: str
    status: tuple  # what its client may get; 0: its connection ends without an answer
    log: str = ""  # a line that tells it
    metric: tuple = ()  # (name, labels) that grows
    body: bytes = None


ERROR = "php.message"
DEADLINE = ("phpsrv_timeouts_total", {"kind": "request"})
MISDEEDS = {
    "exit in the script": Misdeed("echo 'a'; exit('b'); echo 'never';", (200,), body=b"ab"),
    "exit in a shutdown function": Misdeed("register_shutdown_function(function () { echo 'b'; exit(3); }); echo 'a';", (200,), body=b"ab"),
    "exit in a destructor": Misdeed("class D { function __destruct() { echo 'b'; exit(4); } } $d = new D; echo 'a';", (200,), body=b"ab"),
    "exit in an output callback": Misdeed("ob_start(function ($x) { exit(5); return $x; }); echo 'a';", (200, 500)),
    "exit in an error handler": Misdeed("set_error_handler(function () { echo 'b'; exit; }); echo 'a'; echo $undefined;", (200,), body=b"ab"),
    "exit in a session handler": Misdeed(
        """class H implements SessionHandlerInterface { function open($p, $n): bool { return true; } function close(): bool { return true; }
        function read($i): string { return ''; } function write($i, $d): bool { exit(6); } function destroy($i): bool { return true; }
        function gc($m): int { return 0; } } session_set_save_handler(new H, true); session_start(); $_SESSION['a'] = 1; echo 'a';""", (200,)),
    "uncaught exception": Misdeed("throw new Exception('nobody caught it');", (500,), log="nobody caught it"),
    "uncaught exception in a destructor": Misdeed(
        "class D { function __destruct() { throw new Exception('too late'); } } $d = new D; echo 'a';", (200, 500), log="too late"),
    "exception in an output callback": Misdeed(
        "ob_start(function ($x) { throw new Exception('while printing'); }); echo 'a';", (200, 500), log="while printing"),
    "fatal error": Misdeed("no_such_function();", (500,), log="no_such_function"),
    "memory limit": Misdeed("$a = []; while (true) $a[] = str_repeat('x', 100000);", (500,), log="Allowed memory size"),
    "infinite recursion": Misdeed("function f($n) { return f($n + 1) + 1; } f(0);", (500,), log="(Allowed memory|call stack)"),
    "recursion in C code": Misdeed("function f() { return array_map('f', [1]); } f();", (500,), log="(Allowed memory|call stack)"),
    "recursion in a regular expression": Misdeed("ini_set('pcre.backtrack_limit', '100000000'); preg_match('/(?:\\D+|<\\d+>)*[!?]/', str_repeat('foobar ', 3000)); echo 'a';", (200, 504)),
    "deep structure": Misdeed("$a = []; for ($i = 0; $i < 200000; $i++) $a = [$a]; echo 'a'; unset($a);", (200, 500)),
    "infinite loop": Misdeed("while (true);", (504,), log="deadline exceeded", metric=DEADLINE),
    "infinite loop after output": Misdeed("echo str_repeat('x', 100); flush(); while (true);", (0, 504), log="deadline exceeded", metric=DEADLINE),
    "sleep": Misdeed("sleep(3600);", (504,), log="deadline exceeded", metric=DEADLINE),
    "usleep in a loop": Misdeed("while (true) usleep(1000);", (504,), log="deadline exceeded", metric=DEADLINE),
    "blocked read on a socket": Misdeed(
        "[$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); stream_set_timeout($a, 3600); fread($a, 1);", (504,),
        log="deadline exceeded", metric=DEADLINE),
    "lock of a file that another request holds": Misdeed(
        "$f = fopen('/tmp/phpsrv-misdeeds-' . getmypid(), 'c'); $g = fopen('/tmp/phpsrv-misdeeds-' . getmypid(), 'c'); flock($f, LOCK_EX); flock($g, LOCK_EX);",
        (504,), log="deadline exceeded", metric=DEADLINE),
    "shutdown function that never ends": Misdeed("register_shutdown_function(function () { while (true); }); echo 'a';", (504,), log="deadline exceeded", metric=DEADLINE),
    "destructor that never ends": Misdeed("class D { function __destruct() { while (true); } } $d = new D; echo 'a';", (504,), log="deadline exceeded", metric=DEADLINE),
    "output callback that never ends": Misdeed("ob_start(function ($x) { while (true); }); echo 'a';", (504, 500), log="deadline exceeded", metric=DEADLINE),
    "a command that never ends": Misdeed("exec('exec sleep 20 2> /dev/null');", (504,), log="worker.given_up", metric=("phpsrv_workers_given_up_total", {})),
    "ticks of signals": Misdeed("pcntl_async_signals(true); pcntl_alarm(1); for ($i = 0; $i < 100; $i++) usleep(1000); pcntl_alarm(0); echo 'a';", (200, 500)),
    "a changed world": Misdeed(
        """putenv('TZ=Mars/Olympus'); putenv('MISDEED=1'); chdir('/'); umask(0777); setlocale(LC_ALL, 'C'); ini_set('precision', '3'); date_default_timezone_set('Asia/Tokyo');
        set_error_handler(fn() => true); set_exception_handler(fn() => true); ignore_user_abort(true); mb_internal_encoding('SJIS'); header('X-Misdeed: 1'); error_reporting(0); echo 'a';""",
        (200,), body=b"a"),
}  # fmt: skip

WITNESS = """<?php
echo json_encode([getenv('MISDEED'), getenv('TZ'), basename(getcwd()) === basename(__DIR__), decoct(umask()), ini_get('precision'),
    date_default_timezone_get(), mb_internal_encoding(), ignore_user_abort(), error_reporting() === E_ALL, headers_list() === array_filter(headers_list(), fn($l) => !str_contains($l, 'Misdeed'))]);"""
ORDINARY = b'[false,false,true,"22","14","UTC","UTF-8",0,true,true]'


@pytest.fixture(scope="module")
def server(launch_module):
    os.umask(0o022)
    files = {f"{index}.php": "<?php " + misdeed.script for index, misdeed in enumerate(MISDEEDS.values())}
    return launch_module(*OPTIONS, files={**files, "witness.php": WITNESS}, executor="ext", workers=4).expect_log(
        "php.message", "deadline", "worker.given_up", "php.output_failed", "php.bailout_escaped", "workers_stuck"
    )


def client_of(server, index):
    """The status that its client gets; 0 when the connection is cut."""
    with server.connect() as wire:
        wire.request(f"/{index}.php")
        try:
            return wire.expect_response()
        except AssertionError:
            return None


@pytest.mark.parametrize("name", MISDEEDS)
def test_misdeed(server, name):
    misdeed, index = MISDEEDS[name], list(MISDEEDS).index(name)
    before = server.metrics()
    mark = server.mark()
    load = Clients(server, 3, "/witness.php", ORDINARY, pause=0.002)
    try:
        answer = client_of(server, index)
        status = answer.status if answer else 0
        assert status in misdeed.status, (status, answer)
        if misdeed.body is not None:
            assert answer.body == misdeed.body
        if misdeed.log:
            server.wait_line(misdeed.log, after=mark)
        if misdeed.metric:
            metric, labels = misdeed.metric
            wait_until(lambda: server.metrics().value(metric, **labels) > before.value(metric, **labels), f"{metric} counts it")
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="idle") >= 1, "a worker is free")
        answers = load.answers
        wait_until(lambda: load.answers >= answers + 30 or load.failures, "the others go on")
    finally:
        failures = load.stop()
    assert failures == []
    metrics = server.metrics()
    assert metrics.value("phpsrv_workers", state="idle") + metrics.value("phpsrv_workers", state="busy") == 4, "full capacity"


def test_all_of_them_at_once(server):
    """Twice each, in parallel: afterwards four workers serve, and PHP's state is clean."""
    threads = [threading.Thread(target=client_of, args=(server, index)) for index in range(len(MISDEEDS)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="idle") == 4, "all workers are free", timeout=60)
    for _ in range(40):
        assert server.fetch("/witness.php").body == ORDINARY


def test_a_gigabyte_for_a_client_that_does_not_read(launch):
    """Memory stays where it is; the rest waits in a file, and goes when the client goes."""
    server = launch(
        "--response-held-bytes-max", "32M", executor="ext", workers=2,
        files={"big.php": "<?php for ($i = 0; $i < 1024; $i++) echo str_repeat('x', 1 << 20);", "witness.php": WITNESS},
    )  # fmt: skip
    before = server.memory_kib("Rss")
    with server.connect(receive_buffer=4096) as wire:
        wire.request("/big.php")
        wait_until(lambda: server.metrics()["phpsrv_response_held_bytes"] >= (1 << 30) - (16 << 20), "the script has written it all", timeout=60)
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="idle") == 2, "no worker waits for the client")
        assert server.memory_kib("Rss") - before < 100_000
        assert server.metrics()["phpsrv_response_spilled_total"] >= 1
        for _ in range(20):
            assert server.fetch("/witness.php").status == 200
    wait_until(lambda: server.metrics()["phpsrv_response_held_bytes"] == 0, "it is thrown away")


@pytest.mark.no_sanitizer
@pytest.mark.parametrize("script", ["posix_kill(getmypid(), SIGSEGV); sleep(1);", "posix_kill(getmypid(), SIGABRT); sleep(1);"])
def test_crashes_cost_those_in_flight_only(launch, script):
    """The supervisor starts the server again; connections wait meanwhile."""
    server = launch("--supervisor=true", files={"crash.php": "<?php " + script, "witness.php": WITNESS}, executor="ext", workers=2)
    server.expect_log("crashed")
    mark = server.mark()
    assert client_of_path(server, "/crash.php") is None
    started = time.monotonic()
    assert server.fetch("/witness.php").status == 200
    back = time.monotonic() - started
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    assert back < 10, "as soon as the new server is up; a broken one never is"
    assert server.wait_log("server.crashed_while", after=mark)["script"].endswith("/crash.php")
    assert server.metrics()["phpsrv_server_crashes_total"] == 1


def client_of_path(server, path):
    with server.connect() as wire:
        wire.request(path)
        try:
            return wire.expect_response()
        except (AssertionError, ConnectionError):
            return None
