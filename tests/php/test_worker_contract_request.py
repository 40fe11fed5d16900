"""Worker contract: what a request brings along is what the script sees, and nothing of another's.

SPDX-License-Identifier: MIT
"""

import base64
import hashlib
import random
import time

import pytest

from testenv import Wire, wait_until
from forms import BOUNDARY, FORM, MULTIPART, multipart
from worker_cases import Mode, decode

SCRIPTS = ["request"]
CONTRACT_ARGUMENTS = ("-d", "upload_max_filesize=10K", "-d", "max_input_vars=200")
ODD = bytes(range(256))


def no_files_left(mode):
    """Those of the last requests go when these have ended, which is after their answers."""
    wait_until(lambda: not list((mode.server.folder / "uploads").iterdir()), "the files of requests are gone")


def test_query_variables(mode):
    for n, seen in mode.json("get", lambda n: {"suffix": f"?a[b][]={n}&a[b][]=x&c=1+2%2B&n={n}&e"}):
        assert seen == {"a": {"b": [str(n), "x"]}, "c": "1 2+", "n": str(n), "e": ""}


def test_form(mode):
    for n, seen in mode.json("post", lambda n: {"method": "POST", "fields": [FORM], "body": f"n={n}&a[]={n}&a[k]=2&t=a%00b".encode()}):
        assert seen == {"n": str(n), "a": {"0": str(n), "k": "2"}, "t": "a\0b"}


def test_multipart_form(mode):
    for n, seen in mode.json("post", lambda n: {"method": "POST", "fields": [MULTIPART], "body": multipart(("n", str(n)), ("a[x]", "ü\r\n"))}):
        assert seen == {"n": str(n), "a": {"x": "ü\r\n"}}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/xml"])
def test_other_bodies_are_no_form(mode, content_type):
    for _, seen in mode.json("post", lambda n: {"method": "POST", "fields": [("Content-Type", content_type)], "body": f"n={n}".encode()}, 20):
        assert seen == []


def test_cookies(mode):
    """The first of two wins; names and values are decoded."""
    for n, seen in mode.json("cookie", lambda n: {"fields": [("Cookie", f"n={n}; a=1%2B2; a=second; b[c]=x; empty="), ("Cookie", f"m={n}")]}):
        assert seen == {"n": str(n), "a": "1+2", "b": {"c": "x"}, "empty": "", "m": str(n)}


def test_upload(mode):
    def make(n):
        return {"method": "POST", "fields": [MULTIPART], "body": multipart(("f", f"name {n}.txt", "text/x-test", f"content {n}" * 50), ("n", str(n)))}

    for n, (files, form) in mode.json("files", make):
        text = f"content {n}" * 50
        assert files == {"f": [f"name {n}.txt", "text/x-test", len(text), 0, text, True, True, False, True, f"name {n}.txt"]}
        assert form == {"n": str(n)}


def test_several_uploads(mode):
    def make(n):
        return {"method": "POST", "fields": [MULTIPART], "body": multipart(*((f"f[{k}]", f"{k}{n}", "a/b", f"{k}={n}") for k in "ab"))}

    for n, (files, _) in mode.json("files", make):
        assert files == {"f": [{"a": f"a{n}", "b": f"b{n}"}, {"a": f"a={n}", "b": f"b={n}"}, {"a": 0, "b": 0}]}


def test_an_upload_that_is_too_large(mode):
    for n, (files, form) in mode.json("files", lambda n: {"method": "POST", "fields": [MULTIPART], "body": multipart(("f", "big", "a/b", "x" * 11000), ("n", str(n)))}):
        assert files == {"f": ["big", 1, ""]} and form == {"n": str(n)}


def test_uploaded_files_are_removed(mode):
    paths = set()
    for _, (path, is_there) in mode.json("upload path", lambda n: {"method": "POST", "fields": [MULTIPART], "body": multipart(("f", "x", "a/b", f"{n}"))}):
        assert is_there and path.startswith(str(mode.server.folder / "uploads"))
        paths.add(path)
    assert len(paths) == 100
    no_files_left(mode)


def test_server_variables(mode):
    keys = set()
    for n, seen in mode.json("server", lambda n: {"suffix": f"/info{n}?n={n}", "fields": [("X-N", str(n)), ("X-Empty", "")], "host": f"h{n}.example"}):
        wanted = {
            "REQUEST_METHOD": "GET", "REQUEST_URI": f"{mode.path}/info{n}?n={n}", "QUERY_STRING": f"n={n}", "PATH_INFO": f"/info{n}", "SCRIPT_NAME": mode.path,
            "PHP_SELF": f"{mode.path}/info{n}", "HTTP_X_N": str(n), "HTTP_X_EMPTY": "", "HTTP_HOST": f"h{n}.example", "SERVER_NAME": f"h{n}.example",
            "REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1", "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_SCHEME": "http", "DOCUMENT_ROOT": str(mode.server.docroot),
            "SCRIPT_FILENAME": str(mode.server.docroot) + mode.path,
        }  # fmt: skip
        assert {key: seen.get(key) for key in wanted} == wanted
        assert not seen.get("HTTPS") and "FRANKENPHP_WORKER" not in seen
        keys.add(frozenset(seen))
    assert len(keys) == 1, "all requests have the same variables"


def test_both_modes_have_the_same_variables(contract):
    """Worker mode has those of the process besides."""
    classic, worker = (decode(Mode(contract, name, "request").one("server", "/x?n=1")) for name in ("classic", "worker"))
    assert set(classic) - {"USER", "HOME"} <= set(worker)
    constant = set(classic) - {"USER", "HOME", "REMOTE_PORT", "REQUEST_TIME", "REQUEST_TIME_FLOAT", "UNIQUE_ID"}
    assert {k for k in constant if classic[k] != worker[k].replace("/worker/", "/classic/") and not k.startswith("HTTP_X_REQUEST")} == set()


def test_the_time_is_the_requests_own(mode):
    last = 0
    for _ in range(3):
        before = time.time()
        for _, (whole, exact, now) in mode.json("time"):
            assert before - 0.01 <= exact <= time.time() + 0.01 and whole == int(exact) and now - whole <= 20
            last = max(last, exact)
        assert last >= before - 0.01


def test_request_variable(mode):
    for n, seen in mode.json("request", lambda n: {"method": "POST", "suffix": f"?g={n}&both=get", "fields": [FORM, ("Cookie", "c=1")], "body": f"p={n}&both=post".encode()}):
        assert seen == {"g": str(n), "p": str(n), "both": "post", "c": "1"}


def test_request_variable_in_an_included_file(mode):
    """Its compiled code is shared: it is not what fills the variable."""
    for n, seen in mode.json("request included", lambda n: {"suffix": f"?n={n}", "fields": [("X-N", str(n))]}):
        assert seen == [{"n": str(n)}, str(n)]


def test_changes_end_with_the_request(mode):
    for n, seen in mode.json("changed", lambda n: {"method": "POST", "suffix": f"?n={n}", "fields": [FORM, ("Cookie", f"n={n}"), ("X-N", "1")], "body": f"n={n}".encode()}):
        assert seen == [{"n": str(n)}, {"n": str(n)}, {"n": str(n)}, None, None]


def test_removed_superglobals_come_back(mode):
    for _, seen in mode.json("unset", lambda n: {"method": "POST", "suffix": f"?n={n}", "fields": [FORM, ("Cookie", f"n={n}")], "body": f"n={n}".encode()}):
        assert seen == [True] * 5
    for n, seen in mode.json("get", lambda n: {"suffix": f"?n={n}"}, 20):
        assert seen == {"n": str(n)}


def test_nothing_is_left_for_a_plain_request(mode):
    def full(n):
        body = multipart(("n", str(n)), ("f", "f", "a/b", "x"))
        return {"method": "POST", "suffix": f"/info?n={n}", "fields": [MULTIPART, ("Cookie", f"n={n}"), ("Authorization", "Basic dTpw"), ("X-N", str(n))], "body": body}

    mode.json("none", full)
    for _, seen in mode.json("none"):
        assert seen == [[], [], [], [], "", "", "", "", "", "", ""]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_input(mode, method):
    def make(n):
        return {"method": method, "fields": [("Content-Type", "application/json")], "body": f'{{"n":{n}}}'.encode()}

    for n, seen in mode.json("input", make):
        body = f'{{"n":{n}}}'
        assert seen == [body.encode().hex(), body, True, method, str(len(body)), []]


def test_input_of_a_form(mode):
    for n, seen in mode.json("input", lambda n: {"method": "POST", "fields": [FORM], "body": f"n={n}&m=1".encode()}):
        assert seen[1] == f"n={n}&m=1" and seen[5] == {"n": str(n), "m": "1"}


def test_input_without_a_body(mode):
    for _, seen in mode.json("input"):
        assert seen[:3] == ["", "", True]


def test_large_input(mode):
    """Beyond what is kept in memory."""
    bodies = [random.Random(n).randbytes(600_000 + n) for n in range(8)]
    for n, seen in mode.json("input hash", lambda n: {"method": "POST", "fields": [("X-N", str(n)), ("Content-Type", "application/octet-stream")], "body": bodies[n % 8]}, 40, size=8):
        assert seen == [hashlib.sha256(bodies[n % 8]).hexdigest(), str(n)]


def test_input_as_a_file(mode):
    for n, seen in mode.json("input file", lambda n: {"method": "PUT", "body": str(n).encode() * 100}):
        assert seen == [hashlib.sha256(str(n).encode() * 100).hexdigest(), 20]


def test_bodies_leave_nothing_behind(mode):
    """Those beyond 16 KiB lie in a file."""
    mode.json("input hash", lambda n: {"method": "PUT", "body": b"x" * 50_000}, 20)
    before = mode.server.descriptors()
    mode.json("input hash", lambda n: {"method": "PUT", "body": b"x" * 50_000})
    wait_until(lambda: mode.server.descriptors() <= before + 4, "no descriptors are left behind")
    no_files_left(mode)


def test_a_stream_of_the_input_that_is_kept(worker):
    """It ends with its request: nobody reads another's body, or freed memory, from it."""
    for n, seen in worker.json("input kept", lambda n: {"method": "PUT", "body": f"body {n}".encode()}):
        assert seen[0] in (None, "closed") and seen[1] == f"body {n}"


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("size", [100, 200_000, 300_000])
def test_input_that_an_object_keeps(worker, method, size):
    """It cannot be closed from outside: it keeps its own body, and sees no other."""
    fields = [("Content-Type", "application/json")]
    own = lambda n: f"{method} {size} {n};"  # what an earlier test has left is another's too
    body = lambda n: (own(n) * size)[:size].encode()
    lengths = set()
    for n, (last, length) in worker.json("input kept by an object", lambda n: {"method": method, "fields": fields, "body": body(n)}, 20):
        assert length == size and own(n) not in last
        lengths.add(len(last))
    assert min(size - 5, 100) in lengths


def test_input_copied_into_a_temporary_stream(mode):
    for n, seen in mode.json("input temp", lambda n: {"method": "PUT", "body": str(n).encode() * 20000}, 40):
        body = str(n).encode() * 20000
        assert seen == [len(body), hashlib.md5(body).hexdigest()]


def test_chunked_body(mode):
    with Wire(mode.server.address) as wire:
        for n in range(30):
            wire.send(f"POST {mode.path} HTTP/1.1\r\nHost: h\r\nX-Case: input\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n5\r\nhello\r\n{len(str(n)):x}\r\n{n}\r\n0\r\n\r\n")
            assert decode(wire.expect_response())[1] == f"hello{n}"


def test_expect_continue(mode):
    with Wire(mode.server.address) as wire:
        for n in range(10):
            wire.send(f"POST {mode.path} HTTP/1.1\r\nHost: h\r\nX-Case: input\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n")
            wire.expect_interim(100)
            wire.send(str(n))
            assert decode(wire.expect_response())[1] == str(n)


def test_odd_bytes_come_back(mode):
    for n, answer in mode.ask("echo input", lambda n: {"method": "POST", "body": ODD + str(n).encode() + ODD[::-1]}):
        assert answer.status == 200 and answer.body == ODD + str(n).encode() + ODD[::-1]


def test_too_many_variables(mode):
    for n, seen in mode.json("post", lambda n: {"method": "POST", "fields": [FORM], "body": "&".join(f"v{i}={n}" for i in range(250)).encode()}, 20):
        assert len(seen) in (200, 201) and set(seen.values()) == {str(n)}


def test_request_parse_body(mode):
    for n, (parsed, form, files) in mode.json("parse body", lambda n: {"method": "PUT", "fields": [MULTIPART], "body": multipart(("n", str(n)), ("f", "f.txt", "a/b", "x"))}):
        assert parsed[0] == {"n": str(n)} and parsed[1]["f"]["name"] == "f.txt" and form == [] and files == []
    no_files_left(mode)


def test_request_parse_body_of_another_type(mode):
    for _, seen in mode.json("parse body wrong", lambda n: {"method": "PUT", "fields": [("Content-Type", "text/x-none")], "body": b"x"}, 20):
        assert seen == ["RequestParseBodyException"]


def test_malformed_multipart(mode):
    """No boundary in the type, and a body that ends too soon: a warning in the log, no trouble for the next."""
    for content_type, body in [("multipart/form-data", b"x"), (MULTIPART[1], b"--" + BOUNDARY.encode() + b"\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\npart")]:
        for _, answer in mode.ask("files", lambda _, t=content_type, b=body: {"method": "POST", "fields": [("Content-Type", t)], "body": b}, 20):
            assert answer.status == 200
    for n, seen in mode.json("post", lambda n: {"method": "POST", "fields": [FORM], "body": f"n={n}".encode()}, 20):
        assert seen == {"n": str(n)}


def test_fields_of_the_request(mode):
    for n, (seen, same) in mode.json("fields", lambda n: {"fields": [("x-lower", f"v{n}"), ("X-Twice", "a"), ("X-Twice", str(n)), ("Content-Type", "text/x")]}):
        lower = {key.lower(): value for key, value in seen.items()}
        assert lower["x-lower"] == f"v{n}" and lower["x-twice"] == f"a, {n}" and lower["content-type"] == "text/x" and lower["host"] == "test.example" and same
        assert "Content-Type" in seen and "Host" in seen


def test_odd_field_values(mode):
    value = bytes(b for b in range(0x21, 0x100) if b != 0x7F).decode("latin-1")
    for n, seen in mode.json("field", lambda n: {"fields": [("X-Odd", value), ("X-N", str(n))]}):
        assert seen == [value.encode("latin-1").hex(), str(n)]


def test_a_long_field(mode):
    for n, seen in mode.json("field", lambda n: {"fields": [("X-Odd", "y" * 4000 + str(n)), ("X-N", str(n))]}):
        assert seen == [("y" * 4000 + str(n)).encode().hex(), str(n)]


def test_names_with_an_underscore_are_dropped(mode):
    """Else a client could forge what a proxy sets."""
    for _, seen in mode.json("server", lambda n: {"fields": [("X_Forwarded_For", "1.2.3.4")]}, 20):
        assert "HTTP_X_FORWARDED_FOR" not in seen


def test_basic_credentials(mode):
    def make(n):
        if n % 2:
            return {}
        return {"fields": [("Authorization", "Basic " + base64.b64encode(f"user{n}:pass:{n}".encode()).decode())]}

    for n, seen in mode.json("auth", make):
        assert seen[:3] == ([None] * 3 if n % 2 else [f"user{n}", f"pass:{n}", None])


def test_digest_credentials(mode):
    for n, seen in mode.json("auth", lambda n: {"fields": [("Authorization", f'Digest username="u{n}"')] if n % 2 else []}):
        assert seen[:3] == ([None, None, f'username="u{n}"'] if n % 2 else [None] * 3)


def test_path_info(mode):
    for n, seen in mode.json("path", lambda n: {"suffix": f"/a{n}/b%20c/%C3%BC?x={n}"}):
        assert seen == [f"/a{n}/b c/ü", f"{mode.path}/a{n}/b c/ü", mode.path, f"{mode.path}/a{n}/b%20c/%C3%BC?x={n}", f"x={n}", "request.php", True]


def test_without_path_info(mode):
    for _, seen in mode.json("path", lambda n: {"suffix": "/x" if n % 2 else ""}):
        pass
    for _, seen in mode.json("path", count=20):
        assert seen[:3] == ["", mode.path, mode.path]


@pytest.mark.parametrize(
    "query, variables",
    [
        ("", []),
        ("a=%00%ff&b=+%2B", {"a": "00ff", "b": "202b"}),
        ("a=1;b=2", {"a": "313b623d32"}),
        ("a.b=1&c d=2".replace(" ", "%20"), {"a_b": "31", "c_d": "32"}),
        ("=x&&a", {"a": ""}),
        ("a[=1&b]=2", {"a_": "31", "b]": "32"}),
        ("a=%zz%4", {"a": b"%zz%4".hex()}),
        ("a[x]=1&a=2", {"a": "32"}),
    ],
)
def test_odd_queries(mode, query, variables):
    for n, seen in mode.json("query", lambda n: {"suffix": f"?{query}"}, 20):
        assert seen == [query, variables]


def test_filters(mode):
    def make(n):
        return {"method": "POST", "suffix": f"?n={n}", "fields": [FORM, ("Cookie", f"n=c{n}"), ("X-N", f"s{n}")], "body": f"n=p{n}".encode()}

    for n, seen in mode.json("filter", make):
        assert seen == [n, f"p{n}", f"c{n}", f"s{n}", True, False, {"n": str(n)}]


def test_getenv_of_request_variables(mode):
    """As under CGI."""
    for n, seen in mode.json("getenv", lambda n: {"suffix": f"?n={n}", "fields": [("X-N", str(n))]}):
        assert seen == [f"n={n}", "GET", str(n)]


def test_no_arguments(mode):
    for _, seen in mode.json("argv", lambda n: {"suffix": f"?a+b+{n}"}, 20):
        assert seen == [False, False, "0"]


def test_what_code_looks_at_to_find_out(mode):
    """FRANKENPHP_WORKER is there while the script boots, and in no request."""
    for _, seen in mode.json("mode", count=20):
        assert seen == [False, True, True, True, True]


def test_the_client(mode):
    ports = set()
    for _ in range(2):
        for n, seen in mode.json("client", lambda n: {"host": f"n{n}.example:81"}):
            assert seen[0] == "127.0.0.1" and seen[2:] == [f"n{n}.example:81", f"n{n}.example", "HTTP/1.1"]
            ports.add(seen[1])
    assert len(ports) == 40, "20 connections, twice"


def test_http_10(mode):
    for n, answer in mode.ask("client", lambda n: {"version": "1.0"}, 20):
        assert decode(answer)[4] == "HTTP/1.0" and answer.framing != "chunked"


def test_request_ids(mode):
    ids = set()
    for n, answer in mode.ask("ids", lambda n: {"fields": [("X-N", str(n))]}):
        identity, marker = decode(answer)
        assert marker == str(n) and identity
        ids.add(identity)
    assert len(ids) == 100


def test_variables_by_name(mode):
    for n, seen in mode.json("compact", lambda n: {"suffix": f"?n={n}"}):
        assert seen == [str(n), str(n), False]


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "DELETE", "PROPFIND", "M-SEARCH", "QUERY"])
def test_methods(mode, method):
    for n, answer in mode.ask("server", lambda n: {"method": method, "suffix": f"?n={n}"}, 20):
        seen = decode(answer)
        assert seen["REQUEST_METHOD"] == method and seen["QUERY_STRING"] == f"n={n}"


def test_head(mode):
    """The length that GET would have, and no body: the connection goes on."""
    for _, answer in mode.ask("get", lambda n: {"method": "HEAD" if n % 2 else "GET", "suffix": "?n=12345"}):
        assert answer.status == 200 and answer.get("Content-Length") == str(len('{"n":"12345"}'))
