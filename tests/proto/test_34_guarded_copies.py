"""Guards of one file hold for its encoded copies, whatever the client accepts.

SPDX-License-Identifier: MIT
"""

import base64
import gzip
import os

import brotli
import pytest
import zstandard

from testenv import decode_body, wait_until

TEXT = b"".join(b"line %d of what not everybody may read\n" % i for i in range(3000))
CODINGS = {"gzip": ("gz", gzip.compress), "br": ("br", brotli.compress), "zstd": ("zst", zstandard.ZstdCompressor().compress)}
LONG_AGO = 1_700_000_000
HASH = "$2b$04$D5vyO22jQWAWcCsfUYFhd.zrtQRGw7jafsyaErYLgCno4he6boWuu"  # of "right", with a cost of 4
RIGHT = ("Authorization", "Basic " + base64.b64encode(b"ann:right").decode())


@pytest.fixture(scope="module")
def docroot(tmp_path_factory):
    """secret.txt, sub/index.html and folder/secret.txt have copies beside them; of made.txt and own/index.html the server makes them."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("secret.txt", "sub/index.html", "folder/secret.txt", "made.txt", "own/index.html", "open.txt"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(TEXT)
        os.utime(path, (LONG_AGO, LONG_AGO))
        for extension, encode in CODINGS.values() if name.startswith(("s", "f")) else ():
            copy = path.with_name(f"{path.name}.{extension}")
            copy.write_bytes(encode(TEXT))
            os.utime(copy, (LONG_AGO, LONG_AGO))
    return folder


GUARDED = {"secret.txt": ["/secret.txt", "//secret.txt", "/%73ecret.txt"], "sub/index.html": ["/sub/", "/sub/index.html"], "made.txt": ["/made.txt"], "own/index.html": ["/own/", "/own/index.html"]}  # fmt: skip
PATHS = [path for paths in GUARDED.values() for path in paths]


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    file = tmp_path_factory.mktemp("rules") / "users"
    file.write_text(f"ann:{HASH}\n")
    return file


@pytest.fixture(scope="module")
def with_passwords(launch_module, docroot, users):
    rules = [part for name in (*GUARDED, "folder") for part in ("--basic-auth", f"/{name} {users}")]
    return launch_module(*rules, docroot=docroot)


@pytest.fixture(scope="module")
def with_lists(launch_module, docroot, users):
    file = users.parent / "phpsrv.toml"
    file.write_text("".join(f'[[prefixes]]\nprefix = "/{name}"\nguard.deny = ["0.0.0.0/0"]\n' for name in (*GUARDED, "folder")))
    return launch_module("--config", file, docroot=docroot)


def accepting(coding, *others):
    return [*([("Accept-Encoding", coding)] if coding else []), *others]


@pytest.mark.parametrize("coding", [None, *CODINGS])
@pytest.mark.parametrize("path", PATHS)
def test_who_knows_the_password_gets_each_form(with_passwords, path, coding):
    """What the server encodes itself, the first of them get as it is."""

    def has_come():
        answer = with_passwords.fetch(path, fields=accepting(coding, RIGHT))
        assert answer.status == 200 and decode_body(answer.get("Content-Encoding"), answer.body) == TEXT
        return answer.get("Content-Encoding") == coding

    wait_until(has_come, f"{path} as {coding}")
    for method in ("GET", "HEAD"):
        answer = with_passwords.fetch(path, method=method, fields=accepting(coding))
        assert answer.status == 401 and answer.get("Content-Encoding") is None, answer
    assert with_passwords.fetch(path, fields=accepting(coding, ("Range", "bytes=0-9"))).status == 401


@pytest.mark.parametrize("coding", [None, *CODINGS])
@pytest.mark.parametrize("path", PATHS)
def test_lists_of_addresses(with_lists, path, coding):
    for method in ("GET", "HEAD"):
        answer = with_lists.fetch(path, method=method, fields=accepting(coding))
        assert answer.status == 403 and answer.get("Content-Encoding") is None, answer
    assert with_lists.fetch("/open.txt", fields=accepting(coding)).status == 200


@pytest.mark.parametrize("extension", [extension for extension, _ in CODINGS.values()])
def test_a_copy_that_is_asked_for_by_its_own_name(with_passwords, with_lists, extension):
    """A file of its own, as docs/guards.md has it: a rule for a folder covers it, a rule for one file does not."""
    for server, status in ((with_passwords, 401), (with_lists, 403)):
        assert server.fetch(f"/folder/secret.txt.{extension}").status == status
        assert server.fetch(f"/secret.txt.{extension}").status == 200
