"""Start-up: ready line, informative options, wrong options and files, addresses.

SPDX-License-Identifier: MIT
"""

import json
import re
import signal
import socket
import tomllib

import pytest

from testenv import Metrics, run_binary


def refused(*arguments, env=None, cwd=None):
    """Runs a start that must fail on its configuration; returns the sentence."""
    result = run_binary(*arguments, env=env, cwd=cwd)
    assert result.returncode == 2, (result.returncode, result.stderr)
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, f"one sentence was expected: {result.stderr!r}"
    return lines[0]


def write_toml(folder, text):
    path = folder / "server.toml"
    path.write_text(text)
    return path


# ---- ready line


def test_ready_line_names_what_listens(launch):
    server = launch(workers=3)
    assert re.fullmatch(r"127\.0\.0\.1:[1-9][0-9]*", server.ready["address"])
    assert re.fullmatch(r"127\.0\.0\.1:[1-9][0-9]*", server.ready["internal"])
    assert server.ready["address"] != server.ready["internal"]
    assert server.ready["workers"] == "3"
    assert server.ready["executor"] == "stub"
    assert server.pid == server.process.pid
    assert server.fetch("/anything").status == 200


def test_ready_line_as_json(launch):
    server = launch("--log-format", "json", workers=1)
    assert server.ready["event"] == "server.ready"
    assert server.ready["workers"] == 1
    assert server.ready["pid"] == server.process.pid
    for line in server.log_lines():
        json.loads(line)


def test_ready_means_it_accepts(launch):
    for _ in range(5):
        assert launch(workers=1).fetch("/x").status == 200


def test_without_internal_listener(launch):
    server = launch("--internal", "")
    assert server.internal_address is None
    assert server.fetch("/x").status == 200


def test_default_of_workers_is_the_number_of_cores(launch):
    server = launch(workers=0)
    assert 1 <= int(server.ready["workers"]) <= 4096
    assert Metrics(server.internal("/metrics").text)["phpsrv_workers_configured"] == int(server.ready["workers"])


def test_two_servers_take_different_ports(launch):
    first, second = launch(), launch()
    assert first.address != second.address


def test_port_in_use(launch, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_binary("--listen", f"127.0.0.1:{port}", "--docroot", tmp_path, "--executor", "stub")
        assert result.returncode not in (0, -signal.SIGSEGV)
        assert str(port) in result.stderr and "in use" in result.stderr.lower()


def test_internal_port_in_use(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_binary(
            "--listen", "127.0.0.1:0", "--internal", f"127.0.0.1:{port}", "--docroot", tmp_path, "--executor", "stub"
        )  # fmt: skip
        assert result.returncode != 0
        assert str(port) in result.stderr


def test_ipv6(launch):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")
    server = launch("--listen", "[::1]:0")
    assert server.ready["address"].startswith("[::1]:")
    port = int(server.ready["address"].rpartition(":")[2])
    with socket.create_connection(("::1", port), timeout=20) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


# ---- informative options


def test_version():
    result = run_binary("--version")
    assert result.returncode == 0 and result.stderr == ""
    assert re.match(r"phpsrv [0-9]+\.[0-9]+\.[0-9]+", result.stdout)
    for library in ("llhttp", "libevent"):
        assert re.search(rf"{library}\W+[0-9]+\.[0-9]+", result.stdout, re.I), result.stdout
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert len(names) == len(set(names)), "each is named once"


def test_help_groups_and_defaults():
    result = run_binary("--help")
    assert result.returncode == 0 and result.stderr == ""
    for text in ("--listen", "0.0.0.0:8080", "--workers", "--docroot", "--queue-capacity", "--executor", "--check-config"):
        assert text in result.stdout
    assert "\t" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 120


def test_informative_options_win_over_everything(tmp_path):
    assert run_binary("--docroot", tmp_path / "missing", "--version").returncode == 0
    assert run_binary("--help", "--docroot", tmp_path / "missing").returncode == 0


def test_check_config(tmp_path):
    result = run_binary("--check-config", "--docroot", tmp_path, "--executor", "stub")
    assert result.returncode == 0, result.stderr


def test_check_config_of_a_wrong_one(tmp_path):
    config = write_toml(tmp_path, "[workers]\ncount = 'many'\n")
    assert "server.toml" in refused("--check-config", "--config", config)


def test_dump_config_is_toml_with_origins(tmp_path):
    config = write_toml(tmp_path, f'[site]\ndocroot = "{tmp_path}"\n\n[queue]\ncapacity = 17\n')
    result = run_binary(
        "--dump-config", "--config", config, "--workers", "3", "--executor", "stub", env={"PHPSRV_LOG_LEVEL": "warn"}
    )
    assert result.returncode == 0, result.stderr
    values = tomllib.loads(result.stdout)
    assert values["workers"]["count"] == 3
    assert values["queue"]["capacity"] == 17
    assert values["log"]["level"] == "warn"
    assert values["site"]["docroot"] == str(tmp_path)
    line = next(line for line in result.stdout.splitlines() if line.startswith("capacity"))
    assert "server.toml:5" in line or "line 5" in line, line


def test_dumped_config_starts_a_server(launch, tmp_path):
    dumped = run_binary("--dump-config", "--docroot", tmp_path, "--executor", "stub", "--workers", "2")
    config = write_toml(tmp_path, dumped.stdout)
    server = launch("--config", config, docroot=tmp_path)
    assert server.ready["workers"] == "2"


def test_precedence(launch, tmp_path):
    config = write_toml(tmp_path, '[queue]\ncapacity = 11\n[log]\nlevel = "error"\n[http]\nheader_count_max = 20\n')
    result = run_binary(
        "--dump-config", "--config", config, "--docroot", tmp_path, "--queue-capacity", "33",
        env={"PHPSRV_QUEUE_CAPACITY": "22", "PHPSRV_LOG_LEVEL": "debug"},
    )  # fmt: skip
    values = tomllib.loads(result.stdout)
    assert values["queue"]["capacity"] == 33, "the command line is the strongest"
    assert values["log"]["level"] == "debug", "the environment is stronger than the file"
    assert values["http"]["header_count_max"] == 20, "the file is stronger than the default"


# ---- wrong options


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--wrokers", "3"], ["--wrokers", "--workers"]),
        (["--doc-root", "x"], ["--doc-root", "--docroot"]),
        (["--nonsense"], ["--nonsense"]),
        (["-Z"], ["-Z"]),
        (["stray"], ["stray"]),
        (["--workers"], ["--workers"]),
        (["--workers", "many"], ["workers", "many"]),
        (["--workers", "-1"], ["workers", "-1"]),
        (["--workers", "3.5"], ["workers", "3.5"]),
        (["--workers", ""], ["workers"]),
        (["--workers", "4097"], ["workers", "4096"]),
        (["--workers", "99999999999999999999"], ["workers"]),
        (["--queue-capacity", "0x10"], ["queue", "0x10"]),
        (["--http-body-bytes-max", "12Q"], ["12Q"]),
        (["--http-header-timeout-ms", "5 parsecs"], ["5 parsecs"]),
        (["--http-header-timeout-ms", "0"], ["header"]),
        (["--executor", "sub"], ["sub", "stub", "ext"]),
        (["--log-level", "loud"], ["loud", "info", "warn"]),
        (["--log-format", "xml"], ["xml", "json"]),
        (["--static-enabled=perhaps"], ["perhaps"]),
        (["--listen", "127.0.0.1"], ["127.0.0.1"]),
        (["--listen", "127.0.0.1:"], ["127.0.0.1"]),
        (["--listen", "127.0.0.1:65536"], ["65536"]),
        (["--listen", "127.0.0.1:http"], ["http"]),
        (["--listen", "[::1:80"], ["[::1:80"]),
        (["--config", "/nonexistent/server.toml"], ["/nonexistent/server.toml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_command_line(tmp_path, arguments, words):
    sentence = refused("--docroot", tmp_path, *arguments)
    for word in words:
        assert word in sentence, sentence


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("[workers]\ncout = 3\n", 2, ["workers.cout", "workers.count"]),
        ("[wrkers]\ncount = 3\n", 2, ["wrkers", "workers"]),
        ("[completely_different]\nx = 1\n", 2, ["completely_different"]),
        ("top = 1\n", 1, ["top"]),
        ("[workers]\ncount = 'three'\n", 2, ["workers.count"]),
        ("[workers]\n\n# comment\ncount = true\n", 4, ["workers.count"]),
        ("[workers]\ncount = 3.5\n", 2, ["workers.count"]),
        ("[workers]\ncount = -1\n", 2, ["workers.count"]),
        ("[workers]\ncount = 5000\n", 2, ["workers.count", "4096"]),
        ("[workers]\ncount = [1]\n", 2, ["workers.count"]),
        ("[log]\nlevel = 'loud'\n", 2, ["log.level", "loud", "warn"]),
        ("[static]\nenabled = 1\n", 2, ["static.enabled"]),
        ("[http]\nbody_bytes_max = '64X'\n", 2, ["http.body_bytes_max", "64X"]),
        ("[workers]\ncount = 1\ncount = 2\n", 3, []),
        ("[workers\ncount = 1\n", 1, []),
        ("[workers]\ncount = \n", 2, []),
    ],
)
def test_wrong_file(tmp_path, text, line, words):
    config = write_toml(tmp_path, text)
    sentence = refused("--docroot", tmp_path, "--config", config)
    assert f"{config}:{line}" in sentence, sentence
    for word in words:
        assert word in sentence, sentence


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("PHPSRV_WROKERS", "3", ["PHPSRV_WROKERS", "PHPSRV_WORKERS"]),
        ("PHPSRV_WORKERS", "many", ["PHPSRV_WORKERS", "many"]),
        ("PHPSRV_LOG_LEVEL", "loud", ["PHPSRV_LOG_LEVEL", "loud"]),
    ],
)
def test_wrong_environment(tmp_path, name, value, words):
    sentence = refused("--docroot", tmp_path, env={name: value})
    for word in words:
        assert word in sentence, sentence


def test_docroot_missing(tmp_path):
    sentence = refused("--executor", "stub", "--docroot", "nowhere", cwd=tmp_path)
    assert "nowhere" in sentence and "--docroot" in sentence


def test_docroot_is_a_file(tmp_path):
    (tmp_path / "a_file").write_text("x")
    assert "a_file" in refused("--executor", "stub", "--docroot", "a_file", cwd=tmp_path)


def test_control_bytes_of_an_option_do_not_reach_the_terminal(tmp_path):
    assert "\x1b" not in refused("--docroot", tmp_path, "--log-level", "\x1b[31mred")


# ---- documentation that derives from the table


def test_example_config_is_what_the_table_says():
    from testenv.server import ROOT

    printed = run_binary("--print-example-config")
    assert printed.returncode == 0
    assert (ROOT / "config.example.toml").read_text() == printed.stdout


def test_example_config_loads(tmp_path):
    config = write_toml(tmp_path, run_binary("--print-example-config").stdout)
    result = run_binary("--check-config", "--config", config, "--docroot", tmp_path, "--executor", "stub")
    assert result.returncode == 0, result.stderr


def test_options_page_is_what_the_table_says():
    from testenv.server import ROOT

    printed = run_binary("--print-options-reference")
    assert printed.returncode == 0
    assert (ROOT / "docs" / "options.md").read_text() == printed.stdout


@pytest.mark.parametrize(
    ("codings", "sentence"), [("lz4", "none of zstd, br, gzip, off"), ("gzip,gzip", "twice"), (",", "names no coding"), ("gzip,off", "none of")]
)
def test_wrong_codings(codings, sentence):
    result = run_binary("--check-config", "--docroot", "/", "--compress-codings", codings)
    assert result.returncode == 2 and sentence in result.stderr and result.stderr.count("\n") == 1
