"""The server's functions for scripts: early end, early hints, heartbeat, log, metrics; and what a time limit counts.

SPDX-License-Identifier: MIT
"""

import json
import time

import pytest

from testenv import H2Wire, scaled, wait_until

SITE = {
    "finish.php": """<?php
header("X-Before: 1"); echo "answer";
var_dump(phpsrv_finish_request()); // true, and not seen
echo "late"; header("X-Late: 1");
$again = phpsrv_finish_request();
file_put_contents($_GET["file"], json_encode([$again, connection_status(), file_get_contents("php://input"), headers_sent()]));
while (!file_exists($_GET["file"] . ".go")) usleep(2000);
file_put_contents($_GET["file"] . ".done", "done");""",
    "finish_alias.php": """<?php ob_start(); ob_start(); echo "buffered";
echo json_encode(array_map("function_exists", ["fastcgi_finish_request", "litespeed_finish_request", "frankenphp_finish_request"]));
http_response_code(201); fastcgi_finish_request(); echo "never";""",
    "finish_empty.php": "<?php http_response_code(204); fastcgi_finish_request(); echo 'x';",
    "finish_session.php": """<?php session_start(); $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; echo $_SESSION["n"];
session_write_close(); fastcgi_finish_request(); usleep(20000);""",
    "hints.php": """<?php
header("Link: </style.css>; rel=preload; as=style"); header("Link: </app.js>; rel=preload; as=script", false);
header("Content-Length: 4");
$sent = [headers_send(103)]; header_remove("Link"); $sent[] = headers_send(102);
header("X-Final: yes"); $text = json_encode($sent); header("Content-Length: " . strlen($text)); echo $text;""",
    "hints_many.php": "<?php for ($i = 0; $i < 20; $i++) { header(\"X-N: $i\"); $r[] = headers_send(103); } echo json_encode($r);",
    "hints_late.php": "<?php echo 'x'; flush(); $r = headers_send(103); echo $r;",
    "hints_wrong.php": """<?php foreach ([99, 101, 1000, 0, -1] as $s) { try { headers_send($s); echo "sent "; } catch (ValueError $e) { echo "refused "; } }""",
    "head.php": "<?php header('X-A: 1'); var_dump(headers_send(202)); var_dump(headers_sent()); header('X-B: 1');",
    "heartbeat.php": """<?php for ($i = 0; $i < 30; $i++) { if (isset($_GET["beat"])) phpsrv_request_heartbeat(2); usleep(100000); } echo "done";""",
    "heartbeat_wrong.php": """<?php foreach ([0, -1, 604801] as $s) { try { phpsrv_request_heartbeat($s); echo "taken "; } catch (ValueError $e) { echo "refused "; } }
var_dump(phpsrv_request_heartbeat(1), phpsrv_request_heartbeat(604800));""",
    "log.php": """<?php
phpsrv_log("plain");
phpsrv_log("all\\nkinds", "warning", ["user" => "J\\u{fc}rgen", "id" => 42, "ratio" => 0.25, "ok" => true, "none" => null,
    "list" => [1, 2], "a b" => "blank", 7 => "seven", "inject" => "x\\nlevel=ERROR"]);
phpsrv_log("hidden", "debug");
phpsrv_log("many", "info", array_fill(0, 100, "x"));
try { phpsrv_log("x", "loud"); } catch (ValueError $e) { echo "refused"; }""",
    "metrics.php": """<?php
phpsrv_metric_counter("shop_orders_total", 2, ["country" => "de", "paid" => true], "Orders.");
phpsrv_metric_counter("shop_orders_total", 1.5, ["paid" => true, "country" => "de"]);
phpsrv_metric_counter("shop_orders_total", labels: ["country" => "f\\"r\\n", "paid" => false]);
phpsrv_metric_gauge("shop_stock", 17); phpsrv_metric_gauge("shop_stock", -3.5);
foreach ([0.001, 0.2, 0.2, 3, 99] as $v) phpsrv_metric_histogram("shop_seconds", $v, ["step" => "pay"], [0.1, 1, 10]);
phpsrv_metric_histogram("usual_seconds", 0.3);
echo "ok";""",
    "metrics_wrong.php": """<?php
$calls = [
    fn() => phpsrv_metric_counter("with-dash"), fn() => phpsrv_metric_counter(""), fn() => phpsrv_metric_counter("phpsrv_own"),
    fn() => phpsrv_metric_counter("process_own"), fn() => phpsrv_metric_counter("a", -1), fn() => phpsrv_metric_counter("a", INF),
    fn() => phpsrv_metric_gauge("a_gauge", NAN), fn() => phpsrv_metric_counter("a", 1, ["le" => 1]), fn() => phpsrv_metric_counter("a", 1, ["__x" => 1]),
    fn() => phpsrv_metric_counter("a", 1, ["no dash" => 1]), fn() => phpsrv_metric_counter("a", 1, ["value without a name"]),
    fn() => phpsrv_metric_histogram("h", 1, [], [2, 1]), fn() => phpsrv_metric_histogram("h", 1, [], [1, INF]),
    fn() => phpsrv_metric_counter("taken") && phpsrv_metric_gauge("taken", 1),
    fn() => phpsrv_metric_counter("a", 1, array_combine(array_map(fn($i) => "l$i", range(1, 17)), range(1, 17))),
];
foreach ($calls as $i => $call) { try { $call(); echo "$i taken "; } catch (ValueError $e) { } } echo "end";""",
    "metrics_flood.php": "<?php for ($i = 0; $i < 12000; $i++) $kept = phpsrv_metric_counter('flood_total', 1, ['i' => $i]); var_dump($kept);",
    "limit.php": """<?php set_time_limit(1); if (isset($_GET["burn"])) { while (true); } usleep(1500000); echo "slept";""",
    "events.php": """<?php header("Content-Type: text/event-stream; charset=utf-8");
for ($i = 0; $i < (int) $_GET["n"]; $i++) { echo "data: $i\\n\\n"; flush(); usleep(100000); }""",
}


@pytest.fixture(scope="module")
def server(launch_module):
    return launch_module(files=SITE, executor="ext", workers=3).expect_log("Maximum execution time")


# ---- the early end


def test_finish_request(server, tmp_path):
    """The client has its answer while the script goes on."""
    file = tmp_path / "told"
    answer = server.fetch(f"/finish.php?file={file}", "POST", body=b"posted")
    assert answer.body == b"answer" and answer.get("X-Before") == "1" and answer.get("X-Late") is None
    assert int(answer.get("Content-Length")) == 6
    wait_until(file.exists, "the script goes on")
    wait_until(lambda: file.read_text(), "it has written")
    assert json.loads(file.read_text()) == [False, 0, "posted", True]
    assert not (tmp_path / "told.done").exists()
    (tmp_path / "told.go").touch()
    wait_until((tmp_path / "told.done").exists, "the script ends")


def test_finish_request_ends_buffers(server):
    answer = server.fetch("/finish_alias.php")
    assert answer.status == 201 and answer.body == b"buffered[true,true,true]"


def test_finish_request_without_a_body(server):
    assert server.fetch("/finish_empty.php").status == 204


def test_finish_request_leaves_the_connection(server):
    with server.connect() as wire:
        cookie = []
        for n in (1, 2, 3):
            wire.request("/finish_session.php", fields=cookie)
            answer = wire.expect_response()
            assert answer.body == str(n).encode()
            cookie = cookie or [("Cookie", answer.get("Set-Cookie").split(";")[0])]


# ---- early hints


def test_early_hints(server):
    """RFC 8297: the fields that are set, before the response; RFC 9110 15.2."""
    with server.connect() as wire:
        wire.request("/hints.php")
        answer = wire.expect_response()
    assert [one.status for one in answer.interim] == [103, 102]
    hints = answer.interim[0]
    assert hints.all("Link") == ["</style.css>; rel=preload; as=style", "</app.js>; rel=preload; as=script"]
    assert hints.get("Content-Length") is None
    assert answer.interim[1].get("Link") is None
    assert answer.status == 200 and answer.body == b"[1,1]" and answer.get("X-Final") == "yes"


def test_early_hints_http2(server):
    with H2Wire(server.address) as wire:
        response = wire.request(path="/hints.php")
        assert response.status == 200 and bytes(response.body) == b"[1,1]"
        assert [status for status, _ in response.informational] == [103, 102]
        assert wire.request(path="/hints.php").status == 200


def test_early_hints_are_not_for_http_1_0(server):
    with server.connect() as wire:
        wire.send("GET /hints.php HTTP/1.0\r\n\r\n")
        answer = wire.expect_response(version="1.0")
    assert answer.interim == [] and answer.body == b"[3,3]"


def test_early_hints_are_bounded(server):
    with server.connect() as wire:
        wire.request("/hints_many.php")
        answer = wire.expect_response()
    assert len(answer.interim) == 16 and json.loads(answer.body) == [1] * 16 + [3] * 4


def test_early_hints_come_before_the_response(server):
    assert server.fetch("/hints_late.php").body == b"x3"
    assert server.fetch("/hints_wrong.php").body == b"refused " * 5


def test_headers_send_sends_the_head(server):
    answer = server.fetch("/head.php")
    assert answer.status == 202 and answer.get("X-A") == "1" and answer.get("X-B") is None
    assert b"int(0)\nbool(true)\n" in answer.body


# ---- deadlines


def test_heartbeat(launch):
    server = launch("--request-timeout-ms", "1s", files=SITE, executor="ext").expect_log("deadline exceeded")
    assert server.fetch("/heartbeat.php?beat=1").body == b"done", "3 s with 1 s allowed, moved on by the script"
    assert server.fetch("/heartbeat.php").status == 504
    assert server.fetch("/heartbeat_wrong.php").body == b"refused refused refused bool(true)\nbool(true)\n"


@pytest.mark.no_sanitizer  # TSan keeps a timer's signal back while PHP computes
def test_a_time_limit_counts_what_the_script_computes(server):
    """As under php-fpm: waiting does not count."""
    assert server.fetch("/limit.php").body == b"slept"
    assert server.fetch("/limit.php?burn=1").status == 500


@pytest.mark.no_sanitizer  # TSan keeps a timer's signal back while PHP computes
def test_a_time_limit_of_wall_time(launch):
    server = launch("--php-time-limit", "wall", files=SITE, executor="ext").expect_log("Maximum execution time")
    assert server.fetch("/limit.php").status == 500
    assert server.fetch("/limit.php?burn=1").status == 500


def test_event_streams_have_a_deadline_of_their_own(launch):
    server = launch("--request-timeout-ms", "500ms", "--request-stream-timeout-ms", "30s", files=SITE, executor="ext")
    answer = server.fetch("/events.php?n=15")
    assert answer.body.endswith(b"data: 14\n\n"), "1.5 s with 0.5 s allowed for others"


@pytest.mark.parametrize("others", ["500ms", "0"])
def test_event_streams_end_at_their_deadline(launch, others):
    server = launch("--request-timeout-ms", others, "--request-stream-timeout-ms", "1s", files=SITE, executor="ext")
    server.expect_log("deadline exceeded")
    started = time.monotonic()
    with server.connect() as wire:
        wire.request("/events.php?n=1000")
        wire.expect_cut()
    assert time.monotonic() - started < scaled(20)
    assert server.fetch("/finish_empty.php").status == 204


# ---- log and metrics


def test_log(server):
    mark = server.mark()
    assert server.fetch("/log.php").body == b"refused"
    first = server.wait_log("php.log", after=mark, where=lambda line: line["message"] == "plain")
    assert first.level == "INFO" and len(first["request_id"]) == 32
    line = server.wait_log("php.log", after=mark, where=lambda line: "kinds" in line["message"])
    assert line.level == "WARN" and line["message"] == r"all\nkinds"
    told = {key.removeprefix("context."): value for key, value in line.fields.items() if key.startswith("context.")}
    assert told == {
        "user": "Jürgen", "id": "42", "ratio": "0.25", "ok": "true", "none": "null", "list": "[1,2]", "a_b": "blank", "7": "seven",
        "inject": r"x\nlevel=ERROR",
    }  # fmt: skip
    many = server.wait_log("php.log", after=mark, where=lambda line: line["message"] == "many")
    assert sum(key.startswith("context.") for key in many.fields) == 24
    assert "hidden" not in server.log


def test_log_as_json(launch):
    server = launch("--log-format", "json", files=SITE, executor="ext")
    server.fetch("/log.php")
    line = server.wait_log("php.log", where=lambda line: "kinds" in line["message"])
    assert line["context.id"] == 42 and line["context.ok"] is True and line["context.inject"] == "x\nlevel=ERROR"


def test_metrics(launch):
    server = launch(files=SITE, executor="ext", workers=3)
    for _ in range(4):
        assert server.fetch("/metrics.php").body == b"ok"
    text = server.internal("/metrics").text
    assert "# HELP shop_orders_total Orders.\n# TYPE shop_orders_total counter\n" in text
    metrics = server.metrics()
    assert metrics.value("shop_orders_total", country="de", paid="1") == 14
    assert 'shop_orders_total{country="f\\"r\\n",paid=""} 4\n' in text
    assert metrics["shop_stock"] == -3.5
    assert metrics.value("shop_seconds_bucket", step="pay", le="0.1") == 4
    assert metrics.value("shop_seconds_bucket", step="pay", le="1.0") == 12
    assert metrics.value("shop_seconds_bucket", step="pay", le="10.0") == 16
    assert metrics.value("shop_seconds_bucket", step="pay", le="+Inf") == 20
    assert metrics.value("shop_seconds_count", step="pay") == 20
    assert abs(metrics.value("shop_seconds_sum", step="pay") - 4 * 102.401) < 1e-6
    assert metrics.value("usual_seconds_bucket", le="0.25") == 0 and metrics.value("usual_seconds_bucket", le="0.5") == 4


def test_wrong_metrics(server):
    assert server.fetch("/metrics_wrong.php").body == b"end"


def test_metrics_are_bounded(launch):
    server = launch(files=SITE, executor="ext")
    assert server.fetch("/metrics_flood.php").body == b"bool(false)\n"
    text = server.internal("/metrics").text
    assert text.count("\nflood_total{") == 10_000
    assert server.fetch("/metrics.php").status == 200


# ---- whatever they are called with

ANY_ARGUMENTS = """
$loop = []; $loop["self"] = &$loop;
$thrower = new class { public function __toString(): string { throw new LogicException("no text"); } };
$values = [null, "", "a\\0b", str_repeat("x", 100_000), "\\xff", -1, 0, 700, PHP_INT_MAX, PHP_INT_MIN, NAN, INF, true, [], [$loop], ["k" => [1]],
    new stdClass(), $thrower, fn () => 1, "strlen", fopen("php://memory", "r")];
$functions = [...get_extension_funcs("phpsrv"), ...get_extension_funcs("frankenphp")];
$value = $values[(int) $_GET["n"]];
$calls = 0;
foreach ($functions as $function) {
    if (str_ends_with($function, "_handle_request") && !isset($_SERVER["FRANKENPHP_WORKER"])) continue;
    for ($count = 0; $count <= 6; $count++) {
        try { @$function(...array_fill(0, $count, $value)); } catch (Throwable) { }
        $calls++;
    }
}
file_put_contents(__DIR__ . "/calls-{$_GET['n']}", (string) $calls);
"""


@pytest.mark.parametrize("is_worker", [False, True], ids=["classic", "worker"])
def test_any_arguments(launch, is_worker):
    """What they are called with may be refused; the process goes on."""
    body = f"while (phpsrv_handle_request(function () {{ {ANY_ARGUMENTS} }}));" if is_worker else ANY_ARGUMENTS
    server = launch(*(("--worker", "any.php,1") if is_worker else ()), executor="ext", workers=1, files={"any.php": f"<?php {body}"})
    server.expect_log(r"php\.log .* message=(700|9223372036854775807)$")  # frankenphp_log() takes numbers as levels
    for n in range(21):
        done = server.docroot / f"calls-{n}"
        server.fetch(f"/any.php?n={n}")
        wait_until(done.exists, "all functions were called")  # one of them ends the response
        wait_until(done.read_text, "it has been written")
        assert int(done.read_text()) >= 100
