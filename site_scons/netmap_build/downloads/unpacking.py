# SPDX-License-Identifier: BSD-2-Clause
"""Unpacking an archive into a new folder: all of it, or nothing.

Files become 0644 or 0755 and folders 0755, whatever the archive says; hard links become copies.
Links are made last, so that nothing is ever written through one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from .. import cache, space
from .archive import FOLDER, HARD, LINK, PIECE, Entry, Limits, copy
from .tree import checked


def write(path: Path, entry: Entry, pieces: Iterable[bytes]) -> None:
    """A new file with the mode and time of its entry."""
    with path.open("xb") as handle:
        for piece in pieces:
            handle.write(piece)
    path.chmod(0o755 if entry.executable else 0o644)
    if entry.modified:
        when = min(max(entry.modified, 0.0), time.time())
        os.utime(path, (when, when))


def duplicate(old: Path, new: Path) -> None:
    """A hard link, as a file of its own: changing one must not change the other."""
    status = old.stat()
    executable = bool(status.st_mode & 0o100)
    with old.open("rb") as handle:
        entry = Entry("", HARD, executable=executable, modified=status.st_mtime)
        write(new, entry, iter(lambda: handle.read(PIECE), b""))


def make_folder(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)


def fill(root: Path, archive: Path, strip: int, limits: Limits) -> None:
    """Unpack into an empty folder that nobody else knows yet."""
    links: dict[Path, str] = {}
    for entry, content in checked(archive, strip, limits):
        path = root / entry.path
        if entry.kind == FOLDER:
            make_folder(path)
            continue
        make_folder(path.parent)
        if entry.kind == LINK:
            links[path] = entry.target
        elif entry.kind == HARD:
            duplicate(root / entry.target, path)
        else:
            write(path, entry, copy(archive, content))
    for path, target in links.items():
        path.symlink_to(target)
    for where, folders, _ in os.walk(root):
        for name in folders:
            folder = Path(where, name)
            if not folder.is_symlink():
                folder.chmod(0o755)


def unpack(path: Path, into: Path, strip: int = 0, limits: Limits | None = None) -> Path:
    """Unpack an archive so that `into` is its tree; what `into` held before is replaced.

    strip takes that many leading folders off every name; what lies above them is left out.
    """
    with space.explained(f"unpacking {path.name}", into.parent), cache.new_folder(into) as root:
        fill(root, path, strip, limits or Limits())
    return into
