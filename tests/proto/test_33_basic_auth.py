"""Paths that need a password: files of hashes, which path counts, waiting clients, guesses.

SPDX-License-Identifier: MIT
"""

import base64
import ctypes
import json
import signal
import time

import pytest

from testenv import H2Wire, run_binary, stub, wait_until

CHECKED = "phpsrv_basic_auth_requests_total"
SHOW = """<?php header('X-Script: ' . $_SERVER['SCRIPT_NAME']);
foreach (['PHP_AUTH_USER', 'PHP_AUTH_PW', 'REMOTE_USER', 'AUTH_TYPE', 'HTTP_AUTHORIZATION', 'PATH_INFO', 'REQUEST_URI'] as $k) echo $k, '=', $_SERVER[$k] ?? '-', "\\n";
echo 'BODY=', strlen(file_get_contents('php://input')), "\\n";"""
FILES = {
    "index.php": SHOW, "open.php": SHOW, "open.txt": "open", "admin/index.php": SHOW, "admin/show.php": SHOW, "admin/secret.txt": "secret", "admin/deep/a.txt": "deep",
    "administrator/a.txt": "not covered", "admin.php": SHOW, "admin/open/a.txt": "off", "other/show.php": SHOW, "other/secret.txt": "other",
}  # fmt: skip


# Python's own module is gone in 3.13
LIBCRYPT = ctypes.CDLL("libcrypt.so.1")
LIBCRYPT.crypt.restype = LIBCRYPT.crypt_gensalt.restype = ctypes.c_char_p
LIBCRYPT.crypt_gensalt.argtypes = [ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int]


def hashed(prefix, count, password):
    return LIBCRYPT.crypt(password.encode(), LIBCRYPT.crypt_gensalt(prefix, count, None, 0)).decode()


def bcrypt(password, cost=4):
    return hashed(b"$2b$", cost, password)


def sha512(password):
    return hashed(b"$6$", 1000, password)


def sha256(password):
    return hashed(b"$5$", 1000, password)


@pytest.fixture(scope="module")
def passwords(tmp_path_factory):
    """Two files with different users."""
    folder = tmp_path_factory.mktemp("passwords")
    first, second = folder / "admin.htpasswd", folder / "other.htpasswd"
    lines = ["# who may", "", f"ann:{bcrypt('secret')}", f"bob:{sha512('hunter2')}", f"cid:{sha256('pw')}:a comment", f"zoë:{bcrypt('käse')}", f"dan:{bcrypt('with:colon')}\r"]
    first.write_text("\n".join(lines) + "\n")
    second.write_text(f"eve:{bcrypt('apple').replace('$2b$', '$2y$')}")  # no line end
    return first, second


@pytest.fixture(scope="module")
def site(launch_module, passwords):
    server = launch_module(
        "--basic-auth", f"/admin/ {passwords[0]} The back room", "--basic-auth", f"/other {passwords[1]}", "--basic-auth", "/admin/open off", "--fallback", "/index.php",
        "--rewrite", "/back-door /admin/show.php", "--rewrite", "/lobby /open.php", "--rewrite", "/admin/pretty /open.php", "--redirect", "/admin/old /open.txt 301",
        executor="ext", files=FILES)  # fmt: skip
    return server


def basic(user, password):
    return ("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


ANN = basic("ann", "secret")


def count(server, result):
    return server.metrics().value(CHECKED, result=result)


def variables(answer):
    return dict(line.split("=", 1) for line in answer.body.decode().splitlines())


# ---- who may


@pytest.mark.parametrize(("user", "password"), [("ann", "secret"), ("bob", "hunter2"), ("cid", "pw"), ("zoë", "käse"), ("dan", "with:colon")])
def test_the_right_password(site, user, password):
    answer = site.fetch("/admin/secret.txt", fields=[basic(user, password)])
    assert answer.status == 200 and answer.body == b"secret"
    remembered = count(site, "remembered")
    assert site.fetch("/admin/secret.txt", fields=[basic(user, password)]).status == 200
    assert count(site, "remembered") == remembered + 1
    assert site.fetch("/admin/secret.txt", fields=[basic(user, password + "x")]).status == 401
    assert site.fetch("/other/secret.txt", fields=[basic(user, password)]).status == 401, "another file"


@pytest.mark.parametrize("value", [
    None, "", "Basic", "Basic ", "Basic !!!!", "Bearer abc", "Basic " + base64.b64encode(b"ann").decode(), "Basic " + base64.b64encode(b"ann:secret\0x").decode(),
    "Basic " + base64.b64encode(b"ann:secret ").decode(), "Basic " + base64.b64encode(b"Ann:secret").decode(), "Basic " + base64.b64encode(b":secret").decode(),
    "Basic " + base64.b64encode(b"ann:").decode(), "Basic " + base64.b64encode(b"nobody:secret").decode(), "Basic " + base64.b64encode(b"ann:" + b"x" * 512).decode(),
    "Basic " + base64.b64encode(b"a" * 300 + b":x").decode(), "Basic " + base64.b64encode(b"ann:secret").decode()[:-1] + "A", "Basic YW5uOnNlY3JldA===", "Basic YW5u OnNlY3JldA==",
    "Basic " + "A" * 7000,
], ids=range(19))  # fmt: skip
def test_all_others_get_401(site, value):
    answer = site.fetch("/admin/secret.txt", fields=[] if value is None else [("Authorization", value)])
    assert answer.status == 401 and b"secret" not in answer.body
    assert answer.get("WWW-Authenticate") == 'Basic realm="The back room", charset="UTF-8"'


def test_two_fields_are_none(site):
    """A script could read the other one."""
    assert site.fetch("/admin/", fields=[ANN, ANN]).status == 401


@pytest.mark.parametrize("value", ["basic YW5uOnNlY3JldA==", "BASIC  YW5uOnNlY3JldA==", "Basic YW5uOnNlY3JldA"])
def test_spellings_of_the_right_one(site, value):
    assert site.fetch("/admin/secret.txt", fields=[("Authorization", value)]).status == 200


def test_the_default_realm_and_the_page(site):
    answer = site.fetch("/other/", fields=[("Accept", "application/json")])
    assert answer.get("WWW-Authenticate") == 'Basic realm="Restricted", charset="UTF-8"'
    assert json.loads(answer.body) == {"title": "Unauthorized", "status": 401}
    assert site.fetch("/other/", method="HEAD").status == 401


def test_what_scripts_see(site):
    seen = variables(site.fetch("/admin/show.php", fields=[ANN]))
    assert (seen["PHP_AUTH_USER"], seen["PHP_AUTH_PW"], seen["REMOTE_USER"], seen["AUTH_TYPE"]) == ("ann", "secret", "ann", "Basic")
    seen = variables(site.fetch("/open.php", fields=[basic("ann", "wrong")]))
    assert (seen["PHP_AUTH_USER"], seen["REMOTE_USER"], seen["AUTH_TYPE"]) == ("ann", "ann", "-"), "nobody has checked it"


def test_files_behind_a_password_are_private(site):
    assert site.fetch("/open.txt").get("Cache-Control") == "public, max-age=86400"
    answer = site.fetch("/admin/secret.txt", fields=[ANN])
    assert answer.get("Cache-Control") == "private, max-age=86400"
    again = site.fetch("/admin/secret.txt", fields=[ANN, ("If-None-Match", answer.get("ETag"))])
    assert again.status == 304 and again.get("Cache-Control") == "private, max-age=86400"


# ---- which path


@pytest.mark.parametrize("path", [
    "/admin", "/admin/", "/admin/show.php", "/admin/show.php/x", "/admin/none", "/admin/secret.txt", "/admin/deep/a.txt", "/admin/deep", "/admin/old", "/admin/pretty",
    "//admin/secret.txt", "/admin//secret.txt", "/./admin/secret.txt", "/x/../admin/secret.txt", "/x/%2e%2e/admin/secret.txt", "/%61dmin/secret.txt", "/%61%64%6d%69%6e/secret.txt",
    "/admin/%73ecret.txt", "/admin%2fsecret.txt", "/admin%2Fsecret.txt", "/%2fadmin/secret.txt", "/admin%2f..", "/admin/..%2fopen.php", "/x%2f../admin/secret.txt", "/x%2f..%2fadmin",
    "/x/..%2fadmin", "/admin%252fsecret.txt", "/ADMIN/secret.txt", "/Admin", "/aDmIn%2fx", "/back-door", "/index.php/admin/users", "/open.php/ADMIN", "/index.php//admin",
    "/index.php/x%2f../admin", "/index.php/%2fadmin", "/index.php%2fadmin", "/index.php%2Fadmin/users", "/INDEX.php%2fx%2f..%2fadmin", "/x/index.php/admin", "/x%2findex.php%2fADMIN",
    "/admin?x", "/admin/?../open", "/admin/open/../secret.txt", "/admin/open%2f../secret.txt", "/admin/open/..%2fsecret.txt", "/admin/openx",
    "http://test.example/admin/secret.txt", "http://test.example//admin", "/other/secret.txt", "/OTHER", "/admin/./open/../deep/a.txt", "/admin/show.php/admin/open",
])  # fmt: skip
def test_tricks(site, path):
    answer = site.fetch(path)
    assert answer.status == 401, answer
    assert answer.get("WWW-Authenticate").startswith("Basic ")
    assert site.fetch(path, method="POST", body=b"x").status == 401
    if "://" not in path:
        with H2Wire(site.address) as wire:
            assert wire.request(path=path).status == 401


@pytest.mark.parametrize("path", [
    "/", "/open.php", "/open.txt", "/administrator/a.txt", "/admin.php", "/admin/open/a.txt", "/admin/open", "/lobby", "/x/admin", "/open.php/x/admin", "/index.php%2fx%2fadmin", "/x/index.php/x", "/adminx/", "/x?/admin/", "/admin/../open.txt",
    "/open.php?q=/admin/",
])  # fmt: skip
def test_no_password_is_needed(site, path):
    assert site.fetch(path).status in (200, 301, 404)


def test_a_path_above_the_root_is_malformed(site):
    assert site.fetch("/admin/../../admin/secret.txt").status == 400


def test_two_rules_at_once_want_both(site):
    """A script of one place, asked in the name of the other."""
    for credentials in (ANN, basic("eve", "apple")):
        assert site.fetch("/other/show.php/admin/x", fields=[credentials]).status == 401
    assert site.fetch("/other/show.php/x", fields=[basic("eve", "apple")]).status == 200


def test_the_innermost_rule_counts(launch, passwords):
    server = launch("--basic-auth", f"/ {passwords[0]}", "--basic-auth", f"/other {passwords[1]}", "--basic-auth", "/open.txt off", "--index", "index.php", executor="ext", files=FILES)
    eve = basic("eve", "apple")
    assert server.fetch("/open.txt").status == 200
    assert server.fetch("/").status == 401 and server.fetch("/none").status == 401 and server.fetch("/favicon.ico").status == 401
    assert server.fetch("/x", fields=[ANN]).status == 200 and server.fetch("/x", fields=[eve]).status == 401
    assert server.fetch("/other/x", fields=[eve]).status == 200, "the front controller lies above, the path within"
    assert server.fetch("/other/x", fields=[ANN]).status == 401
    assert server.fetch("/x%2fother", fields=[ANN]).status == 200
    assert server.fetch("/other%2fx", fields=[ANN]).status == 401, "the application may take it for /other/x"


def test_the_route_command_tells_it(tmp_path, passwords):
    (tmp_path / "index.php").write_text("x")
    rule = f"/admin {passwords[0]} Room 1"
    for url, needs in (("/admin/x", True), ("/index.php/ADMIN/", True), ("/x", False), ("/admin/free", False)):
        done = run_binary("route", "--docroot", tmp_path, "--fallback", "/index.php", "--basic-auth", rule, "--basic-auth", "/admin/free off", url)
        assert done.returncode == 0 and (f"  password     {rule}\n" in done.stdout) is needs, done.stdout + done.stderr
    done = run_binary("route", "--docroot", tmp_path, "--basic-auth", "/ /not/there", "/x")
    assert "password     / /not/there" in done.stdout, "rules can be tried out without the right to read the file"


# ---- several sites


SITES = """
[guard]
basic_auth = ["/admin {first} Base"]
[[sites]]
hosts = ["other.test"]
guard.basic_auth = ["/admin {second} Other"]
[[sites]]
hosts = ["open.test"]
guard.basic_auth = []
[[sites]]
hosts = ["heir.test"]
guard.rate = "1000/s"
[[sites.prefixes]]
prefix = "/admin"
guard.rate = "500/s"
cors.origins = ["https://app.example.org"]
"""


def test_sites_have_passwords_of_their_own(launch, tmp_path, passwords):
    (tmp_path / "sites.toml").write_text(SITES.format(first=passwords[0], second=passwords[1]))
    server = launch("--config", tmp_path / "sites.toml")
    eve = basic("eve", "apple")

    def status(host, path, *fields):
        with server.connect() as wire:
            wire.request(path, host=host, fields=fields)
            return wire.expect_response().status

    for host, right, wrong in (("base.test", ANN, eve), ("other.test", eve, ANN), ("heir.test", ANN, eve)):
        for path in ("/admin", "/ADMIN/x", "/admin%2fx"):
            assert (status(host, path), status(host, path, right), status(host, path, wrong)) == (401, 200, 401), host
        assert status(host, "/x") == 200
    assert status("open.test", "/admin/x") == 200
    for path, has in (("/admin/x", True), ("/x", False)):
        with server.connect() as wire:
            wire.request(path, host="heir.test", fields=[("Origin", "https://app.example.org")])
            assert (wire.expect_response().get("Access-Control-Allow-Origin") is not None) is has
    done = run_binary("route", "--config", tmp_path / "sites.toml", "--docroot", tmp_path, "http://heir.test/Admin")
    assert f"  password     /admin {passwords[0]} Base\n" in done.stdout, done.stdout + done.stderr


def test_a_prefix_has_no_rule_of_its_own(tmp_path, passwords):
    """Another spelling of the path would be another prefix."""
    (tmp_path / "sites.toml").write_text(f'[[prefixes]]\nprefix = "/admin"\nguard.basic_auth = ["/ {passwords[0]}"]\n')
    done = run_binary("--config", tmp_path / "sites.toml", "--docroot", tmp_path, "--executor", "stub", "--check-config")
    assert done.returncode == 2 and "sites.toml:3: guard.basic_auth is for a whole site, and stands in the prefix /admin; give it to the site, as \"/admin FILE\"" in done.stderr, done.stderr


# ---- time


@pytest.fixture
def slow(tmp_path):
    """A file whose checks take a while."""
    path = tmp_path / "slow.htpasswd"
    path.write_text("".join(f"u{number}:{bcrypt('right', 10)}\n" for number in range(4)))
    return path


def test_the_loop_goes_on_while_a_password_is_checked(launch, slow):
    server = launch("--basic-auth", f"/stub/status {slow}", "--log-access", "json")
    with server.connect() as waiting, server.connect() as other:
        waiting.request("/stub/status?code=200", fields=[basic("u1", "wrong")])
        answered = 0
        while not waiting.readable():
            other.request(stub.ECHO)
            other.expect_response(200)
            answered += 1
        assert waiting.expect_response(401)
        assert answered > 5
    line = json.loads(server.wait_stdout(rb'.*"status":401.*').group(0))
    assert line["user"] == "u1" and line["refusal"] == "wrong name or password"


def test_the_second_request_costs_nothing(launch, slow):
    server = launch("--basic-auth", f"/stub {slow}")
    with server.connect() as wire:
        began = time.monotonic()
        wire.request(stub.ECHO, fields=[basic("u1", "right")])
        wire.expect_response(200)
        first = time.monotonic() - began
        began = time.monotonic()
        for _ in range(50):
            wire.request(stub.ECHO, fields=[basic("u1", "right")])
            wire.expect_response(200)
        assert (time.monotonic() - began) / 50 < first / 4
    assert (count(server, "checked"), count(server, "remembered")) == (1, 50)


def test_parallel_requests_with_one_password_share_one_check(launch, slow):
    server = launch("--basic-auth", f"/stub {slow}")
    with H2Wire(server.address) as wire:
        streams = [wire.headers(fields=None, path=stub.ECHO, extra=[tuple(map(str.lower, ("Authorization",))) + (basic("u2", "right")[1],)]) for _ in range(30)]
        for stream in streams:
            assert wire.response(stream).status == 200
        stream = wire.headers(path=stub.ECHO, extra=[("authorization", basic("u2", "wrong")[1])])
        assert wire.response(stream).status == 401
        assert wire.request(path=stub.ECHO, extra=[("authorization", basic("u2", "right")[1])]).status == 200
    assert count(server, "checked") + count(server, "remembered") == 31 and count(server, "wrong") == 1


def test_guesses_of_one_client_are_few_at_a_time(launch, slow):
    """And others are let in meanwhile."""
    server = launch("--basic-auth", f"/stub {slow}", "--proxy-trusted", "loopback")
    wires = [server.connect() for _ in range(20)]
    for number, wire in enumerate(wires):
        wire.request(stub.ECHO, fields=[basic("u1", f"guess {number}"), ("X-Forwarded-For", "192.0.2.1")])
    answer = server.fetch(stub.ECHO, fields=[basic("u2", "right"), ("X-Forwarded-For", "192.0.2.2")])
    assert answer.status == 200
    found = [wire.expect_response() for wire in wires]
    assert {answer.status for answer in found} == {401, 429}
    assert sum(answer.status == 401 for answer in found) >= 4
    assert all(answer.get("Retry-After") == "1" for answer in found if answer.status == 429)
    assert count(server, "busy") == sum(answer.status == 429 for answer in found)
    for wire in wires:
        wire.close()


def test_too_many_clients_at_once(launch, slow):
    server = launch("--basic-auth", f"/stub {slow}", "--proxy-trusted", "loopback")
    with H2Wire(server.address) as wire:
        streams = [wire.headers(path=stub.ECHO, extra=[("authorization", basic("u1", f"g{number}")[1]), ("x-forwarded-for", f"192.0.{number}.1")]) for number in range(90)]
        found = [wire.response(stream) for stream in streams]
        assert {answer.status for answer in found} == {401, 503}
        assert all(answer["retry-after"] == "2" for answer in found if answer.status == 503)


def test_unknown_users_take_as_long(launch, slow):
    server = launch("--basic-auth", f"/stub {slow}")

    def seconds(user):
        """Of computing: what a clock shows would depend on who else runs on the machine."""
        clock = ~server.pid << 3 | 2  # clock_getcpuclockid(3), of Linux
        times = []
        for number in range(5):
            began = time.clock_gettime(clock)
            assert server.fetch(stub.ECHO, fields=[basic(user, f"wrong {number}")]).status == 401
            times.append(time.clock_gettime(clock) - began)
        return min(times)

    known, unknown = seconds("u1"), seconds("nobody")
    assert known / 2 < unknown < known * 2, (known, unknown)


# ---- connections


def test_a_client_that_leaves_while_its_password_is_checked(launch, slow):
    server = launch("--basic-auth", f"/stub {slow}")
    for number in range(6):
        wire = server.connect()
        wire.request(stub.ECHO, fields=[basic("u1", "right" if number % 2 else f"wrong {number}")])
        wire.taken()
        if number % 3:
            wire.reset()
        else:
            wire.close()
    wait_until(lambda: server.metrics()["phpsrv_connections"] == 0, "the connections are gone")
    assert server.fetch(stub.ECHO, fields=[basic("u1", "right")]).status in (200, 429)
    wait_until(lambda: server.fetch(stub.ECHO, fields=[basic("u1", "right")]).status == 200, "the checks are done")
    with H2Wire(server.address) as wire:
        stream = wire.headers(path=stub.ECHO, extra=[("authorization", basic("u2", "right")[1])])
        wire.frame(3, 0, stream, b"\0\0\0\x08")  # RST_STREAM, CANCEL
        assert wire.request(path=stub.ECHO, extra=[("authorization", basic("u1", "right")[1])]).status == 200


def test_pipelining(launch, slow):
    server = launch("--basic-auth", f"/stub/status {slow}")
    right, wrong = "%s: %s\r\n" % basic("u1", "right"), "%s: %s\r\n" % basic("u1", "wrong")
    texts = [("GET", "/stub/status?code=201", right, 201), ("GET", "/stub/echo", "", 200), ("GET", "/stub/status?code=202", wrong, 401), ("GET", "/stub/status?code=203", right, 203),
             ("GET", "/stub/status?code=204", "", 401), ("GET", "/stub/echo", "", 200)]  # fmt: skip
    with server.connect() as wire:
        wire.send("".join(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{field}\r\n" for method, path, field, _ in texts).encode())
        for _, _, _, status in texts:
            wire.expect_response(status)


def test_bodies_wait_with_their_request(launch, slow):
    server = launch("--basic-auth", f"/stub {slow}", "--http-body-bytes-max", "1M")
    for user in ("u0", "u1", "u2"):
        for password, status in (("wrong", 401), ("right", 200)):
            answer = server.fetch(stub.ECHO, method="POST", body=b"x" * 300_000, fields=[basic(user, password)])
            assert answer.status == status and (status == 401 or answer.body.endswith(b"x" * 300_000))
    with server.connect() as wire:
        field = "%s: %s" % basic("u3", "wrong")
        wire.send(f"POST /stub/echo HTTP/1.1\r\nHost: h\r\n{field}\r\nContent-Length: 10\r\n\r\n12345".encode())
        wait_until(lambda: server.fetch("/none", fields=[]).status == 200, "the server lives")
        wire.send(b"67890")
        wire.expect_response(401)
        wire.request(stub.ECHO, fields=[basic("u1", "right")])
        wire.expect_response(200)
    assert server.fetch(stub.ECHO, method="POST", body=b"x" * 1_100_000, fields=[basic("u3", "right")]).status == 413
    with server.connect() as wire:  # one that turns out too large
        wire.send(f"POST /stub/echo HTTP/1.1\r\nHost: h\r\n{field}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        wire.try_send(b"40000\r\n" + b"x" * 0x40000 + b"\r\n" + (b"d0000\r\n" + b"x" * 0xd0000 + b"\r\n0\r\n\r\n"))
        assert wire.expect_response(413).closes
    with server.connect() as wire:  # nothing is sent for nothing
        wire.send(b"POST /stub/echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        assert wire.expect_response(401).closes


def test_chunked_bodies_and_static_files_after_a_check(launch, passwords):
    server = launch("--basic-auth", f"/ {passwords[0]}", executor="ext", files=FILES)
    with server.connect() as wire:
        wire.send(f"POST /open.php HTTP/1.1\r\nHost: h\r\n{ANN[0]}: {ANN[1]}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n".encode(), b"4\r\ndefg\r\n0\r\n\r\n")
        assert variables(wire.expect_response(200))["BODY"] == "7"
    bob = basic("bob", "hunter2")
    with server.connect() as wire:
        wire.request("/open.txt", fields=[bob])
        assert wire.expect_response(200).body == b"open"
        wire.request("/admin", fields=[bob])
        assert wire.expect_response(301).get("Location") == "/admin/"
    with server.connect() as wire:  # answered from the check itself, not from memory
        wire.request("/none.css", fields=[basic("cid", "pw")])
        wire.expect_response(404)


def test_a_server_that_stops_while_passwords_are_checked(launch, slow):
    server = launch("--basic-auth", f"/stub {slow}", "--proxy-trusted", "loopback")
    wires = [server.connect() for _ in range(8)]
    for number, wire in enumerate(wires):
        wire.request(stub.ECHO, fields=[basic("u1", f"x{number}"), ("X-Forwarded-For", f"192.0.2.{number}")])
        wire.taken()
    server.terminate()
    for wire in wires:
        wire.expect_response(401)
        wire.close()
    server.wait_exit()


def test_a_reload_reads_the_file_again(launch, tmp_path):
    """And a file that is wrong by then leaves the old server in its place."""
    path = tmp_path / "x.htpasswd"
    path.write_text(f"ann:{bcrypt('old')}\n")
    server = launch("--supervisor=true", "--basic-auth", f"/ {path}")
    server.wait_log("supervisor.generation_ready")
    assert server.fetch("/x", fields=[basic("ann", "old")]).status == 200
    path.write_text("ann:plain\n")
    server.expect_log(r"supervisor\.reload_failed", "plain text")
    mark = server.mark()
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("supervisor.reload_failed", after=mark)
    assert server.fetch("/x", fields=[basic("ann", "old")]).status == 200
    path.write_text(f"ann:{bcrypt('new')}\n")
    mark = server.mark()
    server.process.send_signal(signal.SIGHUP)
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    server.wait_log("supervisor.generation_ready", after=mark)
    # until the old server has closed its sockets it may accept one more
    wait_until(lambda: server.fetch("/x", fields=[basic("ann", "new")]).status == 200, "the new password is right")
    wait_until(lambda: server.fetch("/x", fields=[basic("ann", "old")]).status == 401, "the old password is wrong")


def test_preflights_need_no_password_and_refusals_may_be_read(launch, passwords):
    server = launch("--basic-auth", f"/ {passwords[0]}", "--cors-origin", "https://app.example.org", "--cors-credentials")
    origin = ("Origin", "https://app.example.org")
    answer = server.fetch("/x", method="OPTIONS", fields=[origin, ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "authorization")])
    assert answer.status == 204 and "Authorization" in answer.get("Access-Control-Allow-Headers")
    answer = server.fetch("/x", fields=[origin])
    assert answer.status == 401 and answer.get("Access-Control-Allow-Origin") == origin[1]
    assert server.fetch("/x", method="OPTIONS", fields=[origin]).status == 401


def test_the_access_log_names_the_user(launch, passwords):
    server = launch("--basic-auth", f"/ {passwords[0]}", "--log-access", "combined")
    assert server.fetch("/x", fields=[ANN]).status == 200
    assert server.wait_stdout(rb'127\.0\.0\.1 - ann \[.*"GET /x HTTP/1\.1" 200')
    assert "secret" not in server.log


# ---- files


@pytest.mark.parametrize(("line", "message"), [
    ("ann:$apr1$abcdefgh$0123456789012345678901", "MD5"), ("ann:$1$abcdefgh$0123456789012345678901", "MD5"), ("ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "SHA-1"),
    ("ann:rqXexS6ZhobKA", "DES"), ("ann:secret password", "plain text"), ("ann:", "no hash"), ("ann", "user:hash"), (":$2y$05$x", "user:hash"), ("ann:$2y$05$tooshort", "malformed"),
    ("ann:$2y$20$" + "a" * 53, "above 15"), ("ann:$2x$05$" + "a" * 53, "faulty"), ("ann:$6$rounds=90000000$salt$" + "a" * 86, "5000000"), ("ann:$5$salt$short", "malformed"), ("ann:$y$j9T$x$y", "another kind"),
], ids=range(14))  # fmt: skip
def test_wrong_lines(tmp_path, line, message):
    path = tmp_path / "x.htpasswd"
    path.write_text(f"# first\nbob:{bcrypt('x')}\n{line}\n")
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--basic-auth", f"/ {path}", "--check-config")
    assert done.returncode == 2 and f"{path}:3: " in done.stderr and message in done.stderr, done.stderr
    assert "secret" not in done.stderr, "what may be a password is not shown"


def test_wrong_files_and_rules(tmp_path, passwords):
    good, empty, writable, twice = passwords[0], tmp_path / "empty", tmp_path / "writable", tmp_path / "twice"
    empty.write_text("# nobody\n")
    writable.write_text(f"a:{bcrypt('x')}\n")
    writable.chmod(0o666)
    twice.write_text(f"a:{bcrypt('x')}\na:{bcrypt('y')}\n")
    for rule, message in (
        (f"/ {tmp_path}/none", "cannot be read"), (f"/ {tmp_path}", "is not a file"), (f"/ {empty}", "names no user"), (f"/ {writable}", "everybody may write"), (f"/ {twice}", ":2: "),
        ("/admin", "PREFIX FILE"), (f"admin {good}", "begins with a slash"), (f"/a//b {good}", "two slashes"), (f"/a/../b {good}", ".. segment"), (f"/a* {good}", "plain path"), (f"/%61 {good}", "decoded"),
        (f'/ {good} a "realm"', "quote"), ("/ off x", "nothing follows"), (f"/ {good} " + "x" * 300, "too long"),
    ):  # fmt: skip
        done = run_binary("--docroot", tmp_path, "--executor", "stub", "--basic-auth", rule, "--check-config")
        assert done.returncode == 2 and message in done.stderr and "basic_auth" in done.stderr, (rule, done.stderr)
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--basic-auth", f"/a {good}", "--basic-auth", f"/A/ {good}", "--check-config")
    assert "already" in done.stderr
