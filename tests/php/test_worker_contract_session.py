"""Worker contract: sessions. A client finds its own, always, and nobody finds another's.

SPDX-License-Identifier: MIT
"""

import collections
import json

import pytest

from testenv import wait_until
from worker_cases import Mode, decode

SCRIPTS = ["session", "session_boot"]
CONTRACT_LOG = ("with an open session", "with an own handler", "Allowed memory size")


def cookie(response, name="PHPSESSID"):
    for value in response.all("Set-Cookie"):
        if value.startswith(name + "=") and not value.startswith(name + "=deleted"):
            return [("Cookie", value.partition(";")[0])]
    return []


def visitors(mode, case="count", count=20):
    """Fields of so many clients, each with a session of its own."""
    found = [cookie(answer) for _, answer in mode.ask(case, lambda n: {"suffix": f"?n={n}"}, count)]
    assert len({str(fields) for fields in found}) == count and all(found)
    return found


def test_no_session_unless_it_is_started(mode):
    mode.ask("count", count=20)
    for _, seen in mode.json("status"):
        assert seen == [1, "", "PHPSESSID", False]


def test_new_clients_get_new_sessions(mode):
    ids = {decode(answer)[0]: cookie(answer) for _, answer in mode.ask("count")}
    assert len(ids) == 100 and all(fields == [("Cookie", f"PHPSESSID={identity}")] for identity, fields in ids.items())


def test_a_counter_for_each_client(mode):
    fields = visitors(mode)
    counts = collections.Counter()
    for n, seen in mode.json("count", lambda n: {"fields": fields[n % 20]}):
        counts[n % 20] += 1
        assert seen[1] == counts[n % 20] + 1 and seen[0] in fields[n % 20][0][1]


def test_a_counter_for_one_client_at_once(mode):
    """The lock is held to the end of the request, and no longer."""
    fields = visitors(mode, count=1)[0]
    assert sorted(seen[1] for _, seen in mode.json("count", lambda _: {"fields": fields})) == list(range(2, 102))


def test_login(mode):
    before = visitors(mode)
    logged = mode.ask("login", lambda n: {"suffix": f"?user=user{n}", "fields": before[n]}, 20)
    after = [cookie(answer) for _, answer in logged]
    assert all(answer.status == 303 for _, answer in logged) and all(old != new and new for old, new in zip(before, after))
    for n, seen in mode.json("home", lambda n: {"fields": after[n % 20] if n % 3 else []}):
        assert seen == [f"user{n % 20}" if n % 3 else None, 1]
    for _, seen in mode.json("home", lambda n: {"fields": before[n % 20]}):
        assert seen[0] is None, "the id from before the login is worth nothing"


def test_strangers_find_nothing(mode):
    for _, seen in mode.json("visit", lambda n: {"suffix": f"?n=secret{n}"}):
        assert seen[0] == []
    assert len({seen[1] for _, seen in mode.json("visit", lambda n: {"suffix": f"?n={n}"})}) == 100


def test_regenerate(mode):
    fields = visitors(mode)
    for n, answer in mode.ask("regenerate", lambda n: {"suffix": f"?n={n}", "fields": fields[n]}, 20):
        old, new = decode(answer)
        assert old in fields[n][0][1] and old != new and cookie(answer) == [("Cookie", f"PHPSESSID={new}")]
        assert not (mode.server.folder / "sessions" / f"sess_{old}").exists()


def test_destroy(mode):
    fields = visitors(mode)
    for n, answer in mode.ask("destroy", lambda n: {"fields": fields[n]}, 20):
        assert decode(answer) == [{"n": 1}, "", 1] and cookie(answer) == []
    for n, seen in mode.json("count", lambda n: {"fields": fields[n]}, 20):
        assert seen[1] == 1


def test_unset_and_abort(mode):
    fields = visitors(mode)
    mode.json("abort", lambda n: {"fields": fields[n]}, 20)
    for n, seen in mode.json("visit", lambda n: {"suffix": "?n=1", "fields": fields[n]}, 20):
        assert seen[0] == {"n": 1}
    for _, seen in mode.json("unset", lambda n: {"fields": fields[n]}, 20):
        assert seen == 1
    for _, seen in mode.json("unset", lambda n: {"fields": fields[n]}, 20):
        assert seen == 0


def test_write_and_start_again(mode):
    for n, seen in mode.json("write close", lambda n: {"suffix": f"?n={n}"}):
        assert seen == [1, {"a": str(n)}]


@pytest.mark.parametrize("case", ["exit", "own exit"])
def test_exit_with_an_open_session(mode, case):
    """What was stored is written; the next client, new and in the same thread, gets neither id nor data."""
    answers = mode.ask(case, count=40)
    ids = [decode(answer)[0] for _, answer in answers]
    assert len(set(ids)) == 40
    for _, seen in mode.json("status", count=20):
        assert seen == [1, "", "PHPSESSID", False]
    for n, seen in mode.json(case, lambda n: {"fields": cookie(answers[n][1])}, 40):
        assert seen == [ids[n], 2]


@pytest.mark.parametrize("case", ["throw", "fatal"])
def test_failures_with_an_open_session(mode, case):
    """Data is kept as php-fpm keeps it, and locks are released."""
    count = 4 if case == "fatal" else 20
    fields = visitors(mode, count=count)
    for _, answer in mode.ask(case, lambda n: {"fields": fields[n]}, count):
        assert answer.status == 500
    for n, seen in mode.json("count", lambda n: {"fields": fields[n]}, count):
        assert seen[1] == 3
    for _, seen in mode.json("status", count=20):
        assert seen == [1, "", "PHPSESSID", False]


def test_early_end(mode):
    fields = visitors(mode)
    for _, answer in mode.ask("finish", lambda n: {"suffix": f"?n=x{n}", "fields": fields[n]}, 20):
        assert answer.status == 200 and answer.body == b""
    for n, seen in mode.json("visit", lambda n: {"suffix": "?n=1", "fields": fields[n]}, 20):
        assert seen[0] == {"n": f"x{n}"}


def test_early_end_with_an_open_session(mode):
    """It goes on, and is written when the request is over."""
    answers = mode.ask("finish open", lambda n: {"suffix": f"?n={n}"}, 20)
    for n, answer in answers:
        identity = cookie(answer)[0][1].partition("=")[2]
        path = mode.server.folder / "sessions" / f"sess_{identity}"
        wait_until(lambda path=path: b"after" in path.read_bytes(), "the session is written")
        assert path.read_text() == f'before|s:{len(str(n))}:"{n}";after|s:{len(str(n))}:"{n}";'


def test_a_save_handler_of_the_script(mode):
    answers = mode.ask("own", count=20)
    for _, answer in answers:
        assert decode(answer)[1:] == [1, "user", ["open", "read"]]
    for _ in range(5):
        last = mode.json("own", lambda n: {"fields": cookie(answers[n][1])}, 20)
    for n, seen in last:
        assert seen == [decode(answers[n][1])[0], 6, "user", ["open", "read"]]


def test_save_functions(mode):
    answers = mode.ask("functions", count=20)
    for _ in range(5):
        last = mode.json("functions", lambda n: {"fields": cookie(answers[n][1])}, 20)
    for n, seen in last:
        assert seen == [decode(answers[n][1])[0], 6, "user"]


@pytest.mark.parametrize("name", ["classic", "worker"])
def test_a_save_handler_that_is_set_at_boot(contract, name):
    """It is there for every request, also after one that has thrown."""
    mode = Mode(contract, name, "session_boot")
    answers = mode.ask("-", count=20)
    fields = [cookie(answer, "BOOTSESSION") for _, answer in answers]
    for n, seen in mode.json("-", lambda n: {"fields": fields[n % 20]}):
        assert seen[0] == decode(answers[n % 20][1])[0] and seen[1] == n // 20 + 2 and seen[2] == "BOOTSESSION" and seen[3] >= 1 and seen[4] == "user"
    mode.ask("-", lambda n: {"suffix": "?throw=1", "fields": fields[n]}, 20)
    for n, seen in mode.json("-", lambda n: {"fields": fields[n]}, 20):
        assert seen[1] == 8


def test_unknown_ids_are_replaced(mode):
    for n, seen in mode.json("strict", lambda n: {"fields": [("Cookie", f"PHPSESSID=madeupbythisclient{n}")]}, 40):
        assert "madeup" not in seen and len(seen) == 32


def test_ids_by_hand(mode):
    ids = [f"byhand{mode.name}{k}" for k in range(20)]
    for n, (identity, count, fields) in mode.json("by hand", lambda n: {"suffix": f"?id={ids[n % 20]}"}):
        assert identity == ids[n % 20] and count == n // 20 + 1 and not any("Set-Cookie" in line for line in fields)
    for _, seen in mode.json("status", count=20):
        assert seen[:2] == [1, ""]


def test_started_twice(mode):
    for _, seen in mode.json("twice", count=20):
        assert seen == [True, 2]


def test_a_reference_that_is_kept(mode):
    """A static variable that refers to $_SESSION does not make it another client's."""
    for n, (seen,) in mode.json("reference", lambda n: {"suffix": f"?n={n}"}):
        assert seen == {"n": str(n)}
    for _, seen in mode.json("visit", lambda n: {"suffix": "?n=1"}):
        assert seen[0] == []


def test_decoded(mode):
    for n, seen in mode.json("decode", lambda n: {"suffix": f"?n={n}"}):
        assert seen == [{"x": str(n)}, f'x|s:{len(str(n))}:"{n}";']


def test_cookie_parameters(mode):
    for n, answer in mode.ask("cookie params", lambda n: {"suffix": f"?n={n}"}):
        assert json.loads(answer.body) == f"/p{n}" and f"path=/p{n}; HttpOnly" in answer.get("Set-Cookie")
