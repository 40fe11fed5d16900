"""opcache under scripts that live long: restarts, files that change, its clock.

SPDX-License-Identifier: MIT
"""

import json
import os
import time

import pytest
import worker_php

from testenv import wait_until

CACHED = "array_map('basename', array_keys(opcache_get_status()['scripts'] ?? []))"
# files of a test are as old as this, unless it says otherwise
OLD = 1000


def write(site, name, code, age=OLD):
    path = site.server.docroot / name
    path.write_text("<?php " + code)
    then = time.time() - age
    os.utime(path, (then, then))


def start(launch, *arguments, boot="", after="", threads=1, **options):
    files = {"lib.php": "<?php return 'old';"}
    return worker_php.start(launch, *arguments, boot=boot, after=after, threads=threads, files=files, **options)


def boot_id(site):
    return site.json("$GLOBALS['boot_id']")


def restarts(site):
    return site.json("opcache_get_status(false)['opcache_statistics']['manual_restarts']")


def test_reset_boots_the_script_and_restarts_the_cache(launch):
    site = start(launch)
    first = site.json("[$GLOBALS['boot_id'], opcache_reset(), opcache_reset()]")
    assert first[1] is True
    site.server.wait_log("php.opcache_restarted")
    second = boot_id(site)
    assert second != first[0]
    assert restarts(site) == 1
    assert boot_id(site) == second, "once"


def test_reset_of_a_classic_request_boots_all_scripts(launch):
    site = start(launch, threads=3)
    (site.server.docroot / "reset.php").write_text("<?php var_dump(opcache_reset());")
    before = {boot_id(site) for _ in range(20)}
    assert b"true" in site.server.fetch("/reset.php").body
    wait_until(lambda: restarts(site) == 1, "restart")
    wait_until(lambda: not before & {boot_id(site) for _ in range(20)}, "fresh scripts")
    assert site.json("opcache_get_status(false)['opcache_enabled']") is True


def test_idle_scripts_do_not_keep_a_restart_away(launch):
    site = start(launch, threads=3)
    (site.server.docroot / "reset.php").write_text("<?php opcache_reset();")
    (site.server.docroot / "status.php").write_text("<?php echo json_encode(opcache_get_status(false)['opcache_enabled'] ?? false);")
    for _ in range(3):
        mark = site.server.mark()
        site.server.fetch("/reset.php")
        site.server.wait_log("php.opcache_restarted", after=mark)
    wait_until(lambda: site.server.fetch("/status.php").body == b"true", "the cache")
    assert "php.opcache_restart_delayed" not in site.server.log


@pytest.mark.slow
def test_scripts_that_had_to_boot_without_the_cache_get_it_later(launch):
    """A classic request that runs on keeps the restart away; when it has ended, scripts boot again by themselves."""
    site = start(launch, threads=2, workers=2)
    (site.server.docroot / "reset.php").write_text("<?php opcache_reset();")
    (site.server.docroot / "long.php").write_text("<?php touch(__DIR__ . '/begun'); while (!file_exists(__DIR__ . '/end')) usleep(5000);")
    enabled = "opcache_get_status(false)['opcache_enabled'] ?? false"
    with site.server.connect() as wire:
        wire.request("/long.php", "GET", [], None)
        wait_until(lambda: (site.server.docroot / "begun").exists(), "the long request")
        first = boot_id(site)
        site.server.fetch("/reset.php")
        wait_until(lambda: boot_id(site) != first, "boot")
        assert site.json(enabled) is False
        (site.server.docroot / "end").write_text("")
    site.server.wait_log("php.opcache_restarted", timeout=40)
    wait_until(lambda: all(site.json(enabled) for _ in range(8)), "the cache")


def test_reset_while_the_script_boots_does_nothing(launch):
    site = start(launch, boot="$GLOBALS['reset'] = opcache_reset();")
    first = boot_id(site)
    assert site.json("$GLOBALS['reset']") is True
    assert boot_id(site) == first
    assert restarts(site) == 0


def test_many_resets_under_load(launch):
    site = start(launch, threads=3, workers=2)
    (site.server.docroot / "reset.php").write_text("<?php opcache_reset(); echo 'done';")
    write(site, "more.php", "class More { const A = ['x' => [1, 2, 3]]; function f() { return self::A; } } return (new More)->f();")
    from concurrent.futures import ThreadPoolExecutor

    def one(i):
        if i % 25 == 0:
            return site.server.fetch("/reset.php").body == b"done"
        return site.json("class_exists('More', false) ? (new More)->f() : include 'more.php'") == {"x": [1, 2, 3]}

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(one, range(400)))


@pytest.mark.parametrize("validates", ["1", "0"])
def test_a_booting_script_sees_the_files_on_disk(launch, validates):
    site = start(
        launch, "-d", f"opcache.validate_timestamps={validates}", "-d", "opcache.revalidate_freq=3600",
        boot="$GLOBALS['lib'] = require __DIR__ . '/lib.php';",
    )  # fmt: skip
    write(site, "late.php", "return 'old';", age=900)
    seen = "[$GLOBALS['lib'], require 'late.php', ini_get('opcache.validate_timestamps'), ini_get('opcache.revalidate_freq')]"
    assert site.json(seen) == ["old", "old", validates, "3600"]
    assert site.json(seen) == ["old", "old", validates, "3600"]
    write(site, "lib.php", "return 'new';", age=500)
    write(site, "late.php", "return 'new';", age=500)
    assert site.json("[require 'lib.php', require 'late.php']")[1] == "old", "running scripts do as the settings say"
    first = boot_id(site)
    site.run("exit(0);")
    wait_until(lambda: boot_id(site) != first, "boot")
    assert site.json("$GLOBALS['lib']") == "new"


def test_a_booting_script_follows_links(launch, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    for name in ("one", "two"):
        (tmp_path / name / "lib.php").write_text(f"<?php return '{name}';")
        os.utime(tmp_path / name / "lib.php", (time.time() - OLD, time.time() - OLD))
    (tmp_path / "current").symlink_to("one")
    site = start(launch, boot=f"$GLOBALS['lib'] = require '{tmp_path}/current/lib.php';")
    assert site.json("$GLOBALS['lib']") == "one"
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "current")
    first = boot_id(site)
    site.run("exit(0);")
    wait_until(lambda: boot_id(site) != first, "boot")
    assert site.json("$GLOBALS['lib']") == "two"


def test_files_that_are_younger_than_the_script_are_cached(launch):
    site = start(launch, "-d", "opcache.file_update_protection=2")
    write(site, "young.php", "return 1;", age=0)
    assert site.json("require 'young.php'") == 1
    assert "young.php" not in site.json(CACHED), "it may still be written"
    wait_until(lambda: site.json("require 'young.php'") == 1 and "young.php" in site.json(CACHED), "caching")


def test_changed_files_are_seen_after_the_time_set(launch):
    site = start(launch, "-d", "opcache.validate_timestamps=1", "-d", "opcache.revalidate_freq=1", "-d", "opcache.file_update_protection=0")
    write(site, "lib2.php", "return 'old';", age=900)
    assert site.json("require 'lib2.php'") == "old"
    write(site, "lib2.php", "return 'new';", age=500)
    wait_until(lambda: site.json("require 'lib2.php'") == "new", "new file")


def test_boot_settings_end_with_the_script(launch):
    """What is looked at while a script boots is the thread's alone."""
    site = start(launch, "-d", "opcache.validate_timestamps=0")
    (site.server.docroot / "classic.php").write_text("<?php echo json_encode(opcache_get_configuration()['directives']);")
    directives = json.loads(site.server.fetch("/classic.php").body)
    assert directives["opcache.validate_timestamps"] is False
