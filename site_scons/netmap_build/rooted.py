# SPDX-License-Identifier: BSD-2-Clause
"""Writing under another root: links that stay inside, whole files or none, modes of our own.

A staged tree may hold absolute links (lib -> /usr/lib) that mean the tree's own /usr/lib, never
this machine's. Every path here is absolute inside its root.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MOST_LINKS = 40


class Loop(OSError):
    """More links than any real tree has."""


@dataclass(frozen=True)
class Root:
    """A folder that is `/` for what is written below it."""

    folder: Path

    def place(self, path: str) -> Path:
        """Where a path lies: the links of its folders followed inside the root, its own not."""
        pure = PurePosixPath(path)
        return self.follow(str(pure.parent)) / pure.name

    def follow(self, path: str) -> Path:
        """Where a path leads, all links followed, never out of the root."""
        left = deque(PurePosixPath(path).parts)
        inside: list[str] = []
        links = 0
        while left:
            part = left.popleft()
            if part == "/":
                inside.clear()
            elif part == "..":
                del inside[-1:]
            else:
                here = self.folder.joinpath(*inside, part)
                if here.is_symlink():
                    links += 1
                    if links > MOST_LINKS:
                        raise Loop(40, "too many symbolic links", str(here))
                    left.extendleft(reversed(PurePosixPath(here.readlink()).parts))
                else:
                    inside.append(part)
        return self.folder.joinpath(*inside)

    def name_of(self, place: Path) -> str:
        """The path of a place inside the root."""
        return "/" + place.relative_to(self.folder).as_posix()

    def missing_folders(self, path: str) -> list[str]:
        """The folders that have to be made so that a file can lie at a path, outermost first."""
        place = self.follow(str(PurePosixPath(path).parent))
        missing = []
        while place != self.folder and not place.is_dir():
            missing.append(self.name_of(place))
            place = place.parent
        return missing[::-1]

    def make_folder(self, path: str) -> None:
        """One folder, 0755 whatever the umask."""
        place = self.follow(path)
        place.mkdir()
        place.chmod(0o755)

    def content(self, path: str) -> str:
        """What lies at a path, as one word: a file's hash, a link's target, or nothing."""
        place = self.place(path)
        if place.is_symlink():
            return f"link {place.readlink()}"
        if place.is_file():
            return sha256(place.read_bytes())
        return "something else" if place.exists() else ""

    def mode(self, path: str) -> int:
        return self.place(path).lstat().st_mode & 0o7777

    def write(self, path: str, data: bytes, mode: int) -> None:
        """A whole file or none; what lay there is replaced in one step."""
        scratch = self.part(path)
        try:
            with scratch.open("xb") as out:
                out.write(data)
                out.flush()
                os.fchmod(out.fileno(), mode)
                os.fsync(out.fileno())
            scratch.replace(self.place(path))
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise

    def link(self, path: str, target: str) -> None:
        """A symbolic link; what lay there is replaced in one step."""
        scratch = self.part(path)
        try:
            scratch.symlink_to(target)
            scratch.replace(self.place(path))
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise

    def part(self, path: str) -> Path:
        """The name beside a path that it is written under first; nothing else has it."""
        place = self.place(path)
        scratch = place.with_name(f".{place.name}.netmap-part")
        scratch.unlink(missing_ok=True)
        return scratch

    def remove(self, path: str) -> None:
        """A file or link, and what an interrupted writer left beside it."""
        with suppress(NotADirectoryError):
            self.part(path)
            self.place(path).unlink(missing_ok=True)

    def remove_empty(self, path: str) -> bool:
        """A folder, if nothing is in it."""
        try:
            self.follow(path).rmdir()
        except OSError:
            return False
        return True


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
