"""Responses that outgrow --response-memory-bytes: sent while the script writes, whole at every client, and no client holds a worker.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import gzip
import time

import pytest

from testenv import H2Wire, decode_body, scaled, wait_until

MEMORY = 65536
SIZE = 8_000_000
PHP_ARGUMENTS = ("--response-memory-bytes", str(MEMORY), "--http-write-timeout-ms", "60s")
LINE = b"line %07d of a long response that says nothing new\n"

# ?step: bytes of an echo; ?n: of the body; ?type; ?length: promised
WRITER = """
$n = (int)($_GET['n'] ?? 8000000);
header('Content-Type: ' . ($_GET['type'] ?? 'application/octet-stream'));
if (isset($_GET['length'])) header('Content-Length: ' . $_GET['length']);
$step = (int)($_GET['step'] ?? 8192);
for ($text = '', $i = 0; strlen($text) < $n; $i++) $text .= sprintf("line %07d of a long response that says nothing new\\n", $i);
for ($at = 0; $at < $n; $at += $step) echo substr($text, $at, min($step, $n - $at));
"""

TEXT = b"".join(LINE % i for i in range(SIZE // len(LINE % 0) + 1))[:SIZE]


@pytest.fixture(scope="module")
def writer(php):
    return php.script(WRITER, "writer.php")


@pytest.mark.parametrize("step", [1000, MEMORY - 1, MEMORY, MEMORY + 1, 1_000_000, SIZE])
def test_whole_whatever_the_writes(php, writer, step):
    with php.server.connect() as wire:
        for _ in range(2):
            wire.request(f"{writer}?step={step}")
            response = wire.expect_response(200)
            assert response.framing == "chunked" and response.body == TEXT


@pytest.mark.parametrize("size, framing", [(MEMORY - 1, "length"), (MEMORY, "length"), (MEMORY + 1, "chunked")])
def test_what_fits_has_its_length(php, writer, size, framing):
    response = php.server.fetch(f"{writer}?n={size}")
    assert response.framing == framing and response.body == TEXT[:size]


def test_a_promised_length_stays(php, writer):
    response = php.server.fetch(f"{writer}?length={SIZE}")
    assert response.framing == "length" and response.body == TEXT


def test_http_1_0_ends_with_the_connection(php, writer):
    with php.server.connect() as wire:
        wire.request(writer, version="1.0")
        response = wire.expect_response(200, version="1.0")
        assert response.framing == "close" and response.body == TEXT


def test_http2(php, writer):
    with H2Wire(php.server.address) as wire:
        response = wire.request(path=writer)
        assert response.status == 200 and response.body == TEXT


def test_head(php, writer):
    response = php.server.fetch(writer, method="HEAD")
    assert response.get("Content-Length") == str(SIZE) and response.body == b""


def test_the_client_reads_before_the_script_has_ended(php):
    gate = php.server.docroot / "gate"
    target = php.script(f"echo str_repeat('a', {MEMORY} + 1); while (!file_exists('{gate}')) {{ clearstatcache(); usleep(1000); }} echo 'end';")
    with php.server.connect() as wire:
        wire.request(target)
        response = wire.reader.response(on_head=lambda head: gate.write_text("open"))
        assert response.body == b"a" * (MEMORY + 1) + b"end"
    gate.unlink()


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_compressed(php, writer, coding):
    response = php.server.fetch(f"{writer}?type=text/plain", fields=[("Accept-Encoding", coding)])
    assert response.get("Content-Encoding") == coding and len(response.body) < SIZE / 4
    assert decode_body(coding, response.body) == TEXT


def test_a_promised_length_does_not_prevent_compression(php, writer):
    response = php.server.fetch(f"{writer}?type=text/plain&length={SIZE}", fields=[("Accept-Encoding", "gzip")])
    assert response.get("Content-Encoding") == "gzip" and response.framing == "length"
    assert gzip.decompress(response.body) == TEXT


def test_a_fatal_error_after_it_has_begun(php):
    """As with a web server before php-fpm: the status has been told, and what there is arrives."""
    php.expect_fatal("after a lot of output")
    response = php.run(f"echo str_repeat('a', {MEMORY} * 3); throw new Exception('after a lot of output');")
    assert response.status == 200 and response.body.startswith(b"a" * MEMORY * 3)


def test_fewer_bytes_than_promised(php, writer):
    """The client must notice."""
    with php.server.connect() as wire:
        wire.request(f"{writer}?length={SIZE + 1}")
        _, _, body = wire.expect_cut().partition(b"\r\n\r\n")
        assert len(body) <= SIZE and TEXT.startswith(body)


def test_more_bytes_than_promised(php, writer):
    with php.server.connect() as wire:
        wire.request(f"{writer}?length={SIZE - 1}")
        assert wire.expect_response(200).body == TEXT[:-1]
        wire.request(f"{writer}?n=5")
        assert wire.expect_response(200).body == TEXT[:5]


def test_slow_readers_hold_no_worker(php, writer):
    """Two workers, six clients that do not read, and one that does."""
    wires = [php.server.connect(receive_buffer=4096) for _ in range(6)]
    for wire in wires:
        wire.request(writer)
    for _ in range(3):
        assert php.server.fetch(writer).body == TEXT
    wait_until(lambda: php.server.metrics().value("phpsrv_workers", state="busy") == 0, "all scripts have ended")
    for wire in wires:
        assert wire.expect_response(200).body == TEXT
        wire.close()


def read_slowly(server, target, pause):
    with server.connect(receive_buffer=65536) as wire:
        wire.request(target, version="1.0")
        pieces = []
        while data := wire.socket.recv(65536):
            pieces.append(data)
            if pause:
                time.sleep(pause)
    return b"".join(pieces).partition(b"\r\n\r\n")[2]


def test_clients_of_all_speeds_get_the_same(php, writer):
    """Some keep up, some fall behind and catch up: parts in memory and in files follow each other."""
    target = f"{writer}?step=30000&n=3000000"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        bodies = pool.map(lambda pause: read_slowly(php.server, target, pause), [0, 0.0001, 0.001, 0.003] * 4)
        assert all(body == TEXT[:3_000_000] for body in bodies)


def test_a_client_that_leaves(php):
    """connection_aborted(), as after a flush: the script does not write for nobody."""
    note = php.server.docroot / "left"
    target = php.script(f"register_shutdown_function(fn () => file_put_contents('{note}', connection_aborted() . '.')); for (;;) echo str_repeat('x', 10000);")
    with php.server.connect(receive_buffer=4096) as wire:
        wire.request(target)
        assert wire.readable(timeout=scaled(20))
        wire.reset()
    wait_until(lambda: note.exists() and note.read_text() == "1.", "the script has noticed")


def in_memory_files(server):
    """Bytes in the memory files of response bodies."""
    return sum(file.st_blocks * 512 for target, file in server.open_files() if target.startswith("/memfd:phpsrv-response"))


@pytest.mark.no_sanitizer
def test_what_waits_is_known_while_it_is_written(launch):
    """One response of 400 MB for a client that does not read: past the limit of all it goes to a file on the way."""
    server = launch(
        "--response-held-bytes-max", "32M", executor="ext", workers=1, files={"big.php": "<?php for ($i = 0; $i < 400; $i++) echo str_repeat('x', 1 << 20);"}
    )
    with server.connect(receive_buffer=4096) as wire:
        wire.request("/big.php")
        wait_until(lambda: server.metrics()["phpsrv_response_held_bytes"] >= 330 << 20, "the script has written it all", timeout=60)
        assert server.metrics()["phpsrv_response_spilled_total"] >= 1
        assert 0 < in_memory_files(server) < 100_000_000
