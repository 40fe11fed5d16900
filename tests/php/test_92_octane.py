"""Laravel Octane's commands with this program in FrankenPHP's place.

SPDX-License-Identifier: MIT
"""

import http.client
import json
import os
import pathlib
import pty
import signal
import ssl
import subprocess

import octane
import pytest
from octane import Octane, make_application

from testenv import Clients, binary_path, run_binary, scaled, wait_until
from testenv.server import environment


@pytest.fixture
def start(tmp_path):
    """start(option=value, ...) -> a running Octane; ended, and its exit status judged, at the end."""
    started = []

    def begin(wait=True, env=None, **options):
        base = tmp_path / f"application{len(started)}"
        base.mkdir()
        make_application(base, worker=options.pop("worker", octane.WORKER))
        started.append(Octane(base, options, env))
        return started[-1].start(wait)

    yield begin
    for one in started:
        one.end()


# ---- the commands


def test_start_status_reload_stop(start):
    server = start(workers=1)
    answer = server.json("/some/page?a=1")
    assert answer["uri"] == "/some/page?a=1" and answer["get"] == {"a": "1"} and answer["release"] == "one"
    assert answer["is_worker_variable_gone"] and answer["sapi"] == "frankenphp" and answer["octane"] == "1" and answer["limit"] == "30"
    assert answer["public"] == str(server.base / "public")
    assert server.json()["id"] == answer["id"], "booted once"
    (server.base / "release").write_text("two")
    server.reload_server()
    wait_until(lambda: server.json()["release"] == "two", "another application answers")
    server.stop_server()
    assert server.wait_exit() == 0
    assert not server.server_is_running()
    assert not [item for item in server.messages() if item[0] in ("warn", "error")]


def test_a_port_for_each_server(start):
    first, second = start(), start()
    first.stop_server()
    assert first.wait_exit() == 0 and second.server_is_running()
    assert second.json()["release"] == "one"


def test_https(start, tmp_path):
    certificate, key = tmp_path / "site.pem", tmp_path / "site.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    server = start(https=True, env={"PHPSRV_TLS_CERT": str(certificate), "PHPSRV_TLS_KEY": str(key)})
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=scaled(20), context=ssl.create_default_context(cafile=certificate))
    connection.request("GET", "/secure")
    assert json.loads(connection.getresponse().read())["uri"] == "/secure"
    connection.close()


def test_https_needs_a_certificate(start):
    server = start(wait=False, https=True)
    assert server.wait_exit() == 2
    assert "PHPSRV_TLS_CERT" in server.wait_message(lambda kind, content: kind == "info")[1]


def test_the_program_is_found(tmp_path):
    project = Octane(make_application(tmp_path / "a"))
    assert project.version() >= (1, 5, 0)
    (project.base / "frankenphp").unlink()
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "frankenphp").symlink_to(binary_path())
    project.path = str(folder)
    assert project.find_binary() == str(folder / "frankenphp") and project.version() >= (1, 5, 0)


def test_interrupted_at_a_terminal(start):
    """Ctrl-C goes to each process of the terminal's group: that is one wish to end and not two."""
    master, terminal = pty.openpty()
    server = start(terminal=terminal)
    server.get("/")
    os.write(master, b"\x03")
    assert server.wait_exit() == 0, "\n".join(server.lines)
    assert not [item for item in server.messages() if item[0] in ("warn", "error")]
    os.close(master)
    os.close(terminal)


def test_a_reload_loses_no_request(start):
    server = start()
    clients = Clients(type("Address", (), {"address": ("127.0.0.1", server.port)}), path="/")
    clients.wait(50)
    for release in ("two", "three", "four"):
        (server.base / "release").write_text(release)
        server.reload_server()
        wait_until(lambda: server.json()["release"] == release, "another application answers")
    clients.wait(50)
    assert not clients.stop()


def test_worker_restart_of_the_administration(start):
    server = start()
    assert server.json()["release"] == "one"
    (server.base / "release").write_text("two")
    status, body = server.ask("POST", "/frankenphp/workers/restart")
    assert status == 200 and body == "workers restarted successfully\n"
    wait_until(lambda: server.json()["release"] == "two", "another application answers")
    assert "phpsrv_server_generation 1\n" in server.ask("GET", "/metrics")[1], "in the same process"


def test_threads(start):
    server = start(workers=3)
    for _ in range(4):
        server.get("/")
    status, body = server.ask("GET", "/frankenphp/threads")
    states = json.loads(body)["ThreadDebugStates"]
    script = str(server.base / "public" / "frankenphp-worker.php")
    assert status == 200 and len({state["Index"] for state in states}) == len(states)
    workers = [state for state in states if state["Name"] == "Worker PHP Thread - " + script]
    assert len(workers) == 3 and sum(state["Requests"] for state in workers) == 4
    assert [state for state in states if state["Name"] == "Regular PHP Thread"]
    config = json.loads(server.ask("GET", "/config/apps/frankenphp")[1])
    assert [(worker["file_name"], worker["num"]) for worker in config["workers"]] == [(script, 3)] and config["num_threads"] == len(states)
    status, metrics = server.ask("GET", "/metrics")
    assert status == 200 and f'frankenphp_total_workers{{worker="{script}"}} 3\n' in metrics and "frankenphp_total_threads 4\n" in metrics
    assert server.ask("GET", "/health")[0] == 200


# ---- who may


@pytest.mark.parametrize("fields", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "rebound.example.org"}])
@pytest.mark.parametrize(("method", "path"), [("POST", "/stop"), ("PATCH", "/config/apps/frankenphp"), ("POST", "/frankenphp/workers/restart")])
def test_pages_of_strangers_change_nothing(launch, fields, method, path):
    server = launch("--internal-frankenphp")
    name = next(iter(fields))
    request = [(name, fields[name])] if name == "Host" else [("Host", "localhost"), *fields.items()]
    with server.connect_internal() as wire:
        wire.send(f"{method} {path} HTTP/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in request) + "\r\n")
        assert wire.expect_response(method=method).status == 403
    assert server.health()[0] == 200


def test_without_the_option_there_is_nothing(launch):
    server = launch()
    for method, path in [("POST", "/stop"), ("GET", "/config/apps/frankenphp"), ("PATCH", "/config/apps/frankenphp"), ("GET", "/frankenphp/threads")]:
        assert server.internal(path, method=method).status == 404


def test_without_a_supervisor(launch_php):
    script = "<?php $id = bin2hex(random_bytes(4)); while (frankenphp_handle_request(function () use ($id) { echo $id; }));"
    server = launch_php("--internal-frankenphp", "--supervisor=false", "--worker", "w.php,1", files={"w.php": script}).server
    seen = [server.fetch("/w.php").body]
    for method, path in [("POST", "/frankenphp/workers/restart"), ("PATCH", "/config/apps/frankenphp")]:
        assert server.internal(path, method=method).status == 200
        wait_until(lambda: server.fetch("/w.php").body not in seen, "another one answers")
        seen.append(server.fetch("/w.php").body)
    assert len(set(seen)) == 3
    status = server.internal("/stop", method="POST").status
    server.was_terminated = True
    assert status == 200 and server.wait_exit() == 0


def test_a_restart_without_worker_scripts(launch):
    server = launch("--internal-frankenphp", "--supervisor=false")
    assert server.internal("/frankenphp/workers/restart", method="POST").status == 200
    assert server.internal("/config/apps/frankenphp").text == '{"num_threads":2,"workers":[]}\n'


# ---- the application's life


def test_scripts_end_after_so_many_requests(start):
    server = start(workers=1, max_requests=3)
    answers = [server.json() for _ in range(12)]
    assert [answer["number"] for answer in answers] == [0, 1, 2] * 4
    assert len({answer["id"] for answer in answers}) == 4


def test_changed_files_boot_scripts_anew(start):
    server = start(workers=1, watch=("release", "app"))
    first = server.json()
    assert first["release"] == "one"
    (server.base / "release").write_text("two")
    wait_until(lambda: server.json()["release"] == "two", "the changed file has been seen")
    server.stop_server()
    assert server.wait_exit() == 0 and not [item for item in server.messages() if item[0] == "error"]


def test_work_after_the_response(start):
    server = start()
    server.get("/after")
    wait_until((server.base / "after").exists, "the work behind the response is done")


@pytest.mark.no_sanitizer  # PHP's timer is a signal, which the thread sanitizer hands on late
def test_a_time_limit(start):
    server = start(workers=1, limit=1)
    server.get("/spin", status=500)
    assert server.json()["limit"] == "1"
    assert "Maximum execution time of 1 second" in server.wait_message(lambda kind, content: kind == "error")[1]


def test_files_and_routes(start):
    server = start()
    assert server.get("/robots.txt") == "User-agent: *\n"
    assert server.get("/storage/avatar.txt") == "a picture"
    assert server.json("/livewire/livewire.js")["uri"] == "/livewire/livewire.js"
    assert server.json("/storage/nothing.png")["uri"] == "/storage/nothing.png"
    assert "<?php" not in server.get("/index.php", status=404)


def test_a_script_that_does_not_start(start):
    server = start(wait=False, worker="<?php throw new Exception('no database');")
    assert server.wait_exit() != 0
    assert any("no database" in str(content) for _, content in server.messages()), "\n".join(server.lines)


# ---- the log


def test_requests_are_shown_on_a_developers_machine(start):
    server = start(app_env="local")
    server.get("/a?b=c")
    server.get("/fail", status=500)
    method, uri, status, milliseconds = server.wait_message(lambda kind, content: kind == "request")[1]
    assert (method, uri, status) == ("GET", "/a?b=c", 200) and 0 < milliseconds < 60000
    assert server.wait_message(lambda kind, content: kind == "request" and content[1] == "/fail")[1][2] == 500
    line = next(json.loads(line) for line in server.lines if '"/a?b=c"' in line)
    assert line["level"] == "info" and line["request"]["proto"] == "HTTP/1.1" and line["request"]["remote_ip"] == "127.0.0.1" and line["size"] > 10


def test_only_failures_are_logged_in_production(start):
    server = start()
    server.get("/quiet")
    server.get("/fail", status=500)
    server.stop_server()
    assert server.wait_exit() == 0
    requests = [json.loads(line) for line in server.lines if "handled request" in line]
    assert [(line["request"]["uri"], line["status"], line["level"]) for line in requests] == [("/fail", 500, "error")]


def test_a_fatal_error_is_shown(start):
    server = start(workers=1)
    server.get("/fatal", status=500)
    assert "class_that_is_not_there" in server.wait_message(lambda kind, content: kind == "error")[1]
    assert server.json()["release"] == "one"


def test_what_scripts_write_to_standard_error_comes_as_it_is(start):
    server = start()
    server.get("/fail", status=500)
    wait_until(lambda: any('"type":"shutdown"' in line for line in server.lines), "the script's own line")
    line = next(line for line in server.lines if '"type":"shutdown"' in line)
    assert json.loads(line) == {"type": "shutdown", "class": "DomainException", "message": "told to fail"}


# ---- other verbs


def frankenphp(tmp_path, *arguments, env=None):
    link = tmp_path / "frankenphp"
    link.symlink_to(binary_path())
    return subprocess.run([link, *arguments], capture_output=True, text=True, env=environment(env), timeout=scaled(30), check=False, cwd=tmp_path)


def test_run_without_octane(tmp_path):
    (tmp_path / "Caddyfile").write_text(":80\n")
    done = frankenphp(tmp_path, "run", "-c", "Caddyfile")
    assert done.returncode == 2 and "reads no Caddyfile" in done.stderr and "php-server" in done.stderr


def test_scripts_on_the_command_line(tmp_path):
    (tmp_path / "script.php").write_text("<?php echo PHP_SAPI, json_encode(array_slice($argv, 1)); exit(3);")
    done = frankenphp(tmp_path, "php-cli", "script.php", "-v", "--root=x")
    assert (done.returncode, done.stdout) == (3, 'cli["-v","--root=x"]')


def test_version_and_help():
    assert "in place of FrankenPHP v" in run_binary("frankenphp", "version").stdout
    assert "frankenphp VERB" in run_binary("--help").stdout
    done = run_binary("frankenphp", "adapt")
    assert done.returncode == 2 and '"adapt" is no verb' in done.stderr


@pytest.fixture
def php_server(tmp_path):
    """php_server("--option", ...) -> (process, port): frankenphp php-server in tmp_path, ended with status 0."""
    processes = []

    def begin(*arguments):
        port = octane.free_port()
        log = (tmp_path / f"log{len(processes)}").open("w")
        command = [binary_path(), "frankenphp", "php-server", "--listen", f"127.0.0.1:{port}", *arguments]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=log, env=environment({"CADDY_ADMIN": "off"}))
        processes.append((process, pathlib.Path(log.name)))
        wait_until(lambda: "server.ready" in processes[-1][1].read_text() or process.poll() is not None, "the server is ready")
        assert process.poll() is None, processes[-1][1].read_text()
        return port

    yield begin
    for process, log in processes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(scaled(30)) == 0, log.read_text()


def test_php_server(tmp_path, php_server):
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "index.php").write_text("<?php echo 'front ', $_SERVER['REQUEST_URI'], ' ', PHP_SAPI;")
    (tmp_path / "public" / "other.php").write_text("<?php echo 'other';")
    client = Octane(tmp_path)
    client.port = php_server("-r", "public", "-a")
    assert client.get("/some/route?x") == "front /some/route?x frankenphp"
    assert client.get("/other.php") == "other"
    wait_until(lambda: '"/other.php"' in (tmp_path / "log0").read_text(), "both requests are in the log")
    lines = [json.loads(line) for line in (tmp_path / "log0").read_text().splitlines()]
    assert [line["request"]["uri"] for line in lines if line["msg"] == "handled request"] == ["/some/route?x", "/other.php"]


def test_php_server_with_a_worker(tmp_path, php_server):
    (tmp_path / "index.php").write_text("<?php $n = 0; while (frankenphp_handle_request(function () use (&$n) { echo ++$n, $_SERVER['REQUEST_URI']; }));")
    client = Octane(tmp_path)
    client.port = php_server("--worker", "index.php,1", "--no-compress")
    assert [client.get(path) for path in ("/", "/a", "/b/c?d")] == ["1/", "2/a", "3/b/c?d"]
