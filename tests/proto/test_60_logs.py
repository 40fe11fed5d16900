"""Error log and access log: formats, valid JSON whatever clients send, no forged lines, files that are opened again.

SPDX-License-Identifier: MIT
"""

import base64
import json
import os
import re
import signal

import pytest

from testenv import parse_log_line, stub, wait_until

COMMON = rb'127\.0\.0\.1 - (\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "(.*)" (\d{3}) (\d+|-)'
COMBINED = COMMON + rb' "(.*?)" "(.*?)"'
EVIL = [
    b"\"",
    b"\\",
    b"\" 200 1 \"-\" \"forged",
    b"a\tb",
    b"\xff\xfe",
    b"\xc3\xa9",
    b"\xe2\x80\xae",
    b"\xc2\x9b31m",
    b"%0a%0d",
    b"</script>",
    b"${jndi:ldap://x}",
    b"{\"a\":1}",
]


def access_lines(server, count):
    """The first `count` lines of the access log on standard output."""
    wait_until(lambda: server.stdout.count(b"\n") >= count, f"{count} access log lines, have {server.stdout!r}")
    return server.stdout.split(b"\n")[:-1]


def test_access_log_is_off_by_default(launch):
    server = launch()
    server.fetch(stub.ECHO)
    server.stop()
    assert server.stdout == b""


def test_common(launch):
    server = launch("--log-access", "common", files={"a.txt": "12345"})
    server.fetch("/a.txt?x=1")
    server.fetch(stub.status(404))
    server.fetch("/a.txt", "HEAD")
    lines = access_lines(server, 3)
    found = [re.fullmatch(COMMON, line).groups() for line in lines]
    assert found[0] == (b"-", b"GET /a.txt?x=1 HTTP/1.1", b"200", b"5")
    assert found[1][2] == b"404"
    assert found[2] == (b"-", b"HEAD /a.txt HTTP/1.1", b"200", b"-")


def test_combined(launch):
    server = launch("--log-access", "combined")
    server.fetch(stub.ECHO, fields=[("Referer", "http://from.example/"), ("User-Agent", "agent 1.0")])
    server.fetch(stub.ECHO)
    first, second = (re.fullmatch(COMBINED, line).groups() for line in access_lines(server, 2))
    assert first[4:] == (b"http://from.example/", b"agent 1.0")
    assert second[4:] == (b"-", b"-")


def test_user_but_never_the_password(launch):
    server = launch("--log-access", "combined")
    server.fetch(stub.ECHO, fields=[("Authorization", "Basic " + base64.b64encode(b"alice:hunter2").decode())])
    line = access_lines(server, 1)[0]
    assert re.fullmatch(COMBINED, line).group(1) == b"alice"
    assert b"hunter2" not in line and base64.b64encode(b"alice:hunter2") not in line


def test_json(launch):
    server = launch("--log-access", "json", workers=1)
    response = server.fetch(stub.body(1234) + "&q=1", fields=[("User-Agent", "agent")])
    entry = json.loads(access_lines(server, 1)[0])
    assert entry["method"] == "GET" and entry["target"] == stub.body(1234) + "&q=1"
    assert entry["protocol"] == "HTTP/1.1"
    assert entry["status"] == 200 and entry["bytes"] == 1234
    assert entry["remote"] == "127.0.0.1"
    assert entry["user_agent"] == "agent" and entry["referer"] is None
    assert entry["duration_ms"] >= entry["php_ms"] >= 0 and entry["queue_ms"] >= 0
    assert entry["worker"] == 0 and entry["aborted"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["ts"])
    assert re.fullmatch(r"[0-9a-zA-Z-]{8,64}", entry["request_id"])
    if response.get("X-Request-Id"):
        assert response.get("X-Request-Id") == entry["request_id"]


def test_durations(launch):
    server = launch("--log-access", "json")
    server.fetch(stub.sleep(250))
    entry = json.loads(access_lines(server, 1)[0])
    assert 250 <= entry["php_ms"] <= entry["duration_ms"] < 60_000


def test_request_ids_differ(launch):
    server = launch("--log-access", "json")
    for _ in range(50):
        server.fetch(stub.ECHO)
    assert len({json.loads(line)["request_id"] for line in access_lines(server, 50)}) == 50


def test_refused_requests_are_logged(launch):
    server = launch("--log-access", "json")
    for raw in (b"RUBBISH\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n"):
        with server.connect() as wire:
            wire.send(raw)
            wire.expect_response()
    entries = [json.loads(line) for line in access_lines(server, 3)]
    assert [entry["status"] for entry in entries] == [400, 400, 417]
    assert all(entry["refusal"] for entry in entries)


def test_client_that_left_is_logged(launch):
    server = launch("--log-access", "json", workers=1)
    with server.connect() as wire:
        wire.request(stub.stream(100_000, size=1000, milliseconds=1))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        wire.reset()
    assert json.loads(access_lines(server, 1)[0])["aborted"] is True


# ---- what clients send stays one line and one field


@pytest.mark.parametrize("form", ["common", "combined", "json"])
def test_injection(launch, form):
    server = launch("--log-access", form)
    count = 0
    for evil in EVIL:
        for head in (
            b"GET /stub/echo?" + evil.replace(b" ", b"%20").replace(b"\t", b"%09"),
            b"GET /stub/echo",
        ):
            with server.connect() as wire:
                wire.send(
                    head + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUser-Agent: " + evil + b"\r\nReferer: " + evil + b"\r\n"
                    b"X-Request-Id: " + evil + b"\r\nAuthorization: Basic " + base64.b64encode(evil + b"\n:x") + b"\r\n\r\n"
                )  # fmt: skip
                wire.expect_response()
                count += 1
    lines = access_lines(server, count)
    assert len(lines) == count
    for line in lines:
        assert all(0x20 <= byte != 0x7F for byte in line), line
        text = line.decode("utf-8")
        assert not re.search("[\u0080-\u009f\u202a-\u202e\u2066-\u2069]", text) or form == "json"
        if form == "json":
            entry = json.loads(text)
            assert entry["status"] in (200, 400)
        else:
            assert re.fullmatch(COMBINED if form == "combined" else COMMON, line), line
            assert not re.search(rb'[^\\]" 200 1 "-" "forged', line), line


def test_long_texts_are_cut(launch):
    server = launch("--log-access", "json")
    server.fetch(stub.ECHO + "?" + "a" * 7000, fields=[("User-Agent", '"' * 10000), ("Referer", "\xff" * 5000)])
    line = access_lines(server, 1)[0]
    assert len(line) <= 8192
    json.loads(line)


# ---- error log


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_line_of_the_error_log_parses(launch, form):
    server = launch("--log-format", form, "--log-level", "debug")
    for evil in EVIL:
        with server.connect() as wire:
            wire.send(b"GET /" + evil + b" HTTP/1.1\r\nHost: " + evil + b"\r\nX: " + evil + b"\r\n\r\n")
            wire.half_close()
            wire.expect_cut()
    server.stop()
    for raw in server.log_lines():
        assert parse_log_line(raw), raw
        assert all(" " <= c != "\x7f" for c in raw), raw


def test_level(launch):
    loud = launch("--log-level", "info")
    assert {parse_log_line(raw).level for raw in loud.log_lines()} == {"INFO"}
    quiet = launch("--log-level", "warn", start=False).start_silent()
    wait_until(lambda: len(quiet.listening_ports()) == 2, "it listens")
    quiet.stop()
    assert quiet.log_lines() == []


def test_error_log_in_a_file(launch, tmp_path):
    path = tmp_path / "error.log"
    server = launch("--log-error-path", path, start=False).start_silent()
    wait_until(lambda: path.exists() and "server.ready" in path.read_text(), "the ready line is in the file")
    server.use_ready_line(next(filter(None, map(parse_log_line, path.read_text().splitlines()))))
    assert server.fetch(stub.ECHO).status == 200
    server.stop()
    assert server.log_lines() == []


def test_access_log_in_a_file(launch, tmp_path):
    server = launch("--log-access", "common", "--log-access-path", tmp_path / "access.log")
    server.fetch(stub.ECHO)
    wait_until(lambda: (tmp_path / "access.log").read_text().count("\n") == 1, "the line is in the file")
    assert server.stdout == b""


def test_files_are_opened_again(launch, tmp_path):
    """What logrotate does: rename, then SIGUSR1."""
    path = tmp_path / "access.log"
    server = launch("--log-access", "common", "--log-access-path", path)
    server.fetch(stub.ECHO + "?before")
    wait_until(lambda: "before" in path.read_text(), "the first line")
    os.rename(path, tmp_path / "access.log.1")
    server.signal(signal.SIGUSR1)
    wait_until(path.exists, "the new file")
    server.fetch(stub.ECHO + "?after")
    wait_until(lambda: "after" in path.read_text(), "the second line")
    assert "after" not in (tmp_path / "access.log.1").read_text()


def test_files_are_appended_to(launch, tmp_path):
    path = tmp_path / "access.log"
    path.write_text("kept\n")
    server = launch("--log-access", "common", "--log-access-path", path)
    server.fetch(stub.ECHO)
    wait_until(lambda: path.read_text().count("\n") == 2, "one line more")
    assert path.read_text().startswith("kept\n")


def test_log_file_that_cannot_be_opened(tmp_path):
    from testenv import run_binary

    result = run_binary(
        "--executor", "stub", "--docroot", tmp_path, "--listen", "127.0.0.1:0", "--log-access", "common",
        "--log-access-path", tmp_path / "missing" / "access.log",
    )  # fmt: skip
    assert result.returncode != 0
    assert "missing/access.log" in result.stderr


def test_log_reader_that_stops_blocks_nobody(launch):
    """Under overload lines are dropped and counted: here nobody reads the pipe of the access log."""
    read_end, write_end = os.pipe()
    try:
        server = launch(
            "--log-access", "json", "--log-access-path", f"/dev/fd/{write_end}", "--log-ring-lines", "16",
            pass_fds=(write_end,), workers=1,
        )  # fmt: skip
        with server.connect() as wire:
            for number in range(3000):
                wire.request(f"{stub.ECHO}?{number}")
                wire.expect_response(200)
        assert server.metrics()["phpsrv_log_dropped_total"] > 0
        received = bytearray()
        os.set_blocking(read_end, False)

        def drain():
            try:
                while chunk := os.read(read_end, 65536):
                    received.extend(chunk)
            except BlockingIOError:
                pass
            return server.process.poll() is not None

        server.terminate()
        wait_until(drain, "the server ended")
        for line in bytes(received).split(b"\n")[:-1]:
            json.loads(line)
        assert server.process.returncode == 0
        server.process = None
    finally:
        os.close(read_end)
        os.close(write_end)
