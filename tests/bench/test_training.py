"""PHPSRV_PHP_OPTIMIZE=pgo: the stages of the build, and the scripts that PHP is trained with.

The build of PHP itself is too long for a test: its stages run here with stand-ins for make and for the training.

SPDX-License-Identifier: MIT
"""

import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRAINING = ROOT / "third_party" / "training"
REQUESTS = [line.split(" ", 4) for line in (TRAINING / "requests.txt").read_text().splitlines() if line and not line.startswith("#")]


def run(command, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PHPSRV_")} | variables
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


# ---- the scripts


@pytest.mark.parametrize("line", REQUESTS, ids=lambda line: line[3])
def test_a_request_names_a_script_and_what_it_answers(line):
    weight, status, method, target = line[:4]
    assert int(weight) > 0 and 200 <= int(status) <= 599
    assert method in ("GET", "POST", "UPLOAD") and (len(line) == 5) == (method != "GET")
    assert (TRAINING / "site" / target.split("?")[0].lstrip("/")).is_file()


def test_every_script_is_asked_for():
    asked = {target.split("?")[0].lstrip("/") for _, _, _, target, *_ in REQUESTS}
    assert asked == {path.name for path in (TRAINING / "site").glob("*.php")}


@pytest.fixture
def tree(tmp_path):
    """An installed PHP in the shape of its build tree."""
    prefix = pathlib.Path(os.environ.get("PHPSRV_PHP_PREFIX") or pytest.skip("PHPSRV_PHP_PREFIX names the PHP to try with"))
    opcache = next(prefix.glob("lib/php/extensions/*/opcache.so"))
    for name, target in {"main": prefix / "include/php/main", "Zend": prefix / "include/php/Zend", "libs": prefix / "lib", "modules": opcache.parent}.items():
        (tmp_path / name).symlink_to(target)
    return prefix / "include/php", tmp_path


def test_the_training_runs(tree):
    done = run([str(TRAINING / "train.sh"), *map(str, tree)], PHPSRV_TRAINING_ROUNDS="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^1 rounds of \d+ requests, \d{6,} bytes$", done.stdout, re.M)) == 4
    assert "opcache.jit=tracing" in done.stdout and "opcache.jit=disable" in done.stdout


def test_a_script_that_answers_otherwise_ends_the_training(tree, tmp_path):
    copy = tmp_path / "training"
    subprocess.run(["cp", "-r", str(TRAINING), str(copy)], check=True)
    (copy / "site" / "hello.php").write_text("<?php http_response_code(418);")
    done = run([str(copy / "train.sh"), *map(str, tree)], PHPSRV_TRAINING_ROUNDS="1")
    assert done.returncode != 0
    assert "GET /hello.php was answered with 418, not 200" in done.stderr


# ---- the build


@pytest.mark.parametrize("value", ["yes", "PGO", "lto"])
def test_an_unknown_value_is_refused(value, tmp_path):
    done = run([str(ROOT / "third_party/build_php.sh")], PHPSRV_PHP_OPTIMIZE=value, PHPSRV_CACHE_DIR=str(tmp_path))
    assert done.returncode != 0 and f"PHPSRV_PHP_OPTIMIZE is '{value}': use pgo or none" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_package_has_the_plain_php(tmp_path):
    done = run([str(ROOT / "third_party/build_php.sh"), "--package"], PHPSRV_PHP_OPTIMIZE="pgo", PHPSRV_CACHE_DIR=str(tmp_path))
    assert done.returncode != 0 and "is not for the PHP of the package" in done.stderr


def prefix_of(cache, **variables):
    """What build_php.sh prints for a cache in which a finished build of each key stands."""
    return run([str(ROOT / "third_party/build_php.sh")], PHPSRV_CACHE_DIR=str(cache), **variables).stdout.strip()


def key_of(**variables):
    # The function alone, without what the script does at its end.
    text = (ROOT / "third_party/build_php.sh").read_text().replace("main </dev/null", "build_key").replace(
        '"$(dirname "${BASH_SOURCE[0]}")"', str(ROOT / "third_party"))
    done = run(["bash", "-c", text], **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_both_php_have_their_place(tmp_path):
    plain, trained = key_of(), key_of(PHPSRV_PHP_OPTIMIZE="pgo")
    assert re.fullmatch("[0-9a-f]{12}", plain) and re.fullmatch("[0-9a-f]{12}", trained) and plain != trained
    assert key_of(PHPSRV_PHP_OPTIMIZE="none") == plain
    for key in (plain, trained):
        (tmp_path / f"php-8.4.0-{key}" / "stamps").mkdir(parents=True)
        (tmp_path / f"php-8.4.0-{key}" / "stamps" / "installed").touch()
    assert prefix_of(tmp_path) == str(tmp_path / f"php-8.4.0-{plain}" / "prefix")
    assert prefix_of(tmp_path, PHPSRV_PHP_OPTIMIZE="pgo") == str(tmp_path / f"php-8.4.0-{trained}" / "prefix")


STAGES = """
set -euo pipefail
here={here} build={build} PGO_GENERATE=-fprofile-generate
. {root}/third_party/lib.sh
. {root}/third_party/pgo_php.sh
run_make() {{ printf 'make %s\\n' "$*" >>"$build/calls"; mkdir -p "$build/build/Zend/.libs"; }}
make() {{ echo prof-clean >>"$build/calls"; [[ ! -e $build/interrupt ]]; }}
train_php
"""


@pytest.fixture
def build(tmp_path):
    """A build tree that is configured, with a training that leaves one profile."""
    for name in ("stamps", "log", "src", "build", "training"):
        (tmp_path / name).mkdir()
    train = tmp_path / "training" / "train.sh"
    train.write_text('#!/bin/sh\necho train >>"$(dirname "$2")/calls"\n[ ! -e "$(dirname "$2")/fail" ] || exit 1\necho counts >"$2/Zend/.libs/zend_execute.gcda"\n')
    train.chmod(0o755)
    return tmp_path


def stages(build):
    done = run(["bash", "-c", STAGES.format(here=shlex.quote(str(build)), build=shlex.quote(str(build)), root=shlex.quote(str(ROOT)))])
    calls = [line.split()[0] for line in (build / "calls").read_text().splitlines()]
    (build / "calls").unlink()
    return done, calls


def test_the_profile_reaches_the_objects_of_both(build):
    done, calls = stages(build)
    assert done.returncode == 0, done.stderr
    assert calls == ["make", "train", "prof-clean"]
    for name in ("Zend/.libs/zend_execute.gcda", "Zend/zend_execute.gcda"):
        assert (build / "build" / name).read_text() == "counts\n"
    assert {path.name for path in (build / "stamps").iterdir()} == {"instrumented", "profiled", "trained"}


def test_a_failed_training_is_repeated_without_compiling(build):
    (build / "fail").touch()
    done, calls = stages(build)
    assert done.returncode != 0 and "the training of PHP failed" in done.stderr and calls == ["make", "train"]
    (build / "fail").unlink()
    # Half of the counts of the run that failed.
    (build / "build/Zend/.libs/half.gcda").write_text("half\n")
    done, calls = stages(build)
    assert done.returncode == 0 and calls == ["train", "prof-clean"]
    assert not (build / "build/Zend/half.gcda").exists()


def test_an_interrupted_cleaning_keeps_the_profile(build):
    (build / "interrupt").touch()
    done, calls = stages(build)
    assert done.returncode != 0 and calls[-1] == "prof-clean"
    (build / "interrupt").unlink()
    done, calls = stages(build)
    assert done.returncode == 0 and calls == ["prof-clean"]
    assert (build / "build/Zend/zend_execute.gcda").exists()
