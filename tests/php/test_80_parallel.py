"""Many requests at once, isolation between them, and processes that scripts make.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import json

import pytest

from testenv import wait_until

PHP_WORKERS = 4


def in_parallel(count, function, threads=16):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, range(count)))


def test_parallel_requests_keep_to_themselves(php):
    """Everything that a request brings along comes back from its own response."""
    target = php.script("""
        ini_set('precision', $_GET['n'] % 10 + 3);
        define('NUMBER', $_GET['n']);
        $GLOBALS['global'] = $_POST['n'];
        function once() { static $calls = 0; return ++$calls; }
        header('X-Number: '.$_COOKIE['n']);
        http_response_code(200 + $_GET['n'] % 5 * 2);
        if ($_GET['n'] % 5 == 2) http_response_code(206 + 2);
        echo json_encode([NUMBER, $global, once(), ini_get('precision'), $_SERVER['HTTP_X_N'], phpsrv_request_id(), getcwd()]);
    """)

    def request(number):
        text = str(number)
        fields = [("Cookie", f"n={text}"), ("X-N", text), ("Content-Type", "application/x-www-form-urlencoded")]
        return number, php.server.fetch(f"{target}?n={text}", method="POST", fields=fields, body=f"n={text}".encode())

    identities = set()
    for number, response in in_parallel(400, request):
        text = str(number)
        seen = json.loads(response.body)
        assert seen[:5] == [text, text, 1, str(number % 10 + 3), text] and seen[6] == str(php.server.docroot)
        assert response.get("X-Number") == text
        assert response.status == (208 if number % 5 == 2 else 200 + number % 5 * 2)
        identities.add(seen[5])
    assert len(identities) == 400


def test_all_workers_work(php):
    target = php.script("usleep(20000); echo phpsrv_worker_id();")
    assert set(in_parallel(60, lambda _: php.server.fetch(target).text)) == {"0", "1", "2", "3"}


def test_errors_beside_successes(php):
    php.expect_fatal("beside")
    bad, good = php.script("beside();"), php.script("echo 'good';")
    results = in_parallel(300, lambda n: php.server.fetch(bad if n % 3 == 0 else good))
    assert [r.status for r in results] == [500 if n % 3 == 0 else 200 for n in range(300)]


def test_pipelined_requests(php):
    target = php.script("echo $_GET['n'];")
    with php.server.connect() as wire:
        wire.send("".join(f"GET {target}?n={n} HTTP/1.1\r\nHost: x\r\n\r\n" for n in range(20)))
        assert [wire.expect_response(200).text for _ in range(20)] == [str(n) for n in range(20)]


@pytest.mark.no_sanitizer
def test_memory_does_not_grow(launch_php):
    site = launch_php(workers=1)
    target = site.script("session_start(); $a = range(1, 1000); echo json_encode($_SERVER) !== '' ? 'ok' : ''; setcookie('x', '1');")
    with site.server.connect() as wire:

        def many(count):
            for _ in range(count):
                assert wire.request(target, fields=[("Cookie", "PHPSESSID=memorytest")]).expect_response(200).text == "ok"
            return site.server.memory_kib("Private_Dirty")

        many(500)
        first = many(500)
        second = many(3000)
    assert second - first < 1024, (first, second)


# ---- processes


def test_forked_child_does_not_answer(php):
    code = """
        $parent = getmypid();
        $pid = pcntl_fork();
        if ($pid === 0) {
            register_shutdown_function(function () { file_put_contents(__DIR__.'/child', getmypid().'.'); });
            echo 'output of the child'; header('X-Child: 1'); flush(); http_response_code(500);
            error_log('message of the child');
            exit(7);
        }
        pcntl_waitpid($pid, $status);
        echo json_encode([pcntl_wexitstatus($status), file_get_contents(__DIR__.'/child') === "$pid.", getmypid() === $parent]);
    """
    for _ in range(3):
        response = php.run(code)
        assert (response.status, json.loads(response.body), response.get("X-Child")) == (200, [7, True, True], None)
    php.server.wait_line("message of the child")


def test_forked_child_that_fails(php):
    code = """
        $pid = pcntl_fork();
        if ($pid === 0) { child_error(); }
        pcntl_waitpid($pid, $status);
        echo pcntl_wexitstatus($status);
    """
    assert php.run(code).text == "255"


@pytest.mark.parametrize(
    "code, expected",
    [
        ("echo shell_exec('echo shell');", "shell\n"),
        ("$p = proc_open(['cat'], [['pipe', 'r'], ['pipe', 'w']], $pipes); fwrite($pipes[0], 'x'); fclose($pipes[0]); echo stream_get_contents($pipes[1]), proc_close($p);", "x0"),
        ("exec('exit 3', $o, $r); echo $r;", "3"),
    ],
)  # fmt: skip
def test_commands(php, code, expected):
    assert php.run(code).text == expected


@pytest.mark.no_sanitizer  # ThreadSanitizer defers signals, in children too
def test_command_can_be_ended_by_a_signal(php):
    """Threads of the server block signals; a command must not inherit that."""
    code = """
        $p = proc_open(['sleep', '60'], [], $pipes);
        proc_terminate($p);
        for ($i = 0; $i < 500 && ($s = proc_get_status($p))['running']; $i++) usleep(10000);
        echo json_encode([$s['signaled'], $s['termsig']]);
        if ($s['running']) proc_terminate($p, 9);
    """
    assert json.loads(php.run(code).body) == [True, 15]


@pytest.mark.no_sanitizer  # ThreadSanitizer defers signals, in children too
def test_forked_child_can_be_ended_by_a_signal(php):
    code = """
        $pid = pcntl_fork();
        if ($pid === 0) { sleep(60); exit(1); }
        posix_kill($pid, SIGTERM);
        pcntl_waitpid($pid, $status);
        echo json_encode([pcntl_wifsignaled($status), pcntl_wtermsig($status)]);
    """
    assert json.loads(php.run(code).body) == [True, 15]


def test_script_cannot_take_the_servers_signals(launch_php):
    site = launch_php(workers=1)
    assert site.json("[pcntl_signal(SIGTERM, fn () => 1), pcntl_signal(SIGWINCH, SIG_IGN)]") == [False, True]
    site.server.wait_log("php.message", where=lambda line: "belongs to the server" in line["message"])
    site.run("pcntl_alarm(1);")
    assert site.run("sleep(2); echo 'alive';").text == "alive"


def test_signals_reach_the_server_through_busy_workers(launch_php):
    site = launch_php("--server-drain-timeout-ms", "10s", workers=2)
    target = site.script("touch(__DIR__.'/began'.phpsrv_worker_id()); $t = microtime(true); while (microtime(true) - $t < 1); echo 'complete';")
    with site.server.connect() as first, site.server.connect() as second:
        first.request(target)
        second.request(target)
        wait_until(lambda: all((site.server.docroot / f"began{n}").exists() for n in (0, 1)), "both workers are busy")
        site.server.process.terminate()
        assert [wire.expect_response(200).text for wire in (first, second)] == ["complete"] * 2
    assert site.server.wait_exit() == 0


def test_server_stops_while_a_script_runs(launch_php):
    site = launch_php("--server-drain-timeout-ms", "5s", workers=1)
    began = site.server.docroot / "began"
    target = site.script("touch(__DIR__.'/began'); usleep(300000); echo 'complete';")
    with site.server.connect() as wire:
        wire.request(target)
        wait_until(began.exists, "the script has begun")
        site.server.process.terminate()
        assert wire.expect_response(200).text == "complete"
    assert site.server.wait_exit() == 0
