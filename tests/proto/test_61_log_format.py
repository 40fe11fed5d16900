"""The access log's own format, the split of times, files that are opened again under load, Server-Timing.

SPDX-License-Identifier: MIT
"""

import json
import os
import re
import signal
import time

import pytest

from testenv import Clients, H2Wire, parse_log_line, run_binary, stub, wait_until

TIMES = "$status $request_time $read_time $queue_time $php_time $send_time $request_completion"
SECONDS = r"(\d+\.\d{6})"


def custom(*words):
    return ("--log-access", "custom", "--log-access-format", *words)


def lines(server, count):
    wait_until(lambda: server.stdout.count(b"\n") >= count, f"{count} lines, have {server.stdout!r}")
    return server.stdout.decode().split("\n")[:count]


def entry(server, number=0):
    return json.loads(lines(server, number + 1)[number])


# ---- the format


def test_a_line(launch):
    server = launch(*custom('$remote_addr - $remote_user "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $sent_http_content_length $host $worker $$'), workers=1, files={"a.txt": "12345"})
    server.fetch("/a.txt?x=1", fields=[("User-Agent", 'a "b" \\ c'), ("Referer", "http://r/")])
    server.fetch(stub.body(7))
    first, second = lines(server, 2)
    assert first == '127.0.0.1 - - "GET /a.txt?x=1 HTTP/1.1" 200 5 "http://r/" "a \\x22b\\x22 \\x5C c" 5 test.example - $'
    assert second == '127.0.0.1 - - "GET /stub/bytes?n=7 HTTP/1.1" 200 7 "-" "-" 7 test.example 0 $'


def test_sites_and_their_fields(launch, tmp_path):
    toml = tmp_path / "sites.toml"
    toml.write_text('[response]\nserver_timing = "all"\n[[sites]]\nname = "shop"\nhosts = ["shop.example"]\nresponse.server_timing = "off"\nresponse.fields = ["X-Added: yes"]\n')
    server = launch("--config", toml, *custom("$site $host $sent_http_x_added"))
    for host, count in (("shop.example", 0), ("other.example", 1)):
        with server.connect() as wire:
            wire.request(stub.ECHO, host=host)
            assert len(timing(wire.expect_response(200))) == count
    assert lines(server, 2) == ["shop shop.example yes", "default other.example -"]


def test_a_line_of_json(launch):
    server = launch(*custom('escape=json {"ua":"$http_user_agent","t":$request_time,"missing":"$http_x"}'))
    server.fetch(stub.ECHO, fields=[("User-Agent", '"\\\x80')])
    found = entry(server)
    assert found["ua"] == '"\\\x80' and found["t"] > 0 and found["missing"] == ""


@pytest.mark.parametrize(
    ("format", "sentence"),
    [
        ("$remote_adr", "log.access_format has the unknown variable $remote_adr; did you mean $remote_addr?"),
        ("$", "log.access_format has a $ without a variable's name"),
        ("$sent_http_date", "log.access_format has $sent_http_date: this field is made when the response is written"),
        ("x" * 2001, "2000"),
    ],
    ids=range(4),
)
def test_wrong_formats_stop_the_start(tmp_path, format, sentence):
    for action in ([], ["--check-config"]):
        result = run_binary("--executor", "stub", "--docroot", tmp_path, "--listen", "127.0.0.1:0", *custom(format), *action)
        assert result.returncode != 0 and sentence in result.stderr


def test_format_and_form_belong_together(tmp_path):
    check = ("--executor", "stub", "--docroot", tmp_path, "--check-config")
    assert "needs log.access_format" in run_binary(*check, "--log-access", "custom").stderr
    assert 'is for log.access = "custom", which is not set' in run_binary(*check, "--log-access-format", "x").stderr
    assert run_binary(*check, "--log-access-format", "x", "--log-access", "off").returncode == 0
    assert run_binary(*check, *custom("x")).returncode == 0


# ---- where the time goes


def times(server, number=0):
    found = re.fullmatch(rf"(\d+) {SECONDS} (\S+) (\S+) (\S+) (\S+) (\S+)", lines(server, number + 1)[number])
    return [None if word == "-" else float(word) for word in found.groups()[:6]] + [found.group(7)]


def test_times_of_a_script(launch):
    server = launch(*custom(TIMES))
    server.fetch(stub.sleep(250))
    status, total, read, queue, php, send, end = times(server)
    assert status == 200 and php >= 0.25 and total >= php + queue and send < 0.2 and read < 0.2 and end == "OK"


def test_time_in_the_queue(launch):
    server = launch(*custom(TIMES), workers=1)
    with server.connect() as first, server.connect() as second:
        first.request(stub.sleep(300))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        second.request(stub.ECHO)
        second.expect_response(200)
        first.expect_response(200)
    status, total, _, queue, php, *_ = times(server, 1)
    assert status == 200 and 0 < queue <= total and php < 0.2 and total - queue < 0.2


def test_time_of_a_slow_body(launch):
    server = launch(*custom(TIMES))
    with server.connect() as wire:
        wire.send(b"POST /stub/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na")
        time.sleep(0.3)
        wire.send(b"b")
        wire.expect_response(200)
    status, total, read, queue, *_ = times(server)
    assert status == 200 and read >= 0.28 and queue < 0.2 and total >= read


def test_times_of_a_stream(launch):
    server = launch(*custom(TIMES))
    server.fetch(stub.stream(10, size=10, milliseconds=30))
    status, total, _, _, php, send, _ = times(server)
    assert php >= 0.25 and send >= 0.25 and total >= max(php, send)


def test_times_of_files_and_refusals(launch):
    server = launch(*custom(TIMES), files={"a.txt": "a"})
    server.fetch("/a.txt")
    server.fetch("/a.txt", "DELETE")
    with H2Wire(server.address) as wire:
        wire.request(path="/a.txt")
        wire.request(path=stub.sleep(100))
    found = [times(server, number) for number in range(4)]
    for status, total, read, queue, php, send, _ in found[:3]:
        assert (queue, php) == (None, None) and 0 <= read <= total and 0 <= send <= total and status in (200, 405)
    assert found[3][4] >= 0.1 and found[3][3] is not None


def test_times_of_who_left_the_queue(launch):
    server = launch(*custom(TIMES), workers=1)
    with server.connect() as first, server.connect() as second:
        first.request(stub.sleep(500))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        second.request(stub.ECHO)
        wait_until(lambda: server.metrics()["phpsrv_queue_depth"] == 1, "it waits")
        second.reset()
        status, total, read, queue, php, send, end = times(server)
        assert (status, php, send, end) == (499, None, None, "-") and 0 < queue <= total, "it has only waited"
        first.expect_response(200)


def test_times_in_json(launch):
    server = launch("--log-access", "json")
    server.fetch(stub.sleep(100))
    found = entry(server)
    assert found["php_ms"] >= 100 and found["duration_ms"] >= found["php_ms"] + found["queue_ms"]
    assert 0 <= found["read_ms"] < 100 and 0 <= found["send_ms"] < 100


# ---- rotation


@pytest.mark.parametrize("supervisor", ["false", "true"])
def test_rotation_loses_no_line(launch, tmp_path, supervisor):
    """logrotate under load: every request has exactly one line, in the file of its time."""
    path = tmp_path / "access.log"
    errors = tmp_path / "error.log"
    server = launch(f"--supervisor={supervisor}", *custom("$request_uri"), "--log-access-path", path, "--log-error-path", errors, start=False).start_silent()
    wait_until(lambda: errors.exists() and "server.ready" in errors.read_text(), "the ready line")
    ready = next(line for line in errors.read_text().splitlines() if "server.ready" in line)
    server.use_ready_line(parse_log_line(ready))
    clients = Clients(server, count=4)
    for number in range(5):
        wait_until(lambda: path.exists() and path.stat().st_size > 200, "lines in the file")
        os.rename(path, tmp_path / f"access.log.{number}")
        os.rename(errors, tmp_path / f"error.log.{number}")
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: path.exists() and errors.exists(), "new files")
    clients.stop()
    assert not clients.failures
    server.stop()
    total = sum(file.read_text().count("\n") for file in tmp_path.glob("access.log*"))
    assert total == clients.answers
    assert "server.stopped" in errors.read_text()


# ---- Server-Timing


def timing(response):
    return [value for name, value in response.fields if name.lower() == "server-timing"]


def test_no_timing_by_default(server):
    assert timing(server.fetch(stub.ECHO)) == []


def test_timing_for_all(launch):
    server = launch("--server-timing", "all", files={"a.txt": "a"})
    (value,) = timing(server.fetch(stub.sleep(60)))
    queue, php = re.fullmatch(r"queue;dur=(\d+\.\d{3}), php;dur=(\d+\.\d{3})", value).groups()
    assert float(php) >= 60 > float(queue) >= 0
    (value,) = timing(server.fetch(stub.stream(3, size=10, milliseconds=20)))
    assert re.fullmatch(r"queue;dur=\d+\.\d{3}, boot;dur=\d+\.\d{3}", value), "a stream's head comes before its end"
    assert timing(server.fetch("/a.txt")) == []
    with H2Wire(server.address) as wire:
        answer = wire.request(path=stub.ECHO)
        assert re.fullmatch(r"queue;dur=\d+\.\d{3}, php;dur=\d+\.\d{3}", dict(answer.fields)["server-timing"])


def test_timing_for_trusted_clients(launch):
    server = launch("--server-timing", "trusted", "--proxy-trusted", "127.0.0.1", "--proxy-trusted", "10.0.0.0/8")
    assert len(timing(server.fetch(stub.ECHO))) == 1
    assert timing(server.fetch(stub.ECHO, fields=[("X-Forwarded-For", "192.0.2.7")])) == [], "the proxy is trusted, its client is not"
    assert len(timing(server.fetch(stub.ECHO, fields=[("X-Forwarded-For", "10.1.2.3")]))) == 1


def test_timing_for_nobody_without_trusted_networks(launch):
    server = launch("--server-timing", "trusted")
    assert timing(server.fetch(stub.ECHO)) == []
