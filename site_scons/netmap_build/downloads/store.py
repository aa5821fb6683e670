# SPDX-License-Identifier: BSD-2-Clause
"""The content-addressed cache of downloads.

sha256/<aa>/<hash>         a file by the hash of its bytes: complete, verified, read-only
tree-sha256/<aa>/<hash>    the sha256 of an archive that unpacks to this tree
partial/<kind>-<hash>      what was received so far; beside it a note for going on
locks/<kind>-<hash>        held by the process that fetches it
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from .. import cache
from .item import HASH, Download

CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class Kept:
    """One file of the cache, complete or partial."""

    path: Path
    size: int
    last_used: float  # seconds since the epoch


@dataclass(frozen=True)
class Store:
    """The downloads under one cache."""

    root: Path

    def file(self, sha256: str) -> Path:
        return self.root / "sha256" / sha256[:2] / sha256

    def index(self, tree_sha256: str) -> Path:
        return self.root / "tree-sha256" / tree_sha256[:2] / tree_sha256

    def partial(self, item: Download) -> Path:
        return self.root / "partial" / f"{item.kind}-{item.digest}"

    def locked(self, item: Download) -> AbstractContextManager[None]:
        """One process, or thread, at a time for one item; different items do not wait."""
        lock = self.root / "locks" / f"{item.kind}-{item.digest}"
        return cache.locked(lock, f"fetches {item.name}")

    def entry(self, item: Download) -> Path | None:
        """Where the item lies, sound or not."""
        sha256 = item.sha256
        if not sha256:
            try:
                sha256 = self.index(item.tree_sha256).read_text(errors="replace").strip()
            except OSError:
                return None
            if not HASH.fullmatch(sha256):
                return None
        path = self.file(sha256)
        return path if path.is_file() else None

    def find(self, item: Download) -> Path | None:
        """The item's file if it is there and still what it was when it was stored."""
        path = self.entry(item)
        if path is None:
            return None
        try:
            if sha256_of(path) != path.name:
                return None
            os.utime(path)
        except PermissionError:
            pass  # another user's cache, which may be read but not marked as used
        except OSError:
            return None
        return path

    def discard(self, item: Download) -> bool:
        """Forget a damaged entry; call it with the lock held. True if there was one."""
        path = self.entry(item)
        if path is not None:
            path.unlink(missing_ok=True)
        if item.tree_sha256:
            self.index(item.tree_sha256).unlink(missing_ok=True)
        return path is not None

    def add(self, item: Download, complete: Path, sha256: str) -> Path:
        """Move a verified file in; it appears in one step."""
        with complete.open("rb") as handle:
            os.fsync(handle.fileno())
        complete.chmod(0o444)
        final = self.file(sha256)
        final.parent.mkdir(parents=True, exist_ok=True)
        complete.replace(final)
        if item.tree_sha256:
            cache.write_if_changed(self.index(item.tree_sha256), sha256 + "\n")
        return final

    def kept(self) -> list[Kept]:
        """Every file of the cache, the one not used for longest first."""
        files = [*self.root.glob("sha256/*/*"), *self.root.glob("partial/*")]
        found = [Kept(path, path.stat().st_size, path.stat().st_mtime) for path in files]
        return sorted(found, key=lambda one: (one.last_used, one.path))

    def prune(self, days: float) -> int:
        """Remove what was not used for so many days; returns the bytes that this frees."""
        oldest = time.time() - days * 86400
        old = [one for one in self.kept() if one.last_used < oldest]
        for one in old:
            one.path.unlink(missing_ok=True)
        for index in self.root.glob("tree-sha256/*/*"):
            if not self.file(index.read_text(errors="replace").strip()).exists():
                index.unlink()
        return sum(one.size for one in old)
