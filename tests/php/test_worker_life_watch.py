"""Files of the scripts of worker mode: when one changes, the script that watches it is restarted.

SPDX-License-Identifier: MIT
"""

import json

import pytest

from testenv import Clients, wait_until

APP = """<?php
$version = require __DIR__ . '/lib/version.php';
$boot = bin2hex(random_bytes(8));
while (frankenphp_handle_request(function () use ($boot, $version) {
    echo json_encode([$boot, $version]);
})) {
}
"""

FILES = {"app.php": APP, "lib/version.php": "<?php return 1;"}


@pytest.fixture
def app(launch):
    """app("--option", value) -> a Server with the script /app.php, which has lib/version.php."""

    def start(*arguments, **options):
        return launch("--worker", "app.php,1", *arguments, executor="ext", workers=1, files=FILES, **options)

    return start


def ask(server):
    response = server.fetch("/app.php")
    assert response.status == 200, response
    return json.loads(response.body)


def write(server, name, text):
    path = server.docroot / name
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + "~")
    new.write_text(text)
    new.rename(path)



def read_until(wire, text):
    seen = b""
    while text not in seen:
        part = wire.socket.recv(4096)
        assert part, seen
        seen += part


@pytest.mark.parametrize("pattern", ["lib", "lib/version.php", "lib/*.php", "**/*.{yaml,php}", "lib/ver?ion.php", ""])
def test_a_change_restarts_the_script(launch, tmp_path, pattern):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    # relative ones are meant from the working directory
    server = launch("--worker", "app.php,1", "--watch", pattern or str(tmp_path), executor="ext", workers=1, docroot=tmp_path, cwd=tmp_path)
    boot, version = ask(server)
    assert version == 1
    write(server, "lib/version.php", "<?php return 2;")
    line = server.wait_log("worker.file_changed")
    assert line["file"] == str(tmp_path / "lib/version.php")
    assert server.wait_log("worker.restarted")["asked_by"] == "changed files"
    after, version = ask(server)
    assert version == 2 and after != boot


def test_other_files_do_not(app, tmp_path):
    server = app("--watch", tmp_path / "there.php", "--watch", f"{tmp_path}/*.yaml")
    before = ask(server)
    write(server, "lib/version.php", "<?php return 2;")
    (tmp_path / "there.txt").write_text("x")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "x.yaml").write_text("x")
    server.expect_log(r"worker\.not_watched")
    (tmp_path / "real.yaml").write_text("x")
    server.wait_log("worker.restarted")
    assert ask(server) != before
    assert server.log.count("worker.restarted") == 1


def test_many_changes_at_once_are_one_restart_or_two(app):
    server = app("--dev")
    clients = Clients(server, count=2, path="/app.php")
    clients.wait(20)
    for n in range(200):
        write(server, f"lib/file{n}.php", "<?php")
    write(server, "lib/version.php", "<?php return 3;")
    wait_until(lambda: ask(server)[1] == 3, "the new version")
    assert clients.stop() == []
    server.wait_log("worker.restarted")
    assert server.log.count("worker.restarted") <= 4


def test_a_change_that_breaks_it_leaves_the_old_one(app):
    server = app("--dev")
    server.expect_log(r"worker\.(boot|restart)_failed", r"php\.message .*Unclosed")
    before = ask(server)
    write(server, "lib/version.php", "<?php return ;;; nonsense(")
    server.wait_log("worker.restart_failed")
    assert ask(server) == before
    write(server, "lib/version.php", "<?php return 5;")
    wait_until(lambda: ask(server)[1] == 5, "the mended one")


def test_a_script_that_is_watched_need_not_boot_at_the_start(launch):
    files = {**FILES, "lib/version.php": "<?php throw new Exception('not yet');"}
    server = launch("--dev", "--worker", "app.php,1", executor="ext", workers=1, files=files)
    server.expect_log(r"worker\.boot_failed", r"php\.message .*not yet")
    assert server.fetch("/app.php").status == 503
    write(server, "lib/version.php", "<?php return 6;")
    wait_until(lambda: server.fetch("/app.php").status == 200, "it boots")
    assert ask(server)[1] == 6


def test_open_pages_are_told_when_the_new_script_is_there(app):
    server = app("--dev")
    ask(server)
    with server.connect() as wire:
        wire.request("/.phpsrv/live-reload")
        read_until(wire, b"hello")
        write(server, "lib/version.php", "<?php usleep(400000); return 7;")
        read_until(wire, b"event: page")
    assert ask(server)[1] == 7
