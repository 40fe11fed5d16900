"""Responses: status, header fields, bodies, output buffering.

SPDX-License-Identifier: MIT
"""

import gzip
import hashlib
import json

import pytest

# ---- status


@pytest.mark.parametrize(
    "code, status",
    [
        ("", 200),
        ("http_response_code(404);", 404),
        ("header('HTTP/1.1 410 Gone');", 410),
        ("header('HTTP/1.0 503 Busy');", 503),
        ("header('X: y', true, 418);", 418),
        ("header('Status: 404 Not Found');", 404),
        ("header('Location: /x');", 302),
        ("header('Location: /x', true, 307);", 307),
        ("http_response_code(201); header('Location: /x');", 201),
        ("header('Location: /x'); http_response_code(201);", 201),
        ("header('WWW-Authenticate: Basic realm=x');", 401),
        ("http_response_code(299);", 299),
        ("http_response_code(204);", 204),
        ("http_response_code(599);", 599),
    ],
)
def test_status(php, code, status):
    assert php.run(code).status == status


def test_redirect_after_post_is_303(php):
    assert php.run("header('Location: /x');", method="POST", body=b"").status == 303


def test_location_of_201_stays(php):
    response = php.run("http_response_code(201); header('Location: /new/1'); echo 'made';")
    assert (response.status, response.get("Location"), response.text) == (201, "/new/1", "made")


@pytest.mark.parametrize("status", [100, 103, 7, 1000, -1])
def test_impossible_status_is_500(php, status):
    response = php.run(f"http_response_code({status}); echo 'x';")
    assert response.status == 500
    php.server.wait_log("php.status_invalid", where=lambda line: line["status"] == str(status))


def test_status_does_not_stay(launch_php):
    site = launch_php(workers=1)
    sequence = [("http_response_code(404);", 404), ("echo 1;", 200), ("header('Location: /');", 302), ("echo 1;", 200)]
    for code, status in sequence * 2:
        assert site.run(code).status == status
    assert site.run("echo http_response_code();").text == "200"


def test_redirect_and_exit(php):
    response = php.run("header('Location: /elsewhere'); exit; echo 'not reached';")
    assert (response.status, response.get("Location"), response.body) == (302, "/elsewhere", b"")


def test_not_modified_has_no_type(php):
    response = php.run("http_response_code(304); header('ETag: \"x\"');")
    assert (response.status, response.get("Content-Type"), response.get("ETag")) == (304, None, '"x"')


# ---- header fields


def test_fields(php):
    code = "header('X-A: 1'); header('X-A: 2'); header('X-B: 1'); header('X-B: 2', false); header('x-c:  blanks  ');"
    response = php.run(code)
    assert (response.all("X-A"), response.all("X-B"), response.all("X-C")) == (["2"], ["1", "2"], ["blanks"])


def test_many_fields(php):
    response = php.run("for ($i = 0; $i < 200; $i++) header(\"X-N-$i: $i\");")
    assert [response.get(f"X-N-{i}") for i in range(200)] == [str(i) for i in range(200)]


def test_fields_are_removed(php):
    code = "header('X-A: 1'); header('X-B: 1'); header_remove('X-A'); header_remove('X-Powered-By'); echo json_encode(headers_list());"
    response = php.run(code)
    assert (response.get("X-A"), response.get("X-B"), response.get("X-Powered-By")) == (None, "1", None)
    assert json.loads(response.body) == ["X-B: 1"]
    response = php.run("header('X-A: 1'); header_remove(); header('X-C: 1');")
    assert (response.get("X-A"), response.get("X-Powered-By"), response.get("X-C")) == (None, None, "1")


def test_response_header_functions(php):
    code = "header('X-A: 1'); setcookie('c', '1'); echo json_encode([headers_list(), apache_response_headers()]);"
    listed, mapped = json.loads(php.run(code).body)
    assert listed[1:] == ["X-A: 1", "Set-Cookie: c=1"]
    assert mapped["X-A"] == "1" and mapped["Set-Cookie"] == "c=1"


def test_powered_by(launch_php):
    assert launch_php().run("").get("X-Powered-By").startswith("PHP/8.")
    assert launch_php("-d", "expose_php=0").run("").get("X-Powered-By") is None


def test_cookies_are_sent_each_in_a_field(php):
    response = php.run("setcookie('a', 'x y'); setcookie('b', '2', ['httponly' => true, 'samesite' => 'Lax']);")
    assert response.all("Set-Cookie") == ["a=x%20y", "b=2; HttpOnly; SameSite=Lax"]


def test_default_type(launch_php):
    site = launch_php("-d", "default_mimetype=application/json")
    assert site.run("echo 1;").get("Content-Type") == "application/json"
    assert site.run("ini_set('default_mimetype', 'text/css'); echo 1;").get("Content-Type") == "text/css; charset=UTF-8"


@pytest.mark.parametrize(
    "code, expected",
    [
        ("", "text/html; charset=UTF-8"),
        ("header('Content-Type: text/plain');", "text/plain;charset=UTF-8"),
        ("header('Content-Type: application/json');", "application/json"),
        ("header('Content-Type: text/html; charset=latin1');", "text/html; charset=latin1"),
        ("ini_set('default_charset', '');", "text/html"),
    ],
)
def test_content_type(php, code, expected):
    assert php.run(code).get("Content-Type") == expected


def test_header_callback(php):
    response = php.run("header_register_callback(function () { header('X-Late: 1'); header_remove('X-A'); }); header('X-A: 1'); echo 'x';")
    assert (response.get("X-Late"), response.get("X-A"), response.text) == ("1", None, "x")


def test_fields_of_the_connection_are_the_servers(php):
    code = """
        header('Connection: close'); header('Keep-Alive: timeout=1'); header('Transfer-Encoding: chunked');
        header('Upgrade: h2c'); header('X-Kept: 1'); echo 'body';
    """
    target = php.script(code)
    with php.server.connect() as wire:
        for _ in range(2):
            headers = {"Connection": None, "Keep-Alive": None, "Upgrade": None, "Transfer-Encoding": None, "X-Kept": "1"}
            wire.request(target).expect_response(200, headers, b"body")


@pytest.mark.parametrize("byte", [0x01, 0x08, 0x0B, 0x1F, 0x7F])
def test_control_bytes_never_reach_the_wire(php, byte):
    response = php.run(f"header('X-Bad: a'.chr({byte}).'b'); header('X-Good: 1'); echo 'x';")
    assert (response.status, response.get("X-Bad"), response.get("X-Good")) == (200, None, "1")


@pytest.mark.parametrize("byte", ["\\n", "\\r", "\\0"])
def test_line_ends_are_refused_by_php(php, byte):
    response = php.run(f'header("X-Bad: a{byte}X-Evil: 1"); echo \'x\';')
    assert (response.status, response.get("X-Bad"), response.get("X-Evil")) == (200, None, None)


@pytest.mark.parametrize("line", ["no colon", "Bad Name: x", "Ü: x", ": x", "X(y): z"])
def test_malformed_lines_are_left_out(php, line):
    response = php.run(f"header({json.dumps(line, ensure_ascii=False)}); echo 'x';")
    assert (response.status, response.text) == (200, "x")
    names = {name.lower() for name, _ in response.fields}
    assert names <= {"x-powered-by", "content-type", "content-length", "date", "server", "connection"}


def test_headers_already_sent(php):
    response = php.run("echo 'x'; flush(); header('X-Late: 1'); echo json_encode([headers_sent($f, $l), $l]);")
    assert response.text == "x[true,2]"
    php.server.wait_log("php.message", where=lambda line: "headers already sent by" in line["message"])


# ---- bodies


def test_binary_body(php):
    response = php.run("header('Content-Type: image/png'); for ($i = 0; $i < 256; $i++) echo chr($i);")
    assert response.body == bytes(range(256))


@pytest.mark.parametrize("size", [0, 1, 8192, 262_144, 262_145, 5_000_000])
def test_body_of_any_size(php, size):
    code = f"$s = random_bytes(1000); $b = substr(str_repeat($s, {size // 1000 + 1}), 0, {size}); header('X-Hash: '.hash('sha256', $b)); echo $b;"
    response = php.run(code)
    assert len(response.body) == size and response.get("X-Hash") == hashlib.sha256(response.body).hexdigest()


def test_many_small_writes(php):
    response = php.run("for ($i = 0; $i < 100000; $i++) echo 'x';")
    assert response.body == b"x" * 100_000 and response.framing == "length"


def test_own_content_length(php):
    response = php.run("header('Content-Length: 5'); echo 'hello';")
    assert (response.all("Content-Length"), response.text) == (["5"], "hello")


def test_head(php):
    target = php.script("header('X-A: 1'); echo str_repeat('x', 1234); file_put_contents(__DIR__.'/head-ran', 'yes');")
    get = php.server.fetch(target)
    head = php.server.fetch(target, method="HEAD")
    assert head.body == b"" and head.get("X-A") == "1"
    assert head.get("Content-Length") == get.get("Content-Length") == "1234"
    assert (php.server.docroot / "head-ran").read_text() == "yes"


def test_head_with_flush(php):
    target = php.script("echo 'a'; flush(); echo 'b'; flush();")
    with php.server.connect() as wire:
        for _ in range(2):
            wire.request(target, method="HEAD").expect_response(200, method="HEAD")
        wire.request(target).expect_response(200, body=b"ab")


# ---- output buffering


@pytest.mark.parametrize(
    "code, expected",
    [
        ("ob_start(); echo 'a'; ob_end_clean(); echo 'b';", "b"),
        ("ob_start(); echo 'a'; $x = ob_get_clean(); echo strtoupper($x);", "A"),
        ("ob_start(fn ($b) => strtoupper($b)); echo 'abc';", "ABC"),
        ("ob_start(); ob_start(); echo 'x'; ob_end_flush(); echo 'y';", "xy"),
        ("ob_start(fn ($b, $p) => $p & PHP_OUTPUT_HANDLER_FINAL ? \"[$b]\" : $b); echo 'left open';", "[left open]"),
        ("ob_start(); echo 'a'; register_shutdown_function(function () { echo 'b'; });", "ab"),
        ("$f = fopen('php://output', 'w'); fwrite($f, 'stream'); print 'ed';", "streamed"),
        ("echo 'a'; readfile('data:,b'); passthru('echo c');", "abc\n"),
        ("printf('%05.1f', 3.14159);", "003.1"),
    ],
)
def test_buffers(php, code, expected):
    assert php.run(code).text == expected


def test_header_after_buffered_output(php):
    response = php.run("ob_start(); echo 'a'; header('X-After: 1'); http_response_code(202); ob_end_flush();")
    assert (response.status, response.get("X-After"), response.text) == (202, "1", "a")


def test_output_buffering_setting(launch_php):
    site = launch_php("-d", "output_buffering=4096")
    assert site.run("echo 'a'; header('X-After: 1');").get("X-After") == "1"


def test_compression_by_php(launch_php):
    site = launch_php("-d", "zlib.output_compression=1")
    response = site.run("echo str_repeat('text ', 1000);", fields=[("Accept-Encoding", "gzip")])
    assert response.get("Content-Encoding") == "gzip" and gzip.decompress(response.body) == b"text " * 1000


def test_shutdown_functions_and_destructors_still_print(php):
    code = """
        class D { function __destruct() { echo 'destructor'; header('X-Destructor: 1'); } }
        $d = new D;
        register_shutdown_function(function () { echo 'shutdown,'; });
        ob_start();
        echo 'script,';
    """
    response = php.run(code)
    assert response.text == "script,shutdown,destructor" and response.get("X-Destructor") == "1"


def test_large_heap_is_answered_completely(php):
    """The response leaves before a large heap is freed: nothing may be missing from it."""
    code = """
        class D { public $p = []; function __destruct() { if ($GLOBALS['n']++ == 0) echo 'first'; } }
        $n = 0;
        for ($i = 0; $i < 30000; $i++) { $d = new D; $d->p = range(0, 20); $all[] = $d; }
        http_response_code(202);
        session_start(); $_SESSION['x'] = 1;
        ob_start();
        echo 'script,';
    """
    response = php.run(code)
    assert (response.status, response.text) == (202, "script,first") and response.get("Set-Cookie")
    response = php.run("$x = str_repeat('x', 20000000); http_response_code(404);")
    assert (response.status, response.body) == (404, b"")
