"""Several addresses, unix sockets, a port shared by several servers, sockets of a service manager.

SPDX-License-Identifier: MIT
"""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading

import pytest

from testenv import Wire, run_binary, stub, wait_until

SHOW = """<?php foreach (["REMOTE_ADDR", "REMOTE_PORT", "SERVER_ADDR", "SERVER_PORT", "SERVER_NAME", "HTTPS"] as $k)
    echo $k, "=", $_SERVER[$k] ?? "-", "\\n";"""

# Becomes the server with these sockets as descriptors 3, 4, ..., as a service manager passes them.
ACTIVATE = """import os, sys
moved = [os.dup2(int(fd), 100 + i) for i, fd in enumerate(sys.argv[1].split(","))]
for i, fd in enumerate(moved):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(moved)), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])"""


def path_of(tmp_path, name="site.sock"):
    """A short path: a unix socket's has 107 bytes at most."""
    return f"{tmp_path}/{name}"


def refused(tmp_path, *arguments):
    result = run_binary("--docroot", tmp_path, "--executor", "stub", *arguments)
    assert result.returncode != 0
    return result.stderr


def seen(server, address, fields=()):
    answer = server.fetch("/show.php", address=address, fields=fields)
    assert answer.status == 200, answer
    return dict(line.split("=", 1) for line in answer.body.decode().splitlines())


# ---- several addresses


def test_several_addresses(launch, tmp_path):
    path = path_of(tmp_path)
    server = launch("--listen", f"127.0.0.1:0, 127.0.0.2:0,unix:{path}")
    assert len(server.addresses) == 3
    assert server.addresses[1][0] == "127.0.0.2" and server.addresses[2] == path
    for address in server.addresses:
        assert server.fetch("/x", address=address).status == 200
    assert server.ready["internal"].count(",") == 0


def test_several_internal_addresses(launch, tmp_path):
    path = path_of(tmp_path)
    server = launch("--internal", f"127.0.0.1:0,unix:{path}")
    assert server.fetch("/health", address=path).status == 200


def test_all_addresses_close_at_drain(launch, tmp_path):
    path = path_of(tmp_path)
    server = launch("--listen", f"127.0.0.1:0,127.0.0.1:0,unix:{path}")
    server.terminate()
    server.wait_log("server.draining")
    for address in server.addresses[:2]:
        with pytest.raises(OSError):
            socket.create_connection(address, timeout=5)
    assert server.wait_exit() == 0
    assert not os.path.exists(path)


def test_one_taken_address_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused(tmp_path, "--listen", f"unix:{path_of(tmp_path)},127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in sentence
    assert not os.path.exists(path_of(tmp_path)), "what was opened before is closed again"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1:0,", None),
        ("127.0.0.1:0,,127.0.0.1:0", "listen"),
        ("127.0.0.1:0,nonsense", "nonsense"),
        ("unix:relative.sock", "unix:"),
        ("unix:/" + "x" * 107, "unix:"),
        (",".join(["127.0.0.1:0"] * 17), "more than 16"),
    ],
)
def test_lists(launch, tmp_path, address, says):
    if says is None:
        assert launch("--listen", address).fetch("/x").status == 200
    else:
        assert says in refused(tmp_path, "--listen", address)


# ---- unix sockets


def test_unix_socket_serves_all_versions(launch, tmp_path):
    path = path_of(tmp_path)
    server = launch("--listen", f"unix:{path}", files={"a.txt": b"a" * 100_000})
    assert server.fetch("/a.txt").body == b"a" * 100_000
    curl = ["curl", "-sS", "--unix-socket", path, "http://site.example/a.txt"]
    for version in ("--http1.1", "--http2-prior-knowledge"):
        assert subprocess.run([*curl, version], capture_output=True, check=True).stdout == b"a" * 100_000


def test_permissions_are_of_the_group(launch, tmp_path):
    path = path_of(tmp_path)
    launch("--listen", f"unix:{path}")
    mode = os.stat(path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


def test_file_of_a_killed_server_is_replaced(launch, tmp_path):
    path = path_of(tmp_path)
    first = launch("--listen", f"unix:{path}")
    first.expected_status = -signal.SIGKILL
    first.signal(signal.SIGKILL)
    first.wait_exit()
    assert os.path.exists(path)
    second = launch("--listen", f"unix:{path}")
    assert second.fetch("/x").status == 200


def test_a_living_socket_is_not_replaced(launch, tmp_path):
    path = path_of(tmp_path)
    server = launch("--listen", f"unix:{path}")
    sentence = refused(tmp_path, "--listen", f"unix:{path}")
    assert path in sentence and "in use" in sentence
    assert server.fetch("/x").status == 200


def test_another_file_is_not_replaced(tmp_path):
    path = path_of(tmp_path, "precious.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("precious")
    sentence = refused(tmp_path, "--listen", f"unix:{path}")
    assert path in sentence and "exists" in sentence
    with open(path, encoding="utf-8") as file:
        assert file.read() == "precious"


def test_missing_folder_is_named(tmp_path):
    path = path_of(tmp_path, "none/site.sock")
    assert path in refused(tmp_path, "--listen", f"unix:{path}")


def test_a_successors_file_is_left(launch, tmp_path):
    """A socket that has taken the place of ours is not removed when we end."""
    path = path_of(tmp_path)
    server = launch("--listen", f"unix:{path}")
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as successor:
        successor.bind(path)
        successor.listen()
        server.stop()
        assert os.path.exists(path)


def test_what_a_script_sees(launch, tmp_path):
    path = path_of(tmp_path)
    server = launch("--listen", f"unix:{path}", executor="ext", files={"show.php": SHOW})
    got = seen(server, path, [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")])
    assert got["REMOTE_ADDR"] == "unix:" and got["HTTPS"] == "-"
    assert got["SERVER_ADDR"] == "unix:"
    assert got["SERVER_PORT"] == "80"


def test_a_trusted_unix_socket_tells_who_asks(launch, tmp_path):
    path = path_of(tmp_path)
    server = launch(
        "--listen", f"unix:{path},127.0.0.1:0", "--proxy-trusted", "unix", executor="ext", files={"show.php": SHOW}
    )  # fmt: skip
    fields = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")]
    got = seen(server, path, fields)
    assert got["REMOTE_ADDR"] == "192.0.2.7" and got["HTTPS"] == "on" and got["SERVER_PORT"] == "443"
    assert seen(server, path, [("X-Forwarded-For", "unknown")])["REMOTE_ADDR"] == "unix:"
    assert seen(server, path)["REMOTE_ADDR"] == "unix:"
    assert seen(server, server.addresses[1], fields)["REMOTE_ADDR"] == "127.0.0.1", "the word unix trusts no network"


def test_proxy_protocol_over_a_unix_socket(launch, tmp_path):
    path = path_of(tmp_path)
    server = launch(
        "--listen", f"unix:{path}", "--proxy-trusted", "unix", "--proxy-protocol", executor="ext", files={"show.php": SHOW}
    )  # fmt: skip
    with server.connect() as wire:
        wire.send("PROXY TCP4 192.0.2.9 192.0.2.1 4711 8080\r\n")
        wire.request("/show.php")
        text = wire.expect_response().body.decode()
    assert "REMOTE_ADDR=192.0.2.9\n" in text and "REMOTE_PORT=4711\n" in text


# ---- one port, several servers


def test_servers_share_a_port(launch, tmp_path):
    first = launch("--listen-reuse-port")
    address = f"127.0.0.1:{first.address[1]}"
    second = launch("--listen", address, "--listen-reuse-port")
    assert "in use" in refused(tmp_path, "--listen", address)

    def both_are_asked():
        first.fetch("/x")
        return all(server.metrics().value("phpsrv_requests_total", method="GET") > 0 for server in (first, second))

    wait_until(both_are_asked, "the kernel gives connections to both")
    first.stop()
    for _ in range(20):
        assert second.fetch("/x", address=second.address).status == 200


# ---- socket activation


@pytest.fixture
def activate(launch):
    """activate({"name": socket}, ...) -> a server that gets these sockets from its parent."""

    def start(sockets, *arguments, **options):
        numbers = [passed.fileno() for passed in sockets.values()]
        wrapper = [sys.executable, "-c", ACTIVATE, ",".join(map(str, numbers)), ":".join(sockets)]
        return launch(*arguments, wrapper=wrapper, pass_fds=numbers, **options)

    return start


class Visitors:
    """Ask all the time, each request on a connection of its own, also while no server is there."""

    def __init__(self, address, path):
        self.address, self.path = address, path
        self.failures, self.answers = [], 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(4)]

    def run(self):
        while not self.ended.is_set():
            try:
                with Wire(self.address, timeout=60) as wire:
                    wire.request(self.path, fields=[("Connection", "close")])
                    status = wire.expect_response().status
            except Exception as problem:  # noqa: BLE001: any trouble is one
                status = repr(problem)
            if status != 200:
                self.failures.append(status)
            self.answers += 1

    def wait(self, count):
        wanted = self.answers + count
        wait_until(lambda: self.answers >= wanted or self.failures, f"{count} more answers")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def listening(family=socket.AF_INET, address=("127.0.0.1", 0)):
    opened = socket.socket(family)
    opened.bind(address)
    opened.listen()
    return opened


def test_sockets_of_a_service_manager(activate, tmp_path):
    with listening() as site, listening() as internal, listening(socket.AF_UNIX, path_of(tmp_path)) as local:
        server = activate({"": site, "internal": internal, "other": local})
        assert server.addresses == [site.getsockname(), path_of(tmp_path)]
        assert server.internal_address == internal.getsockname()
        assert server.fetch("/x").status == 200
        assert server.fetch("/x", address=path_of(tmp_path)).status == 200
        assert server.health()[0] == 200
        server.stop()
        assert os.path.exists(path_of(tmp_path)), "the file belongs to the service manager"
        with socket.create_connection(site.getsockname()):
            pass  # it waits for the next server


def test_only_the_named_kinds_are_replaced(activate):
    """Without a socket for it, the internal listener is opened as configured."""
    with listening() as site:
        server = activate({"site": site})
        assert server.address == site.getsockname()
        assert server.health()[0] == 200


def test_connections_that_came_before_the_server(activate):
    with listening() as site, socket.create_connection(site.getsockname()) as early:
        early.sendall(b"GET /early HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        activate({"": site})
        early.settimeout(20)
        assert early.recv(100).startswith(b"HTTP/1.1 200 ")


def test_restarts_on_the_same_socket_lose_nothing(activate):
    """Reloaded, ended while the old server still drains, started again: what came meanwhile has waited in the socket."""
    with listening() as site, Visitors(site.getsockname(), stub.sleep(300)) as visitors:
        for _ in range(4):
            server = activate({"": site}, "--supervisor=true", workers=2)
            server.wait_log("supervisor.generation_ready")
            visitors.wait(10)
            mark = server.mark()
            server.process.send_signal(signal.SIGHUP)
            server.wait_log("server.draining", after=mark)
            server.terminate()
            assert server.wait_exit() == 0
            assert "server.drain_cut_short" not in server.log
        activate({"": site}, workers=2)
        visitors.wait(10)
    assert visitors.failures == []


def test_scripts_do_not_see_the_activation(activate):
    with listening() as site:
        server = activate(
            {"": site}, executor="ext", files={"e.php": "<?php var_dump(getenv('LISTEN_FDS'), getenv('LISTEN_PID'));"}
        )  # fmt: skip
        assert server.fetch("/e.php").body == b"bool(false)\nbool(false)\n"


def test_activation_of_another_process_is_ignored(launch):
    server = launch(env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert server.fetch("/x").status == 200


def test_tls_socket_without_certificate_is_refused(activate):
    with listening() as site, pytest.raises(AssertionError, match="certificate"):
        server = activate({"tls": site}, start=False)
        server.expected_status = 1
        server.start()


def test_what_is_no_listening_socket_is_refused(activate):
    left, right = socket.socketpair()
    with left, right, pytest.raises(AssertionError, match="descriptor 3 of LISTEN_FDS is not a listening"):
        server = activate({"": left}, start=False)
        server.expected_status = 1
        server.start()
