"""Worker mode: what one client's request leaves in the engine, the next client's request looks for, everywhere it can.

A request hides a secret in one kind of state and tells it with its whole form, too (query, cookie, body, credentials, upload). The next one, of another client, runs
in the same thread: it dumps all that a script can see, and its response is looked through as well.

SPDX-License-Identifier: MIT
"""

import base64
import json
import re
import secrets

import pytest

from testenv import wait_until
from forms import MULTIPART, multipart
from worker_cases import SCRIPTS, Mode, launch_contract

TEXT = (SCRIPTS / "leaks.php").read_text()
KINDS, ENGINE = (re.findall(r"^    '([a-z A-Z]+)' => ", part, re.M) for part in TEXT.partition("$engine = [")[::2])
ENGINE = ENGINE[: ENGINE.index("response fields of a stream") + 1]


def start(launch, folder, *arguments, **options):
    server = launch_contract(launch, folder, "-d", "session.use_strict_mode=0", *arguments, scripts=["leaks"], threads=1, **options)
    server.expect_log("planted", "assert")
    return Mode(server, "worker", "leaks")


@pytest.fixture(scope="module")
def compatible(launch_module, tmp_path_factory):
    return start(launch_module, tmp_path_factory.mktemp("contract"))


def full_request(secret):
    body = multipart(("planted", secret), ("f", f"{secret}.txt", f"text/{secret}", f"{secret} in a file"))
    fields = [MULTIPART, ("Cookie", f"planted={secret}"), ("X-Secret", secret), ("Authorization", "Basic " + base64.b64encode(f"u{secret}:p{secret}".encode()).decode())]
    return {"method": "POST", "suffix": f"/{secret}?planted={secret}", "fields": fields, "body": body}


def plant(mode, kind, secret):
    """In an empty or long body as well: a part of both kinds."""
    request = full_request(secret)
    if kind == "kept input":
        request |= {"fields": [*request["fields"][1:], ("Content-Type", "text/plain")], "body": f"{secret} ".encode() * 5000}
    return mode.ask(kind, lambda _: request, 1)[0][1]


def look(mode):
    """What a plain request sees, and its response with all fields."""
    answer = mode.one("look")
    assert answer.status == 200, answer
    text = answer.text
    assert text.startswith('<a href="x.php">{'), text[:200]
    return answer, json.loads(text.partition(">")[2])


def expect_hidden(secret, answer, seen=None):
    """Tells the places only: the environment of the tests is in the dump as well."""
    is_seen = secret in everywhere(answer)
    assert not is_seen, [part for part, value in (seen or {}).items() if secret in repr(value)] or "in the response"


def everywhere(answer):
    """The response as text: fields, interim responses and body."""
    return repr(answer.fields) + repr([(part.status, part.fields) for part in answer.interim]) + answer.text


def changed(before, after):
    """The names of what differs; not the values: the environment of the tests is among them."""
    return {part for part in before if part not in ("random", "streams", "kept") and before[part] != after.get(part)}


def streams(seen):
    """Without that of the script itself, which a copy has that was booted before opcache knew it."""
    return [stream for stream in seen.get("streams", ()) if not str(stream[1]).endswith("/leaks.php")]


@pytest.mark.parametrize("kind", KINDS)
def test_requests_leave_nothing(compatible, kind):
    look(compatible)
    secret = "s3cret" + secrets.token_hex(8)
    plant(compatible, kind, secret)
    answer, seen = look(compatible)
    expect_hidden(secret, answer, seen)
    assert seen["response"][1:] == [200, False] and seen["output"][0] == 0 and seen["session"][:2] == [1, ""] and seen["session"][3] is None
    stranger = compatible.one("look into a session")
    identity, variables = json.loads(stranger.body)
    expect_hidden(secret, stranger)
    assert variables == [] and identity


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_plain_request_sees_is_always_the_same(compatible, kind):
    """Not the secret only: nothing at all has changed, but random numbers, and what the case itself has kept."""
    plant(compatible, kind, "first")
    _, before = look(compatible)
    plant(compatible, kind, "second")
    _, after = look(compatible)
    assert changed(before, after) - {"last error"} == set(), "the last error may be that of the dump"
    assert len(streams(before)) == len(streams(after)), "no stream stays behind for each request"


def test_all_kinds_at_once(compatible):
    """In an order that changes, a hundred times."""
    secret = "s3cret" + secrets.token_hex(8)
    for number in range(100):
        plant(compatible, KINDS[number * 7 % len(KINDS)], secret)
        if number % 3 == 0:
            expect_hidden(secret, *look(compatible))
    wait_until(lambda: not list((compatible.server.folder / "uploads").iterdir()), "the files of requests are gone")


def test_the_list_of_kinds_is_the_scripts(compatible):
    assert json.loads(compatible.one("kinds").body) == [KINDS, ENGINE]


# ---- the strict profile

STRICT = ("--worker-reset", "strict")


@pytest.fixture(scope="module")
def strict(launch_module, tmp_path_factory):
    return start(launch_module, tmp_path_factory.mktemp("contract"), *STRICT)


@pytest.mark.parametrize("kind", KINDS + ENGINE)
def test_the_strict_profile_leaves_nothing(strict, kind):
    _, before = look(strict)
    secret = "s3cret" + secrets.token_hex(8)
    plant(strict, kind, secret)
    answer, after = look(strict)
    expect_hidden(secret, answer, after)
    assert changed(before, after) == set()
