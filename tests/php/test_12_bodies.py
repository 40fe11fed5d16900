"""Request bodies: forms, uploads, php://input, limits.

SPDX-License-Identifier: MIT
"""

import hashlib
import json
import os
import random

import pytest

from forms import FORM, MULTIPART, multipart
from testenv.syscalls import count_syscalls


def noise(count, seed=1):
    return random.Random(seed).randbytes(count)


# ---- forms


@pytest.mark.parametrize(
    "body, expected",
    [
        (b"a=1+2&b=%2B", {"a": "1 2", "b": "+"}),
        (b"a[]=1&a[]=2&a[k]=3", {"a": {"0": "1", "1": "2", "k": "3"}}),
        (b"a%5B%5D=x", {"a": ["x"]}),
        (b"a.b=1&c+d=2", {"a_b": "1", "c_d": "2"}),
        (b"", []),
    ],
)
def test_form(php, body, expected):
    assert php.json("$_POST", method="POST", fields=[FORM], body=body) == expected


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded; charset=UTF-8", "APPLICATION/X-WWW-FORM-URLENCODED"]
)
def test_form_type_is_recognised(php, content_type):
    assert php.json("$_POST", method="POST", fields=[("Content-Type", content_type)], body=b"a=1") == {"a": "1"}


def test_form_is_also_in_php_input(php):
    code = "[$_POST, file_get_contents('php://input')]"
    assert php.json(code, method="POST", fields=[FORM], body=b"a=1&b=2") == [{"a": "1", "b": "2"}, "a=1&b=2"]


def test_json_is_left_to_the_script(php):
    code = "[$_POST, json_decode(file_get_contents('php://input'), true)]"
    fields = [("Content-Type", "application/json")]
    assert php.json(code, method="POST", fields=fields, body=b'{"a":[1,2]}') == [[], {"a": [1, 2]}]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_input_stream_of_any_method(php, method):
    code = "[file_get_contents('php://input'), $_SERVER['CONTENT_LENGTH'], $_SERVER['CONTENT_TYPE']]"
    response = php.json(code, method=method, fields=[("Content-Type", "text/plain")], body=b"the body")
    assert response == ["the body", "8", "text/plain"]


def test_input_stream_can_be_read_twice_and_in_parts(php):
    code = "[fread(fopen('php://input', 'r'), 3), file_get_contents('php://input'), file_get_contents('php://input')]"
    assert php.json(code, method="PUT", body=b"0123456789") == ["012", "0123456789", "0123456789"]


@pytest.mark.parametrize("size", [1, 16383, 16384, 16385, 70_000, 3_000_000])
def test_binary_body_of_any_size(php, size):
    """Around PHP's block size, around the server's memory threshold, and spilled."""
    body = noise(size, seed=size)
    code = "[strlen($b = file_get_contents('php://input')), hash('sha256', $b)]"
    assert php.json(code, method="PUT", body=body) == [size, hashlib.sha256(body).hexdigest()]


def test_no_file_for_a_large_body(php):
    """PHP puts what is above 16 KiB into a temporary file, and reads it from there."""
    target = php.script("echo strlen(file_get_contents('php://input')), ' ', count($_POST);")
    kinds = [("POST", FORM, b"a=" + b"x" * 99_998), ("POST", ("Content-Type", "application/json"), b"x" * 100_000), ("PUT", FORM, b"x" * 100_000)]

    def work():
        for method, field, body in kinds:
            wire.request(target, method=method, fields=[field], body=body)
            wire.expect_response(200, body=f"100000 {int(b'=' in body)}".encode())

    with php.server.connect() as wire:
        work()
        for name, number in php.server.threads():
            if name.startswith("php-"):
                counts = count_syscalls(php.server, number, lambda: [work() for _ in range(5)])
                assert not [call for call in counts if call in ("lseek", "unlink")], counts


READER = """
$f = fopen('php://input', 'r'); $seen = [];
foreach ([[0, SEEK_SET, 5], [90000, SEEK_SET, 5], [-7, SEEK_END, 100], [3, SEEK_CUR, 5], [200000, SEEK_SET, 5], [-1, SEEK_SET, 5], [-300000, SEEK_END, 5]] as [$to, $whence, $len]) {
    $seen[] = [fseek($f, $to, $whence), ftell($f), bin2hex((string) fread($f, $len)), feof($f), ftell($f)];
}
rewind($f); $seen[] = [md5(stream_get_contents($f)), feof($f), md5(stream_get_contents(fopen('php://input', 'r'), 50000, 1000))];
$seen[] = [@fwrite($f, 'x'), md5(file_get_contents('php://input', offset: 70000)), count(file('php://input')) > 0];
echo json_encode($seen);
"""


@pytest.mark.parametrize("method, field", [("POST", FORM), ("POST", ("Content-Type", "a/b")), ("PUT", ("Content-Type", "a/b")), ("PUT", None), ("POST", None)])
def test_places_in_a_large_body(php, method, field):
    """As php -S answers, but that a PUT can go to what it has not read yet."""
    body = noise(100_000)
    seen = json.loads(php.run(READER, method=method, fields=[field] if field else [], body=body).body)
    at = lambda start, len: body[start : start + len].hex()
    assert seen[:3] == [[0, 0, at(0, 5), False, 5], [0, 90_000, at(90_000, 5), False, 90_005], [0, 99_993, at(99_993, 7), False, 100_000]]
    assert seen[3] == [0, 100_003, "", True, 100_003] and seen[4] == [0, 200_000, "", True, 200_000]
    assert seen[5] == seen[6] == [-1, 200_000, "", True, 200_000]
    md5 = lambda data: hashlib.md5(data).hexdigest()
    assert seen[7] == [md5(body), True, md5(body[1000:51_000])]
    assert seen[8] == [False, md5(body[70_000:]), True]


def test_parse_body_reads_a_large_one(php):
    """What request_parse_body() has read php://input does not have any more; a form it has still."""
    code = "(function () { $r = request_parse_body(); return [count($r[0]), strlen($r[1]['f']['name'] ?? ''), strlen(file_get_contents('php://input'))]; })()"
    body = multipart(("a", "1"), ("f", "name.txt", "text/plain", "c" * 100_000))
    assert php.json(code, method="PUT", fields=[MULTIPART], body=body) == [1, 8, 0]
    assert php.json(code, method="PUT", fields=[FORM], body=b"a=" + b"x" * 99_998) == [1, 0, 100_000]
    assert php.json("[strlen(file_get_contents('php://input')), count($_FILES)]", method="POST", fields=[MULTIPART], body=body) == [0, 1]


def test_chunked_body(php):
    target = php.script("echo json_encode([$_POST, $_SERVER['CONTENT_LENGTH']]);")
    with php.server.connect() as wire:
        wire.send(
            f"POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{FORM[0]}: {FORM[1]}\r\n\r\n",
            "3\r\na=1\r\n", "4\r\n&b=2\r\n", "0\r\n\r\n",
        )  # fmt: skip
        assert json.loads(wire.expect_response(200).body) == [{"a": "1", "b": "2"}, "7"]


def test_unread_body_does_not_disturb_the_next_request(php):
    target = php.script("echo 'not read';")
    with php.server.connect() as wire:
        for _ in range(3):
            wire.request(target, method="PUT", body=noise(100_000))
            assert wire.expect_response(200).text == "not read"


def test_parse_body_of_put(php):
    code = "request_parse_body()[0]"
    assert php.json(code, method="PUT", fields=[FORM], body=b"a=1+2") == {"a": "1 2"}
    body = multipart(("a", "1"), ("f", "name.txt", "text/plain", "content"))
    code = "(function () { [$p, $f] = request_parse_body(); return [$p, $f['f']['name'], file_get_contents($f['f']['tmp_name'])]; })()"
    assert php.json(code, method="PATCH", fields=[MULTIPART], body=body) == [{"a": "1"}, "name.txt", "content"]


# ---- uploads


def test_upload_is_moved(php):
    content = noise(200_000)
    moved = php.server.docroot / "moved.bin"
    code = f"""(function () {{
        $f = $_FILES['f'];
        $seen = [$f['name'], $f['type'], $f['size'], $f['error'], $f['full_path'], is_uploaded_file($f['tmp_name'])];
        $seen[] = move_uploaded_file($f['tmp_name'], '{moved}');
        return [...$seen, $_POST, file_exists($f['tmp_name'])];
    }})()"""
    body = multipart(("text", "a + b"), ("f", "x.bin", "application/octet-stream", content))
    seen = php.json(code, method="POST", fields=[MULTIPART], body=body)
    assert seen == ["x.bin", "application/octet-stream", 200_000, 0, "x.bin", True, True, {"text": "a + b"}, False]
    assert moved.read_bytes() == content


def test_upload_that_nobody_moves_is_deleted(php):
    path = php.json("$_FILES['f']['tmp_name']", method="POST", fields=[MULTIPART], body=multipart(("f", "x", "a/b", "c")))
    assert path and not os.path.exists(path)


def test_array_of_files(php):
    body = multipart(("f[]", "1.txt", "text/plain", "one"), ("f[]", "2.txt", "text/plain", "two"),
                     ("g[k]", "3.txt", "text/plain", "three"))  # fmt: skip
    code = "[$_FILES['f']['name'], array_map('file_get_contents', $_FILES['f']['tmp_name']), $_FILES['g']['name']]"
    expected = [["1.txt", "2.txt"], ["one", "two"], {"k": "3.txt"}]
    assert php.json(code, method="POST", fields=[MULTIPART], body=body) == expected


def test_empty_file_field_is_error_4(php):
    body = multipart(("f", "", "application/octet-stream", ""))
    assert php.json("$_FILES['f']['error']", method="POST", fields=[MULTIPART], body=body) == 4


def test_upload_limits(launch_php):
    site = launch_php("-d", "upload_max_filesize=1K", "-d", "max_file_uploads=2")
    body = multipart(("f", "big", "a/b", noise(5000)), ("a", "1"))
    assert site.json("[$_FILES['f']['error'], $_POST]", method="POST", fields=[MULTIPART], body=body) == [1, {"a": "1"}]
    body = multipart(*[(f"f{i}", "n", "a/b", "c") for i in range(4)])
    assert site.json("count($_FILES)", method="POST", fields=[MULTIPART], body=body) == 2
    site.server.wait_log("php.message", where=lambda line: "Maximum number of allowable file uploads" in line["message"])


def test_upload_folder(launch_php, tmp_path):
    site = launch_php("-d", f"upload_tmp_dir={tmp_path}")
    code = "dirname($_FILES['f']['tmp_name'])"
    body = multipart(("f", "x", "a/b", "c"))
    assert site.json(code, method="POST", fields=[MULTIPART], body=body) == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_malformed_multipart(php):
    fields = [("Content-Type", "multipart/form-data")]
    assert php.json("[$_POST, $_FILES]", method="POST", fields=fields, body=b"whatever") == [[], []]


# ---- limits


def test_post_max_size(launch_php):
    site = launch_php("-d", "post_max_size=1K")
    code = "[$_POST, strlen(file_get_contents('php://input'))]"
    body = b"a=" + b"x" * 2000
    assert site.json("$_POST", method="POST", fields=[FORM], body=body) == []
    site.server.wait_log("php.message", where=lambda line: "exceeds the limit of 1024 bytes" in line["message"])
    assert site.json(code, method="POST", fields=[FORM], body=b"a=1") == [{"a": "1"}, 3]


def test_memory_limit_while_a_form_is_read(launch_php):
    """The body alone is more than the script may have: an answer, no crash, and the server goes on."""
    site = launch_php("-d", "memory_limit=4M", "-d", "post_max_size=64M", workers=1)
    site.expect_fatal("Allowed memory size")
    response = site.run("echo 'not reached';", method="POST", fields=[FORM], body=b"a=" + b"x" * 9_000_000)
    assert response.status == 500 and response.body == b""
    for _ in range(3):
        assert site.run("echo 'fine';").text == "fine"


def test_body_without_reading(launch_php):
    site = launch_php("-d", "enable_post_data_reading=0")
    code = "[$_POST, file_get_contents('php://input')]"
    assert site.json(code, method="POST", fields=[FORM], body=b"a=1") == [[], "a=1"]
