"""Development mode around PHP: defaults, live reload over real sockets, reload of the server, logs for terminals.

SPDX-License-Identifier: MIT
"""

import gzip
import json
import os
import pty
import re
import subprocess
import threading

import pytest

from testenv import Wire, binary_path, run_binary, wait_until
from testenv.server import environment

HTML = [("Accept", "text/html,*/*;q=0.8")]
TAG = '<script src="/.phpsrv/live-reload.js" defer></script>'
PAGE = "<!doctype html><html><body><p>static</p></body></html>"


class Stream:
    """An open page's event stream."""

    def __init__(self, server):
        self.wire = Wire(server.address)
        self.wire.request("/.phpsrv/live-reload", fields=[("Accept", "text/event-stream")])
        self.text = b""
        head = self._until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ") and b"text/event-stream" in head and b"no-store" in head
        self.first = self.next()

    def _until(self, mark):
        while mark not in self.text:
            piece = self.wire.socket.recv(4096)
            assert piece, f"the stream has ended: {self.text!r}"
            self.text += piece
        found, _, self.text = self.text.partition(mark)
        return found + mark

    def next(self):
        """(name, data) of the next event."""
        while True:
            event = dict(re.findall(r"(?m)^(event|data|retry): (.*)$", self._until(b"\n\n").decode()))
            if "event" in event:
                return event["event"], event["data"]

    def ends(self):
        while piece := self.wire.socket.recv(4096):
            self.text += piece
        return self.text.endswith(b"0\r\n\r\n")


@pytest.fixture
def dev(launch):
    def start(*arguments, **options):
        options.setdefault("files", {"index.html": PAGE, "a.css": "p{}", "sub/x.php": ""})
        return launch("--dev", *arguments, **options)

    return start


# ---- defaults


def dump(*arguments, env=None, cwd=None):
    done = run_binary("--dump-config", *arguments, env=env, cwd=cwd)
    assert done.returncode == 0, done.stderr
    section, found = "", {}
    for line in done.stdout.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif " = " in line:
            name, _, rest = line.partition(" = ")
            value, _, origin = rest.rpartition("  # ")
            found[f"{section}.{name}"] = (value, origin)
    return found


def test_other_defaults(tmp_path):
    found = dump("--dev", cwd=tmp_path)
    assert found["dev.enabled"] == ("true", "--dev")
    assert {name: value for name, (value, origin) in found.items() if origin == "dev"} == {
        "listen.address": '"127.0.0.1:8080"', "tls.listen": '"127.0.0.1:8443"', "log.level": '"debug"', "log.access": '"short"',
        "static.cache_valid_ms": '"0"', "static.ttl_ms": '"0"', "server.drain_timeout_ms": '"5s"',
    } or {name for name, (_, origin) in found.items() if origin == "dev"} == {
        "listen.address", "tls.listen", "log.level", "log.access", "static.cache_valid_ms", "static.ttl_ms", "server.drain_timeout_ms",
    }  # fmt: skip


def test_what_is_set_stays(tmp_path):
    (tmp_path / "server.toml").write_text('[dev]\nenabled = true\n[listen]\naddress = "0.0.0.0:8080"\n[log]\nlevel = "info"\n')
    found = dump("--config", tmp_path / "server.toml", "--static-ttl-ms", "1d", env={"PHPSRV_LOG_ACCESS": "off"})
    assert found["listen.address"][0] == '"0.0.0.0:8080"' and "server.toml:4" in found["listen.address"][1]
    assert found["log.level"][0] == '"info"' and found["log.access"] == ('"off"', "PHPSRV_LOG_ACCESS")
    assert found["static.ttl_ms"][1] == "--static-ttl-ms" and found["static.cache_valid_ms"][1] == "dev"


def test_without_it_nothing_changes(tmp_path):
    found = dump(cwd=tmp_path)
    assert found["listen.address"] == ('"0.0.0.0:8080"', "default")
    assert {origin for _, origin in found.values()} == {"default"}


def test_config_page_names_the_origin(dev):
    server = dev()
    config = json.loads(server.internal("/config").body)
    assert config["static.ttl_ms"] == {"value": 0, "origin": "dev", "reloadable": True}


def test_a_watched_folder_must_be_there(tmp_path):
    done = run_binary("--check-config", "--dev", "--watch-path", tmp_path / "absent", cwd=tmp_path)
    assert done.returncode == 2 and "dev.watch_paths" in done.stderr and "No such file" in done.stderr


def test_it_is_said_aloud(dev):
    server = dev()
    line = server.wait_log("dev.ready")
    assert line["url"] == "http://{}:{}/".format(*server.address) and line["docroot"] == str(server.docroot)
    assert server.wait_log("dev.not_for_production").level == "WARN"


# ---- pages get the script


@pytest.mark.parametrize(
    "fields, has_tag",
    [
        (HTML, True),
        ([*HTML, ("Sec-Fetch-Dest", "document")], True),
        ([("Accept", "*/*"), ("Sec-Fetch-Dest", "iframe")], True),
        ([*HTML, ("Sec-Fetch-Dest", "empty")], False),
        ([*HTML, ("X-Requested-With", "XMLHttpRequest")], False),
        ([("Accept", "*/*")], False),
        ([], False),
    ],
)
def test_static_pages(dev, fields, has_tag):
    server = dev()
    response = server.fetch("/", fields=fields)
    assert response.text == (PAGE.replace("</body>", TAG + "</body>") if has_tag else PAGE)
    assert response.get("Cache-Control") == "no-cache"


def test_static_page_validators_and_ranges(dev):
    server = dev()
    plain, live = server.fetch("/"), server.fetch("/", fields=HTML)
    assert plain.get("ETag") != live.get("ETag")
    assert server.fetch("/", fields=[*HTML, ("If-None-Match", live.get("ETag"))]).status == 304
    assert server.fetch("/", fields=[*HTML, ("If-None-Match", plain.get("ETag"))]).status == 200
    head = server.fetch("/", method="HEAD", fields=HTML)
    assert head.get("Content-Length") == live.get("Content-Length") == str(len(live.body)) and head.get("ETag") == live.get("ETag")
    part = server.fetch("/", fields=[*HTML, ("Range", "bytes=40-99")])
    assert part.status == 206 and part.body == live.body[40:100] and part.get("Content-Range") == f"bytes 40-99/{len(live.body)}"
    coded = server.fetch("/", fields=[*HTML, ("Accept-Encoding", "gzip")])
    assert (gzip.decompress(coded.body) if coded.get("Content-Encoding") else coded.body) == live.body


def test_other_files_stay(dev):
    server = dev(files={"a.css": "p{}", "x.txt": "</body>", "big.html": "x" * (5 << 20)})
    assert server.fetch("/a.css", fields=HTML).text == "p{}"
    assert server.fetch("/x.txt", fields=HTML).text == "</body>"
    assert len(server.fetch("/big.html", fields=HTML).body) == 5 << 20


def test_a_configured_policy_that_forbids_it(dev):
    server = dev("--response-field", "Content-Security-Policy: script-src 'none'")
    assert TAG not in server.fetch("/", fields=HTML).text


def test_switched_off(dev):
    server = dev("--live-reload=false")
    assert server.fetch("/", fields=HTML).text == PAGE
    assert server.fetch("/.phpsrv/live-reload").status != 200 or TAG not in server.fetch("/.phpsrv/live-reload").text
    assert "EventSource" not in server.fetch("/.phpsrv/live-reload.js").text


def test_the_script(dev):
    server = dev()
    response = server.fetch("/.phpsrv/live-reload.js")
    assert response.status == 200 and "EventSource" in response.text and response.get("Content-Type").startswith("text/javascript")
    assert server.fetch("/.phpsrv/live-reload.js", method="HEAD").get("Content-Length") == str(len(response.body))
    assert server.fetch("/.phpsrv/live-reload.js", method="POST").status == 405
    assert server.fetch("/.phpsrv/live-reload", method="POST").status == 405


# ---- changes arrive


def test_a_touched_file_is_told(dev):
    server = dev()
    stream = Stream(server)
    assert stream.first[0] == "hello"
    os.utime(server.docroot / "index.html")
    assert stream.next()[0] == "page"
    (server.docroot / "index.html").write_text(PAGE + " ")
    assert stream.next()[0] == "page"
    (server.docroot / "a.css").write_text("p{color:red}")
    name, data = stream.next()
    assert name == "style" and data != stream.first[1]
    assert Stream(server).first == ("hello", data), "who comes later knows the same"


def test_new_folders_and_watched_folders(dev, tmp_path):
    (tmp_path / "templates" / "mail").mkdir(parents=True)
    server = dev("--watch-path", tmp_path / "templates")
    stream = Stream(server)
    (tmp_path / "templates" / "mail" / "a.twig").write_text("x")
    assert stream.next()[0] == "page"
    (server.docroot / "new" / "deep").mkdir(parents=True)
    (server.docroot / "new" / "deep" / "b.php").write_text("x")
    assert stream.next()[0] == "page"
    (server.docroot / "sub" / "x.php").rename(server.docroot / "sub" / "y.php")
    assert stream.next()[0] == "page"


def test_every_site_has_it(dev, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text(PAGE)
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "index.html").write_text(PAGE)
    config = tmp_path / "server.toml"
    config.write_text(
        f"""
[[sites]]
name = "other"
hosts = ["other.example"]
site.docroot = "{tmp_path}/other"
[[sites]]
name = "closed"
hosts = ["closed.example"]
site.docroot = "{tmp_path}/closed"
response.fields = ["Content-Security-Policy: script-src 'none'"]
"""
    )
    server = dev("--config", config)
    stream = Stream(server)
    (tmp_path / "other" / "index.html").write_text(PAGE + "<p>more")
    assert stream.next()[0] == "page"
    for host, has_tag in (("test.example", True), ("other.example", True), ("closed.example", False)):
        with server.connect() as wire:
            wire.request("/", fields=HTML, host=host)
            response = wire.expect_response(200)
            assert (TAG in response.text, response.get("Cache-Control")) == (has_tag, "no-cache")


def status_for(server, host, path="/"):
    with server.connect() as wire:
        wire.request(path, fields=HTML, host=host)
        return wire.expect_response().status


def test_a_strangers_name_for_this_machine_is_refused(dev, launch):
    """DNS rebinding: a page of a stranger's whose own name leads here could read sources and settings."""
    server = dev()
    for path in ("/", "/sub/x.php", "/none", "/.phpsrv/live-reload", "/.phpsrv/live-reload.js"):
        assert status_for(server, "rebind.example.org", path) == 421
    server.wait_log("dev.unknown_host")
    for host in ("localhost", "127.0.0.1:8080", "[::1]", "app", "my.test", "a.localhost:80"):
        assert status_for(server, host) == 200, host
    named = dev("--host", "dev.example.org")
    assert status_for(named, "dev.example.org") == 200 and status_for(named, "rebind.example.org") == 421
    usual = launch(files={"index.html": PAGE})
    assert status_for(usual, "rebind.example.org") == 200, "not without --dev"


def test_what_applications_write_is_no_change(dev):
    server = dev()
    stream = Stream(server)
    for name in ("data.sqlite", "app.log", "cache/page.php", ".git/index.php", "node_modules/a.js", "upload.zip"):
        path = server.docroot / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (server.docroot / "a.css").write_text("b{}")
    assert stream.next()[0] == "style", "nothing but the last one was told"


def test_many_files_are_one_change(dev):
    server = dev()
    stream = Stream(server)
    for number in range(200):
        (server.docroot / f"f{number}.php").write_text("x")
    name, last = stream.next()
    while name != "style":  # together with a page it would be none
        (server.docroot / "a.css").write_text("c{}")
        name, last = stream.next()
    assert int(last.rpartition("-")[2]) <= 20


def test_many_tabs_and_no_worker(dev):
    server = dev(workers=1)
    streams = [Stream(server) for _ in range(50)]
    assert server.fetch("/", fields=HTML).status == 200
    status = json.loads(server.internal("/status").body)
    assert [worker["state"] for worker in status["workers"]] == ["idle"]
    (server.docroot / "index.html").write_text(PAGE)
    assert {stream.next()[0] for stream in streams} == {"page"}
    for stream in streams[:25]:
        stream.wire.reset()
    (server.docroot / "index.html").write_text(PAGE)
    assert {stream.next()[0] for stream in streams[25:]} == {"page"}


def test_there_is_a_maximum(dev):
    server = dev()
    streams = [Stream(server) for _ in range(256)]
    assert server.fetch("/.phpsrv/live-reload").status == 503
    streams.pop().wire.reset()
    wait_until(lambda: _joins(server), "there is room again")


def _joins(server):
    try:
        Stream(server)
        return True
    except AssertionError:
        return False


def test_the_end_of_the_server_ends_streams(dev):
    server = dev()
    stream = Stream(server)
    server.terminate()
    assert stream.ends()
    server.wait_exit()


def test_too_many_folders(dev):
    files = {f"d{number}/x.php": "" for number in range(20)}
    server = dev("--watch-folders-max", "5", files=files)
    line = server.wait_log("dev.too_many_folders")
    assert (line.level, line["watched"]) == ("WARN", "5")


# ---- the server's own files


def test_a_changed_configuration_is_a_new_server(launch, tmp_path):
    config = tmp_path / "server.toml"
    config.write_text("[dev]\nenabled = true\n")
    server = launch("--supervisor=true", "--config", config)
    server.wait_log("supervisor.generation_ready")
    stream = Stream(server)
    mark = server.mark()
    config.write_text('[dev]\nenabled = true\n[response]\nfields = ["X-New: yes"]\n')
    assert server.wait_log("dev.reload", after=mark)["changed"] == str(config)
    server.wait_log("supervisor.generation_ready", after=mark)
    assert stream.ends(), "its page meets the new server, and is loaded again"
    server.use_ready_line(server.wait_log("server.ready", after=mark))
    assert server.fetch("/").get("X-New") == "yes"
    assert Stream(server).first != stream.first

    # a broken one: said, and the old one goes on
    server.expect_log("supervisor.reload_failed")
    mark = server.mark()
    replacement = tmp_path / "edited"
    replacement.write_text("[dev]\nenabled = maybe\n")
    replacement.rename(config)
    line = server.wait_log("supervisor.reload_failed", after=mark)
    assert "server.toml:2" in line["reason"]
    assert server.fetch("/").get("X-New") == "yes"
    mark = server.mark()
    config.write_text("[dev]\nenabled = true\n")
    server.wait_log("supervisor.generation_ready", after=mark)


def test_without_a_supervisor_it_is_said(launch, tmp_path):
    config = tmp_path / "server.toml"
    config.write_text("[dev]\nenabled = true\n")
    server = launch("--config", config)
    config.write_text("[dev]\nenabled = true\n# changed\n")
    assert server.wait_log("dev.restart_needed").level == "WARN"


# ---- logs


def run_on_terminal(tmp_path, *arguments, env=None):
    """What the program writes to a terminal until it has answered one request."""
    (tmp_path / "index.html").write_text(PAGE)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [binary_path(), "--executor", "stub", "--docroot", tmp_path, "--supervisor=false", *arguments],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment(env),
    )  # fmt: skip
    os.close(theirs)
    text = bytearray()
    changed = threading.Condition()

    def collect():
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                return
            with changed:
                text.extend(piece)
                changed.notify_all()

    reader = threading.Thread(target=collect, daemon=True)
    reader.start()

    def wait(pattern):
        with changed:
            assert changed.wait_for(lambda: re.search(pattern, text), 20), bytes(text)
            return re.search(pattern, text)

    try:
        port = int(wait(rb"address=127\.0\.0\.1:(\d+)")[1])
        with Wire(("127.0.0.1", port)) as wire:
            wire.request("/index.html?%1B[31m", "PUT", fields=[("Connection", "close")], body=b"")
            wire.expect_response(405)
        wait(rb"index\.html")
        wait(rb"ms\b")
    finally:
        process.terminate()
        process.wait(20)
    reader.join(5)
    os.close(ours)
    return bytes(text).decode()


def test_a_terminal_gets_colours(tmp_path):
    text = run_on_terminal(tmp_path, "--dev", "--listen", "127.0.0.1:0")
    assert re.search(r"\033\[2m\d\d:\d\d:\d\d\.\d{3}\033\[0m \033\[32mINFO \033\[0m server\.ready {12}\033\[2m address=", text), text
    assert re.search(r"\033\[2m\d\d:\d\d:\d\d\.\d{3}\033\[0m PUT   \033\[33m405\033\[0m /index\.html\?%1B\[31m\033\[2m \d+\.\dms\033\[0m\r\n", text), text


@pytest.mark.parametrize("arguments, env", [((), {"NO_COLOR": "1"}), (("--log-color", "never"), None)])
def test_or_none_when_unwanted(tmp_path, arguments, env):
    text = run_on_terminal(tmp_path, "--dev", "--listen", "127.0.0.1:0", *arguments, env=env)
    assert "\033" not in text and re.search(r"\d{4}-\d\d-\d\dT\S+Z PUT   405 /index\.html\S* \d+\.\dms", text)


def test_a_file_gets_none(dev):
    server = dev()
    server.fetch("/index.html", method="PUT", body=b"")
    assert server.wait_stdout(rb"(?m)^\d{4}-\d\d-\d\dT\S+Z PUT   405 /index\.html \d+\.\dms$")
    assert "\033" not in server.log


def test_always(dev):
    server = dev("--log-color", "always", start=False).start_silent()
    server.wait_line(r"\033\[32mINFO \033\[0m server\.ready")
