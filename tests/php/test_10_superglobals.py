"""What a script learns of its request: $_GET, $_COOKIE, $_SERVER, filter_input(), request header functions.

SPDX-License-Identifier: MIT
"""

import base64
import json
import os
import pwd

import pytest

# ---- the query


@pytest.mark.parametrize(
    "query, expected",
    [
        ("a=1+2", {"a": "1 2"}),
        ("a+b=1", {"a_b": "1"}),
        ("a.b=1", {"a_b": "1"}),
        ("a=%31%2B2", {"a": "1+2"}),
        ("a=1&a=2", {"a": "2"}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[x][y]=1&a[x][]=2", {"a": {"x": {"y": "1", "0": "2"}}}),
        ("a%5Bk%5D=v", {"a": {"k": "v"}}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("=1", []),
        ("", []),
        ("%C3%A4=%E2%82%AC", {"ä": "€"}),
    ],
)
def test_query(php, query, expected):
    assert php.json("$_GET", "?" + query) == expected


def test_numeric_keys_are_integers(php):
    assert php.json("[isset($_GET[1]), array_keys($_GET)]", "?1=x&7=y") == [True, [1, 7]]


def test_too_many_variables_are_cut_with_a_warning(launch_php):
    site = launch_php("-d", "max_input_vars=5")
    query = "&".join(f"v{i}=1" for i in range(20))
    assert site.json("count($_GET)", "?" + query) == 5
    site.server.wait_log("php.message", where=lambda line: "Input variables exceeded 5" in line["message"])


def test_request_order(php):
    body = b"x=post&p=1"
    fields = [("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", "x=cookie; c=1")]
    assert php.json("$_REQUEST", "?x=get&g=1", method="POST", fields=fields, body=body) == {
        "x": "cookie", "g": "1", "p": "1", "c": "1",
    }  # fmt: skip


# ---- cookies


@pytest.mark.parametrize(
    "fields, expected",
    [
        ([("Cookie", "a=1; b=2")], {"a": "1", "b": "2"}),
        ([("Cookie", "a=1"), ("Cookie", "b=2")], {"a": "1", "b": "2"}),
        ([("Cookie", "a=first; a=second")], {"a": "first"}),
        ([("Cookie", "a=x+y%20z")], {"a": "x+y z"}),
        ([("Cookie", "a[k]=1; a[l]=2")], {"a": {"k": "1", "l": "2"}}),
        ([], []),
    ],
)
def test_cookies(php, fields, expected):
    assert php.json("$_COOKIE", fields=fields) == expected


# ---- $_SERVER


def test_server_variables(php):
    target = php.script("echo json_encode($_SERVER);", "folder/script.php")
    fields = [("User-Agent", "tester/1.0"), ("X-Requested-With", "XMLHttpRequest"), ("Accept", "text/html")]
    response = php.server.fetch(target + "/path%20info/x?a=1&b=%20", fields=fields)
    seen = json.loads(response.body)
    port = str(php.server.address[1])
    root = str(php.server.docroot)
    account = pwd.getpwuid(os.geteuid())
    expected = {
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "",
        "DOCUMENT_ROOT": root,
        "DOCUMENT_URI": "/folder/script.php/path info/x",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "HOME": account.pw_dir,
        "HTTP_ACCEPT": "text/html",
        "HTTP_CONNECTION": "close",
        "HTTP_HOST": "test.example",
        "HTTP_USER_AGENT": "tester/1.0",
        "HTTP_X_REQUESTED_WITH": "XMLHttpRequest",
        "PATH_INFO": "/path info/x",
        "PATH_TRANSLATED": root + "/path info/x",
        "PHP_SELF": "/folder/script.php/path info/x",
        "QUERY_STRING": "a=1&b=%20",
        "REDIRECT_STATUS": "200",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": "",
        "REQUEST_METHOD": "GET",
        "REQUEST_SCHEME": "http",
        "REQUEST_URI": "/folder/script.php/path%20info/x?a=1&b=%20",
        "SCRIPT_FILENAME": root + "/folder/script.php",
        "SCRIPT_NAME": "/folder/script.php",
        "SERVER_ADDR": "127.0.0.1",
        "SERVER_NAME": "test.example",
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "USER": account.pw_name,
    }
    assert seen["SERVER_SOFTWARE"].startswith("phpsrv/")
    assert 0 < int(seen["REMOTE_PORT"]) < 65536
    assert abs(seen["REQUEST_TIME_FLOAT"] - seen["REQUEST_TIME"]) < 1.001
    for name in ("SERVER_SOFTWARE", "REMOTE_PORT", "REQUEST_TIME", "REQUEST_TIME_FLOAT"):
        del seen[name]
    assert seen == expected


def test_without_path_info_its_variables_are_absent(php):
    assert php.json("[isset($_SERVER['PATH_INFO']), isset($_SERVER['PATH_TRANSLATED']), isset($_SERVER['HTTPS'])]") == [
        False, False, False,
    ]  # fmt: skip


def test_request_time_is_now(php):
    assert php.json("abs(microtime(true) - $_SERVER['REQUEST_TIME_FLOAT']) < 5") is True
    assert php.json("is_float($_SERVER['REQUEST_TIME_FLOAT']) && is_int($_SERVER['REQUEST_TIME'])") is True


def test_repeated_fields_are_joined_and_empty_ones_kept(php):
    fields = [("X-List", "a"), ("x-list", "b"), ("X-Empty", ""), ("Accept", "x"), ("ACCEPT", "y"), ("Cookie", "a=1"),
              ("Cookie", "b=2")]  # fmt: skip
    names = "['HTTP_X_LIST', 'HTTP_X_EMPTY', 'HTTP_ACCEPT', 'HTTP_COOKIE']"
    assert php.json(f"array_map(fn($n) => $_SERVER[$n], {names})", fields=fields) == ["a, b", "", "x, y", "a=1; b=2"]


def test_fields_that_pose_as_others_do_not_arrive(php):
    fields = [("X_Forwarded_For", "1.2.3.4"), ("X.Real.Ip", "1.2.3.4"), ("Proxy", "http://evil")]
    code = "array_values(preg_grep('/FORWARDED|REAL_IP|PROXY/', array_keys($_SERVER)))"
    assert php.json(code, fields=fields) == []
    assert php.json("getenv('HTTP_PROXY')", fields=fields) is False


def test_many_fields(php):
    fields = [(f"X-Number-{i}", str(i)) for i in range(80)]
    code = "array_sum(array_filter($_SERVER, fn($n) => str_starts_with($n, 'HTTP_X_NUMBER_'), ARRAY_FILTER_USE_KEY))"
    assert php.json(code, fields=fields) == sum(range(80))


def test_environment_is_not_in_server_but_in_getenv(launch_php):
    site = launch_php(env={"A_SECRET_OF_THE_HOST": "yes"})
    assert site.json("[isset($_SERVER['A_SECRET_OF_THE_HOST']), getenv('A_SECRET_OF_THE_HOST')]") == [False, "yes"]


def test_http_1_0(php):
    target = php.script("echo $_SERVER['SERVER_PROTOCOL'];")
    with php.server.connect() as wire:
        wire.request(target, version="1.0")
        assert wire.expect_response(200, version="1.0").text == "HTTP/1.0"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
def test_methods_arrive(php, method):
    assert php.run("echo $_SERVER['REQUEST_METHOD'];", method=method).text == method


# ---- credentials


def basic(text):
    return [("Authorization", "Basic " + base64.b64encode(text.encode()).decode())]


def test_basic_credentials(php):
    code = "[$_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'], $_SERVER['REMOTE_USER'], isset($_SERVER['HTTP_AUTHORIZATION'])]"
    assert php.json(code, fields=basic("user:pass:word")) == ["user", "pass:word", "user", True]


def test_digest_credentials(php):
    assert php.json("$_SERVER['PHP_AUTH_DIGEST']", fields=[("Authorization", 'Digest username="u"')]) == 'username="u"'


def test_bearer_token_is_only_a_field(php):
    code = "[$_SERVER['HTTP_AUTHORIZATION'], isset($_SERVER['PHP_AUTH_USER']), $_SERVER['REMOTE_USER']]"
    assert php.json(code, fields=[("Authorization", "Bearer abc.def")]) == ["Bearer abc.def", False, ""]


def test_credentials_do_not_stay(launch_php):
    site = launch_php(workers=1)
    code = "[$_SERVER['PHP_AUTH_USER'] ?? null, $_SERVER['PHP_AUTH_PW'] ?? null, $_SERVER['PHP_AUTH_DIGEST'] ?? null]"
    target = site.script(f"echo json_encode({code});")
    assert json.loads(site.server.fetch(target, fields=basic("user:pass")).body) == ["user", "pass", None]
    assert json.loads(site.server.fetch(target).body) == [None, None, None]


# ---- functions


def test_getallheaders(php):
    fields = [("x-lower", "1"), ("X-MIXED-case", "2"), ("Content-Type", "text/plain")]
    seen = php.json("getallheaders()", fields=fields, method="POST", body=b"abc")
    assert {name: seen[name] for name in ("X-Lower", "X-Mixed-Case", "Content-Type", "Content-Length")} == {
        "X-Lower": "1", "X-Mixed-Case": "2", "Content-Type": "text/plain", "Content-Length": "3",
    }  # fmt: skip
    assert php.json("getallheaders() === apache_request_headers()") is True


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("filter_input(INPUT_GET, 'a')", "1 2"),
        ("filter_input(INPUT_GET, 'n', FILTER_VALIDATE_INT)", 7),
        ("filter_input(INPUT_GET, 'none')", None),
        ("filter_input(INPUT_COOKIE, 'c')", "v"),
        ("filter_input(INPUT_SERVER, 'HTTP_X_TEST')", "<b>"),
        ("filter_input(INPUT_SERVER, 'HTTP_X_TEST', FILTER_SANITIZE_SPECIAL_CHARS)", "&#60;b&#62;"),
        ("filter_has_var(INPUT_SERVER, 'REMOTE_ADDR')", True),
        ("filter_has_var(INPUT_SERVER, 'NOTHING')", False),
        ("filter_input_array(INPUT_SERVER, ['REQUEST_METHOD' => FILTER_DEFAULT])", {"REQUEST_METHOD": "GET"}),
    ],
)
def test_filter_input(php, expression, expected):
    fields = [("Cookie", "c=v"), ("X-Test", "<b>")]
    assert php.json(expression, "?a=1+2&n=7", fields=fields) == expected


def test_asking_the_filter_leaves_server_alone(php):
    code = """(function () {
        $_SERVER['REQUEST_METHOD'] = 'CHANGED';
        $before = $_SERVER;
        $input = filter_input(INPUT_SERVER, 'REQUEST_METHOD');
        return [$input, $_SERVER === $before];
    })()"""
    assert php.json(code) == ["GET", True]


def test_default_filter_applies_to_server(launch_php):
    site = launch_php("-d", "filter.default=special_chars")
    code = "[$_SERVER['HTTP_X_TEST'], filter_input(INPUT_SERVER, 'HTTP_X_TEST', FILTER_UNSAFE_RAW), $_GET['a']]"
    assert site.json(code, "?a=%3Ci%3E", fields=[("X-Test", "<b>")]) == ["&#60;b&#62;", "<b>", "&#60;i&#62;"]


def test_request_id_is_the_one_of_the_log(launch_php):
    site = launch_php()
    response = site.run("error_log('marker'); echo phpsrv_request_id();")
    line = site.server.wait_log("php.message", where=lambda line: line["message"] == "marker")
    assert line["request_id"] == response.text != ""
    assert line["script"].endswith(".php") and line["worker"] in ("0", "1")


def test_server_info(php):
    info = php.json("phpsrv_server_info()")
    assert info["server"] == "phpsrv" and info["executor"] == "ext" and info["workers"] == 2
    assert info["pid"] == php.server.pid and info["worker"] in (0, 1) and info["php"].startswith("8.")
    assert php.json("phpsrv_worker_id()") in (0, 1)
    assert php.json("abs(time() - phpsrv_server_info()['start_time']) < 600") is True


def test_getenv_sees_the_request(php):
    """As under CGI and php-fpm: the request's variables first, then the process's environment."""
    names = ["REMOTE_ADDR", "REQUEST_METHOD", "HTTP_X_A", "HTTP_NOT_SENT", "HTTP_PROXY", "CONTENT_TYPE"]
    code = f"array_map('getenv', {json.dumps(names)})"
    fields = [("X-A", "1"), ("X-A", "2"), ("Proxy", "evil")]
    assert php.json(code, fields=fields) == ["127.0.0.1", "GET", "1, 2", False, False, ""]
    assert php.json("getenv('PATH')") == os.environ["PATH"]
