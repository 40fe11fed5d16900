"""Fixtures of the cluster: one for each process of the test run, healed before each test.

SPDX-License-Identifier: MIT
"""

import pathlib
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from services import HERE, Cluster  # noqa: E402


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
