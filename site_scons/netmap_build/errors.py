# SPDX-License-Identifier: BSD-2-Clause
"""How the build talks to a person when it cannot go on: what and why, then what to type."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TextIO

USAGE = 2  # exit code for words that make no sense
FAILED = 1
INTERRUPTED = 130


class BuildError(Exception):
    """What failed and why, and the next thing to type."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def report(error: BuildError, stream: TextIO | None = None) -> None:
    """Print an error the way every part of the build prints it."""
    out = stream or sys.stderr
    sys.stdout.flush()
    out.write(f"netmap: {error.message}\n")
    if error.hint:
        out.write(f"        {error.hint}\n")
    out.flush()


def report_interrupted() -> None:
    """The closing words of Ctrl-C."""
    sys.stderr.write("\nnetmap: interrupted, nothing half made stays; type the same to go on\n")
    sys.stderr.flush()


def mount_of(path: Path) -> Path:
    """The root of the file system that a path is on."""
    path = path.absolute()
    while not path.exists() or not os.path.ismount(path):
        path = path.parent
    return path


def from_os_error(error: OSError, top: Path, cache_folder: Path | None = None) -> BuildError:
    """A failed system call in our words; the cache folder gets an advice of its own."""
    name = Path(os.fsdecode(error.filename)) if error.filename else Path.cwd()
    in_cache = cache_folder is not None and (name == cache_folder or cache_folder in name.parents)
    elsewhere = "type: NETMAP_BUILD_CACHE=/a/folder/with/space ./sconsw" if in_cache else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BuildError(
            f"no space is left on {mount_of(name)} for {name}",
            elsewhere or f"type: df -h {mount_of(name)}, make room, then the same again",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        read_only = error.errno == errno.EROFS
        why = "its file system is read-only" if read_only else "permission denied"
        if in_cache:
            return BuildError(f"the build cache cannot be written at {name}: {why}", elsewhere)
        return BuildError(
            f"{name} cannot be written: {why}",
            f"type: cp -r {top} ~/netmap && cd ~/netmap, then the same again",
        )
    said = error.strerror or type(error).__name__
    return BuildError(f"{said}: {name}", "type: the same again once that is mended")


def say(line: str) -> None:
    """One line of progress, visible at once even when stdout is a pipe."""
    print(line, flush=True)
