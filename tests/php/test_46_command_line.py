"""phpsrv run: scripts on the command line, with the server's settings.

SPDX-License-Identifier: MIT
"""

import json
import signal
import subprocess

import pytest

from testenv import run_binary, wait_until
from testenv.server import binary_path, environment

SHOW = "<?php echo json_encode([PHP_SAPI, array_slice($argv, 1), ini_get('memory_limit'), ini_get('precision'), getenv('MINE')]);"


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "show.php"
    path.write_text(SHOW)
    return path


def test_arguments_and_settings(script, tmp_path):
    ini = tmp_path / "my.ini"
    ini.write_text("memory_limit = 77M\nprecision = 9\n")
    config = tmp_path / "server.toml"
    config.write_text(f'workers.count = 3\n[php]\nini_file = "{ini}"\nini_values = ["precision=8"]\n')
    done = run_binary("run", "--config", config, script, "-a", "--long=x", "two words", "", "--help", env={"MINE": "kept"})
    assert done.returncode == 0 and done.stdout == '["cli",["-a","--long=x","two words","","--help"],"77M","8","kept"]', (done.stdout, done.stderr)
    done = run_binary("run", "-d", "precision=7", "--php-ini", ini, script)
    assert done.stdout == '["cli",[],"77M","7",false]'
    assert run_binary("run", script, env={"PHPSRV_PHP_INI_VALUE": "precision=6"}).stdout.endswith('"6",false]')


def test_same_extensions_as_the_server(launch_php, tmp_path):
    site = launch_php()
    (tmp_path / "x.php").write_text("<?php $e = array_diff(get_loaded_extensions(), ['cli', 'phpsrv', 'frankenphp', 'readline']); sort($e); echo PHP_VERSION, PHP_ZTS, json_encode($e);")
    theirs = site.run("$e = array_diff(get_loaded_extensions(), ['cli', 'phpsrv', 'frankenphp', 'readline', 'Zend OPcache']); sort($e); echo PHP_VERSION, PHP_ZTS, json_encode($e);").text
    assert run_binary("run", tmp_path / "x.php").stdout == theirs


def test_the_line_editor_is_for_the_command_line(launch_php, tmp_path):
    """It has one state for a process, without locks: no thread of a server gets at it."""
    code = "echo json_encode(array_filter(['readline', 'readline_add_history', 'readline_callback_handler_install', 'readline_info'], 'function_exists'));"
    assert json.loads(launch_php().run(code).text) == []
    (tmp_path / "x.php").write_text(f"<?php {code}")
    if "readline" in (found := run_binary("run", tmp_path / "x.php").stdout):  # PHP can be built without it
        assert len(json.loads(found)) == 4


def test_streams_and_exit_code(tmp_path):
    (tmp_path / "cat.php").write_text("<?php echo strtoupper(stream_get_contents(STDIN)); fwrite(STDERR, 'to stderr'); exit(7);")
    done = subprocess.run([binary_path(), "run", tmp_path / "cat.php"], input="abc", capture_output=True, text=True, env=environment(), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "ABC", "to stderr")


def test_signals_reach_the_script(tmp_path):
    here = tmp_path / "here"
    (tmp_path / "wait.php").write_text(f"<?php pcntl_async_signals(true); pcntl_signal(SIGTERM, function () {{ echo 'ending'; exit(0); }}); touch('{here}'); sleep(60);")
    with subprocess.Popen([binary_path(), "run", tmp_path / "wait.php"], stdout=subprocess.PIPE, env=environment()) as process:
        wait_until(here.exists, "the script runs")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[0] == b"ending" and process.returncode == 0


@pytest.mark.parametrize(("arguments", "status", "message"), [
    (["run"], 2, "no script given: phpsrv run [OPTION]... SCRIPT"),
    (["run", "-w", "2"], 2, "no script given"),
    (["run", "--nonsense", "x.php"], 2, "unknown option"),
    (["run", "/nowhere/x.php"], 1, "Could not open input file: /nowhere/x.php"),
    (["run", "--executor", "stub", "x.php"], 1, 'the executor "stub" runs no scripts'),
    (["walk"], 2, "unexpected argument"),
], ids=range(6))  # fmt: skip
def test_wrong_calls(arguments, status, message):
    done = run_binary(*arguments)
    assert message in done.stdout + done.stderr and done.returncode == status, (done.returncode, done.stdout, done.stderr)


def test_help_names_it():
    assert "phpsrv run [OPTION]... SCRIPT" in run_binary("--help").stdout
    assert run_binary("run", "--help").returncode == 0
