"""The end: SIGTERM and SIGINT finish what runs, take nothing new, and end with 0; a second signal ends at once.

SPDX-License-Identifier: MIT
"""

import signal
import time

import pytest

from testenv import H2Wire, h2, run_binary, stub, wait_until


def busy(server, count=1):
    wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == count, f"{count} busy workers")


def begin_drain(server, number=signal.SIGTERM):
    mark = server.mark()
    server.signal(number)
    server.wait_log("server.draining", after=mark)
    wait_until(server.refuses_connections, "the listener is closed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_server_ends_at_once(launch, number):
    server = launch()
    start = time.monotonic()
    server.signal(number)
    assert server.wait_exit() == 0
    assert time.monotonic() - start < 25, "it waited for the drain limit although nothing ran"


def test_running_requests_are_finished(launch):
    server = launch(workers=2)
    with server.connect() as one, server.connect() as two:
        one.request(stub.sleep(1000))
        two.request(stub.stream(10, size=1000, milliseconds=100))
        busy(server, 2)
        begin_drain(server)
        assert one.expect_response(200).closes
        assert two.expect_response(200).body == stub.stream_body(10, 1000)
        one.expect_close()
        two.expect_close()
    assert server.wait_exit() == 0


def test_queued_requests_are_finished(launch):
    server = launch(workers=1)
    wires = [server.connect() for _ in range(5)]
    wires[0].request(stub.sleep(1000))
    busy(server)
    for wire in wires[1:]:
        wire.request(stub.ECHO)
    wait_until(lambda: server.metrics()["phpsrv_queue_depth"] == 4, "four are queued")
    begin_drain(server)
    for wire in wires:
        wire.expect_response(200)
        wire.close()
    assert server.wait_exit() == 0


def test_request_whose_body_is_on_its_way_is_finished(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        wire.send(f"POST {stub.ECHO} HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello".encode())
        wire.taken()
        begin_drain(server)
        wire.send(b"world")
        assert stub.echoed(wire.expect_response(200)).body == b"helloworld"
        wire.expect_close()
    assert server.wait_exit() == 0


def test_response_on_its_way_is_sent_to_its_end(launch):
    server = launch(workers=1, files={"large.bin": bytes(20_000_000)})
    with server.connect(receive_buffer=65536) as wire:
        wire.request("/large.bin")
        assert wire.readable(timeout=20)
        begin_drain(server)
        assert len(wire.expect_response(200).body) == 20_000_000
    assert server.wait_exit() == 0


def test_idle_connections_are_closed(launch):
    server = launch(workers=1)
    with server.connect() as kept, server.connect() as untouched, server.connect() as running:
        kept.request(stub.ECHO)
        kept.expect_response(200)
        running.request(stub.sleep(2000))
        busy(server)
        begin_drain(server)
        kept.expect_close()
        untouched.expect_close()
        running.expect_response(200)
    assert server.wait_exit() == 0


def test_a_new_connection_may_ask_later_than_a_kept_one(launch):
    """Clients ask again when a kept connection turns out to be closed; on a new one a close is an error to them."""
    server = launch()
    with server.connect() as new, server.connect() as kept:
        kept.request(stub.ECHO)
        kept.expect_response(200)
        begin_drain(server)
        kept.expect_close()
        new.request(stub.ECHO)
        assert new.expect_response(200).closes
        new.expect_close()
    assert server.wait_exit() == 0


def test_a_header_has_its_own_time_during_a_drain(launch):
    """It begins with the first byte, and not with the drain."""
    server = launch("--http-header-timeout-ms", "4s")
    with server.connect() as new, server.connect() as silent, server.connect() as kept:
        kept.request(stub.ECHO)
        kept.expect_response(200)
        begin_drain(server)
        kept.expect_close()
        new.send(b"GET ")
        silent.expect_close()
        new.send(f"{stub.ECHO} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert new.expect_response(200).closes
    assert server.wait_exit() == 0


def test_a_new_connection_that_never_asks_holds_up_no_longer_than_a_header(launch):
    server = launch("--http-header-timeout-ms", "300")
    with server.connect() as silent:
        start = time.monotonic()
        begin_drain(server)
        silent.expect_close()
        assert time.monotonic() - start < 20, "that is not the limit of the drain"
    assert server.wait_exit() == 0


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "new"])
def test_a_request_that_nobody_has_read_yet(launch, is_kept):
    """On a connection that has been idle for long: the signal is seen before the request, which came first."""
    server = launch("--http-header-timeout-ms", "900", workers=1)
    with server.connect() as wire:
        if is_kept:
            wire.request(stub.ECHO)
            wire.expect_response(200)
        server.fetch(stub.sleep(1200))
        server.signal(signal.SIGSTOP)
        server.signal(signal.SIGTERM)
        wire.request(stub.ECHO)
        server.signal(signal.SIGCONT)
        assert wire.expect_response(200).closes
    assert server.wait_exit() == 0


def test_pipelined_requests_after_the_signal(launch):
    """The running one is answered and says close; those behind it were never begun, the client may repeat them."""
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.sleep(1000)).request(stub.ECHO)
        busy(server)
        begin_drain(server)
        response = wire.expect_response(200)
        if response.closes:
            wire.expect_close(reset_is_fine=True)
        else:
            assert wire.expect_response(200).closes
            wire.expect_close()
    assert server.wait_exit() == 0


def test_drain_limit(launch):
    """What does not end within the limit is interrupted; the process still ends with 0."""
    server = launch("--server-drain-timeout-ms", "500", workers=1)
    server.expect_log(r"server\.drain|drain_timeout")
    with server.connect() as wire:
        wire.request(stub.sleep(60_000))
        busy(server)
        start = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
        assert 0.49 <= time.monotonic() - start < 25
        rest = wire.expect_cut()
        assert not rest.startswith(b"HTTP/1.1 200 ")


def test_second_signal_ends_at_once(launch):
    server = launch(workers=1)
    with server.connect() as wire:
        wire.request(stub.sleep(60_000))
        busy(server)
        begin_drain(server)
        start = time.monotonic()
        server.signal(signal.SIGTERM)
        server.expected_status = server.wait_exit()
        assert time.monotonic() - start < 20
        # Asked to end, it ended; or a shell's convention for "ended by this signal".  Never a crash.
        assert server.expected_status in (0, 1, 143, -signal.SIGTERM)


def test_signals_do_not_disturb_otherwise(launch):
    server = launch()
    server.signal(signal.SIGPIPE)
    server.signal(signal.SIGCHLD)
    assert server.fetch(stub.ECHO).status == 200


def test_ended_server_gives_everything_back(launch):
    """A new server can listen on the same port at once."""
    server = launch()
    with server.connect() as wire:
        wire.request(stub.ECHO)
        wire.expect_response(200)
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
    again = launch("--listen", "%s:%d" % server.address)
    assert again.address == server.address
    assert again.fetch(stub.ECHO).status == 200


# ---- time for a load balancer to take the server out


def is_ready(server):
    return server.internal("/ready").status == 200


def test_not_ready_before_it_stops_accepting(launch):
    """In this order: /ready says 503, requests on old and new connections are answered as ever, the delay passes, the port closes."""
    server = launch("--server-drain-delay-ms", "2s", workers=1)
    assert is_ready(server) and server.metrics()["phpsrv_ready"] == 1 and server.internal("/ready?unready=404").status == 200
    with server.connect() as kept:
        kept.request(stub.ECHO)
        kept.expect_response(200)
        mark, start = server.mark(), time.monotonic()
        server.signal(signal.SIGTERM)
        line = server.wait_log("server.leaving", after=mark)
        assert line["signal"] == "SIGTERM" and line["delay_ms"] == "2000"
        assert not is_ready(server) and b'"draining"' in server.internal("/ready").body
        assert server.metrics()["phpsrv_ready"] == 0
        assert server.internal("/ready?unready=404").status == 404 and server.internal("/ready?unready=40").status == 503
        for _ in range(3):
            kept.request(stub.ECHO)
            assert not kept.expect_response(200).closes, "nobody is sent away yet"
            assert server.fetch(stub.ECHO).status == 200
        assert not any("server.draining" in text for text in server.log_lines()[mark:]), "that was not within the delay"
        server.wait_log("server.draining", after=mark)
        assert 1.9 <= time.monotonic() - start < 20
        wait_until(server.refuses_connections, "the listener is closed")
        kept.expect_close()
    assert server.wait_exit() == 0


def test_no_delay_for_a_terminal(launch):
    server = launch("--server-drain-delay-ms", "1h")
    mark = server.mark()
    server.signal(signal.SIGINT)
    assert server.wait_log("server.draining", after=mark)["signal"] == "SIGINT"
    assert server.wait_exit() == 0


def test_second_signal_within_the_delay(launch):
    server = launch("--server-drain-delay-ms", "1h")
    server.expected_status = 1
    mark = server.mark()
    server.signal(signal.SIGTERM)
    server.wait_log("server.leaving", after=mark)
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 1


@pytest.mark.parametrize("value", ["2h", "-1", "soon"])
def test_a_delay_that_is_none(tmp_path, value):
    result = run_binary("--docroot", tmp_path, "--check-config", "--server-drain-delay-ms", value)
    assert result.returncode == 2 and "server-drain-delay-ms" in result.stderr and value in result.stderr


def test_http2_is_told_what_was_last(launch):
    """RFC 9113 6.8: an announcement, then the last stream; requests between the two are still served."""
    server = launch(workers=2)
    with H2Wire(server.address) as wire, H2Wire(server.address) as idle:
        running = wire.headers(path=stub.sleep(700))
        wire.ping()
        server.terminate()
        notice = wire.wait(lambda f: f.kind == h2.GOAWAY)
        assert notice.error == h2.NO_ERROR and notice.last_stream == 0x7FFFFFFF
        probe = next((f for f in wire.frames if f.kind == h2.PING and not f.flags & h2.ACK), None) or wire.wait(
            lambda f: f.kind == h2.PING and not f.flags & h2.ACK
        )
        late = wire.headers(path=stub.ECHO)
        wire.frame(h2.PING, h2.ACK, 0, probe.payload)
        final = wire.wait(lambda f: f.kind == h2.GOAWAY)
        assert final.error == h2.NO_ERROR and final.last_stream == late
        too_late = wire.headers(path=stub.ECHO)
        assert wire.response(late).status == 200
        assert wire.response(running).body == b"slept\n"
        while wire.read_frame() is not None:
            pass
        assert too_late not in wire.responses
        idle.expect_connection_error(h2.NO_ERROR)
    assert server.wait_exit() == 0
