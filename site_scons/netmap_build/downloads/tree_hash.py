# SPDX-License-Identifier: BSD-2-Clause
"""tree-sha256: the hash of what an archive unpacks to.

It is the SHA-256 of these bytes: the line `netmap-tree-1`, then for every file and every symbolic
link, in the order of their paths as bytes,

    <kind> <hash> <path> NUL

where kind is `f` for a file, `x` for a file that its owner may execute and `l` for a symbolic
link; hash is the SHA-256, in hexadecimal, of the file's content or of the link's target; path is
relative, in UTF-8, with `/` between its parts. A hard link counts as the file that it leads to.

So compression, the order of the archive, times, owners, the other mode bits and empty folders do
not matter; names, content, executable or not, and where links lead do. The name of an archive's
top folder is part of every path unless `strip` takes it away.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from ..errors import BuildError
from .archive import FOLDER, HARD, LINK, Limits, copy
from .store import sha256_of
from .tree import checked

HEADER = b"netmap-tree-1\n"
Records = dict[str, tuple[str, str]]  # path to kind and hash


def combined(records: Records) -> str:
    """The hash over all records."""
    digest = hashlib.sha256(HEADER)
    for path in sorted(records, key=str.encode):
        kind, content = records[path]
        digest.update(f"{kind} {content} {path}\0".encode())
    return digest.hexdigest()


def archive_records(archive: Path, strip: int, limits: Limits) -> Records:
    records: Records = {}
    for entry, content in checked(archive, strip, limits):
        if entry.kind == FOLDER:
            continue
        if entry.kind == HARD:
            records[entry.path] = records[entry.target]
            continue
        digest = hashlib.sha256()
        if entry.kind == LINK:
            digest.update(entry.target.encode("utf-8", "surrogateescape"))
        for piece in copy(archive, content):
            digest.update(piece)
        kind = "l" if entry.kind == LINK else "x" if entry.executable else "f"
        records[entry.path] = (kind, digest.hexdigest())
    return records


def folder_records(folder: Path) -> Records:
    records: Records = {}
    for where, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(where, name)
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            if stat.S_ISLNK(mode):
                found = ("l", hashlib.sha256(os.fsencode(path.readlink())).hexdigest())
            elif stat.S_ISREG(mode):
                found = ("x" if mode & stat.S_IXUSR else "f", sha256_of(path))
            else:
                raise BuildError(f"{path} is no file, folder or link", "remove it")
            records[path.relative_to(folder).as_posix()] = found
    return records


def tree_sha256(path: Path, strip: int = 0, limits: Limits | None = None) -> str:
    """The hash of an archive's tree, or of a folder; the safety checks of unpacking apply."""
    if path.is_dir():
        return combined(folder_records(path))
    return combined(archive_records(path, strip, limits or Limits()))
