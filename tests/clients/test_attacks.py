"""Tools that look for weaknesses: sslscan, testssl, and slowhttptest's four attacks.

SPDX-License-Identifier: MIT
"""

import json
import re
import subprocess
import threading
import time

import pytest

import site_files
from testenv import scaled

ATTACKS = {
    "slow headers": ["-H", "-i", "2", "-x", "24"],
    "slow body": ["-B", "-i", "2", "-s", "8192", "-x", "10"],
    "ranges": ["-R", "-a", "10", "-b", "3000"],
    "slow read": ["-X", "-w", "1", "-y", "10", "-n", "2", "-z", "32", "-k", "3"],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_slow_attacks(launch, attack):
    """800 attackers for 15 s; meanwhile everybody else is served, and quickly."""
    server = launch("--http-header-timeout-ms", "5s", "--http-body-idle-timeout-ms", "5s", files=site_files.files(), executor="ext", workers=2)
    url = f"http://127.0.0.1:{server.address[1]}/{'echo.php' if attack == 'slow body' else 'text.txt'}"
    waits, failures = [], []
    ended = threading.Event()

    def visit():
        while not ended.is_set():
            started = time.monotonic()
            try:
                for path in ("/hello.php", "/assets/1.png"):
                    assert server.fetch(path).status == 200
            except Exception as problem:  # noqa: BLE001: any trouble is one
                failures.append(repr(problem))
            waits.append(time.monotonic() - started)
            ended.wait(0.05)

    visitor = threading.Thread(target=visit)
    visitor.start()
    done = subprocess.run(
        ["slowhttptest", "-c", "800", "-r", "400", "-l", "15", "-p", "3", "-u", url, *ATTACKS[attack]],
        capture_output=True, text=True, timeout=scaled(120), check=False,
    )  # fmt: skip
    ended.set()
    visitor.join()
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert "service available:" in text, text[-2000:]
    assert not re.search(r"service available:\s*NO", text), text[-2000:]
    assert failures == []
    assert sorted(waits)[len(waits) * 99 // 100] < scaled(1)
    assert server.fetch("/hello.php").body == b"Hello, world!"


def test_sslscan(server):
    host = f"localhost:{server.tls_address[1]}"
    done = subprocess.run(["sslscan", "--no-colour", host], capture_output=True, text=True, timeout=120, check=True)
    text = done.stdout
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        assert re.search(rf"{re.escape(version)}\s+disabled", text), text
    for version in ("TLSv1.2", "TLSv1.3"):
        assert re.search(rf"{re.escape(version)}\s+enabled", text), text
    assert "not vulnerable to heartbleed" in text and "renegotiation not supported" in text
    assert "Compression enabled" not in text
    accepted = re.findall(r"^(?:Preferred|Accepted)\s+TLSv1\.\d\s+(\d+) bits\s+(\S+)", text, re.M)
    assert accepted
    for bits, name in accepted:
        assert int(bits) >= 128 and not re.search(r"RC4|3DES|DES-|NULL|EXP|MD5|CBC|^AES\d+-", name), name


def test_testssl(server, tmp_path):
    """Nothing above LOW, but for what a self-signed certificate of a test is blamed for."""
    report = tmp_path / "report.json"
    subprocess.run(
        ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--protocols", "--server-defaults", "--fs", "--vulnerable", "--each-cipher",
         "--jsonfile", report, f"localhost:{server.tls_address[1]}"],
        capture_output=True, text=True, timeout=scaled(500), check=False,
    )  # fmt: skip
    found = json.loads(report.read_text())
    of_the_certificate = re.compile(r"cert|OCSP|CRL|CAA|CT$|trust|chain|DNS|hsts|scanTime|engine|Problem", re.I)
    weak = [row for row in found if row["severity"] in ("LOW", "MEDIUM", "HIGH", "CRITICAL", "WARN") and not of_the_certificate.search(row["id"])]
    names = [row["id"] for row in found]
    assert "heartbleed" in names and "ROBOT" in names and "TLS1_3" in names
    assert weak == [], json.dumps(weak, indent=1)
