"""/status for people: who runs what, the longest first, and nothing that a client sent is taken for markup.

SPDX-License-Identifier: MIT
"""

import json
import re
from html.parser import HTMLParser

import pytest

from testenv import H2Wire, scaled, stub, wait_until

HTML = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")]


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.rows = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append("")
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.rows:
            self.rows[-1] += data + "|"


def test_the_page(launch):
    server = launch(workers=3)
    with server.connect() as first, server.connect() as second:
        first.request(stub.sleep(3000) + "?q=<script>x</script>&\"'")
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "one is busy")
        second.request(stub.sleep(2500) + "?second")
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 2, "two are busy")
        answer = server.internal("/status", fields=HTML)
        assert answer.status == 200 and answer.get("Content-Type") == "text/html; charset=utf-8" and answer.get("Cache-Control") == "no-store"
        text = answer.body.decode()
        page = Tags(text)
        assert page.open == [] and "script" not in {tag for tag, _ in page.tags}
        rows = [row for row in page.rows if "busy" in row or "idle" in row]
        assert len(rows) == 3 and "<script>x</script>" in rows[0] and "second" in rows[1] and "idle" in rows[2]
        assert not re.search(r'src=|https?://|@import|url\(', text), "nothing from elsewhere"
        assert all(attrs["href"].startswith("?") or attrs["href"] == "metrics" for tag, attrs in page.tags if "href" in attrs)
        assert "127.0.0.1" in rows[0] and "since " in rows[0]
        assert ("meter", {"max": "3", "value": "2"}) in page.tags
        for wire in (first, second):
            assert wire.expect_response().status == 200


def test_json_for_programs(launch):
    server = launch(workers=2)
    for fields in ([], [("Accept", "*/*")], [("Accept", "application/json")]):
        assert len(json.loads(server.internal("/status", fields=fields).body)["workers"]) == 2


def test_quantiles(launch):
    server = launch(workers=2)
    for _ in range(95):
        server.fetch("/x")
    for _ in range(5):
        server.fetch(stub.sleep(200))
    page = Tags(server.internal("/status", fields=HTML).body.decode())
    for name in ("requests, last minute", "requests, since start"):
        row = next(row for row in page.rows if row.startswith(name))
        median, _, high = (float(cell) for cell in re.findall(r"([\d.]+) ms", row))
        assert median < 50 and 100 <= high <= 500
    told = json.loads(server.internal("/status?json").body)
    for part in ("last_minute", "since_start"):
        assert told[part]["requests"] == 100 and told[part]["requests_per_second"] > 0
        quantiles = told[part]["duration_seconds"]
        assert quantiles["p50"] < 0.05 and 0.1 <= quantiles["p99"] <= 0.5 and quantiles["p50"] <= quantiles["p90"] <= quantiles["p99"]


def test_json_says_what_the_page_says(launch):
    server = launch(workers=2)
    with server.connect() as wire:
        wire.request(stub.sleep(3000) + '?q="<\\')
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "it runs")
        told = json.loads(server.internal("/status?json", fields=HTML).body)
        busy, idle = told["workers"]
        assert (busy["state"], idle["state"]) == ("busy", "idle") and busy["client"] == "127.0.0.1" and busy["method"] == "GET"
        assert busy["target"].endswith('?q="<\\') and busy["running_seconds"] >= 0
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", busy["since"])
        assert told["requests_in_flight"] == 1 and told["queue"] == 0 and told["queue_capacity"] == 200 and told["connections"] == 1
        wire.expect_response(200)


@pytest.mark.parametrize("tail, shown", [(b"\xff<\x80", "\ufffd<\ufffd"), ("ä".encode() * 200, "ä\ufffd")])
def test_what_is_no_text(launch, tail, shown):
    """Bytes that are no UTF-8, and a sequence that the end of the room cuts: HTTP/2 brings them."""
    server = launch(workers=1)
    with H2Wire(server.address) as wire:
        stream = wire.headers(path=b"/stub/sleep?ms=2000&q=" + tail)
        wait_until(lambda: server.metrics().value("phpsrv_workers", state="busy") == 1, "it runs")
        told = json.loads(server.internal("/status?json").body)
        assert told["workers"][0]["target"].endswith(shown)
        page = Tags(server.internal("/status", fields=HTML).body.decode(errors="strict"))
        assert shown in page.rows[-1]
        assert wire.response(stream).status == 200


def test_history(launch):
    """A sample each five seconds; what is waited for is the second, so that one is whole."""
    server = launch(workers=2)

    def history():
        return json.loads(server.internal("/status?json").body)["history"]

    wait_until(lambda: len(history()) >= 1, "a sample", timeout=scaled(30))
    for _ in range(20):
        server.fetch(stub.status(500))
    with server.connect() as wire:
        wire.request(stub.sleep(1500))
        wire.expect_response(200)
    before = len(history())
    wait_until(lambda: len(history()) > before, "one more", timeout=scaled(30))
    samples = history()
    assert sum(sample["requests"] for sample in samples) == 21 and sum(sample["errors_5xx"] for sample in samples) == 20
    assert max(sample["busy_max"] for sample in samples) >= 1 and all(4.5 < sample["seconds"] < 20 for sample in samples)
    assert max(sample["p99_seconds"] for sample in samples) >= 1 and all(sample["memory_bytes"] > 100_000 for sample in samples)
    page = Tags(server.internal("/status", fields=HTML).body.decode())
    curves = [attrs["points"] for tag, attrs in page.tags if tag == "polyline"]
    assert len(curves) == 6 and all(len(points.split(" ")) >= len(samples) for points in curves)
    assert all(0 <= int(x) <= 600 and 0 <= int(y) <= 100 for points in curves for x, y in (point.split(",") for point in points.split(" ")))


@pytest.mark.parametrize("query, content", [("", "5"), ("?refresh=2", "2"), ("?refresh=0", None), ("?x=1&refresh=3600", "3600")])
def test_refresh(server, query, content):
    page = Tags(server.internal("/status" + query, fields=HTML).body.decode())
    assert [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "refresh"] == ([content] if content else [])


@pytest.mark.parametrize("value", ["", "x", "-1", "3601", "5;url=http://h/", "99999999999999999999"])
def test_wrong_refresh(server, value):
    answer = server.internal("/status?refresh=" + value, fields=HTML)
    assert answer.status == 400 and answer.get("Content-Type").startswith("text/plain") and "0 to 3600" in answer.text


def test_fields(server):
    page = server.internal("/status", fields=HTML)
    policy = page.get("Content-Security-Policy")
    assert "default-src 'none'" in policy and "script-src" not in policy and "frame-ancestors 'none'" in policy
    assert page.get("X-Content-Type-Options") == "nosniff" and page.get("Vary") == "Accept" and page.get("Cache-Control") == "no-store"
    assert server.internal("/status").get("Content-Security-Policy") is None
    assert server.internal("/status", fields=HTML, method="HEAD").status == 200
