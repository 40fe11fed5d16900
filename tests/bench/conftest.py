"""The bench's own parts are tested here, not its figures.

SPDX-License-Identifier: MIT
"""

import pathlib
import shutil
import subprocess
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """compiled(SOURCE...) makes a program of files of bench/ and returns its path."""

    def make(*sources):
        if shutil.which("cc") is None:
            pytest.skip("no C compiler")
        program = tmp_path_factory.mktemp("program") / pathlib.Path(sources[0]).stem
        subprocess.run(["cc", "-O1", "-D_GNU_SOURCE", "-o", program, *(BENCH / source for source in sources)], check=True)
        return program

    return make
