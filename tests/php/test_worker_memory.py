"""A worker script under load for some seconds: memory and descriptors stay as they are. tests/soak/ does it for a million requests.

SPDX-License-Identifier: MIT
"""

import shutil

import pytest

from testenv import load

WANTED = 50_000


@pytest.mark.no_sanitizer
@pytest.mark.heavy
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not here")
def test_memory_is_flat(launch, tmp_path):
    server = launch("--worker", "mixed.php,2", "-d", f"session.save_path={tmp_path}", *load.SETTINGS, executor="ext", files={"mixed.php": load.MIXED_SCRIPT})
    sizes = load.soak(server, "/mixed.php", tmp_path, WANTED, seconds=1)
    first, last = load.at(sizes, 0.3), sizes[-1]
    assert last.pss_kib < first.pss_kib + 2048, sizes
    assert last.descriptors <= first.descriptors + 2, sizes
