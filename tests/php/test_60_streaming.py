"""flush(), clients that leave, and scripts that want to go on.

SPDX-License-Identifier: MIT
"""

import time

from testenv import scaled, wait_until


def wait_file(site, name):
    path = site.server.docroot / name
    wait_until(lambda: path.exists() and path.read_text().endswith("."), f"{name} is written")
    return path.read_text()


def test_flush_sends_at_once(php):
    """The second half is printed only after the client has seen the first."""
    gate = php.server.docroot / "gate"
    target = php.script(
        f"header('X-First: 1'); echo 'first'; flush(); while (!file_exists('{gate}')) {{ clearstatcache(); usleep(1000); }} echo 'second';"
    )
    with php.server.connect() as wire:
        wire.request(target)
        response = wire.reader.response(on_head=lambda head: gate.write_text("open"))
        assert (response.framing, response.text, response.get("X-First")) == ("chunked", "firstsecond", "1")
        wire.request("/x" + target[1:])  # the connection goes on
        assert wire.expect_response().status == 404
    gate.unlink()


def test_event_stream(php):
    target = php.script("""
        header('Content-Type: text/event-stream');
        for ($i = 0; $i < 5; $i++) { echo "data: $i\\n\\n"; flush(); }
    """)
    response = php.server.fetch(target, fields=[("Accept", "text/event-stream")])
    assert response.get("Content-Type") == "text/event-stream;charset=UTF-8"
    assert response.text == "".join(f"data: {i}\n\n" for i in range(5))


def test_event_stream_accept_alone_changes_nothing(php):
    response = php.run("http_response_code(202); echo file_get_contents('php://input');", method="POST", body=b"x",
                       fields=[("Accept", "application/json, text/event-stream")])  # fmt: skip
    assert (response.status, response.text, response.framing) == (202, "x", "length")


def test_flush_does_not_touch_output_buffers(php):
    response = php.run("ob_start(); echo 'kept'; flush(); header('X-Late: 1'); ob_clean(); echo 'sent';")
    assert (response.text, response.get("X-Late")) == ("sent", None) or response.text == "sent"


def test_ob_flush_and_flush(php):
    assert php.run("ob_start(); echo 'a'; ob_flush(); flush(); echo 'b';").text == "ab"


def test_flush_before_any_output(php):
    response = php.run("http_response_code(203); flush(); echo 'x';")
    assert (response.status, response.text) == (203, "x")


def test_implicit_flush(php):
    response = php.run("ob_implicit_flush(); echo 'a'; echo 'b';")
    assert (response.text, response.framing) == ("ab", "chunked")


def test_slow_reader_holds_the_script_back(launch_php):
    """More than the window is not written while the client does not read."""
    site = launch_php("--response-window-bytes", "256K", workers=1)
    target = site.script("""
        for ($i = 0; $i < 400; $i++) { echo str_repeat('x', 65536); flush(); file_put_contents(__DIR__.'/progress', $i); }
    """)
    with site.server.connect(receive_buffer=4096) as wire:
        wire.request(target)
        progress = site.server.docroot / "progress"
        wait_until(lambda: progress.exists(), "the script has begun")
        seen = None
        while seen != (now := progress.read_text()) or not now:  # it stands still at last
            seen = now
            time.sleep(scaled(0.2))
        assert int(now) < 390
        assert len(wire.expect_response(200).body) == 400 * 65536


def abort_script(site, prologue, loop="true"):
    """A script that prints and flushes until it notices; returns its target."""
    return site.script(f"""
        {prologue}
        register_shutdown_function(function () {{
            file_put_contents(__DIR__.'/aborted', connection_aborted().','.connection_status().'.');
        }});
        while ({loop}) {{ echo str_repeat('x', 1000); flush(); usleep(2000); }}
    """)


def test_client_that_leaves_ends_the_script(launch_php):
    site = launch_php(workers=1)
    with site.server.connect() as wire:
        wire.request(abort_script(site, ""))
        wire.reader._fill()
        wire.reset()
    assert wait_file(site, "aborted") == "1,1."
    assert site.run("echo connection_aborted();").text == "0"


def test_ignore_user_abort(launch_php):
    site = launch_php(workers=1)
    with site.server.connect() as wire:
        wire.request(abort_script(site, "ignore_user_abort(true);", "!connection_aborted() || $after++ < 20"))
        wire.reader._fill()
        wire.reset()
    assert wait_file(site, "aborted") == "1,1."
    assert site.run("echo ignore_user_abort();").text == "0"


def test_client_that_leaves_before_output(launch_php):
    """Without output nobody can notice: the script runs to its end."""
    site = launch_php(workers=1)
    target = site.script("touch(__DIR__.'/began'); usleep(300000); file_put_contents(__DIR__.'/done', 'yes.');")
    with site.server.connect() as wire:
        wire.request(target)
        wait_until(lambda: (site.server.docroot / "began").exists(), "the script has begun")
        wire.reset()
    assert wait_file(site, "done") == "yes."
    assert site.run("echo 'fine';").text == "fine"


def test_connection_handling_functions(php):
    assert php.json("[connection_aborted(), connection_status(), headers_sent()]") == [0, 0, False]
