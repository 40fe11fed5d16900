"""/metrics: what PHP says about itself.

SPDX-License-Identifier: MIT
"""

from testenv import wait_until

SITE = {
    "plain.php": "<?php echo 'a';",
    "garbage.php": "<?php for ($i = 0; $i < 30000; $i++) { $a = new stdClass; $a->self = $a; } echo 'a';",
    "memory.php": "<?php $a = str_repeat('x', 20 << 20); echo 'a';",
    "errors.php": "<?php echo $undefined; echo @$silent; trigger_error('n'); trigger_error('d', E_USER_DEPRECATED);",
    "fatal.php": "<?php throw new Exception('x');",
    "parse.php": "<?php this is no PHP",
    "text.php": "<?php header('Content-Type: text/plain'); echo str_repeat('abc ', 20000);",
}


def test_garbage_collector(launch):
    server = launch(files=SITE, executor="ext", workers=2)
    server.fetch("/plain.php")
    assert server.metrics()["phpsrv_php_gc_runs_total"] == 0
    for _ in range(3):
        assert server.fetch("/garbage.php").body == b"a"
    metrics = server.metrics()
    assert metrics["phpsrv_php_gc_runs_total"] >= 3 and metrics["phpsrv_php_gc_collected_total"] >= 3 * 10_000
    assert metrics["phpsrv_php_gc_seconds_total"] > 0 and metrics["phpsrv_php_gc_roots_total"] > 0


def test_memory_of_requests(launch):
    server = launch(files=SITE, executor="ext", workers=1)
    for _ in range(4):
        server.fetch("/plain.php")
    server.fetch("/memory.php")
    metrics = server.metrics()
    assert metrics["phpsrv_php_request_memory_peak_bytes_count"] == 5
    assert metrics.value("phpsrv_php_request_memory_peak_bytes_bucket", le="2.5e+06") == 4
    assert metrics.value("phpsrv_php_request_memory_peak_bytes_bucket", le="3.5e+07") == 5
    assert metrics.value("phpsrv_php_request_memory_peak_bytes_bucket", le="2e+07") == 4


def test_errors_by_level(launch):
    server = launch("-d", "display_errors=0", files=SITE, executor="ext", workers=1)
    server.expect_log("php.message")
    server.fetch("/errors.php")
    assert server.fetch("/fatal.php").status == 500 and server.fetch("/parse.php").status == 500
    metrics = server.metrics()
    counted = {level: metrics.value("phpsrv_php_errors_total", level=level) for level in ("fatal", "warning", "notice", "deprecated")}
    assert counted == {"fatal": 2, "warning": 1, "notice": 1, "deprecated": 1}


def test_compression(launch):
    server = launch(files=SITE, executor="ext", workers=1)
    assert server.fetch("/text.php", fields=[("Accept-Encoding", "gzip")]).get("Content-Encoding") == "gzip"
    server.fetch("/text.php")
    metrics = server.metrics()
    assert metrics.value("phpsrv_compressed_bodies_total", coding="gzip") == 1
    assert metrics.value("phpsrv_compression_input_bytes_total", coding="gzip") == 80_000
    assert 50 < metrics.value("phpsrv_compression_output_bytes_total", coding="gzip") < 5000
    assert metrics.value("phpsrv_compressed_bodies_total", coding="br") == 0


def test_opcache(launch):
    server = launch("-d", "opcache.file_update_protection=0", files=SITE, executor="ext", workers=1)
    server.fetch("/plain.php")
    metrics = server.metrics()
    assert metrics["phpsrv_opcache_enabled"] == 1 and metrics["phpsrv_opcache_scripts"] >= 1 and metrics["phpsrv_opcache_full"] == 0
    assert metrics["phpsrv_opcache_interned_strings"] > 100 and metrics["phpsrv_opcache_jit_enabled"] in (0, 1)


def test_lost_workers(launch):
    files = {"lost.php": "<?php exec('exec sleep 4 2> /dev/null');"}
    server = launch("--request-timeout-ms", "300ms", "--workers-give-up-ms", "300ms", files=files, executor="ext", workers=1)
    server.expect_log("worker.given_up", "deadline", "php.message")
    assert server.fetch("/lost.php").status == 504
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="lost") == 1, "it is given up")
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="idle") == 1, "another one is there")
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="lost") == 0, "it came back", timeout=30)
    assert server.metrics()["phpsrv_workers_given_up_total"] == 1
