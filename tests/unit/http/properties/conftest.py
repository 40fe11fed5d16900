# SPDX-License-Identifier: MIT
"""Builds floors 0 and 3 and shim.c into a shared library and hands it to the property tests."""
import ctypes
import os
import pathlib
import subprocess
import tempfile

import pytest

# Nothing is written into the source tree: examples and caches are thrown away.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(tempfile.gettempdir(), "phpsrv-hypothesis"))

ROOT = pathlib.Path(__file__).resolve().parents[4]


@pytest.fixture(scope="session")
def http_library(tmp_path_factory):
    output = tmp_path_factory.mktemp("http") / "libhttp_floors.so"
    sources = [*sorted((ROOT / "src/base").glob("*.c")), *sorted((ROOT / "src/http").glob("*.c")),
               pathlib.Path(__file__).with_name("shim.c")]
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-g", "-shared", "-fPIC",
                    "-fvisibility=hidden", f"-I{ROOT / 'src'}", f"-I{ROOT / 'include'}",
                    *map(str, sources), "-o", str(output), "-pthread"], check=True)
    library = ctypes.CDLL(str(output))
    library.shim_etag.restype = ctypes.c_size_t
    return library
