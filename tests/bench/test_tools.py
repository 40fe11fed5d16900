"""What the programs of load print, and what one request is.

SPDX-License-Identifier: MIT
"""

import email.parser

import pytest
from harness import tools, wire, work

WRK = """Running 1s test @ http://127.0.0.1:1/hello.php
  1 threads and 32 connections
  1000 requests in 1.01s, 1.0MB read

BENCH {"requests": 1000, "duration_us": 1010000, "bytes": 9, "p50_us": 5, "p90_us": 6, "p99_us": 7, "p999_us": 8, "max_us": 9, "errors": {"connect": 0, "read": 2}}
"""
H2LOAD = """finished in 1.00s, 100 req/s, 1KB/s
requests: 120 total, 110 started, 105 done, 100 succeeded, 5 failed, 3 errored, 2 timeout
status codes: 100 2xx, 0 3xx, 0 4xx, 5 5xx
"""


def test_wrk_prints_json_among_other_things():
    result = tools.parse_wrk(WRK)
    assert result["requests"] == 1000 and result["errors"] == {"connect": 0, "read": 2}


def test_h2load_counts_and_log():
    lines = [f"{1000 + i}\t200\t{100 - i}" for i in range(100)]
    result = tools.parse_h2load(H2LOAD, lines, 2)
    assert result["requests"] == 100 and result["duration_us"] == 2_000_000
    assert result["errors"] == {"failed": 5, "errored": 3, "timeout": 2}
    assert (result["p50_us"], result["p99_us"], result["max_us"]) == (51, 100, 100)
    assert tools.parse_h2load(H2LOAD, [], 1)["p99_us"] == 0


@pytest.mark.parametrize("parse", [tools.parse_wrk, lambda text: tools.parse_h2load(text, [], 1), tools.parse_last_line])
@pytest.mark.parametrize("text", ["", "unable to connect to 127.0.0.1:1 Connection refused\n"])
def test_a_program_that_failed_is_no_result(parse, text):
    with pytest.raises(RuntimeError, match="did not finish"):
        parse(text)


@pytest.mark.parametrize("length", [64, 1024, 65536])
def test_a_form_is_as_long_as_was_asked_for(length):
    assert len(work.form_body(length)) == length


def test_an_upload_is_a_form_that_others_can_read():
    one = work.Work({"path": "/", "upload_bytes": 3000})
    message = email.parser.BytesParser().parsebytes(b"Content-Type: " + one.body_type.encode() + b"\r\n\r\n" + one.body)
    title, file = message.get_payload()
    assert title.get_payload() == "A file"
    assert file.get_filename() == "file.bin" and len(file.get_payload(decode=True)) == 3000


def test_a_body_lies_in_a_file_for_the_programs(tmp_path):
    one = work.Work({"path": "/", "form_bytes": 100}, str(tmp_path))
    with open(one.body_path, "rb") as file:
        assert file.read() == one.body


def test_fields_of_a_request():
    one = work.Work({"path": "/a", "fields": 4, "close": True, "host": "bench.example", "paths_by_server": {"other": "/b"}})
    assert one.path("phpsrv") == "/a" and one.path("other") == "/b"
    assert list(one.fields()) == ["Host", "Connection", "X-Field-1", "X-Field-2", "X-Field-3"]
    request = wire.request_bytes("/a", fields=one.fields()).decode()
    assert request.count("Host: ") == 1 and "Host: bench.example\r\n" in request


def test_a_body_without_a_length_ends_with_the_connection():
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"
    with pytest.raises(wire.Incomplete):
        wire.parse_response(data)
    response, length = wire.parse_response(data, is_ended=True)
    assert response.body == b"hello" and length == len(data)
