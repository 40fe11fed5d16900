"""One server with TLS for all clients of a module.

SPDX-License-Identifier: MIT
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import site_files  # noqa: E402


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return site_files.certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def server(launch_module, pair):
    return launch_module(
        "--tls-listen", "127.0.0.1:0", "--tls-cert", pair[0], "--tls-key", pair[1], files=site_files.files(), executor="ext", workers=2
    )  # fmt: skip


@pytest.fixture(scope="module")
def urls(server):
    """The site's addresses: plain and over TLS."""
    return {
        "http": f"http://127.0.0.1:{server.address[1]}",
        "https": f"https://localhost:{server.tls_address[1]}",
    }
