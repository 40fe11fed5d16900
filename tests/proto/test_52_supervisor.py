"""The supervisor: crashes, reloads and ends, while clients go on.

SPDX-License-Identifier: MIT
"""

import contextlib
import fcntl
import os
import pty
import signal
import socket
import subprocess
import termios
import time

import pytest

from testenv import Clients, H2Wire, Wire, binary_path, run_binary, stub, wait_until
from testenv.server import environment
from testenv.service_manager import Manager

SUPERVISED = "--supervisor=true"


@pytest.fixture
def supervised(launch, tmp_path):
    """supervised("--option", value, toml="...") -> a Server; .pid is the server's, .process.pid the supervisor's."""

    def start(*arguments, toml=None, **options):
        if toml is not None:
            (tmp_path / "server.toml").write_text(toml)
            arguments = ("--config", tmp_path / "server.toml", *arguments)
        server = launch(SUPERVISED, *arguments, **options)
        server.wait_log("supervisor.generation_ready")
        server.toml = tmp_path / "server.toml"
        return server

    return start


def next_ready(server, action):
    """Does something after which a new server becomes ready; the harness talks to that one then."""
    mark = server.mark()
    action()
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    server.wait_log("supervisor.generation_ready", after=mark)
    return server


def crash(server, number=signal.SIGKILL):
    server.expect_log(r"server\.crashed", r"supervisor\.server_crashed")
    os.kill(server.pid, number)


def reload(server, number=signal.SIGHUP):
    server.process.send_signal(number)


# ---- crashes


@pytest.mark.no_sanitizer  # TSan has a thread of its own
def test_two_processes(supervised):
    server = supervised(workers=2)
    assert server.pid != server.process.pid
    assert server.fetch("/x").status == 200
    metrics = server.metrics()
    assert metrics["phpsrv_server_generation"] == 1 and metrics["phpsrv_server_crashes_total"] == 0
    assert len(os.listdir(f"/proc/{server.process.pid}/task")) == 2, "one thread and the log's"


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGSEGV, marks=pytest.mark.no_sanitizer), signal.SIGABRT])
def test_a_crashed_server_is_started_again(supervised, number):
    server = supervised()
    before, address = server.pid, server.address
    next_ready(server, lambda: crash(server, number))
    assert server.pid != before and server.address == address
    assert server.fetch("/x").status == 200
    line = server.wait_log("supervisor.server_crashed")
    assert line["signal"] == signal.Signals(number).name.removeprefix("SIG") and int(line["pid"]) == before
    assert server.metrics()["phpsrv_server_crashes_total"] == 1


def test_connections_wait_while_the_server_is_away(supervised):
    """Nobody is refused: the sockets live in the supervisor."""
    server = supervised()
    with contextlib.ExitStack() as stack:
        mark = server.mark()
        crash(server)
        wires = [stack.enter_context(Wire(server.address)) for _ in range(20)]
        for wire in wires:
            wire.request("/x")
        for wire in wires:
            assert wire.expect_response().status == 200
        server.use_ready_line(server.wait_log("server.ready", after=mark))


def test_a_crash_is_over_quickly(supervised):
    """From the signal to the next answer; the bound is what a broken server reaches."""
    server = supervised()
    mark = server.mark()
    started = time.monotonic()
    crash(server)
    assert server.fetch("/x").status == 200
    assert time.monotonic() - started < 10
    server.use_ready_line(server.wait_log("server.ready", after=mark))


def test_crashes_in_a_row(supervised):
    """The first restart comes at once, the next ones later and later; it always comes back."""
    server = supervised()
    for _ in range(4):
        next_ready(server, lambda: crash(server))
    assert server.metrics()["phpsrv_server_crashes_total"] == 4
    assert server.fetch("/x").status == 200


@pytest.mark.no_sanitizer
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_last_words(supervised, log_format):
    """What the workers did, and a native backtrace."""
    server = supervised("--log-format", log_format, workers=2)
    server.expect_log("crashed")
    with server.connect() as wire:
        wire.request(stub.sleep(30_000))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        mark = server.mark()
        next_ready(server, lambda: crash(server, signal.SIGSEGV))
    assert server.wait_log("server.crashed", after=mark)["signal"] == "SEGV"
    line = server.wait_log("server.crashed_while", after=mark)
    assert len(line["request_id"]) == 32 and line["worker"] in ("0", "1", 0, 1)
    server.wait_line(r"phpsrv\(\+0x[0-9a-f]+\)|phpsrv\(.*\) ?\[0x", after=mark)


# ---- reloads


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2])
def test_a_new_generation(supervised, number):
    server = supervised(toml="workers.count = 2\n")
    before = server.pid
    server.toml.write_text("workers.count = 5\n")
    server.arguments = []
    next_ready(server, lambda: reload(server, number))
    assert server.pid != before
    server.wait_log("supervisor.generation_ended")
    assert server.metrics()["phpsrv_server_generation"] == 2


def test_configuration_is_read_again(launch, tmp_path):
    config = tmp_path / "server.toml"
    config.write_text("[log]\naccess = \"off\"\n[response]\n[http]\nbody_bytes_max = 1000\n")
    server = launch(SUPERVISED, "--config", config)
    assert server.fetch(stub.ECHO, "POST", body=b"x" * 2000).status == 413
    config.write_text("[http]\nbody_bytes_max = 3000\n")
    next_ready(server, lambda: reload(server))
    server.wait_log("supervisor.generation_ended")
    assert server.fetch(stub.ECHO, "POST", body=b"x" * 2000).status == 200


def test_no_request_is_lost_by_reloads(supervised):
    server = supervised(workers=2)
    clients = Clients(server)
    for _ in range(6):
        clients.wait(50)
        next_ready(server, lambda: reload(server))
    clients.wait(50)
    assert clients.stop() == []


def test_running_requests_are_finished_by_their_generation(supervised):
    server = supervised()
    with server.connect() as wire:
        wire.request(stub.sleep(1500))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        next_ready(server, lambda: reload(server))
        assert server.fetch("/x").status == 200
        assert wire.expect_response().status == 200
    server.wait_log("supervisor.generation_ended")


def test_questions_about_the_service_are_for_the_new_generation(supervised):
    """A reload is no trouble: while the old server finishes what runs, nobody hears of its draining."""
    server = supervised()
    with server.connect() as wire, server.connect_internal() as kept:
        wire.request(stub.sleep(1500))
        kept.request("/ready")
        assert kept.expect_response().status == 200
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        next_ready(server, lambda: reload(server))
        kept.request("/ready")
        answers = [server.health()[0] for _ in range(20)]
        assert answers == [200] * 20
        assert kept.expect_response().status == 200, "on its way when the drain began"
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 0, "the new one answers")
        assert {server.metrics().value("phpsrv_workers", state="busy") for _ in range(20)} == {0}, "nobody else does"
        assert wire.expect_response().status == 200
    server.wait_log("supervisor.generation_ended")


def test_a_terminal_interrupts_once(launch):
    """Ctrl-C goes to both processes; what the server gets from its supervisor counts."""
    master, terminal = pty.openpty()
    server = launch(SUPERVISED, preexec_fn=lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0))
    server.wait_log("supervisor.generation_ready")
    with server.connect() as wire:
        wire.request(stub.sleep(700))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        server.was_terminated = True
        os.write(master, b"\x03")
        assert wire.expect_response().status == 200, "finished"
    assert server.wait_exit() == 0 and "drain_cut_short" not in server.log
    os.close(master)
    os.close(terminal)


def test_a_request_on_an_idle_connection_is_answered(supervised):
    """What is on its way when the drain begins is answered, and says close (RFC 9112 9.3.1, 9.6)."""
    server = supervised()
    with server.connect() as wire, server.connect() as untouched:
        wire.request("/x")
        assert not wire.expect_response().closes
        mark = server.mark()
        next_ready(server, lambda: reload(server))
        server.wait_log("server.draining", after=mark)
        for one in (wire, untouched):
            one.request("/x")
            assert one.expect_response(200).closes
            one.expect_close()


def test_http2_during_a_reload(supervised):
    server = supervised()
    with H2Wire(server.address) as wire:
        stream = wire.headers(path=stub.sleep(1000))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        next_ready(server, lambda: reload(server))
        assert wire.response(stream).status == 200


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("workers.count = \"many\"\n", "workers.count"),
        ("[nonsense]\n", "nonsense"),
        ("[site]\ndocroot = \"/nowhere/at/all\"\n", None),
    ],
    ids=["wrong value", "unknown section", "option of the command line wins"],
)
def test_a_wrong_configuration_leaves_the_old_server(supervised, toml, reason):
    server = supervised(toml="")
    before = server.pid
    server.toml.write_text(toml)
    if reason is None:
        next_ready(server, lambda: reload(server))
        return
    server.expect_log("supervisor.reload_failed")
    mark = server.mark()
    reload(server)
    assert reason in server.wait_log("supervisor.reload_failed", after=mark)["reason"]
    assert server.fetch("/x").status == 200 and server.pid == before
    server.toml.write_text("")
    next_ready(server, lambda: reload(server))
    assert server.fetch("/x").status == 200


def test_a_server_that_does_not_start_leaves_the_old_one(launch, tmp_path):
    """Here PHP itself refuses: its preload script is not there."""
    config = tmp_path / "server.toml"
    config.write_text("")
    server = launch(SUPERVISED, "--config", config, executor="ext", files={"a.php": "<?php echo 'here';"})
    config.write_text('[php]\nini_values = ["opcache.preload=/nowhere/preload.php", "opcache.preload_user=root"]\n')
    server.expect_log("preload", "supervisor.generation_failed", "supervisor.reload_failed", "php")
    mark = server.mark()
    reload(server)
    server.wait_log("supervisor.generation_failed", after=mark)
    server.wait_log("supervisor.reload_failed", after=mark)
    assert server.fetch("/a.php").body == b"here"


def test_a_server_that_is_never_ready_leaves_the_old_one(launch, tmp_path):
    config = tmp_path / "server.toml"
    config.write_text("")
    (tmp_path / "preload.php").write_text("<?php sleep(60);")
    server = launch(
        SUPERVISED, "--config", config, "--supervisor-start-timeout-ms", "2s", executor="ext", files={"a.php": "<?php echo 'here';"}
    )  # fmt: skip
    config.write_text(f'[php]\nini_values = ["opcache.preload={tmp_path}/preload.php", "opcache.preload_user=root"]\n')
    server.expect_log("supervisor.start_timeout", "supervisor.generation_failed", "supervisor.reload_failed")
    mark = server.mark()
    reload(server)
    server.wait_log("supervisor.start_timeout", after=mark)
    server.wait_log("supervisor.reload_failed", after=mark)
    assert server.fetch("/a.php").body == b"here"


def test_addresses_come_and_go(launch, tmp_path):
    config, path = tmp_path / "server.toml", f"{tmp_path}/a.sock"
    config.write_text("")
    server = launch(SUPERVISED, "--config", config)
    server.stop()
    # without --listen on the command line, which would win
    server = launch(SUPERVISED, start=False)
    server.arguments = [a for i, a in enumerate(server.arguments) if "--listen" not in (a, server.arguments[i - 1])]
    server.arguments += ["--config", str(config)]
    config.write_text('[listen]\naddress = "127.0.0.1:0"\n')
    server.start()
    first = server.address
    config.write_text(f'[listen]\naddress = "127.0.0.1:0,unix:{path},127.0.0.2:0"\n')
    next_ready(server, lambda: reload(server))
    assert server.addresses[0] == first and server.addresses[1] == path and server.addresses[2][0] == "127.0.0.2"
    for address in server.addresses:
        assert server.fetch("/x", address=address).status == 200
    second = server.addresses[2]
    config.write_text('[listen]\naddress = "127.0.0.1:0"\n')
    next_ready(server, lambda: reload(server))
    assert server.address == first and server.fetch("/x").status == 200
    wait_until(lambda: not os.path.exists(path), "the file of the unix socket is removed")
    wait_until(lambda: refuses(second), "the address that is not wanted any more is closed")


def refuses(address):
    try:
        socket.create_connection(address, timeout=5).close()
        return False
    except ConnectionRefusedError:
        return True


def test_an_address_that_is_taken_leaves_the_old_server(launch, tmp_path):
    config = tmp_path / "server.toml"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config.write_text("")
        server = launch(SUPERVISED, start=False)
        server.arguments = [a for i, a in enumerate(server.arguments) if "--listen" not in (a, server.arguments[i - 1])]
        server.arguments += ["--config", str(config)]
        config.write_text('[listen]\naddress = "127.0.0.1:0"\n')
        server.start()
        server.expect_log("supervisor.reload_failed")
        config.write_text(f'[listen]\naddress = "127.0.0.1:0,127.0.0.1:{taken.getsockname()[1]}"\n')
        mark = server.mark()
        reload(server)
        assert "in use" in server.wait_log("supervisor.reload_failed", after=mark)["reason"]
        assert server.fetch("/x").status == 200


def test_unix_socket_over_crash_and_reload(launch, tmp_path):
    path = f"{tmp_path}/site.sock"
    server = launch(SUPERVISED, "--listen", f"unix:{path}")
    server.wait_log("supervisor.generation_ready")
    inode = os.stat(path).st_ino
    next_ready(server, lambda: crash(server))
    next_ready(server, lambda: reload(server))
    assert os.stat(path).st_ino == inode and server.fetch("/x").status == 200
    server.stop()
    assert not os.path.exists(path)


# ---- start and end


def test_the_first_start_fails(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run_binary("--listen", f"127.0.0.1:{taken.getsockname()[1]}", "--docroot", tmp_path, "--executor", "stub")
    assert result.returncode == 1 and "in use" in result.stderr and len(result.stderr.splitlines()) == 1


def test_the_first_server_does_not_start(tmp_path):
    result = run_binary("--listen", "127.0.0.1:0", "--docroot", tmp_path, "--php-ini-value", "opcache.preload=/nowhere.php",
                        "--php-ini-value", "opcache.preload_user=root")  # fmt: skip
    assert result.returncode not in (0, -9) and "supervisor.generation_failed" in result.stderr


def test_signal_to_the_supervisor_drains(supervised):
    server = supervised()
    with server.connect() as wire:
        wire.request(stub.sleep(1000))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        server.terminate()
        assert wire.expect_response().status == 200
    assert server.wait_exit() == 0
    server.wait_log("supervisor.stopped")


def test_a_second_signal_cuts_it_short(supervised):
    server = supervised()
    server.expected_status = 1
    with server.connect() as wire:
        wire.request(stub.sleep(30_000))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        mark = server.mark()
        server.terminate()
        server.wait_log("server.draining", after=mark)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait_exit() == 1


def test_a_delay_is_for_the_end_only(supervised):
    """After a reload the old server drains at once: a new one is there, nobody has to be told."""
    server = supervised("--server-drain-delay-ms", "1h", workers=1)
    with Wire(server.address) as wire:
        wire.request(stub.sleep(1000))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        mark = server.mark()
        next_ready(server, lambda: reload(server))
        assert server.wait_log("server.draining", after=mark)["signal"] == "SIGINT"
        assert wire.expect_response().status == 200
        server.wait_log("supervisor.generation_ended", after=mark)
    assert server.internal("/ready").status == 200
    mark = server.mark()
    server.terminate()
    server.wait_log("server.leaving", after=mark)
    assert server.internal("/ready").status == 503 and server.fetch("/x").status == 200
    server.expected_status = 1
    server.process.send_signal(signal.SIGTERM)
    assert server.wait_exit() == 1


def test_a_port_that_was_left_refuses(supervised):
    """While the server drains, nobody waits in a queue that nobody takes from any more."""
    server = supervised(workers=1)
    with Wire(server.address) as wire:
        wire.request(stub.sleep(1500))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        mark = server.mark()
        server.terminate()
        server.wait_log("server.draining", after=mark)
        wait_until(server.refuses_connections, "the port refuses")
        assert server.metrics().value("phpsrv_workers", state="busy") == 1, "it drains still"
        assert wire.expect_response().status == 200
    assert server.wait_exit() == 0


def test_who_waits_to_be_accepted_is_not_reset(supervised):
    """Connections with their requests, in the socket's queue when the end begins: the loop was kept from them by SIGSTOP."""
    server = supervised(workers=1)
    with contextlib.ExitStack() as stack:
        os.kill(server.pid, signal.SIGSTOP)
        wires = [stack.enter_context(Wire(server.address)) for _ in range(100)]
        for wire in wires:
            wire.request("/x", "POST", body=b"x")
        mark = server.mark()
        server.terminate()
        server.wait_log("supervisor.ending", after=mark)
        os.kill(server.pid, signal.SIGCONT)
        for wire in wires:
            assert wire.expect_response().status == 200
    assert server.wait_exit() == 0


def test_a_unix_socket_is_removed_at_the_end(supervised, tmp_path):
    path = tmp_path / "s"
    server = supervised("--listen", f"127.0.0.1:0,unix:{path}")
    with Wire(str(path)) as wire:
        wire.request("/x")
        assert wire.expect_response().status == 200
    server.terminate()
    assert server.wait_exit() == 0
    assert not path.exists()


def test_an_end_during_a_reload_cuts_nothing_short(supervised):
    """The first signal to the supervisor is not the second one to a server that drains since the reload."""
    server = supervised(workers=1)
    with Wire(server.address) as wire:
        wire.request(stub.sleep(2000))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        mark = server.mark()
        next_ready(server, lambda: reload(server))
        server.wait_log("server.draining", after=mark)
        server.terminate()
        assert wire.expect_response().status == 200
    assert server.wait_exit() == 0
    assert "server.drain_cut_short" not in server.log


def test_the_server_does_not_outlive_its_supervisor(supervised):
    server = supervised()
    server.expected_status = -signal.SIGKILL
    server.was_terminated = True
    pid = server.pid
    server.process.kill()
    wait_until(lambda: not os.path.exists(f"/proc/{pid}") or is_zombie(pid), "the server ends as well")


def is_zombie(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"
    return True


def test_logs_are_opened_again(supervised, tmp_path):
    log = tmp_path / "access.log"
    server = supervised("--log-access", "common", "--log-access-path", log)
    server.fetch("/first")
    wait_until(lambda: "/first" in log.read_text(), "the line is written")
    log.rename(tmp_path / "old.log")
    server.process.send_signal(signal.SIGUSR1)
    wait_until(log.exists, "the log is opened again")
    server.fetch("/second")
    wait_until(lambda: "/second" in log.read_text(), "the line is written")


def children_of(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(text) for text in file.read().split()]
    return []


def test_children_of_nobody_are_reaped(tmp_path):
    """As the first process of a container: commands that a script left behind end as our children."""
    (tmp_path / "orphan.php").write_text("<?php exec('(sleep 0.2; exit 3) > /dev/null 2>&1 &'); echo 'left';")
    command = [binary_path(), "--listen", f"unix:{tmp_path}/a.sock", "--docroot", str(tmp_path), "--workers", "1"]
    outer = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", *command], stderr=subprocess.PIPE, text=True, env=environment()
    )  # fmt: skip
    try:
        lines = []
        for line in outer.stderr:
            lines.append(line)
            if "supervisor.generation_ready" in line:
                break
        if "not permitted" in "".join(lines):
            pytest.skip("no right to make a PID namespace")
        (supervisor,) = children_of(outer.pid)
        with Wire(f"{tmp_path}/a.sock") as wire:
            wire.request("/orphan.php")
            assert wire.expect_response().body == b"left"
        wait_until(lambda: len(children_of(supervisor)) == 2, "the command has become the supervisor's")
        wait_until(lambda: len(children_of(supervisor)) == 1, "it has ended, and was waited for")
    finally:
        outer.kill()
        outer.wait()
        outer.stderr.close()


# ---- the service manager


def test_service_manager(supervised, tmp_path):
    path = f"{tmp_path}/notify"
    manager = Manager(path)
    server = supervised(env={"NOTIFY_SOCKET": path})
    manager.expect("READY=1")
    next_ready(server, lambda: reload(server))
    assert int(manager.expect("RELOADING=1").partition("MONOTONIC_USEC=")[2]) > 0
    manager.expect("READY=1")
    server.terminate()
    manager.expect("STOPPING=1")


def test_watchdog(supervised, tmp_path):
    """The manager hears of us while the loop turns, and not when it is stuck."""
    path = f"{tmp_path}/notify"
    manager = Manager(path)
    server = supervised(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000"})
    manager.expect("READY=1")
    for _ in range(3):
        manager.expect("WATCHDOG=1")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        manager.socket.settimeout(4)
        deadline = time.monotonic() + 20
        with pytest.raises(TimeoutError):
            while time.monotonic() < deadline:
                manager.socket.recv(4096)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    manager.socket.settimeout(20)
    manager.expect("WATCHDOG=1")


# ---- memory


@pytest.mark.slow
@pytest.mark.no_sanitizer
def test_a_server_that_has_grown_is_replaced(supervised):
    """One that takes too much from its start on is left alone for ten seconds each time."""
    server = supervised("--supervisor-memory-max-bytes", "1M")
    clients = Clients(server)
    first, mark = server.pid, server.mark()

    def grow():
        line = server.wait_log("supervisor.memory_exceeded", timeout=40)
        assert int(line["bytes"]) > int(line["max_bytes"]) == 1 << 20

    next_ready(server, grow)
    server.wait_log("supervisor.generation_ended", after=mark)
    clients.wait(50)
    assert clients.stop() == []
    assert server.metrics()["phpsrv_server_generation"] == 2 and server.pid != first
