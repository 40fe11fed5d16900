"""Rebuilds Debian's packages of a web application as a site in a temporary folder.

The packages name their places by absolute path; the copy is made to name its own folder instead, and is otherwise as packaged.
SPDX-License-Identifier: MIT
"""

import os
import pathlib
import re
import shutil

PLACES = re.compile(rb"(?<![\w$/.])/(usr/share|etc|var/lib|var/cache)/(?=(?:dokuwiki|wordpress|mediawiki|phpmyadmin|php|javascript)\b)")


def unpacked(name):
    """The folder that fetch.sh fills; the test is skipped, or fails, without it."""
    cache = os.environ.get("PHPSRV_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "phpsrv"
    )
    folder = pathlib.Path(cache) / "apps" / name
    if not (folder / "complete").exists():
        import pytest  # here alone: the bench builds sites with this file, and knows before that the packages are there

        if shutil.which("apt-get") is None:
            pytest.skip(f"{name} comes from Debian's archive, and there is no apt-get here")
        pytest.fail(f"{name} is not fetched: run ./dev setup apps (or tests/apps/fetch.sh {name})")
    return folder / "root"


def build(name, folder):
    """Copies the packages into folder; returns where the program lies."""
    source = unpacked(name)
    for path in sorted(source.rglob("*")):
        target = folder / path.relative_to(source)
        if path.is_symlink():
            link = os.readlink(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(folder / link[1:] if link.startswith("/") else link)
        elif path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif path.suffix in (".php", ".conf", ".inc"):
            target.write_bytes(PLACES.sub(bytes(folder) + rb"/\1/", path.read_bytes()))
        else:
            shutil.copyfile(path, target)
    return folder / "usr/share" / name
