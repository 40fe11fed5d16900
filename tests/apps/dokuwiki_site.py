"""Rebuilds Debian's DokuWiki packages as a site in a temporary folder.

The packages name their places by absolute path; the copy is made to name its own folder instead, and is otherwise as packaged.
SPDX-License-Identifier: MIT
"""

import os
import pathlib
import re
import shutil

PLACES = re.compile(rb"(?<![\w$/.])/(usr/share|etc/dokuwiki|var/lib/dokuwiki)(?=[/'\"])")


def unpacked():
    """The folder that fetch_dokuwiki.sh fills, or None."""
    cache = os.environ.get("PHPSRV_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "phpsrv"
    )
    folder = pathlib.Path(cache) / "apps" / "dokuwiki"
    return folder / "root" if (folder / "complete").exists() else None


def build(source, folder):
    """Copies the packages into folder; returns the document root, with conf and data inside as the installer wants them."""
    for path in sorted(source.rglob("*")):
        target = folder / path.relative_to(source)
        if path.is_symlink():
            link = os.readlink(path)
            target.symlink_to(folder / link[1:] if link.startswith("/") else link)
        elif path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif path.suffix in (".php", ".conf", ".inc"):
            target.write_bytes(PLACES.sub(bytes(folder) + rb"/\1", path.read_bytes()))
        else:
            shutil.copyfile(path, target)
    docroot = folder / "usr/share/dokuwiki"
    for name, place in (("conf", "etc/dokuwiki"), ("data", "var/lib/dokuwiki/data")):
        if not (docroot / name).exists():
            (docroot / name).symlink_to(folder / place)
    return docroot


def harden(docroot):
    """After the installation configuration and data are not reached over the web any more, as Debian has it."""
    for name in ("conf", "data", "install.php"):
        if (docroot / name).is_symlink() or (docroot / name).is_file():
            (docroot / name).unlink()
