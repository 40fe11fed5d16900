"""Fixtures of the cluster: one for each process of the test run, healed before each test.

SPDX-License-Identifier: MIT
"""

import pathlib
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from parts import HERE, Cluster, check, need  # noqa: E402


@pytest.fixture(scope="session")
def redis_extension():
    done = subprocess.run([HERE / "fetch.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def _cluster(redis_extension):
    with tempfile.TemporaryDirectory(prefix="phpsrv-cluster.") as folder:
        cluster = Cluster(folder, redis_extension)
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
def cluster(_cluster):
    return _cluster.heal()


@pytest.fixture
def certificate(tmp_path):
    """A file with certificate and key for localhost; the certificate alone is "cert" beside it."""
    check(
        need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
        "-keyout", tmp_path / "key", "-out", tmp_path / "cert",
    )  # fmt: skip
    pem = tmp_path / "site.pem"
    pem.write_bytes((tmp_path / "cert").read_bytes() + (tmp_path / "key").read_bytes())
    return pem
