# SPDX-License-Identifier: BSD-2-Clause
"""A file system that is full: told apart from other failures, and said the same way everywhere.

Standard library only: the wrapper needs it before the build's own packages exist.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import cache
from .errors import BuildError, from_os_error

FULL = (errno.ENOSPC, errno.EDQUOT)
LITTLE = 1 << 20  # bytes: a program that failed with no more than that left failed for it
SAID = re.compile(
    r"no space left|enough free space|disk quota exceeded|wrote only \d+ of \d+", re.IGNORECASE
)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next((path for path in (folder, *folder.parents) if path.is_dir()), Path("/"))


def free(folder: Path) -> int:
    """Bytes that may still be written under a folder."""
    return shutil.disk_usage(existing(folder)).free


def is_said(text: str) -> bool:
    """Whether a program that failed blames a full disk."""
    return SAID.search(text) is not None


def shortage(what: str, folder: Path, needed: int = 0) -> BuildError:
    """The error for a full file system; `needed` are the bytes it takes, if that is known."""
    size = f": it takes {needed / 1e6:.1f} MB, {free(folder) / 1e6:.1f} MB are free"
    if cache.root() in (folder, *folder.parents):
        hint = f"type: {cache.VARIABLE}=/a/folder/with/space ./sconsw, or make room there"
    else:
        hint = f"type: df -h {existing(folder)}, make room, then the same again"
    return BuildError(f"no space left for {what} in {folder}{size if needed else ''}", hint)


def need(what: str, folder: Path, needed: int) -> None:
    """Say before the start that it cannot fit."""
    if needed > free(folder):
        raise shortage(what, folder, needed)


@contextmanager
def explained(what: str, folder: Path) -> Iterator[None]:
    """Turn what the system says of files into the two lines that a person needs."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise shortage(what, folder) from None
        if not error.filename:
            error.filename = str(folder)
        raise from_os_error(error, Path.cwd(), cache.root()) from None
