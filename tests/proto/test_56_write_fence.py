"""--write-path: scripts, and commands that they run, write nowhere else.

SPDX-License-Identifier: MIT
"""

import ctypes
import json
import os
import pathlib
import tempfile

import pytest

from testenv import run_binary, wait_until

LANDLOCK_CREATE_RULESET = 444
HAS_LANDLOCK = ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1) > 0
pytestmark = pytest.mark.skipif(not HAS_LANDLOCK, reason="this kernel has no Landlock")

TRY = """<?php
$inside = $_GET['inside']; $outside = $_GET['outside'];
function attempts($folder) {
    return [
        @file_put_contents("$folder/new", 'x') !== false, @file_put_contents("$folder/old", 'x') !== false, @rename("$folder/old", "$folder/moved"), @unlink("$folder/victim"),
        @mkdir("$folder/sub"), @symlink('/etc/passwd', "$folder/link"), @touch("$folder/touched"), (function () use ($folder) { exec("echo x > '$folder/by-shell' 2>/dev/null", $o, $r); return $r === 0; })(),
        (function () use ($folder) { $f = @fopen("$folder/truncate", 'r+'); return $f && ftruncate($f, 0); })(), @file_get_contents("$folder/read") === 'read',
    ];
}
echo json_encode([attempts($inside), attempts($outside), @file_put_contents('/dev/null', 'x'), strlen(file_get_contents('/proc/self/stat')) > 0, trim(shell_exec('echo works'))]);
"""
ALL = [True] * 10
ONLY_READING = [False] * 9 + [True]


@pytest.fixture
def folders():
    """Outside of /tmp, which stays open for what the server itself writes there."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as root:
        for name in ("in", "out"):
            folder = pathlib.Path(root) / name
            folder.mkdir()
            for file in ("old", "victim", "truncate", "read"):
                (folder / file).write_text(file)
        yield pathlib.Path(root) / "in", pathlib.Path(root) / "out"


@pytest.mark.parametrize("supervisor", ["true", "false"])
def test_writing_is_limited(launch, folders, supervisor):
    inside, outside = folders
    server = launch("--write-path", inside, f"--supervisor={supervisor}", executor="ext", files={"try.php": TRY})
    answer = json.loads(server.fetch(f"/try.php?inside={inside}&outside={outside}").body)
    assert answer == [ALL, ONLY_READING, 1, True, "works"]
    assert sorted(os.listdir(outside)) == ["old", "read", "truncate", "victim"]
    assert (outside / "truncate").read_text() == "truncate"


def test_without_it_permissions_decide(launch, folders):
    inside, outside = folders
    server = launch(executor="ext", files={"try.php": TRY})
    assert json.loads(server.fetch(f"/try.php?inside={inside}&outside={outside}").body)[1] == ALL


def test_logs_uploads_and_large_responses_go_on(launch, folders):
    inside, _ = folders
    upload = "<?php echo move_uploaded_file($_FILES['f']['tmp_name'], $_GET['to'] . '/stored') ? 'ok' : 'no'; error_log('a line');"
    server = launch(
        "--write-path", inside, "--log-access", "combined", "--log-access-path", inside.parent / "out/access.log", "-d", f"upload_tmp_dir={inside}", "--response-held-bytes-max", "1M",
        executor="ext", files={"up.php": upload, "big.php": "<?php echo str_repeat('x', 30000000);"},
    )  # fmt: skip
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n' + b"y" * 300_000 + b"\r\n--b--\r\n"
    answer = server.fetch(f"/up.php?to={inside}", "POST", body=body, fields=[("Content-Type", "multipart/form-data; boundary=b")])
    assert answer.body == b"ok" and (inside / "stored").stat().st_size == 300_000
    with server.connect(receive_buffer=4096) as slow:
        slow.request("/big.php")
        wait_until(lambda: slow.readable(1), "it has begun")
        assert len(slow.expect_response(200).body) == 30_000_000
    wait_until(lambda: (inside.parent / "out/access.log").read_text().count("/big.php") == 1, "the access log")


def test_a_reload_can_open_it(launch, folders, tmp_path):
    """The supervisor stands outside of the fence."""
    inside, outside = folders
    config = tmp_path / "server.toml"
    config.write_text(f'[server]\nwrite_paths = ["{inside}"]\n')
    server = launch("--supervisor=true", "--config", config, executor="ext", files={"try.php": TRY})
    server.wait_log("supervisor.generation_ready")
    config.write_text(f'[server]\nwrite_paths = ["{inside}", "{outside}"]\n')
    mark = server.mark()
    os.kill(server.process.pid, 1)
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    server.wait_log("supervisor.generation_ended", after=mark)
    assert json.loads(server.fetch(f"/try.php?inside={inside}&outside={outside}").body)[:2] == [ALL, ALL]


def test_a_missing_folder(tmp_path):
    done = run_binary("--docroot", tmp_path, "--executor", "stub", "--listen", "127.0.0.1:0", "--write-path", "/nowhere")
    assert done.returncode == 1 and '"/nowhere", where files may be written' in done.stderr
