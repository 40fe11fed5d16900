"""node's HTTP/2 and HTTP/1.1 clients.

SPDX-License-Identifier: MIT
"""

import hashlib
import json
import pathlib
import subprocess

import site_files

HERE = pathlib.Path(__file__).resolve().parent
SLOW = """<?php
for ($i = 0; $i < 30; $i++) { echo "$i\\n"; flush(); usleep(50000); }"""


def check(result):
    assert result["many"] == 300
    assert result["upload"] is True
    assert result["file"] == hashlib.md5(site_files.TEXT).hexdigest()
    assert result["expected"][1] == 200
    assert result["head"] == [200, len(site_files.TEXT), 0]
    assert result["after"] == "Hello, world!"
    assert result["ping"] is True
    assert result["protocol"] == "h2"


def test_http2(urls, pair):
    done = subprocess.run(
        ["node", HERE / "http2_client.mjs", urls["https"], pair[0]], capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout))


def test_http2_while_the_server_stops(launch, pair):
    server = launch(
        "--tls-listen", "127.0.0.1:0", "--tls-cert", pair[0], "--tls-key", pair[1], files={**site_files.files(), "slow.php": SLOW}, executor="ext"
    )  # fmt: skip
    url = f"https://localhost:{server.tls_address[1]}"
    client = subprocess.Popen(
        ["node", HERE / "http2_client.mjs", url, pair[0], "drain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    assert client.stderr.readline() == "answering\n"
    server.terminate()
    out, err = client.communicate(timeout=60)
    assert client.returncode == 0, err
    result = json.loads(out)
    check(result)
    assert result["goaway"] == 0 and result["slow"] == "".join(f"{i}\n" for i in range(30))
    assert server.wait_exit() == 0


def test_http1(urls):
    """Keep-alive agents: 500 requests over 10 connections, none of which breaks."""
    script = """
import http from "node:http";
const agent = new http.Agent({ keepAlive: true, maxSockets: 10 });
let done = 0;
const ask = (i) => new Promise((resolve, reject) => {
  const request = http.request(process.argv[1] + "/echo.php?i=" + i, { agent, method: "POST" }, (answer) => {
    let text = "";
    answer.on("data", (d) => text += d);
    answer.on("end", () => { const told = JSON.parse(text); if (told.get.i === String(i) && told.length === 1000) done++; resolve(); });
  });
  request.on("error", reject);
  request.end("x".repeat(1000));
});
await Promise.all(Array.from({ length: 500 }, (_, i) => ask(i)));
console.log(done);
agent.destroy();
"""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script, urls["http"]], capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert done.stdout.strip() == "500", done.stderr
