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

VARIABLE = "NETMAP_BUILD_CACHE"


def root() -> Path:
    """$NETMAP_BUILD_CACHE, else netmap-build in the user's cache folder."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).absolute()
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "netmap-build"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process, and one thread, at a time; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


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
