# SPDX-License-Identifier: BSD-2-Clause
"""The build cache: what was downloaded or computed once and holds for every checkout."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import BuildError, say

VARIABLE = "NETMAP_BUILD_CACHE"
HELD = "NETMAP_LOCK_HELD"  # names a lock for what a holder of it starts


def root() -> Path:
    """$NETMAP_BUILD_CACHE, else netmap-build in the user's cache folder."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).absolute()
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]).absolute() / "netmap-build"
    try:
        return Path.home() / ".cache/netmap-build"
    except RuntimeError:
        raise BuildError(
            "there is no place for the build cache: HOME is not set, and this user has no account",
            f"type: {VARIABLE}=/a/folder/of/yours ./sconsw",
        ) from None


@contextmanager
def locked(path: Path, what: str = "") -> Iterator[None]:
    """One process, and one thread, at a time; the others wait, and say for what if they know."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        take(handle, what)
        yield


def hold(path: Path, what: str) -> IO[str] | None:
    """The same for the rest of this process; None where a process above it holds the lock."""
    if os.environ.get(HELD) == str(path):
        return None
    handle = path.open("a")
    take(handle, what)
    os.environ[HELD] = str(path)
    return handle


def take(handle: IO[str], what: str) -> None:
    """Lock an open file, until it is closed."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if what:
            say(f"netmap: waiting for another ./sconsw that {what}")
        fcntl.flock(handle, fcntl.LOCK_EX)


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Fill a scratch folder that becomes `final` in one step, or vanishes on failure."""
    final.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    scratch.chmod(0o755)
    try:
        yield scratch
        if final.exists():
            shutil.rmtree(final)
        scratch.rename(final)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_if_changed(file: Path, text: str) -> bool:
    """Keep the time stamp of a file whose content stays; True when it was written."""
    try:
        if file.read_text() == text:
            return False
    except OSError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(file)
    return True


def link(target: str, name: str) -> None:
    """A symbolic link, replaced where it exists."""
    Path(name).unlink(missing_ok=True)
    Path(name).symlink_to(target)
