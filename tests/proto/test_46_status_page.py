"""/status for people: who runs what, the longest first, and nothing that a client sent is taken for markup.

SPDX-License-Identifier: MIT
"""

import json
import re
from html.parser import HTMLParser

from testenv import stub, wait_until

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
        assert not re.search(r'(?:src|href)=|https?://|@import|url\(', text), "nothing from elsewhere"
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
    text = server.internal("/status", fields=HTML).body.decode()
    median, high = (float(re.search(rf"duration, {name}</span><b>([\d.]+) ms", text).group(1)) for name in ("median", "99 %"))
    assert median < 50 and 100 <= high <= 500
