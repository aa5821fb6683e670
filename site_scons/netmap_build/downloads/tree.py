# SPDX-License-Identifier: BSD-2-Clause
"""What an archive may unpack to: every name inside one folder, no name twice, no way out.

No entry may lie behind a link, so unpacking never writes through one; and at the end every link
is followed among the names of the archive, so that none leads outside, not even through another.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..errors import BuildError
from .archive import FILE, FOLDER, HARD, LINK, Entry, Limits, Member, members, refused

LONGEST_NAME = 255
LONGEST_PATH = 4096
MOST_LINKS = 40  # followed in one path, as the kernel does


class Tree:
    """The names seen so far, and the checks that they pass."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self.archive = archive
        self.limits = limits
        self.kinds: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.links: dict[str, str] = {}
        self.entries = 0
        self.size = 0

    def refused(self, why: str) -> BuildError:
        return refused(self.archive, why)

    def parts(self, name: str) -> list[str]:
        """A name taken apart, or refused."""
        try:
            name.encode()
        except UnicodeEncodeError:
            raise self.refused(f"the name {name!r} is not UTF-8") from None
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
            raise self.refused(f"the name {name!r} has control characters")
        if name.startswith("/"):
            raise self.refused(f"the name {name!r} is absolute")
        found = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in found:
            raise self.refused(f"the name {name!r} leads upwards")
        if len(name.encode()) > LONGEST_PATH or any(
            len(part.encode()) > LONGEST_NAME for part in found
        ):
            raise self.refused(f"the name {name[:40]!r}... is too long")
        return found

    def place(self, path: str, kind: str) -> None:
        """Note a name and the folders above it."""
        above = path
        while above := posixpath.dirname(above):
            known = self.kinds.setdefault(above, FOLDER)
            if known != FOLDER:
                raise self.refused(f"{path!r} lies behind {above!r}, which is a {known}")
        before = self.kinds.get(path)
        if before is not None and not before == kind == FOLDER:
            raise self.refused(f"{path!r} is there twice, as a {before} and as a {kind}")
        self.kinds[path] = kind

    def add(self, entry: Entry, strip: int) -> Entry | None:
        """The entry by its place in the tree; None if it vanishes with the stripped folders."""
        self.entries += 1
        parts = self.parts(entry.path)[strip:]
        path = "/".join(parts)
        target = entry.target
        size = entry.size
        if entry.kind == HARD:
            target = "/".join(self.parts(target)[strip:])
            if parts and self.kinds.get(target) != FILE:
                raise self.refused(f"{path!r} is a hard link to {target!r}, no file before it")
            size = self.sizes.get(target, 0)
        self.size += size
        if size < 0 or self.size > self.limits.size:
            raise self.refused(f"it unpacks to more than {self.limits.size} bytes")
        if self.entries > self.limits.entries:
            raise self.refused(f"it has more than {self.limits.entries} entries")
        if not parts:
            if entry.kind == FOLDER or strip:
                return None
            raise self.refused("an entry has no name")
        if entry.kind == LINK:
            self.links[path] = target
        kind = FILE if entry.kind == HARD else entry.kind
        self.place(path, kind)
        if kind == FILE:
            self.sizes[path] = size
        return replace(entry, path=path, target=target, size=size)

    def follow(self, path: str, target: str) -> None:
        """Walk a link as the kernel would, and refuse it where that leaves the tree."""
        if not target or target.startswith("/") or len(target.encode("utf-8", "replace")) > 4095:
            raise self.refused(f"the link {path!r} leads to {target[:80]!r}")
        try:
            target.encode()
        except UnicodeEncodeError:
            raise self.refused(f"the link {path!r} leads to a name that is not UTF-8") from None
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in target):
            raise self.refused(f"the target of the link {path!r} has control characters")
        here = path.split("/")[:-1]
        ahead = target.split("/")[::-1]
        followed = 0
        while ahead:
            part = ahead.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not here:
                    raise self.refused(f"the link {path!r} leads outside, to {target!r}")
                here.pop()
                continue
            here.append(part)
            onward = self.links.get("/".join(here))
            if onward is not None:
                followed += 1
                if followed > MOST_LINKS:
                    raise self.refused(f"the link {path!r} goes round in circles")
                here.pop()
                ahead += onward.split("/")[::-1]

    def finish(self) -> None:
        """All names are known now."""
        if not self.kinds:
            raise self.refused("nothing is in it, or nothing is left after stripping")
        for path, target in self.links.items():
            self.follow(path, target)


def checked(archive: Path, strip: int, limits: Limits) -> Iterator[Member]:
    """The members of an archive, refused where they are unsafe; links are sound at the end."""
    tree = Tree(archive, limits)
    for entry, content in members(archive, limits):
        placed = tree.add(entry, strip)
        if placed is not None:
            yield placed, content
    tree.finish()
