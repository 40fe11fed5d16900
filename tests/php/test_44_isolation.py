"""What a script changes in its world is its own while it runs, and gone afterwards: environment and locale.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import json
import os
import subprocess

import pytest

from conftest import start_site
from testenv import wait_until

# Waits in the middle of its request until it is let go on.
MEET = """function meet() { touch($_GET['here']); while (!file_exists($_GET['there'])) { usleep(1000); clearstatcache(); } }\n"""


@pytest.fixture(scope="module")
def locales(tmp_path_factory):
    folder = tmp_path_factory.mktemp("locales")
    for name in ("de_DE", "fr_FR"):
        subprocess.run(["localedef", "--no-archive", "-i", name, "-f", "UTF-8", folder / f"{name}.UTF-8"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def world(launch_module, locales):
    return start_site(launch_module, workers=3, env={"LOCPATH": str(locales), "BASE": "from outside", "LANG": "C.UTF-8"})


class Held:
    """A request that has run the first half of its code, and waits."""

    def __init__(self, site, tmp_path, first, second):
        self.there = tmp_path / "there"
        here = tmp_path / "here"
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.answer = pool.submit(site.run, MEET + first + "; meet(); " + second, f"?here={here}&there={self.there}")
        wait_until(lambda: here.exists() or self.answer.done(), "the first half")
        assert here.exists(), self.answer.result()

    def finish(self):
        self.there.touch()
        return json.loads(self.answer.result().body)


# ---- environment


def test_putenv_is_not_seen_by_others(world, tmp_path):
    held = Held(world, tmp_path, "putenv('SECRET=a'); putenv('BASE=changed'); putenv('PATH')", "echo json_encode([getenv('SECRET'), getenv('BASE'), getenv('PATH')]);")
    other = world.json("[getenv('SECRET'), getenv('BASE'), getenv('SECRET', true), isset(getenv()['SECRET']), isset($_ENV['SECRET']), trim(shell_exec('echo $BASE$SECRET'))]")
    assert other == [False, "from outside", False, False, False, "from outside"]
    assert world.json("strlen(getenv('PATH')) > 0")
    # what another one puts and takes back leaves the first one's alone
    world.run("putenv('SECRET=b'); putenv('BASE=b');")
    assert held.finish() == ["a", "changed", False]
    assert world.json("[getenv('SECRET'), getenv('BASE')]") == [False, "from outside"]


def test_all_variables(world):
    names = world.json("(function () { putenv('NEW=1'); putenv('BASE'); putenv('LANG=x=y'); $all = getenv(); return [$all['NEW'], isset($all['BASE']), $all['LANG'], getenv('LANG')]; })()")
    assert names == ["1", False, "x=y", "x=y"]


VALUES = ["plain", "", "two words", "it's", 'say "x"', "$HOME `id` $(id)", "a\nb", "back\\slash", "ümlaut", "a;b&c|d", "*", "~", "'"]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
@pytest.mark.parametrize("way", ["exec", "popen", "proc_open", "proc_open list"])
def test_commands_see_it(world, way, value):
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    code = {
        "exec": "return shell_exec('printf %s. \"$VALUE\"; printf %s \"${BASE-none}\"');",
        "popen": "$p = popen('printf %s. \"$VALUE\"; printf %s \"${BASE-none}\"', 'r'); return stream_get_contents($p) . (pclose($p) ?: '');",
        "proc_open": "$p = proc_open('printf %s. \"$VALUE\"; printf %s \"${BASE-none}\"', [1 => ['pipe', 'w']], $pipes); $r = stream_get_contents($pipes[1]); proc_close($p); return $r;",
        "proc_open list": "$p = proc_open(['sh', '-c', 'printf %s. \"$VALUE\"; printf %s \"${BASE-none}\"'], [1 => ['pipe', 'w']], $pipes); $r = stream_get_contents($pipes[1]); proc_close($p); return $r;",
    }[way]
    assert world.json(f"(function () {{ putenv('VALUE={quoted}'); putenv('BASE'); {code} }})()") == value + ".none"


def test_an_environment_of_its_own(world):
    """proc_open() with an environment gets that one."""
    code = "putenv('A=1'); $p = proc_open('echo $A$B', [1 => ['pipe', 'w']], $pipes, null, ['B' => '2']); return trim(stream_get_contents($pipes[1]));"
    assert world.json(f"(function () {{ {code} }})()") == "2"


def test_status_and_messages_of_commands(world):
    code = "putenv('A=1'); exec('exit 3', $o, $r); exec('nocommand 2>&1', $o, $s); return [$r, $s, $o];"
    assert world.json(f"(function () {{ {code} }})()") == [3, 127, ["sh: 1: nocommand: not found"]]


def test_forked_child(world):
    code = """putenv('A=child'); $f = tempnam('/tmp', 'psv'); $pid = pcntl_fork();
        if ($pid === 0) { file_put_contents($f, getenv('A') . shell_exec('printf %s $A')); exit(0); }
        pcntl_waitpid($pid, $s); $r = file_get_contents($f); unlink($f); return $r;"""
    assert world.json(f"(function () {{ {code} }})()") == "childchild"


def test_under_load(world):
    path = world.script("$mine = $_GET['n']; for ($i = 0; $i < 200; $i++) { putenv(\"MINE=$mine\"); putenv(\"L$i=x\"); if (getenv('MINE') !== $mine || getenv('BASE') !== 'from outside') { echo 'mixed'; exit; } putenv('MINE'); } echo 'ok';")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert {answer.body for answer in pool.map(lambda n: world.server.fetch(f"{path}?n={n}"), range(300))} == {b"ok"}
    assert world.json("[getenv('MINE'), getenv('L0')]") == [False, False]


# ---- priority

NICE = "explode(' ', file_get_contents('/proc/thread-self/stat'))[18]"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets its priority back")
def test_nice_ends_with_the_request(launch_php):
    site = launch_php(workers=1)
    plain = site.json(NICE)
    for _ in range(3):
        assert site.json(f"[proc_nice(7), {NICE}]") == [True, str(int(plain) + 7)]
        assert site.json(NICE) == plain


# ---- locale

SHOW = "[setlocale(LC_NUMERIC, 0), localeconv()['decimal_point'], sprintf('%.1f', 1.5), nl_langinfo(DAY_1)]"
PLAIN = ["C", ".", "1.5", "Sunday"]
GERMAN = ["de_DE.UTF-8", ",", "1,5", "Sonntag"]


def test_setlocale_is_not_seen_by_others(world, tmp_path):
    held = Held(world, tmp_path, "setlocale(LC_ALL, 'de_DE.UTF-8')", f"echo json_encode({SHOW});")
    assert world.json(SHOW) == PLAIN
    french = world.json(f"(function () {{ setlocale(LC_ALL, 'fr_FR.UTF-8'); return {SHOW}; }})()")
    assert french == ["fr_FR.UTF-8", ",", "1,5", "dimanche"]
    assert held.finish() == GERMAN
    for _ in range(6):
        assert world.json(SHOW) == PLAIN


@pytest.mark.parametrize(("code", "expected"), [
    ("setlocale(LC_ALL, 'de_DE.UTF-8')", "de_DE.UTF-8"),
    ("setlocale(LC_ALL, 'xx_XX')", False),
    ("setlocale(LC_ALL, 'xx_XX', 'fr_FR.UTF-8')", "fr_FR.UTF-8"),
    ("setlocale(LC_ALL, ['xx_XX', 'C'])", "C"),
    ("[setlocale(LC_TIME, 'de_DE.UTF-8'), setlocale(LC_NUMERIC, 0), setlocale(LC_TIME, 0)]", ["de_DE.UTF-8", "C", "de_DE.UTF-8"]),
    ("setlocale(LC_CTYPE, 0)", "C.UTF-8"),
    ("[setlocale(LC_ALL, 'de_DE.UTF-8'), setlocale(LC_ALL, 'C'), setlocale(LC_ALL, 0)]", ["de_DE.UTF-8", "C", "C"]),
    ("[putenv('LC_ALL=fr_FR.UTF-8'), setlocale(LC_ALL, '')]", [True, "fr_FR.UTF-8"]),
    ("[putenv('LC_TIME=fr_FR.UTF-8'), setlocale(LC_TIME, ''), setlocale(LC_NUMERIC, '')]", [True, "fr_FR.UTF-8", "C.UTF-8"]),
    ("setlocale(99, 'C')", False),
    ("[setlocale(LC_ALL, $a = setlocale(LC_MONETARY, 'de_DE.UTF-8') ? setlocale(LC_ALL, 0) : ''), localeconv()['int_curr_symbol']]", None),
    ("[setlocale(LC_ALL, 'de_DE.UTF-8'), strcoll('ä', 'b') < 0]", ["de_DE.UTF-8", True]),
], ids=range(12))  # fmt: skip
def test_answers_of_setlocale(world, code, expected):
    got = world.json(code)
    if expected is None:
        assert got[0].startswith("LC_CTYPE=C.UTF-8;LC_NUMERIC=C;") and "LC_MONETARY=de_DE.UTF-8" in got[0] and got[1] == "EUR "
    else:
        assert got == expected
    assert world.json(SHOW) == PLAIN


@pytest.mark.no_sanitizer
def test_locales_leave_nothing_behind(launch_php):
    site = launch_php(workers=1)
    path = site.script("for ($i = 0; $i < 500; $i++) { setlocale(LC_ALL, 'C.UTF-8'); setlocale(LC_NUMERIC, 'C'); setlocale(LC_ALL, 'xx'); setlocale(LC_ALL, 'C'); setlocale(LC_ALL, ''); putenv(\"A$i=b\"); }")

    def visit(times):
        with site.server.connect() as wire:
            for _ in range(times):
                wire.request(path)
                wire.expect_response(200)
        return site.server.memory_kib("Anonymous")

    warm = visit(20)
    assert visit(100) <= warm + 512


def test_locales_under_load(world):
    path = world.script("$l = $_GET['l'] . '.UTF-8'; for ($i = 0; $i < 50; $i++) { if (setlocale(LC_ALL, $l) !== $l || setlocale(LC_ALL, 0) !== $l) { echo 'mixed'; exit; } setlocale(LC_ALL, 'C'); setlocale(LC_ALL, $l); } echo nl_langinfo(DAY_1);")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = pool.map(lambda n: world.server.fetch(f"{path}?l={('de_DE', 'fr_FR', 'C')[n % 3]}").text, range(300))
    assert list(answers) == ["Sonntag", "dimanche", "Sunday"] * 100
