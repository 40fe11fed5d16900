"""Worker contract: each response is made by its own request, from the status to the last buffer.

SPDX-License-Identifier: MIT
"""

import gzip
import json

import pytest

from testenv import Wire, decode_body, wait_until
from worker_cases import decode

SCRIPTS = ["response"]
# Scripts that wait for a test hold a thread.
CONTRACT_THREADS = 3


def query(n):
    return {"suffix": f"?n={n}"}


def answers(mode, case, make=query, count=100, status=200):
    for n, answer in mode.ask(case, make, count):
        assert answer.status == status, answer
        yield str(n), answer


def test_fields(mode):
    for n, answer in answers(mode, "headers"):
        assert answer.get("X-N") == n and answer.all("X-Replaced") == [n] and answer.all("X-List") == ["a", n] and answer.get("X-Removed") is None
        assert answer.get("x-lower") == n and answer.get("X-Odd") == "\x80\xff" + n and json.loads(answer.body) == ["X-List: a", f"X-List: {n}"]


def test_all_fields_removed(mode):
    for n, answer in answers(mode, "remove all"):
        assert answer.text == "[]" + n and answer.get("X-A") is None and answer.get("X-Powered-By") is None


def test_no_field_is_smuggled_in(mode):
    for _, answer in answers(mode, "injection"):
        assert answer.get("X-Injected") is None and answer.get("X-A") is None and answer.get("X-B") is None and answer.text == "ok"


def test_each_begins_anew(mode):
    """After cases that set a status, fields and buffers."""
    first = decode(mode.one("plain"))
    assert first[1:] == [200, False, 0, 0] and len(first[0]) == 1 and first[0][0].startswith("X-Powered-By: PHP/")
    for case, make in [("status", lambda n: {"suffix": "?s=404&n=1"}), ("headers", query), ("buffers left", query), ("finish empty", query), ("callback", query), ("type", query)]:
        mode.ask(case, make, 20)
        for _, seen in mode.json("plain", count=20):
            assert seen == first, case


def test_cookies(mode):
    for n, answer in answers(mode, "cookies"):
        cookies = answer.all("Set-Cookie")
        assert cookies[0] == f"n={n}" and cookies[2] == f"raw=a%20{n}" and cookies[3].startswith("gone=deleted; expires=Thu, 01 Jan 1970") and len(cookies) == 4
        assert cookies[1] == "opt=a%20b%3Bc; expires=Wed, 18 May 2033 03:33:20 GMT; Max-Age=" + cookies[1].partition("Max-Age=")[2].partition(";")[0] + (
            "; path=/p; domain=example.org; secure; HttpOnly; SameSite=Lax"
        )


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299, 301, 304, 400, 401, 404, 418, 451, 500, 503, 599])
def test_statuses(mode, status):
    for n, answer in answers(mode, "status", lambda n: {"suffix": f"?s={status}&n={n}"}, 40, status):
        assert answer.get("X-Before") == "200" and answer.get("X-N") == n and answer.text == ("" if status in (204, 304) else f"body {n}")


def test_status_line(mode):
    for n, answer in answers(mode, "status line", status=418):
        assert answer.text == n


def test_short_status_line(mode):
    for n, answer in answers(mode, "short status line"):
        assert answer.text == n


def test_status_field(mode):
    for n, answer in answers(mode, "status field", status=404):
        assert answer.text == n and answer.get("Status") is None


@pytest.mark.parametrize(("case", "status"), [("redirect", 302), ("redirect 307", 307)])
def test_redirects(mode, case, status):
    for n, answer in answers(mode, case, status=status):
        assert answer.get("Location") == f"/next?n={n}" and answer.body == b""


def test_created_is_no_redirect(mode):
    for n, answer in answers(mode, "created", status=201):
        assert answer.get("Location") == f"/made/{n}"


def test_types(mode):
    for n, answer in answers(mode, "type"):
        assert answer.get("Content-Type") == f"application/x-test; n={n}"
    for n, answer in answers(mode, "charset", count=20):
        assert answer.get("Content-Type") == "text/x-test;charset=UTF-8"
    for n, answer in answers(mode, "powered by", count=20):
        assert answer.get("Content-Type") == "text/html; charset=UTF-8" and answer.get("X-Powered-By") is None


def test_no_type(mode):
    for n, answer in answers(mode, "no type", count=20):
        assert answer.text == n
    assert mode.one("powered by").get("Content-Type") == "text/html; charset=UTF-8"


def test_length_by_the_script(mode):
    for n, answer in answers(mode, "length"):
        assert answer.text == f"answer {n}" and answer.get("Content-Length") == str(len(answer.text))


def test_a_field_that_is_late(mode):
    for n, answer in answers(mode, "late header"):
        assert answer.get("X-Late") is None and answer.text == f'a{n}[true,"response.php",true]'


def test_callback_before_the_head(mode):
    for n, answer in answers(mode, "callback"):
        assert answer.get("X-Callback") == n and answer.get("X-A") is None
    for n, answer in answers(mode, "powered by", count=20):
        assert answer.get("X-Callback") is None, "the callback is the request's own"


def test_early_end(mode):
    for n, answer in answers(mode, "finish", lambda n: {"suffix": f"?n={n}", "method": "POST", "body": f"body {n}".encode()}):
        assert answer.text == f"answer {n}" and answer.get("X-N") == n and answer.get("X-Late") is None
    for n in range(100):
        path = mode.server.folder / "temp" / f"finish{n}"
        wait_until(lambda path=path: path.exists() and path.stat().st_size > 0, "what comes after the end")
        assert json.loads(path.read_text()) == [True, False, 0, f"body {n}", str(n), True]
        path.unlink()


def test_early_end_with_buffers(mode):
    for n, answer in answers(mode, "finish buffered"):
        assert answer.text == f"BUFFERED {n}".upper()


def test_early_end_without_a_body(mode):
    for _, answer in answers(mode, "finish empty", count=40, status=202):
        assert answer.body == b""


def test_the_client_does_not_wait_for_the_rest(mode, tmp_path):
    gate = tmp_path / "gate"
    answer = mode.one("finish slow", f"?n=5&gate={gate}")
    assert answer.text == "early 5" and not (tmp_path / "gate.done").exists()
    for n, other in answers(mode, "powered by", count=20):
        assert other.text == n
    gate.touch()
    wait_until((tmp_path / "gate.done").exists, "the script has gone on")


def test_early_hints(mode):
    for n, answer in answers(mode, "hints"):
        assert [hint.status for hint in answer.interim] == [103]
        link = f"</style{n}.css>; rel=preload; as=style"
        assert answer.interim[0].get("Link") == link and answer.get("Link") == link, "it stays set for the response"
        assert answer.interim[0].get("X-N") is None and answer.get("X-N") == n and answer.text == "1 200"


def test_early_hints_removed(mode):
    for n, answer in answers(mode, "hints removed"):
        assert [hint.all("Link") for hint in answer.interim] == [["</a>; rel=preload"], [f"</b{n}>; rel=preload"]]
        assert answer.get("Link") is None and answer.text == n


def test_no_hints_for_http_10(mode):
    for n, answer in answers(mode, "hints", lambda n: {"suffix": f"?n={n}", "version": "1.0"}, 20):
        assert answer.interim == [] and answer.text == "3 200"


def test_head_sent_early(mode):
    for n, answer in answers(mode, "send head", status=202):
        assert answer.get("X-N") == n and answer.get("X-Late") is None and answer.text == "[0,true]"


def test_stream(mode):
    for n, answer in answers(mode, "stream"):
        assert answer.text == "".join(f"part {i} of {n}\n" for i in range(5)) and answer.framing == "chunked"


def test_parts_arrive_as_they_are_flushed(mode, tmp_path):
    with mode.server.connect() as wire:
        wire.send(f"GET {mode.path}?gate={tmp_path}/gate HTTP/1.1\r\nHost: h\r\nX-Case: stream gate\r\n\r\n")
        got = b""
        for number in range(3):
            while f"part {number}\n".encode() not in got:
                got += wire._receive()
            assert f"part {number + 1}\n".encode() not in got
            (tmp_path / f"gate{number}").touch()
        while not got.endswith(b"0\r\n\r\n"):
            got += wire._receive()


def test_flush_before_any_output(mode):
    for n, answer in answers(mode, "empty flush"):
        assert answer.get("X-N") == n and answer.text == n


@pytest.mark.parametrize(("case", "size"), [("large", 32 * 8192), ("large at once", 320_000)])
def test_large_bodies(mode, case, size):
    for n, answer in answers(mode, case):
        assert len(answer.body) == size and answer.body == f"{int(n):08d}".encode() * (size // 8)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_compression(mode, coding):
    for n, answer in answers(mode, "gzip", lambda n: {"suffix": f"?n={n}", "fields": [("Accept-Encoding", coding)] if n % 3 else []}):
        text = "".join(f"line {i} of {n}\n" for i in range(500))
        if int(n) % 3:
            assert answer.get("Content-Encoding") == coding and decode_body(coding, answer.body).decode() == text
        else:
            assert answer.get("Content-Encoding") is None and answer.text == text


def test_compression_by_php(mode):
    for n, answer in answers(mode, "zlib", lambda n: {"suffix": f"?n={n}", "fields": [("Accept-Encoding", "gzip")]}, 40):
        assert answer.get("Content-Encoding") == "gzip" and gzip.decompress(answer.body) == f"{n} compressed by PHP ".encode() * 200


def test_all_bytes(mode):
    for n, answer in answers(mode, "bytes"):
        assert answer.body == bytes(range(256)) + n.encode()


def test_buffers(mode):
    for n, answer in answers(mode, "buffers"):
        assert answer.text == f'[0,true,"a[{n}]"]'


def test_buffers_that_are_left_open(mode):
    for n, answer in answers(mode, "buffers left"):
        assert answer.text == f"<{(n + '/0')[::-1]}>"


def test_buffer_by_chunks(mode):
    for n, answer in answers(mode, "buffer by chunks"):
        assert answer.text == f"ABCDEF{n}X"


def test_a_buffer_that_throws(mode):
    for n, answer in answers(mode, "buffer that fails", count=40):
        assert answer.text.endswith("caught")
    assert decode(mode.one("plain"))[3] == 0


def test_callback_of_an_open_buffer_is_called_once(mode):
    for n, answer in answers(mode, "buffer callback once"):
        assert answer.text == f"{n}(1)"


def test_ways_to_print(mode):
    for n, answer in answers(mode, "print"):
        assert answer.text == f"Array\n(\n    [0] => {n}\n)\n'{n}'{int(n):05d} {n} out {n} end html {n}\n"


def test_files(mode):
    for n, answer in answers(mode, "readfile"):
        assert answer.text == f"{n} " * 6000
    assert not list((mode.server.folder / "temp").glob("read*"))


def test_response_headers(mode):
    for n, answer in answers(mode, "response headers"):
        seen = json.loads(answer.body)
        assert seen["X-A"] == n and seen["X-Blank"] == "b" and seen["X-Powered-By"].startswith("PHP/")


def test_rewritten_links(mode):
    """The list of variables ends with the request."""
    for n, answer in answers(mode, "rewrite", count=40):
        assert answer.text == f'<a href="x.php?v={n}">x</a>'
    for _, answer in answers(mode, "anchor", count=40):
        assert answer.text == '<a href="x.php">x</a>', "variables of another's links"


def test_implicit_flush(mode):
    for n, answer in answers(mode, "implicit flush"):
        assert answer.text == f"a{n}"


@pytest.mark.parametrize("case", ["nothing", "return"])
def test_no_output(mode, case):
    for _, answer in answers(mode, case, count=40):
        assert answer.body == b"" and answer.get("Content-Length") == "0"


def test_standard_error(mode):
    for n, answer in answers(mode, "stderr", count=20):
        assert answer.text == f"undefined {n}", "libraries take STDERR for the command line"
    mode.server.wait_line("^to standard error 19$")


def test_head_requests(mode):
    """Lengths are those of GET, and nothing is printed onto the connection."""
    for case in ("headers", "large at once", "buffers left", "length"):
        lengths = {answer.get("Content-Length") for _, answer in answers(mode, case, lambda n: {"suffix": "?n=12345", "method": "HEAD" if n % 2 else "GET"}, 20)}
        assert len(lengths) == 1


def test_keep_alive_and_pipelining(mode):
    with Wire(mode.server.address) as wire:
        for begin in range(0, 100, 20):
            cases = [("length", "GET"), ("stream", "GET"), ("length", "HEAD"), ("status", "GET")]
            wire.send("".join(f"{cases[n % 4][1]} {mode.path}?s=404&n={n} HTTP/1.1\r\nHost: h\r\nX-Case: {cases[n % 4][0]}\r\n\r\n" for n in range(begin, begin + 20)))
            for n in range(begin, begin + 20):
                answer = wire.expect_response(404 if n % 4 == 3 else 200, method=cases[n % 4][1])
                wanted = {"length": f"answer {n}", "stream": "".join(f"part {i} of {n}\n" for i in range(5)), "status": f"body {n}"}[cases[n % 4][0]]
                assert answer.text == ("" if cases[n % 4][1] == "HEAD" else wanted)


def test_nobody_is_aborted(mode):
    for _, answer in answers(mode, "aborted", count=40):
        assert json.loads(answer.body) == [0, 1 if mode.is_worker else 0]
