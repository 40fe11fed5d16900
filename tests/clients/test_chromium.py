"""A browser: a page with a hundred assets over HTTP/2 and TLS.

SPDX-License-Identifier: MIT
"""

import json
import os
import pathlib
import re
import subprocess

import pytest


def chromium(tmp_path, url, *arguments):
    return subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors",
         "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=15000", *arguments, url],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_page_with_a_hundred_assets(urls, server, tmp_path, scheme):
    before = server.metrics().value("phpsrv_http2_connections_total")
    done = chromium(tmp_path, urls[scheme] + "/", "--dump-dom")
    found = re.search(r'<pre id="result">(\{.*?\})</pre>', done.stdout)
    assert found, done.stderr[-2000:]
    result = json.loads(found[1])
    protocol = "h2" if scheme == "https" else "http/1.1"
    assert result == {
        "assets": 100, "pictures": 90, "scripts": 5, "colour": "rgb(1, 2, 3)", "protocols": [protocol], "page": protocol,
    }  # fmt: skip
    grown = server.metrics().value("phpsrv_http2_connections_total") - before
    assert grown in ((1, 2) if scheme == "https" else (0,)), "one connection for the page, perhaps one for its icon"


def test_a_picture_of_it(urls, tmp_path):
    """For people: PHPSRV_SCREENSHOTS names a folder for it."""
    folder = pathlib.Path(os.environ.get("PHPSRV_SCREENSHOTS", tmp_path))
    picture = folder / "assets.png"
    chromium(tmp_path, urls["https"] + "/", f"--screenshot={picture}", "--window-size=800,400")
    assert picture.stat().st_size > 3000
