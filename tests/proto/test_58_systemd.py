"""The systemd units that are shipped: accepted by systemd, hardened, and true about the program.

SPDX-License-Identifier: MIT
"""

import pathlib
import re
import shutil
import subprocess

import pytest

from testenv import binary_path, run_binary

UNITS = pathlib.Path(__file__).resolve().parents[2] / "docker/systemd"
EXPOSURE_MAX = 3.0
pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")


@pytest.fixture
def units(tmp_path):
    """With the program that is tested in place of the installed one."""
    for path in UNITS.iterdir():
        (tmp_path / path.name).write_text(path.read_text().replace("/usr/bin/phpsrv", binary_path()).replace("User=phpsrv", "User=daemon").replace("Group=phpsrv", "Group=daemon"))
    return tmp_path


@pytest.mark.parametrize("name", ["phpsrv.service", "phpsrv.socket"])
def test_systemd_accepts_it(units, name):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", units / name], capture_output=True, text=True, check=False)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "phpsrv" in line]
    assert done.returncode == 0 and not complaints, complaints


def test_it_is_hardened(units):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", units / "phpsrv.service"], capture_output=True, text=True, check=False)
    exposure = re.search(r"Overall exposure level for phpsrv\.service: ([\d.]+)", done.stdout)
    assert exposure and float(exposure.group(1)) < EXPOSURE_MAX, done.stdout[-3000:]


def test_the_program_knows_what_it_says(units, tmp_path):
    text = (units / "phpsrv.service").read_text()
    command = re.search(r"^ExecStart=(.*)$", text, re.M).group(1).split()
    (tmp_path / "phpsrv.toml").write_text("[server]\n")
    done = run_binary(*(str(tmp_path / "phpsrv.toml") if word == "/etc/phpsrv/phpsrv.toml" else word for word in command[1:]), "--executor", "stub", "--check-config")
    assert done.returncode == 0, done.stderr
    assert int(re.search(r"TimeoutStopSec=(\d+)", text).group(1)) > 30, "longer than the drain"
