"""Worker contract: what a script keeps over its requests, and what each request begins anew. Classic mode keeps nothing.

SPDX-License-Identifier: MIT
"""

import collections

import pytest

SCRIPTS = ["state"]


def query(n):
    return {"suffix": f"?n={n}"}


def per_life(answers):
    """What each life of the script has told, in the order of its counting: life -> [rest of the answer]."""
    lives = collections.defaultdict(list)
    for _, (boot, *rest) in answers:
        lives[boot].append(rest)
    return lives


def expect_counts(mode, lives, index=0, total=100):
    """1, 2, 3 ... in each of the two lives of a worker script; 1 in each of a hundred otherwise."""
    assert sum(map(len, lives.values())) == total
    if not mode.is_worker:
        assert len(lives) == total and {rest[index] for answers in lives.values() for rest in answers} == {1}
        return
    assert len(lives) <= 2
    for answers in lives.values():
        counts = sorted(rest[index] for rest in answers)
        assert counts == list(range(counts[0], counts[0] + len(counts))), "each of them once, none lost"
        if counts[0] != 1:
            pytest.fail(f"the first count is {counts[0]}")


@pytest.mark.parametrize("case", ["static", "class", "generator", "handle"])
def test_state_of_the_script_grows(mode, case):
    expect_counts(mode, per_life(mode.json(case, query)))


def test_lives_are_workers(worker):
    seen = worker.json("static", query, 200)
    assert all(marker == str(n) for n, (_, _, _, marker) in seen)
    pairs = {(boot, identity) for _, (boot, _, identity, _) in seen}
    assert len(pairs) == len({boot for boot, _ in pairs}) <= 2


def test_globals(mode):
    lives = per_life(mode.json("global", query))
    expect_counts(mode, lives)
    assert all(a == b for answers in lives.values() for a, b in answers)


def test_local_variables_are_the_requests(mode):
    for n, seen in mode.json("local", query):
        assert seen == [False, str(n)]


def test_files_are_included_once(mode):
    lives = per_life(mode.json("include", query))
    expect_counts(mode, lives)
    for answers in lives.values():
        for count, was_first, constant, calls, is_listed in answers:
            assert was_first == (count == 1) and constant == "once" and calls == count and is_listed


def test_classes_are_loaded_once(mode):
    lives = per_life(mode.json("autoload", query))
    expect_counts(mode, lives)
    assert all(rest[2:] == [1, False] and rest[0] == rest[1] for answers in lives.values() for rest in answers)


def test_constants(mode):
    lives = per_life(mode.json("constant", query))
    expect_counts(mode, lives, 1)
    assert all(had == (count > 1) and is_right for answers in lives.values() for had, count, is_right in answers)


def test_generators(mode):
    for n, answer in mode.ask("local generator", query):
        assert answer.text == f"a{n} finally "


def test_fibers(mode):
    for n, answer in mode.ask("fiber", query):
        assert answer.text == f"asked {n} resumed with x{n} done {n} {n}"
    for n, answer in mode.ask("fiber that throws", query):
        assert answer.text == f"in a fiber {n}"


def test_a_fiber_that_outlives_its_request(mode):
    """It goes on in the next one, and sees that one's variables."""
    answers = mode.json("fiber over requests", query)
    expect_counts(mode, per_life(answers))
    assert all(seen[2] == str(n) for n, seen in answers)


def test_garbage(mode):
    for _, seen in mode.json("gc"):
        assert seen == [True, True, True]


def test_peak_of_memory_is_the_requests(mode):
    for _, seen in mode.json("peak", query, 20):
        assert seen == [True, True]


def kept(mode, case, first, then):
    """The second and later requests of a life see what the first has left; classic ones do not."""
    for boot, answers in per_life(mode.json(case, query)).items():
        seen = [rest[0] for rest in answers]
        wanted = then if not callable(then) else then(boot)
        assert seen.count(first) == (1 if mode.is_worker else len(seen)), seen
        assert set(seen) <= ({first, wanted} if mode.is_worker else {first})


def test_putenv_lasts(mode):
    """In its own worker: others, and $_ENV and $_SERVER, do not see it."""
    answers = mode.json("putenv", query)
    for _, (boot, seen, own, *arrays) in answers:
        assert own == boot and seen in ((False, boot) if mode.is_worker else (False,)) and arrays == [False, False]


def test_the_environment_array_is_the_scripts(mode):
    """Neither filled anew nor emptied."""
    kept(mode, "env array", None, lambda boot: boot)


def test_settings_last(mode):
    kept(mode, "ini", "14", "7")
    for _, seen in mode.json("ini restored"):
        assert seen == "-1"


def test_locale_lasts(mode):
    kept(mode, "locale", "C", "C.UTF-8")


def test_timezone_lasts(mode):
    kept(mode, "timezone", "UTC", "Asia/Tokyo")


def test_the_scripts_folder(mode):
    for _, seen in mode.json("cwd"):
        assert seen == [True, True]


def test_a_changed_folder_lasts(mode):
    folder = str(mode.server.docroot / mode.name)
    kept(mode, "chdir", folder, "/")


def test_error_handlers_last(mode):
    for n, (_, errors, _) in mode.json("error handler", query):
        assert errors == [f"for the handler {n}"]


def test_stream_wrappers_and_filters(mode):
    for n, seen in mode.json("wrapper", query):
        assert seen[0] == f"TEXT{n}"
    for n, answer in mode.ask("filter", query):
        assert answer.text == f"GRKG{n}"


def test_objects_of_a_request_end_with_it(mode):
    """What their destructors print is in the response."""
    for n, answer in mode.ask("destructor", query):
        assert answer.text == f"body[local{n}]"


def test_shutdown_functions(mode):
    """When the script ends: after each request in classic mode (and to its client), at the very end in worker mode."""
    for n, answer in mode.ask("shutdown", query):
        assert answer.text == f"body {n}" + ("" if mode.is_worker else f"shutdown {n}")
    path = mode.server.folder / "temp" / "shutdown"
    if mode.is_worker:
        assert not path.exists()
    else:
        assert sorted(map(int, path.read_text().split())) == list(range(100))
        path.unlink()


def test_variables_of_the_server_are_fresh(mode):
    for _, seen in mode.json("server"):
        assert seen is None


def test_random_numbers_differ(mode):
    seen = [tuple(answer) for _, answer in mode.json("random")]
    for column in zip(*seen):
        assert len(set(column)) == 100


def test_the_time_goes_on(mode):
    for _, seen in mode.json("datetime"):
        assert seen is True


def test_closures_that_are_kept(mode):
    """They see the superglobals of the request that calls them."""
    for n, seen in mode.json("closures", query):
        assert seen[0] == str(n)


def test_references_to_superglobals(mode):
    for n, seen in mode.json("references", query):
        assert seen == [f"{n}x", {"n": f"{n}x"}]


def test_weak_maps(mode):
    for _, seen in mode.json("weakmap", query):
        assert seen == 1


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        ("readonly", lambda n: str(n)),
        ("preg", lambda n: f"n={2 * n}"),
        ("serialize", lambda n: str(n)),
        ("attributes", lambda n: ["text"]),
        ("curl", lambda n: True),
        ("reflection", lambda n: True),
    ],
)
def test_the_language(mode, case, wanted):
    for n, seen in mode.json(case, query, 40):
        assert seen == wanted(n)


def test_enums(mode):
    for n, seen in mode.json("enum", lambda n: {"suffix": f"?s={'hs'[n % 2]}"}):
        assert seen == ("Hearts", "Spades")[n % 2]


def test_the_stack_of_a_request(mode):
    """Profilers look for the function of the loop on it."""
    for _, seen in mode.json("backtrace", count=20):
        assert seen[0] == "{closure}" or seen[0].startswith("{closure")
        assert seen[-1] == "frankenphp_handle_request" if mode.is_worker else "frankenphp_handle_request" not in seen
