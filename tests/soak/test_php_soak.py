"""PHP for minutes under load: files that change while they are used, reloads, cache resets, a million requests, bodies of a gigabyte.

PHPSRV_SOAK_SECONDS sets the length of those that have one (60).
SPDX-License-Identifier: MIT
"""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from testenv import Clients, Wire, scaled, wait_until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
SECONDS = float(os.environ.get("PHPSRV_SOAK_SECONDS", "60"))
GIB = 1 << 30

# Caches as frameworks write them: a new version in a file of its own, renamed over the old one, opcache told, and then made known. Whoever knows
# version N must not be given an older one.
CHANGING = """<?php
$n = random_int(0, 20);
$file = __DIR__ . "/cache/class$n.php";
$known = fn($n) => (int) @file_get_contents(__DIR__ . "/cache/known$n");
if (random_int(0, 3) === 0) {
    $lock = fopen(__DIR__ . "/cache/lock$n", 'c');
    flock($lock, LOCK_EX);
    $version = $known($n) + 1;
    $methods = '';
    for ($i = 0; $i < 30; $i++) $methods .= "function m$i() { return ['k$i' => $version, 's' => '" . str_repeat("x$version", 5) . "']; }\\n";
    $fresh = "$file." . getmypid() . '.' . bin2hex(random_bytes(4));
    file_put_contents($fresh, "<?php return new class { const VERSION = $version; $methods };");
    rename($fresh, $file);
    opcache_invalidate($file, true);
    file_put_contents(__DIR__ . "/cache/known$n.new", $version);
    rename(__DIR__ . "/cache/known$n.new", __DIR__ . "/cache/known$n");
    flock($lock, LOCK_UN);
}
for ($i = 0; $i < 5; $i++) {
    $n = random_int(0, 20);
    $least = $known($n);
    if ($least === 0) continue;
    $object = include __DIR__ . "/cache/class$n.php";
    if ($object::VERSION < $least) { http_response_code(500); exit("stale: " . $object::VERSION . " < $least"); }
    $m = 'm' . random_int(0, 29);
    $r = $object->$m();
    if ($r['k' . substr($m, 1)] !== $object::VERSION || $r['s'] !== str_repeat('x' . $object::VERSION, 5)) { http_response_code(500); exit('mixed'); }
}
echo 'ok';
"""

MIXED = {
    "hello.php": "<?php echo 'hello';",
    "json.php": "<?php header('Content-Type: application/json'); echo json_encode(array_fill(0, 50, ['id' => 1, 'name' => 'x']));",
    "session.php": "<?php session_start(['use_cookies' => 0]); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; session_destroy(); echo 's';",
    "classes.php": "<?php class A { public $b; } class B { public $a; } for ($i = 0; $i < 50; $i++) { $a = new A; $b = new B; $a->b = $b; $b->a = $a; } echo count(get_object_vars($a));",
    "regex.php": "<?php echo preg_match('/^(a+)+' . random_int(0, 50) . '$/', 'aaaa'), strlen(preg_replace_callback('/x/', fn($m) => 'yy', str_repeat('x', 500)));",
    "include.php": "<?php include __DIR__ . '/part' . random_int(0, 30) . '.inc';",
    "error.php": "<?php ini_set('display_errors', '0'); ini_set('log_errors', '0'); try { throw new Exception('x'); } catch (Exception $e) { echo strlen($e->getTraceAsString()); } echo @$nothing['x'];",
    "exit.php": "<?php ob_start(fn($b) => strtoupper($b)); register_shutdown_function(function () { echo 'shut'; }); echo 'a'; exit;",
    "env.php": "<?php putenv('X=' . random_int(0, 99)); setlocale(LC_ALL, 'C.UTF-8'); ini_set('precision', '7'); date_default_timezone_set('Asia/Tokyo'); echo getenv('X'), date('H');",
    "stream.php": "<?php for ($i = 0; $i < 4; $i++) { echo str_repeat('z', 300); flush(); }",
    "big.php": "<?php echo str_repeat('b', 100000);",
}
WRK = """
local pages = { %s }
local i = 0
request = function()
    i = i + 1
    local page = pages[i %% #pages + 1]
    if i %% 7 == 0 then return wrk.format("POST", page, {["Content-Type"] = "application/x-www-form-urlencoded"}, "a=1&b[]=2&c=" .. string.rep("y", 300)) end
    return wrk.format("GET", page .. "?n=" .. i)
end
"""


def storm(server, script, seconds, connections=8):
    """wrk's count of requests and what went wrong."""
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not here")
    host, port = server.address
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", script, f"http://{host}:{port}/"], capture_output=True, text=True, check=True
    )
    troubles = re.findall(r"Socket errors: .*|Non-2xx.*", done.stdout)
    return int(re.search(r"(\d+) requests in", done.stdout).group(1)), troubles


def test_compiled_files_change_while_they_are_used(launch):
    server = launch("-d", "opcache.revalidate_freq=0", "-d", "opcache.memory_consumption=32", executor="ext", workers=8, files={"run.php": CHANGING, "cache/.keep": ""})
    clients = Clients(server, 8, "/run.php", b"ok")
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and not clients.failures:
        clients.wait(200)
    assert clients.stop() == []
    assert clients.answers > 100 * SECONDS
    assert sum(int((server.docroot / f"cache/known{n}").read_text()) for n in range(21)) > 10 * SECONDS
    assert server.metrics()["phpsrv_worker_restarts_total"] == 0


def test_thirty_reloads_in_a_minute(launch):
    """Kept connections and new ones: none is refused, no request fails."""
    server = launch("--supervisor=true", executor="ext", workers=2, files={"hello.php": "<?php usleep(random_int(0, 20000)); echo 'hello';"})
    kept, refused, ended = Clients(server, 4, "/hello.php", b"hello"), [], threading.Event()

    def connect():
        while not ended.is_set():
            try:
                with Wire(server.address) as wire:
                    wire.request("/hello.php", fields=[("Connection", "close")])
                    assert wire.expect_response(200).body == b"hello"
            except Exception as problem:  # noqa: BLE001: any trouble is one
                refused.append(repr(problem))

    threads = [threading.Thread(target=connect) for _ in range(4)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    for number in range(30):
        wait_until(lambda number=number: time.monotonic() >= began + 2 * number, "the next turn", 10)
        mark = server.mark()
        os.kill(server.process.pid, signal.SIGHUP)
        server.use_ready_line(server.wait_log("server.ready", after=mark))
        server.wait_log("supervisor.generation_ready", after=mark)
    ended.set()
    for thread in threads:
        thread.join()
    assert kept.stop() == [] and refused == []
    assert kept.answers > 1000
    wait_until(lambda: server.metrics()["phpsrv_server_generation"] == 31, "the last one answers")
    assert server.metrics()["phpsrv_server_crashes_total"] == 0


def test_a_hundred_cache_resets(launch):
    files = {"reset.php": "<?php var_dump(opcache_reset());", "run.php": "<?php include __DIR__ . '/a.inc'; include __DIR__ . '/b.inc'; echo a(), b();"}
    files |= {"a.inc": "<?php function a() { return 'a'; }", "b.inc": "<?php function b() { return 'b'; }"}
    server = launch("-d", "opcache.file_update_protection=0", executor="ext", workers=4, files=files)
    clients = Clients(server, 6, "/run.php", b"ab")
    for _ in range(100):
        clients.wait(20)
        assert server.fetch("/reset.php").status == 200
    clients.wait(100)
    assert clients.stop() == []
    assert server.metrics()["phpsrv_worker_restarts_total"] == 0


def test_a_million_requests(launch, tmp_path):
    """Resident memory is flat after a warm-up of a tenth."""
    parts = {f"part{n}.inc": f"<?php echo {n};" for n in range(31)}
    server = launch("-d", f"session.save_path={tmp_path}", "-d", "opcache.file_update_protection=0", executor="ext", workers=4, files={**MIXED, **parts})
    script = tmp_path / "mixed.lua"
    script.write_text(WRK % ", ".join(f'"/{name}"' for name in MIXED))
    total, sizes = 0, []
    wanted = int(os.environ.get("PHPSRV_SOAK_REQUESTS", "1000000"))
    while total < wanted:
        count, troubles = storm(server, script, 10)
        assert not troubles, troubles
        total += count
        sizes.append((total, server.memory_kib("Anonymous")))
    warm = [size for count, size in sizes if count >= wanted / 10][0]
    assert sizes[-1][1] < warm + 8 * 1024, sizes
    metrics = server.metrics()
    assert metrics["phpsrv_worker_restarts_total"] == 0
    print(sizes)


def peak_kib(server, action):
    """The largest resident size while the action goes on."""
    peak, ended = [server.memory_kib("Rss")], threading.Event()

    def watch():
        while not ended.is_set():
            peak[0] = max(peak[0], server.memory_kib("Rss"))
            ended.wait(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        action()
    finally:
        ended.set()
        watcher.join()
    return peak[0]


def test_a_gigabyte_up_and_down(launch, tmp_path):
    files = {
        "up.php": "<?php echo $_FILES['f']['size'], ' ', $_FILES['f']['error'], ' ', hash_file('crc32b', $_FILES['f']['tmp_name']);",
        "raw.php": "<?php $in = fopen('php://input', 'r'); $n = 0; while (!feof($in)) $n += strlen(fread($in, 1 << 20)); echo $n;",
        "down.php": "<?php $s = str_repeat('0123456789abcdef', 4096); for ($i = 0; $i < 16384; $i++) echo $s;",
    }
    server = launch(
        "--http-body-bytes-max", "2G", "-d", "upload_max_filesize=2G", "-d", "post_max_size=2G", "-d", f"upload_tmp_dir={tmp_path}", "-d", f"sys_temp_dir={tmp_path}",
        "--request-timeout-ms", "10m", executor="ext", workers=2, files=files,
    )  # fmt: skip
    block = bytes(range(256)) * 4096
    for _ in range(10):
        server.fetch("/down.php?warm", method="HEAD")
        break
    idle = server.memory_kib("Rss")

    def send(target, head, tail, content_type):
        with Wire(server.address, timeout=scaled(300)) as wire:
            length = len(head) + GIB + len(tail)
            wire.send(f"POST {target} HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n".encode() + head)
            for _ in range(GIB // len(block)):
                wire.send(block)
            wire.send(tail)
            answer = wire.expect_response(200)
            assert answer.body.startswith(str(GIB).encode()), answer.body

    def receive():
        with Wire(server.address, timeout=scaled(300)) as wire:
            wire.send(b"GET /down.php HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            got = 0
            while chunk := wire.socket.recv(1 << 20):
                got += len(chunk)
            assert got >= GIB

    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\nContent-Type: application/octet-stream\r\n\r\n'
    peaks = {
        "upload": peak_kib(server, lambda: send("/up.php", head, b"\r\n--b--\r\n", "multipart/form-data; boundary=b")),
        "raw body": peak_kib(server, lambda: send("/raw.php", b"", b"", "application/octet-stream")),
        "download": peak_kib(server, receive),
    }
    print({name: peak - idle for name, peak in peaks.items()})
    assert all(peak < idle + 100 * 1024 for peak in peaks.values()), (idle, peaks)
