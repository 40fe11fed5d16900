"""PHP's own sessions, over requests and workers.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import json

import pytest

COUNT = "session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; echo json_encode([session_id(), $_SESSION['n']]);"


@pytest.fixture
def site(launch_php, tmp_path):
    return launch_php("-d", f"session.save_path={tmp_path}", workers=4)


def cookie(response):
    return [("Cookie", response.get("Set-Cookie").partition(";")[0])]


def test_session_lives_over_requests_and_workers(site):
    target = site.script(COUNT)
    first = site.server.fetch(target)
    identity, count = json.loads(first.body)
    assert first.get("Set-Cookie").startswith(f"PHPSESSID={identity}; path=/") and count == 1
    assert first.get("Cache-Control") == "no-store, no-cache, must-revalidate"
    for expected in range(2, 30):
        assert json.loads(site.server.fetch(target, fields=cookie(first)).body) == [identity, expected]


def test_parallel_requests_of_one_session_count_right(site):
    """The session's lock is held to the end of the request, and released then."""
    target = site.script(COUNT.replace("echo", "usleep(1000); echo"))
    fields = cookie(site.server.fetch(target))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: json.loads(site.server.fetch(target, fields=fields).body)[1], range(60)))
    assert sorted(seen) == list(range(2, 62))


def test_session_is_written_before_the_response_ends(site):
    """A client that follows a redirect at once finds what was stored, also with a handler that does not lock."""
    store = site.server.docroot / "store"
    store.mkdir()
    handler = f"""
        class H implements SessionHandlerInterface {{
            function open($p, $n): bool {{ return true; }}
            function close(): bool {{ return true; }}
            function read($id): string {{ return @file_get_contents('{store}/'.$id) ?: ''; }}
            function write($id, $d): bool {{ usleep(20000); return file_put_contents('{store}/'.$id, $d) !== false; }}
            function destroy($id): bool {{ return true; }}
            function gc($m): int {{ return 0; }}
        }}
        session_set_save_handler(new H, false);
    """
    heap = "$big = str_repeat('x', 10000000);"
    login = site.script(handler + heap + "session_start(); $_SESSION['user'] = bin2hex(random_bytes(4)); echo $_SESSION['user'];")
    home = site.script(handler + "session_start(); echo $_SESSION['user'] ?? 'nobody';")
    fields = cookie(site.server.fetch(login))
    for _ in range(10):
        user = site.server.fetch(login, fields=fields).text
        assert site.server.fetch(home, fields=fields).text == user


def test_fatal_error_releases_the_session(site):
    site.expect_fatal("in_the_session")
    fields = cookie(site.run(COUNT))
    for code in ("session_start(); in_the_session();", COUNT + "in_the_session();"):
        site.run(code, fields=fields)
    assert json.loads(site.run(COUNT, fields=fields).body)[1] == 3


def test_bailout_in_a_save_handler_does_not_poison_the_worker(launch_php, tmp_path):
    site = launch_php("-d", f"session.save_path={tmp_path}", workers=1)
    site.expect_fatal("in_the_handler")
    handler = """
        class H extends SessionHandler { function read($id): string { return in_the_handler(); } }
        session_set_save_handler(new H, true);
    """
    broken = site.script(handler + "session_start();")
    works = site.script(COUNT)
    fields = cookie(site.server.fetch(works))
    for expected in range(2, 5):
        assert site.server.fetch(broken, fields=fields).status == 500
        assert json.loads(site.server.fetch(works, fields=fields).body)[1] == expected


def test_auto_start(launch_php, tmp_path):
    site = launch_php("-d", f"session.save_path={tmp_path}", "-d", "session.auto_start=1")
    assert site.run("echo session_status();").text == "2"


def test_regenerate_and_destroy(site):
    first = site.run(COUNT)
    regenerated = site.run("session_start(); session_regenerate_id(true); echo $_SESSION['n'];", fields=cookie(first))
    assert regenerated.text == "1" and cookie(regenerated) != cookie(first)
    assert json.loads(site.run(COUNT, fields=cookie(regenerated)).body)[1] == 2
    site.run("session_start(); session_destroy();", fields=cookie(regenerated))
    assert json.loads(site.run(COUNT, fields=cookie(regenerated)).body)[1] == 1
