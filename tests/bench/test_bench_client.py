"""bench_client against a server that answers in every way that HTTP/1.1 allows, in pieces.

SPDX-License-Identifier: MIT
"""

import json
import socket
import subprocess
import threading
import time

import pytest

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nhell\r\n1\r\no\r\n0\r\nX-T: y\r\n\r\n"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"
REFUSED = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
TOO_MUCH = LENGTH + b"x"
NO_HTTP = b"220 mail.example ESMTP ready and waiting\r\n\r\n"


@pytest.fixture(scope="session")
def client(compiled):
    return compiled("client/bench_client.c", "client/histogram.c", "client/response.c")


class Server:
    """Answers each request with the next of the given answers (the last again and again), in pieces of so many bytes."""

    def __init__(self, answers, piece=1 << 20, delay=0.0):
        self.answers, self.piece, self.delay = list(answers), piece, delay
        self.requests = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def read(self, peer, data):
        while b"\r\n\r\n" not in data:
            more = peer.recv(65536)
            if not more:
                return None, b""
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        while len(rest) < length:
            rest += peer.recv(65536)
        return (head, rest[:length]), rest[length:]

    def serve(self, peer):
        data = b""
        with peer:
            try:
                while True:
                    request, data = self.read(peer, data)
                    if request is None:
                        return
                    with self.lock:
                        self.requests.append(request)
                        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    time.sleep(self.delay)
                    for place in range(0, len(answer), self.piece):
                        peer.sendall(answer[place : place + self.piece])
                    if b"Connection: close" in answer:
                        return
            except OSError:
                return


@pytest.fixture
def serve():
    running = []

    def start(*answers, **options):
        running.append(Server(answers, **options))
        return running[-1]

    yield start
    for server in running:
        server.listener.close()


def run(client, server, *arguments, path="/x"):
    done = subprocess.run(
        [client, "--port", str(server.port), "--path", path, "--seconds", "1", *map(str, arguments)],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("piece", [1, 3, 7, 1000])
@pytest.mark.parametrize("answer", [LENGTH, CHUNKED], ids=["length", "chunked"])
def test_responses_in_pieces_are_whole(client, serve, answer, piece):
    server = serve(answer, piece=piece)
    result = run(client, server, "--connections", 2)
    assert result["requests"] > 10 and result["reconnects"] == 0
    assert result["errors"] == {"connect": 0, "broken": 0, "status": 0}
    assert 0 < result["p50_us"] <= result["p99_us"] <= result["max_us"]


def test_a_response_that_ends_with_its_connection(client, serve):
    result = run(client, serve(CLOSE), "--connections", 2)
    assert result["requests"] > 10 and result["reconnects"] >= result["requests"]
    assert result["errors"] == {"connect": 0, "broken": 0, "status": 0}


def test_refusals_are_counted_by_themselves(client, serve):
    result = run(client, serve(*[REFUSED, LENGTH] * 500, LENGTH), "--connections", 1, "--rate", 50)
    assert 20 <= result["refused"] <= 30 and 20 <= result["requests"] <= 30
    assert result["errors"]["status"] == 0 and result["refused_p99_us"] > 0


def test_other_statuses_are_errors_and_do_not_count(client, serve):
    result = run(client, serve(MISSING, EMPTY, LENGTH), "--connections", 1, "--rate", 20)
    assert result["errors"]["status"] == 2 and result["requests"] == pytest.approx(18, abs=2)


@pytest.mark.parametrize("answer", [TOO_MUCH, NO_HTTP, CLOSE.replace(b"Connection: close", b"Connection: close\r\nContent-Length: 9")],
                         ids=["too much", "no HTTP", "cut off"])  # fmt: skip
def test_broken_answers_are_errors(client, serve, answer):
    result = run(client, serve(answer), "--connections", 1, "--rate", 20)
    assert result["errors"]["broken"] > 5 and result["requests"] == 0


def test_an_open_loop_sends_what_was_asked_for(client, serve):
    server = serve(LENGTH)
    result = run(client, server, "--connections", 8, "--rate", 200)
    assert result["sent"] + result["unsent"] == 200 and result["unsent"] < 20
    assert len(server.requests) == result["sent"]


def test_latency_counts_from_when_a_request_was_due(client, serve):
    """A server that takes 50 ms can answer 20 a second on one connection; asked for 40, the last ones are half a second late."""
    result = run(client, serve(LENGTH, delay=0.05), "--connections", 1, "--rate", 40)
    assert 15 <= result["requests"] <= 20 and result["unsent"] >= 18
    assert result["requests"] <= result["answered"] <= result["requests"] + 1
    assert result["max_us"] > 400_000 and result["p50_us"] > 150_000


def test_few_requests_take_turns_over_many_connections(client, serve):
    server = serve(LENGTH, delay=0.005)
    result = run(client, server, "--connections", 100, "--in-flight", 2)
    assert result["requests"] > 100 and result["reconnects"] == 0
    # closed loop: 2 at a time, 5 ms each
    assert result["requests"] <= 420


def test_connections_are_open_before_and_after(client, serve):
    server = serve(LENGTH)
    with subprocess.Popen(
        [client, "--port", str(server.port), "--path", "/", "--seconds", "1", "--connections", "5", "--rate", "10", "--wait"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "ready\n"
        assert server.requests == []
        process.stdin.write("go\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["sent"] == len(server.requests) > 5
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(10) == 0


def test_body_type_and_fields_are_sent(client, serve, tmp_path):
    (tmp_path / "body").write_bytes(b"z" * 300_000)
    server = serve(LENGTH)
    run(client, server, "--rate", 5, "--body", tmp_path / "body", "--type", "text/x", "--field", "X-A: b", "--field", "X-C: d", path="/p?q=1")
    head, body = server.requests[0]
    assert head.startswith(b"POST /p?q=1 HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\nX-C: d\r\n") and b"Content-Type: text/x" in head
    assert body == b"z" * 300_000


@pytest.mark.parametrize("arguments", [[], ["--port", "x"], ["--port", "1", "--connections", "0"], ["--port", "1", "--rate", "-1"], ["--port", "1", "more"]])
def test_wrong_arguments_are_refused(client, arguments):
    assert subprocess.run([client, *arguments], capture_output=True, check=False).returncode == 2
