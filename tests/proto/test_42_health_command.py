"""phpsrv health: what health checks of container engines call.

SPDX-License-Identifier: MIT
"""

import json
import socket
import threading

import pytest

from testenv import run_binary, stub, wait_until


def url_of(server, path=""):
    return "http://%s:%d%s" % (*server.internal_address, path)


def test_healthy(server):
    done = run_binary("health", url_of(server, "/health"))
    assert done.returncode == 0 and json.loads(done.stdout)["status"] == "ok" and done.stderr == ""


def test_it_finds_the_internal_listener_where_the_server_finds_it(server):
    address = "%s:%d" % server.internal_address
    assert json.loads(run_binary("health", "--internal", address).stdout)["status"] == "ok"
    assert json.loads(run_binary("health", env={"PHPSRV_INTERNAL": address}).stdout)["status"] == "ok"
    assert run_binary("health", "/ready", env={"PHPSRV_INTERNAL": address}).returncode == 0


@pytest.mark.parametrize("every", ["0.0.0.0", "*", ""])
def test_a_server_on_every_address_is_asked_on_the_loopback(server, every):
    done = run_binary("health", "--internal", "%s:%d" % (every, server.internal_address[1]))
    assert done.returncode == 0, done.stderr


def test_the_first_of_several_and_unix_sockets(launch, tmp_path):
    path = tmp_path / "internal"
    server = launch(f"--internal=unix:{path},127.0.0.1:0")
    done = run_binary("health", f"--internal=unix:{path},127.0.0.1:0")
    assert done.returncode == 0 and json.loads(done.stdout)["status"] == "ok", done.stderr
    assert server.health()[0] == 200


def test_draining_is_a_failure_with_its_reason(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.sleep(1500))
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "the worker is busy")
        mark = server.mark()
        server.terminate()
        server.wait_log("server.draining", after=mark)
        done = run_binary("health", url_of(server, "/health"))
        assert done.returncode == 1 and "/health answered 503" in done.stderr and "draining" in done.stderr and done.stdout == ""
        wire.expect_response(200)


def test_nobody_there(launch):
    server = launch()
    url = url_of(server)
    server.stop()
    done = run_binary("health", url)
    assert done.returncode == 1 and "Connection refused" in done.stderr


def test_other_pages_and_statuses(server):
    assert "phpsrv_requests_total" in run_binary("health", url_of(server, "/metrics")).stdout
    done = run_binary("health", url_of(server, "/none"))
    assert done.returncode == 1 and "/none answered 404" in done.stderr


ANSWERS = {
    b"": "the answer is not HTTP",
    b"SSH-2.0-x\r\n": "the answer is not HTTP",
    b"HTTP/1.1 20\r\n\r\n": "the answer is not HTTP",
    b"HTTP/1.1 2000 OK\r\n\r\n": "the answer is not HTTP",
    b"HTTP/1.1 +20 OK\r\n\r\n": "the answer is not HTTP",
    b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody": None,
    b"HTTP/1.0 204 \r\n\r\n": None,
    b"HTTP/1.1 302 Found\r\n\r\n": "answered 302",
    b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (1 << 20): "a configured limit is reached",
}


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_answers_of_strangers(answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection = listener.accept()[0]
            with connection:
                while not connection.recv(4096).endswith(b"\r\n\r\n"):
                    pass
                try:
                    connection.sendall(answer)
                except OSError:
                    pass  # it has read enough

        thread = threading.Thread(target=serve)
        thread.start()
        done = run_binary("health", "http://127.0.0.1:%d/" % listener.getsockname()[1])
        thread.join()
    if ANSWERS[answer] is None:
        assert done.returncode == 0 and done.stdout == answer.partition(b"\r\n\r\n")[2].decode(), done.stderr
    else:
        assert done.returncode == 1 and ANSWERS[answer] in done.stderr, done.stderr


@pytest.mark.slow
def test_a_server_that_hangs_is_given_up():
    """A health check that waits for ever would hide what it is there to find."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = run_binary("health", "http://127.0.0.1:%d/" % listener.getsockname()[1])
        assert done.returncode == 1 and "timed out" in done.stderr


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "there is no internal listener to ask"), (["--internal", "127.0.0.1:0"], "known to the running server only"), (["/a", "/b"], "one URL at most"),
    (["health"], "no path with a slash in front"), (["http://127.0.0.1/x"], "numeric address"), (["http://localhost.example:80/"], "numeric address"),
    (["http://127.0.0.1:80/a b"], "no path"), (["/a\r\nX: y"], "no path"), (["https://127.0.0.1:80/"], "no path"), (["http://127.0.0.1:0/"], "numeric address"),
    (["--interal", "x"], 'did you mean "--internal"'),
], ids=range(11))  # fmt: skip
def test_wrong_arguments(arguments, message):
    done = run_binary("health", *arguments)
    assert done.returncode in (1, 2) and message in done.stderr and done.stdout == ""


def test_in_help():
    assert "phpsrv health [OPTION]... [URL]" in run_binary("--help").stdout
