# SPDX-License-Identifier: BSD-2-Clause
"""The build cache: what was downloaded or computed once and holds for every checkout."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def check_writable() -> None:
    """Refuse a cache that cannot be written, before work is done that would be lost."""
    root().mkdir(parents=True, exist_ok=True)
    if not os.access(root(), os.W_OK):
        raise PermissionError(errno.EACCES, "Permission denied", str(root()))


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
    """Fill a scratch folder that becomes `final` in one step, or vanishes on failure.

    A process that is killed cannot make it vanish: the next one that wants the same does.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    sweep(final)
    scratch, handle = scratch_of(final)
    try:
        scratch.chmod(0o755)
        yield scratch
        if final.exists():
            shutil.rmtree(final)
        scratch.rename(final)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(handle)


def scratch_of(final: Path) -> tuple[Path, int]:
    """A scratch folder, and an open file that holds its lock: who fills it is alive."""
    while True:
        scratch = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
        with suppress(FileNotFoundError):  # swept away before it was locked
            handle = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError):  # a file system without such locks: nobody sweeps there
                fcntl.flock(handle, fcntl.LOCK_EX)
            if scratch.exists():
                return scratch, handle
            os.close(handle)


def sweep(final: Path) -> None:
    """Remove the scratch folders of processes that were killed."""
    name = re.compile(re.escape(f".{final.name}.") + r"[a-z0-9_]{8}")
    for left in [path for path in final.parent.iterdir() if name.fullmatch(path.name)]:
        with suppress(OSError):
            handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(handle)


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
